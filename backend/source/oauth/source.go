// Package oauth is the source of people who have an account elsewhere and show it by OAuth 2.0 or OpenID Connect.
package oauth

import (
	"context"
	"net/url"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// Model is the published name of this source.
const Model = "authentik_sources_oauth.oauthsource"

// Source is a place where people have accounts.
type Source struct {
	source.Base
	ProviderType     string         `json:"provider_type" is:"required" enum:"apple,openidconnect,azuread,discord,facebook,github,gitlab,google,mailcow,okta,patreon,reddit,twitch,twitter" help:"Where the accounts are."`
	RequestTokenURL  *string        `json:"request_token_url" is:"blank" max:"255" group:"advanced" help:"For OAuth 1 only: where a token for the request comes from."`
	AuthorizationURL *string        `json:"authorization_url" is:"blank" max:"255" help:"Where people are sent to sign in."`
	AccessTokenURL   *string        `json:"access_token_url" is:"blank" max:"255" help:"Where Gatehouse turns the answer into a token."`
	ProfileURL       *string        `json:"profile_url" is:"blank" max:"255" help:"Where Gatehouse asks who signed in."`
	ConsumerKey      string         `json:"consumer_key" is:"required" help:"The client ID that was given out for Gatehouse."`
	ConsumerSecret   string         `json:"consumer_secret" is:"required,writeonly,secret,raw" help:"The client secret."`
	CallbackURL      string         `json:"callback_url" is:"computed,required"`
	AdditionalScopes string         `json:"additional_scopes" is:"blank" group:"advanced" help:"Further scopes with spaces between them; an asterisk in front leaves out the usual ones."`
	Type             SourceType     `json:"type" is:"computed,required"`
	WellKnownURL     string         `json:"oidc_well_known_url" is:"blank" group:"advanced" help:"The OpenID Connect configuration of the other side."`
	JWKSURL          string         `json:"oidc_jwks_url" is:"blank" group:"advanced" help:"The keys of the other side."`
	JWKS             map[string]any `json:"oidc_jwks" type:"any" group:"advanced" help:"The keys themselves."`
}

// UserSettings implements source.Connectable.
func (s *Source) UserSettings() (component, configure string) {
	return "ak-user-settings-source-oauth", "/source/oauth/login/" + s.Slug + "/"
}

// Validate implements store.Validator: a kind of accounts without addresses of its own has to be told all three.
func (s *Source) Validate() error {
	var bad fault.Fields
	if err := bad.Merge(s.Base.Validate()); err != nil {
		return err
	}
	t := typeOf(s.ProviderType)
	for _, a := range []struct {
		field      string
		own, usual *string
	}{{"authorization_url", s.AuthorizationURL, t.Authorization}, {"access_token_url", s.AccessTokenURL, t.AccessToken}, {"profile_url", s.ProfileURL, t.Profile}} {
		if t.Customizable && a.usual == nil && (a.own == nil || *a.own == "") && s.WellKnownURL == "" {
			bad.Add(fault.NonField, a.field+" is required for provider "+t.VerboseName)
		}
		if a.own != nil && *a.own != "" && !web(*a.own) {
			bad.Add(a.field, "Enter a valid URL.")
		}
	}
	for _, a := range [...]struct{ field, value string }{{"oidc_well_known_url", s.WellKnownURL}, {"oidc_jwks_url", s.JWKSURL}} {
		if a.value != "" && !web(a.value) {
			bad.Add(a.field, "Enter a valid URL.")
		}
	}
	return bad.Err()
}

func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// Connection says which account belongs to whom.
type Connection struct {
	source.Link
	User        int64   `json:"user" is:"required" ref:"users cascade"`
	AccessToken *string `json:"access_token" is:"writeonly,secret,raw,blank"`
}

// Own implements arrival.Made.
func (c *Connection) Own(user int64, secret string) { c.User, c.AccessToken = user, &secret }

// LoginPath implements source.Enterable.
func (s *Source) LoginPath() string { return "/source/oauth/login/" + s.Slug + "/" }

// connection is the published name of a connection.
const connection = "authentik_sources_oauth.useroauthsourceconnection"

// Saving implements store.Saver.
func (c *Connection) Saving(tx *store.Tx, old any) error {
	if before, ok := old.(*Connection); ok {
		return c.Keep(tx, connection, Model, &c.User, before.User, &before.Link)
	}
	return c.Keep(tx, connection, Model, &c.User, 0, nil)
}

// Kinds describes the source and its connections.
func Kinds(s *store.Store) []*kind.Kind {
	list := kind.Collection("GET", "source_types", "", func(_ context.Context, c *kind.Call, _ *kind.None) ([]SourceType, error) {
		if name := c.Query.Get("name"); name != "" {
			return []SourceType{typeOf(name)}, nil
		}
		return types, nil
	})
	list.Access, list.Operation, list.Query = kind.SignedIn, "sources_oauth_source_types_list", []kind.Param{{Name: "name", Type: "string"}}
	var variants []kind.Variant
	for _, t := range types {
		title := t.VerboseName
		if t.Name == "openidconnect" {
			title = "OpenID"
		}
		variants = append(variants, kind.Variant{Title: title + " OAuth Source", About: "Sign in with an account at " + t.VerboseName + ".", ModelName: strings.ToLower(t.Name) + "oauthsource"})
	}
	return []*kind.Kind{
		kind.Of[Source](source.Family, kind.Spec{
			Path: "sources/oauth", Model: Model, Schema: "OAuthSource", Title: "OAuth Source", Component: "ak-source-oauth-form", Variants: variants,
			About: "Sign in with an account elsewhere by OAuth 2.0 or OpenID Connect.", Order: []string{"name"}, Present: present, Actions: []kind.Action{list},
			By: []string{
				"access_token_url", "additional_scopes", "authentication_flow", "authorization_url", "consumer_key", "enabled", "enrollment_flow", "name", "policy_engine_mode", "profile_url", "request_token_url", "slug",
				"user_matching_mode",
			},
			Filters: []kind.Filter{kind.Is("provider_type"), {Name: "has_jwks", Type: "boolean", Where: func(v string, d kind.Dialect) (string, []any, error) {
				has, err := kind.Bool("has_jwks", v)
				if err != nil {
					return "", nil, err
				}
				if has {
					return d.JSON("oidc_jwks", "keys") + " IS NOT NULL", nil, nil
				}
				return d.JSON("oidc_jwks", "keys") + " IS NULL", nil, nil
			}}},
		}, nil),
		kind.Of[Connection](source.Connections, source.ConnectionSpec(s, kind.Spec{
			Path: "sources/user_connections/oauth", Model: connection, Schema: "UserOAuthSourceConnection", Title: "User OAuth Source Connection",
		}), nil),
	}
}

func present(ctx context.Context, rows []any, query url.Values) error {
	for _, row := range rows {
		s := row.(*Source)
		s.Type, s.CallbackURL = typeOf(s.ProviderType), source.Address(ctx)+"/source/oauth/callback/"+s.Slug+"/"
	}
	return source.Present(ctx, rows, query)
}
