package totp

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
)

const table = "totp_devices"

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
		Model: "authentik_stages_authenticator_totp.totpdevice", Schema: "TOTPDevice", Title: "TOTP Device", Table: table,
		About: "An app that shows one-time passwords.",
	}, nil)
}

// Factor holds codes against the devices.
type Factor struct {
	Store *store.Store
	Texts *text.Tables

	known store.Rows[int64, []*Device] // confirmed devices by owner, for the requests of one sign-in; a code that counts forgets them
}

// of gives the confirmed devices that somebody has. They are shared: nobody may change them.
func (f *Factor) of(ctx context.Context, owner int64) ([]*Device, error) {
	return f.known.Get(f.Store, table, owner, func() ([]*Device, error) { return device.Of[Device](ctx, f.Store, owner) })
}

// DeviceClass implements device.Class.
func (*Factor) DeviceClass() string { return "totp" }

// Confirmed implements device.Class.
func (f *Factor) Confirmed(ctx context.Context, user int64) ([]device.Device, error) {
	vs, err := f.of(ctx, user)
	out := make([]device.Device, len(vs))
	for i, v := range vs {
		out[i] = device.Device{Class: "totp", PK: fmt.Sprint(v.PK), Name: v.Name, User: v.User}
	}
	return out, err
}

// Code holds a code against a person's devices. One that no device takes is counted for each that could have made it; who failed waits
// longer each time before the next one is looked at.
func (f *Factor) Code(t *stage.Turn, ds []device.Device, typed string) (device.Proof, error) {
	var wrong []int64
	var wait time.Duration
	for i := range ds {
		vs, err := f.of(t.Ctx, ds[i].User)
		if err != nil {
			return device.Proof{}, err
		}
		at := slices.IndexFunc(vs, func(v *Device) bool { return fmt.Sprint(v.PK) == ds[i].PK })
		if at < 0 {
			continue // deleted meanwhile
		}
		v := vs[at]
		if _, could := number(typed, v.Digits); !could {
			continue
		}
		if pause := device.Pause(v.Failures, v.Failed, t.Now); pause > 0 {
			wait = max(wait, pause)
			continue
		}
		if _, ok := v.takes(typed, t.Now); !ok {
			wrong = append(wrong, v.PK)
			continue
		}
		return device.Proof{Device: &ds[i], Write: func(tx *store.Tx) error { return use(tx, v, typed) }}, nil
	}
	if len(wrong) == 0 {
		return device.Wait(f.Texts, t.Request.HTTP.Locale, wait), nil
	}
	return device.Proof{Write: func(tx *store.Tx) error { return device.Missed(tx, table, wrong) }}, nil
}

// takes gives the step that a code is of.
func (v *Device) takes(typed string, now time.Time) (step int64, ok bool) {
	n, ok := number(typed, v.Digits)
	key, err := raw(v.Key)
	if !ok || err != nil || len(key) == 0 {
		return 0, false
	}
	return match(key, n, v.Digits, v.Drift, v.LastStep, now)
}

// use notes that a code counted; Conflict when it, or a later one, did meanwhile. v is the device as it was a moment ago: if it still is, that
// is all there is to read.
func use(tx *store.Tx, v *Device, typed string) error {
	done, err := v.use(tx, typed)
	if err != nil || done {
		return err
	}
	if v, err = store.GetTx[Device](tx, fmt.Sprint(v.PK)); err != nil {
		return err
	}
	if done, err = v.use(tx, typed); err == nil && !done {
		return fault.New(fault.Conflict, "This code was used already.")
	}
	return err
}

// use notes that a code counted, and how far the device's clock is off. It is not done when the code does not count for what v says, or the
// stored device is another one by now.
func (v *Device) use(tx *store.Tx, typed string) (done bool, err error) {
	step, ok := v.takes(typed, tx.Now)
	if !ok || device.Pause(v.Failures, v.Failed, tx.Now) > 0 {
		return false, nil
	}
	tx.Touched(table, v.User)
	res, err := tx.Exec(`UPDATE totp_devices SET last_step = ?, drift = ?, failures = 0, failed = NULL, last_used = ? WHERE pk = ? AND confirmed = 1 AND last_step = ? AND drift = ? AND failures = ?`,
		step, step-stepOf(tx.Now), tx.Now.UnixMicro(), v.PK, v.LastStep, v.Drift, v.Failures)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
