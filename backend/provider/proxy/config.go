package proxy

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// Config is a provider as the outpost that serves it reads it.
type Config struct {
	PK              int64         `json:"pk" is:"readonly"`
	Name            string        `json:"name" is:"required,search"`
	InternalHost    string        `json:"internal_host" is:"computed" format:"uri"`
	ExternalHost    string        `json:"external_host" is:"computed,required" format:"uri"`
	CheckTLS        bool          `json:"internal_host_ssl_validation" is:"computed"`
	ClientID        string        `json:"client_id" is:"computed" max:"255"`
	ClientSecret    string        `json:"client_secret" is:"computed,secret" max:"255"`
	OIDC            Configuration `json:"oidc_configuration" is:"computed,required"`
	CookieSecret    string        `json:"cookie_secret" is:"computed,secret"`
	Certificate     *string       `json:"certificate" is:"computed" format:"uuid"`
	SkipPath        string        `json:"skip_path_regex" is:"computed"`
	BasicAuth       bool          `json:"basic_auth_enabled" is:"computed"`
	BasicPassword   string        `json:"basic_auth_password_attribute" is:"computed"`
	BasicUser       string        `json:"basic_auth_user_attribute" is:"computed"`
	Mode            string        `json:"mode" is:"computed" enum:"proxy,forward_single,forward_domain"`
	CookieDomain    string        `json:"cookie_domain" is:"computed"`
	AccessValidity  *float64      `json:"access_token_validity" is:"computed,required" help:"Seconds."`
	InterceptHeader bool          `json:"intercept_header_auth" is:"computed"`
	Scopes          []string      `json:"scopes_to_request" is:"computed,required"`
	AppSlug         string        `json:"assigned_application_slug" is:"computed,required"`
	AppName         string        `json:"assigned_application_name" is:"computed,required"`
}

// Configuration is the part of the provider's OpenID Connect configuration that an outpost needs.
type Configuration struct {
	Issuer        string   `json:"issuer" is:"required"`
	Authorization string   `json:"authorization_endpoint" is:"required"`
	Token         string   `json:"token_endpoint" is:"required"`
	Userinfo      string   `json:"userinfo_endpoint" is:"required"`
	EndSession    string   `json:"end_session_endpoint" is:"required"`
	Introspection string   `json:"introspection_endpoint" is:"required"`
	JWKS          string   `json:"jwks_uri" is:"required"`
	ResponseTypes []string `json:"response_types_supported" is:"required"`
	IDTokenAlgs   []string `json:"id_token_signing_alg_values_supported" is:"required"`
	SubjectTypes  []string `json:"subject_types_supported" is:"required"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Configuration) SchemaName() string { return "OpenIDConnectConfiguration" }

// configuration gives the addresses of an application under base. Tokens are signed with the client's secret.
func configuration(base, slug string) Configuration {
	of := func(rest string) string { return base + "/application/o/" + rest }
	return Configuration{
		Issuer: of(slug + "/"), Authorization: of("authorize/"), Token: of("token/"), Userinfo: of("userinfo/"), EndSession: of(slug + "/end-session/"), Introspection: of("introspect/"),
		JWKS: of(slug + "/jwks/"), ResponseTypes: []string{"code"}, IDTokenAlgs: []string{"HS256"}, SubjectTypes: []string{"public"}, TokenAuth: []string{"client_secret_post", "client_secret_basic"},
	}
}

var configs = &kind.Family{Name: "outposts proxy", Key: kind.Int, Param: "id", Title: "provider"}

func configKind(s *store.Store, carries func(ctx context.Context, provider int64) (bool, error)) *kind.Kind {
	return kind.Of[Config](configs, kind.Spec{
		Path: "outposts/proxy", Model: Model, Schema: "ProxyOutpostConfig", Title: "Proxy Provider", Verbs: kind.List | kind.Retrieve, View: true,
		Where: provider.Serving(false), Order: []string{"name"}, By: []string{"name"}, Present: present(s),
		Reveal: func(ctx context.Context, obj any) (bool, error) { return carries(ctx, obj.(*Config).PK) },
	}, nil)
}

func present(s *store.Store) func(ctx context.Context, rows []any, query url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		apps, err := provider.Applications(ctx, s, false)
		if err != nil {
			return err
		}
		for _, r := range rows {
			c := r.(*Config)
			p, err := store.Get[Provider](ctx, s, strconv.FormatInt(c.PK, 10))
			if err != nil {
				return err
			}
			app := apps[strconv.FormatInt(c.PK, 10)]
			validity := span.Must(p.AccessValidity).Seconds()
			c.InternalHost, c.ExternalHost, c.CheckTLS, c.ClientID, c.ClientSecret = p.InternalHost, p.ExternalHost, p.CheckTLS, p.ClientID, p.ClientSecret
			c.OIDC, c.CookieSecret, c.Certificate, c.SkipPath = configuration(provider.Address(ctx), app.Slug), p.CookieSecret, p.Certificate, p.SkipPath
			c.BasicAuth, c.BasicPassword, c.BasicUser, c.Mode, c.CookieDomain = p.BasicAuth, p.BasicPassword, p.BasicUser, p.Mode, p.CookieDomain
			c.AccessValidity, c.InterceptHeader, c.AppSlug, c.AppName = &validity, p.InterceptHeader, app.Slug, app.Name
			if c.Scopes, err = scopeNames(ctx, s, p.PropertyMappings); err != nil {
				return err
			}
		}
		return nil
	}
}

// scopeNames gives the scopes of scope mappings, each once.
func scopeNames(ctx context.Context, s *store.Store, mappings []string) ([]string, error) {
	if len(mappings) == 0 { // an empty list of keys would ask for all
		return []string{}, nil
	}
	k := s.Kind("authentik_providers_oauth2.scopemapping")
	page, err := s.List(ctx, k, store.Query{PKs: mappings, Order: []string{"scope_name"}})
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, m := range page.Rows {
		if name := k.Value(m, k.Field("scope_name")).String(); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}
