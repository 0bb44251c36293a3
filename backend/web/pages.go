package web

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"gatehouse/backend/brand"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/web/page"
)

// Screen shows the pages of the house: it adds to page what belongs to HTTP.
type Screen struct {
	Pages   *page.Pages
	Brands  *brand.Room
	Texts   *text.Tables
	Cookies Cookies
	Log     *slog.Logger
}

// around gives what every page has, and sets the headers that a page needs. lead are further origins that a form may lead to.
func (s *Screen) around(w http.ResponseWriter, r *http.Request, lead ...string) page.Around {
	ctx := r.Context()
	l := Lang(ctx)
	if l == nil {
		l = s.Texts.Choose(text.Accepted(r.Header.Get("Accept-Language"))...)
	}
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails since Go 1.24
	a := page.Around{Lang: l, Nonce: base64.RawStdEncoding.EncodeToString(raw[:]), Languages: s.Texts.Tags(), Name: s.Texts.Name, URL: r.URL.RequestURI(), Brand: page.Brand{Title: "Gatehouse", Theme: "automatic"}}
	host := store.ActorOf(ctx).HTTP.Host
	if host == "" {
		host = r.Host
	}
	if b, err := s.Brands.For(ctx, host); err == nil {
		a.Brand = page.Brand{Title: b.Title, Logo: b.Logo, Favicon: b.Favicon, Theme: b.Theme(), Accent: b.Accent()}
	}
	if st, err := s.Brands.Settings(ctx); err == nil {
		for _, f := range st.FooterLinks {
			a.Links = append(a.Links, page.Link{Name: f.Name, Href: f.Href})
		}
	}
	if sess := session.Of(ctx); sess != nil {
		a.CSRF = s.Cookies.Sessions.CSRF(sess)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept-Language")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+a.Nonce+"'; img-src 'self' data: https:; connect-src 'self'; form-action "+
		strings.Join(append([]string{"'self'"}, lead...), " ")+"; base-uri 'none'; frame-ancestors 'self'")
	return a
}

// drafts are used again: a page grows to some ten thousand bytes.
var drafts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (s *Screen) write(w http.ResponseWriter, r *http.Request, status int, draw func(b *bytes.Buffer) error) {
	b := drafts.Get().(*bytes.Buffer)
	defer drafts.Put(b)
	b.Reset()
	if err := draw(b); err != nil {
		s.Log.ErrorContext(r.Context(), "page can't be drawn", "path", r.URL.Path, "error", err)
		http.Error(w, "The page can't be shown. The log has the details.", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // the caller has gone away
	}
}

// Say shows a message.
func (s *Screen) Say(w http.ResponseWriter, r *http.Request, status int, m page.Message, lead ...string) {
	links, form := m.Links, m.Form
	m.Around = s.around(w, r, lead...)
	m.Links, m.Form = links, form
	s.write(w, r, status, func(b *bytes.Buffer) error { return s.Pages.Message(b, m) })
}

// T gives a sentence in the language of the request.
func (s *Screen) T(r *http.Request, key string, args ...any) string {
	l := Lang(r.Context())
	if l == nil {
		l = s.Texts.Choose(text.Accepted(r.Header.Get("Accept-Language"))...)
	}
	return l.Say(key, args...)
}

// NotFound shows that there is no such page.
func (s *Screen) NotFound(w http.ResponseWriter, r *http.Request) {
	s.Say(w, r, http.StatusNotFound, page.Message{
		Status: "notice", Title: s.T(r, "flow.error.not_found"), Text: []string{s.T(r, "flow.error.not_found_text")}, Links: []page.Button{{Label: s.T(r, "flow.home"), Href: "/", Primary: true}},
	})
}

// Problem implements oauth2.Browser.
func (s *Screen) Problem(w http.ResponseWriter, r *http.Request, status int, key, detail string) {
	m := page.Message{Status: "danger", Title: s.T(r, "flow.client.title"), Text: []string{s.T(r, key)}, Detail: detail}
	switch key {
	case "flow.client.client_id":
		m.Detail = s.T(r, "flow.client.code_client") + ": " + detail
	case "flow.client.redirect_uri":
		m.Detail = s.T(r, "flow.client.code") + ": " + detail
	case "flow.client.title":
		m.Text = nil
	case "flow.error.not_found":
		s.NotFound(w, r)
		return
	case "flow.source.failed":
		m.Title, m.Text, m.Detail = s.T(r, "flow.source.failed"), []string{detail}, ""
		m.Links = []page.Button{{Label: s.T(r, "flow.try_again"), Href: "/flows/-/default/authentication/", Primary: true}}
	case "flow.error.title":
		m.Title, m.Text = s.T(r, key), []string{s.T(r, "flow.error.text", "id", RequestID(r.Context()))}
	}
	s.Say(w, r, status, m)
}

// Denied implements oauth2.Browser.
func (s *Screen) Denied(w http.ResponseWriter, r *http.Request, app string, messages []string) {
	m := page.Message{
		Status: "danger", Title: s.T(r, "flow.denied.app_title", "app", app), Text: append([]string{s.T(r, "flow.denied.app", "app", app)}, messages...),
		Links: []page.Button{{Label: s.T(r, "flow.home"), Href: "/if/user/", Primary: true}, {Label: s.T(r, "flow.denied.other"), Href: "/flows/-/default/invalidation/"}},
	}
	if name := store.ActorOf(r.Context()).Username; name != "" {
		m.Text = append(m.Text, s.T(r, "flow.denied.who", "user", name))
	}
	m.Text = append(m.Text, s.T(r, "flow.denied.ask"))
	s.Say(w, r, http.StatusForbidden, m)
}

// Cookie implements oauth2.Browser.
func (s *Screen) Cookie(w http.ResponseWriter, r *http.Request, sess *session.Session, key string) {
	s.Cookies.Set(w, r, sess, key)
}

// EndCookie implements oauth2.Browser.
func (s *Screen) EndCookie(w http.ResponseWriter, r *http.Request) { s.Cookies.Clear(w, r) }

// Outcome implements oauth2.Browser: cookies, then the address that follows. A flow that asks something is continued on its own page.
func (s *Screen) Outcome(w http.ResponseWriter, r *http.Request, o flow.Outcome, query string) {
	s.cookies(w, r, o)
	if o.To != "" {
		http.Redirect(w, r, o.To, http.StatusFound)
		return
	}
	if o.Challenge != nil && (o.Challenge.Final() || o.Challenge.Component == "ak-stage-autosubmit") {
		s.challenge(w, r, o)
		return
	}
	http.Redirect(w, r, flow.PageURL(o.Flow.Slug, query), http.StatusFound)
}

func (s *Screen) cookies(w http.ResponseWriter, r *http.Request, o flow.Outcome) {
	Prove(w, r, o.Proof)
	if o.Started != nil {
		s.Cookies.Set(w, r, o.Started, o.Key)
	} else if o.Ended {
		s.Cookies.Clear(w, r)
	}
}

// challenge shows what a flow asks.
func (s *Screen) challenge(w http.ResponseWriter, r *http.Request, o flow.Outcome) {
	lead := leads(r)
	if form, ok := o.Challenge.Value.(*flow.Submission); ok { // a form for somebody else leads to them
		if to := origin(form.URL); to != "" && !slices.Contains(lead, to) {
			lead = append(lead, to)
		}
	}
	d := page.FlowPage{Around: s.around(w, r, lead...), Challenge: o.Challenge, Action: r.URL.RequestURI(), Cancel: o.Challenge.Info.CancelURL, Deny: o.Challenge.Deny}
	if v, ok := o.Challenge.Value.(interface{ Origins() []string }); ok {
		widen(w.Header(), v.Origins())
	}
	if r.Method == http.MethodPost {
		d.Typed = r.PostForm // what was typed stays, but for passwords
	}
	if o.Started != nil {
		d.CSRF = s.Cookies.Sessions.CSRF(o.Started)
	}
	status := http.StatusOK
	switch o.Challenge.Component {
	case "ak-stage-access-denied":
		status = http.StatusForbidden
	case "ak-stage-flow-error":
		status = http.StatusInternalServerError
	}
	s.write(w, r, status, func(b *bytes.Buffer) error { return s.Pages.Flow(b, d) })
}

// widen lets a page load the parts of another site's widget: its scripts, styles and frames, and what they ask for.
func widen(h http.Header, origins []string) {
	const name = "Content-Security-Policy"
	if len(origins) == 0 {
		return
	}
	from := strings.Join(origins, " ")
	var out []string
	for d := range strings.SplitSeq(h.Get(name), "; ") {
		switch word, _, _ := strings.Cut(d, " "); word {
		case "script-src", "style-src", "connect-src":
			d += " " + from
		}
		out = append(out, d)
	}
	h.Set(name, strings.Join(append(out, "frame-src "+from), "; "))
}

// leavesBy says whether an address leads, or leads on, to an origin that the form of a page could not know: browsers would hold the form's
// policy against that redirect, so that a page has to lead there.
func leavesBy(r *http.Request, to string) bool {
	if strings.HasPrefix(to, "/source/") || strings.HasPrefix(to, "/application/saml/") {
		return true
	}
	src := origin(to)
	return src != "" && !slices.Contains(leads(r), src)
}

// leads gives the origins that the form of a flow may end at: browsers hold form-action against the redirects that follow a form too. They
// are read from the request's own parameters, which name where the flow goes on: the redirect URI of an authorization request, here or
// behind next.
func leads(r *http.Request) []string {
	var out []string
	add := func(q url.Values) {
		if src := origin(q.Get("redirect_uri")); src != "" && !slices.Contains(out, src) {
			out = append(out, src)
		}
	}
	q := r.URL.Query()
	add(q)
	if next, err := url.Parse(q.Get("next")); err == nil {
		add(next.Query())
	}
	return out
}

// origin gives scheme and host of an address as a policy has them: the scheme alone of one that has no host, "" for none.
func origin(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme == "" {
		return ""
	}
	src := u.Scheme + ":"
	if u.Scheme == "http" || u.Scheme == "https" {
		if u.Host == "" {
			return ""
		}
		src = u.Scheme + "://" + u.Host
	}
	if strings.ContainsAny(src, " ;,'\"\r\n") {
		return ""
	}
	return src
}
