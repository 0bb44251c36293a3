package reputation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/reputation"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

func open(t *testing.T) *stagetest.House {
	return stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		h.Events.Heard = append(h.Events.Heard, reputation.Heard)
		return stagetest.Made{Kinds: []*kind.Kind{reputation.Kind(h.Store), reputation.Scores(nil)}}
	})
}

// happens writes an event of the audit log about a name and an address.
func happens(h *stagetest.House, action, name, ip string) {
	h.T.Helper()
	a := store.Actor{System: true, HTTP: store.HTTP{ClientIP: ip, Path: "/"}}
	if err := h.Store.Write(h.T.Context(), a, func(tx *store.Tx) error {
		return h.Events.EmitTx(tx, event.Entry{Action: action, Context: map[string]any{"username": name}, User: &event.Who{PK: 1, Username: name}})
	}); err != nil {
		h.T.Fatal(err)
	}
}

func TestScores(t *testing.T) {
	h := open(t)
	const here, there = "192.0.2.7", "192.0.2.8"
	for range 3 {
		happens(h, event.LoginFailed, "ada", here)
	}
	happens(h, event.LoginFailed, "bob", here)
	happens(h, event.LoginFailed, "ada", there)
	happens(h, event.Login, "ada", there)
	happens(h, event.Login, "ada", there)
	happens(h, event.Logout, "ada", here)
	happens(h, event.LoginFailed, "", here)
	happens(h, event.LoginFailed, strings.Repeat("ä", 2_000), "")
	all, err := store.All[reputation.Score](t.Context(), h.Store, store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range all {
		got[s.Identifier+" "+s.IP] = s.Score
	}
	if len(got) != 3 || got["ada "+here] != -3 || got["bob "+here] != -1 || got["ada "+there] != 1 {
		t.Errorf("%v", got)
	}
	ada := &user.User{PK: 1, Username: "ada"}
	for _, tt := range []struct {
		name      string
		ip, user  bool
		who       *user.User
		from      string
		threshold int64
		want      bool
	}{
		{"address", true, false, nil, here, -4, true},
		{"address, above", true, false, nil, here, -5, false},
		{"name", false, true, ada, "203.0.113.1", -2, true},
		{"name, above", false, true, ada, here, -3, false},
		{"both count each row once", true, true, ada, here, -3, true},
		{"both, above", true, true, ada, here, -4, false},
		{"nobody knows them", true, true, &user.User{PK: 2, Username: "eve"}, "203.0.113.1", -1, false},
		{"nobody at all", true, true, nil, "", -1, false},
	} {
		p := stagetest.New[reputation.Policy](h)
		p.CheckIP, p.CheckUsername, p.Threshold = tt.ip, tt.user, tt.threshold
		r, err := p.Passes(t.Context(), &policy.Request{User: tt.who, HTTP: store.HTTP{ClientIP: tt.from}})
		if err != nil || r.Passing != tt.want {
			t.Errorf("%s: %t %v %v", tt.name, r.Passing, r.Raw, err)
		}
	}
	h.Wait(25 * time.Hour)
	p := stagetest.New[reputation.Policy](h)
	p.Threshold = -1
	if r, err := p.Passes(t.Context(), &policy.Request{User: ada, HTTP: store.HTTP{ClientIP: here}}); err != nil || r.Passing {
		t.Errorf("what is over counts: %v %v", r.Raw, err)
	}
	happens(h, event.LoginFailed, "ada", here)
	if n := h.Count("reputation", "identifier = 'ada' AND ip = ? AND score = -1", here); n != 1 {
		t.Error("an old score goes on")
	}
	if n, err := reputation.CleanUp(t.Context(), h.Store); err != nil || n != 2 {
		t.Errorf("%d %v", n, err)
	}
}

// A name that nobody has lowers its own score only; what is too long is cut as it is when it is looked up.
func TestUnknown(t *testing.T) {
	h := open(t)
	for _, name := range []string{"nobody", "nobody", "", strings.Repeat("ä", 2_000)} {
		h.Write(func(tx *store.Tx) error { return reputation.Unknown(tx, name, "192.0.2.7") })
	}
	h.Write(func(tx *store.Tx) error { return reputation.Unknown(tx, "nobody", "") })
	if h.Count("reputation", "identifier = 'nobody' AND score = -2") != 1 || h.Count("reputation", "length(identifier) = 150 AND score = -1") != 1 || h.Count("reputation", "1 = 1") != 2 {
		t.Error("other scores")
	}
	h.Write(func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO reputation (pk, identifier, ip, score, updated, expires)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) SELECT 'pk ' || i, 'made up ' || i, '192.0.2.8', -1, 0, 0 FROM n`)
		return err
	})
	for _, name := range []string{"one more", "one too many"} {
		h.Write(func(tx *store.Tx) error { return reputation.Unknown(tx, name, "192.0.2.8") })
	}
	if n := h.Count("reputation", "ip = '192.0.2.8'"); n != 1_000 {
		t.Errorf("%d names of one address are kept", n)
	}
}

// What is undone leaves no score.
func TestUndone(t *testing.T) {
	h := open(t)
	undone := h.Store.Write(t.Context(), store.Actor{HTTP: store.HTTP{ClientIP: "192.0.2.7", Path: "/"}}, func(tx *store.Tx) error {
		if err := h.Events.EmitTx(tx, event.Entry{Action: event.LoginFailed, Context: map[string]any{"username": "ada"}}); err != nil {
			return err
		}
		return errors.New("undone")
	})
	if undone == nil || h.Count("reputation", "1 = 1") != 0 {
		t.Errorf("%v", undone)
	}
}
