package db

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Tx is what a function of Write works with, on one goroutine and only until it returns.
type Tx struct {
	Now   time.Time // the time of this transaction: UTC, whole microseconds
	w     *writer
	after []func()
	ends  []func(error)
	rows  []*sql.Rows
	sweep int // look for closed rows at this length
	soon  bool
	lost  error // an error after which SQLite may have rolled back everything
	over  bool
}

var errOver = errors.New("db: the transaction is over")

// Exec runs a statement. Statements are prepared once; bind values with "?".
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	s, err := tx.stmt(query)
	if err != nil {
		return nil, tx.note(err)
	}
	var r sql.Result
	if s == nil {
		r, err = tx.w.conn.ExecContext(context.Background(), query, args...)
	} else {
		r, err = s.stmt.ExecContext(context.Background(), args...)
	}
	return r, tx.note(err)
}

// Query reads rows. What is still open when the function returns is closed then.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := tx.stmt(query)
	if err != nil {
		return nil, tx.note(err)
	}
	var rows *sql.Rows
	if s == nil {
		rows, err = tx.w.conn.QueryContext(context.Background(), query, args...)
	} else {
		rows, err = s.stmt.QueryContext(context.Background(), args...)
	}
	if err != nil {
		return nil, tx.note(err)
	}
	if s != nil {
		s.rows = rows
	}
	tx.keep(rows)
	return rows, nil
}

// QueryRow reads at most one row; Scan it at once. Errors come from Scan (sql.ErrNoRows when there is none).
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	if tx.over { // a cancelled context is the only way to make a row that fails
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errOver)
		return tx.w.d.pool.QueryRowContext(ctx, query)
	}
	s, err := tx.stmt(query)
	if err != nil || s == nil {
		return tx.w.conn.QueryRowContext(context.Background(), query, args...)
	}
	return s.stmt.QueryRowContext(context.Background(), args...)
}

// AfterCommit runs f on the caller's goroutine when everything is durable, before Write returns, in the order of the calls.
// Nothing runs when the function or its commit fails. Hooks of different Writes may run at the same time; a hook may call Write.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Anyhow runs f as AfterCommit does and before what that runs, but whatever comes of the function and its commit: to forget what may not
// be true any more. It is given what Write returns.
func (tx *Tx) Anyhow(f func(err error)) { tx.ends = append(tx.ends, f) }

// Soon says that nobody relies on this transaction yet: Write comes back once it is committed and seen by all, and the disk has it with
// the next commit that somebody waits for, a second later at most. It survives the end of the process; only a loss of power may undo it,
// together with everything that came after. For what a person only has to begin anew, as a sign-in under way.
func (tx *Tx) Soon() { tx.soon = true }

// Hooks gives how many hooks wait for the commit.
func (tx *Tx) Hooks() int { return len(tx.after) }

// Forget drops the hooks that came since there were n.
func (tx *Tx) Forget(n int) { tx.after = tx.after[:min(n, len(tx.after))] }

// stmt gives the prepared statement, nil while its rows of an earlier call are open (a query inside a loop over itself).
func (tx *Tx) stmt(query string) (*wstmt, error) {
	if tx.over {
		return nil, errOver
	}
	s, err := tx.w.prepare(query)
	if err != nil {
		return nil, err
	}
	if s.busy() {
		return nil, nil
	}
	return s, nil
}

// note remembers an error that costs the whole transaction, even when the function does not pass it on.
func (tx *Tx) note(err error) error {
	if tx.lost == nil && lostTx(err) {
		tx.lost = err
	}
	return err
}

// keep remembers rows to close; those that are closed are forgotten now and then.
func (tx *Tx) keep(r *sql.Rows) {
	if len(tx.rows) >= max(tx.sweep, 32) {
		open := tx.rows[:0]
		for _, r := range tx.rows {
			if _, err := r.Columns(); err == nil {
				open = append(open, r)
			}
		}
		clear(tx.rows[len(open):])
		tx.rows = open
		tx.sweep = 2 * len(open)
	}
	tx.rows = append(tx.rows, r)
}

func (tx *Tx) end() {
	for _, r := range tx.rows {
		tx.note(r.Err())
		r.Close()
	}
	tx.rows = nil
	tx.over = true
}
