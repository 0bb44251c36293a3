package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// room makes a room with a database of its own and people who all have the same password.
func room(t *testing.T, now func() time.Time, people int) *Room {
	t.Helper()
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "house.db"), db.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := crypt.ParseKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(d, key, now)
	users := &user.Directory{Store: s, Hasher: crypt.NewHasher(0), InstallID: "test", Settings: func(context.Context) user.Settings { return user.Settings{} }}
	events := &event.Log{Store: s, Logger: slog.New(slog.DiscardHandler)}
	s.Use(append(users.Kinds(), events.Kinds()...), events, nil)
	hash, err := users.Hasher.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), store.House, func(tx *store.Tx) error {
		for i := range people {
			u := store.KindOf[user.User](s).New().(*user.User)
			u.Username, u.Name, u.Password = fmt.Sprintf("p%d", i), "x", hash
			if err := tx.Create(u); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Room{Store: s, Users: users}
}

const password = "correct horse battery"

// try checks a password and counts as the stages do.
func (r *Room) try(t *testing.T, address, name, word string) (in bool, err error) {
	t.Helper()
	ctx := store.WithActor(t.Context(), store.Actor{HTTP: store.HTTP{ClientIP: address}})
	out, err := r.Check(ctx, []string{Inbuilt}, name, word)
	if err != nil {
		return false, err
	}
	count := user.Failed
	if out != nil {
		count = user.Succeeded
	}
	if err := r.Store.Write(ctx, store.House, func(tx *store.Tx) error { return count(tx, name, address) }); err != nil {
		t.Error(err)
	}
	return out != nil, nil
}

// wrong counts failures without the work of a hash.
func (r *Room) wrong(t *testing.T, n int, address, name string) {
	t.Helper()
	err := r.Store.Write(t.Context(), store.House, func(tx *store.Tx) error {
		for range n {
			if err := user.Failed(tx, name, address); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// At nine o'clock thirty people behind one address sign in at once, every third after a typing mistake. All get in.
func TestOfficeBehindOneAddress(t *testing.T) {
	r := room(t, time.Now, 30)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			name := fmt.Sprintf("p%d", i)
			if i%3 == 0 {
				if in, err := r.try(t, "203.0.113.9", name, "mistyped"); in || err != nil {
					t.Errorf("%s: %v %v", name, in, err)
				}
			}
			if in, err := r.try(t, "203.0.113.9", name, password); !in || err != nil {
				t.Errorf("%s: %v %v", name, in, err)
			}
		})
	}
	wg.Wait()
}

// A failure that was counted after a try looked at its watch, or before the clock was set back, makes nobody wait who has tries left, and
// nobody longer than the pause.
func TestFailureInTheFuture(t *testing.T) {
	var back atomic.Int64
	now := func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
	r := room(t, now, 2)
	r.wrong(t, 1, "203.0.113.9", "p0")
	r.wrong(t, 10, "203.0.113.9", "p1")
	back.Store(int64(3 * time.Hour))
	if err := r.Users.MayTry(t.Context(), "p0", "203.0.113.9"); err != nil {
		t.Errorf("after one failure: %v", err)
	}
	if err := r.Users.MayTry(t.Context(), "p1", "203.0.113.9"); !fault.Is(err, fault.TooMany) || !strings.Contains(err.Error(), "10 seconds") {
		t.Errorf("after ten failures: %v", err)
	}
}

// Day after day an office mistypes, gives names that nobody has, and goes on: its address does not become one that must wait.
func TestAnOfficeOfTypists(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	r := room(t, now, 1)
	for day := range 10 {
		for i := range 30 {
			r.wrong(t, 1, "203.0.113.9", fmt.Sprintf("nobody%d", i))
			ahead.Add(int64(time.Minute))
		}
		if err := r.Users.MayTry(t.Context(), "newcomer", "203.0.113.9"); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
		ahead.Add(int64(23 * time.Hour)) // never a day without one
	}
	// A hundred names in a row from one address are no mistakes.
	for i := range 100 {
		r.wrong(t, 1, "203.0.113.9", fmt.Sprintf("victim%d", i))
	}
	if err := r.Users.MayTry(t.Context(), "newcomer", "203.0.113.9"); !fault.Is(err, fault.TooMany) {
		t.Errorf("a sprayed address goes on: %v", err)
	}
}

// A stranger who tries passwords of somebody from everywhere can't keep them out where they usually are, nor can a colleague who uses up
// the tries of the shared address; but everybody else waits.
func TestNobodyIsLockedOut(t *testing.T) {
	r := room(t, time.Now, 2)
	const desk, office = "192.0.2.10", "203.0.113.9"
	for _, address := range []string{desk, office} {
		if in, err := r.try(t, address, "p0", password); !in || err != nil {
			t.Fatal(in, err)
		}
	}
	for i := range 20 {
		r.wrong(t, 10, fmt.Sprintf("198.51.100.%d", i), "p0")
	}
	if _, err := r.try(t, "198.51.100.200", "p0", password); !fault.Is(err, fault.TooMany) {
		t.Errorf("200 wrong passwords from everywhere, and a new address may try: %v", err)
	}
	if in, err := r.try(t, desk, "p0", password); !in || err != nil {
		t.Errorf("the person at their desk: %v %v", in, err)
	}
	for i := range 100 {
		r.wrong(t, 1, office, fmt.Sprintf("someone%d", i))
	}
	if in, err := r.try(t, office, "p0", password); !in || err != nil {
		t.Errorf("somebody known behind the shared address: %v %v", in, err)
	}
	if _, err := r.try(t, office, "p1", password); !fault.Is(err, fault.TooMany) {
		t.Errorf("somebody new there: %v", err)
	}
	// Where one is known ten tries are free as everywhere.
	r.wrong(t, 11, desk, "p0")
	if _, err := r.try(t, desk, "p0", password); !fault.Is(err, fault.TooMany) {
		t.Errorf("eleven wrong passwords at the desk: %v", err)
	}
}

// Who gets in takes back their own mistakes and nobody else's.
func TestOwnMistakesAreForgotten(t *testing.T) {
	r := room(t, time.Now, 1)
	r.wrong(t, 40, "198.51.100.1", "p0")
	r.wrong(t, 9, "192.0.2.10", "p0")
	r.wrong(t, 5, "192.0.2.10", "other")
	if in, err := r.try(t, "192.0.2.10", "p0", password); !in || err != nil {
		t.Fatal(in, err)
	}
	for key, want := range map[string]int{"name p0": 40, "address 192.0.2.10": 5, "pair p0 198.51.100.1": 40, "pair p0 192.0.2.10": 0} {
		var n int
		if err := r.Store.DB().QueryRow(t.Context(), "SELECT coalesce(sum(n), 0) FROM attempts WHERE who = ?", key).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, want %d (%v)", key, n, want, err)
		}
	}
}

// One device with IPv6 has 2^64 addresses: they are one.
func TestAddressesOfOneDevice(t *testing.T) {
	r := room(t, time.Now, 0)
	for i := range 12 {
		r.wrong(t, 1, fmt.Sprintf("2001:db8:1:2::%x", i+1), "p0")
	}
	if err := r.Users.MayTry(t.Context(), "p0", "2001:db8:1:2:ffff::1"); !fault.Is(err, fault.TooMany) {
		t.Errorf("another address of the same device: %v", err)
	}
	if err := r.Users.MayTry(t.Context(), "p0", "2001:db8:1:3::1"); err != nil {
		t.Errorf("another device: %v", err)
	}
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "fe80::1%eth0": "fe80::/64", "nonsense": "nonsense"} {
		if got := user.Network(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Many wrong passwords sent at once find the counter as if they came one after the other (lockout bypass by race).
func TestRaceForTries(t *testing.T) {
	r := room(t, time.Now, 1)
	var hashed atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if _, err := r.try(t, "192.0.2.1", "p0", "wrong"); err == nil {
				hashed.Add(1)
			} else if !fault.Is(err, fault.TooMany) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// The stage counts after the check, so those that were under way or waiting at that moment add a few.
	if n := hashed.Load(); n < 10 || n > 10+perAddress {
		t.Errorf("%d of 40 passwords were tried", n)
	}
}

// 200 people who sign in at the same moment take turns; a flood from one address is turned away.
func TestManyAtOnceFitIntoMemory(t *testing.T) {
	r := room(t, time.Now, 200)
	runtime.GC()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		var m runtime.MemStats
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse+m.StackInuse)
			}
		}
	}()
	var in atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ok, err := r.try(t, "203.0.113.9", fmt.Sprintf("p%d", i), password)
			if err != nil {
				t.Error(err)
			}
			if ok {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	close(stop)
	if n := in.Load(); n != 200 {
		t.Errorf("%d of 200 got in", n)
	}
	if most := <-peak; most > 200<<20 {
		t.Errorf("%d MiB at the most", most>>20)
	}
}

func TestFloodIsTurnedAway(t *testing.T) {
	var g gate
	ctx, cancel := context.WithCancel(t.Context())
	var leave []func()
	for range perAddress {
		l, err := g.enter(ctx, "a", perAddress)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	errs := make(chan error, maxWaiting)
	for range maxWaiting {
		go func() {
			_, err := g.enter(ctx, "a", perAddress)
			errs <- err
		}()
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		n := g.lanes["a"].users
		g.mu.Unlock()
		if n == perAddress+maxWaiting {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait", n)
		}
	}
	if _, err := g.enter(ctx, "a", perAddress); !fault.Is(err, fault.TooMany) {
		t.Errorf("one more: %v", err)
	}
	other, err := g.enter(ctx, "b", perAddress)
	if err != nil {
		t.Errorf("another address: %v", err)
	}
	other()
	cancel()
	for range maxWaiting {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
	}
	for _, l := range leave {
		l()
	}
	if len(g.lanes) != 0 {
		t.Errorf("%d lanes stay", len(g.lanes))
	}
}
