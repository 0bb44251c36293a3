package flow_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/flow"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/deny"
	"gatehouse/backend/stage/stagetest"
)

func TestRequirement(t *testing.T) {
	const no = "Flow does not apply to current user."
	for _, tt := range []struct {
		requirement        string
		nobody, ada, admin string
	}{
		{"none", "a", "a", "a"},
		{"require_authenticated", no, "a", "a"},
		{"require_unauthenticated", "a", no, no},
		{"require_superuser", no, no, "a"},
		{"require_outpost", no, no, no},
	} {
		h, _ := open(t)
		f := h.Flow("f", flow.Authentication, dummies(h, "a")...)
		f.Authentication = tt.requirement
		h.Change(f)
		ada, boss := h.User("ada", ""), h.User("boss", "")
		h.Superusers(boss)
		for who, b := range map[string]*stagetest.Browser{tt.nobody: h.Browser(), "2" + tt.ada: h.SignedIn(ada), "33" + tt.admin: h.SignedIn(boss)} {
			want := who
			for len(want) > 0 && (want[0] == '2' || want[0] == '3') {
				want = want[1:]
			}
			out := b.Get("f", "")
			got := shown(out)
			if why, denied := stagetest.Denied(out); denied {
				got = why
			}
			if got != want {
				t.Errorf("%s: %s, want %s", tt.requirement, got, want)
			}
		}
	}
}

func TestDeniedChallenge(t *testing.T) {
	h, _ := open(t)
	f := h.Flow("f", flow.Authentication, dummies(h, "a")...)
	f.Authentication, f.Layout = "require_authenticated", "sidebar_left"
	h.Change(f)
	m := stagetest.Wire(h.Browser().Get("f", ""))
	info, _ := m["flow_info"].(map[string]any)
	if m["type"] != "native" || m["component"] != "ak-stage-access-denied" || m["pending_user"] != "" || m["pending_user_avatar"] != "/static/dist/assets/images/user_default.png" ||
		info["cancel_url"] != "/flows/-/cancel/" || info["layout"] != "sidebar_left" || info["background"] != flow.DefaultBackground {
		t.Errorf("%v", m)
	}
}

func TestDeniedAction(t *testing.T) {
	const no = "Not for you."
	for _, tt := range []struct{ action, query, want string }{
		{"message_continue", "", no},
		{"message_continue", "next=%2Fx", "to /x"},
		{"message_continue", "next=%2F%2Fevil.test", no},
		{"message", "", no},
		{"message", "next=%2Fx", no},
		{"continue", "", "to /"},
		{"continue", "next=%2Fx", "to /x"},
		{"continue", "next=https%3A%2F%2Fevil.test", "to /"},
	} {
		h, _ := open(t)
		f := h.Flow("f", flow.Authentication, dummies(h, "a")...)
		f.DeniedAction = tt.action
		h.Change(f)
		h.Asks(f.PK, func(_ context.Context, v expr.Vars) (any, error) {
			v["ak_message"].(func(string))(no)
			return false, nil
		})
		out := h.Browser().Get("f", tt.query)
		got := stagetest.Component(out)
		if why, denied := stagetest.Denied(out); denied {
			got = why
		}
		if got != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.action, tt.query, got, tt.want)
		}
	}
}

func TestPolicyMessagesAreJoined(t *testing.T) {
	h, _ := open(t)
	f := h.Flow("f", flow.Authentication, dummies(h, "a")...)
	f.EngineMode = policy.All
	h.Change(f)
	for i, text := range []string{"One.", "Two."} {
		h.Asks(f.PK, func(_ context.Context, v expr.Vars) (any, error) {
			v["ak_message"].(func(string))(text)
			return false, nil
		}, func(b *policy.Binding) { b.Order = i })
	}
	if why, _ := stagetest.Denied(h.Browser().Get("f", "")); why != "One.\nTwo." {
		t.Errorf("%q", why)
	}
}

// A policy that can't answer must not open the way past its stage (CVE-2024-47070).
func TestPolicyThatRaises(t *testing.T) {
	raise := func(context.Context, expr.Vars) (any, error) { return nil, errors.New("no such header") }
	for _, onPlan := range []bool{false, true} {
		for _, failure := range []bool{false, true} {
			h, _ := open(t)
			f := h.Flow("f", flow.Authentication)
			guarded := h.Bind(f, dummies(h, "password")[0], 0, func(b *flow.Binding) { b.OnPlan, b.OnRun = onPlan, !onPlan })
			h.Bind(f, dummies(h, "login")[0], 10)
			h.Asks(guarded.PK, raise, func(b *policy.Binding) { b.FailureResult = failure })
			out := h.Browser().Get("f", "")
			_, denied := stagetest.Denied(out)
			switch {
			case failure && shown(out) != "password":
				t.Errorf("failure_result true: %s", shown(out))
			case !failure && !denied:
				t.Errorf("on plan %v: the stage is skipped: %s", onPlan, shown(out))
			}
			if es := h.Heard("policy_exception"); len(es) != 1 {
				t.Errorf("%d events", len(es))
			}
		}
	}
}

func TestFlowPolicyThatRaises(t *testing.T) {
	h, _ := open(t)
	f := h.Flow("f", flow.Authentication, dummies(h, "a")...)
	h.Asks(f.PK, func(context.Context, expr.Vars) (any, error) { return nil, errors.New("no such header") })
	if _, denied := stagetest.Denied(h.Browser().Get("f", "")); !denied {
		t.Error("the flow is open")
	}
}

// restart_with_context keeps whom the flow is about, so that a policy of the restarted plan may deny.
func TestRestartWithContext(t *testing.T) {
	for _, tt := range []struct{ action, want string }{
		{"restart_with_context", "Flow does not apply to current user."},
		{"restart", "who"},
		{"retry", "password"},
	} {
		for _, whole := range []bool{false, true} {
			h, a := open(t)
			ada := h.User("ada", "")
			a.set("who", act{take: func(t *stage.Turn, _ *probeAnswer) stage.Result {
				t.Plan.SetUser(ada)
				return stage.Done()
			}})
			a.set("password", act{take: func(*stage.Turn, *probeAnswer) stage.Result { return stage.Wrong("word", "No.") }})
			f := h.Flow("f", flow.Authentication, aProbe(h, "who"))
			h.Bind(f, aProbe(h, "password"), 10, func(b *flow.Binding) { b.InvalidResponse = tt.action })
			var asked []string
			h.Asks(f.PK, func(_ context.Context, v expr.Vars) (any, error) {
				r := v["request"].(*policy.Request)
				name := "nobody"
				if r.User != nil {
					name = r.User.Username
				}
				asked = append(asked, name)
				return name != "ada", nil
			})
			b := h.Browser()
			b.Whole = whole
			b.Get("f", "")
			b.Post("f", "", map[string]any{"word": "x"})
			out := b.Post("f", "", map[string]any{"word": "x"})
			got := shown(out)
			if why, denied := stagetest.Denied(out); denied {
				got = why
			}
			if got != tt.want || out.To != "" {
				t.Errorf("%s: %s, want %s (%+v)", tt.action, got, tt.want, out)
			}
			if tt.action == "restart_with_context" && !slices.Equal(asked, []string{"nobody", "ada"}) {
				t.Errorf("the policy was asked about %v", asked)
			}
			if problem := stagetest.Problem(out, "word"); (problem != "") != (tt.action == "retry") {
				t.Errorf("%s: the error is %q", tt.action, problem)
			}
		}
	}
}

// A flow that has nothing left when it begins anew is broken: it must not count as gone through.
func TestRestartToNothing(t *testing.T) {
	h, a := open(t)
	a.set("a", act{take: func(t *stage.Turn, _ *probeAnswer) stage.Result {
		t.Plan.Context["wrong"] = true
		return stage.Wrong("word", "No.")
	}})
	f := h.Flow("f", flow.Authentication)
	b := h.Bind(f, aProbe(h, "a"), 0, func(b *flow.Binding) { b.OnPlan, b.InvalidResponse = true, "restart_with_context" })
	h.Asks(b.PK, func(_ context.Context, v expr.Vars) (any, error) {
		return v["request"].(*policy.Request).Context["wrong"] == nil, nil
	})
	for _, whole := range []bool{false, true} {
		br := h.Browser()
		br.Whole = whole
		br.Get("f", "")
		if got := shown(br.Post("f", "", map[string]any{"word": "x"})); got != "ak-stage-flow-error" {
			t.Errorf("whole %v: %s", whole, got)
		}
	}
}

func TestDenyWithRestart(t *testing.T) {
	h, _ := open(t)
	f := h.Flow("f", flow.Authentication)
	h.Bind(f, stagetest.New[deny.Stage](h), 0, func(b *flow.Binding) { b.InvalidResponse = "restart" })
	if out := h.Browser().Step("f", "", nil); !out.Advance || out.Challenge != nil {
		t.Errorf("%+v", out)
	}
}

// A policy may put a step behind the one that it keeps out.
func TestPolicyThatRedirects(t *testing.T) {
	h, a := open(t)
	a.set("detour", act{show: func(*stage.Turn) stage.Result { return stage.Redirect("https://elsewhere.test/") }})
	f := h.Flow("f", flow.Authentication)
	bind := h.Bind(f, dummies(h, "a")[0], 0)
	detour := aProbe(h, "detour")
	h.Make(detour)
	h.Asks(bind.PK, func(_ context.Context, v expr.Vars) (any, error) {
		r := v["request"].(*policy.Request)
		r.Context["flow_plan"].(*stage.Plan).Next(stage.Step{Stage: detour.PK})
		return false, nil
	})
	b := h.Browser()
	if out := b.Get("f", ""); out.To != "https://elsewhere.test/" {
		t.Errorf("%+v", out)
	}
	if h.Plan(b) == nil {
		t.Error("the plan is gone with the person")
	}
}

func TestBrokenStage(t *testing.T) {
	h, a := open(t)
	a.set("a", act{show: func(*stage.Turn) stage.Result { return stage.Fail(errors.New("disk on fire")) }})
	h.Flow("f", flow.Authentication, aProbe(h, "a"))
	m := stagetest.Wire(h.Browser().Get("f", ""))
	if m["component"] != "ak-stage-flow-error" || m["request_id"] != "0123456789abcdef0123456789abcdef" || m["error"] != nil {
		t.Errorf("%v", m)
	}
	if es := h.Heard(event.SystemException); len(es) != 1 || es[0].Context["message"] != "disk on fire" {
		t.Errorf("%v", es)
	}
}

// A stage that is bound to a flow but that no list has any more breaks the flow, it does not vanish from it.
func TestUnknownStage(t *testing.T) {
	h, a := open(t)
	a.set("a", act{show: func(t *stage.Turn) stage.Result {
		t.Plan.Next(stage.Step{Stage: "00000000-0000-4000-8000-000000000000"})
		return stage.Done()
	}})
	h.Flow("f", flow.Authentication, aProbe(h, "a"), aProbe(h, "b"))
	if got := shown(h.Browser().Get("f", "")); got != "ak-stage-flow-error" {
		t.Error(got)
	}
}

func TestEndlessPlan(t *testing.T) {
	h, a := open(t)
	var self string
	a.set("a", act{show: func(t *stage.Turn) stage.Result {
		t.Plan.Next(stage.Step{Stage: self})
		return stage.Done()
	}})
	p := aProbe(h, "a")
	h.Flow("f", flow.Authentication, p)
	self = p.PK
	b := h.Browser()
	b.Whole = true
	if got := shown(b.Step("f", "", nil)); got != "ak-stage-flow-error" {
		t.Error(got)
	}
}
