package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// Engine runs flows.
type Engine struct {
	Store    *store.Store
	Policies *policy.Engine
	Users    *user.Directory
	Sessions *session.Room
	Tokens   *token.Room
	Brands   *brand.Room
	Events   *event.Log
	Stages   map[string]*stage.Kind  // by model
	Inlines  map[string]stage.Inline // by name
	// Paper reads and writes flows as files.
	Paper Paper
	// Apps gives the name of an application by its key, for titles.
	Apps func(ctx context.Context, pk string) (string, error)
	Log  *slog.Logger
	// May says who may do what; nil lets everybody see everything.
	May func(ctx context.Context, a store.Actor, permission, object string) (bool, error)

	locks locks
	flows store.Memo[string, *Flow]      // by key; nobody changes what it gives
	slugs store.Memo[string, *Flow]      // by slug
	steps store.Memo[string, []*Binding] // by flow

	recovery store.Memo[string, string]   // the slug of the flow for forgotten passwords
	bound    store.Memo[string, *Binding] // by key
	staged   store.Memo[string, staged]   // stages by key

	plans store.Rows[string, resting] // by session
}

// staged is a stage's object with its kind; a stage changes nothing in itself while it runs.
type staged struct {
	kind *kind.Kind
	obj  any
}

func (e *Engine) binding(ctx context.Context, pk string) (*Binding, error) {
	return e.bound.Get(e.Store, pk, func() (*Binding, error) { return store.Get[Binding](ctx, e.Store, pk) })
}

func (e *Engine) stage(ctx context.Context, pk string) (staged, error) {
	return e.staged.Get(e.Store, pk, func() (staged, error) {
		k, obj, err := e.Store.GetIn(ctx, stage.Family.Name, pk)
		return staged{k, obj}, err
	})
}

// maxSteps bounds how many stages one request may run through.
const maxSteps = 50

// maxHistory is how many past plans the inspector keeps.
const maxHistory = 30

// Input is one request to a flow.
type Input struct {
	Slug     string
	Query    url.Values                 // of the page that the person opened
	Next     string                     // where the request itself says that a person goes on whom the flow is not for, "" for nowhere
	Answer   map[string]json.RawMessage // nil: a GET
	Session  *session.Session           // nil: none yet
	Base     string                     // scheme and host that the caller uses
	Continue bool                       // run on through stages that ask nothing, instead of stopping after each
	Silent   bool                       // the person can't be asked: ErrInteraction when they would have to be
	Proven   string                     // what the browser carries of a second factor that was proven before
}

// ErrInteraction says that a person would have to be asked in a run that may not ask.
var ErrInteraction = errors.New("flow: the person would have to be asked")

// ErrChanged says that somebody else signed in, or the session ended, while a request waited for its turn: ask again from the start.
var ErrChanged = errors.New("flow: the session is not what the plan was made for")

// Outcome is what the caller has to do.
type Outcome struct {
	Flow      *Flow
	Challenge *Challenge // show this
	Advance   bool       // the stage is through: ask again with a GET
	To        string     // go there
	// Started is the session to set the cookie for, with its key; nil: keep the cookie.
	Started *session.Session
	Key     string
	Ended   bool // take the cookie away
	// Proof is what the browser is to carry of a second factor that was proven; nil: what it has.
	Proof *stage.Proof
}

// run is one request under way.
type run struct {
	*Engine
	ctx     context.Context
	in      Input
	flow    *Flow
	brand   *brand.Brand
	plan    *stage.Plan
	sess    *session.Session
	data    string // the session's memory as it was stored
	body    []byte // the plan as it was stored; nil: not yet
	history []json.RawMessage
	noted   bool // the history is longer than what is stored
	kept    bool // the history stays when the flow is over
	signed  *user.User
	who     *user.User // the pending user, until a stage ran
	effects []func(tx *store.Tx) error
	firm    bool // somebody relies on one of them
	even    bool // how long the answer takes must tell nothing
	settled bool // everything is stored and no step is left to come back for
	direct  bool // the plan was made for this request: nobody can come back for a step that was only passed
	out     Outcome
}

// evenTime is how long an answer takes at least whose time must tell nothing: several times what a small computer needs for it, and nothing
// that a person notices.
const evenTime = 10 * time.Millisecond

// wait lets the time of an answer pass that must take as long as any other.
func (r *run) wait(came time.Time) {
	if !r.even {
		return
	}
	select {
	case <-time.After(evenTime - time.Since(came)):
	case <-r.ctx.Done():
	}
}

// Step answers one request to a flow. NotFound when there is no such flow.
func (e *Engine) Step(ctx context.Context, in Input) (Outcome, error) {
	came := time.Now()
	f, err := e.bySlug(ctx, in.Slug)
	if err != nil {
		return Outcome{}, err
	}
	if in.Session != nil {
		defer e.locks.lock(in.Session.UUID)()
		// The request before this one may have changed what the session remembers, or put another in its place: then the browser has a
		// new cookie by now, and asks again with it.
		if in.Session, err = e.Sessions.Again(ctx, in.Session); err != nil {
			return Outcome{}, err
		}
		if in.Session == nil {
			return Outcome{Flow: f, Advance: true}, nil
		}
	}
	r := &run{Engine: e, ctx: ctx, in: in, flow: f}
	defer r.wait(came)
	r.out.Flow = f
	if err := r.open(); err != nil {
		return r.out, err
	}
	if r.plan == nil {
		switch done, err := r.begin(); {
		case err != nil:
			return r.out, err
		case done:
			return r.out, nil
		}
	}
	return r.out, r.walk()
}

// Run runs a plan that was just made as far as it needs nobody's answer, and stores what is left of it. In.Continue is meant. ErrChanged
// when the plan may be for somebody who is not in the session any more.
func (e *Engine) Run(ctx context.Context, f *Flow, p *stage.Plan, in Input) (Outcome, error) {
	if in.Session != nil {
		defer e.locks.lock(in.Session.UUID)()
		now, err := e.Sessions.Again(ctx, in.Session)
		if err != nil {
			return Outcome{}, err
		}
		if now == nil || now.User != in.Session.User || now.Original != in.Session.Original || now.Data.LoginEvent != in.Session.Data.LoginEvent {
			return Outcome{}, ErrChanged
		}
		in.Session = now
	}
	in.Continue = true
	r := &run{Engine: e, ctx: ctx, in: in, flow: f, plan: p, direct: true}
	r.out.Flow = f
	if err := r.surroundings(); err != nil {
		return r.out, err
	}
	return r.out, r.walk()
}

// surroundings loads session and brand.
func (r *run) surroundings() (err error) {
	r.sess = r.in.Session
	if r.sess == nil {
		r.sess = &session.Session{}
	}
	r.data = remembered(r.sess)
	if r.brand, err = r.Brands.For(r.ctx, store.ActorOf(r.ctx).HTTP.Host); err != nil {
		return err
	}
	if r.signed, err = r.Sessions.User(r.ctx, r.sess); err != nil {
		return err
	}
	if r.signed != nil && !r.signed.IsActive && r.sess.Original == 0 {
		r.signed = nil
	}
	return nil
}

// open loads session, brand and the plan of the session when it is for this flow.
func (r *run) open() error {
	if err := r.surroundings(); err != nil {
		return err
	}
	if key := r.in.Query.Get("flow_token"); key != "" {
		if err := r.restore(key); err != nil {
			return err
		}
	}
	if r.plan == nil && r.sess.UUID != "" {
		return r.load()
	}
	return nil
}

// begin plans the flow. done says that the outcome stands already: the flow is not for this person, or has nothing to do.
func (r *run) begin() (done bool, err error) {
	r.history = nil
	p, err := r.Plan(r.ctx, r.flow, PlanOptions{SignedIn: r.signed})
	var no *NotApplicable
	switch {
	case errors.As(err, &no):
		return true, r.refuse(no)
	case errors.Is(err, ErrEmpty):
		r.plan = stage.NewPlan(r.flow.PK, nil)
		return true, r.finish()
	case err != nil:
		return true, err
	}
	r.plan = p
	return false, nil
}

// walk runs stages until the person has something to do.
func (r *run) walk() error {
	answer := r.in.Answer
	for range maxSteps {
		step, err := r.next()
		if err != nil {
			return r.broken(err)
		}
		if step == nil {
			return r.finish()
		}
		t, show, take, k, err := r.turn(step)
		if err != nil {
			return r.broken(err)
		}
		var res stage.Result
		if answer != nil {
			res = take(answer)
		} else {
			res = show()
		}
		r.who = nil
		r.collect(t)
		goOn, err := r.apply(t, k, res, show, answer != nil)
		if !goOn || err != nil {
			return err
		}
		answer = nil
	}
	return r.broken(fmt.Errorf("flow %s ran through %d stages at once", r.flow.Slug, maxSteps))
}

// collect takes what a stage wants to be written with the plan.
func (r *run) collect(t *stage.Turn) {
	r.firm, r.even = r.firm || t.Firm(), r.even || t.IsEven()
	r.effects = append(r.effects, t.Pending()...)
}

// next gives the first step whose policies pass; steps that don't are dropped. nil when none is left.
func (r *run) next() (*stage.Step, error) {
	for len(r.plan.Steps) > 0 {
		s := &r.plan.Steps[0]
		if !s.Reevaluate || s.Binding == "" {
			return s, nil
		}
		b, err := r.binding(r.ctx, s.Binding)
		if fault.Is(err, fault.NotFound) { // unbound meanwhile
			r.plan.Steps = r.plan.Steps[1:]
			continue
		}
		if err != nil {
			return nil, err
		}
		who, err := r.person()
		if err != nil {
			return nil, err
		}
		res, err := r.Policies.Evaluate(r.ctx, b.PK, b.EngineMode, r.request(r.ctx, who, b, r.plan), true)
		if err != nil {
			return nil, err
		}
		if res.Raised {
			// A policy that could not answer must not open the way past its stage (CVE-2024-47070).
			return nil, &NotApplicable{Flow: r.flow, Messages: res.Messages, Policy: true}
		}
		if res.Passing {
			return s, nil
		}
		r.Log.InfoContext(r.ctx, "stage skipped by policy", "binding", b.PK, "flow", r.flow.Slug, "logger", "gatehouse.flow")
		// A policy may have put a redirect behind the step: dropping the step leaves it first.
		r.plan.Steps = r.plan.Steps[1:]
	}
	return nil, nil
}

// person gives whom the flow is about: pending, else signed in.
func (r *run) person() (u *user.User, err error) {
	if pk, _, ok := r.plan.UserPK(); ok && r.who != nil && r.who.PK == pk {
		return r.who, nil
	}
	u, err = r.subject(r.ctx, r.plan, r.signed)
	r.who = u
	return u, err
}

type taker func(answer map[string]json.RawMessage) stage.Result

// turn prepares the run of a step.
func (r *run) turn(s *stage.Step) (t *stage.Turn, show func() stage.Result, take taker, k *stage.Kind, err error) {
	t = &stage.Turn{
		Ctx: r.ctx, Plan: r.plan, Session: r.sess, Now: r.Store.Now().UTC(), Brand: r.brand, SignedIn: r.signed,
		Flow:    stage.Flow{PK: r.flow.PK, Slug: r.flow.Slug, Name: r.flow.Name, Title: r.flow.Title, Designation: r.flow.Designation},
		Request: stage.Request{Method: "GET", Query: r.in.Query, HTTP: store.ActorOf(r.ctx).HTTP, Base: r.in.Base},
		Proven:  r.in.Proven,
		Binding: stage.Binding{InvalidResponse: "retry"},
	}
	if t.User, err = r.person(); err != nil {
		return nil, nil, nil, nil, err
	}
	if s.Inline != "" {
		in := r.Inlines[s.Inline]
		if in == nil {
			return nil, nil, nil, nil, fmt.Errorf("flow: no step called %s", s.Inline)
		}
		params := s.Params
		show = func() stage.Result { return in.Show(t, params) }
		take = func(a map[string]json.RawMessage) stage.Result { return in.Take(t, params, a) }
		return t, show, take, r.inlineKind(s.Inline), nil
	}
	found, err := r.stage(r.ctx, s.Stage)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if s.Binding != "" {
		b, err := r.binding(r.ctx, s.Binding)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, nil, nil, nil, err
		}
		if b != nil {
			t.Binding = stage.Binding{PK: b.PK, InvalidResponse: b.InvalidResponse}
		}
	}
	k = r.Stages[found.kind.Model]
	if k == nil {
		return nil, nil, nil, nil, fmt.Errorf("flow: %s is in no list", found.kind.Model)
	}
	obj := found.obj
	show = func() stage.Result { return k.Show(obj, t) }
	take = func(a map[string]json.RawMessage) stage.Result {
		t.Request.Method = "POST"
		return k.Take(obj, t, a)
	}
	return t, show, take, k, nil
}

// inlineKind gives how a step of the house asks: as the stage of the same component does.
func (r *run) inlineKind(name string) *stage.Kind {
	if a, ok := r.Inlines[name].(Asker); ok {
		return a.Kind()
	}
	c, ok := r.Inlines[name].(interface{ Component() string })
	if !ok {
		return nil
	}
	for _, k := range r.Stages {
		if k.Component == c.Component() {
			return k
		}
	}
	return nil
}

// apply does what a result says. goOn says that the next stage runs in this request.
func (r *run) apply(t *stage.Turn, k *stage.Kind, res stage.Result, show func() stage.Result, answered bool) (goOn bool, err error) {
	for {
		switch res.Verdict {
		case stage.Failed:
			return false, r.broken(res.Err)
		case stage.Asked:
			return false, r.ask(t, k, res.Challenge, nil, answered)
		case stage.Redirected:
			r.out.To = res.URL
			return false, r.save(nil)
		case stage.Denied:
			return r.invalid(t, res.Message)
		case stage.Retried:
			if again, over, err := r.restarts(t); again || over || err != nil {
				r.out.Advance = again && !r.in.Continue
				return again && r.in.Continue, err
			}
			errs := res.Errors
			res = show()
			if res.Verdict == stage.Asked {
				return false, r.ask(t, k, res.Challenge, errs, true)
			}
			r.collect(t)
			continue // asking again came to another end
		}
		// Finished.
		refused, err := r.pass(t, res)
		if err != nil {
			return false, r.broken(err)
		}
		if refused != nil {
			res = *refused
			continue
		}
		if c := t.ToProve(); c != nil {
			r.out.Proof = c
		}
		if r.in.Continue || r.in.Answer == nil {
			return true, nil // nobody's answer is taken for that of another stage
		}
		if len(r.plan.Steps) == 0 {
			return false, r.finish()
		}
		r.out.Advance = true
		return false, r.jot()
	}
}

// pass takes the finished step off the plan. What it writes is written now, since the next stage may look at it.
func (r *run) pass(t *stage.Turn, res stage.Result) (refused *stage.Result, err error) {
	steps := r.plan.Steps
	if keep, err := r.interests(steps[1:]); err != nil {
		return nil, err
	} else if keep {
		r.note()
	}
	r.plan.Steps = r.plan.Steps[1:]
	write := res.Write()
	if write == nil {
		return nil, nil
	}
	if err := r.store(res.IsSoon() && !r.firm, func(tx *store.Tx) error {
		t.Started, t.Key = nil, ""
		return write(tx)
	}, t); err != nil {
		r.plan.Steps = steps
		other := res.Refused(err)
		if other.Verdict == stage.Failed {
			return nil, err
		}
		return &other, nil
	}
	return nil, nil
}
