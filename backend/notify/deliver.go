package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/mail"
	"gatehouse/backend/outbound"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
)

// pauses are how long a webhook waits after each failed try.
var pauses = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

const (
	many    = 20
	maxSaid = 500
	keepLog = 30 * 24 * time.Hour
)

func (r *Room) deliver(ctx context.Context) {
	for {
		next, err := r.Deliver(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := idle
		if err != nil {
			r.Log.ErrorContext(ctx, "the queue of notifications can't be read", "error", err, "logger", "gatehouse.notify")
			wait = time.Minute
		} else if !next.IsZero() {
			wait = min(idle, max(0, next.Sub(r.Store.Now())))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-r.waiting:
			t.Stop()
		case <-t.C:
		}
	}
}

// queued is a row that is due.
type queued struct {
	Notice
	transport string
	user      int64
	event     *string
	tries     int
}

// Deliver sends what is due and gives when the next one is; zero when nothing waits.
func (r *Room) Deliver(ctx context.Context) (next time.Time, err error) {
	ctx = store.WithActor(ctx, actor())
	for {
		due, err := r.due(ctx)
		if err != nil {
			return next, err
		}
		for _, q := range due {
			if ctx.Err() != nil {
				return next, ctx.Err()
			}
			if err := r.one(ctx, q); err != nil {
				return next, err
			}
		}
		if len(due) < many {
			break
		}
	}
	var at *int64
	if err := r.Store.DB().QueryRow(ctx, `SELECT min(due) FROM notices WHERE state = ?`, mail.Queued).Scan(&at); err != nil || at == nil {
		return time.Time{}, err
	}
	return time.UnixMicro(*at), nil
}

func (r *Room) due(ctx context.Context) ([]queued, error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT pk, transport, "user", event, severity, body, tries FROM notices WHERE state = 'queued' AND due <= ? ORDER BY due LIMIT ?`, r.Store.Now().UnixMicro(), many)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []queued
	for rows.Next() {
		var q queued
		if err := rows.Scan(&q.PK, &q.transport, &q.user, &q.event, &q.Severity, &q.Body, &q.tries); err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, rows.Err()
}

// one tries one delivery and keeps what came of it.
func (r *Room) one(ctx context.Context, q queued) error {
	t, err := store.Get[event.Transport](ctx, r.Store, q.transport)
	if err == nil {
		q.User, err = r.Users.ByPK(ctx, q.user)
	}
	if fault.Is(err, fault.NotFound) {
		return nil // its row went with it
	}
	if err != nil {
		return err
	}
	if q.event != nil {
		e, err := store.Get[event.Event](ctx, r.Store, *q.event)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		q.Event = e
	}
	said, failed := r.post(ctx, t, q.Notice)
	if failed != nil && ctx.Err() != nil {
		return ctx.Err() // the house closes: that is no try
	}
	words := strings.Join(said, " ")
	if failed != nil {
		words = fault.As(failed).Say
		r.Log.WarnContext(ctx, "a notification was not delivered", "transport", t.Name, "try", q.tries+1, "error", failed, "logger", "gatehouse.notify")
	}
	words = clip(words, maxSaid)
	if failed != nil && q.tries < len(pauses) && !fault.Is(failed, fault.Invalid) {
		pause := pauses[q.tries]
		return r.Store.Write(ctx, actor(), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE notices SET tries = tries + 1, due = ?, words = ? WHERE pk = ?`, tx.Now.Add(pause).UnixMicro(), words, q.PK)
			return err
		})
	}
	state := mail.Sent
	if failed != nil {
		state = mail.Failed
	}
	if err := r.Store.Write(ctx, actor(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE notices SET state = ?, tries = tries + 1, finished = ?, words = ? WHERE pk = ?`, state, tx.Now.UnixMicro(), words, q.PK)
		return err
	}); err != nil {
		return err
	}
	return r.Tasks.Report(ctx, report(t, r.Store.Now(), failed))
}

// report is the row of system tasks of a transport.
func report(t *event.Transport, at time.Time, failed error) task.Report {
	return task.Report{Name: "notification_transport", UID: t.PK, Description: "Send notifications by the transport " + t.Name + ".", Started: at, Failed: failed, Quiet: true}
}

// failed notes that a notification can't even be written. The others go on.
func (r *Room) failed(ctx context.Context, t *event.Transport, err error) error {
	f := fault.As(err)
	if f.Kind == fault.Internal {
		return err
	}
	r.Log.WarnContext(ctx, "a notification was not sent", "transport", t.Name, "error", err, "logger", "gatehouse.notify")
	return r.Tasks.Report(ctx, report(t, r.Store.Now(), f))
}

// post sends a notification to another server. It gives the status and what the server said.
func (r *Room) post(ctx context.Context, t *event.Transport, n Notice) ([]string, error) {
	body, err := r.payload(ctx, t, n)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, described(t)+" has an address that is none.")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", strings.TrimSpace("Gatehouse/"+r.Version))
	resp, err := r.Client.Do(req)
	if err != nil {
		return nil, outbound.Say("The server of the transport "+t.Name, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, outbound.Say("The server of the transport "+t.Name, err)
	}
	text := clip(strings.ToValidUTF8(strings.TrimSpace(string(b)), ""), maxSaid)
	if resp.StatusCode >= 400 {
		return nil, fault.Newf(fault.Unavailable, "%s was answered with %s: %s", described(t), resp.Status, text)
	}
	return []string{fmt.Sprint(resp.StatusCode), text}, nil
}

// CleanUp deletes the log of deliveries that are long done with. It gives how many went.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	err = r.Store.Write(ctx, actor(), func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM notices WHERE state <> 'queued' AND finished < ?`, tx.Now.Add(-keepLog).UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
