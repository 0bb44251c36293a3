// Package email is the stage that sends a link by e-mail and goes on when it is opened.
package email

import (
	"context"
	"fmt"
	"slices"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

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

// Templates gives the texts that there are.
func Templates() []Template {
	return []Template{
		{Name: "email/password_reset.html", Description: "Password Reset"},
		{Name: "email/account_confirmation.html", Description: "Account Confirmation"},
	}
}

// Validate implements store.Validator.
func (s *Stage) Validate() error {
	var bad fault.Fields
	if !slices.ContainsFunc(Templates(), func(t Template) bool { return t.Name == s.Template }) {
		bad.Add("template", fmt.Sprintf("Invalid template '%s' specified.", s.Template))
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

// Challenge says that the mail is on its way.
type Challenge struct{}

// Answer asks for another mail; only the link leads on.
type Answer struct{}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	templates := kind.Collection("GET", "templates", "view", func(context.Context, *kind.Call, *kind.None) ([]Template, error) {
		return Templates(), nil
	})
	templates.Operation = "stages_email_templates_list"
	return stage.NewLater[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/email", Model: "authentik_stages_email.emailstage", Schema: "EmailStage", Title: "Email Stage", Component: "ak-stage-email-form",
		About: "Send a link by e-mail and wait until it is opened.", Actions: []kind.Action{templates},
	}, stage.Asking{Schema: "EmailChallenge", Component: "ak-stage-email"}, nil)
}
