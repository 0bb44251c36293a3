//go:build unix

package db

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// A disk without room says so before the file is opened too.
func TestNoRoomAtStart(t *testing.T) {
	full := &fs.PathError{Op: "open", Path: "/d/.probe", Err: syscall.ENOSPC}
	if got := say(notWritable("/d", full)); got != "The disk that holds /d is full. Free some space, then start again." {
		t.Error(got)
	}
	if got := say(explain(full, "/d/house.db", "")); !strings.Contains(got, "is full") {
		t.Error(got)
	}
	if got := say(notWritable("/d", &fs.PathError{Err: syscall.EACCES})); !strings.Contains(got, "can't write to the folder /d") {
		t.Error(got)
	}
	if IsFull(errors.New("x")) {
		t.Error("any error counts as a full disk")
	}
}
