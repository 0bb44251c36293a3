// Package totp is the stage that sets up a time-based one-time password (RFC 6238), and the device that comes of it.
//
//	a fresh key, kept in the session ─▶ QR code and text ─▶ first code ─▶ Device, that code used up
//	Factor ─▶ code of a step around now, later than the last that counted ─▶ proof
package totp

import (
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"html/template"
	"net/url"
	"strings"

	"gatehouse/backend/kind"
	"gatehouse/backend/qr"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

//go:embed page.html
var page string

// Stage sets up a device.
type Stage struct {
	stage.Base
	stage.Setup
	stage.Named
	Digits string `json:"digits" is:"required" enum:"6,8" help:"How long the codes are. Some apps know only six digits."`

	d *stage.Deps
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-totp" }

// Challenge asks for the first code of the new device.
type Challenge struct {
	ConfigURL string `json:"config_url"`
}

// QR draws the address for the app; label is what people hear who can't see it.
func (c *Challenge) QR(label string) (template.HTML, error) { return qr.SVG(c.ConfigURL, label) }

// Link is the address itself, for an app on the device that shows the page.
func (c *Challenge) Link() template.URL {
	if !strings.HasPrefix(c.ConfigURL, "otpauth://totp/") {
		return "#"
	}
	return template.URL(c.ConfigURL) // made here
}

// Secret is the key as people type it, in groups of four.
func (c *Challenge) Secret() string {
	var out []string
	for s := c.param("secret"); s != ""; {
		n := min(4, len(s))
		out, s = append(out, s[:n]), s[n:]
	}
	return strings.Join(out, " ")
}

// Digits is how long the codes are.
func (c *Challenge) Digits() string { return c.param("digits") }

func (c *Challenge) param(name string) string {
	u, err := url.Parse(c.ConfigURL)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// Answer is that code.
type Answer struct {
	Code int64 `json:"code" is:"required"`
}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/authenticator/totp", Model: "authentik_stages_authenticator_totp.authenticatortotpstage", Schema: "AuthenticatorTOTPStage",
		Title: "TOTP Authenticator Setup Stage", Component: "ak-stage-authenticator-totp-form", About: "Let the person set up an app that shows one-time passwords.",
		Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "AuthenticatorTOTPChallenge", Component: "ak-stage-authenticator-totp", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// fresh is a device that is being set up.
type fresh struct {
	Key    string `json:"key"`
	Digits int64  `json:"digits"`
}

func (s *Stage) length() int64 {
	if s.Digits == "8" {
		return 8
	}
	return 6
}

// Show gives the person a key for their app, the same until it is confirmed. A flow about nobody goes on.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	var f fresh
	if !t.Kept(s.d.Store.Key(), s.PK, &f) || f.Digits != s.length() {
		var key [keySize]byte
		rand.Read(key[:])
		f = fresh{hex.EncodeToString(key[:]), s.length()}
		if err := t.Keep(s.d.Store.Key(), s.PK, f); err != nil {
			return stage.Fail(err)
		}
	}
	key, err := raw(f.Key)
	if err != nil {
		return stage.Fail(err)
	}
	return stage.Ask(&Challenge{ConfigURL: address(key, f.Digits, t.Brand.Title, t.User.Username)})
}

// Take stores the device when the code is one that it makes now. That code is used up: it opens nothing after that.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	var f fresh
	if !t.Kept(s.d.Store.Key(), s.PK, &f) || f.Digits != s.length() {
		return stage.Wrong("code", "Code does not match") // a new key is shown with it
	}
	key, err := raw(f.Key)
	if err != nil {
		return stage.Fail(err)
	}
	step, ok := match(key, in.Code, f.Digits, 0, 0, t.Now)
	if !ok {
		return stage.Wrong("code", "Code does not match")
	}
	t.Drop(s.PK)
	who, now := t.User.PK, t.Now
	return stage.Done().Writing(func(tx *store.Tx) error {
		v := store.KindOf[Device](tx.Store()).New().(*Device)
		v.Name, v.User, v.Confirmed, v.Key, v.Digits = "TOTP Authenticator", who, true, f.Key, f.Digits
		v.LastStep, v.Drift = step, step-stepOf(now)
		return tx.Create(v)
	})
}
