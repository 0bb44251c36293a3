package db

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

// A database that is gone where there was one is not begun anew without a word.
func TestVanished(t *testing.T) {
	for name, gone := range map[string]func(path string) error{"removed": os.Remove, "empty": func(p string) error { return os.Truncate(p, 0) }} {
		dir := t.TempDir()
		path := filepath.Join(dir, "house.db")
		o := options()
		openAt(t, path, o).Close()
		o.Migrations = steps(tables, "CREATE TABLE more (x);")
		openAt(t, path, o).Close() // leaves a copy
		if err := gone(path); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, o)
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(say(err), "empty or gone") || !strings.Contains(say(err), "gatehouse restore --last-copy") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a damaged file's fault says can be done as it stands.
func TestDamagedNamesTheCommand(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	o := options()
	openAt(t, path, o).Close()
	o.Migrations = steps(tables, "CREATE TABLE more (x);")
	openAt(t, path, o).Close()
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, o)
	if want := `gatehouse restore --last-copy --data "` + dir + `"`; !strings.Contains(say(err), want) || !strings.Contains(say(err), LastCopy(filepath.Join(dir, "copies"))) {
		t.Errorf("%v lacks %s", err, want)
	}
}
