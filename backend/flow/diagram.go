package flow

import (
	"context"
	"fmt"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// Diagram is a flow drawn as text that Mermaid reads.
type Diagram struct {
	Diagram string `json:"diagram" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Diagram) SchemaName() string { return "FlowDiagram" }

// chart gathers the lines of a diagram (flows.md 1.11).
type chart struct{ nodes, edges []string }

func (c *chart) node(id, left, text, right string) {
	c.nodes = append(c.nodes, id+left+`"`+strings.ReplaceAll(text, `"`, "#quot;")+`"`+right)
}

func (c *chart) edge(from, label, to string) {
	arrow := " --> "
	if label != "" {
		arrow = " --" + label + "--> "
	}
	c.edges = append(c.edges, from+arrow+to)
}

// guard is one binding of a policy, group or user as it is drawn.
type guard struct {
	text  string
	order int
}

// diagram draws a flow: its policies, its stages with theirs, and where each leads. Only what the caller may look at is drawn.
func (e *Engine) diagram(ctx context.Context, c *kind.Call, _ *kind.None) (Diagram, error) {
	f := c.Object.(*Flow)
	var d chart
	d.node("flow_start", "[[", "Flow\n"+f.Name, "]]")
	if f.Authentication != "none" {
		d.node("flow_auth_requirement", "[", "Flow authentication requirement\n"+f.Authentication, "]")
		d.edge("flow_auth_requirement", "Requirement fulfilled", "flow_start")
		d.edge("flow_auth_requirement", "Requirement not fulfilled", "done")
	}
	own, err := e.guards(ctx, f.PK)
	if err != nil {
		return Diagram{}, err
	}
	if len(own) > 0 {
		d.node("flow_pre", "[[", "Pre-flow policies", "]]")
	}
	for i, g := range own {
		id := fmt.Sprintf("flow_policy_%d", i)
		d.node(id, "{{", g.text, "}}")
		d.edge("flow_pre", fmt.Sprintf("Binding %d", g.order), id)
		d.edge(id, "Policy passed", "flow_start")
		d.edge(id, "Policy denied", "done")
	}
	bindings, err := store.All[Binding](ctx, e.Store, store.Query{Filters: map[string][]string{"target": {f.PK}}, Order: []string{"order"}})
	if err != nil {
		return Diagram{}, err
	}
	before, denied := "flow_start", []string{}
	n := 0
	for _, b := range bindings {
		may, err := e.mayView(ctx, b)
		if err != nil {
			return Diagram{}, err
		}
		k, obj, err := e.Store.GetIn(ctx, stage.Family.Name, b.Stage)
		if fault.Is(err, fault.NotFound) || !may {
			continue
		}
		if err != nil {
			return Diagram{}, err
		}
		id := fmt.Sprintf("stage_%d", n)
		d.node(id, "([", "Stage ("+k.Title+")\n"+obj.(stage.Shared).Stage().Name, "])")
		for _, p := range denied {
			d.edge(p, "Policy denied", id)
		}
		gs, err := e.guards(ctx, b.PK)
		if err != nil {
			return Diagram{}, err
		}
		denied = denied[:0]
		for j, g := range gs {
			p := fmt.Sprintf("stage_%d_policy_%d", n, j)
			d.node(p, "{{", g.text, "}}")
			d.edge(before, fmt.Sprintf("Binding %d", g.order), p)
			d.edge(p, "Policy passed", id)
			denied = append(denied, p)
		}
		if len(gs) == 0 {
			d.edge(before, "", id)
		}
		before, n = id, n+1
	}
	d.node("done", "[[", "End of the flow", "]]")
	for _, p := range denied {
		d.edge(p, "Policy denied", "done")
	}
	d.edge(before, "End of the flow", "done")
	return Diagram{strings.Join(append(append([]string{"graph TD"}, d.nodes...), d.edges...), "\n")}, nil
}

// guards gives who and what is asked before something lets people pass, in order.
func (e *Engine) guards(ctx context.Context, target string) ([]guard, error) {
	bs, err := store.All[policy.Binding](ctx, e.Store, store.Query{Filters: map[string][]string{"target": {target}}, Order: []string{"order"}})
	if err != nil {
		return nil, err
	}
	var out []guard
	for _, b := range bs {
		may, err := e.mayView(ctx, b)
		if err != nil {
			return nil, err
		}
		if !may || !b.Enabled {
			continue
		}
		family, pk, what := policy.Family.Name, "", "Policy"
		switch {
		case b.Policy != nil:
			pk = *b.Policy
		case b.Group != nil:
			family, pk, what = "groups", *b.Group, "Group"
		case b.User != nil:
			family, pk, what = "users", fmt.Sprint(*b.User), "User"
		}
		k, obj, err := e.Store.GetIn(ctx, family, pk)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if b.Policy != nil {
			what += " (" + k.Title + ")"
		}
		out = append(out, guard{what + "\n" + k.Name(obj), b.Order})
	}
	return out, nil
}

// mayView says whether the caller may look at an object.
func (e *Engine) mayView(ctx context.Context, obj any) (bool, error) {
	if e.May == nil {
		return true, nil
	}
	k := e.Store.KindFor(obj)
	return e.May(ctx, store.ActorOf(ctx), k.Perm("view"), k.PK(obj))
}
