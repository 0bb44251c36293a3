package server

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// tried sums up the answer of a try: what it comes to, then each step with what its bindings said.
func tried(a obj) string {
	var b strings.Builder
	say := func(ps any) {
		for _, p := range ps.([]any) {
			p := p.(obj)
			fmt.Fprintf(&b, " [%v %v", p["via"], p["name"])
			if p["negate"] == true {
				b.WriteString(" not")
			}
			if p["enabled"] == false {
				b.WriteString(" off")
			}
			fmt.Fprintf(&b, " %v", p["passing"])
			for _, m := range p["messages"].([]any) {
				fmt.Fprintf(&b, " %q", m)
			}
			if e, ok := p["error"].(obj); ok {
				fmt.Fprintf(&b, " %v@%v", e["type"], e["line"])
			}
			b.WriteString("]")
		}
	}
	fmt.Fprintf(&b, "%v %v signed_in=%v", a["passing"], a["messages"], a["signed_in"])
	if r := a["requirement"].(obj); r["met"] == false {
		fmt.Fprintf(&b, " unmet=%v", r["authentication"])
	}
	say(a["flow_policies"])
	for _, s := range a["steps"].([]any) {
		s := s.(obj)
		name := "-"
		if st, ok := s["stage"].(obj); ok {
			name = st["name"].(string)
		}
		fmt.Fprintf(&b, "\n%s: %v %v", name, s["outcome"], s["evaluated"])
		if ps := s["policies"].([]any); len(ps) > 0 {
			fmt.Fprintf(&b, " as %v", s["user"])
		}
		if s["to"] != nil {
			fmt.Fprintf(&b, " to %v", s["to"])
		}
		if s["message"] != "" {
			fmt.Fprintf(&b, " %q", s["message"])
		}
		say(s["policies"])
	}
	return b.String()
}

// A flow is tried out as somebody: what each step would do and which policy said what.
func TestTryFlow(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, eve := h.addUser("ada", "lovelace-1815"), h.addUser("eve", "exporter-1999")
	off := int(h.api("POST", "core/users/", obj{"username": "gone", "name": "Gone", "is_active": false}, 201)["pk"].(float64))
	staff := h.api("POST", "core/groups/", obj{"name": "staff", "users": []int{ada}}, 201)["pk"].(string)
	policies := map[string]string{}
	for name, text := range map[string]string{
		"yes": "return True", "no": "ak_message('Not today.')\nreturn False", "broken": "x = 1\nak_logger.info('so far')\nreturn {}['gone']",
		"typed": "return request.context['prompt_data']['code'] == 7", "inside": "return str(ak_client_ip).startswith('10.')",
		"is-ada": "ak_logger.info('asked', path=request.http_request.path, who=request.http_request.user.username)\nreturn request.user.username == 'ada'",
		"known":  "return 'pending_user' in request.context", "sends": "request.context['flow_plan'].redirect('https://else.where/')\nreturn False",
		"puts": "context['flow_plan'].insert_stage(context['extra'])\nreturn True", "proven": "return hasattr(request.context['flow_plan'].context['pending_user'], 'backend')",
		"makes":     "from authentik.core.models import Group\ngroup, made = Group.objects.get_or_create(name='fresh')\ncontext['flow_plan'].context['groups'] = [group]\nreturn made",
		"remembers": "context['flow_plan'].context['mark'] = 5\nreturn True", "remembered": "return context['flow_plan'].context.get('mark') == 5",
	} {
		policies[name] = h.api("POST", "policies/expression/", obj{"name": name, "expression": text}, 201)["pk"].(string)
	}
	extra := h.api("POST", "stages/dummy/", obj{"name": "extra"}, 201)["pk"].(string)
	dummy := func(name string) [2]any { return [2]any{"dummy", obj{"name": name}} }
	bindings := func(flow string) (out []string) {
		for _, row := range h.api("GET", "flows/bindings/?ordering=order&target="+flow, nil, 200)["results"].([]any) {
			out = append(out, row.(obj)["pk"].(string))
		}
		return out
	}
	// guard binds a policy by its name to something, with more of the binding's settings; "" binds what those name.
	guard := func(target, policy string, order int, more obj) {
		t.Helper()
		body := obj{"target": target, "order": order}
		if policy != "" {
			body["policy"] = policies[policy]
		}
		maps.Copy(body, more)
		h.api("POST", "policies/bindings/", body, 201)
	}
	plans := obj{"evaluate_on_plan": true, "re_evaluate_policies": false}
	try := func(slug string, body obj) obj {
		t.Helper()
		return h.api("POST", "gatehouse/flows/"+slug+"/try/", body, 200)
	}
	type step func(flow string, steps []string)
	for i, tt := range []struct {
		name        string
		designation string
		more        obj
		stages      [][2]any
		setUp       step
		body        obj
		want        string
	}{
		{"nothing is bound", "authorization", nil, [][2]any{dummy("a1"), dummy("a2")}, nil, obj{"user": ada},
			"true [] signed_in=true\na1: asks run\na2: asks run"},
		{"no steps", "authorization", nil, nil, nil, obj{"user": nil}, "true [] signed_in=false"},
		{"the flow's policies", "authorization", nil, [][2]any{dummy("b1")}, func(f string, _ []string) {
			guard(f, "is-ada", 0, nil)
		}, obj{"user": ada}, "true [] signed_in=true [policy is-ada true]\nb1: asks run"},
		{"denied with a message", "authorization", nil, [][2]any{dummy("c1")}, func(f string, _ []string) {
			guard(f, "is-ada", 0, nil)
			guard(f, "no", 1, nil)
		}, obj{"user": eve}, "false [Not today.] signed_in=true [policy is-ada false] [policy no false \"Not today.\"]\nc1: open run"},
		{"denied without one", "authorization", nil, [][2]any{dummy("d1")}, func(f string, _ []string) {
			guard(f, "is-ada", 0, nil)
		}, obj{"user": eve}, "false [Flow does not apply to current user.] signed_in=true [policy is-ada false]\nd1: open run"},
		{"skipped, reversed, switched off", "authorization", nil, [][2]any{dummy("e1"), dummy("e2"), dummy("e3")}, func(_ string, s []string) {
			guard(s[0], "no", 0, nil)
			guard(s[1], "no", 0, obj{"negate": true})
			guard(s[2], "no", 0, obj{"enabled": false})
		}, obj{"user": ada}, "true [] signed_in=true\ne1: skipped run as ada [policy no false \"Not today.\"]\ne2: asks run as ada [policy no not true \"Not today.\"]\n" +
			"e3: asks run as ada [policy no off <nil>]"},
		{"groups and people", "authorization", nil, [][2]any{dummy("f1"), dummy("f2"), dummy("f3")}, func(_ string, s []string) {
			guard(s[0], "", 0, obj{"group": staff})
			guard(s[1], "", 0, obj{"user": eve})
			guard(s[2], "", 0, obj{"user": eve, "negate": true})
		}, obj{"user": ada}, "true [] signed_in=true\nf1: asks run as ada [group staff true]\nf2: skipped run as ada [user eve false]\nf3: asks run as ada [user eve not true]"},
		{"all of them", "authorization", obj{"policy_engine_mode": "all"}, [][2]any{dummy("g1")}, func(f string, _ []string) {
			guard(f, "yes", 0, nil)
			guard(f, "no", 1, nil)
		}, obj{"user": ada}, "false [Not today.] signed_in=true [policy yes true] [policy no false \"Not today.\"]\ng1: open run"},
		{"a policy that raises denies the flow", "authorization", nil, [][2]any{dummy("i1"), dummy("i2")}, func(_ string, s []string) {
			guard(s[0], "broken", 0, nil)
		}, obj{"user": ada}, "false [KeyError: 'gone' (line 3)] signed_in=true\ni1: fails run as ada [policy broken false \"KeyError: 'gone' (line 3)\" KeyError@3]\ni2: open run"},
		{"it raises as the flow begins", "authorization", nil, [][2]any{dummy("j1"), dummy("j2")}, func(_ string, s []string) {
			h.api("PATCH", "flows/bindings/"+s[1]+"/", plans, 200)
			guard(s[1], "broken", 0, nil)
		}, obj{"user": ada}, "false [KeyError: 'gone' (line 3)] signed_in=true\nj1: open run\nj2: fails plan as ada [policy broken false \"KeyError: 'gone' (line 3)\" KeyError@3]"},
		{"it raises and passes for that", "authorization", nil, [][2]any{dummy("k1")}, func(_ string, s []string) {
			guard(s[0], "broken", 0, obj{"failure_result": true})
		}, obj{"user": ada}, "true [] signed_in=true\nk1: asks run as ada [policy broken true \"KeyError: 'gone' (line 3)\" KeyError@3]"},
		{"what people type is not there", "enrollment", nil, [][2]any{dummy("l1")}, func(_ string, s []string) {
			guard(s[0], "typed", 0, nil)
		}, obj{"user": nil}, "false [KeyError: 'prompt_data' (line 1)] signed_in=false\nl1: fails run as <nil> [policy typed false \"KeyError: 'prompt_data' (line 1)\" KeyError@1]"},
		{"what people type is given", "enrollment", nil, [][2]any{dummy("m1")}, func(_ string, s []string) {
			guard(s[0], "typed", 0, nil)
		}, obj{"user": nil, "context": obj{"prompt_data": obj{"code": 7}}}, "true [] signed_in=false\nm1: asks run as <nil> [policy typed true]"},
		{"from an address", "authorization", nil, [][2]any{dummy("n1")}, func(f string, _ []string) {
			guard(f, "inside", 0, nil)
		}, obj{"user": ada, "remote": "10.1.2.3"}, "true [] signed_in=true [policy inside true]\nn1: asks run"},
		{"from another", "authorization", nil, [][2]any{dummy("o1")}, func(f string, _ []string) {
			guard(f, "inside", 0, nil)
		}, obj{"user": ada, "remote": "::ffff:192.0.2.7"}, "false [Flow does not apply to current user.] signed_in=true [policy inside false]\no1: open run"},
		{"asked as the flow begins, when nobody is known, and again", "authentication", nil, [][2]any{
			{"identification", obj{"name": "p1", "user_fields": []string{"username"}}}, dummy("p2"), dummy("p3"), {"user_login", obj{"name": "p4"}},
		}, func(_ string, s []string) {
			h.api("PATCH", "flows/bindings/"+s[1]+"/", plans, 200)
			guard(s[1], "", 0, obj{"group": staff})
			guard(s[2], "", 0, obj{"group": staff})
		}, obj{"user": ada}, "true [] signed_in=false\np1: asks run\np2: skipped plan as <nil> [group staff false]\np3: asks run as ada [group staff true]\np4: runs run"},
		{"a sign-in of somebody who is signed in", "authentication", nil, [][2]any{dummy("q1")}, func(_ string, s []string) {
			guard(s[0], "is-ada", 0, nil)
		}, obj{"user": ada, "signed_in": true}, "true [] signed_in=true\nq1: asks run as ada [policy is-ada true]"},
		{"the password", "authentication", nil, [][2]any{
			{"identification", obj{"name": "r1", "user_fields": []string{"username"}}}, {"password", obj{"name": "r2", "backends": []string{"authentik.core.auth.InbuiltBackend"}}}, dummy("r3"),
		}, func(_ string, s []string) {
			guard(s[1], "proven", 0, obj{"negate": true})
			guard(s[2], "proven", 0, nil)
		}, obj{"user": ada}, "true [] signed_in=false\nr1: asks run\nr2: asks run as ada [policy proven not true]\nr3: asks run as ada [policy proven true]"},
		{"an account that is off", "authentication", nil, [][2]any{
			{"identification", obj{"name": "s1", "user_fields": []string{"username"}}}, {"password", obj{"name": "s2", "backends": []string{"authentik.core.auth.InbuiltBackend"}}}, dummy("s3"),
		}, nil, obj{"user": off}, "false [Invalid password] signed_in=false\ns1: asks run\ns2: denies run \"Invalid password\"\ns3: open run"},
		{"a requirement", "authorization", obj{"authentication": "require_superuser"}, [][2]any{dummy("t1")}, func(f string, _ []string) {
			guard(f, "yes", 0, nil)
		}, obj{"user": ada}, "false [Flow does not apply to current user.] signed_in=true unmet=require_superuser\nt1: open run"},
		{"a deny stage", "authorization", nil, [][2]any{{"deny", obj{"name": "u1", "deny_message": "Closed."}}, dummy("u2")}, nil, obj{"user": ada},
			"false [Closed.] signed_in=true\nu1: denies run \"Closed.\"\nu2: open run"},
		{"a second factor that nobody has", "authorization", nil, [][2]any{
			{"authenticator/validate", obj{"name": "v1", "not_configured_action": "skip"}}, {"authenticator/validate", obj{"name": "v2", "not_configured_action": "deny"}},
		}, nil, obj{"user": ada}, "false [No (allowed) MFA authenticator configured.] signed_in=true\nv1: runs run\nv2: denies run \"No (allowed) MFA authenticator configured.\""},
		{"a policy leads elsewhere", "authorization", nil, [][2]any{dummy("w1"), dummy("w2")}, func(_ string, s []string) {
			guard(s[0], "sends", 0, nil)
		}, obj{"user": ada}, "true [] signed_in=true\nw1: skipped run as ada [policy sends false]\n-: leaves run to https://else.where/\nw2: open run"},
		{"a policy puts a step in", "authorization", nil, [][2]any{dummy("x1"), dummy("x2")}, func(_ string, s []string) {
			guard(s[0], "puts", 0, nil)
		}, obj{"user": ada, "context": obj{"extra": obj{"model": "authentik_flows.stage", "pk": extra}}},
			"true [] signed_in=true\nx1: asks run as ada [policy puts true]\nextra: asks run\nx2: asks run"},
		{"one policy remembers, another looks", "authorization", nil, [][2]any{dummy("y1"), dummy("y2")}, func(_ string, s []string) {
			guard(s[0], "remembers", 0, nil)
			guard(s[1], "remembered", 0, nil)
		}, obj{"user": ada}, "true [] signed_in=true\ny1: asks run as ada [policy remembers true]\ny2: asks run as ada [policy remembered true]"},
		{"a policy would make a group", "authorization", nil, [][2]any{dummy("mk1"), dummy("mk2")}, func(_ string, s []string) {
			guard(s[0], "makes", 0, nil)
			guard(s[1], "makes", 0, nil)
		}, obj{"user": ada}, "true [] signed_in=true\nmk1: asks run as ada [policy makes true]\nmk2: asks run as ada [policy makes true]"},
		{"a stranger makes an account", "enrollment", nil, [][2]any{{"user_write", obj{"name": "z1"}}, {"user_login", obj{"name": "z2"}}}, func(_ string, s []string) {
			guard(s[1], "known", 0, nil)
		}, obj{"context": obj{"prompt_data": obj{"username": "new"}}}, "true [] signed_in=false\nz1: runs run\nz2: runs run as new [policy known true]"},
		{"nobody to sign in", "authentication", nil, [][2]any{{"user_login", obj{"name": "aa1"}}}, nil, obj{"user": ada},
			"false [Unknown error] signed_in=false\naa1: denies run \"Unknown error\""},
	} {
		slug := fmt.Sprintf("try-%d", i)
		f := h.flowOf(slug, tt.designation, tt.more, tt.stages...)
		if tt.setUp != nil {
			tt.setUp(f, bindings(f))
		}
		if got := tried(try(slug, tt.body)); got != tt.want {
			t.Errorf("%s\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}

	// Everything that is told of one policy: what it logged, and that it saw a request of the person and not the admin's.
	f := h.flowOf("whole", "authorization", nil, dummy("whole-1"))
	s := bindings(f)[0]
	guard(s, "is-ada", 3, nil)
	got := try("whole", obj{"user": ada})["steps"].([]any)[0].(obj)
	p := got["policies"].([]any)[0].(obj)
	line := p["log_messages"].([]any)[0].(obj)
	if line["event"] != "asked" || line["logger"] != "is-ada" || fmt.Sprint(line["attributes"]) != "map[path:/api/v3/flows/executor/whole/ who:ada]" {
		t.Errorf("%v", line)
	}
	if p["order"] != 3.0 || p["verbose_name"] != "Expression Policy" || p["target"] != policies["is-ada"] || p["took_ms"].(float64) <= 0 || p["error"] != nil {
		t.Errorf("%v", p)
	}
	if st := got["stage"].(obj); got["binding"] != s || got["order"] != 0.0 || got["re_evaluate"] != true || got["included"] != true || got["challenge"] != "ak-stage-dummy" || st["verbose_name"] != "Dummy Stage" || st["component"] != "ak-stage-dummy-form" {
		t.Errorf("%v", got)
	}
	guard(f, "broken", 0, nil)
	p = try("whole", obj{"user": ada})["flow_policies"].([]any)[0].(obj)
	if e := p["error"].(obj); e["line"] != 3.0 || !strings.Contains(e["trace"].(string), `File "broken", line 3`) || p["log_messages"].([]any)[0].(obj)["event"] != "so far" {
		t.Errorf("%v", p)
	}

	t.Run("the default flows", func(t *testing.T) {
		for slug, want := range map[string]string{
			"default-authentication-flow": "true [] signed_in=false\ndefault-authentication-identification: asks run\n" +
				"default-authentication-password: asks run as ada [policy default-authentication-flow-password-stage true]\n" +
				"default-authentication-mfa-validation: runs run\ndefault-authentication-login: runs run",
			"default-invalidation-flow": "true [] signed_in=true\ndefault-invalidation-logout: runs run",
			"default-source-enrollment": "false [Flow does not apply to current user.] signed_in=false [policy default-source-enrollment-if-sso false]\n" +
				"default-source-enrollment-prompt: open run\ndefault-source-enrollment-write: open run\ndefault-source-enrollment-login: open run",
		} {
			if got := tried(try(slug, obj{"user": ada})); got != want {
				t.Errorf("%s\n%s\nwant\n%s", slug, got, want)
			}
		}
	})

	t.Run("who may", func(t *testing.T) {
		eves := h.tokenOf(eve, "of-eve", "api")
		ask := func(token, slug string, body string) answer {
			return h.as(token, "POST", "gatehouse/flows/"+slug+"/try/", body)
		}
		as := func(pk int) string { return fmt.Sprintf(`{"user":%d}`, pk) }
		wantAnswer(t, ask("", "whole", "{}"), 403, "")
		wantAnswer(t, ask(eves, "whole", "{}"), 403, notAllowed)
		wantAnswer(t, ask(bootToken, "nowhere", "{}"), 404, "")
		h.grant(t, eve, "authentik_flows.view_flow", f)
		wantAnswer(t, ask(eves, "whole", "{}"), 403, notAllowed)
		h.grant(t, eve, "authentik_flows.inspect_flow", f)
		wantAnswer(t, ask(eves, "try-0", "{}"), 403, notAllowed)
		wantAnswer(t, ask(eves, "whole", "{}"), 200, "")
		wantAnswer(t, ask(eves, "whole", as(eve)), 200, "")
		const unseen = `{"user":["There is no such user, or you may not see them."]}`
		wantAnswer(t, ask(eves, "whole", as(ada)), 400, unseen)
		wantAnswer(t, ask(bootToken, "whole", as(4711)), 400, unseen)
		guard(s, "", 9, obj{"user": ada, "negate": true})
		guard(f, "yes", 9, nil)
		if got := ask(eves, "whole", as(eve)).json(t); strings.Contains(tried(got), "user ada") || !strings.Contains(tried(got), "[user  not true]") {
			t.Errorf("%s", tried(got))
		}
		h.grant(t, eve, "authentik_core.view_user", fmt.Sprint(ada))
		if got := ask(eves, "whole", as(ada)); got.status != 200 || !strings.Contains(tried(got.json(t)), "user ada") {
			t.Errorf("%d %s", got.status, got.body)
		}
		for body, want := range map[string]string{
			`{"remote":"here"}`:                              `{"remote":["Write an address such as 192.0.2.7 or 2001:db8::7."]}`,
			`{"signed_in":true}`:                             `{"signed_in":["A stranger is not signed in. Pick a person, or leave this out."]}`,
			fmt.Sprintf(`{"user":%d,"signed_in":true}`, off): `{"signed_in":["This account is switched off, so nobody can be signed in with it."]}`,
			`{"context":{"pending_user":{"model":"authentik_core.user","pk":1}}}`: `{"context":["pending_user is made by the try itself; pick the person as user."]}`,
			`{"context":[]}`: "", `{"user":"ada"}`: "", `[]`: "",
		} {
			wantAnswer(t, ask(bootToken, "whole", body), 400, want)
		}
	})

	t.Run("nothing is written", func(t *testing.T) {
		write := h.flowOf("writes", "recovery", nil, [2]any{"identification", obj{"name": "wr1", "user_fields": []string{"username"}}}, [2]any{"email", obj{"name": "wr2"}},
			[2]any{"user_write", obj{"name": "wr3"}}, [2]any{"user_delete", obj{"name": "wr4"}}, [2]any{"user_login", obj{"name": "wr5"}})
		steps := bindings(write)
		policies["writes"] = h.api("POST", "policies/expression/", obj{"name": "writes", "execution_logging": true, "expression": strings.Join([]string{
			"from authentik.core.models import Group", "u = ak_user_by(username='eve')", "u.name = 'changed'", "u.save()", "u.ak_groups.add(Group.objects.get(name='staff'))", "ak_create_event('tried')", "return True",
		}, "\n")}, 201)["pk"].(string)
		policies["old"] = h.api("POST", "policies/password_expiry/", obj{"name": "old", "days": 0, "execution_logging": true}, 201)["pk"].(string)
		policies["known-bad"] = h.api("POST", "policies/reputation/", obj{"name": "known-bad", "execution_logging": true}, 201)["pk"].(string)
		for i, p := range []string{"writes", "known-bad"} {
			guard(write, p, i, nil)
		}
		for i, p := range []string{"old", "broken"} {
			guard(steps[1+i], p, 0, obj{"failure_result": true})
		}
		try("writes", obj{"user": eve}) // whatever is noted of a token's first use
		defer h.s.rooms.notify.Hold()() // it notes how far it read the events of before
		before := h.contents()
		got := tried(try("writes", obj{"user": eve, "context": obj{"prompt_data": obj{"name": "typed"}}}))
		if !strings.HasPrefix(got, "true ") || !strings.Contains(got, "writes true") || !strings.Contains(got, "Please update your password.") || !strings.Contains(got, "broken true") || !strings.Contains(got, "wr5: runs") {
			t.Error(got)
		}
		try("default-authentication-flow", obj{"user": ada, "remote": "192.0.2.7"})
		after := h.contents()
		for _, name := range slices.Sorted(maps.Keys(after)) {
			if before[name] != after[name] {
				t.Errorf("the try changed the table %s", name)
			}
		}
		if len(after) < 20 {
			t.Errorf("only %d tables", len(after))
		}
	})
}

// contents gives a sum of every row of every table.
func (h *house) contents() map[string]string {
	h.t.Helper()
	d := h.s.rooms.store.DB()
	names, err := d.Query(h.t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name`)
	if err != nil {
		h.t.Fatal(err)
	}
	defer names.Close()
	out := map[string]string{}
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			h.t.Fatal(err)
		}
		out[name] = ""
	}
	if err := names.Err(); err != nil {
		h.t.Fatal(err)
	}
	for name := range out {
		rows, err := d.Query(h.t.Context(), `SELECT * FROM "`+name+`"`)
		if err != nil {
			h.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			h.t.Fatal(err)
		}
		sum := sha256.New()
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				h.t.Fatal(err)
			}
			fmt.Fprintf(sum, "%v\n", values)
		}
		if err := rows.Close(); err != nil {
			h.t.Fatal(err)
		}
		out[name] = fmt.Sprintf("%x", sum.Sum(nil))
	}
	return out
}
