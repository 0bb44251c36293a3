package db

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

// gate is a disk that writes when the test lets it.
type gate struct {
	began chan struct{} // a sync asks
	end   chan error    // what comes of it; nil: the real one
}

func gated(t *testing.T) (*DB, *gate) {
	t.Helper()
	g := &gate{began: make(chan struct{}, 100), end: make(chan error, 100)}
	o := options()
	o.sync = func(f *os.File) error {
		g.began <- struct{}{}
		if err := <-g.end; err != nil {
			return err
		}
		return syncData(f)
	}
	d := openAt(t, filepath.Join(t.TempDir(), "house.db"), o)
	t.Cleanup(func() { close(g.end) }) // before the house closes
	return d, g
}

func named(name string, soon bool) func(*Tx) error {
	return func(tx *Tx) error {
		if soon {
			tx.Soon()
		}
		_, err := tx.Exec(`INSERT INTO person (name) VALUES (?)`, name)
		return err
	}
}

func writing(t *testing.T, d *DB, fn func(*Tx) error) chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- d.Write(t.Context(), fn) }()
	return done
}

func persons(t *testing.T, d *DB) int { return count(t, d, `SELECT count(*) FROM person`) }

// A write that somebody relies on comes back after the sync, and the next one is committed meanwhile; both wait for a sync of their own
// time.
func TestWriteWaitsForTheDisk(t *testing.T) {
	d, g := gated(t)
	ada := writing(t, d, named("ada", false))
	<-g.began
	bob := writing(t, d, named("bob", false))
	cleo := writing(t, d, named("cleo", false))
	for persons(t, d) < 3 {
		time.Sleep(time.Millisecond) // committed while the first sync is under way
	}
	select {
	case err := <-ada:
		t.Fatalf("came back before the disk had it: %v", err)
	case <-bob:
		t.Fatal("the second came back before the disk had it")
	default:
	}
	g.end <- nil
	if err := <-ada; err != nil {
		t.Fatal(err)
	}
	<-g.began
	select {
	case <-bob:
		t.Fatal("the sync of the first does not cover the second")
	case <-cleo:
		t.Fatal("the sync of the first does not cover the third")
	default:
	}
	g.end <- nil
	if <-bob != nil || <-cleo != nil {
		t.Fatal("one of the two failed")
	}
	if len(g.began) != 0 {
		t.Error("one sync serves both")
	}
}

func TestSoon(t *testing.T) {
	d, g := gated(t)
	if err := d.Write(t.Context(), named("ada", true)); err != nil {
		t.Fatal(err)
	}
	if persons(t, d) != 1 || len(g.began) != 0 {
		t.Fatal("not seen at once, or not without the disk")
	}
	select {
	case <-g.began:
		g.end <- nil
	case <-time.After(time.Minute):
		t.Fatal("nobody brought it to the disk")
	}

	// A write that is waited for brings along what came before it.
	if err := d.Write(t.Context(), named("bob", true)); err != nil {
		t.Fatal(err)
	}
	g.end <- nil
	if err := d.Write(t.Context(), named("cleo", false)); err != nil {
		t.Fatal(err)
	}
	<-g.began
	time.Sleep(syncLater + syncLater/2)
	if len(g.began) != 0 {
		t.Error("it was brought to the disk twice")
	}

	// An error undoes it as ever.
	if err := d.Write(t.Context(), named("bob", true)); err == nil || persons(t, d) != 3 {
		t.Errorf("the same name twice: %v", err)
	}
}

// When the log can't be brought to the disk, the main file is written instead; only when that fails too is the write refused.
func TestSyncFails(t *testing.T) {
	d, g := gated(t)
	g.end <- syscall.EIO
	if err := d.Write(t.Context(), named("ada", false)); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(d.path + "-wal"); err != nil || st.Size() != 0 {
		t.Errorf("the log was not folded into the file: %v %v", st, err)
	}

	rows, err := d.Query(t.Context(), `SELECT name FROM person`) // a reader that stands in the way of folding
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	g.end <- syscall.EIO
	err = d.Write(t.Context(), named("bob", false))
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	rows.Close()
	g.end <- nil
	if err := d.Write(t.Context(), named("cleo", false)); err != nil {
		t.Errorf("the disk is well again: %v", err)
	}
}

// While the disk is busy with a commit, the next one takes in whoever comes; what waits for no disk is not kept, nor is anything when the
// disk is free.
func TestCommitsGatherWhileTheDiskIsBusy(t *testing.T) {
	ended := make(chan struct{})
	w := &writer{d: &DB{queue: make(chan *job, 1), sync: &syncer{}}}
	waits, soon, failed := &job{tx: &Tx{}}, &job{tx: &Tx{soon: true}}, &job{tx: &Tx{}, err: errGone}
	if w.gather([]*job{waits}, time.Hour) != nil {
		t.Error("waited while the disk was free")
	}
	w.d.sync.under(ended)
	for _, jobs := range [][]*job{{waits, soon}, {waits, failed}} {
		if w.gather(jobs, time.Hour) != nil {
			t.Error("kept a function that waits for no disk")
		}
	}
	next := &job{}
	w.d.queue <- next
	if got := w.gather([]*job{waits}, time.Hour); got != next {
		t.Errorf("took in %v, not the one that came", got)
	}
	if w.gather([]*job{waits}, time.Nanosecond) != nil {
		t.Error("waited longer than a commit may gather")
	}
	close(ended)
	if w.gather([]*job{waits}, time.Hour) != nil {
		t.Error("waited although the disk was done")
	}
}
