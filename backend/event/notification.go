package event

import (
	"context"
	"net/url"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/store"
)

// The shelves of what people are told of events.
var (
	Notifications = &kind.Family{Name: "notifications", Param: "uuid", Title: "notification"}
	Rules         = &kind.Family{Name: "eventrules", Param: "pbm_uuid", Title: "notification rule"}
	Transports    = &kind.Family{Name: "transports", Param: "uuid", Title: "notification transport"}
)

// Notification is what a person is told of an event.
type Notification struct {
	PK       string    `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Severity string    `json:"severity" is:"readonly,required" enum:"notice,warning,alert" default:"notice"`
	Body     string    `json:"body" is:"readonly,required,search"`
	Created  time.Time `json:"created" is:"readonly,required" format:"date-time"`
	Event    any       `json:"event" is:"ignored,omitempty" ref:"events set_null" schema:"Event"` // its key until it is shown
	Seen     bool      `json:"seen" help:"Whether its reader has read it."`
	User     int64     `json:"user" is:"hidden" ref:"users cascade"`
}

// Rule says who is told of which events: those that its policies let pass.
type Rule struct {
	PK         string   `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name       string   `json:"name" is:"required,unique,search"`
	Transports []string `json:"transports" is:"nofilter" ref:"transports" format:"uuid" help:"The ways by which people are told. With none nobody is."`
	Severity   string   `json:"severity" enum:"notice,warning,alert" default:"notice" help:"How urgent the events are."`
	Group      *string  `json:"group" is:"nofilter" ref:"groups set_null" format:"uuid" help:"The members of this group are told. Empty: nobody is."`
	GroupObj   any      `json:"group_obj" is:"computed,required" schema:"Group"`
}

// Transport is a way by which notifications reach people.
type Transport struct {
	PK          string  `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name        string  `json:"name" is:"required,unique,search"`
	Mode        string  `json:"mode" is:"search" enum:"local,webhook,webhook_slack,email" default:"local" help:"By which way they go."`
	ModeVerbose string  `json:"mode_verbose" is:"computed,required"`
	WebhookURL  string  `json:"webhook_url" is:"blank,secret" format:"uri" help:"Where webhooks are sent."`
	Mapping     *string `json:"webhook_mapping" is:"nofilter" ref:"propertymappings set_default" format:"uuid" help:"What a webhook sends. Empty: the notification itself."`
	SendOnce    bool    `json:"send_once" help:"Send each notification once only, as to a channel that the whole group reads."`
}

// The modes of a transport.
const (
	Local   = "local"
	Webhook = "webhook"
	Slack   = "webhook_slack"
	Email   = "email"
)

var modeTitles = map[string]string{Local: "Notifications in Gatehouse", Webhook: "Generic Webhook", Slack: "Slack Webhook (Slack/Discord)", Email: "Email"}

// WebhookMapping makes what a webhook sends out of a notification.
type WebhookMapping struct{ mapping.Kept }

// ExpressionNames are the variables of a webhook mapping.
func (m *WebhookMapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Person, mapping.Variable("notification", "The notification that is sent: body, severity, event, created.")}
}

// TransportTest is what came of trying a transport.
type TransportTest struct {
	Messages []string `json:"messages" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (TransportTest) SchemaName() string { return "NotificationTransportTest" }

// Validate implements store.Validator.
func (t *Transport) Validate() error {
	if (t.Mode == Webhook || t.Mode == Slack) && t.WebhookURL == "" {
		return fault.Field("webhook_url", "Webhook URL may not be empty.")
	}
	return nil
}

// Saving implements store.Saver: of all mappings only those for webhooks will do.
func (t *Transport) Saving(tx *store.Tx, _ any) error {
	if t.Mapping == nil {
		return nil
	}
	_, m, err := tx.GetIn(mapping.Family.Name, *t.Mapping)
	if fault.Is(err, fault.NotFound) {
		return nil // the store says so
	}
	if _, ok := m.(*WebhookMapping); err == nil && !ok {
		return fault.Field("webhook_mapping", "Invalid pk \""+*t.Mapping+"\" - object does not exist.")
	}
	return err
}

// NoticeDeps is what notifications need of rooms below.
type NoticeDeps struct {
	Host expr.Host
	// Try sends the caller a sample by a transport that is not a local one, and gives what the other side said.
	Try    func(ctx context.Context, t *Transport) ([]string, error)
	Groups func(ctx context.Context, pks []string) (map[string]any, error) // as their own page shows them
}

// NoticeKinds describes notifications, the rules that make them, and how they reach people.
func (l *Log) NoticeKinds(d NoticeDeps) []*kind.Kind {
	seen := kind.Collection("POST", "mark_all_seen", "", func(ctx context.Context, _ *kind.Call, _ *kind.None) (kind.None, error) {
		a := store.ActorOf(ctx)
		return kind.None{}, l.Store.Write(ctx, a, func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE notifications SET seen = 1 WHERE "user" = ? AND seen = 0`, a.UserPK)
			return err
		})
	})
	seen.Access = kind.SignedIn
	test := kind.Detail("POST", "test", "change", func(ctx context.Context, c *kind.Call, _ *kind.None) (TransportTest, error) {
		return l.tryTransport(ctx, d, c.Object.(*Transport))
	})
	test.Answers, test.Status = map[int]string{500: "The notification could not be sent."}, 200
	return []*kind.Kind{
		kind.Of[Notification](Notifications, kind.Spec{
			Path: "events/notifications", Model: "authentik_events.notification", Schema: "Notification", Title: "Notification", Table: "notifications",
			About: "What a person is told of an event.", Owner: "user", OwnerOnly: true, ListAll: true, Verbs: kind.AllVerbs &^ kind.Create, Order: []string{"-created"},
			Actions: []kind.Action{seen}, Present: l.presentNotifications,
			Filters: []kind.Filter{kind.UUIDIs("event", "event"), kind.Number("user", `o."user"`)},
		}, nil),
		kind.Of[Rule](Rules, kind.Spec{
			Path: "events/rules", Model: "authentik_events.notificationrule", Schema: "NotificationRule", Title: "Notification Rule",
			About: "Tell a group of events that policies let pass.", Order: []string{"name"}, Present: presentRules(d.Groups),
			Filters: []kind.Filter{kind.At("group__name", "", "group", "usergroups", "x.name = ?")},
		}, nil),
		kind.Of[Transport](Transports, kind.Spec{
			Path: "events/transports", Model: "authentik_events.notificationtransport", Schema: "NotificationTransport", Title: "Notification Transport",
			About: "A way by which notifications reach people.", Order: []string{"name"}, Actions: []kind.Action{test},
			Present: func(_ context.Context, rows []any, _ url.Values) error {
				for _, r := range rows {
					t := r.(*Transport)
					t.ModeVerbose = modeTitles[t.Mode]
				}
				return nil
			},
		}, nil),
		kind.Of(mapping.Family, kind.Spec{
			Path: "propertymappings/notification", Model: "authentik_events.notificationwebhookmapping", Schema: "NotificationWebhookMapping", Title: "Webhook Mapping",
			Component: "ak-property-mapping-notification-form", About: "What a webhook sends of a notification.", Order: []string{"name"},
			Without: []string{"managed"}, Plain: true,
		}, func() *WebhookMapping { return &WebhookMapping{mapping.On(d.Host)} }),
	}
}

// presentNotifications puts the events in the place of their keys.
func (l *Log) presentNotifications(ctx context.Context, rows []any, _ url.Values) error {
	for _, r := range rows {
		n := r.(*Notification)
		pk, ok := n.Event.(string)
		if !ok {
			continue
		}
		e, err := store.Get[Event](ctx, l.Store, pk)
		switch {
		case err == nil:
			n.Event = e
		case fault.Is(err, fault.NotFound):
			n.Event = nil
		default:
			return err
		}
	}
	return nil
}

func presentRules(groups func(ctx context.Context, pks []string) (map[string]any, error)) func(ctx context.Context, rows []any, _ url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		var pks []string
		for _, r := range rows {
			if g := r.(*Rule).Group; g != nil {
				pks = append(pks, *g)
			}
		}
		gs, err := groups(ctx, pks)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if rule := r.(*Rule); rule.Group != nil {
				rule.GroupObj = gs[*rule.Group]
			}
		}
		return nil
	}
}

// tryTransport sends the caller a notification by a transport.
func (l *Log) tryTransport(ctx context.Context, d NoticeDeps, t *Transport) (TransportTest, error) {
	if t.Mode != Local {
		said, err := d.Try(ctx, t)
		return TransportTest{Messages: append([]string{}, said...)}, err
	}
	a := store.ActorOf(ctx)
	return TransportTest{Messages: []string{}}, l.Store.Write(ctx, a, func(tx *store.Tx) error {
		e, err := l.Write(tx, Entry{Action: "custom_notification_test", App: "authentik.events", Context: map[string]any{"transport": Model(l.Store.KindFor(t), t.PK, t.Name)}})
		if err != nil {
			return err
		}
		return Notify(tx, a.UserPK, "notice", "Test notification by the transport "+t.Name, e)
	})
}

// Notify tells a person of an event; its key may be "".
func Notify(tx *store.Tx, user int64, severity, body, event string) error {
	var of any
	if event != "" {
		of = event
	}
	_, err := tx.Exec(`INSERT INTO notifications (pk, severity, body, created, event, seen, "user") VALUES (?, ?, ?, ?, ?, 0, ?)`,
		crypt.UUIDv7(tx.Now), severity, body, tx.Now.UnixMicro(), of, user)
	return err
}

// CleanNotifications deletes notifications that were seen and those whose event is gone. It gives how many went.
func (l *Log) CleanNotifications(ctx context.Context) (n int, err error) {
	err = l.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM notifications WHERE seen = 1 OR event IS NULL`)
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
