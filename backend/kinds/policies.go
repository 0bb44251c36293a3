package kinds

import (
	"context"

	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/dummy"
	"gatehouse/backend/policy/eventmatcher"
	"gatehouse/backend/policy/expiry"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/policy/password"
	"gatehouse/backend/policy/reputation"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Policies are what may decide who passes.
func Policies(r Rooms) []*kind.Kind {
	deps := policy.Deps{Store: r.Store, Users: r.Users, Engine: r.Policies, Binds: policy.BindingDeps{
		Store: r.Store, Policy: shown(r, policy.Family.Name),
		Group: func(ctx context.Context, pks []string) (map[string]any, error) {
			out := map[string]any{}
			for _, pk := range pks {
				out[pk] = nil
			}
			return out, user.ShowGroups(ctx, r.Users, out)
		},
		User: func(ctx context.Context, pks []int64) (map[int64]any, error) {
			out := map[int64]any{}
			for _, pk := range pks {
				out[pk] = nil
			}
			return out, user.Show(ctx, r.Users, out)
		},
	}}
	return append(policy.Kinds(deps),
		dummy.Kind(r.Store),
		eventmatcher.Kind(r.Store),
		expiry.Kind(expiry.Deps{Store: r.Store, Users: r.Users}),
		expression.Kind(r.Store, r.Host),
		password.Kind(password.Deps{Store: r.Store, Client: r.Client, Brand: func(ctx context.Context) (string, error) {
			b, err := r.Brands.For(ctx, store.ActorOf(ctx).HTTP.Host)
			if err != nil {
				return "", err
			}
			return b.Title, nil
		}}),
		reputation.Kind(r.Store),
		reputation.Scores(r.Geo),
	)
}
