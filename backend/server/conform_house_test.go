package server

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gatehouse/backend/rest/conform"
)

// watcher holds every answer below /api/v3 that a house of a test gives to the description that this house serves. What does not conform
// fails the test of the house.
type watcher struct {
	mu    sync.Mutex
	wrong []string
	ended bool
}

// checker gives the checker of the description. It is made once: the description changes with the program only.
func checker(s *Server) (*conform.Checker, error) {
	described.Do(func() {
		var b []byte
		if b, described.err = s.rooms.api.Schema(); described.err == nil {
			described.checker, described.err = conform.New(b)
		}
	})
	return described.checker, described.err
}

var described struct {
	sync.Once
	checker *conform.Checker
	err     error
}

// watch stands around a listener of the house.
func (h *house) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v3/") {
			next.ServeHTTP(w, r)
			return
		}
		asked := r.Method + " " + r.URL.RequestURI()
		path := r.URL.EscapedPath()
		if r.URL.RawQuery != "" {
			path += "?" + r.URL.RawQuery
		}
		method, rec := r.Method, &copied{ResponseWriter: w}
		next.ServeHTTP(rec, r)
		c, err := checker(h.s)
		if err == nil {
			rec.settle()
			err = c.Check(method, path, rec.code, rec.header, rec.body.Bytes())
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if err == nil {
			return
		}
		said := err.Error() + " (asked: " + asked + ")"
		h.wrong = append(h.wrong, said)
		if _, fuzz := h.t.(*testing.F); !fuzz && !h.ended { // a fuzz target asks for them itself
			h.t.Errorf("an answer does not conform: %s", said)
		}
	})
}

// close ends the reports: the test of the house may be over.
func (h *house) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
}

// taken gives what did not conform since it was asked last.
func (h *house) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.wrong
	h.wrong = nil
	return out
}

// copied keeps what is answered. Streams are not kept: only how they begin is checked.
type copied struct {
	http.ResponseWriter
	code   int
	header http.Header
	body   bytes.Buffer
}

// settle fixes status and headers as they are sent.
func (c *copied) settle() {
	if c.header == nil {
		if c.code == 0 {
			c.code = http.StatusOK
		}
		c.header = c.ResponseWriter.Header().Clone()
	}
}

// WriteHeader implements http.ResponseWriter.
func (c *copied) WriteHeader(code int) {
	if c.code == 0 && code >= 200 {
		c.code = code
		c.settle()
	}
	c.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (c *copied) Write(b []byte) (int, error) {
	c.settle()
	if c.header.Get("Content-Type") != "text/event-stream" {
		c.body.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// silent counts what would fail a test.
type silent struct {
	testing.TB
	said []string
}

// Errorf implements testing.TB.
func (s *silent) Errorf(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// A house of a test does notice an answer that does not conform.
func TestTheWatchNotices(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	for _, row := range []struct {
		path, media, body string
		status            int
		want              string
	}{
		{"/api/v3/root/config/", "application/json", `{"colour":"red"}`, 200, "/colour: not declared"},
		{"/api/v3/root/config/", "text/plain", `{}`, 200, "Content-Type"},
		{"/api/v3/root/config/", "application/json", `{"detail":"Oh."}`, 500, "the status is not declared"},
		{"/api/v3/nowhere/", "application/json", `{}`, 200, "no operation"},
		{"/api/v3/nowhere/", "application/json", `{"detail":"Not found."}`, 404, ""},
		{"/if/admin/", "text/plain", "x", 200, ""},
	} {
		s := &silent{TB: t}
		w := &house{t: s, s: h.s}
		rec := httptest.NewRecorder()
		w.watch(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", row.media)
			w.WriteHeader(row.status)
			_, _ = w.Write([]byte(row.body))
		})).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, row.path, nil))
		if said := strings.Join(s.said, "\n"); (said == "") != (row.want == "") || !strings.Contains(said, row.want) || len(w.taken()) != len(s.said) {
			t.Errorf("%s %s: %q, want %q", row.path, row.body, said, row.want)
		}
		if rec.Code != row.status || rec.Body.String() != row.body {
			t.Errorf("the watch changes the answer: %d %s", rec.Code, rec.Body)
		}
	}
}
