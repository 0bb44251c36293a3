//go:build !windows

package control

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// listen makes the socket in a folder that only we may enter and moves it to its place when its rights are set, so that it never
// stands open between the two.
func listen(path, group string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".c")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	temp := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	mode := os.FileMode(0o600)
	if group != "" {
		mode = 0o660
		err = chgrp(temp, group)
	}
	if err = errors.Join(err, os.Chmod(temp, mode)); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func chgrp(path, group string) error {
	g, err := user.LookupGroup(group)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, -1, gid)
}

// openFolder lets the group reach the socket and the file that names its place.
func openFolder(dir, pointer, group string) error {
	return errors.Join(chgrp(dir, group), os.Chmod(dir, 0o710), chgrp(pointer, group), os.Chmod(pointer, 0o640))
}

func replaceable(i fs.FileInfo) bool { return i.Mode().Type() == fs.ModeSocket }
