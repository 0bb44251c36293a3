package server

import (
	"bytes"
	"encoding/json"
	"html"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hidden gives the value of a hidden field of a page.
func hidden(t testing.TB, body, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `name="`+name+`" value="`)
	if !ok {
		t.Fatalf("the page has no %s: %.2000s", name, body)
	}
	v, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(v)
}

// flowOf makes a flow with stages through the API; each stage is its path below stages/ and its body.
func (h *house) flowOf(slug, designation string, more map[string]any, stages ...[2]any) string {
	h.t.Helper()
	body := map[string]any{"name": slug, "slug": slug, "title": slug, "designation": designation}
	for k, v := range more {
		body[k] = v
	}
	pk := h.api("POST", "flows/instances/", body, 201)["pk"].(string)
	for i, s := range stages {
		st := h.api("POST", "stages/"+s[0].(string)+"/", s[1], 201)
		h.api("POST", "flows/bindings/", map[string]any{"target": pk, "stage": st["pk"], "order": i * 10}, 201)
	}
	return pk
}

// leads opens the authorization of an application and gives the path of the flow page it leads to, "" when it goes straight back.
func (b *browser) leads(address string) *url.URL {
	b.h.t.Helper()
	a := b.get(address)
	to, err := url.Parse(a.header.Get("Location"))
	if a.status != 302 || err != nil {
		b.h.t.Fatalf("%s: status %d %s", address, a.status, a.body)
	}
	if strings.HasPrefix(to.Path, "/if/flow/") && !to.IsAbs() {
		return to
	}
	return nil
}

// A client that asks for consent gets it asked, also when one is stored; the same request without prompt=consent passes.
func TestConsentIsAskedAgain(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	for _, consent := range []bool{true, false} {
		a := h.addApp("app-"+strconv.FormatBool(consent), map[string]any{"consent": consent})
		b := h.signedIn("ada", "lovelace-1815")
		plain := a.authorize("scope", "openid email")
		if got := b.code(plain).Get("code"); got == "" {
			t.Fatal("no code")
		}
		if to := b.leads(plain); to != nil {
			t.Errorf("consent %v: a stored consent is asked for again: %s", consent, to)
		}
		to := b.leads(a.authorize("scope", "openid email", "prompt", "consent"))
		if to == nil {
			t.Fatalf("consent %v: prompt=consent passes silently", consent)
		}
		path := "/api/v3/flows/executor/" + strings.TrimPrefix(to.Path, "/if/flow/") + "?query=" + url.QueryEscape(to.RawQuery)
		out := b.flow(path, nil)
		if out["component"] != "ak-stage-consent" {
			t.Fatalf("consent %v: shows %v", consent, out)
		}
		if out = b.flow(path, map[string]any{"token": out["token"]}); out["type"] != "redirect" || !strings.HasPrefix(out["to"].(string), a.redirect+"?code=") {
			t.Errorf("consent %v: after the answer %v", consent, out)
		}
	}
}

// The page of a consent carries the brand's colour and the languages by their own names, and "Don't allow" tells the client.
func TestConsentPage(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, "languages"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]string{"de.json": `{"flow":{"lang":"Deutsch","consent":{"allow":"Erlauben"}}}`, "xx.json": `{"flow":{}}`} {
		if err := os.WriteFile(filepath.Join(data, "languages", name), []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := openAt(t, data, true)
	brands := h.api("GET", "core/brands/", nil, 200)["results"].([]any)
	h.api("PATCH", "core/brands/"+brands[0].(map[string]any)["brand_uuid"].(string)+"/", map[string]any{"attributes": map[string]any{"settings": map[string]any{"theme": map[string]any{"accent": "#0a7d55"}}}}, 200)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", map[string]any{"consent": true})
	phone := h.addApp("phone", map[string]any{"consent": true, "redirect_uris": "org.example.phone:/back"})
	b := h.signedIn("ada", "lovelace-1815")
	for _, a := range []app{wiki, phone} {
		to := b.leads(a.authorize("scope", "openid"))
		if to == nil {
			t.Fatal("nothing is asked")
		}
		page := b.get(to.String())
		text := html.UnescapeString(page.body)
		deny := a.redirect + "?" + url.Values{"error": {"access_denied"}, "error_description": {"The person did not allow it."}, "iss": {h.base + "/application/o/" + a.slug + "/"}, "state": {"s1"}}.Encode()
		for _, want := range []string{`href="` + deny + `"`, "--button:#0a7d55", `lang="de">Deutsch</a>`, `lang="xx">xx</a>`, `lang="en" aria-current="true">English</a>`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page lacks %s: %s", a.slug, want, text)
			}
		}
	}
}

// A prompt for a file works in the page that needs no script.
func TestFileInAForm(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	pk := h.addUser("ada", "lovelace-1815")
	prompt := func(key, typ string, required bool) string {
		return h.api("POST", "stages/prompt/prompts/", map[string]any{"name": key, "field_key": key, "label": key, "type": typ, "required": required}, 201)["pk"].(string)
	}
	h.flowOf("me", "stage_configuration", nil,
		[2]any{"prompt/stages", map[string]any{"name": "me", "fields": []string{prompt("attributes.photo", "file", true), prompt("attributes.other", "file", false), prompt("name", "text", true)}}},
		[2]any{"user_write", map[string]any{"name": "write"}})
	b := h.signedIn("ada", "lovelace-1815")
	send := func(photo []byte, name string) answer {
		t.Helper()
		page := b.get("/if/flow/me/")
		if !strings.Contains(page.body, `enctype="multipart/form-data"`) {
			t.Fatalf("the form takes no files: %s", page.body)
		}
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for field, content := range map[string][]byte{"attributes.photo": photo, "attributes.other": nil} {
			file := ""
			if len(content) > 0 {
				file = "me.png"
			}
			p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + field + `"; filename="` + file + `"`}, "Content-Type": {"image/png"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		for k, v := range map[string]string{"name": name, "csrf": hidden(t, page.body, "csrf")} {
			if err := w.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.do("POST", "/if/flow/me/", w.FormDataContentType(), body.String())
	}
	if got := send(nil, "Ada L."); got.status != 200 || !strings.Contains(got.body, "This field is required.") || !strings.Contains(got.body, `value="Ada L."`) {
		t.Errorf("no file: %d %s", got.status, got.body)
	}
	if got := send(make([]byte, 768<<10+1), "Ada L."); got.status != 200 || !strings.Contains(got.body, "This file is too large.") {
		t.Errorf("a file that is a little too large: %d %.3000s", got.status, got.body)
	}
	if got := send(make([]byte, 9<<20), "Ada L."); got.status != 413 || !strings.Contains(got.body, "Choose a smaller file.") {
		t.Errorf("a file that is far too large: %d %.3000s", got.status, got.body)
	}
	if got := send([]byte("PNG"), "Ada L."); got.status != 303 || got.header.Get("Location") != "/" {
		t.Fatalf("a file: %d %s %.3000s", got.status, got.header.Get("Location"), got.body)
	}
	u := h.api("GET", "core/users/"+strconv.Itoa(pk)+"/", nil, 200)
	if got := u["attributes"].(map[string]any); u["name"] != "Ada L." || got["photo"] != "data:image/png;base64,UE5H" || got["other"] != nil {
		t.Errorf("%v %v", u["name"], got)
	}
}

// A password that is too short is asked for again, in the flow in which it was typed.
func TestShortPasswordIsAskedForAgain(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	pw := h.api("POST", "stages/prompt/prompts/", map[string]any{"name": "pw", "field_key": "password", "label": "Password", "type": "password", "required": true}, 201)["pk"]
	h.addUser("ada", "lovelace-1815")
	h.flowOf("new-password", "stage_configuration", nil, [2]any{"prompt/stages", map[string]any{"name": "pw", "fields": []any{pw}}}, [2]any{"user_write", map[string]any{"name": "write"}})
	b := h.signedIn("ada", "lovelace-1815")
	page := b.get("/if/flow/new-password/")
	got := b.form("/if/flow/new-password/", url.Values{"csrf": {hidden(t, page.body, "csrf")}, "password": {"short"}})
	if got.status != 200 || !strings.Contains(got.body, "Use at least 8 characters.") || !strings.Contains(got.body, `name="password"`) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got = b.form("/if/flow/new-password/", url.Values{"csrf": {hidden(t, got.body, "csrf")}, "password": {"long enough now"}}); got.status != 303 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	h.signedIn("ada", "long enough now")
}

// What is only for trying things out is not offered, and can be made all the same.
func TestTypesLeaveTrialsOut(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	for path, trial := range map[string]string{"stages/all/types/": "dummystage", "policies/all/types/": "dummypolicy"} {
		got := h.browser().get("/api/v3/"+path, "Authorization", "Bearer "+bootToken)
		if got.status != 200 || strings.Contains(got.body, trial) || strings.Count(got.body, "model_name") < 1 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	h.api("POST", "stages/dummy/", map[string]any{"name": "a dummy"}, 201)
	h.api("POST", "policies/dummy/", map[string]any{"name": "a dummy"}, 201)
}

// The published texts of a name that is taken, and of a recovery link without a flow for it.
func TestPublishedRefusals(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	pk := h.addUser("ada", "lovelace-1815")
	if got, want := h.api("POST", "core/users/", map[string]any{"username": "ada", "name": "x"}, 400)["username"], "This field must be unique."; got == nil || got.([]any)[0] != want {
		t.Errorf("a username that is taken: %v", got)
	}
	path := "core/users/" + strconv.Itoa(pk) + "/recovery/"
	if got := h.api("POST", path, nil, 400)["non_field_errors"]; got == nil || got.([]any)[0] != "No recovery flow set." {
		t.Errorf("a recovery link without a flow: %v", got)
	}
	// The command line needs no flow: whoever opens its link is in.
	out, err := h.s.RecoveryLink(t.Context(), "ada", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(out.Link)
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser()
	if got := b.get(at.Path); got.status != 302 || got.header.Get("Location") != "/if/user/" {
		t.Errorf("the command line's link: %d %s", got.status, got.body)
	}
	if got := h.browser().get(at.Path); got.status != 404 {
		t.Errorf("it works twice: %d", got.status)
	}
	// With a flow that the brand names the API makes one too.
	flow := h.flowOf("get-back", "recovery", nil, [2]any{"user_login", map[string]any{"name": "back in"}})
	brands := h.api("GET", "core/brands/", nil, 200)["results"].([]any)
	h.api("PATCH", "core/brands/"+brands[0].(map[string]any)["brand_uuid"].(string)+"/", map[string]any{"flow_recovery": flow}, 200)
	link, err := url.Parse(h.api("POST", path, nil, 200)["link"].(string))
	if err != nil {
		t.Fatal(err)
	}
	b = h.browser()
	if got := b.form(link.RequestURI(), url.Values{"open_link": {"yes"}}); got.status != 303 || got.header.Get("Location") != "/" {
		t.Errorf("the link: %d %s %s", got.status, got.header.Get("Location"), got.body)
	}
	if me := b.get("/api/v3/core/users/me/"); !strings.Contains(me.body, `"username":"ada"`) {
		t.Errorf("after the link: %s", me.body)
	}
}

// The description of the engine's own challenges is the published one.
func TestDescribedChallenges(t *testing.T) {
	t.Parallel()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]map[string]any `json:"properties"`
				Required   []string                  `json:"required"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ typ, component, required string }{
		"FlowErrorChallenge":    {"string native", "ak-stage-flow-error", "request_id"},
		"ShellChallenge":        {"", "xak-flow-shell", "body type"},
		"RedirectChallenge":     {"", "xak-flow-redirect", "to type"},
		"AccessDeniedChallenge": {"", "ak-stage-access-denied", "pending_user pending_user_avatar type"},
	} {
		s := doc.Components.Schemas[name]
		typ := ""
		if s.Properties["type"]["$ref"] != "#/components/schemas/ChallengeChoices" {
			typ, _ = s.Properties["type"]["type"].(string)
			def, _ := s.Properties["type"]["default"].(string)
			typ += " " + def
		}
		required := map[string]bool{}
		for _, r := range s.Required {
			required[r] = true
		}
		for _, r := range strings.Fields(want.required) {
			if !required[r] {
				t.Errorf("%s does not require %s: %v", name, r, s.Required)
			}
		}
		if typ != want.typ || s.Properties["component"]["default"] != want.component || len(required) != len(strings.Fields(want.required)) {
			t.Errorf("%s: %v, required %v", name, s.Properties, s.Required)
		}
		if !strings.Contains(string(b), want.component+`":"#/components/schemas/`+name) {
			t.Errorf("%s is not among the types of challenges", name)
		}
	}
}

// Libraries that talk to the process's logger are heard when they warn.
func TestLibrariesAreQuiet(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(h.log.String(), `"msg":"ready"`) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // the house answers a moment before it says so
	}
	if text := h.log.String(); strings.Contains(text, "registered route") || !strings.Contains(text, `"msg":"ready"`) {
		t.Errorf("the log at start: %s", text)
	}
}
