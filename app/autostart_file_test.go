//go:build !windows

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// autostartElsewhere moves the user's settings into a folder of the test and gives a function that reads what was written there.
func autostartElsewhere(t *testing.T) (written func() string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	return func() string {
		t.Helper()
		path, err := autostartFile()
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(path, home) {
			t.Fatalf("%s: %v", path, err)
		}
		return string(b)
	}
}
