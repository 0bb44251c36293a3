package server

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// signins gives what an admin reads of recent sign-ins at an application, by cause.
func (h *house) signins(a app) (refused map[string]map[string]any, given []any) {
	h.t.Helper()
	out := h.api("GET", fmt.Sprintf("gatehouse/providers/oauth2/%d/signins/", h.provider(a)), nil, 200)
	refused = map[string]map[string]any{}
	for _, v := range out["refused"].([]any) {
		v := v.(map[string]any)
		refused[v["place"].(string)+" "+v["cause"].(string)] = v
	}
	return refused, out["given"].([]any)
}

// TestFailedSignInsAreExplained holds that an admin finds why a sign-in at an application failed: what came, what was expected, what mends it.
func TestFailedSignInsAreExplained(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki, other := h.addApp("wiki", nil), h.addApp("other", nil)
	b := h.signedIn("ada", "lovelace-1815")
	groups := h.api("POST", "propertymappings/scope/", map[string]any{"name": "teams", "scope_name": "teams", "expression": `return {"teams": []}`}, 201)["pk"]
	const wrong, api = "https://wiki.office.lan/other", "https://api.office.lan/"
	code := func(more ...string) string { t.Helper(); return b.code(wiki.authorize(more...)).Get("code") }
	grant := func(code string, more ...string) url.Values {
		v := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	b.get(wiki.authorize("redirect_uri", wrong))
	b.get(wiki.authorize("redirect_uri", wrong))
	b.get(wiki.authorize("response_type", "token"))
	b.get(wiki.authorize("resource", api))
	b.get(wiki.authorize("prompt", "none", "scope", "openid teams"))
	h.browser().get(wiki.authorize("prompt", "none")) // that nobody is signed in is no failure
	h.browser().get("/application/o/authorize/?client_id=nobody&redirect_uri=" + url.QueryEscape(wrong))
	code("claims", `{"userinfo":{"shoe_size":{"essential":true}}}`)
	h.token(wiki, grant(code(), "client_id", wiki.id, "client_secret", "short"))
	h.token(wiki, grant(code(), "redirect_uri", wrong))
	h.token(wiki, grant(code(), "code_verifier", ""))
	h.token(wiki, grant("never"))
	used := code()
	h.exchange(wiki, used)
	h.token(wiki, grant(used))
	old := code()
	h.write(`UPDATE oauth_codes SET expires = 0 WHERE used = 0`)
	h.token(wiki, grant(old))
	plain := h.exchange(wiki, code("scope", "email"))
	h.browser().get(userinfoPath, "Authorization", "Bearer "+plain["access_token"].(string))
	h.token(wiki, url.Values{"grant_type": {"client_credentials"}, "client_id": {wiki.id}, "client_secret": {"wrong"}})
	allow := h.denyApp(wiki)
	b.get(wiki.authorize())
	allow()

	refused, given := h.signins(wiki)
	for name, want := range map[string]map[string]any{
		"authorize redirect_uri":              {"came": wrong, "expected": wiki.redirect, "fix": "add_redirect_uri", "value": wrong, "fixed": false},
		"authorize unsupported_response_type": {"fix": ""},
		"authorize resource":                  {"came": api, "fix": "add_resource", "value": api},
		"authorize scope":                     {"came": "teams", "fix": "add_scope", "value": groups},
		"authorize claim":                     {"came": "shoe_size", "username": "ada", "fix": ""},
		"authorize not_allowed":               {"came": "ada", "username": "ada"},
		"token client_secret":                 {"expected": fmt.Sprintf("a secret of %d characters", len(wiki.secret))},
		"token token_redirect_uri":            {"came": wrong, "expected": wiki.redirect, "username": "ada"},
		"token pkce":                          {"came": "no code_verifier"},
		"token code":                          {"count": 1.0},
		"token code_used":                     {"username": "ada"},
		"token code_expired":                  {"expected": "minutes=1"},
		"userinfo openid":                     {"came": "email", "expected": "openid", "username": "ada"},
	} {
		got := refused[name]
		if got == nil {
			t.Errorf("%s is not explained", name)
			continue
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %v, want %v", name, k, got[k], v)
			}
		}
		if s, _ := got["says"].(string); len(s) < 15 || !strings.HasSuffix(s, ".") {
			t.Errorf("%s says %q", name, s)
		}
	}
	if refused["authorize login_required"] != nil {
		t.Error("prompt=none without a session is a failure")
	}
	if len(given) == 0 || given[0].(map[string]any)["username"] != "ada" || given[0].(map[string]any)["scopes"] != "email" {
		t.Errorf("given: %v", given)
	}
	all := fmt.Sprint(h.api("GET", fmt.Sprintf("gatehouse/providers/oauth2/%d/signins/", h.provider(wiki)), nil, 200))
	for name, secret := range map[string]string{"the secret": wiki.secret, "a code": used, "a verifier": verifier, "a token": plain["access_token"].(string)} {
		if strings.Contains(all, secret) {
			t.Errorf("%s can be read", name)
		}
	}
	if refused, _ := h.signins(other); len(refused) != 0 {
		t.Errorf("another application's: %v", refused)
	}
	unknown := h.api("GET", "gatehouse/oauth2/unknown/", nil, 200)["refused"].([]any)
	if len(unknown) != 1 || unknown[0].(map[string]any)["came"] != "nobody" {
		t.Errorf("unknown clients: %v", unknown)
	}
	// What was mended is said to be.
	p := h.providerOf(wiki)
	h.patchProvider(wiki, map[string]any{"redirect_uris": wiki.redirect + "\n" + wrong, "property_mappings": append(p["property_mappings"].([]any), groups)})
	h.beyond(wiki, map[string]any{"resources": api})
	refused, _ = h.signins(wiki)
	for _, name := range []string{"authorize redirect_uri", "authorize scope", "authorize resource"} {
		if got := refused[name]; got["fixed"] != true || got["fix"] != "" {
			t.Errorf("%s after it was mended: %v", name, got)
		}
	}
	// Who may not see the provider sees nothing of it.
	ada := h.tokenOf(int(h.api("GET", "core/users/?username=ada", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(float64)), "ada-api", "api")
	for _, path := range []string{fmt.Sprintf("gatehouse/providers/oauth2/%d/signins/", h.provider(wiki)), "gatehouse/oauth2/unknown/", "gatehouse/oauth2/registration/"} {
		if got := h.as(ada, "GET", path, ""); got.status != 403 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

// TestExplanationsAreBounded holds that who floods the house with bad requests fills neither disk nor page.
func TestExplanationsAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	wiki := h.addApp("wiki", nil)
	b := h.browser()
	for i := range 120 {
		b.get(wiki.authorize("redirect_uri", fmt.Sprintf("https://evil.example/%d/%s", i, strings.Repeat("x", 2000))))
		b.get(fmt.Sprintf("/application/o/authorize/?client_id=nobody%d", i))
	}
	if n := h.number(`SELECT count(*) FROM oauth_refusals`); n == 0 || n > 40 {
		t.Errorf("%d rows of 240 requests", n)
	}
	if n := h.number(`SELECT max(length(came)) FROM oauth_refusals`); n > 600 {
		t.Errorf("a row of %d characters", n)
	}
	other := h.addApp("other", nil)
	for range 50 {
		b.get(other.authorize("redirect_uri", "https://evil.example/"))
	}
	if n := h.number(`SELECT count(*) FROM oauth_refusals WHERE provider = ?`, h.provider(other)); n != 1 {
		t.Errorf("%d rows of one cause", n)
	}
	h.write(`UPDATE oauth_refusals SET last = 0`)
	if _, err := h.s.rooms.oauth.CleanUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := h.number(`SELECT count(*) FROM oauth_refusals`); n != 0 {
		t.Errorf("%d rows after their time", n)
	}
}
