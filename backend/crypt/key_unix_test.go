//go:build !windows

package crypt

import (
	"os"
	"testing"
)

// open lets others of this computer read a file.
func open(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

// closed says whether only the owner may read a file.
func closed(t *testing.T, path string) bool {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode().Perm()&0o077 == 0
}
