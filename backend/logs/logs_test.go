package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

type ridKey struct{}

// line logs once and gives the line as it was written.
func line(t *testing.T, do func(l *slog.Logger)) map[string]any {
	t.Helper()
	var b bytes.Buffer
	l, c := New(Options{Terminal: &b, RequestID: func(ctx context.Context) string { s, _ := ctx.Value(ridKey{}).(string); return s }})
	do(l)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "geheim") {
		t.Errorf("a secret in the log: %s", &b)
	}
	var m map[string]any
	if err := json.Unmarshal(b.Bytes(), &m); err != nil {
		t.Fatalf("%v in %q", err, b.String())
	}
	return m
}

func TestKeys(t *testing.T) {
	m := line(t, func(l *slog.Logger) {
		l.With("logger", "rest").WarnContext(WithRequestID(context.Background(), "r1"), "slow", "ms", 12)
	})
	if m["event"] != "slow" || m["level"] != "warning" || m["logger"] != "rest" || m["request_id"] != "r1" || m["ms"] != 12.0 {
		t.Errorf("%v", m)
	}
	if _, err := time.Parse(time.RFC3339Nano, m["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	for _, k := range []string{"time", "msg"} {
		if _, there := m[k]; there {
			t.Errorf("%s is there", k)
		}
	}
	if m := line(t, func(l *slog.Logger) { l.Info("x") }); m["logger"] != "gatehouse" || m["request_id"] != nil {
		t.Errorf("without a name: %v", m)
	}
	if m := line(t, func(l *slog.Logger) { l.InfoContext(context.WithValue(context.Background(), ridKey{}, "r2"), "x") }); m["request_id"] != "r2" {
		t.Errorf("id from elsewhere: %v", m)
	}
	var b bytes.Buffer
	l, _ := New(Options{Terminal: &b, Level: slog.LevelError})
	l.Info("quiet")
	if b.Len() != 0 {
		t.Errorf("level is not kept: %s", &b)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	type body struct {
		Name     string
		Password string
		Nested   struct{ ClientSecret string }
	}
	in := body{Name: "ada", Password: "geheim"}
	in.Nested.ClientSecret = "geheim"
	u, err := url.Parse("https://x/cb?code=geheim&state=s1")
	if err != nil {
		t.Fatal(err)
	}
	m := line(t, func(l *slog.Logger) {
		l.With("api_token", "geheim").Info("x",
			"password", "geheim", "PublicKey", "geheim", "set-cookie", "geheim", "signature", "geheim",
			"passing", true, "password_change_date", "2026-01-01",
			"path", "/if/flow/x/?flow_token=geheim&next=%2Fapplication%2Fo%2F%3Fclient_secret%3Dgeheim%26a%3D1",
			"url", u, "body", in, "list", []any{map[string]any{"token": "geheim", "n": 1}}, "bytes", []byte("geheim"),
			"header", http.Header{"Cookie": {"geheim"}, "Accept": {"*/*"}},
			slog.Group("http", "cookie", "geheim", "code", 200), slog.Group("secrets", "a", "geheim"),
			"err", errors.New("disk full"))
	})
	if m["api_token"] != Mask || m["password"] != Mask || m["passing"] != true || m["password_change_date"] != "2026-01-01" {
		t.Errorf("%v", m)
	}
	if m["url"] != "https://x/cb?code="+Mask+"&state=s1" {
		t.Errorf("url %v", m["url"])
	}
	b := m["body"].(map[string]any)
	if b["Name"] != "ada" || b["Password"] != Mask {
		t.Errorf("body %v", b)
	}
	if m["http"].(map[string]any)["code"] != 200.0 || m["err"] != "disk full" {
		t.Errorf("%v", m)
	}
	if m["header"].(map[string]any)["Accept"].([]any)[0] != "*/*" {
		t.Errorf("header %v", m["header"])
	}
}

func TestURL(t *testing.T) {
	for in, want := range map[string]string{
		"/x":                            "/x",
		"plain text? a=b":               "plain text? a=b",
		"/x?code=1":                     "/x?code=" + Mask,
		"/x?a=1&token=2#access_token=3": "/x?a=1&token=" + Mask + "#access_token=" + Mask,
		"?t=abc":                        "?t=" + Mask,
		"/x?code=":                      "/x?code=",
		"/x?flow%5Ftoken=1":             "/x?flow%5Ftoken=" + Mask,
		"/x?%zz=1&code=2":               "/x?%zz=1&code=" + Mask,
	} {
		if got := URL(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzURL(f *testing.F) {
	f.Add("/x?code=geheim&next=%2F%3Ftoken%3Dgeheim")
	f.Add("https://a/#code=b;c?d")
	f.Fuzz(func(t *testing.T, s string) {
		once := URL(s)
		if !strings.ContainsAny(s, "?#") && once != s {
			t.Errorf("%q changed to %q", s, once)
		}
		if twice := URL(once); !strings.Contains(s, "*") && URL(twice) != twice {
			t.Errorf("%q is not stable: %q, %q", s, twice, URL(twice))
		}
	})
}

func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	name := filepath.Join(dir, "gatehouse.log")
	l, c := New(Options{File: name})
	l.Info("hello")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(b), `"event":"hello"`) {
		t.Errorf("%q %v", b, err)
	}
	for p, want := range map[string]os.FileMode{dir: 0o700, name: 0o600} {
		if i, err := os.Stat(p); err != nil || runtime.GOOS != "windows" && i.Mode().Perm() != want {
			t.Errorf("%s: %v %v", p, i.Mode(), err)
		}
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	l, c := New(Options{File: filepath.Join(dir, "g.log")})
	text := strings.Repeat("x", 1<<20)
	for range fileMegabytes + 1 {
		l.Info(text)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOneBrokenOutputSilencesNone(t *testing.T) {
	var b bytes.Buffer
	if _, err := (each{broken{}, &b}).Write([]byte("x")); err == nil || b.String() != "x" {
		t.Errorf("%v %q", err, b.String())
	}
}
