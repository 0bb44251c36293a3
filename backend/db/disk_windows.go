package db

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// DiskFree gives the bytes that this process may still write to the disk of path, and the size of that disk.
func DiskFree(path string) (free, total uint64, err error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, 0, err
	}
	var all uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, &total, &all); err != nil {
		return 0, 0, err
	}
	return free, total, nil
}

func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// syncData writes the content of a file to the disk.
func syncData(f *os.File) error { return f.Sync() }
