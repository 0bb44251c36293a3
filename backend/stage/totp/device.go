package totp

import (
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/kind"
)

// Device is an app that shows one-time passwords.
type Device struct {
	device.Base
	Name     string     `json:"name" is:"required,search" max:"64"`
	Key      string     `json:"key" is:"hidden,secret"` // the shared secret, as hexadecimal digits
	Digits   int64      `json:"digits" is:"hidden" default:"6"`
	Drift    int64      `json:"drift" is:"hidden"`     // steps of 30 seconds by which its clock is off
	LastStep int64      `json:"last_step" is:"hidden"` // the step of the last code that counted; no earlier one does
	Failures int64      `json:"failures" is:"hidden"`
	Failed   *time.Time `json:"failed" is:"hidden" format:"date-time"`
}

// Devices describes the devices.
func Devices() *kind.Kind {
	return device.New[Device]("totp", kind.Spec{
		Model: "authentik_stages_authenticator_totp.totpdevice", Schema: "TOTPDevice", Title: "TOTP Device", Table: "totp_devices",
		About: "An app that shows one-time passwords.",
	}, nil)
}
