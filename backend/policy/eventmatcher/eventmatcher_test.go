package eventmatcher

import (
	"strings"
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/policy"
)

func TestMatching(t *testing.T) {
	ip := "192.0.2.7"
	e := &event.Event{Action: "model_updated", App: "authentik.events", ClientIP: &ip, Context: map[string]any{"model": map[string]any{"app": "authentik_core", "model_name": "user"}}}
	custom := &event.Event{Action: "custom_static_authenticator_disable"}
	s := func(v string) *string { return &v }
	for _, tt := range []struct {
		name   string
		policy Policy
		event  any
		want   bool
		say    string
	}{
		{"no event", Policy{Action: s("login")}, nil, false, ""},
		{"something else under its name", Policy{Action: s("login")}, "login", false, ""},
		{"a nil event", Policy{Action: s("login")}, (*event.Event)(nil), false, ""},
		{"nothing asked", Policy{}, e, false, ""},
		{"the action", Policy{Action: s("model_updated")}, e, true, "Action matched."},
		{"another action", Policy{Action: s("login")}, e, false, ""},
		{"any of our own actions", Policy{Action: s("custom_")}, custom, true, "Action matched."},
		{"none of our own", Policy{Action: s("custom_")}, e, false, ""},
		{"the address", Policy{ClientIP: s("192.0.2.7")}, e, true, "Client IP matched."},
		{"an address alike", Policy{ClientIP: s("192.0.2.70")}, e, false, ""},
		{"no address", Policy{ClientIP: s("192.0.2.7")}, custom, false, ""},
		{"the app", Policy{App: s("authentik.events")}, e, true, "App matched."},
		{"the model", Policy{Model: s("authentik_core.user")}, e, true, "Model matched."},
		{"another model", Policy{Model: s("authentik_core.group")}, e, false, ""},
		{"all of them", Policy{Action: s("model_updated"), ClientIP: s("192.0.2.7"), App: s("authentik.events"), Model: s("authentik_core.user")}, e, true,
			"Action matched. Client IP matched. App matched. Model matched."},
		{"an empty field asks for nothing", Policy{Action: s("model_updated"), ClientIP: s(""), App: s("")}, e, true, "Action matched."},
		{"empty fields", Policy{Action: s(""), Model: s("")}, e, false, ""},
		{"all but one", Policy{Action: s("model_updated"), Model: s("authentik_core.group")}, e, false, "Action matched."},
	} {
		r, err := tt.policy.Passes(t.Context(), &policy.Request{Context: map[string]any{"event": tt.event}})
		if err != nil || r.Passing != tt.want || strings.Join(r.Messages, " ") != tt.say {
			t.Errorf("%s: %t %q %v", tt.name, r.Passing, r.Messages, err)
		}
	}
}

// A policy has to ask for something.
func TestAsksForSomething(t *testing.T) {
	s := func(v string) *string { return &v }
	for i, tt := range []struct {
		p  Policy
		ok bool
	}{
		{Policy{}, false}, {Policy{Action: s(""), ClientIP: s(""), App: s(""), Model: s("")}, false},
		{Policy{Action: s("login")}, true}, {Policy{ClientIP: s("192.0.2.7")}, true}, {Policy{App: s("authentik.core")}, true}, {Policy{Model: s("authentik_core.user")}, true},
	} {
		err := tt.p.Validate()
		if (err == nil) != tt.ok || err != nil && fault.As(err).Fields[fault.NonField][0] != "At least one criteria must be set." {
			t.Errorf("%d: %v", i, err)
		}
	}
}
