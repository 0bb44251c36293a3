package server

import (
	"strings"
	"testing"
)

func TestShells(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	ada, admin, nobody := h.signedIn("ada", "lovelace-1815"), h.signedIn("akadmin", bootPassword), h.browser()
	for name, tc := range map[string]struct {
		who    *browser
		path   string
		status int
		want   string // in the body or Location
	}{
		"root, nobody":         {nobody, "/", 302, "/flows/-/default/authentication/?next=%2Fif%2Fuser%2F"},
		"root, somebody":       {ada, "/", 302, "/if/user/"},
		"portal":               {ada, "/if/user/", 200, "<title>portal"},
		"portal, nobody":       {nobody, "/if/user/", 200, "<title>portal"}, // the page leads to the sign-in with what follows #
		"no slash":             {ada, "/if/user", 301, "/if/user/"},
		"admin":                {admin, "/if/admin/", 200, "<title>admin"},
		"admin, somebody":      {ada, "/if/admin/", 403, "not for your account"},
		"no such page":         {ada, "/nowhere", 404, "does not exist"},
		"no such file":         {ada, "/static/app/none.js", 404, ""},
		"drawing":              {nobody, "/static/dist/assets/icons/icon_left_brand.svg", 200, "<svg"},
		"language":             {nobody, "/static/text/en.json", 200, `"flow"`},
		"no such language":     {nobody, "/static/text/xx.json", 404, ""},
		"authority":            {nobody, "/trust/ca.pem", 200, "BEGIN CERTIFICATE"},
		"profile":              {nobody, "/trust/ca.mobileconfig", 200, "com.apple.security.root"},
		"language of a flow":   {nobody, "/if/flow/default-authentication-flow/?locale=en&next=%2Fx", 303, "/if/flow/default-authentication-flow/?next=%2Fx"},
		"the window's verbs":   {admin, "/-/desktop/info", 404, ""},
		"setup once it's done": {nobody, "/setup/", 303, "/"},
	} {
		got := tc.who.get(tc.path)
		text := got.body + got.header.Get("Location")
		if got.status != tc.status || !strings.Contains(text, tc.want) {
			t.Errorf("%s: status %d, want %d with %q: %.200s", name, got.status, tc.status, tc.want, text)
		}
		if got.header.Get("X-authentik-id") == "" || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", name, got.header)
		}
	}
	if got := h.browser().get("/if/user/", "Host", "evil.example"); got.status != 421 || !strings.Contains(got.body, "login.office.lan") {
		t.Errorf("a foreign Host: %d %.200s", got.status, got.body)
	}
	if got := h.browser().get("/api/v3/core/users/", "Authorization", "Bearer wrong"); got.status != 403 || !strings.Contains(got.body, "Token invalid/expired") {
		t.Errorf("a wrong token: %d %s", got.status, got.body)
	}
}

func TestChangesNeedTheSessionsToken(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	b := h.signedIn("akadmin", bootPassword)
	if got := b.do("POST", "/api/v3/core/groups/", "application/json", `{"name":"a"}`); got.status != 201 {
		t.Fatalf("with the token: %d %s", got.status, got.body)
	}
	got := b.do("POST", "/api/v3/core/groups/", "application/json", `{"name":"b"}`, "X-authentik-CSRF", "")
	if got.status != 403 || !strings.Contains(got.body, "CSRF Failed") {
		t.Errorf("without: %d %s", got.status, got.body)
	}
	if n := h.events("model_created"); n == 0 {
		t.Error("no event of the group that was made")
	}
	for name, tc := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"no JSON":        {`{`, 400, "JSON parse error"},
		"a wrong type":   {`{"name":["x"]}`, 400, "name"},
		"nothing":        {`{}`, 400, "This field is required."},
		"unknown fields": {`{"name":"c","colour":"red"}`, 201, `"name":"c"`},
		"oversized":      {`{"name":"` + strings.Repeat("x", 5<<20) + `"}`, 413, "detail"},
	} {
		got := b.do("POST", "/api/v3/core/groups/", "application/json", tc.body)
		if got.status != tc.status || !strings.Contains(got.body, tc.want) {
			t.Errorf("%s: status %d, want %d with %q: %.200s", name, got.status, tc.status, tc.want, got.body)
		}
	}
}
