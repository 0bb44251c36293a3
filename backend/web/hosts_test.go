package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestHostname(t *testing.T) {
	for in, want := range map[string]string{
		"login.office.lan:9443": "login.office.lan", "Login.Office.LAN.": "login.office.lan", "[::1]:9000": "::1", "[::1]": "::1", "::1": "::1", "localhost": "localhost", "": "", ":9000": "", "a.b.:1": "a.b",
	} {
		if got := Hostname(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// FuzzHosts: whatever a caller says of themselves, only who is on this machine passes by a loopback name, and an address is an address.
func FuzzHosts(f *testing.F) {
	for _, s := range []string{"login.office.lan", "localhost", "127.0.0.1:80", "[::1]", "[::ffff:127.0.0.1]:1", "evil.localhost.", "[fe80::1%lo]", "0x7f.1", "login.office.lan\x00", "a:b:c", "[["} {
		f.Add(s, "1.2.3.4, 5.6.7.8", "192.168.1.9:4000")
		f.Add(s, s, "127.0.0.1:4000")
	}
	hosts := Hosts{Names: func(*http.Request) []string { return []string{"login.office.lan"} }}
	f.Fuzz(func(t *testing.T, host, forwarded, remote string) {
		r := &http.Request{Host: host, RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		name := Hostname(host)
		if hosts.Allowed(r) && name != "login.office.lan" && !fromLoopback(r) {
			t.Errorf("%q is answered to %s", host, remote)
		}
		if name != strings.ToLower(name) {
			t.Errorf("%q gives %q", host, name)
		}
		if _, err := netip.ParseAddr(ClientIP(r)); err != nil {
			t.Errorf("%q from %q: %v", forwarded, remote, err)
		}
		if !fromLoopback(r) {
			with := ClientIP(r)
			r.Header.Del("X-Forwarded-For")
			if without := ClientIP(r); with != without {
				t.Errorf("%s is believed that it is %s", remote, with)
			}
		}
	})
}
