package server

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"reflect"
	"time"

	"gatehouse/backend/backup"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/rest"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/web"
	"gatehouse/backend/web/desktop"
	"gatehouse/backend/web/page"
)

// doors are what answers HTTP.
type doors struct {
	door  *web.Door
	desk  *desktop.Desk
	setup *web.Setup
}

// openDoors wires what answers HTTP.
func (s *Server) openDoors() error {
	r := s.rooms
	asking := r.stages
	for _, in := range r.flows.Inlines {
		if a, ok := in.(flow.Asker); ok {
			asking = append(asking[:len(asking):len(asking)], a.Kind())
		}
	}
	pages, err := page.New(asking)
	if err != nil {
		return err
	}
	cookies := web.Cookies{Sessions: r.sessions}
	screen := &web.Screen{Pages: pages, Brands: r.brands, Texts: s.texts, Cookies: cookies, Log: s.o.Log}
	hosts := web.Hosts{Names: func(req *http.Request) []string {
		names, err := r.office.Hosts(req.Context())
		if err != nil {
			s.o.Log.ErrorContext(req.Context(), "the names of the house can't be read", "error", err)
		}
		return names
	}}
	setup := &web.Setup{
		Screen: screen, Office: r.office, Users: r.users, Sessions: r.sessions, Events: r.events, Store: r.store, Hosts: hosts, Used: s.linkUsed,
	}
	desk := &desktop.Desk{Version: s.o.Version, Now: time.Now, Enter: func(w http.ResponseWriter, req *http.Request) (string, error) {
		return s.enter(w, req, setup, cookies)
	}, Known: func(req *http.Request) bool {
		me := session.Of(req.Context())
		return me != nil && me.Data.Owner && cookies.Checked(req)
	}}
	mux, err := s.mux(screen, pages, cookies)
	if err != nil {
		return err
	}
	callers := &web.Callers{Sessions: r.sessions, Tokens: r.tokens, Brands: r.brands, Texts: s.texts, Bearer: r.oauth.Bearer}
	s.doors = &doors{desk: desk, setup: setup, door: &web.Door{
		Hosts: hosts, Mux: mux, Trust: &web.Trust{Screen: screen, Office: r.office, CA: r.ca}, Setup: setup, Open: r.office.Open, Caller: callers,
		Wrong: &web.Wrong{Screen: screen, URL: r.office.URL}, HTTPS: s.httpsBase, Desk: desk, Own: web.Own(pages.Assets()), Log: s.o.Log,
		Health: &web.Health{
			Ready: s.ready, Secret: s.o.Config.Metrics.Secret, LAN: s.o.Config.Metrics.LAN, Version: s.o.Version, Started: s.started, Gauges: s.gauges,
		},
	}}
	return nil
}

// mux hangs everything that answers once the caller is known.
func (s *Server) mux(screen *web.Screen, pages *page.Pages, cookies web.Cookies) (*http.ServeMux, error) {
	r, mux := s.rooms, http.NewServeMux()
	r.oauth.Browser = screen
	flows := &web.Flows{
		Screen: screen, Engine: r.flows, Sessions: r.sessions, Tokens: r.tokens, Users: r.users, Apps: r.apps, Brands: r.brands, Events: r.events, Store: r.store,
	}
	flows.Mount(mux)
	r.oauth.Mount(mux)
	r.saml.Browser = screen
	r.saml.Mount(mux)
	r.accounts.Arrivals.Browser = screen
	r.accounts.Mount(mux)
	r.abroad.Mount(mux)
	r.scim.Mount(mux)
	assets := web.Assets{FS: s.o.Assets}
	shells := &web.Shells{Screen: screen, Assets: assets, Brands: r.brands, May: r.roles.May}
	shells.Mount(mux)
	mux.Handle("GET /static/app/", assets)
	own := web.Own(pages.Assets())
	mux.Handle("GET /static/flow/", own)
	mux.Handle("GET /static/dist/", own)
	mux.Handle("GET /static/text/", web.Languages(s.texts))
	mux.Handle("GET /media/", http.StripPrefix("/media", r.media))

	browse, err := web.NewAPIPage(screen)
	if err != nil {
		return nil, err
	}
	browse.Mount(mux)
	api := r.newAPI(s.o, rest.Deps{CSRF: cookies.Checked})
	executor := &web.Executor{Flows: r.flows, Cookies: cookies, Log: s.o.Log}
	mux.Handle("/api/v3/flows/executor/{slug}/{$}", executor)
	api.Raw(http.MethodPost, "gatehouse/backup", "", s.takeBackup)
	api.Raw(http.MethodGet, "gatehouse/events/stream", "authentik_events.view_event", (&web.Stream{Events: r.events, Encode: api.Encode, Log: s.o.Log}).ServeHTTP)
	r.takeOut(api)
	mux.Handle("/api/v3/", api)
	return mux, nil
}

// enter is what a ticket of the window opens: the wizard, or a session of the local owner.
func (s *Server) enter(w http.ResponseWriter, req *http.Request, setup *web.Setup, cookies web.Cookies) (string, error) {
	r, ctx := s.rooms, req.Context()
	open, err := r.office.Open(ctx)
	if err != nil {
		return "", err
	}
	if !open {
		setup.Admit(w, req)
		return "/setup/", nil
	}
	const home = "/if/admin/"
	if old := session.Of(ctx); old != nil && old.Data.Owner {
		if a := store.ActorOf(ctx); a.Superuser || a.Original != nil && a.Original.Superuser {
			return home, nil
		}
	}
	owner, err := r.users.Owner(ctx)
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Denied, "No active user has all rights, so nobody can be signed in here. Make one: gatehouse admin create NAME")
	}
	if err != nil {
		return "", err
	}
	actor := store.Actor{HTTP: web.Facts(req)}
	var sess *session.Session
	var key string
	err = r.store.Write(ctx, actor, func(tx *store.Tx) (err error) {
		sess, key, err = web.SignIn(tx, r.sessions, r.events, nil, owner, session.Data{Method: "desktop", Owner: true})
		return err
	})
	if err != nil {
		return "", err
	}
	cookies.Set(w, req, sess, key)
	return home, nil
}

// passphrase is what a backup is taken under.
type passphrase struct {
	Passphrase string `json:"passphrase" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (passphrase) SchemaName() string { return "Passphrase" }

// streams are the operations that mux hangs by hand.
var streams = []rest.Stream{
	{Method: http.MethodPost, Path: "gatehouse/backup", ID: "gatehouse_backup_create", Summary: "A backup of the house, encrypted under a passphrase.", Media: "application/octet-stream", In: reflect.TypeFor[passphrase]()},
	{Method: http.MethodGet, Path: "gatehouse/events/stream", ID: "gatehouse_events_stream", Summary: "Events as they happen.", Media: "text/event-stream"},
}

// takeBackup streams a backup under a passphrase. Only who may do everything gets one: it holds every secret.
func (s *Server) takeBackup(w http.ResponseWriter, req *http.Request) {
	r, ctx := s.rooms, req.Context()
	fail := func(err error) { r.api.Fail(w, req, err) }
	if !store.ActorOf(ctx).Superuser {
		fail(fault.New(fault.Denied, "You do not have permission to perform this action."))
		return
	}
	var in passphrase
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 64<<10)).Decode(&in); err != nil {
		fail(fault.Field("passphrase", "Give a passphrase as JSON: {\"passphrase\": \"…\"}."))
		return
	}
	name := "gatehouse-" + time.Now().Format("2006-01-02-1504") + ".age"
	out := &download{w: w, name: name}
	if _, err := backup.Create(ctx, out, in.Passphrase, s.source()); err != nil {
		if out.begun {
			s.o.Log.ErrorContext(ctx, "a backup broke off", "error", err)
			panic(http.ErrAbortHandler) // the file must not look whole
		}
		if f := fault.As(err); f.Kind == fault.Invalid && len(f.Fields) == 0 {
			err = fault.Field("passphrase", f.Say)
		}
		fail(err)
		return
	}
	if err := s.backupTaken(ctx, store.ActorOf(ctx), name); err != nil {
		s.o.Log.ErrorContext(ctx, "can't note the backup", "error", err)
	}
}

// download sends its headers with the first byte, so that an error before it is an answer of its own.
type download struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

// Write implements io.Writer.
func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		h := d.w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="`+d.name+`"`)
		h.Set("Cache-Control", "no-store")
	}
	return d.w.Write(b)
}

// linkUsed tells in the log that the wizard's link was used, and the next one.
func (s *Server) linkUsed(from, token string) {
	s.o.Log.Warn("the link to the wizard was used; it works once. Should that not have been you, stop Gatehouse now", "from", from)
	if s.o.Mode == "window" {
		return
	}
	for _, u := range s.rooms.office.Links(token) {
		s.o.Log.Info("to go on in another browser: " + u)
	}
}

// httpsBase gives the address that plain HTTP leads to.
func (s *Server) httpsBase(req *http.Request) string {
	if u := s.rooms.office.URL(req.Context()); u != "" {
		return u
	}
	return s.rooms.office.URLFor(web.Hostname(req.Host))
}

func (s *Server) ready(ctx context.Context) error {
	var one int
	return s.db.QueryRow(ctx, "SELECT 1").Scan(&one)
}

func (s *Server) gauges(ctx context.Context) map[string]float64 {
	out := map[string]float64{"gatehouse_database_bytes": float64(s.db.Size())}
	if i := s.rooms.ca.Info(); i != nil {
		out["gatehouse_certificate_days_left"] = time.Until(i.End).Hours() / 24
	}
	h, err := s.rooms.brands.House(ctx)
	if err == nil && h.LastBackup > 0 {
		out["gatehouse_backup_age_seconds"] = time.Since(time.UnixMicro(h.LastBackup)).Seconds()
	}
	for name, query := range map[string]string{
		"gatehouse_sessions": `SELECT count(*) FROM sessions WHERE "user" IS NOT NULL`,
		"gatehouse_users":    `SELECT count(*) FROM users`,
	} {
		var n float64
		if err := s.db.QueryRow(ctx, query).Scan(&n); err == nil {
			out[name] = n
		}
	}
	return out
}

// backupTaken notes a backup and who took it.
func (s *Server) backupTaken(ctx context.Context, by store.Actor, name string) error {
	if err := s.rooms.office.BackupTaken(ctx); err != nil {
		return err
	}
	return s.rooms.store.Write(ctx, by, func(tx *store.Tx) error {
		return s.rooms.events.EmitTx(tx, event.Entry{Action: "custom_backup", App: "gatehouse", Context: map[string]any{"message": "Backup taken", "file": filepath.Base(name)}})
	})
}
