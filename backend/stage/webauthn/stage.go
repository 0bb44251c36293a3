// Package webauthn is the stage that sets up a security key or passkey (W3C Web Authentication), and the device that comes of it.
package webauthn

import (
	"context"
	"net/url"

	"gatehouse/backend/device"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

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
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-webauthn" }

// Challenge asks the browser to make a key.
type Challenge struct {
	Registration map[string]any `json:"registration"`
}

// Answer is what it made.
type Answer struct {
	Response map[string]any `json:"response" is:"required"`
}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, Challenge, Answer](d, kind.Spec{
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
	}, stage.Asking{Schema: "AuthenticatorWebAuthnChallenge", Component: "ak-stage-authenticator-webauthn", User: true}, nil)
}
