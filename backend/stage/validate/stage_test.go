package validate_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/validate"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	model   = "authentik_stages_authenticator_validate.authenticatorvalidatestage"
	badCode = "Invalid Token. Please ensure the time on your device is accurate and try again. (invalid)"
)

// factor is a class of devices for tests: each person in owners has one, and its code is "right".
type factor struct {
	class  string
	owners map[int64]bool
	err    error
	write  func(tx *store.Tx) error
	shown  int
}

func (f *factor) DeviceClass() string { return f.class }

func (f *factor) Confirmed(_ context.Context, u int64) ([]device.Device, error) {
	if !f.owners[u] {
		return nil, f.err
	}
	return []device.Device{{Class: f.class, PK: f.class + "-1", Name: "My " + f.class, User: u}}, f.err
}

func (f *factor) Challenge(*stage.Turn, []device.Device) (map[string]any, error) {
	f.shown++
	return nil, nil
}

func (f *factor) Check(_ *stage.Turn, ds []device.Device, in *validate.Answer) (validate.Checked, error) {
	if in.Code == "right" || in.WebAuthn["proof"] == "right" || in.Duo != nil && *in.Duo == 7 {
		return validate.Checked{Device: &ds[0], Write: f.write}, nil
	}
	if f.class == "duo" {
		return validate.Checked{Wrong: "Duo denied access"}, nil
	}
	return validate.Checked{}, nil
}

// scene is a house with a validation stage, and dummies behind it and for setting up.
type scene struct {
	*stagetest.House
	factors []validate.Factor
	stage   *validate.Stage
	flow    *flow.Flow
	b       *stagetest.Browser
	ada     *user.User
}

func with(h *stagetest.House, factors func() []validate.Factor) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{
		validate.Kind(validate.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Factors: factors}), dummy.Kind(dummy.Deps{Deps: h.Stage}),
	}}
}

func open(t *testing.T, change ...func(s *validate.Stage)) *scene {
	s := &scene{}
	s.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made { return with(h, func() []validate.Factor { return s.factors }) })
	s.stage = stagetest.New[validate.Stage](s.House)
	for _, c := range change {
		c(s.stage)
	}
	last := stagetest.New[dummy.Stage](s.House)
	last.Name = "last"
	s.flow = s.Flow("f", flow.Authentication, s.stage, last)
	s.ada = s.User("ada", "")
	s.b = s.Browser()
	return s
}

func (s *scene) setUp(names ...string) {
	s.T.Helper()
	for _, n := range names {
		d := stagetest.New[dummy.Stage](s.House)
		d.Name = n
		s.Make(d)
		s.stage.SetupStages = append(s.stage.SetupStages, d.PK)
	}
	s.stage.NotConfigured = validate.Configure
	s.Change(s.stage)
}

// begin puts a person before the stage; nil is nobody.
func (s *scene) begin(who *user.User) {
	s.T.Helper()
	p := stage.NewPlan(s.flow.PK, nil)
	if who != nil {
		p.SetUser(who)
	}
	p.Append(stage.Step{Stage: s.stage.PK})
	page, err := s.Store.ListIn(s.T.Context(), "stages", store.Query{Search: "last"})
	if err != nil || len(page.Rows) != 1 {
		s.T.Fatal(page, err)
	}
	p.Append(stage.Step{Stage: page.Rows[0].(stage.Shared).Stage().PK})
	s.Begin(s.b, s.flow, p)
}

// seen names what is shown: a dummy's name, why the flow ended, or the component.
func seen(out flow.Outcome) string {
	if why, denied := stagetest.Denied(out); denied {
		return why
	}
	if m := stagetest.Wire(out); m["component"] == "ak-stage-dummy" {
		return m["name"].(string)
	}
	return stagetest.Component(out)
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: withKeys, Model: model, Make: func(h *stagetest.House) any { return stagetest.New[validate.Stage](h) }})
}

func TestStageWithDevices(t *testing.T) {
	everybody := map[int64]bool{1: true, 2: true, 3: true}
	stagetest.Run(t, stagetest.Subject{With: func(h *stagetest.House) stagetest.Made {
		return with(h, func() []validate.Factor {
			return []validate.Factor{&factor{class: "totp", owners: everybody}, &factor{class: "webauthn", owners: everybody}}
		})
	}, Model: model, Proof: true, Make: func(h *stagetest.House) any { return stagetest.New[validate.Stage](h) }})
}

func TestStageThatSetsUp(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: func(h *stagetest.House) stagetest.Made { return with(h, func() []validate.Factor { return nil }) }, Model: model, Proof: true,
		Make: func(h *stagetest.House) any {
			s := stagetest.New[validate.Stage](h)
			for range 2 {
				d := stagetest.New[dummy.Stage](h)
				d.Name = h.Scripts.Say(nil)
				h.Make(d)
				s.SetupStages = append(s.SetupStages, d.PK)
			}
			s.NotConfigured = validate.Configure
			return s
		}})
}

func TestRule(t *testing.T) {
	h := stagetest.Open(t, func(h *stagetest.House) stagetest.Made { return with(h, nil) })
	s := stagetest.New[validate.Stage](h)
	s.Name, s.NotConfigured = "x", validate.Configure
	err := h.Store.Create(store.WithActor(t.Context(), store.House), s)
	const want = `When "Not configured action" is set to "Configure", you must set a configuration stage.`
	if f := fault.As(err); f == nil || f.Fields["not_configured_action"][0] != want {
		t.Errorf("%v", err)
	}
	if got := stagetest.New[validate.Stage](h); !slices.Equal(got.Classes, []string{"static", "totp", "webauthn", "duo", "sms"}) || got.NotConfigured != validate.Skip || got.Threshold != "seconds=0" || got.UserCheck != "preferred" {
		t.Errorf("%+v", got)
	}
}

func TestNotConfigured(t *testing.T) {
	const none = "No (allowed) MFA authenticator configured."
	for _, tt := range []struct {
		action string
		setUp  []string
		want   string
	}{
		{validate.Skip, nil, "last"},
		{validate.Deny, nil, none},
		{validate.Configure, []string{"one"}, "one"},
		{validate.Configure, []string{"one", "two"}, "ak-stage-authenticator-validate"},
	} {
		for _, fake := range []bool{false, true} {
			s := open(t, func(s *validate.Stage) { s.NotConfigured = tt.action }, func(s *validate.Stage) {
				if tt.setUp != nil {
					s.NotConfigured = validate.Skip
				}
			})
			if tt.setUp != nil {
				s.setUp(tt.setUp...)
			}
			who := s.ada
			if fake {
				who = &user.User{Username: "nobody"}
			}
			s.begin(who)
			if got := seen(s.b.Get("f", "")); got != tt.want {
				t.Errorf("%s %v: %s", tt.action, tt.setUp, got)
			}
		}
	}
}

func TestConfigureWithoutStages(t *testing.T) {
	s := open(t)
	s.setUp("gone")
	s.Write(func(tx *store.Tx) error { // as the deletion of the stage leaves it
		_, err := tx.Exec(`DELETE FROM object WHERE name = 'gone'`)
		return err
	})
	s.begin(s.ada)
	if got := seen(s.b.Get("f", "")); got != "Unknown error" {
		t.Error(got)
	}
	es := s.Heard(event.ConfigurationError)
	if len(es) != 1 || es[0].Context["message"] != "Authenticator validation stage is set to configure user but no configuration flow is set." || es[0].Context["stage"] == nil {
		t.Errorf("%v", es)
	}
}

// The published trace of a choice (flows.md 9.5).
func TestChoice(t *testing.T) {
	s := open(t)
	s.setUp("one", "two")
	s.begin(s.ada)
	m := stagetest.Wire(s.b.Get("f", ""))
	stages, _ := m["configuration_stages"].([]any)
	want := map[string]any{"pk": s.stage.SetupStages[1], "name": "two", "verbose_name": "Dummy Stage", "meta_model_name": "authentik_stages_dummy.dummystage"}
	if len(stages) != 2 || !reflect.DeepEqual(stages[1], want) || !reflect.DeepEqual(m["device_challenges"], []any{}) || m["pending_user"] != "ada" {
		t.Errorf("%v", m)
	}
	for _, tt := range []struct {
		answer      map[string]any
		field, want string
	}{
		{map[string]any{}, fault.NonField, "Empty response (invalid)"},
		{map[string]any{"selected_stage": s.stage.PK}, "selected_stage", "Selected stage is invalid (invalid)"},
		{map[string]any{"code": "123456"}, fault.NonField, "Empty response (invalid)"},
	} {
		if got := stagetest.Problem(s.b.Post("f", "", tt.answer), tt.field); got != tt.want {
			t.Errorf("%v: %q", tt.answer, got)
		}
	}
	if got := seen(s.b.Post("f", "", map[string]any{"selected_stage": s.stage.SetupStages[1]})); got != "two" {
		t.Fatal(got)
	}
	if got := seen(s.b.Post("f", "", nil)); got != "last" {
		t.Errorf("after it the flow goes on without another validation: %s", got)
	}
}

func TestNobody(t *testing.T) {
	s := open(t, func(s *validate.Stage) { s.NotConfigured = validate.Deny })
	s.begin(nil)
	if got := seen(s.b.Get("f", "")); got != "last" {
		t.Error(got)
	}
}

func TestDevices(t *testing.T) {
	s := open(t)
	s.factors = []validate.Factor{&factor{class: "sms", owners: map[int64]bool{s.ada.PK: true}}, &factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}, &factor{class: "webauthn"}}
	s.begin(s.ada)
	m := stagetest.Wire(s.b.Get("f", ""))
	want := []any{map[string]any{"device_class": "sms", "device_uid": "sms-1", "challenge": map[string]any{}}, map[string]any{"device_class": "totp", "device_uid": "totp-1", "challenge": map[string]any{}}}
	if !reflect.DeepEqual(m["device_challenges"], want) || !reflect.DeepEqual(m["configuration_stages"], []any{}) {
		t.Errorf("%v", m)
	}
	for _, tt := range []struct {
		answer      map[string]any
		field, want string
	}{
		{map[string]any{}, fault.NonField, "Empty response (invalid)"},
		{map[string]any{"selected_challenge": want[0]}, fault.NonField, "Empty response (invalid)"},
		{map[string]any{"selected_challenge": map[string]any{"device_class": "sms", "device_uid": "sms-2", "challenge": map[string]any{}}}, "selected_challenge", "invalid challenge selected (invalid)"},
		{map[string]any{"selected_stage": "x"}, "selected_stage", "Selected stage is invalid (invalid)"},
		{map[string]any{"code": "wrong"}, "code", badCode},
		{map[string]any{"webauthn": map[string]any{"proof": "right"}}, "webauthn", "No compatible device class allowed (invalid)"},
		{map[string]any{"duo": 7}, "duo", "No compatible device class allowed (invalid)"},
	} {
		if got := stagetest.Problem(s.b.Post("f", "", tt.answer), tt.field); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.answer, got, tt.want)
		}
	}
	es := s.Heard(event.LoginFailed)
	if len(es) != 1 || es[0].Context["username"] != "ada" || es[0].Context["device_class"] != "sms" || es[0].Context["stage"] == nil {
		t.Errorf("%v", es)
	}
	if got := seen(s.b.Post("f", "", map[string]any{"code": "right"})); got != "last" {
		t.Fatal(got)
	}
	c := s.Plan(s.b).Context
	args, _ := c[stage.AuthMethodArgs].(map[string]any)
	devices, _ := args["mfa_devices"].([]any)
	if c[stage.AuthMethod] != "auth_mfa" || len(devices) != 1 || devices[0].(map[string]any)["name"] != "My sms" {
		t.Errorf("%v", c)
	}
}

// What the person proved before stays told.
func TestMethodStays(t *testing.T) {
	s := open(t)
	s.factors = []validate.Factor{&factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}}
	s.begin(s.ada)
	p := s.Plan(s.b)
	p.Context[stage.AuthMethod], p.Context[stage.AuthMethodArgs] = "password", map[string]any{"a": "b"}
	s.Begin(s.b, s.flow, p)
	s.b.Step("f", "", map[string]any{"code": "right"})
	c := s.Plan(s.b).Context
	if args := c[stage.AuthMethodArgs].(map[string]any); c[stage.AuthMethod] != "password" || args["a"] != "b" || args["mfa_devices"] == nil {
		t.Errorf("%v", c)
	}
}

func TestClassesThatAreNotAllowed(t *testing.T) {
	s := open(t, func(s *validate.Stage) { s.NotConfigured, s.Classes = validate.Deny, []string{"webauthn"} })
	s.factors = []validate.Factor{&factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}}
	s.begin(s.ada)
	if got := seen(s.b.Get("f", "")); got != "No (allowed) MFA authenticator configured." {
		t.Error(got)
	}
	s.begin(s.ada)
	if got := seen(s.b.Step("f", "", map[string]any{"code": "right"})); got != "No (allowed) MFA authenticator configured." {
		t.Errorf("a device of a class that is not allowed: %s", got)
	}
}

// A code that was used meanwhile is refused by the transaction.
func TestUsedMeanwhile(t *testing.T) {
	s := open(t)
	s.factors = []validate.Factor{&factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}, write: func(*store.Tx) error { return fault.New(fault.Conflict, "Used.") }}}
	s.begin(s.ada)
	out := s.b.Step("f", "", map[string]any{"code": "right"})
	if got := stagetest.Problem(out, "code"); got != badCode || len(s.Plan(s.b).Steps) != 2 {
		t.Errorf("%q", got)
	}
}

func TestGuessingCodes(t *testing.T) {
	s := open(t)
	f := &factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}
	s.factors = []validate.Factor{f}
	checked := 0
	for range 20 {
		s.b = s.Browser()
		s.begin(s.ada)
		if stagetest.Problem(s.b.Step("f", "", map[string]any{"code": "wrong"}), "code") == badCode {
			checked++
		}
	}
	s.b = s.Browser()
	s.begin(s.ada)
	got := stagetest.Problem(s.b.Step("f", "", map[string]any{"code": "right"}), "code")
	if checked != 10 || !strings.HasSuffix(got, "(throttled)") {
		t.Errorf("%d codes were checked; then %q", checked, got)
	}
}

// An answer is held against what was shown: nothing is made anew before.
func TestAnswerMakesNothingAnew(t *testing.T) {
	s := open(t)
	f := &factor{class: "webauthn", owners: map[int64]bool{s.ada.PK: true}}
	s.factors = []validate.Factor{f}
	s.begin(s.ada)
	s.b.Step("f", "", nil)
	s.b.Step("f", "", map[string]any{"webauthn": map[string]any{"proof": "right"}})
	if f.shown != 1 {
		t.Errorf("%d challenges were made", f.shown)
	}
}

func TestDuo(t *testing.T) {
	s := open(t)
	s.factors = []validate.Factor{&factor{class: "duo", owners: map[int64]bool{s.ada.PK: true}}}
	s.begin(s.ada)
	if got := stagetest.Problem(s.b.Step("f", "", map[string]any{"duo": 8}), "duo"); got != "Duo denied access (invalid)" {
		t.Errorf("%q", got)
	}
	if out := s.b.Step("f", "", map[string]any{"duo": 7}); !out.Advance {
		t.Errorf("%v", out.Challenge.Errors)
	}
}

func TestDevicesThatCantBeRead(t *testing.T) {
	s := open(t)
	s.factors = []validate.Factor{&factor{class: "totp", err: errors.New("no table")}}
	for _, answer := range []map[string]any{nil, {"code": "right"}} {
		s.begin(s.ada)
		if got := seen(s.b.Step("f", "", answer)); got != "ak-stage-flow-error" {
			t.Errorf("the second factor is skipped: %s", got)
		}
	}
}
