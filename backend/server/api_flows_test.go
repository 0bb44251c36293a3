package server

import (
	"strings"
	"testing"
)

// The diagram of a flow is drawn from its bindings, of what the caller may look at.
func TestDiagram(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	adas := h.tokenOf(ada, "of-ada", "api")
	f := h.api("POST", "flows/instances/", obj{"name": `The "new" flow`, "slug": "new", "title": "New", "designation": "enrollment", "authentication": "require_unauthenticated"}, 201)["pk"].(string)
	deny := h.api("POST", "stages/deny/", obj{"name": "no"}, 201)["pk"].(string)
	dummy := h.api("POST", "stages/dummy/", obj{"name": "yes"}, 201)["pk"].(string)
	policy := h.api("POST", "policies/dummy/", obj{"name": "perhaps"}, 201)["pk"].(string)
	group := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	draw := func(token string) string {
		t.Helper()
		a := h.as(token, "GET", "flows/instances/new/diagram/", "")
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return a.json(t)["diagram"].(string)
	}
	same := func(got string, want ...string) {
		t.Helper()
		if got != strings.Join(want, "\n") {
			t.Errorf("%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	head := []string{
		"graph TD", "flow_start[[\"Flow\nThe #quot;new#quot; flow\"]]", "flow_auth_requirement[\"Flow authentication requirement\nrequire_unauthenticated\"]",
	}
	asked := []string{"flow_auth_requirement --Requirement fulfilled--> flow_start", "flow_auth_requirement --Requirement not fulfilled--> done"}
	empty := append(append(append([]string{}, head...), `done[["End of the flow"]]`), append(asked, "flow_start --End of the flow--> done")...)
	same(draw(bootToken), empty...)
	first := h.api("POST", "flows/bindings/", obj{"target": f, "stage": deny, "order": 10}, 201)["pk"].(string)
	h.api("POST", "flows/bindings/", obj{"target": f, "stage": dummy, "order": 20}, 201)
	h.api("POST", "policies/bindings/", obj{"target": first, "policy": policy, "order": 5}, 201)
	h.api("POST", "policies/bindings/", obj{"target": first, "policy": policy, "order": 6, "enabled": false}, 201)
	h.api("POST", "policies/bindings/", obj{"target": f, "group": group, "order": 1}, 201)
	whole := append(append([]string{}, head...),
		`flow_pre[["Pre-flow policies"]]`, "flow_policy_0{{\"Group\nstaff\"}}", "stage_0([\"Stage (Deny Stage)\nno\"])", "stage_0_policy_0{{\"Policy (Dummy Policy)\nperhaps\"}}",
		"stage_1([\"Stage (Dummy Stage)\nyes\"])", `done[["End of the flow"]]`)
	whole = append(append(whole, asked...),
		"flow_pre --Binding 1--> flow_policy_0", "flow_policy_0 --Policy passed--> flow_start", "flow_policy_0 --Policy denied--> done",
		"flow_start --Binding 5--> stage_0_policy_0", "stage_0_policy_0 --Policy passed--> stage_0", "stage_0_policy_0 --Policy denied--> stage_1", "stage_0 --> stage_1", "stage_1 --End of the flow--> done")
	same(draw(bootToken), whole...)
	wantAnswer(t, h.as(adas, "GET", "flows/instances/new/diagram/", ""), 403, notAllowed)
	h.grant(t, ada, "authentik_flows.view_flow", f)
	same(draw(adas), empty...)
	h.grant(t, ada, "authentik_flows.view_flowstagebinding", "")
	if got := draw(adas); !strings.Contains(got, "flow_start --> stage_0\n") || strings.Contains(got, "perhaps") {
		t.Error(got)
	}
}

// Flows as files are for those who may look at, or make, all that they are made of; what can't be read is told and changes nothing.
func TestFlowFiles(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, eve := h.addUser("ada", "lovelace-1815"), h.addUser("eve", "exporter-1999")
	adas, eves := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(eve, "of-eve", "api")
	const export = "flows/instances/default-authentication-flow/export/"
	wantAnswer(t, h.as(adas, "GET", export, ""), 403, notAllowed)
	h.grants(eve, "authentik_flows.export_flow", "authentik_flows.view_flow", "authentik_flows.view_flowstagebinding", "authentik_flows.view_stage", "authentik_policies.view_policy", "authentik_policies.view_policybinding")
	wantAnswer(t, h.as(eves, "GET", export, ""), 403, notAllowed)
	h.grants(eve, "authentik_stages_prompt.view_prompt")
	if a := h.as(eves, "GET", export, ""); a.status != 200 || !strings.Contains(a.body, "slug: default-authentication-flow") {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantAnswer(t, h.upload(t, eves, "flows/instances/import/", nil, "version: 1"), 403, notAllowed)
	flows := h.api("GET", "flows/instances/", nil, 200)["pagination"].(obj)["count"]
	wantAnswer(t, h.upload(t, bootToken, "flows/instances/import/", nil, ""), 400, `{"logs":[],"success":false}`)
	for text, want := range map[string]string{
		"version: 1\nentries: []\n": "Entry invalid: The blueprint has no entries.", "entries: [": "Entry invalid: line 2: This is no YAML", "version: 2": "Invalid blueprint version",
		"entries:\n- {model: authentik_flows.flow, identifiers: {slug: a}, attrs: {name: a, title: a, designation: authentication}}\n- {model: authentik_flows.flow, identifiers: {slug: b}}": "line 3: authentik_flows.flow \"b\": designation: This field is required.",
	} {
		a := h.upload(t, bootToken, "flows/instances/import/", nil, text)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		got := a.json(t)
		if line := got["logs"].([]any)[0].(obj); got["success"] != false || !strings.Contains(line["event"].(string), want) || line["log_level"] != "warning" {
			t.Errorf("%v", got)
		}
	}
	if n := h.api("GET", "flows/instances/", nil, 200)["pagination"].(obj)["count"]; n != flows {
		t.Errorf("%v flows", n)
	}
}
