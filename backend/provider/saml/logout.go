package saml

import (
	"net/http"
	"net/url"
	"time"

	"github.com/beevik/etree"
	csaml "github.com/crewjam/saml"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	message "gatehouse/backend/saml"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

func (r *Room) endRedirect(w http.ResponseWriter, req *http.Request) {
	r.end(w, req, message.Redirect)
}
func (r *Room) endPosted(w http.ResponseWriter, req *http.Request) { r.end(w, req, message.Post) }

// end answers a LogoutRequest. One that the application has signed, about whoever is signed in at this browser, ends the session; any other
// ends nothing: without a certificate of the application the person is asked, with one the message is refused.
func (r *Room) end(w http.ResponseWriter, req *http.Request, binding string) {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	v, err := r.bySlug(ctx, req.PathValue("slug"))
	if err != nil {
		r.broken(w, req, err)
		return
	}
	page := "/if/session-end/" + url.PathEscape(v.app.Slug) + "/"
	m, err := message.DecodeRedirect(req.URL.RawQuery)
	if err == nil && m == nil {
		err = fault.New(fault.Invalid, missing)
	}
	if err != nil {
		r.refuse(w, req, v, err)
		return
	}
	if m.Response { // an answer to nothing: this side asks nobody to sign out
		http.Redirect(w, req, page, http.StatusFound)
		return
	}
	m.Binding = binding
	el, err := v.believed(m)
	if err == nil && !message.Is(el, message.Protocol, "LogoutRequest") {
		err = fault.Newf(fault.Invalid, "The application sent “%s” where a LogoutRequest belongs.", clip(el.Tag))
	}
	if err != nil {
		r.refuse(w, req, v, err)
		return
	}
	if v.p.Verification == nil {
		http.Redirect(w, req, page, http.StatusFound)
		return
	}
	s := session.Of(ctx)
	u, err := r.Sessions.User(ctx, s)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if u != nil {
		if err := r.meant(req, v, el, u, s); err != nil {
			if fault.As(err).Kind == fault.Invalid && v.p.SLOURL != "" {
				r.ended(w, req, v, el, m.RelayState, csaml.StatusRequester, csaml.StatusUnknownPrincipal, fault.As(err).Say)
				return
			}
			r.refuse(w, req, v, err)
			return
		}
		err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			if err := session.End(tx, s.UUID); err != nil {
				return err
			}
			return r.Events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.providers.saml"})
		})
		if err != nil {
			r.broken(w, req, err)
			return
		}
		r.Browser.EndCookie(w, req)
	}
	if v.p.SLOURL == "" {
		http.Redirect(w, req, page, http.StatusFound)
		return
	}
	r.ended(w, req, v, el, m.RelayState, csaml.StatusSuccess, "", "")
}

// named reads whom a request to sign out is about, and holds that it still counts.
func named(el *etree.Element, now time.Time) (name, format string, err error) {
	end, err := message.ReadMoment("NotOnOrAfter", el.SelectAttrValue("NotOnOrAfter", ""))
	if err != nil {
		return "", "", err
	}
	if !end.IsZero() && now.After(end.Add(csaml.MaxClockSkew)) {
		return "", "", fault.Newf(fault.Invalid, "The LogoutRequest counted until %s; it is %s now.", message.Moment(end), message.Moment(now))
	}
	n, err := message.Child(el, message.Assertion, "NameID")
	if err != nil {
		return "", "", err
	}
	if name, err = message.Text(n); err != nil {
		return "", "", err
	}
	if name == "" {
		return "", "", fault.New(fault.Invalid, "The LogoutRequest names nobody.")
	}
	return name, n.SelectAttrValue("Format", message.NameUnspecified), nil
}

// meant holds that a request to sign out is about the person who is signed in.
func (r *Room) meant(req *http.Request, v *served, el *etree.Element, u *user.User, s *session.Session) error {
	name, format, err := named(el, r.Store.Now())
	if err != nil {
		return err
	}
	own, err := r.nameID(req.Context(), v, u, format, s, false)
	if err != nil {
		return err
	}
	if own != name {
		return fault.New(fault.Invalid, "The LogoutRequest is about somebody else than who is signed in.")
	}
	return nil
}

// ended sends the application the answer to its request to sign out.
func (r *Room) ended(w http.ResponseWriter, req *http.Request, v *served, to *etree.Element, relay, code, more, say string) {
	el := root("LogoutResponse", message.NewID(), v.p.SLOURL, to.SelectAttrValue("ID", ""), v.p.Issuer, r.Store.Now())
	status(el, code, more, say)
	if err := v.seal(el, v.p.SLOBinding == "post"); err != nil {
		r.broken(w, req, err)
		return
	}
	out, err := send(el, true, v.p.SLOURL, v.p.SLOBinding, relay, v.key)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.pass(w, req, v, v.p.SLOURL, out)
}
