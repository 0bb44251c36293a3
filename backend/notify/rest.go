package notify

import (
	"context"
	"strconv"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mail"
	"gatehouse/backend/store"
)

// Try sends the caller a sample by a transport now, outside of the queue. It gives what the other side said.
func (r *Room) Try(ctx context.Context, t *event.Transport) ([]string, error) {
	a := store.ActorOf(ctx)
	u, err := r.Users.ByPK(ctx, a.UserPK)
	if err != nil {
		return nil, err
	}
	now := r.Store.Now().UTC()
	e := &event.Event{
		PK: crypt.UUIDv7(now), Action: "custom_notification_test", App: "authentik.events", User: map[string]any{"pk": u.PK, "username": u.Username, "email": u.Email},
		Context: map[string]any{"message": "Test notification by the transport " + t.Name, "transport": t.Name}, Created: now, Brand: map[string]any{},
	}
	n := Notice{PK: crypt.UUID(), Severity: "notice", Body: Body(e), Event: e, User: u}
	if t.Mode == event.Email {
		if u.Email == "" {
			return nil, fault.New(fault.Internal, "Your account has no e-mail address that a test could go to.")
		}
		l, err := r.letter(ctx, t, n)
		if err == nil {
			err = r.Mail.Send(ctx, l)
		}
		if err != nil {
			return nil, told(err)
		}
		return []string{"The mail server took the mail to " + u.Email + "."}, nil
	}
	said, err := r.post(ctx, t, n)
	if err != nil {
		return nil, told(err)
	}
	return said, nil
}

// told makes an error the published failure of a test: 500 with its text.
func told(err error) error {
	f := fault.As(err)
	return fault.Wrap(fault.Internal, f.Say, err)
}

// Logged is one delivery of the log.
type Logged struct {
	PK            string     `json:"pk" is:"required,readonly" format:"uuid"`
	Created       time.Time  `json:"created" is:"required,readonly" format:"date-time"`
	Transport     string     `json:"transport" is:"required,readonly" format:"uuid"`
	TransportName string     `json:"transport_name" is:"required,readonly"`
	User          string     `json:"user" is:"required,readonly" help:"The username of whom it is for."`
	Body          string     `json:"body" is:"required,readonly"`
	State         string     `json:"state" is:"required,readonly" enum:"queued,sent,failed"`
	Tries         int        `json:"tries" is:"required,readonly"`
	Words         string     `json:"words" is:"required,readonly" help:"What the other server said the last time."`
	Next          *time.Time `json:"next" is:"required,readonly" format:"date-time" help:"When it is tried again."`
	Finished      *time.Time `json:"finished" is:"required,readonly" format:"date-time"`
}

// SchemaName implements kind.SchemaNamer.
func (Logged) SchemaName() string { return "NotificationLogEntry" }

// Log is a part of the log, the newest delivery first.
type Log struct {
	Results []Logged `json:"results" is:"required,readonly"`
	More    bool     `json:"more" is:"required,readonly" help:"Whether there are older ones; ask with before."`
}

// SchemaName implements kind.SchemaNamer.
func (Log) SchemaName() string { return "NotificationLog" }

// Endpoints are the operations of this room.
func (r *Room) Endpoints() []kind.Action {
	log := kind.Do("GET", "gatehouse/notifications/log", r.log)
	log.Perm = "authentik_events.view_notificationtransport"
	log.Query = []kind.Param{
		{Name: "transport", Type: "string", Format: "uuid"},
		{Name: "before", Type: "string", Format: "uuid", Help: "The key of a delivery: only older ones."},
		{Name: "limit", Type: "integer", Default: "50", Help: "How many at most; 200 is the most."},
	}
	return []kind.Action{log}
}

func (r *Room) log(ctx context.Context, c *kind.Call, _ *kind.None) (Log, error) {
	out := Log{Results: []Logged{}}
	limit := 50
	if v := c.Query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 200 {
			return out, fault.Field("limit", "Write a number from 1 to 200.")
		}
		limit = n
	}
	cond, args := "1 = 1", []any{}
	for name, sql := range map[string]string{"transport": " AND n.transport = ?", "before": " AND n.pk < ?"} {
		v := c.Query.Get(name)
		if v == "" {
			continue
		}
		if !kind.UUIDText.MatchString(v) {
			return out, fault.Field(name, "Enter a valid UUID.")
		}
		cond, args = cond+sql, append(args, kind.Dashed(v))
	}
	rows, err := r.Store.DB().Query(ctx, `SELECT n.pk, n.created, n.transport, t.name, u.username, n.body, n.state, n.tries, n.words, n.due, n.finished FROM notices n
		JOIN object t ON t.pk = n.transport JOIN users u ON u.pk = n."user" WHERE `+cond+` ORDER BY n.pk DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Logged
		var created, due int64
		var finished *int64
		if err := rows.Scan(&l.PK, &created, &l.Transport, &l.TransportName, &l.User, &l.Body, &l.State, &l.Tries, &l.Words, &due, &finished); err != nil {
			return out, err
		}
		l.Created = time.UnixMicro(created).UTC()
		if l.State == mail.Queued {
			at := time.UnixMicro(due).UTC()
			l.Next = &at
		}
		if finished != nil {
			at := time.UnixMicro(*finished).UTC()
			l.Finished = &at
		}
		if len(out.Results) == limit {
			out.More = true
			break
		}
		out.Results = append(out.Results, l)
	}
	return out, rows.Err()
}
