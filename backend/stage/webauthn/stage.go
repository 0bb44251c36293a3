// Package webauthn is the stage that sets up a security key or passkey (W3C Web Authentication). The devices live in the room passkey,
// with all that signing in with them needs too.
//
//	Show ─▶ passkey.Enrol ─▶ the browser makes a key ─▶ Take ─▶ passkey.Enrolled ▸ passkey.Judge ─▶ device
package webauthn

import (
	"context"
	_ "embed"
	"errors"
	"net/url"
	"strconv"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/passkey"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

//go:embed page.html
var page string

// Stage sets up a key.
type Stage struct {
	stage.Base
	stage.Setup
	stage.Named
	UserCheck    string        `json:"user_verification" enum:"required,preferred,discouraged" default:"preferred" help:"Whether a key has to make sure that its owner is there."`
	Attachment   *string       `json:"authenticator_attachment" enum:"platform,cross-platform" help:"Only keys that are built into the device, or only those that are not. Empty: both."`
	ResidentKey  string        `json:"resident_key_requirement" enum:"discouraged,preferred,required" default:"preferred" help:"Whether the key has to keep the account, so that people can sign in without typing a name."`
	Restrictions []string      `json:"device_type_restrictions" ref:"webauthntypes" format:"uuid" help:"Which makes of keys may be set up. Empty: all."`
	Allowed      []device.Type `json:"device_type_restrictions_obj" is:"computed,required"`

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Keys   *passkey.Room
	Events *event.Log
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-webauthn" }

// Challenge asks the browser to make a key.
type Challenge struct {
	Registration map[string]any `json:"registration"`

	Makes    []Make `json:"-"` // what may be set up, for the page; none: everything
	Attested bool   `json:"-"` // only what somebody vouches for
}

// Make is a make that may be set up.
type Make struct {
	Name    string
	Claimed bool // nobody vouches for it
}

// Answer is what it made.
type Answer struct {
	Response passkey.Posted `json:"response" is:"required"`
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/authenticator/webauthn", Model: "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage", Schema: "AuthenticatorWebAuthnStage",
		Title: "WebAuthn Authenticator Setup Stage", Component: "ak-stage-authenticator-webauthn-form", About: "Let the person set up a security key or a passkey.",
		Filters: []kind.Filter{stage.UUIDFilter()},
		Present: func(ctx context.Context, rows []any, _ url.Values) error {
			for _, r := range rows {
				s := r.(*Stage)
				var err error
				if s.Allowed, err = device.Types(ctx, d.Store, s.Restrictions); err != nil {
					return err
				}
			}
			return nil
		},
	}, stage.Asking{Schema: "AuthenticatorWebAuthnChallenge", Component: "ak-stage-authenticator-webauthn", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

func (s *Stage) rules() passkey.Rules { return passkey.RulesOf(s.Restrictions) }

// Show asks for a new key, each time with a fresh challenge.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if t.User == nil || t.User.PK == 0 {
		return stage.Deny("")
	}
	e := passkey.Enrolment{Stage: s.PK, UserVerification: s.UserCheck, ResidentKey: s.ResidentKey}
	if s.Attachment != nil {
		e.Attachment = *s.Attachment
	}
	options, err := s.d.Keys.Enrol(t, e)
	if why := s.d.Keys.Explain(t, err); why != "" {
		return stage.Deny(why)
	}
	if err != nil {
		return stage.Fail(err)
	}
	c := &Challenge{Registration: options, Attested: s.rules().Attested}
	if c.Makes, err = s.makes(t.Ctx); err != nil {
		return stage.Fail(err)
	}
	return stage.Ask(c)
}

func (s *Stage) makes(ctx context.Context) ([]Make, error) {
	makes := s.rules().Makes
	types, err := device.Types(ctx, s.d.Store, makes)
	if err != nil {
		return nil, err
	}
	vouched, err := s.d.Keys.Vouched(ctx, makes)
	if err != nil {
		return nil, err
	}
	var out []Make
	for _, m := range types {
		out = append(out, Make{m.Description, !vouched[m.AAGUID]})
	}
	return out, nil
}

// Take stores the key that the browser made, when it is one that the stage takes.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	if t.User == nil || t.User.PK == 0 {
		return stage.Deny("")
	}
	d, err := s.d.Keys.Enrolled(t, s.PK, in.Response)
	var no *passkey.Refused
	switch {
	case errors.As(err, &no):
		return wrong("Registration failed. Error: " + no.Detail)
	case s.d.Keys.Explain(t, err) != "":
		return s.Show(t)
	case err != nil:
		return stage.Fail(err)
	}
	j, err := s.d.Keys.Judge(t.Ctx, s.rules(), d)
	if err != nil {
		return stage.Fail(err)
	}
	if j.Refusal != "" {
		return wrong(s.d.Keys.Refusal(t, j))
	}
	d.Name = "WebAuthn Device"
	if j.Make != nil {
		d.Name, d.TypeKey = j.Make.Description, &j.Make.AAGUID
	}
	who := &event.Who{PK: t.User.PK, Username: t.User.Username, Email: t.User.Email}
	return stage.Done().Writing(func(tx *store.Tx) error {
		fresh := *d
		_, err := store.FindTx[passkey.Device](tx, "credential_id", d.CredentialID)
		if err == nil {
			return fault.New(fault.Conflict, "Credential ID already exists.")
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := tx.Create(&fresh); err != nil {
			return err
		}
		told := map[string]any{
			"message": "A passkey or security key was set up.", "device": event.Model(s.d.Store.KindFor(&fresh), strconv.FormatInt(fresh.PK, 10), fresh.Name),
			"aaguid": fresh.AAGUID, "device_type": nil, "attestation": string(j.Trust),
		}
		if j.Make != nil {
			told["device_type"] = j.Make.Description
		}
		return s.d.Events.EmitTx(tx, event.Entry{Action: "custom_webauthn_enroll", App: "authentik.stages.authenticator_webauthn", User: who, Context: told})
	}).Else(func(err error) stage.Result { return wrong(fault.As(err).Say) })
}

func wrong(say string) stage.Result { return stage.Wrong("response", say) }
