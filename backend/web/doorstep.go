package web

import (
	"net/http"

	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/web/page"
)

// A link that works once must not be used up by a program that looks at every address in a mail before its reader does. So opening it
// shows a button, and only the button takes it up: such programs send no forms.

// opened is the member of the form that the button sends.
const opened = "open_link"

// doorstep answers for a page that was opened by a link. It says whether it did: the form of another page goes on to the flow.
func (f *Flows) doorstep(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if _, err := store.Find[flow.Flow](r.Context(), f.Store, "slug", r.PathValue("slug")); err != nil {
			f.broken(w, r, err)
			return true
		}
		f.Say(w, r, http.StatusOK, page.Message{
			Status: "notice", Title: f.T(r, "flow.link.title"), Text: []string{f.T(r, "flow.link.text")},
			Form: &page.Form{Action: r.URL.RequestURI(), Submits: []page.Submit{{Name: opened, Value: "yes", Label: f.T(r, "flow.link.button"), Primary: true}}},
		})
		return true
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := parseForm(r); err != nil {
			f.unreadable(w, r, err)
			return true
		}
		if r.PostFormValue(opened) == "" {
			return false
		}
	default:
		return false
	}
	// Whoever has the key may use it: a form from elsewhere could as well be a link.
	q := r.URL.Query()
	out, err := f.Engine.Step(r.Context(), flow.Input{Slug: r.PathValue("slug"), Query: q, Session: session.Of(r.Context()), Base: Base(r), Continue: true})
	if err != nil {
		f.broken(w, r, err)
		return true
	}
	f.cookies(w, r, out)
	if out.Challenge != nil && out.Challenge.Final() {
		f.challenge(w, r, out)
		return true
	}
	to := out.To
	switch {
	case to != "":
	case out.Advance: // another request ended the session meanwhile: the link is not used up
		to = r.URL.RequestURI()
	default:
		q.Del("flow_token")
		to = flow.PageURL(r.PathValue("slug"), q.Encode())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return true
}
