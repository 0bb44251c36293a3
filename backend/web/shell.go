package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
	"gatehouse/backend/web/page"
)

// Shells are the two pages that load a script: the admin window and the portal of everybody; and the root that leads to one of them.
type Shells struct {
	*Screen
	Assets Assets
	Brands *brand.Room
	// May says whether who acts holds a permission.
	May func(ctx context.Context, a store.Actor, permission, object string) (bool, error)
}

// AdminPermission lets others than superusers open the admin pages.
const AdminPermission = "authentik_rbac.access_admin_interface"

// Mount hangs the addresses.
func (s *Shells) Mount(mux provider.Mux) {
	mux.Handle("GET /{$}", http.HandlerFunc(s.root))
	mux.Handle("GET /if/user/{$}", http.HandlerFunc(s.portal))
	mux.Handle("GET /if/admin/{$}", http.HandlerFunc(s.admin))
	for _, name := range []string{"user", "admin"} {
		mux.Handle("GET /if/"+name, http.RedirectHandler("/if/"+name+"/", http.StatusMovedPermanently))
	}
	mux.Handle("/", http.HandlerFunc(s.NotFound))
}

func (s *Shells) root(w http.ResponseWriter, r *http.Request) {
	if ListenerOf(r.Context()) == Loopback {
		http.Redirect(w, r, "/if/admin/", http.StatusFound)
		return
	}
	if !store.ActorOf(r.Context()).SignedIn() {
		http.Redirect(w, r, "/flows/-/default/authentication/?next=%2Fif%2Fuser%2F", http.StatusFound)
		return
	}
	http.Redirect(w, r, "/if/user/", http.StatusFound)
}

// portal serves the page also to who is not signed in: the part of an address after # never reaches the server, so the page itself leads
// to the sign-in and back to the right place.
func (s *Shells) portal(w http.ResponseWriter, r *http.Request) {
	s.Cookies.Renew(w, r)
	s.Assets.Page(w, r, "portal.html")
}

// admin is for those who may, from this computer, or from the network when the settings say so.
func (s *Shells) admin(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if ListenerOf(ctx) != Loopback && !fromLoopback(r) {
		h, err := s.Brands.House(ctx)
		if err != nil {
			s.Problem(w, r, http.StatusServiceUnavailable, "flow.error.title", "")
			return
		}
		if !h.AdminOnLAN {
			s.Say(w, r, http.StatusForbidden, page.Message{
				Status: "notice", Title: s.T(r, "flow.admin_off.title"), Text: []string{s.T(r, "flow.admin_off.text")}, Links: []page.Button{{Label: s.T(r, "flow.home"), Href: "/if/user/", Primary: true}},
			})
			return
		}
	}
	a := store.ActorOf(ctx)
	if !a.SignedIn() {
		s.Assets.Page(w, r, "admin.html") // see portal
		return
	}
	ok, err := s.May(ctx, a, AdminPermission, "")
	if err != nil {
		s.Problem(w, r, http.StatusServiceUnavailable, "flow.error.title", "")
		return
	}
	if !ok {
		s.Say(w, r, http.StatusForbidden, page.Message{
			Status: "notice", Title: s.T(r, "flow.admin_no.title"), Text: []string{s.T(r, "flow.admin_no.text"), s.T(r, "flow.denied.who", "user", a.Username)},
			Links: []page.Button{{Label: s.T(r, "flow.home"), Href: "/if/user/", Primary: true}, {Label: s.T(r, "flow.denied.other"), Href: "/flows/-/default/invalidation/"}},
		})
		return
	}
	s.Cookies.Renew(w, r)
	s.Assets.Page(w, r, "admin.html")
}

// Stream tells new audit events as they come, as server-sent events (HTML living standard, section 9.2).
type Stream struct {
	Events *event.Log
	Encode func(ctx context.Context, obj any) (json.RawMessage, error)
	Log    *slog.Logger
}

// keepAlive is how often a comment is sent, so that proxies don't end a quiet stream.
const keepAlive = 25 * time.Second

// ServeHTTP implements http.Handler.
func (s *Stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	events, stop := s.Events.Listen()
	defer stop()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	send := func(text string) bool {
		if err := out.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
			s.Log.DebugContext(r.Context(), "no write deadline on this connection", "error", err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !send(": hello\n\n") {
		return
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			if !send(": still here\n\n") {
				return
			}
		case e := <-events:
			b, err := s.Encode(r.Context(), e)
			if err != nil {
				s.Log.ErrorContext(r.Context(), "an event can't be told", "error", err)
				continue
			}
			if !send("data: " + string(b) + "\n\n") {
				return
			}
		}
	}
}
