package captcha_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/outbound"
	"gatehouse/backend/siteverify"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/captcha"
	"gatehouse/backend/stage/stagetest"
)

// unreached is what is said of a server that is gone: a connection from before may break, a fresh one is refused.
var unreached = regexp.MustCompile(`refuses the connection|can't be reached`)

const model = "authentik_stages_captcha.captchastage"

func with(h *stagetest.House) stagetest.Made {
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		h.T.Fatal(err)
	}
	c := outbound.New(outbound.Options{Allow: allow, Timeout: 5 * time.Second})
	verify := func(ctx context.Context, address, secret, response, ip string) (siteverify.Verdict, error) {
		return siteverify.Ask(ctx, c, address, secret, response, ip)
	}
	return stagetest.Made{Stages: []*stage.Kind{captcha.Kind(captcha.Deps{Deps: h.Stage, Events: h.Events, Verify: verify}), stagetest.PauseKind(h.Stage)}}
}

func fresh(h *stagetest.House) any {
	s := stagetest.New[captcha.Stage](h)
	s.PublicKey, s.PrivateKey, s.API = "site", "secret", "http://127.0.0.1:1/siteverify"
	return s
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: fresh})
}

func TestVerify(t *testing.T) {
	status := 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		switch {
		case r.PostFormValue("secret") != "secret" || r.PostFormValue("remoteip") != "192.0.2.7":
			io.WriteString(w, `{"success": false, "error-codes": ["invalid-input-secret"]}`)
		case r.PostFormValue("response") == "person":
			io.WriteString(w, `{"success": true}`)
		default:
			io.WriteString(w, `{"success": false, "error-codes": ["invalid-input-response", "timeout-or-duplicate"]}`)
		}
	}))
	h := stagetest.Open(t, with)
	st := fresh(h).(*captcha.Stage)
	st.API, st.Script = s.URL, "https://js.hcaptcha.com/1/api.js"
	h.Flow("f", flow.Authentication, st, stagetest.New[stagetest.Pause](h))
	b := h.Browser()
	m := stagetest.Wire(b.Get("f", ""))
	if m["component"] != "ak-stage-captcha" || m["site_key"] != "site" || m["js_url"] != "https://js.hcaptcha.com/1/api.js" || strings.Contains(fmt.Sprint(m), "secret") {
		t.Errorf("%v", m)
	}
	if got := stagetest.Problem(b.Post("f", "", map[string]any{"token": "robot"}), "token"); got != "Failed to validate token: invalid-input-response, timeout-or-duplicate (invalid)" {
		t.Errorf("%q", got)
	}
	status = 500
	if got := stagetest.Problem(b.Post("f", "", map[string]any{"token": "person"}), "token"); got != "Failed to validate token (invalid)" {
		t.Errorf("%q", got)
	}
	if es := h.Heard(event.ConfigurationError); len(es) != 1 || es[0].Context["stage"] == nil || !strings.Contains(fmt.Sprint(es[0].Context["message"]), "status 500") {
		t.Errorf("%v", es)
	}
	status = 200
	if got := stagetest.Component(b.Post("f", "", map[string]any{"token": "person"})); got != stagetest.Paused {
		t.Error(got)
	}
	// Nobody comes past a service that can't be reached.
	s.Close()
	b = h.Browser()
	b.Get("f", "")
	if why, denied := stagetest.Denied(b.Post("f", "", map[string]any{"token": "person"})); !denied || !strings.HasPrefix(why, "The service that checks whether a person is here can't be reached") {
		t.Errorf("%q", why)
	}
	if es := h.Heard(event.ConfigurationError); len(es) != 2 || !unreached.MatchString(fmt.Sprint(es[1].Context["message"])) {
		t.Errorf("%v", es)
	}
}

// A page opens its policy for what a widget loads and for nothing more.
func TestOrigins(t *testing.T) {
	for script, want := range map[string][]string{
		"https://www.recaptcha.net/recaptcha/api.js":            {"https://www.recaptcha.net", "https://www.google.com", "https://www.recaptcha.net", "https://www.gstatic.com"},
		"https://js.hcaptcha.com/1/api.js":                      {"https://js.hcaptcha.com", "https://hcaptcha.com", "https://*.hcaptcha.com"},
		"https://challenges.cloudflare.com/turnstile/v0/api.js": {"https://challenges.cloudflare.com"},
		"https://captcha.office.lan:8443/api.js":                {"https://captcha.office.lan:8443"},
		"https://nothcaptcha.com/api.js":                        {"https://nothcaptcha.com"},
		"javascript:alert(1)":                                   nil,
		"data:text/javascript,x":                                nil,
		"/own.js":                                               nil,
		"https://x;script-src *":                                nil,
		"https://a b/":                                          nil,
		"https://*/x.js":                                        nil,
		"":                                                      nil,
		"https://user@evil.example/; frame-src *":               {"https://evil.example"},
	} {
		if got := (&captcha.Challenge{Script: script}).Origins(); !slices.Equal(got, want) {
			t.Errorf("%s: %v", script, got)
		}
	}
}
