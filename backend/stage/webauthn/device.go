package webauthn

import (
	"context"
	"net/url"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Device is a security key or passkey.
type Device struct {
	device.Base
	Name         string         `json:"name" is:"required,search" max:"200"`
	CreatedOn    time.Time      `json:"created_on" is:"computed" format:"date-time"`
	Type         *device.Type   `json:"device_type" is:"computed"`
	AAGUID       string         `json:"aaguid" is:"readonly,nofilter"`
	TypeKey      *string        `json:"webauthn_type" is:"hidden" ref:"webauthntypes set_null"`
	CredentialID string         `json:"credential_id" is:"hidden,unique"`
	Credential   map[string]any `json:"credential" is:"hidden"` // what the protocol's library keeps of it
	SignCount    int64          `json:"sign_count" is:"hidden"`
	RPID         string         `json:"rp_id" is:"hidden"`
}

// Devices describes the devices.
func Devices(s *store.Store) *kind.Kind {
	return device.New[Device]("webauthn", kind.Spec{
		Model: "authentik_stages_authenticator_webauthn.webauthndevice", Schema: "WebAuthnDevice", Title: "WebAuthn Device", Table: "webauthn_devices",
		About: "A security key or a passkey.", Present: func(ctx context.Context, rows []any, _ url.Values) error {
			var keys []string
			for _, r := range rows {
				if v := r.(*Device); v.TypeKey != nil {
					keys = append(keys, *v.TypeKey)
				}
			}
			types, err := device.Types(ctx, s, keys)
			if err != nil {
				return err
			}
			for _, r := range rows {
				v := r.(*Device)
				v.CreatedOn = v.Created
				for i := range types {
					if v.TypeKey != nil && types[i].AAGUID == *v.TypeKey {
						v.Type = &types[i]
					}
				}
			}
			return nil
		},
	}, nil)
}

// Types describes the makes of keys that are known. They are read only: they come with the house.
func Types() *kind.Kind {
	return kind.Of[device.Type](device.TypeFamily, kind.Spec{
		Path: "stages/authenticator/webauthn_device_types", Model: "authentik_stages_authenticator_webauthn.webauthndevicetype", Schema: "WebAuthnDeviceType",
		Title: "WebAuthn Device type", Table: "webauthn_types", Verbs: kind.List | kind.Retrieve, Order: []string{"description"}, About: "A make of security keys or passkeys.",
		Filters: []kind.Filter{{Name: "icon", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return "o.icon = ?", []any{v}, nil
		}}},
	}, nil)
}
