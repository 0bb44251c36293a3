package passkey

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Class is the word for these devices on the wire.
const Class = "webauthn"

// Device is a security key or passkey.
type Device struct {
	device.Base
	Name         string         `json:"name" is:"required,search" max:"200"`
	CreatedOn    time.Time      `json:"created_on" is:"computed" format:"date-time"`
	Type         *device.Type   `json:"device_type" is:"computed"`
	AAGUID       string         `json:"aaguid" is:"readonly,nofilter"`
	TypeKey      *string        `json:"webauthn_type" is:"hidden" ref:"webauthntypes set_null"`
	CredentialID string         `json:"credential_id" is:"hidden,unique"`
	Credential   map[string]any `json:"credential" is:"hidden"` // the credential record (section 4) as go-webauthn keeps it
	SignCount    int64          `json:"sign_count" is:"hidden"`
	RPID         string         `json:"rp_id" is:"hidden"`
}

// Devices describes the devices.
func Devices(s *store.Store) *kind.Kind {
	return device.New[Device](Class, kind.Spec{
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

// typesModel is the published name of the makes.
const typesModel = "authentik_stages_authenticator_webauthn.webauthndevicetype"

// Types describes the makes of keys that are known. They are read only: they come with the house, and with metadata blobs.
func Types() *kind.Kind {
	return kind.Of[device.Type](device.TypeFamily, kind.Spec{
		Path: "stages/authenticator/webauthn_device_types", Model: typesModel, Schema: "WebAuthnDeviceType",
		Title: "WebAuthn Device type", Table: "webauthn_types", Verbs: kind.List | kind.Retrieve, Order: []string{"description"}, About: "A make of security keys or passkeys.",
		Filters: []kind.Filter{{Name: "icon", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return "o.icon = ?", []any{v}, nil
		}}},
	}, nil)
}

// Of gives the confirmed keys of a person, oldest first.
func (r *Room) Of(ctx context.Context, owner int64) ([]*Device, error) {
	return device.Of[Device](ctx, r.Store, owner)
}

// Offered gives a device as the validation stage knows it.
func (d *Device) Offered() device.Device {
	return device.Device{Class: Class, PK: strconv.FormatInt(d.PK, 10), Name: d.Name, User: d.User}
}

// record gives the credential record of a device.
func (d *Device) record() (*webauthn.Credential, error) {
	b, err := json.Marshal(d.Credential)
	if err != nil {
		return nil, err
	}
	c := &webauthn.Credential{}
	return c, json.Unmarshal(b, c)
}

func asMap(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(b, &m)
}

// byCredential finds the device of a credential id, nil when there is none.
func (r *Room) byCredential(ctx context.Context, id string) (*Device, error) {
	d, err := store.Find[Device](ctx, r.Store, "credential_id", id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return d, err
}

// within gives the devices that belong to a relying party.
func within(p Party, ds []*Device) []*Device {
	return slices.DeleteFunc(slices.Clone(ds), func(d *Device) bool { return d.RPID != p.ID })
}
