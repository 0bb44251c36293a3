package static

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
)

// Factor holds codes against the lists.
type Factor struct {
	Store *store.Store
	Texts *text.Tables
}

// DeviceClass implements device.Class.
func (Factor) DeviceClass() string { return "static" }

// Confirmed implements device.Class. A list that is used up stays one: its owner is told that the code is wrong, not let in without.
func (f Factor) Confirmed(ctx context.Context, user int64) ([]device.Device, error) {
	vs, err := device.Of[Device](ctx, f.Store, user)
	out := make([]device.Device, len(vs))
	for i, v := range vs {
		out[i] = device.Device{Class: "static", PK: fmt.Sprint(v.PK), Name: v.Name, User: v.User}
	}
	return out, err
}

// other is a code as an app or a message has it: a list is not to blame for that.
var other = regexp.MustCompile(`^[0-9]{6}([0-9]{2})?$`)

// Code holds a code against a person's lists. Who failed waits longer each time before the next one is looked at.
func (f Factor) Code(t *stage.Turn, ds []device.Device, typed string) (device.Proof, error) {
	typed = strings.Join(strings.Fields(typed), "")
	var wrong []int64
	var wait time.Duration
	for i := range ds {
		v, err := store.Get[Device](t.Ctx, f.Store, ds[i].PK)
		if fault.Is(err, fault.NotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return device.Proof{}, err
		}
		if pause := device.Pause(v.Failures, v.Failed, t.Now); pause > 0 {
			wait = max(wait, pause)
			continue
		}
		var n int
		if err := f.Store.DB().QueryRow(t.Ctx, `SELECT count(*) FROM static_tokens WHERE device = ? AND hash = ?`, v.PK, f.hash(typed)).Scan(&n); err != nil {
			return device.Proof{}, err
		}
		if n > 0 {
			return device.Proof{Device: &ds[i], Write: func(tx *store.Tx) error { return f.use(tx, v.PK, typed) }}, nil
		}
		wrong = append(wrong, v.PK)
	}
	switch {
	case other.MatchString(typed):
		return device.Proof{}, nil
	case len(wrong) == 0:
		return device.Wait(f.Texts, t.Request.HTTP.Locale, wait), nil
	}
	return device.Proof{Write: func(tx *store.Tx) error { return device.Missed(tx, "static_devices", wrong) }}, nil
}

func (f Factor) hash(code string) string { return f.Store.Key().Index(model+".token", code) }

// use strikes a code off its list; Conflict when it was meanwhile.
func (f Factor) use(tx *store.Tx, pk int64, code string) error {
	v, err := store.GetTx[Device](tx, fmt.Sprint(pk))
	if err != nil {
		return err
	}
	res, err := tx.Exec(`DELETE FROM static_tokens WHERE pk = (SELECT min(pk) FROM static_tokens WHERE device = ? AND hash = ?)`, pk, f.hash(code))
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 || device.Pause(v.Failures, v.Failed, tx.Now) > 0 {
		return fault.New(fault.Conflict, "This code was used already.")
	}
	_, err = tx.Exec(`UPDATE static_devices SET failures = 0, failed = NULL, last_used = ? WHERE pk = ?`, tx.Now.UnixMicro(), pk)
	return err
}
