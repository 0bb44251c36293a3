package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/backend/config"
)

const (
	bootPassword = "correct horse battery"
	bootToken    = "boot-token-0123456789abcdefghijklmnop"
)

// house is a server that answers on ports of its own.
type house struct {
	t    testing.TB
	s    *Server
	data string
	base string // of the plain listener; everything answers there for this machine
	log  *lockedWriter
	stop func()
	watcher
}

var pagesFS = fstest.MapFS{
	"admin.html": {Data: []byte("<!doctype html><title>admin</title>")}, "portal.html": {Data: []byte("<!doctype html><title>portal</title>")},
}

// open starts a house on an empty folder; boot says whether the start-up variables make the admin.
func open(t testing.TB, boot bool) *house {
	t.Helper()
	data := t.TempDir()
	if boot {
		furnished(t, data)
	}
	return openAt(t, data, boot)
}

// scratch is a folder for all tests of this run; TestMain makes and removes it.
var scratch string

// first is a house after its first start, made once: going through all migrations and defaults takes a second under the race detector.
var first = sync.OnceValues(func() (string, error) {
	data, err := os.MkdirTemp(scratch, "first-")
	if err != nil {
		return "", err
	}
	s, err := Open(context.Background(), testOptions(data, true, io.Discard))
	if err != nil {
		return data, err
	}
	return data, s.Close()
})

// furnished puts a copy of the house after its first start into an empty folder.
func furnished(t testing.TB, data string) {
	t.Helper()
	from, err := first()
	if err != nil {
		t.Fatal(err)
	}
	copyHouse(t, data, from)
}

// copyHouse copies the folder of a house that is stopped.
func copyHouse(t testing.TB, data, from string) {
	t.Helper()
	err := os.CopyFS(data, os.DirFS(from))
	if err == nil {
		err = os.Chmod(filepath.Join(data, "key"), 0o600) // a copy is readable for everybody
	}
	if err != nil {
		t.Fatal(err)
	}
}

func testOptions(data string, boot bool, log io.Writer) Options {
	cfg := config.Config{Data: data, HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", Name: "login.office.lan"}
	if boot {
		cfg.Bootstrap = config.Bootstrap{Password: bootPassword, Token: bootToken, Email: "root@office.lan"}
	}
	return Options{Config: cfg, Version: "test", Assets: fs.FS(pagesFS), Log: slog.New(slog.NewJSONHandler(log, nil)), Mode: "serve"}
}

func openAt(t testing.TB, data string, boot bool) *house {
	t.Helper()
	w := &lockedWriter{}
	return serveWith(t, testOptions(data, boot, w), w)
}

// serveWith starts a house with options of the test's own; before it serves, prepare may change it.
func serveWith(t testing.TB, o Options, w *lockedWriter, prepare ...func(h *house)) *house {
	t.Helper()
	h := &house{t: t, data: o.Config.Data, log: w}
	o.Around = h.watch
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h.s = s
	for _, fn := range prepare {
		fn(h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	h.stop = func() {
		h.stop = nil
		cancel()
		defer h.close()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the server did not stop")
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		st, err := s.Status(t.Context())
		if err == nil && st.HTTP != "" {
			h.base = "http://" + st.HTTP
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no answer: %v\n%s", err, w)
		}
		select {
		case err := <-done:
			t.Fatalf("serve: %v", err)
		default:
		}
	}
	t.Cleanup(func() {
		if h.stop != nil {
			h.stop()
		}
		if t.Failed() && os.Getenv("SHOW_LOG") != "" {
			t.Log(w.String())
		}
	})
	return h
}

// browser is a client with cookies that follows no redirect by itself.
type browser struct {
	h *house
	c *http.Client
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{h, &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("no JSON object (status %d): %s", a.status, a.body)
	}
	return out
}

func (b *browser) do(method, path, contentType, body string, header ...string) answer {
	b.h.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.h.base + path
	}
	req, err := http.NewRequestWithContext(b.h.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.h.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	u, _ := url.Parse(b.h.base)
	for _, c := range b.c.Jar.Cookies(u) {
		if c.Name == "authentik_csrf" {
			req.Header.Set("X-authentik-CSRF", c.Value)
		}
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.c.Do(req)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(out)}
}

func (b *browser) get(path string, header ...string) answer {
	b.h.t.Helper()
	return b.do("GET", path, "", "", header...)
}

func (b *browser) form(path string, values url.Values, header ...string) answer {
	b.h.t.Helper()
	return b.do("POST", path, "application/x-www-form-urlencoded", values.Encode(), header...)
}

// api asks the API with the admin's token; want is the status that it must have.
func (h *house) api(method, path string, body any, want int) map[string]any {
	h.t.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		text = string(b)
	}
	a := h.browser().do(method, "/api/v3/"+path, "application/json", text, "Authorization", "Bearer "+bootToken)
	if a.status != want {
		h.t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.status, want, a.body)
	}
	if !strings.HasPrefix(strings.TrimSpace(a.body), "{") {
		return nil
	}
	return a.json(h.t)
}

// signIn goes through the default flow as a program does, and gives the last answer.
func (b *browser) signIn(query, username, password string) map[string]any {
	b.h.t.Helper()
	path := "/api/v3/flows/executor/default-authentication-flow/?query=" + url.QueryEscape(query)
	out := b.flow(path, nil)
	if out["component"] == "ak-stage-identification" {
		out = b.flow(path, map[string]any{"uid_field": username})
	}
	if out["component"] == "ak-stage-password" {
		out = b.flow(path, map[string]any{"password": password})
	}
	return out
}

// flow sends one answer to the executor (nil: asks) and follows its redirects to the next challenge.
func (b *browser) flow(path string, in map[string]any) map[string]any {
	b.h.t.Helper()
	var a answer
	if in == nil {
		a = b.get(path)
	} else {
		body, err := json.Marshal(in)
		if err != nil {
			b.h.t.Fatal(err)
		}
		a = b.do("POST", path, "application/json", string(body))
	}
	for range 10 {
		if a.status != http.StatusFound {
			break
		}
		a = b.get(a.header.Get("Location"))
	}
	if a.status != http.StatusOK {
		b.h.t.Fatalf("%s: status %d: %s", path, a.status, a.body)
	}
	return a.json(b.h.t)
}

func (h *house) addUser(username, password string) int {
	h.t.Helper()
	u := h.api("POST", "core/users/", map[string]any{"username": username, "name": username, "email": username + "@office.lan"}, 201)
	pk := int(u["pk"].(float64))
	h.api("POST", fmt.Sprintf("core/users/%d/set_password/", pk), map[string]any{"password": password}, 204)
	return pk
}

// app is an application with what its client knows.
type app struct{ slug, id, secret, redirect string }

func (h *house) addApp(name string, more map[string]any) app {
	h.t.Helper()
	in := map[string]any{"name": name, "redirect_uris": "https://" + name + ".office.lan/callback", "access": "everyone"}
	for k, v := range more {
		in[k] = v
	}
	out := h.api("POST", "gatehouse/applications/", in, 201)
	p := out["provider"].(map[string]any)
	a := app{slug: out["application"].(map[string]any)["slug"].(string), id: p["client_id"].(string), redirect: in["redirect_uris"].(string)}
	for _, v := range out["values"].([]any) {
		if v := v.(map[string]any); v["id"] == "client_secret" {
			a.secret = v["value"].(string)
		}
	}
	return a
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk-and-more"

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (a app) authorize(more ...string) string {
	q := url.Values{
		"client_id": {a.id}, "redirect_uri": {a.redirect}, "response_type": {"code"}, "scope": {"openid email profile offline_access"}, "state": {"s1"}, "nonce": {"n1"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Del(more[i])
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	return "/application/o/authorize/?" + q.Encode()
}

// code takes a signed-in browser through authorization, consent included, and gives what comes back to the client.
func (b *browser) code(address string) url.Values {
	b.h.t.Helper()
	for range 10 {
		a := b.get(address)
		if a.status != http.StatusFound {
			b.h.t.Fatalf("%s: status %d\n%s", address, a.status, a.body)
		}
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil {
			b.h.t.Fatal(err)
		}
		if to.IsAbs() && !strings.HasPrefix(to.String(), b.h.base) {
			return to.Query()
		}
		if slug, ok := strings.CutPrefix(to.Path, "/if/flow/"); ok {
			path := "/api/v3/flows/executor/" + slug + "?query=" + url.QueryEscape(to.RawQuery)
			out := b.flow(path, nil)
			if out["component"] == "ak-stage-consent" {
				out = b.flow(path, map[string]any{"token": out["token"]})
			}
			if out["type"] != "redirect" {
				b.h.t.Fatalf("%s asks %v", slug, out)
			}
			address = out["to"].(string)
			if u, err := url.Parse(address); err == nil && u.IsAbs() && !strings.HasPrefix(address, b.h.base) {
				return u.Query()
			}
			continue
		}
		address = to.String()
	}
	b.h.t.Fatal("too many redirects")
	return nil
}

func (h *house) token(a app, values url.Values) answer {
	h.t.Helper()
	if values.Get("client_id") == "" {
		values.Set("client_id", a.id)
		if a.secret != "" {
			values.Set("client_secret", a.secret)
		}
	}
	return h.browser().form("/application/o/token/", values)
}

func (h *house) exchange(a app, code string) map[string]any {
	h.t.Helper()
	out := h.token(a, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.redirect}, "code_verifier": {verifier}})
	if out.status != 200 {
		h.t.Fatalf("token: status %d: %s", out.status, out.body)
	}
	return out.json(h.t)
}

// claims reads the payload of a JWT without looking at its signature.
func claims(t testing.TB, jwt string) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %s", jwt)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// events counts the audit events of an action.
func (h *house) events(action string) int {
	h.t.Helper()
	out := h.api("GET", "events/events/?action="+action, nil, 200)
	return int(out["pagination"].(map[string]any)["count"].(float64))
}

// lockedWriter keeps the log of a server.
type lockedWriter struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String gives what was written.
func (l *lockedWriter) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMainJob(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", map[string]any{"consent": true})
	b := h.browser()
	if out := b.signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
		t.Fatalf("sign-in ends at %v", out)
	}
	back := b.code(wiki.authorize())
	if back.Get("code") == "" || back.Get("state") != "s1" {
		t.Fatalf("the client gets %v", back)
	}
	tokens := h.exchange(wiki, back.Get("code"))
	id := claims(t, tokens["id_token"].(string))
	if id["preferred_username"] != "ada" || id["nonce"] != "n1" || id["email"] != "ada@office.lan" || id["aud"] != wiki.id || id["iss"] != h.base+"/application/o/wiki/" {
		t.Errorf("claims %v", id)
	}
	info := h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+tokens["access_token"].(string))
	if info.status != 200 || info.json(t)["sub"] != id["sub"] {
		t.Errorf("userinfo %d %s", info.status, info.body)
	}
	again := h.token(wiki, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
	if again.status != 200 {
		t.Fatalf("refresh: %d %s", again.status, again.body)
	}
	fresh := again.json(t)
	if fresh["refresh_token"] == tokens["refresh_token"] {
		t.Error("the refresh token was not rotated")
	}
	if n := h.events("authorize_application"); n != 1 {
		t.Errorf("%d authorize_application events", n)
	}
	if n := h.events("login"); n != 1 {
		t.Errorf("%d login events", n)
	}
}
