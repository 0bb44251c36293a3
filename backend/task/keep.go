package task

import (
	"context"
	"fmt"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/store"
)

// Run is how one of several pieces of work of the same name went, such as the sync of one system.
type Run struct {
	Name        string // "scim_sync"
	UID         string // which one of them
	Description string
	Started     time.Time
	Status      string
	Did, Wrong  []string // lines
}

// Keep keeps how a piece of work went, whether well or not, over the run before.
func (r *Room) Keep(ctx context.Context, w Run) error {
	all, keep := []said{}, keepGood
	for _, line := range w.Did {
		all = append(all, said{"info", line})
	}
	for _, line := range w.Wrong {
		all = append(all, said{"error", line})
	}
	if w.Status == Failed {
		keep = keepBad
	}
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		messages, err := lines(tx.Now, w.Name, all...)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO system_tasks (uuid, name, uid, description, start_timestamp, finish_timestamp, status, messages, expires, expiring) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
			ON CONFLICT (name, uid) DO UPDATE SET description = excluded.description, start_timestamp = excluded.start_timestamp, finish_timestamp = excluded.finish_timestamp,
			status = excluded.status, messages = excluded.messages, expires = excluded.expires, expiring = 1`,
			crypt.UUID(), w.Name, w.UID, w.Description, w.Started.UnixMicro(), tx.Now.UnixMicro(), w.Status, messages, tx.Now.Add(keep).UnixMicro()); err != nil || w.Status != Failed {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: "system_task_exception", App: "authentik.events", Context: map[string]any{
			"message": fmt.Sprintf("Task %s encountered an error: %s", w.Name, w.Wrong),
		}})
	})
}
