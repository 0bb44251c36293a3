// Package consent is the stage that asks whether an application may learn what it wants to know, and remembers the answer.
//
//	asked permissions ─┬─ stored ones are the same, and nobody wants the question again ─▶ on
//	                   └─ else: ask ─▶ token comes back ─▶ store (unless always) ─▶ on
package consent

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/json"

	"gatehouse/backend/crypt"
	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

//go:embed page.html
var page string

// The modes on the wire.
const (
	Always    = "always_require"
	Permanent = "permanent"
	Expiring  = "expiring"
)

// Stage asks for consent.
type Stage struct {
	stage.Base
	Mode     string `json:"mode" enum:"always_require,permanent,expiring" default:"expiring" help:"Whether a consent counts once, for ever, or for a time."`
	ExpireIn string `json:"consent_expire_in" default:"weeks=4" format:"duration" help:"How long a consent counts in the mode expiring."`

	d *Deps
}

// Deps is what the room needs.
type Deps struct {
	stage.Deps
	Users *user.Directory
	// Applications gives applications by key as their own page shows them.
	Applications func(ctx context.Context, pks []string) (map[string]any, error)
}

// Permission is one thing that an application may learn or do.
type Permission struct {
	ID   string `json:"id" is:"required"`
	Name string `json:"name" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Permission) SchemaName() string { return "ConsentPermission" }

// Challenge asks for consent: to what was granted before, and to what is new.
type Challenge struct {
	Header     string       `json:"header_text,omitempty"`
	Permission []Permission `json:"permissions"`
	Additional []Permission `json:"additional_permissions"`
	Token      string       `json:"token"`
}

// Answer brings the challenge's token back: whoever answers has seen the page.
type Answer struct {
	Token string `json:"token" is:"required"`
}

// secret is the name under which the session keeps the token.
const secret = "consent"

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/consent", Model: "authentik_stages_consent.consentstage", Schema: "ConsentStage", Title: "Consent Stage",
		Component: "ak-stage-consent-form", About: "Ask whether an application may know who somebody is.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "ConsentChallenge", Component: "ak-stage-consent", User: true, Page: page}, func() *Stage { return &Stage{d: &d} })
}

// Show asks, unless the same was granted before and still counts. A provider that wants the question all the same (prompt=consent) says so
// in the plan; the step that the house puts in for it has nothing to ask once another stage of the flow did.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	again, said := t.Plan.Context[stage.ConsentAgain].(bool)
	if s.PK == "" && said && !again {
		return stage.Done()
	}
	asked := permissions(t.Plan.Context[stage.ConsentAsked])
	var granted map[string]bool
	if s.remembers(t) {
		var err error
		if granted, err = find(t.Ctx, s.d.Store, t.SignedIn.PK, t.Plan.Key(stage.Application), t.Now); err != nil {
			return stage.Fail(err)
		}
		if granted != nil && same(granted, asked) && !again {
			return stage.Done()
		}
	}
	c := &Challenge{Header: t.Plan.Text(stage.ConsentHeader), Permission: []Permission{}, Additional: []Permission{}, Token: crypt.UUID()}
	for _, p := range asked {
		if granted == nil || granted[p.ID] {
			c.Permission = append(c.Permission, p)
		} else {
			c.Additional = append(c.Additional, p)
		}
	}
	t.Plan.Context[stage.ConsentNew] = c.Additional
	t.Remember(secret, c.Token)
	return stage.Ask(c)
}

// Take goes on when the token is the one that was shown; with any other the page is shown again.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	want := t.Recall(secret)
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(in.Token)) != 1 {
		return s.Show(t)
	}
	t.Forget(secret)
	if t.Plan.True(stage.ConsentAgain) {
		t.Plan.Context[stage.ConsentAgain] = false
	}
	if !s.remembers(t) {
		return stage.Done()
	}
	c := grant{User: t.SignedIn.PK, Application: t.Plan.Key(stage.Application), Permissions: ids(permissions(t.Plan.Context[stage.ConsentAsked]))}
	if s.Mode == Expiring {
		at := t.Now.Add(span.Must(s.ExpireIn))
		c.Expires = &at
	}
	return stage.Done().Writing(func(tx *store.Tx) error { return c.store(tx) })
}

// remembers says whether answers are kept: not in the mode always, not by a stage that the house put in because somebody wants to be asked
// (it has no key), and only for whoever is signed in here, to an application.
func (s *Stage) remembers(t *stage.Turn) bool {
	return s.Mode != Always && s.PK != "" && t.Plan.Key(stage.Application) != "" && t.SignedIn != nil && t.User != nil && t.User.PK == t.SignedIn.PK
}

// permissions reads what a provider put into the plan, whole or after it rested as JSON.
func permissions(v any) []Permission {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out []Permission
	if json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}

func same(granted map[string]bool, asked []Permission) bool {
	seen := map[string]bool{}
	for _, p := range asked {
		if !granted[p.ID] {
			return false
		}
		seen[p.ID] = true
	}
	return len(seen) == len(granted)
}
