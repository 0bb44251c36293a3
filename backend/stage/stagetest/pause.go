package stagetest

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// Paused is the component that a flow shows when it has come to a Pause.
const Paused = "ak-stage-pause"

// Pause is a stage that asks for nothing but an answer: a flow stops there, with its plan, for the test to look at.
type Pause struct{ stage.Base }

type pauseChallenge struct {
	Name string `json:"name" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (pauseChallenge) SchemaName() string { return "PauseChallenge" }

// PauseKind is how a house knows it.
func PauseKind(d stage.Deps) *stage.Kind {
	return stage.New[Pause, pauseChallenge, stage.None](d, kind.Spec{
		Path: "stages/pause", Model: "stagetest.pause", Schema: "PauseStage", Title: "Pause", Component: "ak-stage-pause-form", About: "Stop here.",
	}, stage.Asking{Schema: "PauseChallenge", Component: Paused, Page: "<p></p>"}, nil)
}

// Show asks.
func (s *Pause) Show(*stage.Turn) stage.Result { return stage.Ask(&pauseChallenge{s.Name}) }

// Take goes on.
func (s *Pause) Take(*stage.Turn, *stage.None) stage.Result { return stage.Done() }
