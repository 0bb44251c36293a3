package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"

	"gatehouse/backend/fault"
	"gatehouse/backend/policy"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// ErrEmpty is the error of planning a flow in which no stage is left.
var ErrEmpty = errors.New("flow: no stage is left")

// NotApplicable says that a flow is not for this person now.
type NotApplicable struct {
	Flow     *Flow
	Messages []string // of the policies; none when its requirement is not met
	Policy   bool     // a policy refused, not the requirement
}

// Error gives the messages.
func (n *NotApplicable) Error() string { return n.message() }

func (n *NotApplicable) message() string {
	if len(n.Messages) == 0 {
		return "Flow does not apply to current user."
	}
	text := ""
	for i, m := range n.Messages {
		if i > 0 {
			text += "\n"
		}
		text += m
	}
	return text
}

// PlanOptions say what a plan begins with.
type PlanOptions struct {
	SignedIn   *user.User     // who is signed in, nil when nobody
	Pending    *user.User     // whom the flow is about from the start
	Context    map[string]any // more of the context
	AllowEmpty bool
	Append     []stage.Step
}

// Plan plans a flow for a person (flows.md 1.2): its requirement, its policies, then those of each binding that asks for it. It returns
// *NotApplicable, or ErrEmpty.
func (e *Engine) Plan(ctx context.Context, f *Flow, o PlanOptions) (*stage.Plan, error) {
	p := stage.NewPlan(f.PK, o.Context)
	if o.Pending != nil {
		p.SetUser(o.Pending)
	}
	if _, _, pending := p.UserPK(); !pending && !e.requirement(ctx, f, o.SignedIn) {
		return nil, &NotApplicable{Flow: f}
	}
	who, err := e.subject(ctx, p, o.SignedIn)
	if err != nil {
		return nil, err
	}
	res, err := e.Policies.Evaluate(ctx, f.PK, f.EngineMode, e.request(ctx, who, f, p), true)
	if err != nil {
		return nil, err
	}
	if !res.Passing {
		return nil, &NotApplicable{Flow: f, Messages: res.Messages, Policy: true}
	}
	bs, err := e.bindings(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, b := range bs {
		if b.OnPlan {
			res, err := e.Policies.Evaluate(ctx, b.PK, b.EngineMode, e.request(ctx, who, b, p), true)
			if err != nil {
				return nil, err
			}
			if res.Raised {
				return nil, &NotApplicable{Flow: f, Messages: res.Messages, Policy: true}
			}
			if !res.Passing {
				continue
			}
		}
		p.Append(stage.Step{Binding: b.PK, Stage: b.Stage, Reevaluate: b.OnRun})
	}
	p.Steps = append(p.Steps, o.Append...)
	if len(p.Steps) == 0 && !o.AllowEmpty {
		return nil, ErrEmpty
	}
	return p, nil
}

// bindings gives the bindings of a flow in order; nobody changes them.
func (e *Engine) bindings(ctx context.Context, f *Flow) ([]*Binding, error) {
	return e.steps.Get(e.Store, f.PK, func() ([]*Binding, error) {
		return store.All[Binding](ctx, e.Store, store.Query{
			Where: "o.pk IN (SELECT src FROM ref WHERE family = 'flows' AND field = 'target' AND dst = ?)", Args: []any{f.PK}, Order: []string{"order"},
		})
	})
}

// subject gives whom a plan is about: the pending user, else who is signed in; nil when nobody is, or the pending one is gone.
func (e *Engine) subject(ctx context.Context, p *stage.Plan, signedIn *user.User) (*user.User, error) {
	pk, fake, ok := p.UserPK()
	switch {
	case !ok:
		return signedIn, nil
	case pk == 0:
		return &user.User{Username: fake, Email: fake, Name: fake, Attributes: map[string]any{}}, nil
	}
	u, err := e.Users.ByPK(ctx, pk)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return u, err
}

// A plan holds what people typed, passwords among it, so it is sealed where it is stored: a line of its JSON (an empty one when the plan is
// over), and one for each plan of its history. JSON as we make it has no line's end in it.

// whole puts a plan and its history together.
func whole(plan []byte, history []json.RawMessage) []byte {
	n := len(plan)
	for _, h := range history {
		n += 1 + len(h)
	}
	b := append(make([]byte, 0, n), plan...)
	for _, h := range history {
		b = append(append(b, '\n'), h...)
	}
	return b
}

// unseal gives what whole was given.
func (e *Engine) unseal(k resting) (plan []byte, history []json.RawMessage, err error) {
	b := k.plain
	if b == nil {
		if b, err = e.Store.Key().OpenBytes(k.sealed, session.Plans); err != nil {
			return nil, nil, err
		}
	}
	lines := bytes.Split(b, []byte("\n"))
	for _, l := range lines[1:] {
		history = append(history, l)
	}
	return lines[0], history, nil
}

// PlanOf gives the plan that is under way in a session, nil when there is none.
func (e *Engine) PlanOf(ctx context.Context, s *session.Session) (*stage.Plan, error) {
	if s == nil {
		return nil, nil
	}
	k, err := e.stored(ctx, s.UUID)
	if err != nil || k.flow == "" {
		return nil, err
	}
	p := stage.NewPlan("", nil)
	if plan, _, err := e.unseal(k); err != nil || json.Unmarshal(plan, p) != nil {
		return nil, nil // over, of another version or another key
	}
	return p, nil
}

// requirement says whether who is signed in fits what the flow asks for.
func (e *Engine) requirement(ctx context.Context, f *Flow, u *user.User) bool {
	switch f.Authentication {
	case "require_authenticated":
		return u != nil
	case "require_unauthenticated":
		return u == nil
	case "require_superuser":
		return store.ActorOf(ctx).Superuser && u != nil
	case "require_outpost":
		return false // nothing outside of this process runs an outpost yet
	}
	return true
}

// request is what policies are asked with.
func (e *Engine) request(ctx context.Context, u *user.User, obj any, p *stage.Plan) *policy.Request {
	c := maps.Clone(p.Context)
	c["flow_plan"] = p
	return &policy.Request{User: u, Obj: obj, Context: c, HTTP: store.ActorOf(ctx).HTTP, Plan: p}
}
