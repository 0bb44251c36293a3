// Package lock keeps two processes from opening the same data folder. The lock belongs to the process, not to the file: the
// operating system lets go of it however the process ends, so a file that is left behind means nothing.
package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gatehouse/backend/fault"
)

// The lock files of a data folder: one for the process that holds the data, one for the window.
const (
	DataFile   = "gatehouse.lock"
	WindowFile = "window.lock"
)

// errBusy is what tryLock answers when another process holds the lock.
var errBusy = errors.New("lock held by another process")

// Holder says who holds a lock.
type Holder struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// Held is the error when another process holds the lock. Holder may be zero when that process has just begun.
type Held struct {
	Path   string
	Holder Holder
}

// Error says who holds it and what to do.
func (h *Held) Error() string {
	who := "Another Gatehouse"
	if h.Holder.PID != 0 {
		who = fmt.Sprintf("Another Gatehouse (process %d, version %s)", h.Holder.PID, h.Holder.Version)
	}
	return fmt.Sprintf("%s already uses the folder %s. Stop it first, or name another folder with --data.", who, filepath.Dir(h.Path))
}

// Lock is a lock that this process holds.
type Lock struct{ file *os.File }

// Data takes the lock of a data folder and makes the folder (mode 0700) if it isn't there. The error is a *Held when another
// process has it, and a fault when the folder can't be used.
func Data(dir, version string) (*Lock, error) { return File(filepath.Join(dir, DataFile), version) }

// File takes the lock of one file; the folder is made if it isn't there.
func File(path, version string) (*Lock, error) {
	dir := filepath.Dir(path)
	unusable := func(err error) error {
		say := fmt.Sprintf("Gatehouse can't write to the folder %s. Give its user the right to write there, or name another folder with --data.", dir)
		if errors.Is(err, fs.ErrNotExist) {
			say = fmt.Sprintf("The folder %s can't be made. Name another folder with --data.", dir)
		}
		return fault.Wrap(fault.Unavailable, say, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unusable(err)
	}
	if err := tryLock(f); err != nil {
		held := &Held{Path: path, Holder: read(f)}
		f.Close()
		if errors.Is(err, errBusy) {
			return nil, held
		}
		return nil, fault.Wrap(fault.Unavailable, fmt.Sprintf("The folder %s can't be locked: its disk knows no locks. Name a folder on another disk with --data.", dir), err)
	}
	text, err := json.Marshal(Holder{PID: os.Getpid(), Version: version})
	if err == nil {
		// A full disk must not keep Gatehouse from starting: who holds the lock is only for the error message of others.
		if f.Truncate(0) == nil {
			_, _ = f.WriteAt(text, 0)
		}
	}
	return &Lock{file: f}, nil
}

// Release lets go. The file stays: removing it could take away a lock that another process gets at this moment.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return errors.Join(f.Truncate(0), f.Close())
}

// read gives what the holder wrote; the zero value when it is unreadable or half written.
func read(f *os.File) Holder {
	var h Holder
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 4096))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return Holder{}
	}
	return h
}
