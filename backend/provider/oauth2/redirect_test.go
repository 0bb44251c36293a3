package oauth2

import (
	"strings"
	"testing"
)

func TestMatchRedirect(t *testing.T) {
	for _, tt := range []struct {
		registered, uri string
		want            bool
	}{
		{"https://app.example.com/cb", "https://app.example.com/cb", true},
		{"https://a.example/cb\nhttps://b.example/cb", "https://b.example/cb", true},
		{"", "https://app.example.com/cb", false},
		// security-cases.md 6, 1 and 2
		{"https://app.example.com/cb", "https://app.example.com.evil.tld/cb", false},
		{"https://app.example.com/cb", "https://app.example.com@evil.tld/cb", false},
		{"https://app.example.com/cb", "https://app.example.com:8443/cb", false},
		{"https://app.example.com/cb", "https://app.example.com/cb/more", false},
		{"https://app.example.com/cb", "https://APP.example.com/cb", false},
		{"https://app.example.com/cb", "https://app.example.com/cb?x=1", false},
		{"https://app.example.com/cb", "https://app.example.com/cb#x", false},
		{"https://foo.example.com", "https://fooaexample.com", false}, // CVE-2024-52289
		{"javascript:alert(1)", "javascript:alert(1)", false},
		{"data:text/html,x", "data:text/html,x", false},
		{".*", "https://evil.tld/", false},
		// custom schemes of native applications
		{"app.immich:///oauth-callback", "app.immich:///oauth-callback", true},
		{"com.example.app:/cb", "com.example.app:/cb", true},
		// loopback, any port
		{"http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true},
		{"http://[::1]/cb", "http://[::1]:9/cb", true},
		{"http://127.0.0.1/cb", "http://127.0.0.1:80@evil.tld/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.2:1/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:1/other", false},
		{"http://localhost/cb", "http://localhost:1/cb", false},
		{"http://192.168.1.5/cb", "http://192.168.1.5:1/cb", false},
		// patterns
		{`https://.*\.example\.com/cb`, "https://a.example.com/cb", true},
		{`^https:\/\/app\.example\.com\/.*$`, "https://app.example.com/cb/x", true},
		{`https://.*\.example\.com/cb`, "https://evil.tld/.example.com/cb", false},
		{`https://.*\.example\.com/cb`, "https://evil.tld?.example.com/cb", false},
		{`https://.*\.example\.com/cb`, "https://aXexampleXcom/cb", false},
		{`https://app\.example\.com/.*`, "https://app.example.com/../x", false},
		{`https://app\.example\.com/.*`, "https://app.example.com/%2e%2e/x", false},
		{`https://app\.example\.com/cb`, "http://app.example.com/cb", false},
		{`https://app\.example\.com/.*`, "https://app.example.com/x?y=1", true},
		{`https://app[0-9]\.example\.com/cb`, "https://app7.example.com/cb", true},
		{`https://[`, "https://x/", false},
	} {
		if got := matchRedirect(tt.registered, tt.uri); got != tt.want {
			t.Errorf("registered %q, asked %q: %v", tt.registered, tt.uri, got)
		}
	}
}

func TestCheckRedirects(t *testing.T) {
	for _, tt := range []struct {
		lines, bad string
		warnings   int
	}{
		{"https://app.example.com/cb", "", 0},
		{"", "", 0},
		{"*", "any address", 0},
		{".*", "any address", 0},
		{"https://.*/cb", "every host", 0},
		{"https://[/cb", "can't be read", 0},
		{"example.com/cb", "no whole address", 0},
		{"javascript:alert(1)", "runs in the browser", 0},
		{"https://a.example/#x", "#", 0},
		{"https://me@a.example/", "username", 0},
		{"http://a.example/cb", "", 1},
		{"http://127.0.0.1/cb http://localhost:3000/cb", "", 0},
		{`https://.*\.example\.com/cb`, "", 1},
	} {
		w, err := checkRedirects(tt.lines)
		if (err != nil) != (tt.bad != "") || err != nil && !strings.Contains(err.Error(), tt.bad) || len(w) != tt.warnings {
			t.Errorf("%q: %v, %v", tt.lines, w, err)
		}
	}
}

func FuzzMatchRedirect(f *testing.F) {
	f.Add("https://app.example.com/cb", "https://app.example.com@evil.tld/cb")
	f.Add(`https://.*\.example\.com/cb`, "https://evil.tld/.example.com/cb")
	f.Add("http://127.0.0.1/cb", "http://127.0.0.1:80/cb")
	f.Fuzz(func(t *testing.T, registered, uri string) {
		if matchRedirect(registered, uri) && strings.HasPrefix(strings.ToLower(uri), "javascript:") {
			t.Errorf("%q lets %q through", registered, uri)
		}
	})
}
