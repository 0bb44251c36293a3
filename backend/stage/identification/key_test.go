package identification_test

import (
	"context"
	"testing"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/passkey"
	"gatehouse/backend/passkey/keytest"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/identification"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const origin = "https://login.office.lan:9443"

// Where there is a flow without passwords, the field for names takes a passkey too.
func TestPasskeyAmongNames(t *testing.T) {
	keys := &passkey.Room{Address: func(context.Context) string { return origin }}
	h := stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		keys.Store, keys.Users, keys.Events, keys.Texts = h.Store, h.Users, h.Events, h.Stage.Texts
		made := stagetest.Made{Stages: []*stage.Kind{identification.Kind(identification.Deps{Deps: h.Stage, Users: h.Users, Auth: h.Auth, Events: h.Events, Keys: keys, AppName: h.Engine.Apps}), stagetest.PauseKind(h.Stage)}}
		made.Kinds = append(made.Kinds, passkey.Types(), passkey.Devices(h.Store))
		return made
	})
	s := make1(h, "username")
	h.Flow("f", flow.Authentication, s, stagetest.New[stagetest.Pause](h))
	ada := h.User("ada", "")
	key := keytest.NewKey(t, "bada5566-a7aa-401f-bd96-45619a55120d", origin)
	key.Auth.Options.UserHandle = []byte(h.Users.UID(ada.PK))
	b := h.SignedIn(ada)
	begin := func() map[string]any {
		t.Helper()
		b = h.Browser()
		c, ok := b.Step("f", "", nil).Challenge.Value.(*identification.Challenge)
		if !ok {
			t.Fatal("nobody is asked for a name")
		}
		return c.Keys
	}
	enrol(t, h, keys, b, ada, key)
	if begin() != nil {
		t.Error("passkeys are offered where there is no flow without passwords")
	}
	if out := b.Step("f", "", map[string]any{"webauthn": key.Get(map[string]any{"challenge": "AAAA", "rpId": "login.office.lan"})}); stagetest.Problem(out, "uid_field") != "This field is required. (required)" {
		t.Errorf("%v", out.Challenge.Errors)
	}
	other := h.Flow("passwordless", flow.Authentication)
	s.PasswordlessFlow = &other.PK
	h.Change(s)
	o := begin()
	if o["userVerification"] != "required" || len(o["allowCredentials"].([]any)) != 0 || o["rpId"] != "login.office.lan" {
		t.Errorf("%v", o)
	}
	out := b.Step("f", "", nil)
	if m := stagetest.Wire(out); m["Keys"] != nil || m["webauthn"] != nil || m["keys"] != nil {
		t.Errorf("the published challenge has no passkeys: %v", m)
	}
	try := func(a map[string]any) string {
		t.Helper()
		out := b.Post("f", "", map[string]any{"webauthn": a})
		if p := stagetest.Problem(out, "non_field_errors"); p != "" {
			return p
		}
		return stagetest.Component(out)
	}
	const failed = "Failed to authenticate. (invalid)"
	o = begin()
	if got := try(key.Get(o)); got != stagetest.Paused {
		t.Fatal(got)
	}
	p := h.Plan(b)
	pk, _, _ := p.UserPK()
	if pk != ada.PK || p.Text(stage.AuthMethod) != "auth_webauthn_pwl" || passkey.Shown(p) == "" || p.Map(stage.PendingUser)["backend"] != stage.InbuiltBackend {
		t.Errorf("%v", p.Context)
	}
	o = begin()
	a := key.Get(o)
	if got := try(a); got != stagetest.Paused {
		t.Fatal(got)
	}
	begin()
	if got := try(a); got != failed {
		t.Errorf("an answer counts twice: %s", got)
	}
	o = begin()
	if got := try(keytest.NewKey(t, passkey.Unknown, origin).Get(o)); got != failed {
		t.Errorf("a key that nobody has: %s", got)
	}
	o = begin()
	key.Auth.Options.UserNotVerified = true
	if got := try(key.Get(o)); got != failed {
		t.Errorf("a key that did not verify its owner: %s", got)
	}
	key.Auth.Options.UserNotVerified = false
	o = begin()
	key.Cred.Counter = 1
	if got := try(key.Again(o)); got != failed || len(h.Heard(event.SuspiciousRequest)) != 1 {
		t.Errorf("a counter that went back: %s", got)
	}
	key.Cred.Counter = 100
	if n := len(h.Heard(event.LoginFailed)); n != 3 {
		t.Errorf("%d failures are told", n)
	}
	// A name still does.
	begin()
	if out := b.Post("f", "", map[string]any{"uid_field": "ada"}); stagetest.Component(out) != stagetest.Paused || passkey.Shown(h.Plan(b)) != "" {
		t.Error(stagetest.Component(out))
	}
	off := h.Person(ada.PK)
	off.IsActive = false
	h.Change(off)
	if got := try(key.Get(begin())); got != failed {
		t.Errorf("a switched-off account: %s", got)
	}
	b = h.Browser()
	b.Base = "https://192.168.1.5:9443"
	if c := b.Step("f", "", nil).Challenge.Value.(*identification.Challenge); c.Keys != nil {
		t.Error("passkeys are offered at an IP address")
	}
}

// enrol stores a key as the stage for it would.
func enrol(t *testing.T, h *stagetest.House, keys *passkey.Room, b *stagetest.Browser, u *user.User, key *keytest.Key) {
	t.Helper()
	turn := &stage.Turn{Ctx: t.Context(), Session: b.Session(), Now: h.Now(), User: u, Request: stage.Request{Base: origin}}
	var err error
	if turn.Brand, err = h.Brands.For(t.Context(), "login.office.lan"); err != nil {
		t.Fatal(err)
	}
	o, err := keys.Enrol(turn, passkey.Enrolment{Stage: "x", UserVerification: "preferred", ResidentKey: "required"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := keys.Enrolled(turn, "x", key.Create(o))
	if err != nil {
		t.Fatal(err)
	}
	d.Name, d.Base = "Key", device.Base{User: u.PK, Confirmed: true}
	h.Write(func(tx *store.Tx) error { fresh := *d; return tx.Create(&fresh) })
}
