package lock

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

// TestContract is what every operating system's lock keeps.
func TestContract(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	first, err := Data(dir, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && i.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", i.Mode(), err)
	}
	_, err = Data(dir, "2.0")
	var held *Held
	if !errors.As(err, &held) {
		t.Fatalf("a second lock: %v", err)
	}
	if held.Holder != (Holder{PID: os.Getpid(), Version: "1.0"}) {
		t.Errorf("holder %+v", held.Holder)
	}
	for _, want := range []string{"version 1.0", dir, "--data"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	window, err := File(filepath.Join(dir, WindowFile), "1.0")
	if err != nil {
		t.Errorf("the window's lock is another one: %v", err)
	}
	if err := errors.Join(first.Release(), first.Release(), window.Release(), (*Lock)(nil).Release()); err != nil {
		t.Fatal(err)
	}
	again, err := Data(dir, "2.0")
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestKilledHolder shows that the lock ends with its process, even when that is killed.
func TestKilledHolder(t *testing.T) {
	if dir := os.Getenv("LOCK_TEST_DIR"); dir != "" {
		if _, err := Data(dir, "child"); err != nil {
			os.Exit(3)
		}
		os.Stdout.WriteString("locked\n")
		select {}
	}
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe, "-test.run=TestKilledHolder$")
	child.Env = append(os.Environ(), "LOCK_TEST_DIR="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	var held *Held
	if _, err := Data(dir, "parent"); !errors.As(err, &held) || held.Holder.PID != child.Process.Pid {
		t.Errorf("while the child lives: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // the error says that it was killed
	l, err := Data(dir, "parent")
	if err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestUnusableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Data(filepath.Join(file, "data"), "1.0")
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableHolder(t *testing.T) {
	for _, text := range []string{"", "{", `{"pid":"x"}`, "\x00\x00"} {
		f, err := os.Create(filepath.Join(t.TempDir(), "lock"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if h := read(f); h != (Holder{}) {
			t.Errorf("%q: %+v", text, h)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
