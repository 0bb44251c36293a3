package policy

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// BindingFamily is the shelf of policy bindings.
var BindingFamily = &kind.Family{Name: "policybindings", Param: "policy_binding_uuid", Title: "policy binding"}

// Binding ties one policy, group or user to something that asks before it lets people pass (a flow, a stage of a flow, an application, a source).
type Binding struct {
	PK            string  `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Policy        *string `json:"policy" ref:"policies cascade"`
	Group         *string `json:"group" ref:"groups cascade"`
	User          *int64  `json:"user" ref:"users cascade"`
	PolicyObj     any     `json:"policy_obj" is:"computed,required" schema:"Policy"`
	GroupObj      any     `json:"group_obj" is:"computed,required" schema:"Group"`
	UserObj       any     `json:"user_obj" is:"computed,required" schema:"User"`
	Target        string  `json:"target" is:"required" ref:"pbm cascade" format:"uuid"`
	Negate        bool    `json:"negate" is:"nofilter" help:"Turn the answer around. Messages stay as they are."`
	Enabled       bool    `json:"enabled" default:"true"`
	Order         int     `json:"order" is:"required" min:"-2147483648" max:"2147483647"`
	Timeout       int     `json:"timeout" default:"30" min:"0" max:"2147483647" help:"Seconds after which the policy counts as failed."`
	FailureResult bool    `json:"failure_result" is:"nofilter" help:"What counts when the policy fails."`
}

// Validate implements store.Validator: exactly one of policy, group and user.
func (b *Binding) Validate() error {
	n := 0
	for _, set := range []bool{b.Policy != nil, b.Group != nil, b.User != nil} {
		if set {
			n++
		}
	}
	switch {
	case n > 1:
		return fault.Whole("Only one of 'policy', 'group' or 'user' can be set.")
	case n == 0:
		return fault.Whole("One of 'policy', 'group' or 'user' must be set.")
	}
	return nil
}

// BindingDeps shows what a binding points at, as the rooms of those objects show it.
type BindingDeps struct {
	Store  *store.Store
	Policy func(ctx context.Context, pks []string) (map[string]any, error)
	Group  func(ctx context.Context, pks []string) (map[string]any, error)
	User   func(ctx context.Context, pks []int64) (map[int64]any, error)
}

func bindingKind(d BindingDeps) *kind.Kind {
	return kind.Of[Binding](BindingFamily, kind.Spec{
		Path: "policies/bindings", Model: "authentik_policies.policybinding", Schema: "PolicyBinding", Title: "Policy Binding",
		Order: []string{"target", "order"}, Unique: [][]string{{"policy", "target", "order"}},
		Filters: []kind.Filter{
			{Name: "policy__isnull", Type: "boolean", Where: func(v string, k kind.Dialect) (string, []any, error) {
				b, err := strconv.ParseBool(v)
				if err != nil {
					return "", nil, fault.Field("policy__isnull", "Must be a valid boolean.")
				}
				if b {
					return k.Column("policy") + " IS NULL", nil, nil
				}
				return k.Column("policy") + " IS NOT NULL", nil, nil
			}},
			{Name: "target_in", Type: "array", Format: "uuid", Where: func(v string, k kind.Dialect) (string, []any, error) {
				var args []any
				for pk := range strings.SplitSeq(v, ",") {
					args = append(args, pk)
				}
				return k.Column("target") + " IN (?" + strings.Repeat(", ?", len(args)-1) + ")", args, nil
			}},
		},
		Present: d.present,
	}, nil)
}

func (d BindingDeps) present(ctx context.Context, rows []any, _ url.Values) error {
	var policies, groups []string
	var users []int64
	for _, r := range rows {
		b := r.(*Binding)
		switch {
		case b.Policy != nil:
			policies = append(policies, *b.Policy)
		case b.Group != nil:
			groups = append(groups, *b.Group)
		case b.User != nil:
			users = append(users, *b.User)
		}
	}
	ps, err := d.Policy(ctx, policies)
	if err != nil {
		return err
	}
	gs, err := d.Group(ctx, groups)
	if err != nil {
		return err
	}
	us, err := d.User(ctx, users)
	if err != nil {
		return err
	}
	for _, r := range rows {
		b := r.(*Binding)
		switch {
		case b.Policy != nil:
			b.PolicyObj = ps[*b.Policy]
		case b.Group != nil:
			b.GroupObj = gs[*b.Group]
		case b.User != nil:
			b.UserObj = us[*b.User]
		}
	}
	return nil
}
