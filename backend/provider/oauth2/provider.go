// Package oauth2 is the provider that speaks OpenID Connect and OAuth 2.0 with applications.
//
//	browser ─▶ authorize ─▶ (sign in) ─▶ policies ─▶ authorization flow ─▶ code ─▶ redirect
//	client  ─▶ token(code, refresh) ─▶ access token + ID token ─▶ userinfo, introspect, revoke
//	browser ─▶ end-session
//
// Routing and parsing of the client's endpoints are github.com/zitadel/oidc's (op.RegisterServer) over a server of our own; the
// authorization endpoint and the minting of tokens are ours (libraries.md A4 lists why).
package oauth2

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// Model is the published name of this provider.
const Model = "authentik_providers_oauth2.oauth2provider"

// Provider is what an application needs to speak OpenID Connect with Gatehouse.
type Provider struct {
	provider.Base
	ClientType      string   `json:"client_type" enum:"confidential,public" default:"confidential" help:"A confidential client keeps a secret on a server; a public one (an app, a page) can't."`
	ClientID        string   `json:"client_id" is:"unique" max:"255"`
	ClientSecret    string   `json:"client_secret" is:"secret,raw,blank,nofilter" max:"255"`
	CodeValidity    string   `json:"access_code_validity" format:"duration" default:"minutes=1" group:"advanced" help:"How long a code may take from the browser to the application."`
	AccessValidity  string   `json:"access_token_validity" format:"duration" default:"hours=1" group:"advanced"`
	RefreshValidity string   `json:"refresh_token_validity" format:"duration" default:"days=30" group:"advanced"`
	ClaimsInIDToken bool     `json:"include_claims_in_id_token" default:"true" group:"advanced" help:"Put what the application learns about people into the ID token, for applications that don't ask userinfo."`
	SigningKey      *string  `json:"signing_key" ref:"keypairs protect" format:"uuid" help:"The certificate whose key signs tokens. Empty: the client secret signs them (HS256)."`
	RedirectURIs    string   `json:"redirect_uris" is:"blank" help:"The addresses that people are sent back to, one a line."`
	SubMode         string   `json:"sub_mode" enum:"hashed_user_id,user_id,user_uuid,user_username,user_email,user_upn" default:"hashed_user_id" group:"advanced" help:"By what the application knows a person."`
	IssuerMode      string   `json:"issuer_mode" enum:"global,per_provider" default:"per_provider" group:"advanced"`
	JWKSSources     []string `json:"jwks_sources" is:"nofilter" ref:"sources" format:"uuid" group:"advanced"`

	// Former holds the keys that signed before and are published until the last token that they signed has ended: "<key> <microseconds>",
	// one after the other.
	Former string `json:"former_keys" is:"hidden"`

	LogoutURI     string `json:"backchannel_logout_uri" is:"hidden"` // see Beyond
	LogoutSession bool   `json:"backchannel_logout_session_required" is:"hidden"`
	OnlyPushed    bool   `json:"require_pushed_authorization_requests" is:"hidden"`
	DPoPBound     bool   `json:"dpop_bound_access_tokens" is:"hidden"`
	DPoPNonce     bool   `json:"dpop_nonce_required" is:"hidden"`
	Resources     string `json:"resources" is:"hidden"`

	RegisteredBy string `json:"registration_token" is:"hidden"` // hash of the token of a client that registered itself
	Described    string `json:"registration" is:"hidden"`       // what it said of itself
}

// SetupURLs are the addresses that the other side asks for.
type SetupURLs struct {
	Issuer       *string `json:"issuer" is:"required,readonly,notnull"`
	Authorize    string  `json:"authorize" is:"required,readonly"`
	Token        string  `json:"token" is:"required,readonly"`
	UserInfo     string  `json:"user_info" is:"required,readonly"`
	ProviderInfo *string `json:"provider_info" is:"required,readonly,notnull"`
	Logout       *string `json:"logout" is:"required,readonly,notnull"`
	JWKS         *string `json:"jwks" is:"required,readonly,notnull"`
}

// SchemaName implements kind.SchemaNamer.
func (SetupURLs) SchemaName() string { return "OAuth2ProviderSetupURLs" }

// Preview shows what a person's ID token would hold.
type Preview struct {
	Preview map[string]any `json:"preview" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Preview) SchemaName() string { return "PropertyMappingPreview" }

// Kinds describes the provider and its scope mappings.
func (r *Room) Kinds() []*kind.Kind {
	urls := kind.Detail("GET", "setup_urls", "view", func(ctx context.Context, c *kind.Call, _ *kind.None) (SetupURLs, error) {
		out, err := r.SetupURLs(ctx, c.Object.(*Provider), base(ctx))
		if err == nil && out.Issuer == nil { // the addresses are those of the application
			err = fault.New(fault.NotFound, "Provider has no application assigned")
		}
		return out, err
	})
	urls.Answers = map[int]string{404: "The provider belongs to no application."}
	preview := kind.Detail("GET", "preview_user", "view", r.preview)
	preview.Query = []kind.Param{{Name: "for_user", Type: "integer"}}
	return append([]*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/oauth2", Model: Model, Schema: "OAuth2Provider", Title: "OAuth2/OpenID Provider", Component: "ak-provider-oauth2-form",
			About: "Let an application sign people in by OpenID Connect or OAuth 2.0.", Order: []string{"name"}, Present: provider.Present(r.Store),
			Actions: []kind.Action{urls, preview},
			Filters: []kind.Filter{{Name: "application", Type: "string", Format: "uuid", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				return "o.pk IN (SELECT dst FROM ref WHERE family = 'providers' AND field = 'provider' AND src = ?)", []any{v}, nil
			}}},
		}, nil),
		r.scopeKind(),
	}, r.recordKinds()...)
}

// LaunchURL implements provider.Launcher: the first registered address without its path (protocols.md 1.1).
func (p *Provider) LaunchURL(context.Context, string) string {
	for _, line := range strings.Fields(p.RedirectURIs) {
		u, err := url.Parse(line)
		if err != nil || isPattern(line) || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		u.Path, u.RawPath = "", ""
		return u.String()
	}
	return ""
}

// Saving implements store.Saver: it gives a new client its id and secret.
func (p *Provider) Saving(tx *store.Tx, old any) error {
	before, _ := old.(*Provider)
	if before != nil {
		p.retire(before, tx.Now)
	}
	if p.ClientID == "" {
		if before != nil {
			p.ClientID = before.ClientID
		} else {
			p.ClientID = crypt.ID(40)
		}
	}
	if p.ClientSecret == "" && before == nil {
		p.ClientSecret = crypt.ID(128)
	}
	return nil
}

// retire notes the key that signed before a change; one that signs again is no former one.
func (p *Provider) retire(before *Provider, now time.Time) {
	var keep []string
	for key, until := range before.former(now) {
		if p.SigningKey == nil || key != *p.SigningKey {
			keep = append(keep, key, strconv.FormatInt(until.UnixMicro(), 10))
		}
	}
	if k := before.SigningKey; k != nil && (p.SigningKey == nil || *p.SigningKey != *k) {
		life, err := span.Parse(before.AccessValidity)
		if err != nil {
			life = time.Hour
		}
		keep = append(keep, *k, strconv.FormatInt(now.Add(life).UnixMicro(), 10))
	}
	p.Former = strings.Join(keep, " ")
}

// former gives the keys that signed before and how long they count, those whose time is over left out.
func (p *Provider) former(now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	parts := strings.Fields(p.Former)
	for i := 0; i+1 < len(parts); i += 2 {
		if n, err := strconv.ParseInt(parts[i+1], 10, 64); err == nil && now.Before(time.UnixMicro(n)) {
			out[parts[i]] = time.UnixMicro(n)
		}
	}
	return out
}

// Validate implements store.Validator.
func (p *Provider) Validate() error {
	var bad fault.Fields
	if _, err := checkRedirects(p.RedirectURIs); err != nil {
		if e := bad.Merge(err); e != nil {
			return e
		}
	}
	for name, v := range map[string]string{"access_code_validity": p.CodeValidity, "access_token_validity": p.AccessValidity, "refresh_token_validity": p.RefreshValidity} {
		d, err := span.Parse(v)
		if err != nil {
			bad.Add(name, fault.As(err).Say)
		} else if d <= 0 {
			bad.Add(name, "The time has to be longer than zero.")
		}
	}
	return bad.Err()
}

// Deleting implements store.Deleter: what was given to the client goes with it.
func (p *Provider) Deleting(tx *store.Tx) error {
	for _, table := range []string{"oauth_codes", "oauth_tokens", "oauth_devices", "oauth_logins", "oauth_pushed", "oauth_refusals"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE provider = ?`, p.PK); err != nil {
			return err
		}
	}
	return nil
}

// Warnings tells what works and may let in too much.
func (p *Provider) Warnings() []string {
	w, err := checkRedirects(p.RedirectURIs)
	if err != nil {
		return []string{fault.As(err).Say}
	}
	if strings.TrimSpace(p.RedirectURIs) == "" {
		w = append(w, "No address to come back to is registered yet, so nobody can sign in.")
	}
	return w
}

// base is scheme and host that the caller uses.
func base(ctx context.Context) string {
	h := store.ActorOf(ctx).HTTP
	return h.Scheme + "://" + h.Host
}

// SetupURLs gives the addresses of a provider under base ("https://login.office.lan:9443").
func (r *Room) SetupURLs(ctx context.Context, p *Provider, base string) (SetupURLs, error) {
	out := SetupURLs{Authorize: base + "/application/o/authorize/", Token: base + "/application/o/token/", UserInfo: base + "/application/o/userinfo/"}
	app, err := r.app(ctx, p)
	if err != nil {
		return out, err
	}
	if app == nil {
		return out, nil
	}
	of := func(rest string) *string {
		s := base + "/application/o/" + app.Slug + "/" + rest
		return &s
	}
	iss := issuer(p, app.Slug, base)
	out.Issuer, out.ProviderInfo, out.Logout, out.JWKS = &iss, of(".well-known/openid-configuration"), of("end-session/"), of("jwks/")
	return out, nil
}

// issuer is the name under which tokens of a provider are signed.
func issuer(p *Provider, slug, base string) string {
	if p.IssuerMode == "global" {
		return base + "/"
	}
	return base + "/application/o/" + slug + "/"
}

func (r *Room) preview(ctx context.Context, c *kind.Call, _ *kind.None) (Preview, error) {
	p := c.Object.(*Provider)
	actor := store.ActorOf(ctx)
	pk := actor.UserPK
	if v := c.Query.Get("for_user"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return Preview{}, fault.Field("for_user", "input must be numerical")
		}
		ok, err := r.May(ctx, actor, "authentik_core.preview_user", v)
		if err != nil {
			return Preview{}, err
		}
		if !ok && n != pk {
			return Preview{}, fault.Field("for_user", "User not found")
		}
		pk = n
	}
	u, err := r.Users.ByPK(ctx, pk)
	if err != nil {
		return Preview{}, fault.Field("for_user", "User not found")
	}
	app, err := r.app(ctx, p)
	if err != nil {
		return Preview{}, err
	}
	slug := ""
	if app != nil {
		slug = app.Slug
	}
	scopes, err := r.scopes(ctx, p)
	if err != nil {
		return Preview{}, err
	}
	now := r.Store.Now()
	g := &grant{User: u.PK, Scope: scopes.names(), Auth: auth{Time: now}, preview: true}
	claims, err := r.claims(ctx, p, slug, base(ctx), g, u, now, now.Add(span.Must(p.AccessValidity)))
	return Preview{claims}, err
}
