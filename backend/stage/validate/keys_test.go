package validate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/passkey"
	"gatehouse/backend/passkey/keytest"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/validate"
	"gatehouse/backend/stage/webauthn"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	origin  = "https://login.office.lan:9443"
	yubikey = "cb69481e-8ff7-4039-93ec-0a2729a154a8"
	onepass = "bada5566-a7aa-401f-bd96-45619a55120d"
)

// ring is a scene with keys: of ada two, of eve one.
type ring struct {
	*scene
	keys          *passkey.Room
	one, two, eve *keytest.Key
	setup         *flow.Flow
}

func keyring(t *testing.T, change ...func(s *validate.Stage)) *ring {
	t.Helper()
	r := &ring{scene: &scene{}}
	r.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		r.keys = &passkey.Room{Store: h.Store, Users: h.Users, Events: h.Events, Texts: h.Stage.Texts, Address: func(context.Context) string { return origin }}
		return stagetest.Made{
			Stages: []*stage.Kind{
				validate.Kind(validate.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Keys: r.keys, Factors: func() []validate.Factor { return r.factors }}),
				dummy.Kind(dummy.Deps{Deps: h.Stage}), webauthn.Kind(webauthn.Deps{Deps: h.Stage, Keys: r.keys, Events: h.Events}),
			},
			Kinds: []*kind.Kind{passkey.Types(), passkey.Devices(h.Store)},
		}
	})
	if err := passkey.Seed(t.Context(), r.Store); err != nil {
		t.Fatal(err)
	}
	r.stage = stagetest.New[validate.Stage](r.House)
	for _, c := range change {
		c(r.stage)
	}
	last := stagetest.New[dummy.Stage](r.House)
	last.Name = "last"
	r.flow = r.Flow("f", flow.Authentication, r.stage, last)
	r.setup = r.Flow("setup", flow.Configuration, stagetest.New[webauthn.Stage](r.House))
	r.ada = r.User("ada", "")
	r.one, r.two = r.enrol(r.ada, yubikey, nil), r.enrol(r.ada, onepass, nil)
	r.eve = r.enrol(r.User("eve", ""), yubikey, nil)
	r.b = r.Browser()
	return r
}

// enrol gives a person a key.
func (r *ring) enrol(u *user.User, aaguid string, m *keytest.Maker) *keytest.Key {
	r.T.Helper()
	b := r.SignedIn(u)
	k := keytest.NewKey(r.T, aaguid, origin)
	k.Maker = m
	o := stagetest.Wire(b.Step("setup", "", nil))["registration"].(map[string]any)
	if out := b.Step("setup", "", map[string]any{"response": k.Create(o)}); out.Challenge != nil {
		r.T.Fatalf("%v", out.Challenge.Errors)
	}
	return k
}

// ask brings ada (nil: nobody) before the stage and gives the options for keys.
func (r *ring) ask(who *user.User) map[string]any {
	r.T.Helper()
	r.b = r.Browser()
	r.begin(who)
	return r.options()
}

func (r *ring) options() map[string]any {
	r.T.Helper()
	out := r.b.Get("f", "")
	for _, c := range challenges(out) {
		if c["device_class"] == "webauthn" {
			return c["challenge"].(map[string]any)
		}
	}
	r.T.Fatalf("no key is asked for: %s", seen(out))
	return nil
}

func challenges(out flow.Outcome) (cs []map[string]any) {
	list, _ := stagetest.Wire(out)["device_challenges"].([]any)
	for _, c := range list {
		cs = append(cs, c.(map[string]any))
	}
	return cs
}

// answer gives what comes of a key's answer: what is shown next, or what is wrong.
func (r *ring) answer(a map[string]any) string {
	r.T.Helper()
	out := r.b.Post("f", "", map[string]any{"webauthn": a})
	if why := stagetest.Problem(out, "webauthn"); why != "" {
		return why
	}
	return seen(out)
}

func (r *ring) device(k *keytest.Key) *passkey.Device {
	r.T.Helper()
	d, err := store.Find[passkey.Device](r.T.Context(), r.Store, "credential_id", k.ID())
	if err != nil {
		r.T.Fatal(err)
	}
	return d
}

// withKeys is with, in a house that has keys.
func withKeys(h *stagetest.House) stagetest.Made {
	made := with(h, func() []validate.Factor { return nil })
	made.Stages[0] = validate.Kind(validate.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Factors: func() []validate.Factor { return nil }, Keys: &passkey.Room{
		Store: h.Store, Users: h.Users, Events: h.Events, Texts: h.Stage.Texts, Address: func(context.Context) string { return origin },
	}})
	made.Kinds = append(made.Kinds, passkey.Types(), passkey.Devices(h.Store))
	return made
}

// The published trace of the options and of a sign-in with a second factor (flows.md 2.3).
func TestKey(t *testing.T) {
	r := keyring(t)
	o := r.ask(r.ada)
	allowed := o["allowCredentials"].([]any)
	if o["rpId"] != "login.office.lan" || o["timeout"] != 60000.0 || o["userVerification"] != "preferred" || len(allowed) != 2 || allowed[0].(map[string]any)["type"] != "public-key" || len(o) != 5 {
		t.Errorf("%v", o)
	}
	first := r.b.Get("f", "")
	if uid := challenges(first)[0]["device_uid"]; uid != r.device(r.one).Offered().PK {
		t.Error(uid)
	}
	again := r.options()
	if again["challenge"] == o["challenge"] {
		t.Error("a challenge is used twice")
	}
	before := time.Now()
	if got := r.answer(r.two.Get(again)); got != "last" {
		t.Fatal(got)
	}
	c := r.Plan(r.b).Context
	devices, _ := c[stage.AuthMethodArgs].(map[string]any)["mfa_devices"].([]any)
	if c[stage.AuthMethod] != "auth_mfa" || len(devices) != 1 || devices[0].(map[string]any)["model_name"] != "webauthndevice" || devices[0].(map[string]any)["name"] != "1Password" {
		t.Errorf("%v", c)
	}
	d := r.device(r.two)
	if d.SignCount != 1 || d.LastUsed == nil || d.LastUsed.Before(before.Add(-time.Second)) {
		t.Errorf("%+v", d)
	}
	if es := r.Heard("model_updated"); len(es) != 0 {
		t.Errorf("using a key is told as a change: %v", es)
	}
	for name, change := range map[string]func(a map[string]any){
		"no user handle":      func(a map[string]any) { delete(a["response"].(map[string]any), "userHandle") },
		"user handle is null": func(a map[string]any) { a["response"].(map[string]any)["userHandle"] = nil },
		"user handle encoded twice": func(a map[string]any) {
			r2 := a["response"].(map[string]any)
			r2["userHandle"] = twice(r2["userHandle"].(string))
		},
	} {
		a := r.one.Get(r.ask(r.ada))
		change(a)
		if got := r.answer(a); got != "last" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func twice(s string) string { return keytest.Text([]byte(s)) }

// ASVS and the published audits (security-cases.md 37): each is refused.
func TestKeyRefused(t *testing.T) {
	r := keyring(t)
	const failed, unknown = "Assertion failed (invalid)", "Invalid device (invalid)"
	stranger := keytest.NewKey(t, yubikey, origin)
	for name, tt := range map[string]struct {
		answer func(o map[string]any) map[string]any
		want   string
	}{
		"a key of somebody else":   {func(o map[string]any) map[string]any { return r.eve.Get(o) }, unknown},
		"a key that nobody has":    {func(o map[string]any) map[string]any { return stranger.Get(o) }, unknown},
		"nonsense":                 {func(map[string]any) map[string]any { return map[string]any{"id": "x", "response": 1} }, unknown},
		"another name in the hash": {func(o map[string]any) map[string]any { o["rpId"] = "evil.tld"; return r.one.Get(o) }, failed},
		"another origin": {func(o map[string]any) map[string]any {
			k := *r.one
			k.Origin = "https://login.office.lan.evil.tld"
			return k.Get(o)
		}, failed},
		"another challenge": {func(o map[string]any) map[string]any {
			o["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			return r.one.Get(o)
		}, failed},
		"id and rawId differ": {func(o map[string]any) map[string]any { a := r.one.Get(o); a["rawId"] = "AAAA"; return a }, unknown},
		"the user handle of somebody else": {func(o map[string]any) map[string]any {
			a := r.one.Get(o)
			a["response"].(map[string]any)["userHandle"] = keytest.Text(r.eve.Auth.Options.UserHandle)
			return a
		}, failed},
		"a signature by another key": {func(o map[string]any) map[string]any {
			k := *r.one
			k.Cred.Key = r.eve.Cred.Key
			return k.Get(o)
		}, failed},
		"nobody touched it": {func(o map[string]any) map[string]any {
			k := *r.one
			k.Auth.Options.UserNotPresent = true
			return k.Get(o)
		}, failed},
	} {
		if got := r.answer(tt.answer(r.ask(r.ada))); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	es := r.Heard(event.LoginFailed)
	if len(es) != 10 {
		t.Errorf("%d failures are told", len(es))
	}
	r.Write(func(tx *store.Tx) error { return user.Succeeded(tx, "ada", r.b.IP) })

	// An answer counts once, and only for the question of its own flow and stage.
	o := r.ask(r.ada)
	a := r.one.Get(o)
	r.answer(map[string]any{"id": "x"})
	if got := r.answer(a); got != failed {
		t.Errorf("the challenge of a try before: %s", got)
	}
	o = r.ask(r.ada)
	f := r.Flow("g", flow.Authentication, r.stage)
	p := stage.NewPlan(f.PK, nil)
	p.SetUser(r.ada)
	p.Append(stage.Step{Stage: r.stage.PK})
	r.Begin(r.b, f, p)
	if got := stagetest.Problem(r.b.Step("g", "", map[string]any{"webauthn": r.one.Get(o)}), "webauthn"); got != failed {
		t.Errorf("the challenge of another flow: %s", got)
	}
	o = r.ask(r.ada)
	r.Wait(6 * time.Minute)
	if got := r.answer(r.one.Get(o)); got != failed {
		t.Errorf("an old challenge: %s", got)
	}
	a = r.two.Again(r.ask(r.ada)) // a passkey, which does not count
	if got := r.answer(a); got != "last" {
		t.Error(got)
	}
	r.begin(r.ada)
	if got := r.answer(a); got != failed {
		t.Errorf("an answer that counted once: %s", got)
	}
	if got := r.answer(r.one.Get(r.ask(r.ada))); got != "last" {
		t.Errorf("after all of that the key works: %s", got)
	}
}

func TestCounter(t *testing.T) {
	r := keyring(t)
	r.one.Cred.Counter = 41
	if got := r.answer(r.one.Get(r.ask(r.ada))); got != "last" {
		t.Fatal(got)
	}
	for _, n := range []uint32{42, 41, 0} {
		r.one.Cred.Counter = n
		if got := r.answer(r.one.Again(r.ask(r.ada))); got != "Assertion failed (invalid)" {
			t.Errorf("%d after 42: %s", n, got)
		}
	}
	es := r.Heard(event.SuspiciousRequest)
	if len(es) != 3 || !strings.Contains(es[0].Context["message"].(string), "may have been copied") || es[0].Context["device"] == nil {
		t.Errorf("%v", es)
	}
	if n := r.device(r.one).SignCount; n != 42 {
		t.Error(n)
	}
	// Passkeys don't count.
	for range 2 {
		if got := r.answer(r.two.Again(r.ask(r.ada))); got != "last" {
			t.Error(got)
		}
	}
}

func TestUserVerification(t *testing.T) {
	for check, want := range map[string]string{"required": "Assertion failed (invalid)", "preferred": "last", "discouraged": "last"} {
		r := keyring(t, func(s *validate.Stage) { s.UserCheck = check })
		r.one.Auth.Options.UserNotVerified = true
		o := r.ask(r.ada)
		if got := r.answer(r.one.Get(o)); o["userVerification"] != check || got != want {
			t.Errorf("%s: %s", check, got)
		}
	}
}

// Kinds that the stage does not take are not offered, and not taken; also when they were set up before.
func TestKeyMakes(t *testing.T) {
	r := keyring(t, func(s *validate.Stage) { s.NotConfigured = validate.Deny })
	const none = "No (allowed) MFA authenticator configured."
	service, maker := keytest.NewService(t), keytest.NewMaker(t)
	r.keys.Roots = service.Roots()
	set := func(attested bool, makes ...string) {
		t.Helper()
		if r.stage.DeviceTypes = makes; attested {
			r.stage.DeviceTypes = append(makes, passkey.OnlyAttested)
		}
		r.Change(r.stage)
	}
	set(false, onepass)
	o := r.ask(r.ada)
	if list := o["allowCredentials"].([]any); len(list) != 1 || list[0].(map[string]any)["id"] != r.two.ID() {
		t.Errorf("%v", list)
	}
	if got := r.answer(r.one.Get(o)); got != "Invalid device (invalid)" {
		t.Error(got)
	}
	if got := r.answer(r.two.Get(r.ask(r.ada))); got != "last" {
		t.Error(got)
	}
	set(false, "d8522d9f-575b-4866-88a9-ba99fa02f35b")
	r.begin(r.ada)
	if got := seen(r.b.Get("f", "")); got != none {
		t.Error(got)
	}
	// A passkey alone, of a make that the stage does not take.
	set(false, onepass)
	if got := r.answer(r.one.Get(r.ask(nil))); got != "Invalid device type. Contact your Gatehouse administrator for help. (invalid)" {
		t.Error(got)
	}
	// What the house learns about a make counts for the keys that are there: the old one is not vouched for, the new one is.
	good := r.enrol(r.ada, yubikey, maker)
	set(false, yubikey)
	r.ask(r.ada)
	if _, err := r.keys.Import(store.WithActor(t.Context(), store.House), service.Blob(1, "2099-01-01", []keytest.Entry{{AAGUID: yubikey, Name: "YubiKey", Maker: maker}})); err != nil {
		t.Fatal(err)
	}
	o = r.ask(r.ada)
	if list := o["allowCredentials"].([]any); len(list) != 1 || list[0].(map[string]any)["id"] != good.ID() {
		t.Errorf("%v", list)
	}
	if got := r.answer(good.Get(o)); got != "last" {
		t.Error(got)
	}
	set(true)
	if list := r.ask(r.ada)["allowCredentials"].([]any); len(list) != 1 || list[0].(map[string]any)["id"] != good.ID() {
		t.Errorf("only what is vouched for: %v", list)
	}
}

// A passkey alone tells who is there (flows.md 2.3, no user).
func TestPasswordless(t *testing.T) {
	r := keyring(t)
	r.b = r.Browser()
	r.begin(nil)
	out := r.b.Get("f", "")
	cs := challenges(out)
	if len(cs) != 1 || cs[0]["device_class"] != "webauthn" || cs[0]["device_uid"] != "-1" {
		t.Fatalf("%v", cs)
	}
	o := cs[0]["challenge"].(map[string]any)
	if len(o["allowCredentials"].([]any)) != 0 || o["userVerification"] != "required" {
		t.Errorf("%v", o)
	}
	for _, tt := range []struct {
		answer map[string]any
		field  string
	}{{map[string]any{}, "non_field_errors"}, {map[string]any{"code": "123456"}, "non_field_errors"}, {map[string]any{"selected_stage": "x"}, "selected_stage"}} {
		if stagetest.Problem(r.b.Post("f", "", tt.answer), tt.field) == "" {
			t.Errorf("%v counts", tt.answer)
		}
	}
	if got := r.answer(r.two.Get(r.options())); got != "last" {
		t.Fatal(got)
	}
	p := r.Plan(r.b)
	pk, _, _ := p.UserPK()
	args := p.Map(stage.AuthMethodArgs)
	if pk != r.ada.PK || p.Text(stage.AuthMethod) != "auth_webauthn_pwl" || args["device"].(map[string]any)["name"] != "1Password" || args["device_type"].(map[string]any)["name"] != "1Password" {
		t.Errorf("%v", p.Context)
	}
	// It is all that proves who is there: it has to verify its owner.
	r.two.Auth.Options.UserNotVerified = true
	if got := r.answer(r.two.Get(r.ask(nil))); got != "Assertion failed (invalid)" {
		t.Error(got)
	}
	r.two.Auth.Options.UserNotVerified = false
	if got := r.answer(keytest.NewKey(t, yubikey, origin).Get(r.ask(nil))); got != "Invalid device (invalid)" {
		t.Error(got)
	}
	// Nobody who is switched off.
	off := r.Person(r.ada.PK)
	off.IsActive = false
	r.Change(off)
	if got := r.answer(r.two.Get(r.ask(nil))); got != "Invalid device (invalid)" {
		t.Error(got)
	}
	if n := len(r.Heard(event.LoginFailed)); n != 2 {
		t.Errorf("%d failures are told", n)
	}
}

// Where nobody signs in, or no keys are taken, nobody is asked for one.
func TestPasswordlessElsewhere(t *testing.T) {
	r := keyring(t, func(s *validate.Stage) { s.Classes = []string{"totp"} })
	r.begin(nil)
	if got := seen(r.b.Get("f", "")); got != "last" {
		t.Error(got)
	}
	other := stagetest.New[validate.Stage](r.House)
	last := stagetest.New[dummy.Stage](r.House)
	last.Name = "end"
	r.Flow("g", flow.Configuration, other, last)
	if got := seen(r.b.Get("g", "")); got != "end" {
		t.Error(got)
	}
}

// At an address at which no browser takes keys, a person who has nothing else is told so, and is not let past.
func TestKeyAddress(t *testing.T) {
	r := keyring(t)
	r.begin(r.ada)
	r.b.Base = "https://192.168.1.5:9443"
	const ip = "Passkeys and security keys don't work at an IP address such as 192.168.1.5. Open https://login.office.lan:9443 and try again."
	if got := seen(r.b.Get("f", "")); got != ip {
		t.Error(got)
	}
	r.b = r.Browser()
	r.begin(nil)
	r.b.Base = "https://192.168.1.5:9443"
	if got := seen(r.b.Get("f", "")); got != ip {
		t.Error(got)
	}
	r.b = r.Browser()
	r.begin(r.ada)
	r.b.Base = "https://other.office.lan:9443"
	if got := seen(r.b.Get("f", "")); got != "Your passkeys and security keys work at login.office.lan only. Open that address and try again." {
		t.Error(got)
	}
	// Whoever has something else uses that.
	r.factors = []validate.Factor{&factor{class: "totp", owners: map[int64]bool{r.ada.PK: true}}}
	r.b = r.Browser()
	r.begin(r.ada)
	r.b.Base = "https://192.168.1.5:9443"
	if cs := challenges(r.b.Get("f", "")); len(cs) != 1 || cs[0]["device_class"] != "totp" {
		t.Errorf("%v", cs)
	}
}

// A browser that proved a second factor is not asked again for a while.
func TestThreshold(t *testing.T) {
	r := keyring(t, func(s *validate.Stage) { s.Threshold = "hours=1" })
	r.ask(r.ada)
	out := r.b.Step("f", "", map[string]any{"webauthn": r.one.Get(r.options())})
	if !out.Advance || out.Proof == nil || out.Proof.Life != time.Hour {
		t.Fatalf("%+v", out)
	}
	try := func(who *user.User, proof string) string {
		r.b = r.Browser()
		r.b.Proven = proof
		r.begin(who)
		return seen(r.b.Get("f", ""))
	}
	const asked = "ak-stage-authenticator-validate"
	good := out.Proof.Value
	if got := try(r.ada, good); got != "last" {
		t.Error(got)
	}
	eve, err := r.Users.ByUsername(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	forged, err := r.Store.Key().Seal(fmt.Appendf(nil, `{"user":%d,"class":"webauthn","device":"%s","until":"%s"}`, eve.PK, r.device(r.one).Offered().PK, r.Now().Add(time.Minute).Format(time.RFC3339)), "authentik_mfa", r.stage.PK)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		who   *user.User
		proof string
		want  string
	}{"made for somebody else": {r.ada, forged, asked}, "none": {r.ada, "", asked}, "changed": {r.ada, good[:len(good)-2] + "AA", asked}, "of somebody else": {eve, good, asked}} {
		if got := try(tt.who, tt.proof); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	r.stage.Threshold = "minutes=10"
	r.Change(r.stage)
	if got := try(r.ada, good); got != asked {
		t.Errorf("longer than the stage allows now: %s", got)
	}
	r.stage.Threshold = "hours=1"
	r.Change(r.stage)
	d := r.device(r.one)
	r.Write(func(tx *store.Tx) error { return tx.Delete(r.Store.KindFor(d), d.Offered().PK) })
	if got := try(r.ada, good); got != asked {
		t.Errorf("the device is gone: %s", got)
	}
	r.ask(r.ada)
	good = r.b.Step("f", "", map[string]any{"webauthn": r.two.Get(r.options())}).Proof.Value
	r.Wait(61 * time.Minute)
	if got := try(r.ada, good); got != asked {
		t.Errorf("after an hour: %s", got)
	}
	r.stage.Threshold = "seconds=0"
	r.Change(r.stage)
	r.ask(r.ada)
	if out := r.b.Step("f", "", map[string]any{"webauthn": r.two.Get(r.options())}); out.Proof != nil {
		t.Error("a proof without a threshold")
	}
}
