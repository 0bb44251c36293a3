package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestShippedExpressions runs every expression that the house comes with and holds its described result (protocols.md 1.7, 2.10, 3.3, 9.1;
// flows.md 3.4).
func TestShippedExpressions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	staff := h.api("POST", "core/groups/", map[string]any{"name": "Staff", "attributes": map[string]any{"quota": 5}}, 201)["pk"].(string)
	ada := h.addUser("ada", "lovelace-1815")
	me := h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), map[string]any{
		"name": "Ada King Lovelace", "email": "ada@office.lan", "groups": []string{staff}, "attributes": map[string]any{"upn": "ada@corp.lan", "settings": map[string]any{"locale": "de"}},
	}, 200)
	source := h.api("POST", "sources/ldap/", map[string]any{"name": "AD", "slug": "ad", "server_uri": "ldap://ad.office.lan", "base_dn": "dc=office,dc=lan"}, 201)["pk"]
	group := h.api("GET", "core/groups/?name=Staff", nil, 200)["results"].([]any)[0].(map[string]any)["pk"]
	entry := map[string]any{
		"ldap": map[string]any{"name": "Ada", "mail": "ada@ad.lan", "sAMAccountName": "ada", "userPrincipalName": []any{"ada@ad.lan"}, "givenName": []any{"Ada", "A"}, "sn": []any{}, "uid": "ada", "cn": "Ada L"},
		"dn":   "CN=Ada,OU=Sales,OU=Berlin,DC=office,DC=lan", "source": map[string]any{"model": "authentik_sources_ldap.ldapsource", "pk": source},
	}
	const g = "goauthentik.io/"
	want := map[string]string{
		g + "providers/oauth2/scope-openid":         `{}`,
		g + "providers/oauth2/scope-email":          `{"email":"ada@office.lan","email_verified":true}`,
		g + "providers/oauth2/scope-profile":        `{"given_name":"Ada King Lovelace","groups":["Staff"],"name":"Ada King Lovelace","nickname":"ada","preferred_username":"ada"}`,
		g + "providers/oauth2/scope-offline_access": `{}`,
		g + "providers/oauth2/scope-authentik_api":  `{}`,
		g + "providers/proxy/scope-proxy":           `{"ak_proxy":{"is_superuser":false,"user_attributes":{"quota":5,"settings":{"locale":"de"},"upn":"ada@corp.lan"}},"sid":null}`,
		g + "providers/saml/upn":                    `"ada@corp.lan"`,
		g + "providers/saml/name":                   `"Ada King Lovelace"`,
		g + "providers/saml/email":                  `"ada@office.lan"`,
		g + "providers/saml/username":               `"ada"`,
		g + "providers/saml/uid":                    fmt.Sprint(ada),
		g + "providers/saml/groups":                 `["Staff"]`,
		g + "providers/saml/ms-windowsaccountname":  `"ada"`,
		g + "providers/scim/user":                   `{"active":true,"displayName":"Ada King Lovelace","emails":[{"primary":true,"type":"other","value":"ada@office.lan"}],"locale":"de","name":{"familyName":"King Lovelace","formatted":"Ada King Lovelace","givenName":"Ada"},"photos":null,"userName":"ada"}`,
		g + "providers/scim/group":                  `{"displayName":"Staff"}`,
		g + "sources/ldap/default-dn-path":          `"goauthentik.io/sources/ad/Berlin/Sales"`,
		g + "sources/ldap/default-name":             `"Ada"`,
		g + "sources/ldap/default-mail":             `"ada@ad.lan"`,
		g + "sources/ldap/ms-samaccountname":        `"ada"`,
		g + "sources/ldap/ms-userprincipalname":     `"ada@ad.lan"`,
		g + "sources/ldap/ms-givenName":             `"Ada"`,
		g + "sources/ldap/ms-sn":                    `null`,
		g + "sources/ldap/openldap-uid":             `"ada"`,
		g + "sources/ldap/openldap-cn":              `"Ada L"`,
		g + "providers/rac/rdp-default":             "", // fixed settings, no expression
		g + "providers/rac/rdp-high-fidelity":       "",
		g + "providers/rac/ssh-default":             "",
	}
	h.api("PATCH", "admin/settings/", map[string]any{"avatars": "initials"}, 200)
	for _, row := range h.api("GET", "propertymappings/all/?page_size=100", nil, 200)["results"].([]any) {
		m := row.(map[string]any)
		managed, _ := m["managed"].(string)
		w, ok := want[managed]
		if !ok {
			t.Errorf("%s (%v) is not in this table", m["name"], m["managed"])
			continue
		}
		delete(want, managed)
		if w == "" {
			continue
		}
		context := map[string]any{}
		switch {
		case strings.Contains(managed, "/ldap/"):
			context = entry
		case strings.HasSuffix(managed, "scim/group"):
			context["group"] = map[string]any{"model": "authentik_core.group", "pk": group}
		case strings.HasSuffix(managed, "scope-proxy"):
			context["token"] = nil
		}
		got := h.api("POST", "propertymappings/all/"+m["pk"].(string)+"/test/", map[string]any{"user": ada, "context": context}, 200)
		if got["successful"] != true || got["result"] != w {
			t.Errorf("%s\n got %v %s\nwant %s", managed, got["successful"], got["result"], w)
		}
	}
	for managed := range want {
		t.Errorf("there is no mapping %s", managed)
	}

	policies := map[string]string{}
	for _, row := range h.api("GET", "policies/expression/?page_size=100", nil, 200)["results"].([]any) {
		p := row.(map[string]any)
		policies[p["name"].(string)] = p["pk"].(string)
	}
	for _, tt := range []struct {
		name    string
		context map[string]any
		passing bool
		said    string
	}{
		{"default-authentication-flow-password-stage", map[string]any{}, true, "[]"},
		{"default-user-settings-authorization", map[string]any{"prompt_data": map[string]any{"email": "ada@office.lan", "name": "New", "username": "ada"}}, true, "[]"},
		{"default-user-settings-authorization", map[string]any{"prompt_data": map[string]any{"email": "new@office.lan", "name": "New", "username": "ada"}}, false, "[Not allowed to change email address.]"},
		{"default-user-settings-authorization", map[string]any{"prompt_data": map[string]any{"email": "ada@office.lan", "name": "New", "username": "countess"}}, false, "[Not allowed to change username.]"},
		{"default-source-authentication-if-sso", map[string]any{}, false, "[]"},
		{"default-source-authentication-if-sso", map[string]any{"is_sso": true}, true, "[]"},
		{"default-source-enrollment-if-sso", map[string]any{}, false, "[]"},
		{"default-source-enrollment-if-sso", map[string]any{"is_sso": true}, true, "[]"},
		{"default-source-enrollment-if-username", map[string]any{}, true, "[]"},
		{"default-source-enrollment-if-username", map[string]any{"prompt_data": map[string]any{"email": "a@office.lan"}}, true, "[]"},
		{"default-source-enrollment-if-username", map[string]any{"prompt_data": map[string]any{"username": "ada"}}, false, "[]"},
	} {
		got := h.api("POST", "policies/all/"+policies[tt.name]+"/test/", map[string]any{"user": ada, "context": tt.context}, 200)
		if got["passing"] != tt.passing || fmt.Sprint(got["messages"]) != tt.said {
			t.Errorf("%s %v: %v", tt.name, tt.context, got)
		}
	}
	tried := map[string]bool{"default-authentication-flow-password-stage": true, "default-user-settings-authorization": true, "default-source-authentication-if-sso": true, "default-source-enrollment-if-sso": true, "default-source-enrollment-if-username": true}
	for name := range policies {
		if !tried[name] {
			t.Errorf("the policy %s is not in this table", name)
		}
	}
	b := h.browser()
	b.signIn("", "ada", "lovelace-1815")
	page := b.flow("/api/v3/flows/executor/default-user-settings-flow/?query=", nil)
	shown := map[string]string{}
	for _, f := range page["fields"].([]any) {
		shown[f.(map[string]any)["field_key"].(string)] = f.(map[string]any)["initial_value"].(string)
	}
	if shown["username"] != "ada" || shown["name"] != me["name"] || shown["email"] != "ada@office.lan" || shown["attributes.settings.locale"] != "de" {
		t.Errorf("%v", shown)
	}
}

// TestExpressionEditor holds what the editor of expressions asks.
func TestExpressionEditor(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	const policy, scope = "authentik_policies_expression.expressionpolicy", "authentik_providers_oauth2.scopemapping"
	names := func(model string) (out []string) {
		for _, n := range h.api("GET", "gatehouse/expressions/names/?model="+model, nil, 200)["results"].([]any) {
			out = append(out, n.(map[string]any)["name"].(string))
		}
		return out
	}
	if n := names(policy); !slices.Contains(n, "ak_message") || slices.Contains(n, "user") || !slices.Contains(n, "context") {
		t.Errorf("a policy sees %v", n)
	}
	if n := names(scope); slices.Contains(n, "ak_message") || !slices.Contains(n, "user") || !slices.Contains(n, "token") {
		t.Errorf("a mapping sees %v", n)
	}
	// Everything that is offered is there.
	for model, vars := range map[string]map[string]any{policy: {}, scope: {"user": nil, "provider": nil, "token": nil}, "authentik_stages_prompt.prompt": {}} {
		var text strings.Builder
		for _, n := range names(model) {
			if n != "http_request" && n != "flow_plan" && n != "ak_client_ip" { // not in every run
				fmt.Fprintf(&text, "%s\n", n)
			}
		}
		if got := h.api("POST", "gatehouse/expressions/run/", map[string]any{"model": model, "expression": text.String(), "user": ada, "context": vars}, 200); got["ok"] != true {
			t.Errorf("%s: %v", model, got["error"])
		}
	}
	for text, want := range map[string]string{
		"return 1": `{"column":0,"line":0,"message":"","ok":true}`, "": `{"column":0,"line":0,"message":"","ok":true}`, "x = 1\nreturn (": `"line":2`, "import os": `"ok":true`,
	} {
		if b, err := json.Marshal(h.api("POST", "gatehouse/expressions/check/", map[string]any{"expression": text}, 200)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%q: %s %v", text, b, err)
		}
	}
	for _, tt := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{"model": policy, "expression": "ak_logger.info('x', n=1)\nak_message('no')\nreturn request.user.username == context['who']", "user": ada, "context": map[string]any{"who": "ada"}}, `"passing":true,"result":"true"`},
		{map[string]any{"model": policy, "expression": "return 1/0", "user": ada}, `"error":{"line":1,"message":"division by zero","trace":"File \"expression\", line 1\nZeroDivisionError: division by zero","type":"ZeroDivisionError"}`},
		{map[string]any{"model": policy, "expression": "while True: pass", "user": nil}, `"type":"LimitExceeded"`},
		{map[string]any{"model": scope, "name": "m", "expression": "yield user.username", "user": ada}, `"passing":null,"result":"[\n    \"ada\"\n]"`},
		{map[string]any{"model": "authentik_stages_prompt.prompt", "expression": "return prompt_context.get('a', user.name)", "user": ada}, `"ok":true`},
	} {
		got := h.api("POST", "gatehouse/expressions/run/", tt.body, 200)
		delete(got, "microseconds")
		b, err := json.Marshal(got)
		if err != nil || !strings.Contains(strings.ReplaceAll(string(b), `\u003c`, "<"), strings.ReplaceAll(tt.want, "\n", `\n`)) {
			t.Errorf("%v\n got %s\nwant %s", tt.body, b, tt.want)
		}
	}
	if got := h.api("POST", "gatehouse/expressions/run/", map[string]any{"model": policy, "expression": "request.user.name = 'x'\nrequest.user.save()\nak_create_event('x')", "user": ada}, 200); got["ok"] != true {
		t.Errorf("%v", got)
	}
	if h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 200)["name"] == "x" || len(h.api("GET", "events/events/?action=custom_x", nil, 200)["results"].([]any)) > 0 {
		t.Error("a test run changes something")
	}
	plain := h.tokenOf(ada, "of-ada", "api")
	for _, path := range []string{"gatehouse/expressions/run/", "gatehouse/expressions/names/?model=" + policy} {
		method, body := "POST", `{"model": "`+policy+`", "expression": "return 1"}`
		if strings.Contains(path, "names") {
			method, body = "GET", ""
		}
		if got := h.as(plain, method, path, body); got.status != 403 {
			t.Errorf("%s by somebody who may not: %d", path, got.status)
		}
		if got := h.as("", method, path, body); got.status != 403 {
			t.Errorf("%s by nobody: %d", path, got.status)
		}
	}
	for body, want := range map[string]string{
		`{"model": "nothing", "expression": "return 1"}`: "There is no such model.", `{"model": "authentik_core.user", "expression": "return 1"}`: "hold no expressions",
		`{"model": "` + policy + `", "expression": "return 1", "user": 99999}`: "There is no such user",
	} {
		if got := h.as(bootToken, "POST", "gatehouse/expressions/run/", body); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// TestPolicyThatRaises holds that a policy that fails denies the flow that bound it, with the line in the event (CVE-2024-47070 class).
func TestPolicyThatRaises(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	f := h.api("POST", "flows/instances/", map[string]any{"name": "f", "slug": "f", "title": "t", "designation": "authentication"}, 201)["pk"]
	s := h.api("POST", "stages/dummy/", map[string]any{"name": "d"}, 201)["pk"]
	bound := h.api("POST", "flows/bindings/", map[string]any{"target": f, "stage": s, "order": 0}, 201)["pk"]
	p := h.api("POST", "policies/expression/", map[string]any{"name": "p", "expression": "return True"}, 201)["pk"].(string)
	h.api("POST", "policies/bindings/", map[string]any{"target": bound, "policy": p, "order": 0, "timeout": 1}, 201)
	for _, tt := range []struct{ text, component, event string }{
		{"return True", "ak-stage-dummy", ""},
		{"return None", "xak-flow-redirect", ""}, // the stage is left out
		{"return 0", "xak-flow-redirect", ""},
		{"x = 1\nreturn {}['gone']", "ak-stage-access-denied", "line 2\nKeyError: 'gone'"},
		{"x = 1\nwhile True:\n    ak_user_by(username='nobody')", "ak-stage-access-denied", "\nTimeout: the expression did not end in time"}, // in line 3, or before it on a busy machine
		{"while True: pass", "ak-stage-access-denied", "line 1\n"},                                                                           // its steps or its time are used up, by how fast the machine is
	} {
		h.api("PATCH", "policies/expression/"+p+"/", map[string]any{"expression": tt.text}, 200)
		got := h.browser().flow("/api/v3/flows/executor/f/?query=", nil)
		if got["component"] != tt.component {
			t.Errorf("%q: %v", tt.text, got)
		}
		if tt.event != "" {
			if c := h.lastEvent("policy_exception")["context"].(map[string]any); !strings.Contains(c["message"].(string), tt.event) || c["policy_uuid"] != p {
				t.Errorf("%q: %v", tt.text, c)
			}
		}
	}
	if got := h.as(bootToken, "POST", "policies/expression/", `{"name": "q", "expression": "return ("}`); got.status != 400 || !strings.Contains(got.body, "Expression Syntax Error: ") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
