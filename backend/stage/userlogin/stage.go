// Package userlogin is the stage that signs the pending user in: it begins a new session and ends the one before.
package userlogin

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/span"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

//go:embed page.html
var page string

// Stage signs in, for as long as it says.
type Stage struct {
	stage.Base
	SessionDuration string `json:"session_duration" default:"seconds=0" format:"duration" help:"How long people stay signed in. Zero: until they close the browser."`
	TerminateOther  bool   `json:"terminate_other_sessions" help:"End the person's other sessions."`
	RememberMe      string `json:"remember_me_offset" default:"seconds=0" format:"duration" help:"Offer to stay signed in for so much longer. Zero: don't offer it."`
	NetworkBinding  string `json:"network_binding" enum:"no_binding,bind_asn,bind_asn_network,bind_asn_network_ip" default:"no_binding" group:"advanced" help:"What of the network has to stay the same. Whoever uses the session from elsewhere is signed out."`
	GeoIPBinding    string `json:"geoip_binding" enum:"no_binding,bind_continent,bind_continent_country,bind_continent_country_city" default:"no_binding" group:"advanced" help:"What of the place has to stay the same. Whoever uses the session from elsewhere is signed out. Without a database of places any new address counts as elsewhere."`

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Sessions *session.Room
	Events   *event.Log
}

// Challenge asks whether to stay signed in.
type Challenge struct{}

// Answer says whether to stay signed in. A stage that doesn't ask takes any answer.
type Answer struct {
	RememberMe bool `json:"remember_me" is:"required"`

	raw map[string]json.RawMessage
}

// SetRaw implements stage.RawAnswer.
func (a *Answer) SetRaw(body map[string]json.RawMessage) { a.raw = body }

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/user_login", Model: "authentik_stages_user_login.userloginstage", Schema: "UserLoginStage", Title: "User Login Stage",
		Component: "ak-stage-user-login-form", About: "Sign the person in.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "UserLoginChallenge", Component: "ak-stage-user-login", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// Show signs in, or asks first when people may choose to stay signed in.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if span.Must(s.RememberMe) > 0 {
		if !may(t) {
			return stage.Deny("")
		}
		return stage.Ask(&Challenge{})
	}
	return s.login(t, false)
}

// Foresee implements stage.Foreseer.
func (s *Stage) Foresee(t *stage.Turn, _ *user.User) stage.Result {
	if !may(t) && !t.Plan.True(stage.NewAccount) {
		return stage.Deny("")
	}
	if span.Must(s.RememberMe) > 0 {
		return stage.Ask(nil)
	}
	return stage.Done()
}

// Take signs in.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	if span.Must(s.RememberMe) <= 0 {
		return s.login(t, false)
	}
	if _, err := kind.Decode(kind.FieldsOf(reflect.TypeFor[Answer]()), in.raw, reflect.ValueOf(in).Elem(), true); err != nil {
		return stage.Retry(stage.Faults(err))
	}
	return s.login(t, in.RememberMe)
}

// may says whether the flow found somebody who may sign in: a real account that is active (CVE-2025-53942).
func may(t *stage.Turn) bool {
	pk, _, _ := t.Plan.UserPK()
	return pk != 0 && t.User != nil && t.User.PK == pk && t.User.IsActive
}

// life is how long the session lasts, 0 for one that ends with the browser.
func (s *Stage) life(remember bool) time.Duration {
	d := span.Must(s.SessionDuration)
	if remember {
		d += span.Must(s.RememberMe)
	}
	return max(d, 0)
}

// unbound is the word of both bindings for none.
const unbound = "no_binding"

func (s *Stage) login(t *stage.Turn, remember bool) stage.Result {
	if !may(t) {
		return stage.Deny("")
	}
	pk, h, old, now := t.User.PK, t.Request.HTTP, t.Session, t.Now
	told := map[string]any{}
	for _, k := range []string{stage.Source, stage.AuthMethod, stage.AuthMethodArgs} {
		if t.Plan.Has(k) {
			told[k] = t.Plan.Context[k]
		}
	}
	data := session.Data{AuthTime: now, Method: t.Plan.Text(stage.AuthMethod), MFA: factors(t.Plan)}
	if s.NetworkBinding != unbound {
		data.NetworkBinding = s.NetworkBinding
	}
	if s.GeoIPBinding != unbound {
		data.GeoIPBinding = s.GeoIPBinding
	}
	if old != nil {
		// What brought the person here goes on with them; what the old session counted or kept secret does not.
		data.Application, data.Relogin = old.Data.Application, old.Data.Relogin
		data.Owner = old.Data.Owner && old.User == pk
	}
	return stage.Done().Writing(func(tx *store.Tx) error {
		u, err := user.ByPKTx(tx, pk)
		if err != nil {
			return err
		}
		if !u.IsActive {
			return fault.New(fault.Denied, "The account is switched off.")
		}
		if data.LoginEvent, err = s.d.Events.Write(tx, event.Entry{
			Action: event.Login, App: "authentik.events.signals", Context: told, User: &event.Who{PK: u.PK, Username: u.Username, Email: u.Email},
		}); err != nil {
			return err
		}
		if t.Started, t.Key, err = s.d.Sessions.Login(tx, old, pk, s.life(remember), data, h); err != nil {
			return err
		}
		if s.TerminateOther {
			if err := session.EndFor(tx, pk, t.Started.UUID); err != nil {
				return err
			}
		}
		return user.SignedIn(tx, u, now)
	}).Else(func(error) stage.Result { return stage.Deny("") })
}

// factors says whether the person proved more than one thing: a device beside the password, or a passkey by itself.
func factors(p *stage.Plan) bool {
	args, _ := p.Context[stage.AuthMethodArgs].(map[string]any)
	devices, _ := args["mfa_devices"].([]any)
	return len(devices) > 0 || p.Text(stage.AuthMethod) == "auth_webauthn_pwl"
}
