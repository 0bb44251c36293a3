package duo_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/duoapi"
	"gatehouse/backend/duoapi/duotest"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/outbound"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/duo"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// unreached is what is said of a server that is gone: a connection from before may break, a fresh one is refused.
var unreached = regexp.MustCompile(`refuses the connection|can't be reached`)

const model = "authentik_stages_authenticator_duo.authenticatorduostage"

func with(client *http.Client) func(h *stagetest.House) stagetest.Made {
	return func(h *stagetest.House) stagetest.Made {
		speak := func(host, key, secret string) *duoapi.Client {
			return &duoapi.Client{Host: host, Key: key, Secret: secret, HTTP: client, Now: time.Now}
		}
		return stagetest.Made{
			Stages: []*stage.Kind{duo.Kind(duo.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Client: speak}), stagetest.PauseKind(h.Stage)},
			Kinds:  []*kind.Kind{duo.Devices()},
		}
	}
}

func fresh(host string) func(h *stagetest.House) any {
	return func(h *stagetest.House) any {
		s := stagetest.New[duo.Stage](h)
		s.ClientID, s.ClientSecret, s.Host = duotest.Key, duotest.Secret, host
		s.AdminKey, s.AdminSecret = duotest.AdminKey, duotest.AdminSecret
		return s
	}
}

func client(t *testing.T, s *duotest.Server) *http.Client {
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return outbound.New(outbound.Options{Allow: allow, TLS: s.TLS(), Timeout: duoapi.Longest})
}

func TestStage(t *testing.T) {
	s := duotest.Start(t)
	s.Twice = true
	stagetest.Run(t, stagetest.Subject{With: with(client(t, s)), Model: model, Proof: true, Make: fresh(s.Host)})
}

type scene struct {
	*stagetest.House
	s     *duotest.Server
	stage *duo.Stage
	kind  *stage.Kind
	b     *stagetest.Browser
	ada   *user.User
}

func open(t *testing.T) *scene {
	c := &scene{s: duotest.Start(t)}
	c.House = stagetest.Open(t, with(client(t, c.s)))
	c.stage = fresh(c.s.Host)(c.House).(*duo.Stage)
	c.Flow("f", "stage_configuration", c.stage, stagetest.New[stagetest.Pause](c.House))
	c.kind = c.Engine.Stages[model]
	c.ada = c.User("ada", "")
	c.b = c.SignedIn(c.ada)
	return c
}

// act runs an action of the stage as whoever ctx is.
func (c *scene) act(ctx context.Context, name string, in any) (any, error) {
	c.T.Helper()
	for _, a := range c.kind.Actions {
		if a.Path == name {
			return a.Do(ctx, &kind.Call{Object: stagetest.Get[duo.Stage](c.House, c.stage.PK)}, in)
		}
	}
	c.T.Fatalf("no action %s", name)
	return nil, nil
}

func (c *scene) status() string {
	c.T.Helper()
	out, err := c.act(session.With(c.T.Context(), c.b.Session()), "enrollment_status", nil)
	if err != nil {
		return err.Error()
	}
	return out.(duo.Status).Duo
}

func (c *scene) devices() []*duo.Device {
	c.T.Helper()
	vs, err := store.All[duo.Device](context.Background(), c.Store, store.Query{Order: []string{"pk"}})
	if err != nil {
		c.T.Fatal(err)
	}
	return vs
}

func TestSetUp(t *testing.T) {
	c := open(t)
	if got := c.status(); !strings.HasPrefix(got, "Nobody is setting up Duo") {
		t.Errorf("%q", got)
	}
	m := stagetest.Wire(c.b.Get("f", ""))
	code, _ := m["activation_code"].(string)
	if m["component"] != "ak-stage-authenticator-duo" || m["stage_uuid"] != c.stage.PK || !strings.HasPrefix(fmt.Sprint(m["activation_barcode"]), "https://"+c.s.Host+"/frame/qr?") || !strings.HasPrefix(code, "duo://") {
		t.Fatalf("%v", m)
	}
	if again := stagetest.Wire(c.b.Get("f", "")); again["activation_code"] != code {
		t.Error("another look enrols once more")
	}
	if got := c.status(); got != "waiting" {
		t.Errorf("%q", got)
	}
	if got := stagetest.Problem(c.b.Post("f", "", nil), fault.NonField); got != "Your phone is not set up yet. Scan the code with Duo Mobile first. (invalid)" || len(c.devices()) != 0 {
		t.Errorf("%q", got)
	}
	c.s.Set(func(s *duotest.Server) { s.Status = "success" })
	if got := c.status(); got != "success" {
		t.Errorf("%q", got)
	}
	if got := stagetest.Component(c.b.Post("f", "", nil)); got != stagetest.Paused {
		t.Fatal(got)
	}
	vs := c.devices()
	if len(vs) != 1 || vs[0].Name != "Duo Authenticator" || !vs[0].Confirmed || vs[0].User != c.ada.PK || vs[0].Stage != c.stage.PK || !strings.HasPrefix(vs[0].DuoUser, "DU") {
		t.Errorf("%+v", vs)
	}
	if got := c.status(); !strings.HasPrefix(got, "Nobody") {
		t.Errorf("afterwards: %q", got)
	}
}

func TestRefused(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	c.s.Set(func(s *duotest.Server) { s.Status = "invalid" })
	if why, denied := stagetest.Denied(c.b.Post("f", "", nil)); !denied || why != "Invalid enrollment status: invalid." || len(c.devices()) != 0 {
		t.Errorf("%q", why)
	}
	// Duo knows the name by now.
	const cant = "Duo can't set up your phone now. Tell whoever looks after Gatehouse in your office."
	if why, denied := stagetest.Denied(c.b.Get("f", "")); !denied || why != cant {
		t.Errorf("%q", why)
	}
	es := c.Heard(event.ConfigurationError)
	if len(es) != 1 || es[0].Context["message"] != "Failed to enroll user: Duo: Invalid request parameters (username) [40002]" || es[0].Context["user"] != "ada" {
		t.Errorf("%v", es)
	}
	c.s.Close()
	if why, denied := stagetest.Denied(c.SignedIn(c.User("bob", "")).Get("f", "")); !denied || why != cant {
		t.Errorf("%q", why)
	}
	if es := c.Heard(event.ConfigurationError); len(es) != 2 || !unreached.MatchString(fmt.Sprint(es[1].Context["message"])) {
		t.Errorf("%v", es)
	}
}

// A phone that somebody has already is not set up twice.
func TestTaken(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	c.s.Set(func(s *duotest.Server) { s.Status = "success" })
	d := stagetest.New[duo.Device](c.House)
	d.Name, d.User, d.Stage, d.DuoUser, d.Confirmed = "x", c.User("bob", "").PK, c.stage.PK, c.s.People[0].ID, true
	c.Make(d)
	if why, denied := stagetest.Denied(c.b.Post("f", "", nil)); !denied || why != "Device with Credential ID already exists." || len(c.devices()) != 1 {
		t.Errorf("%q", why)
	}
}

func TestPage(t *testing.T) {
	c := &duo.Challenge{Code: "duo://abc-YXBp"}
	if svg, err := c.QR("a code"); err != nil || !strings.HasPrefix(string(svg), "<svg") || c.Link() != "duo://abc-YXBp" {
		t.Errorf("%v %s", err, c.Link())
	}
	if l := (&duo.Challenge{Code: "javascript:alert(1)"}).Link(); l != "#" {
		t.Errorf("%s", l)
	}
}

// At a sign-in Duo asks on the phone what it is for.
func TestFactor(t *testing.T) {
	c := open(t)
	bob := c.User("bob", "")
	for _, u := range []*user.User{c.ada, bob} {
		d := stagetest.New[duo.Device](c.House)
		d.Name, d.User, d.Stage, d.DuoUser, d.Confirmed = "phone", u.PK, c.stage.PK, "DU-"+u.Username, true
		c.Make(d)
	}
	app := &stagetest.App{Name: "Wiki & more"}
	c.Make(app)
	f := duo.Factor{Store: c.Store, App: c.Engine.Apps}
	ds, err := f.Confirmed(t.Context(), c.ada.PK)
	if err != nil || len(ds) != 1 || ds[0].Class != "duo" {
		t.Fatalf("%v %v", ds, err)
	}
	brand, err := c.Brands.For(t.Context(), "login.office.lan")
	if err != nil {
		t.Fatal(err)
	}
	push := func(ctx context.Context, pk int64) (device.Proof, *stage.Turn, error) {
		tu := &stage.Turn{Ctx: ctx, Now: c.Now(), User: c.ada, Brand: brand, Plan: stage.NewPlan("x", map[string]any{stage.Application: stage.Ref("authentik_core.application", app.PK)}),
			Request: stage.Request{HTTP: store.HTTP{ClientIP: "192.0.2.7", Host: "login.office.lan"}}}
		p, err := f.Push(tu, ds, pk)
		return p, tu, err
	}
	p, _, err := push(t.Context(), 1)
	if err != nil || p.Device == nil {
		t.Fatalf("%+v %v", p, err)
	}
	c.Write(p.Write)
	if c.devices()[0].LastUsed == nil {
		t.Error("when it was asked last is not noted")
	}
	q := c.s.Questions()[0]
	info, err := url.ParseQuery(q.Get("pushinfo"))
	if err != nil || q.Get("user_id") != "DU-ada" || q.Get("ipaddr") != "192.0.2.7" || q.Get("type") != brand.Title+" Login request" || q.Get("display_username") != "ada" ||
		info.Get("Domain") != "login.office.lan" || info.Get("Application") != "Wiki & more" {
		t.Errorf("%v", q)
	}
	// Somebody else's phone, and one that there is not, are not asked.
	for _, pk := range []int64{2, 99, -1} {
		if p, _, err := push(t.Context(), pk); err != nil || p.Device != nil || p.Wrong != "Duo denied access" || p.Code != "denied" || len(c.s.Questions()) != 1 {
			t.Errorf("%d: %+v %v", pk, p, err)
		}
	}
	c.s.Set(func(s *duotest.Server) { s.Answer = func(url.Values) [2]string { return [2]string{"deny", "fraud"} } })
	if p, _, err := push(t.Context(), 1); err != nil || p.Device != nil || p.Wrong != "Duo denied access" || p.Code != "denied" {
		t.Errorf("%+v %v", p, err)
	}
	c.s.Set(func(s *duotest.Server) {
		s.Fail["/auth/v2/auth"] = map[string]any{"stat": "FAIL", "code": 40002, "message": "Invalid request parameters"}
	})
	p, tu, err := push(t.Context(), 1)
	if err != nil || p.Device != nil || !strings.HasPrefix(p.Wrong, "Duo can't ask you now.") || len(tu.Pending()) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	// Who goes away while Duo waits is let go of.
	hold := make(chan struct{})
	c.s.Set(func(s *duotest.Server) { s.Fail, s.Hold = map[string]map[string]any{}, hold })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if p, _, err := push(ctx, 1); err == nil || p.Device != nil {
		t.Errorf("%+v", p)
	}
	close(hold)
	c.s.Set(func(s *duotest.Server) { s.Hold, s.Answer = nil, nil })
	p, _, err = push(t.Context(), 1)
	if err != nil || p.Device == nil {
		t.Fatalf("%+v %v", p, err)
	}
	c.Write(func(tx *store.Tx) error { _, err := tx.Exec(`DELETE FROM duo_devices WHERE pk = 1`); return err })
	if err := c.Store.Write(t.Context(), store.House, p.Write); !fault.Is(err, fault.NotFound) {
		t.Errorf("a phone that was deleted while it was asked: %v", err)
	}
}

func TestImport(t *testing.T) {
	c := open(t)
	root := c.User("root", "")
	c.Superusers(root)
	c.User("bob", "")
	ctx := store.WithActor(t.Context(), store.Actor{UserPK: root.PK, Username: "root", Superuser: true})
	c.s.Set(func(s *duotest.Server) {
		s.PageSize = 1
		s.People = []duotest.Person{{ID: "DU1", Name: "ada"}, {ID: "DU2", Name: "stranger"}, {ID: "DU3", Name: "bob"}}
	})
	out, err := c.act(ctx, "import_devices_automatic", nil)
	if err != nil || out != (duo.Imported{Count: 2}) {
		t.Fatalf("%+v %v", out, err)
	}
	if out, err := c.act(ctx, "import_devices_automatic", nil); err != nil || out != (duo.Imported{}) || len(c.devices()) != 2 {
		t.Errorf("a second time: %+v %v", out, err)
	}
	if v := c.devices()[0]; v.Name != "Imported Duo Authenticator" || v.DuoUser != "DU1" || !v.Confirmed {
		t.Errorf("%+v", v)
	}
	for in, want := range map[duo.Import]string{
		{DuoUser: "DU1", Username: "ada"}: "Device exists already.", {DuoUser: "DU9", Username: "nobody"}: "User does not exist.", {DuoUser: "DU9", Username: "ada"}: "",
	} {
		_, err := c.act(ctx, "import_device_manual", &in)
		got := ""
		if err != nil {
			got = fault.As(err).Fields[fault.NonField][0]
		}
		if got != want {
			t.Errorf("%v: %q", in, got)
		}
	}
	// What went wrong is said with what was done before.
	refusal := func() duo.Imported {
		t.Helper()
		_, err := c.act(ctx, "import_devices_automatic", nil)
		r, ok := err.(*kind.Refusal)
		if !ok {
			t.Fatalf("%v", err)
		}
		return r.Body.(duo.Imported)
	}
	c.s.Set(func(s *duotest.Server) {
		s.Fail["/admin/v1/users"] = map[string]any{"stat": "FAIL", "code": 40301, "message": "Access forbidden"}
	})
	if got := refusal(); got.Error != "Duo: Access forbidden [40301]" {
		t.Errorf("%+v", got)
	}
	c.s.Close()
	if got := refusal(); !unreached.MatchString(got.Error) {
		t.Errorf("%+v", got)
	}
	c.stage.AdminKey = ""
	c.Change(c.stage)
	if got := refusal(); !strings.HasPrefix(got.Error, "Duo tells who is there only to an Admin API application.") {
		t.Errorf("%+v", got)
	}
}
