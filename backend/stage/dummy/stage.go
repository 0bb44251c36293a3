// Package dummy is the stage for trying flows out: it shows its name and goes on when answered.
package dummy

import (
	_ "embed"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

//go:embed page.html
var page string

// Stage asks nothing of anybody.
type Stage struct {
	stage.Base
	ThrowError bool `json:"throw_error" help:"Fail, to see how that looks."`
}

// Deps is what the stage needs.
type Deps struct{ stage.Deps }

// Challenge tells the stage's name.
type Challenge struct {
	Name string `json:"name" is:"required"`
}

// errTest is what a stage with throw_error fails with.
var errTest = fault.New(fault.Internal, "Test error")

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, stage.None](d.Deps, kind.Spec{
		Path: "stages/dummy", Model: "authentik_stages_dummy.dummystage", Schema: "DummyStage", Title: "Dummy Stage", Component: "ak-stage-dummy-form",
		About: "Show a page with a button, for trying flows out.", Trial: true, Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "DummyChallenge", Component: "ak-stage-dummy", Page: page}, nil)
}

// Show tells the stage's name.
func (s *Stage) Show(*stage.Turn) stage.Result {
	if s.ThrowError {
		return stage.Fail(errTest)
	}
	return stage.Ask(&Challenge{Name: s.Name})
}

// Take goes on whatever was answered.
func (s *Stage) Take(*stage.Turn, *stage.None) stage.Result {
	if s.ThrowError {
		return stage.Fail(errTest)
	}
	return stage.Done()
}
