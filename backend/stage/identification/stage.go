// Package identification is the stage that asks who somebody is, and their password too when it is told to.
//
//	typed name ─▶ user.Identify ─┬─▶ found: pending user ─┬─▶ next stage
//	                             └─▶ nobody: a made-up one ┘   (or "Failed to authenticate." when it must not pretend)
//	passkey chosen among the names ─▶ passkey.Prove ─▶ pending user, signed in by it alone
package identification

import (
	"context"
	_ "embed"
	"encoding/json"
	"strings"
	"unicode"

	"gatehouse/backend/auth"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/passkey"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

//go:embed page.html
var page string

// Stage asks for a username, an e-mail address or a user principal name.
type Stage struct {
	stage.Base
	UserFields        []string `json:"user_fields" enum:"email,username,upn" help:"What people may type to say who they are."`
	PasswordStage     *string  `json:"password_stage" ref:"stages" format:"uuid" help:"Ask for the password on the same page, and check it as this stage does."`
	CaseInsensitive   bool     `json:"case_insensitive_matching" default:"true" help:"Capital and small letters count as the same."`
	ShowMatchedUser   bool     `json:"show_matched_user" default:"true" help:"Show the username and picture of whom was found. Otherwise the next pages show what was typed."`
	EnrollmentFlow    *string  `json:"enrollment_flow" ref:"flows" format:"uuid" help:"The flow behind the link for people without an account."`
	RecoveryFlow      *string  `json:"recovery_flow" ref:"flows" format:"uuid" help:"The flow behind the link for people who forgot their password."`
	PasswordlessFlow  *string  `json:"passwordless_flow" ref:"flows" format:"uuid" help:"The flow behind the link for signing in without a password."`
	Sources           []string `json:"sources" is:"nofilter" ref:"sources" format:"uuid" help:"Other places to sign in with, shown as buttons."`
	ShowSourceLabels  bool     `json:"show_source_labels" help:"Show the names of the sources beside their pictures."`
	PretendUserExists bool     `json:"pretend_user_exists" is:"nofilter" default:"true" help:"Go on for a name that nobody has, so that nobody learns who has an account."`

	d *Deps
}

// Button is a source that people can sign in with.
type Button struct {
	Name      string  `json:"name" is:"required"`
	IconURL   *string `json:"icon_url"`
	Challenge any     `json:"challenge" is:"required" schema:"LoginChallengeTypes"`
}

// SchemaName implements kind.SchemaNamer.
func (Button) SchemaName() string { return "LoginSource" }

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Users  *user.Directory
	Auth   *auth.Room
	Events *event.Log
	// Keys are the passkeys that browsers offer among the names where there is a flow without passwords; nil: none.
	Keys *passkey.Room
	// Buttons gives the buttons of those sources that are enabled and have one, by name; next is where the person wants to go.
	Buttons func(ctx context.Context, pks []string, next string) ([]Button, error)
	// Unknown is told of a name that nobody has, in the transaction that stores the plan; nil tells nobody.
	Unknown func(tx *store.Tx, name, ip string) error
	// AppName gives the name of an application by its key.
	AppName func(ctx context.Context, pk string) (string, error)
}

// Challenge asks who somebody is.
type Challenge struct {
	UserFields       []string `json:"user_fields" is:"nullable"`
	PasswordFields   bool     `json:"password_fields"`
	ApplicationPre   string   `json:"application_pre,omitempty"`
	FlowDesignation  string   `json:"flow_designation" enum:"authentication,authorization,invalidation,enrollment,unenrollment,recovery,stage_configuration"`
	EnrollURL        string   `json:"enroll_url,omitempty"`
	RecoveryURL      string   `json:"recovery_url,omitempty"`
	PasswordlessURL  string   `json:"passwordless_url,omitempty"`
	PrimaryAction    string   `json:"primary_action"`
	Sources          []Button `json:"sources"`
	ShowSourceLabels bool     `json:"show_source_labels"`

	Hint string         `json:"-"` // whom the application expects (login_hint)
	Keys map[string]any `json:"-"` // the options with which the page's field offers passkeys; nil: it offers none
}

// Answer says who somebody is. White space around the name is dropped, that of the password counts.
type Answer struct {
	UID      string `json:"uid_field" is:"required"`
	Password string `json:"password" is:"raw,blank,nullable"`

	body map[string]json.RawMessage
}

// SetRaw implements stage.RawAnswer: the page may send a passkey in the place of a name, which is no part of the published answer.
func (a *Answer) SetRaw(body map[string]json.RawMessage) { a.body = body }

// longest bounds what is taken for a name, in bytes; usernames and addresses are shorter.
const longest = 512

// failed is the published text for a name or password that is not right.
const failed = "Failed to authenticate."

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/identification", Model: "authentik_stages_identification.identificationstage", Schema: "IdentificationStage",
		Title: "Identification Stage", Component: "ak-stage-identification-form", About: "Ask people who they are.",
	}, stage.Asking{Schema: "IdentificationChallenge", Component: "ak-stage-identification", Page: page}, func() *Stage { return &Stage{d: &d} })
}

// Validate implements store.Validator.
func (s *Stage) Validate() error {
	if len(s.UserFields) == 0 && len(s.Sources) == 0 {
		return fault.Whole("When no user fields are selected, at least one source must be selected")
	}
	return nil
}

// Saving implements store.Saver: the password stage has to be one.
func (s *Stage) Saving(tx *store.Tx, _ any) error {
	if s.PasswordStage == nil {
		return nil
	}
	_, obj, err := tx.GetIn(stage.Family.Name, *s.PasswordStage)
	if fault.Is(err, fault.NotFound) {
		return nil // the store says so
	}
	if err != nil {
		return err
	}
	if _, ok := obj.(stage.WithBackends); !ok {
		return fault.Field("password_stage", "Choose a password stage.")
	}
	return nil
}

// settled says that the plan came from a link: whom it is about stands, and nobody may put another in their place (CVE-2023-26481).
func settled(t *stage.Turn) bool {
	pk, _, ok := t.Plan.UserPK()
	return ok && pk != 0 && t.Plan.Has(stage.Restored)
}

// Show asks.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if settled(t) {
		return stage.Done()
	}
	c := &Challenge{
		UserFields: append([]string{}, s.UserFields...), PasswordFields: s.PasswordStage != nil, FlowDesignation: t.Flow.Designation, PrimaryAction: "Continue",
		ShowSourceLabels: s.ShowSourceLabels,
	}
	if t.Flow.Designation == "authentication" {
		c.PrimaryAction = "Log in"
	}
	if hint := t.Request.Query.Get("login_hint"); len(hint) <= longest && !strings.ContainsFunc(hint, unicode.IsControl) {
		c.Hint = hint
	}
	var err error
	for _, l := range []struct {
		flow *string
		into *string
	}{{s.EnrollmentFlow, &c.EnrollURL}, {s.RecoveryFlow, &c.RecoveryURL}, {s.PasswordlessFlow, &c.PasswordlessURL}} {
		if *l.into, err = s.link(t, l.flow); err != nil {
			return stage.Fail(err)
		}
	}
	if c.Sources, err = s.buttons(t.Ctx, t.Request.Query.Get("next")); err != nil {
		return stage.Fail(err)
	}
	if t.Session != nil && t.Session.Data.Application != "" {
		if c.ApplicationPre, err = s.d.AppName(t.Ctx, t.Session.Data.Application); err != nil && !fault.Is(err, fault.NotFound) {
			return stage.Fail(err)
		}
	}
	if c.Keys, err = s.offer(t); err != nil {
		return stage.Fail(err)
	}
	return stage.Ask(c)
}

func (s *Stage) link(t *stage.Turn, flow *string) (string, error) {
	if flow == nil {
		return "", nil
	}
	slug, err := s.d.Store.Slug(t.Ctx, *flow)
	if err != nil || slug == "" {
		return "", err
	}
	return t.PageURL(slug), nil
}

func (s *Stage) buttons(ctx context.Context, next string) ([]Button, error) {
	if len(s.Sources) == 0 {
		return []Button{}, nil
	}
	bs, err := s.d.Buttons(ctx, s.Sources, next)
	if bs == nil {
		bs = []Button{}
	}
	return bs, err
}
