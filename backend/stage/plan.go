package stage

import (
	"gatehouse/backend/user"
)

// The keys of a plan's context (flows.md 1.13), as expressions know them.
const (
	PendingUser       = "pending_user"
	PendingIdentifier = "pending_user_identifier"
	UserBackend       = "user_backend"
	AuthMethod        = "auth_method"
	AuthMethodArgs    = "auth_method_args"
	SSO               = "is_sso"
	Application       = "application"
	RedirectTo        = "redirect"
	Restored          = "is_restored"
	PromptData        = "prompt_data"
	GroupsToAdd       = "groups"
	UserPath          = "user_path"
	UserType          = "user_type"
	DenyMessage       = "deny_message"
	DenyTo            = "deny_to" // address that a person who does not agree is led to
	ConsentHeader     = "consent_header"
	ConsentAsked      = "consent_permissions"
	ConsentNew        = "consent_additional_permissions"
	ConsentAgain      = "consent_again" // true: ask also when a stored consent counts; false: that was done
	Source            = "source"
	SourceConnection  = "goauthentik.io/sources/connection"
)

// Returned holds the key of the source stage that the person came back to.
const Returned = "goauthentik.io/stages/source/returned"

// NewAccount says in the plan of a flow that is tried out that whom it is about would be made in it.
const NewAccount = "goauthentik.io/flows/try/new_account"

// RedirectStep is the step that a policy puts into a plan to send the person elsewhere. Its parameter "to" is the address.
const RedirectStep = "redirect"

// InbuiltBackend is the backend that checks passwords kept here.
const InbuiltBackend = "authentik.core.auth.InbuiltBackend"

// Plan is a flow under way: the steps to come and what is known so far. It is stored as JSON: context values are plain JSON, objects are
// pointed at by Ref.
type Plan struct {
	Flow    string         `json:"flow"` // key
	Steps   []Step         `json:"steps"`
	Context map[string]any `json:"context"`
}

// Step is one step of a plan: a bound stage, or one that the house put in.
type Step struct {
	Binding    string         `json:"binding,omitempty"`
	Stage      string         `json:"stage,omitempty"`
	Inline     string         `json:"inline,omitempty"`
	Params     map[string]any `json:"params,omitempty"`
	Reevaluate bool           `json:"reevaluate,omitempty"` // its policies are asked each time it is about to be shown
}

// Ref points at an object from a plan's context.
func Ref(model string, pk any) map[string]any { return map[string]any{"model": model, "pk": pk} }

// NewPlan makes an empty plan for a flow.
func NewPlan(flow string, context map[string]any) *Plan {
	p := &Plan{Flow: flow, Context: map[string]any{}}
	for k, v := range context {
		p.Context[k] = v
	}
	return p
}

// Next puts a step right after the current one.
func (p *Plan) Next(s Step) {
	if len(p.Steps) == 0 {
		p.Steps = []Step{s}
		return
	}
	p.Steps = append(p.Steps[:1], append([]Step{s}, p.Steps[1:]...)...)
}

// Append puts a step at the end.
func (p *Plan) Append(s Step) { p.Steps = append(p.Steps, s) }

// Text gives a text of the context, "" when there is none.
func (p *Plan) Text(key string) string {
	s, _ := p.Context[key].(string)
	return s
}

// True says whether a value of the context is true.
func (p *Plan) True(key string) bool {
	b, _ := p.Context[key].(bool)
	return b
}

// Map gives an object of the context; it is made when there is none, so that writing into it counts.
func (p *Plan) Map(key string) map[string]any {
	m, ok := p.Context[key].(map[string]any)
	if !ok {
		m = map[string]any{}
		p.Context[key] = m
	}
	return m
}

// Has says whether the context has a value.
func (p *Plan) Has(key string) bool { return p.Context[key] != nil }

// SetUser makes u whom the flow is about. One without a key is kept by what was typed, and stands for nobody.
func (p *Plan) SetUser(u *user.User) {
	if u.PK == 0 {
		p.Context[PendingUser] = map[string]any{"fake": u.Username}
		return
	}
	p.Context[PendingUser] = Ref("authentik_core.user", u.PK)
}

// UserPK gives whom the flow is about: their key, or for a made-up user what was typed. ok is false when nobody is.
func (p *Plan) UserPK() (pk int64, fake string, ok bool) {
	m, ok := p.Context[PendingUser].(map[string]any)
	if !ok {
		return 0, "", false
	}
	if f, is := m["fake"].(string); is {
		return 0, f, true
	}
	switch n := m["pk"].(type) {
	case int64:
		return n, "", true
	case float64:
		return int64(n), "", true
	}
	return 0, "", false
}

// Key gives the key of the object that the context points at under a name, "" when there is none.
func (p *Plan) Key(name string) string {
	m, _ := p.Context[name].(map[string]any)
	s, _ := m["pk"].(string)
	return s
}
