package expiry_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/expiry"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/user"
)

func TestAge(t *testing.T) {
	h := stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		return stagetest.Made{Kinds: []*kind.Kind{expiry.Kind(expiry.Deps{Store: h.Store, Users: h.Users})}}
	})
	p := stagetest.New[expiry.Policy](h)
	p.Days = 30
	ago := func(days int) *time.Time {
		at := h.Now().Add(-time.Duration(days)*24*time.Hour - time.Minute)
		return &at
	}
	u := h.User("ada", "a good password", func(u *user.User) { u.PasswordChange = ago(29) })
	ask := func(u *user.User, debug bool) (bool, string) {
		t.Helper()
		r, err := p.Passes(t.Context(), &policy.Request{User: u, Debug: debug})
		if err != nil {
			t.Fatal(err)
		}
		return r.Passing, strings.Join(r.Messages, " ")
	}
	for _, tt := range []struct {
		name   string
		change *time.Time
		want   bool
		say    string
	}{
		{"young", ago(29), true, ""},
		{"old enough today", ago(30), false, "Password expired 0 days ago. Please update your password."},
		{"old", ago(42), false, "Password expired 12 days ago. Please update your password."},
		{"never changed by somebody who joined now", nil, true, ""},
	} {
		u.PasswordChange = tt.change
		if ok, say := ask(u, true); ok != tt.want || say != tt.say {
			t.Errorf("%s: %t %q", tt.name, ok, say)
		}
	}
	for _, nobody := range []*user.User{nil, {Username: "made up"}} {
		if ok, _ := ask(nobody, false); !ok {
			t.Error("who has no account here has an old password")
		}
	}
	if !h.Person(u.PK).Usable() {
		t.Fatal("a test run took the password away")
	}
	u.PasswordChange, p.DenyOnly = ago(42), true
	if ok, say := ask(u, false); ok || say != "Password has expired." || !h.Person(u.PK).Usable() {
		t.Errorf("%t %q", ok, say)
	}
	p.DenyOnly = false
	if ok, _ := ask(u, false); ok || h.Person(u.PK).Usable() {
		t.Error("the old password still works")
	}
}
