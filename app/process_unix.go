//go:build !windows

package app

import "syscall"

// ownSession starts a process in a session of its own: neither the end of the terminal nor a signal to the window's group reaches it.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
