package app

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession starts a process without a console and in a group of its own: neither Ctrl-C nor the end of the window reaches it.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}

// openURL hands an address to the system's browser.
func openURL(url string) error {
	target, err := windows.UTF16PtrFromString(url)
	if err != nil {
		return err
	}
	return windows.ShellExecute(0, nil, target, nil, nil, windows.SW_SHOWNORMAL)
}
