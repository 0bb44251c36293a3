package db

import (
	"context"
	"os"
	"sync"
	"time"

	"gatehouse/backend/fault"
)

// syncLater is how long a commit that nobody waits for may stay off the disk.
const syncLater = time.Second

// syncer makes commits durable while the next ones run: SQLite itself only writes them to its log (synchronous = NORMAL), and whoever
// waits is told once the log is on the disk. One sync serves every commit that came before it. The rest of SQLite's promises stands on
// its own syncs around checkpoints. Docs: docs/decisions/2026-11-29-syncs.md.
type syncer struct {
	d     *DB
	jobs  chan []*job // committed, not known to be durable
	ended chan struct{}
	write func(*os.File) error // syncData, but in tests

	mu    sync.Mutex
	busy  chan struct{} // closed when the sync ends that somebody waits for; nil: none is under way
	log   *os.File      // SQLite's log, for syncs only; nil: not opened yet
	later *time.Timer
}

func startSyncer(d *DB) *syncer {
	s := &syncer{d: d, jobs: make(chan []*job, 16), ended: make(chan struct{}), write: d.o.sync}
	if s.write == nil {
		s.write = syncData
	}
	go s.loop()
	return s
}

// after takes the jobs of a commit: those that nobody relies on are done, the others wait for the disk.
func (s *syncer) after(jobs []*job) {
	var wait []*job
	for _, j := range jobs {
		if j.err == nil && !j.tx.soon {
			wait = append(wait, j)
		} else {
			j.done <- j.err
		}
	}
	if wait == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.later == nil {
			s.later = time.AfterFunc(syncLater, s.catchUp)
		}
		return
	}
	s.jobs <- wait
}

// catchUp syncs what nobody waits for.
func (s *syncer) catchUp() {
	s.mu.Lock()
	due := s.later != nil
	s.mu.Unlock()
	if due {
		if err := s.sync(); err != nil {
			s.d.o.Log.Warn("the database's log could not be written to the disk", "error", err)
		}
	}
}

func (s *syncer) loop() {
	defer close(s.ended)
	for jobs := range s.jobs {
		for more := true; more; {
			select {
			case j, ok := <-s.jobs:
				jobs, more = append(jobs, j...), ok
			default:
				more = false
			}
		}
		ended := make(chan struct{})
		s.under(ended)
		err := s.sync()
		if err != nil {
			err = s.fold(err)
		}
		s.under(nil)
		close(ended)
		for _, j := range jobs {
			j.done <- err
		}
	}
}

func (s *syncer) under(ended chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = ended
}

// underway gives what is closed when the sync of now ends, nil when there is none.
func (s *syncer) underway() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy
}

// sync writes the log to the disk: everything that was committed before it began.
func (s *syncer) sync() error {
	s.mu.Lock()
	if s.later != nil {
		s.later.Stop()
		s.later = nil
	}
	if s.log == nil {
		f, err := os.OpenFile(s.d.path+"-wal", os.O_RDWR, 0)
		if err != nil {
			s.mu.Unlock()
			return err
		}
		s.log = f
	}
	f := s.log
	s.mu.Unlock()
	return s.write(f)
}

// fold is for a sync that failed: the kernel may have dropped what it could not write, and a second sync would be told that all is well.
// A checkpoint writes the pages again, into the main file, and syncs that.
func (s *syncer) fold(cause error) error {
	s.d.o.Log.Warn("the database's log could not be written to the disk; it is folded into the main file", "error", cause)
	var busy, pages, done int
	err := s.d.pool.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &done)
	switch {
	case err != nil:
		return plain(err)
	case busy != 0 && IsFull(cause):
		return plain(cause)
	case busy != 0:
		return fault.Wrap(fault.Unavailable, "The database can't be written to the disk. Check the disk, then look whether the change was kept.", cause)
	}
	return nil
}

// forget lets go of the log: a writer that connects anew may find another one.
func (s *syncer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log != nil {
		s.log.Close()
		s.log = nil
	}
}

// stop ends the syncer when the writer has ended; what it was told before is answered. Closing the database writes the rest.
func (s *syncer) stop() {
	close(s.jobs)
	<-s.ended
	s.mu.Lock()
	if s.later != nil {
		s.later.Stop()
		s.later = nil
	}
	s.mu.Unlock()
	s.forget()
}
