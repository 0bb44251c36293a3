package app

// startTray: the tray's library takes the place of Wails' application delegate on macOS, so the menu bar does its work there.
func startTray(*window) (stop func()) { return nil }
