package task

import (
	"context"
	"fmt"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/store"
)

// Report is how a piece of work went that comes when it is needed and not at its time: a mail, a webhook.
type Report struct {
	Name        string // "send_mail"
	UID         string // which one of them
	Description string
	Started     time.Time
	Failed      error // nil: it went well, and no row of it stays
	Quiet       bool  // notification rules must not hear of it
}

// Report keeps how a piece of work went: only a failure leaves a row, which the next success takes away.
func (r *Room) Report(ctx context.Context, w Report) error {
	actor := store.House
	actor.Quiet = w.Quiet
	return r.Store.Write(ctx, actor, func(tx *store.Tx) error {
		if w.Failed == nil {
			_, err := tx.Exec(`DELETE FROM system_tasks WHERE name = ? AND uid = ?`, w.Name, w.UID)
			return err
		}
		messages, err := lines(tx.Now, w.Name, said{"error", w.Failed.Error()})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO system_tasks (uuid, name, uid, description, start_timestamp, finish_timestamp, status, messages, expires, expiring) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
			ON CONFLICT (name, uid) DO UPDATE SET description = excluded.description, start_timestamp = excluded.start_timestamp, finish_timestamp = excluded.finish_timestamp,
			status = excluded.status, messages = excluded.messages, expires = excluded.expires, expiring = 1`,
			crypt.UUID(), w.Name, w.UID, w.Description, w.Started.UnixMicro(), tx.Now.UnixMicro(), Failed, messages, tx.Now.Add(keepBad).UnixMicro()); err != nil {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: "system_task_exception", App: "authentik.events", Context: map[string]any{
			"message": fmt.Sprintf("Task %s encountered an error: %s", w.Name, w.Failed),
		}})
	})
}
