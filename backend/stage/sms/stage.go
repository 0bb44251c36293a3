// Package sms is the stage that sets up a phone that gets codes as text messages, and the device that comes of it.
package sms

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// The services that send messages.
const (
	Twilio  = "twilio"
	Generic = "generic"
)

// Stage sets up a phone.
type Stage struct {
	stage.Base
	stage.Setup
	stage.Named
	Provider     string  `json:"provider" is:"required" enum:"twilio,generic" help:"Who sends the messages: Twilio, or any service that takes a web request."`
	From         string  `json:"from_number" is:"required" help:"The number or name that messages come from."`
	Account      string  `json:"account_sid" is:"required" help:"The account at Twilio, or the address of the other service."`
	Auth         string  `json:"auth" is:"required,secret" help:"Twilio's token; for another service the user name or the bearer token."`
	AuthPassword string  `json:"auth_password" is:"blank,secret" help:"The password that goes with the user name."`
	AuthType     string  `json:"auth_type" enum:"basic,bearer" default:"basic" help:"How to prove to the other service who asks."`
	VerifyOnly   bool    `json:"verify_only" help:"Keep only a hash of the number: it is proved once and no message can be sent to it later."`
	Mapping      *string `json:"mapping" ref:"propertymappings" format:"uuid" help:"A notification mapping that writes the request to the other service."`
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-sms" }

// Challenge asks for a number, then for the code that was sent to it.
type Challenge struct {
	NumberRequired bool `json:"phone_number_required" default:"true"`
}

// Answer is the one or the other. A code is digits, the first of which may be 0.
type Answer struct {
	Code  *int64  `json:"code" is:"notnull"`
	Phone *string `json:"phone_number" is:"notnull"`
}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/authenticator/sms", Model: "authentik_stages_authenticator_sms.authenticatorsmsstage", Schema: "AuthenticatorSMSStage",
		Title: "SMS Authenticator Setup Stage", Component: "ak-stage-authenticator-sms-form", About: "Let the person set up a phone that gets codes as text messages.",
		Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "AuthenticatorSMSChallenge", Component: "ak-stage-authenticator-sms", User: true}, nil)
}
