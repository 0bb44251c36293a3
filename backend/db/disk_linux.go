package db

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// DiskFree gives the bytes that this process may still write to the disk of path, and the size of that disk.
func DiskFree(path string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

func isNoSpace(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// syncData writes the content of a file to the disk, without what its times tell.
func syncData(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) {
		for again := true; again; {
			failed = unix.Fdatasync(int(fd))
			again = failed == unix.EINTR
		}
	}); err != nil {
		return err
	}
	return failed
}
