package duo

import (
	"gatehouse/backend/device"
	"gatehouse/backend/kind"
)

// Device is a phone that Duo asks.
type Device struct {
	device.Base
	Name    string `json:"name" is:"required,search" max:"64"`
	Stage   string `json:"stage" is:"hidden" ref:"stages cascade"`
	DuoUser string `json:"duo_user_id" is:"hidden"`
}

// Devices describes the devices.
func Devices() *kind.Kind {
	return device.New[Device]("duo", kind.Spec{
		Model: "authentik_stages_authenticator_duo.duodevice", Schema: "DuoDevice", Title: "Duo Device", Table: "duo_devices", About: "A phone that Duo asks.",
	}, nil)
}
