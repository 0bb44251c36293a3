package invitation_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/invitation"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	model   = "authentik_stages_invitation.invitationstage"
	refused = "Invalid invite/invite not found"
)

// writer stands for a stage that writes accounts: no plug may be imported here.
type writer struct {
	stage.Base

	written func(p *stage.Plan) func(tx *store.Tx) error
}

func (*writer) WritesPeople() bool { return true }

func (w *writer) Show(t *stage.Turn) stage.Result {
	also := w.written(t.Plan)
	name := t.Plan.Map(stage.PromptData)["username"].(string)
	return stage.Done().Writing(func(tx *store.Tx) error {
		u := store.KindOf[user.User](tx.Store()).New().(*user.User)
		u.Username, u.Name = name, name
		if err := tx.Create(u); err != nil {
			return err
		}
		if also == nil {
			return nil
		}
		return also(tx)
	}).Else(func(err error) stage.Result { return stage.Deny(fault.As(err).Say) })
}

func (w *writer) Take(t *stage.Turn, _ *stage.None) stage.Result { return w.Show(t) }

func with(h *stagetest.House) stagetest.Made {
	d := invitation.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Lifetime: func() string { return "days=1" },
		Shown: func(context.Context, []string) (map[string]any, error) { return map[string]any{}, nil }}
	return stagetest.Made{Stages: []*stage.Kind{invitation.Kind(d), dummy.Kind(dummy.Deps{Deps: h.Stage}),
		stage.New[writer, stage.None, stage.None](h.Stage, kind.Spec{
			Path: "stages/writer", Model: "authentik_stages_writer.writerstage", Schema: "WriterStage", Title: "Writer Stage",
		}, stage.Asking{}, func() *writer { return &writer{written: invitation.Written(d)} }),
	}, Kinds: []*kind.Kind{invitation.Invitations(d)}}
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: func(h *stagetest.House) any { return stagetest.New[invitation.Stage](h) }})
}

// scene is a house with an invitation stage and a dummy behind it.
type scene struct {
	*stagetest.House
	stage *invitation.Stage
	flow  *flow.Flow
	admin int64
}

func open(t *testing.T, without bool) *scene {
	s := &scene{House: stagetest.Open(t, with)}
	s.stage = stagetest.New[invitation.Stage](s.House)
	s.stage.Without = without
	last := stagetest.New[dummy.Stage](s.House)
	last.Name = "last"
	s.flow = s.Flow("enroll", "enrollment", s.stage, last)
	s.admin = s.User("admin", "").PK
	return s
}

func (s *scene) invite(change ...func(i *invitation.Invitation)) *invitation.Invitation {
	s.T.Helper()
	i := stagetest.New[invitation.Invitation](s.House)
	i.Name, i.Creator = "for-ada", s.admin
	for _, c := range change {
		c(i)
	}
	s.Make(i)
	return i
}

// seen is what came: a dummy's name, or why the flow ended.
func seen(out flow.Outcome) string {
	if why, denied := stagetest.Denied(out); denied {
		return why
	}
	if m := stagetest.Wire(out); m["component"] == "ak-stage-dummy" {
		return m["name"].(string)
	}
	return stagetest.Component(out)
}

func TestWhoIsLetIn(t *testing.T) {
	s := open(t, false)
	other := s.Flow("other", "enrollment")
	good := s.invite()
	here := s.invite(func(i *invitation.Invitation) { i.Flow = &s.flow.PK })
	elsewhere := s.invite(func(i *invitation.Invitation) { i.Flow = &other.PK })
	past := s.Now().Add(-time.Minute)
	over := s.invite(func(i *invitation.Invitation) { i.Expires = &past })
	for _, tt := range []struct{ name, query, want string }{
		{"none", "", refused},
		{"no UUID", "itoken=x", refused},
		{"nobody's", "itoken=6ba7b810-9dad-41d1-80b4-00c04fd430c8", refused},
		{"one", "itoken=" + good.PK, "last"},
		{"without dashes, by the other name", "token=" + strings.ReplaceAll(good.PK, "-", ""), "last"},
		{"again, since it is not for one use", "itoken=" + good.PK, "last"},
		{"for this flow", "itoken=" + here.PK, "last"},
		{"for another flow", "itoken=" + elsewhere.PK, refused},
		{"its time is over and nobody cleaned up", "itoken=" + over.PK, refused},
		{"a bad one is not saved by a good one", "itoken=" + over.PK + "&token=" + good.PK, refused},
	} {
		if got := seen(s.Browser().Get("enroll", tt.query)); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	free := open(t, true)
	if got := seen(free.Browser().Get("enroll", "itoken=x")); got != "last" {
		t.Errorf("a stage that lets everybody on: %q", got)
	}
}

// The key may come from a prompt, and what is known beforehand goes into the plan.
func TestFixedData(t *testing.T) {
	s := open(t, false)
	i := s.invite(func(i *invitation.Invitation) {
		i.Fixed = map[string]any{"name": "Ada", "attributes": map[string]any{"office": "1"}, "roles": []any{"b"}}
	})
	b, p := s.Browser(), stage.NewPlan(s.flow.PK, map[string]any{stage.PromptData: map[string]any{
		"token": i.PK, "name": "typed", "attributes": map[string]any{"room": "2"}, "roles": []any{"a"},
	}})
	p.Append(stage.Step{Stage: s.stage.PK})
	page, err := s.Store.ListIn(t.Context(), "stages", store.Query{Search: "last"})
	if err != nil || len(page.Rows) != 1 {
		t.Fatal(err)
	}
	p.Append(stage.Step{Stage: page.Rows[0].(stage.Shared).Stage().PK})
	s.Begin(b, s.flow, p)
	if got := seen(b.Get("enroll", "")); got != "last" {
		t.Fatal(got)
	}
	c := s.Plan(b).Context
	want := map[string]any{"token": i.PK, "name": "Ada", "attributes": map[string]any{"office": "1", "room": "2"}, "roles": []any{"a", "b"}}
	if !reflect.DeepEqual(c[stage.PromptData], want) || c["invitation_in_effect"] != true || fmt.Sprint(c["invitation"]) != fmt.Sprint(stage.Ref("authentik_stages_invitation.invitation", i.PK)) {
		t.Errorf("%v", c)
	}
	es := s.Heard("invitation_used")
	if len(es) != 1 || es[0].Context["invitation_uuid"] != strings.ReplaceAll(i.PK, "-", "") {
		t.Errorf("%v", es)
	}
}

// An invitation for one use lets one in, also when several come at once.
func TestSingleUse(t *testing.T) {
	s := open(t, false)
	i := s.invite(func(i *invitation.Invitation) { i.SingleUse = true })
	var wg sync.WaitGroup
	got := make([]string, 8)
	for n := range got {
		b := s.Browser()
		wg.Go(func() { got[n] = seen(b.Get("enroll", "itoken="+i.PK)) })
	}
	wg.Wait()
	in := 0
	for _, g := range got {
		switch g {
		case "last":
			in++
		case refused:
		default:
			t.Errorf("%q", g)
		}
	}
	if in != 1 || s.Count("invitations", "1 = 1") != 0 || len(s.Heard("invitation_used")) != 1 {
		t.Errorf("%d came in", in)
	}
}

// In a flow that writes an account an invitation for one use is gone with it, not before; of those who are on their way only one gets one.
func TestSingleUseGoesWithTheAccount(t *testing.T) {
	s := open(t, false)
	pause, write := stagetest.New[dummy.Stage](s.House), stagetest.New[writer](s.House)
	pause.Name = "pause"
	first, last := stagetest.New[invitation.Stage](s.House), stagetest.New[dummy.Stage](s.House)
	last.Name = "after"
	s.Flow("join", "enrollment", first, pause, write, last)
	i := s.invite(func(i *invitation.Invitation) { i.SingleUse = true })
	begin := func(name string) *stagetest.Browser {
		t.Helper()
		b := s.Browser()
		if got := seen(b.Get("join", "itoken="+i.PK)); got != "pause" {
			t.Fatalf("%s: %q", name, got)
		}
		p := s.Plan(b)
		p.Map(stage.PromptData)["username"] = name
		f, err := store.Find[flow.Flow](t.Context(), s.Store, "slug", "join")
		if err != nil {
			t.Fatal(err)
		}
		s.Begin(b, f, p)
		return b
	}
	begin("gave up")
	people := []*stagetest.Browser{begin("ada"), begin("bob"), begin("eve")}
	if s.Count("invitations", "1 = 1") != 1 || len(s.Heard("invitation_used")) != 0 {
		t.Fatal("the invitation is used up before there is an account")
	}
	var wg sync.WaitGroup
	got := make([]string, len(people))
	for n, b := range people {
		wg.Go(func() { got[n] = seen(b.Post("join", "itoken="+i.PK, nil)) })
	}
	wg.Wait()
	in := 0
	for _, g := range got {
		switch g {
		case "after":
			in++
		case refused:
		default:
			t.Errorf("%q", g)
		}
	}
	if users := s.Count("users", "username IN ('ada', 'bob', 'eve')"); in != 1 || users != 1 || s.Count("invitations", "1 = 1") != 0 || len(s.Heard("invitation_used")) != 1 {
		t.Errorf("%d came in, %d accounts", in, users)
	}
	if got := seen(s.Browser().Get("join", "itoken="+i.PK)); got != refused {
		t.Errorf("afterwards: %q", got)
	}
}

func TestEnds(t *testing.T) {
	s := open(t, false)
	i := s.invite()
	if i.Expires == nil || i.Expires.Sub(s.Now()).Round(time.Hour) != 24*time.Hour {
		t.Errorf("%v", i.Expires)
	}
	s.Wait(25 * time.Hour)
	s.invite()
	if n, err := invitation.CleanUp(t.Context(), s.Store); err != nil || n != 1 || s.Count("invitations", "1 = 1") != 1 {
		t.Errorf("%d %v", n, err)
	}
}
