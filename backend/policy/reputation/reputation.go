// Package reputation is the policy that asks whether sign-ins from an address or for a name look suspicious, and keeps the scores.
//
//	login_failed  −1 ┐
//	unknown name  −1 ┤
//	login         +1 ┴─▶ score of (identifier, ip) ─▶ sum ≤ threshold: the policy passes
package reputation

import (
	"context"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
)

// Policy passes when the score is the threshold or lower: whoever it lets pass is suspicious.
type Policy struct {
	policy.Base
	CheckIP       bool  `json:"check_ip" default:"true" help:"Count what came from the same address."`
	CheckUsername bool  `json:"check_username" default:"true" help:"Count what was tried with the same name."`
	Threshold     int64 `json:"threshold" default:"-5" min:"-2147483648" max:"2147483647" help:"The policy passes at this score and below. Each failed sign-in takes one away, each that succeeds gives one."`

	s *store.Store
}

// Kind is how the house knows this policy.
func Kind(s *store.Store) *kind.Kind {
	return policy.New(s, kind.Spec{
		Path: "policies/reputation", Model: "authentik_policies_reputation.reputationpolicy", Schema: "ReputationPolicy", Title: "Reputation Policy",
		Plural: "Reputation Policies", Component: "ak-policy-reputation-form", About: "Ask whether sign-ins from an address or for a name look suspicious.",
	}, func() *Policy { return &Policy{s: s} })
}

// Validate implements store.Validator.
func (p *Policy) Validate() error {
	if !p.CheckIP && !p.CheckUsername {
		return fault.Whole("Either IP or Username must be checked")
	}
	return nil
}

// Passes implements policy.Policy.
func (p *Policy) Passes(ctx context.Context, r *policy.Request) (policy.Result, error) {
	where, args := "0 = 1", []any{}
	if p.CheckIP && r.HTTP.ClientIP != "" {
		where, args = where+" OR ip = ?", append(args, r.HTTP.ClientIP)
	}
	if p.CheckUsername && r.User != nil && r.User.Username != "" {
		where, args = where+" OR identifier = ?", append(args, cut(r.User.Username))
	}
	var sum int64
	args = append(args, p.s.Now().UnixMicro())
	err := p.s.DB().QueryRow(ctx, "SELECT coalesce(sum(score), 0) FROM reputation WHERE ("+where+") AND expires > ?", args...).Scan(&sum)
	return policy.Result{Passing: sum <= p.Threshold, Raw: sum}, err
}
