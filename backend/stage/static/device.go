package static

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Device is a list of codes.
type Device struct {
	device.Base
	Name     string     `json:"name" is:"required,search" max:"64"`
	Tokens   []Token    `json:"token_set" is:"computed,required"`
	Failures int64      `json:"failures" is:"hidden"`
	Failed   *time.Time `json:"failed" is:"hidden" format:"date-time"`

	d *Deps
}

// Token is one code.
type Token struct {
	Token string `json:"token" is:"required" max:"16"`
}

// SchemaName implements kind.SchemaNamer.
func (Token) SchemaName() string { return "StaticDeviceToken" }

// Deps is what the devices need.
type Deps struct {
	Store  *store.Store
	Events *event.Log
	// Objects gives what the actor holds a permission on.
	Objects func(ctx context.Context, a store.Actor, permission string) (all bool, pks []string, err error)
}

// model is the published name of the devices.
const model = "authentik_stages_authenticator_static.staticdevice"

// Devices describes the devices.
func Devices(d Deps) *kind.Kind {
	return device.New("static", kind.Spec{
		Model: model, Schema: "StaticDevice", Title: "Static Device", Table: "static_devices", About: "A list of codes that work once each.", Present: d.present,
	}, func() *Device { return &Device{d: &d} })
}

// Deleting implements store.Deleter: the audit log tells that somebody has no codes any more.
func (v *Device) Deleting(tx *store.Tx) error {
	return v.d.Events.EmitTx(tx, event.Entry{Action: "custom_static_authenticator_disable", App: "authentik.stages.authenticator_static", Context: map[string]any{
		"message": "User disabled Static OTP Tokens.", "device": event.Model(v.d.Store.KindFor(v), fmt.Sprint(v.PK), v.Name),
	}})
}

// Add gives a stored device one more code.
func (v *Device) Add(tx *store.Tx, code string) error {
	key := tx.Store().Key()
	sealed, err := key.Seal([]byte(code), model, fmt.Sprint(v.PK), "token")
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO static_tokens (device, token, hash) VALUES (?, ?, ?)`, v.PK, sealed, key.Index(model+".token", code))
	return err
}

// present shows the codes: to the owner and to who may change the device; others see how many there are.
func (d Deps) present(ctx context.Context, rows []any, _ url.Values) error {
	byPK, keys := map[int64]*Device{}, []string{}
	for _, r := range rows {
		v := r.(*Device)
		v.Tokens, byPK[v.PK], keys = []Token{}, v, append(keys, fmt.Sprint(v.PK))
	}
	me := store.ActorOf(ctx)
	all, pks, err := d.Objects(ctx, me, d.Store.Kind(model).Perm("change"))
	if err != nil {
		return err
	}
	cond, arg := db.In("device", keys)
	found, err := d.Store.DB().Query(ctx, `SELECT device, token FROM static_tokens WHERE `+cond+` ORDER BY pk`, arg)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var pk int64
		var sealed string
		if err := found.Scan(&pk, &sealed); err != nil {
			return err
		}
		v, t := byPK[pk], Token{}
		if all || v.User == me.UserPK || slices.Contains(pks, fmt.Sprint(pk)) {
			code, err := d.Store.Key().Open(sealed, model, fmt.Sprint(pk), "token")
			if err != nil {
				return err
			}
			t.Token = string(code)
		}
		v.Tokens = append(v.Tokens, t)
	}
	return found.Err()
}
