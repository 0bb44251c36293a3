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

// AutosubmitStep is the step that ends a plan with a form that the browser sends elsewhere by itself.
const AutosubmitStep = "autosubmit"

// Submission is a form for somebody else: the browser sends it, or the person by its button.
type Submission struct {
	URL   string            `json:"url" is:"required"`
	Attrs map[string]string `json:"attrs" is:"required"`
	Title string            `json:"title,omitempty"`
}

const autosubmit = "ak-stage-autosubmit"

// Submit is the outcome that shows a form outside of any flow.
func Submit(s *Submission) Outcome {
	return Outcome{Challenge: &Challenge{Component: autosubmit, Type: "native", Value: s}}
}

// Autosubmit is the step. Its parameters are those of the form.
type Autosubmit struct{}

var (
	_ stage.Inline = Autosubmit{}
	_ Asker        = Autosubmit{}
)

// Asker is a step of the house that asks something of its own, as a stage of this kind would.
type Asker interface{ Kind() *stage.Kind }

var autosubmitKind = &stage.Kind{Asking: stage.Asking{Component: autosubmit}}

// Name implements stage.Inline.
func (Autosubmit) Name() string { return AutosubmitStep }

// Kind implements Asker.
func (Autosubmit) Kind() *stage.Kind { return autosubmitKind }

// Show implements stage.Inline.
func (Autosubmit) Show(_ *stage.Turn, params map[string]any) stage.Result {
	s := &Submission{Attrs: map[string]string{}}
	s.URL, _ = params["url"].(string)
	s.Title, _ = params["title"].(string)
	switch attrs := params["attrs"].(type) {
	case map[string]string:
		s.Attrs = attrs
	case map[string]any:
		for name, v := range attrs {
			s.Attrs[name], _ = v.(string)
		}
	}
	return stage.Ask(s)
}

// Take implements stage.Inline: the form does not come here.
func (a Autosubmit) Take(t *stage.Turn, params map[string]any, _ map[string]json.RawMessage) stage.Result {
	return a.Show(t, params)
}
