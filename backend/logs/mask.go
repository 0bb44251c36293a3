package logs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Mask stands for a secret in the log.
const Mask = "********************"

// secretWords mark the names of values that the log must not hold.
var secretWords = [...]string{"api", "token", "key", "secret", "pass", "signature", "cookie"}

// secretParameters are query parameters whose value opens something, besides those whose name says so.
var secretParameters = [...]string{"code", "t", "assertion", "client_assertion", "samlrequest", "samlresponse", "ticket"}

// judged are names that were asked for, and whether they are secret: every line has the same few. Others may bring any name, so mostJudged
// bounds them.
var (
	judged    sync.Map // string to bool
	howJudged atomic.Int64
)

const mostJudged = 1000

// Secret says whether a value of this name must be masked.
func Secret(name string) bool {
	if is, ok := judged.Load(name); ok {
		return is.(bool)
	}
	is := secret(strings.ToLower(name))
	if howJudged.Add(1) <= mostJudged {
		judged.Store(strings.Clone(name), is)
	}
	return is
}

func secret(name string) bool {
	if name == "passing" || name == "password_change_date" {
		return false
	}
	for _, w := range secretWords { // asked for every word of the log: no regular expression
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// mask hides what an attribute must not show. Values that are neither plain nor errors are looked through by their JSON form.
func mask(a slog.Attr) slog.Attr {
	if Secret(a.Key) {
		return slog.String(a.Key, Mask)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, URL(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case nil, error, slog.Level:
			return a
		case *url.URL:
			return slog.String(a.Key, URL(v.String()))
		case fmt.Stringer:
			return slog.String(a.Key, URL(v.String()))
		case []byte:
			return slog.String(a.Key, Mask) // bytes in a log are a body or a secret
		default:
			b, err := json.Marshal(v)
			if err != nil {
				return slog.String(a.Key, fmt.Sprintf("%T", v))
			}
			var plain any
			if err := json.Unmarshal(b, &plain); err != nil {
				return slog.String(a.Key, fmt.Sprintf("%T", v))
			}
			return slog.Any(a.Key, deep(plain))
		}
	}
	return a
}

func deep(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if Secret(k) {
				v[k] = Mask
			} else {
				v[k] = deep(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = deep(v[i])
		}
	case string:
		return URL(v)
	}
	return v
}

// URL masks the values of parameters that open something, in whatever looks like an address with a query or a fragment; the order
// and everything else stay as they are.
func URL(s string) string {
	at := strings.IndexAny(s, "?#")
	if at < 0 || !strings.Contains(s[at:], "=") || !strings.Contains(s[:at], "/") && at != 0 {
		return s
	}
	rest := s[at:]
	var b strings.Builder
	b.WriteString(s[:at])
	for rest != "" {
		sep := rest[:1]
		rest = rest[1:]
		pair := rest
		if i := strings.IndexAny(rest, "?&;#"); i >= 0 {
			pair = rest[:i]
		}
		rest = rest[len(pair):]
		b.WriteString(sep)
		name, value, ok := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		switch {
		case !ok || value == "":
			b.WriteString(pair)
		case slices.Contains(secretParameters[:], strings.ToLower(plain)) || Secret(plain):
			b.WriteString(name + "=" + Mask)
		default:
			// next=/if/flow/…?flow_token=… carries an address inside
			inner, err := url.QueryUnescape(value)
			if masked := URL(inner); err == nil && masked != inner {
				value = url.QueryEscape(masked)
			}
			b.WriteString(name + "=" + value)
		}
	}
	return b.String()
}
