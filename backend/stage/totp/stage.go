// Package totp is the stage that sets up a time-based one-time password (RFC 6238), and the device that comes of it.
package totp

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// Stage sets up a device.
type Stage struct {
	stage.Base
	stage.Setup
	stage.Named
	Digits string `json:"digits" is:"required" enum:"6,8" help:"How long the codes are. Some apps know only six digits."`
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-totp" }

// Challenge asks for the first code of the new device.
type Challenge struct {
	ConfigURL string `json:"config_url"`
}

// Answer is that code.
type Answer struct {
	Code int64 `json:"code" is:"required"`
}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/authenticator/totp", Model: "authentik_stages_authenticator_totp.authenticatortotpstage", Schema: "AuthenticatorTOTPStage",
		Title: "TOTP Authenticator Setup Stage", Component: "ak-stage-authenticator-totp-form", About: "Let the person set up an app that shows one-time passwords.",
		Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "AuthenticatorTOTPChallenge", Component: "ak-stage-authenticator-totp", User: true}, nil)
}
