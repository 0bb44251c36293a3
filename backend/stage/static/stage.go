// Package static is the stage that gives a person a list of codes to keep on paper, and the device that comes of it.
//
//	fresh codes, kept in the session ─▶ shown, to copy, print or save ─▶ the person goes on ─▶ Device, each code sealed
//	Factor ─▶ a code of a list, struck off ─▶ proof
package static

import (
	_ "embed"
	"html/template"
	"net/url"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

//go:embed page.html
var page string

// Stage gives codes.
type Stage struct {
	stage.Base
	stage.Setup
	stage.Named
	Count  int64 `json:"token_count" default:"6" min:"0" max:"2147483647" help:"How many codes a person gets."`
	Length int64 `json:"token_length" default:"12" min:"0" max:"2147483647" help:"How long a code is, 16 at most."`

	d *stage.Deps
}

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-static" }

// Validate implements store.Validator. A code is at most as long as the published field for it.
func (s *Stage) Validate() error {
	var bad fault.Fields
	if s.Count < 1 || s.Count > 100 {
		bad.Add("token_count", "Give between 1 and 100 codes.")
	}
	if s.Length < 8 || s.Length > 16 {
		bad.Add("token_length", "A code is between 8 and 16 characters long.")
	}
	return bad.Err()
}

// Challenge shows the codes.
type Challenge struct {
	Codes []string `json:"codes"`
}

// Lines are the codes, one a line.
func (c *Challenge) Lines() string { return strings.Join(c.Codes, "\n") }

// File is the address of a text file with the codes, which the browser makes of the page itself.
func (c *Challenge) File() template.URL {
	return template.URL("data:text/plain;charset=utf-8," + url.PathEscape(c.Lines()+"\n")) // letters, digits and line ends
}

// Answer says that the person has kept them.
type Answer struct{}

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d, kind.Spec{
		Path: "stages/authenticator/static", Model: "authentik_stages_authenticator_static.authenticatorstaticstage", Schema: "AuthenticatorStaticStage",
		Title: "Static Authenticator Setup Stage", Component: "ak-stage-authenticator-static-form", About: "Give the person codes that work once each.",
		Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "AuthenticatorStaticChallenge", Component: "ak-stage-authenticator-static", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// codes gives what the person was shown, if it is what the stage gives now.
func (s *Stage) codes(t *stage.Turn) (codes []string, ok bool) {
	ok = t.Kept(s.d.Store.Key(), s.PK, &codes) && int64(len(codes)) == s.Count
	for _, c := range codes {
		ok = ok && int64(len(c)) == s.Length
	}
	return codes, ok
}

// Show gives the person codes, the same until they are taken. A flow about nobody goes on.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	codes, ok := s.codes(t)
	if !ok {
		codes = make([]string, s.Count)
		for i := range codes {
			codes[i] = crypt.ID(int(s.Length))
		}
		if err := t.Keep(s.d.Store.Key(), s.PK, codes); err != nil {
			return stage.Fail(err)
		}
	}
	return stage.Ask(&Challenge{codes})
}

// Take stores the codes that were shown; before that they open nothing. A list from earlier stays good beside it.
func (s *Stage) Take(t *stage.Turn, _ *Answer) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	codes, ok := s.codes(t)
	if !ok { // nobody has seen them
		return s.Show(t)
	}
	t.Drop(s.PK)
	who := t.User.PK
	return stage.Done().Writing(func(tx *store.Tx) error {
		v := store.KindOf[Device](tx.Store()).New().(*Device)
		v.Name, v.User, v.Confirmed = "Static Token", who, true
		if err := tx.Create(v); err != nil {
			return err
		}
		for _, c := range codes {
			if err := v.Add(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}
