package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/blueprint"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// print keeps a blueprint and applies it with a token; the answer of the application comes back.
func (h *house) print(name, text, token string) answer {
	h.t.Helper()
	pk := h.api("POST", "managed/blueprints/", obj{"name": name, "content": text}, 201)["pk"].(string)
	return h.as(token, "POST", "managed/blueprints/"+pk+"/apply/", "")
}

// why gives what the task of a blueprint says.
func (h *house) why(name string) string {
	h.t.Helper()
	rows := h.api("GET", "events/system_tasks/?name=apply_blueprint&uid="+name, nil, 200)["results"].([]any)
	if len(rows) != 1 {
		return ""
	}
	return rows[0].(obj)["messages"].([]any)[0].(obj)["event"].(string)
}

func (h *house) count(path string) int {
	h.t.Helper()
	return int(h.api("GET", path, nil, 200)["pagination"].(obj)["count"].(float64))
}

const wholeBlueprint = `
version: 1
metadata:
  name: Whole
context:
  prefix: bp
  people: [anna, bert]
entries:
  - model: authentik_core.group
    id: staff
    identifiers: {name: !Format ["%s-staff", !Context prefix]}
    attrs:
      attributes: !Enumerate [!Context people, MAP, [!Value 0, {at: !Index 0}]]
  - model: authentik_core.user
    id: anna
    identifiers: {username: anna}
    attrs: {name: Anna, email: anna@office.lan, groups: [!KeyOf staff], password: anna-and-bert-1}
  - model: Authentik_Stages_Deny.DenyStage
    id: deny
    conditions: [!Context goauthentik.io/enterprise/licensed, !Condition [XOR, !Context prefix, !Context none]]
    identifiers: {name: bp-deny}
    attrs: {deny_message: nobody}
  - model: authentik_stages_deny.denystage
    conditions: [!Context none]
    identifiers: {name: bp-never}
  - model: authentik_flows.flow
    id: flow
    identifiers: {slug: bp-flow}
    attrs: {name: Flow, title: Title, designation: authentication, background: https://office.lan/x.png, template: unknown}
  - model: authentik_flows.flowstagebinding
    id: bind
    identifiers: {target: !KeyOf flow, stage: !KeyOf deny, order: 10}
  - model: authentik_policies_expression.expressionpolicy
    id: policy
    state: created
    identifiers: {name: bp-policy}
    attrs: {expression: return True}
  - model: authentik_policies.policybinding
    identifiers: {target: !KeyOf bind, policy: !KeyOf policy, order: 0}
  - model: authentik_policies.policybinding
    identifiers: {target: !KeyOf flow, group: !Find [authentik_core.group, [name, !Format ["%s-staff", !Context prefix]]], order: 1}
  - model: authentik_core.application
    identifiers: {slug: bp-app}
    attrs: {name: App, icon: /static/a.svg, provider: !KeyOf provider-of-app}
`

// TestBlueprintsApply holds what a blueprint makes, that a second time changes nothing, and that nothing is left of one that fails.
func TestBlueprintsApply(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	whole := strings.Replace(wholeBlueprint, ", provider: !KeyOf provider-of-app", "", 1)
	got := h.print("whole", whole, bootToken).json(t)
	if got["status"] != "successful" || got["last_applied_hash"] == "" || fmt.Sprint(got["metadata"].(obj)["name"]) != "Whole" || len(got["managed_models"].([]any)) != 8 {
		t.Fatalf("%v\n%s", got, h.why("whole"))
	}
	group := h.api("GET", "core/groups/?name=bp-staff", nil, 200)["results"].([]any)[0].(obj)
	if fmt.Sprint(group["attributes"]) != "map[anna:map[at:0] bert:map[at:1]]" || len(group["users"].([]any)) != 1 {
		t.Errorf("%v", group)
	}
	if out := h.browser().signIn("", "anna", "anna-and-bert-1"); out["type"] != "redirect" {
		t.Errorf("%v", out)
	}
	if f := h.api("GET", "flows/instances/bp-flow/", nil, 200); f["background"] != "https://office.lan/x.png" || len(f["stages"].([]any)) != 1 || len(f["policies"].([]any)) != 0 {
		t.Errorf("%v", f)
	}
	if a := h.api("GET", "core/applications/bp-app/", nil, 200); a["meta_icon"] != "/static/a.svg" {
		t.Errorf("%v", a)
	}
	if n := h.count("stages/deny/"); n != 1 {
		t.Errorf("%d stages", n)
	}
	created, updated, set := h.events("model_created"), h.events("model_updated"), h.events("password_set")
	policy := h.api("GET", "policies/expression/?name=bp-policy", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	h.api("PATCH", "policies/expression/"+policy+"/", obj{"expression": "return 5"}, 200)
	again := h.as(bootToken, "POST", "managed/blueprints/"+got["pk"].(string)+"/apply/", "").json(t)
	if again["status"] != "successful" || h.events("model_created") != created || h.events("model_updated") != updated+1 || h.events("password_set") != set {
		t.Errorf("a second time changes something: %v, %d %d %d to %d %d %d", again["status"], created, updated+1, set, h.events("model_created"), h.events("model_updated"), h.events("password_set"))
	}
	if p := h.api("GET", "policies/expression/"+policy+"/", nil, 200); p["expression"] != "return 5" { // state created
		t.Errorf("%v", p)
	}
	// The states, and what is said of entries that can't be done: by the kinds' own rules, with the line.
	for _, tt := range []struct{ entry, does, why string }{
		{"state: absent\n    identifiers: {name: bp-deny}", "0 0 1", ""},
		{"state: absent\n    identifiers: {name: bp-deny}", "0 0 0", ""},
		{"state: must_created\n    identifiers: {name: bp-deny}\n    attrs: {deny_message: a}", "1 0 0", ""},
		{"state: must_created\n    identifiers: {name: bp-deny}", "", `line 2: authentik_stages_deny.denystage "bp-deny": The object is there already.`},
		{"state: !If [!Context x, present, created]\n    identifiers: {name: bp-deny}\n    attrs: {deny_message: b}", "0 0 0", ""},
		{"state: !Format [gone]\n    identifiers: {name: bp-deny}", "", `line 3: authentik_stages_deny.denystage: "gone" is no state`},
		{"identifiers: {name__iexact: BP-DENY}\n    attrs: {deny_message: c}", "0 1 0", ""},
		{"identifiers: {nope: BP-DENY}", "", "line 3: authentik_stages_deny.denystage: nope: Invalid identifier field: nope"},
		{"identifiers: {}", "", "line 2: authentik_stages_deny.denystage: No or invalid identifiers"},
		{"identifiers: {pk: x}", "", `line 3: authentik_stages_deny.denystage: pk: "x" is no key.`},
		{"identifiers: {pk: 0192f000-0000-4000-8000-000000000009, name: bp-deny}", "0 0 0", ""}, // the name finds it
		{"identifiers: {pk: 0192F00000004000800000000000000A}\n    attrs: {name: bp-given}", "1 0 0", ""},
		{"identifiers: {name: x}\n  - model: authentik_stages_dummy.dummystage\n    identifiers: {pk: 0192f000-0000-4000-8000-00000000000a}\n    attrs: {name: other}", "", "pk: This is the key of an object of another kind."},
		{"identifiers: {pk: 0192f000-0000-4000-8000-00000000000a}\n    attrs: {name: bp-deny}", "", `line 4: authentik_stages_deny.denystage: name: This field must be unique.`},
		{"identifiers: {name: x}\n    attrs:\n      deny_message: !Format ['%d', x]", "", `line 5: authentik_stages_deny.denystage "x": !Format: TypeError`},
		{"identifiers: {name: x}\n  - model: authentik_core.user\n    identifiers: {username: x}\n    attrs:\n      type: lord\n      email: x\n      password: short", "", `line 7: authentik_core.user "x": type: "lord" is not a valid choice.`},
		{"identifiers: {name: x}\n  - model: authentik_core.user\n    identifiers: {username: x}\n    attrs: {name: X, password: short}", "", `line 6: authentik_core.user "x": password: Use at least 8 characters.`},
		{"identifiers: {name: x}\n  - model: authentik_policies_expression.expressionpolicy\n    identifiers: {name: x}\n    attrs: {expression: 'return ('}", "", "expression: Expression Syntax Error"},
		{"identifiers: {name: x}\n  - model: authentik_core.token\n    identifiers: {identifier: x, key: a}", "", "key: Invalid identifier field: key"},
		{"identifiers: {name: x}\n  - model: authentik_core.token\n    identifiers: {identifier: x}\n    attrs: {user: !Find [authentik_core.user, [password, x]]}", "", "!Find: password: Invalid identifier field: password"},
		{"identifiers: {name: x}\n  - model: authentik_flows.flow\n    identifiers: {slug: x}\n    attrs: {name: n, title: t, designation: enrollment, background: 'javascript:1'}", "", "background: Give an address"},
		{"identifiers: {name: x}\n    attrs: {deny_message: !Env HOME}", "", "!Env reads the environment of the server"},
		{"identifiers: {name: x}\n  - model: authentik_blueprints.metaapplyblueprint\n    attrs: {identifiers: {name: nothing}}", "", "identifiers: Required blueprint does not exist"},
		{"identifiers: {name: bp-deny}\n  - model: authentik_blueprints.metaapplyblueprint\n    attrs: {identifiers: {name: nothing}, required: false}", "0 0 0", ""},
		{"identifiers: {name: bp-deny}\n  - model: authentik_blueprints.metaapplyblueprint\n    attrs: {identifiers: {name: whole}}", "2 1 0", ""}, // what went with the stage comes back
	} {
		before := h.count("stages/all/")
		out, err := h.s.rooms.prints.ApplyText(store.WithActor(t.Context(), store.Actor{UserPK: 2, Superuser: true}), "x", []byte("entries:\n  - model: authentik_stages_deny.denystage\n    "+tt.entry+"\n"), blueprint.Options{})
		said := strings.Join(out.Lines(), "\n")
		switch {
		case err != nil:
			t.Errorf("%s: %v", tt.entry, err)
		case tt.why != "" && (out.OK || !strings.Contains(said, tt.why)):
			t.Errorf("%s: %s\nwant %s", tt.entry, said, tt.why)
		case tt.why != "" && h.count("stages/all/") != before:
			t.Errorf("%s: something is left of it", tt.entry)
		case tt.why == "" && fmt.Sprint(out.Created, out.Updated, out.Deleted) != tt.does:
			t.Errorf("%s: %d %d %d, want %s: %s", tt.entry, out.Created, out.Updated, out.Deleted, tt.does, said)
		}
	}
	if got := h.print("loop", "entries: [{model: authentik_blueprints.metaapplyblueprint, attrs: {identifiers: {name: loop}, required: false}}]", bootToken).json(t); got["status"] != "error" || !strings.Contains(h.why("loop"), "loop: line 1: authentik_blueprints.metaapplyblueprint \"loop\": Blueprints apply each other in a circle") {
		t.Errorf("%v %s", got["status"], h.why("loop"))
	}
	// All faults of a file at once, and nothing of it: those that only wait for another are not told.
	text := "entries:\n- {model: authentik_core.group, id: g, identifiers: {name: half}}\n- {model: authentik_flows.flow, id: f, identifiers: {slug: half}}\n- {model: authentik_flows.flowstagebinding, identifiers: {target: !KeyOf f, stage: x, order: 1}}\n- {model: authentik_core.group, identifiers: {name: other}, attrs: {parent: 5}}\n"
	refused := h.as(bootToken, "POST", "managed/blueprints/", fmt.Sprintf(`{"name":"half","content":%q}`, text))
	if refused.status != 400 || strings.Count(refused.body, "line ") != 4 || strings.Contains(refused.body, "line 4") || !strings.Contains(refused.body, `line 3: authentik_flows.flow \"half\": title: This field is required.`) || !strings.Contains(refused.body, "line 5") {
		t.Errorf("%d %s", refused.status, refused.body)
	}
	if n := len(h.api("GET", "core/groups/?name=half", nil, 200)["results"].([]any)); n != 0 {
		t.Error("proving it left something")
	}
	wantAnswer(t, h.as(bootToken, "POST", "managed/blueprints/", `{"name":"far","path":"oci://registry.office.lan/x:1"}`), 201, "")
	far := h.api("GET", "managed/blueprints/?name=far", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	if a := h.as(bootToken, "POST", "managed/blueprints/"+far+"/apply/", ""); a.status != 400 || !strings.Contains(a.body, "does not fetch blueprints from a registry") {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.api("PATCH", "managed/blueprints/"+got["pk"].(string)+"/", obj{"enabled": false, "context": obj{"prefix": "off"}}, 200)
	if again := h.as(bootToken, "POST", "managed/blueprints/"+got["pk"].(string)+"/apply/", "").json(t); again["enabled"] != false || h.count("core/groups/?name=off-staff") != 0 {
		t.Error("one that is off was applied")
	}
}

// TestBlueprintsRights holds that a blueprint does nothing for somebody that the API would not let them do.
func TestBlueprintsRights(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	dora := h.addUser("dora", "delegated-1999")
	doras := h.tokenOf(dora, "of-dora", "api")
	h.grants(dora, "authentik_blueprints.view_blueprintinstance", "authentik_blueprints.add_blueprintinstance", "authentik_blueprints.change_blueprintinstance", "authentik_core.add_group", "authentik_core.view_group",
		"authentik_core.add_user", "authentik_core.change_user", "authentik_core.view_user", "authentik_core.add_token")
	wiki := h.addApp("wiki", nil)
	h.addApp("chat", nil)
	h.grants(dora, "authentik_providers_oauth2.view_oauth2provider")
	admins := h.api("GET", "core/groups/?name="+url.QueryEscape("authentik Admins"), nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	for i, tt := range []struct{ entry, why string }{
		{"model: authentik_core.group, identifiers: {name: dora-made}", ""},
		{"model: authentik_core.group, identifiers: {name: dora-super}, attrs: {is_superuser: true}", "Only a superuser can make a group of superusers."},
		{"model: authentik_core.group, identifiers: {name: dora-made}, attrs: {attributes: {a: 1}}", "permission"},
		{"model: authentik_core.group, state: absent, identifiers: {name: dora-made}", "permission"},
		{"model: authentik_core.user, identifiers: {username: dora}, attrs: {groups: [" + admins + "]}", "superuser"},
		{"model: authentik_core.user, identifiers: {username: akadmin}, attrs: {password: taken-over-1999}", "Only a superuser's blueprint sets passwords."},
		{"model: authentik_core.user, identifiers: {username: robot}, attrs: {name: r, type: internal_service_account}", "internal service account"},
		{"model: authentik_core.token, identifiers: {identifier: dora-key}, attrs: {key: known-to-dora-0123456789}", "Only a superuser's blueprint sets keys of tokens."},
		{"model: authentik_stages_deny.denystage, identifiers: {name: dora-deny}", "permission"},
		{"model: authentik_rbac.role, identifiers: {name: dora-role}", "permission"},
		// Whether a file is right about what she may not look at, or may not know, is not told.
		{"model: authentik_core.application, identifiers: {slug: wiki}", "permission"},
		{"model: authentik_core.application, state: created, identifiers: {slug: wiki}", "permission"},
		{"model: authentik_providers_oauth2.oauth2provider, identifiers: {client_id: " + wiki.id + "}", ""},
		{"model: authentik_providers_oauth2.oauth2provider, identifiers: {client_id: " + wiki.id + "}, attrs: {client_secret: " + wiki.secret + "}", "permission"},
		{"model: authentik_core.group, identifiers: {name: found}, attrs: {attributes: {flow: !Find [authentik_flows.flow, [slug, default-authentication-flow]]}}", ""},
		{"model: authentik_core.group, identifiers: {name: env}, attrs: {attributes: {home: !Env HOME}}", "!Env"},
	} {
		name := fmt.Sprintf("dora-%d", i)
		text := "entries: [{" + tt.entry + "}]"
		a := h.as(doras, "POST", "managed/blueprints/", fmt.Sprintf(`{"name":%q,"content":%q}`, name, text))
		if a.status == 201 {
			a = h.as(doras, "POST", "managed/blueprints/"+a.json(t)["pk"].(string)+"/apply/", "")
		}
		switch {
		case tt.why == "" && (a.status != 200 || a.json(t)["status"] != "successful"):
			t.Errorf("%s: %d %s", tt.entry, a.status, a.body)
		case tt.why != "" && (a.status != 403 && a.status != 400 || !strings.Contains(a.body, tt.why)):
			t.Errorf("%s: %d %s, want %s", tt.entry, a.status, a.body, tt.why)
		}
	}
	// What one may not look at is not found.
	if g := h.api("GET", "core/groups/?name=found", nil, 200)["results"].([]any)[0].(obj); fmt.Sprint(g["attributes"]) != "map[flow:<nil>]" {
		t.Errorf("%v", g["attributes"])
	}
	if h.count("core/groups/?name=dora-super")+h.count("stages/deny/")+h.count("core/tokens/?identifier=dora-key") != 0 {
		t.Error("something is left")
	}
	if out := h.browser().signIn("", "akadmin", bootPassword); out["type"] != "redirect" {
		t.Errorf("the admin's password is another: %v", out)
	}
	// The house applies by itself nothing that she wrote: another blueprint of the folder can't be made to.
	a := h.as(doras, "POST", "managed/blueprints/", `{"name":"trap","content":"entries: [{model: authentik_core.group, identifiers: {name: trapped}}]"}`)
	wantAnswer(t, a, 201, "")
	out, err := h.s.rooms.prints.ApplyText(store.WithActor(t.Context(), store.House), "x", []byte("entries: [{model: authentik_blueprints.metaapplyblueprint, attrs: {identifiers: {name: trap}}}]"), blueprint.Options{})
	if err != nil || out.OK || h.count("core/groups/?name=trapped") != 0 {
		t.Errorf("%v %v", out, err)
	}
	// An import of a flow is for flows.
	h.grants(dora, "authentik_flows.add_flow", "authentik_flows.change_flow", "authentik_flows.add_flowstagebinding", "authentik_flows.change_flowstagebinding", "authentik_flows.add_stage", "authentik_flows.change_stage", "authentik_policies.add_policy",
		"authentik_policies.change_policy", "authentik_policies.add_policybinding", "authentik_policies.change_policybinding", "authentik_stages_prompt.add_prompt", "authentik_stages_prompt.change_prompt")
	in := h.upload(t, doras, "flows/instances/import/", nil, "entries:\n- {model: authentik_stages_deny.denystage, identifiers: {name: by-dora}}\n- {model: authentik_rbac.role, identifiers: {name: by-dora}}\n")
	if in.status != 200 || in.json(t)["success"] != false || !strings.Contains(in.body, "line 3") || strings.Contains(in.body, "line 2") || h.count("stages/deny/") != 0 {
		t.Errorf("%d %s", in.status, in.body)
	}
	in = h.upload(t, doras, "flows/instances/import/", nil, "entries:\n- {model: authentik_stages_deny.denystage, identifiers: {name: by-dora}}\n")
	if in.status != 200 || in.json(t)["success"] != true || h.count("stages/deny/") != 1 {
		t.Errorf("%d %s", in.status, in.body)
	}
}

// TestBlueprintsFolder holds what is done with files of the folder: found, applied, applied again when they change, marked when they go.
func TestBlueprintsFolder(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	dir := filepath.Join(data, "blueprints")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	group := func(name string) string {
		return "metadata: {name: " + name + "}\nentries: [{model: authentik_core.group, identifiers: {name: " + name + "}, attrs: {attributes: {path: !Env PATH}}}]"
	}
	write("a.yaml", group("of-a"))
	write("sub/b.yaml", strings.Replace(group("of-b"), "of-b}", "of-b, labels: {blueprints.goauthentik.io/instantiate: 'false'}}", 1))
	write(".git/c.yaml", group("of-c"))
	write("bad.yaml", "entries: 1")
	write("default/default-brand.yaml", group("of-brand"))
	write("text.txt", group("of-text"))
	if err := os.WriteFile(filepath.Join(data, "secret.yaml"), []byte(group("of-secret")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	h := openAt(t, data, true)
	wait := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("waited in vain: " + what)
			}
		}
	}
	status := func(name string) any {
		for _, row := range h.api("GET", "managed/blueprints/?name="+url.QueryEscape(name), nil, 200)["results"].([]any) {
			return row.(obj)["status"]
		}
		return nil
	}
	again := func() {
		t.Helper()
		row := h.api("GET", "events/system_tasks/?name=blueprints_discovery", nil, 200)["results"].([]any)[0].(obj)
		h.api("POST", "events/system_tasks/"+row["uuid"].(string)+"/run/", nil, 204)
	}
	wait("the file is applied at the start", func() bool { return status("of-a") == "successful" })
	g := h.api("GET", "core/groups/?name=of-a", nil, 200)["results"].([]any)[0].(obj)
	if g["attributes"].(obj)["path"] != os.Getenv("PATH") {
		t.Errorf("%v", g["attributes"])
	}
	if c := h.lastEvent("custom_blueprint")["context"].(obj); c["blueprint"] != "of-a" || c["created"] != 1.0 {
		t.Errorf("%v", c)
	}
	for _, name := range []string{"of-b", "of-c", "of-brand", "of-text", "of-secret"} {
		if h.count("core/groups/?name="+name) != 0 {
			t.Errorf("%s was applied", name)
		}
	}
	files := map[string]bool{}
	for _, f := range h.list(t, bootToken, "managed/blueprints/available/") {
		files[f["path"].(string)] = true
		if f["path"] == "a.yaml" && (f["meta"].(obj)["name"] != "of-a" || len(f["hash"].(string)) != 128) {
			t.Errorf("%v", f)
		}
	}
	for path, want := range map[string]bool{
		"a.yaml": true, "sub/b.yaml": true, "bad.yaml": true, "default/default-brand.yaml": true, "example/flows-unenrollment.yaml": true, "system/providers-saml.yaml": true, "link.yaml": false, ".git/c.yaml": false,
		"text.txt": false, "default/flow-oobe.yaml": false,
	} {
		if files[path] != want {
			t.Errorf("%s is available: %t", path, !want)
		}
	}
	for _, path := range []string{"../secret.yaml", "link.yaml", data + "/secret.yaml", "sub/../a.yaml", ".git/c.yaml", "nothing.yaml", "text.txt", "a.yaml/", "default"} {
		if a := h.as(bootToken, "POST", "managed/blueprints/", fmt.Sprintf(`{"name":"x","path":%q}`, path)); a.status != 400 || !strings.Contains(a.body, "path") {
			t.Errorf("%q: %d %s", path, a.status, a.body)
		}
	}
	// One that is no blueprint is told, not kept.
	row := h.api("GET", "events/system_tasks/?name=blueprints_discovery", nil, 200)["results"].([]any)[0].(obj)
	if said := fmt.Sprint(row["messages"]); row["status"] != "successful" || !strings.Contains(said, "bad.yaml is no blueprint: line 1: entries has to be a list.") || !strings.Contains(said, "default/default-brand.yaml has the path") || !strings.Contains(said, "link.yaml can't be read") {
		t.Errorf("%v", row)
	}
	// An example is applied on request, then also when its file changes.
	h.api("POST", "managed/blueprints/", obj{"name": "mine", "path": "sub/b.yaml"}, 201)
	again()
	if h.count("core/groups/?name=of-b") != 0 {
		t.Error("an example is applied by itself")
	}
	write("a.yaml", strings.Replace(group("of-a"), "!Env PATH", "changed", 1))
	again()
	if g := h.api("GET", "core/groups/?name=of-a", nil, 200)["results"].([]any)[0].(obj); g["attributes"].(obj)["path"] != "changed" {
		t.Errorf("%v", g["attributes"])
	}
	write("a.yaml", "entries: [{model: authentik_core.group, identifiers: {name: of-a}, attrs: {parent: 5}}]")
	again()
	if status("of-a") != "error" || !strings.Contains(h.why("of-a"), `line 1: authentik_core.group "of-a": parent: `) {
		t.Errorf("%v %s", status("of-a"), h.why("of-a"))
	}
	write("a.yaml", group("of-a"))
	again()
	if status("of-a") != "successful" || h.why("of-a") != "" {
		t.Errorf("%v %s", status("of-a"), h.why("of-a"))
	}
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	row = h.api("GET", "events/system_tasks/?name=clear_failed_blueprints", nil, 200)["results"].([]any)[0].(obj)
	h.api("POST", "events/system_tasks/"+row["uuid"].(string)+"/run/", nil, 204)
	if status("of-a") != "orphaned" || h.count("core/groups/?name=of-a") != 1 {
		t.Errorf("%v", status("of-a"))
	}
	// What somebody set up who is no superuser waits for somebody who applies it.
	dora := h.addUser("dora", "delegated-1999")
	h.grants(dora, "authentik_blueprints.add_blueprintinstance")
	write("d.yaml", strings.Replace(group("of-d"), "of-d}", "of-d, labels: {blueprints.goauthentik.io/instantiate: 'false'}}", 1))
	h.as(h.tokenOf(dora, "of-dora", "api"), "POST", "managed/blueprints/", `{"name":"of-dora","path":"d.yaml"}`)
	write("d.yaml", group("of-d"))
	again()
	if status("of-dora") != "warning" || h.count("core/groups/?name=of-d") != 0 {
		t.Errorf("%v", status("of-dora"))
	}
}

// TestBlueprintSchema holds the schema of the file format: every model that may stand in a file, fields with the types that keys have.
func TestBlueprintSchema(t *testing.T) {
	t.Parallel()
	b, err := BlueprintSchema()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Defs map[string]struct {
			Properties map[string]obj
		} `json:"$defs"`
		Properties obj
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, model := range kind.Models() {
		if got.Defs[model].Properties == nil {
			t.Errorf("%s is missing", model)
		}
	}
	if n := len(got.Properties["entries"].(obj)["items"].(obj)["oneOf"].([]any)); n != len(kind.Models())+1 {
		t.Errorf("%d entries", n)
	}
	for path, want := range map[string]string{
		"authentik_core.application provider": "map[type:[integer null]]", "authentik_core.user groups": "map[items:map[format:uuid type:string] type:array]", "authentik_core.group users": "map[items:map[type:integer] type:array]",
		"authentik_flows.flowstagebinding target": "map[format:uuid type:string]", "authentik_policies.policybinding target": "map[format:uuid type:string]", "authentik_core.user password": "map[minLength:1 type:string]",
		"authentik_core.user attributes": "map[type:object]", "authentik_core.token key": "map[minLength:1 type:string]",
	} {
		model, field, _ := strings.Cut(path, " ")
		if p := got.Defs[model].Properties[field]; fmt.Sprint(p) != want {
			t.Errorf("%s: %v, want %s", path, p, want)
		}
	}
	for model, setting := range map[string]string{
		"authentik_providers_oauth2.oauth2provider": "resources", "authentik_providers_saml.samlprovider": "encryption_kp", "authentik_providers_scim.scimprovider": "method", "authentik_sources_saml.samlsource": "further_verification_kps",
	} {
		if p := got.Defs[model].Properties["gatehouse"]; p["additionalProperties"] != false || p["properties"].(obj)[setting] == nil {
			t.Errorf("%s: %v", model, p)
		}
	}
	if p := got.Defs["authentik_flows.flow"].Properties; p["slug"]["pattern"] != "^[-a-zA-Z0-9_]+$" || p["slug"]["maxLength"] != 50. || len(p["layout"]["enum"].([]any)) != 5 || p["pk"] != nil || p["stages"] != nil || p["background"] == nil {
		t.Errorf("%v", p)
	}
}
