package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

// house is a Backend that remembers what it was asked.
type house struct {
	asked  []any
	events chan DesktopEvent
	stop   func()
}

func (h *house) Status(context.Context) (Status, error) {
	return Status{Version: "1.2.3", PID: os.Getpid(), Started: time.Unix(1, 0).UTC()}, nil
}

func (h *house) Ticket(context.Context) (Ticket, error) {
	return Ticket{URL: "http://127.0.0.1:1/-/desktop/enter?t=x"}, nil
}

func (h *house) CreateAdmin(_ context.Context, r AdminRequest) (AdminResult, error) {
	h.asked = append(h.asked, r)
	if r.Username == "taken" {
		return AdminResult{}, &fault.Error{Kind: fault.Conflict, Fields: map[string][]string{"username": {"This name is taken."}}, Code: "unique", Cause: errors.New("row 7")}
	}
	return AdminResult{PK: 1, Username: r.Username}, nil
}

func (h *house) ResetPassword(_ context.Context, username, password string) (AdminResult, error) {
	h.asked = append(h.asked, username, password)
	if username == "nobody" {
		return AdminResult{}, fault.New(fault.NotFound, "There is no user nobody.")
	}
	return AdminResult{PK: 2, Username: username}, nil
}

func (h *house) RecoveryLink(_ context.Context, username string, valid time.Duration) (AdminResult, error) {
	h.asked = append(h.asked, username, valid)
	return AdminResult{PK: 3, Username: username, Link: "/recovery/use-token/x/"}, nil
}

func (h *house) Blueprint(_ context.Context, r BlueprintRequest) (BlueprintResult, error) {
	if r.Content == "" {
		return BlueprintResult{Faults: []BlueprintFault{{Text: "The file is empty."}}}, nil
	}
	return BlueprintResult{Created: len(r.Content), Notes: []string{r.Name, r.Env["A"]}}, nil
}

func (h *house) Export(context.Context) (Exported, error) {
	return Exported{Content: "version: 1\n", Note: "no keys"}, nil
}

func (h *house) Backup(_ context.Context, path, passphrase string) error {
	h.asked = append(h.asked, path, passphrase)
	return nil
}

func (h *house) Stop(context.Context) error { h.stop(); return nil }

func (h *house) Reply(_ context.Context, r DesktopReply) error {
	h.asked = append(h.asked, r)
	return nil
}

func (h *house) Desktop(context.Context) (<-chan DesktopEvent, error) { return h.events, nil }

// serve runs the socket of a data folder; the end of the test waits for it.
func serve(t *testing.T, dir string) *house {
	t.Helper()
	l, err := Listen(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &house{events: make(chan DesktopEvent, 4), stop: stop}
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return h
}

func dial(t *testing.T, dir string) *Client {
	t.Helper()
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestContract is what every operating system's socket keeps.
func TestContract(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 9), "data")
	for name, dir := range map[string]string{"short path": t.TempDir(), "long path": long} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			var nobody *Nobody
			if _, err := Dial(dir); !errors.As(err, &nobody) || !errors.Is(err, ErrNobody) || !strings.Contains(err.Error(), dir) {
				t.Errorf("before the server: %v", err)
			}
			for round := range 2 { // the second one finds what the first left
				l, err := Listen(dir, "")
				if err != nil {
					t.Fatal(err)
				}
				if round == 0 {
					if err := l.(*listener).Listener.Close(); err != nil { // like a kill: nothing is removed
						t.Fatal(err)
					}
					if _, err := Dial(dir); !errors.Is(err, ErrNobody) {
						t.Errorf("with a dead socket: %v", err)
					}
					continue
				}
				if i, err := os.Stat(path(controlSocket, dir)); err != nil || runtime.GOOS != "windows" && i.Mode().Perm() != 0o600 {
					t.Errorf("rights: %v %v", i, err)
				}
				if i, err := os.Stat(filepath.Dir(path(controlSocket, dir))); err != nil || runtime.GOOS != "windows" && i.Mode().Perm()&0o077 != 0 && name == "long path" {
					t.Errorf("rights of the folder: %v %v", i, err)
				}
				at := path(controlSocket, dir)
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if _, err := os.Lstat(at); err == nil {
					t.Error("the socket is still there")
				}
			}
			serve(t, dir)
			if s, err := dial(t, dir).Status(context.Background()); err != nil || s.Version != "1.2.3" {
				t.Errorf("%+v %v", s, err)
			}
		})
	}
}

func TestVerbs(t *testing.T) {
	dir := t.TempDir()
	h := serve(t, dir)
	c := dial(t, dir)
	ctx := context.Background()
	if got, err := c.Ticket(ctx); err != nil || got.URL == "" {
		t.Errorf("ticket %v %v", got, err)
	}
	if got, err := c.CreateAdmin(ctx, AdminRequest{Username: "ada", Password: "pw"}); err != nil || got.PK != 1 {
		t.Errorf("create %v %v", got, err)
	}
	_, err := c.CreateAdmin(ctx, AdminRequest{Username: "taken"})
	if f := fault.As(err); f.Kind != fault.Conflict || f.Fields["username"][0] != "This name is taken." || f.Code != "unique" || f.Cause.Error() != "row 7" {
		t.Errorf("a fault came as %#v", f)
	}
	if _, err := c.CreateAdmin(ctx, AdminRequest{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("no name: %v", err)
	}
	if _, err := c.ResetPassword(ctx, "nobody", "x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("reset of nobody: %v", err)
	}
	if got, err := c.RecoveryLink(ctx, "ada", time.Hour); err != nil || got.Link == "" {
		t.Errorf("link %v %v", got, err)
	}
	file, err := filepath.Abs("b.age")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Backup(ctx, file, "phrase"); err != nil {
		t.Error(err)
	}
	if err := c.Backup(ctx, "b.age", "phrase"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a relative path: %v", err)
	}
	big := strings.Repeat("x", 2<<20) // larger than any other request may be
	if got, err := c.Blueprint(ctx, BlueprintRequest{Name: "n", Content: big, Env: map[string]string{"A": "b"}}); err != nil || got.Created != len(big) || fmt.Sprint(got.Notes) != "[n b]" {
		t.Errorf("blueprint %v %v", got.Notes, err)
	}
	if got, err := c.Blueprint(ctx, BlueprintRequest{}); err != nil || len(got.Faults) != 1 || got.Faults[0].Text != "The file is empty." {
		t.Errorf("blueprint %v %v", got, err)
	}
	if got, err := c.Export(ctx); err != nil || got.Content != "version: 1\n" || got.Note != "no keys" {
		t.Errorf("export %v %v", got, err)
	}
	want := fmt.Sprint([]any{AdminRequest{Username: "ada", Password: "pw"}, AdminRequest{Username: "taken"}, "nobody", "x", "ada", time.Hour, file, "phrase"})
	if got := fmt.Sprint(h.asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestDesktop(t *testing.T) {
	dir := t.TempDir()
	h := serve(t, dir)
	c := dial(t, dir)
	events, err := c.Desktop(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := DesktopEvent{Kind: "save", Name: "a b.pem", Data: []byte("\x00\xff\n")}
	h.events <- want
	if got := <-events; got.Kind != want.Kind || got.Name != want.Name || string(got.Data) != string(want.Data) {
		t.Errorf("got %+v", got)
	}
	if err := c.Stop(context.Background()); err != nil { // answers although it ends the server
		t.Error(err)
	}
	if _, open := <-events; open {
		t.Error("an event after the end")
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := Dial(dir); errors.Is(err, ErrNobody) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server answers after its end")
		}
	}
}

func TestDesktopEndsWithItsCaller(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir)
	ctx, stop := context.WithCancel(context.Background())
	events, err := dial(t, dir).Desktop(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, open := <-events; open {
		t.Error("an event after the end")
	}
}

func TestForeignFileIsKept(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, controlSocket+socketEnd)
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(dir, ""); err == nil {
		l.Close()
		t.Error("a file was taken for a socket")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("%q %v", b, err)
	}
	// A pointer must not remove what Listen did not make.
	if err := os.WriteFile(filepath.Join(dir, controlSocket+pointerEnd), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	removeFallback(filepath.Join(dir, controlSocket+pointerEnd))
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestUnknownGroup(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // Windows knows no group here
	}
	if l, err := Listen(t.TempDir(), "no-such-group-here"); err == nil {
		l.Close()
		t.Error("a group that isn't there was taken")
	}
}

// TestOlderServer: a verb that the server does not know asks for a restart.
func TestOlderServer(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", answer(func(context.Context, none) (Status, error) { return Status{Version: "0.1"}, nil }))
	s := &http.Server{Handler: mux}
	go s.Serve(l) //nolint:errcheck // ends with Close
	defer s.Close()
	_, err = dial(t, dir).Ticket(context.Background())
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "another version") {
		t.Errorf("got %v", err)
	}
}

// TestSilentServer: one that accepts and says nothing is no "nobody".
func TestSilentServer(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		var kept []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if kept = append(kept, c); len(kept) > 100 {
				return
			}
		}
	}()
	if _, err := Dial(dir); err == nil || errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
}

func TestWindow(t *testing.T) {
	dir := t.TempDir()
	if err := RaiseWindow(dir); !errors.Is(err, ErrNobody) {
		t.Errorf("without a window: %v", err)
	}
	shown := make(chan struct{}, 1)
	stop, err := ServeWindow(dir, func() { shown <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := RaiseWindow(dir); err != nil {
		t.Error(err)
	}
	select {
	case <-shown:
	case <-time.After(time.Minute):
		t.Error("nothing was shown")
	}
	stop()
	if err := RaiseWindow(dir); !errors.Is(err, ErrNobody) {
		t.Errorf("after the end: %v", err)
	}
}
