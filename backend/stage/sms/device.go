package sms

import (
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/kind"
)

// Device is a phone.
type Device struct {
	device.Base
	Name       string     `json:"name" is:"required,search" max:"64"`
	Phone      string     `json:"phone_number" is:"readonly,nofilter"`
	Stage      string     `json:"stage" is:"hidden" ref:"stages cascade"`
	Token      string     `json:"token" is:"hidden,secret"` // the code that was sent last
	ValidUntil *time.Time `json:"valid_until" is:"hidden" format:"date-time"`
}

// Devices describes the devices.
func Devices() *kind.Kind {
	return device.New[Device]("sms", kind.Spec{
		Model: "authentik_stages_authenticator_sms.smsdevice", Schema: "SMSDevice", Title: "SMS Device", Table: "sms_devices",
		About: "A phone that gets codes as text messages.", Unique: [][]string{{"stage", "phone_number"}},
	}, nil)
}
