package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestDynamicRegistration holds applications that register themselves (RFC 7591, RFC 7592, the conditions of the OpenID Foundation's dynamic
// plan that are about registration).
func TestDynamicRegistration(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	const path = "/application/o/register/"
	const callback = "https://self.office.lan/callback"
	type doc = map[string]any
	ask := func(method, at, token string, in any) answer {
		t.Helper()
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var header []string
		if token != "" {
			header = []string{"Authorization", "Bearer " + token}
		}
		return h.browser().do(method, at, "application/json", string(body), header...)
	}
	announced := func() any {
		return h.browser().get("/application/o/wiki/.well-known/openid-configuration").json(t)["registration_endpoint"]
	}
	in := doc{"redirect_uris": []string{callback}, "client_name": "Self"}

	// Off until an admin says so, whoever asks.
	made := h.api("POST", "gatehouse/oauth2/registration/token/", nil, 201)
	token := made["token"].(string)
	if got := ask("POST", path, token, in); got.status != 404 || announced() != nil {
		t.Fatalf("while it is off: %d %s, announced %v", got.status, got.body, announced())
	}
	h.api("PUT", "gatehouse/oauth2/registration/", doc{"enabled": true}, 200)
	if s, _ := announced().(string); !strings.HasSuffix(s, path) || made["endpoint"] != s {
		t.Errorf("announced %v, shown %v", s, made["endpoint"])
	}
	if got := h.api("GET", "gatehouse/oauth2/registration/", nil, 200); got["enabled"] != true || got["token"] != true || strings.Contains(strings.Join([]string{got["made"].(string)}, ""), token) {
		t.Errorf("the setting: %v", got)
	}
	for name, tok := range map[string]string{"no token": "", "a wrong one": "x", "a token of the API": bootToken} {
		if got := ask("POST", path, tok, in); got.status != 401 && got.status != 403 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	apps := h.count("core/applications/?superuser_full_list=true")
	refused := func(name string, change doc, want string) {
		t.Helper()
		all := doc{"redirect_uris": []string{callback}, "client_name": "Self"}
		for k, v := range change {
			all[k] = v
		}
		if got := ask("POST", path, token, all); got.status != 400 || got.json(t)["error"] != want || got.json(t)["error_description"] == "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for _, uri := range []string{
		"", "javascript:alert(1)", "data:text/html,x", "https://self.office.lan/cb#x", "https://u:p@self.office.lan/cb", "http://self.office.lan/cb", "https://.*\\.office\\.lan/cb", "*", "/cb", "https://self.office.lan/a https://evil.example/",
	} {
		refused("redirect "+uri, doc{"redirect_uris": []string{callback, uri}}, "invalid_redirect_uri")
	}
	refused("no redirect", doc{"redirect_uris": []string{}}, "invalid_redirect_uri")
	refused("grant", doc{"grant_types": []string{"password"}}, "invalid_client_metadata")
	refused("response type", doc{"response_types": []string{"token"}}, "invalid_client_metadata")
	refused("auth method", doc{"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata")
	refused("programs without a secret", doc{"token_endpoint_auth_method": "none", "grant_types": []string{"client_credentials"}}, "invalid_client_metadata")
	refused("pairwise", doc{"subject_type": "pairwise"}, "invalid_client_metadata")
	refused("sector", doc{"sector_identifier_uri": "https://x.example/"}, "invalid_client_metadata")
	refused("encryption", doc{"id_token_encrypted_response_alg": "RSA-OAEP"}, "invalid_client_metadata")
	refused("request_uris", doc{"request_uris": []string{"https://x.example/r"}}, "invalid_client_metadata")
	refused("logout", doc{"backchannel_logout_uri": "ftp://x"}, "invalid_client_metadata")
	refused("no such type", doc{"client_name": 5}, "invalid_client_metadata")
	refused("too much", doc{"client_uri": "https://" + strings.Repeat("x", 20<<10)}, "invalid_client_metadata")
	if n := h.count("core/applications/?superuser_full_list=true"); n != apps {
		t.Errorf("%d applications are left of refused ones", n-apps)
	}

	got := ask("POST", path, token, doc{
		"redirect_uris": []string{callback, "http://127.0.0.1/cb", "com.example.app:/cb"}, "client_name": "Self", "scope": "openid email nonsense", "grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		"token_endpoint_auth_method": "client_secret_post", "backchannel_logout_uri": "https://self.office.lan/out", "tos_uri": "https://x.example/", "client_id": "wanted", "client_secret": "wanted",
	})
	out := got.json(t)
	if got.status != 201 || got.header.Get("Cache-Control") != "no-store" || out["client_id"] == "wanted" || out["client_secret"] == "wanted" || out["client_secret_expires_at"] != 0.0 || out["scope"] != "email openid" || out["registration_access_token"] == nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	self := app{slug: "self", id: out["client_id"].(string), secret: out["client_secret"].(string), redirect: callback}
	own, at := out["registration_access_token"].(string), strings.TrimPrefix(out["registration_client_uri"].(string), h.base)
	p := h.providerOf(self)
	if p["authorization_flow"] != h.flowNamed("default-provider-authorization-explicit-consent") || p["client_type"] != "confidential" {
		t.Errorf("the provider: %v", p)
	}
	if h.events("model_created") == 0 {
		t.Error("no event")
	}
	b := h.signedIn("ada", "lovelace-1815")
	tokens := h.exchange(self, b.code(self.authorize("scope", "openid email profile")).Get("code"))
	if info := h.browser().get(userinfoPath, "Authorization", "Bearer "+tokens["access_token"].(string)).json(t); info["email"] != "ada@office.lan" || info["name"] != nil {
		t.Errorf("userinfo: %v", info)
	}

	// Its own description.
	for name, tok := range map[string]string{"no token": "", "the initial token": token, "nonsense": "x", "the API's": bootToken} {
		for _, m := range []string{"GET", "PUT", "DELETE"} {
			if got := ask(m, at, tok, in); got.status != 401 && got.status != 403 {
				t.Errorf("%s %s: %d %s", m, name, got.status, got.body)
			}
		}
	}
	if got := ask("GET", path+"?client_id="+url.QueryEscape(wiki.id), own, nil); got.status != 401 {
		t.Errorf("another client's: %d", got.status)
	}
	if got := ask("GET", path+"?client_id=nobody", own, nil); got.status != 401 {
		t.Errorf("nobody's: %d", got.status)
	}
	got = ask("GET", at, own, nil)
	if out := got.json(t); got.status != 200 || out["client_id"] != self.id || out["client_secret"] != self.secret || out["client_name"] != "Self" || out["token_endpoint_auth_method"] != "client_secret_post" {
		t.Errorf("%d %s", got.status, got.body)
	}
	change := doc{"client_id": self.id, "redirect_uris": []string{"https://self.office.lan/new"}, "client_name": "Self", "scope": "openid"}
	if got := ask("PUT", at, own, doc{"client_id": wiki.id, "redirect_uris": []string{callback}}); got.status != 400 {
		t.Errorf("another's id: %d %s", got.status, got.body)
	}
	if got := ask("PUT", at, own, change); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if p := h.providerOf(self); p["redirect_uris"] != "https://self.office.lan/new" || len(p["property_mappings"].([]any)) != 1 {
		t.Errorf("after the change: %v", p)
	}
	if got := b.get(self.authorize()); got.status != 400 {
		t.Errorf("the former address: %d", got.status)
	}
	// Off again: nobody new, but who is there may go.
	h.api("PUT", "gatehouse/oauth2/registration/", doc{"enabled": false}, 200)
	if got := ask("POST", path, token, in); got.status != 404 || announced() != nil {
		t.Errorf("off again: %d", got.status)
	}
	if got := ask("DELETE", at, own, nil); got.status != 204 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := h.browser().get("/application/o/self/.well-known/openid-configuration"); got.status != 404 {
		t.Errorf("after its end: %d", got.status)
	}
	if got := ask("GET", at, own, nil); got.status != 401 {
		t.Errorf("its own description after its end: %d", got.status)
	}
	// The token is made anew.
	h.api("PUT", "gatehouse/oauth2/registration/", doc{"enabled": true}, 200)
	next := h.api("POST", "gatehouse/oauth2/registration/token/", nil, 201)["token"].(string)
	if got := ask("POST", path, token, in); got.status != 401 {
		t.Errorf("the former token: %d", got.status)
	}
	if got := ask("POST", path, next, doc{"redirect_uris": []string{callback}, "token_endpoint_auth_method": "none"}); got.status != 201 || got.json(t)["client_secret"] != nil {
		t.Errorf("a public client: %d %s", got.status, got.body)
	}
	// An admin sees who registered, takes one away with its application, and takes the token back.
	list := func() []any {
		t.Helper()
		return h.api("GET", "gatehouse/oauth2/registration/clients/", nil, 200)["clients"].([]any)
	}
	there := list()
	if len(there) != 1 {
		t.Fatalf("registered: %v", there)
	}
	one := there[0].(doc)
	if one["name"] != "self.office.lan" || one["slug"] == "" || one["client_id"] == "" || one["redirect_uris"].([]any)[0] != callback {
		t.Errorf("registered: %v", one)
	}
	drop := func(pk any, want int) {
		t.Helper()
		h.api("DELETE", fmt.Sprintf("gatehouse/oauth2/registration/clients/%v/", pk), nil, want)
	}
	drop(h.provider(wiki), 404) // an admin made it
	drop("x", 404)
	drop(one["provider"], 204)
	if got := list(); len(got) != 0 {
		t.Errorf("after it was removed: %v", got)
	}
	h.api("GET", "core/applications/"+one["slug"].(string)+"/", nil, 404)
	h.api("DELETE", "gatehouse/oauth2/registration/token/", nil, 204)
	if got := h.api("GET", "gatehouse/oauth2/registration/", nil, 200); got["token"] != false || got["enabled"] != true {
		t.Errorf("after the token was taken back: %v", got)
	}
	for _, tok := range []string{next, ""} {
		if got := ask("POST", path, tok, in); got.status != 401 {
			t.Errorf("the token that was taken back: %d", got.status)
		}
	}
	eve := h.signedIn("ada", "lovelace-1815")
	for _, what := range []string{"GET registration/", "PUT registration/", "POST registration/token/", "DELETE registration/token/", "GET registration/clients/", "DELETE registration/clients/1/"} {
		method, at, _ := strings.Cut(what, " ")
		if got := eve.do(method, "/api/v3/gatehouse/oauth2/"+at, "application/json", `{"enabled": true}`); got.status != 403 {
			t.Errorf("%s by somebody without permissions: %d", what, got.status)
		}
	}
}
