// Package device is the socket of authenticator devices: the second factors that a user owns.
//
// The kinds live with the stage that enrols them. A device class is a word on the wire: static, totp, webauthn, duo, sms.
package device

import (
	"context"

	"gatehouse/backend/store"
)

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

// Of reads the confirmed devices of a kind that somebody has. A kind that nobody has is not looked for at each sign-in.
func Of[T any](ctx context.Context, s *store.Store, owner int64) ([]*T, error) {
	if none, err := store.Vacant[T](ctx, s); none || err != nil {
		return nil, err
	}
	return store.All[T](ctx, s, store.Query{Where: `o."user" = ? AND o.confirmed = 1`, Args: []any{owner}, Order: []string{"pk"}})
}
