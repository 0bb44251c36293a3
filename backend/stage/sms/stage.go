// Package sms is the stage that sets up a phone that gets codes as text messages, and the device that comes of it.
//
//	number of the flow, or asked ─▶ code by message (gateway) ─▶ typed back ─▶ Device with the number, or only a hash of it
//	Factor ─▶ chosen: a fresh code by message ─▶ typed back, once, within five minutes ─▶ proof
package sms

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/gateway"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

//go:embed page.html
var page string

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

	d *Deps
}

// Saving implements store.Saver: of all mappings only those for webhooks will do.
func (s *Stage) Saving(tx *store.Tx, _ any) error {
	if s.Mapping == nil {
		return nil
	}
	_, m, err := tx.GetIn(mapping.Family.Name, *s.Mapping)
	if fault.Is(err, fault.NotFound) {
		return nil // the store says so
	}
	if _, ok := m.(*event.WebhookMapping); err == nil && !ok {
		return fault.Field("mapping", "Invalid pk \""+*s.Mapping+"\" - object does not exist.")
	}
	return err
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Events  *event.Log
	Gateway *gateway.Room
	Host    expr.Host
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-sms" }

// Challenge asks for a number, then for the code that was sent to it.
type Challenge struct {
	NumberRequired bool   `json:"phone_number_required" default:"true"`
	Number         string `json:"-"` // that the message went to, for the page
}

// End is how the number ends, as it may be shown.
func (c *Challenge) End() string {
	if len(c.Number) < 6 {
		return c.Number
	}
	return c.Number[len(c.Number)-3:]
}

// Answer is the one or the other. A code is digits, the first of which may be 0.
type Answer struct {
	Code  *int64  `json:"code" is:"notnull"`
	Phone *string `json:"phone_number" is:"notnull"`

	bad error
}

// SetRaw implements stage.RawAnswer: a page that asks for another message sends its empty field for the code along.
func (a *Answer) SetRaw(body map[string]json.RawMessage) {
	fields := kind.FieldsOf(reflect.TypeFor[Answer]())
	if raw := strings.TrimSpace(string(body["code"])); raw == `""` && body["phone_number"] != nil {
		fields = fields[1:]
	}
	_, a.bad = kind.Decode(fields, body, reflect.ValueOf(a).Elem(), true)
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/authenticator/sms", Model: "authentik_stages_authenticator_sms.authenticatorsmsstage", Schema: "AuthenticatorSMSStage",
		Title: "SMS Authenticator Setup Stage", Component: "ak-stage-authenticator-sms-form", About: "Let the person set up a phone that gets codes as text messages.",
		Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "AuthenticatorSMSChallenge", Component: "ak-stage-authenticator-sms", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

func (d *Deps) say(t *stage.Turn, key string, args ...any) string {
	return d.Texts.Choose(t.Request.HTTP.Locale).Say(key, args...)
}
