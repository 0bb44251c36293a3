package flow_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
)

// lateHouse is a house with a flow of three steps, the last of which signs ada in, and a first session that its address had stored.
func lateHouse(t *testing.T) (*stagetest.House, int64) {
	h, a := open(t)
	ada := h.User("ada", "")
	a.set("login", act{show: login(h, func() int64 { return ada.PK })})
	h.Flow("f", flow.Authentication, aProbe(h, "a"), aProbe(h, "b"), aProbe(h, "login"))
	h.Browser().Get("f", "")
	return h, ada.PK
}

func rowsOf(h *stagetest.House) string {
	return fmt.Sprintf("%d sessions, %d plans", h.Count("sessions", "1 = 1"), h.Count("plans", "1 = 1"))
}

var word = map[string]any{"word": "x"}

// Who is through in time leaves nothing of the session in which nobody had signed in: it was never stored.
func TestSessionsBeginInMemory(t *testing.T) {
	h, ada := lateHouse(t)
	before := rowsOf(h)
	b := h.Browser()
	b.Get("f", "")
	if got := shown(b.Post("f", "", word)); got != "b" || rowsOf(h) != before {
		t.Fatalf("%s; %s, %s before", got, rowsOf(h), before)
	}
	old := *b
	if got := shown(b.Post("f", "", word)); got != "to /" {
		t.Fatal(got)
	}
	if s := b.Session(); s == nil || s.User != ada {
		t.Fatalf("%+v", s)
	}
	if old.Session() != nil {
		t.Error("the session from before is still good")
	}
	if got := rowsOf(h); got != "2 sessions, 1 plans" {
		t.Error(got)
	}
	if err := h.Sessions.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(h); got != "2 sessions, 1 plans" || old.Session() != nil {
		t.Errorf("what was let go came back: %s", got)
	}
}

// Who takes their time is stored, and goes on where they were.
func TestSessionsAreStoredInTime(t *testing.T) {
	h, ada := lateHouse(t)
	b := h.Browser()
	b.Get("f", "")
	b.Post("f", "", word)
	for until := time.Now().Add(10 * time.Second); rowsOf(h) != "2 sessions, 2 plans"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("after ten seconds: %s", rowsOf(h))
		}
	}
	if _, late := h.Sessions.Late(b.Session().UUID); late {
		t.Error("it lives in memory still")
	}
	if got := shown(b.Get("f", "")); got != "b" {
		t.Errorf("the flow is at %s", got)
	}
	if got := shown(b.Post("f", "", word)); got != "to /" || b.Session().User != ada {
		t.Error(got)
	}
	if got := rowsOf(h); got != "2 sessions, 1 plans" {
		t.Error(got)
	}
}

// Whoever else has to do with such a session has it stored first, with what it was to have done; a transaction that fails leaves it as it was.
func TestSessionsLandWhenTouched(t *testing.T) {
	h, ada := lateHouse(t)
	for name, touch := range map[string]func(tx *store.Tx, s *session.Session) error{
		"what it remembers": func(tx *store.Tx, s *session.Session) error {
			s.Data.Application = "wiki"
			return session.Save(tx, s)
		},
		"its end": func(tx *store.Tx, s *session.Session) error {
			return session.EndBy(tx, s.UUID, tx.Now.Add(time.Minute))
		},
		"all": func(tx *store.Tx, _ *session.Session) error { return session.EndFor(tx, ada, "") },
	} {
		b := h.Browser()
		b.Get("f", "")
		b.Post("f", "", word)
		s, done := b.Session(), 0
		if !h.Sessions.Rest(s.UUID, s.Data, mustLate(t, h, s.UUID), []session.Job{func(*store.Tx) error { done++; return nil }}) {
			t.Fatalf("%s: it is stored", name)
		}
		refused := fmt.Errorf("refused")
		if err := h.Store.Write(t.Context(), store.House, func(tx *store.Tx) error {
			if err := touch(tx, s); err != nil {
				return err
			}
			return refused
		}); err == nil {
			t.Fatal("no error")
		}
		if n := h.Count("sessions", "uuid = ?", s.UUID); n != 0 || b.Session() == nil || b.Session().Data.Application != "" {
			t.Fatalf("%s, undone: %d rows, %+v", name, n, b.Session())
		}
		done = 0
		h.Write(func(tx *store.Tx) error { return touch(tx, s) })
		if n := h.Count("sessions", "uuid = ?", s.UUID) + h.Count("plans", "session = ?", s.UUID); n != 2 || done != 1 {
			t.Errorf("%s: %d rows, done %d times", name, n, done)
		}
		if _, late := h.Sessions.Late(s.UUID); late {
			t.Errorf("%s: it lives in memory still", name)
		}
		if now := b.Session(); now == nil || name == "what it remembers" && now.Data.Application != "wiki" || name == "its end" && !now.Expires.Before(s.Expires) {
			t.Errorf("%s: %+v", name, now)
		}
		if got := shown(b.Get("f", "")); got != "b" {
			t.Errorf("%s: the flow is at %s", name, got)
		}
	}
}

func mustLate(t *testing.T, h *stagetest.House, uuid string) session.Resting {
	t.Helper()
	p, late := h.Sessions.Late(uuid)
	if !late {
		t.Fatal("it does not live in memory")
	}
	return p
}

// What a step uses up is used up in the transaction that stores what it leads to: one of two who came with the same is refused there.
func TestStepsWriteWithWhatTheyLeadTo(t *testing.T) {
	h, a := open(t)
	ada, left := h.User("ada", ""), 1
	a.set("uses", act{take: func(*stage.Turn, *probeAnswer) stage.Result {
		return stage.Done().Writing(func(tx *store.Tx) error {
			if left == 0 {
				return fault.New(fault.Conflict, "used already")
			}
			left--
			tx.Anyhow(func(err error) {
				if err != nil {
					left++
				}
			})
			return nil
		}).Else(func(error) stage.Result { return stage.Wrong("word", "used") }).Soon()
	}})
	a.set("login", act{show: func(t *stage.Turn) stage.Result {
		return login(h, func() int64 { return ada.PK })(t).Else(func(error) stage.Result { return stage.Deny("") })
	}})
	h.Flow("f", flow.Authentication, aProbe(h, "uses"), aProbe(h, "then"), aProbe(h, "login"))
	h.Browser().Get("f", "")
	var both [2]*stagetest.Browser
	for i := range both {
		both[i] = h.Browser()
		both[i].Get("f", "")
		if got := shown(both[i].Post("f", "", word)); got != "then" || left != 1 {
			t.Fatalf("%s, %d left", got, left)
		}
	}
	if got := shown(both[1].Post("f", "", word)); got != "to /" || left != 0 || both[1].Session().User != ada.PK {
		t.Errorf("%s, %d left", got, left)
	}
	if got := shown(both[0].Post("f", "", word)); got != "ak-stage-access-denied" || both[0].Session() != nil && both[0].Session().User != 0 {
		t.Errorf("who came second: %s", got)
	}
	// Who is stored meanwhile has used it up then; who comes with it afterwards begins anew.
	left = 1
	var slow [2]*stagetest.Browser
	for i := range slow {
		slow[i] = h.Browser()
		slow[i].Get("f", "")
		slow[i].Post("f", "", word)
	}
	if err := h.Sessions.Flush(t.Context()); err != nil || left != 0 {
		t.Fatalf("%v, %d left", err, left)
	}
	if got := shown(slow[0].Post("f", "", word)); got != "to /" {
		t.Error(got)
	}
	if slow[1].Session() != nil {
		t.Error("a session with what another one used up")
	}
}

// However fast sessions begin, an address holds no more than two hundred; and once the house closes they are stored at once.
func TestSessionsInMemoryAreCounted(t *testing.T) {
	h, _ := lateHouse(t)
	var last *stagetest.Browser
	for range 450 {
		last = h.Browser()
		last.Get("f", "")
	}
	if err := h.Sessions.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := h.Count("sessions", `"user" IS NULL`); n != 200 {
		t.Errorf("%d sessions", n)
	}
	if last.Session() == nil {
		t.Error("the last one is pushed out")
	}
	b := h.Browser()
	b.IP = "192.0.2.8"
	b.Get("f", "")
	other := h.Browser()
	other.IP = b.IP
	other.Get("f", "")
	if _, late := h.Sessions.Late(other.Session().UUID); late {
		t.Error("a session begins in memory though the house closes")
	}
}

// People come and go while sessions are stored: everybody is signed in in the end, once.
func TestSessionsInMemoryBesideOthers(t *testing.T) {
	h, ada := lateHouse(t)
	const people, rounds = 8, 15
	stop := make(chan struct{})
	var storing, coming sync.WaitGroup
	storing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := h.Sessions.Flush(t.Context()); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	for range people {
		coming.Go(func() {
			for range rounds {
				b := h.Browser()
				b.Get("f", "")
				b.Post("f", "", word)
				if got := shown(b.Post("f", "", word)); got != "to /" {
					t.Error(got)
					return
				}
				if s := b.Session(); s == nil || s.User != ada {
					t.Errorf("%+v", s)
				}
			}
		})
	}
	coming.Wait()
	close(stop)
	storing.Wait()
	if n := h.Count("sessions", `"user" = ?`, ada); n != people*rounds {
		t.Errorf("%d signed in", n)
	}
	if n, plans := h.Count("sessions", `"user" IS NULL`), h.Count("plans", "1 = 1"); n != 1 || plans != 1 {
		t.Errorf("%d sessions and %d plans are left", n, plans)
	}
}
