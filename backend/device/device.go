// Package device is the socket of authenticator devices: the second factors that a user owns.
//
// The kinds live with the stage that enrols them. A device class is a word on the wire: static, totp, webauthn, duo, sms.
package device

import "context"

// Classes are the device classes that the authenticator validation stage knows.
var Classes = [...]string{"static", "totp", "webauthn", "duo", "sms"}

// Device is a confirmed factor of a user as the validation stage offers it.
type Device struct {
	Class string // static, totp, webauthn, duo, sms
	PK    string
	Name  string
	User  int64
}

// Class lists the confirmed devices of one class. A kind of device implements it; the validation stage asks all classes that the lists give it.
type Class interface {
	DeviceClass() string
	Confirmed(ctx context.Context, user int64) ([]Device, error)
}
