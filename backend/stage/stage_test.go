package stage

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"testing"

	"gatehouse/backend/fault"
	"gatehouse/backend/user"
)

func TestFaults(t *testing.T) {
	var f fault.Fields
	for name, text := range map[string]string{
		"a": "This field is required.", "b": "This field may not be null.", "c": "This field may not be blank.", "d": `"x" is not a valid choice.`, "e": "Enter a valid email address.",
	} {
		f.Add(name, text)
	}
	got := Faults(f.Err())
	for name, code := range map[string]string{"a": "required", "b": "null", "c": "blank", "d": "invalid_choice", "e": "invalid"} {
		if len(got[name]) != 1 || got[name][0].Code != code {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	if got := Faults(fault.New(fault.Conflict, "Taken.")); !reflect.DeepEqual(got, Errors{fault.NonField: {{"Taken.", "invalid"}}}) {
		t.Errorf("%v", got)
	}
}

func TestPlan(t *testing.T) {
	p := NewPlan("f", map[string]any{"a": "b", "yes": true})
	p.Next(Step{Stage: "1"})
	p.Append(Step{Stage: "3"})
	p.Next(Step{Stage: "2"})
	var order string
	for _, s := range p.Steps {
		order += s.Stage
	}
	if order != "123" || p.Text("a") != "b" || p.Text("yes") != "" || !p.True("yes") || p.True("a") || p.Has("none") {
		t.Errorf("%s %v", order, p)
	}
	p.Map("m")["x"] = 1
	if p.Context["m"].(map[string]any)["x"] != 1 {
		t.Error("a map that was made is not kept")
	}
	if _, _, ok := p.UserPK(); ok {
		t.Error("somebody is pending")
	}
	for _, u := range []*user.User{{PK: 7, Username: "ada"}, {Username: "nobody"}} {
		p.SetUser(u)
		p.Context[Application] = Ref("authentik_core.application", "key")
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again := &Plan{}
		if err := json.Unmarshal(b, again); err != nil {
			t.Fatal(err)
		}
		for _, q := range []*Plan{p, again} {
			pk, fake, ok := q.UserPK()
			if !ok || pk != u.PK || (fake == u.Username) != (u.PK == 0) || q.Key(Application) != "key" {
				t.Errorf("%d %q %v", pk, fake, ok)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	other := Done().Else(func(error) Result { return Deny("no") })
	for _, tt := range []struct {
		res  Result
		err  error
		want Verdict
	}{
		{other, fault.New(fault.Conflict, "x"), Denied},
		{other, fault.Field("a", "b"), Denied},
		{other, errors.New("disk on fire"), Failed},
		{other, fault.New(fault.Unavailable, "full"), Failed},
		{Done(), fault.New(fault.Conflict, "x"), Failed},
	} {
		if got := tt.res.Refused(tt.err); got.Verdict != tt.want {
			t.Errorf("%v: %v", tt.err, got.Verdict)
		}
	}
}

func TestPageURL(t *testing.T) {
	turn := &Turn{Request: Request{Query: url.Values{"next": {"/a?b=c"}, "flow_token": {"once"}}}}
	if got := turn.PageURL("x"); got != "/if/flow/x/?next=%2Fa%3Fb%3Dc" {
		t.Error(got)
	}
	if got := (&Turn{}).PageURL("x"); got != "/if/flow/x/" {
		t.Error(got)
	}
}
