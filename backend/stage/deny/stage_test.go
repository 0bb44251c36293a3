package deny_test

import (
	"testing"

	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/deny"
	"gatehouse/backend/stage/stagetest"
)

const model = "authentik_stages_deny.denystage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{deny.Kind(deny.Deps{Deps: h.Stage})}}
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: func(h *stagetest.House) any { return stagetest.New[deny.Stage](h) }})
}

func TestMessage(t *testing.T) {
	for _, tt := range []struct {
		name, own, context, want string
	}{
		{"nothing said", "", "", "Unknown error"},
		{"the stage's text", "Not today.", "", "Not today."},
		{"the plan's text wins", "Not today.", "Not from here.", "Not from here."},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				h := stagetest.Open(t, with)
				s := stagetest.New[deny.Stage](h)
				s.Message = tt.own
				f := h.Flow("no", flow.Authentication, s)
				b, p := h.Browser(), stage.NewPlan(f.PK, nil)
				if tt.context != "" {
					p.Context[stage.DenyMessage] = tt.context
				}
				p.Append(stage.Step{Stage: s.PK})
				h.Begin(b, f, p)
				var answer map[string]any
				if method == "POST" {
					answer = map[string]any{}
				}
				got, denied := stagetest.Denied(b.Step("no", "", answer))
				if !denied || got != tt.want {
					t.Errorf("%q, %v", got, denied)
				}
				if h.Plan(b) != nil {
					t.Error("the plan is still there")
				}
			})
		}
	}
}
