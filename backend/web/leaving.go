package web

import (
	"net/http"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
	"gatehouse/backend/web/page"
)

// A flow in which people leave may delete an account with its first step, which asks nothing. So somebody who is signed in is asked before
// it begins, wherever a link came from and whatever led here after a sign-in, and is told when it is done. Clients of the API ask themselves.

// unenrollment is the designation of such flows.
const unenrollment = "unenrollment"

// leave is the member of the form whose button begins it.
const leave = "leave"

// leaving answers for the beginning of such a flow. It says whether it did.
func (f *Flows) leaving(w http.ResponseWriter, r *http.Request) bool {
	ctx := r.Context()
	s := session.Of(ctx)
	if s == nil || s.User == 0 {
		return false
	}
	fl, err := store.Find[flow.Flow](ctx, f.Store, "slug", r.PathValue("slug"))
	if err != nil || fl.Designation != unenrollment {
		return false // the flow itself says what is wrong
	}
	p, err := f.Engine.PlanOf(ctx, s)
	if err != nil {
		f.broken(w, r, err)
		return true
	}
	if p != nil && p.Flow == fl.PK { // it is under way
		return false
	}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if !f.Cookies.CheckedForm(r) || r.PostFormValue(leave) != "yes" {
			http.Redirect(w, r, "/if/user/", http.StatusSeeOther)
			return true
		}
		f.left(w, r, s)
		return true
	}
	me, err := f.Sessions.User(ctx, s)
	if err != nil || me == nil {
		return false
	}
	f.Say(w, r, http.StatusOK, page.Message{
		Status: "danger", Title: f.T(r, "flow.delete.title"), Text: []string{f.T(r, "flow.delete.who", "user", me.Username), f.T(r, "flow.delete.text")},
		Form: &page.Form{Action: r.URL.RequestURI(), Submits: []page.Submit{{Name: leave, Value: "yes", Label: f.T(r, "flow.delete.yes"), Primary: true}, {Name: leave, Value: "no", Label: f.T(r, "flow.delete.no")}}},
	})
	return true
}

// left begins the flow. When it went through at once, whoever is gone is told so.
func (f *Flows) left(w http.ResponseWriter, r *http.Request, s *session.Session) {
	ctx := r.Context()
	pk := s.User
	out, err := f.Engine.Step(ctx, flow.Input{Slug: r.PathValue("slug"), Query: r.URL.Query(), Session: s, Base: Base(r), Continue: true, Proven: Proven(r)})
	if err != nil {
		f.broken(w, r, err)
		return
	}
	f.cookies(w, r, out)
	switch {
	case out.Challenge != nil && out.Challenge.Final():
		f.challenge(w, r, out)
	case out.To == "":
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
	default:
		if _, err := store.Get[user.User](ctx, f.Store, strconv.FormatInt(pk, 10)); !fault.Is(err, fault.NotFound) {
			http.Redirect(w, r, out.To, http.StatusSeeOther)
			return
		}
		f.Say(w, r, http.StatusOK, page.Message{
			Status: "good", Title: f.T(r, "flow.delete.done"), Text: []string{f.T(r, "flow.delete.done_text")},
			Links: []page.Button{{Label: f.T(r, "flow.login"), Href: "/flows/-/default/authentication/"}},
		})
	}
}
