// Package expiry is the policy that asks whether a password is not too old.
package expiry

import (
	"context"
	"fmt"
	"time"

	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Policy passes while the password is younger than Days.
type Policy struct {
	policy.Base
	Days     int64 `json:"days" is:"required" min:"-2147483648" max:"2147483647" help:"After how many days a password is too old."`
	DenyOnly bool  `json:"deny_only" help:"Only refuse. Otherwise the old password is taken away, and the person needs a new one."`

	d *Deps
}

// Deps is what the policy needs.
type Deps struct {
	Store *store.Store
	Users *user.Directory
}

// Kind is how the house knows this policy.
func Kind(d Deps) *kind.Kind {
	return policy.New(d.Store, kind.Spec{
		Path: "policies/password_expiry", Model: "authentik_policies_expiry.passwordexpirypolicy", Schema: "PasswordExpiryPolicy", Title: "Password Expiry Policy",
		Plural: "Password Expiry Policies", Component: "ak-policy-password-expiry-form", About: "Ask whether the person's password is not too old.",
	}, func() *Policy { return &Policy{d: &d} })
}

// Passes implements policy.Policy. Who has no account here has no old password either.
func (p *Policy) Passes(ctx context.Context, r *policy.Request) (policy.Result, error) {
	if r.User == nil || r.User.PK == 0 {
		return policy.Result{Passing: true}, nil
	}
	since := r.User.DateJoined
	if r.User.PasswordChange != nil {
		since = *r.User.PasswordChange
	}
	over := int64(p.d.Store.Now().Sub(since)/(24*time.Hour)) - p.Days
	if over < 0 {
		return policy.Result{Passing: true}, nil
	}
	if p.DenyOnly {
		return policy.Result{Messages: []string{"Password has expired."}}, nil
	}
	if !r.Debug && r.User.Usable() {
		u := *r.User
		if err := p.d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return p.d.Users.MakeUnusable(tx, &u) }); err != nil {
			return policy.Result{}, err
		}
	}
	return policy.Result{Messages: []string{fmt.Sprintf("Password expired %d days ago. Please update your password.", over)}}, nil
}
