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

// syncData writes the content of a file to the disk.
func syncData(f *os.File) error { return f.Sync() }
