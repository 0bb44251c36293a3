package flow

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
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
	// Apps gives the name of an application by its key, for titles.
	Apps func(ctx context.Context, pk string) (string, error)
	Log  *slog.Logger

	locks locks
}

// maxSteps bounds how many stages one request may run through.
const maxSteps = 50

// maxHistory is how many past plans the inspector keeps.
const maxHistory = 30

// Input is one request to a flow.
type Input struct {
	Slug     string
	Query    url.Values                 // of the page that the person opened
	Answer   map[string]json.RawMessage // nil: a GET
	Session  *session.Session           // nil: none yet
	Base     string                     // scheme and host that the caller uses
	Continue bool                       // run on through stages that ask nothing, instead of stopping after each
	Silent   bool                       // the person can't be asked: ErrInteraction when they would have to be
}

// ErrInteraction says that a person would have to be asked in a run that may not ask.
var ErrInteraction = errors.New("flow: the person would have to be asked")

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
	history []json.RawMessage
	signed  *user.User
	effects []func(tx *store.Tx) error
	settled bool // everything is stored and no step is left
	out     Outcome
}

// Step answers one request to a flow. NotFound when there is no such flow.
func (e *Engine) Step(ctx context.Context, in Input) (Outcome, error) {
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

// Run runs a plan that was just made as far as it needs nobody's answer, and stores what is left of it. In.Continue is meant.
func (e *Engine) Run(ctx context.Context, f *Flow, p *stage.Plan, in Input) (Outcome, error) {
	if in.Session != nil {
		defer e.locks.lock(in.Session.UUID)()
	}
	in.Continue = true
	r := &run{Engine: e, ctx: ctx, in: in, flow: f, plan: p}
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

func remembered(s *session.Session) string {
	b, err := json.Marshal(s.Data)
	if err != nil {
		return ""
	}
	return string(b)
}

func (r *run) load() error {
	var flow, body, history string
	err := r.Store.DB().QueryRow(r.ctx, `SELECT flow, body, history FROM plans WHERE session = ?`, r.sess.UUID).Scan(&flow, &body, &history)
	if errors.Is(err, sql.ErrNoRows) || err == nil && flow != r.flow.PK {
		return nil
	}
	if err != nil {
		return err
	}
	p := &stage.Plan{}
	if err := r.unseal(body, p); err != nil {
		return nil // of another version or another key: plan anew
	}
	if p.Context == nil {
		p.Context = map[string]any{}
	}
	if err := r.unseal(history, &r.history); err != nil {
		r.history = nil
	}
	r.plan = p
	return nil
}

// restore takes up the plan of a link. The link works once; one that does not work is as if it were not there.
func (r *run) restore(key string) error {
	var t *token.Token
	err := r.Store.Write(r.ctx, store.House, func(tx *store.Tx) (err error) {
		t, err = r.Tokens.Take(tx, key, token.Verification)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil || t == nil || t.Plan == nil {
		return err
	}
	p := &stage.Plan{}
	if json.Unmarshal([]byte(*t.Plan), p) != nil || p.Flow != r.flow.PK {
		return nil
	}
	if p.Context == nil {
		p.Context = map[string]any{}
	}
	p.Context[stage.Restored] = stage.Ref("authentik_flows.flowtoken", t.PK)
	r.plan, r.history = p, nil
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
		r.effects = append(r.effects, t.Pending()...)
		goOn, err := r.apply(t, k, res, show, answer != nil)
		if !goOn || err != nil {
			return err
		}
		answer = nil
	}
	return r.broken(fmt.Errorf("flow %s ran through %d stages at once", r.flow.Slug, maxSteps))
}

// next gives the first step whose policies pass; steps that don't are dropped. nil when none is left.
func (r *run) next() (*stage.Step, error) {
	for len(r.plan.Steps) > 0 {
		s := &r.plan.Steps[0]
		if !s.Reevaluate || s.Binding == "" {
			return s, nil
		}
		b, err := store.Get[Binding](r.ctx, r.Store, s.Binding)
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
func (r *run) person() (*user.User, error) { return r.subject(r.ctx, r.plan, r.signed) }

type taker func(answer map[string]json.RawMessage) stage.Result

// turn prepares the run of a step.
func (r *run) turn(s *stage.Step) (t *stage.Turn, show func() stage.Result, take taker, k *stage.Kind, err error) {
	t = &stage.Turn{
		Ctx: r.ctx, Plan: r.plan, Session: r.sess, Now: r.Store.Now().UTC(), Brand: r.brand, SignedIn: r.signed,
		Flow:    stage.Flow{PK: r.flow.PK, Slug: r.flow.Slug, Name: r.flow.Name, Title: r.flow.Title, Designation: r.flow.Designation},
		Request: stage.Request{Method: "GET", Query: r.in.Query, HTTP: store.ActorOf(r.ctx).HTTP, Base: r.in.Base},
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
	model, obj, err := r.Store.GetIn(r.ctx, stage.Family.Name, s.Stage)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if s.Binding != "" {
		b, err := store.Get[Binding](r.ctx, r.Store, s.Binding)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, nil, nil, nil, err
		}
		if b != nil {
			t.Binding = stage.Binding{PK: b.PK, InvalidResponse: b.InvalidResponse}
		}
	}
	k = r.Stages[model.Model]
	if k == nil {
		return nil, nil, nil, nil, fmt.Errorf("flow: %s is in no list", model.Model)
	}
	show = func() stage.Result { return k.Show(obj, t) }
	take = func(a map[string]json.RawMessage) stage.Result {
		t.Request.Method = "POST"
		return k.Take(obj, t, a)
	}
	return t, show, take, k, nil
}

// inlineKind gives how a step of the house asks: as the stage of the same component does.
func (r *run) inlineKind(name string) *stage.Kind {
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
			r.effects = append(r.effects, t.Pending()...)
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
		if r.in.Continue {
			return true, nil
		}
		if len(r.plan.Steps) == 0 {
			return false, r.finish()
		}
		r.out.Advance = true
		return false, r.save(nil)
	}
}

// pass takes the finished step off the plan. What it writes is written now, since the next stage may look at it.
func (r *run) pass(t *stage.Turn, res stage.Result) (refused *stage.Result, err error) {
	r.note()
	steps := r.plan.Steps
	r.plan.Steps = r.plan.Steps[1:]
	write := res.Write()
	if write == nil {
		return nil, nil
	}
	if err := r.save(func(tx *store.Tx) error {
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

// note keeps the plan as it is for the inspector.
func (r *run) note() {
	b, err := json.Marshal(r.plan)
	if err != nil {
		return
	}
	r.history = append(r.history, b)
	if len(r.history) > maxHistory {
		r.history = r.history[len(r.history)-maxHistory:]
	}
}

// save stores plan and session, with what stages collected, in one transaction. write runs first; turns whose session changes come along.
func (r *run) save(write func(tx *store.Tx) error, turns ...*stage.Turn) error {
	if r.settled && write == nil && len(r.effects) == 0 && len(r.plan.Steps) == 0 && remembered(r.sess) == r.data {
		return nil
	}
	history, err := r.seal(r.history)
	if err != nil {
		return err
	}
	effects := r.effects
	var sess, started *session.Session
	var key string
	var ended bool
	err = r.Store.Write(r.ctx, store.ActorOf(r.ctx), func(tx *store.Tx) error {
		sess, started, key, ended = r.sess, nil, "", false
		if write != nil {
			if err := write(tx); err != nil {
				return err
			}
			for _, t := range turns {
				if t.Started != nil {
					sess, started, key = t.Started, t.Started, t.Key
				}
				ended = ended || t.Ended
			}
		}
		for _, f := range effects {
			if err := f(tx); err != nil {
				return err
			}
		}
		if ended && started == nil {
			sess = &session.Session{}
		}
		// After the writing, which may have told the plan of a user that it made.
		body, err := r.seal(r.plan)
		if err != nil {
			return err
		}
		if len(r.plan.Steps) == 0 {
			if sess.UUID == "" {
				return nil
			}
			if _, err := tx.Exec(`DELETE FROM plans WHERE session = ?`, sess.UUID); err != nil {
				return err
			}
			return r.saveData(tx, sess)
		}
		if sess.UUID == "" {
			fresh, k, err := r.Sessions.Start(tx, store.ActorOf(r.ctx).HTTP)
			if err != nil {
				return err
			}
			fresh.Data = sess.Data
			if err := session.Save(tx, fresh); err != nil {
				return err
			}
			sess, started, key = fresh, fresh, k
		}
		if _, err := tx.Exec(`INSERT INTO plans (session, flow, body, history, updated) VALUES (?, ?, ?, ?, ?) ON CONFLICT (session) DO UPDATE SET flow = excluded.flow, body = excluded.body, history = excluded.history, updated = excluded.updated`,
			sess.UUID, r.flow.PK, body, history, tx.Now.UnixMicro()); err != nil {
			return err
		}
		return r.saveData(tx, sess)
	})
	if err != nil {
		return err
	}
	r.effects = nil
	r.data = remembered(sess)
	r.settled = len(r.plan.Steps) == 0
	if started != nil {
		r.out.Started, r.out.Key, r.out.Ended = started, key, false
	} else if ended {
		r.out.Started, r.out.Key, r.out.Ended = nil, "", true
	}
	if sess != r.sess {
		r.sess = sess
		if r.signed, err = r.Sessions.User(r.ctx, sess); err != nil {
			return err
		}
	}
	return nil
}

// saveData stores what the session remembers when it changed.
func (r *run) saveData(tx *store.Tx, s *session.Session) error {
	if s == r.sess && remembered(s) == r.data {
		return nil
	}
	return session.Save(tx, s)
}

// ask shows a challenge.
func (r *run) ask(t *stage.Turn, k *stage.Kind, challenge any, errs stage.Errors, answered bool) error {
	if r.in.Silent {
		return ErrInteraction
	}
	if k == nil {
		return r.broken(fmt.Errorf("flow: a step asks and has no component"))
	}
	c, err := r.challenge(k, challenge)
	if err != nil {
		return err
	}
	if errs != nil || answered {
		if errs == nil {
			errs = stage.Errors{}
		}
		c.Errors = errs
	}
	if err := r.save(nil); err != nil {
		return err
	}
	r.out.Challenge = c
	return nil
}

// restarts begins the flow anew when the binding says so; over says that the flow is not for this person any more, which stands in the
// outcome then.
func (r *run) restarts(t *stage.Turn) (again, over bool, err error) {
	if t.Binding.InvalidResponse == "retry" {
		return false, false, nil
	}
	o := PlanOptions{SignedIn: r.signed}
	if t.Binding.InvalidResponse == "restart_with_context" {
		o.Context = r.plan.Context
	}
	p, err := r.Plan(r.ctx, r.flow, o)
	var no *NotApplicable
	switch {
	case errors.As(err, &no):
		return false, true, r.refuse(no)
	case err != nil:
		return false, true, r.broken(err)
	}
	r.plan = p
	return true, false, r.save(nil)
}

// invalid ends the flow with a reason, or begins it anew when the binding says so.
func (r *run) invalid(t *stage.Turn, message string) (bool, error) {
	if again, over, err := r.restarts(t); again || over || err != nil {
		r.out.Advance = again
		return false, err
	}
	return false, r.deny(message)
}

// deny drops the plan and shows why.
func (r *run) deny(message string) error {
	if r.in.Silent {
		return ErrInteraction
	}
	if message == "" {
		message = "Unknown error"
	}
	c, err := r.builtin("ak-stage-access-denied", &AccessDenied{Message: message})
	if err != nil {
		return err
	}
	c.User = true
	if err := r.about(c); err != nil {
		return err
	}
	r.plan.Steps = nil
	if err := r.save(nil); err != nil {
		return err
	}
	r.out.Challenge, r.out.Advance = c, false
	return nil
}

// refuse is the end of a flow that is not for this person (flows.md 1.9).
func (r *run) refuse(no *NotApplicable) error {
	if r.plan == nil {
		r.plan = stage.NewPlan(r.flow.PK, nil)
	}
	r.plan.Steps = nil
	action := r.flow.DeniedAction
	if action != "message" {
		if next := r.in.Query.Get("next"); next != "" && safeNext(next) {
			r.out.To = next
			return r.save(nil)
		}
		if action == "continue" {
			r.out.To = "/"
			return r.save(nil)
		}
	}
	return r.deny(no.message())
}

// broken shows that something went wrong. A policy that could not answer denies instead.
func (r *run) broken(cause error) error {
	var no *NotApplicable
	if errors.As(cause, &no) {
		return r.refuse(no)
	}
	f := fault.As(cause)
	if f.Kind == fault.Unavailable || errors.Is(cause, context.Canceled) {
		return cause // the door says that the house can't do it now
	}
	id := store.ActorOf(r.ctx).HTTP.RequestID
	r.Log.ErrorContext(r.ctx, "stage failed", "flow", r.flow.Slug, "error", cause, "logger", "gatehouse.flow")
	if err := r.Events.Emit(r.ctx, event.SystemException, map[string]any{"message": cause.Error(), "flow": r.flow.PK}); err != nil {
		return err
	}
	e := &FlowError{RequestID: id}
	if store.ActorOf(r.ctx).Superuser {
		text := cause.Error()
		e.Error = &text
	}
	c, err := r.builtin("ak-stage-flow-error", e)
	if err != nil {
		return err
	}
	c.Bare = true
	r.out.Challenge = c
	return nil
}

// finish is the end of a flow: where the plan leads, else where the person wanted to go.
func (r *run) finish() error {
	to := r.plan.Text(stage.RedirectTo)
	if to == "" {
		to = r.in.Query.Get("next")
		if to == "" {
			to = "/"
		}
		if !safeNext(to) {
			return r.deny("Invalid next URL")
		}
	}
	r.plan.Steps = nil
	if err := r.save(nil); err != nil {
		return err
	}
	r.out.To = to
	return nil
}

// safeNext says whether an address leads to this server: a path with one slash at its front, without tricks that browsers read as a host.
func safeNext(next string) bool {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") {
		return false
	}
	u, err := url.Parse(next)
	return err == nil && u.Host == "" && u.Scheme == ""
}

// SafeNext says whether an address that a request names may be led to.
func SafeNext(next string) bool { return safeNext(next) }

// Begin stores a plan in the session of the browser (a new one when there is none) and gives the address of the flow's page.
func (e *Engine) Begin(tx *store.Tx, s *session.Session, f *Flow, p *stage.Plan, query string) (to string, started *session.Session, key string, err error) {
	body, err := e.seal(p)
	if err != nil {
		return "", nil, "", err
	}
	none, err := e.seal([]json.RawMessage{})
	if err != nil {
		return "", nil, "", err
	}
	if s == nil || s.UUID == "" {
		if s, key, err = e.Sessions.Start(tx, tx.Actor.HTTP); err != nil {
			return "", nil, "", err
		}
		started = s
	}
	if _, err := tx.Exec(`INSERT INTO plans (session, flow, body, history, updated) VALUES (?, ?, ?, ?, ?) ON CONFLICT (session) DO UPDATE SET flow = excluded.flow, body = excluded.body, history = excluded.history, updated = excluded.updated`,
		s.UUID, f.PK, body, none, tx.Now.UnixMicro()); err != nil {
		return "", nil, "", err
	}
	return PageURL(f.Slug, query), started, key, nil
}

// PageURL is the address of a flow's page.
func PageURL(slug, query string) string {
	to := "/if/flow/" + slug + "/"
	if query != "" {
		to += "?" + query
	}
	return to
}

// Cancel drops the plan of a session.
func Cancel(tx *store.Tx, s *session.Session) error {
	if s == nil {
		return nil
	}
	_, err := tx.Exec(`DELETE FROM plans WHERE session = ?`, s.UUID)
	return err
}
