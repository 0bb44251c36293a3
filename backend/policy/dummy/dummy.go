// Package dummy is the policy that answers what it was told after a while; for trying flows out.
package dummy

import (
	"context"
	"math/rand/v2"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
)

// Policy waits between WaitMin and WaitMax seconds and gives Result.
type Policy struct {
	policy.Base
	Result  bool `json:"result"`
	WaitMin int  `json:"wait_min" default:"5" min:"-2147483648" max:"2147483647" help:"Seconds."`
	WaitMax int  `json:"wait_max" default:"30" min:"-2147483648" max:"2147483647" help:"Seconds."`
}

// Kind is how the house knows this policy.
func Kind(s *store.Store) *kind.Kind {
	return policy.New[Policy](s, kind.Spec{
		Path: "policies/dummy", Model: "authentik_policies_dummy.dummypolicy", Schema: "DummyPolicy",
		Title: "Dummy Policy", Plural: "Dummy Policies", Component: "ak-policy-dummy-form",
		About: "Answer a fixed result after a random time, for trying things out.", Trial: true,
	}, nil)
}

// Validate implements store.Validator.
func (p *Policy) Validate() error {
	if p.WaitMin < 0 || p.WaitMax < p.WaitMin {
		return fault.Field("wait_max", "The longest wait must be at least the shortest, and neither below zero.")
	}
	return nil
}

// Passes implements policy.Policy. It ends early with the context's error.
func (p *Policy) Passes(ctx context.Context, _ *policy.Request) (policy.Result, error) {
	wait := p.WaitMin
	if p.WaitMax > p.WaitMin {
		wait += rand.IntN(p.WaitMax - p.WaitMin)
	}
	timer := time.NewTimer(time.Duration(wait) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return policy.Result{}, ctx.Err()
	}
	return policy.Result{Passing: p.Result, Messages: []string{"dummy"}}, nil
}
