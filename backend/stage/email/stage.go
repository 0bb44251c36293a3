// Package email is the stage that sends a link by e-mail and goes on when it is opened.
package email

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mail"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
)

//go:embed page.html
var page string

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Mail   *mail.Room
	Tokens *token.Room
	Events *event.Log
	// Base gives the address of the house, "" before it has a name: links in mails name no other (security: poisoned Host headers).
	Base func(ctx context.Context) string
}

// Stage sends a link.
type Stage struct {
	stage.Base
	Global   bool   `json:"use_global_settings" help:"Send as the server's own settings say; the connection below is not used."`
	Host     string `json:"host" default:"localhost" help:"The mail server."`
	Port     int64  `json:"port" default:"25" min:"-2147483648" max:"2147483647"`
	Username string `json:"username" is:"blank" default:""`
	Password string `json:"password" is:"blank,writeonly,secret" default:""`
	TLS      bool   `json:"use_tls" help:"Begin in the clear and change to TLS (STARTTLS)."`
	SSL      bool   `json:"use_ssl" help:"Speak TLS from the start."`
	Timeout  int64  `json:"timeout" default:"10" min:"-2147483648" max:"2147483647" help:"Seconds to wait for the mail server."`
	From     string `json:"from_address" default:"system@authentik.local" format:"email" max:"254" help:"The sender."`
	Expiry   int64  `json:"token_expiry" default:"30" min:"-2147483648" max:"2147483647" help:"Minutes for which the link works."`
	Subject  string `json:"subject" default:"authentik"`
	Template string `json:"template" default:"email/password_reset.html" help:"What the mail says."`
	Activate bool   `json:"activate_user_on_success" help:"Switch the account on when the link is opened."`

	d *Deps
}

// Template is a text that mails can have.
type Template struct {
	Name        string `json:"name" is:"required"`
	Description string `json:"description" is:"required"`
	Component   string `json:"component" is:"required"`
	Model       string `json:"model_name" is:"required"`
	Enterprise  bool   `json:"requires_enterprise" default:"false"`
}

// SchemaName implements kind.SchemaNamer.
func (Template) SchemaName() string { return "TypeCreate" }

// Validate implements store.Validator.
func (s *Stage) Validate() error {
	var bad fault.Fields
	if !s.d.Mail.Has(s.Template) {
		bad.Add("template", fmt.Sprintf("Invalid template '%s' specified.", s.Template))
	} else if err := s.d.Mail.CheckTemplate(s.Template); err != nil {
		bad.Add("template", fault.As(err).Say)
	}
	if strings.ContainsAny(s.Subject, "\r\n\x00") {
		bad.Add("subject", "A subject has no line breaks.")
	}
	if s.Port < 1 || s.Port > 65535 {
		bad.Add("port", "A port is a number between 1 and 65535.")
	}
	if s.Timeout < 1 {
		bad.Add("timeout", "Wait at least one second.")
	}
	if s.Expiry < 1 {
		bad.Add("token_expiry", "A link works for at least one minute.")
	}
	if s.TLS && s.SSL {
		bad.Add("use_ssl", "Choose one of TLS from the start and STARTTLS, not both.")
	}
	return bad.Err()
}

// Connection gives the stage's own mail server.
func (s *Stage) Connection() mail.Connection {
	c := mail.Connection{Host: s.Host, Port: int(s.Port), Security: mail.None, Username: s.Username, Password: s.Password, Timeout: time.Duration(s.Timeout) * time.Second, From: s.From}
	switch {
	case s.SSL:
		c.Security = mail.TLS
	case s.TLS:
		c.Security = mail.StartTLS
	}
	return c
}

// Via gives the mail server of a stage by its key, for mail.Room.Via.
func Via(st *store.Store) func(ctx context.Context, key string) (mail.Connection, error) {
	return func(ctx context.Context, key string) (mail.Connection, error) {
		s, err := store.Get[Stage](ctx, st, key)
		if fault.Is(err, fault.NotFound) {
			return mail.Connection{}, fault.New(fault.Invalid, "The step that this mail belongs to is gone.")
		}
		if err != nil {
			return mail.Connection{}, err
		}
		return s.Connection(), nil
	}
}

// Challenge says that the mail is on its way.
type Challenge struct{}

// Answer asks for another mail; only the link leads on.
type Answer struct{}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	templates := kind.Collection("GET", "templates", "view", func(context.Context, *kind.Call, *kind.None) ([]Template, error) {
		out := []Template{}
		for _, t := range d.Mail.Templates() {
			out = append(out, Template{Name: t.Name, Description: t.Title})
		}
		return out, nil
	})
	templates.Operation = "stages_email_templates_list"
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/email", Model: "authentik_stages_email.emailstage", Schema: "EmailStage", Title: "Email Stage", Component: "ak-stage-email-form",
		About: "Send a link by e-mail and wait until it is opened.", Actions: []kind.Action{templates},
	}, stage.Asking{Schema: "EmailChallenge", Component: "ak-stage-email", Page: page}, func() *Stage { return &Stage{d: &d} })
}

// Show sends the mail the first time, and goes on for whoever came by its link.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if _, _, ok := t.Plan.UserPK(); !ok || t.User == nil {
		return stage.Deny(s.say(t, "flow.email.nobody"))
	}
	if s.proven(t) {
		return s.through(t)
	}
	if !s.sent(t) {
		if err := s.send(t); err != nil {
			return s.cant(t, err)
		}
	}
	return stage.Ask(&Challenge{})
}

// Take sends the mail once more. It never leads on: only the link does.
func (s *Stage) Take(t *stage.Turn, _ *Answer) stage.Result {
	if !s.sent(t) || s.proven(t) {
		return s.Show(t)
	}
	if !s.mayAgain(t) {
		return stage.Retry(stage.Errors{fault.NonField: {{String: s.say(t, "flow.email.often"), Code: "throttled"}}})
	}
	if err := s.send(t); err != nil {
		return s.cant(t, err)
	}
	return stage.Retry(stage.Errors{fault.NonField: {{String: "email-sent", Code: "email-sent"}}})
}

func (s *Stage) say(t *stage.Turn, key string) string {
	return s.d.Texts.Choose(t.Request.HTTP.Locale).Say(key)
}

// cant ends the flow since no mail can be sent: who reads it learns that, an admin why.
func (s *Stage) cant(t *stage.Turn, err error) stage.Result {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Unavailable && f.Kind != fault.Invalid {
		return stage.Fail(err)
	}
	s.d.Log.WarnContext(t.Ctx, "a step of a flow can't send its mail", "stage", s.Name, "flow", t.Flow.Slug, "error", err, "logger", "gatehouse.stage.email")
	t.After(func(tx *store.Tx) error {
		return s.d.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.stages.email", Context: map[string]any{
			"message": f.Say, "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name), "template": s.Template,
		}})
	})
	return stage.Deny(s.say(t, "flow.email.cant"))
}
