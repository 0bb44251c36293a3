// Package server opens the house, wires its rooms and closes it again; it is the only room that knows everybody.
//
//	Open: lock ▸ unfinished restore ▸ key ▸ database ▸ rooms ▸ defaults ▸ start-up variables ▸ certificate
//	Serve: control socket, loopback listener, plain and TLS listener, chores ─▶ until told to stop
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"gatehouse/backend/backup"
	"gatehouse/backend/brand"
	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"
	"gatehouse/backend/rest"
	"gatehouse/backend/seed"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/web"
	"gatehouse/backend/web/desktop"
)

// The heap is small, so the garbage collector may wait until it has grown to five times and a half what lives; from memoryLimit on it works harder.
const (
	memoryLimit = 160 << 20
	gcPercent   = 450
)

// Options say which house and how.
type Options struct {
	Config  config.Config
	Version string
	Assets  fs.FS // frontend/dist
	Log     *slog.Logger
	Mode    string // "serve", "window" (started by the window) or "offline" (no listener)
	// Around, when it is set, stands around every listener: tests look at each answer with it.
	Around func(http.Handler) http.Handler
}

// Server is an open house.
type Server struct {
	o       Options
	lock    *lock.Lock
	db      *db.DB
	rooms   *rooms
	texts   *text.Tables
	doors   *doors
	started time.Time
	stop    chan struct{}
	once    sync.Once
	crowd   crowd

	mu     sync.Mutex
	status control.Status
}

var _ control.Backend = (*Server)(nil)

// Open takes the lock of the data folder and opens what is in it. Nothing is answered yet.
func Open(ctx context.Context, o Options) (*Server, error) {
	l, err := lock.Data(o.Config.Data, o.Version)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, lock: l, started: time.Now(), stop: make(chan struct{}), crowd: crowd{max: maxOpen}}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	cfg := s.o.Config
	if err := backup.Recover(cfg.Data); err != nil {
		return err
	}
	key, err := crypt.LoadOrCreateKey(filepath.Join(cfg.Data, backup.KeyFile))
	if err != nil {
		return err
	}
	if s.db, err = db.Open(ctx, filepath.Join(cfg.Data, backup.Database), db.Options{Log: s.o.Log, Version: s.o.Version}); err != nil {
		return err
	}
	var own fs.FS
	if dir := languages(cfg.Data); dir != nil {
		own = dir.FS()
	}
	if s.texts, err = text.Load(own); err != nil {
		s.o.Log.Warn("some languages can't be used", "error", err)
	}
	install, err := seed.Fact(ctx, store.New(s.db, key, time.Now), "install_id", crypt.UUID)
	if err != nil {
		return err
	}
	s.rooms = wire(s.o, s.db, key, install, s.o.Log, s.texts)
	if err := s.rooms.prepare(ctx); err != nil {
		return err
	}
	if err := s.settings(ctx); err != nil {
		return err
	}
	if err := brand.EnsureTenant(ctx, s.rooms.store, install); err != nil {
		return err
	}
	if err := s.rooms.roles.Sync(ctx); err != nil {
		return err
	}
	made, err := s.rooms.office.Bootstrap(ctx, cfg.Bootstrap)
	if err != nil {
		return err
	}
	if made {
		s.o.Log.Info("the first admin akadmin was made from the start-up variables; they have no effect any more and may be removed")
	}
	return nil
}

// settings writes the start-up values for tokens into the system settings, once.
func (s *Server) settings(ctx context.Context) error {
	t := s.o.Config.Tokens
	if t.Length == 0 && t.Duration == "" {
		return nil
	}
	fresh := false
	err := s.rooms.store.Write(ctx, store.House, func(tx *store.Tx) error {
		taken, err := seed.Meta(tx, "token defaults")
		if fresh = err == nil && taken == ""; !fresh {
			return err
		}
		if err := seed.SetMeta(tx, "token defaults", "taken"); err != nil {
			return err
		}
		return s.rooms.brands.ChangeSettings(tx, func(st *brand.Settings) error {
			if t.Length > 0 {
				st.TokenLength = t.Length
			}
			if t.Duration != "" {
				st.TokenDuration = t.Duration
			}
			return nil
		})
	})
	if err == nil && fresh {
		s.o.Log.Info("DEFAULT_TOKEN_LENGTH and DEFAULT_TOKEN_DURATION are in the system settings now; the variables may be removed")
	}
	return err
}

// Tune sets up the process of an open house that serves, and nothing else: what the collector may use, and one thread more than there are
// processors. The writer waits for the disk so often that its processor would idle until the runtime notices, which takes it up to 10 ms
// under load; hashes still run one a processor.
func Tune() {
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(gcPercent)
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
}

// shutdownTime is how long requests may go on once the server stops.
const shutdownTime = 8 * time.Second

// Serve answers until ctx ends or Stop is called.
func (s *Server) Serve(ctx context.Context) error {
	slog.SetDefault(slog.New(guests{s.o.Log.Handler()}))
	sock, err := control.Listen(s.o.Config.Data, s.o.Config.ControlGroup)
	if err != nil {
		return err
	}
	closers := []net.Listener{sock}
	giveUp := func(err error) error {
		for _, l := range closers {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	listen := func(name, address string) (net.Listener, error) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, fmt.Sprintf("The address %s can't be listened on. Another program may use it; choose another with --%s.", address, name), err)
		}
		closers = append(closers, l)
		return l, nil
	}
	local, err := listen("http", "127.0.0.1:0")
	if err != nil {
		return giveUp(err)
	}
	plain, err := listen("http", s.o.Config.HTTP)
	if err != nil {
		return giveUp(err)
	}
	secure, err := listen("https", s.o.Config.HTTPS)
	if err != nil {
		return giveUp(err)
	}
	s.rooms.office.HTTPPort, s.rooms.office.HTTPSPort = port(plain), port(secure)
	if err := s.rooms.office.Certify(ctx); err != nil {
		return giveUp(err)
	}
	if err := s.openDoors(); err != nil {
		return giveUp(err)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	base := func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	servers := map[net.Listener]*http.Server{}
	for l, which := range map[net.Listener]web.Listener{local: web.Loopback, plain: web.Plain, secure: web.Secure} {
		h := s.doors.door.Handler(which)
		if s.o.Around != nil {
			h = s.o.Around(h)
		}
		servers[l] = &http.Server{
			Handler: h, BaseContext: base, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 0,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ConnState: s.crowd.state, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		}
	}
	servers[secure].TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate}
	done := make(chan error, 4)
	closed := make(chan struct{}) // the control socket is gone
	go func() {
		defer close(closed)
		done <- control.Serve(ctx, sock, s)
	}()
	for l, srv := range servers {
		go func() {
			if l == secure {
				done <- srv.ServeTLS(l, "", "")
				return
			}
			done <- srv.Serve(l)
		}()
	}
	s.announce(ctx, local, plain, secure)
	s.rooms.tasks.Use(s.chores())
	go s.rooms.tasks.Serve(ctx)
	go s.rooms.mail.Serve(ctx)
	go s.rooms.notify.Serve(ctx)
	go s.rooms.oauth.Serve(ctx)
	go s.rooms.scimOut.Serve(ctx)
	go s.rooms.prints.Serve(ctx)
	select {
	case <-ctx.Done():
	case <-s.stop:
	case err = <-done:
	}
	s.o.Log.Info("stopping")
	end()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	var all sync.WaitGroup
	ends := make(chan error, len(servers))
	for _, srv := range servers {
		all.Go(func() {
			if e := srv.Shutdown(wait); e != nil {
				ends <- srv.Close()
			}
		})
	}
	all.Wait()
	close(ends)
	for e := range ends {
		err = errors.Join(err, e)
	}
	select {
	case <-closed:
	case <-wait.Done():
	}
	return err
}

func port(l net.Listener) func() string {
	_, p, err := net.SplitHostPort(l.Addr().String())
	return func() string {
		if err != nil {
			return ""
		}
		return p
	}
}

// certificate gives the certificate of a handshake: the brand's own under its domain, else the house's.
func (s *Server) certificate(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.rooms.brandCertificate(h.Context(), h.ServerName); c != nil {
		return c, nil
	}
	return s.rooms.ca.GetCertificate(h)
}

// announce writes into the log where the house answers.
func (s *Server) announce(ctx context.Context, local, plain, secure net.Listener) {
	s.mu.Lock()
	s.status = control.Status{
		Version: s.o.Version, PID: os.Getpid(), Started: s.started, Data: s.o.Config.Data, HTTP: plain.Addr().String(), HTTPS: secure.Addr().String(), Local: "http://" + local.Addr().String(),
	}
	s.mu.Unlock()
	s.o.Log.Info("ready", "http", plain.Addr().String(), "https", secure.Addr().String(), "pid", os.Getpid(), "start_ms", time.Since(s.started).Milliseconds())
	open, err := s.rooms.office.Open(ctx)
	if err != nil || open {
		if u := s.rooms.office.URL(ctx); u != "" {
			s.o.Log.Info("people sign in at " + u)
		}
		return
	}
	if s.o.Mode == "window" {
		return // the window shows the wizard
	}
	for _, u := range s.rooms.office.Links(s.doors.setup.Token()) {
		s.o.Log.Warn("not set up yet: open this address in a browser to do it: " + u)
	}
	if i := s.rooms.ca.Info(); i != nil {
		s.o.Log.Info("fingerprint (SHA-256) of the certificate authority: " + i.CASHA256)
	}
}

// Close lets go of the data folder.
func (s *Server) Close() error {
	var err error
	if s.rooms != nil {
		s.rooms.geo.Close()
	}
	if s.rooms != nil && s.db != nil {
		err = s.rooms.sessions.Close(context.Background())
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return errors.Join(err, s.lock.Release())
}

// Schema gives the OpenAPI description of everything that is served.
func Schema() ([]byte, error) {
	texts, err := text.Load(nil)
	if err != nil {
		return nil, err
	}
	o := Options{Version: wireVersion, Log: slog.New(slog.DiscardHandler)}
	r := wire(o, nil, nil, "", o.Log, texts)
	return r.newAPI(o, rest.Deps{CSRF: func(*http.Request) bool { return false }}).Schema()
}

// desk gives the desktop's desk of the doors.
func (s *Server) desk() *desktop.Desk { return s.doors.desk }
