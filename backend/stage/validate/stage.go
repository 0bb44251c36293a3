// Package validate is the stage that asks for a second factor: a code or a key that only the person has.
//
//	pending user ─▶ devices by class (device.Class) ─┬─ some: ask, one challenge a class ─▶ Factor.Check ─▶ on
//	                                                 └─ none: skip ▸ deny ▸ let the person set one up
//
// The classes live with the stages that set them up, and come from the list; a class whose Factor is not there is not offered. Security
// keys and passkeys come from their room: they follow rules of the stage, and one alone can tell who is there.
package validate

import (
	"context"
	_ "embed"
	"errors"
	"net/url"
	"slices"
	"strings"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/passkey"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

//go:embed page.html
var page string

// The actions for people without a device.
const (
	Skip      = "skip"
	Deny      = "deny"
	Configure = "configure"
)

// Stage asks for one of the person's devices.
type Stage struct {
	stage.Base
	NotConfigured  string        `json:"not_configured_action" enum:"skip,deny,configure" default:"skip" help:"What happens with people who have no device."`
	Classes        []string      `json:"device_classes" enum:"static,totp,webauthn,duo,sms" default:"static,totp,webauthn,duo,sms" help:"Which devices may be used."`
	SetupStages    []string      `json:"configuration_stages" ref:"stages" format:"uuid" help:"What people without a device may set up."`
	Threshold      string        `json:"last_auth_threshold" is:"nofilter" default:"seconds=0" format:"duration" help:"Don't ask again for so long after the last time."`
	UserCheck      string        `json:"webauthn_user_verification" is:"nofilter" enum:"required,preferred,discouraged" default:"preferred" group:"advanced" help:"Whether a key has to make sure that its owner is there."`
	DeviceTypes    []string      `json:"webauthn_allowed_device_types" is:"nofilter" ref:"webauthntypes" format:"uuid" group:"advanced" help:"Which makes of keys may be used. Empty: all."`
	DeviceTypesObj []device.Type `json:"webauthn_allowed_device_types_obj" is:"computed,required"`

	d *Deps
}

// Factor is a class of devices that can prove who is there.
type Factor interface {
	device.Class
	// Challenge gives what the browser needs to answer with one of the devices; empty for a code that is typed.
	Challenge(t *stage.Turn, devices []device.Device) (map[string]any, error)
	// Check holds an answer against the devices. What it wants to write is stored with the plan, and says again whether the answer counts:
	// a code that was used meanwhile is a fault.
	Check(t *stage.Turn, devices []device.Device, in *Answer) (Checked, error)
}

// Checked is what came of an answer.
type Checked struct {
	Device *device.Device  // the one that answered; nil: none did
	Key    *passkey.Device // the same, when it is a key
	Wrong  string          // what the person reads when none did, "" for the published text
	Code   string          // of that text for programs, "" for "invalid"
	Told   map[string]any  // what the audit log reads then, besides stage and class
	Write  func(tx *store.Tx) error
}

// Unusable is the error of a Challenge that can't be made where the person is: at an address at which browsers take no keys.
type Unusable struct{ Why string }

// Error implements error.
func (u *Unusable) Error() string { return u.Why }

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Users  *user.Directory
	Events *event.Log
	// Factors gives the classes of devices that there are, but for keys; the same ones each time.
	Factors func() []Factor
	// Keys are the security keys and passkeys; nil: there are none.
	Keys *passkey.Room
}

// DeviceChallenge offers one device of a class.
type DeviceChallenge struct {
	Class     string         `json:"device_class" is:"required"`
	UID       string         `json:"device_uid" is:"required"`
	Challenge map[string]any `json:"challenge" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (DeviceChallenge) SchemaName() string { return "DeviceChallenge" }

// Selectable is a stage in which a device can be set up.
type Selectable struct {
	PK    string `json:"pk" is:"required" format:"uuid"`
	Name  string `json:"name" is:"required"`
	Title string `json:"verbose_name" is:"required"`
	Model string `json:"meta_model_name" is:"required"`

	own bool // somebody here gave it its name
}

// Plain gives the house's words for a stage whose name came with it, "" for one that was named here.
func (s Selectable) Plain() string {
	_, class, _ := strings.Cut(s.Model, "stages_authenticator_")
	class, _, _ = strings.Cut(class, ".")
	if s.own || !slices.Contains([]string{"totp", "webauthn", "static", "sms", "duo"}, class) {
		return ""
	}
	return "flow.validate.setup." + class
}

// shipped are the friendly names that stages come with.
var shipped = []string{"TOTP Device", "WebAuthn device", "Static tokens"}

// SchemaName implements kind.SchemaNamer.
func (Selectable) SchemaName() string { return "SelectableStage" }

// Challenge asks for a device, or which one to set up.
type Challenge struct {
	Devices []DeviceChallenge `json:"device_challenges"`
	Stages  []Selectable      `json:"configuration_stages"`

	Anybody bool `json:"-"` // nobody is known yet: a passkey tells who is there
	Sent    bool `json:"-"` // a code was sent to the device that was chosen
	quiet   bool
}

// Codes says whether one of the devices gives codes that are typed.
func (c *Challenge) Codes() bool {
	return slices.ContainsFunc(c.Devices, func(d DeviceChallenge) bool { return slices.Contains(typed, d.Class) })
}

// Keys says whether a security key or passkey may answer.
func (c *Challenge) Keys() bool {
	return slices.ContainsFunc(c.Devices, func(d DeviceChallenge) bool { return d.Class == passkey.Class })
}

// Has says whether a device of a class may answer.
func (c *Challenge) Has(class string) bool {
	return slices.ContainsFunc(c.Devices, func(d DeviceChallenge) bool { return d.Class == class })
}

// Others says whether there is a device that answers in another way.
func (c *Challenge) Others() bool {
	return slices.ContainsFunc(c.Devices, func(d DeviceChallenge) bool { return d.Class != passkey.Class && !slices.Contains(typed, d.Class) })
}

// typed are the classes whose devices give codes.
var typed = []string{"totp", "static", "sms"}

// Answer is a code, a key's answer, or a choice.
type Answer struct {
	Selected *DeviceChallenge `json:"selected_challenge" is:"notnull"`
	Stage    string           `json:"selected_stage"`
	Code     string           `json:"code"`
	WebAuthn passkey.Posted   `json:"webauthn"`
	Duo      *int64           `json:"duo" is:"notnull"`

	bad error
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/authenticator/validate", Model: "authentik_stages_authenticator_validate.authenticatorvalidatestage", Schema: "AuthenticatorValidateStage",
		Title: "Authenticator Validation Stage", Component: "ak-stage-authenticator-validate-form", About: "Ask for a second factor.",
		Present: func(ctx context.Context, rows []any, _ url.Values) error {
			for _, r := range rows {
				s := r.(*Stage)
				var err error
				if s.DeviceTypesObj, err = device.Types(ctx, d.Store, s.DeviceTypes); err != nil {
					return err
				}
			}
			return nil
		},
	}, stage.Asking{Schema: "AuthenticatorValidationChallenge", Component: "ak-stage-authenticator-validate", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// Validate implements store.Validator.
func (s *Stage) Validate() error {
	if s.NotConfigured == Configure && len(s.SetupStages) == 0 {
		return fault.Field("not_configured_action", `When "Not configured action" is set to "Configure", you must set a configuration stage.`)
	}
	return nil
}

// Show asks for one of the person's devices, or does what is set for people without one.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if t.User == nil {
		return s.nobody(t)
	}
	offers, err := s.offers(t, t.User)
	if err != nil {
		return stage.Fail(err)
	}
	if len(offers) == 0 {
		return s.without(t)
	}
	if s.shown(t, offers) || s.lately(t, offers) {
		return stage.Done()
	}
	c, why, err := s.challenges(t, offers)
	if err != nil {
		return stage.Fail(err)
	}
	if len(c) == 0 {
		return stage.Deny(why)
	}
	return stage.Ask((&Challenge{Devices: c, Stages: []Selectable{}}).told(t))
}

// Foresee implements stage.Foreseer: the person has the first of their devices with them. Neither a challenge is made nor a code sent.
func (s *Stage) Foresee(t *stage.Turn, who *user.User) stage.Result {
	if t.User == nil && !s.alone(t) {
		return stage.Done()
	}
	known := t.User
	if known == nil {
		known = who
	}
	var offers []offer
	if known != nil {
		var err error
		if offers, err = s.offers(t, known); err != nil {
			return stage.Fail(err)
		}
	}
	if t.User == nil { // a passkey tells who is there
		offers = slices.DeleteFunc(offers, func(o offer) bool { return o.DeviceClass() != passkey.Class })
		if len(offers) == 0 || !known.IsActive {
			return stage.Deny("")
		}
		t.Plan.SetUser(known)
		t.Plan.Context[stage.AuthMethod] = "auth_webauthn_pwl"
	}
	if len(offers) == 0 {
		return s.without(t)
	}
	if !t.Plan.Has(stage.AuthMethod) {
		t.Plan.Context[stage.AuthMethod] = "auth_mfa"
	}
	args := t.Plan.Map(stage.AuthMethodArgs)
	list, _ := args["mfa_devices"].([]any)
	args["mfa_devices"] = append(list, deviceRef(offers[0].devices[0]))
	return stage.Ask(nil)
}

// without does what is set for people who have no device.
func (s *Stage) without(t *stage.Turn) stage.Result {
	switch s.NotConfigured {
	case Deny:
		return stage.Deny("No (allowed) MFA authenticator configured.")
	case Configure:
		return s.configure(t)
	}
	return stage.Done()
}

// offer is a class with the person's devices of it.
type offer struct {
	Factor
	devices []device.Device
}

// offers gives the classes that the stage allows and of which the person has a device. A made-up user has none.
func (s *Stage) offers(t *stage.Turn, who *user.User) ([]offer, error) {
	if who.PK == 0 {
		return nil, nil
	}
	var out []offer
	factors := slices.Clip(s.d.Factors())
	if s.d.Keys != nil {
		factors = append(factors, &keys{Stage: s})
	}
	for _, f := range factors {
		if !slices.Contains(s.Classes, f.DeviceClass()) {
			continue
		}
		ds, err := f.Confirmed(t.Ctx, who.PK)
		if err != nil {
			return nil, err
		}
		if len(ds) > 0 {
			out = append(out, offer{f, ds})
		}
	}
	return out, nil
}

// challenges gives one challenge a class; of those that can't be used where the person is, it gives why.
func (s *Stage) challenges(t *stage.Turn, offers []offer) (out []DeviceChallenge, why string, err error) {
	for _, o := range offers {
		c, err := o.Challenge(t, o.devices)
		var no *Unusable
		if errors.As(err, &no) {
			why = no.Why
			continue
		}
		if err != nil {
			return nil, "", err
		}
		if c == nil {
			c = map[string]any{}
		}
		out = append(out, DeviceChallenge{Class: o.DeviceClass(), UID: o.devices[0].PK, Challenge: c})
	}
	return out, why, nil
}

// configure lets the person set a device up: the one stage that there is comes next, of several they choose.
func (s *Stage) configure(t *stage.Turn) stage.Result {
	stages, err := s.selectable(t.Ctx)
	switch {
	case err != nil:
		return stage.Fail(err)
	case len(stages) == 0:
		const text = "Authenticator validation stage is set to configure user but no configuration flow is set."
		t.After(func(tx *store.Tx) error {
			return s.d.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.stages.authenticator_validate", Context: map[string]any{
				"message": text, "stage": s.model(),
			}})
		})
		return stage.Deny("")
	case len(stages) == 1:
		t.Plan.Next(stage.Step{Stage: stages[0].PK})
		return stage.Done()
	}
	return stage.Ask(&Challenge{Devices: []DeviceChallenge{}, Stages: stages})
}

// model names the stage in events.
func (s *Stage) model() map[string]any { return event.Model(s.d.Store.KindFor(s), s.PK, s.Name) }

// selectable gives the stages that the person may choose from, in their order.
func (s *Stage) selectable(ctx context.Context) ([]Selectable, error) {
	out := []Selectable{}
	for _, pk := range s.SetupStages {
		k, obj, err := s.d.Store.GetIn(ctx, stage.Family.Name, pk)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		name, own := k.Name(obj), false
		if f, ok := obj.(interface{ Friendly() *string }); ok && f.Friendly() != nil && *f.Friendly() != "" {
			name, own = *f.Friendly(), !slices.Contains(shipped, *f.Friendly())
		}
		out = append(out, Selectable{PK: pk, Name: name, Title: strings.TrimSpace(strings.TrimSuffix(k.Title, "Setup Stage")), Model: k.Model, own: own})
	}
	return out, nil
}
