package flow

import (
	"context"
	"encoding/json"

	"gatehouse/backend/stage"
)

// ConsentStep is the step that asks for consent in a plan whose flow has no stage for it.
const ConsentStep = "consent"

// Injected is a stage that the house puts into a plan by itself: it runs as the kind does, and is no object.
type Injected struct {
	Step   string
	Kind   *stage.Kind
	Object func() any // a fresh stage of the kind
}

var _ stage.Inline = Injected{}

// Name implements stage.Inline.
func (i Injected) Name() string { return i.Step }

// Component tells how the step asks.
func (i Injected) Component() string { return i.Kind.Component }

// Show implements stage.Inline.
func (i Injected) Show(t *stage.Turn, _ map[string]any) stage.Result {
	return i.Kind.Show(i.Object(), t)
}

// Take implements stage.Inline.
func (i Injected) Take(t *stage.Turn, _ map[string]any, body map[string]json.RawMessage) stage.Result {
	return i.Kind.Take(i.Object(), t, body)
}

// Holds says whether a stage that asks by a component is among the steps of a plan.
func (e *Engine) Holds(ctx context.Context, p *stage.Plan, component string) bool {
	for _, s := range p.Steps {
		if s.Inline != "" {
			if c, ok := e.Inlines[s.Inline].(interface{ Component() string }); ok && c.Component() == component {
				return true
			}
			continue
		}
		k, _, err := e.Store.GetIn(ctx, stage.Family.Name, s.Stage)
		if err == nil && e.Stages[k.Model] != nil && e.Stages[k.Model].Component == component {
			return true
		}
	}
	return false
}

// Elsewhere is the step that a policy puts into a plan with redirect(): the person leaves for an address.
type Elsewhere struct{}

var _ stage.Inline = Elsewhere{}

// Name implements stage.Inline.
func (Elsewhere) Name() string { return stage.RedirectStep }

// Show implements stage.Inline.
func (Elsewhere) Show(_ *stage.Turn, params map[string]any) stage.Result {
	to, _ := params["to"].(string)
	return stage.Redirect(to)
}

// Take implements stage.Inline: whoever comes back without having been there is sent again.
func (e Elsewhere) Take(t *stage.Turn, params map[string]any, _ map[string]json.RawMessage) stage.Result {
	return e.Show(t, params)
}
