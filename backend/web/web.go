// Package web is the door of the house: it checks host and caller once for every request, and hands it to the room that answers.
//
//	listener ─▶ request id ▸ recover ▸ allowed host ▸ setup gate ▸ security headers ▸ session or token ─▶ mux ─▶ rest, flow, protocols, pages
//
// The 9443 listener serves everything; 9000 serves the trust page, health and a redirect to HTTPS, except to loopback, which gets everything;
// the desktop's loopback listener serves everything under a cookie name of its own.
package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// Door is the front of the house.
type Door struct {
	Hosts  Hosts
	Mux    *http.ServeMux // what answers once the caller is known; patterns as in net/http
	Health *Health
	Trust  http.Handler // the trust page, for 9000 and 9443
	Setup  http.Handler // the first-run wizard
	Open   func(ctx context.Context) (bool, error)
	Caller Caller
	Wrong  http.Handler // says which address is right
	HTTPS  func(r *http.Request) string
	Desk   http.Handler // what the window does, on its own listener
	Own    http.Handler // style, script and drawings of the pages, also before the wizard is done
	Log    *slog.Logger
}

// Caller finds out who asks: it gives a context with actor, session and language. Denied for a token that is not good.
type Caller interface {
	Identify(r *http.Request) (context.Context, error)
}

type requestIDKey struct{}

// RequestID gives the id of the request that ctx belongs to: 32 hex digits.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Listener says through which door a request came.
type Listener int

// The listeners.
const (
	Secure   Listener = iota // 9443
	Plain                    // 9000
	Loopback                 // the desktop's own
)

type listenerKey struct{}

// ListenerOf says through which listener the request came.
func ListenerOf(ctx context.Context) Listener {
	l, _ := ctx.Value(listenerKey{}).(Listener)
	return l
}

// CookieName gives the name of the session cookie on a listener. The desktop's loopback listener has its own: cookies ignore ports.
func CookieName(ctx context.Context) string {
	if ListenerOf(ctx) == Loopback {
		return "gh_desktop"
	}
	return "authentik_session"
}

// CSRFCookieName gives the name of the CSRF cookie on a listener.
func CSRFCookieName(ctx context.Context) string {
	if ListenerOf(ctx) == Loopback {
		return "gh_desktop_csrf"
	}
	return "authentik_csrf"
}

// Handler gives the handler of one listener.
func (d *Door) Handler(l Listener) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw [16]byte
		_, _ = rand.Read(raw[:]) // never fails since Go 1.24
		id := hex.EncodeToString(raw[:])
		w.Header().Set("X-authentik-id", id)
		w.Header().Set("X-Powered-By", "authentik")
		ctx := context.WithValue(r.Context(), requestIDKey{}, id)
		ctx = context.WithValue(ctx, listenerKey{}, l)
		r = r.WithContext(ctx)
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				d.Log.ErrorContext(ctx, "panic in a handler", "request_id", id, "path", r.URL.Path, "error", fmt.Sprint(v), "stack", string(debug.Stack()))
				if !rec.wrote {
					http.Error(rec, "Something went wrong on our side. Request "+id+".", http.StatusInternalServerError)
				}
			}
			level := slog.LevelInfo
			if static(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/-/health/") {
				level = slog.LevelDebug
			}
			if !d.Log.Enabled(ctx, level) {
				return
			}
			d.Log.Log(ctx, level, r.URL.Path, "method", r.Method, "status", rec.status(), "runtime_ms", time.Since(start).Milliseconds(),
				"remote", ClientIP(r), "host", r.Host, "request_id", id, "logger", "web")
		}()
		d.serve(rec, r, l)
	})
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request, l Listener) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/-/health/") || path == "/-/metrics/" {
		d.Health.ServeHTTP(w, r)
		return
	}
	if l == Plain && !fromLoopback(r) {
		d.plain(w, r)
		return
	}
	Harden(w.Header())
	if l == Secure {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	switch {
	case path == "/trust", strings.HasPrefix(path, "/trust/"):
		d.Trust.ServeHTTP(w, r)
		return
	case strings.HasPrefix(path, "/static/flow/"), drawing(path) != "":
		d.Own.ServeHTTP(w, r)
		return
	case l == Loopback && strings.HasPrefix(path, "/-/desktop/"):
		d.known(w, r, d.Desk)
		return
	}
	open, err := d.Open(r.Context())
	if err != nil {
		d.Log.ErrorContext(r.Context(), "settings can't be read", "error", err)
		http.Error(w, "Gatehouse can't read its settings. The log has the details.", http.StatusServiceUnavailable)
		return
	}
	switch {
	case !open, strings.HasPrefix(path, "/setup/"):
		d.Setup.ServeHTTP(w, r)
	case l != Loopback && !d.Hosts.Allowed(r), l == Loopback && !loopbackName(Hostname(r.Host)):
		d.Wrong.ServeHTTP(w, r)
	case static(path): // pictures, scripts, keys are for everybody: no need to know who asks
		d.Mux.ServeHTTP(w, r.WithContext(store.WithActor(r.Context(), store.Actor{HTTP: store.HTTP{Scheme: scheme(r), Host: strings.ToLower(r.Host)}})))
	default:
		d.known(w, r, d.Mux)
	}
}

// known hands on a request with its caller.
func (d *Door) known(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx, err := d.Caller.Identify(r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	if strayed(ctx) {
		r = r.WithContext(ctx)
		Cookies{}.Clear(w, r)
		if !strings.HasPrefix(r.URL.Path, "/api/") { // a script is told that nobody is signed in, a person is led to the sign-in
			signInAgain(w, r)
			return
		}
	}
	next.ServeHTTP(w, r.WithContext(ctx))
}

// signInAgain leads to the sign-in, and from there back to what was read; a flow is begun anew, so from one only where it leads.
func signInAgain(w http.ResponseWriter, r *http.Request) {
	to, next := "/flows/-/default/authentication/", ""
	switch {
	case strings.HasPrefix(r.URL.Path, "/flows/"), strings.HasPrefix(r.URL.Path, "/if/flow/"):
		next = r.URL.Query().Get("next")
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		next = r.URL.RequestURI()
	}
	if next != "" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// refuse answers a request whose caller can't be told.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.As(err)
	status := http.StatusServiceUnavailable
	say := "Gatehouse can't tell who you are right now. Try again in a moment."
	if f.Kind == fault.Denied {
		status, say = http.StatusForbidden, f.Say
	} else {
		d.Log.ErrorContext(r.Context(), "caller can't be identified", "error", err)
	}
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		http.Error(w, say, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": say}) // the caller has gone away
}

func static(path string) bool {
	return strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/media/") || strings.HasSuffix(path, "/jwks/") || strings.HasSuffix(path, "/.well-known/openid-configuration")
}

// plain answers on 9000 for others than this machine: the trust page, and a redirect to HTTPS for who only reads.
func (d *Door) plain(w http.ResponseWriter, r *http.Request) {
	Harden(w.Header())
	if r.URL.Path == "/trust" || strings.HasPrefix(r.URL.Path, "/trust/") || r.URL.Path == "/" {
		d.Trust.ServeHTTP(w, r)
		return
	}
	to := d.HTTPS(r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "Use HTTPS: %s\n", to)
		return
	}
	http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusFound)
}

// Harden sets the headers that every answer carries; pages tighten them further.
func Harden(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
}

// Facts gives what an actor keeps of the request.
func Facts(r *http.Request) store.HTTP {
	args := map[string]string{}
	for k, v := range r.URL.Query() {
		if len(v) > 0 {
			args[k] = v[len(v)-1]
		}
	}
	return store.HTTP{
		RequestID: RequestID(r.Context()), Method: r.Method, Path: r.URL.Path, Args: args, UserAgent: r.UserAgent(),
		ClientIP: ClientIP(r), Scheme: scheme(r), Host: strings.ToLower(r.Host), Headers: r.Header,
	}
}

// scheme gives how the caller reached the house: by TLS, or through a proxy on this machine that says so.
func scheme(r *http.Request) string {
	if r.TLS != nil || ListenerOf(r.Context()) == Plain && r.Header.Get("X-Forwarded-Proto") == "https" && fromLoopback(r) {
		return "https"
	}
	return "http"
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	code  int
	wrote bool
}

func (r *recorder) WriteHeader(code int) {
	if !r.wrote {
		r.code, r.wrote = code, true
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}
