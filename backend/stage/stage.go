// Package stage is the socket of stages: the single steps of a flow, each asking one thing of a person or doing one thing to them.
//
//	flow engine ─▶ Kind.Show(turn) ─▶ Ask | Done | Deny | Redirect
//	           ─▶ Kind.Take(turn, answer) ─▶ the same, or Retry with what is wrong
//
// A plug is one struct with two methods. What it asks and what it takes are structs too: JSON, OpenAPI, decode errors and the page come from
// them. It never sees HTTP; CSRF, policies, transactions and audit are the engine's.
package stage

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"reflect"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/user"
)

// Family is the shelf of stages.
var Family = &kind.Family{Name: "stages", Param: "stage_uuid", Title: "stage", All: "stages/all", Typed: true}

// Base is what every stage has.
type Base struct {
	PK      string    `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name    string    `json:"name" is:"required,unique,search"`
	FlowSet []FlowRef `json:"flow_set" is:"computed,ignored,nofilter"`
}

// Stage gives the shared part of any stage.
func (b *Base) Stage() *Base { return b }

// Shared is implemented by every kind that embeds Base.
type Shared interface{ Stage() *Base }

// Setup is what stages have that a signed-in person can run again for themselves.
type Setup struct {
	ConfigureFlow *string `json:"configure_flow" ref:"flows" format:"uuid" help:"The flow in which a signed-in person sets this up for themselves."`
}

// Configure gives the flow in which a person sets this up, nil when there is none.
func (s *Setup) Configure() *string { return s.ConfigureFlow }

// Configurable is a stage that a signed-in person can set up for themselves.
type Configurable interface{ Configure() *string }

// Named is what stages have that a person may choose from.
type Named struct {
	FriendlyName *string `json:"friendly_name" help:"What people read where they choose what to set up. Empty: the name of the stage."`
}

// Friendly gives what people read, nil when nothing is set.
func (n *Named) Friendly() *string { return n.FriendlyName }

// FlowRef is a flow as a stage's page shows it.
type FlowRef struct {
	PK           string `json:"pk" is:"required,readonly" format:"uuid"`
	Binding      string `json:"policybindingmodel_ptr_id" is:"required,readonly" format:"uuid"`
	Name         string `json:"name" is:"required"`
	Slug         string `json:"slug" is:"required" max:"50"`
	Title        string `json:"title" is:"required"`
	Designation  string `json:"designation" is:"required" enum:"authentication,authorization,invalidation,enrollment,unenrollment,recovery,stage_configuration"`
	Background   string `json:"background" is:"required,readonly"`
	EngineMode   string `json:"policy_engine_mode" enum:"all,any"`
	Compat       bool   `json:"compatibility_mode"`
	ExportURL    string `json:"export_url" is:"required,readonly"`
	Layout       string `json:"layout" enum:"stacked,content_left,content_right,sidebar_left,sidebar_right"`
	DeniedAction string `json:"denied_action" enum:"message_continue,message,continue"`
}

// SchemaName implements kind.SchemaNamer.
func (FlowRef) SchemaName() string { return "FlowSet" }

// Deps is what the socket's REST needs.
type Deps struct {
	Store *store.Store
	// Flows gives the flows that stages are bound to, by stage.
	Flows func(ctx context.Context, stages []string) (map[string][]FlowRef, error)
	// Texts are the sentences that people read.
	Texts *text.Tables
	Log   *slog.Logger
}

// Asking says how a stage asks.
type Asking struct {
	Schema    string // "PasswordChallenge"; "" for a stage that never asks
	Component string // "ak-stage-password"
	User      bool   // the challenge tells whom it is about
	Page      string // html/template text of the form's inside
}

// Behaviour is what a stage does: Show at every GET, Take with an answer.
type Behaviour[A any] interface {
	Show(t *Turn) Result
	Take(t *Turn, in *A) Result
}

// Kind is a stage kind with its behaviour.
type Kind struct {
	*kind.Kind
	Asking
	Challenge reflect.Type
	Answer    reflect.Type
	show      func(obj any, t *Turn) Result
	take      func(obj any, t *Turn, in any) Result
}

// New describes a stage kind: T is the stage, C what it asks, A what it takes. make gives a fresh *T with its dependencies, nil means new(T).
func New[T, C, A any, P interface {
	*T
	Behaviour[A]
	Shared
}](d Deps, spec kind.Spec, ask Asking, make func() *T) *Kind {
	return &Kind{
		Kind: kind.Of[T](Family, d.spec(spec), make), Asking: ask, Challenge: reflect.TypeFor[C](), Answer: reflect.TypeFor[A](),
		show: func(obj any, t *Turn) Result { return P(obj.(*T)).Show(t) },
		take: func(obj any, t *Turn, in any) Result { return P(obj.(*T)).Take(t, in.(*A)) },
	}
}

// spec completes what all stages have in common.
func (d Deps) spec(s kind.Spec) kind.Spec {
	s.Order = []string{"name"}
	own := s.Present
	s.Present = func(ctx context.Context, rows []any, query url.Values) error {
		if err := d.present(ctx, rows, query); err != nil || own == nil {
			return err
		}
		return own(ctx, rows, query)
	}
	return s
}

// None is what a stage asks or takes that asks or takes nothing.
type None struct{}

// Show runs the stage for a GET.
func (k *Kind) Show(obj any, t *Turn) Result { return k.show(obj, t) }

// Take decodes an answer and runs the stage with it; what can't be decoded is told by field.
func (k *Kind) Take(obj any, t *Turn, body map[string]json.RawMessage) Result {
	if string(body["component"]) == `""` { // any other word is as good as none
		return Retry(Faults(fault.Field("component", "This field may not be blank.")))
	}
	in := kind.Fresh(k.Answer)
	if raw, ok := in.(RawAnswer); ok {
		raw.SetRaw(body)
		return k.take(obj, t, in)
	}
	if _, err := kind.Decode(kind.FieldsOf(k.Answer), body, reflect.ValueOf(in).Elem(), true); err != nil {
		return Retry(Faults(err))
	}
	return k.take(obj, t, in)
}

// RawAnswer is an answer whose fields only the stage knows (prompts).
type RawAnswer interface {
	SetRaw(body map[string]json.RawMessage)
}

// Base is the base kind: the collection over all stages.
func BaseKind(d Deps, actions ...kind.Action) *kind.Kind {
	return kind.Of[Base](Family, kind.Spec{
		Path: Family.All, Model: "authentik_flows.stage", Schema: "Stage", Title: "Stage",
		Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"name"}, By: []string{"name"}, Present: d.present, Actions: actions,
	}, nil)
}

func (d Deps) present(ctx context.Context, rows []any, _ url.Values) error {
	pks := make([]string, 0, len(rows))
	for _, r := range rows {
		if s, ok := r.(Shared); ok {
			pks = append(pks, s.Stage().PK)
		}
	}
	flows, err := d.Flows(ctx, pks)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if s, ok := r.(Shared); ok {
			s.Stage().FlowSet = flows[s.Stage().PK]
		}
	}
	return nil
}

// Inline is a step that the house puts into a plan by itself; it is no object. Params come with the step.
type Inline interface {
	Name() string
	Show(t *Turn, params map[string]any) Result
	Take(t *Turn, params map[string]any, body map[string]json.RawMessage) Result
}

// Faults turns a fault into the errors of a retry.
func Faults(err error) Errors {
	f := fault.As(err)
	out := Errors{}
	for name, ms := range f.Fields {
		for _, m := range ms {
			out[name] = append(out[name], Error{String: m, Code: codeOf(m)})
		}
	}
	if len(out) == 0 {
		out[fault.NonField] = []Error{{String: f.Say, Code: "invalid"}}
	}
	return out
}

// codeOf gives the code that clients know a message by.
func codeOf(message string) string {
	switch message {
	case "This field is required.":
		return "required"
	case "This field may not be null.":
		return "null"
	case "This field may not be blank.":
		return "blank"
	}
	if strings.HasSuffix(message, " is not a valid choice.") {
		return "invalid_choice"
	}
	return "invalid"
}

// UUIDFilter is the list filter that most stage collections have beside their fields.
func UUIDFilter() kind.Filter {
	return kind.Filter{Name: "stage_uuid", Type: "string", Format: "uuid", Where: func(v string, d kind.Dialect) (string, []any, error) {
		if !kind.UUIDText.MatchString(v) {
			return "", nil, fault.Field("stage_uuid", "Enter a valid UUID.")
		}
		return d.Column("pk") + " = ?", []any{kind.Dashed(v)}, nil
	}}
}

// WithBackends is a stage that knows which backends check a password. A stage that asks for name and password together asks it.
type WithBackends interface{ PasswordBackends() []string }

// Foreseer is a stage that can tell what would come of it when a flow is tried out, and changes the plan as it would. It writes nothing.
// Others ask when they have something to ask, and go on.
type Foreseer interface {
	// Foresee gives Ask (of whatever is asked, nil will do) when the person has to answer, which they do rightly, and else what Show gives.
	// who is at the browser, nil for a stranger; the turn's User is whom the flow knows so far.
	Foresee(t *Turn, who *user.User) Result
}

// WritesPeople is a stage that makes or changes accounts. What counts only once somebody has an account waits for it.
type WritesPeople interface{ WritesPeople() bool }
