package control

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// quiet is a house that does everything and tells nothing.
type quiet struct{ Backend }

func (quiet) Status(context.Context) (Status, error) { return Status{}, nil }
func (quiet) Ticket(context.Context) (Ticket, error) { return Ticket{}, nil }
func (quiet) CreateAdmin(context.Context, AdminRequest) (AdminResult, error) {
	return AdminResult{}, nil
}
func (quiet) ResetPassword(context.Context, string, string) (AdminResult, error) {
	return AdminResult{}, nil
}
func (quiet) RecoveryLink(context.Context, string, time.Duration) (AdminResult, error) {
	return AdminResult{}, nil
}
func (quiet) Backup(context.Context, string, string) error { return nil }
func (quiet) Stop(context.Context) error                   { return nil }

// FuzzMessage: whatever comes over the socket, the answer is JSON and never a crash of the house.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "{}", "null", `{"username":"ada","password":"x"}`, `{"valid":1e999}`, `{"path":"relative"}`, `{"path":"/x","passphrase":null}`, "[", strings.Repeat("[", 10_001), "\xff"} {
		f.Add("POST", "/admin/create", s)
		f.Add("POST", "/backup", s)
	}
	f.Add("GET", "/status", "")
	f.Add("POST", "/ticket", "{}")
	f.Add("POST", "/admin/recovery-link", `{"valid":-1}`)
	h := handler(context.Background(), quiet{})
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if strings.HasPrefix(path, "/desktop") || strings.Contains(path, "..") {
			return // a stream
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://socket"+path, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/") || strings.Contains(r.URL.Path, "desktop") {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q %q: %d %s", method, path, body, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("no JSON: %s", w.Body)
		}
	})
}
