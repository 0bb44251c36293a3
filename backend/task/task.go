// Package task does by itself what has to be done now and then, and keeps how it went: the published system tasks.
//
//	Serve ─▶ every chore at its time ┐
//	POST …/run/ ─────────────────────┴─▶ one run at a time ─▶ row of system_tasks; a failure is also an event
package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of tasks.
var Family = &kind.Family{Name: "tasks", Param: "uuid", Title: "system task"}

// The states of a task.
const (
	Unknown    = "unknown"
	Successful = "successful"
	Warning    = "warning"
	Failed     = "error"
)

// How long the row of a run stays when the house does not know its chore any more.
const (
	keepGood = 6 * time.Hour
	keepBad  = 9 * time.Hour
)

// Task is how a chore went the last time.
type Task struct {
	UUID        string           `json:"uuid" is:"readonly,nofilter" format:"uuid"`
	Name        string           `json:"name" is:"required,search"`
	FullName    string           `json:"full_name" is:"computed,required"`
	UID         string           `json:"uid" is:"search"`
	Description string           `json:"description" is:"required,nofilter,search"`
	Start       time.Time        `json:"start_timestamp" is:"readonly,required,nofilter" format:"date-time"`
	Finish      time.Time        `json:"finish_timestamp" is:"readonly,required,nofilter" format:"date-time"`
	Duration    float64          `json:"duration" is:"computed,required"`
	Status      string           `json:"status" is:"required,search" enum:"unknown,successful,warning,error"`
	Messages    []event.LogEvent `json:"messages" is:"required,nofilter"`
	Expires     *time.Time       `json:"expires" is:"nofilter" format:"date-time"`
	Expiring    bool             `json:"expiring" is:"nofilter"`
}

// Chore is what the house does by itself.
type Chore struct {
	Name        string // "clean_expired_models"
	Description string
	Every       time.Duration
	// Do does it and tells what it did; an error is told beside that.
	Do func(ctx context.Context) (did []string, err error)
}

// Room runs the chores.
type Room struct {
	Store  *store.Store
	Events *event.Log
	Log    *slog.Logger
	// Again does work anew that is kept by Keep, by its name.
	Again map[string]func(ctx context.Context, uid string) error

	mu     sync.Mutex
	chores []Chore
	busy   map[string]*sync.Mutex
}

// Use sets the chores, once, before Serve.
func (r *Room) Use(chores []Chore) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chores, r.busy = chores, map[string]*sync.Mutex{}
	for _, c := range chores {
		r.busy[c.Name] = &sync.Mutex{}
	}
}

// Kinds describes tasks: people look at them and let them run again.
func (r *Room) Kinds() []*kind.Kind {
	again := kind.Detail("POST", "run", "authentik_events.run_task", func(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
		t := c.Object.(*Task)
		if do := r.Again[t.Name]; do != nil && t.UID != "" {
			return kind.None{}, do(ctx, t.UID)
		}
		chore, ok := r.chore(t.Name)
		if !ok {
			if err := r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
				_, err := tx.Exec(`DELETE FROM system_tasks WHERE uuid = ?`, t.UUID)
				return err
			}); err != nil {
				return kind.None{}, err
			}
			return kind.None{}, fault.Newf(fault.Internal, "There is no task %s any more.", t.Name)
		}
		// A caller that goes away does not break off what has begun.
		if err := r.Run(context.WithoutCancel(ctx), chore); err != nil {
			return kind.None{}, fault.Wrap(fault.Internal, "The task failed; its messages say why.", err)
		}
		return kind.None{}, nil
	})
	again.Answers = map[int]string{404: "There is no such task.", 500: "The task failed, or there is none of this name any more."}
	return []*kind.Kind{kind.Of[Task](Family, kind.Spec{
		Path: "events/system_tasks", Model: "authentik_events.systemtask", Schema: "SystemTask", Title: "System Task", Table: "system_tasks",
		About: "What the house does by itself, and how it went.", Verbs: kind.List | kind.Retrieve, Order: []string{"name"}, Actions: []kind.Action{again},
		Present: func(_ context.Context, rows []any, _ url.Values) error {
			for _, row := range rows {
				t := row.(*Task)
				t.FullName, t.Duration = t.Name, t.Finish.Sub(t.Start).Seconds()
				if t.UID != "" {
					t.FullName += ":" + t.UID
				}
			}
			return nil
		},
	}, nil)}
}

func (r *Room) chore(name string) (Chore, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.chores {
		if c.Name == name {
			return c, true
		}
	}
	return Chore{}, false
}

// Serve runs every chore at its time until ctx ends. A chore that fails is tried again the next time.
func (r *Room) Serve(ctx context.Context) {
	if err := r.announce(ctx); err != nil && ctx.Err() == nil {
		r.Log.ErrorContext(ctx, "the list of tasks can't be written", "error", err)
	}
	r.mu.Lock()
	chores := r.chores
	r.mu.Unlock()
	var all sync.WaitGroup
	for _, c := range chores {
		all.Go(func() {
			tick := time.NewTicker(c.Every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					if err := r.Run(ctx, c); err != nil && ctx.Err() == nil {
						r.Log.ErrorContext(ctx, "a task failed", "task", c.Name, "error", err)
					}
				}
			}
		})
	}
	all.Wait()
}

// announce writes a row for every chore that never ran.
func (r *Room) announce(ctx context.Context) error {
	r.mu.Lock()
	chores := r.chores
	r.mu.Unlock()
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		for _, c := range chores {
			messages, err := lines(tx.Now, c.Name, said{"info", "This task has not run yet."})
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO system_tasks (uuid, name, uid, description, start_timestamp, finish_timestamp, status, messages, expires, expiring) VALUES (?, ?, '', ?, ?, ?, ?, ?, NULL, 0) ON CONFLICT DO NOTHING`,
				crypt.UUID(), c.Name, c.Description, tx.Now.UnixMicro(), tx.Now.UnixMicro(), Unknown, messages); err != nil {
				return err
			}
		}
		return nil
	})
}

// Run does a chore now and keeps how it went; a second run waits for the first.
func (r *Room) Run(ctx context.Context, c Chore) error {
	r.mu.Lock()
	busy := r.busy[c.Name]
	r.mu.Unlock()
	if busy != nil {
		busy.Lock()
		defer busy.Unlock()
	}
	start := r.Store.Now()
	did, failed := c.Do(ctx)
	for _, line := range did {
		r.Log.InfoContext(ctx, line, "task", c.Name)
	}
	if failed != nil && ctx.Err() != nil {
		return failed // the house closes: that is no failure of the chore
	}
	return errors.Join(failed, r.keep(ctx, c, start, did, failed))
}

// keep writes how a run went.
func (r *Room) keep(ctx context.Context, c Chore, start time.Time, did []string, failed error) error {
	status, keep, all := Successful, keepGood, []said{}
	for _, line := range did {
		all = append(all, said{"info", line})
	}
	if failed != nil {
		status, keep, all = Failed, keepBad, append(all, said{"error", failed.Error()})
	}
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		messages, err := lines(tx.Now, c.Name, all...)
		if err != nil {
			return err
		}
		res, err := tx.Exec(`UPDATE system_tasks SET description = ?, start_timestamp = ?, finish_timestamp = ?, status = ?, messages = ?, expires = ?, expiring = 1 WHERE name = ? AND uid = ''`,
			c.Description, start.UnixMicro(), tx.Now.UnixMicro(), status, messages, tx.Now.Add(keep).UnixMicro(), c.Name)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			if _, err := tx.Exec(`INSERT INTO system_tasks (uuid, name, uid, description, start_timestamp, finish_timestamp, status, messages, expires, expiring) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, 1)`,
				crypt.UUID(), c.Name, c.Description, start.UnixMicro(), tx.Now.UnixMicro(), status, messages, tx.Now.Add(keep).UnixMicro()); err != nil {
				return err
			}
		}
		if failed == nil {
			return nil
		}
		return r.Events.EmitTx(tx, event.Entry{Action: "system_task_exception", App: "authentik.events", Context: map[string]any{
			"message": fmt.Sprintf("Task %s encountered an error: %s", c.Name, failed),
		}})
	})
}

// CleanUp deletes the rows of chores that the house does not know any more. It gives how many went.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	r.mu.Lock()
	args := []any{}
	for _, c := range r.chores {
		args = append(args, c.Name)
	}
	r.mu.Unlock()
	if len(args) == 0 {
		return 0, nil
	}
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM system_tasks WHERE expiring = 1 AND expires < ? AND name NOT IN (`+db.Marks(len(args))+`)`, append([]any{tx.Now.UnixMicro()}, args...)...)
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
