package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

// gang makes the writer find n functions in one batch: the first holds the writer until the others are waiting.
func gang(t *testing.T, d *DB, fns ...func(*Tx) error) []error {
	t.Helper()
	return gangOf(t, func(int) func(context.Context, func(*Tx) error) error { return d.Write }, d, fns...)
}

// gangOf is gang with a way to write for each function.
func gangOf(t *testing.T, write func(i int) func(context.Context, func(*Tx) error) error, d *DB, fns ...func(*Tx) error) []error {
	t.Helper()
	errs := make([]error, len(fns))
	held, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.Write(context.Background(), func(tx *Tx) error {
			once.Do(func() { close(held) })
			<-goOn
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	var ready atomic.Int32
	for i, fn := range fns {
		wg.Go(func() {
			ready.Add(1)
			errs[i] = write(i)(context.Background(), fn)
		})
		// In order: the next one starts when this one waits in the queue.
		for deadline := time.Now().Add(time.Minute); waiting() <= i; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("a write does not wait")
			}
		}
	}
	close(goOn)
	wg.Wait()
	return errs
}

// waiting counts the goroutines that stand in Write's select, by their stacks.
func waiting() int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	n := 0
	for g := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(g, "[select]") && strings.Contains(g, "(*DB).Write") && !strings.Contains(g, "(*job).run") {
			n++
		}
	}
	return n
}

func insert(name any) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO person (name) VALUES (?)", name)
		return err
	}
}

func TestBatchSavepoints(t *testing.T) {
	d := testDB(t)
	mine := errors.New("mine")
	var after []string
	note := func(s string) func(*Tx) error {
		return func(tx *Tx) error {
			tx.AfterCommit(func() { after = append(after, s+"1") })
			tx.AfterCommit(func() { after = append(after, s+"2") })
			return insert(s)(tx)
		}
	}
	var commits int
	errs := gang(t, d,
		func(tx *Tx) error { commits++; return insert("a")(tx) },
		func(tx *Tx) error {
			if err := note("b")(tx); err != nil {
				return err
			}
			return mine
		},
		insert("a"), // not unique
		note("c"),
		func(tx *Tx) error {
			// It sees what came before in the same commit, and not what was undone.
			var n int
			if err := tx.QueryRow("SELECT count(*) FROM person").Scan(&n); err != nil || n != 2 {
				return fmt.Errorf("%d rows, %v", n, err)
			}
			return nil
		},
	)
	_, unique := IsUnique(errs[2])
	if errs[0] != nil || errs[1] != mine || !unique || errs[3] != nil || errs[4] != nil {
		t.Fatal(errs)
	}
	if commits != 1 {
		t.Errorf("a function of a good commit ran %d times", commits)
	}
	if n := count(t, d, "SELECT count(*) FROM person WHERE name IN ('a', 'c')"); n != 2 {
		t.Error("rows", n)
	}
	if n := count(t, d, "SELECT count(*) FROM person"); n != 2 {
		t.Error("rows", n)
	}
	if !slices.Equal(after, []string{"c1", "c2"}) {
		t.Error("after commit:", after)
	}
}

// A bare function that fails takes nothing of the others with it: all run again alone. One that does not fail runs once.
func TestBareWrites(t *testing.T) {
	mine := errors.New("mine")
	for _, fails := range []bool{false, true} {
		d := testDB(t)
		runs := map[string]int{}
		var mu sync.Mutex
		var after []string
		add := func(name string, err error) func(*Tx) error {
			return func(tx *Tx) error {
				runs[name]++
				tx.AfterCommit(func() {
					mu.Lock()
					defer mu.Unlock()
					after = append(after, name)
				})
				return errors.Join(insert(name)(tx), err)
			}
		}
		var err error
		want := 1
		if fails {
			err, want = mine, 2
		}
		bare := func(i int) func(context.Context, func(*Tx) error) error {
			if i%2 == 0 {
				return d.WriteBare
			}
			return d.Write
		}
		errs := gangOf(t, bare, d, add("a", nil), add("b", nil), add("c", err), add("d", mine))
		if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], err) || !errors.Is(errs[3], mine) {
			t.Fatal(errs)
		}
		if runs["a"] != want || runs["b"] != want || runs["c"] != want {
			t.Errorf("runs %v, want %d", runs, want)
		}
		there := []string{"a", "b", "c"}
		if fails {
			there = there[:2]
		}
		if slices.Sort(after); !slices.Equal(after, there) {
			t.Error("after commit:", after)
		}
		if n := count(t, d, "SELECT count(*) FROM person"); n != len(there) {
			t.Error("rows", n)
		}
	}
}

// A full disk in the middle of a batch undoes all of it; then each function runs alone, and only those that don't fit fail.
func TestFullDisk(t *testing.T) {
	d := testDB(t)
	runs := map[string]int{}
	var mu sync.Mutex
	var after []string
	limit := func(pages int) {
		if err := d.Write(t.Context(), func(tx *Tx) error {
			var n int
			return tx.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
	}
	f := func(name string, size int, hide bool) func(*Tx) error {
		return func(tx *Tx) error {
			runs[name]++
			tx.AfterCommit(func() {
				mu.Lock()
				defer mu.Unlock()
				after = append(after, name)
			})
			if err := insert(name)(tx); err != nil {
				return err
			}
			_, err := tx.Exec("UPDATE person SET body = zeroblob(?) WHERE name = ?", size, name)
			if hide {
				return nil
			}
			return err
		}
	}
	pages := count(t, d, "PRAGMA page_count")
	limit(pages + 4)
	errs := gang(t, d, f("a", 10, false), f("big", 1<<20, false), f("b", 10, false), f("hidden", 1<<20, true), f("c", 10, false))
	for _, i := range []int{0, 2, 4} {
		if errs[i] != nil {
			t.Errorf("%d: %v", i, errs[i])
		}
	}
	for _, i := range []int{1, 3} {
		if !IsFull(errs[i]) || !fault.Is(errs[i], fault.Unavailable) || !strings.Contains(say(errs[i]), "disk is full") {
			t.Errorf("%d: %v", i, errs[i])
		}
	}
	if runs["a"] != 2 || runs["big"] != 2 {
		t.Error("runs", runs)
	}
	if n := count(t, d, "SELECT count(*) FROM person"); n != 3 {
		t.Errorf("%d rows", n)
	}
	if slices.Sort(after); !slices.Equal(after, []string{"a", "b", "c"}) {
		t.Error("after commit:", after)
	}
	// Space again: no restart is needed.
	limit(1 << 30)
	if err := d.Write(t.Context(), f("big", 1<<20, false)); err != nil {
		t.Error(err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFullDiskForced(t *testing.T) {
	d := testDB(t)
	var acked, failed atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				name := fmt.Sprintf("%d-%d", g, i)
				err := d.Write(context.Background(), func(tx *Tx) error {
					if err := insert(name)(tx); err != nil {
						return err
					}
					if i%10 == 9 { // this one never fits
						var n int
						if err := tx.QueryRow("PRAGMA max_page_count = 1").Scan(&n); err != nil {
							return err
						}
						defer func() { tx.QueryRow("PRAGMA max_page_count = 1000000").Scan(&n) }()
						_, err := tx.Exec("UPDATE person SET body = zeroblob(1000000) WHERE name = ?", name)
						return err
					}
					return nil
				})
				switch {
				case err == nil && i%10 != 9:
					acked.Add(1)
				case i%10 == 9 && IsFull(err):
					failed.Add(1)
				default:
					t.Error(name, err)
				}
			}
		})
	}
	wg.Wait()
	if acked.Load() != 8*54 || failed.Load() != 8*6 {
		t.Error(acked.Load(), failed.Load())
	}
	if n := count(t, d, "SELECT count(*) FROM person"); int64(n) != acked.Load() {
		t.Errorf("%d rows, %d acknowledged", n, acked.Load())
	}
}

func TestReadersNeverBusy(t *testing.T) {
	d := testDB(t)
	stop := make(chan struct{})
	var reads, writes atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if g < 4 {
					if err := d.Write(context.Background(), func(tx *Tx) error {
						var n int
						if err := tx.QueryRow("SELECT count(*) FROM person WHERE id < 10").Scan(&n); err != nil {
							return err
						}
						return insert(fmt.Sprint(g, "-", i))(tx)
					}); err != nil {
						t.Error("write:", err)
						return
					}
					writes.Add(1)
					continue
				}
				rows, err := d.Query(context.Background(), "SELECT id, name FROM person ORDER BY id DESC LIMIT 20")
				if err != nil {
					t.Error("read:", err)
					return
				}
				for rows.Next() {
				}
				if err := errors.Join(rows.Err(), rows.Close()); err != nil {
					t.Error("read:", err)
					return
				}
				reads.Add(1)
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); reads.Load() < 500 || writes.Load() < 200; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Error("too slow:", reads.Load(), writes.Load())
			break
		}
	}
	close(stop)
	wg.Wait()
}

func TestWriteContext(t *testing.T) {
	d := testDB(t)
	ctx, cancel := context.WithCancel(t.Context())
	// Cancelled while it runs: it goes on to its end.
	if err := d.Write(ctx, func(tx *Tx) error { cancel(); return insert("a")(tx) }); err != nil {
		t.Error(err)
	}
	// Cancelled before: it never begins.
	if err := d.Write(ctx, insert("b")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Cancelled while it waits.
	held, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		d.Write(context.Background(), func(tx *Tx) error { close(held); <-goOn; return nil })
	})
	<-held
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.Write(ctx, insert("c")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(goOn)
	wg.Wait()
	if n := count(t, d, "SELECT count(*) FROM person"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestPanicAndGoexit(t *testing.T) {
	d := testDB(t)
	var recovered any
	errs := gang(t, d,
		insert("a"),
		func(tx *Tx) error { return insert("b")(tx) },
	)
	if errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	func() {
		defer func() { recovered = recover() }()
		d.Write(t.Context(), func(tx *Tx) error {
			tx.AfterCommit(func() { t.Error("ran after a panic") })
			if err := insert("c")(tx); err != nil {
				return err
			}
			panic("boom")
		})
	}()
	if recovered != "boom" {
		t.Error("recovered", recovered)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Write(context.Background(), func(tx *Tx) error {
			insert("d")(tx)
			runtime.Goexit()
			return nil
		})
	}()
	<-done
	if err := d.Write(t.Context(), insert("e")); err != nil {
		t.Fatal(err)
	}
	if n := count(t, d, "SELECT count(*) FROM person WHERE name IN ('c', 'd')"); n != 0 {
		t.Errorf("%d rows of functions that did not return", n)
	}
	if n := count(t, d, "SELECT count(*) FROM person"); n != 3 {
		t.Errorf("%d rows", n)
	}
}

func TestTx(t *testing.T) {
	d := testDB(t)
	var kept *Tx
	if err := d.Write(t.Context(), func(tx *Tx) error {
		kept = tx
		if want := day.Truncate(time.Microsecond); !tx.Now.Equal(want) || tx.Now.Location() != time.UTC {
			t.Errorf("now %v", tx.Now)
		}
		for i := range 5 {
			if err := insert(i)(tx); err != nil {
				return err
			}
		}
		// The same statement inside of its own rows.
		const q = "SELECT id FROM person WHERE id > ? ORDER BY id"
		pairs := 0
		outer, err := tx.Query(q, 0)
		if err != nil {
			return err
		}
		for outer.Next() {
			var a int
			if err := outer.Scan(&a); err != nil {
				return err
			}
			inner, err := tx.Query(q, a)
			if err != nil {
				return err
			}
			for inner.Next() {
				pairs++
			}
			var n int
			if err := tx.QueryRow("SELECT count(*) FROM person WHERE id > ?", a).Scan(&n); err != nil {
				return err
			}
		}
		if err := outer.Err(); err != nil || pairs != 10 {
			t.Error(pairs, err)
		}
		// Rows that nobody closes, many of them.
		for range 200 {
			if _, err := tx.Query("SELECT id FROM person"); err != nil {
				return err
			}
		}
		r, err := tx.Exec("UPDATE person SET body = ''")
		if err != nil {
			return err
		}
		if n, _ := r.RowsAffected(); n != 5 {
			t.Error("changed", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Exec("DELETE FROM person"); err == nil {
		t.Error("Exec after the end")
	}
	if _, err := kept.Query("SELECT 1"); err == nil {
		t.Error("Query after the end")
	}
	if err := kept.QueryRow("SELECT 1").Scan(new(int)); err == nil {
		t.Error("QueryRow after the end")
	}
	// A function that ends the transaction behind our back gets an error and does not break the writer.
	if err := d.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec("COMMIT"); return err }); err == nil {
		t.Error("COMMIT in a function")
	}
	if err := d.Write(t.Context(), insert("last")); err != nil {
		t.Error(err)
	}
	if n := count(t, d, "SELECT count(*) FROM person"); n != 6 {
		t.Errorf("%d rows", n)
	}
}

func TestClose(t *testing.T) {
	d := testDB(t)
	held, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		d.Write(context.Background(), func(tx *Tx) error { close(held); <-goOn; return insert("a")(tx) })
	})
	<-held
	for i := range 5 {
		wg.Go(func() {
			if err := d.Write(context.Background(), insert(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); waiting() < 5; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("no writes wait")
		}
	}
	wg.Go(func() { close(goOn) })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := d.Write(t.Context(), insert("late")); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	d = openAt(t, d.Path(), options())
	if n := count(t, d, "SELECT count(*) FROM person"); n != 6 {
		t.Errorf("%d rows: Close did not wait for the queue", n)
	}
}

// Another program that holds the file makes writes wait, not fail.
func TestForeignLock(t *testing.T) {
	d := testDB(t)
	other, err := openOther(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.Write(context.Background(), insert("a")) }()
	// A few reads go through meanwhile.
	for range 100 {
		count(t, d, "SELECT count(*) FROM person")
	}
	if _, err := conn.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func BenchmarkWriteAlone(b *testing.B) {
	d := openAt(b, filepath.Join(b.TempDir(), "house.db"), options())
	for i := 0; b.Loop(); i++ {
		if err := d.Write(context.Background(), insert(i)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite16(b *testing.B) {
	d := openAt(b, filepath.Join(b.TempDir(), "house.db"), options())
	var n atomic.Int64
	b.SetParallelism(max(1, 16/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := d.Write(context.Background(), insert(n.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	d := openAt(b, filepath.Join(b.TempDir(), "house.db"), options())
	if err := d.Write(context.Background(), insert("a")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var id int
		if err := d.QueryRow(context.Background(), "SELECT id FROM person WHERE name = ?", "a").Scan(&id); err != nil {
			b.Fatal(err)
		}
	}
}
