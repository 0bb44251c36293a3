package desktop

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func desk(now *time.Time) *Desk {
	return &Desk{
		Enter: func(http.ResponseWriter, *http.Request) (string, error) { return "/if/admin/", nil },
		Known: func(r *http.Request) bool { return r.Header.Get("X-authentik-CSRF") == "right" },
		Now:   func() time.Time { return *now }, Version: "1",
	}
}

func call(d *Desk, method, path, body string, known bool) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if known {
		r.Header.Set("X-authentik-CSRF", "right")
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func TestTicket(t *testing.T) {
	now := time.Unix(1000, 0)
	d := desk(&now)
	tick := d.Ticket()
	if w := call(d, "GET", "/-/desktop/enter?t=wrong", "", false); w.Code != 403 {
		t.Errorf("a wrong ticket: %d", w.Code)
	}
	if w := call(d, "GET", "/-/desktop/enter?t="+tick, "", false); w.Code != 303 || w.Header().Get("Location") != "/if/admin/" {
		t.Errorf("the ticket: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := call(d, "GET", "/-/desktop/enter?t="+tick, "", false); w.Code != 403 {
		t.Errorf("the ticket again: %d", w.Code)
	}
	late := d.Ticket()
	now = now.Add(21 * time.Second)
	if w := call(d, "GET", "/-/desktop/enter?t="+late, "", false); w.Code != 403 {
		t.Errorf("after 21 seconds: %d", w.Code)
	}
}

func TestAutostart(t *testing.T) {
	now := time.Unix(1000, 0)
	d := desk(&now)
	if w := call(d, "POST", "/-/desktop/autostart", `{}`, true); w.Code != 409 {
		t.Errorf("no window: %d", w.Code)
	}
	events, stop := d.Listen()
	defer stop()
	on := false // the window's
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			e := <-events
			if e.On != nil {
				on = *e.On
			}
			d.Reply("another", !on)
			d.Reply(e.ID, on)
			d.Reply(e.ID, !on) // too late
		}
	}()
	for _, c := range []struct{ body, want string }{{`{}`, `{"on":false}`}, {`{"on":true}`, `{"on":true}`}, {`{"on":null}`, `{"on":true}`}} {
		w := call(d, "POST", "/-/desktop/autostart", c.body, true)
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != c.want {
			t.Errorf("%s: %d %s, want %s", c.body, w.Code, got, c.want)
		}
	}
	<-done
	for body, known := range map[string]bool{`{"on":true}`: false, `{`: true} {
		if w := call(d, "POST", "/-/desktop/autostart", body, known); w.Code != 403 && w.Code != 400 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	if len(d.asked) != 0 {
		t.Errorf("%d questions are kept", len(d.asked))
	}
}

func TestVerbs(t *testing.T) {
	now := time.Unix(1000, 0)
	d := desk(&now)
	if w := call(d, "POST", "/-/desktop/open", `{"url":"https://example.org/"}`, true); w.Code != 409 {
		t.Errorf("no window: %d", w.Code)
	}
	events, stop := d.Listen()
	defer stop()
	for _, c := range []struct {
		path, body string
		known      bool
		code       int
		kind       string
	}{
		{"open", `{"url":"https://example.org/"}`, false, 403, ""},
		{"open", `{"url":"https://example.org/"}`, true, 204, "open"},
		{"open", `{"url":"file:///etc/passwd"}`, true, 400, ""},
		{"open", `{"url":"javascript:alert(1)"}`, true, 400, ""},
		{"open", `{`, true, 400, ""},
		{"save?name=../../x.pem", "abc", true, 204, "save"},
		{"save?name=", "abc", true, 400, ""},
		{"quit", `{"keep_serving":true}`, true, 204, "quit"},
		{"other", ``, true, 404, ""},
	} {
		w := call(d, "POST", "/-/desktop/"+c.path, c.body, c.known)
		if w.Code != c.code {
			t.Errorf("%s %s: %d, want %d", c.path, c.body, w.Code, c.code)
		}
		if c.kind == "" {
			continue
		}
		e := <-events
		if e.Kind != c.kind || strings.Contains(e.Name, "/") {
			t.Errorf("%s: event %+v", c.path, e)
		}
	}
}
