// Package static is the stage that gives a person a list of codes to keep on paper, and the device that comes of it.
package static

import (
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// Stage gives codes.
type Stage struct {
	stage.Base
	stage.Setup
	stage.Named
	Count  int64 `json:"token_count" default:"6" min:"0" max:"2147483647" help:"How many codes a person gets."`
	Length int64 `json:"token_length" default:"12" min:"0" max:"2147483647" help:"How long a code is, 16 at most."`
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-static" }

// Validate implements store.Validator. A code is at most as long as the published field for it.
func (s *Stage) Validate() error {
	var bad fault.Fields
	if s.Count < 1 || s.Count > 100 {
		bad.Add("token_count", "Give between 1 and 100 codes.")
	}
	if s.Length < 8 || s.Length > 16 {
		bad.Add("token_length", "A code is between 8 and 16 characters long.")
	}
	return bad.Err()
}

// Challenge shows the codes.
type Challenge struct {
	Codes []string `json:"codes"`
}

// Answer says that the person has kept them.
type Answer struct{}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/authenticator/static", Model: "authentik_stages_authenticator_static.authenticatorstaticstage", Schema: "AuthenticatorStaticStage",
		Title: "Static Authenticator Setup Stage", Component: "ak-stage-authenticator-static-form", About: "Give the person codes that work once each.",
		Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "AuthenticatorStaticChallenge", Component: "ak-stage-authenticator-static", User: true}, nil)
}
