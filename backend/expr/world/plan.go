package world

import (
	"net/url"
	"strings"

	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// plan is the flow's plan: context["flow_plan"].
type plan struct{ p *stage.Plan }

var planType = py.NewType("FlowPlan", "authentik.flows.planner", nil)

// Type implements py.Object.
func (*plan) Type() *py.Type { return planType }

// Equal implements py.Equaler.
func (p *plan) Equal(_ *py.Thread, v py.Value) (bool, bool, error) {
	x, ok := v.(*plan)
	return ok && x.p == p.p, true, nil
}

// Hash implements py.Hasher.
func (p *plan) Hash(*py.Thread) (any, error) { return p.p, nil }

// Attr implements py.Attrer.
func (p *plan) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	r := hostOf(t)
	switch name {
	case "context":
		d := r.dicts.of(r, p.p.Context, true)
		return d, true, r.dicts.err
	case "flow_pk":
		return strings.ReplaceAll(p.p.Flow, "-", ""), true, nil
	case "has_stages":
		return len(p.p.Steps) > 0, true, nil
	case "bindings":
		l := &py.List{}
		for _, s := range p.p.Steps {
			f := &expr.Facts{Type: "FlowStageBinding", Attrs: map[string]any{"pk": s.Binding, "stage": nil}}
			if s.Stage != "" {
				f.Attrs["stage"] = map[string]any{"model": "authentik_flows.stage", "pk": s.Stage}
			}
			l.V = append(l.V, &facts{f})
		}
		return l, true, t.Alloc(128 * len(l.V))
	case "redirect":
		return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
			a, err := py.ReadArgs(name, args, kw, "destination")
			if err != nil {
				return nil, err
			}
			to, err := t.Str(a[0])
			if err != nil {
				return nil, err
			}
			if u, err := url.Parse(to); err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
				return nil, py.Raise(py.ValueError, "%q is no address to send somebody to", to)
			}
			hostOf(t).later(func() { p.p.Next(stage.Step{Inline: stage.RedirectStep, Params: map[string]any{"to": to}}) })
			return nil, nil
		}), true, nil
	case "insert_stage", "append_stage":
		return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
			a, err := py.ReadArgs(name, args, kw, "stage", "marker?")
			if err != nil {
				return nil, err
			}
			o, ok := a[0].(*object)
			if !ok || o.k.Family != stage.Family || o.pk == "" {
				return nil, py.Raise(py.TypeError, "%s() argument must be a Stage, not %s", name, py.TypeName(a[0]))
			}
			step := stage.Step{Stage: o.pk}
			hostOf(t).later(func() {
				if name == "insert_stage" {
					p.p.Next(step)
				} else {
					p.p.Append(step)
				}
			})
			return nil, nil
		}), true, nil
	}
	return nil, false, nil
}

// later keeps a change of the plan until the run ended well.
func (r *run) later(f func()) { r.dicts.after = append(r.dicts.after, f) }

// facts is an object that is read by its attributes only.
type facts struct{ f *expr.Facts }

// Type implements py.Object.
func (f *facts) Type() *py.Type { return factType(f.f.Type) }

// Attr implements py.Attrer.
func (f *facts) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	v, ok := f.f.Attrs[name]
	if !ok {
		return nil, false, nil
	}
	if fn, is := v.(*py.Builtin); is {
		return fn, true, nil
	}
	x, err := hostOf(t).wrap(v)
	return x, true, err
}

// Equal implements py.Equaler.
func (f *facts) Equal(_ *py.Thread, v py.Value) (bool, bool, error) {
	x, ok := v.(*facts)
	return ok && x.f == f.f, true, nil
}

// Hash implements py.Hasher.
func (f *facts) Hash(*py.Thread) (any, error) { return f.f, nil }

// factTypes are the classes of facts. They are few, and named by the house.
var factTypes = map[string]*py.Type{
	"AccessToken": py.NewType("AccessToken", "authentik.providers.oauth2.models", nil),
}

var factOther = py.NewType("object", "builtins", nil)

func factType(name string) *py.Type {
	if ty := factTypes[name]; ty != nil {
		return ty
	}
	return factOther
}

// metaOf is what _meta of an object tells.
func metaOf(k *kind.Kind) *expr.Facts {
	return &expr.Facts{Type: "Options", Attrs: map[string]any{
		"app_label": k.App(), "model_name": k.ModelName(), "label_lower": k.Model, "object_name": k.Schema, "verbose_name": k.Title, "verbose_name_plural": k.Plural,
	}}
}
