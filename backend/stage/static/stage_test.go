package static_test

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/static"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const model = "authentik_stages_authenticator_static.authenticatorstaticstage"

func with(h *stagetest.House) stagetest.Made {
	nobody := func(context.Context, store.Actor, string) (bool, []string, error) { return false, nil, nil }
	return stagetest.Made{Stages: []*stage.Kind{static.Kind(h.Stage), stagetest.PauseKind(h.Stage)}, Kinds: []*kind.Kind{static.Devices(static.Deps{Store: h.Store, Events: h.Events, Objects: nobody})}}
}

func fresh(h *stagetest.House) any { return stagetest.New[static.Stage](h) }

// The published answer is an empty one.
func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: fresh})
}

func scene(t *testing.T, change ...func(s *static.Stage)) (*stagetest.House, *stagetest.Browser, *user.User, *static.Stage) {
	h := stagetest.Open(t, with)
	s := fresh(h).(*static.Stage)
	for _, c := range change {
		c(s)
	}
	h.Flow("f", "stage_configuration", s, stagetest.New[stagetest.Pause](h))
	ada := h.User("ada", "")
	return h, h.SignedIn(ada), ada, s
}

func codes(out flow.Outcome) (cs []string) {
	list, _ := stagetest.Wire(out)["codes"].([]any)
	for _, c := range list {
		cs = append(cs, c.(string))
	}
	return cs
}

func TestSetUp(t *testing.T) {
	h, b, ada, s := scene(t, func(s *static.Stage) { s.Count, s.Length = 8, 16 })
	cs := codes(b.Get("f", ""))
	if len(cs) != 8 || slices.ContainsFunc(cs, func(c string) bool { return !regexp.MustCompile(`^[A-Za-z0-9]{16}$`).MatchString(c) }) {
		t.Fatal(cs)
	}
	if again := codes(b.Get("f", "")); !slices.Equal(cs, again) {
		t.Error("other codes at the second look")
	}
	if p := proof(t, h, ada, cs[0]); p.Device != nil || h.Count("static_devices", "1") != 0 {
		t.Error("codes count before they are taken")
	}
	if got := stagetest.Component(b.Post("f", "", nil)); got != stagetest.Paused {
		t.Fatal(got)
	}
	v := stagetest.Get[static.Device](h, "1")
	if v.Name != "Static Token" || !v.Confirmed || v.User != ada.PK || h.Count("static_tokens", "device = 1") != 8 {
		t.Errorf("%+v", v)
	}
	for _, where := range []string{`SELECT group_concat(token) || group_concat(hash) FROM static_tokens`, `SELECT group_concat(data) FROM sessions`, `SELECT group_concat(context) FROM events`} {
		var text string
		if err := h.Store.DB().QueryRow(t.Context(), where).Scan(&text); err != nil || strings.Contains(text, cs[0]) {
			t.Errorf("%s: %v: a code lies in the clear", where, err)
		}
	}
	// A second list leaves the first one good; one that was shown under other rules is not taken.
	b.Post("f", "", nil)
	b.Get("f", "")
	s.Count = 3
	h.Change(s)
	out := b.Post("f", "", nil)
	if got := codes(out); len(got) != 3 || h.Count("static_devices", "1") != 1 {
		t.Fatalf("%s %v", stagetest.Component(out), got)
	}
	b.Post("f", "", nil)
	if h.Count("static_devices", "1") != 2 || proof(t, h, ada, cs[0]).Device == nil {
		t.Error("the first list is no good any more")
	}
}

// An answer to codes that nobody was shown stores none.
func TestUnseen(t *testing.T) {
	h, b, _, _ := scene(t)
	if out := b.Post("f", "", map[string]any{}); len(codes(out)) != 6 || h.Count("static_devices", "1") != 0 {
		t.Errorf("%s", stagetest.Component(out))
	}
}

func TestNobody(t *testing.T) {
	h, _, _, _ := scene(t)
	b := h.Browser()
	if got := stagetest.Component(b.Get("f", "")); got != stagetest.Paused {
		t.Error(got)
	}
}

// The page offers the codes as a file that is made of the page alone.
func TestFile(t *testing.T) {
	c := &static.Challenge{Codes: []string{"abcDEF123456", "x"}}
	text, ok := strings.CutPrefix(string(c.File()), "data:text/plain;charset=utf-8,")
	got, err := url.PathUnescape(text)
	if !ok || err != nil || got != "abcDEF123456\nx\n" {
		t.Errorf("%q %v", got, err)
	}
	if b, err := json.Marshal(c); err != nil || string(b) != `{"codes":["abcDEF123456","x"]}` {
		t.Errorf("%s", b)
	}
}

func proof(t *testing.T, h *stagetest.House, who *user.User, code string) device.Proof {
	t.Helper()
	f := static.Factor{Store: h.Store, Texts: h.Stage.Texts}
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

func TestOnce(t *testing.T) {
	h, b, ada, _ := scene(t)
	cs := codes(b.Get("f", ""))
	b.Post("f", "", nil)
	for _, bad := range []string{"", "123456", "12345678", strings.ToUpper(cs[0]) + "x", cs[0][:11], "%"} {
		if p := proof(t, h, ada, bad); p.Device != nil {
			t.Errorf("%q opens", bad)
		}
	}
	if p := proof(t, h, ada, "123456"); p.Write != nil {
		t.Error("a code of an app is counted against the list")
	}
	if p := proof(t, h, h.User("bob", ""), cs[0]); p.Device != nil {
		t.Error("bob comes in with ada's code")
	}
	p, q := proof(t, h, ada, " "+cs[0][:6]+" "+cs[0][6:]+"\n"), proof(t, h, ada, cs[0])
	if p.Device == nil || p.Device.Class != "static" {
		t.Fatal("the code does not open")
	}
	h.Write(p.Write)
	if err := h.Store.Write(t.Context(), store.House, q.Write); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second of two requests: %v", err)
	}
	if p := proof(t, h, ada, cs[0]); p.Device != nil || h.Count("static_tokens", "1") != 5 {
		t.Error("a code counts twice")
	}
}

func TestThrottle(t *testing.T) {
	h, b, ada, _ := scene(t)
	cs := codes(b.Get("f", ""))
	b.Post("f", "", nil)
	p, racing := proof(t, h, ada, "wrong-wrong1"), proof(t, h, ada, cs[1])
	h.Write(p.Write)
	if err := h.Store.Write(t.Context(), store.House, racing.Write); !fault.Is(err, fault.Conflict) || h.Count("static_tokens", "1") != 6 {
		t.Errorf("a race gets around the pause: %v", err)
	}
	if p := proof(t, h, ada, cs[0]); p.Device != nil || p.Code != "throttled" || p.Wrong == "" {
		t.Errorf("%+v", p)
	}
	h.Wait(1100 * time.Millisecond)
	if p := proof(t, h, ada, cs[0]); p.Device == nil {
		t.Error("still has to wait")
	}
}

// Who deletes a list is told of in the audit log.
func TestDeleted(t *testing.T) {
	h, b, ada, _ := scene(t)
	b.Get("f", "")
	b.Post("f", "", nil)
	err := h.Store.Delete(store.WithActor(t.Context(), store.Actor{UserPK: ada.PK, Username: "ada"}), store.KindOf[static.Device](h.Store), "1")
	if es := h.Heard("custom_static_authenticator_disable"); err != nil || len(es) != 1 || h.Count("static_tokens", "1") != 0 {
		t.Errorf("%v %v", err, es)
	}
	if len(h.Heard(event.SystemException)) != 0 {
		t.Error("something broke")
	}
}
