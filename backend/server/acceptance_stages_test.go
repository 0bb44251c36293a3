package server

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/mail/mailtest"
)

// The checks of docs/acceptance.md that are about stages, where it takes the whole house to show them: real expressions, mails, stored consents.

// prompt makes a prompt and gives its key.
func (h *house) prompt(key, typ string, more obj) string {
	h.t.Helper()
	body := obj{"name": key, "field_key": key, "label": key, "type": typ}
	for k, v := range more {
		body[k] = v
	}
	return h.api("POST", "stages/prompt/prompts/", body, 201)["pk"].(string)
}

// asks makes a stage that asks for prompts.
func asks(name string, prompts ...string) [2]any {
	return [2]any{"prompt/stages", obj{"name": name, "fields": prompts}}
}

// What admins are used to write into policies does in a flow what they expect of it.
func TestExpressionsThatSteerFlows(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	adas := h.signedIn("ada", "lovelace-1815") // before she has a second factor
	h.devicesOf(ada)
	staff := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	word := h.prompt("word", "text", nil)
	for i, tt := range []struct {
		name, at, text string // at: the flow, or the number of the stage that the expression is bound to
		who            string
		answer         obj
		want           string
	}{
		{"on to elsewhere", "1", "context['flow_plan'].redirect('https://elsewhere.office.lan/x')\nreturn False", "", obj{"word": "a"}, "https://elsewhere.office.lan/x"},
		{"where it ends", "1", "context['flow_plan'].context['redirect'] = '/somewhere'\nreturn False", "", obj{"word": "a"}, "/somewhere"},
		{"not for who is signed in: nobody", "flow", "return not request.user.is_authenticated", "", nil, "ak-stage-prompt"},
		{"not for who is signed in: ada", "flow", "return not request.user.is_authenticated", "ada", nil, "/"},
		{"what was typed: left out", "1", "return context['prompt_data']['word'] == 'more'", "", obj{"word": "less"}, "/"},
		{"what was typed: asked", "1", "return context['prompt_data']['word'] == 'more'", "", obj{"word": "more"}, "dummy"},
		{"no step for who has a key: ada", "1", "return not ak_user_has_authenticator(request.user, 'webauthn')", "ada", obj{"word": "a"}, "/"},
		{"no step for who has a key: another", "1", "return not ak_user_has_authenticator(request.user, 'webauthn')", "akadmin", obj{"word": "a"}, "dummy"},
		{"by the models", "1", "from authentik.stages.authenticator_duo.models import DuoDevice\nreturn DuoDevice.objects.filter(user=request.user, confirmed=True).exists()", "ada", obj{"word": "a"}, "dummy"},
		{"addresses that are near", "0", "return ak_client_ip in ip_network('127.0.0.0/8')", "", nil, "ak-stage-prompt"},
		{"addresses that are not", "0", "return ak_client_ip in ip_network('10.0.0.0/8')", "", nil, "dummy"},
		{"another text for a refusal", "2", "context['flow_plan'].context['deny_message'] = 'Not like this.'\nreturn True", "", obj{"word": "a"}, "Not like this."},
		{"why is not told of a step", "1", "ak_message('secret reason')\nreturn False", "", obj{"word": "a"}, "/"},
	} {
		slug := fmt.Sprint("steer-", i)
		stages := [][2]any{asks(slug, word), {"dummy", obj{"name": slug + " dummy"}}}
		if tt.at == "2" {
			stages = [][2]any{stages[0], {"deny", obj{"name": slug + " deny", "deny_message": "No."}}}
		}
		pk := h.flowOf(slug, "enrollment", obj{"denied_action": "continue"}, stages...)
		target := pk
		if tt.at != "flow" {
			target = h.bindings(pk)[min(1, int(tt.at[0]-'0'))]
		}
		h.bound(target, slug, tt.text)
		b := h.browser()
		switch tt.who {
		case "ada":
			b = adas
		case "akadmin":
			b = h.signedIn("akadmin", bootPassword)
		}
		out := b.flow(running(slug), nil)
		if tt.answer != nil {
			out = b.flow(running(slug), tt.answer)
		}
		if got := strings.TrimPrefix(seen(out), slug+" "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	// Groups by what somebody is; addresses that are allowed, and used once.
	pk := h.flowOf("join", "enrollment", nil, asks("join", h.prompt("username", "username", nil), h.prompt("email", "email", nil)), [2]any{"user_write", obj{"name": "join write"}})
	h.bound(h.bindings(pk)[1], "groups", "from authentik.core.models import Group\ncontext['flow_plan'].context['groups'] = [Group.objects.get(name='staff')]\nreturn True")
	var checks []any
	for name, text := range map[string]string{
		"domain": "if not context['prompt_data']['email'].endswith('@office.lan'):\n    ak_message('Use the address of the office.')\n    return False\nreturn True",
		"once":   "from authentik.core.models import User\nif User.objects.filter(email=context['prompt_data']['email']).exists():\n    ak_message('Somebody has this address.')\n    return False\nreturn True",
	} {
		checks = append(checks, h.api("POST", "policies/expression/", obj{"name": name, "expression": text}, 201)["pk"])
	}
	h.api("PATCH", "stages/prompt/stages/"+h.rows(t, bootToken, "stages/prompt/stages/?name=join")[0]["pk"].(string)+"/", obj{"validation_policies": checks}, 200)
	b := h.browser()
	for email, want := range map[string]string{"emma@elsewhere.lan": "Use the address of the office. (invalid)", "ada@office.lan": "Somebody has this address. (invalid)"} {
		if got := problem(b.flow(running("join"), obj{"username": "emma", "email": email}), "non_field_errors"); got != want {
			t.Errorf("%s: %q", email, got)
		}
	}
	if got := seen(b.flow(running("join"), obj{"username": "emma", "email": "emma@office.lan"})); got != "/" {
		t.Fatal(got)
	}
	if u := h.rows(t, bootToken, "core/users/?username=emma")[0]; len(u["groups"].([]any)) != 1 || u["groups"].([]any)[0] != staff {
		t.Errorf("%v", u)
	}
	if h.events("policy_exception") != 0 {
		t.Errorf("%v", h.lastEvent("policy_exception"))
	}
}

// A prompt shows what is known before what an expression says, and one whose expression fails is shown all the same.
func TestPromptsWithExpressions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	fails := obj{"initial_value": "return 1/0", "initial_value_expression": true, "placeholder": "return nothing", "placeholder_expression": true}
	name := h.prompt("name", "text", fails)
	h.flowOf("join", "enrollment", nil, [2]any{"invitation/stages", obj{"name": "invited", "continue_flow_without_invitation": true}},
		asks("join", name, h.prompt("size", "dropdown", obj{"order": 1, "placeholder": "return ['S', prompt_context.get('name', 'M')]", "placeholder_expression": true, "initial_value": "XXL"})), [2]any{"dummy", obj{"name": "then"}})
	itoken := h.api("POST", "stages/invitation/invitations/", obj{"name": "ada", "fixed_data": obj{"name": "Ada"}}, 201)["pk"].(string)
	fields := func(query string) []any { return h.browser().flow(steps("join", query), nil)["fields"].([]any) }
	before := h.events("property_mapping_exception")
	known := fields("itoken=" + itoken)
	if f := known[0].(obj); f["initial_value"] != "Ada" || f["placeholder"] != "return nothing" {
		t.Errorf("%v", f)
	}
	if n := h.events("property_mapping_exception"); n != before+1 { // of the placeholder: what is known is not asked for
		t.Errorf("%d expressions failed", n-before)
	}
	if e := h.lastEvent("property_mapping_exception")["context"].(obj); e["expression"] != "return nothing" || !strings.Contains(fmt.Sprint(e["message"]), "NameError") {
		t.Errorf("%v", e)
	}
	if f := known[1].(obj); fmt.Sprint(f["choices"]) != "[S Ada]" || f["initial_value"] != "S" || f["placeholder"] != "" {
		t.Errorf("%v", f)
	}
	if f := fields("")[0].(obj); f["initial_value"] != "return 1/0" {
		t.Errorf("%v", f)
	}
	if n := h.events("property_mapping_exception"); n != before+3 {
		t.Errorf("%d expressions failed", n-before)
	}
	// A preview shows it to who writes it, and says what is wrong with it.
	for text, want := range map[string]string{"return user.username": "akadmin", "return prompt_context": "{}", "return None": ""} {
		out := h.api("POST", "stages/prompt/prompts/preview/", obj{"name": "p", "field_key": "p", "label": "P", "type": "text", "initial_value": text, "initial_value_expression": true}, 200)
		if f := out["fields"].([]any)[0].(obj); out["component"] != "ak-stage-prompt" || f["initial_value"] != want {
			t.Errorf("%s: %v", text, out)
		}
	}
	out := h.api("POST", "stages/prompt/prompts/preview/", obj{"name": "p", "field_key": "p", "label": "P", "type": "text", "initial_value": "x = 1\nreturn 1/0", "initial_value_expression": true}, 400)
	if said := fmt.Sprint(out["non_field_errors"]); !strings.Contains(said, "division by zero") || !strings.Contains(said, "line 2") {
		t.Errorf("%v", out)
	}
	if n := h.events("property_mapping_exception"); n != before+3 {
		t.Error("a preview that fails is told in the audit log")
	}
	// Read-only and fixed fields hold what they held, whatever is sent; two passwords have to be the same.
	h.flowOf("fixed", "enrollment", nil, asks("fixed", h.prompt("kind", "hidden", obj{"initial_value": "guest"}), h.prompt("house", "static", obj{"placeholder": "Gatehouse"}), h.prompt("shown", "text_read_only", obj{"initial_value": "stays"}),
		h.prompt("password", "password", nil), h.prompt("password_repeat", "password", nil)), [2]any{"dummy", obj{"name": "fixed then"}})
	b := h.signedIn("akadmin", bootPassword)
	sent := obj{"kind": "admin", "house": "mine", "shown": "changed", "password": "a-long-word-1", "password_repeat": "a-long-word-2", "is_superuser": true}
	if got := problem(b.flow(running("fixed"), sent), "non_field_errors"); got != "Passwords don't match. (invalid)" {
		t.Errorf("%q", got)
	}
	sent["password_repeat"] = "a-long-word-1"
	b.flow(running("fixed"), sent)
	data := b.get("/api/v3/flows/inspector/fixed/").json(t)["current_plan"].(obj)["plan_context"].(obj)["prompt_data"].(obj)
	if data["kind"] != "guest" || data["house"] != "Gatehouse" || data["shown"] != "stays" || data["password"] != "********************" || data["is_superuser"] != nil {
		t.Errorf("%v", data)
	}
}

// Mails of flows are in the language that their reader chose, go where a policy says, and links in them lead back with what the page was
// opened with.
func TestMailsOfFlows(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	if err := os.MkdirAll(filepath.Join(data, "languages"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "languages", "de.json"), []byte(`{"mail":{"password_reset":{"title":"Neues Kennwort","button":"Kennwort wählen"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h, s := openAt(t, data, true), mailtest.Start(t, mailtest.Options{})
	h.api("PUT", "gatehouse/mail/", obj{"host": s.Host, "port": s.Port, "security": "none", "from_address": "gatehouse@office.lan"}, 200)
	ada := h.addUser("ada", "lovelace-1815")
	h.addUser("bob", "builder-1999")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), obj{"attributes": obj{"settings": obj{"locale": "de"}}}, 200)
	pk := h.flowOf("back", "recovery", nil, [2]any{"identification", obj{"name": "who", "user_fields": []string{"username"}, "pretend_user_exists": true}},
		[2]any{"email", obj{"name": "mail", "use_global_settings": true, "subject": "Back in"}}, [2]any{"dummy", obj{"name": "in"}})
	h.bound(h.bindings(pk)[1], "where to", "if context['pending_user'].username == 'bob':\n    context['flow_plan'].context['email'] = 'other@office.lan'\nreturn True")
	sent := 0
	for _, tt := range []struct{ who, to, want, not string }{
		{"ada", "ada@office.lan", "Neues Kennwort", "Choose a new password"}, {"nobody-at-all", "", "", ""}, {"bob", "other@office.lan", "Choose a new password", "Kennwort"},
	} {
		b, at := h.browser(), steps("back", "next=%2Fhere%3Fa%3Db")
		if out := b.flow(at, obj{"uid_field": tt.who}); out["component"] != "ak-stage-email" {
			t.Fatalf("%s: %v", tt.who, out)
		}
		if tt.to == "" {
			continue
		}
		sent++
		m := s.Wait(t, sent)[sent-1]
		page, text := m.Part(t, "text/html"), m.Part(t, "text/plain")
		if !slices.Equal(m.To, []string{tt.to}) || m.Header("Subject") != "Back in" || !strings.Contains(page, tt.want) || strings.Contains(page, tt.not) || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %v %s\n%s", tt.who, m.To, m.Header("Subject"), text)
		}
		link, err := url.ParseQuery(linkIn(t, s, sent) + "&")
		if err != nil || !strings.Contains(text, "next=%2Fhere%3Fa%3Db") || strings.Contains(text, "&amp;") || !strings.Contains(page, "&amp;flow_token=") {
			t.Errorf("%s: %v %s", tt.who, err, text)
		}
		other := h.browser()
		if out := other.flow(steps("back", "next=%2Fhere%3Fa%3Db&flow_token="+link.Get("flow_token")), nil); seen(out) != "in" {
			t.Errorf("%s: the link leads to %v", tt.who, out)
		}
		if out := other.flow(at, obj{}); out["to"] != "/here?a=b" {
			t.Errorf("%s: %v", tt.who, out)
		}
		if out := h.browser().flow(steps("back", "flow_token="+link.Get("flow_token")), nil); out["component"] != "ak-stage-identification" {
			t.Errorf("%s: the link again: %v", tt.who, out)
		}
	}
}

// People see and withdraw their own consents; a withdrawn one is asked for again.
func TestConsentsOfPeople(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	h.addUser("bob", "builder-1999")
	wiki := h.addApp("wiki", map[string]any{"consent": true})
	adas, bobs := h.signedIn("ada", "lovelace-1815"), h.signedIn("bob", "builder-1999")
	for _, b := range []*browser{adas, bobs} {
		if b.code(wiki.authorize("scope", "openid email")).Get("code") == "" {
			t.Fatal("no code")
		}
	}
	own := func(b *browser) []any {
		t.Helper()
		return b.get("/api/v3/core/user_consent/").json(t)["results"].([]any)
	}
	hers := own(adas)
	if len(hers) != 1 || len(own(bobs)) != 1 || h.count("core/user_consent/") != 2 {
		t.Fatalf("%v", hers)
	}
	c := hers[0].(obj)
	if c["user"].(obj)["username"] != "ada" || c["application"].(obj)["slug"] != "wiki" || c["permissions"] != "email" || c["expires"] == nil {
		t.Errorf("%v %v %v", c["user"], c["permissions"], c["expires"])
	}
	at := fmt.Sprintf("/api/v3/core/user_consent/%v/", c["pk"])
	for _, method := range []string{"GET", "DELETE"} {
		if a := bobs.do(method, at, "", ""); a.status != 404 {
			t.Errorf("%s by bob: %d", method, a.status)
		}
	}
	if adas.leads(wiki.authorize("scope", "openid email")) != nil {
		t.Error("asked again for the same")
	}
	if adas.leads(wiki.authorize("scope", "openid email profile")) == nil {
		t.Error("more is not asked for")
	}
	if a := adas.do("DELETE", at, "", ""); a.status != 204 || len(own(adas)) != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if adas.leads(wiki.authorize("scope", "openid email")) == nil {
		t.Error("a withdrawn consent counts")
	}
}

// A person deletes what they sign in with, and the log tells it; with an account their events go, when the settings ask for it.
func TestWhatGoesWithPeople(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	device := h.devicesOf(ada)["static"]
	key := h.tokenOf(ada, "of-ada", "api")
	if a := h.as(key, "DELETE", fmt.Sprintf("authenticators/static/%d/", device), ""); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if e := h.lastEvent("custom_static_authenticator_disable"); e["user"].(obj)["username"] != "ada" || !strings.Contains(fmt.Sprint(e["context"]), "User disabled Static OTP Tokens.") {
		t.Errorf("%v", e)
	}
	for _, forget := range []bool{false, true} {
		h.api("PATCH", "admin/settings/", obj{"gdpr_compliance": forget}, 200)
		name := fmt.Sprint("leaves-", forget)
		pk := h.addUser(name, "leaver-1999-1")
		h.signedIn(name, "leaver-1999-1")
		mine := func() int { return h.count("events/events/?username=" + name) }
		before := mine()
		h.api("DELETE", fmt.Sprintf("core/users/%d/", pk), nil, 204)
		if after := mine(); before == 0 || (after == 0) != forget {
			t.Errorf("%s: %d events before, %d after", name, before, after)
		}
		if h.lastEvent("model_deleted")["user"].(obj)["username"] != "akadmin" {
			t.Errorf("%v", h.lastEvent("model_deleted"))
		}
	}
}
