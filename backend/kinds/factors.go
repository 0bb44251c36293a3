package kinds

import (
	"gatehouse/backend/device"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/duo"
	"gatehouse/backend/stage/sms"
	"gatehouse/backend/stage/static"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/stage/validate"
)

// Factors are the classes of devices that can prove who is there, in the order in which a code is held against them; keys come from their
// own room.
func Factors(r Rooms) []validate.Factor {
	d := duo.Factor{Store: r.Store, App: r.Apps.Name}
	m := sms.Factor{Store: r.Store}
	l := static.Factor{Store: r.Store, Texts: r.Texts}
	o := &totp.Factor{Store: r.Store, Texts: r.Texts}
	return []validate.Factor{
		factor{d, func(t *stage.Turn, ds []device.Device, in *validate.Answer) (device.Proof, error) {
			return d.Push(t, ds, *in.Duo)
		}},
		sent{typed(m, m.Code), m.Send},
		typed(l, l.Code),
		typed(o, o.Code),
	}
}

// factor makes a class of devices what the validation stage asks; the plugs don't know each other.
type factor struct {
	device.Class
	check func(t *stage.Turn, ds []device.Device, in *validate.Answer) (device.Proof, error)
}

// typed is a class whose devices give codes.
func typed(c device.Class, check func(t *stage.Turn, ds []device.Device, code string) (device.Proof, error)) factor {
	return factor{c, func(t *stage.Turn, ds []device.Device, in *validate.Answer) (device.Proof, error) {
		return check(t, ds, in.Code)
	}}
}

// Challenge implements validate.Factor: the browser needs nothing for it.
func (factor) Challenge(*stage.Turn, []device.Device) (map[string]any, error) { return nil, nil }

// Check implements validate.Factor.
func (f factor) Check(t *stage.Turn, ds []device.Device, in *validate.Answer) (validate.Checked, error) {
	p, err := f.check(t, ds, in)
	return validate.Checked{Device: p.Device, Wrong: p.Wrong, Code: p.Code, Write: p.Write}, err
}

// sent is a class whose devices are sent a code when they are chosen.
type sent struct {
	factor
	send func(t *stage.Turn, d device.Device) (stage.Error, error)
}

// Send implements validate.Sender.
func (s sent) Send(t *stage.Turn, d device.Device) (stage.Error, error) { return s.send(t, d) }
