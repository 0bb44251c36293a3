//go:build !windows

package app

import (
	"os/exec"
	"runtime"
	"syscall"
)

// ownSession starts a process in a session of its own: neither the end of the terminal nor a signal to the window's group reaches it.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// openURL hands an address to the system's browser; the window's end leaves that alone.
func openURL(url string) error {
	openers := []string{"xdg-open", "x-www-browser", "www-browser"}
	if runtime.GOOS == "darwin" {
		openers = []string{"open"}
	}
	var missing error
	for _, name := range openers {
		path, err := exec.LookPath(name)
		if err != nil {
			missing = err
			continue
		}
		cmd := exec.Command(path, url)
		cmd.SysProcAttr = ownSession()
		return cmd.Run()
	}
	return missing
}
