package sms

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// model is the published name of the devices.
const model = "authentik_stages_authenticator_sms.smsdevice"

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
		Model: model, Schema: "SMSDevice", Title: "SMS Device", Table: "sms_devices",
		About: "A phone that gets codes as text messages.", Unique: [][]string{{"stage", "phone_number"}},
	}, nil)
}

// Factor sends codes to phones and takes them back.
type Factor struct{ Store *store.Store }

// DeviceClass implements device.Class.
func (Factor) DeviceClass() string { return "sms" }

// Confirmed implements device.Class. A phone of which only a hash is kept gets no messages.
func (f Factor) Confirmed(ctx context.Context, user int64) ([]device.Device, error) {
	vs, err := device.Of[Device](ctx, f.Store, user)
	var out []device.Device
	for _, v := range vs {
		if !strings.HasPrefix(v.Phone, "hash:") {
			out = append(out, device.Device{Class: "sms", PK: fmt.Sprint(v.PK), Name: v.Name, User: v.User})
		}
	}
	return out, err
}

// Send sends a fresh code to a phone; the one before stops working. say is what the person reads when it can't be sent.
func (f Factor) Send(t *stage.Turn, d device.Device) (say stage.Error, err error) {
	v, err := store.Get[Device](t.Ctx, f.Store, d.PK)
	if err != nil {
		return say, err
	}
	s, err := store.Get[Stage](t.Ctx, f.Store, v.Stage)
	if err != nil {
		return say, err
	}
	code := fresh()
	if say, err = s.send(t, v, code); err != nil || say.String != "" {
		return say, err
	}
	until := t.Now.Add(validFor)
	sealed, err := f.Store.Key().Seal([]byte(code), model, d.PK, "token")
	if err != nil {
		return say, err
	}
	t.After(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE sms_devices SET token = ?, valid_until = ? WHERE pk = ?`, sealed, until.UnixMicro(), v.PK)
		return err
	})
	return say, nil
}

// Code holds a code against the ones that were sent last.
func (f Factor) Code(t *stage.Turn, ds []device.Device, typed string) (device.Proof, error) {
	for i := range ds {
		v, err := store.Get[Device](t.Ctx, f.Store, ds[i].PK)
		if fault.Is(err, fault.NotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return device.Proof{}, err
		}
		if v.takes(typed, t.Now) {
			return device.Proof{Device: &ds[i], Write: func(tx *store.Tx) error { return use(tx, ds[i].PK, typed) }}, nil
		}
	}
	return device.Proof{}, nil
}

func (v *Device) takes(typed string, now time.Time) bool {
	typed = strings.Join(strings.Fields(typed), "")
	return v.Token != "" && v.ValidUntil != nil && now.Before(*v.ValidUntil) && subtle.ConstantTimeCompare([]byte(v.Token), []byte(typed)) == 1
}

// use clears the code that counted; Conflict when it did meanwhile.
func use(tx *store.Tx, pk, typed string) error {
	v, err := store.GetTx[Device](tx, pk)
	if err != nil {
		return err
	}
	if !v.takes(typed, tx.Now) {
		return fault.New(fault.Conflict, "This code was used already.")
	}
	_, err = tx.Exec(`UPDATE sms_devices SET token = '', valid_until = NULL, last_used = ? WHERE pk = ?`, tx.Now.UnixMicro(), v.PK)
	return err
}
