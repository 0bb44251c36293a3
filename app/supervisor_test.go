package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"
)

// TestMain lets this program play the server that the supervisor starts.
func TestMain(m *testing.M) {
	if dir := os.Getenv("APP_TEST_SERVER"); dir != "" {
		os.Exit(testServer(dir))
	}
	os.Exit(m.Run())
}

// fakeHouse is the least that a server is: a socket that answers.
type fakeHouse struct{ stop context.CancelFunc }

func (fakeHouse) Status(context.Context) (control.Status, error) {
	return control.Status{Version: os.Getenv("APP_TEST_VERSION"), PID: os.Getpid()}, nil
}
func (fakeHouse) Ticket(context.Context) (control.Ticket, error) {
	return control.Ticket{URL: fmt.Sprintf("http://127.0.0.1:1/enter?t=%d", os.Getpid())}, nil
}
func (fakeHouse) CreateAdmin(context.Context, control.AdminRequest) (control.AdminResult, error) {
	return control.AdminResult{}, fault.New(fault.Denied, "not here")
}
func (fakeHouse) ResetPassword(context.Context, string, string) (control.AdminResult, error) {
	return control.AdminResult{}, fault.New(fault.Denied, "not here")
}
func (fakeHouse) RecoveryLink(context.Context, string, time.Duration) (control.AdminResult, error) {
	return control.AdminResult{}, fault.New(fault.Denied, "not here")
}
func (fakeHouse) Blueprint(context.Context, control.BlueprintRequest) (control.BlueprintResult, error) {
	return control.BlueprintResult{}, fault.New(fault.Denied, "not here")
}
func (fakeHouse) Export(context.Context) (control.Exported, error) {
	return control.Exported{}, fault.New(fault.Denied, "not here")
}
func (fakeHouse) Backup(context.Context, string, string) error      { return nil }
func (h fakeHouse) Stop(context.Context) error                      { h.stop(); return nil }
func (fakeHouse) Reply(context.Context, control.DesktopReply) error { return nil }

func (fakeHouse) Desktop(ctx context.Context) (<-chan control.DesktopEvent, error) {
	return make(chan control.DesktopEvent), nil
}

func testServer(dir string) int {
	if say := os.Getenv("APP_TEST_FAIL"); say != "" {
		fmt.Fprintln(os.Stderr, `{"event":"a log line"}`)
		fmt.Fprintln(os.Stderr, say)
		return 1
	}
	l, err := lock.Data(dir, "test")
	if err != nil {
		return exitLocked
	}
	sock, err := control.Listen(dir, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := errors.Join(control.Serve(ctx, sock, fakeHouse{stop}), l.Release()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// testSupervisor starts this test program as the server of a fresh data folder; what it leaves running is ended with the test.
func testSupervisor(t *testing.T, env ...string) *supervisor {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &supervisor{data: dir, command: []string{exe}, output: filepath.Join(dir, "logs", "out.txt"),
		env: append(append(os.Environ(), "APP_TEST_SERVER="+dir, "APP_TEST_VERSION=1"), env...)}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStartAttachStop(t *testing.T) {
	s := testSupervisor(t)
	ctx := context.Background()
	c, started, err := s.Ensure(ctx)
	if err != nil || !started {
		t.Fatalf("start: %v %v", started, err)
	}
	first, err := c.Status(ctx)
	if err != nil || first.PID == os.Getpid() {
		t.Fatalf("%+v %v", first, err)
	}
	other := &supervisor{data: s.data, command: []string{"/nobody"}, output: s.output}
	c2, started, err := other.Ensure(ctx)
	if err != nil || started {
		t.Fatalf("attach: %v %v", started, err)
	}
	if st, err := c2.Status(ctx); err != nil || st.PID != first.PID {
		t.Errorf("attached to %+v %v", st, err)
	}
	if err := other.Stop(ctx); err != nil { // stops one that it did not start
		t.Fatal(err)
	}
	<-s.child.ended
	if s.Crashed() {
		t.Error("a clean stop counts as a crash")
	}
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop twice: %v", err)
	}
	if _, started, err := s.Ensure(ctx); err != nil || !started {
		t.Errorf("start again: %v %v", started, err)
	}
}

func TestCrash(t *testing.T) {
	s := testSupervisor(t)
	if _, _, err := s.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.child.process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.child.ended
	if !s.Crashed() {
		t.Error("a kill is no crash")
	}
}

func TestServerThatCannotStart(t *testing.T) {
	for name, tt := range map[string]struct{ say, want, details string }{
		"in words":       {"The port is taken.\nDetails: bind: address in use", "The port is taken.", "bind: address in use"},
		"several lines":  {"The settings can't be accepted:\n  http: x", "The settings can't be accepted:\n  http: x", ""},
		"with a panic":   {"panic: oh\n\ngoroutine 1 [running]:", "The server ended right after its start. Look into", "panic: oh"},
		"without a word": {" ", "The server ended right after its start. Look into the log", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := testSupervisor(t, "APP_TEST_FAIL="+tt.say)
			_, _, err := s.Ensure(context.Background())
			f := fault.As(err)
			if f == nil || !strings.HasPrefix(f.Say, tt.want) || tt.details != "" && !strings.Contains(fmt.Sprint(f.Cause), tt.details) {
				t.Errorf("got %#v", f)
			}
			if f != nil && strings.Contains(f.Say, "a log line") {
				t.Error("the log is no sentence for people")
			}
		})
	}
	s := testSupervisor(t)
	s.command = []string{filepath.Join(s.data, "gone")}
	if _, _, err := s.Ensure(context.Background()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no program: %v", err)
	}
}

// TestLockedByAnother: a server that is just starting, in another process, is waited for.
func TestLockedByAnother(t *testing.T) {
	s := testSupervisor(t)
	held, err := lock.Data(s.data, "starting")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { // answers once the supervisor has started a server of its own, which makes this file
		for {
			if _, err := os.Stat(s.output); err == nil {
				break
			}
			runtime.Gosched()
		}
		sock, err := control.Listen(s.data, "")
		if err != nil {
			done <- err
			return
		}
		done <- control.Serve(ctx, sock, fakeHouse{stop})
	}()
	_, started, err := s.Ensure(ctx)
	if err != nil || started {
		t.Errorf("%v %v", started, err)
	}
	stop()
	if err := errors.Join(<-done, held.Release()); err != nil {
		t.Error(err)
	}
}

func TestServerArgs(t *testing.T) {
	t.Setenv("GATEHOUSE_CONFIG", "")
	o := Options{Config: config.Config{Data: "/d", Log: config.Log{File: "/abs/g.log"}}, Flags: map[string]string{"http": ":1", "log.file": "g.log", "name": ""}}
	got, err := serverArgs(o)
	if want := "serve --window --data /d --http :1 --name  --log-file /abs/g.log"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %q %v, want %q", strings.Join(got, " "), err, want)
	}
	t.Setenv("GATEHOUSE_CONFIG", "rel.yml")
	if got, err = serverArgs(Options{Config: config.Config{Data: "/d"}}); err != nil || len(got) != 6 || !filepath.IsAbs(got[3]) {
		t.Errorf("got %q %v", got, err)
	}
}

func TestServerProgram(t *testing.T) {
	dir := t.TempDir()
	exe := filepath.Join(dir, "gatehouse")
	if got := serverProgram(exe); got != exe {
		t.Errorf("alone: %s", got)
	}
	name := filepath.Join(dir, "gatehouse-server")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serverProgram(exe); runtime.GOOS != "windows" && got != exe {
		t.Errorf("not executable: %s", got)
	}
	if err := os.Chmod(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := serverProgram(exe); got != name {
		t.Errorf("beside: %s", got)
	}
}

func TestLastWords(t *testing.T) {
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprint("line ", i))
	}
	for in, want := range map[string]string{
		"":                              "",
		"{\"event\":\"x\"}\nbad\r\n\n":  "bad",
		"\xff\xfeodd":                   "odd",
		strings.Join(many, "\n") + "\n": strings.Join(many[8:], "\n"),
	} {
		if got := lastWords([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
