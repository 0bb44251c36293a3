package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// 2,000 sockets that send nothing, or half a request: people are served on, the number of connections stays in bounds, and all are closed in
// the end.
func TestIdleSockets(t *testing.T) {
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	st, err := h.s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	var mu sync.Mutex
	closed := 0
	var wg sync.WaitGroup
	var conns []net.Conn
	for i := range n {
		to := st.HTTP
		if i%2 == 1 {
			to = st.HTTPS
		}
		c, err := net.Dial("tcp", to)
		if err != nil {
			t.Fatalf("socket %d: %v", i, err)
		}
		conns = append(conns, c)
		if i%4 == 0 {
			if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")); err != nil && !errors.Is(err, net.ErrClosed) && i < maxOpen/2 {
				t.Fatal(err)
			}
		}
		wg.Go(func() {
			if err := c.SetReadDeadline(time.Now().Add(40 * time.Second)); err != nil {
				t.Error(err)
			}
			_, err := io.Copy(io.Discard, c)
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				return
			}
			mu.Lock()
			closed++
			mu.Unlock()
		})
	}
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	begin := time.Now()
	if out := h.browser().signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
		t.Errorf("a sign-in among the sockets ends at %v", out)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	tlsOK := func() error {
		c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} // who it is is not what is asked here
		res, err := c.Get("https://" + st.HTTPS + "/-/health/ready/")
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	if err := tlsOK(); err != nil {
		t.Error(err)
	}
	if got := h.s.crowd.count(); got > maxOpen {
		t.Errorf("%d connections are open", got)
	}
	wg.Wait()
	if closed != n {
		t.Errorf("%d of %d sockets were closed", closed, n)
	}
	for deadline := time.Now().Add(time.Minute); h.s.crowd.count() > 50; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections stay", h.s.crowd.count())
		}
	}
}

// The one that has waited longest goes first, one at work never.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := &crowd{max: 2}
	pipe := func() net.Conn { a, _ := net.Pipe(); return a }
	busy, first, second, third := pipe(), pipe(), pipe(), pipe()
	for i, step := range []struct {
		conn net.Conn
		s    http.ConnState
		gone net.Conn
	}{
		{busy, http.StateNew, nil}, {busy, http.StateActive, nil}, {first, http.StateNew, nil}, {second, http.StateNew, first},
		{second, http.StateActive, nil}, {third, http.StateNew, third}, // all others are at work
		{first, http.StateClosed, nil}, {busy, http.StateIdle, nil}, {second, http.StateIdle, nil}, {busy, http.StateActive, nil}, {busy, http.StateIdle, nil},
		{third, http.StateNew, second}, {busy, http.StateClosed, nil}, {first, http.StateNew, nil}, {first, http.StateHijacked, nil},
	} {
		if got := c.note(step.conn, step.s); got != step.gone {
			t.Fatalf("step %d: the wrong one goes", i)
		}
	}
	if c.count() != 1 || c.waiting.Len() != 1 {
		t.Errorf("%d open, %d waiting", c.count(), c.waiting.Len())
	}
}

// Bodies and headers that are too large are refused in words, and the next request is answered.
func TestOversized(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	large := func(n int) string { return strings.Repeat("x", n) }
	const form = "application/x-www-form-urlencoded"
	upload := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" + large(33<<20) + "\r\n--x--\r\n"
	admin := []string{"Authorization", "Bearer " + bootToken}
	for name, tc := range map[string]struct {
		got    func() answer
		status int
		want   string
	}{
		"API": {func() answer {
			return h.browser().do("POST", "/api/v3/core/groups/", "application/json", `{"name":"`+large(5<<20)+`"}`, admin...)
		}, 413, "larger than"},
		"executor": {func() answer {
			return b.do("POST", "/api/v3/flows/executor/default-authentication-flow/?query=", "application/json", `{"uid_field":"`+large(5<<20)+`"}`)
		}, 413, "too large"},
		"executor, form": {func() answer {
			return b.do("POST", "/api/v3/flows/executor/default-authentication-flow/?query=", form, "uid_field="+large(5<<20))
		}, 413, "too large"},
		"page": {func() answer {
			return b.do("POST", "/if/flow/default-authentication-flow/", form, "uid_field="+large(11<<20))
		}, 413, "larger than this form may be"},
		"token": {func() answer {
			return h.token(wiki, url.Values{"grant_type": {"authorization_code"}, "code": {large(100 << 10)}, "redirect_uri": {wiki.redirect}})
		}, 400, "invalid_request"},
		"authorize": {func() answer { return b.do("POST", "/application/o/authorize/", form, "state="+large(100<<10)) }, 400, "form can't be read"},
		"upload": {func() answer {
			return h.browser().do("POST", "/api/v3/core/applications/wiki/set_icon/", "multipart/form-data; boundary=x", upload, admin...)
		}, 413, "larger than"},
		"a header":    {func() answer { return h.browser().get("/", "X-Large", large(64<<10)) }, 431, ""},
		"an address":  {func() answer { return h.browser().get("/?q=" + large(64<<10)) }, 431, ""},
		"session end": {func() answer { return b.do("POST", "/if/session-end/wiki/", form, "go="+large(100<<10)) }, 303, ""},
	} {
		if got := tc.got(); got.status != tc.status || !strings.Contains(got.body, tc.want) {
			t.Errorf("%s: %d, want %d with %q: %.600s", name, got.status, tc.status, tc.want, got.body)
		}
		if got := b.get("/api/v3/core/users/me/"); got.status != 200 || !strings.Contains(got.body, `"username":"ada"`) {
			t.Errorf("%s: afterwards %d %s", name, got.status, got.body)
		}
	}
}

// A port that is taken is told with its address and the flag that chooses another, and the data folder is free again.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flag := range []string{"--http", "--https"} {
		data := t.TempDir()
		o := testOptions(data, false, &bytes.Buffer{})
		if flag == "--http" {
			o.Config.HTTP = l.Addr().String()
		} else {
			o.Config.HTTPS = l.Addr().String()
		}
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Serve(t.Context())
		if err == nil || !strings.Contains(err.Error(), "The address "+l.Addr().String()+" can't be listened on.") || !strings.Contains(err.Error(), "choose another with "+flag+".") {
			t.Errorf("%s: %v", flag, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		openAt(t, data, false).stop()
	}
}
