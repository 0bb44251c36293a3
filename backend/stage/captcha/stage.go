// Package captcha is the stage that has a service make sure that a person and no program is there.
package captcha

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// Stage asks a service such as reCAPTCHA, hCaptcha or Turnstile.
type Stage struct {
	stage.Base
	PublicKey  string `json:"public_key" is:"required" help:"The site key that the service gave you."`
	PrivateKey string `json:"private_key" is:"required,writeonly,secret" help:"The secret key that the service gave you."`
	Script     string `json:"js_url" is:"nofilter" default:"https://www.recaptcha.net/recaptcha/api.js" help:"The address of the service's script." group:"advanced"`
	API        string `json:"api_url" is:"nofilter" default:"https://www.recaptcha.net/recaptcha/api/siteverify" help:"The address at which an answer is checked." group:"advanced"`
}

// Challenge shows the service's widget.
type Challenge struct {
	SiteKey string `json:"site_key"`
	Script  string `json:"js_url"`
}

// Answer is what the widget gave.
type Answer struct {
	Token string `json:"token" is:"required"`
}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/captcha", Model: "authentik_stages_captcha.captchastage", Schema: "CaptchaStage", Title: "Captcha Stage",
		Component: "ak-stage-captcha-form", About: "Have a service make sure that a person is there.",
	}, stage.Asking{Schema: "CaptchaChallenge", Component: "ak-stage-captcha", User: true}, nil)
}
