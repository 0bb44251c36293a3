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

// Browser is what the door does for pages of a protocol.
type Browser interface {
	// Cookie sets the cookie of a session that began.
	Cookie(w http.ResponseWriter, r *http.Request, s *session.Session, key string)
	// EndCookie takes the cookie away.
	EndCookie(w http.ResponseWriter, r *http.Request)
	// Problem shows a page that says what is wrong with a request, in the words of the table under key.
	Problem(w http.ResponseWriter, r *http.Request, status int, key, detail string)
	// Denied shows that a person may not use an application.
	Denied(w http.ResponseWriter, r *http.Request, app string, messages []string)
	// Outcome does what a flow's outcome says: cookies, and the page or address it leads to.
	Outcome(w http.ResponseWriter, r *http.Request, o flow.Outcome, query string)
}

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
	Browser  Browser
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

	mu    sync.Mutex
	gen   uint64
	cache *snapshot
}

// snapshot is what was read of providers since something changed.
type snapshot struct {
	mu       sync.Mutex
	byClient map[string]*Provider
	byPK     map[int64]*Provider
	apps     map[int64]*application.Application
	bySlug   map[string]*Provider
	scopes   map[int64]scopeList
	signers  map[int64]*signer
	docs     map[string]document
}

// snap gives the snapshot of now.
func (r *Room) snap() *snapshot {
	gen := r.Store.Generation()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil || r.gen != gen {
		r.gen, r.cache = gen, &snapshot{
			byClient: map[string]*Provider{}, byPK: map[int64]*Provider{}, apps: map[int64]*application.Application{}, bySlug: map[string]*Provider{},
			scopes: map[int64]scopeList{}, signers: map[int64]*signer{}, docs: map[string]document{},
		}
	}
	return r.cache
}

// remembered gives what is kept under a key, or reads and keeps it. An error is not kept.
func remembered[K comparable, V any](s *snapshot, m map[K]V, key K, read func() (V, error)) (V, error) {
	s.mu.Lock()
	v, ok := m[key]
	s.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(m) > 10_000 {
		clear(m)
	}
	m[key] = v
	return v, nil
}

// client finds a provider by its client_id. NotFound when there is none.
func (r *Room) client(ctx context.Context, id string) (*Provider, error) {
	s := r.snap()
	return remembered(s, s.byClient, id, func() (*Provider, error) { return store.Find[Provider](ctx, r.Store, "client_id", id) })
}

func (r *Room) byPK(ctx context.Context, pk int64) (*Provider, error) {
	s := r.snap()
	return remembered(s, s.byPK, pk, func() (*Provider, error) { return store.Get[Provider](ctx, r.Store, strconv.FormatInt(pk, 10)) })
}

// app gives the application of a provider, nil when it has none.
func (r *Room) app(ctx context.Context, p *Provider) (*application.Application, error) {
	s := r.snap()
	return remembered(s, s.apps, p.PK, func() (*application.Application, error) {
		a, err := r.Apps.ForProvider(ctx, p.PK)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		return a, err
	})
}

// bySlug gives the provider of an application. NotFound when the application has none of this kind.
func (r *Room) bySlug(ctx context.Context, slug string) (*Provider, error) {
	s := r.snap()
	return remembered(s, s.bySlug, slug, func() (*Provider, error) {
		a, err := store.Find[application.Application](ctx, r.Store, "slug", slug)
		if err != nil {
			return nil, err
		}
		if a.Provider == nil {
			return nil, fault.New(fault.NotFound, "This application does not speak OpenID Connect.")
		}
		return store.Get[Provider](ctx, r.Store, strconv.FormatInt(*a.Provider, 10))
	})
}

// scopes gives the scope mappings of a provider, ordered by scope.
func (r *Room) scopes(ctx context.Context, p *Provider) (scopeList, error) {
	s := r.snap()
	return remembered(s, s.scopes, p.PK, func() (scopeList, error) {
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
