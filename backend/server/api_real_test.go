package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/backup"
	"gatehouse/backend/db"
	"gatehouse/backend/rbac"
	"gatehouse/backend/store"
)

// as asks the API with a bearer token, "" for nobody.
func (h *house) as(token, method, path, body string) answer {
	h.t.Helper()
	if token == "" {
		return h.browser().do(method, "/api/v3/"+path, "application/json", body)
	}
	return h.browser().do(method, "/api/v3/"+path, "application/json", body, "Authorization", "Bearer "+token)
}

// tokenOf makes a token for a user and gives its key.
func (h *house) tokenOf(user int, identifier, intent string) string {
	h.t.Helper()
	h.api("POST", "core/tokens/", map[string]any{"identifier": identifier, "user": user, "intent": intent}, 201)
	return h.api("GET", "core/tokens/"+identifier+"/view_key/", nil, 200)["key"].(string)
}

func TestCallers(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	token, expired, password := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(ada, "expired", "api"), h.tokenOf(ada, "app-password", "app_password")
	if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE tokens SET expires = ? WHERE identifier = 'expired'`, time.Now().Add(-time.Minute).UnixMicro())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	viewer := h.tokenOf(bob, "of-bob", "api")
	group := h.api("POST", "core/groups/", map[string]any{"name": "staff"}, 201)["pk"].(string)
	other := h.api("POST", "core/groups/", map[string]any{"name": "other"}, 201)["pk"].(string)
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error {
		return rbac.Grant(tx, int64(bob), "", "authentik_core.view_group", group)
	}); err != nil {
		t.Fatal(err)
	}
	const (
		nobody  = `{"detail":"Authentication credentials were not provided."}`
		denied  = `{"detail":"You do not have permission to perform this action."}`
		invalid = `{"detail":"Token invalid/expired"}`
	)
	for _, tt := range []struct {
		name, token, method, path, body string
		status                          int
		want                            string
	}{
		{"nobody", "", "GET", "core/groups/", "", 403, nobody},
		{"nobody writes", "", "POST", "core/groups/", `{"name":"x"}`, 403, nobody},
		{"a token that is none", "nonsense", "GET", "core/groups/", "", 403, invalid},
		{"an expired token", expired, "GET", "core/users/me/", "", 403, invalid},
		{"an app password is no API token", password, "GET", "core/users/me/", "", 403, invalid},
		{"an ordinary user lists", token, "GET", "core/groups/", "", 403, denied},
		{"an ordinary user, one", token, "GET", "core/groups/" + group + "/", "", 403, denied},
		{"an ordinary user creates", token, "POST", "core/groups/", `{"name":"x"}`, 403, denied},
		{"an ordinary user, me", token, "GET", "core/users/me/", "", 200, `"username":"ada"…`},
		{"permission on one object, list", viewer, "GET", "core/groups/", "", 200, `"count":1,…`},
		{"permission on one object, that", viewer, "GET", "core/groups/" + group + "/", "", 200, `"name":"staff"…`},
		{"permission on one object, another", viewer, "GET", "core/groups/" + other + "/", "", 403, denied},
		{"to view is not to change", viewer, "PATCH", "core/groups/" + group + "/", `{"name":"x"}`, 403, denied},
		{"to view is not to delete", viewer, "DELETE", "core/groups/" + group + "/", "", 403, denied},
		{"own tokens", token, "GET", "core/tokens/", "", 200, `"count":3,…`},
		{"a superuser", bootToken, "GET", "core/groups/" + other + "/", "", 200, `"name":"other"…`},
		{"no such object", bootToken, "GET", "core/groups/00000000-0000-4000-8000-000000000000/", "", 404, `{"detail":"No Group matches the given query."}`},
		{"no such path", bootToken, "GET", "core/nonsense/", "", 404, `{"detail":"Not found."}`},
		{"no such method", bootToken, "PUT", "core/groups/", `{}`, 405, `{"detail":"Method \"PUT\" not allowed."}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := h.as(tt.token, tt.method, tt.path, tt.body)
			body := strings.TrimSpace(got.body)
			part, isPart := strings.CutSuffix(tt.want, "…")
			if got.status != tt.status || !isPart && body != tt.want || isPart && !strings.Contains(body, part) {
				t.Errorf("%d %s\nwant %d %s", got.status, body, tt.status, tt.want)
			}
			if got.status == 405 && got.header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("Allow: %q", got.header.Get("Allow"))
			}
		})
	}
	t.Run("an expired token works no more after it was used", func(t *testing.T) {
		if h.as(token, "GET", "core/users/me/", "").status != 200 {
			t.Fatal("the token does not work")
		}
		h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), map[string]any{"is_active": false}, 200)
		if got := h.as(token, "GET", "core/users/me/", ""); got.status != 403 {
			t.Errorf("the token of a disabled user: %d", got.status)
		}
	})
}

// What a change writes into the audit log: who, what, before and after, and never a secret.
func TestAuditOfChanges(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	last := func(action string) map[string]any {
		t.Helper()
		rows := h.api("GET", "events/events/?page_size=1&action="+action, nil, 200)["results"].([]any)
		if len(rows) == 0 {
			t.Fatalf("no %s", action)
		}
		return rows[0].(map[string]any)
	}
	wiki := h.addApp("wiki", nil)
	created := h.events("model_created")
	p := h.api("GET", "providers/oauth2/?client_id="+wiki.id, nil, 200)["results"].([]any)[0].(map[string]any)
	path := fmt.Sprintf("providers/oauth2/%d/", int(p["pk"].(float64)))
	h.api("PATCH", path, map[string]any{"access_code_validity": "minutes=3", "client_secret": "a-new-secret-of-the-client", "nonsense": 1, "more_nonsense": nil}, 200)
	e := last("model_updated")
	b, err := json.Marshal(e["context"])
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if !strings.Contains(text, `"access_code_validity"`) || !strings.Contains(text, `"minutes=1"`) || !strings.Contains(text, `"minutes=3"`) {
		t.Errorf("before and after are not told: %s", text)
	}
	if !strings.Contains(text, `"client_secret"`) || strings.Contains(text, "a-new-secret") || strings.Contains(text, wiki.secret) {
		t.Errorf("the secret is not masked: %s", text)
	}
	m := e["context"].(map[string]any)["model"].(map[string]any)
	if m["app"] != "authentik_providers_oauth2" || m["model_name"] != "oauth2provider" || fmt.Sprint(m["pk"]) != fmt.Sprint(p["pk"]) || e["user"].(map[string]any)["username"] != "akadmin" || e["client_ip"] != "127.0.0.1" {
		t.Errorf("%v", e)
	}
	if log := h.log.String(); !strings.Contains(log, `"fields":"more_nonsense, nonsense"`) {
		t.Error("the unknown fields are not in the log")
	} else if strings.Contains(log, "a-new-secret") {
		t.Error("the log holds a secret")
	}
	updated := h.events("model_updated")
	for body, field := range map[string]string{`{"access_code_validity":"soon"}`: "access_code_validity", `{"client_type":"secret"}`: "client_type", `{"name":null}`: "name", `{"signing_key":"x"}`: "signing_key", `{"property_mappings":"x"}`: "property_mappings"} {
		got := h.as(bootToken, "PATCH", path, body)
		if got.status != 400 || len(got.json(t)) != 1 || got.json(t)[field] == nil {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if h.events("model_updated") != updated || h.events("model_created") != created {
		t.Error("a refused change is in the audit log")
	}
	h.api("DELETE", path, nil, 204)
	if m := last("model_deleted")["context"].(map[string]any)["model"].(map[string]any); m["model_name"] != "oauth2provider" {
		t.Errorf("%v", m)
	}
	if a := h.api("GET", "core/applications/wiki/", nil, 200); a["provider"] != nil {
		t.Errorf("the application still points at it: %v", a["provider"])
	}
}

// Every list that we serve answers every hostile query: with rows, or with a refusal in words.
func TestHostileListsOfEveryKind(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addApp("wiki", nil)
	h.addUser("ada", "lovelace-1815")
	b, err := h.s.rooms.api.Schema()
	if err != nil {
		t.Fatal(err)
	}
	our := describeOurs(t, b)
	br := h.browser()
	get := func(path, query string) answer {
		return br.get("/api/v3"+path+"?"+query, "Authorization", "Bearer "+bootToken)
	}
	lists := 0
	for key, op := range our.ops {
		path, isGet := strings.CutPrefix(key, "GET ")
		if !isGet || op.params["?page_size"] == "" || strings.Contains(path, "{") {
			continue
		}
		lists++
		var filters []string
		for n := range op.params {
			filters = append(filters, n[1:])
		}
		slices.Sort(filters)
		all := func(value string) string {
			v := url.Values{}
			for _, f := range filters {
				v.Set(f, value)
			}
			v.Del("page")
			return v.Encode()
		}
		needed := ""
		for n, value := range map[string]string{"?model": "authentik_core.user", "?user_id": "1", "?uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
			if strings.HasSuffix(op.params[n], "!") {
				needed = "&" + n[1:] + "=" + value
			}
		}
		if got := get(path, "page_size=1000000000"+needed); got.status != 200 || got.json(t)["pagination"].(map[string]any)["current"] != 1.0 {
			t.Errorf("%s: %d %.200s", path, got.status, got.body)
		}
		for _, q := range []string{
			all("'"), all("\x00"), all("99999999999999999999"), all("%' OR 1=1 --"), all("true"), all("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), all("\xff\xfe"), "ordering=" + url.QueryEscape("name;DROP TABLE object,-pk,-,,created,\"x\"") + strings.Repeat(",name,-pk", 1_200), "search=" + strings.Repeat("%25", 900), "page=1&page=2&page_size=1&page_size=0", "%zz=1&;&=",
		} {
			got := get(path, q)
			if got.status != 200 && got.status != 400 && got.status != 404 || !json.Valid([]byte(got.body)) {
				t.Errorf("%s?%.80s: %d %.200s", path, q, got.status, got.body)
			}
		}
		v := url.Values{}
		for _, f := range filters {
			for i := range 28_000 / len(filters) / (len(f) + 6) { // a server takes 32 KiB of headers
				v.Add(f, strconv.Itoa(i))
			}
		}
		if got := get(path, v.Encode()); got.status != 200 && got.status != 400 && got.status != 404 {
			t.Errorf("%s: many values: %d %.200s", path, got.status, got.body)
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists were asked", lists)
	}
}

// Rows of tables that point at objects go with them as used_by says: the actions of the kinds and those of the schema are the same.
func TestReferencesOfTables(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	seen := 0
	for _, k := range h.s.rooms.store.Kinds() {
		if k.Table == "" {
			continue
		}
		actions := map[string]string{}
		rows, err := h.s.db.Query(t.Context(), `SELECT "from", on_delete FROM pragma_foreign_key_list(?)`, k.Table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var from, action string
			if err := rows.Scan(&from, &action); err != nil {
				t.Fatal(err)
			}
			actions[from] = action
		}
		rows.Close()
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.Ref == nil || !f.Stored() {
				continue
			}
			seen++
			if want := map[string]string{"cascade": "CASCADE", "set_null": "SET NULL", "set_default": "SET DEFAULT"}[f.Ref.OnDelete]; actions[f.Name] != want {
				t.Errorf("%s.%s: the kind says %s, the table %q", k.Model, f.Name, f.Ref.OnDelete, actions[f.Name])
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d references", seen)
	}
}

// The install id, from which uid and sub are made, is made once.
func TestInstallIDStays(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	h := openAt(t, data, true)
	ada := h.addUser("ada", "lovelace-1815")
	path := fmt.Sprintf("core/users/%d/", ada)
	uid := h.api("GET", path, nil, 200)["uid"]
	id := h.api("GET", "gatehouse/settings/", nil, 200)["install_id"]
	h.api("PATCH", path, map[string]any{"username": "countess", "name": "Ada King", "email": "a@office.lan"}, 200)
	h.api("PATCH", "gatehouse/settings/", map[string]any{"server_name": "sso.office.lan", "office_name": "Else"}, 200)
	h.stop()
	h.stop = nil
	h = openAt(t, data, false)
	if got := h.api("GET", path, nil, 200); got["uid"] != uid || uid == "" || got["username"] != "countess" {
		t.Errorf("%v, was %v", got["uid"], uid)
	}
	if got := h.api("GET", "gatehouse/settings/", nil, 200)["install_id"]; got != id || id == "" {
		t.Errorf("%v, was %v", got, id)
	}
	h.api("DELETE", path, nil, 204)
	if bob := h.addUser("bob", "builder-1999"); bob <= ada {
		t.Errorf("the number %d was given again", bob)
	}
}

// A person is the same to every application after the house was restored on another machine.
func TestInstallIDStaysInARestore(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	path := fmt.Sprintf("core/users/%d/", ada)
	uid, id := h.api("GET", path, nil, 200)["uid"], h.api("GET", "gatehouse/settings/", nil, 200)["install_id"]
	wiki := h.addApp("wiki", nil)
	sub := func(h *house) string {
		b := h.browser()
		if out := b.signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
			t.Fatalf("sign-in ends at %v", out)
		}
		tokens := h.exchange(wiki, b.code(wiki.authorize("scope", "openid")).Get("code"))
		return claims(t, tokens["id_token"].(string))["sub"].(string)
	}
	before := sub(h)
	file := h.browser().do("POST", "/api/v3/gatehouse/backup/", "application/json", `{"passphrase":"a passphrase for the test"}`, "Authorization", "Bearer "+bootToken)
	if file.status != 200 {
		t.Fatalf("backup: %d %s", file.status, file.body)
	}
	h.stop()
	other := t.TempDir()
	if _, err := backup.Restore(t.Context(), strings.NewReader(file.body), "a passphrase for the test", backup.Target{DataDir: other}); err != nil {
		t.Fatal(err)
	}
	h = openAt(t, other, false)
	if got := h.api("GET", path, nil, 200)["uid"]; got != uid || uid == "" {
		t.Errorf("uid %v, was %v", got, uid)
	}
	if got := h.api("GET", "gatehouse/settings/", nil, 200)["install_id"]; got != id || id == "" {
		t.Errorf("install id %v, was %v", got, id)
	}
	if got := sub(h); got != before || before == "" {
		t.Errorf("sub %q, was %q", got, before)
	}
}
