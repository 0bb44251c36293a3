package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

// seen is a request as a service got it.
type seen struct {
	path, kind, auth, user, pass string
	form                         map[string][]string
	body                         map[string]any
}

func service(t *testing.T, status int, say string) (*Room, string, *[]seen) {
	var got []seen
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := seen{path: r.Method + " " + r.URL.Path, kind: r.Header.Get("Content-Type"), auth: r.Header.Get("Authorization")}
		v.user, v.pass, _ = r.BasicAuth()
		if strings.HasPrefix(v.kind, "application/json") {
			if err := json.NewDecoder(r.Body).Decode(&v.body); err != nil {
				t.Error(err)
			}
		} else if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		v.form = r.PostForm
		got = append(got, v)
		w.WriteHeader(status)
		io.WriteString(w, say)
	}))
	t.Cleanup(s.Close)
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return &Room{Client: outbound.New(outbound.Options{Allow: allow, Timeout: 5 * time.Second}), At: s.URL}, s.URL, &got
}

func TestTwilio(t *testing.T) {
	r, _, got := service(t, 201, `{"sid": "SM1", "status": "queued"}`)
	if err := r.Message(t.Context(), Account{"AC1/../x", "secret", "+15550100"}, "+491701234567", "Use 012345 ü & more"); err != nil {
		t.Fatal(err)
	}
	g := (*got)[0]
	if g.path != "POST /2010-04-01/Accounts/AC1/../x/Messages.json" || g.user != "AC1/../x" || g.pass != "secret" || g.kind != "application/x-www-form-urlencoded" ||
		g.form["To"][0] != "+491701234567" || g.form["From"][0] != "+15550100" || g.form["Body"][0] != "Use 012345 ü & more" || len(g.form) != 3 {
		t.Errorf("%+v", g)
	}
}

func TestRefused(t *testing.T) {
	r, url, _ := service(t, 400, `{"code": 21211, "message": "The 'To' number is not valid."}`+strings.Repeat("x", 5000))
	var no *Refused
	if err := r.Message(t.Context(), Account{}, "x", "y"); !errors.As(err, &no) || no.Status != 400 || len(no.Body) != maxSaid || !strings.Contains(no.Body, "21211") {
		t.Errorf("%v", err)
	}
	if err := r.Post(t.Context(), url+"/send", Auth{}, nil); !errors.As(err, &no) {
		t.Errorf("%v", err)
	}
}

func TestPost(t *testing.T) {
	r, url, got := service(t, 200, "")
	body := map[string]any{"To": "+1", "Body": "012345"}
	for _, tt := range []struct {
		a    Auth
		want string
	}{{Auth{Basic, "ada", "word"}, "Basic YWRhOndvcmQ="}, {Auth{Bearer, "token-1", ""}, "Bearer token-1"}} {
		if err := r.Post(t.Context(), url+"/send", tt.a, body); err != nil {
			t.Fatal(err)
		}
		g := (*got)[len(*got)-1]
		if g.auth != tt.want || g.path != "POST /send" || g.kind != "application/json" || g.body["Body"] != "012345" {
			t.Errorf("%+v", g)
		}
	}
	for _, bad := range []string{"", "AC1", "ftp://x/y", "http://", "javascript:x"} {
		if err := r.Post(t.Context(), bad, Auth{}, body); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := r.Post(t.Context(), "http://127.0.0.1:1/", Auth{}, body); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	if err := r.Post(t.Context(), url, Auth{}, func() {}); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestWait(t *testing.T) {
	r := &Room{}
	now := time.Unix(1_700_000_000, 0)
	number := []Limit{{"number 1", 1, 30 * time.Second}, {"number 1", 3, 15 * time.Minute}}
	for i, tt := range []struct {
		after, want time.Duration
	}{
		{0, 0}, {10 * time.Second, 20 * time.Second}, {20 * time.Second, 0}, {30 * time.Second, 0}, {30 * time.Second, 15*time.Minute - 90*time.Second},
		{15 * time.Minute, 0},
	} {
		now = now.Add(tt.after)
		if got := r.Wait(now, number...); got != tt.want {
			t.Errorf("%d: %s, want %s", i, got, tt.want)
		}
	}
	if got := r.Wait(now, Limit{"number 2", 1, time.Minute}, Limit{"number 1", 1, time.Minute}); got != time.Minute {
		t.Errorf("the longest wait counts: %s", got)
	}
	if got := r.Wait(now, Limit{"number 2", 1, time.Minute}); got != 0 {
		t.Errorf("what was refused was counted: %s", got)
	}
}
