// Package event keeps the audit log: who did what, from where, in the transaction of the change itself.
//
//	store ──Record──▶ ┐
//	rooms ──EmitTx──▶ ├─▶ row + counters (same transaction) ─▶ after commit ─▶ live listeners
//	rooms ──Emit────▶ ┘
//
// Counting a million rows takes too long for a page, so every event raises counters: the total, its action, its day and its thousand ids.
package event

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/geo"
	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// Family is the shelf of events.
var Family = &kind.Family{Name: "events", Param: "event_uuid", Title: "event"}

// The actions that rooms write (flows.md 5.2).
const (
	Login              = "login"
	LoginFailed        = "login_failed"
	Logout             = "logout"
	UserWrite          = "user_write"
	SuspiciousRequest  = "suspicious_request"
	PasswordSet        = "password_set"
	SecretView         = "secret_view"
	SecretRotate       = "secret_rotate"
	AuthorizeApp       = "authorize_application"
	ImpersonationStart = "impersonation_started"
	ImpersonationEnd   = "impersonation_ended"
	SystemException    = "system_exception"
	ConfigurationError = "configuration_error"
)

// QuietMark is the key in the context of an event that comes of telling people of events.
const QuietMark = "of_notification"

// Event is one line of the audit log.
type Event struct {
	PK       string         `json:"pk" is:"readonly,nofilter" format:"uuid"`
	User     map[string]any `json:"user" is:"nofilter" type:"any"`
	Action   string         `json:"action" is:"required,search" enum:"login,login_failed,logout,user_write,suspicious_request,password_set,secret_view,secret_rotate,invitation_used,authorize_application,source_linked,impersonation_started,impersonation_ended,flow_execution,policy_execution,policy_exception,property_mapping_exception,system_task_execution,system_task_exception,system_exception,configuration_error,model_created,model_updated,model_deleted,email_sent,update_available,custom_"`
	App      string         `json:"app" is:"required,search,nofilter"`
	Context  map[string]any `json:"context" is:"nofilter,search" type:"any"`
	ClientIP *string        `json:"client_ip" is:"search"`
	Created  time.Time      `json:"created" is:"readonly,required,nofilter" format:"date-time"`
	Expires  time.Time      `json:"expires" is:"nofilter" format:"date-time"`
	Brand    map[string]any `json:"brand" is:"nofilter" type:"any"`

	log  *Log
	kept string // sealed; see Kept
}

// Who is a user as an event names them.
type Who struct {
	PK              int64
	Username, Email string
}

func (w Who) facts() map[string]any {
	out := map[string]any{"pk": w.PK, "username": w.Username, "email": w.Email}
	if w.PK == 0 {
		out["is_anonymous"] = true
	}
	return out
}

// Entry is an event to write.
type Entry struct {
	Action  string
	App     string // the published name of the app that says it; "" = authentik.events
	Context map[string]any
	User    *Who // instead of the actor of the transaction
	kept    *store.Kept
}

// Log writes and shows events.
type Log struct {
	Store     *store.Store
	Retention func(ctx context.Context) string // how long events are kept, "days=365"
	Logger    *slog.Logger
	// Heard is told of every event in its transaction; an error undoes what the event tells of.
	Heard []func(tx *store.Tx, e *Event) error
	// Geo adds where an address is to each event; nil knows nothing.
	Geo *geo.Room
	hub hub
}

var _ store.Recorder = (*Log)(nil)

// Record implements store.Recorder.
func (l *Log) Record(tx *store.Tx, c store.Change) error {
	if c.Kind == nil || c.Kind.Family == Family || c.Kind.Family == Notifications {
		return nil
	}
	e := Entry{Action: c.Action, App: "authentik.events", Context: map[string]any{"model": Model(c.Kind, c.PK, c.Name)}}
	if len(c.Diff) > 0 {
		e.Context["diff"] = c.Diff
	}
	e.kept = c.Kept
	return l.EmitTx(tx, e)
}

// Model names an object in an event.
func Model(k *kind.Kind, pk, name string) map[string]any {
	return map[string]any{"app": k.App(), "model_name": k.ModelName(), "pk": hexKey(pk), "name": name}
}

// hexKey gives a UUID as events hold it: without dashes.
func hexKey(pk string) string {
	if len(pk) == 36 && strings.Count(pk, "-") == 4 {
		return strings.ReplaceAll(pk, "-", "")
	}
	return pk
}

// Emit writes an event in a transaction of its own, for the actor of ctx.
func (l *Log) Emit(ctx context.Context, action string, c map[string]any) error {
	return l.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		return l.EmitTx(tx, Entry{Action: action, Context: c})
	})
}

// EmitTx writes an event in the transaction of what it tells. Values under secret names are masked.
func (l *Log) EmitTx(tx *store.Tx, e Entry) error {
	_, err := l.Write(tx, e)
	return err
}

// Write is EmitTx for those who point at the event later: it gives its key.
func (l *Log) Write(tx *store.Tx, e Entry) (string, error) {
	a := tx.Actor
	who := Who{a.UserPK, a.Username, a.Email}
	facts := who.facts()
	if e.User != nil {
		who, facts = *e.User, e.User.facts()
	} else if a.Original != nil {
		who = Who{a.Original.UserPK, a.Original.Username, a.Original.Email}
		facts = who.facts()
		facts["on_behalf_of"] = map[string]any{"pk": a.UserPK, "username": a.Username, "email": a.Email}
	}
	// In a map of its own: the function of a transaction may run twice.
	c := map[string]any{}
	for k, v := range e.Context {
		c[k] = v
	}
	if a.HTTP.Path != "" {
		args := asked(a.HTTP)
		c["http_request"] = map[string]any{"path": a.HTTP.Path, "method": a.HTTP.Method, "args": args, "user_agent": a.HTTP.UserAgent, "request_id": a.HTTP.RequestID}
	}
	delete(c, QuietMark) // nobody else may say so
	if a.Quiet {
		c[QuietMark] = true
	}
	if p := l.Geo.Place(a.HTTP.ClientIP); p != nil {
		c["geo"] = map[string]any{"continent": p.Continent, "country": p.Country, "lat": p.Lat, "long": p.Long, "city": p.City}
	}
	if n, _ := l.Geo.Network(a.HTTP.ClientIP); n != nil {
		c["asn"] = map[string]any{"asn": n.ASN, "as_org": n.Org, "network": n.Network}
	}
	app := e.App
	if app == "" {
		app = "authentik.events"
	}
	ev := Event{
		PK: crypt.UUIDv7(tx.Now), User: facts, Action: e.Action, App: app, Context: Clean(c),
		Created: tx.Now, Expires: tx.Now.Add(l.keep()), Brand: map[string]any{},
	}
	if a.HTTP.ClientIP != "" {
		ip := a.HTTP.ClientIP
		ev.ClientIP = &ip
	}
	if a.Brand.PK != "" {
		ev.Brand = map[string]any{"pk": hexKey(a.Brand.PK), "app": "authentik_brands", "name": a.Brand.Name, "model_name": "brand"}
	}
	if err := l.keepFor(&ev, e.kept); err != nil {
		return "", err
	}
	return ev.PK, l.insert(tx, &ev, who.PK)
}

// executor is where programs run flows. What their page was opened with comes as one text, in which names could not be told from secrets.
const executor = "/api/v3/flows/executor/"

// asked gives the query of a request, in a flow that of its page.
func asked(h store.HTTP) map[string]string {
	page, ok := h.Args["query"]
	if !ok || !strings.HasPrefix(h.Path, executor) {
		if h.Args == nil {
			return map[string]string{}
		}
		return h.Args
	}
	out := map[string]string{}
	q, _ := url.ParseQuery(page) // what can be read of it
	for k, vs := range q {
		out[k] = vs[len(vs)-1]
	}
	return out
}

func (l *Log) keep() time.Duration {
	d := 365 * 24 * time.Hour
	if l.Retention != nil {
		if n, err := span.Parse(l.Retention(context.Background())); err == nil && n > 0 {
			d = n
		}
	}
	return d
}

func (l *Log) insert(tx *store.Tx, ev *Event, userPK int64) error {
	user, err := json.Marshal(ev.User)
	if err != nil {
		return err
	}
	body, err := json.Marshal(ev.stored())
	if err != nil {
		return err
	}
	brand, err := json.Marshal(ev.Brand)
	if err != nil {
		return err
	}
	var who any
	if userPK != 0 {
		who = userPK
	}
	model, modelPK := "", any(nil)
	if m, ok := ev.Context["model"].(map[string]any); ok {
		model, _ = m["model_name"].(string)
		modelPK = m["pk"]
	}
	var app any
	if m, ok := ev.Context["authorized_application"].(map[string]any); ok {
		app = m["pk"]
	}
	_, err = tx.Exec(`INSERT INTO events (pk, "user", action, app, context, client_ip, created, expires, brand, user_pk, model, model_pk, authorized_app) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		ev.PK, string(user), ev.Action, ev.App, string(body), ev.ClientIP, ev.Created.UnixMicro(), ev.Expires.UnixMicro(), string(brand), who, model, modelPK, app)
	if err != nil {
		return err
	}
	for _, f := range l.Heard {
		if err := f(tx, ev); err != nil {
			return err
		}
	}
	var ip any
	if ev.ClientIP != nil {
		ip = *ev.ClientIP
	}
	tx.AfterCommit(func() {
		l.hub.publish(ev)
		l.Logger.Info("event", "action", ev.Action, "app", ev.App, line("user", ev.User), "client_ip", ip, "logger", "gatehouse.event")
	})
	return nil
}

// line gives facts for the log one by one: whole, the log's mask would read them through JSON.
func line(name string, facts map[string]any) slog.Attr {
	attrs := make([]slog.Attr, 0, len(facts))
	for _, k := range slices.Sorted(maps.Keys(facts)) {
		attrs = append(attrs, slog.Any(k, facts[k]))
	}
	return slog.Attr{Key: name, Value: slog.GroupValue(attrs...)}
}

// idsPerCount is how many ids share one counter for far pages. The counters are the database's own (triggers of the events table).
const idsPerCount = 1000

// Saving implements store.Saver: an event that a client writes through REST.
func (e *Event) Saving(tx *store.Tx, old any) error {
	if old == nil {
		e.Created = tx.Now
		if e.Expires.IsZero() {
			e.Expires = tx.Now.Add(e.log.keep())
		}
	}
	e.Context = Clean(e.Context)
	return nil
}

// Saved implements store.AfterSaver: the column beside the row.
func (e *Event) Saved(tx *store.Tx, _ any) error {
	pk, ok := e.User["pk"].(float64)
	if !ok {
		return nil
	}
	_, err := tx.Exec(`UPDATE events SET user_pk = ? WHERE pk = ?`, int64(pk), e.PK)
	return err
}

// cleanStep is how many expired events one transaction removes.
const cleanStep = 500

// CleanUp removes events whose time is over, a few hundred a transaction. It gives how many went.
func (l *Log) CleanUp(ctx context.Context) (n int, err error) {
	return l.removeWhere(ctx, `expires < ?`, func(tx *store.Tx) []any { return []any{tx.Now.UnixMicro()} })
}

// ForgetUser removes the events of a user who was deleted, when the settings ask for it.
func (l *Log) ForgetUser(ctx context.Context, pk int64) (n int, err error) {
	return l.removeWhere(ctx, `user_pk = ?`, func(*store.Tx) []any { return []any{pk} })
}

func (l *Log) removeWhere(ctx context.Context, cond string, args func(tx *store.Tx) []any) (total int, err error) {
	for {
		n := 0
		err := l.Store.Write(ctx, store.House, func(tx *store.Tx) error {
			n = 0
			rows, err := tx.Query(`SELECT id FROM events WHERE `+cond+` ORDER BY id LIMIT `+fmt.Sprint(cleanStep), args(tx)...)
			if err != nil {
				return err
			}
			var gone []int64
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					return err
				}
				gone = append(gone, id)
			}
			if err := rows.Close(); err != nil {
				return err
			}
			for _, id := range gone {
				if _, err := tx.Exec(`DELETE FROM events WHERE id = ?`, id); err != nil {
					return err
				}
			}
			n = len(gone)
			return nil
		})
		total += n
		if err != nil || n < cleanStep {
			return total, err
		}
	}
}
