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
	res, err := p.host.Run(ctx, expr.Call{Use: expr.Policy, Name: p.Name, Text: p.Expression, Vars: expr.Vars{"request": r}, Dry: r.Debug})
	out := policy.Result{Passing: err == nil && res.True, Messages: res.Messages, Raw: res.Value}
	for _, l := range res.Log {
		out.Logs = append(out.Logs, policy.LogEvent{Timestamp: l.Time, LogLevel: l.Level, Logger: p.Name, Event: l.Text, Attributes: l.Attributes})
	}
	return out, err
}

// ExpressionUse says what the expression is for.
func (p *Policy) ExpressionUse() expr.Use { return expr.Policy }

// ExpressionNames are the variables of this kind besides the common ones: none.
func (p *Policy) ExpressionNames() []expr.Name { return nil }
