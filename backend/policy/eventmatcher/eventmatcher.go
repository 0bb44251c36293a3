// Package eventmatcher is the policy that asks what an event is about; notification rules use it.
package eventmatcher

import (
	"context"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
)

// Policy passes when the event in the context is as every field that is set says.
type Policy struct {
	policy.Base
	Action   *string `json:"action" help:"What happened. Empty: anything."`
	ClientIP *string `json:"client_ip" help:"From which address, exactly. Empty: from anywhere."`
	App      *string `json:"app" help:"Which part of the house says so. Empty: any."`
	Model    *string `json:"model" help:"What sort of object it is about. Empty: any."`
}

// Kind is how the house knows this policy.
func Kind(s *store.Store) *kind.Kind {
	k := policy.New[Policy](s, kind.Spec{
		Path: "policies/event_matcher", Model: "authentik_policies_event_matcher.eventmatcherpolicy", Schema: "EventMatcherPolicy", Title: "Event Matcher Policy",
		Plural: "Event Matcher Policies", Component: "ak-policy-event-matcher-form", About: "Ask what an event is about.",
		Filters: []kind.Filter{is("app"), is("model")},
	}, nil)
	k.Field("action").Enum, k.Field("app").Enum, k.Field("model").Enum = event.Actions(), apps, models
	return k
}

// is filters by a field, whatever the value is.
func is(field string) kind.Filter {
	return kind.Filter{Name: field, Type: "string", Where: func(v string, d kind.Dialect) (string, []any, error) {
		return d.Column(field) + " = ?", []any{v}, nil
	}}
}

// Validate implements store.Validator: a policy that asks for nothing would pass for nothing.
func (p *Policy) Validate() error {
	if !set(p.Action) && !set(p.ClientIP) && !set(p.App) && !set(p.Model) {
		return fault.Whole("At least one criteria must be set.")
	}
	return nil
}

// set says whether a field asks for something.
func set(f *string) bool { return f != nil && *f != "" }

// OnlyAction gives the one action that the policy can pass for, "" when it may pass for others.
func (p *Policy) OnlyAction() string {
	if p.Action == nil || strings.HasPrefix(*p.Action, "custom_") {
		return ""
	}
	return *p.Action
}

// Passes implements policy.Policy. It tells what it found the same even when something else differs. Without an event, and when nothing
// is set, it does not pass.
func (p *Policy) Passes(_ context.Context, r *policy.Request) (policy.Result, error) {
	e, ok := r.Context["event"].(*event.Event)
	if !ok || e == nil {
		return policy.Result{}, nil
	}
	ip := ""
	if e.ClientIP != nil {
		ip = *e.ClientIP
	}
	m, _ := e.Context["model"].(map[string]any)
	app, _ := m["app"].(string)
	name, _ := m["model_name"].(string)
	var out policy.Result
	asked, same := 0, 0
	for _, c := range []struct {
		want *string
		is   string
		say  string
	}{
		{p.Action, e.Action, "Action matched."}, {p.ClientIP, ip, "Client IP matched."}, {p.App, e.App, "App matched."}, {p.Model, app + "." + name, "Model matched."},
	} {
		if !set(c.want) {
			continue
		}
		asked++
		if *c.want == c.is || *c.want == "custom_" && strings.HasPrefix(c.is, "custom_") {
			same++
			out.Messages = append(out.Messages, c.say)
		}
	}
	out.Passing = asked > 0 && asked == same
	return out, nil
}
