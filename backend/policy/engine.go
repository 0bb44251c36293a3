package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Events writes the audit events of evaluations.
type Events interface {
	Emit(ctx context.Context, action string, context map[string]any) error
}

// Engine evaluates the bindings of an object. It keeps no answers, and bindings only until something is changed: an edit counts at once.
type Engine struct {
	Store  *store.Store
	Users  *user.Directory
	Events Events
	Log    *slog.Logger

	bindings store.Memo[string, []*Binding]
	policies store.Memo[string, held] // by key
}

// held is a policy's object with its kind; a policy changes nothing in itself while it answers.
type held struct {
	kind *kind.Kind
	obj  any
}

func (e *Engine) policy(ctx context.Context, pk string) (held, error) {
	return e.policies.Get(e.Store, pk, func() (held, error) {
		k, obj, err := e.Store.GetIn(ctx, Family.Name, pk)
		return held{k, obj}, err
	})
}

// Object gives a policy with its kind, to be read only. NotFound when there is none.
func (e *Engine) Object(ctx context.Context, pk string) (*kind.Kind, any, error) {
	h, err := e.policy(ctx, pk)
	return h.kind, h.obj, err
}

// ByName asks the policy of a name, without a binding. NotFound when there is none.
func (e *Engine) ByName(ctx context.Context, name string, r *Request) (Result, error) {
	k, obj, err := e.Store.FindIn(ctx, Family.Name, "name", name)
	if err != nil {
		return Result{}, err
	}
	p, ok := obj.(Policy)
	if !ok {
		return Result{}, fmt.Errorf("%s has no behaviour", k.Model)
	}
	return p.Passes(ctx, r)
}

// Mode words of an object's policy_engine_mode.
const (
	Any = "any"
	All = "all"
)

// Evaluate asks every enabled binding of target in order, without stopping early, and combines the answers:
// with All every one must pass, with Any one is enough. Without bindings the answer is empty.
// An error means that the bindings could not be read; a policy that fails is no error but its failure_result.
func (e *Engine) Evaluate(ctx context.Context, target, mode string, r *Request, empty bool) (Result, error) {
	return e.evaluate(ctx, target, mode, r, empty, nil)
}

// Answer is what one binding said.
type Answer struct {
	Binding *Binding
	Result  *Result // nil: it is switched off and was not asked
	Took    time.Duration
}

// Explain is Evaluate that also tells what each binding said, in order.
func (e *Engine) Explain(ctx context.Context, target, mode string, r *Request, empty bool) (res Result, said []Answer, err error) {
	res, err = e.evaluate(ctx, target, mode, r, empty, func(a Answer) { said = append(said, a) })
	return res, said, err
}

// evaluate tells each what a binding said; nil tells nobody.
func (e *Engine) evaluate(ctx context.Context, target, mode string, r *Request, empty bool, each func(a Answer)) (Result, error) {
	bindings, err := e.bindings.Get(e.Store, target, func() ([]*Binding, error) {
		return store.All[Binding](ctx, e.Store, store.Query{
			Where: "o.pk IN (SELECT src FROM ref WHERE family = 'pbm' AND dst = ?)", Args: []any{target}, Order: []string{"order"},
		})
	})
	if err != nil {
		return Result{}, err
	}
	var groups map[string]bool
	out := Result{Passing: mode == All}
	n := 0
	for _, b := range bindings {
		if !b.Enabled {
			if each != nil {
				each(Answer{Binding: b})
			}
			continue
		}
		n++
		if b.Group != nil && groups == nil {
			if groups, err = e.groups(ctx, r.User); err != nil {
				return Result{}, err
			}
		}
		var one Result
		if each == nil {
			one = e.one(ctx, b, r, groups)
		} else {
			began := time.Now()
			one = e.one(ctx, b, r, groups)
			each(Answer{b, &one, time.Since(began)})
		}
		out.Messages = append(out.Messages, one.Messages...)
		out.Logs = append(out.Logs, one.Logs...)
		out.Raised = out.Raised || one.Raised
		if mode == All {
			out.Passing = out.Passing && one.Passing
		} else {
			out.Passing = out.Passing || one.Passing
		}
	}
	if n == 0 {
		return Result{Passing: empty}, nil
	}
	if out.Passing {
		out.Raised = false // another binding let the person pass
	}
	return out, nil
}

// All asks policies that are bound to nothing, in order: every one must pass. One that fails does not pass.
func (e *Engine) All(ctx context.Context, policies []string, r *Request) (Result, error) {
	out := Result{Passing: true}
	for i, pk := range policies {
		one := e.one(ctx, &Binding{Policy: &pk, Enabled: true, Order: i, Timeout: 30}, r, nil)
		out.Messages = append(out.Messages, one.Messages...)
		out.Logs = append(out.Logs, one.Logs...)
		out.Raised = out.Raised || one.Raised
		out.Passing = out.Passing && one.Passing
	}
	return out, nil
}

// groups gives the keys of every group of a user, ancestors included.
func (e *Engine) groups(ctx context.Context, u *user.User) (map[string]bool, error) {
	out := map[string]bool{}
	if u == nil || u.PK == 0 {
		return out, nil
	}
	gs, err := e.Users.AllGroups(ctx, u.PK)
	for _, g := range gs {
		out[g.PK] = true
	}
	return out, err
}

func (e *Engine) one(ctx context.Context, b *Binding, r *Request, groups map[string]bool) Result {
	switch {
	case b.User != nil:
		return Result{Passing: (r.User != nil && r.User.PK == *b.User) != b.Negate}
	case b.Group != nil:
		return Result{Passing: groups[*b.Group] != b.Negate}
	case b.Policy == nil:
		return Result{Passing: b.Negate}
	}
	found, err := e.policy(ctx, *b.Policy)
	if err != nil {
		return e.raised(ctx, b, "", r, &broken{err})
	}
	k, obj := found.kind, found.obj
	p, ok := obj.(Policy)
	if !ok {
		return e.raised(ctx, b, k.Name(obj), r, &broken{fmt.Errorf("%s has no behaviour", k.Model)})
	}
	res, err := Bounded(ctx, time.Duration(b.Timeout)*time.Second, p, r)
	if err != nil {
		one := e.raised(ctx, b, k.Name(obj), r, err)
		one.Logs = res.Logs
		return one
	}
	if b.Negate {
		res.Passing = !res.Passing
	}
	if s, ok := obj.(Shared); ok && s.Policy().ExecutionLogging && !r.Debug {
		e.emit(ctx, "policy_execution", map[string]any{
			"message": "Policy Execution", "policy_uuid": *b.Policy, "binding": b.PK, "request": facts(r),
			"result": map[string]any{"passing": res.Passing, "messages": list(res.Messages)},
		})
	}
	return res
}

// lastWords is how long after its deadline a policy may still say why it ended: long enough for a busy machine.
const lastWords = 250 * time.Millisecond

// broken is an error of ours: no failure_result makes somebody pass for it.
type broken struct{ error }

// Unwrap gives the error itself.
func (b *broken) Unwrap() error { return b.error }

// Bounded runs a policy for at most d; zero sets no bound. Unavailable when that was not enough; a policy that panics is an error of ours.
func Bounded(ctx context.Context, d time.Duration, p Policy, r *Request) (Result, error) {
	if d > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, d)
		defer stop()
	}
	type answer struct {
		res Result
		err error
	}
	ch := make(chan answer, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				ch <- answer{err: &broken{fmt.Errorf("policy panicked: %v\n%s", v, debug.Stack())}}
			}
		}()
		res, err := p.Passes(ctx, r)
		ch <- answer{res, err}
	}()
	select {
	case a := <-ch:
		if a.err == nil || a.err != ctx.Err() {
			return a.res, a.err
		}
	case <-ctx.Done():
	}
	// One that ends with its deadline can still tell where it was.
	select {
	case a := <-ch:
		if a.err != nil && a.err != ctx.Err() {
			return a.res, a.err
		}
	case <-time.After(lastWords):
	}
	return Result{}, fault.Wrap(fault.Unavailable, "Policy timed out.", ctx.Err())
}

// raised is the result of a policy that could not answer: the binding's failure_result, which negate leaves alone; after an error of ours
// nobody passes.
func (e *Engine) raised(ctx context.Context, b *Binding, name string, r *Request, cause error) Result {
	e.Log.WarnContext(ctx, "policy failed", "policy", name, "binding", b.PK, "error", cause)
	message := cause.Error()
	if why := (*expr.Error)(nil); errors.As(cause, &why) {
		message = why.Trace
	}
	if !r.Debug {
		e.emit(ctx, "policy_exception", map[string]any{
			"message": message, "policy_uuid": value(b.Policy), "binding": b.PK, "request": facts(r),
		})
	}
	ours := (*broken)(nil)
	passing := b.FailureResult && !errors.As(cause, &ours)
	return Result{Passing: passing, Raised: !passing, Messages: []string{fault.As(cause).Say}, Cause: cause}
}

func (e *Engine) emit(ctx context.Context, action string, c map[string]any) {
	if err := e.Events.Emit(ctx, action, c); err != nil {
		e.Log.ErrorContext(ctx, "event lost", "action", action, "error", err)
	}
}

func facts(r *Request) map[string]any {
	out := map[string]any{"context": r.Context}
	if r.User != nil {
		out["user"] = map[string]any{"pk": r.User.PK, "username": r.User.Username}
	}
	return out
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Allowed is Evaluate for an object that lets everybody pass who is not kept out: no bindings, everyone.
// extra are further facts for the policies' context.
func (e *Engine) Allowed(ctx context.Context, target, mode string, u *user.User, extra map[string]any) (bool, []string, error) {
	if extra == nil {
		extra = map[string]any{}
	}
	r, err := e.Evaluate(ctx, target, mode, &Request{User: u, Context: extra, HTTP: store.ActorOf(ctx).HTTP}, true)
	return r.Passing, r.Messages, err
}
