package web

import (
	"net/http"
	"time"

	"gatehouse/backend/session"
	"gatehouse/backend/stage"
)

// Cookies sets and reads the cookies of sessions. Their names are the published ones, but on the desktop's own listener: cookies ignore
// ports.
type Cookies struct{ Sessions *session.Room }

// Set gives a browser the session that began.
func (c Cookies) Set(w http.ResponseWriter, r *http.Request, s *session.Session, key string) {
	base := http.Cookie{Path: "/", SameSite: http.SameSiteLaxMode, Secure: Facts(r).Scheme == "https"}
	if s.Data.Keep {
		base.MaxAge = int(time.Until(s.Expires).Seconds())
	}
	id, csrf := base, base
	id.Name, id.Value, id.HttpOnly = CookieName(r.Context()), key, true
	csrf.Name, csrf.Value = CSRFCookieName(r.Context()), c.Sessions.CSRF(s)
	http.SetCookie(w, &id)
	http.SetCookie(w, &csrf)
}

// Clear takes the session away from a browser.
func (c Cookies) Clear(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{CookieName(r.Context()), CSRFCookieName(r.Context())} {
		http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, SameSite: http.SameSiteLaxMode, Secure: Facts(r).Scheme == "https"})
	}
}

// Renew sets the CSRF cookie when the browser lost it.
func (c Cookies) Renew(w http.ResponseWriter, r *http.Request) {
	s := session.Of(r.Context())
	if s == nil {
		return
	}
	if ck, err := r.Cookie(CSRFCookieName(r.Context())); err == nil && c.Sessions.CSRFOK(s, ck.Value) {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: CSRFCookieName(r.Context()), Value: c.Sessions.CSRF(s), Path: "/", SameSite: http.SameSiteLaxMode, Secure: Facts(r).Scheme == "https"})
}

// CSRFHeader is where scripts send the token.
const CSRFHeader = "X-authentik-CSRF"

// Checked says whether a change that a script asks for carries the token of its session.
func (c Cookies) Checked(r *http.Request) bool {
	s := session.Of(r.Context())
	return s != nil && c.Sessions.CSRFOK(s, r.Header.Get(CSRFHeader))
}

// CheckedForm says whether a form that was sent carries the token of its session.
func (c Cookies) CheckedForm(r *http.Request) bool {
	s := session.Of(r.Context())
	return s != nil && c.Sessions.CSRFOK(s, r.PostFormValue("csrf"))
}

// provenCookie holds the proof of a second factor, under its published name.
const provenCookie = "authentik_mfa"

// Proven gives what a browser carries of a second factor that was proven before, "" for nothing.
func Proven(r *http.Request) string {
	c, err := r.Cookie(provenCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// Prove has the browser carry the proof of a second factor; nil leaves what it has. Scripts never see it.
func Prove(w http.ResponseWriter, r *http.Request, c *stage.Proof) {
	if c == nil {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: provenCookie, Value: c.Value, Path: "/", MaxAge: int(c.Life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: Facts(r).Scheme == "https"})
}
