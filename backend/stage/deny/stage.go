// Package deny is the stage that always refuses.
package deny

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

// Stage ends the flow for whoever comes to it.
type Stage struct {
	stage.Base
	Message string `json:"deny_message" is:"blank" help:"What the person reads. An expression may put another text in its place."`
}

// Deps is what the stage needs.
type Deps struct{ stage.Deps }

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, stage.None, stage.None](d.Deps, kind.Spec{
		Path: "stages/deny", Model: "authentik_stages_deny.denystage", Schema: "DenyStage", Title: "Deny Stage", Component: "ak-stage-deny-form",
		About: "Refuse everybody who comes this far.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, nil)
}

// Show refuses: with the text that the plan holds, else with the stage's own.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if m := t.Plan.Text(stage.DenyMessage); m != "" {
		return stage.Deny(m)
	}
	return stage.Deny(s.Message)
}

// Foresee implements stage.Foreseer.
func (s *Stage) Foresee(t *stage.Turn, _ *user.User) stage.Result { return s.Show(t) }

// Take refuses as Show does.
func (s *Stage) Take(t *stage.Turn, _ *stage.None) stage.Result { return s.Show(t) }
