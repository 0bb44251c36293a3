package oauth2

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"

	"gatehouse/backend/application"
	signin "gatehouse/backend/auth"
	"gatehouse/backend/brand"
	"gatehouse/backend/cert"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/user"

	"github.com/go-jose/go-jose/v4"
)

// Room is the provider's work.
type Room struct {
	Store    *store.Store
	Users    *user.Directory
	Sessions *session.Room
	Apps     *application.Room
	Certs    *cert.Room
	Brands   *brand.Room
	Flows    *flow.Engine
	Events   *event.Log
	Host     expr.Host
	May      func(ctx context.Context, a store.Actor, permission, object string) (bool, error)
	Browser  flow.Browser
	Log      *slog.Logger

	// Auth checks app passwords.
	Auth *signin.Room
	// Trusted gives a source whose JWTs let programs in. NotFound when it is none.
	Trusted func(ctx context.Context, pk string) (*Trusted, error)

	// Client asks applications, Tasks keeps how that went.
	Client *http.Client
	Tasks  *task.Room

	once    sync.Once
	ended   chan struct{} // rings when a session may have ended
	telling sync.Mutex    // one round at a time

	found                    found
	devices, guesses, pushes bound
	refused                  refusals
	programs                 sync.Map // username of a program's account -> its key

	// What was read of providers since something changed.
	byClient store.Memo[string, *Provider]
	byKey    store.Memo[int64, *Provider]
	apps     store.Memo[int64, *application.Application] // by provider
	slugs    store.Memo[string, *Provider]               // by the slug of the application
	mappings store.Memo[int64, scopeList]
	signers  store.Memo[int64, *signer]
	docs     store.Memo[string, document]
}

// client finds a provider by its client_id. NotFound when there is none.
func (r *Room) client(ctx context.Context, id string) (*Provider, error) {
	return r.byClient.Get(r.Store, id, func() (*Provider, error) { return store.Find[Provider](ctx, r.Store, "client_id", id) })
}

func (r *Room) byPK(ctx context.Context, pk int64) (*Provider, error) {
	return r.byKey.Get(r.Store, pk, func() (*Provider, error) { return store.Get[Provider](ctx, r.Store, strconv.FormatInt(pk, 10)) })
}

// app gives the application of a provider, nil when it has none.
func (r *Room) app(ctx context.Context, p *Provider) (*application.Application, error) {
	return r.apps.Get(r.Store, p.PK, func() (*application.Application, error) {
		a, err := r.Apps.ForProvider(ctx, p.PK)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		return a, err
	})
}

// bySlug gives the provider of an application. NotFound when the application has none of this kind.
func (r *Room) bySlug(ctx context.Context, slug string) (*Provider, error) {
	return r.slugs.Get(r.Store, slug, func() (*Provider, error) {
		_, p, err := application.Speaking[Provider](ctx, r.Store, slug, "OpenID Connect")
		return p, err
	})
}

// scopes gives the scope mappings of a provider, ordered by scope.
func (r *Room) scopes(ctx context.Context, p *Provider) (scopeList, error) {
	return r.mappings.Get(r.Store, p.PK, func() (scopeList, error) {
		var out scopeList
		for _, pk := range p.PropertyMappings {
			m, err := store.Get[ScopeMapping](ctx, r.Store, pk)
			if fault.Is(err, fault.NotFound) {
				continue // a mapping of another kind
			}
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
		sortScopes(out)
		return out, nil
	})
}

// signer signs the tokens of a provider.
type signer struct {
	alg  jose.SignatureAlgorithm
	of   func(typ string) (jose.Signer, error) // makes one for tokens of a type
	sign jose.Signer                           // for tokens of the type JWT
	own  *curve                                // signs them instead of sign, nil for other keys than those of a curve
	keys jose.JSONWebKeySet                    // to verify with; empty for HS256

	former []jose.JSONWebKey // that signed before and still count
	jwks   []byte            // as served
}
