// Package captcha is the stage that has a service make sure that a person and no program is there.
//
//	page with the service's widget (its script only where the page's policy opens for it) ─▶ token ─▶ siteverify ─▶ on, or once more
package captcha

import (
	"context"
	_ "embed"
	"errors"
	"net/url"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/siteverify"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

//go:embed page.html
var page string

// Stage asks a service such as reCAPTCHA, hCaptcha or Turnstile.
type Stage struct {
	stage.Base
	PublicKey  string `json:"public_key" is:"required" help:"The site key that the service gave you."`
	PrivateKey string `json:"private_key" is:"required,writeonly,secret" help:"The secret key that the service gave you."`
	Script     string `json:"js_url" is:"nofilter" default:"https://www.recaptcha.net/recaptcha/api.js" help:"The address of the service's script." group:"advanced"`
	API        string `json:"api_url" is:"nofilter" default:"https://www.recaptcha.net/recaptcha/api/siteverify" help:"The address at which an answer is checked." group:"advanced"`

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Events *event.Log
	// Verify asks a service at an address whether an answer is good; see siteverify.Ask.
	Verify func(ctx context.Context, address, secret, response, ip string) (siteverify.Verdict, error)
}

// Challenge shows the service's widget.
type Challenge struct {
	SiteKey string `json:"site_key"`
	Script  string `json:"js_url"`
}

// Origins are where the widget loads its parts from, for the policy of the page: the script's own origin, and what the services that are
// known load besides (as their documents on Content-Security-Policy say). None for a script that is not on the web.
func (c *Challenge) Origins() []string {
	u, err := url.Parse(c.Script)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*") {
		return nil
	}
	out := []string{u.Scheme + "://" + u.Host}
	switch name := u.Hostname(); {
	case name == "www.recaptcha.net", name == "recaptcha.net", name == "www.google.com":
		out = append(out, "https://www.google.com", "https://www.recaptcha.net", "https://www.gstatic.com")
	case name == "hcaptcha.com", strings.HasSuffix(name, ".hcaptcha.com"):
		out = append(out, "https://hcaptcha.com", "https://*.hcaptcha.com")
	}
	return out
}

// Answer is what the widget gave.
type Answer struct {
	Token string `json:"token" is:"required"`
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/captcha", Model: "authentik_stages_captcha.captchastage", Schema: "CaptchaStage", Title: "Captcha Stage",
		Component: "ak-stage-captcha-form", About: "Have a service make sure that a person is there.",
	}, stage.Asking{Schema: "CaptchaChallenge", Component: "ak-stage-captcha", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// Show asks for the widget's answer.
func (s *Stage) Show(*stage.Turn) stage.Result {
	return stage.Ask(&Challenge{SiteKey: s.PublicKey, Script: s.Script})
}

// Take has the service check the answer. Nobody comes past a service that can't be asked.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	v, err := s.d.Verify(t.Ctx, s.API, s.PrivateKey, in.Token, t.Request.HTTP.ClientIP)
	var no *siteverify.Refused
	switch {
	case t.Ctx.Err() != nil:
		return stage.Fail(t.Ctx.Err())
	case errors.As(err, &no):
		s.report(t, no.Error())
		return stage.Wrong("token", "Failed to validate token")
	case fault.Is(err, fault.Unavailable):
		s.report(t, fault.As(err).Say)
		return stage.Deny(s.d.Texts.Choose(t.Request.HTTP.Locale).Say("flow.captcha.cant"))
	case err != nil:
		return stage.Fail(err)
	case !v.Good:
		return stage.Wrong("token", "Failed to validate token: "+strings.Join(v.Codes, ", "))
	}
	return stage.Done()
}

// report tells admins why answers can't be checked.
func (s *Stage) report(t *stage.Turn, why string) {
	s.d.Log.WarnContext(t.Ctx, "a captcha can't be checked", "stage", s.Name, "flow", t.Flow.Slug, "error", why, "logger", "gatehouse.stage.captcha")
	t.After(func(tx *store.Tx) error {
		return s.d.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.stages.captcha", Context: map[string]any{
			"message": why, "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name),
		}})
	})
}
