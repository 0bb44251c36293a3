//go:build !windows && !darwin

package app

func trayIcon() []byte { return icon }
