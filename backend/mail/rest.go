package mail

import (
	"context"
	"strconv"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// ns is where the operations of this room live.
const ns = "gatehouse/mail"

// Try is the body of a test.
type Try struct {
	To string `json:"to" is:"blank" default:"" max:"254" help:"Who gets the test mail. Empty: you."`
}

// SchemaName implements kind.SchemaNamer.
func (Try) SchemaName() string { return "MailTest" }

// Tried is what came of a test.
type Tried struct {
	Successful bool   `json:"successful" is:"required,readonly"`
	To         string `json:"to" is:"required,readonly"`
	Message    string `json:"message" is:"required,readonly" help:"In one sentence, with the words of the mail server when it refused."`
}

// SchemaName implements kind.SchemaNamer.
func (Tried) SchemaName() string { return "MailTestResult" }

// Logged is one mail of the log.
type Logged struct {
	PK       string     `json:"pk" is:"required,readonly" format:"uuid"`
	Created  time.Time  `json:"created" is:"required,readonly" format:"date-time"`
	To       string     `json:"to" is:"required,readonly"`
	Subject  string     `json:"subject" is:"required,readonly"`
	State    string     `json:"state" is:"required,readonly" enum:"queued,sent,failed"`
	Tries    int        `json:"tries" is:"required,readonly"`
	Words    string     `json:"words" is:"required,readonly" help:"What the mail server said the last time."`
	Next     *time.Time `json:"next" is:"required,readonly" format:"date-time" help:"When it is tried again."`
	Finished *time.Time `json:"finished" is:"required,readonly" format:"date-time"`
}

// SchemaName implements kind.SchemaNamer.
func (Logged) SchemaName() string { return "MailLogEntry" }

// Log is a part of the log, the newest mail first.
type Log struct {
	Results []Logged `json:"results" is:"required,readonly"`
	More    bool     `json:"more" is:"required,readonly" help:"Whether there are older ones; ask with before."`
}

// SchemaName implements kind.SchemaNamer.
func (Log) SchemaName() string { return "MailLog" }

// Endpoints are the operations of this room.
func (r *Room) Endpoints() []kind.Action {
	get := kind.Do("GET", ns, func(ctx context.Context, _ *kind.Call, _ *kind.None) (Settings, error) { return r.settings(ctx) })
	get.Perm, get.Operation = "authentik_rbac.view_system_settings", "gatehouse_mail_retrieve"
	set := kind.Do("PUT", ns, r.change)
	set.Perm, set.Operation, set.Status = "authentik_rbac.edit_system_settings", "gatehouse_mail_update", 200
	try := kind.Do("POST", ns+"/test", r.try)
	try.Perm, try.Status = "authentik_rbac.edit_system_settings", 200
	log := kind.Do("GET", ns+"/log", r.log)
	log.Perm = "authentik_rbac.view_system_settings"
	log.Query = []kind.Param{
		{Name: "state", Type: "string", Enum: []string{Queued, Sent, Failed}},
		{Name: "before", Type: "string", Format: "uuid", Help: "The key of a mail: only older ones."},
		{Name: "limit", Type: "integer", Default: "50", Help: "How many at most; 200 is the most."},
	}
	return []kind.Action{get, set, try, log}
}

// try sends a mail now, outside of the queue.
func (r *Room) try(ctx context.Context, _ *kind.Call, in *Try) (Tried, error) {
	a := store.ActorOf(ctx)
	to := Address{Email: in.To}
	if in.To == "" {
		if to = (Address{a.Name, a.Email}); to.Email == "" {
			return Tried{}, fault.Field("to", "Your account has no e-mail address. Write one here.")
		}
	}
	if err := CheckAddress("to", to.Email); err != nil {
		return Tried{}, err
	}
	b, err := r.Brands.For(ctx, a.HTTP.Host)
	if err != nil {
		return Tried{}, err
	}
	lang := r.Texts.Choose(a.HTTP.Locale, b.Locale())
	l, err := r.Compose(ctx, Draft{
		To: []Address{to}, Subject: lang.Say("mail.test_subject", "brand", b.Title), Template: Setup, Langs: []string{a.HTTP.Locale}, Brand: b,
	})
	if err == nil {
		err = r.Send(ctx, l)
	}
	if err != nil {
		f := fault.As(err)
		if f.Kind == fault.Internal {
			return Tried{}, err
		}
		r.Log.WarnContext(ctx, "a test mail was not sent", "error", err, "logger", "gatehouse.mail")
		return Tried{To: to.Email, Message: f.Say}, nil
	}
	return Tried{Successful: true, To: to.Email, Message: "The mail server took the mail. Look whether it arrives at " + to.Email + "."},
		r.Store.Write(ctx, a, func(tx *store.Tx) error { return r.Events.EmitTx(tx, l.event()) })
}

// log gives what became of mails.
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
	switch s := c.Query.Get("state"); s {
	case "":
	case Queued, Sent, Failed:
		cond, args = cond+" AND state = ?", append(args, s)
	default:
		return out, fault.Field("state", "Choose queued, sent or failed.")
	}
	if v := c.Query.Get("before"); v != "" {
		if !kind.UUIDText.MatchString(v) {
			return out, fault.Field("before", "Enter a valid UUID.")
		}
		cond, args = cond+" AND pk < ?", append(args, kind.Dashed(v))
	}
	found, err := r.logged(ctx, cond, limit+1, args...)
	if err != nil {
		return out, err
	}
	out.More = len(found) > limit
	out.Results = append(out.Results, found[:min(limit, len(found))]...)
	return out, nil
}

// About gives the newest mails about something, at most limit.
func (r *Room) About(ctx context.Context, about string, limit int) ([]Logged, error) {
	return r.logged(ctx, "about = ? AND about <> ''", limit, about)
}

func (r *Room) logged(ctx context.Context, cond string, limit int, args ...any) ([]Logged, error) {
	out := []Logged{}
	rows, err := r.Store.DB().Query(ctx, `SELECT pk, created, recipients, subject, state, tries, words, due, finished FROM mails WHERE `+cond+` ORDER BY pk DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m Logged
		var created, due int64
		var finished *int64
		if err := rows.Scan(&m.PK, &created, &m.To, &m.Subject, &m.State, &m.Tries, &m.Words, &due, &finished); err != nil {
			return nil, err
		}
		m.Created = time.UnixMicro(created).UTC()
		if m.State == Queued {
			at := time.UnixMicro(due).UTC()
			m.Next = &at
		}
		if finished != nil {
			at := time.UnixMicro(*finished).UTC()
			m.Finished = &at
		}
		out = append(out, m)
	}
	return out, rows.Err()
}
