package flow_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
)

// login gives the behaviour of a stage that signs pk in.
func login(h *stagetest.House, pk func() int64) func(t *stage.Turn) stage.Result {
	return func(t *stage.Turn) stage.Result {
		return stage.Done().Writing(func(tx *store.Tx) (err error) {
			t.Started, t.Key, err = h.Sessions.Login(tx, t.Session, pk(), 0, session.Data{Method: "password"}, t.Request.HTTP)
			return err
		})
	}
}

// Signing in makes a new session, and the one that an attacker may have prepared is worth nothing (ASVS 5.0, 7.2.4).
func TestLoginRotatesTheSession(t *testing.T) {
	for _, whole := range []bool{false, true} {
		h, a := open(t)
		ada := h.User("ada", "")
		a.set("login", act{show: login(h, func() int64 { return ada.PK })})
		h.Flow("f", flow.Authentication, aProbe(h, "a"), aProbe(h, "login"), aProbe(h, "b"))
		b := h.Browser()
		b.Whole = whole
		b.Get("f", "")
		before, planted := b.Session(), *b
		out := b.Post("f", "", map[string]any{"word": "x"})
		if shown(out) != "b" {
			t.Fatalf("the flow does not go on: %s", shown(out))
		}
		after := b.Session()
		if after == nil || after.User != ada.PK || after.UUID == before.UUID || after.Data.Method != "password" {
			t.Errorf("%+v", after)
		}
		if planted.Session() != nil {
			t.Error("the session from before is still good")
		}
		if got := shown(b.Post("f", "", map[string]any{"word": "x"})); got != "to /" {
			t.Error(got)
		}
		if n := h.Count("sessions", "1 = 1"); n != 1 {
			t.Errorf("%d sessions", n)
		}
	}
}

func TestLoginAsAnother(t *testing.T) {
	h, a := open(t)
	ada, bob := h.User("ada", ""), h.User("bob", "")
	a.set("login", act{show: login(h, func() int64 { return bob.PK })})
	h.Flow("f", flow.Authentication, aProbe(h, "login"))
	b := h.SignedIn(ada)
	old := *b
	b.Get("f", "")
	if s := b.Session(); s == nil || s.User != bob.PK {
		t.Errorf("%+v", s)
	}
	if old.Session() != nil {
		t.Error("ada's session lives on in this browser")
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	h, a := open(t)
	ada := h.User("ada", "")
	a.set("logout", act{show: func(t *stage.Turn) stage.Result {
		return stage.Done().Writing(func(tx *store.Tx) error {
			t.Ended = true
			return session.End(tx, t.Session.UUID)
		})
	}})
	h.Flow("end", flow.Invalidation, aProbe(h, "logout"))
	a.set("logout too", a.of("logout"))
	h.Flow("more", flow.Invalidation, aProbe(h, "logout too"), aProbe(h, "after"))
	b := h.SignedIn(ada)
	out := b.Step("end", "", nil)
	if !out.Ended || out.To != "/" || b.Key != "" || h.Count("sessions", "1 = 1") != 0 {
		t.Errorf("%+v", out)
	}
	b = h.SignedIn(ada)
	b.Whole = true
	if got := shown(b.Get("more", "")); got != "after" {
		t.Fatalf("the flow does not go on: %s", got)
	}
	if s := b.Session(); s == nil || s.User != 0 {
		t.Errorf("%+v", s)
	}
}

// A refused writing leaves nothing behind, and the step is still there for another try.
func TestRefusedWriting(t *testing.T) {
	h, a := open(t)
	a.set("a", act{take: func(*stage.Turn, *probeAnswer) stage.Result {
		return stage.Done().Writing(func(tx *store.Tx) error {
			if _, err := tx.Exec(`INSERT INTO meta (name, value) VALUES ('x', 'y')`); err != nil {
				return err
			}
			return fault.New(fault.Conflict, "Taken.")
		}).Else(func(err error) stage.Result { return stage.WrongAll(fault.As(err).Say) })
	}})
	h.Flow("f", flow.Authentication, aProbe(h, "a"))
	b := h.Browser()
	out := b.Post("f", "", map[string]any{"word": "x"})
	if shown(out) != "a" || stagetest.Problem(out, fault.NonField) != "Taken. (invalid)" {
		t.Errorf("%s %s", shown(out), stagetest.Problem(out, fault.NonField))
	}
	if h.Count("meta", "name = 'x'") != 0 {
		t.Error("the writing is half there")
	}
	if len(h.Plan(b).Steps) != 1 {
		t.Error("the step is gone")
	}
}

// One session has one plan with one writer: of many answers at once each takes one step, and none gets lost.
func TestConcurrentAnswers(t *testing.T) {
	h, a := open(t)
	const n = 12
	var mu sync.Mutex
	took := map[string]int{}
	var stages []any
	for i := range n {
		name := fmt.Sprintf("s%02d", i)
		a.set(name, act{take: func(t *stage.Turn, _ *probeAnswer) stage.Result {
			mu.Lock()
			took[name]++
			mu.Unlock()
			t.Session.Data.Tries++
			return stage.Done()
		}})
		stages = append(stages, aProbe(h, name))
	}
	h.Flow("f", flow.Authentication, append(stages, aProbe(h, "last"))...)
	b := h.Browser()
	b.Get("f", "")
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			c := *b
			if _, err := c.Try("f", "", map[string]any{"word": "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range n {
		if name := fmt.Sprintf("s%02d", i); took[name] != 1 {
			t.Errorf("%s was answered %d times", name, took[name])
		}
	}
	if s := b.Session(); s.Data.Tries != n {
		t.Errorf("the session counted %d of %d", s.Data.Tries, n)
	}
	if got := shown(b.Get("f", "")); got != "last" {
		t.Error(got)
	}
}

// A double click on the last step signs in once; the late answer neither fails nor takes the new cookie away.
func TestConcurrentLogins(t *testing.T) {
	h, a := open(t)
	ada := h.User("ada", "")
	in := login(h, func() int64 { return ada.PK })
	a.set("login", act{take: func(t *stage.Turn, _ *probeAnswer) stage.Result { return in(t) }})
	h.Flow("f", flow.Authentication, aProbe(h, "login"))
	b := h.Browser()
	b.Get("f", "")
	outs := make([]flow.Outcome, 4)
	var wg sync.WaitGroup
	ctx, found := b.Context(), make([]*session.Session, len(outs)) // as each request found it at the door, before any was answered
	for i := range found {
		found[i] = b.Session()
	}
	for i, s := range found {
		wg.Go(func() {
			var err error
			if outs[i], err = h.Engine.Step(ctx, flow.Input{Slug: "f", Session: s, Answer: map[string]json.RawMessage{"word": []byte(`"x"`)}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	started := 0
	for _, o := range outs {
		switch {
		case o.Started != nil && o.To == "/":
			started++
		case o.Started != nil, o.Ended, !o.Advance:
			t.Errorf("a late answer: %+v", o)
		}
	}
	if started != 1 || h.Count("sessions", `"user" = ?`, ada.PK) != 1 || h.Count("sessions", `"user" IS NULL`) != 0 {
		t.Errorf("%d sign-ins, %d sessions", started, h.Count("sessions", "1 = 1"))
	}
}

func TestLinkThatCarriesAFlowOn(t *testing.T) {
	h, _ := open(t)
	ada := h.User("ada", "")
	f := h.Flow("f", flow.Recovery, dummies(h, "a", "b")...)
	g := h.Flow("g", flow.Recovery, dummies(h, "c")...)
	link := func(of *flow.Flow) string {
		p := stage.NewPlan(of.PK, nil)
		p.SetUser(ada)
		p.Append(stage.Step{Stage: f.Stages[1]})
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		body := string(raw)
		tok := &token.Token{Identifier: "link-" + of.Slug, Intent: token.Verification, User: ada.PK, Flow: &of.PK, Plan: &body}
		h.Write(func(tx *store.Tx) error { return h.Tokens.Make(tx, tok) })
		return "flow_token=" + tok.Key
	}
	fs, err := store.All[flow.Binding](t.Context(), h.Store, store.Query{Order: []string{"order"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range fs {
		if b.Target == f.PK {
			f.Stages = append(f.Stages, b.Stage)
		}
	}
	query := link(f)
	b := h.Browser()
	if got := shown(b.Get("f", query)); got != "b" {
		t.Errorf("the link begins at %s", got)
	}
	if p := h.Plan(b); !p.Has(stage.Restored) || p.Key(stage.PendingUser) != "" {
		t.Errorf("%v", p.Context)
	}
	if got := shown(h.Browser().Get("f", query)); got != "a" {
		t.Errorf("the link works twice: %s", got)
	}
	if got := shown(h.Browser().Get("f", link(g))); got != "a" {
		t.Errorf("a link of another flow works: %s", got)
	}
}

// What people type on the way may be a password: it rests sealed.
func TestPlansRestSealed(t *testing.T) {
	h, a := open(t)
	a.set("a", act{take: func(t *stage.Turn, in *probeAnswer) stage.Result {
		t.Plan.Map(stage.PromptData)["password"] = in.Word
		return stage.Done()
	}})
	h.Flow("f", flow.Authentication, aProbe(h, "a"), aProbe(h, "b"), aProbe(h, "c"))
	b := h.Browser()
	b.Get("f", "")
	b.Post("f", "", map[string]any{"word": "correct-horse-battery"})
	b.Post("f", "", map[string]any{"word": "x"})
	if h.Plan(b).Map(stage.PromptData)["password"] != "correct-horse-battery" {
		t.Fatal("the plan has lost the word")
	}
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(h.Store.DB().Path() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte("correct-horse")) {
			t.Errorf("the password can be read in the database file%s", suffix)
		}
	}
}

func TestTitle(t *testing.T) {
	h, a := open(t)
	ada := h.User("ada", "")
	app := stagetest.New[stagetest.App](h)
	app.Name = "Wiki"
	h.Make(app)
	a.set("a", act{show: func(t *stage.Turn) stage.Result {
		t.Plan.SetUser(ada)
		t.Plan.Context[stage.Application] = stage.Ref("authentik_core.application", app.PK)
		return stage.Done()
	}})
	f := h.Flow("f", flow.Authentication, aProbe(h, "a"), aProbe(h, "b"))
	for title, want := range map[string]string{
		"Plain": "Plain", "To %(app)s": "To Wiki", "%(user)s to %(app)s, 100%%": "ada to Wiki, 100%", "%(nothing)s %(app)s": "%(nothing)s %(app)s",
	} {
		f.Title = title
		h.Change(f)
		b := h.Browser()
		m := stagetest.Wire(b.Get("f", ""))
		if got := m["flow_info"].(map[string]any)["title"]; got != want {
			t.Errorf("%q: %v", title, got)
		}
		if m["pending_user"] != "ada" || !strings.HasPrefix(m["pending_user_avatar"].(string), "data:image/svg+xml;base64,") {
			t.Errorf("%v", m)
		}
	}
	// Whom somebody typed is called so, whoever it turned out to be; an application that is gone has no name.
	a.set("a", act{show: func(t *stage.Turn) stage.Result {
		t.Plan.SetUser(ada)
		t.Plan.Context[stage.PendingIdentifier] = "ADA@office.lan"
		t.Plan.Context[stage.Application] = stage.Ref("authentik_core.application", "00000000-0000-4000-8000-000000000000")
		return stage.Done()
	}})
	f.Title = "%(user)s to %(app)s"
	h.Change(f)
	if m := stagetest.Wire(h.Browser().Get("f", "")); m["flow_info"].(map[string]any)["title"] != "ADA@office.lan to " || m["pending_user"] != "ADA@office.lan" {
		t.Errorf("%v", m)
	}
}

// A plan that was made while another request had the session runs with the session as it is by then, and not at all when somebody else is
// in it or it has ended.
func TestRunReadsTheSessionAnew(t *testing.T) {
	h, a := open(t)
	ada, bob := h.User("ada", ""), h.User("bob", "")
	tries := 0
	a.set("a", act{show: func(t *stage.Turn) stage.Result {
		tries = t.Session.Data.Tries
		t.Session.Data.Tries++
		return stage.Done()
	}})
	f := h.Flow("f", flow.Authorization, aProbe(h, "a"))
	run := func(b *stagetest.Browser, s *session.Session) (flow.Outcome, error) {
		t.Helper()
		p, err := h.Engine.Plan(b.Context(), f, flow.PlanOptions{SignedIn: ada})
		if err != nil {
			t.Fatal(err)
		}
		return h.Engine.Run(b.Context(), f, p, flow.Input{Slug: "f", Session: s})
	}
	b := h.SignedIn(ada)
	stale := b.Session() // as the request found it at the door
	b.Remember(func(d *session.Data) { d.Tries = 7 })
	if out, err := run(b, stale); err != nil || out.To != "/" {
		t.Fatalf("%+v %v", out, err)
	}
	if got := b.Session().Data.Tries; tries != 7 || got != 8 {
		t.Errorf("the stage sees %d and leaves %d, want 7 and 8", tries, got)
	}
	stale = b.Session()
	h.Write(func(tx *store.Tx) error { return session.Impersonate(tx, stale, bob.PK) })
	if _, err := run(b, stale); !errors.Is(err, flow.ErrChanged) {
		t.Errorf("another person's plan runs: %v", err)
	}
	h.Write(func(tx *store.Tx) error { return session.End(tx, stale.UUID) })
	if _, err := run(b, stale); !errors.Is(err, flow.ErrChanged) {
		t.Errorf("the plan of a session that ended runs: %v", err)
	}
}
