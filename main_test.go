package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"

	"github.com/spf13/cobra"
)

// command runs one command line in a home of its own.
func command(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(k, "GATEHOUSE_") || strings.HasPrefix(k, "AUTHENTIK_") {
			t.Setenv(k, v) // remembers it for the end of the test
			if err := os.Unsetenv(k); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("LOCALAPPDATA", dir)
	return filepath.Join(dir, "data")
}

func TestExitCodes(t *testing.T) {
	data := home(t)
	held, err := lock.Data(filepath.Join(data, "held"), "9.9")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release() //nolint:errcheck // the test ends
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		say  string
	}{
		{"version", exitOK, ""},
		{"--help", exitOK, ""},
		{"srve", exitUsage, `unknown command "srve"`},
		{"serve --dta x", exitUsage, "Did you mean --data?"},
		{"serve --zzzzzzzz x", exitUsage, "There is no flag --zzzzzzzz."},
		{"admin create", exitUsage, "This command is written so: gatehouse admin create USERNAME"},
		{"admin create ada --link --password-stdin", exitUsage, "link"},
		{"backup", exitUsage, "This command is written so: gatehouse backup FILE"},
		{"config validate --http x --log-level loud", exitConflict, "--log-level"},
		{"serve --http x --log-level loud", exitConflict, "--http"},
		{"config validate --config /none.yml", exitConflict, "/none.yml isn't there"},
		{"restore /none.age", exitNotFound, "/none.age isn't there"},
		{"restore " + file + " --data " + filepath.Join(data, "held"), exitLocked, "version 9.9"},
		{"serve --data " + filepath.Join(data, "held"), exitLocked, "version 9.9"},
		{"healthcheck --http 127.0.0.1:1", exitUnreachable, "Nobody answers at 127.0.0.1:1"},
		{"serve --data " + filepath.Join(file, "x"), exitError, "--data"},
		{"admin create ada --password-stdin", exitConflict, "Standard input is empty"},
		{"admin reset-password ada", exitConflict, "no terminal"},
		{"backup x.age", exitConflict, "GATEHOUSE_BACKUP_PASSPHRASE"},
		{"admin recovery-link ada --valid -1h", exitConflict, "--valid 1h"},
		{"create_recovery_key ten akadmin", exitConflict, "number of years"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, _, stderr := command(t, "", strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stderr, tt.say) {
				t.Errorf("code %d, want %d; said\n%s", code, tt.code, stderr)
			}
		})
	}
}

// house is a server's side of the socket.
type house struct{ asked chan any }

func (h house) Status(context.Context) (control.Status, error) {
	return control.Status{Version: "1"}, nil
}
func (h house) Ticket(context.Context) (control.Ticket, error) { return control.Ticket{}, nil }
func (h house) CreateAdmin(_ context.Context, r control.AdminRequest) (control.AdminResult, error) {
	h.asked <- r
	if r.Username == "taken" {
		return control.AdminResult{}, fault.Field("username", "This name is taken.")
	}
	return control.AdminResult{PK: 7, Username: r.Username, Link: "https://login.office.lan:9443/x"}, nil
}
func (h house) ResetPassword(_ context.Context, username, password string) (control.AdminResult, error) {
	h.asked <- username + ":" + password
	if username == "nobody" {
		return control.AdminResult{}, fault.New(fault.NotFound, "There is no user nobody.")
	}
	return control.AdminResult{PK: 7, Username: username}, nil
}
func (h house) RecoveryLink(_ context.Context, username string, valid time.Duration) (control.AdminResult, error) {
	h.asked <- username + ":" + valid.String()
	if username == "denied" {
		return control.AdminResult{}, fault.New(fault.Denied, "Not you.")
	}
	return control.AdminResult{PK: 7, Username: username, Link: "/recovery/x/"}, nil
}
func (h house) Blueprint(_ context.Context, r control.BlueprintRequest) (control.BlueprintResult, error) {
	if r.Env["OFFICE_TEST_BLUEPRINT"] != "" || r.Context["n"] != nil {
		return control.BlueprintResult{Created: 1, Notes: []string{fmt.Sprint(r.Env["OFFICE_TEST_BLUEPRINT"], " ", r.Context["n"], " ", r.Dry)}}, nil
	}
	return control.BlueprintResult{Faults: []control.BlueprintFault{{Line: 3, Text: "slug: taken"}, {Text: "all wrong"}}}, nil
}

func (h house) Export(context.Context) (control.Exported, error) {
	return control.Exported{Content: "version: 1\n", Note: "no keys"}, nil
}

func (h house) Backup(_ context.Context, path, passphrase string) error {
	h.asked <- path + ":" + passphrase
	return nil
}
func (h house) Stop(context.Context) error { return nil }
func (h house) Desktop(context.Context) (<-chan control.DesktopEvent, error) {
	return make(chan control.DesktopEvent), nil
}
func (h house) Reply(context.Context, control.DesktopReply) error { return nil }

func TestThroughTheRunningServer(t *testing.T) {
	data := home(t)
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	sock, err := control.Listen(data, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	h := house{asked: make(chan any, 1)}
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, sock, h) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	t.Setenv("GATEHOUSE_BACKUP_PASSPHRASE", "correct horse")
	file, err := filepath.Abs("b.age")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args, stdin string
		asked       any
		code        int
		out         string
	}{
		{"admin create ada --link --email a@b.c --name Ada", "", control.AdminRequest{Username: "ada", Email: "a@b.c", Name: "Ada"}, exitOK, "https://login.office.lan:9443/x\n"},
		{"admin create ada --password-stdin", "s3cret\nmore", control.AdminRequest{Username: "ada", Password: "s3cret"}, exitOK, "ada (user 7): created"},
		{"admin create taken --link", "", control.AdminRequest{Username: "taken"}, exitConflict, "username: This name is taken."},
		{"admin reset-password ada --password-stdin", "pw\r\n", "ada:pw", exitOK, "new password"},
		{"changepassword ada --password-stdin", "pw", "ada:pw", exitOK, "new password"},
		{"admin reset-password nobody --password-stdin", "pw", "nobody:pw", exitNotFound, "There is no user nobody."},
		{"admin recovery-link ada --valid 15m --json", "", "ada:15m0s", exitOK, `"link": "/recovery/x/"`},
		{"admin recovery-link denied", "", "denied:1h0m0s", exitDenied, "Not you."},
		{"create_recovery_key 10 akadmin", "", "akadmin:87600h0m0s", exitOK, "/recovery/x/"},
		{"backup b.age", "", file + ":correct horse", exitOK, "Keep the passphrase elsewhere"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := command(t, tt.stdin, append(strings.Fields(tt.args), "--data", data)...)
			if code != tt.code || !strings.Contains(stdout+stderr, tt.out) {
				t.Errorf("code %d, want %d\n%s%s", code, tt.code, stdout, stderr)
			}
			select {
			case got := <-h.asked:
				if got != tt.asked {
					t.Errorf("asked %v, want %v", got, tt.asked)
				}
			default:
				t.Errorf("the server was not asked for %v", tt.asked)
			}
		})
	}
}

func TestVersionJSON(t *testing.T) {
	home(t)
	code, stdout, _ := command(t, "", "version", "--json")
	var v map[string]any
	if err := json.Unmarshal([]byte(stdout), &v); code != exitOK || err != nil || v["version"] != version || v["window"] == nil {
		t.Errorf("%d %v %q", code, err, stdout)
	}
}

func TestConfigDump(t *testing.T) {
	home(t)
	t.Setenv("GATEHOUSE_BOOTSTRAP_PASSWORD", "geheim")
	t.Setenv("AUTHENTIK_REDIS__HOST", "redis")
	code, stdout, stderr := command(t, "", "config", "dump", "--https", ":443")
	if code != exitOK || strings.Contains(stdout+stderr, "geheim") || !strings.Contains(stdout, `https: ":443"  # --https`) || !strings.Contains(stderr, "AUTHENTIK_REDIS__HOST is not used") {
		t.Errorf("%d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := command(t, "", "config", "validate"); code != exitOK || !strings.Contains(stdout, "can be used") {
		t.Errorf("%d %s", code, stdout)
	}
}

// TestHelp: every command that people see says what it does and, unless it only holds others, shows an example.
func TestHelp(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if name := cmd.Name(); name == "completion" || name == "help" {
			return
		}
		if cmd.Short == "" || !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s has no description or no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	c := &cli{}
	walk(c.root())
	home(t)
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"admin", "--help"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"completion", "powershell"}} {
		if code, stdout, _ := command(t, "", args...); code != exitOK || len(stdout) < 100 {
			t.Errorf("%v: %d %q", args, code, stdout)
		}
	}
}

// TestServeEndsCleanly: the whole program starts on an empty folder, answers, and leaves on a signal's context.
func TestServeEndsCleanly(t *testing.T) {
	data := home(t)
	ctx, stop := context.WithCancel(context.Background())
	c := &cli{given: map[string]string{"data": data, "http": "127.0.0.1:0", "https": "127.0.0.1:0"}}
	done := make(chan error, 1)
	var stderr bytes.Buffer
	go func() { done <- c.runServer(ctx, "serve", &stderr) }()
	for deadline := time.Now().Add(60 * time.Second); ; {
		if client, err := control.Dial(data); err == nil {
			client.Close()
			break
		}
		select {
		case err := <-done:
			t.Fatalf("it ended: %v\n%s", err, stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not answer")
		}
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(stopTime):
		t.Error("it does not end")
	}
	if l, err := lock.Data(data, "next"); err != nil {
		t.Errorf("the data folder is still held: %v", err)
	} else if err := l.Release(); err != nil {
		t.Error(err)
	}
}
