package totp_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	independent "github.com/pquerna/otp/totp"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const model = "authentik_stages_authenticator_totp.authenticatortotpstage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{totp.Kind(h.Stage), stagetest.PauseKind(h.Stage)}, Kinds: []*kind.Kind{totp.Devices()}}
}

func fresh(h *stagetest.House) any {
	s := stagetest.New[totp.Stage](h)
	s.Digits = "6"
	return s
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: fresh})
}

// app gives the code that somebody's app shows for an address.
func app(t *testing.T, address string, at time.Time) string {
	t.Helper()
	k, err := otp.NewKeyFromURL(address)
	if err != nil {
		t.Fatal(err)
	}
	code, err := independent.GenerateCodeCustom(k.Secret(), at, independent.ValidateOpts{Period: 30, Digits: k.Digits(), Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// scene is a house in which ada sets up an app.
func scene(t *testing.T, digits string) (*stagetest.House, *stagetest.Browser, *user.User, *flow.Flow) {
	h := stagetest.Open(t, with)
	s := fresh(h).(*totp.Stage)
	s.Digits = digits
	f := h.Flow("f", "stage_configuration", s, stagetest.New[stagetest.Pause](h))
	ada := h.User("ada", "")
	return h, h.SignedIn(ada), ada, f
}

func address(out flow.Outcome) string {
	s, _ := stagetest.Wire(out)["config_url"].(string)
	return s
}

func devices(t *testing.T, h *stagetest.House) []*totp.Device {
	t.Helper()
	vs, err := store.All[totp.Device](t.Context(), h.Store, store.Query{Order: []string{"pk"}})
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

func TestSetUp(t *testing.T) {
	for _, digits := range []string{"6", "8"} {
		h, b, ada, _ := scene(t, digits)
		out := b.Get("f", "")
		first := address(out)
		if m := stagetest.Wire(out); m["component"] != "ak-stage-authenticator-totp" || m["pending_user"] != "ada" || !strings.Contains(first, "&digits="+digits+"&period=30&issuer=") || !strings.Contains(first, "%3Aada?secret=") {
			t.Fatalf("%v", m)
		}
		if again := address(b.Get("f", "")); again != first {
			t.Error("another key at the second look")
		}
		out = b.Post("f", "", map[string]any{"code": 1})
		if got := stagetest.Problem(out, "code"); got != "Code does not match (invalid)" || address(out) != first || len(devices(t, h)) != 0 {
			t.Errorf("%q, %d devices", got, len(devices(t, h)))
		}
		if got := stagetest.Component(b.Post("f", "", map[string]any{"code": app(t, first, h.Now())})); got != stagetest.Paused {
			t.Fatal(got)
		}
		vs := devices(t, h)
		if len(vs) != 1 || !vs[0].Confirmed || vs[0].User != ada.PK || vs[0].Name != "TOTP Authenticator" || fmt.Sprint(vs[0].Digits) != digits || len(vs[0].Key) != 40 {
			t.Fatalf("%+v", vs)
		}
		if len(b.Session().Data.Secret) != 0 {
			t.Error("the key stays in the session")
		}
	}
}

// A second app in the same visit gets a key of its own.
func TestSetUpAgain(t *testing.T) {
	h, b, _, _ := scene(t, "6")
	one := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, one, h.Now())})
	b.Post("f", "", nil)
	two := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, two, h.Now())})
	if vs := devices(t, h); one == two || len(vs) != 2 || vs[0].Key == vs[1].Key {
		t.Errorf("%d devices", len(vs))
	}
}

// The key waits sealed, and for one person: whoever comes next at this browser gets another.
func TestWaitsForOnePerson(t *testing.T) {
	h, b, _, f := scene(t, "6")
	first := address(b.Get("f", ""))
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	var kept string
	if err := h.Store.DB().QueryRow(t.Context(), `SELECT group_concat(data) FROM sessions`).Scan(&kept); err != nil || !strings.Contains(kept, "begun") || strings.Contains(kept, u.Query().Get("secret")) {
		t.Errorf("%v %s", err, kept)
	}
	bob := h.User("bob", "")
	p := h.Plan(b)
	p.SetUser(bob)
	h.Begin(b, f, p)
	out := b.Post("f", "", map[string]any{"code": app(t, first, h.Now())})
	if got := stagetest.Problem(out, "code"); got != "Code does not match (invalid)" || address(out) == first || len(devices(t, h)) != 0 {
		t.Errorf("%q: another person's key counts", got)
	}
}

// A flow about nobody has nothing to set up.
func TestNobody(t *testing.T) {
	h, _, _, f := scene(t, "6")
	b := h.Browser()
	if got := stagetest.Component(b.Get("f", "")); got != stagetest.Paused {
		t.Error(got)
	}
	p := stage.NewPlan(f.PK, nil)
	p.SetUser(&user.User{Username: "made up"})
	p.Steps = h.Plan(b).Steps
	h.Begin(b, f, p)
	if got := stagetest.Component(b.Get("f", "")); got != stagetest.Paused {
		t.Error(got)
	}
}

// proof is the check of a code as the validation stage makes it.
func proof(t *testing.T, h *stagetest.House, who *user.User, code string) device.Proof {
	t.Helper()
	f := &totp.Factor{Store: h.Store, Texts: h.Stage.Texts}
	ds, err := f.Confirmed(t.Context(), who.PK)
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Code(&stage.Turn{Ctx: t.Context(), Now: h.Now(), User: who}, ds, code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each code counts once: not that of the set-up, not one twice, not one from before the last.
func TestOnce(t *testing.T) {
	h, b, ada, _ := scene(t, "6")
	at := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, at, h.Now())})
	if p := proof(t, h, ada, app(t, at, h.Now())); p.Device != nil {
		t.Error("the code of the set-up opens")
	}
	h.Write(proof(t, h, ada, "000000").Write) // counted
	h.Wait(time.Minute)
	code := app(t, at, h.Now())
	p, q := proof(t, h, ada, code), proof(t, h, ada, code) // two requests at once
	if p.Device == nil || p.Device.Class != "totp" || p.Device.User != ada.PK {
		t.Fatalf("%+v", p)
	}
	h.Write(p.Write)
	if err := h.Store.Write(t.Context(), store.House, q.Write); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second of two requests: %v", err)
	}
	v := devices(t, h)[0]
	if v.Failures != 0 || v.Failed != nil || v.LastUsed == nil || v.Drift != 0 {
		t.Errorf("%+v", v)
	}
	if p := proof(t, h, ada, code); p.Device != nil {
		t.Error("a code counts twice")
	}
	if p := proof(t, h, ada, app(t, at, h.Now().Add(-30*time.Second))); p.Device != nil {
		t.Error("a code from before the last one counts")
	}
}

// What is remembered of devices is what is stored: a wrong code makes the next one wait, a code that counted is gone, a device too.
func TestRemembered(t *testing.T) {
	h, b, ada, _ := scene(t, "6")
	at := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, at, h.Now())})
	f := &totp.Factor{Store: h.Store, Texts: h.Stage.Texts}
	of := func() []device.Device {
		ds, err := f.Confirmed(t.Context(), ada.PK)
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	code := func(ds []device.Device, typed string) device.Proof {
		p, err := f.Code(&stage.Turn{Ctx: t.Context(), Now: h.Now(), User: ada}, ds, typed)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	h.Wait(time.Minute)
	ds := of()
	h.Write(code(ds, "000000").Write)
	good := app(t, at, h.Now())
	if p := code(ds, good); p.Code != "throttled" {
		t.Errorf("after a wrong code: %+v", p)
	}
	h.Wait(2 * time.Second)
	good = app(t, at, h.Now())
	p := code(ds, good)
	if p.Device == nil {
		t.Fatal("the right code does not count")
	}
	h.Write(p.Write)
	if p := code(ds, good); p.Device != nil {
		t.Error("a code counts twice")
	}
	h.Write(func(tx *store.Tx) error { return tx.Delete(store.KindOf[totp.Device](h.Store), ds[0].PK) })
	if p := code(ds, app(t, at, h.Now().Add(time.Minute))); p.Device != nil || p.Write != nil || len(of()) != 0 {
		t.Errorf("a device that is gone: %+v, %d devices", p, len(of()))
	}
}

// A clock that is off is followed: a code of the step before is taken, and from then on the window lies there.
func TestDrift(t *testing.T) {
	h, b, ada, _ := scene(t, "6")
	at := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, at, h.Now().Add(-30*time.Second))})
	for range 3 {
		h.Wait(10 * time.Minute)
		off := time.Duration(devices(t, h)[0].Drift-1) * 30 * time.Second
		p := proof(t, h, ada, app(t, at, h.Now().Add(off)))
		if p.Device == nil {
			t.Fatalf("%s behind", off)
		}
		h.Write(p.Write)
	}
	if v := devices(t, h)[0]; v.Drift > -3 {
		t.Errorf("drift %d", v.Drift)
	}
}

// After wrong codes even the right one has to wait: 1 s, 2 s, 4 s … five minutes at most.
func TestThrottle(t *testing.T) {
	h, b, ada, _ := scene(t, "6")
	at := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, at, h.Now())})
	if p := proof(t, h, ada, "letters"); p.Write != nil || p.Device != nil {
		t.Error("what no app shows is counted")
	}
	for i, want := range []time.Duration{1, 2, 4, 8} {
		h.Wait(20 * time.Minute)
		h.Write(func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE totp_devices SET failures = ?`, i)
			return err
		})
		p := proof(t, h, ada, "000000")
		if p.Write == nil {
			t.Fatalf("%d: not counted", i)
		}
		h.Write(p.Write)
		h.Wait(want*time.Second - 500*time.Millisecond)
		good := app(t, at, h.Now())
		if p := proof(t, h, ada, good); p.Device != nil || p.Write != nil || p.Code != "throttled" || !strings.HasPrefix(p.Wrong, "Too many wrong codes. Wait ") {
			t.Errorf("%d: %+v", i, p)
		}
		h.Wait(time.Second)
		if p := proof(t, h, ada, app(t, at, h.Now())); p.Device == nil {
			t.Errorf("%d: still has to wait", i)
		}
	}
	now := time.Now()
	if got := device.Pause(1000, &now, now); got != 5*time.Minute {
		t.Errorf("%s", got)
	}
}

// Another person's device takes no code.
func TestOwners(t *testing.T) {
	h, b, _, _ := scene(t, "6")
	at := address(b.Get("f", ""))
	b.Post("f", "", map[string]any{"code": app(t, at, h.Now())})
	h.Wait(time.Minute)
	if p := proof(t, h, h.User("bob", ""), app(t, at, h.Now())); p.Device != nil {
		t.Error("bob comes in with ada's app")
	}
}
