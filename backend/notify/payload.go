package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/mail"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
)

// The limits of Slack's attachments (flows.md 5.4), in letters.
const (
	slackFields = 25
	slackTitle  = 256
	slackValue  = 1024
	slackColour = "#fd4b2d"
)

// webhook is the published body.
type webhook struct {
	Body          string  `json:"body"`
	Severity      string  `json:"severity"`
	Email         string  `json:"user_email"`
	Username      string  `json:"user_username"`
	EventEmail    *string `json:"event_user_email,omitempty"`
	EventUsername *string `json:"event_user_username,omitempty"`
}

type slackField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

type slackAttachment struct {
	AuthorName string       `json:"author_name"`
	AuthorLink string       `json:"author_link"`
	AuthorIcon string       `json:"author_icon"`
	Title      string       `json:"title"`
	Color      string       `json:"color"`
	Fields     []slackField `json:"fields"`
	Footer     string       `json:"footer"`
}

type slack struct {
	Username    string            `json:"username"`
	IconURL     string            `json:"icon_url"`
	Attachments []slackAttachment `json:"attachments"`
}

// payload makes the body of a request.
func (r *Room) payload(ctx context.Context, t *event.Transport, n Notice) ([]byte, error) {
	if t.Mode == event.Slack {
		return json.Marshal(r.slack(ctx, n))
	}
	if t.Mapping != nil {
		return r.mapped(ctx, *t.Mapping, n)
	}
	w := webhook{Body: n.Body, Severity: n.Severity, Email: n.User.Email, Username: n.User.Username}
	if n.Event != nil {
		for key, to := range map[string]**string{"email": &w.EventEmail, "username": &w.EventUsername} {
			if s, ok := n.Event.User[key].(string); ok {
				*to = &s
			}
		}
	}
	return json.Marshal(w)
}

// mapped makes the body by a mapping, which sees notification, user and request.
func (r *Room) mapped(ctx context.Context, pk string, n Notice) ([]byte, error) {
	m, err := store.Get[event.WebhookMapping](ctx, r.Store, pk)
	if err != nil {
		return nil, err
	}
	facts := &expr.Facts{Type: "Notification", Attrs: map[string]any{
		"pk": n.PK, "uuid": n.PK, "severity": n.Severity, "body": n.Body, "seen": false, "created": r.Store.Now().UTC(), "user": n.User, "event": eventFacts(n.Event),
	}}
	res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{
		"notification": facts, "user": n.User,
		"request": &policy.Request{User: n.User, Obj: m, Context: map[string]any{"notification": facts}},
	}})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "The webhook mapping "+m.Name+" failed: "+fault.As(err).Say, err)
	}
	b, err := json.Marshal(res.Value)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "What the webhook mapping "+m.Name+" gives can't be sent as JSON.", err)
	}
	return b, nil
}

func eventFacts(e *event.Event) any {
	if e == nil {
		return nil
	}
	var ip any
	if e.ClientIP != nil {
		ip = *e.ClientIP
	}
	return &expr.Facts{Type: "Event", Attrs: map[string]any{
		"pk": e.PK, "event_uuid": e.PK, "user": e.User, "action": e.Action, "app": e.App, "context": e.Context, "client_ip": ip, "created": e.Created, "brand": e.Brand,
	}}
}

func (r *Room) slack(ctx context.Context, n Notice) slack {
	base := r.Base(ctx)
	icon := base + "/static/dist/assets/icons/icon.png"
	fields := []slackField{{"Severity", n.Severity, true}, {"Dispatched for user", n.User.Username, true}}
	title := n.Body
	if n.Event != nil {
		title = n.Event.Action
		if s, ok := n.Event.User["username"].(string); ok && s != "" {
			fields = append(fields, slackField{"Event user", s, true})
		}
		for _, kv := range texts(n.Event) {
			if len(fields) == slackFields {
				break
			}
			fields = append(fields, slackField{kv.Key, kv.Value, false})
		}
	}
	for i := range fields {
		fields[i].Title, fields[i].Value = letters(fields[i].Title, slackTitle), letters(fields[i].Value, slackValue)
	}
	return slack{Username: "Gatehouse", IconURL: icon, Attachments: []slackAttachment{{
		AuthorName: "Gatehouse", AuthorLink: base, AuthorIcon: icon, Title: letters(title, slackTitle), Color: slackColour, Fields: fields, Footer: strings.TrimSpace("Gatehouse " + r.Version),
	}}}
}

// letters cuts a text to so many letters.
func letters(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n])
}

// pair is a fact of an event.
type pair struct{ Key, Value string }

// texts gives the members of an event's context that are texts, by name.
func texts(e *event.Event) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(e.Context)) {
		if s, ok := e.Context[k].(string); ok {
			out = append(out, pair{k, s})
		}
	}
	return out
}

// letter writes the mail of a notification.
func (r *Room) letter(ctx context.Context, t *event.Transport, n Notice) (*mail.Letter, error) {
	b, err := r.Brands.For(ctx, "")
	if err != nil {
		return nil, err
	}
	settings, _ := n.User.Attributes["settings"].(map[string]any)
	locale, _ := settings["locale"].(string)
	lang := r.Texts.Choose(locale, b.Locale())
	what, facts := letters(n.Body, 75), []pair{}
	if n.Event != nil {
		what = n.Event.Action
		facts = append(facts, pair{"action", n.Event.Action}, pair{"app", n.Event.App})
		if s, ok := n.Event.User["username"].(string); ok && s != "" {
			facts = append(facts, pair{"user", s})
		}
		if n.Event.ClientIP != nil {
			facts = append(facts, pair{"client_ip", *n.Event.ClientIP})
		}
		for _, kv := range texts(n.Event) {
			if kv.Key != "message" {
				facts = append(facts, pair{kv.Key, letters(kv.Value, slackValue)})
			}
		}
	}
	vars := map[string]any{"title": what, "body": n.Body, "key_value": facts, "user": map[string]any{"name": n.User.Name, "username": n.User.Username, "email": n.User.Email}}
	if super, err := r.Users.Superuser(ctx, n.User.PK); err != nil {
		return nil, err
	} else if super {
		vars["source"] = t.Name
	}
	return r.Mail.Compose(ctx, mail.Draft{
		To: []mail.Address{{Name: n.User.Name, Email: n.User.Email}}, Subject: oneLine(lang.Say("mail.event_notification.subject", "brand", b.Title, "what", what)),
		Template: mail.Notification, Langs: []string{locale}, Brand: b, Vars: vars,
	})
}

// oneLine makes a subject of a text that came from anywhere.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' }), " ")
}

// described names a transport for whoever reads what went wrong.
func described(t *event.Transport) string { return fmt.Sprintf("The transport %q", t.Name) }
