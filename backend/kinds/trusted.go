package kinds

import (
	"context"
	"encoding/json"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/source/oauth"
	"gatehouse/backend/store"
)

// Trusted gives the sources whose JWTs let programs in at the token endpoint: those of kind OAuth, with the keys that they publish.
func Trusted(s *store.Store) func(ctx context.Context, pk string) (*oauth2.Trusted, error) {
	return func(ctx context.Context, pk string) (*oauth2.Trusted, error) {
		o, err := store.Get[oauth.Source](ctx, s, pk)
		if err != nil {
			return nil, err
		}
		out := &oauth2.Trusted{Path: strings.ReplaceAll(o.UserPathTemplate, "%(slug)s", o.Slug), Reference: event.Model(s.KindFor(o), o.PK, o.Name)}
		b, err := json.Marshal(o.JWKS)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &out.Keys); err != nil {
			return nil, fault.Wrap(fault.Invalid, "The keys of the source "+o.Name+" can't be read.", err)
		}
		return out, nil
	}
}
