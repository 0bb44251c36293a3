package app

import _ "embed"

//go:embed icon.ico
var trayICO []byte

func trayIcon() []byte { return trayICO }
