package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (h *house) refused(t *testing.T, method, path string, body any, want string) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.as(bootToken, method, path, string(b)); got.status != 400 || strings.TrimSpace(got.body) != want {
		t.Errorf("%s %s %s: %d %s\nwant %s", method, path, b, got.status, got.body, want)
	}
}

func TestOfficeAddsApplications(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	staff := h.api("POST", "core/groups/", map[string]any{"name": "Staff", "users": []int{ada}}, 201)["pk"].(string)
	form := func(more map[string]any) map[string]any {
		in := map[string]any{"name": "Wiki", "redirect_uris": "https://wiki.office.lan/cb", "access": "everyone"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	out := h.api("POST", "gatehouse/applications/", form(map[string]any{"launch_url": "https://wiki.office.lan/", "group": "Tools", "description": "Knows all."}), 201)
	a, p := out["application"].(map[string]any), out["provider"].(map[string]any)
	if a["slug"] != "wiki" || a["meta_launch_url"] != "https://wiki.office.lan/" || a["group"] != "Tools" || p["client_type"] != "confidential" || p["assigned_application_slug"] != "wiki" {
		t.Errorf("%v\n%v", a, p)
	}
	values := map[string]string{}
	for _, v := range out["values"].([]any) {
		v := v.(map[string]any)
		values[v["id"].(string)] = v["value"].(string)
		if v["label"] == "" || v["help"] == "" || v["secret"] != (v["id"] == "client_secret") {
			t.Errorf("%v", v)
		}
	}
	if values["client_id"] == "" || len(values["client_secret"]) < 64 || !strings.HasSuffix(values["issuer"], "/application/o/wiki/") || !strings.HasSuffix(values["discovery"], "/application/o/wiki/.well-known/openid-configuration") || values["scopes"] == "" {
		t.Errorf("%v", values)
	}
	if s := out["access"].(map[string]any)["sentence"]; s != "Everyone with an account can use this application." {
		t.Errorf("%v", s)
	}
	if again := h.api("POST", "gatehouse/applications/", form(nil), 201); again["application"].(map[string]any)["slug"] != "wiki-2" {
		t.Errorf("%v", again["application"])
	}
	if odd := h.api("POST", "gatehouse/applications/", form(map[string]any{"name": "日本語 ☃"}), 201); odd["application"].(map[string]any)["slug"] != "app" {
		t.Errorf("%v", odd["application"])
	}
	long := h.api("POST", "gatehouse/applications/", form(map[string]any{"name": strings.Repeat("Long name ", 10)}), 201)
	if s := long["application"].(map[string]any)["slug"].(string); len(s) > 50 || strings.HasSuffix(s, "-") {
		t.Errorf("%s", s)
	}
	public := h.api("POST", "gatehouse/applications/", form(map[string]any{"name": "Phone", "client_type": "public", "signing": "es256", "consent": true}), 201)
	for _, v := range public["values"].([]any) {
		if v.(map[string]any)["id"] == "client_secret" {
			t.Error("a public client has a secret")
		}
	}
	hs := h.api("POST", "gatehouse/applications/", form(map[string]any{"name": "Old", "signing": "hs256", "client_id": "old-client", "client_secret": "old-secret-0123456789-0123456789"}), 201)
	if p := hs["provider"].(map[string]any); p["client_id"] != "old-client" || p["signing_key"] != nil {
		t.Errorf("%v", p)
	}
	before := h.api("GET", "core/applications/", nil, 200)["pagination"].(map[string]any)["count"]
	providers := h.api("GET", "providers/oauth2/", nil, 200)["pagination"].(map[string]any)["count"]
	for _, tt := range []struct {
		in   map[string]any
		want string
	}{
		{form(map[string]any{"access": "chosen"}), `{"access":["Choose who may use the application, or choose everyone."]}`},
		{form(map[string]any{"access": "nobody"}), `{"access":["\"nobody\" is not a valid choice."]}`},
		{form(map[string]any{"name": "", "redirect_uris": nil}), `{"name":["This field may not be blank."],"redirect_uris":["This field may not be null."]}`},
		{form(map[string]any{"slug": "wiki"}), `{"slug":["This field must be unique."]}`},
		{form(map[string]any{"slug": "a b"}), `{"slug":["Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."]}`},
		{form(map[string]any{"name": "A", "client_id": "old-client"}), `{"client_id":["This field must be unique."]}`},
		{form(map[string]any{"launch_url": "javascript:alert(1)"}), `{"launch_url":["An address that begins so can't be opened safely."]}`},
		{form(map[string]any{"launch_url": "java\tscript:alert(1)"}), `{"launch_url":["An address that begins so can't be opened safely."]}`},
		{form(map[string]any{"launch_url": "wiki"}), `{"launch_url":["Enter a valid URL."]}`},
		{form(map[string]any{"icon_url": "http://wiki/i.png"}), `{"icon_url":["Give an address that begins with https://."]}`},
		{form(map[string]any{"access": "chosen", "users": []int{ada, 9999}}), `{"users":["There is no user 9999."]}`},
		{form(map[string]any{"access": "chosen", "groups": []string{"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}), `{"groups":["There is no group 6ba7b810-9dad-11d1-80b4-00c04fd430c8."]}`},
		{form(map[string]any{"signing": "rs512"}), `{"signing":["\"rs512\" is not a valid choice."]}`},
	} {
		h.refused(t, "POST", "gatehouse/applications/", tt.in, tt.want)
	}
	if h.api("GET", "core/applications/", nil, 200)["pagination"].(map[string]any)["count"] != before || h.api("GET", "providers/oauth2/", nil, 200)["pagination"].(map[string]any)["count"] != providers {
		t.Error("a refused form left something")
	}

	t.Run("access", func(t *testing.T) {
		reach := func(user int) (bool, string) {
			t.Helper()
			for _, r := range h.api("GET", fmt.Sprintf("gatehouse/access/?user=%d", user), nil, 200)["results"].([]any) {
				if r := r.(map[string]any); r["slug"] == "wiki" {
					return r["passing"].(bool), r["reason"].(string)
				}
			}
			t.Fatal("the application is not in the list")
			return false, ""
		}
		for _, tt := range []struct {
			in             map[string]any
			sentence       string
			ada, bob       bool
			adaWhy, bobWhy string
		}{
			{map[string]any{"everyone": true}, "Everyone with an account can use this application.", true, true, "Everyone with an account can use it.", "Everyone with an account can use it."},
			{map[string]any{"groups": []string{staff}}, "Members of Staff can use this application.", true, false, "Member of Staff.", "Neither this person nor one of their groups was chosen."},
			{map[string]any{"users": []int{bob}}, "Bob can use this application.", false, true, "Neither this person nor one of their groups was chosen.", "This person was chosen."},
			{map[string]any{"users": []int{bob}, "groups": []string{staff}}, "Bob and members of Staff can use this application.", true, true, "Member of Staff.", "This person was chosen."},
		} {
			got := h.api("PUT", "gatehouse/applications/wiki/access/", tt.in, 200)
			if got["sentence"] != tt.sentence {
				t.Errorf("%v: %v", tt.in, got["sentence"])
			}
			for _, p := range []struct {
				pk  int
				ok  bool
				why string
			}{{ada, tt.ada, tt.adaWhy}, {bob, tt.bob, tt.bobWhy}} {
				if ok, why := reach(p.pk); ok != p.ok || why != p.why {
					t.Errorf("%v, user %d: %t %q", tt.in, p.pk, ok, why)
				}
			}
		}
		h.refused(t, "PUT", "gatehouse/applications/wiki/access/", map[string]any{"everyone": false}, `{"everyone":["Choose at least one person or group, or everyone."]}`)
		h.refused(t, "PUT", "gatehouse/applications/wiki/access/", map[string]any{"users": []int{9999}}, `{"users":["There is no user 9999."]}`)
		if ok, _ := reach(bob); !ok {
			t.Error("a refused change took access away")
		}
		h.api("PATCH", fmt.Sprintf("core/users/%d/", bob), map[string]any{"is_active": false}, 200)
		if ok, why := reach(bob); ok || why != "The account is switched off." {
			t.Errorf("%t %q", ok, why)
		}
		h.refused(t, "GET", "gatehouse/access/?user=x", nil, `{"user":["Name a user by number."]}`)
		h.api("GET", "gatehouse/access/?user=9999", nil, 404)
		h.api("GET", "gatehouse/applications/nonsense/", nil, 404)
		h.api("PUT", "gatehouse/applications/nonsense/access/", map[string]any{"everyone": true}, 404)
	})
	t.Run("who only views gets no secret", func(t *testing.T) {
		for path, status := range map[string]int{"gatehouse/applications/wiki/": 403, "gatehouse/settings/": 403, "gatehouse/status/": 403, "gatehouse/access/?user=1": 403} {
			if got := h.as(h.tokenOf(ada, "t"+fmt.Sprint(len(path)), "api"), "GET", path, ""); got.status != status {
				t.Errorf("%s: %d", path, got.status)
			}
		}
	})
}

func TestOfficeSettings(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	was := h.api("GET", "gatehouse/settings/", nil, 200)
	if was["server_name"] != "login.office.lan" || was["ca"] == nil || was["install_id"] == "" {
		t.Errorf("%v", was)
	}
	for _, tt := range []struct{ body, want string }{
		{`{"server_name":"192.168.1.5"}`, "server_name"}, {`{"server_name":"localhost"}`, "server_name"}, {`{"server_name":"bad_name.lan"}`, "server_name"}, {`{"server_name":"a..b"}`, "server_name"}, {`{"server_name":"` + strings.Repeat("a.", 200) + `lan"}`, "server_name"},
		{`{"server_name":null}`, "server_name"}, {`{"server_name":"https://x.lan/"}`, "server_name"}, {`{"server_name":"x.lan\u0000"}`, "server_name"}, {`{"server_name":"x.lan:9443"}`, "server_name"}, {`{"server_name":"*.lan"}`, "server_name"},
		{`{"allowed_hosts":["one.lan","under_score"]}`, "allowed_hosts"}, {`{"allowed_hosts":"one.lan"}`, "allowed_hosts"}, {`{"admin_on_lan":"perhaps"}`, "admin_on_lan"}, {`{"office_name":"` + strings.Repeat("x", 101) + `"}`, "office_name"},
	} {
		got := h.as(bootToken, "PATCH", "gatehouse/settings/", tt.body)
		if got.status != 400 || len(got.json(t)) != 1 || got.json(t)[tt.want] == nil {
			t.Errorf("%.60s: %d %s", tt.body, got.status, got.body)
		}
	}
	if now := h.api("GET", "gatehouse/settings/", nil, 200); fmt.Sprint(now) != fmt.Sprint(was) {
		t.Errorf("a refused change changed something:\n%v\n%v", now, was)
	}
	got := h.api("PATCH", "gatehouse/settings/", map[string]any{"server_name": " SSO.Office.LAN. ", "allowed_hosts": []string{"Other.Office.lan"}, "install_id": "x", "office_name": "The office"}, 200)
	if got["server_name"] != "sso.office.lan" || fmt.Sprint(got["allowed_hosts"]) != "[other.office.lan]" || got["install_id"] != was["install_id"] || got["office_name"] != "The office" {
		t.Errorf("%v", got)
	}
	names := fmt.Sprint(got["ca"].(map[string]any)["names"])
	if !strings.Contains(names, "sso.office.lan") || !strings.Contains(names, "other.office.lan") {
		t.Errorf("the certificate is not for the new names: %s", names)
	}
	for host, want := range map[string]int{"sso.office.lan": 200, "other.office.lan": 200, "evil.example": 421} {
		a := h.browser().get("/api/v3/root/config/", "Host", host)
		if (a.status == 200) != (want == 200) {
			t.Errorf("Host %s: %d", host, a.status)
		}
	}

	sys := h.api("GET", "admin/settings/", nil, 200)
	for field, value := range map[string]any{
		"event_retention": "forever", "default_token_duration": "soon", "default_token_length": 0, "avatars": nil, "footer_links": "x", "impersonation": "perhaps", "gdpr_compliance": []int{},
	} {
		b, err := json.Marshal(map[string]any{field: value})
		if err != nil {
			t.Fatal(err)
		}
		a := h.as(bootToken, "PATCH", "admin/settings/", string(b))
		if a.status != 400 || len(a.json(t)) != 1 || a.json(t)[field] == nil {
			t.Errorf("%s: %d %s", b, a.status, a.body)
		}
	}
	if now := h.api("GET", "admin/settings/", nil, 200); fmt.Sprint(now) != fmt.Sprint(sys) || len(sys) != 10 {
		t.Errorf("%v\n%v", now, sys)
	}
	if now := h.api("PATCH", "admin/settings/", map[string]any{"event_retention": "days=30", "default_token_length": 80}, 200); now["event_retention"] != "days=30" || now["default_token_length"] != 80.0 {
		t.Errorf("%v", now)
	}
	key := h.tokenOf(int(h.api("GET", "core/users/me/", nil, 200)["user"].(map[string]any)["pk"].(float64)), "long", "api")
	if len(key) != 80 {
		t.Errorf("a key of %d characters", len(key))
	}
}

func TestOfficeStatusAndBackup(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	state := func(list, id, field string) any {
		t.Helper()
		for _, c := range h.api("GET", "gatehouse/status/", nil, 200)[list].([]any) {
			if c := c.(map[string]any); c["id"] == id {
				return c[field]
			}
		}
		t.Fatalf("no %s in %s", id, list)
		return nil
	}
	st := h.api("GET", "gatehouse/status/", nil, 200)
	if st["version"] != "test" || st["database_bytes"].(float64) <= 0 || st["memory_bytes"].(float64) <= 0 || st["users"] != 1.0 || st["applications"] != 0.0 || st["last_backup"] != nil || st["certificate_expires"] == nil {
		t.Errorf("%v", st)
	}
	for id, want := range map[string]string{"server": "good", "certificate": "good", "backup": "warning", "clock": "good"} {
		if got := state("checks", id, "state"); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	for _, id := range []string{"add_user", "add_application", "backup"} {
		if state("steps", id, "done") != false {
			t.Errorf("%s is done already", id)
		}
	}
	h.addUser("ada", "lovelace-1815")
	h.addApp("wiki", nil)
	if state("steps", "add_user", "done") != true || state("steps", "add_application", "done") != true {
		t.Error("what was done is not seen")
	}
	for body, want := range map[string]int{`{}`: 400, `{"passphrase":"short"}`: 400, `{"passphrase":null}`: 400, `{"passphrase":"a passphrase that is long enough"}`: 200} {
		got := h.as(bootToken, "POST", "gatehouse/backup/", body)
		if got.status != want {
			t.Errorf("%s: %d %.200s", body, got.status, got.body)
		}
		if want == 200 && (!strings.HasPrefix(got.body, "age-encryption.org/v1") || !strings.Contains(got.header.Get("Content-Disposition"), "attachment")) {
			t.Errorf("%v %.40q", got.header, got.body)
		}
	}
	if state("checks", "backup", "state") != "good" || state("steps", "backup", "done") != true {
		t.Error("the backup is not noted")
	}
}

// The event stream tells an admin's page of new events as they come, and nobody else.
func TestOfficeEventStream(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	for token, want := range map[string]int{"": 403, h.tokenOf(ada, "of-ada", "api"): 403} {
		if got := h.as(token, "GET", "gatehouse/events/stream/", ""); got.status != want {
			t.Errorf("%q: %d %s", token, got.status, got.body)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+"/api/v3/gatehouse/events/stream/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bootToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	made := make(chan struct{})
	go func() {
		defer close(made)
		h.as(bootToken, "POST", "core/groups/", `{"name":"made while somebody looks"}`)
	}()
	defer func() { <-made }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok || !strings.Contains(data, "made while somebody looks") {
			continue
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(data), &e); err != nil || e["action"] != "model_created" {
			t.Errorf("%s %v", data, err)
		}
		return
	}
	t.Fatalf("the event did not come: %v", lines.Err())
}
