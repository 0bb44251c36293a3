package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/blueprint"
	"gatehouse/backend/mail/mailtest"
	"gatehouse/backend/seed"
	"gatehouse/backend/store"
)

// example applies an example that comes with Gatehouse, twice: the second time changes nothing.
func (h *house) example(file string) {
	h.t.Helper()
	pk := h.api("POST", "managed/blueprints/", obj{"name": file, "path": "example/" + file}, 201)["pk"].(string)
	for range 2 {
		before := h.events("model_created")
		got := h.as(bootToken, "POST", "managed/blueprints/"+pk+"/apply/", "").json(h.t)
		if got["status"] != "successful" {
			h.t.Fatalf("%s: %v", file, h.why(strings.ReplaceAll(file, ".", "-")))
		}
		if again := got["last_applied_hash"] == nil; again && h.events("model_created") != before {
			h.t.Errorf("%s makes something twice", file)
		}
	}
}

func running(slug string) string { return "/api/v3/flows/executor/" + slug + "/?query=" }

var tokenOfLink = regexp.MustCompile(`flow_token=([^&\s]+)`)

// linkIn gives the query of the link in the newest mail.
func linkIn(t *testing.T, s *mailtest.Server, n int) string {
	t.Helper()
	m := s.Wait(t, n)[n-1]
	found := tokenOfLink.FindStringSubmatch(m.Part(t, "text/plain"))
	if found == nil {
		t.Fatalf("no link in %s", m.Raw)
	}
	return "flow_token=" + found[1]
}

// afterMail opens the link of a mail as a person does: a page with a button, then the flow goes on.
func (b *browser) afterMail(slug, query string) map[string]any {
	b.h.t.Helper()
	path := "/api/v3/flows/executor/" + slug + "/?query=" + url.QueryEscape(query)
	out := b.flow(path, nil)
	for range 3 {
		if out["component"] != "ak-stage-consent" && out["component"] != "ak-stage-email" {
			break
		}
		out = b.flow(path, map[string]any{"token": out["token"]})
	}
	return out
}

// TestBlueprintExamples applies the release's examples and goes through each flow that they make.
func TestBlueprintExamples(t *testing.T) {
	t.Parallel()
	t.Run("enrollment", func(t *testing.T) {
		t.Parallel()
		h, s := mailed(t)
		h.example("flows-enrollment-2-stage.yaml")
		b, at := h.browser(), running("default-enrollment-flow")
		out := b.flow(at, nil)
		if out["component"] != "ak-stage-prompt" || len(out["fields"].([]any)) != 3 {
			t.Fatalf("%v", out)
		}
		out = b.flow(at, map[string]any{"username": "emma", "password": "emma-enrolled-1", "password_repeat": "emma-enrolled-1"})
		if len(out["fields"].([]any)) != 2 {
			t.Fatalf("%v", out)
		}
		if out = b.flow(at, map[string]any{"name": "Emma", "email": "emma@office.lan"}); out["component"] != "xak-flow-redirect" {
			t.Fatalf("%v", out)
		}
		if me := b.get("/api/v3/core/users/me/").json(t)["user"].(obj); me["username"] != "emma" || me["email"] != "emma@office.lan" {
			t.Errorf("%v", me)
		}
		// With a mail in between: the account works once the link was opened.
		h.example("flows-enrollment-email-verification.yaml")
		b = h.browser()
		b.flow(at, nil)
		b.flow(at, map[string]any{"username": "fred", "password": "fred-enrolled-1", "password_repeat": "fred-enrolled-1"})
		if out = b.flow(at, map[string]any{"name": "Fred", "email": "fred@office.lan"}); out["component"] != "ak-stage-email" {
			t.Fatalf("%v", out)
		}
		fred := h.api("GET", "core/users/?username=fred", nil, 200)["results"].([]any)[0].(obj)
		if fred["is_active"] != false {
			t.Error("the account works before the link was opened")
		}
		if out = b.afterMail("default-enrollment-flow", linkIn(t, s, 1)); out["component"] != "xak-flow-redirect" {
			t.Fatalf("%v", out)
		}
		if me := b.get("/api/v3/core/users/me/").json(t)["user"].(obj); me["username"] != "fred" || me["is_active"] != true {
			t.Errorf("%v", me)
		}
	})
	t.Run("recovery", func(t *testing.T) {
		t.Parallel()
		h, s := mailed(t)
		h.addUser("ada", "lovelace-1815")
		h.example("flows-recovery-email-verification.yaml")
		b, at := h.browser(), running("default-recovery-flow")
		if out := b.flow(at, nil); out["component"] != "ak-stage-identification" {
			t.Fatalf("%v", out)
		}
		if out := b.flow(at, map[string]any{"uid_field": "ada"}); out["component"] != "ak-stage-email" {
			t.Fatalf("%v", out)
		}
		out := b.afterMail("default-recovery-flow", linkIn(t, s, 1))
		if out["component"] != "ak-stage-prompt" || len(out["fields"].([]any)) != 2 {
			t.Fatalf("%v", out)
		}
		if out = b.flow(at, map[string]any{"password": "a-new-password-1", "password_repeat": "a-new-password-1"}); out["component"] != "xak-flow-redirect" {
			t.Fatalf("%v", out)
		}
		if out = h.browser().signIn("", "ada", "a-new-password-1"); out["type"] != "redirect" {
			t.Errorf("%v", out)
		}
		policies := h.api("GET", "policies/expression/?name=default-recovery-skip-if-restored", nil, 200)["results"].([]any)[0].(obj)
		for restored, want := range map[bool]bool{true: false, false: true} {
			if got := h.api("POST", "policies/all/"+policies["pk"].(string)+"/test/", map[string]any{"user": 1, "context": map[string]any{"is_restored": restored}}, 200); got["passing"] != want {
				t.Errorf("restored %t: %v", restored, got)
			}
		}
	})
	t.Run("sign-in and deletion", func(t *testing.T) {
		t.Parallel()
		w := &lockedWriter{}
		o := testOptions(t.TempDir(), true, w)
		furnished(t, o.Config.Data)
		o.Config.Outgoing = "127.0.0.1"
		h := serveWith(t, o, w)
		h.addUser("ada", "lovelace-1815")
		h.example("flows-login-2fa.yaml")
		if bound := h.api("GET", "flows/bindings/?target="+h.api("GET", "flows/instances/default-authentication-flow/", nil, 200)["pk"].(string), nil, 200)["results"].([]any); len(bound) != 4 {
			t.Errorf("%d stages", len(bound))
		}
		if out := h.browser().signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" { // no factor, none asked
			t.Fatalf("%v", out)
		}
		policy := h.api("GET", "policies/expression/?name=test-not-app-password", nil, 200)["results"].([]any)[0].(obj)
		for method, want := range map[string]bool{"app_password": false, "token": false, "password": true} {
			if got := h.api("POST", "policies/all/"+policy["pk"].(string)+"/test/", map[string]any{"user": 1, "context": map[string]any{"auth_method": method}}, 200); got["passing"] != want {
				t.Errorf("%s: %v", method, got)
			}
		}
		// A factor that has to be there is asked for by the step of the example.
		stage := h.api("GET", "stages/authenticator/validate/?name=default-authentication-flow-mfa", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
		h.api("PATCH", "stages/authenticator/validate/"+stage+"/", obj{"not_configured_action": "deny"}, 200)
		if out := h.browser().signIn("", "ada", "lovelace-1815"); out["component"] != "ak-stage-access-denied" {
			t.Errorf("%v", out)
		}
		h.api("PATCH", "stages/authenticator/validate/"+stage+"/", obj{"not_configured_action": "skip"}, 200)

		// The puzzle comes to those who failed often.
		asked := make(chan url.Values, 10)
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			asked <- r.PostForm
			fmt.Fprint(w, `{"success": true}`)
		}))
		t.Cleanup(service.Close)
		h.example("flows-login-conditional-captcha.yaml")
		captcha := h.api("GET", "stages/captcha/?name=default-authentication-flow-captcha", nil, 200)["results"].([]any)[0].(obj)
		h.api("PATCH", "stages/captcha/"+captcha["pk"].(string)+"/", obj{"api_url": service.URL}, 200)
		if out := h.browser().signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
			t.Fatalf("%v", out)
		}
		h.write(`INSERT INTO reputation (pk, identifier, ip, score, updated, expires) VALUES ('0192f000-0000-4000-8000-000000000001', 'ada', '127.0.0.1', -100, 0, ?) ON CONFLICT (identifier, ip) DO UPDATE SET score = excluded.score`, int64(1)<<60)
		b := h.browser()
		out := b.signIn("", "ada", "lovelace-1815")
		if out["component"] != "ak-stage-captcha" || out["site_key"] != captcha["public_key"] {
			t.Fatalf("%v", out)
		}
		if out = b.flow(running("default-authentication-flow"), map[string]any{"token": "solved"}); out["type"] != "redirect" {
			t.Fatalf("%v", out)
		}
		if v := <-asked; v.Get("response") != "solved" || v.Get("secret") == "" {
			t.Errorf("%v", v)
		}

		h.example("flows-unenrollment.yaml")
		if out = h.browser().flow(running("default-unenrollment-flow"), nil); out["component"] != "ak-stage-access-denied" {
			t.Errorf("somebody who is not signed in: %v", out)
		}
		b.flow(running("default-unenrollment-flow"), nil)
		if n := h.count("core/users/?username=ada"); n != 0 {
			t.Error("the account is still there")
		}
		h.example("sources-google-ldap-mappings.yaml")
	})
}

// TestFlowRoundTrip exports every default flow and imports it: on the same house nothing changes, on another one it is the same flow.
func TestFlowRoundTrip(t *testing.T) {
	t.Parallel()
	h, other := open(t, true), openAt(t, t.TempDir(), true)
	flows := h.api("GET", "flows/instances/?page_size=100", nil, 200)["results"].([]any)
	if len(flows) != 12 {
		t.Errorf("%d flows", len(flows))
	}
	for _, f := range flows {
		slug := f.(obj)["slug"].(string)
		a := h.as(bootToken, "GET", "flows/instances/"+slug+"/export/", "")
		if a.status != 200 || !strings.Contains(a.header.Get("Content-Disposition"), slug+".yaml") || !strings.Contains(a.body, "authentik Export - ") {
			t.Fatalf("%s: %d %s", slug, a.status, a.body)
		}
		created, updated := h.events("model_created"), h.events("model_updated")
		if in := h.upload(t, bootToken, "flows/instances/import/", nil, a.body); in.status != 200 || in.json(t)["success"] != true {
			t.Errorf("%s: %d %s\n%s", slug, in.status, in.body, a.body)
		}
		if h.events("model_created") != created || h.events("model_updated") != updated {
			t.Errorf("%s: importing what was exported changes something", slug)
		}
		// Another house has all of it by its names; then the flow alone is made anew, with the keys of the file.
		for range 2 {
			if in := other.upload(t, bootToken, "flows/instances/import/", nil, a.body); in.status != 200 || in.json(t)["success"] != true {
				t.Fatalf("%s elsewhere: %d %s\n%s", slug, in.status, in.body, a.body)
			}
			again := other.as(bootToken, "GET", "flows/instances/"+slug+"/export/", "")
			if pk := regexp.MustCompile(`(?m)[0-9a-f]{8}-[0-9a-f-]{27}|^  name: authentik Export.*$`); sortedLines(pk.ReplaceAllString(again.body, "")) != sortedLines(pk.ReplaceAllString(a.body, "")) {
				t.Errorf("%s is another one elsewhere:\n%s\n%s", slug, a.body, again.body)
			}
			if slug == "default-authentication-flow" || slug == "default-invalidation-flow" {
				break // the brand holds it
			}
			other.as(bootToken, "DELETE", "flows/instances/"+slug+"/", "")
		}
	}
	if out := other.browser().signIn("", "akadmin", bootPassword); out["type"] != "redirect" {
		t.Errorf("%v", out)
	}
}

func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestExportOfEverything applies what one house exports to another one, which is the same then: a second time changes nothing.
func TestExportOfEverything(t *testing.T) {
	t.Parallel()
	h, other := open(t, true), openAt(t, t.TempDir(), true)
	staff := h.api("POST", "core/groups/", obj{"name": "staff", "attributes": obj{"on": "off", "n": 5}}, 201)["pk"].(string)
	ada := h.addUser("ada", "lovelace-1815")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), obj{"groups": []string{staff}, "attributes": obj{"yes": "no", "big": 12345678901}}, 200)
	h.addApp("wiki", map[string]any{"consent": true})
	h.api("POST", "policies/expression/", obj{"name": "multi", "expression": "# a comment: with *signs*\nx = {'a': 1}\nreturn x['a'] == 1"}, 201)
	for _, file := range []string{"flows-enrollment-email-verification.yaml", "flows-login-conditional-captcha.yaml", "flows-recovery-email-verification.yaml"} {
		h.example(file)
	}
	recovery := h.api("GET", "flows/instances/default-recovery-flow/", nil, 200)["pk"]
	id := h.api("GET", "stages/identification/?name=default-recovery-identification", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	h.api("PATCH", "stages/identification/"+id+"/", obj{"recovery_flow": recovery}, 200)
	out, err := h.s.Export(context.Background())
	if err != nil || out.Note == "" {
		t.Fatal(err)
	}
	for _, secret := range []string{"6LeIxAcTAAAAAGG", "client_secret: ", "PRIVATE KEY"} {
		if !strings.Contains(out.Content, secret) {
			t.Errorf("%s is missing", secret)
		}
	}
	if n := h.count("core/groups/"); n != 2 {
		t.Errorf("reading left something: %d groups", n)
	}
	apply := func(h *house) blueprint.Result {
		t.Helper()
		got, err := h.s.rooms.prints.ApplyText(store.WithActor(t.Context(), store.House), "all", []byte(out.Content), blueprint.Options{})
		if err != nil || !got.OK {
			t.Fatalf("%v\n%s", err, strings.Join(got.Lines(), "\n"))
		}
		return got
	}
	if got := apply(h); got.Created+got.Updated+got.Deleted != 0 {
		t.Errorf("at home: %s", got.Summary())
	}
	if got := apply(other); got.Created < 20 {
		t.Errorf("elsewhere: %s", got.Summary())
	}
	if got := apply(other); got.Created+got.Updated+got.Deleted != 0 {
		t.Errorf("elsewhere once more: %s", got.Summary())
	}
	u := other.api("GET", "core/users/?username=ada", nil, 200)["results"].([]any)[0].(obj)
	if fmt.Sprint(u["attributes"]) != "map[big:1.2345678901e+10 yes:no]" || len(u["groups"].([]any)) != 1 {
		t.Errorf("%v", u)
	}
	if a := other.api("GET", "core/applications/wiki/", nil, 200); a["provider"] == nil {
		t.Errorf("%v", a)
	}
}

// TestSeedKeepsWhatPeopleDid holds that a newer version of the shipped files brings what is new in them, and neither takes back a change nor
// brings back what was deleted.
func TestSeedKeepsWhatPeopleDid(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	if n := h.count("managed/blueprints/"); n != 21 {
		t.Errorf("%d blueprints", n)
	}
	for _, row := range h.api("GET", "managed/blueprints/?page_size=100", nil, 200)["results"].([]any) {
		if b := row.(obj); b["status"] != "successful" || b["enabled"] != true || b["last_applied_hash"] == "" {
			t.Errorf("%v", b)
		}
	}
	pk := func(path string) string {
		t.Helper()
		return h.api("GET", path, nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	}
	h.api("PATCH", "stages/user_login/"+pk("stages/user_login/?name=default-authentication-login")+"/", obj{"session_duration": "hours=1"}, 200)
	h.api("DELETE", "stages/consent/"+pk("stages/consent/?name=default-provider-authorization-consent")+"/", nil, 204)
	h.api("DELETE", "flows/instances/default-source-enrollment/", nil, 204)
	h.api("DELETE", "managed/blueprints/"+pk("managed/blueprints/?name="+url.QueryEscape("Default - Brand"))+"/", nil, 204)
	// Somebody's own object has the name of a new one.
	h.api("DELETE", "policies/expression/"+pk("policies/expression/?name=default-source-authentication-if-sso")+"/", nil, 204)
	h.api("POST", "policies/dummy/", obj{"name": "default-source-authentication-if-sso"}, 201)
	// Gone through once more, this version of the files brings nothing back.
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error { return h.s.rooms.prints.Seed(tx, 4) }); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"managed/blueprints/": 20, "flows/instances/?slug=default-source-enrollment": 0, "stages/consent/": 0} {
		if n := h.count(path); n != want {
			t.Errorf("%s: %d, want %d", path, n, want)
		}
	}
	data := h.data
	h.write(`UPDATE meta SET value = '3' WHERE name = 'seed'`)
	h.stop()
	h = openAt(t, data, true)
	if done, err := seed.Done(t.Context(), h.s.rooms.store); err != nil || !done {
		t.Errorf("%t %v", done, err)
	}
	if s := h.api("GET", "stages/user_login/?name=default-authentication-login", nil, 200)["results"].([]any)[0].(obj); s["session_duration"] != "hours=1" {
		t.Errorf("%v", s)
	}
	for path, want := range map[string]int{
		"stages/consent/": 0, "flows/bindings/?target=" + h.api("GET", "flows/instances/default-provider-authorization-explicit-consent/", nil, 200)["pk"].(string): 0,
		"flows/instances/?slug=default-source-enrollment": 1, "policies/expression/?name=default-source-authentication-if-sso": 0, "policies/dummy/": 1,
		"core/brands/": 1, "events/rules/": 3, "managed/blueprints/": 21,
	} {
		if n := h.count(path); n != want {
			t.Errorf("%s: %d, want %d", path, n, want)
		}
	}
	if s := h.api("GET", "managed/blueprints/?name="+url.QueryEscape("Default - Source authentication flow"), nil, 200)["results"].([]any)[0].(obj)["status"]; s != "warning" {
		t.Errorf("%v", s)
	}
	if !strings.Contains(h.log.String(), "a default object is left out") {
		t.Error("nothing is said of what doesn't fit")
	}
}
