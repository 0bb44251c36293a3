package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAuditEvents holds the events of what is no creation, change or deletion: who did it, from where, and the published content
// (flows.md 5.2). Each row does one thing and names the event that it must leave; nothing else of that action may be written.
func TestAuditEvents(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	me := int(h.api("GET", "core/users/me/", nil, 200)["user"].(map[string]any)["pk"].(float64))
	h.api("POST", "core/tokens/", map[string]any{"identifier": "of-ada", "user": ada, "intent": "api"}, 201)
	pair := h.api("POST", "crypto/certificatekeypairs/generate/", map[string]any{"common_name": "audit", "validity_days": 30, "alg": "ecdsa"}, 200)["pk"].(string)
	admin := h.browser()
	admin.signIn("", "akadmin", bootPassword)
	send := func(method, path, body string, want int) func() {
		return func() {
			t.Helper()
			if got := admin.do(method, "/api/v3/"+path, "application/json", body); got.status != want {
				t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
			}
		}
	}
	of := func(pk int, username, email string) string {
		return fmt.Sprintf("map[email:%s pk:%d username:%s]", email, pk, username)
	}
	root := of(me, "akadmin", "root@office.lan")
	wiki := h.addApp("wiki", nil)
	broken := h.api("POST", "propertymappings/scope/", map[string]any{"name": "broken", "scope_name": "broken", "expression": "return user.nothing"}, 201)["pk"]
	for _, tt := range []struct {
		name, action string
		do           func()
		who          string
		want         []string // of the context
	}{
		{"a token's key is looked at", "secret_view", send("GET", "core/tokens/of-ada/view_key/", "", 200), root, []string{"secret:map[app:authentik_core model_name:token name:of-ada pk:"}},
		{"a certificate", "secret_view", send("GET", "crypto/certificatekeypairs/"+pair+"/view_certificate/", "", 200), root, []string{"secret:map[app:authentik_crypto model_name:certificatekeypair name:audit", "type:certificate"}},
		{"a private key", "secret_view", send("GET", "crypto/certificatekeypairs/"+pair+"/view_private_key/", "", 200), root, []string{"type:private_key"}},
		{"a token's key is set", "model_updated", send("POST", "core/tokens/of-ada/set_key/", `{"key": "a-key-that-is-long-enough-0123456789"}`, 204), root, []string{"model_name:token name:of-ada", "********************"}},
		{"a password is set", "password_set", send("POST", fmt.Sprintf("core/users/%d/set_password/", ada), `{"password": "another long word"}`, 204), of(ada, "ada", "ada@office.lan"), nil},
		{"somebody else's account is used", "impersonation_started", send("POST", fmt.Sprintf("core/users/%d/impersonate/", ada), `{}`, 204), root, nil},
		{"and left", "impersonation_ended", send("GET", "core/users/impersonate_end/", "", 204), root, nil},
		{"a mapping fails", "configuration_error", func() {
			p := h.api("GET", "providers/oauth2/?client_id="+wiki.id, nil, 200)["results"].([]any)[0].(map[string]any)
			h.api("PATCH", fmt.Sprintf("providers/oauth2/%v/", p["pk"]), map[string]any{"property_mappings": append(p["property_mappings"].([]any), broken)}, 200)
			b := h.signedIn("ada", "another long word")
			h.exchange(wiki, b.code(wiki.authorize("scope", "openid broken")).Get("code"))
		}, "", []string{"Failed to evaluate property-mapping: 'broken'"}},
		{"a token is too old", "secret_rotate", func() {
			h.write(`UPDATE tokens SET expires = ?, expiring = 1 WHERE identifier = 'of-ada'`, time.Now().Add(-time.Minute).UnixMicro())
			for _, c := range h.api("GET", "events/system_tasks/?page_size=100", nil, 200)["results"].([]any) {
				if m := c.(map[string]any); m["name"] == "clean_expired_models" {
					h.api("POST", "events/system_tasks/"+m["uuid"].(string)+"/run/", nil, 204)
				}
			}
		}, "", []string{"Token of-ada's secret was rotated."}},
	} {
		before := h.events(tt.action)
		tt.do()
		if n := h.events(tt.action) - before; n < 1 || n > 1 && tt.action != "model_updated" && tt.action != "configuration_error" {
			t.Errorf("%s: %d events %s", tt.name, n, tt.action)
			continue
		}
		e := h.lastEvent(tt.action)
		said := fmt.Sprint(e["context"])
		for _, w := range tt.want {
			if !strings.Contains(said, w) {
				t.Errorf("%s: %s lacks %s", tt.name, said, w)
			}
		}
		if tt.who != "" && !strings.HasPrefix(fmt.Sprint(e["user"]), tt.who) {
			t.Errorf("%s: by %v, want %s", tt.name, e["user"], tt.who)
		}
		if tt.who == root && (e["client_ip"] != "127.0.0.1" || !strings.Contains(said, "http_request:map[")) {
			t.Errorf("%s: from %v, %s", tt.name, e["client_ip"], said)
		}
	}
}
