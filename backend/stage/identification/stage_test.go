package identification_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/identification"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

const model = "authentik_stages_identification.identificationstage"

// secrets stands for a password stage: no plug may be imported here, and any stage with backends will do.
type secrets struct {
	stage.Base
	Backends []string `json:"backends"`
}

func (s *secrets) PasswordBackends() []string                     { return s.Backends }
func (s *secrets) Show(t *stage.Turn) stage.Result                { return stage.Ask(&stage.None{}) }
func (s *secrets) Take(t *stage.Turn, _ *stage.None) stage.Result { return stage.Done() }

var icon = "/static/authentik/sources/default.svg"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{
		identification.Kind(identification.Deps{Deps: h.Stage, Users: h.Users, Auth: h.Auth, Events: h.Events,
			Buttons: func(ctx context.Context, pks []string, _ string) ([]identification.Button, error) {
				var out []identification.Button
				for _, pk := range pks {
					s, err := store.Get[source.BuiltIn](ctx, h.Store, pk)
					if err != nil {
						return nil, err
					}
					out = append(out, identification.Button{Name: s.Name, IconURL: &icon, Challenge: map[string]any{
						"type": "redirect", "component": "xak-flow-redirect", "to": "/source/oauth/login/" + s.Slug + "/",
					}})
				}
				return out, nil
			},
			AppName: h.Engine.Apps,
		}),
		stage.New[secrets, stage.None, stage.None](h.Stage, kind.Spec{
			Path: "stages/secrets", Model: "authentik_stages_secrets.secretsstage", Schema: "SecretsStage", Title: "Secrets Stage",
		}, stage.Asking{Schema: "SecretsChallenge", Component: "ak-stage-secrets", User: true, Page: "x"}, nil),
	}}
}

func make1(h *stagetest.House, fields ...string) *identification.Stage {
	s := stagetest.New[identification.Stage](h)
	s.UserFields = fields
	return s
}

func backends(h *stagetest.House) *secrets {
	s := stagetest.New[secrets](h)
	s.Name = "secrets " + h.Now().String()
	s.Backends = []string{stage.InbuiltBackend}
	h.Make(s)
	return s
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: func(h *stagetest.House) any { return make1(h, "email", "username") }})
}

func TestStageWithPassword(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: func(h *stagetest.House) any {
		s := make1(h, "email", "username")
		s.PasswordStage = &backends(h).PK
		return s
	}})
}

func TestRules(t *testing.T) {
	h := stagetest.Open(t, with)
	s := make1(h)
	s.Name = "x"
	err := h.Store.Create(store.WithActor(t.Context(), store.House), s)
	if f := fault.As(err); err == nil || f.Fields[fault.NonField][0] != "When no user fields are selected, at least one source must be selected" {
		t.Errorf("%v", err)
	}
	s = make1(h, "email")
	s.Name = "x"
	other := make1(h, "email")
	other.Name = "y"
	h.Make(other)
	s.PasswordStage = &other.PK
	if f := fault.As(h.Store.Create(store.WithActor(t.Context(), store.House), s)); f == nil || f.Fields["password_stage"] == nil {
		t.Errorf("a stage without backends is taken for a password stage: %v", f)
	}
}

// The published trace of the default sign-in (flows.md 9.1).
func TestChallenge(t *testing.T) {
	h := stagetest.Open(t, with)
	h.Flow("f", flow.Authentication, make1(h, "email", "username"))
	m := stagetest.Wire(h.Browser().Get("f", "next=%2Fif%2Fadmin%2F"))
	want := map[string]any{
		"type": "native", "component": "ak-stage-identification", "user_fields": []any{"email", "username"}, "password_fields": false,
		"flow_designation": "authentication", "primary_action": "Log in", "sources": []any{}, "show_source_labels": false,
		"flow_info": map[string]any{"title": "Flow f", "background": "/static/dist/assets/images/flow_background.jpg", "cancel_url": "/flows/-/cancel/", "layout": "stacked"},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("%v\nwant %v", m, want)
	}
	h.Flow("r", flow.Recovery, make1(h, "email"))
	if m := stagetest.Wire(h.Browser().Get("r", "")); m["primary_action"] != "Continue" || m["flow_designation"] != "recovery" {
		t.Errorf("%v", m)
	}
}

func TestLinksAndSources(t *testing.T) {
	h := stagetest.Open(t, with)
	enroll, recover, passkey := h.Flow("enroll", "enrollment"), h.Flow("recover", "recovery"), h.Flow("passkey", "authentication")
	src := stagetest.New[source.BuiltIn](h)
	src.Name, src.Slug = "Test", "test"
	h.Make(src)
	app := stagetest.New[stagetest.App](h)
	app.Name = "Wiki"
	h.Make(app)
	s := make1(h)
	s.EnrollmentFlow, s.RecoveryFlow, s.PasswordlessFlow, s.Sources, s.ShowSourceLabels = &enroll.PK, &recover.PK, &passkey.PK, []string{src.PK}, true
	h.Flow("f", flow.Authentication, s)
	b := h.SignedIn(h.User("ada", ""))
	b.Remember(func(d *session.Data) { d.Application = app.PK })
	m := stagetest.Wire(b.Get("f", "next=%2Fx&flow_token=old"))
	for k, want := range map[string]any{
		"enroll_url": "/if/flow/enroll/?next=%2Fx", "recovery_url": "/if/flow/recover/?next=%2Fx", "passwordless_url": "/if/flow/passkey/?next=%2Fx",
		"show_source_labels": true, "user_fields": []any{}, "application_pre": "Wiki",
		"sources": []any{map[string]any{"name": "Test", "icon_url": icon, "challenge": map[string]any{"type": "redirect", "component": "xak-flow-redirect", "to": "/source/oauth/login/test/"}}},
	} {
		if !reflect.DeepEqual(m[k], want) {
			t.Errorf("%s: %v, want %v", k, m[k], want)
		}
	}
	if got := stagetest.Problem(b.Post("f", "", map[string]any{"uid_field": "ada"}), fault.NonField); got != "Failed to authenticate. (invalid)" {
		t.Errorf("without user fields nobody is found: %q", got)
	}
}

func TestIdentify(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fields  []string
		typed   string
		exact   bool
		pretend bool
		who     string // "" = refused, "?" = a made-up user
	}{
		{"e-mail", []string{"email"}, "ada@office.lan", false, false, "ada"},
		{"username", []string{"username"}, "ada", false, false, "ada"},
		{"upn", []string{"upn"}, "ada@corp", false, false, "ada"},
		{"white space around", []string{"username"}, "  ada ", false, false, "ada"},
		{"any case", []string{"username"}, "ADA", false, false, "ada"},
		{"exact case", []string{"username"}, "ADA", true, false, ""},
		{"the wrong field", []string{"email"}, "ada", false, false, ""},
		{"the wrong field, pretending", []string{"email"}, "ada", false, true, "?"},
		{"nobody", []string{"username"}, "nobody", false, false, ""},
		{"nobody, pretending", []string{"username", "email"}, "nobody", false, true, "?"},
		{"a pattern", []string{"username"}, "a%", false, false, ""},
		{"switched off", []string{"username"}, "old", false, false, "old"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := stagetest.Open(t, with)
			h.User("ada", "", func(u *user.User) { u.Attributes = map[string]any{"upn": "ada@corp"} })
			h.User("old", "", func(u *user.User) { u.IsActive = false })
			s := make1(h, tt.fields...)
			s.CaseInsensitive, s.PretendUserExists = !tt.exact, tt.pretend
			h.Flow("f", flow.Authentication, s, backends(h))
			b := h.Browser()
			b.Get("f", "")
			out := b.Post("f", "", map[string]any{"component": "ak-stage-identification", "uid_field": tt.typed})
			if tt.who == "" {
				if got := stagetest.Problem(out, fault.NonField); got != "Failed to authenticate. (invalid)" || stagetest.Component(out) != "ak-stage-identification" {
					t.Errorf("%s %q", stagetest.Component(out), got)
				}
				return
			}
			want := tt.who
			if want == "?" {
				want = tt.typed
			}
			m := stagetest.Wire(out)
			if m["component"] != "ak-stage-secrets" || m["pending_user"] != want {
				t.Errorf("%v", m)
			}
			if pk, fake, _ := h.Plan(b).UserPK(); (fake != "") != (tt.who == "?") || (pk == 0) != (tt.who == "?") {
				t.Errorf("the plan holds %d %q", pk, fake)
			}
		})
	}
}

// A name that nobody has is told, once for each answer, whether the stage pretends or not; one that somebody has is not.
func TestUnknownNames(t *testing.T) {
	for _, pretend := range []bool{true, false} {
		var told []string
		h := stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
			m := with(h)
			m.Stages[0] = identification.Kind(identification.Deps{Deps: h.Stage, Users: h.Users, Auth: h.Auth, Events: h.Events, AppName: h.Engine.Apps,
				Buttons: func(context.Context, []string, string) ([]identification.Button, error) { return nil, nil },
				Unknown: func(_ *store.Tx, name, ip string) error {
					told = append(told, name+" "+ip)
					return nil
				}})
			return m
		})
		h.User("ada", "")
		s := make1(h, "username")
		s.PretendUserExists = pretend
		h.Flow("f", flow.Recovery, s, backends(h))
		for _, name := range []string{"ada", "nobody", "Nobody else"} {
			b := h.Browser()
			b.Get("f", "")
			out := b.Post("f", "", map[string]any{"uid_field": name})
			if on := stagetest.Component(out) == "ak-stage-secrets"; on != (pretend || name == "ada") {
				t.Errorf("%s: %s", name, stagetest.Component(out))
			}
		}
		if err := h.Sessions.Flush(t.Context()); err != nil { // it may be told with the session
			t.Fatal(err)
		}
		if want := []string{"nobody 192.0.2.7", "Nobody else 192.0.2.7"}; !reflect.DeepEqual(told, want) {
			t.Errorf("%q", told)
		}
		if len(h.Heard(event.LoginFailed)) != 0 {
			t.Error("a name is told as a wrong password")
		}
	}
}

// With show_matched_user off the next page looks the same whether there is an account or not.
func TestNobodyLearnsWhoExists(t *testing.T) {
	h := stagetest.Open(t, with)
	h.User("ada", "")
	s := make1(h, "email", "username")
	s.ShowMatchedUser = false
	h.Flow("f", flow.Authentication, s, backends(h))
	see := func(name string) map[string]any {
		m := stagetest.Wire(h.Browser().Post("f", "", map[string]any{"uid_field": name}))
		if m["pending_user"] != name {
			t.Errorf("%v instead of what was typed", m["pending_user"])
		}
		m["pending_user"] = ""
		return m
	}
	if a, b := see("ada@office.lan"), see("bob@office.lan"); !reflect.DeepEqual(a, b) {
		t.Errorf("%v\n%v", a, b)
	}
}

// A second name replaces the first one, in every part.
func TestAnotherName(t *testing.T) {
	h := stagetest.Open(t, with)
	h.User("ada", "")
	h.User("bob", "")
	s := make1(h, "username")
	s.ShowMatchedUser = false
	f := h.Flow("f", flow.Authentication, s)
	s2 := make1(h, "username")
	h.Bind(f, s2, 10)
	h.Bind(f, backends(h), 20)
	b := h.Browser()
	b.Post("f", "", map[string]any{"uid_field": "ada"})
	if m := stagetest.Wire(b.Post("f", "", map[string]any{"uid_field": "bob"})); m["pending_user"] != "bob" {
		t.Errorf("%v", m)
	}
}

// The link of one person can't be used for another (CVE-2023-26481).
func TestLinkStaysWithItsPerson(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "")
	h.User("bob", "")
	s := make1(h, "username")
	f := h.Flow("f", flow.Recovery, s, backends(h))
	p := stage.NewPlan(f.PK, map[string]any{stage.Restored: stage.Ref("authentik_flows.flowtoken", token.Verification)})
	p.SetUser(ada)
	p.Append(stage.Step{Stage: s.PK})
	p.Append(stage.Step{Stage: s.PK})
	p.Append(stage.Step{Stage: backends(h).PK})
	b := h.Browser()
	h.Begin(b, f, p)
	if m := stagetest.Wire(b.Post("f", "", map[string]any{"uid_field": "bob"})); m["component"] != "ak-stage-secrets" || m["pending_user"] != "ada" {
		t.Errorf("%v", m)
	}
}

func TestTogether(t *testing.T) {
	for _, tt := range []struct{ name, uid, password, want string }{
		{"right", "ada", " a good  password ", "ak-stage-secrets"},
		{"right by e-mail", "ada@office.lan", " a good  password ", "ak-stage-secrets"},
		{"trimmed", "ada", "a good  password", "Failed to authenticate. (invalid)"},
		{"wrong", "ada", "another password", "Failed to authenticate. (invalid)"},
		{"empty", "ada", "", "Failed to authenticate. (invalid)"},
		{"nobody", "nobody", "another password", "Failed to authenticate. (invalid)"},
		{"switched off", "old", " a good  password ", "Failed to authenticate. (invalid)"},
		{"no password", "new", "!", "Failed to authenticate. (invalid)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := stagetest.Open(t, with)
			h.User("ada", " a good  password ")
			h.User("old", " a good  password ", func(u *user.User) { u.IsActive = false })
			h.User("new", "")
			s := make1(h, "email", "username")
			s.PasswordStage = &backends(h).PK
			h.Flow("f", flow.Authentication, s, backends(h))
			b := h.Browser()
			if m := stagetest.Wire(b.Get("f", "")); m["password_fields"] != true {
				t.Errorf("%v", m)
			}
			out := b.Post("f", "", map[string]any{"uid_field": tt.uid, "password": tt.password})
			got := stagetest.Problem(out, fault.NonField)
			if got == "" {
				got = stagetest.Component(out)
			}
			if got != tt.want {
				t.Fatalf("%s, want %s", got, tt.want)
			}
			fails := h.Heard(event.LoginFailed)
			if tt.want == "ak-stage-secrets" {
				c := h.Plan(b).Context
				if pending := c[stage.PendingUser].(map[string]any); pending["backend"] != stage.InbuiltBackend || c[stage.AuthMethod] != "password" || c[stage.UserBackend] != nil || len(fails) != 0 {
					t.Errorf("%v", c)
				}
				return
			}
			if tt.password == "" {
				return
			}
			if len(fails) != 1 || fails[0].Context["username"] != tt.uid || fails[0].Context["password"] != event.Mask || h.Count("attempts", "1 = 1") != 3 {
				t.Errorf("%v", fails)
			}
		})
	}
}

// A name that the stage does not ask for opens nothing, even with its right password.
func TestTogetherAsksForTheFieldsOnly(t *testing.T) {
	h := stagetest.Open(t, with)
	h.User("ada", "a good password")
	s := make1(h, "email")
	s.PasswordStage = &backends(h).PK
	h.Flow("f", flow.Authentication, s, backends(h))
	out := h.Browser().Post("f", "", map[string]any{"uid_field": "ada", "password": "a good password"})
	if got := stagetest.Problem(out, fault.NonField); got != "Failed to authenticate. (invalid)" {
		t.Errorf("%q", got)
	}
}

func TestTogetherIsThrottled(t *testing.T) {
	h := stagetest.Open(t, with)
	h.User("ada", "a good password")
	s := make1(h, "username")
	s.PasswordStage = &backends(h).PK
	h.Flow("f", flow.Authentication, s, backends(h))
	for _, name := range []string{"ada", "nobody"} {
		var last string
		for range 11 {
			last = stagetest.Problem(h.Browser().Post("f", "", map[string]any{"uid_field": name, "password": "wrong one"}), fault.NonField)
		}
		if last != "Too many wrong tries. Wait 10 seconds, then try again. (throttled)" {
			t.Errorf("%s: %q", name, last)
		}
		if out := h.Browser().Post("f", "", map[string]any{"uid_field": name, "password": "a good password"}); stagetest.Component(out) != "ak-stage-identification" {
			t.Error("the right password passes while one has to wait")
		}
	}
}

func TestLongNames(t *testing.T) {
	h := stagetest.Open(t, with)
	h.Flow("f", flow.Authentication, make1(h, "username"), backends(h))
	long := fmt.Sprintf("%0600d", 1)
	if got := stagetest.Problem(h.Browser().Post("f", "", map[string]any{"uid_field": long}), fault.NonField); got != "Failed to authenticate. (invalid)" {
		t.Errorf("%q", got)
	}
	for _, blank := range []string{"", "  "} {
		if got := stagetest.Problem(h.Browser().Post("f", "", map[string]any{"uid_field": blank}), "uid_field"); got != "This field may not be blank. (blank)" {
			t.Errorf("%q", got)
		}
	}
	if got := stagetest.Problem(h.Browser().Post("f", "", nil), "uid_field"); got != "This field is required. (required)" {
		t.Errorf("%q", got)
	}
}
