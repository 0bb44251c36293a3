package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"gatehouse/backend/application"
	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/provider"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
	"gatehouse/backend/web/page"
)

// maxForm is the largest form of a flow in bytes; a prompt may hold a file.
const maxForm = 8 << 20

// Flows are the addresses at which people meet flows (flows.md 1.5 and 1.10).
type Flows struct {
	*Screen
	Engine   *flow.Engine
	Sessions *session.Room
	Tokens   *token.Room
	Users    *user.Directory
	Apps     *application.Room
	Brands   *brand.Room
	Events   *event.Log
	Store    *store.Store
}

// Mount hangs the addresses.
func (f *Flows) Mount(mux provider.Mux) {
	mux.Handle("/if/flow/{slug}/{$}", http.HandlerFunc(f.page))
	mux.Handle("GET /flows/-/default/authentication/{$}", f.byDesignation(flow.Authentication))
	mux.Handle("GET /flows/-/default/invalidation/{$}", f.byDesignation(flow.Invalidation))
	mux.Handle("GET /flows/-/cancel/{$}", http.HandlerFunc(f.cancel))
	mux.Handle("GET /flows/-/configure/{stage}/{$}", http.HandlerFunc(f.configure))
	mux.Handle("GET /application/launch/{slug}/{$}", http.HandlerFunc(f.launch))
	mux.Handle("GET /recovery/use-token/{key}/{$}", http.HandlerFunc(f.recover))
	mux.Handle("/if/session-end/{slug}/{$}", http.HandlerFunc(f.sessionEnd))
}

func (f *Flows) broken(w http.ResponseWriter, r *http.Request, err error) {
	switch e := fault.As(err); e.Kind {
	case fault.NotFound:
		f.NotFound(w, r)
	case fault.Unavailable:
		f.Say(w, r, http.StatusServiceUnavailable, page.Message{Status: "danger", Title: f.T(r, "flow.error.title"), Text: []string{e.Say}})
	default:
		f.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		f.Problem(w, r, http.StatusInternalServerError, "flow.error.title", "")
	}
}

// page shows a flow and takes its answers: one native form, answered by a redirect to itself.
func (f *Flows) page(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if q := r.URL.Query(); r.Method == http.MethodGet && q.Get("locale") != "" {
		if tag := q.Get("locale"); slices.Contains(f.Texts.Tags(), tag) {
			http.SetCookie(w, &http.Cookie{Name: LanguageCookie, Value: tag, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode, Secure: Facts(r).Scheme == "https"})
		}
		q.Del("locale")
		http.Redirect(w, r, flow.PageURL(r.PathValue("slug"), q.Encode()), http.StatusSeeOther)
		return
	}
	if r.URL.Query().Get("flow_token") != "" && f.doorstep(w, r) {
		return
	}
	if f.leaving(w, r) {
		return
	}
	in := flow.Input{Slug: r.PathValue("slug"), Query: r.URL.Query(), Session: session.Of(ctx), Base: Base(r), Continue: true, Proven: Proven(r)}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := parseForm(r); err != nil {
			f.unreadable(w, r, err)
			return
		}
		if in.Session == nil || !f.Cookies.CheckedForm(r) {
			// The session ended meanwhile, or the form came from elsewhere: show where the flow stands, take nothing.
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
			return
		}
		var err error
		if in.Answer, err = FormAnswer(r); err != nil {
			f.unreadable(w, r, err)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "Use GET or POST.", http.StatusMethodNotAllowed)
		return
	}
	out, err := f.Engine.Step(ctx, in)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	f.cookies(w, r, out)
	wrong := out.Challenge != nil && hasErrors(out.Challenge.Errors)
	switch {
	case out.To != "" && in.Answer != nil && leavesBy(r, out.To):
		out.Challenge = flow.Redirection(out.To)
		f.challenge(w, r, out)
	case out.To != "":
		code := http.StatusFound
		if in.Answer != nil {
			code = http.StatusSeeOther
		}
		http.Redirect(w, r, out.To, code)
	case out.Advance, in.Answer != nil && !wrong && !out.Challenge.Final():
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
	default:
		f.challenge(w, r, out)
	}
}

// unreadable shows that a form was too large or no form at all; the flow is where it was.
func (f *Flows) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	status, say := http.StatusBadRequest, "flow.form.broken"
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		status, say = http.StatusRequestEntityTooLarge, "flow.form.large"
	}
	f.Say(w, r, status, page.Message{
		Status: "danger", Title: f.T(r, "flow.form.title"), Text: []string{f.T(r, say)}, Links: []page.Button{{Label: f.T(r, "flow.try_again"), Href: r.URL.RequestURI(), Primary: true}},
	})
}

func hasErrors(e stage.Errors) bool {
	for _, es := range e {
		if len(es) > 0 {
			return true
		}
	}
	return false
}

// byDesignation leads to the flow that the application, the brand or the list of flows names for a purpose.
func (f *Flows) byDesignation(designation string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fl, err := f.Default(r, designation)
		if err != nil {
			f.broken(w, r, err)
			return
		}
		if err := f.drop(r, fl); err != nil {
			f.broken(w, r, err)
			return
		}
		http.Redirect(w, r, flow.PageURL(fl.Slug, r.URL.RawQuery), http.StatusFound)
	})
}

// drop ends a plan of another flow.
func (f *Flows) drop(r *http.Request, keep *flow.Flow) error {
	s := session.Of(r.Context())
	if s == nil {
		return nil
	}
	return f.Engine.Keep(r.Context(), s, keep)
}

// Default gives the flow for a purpose. NotFound when there is none.
func (f *Flows) Default(r *http.Request, designation string) (*flow.Flow, error) {
	ctx := r.Context()
	if s := session.Of(ctx); designation == flow.Authentication && s != nil && s.Data.Application != "" {
		if fl, err := f.ofApplication(r, s.Data.Application); err != nil || fl != nil {
			return fl, err
		}
	}
	b, err := f.Brands.For(ctx, store.ActorOf(ctx).HTTP.Host)
	if err != nil {
		return nil, err
	}
	pk := b.FlowAuth
	if designation == flow.Invalidation {
		pk = b.FlowInvalidation
	}
	if pk != nil {
		return f.Engine.ByKey(ctx, *pk)
	}
	return f.Engine.First(ctx, designation)
}

// ofApplication gives the sign-in that an application's provider asks for, nil when it asks for none.
func (f *Flows) ofApplication(r *http.Request, pk string) (*flow.Flow, error) {
	ctx := r.Context()
	a, err := store.Get[application.Application](ctx, f.Store, pk)
	if fault.Is(err, fault.NotFound) || err == nil && a.Provider == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, obj, err := f.Store.GetIn(ctx, provider.Family.Name, strconv.FormatInt(*a.Provider, 10))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, ok := obj.(provider.Provider)
	if !ok || p.Provider().AuthenticationFlow == nil {
		return nil, nil
	}
	return f.Engine.ByKey(ctx, *p.Provider().AuthenticationFlow)
}

func (f *Flows) cancel(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if s := session.Of(ctx); s != nil {
		err := f.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return flow.Cancel(tx, s) })
		if err != nil {
			f.broken(w, r, err)
			return
		}
	}
	http.Redirect(w, r, "/flows/-/default/invalidation/", http.StatusFound)
}

// toSignIn leads to the sign-in and back here.
func toSignIn(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/flows/-/default/authentication/?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusFound)
}

// configure runs the flow in which a person sets up a stage for themselves.
func (f *Flows) configure(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s := session.Of(ctx)
	me, err := f.Sessions.User(ctx, s)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	if me == nil {
		toSignIn(w, r)
		return
	}
	_, obj, err := f.Store.GetIn(ctx, stage.Family.Name, r.PathValue("stage"))
	if err != nil {
		f.broken(w, r, err)
		return
	}
	c, ok := obj.(stage.Configurable)
	if !ok || c.Configure() == nil {
		f.NotFound(w, r)
		return
	}
	fl, err := f.Engine.ByKey(ctx, *c.Configure())
	if err != nil {
		f.broken(w, r, err)
		return
	}
	p, err := f.Engine.Plan(ctx, fl, flow.PlanOptions{SignedIn: me, Pending: me})
	var no *flow.NotApplicable
	if errors.As(err, &no) || errors.Is(err, flow.ErrEmpty) {
		f.NotFound(w, r)
		return
	}
	if err != nil {
		f.broken(w, r, err)
		return
	}
	var to string
	err = f.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		to, _, _, err = f.Engine.Begin(tx, s, fl, p, r.URL.RawQuery)
		return err
	})
	if err != nil {
		f.broken(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// launch opens an application; who is not signed in does that first. Who may use it is for the application's own sign-in to check.
func (f *Flows) launch(w http.ResponseWriter, r *http.Request) {
	me, err := f.Sessions.User(r.Context(), session.Of(r.Context()))
	if err != nil {
		f.broken(w, r, err)
		return
	}
	to, a, err := f.Apps.Launch(r.Context(), r.PathValue("slug"), me)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	if me == nil && to != "" {
		f.signInFor(w, r, a)
		return
	}
	u, perr := url.Parse(to)
	if to == "" || perr != nil || u.Scheme != "http" && u.Scheme != "https" && u.Host == "" && u.Scheme != "" {
		f.NotFound(w, r)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// signInFor runs the sign-in for an application, whose name is known to its title and policies, and comes back here.
func (f *Flows) signInFor(w http.ResponseWriter, r *http.Request, a *application.Application) {
	ctx := r.Context()
	fl, err := f.Default(r, flow.Authentication)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	p, err := f.Engine.Plan(ctx, fl, flow.PlanOptions{Context: map[string]any{
		stage.Application: stage.Ref("authentik_core.application", a.PK), stage.ConsentAsked: []any{}, stage.RedirectTo: r.URL.RequestURI(),
	}})
	var no *flow.NotApplicable
	if errors.As(err, &no) || errors.Is(err, flow.ErrEmpty) {
		toSignIn(w, r) // which says why
		return
	}
	if err != nil {
		f.broken(w, r, err)
		return
	}
	var to, key string
	var started *session.Session
	err = f.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		to, started, key, err = f.Engine.Begin(tx, session.Of(ctx), fl, p, "")
		return err
	})
	if err != nil {
		f.broken(w, r, err)
		return
	}
	if started != nil {
		f.Cookies.Set(w, r, started, key)
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// recover signs in whoever holds a recovery link; it works once.
func (f *Flows) recover(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	old := session.Of(ctx)
	var started *session.Session
	var key string
	err := f.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		t, err := f.Tokens.Take(tx, r.PathValue("key"), token.Recovery)
		if err != nil {
			return err
		}
		u, err := user.ByPKTx(tx, t.User)
		if err != nil {
			return err
		}
		if !u.IsActive {
			return fault.New(fault.NotFound, "The account is switched off.")
		}
		started, key, err = SignIn(tx, f.Sessions, f.Events, old, u, session.Data{Method: "recovery"})
		return err
	})
	if fault.Is(err, fault.NotFound) {
		f.Say(w, r, http.StatusNotFound, page.Message{Status: "notice", Title: f.T(r, "flow.recovery.title"), Text: []string{f.T(r, "flow.recovery.text")}})
		return
	}
	if err != nil {
		f.broken(w, r, err)
		return
	}
	f.Cookies.Set(w, r, started, key)
	http.Redirect(w, r, "/if/user/", http.StatusFound)
}

// SignIn begins a session for a user outside of a flow, with the event that tells of it.
func SignIn(tx *store.Tx, rooms *session.Room, events *event.Log, old *session.Session, u *user.User, d session.Data) (*session.Session, string, error) {
	id, err := events.Write(tx, event.Entry{
		Action: event.Login, App: "authentik.core", User: &event.Who{PK: u.PK, Username: u.Username, Email: u.Email}, Context: map[string]any{"auth_method": d.Method},
	})
	if err != nil {
		return nil, "", err
	}
	d.LoginEvent, d.AuthTime = id, tx.Now
	u, err = user.ByPKTx(tx, u.PK)
	if err != nil {
		return nil, "", err
	}
	if err := user.SignedIn(tx, u, tx.Now); err != nil {
		return nil, "", err
	}
	return rooms.Login(tx, old, u.PK, 0, d, tx.Actor.HTTP)
}

// sessionEnd asks whether to sign out, for an application that asked for it without proof of whose sign-in it means, and after the end
// tells so.
func (f *Flows) sessionEnd(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	a, err := store.Find[application.Application](ctx, f.Store, "slug", r.PathValue("slug"))
	if err != nil {
		f.broken(w, r, err)
		return
	}
	s := session.Of(ctx)
	me, err := f.Sessions.User(ctx, s)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	if me == nil {
		f.Say(w, r, http.StatusOK, page.Message{
			Status: "good", Title: f.T(r, "flow.end.title"), Text: []string{f.T(r, "flow.end.of_app", "app", a.Name), f.T(r, "flow.end.text")},
			Links: []page.Button{{Label: f.T(r, "flow.end.again", "app", a.Name), Href: "/application/launch/" + url.PathEscape(a.Slug) + "/", Primary: true}, {Label: f.T(r, "flow.end.overview"), Href: "/if/user/"}},
		})
		return
	}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if !f.Cookies.CheckedForm(r) {
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
			return
		}
		if r.PostFormValue("go") == "out" {
			err := f.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
				if err := session.End(tx, s.UUID); err != nil {
					return err
				}
				return f.Events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.core"})
			})
			if err != nil {
				f.broken(w, r, err)
				return
			}
			f.Cookies.Clear(w, r)
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, "/if/user/", http.StatusSeeOther)
		return
	}
	b, err := f.Brands.For(ctx, store.ActorOf(ctx).HTTP.Host)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	f.Say(w, r, http.StatusOK, page.Message{
		Status: "notice", Title: f.T(r, "flow.end.ask_title"), Text: []string{f.T(r, "flow.end.ask", "app", a.Name, "brand", b.Title)},
		Form: &page.Form{Action: r.URL.RequestURI(), Submits: []page.Submit{{Name: "go", Value: "out", Label: f.T(r, "flow.end.yes"), Primary: true}, {Name: "go", Value: "stay", Label: f.T(r, "flow.end.no")}}},
	})
}
