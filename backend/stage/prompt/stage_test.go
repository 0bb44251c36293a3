package prompt_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"gatehouse/backend/crypt"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/prompt"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const model = "authentik_stages_prompt.promptstage"

// asked is what the validation policies of a test are asked, and what they say.
type asked struct {
	policies []string
	request  *policy.Request
	result   policy.Result
	err      error
}

func with(h *stagetest.House, a *asked) stagetest.Made {
	d := prompt.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Host: h.Scripts, Policies: func(_ context.Context, ps []string, r *policy.Request) (policy.Result, error) {
		a.policies, a.request = ps, r
		return a.result, a.err
	}}
	return stagetest.Made{Stages: []*stage.Kind{prompt.Kind(d), dummy.Kind(dummy.Deps{Deps: h.Stage})}, Kinds: []*kind.Kind{prompt.Prompts(d)}}
}

// scene is a house with a prompt stage, and a dummy behind it.
type scene struct {
	*stagetest.House
	asked *asked
	stage *prompt.Stage
	flow  *flow.Flow
	b     *stagetest.Browser
}

// change makes a prompt what a test needs.
type change func(p *prompt.Prompt)

func field(key, typ string, changes ...change) change {
	return func(p *prompt.Prompt) {
		p.FieldKey, p.Type, p.Label, p.Name = key, typ, "The "+key, "prompt "+key
		for _, c := range changes {
			c(p)
		}
	}
}

func optional(p *prompt.Prompt) { p.Required = false }

func initial(v string) change { return func(p *prompt.Prompt) { p.InitialValue = v } }

func hint(v string) change { return func(p *prompt.Prompt) { p.Placeholder = v } }

func open(t *testing.T, prompts ...change) *scene {
	a := &asked{result: policy.Result{Passing: true}}
	return more(stagetest.Open(t, func(h *stagetest.House) stagetest.Made { return with(h, a) }), a, "f", prompts...)
}

// more makes another flow of prompts in a house.
func more(h *stagetest.House, a *asked, slug string, prompts ...change) *scene {
	s := &scene{House: h, asked: a}
	s.stage = stagetest.New[prompt.Stage](s.House)
	for i, c := range prompts {
		p := stagetest.New[prompt.Prompt](s.House)
		p.Order = i
		c(p)
		if slug != "f" {
			p.Name = slug
		}
		s.Make(p)
		s.stage.Fields = append(s.stage.Fields, p.PK)
	}
	s.flow = s.Flow(slug, "enrollment", s.stage, stagetest.New[dummy.Stage](s.House))
	s.b = s.Browser()
	return s
}

// fields gives what the page asks for.
func (s *scene) fields() []map[string]any {
	s.T.Helper()
	list, _ := stagetest.Wire(s.b.Step("f", "", nil))["fields"].([]any)
	out := make([]map[string]any, len(list))
	for i, f := range list {
		out[i] = f.(map[string]any)
	}
	return out
}

// data gives what the plan knows afterwards.
func (s *scene) data() map[string]any {
	s.T.Helper()
	p := s.Plan(s.b)
	if p == nil {
		return nil
	}
	return p.Map(stage.PromptData)
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: func(h *stagetest.House) stagetest.Made { return with(h, &asked{result: policy.Result{Passing: true}}) }, Model: model, Proof: true,
		Make: func(h *stagetest.House) any {
			s := stagetest.New[prompt.Stage](h)
			for _, typ := range []string{prompt.Text, prompt.Username, prompt.Number, prompt.Checkbox, prompt.Dropdown, prompt.File} {
				p := stagetest.New[prompt.Prompt](h)
				field(typ, typ)(p)
				p.Name += crypt.ID(6)
				h.Make(p)
				s.Fields = append(s.Fields, p.PK)
			}
			return s
		}})
}

func TestChallenge(t *testing.T) {
	s := open(t, field("b", prompt.Text, func(p *prompt.Prompt) { p.Order, p.SubText = 20, "<b>bold</b>" }), field("a", prompt.Dropdown, optional, hint("one"), func(p *prompt.Prompt) { p.Order = 10 }))
	m := stagetest.Wire(s.b.Step("f", "", nil))
	want := []any{
		map[string]any{"field_key": "a", "label": "The a", "type": "dropdown", "required": false, "placeholder": "", "initial_value": "one", "order": 10.0, "sub_text": "", "choices": []any{"one"}},
		map[string]any{"field_key": "b", "label": "The b", "type": "text", "required": true, "placeholder": "", "initial_value": "", "order": 20.0, "sub_text": "<b>bold</b>", "choices": nil},
	}
	if m["component"] != "ak-stage-prompt" || !reflect.DeepEqual(m["fields"], want) {
		t.Errorf("%v", m)
	}
}

func TestExpressions(t *testing.T) {
	s := open(t, field("x", prompt.Text))
	ada := s.User("ada", "")
	var seen expr.Vars
	say := func(fn expr.Native) string { return s.Scripts.Say(fn) }
	p, err := store.Find[prompt.Prompt](t.Context(), s.Store, "name", "prompt x")
	if err != nil {
		t.Fatal(err)
	}
	p.InitialIsExpr, p.PlaceholderIsExpr = true, true
	p.InitialValue = say(func(_ context.Context, v expr.Vars) (any, error) {
		seen = v
		return v["user"].(*user.User).Username, nil
	})
	p.Placeholder = say(stagetest.Answer(7.0))
	s.Change(p)
	plan := stage.NewPlan(s.flow.PK, map[string]any{stage.PromptData: map[string]any{"other": "known"}})
	plan.SetUser(ada)
	plan.Append(stage.Step{Stage: s.stage.PK})
	s.Begin(s.b, s.flow, plan)
	f := s.fields()[0]
	if f["initial_value"] != "ada" || f["placeholder"] != "7" {
		t.Errorf("%v", f)
	}
	r, _ := seen["request"].(*policy.Request)
	if r == nil || r.User.PK != ada.PK || r.HTTP.ClientIP != s.b.IP || r.Obj.(*prompt.Prompt).PK != p.PK || !reflect.DeepEqual(seen["prompt_context"], map[string]any{"other": "known"}) {
		t.Errorf("%v", seen)
	}
	// One that fails falls back to its text, and is told.
	p.InitialValue = say(func(context.Context, expr.Vars) (any, error) { return nil, errors.New("no such thing") })
	p.Placeholder = "never said"
	s.Change(p)
	if f = s.fields()[0]; f["initial_value"] != p.InitialValue || f["placeholder"] != "never said" {
		t.Errorf("%v", f)
	}
}

func TestInitialValues(t *testing.T) {
	for _, tt := range []struct {
		name  string
		typ   string
		known any // in the plan
		text  string
		want  string
	}{
		{"its text", prompt.Text, nil, "text", "text"},
		{"what is known wins", prompt.Text, "known", "text", "known"},
		{"a number that is known", prompt.Number, 3.0, "", "3"},
		{"true", prompt.Checkbox, true, "", "true"},
		{"false is empty", prompt.Checkbox, false, "yes", ""},
		{"a password never comes back", prompt.Password, "secret", "secret", ""},
		{"a choice that there is", prompt.Dropdown, nil, "b", "b"},
		{"a choice that there is not", prompt.Dropdown, nil, "x", "a"},
		{"a known choice", prompt.Radio, "c", "a", "c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, field("x", tt.typ, initial(tt.text)))
			data := map[string]any{"x__choices": []any{"a", "b", "c"}}
			if tt.known != nil {
				data["x"] = tt.known
			}
			plan := stage.NewPlan(s.flow.PK, map[string]any{stage.PromptData: data})
			plan.Append(stage.Step{Stage: s.stage.PK})
			s.Begin(s.b, s.flow, plan)
			if f := s.fields()[0]; f["initial_value"] != tt.want {
				t.Errorf("%v", f)
			}
		})
	}
}

// A placeholder is never what is known of the field, and choices whose expression fails are the text itself.
func TestPlaceholders(t *testing.T) {
	s := open(t, field("x", prompt.Text, hint("for example")), field("y", prompt.Dropdown, hint("the text")))
	p, err := store.Find[prompt.Prompt](t.Context(), s.Store, "name", "prompt y")
	if err != nil {
		t.Fatal(err)
	}
	p.PlaceholderIsExpr = true // a text that is no expression
	s.Change(p)
	plan := stage.NewPlan(s.flow.PK, map[string]any{stage.PromptData: map[string]any{"x": "known"}})
	plan.Append(stage.Step{Stage: s.stage.PK})
	s.Begin(s.b, s.flow, plan)
	fs := s.fields()
	if fs[0]["placeholder"] != "for example" || fs[0]["initial_value"] != "known" {
		t.Errorf("%v", fs[0])
	}
	if !reflect.DeepEqual(fs[1]["choices"], []any{"the text"}) || fs[1]["initial_value"] != "the text" || fs[1]["placeholder"] != "" {
		t.Errorf("%v", fs[1])
	}
}

func TestChoices(t *testing.T) {
	for _, tt := range []struct {
		name string
		give any // of the placeholder's expression
		want []any
	}{
		{"none", []any{}, []any{}},
		{"one", "only", []any{"only"}},
		{"a number", 7.0, []any{"7"}},
		{"many", []any{"a", 2.0, true}, []any{"a", "2", "true"}},
		{"texts", []string{"a", "b"}, []any{"a", "b"}},
	} {
		s := open(t, field("x", prompt.Radio))
		p, err := store.Find[prompt.Prompt](t.Context(), s.Store, "name", "prompt x")
		if err != nil {
			t.Fatal(err)
		}
		p.PlaceholderIsExpr, p.Placeholder = true, s.Scripts.Say(stagetest.Answer(tt.give))
		s.Change(p)
		f := s.fields()[0]
		if !reflect.DeepEqual(f["choices"], tt.want) || f["placeholder"] != "" {
			t.Errorf("%s: %v", tt.name, f)
		}
		first := ""
		if len(tt.want) > 0 {
			first = tt.want[0].(string)
		}
		if f["initial_value"] != first {
			t.Errorf("%s: begins with %v", tt.name, f["initial_value"])
		}
	}
}

func TestPasswords(t *testing.T) {
	two := []change{field("password", prompt.Password), field("password_repeat", prompt.Password)}
	s := open(t, two...)
	if got := stagetest.Problem(s.b.Step("f", "", map[string]any{"password": "long enough", "password_repeat": "b"}), fault.NonField); got != "Passwords don't match. (invalid)" {
		t.Errorf("%q", got)
	}
	if got := stagetest.Problem(s.b.Step("f", "", map[string]any{"password": "long enough", "password_repeat": "long enough "}), fault.NonField); got != "Passwords don't match. (invalid)" {
		t.Errorf("white space counts: %q", got)
	}
	if out := s.b.Step("f", "", map[string]any{"password": " long enough ", "password_repeat": " long enough "}); !out.Advance || s.data()["password"] != " long enough " {
		t.Errorf("%+v %v", out, s.data())
	}
	// What is wrong with a field is told first (flows.md 9.6).
	s = open(t, append(two, field("username", prompt.Username))...)
	s.User("taken", "")
	out := s.b.Step("f", "", map[string]any{"username": "taken", "password": "long enough", "password_repeat": "b"})
	if stagetest.Problem(out, "username") != "Username is already taken. (invalid)" || stagetest.Problem(out, fault.NonField) != "" {
		t.Errorf("%v", out.Challenge.Errors)
	}
	// Three are not compared.
	s = open(t, append(two, field("old", prompt.Password))...)
	if out := s.b.Step("f", "", map[string]any{"password": "long enough", "password_repeat": "b", "old": "c"}); !out.Advance {
		t.Errorf("%v", out.Challenge.Errors)
	}
}

func TestUsername(t *testing.T) {
	s := open(t, field("username", prompt.Username))
	ada := s.User("ada", "")
	s.User("bob", "")
	s.b = s.SignedIn(ada)
	try := func(name string) string {
		out := s.b.Step("f", "", map[string]any{"username": name})
		if out.Advance {
			return "on"
		}
		return stagetest.Problem(out, "username")
	}
	if got := try("bob"); got != "Username is already taken. (invalid)" {
		t.Errorf("%q", got)
	}
	if got := try("ada"); got != "on" {
		t.Errorf("one's own name: %q", got)
	}
	s.b = s.Browser()
	if got := try("ada"); got != "Username is already taken. (invalid)" {
		t.Errorf("of another: %q", got)
	}
	if got := try("ADA"); got != "on" {
		t.Errorf("another case is another name: %q", got)
	}
}

func TestPolicies(t *testing.T) {
	s := open(t, field("name", prompt.Text))
	ada := s.User("ada", "")
	pol := s.Asks(s.flow.PK, stagetest.Answer(true)).Policy
	s.stage.Policies = []string{*pol}
	s.Change(s.stage)
	s.b = s.SignedIn(ada)
	s.asked.result = policy.Result{Messages: []string{"Not allowed to change name.", "Nor this."}}
	out := s.b.Step("f", "", map[string]any{"name": "Eve"})
	if es := out.Challenge.Errors[fault.NonField]; len(es) != 2 || es[0].String != "Not allowed to change name." || es[0].Code != "invalid" || es[1].String != "Nor this." {
		t.Errorf("%v", out.Challenge.Errors)
	}
	r := s.asked.request
	if !reflect.DeepEqual(s.asked.policies, []string{*pol}) || r.User.PK != ada.PK || r.HTTP.ClientIP != s.b.IP || !reflect.DeepEqual(r.Context, map[string]any{stage.PromptData: map[string]any{"name": "Eve"}}) {
		t.Errorf("%v %+v", s.asked.policies, r)
	}
	if len(s.data()) != 0 {
		t.Error("what was refused is kept")
	}
	// Refused without a word: asked again.
	s.asked.result = policy.Result{Raised: true}
	out = s.b.Step("f", "", map[string]any{"name": "Eve"})
	if m := stagetest.Wire(out); m["component"] != "ak-stage-prompt" || !reflect.DeepEqual(m["response_errors"], map[string]any{}) {
		t.Errorf("%v", m)
	}
	s.asked.err = errors.New("no policies today")
	if c := stagetest.Component(s.b.Step("f", "", map[string]any{"name": "Eve"})); c != "ak-stage-flow-error" {
		t.Error(c)
	}
	s.asked.err, s.asked.result = nil, policy.Result{Passing: true}
	if out := s.b.Step("f", "", map[string]any{"name": "Eve"}); !out.Advance {
		t.Errorf("%v", out.Challenge.Errors)
	}
}

func TestUnknownKeysAreDropped(t *testing.T) {
	s := open(t, field("name", prompt.Text))
	s.b.Step("f", "", map[string]any{"component": "ak-stage-prompt", "name": "Ada", "is_superuser": true, "groups": []string{"admins"}})
	if got := s.data(); !reflect.DeepEqual(got, map[string]any{"name": "Ada"}) {
		t.Errorf("%v", got)
	}
}

func TestPreview(t *testing.T) {
	s := open(t, field("x", prompt.Text))
	var act kind.Action
	for _, a := range store.KindOf[prompt.Prompt](s.Store).Actions {
		if a.Path == "preview" {
			act = a
		}
	}
	if act.Method != "POST" || act.Perm != "authentik_stages_prompt.change_prompt" {
		t.Fatalf("%+v", act)
	}
	ada := s.User("ada", "")
	ctx := store.WithActor(t.Context(), store.Actor{UserPK: ada.PK})
	in := &prompt.Prompt{FieldKey: "x", Label: "X", Type: prompt.Text, InitialIsExpr: true, InitialValue: s.Scripts.Say(func(_ context.Context, v expr.Vars) (any, error) {
		return v["user"].(*user.User).Name, nil
	})}
	got, err := act.Do(ctx, &kind.Call{}, in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if f := m["fields"].([]any)[0].(map[string]any); m["component"] != "ak-stage-prompt" || m["type"] != "native" || f["initial_value"] != "The ada" || f["field_key"] != "x" {
		t.Errorf("%v", m)
	}
	in.InitialValue = "no such expression"
	if _, err = act.Do(ctx, &kind.Call{}, in); !fault.Is(err, fault.Invalid) || fault.As(err).Fields[fault.NonField] == nil {
		t.Errorf("%v", err)
	}
	if len(s.Heard("property_mapping_exception")) != 0 {
		t.Error("a preview is told")
	}
}

func TestStagesOfAPrompt(t *testing.T) {
	s := open(t, field("x", prompt.Text))
	k := store.KindOf[prompt.Prompt](s.Store)
	ps, err := store.All[prompt.Prompt](t.Context(), s.Store, store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Present(t.Context(), []any{ps[0]}, nil); err != nil {
		t.Fatal(err)
	}
	if len(ps[0].Stages) != 1 || ps[0].Stages[0].(*prompt.Stage).PK != s.stage.PK || len(ps[0].Stages[0].(*prompt.Stage).FlowSet) != 1 {
		t.Errorf("%+v", ps[0].Stages)
	}
	// A prompt that goes leaves its stages.
	s.Write(func(tx *store.Tx) error { return tx.Delete(k, ps[0].PK) })
	if got := stagetest.Get[prompt.Stage](s.House, s.stage.PK); len(got.Fields) != 0 {
		t.Errorf("%v", got.Fields)
	}
}

// A password that user_write would refuse is asked for again at once: later the flow could only end.
func TestNewPassword(t *testing.T) {
	s := open(t, field("password", prompt.Password), field("old", prompt.Password))
	s.b.Step("f", "", nil)
	out := s.b.Post("f", "", map[string]any{"password": "short", "old": "short"})
	if got := stagetest.Problem(out, "password"); got != "Use at least 8 characters. (invalid)" {
		t.Errorf("a short password: %q on %s", got, stagetest.Component(out))
	}
	if got := stagetest.Problem(out, "old"); got != "" {
		t.Errorf("a password that is not the new one: %q", got)
	}
}

func TestLargestFile(t *testing.T) {
	s := open(t, field("photo", prompt.File))
	send := func(n int) string {
		s.b.Step("f", "", nil)
		return stagetest.Problem(s.b.Post("f", "", map[string]any{"photo": "data:image/png;base64," + base64.StdEncoding.EncodeToString(make([]byte, n))}), "photo")
	}
	for _, n := range []int{768<<10 + 1, 768<<10 + 4, 2 << 20} {
		if got := send(n); got != "This file is too large. (invalid)" {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
	if got := send(768 << 10); got != "" {
		t.Errorf("768 KB: %q", got)
	}
}
