// Package policy decides who may pass: policies, their bindings, and the engine that evaluates them.
//
//	binding(order) ─▶ policy | group | user ─▶ negate ─┐
//	binding(order) ─▶ …                                ├─ all / any ─▶ Result
//	binding(order) ─▶ …                                ┘
//
// A policy that says no and a policy that could not answer are different things: the second sets Result.Raised, and the flow engine
// then denies instead of skipping a stage.
package policy

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of policies.
var Family = &kind.Family{Name: "policies", Param: "policy_uuid", Title: "policy", All: "policies/all", Typed: true}

// Base is what every policy has.
type Base struct {
	PK               string `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name             string `json:"name" is:"required,unique,search"`
	ExecutionLogging bool   `json:"execution_logging" help:"Write an event each time this policy is evaluated." group:"advanced"`
	BoundTo          int    `json:"bound_to" is:"computed,required"`
}

// Policy gives the shared part of any policy.
func (b *Base) Policy() *Base { return b }

// Shared is implemented by every kind that embeds Base.
type Shared interface{ Policy() *Base }

// Request is what a policy may look at.
type Request struct {
	User    *user.User     // who is judged; nil: nobody is signed in
	Obj     any            // what the policy is bound to
	Context map[string]any // facts by name: plan context, oauth_scopes, …
	HTTP    store.HTTP     // the request, zero when there is none
	Debug   bool           // a test run: no events
	Plan    any            // the flow plan when a flow asks
	Trial   bool           // the plan was made for this test run, so what is changed in it counts
}

// LogEvent is one line that a policy logged in this run.
type LogEvent = event.LogEvent

// Result is the outcome of a policy or of all bindings of an object.
type Result struct {
	Passing  bool
	Messages []string
	Raw      any
	Raised   bool  // a policy failed or timed out and its failure_result is false
	Cause    error // why a policy could not answer, whatever counts then
	Logs     []LogEvent
}

// Policy is the behaviour of a policy kind.
type Policy interface {
	Passes(ctx context.Context, r *Request) (Result, error)
}

// New describes a policy kind; *T must have the behaviour.
func New[T any, P interface {
	*T
	Policy
}](s *store.Store, spec kind.Spec, make func() *T) *kind.Kind {
	spec.Order = []string{"name"}
	spec.Present = present(s)
	spec.Filters = append(spec.Filters,
		kind.Filter{Name: "policy_uuid", Type: "string", Format: "uuid", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			if !kind.UUIDText.MatchString(v) {
				return "", nil, fault.Field("policy_uuid", "Enter a valid UUID.")
			}
			return "o.pk = ?", []any{kind.Dashed(v)}, nil
		}}, at("created", "o.created"), at("last_updated", "o.updated"))
	return kind.Of[T](Family, spec, make)
}

// at is a filter on a time that every row of the object table has.
func at(name, column string) kind.Filter {
	return kind.Filter{Name: name, Type: "string", Format: "date-time", Where: func(v string, _ kind.Dialect) (string, []any, error) {
		t, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			return "", nil, fault.Field(name, "Enter a valid date/time.")
		}
		return column + " = ?", []any{t.UnixMicro()}, nil
	}}
}

// present counts the bindings of a page of policies.
func present(s *store.Store) func(ctx context.Context, rows []any, query url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		by := map[string]*Base{}
		for _, r := range rows {
			if p, ok := r.(Shared); ok {
				by[p.Policy().PK] = p.Policy()
			}
		}
		for _, src := range []string{BindingFamily.Name, "stages"} {
			uses, err := s.Assigned(ctx, Family.Name, src)
			if err != nil {
				return err
			}
			for _, u := range uses {
				if b := by[u.PK]; b != nil {
					b.BoundTo++
				}
			}
		}
		return nil
	}
}

// Deps is what the room's REST needs.
type Deps struct {
	Store  *store.Store
	Users  *user.Directory
	Engine *Engine
	Binds  BindingDeps
	// TestTime is how long a test run may take; 0 means half a minute, as bindings have it.
	TestTime time.Duration
}

// TestRequest is the body of the test action.
type TestRequest struct {
	User    int64          `json:"user" is:"required"`
	Context map[string]any `json:"context"`
}

// SchemaName implements kind.SchemaNamer.
func (TestRequest) SchemaName() string { return "PolicyTest" }

// SchemaName implements kind.SchemaNamer.
func (TestResult) SchemaName() string { return "PolicyTestResult" }

// SchemaName implements kind.SchemaNamer.
func (CacheInfo) SchemaName() string { return "Cache" }

// TestResult is what a test run, or an access check, gave.
type TestResult struct {
	Passing     bool       `json:"passing" is:"required"`
	Messages    []string   `json:"messages" is:"required,readonly"`
	LogMessages []LogEvent `json:"log_messages" is:"required,readonly"`
}

// CacheInfo counts cached results; Gatehouse caches none.
type CacheInfo struct {
	Count int `json:"count" is:"required,readonly"`
}

// Kinds gives the base kind and the bindings.
func Kinds(d Deps) []*kind.Kind {
	test := kind.Detail("POST", "test", "change", func(ctx context.Context, c *kind.Call, in *TestRequest) (TestResult, error) {
		return d.test(ctx, c, in)
	})
	test.Operation = "policies_all_test_create"
	info := kind.Collection("GET", "cache_info", "authentik_policies.view_policy_cache", func(context.Context, *kind.Call, *kind.None) (CacheInfo, error) {
		return CacheInfo{}, nil
	})
	clear := kind.Collection("POST", "cache_clear", "authentik_policies.clear_policy_cache", func(context.Context, *kind.Call, *kind.None) (kind.None, error) {
		return kind.None{}, nil
	})
	isnull := func(name, family string) kind.Filter {
		return kind.Filter{Name: name, Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			b, err := strconv.ParseBool(v)
			if err != nil {
				return "", nil, fault.Field(name, "Must be a valid boolean.")
			}
			not := ""
			if b {
				not = "NOT "
			}
			return not + "EXISTS (SELECT 1 FROM ref r JOIN object b ON b.pk = r.src WHERE r.family = 'policies' AND r.dst = o.pk AND b.family = '" + family + "')", nil, nil
		}}
	}
	base := kind.Of[Base](Family, kind.Spec{
		Path: Family.All, Model: "authentik_policies.policy", Schema: "Policy", Title: "Policy", Plural: "Policies",
		Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"name"},
		Filters: []kind.Filter{isnull("bindings__isnull", BindingFamily.Name), isnull("promptstage__isnull", "stages")},
		Actions: []kind.Action{test, info, clear}, Present: present(d.Store),
	}, nil)
	return []*kind.Kind{base, bindingKind(d.Binds)}
}

// test runs one policy for one user, in bounded time and without events; only who may change the policy may do so.
func (d Deps) test(ctx context.Context, c *kind.Call, in *TestRequest) (TestResult, error) {
	p, ok := c.Object.(Policy)
	if !ok {
		return TestResult{}, fault.New(fault.Invalid, "This policy can't be tested.")
	}
	u, err := d.Users.Viewable(ctx, in.User)
	if err != nil {
		return TestResult{}, fault.Field("user", "There is no such user, or you may not see them.")
	}
	vars := in.Context
	if vars == nil {
		vars = map[string]any{}
	}
	long := d.TestTime
	if long == 0 {
		long = 30 * time.Second
	}
	r, err := Bounded(ctx, long, p, &Request{User: u, Context: vars, HTTP: store.ActorOf(ctx).HTTP, Debug: true})
	if err != nil {
		r.Messages = append(r.Messages, fault.As(err).Say)
	}
	return TestResult{Passing: err == nil && r.Passing, Messages: list(r.Messages), LogMessages: list(r.Logs)}, nil
}

func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}
