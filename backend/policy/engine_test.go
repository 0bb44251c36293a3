package policy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/dummy"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

func open(t *testing.T) *stagetest.House {
	return stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		return stagetest.Made{Kinds: []*kind.Kind{dummy.Kind(h.Store)}}
	})
}

// target makes something that policies are bound to.
func target(h *stagetest.House) string {
	return h.Flow("f-"+fmt.Sprint(h.Count("object", "1 = 1")), flow.Authorization).PK
}

// says is an expression that gives v and a message.
func says(v any, message string) expr.Native {
	return func(_ context.Context, vars expr.Vars) (any, error) {
		vars["ak_message"].(func(string))(message)
		return v, nil
	}
}

func order(n int) func(b *policy.Binding) { return func(b *policy.Binding) { b.Order = n } }
func negate(b *policy.Binding)            { b.Negate = true }
func off(b *policy.Binding)               { b.Enabled = false }
func passOnFailure(b *policy.Binding)     { b.FailureResult = true }

// TestCombine holds how answers are combined, and that every binding is asked, in order, whatever the ones before said.
func TestCombine(t *testing.T) {
	h := open(t)
	for _, tt := range []struct {
		answers  string // one letter a binding: y, n; capital letters are negated; - is switched off
		any, all bool
	}{
		{"y", true, true}, {"n", false, false}, {"yy", true, true}, {"yn", true, false}, {"ny", true, false}, {"nn", false, false},
		{"N", true, true}, {"Y", false, false}, {"yN", true, true}, {"nY", false, false}, {"-n", false, false}, {"-y", true, true}, {"yny", true, false},
	} {
		on := target(h)
		var want []string
		for i, c := range tt.answers {
			changes := []func(b *policy.Binding){order(len(tt.answers) - i)} // made in the wrong order
			switch {
			case c == '-':
				changes = append(changes, off)
			case c == 'Y' || c == 'N':
				changes = append(changes, negate)
			}
			if c != '-' {
				want = append([]string{fmt.Sprint(i)}, want...)
			}
			h.Asks(on, says(strings.ToLower(string(c)) == "y", fmt.Sprint(i)), changes...)
		}
		for mode, passes := range map[string]bool{policy.Any: tt.any, policy.All: tt.all} {
			r, err := h.Policies.Evaluate(t.Context(), on, mode, &policy.Request{}, !passes)
			if err != nil || r.Passing != passes || r.Raised || !slices.Equal(r.Messages, want) {
				t.Errorf("%s %s: %+v %v, want %t %q", tt.answers, mode, r, err, passes, want)
			}
		}
	}
}

// TestNothingBound holds that without bindings, and with none that is enabled, the answer is that of who asks.
func TestNothingBound(t *testing.T) {
	h := open(t)
	bare, off1 := target(h), target(h)
	h.Asks(off1, stagetest.Answer(true), off)
	for _, on := range []string{bare, off1, "00000000-0000-4000-8000-000000000000"} {
		for _, mode := range []string{policy.Any, policy.All} {
			for _, empty := range []bool{true, false} {
				if r, err := h.Policies.Evaluate(t.Context(), on, mode, &policy.Request{}, empty); err != nil || r.Passing != empty || len(r.Messages) != 0 {
					t.Errorf("%s %t: %+v %v", mode, empty, r, err)
				}
			}
		}
	}
}

// TestPeople holds bindings of users and groups: oneself, the groups one is in, and all above them.
func TestPeople(t *testing.T) {
	h := open(t)
	ada, bob := h.User("ada", ""), h.User("bob", "")
	group := func(name string, parent *user.Group) *user.Group {
		g := stagetest.New[user.Group](h)
		g.Name = name
		if parent != nil {
			g.Parent = &parent.PK
		}
		h.Make(g)
		return g
	}
	top := group("top", nil)
	middle := group("middle", top)
	team := group("team", middle)
	other := group("other", top)
	h.Write(func(tx *store.Tx) error { return user.AddToGroup(tx, ada.PK, team.PK) })
	for _, tt := range []struct {
		name  string
		group *user.Group
		user  *user.User
		who   *user.User
		want  bool
	}{
		{"oneself", nil, ada, ada, true}, {"another", nil, bob, ada, false}, {"nobody", nil, ada, nil, false}, {"made up", nil, ada, &user.User{Username: "ada"}, false},
		{"own group", team, nil, ada, true}, {"above it", middle, nil, ada, true}, {"at the top", top, nil, ada, true}, {"beside it", other, nil, ada, false},
		{"in none", team, nil, bob, false}, {"nobody's groups", top, nil, nil, false}, {"of somebody made up", top, nil, &user.User{Username: "ada"}, false},
	} {
		for _, negated := range []bool{false, true} {
			on := target(h)
			b := stagetest.New[policy.Binding](h)
			b.Target, b.Negate = on, negated
			if tt.group != nil {
				b.Group = &tt.group.PK
			} else {
				b.User = &tt.user.PK
			}
			h.Make(b)
			r, err := h.Policies.Evaluate(t.Context(), on, policy.All, &policy.Request{User: tt.who}, true)
			if err != nil || r.Passing != (tt.want != negated) || r.Raised {
				t.Errorf("%s, negated %t: %+v %v", tt.name, negated, r, err)
			}
		}
	}
}

// TestFailure holds what counts when a policy can't answer: failure_result, which negate leaves alone, and for an error of ours nothing.
func TestFailure(t *testing.T) {
	h := open(t)
	fails := func(context.Context, expr.Vars) (any, error) {
		return nil, fault.New(fault.Unavailable, "No answer today.")
	}
	breaks := func(context.Context, expr.Vars) (any, error) { return nil, errors.New("internal detail") }
	panics := func(context.Context, expr.Vars) (any, error) { panic("no") }
	slow := func(ctx context.Context, _ expr.Vars) (any, error) {
		<-ctx.Done()
		return true, ctx.Err()
	}
	second := func(b *policy.Binding) { b.Timeout = 1 }
	for _, tt := range []struct {
		name    string
		fn      expr.Native
		change  []func(b *policy.Binding)
		passing bool
		say     string
	}{
		{"fails", fails, nil, false, "No answer today."},
		{"fails and passes", fails, []func(b *policy.Binding){passOnFailure}, true, "No answer today."},
		{"fails, negated", fails, []func(b *policy.Binding){negate}, false, "No answer today."},
		{"fails and passes, negated", fails, []func(b *policy.Binding){negate, passOnFailure}, true, "No answer today."},
		{"breaks", breaks, nil, false, ""},
		{"panics", panics, nil, false, ""},
		{"panics and would pass", panics, []func(b *policy.Binding){passOnFailure}, false, ""},
		{"late", slow, []func(b *policy.Binding){second}, false, "Policy timed out."},
		{"late and passes", slow, []func(b *policy.Binding){second, passOnFailure}, true, "Policy timed out."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on := target(h)
			b := h.Asks(on, tt.fn, tt.change...)
			before := len(h.Heard("policy_exception"))
			r, err := h.Policies.Evaluate(t.Context(), on, policy.Any, &policy.Request{
				User: &user.User{PK: 7, Username: "ada"}, Context: map[string]any{"prompt_data": map[string]any{"password": "hush"}, "plain": "seen"},
			}, true)
			if err != nil || r.Passing != tt.passing || r.Raised != !tt.passing || len(r.Messages) != 1 || tt.say != "" && r.Messages[0] != tt.say || strings.Contains(r.Messages[0], "internal") {
				t.Errorf("%+v %v", r, err)
			}
			es := h.Heard("policy_exception")
			if len(es) != before+1 {
				t.Fatalf("%d events", len(es)-before)
			}
			c := es[len(es)-1].Context
			text := fmt.Sprint(c)
			if c["policy_uuid"] != *b.Policy || c["binding"] != b.PK || strings.Contains(text, "hush") || !strings.Contains(text, "seen") || !strings.Contains(text, "ada") || c["message"] == "" {
				t.Errorf("%v", c)
			}
			if tt.say == "Policy timed out." {
				return // once more would take as long
			}
			// A test run tells nobody.
			if _, err := h.Policies.Evaluate(t.Context(), on, policy.Any, &policy.Request{Debug: true}, true); err != nil || len(h.Heard("policy_exception")) != before+1 {
				t.Errorf("a test run is told: %v", err)
			}
		})
	}
	// One that can't answer beside one that lets pass: with any the person passes, with all not, and the flow learns that nobody knows.
	on := target(h)
	h.Asks(on, fails)
	h.Asks(on, stagetest.Answer(true))
	for mode, want := range map[string]bool{policy.Any: true, policy.All: false} {
		if r, err := h.Policies.Evaluate(t.Context(), on, mode, &policy.Request{}, true); err != nil || r.Passing != want || r.Raised == want {
			t.Errorf("%s: %+v %v", mode, r, err)
		}
	}
}

// TestExecutionLogging holds that a policy tells of each run when it is asked to, and of no test run.
func TestExecutionLogging(t *testing.T) {
	h := open(t)
	on := target(h)
	b := h.Asks(on, says(false, "because"), negate)
	ask := func(debug bool) int {
		t.Helper()
		if _, err := h.Policies.Evaluate(t.Context(), on, policy.Any, &policy.Request{Debug: debug, Context: map[string]any{"prompt_data": map[string]any{"password": "hush"}}}, true); err != nil {
			t.Fatal(err)
		}
		return len(h.Heard("policy_execution"))
	}
	if n := ask(false); n != 0 {
		t.Fatalf("%d events though nobody asked for them", n)
	}
	p := stagetest.Get[expression.Policy](h, *b.Policy)
	p.ExecutionLogging = true
	h.Change(p)
	if n := ask(false); n != 1 {
		t.Fatalf("%d events", n)
	}
	c := h.Heard("policy_execution")[0].Context
	if c["message"] != "Policy Execution" || c["policy_uuid"] != *b.Policy || c["binding"] != b.PK || fmt.Sprint(c["result"]) != "map[messages:[because] passing:true]" || strings.Contains(fmt.Sprint(c), "hush") {
		t.Errorf("%v", c)
	}
	if n := ask(true); n != 1 {
		t.Error("a test run is told")
	}
}

// TestNoAnswerIsKept holds that an edit of a policy, of a binding and of a group counts at once: nothing is cached.
func TestNoAnswerIsKept(t *testing.T) {
	h := open(t)
	ada := h.User("ada", "")
	on, calls := target(h), 0
	b := h.Asks(on, func(context.Context, expr.Vars) (any, error) {
		calls++
		return true, nil
	})
	ask := func() bool {
		t.Helper()
		r, err := h.Policies.Evaluate(t.Context(), on, policy.All, &policy.Request{User: ada}, true)
		if err != nil {
			t.Fatal(err)
		}
		return r.Passing
	}
	for range 2 {
		if !ask() {
			t.Fatal("does not pass")
		}
	}
	if calls != 2 {
		t.Errorf("%d runs", calls)
	}
	p := stagetest.Get[expression.Policy](h, *b.Policy)
	p.Expression = h.Scripts.Say(stagetest.Answer(false))
	if h.Change(p); ask() {
		t.Error("the old text still counts")
	}
	b = stagetest.Get[policy.Binding](h, b.PK)
	b.Negate = true
	if h.Change(b); !ask() {
		t.Error("the old binding still counts")
	}
	g := stagetest.New[user.Group](h)
	g.Name = "g"
	h.Make(g)
	in := stagetest.New[policy.Binding](h)
	in.Target, in.Group, in.Order = on, &g.PK, 5
	if h.Make(in); ask() {
		t.Error("a new binding does not count")
	}
	if h.Write(func(tx *store.Tx) error { return user.AddToGroup(tx, ada.PK, g.PK) }); !ask() {
		t.Error("a new member does not count")
	}
	h.Write(func(tx *store.Tx) error { return tx.Delete(store.KindOf[expression.Policy](h.Store), p.PK) })
	if n := h.Count("object", "pk = ?", b.PK); n != 0 || !ask() {
		t.Errorf("%d bindings of a policy that is gone", n)
	}
}

// TestAll holds the policies that prompts ask: all must pass, in order, and one that fails does not.
func TestAll(t *testing.T) {
	h := open(t)
	make := func(fn expr.Native) string { return *h.Asks(target(h), fn).Policy }
	yes, no := make(says(true, "fine")), make(says(false, "Not allowed."))
	raises := make(func(context.Context, expr.Vars) (any, error) {
		return nil, fault.New(fault.Unavailable, "No answer today.")
	})
	for _, tt := range []struct {
		policies []string
		want     bool
		raised   bool
		say      string
	}{
		{nil, true, false, ""}, {[]string{yes}, true, false, "fine"}, {[]string{yes, no}, false, false, "fine|Not allowed."}, {[]string{no, yes}, false, false, "Not allowed.|fine"},
		{[]string{yes, raises}, false, true, "fine|No answer today."},
	} {
		r, err := h.Policies.All(t.Context(), tt.policies, &policy.Request{})
		if err != nil || r.Passing != tt.want || r.Raised != tt.raised || strings.Join(r.Messages, "|") != tt.say {
			t.Errorf("%v: %+v %v", tt.policies, r, err)
		}
	}
}

// TestByName holds how a policy asks another one.
func TestByName(t *testing.T) {
	h := open(t)
	b := h.Asks(target(h), says(true, "fine"))
	p := stagetest.Get[expression.Policy](h, *b.Policy)
	if r, err := h.Policies.ByName(t.Context(), p.Name, &policy.Request{}); err != nil || !r.Passing {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := h.Policies.ByName(t.Context(), "none of that name", &policy.Request{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// TestBindings holds what a binding may tie: exactly one thing, once at a place.
func TestBindings(t *testing.T) {
	h := open(t)
	on, ada := target(h), h.User("ada", "")
	pol := *h.Asks(on, stagetest.Answer(true), order(1)).Policy
	g := stagetest.New[user.Group](h)
	g.Name = "g"
	h.Make(g)
	const many, none = "Only one of 'policy', 'group' or 'user' can be set.", "One of 'policy', 'group' or 'user' must be set."
	for i, tt := range []struct {
		policy, group *string
		user          *int64
		order         int
		want          string
	}{
		{&pol, nil, nil, 2, ""}, {nil, &g.PK, nil, 2, ""}, {nil, nil, &ada.PK, 2, ""}, {&pol, &g.PK, nil, 3, many}, {&pol, nil, &ada.PK, 3, many}, {nil, &g.PK, &ada.PK, 3, many},
		{&pol, &g.PK, &ada.PK, 3, many}, {nil, nil, nil, 3, none}, {&pol, nil, nil, 1, "must make a unique set"},
	} {
		b := stagetest.New[policy.Binding](h)
		b.Target, b.Policy, b.Group, b.User, b.Order = on, tt.policy, tt.group, tt.user, tt.order
		err := h.Store.Create(store.WithActor(t.Context(), store.House), b)
		say := ""
		if err != nil {
			say = strings.Join(fault.As(err).Fields[fault.NonField], " ")
		}
		if (err == nil) != (tt.want == "") || !strings.Contains(say, tt.want) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if b := stagetest.New[policy.Binding](h); !b.Enabled || b.Negate || b.Timeout != 30 || b.FailureResult {
		t.Errorf("%+v", b)
	}
}

// TestTestRun holds that a test run ends in time and leaves no trace.
func TestTestRun(t *testing.T) {
	h := open(t)
	ada := h.User("ada", "")
	boss := h.User("boss", "")
	h.Superusers(boss)
	h.Users.May = func(context.Context, store.Actor, string, string) (bool, error) { return true, nil }
	var act kind.Action
	for _, k := range policy.Kinds(policy.Deps{Store: h.Store, Users: h.Users, Engine: h.Policies, TestTime: 50 * time.Millisecond}) {
		for _, a := range k.Actions {
			if a.Path == "test" {
				act = a
			}
		}
	}
	if act.Do == nil {
		t.Fatal("no such action")
	}
	ctx := store.WithActor(t.Context(), store.Actor{UserPK: boss.PK, Superuser: true, HTTP: store.HTTP{ClientIP: "192.0.2.7"}})
	var asked *policy.Request
	p := stagetest.New[expression.Policy](h)
	p.Name, p.ExecutionLogging = "tried", true
	for _, tt := range []struct {
		name string
		fn   expr.Native
		want bool
		say  string
	}{
		{"passes", func(_ context.Context, v expr.Vars) (any, error) {
			asked = v["request"].(*policy.Request)
			return true, nil
		}, true, ""},
		{"does not", says(false, "no"), false, "no"},
		{"fails", func(context.Context, expr.Vars) (any, error) {
			return true, fault.New(fault.Unavailable, "No answer today.")
		}, false, "No answer today."},
		{"never ends", func(context.Context, expr.Vars) (any, error) { select {} }, false, "Policy timed out."},
	} {
		p.Expression = h.Scripts.Say(tt.fn)
		if p.PK == "" {
			h.Make(p)
		} else {
			h.Change(p)
		}
		got, err := act.Do(ctx, &kind.Call{Object: p}, &policy.TestRequest{User: ada.PK, Context: map[string]any{"only": "this"}})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		r := got.(policy.TestResult)
		if r.Passing != tt.want || strings.Join(r.Messages, "|") != tt.say || r.Messages == nil || r.LogMessages == nil {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
	if asked.User.PK != ada.PK || len(asked.Context) != 1 || asked.Context["only"] != "this" || asked.HTTP.ClientIP != "192.0.2.7" || !asked.Debug {
		t.Errorf("%+v", asked)
	}
	if len(h.Heard("policy_execution"))+len(h.Heard("policy_exception")) != 0 {
		t.Error("a test run is told")
	}
	if _, err := act.Do(ctx, &kind.Call{Object: p}, &policy.TestRequest{User: 4711}); !fault.Is(err, fault.Invalid) {
		t.Errorf("for nobody: %v", err)
	}
}
