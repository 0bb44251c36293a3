package world_test

import (
	"testing"

	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

// TestFirstRunPolicies runs what the release's first-run flow and its two-factor example decide by (flows.md 3.4), which this house does not
// ship since its wizard takes their place: written anew from their described meaning.
func TestFirstRunPolicies(t *testing.T) {
	h := open(t)
	h.User("akadmin", "")
	usable := "admin = ak_user_by(username='akadmin')\nreturn not admin.has_usable_password()"
	for _, tt := range []struct{ name, text, want string }{
		{"default-oobe-password-usable, none yet", usable, "true"},
		{"default-oobe-prefill-user", "context['flow_plan'].context['pending_user'] = ak_user_by(username='akadmin')\nreturn True", "true"},
		{"test-not-app-password, a password", "return context['auth_method'] != 'app_password'", "true"},
	} {
		r := h.request(nil)
		r.Context["auth_method"] = "password"
		res, err := h.ask(t, r, tt.text)
		if err != nil || asJSON(t, res.Value) != tt.want {
			t.Errorf("%s: %v %v", tt.name, res.Value, err)
		}
		if pk, _, ok := r.Plan.(*stage.Plan).UserPK(); tt.name == "default-oobe-prefill-user" && (!ok || h.Person(pk).Username != "akadmin") {
			t.Errorf("%s: nobody is pending", tt.name)
		}
	}
	h.User("other", "a long enough word", func(u *user.User) { u.Email = "other@office.lan" })
	if res, err := h.ask(t, h.request(nil), "return not ak_user_by(username='other').has_usable_password()"); err != nil || res.True {
		t.Errorf("a password that is there: %v %v", res.Value, err)
	}
	r := h.request(nil)
	r.Context["auth_method"] = "app_password"
	if res, err := h.ask(t, r, "return context['auth_method'] != 'app_password'"); err != nil || res.True {
		t.Errorf("an app password: %v %v", res.Value, err)
	}
}
