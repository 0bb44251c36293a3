package app

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/backend/control"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/menu"
	"github.com/wailsapp/wails/v2/pkg/menu/keys"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// quitTime is how long the window may take to close; its process ends then in any case.
const quitTime = 5 * time.Second

//go:embed splash
var splash embed.FS

//go:embed icon.png
var icon []byte

// window holds the one window of the program.
type window struct {
	o     Options
	log   *slog.Logger
	sup   *supervisor
	shell *Shell

	ctx      context.Context // ends with the process
	ready    context.Context // Wails' own context; set by started, read through on
	readyMu  sync.Mutex
	quitting atomic.Bool
	follows  context.CancelFunc // ends the stream that is followed
	tray     func()             // ends the tray
}

var _ native = (*window)(nil)

func newWindow(ctx context.Context, o Options, s *supervisor, log *slog.Logger) *window {
	w := &window{o: o, log: log, sup: s, ctx: ctx}
	w.shell = &Shell{ctx: ctx, house: s, version: o.Version, entered: w.entered}
	return w
}

// run opens the window and returns when it is closed for good.
func (w *window) run() error {
	if os.Getenv("WEBKIT_DISABLE_DMABUF_RENDERER") == "" {
		// A blank window with some graphics drivers otherwise. The variable is read when the web view starts.
		if err := os.Setenv("WEBKIT_DISABLE_DMABUF_RENDERER", "1"); err != nil {
			return err
		}
	}
	pages, err := fs.Sub(splash, "splash")
	if err != nil {
		return err
	}
	o := &options.App{
		Title: "Gatehouse", Width: 1280, Height: 800, MinWidth: 360, MinHeight: 480,
		HideWindowOnClose: true, StartHidden: w.o.Hidden,
		BackgroundColour: options.NewRGB(0xf4, 0xf7, 0xf7),
		AssetServer:      &assetserver.Options{Assets: pages},
		Bind:             []any{w.shell},
		OnStartup:        w.started,
		OnShutdown:       w.ended,
		Menu:             w.menu(),
		Linux:            &linux.Options{Icon: icon, ProgramName: "gatehouse", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
	}
	if w.log != nil {
		o.Logger = wailsLog{w.log}
	}
	if !Bindings {
		defer context.AfterFunc(w.ctx, func() { w.Quit(true) })()
	}
	return wails.Run(o)
}

func (w *window) started(ctx context.Context) {
	w.readyMu.Lock()
	w.ready = ctx
	w.readyMu.Unlock()
	w.tray = startTray(w)
	w.log.Info("window open", "version", w.o.Version)
	if w.ctx.Err() != nil {
		w.Quit(true)
	}
}

func (w *window) ended(context.Context) {
	if w.tray != nil {
		w.tray()
	}
	w.log.Info("window closed")
}

// on runs f with Wails' context. Its functions end the whole process when they are called with another one, so nothing is done
// before the window is up.
func (w *window) on(f func(ctx context.Context)) {
	w.readyMu.Lock()
	ctx := w.ready
	w.readyMu.Unlock()
	if ctx != nil {
		f(ctx)
	}
}

// entered follows the events of a new connection in the place of the last one.
func (w *window) entered(c *control.Client) {
	ctx, stop := context.WithCancel(w.ctx)
	w.readyMu.Lock()
	last := w.follows
	w.follows = stop
	w.readyMu.Unlock()
	if last != nil {
		last()
	}
	go func() {
		defer stop()
		defer c.Close()
		events, err := c.Desktop(ctx)
		if err == nil {
			follow(ctx, events, w)
		}
		if ctx.Err() != nil || w.quitting.Load() {
			return
		}
		w.log.Warn("the server is gone", "err", err)
		w.shell.lost(ctx)
		w.on(runtime.WindowReloadApp)
	}()
}

// Show brings the window to the front.
func (w *window) Show() {
	w.on(func(ctx context.Context) {
		runtime.WindowShow(ctx)
		runtime.WindowUnminimise(ctx)
	})
}

// SavePath asks where to save a file.
func (w *window) SavePath(name string) (path string, err error) {
	w.on(func(ctx context.Context) {
		path, err = runtime.SaveFileDialog(ctx, runtime.SaveDialogOptions{DefaultFilename: name, Title: "Save " + name})
	})
	return path, err
}

// Browse opens an address in the system's browser.
func (w *window) Browse(url string) {
	w.on(func(ctx context.Context) { runtime.BrowserOpenURL(ctx, url) })
}

// Tell shows a message with one button.
func (w *window) Tell(title, text string) {
	w.log.Warn(title, "text", text)
	w.on(func(ctx context.Context) {
		_, _ = runtime.MessageDialog(ctx, runtime.MessageDialogOptions{Type: runtime.WarningDialog, Title: title, Message: dialogText(text)})
	})
}

// dialogText keeps a text whole: on Linux the dialog reads it as a format.
func dialogText(s string) string {
	if goruntime.GOOS == "windows" || goruntime.GOOS == "darwin" {
		return s
	}
	return strings.ReplaceAll(s, "%", "%%")
}

// AskQuit asks whether people may go on signing in, then quits.
func (w *window) AskQuit() {
	w.Show()
	w.on(func(ctx context.Context) {
		answer, err := runtime.MessageDialog(ctx, runtime.MessageDialogOptions{
			Type: runtime.QuestionDialog, Title: "Quit Gatehouse",
			Message:       "Keep the server running, so that people can still sign in?\n\nYes: only the window closes. No: the server stops too.",
			DefaultButton: "Yes",
		})
		if err != nil {
			w.log.Error("the question can't be shown", "err", err)
			return
		}
		switch answer {
		case "Yes":
			w.Quit(true)
		case "No":
			w.Quit(false)
		}
	})
}

// Quit closes the window for good; keep leaves the server running. The process ends within a deadline, whatever hangs.
func (w *window) Quit(keep bool) {
	if w.quitting.Swap(true) {
		return
	}
	if !keep {
		if err := w.sup.Stop(context.WithoutCancel(w.ctx)); err != nil {
			w.log.Error("the server did not stop", "err", err)
			w.quitting.Store(false)
			w.Tell("The server did not stop", sentence(err))
			return
		}
	}
	time.AfterFunc(quitTime, func() { os.Exit(0) })
	w.on(runtime.Quit)
}

// menu is the menu bar of macOS, which has no tray here; elsewhere there is none.
func (w *window) menu() *menu.Menu {
	if goruntime.GOOS != "darwin" {
		return nil
	}
	house := menu.NewMenu()
	house.AddText("Show Gatehouse", nil, func(*menu.CallbackData) { w.Show() })
	login := house.AddCheckbox("Start at login", autostartOn(), nil, nil)
	login.Click = func(d *menu.CallbackData) { w.setAutostart(d.MenuItem.Checked) }
	house.AddSeparator()
	house.AddText("Quit Gatehouse…", keys.CmdOrCtrl("q"), func(*menu.CallbackData) { go w.AskQuit() })
	return menu.NewMenuFromItems(menu.SubMenu("Gatehouse", house), menu.EditMenu())
}

// setAutostart starts the window at login or no longer; it says what state it is in then.
func (w *window) setAutostart(on bool) bool {
	args, err := serverArgs(w.o)
	if err == nil {
		err = setAutostart(on, append([]string{"--hidden"}, args[2:]...))
	}
	if err != nil {
		w.Tell("Start at login was not changed", sentence(err))
	}
	return autostartOn()
}

// wailsLog writes Wails' messages into the window's log.
type wailsLog struct{ log *slog.Logger }

func (l wailsLog) Print(s string)   { l.log.Info(s) }
func (l wailsLog) Trace(s string)   { l.log.Debug(s) }
func (l wailsLog) Debug(s string)   { l.log.Debug(s) }
func (l wailsLog) Info(s string)    { l.log.Info(s) }
func (l wailsLog) Warning(s string) { l.log.Warn(s) }
func (l wailsLog) Error(s string)   { l.log.Error(s) }
func (l wailsLog) Fatal(s string)   { l.log.Error(s); os.Exit(1) }
