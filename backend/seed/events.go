package seed

// events are the ways by which people are told of events, and the rules of which (flows.md 4.4): the admins learn of settings that don't
// work, of updates, and of policies and mappings that failed.
func events() []entry {
	const (
		transport = "authentik_events.notificationtransport"
		rule      = "authentik_events.notificationrule"
		matcher   = "authentik_policies_event_matcher.eventmatcherpolicy"
		binding   = "authentik_policies.policybinding"
		admins    = "authentik Admins" // as published; the first admin is put into it
	)
	out := []entry{
		// Of the first version: a house that has renamed or deleted the group gets no other one.
		{1, admins, "authentik_core.group", "name", attrs{"name": admins, "is_superuser": true}},
		{3, "default-email-transport", transport, "name", attrs{"name": "default-email-transport", "mode": "email"}},
		{3, "default-local-transport", transport, "name", attrs{"name": "default-local-transport", "mode": "local"}},
	}
	for _, r := range []struct {
		rule     string
		policies [][2]string // name and action
	}{
		{"default-notify-configuration-error", [][2]string{{"default-match-configuration-error", "configuration_error"}}},
		{"default-notify-update", [][2]string{{"default-match-update", "update_available"}}},
		{"default-notify-exception", [][2]string{{"default-match-policy-exception", "policy_exception"}, {"default-match-property-mapping-exception", "property_mapping_exception"}}},
	} {
		out = append(out, entry{3, r.rule, rule, "name", attrs{
			"name": r.rule, "severity": "alert", "group": ref(admins), "transports": []ref{"default-email-transport", "default-local-transport"},
		}})
		for order, p := range r.policies {
			out = append(out, entry{3, p[0], matcher, "name", attrs{"name": p[0], "action": p[1]}},
				entry{3, r.rule + p[0], binding, "", attrs{"policy": ref(p[0]), "target": ref(r.rule), "order": order}})
		}
	}
	return out
}
