package oauth2

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"gatehouse/backend/fault"
)

// A registered line is compared exactly first. Only a line that holds one of these is a pattern.
func isPattern(line string) bool {
	if u, err := url.Parse(line); err == nil && strings.Contains(u.Host, "[") && net.ParseIP(u.Hostname()) != nil {
		line = u.Scheme + "://" + u.EscapedPath() // the brackets are those of an IPv6 address
	}
	return strings.Contains(line, ".*") || strings.ContainsAny(line, `\[^`)
}

// unsafeScheme says whether an address with that scheme would run in the browser instead of leading somewhere (CVE-2024-21637).
func unsafeScheme(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "javascript", "data", "vbscript", "about", "blob", "file", "view-source":
		return true
	}
	return false
}

// pattern is a line taken apart, so that a part that may be anything can't reach into the next one: "https://.*\.example\.com/cb"
// matches no "https://evil.tld/.example.com/cb".
type pattern struct{ scheme, host, path *regexp.Regexp }

var patterns sync.Map // line -> *pattern, nil for a line that is none

func compile(line string) (*pattern, error) {
	if p, ok := patterns.Load(line); ok {
		if p, _ := p.(*pattern); p != nil {
			return p, nil
		}
	}
	text := strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(line, `\/`, "/"), "^"), "$")
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil, fault.New(fault.Invalid, "A pattern needs a scheme and a host, as in https://.*\\.example\\.com/callback.")
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if host == "" || host == ".*" || host == ".+" {
		return nil, fault.New(fault.Invalid, "A pattern that fits every host would send codes to anybody. Name at least a domain.")
	}
	if path == "" {
		path = "/?"
	}
	p := &pattern{}
	var err error
	for _, part := range []struct {
		text string
		to   **regexp.Regexp
	}{{"(?i:" + scheme + ")", &p.scheme}, {"(?i:" + host + ")", &p.host}, {path, &p.path}} {
		if *part.to, err = regexp.Compile(`^(?:` + part.text + `)$`); err != nil {
			return nil, fault.Wrap(fault.Invalid, "The pattern can't be read: "+err.Error()+".", err)
		}
	}
	patterns.Store(line, p)
	return p, nil
}

func (p *pattern) fits(u *url.URL) bool {
	path := u.EscapedPath()
	if u.Opaque != "" || strings.Contains(path, "..") || strings.Contains(strings.ToLower(path), "%2e") {
		return false
	}
	full := path
	if u.RawQuery != "" {
		full += "?" + u.RawQuery
	}
	return p.scheme.MatchString(u.Scheme) && p.host.MatchString(u.Host) && (p.path.MatchString(path) || p.path.MatchString(full))
}

// matchRedirect says whether a redirect URI is registered (decisions 17): exactly, on another port of the same loopback address
// (RFC 8252 section 7.3), or by a pattern.
func matchRedirect(registered, uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || unsafeScheme(u.Scheme) || strings.Contains(uri, "#") || u.User != nil || strings.ContainsAny(uri, " \t\r\n\\") {
		return false
	}
	for _, line := range strings.Fields(registered) {
		if line == uri {
			return true
		}
		if isPattern(line) {
			if p, err := compile(line); err == nil && p.fits(u) {
				return true
			}
			continue
		}
		if loopback(line, u) {
			return true
		}
	}
	return false
}

// loopback compares without the port when both lead to the same loopback address.
func loopback(line string, u *url.URL) bool {
	r, err := url.Parse(line)
	if err != nil || r.Scheme != "http" || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(r.Hostname())
	if ip == nil || !ip.IsLoopback() || r.Hostname() != u.Hostname() {
		return false
	}
	return r.EscapedPath() == u.EscapedPath() && r.RawQuery == u.RawQuery
}

// checkRedirects says what is wrong with the lines of a provider; warnings are about lines that work and may let in too much.
func checkRedirects(registered string) (warnings []string, err error) {
	for _, line := range strings.Fields(registered) {
		if line == "*" || line == ".*" || line == "^.*$" {
			return nil, fault.Field("redirect_uris", "\"*\" would send codes to any address. Write the addresses of the application, one a line.")
		}
		if isPattern(line) {
			if _, err := compile(line); err != nil {
				return nil, fault.Field("redirect_uris", line+": "+fault.As(err).Say)
			}
			warnings = append(warnings, line+" is a pattern: every address that fits it gets codes. An exact address is safer.")
			continue
		}
		u, err := url.Parse(line)
		switch {
		case err != nil || u.Scheme == "":
			return nil, fault.Field("redirect_uris", line+" is no whole address. It has to begin with https:// or another scheme.")
		case unsafeScheme(u.Scheme):
			return nil, fault.Field("redirect_uris", line+": an address that begins so runs in the browser instead of leading somewhere.")
		case u.Fragment != "" || strings.Contains(line, "#"):
			return nil, fault.Field("redirect_uris", line+": an address to come back to can't hold a #.")
		case u.User != nil:
			return nil, fault.Field("redirect_uris", line+": an address to come back to can't hold a username.")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			warnings = append(warnings, line+" begins with http://: whoever listens on the network can read the code.")
		}
	}
	return warnings, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// origins gives the origins (RFC 6454) of the registered addresses, for cross-origin requests of single-page applications.
func origins(registered string) []string {
	var out []string
	for _, line := range strings.Fields(registered) {
		if isPattern(line) {
			continue
		}
		if u, err := url.Parse(line); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			out = append(out, u.Scheme+"://"+u.Host)
		}
	}
	return out
}
