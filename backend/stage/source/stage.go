// Package source is the stage that has a person sign in at a source in the middle of a flow and then goes on.
package source

import (
	"slices"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// Stage sends the person to a source.
type Stage struct {
	stage.Base
	Source string `json:"source" is:"required" ref:"sources cascade" format:"uuid" help:"Where people sign in. The source's own flows must not sign in by themselves."`
	Resume string `json:"resume_timeout" default:"minutes=10" format:"duration" help:"How long a person may be away before the flow begins anew."`
}

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

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, stage.None, stage.None](d, kind.Spec{
		Path: "stages/source", Model: "authentik_stages_source.sourcestage", Schema: "SourceStage", Title: "Source Stage", Component: "ak-stage-source-form",
		About: "Have the person sign in at a source and go on with what is known there.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, nil)
}
