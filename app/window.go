package app

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

// interruptTime is how long Wails may take to quit at a signal before it is told to.
const interruptTime = time.Second

// browseTime is how soon a command that opens a browser fails when there is none; what ends later was a browser that was closed.
const browseTime = 10 * time.Second

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
	over     chan struct{}      // closed when Wails is done
	follows  context.CancelFunc // ends the stream that is followed
	tray     func()             // ends the tray
	pages    crashes            // of the page's process; under readyMu
	login    func(on bool)      // shows in a menu whether the window starts at login; under readyMu
}

var _ native = (*window)(nil)

func newWindow(ctx context.Context, o Options, s *supervisor, log *slog.Logger) *window {
	w := &window{o: o, log: log, sup: s, ctx: ctx, over: make(chan struct{})}
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
		defer context.AfterFunc(w.ctx, w.interrupted)()
	}
	err = wails.Run(o)
	close(w.over)
	return err
}

func (w *window) started(ctx context.Context) {
	w.readyMu.Lock()
	w.ready = ctx
	w.readyMu.Unlock()
	w.tray = startTray(w)
	watchPage(w.pageCrashed)
	w.log.Info("window open", "version", w.o.Version)
}

func (w *window) ended(context.Context) {
	if w.tray != nil {
		w.tray()
	}
	w.log.Info("window closed")
}

// pageCrashed shows the page again after its process crashed. The server is another process and notices nothing.
func (w *window) pageCrashed() {
	if w.quitting.Load() {
		return
	}
	w.log.Warn("the page crashed and is loaded again")
	w.readyMu.Lock()
	tooMany := w.pages.add(time.Now())
	if tooMany {
		w.pages = nil
	}
	w.readyMu.Unlock()
	if tooMany {
		w.Tell("The page crashed", "The page crashed several times in a row. The server goes on: people can still sign in. Close this message to load the page again.")
	}
	loadPage()
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
			follow(ctx, events, w, func(r control.DesktopReply) {
				if err := c.Reply(ctx, r); err != nil {
					w.log.Warn("a page was not answered", "err", err)
				}
			})
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

// Browse opens an address in the system's browser. Wails' own function says nothing when it fails and refuses good addresses, as those
// with parentheses.
func (w *window) Browse(url string) {
	// A browser that was not running may stay in the foreground of the command until it is closed.
	go func() {
		began := time.Now()
		if err := openURL(url); err != nil && time.Since(began) < browseTime {
			w.Tell("The page was not opened", fmt.Sprintf("No browser could be started (%v). Open this address in one: %s", err, url))
		}
	}()
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
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // at one of them Wails would quit once more, and GTK crashes at that
	w.on(runtime.Quit)
}

// interrupted is called at a signal. Wails hears it as well and quits by itself, unless it came before Wails listened.
func (w *window) interrupted() {
	if w.quitting.Swap(true) {
		return
	}
	time.AfterFunc(quitTime, func() { os.Exit(0) })
	select {
	case <-w.over:
	case <-time.After(interruptTime):
		w.on(runtime.Quit)
	}
}

// menu is the menu bar of macOS, which has no tray here; elsewhere there is none.
func (w *window) menu() *menu.Menu {
	if goruntime.GOOS != "darwin" {
		return nil
	}
	house := menu.NewMenu()
	house.AddText("Show Gatehouse", nil, func(*menu.CallbackData) { w.Show() })
	login := house.AddCheckbox("Start at login", autostartOn(), nil, nil)
	login.Click = func(d *menu.CallbackData) { go w.setAutostart(d.MenuItem.Checked) }
	w.showLogin(func(on bool) {
		login.SetChecked(on)
		w.on(runtime.MenuUpdateApplicationMenu)
	})
	house.AddSeparator()
	house.AddText("Quit Gatehouse…", keys.CmdOrCtrl("q"), func(*menu.CallbackData) { go w.AskQuit() })
	return menu.NewMenuFromItems(menu.SubMenu("Gatehouse", house), menu.EditMenu())
}

// Autostart implements native.
func (w *window) Autostart(on *bool) bool {
	if on == nil {
		return autostartOn()
	}
	return w.setAutostart(*on)
}

// showLogin names what shows elsewhere, in a menu, whether the window starts at login.
func (w *window) showLogin(show func(on bool)) {
	w.readyMu.Lock()
	defer w.readyMu.Unlock()
	w.login = show
}

// setAutostart starts the window at login or no longer; it says what state it is in then.
func (w *window) setAutostart(on bool) bool {
	args, err := serverArgs(w.o)
	if err == nil {
		err = setAutostart(on, append([]string{"--hidden"}, args[2:]...))
	}
	if err != nil {
		go w.Tell("Start at login was not changed", sentence(err)) // the message waits for the person
	}
	now := autostartOn()
	w.readyMu.Lock()
	show := w.login
	w.readyMu.Unlock()
	if show != nil {
		show(now)
	}
	return now
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
