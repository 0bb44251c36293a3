package validate

import (
	"maps"
	"slices"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// wrongCode is the published text for a code that no device made.
const wrongCode = "Invalid Token. Please ensure the time on your device is accurate and try again."

// Take holds an answer against what was offered. Nothing but a device's proof, or the choice of a stage that is offered, brings one on.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	if in.bad != nil {
		return stage.Retry(stage.Faults(in.bad))
	}
	if t.User == nil {
		return s.somebody(t, in)
	}
	offers, err := s.offers(t, t.User)
	if err != nil {
		return stage.Fail(err)
	}
	if len(offers) == 0 {
		return s.chosen(t, in)
	}
	i := slices.IndexFunc(offers, func(o offer) bool {
		return in.Selected != nil && o.DeviceClass() == in.Selected.Class && o.devices[0].PK == in.Selected.UID
	})
	switch {
	case in.Selected != nil && i < 0:
		return stage.Wrong("selected_challenge", "invalid challenge selected")
	case in.Stage != "":
		return stage.Wrong("selected_stage", "Selected stage is invalid")
	case in.Selected != nil:
		if res, done := s.send(t, offers[i], in); done {
			return res
		}
	}
	switch {
	case in.Code != "":
		return s.check(t, in, offers, "code", typed)
	case in.WebAuthn != nil:
		return s.check(t, in, offers, "webauthn", []string{"webauthn"})
	case in.Duo != nil:
		return s.check(t, in, offers, "duo", []string{"duo"})
	}
	return stage.WrongAll("Empty response")
}

// chosen takes the choice of what to set up.
func (s *Stage) chosen(t *stage.Turn, in *Answer) stage.Result {
	res := s.without(t)
	c, ok := res.Challenge.(*Challenge)
	switch {
	case !ok:
		return res
	case in.Stage == "":
		return stage.WrongAll("Empty response")
	case !slices.ContainsFunc(c.Stages, func(x Selectable) bool { return x.PK == in.Stage }):
		return stage.Wrong("selected_stage", "Selected stage is invalid")
	}
	t.Plan.Next(stage.Step{Stage: in.Stage})
	return stage.Done()
}

// check asks the classes that may answer in a field, in their order; the first device that proves itself wins.
func (s *Stage) check(t *stage.Turn, in *Answer, offers []offer, field string, classes []string) stage.Result {
	offers = slices.DeleteFunc(offers, func(o offer) bool { return !slices.Contains(classes, o.DeviceClass()) })
	if len(offers) == 0 {
		return stage.Wrong(field, "No compatible device class allowed")
	}
	if err := s.d.Users.MayTry(t.Ctx, t.User.Username, t.Request.HTTP.ClientIP); err != nil {
		f := fault.As(err)
		if f.Kind != fault.TooMany {
			return stage.Fail(err)
		}
		return stage.Retry(stage.Errors{field: {{String: f.Say, Code: f.Code}}})
	}
	text, code, told := wrongCode, "invalid", map[string]any(nil)
	var missed []func(tx *store.Tx) error
	for _, o := range offers {
		got, err := o.Check(t, o.devices, in)
		if err != nil {
			return stage.Fail(err)
		}
		if got.Device != nil {
			return s.proven(t, field, got)
		}
		if got.Wrong != "" {
			text, told = got.Wrong, got.Told
			if got.Code != "" {
				code = got.Code
			}
		}
		if got.Write != nil { // counters of the device, which is not to blame when another one takes the answer
			missed = append(missed, got.Write)
		}
	}
	for _, f := range missed {
		t.After(f)
	}
	t.Missed(s.d.Events, t.User.Username, s.missed(offers[0].DeviceClass(), told))
	return stage.Retry(stage.Errors{field: {{String: text, Code: code}}})
}

// missed is what the audit log reads about an answer that does not count.
func (s *Stage) missed(class string, more map[string]any) map[string]any {
	out := map[string]any{"device_class": class, "stage": s.model()}
	maps.Copy(out, more)
	return out
}

// proven notes the device in the plan and goes on, when the transaction finds the answer still good. Unless the
// browser gets a proof for it, nothing is given yet: what the flow leads to is stored with it or after it, and the disk never has that without this.
func (s *Stage) proven(t *stage.Turn, field string, got Checked) stage.Result {
	if !t.Plan.Has(stage.AuthMethod) {
		t.Plan.Context[stage.AuthMethod] = "auth_mfa"
	}
	args := t.Plan.Map(stage.AuthMethodArgs)
	list, _ := args["mfa_devices"].([]any)
	args["mfa_devices"] = append(list, deviceRef(*got.Device))
	t.Hit(s.d.Users, t.User.Username)
	given := s.carry(t, *got.Device)
	res := stage.Done()
	if got.Write != nil {
		res = res.Writing(got.Write).Else(func(error) stage.Result { return stage.Wrong(field, wrongCode) })
		if !given {
			res = res.Soon()
		}
	}
	return res
}

func deviceRef(d device.Device) map[string]any {
	return map[string]any{"app": "authentik_stages_authenticator_" + d.Class, "model_name": d.Class + "device", "pk": d.PK, "name": d.Name}
}
