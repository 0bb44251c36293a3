package blueprint

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"go.yaml.in/yaml/v4"
)

// The models and shelves that a file of a flow is made of.
const (
	flowModel    = "authentik_flows.flow"
	bindModel    = "authentik_flows.flowstagebinding"
	polbindModel = "authentik_policies.policybinding"
	promptModel  = "authentik_stages_prompt.prompt"
)

var carried = []string{"flows", "flowbindings", "stages", "policies", "policybindings", "prompts"}

// ImportFlow applies a file with a flow. Who may do that holds add and change on all that it is made of (the published rule of the
// operation); what else is in the file counts by its own permissions.
func (r *Room) ImportFlow(ctx context.Context, text []byte) (logs []event.LogEvent, ok bool, err error) {
	f, bad := Parse(text, r.Allowed)
	out := Result{Faults: bad}
	if len(bad) == 0 {
		o := Options{May: func(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error {
			if slices.Contains(carried, k.Family.Name) && verb != kind.Delete {
				return nil
			}
			return r.Guard.Allowed(ctx, k, obj, verb)
		}}
		if out, err = r.Apply(ctx, f, o); err != nil {
			return nil, false, err
		}
	}
	logs = append([]event.LogEvent{}, out.Logs...)
	for _, f := range out.Faults {
		logs = append(logs, event.LogEvent{Timestamp: r.Store.Now().UTC(), LogLevel: "warning", Logger: "gatehouse.blueprint", Event: "Entry invalid: " + f.String(), Attributes: map[string]any{"line": f.Line, "field": f.Field}})
	}
	return logs, out.OK, nil
}

// ExportFlow gives a flow with everything that it is made of (flows.md 4.8). What it points at besides is written as a tag that finds it,
// so that the file fits other houses too.
func (r *Room) ExportFlow(ctx context.Context, pk string) (out []byte, err error) {
	err = r.reading(ctx, func(tx *store.Tx) error {
		x := &flowExport{export: export{r: r, tx: tx, secrets: func(k *kind.Kind, obj any) bool {
			return r.Guard.Allowed(store.WithActor(context.WithoutCancel(ctx), tx.Actor), k, obj, kind.Update) == nil
		}}, in: map[string]bool{}}
		x.outside = x.elsewhere
		if err := x.collect(pk); err != nil {
			return err
		}
		entries, err := x.entries()
		if err != nil {
			return err
		}
		out, err = render(tx.Now, entries)
		return err
	})
	return out, err
}

// part is an object of the file.
type part struct {
	k   *kind.Kind
	obj any
}

type flowExport struct {
	export
	in                                          map[string]bool // keys of what is in the file
	flow, prompts, policies, stages, binds, pol []part
	failed                                      error
}

// add puts an object into a list once.
func (x *flowExport) add(to *[]part, k *kind.Kind, obj any) bool {
	pk := k.PK(obj)
	if x.in[pk] {
		return false
	}
	x.in[pk] = true
	*to = append(*to, part{k, obj})
	return true
}

// targeting gives the objects of a model that are bound to a target, in their order.
func (x *flowExport) targeting(model, target string) ([]any, error) {
	return x.tx.List(x.r.Store.Kind(model), store.Query{Filters: url.Values{"target": {target}}, Order: []string{"order"}})
}

func (x *flowExport) collect(pk string) error {
	k := x.r.Store.Kind(flowModel)
	f, err := x.tx.Get(k, pk)
	if err != nil {
		return err
	}
	x.add(&x.flow, k, f)
	if err := x.policiesOf(pk); err != nil {
		return err
	}
	binds, err := x.targeting(bindModel, pk)
	if err != nil {
		return err
	}
	bk := x.r.Store.Kind(bindModel)
	for _, b := range binds {
		x.add(&x.binds, bk, b)
		if err := x.policiesOf(bk.PK(b)); err != nil {
			return err
		}
		if err := x.stage(bk.Value(b, bk.Field("stage")).String(), 0); err != nil {
			return err
		}
	}
	return nil
}

// policiesOf adds the policies that are bound to something, with their bindings.
func (x *flowExport) policiesOf(target string) error {
	binds, err := x.targeting(polbindModel, target)
	if err != nil {
		return err
	}
	k := x.r.Store.Kind(polbindModel)
	for _, b := range binds {
		x.add(&x.pol, k, b)
		if p, ok := k.Value(b, k.Field("policy")).Interface().(*string); ok && p != nil {
			if err := x.policy(*p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *flowExport) policy(pk string) error {
	k, p, err := x.tx.GetIn("policies", pk)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		x.add(&x.policies, k, p)
	}
	return err
}

// stage adds a stage after everything that it points at and that belongs to it: other stages, prompts, policies.
func (x *flowExport) stage(pk string, depth int) error {
	k, s, err := x.tx.GetIn("stages", pk)
	if fault.Is(err, fault.NotFound) || depth > 10 {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Ref == nil {
			continue
		}
		for _, to := range keys(simple(k.Value(s, f).Interface())) {
			switch f.Ref.Family {
			case "stages":
				err = x.stage(to, depth+1)
			case "policies":
				err = x.policy(to)
			case "prompts":
				pk := x.r.Store.Kind(promptModel)
				var p any
				if p, err = x.tx.Get(pk, to); err == nil {
					x.add(&x.prompts, pk, p)
				}
			}
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	x.add(&x.stages, k, s)
	return nil
}

// keys gives the keys of a reference.
func keys(v any) []string {
	switch x := v.(type) {
	case string:
		if x != "" {
			return []string{x}
		}
	case []any:
		var out []string
		for _, it := range x {
			out = append(out, fmt.Sprint(it))
		}
		return out
	}
	return nil
}

func (x *flowExport) entries() ([]written, error) {
	var out []written
	for _, part := range []struct {
		parts []part
		by    []string
	}{{x.flow, []string{"slug"}}, {x.prompts, []string{"name"}}, {x.policies, []string{"name"}}, {x.stages, []string{"name"}}, {x.binds, []string{"target", "stage", "order"}}, {x.pol, []string{"policy", "target", "order"}}} {
		for _, p := range part.parts {
			w, err := x.entry(p.k, p.obj, part.by...)
			if err != nil {
				return nil, err
			}
			if x.failed != nil {
				return nil, x.failed
			}
			out = append(out, w)
		}
	}
	return out, nil
}

// elsewhere writes a reference to something that is not in the file.
func (x *flowExport) elsewhere(family, pk string) *yaml.Node {
	if x.in[pk] {
		return nil
	}
	k, obj, err := x.tx.GetIn(family, pk)
	if err != nil {
		return nil
	}
	n, err := finds(k, obj)
	if err != nil {
		x.failed = err
	}
	return n
}
