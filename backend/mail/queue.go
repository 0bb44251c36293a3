package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
)

// The states of a mail.
const (
	Queued = "queued"
	Sent   = "sent"
	Failed = "failed"
)

// pauses are how long a mail waits after each failed try; there is one try more than there are pauses.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

const (
	batch   = 20                  // mails of one round
	keep    = 30 * 24 * time.Hour // how long the log of a mail is kept
	idle    = time.Hour           // the longest sleep of Serve
	maxSaid = 500                 // letters of an answer that are kept
)

// seal binds the letter to its row.
func (r *Room) seal(l *Letter, pk string) (string, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	return r.Store.Key().Seal(b, "mails", pk)
}

// Queue has a letter sent once the transaction is through. What an actor that rules must not hear queues, they do not hear of either.
func (r *Room) Queue(tx *store.Tx, l *Letter) error {
	pk := crypt.UUIDv7(tx.Now)
	sealed, err := r.seal(l, pk)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO mails (pk, created, recipients, subject, state, tries, due, finished, words, quiet, letter, about) VALUES (?, ?, ?, ?, ?, 0, ?, NULL, '', ?, ?, ?)`,
		pk, tx.Now.UnixMicro(), l.Recipients(), l.Subject, Queued, tx.Now.UnixMicro(), tx.Actor.Quiet, sealed, l.About); err != nil {
		return err
	}
	tx.AfterCommit(r.Wake)
	return nil
}

// Serve sends what is queued until ctx ends.
func (r *Room) Serve(ctx context.Context) {
	for {
		next, err := r.Round(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := idle
		if err != nil {
			r.Log.ErrorContext(ctx, "the queue of mails can't be read", "error", err, "logger", "gatehouse.mail")
			wait = time.Minute
		} else if !next.IsZero() {
			wait = min(idle, max(0, next.Sub(r.Store.Now())))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-r.wake():
			t.Stop()
		case <-t.C:
		}
	}
}

// queued is a row that is due.
type queued struct {
	pk, sealed string
	tries      int
	quiet      bool
}

// Round sends what is due now, one after the other, and gives when the next one is; zero when nothing waits.
func (r *Room) Round(ctx context.Context) (next time.Time, err error) {
	for {
		due, err := r.due(ctx)
		if err != nil {
			return next, err
		}
		for _, q := range due {
			if err := ctx.Err(); err != nil {
				return next, err
			}
			if err := r.one(ctx, q); err != nil {
				return next, err
			}
		}
		if len(due) < batch {
			break
		}
	}
	var at *int64
	if err := r.Store.DB().QueryRow(ctx, `SELECT min(due) FROM mails WHERE state = ?`, Queued).Scan(&at); err != nil || at == nil {
		return time.Time{}, err
	}
	return time.UnixMicro(*at), nil
}

func (r *Room) due(ctx context.Context) ([]queued, error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT pk, letter, tries, quiet FROM mails WHERE state = 'queued' AND due <= ? ORDER BY due LIMIT ?`, r.Store.Now().UnixMicro(), batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []queued
	for rows.Next() {
		var q queued
		if err := rows.Scan(&q.pk, &q.sealed, &q.tries, &q.quiet); err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, rows.Err()
}

// one tries one mail and keeps what came of it.
func (r *Room) one(ctx context.Context, q queued) error {
	l := &Letter{}
	b, err := r.Store.Key().Open(q.sealed, "mails", q.pk)
	if err == nil {
		err = json.Unmarshal(b, l)
	}
	switch {
	case err != nil: // of another key: nobody can read it any more
		return r.over(ctx, q, l, fault.Wrap(fault.Invalid, "The mail can't be read any more.", err))
	case !l.Until.IsZero() && r.Store.Now().After(l.Until):
		return r.over(ctx, q, l, fault.New(fault.Invalid, "The link in the mail is too old, so it was not sent."))
	}
	err = r.Send(ctx, l)
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // the house closes: that is no try
	}
	return r.over(ctx, q, l, err)
}

// over writes what came of a try: sent, later once more, or failed for good.
func (r *Room) over(ctx context.Context, q queued, l *Letter, failed error) error {
	actor := store.House
	actor.Quiet = q.quiet
	words := "The mail server took it."
	if failed != nil {
		if words = fault.As(failed).Say; len(words) > maxSaid {
			words = words[:maxSaid]
		}
		r.Log.WarnContext(ctx, "a mail was not sent", "mail", q.pk, "try", q.tries+1, "error", failed, "logger", "gatehouse.mail")
	}
	if failed != nil && q.tries < len(pauses) && !fault.Is(failed, fault.Invalid) {
		pause := pauses[q.tries]
		return r.Store.Write(ctx, actor, func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE mails SET tries = tries + 1, due = ?, words = ? WHERE pk = ?`, tx.Now.Add(pause).UnixMicro(), words, q.pk)
			return err
		})
	}
	state := Sent
	if failed != nil {
		state = Failed
	}
	err := r.Store.Write(ctx, actor, func(tx *store.Tx) error {
		if _, err := tx.Exec(`UPDATE mails SET state = ?, tries = tries + 1, finished = ?, words = ?, letter = '' WHERE pk = ?`, state, tx.Now.UnixMicro(), words, q.pk); err != nil || failed != nil {
			return err
		}
		return r.Events.EmitTx(tx, l.event())
	})
	if err != nil || failed == nil {
		return err
	}
	return r.Tasks.Report(ctx, task.Report{Name: "send_mail", UID: q.pk, Description: "Send a mail.", Started: r.Store.Now(), Failed: failed, Quiet: q.quiet})
}

// event tells of a mail that was sent (flows.md 5.2).
func (l *Letter) event() event.Entry {
	to := make([]any, len(l.To))
	for i, a := range l.To {
		to[i] = a.Email
	}
	return event.Entry{Action: "email_sent", App: "authentik.stages.email", Context: map[string]any{
		"message": fmt.Sprintf("Email to %s sent", l.Recipients()), "subject": l.Subject, "body": l.told(), "from_email": l.From, "to_email": to,
	}}
}

// Recent counts the mails to one address since a time.
func (r *Room) Recent(ctx context.Context, address string, since time.Time) (n int, err error) {
	err = r.Store.DB().QueryRow(ctx, `SELECT count(*) FROM mails WHERE recipients = ? AND created > ?`, address, since.UnixMicro()).Scan(&n)
	return n, err
}

// CleanUp deletes the log of mails that are long done with. It gives how many went.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM mails WHERE state <> 'queued' AND finished < ?`, tx.Now.Add(-keep).UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
