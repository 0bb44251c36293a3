// Package app is the desktop window: it keeps a server running as a process of its own and shows its pages. It is the only room
// that imports Wails.
//
//	window lock ─▶ wails.Run ─▶ splash (wails://) ─ EnterURL ─▶ supervisor: attach or start ─▶ ticket ─▶ page (http://127.0.0.1)
//	page ─▶ server ─ control socket ─▶ events ─▶ save dialog, browser, quit
//
// It knows the server as an address with a ticket and nothing else. Killing the window never touches the server.
package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"
	"gatehouse/backend/logs"
)

// Options say which house the window belongs to.
type Options struct {
	Config  config.Config
	Flags   map[string]string // settings flags as given, handed on to the server
	Version string
	Hidden  bool // start without showing the window
}

// ErrShown says that the house had a window already and that it was brought to the front.
var ErrShown = errors.New("the window is open already")

// Unusable says in a sentence why no window can be opened; "" when one can.
func Unusable() string {
	switch {
	case Bindings:
	case !Available():
		return "This build has no window."
	case runtime.GOOS == "windows" || runtime.GOOS == "darwin":
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return "There is no display for a window."
	}
	return ""
}

// Run shows the window until the person quits or ctx ends. The server goes on unless the person said otherwise.
func Run(ctx context.Context, o Options) error {
	if Bindings {
		return newWindow(ctx, o, nil, nil).run()
	}
	held, err := lock.File(filepath.Join(o.Config.Data, lock.WindowFile), o.Version)
	var other *lock.Held
	switch {
	case errors.As(err, &other):
		if err := control.RaiseWindow(o.Config.Data); err != nil {
			return fault.Wrap(fault.Unavailable, "Gatehouse's window is open already but does not answer. End its process, then start again.", errors.Join(other, err))
		}
		return ErrShown
	case err != nil:
		return err
	}
	defer held.Release() //nolint:errcheck // the process ends, and the lock with it
	file := ""
	if o.Config.Log.File != "" {
		file = filepath.Join(filepath.Dir(o.Config.Log.File), "window.log")
	}
	log, closeLog := logs.New(logs.Options{Level: o.Config.Log.Level, File: file})
	defer closeLog.Close()
	s, err := newSupervisor(o)
	if err != nil {
		return err
	}
	w := newWindow(ctx, o, s, log.With("logger", "gatehouse.window"))
	stop, err := control.ServeWindow(o.Config.Data, w.Show)
	if err != nil {
		return err
	}
	defer stop()
	return w.run()
}
