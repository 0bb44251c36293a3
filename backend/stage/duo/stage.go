// Package duo is the stage that sets up Duo, a service that asks a person on their phone, and the device that comes of it.
//
//	name ─▶ Duo enrols ─▶ code for Duo's app, kept in the session ─▶ Duo says success ─▶ Device with Duo's key of the person
//	Factor ─▶ Duo asks on the phone what it is for, and waits ─▶ proof
package duo

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"strings"
	"time"

	"gatehouse/backend/duoapi"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/qr"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

//go:embed page.html
var page string

// Stage sets up a phone at Duo. The published list filters by other fields than those of its sisters, so the name is a field of its own.
type Stage struct {
	stage.Base
	stage.Setup
	FriendlyName *string `json:"friendly_name" is:"nofilter" help:"What people read where they choose what to set up. Empty: the name of the stage."`
	ClientID     string  `json:"client_id" is:"required" help:"The client ID of the Auth API application at Duo."`
	ClientSecret string  `json:"client_secret" is:"required,writeonly,secret" help:"The client secret of that application."`
	Host         string  `json:"api_hostname" is:"required" help:"The API hostname of that application."`
	AdminKey     string  `json:"admin_integration_key" is:"blank,nofilter" help:"The integration key of the Admin API application, with which people can be taken over from Duo."`
	AdminSecret  string  `json:"admin_secret_key" is:"blank,writeonly,secret" help:"The secret key of that application."`

	d *Deps
}

// Friendly gives what people read, nil when nothing is set.
func (s *Stage) Friendly() *string { return s.FriendlyName }

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-duo" }

// Challenge shows the code that Duo's app takes.
type Challenge struct {
	Barcode string `json:"activation_barcode"`
	Code    string `json:"activation_code"`
	Stage   string `json:"stage_uuid"`
}

// QR draws the code for the app, so that the browser asks Duo for no picture; label is what people hear who can't see it.
func (c *Challenge) QR(label string) (template.HTML, error) { return qr.SVG(c.Code, label) }

// Link opens the app on the phone that shows the page.
func (c *Challenge) Link() template.URL {
	if !strings.HasPrefix(c.Code, "duo://") {
		return "#"
	}
	return template.URL(c.Code) // leads to the app
}

// Answer says that the phone is set up.
type Answer struct{}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Users  *user.Directory
	Events *event.Log
	// Client speaks to an application at Duo.
	Client func(host, key, secret string) *duoapi.Client
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/authenticator/duo", Model: "authentik_stages_authenticator_duo.authenticatorduostage", Schema: "AuthenticatorDuoStage",
		Title: "Duo Authenticator Setup Stage", Component: "ak-stage-authenticator-duo-form", About: "Let the person set up Duo on their phone.",
		Actions: d.actions(),
	}, stage.Asking{Schema: "AuthenticatorDuoChallenge", Component: "ak-stage-authenticator-duo", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

func (s *Stage) auth() *duoapi.Client { return s.d.Client(s.Host, s.ClientID, s.ClientSecret) }

func (d *Deps) say(t *stage.Turn, key string) string {
	return d.Texts.Choose(t.Request.HTTP.Locale).Say(key)
}

// enrolment is a person that Duo begins to know.
type enrolment struct {
	Barcode string    `json:"barcode"`
	Code    string    `json:"code"`
	User    string    `json:"user"`
	Expires time.Time `json:"expires"`
}

// Show has Duo begin, once for a person in a session, and shows the code. A flow about nobody goes on.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	var e enrolment
	if !t.Kept(s.d.Store.Key(), s.PK, &e) || !t.Now.Before(e.Expires) {
		got, err := s.auth().Enroll(t.Ctx, t.User.Username)
		if err != nil {
			return s.cant(t, "Failed to enroll user", err)
		}
		e = enrolment(got)
		if err := t.Keep(s.d.Store.Key(), s.PK, e); err != nil {
			return stage.Fail(err)
		}
	}
	return stage.Ask(&Challenge{Barcode: e.Barcode, Code: e.Code, Stage: s.PK})
}

// Take asks Duo how far the person is, and stores their phone when they are through. Who is not there yet is told so.
func (s *Stage) Take(t *stage.Turn, _ *Answer) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	var e enrolment
	if !t.Kept(s.d.Store.Key(), s.PK, &e) {
		return s.Show(t)
	}
	status, err := s.auth().EnrollStatus(t.Ctx, e.User, e.Code)
	switch {
	case err != nil:
		return s.cant(t, "Failed to check the enrollment", err)
	case status == duoapi.Waiting:
		return stage.WrongAll(s.d.say(t, "flow.duo.waiting"))
	case status != duoapi.Success:
		t.Drop(s.PK)
		return stage.Deny("Invalid enrollment status: " + status + ".")
	}
	t.Drop(s.PK)
	who := t.User.PK
	return stage.Done().Writing(func(tx *store.Tx) error {
		return s.store(tx, "Duo Authenticator", who, e.User, "Device with Credential ID already exists.")
	}).Else(func(err error) stage.Result { return stage.Deny(fault.As(err).Say) })
}

// store keeps a phone; Conflict with a sentence when somebody has it at this stage already.
func (s *Stage) store(tx *store.Tx, name string, who int64, duoUser, taken string) error {
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM duo_devices WHERE stage = ? AND duo_user_id = ?`, s.PK, duoUser).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, taken)
	}
	v := store.KindOf[Device](tx.Store()).New().(*Device)
	v.Name, v.User, v.Stage, v.DuoUser, v.Confirmed = name, who, s.PK, duoUser, true
	return tx.Create(v)
}

// cant ends the flow since Duo does not help: who reads it learns that, an admin why.
func (s *Stage) cant(t *stage.Turn, what string, err error) stage.Result {
	if t.Ctx.Err() != nil {
		return stage.Fail(t.Ctx.Err())
	}
	if !s.report(t, what, err) {
		return stage.Fail(err)
	}
	return stage.Deny(s.d.say(t, "flow.duo.cant"))
}

// report tells admins what Duo refused, or that it can't be reached; false for an error of ours.
func (s *Stage) report(t *stage.Turn, what string, err error) bool {
	text := fault.As(err).Say
	var no *duoapi.Failure
	if errors.As(err, &no) {
		text = no.Error()
	} else if !fault.Is(err, fault.Unavailable) {
		return false
	}
	s.d.Log.WarnContext(t.Ctx, "Duo does not answer a stage as it should", "stage", s.Name, "flow", t.Flow.Slug, "error", err, "logger", "gatehouse.stage.duo")
	name := t.User.Username
	t.After(func(tx *store.Tx) error {
		return s.d.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.stages.authenticator_duo", Context: map[string]any{
			"message": what + ": " + text, "user": name, "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name),
		}})
	})
	return true
}

// status says how far whoever is at this browser is with setting up their phone.
func (d *Deps) status(ctx context.Context, c *kind.Call, _ *kind.None) (Status, error) {
	s := c.Object.(*Stage)
	var e enrolment
	if _, ok := stage.Begun(d.Store.Key(), session.Of(ctx), s.PK, &e); !ok {
		return Status{}, fault.New(fault.Invalid, "Nobody is setting up Duo in this session.")
	}
	status, err := s.auth().EnrollStatus(ctx, e.User, e.Code)
	var no *duoapi.Failure
	if errors.As(err, &no) {
		return Status{}, fault.Wrap(fault.Invalid, "Duo doesn't tell how far this is.", err)
	}
	return Status{status}, err
}
