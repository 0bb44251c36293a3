package server

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/backend/passkey/keytest"
)

var noKeys = regexp.MustCompile(`data-options="([^"]*)"`)

// keyOf gives what the executor asks of a key in a flow.
func keyOf(t *testing.T, asked map[string]any) map[string]any {
	t.Helper()
	if o, ok := asked["registration"].(map[string]any); ok {
		return o
	}
	for _, c := range asked["device_challenges"].([]any) {
		if c := c.(map[string]any); c["device_class"] == "webauthn" {
			return c["challenge"].(map[string]any)
		}
	}
	t.Fatalf("no key is asked for: %v", asked)
	return nil
}

// Keys and passkeys through the doors: set up, renamed, used beside the password and alone, among the names, and taken away.
func TestPasskeys(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	byIP := h.base
	h.base = strings.Replace(h.base, "127.0.0.1", "localhost", 1)
	ada := h.addUser("ada", "lovelace-1815")
	stage := h.api("POST", "stages/authenticator/webauthn/", obj{"name": "keys"}, 201)["pk"].(string)
	setup := h.api("POST", "flows/instances/", obj{"name": "Set up", "slug": "set-up", "title": "Set up a passkey", "designation": "stage_configuration", "authentication": "require_authenticated"}, 201)["pk"].(string)
	h.api("POST", "flows/bindings/", obj{"target": setup, "stage": stage, "order": 0}, 201)
	h.api("PATCH", "stages/authenticator/webauthn/"+stage+"/", obj{"configure_flow": setup}, 200)
	key, other := keytest.NewKey(t, "bada5566-a7aa-401f-bd96-45619a55120d", h.base), keytest.NewKey(t, yubikey, h.base)
	const exec = "/api/v3/flows/executor/"
	b := h.signedIn("ada", "lovelace-1815")

	t.Run("set up", func(t *testing.T) {
		a := b.get("/flows/-/configure/" + stage + "/")
		if a.status != 302 || a.header.Get("Location") != "/if/flow/set-up/" {
			t.Fatalf("%d %s", a.status, a.header.Get("Location"))
		}
		page := b.get("/if/flow/set-up/")
		if page.status != 200 || !strings.Contains(page.body, `data-passkey="response"`) || !regexp.MustCompile(`<script src="/static/flow/passkey\.[0-9a-f]{12}\.js" defer>`).MatchString(page.body) {
			t.Errorf("%d %s", page.status, page.body)
		}
		asked := b.flow(exec+"set-up/?query=", nil)
		if asked["component"] != "ak-stage-authenticator-webauthn" || asked["pending_user"] != "ada" {
			t.Fatalf("%v", asked)
		}
		out := b.flow(exec+"set-up/?query=", map[string]any{"response": key.Create(keyOf(t, asked))})
		if out["type"] != "redirect" {
			t.Fatalf("%v", out)
		}
		// The second in the same visit, as the page sends it.
		asked = b.flow(exec+"set-up/?query=", nil)
		made := other.Create(keyOf(t, asked))
		page = b.get("/if/flow/set-up/") // another tab: its challenge takes the place of the first
		if a := b.form("/if/flow/set-up/", url.Values{"csrf": {hidden(t, page.body, "csrf")}, "response": {asText(t, made)}}); a.status != 200 || !strings.Contains(a.body, "Registration failed. Error: ") {
			t.Errorf("%d %s", a.status, a.body)
		}
		made = other.Create(keyOf(t, b.flow(exec+"set-up/?query=", nil)))
		if a := b.form("/if/flow/set-up/", url.Values{"csrf": {hidden(t, page.body, "csrf")}, "response": {asText(t, made)}}); a.status != 303 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("own devices", func(t *testing.T) {
		list := b.get("/api/v3/authenticators/webauthn/").json(t)["results"].([]any)
		if len(list) != 2 {
			t.Fatalf("%v", list)
		}
		one := list[0].(map[string]any)
		if one["name"] != "1Password" || one["aaguid"] != "bada5566-a7aa-401f-bd96-45619a55120d" || one["device_type"].(map[string]any)["description"] != "1Password" || len(one) != 5 {
			t.Errorf("%v", one)
		}
		path := fmt.Sprintf("/api/v3/authenticators/webauthn/%v/", one["pk"])
		if a := b.do("PATCH", path, "application/json", `{"name":"My phone"}`); a.status != 200 || a.json(t)["name"] != "My phone" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if all := b.get("/api/v3/authenticators/all/"); !strings.Contains(all.body, `"type":"authentik_stages_authenticator_webauthn.WebAuthnDevice"`) || strings.Contains(all.body, "publicKey") {
			t.Error(all.body)
		}
		if es := h.api("GET", "events/events/?action=custom_webauthn_enroll", nil, 200)["results"].([]any); len(es) != 2 || es[0].(map[string]any)["context"].(map[string]any)["attestation"] != "claimed, not attested" {
			t.Errorf("%v", es)
		}
	})
	t.Run("password and key", func(t *testing.T) {
		mfa := h.api("GET", "stages/authenticator/validate/?name=default-authentication-mfa-validation", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
		h.api("PATCH", "stages/authenticator/validate/"+mfa+"/", obj{"last_auth_threshold": "hours=2"}, 200)
		c := h.browser()
		asked := c.signIn("", "ada", "lovelace-1815")
		if asked["component"] != "ak-stage-authenticator-validate" || len(keyOf(t, asked)["allowCredentials"].([]any)) != 2 {
			t.Fatalf("%v", asked)
		}
		if page := c.get("/if/flow/default-authentication-flow/"); !strings.Contains(page.body, `data-passkey="webauthn" data-begin="1"`) {
			t.Error(page.body)
		}
		const page = "/if/flow/default-authentication-flow/"
		if a := c.form(page, url.Values{"csrf": {hidden(t, c.get(page).body, "csrf")}, "webauthn": {"{}"}}); a.status != 200 || !strings.Contains(a.body, "Invalid device") {
			t.Errorf("%d %s", a.status, a.body)
		}
		csrf := hidden(t, c.get(page).body, "csrf")
		o := keyOf(t, c.flow(exec+"default-authentication-flow/?query=", nil))
		a := c.form(page, url.Values{"csrf": {csrf}, "webauthn": {asText(t, key.Get(o))}})
		var proof *http.Cookie
		for _, ck := range (&http.Response{Header: a.header}).Cookies() {
			if ck.Name == "authentik_mfa" {
				proof = ck
			}
		}
		if a.status != 303 || proof == nil || !proof.HttpOnly || proof.MaxAge != 7200 || proof.SameSite != http.SameSiteLaxMode || proof.Secure {
			t.Errorf("%d %v %s", a.status, proof, a.body)
		}
		if me := c.get("/api/v3/core/users/me/"); me.status != 200 || me.json(t)["user"].(map[string]any)["username"] != "ada" {
			t.Errorf("%d %s", me.status, me.body)
		}
		// The same browser is not asked again for two hours; another is.
		c.get("/flows/-/default/invalidation/")
		c.flow(exec+"default-invalidation-flow/?query=", nil)
		if out := c.signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
			t.Errorf("%v", out)
		}
		if out := h.browser().signIn("", "ada", "lovelace-1815"); out["component"] != "ak-stage-authenticator-validate" {
			t.Errorf("%v", out)
		}
	})
	t.Run("alone, and among the names", func(t *testing.T) {
		alone := h.flowOf("alone", "authentication", nil, [2]any{"authenticator/validate", obj{"name": "alone", "device_classes": []string{"webauthn"}, "not_configured_action": "deny"}}, [2]any{"user_login", obj{"name": "in"}})
		ident := h.api("GET", "stages/identification/?name=default-authentication-identification", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
		h.api("PATCH", "stages/identification/"+ident+"/", obj{"passwordless_flow": alone}, 200)
		c := h.browser()
		page := c.get("/if/flow/default-authentication-flow/")
		if !strings.Contains(page.body, `href="/if/flow/alone/"`) || !strings.Contains(page.body, `autocomplete="username webauthn"`) {
			t.Error(page.body)
		}
		if m := noKeys.FindStringSubmatch(page.body); m == nil {
			t.Error("no passkeys are offered among the names")
		} else {
			var o map[string]any
			if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &o); err != nil {
				t.Fatal(err)
			}
			a := c.form("/if/flow/default-authentication-flow/", url.Values{"csrf": {hidden(t, page.body, "csrf")}, "webauthn": {asText(t, key.Get(o))}})
			if a.status != 303 {
				t.Errorf("%d %s", a.status, a.body)
			}
			for range 3 { // the stages behind want nothing more
				if to := a.header.Get("Location"); to != "" {
					a = c.get(to)
				}
			}
			if me := c.get("/api/v3/core/users/me/"); me.status != 200 || me.json(t)["user"].(map[string]any)["username"] != "ada" {
				t.Errorf("%d %s", me.status, me.body)
			}
		}
		c = h.browser()
		o := keyOf(t, c.flow(exec+"alone/?query=", nil))
		if out := c.flow(exec+"alone/?query=", map[string]any{"webauthn": key.Get(o)}); out["type"] != "redirect" {
			t.Errorf("%v", out)
		}
		if me := c.get("/api/v3/core/users/me/"); me.status != 200 {
			t.Error(me.status)
		}
		ins := h.api("GET", "events/events/?action=login&username=ada&ordering=-created", nil, 200)["results"].([]any)
		if c := ins[0].(map[string]any)["context"].(map[string]any); c["auth_method"] != "auth_webauthn_pwl" {
			t.Errorf("%v", c)
		}
	})
	t.Run("at an IP address", func(t *testing.T) {
		a := h.browser().get(byIP + "/if/flow/alone/")
		if a.status != 403 || !strings.Contains(html.UnescapeString(a.body), "Passkeys and security keys don't work at an IP address such as 127.0.0.1. Open https://login.office.lan") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("taken away", func(t *testing.T) {
		for _, d := range b.get("/api/v3/authenticators/webauthn/").json(t)["results"].([]any) {
			if a := b.do("DELETE", fmt.Sprintf("/api/v3/authenticators/webauthn/%v/", d.(map[string]any)["pk"]), "", ""); a.status != 204 {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		if out := h.browser().signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
			t.Errorf("%v", out)
		}
	})
	t.Run("metadata", func(t *testing.T) {
		const path = "gatehouse/webauthn/metadata/"
		ordinary := h.tokenOf(ada, "of-ada", "api")
		wantAnswer(t, h.as(ordinary, "GET", path, ""), 403, notAllowed)
		service := keytest.NewService(t)
		h.s.rooms.keys.Roots = service.Roots()
		blob := service.Blob(12, "2099-01-01", []keytest.Entry{{AAGUID: "00000000-0000-4000-8000-000000000009", Name: "A make of the service"}})
		if a := h.upload(t, ordinary, path, nil, string(blob)); a.status != 403 {
			t.Error(a.status)
		}
		if a := h.upload(t, bootToken, path, nil, "x"); a.status != 400 || strings.TrimSpace(a.body) != `{"file":["This is no metadata blob of the FIDO Alliance."]}` {
			t.Errorf("%d %s", a.status, a.body)
		}
		before := h.api("GET", path, nil, 200)
		if before["number"] != 0.0 || before["taken"] != nil || before["stale"] != false {
			t.Errorf("%v", before)
		}
		if a := h.upload(t, bootToken, path, nil, string(blob)); a.status != 200 || a.json(t)["number"] != 12.0 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if got := h.api("GET", "stages/authenticator/webauthn_device_types/?search=A+make+of+the+service", nil, 200)["pagination"].(object)["count"]; got != 1.0 {
			t.Error(got)
		}
		if n := h.api("GET", path, nil, 200)["device_types"]; n != before["device_types"].(float64)+1 {
			t.Error(n)
		}
		h.s.rooms.keys.Source = "http://127.0.0.1:1/" // of this machine alone: not asked
		if out := h.api("POST", path+"update/", nil, 503); !strings.Contains(out["detail"].(string), "import the file here") {
			t.Errorf("%v", out)
		}
		if h.events("custom_webauthn_metadata") != 1 {
			t.Error("the audit log does not tell")
		}
	})
}

func asText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
