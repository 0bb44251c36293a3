package server

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// signedIn gives a browser in which the person is signed in.
func (h *house) signedIn(username, password string) *browser {
	h.t.Helper()
	b := h.browser()
	if out := b.signIn("", username, password); out["type"] != "redirect" {
		h.t.Fatalf("sign-in ends at %v", out)
	}
	return b
}

func TestCodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	other := h.addApp("other", nil)
	b := h.signedIn("ada", "lovelace-1815")
	code := func(more ...string) string {
		t.Helper()
		c := b.code(wiki.authorize(more...)).Get("code")
		if c == "" {
			t.Fatal("no code")
		}
		return c
	}
	grant := func(c string, change func(v url.Values)) url.Values {
		v := url.Values{"grant_type": {"authorization_code"}, "code": {c}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}
		if change != nil {
			change(v)
		}
		return v
	}
	refused := func(what string, a app, v url.Values, want string) {
		t.Helper()
		got := h.token(a, v)
		if got.status != 400 && got.status != 401 || got.json(t)["error"] != want {
			t.Errorf("%s: status %d %s, want %s", what, got.status, got.body, want)
		}
		if cc := got.header.Get("Cache-Control"); cc != "no-store" {
			t.Errorf("%s: Cache-Control %q", what, cc)
		}
	}
	refused("another client's code", other, grant(code(), nil), "invalid_grant")
	refused("another redirect URI", wiki, grant(code(), func(v url.Values) { v.Set("redirect_uri", "https://wiki.office.lan/else") }), "invalid_grant")
	refused("no verifier", wiki, grant(code(), func(v url.Values) { v.Del("code_verifier") }), "invalid_grant")
	refused("a wrong verifier", wiki, grant(code(), func(v url.Values) { v.Set("code_verifier", strings.Repeat("x", 50)) }), "invalid_grant")
	refused("a verifier where there was no challenge", wiki, grant(code("code_challenge", "", "code_challenge_method", ""), nil), "invalid_grant")
	refused("a code that never was", wiki, grant("nonsense", nil), "invalid_grant")
	refused("a wrong secret", wiki, grant(code(), func(v url.Values) { v.Set("client_id", wiki.id); v.Set("client_secret", "wrong") }), "invalid_client")

	c := code()
	tokens := h.exchange(wiki, c)
	refused("a code used before", wiki, grant(c, nil), "invalid_grant")
	info := h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+tokens["access_token"].(string))
	if info.status != 401 {
		t.Errorf("the access token outlived the second use of its code: %d", info.status)
	}
	refused("a refresh token of a code used twice", wiki, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}, "invalid_grant")
}

func TestRefreshReuse(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	pk := h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", map[string]any{"signing": "es256"})
	b := h.signedIn("ada", "lovelace-1815")
	first := h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	refresh := func(text any) answer {
		return h.token(wiki, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text.(string)}})
	}
	second := refresh(first["refresh_token"])
	if second.status != 200 {
		t.Fatalf("refresh: %d %s", second.status, second.body)
	}
	if again := refresh(first["refresh_token"]); again.status != 400 {
		t.Errorf("a refresh token used before: %d %s", again.status, again.body)
	}
	if got := refresh(second.json(t)["refresh_token"]); got.status != 400 {
		t.Errorf("the family outlives the use of an old token: %d", got.status)
	}
	third := h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	h.api("PATCH", "core/users/"+strconv.Itoa(pk)+"/", map[string]any{"is_active": false}, 200)
	if got := refresh(third["refresh_token"]); got.status != 400 {
		t.Errorf("a person who was switched off refreshes: %d %s", got.status, got.body)
	}
	if info := h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+third["access_token"].(string)); info.status != 401 {
		t.Errorf("userinfo of a person who was switched off: %d", info.status)
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	for name, tc := range map[string]struct {
		address string
		status  int
		want    string // in the body of a page, or the error that the client gets
	}{
		"no client":           {wiki.authorize("client_id", "nobody"), 400, "client_id"},
		"redirect elsewhere":  {wiki.authorize("redirect_uri", "https://evil.example/"), 400, "Redirect URI"},
		"redirect below":      {wiki.authorize("redirect_uri", wiki.redirect+"/more"), 400, "Redirect URI"},
		"no redirect":         {wiki.authorize("redirect_uri", ""), 400, "Redirect URI"},
		"implicit":            {wiki.authorize("response_type", "token"), 302, "unsupported_response_type"},
		"plain challenge":     {wiki.authorize("code_challenge_method", "none"), 302, "invalid_request"},
		"request object":      {wiki.authorize("request", "e30.e30."), 302, "request_not_supported"},
		"prompt none and all": {wiki.authorize("prompt", "none login"), 302, "invalid_request"},
	} {
		got := b.get(tc.address)
		text := got.body
		if got.status == 302 {
			to, err := url.Parse(got.header.Get("Location"))
			if err != nil || !strings.HasPrefix(to.String(), wiki.redirect) {
				t.Errorf("%s: leads to %s", name, to)
				continue
			}
			text = to.Query().Get("error")
			if to.Query().Get("state") != "s1" {
				t.Errorf("%s: state %q", name, to.Query().Get("state"))
			}
		}
		if got.status != tc.status || !strings.Contains(text, tc.want) {
			t.Errorf("%s: status %d, want %d with %q: %.300s", name, got.status, tc.status, tc.want, text)
		}
	}
	// Nobody is signed in and nobody may be asked.
	got := h.browser().get(wiki.authorize("prompt", "none"))
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || to.Query().Get("error") != "login_required" {
		t.Errorf("prompt=none without a session: %d %s", got.status, got.header.Get("Location"))
	}
}

func TestNextStaysHere(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)", "/%09/evil.example", "http:evil.example"} {
		out := h.browser().signIn("next="+url.QueryEscape(next), "ada", "lovelace-1815")
		if out["component"] == "ak-stage-access-denied" && out["error_message"] == "Invalid next URL" {
			continue
		}
		to, _ := out["to"].(string)
		u, err := url.Parse(to)
		if out["type"] != "redirect" || err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, "\\") {
			t.Errorf("next=%s leads to %v", next, out)
		}
	}
	out := h.browser().signIn("next="+url.QueryEscape("/if/user/#/x"), "ada", "lovelace-1815")
	if out["to"] != "/if/user/#/x" {
		t.Errorf("a path of ours: %v", out)
	}
}

func TestSetupGate(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	for _, path := range []string{"/", "/if/flow/initial-setup/", "/api/v3/root/config/", "/api/v3/core/users/", "/setup/", "/application/o/token/", "/if/admin/", "/static/app/x.js"} {
		if got := h.browser().get(path); got.status != 503 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := h.browser().get("/-/health/ready/"); got.status != 204 {
		t.Errorf("health %d", got.status)
	}
	if got := h.browser().get("/static/dist/assets/icons/icon_left_brand.svg"); got.status != 200 { // the wizard's own mark
		t.Errorf("mark %d", got.status)
	}
	// Of two that finish at once one wins.
	token := h.s.doors.setup.Token()
	finish := func(b *browser, name string) {
		page := func() string { return b.get("/setup/").body }
		post := func(v url.Values) {
			body := page()
			_, rest, _ := strings.Cut(body, `name="csrf" value="`)
			csrf, _, _ := strings.Cut(rest, `"`)
			v.Set("csrf", csrf)
			v.Set("go", "next")
			b.form("/setup/", v)
		}
		post(url.Values{"step": {"office"}, "office_name": {"Office"}})
		post(url.Values{"step": {"admin"}, "username": {name}, "password": {"long enough for " + name}, "password_repeat": {"long enough for " + name}})
		post(url.Values{"step": {"name"}, "server_name": {"login.office.lan"}})
		post(url.Values{"step": {"https"}})
	}
	one := h.browser()
	if got := one.get("/setup/?t=" + url.QueryEscape(token)); got.status != 303 {
		t.Fatalf("the link: %d %s", got.status, got.body)
	}
	if got := h.browser().get("/setup/?t=" + url.QueryEscape(token)); got.status != 503 {
		t.Errorf("the link works twice: %d", got.status)
	}
	two := h.browser()
	if got := two.get("/setup/?t=" + url.QueryEscape(h.s.doors.setup.Token())); got.status != 303 {
		t.Fatalf("the second link: %d", got.status)
	}
	done := make(chan struct{}, 2)
	for b, name := range map[*browser]string{one: "grace", two: "mallory"} {
		go func() { finish(b, name); done <- struct{}{} }()
	}
	<-done
	<-done
	n, err := h.s.rooms.users.Count(t.Context())
	if err != nil || n != 1 {
		t.Errorf("%d users, %v", n, err)
	}
	for _, path := range []string{"/if/flow/initial-setup/", "/api/v3/flows/executor/initial-setup/"} {
		if got := h.browser().get(path); got.status != 404 {
			t.Errorf("%s after the wizard: %d", path, got.status)
		}
	}
}
