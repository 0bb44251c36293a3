package store

import (
	"errors"
	"strconv"
	"testing"
)

// A function whose first run was lost, as with a full disk, finds its objects without the keys that they got there, also those of a copy of the
// transaction; a key that they had before stays.
func TestKeysOfALostRun(t *testing.T) {
	f := newFixture(t)
	limit := func(tx *Tx, pages int) error {
		var n int
		if pages == 0 {
			if err := tx.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
				return err
			}
		}
		return tx.QueryRow("PRAGMA max_page_count = " + strconv.Itoa(pages)).Scan(&n)
	}
	for try := 0; ; try++ { // only what shares its commit runs again; a function that came too late for that is tried anew
		name := "s" + strconv.Itoa(try)
		s, own, b := &shelf{Name: name}, &shelf{PK: "0192f000-0000-4000-8000-0000000000" + strconv.Itoa(10+try), Name: "own " + name}, &borrower{Name: name, Attrs: map[string]any{}}
		runs := 0
		held, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
		go func() {
			first := true
			done <- f.Write(f.ctx, Actor{System: true}, func(*Tx) error {
				if first {
					first = false
					close(held)
					<-goOn
				}
				return nil
			})
		}()
		<-held
		began := make(chan struct{})
		go func() {
			close(began)
			err := f.Write(f.ctx, Actor{System: true}, func(tx *Tx) error {
				runs++
				if s.PK != "" || b.PK != 0 || own.PK == "" {
					t.Errorf("run %d begins with %q, %d and %q", runs, s.PK, b.PK, own.PK)
				}
				house := *tx
				if err := errors.Join(tx.Create(s), tx.Create(own), house.Create(b)); err != nil {
					return err
				}
				if runs > 1 {
					return limit(tx, 1<<30)
				}
				if err := limit(tx, 0); err != nil {
					return err
				}
				_, err := tx.Exec("UPDATE readers SET attrs = zeroblob(4000000) WHERE pk = ?", b.PK)
				return err
			})
			done <- err
		}()
		<-began
		close(goOn)
		first, second := <-done, <-done
		if runs < 2 && try < 80 {
			if err := f.Write(f.ctx, Actor{System: true}, func(tx *Tx) error { return limit(tx, 1<<30) }); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := errors.Join(first, second); err != nil || runs != 2 {
			t.Fatalf("%d runs: %v", runs, err)
		}
		if n := f.count("SELECT count(*) FROM object WHERE pk IN (?, ?)", s.PK, own.PK); n != 2 {
			t.Errorf("%d shelves are stored", n)
		}
		if n := f.count("SELECT count(*) FROM readers WHERE pk = ?", b.PK); n != 1 {
			t.Errorf("%d borrowers are stored", n)
		}
		f.create(&borrower{Name: "next", Attrs: map[string]any{}})
		return
	}
}
