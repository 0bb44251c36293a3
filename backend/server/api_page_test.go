package server

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// The API browser comes whole from here: page, style and script, under a policy that lets nothing in from elsewhere, with every sentence
// that its script says.
func TestAPIPage(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	page := h.browser().get("/api/v3/")
	if page.status != 200 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", page.status, page.header.Get("Content-Type"))
	}
	policy := page.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(page.body) || regexp.MustCompile(`<script[^>]*>[^<{]`).MatchString(page.body) {
		t.Errorf("%s\n%s", policy, page.body)
	}
	if !strings.Contains(page.body, `data-csrf="authentik_csrf"`) || !strings.Contains(page.body, "/flows/-/default/authentication/?next=%2Fapi%2Fv3%2F") {
		t.Errorf("%s", page.body)
	}
	_, after, _ := strings.Cut(page.body, `id="texts">`)
	var texts map[string]string
	if err := json.Unmarshal([]byte(after[:strings.Index(after, "</script>")]), &texts); err != nil {
		t.Fatal(err)
	}
	script, style := h.browser().get("/static/api/browser.js"), h.browser().get("/static/api/browser.css")
	if script.status != 200 || script.header.Get("Content-Type") != "text/javascript; charset=utf-8" || style.status != 200 || style.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Fatalf("%d %d", script.status, style.status)
	}
	said := regexp.MustCompile(`say\('(\w+)'`).FindAllStringSubmatch(script.body, -1)
	if len(said) < 15 {
		t.Errorf("the script says %d things", len(said))
	}
	for _, m := range said {
		if texts[m[1]] == "" {
			t.Errorf("the script says %s, which the page does not bring", m[1])
		}
	}
	for key, s := range texts {
		if s == "api."+key || s == "" {
			t.Errorf("%s is in no table", key)
		}
	}
	for _, outside := range []string{"http://", "https://", "//cdn", "@import", "import "} {
		if strings.Contains(script.body, outside) || strings.Contains(style.body, outside) {
			t.Errorf("something comes from outside: %s", outside)
		}
	}
	if a := h.browser().get("/static/api/page.html"); a.status != 404 {
		t.Errorf("the template: %d", a.status)
	}
	if a := h.browser().get("/static/api/browser.js", "If-None-Match", script.header.Get("ETag")); a.status != 304 {
		t.Errorf("again: %d", a.status)
	}
	mine := h.signedIn("akadmin", bootPassword).get("/api/v3/")
	if strings.Contains(mine.body, "next=%2Fapi") || !strings.Contains(mine.body, `href="/if/user/"`) {
		t.Error("who is signed in is asked to sign in")
	}
	if a := h.browser().do("POST", "/api/v3/", "application/json", "{}"); a.status < 400 {
		t.Errorf("POST: %d", a.status)
	}

	// The description in both forms, as published: YAML when nobody says otherwise.
	for accept, want := range map[string]string{"": "application/vnd.oai.openapi", "application/json": "application/json"} {
		a := h.browser().get("/api/v3/schema/", "Accept", accept)
		if a.status != 200 || a.header.Get("Content-Type") != want || !strings.Contains(a.body, "3.0.3") {
			t.Errorf("%q: %d %s", accept, a.status, a.header.Get("Content-Type"))
		}
	}
}
