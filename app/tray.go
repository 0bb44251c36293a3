//go:build !darwin

package app

import (
	"runtime"

	"fyne.io/systray"
)

// startTray puts an icon into the notification area; stop takes it away. Where the desktop has no such area nothing happens, and
// starting the program again brings the window back.
func startTray(w *window) (stop func()) {
	ready := func() {
		systray.SetIcon(trayIcon())
		systray.SetTitle("Gatehouse")
		systray.SetTooltip("Gatehouse")
		systray.SetOnTapped(w.Show)
		open := systray.AddMenuItem("Open Gatehouse", "Show the window")
		login := systray.AddMenuItemCheckbox("Start at login", "Start Gatehouse, without its window, when you log in", autostartOn())
		w.showLogin(func(on bool) {
			if on {
				login.Check()
			} else {
				login.Uncheck()
			}
		})
		systray.AddSeparator()
		quit := systray.AddMenuItem("Quit…", "Close the window for good")
		go func() {
			for {
				select {
				case <-w.ctx.Done():
					return
				case <-open.ClickedCh:
					w.Show()
				case <-login.ClickedCh:
					w.setAutostart(!login.Checked())
				case <-quit.ClickedCh:
					w.AskQuit()
				}
			}
		}()
	}
	go func() {
		runtime.LockOSThread() // the tray's messages come to the thread that made it
		systray.Run(ready, func() {})
	}()
	return systray.Quit
}
