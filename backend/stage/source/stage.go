// Package source is the stage that has a person sign in at a source in the middle of a flow and then goes on.
package source

import (
	"net/url"
	"slices"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/span"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// Stage sends the person to a source.
type Stage struct {
	stage.Base
	Source string `json:"source" is:"required" ref:"sources cascade" format:"uuid" help:"Where people sign in. The source's own flows must not sign in by themselves."`
	Resume string `json:"resume_timeout" default:"minutes=10" format:"duration" help:"How long a person may be away before the flow begins anew."`

	d *Deps
}

// Deps is what the stage needs.
type Deps struct{ stage.Deps }

// quiet are the apps whose sources have no page to sign in on.
var quiet = []string{"authentik_core", "authentik_sources_ldap", "authentik_sources_scim"}

// Saving implements store.Saver: the source must be one that a browser can be sent to.
func (s *Stage) Saving(tx *store.Tx, _ any) error {
	k, _, err := tx.GetIn(source.Family.Name, s.Source)
	if fault.Is(err, fault.NotFound) {
		return nil // the check of references says so
	}
	if err != nil {
		return err
	}
	if slices.Contains(quiet, k.App()) {
		return fault.Field("source", "Invalid source selected, only web-based sources are supported.")
	}
	return nil
}

// Show sends the person away, and goes on for whoever came back with what the source said.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if t.Plan.Text(stage.Returned) == s.PK {
		delete(t.Plan.Context, stage.Returned)
		return stage.Done()
	}
	_, obj, err := s.d.Store.GetIn(t.Ctx, source.Family.Name, s.Source)
	if fault.Is(err, fault.NotFound) {
		return stage.Deny("Source does not exist")
	}
	if err != nil {
		return stage.Fail(err)
	}
	from, ok := obj.(source.Enterable)
	if !ok || !from.Source().Enabled {
		return stage.Deny("Invalid source")
	}
	away, err := span.Parse(s.Resume)
	if err != nil {
		return stage.Fail(err)
	}
	t.Session.Data.Override = &session.Override{Source: s.Source, Stage: s.PK, Flow: t.Flow.PK, Query: t.Request.Query.Encode(), Until: t.Now.Add(away)}
	return stage.Redirect(from.LoginPath() + "?next=" + url.QueryEscape(t.Request.Query.Get("next")))
}

// Take implements stage.Behaviour: no answer leads on, only the way over the source does (CVE-2026-49443).
func (s *Stage) Take(t *stage.Turn, _ *stage.None) stage.Result { return s.Show(t) }

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, stage.None, stage.None](d.Deps, kind.Spec{
		Path: "stages/source", Model: "authentik_stages_source.sourcestage", Schema: "SourceStage", Title: "Source Stage", Component: "ak-stage-source-form",
		About: "Have the person sign in at a source and go on with what is known there.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, func() *Stage { return &Stage{d: &d} })
}
