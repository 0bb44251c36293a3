package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A damaged database is told at the start with the command that goes back to the last copy, and the command does it.
func TestDamagedDatabase(t *testing.T) {
	data := home(t)
	if code, _, stderr := command(t, "a long password", "admin", "create", "ada", "--password-stdin", "--data", data); code != exitOK {
		t.Fatal(stderr)
	}
	file, last := filepath.Join(data, "gatehouse.db"), filepath.Join(data, "copies", "before-1.0-20261101T080000.000000Z.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(last), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(last, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := []string{"serve", "--data", data, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"}
	for _, args := range [][]string{serve, append(serve, "--window"), {"admin", "reset-password", "ada", "--password-stdin", "--data", data}} {
		code, _, stderr := command(t, "another password", args...)
		first, _, _ := strings.Cut(stderr, "\nDetails:") // what the window shows of it
		if code != exitError || !strings.Contains(first, "is damaged or no database") || !strings.Contains(first, `gatehouse restore --last-copy --data "`+data+`"`) || !strings.Contains(first, last) {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	if code, _, stderr := command(t, "", "restore", "x.age", "--last-copy", "--data", data); code != exitUsage {
		t.Errorf("a file and the last copy: %d %s", code, stderr)
	}
	code, stdout, stderr := command(t, "", "restore", "--last-copy", "--data", data)
	if code != exitOK || !strings.Contains(stdout, last) {
		t.Fatalf("%d %s %s", code, stdout, stderr)
	}
	if code, _, stderr := command(t, "another password", "admin", "reset-password", "ada", "--password-stdin", "--data", data); code != exitOK {
		t.Errorf("after going back: %d %s", code, stderr)
	}
	kept, err := filepath.Glob(filepath.Join(data, "replaced-*", "gatehouse.db"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	f, err := os.Open(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(io.LimitReader(f, 11)); err != nil || string(b) != "no database" {
		t.Errorf("the damaged file was not kept: %q %v", b, err)
	}
	if code, _, stderr := command(t, "", "restore", "--last-copy", "--data", filepath.Join(data, "..", "none")); code != exitNotFound || !strings.Contains(stderr, "gatehouse restore FILE") {
		t.Errorf("no copy: %d %s", code, stderr)
	}
}
