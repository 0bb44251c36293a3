package validate_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/validate"
	"gatehouse/backend/store"
)

// sender is a factor that sends a code when its device is chosen.
type sender struct {
	factor
	say  string
	err  error
	sent []string
}

func (s *sender) Send(_ *stage.Turn, d device.Device) (stage.Error, error) {
	if s.say != "" || s.err != nil {
		return stage.Error{String: s.say, Code: "throttled"}, s.err
	}
	s.sent = append(s.sent, d.PK)
	return stage.Error{}, nil
}

func TestSend(t *testing.T) {
	s := open(t)
	phone := &sender{factor: factor{class: "sms", owners: map[int64]bool{s.ada.PK: true}}}
	s.factors = []validate.Factor{phone, &factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}}
	s.begin(s.ada)
	s.b.Get("f", "")
	sms, totp := map[string]any{"device_class": "sms", "device_uid": "sms-1", "challenge": map[string]any{}}, map[string]any{"device_class": "totp", "device_uid": "totp-1", "challenge": map[string]any{}}
	text, err := json.Marshal(sms)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		answer map[string]any
		n      int
		quiet  bool
		want   string
	}{
		{map[string]any{"selected_challenge": totp}, 0, false, "Empty response (invalid)"}, // an app needs nothing
		{map[string]any{"selected_challenge": sms}, 1, true, "Empty response (invalid)"},
		{map[string]any{}, 1, false, "Empty response (invalid)"},
		{map[string]any{"selected_challenge": string(text), "code": ""}, 2, true, "Empty response (invalid)"}, // as a form sends it
		{map[string]any{"selected_challenge": sms, "code": "wrong"}, 2, false, ""},                            // an answer, not a choice
	} {
		s.Wait(time.Second)
		out := s.b.Post("f", "", tt.answer)
		c := out.Challenge.Value.(*validate.Challenge)
		if got := stagetest.Problem(out, fault.NonField); got != tt.want || len(phone.sent) != tt.n || c.Quiet() != tt.quiet || c.Sent != (tt.n > 0) {
			t.Errorf("%d: %q, %d sent, quiet %v, sent %v", i, got, len(phone.sent), c.Quiet(), c.Sent)
		}
	}
	if got := stagetest.Problem(s.b.Post("f", "", map[string]any{"code": ""}), "code"); got != "This field may not be blank. (blank)" {
		t.Errorf("an empty field alone: %q", got)
	}
	for _, bad := range []any{`{"device_class":`, "sms", "", 7, map[string]any{"device_class": "sms"}} {
		if got := stagetest.Problem(s.b.Post("f", "", map[string]any{"selected_challenge": bad}), "selected_challenge"); got == "" || len(phone.sent) != 2 {
			t.Errorf("%v: %q", bad, got)
		}
	}
	phone.say = "Wait."
	if got := stagetest.Problem(s.b.Post("f", "", map[string]any{"selected_challenge": sms}), "selected_challenge"); got != "Wait. (throttled)" {
		t.Errorf("%q", got)
	}
	phone.err = fmt.Errorf("broken")
	if got := seen(s.b.Post("f", "", map[string]any{"selected_challenge": sms})); got != "ak-stage-flow-error" {
		t.Error(got)
	}
}

// Nothing is sent to the device of a class that is not allowed, or to somebody else's.
func TestSendsOnlyWhatIsOffered(t *testing.T) {
	s := open(t, func(s *validate.Stage) { s.Classes = []string{"totp"} })
	phone := &sender{factor: factor{class: "sms", owners: map[int64]bool{s.ada.PK: true}}}
	s.factors = []validate.Factor{phone, &factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}}
	s.begin(s.ada)
	out := s.b.Step("f", "", map[string]any{"selected_challenge": map[string]any{"device_class": "sms", "device_uid": "sms-1", "challenge": map[string]any{}}})
	if got := stagetest.Problem(out, "selected_challenge"); got != "invalid challenge selected (invalid)" || len(phone.sent) != 0 {
		t.Errorf("%q, %v", got, phone.sent)
	}
}

// counting is a factor that counts wrong codes against its devices.
type counting struct {
	factor
	missed, paused bool
}

func (c *counting) Check(t *stage.Turn, ds []device.Device, in *validate.Answer) (validate.Checked, error) {
	if c.paused {
		return validate.Checked{Wrong: "Wait.", Code: "throttled"}, nil
	}
	if in.Code == "right" {
		return c.factor.Check(t, ds, in)
	}
	return validate.Checked{Write: func(*store.Tx) error { c.missed = true; return nil }}, nil
}

// A wrong code is counted against a device when no other one takes it.
func TestCounters(t *testing.T) {
	for code, want := range map[string]bool{"right of the other": false, "wrong": true} {
		s := open(t)
		list := &counting{factor: factor{class: "static", owners: map[int64]bool{s.ada.PK: true}}}
		other := &factor{class: "totp", owners: map[int64]bool{s.ada.PK: true}}
		s.factors = []validate.Factor{list, other}
		if !want {
			s.factors[1] = yes{other}
		}
		s.begin(s.ada)
		s.b.Step("f", "", map[string]any{"code": code})
		if list.missed != want {
			t.Errorf("%s: counted %v", code, list.missed)
		}
	}
	s := open(t)
	s.factors = []validate.Factor{&counting{factor: factor{class: "static", owners: map[int64]bool{s.ada.PK: true}}, paused: true}}
	s.begin(s.ada)
	if got := stagetest.Problem(s.b.Step("f", "", map[string]any{"code": "right"}), "code"); got != "Wait. (throttled)" {
		t.Errorf("%q", got)
	}
}

// yes takes every code.
type yes struct{ *factor }

func (y yes) Check(_ *stage.Turn, ds []device.Device, _ *validate.Answer) (validate.Checked, error) {
	return validate.Checked{Device: &ds[0]}, nil
}
