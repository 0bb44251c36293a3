package duo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/duoapi"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
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

// Factor has Duo ask people.
type Factor struct {
	Store *store.Store
	// App gives the name of an application by its key.
	App func(ctx context.Context, pk string) (string, error)
}

// DeviceClass implements device.Class.
func (Factor) DeviceClass() string { return "duo" }

// Confirmed implements device.Class.
func (f Factor) Confirmed(ctx context.Context, user int64) ([]device.Device, error) {
	vs, err := device.Of[Device](ctx, f.Store, user)
	out := make([]device.Device, len(vs))
	for i, v := range vs {
		out[i] = device.Device{Class: "duo", PK: fmt.Sprint(v.PK), Name: v.Name, User: v.User}
	}
	return out, err
}

// refused is the published text for whom Duo does not let in.
const refused = "Duo denied access"

// Push has Duo ask the owner of one of the devices, and waits for what they say. A device that is none of them is refused unasked.
func (f Factor) Push(t *stage.Turn, ds []device.Device, pk int64) (device.Proof, error) {
	no := device.Proof{Wrong: refused, Code: "denied"}
	i := slices.IndexFunc(ds, func(d device.Device) bool { return d.PK == fmt.Sprint(pk) })
	if i < 0 {
		return no, nil
	}
	v, err := store.Get[Device](t.Ctx, f.Store, ds[i].PK)
	if fault.Is(err, fault.NotFound) {
		return no, nil
	}
	if err != nil {
		return device.Proof{}, err
	}
	s, err := store.Get[Stage](t.Ctx, f.Store, v.Stage)
	if err != nil {
		return device.Proof{}, err
	}
	q := duoapi.Question{
		User: v.DuoUser, Address: t.Request.HTTP.ClientIP, Type: t.Brand.Title + " Login request", Display: t.User.Username,
		Info: url.Values{"Domain": {t.Request.HTTP.Host}},
	}
	if app := t.Plan.Key(stage.Application); app != "" && f.App != nil {
		name, err := f.App(t.Ctx, app)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return device.Proof{}, err
		}
		if name != "" {
			q.Info.Set("Application", name)
		}
	}
	a, err := s.auth().Ask(t.Ctx, q)
	switch {
	case t.Ctx.Err() != nil:
		return device.Proof{}, t.Ctx.Err()
	case err != nil:
		if !s.report(t, "Failed to ask the person", err) {
			return device.Proof{}, err
		}
		return device.Proof{Wrong: s.d.say(t, "flow.duo.unasked"), Code: "denied"}, nil
	case !a.Allowed:
		return no, nil
	}
	return device.Proof{Device: &ds[i], Write: func(tx *store.Tx) error { return used(tx, v.PK, tx.Now) }}, nil
}

// used notes when a phone was asked last; NotFound when it was deleted while its owner was asked.
func used(tx *store.Tx, pk int64, now time.Time) error {
	res, err := tx.Exec(`UPDATE duo_devices SET last_used = ? WHERE pk = ? AND confirmed = 1`, now.UnixMicro(), pk)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fault.New(fault.NotFound, "There is no such device.")
}
