package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A row that is kept is never older than the last change that somebody was told of.
func TestRows(t *testing.T) {
	s := newFixture(t).Store
	exec := func(tx *Tx, query string, args ...any) {
		if _, err := tx.Exec(query, args...); err != nil {
			t.Error(err)
		}
	}
	write := func(fn func(tx *Tx)) {
		t.Helper()
		if err := s.Write(t.Context(), House, func(tx *Tx) error { fn(tx); return nil }); err != nil {
			t.Error(err)
		}
	}
	write(func(tx *Tx) {
		exec(tx, `CREATE TABLE pots (pk INTEGER PRIMARY KEY, n INTEGER)`)
		exec(tx, `INSERT INTO pots VALUES (1, 0), (2, 0)`)
	})
	var rows Rows[int64, int]
	var reads atomic.Int64
	get := func(pk int64) int {
		t.Helper()
		n, err := rows.Get(s, "pots", pk, func() (n int, err error) {
			reads.Add(1)
			return n, s.DB().QueryRow(t.Context(), `SELECT n FROM pots WHERE pk = ?`, pk).Scan(&n)
		})
		if err != nil {
			t.Error(err)
		}
		return n
	}
	set := func(pk int64, n int, keys ...any) {
		t.Helper()
		write(func(tx *Tx) {
			tx.Touched("pots", keys...)
			exec(tx, `UPDATE pots SET n = ? WHERE pk = ?`, n, pk)
		})
	}
	one := func(name string, want int, read int64) {
		t.Helper()
		was := reads.Load()
		if got := get(1); got != want || reads.Load()-was != read {
			t.Errorf("%s: %d after %d reads, want %d after %d", name, got, reads.Load()-was, want, read)
		}
	}
	one("first", 0, 1)
	one("kept", 0, 0)
	set(2, 5, int64(2))
	one("another was changed", 0, 0)
	set(1, 6, int64(1))
	one("changed", 6, 1)
	set(1, 7)
	one("any may have changed", 7, 1)
	if err := s.Write(t.Context(), House, func(tx *Tx) error {
		tx.Touched("pots", int64(1))
		return errors.New("no")
	}); err == nil {
		t.Error("a refused write went through")
	}
	one("what came of a write is not known to all", 7, 1)
	if err := s.Create(t.Context(), &shelf{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	one("a kind's object was changed", 7, 1)
	if _, err := rows.Get(s, "pots", 3, func() (int, error) { return 0, errors.New("gone") }); err == nil {
		t.Error("an error was kept")
	}

	// What a transaction says that it stores is kept from its commit on.
	wrote := func(n int, after func(tx *Tx) error) error {
		return s.Write(t.Context(), House, func(tx *Tx) error {
			rows.Wrote(tx, "pots", 1, n)
			exec(tx, `UPDATE pots SET n = ? WHERE pk = 1`, n)
			return after(tx)
		})
	}
	done := func(*Tx) error { return nil }
	if err := wrote(20, done); err != nil {
		t.Fatal(err)
	}
	one("written", 20, 0)
	if err := wrote(21, func(*Tx) error { return errors.New("no") }); err == nil {
		t.Error("a refused write went through")
	}
	one("not written", 20, 1)
	if err := wrote(22, func(tx *Tx) error {
		tx.Touched("pots", int64(1))
		exec(tx, `UPDATE pots SET n = 23 WHERE pk = 1`)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	one("touched again in the same transaction", 23, 1)
	if err := wrote(24, func(tx *Tx) error { return tx.Create(&shelf{Name: "b"}) }); err != nil {
		t.Fatal(err)
	}
	one("with a change of a kind's object", 24, 1)
	if n, err := rows.Find(s, "pots", func() (int64, int, error) { return 2, 5, nil }); n != 5 || err != nil {
		t.Errorf("found %d %v", n, err)
	}
	was := reads.Load()
	if got := get(2); got != 5 || reads.Load() != was {
		t.Errorf("what was found is not kept: %d", got)
	}
	if len(rows.coming) != 0 {
		t.Errorf("%d marks are left", len(rows.coming))
	}

	// Of two who store one after the other the hooks may run in any order: the later value counts.
	for n := range 100 {
		var both sync.WaitGroup
		for i := range 2 {
			both.Go(func() {
				if err := wrote(100+2*n+i, done); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		var now int
		if err := s.DB().QueryRow(t.Context(), `SELECT n FROM pots WHERE pk = 1`).Scan(&now); err != nil {
			t.Fatal(err)
		}
		if got := get(1); got != now {
			t.Fatalf("%d is kept, %d stored", got, now)
		}
	}
	set(1, 7, int64(1))

	// Readers and writers at once: who was told of a value never reads an older one afterwards.
	var all sync.WaitGroup
	var told atomic.Int64
	told.Store(7)
	until := time.Now().Add(200 * time.Millisecond)
	for range 4 {
		all.Go(func() {
			for time.Now().Before(until) {
				least := told.Load()
				if got := get(1); int64(got) < least {
					t.Errorf("%d was read after %d was told", got, least)
					return
				}
			}
		})
	}
	for n := 8; time.Now().Before(until); n++ {
		if n%2 == 0 {
			set(1, n, int64(1))
		} else if err := wrote(n, done); err != nil {
			t.Error(err)
		}
		told.Store(int64(n))
	}
	all.Wait()

	for n := range int64(mostRows + 50) {
		if _, err := rows.Get(s, "pots", n, func() (int, error) { return 0, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(rows.m) > mostRows {
		t.Errorf("%d rows are kept", len(rows.m))
	}
}
