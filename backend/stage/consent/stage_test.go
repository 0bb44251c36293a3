package consent_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/consent"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const model = "authentik_stages_consent.consentstage"

func with(h *stagetest.House) stagetest.Made {
	d := consent.Deps{Deps: h.Stage, Users: h.Users, Applications: func(ctx context.Context, pks []string) (map[string]any, error) {
		out := map[string]any{}
		for _, pk := range pks {
			a, err := store.Get[stagetest.App](ctx, h.Store, pk)
			if err != nil {
				return nil, err
			}
			out[pk] = a
		}
		return out, nil
	}}
	k := consent.Kind(d)
	return stagetest.Made{Stages: []*stage.Kind{k}, Kinds: []*kind.Kind{consent.Consents(d)}, Inlines: []stage.Inline{flow.Injected{Step: flow.ConsentStep, Kind: k, Object: k.New}}}
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: func(h *stagetest.House) any { return stagetest.New[consent.Stage](h) }})
}

// scene is a house with a person, an application and a consent stage.
type scene struct {
	*stagetest.House
	ada   *user.User
	app   *stagetest.App
	stage *consent.Stage
	flow  *flow.Flow
	b     *stagetest.Browser
}

func open(t *testing.T, mode string) *scene {
	s := &scene{House: stagetest.Open(t, with)}
	s.ada = s.User("ada", "")
	s.app = stagetest.New[stagetest.App](s.House)
	s.app.Name = "Wiki"
	s.Make(s.app)
	s.stage = stagetest.New[consent.Stage](s.House)
	s.stage.Mode = mode
	s.flow = s.Flow("f", flow.Authorization, s.stage)
	s.b = s.SignedIn(s.ada)
	return s
}

func permissions(ids ...string) []any {
	out := []any{}
	for _, id := range ids {
		out = append(out, map[string]any{"id": id, "name": "The " + id})
	}
	return out
}

// ask begins an authorization that asks for permissions, and gives what is shown.
func (s *scene) ask(ids ...string) flow.Outcome {
	s.T.Helper()
	s.begin(stage.Step{Stage: s.stage.PK}, ids...)
	return s.b.Step("f", "", nil)
}

func (s *scene) begin(step stage.Step, ids ...string) {
	s.T.Helper()
	p := stage.NewPlan(s.flow.PK, map[string]any{
		stage.Application: stage.Ref("authentik_core.application", s.app.PK), stage.ConsentHeader: "You're about to sign into Wiki.", stage.ConsentAsked: permissions(ids...),
	})
	p.Append(step)
	s.Begin(s.b, s.flow, p)
}

func (s *scene) allow(out flow.Outcome) flow.Outcome {
	s.T.Helper()
	token, _ := stagetest.Wire(out)["token"].(string)
	return s.b.Step("f", "", map[string]any{"component": "ak-stage-consent", "token": token})
}

func (s *scene) stored() (permissions string, expires *time.Time, n int) {
	s.T.Helper()
	cs, err := store.All[consent.Consent](s.T.Context(), s.Store, store.Query{})
	if err != nil {
		s.T.Fatal(err)
	}
	for _, c := range cs {
		permissions, expires = c.Permissions, c.Expires
		if c.Expiring != (c.Expires != nil) {
			s.T.Errorf("expiring %v, expires %v", c.Expiring, c.Expires)
		}
	}
	return permissions, expires, len(cs)
}

// The published trace of flows.md 9.7.
func TestChallenge(t *testing.T) {
	s := open(t, consent.Expiring)
	m := stagetest.Wire(s.ask("openid", "email"))
	if m["component"] != "ak-stage-consent" || m["header_text"] != "You're about to sign into Wiki." || m["pending_user"] != "ada" {
		t.Errorf("%v", m)
	}
	if want := permissions("openid", "email"); !reflect.DeepEqual(m["permissions"], want) || !reflect.DeepEqual(m["additional_permissions"], []any{}) {
		t.Errorf("%v %v", m["permissions"], m["additional_permissions"])
	}
	if token, _ := m["token"].(string); len(token) != 36 {
		t.Errorf("token %q", token)
	}
}

func TestModes(t *testing.T) {
	for _, tt := range []struct {
		mode   string
		stored int
		again  bool // asked the second time
		late   bool // asked after five weeks
	}{
		{consent.Always, 0, true, true},
		{consent.Permanent, 1, false, false},
		{consent.Expiring, 1, false, true},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			s := open(t, tt.mode)
			if out := s.allow(s.ask("openid", "email")); out.To != "/" {
				t.Fatalf("%+v", out)
			}
			perms, expires, n := s.stored()
			if n != tt.stored {
				t.Fatalf("%d consents", n)
			}
			switch tt.mode {
			case consent.Permanent:
				if perms != "email openid" || expires != nil {
					t.Errorf("%q %v", perms, expires)
				}
			case consent.Expiring:
				if off := time.Until(*expires) - 28*24*time.Hour; off > time.Minute || off < -time.Minute {
					t.Errorf("expires %s", expires)
				}
			}
			if out := s.ask("email", "openid"); (out.Challenge != nil) != tt.again {
				t.Errorf("the second time: %s", stagetest.Component(out))
			}
			s.Wait(35 * 24 * time.Hour)
			s.b = s.SignedIn(s.ada)
			if out := s.ask("openid", "email"); (out.Challenge != nil) != tt.late {
				t.Errorf("five weeks later: %s", stagetest.Component(out))
			}
		})
	}
}

func TestMorePermissions(t *testing.T) {
	s := open(t, consent.Permanent)
	s.allow(s.ask("openid", "email"))
	out := s.ask("openid", "email", "groups")
	m := stagetest.Wire(out)
	if !reflect.DeepEqual(m["permissions"], permissions("openid", "email")) || !reflect.DeepEqual(m["additional_permissions"], permissions("groups")) {
		t.Errorf("%v", m)
	}
	// A second look at the page says the same.
	out = s.b.Step("f", "", nil)
	if again := stagetest.Wire(out); !reflect.DeepEqual(m["permissions"], again["permissions"]) || !reflect.DeepEqual(m["additional_permissions"], again["additional_permissions"]) {
		t.Errorf("%v", again)
	}
	s.allow(out)
	if perms, _, n := s.stored(); perms != "email groups openid" || n != 1 {
		t.Errorf("%q, %d consents", perms, n)
	}
	if out := s.ask("groups", "openid", "email"); out.Challenge != nil {
		t.Error("asked again for the same")
	}
	// Fewer are not the same: they are asked for too.
	if m := stagetest.Wire(s.ask("openid")); !reflect.DeepEqual(m["permissions"], permissions("openid")) {
		t.Errorf("%v", m)
	}
}

func TestToken(t *testing.T) {
	s := open(t, consent.Permanent)
	first := s.ask("openid")
	for _, token := range []any{"00000000-0000-4000-8000-000000000000", "x"} {
		out := s.b.Step("f", "", map[string]any{"token": token})
		m := stagetest.Wire(out)
		if m["component"] != "ak-stage-consent" || len(out.Challenge.Errors) != 0 || m["response_errors"] == nil {
			t.Errorf("%v", m)
		}
		if m["token"] == stagetest.Wire(first)["token"] {
			t.Error("the token is the old one")
		}
	}
	if out := s.allow(first); out.To != "" {
		t.Error("a token from before opens")
	}
	if got := stagetest.Problem(s.b.Step("f", "", map[string]any{}), "token"); got != "This field is required. (required)" {
		t.Errorf("%q", got)
	}
	if _, _, n := s.stored(); n != 0 {
		t.Error("a consent is stored")
	}
}

// The token of one browser is worth nothing in another.
func TestTokenOfAnother(t *testing.T) {
	s := open(t, consent.Permanent)
	bob := s.User("bob", "")
	theirs := stagetest.Wire(s.ask("openid"))["token"]
	s.b = s.SignedIn(bob)
	s.ask("openid")
	if out := s.b.Step("f", "", map[string]any{"token": theirs}); out.To != "" {
		t.Error("it opens")
	}
}

func TestWithoutApplication(t *testing.T) {
	s := open(t, consent.Permanent)
	for range 2 {
		p := stage.NewPlan(s.flow.PK, map[string]any{stage.ConsentAsked: permissions("openid")})
		p.Append(stage.Step{Stage: s.stage.PK})
		s.Begin(s.b, s.flow, p)
		out := s.b.Step("f", "", nil)
		if out.Challenge == nil {
			t.Fatal("passed silently")
		}
		if out := s.allow(out); out.To != "/" {
			t.Errorf("%+v", out)
		}
	}
	if _, _, n := s.stored(); n != 0 {
		t.Errorf("%d consents", n)
	}
}

// A step that the house put in always asks, whatever is stored, and stores nothing.
func TestInjected(t *testing.T) {
	s := open(t, consent.Permanent)
	s.allow(s.ask("openid"))
	for range 2 {
		s.begin(stage.Step{Inline: flow.ConsentStep}, "openid")
		out := s.b.Step("f", "", nil)
		if stagetest.Component(out) != "ak-stage-consent" {
			t.Fatal(stagetest.Component(out))
		}
		if out := s.allow(out); out.To != "/" {
			t.Errorf("%+v", out)
		}
	}
	if perms, _, n := s.stored(); perms != "openid" || n != 1 {
		t.Errorf("%q %d", perms, n)
	}
}

// A consent that another person gave here does not count for a pending one.
func TestPendingPerson(t *testing.T) {
	s := open(t, consent.Permanent)
	s.allow(s.ask("openid"))
	s.begin(stage.Step{Stage: s.stage.PK}, "openid")
	p := s.Plan(s.b)
	p.SetUser(s.User("bob", ""))
	s.Begin(s.b, s.flow, p)
	if out := s.b.Step("f", "", nil); stagetest.Component(out) != "ak-stage-consent" {
		t.Error("passed silently")
	}
}

func TestShown(t *testing.T) {
	s := open(t, consent.Expiring)
	s.allow(s.ask("openid"))
	k := store.KindOf[consent.Consent](s.Store)
	page, err := s.Store.List(t.Context(), k, store.Query{Owner: s.ada.PK})
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("%v %v", page, err)
	}
	if err := k.Present(t.Context(), page.Rows, nil); err != nil {
		t.Fatal(err)
	}
	c := page.Rows[0].(*consent.Consent)
	if u, ok := c.User.(*user.User); !ok || u.Username != "ada" || u.UID == "" {
		t.Errorf("%T", c.User)
	}
	if a, ok := c.Application.(*stagetest.App); !ok || a.Name != "Wiki" {
		t.Errorf("%T", c.Application)
	}
	for name, value := range map[string]string{"user": fmt.Sprint(s.ada.PK), "application": strings.ToUpper(s.app.PK)} {
		page, err := s.Store.List(t.Context(), k, store.Query{Filters: map[string][]string{name: {value}}})
		if err != nil || len(page.Rows) != 1 {
			t.Errorf("%s: %v %v", name, page, err)
		}
	}
	for _, name := range []string{"user", "application"} {
		if _, err := s.Store.List(t.Context(), k, store.Query{Filters: map[string][]string{name: {"x"}}}); err == nil {
			t.Errorf("%s takes anything", name)
		}
	}
	// Withdrawn: asked again.
	if err := s.Store.Delete(store.WithActor(t.Context(), store.House), k, k.PK(c)); err != nil {
		t.Fatal(err)
	}
	if out := s.ask("openid"); out.Challenge == nil {
		t.Error("a withdrawn consent counts")
	}
}

func TestCleanUp(t *testing.T) {
	s := open(t, consent.Expiring)
	s.allow(s.ask("openid"))
	if n, err := consent.CleanUp(t.Context(), s.Store); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	s.Wait(29 * 24 * time.Hour)
	if n, err := consent.CleanUp(t.Context(), s.Store); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

func TestDeletedWithTheirOwners(t *testing.T) {
	s := open(t, consent.Permanent)
	s.allow(s.ask("openid"))
	s.Write(func(tx *store.Tx) error { return tx.Delete(store.KindOf[stagetest.App](s.Store), s.app.PK) })
	if _, _, n := s.stored(); n != 0 {
		t.Error("a consent to an application that is gone")
	}
}

// A client that wants the question gets it, whatever is stored; the step that the house put in besides asks no second time.
func TestAskedAgain(t *testing.T) {
	s := open(t, consent.Permanent)
	s.allow(s.ask("openid"))
	for _, bound := range []bool{true, false} {
		s.begin(stage.Step{Stage: s.stage.PK}, "openid")
		p := s.Plan(s.b)
		p.Context[stage.ConsentAgain] = true
		if !bound { // a policy left the flow's own stage out
			p.Steps = nil
		}
		p.Append(stage.Step{Inline: flow.ConsentStep})
		s.Begin(s.b, s.flow, p)
		out := s.b.Step("f", "", nil)
		if stagetest.Component(out) != "ak-stage-consent" {
			t.Fatalf("bound %v: passes silently: %s", bound, stagetest.Component(out))
		}
		if out := s.b.Post("f", "", map[string]any{"token": "wrong"}); stagetest.Component(out) != "ak-stage-consent" {
			t.Fatalf("bound %v: a wrong token opens", bound)
		}
		if out := s.b.Post("f", "", map[string]any{"token": stagetest.Wire(s.b.Step("f", "", nil))["token"]}); out.To != "/" {
			t.Errorf("bound %v: asked twice: %s", bound, stagetest.Component(out))
		}
	}
	if out := s.ask("openid"); out.To != "/" {
		t.Errorf("what was stored counts no more: %s", stagetest.Component(out))
	}
}
