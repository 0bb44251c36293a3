package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"slices"
	"time"

	"gatehouse/backend/fault"
)

// How long and how much one commit gathers. A function that comes later waits for the next one.
const (
	maxBatch     = 128
	maxBatchTime = 20 * time.Millisecond
	lockPatience = time.Minute
)

// errGone is what the writer learns of a function that panicked or ended its goroutine; its caller isn't there to hear.
var errGone = errors.New("the function did not return")

// job is one function on its way through the writer. It runs on its caller's goroutine, so that a panic ends where it belongs.
type job struct {
	fn   func(*Tx) error
	bare bool       // no savepoint: WriteBare
	turn chan *Tx   // writer → caller: run now
	ran  chan error // caller → writer: what fn returned
	done chan error // writer → caller: it is durable, or why not
	err  error      // of the last run
	tx   *Tx        // of the last run
}

// Write runs fn in a durable transaction, together with others that wait. It comes back when the disk has what fn did, unless fn said
// that nobody relies on it yet (Tx.Soon).
//
// An error of fn undoes what fn did and comes back as it is; the other functions of the commit are not touched. When the disk is
// full or broken the whole commit is undone and every function runs again alone, so fn may run twice and must hold no state of
// its first run. Once begun, fn runs to its end: ctx cancels only the wait before. fn must not call Write and must not outlive
// its tx. A full or failing disk comes back as Unavailable; a panic of fn undoes what it did and goes on in the caller.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	return d.write(ctx, &job{fn: fn})
}

// WriteBare is Write for functions that hardly ever fail. Nothing is put aside by which fn alone could be undone, which is a part of what a
// small write costs; when fn fails among others, the whole commit is undone and every function runs again alone.
func (d *DB) WriteBare(ctx context.Context, fn func(tx *Tx) error) error {
	return d.write(ctx, &job{fn: fn, bare: true})
}

func (d *DB) write(ctx context.Context, j *job) error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return fault.New(fault.Unavailable, "Gatehouse is shutting down. Try again in a moment.")
	}
	d.open.Add(1)
	d.mu.Unlock()
	defer d.open.Done()

	j.turn, j.ran, j.done = make(chan *Tx), make(chan error), make(chan error, 1)
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case d.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		select {
		case tx := <-j.turn:
			j.run(tx)
		case err := <-j.done:
			if j.tx != nil {
				for _, f := range j.tx.ends {
					f(err)
				}
			}
			if err != nil {
				return err
			}
			for _, f := range j.tx.after {
				f()
			}
			return nil
		}
	}
}

// run runs the function once and tells the writer even when it panics.
func (j *job) run(tx *Tx) {
	err := errGone
	defer func() { j.ran <- err }()
	err = j.fn(tx)
}

// writer owns the only connection that writes.
type writer struct {
	d     *DB
	conn  *sql.Conn
	stmts map[string]*wstmt
}

// wstmt is a prepared statement of the writer with the rows it last gave: while those are open it can't run again.
type wstmt struct {
	stmt *sql.Stmt
	rows *sql.Rows
}

func (s *wstmt) busy() bool {
	if s.rows == nil {
		return false
	}
	_, err := s.rows.Columns() // fails once the rows are closed
	return err == nil
}

func (w *writer) connect() error {
	w.disconnect()
	if w.d.sync != nil {
		w.d.sync.forget()
	}
	var err error
	w.conn, err = w.d.wpool.Conn(context.Background())
	return err
}

func (w *writer) disconnect() {
	w.forget()
	if w.conn != nil {
		w.conn.Close()
	}
}

// forget closes the prepared statements: a connection with statements never really closes.
func (w *writer) forget() {
	for _, s := range w.stmts {
		s.stmt.Close()
	}
	w.stmts = map[string]*wstmt{}
}

func (w *writer) loop() {
	defer close(w.d.stopped)
	defer w.disconnect()
	defer w.d.sync.stop()
	for j := range w.d.queue {
		w.batch(j)
		if len(w.stmts) > maxStmts {
			w.forget()
		}
	}
}

// batch runs j and whoever comes meanwhile in one transaction.
func (w *writer) batch(j *job) {
	if err := w.begin(); err != nil {
		j.done <- err
		return
	}
	began := time.Now()
	var jobs []*job
	for j != nil {
		first := len(jobs) == 0
		if !w.step(j, first) {
			w.rollback()
			w.alone(append(jobs, j))
			return
		}
		if first && j.err != nil { // nothing else is in the transaction
			w.rollback()
			j.done <- j.err
			return
		}
		jobs = append(jobs, j)
		j = nil
		if len(jobs) < maxBatch && time.Since(began) < maxBatchTime {
			select {
			case j = <-w.d.queue: // nil when closed
			default:
				j = w.gather(jobs, maxBatchTime-time.Since(began))
			}
		}
	}
	if err := w.commit(); err != nil {
		w.rollback()
		if len(jobs) == 1 && jobs[0].err == nil {
			jobs[0].err = err
		}
		w.alone(jobs)
		return
	}
	w.d.sync.after(jobs)
}

// gather waits for one more function while the disk is busy with the commit before: this one could not be durable earlier anyway, and one
// commit for several writes the pages that they share once. nil when it is time to commit. A function that waits for no disk is not kept.
func (w *writer) gather(jobs []*job, most time.Duration) *job {
	ended := w.d.sync.underway()
	if ended == nil || slices.ContainsFunc(jobs, func(j *job) bool { return j.err != nil || j.tx.soon }) {
		return nil
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case j := <-w.d.queue:
		return j
	case <-ended:
	case <-t.C:
	}
	return nil
}

// alone runs each function of a lost batch again in a transaction of its own. A batch of one is not tried again.
func (w *writer) alone(jobs []*job) {
	if len(jobs) == 1 {
		jobs[0].done <- w.final(jobs[0].err)
		return
	}
	level, last := slog.LevelWarn, jobs[len(jobs)-1]
	if last.bare && last.tx != nil && last.tx.lost == nil && !lostTx(last.err) {
		level = slog.LevelDebug // it failed by itself
	}
	w.d.o.Log.Log(context.Background(), level, "a shared commit was lost; its functions run again alone", "functions", len(jobs), "error", last.err)
	for _, j := range jobs {
		if errors.Is(j.err, errGone) {
			continue
		}
		if err := w.begin(); err != nil {
			j.done <- err
			continue
		}
		if !w.step(j, true) {
			w.rollback()
			j.done <- w.final(j.err)
			continue
		}
		if j.err != nil {
			w.rollback()
			j.done <- j.err
			continue
		}
		if err := w.commit(); err != nil {
			w.rollback()
			j.done <- w.final(err)
			continue
		}
		w.d.sync.after([]*job{j})
	}
}

// final is the error of a function whose transaction was lost: never nil.
func (w *writer) final(err error) error {
	if err == nil {
		err = errors.New("the transaction was lost")
	}
	return plain(err)
}

// step runs one function behind a savepoint; the first of a transaction needs none, since its failure is that of the transaction, which
// the caller ends, and a bare one wants none. false means that the whole transaction is lost.
func (w *writer) step(j *job, first bool) bool {
	j.tx = &Tx{w: w, Now: w.d.o.Now().UTC().Truncate(time.Microsecond)}
	if !first && !j.bare {
		if j.err = w.do("SAVEPOINT fn"); j.err != nil {
			return false
		}
	}
	j.turn <- j.tx
	j.err = <-j.ran
	j.tx.end()
	if j.tx.lost != nil {
		if j.err == nil || !lostTx(j.err) {
			j.err = j.tx.lost
		}
		return false
	}
	if lostTx(j.err) {
		return false
	}
	if first {
		return true
	}
	if j.bare {
		return j.err == nil // it can't be undone by itself
	}
	if j.err != nil {
		if err := w.do("ROLLBACK TO fn"); err != nil {
			return false
		}
	}
	if err := w.do("RELEASE fn"); err != nil {
		if j.err == nil {
			j.err = err
		}
		return false
	}
	return true
}

// begin starts a transaction. Nobody else writes to the file, but a tool may hold it for a while; a broken connection is replaced once.
func (w *writer) begin() error {
	var err error
	until := time.Now().Add(lockPatience)
	for again := true; ; {
		if err = w.do("BEGIN IMMEDIATE"); err == nil {
			return nil
		}
		if isBusy(err) {
			if time.Now().Before(until) {
				continue // each try waits for busy_timeout
			}
			return plain(err)
		}
		if !again {
			return plain(err)
		}
		again = false
		if e := w.connect(); e != nil {
			return plain(e)
		}
	}
}

// rollback ends the transaction, which SQLite may already have ended by itself. begin notices a connection that is left unusable.
func (w *writer) rollback() {
	if err := w.do("ROLLBACK"); err != nil {
		w.d.o.Log.Debug("rollback of a lost transaction", "error", err)
	}
}

// commit makes what was done seen; the sync after it makes it durable. It is counted at both ends, so that who reads the same number twice saw no commit between.
func (w *writer) commit() error {
	w.d.commits.Add(1)
	defer w.d.commits.Add(1)
	return w.do("COMMIT")
}

func (w *writer) do(query string) error {
	s, err := w.prepare(query)
	if err != nil {
		return err
	}
	_, err = s.stmt.ExecContext(context.Background())
	return err
}

func (w *writer) prepare(query string) (*wstmt, error) {
	if s := w.stmts[query]; s != nil {
		return s, nil
	}
	if w.conn == nil {
		return nil, driver.ErrBadConn
	}
	stmt, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s := &wstmt{stmt: stmt}
	w.stmts[query] = s
	return s, nil
}
