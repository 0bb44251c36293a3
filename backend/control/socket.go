package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/backend/fault"
)

// The sockets of a data folder. Each is <name>.sock; <name>.path names its place when the folder's own path is too long for one.
const (
	controlSocket = "control"
	windowSocket  = "window"
)

const (
	socketEnd  = ".sock"
	pointerEnd = ".path"
	folderStem = "gatehouse-control-"
	// maxPath is what every system's address of a socket holds in bytes (macOS: 104 with the final zero).
	maxPath = 100
)

// Listen opens the socket of a data folder. Hold the folder's lock: whatever lies in the socket's place is then left over from a
// process that ended, and is replaced. group may also connect; "" keeps it to the owner. Closing the listener removes the socket.
func Listen(dataDir, group string) (net.Listener, error) {
	return listenAs(controlSocket, dataDir, group)
}

func listenAs(name, dataDir, group string) (net.Listener, error) {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, err
	}
	failed := func(err error) error {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("A socket in %s can't be opened. Check that the disk is not full and takes sockets.", dataDir), err)
	}
	pointer := filepath.Join(dataDir, name+pointerEnd)
	removeFallback(pointer)
	path := filepath.Join(dataDir, name+socketEnd)
	cleanup := []string{path}
	if len(path) > maxPath {
		dir, err := os.MkdirTemp("", folderStem) // mode 0700, a name that nobody can take before
		if err != nil {
			return nil, failed(err)
		}
		path = filepath.Join(dir, name+socketEnd)
		cleanup = []string{pointer, path, dir}
		if err := os.WriteFile(pointer, []byte(path), 0o600); err != nil {
			return nil, failed(errors.Join(err, os.Remove(dir)))
		}
		if group != "" {
			if err := openFolder(dir, pointer, group); err != nil {
				return nil, failed(err)
			}
		}
	}
	if i, err := os.Lstat(path); err == nil {
		if !replaceable(i) {
			return nil, fault.Newf(fault.Unavailable, "%s is in the place of a socket. Move it away, then start again.", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, failed(err)
		}
	}
	l, err := listen(path, group)
	if err != nil {
		return nil, failed(err)
	}
	return &listener{Listener: l, cleanup: cleanup}, nil
}

// removeFallback takes away the folder of a process that ended, but only one that Listen made.
func removeFallback(pointer string) {
	b, err := os.ReadFile(pointer)
	if err != nil {
		return
	}
	dir := filepath.Dir(string(b))
	if filepath.Ext(string(b)) == socketEnd && strings.HasPrefix(filepath.Base(dir), folderStem) {
		_ = os.Remove(string(b))
		_ = os.Remove(dir)
	}
	_ = os.Remove(pointer)
}

type listener struct {
	net.Listener
	cleanup []string
}

// Close ends the listener and removes what it left on the disk.
func (l *listener) Close() error {
	err := l.Listener.Close()
	for _, p := range l.cleanup {
		if e := os.Remove(p); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	l.cleanup = nil
	return err
}

// path finds a socket of a data folder.
func path(name, dataDir string) string {
	p := filepath.Join(dataDir, name+socketEnd)
	if len(p) <= maxPath {
		return p
	}
	if b, err := os.ReadFile(filepath.Join(dataDir, name+pointerEnd)); err == nil {
		return string(b)
	}
	return p
}

// dialTimeout is how long a server may take to accept; on one machine that is a matter of microseconds.
const dialTimeout = 3 * time.Second
