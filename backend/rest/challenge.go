package rest

import (
	"reflect"

	"gatehouse/backend/kind"
)

// Challenge is what a stage asks and what it takes, for the description of the flow executor.
type Challenge struct {
	Schema    string // "PasswordChallenge"
	Component string // "ak-stage-password"
	AnyType   bool   // the type is published as a plain text with Type for default
	Type      string // native, redirect, shell
	Fields    reflect.Type
	Answer    reflect.Type // nil: takes nothing
	User      bool         // carries pending_user and pending_user_avatar
	Flow      bool         // carries flow_info
	Login     bool         // what a button of the sign-in page may lead to
	Takes     string       // the published name of the answer when it is not Schema+"Response"
}

// loginChallenge is the component of what a button of the sign-in page may lead to.
const loginChallenge = "LoginChallengeTypes"

// challenges puts in the components of the executor.
func (d *describer) challenges() {
	text := object{"type": "string"}
	d.comps["ErrorDetail"] = object{"type": "object", "properties": object{"string": text, "code": text}, "required": []any{"code", "string"}}
	d.comps["ContextualFlowInfo"] = object{"type": "object", "required": []any{"cancel_url", "layout"}, "properties": object{
		"title": text, "background": text, "cancel_url": text,
		"layout": object{"type": "string", "enum": []any{"stacked", "content_left", "content_right", "sidebar_left", "sidebar_right"}},
	}}
	d.comps["ChallengeChoices"] = object{"type": "string", "enum": []any{"native", "shell", "redirect"}}
	var asks, takes, logins []any
	asked, taken, login := object{}, object{}, object{}
	for _, c := range d.api.Challenges {
		props, required := object{
			"type": ref("ChallengeChoices"), "component": object{"type": "string", "default": c.Component},
			"response_errors": object{"type": "object", "additionalProperties": object{"type": "array", "items": ref("ErrorDetail")}},
		}, []any{"type"}
		if c.AnyType {
			props["type"], required = object{"type": "string", "default": c.Type}, []any{}
		}
		props["flow_info"] = ref("ContextualFlowInfo")
		if c.User {
			props["pending_user"], props["pending_user_avatar"] = text, text
			required = append(required, "pending_user", "pending_user_avatar")
		}
		if c.Fields != nil {
			own := d.response(fieldsOf(c.Fields), nil)
			for n, p := range own["properties"].(object) {
				if n != "response_errors" {
					props[n] = p
				}
			}
			more, _ := own["required"].([]any)
			required = append(required, more...)
		}
		d.comps[c.Schema] = object{"type": "object", "properties": props, "required": required}
		if c.Login {
			logins = append(logins, ref(c.Schema))
			login[c.Component] = "#/components/schemas/" + c.Schema
		}
		asks = append(asks, ref(c.Schema))
		asked[c.Component] = "#/components/schemas/" + c.Schema
		if c.Answer == nil {
			continue
		}
		body := d.body(fieldsOf(c.Answer), false, "")
		body["properties"].(object)["component"] = object{"type": "string", "minLength": 1, "default": c.Component}
		name := c.Schema + "ResponseRequest"
		if c.Takes != "" {
			name = c.Takes + "Request"
		}
		d.comps[name] = body
		takes = append(takes, ref(name))
		taken[c.Component] = "#/components/schemas/" + name
	}
	if len(asks) == 0 {
		return
	}
	d.comps[loginChallenge] = object{"oneOf": logins, "discriminator": object{"propertyName": "component", "mapping": login}}
	d.comps["ChallengeTypes"] = object{"oneOf": asks, "discriminator": object{"propertyName": "component", "mapping": asked}}
	d.comps["FlowChallengeResponseRequest"] = object{"oneOf": takes, "discriminator": object{"propertyName": "component", "mapping": taken}}
}

// executor documents the flow executor, which the web door serves.
func (a *API) executor() {
	if len(a.Challenges) == 0 {
		return
	}
	slug := &kind.Param{Name: "flow_slug", Type: "string", Required: true}
	query := []kind.Param{{Name: "query", Type: "string", Required: true, Help: "The query string of the page, as it is."}}
	a.ops = append(a.ops,
		operation{method: "GET", path: "flows/executor/{flow_slug}", id: "flows_executor_get", tag: "flows", pathParam: slug, params: query, out: "ChallengeTypes", status: 200, open: true, summary: "What the flow asks next."},
		operation{method: "POST", path: "flows/executor/{flow_slug}", id: "flows_executor_solve", tag: "flows", pathParam: slug, params: query, in: "FlowChallengeResponseRequest", out: "ChallengeTypes", status: 200, open: true, summary: "Answer what the flow asked."},
	)
}
