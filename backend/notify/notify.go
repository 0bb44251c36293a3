// Package notify tells people of events: each new event is put to the notification rules, and what passes goes by the rule's transports to
// the members of its group.
//
//	events ─cursor─▶ Round: rules ▸ policies ▸ members ▸ transports ─┬─▶ notifications (local)
//	                                                                 ├─▶ mail room (email)
//	                                                                 └─▶ notices ─▶ Deliver ─▶ webhook, Slack
//
// It reads behind the writers and never holds one up. What it does itself is done by a quiet actor, whose events no rule hears: else the
// mail that tells of an event would be told of. Everything is delivered at least once; a restart goes on where it was.
package notify

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/mail"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/text"
	"gatehouse/backend/user"
)

// Room tells people of events.
type Room struct {
	Store    *store.Store
	Events   *event.Log
	Policies *policy.Engine
	Users    *user.Directory
	Brands   *brand.Room
	Mail     *mail.Room
	Tasks    *task.Room
	Texts    *text.Tables
	Host     expr.Host
	Client   *http.Client // one of outbound.New
	Base     func(ctx context.Context) string
	Version  string
	Log      *slog.Logger

	memo    store.Memo[string, *ruleSet] // under ""
	once    sync.Once
	fresh   chan struct{} // events came
	waiting chan struct{} // notices came
	round   sync.Mutex
	cursor  int64 // the last event that was looked at; -1 = not read yet
	kept    int64 // the cursor as it is stored
	keptAt  time.Time
}

const (
	cursorName = "notify_cursor"
	batch      = 200
	settle     = 200 * time.Millisecond // events that come together are looked at together
	idle       = time.Hour
	keepCursor = 10 * time.Second // how old the stored cursor may be while nothing is told
)

// actor does what this room does.
func actor() store.Actor {
	a := store.House
	a.Quiet = true
	return a
}

func (r *Room) start() {
	r.once.Do(func() {
		r.fresh, r.waiting, r.cursor = make(chan struct{}, 1), make(chan struct{}, 1), -1
	})
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Heard is told of every event in its transaction (event.Log.Heard). It does nothing there but remember to look.
func (r *Room) Heard(tx *store.Tx, _ *event.Event) error {
	r.start()
	tx.AfterCommit(func() { ring(r.fresh) })
	return nil
}

// Serve looks at events and delivers until ctx ends.
func (r *Room) Serve(ctx context.Context) {
	r.start()
	var both sync.WaitGroup
	both.Go(func() { r.watch(ctx) })
	both.Go(func() { r.deliver(ctx) })
	both.Wait()
}

func (r *Room) watch(ctx context.Context) {
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "events can't be told of now", "error", err, "logger", "gatehouse.notify")
		}
		select {
		case <-ctx.Done():
			return
		case <-r.fresh:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settle):
		}
	}
}

// open reads where the last run stopped; the first one begins with what comes from now on.
func (r *Room) open(ctx context.Context) error {
	r.start()
	if r.cursor >= 0 {
		return nil
	}
	var text string
	err := r.Store.DB().QueryRow(ctx, `SELECT value FROM meta WHERE name = ?`, cursorName).Scan(&text)
	if err == nil {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		r.cursor, r.kept = n, n
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var top int64
	if err := r.Store.DB().QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM events`).Scan(&top); err != nil {
		return err
	}
	if err := r.Store.Write(ctx, actor(), func(tx *store.Tx) error { return keep(tx, top) }); err != nil {
		return err
	}
	r.cursor, r.kept = top, top
	return nil
}

func keep(tx *store.Tx, cursor int64) error {
	_, err := tx.Exec(`INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, cursorName, strconv.FormatInt(cursor, 10))
	return err
}

// Round puts every event since the last round to the rules.
func (r *Room) Round(ctx context.Context) error {
	r.round.Lock()
	defer r.round.Unlock()
	ctx = store.WithActor(ctx, actor())
	if err := r.open(ctx); err != nil {
		return err
	}
	for {
		var top sql.NullInt64
		if err := r.Store.DB().QueryRow(ctx, `SELECT max(id) FROM (SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?)`, r.cursor, batch).Scan(&top); err != nil {
			return err
		}
		if !top.Valid {
			return r.rest(ctx)
		}
		told, err := r.look(ctx, r.cursor, top.Int64)
		if err != nil {
			return err
		}
		if len(told) > 0 {
			if err := r.Store.Write(ctx, actor(), func(tx *store.Tx) error {
				for _, f := range told {
					if err := f(tx); err != nil {
						return err
					}
				}
				return keep(tx, top.Int64)
			}); err != nil {
				return err
			}
			r.kept, r.keptAt = top.Int64, r.Store.Now()
		}
		r.cursor = top.Int64
	}
}

// Hold keeps rounds from beginning until the function that it gives is called.
func (r *Room) Hold() (goOn func()) {
	r.round.Lock()
	return r.round.Unlock
}

// rest keeps the cursor now and then also while nobody is told anything: events that were looked at need not be looked at again.
func (r *Room) rest(ctx context.Context) error {
	if r.cursor == r.kept || r.Store.Now().Sub(r.keptAt) < keepCursor {
		return nil
	}
	at := r.cursor
	if err := r.Store.Write(ctx, actor(), func(tx *store.Tx) error { return keep(tx, at) }); err != nil {
		return err
	}
	r.kept, r.keptAt = at, r.Store.Now()
	return nil
}
