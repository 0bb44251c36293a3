// Package server opens the house, wires its rooms and closes it again; it is the only room that knows everybody.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"gatehouse/backend/backup"
	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"
	"gatehouse/backend/web/desktop"
)

// Options say which house and how.
type Options struct {
	Config  config.Config
	Version string
	Assets  fs.FS // frontend/dist
	Log     *slog.Logger
	Mode    string // "serve", "window" (started by the window) or "offline" (no listener)
}

// Server is an open house.
type Server struct {
	o       Options
	lock    *lock.Lock
	desk    *desktop.Desk
	local   net.Listener
	started time.Time
	stop    chan struct{}
	once    sync.Once
}

var _ control.Backend = (*Server)(nil)

// Open takes the lock of the data folder and opens what is in it.
func Open(ctx context.Context, o Options) (*Server, error) {
	l, err := lock.Data(o.Config.Data, o.Version)
	if err != nil {
		return nil, err
	}
	if err := backup.Recover(o.Config.Data); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	s := &Server{o: o, lock: l, started: time.Now(), stop: make(chan struct{})}
	s.desk = &desktop.Desk{Version: o.Version, Now: time.Now,
		Enter: func(w http.ResponseWriter, r *http.Request) (string, error) { return "/if/admin/", nil },
		Known: func(*http.Request) bool { return false },
	}
	return s, nil
}

// Serve answers until ctx ends or Stop is called.
func (s *Server) Serve(ctx context.Context) error {
	sock, err := control.Listen(s.o.Config.Data, s.o.Config.ControlGroup)
	if err != nil {
		return err
	}
	if s.local, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return errors.Join(err, sock.Close())
	}
	plain, err := net.Listen("tcp", s.o.Config.HTTP)
	if err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, fmt.Sprintf("The address %s can't be listened on. Another program may use it; choose another with --http.", s.o.Config.HTTP), err), sock.Close(), s.local.Close())
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	mux := http.NewServeMux()
	mux.Handle("/-/desktop/", s.desk)
	mux.HandleFunc("/-/health/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/", http.FileServerFS(s.o.Assets))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 3)
	go func() { done <- control.Serve(ctx, sock, s) }()
	go func() { done <- web.Serve(s.local) }()
	go func() { done <- web.Serve(plain) }()
	s.o.Log.Info("ready", "http", plain.Addr().String(), "pid", os.Getpid())
	select {
	case <-ctx.Done():
	case <-s.stop:
	case err = <-done:
	}
	end()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, web.Shutdown(wait))
}

// Close lets go of the data folder.
func (s *Server) Close() error { return s.lock.Release() }

// Status implements control.Backend.
func (s *Server) Status(context.Context) (control.Status, error) {
	out := control.Status{Version: s.o.Version, PID: os.Getpid(), Started: s.started, Data: s.o.Config.Data, HTTP: s.o.Config.HTTP, Setup: true}
	if s.local != nil {
		out.Local = "http://" + s.local.Addr().String()
	}
	return out, nil
}

// Ticket implements control.Backend.
func (s *Server) Ticket(context.Context) (control.Ticket, error) {
	return control.Ticket{URL: "http://" + s.local.Addr().String() + "/-/desktop/enter?t=" + s.desk.Ticket()}, nil
}

func (s *Server) later() error {
	return fault.New(fault.Unavailable, "The house has no rooms for this yet.")
}

// CreateAdmin implements control.Backend.
func (s *Server) CreateAdmin(context.Context, control.AdminRequest) (control.AdminResult, error) {
	return control.AdminResult{}, s.later()
}

// ResetPassword implements control.Backend.
func (s *Server) ResetPassword(context.Context, string, string) (control.AdminResult, error) {
	return control.AdminResult{}, s.later()
}

// RecoveryLink implements control.Backend.
func (s *Server) RecoveryLink(context.Context, string, time.Duration) (control.AdminResult, error) {
	return control.AdminResult{}, s.later()
}

// Backup implements control.Backend.
func (s *Server) Backup(context.Context, string, string) error { return s.later() }

// Stop implements control.Backend.
func (s *Server) Stop(context.Context) error {
	s.once.Do(func() { close(s.stop) })
	return nil
}

// Desktop implements control.Backend.
func (s *Server) Desktop(ctx context.Context) (<-chan control.DesktopEvent, error) {
	in, stop := s.desk.Listen()
	out := make(chan control.DesktopEvent)
	go func() {
		defer close(out)
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-in:
				select {
				case out <- control.DesktopEvent(e):
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

// Schema gives the OpenAPI description of everything that is served.
func Schema() ([]byte, error) { return []byte(`{"openapi":"3.0.3","info":{"title":"Gatehouse","version":"dev"},"paths":{}}`), nil }
