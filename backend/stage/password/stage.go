// Package password is the stage that asks for the pending user's password.
package password

import (
	"context"
	_ "embed"
	"slices"

	"gatehouse/backend/auth"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

//go:embed page.html
var page string

// Stage checks a password against its backends in their order.
type Stage struct {
	stage.Base
	Backends []string `json:"backends" is:"required" enum:"authentik.core.auth.InbuiltBackend,authentik.core.auth.TokenBackend,authentik.sources.ldap.auth.LDAPBackend" help:"Where passwords are looked up, in order."`
	stage.Setup
	FailedAttempts int `json:"failed_attempts_before_cancel" default:"5" min:"-2147483648" max:"2147483647" help:"After so many wrong passwords the sign-in ends and has to begin anew."`

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Auth   *auth.Room
	Events *event.Log
	// Recovery gives the slug of the flow for forgotten passwords when the brand has none of its own, "" when there is none.
	Recovery func(ctx context.Context) (slug string, err error)
}

// Challenge asks for the password.
type Challenge struct {
	RecoveryURL string `json:"recovery_url,omitempty"`
}

// Answer is the password, white space and all.
type Answer struct {
	Password string `json:"password" is:"required,raw"`
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/password", Model: "authentik_stages_password.passwordstage", Schema: "PasswordStage", Title: "Password Stage",
		Component: "ak-stage-password-form", About: "Ask for the password of whoever the stage before found.",
	}, stage.Asking{Schema: "PasswordChallenge", Component: "ak-stage-password", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// PasswordBackends implements stage.WithBackends.
func (s *Stage) PasswordBackends() []string { return s.Backends }

// UserSettings names what the portal shows for people who may change their password.
func (s *Stage) UserSettings() string { return "ak-user-settings-password" }

// Show asks.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if _, _, ok := t.Plan.UserPK(); !ok {
		return stage.Deny("")
	}
	url, err := s.recovery(t)
	if err != nil {
		return stage.Fail(err)
	}
	return stage.Ask(&Challenge{RecoveryURL: url})
}

// Foresee implements stage.Foreseer: the person knows their password, when there is one that could let them in.
func (s *Stage) Foresee(t *stage.Turn, _ *user.User) stage.Result {
	pk, _, ok := t.Plan.UserPK()
	switch {
	case !ok:
		return stage.Deny("")
	case pk == 0 || t.User == nil || !t.User.IsActive || !t.User.Usable() && slices.Equal(s.Backends, []string{stage.InbuiltBackend}):
		return stage.Deny("Invalid password")
	}
	t.Plan.Context[stage.UserBackend] = s.Backends[0]
	t.Plan.Context[stage.AuthMethod], t.Plan.Context[stage.AuthMethodArgs] = "password", map[string]any{}
	return stage.Ask(nil)
}

// recovery gives the address for forgotten passwords: the brand's flow, else the first one that there is.
func (s *Stage) recovery(t *stage.Turn) (string, error) {
	slug := ""
	var err error
	if t.Brand != nil && t.Brand.FlowRecovery != nil {
		slug, err = s.d.Store.Slug(t.Ctx, *t.Brand.FlowRecovery)
	}
	if slug == "" && err == nil {
		slug, err = s.d.Recovery(t.Ctx)
	}
	if slug == "" || err != nil {
		return "", err
	}
	return t.Request.Base + "/if/flow/" + slug + "/", nil
}

// Take checks the password. A made-up user takes as long as any other and never passes.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	pk, name, ok := t.Plan.UserPK()
	if !ok {
		return stage.Deny("")
	}
	if pk != 0 {
		if t.User == nil { // gone meanwhile
			return stage.Deny("")
		}
		name = t.User.Username
	}
	out, err := s.d.Auth.Check(t.Ctx, s.Backends, name, in.Password)
	switch f := fault.As(err); {
	case err == nil:
	case f.Kind == fault.TooMany:
		return stage.Retry(stage.Errors{"password": {{String: f.Say, Code: f.Code}}})
	case f.Kind == fault.Denied, f.Kind == fault.Invalid:
		return stage.Deny("")
	default:
		return stage.Fail(err)
	}
	if out == nil || pk == 0 || out.User.PK != pk {
		return s.missed(t, name)
	}
	t.Hit(s.d.Auth.Users, name)
	t.Plan.SetUser(out.User)
	t.Plan.Context[stage.UserBackend] = out.Backend
	t.Plan.Context[stage.AuthMethod], t.Plan.Context[stage.AuthMethodArgs] = out.Method, out.Args
	return stage.Done()
}

// missed counts a wrong password; at the stage's limit the flow ends. The count outside of flows goes on beyond it.
func (s *Stage) missed(t *stage.Turn, name string) stage.Result {
	t.Missed(s.d.Events, name, map[string]any{"password": event.Mask, "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name)})
	if t.Session != nil && t.Binding.InvalidResponse == "retry" {
		t.Session.Data.Tries++
		if t.Session.Data.Tries >= s.FailedAttempts {
			t.Session.Data.Tries = 0
			return stage.Deny(s.d.Texts.Choose(t.Request.HTTP.Locale).Say("flow.password.tries"))
		}
	}
	return stage.Wrong("password", "Invalid password")
}
