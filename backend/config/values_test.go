package config

import (
	"net"
	"testing"
	"time"
)

// FuzzValues: what a setting takes is what it can be used as.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"", "127.0.0.1:9000", ":9443", "[::1]:0", "host:http", "1", "yes", "debug", "login.office.lan", "days=1", "60", "ada@office.lan", "a\x00b", "99999999999999999999", "0x10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if a, err := parseAddress(v); err == nil {
			if _, _, err := net.SplitHostPort(a); err != nil {
				t.Errorf("address %q gives %q: %v", v, a, err)
			}
		}
		if n, err := parseLength(v); err == nil && (n < 0 || n == 0 && v != "") {
			t.Errorf("length %q gives %d", v, n)
		}
		if l, err := ParseLevel(v); err == nil {
			if back, err := ParseLevel(LevelName(l)); err != nil || back != l {
				t.Errorf("level %q: %v %v", v, back, err)
			}
		}
		began := time.Now()
		for _, check := range []func(string) error{checkName, checkToken, checkEmail, checkDuration, anything} {
			_ = check(v)
		}
		_, _ = parseBool(v)
		_ = Nearest(v, keyNames())
		if d := time.Since(began); d > 10*time.Second && len(v) < 10_000 {
			t.Errorf("%d bytes took %v", len(v), d)
		}
	})
}
