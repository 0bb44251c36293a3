package control

import (
	"net"
	"path/filepath"
	"time"
)

// ServeWindow lets other processes of the same user raise this window until stop is called. Hold the window's lock.
func ServeWindow(dataDir string, show func()) (stop func(), err error) {
	l, err := listenAs(windowSocket, dataDir, "")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			show()
			_ = c.Close() // tells the other side that it was done
		}
	}()
	return func() { _ = l.Close() }, nil
}

// RaiseWindow brings the window of a data folder to the front. The error is a *Nobody when there is none.
func RaiseWindow(dataDir string) error {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return err
	}
	c, err := net.DialTimeout("unix", path(windowSocket, dataDir), dialTimeout)
	if err != nil {
		return &Nobody{Data: dataDir, Cause: err}
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	_, _ = c.Read(make([]byte, 1)) // waits for the end of the connection; a window that hangs is no error of ours
	return nil
}
