package saml

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	message "gatehouse/backend/saml"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// oldest is how long ago a request to sign out may have been made that does not say how long it counts.
const oldest = time.Hour

// logout is the address for signing out: by itself it ends the session here and at the other side; it also takes requests and answers of the
// other side.
func (r *Room) logout(w http.ResponseWriter, req *http.Request) {
	s := r.open(w, req)
	if s == nil {
		return
	}
	var m *message.Message
	var err error
	if req.Method == http.MethodPost {
		m, err = readForm(w, req)
	} else {
		m, err = message.DecodeRedirect(req.URL.RawQuery)
	}
	switch {
	case err != nil:
		r.refuse(w, req, s, "Logout", err)
	case m == nil:
		r.leave(w, req, s)
	case m.Response:
		r.left(w, req, s, m)
	default:
		r.told(w, req, s, m)
	}
}

// leave signs out here and sends the browser to do so at the other side.
func (r *Room) leave(w http.ResponseWriter, req *http.Request, s *Source) {
	ctx := req.Context()
	at := session.Of(ctx)
	if at == nil || at.User == 0 {
		http.Redirect(w, req, "/flows/-/default/authentication/?"+url.Values{"next": {req.URL.Path}}.Encode(), http.StatusFound)
		return
	}
	bye, err := r.farewell(ctx, s, at.UUID, "")
	if err != nil {
		r.refuse(w, req, s, "LogoutRequest", err)
		return
	}
	if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := session.End(tx, at.UUID); err != nil {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.sources.saml"})
	}); err != nil {
		r.broken(w, req, err)
		return
	}
	r.Arrivals.Browser.EndCookie(w, req)
	r.lead(w, req, bye)
}

// away is where the browser goes next: to an address, or with a form.
type away struct {
	to   string
	form *flow.Submission
}

func (r *Room) lead(w http.ResponseWriter, req *http.Request, a away) {
	switch {
	case a.form != nil:
		r.Arrivals.Browser.Outcome(w, req, flow.Submit(a.form), "")
	case a.to != "":
		http.Redirect(w, req, a.to, http.StatusFound)
	default:
		http.Redirect(w, req, "/", http.StatusFound)
	}
}

// farewell makes the request to end a session at the other side too. A session that it does not know leads to its address without one.
func (r *Room) farewell(ctx context.Context, s *Source, uuid, relay string) (away, error) {
	if s.SLOURL == nil || *s.SLOURL == "" {
		return away{}, nil
	}
	var name, format, qualifiers, index string
	err := r.Store.DB().QueryRow(ctx, `SELECT name, format, qualifiers, session_index FROM saml_source_logins WHERE session = ? AND source = ?`, uuid, s.PK).Scan(&name, &format, &qualifiers, &index)
	if errors.Is(err, sql.ErrNoRows) {
		return away{to: *s.SLOURL}, nil
	}
	if err != nil {
		return away{}, err
	}
	el := r.root(ctx, s, "LogoutRequest", message.NewID(), *s.SLOURL)
	el.CreateAttr("NotOnOrAfter", message.Moment(r.Store.Now().Add(5*time.Minute)))
	n := el.CreateElement("saml:NameID")
	mine, sp, _ := strings.Cut(qualifiers, "\n")
	for _, q := range []struct{ name, value string }{{"NameQualifier", mine}, {"SPNameQualifier", sp}, {"Format", format}} {
		if q.value != "" {
			n.CreateAttr(q.name, q.value)
		}
	}
	n.SetText(name)
	if index != "" {
		el.CreateElement("samlp:SessionIndex").SetText(index)
	}
	to, form, err := r.pack(ctx, s, el, *s.SLOURL, s.SLOBinding != "post", false, relay)
	if err != nil {
		return away{}, err
	}
	r.Journal.Note(s.PK, source.Message{At: r.Store.Now(), What: "LogoutRequest", Sent: true, Good: true, About: name, ClientIP: store.ActorOf(ctx).HTTP.ClientIP})
	return away{to, form}, nil
}

// Farewell has whoever signs out go on to the other side of the source that they came from, when it wants to hear of it.
func (r *Room) Farewell(t *stage.Turn) error {
	var pk string
	err := r.Store.DB().QueryRow(t.Ctx, `SELECT source FROM saml_source_logins WHERE session = ? ORDER BY source LIMIT 1`, t.Session.UUID).Scan(&pk)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	s, err := store.Get[Source](t.Ctx, r.Store, pk)
	if err != nil || !s.Enabled || s.KeepOther || s.SLOURL == nil || *s.SLOURL == "" {
		return err
	}
	next := t.Request.Query.Get("next")
	if !flow.SafeNext(next) {
		next = ""
	}
	bye, err := r.farewell(t.Ctx, s, t.Session.UUID, next)
	if fault.Is(err, fault.Invalid) { // whoever signs out must not be kept from it
		r.Log.WarnContext(t.Ctx, "the other side of a SAML source can't be told of a sign-out", "source", s.Slug, "error", err, "logger", "gatehouse.source.saml")
		return nil
	}
	if err != nil {
		return err
	}
	if bye.form != nil {
		t.Plan.Append(stage.Step{Inline: flow.AutosubmitStep, Params: map[string]any{"url": bye.form.URL, "attrs": bye.form.Attrs, "title": bye.form.Title}})
	} else {
		t.Plan.Context[stage.RedirectTo] = bye.to
	}
	return nil
}

// left takes the other side's answer to a request to sign out. The session here is over already.
func (r *Room) left(w http.ResponseWriter, req *http.Request, s *Source, m *message.Message) {
	err := r.farewelled(req.Context(), s, m)
	var no *declined
	if errors.As(err, &no) {
		err = &refusal{say: "You are signed out here. " + s.Name + " could not sign you out everywhere: sign out there too, or close the browser.", came: no.code + " " + clip(no.text)}
	}
	if err != nil {
		r.refuse(w, req, s, "LogoutResponse", err)
		return
	}
	r.note(req, s, source.Message{What: "LogoutResponse", Good: true})
	to := m.RelayState
	if to == "" || !flow.SafeNext(to) {
		to = "/"
	}
	http.Redirect(w, req, to, http.StatusFound)
}

func (r *Room) farewelled(ctx context.Context, s *Source, m *message.Message) error {
	c, err := r.rules(ctx, s)
	if err != nil {
		return err
	}
	el := m.Root
	if m.Signed() && len(c.trust.Certificates) > 0 {
		if el, err = c.trust.VerifyMessage(m); err != nil {
			return err
		}
	}
	if !message.Is(el, message.Protocol, "LogoutResponse") {
		return &refusal{say: "The other side sent another message than a LogoutResponse.", came: el.Tag, expected: "LogoutResponse"}
	}
	if _, err := c.issuerOf(el, false); err != nil {
		return err
	}
	return success(el)
}

// told takes the other side's request to end the sessions of somebody.
func (r *Room) told(w http.ResponseWriter, req *http.Request, s *Source, m *message.Message) {
	ctx := req.Context()
	id, name, err := r.end(w, req, s, m)
	if err != nil {
		r.refuse(w, req, s, "LogoutRequest", err)
		return
	}
	r.note(req, s, source.Message{What: "LogoutRequest", Good: true, About: name})
	if s.SLOURL == nil || *s.SLOURL == "" {
		http.Redirect(w, req, "/", http.StatusFound)
		return
	}
	el := r.root(ctx, s, "LogoutResponse", message.NewID(), *s.SLOURL)
	el.CreateAttr("InResponseTo", id)
	el.CreateElement("samlp:Status").CreateElement("samlp:StatusCode").CreateAttr("Value", statusSuccess)
	to, form, err := r.pack(ctx, s, el, *s.SLOURL, s.SLOBinding != "post", true, m.RelayState)
	if err != nil {
		r.refuse(w, req, s, "LogoutResponse", err)
		return
	}
	r.note(req, s, source.Message{What: "LogoutResponse", Sent: true, Good: true, About: name})
	r.lead(w, req, away{to, form})
}

// end proves a request to sign out and ends what it is about.
func (r *Room) end(w http.ResponseWriter, req *http.Request, s *Source, m *message.Message) (id, name string, err error) {
	ctx := req.Context()
	c, err := r.rules(ctx, s)
	if err != nil {
		return "", "", err
	}
	if !m.Signed() {
		return "", "", &refusal{say: "The LogoutRequest is not signed, so that anybody could have sent it."}
	}
	el, err := c.trust.VerifyMessage(m)
	if err != nil {
		return "", "", err
	}
	if !message.Is(el, message.Protocol, "LogoutRequest") {
		return "", "", &refusal{say: "The other side sent another message than a LogoutRequest.", came: el.Tag, expected: "LogoutRequest"}
	}
	if err := version(el); err != nil {
		return "", "", err
	}
	issuer, err := c.issuerOf(el, true)
	if err != nil {
		return "", "", err
	}
	if to, own := el.SelectAttrValue("Destination", ""), sloURL(ctx, s); to != own {
		return "", "", &refusal{say: "The LogoutRequest was sent to another address (Destination) than this one.", came: to, expected: own}
	}
	made, err := moment(el, "IssueInstant")
	if err != nil {
		return "", "", err
	}
	until, err := c.within(el)
	if err != nil {
		return "", "", err
	}
	if until.IsZero() {
		until = made.Add(oldest)
	}
	if id = el.SelectAttrValue("ID", ""); id == "" || made.IsZero() || c.now.Sub(made) > oldest+skew || made.Sub(c.now) > skew {
		return "", "", &refusal{say: "The LogoutRequest does not say when it was made, or that was not just now (IssueInstant).", came: el.SelectAttrValue("IssueInstant", ""), expected: message.Moment(c.now)}
	}
	if name, _, _, err = c.nameOf(el); err != nil {
		return "", "", err
	}
	indexes, err := indexesOf(el)
	if err != nil {
		return "", "", err
	}
	own := session.Of(ctx)
	return id, name, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		fresh, err := once(tx, s.PK, "logout", issuer, id, until.Add(skew))
		if err != nil {
			return err
		}
		if !fresh {
			return &refusal{say: "This LogoutRequest was used already.", came: id}
		}
		all, err := sessionsOf(tx, s.PK, name, indexes)
		if err != nil {
			return err
		}
		for _, k := range all {
			if err := session.End(tx, k.uuid); err != nil {
				return err
			}
			if err := r.Events.EmitTx(tx, event.Entry{
				Action: event.Logout, App: "authentik.sources.saml", User: &k.who, Context: map[string]any{"logout_reason": s.Name + " asked for it", "source": r.reference(s)},
			}); err != nil {
				return err
			}
			if own != nil && own.UUID == k.uuid {
				tx.AfterCommit(func() { r.Arrivals.Browser.EndCookie(w, req) })
			}
		}
		return nil
	})
}

func indexesOf(el *etree.Element) ([]string, error) {
	var out []string
	for _, x := range message.Children(el, message.Protocol, "SessionIndex") {
		text, err := message.Text(x)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// known is a session that the other side knows.
type known struct {
	uuid string
	who  event.Who
}

// sessionsOf gives the sessions of a name at a source: those of the indexes that are named, or all.
func sessionsOf(tx *store.Tx, src, name string, indexes []string) (out []known, err error) {
	rows, err := tx.Query(`SELECT l.session, l.session_index, u.pk, u.username, u.email FROM saml_source_logins l
		JOIN sessions s ON s.uuid = l.session JOIN users u ON u.pk = s."user" WHERE l.source = ? AND l.name = ?`, src, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k known
		var index string
		if err := rows.Scan(&k.uuid, &index, &k.who.PK, &k.who.Username, &k.who.Email); err != nil {
			return nil, err
		}
		if len(indexes) == 0 || index == "" || slices.Contains(indexes, index) {
			out = append(out, k)
		}
	}
	return out, rows.Err()
}
