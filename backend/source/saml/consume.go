package saml

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"gatehouse/backend/arrival"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	message "gatehouse/backend/saml"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/span"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// again marks a form that this page itself had the browser send.
const again = "again"

// consume takes the answer of the other side (the assertion consumer service).
func (r *Room) consume(w http.ResponseWriter, req *http.Request) {
	s := r.open(w, req)
	if s == nil {
		return
	}
	m, err := readForm(w, req)
	if err == nil && (m == nil || !m.Response) {
		err = &refusal{say: "There is no answer of the other side in what the browser brought (SAMLResponse)."}
	}
	if err != nil {
		r.refuse(w, req, s, "Response", err)
		return
	}
	// The other side's page sends the form, and browsers keep the cookie of a session (SameSite=Lax) from such a request. Sent again by a page
	// of ours the same form has it. What it holds is looked at only then.
	if session.Of(req.Context()) == nil && req.PostForm.Get(again) == "" {
		form := &flow.Submission{URL: acsURL(req.Context(), s), Attrs: map[string]string{again: "yes", "SAMLResponse": req.PostForm.Get("SAMLResponse")}, Title: "Signing in..."}
		if m.RelayState != "" {
			form.Attrs["RelayState"] = m.RelayState
		}
		r.Arrivals.Browser.Outcome(w, req, flow.Submit(form), "")
		return
	}
	a, v, err := r.visitor(req.Context(), s, m)
	var no *declined
	if errors.As(err, &no) {
		err = r.saying(req.Context(), s, no)
	}
	if err != nil {
		r.refuse(w, req, s, "Response", err)
		return
	}
	r.note(req, s, source.Message{What: "Response", Good: true, About: a.name})
	r.Arrivals.Arrive(w, req, v)
}

// readForm reads the message of a form; nil for none.
func readForm(w http.ResponseWriter, req *http.Request) (*message.Message, error) {
	req.Body = http.MaxBytesReader(w, req.Body, maxForm)
	if err := req.ParseForm(); err != nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			return nil, fault.Newf(fault.Invalid, "The message is larger than %d KiB.", message.MaxXML>>10)
		}
		return nil, fault.New(fault.Invalid, "The form that the browser sent can't be read; it arrived damaged.")
	}
	return message.DecodePost(req.PostForm)
}

// saying gives in words that the other side signed nobody in. Its own words are shown to whoever asked it: anybody can write any others.
func (r *Room) saying(ctx context.Context, s *Source, no *declined) error {
	text := clip(no.text)
	if text == "" {
		text = no.code
	}
	if r.Arrivals.Away(ctx, s.PK, no.state) != nil {
		return &refusal{say: s.Name + " did not sign you in: " + text, came: no.code}
	}
	return &refusal{say: s.Name + " did not sign anybody in.", came: no.code + " " + clip(no.text)}
}

// rules gives what responses of a source are held against.
func (r *Room) rules(ctx context.Context, s *Source) (*rules, error) {
	c := &rules{acs: acsURL(ctx, s), entity: entityID(ctx, s), issuer: s.IdP, unsigned: s.AllowUnsigned, now: r.Store.Now()}
	var err error
	if c.trust, err = r.trust(ctx, s); err != nil {
		return nil, err
	}
	c.key, err = r.decrypter(ctx, s)
	return c, err
}

// visitor proves an answer and gives who it is about.
func (r *Room) visitor(ctx context.Context, s *Source, m *message.Message) (*answer, *arrival.Visitor, error) {
	c, err := r.rules(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	a, err := c.read(m.Root)
	if err != nil {
		return nil, nil, err
	}
	at := session.Of(ctx)
	next := m.RelayState
	if a.state == "" {
		if !s.IdPInitiated {
			return nil, nil, &refusal{say: "Nobody here asked for this sign-in (it has no InResponseTo), and the source does not take sign-ins that the other side begins."}
		}
	} else {
		away := r.Arrivals.Away(ctx, s.PK, a.state)
		if away == nil {
			return nil, nil, &refusal{say: "The answer belongs to a sign-in of another browser, or to one that began too long ago (InResponseTo). Begin again.", came: a.state}
		}
		next = away.Next
	}
	v, err := s.visitor(a, next)
	if err != nil {
		return nil, nil, err
	}
	return a, v, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if a.state != "" {
			if err := arrival.Back(tx, at, a.state); err != nil {
				return err
			}
		}
		fresh, err := once(tx, s.PK, "assertion", a.issuer, a.id, a.until.Add(skew))
		if err == nil && !fresh {
			err = &refusal{say: "This answer was used already. Begin again.", came: a.id}
		}
		return err
	})
}

// once notes a message and says whether it is the first time.
func once(tx *store.Tx, src, what, issuer, id string, until time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(what + "\n" + issuer + "\n" + id))
	res, err := tx.Exec(`INSERT INTO saml_source_seen (source, id, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, src, hex.EncodeToString(sum[:]), until.UnixMicro())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// CleanUp forgets messages that are too old to come again. It gives how many.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM saml_source_seen WHERE expires < ?`, tx.Now.UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}

// Under these names other sides tell an address and a person's name.
var (
	emailNames = []string{"email", "mail", "emailAddress", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1"}
	fullNames  = []string{"name", "displayName", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241", "cn", "urn:oid:2.5.4.3"}
)

func (a *answer) first(names ...string) string {
	for _, n := range names {
		for _, v := range a.attributes[n] {
			if v != "" {
				return v
			}
		}
	}
	return ""
}

// flat gives the attributes with single values alone, as published.
func (a *answer) flat() map[string]any {
	out := map[string]any{}
	for name, values := range a.attributes {
		if len(values) == 1 {
			out[name] = values[0]
			continue
		}
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		out[name] = list
	}
	return out
}

// ours tells names of enrolment data that the house itself acts on; the other side must not fill them in.
func ours(name string) bool {
	switch name {
	case "username", "email", "name", "is_active", "path", "type", "password", "attributes", "component":
		return true
	}
	return strings.HasPrefix(name, "attributes.") || strings.HasPrefix(name, "attributes_") || strings.HasPrefix(name, "goauthentik.io/")
}

// visitor makes a visitor of an answer.
func (s *Source) visitor(a *answer, next string) (*arrival.Visitor, error) {
	if len([]rune(a.name)) > 255 {
		return nil, &refusal{say: "The name of the person is longer than 255 characters.", came: a.name}
	}
	v := &arrival.Visitor{
		Source: s, Connection: connection, Identifier: a.name, Username: a.name, Email: a.first(emailNames...), Name: a.first(fullNames...), Next: next, Unasked: a.state == "",
		Data: map[string]any{},
	}
	if s.UsernameFrom != "" {
		if v.Username = a.first(s.UsernameFrom); v.Username == "" {
			return nil, &refusal{say: "The answer lacks the attribute that usernames come from.", expected: s.UsernameFrom}
		}
	}
	if v.Email == "" && a.format == message.NameEmail {
		v.Email = a.name
	}
	all := a.flat()
	for name, value := range all {
		if !ours(name) {
			v.Data[name] = value
		}
	}
	v.Extra = map[string]any{"saml_response": map[string]any{
		"issuer": a.issuer, "name_id": a.name, "name_id_format": a.format, "session_index": a.index, "attributes": all,
	}}
	if a.format == message.NameTransient {
		life, err := span.Parse(s.TemporaryLife)
		if err != nil {
			return nil, err
		}
		v.Temporary = life
	}
	known := map[string]any{"source": s.PK, "name": a.name, "format": a.format, "qualifiers": a.qualifiers, "index": a.index}
	if !a.ends.IsZero() {
		known["ends"] = message.Moment(a.ends)
	}
	v.Steps = []stage.Step{{Inline: joinStep, Params: known}}
	return v, nil
}

// joinStep is the step that notes as whom the other side knows a session.
const joinStep = "saml source session"

// Join is the step.
type Join struct{}

var _ stage.Inline = Join{}

// Name implements stage.Inline.
func (Join) Name() string { return joinStep }

// Take implements stage.Inline; there is nothing to answer.
func (j Join) Take(t *stage.Turn, params map[string]any, _ map[string]json.RawMessage) stage.Result {
	return j.Show(t, params)
}

// Show implements stage.Inline. The session ends with that at the other side at the latest.
func (Join) Show(t *stage.Turn, params map[string]any) stage.Result {
	if t.Session == nil || t.Session.User == 0 {
		return stage.Done() // the flow signed nobody in
	}
	text := func(name string) string { s, _ := params[name].(string); return s }
	ends, err := message.ReadMoment("SessionNotOnOrAfter", text("ends"))
	if err != nil {
		return stage.Fail(err)
	}
	if soon := t.Now.Add(skew); !ends.IsZero() && ends.Before(soon) { // over already by a clock that is ahead
		ends = soon
	}
	uuid := t.Session.UUID
	return stage.Done().Writing(func(tx *store.Tx) error {
		if !ends.IsZero() {
			if err := session.EndBy(tx, uuid, ends); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO saml_source_logins (session, source, name, format, qualifiers, session_index)
			SELECT ?, pk, ?, ?, ?, ? FROM object WHERE pk = ?
			ON CONFLICT (session, source) DO UPDATE SET name = excluded.name, format = excluded.format, qualifiers = excluded.qualifiers, session_index = excluded.session_index`,
			uuid, text("name"), text("format"), text("qualifiers"), text("index"), text("source"))
		return err
	})
}

// Moved lets the other side know a session under the one that it went on as.
func Moved(tx *store.Tx, from, to string) error {
	_, err := tx.Exec(`UPDATE saml_source_logins SET session = ? WHERE session = ?`, to, from)
	return err
}
