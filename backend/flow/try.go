package flow

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// longestTry bounds a try as a whole; each policy has the time of its binding besides.
const longestTry = time.Minute

// Trial says with whom a flow is tried out, from where, and what is known before.
type Trial struct {
	User     *int64         `json:"user" help:"Who comes; null for a stranger."`
	SignedIn *bool          `json:"signed_in" help:"Whether they are signed in when the flow begins. Null: as the flow is meant."`
	Context  map[string]any `json:"context" help:"What the plan knows from the start, and what people would type on the way (prompt_data)."`
	Remote   string         `json:"remote" is:"blank" help:"The address they come from. Empty: that of the caller."`
}

// SchemaName implements kind.SchemaNamer.
func (Trial) SchemaName() string { return "FlowTrial" }

// Tried is what the flow would do.
type Tried struct {
	Passing     bool          `json:"passing" is:"required,readonly" help:"Whether the person would come to the end."`
	Messages    []string      `json:"messages" is:"required,readonly" help:"What they would read when not."`
	SignedIn    bool          `json:"signed_in" is:"required,readonly"`
	Requirement Requirement   `json:"requirement" is:"required,readonly"`
	Policies    []TriedPolicy `json:"flow_policies" is:"required,readonly"`
	User        *string       `json:"flow_policies_user" is:"required,readonly" help:"Whom the policies of the flow were asked about, null for nobody."`
	Steps       []*TriedStep  `json:"steps" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Tried) SchemaName() string { return "FlowTried" }

// Requirement is what the flow asks of who is signed in.
type Requirement struct {
	Authentication string `json:"authentication" is:"required,readonly" enum:"none,require_authenticated,require_unauthenticated,require_superuser,require_outpost"`
	Met            bool   `json:"met" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Requirement) SchemaName() string { return "FlowTriedRequirement" }

// The outcomes of a step.
const (
	asks    = "asks"    // the person has to answer
	runs    = "runs"    // it asks nothing
	skipped = "skipped" // its policies leave it out
	denies  = "denies"  // the flow ends there
	leaves  = "leaves"  // the person is sent elsewhere
	fails   = "fails"   // a policy could not answer, or the step itself fails
	open    = "open"    // the flow does not come so far
)

// TriedStep is one step of the flow, or one that a policy put in.
type TriedStep struct {
	Order     *int          `json:"order" is:"required,readonly"`
	Binding   *string       `json:"binding" is:"required,readonly" format:"uuid" help:"Null for a step that a policy or a stage put in."`
	Stage     *TriedStage   `json:"stage" is:"required,readonly"`
	Evaluated string        `json:"evaluated" is:"required,readonly" enum:"plan,run" help:"When its policies decided: as the flow began, or as the step was reached."`
	Again     bool          `json:"re_evaluate" is:"required,readonly"`
	Included  *bool         `json:"included" is:"required,readonly" help:"Null when the flow does not come so far, or a policy could not answer."`
	Outcome   string        `json:"outcome" is:"required,readonly" enum:"asks,runs,skipped,denies,leaves,fails,open"`
	Challenge *string       `json:"challenge" is:"required,readonly" help:"The component of what the person would be asked."`
	To        *string       `json:"to" is:"required,readonly" help:"Where the person would be sent."`
	Message   string        `json:"message" is:"required,readonly,blank" help:"What the person would read where the flow ends."`
	User      *string       `json:"user" is:"required,readonly" help:"Whom the policies were asked about, null for nobody."`
	Policies  []TriedPolicy `json:"policies" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (TriedStep) SchemaName() string { return "FlowTriedStep" }

// TriedStage names the stage of a step.
type TriedStage struct {
	PK        string `json:"pk" is:"required,readonly" format:"uuid"`
	Name      string `json:"name" is:"required,readonly"`
	Component string `json:"component" is:"required,readonly"`
	Title     string `json:"verbose_name" is:"required,readonly"`
	Model     string `json:"meta_model_name" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (TriedStage) SchemaName() string { return "FlowTriedStage" }

// TriedPolicy is what one binding of a policy, group or user said.
type TriedPolicy struct {
	PK       string            `json:"pk" is:"required,readonly" format:"uuid" help:"The binding."`
	Via      string            `json:"via" is:"required,readonly" enum:"policy,group,user"`
	Target   string            `json:"target" is:"required,readonly" help:"The key of the policy, group or user."`
	Name     string            `json:"name" is:"required,readonly,blank" help:"Empty when the caller may not see it."`
	Title    string            `json:"verbose_name" is:"required,readonly"`
	Negate   bool              `json:"negate" is:"required,readonly"`
	Order    int               `json:"order" is:"required,readonly"`
	Enabled  bool              `json:"enabled" is:"required,readonly"`
	Passing  *bool             `json:"passing" is:"required,readonly" help:"With negate already counted. Null when it is switched off and was not asked."`
	Messages []string          `json:"messages" is:"required,readonly"`
	Logs     []policy.LogEvent `json:"log_messages" is:"required,readonly"`
	Error    *expr.Failure     `json:"error" is:"required,readonly"`
	Took     float64           `json:"took_ms" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (TriedPolicy) SchemaName() string { return "FlowTriedPolicy" }

// trial is one try under way. Its policies and stages see a request and a plan that were made for it.
type trial struct {
	*Engine
	ctx    context.Context
	caller context.Context // with who tries, for what they may see
	flow   *Flow
	plan   *stage.Plan
	brand  *brand.Brand
	who    *user.User // at the browser, nil for a stranger
	signed *user.User
	out    Tried
	last   int // place of the step that was handled last
}

// try tells what a flow would do with somebody: the planner and the executor once more, with stages that only foresee (stage.Foreseer) and
// policies in a test run.
func (e *Engine) try(ctx context.Context, c *kind.Call, in *Trial) (Tried, error) {
	t := &trial{Engine: e, caller: ctx, last: -1, out: Tried{Messages: []string{}, Policies: []TriedPolicy{}, Steps: []*TriedStep{}}}
	var err error
	if t.flow, err = e.bySlug(ctx, c.Key); err != nil {
		return Tried{}, err
	}
	if err := t.come(in); err != nil {
		return Tried{}, err
	}
	var stop context.CancelFunc
	t.ctx, stop = context.WithTimeout(t.ctx, longestTry)
	defer stop()
	if t.brand, err = e.Brands.For(t.ctx, store.ActorOf(t.ctx).HTTP.Host); err != nil {
		return Tried{}, err
	}
	begun, err := t.begin()
	if err == nil && begun {
		err = t.walk()
	}
	if errors.Is(t.ctx.Err(), context.DeadlineExceeded) {
		return Tried{}, fault.Newf(fault.Unavailable, "The policies of this flow take more than %d seconds together, so the try was given up.", int(longestTry.Seconds()))
	}
	return t.out, err
}

// come makes who comes, from where and with what.
func (t *trial) come(in *Trial) error {
	a := store.ActorOf(t.caller)
	h := a.HTTP
	made := store.HTTP{
		RequestID: h.RequestID, Method: "GET", Path: "/api/v3/flows/executor/" + t.flow.Slug + "/", UserAgent: h.UserAgent, ClientIP: h.ClientIP,
		Scheme: h.Scheme, Host: h.Host, Locale: h.Locale,
	}
	if in.Remote != "" {
		ip, err := netip.ParseAddr(in.Remote)
		if err != nil {
			return fault.Field("remote", "Write an address such as 192.0.2.7 or 2001:db8::7.")
		}
		made.ClientIP = ip.Unmap().WithZone("").String()
	}
	for _, key := range []string{stage.PendingUser, stage.NewAccount} {
		if _, ok := in.Context[key]; ok {
			return fault.Field("context", fmt.Sprintf("%s is made by the try itself; pick the person as user.", key))
		}
	}
	if in.User != nil {
		u, err := t.Users.Viewable(t.caller, *in.User)
		if fault.Is(err, fault.NotFound) {
			return fault.Field("user", "There is no such user, or you may not see them.")
		}
		if err != nil {
			return err
		}
		t.who = u
	}
	acts := store.Actor{HTTP: made, Brand: a.Brand}
	if t.signsIn(in) {
		if t.who == nil {
			return fault.Field("signed_in", "A stranger is not signed in. Pick a person, or leave this out.")
		}
		if !t.who.IsActive {
			return fault.Field("signed_in", "This account is switched off, so nobody can be signed in with it.")
		}
		super, err := t.Users.Superuser(t.caller, t.who.PK)
		if err != nil {
			return err
		}
		t.signed = t.who
		acts.UserPK, acts.Username, acts.Email, acts.Name, acts.Superuser = t.who.PK, t.who.Username, t.who.Email, t.who.Name, super
	}
	t.out.SignedIn = t.signed != nil
	t.ctx = store.WithActor(t.caller, acts)
	t.plan = stage.NewPlan(t.flow.PK, in.Context)
	return nil
}

// signsIn says whether the person is signed in from the start; when nobody said so, as people usually come to such a flow.
func (t *trial) signsIn(in *Trial) bool {
	switch {
	case in.SignedIn != nil:
		return *in.SignedIn
	case t.who == nil || !t.who.IsActive:
		return false
	}
	switch t.flow.Authentication {
	case "require_authenticated", "require_superuser":
		return true
	case "require_unauthenticated":
		return false
	}
	return !slices.Contains([]string{Authentication, Recovery, "enrollment"}, t.flow.Designation)
}

// begin plans the flow as Engine.Plan does; false when it is not for this person.
func (t *trial) begin() (bool, error) {
	bs, err := t.bindings(t.ctx, t.flow)
	if err != nil {
		return false, err
	}
	steps := make([]*TriedStep, len(bs))
	for i, b := range bs {
		if steps[i], err = t.step(b); err != nil {
			return false, err
		}
	}
	t.out.Steps = steps
	t.out.Requirement = Requirement{Authentication: t.flow.Authentication, Met: t.requirement(t.ctx, t.flow, t.signed)}
	if !t.out.Requirement.Met {
		t.refused(nil)
		return false, nil
	}
	res, said, about, err := t.ask(t.flow.PK, t.flow.EngineMode, t.flow)
	if err != nil {
		return false, err
	}
	t.out.Policies, t.out.User = said, about
	if !res.Passing {
		t.refused(res.Messages)
		return false, nil
	}
	for i, b := range bs {
		if b.OnPlan {
			on, err := t.decide(steps[i], b, "plan")
			if err != nil || steps[i].Outcome == fails {
				return false, err
			}
			if !on {
				continue
			}
		}
		t.plan.Append(stage.Step{Binding: b.PK, Stage: b.Stage, Reevaluate: b.OnRun})
	}
	return true, nil
}

// walk goes from step to step as the executor does with a person who answers everything rightly.
func (t *trial) walk() error {
	for range maxSteps {
		if len(t.plan.Steps) == 0 {
			t.out.Passing = true
			return nil
		}
		over, err := t.next()
		if over || err != nil {
			return err
		}
	}
	t.refused([]string{fmt.Sprintf("The flow runs through more than %d stages without an end.", maxSteps)})
	return nil
}

// next takes the first step off the plan; over says that the flow ends with it.
func (t *trial) next() (over bool, err error) {
	s := t.plan.Steps[0]
	row, err := t.row(s)
	if err != nil {
		return true, err
	}
	if s.Reevaluate && s.Binding != "" {
		b, err := t.binding(t.ctx, s.Binding)
		if err != nil {
			return true, err
		}
		on, err := t.decide(row, b, "run")
		if err != nil || row.Outcome == fails {
			return true, err
		}
		if !on {
			t.plan.Steps = t.plan.Steps[1:]
			return false, nil
		}
	}
	yes := true
	row.Included = &yes
	return t.foresee(s, row)
}

// row gives the row of a step; one that was put in gets its own, behind the step that was handled last.
func (t *trial) row(s stage.Step) (*TriedStep, error) {
	for i, row := range t.out.Steps {
		if row.Binding != nil && *row.Binding == s.Binding {
			t.last = i
			return row, nil
		}
	}
	row := &TriedStep{Evaluated: "run", Outcome: open, Policies: []TriedPolicy{}}
	if s.Stage != "" {
		found, err := t.stage(t.ctx, s.Stage)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil {
			row.Stage = shown(found)
		}
	}
	t.last++
	t.out.Steps = slices.Insert(t.out.Steps, t.last, row)
	return row, nil
}

// foresee asks the stage of a step what would come of it.
func (t *trial) foresee(s stage.Step, row *TriedStep) (over bool, err error) {
	if s.Inline == stage.RedirectStep {
		to, _ := s.Params["to"].(string)
		row.Outcome, row.To, t.out.Passing = leaves, &to, true
		return true, nil
	}
	if s.Inline != "" {
		return true, fmt.Errorf("flow: the step %s can't be tried out", s.Inline)
	}
	found, err := t.stage(t.ctx, s.Stage)
	if fault.Is(err, fault.NotFound) {
		row.Outcome, row.Message = fails, "There is no such stage any more."
		t.refused([]string{row.Message})
		return true, nil
	}
	if err != nil {
		return true, err
	}
	k := t.Stages[found.kind.Model]
	if k == nil {
		return true, fmt.Errorf("flow: %s is in no list", found.kind.Model)
	}
	known, err := t.subject(t.ctx, t.plan, t.signed)
	if err != nil {
		return true, err
	}
	h := store.ActorOf(t.ctx).HTTP
	turn := &stage.Turn{
		Ctx: t.ctx, Plan: t.plan, Session: &session.Session{}, Now: t.Store.Now().UTC(), Brand: t.brand, User: known, SignedIn: t.signed,
		Flow:    stage.Flow{PK: t.flow.PK, Slug: t.flow.Slug, Name: t.flow.Name, Title: t.flow.Title, Designation: t.flow.Designation},
		Request: stage.Request{Method: "GET", Query: url.Values{}, HTTP: h, Base: h.Scheme + "://" + h.Host},
		Binding: stage.Binding{PK: s.Binding, InvalidResponse: "retry"},
	}
	res := stage.Done()
	switch f, ok := found.obj.(stage.Foreseer); {
	case ok:
		res = f.Foresee(turn, t.who)
	case k.Asking.Schema != "":
		res = stage.Ask(nil)
	}
	switch res.Verdict {
	case stage.Asked:
		row.Outcome, row.Challenge = asks, &k.Asking.Component
	case stage.Finished:
		row.Outcome = runs
	case stage.Redirected:
		row.Outcome, row.To, t.out.Passing = leaves, &res.URL, true
		return true, nil
	case stage.Denied:
		row.Outcome, row.Message = denies, res.Message
		if row.Message == "" {
			row.Message = "Unknown error"
		}
		t.refused([]string{row.Message})
		return true, nil
	default:
		return true, res.Err
	}
	t.plan.Steps = t.plan.Steps[1:]
	return false, nil
}

// decide asks the policies of a step whether it is part of the flow. One that can't answer ends the flow.
func (t *trial) decide(row *TriedStep, b *Binding, when string) (bool, error) {
	res, said, about, err := t.ask(b.PK, b.EngineMode, b)
	if err != nil {
		return false, err
	}
	row.Evaluated, row.Policies, row.User, row.Included = when, said, about, nil
	switch {
	case res.Raised:
		row.Outcome = fails
		t.refused(res.Messages)
		return false, nil
	case !res.Passing:
		no := false
		row.Outcome, row.Included = skipped, &no
	}
	return res.Passing, nil
}

// ask asks what is bound to something, and tells about whom.
func (t *trial) ask(target, mode string, obj any) (res policy.Result, said []TriedPolicy, about *string, err error) {
	who, err := t.subject(t.ctx, t.plan, t.signed)
	if err != nil {
		return res, nil, nil, err
	}
	if who != nil && who.Username != "" { // a stranger who said a name that nobody has is nobody
		about = &who.Username
	}
	r := t.request(t.ctx, who, obj, t.plan)
	r.Debug, r.Trial = true, true
	res, answers, err := t.Policies.Explain(t.ctx, target, mode, r, true)
	if err == nil {
		err = t.ctx.Err()
	}
	if err != nil {
		return res, nil, nil, err
	}
	said = []TriedPolicy{}
	for _, a := range answers {
		one, err := t.told(a)
		if err != nil {
			return res, nil, nil, err
		}
		said = append(said, one)
	}
	return res, said, about, nil
}

// told shows what a binding said.
func (t *trial) told(a policy.Answer) (TriedPolicy, error) {
	b := a.Binding
	out := TriedPolicy{
		PK: b.PK, Negate: b.Negate, Order: b.Order, Enabled: b.Enabled, Messages: []string{}, Logs: []policy.LogEvent{},
		Took: math.Round(float64(a.Took.Nanoseconds())/1e3) / 1e3,
	}
	var err error
	switch {
	case b.User != nil:
		out.Via, out.Target, out.Title = "user", fmt.Sprint(*b.User), "User"
		var u *user.User
		if u, err = t.Users.Viewable(t.caller, *b.User); err == nil {
			out.Name = u.Username
		}
	case b.Group != nil:
		out.Via, out.Target, out.Title = "group", *b.Group, "Group"
		var g *user.Group
		if g, err = store.Get[user.Group](t.ctx, t.Store, *b.Group); err == nil {
			out.Name = g.Name
		}
	case b.Policy != nil:
		out.Via, out.Target, out.Title = "policy", *b.Policy, "Policy"
		var k *kind.Kind
		var obj any
		if k, obj, err = t.Policies.Object(t.ctx, *b.Policy); err == nil {
			out.Name, out.Title = k.Name(obj), k.Title
		}
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return out, err
	}
	if a.Result == nil {
		return out, nil
	}
	out.Passing = &a.Result.Passing
	out.Messages, out.Logs = append(out.Messages, a.Result.Messages...), append(out.Logs, a.Result.Logs...)
	if cause := a.Result.Cause; cause != nil {
		if why := (*expr.Error)(nil); errors.As(cause, &why) {
			out.Error = why.Failure()
		} else {
			out.Error = &expr.Failure{Type: "Error", Message: fault.As(cause).Say}
		}
	}
	return out, nil
}

// refused is the end of a flow that does not let the person through.
func (t *trial) refused(messages []string) {
	t.out.Passing = false
	t.out.Messages = append([]string{}, messages...)
	if len(messages) == 0 {
		t.out.Messages = []string{(&NotApplicable{}).message()}
	}
}

// step shows a bound stage that nobody came to yet.
func (t *trial) step(b *Binding) (*TriedStep, error) {
	found, err := t.stage(t.ctx, b.Stage)
	if err != nil {
		return nil, err
	}
	out := &TriedStep{Order: &b.Order, Binding: &b.PK, Stage: shown(found), Evaluated: "run", Again: b.OnRun, Outcome: open, Policies: []TriedPolicy{}}
	if !b.OnRun {
		out.Evaluated = "plan"
	}
	return out, nil
}

func shown(s staged) *TriedStage {
	return &TriedStage{PK: s.kind.PK(s.obj), Name: s.kind.Name(s.obj), Component: s.kind.Component, Title: s.kind.Title, Model: s.kind.Model}
}
