package server

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestClaimsParameter holds claims that are asked for one by one (OpenID Connect Core 5.5).
func TestClaimsParameter(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	h.addUser("bob", "builder-1999")
	wiki := h.addApp("wiki", nil)
	h.patchProvider(wiki, map[string]any{"include_claims_in_id_token": false})
	b := h.signedIn("ada", "lovelace-1815")
	if doc := h.browser().get("/application/o/wiki/.well-known/openid-configuration").json(t); doc["claims_parameter_supported"] != true {
		t.Errorf("discovery: %v", doc["claims_parameter_supported"])
	}
	given := func(scope, asked string) (id, info map[string]any) {
		t.Helper()
		tokens := h.exchange(wiki, b.code(wiki.authorize("scope", scope, "claims", asked)).Get("code"))
		return claims(t, tokens["id_token"].(string)), h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+tokens["access_token"].(string)).json(t)
	}
	for _, tt := range []struct {
		name, scope, asked string
		id, info           string // claims that have to be there of email, name and nickname
	}{
		{"nothing", "openid", "", "", ""},
		{"a scope", "openid email", "", "", "email"},
		{"userinfo, essential", "openid", `{"userinfo":{"name":{"essential":true}}}`, "", "name"},
		{"ID token, voluntary", "openid", `{"id_token":{"email":null}}`, "email", ""},
		{"both", "openid", `{"id_token":{"name":{"essential":true}},"userinfo":{"email":null}}`, "name", "email"},
		{"of a granted scope in the ID token", "openid email", `{"id_token":{"email":null}}`, "email", "email"},
		{"the right value", "openid", `{"id_token":{"email":{"value":"ada@office.lan"}}}`, "email", ""},
		{"one of the right values", "openid", `{"id_token":{"email":{"values":["x@y.z","ada@office.lan"]}}}`, "email", ""},
		{"another value", "openid", `{"id_token":{"email":{"value":"eve@office.lan"}}}`, "", ""},
		{"what nobody gives", "openid", `{"id_token":{"shoe_size":{"essential":true}},"verified":{"x":1}}`, "", ""},
	} {
		id, info := given(tt.scope, tt.asked)
		for _, name := range []string{"email", "name", "nickname"} {
			if got, want := id[name] != nil, slices.Contains(strings.Fields(tt.id), name); got != want {
				t.Errorf("%s: %s in the ID token: %v, want %v", tt.name, name, got, want)
			}
			if got, want := info[name] != nil, slices.Contains(strings.Fields(tt.info), name); got != want {
				t.Errorf("%s: %s from userinfo: %v, want %v", tt.name, name, got, want)
			}
		}
	}
	// A claim of the house's own can't be set by asking for a value of it, and a refreshed ID token has what was asked for.
	tokens := h.exchange(wiki, b.code(wiki.authorize("claims", `{"id_token":{"nickname":null,"iss":{"value":"https://evil.example"},"aud":null}}`)).Get("code"))
	again := h.token(wiki, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}).json(t)
	if c := claims(t, again["id_token"].(string)); c["nickname"] != "ada" || c["aud"] != wiki.id || !strings.HasSuffix(c["iss"].(string), "/application/o/wiki/") {
		t.Errorf("after a refresh: %v", c)
	}

	refused := func(more ...string) string {
		t.Helper()
		got := b.get(wiki.authorize(more...))
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil || !strings.HasPrefix(to.String(), wiki.redirect) {
			t.Fatalf("%v: %d %s", more, got.status, got.header.Get("Location"))
		}
		return to.Query().Get("error")
	}
	for _, bad := range []string{"{", "[]", `"x"`, "null", `{"id_token":[]}`, `{"userinfo":{"name":"x"}}`, `{"id_token":{"a":{"essential":"yes"}}}`, `{"id_token":{"a":null}} x`, `{"x":"` + strings.Repeat("y", 9000) + `"}`} {
		if got := refused("claims", bad); got != "invalid_request" {
			t.Errorf("%.40s: %q", bad, got)
		}
	}
	sub := claims(t, tokens["id_token"].(string))["sub"].(string)
	if c := b.code(wiki.authorize("claims", `{"id_token":{"sub":{"value":"`+sub+`"}}}`)); c.Get("code") == "" {
		t.Errorf("whom the client means: %v", c)
	}
	if got := refused("claims", `{"id_token":{"sub":{"value":"somebody"}}}`); got != "login_required" {
		t.Errorf("somebody else by sub: %q", got)
	}
	if c := b.code(wiki.authorize("claims", `{"id_token":{"acr":{"essential":true,"values":["x","goauthentik.io/providers/oauth2/default"]}}}`)); c.Get("code") == "" {
		t.Errorf("the acr that there is: %v", c)
	}
	if c := b.code(wiki.authorize("claims", `{"id_token":{"acr":{"values":["gold"]}}}`, "acr_values", "gold silver")); c.Get("code") == "" {
		t.Errorf("a voluntary acr: %v", c)
	}
	if got := refused("claims", `{"id_token":{"acr":{"essential":true,"value":"gold"}}}`); got != "unmet_authentication_requirements" {
		t.Errorf("an essential acr that there is not: %q", got)
	}
}

// TestClaimsNeedConsent holds that a person is asked before an application learns a claim that no granted scope gives.
func TestClaimsNeedConsent(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	h.patchProvider(wiki, map[string]any{"authorization_flow": h.flowNamed("default-provider-authorization-explicit-consent")})
	b := h.signedIn("ada", "lovelace-1815")
	ask := func(claims string) map[string]any {
		t.Helper()
		to := b.get(wiki.authorize("scope", "openid", "claims", claims)).header.Get("Location")
		u, err := url.Parse(to)
		if err != nil || !strings.HasPrefix(u.Path, "/if/flow/") {
			t.Fatalf("leads to %s", to)
		}
		return b.flow("/api/v3/flows/executor/"+strings.TrimPrefix(u.Path, "/if/flow/")+"?query="+url.QueryEscape(u.RawQuery), nil)
	}
	out := ask(`{"userinfo":{"email":null,"name":null,"shoe_size":null}}`)
	var ids []string
	for _, p := range out["permissions"].([]any) {
		ids = append(ids, p.(map[string]any)["id"].(string))
	}
	slices.Sort(ids)
	if out["component"] != "ak-stage-consent" || strings.Join(ids, " ") != "claim:email claim:name" {
		t.Errorf("asked for %v in %v", ids, out)
	}
}

// TestHintsOfAuthorize holds login_hint and ui_locales.
func TestHintsOfAuthorize(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	if err := errors.Join(os.Mkdir(filepath.Join(data, "languages"), 0o700), os.WriteFile(filepath.Join(data, "languages", "de.json"), []byte(`{"flow":{"lang":"Deutsch"}}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	h := openAt(t, data, true)
	wiki := h.addApp("wiki", nil)
	page := func(more ...string) string {
		t.Helper()
		b := h.browser()
		a := b.get(wiki.authorize(more...))
		for range 5 {
			if a.status != 302 && a.status != 303 {
				break
			}
			a = b.get(a.header.Get("Location"))
		}
		if a.status != 200 {
			t.Fatalf("%v: %d %s", more, a.status, a.body)
		}
		return a.body
	}
	if got := page("login_hint", "ada@office.lan"); !strings.Contains(got, `value="ada@office.lan"`) {
		t.Error("the name is not there")
	}
	if got := page("login_hint", `"><script>x</script>`); strings.Contains(got, "<script>x") || !strings.Contains(got, `&lt;script&gt;x`) {
		t.Error("a hint is more than text")
	}
	if got := page("login_hint", strings.Repeat("a", 300)); strings.Contains(got, `value="aaaa`) {
		t.Error("a hint without end is shown")
	}
	if got := page(); strings.Contains(got, `value="ada`) || !strings.Contains(got, `lang="en"`) {
		t.Error("a page without hints")
	}
	if got := page("ui_locales", "xx de-CH en"); !strings.Contains(got, `lang="de"`) {
		t.Error("the page is not in the language that the application wishes for")
	}
	if got := page("ui_locales", "xx yy"); !strings.Contains(got, `lang="en"`) {
		t.Error("a language that there is not")
	}
}
