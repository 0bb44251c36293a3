package siteverify

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

func TestAsk(t *testing.T) {
	var got url.Values
	status, say := 200, `{"success": true, "hostname": "login.office.lan"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != "POST" {
			t.Error(r.Method, err)
		}
		got = r.PostForm
		w.WriteHeader(status)
		io.WriteString(w, say)
	}))
	defer s.Close()
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c := outbound.New(outbound.Options{Allow: allow, Timeout: 5 * time.Second})
	v, err := Ask(t.Context(), c, s.URL, "s&cret", "answer+1", "192.0.2.7")
	if err != nil || !v.Good || got.Get("secret") != "s&cret" || got.Get("response") != "answer+1" || got.Get("remoteip") != "192.0.2.7" {
		t.Errorf("%+v %v %v", v, err, got)
	}
	say = `{"success": false, "error-codes": ["timeout-or-duplicate", "bad-request"]}`
	if v, err := Ask(t.Context(), c, s.URL, "", "", ""); err != nil || v.Good || !slices.Equal(v.Codes, []string{"timeout-or-duplicate", "bad-request"}) {
		t.Errorf("%+v %v", v, err)
	}
	for _, say = range []string{`{}`, `{"success": "false"}`, `null`, `<html>`, ``, `{"success": 1}`, `[true]`} {
		if v, err := Ask(t.Context(), c, s.URL, "", "", ""); v.Good || err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %+v %v", say, v, err)
		}
	}
	status, say = 500, `{"success": true}`
	var no *Refused
	if v, err := Ask(t.Context(), c, s.URL, "", "", ""); v.Good || !errors.As(err, &no) || no.Status != 500 {
		t.Errorf("%+v %v", v, err)
	}
	for _, bad := range []string{"", "x", "file:///etc/passwd", "http://127.0.0.1:1/"} {
		if v, err := Ask(t.Context(), c, bad, "", "", ""); v.Good || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: %+v %v", bad, v, err)
		}
	}
}
