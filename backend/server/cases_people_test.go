package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const signInPath = "/api/v3/flows/executor/default-authentication-flow/?query="

// The cases of docs/security.md that are about flows, sessions and the API, by their numbers there.
func TestCasesFlowsAndSessions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	h.addUser("bob", "builder-1999")

	t.Run("14 X-Forwarded-For that is none", func(t *testing.T) {
		for _, xff := range []string{"a", "1.2.3.4, ,", strings.Repeat("9", 10_000), "fe80::1%eth0", "1.2.3.4.5", "::ffff:1.2.3.4", "-1", "1.2.3.4\t"} {
			b := h.browser()
			with := []string{"X-Forwarded-For", xff}
			post := func(in map[string]any) map[string]any {
				t.Helper()
				body, err := json.Marshal(in)
				if err != nil {
					t.Fatal(err)
				}
				a := b.do("POST", signInPath, "application/json", string(body), with...)
				for range 5 {
					if a.status != http.StatusFound {
						break
					}
					a = b.get(a.header.Get("Location"), with...)
				}
				return a.json(t)
			}
			b.get(signInPath, with...)
			if out := post(map[string]any{"uid_field": "ada"}); out["component"] != "ak-stage-password" {
				t.Fatalf("%.20q: the password is not asked: %v", xff, out)
			}
			if out := post(map[string]any{"password": "not hers"}); out["component"] != "ak-stage-password" {
				t.Fatalf("%.20q: %v", xff, out)
			}
			if out := post(map[string]any{"password": "lovelace-1815"}); out["type"] != "redirect" {
				t.Fatalf("%.20q: %v", xff, out)
			}
		}
		for _, action := range []string{"login", "login_failed"} {
			for _, e := range h.api("GET", "events/events/?action="+action, nil, 200)["results"].([]any) {
				if _, err := netip.ParseAddr(e.(map[string]any)["client_ip"].(string)); err != nil {
					t.Errorf("%s: %v", action, err)
				}
			}
		}
	})
	t.Run("16 recovery link of another", func(t *testing.T) {
		flow := h.flowOf("get-back", "recovery", nil,
			[2]any{"identification", map[string]any{"name": "who", "user_fields": []string{"username"}}}, [2]any{"user_login", map[string]any{"name": "in"}})
		brands := h.api("GET", "core/brands/", nil, 200)["results"].([]any)
		h.api("PATCH", "core/brands/"+brands[0].(map[string]any)["brand_uuid"].(string)+"/", map[string]any{"flow_recovery": flow}, 200)
		link, err := url.Parse(h.api("POST", "core/users/"+strconv.Itoa(ada)+"/recovery/", nil, 200)["link"].(string))
		if err != nil {
			t.Fatal(err)
		}
		b := h.browser()
		path := "/api/v3/flows/executor/get-back/?query=" + url.QueryEscape(link.RawQuery)
		out := b.flow(path, nil)
		if out["component"] == "ak-stage-identification" {
			out = b.flow(path, map[string]any{"uid_field": "bob"})
		}
		if me := b.get("/api/v3/core/users/me/"); strings.Contains(me.body, `"username":"bob"`) {
			t.Errorf("ada's link signs bob in: %v", out)
		}
	})
	t.Run("19 next elsewhere", func(t *testing.T) {
		for _, next := range []string{"//evil.tld", `/\evil.tld`, "https:evil.tld", "https://evil.tld", "/%0d%0aSet-Cookie:x=y", "/\r\nX: y", "/\t/evil.tld", "javascript:alert(1)", "///evil.tld", "\\\\evil.tld"} {
			q := url.Values{"next": {next}}.Encode()
			for _, path := range []string{"/flows/-/default/authentication/?", "/flows/-/default/invalidation/?", "/flows/-/cancel/?", "/application/o/", "/if/flow/default-invalidation-flow/?"} {
				got := h.browser().get(path + q)
				to, err := url.Parse(got.header.Get("Location"))
				if err != nil || to.Host != "" && !strings.HasPrefix(to.String(), h.base) || got.header.Get("X") != "" || strings.ContainsAny(got.header.Get("Location"), "\r\n\\") {
					t.Errorf("%s with next=%q leads to %q", path, next, got.header.Get("Location"))
				}
			}
			b := h.signedIn("ada", "lovelace-1815")
			out := b.flow("/api/v3/flows/executor/default-invalidation-flow/?query="+url.QueryEscape(q), nil)
			if to, _ := out["to"].(string); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t")) {
				t.Errorf("sign-out with next=%q leads to %q", next, to)
			}
		}
	})
	t.Run("20 who has an account", func(t *testing.T) {
		h.api("POST", "core/users/", map[string]any{"username": "nopass", "name": "x"}, 201)
		off := h.addUser("off", "switched-off-1")
		h.api("PATCH", "core/users/"+strconv.Itoa(off)+"/", map[string]any{"is_active": false}, 200)
		want := ""
		for _, name := range []string{"ada", "nobody-at-all", "nopass", "off"} {
			b := h.browser()
			b.get(signInPath)
			first := b.flow(signInPath, map[string]any{"uid_field": name})
			second := b.flow(signInPath, map[string]any{"password": "wrong password"})
			var got []string
			for _, m := range []map[string]any{first, second} {
				delete(m, "pending_user")
				delete(m, "pending_user_avatar")
				text, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(text))
			}
			if text := strings.Join(got, "\n"); want == "" {
				want = text
			} else if text != want {
				t.Errorf("%s is answered %s, others %s", name, text, want)
			}
		}
		if !strings.Contains(want, "ak-stage-password") {
			t.Errorf("the answers: %s", want)
		}
	})
	t.Run("23 session made beforehand", func(t *testing.T) {
		b := h.browser()
		b.get(signInPath)
		at, err := url.Parse(h.base)
		if err != nil {
			t.Fatal(err)
		}
		id := func() string {
			for _, c := range b.c.Jar.Cookies(at) {
				if c.Name == "authentik_session" {
					return c.Value
				}
			}
			return ""
		}
		planted := id()
		b.signIn("", "ada", "lovelace-1815")
		if id() == planted || planted == "" {
			t.Error("the session key stays at sign-in")
		}
		got := h.browser().get("/api/v3/core/users/me/", "Cookie", "authentik_session="+planted)
		if got.status != 403 {
			t.Errorf("the key from before is good: %d", got.status)
		}
		// A cookie of the attacker's choice is never taken for a session.
		c := h.browser()
		if res := c.get(signInPath, "Cookie", "authentik_session=chosen"); !strings.Contains(strings.Join(res.header.Values("Set-Cookie"), ";"), "authentik_session=") {
			t.Error("a made-up session is kept")
		}
		// Signing in again gives a new one too.
		before := id()
		out := b.flow("/api/v3/flows/executor/default-authentication-flow/?query=", nil)
		if out["component"] == "ak-stage-identification" {
			b.flow(signInPath, map[string]any{"uid_field": "ada"})
			b.flow(signInPath, map[string]any{"password": "lovelace-1815"})
			if id() == before {
				t.Error("the session key stays at a second sign-in")
			}
		}
	})
	t.Run("24 cookies and cross-site requests", func(t *testing.T) {
		b := h.browser()
		got := b.get(signInPath, "X-Forwarded-Proto", "https") // a proxy on this machine that speaks TLS
		seen := 0
		for _, c := range (&http.Response{Header: got.header}).Cookies() {
			seen++
			if !c.Secure || c.SameSite != http.SameSiteLaxMode || c.HttpOnly != (c.Name == "authentik_session") || c.Path != "/" || c.Domain != "" {
				t.Errorf("%+v", c)
			}
			if c.Name == "authentik_session" && len(c.Value) < 43 {
				t.Errorf("a session key of %d characters", len(c.Value))
			}
		}
		if seen != 2 {
			t.Errorf("%d cookies", seen)
		}
		admin := h.signedIn("akadmin", bootPassword)
		me := "/api/v3/core/users/" + strconv.Itoa(ada) + "/"
		for name, req := range map[string][3]string{
			"PATCH": {"PATCH", me, `{"name":"x"}`}, "DELETE": {"DELETE", me, ""}, "set_password": {"POST", me + "set_password/", `{"password":"another password"}`},
			"impersonate": {"POST", me + "impersonate/", `{}`}, "settings": {"PATCH", "/api/v3/admin/settings/", `{"avatars":"none"}`}, "create": {"POST", "/api/v3/core/groups/", `{"name":"x"}`},
		} {
			for _, token := range []string{"", "wrong", "AAAA"} {
				for _, kind := range []string{"application/json", "text/plain"} {
					if got := admin.do(req[0], req[1], kind, req[2], "X-authentik-CSRF", token); got.status != 403 || !strings.Contains(got.body, "CSRF Failed") {
						t.Errorf("%s as %s with token %q: %d %s", name, kind, token, got.status, got.body)
					}
				}
			}
		}
		// A form of another site can send text/plain only.
		if got := admin.do("POST", "/api/v3/core/groups/", "text/plain", `{"name":"x"}`); got.status != 400 && got.status != 415 {
			t.Errorf("JSON as text/plain: %d", got.status)
		}
		for _, path := range []string{me + "impersonate/", me + "set_password/", me + "recovery/"} {
			if got := admin.get("/" + strings.TrimPrefix(path, "/")); got.status != 405 {
				t.Errorf("GET %s: %d", path, got.status)
			}
		}
		if got := admin.get("/api/v3/core/users/me/"); !strings.Contains(got.body, `"username":"akadmin"`) {
			t.Errorf("somebody was impersonated: %s", got.body)
		}
		page := h.signedIn("ada", "lovelace-1815")
		if got := page.form("/if/session-end/nowhere/", url.Values{"go": {"out"}}); got.status == 200 {
			t.Errorf("signed out without a token: %d", got.status)
		}
		// The address of a cross-origin page is not let in by CORS.
		if got := admin.get("/api/v3/core/users/", "Origin", "https://evil.tld"); got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("CORS: %s", got.header.Get("Access-Control-Allow-Origin"))
		}
	})
	t.Run("18 initial setup after akadmin is gone", func(t *testing.T) {
		admin := h.addUser("root2", "another-admin-1")
		groups := h.api("GET", "core/groups/?name=authentik%20Admins", nil, 200)["results"].([]any)
		h.api("POST", "core/groups/"+groups[0].(map[string]any)["pk"].(string)+"/add_user/", map[string]any{"pk": admin}, 204)
		akadmin := h.api("GET", "core/users/?username=akadmin", nil, 200)["results"].([]any)[0].(map[string]any)
		path := fmt.Sprintf("core/users/%d/", int(akadmin["pk"].(float64)))
		closed := func(when string) {
			t.Helper()
			for _, p := range []string{"/if/flow/initial-setup/", "/api/v3/flows/executor/initial-setup/"} {
				if got := h.browser().get(p); got.status != 404 {
					t.Errorf("%s: %s %d", when, p, got.status)
				}
			}
			if got := h.browser().get("/setup/"); got.status != 303 || got.header.Get("Location") != "/" {
				t.Errorf("%s: the wizard %d", when, got.status)
			}
		}
		closed("at first")
		h.api("PATCH", path, map[string]any{"username": "somebody"}, 200)
		closed("renamed")
		b := h.signedIn("root2", "another-admin-1")
		if got := b.do("DELETE", "/api/v3/"+path, "", ""); got.status != 204 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		closed("deleted")
	})
}

// 21: wrong passwords over new flows, new sessions and new headers come to an end before the hundredth, and an admin at the machine helps.
func TestCaseLockout(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	// 40 tries from 8 addresses, as they are counted, without the work of hashing them.
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error {
		for i := range 40 {
			if err := user.Failed(tx, "ada", fmt.Sprintf("198.51.100.%d", i%8)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	try := func(i int, password string) string {
		b := h.browser()
		xff := []string{"X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i)}
		var a answer
		for _, in := range []string{"", `{"uid_field":"ada"}`, `{"password":"` + password + `"}`} {
			if in == "" {
				a = b.get(signInPath, xff...)
			} else {
				a = b.do("POST", signInPath, "application/json", in, xff...)
			}
			for range 5 {
				if a.status != http.StatusFound {
					break
				}
				a = b.get(a.header.Get("Location"), xff...)
			}
		}
		return a.body
	}
	refused := 0
	for i := range 16 {
		if strings.Contains(try(i, "wrong"), "Too many wrong tries.") {
			refused++
		}
	}
	if refused == 0 || refused > 8 {
		t.Errorf("%d of the tries after the 40th were refused", refused)
	}
	if got := try(99, "lovelace-1815"); !strings.Contains(got, "Too many wrong tries.") {
		t.Errorf("the right password from a new address: %s", got)
	}
	if _, err := h.s.RecoveryLink(t.Context(), "ada", time.Minute); err != nil { // what the command line and the window do
		t.Fatal(err)
	}
	if got := try(100, "lovelace-1815"); !strings.Contains(got, "xak-flow-redirect") {
		t.Errorf("after an admin helped: %s", got)
	}
}

// The cases of docs/security.md about what the API lets whom do.
func TestCasesAPI(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	admins := h.api("GET", "core/users/?username=akadmin", nil, 200)["results"].([]any)[0].(map[string]any)
	akadmin := int(admins["pk"].(float64))
	wiki := h.addApp("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	call := func(method, path string, body any) answer {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return b.do(method, "/api/v3/"+path, "application/json", string(text))
	}

	t.Run("25 one's own token", func(t *testing.T) {
		made := call("POST", "core/tokens/", map[string]any{"identifier": "mine", "user": akadmin, "intent": "api", "managed": "x"})
		if made.status != 201 || int(made.json(t)["user"].(float64)) != ada || made.json(t)["managed"] != nil {
			t.Fatalf("%d %s", made.status, made.body)
		}
		for _, method := range []string{"PATCH", "PUT"} {
			got := call(method, "core/tokens/mine/", map[string]any{"identifier": "mine", "user": akadmin, "intent": "recovery", "managed": "goauthentik.io/x"})
			now := h.api("GET", "core/tokens/mine/", nil, 200)
			if int(now["user"].(float64)) != ada || now["managed"] != nil || now["intent"] == "recovery" {
				t.Errorf("%s %d: %v", method, got.status, now)
			}
		}
		key := call("GET", "core/tokens/mine/view_key/", nil)
		if key.status != 200 {
			t.Fatalf("%d %s", key.status, key.body)
		}
		me := h.browser().get("/api/v3/core/users/me/", "Authorization", "Bearer "+key.json(t)["key"].(string))
		if !strings.Contains(me.body, `"username":"ada"`) {
			t.Errorf("the token is %s's", me.body)
		}
	})
	t.Run("26 other people's objects", func(t *testing.T) {
		h.api("POST", "core/tokens/", map[string]any{"identifier": "theirs", "user": akadmin, "intent": "api"}, 201)
		pair := h.api("GET", "crypto/certificatekeypairs/", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
		p := h.api("GET", "providers/oauth2/?client_id="+wiki.id, nil, 200)["results"].([]any)[0].(map[string]any)
		provider := fmt.Sprintf("providers/oauth2/%d/", int(p["pk"].(float64)))
		flow := h.api("GET", "flows/instances/default-authentication-flow/", nil, 200)["pk"].(string)
		for _, path := range []string{
			"core/tokens/theirs/", "core/tokens/theirs/view_key/", "core/tokens/theirs/used_by/", "crypto/certificatekeypairs/" + pair + "/", "crypto/certificatekeypairs/" + pair + "/view_private_key/",
			"crypto/certificatekeypairs/" + pair + "/view_certificate/", "crypto/certificatekeypairs/" + pair + "/used_by/", provider, provider + "preview_user/?for_user=" + strconv.Itoa(akadmin), provider + "setup_urls/", provider + "used_by/",
			"flows/instances/default-authentication-flow/", "flows/instances/default-authentication-flow/execute/", "flows/instances/default-authentication-flow/used_by/", "core/users/" + strconv.Itoa(akadmin) + "/",
			"core/users/" + strconv.Itoa(akadmin) + "/metrics/", "core/brands/", "admin/settings/", "events/events/", "core/groups/", "stages/all/", "policies/all/", "propertymappings/all/", "flows/inspector/default-authentication-flow/",
		} {
			got := call("GET", path, nil)
			if got.status != 403 && got.status != 404 && !(got.status == 200 && strings.Contains(got.body, `"results":[]`)) {
				t.Errorf("GET %s: %d %.200s", path, got.status, got.body)
			}
			if strings.Contains(got.body, "PRIVATE KEY") || wiki.secret != "" && strings.Contains(got.body, wiki.secret) {
				t.Errorf("GET %s tells a secret", path)
			}
		}
		for path, body := range map[string]any{
			"core/users/" + strconv.Itoa(akadmin) + "/set_password/": map[string]any{"password": "another password"}, "core/users/" + strconv.Itoa(akadmin) + "/impersonate/": map[string]any{},
			"core/users/" + strconv.Itoa(akadmin) + "/recovery/": map[string]any{}, "core/tokens/theirs/set_key/": map[string]any{"key": "x"}, "core/applications/wiki/set_icon_url/": map[string]any{"url": "https://x.example/i.png"},
			"crypto/certificatekeypairs/generate/": map[string]any{"common_name": "x", "validity_days": 1}, "core/users/": map[string]any{"username": "x", "name": "x"}, "core/users/service_account/": map[string]any{"name": "x"},
			"flows/instances/default-authentication-flow/set_background_url/": map[string]any{"url": "https://x.example/i.png"}, "gatehouse/backup/": map[string]any{"passphrase": "long enough for it"},
			"gatehouse/applications/": map[string]any{"name": "x", "redirect_uris": "https://x.example/", "access": "everyone"}, "policies/all/" + flow + "/test/": map[string]any{"user": ada},
			"propertymappings/all/" + flow + "/test/": map[string]any{"user": ada}, "flows/instances/": map[string]any{"name": "x", "slug": "x", "title": "x", "designation": "recovery"},
		} {
			got := call("POST", path, body)
			refused := got.status == 403 || got.status == 404 || got.status == 401 && strings.HasSuffix(path, "/impersonate/")
			if !refused {
				t.Errorf("POST %s: %d %.200s", path, got.status, got.body)
			}
		}
		for _, path := range []string{"core/tokens/theirs/", "core/users/" + strconv.Itoa(akadmin) + "/", provider, "core/applications/wiki/", "crypto/certificatekeypairs/" + pair + "/", "flows/instances/default-authentication-flow/"} {
			if got := call("DELETE", path, nil); got.status != 403 && got.status != 404 {
				t.Errorf("DELETE %s: %d", path, got.status)
			}
			if got := call("PATCH", path, map[string]any{"name": "x"}); got.status != 403 && got.status != 404 {
				t.Errorf("PATCH %s: %d", path, got.status)
			}
		}
		if got := h.browser().get("/api/v3/core/users/"); got.status != 403 {
			t.Errorf("nobody lists users: %d", got.status)
		}
	})
	t.Run("28 fields that are not for writing", func(t *testing.T) {
		in := map[string]any{
			"username": "eve", "name": "Eve", "pk": 1, "uid": "0", "uuid": "00000000-0000-0000-0000-000000000000", "is_superuser": true, "password": "x", "password_change_date": "2001-01-01T00:00:00Z",
			"avatar": "javascript:x", "groups_obj": []any{map[string]any{"name": "authentik Admins"}}, "last_login": "2001-01-01T00:00:00Z",
		}
		u := h.api("POST", "core/users/", in, 201)
		for _, again := range []bool{false, true} {
			if again {
				delete(in, "username")
				u = h.api("PATCH", fmt.Sprintf("core/users/%d/", int(u["pk"].(float64))), in, 200)
			}
			if u["pk"].(float64) == 1 || u["uid"] == "0" || u["uuid"] == in["uuid"] || u["is_superuser"] != false || u["avatar"] == "javascript:x" || len(u["groups_obj"].([]any)) != 0 {
				t.Errorf("%v", u)
			}
		}
		mine := call("PATCH", "core/users/"+strconv.Itoa(ada)+"/", map[string]any{"is_superuser": true})
		self := call("PUT", "core/users/me/", map[string]any{"username": "ada", "name": "Ada", "is_superuser": true})
		if me := b.get("/api/v3/core/users/me/"); strings.Contains(me.body, `"is_superuser":true`) {
			t.Errorf("ada raised herself: %d %d %s", mine.status, self.status, me.body)
		}
		st := h.api("POST", "stages/deny/", map[string]any{"name": "d", "pk": "00000000-0000-0000-0000-000000000000", "component": "x", "meta_model_name": "y", "flow_set": []any{1}}, 201)
		if st["pk"] == "00000000-0000-0000-0000-000000000000" || st["component"] == "x" || st["meta_model_name"] == "y" {
			t.Errorf("%v", st)
		}
	})
	t.Run("29 pictures", func(t *testing.T) {
		send := func(name, content string) answer {
			body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: image/png\r\n\r\n" + content + "\r\n--x--\r\n"
			return h.browser().do("POST", "/api/v3/core/applications/wiki/set_icon/", "multipart/form-data; boundary=x", body, "Authorization", "Bearer "+bootToken)
		}
		for name, content := range map[string]string{"page.png": "<!doctype html><script>alert(1)</script>", "text.png": "hello", "empty.png": ""} {
			if got := send(name, content); got.status != 400 {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		if got := send("../../../evil.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		icon, _ := h.api("GET", "core/applications/wiki/", nil, 200)["meta_icon"].(string)
		if !strings.HasPrefix(icon, "/media/") || strings.Contains(icon, "evil") || strings.Contains(icon, "..") {
			t.Fatalf("stored as %q", icon)
		}
		got := h.browser().get(icon)
		if csp := got.header.Get("Content-Security-Policy"); got.status != 200 || !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d %v", got.status, got.header)
		}
		for _, path := range []string{"/media/../gatehouse.db", "/media/..%2fkey", "/media/%2e%2e/key", "/media//etc/passwd", "/media/key"} {
			if got := h.browser().get(path); got.status == 200 {
				t.Errorf("%s is given", path)
			}
		}
		for _, u := range []string{"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"} {
			h.api("POST", "core/applications/wiki/set_icon_url/", map[string]any{"url": u}, 400)
		}
	})
	t.Run("30 expressions that we did not write", func(t *testing.T) {
		h.api("POST", "policies/expression/", map[string]any{"name": "evil", "expression": "import os\nreturn os.environ"}, 201)
		pk := h.api("GET", "policies/expression/?name=evil", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
		got := h.browser().do("POST", "/api/v3/policies/all/"+pk+"/test/", "application/json", `{"user":`+strconv.Itoa(ada)+`}`, "Authorization", "Bearer "+bootToken)
		if got.status == 200 && got.json(t)["passing"] != false || strings.Contains(got.body, "PATH") || got.status >= 500 && got.status != 503 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("switched off: token and session", func(t *testing.T) {
		key := call("GET", "core/tokens/mine/view_key/", nil).json(t)["key"].(string)
		h.api("PATCH", "core/users/"+strconv.Itoa(ada)+"/", map[string]any{"is_active": false}, 200)
		if got := h.browser().get("/api/v3/core/users/me/", "Authorization", "Bearer "+key); got.status != 403 {
			t.Errorf("the token of somebody who was switched off: %d", got.status)
		}
		if got := b.get("/api/v3/core/users/me/"); got.status != 403 {
			t.Errorf("the session of somebody who was switched off: %d", got.status)
		}
		n := 0
		if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM sessions WHERE "user" = ?`, ada).Scan(&n)
		}); err != nil || n != 0 {
			t.Errorf("%d sessions stay, %v", n, err)
		}
	})
}
