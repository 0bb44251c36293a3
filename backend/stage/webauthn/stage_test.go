package webauthn_test

import (
	"context"
	"strings"
	"testing"

	"gatehouse/backend/flow"
	"gatehouse/backend/passkey"
	"gatehouse/backend/passkey/keytest"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/webauthn"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	model   = "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage"
	origin  = "https://login.office.lan:9443"
	yubikey = "cb69481e-8ff7-4039-93ec-0a2729a154a8"
	other   = "6e5a1c2b-0d3f-4e8a-9b7c-1f2e3d4c5b6a" // a make that nobody has a name for
	onepass = "bada5566-a7aa-401f-bd96-45619a55120d"
)

// scene is a house with the stage, and what keys need.
type scene struct {
	*stagetest.House
	keys  *passkey.Room
	stage *webauthn.Stage
	ada   *user.User
	b     *stagetest.Browser
}

func room(h *stagetest.House) *passkey.Room {
	return &passkey.Room{Store: h.Store, Users: h.Users, Events: h.Events, Texts: h.Stage.Texts, Address: func(context.Context) string { return origin }}
}

func with(h *stagetest.House, keys *passkey.Room) stagetest.Made {
	made := stagetest.Made{Stages: []*stage.Kind{webauthn.Kind(webauthn.Deps{Deps: h.Stage, Keys: keys, Events: h.Events}), stagetest.PauseKind(h.Stage)}}
	made.Kinds = append(made.Kinds, passkey.Types(), passkey.Devices(h.Store))
	return made
}

func open(t *testing.T) *scene {
	t.Helper()
	s := &scene{}
	s.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		s.keys = room(h)
		return with(h, s.keys)
	})
	if err := passkey.Seed(t.Context(), s.Store); err != nil {
		t.Fatal(err)
	}
	s.stage = stagetest.New[webauthn.Stage](s.House)
	s.Flow("f", flow.Configuration, s.stage, stagetest.New[stagetest.Pause](s.House))
	s.ada = s.User("ada", "")
	s.b = s.SignedIn(s.ada)
	return s
}

// set changes the stage.
func (s *scene) set(change func(st *webauthn.Stage)) {
	s.T.Helper()
	fresh := stagetest.Get[webauthn.Stage](s.House, s.stage.PK)
	fresh.Restrictions, fresh.UserCheck, fresh.Attachment = nil, "preferred", nil
	change(fresh)
	s.Change(fresh)
	s.stage = fresh
}

// options asks for a key.
func (s *scene) options() map[string]any {
	s.T.Helper()
	out := s.b.Step("f", "", nil)
	o, ok := stagetest.Wire(out)["registration"].(map[string]any)
	if !ok {
		why, _ := stagetest.Denied(out)
		s.T.Fatalf("%s %s", stagetest.Component(out), why)
	}
	return o
}

// enrol answers and gives what is wrong, "" when the key is there.
func (s *scene) enrol(answer map[string]any) string {
	s.T.Helper()
	out := s.b.Post("f", "", map[string]any{"response": answer})
	if stagetest.Component(out) == stagetest.Paused {
		s.b.Post("f", "", nil) // the flow ends; the next GET begins another
		return ""
	}
	return strings.TrimSuffix(stagetest.Problem(out, "response"), " (invalid)")
}

func (s *scene) devices() []*passkey.Device {
	s.T.Helper()
	ds, err := store.All[passkey.Device](s.T.Context(), s.Store, store.Query{Order: []string{"pk"}})
	if err != nil {
		s.T.Fatal(err)
	}
	return ds
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: func(h *stagetest.House) stagetest.Made { return with(h, room(h)) }, Model: model, Proof: true,
		Make: func(h *stagetest.House) any { return stagetest.New[webauthn.Stage](h) }})
}

// The published trace of the options (flows.md 2.8).
func TestOptions(t *testing.T) {
	s := open(t)
	o := s.options()
	rp, who, sel := o["rp"].(map[string]any), o["user"].(map[string]any), o["authenticatorSelection"].(map[string]any)
	if rp["id"] != "login.office.lan" || rp["name"] != "Gatehouse" || who["name"] != "ada" || who["displayName"] != "The ada" || len(who["id"].(string)) != 86 {
		t.Errorf("%v %v", rp, who)
	}
	if sel["residentKey"] != "preferred" || sel["requireResidentKey"] != false || sel["userVerification"] != "preferred" || sel["authenticatorAttachment"] != nil {
		t.Errorf("%v", sel)
	}
	if o["attestation"] != "direct" || o["timeout"] != 60000.0 || len(o["excludeCredentials"].([]any)) != 0 || len(o["pubKeyCredParams"].([]any)) == 0 {
		t.Errorf("%v", o)
	}
	for k := range o {
		if !strings.Contains(" rp user challenge pubKeyCredParams timeout excludeCredentials authenticatorSelection attestation ", " "+k+" ") {
			t.Errorf("%s is no published option", k)
		}
	}
	if s.options()["challenge"] == o["challenge"] {
		t.Error("a challenge is used twice")
	}
	cross := "cross-platform"
	s.set(func(st *webauthn.Stage) {
		st.Attachment, st.ResidentKey, st.UserCheck = &cross, "required", "discouraged"
	})
	if sel := s.options()["authenticatorSelection"].(map[string]any); sel["authenticatorAttachment"] != cross || sel["requireResidentKey"] != true || sel["residentKey"] != "required" || sel["userVerification"] != "discouraged" {
		t.Errorf("%v", sel)
	}
}

func TestEnrol(t *testing.T) {
	s := open(t)
	key := keytest.NewKey(t, yubikey, origin)
	if got := s.enrol(key.Create(s.options())); got != "" {
		t.Fatal(got)
	}
	ds := s.devices()
	if len(ds) != 1 {
		t.Fatal(ds)
	}
	d := ds[0]
	if d.User != s.ada.PK || d.Name != "YubiKey 5 (5.1)" || d.AAGUID != yubikey || d.TypeKey == nil || *d.TypeKey != yubikey || !d.Confirmed || d.RPID != "login.office.lan" || d.CredentialID != key.ID() {
		t.Errorf("%+v", d)
	}
	es := s.Heard("custom_webauthn_enroll")
	if len(es) != 1 || es[0].Context["attestation"] != "claimed, not attested" || es[0].Context["device_type"] != "YubiKey 5 (5.1)" || es[0].User["username"] != "ada" {
		t.Errorf("%v", es)
	}
	// A second one in the same visit; the first is not to be made anew.
	o := s.options()
	ex := o["excludeCredentials"].([]any)
	if len(ex) != 1 || ex[0].(map[string]any)["id"] != key.ID() {
		t.Errorf("%v", ex)
	}
	if got := s.enrol(keytest.NewKey(t, other, origin).Create(o)); got != "" {
		t.Fatal(got)
	}
	if ds = s.devices(); len(ds) != 2 || ds[1].Name != "WebAuthn Device" || ds[1].TypeKey != nil || ds[1].AAGUID != other {
		t.Errorf("%v", ds)
	}
	// A credential that is there belongs to whoever has it.
	s.b = s.SignedIn(s.User("eve", ""))
	if got := s.enrol(key.Create(s.options())); got != "Credential ID already exists." || len(s.devices()) != 2 {
		t.Errorf("%q", got)
	}
}

func TestRefusals(t *testing.T) {
	s := open(t)
	const failed = "Registration failed. Error: "
	for name, tt := range map[string]struct {
		answer func(o map[string]any) map[string]any
		change func(st *webauthn.Stage)
	}{
		"another origin": {answer: func(o map[string]any) map[string]any {
			return keytest.NewKey(t, yubikey, "https://login.office.lan.evil.tld").Create(o)
		}},
		"another port": {answer: func(o map[string]any) map[string]any {
			return keytest.NewKey(t, yubikey, "https://login.office.lan:9444").Create(o)
		}},
		"another name": {answer: func(o map[string]any) map[string]any {
			o["rp"].(map[string]any)["id"] = "office.lan"
			return keytest.NewKey(t, yubikey, origin).Create(o)
		}},
		"another challenge": {answer: func(o map[string]any) map[string]any {
			o["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			return keytest.NewKey(t, yubikey, origin).Create(o)
		}},
		"no user verification": {answer: func(o map[string]any) map[string]any {
			k := keytest.NewKey(t, yubikey, origin)
			k.Auth.Options.UserNotVerified = true
			return k.Create(o)
		}, change: func(st *webauthn.Stage) { st.UserCheck = "required" }},
		"id and rawId differ": {answer: func(o map[string]any) map[string]any {
			a := keytest.NewKey(t, yubikey, origin).Create(o)
			a["rawId"] = "AAAA"
			return a
		}},
		"an assertion": {answer: func(o map[string]any) map[string]any {
			return keytest.NewKey(t, yubikey, origin).Get(map[string]any{"challenge": o["challenge"], "rpId": "login.office.lan"})
		}},
	} {
		s.set(func(st *webauthn.Stage) {
			if tt.change != nil {
				tt.change(st)
			}
		})
		if got := s.enrol(tt.answer(s.options())); !strings.HasPrefix(got, failed) || len(s.devices()) != 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
	s.set(func(*webauthn.Stage) {})
	// A challenge is for one answer.
	o := s.options()
	if got := s.enrol(map[string]any{"id": "x"}); !strings.HasPrefix(got, failed) {
		t.Error(got)
	}
	if got := s.enrol(keytest.NewKey(t, yubikey, origin).Create(o)); !strings.HasPrefix(got, failed) {
		t.Errorf("the challenge of a try before: %q", got)
	}
	// It lasts some minutes.
	o = s.options()
	s.Wait(6 * 60e9)
	if got := s.enrol(keytest.NewKey(t, yubikey, origin).Create(o)); got != failed+"That request is over. Try again." {
		t.Error(got)
	}
	// It counts in its own flow.
	s.Flow("g", flow.Configuration, s.stage)
	o = stagetest.Wire(s.b.Step("g", "", nil))["registration"].(map[string]any)
	if got := s.enrol(keytest.NewKey(t, yubikey, origin).Create(o)); got != failed+"That request is over. Try again." {
		t.Errorf("the challenge of another flow: %q", got)
	}
}

// Kinds: allowed, refused, unknown, vouched for, forged.
func TestMakes(t *testing.T) {
	s := open(t)
	service, maker, forger := keytest.NewService(t), keytest.NewMaker(t), keytest.NewMaker(t)
	s.keys.Roots = service.Roots()
	const invalid = "Invalid device type. Contact your Gatehouse administrator for help."
	plain := func(aaguid string) *keytest.Key { return keytest.NewKey(t, aaguid, origin) }
	by := func(k *keytest.Key, m *keytest.Maker) *keytest.Key { k.Maker = m; return k }
	silent := func(k *keytest.Key) *keytest.Key { k.Silent = true; return k }
	only := func(makes ...string) func(st *webauthn.Stage) {
		return func(st *webauthn.Stage) { st.Restrictions = makes }
	}
	attested := func(makes ...string) func(st *webauthn.Stage) {
		return func(st *webauthn.Stage) { st.Restrictions = append(makes, passkey.OnlyAttested) }
	}
	steps := []struct {
		name   string
		blob   bool
		change func(st *webauthn.Stage)
		key    *keytest.Key
		want   string
		trust  string
	}{
		{"allowed", false, only(yubikey), plain(yubikey), "", "claimed, not attested"},
		{"not on the list", false, only(yubikey), plain(onepass), invalid, ""},
		{"unknown, not on the list", false, only(yubikey), plain(other), invalid, ""},
		{"unknown makes are let in", false, only(yubikey, passkey.Unknown), plain(other), "", "claimed, not attested"},
		{"a known make is no unknown one", false, only(passkey.Unknown), plain(onepass), invalid, ""},
		{"a key that tells no make", false, only(passkey.Unknown), plain(passkey.Unknown), "", "claimed, not attested"},
		{"a key that tells no make, not on the list", false, only(yubikey), plain(passkey.Unknown), invalid, ""},
		{"nobody vouches, and the stage wants it", false, attested(), plain(onepass), invalid + " It says that it is 1Password, and nobody vouches for that (claimed, not attested).", ""},
		{"the mark is no make", false, only(passkey.OnlyAttested, yubikey), plain(passkey.OnlyAttested), invalid, ""},
		{"vouched for", true, only(yubikey), by(plain(yubikey), maker), "", "attested"},
		{"vouched for, and the stage wants it", true, attested(yubikey), by(plain(yubikey), maker), "", "attested"},
		{"vouched for by somebody else", true, only(yubikey), by(plain(yubikey), forger), invalid + " It says that it is YubiKey of the service, and can't prove it.", ""},
		{"vouched for by itself", true, only(yubikey), plain(yubikey), invalid + " It says that it is YubiKey of the service, and can't prove it.", ""},
		{"vouched for by nobody, with trust anchors known", true, only(yubikey), silent(plain(yubikey)), invalid + " It says that it is YubiKey of the service, and can't prove it.", ""},
		{"the anchors of one make are none of another", true, only(onepass), by(plain(onepass), maker), "", "claimed, not attested"},
		{"revoked", true, only("d8522d9f-575b-4866-88a9-ba99fa02f35b"), by(plain("d8522d9f-575b-4866-88a9-ba99fa02f35b"), maker), invalid + " It says that it is YubiKey Bio (5.5), and can't prove it.", ""},
		{"revoked, and nobody vouches", true, only("b84e4048-15dc-4dd0-8640-f4f60813c8af"), plain("b84e4048-15dc-4dd0-8640-f4f60813c8af"), invalid + " It says that it is NordPass, and can't prove it.", ""},
		{"no restriction: noted, and let in", true, func(*webauthn.Stage) {}, by(plain(yubikey), forger), "", "attestation refused"},
	}
	ctx := store.WithActor(t.Context(), store.House)
	done := false
	for _, tt := range steps {
		if tt.blob && !done {
			done = true
			if _, err := s.keys.Import(ctx, service.Blob(1, "2099-01-01", []keytest.Entry{
				{AAGUID: yubikey, Name: "YubiKey of the service", Maker: maker}, {AAGUID: onepass, Name: "1Password"}, {AAGUID: "d8522d9f-575b-4866-88a9-ba99fa02f35b", Name: "Bio", Maker: maker, Status: "REVOKED"},
				{AAGUID: "b84e4048-15dc-4dd0-8640-f4f60813c8af", Name: "NordPass", Status: "USER_KEY_REMOTE_COMPROMISE"},
			})); err != nil {
				t.Fatal(err)
			}
		}
		s.set(tt.change)
		if got := s.enrol(tt.key.Create(s.options())); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if tt.trust != "" {
			es := s.Heard("custom_webauthn_enroll")
			if got := es[len(es)-1].Context["attestation"]; got != tt.trust {
				t.Errorf("%s: %v", tt.name, got)
			}
		}
	}
}

// The page names what may be set up, and what of it is a claim.
func TestPageNamesMakes(t *testing.T) {
	s := open(t)
	s.set(func(st *webauthn.Stage) { st.Restrictions = []string{yubikey, passkey.OnlyAttested, onepass} })
	c := s.b.Step("f", "", nil).Challenge.Value.(*webauthn.Challenge)
	if len(c.Makes) != 2 || !c.Attested || c.Makes[0] != (webauthn.Make{Name: "YubiKey 5 (5.1)", Claimed: true}) {
		t.Errorf("%v", c.Makes)
	}
}

func TestAddress(t *testing.T) {
	s := open(t)
	for base, want := range map[string]string{
		"https://192.168.1.5:9443": "Passkeys and security keys don't work at an IP address such as 192.168.1.5. Open https://login.office.lan:9443 and try again.",
		"https://[::1]:9443":       "Passkeys and security keys don't work at an IP address such as ::1. Open https://login.office.lan:9443 and try again.",
		"https://gatehouse:9443":   "Passkeys and security keys need a whole name with a dot in it, and gatehouse is none. Open https://login.office.lan:9443 and try again.",
	} {
		s.b.Base = base
		if why, denied := stagetest.Denied(s.b.Step("f", "", nil)); !denied || why != want {
			t.Errorf("%s: %q", base, why)
		}
	}
	s.b.Base = "https://gatehouse:9443"
	s.keys.Address = func(context.Context) string { return "https://192.168.1.5:9443" }
	if why, _ := stagetest.Denied(s.b.Step("f", "", nil)); !strings.HasSuffix(why, "Ask whoever looks after Gatehouse for one.") {
		t.Error(why)
	}
	s.b = s.SignedIn(s.ada)
	s.b.Base = "http://localhost:9000"
	if o := s.options(); o["rp"].(map[string]any)["id"] != "localhost" {
		t.Error(o)
	}
}

// Nobody is let past without a key.
func TestNobody(t *testing.T) {
	s := open(t)
	s.b = s.Browser()
	for _, answer := range []map[string]any{nil, {"response": map[string]any{}}} {
		if out := s.b.Step("f", "", answer); stagetest.Component(out) != "ak-stage-access-denied" {
			t.Error(stagetest.Component(out))
		}
	}
}
