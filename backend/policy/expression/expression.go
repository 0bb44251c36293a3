// Package expression is the policy that asks an expression.
package expression

import (
	"context"

	"gatehouse/backend/expr"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
)

// Policy passes when its expression is true as Python counts truth; None counts as false.
type Policy struct {
	policy.Base
	Expression string `json:"expression" is:"required" format:"expression"`

	host expr.Host
}

// Kind is how the house knows this policy.
func Kind(s *store.Store, host expr.Host) *kind.Kind {
	return policy.New[Policy](s, kind.Spec{
		Path: "policies/expression", Model: "authentik_policies_expression.expressionpolicy", Schema: "ExpressionPolicy",
		Title: "Expression Policy", Plural: "Expression Policies", Component: "ak-policy-expression-form",
		About: "Decide with an expression.",
	}, func() *Policy { return &Policy{host: host} })
}

// Saving implements store.Saver: the text must be one that the host accepts.
func (p *Policy) Saving(*store.Tx, any) error { return p.host.Check(p.Expression) }

// Passes implements policy.Policy. Messages come from ak_message.
func (p *Policy) Passes(ctx context.Context, r *policy.Request) (policy.Result, error) {
	var messages []string
	v, err := p.host.Run(ctx, p.Name, p.Expression, expr.Vars{
		"request": r, "context": r.Context,
		"ak_message":     func(m string) { messages = append(messages, m) },
		"ak_is_sso_flow": expr.True(r.Context["is_sso"]),
		"ak_client_ip":   r.HTTP.ClientIP,
	})
	if err != nil {
		return policy.Result{}, err
	}
	return policy.Result{Passing: expr.True(v), Messages: messages, Raw: v}, nil
}
