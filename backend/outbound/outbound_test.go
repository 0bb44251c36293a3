package outbound

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

func TestReachable(t *testing.T) {
	for a, want := range map[string]bool{
		"192.168.1.5": true, "10.0.0.1": true, "172.16.3.4": true, "8.8.8.8": true, "100.64.0.1": true, "fd12::1": true, "2001:db8::1": true,
		"64:ff9b::c0a8:105": true,
		"127.0.0.1":         false, "127.9.9.9": false, "0.0.0.0": false, "0.1.2.3": false, "169.254.169.254": false, "224.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "ff02::1": false, "fd00:ec2::254": false, "100.100.100.200": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false, "::127.0.0.1": false,
	} {
		if got := reachable(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}

func TestAllow(t *testing.T) {
	a, err := ParseAllow("127.0.0.1:8080, 10.1.0.0/16\nLocalhost [::1]:53 fe80::1 [::2]")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{"127.0.0.1:8080": true, "127.0.0.1:8081": false, "127.0.0.2:8080": false, "10.1.2.3:1": true, "10.2.0.1:1": false, "[::1]:53": true, "[::1]:54": false, "[fe80::1]:9": true, "[::2]:9": true} {
		p := netip.MustParseAddrPort(at)
		if got := a.address(p.Addr(), int(p.Port())); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	if !a.name("LOCALHOST.", 80) || a.name("local", 80) || a.name("127.0.0.1", 8080) {
		t.Error("names")
	}
	for _, bad := range []string{"http://x", "a b/c", "127.0.0.1:0", "x:70000", "10.0.0.0/99", "u@h", "*"} {
		if _, err := ParseAllow(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// The cases of SSRF that can be tried without leaving this machine: each is refused before a connection is there.
func TestRefused(t *testing.T) {
	hits := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c := New(Options{Timeout: 2 * time.Second})
	for _, u := range []string{s.URL, "http://localhost:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://0.0.0.0:" + port, "http://169.254.169.254/latest", "file:///etc/passwd", "gopher://127.0.0.1:" + port} {
		_, err := c.Get(u)
		if err == nil {
			t.Errorf("%s was asked", u)
		} else if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", u, err)
		} else if say := Say("The webhook", err); !strings.Contains(say.Say, "outgoing.allow") || say.Kind != fault.Unavailable {
			t.Errorf("%s: %s", u, say.Say)
		}
	}
	// A decimal address either resolves to loopback or to nothing.
	if _, err := c.Get("http://2130706433:" + port); err == nil {
		t.Error("a decimal address was asked")
	}
	if hits != 0 {
		t.Errorf("%d requests arrived", hits)
	}
}

func allowing(t *testing.T, o Options, entries string) *http.Client {
	t.Helper()
	a, err := ParseAllow(entries)
	if err != nil {
		t.Fatal(err)
	}
	o.Allow = a
	return New(o)
}

func TestAllowed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	defer s.Close()
	at := s.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(at)
	for _, entry := range []string{at, "127.0.0.0/8", "127.0.0.1"} {
		resp, err := allowing(t, Options{}, entry).Get(s.URL)
		if err != nil {
			t.Errorf("%s: %v", entry, err)
			continue
		}
		resp.Body.Close()
	}
	if resp, err := allowing(t, Options{}, "localhost").Get("http://localhost:" + port); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
	if _, err := allowing(t, Options{}, "localhost").Get(s.URL); !errors.Is(err, ErrRefused) {
		t.Errorf("a name opened an address: %v", err)
	}
}

func TestRedirects(t *testing.T) {
	hidden := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect led to what is refused") }))
	defer hidden.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/in", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, hidden.URL, http.StatusFound) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(302)
	})
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/end", http.StatusFound) })
	mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	defer s.Close()
	at := s.Listener.Addr().String()
	c := allowing(t, Options{}, at)
	for path, want := range map[string]error{"/in": ErrRefused, "/file": ErrRefused, "/round": ErrRedirects} {
		if _, err := c.Get(s.URL + path); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	resp, err := c.Get(s.URL + "/ok")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	if resp, err = allowing(t, Options{Redirects: -1}, at).Get(s.URL + "/ok"); err != nil || resp.StatusCode != 302 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, s.URL+"/end", http.StatusFound) }))
	defer tls.Close()
	conf := tls.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := allowing(t, Options{TLS: conf}, "127.0.0.1").Get(tls.URL); !errors.Is(err, ErrRefused) {
		t.Errorf("from https to http: %v", err)
	}
	if _, err := allowing(t, Options{}, "127.0.0.1").Get(tls.URL); err == nil || !strings.Contains(Say("It", err).Say, "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestLimits(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		for range 5 {
			w.Write(bytes.Repeat([]byte("x"), 300))
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/said", func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("x"), 1001)) })
	mux.HandleFunc("/exact", func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("x"), 1000)) })
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(make([]byte, 1<<20))
		z.Close()
	})
	release := make(chan struct{})
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { <-release })
	s := httptest.NewServer(mux)
	defer s.Close()
	defer close(release)
	c := allowing(t, Options{MaxBody: 1000}, "127.0.0.1")
	for path, want := range map[string]error{"/long": ErrTooLarge, "/said": ErrTooLarge, "/bomb": ErrTooLarge, "/exact": nil} {
		resp, err := c.Get(s.URL + path)
		var b []byte
		if err == nil {
			b, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if !errors.Is(err, want) || len(b) > 1000 {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
	_, err := allowing(t, Options{Timeout: 50 * time.Millisecond}, "127.0.0.1").Get(s.URL + "/slow?key=hidden")
	if err == nil {
		t.Fatal("no time limit")
	}
	f := Say("The webhook", err)
	if f.Say != "The webhook didn't answer in time." || strings.Contains(f.Error(), "hidden") {
		t.Errorf("%v", f)
	}
}

func TestSay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	c := allowing(t, Options{Timeout: 5 * time.Second}, "127.0.0.1")
	if _, err := c.Get("http://" + at); err == nil || !strings.Contains(Say("It", err).Say, "refuses the connection") {
		t.Errorf("%v", err)
	}
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if _, err := c.Get("https://" + s.Listener.Addr().String()); err == nil || !strings.Contains(Say("It", err).Say, "TLS") {
		t.Errorf("%v", err)
	}
}
