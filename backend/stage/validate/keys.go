package validate

import (
	"context"
	"errors"
	"slices"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/passkey"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// anyKey stands in the offer of a sign-in without a name for whichever key answers, as published.
const anyKey = "-1"

// keys is the class of security keys and passkeys, under the rules of the stage.
type keys struct {
	*Stage
	mine []*passkey.Device // those of the person that the stage takes
}

func (s *Stage) rules() passkey.Rules { return passkey.RulesOf(s.DeviceTypes) }

// DeviceClass implements device.Class.
func (k *keys) DeviceClass() string { return passkey.Class }

// Confirmed implements device.Class: keys of makes that the stage does not take are none.
func (k *keys) Confirmed(ctx context.Context, owner int64) ([]device.Device, error) {
	all, err := k.d.Keys.Of(ctx, owner)
	if err != nil {
		return nil, err
	}
	if k.mine, err = k.d.Keys.Takes(ctx, k.rules(), all); err != nil {
		return nil, err
	}
	var out []device.Device
	for _, d := range k.mine {
		out = append(out, d.Offered())
	}
	return out, nil
}

// Challenge implements Factor.
func (k *keys) Challenge(t *stage.Turn, _ []device.Device) (map[string]any, error) {
	c, err := k.d.Keys.Ask(t, passkey.Question{Stage: k.PK, UserVerification: k.UserCheck, Devices: k.mine})
	if errors.Is(err, passkey.ErrElsewhere) {
		return nil, &Unusable{k.d.Keys.Elsewhere(t, k.mine)}
	}
	if why := k.d.Keys.Explain(t, err); why != "" {
		return nil, &Unusable{why}
	}
	return c, err
}

// Check implements Factor.
func (k *keys) Check(t *stage.Turn, _ []device.Device, in *Answer) (Checked, error) {
	return k.key(t, t.User.PK, in)
}

// key holds a key's answer against the challenge and the rules. owner 0 takes anybody's key.
func (s *Stage) key(t *stage.Turn, owner int64, in *Answer) (Checked, error) {
	p, err := s.d.Keys.Prove(t, s.PK, owner, in.WebAuthn)
	switch {
	case errors.Is(err, passkey.ErrUnknown):
		return Checked{Wrong: "Invalid device"}, nil
	case errors.Is(err, passkey.ErrFailed), errors.Is(err, passkey.ErrCloned):
		told := map[string]any{"device": s.told(p.Device), "device_type": p.Device.TypeKey, "reason": p.Detail}
		out := Checked{Wrong: "Assertion failed", Told: told}
		if errors.Is(err, passkey.ErrCloned) {
			out.Write = s.copied(t, p)
		}
		return out, nil
	case err != nil:
		if why := s.d.Keys.Explain(t, err); why != "" {
			return Checked{Wrong: why}, nil
		}
		return Checked{}, err
	}
	j, err := s.d.Keys.Judge(t.Ctx, s.rules(), p.Device)
	if err != nil {
		return Checked{}, err
	}
	if j.Refusal != "" {
		return Checked{Wrong: s.d.Keys.Refusal(t, j), Told: map[string]any{"device": s.told(p.Device), "device_type": p.Device.TypeKey, "attestation": string(j.Trust)}}, nil
	}
	d := p.Device.Offered()
	return Checked{Device: &d, Key: p.Device, Write: p.Write}, nil
}

// told names a key in events.
func (s *Stage) told(d *passkey.Device) map[string]any {
	return event.Model(s.d.Store.KindFor(d), d.Offered().PK, d.Name)
}

// copied warns that a key may have been copied (section 6.1.1 of Web Authentication).
func (s *Stage) copied(t *stage.Turn, p *passkey.Proof) func(tx *store.Tx) error {
	d := p.Device
	return func(tx *store.Tx) error {
		return s.d.Events.EmitTx(tx, event.Entry{Action: event.SuspiciousRequest, App: "authentik.stages.authenticator_validate", Context: map[string]any{
			"message": p.Detail, "device": s.told(d), "stage": s.model(), "flow": t.Flow.Slug,
		}})
	}
}

// alone says whether the stage lets a passkey alone tell who is there.
func (s *Stage) alone(t *stage.Turn) bool {
	return t.Flow.Designation == "authentication" && s.d.Keys != nil && slices.Contains(s.Classes, passkey.Class)
}

// nobody offers to sign in with a passkey alone: who is there comes with it. The key has to make sure that its owner is there, since it is
// all that proves who that is.
func (s *Stage) nobody(t *stage.Turn) stage.Result {
	if !s.alone(t) {
		return stage.Done()
	}
	c, err := s.d.Keys.Ask(t, passkey.Question{Stage: s.PK, UserVerification: "required"})
	if why := s.d.Keys.Explain(t, err); why != "" {
		return stage.Deny(why)
	}
	if err != nil {
		return stage.Fail(err)
	}
	return stage.Ask(&Challenge{Devices: []DeviceChallenge{{Class: passkey.Class, UID: anyKey, Challenge: c}}, Stages: []Selectable{}, Anybody: true})
}

// somebody takes the answer to nobody's offer.
func (s *Stage) somebody(t *stage.Turn, in *Answer) stage.Result {
	switch {
	case !s.alone(t):
		return stage.Done()
	case in.Selected != nil && (in.Selected.Class != passkey.Class || in.Selected.UID != anyKey):
		return stage.Wrong("selected_challenge", "invalid challenge selected")
	case in.Stage != "":
		return stage.Wrong("selected_stage", "Selected stage is invalid")
	case in.WebAuthn == nil:
		return stage.WrongAll("Empty response")
	}
	got, err := s.key(t, 0, in)
	if err != nil {
		return stage.Fail(err)
	}
	if got.Device == nil {
		if got.Write != nil {
			t.After(got.Write)
		}
		told := s.missed(passkey.Class, got.Told)
		t.After(func(tx *store.Tx) error { // there is no name to count it for, and no answer to guess
			return s.d.Events.EmitTx(tx, event.Entry{Action: event.LoginFailed, App: "authentik.events.signals", Context: told})
		})
		return stage.Wrong("webauthn", got.Wrong)
	}
	u, err := s.d.Users.ByPK(t.Ctx, got.Device.User)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return stage.Fail(err)
	}
	if u == nil || !u.IsActive {
		return stage.Wrong("webauthn", "Invalid device")
	}
	if err := s.d.Keys.Alone(t, u, got.Key); err != nil {
		return stage.Fail(err)
	}
	return stage.Done().Writing(got.Write).Else(func(error) stage.Result { return stage.Wrong("webauthn", "Assertion failed") })
}

// shown says whether the person has shown, earlier in this flow, a key that the stage would ask for now.
func (s *Stage) shown(t *stage.Turn, offers []offer) bool {
	pk := passkey.Shown(t.Plan)
	return pk != "" && slices.ContainsFunc(offers, func(o offer) bool {
		return o.DeviceClass() == passkey.Class && slices.ContainsFunc(o.devices, func(d device.Device) bool { return d.PK == pk })
	})
}
