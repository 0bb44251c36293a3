// Package proxy is the provider that stands in front of an application that can't sign people in by itself.
package proxy

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// Model is the published name of this provider.
const Model = "authentik_providers_proxy.proxyprovider"

// The modes on the wire.
const (
	Forward       = "proxy"          // requests go through Gatehouse
	ForwardSingle = "forward_single" // another proxy asks Gatehouse, for one application
	ForwardDomain = "forward_domain" // the same for every application below a domain
)

// Provider is what stands in front of an application.
type Provider struct {
	provider.Base
	ClientID        string  `json:"client_id" is:"readonly,required,unique"`
	InternalHost    string  `json:"internal_host" is:"blank" format:"uri" help:"Where requests are passed on to."`
	ExternalHost    string  `json:"external_host" is:"required" format:"uri" help:"The address that people open."`
	CheckTLS        bool    `json:"internal_host_ssl_validation" default:"true" group:"advanced" help:"Refuse the inner address when its certificate is not good."`
	Certificate     *string `json:"certificate" ref:"keypairs set_null" format:"uuid" group:"advanced" help:"The certificate for the outer address."`
	SkipPath        string  `json:"skip_path_regex" is:"blank" group:"advanced" help:"Patterns of paths that anybody may open, one a line."`
	BasicAuth       bool    `json:"basic_auth_enabled" group:"advanced" help:"Sign people in at the application with a name and password of their own."`
	BasicPassword   string  `json:"basic_auth_password_attribute" is:"blank" group:"advanced" help:"The attribute of a person or group that holds the password for it."`
	BasicUser       string  `json:"basic_auth_user_attribute" is:"blank" group:"advanced" help:"The attribute that holds the name for it."`
	Mode            string  `json:"mode" enum:"proxy,forward_single,forward_domain" default:"proxy" help:"Whether requests go through Gatehouse or another proxy asks it."`
	InterceptHeader bool    `json:"intercept_header_auth" default:"true" group:"advanced" help:"Take a name and password, or a token, that a program sends along."`
	RedirectURIs    string  `json:"redirect_uris" is:"readonly,required"`
	CookieDomain    string  `json:"cookie_domain" is:"blank" group:"advanced" help:"The domain whose applications share a sign-in."`

	JWKSSources     []string `json:"jwks_sources" ref:"sources" format:"uuid" group:"advanced" help:"Sources whose tokens programs may sign in with."`
	AccessValidity  string   `json:"access_token_validity" format:"duration" default:"hours=24" group:"advanced" help:"How long a sign-in lasts."`
	RefreshValidity string   `json:"refresh_token_validity" format:"duration" default:"days=30" group:"advanced" help:"How long a refresh token lasts."`
	provider.Carried

	ClientSecret string `json:"client_secret" is:"hidden,secret"`
	CookieSecret string `json:"cookie_secret" is:"hidden,secret"`
}

// LaunchURL implements provider.Launcher.
func (p *Provider) LaunchURL(context.Context, string) string { return p.ExternalHost }

// scopes are the managed scope mappings that every provider has.
var scopes = []string{
	"goauthentik.io/providers/oauth2/scope-openid", "goauthentik.io/providers/oauth2/scope-profile", "goauthentik.io/providers/oauth2/scope-email", "goauthentik.io/providers/proxy/scope-proxy",
}

// Saving implements store.Saver: what the protocol needs follows from the outer address (protocols.md 6.1).
func (p *Provider) Saving(tx *store.Tx, _ any) error {
	if p.ClientID == "" {
		p.ClientID = crypt.ID(40)
	}
	if p.ClientSecret == "" {
		p.ClientSecret = crypt.ID(128)
	}
	if p.CookieSecret == "" {
		p.CookieSecret = crypt.ID(32)
	}
	host := strings.TrimRight(p.ExternalHost, "/")
	p.RedirectURIs = regexp.QuoteMeta(host+"/outpost.goauthentik.io/callback?X-authentik-auth-callback=true") + "\n" + regexp.QuoteMeta(host+"?X-authentik-auth-callback=true")
	rows, err := tx.Query(`SELECT pk FROM object WHERE family = 'propertymappings' AND managed IN (?, ?, ?, ?) ORDER BY name`, scopes[0], scopes[1], scopes[2], scopes[3])
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var pk string
		if err := rows.Scan(&pk); err != nil {
			return err
		}
		if !slices.Contains(p.PropertyMappings, pk) {
			p.PropertyMappings = append(p.PropertyMappings, pk)
		}
	}
	return rows.Err()
}

// Validate implements store.Validator.
func (p *Provider) Validate() error {
	var bad fault.Fields
	if p.Mode == Forward && p.InternalHost == "" {
		bad.Add("internal_host", "Internal host cannot be empty when forward auth is disabled.")
	}
	if p.BasicAuth && (p.BasicUser == "" || p.BasicPassword == "") {
		bad.Add(fault.NonField, "User and password attributes must be set when basic auth is enabled.")
	}
	for _, h := range [...]struct{ field, value string }{{"internal_host", p.InternalHost}, {"external_host", p.ExternalHost}} {
		if h.value != "" && !strings.HasPrefix(h.value, "http://") && !strings.HasPrefix(h.value, "https://") {
			bad.Add(h.field, "Enter a valid URL.")
		}
	}
	for line := range strings.Lines(p.SkipPath) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if _, err := regexp.Compile(line); err != nil {
			bad.Add("skip_path_regex", "This is no pattern: "+line)
		}
	}
	for _, d := range [...]struct{ field, value string }{{"access_token_validity", p.AccessValidity}, {"refresh_token_validity", p.RefreshValidity}} {
		if v, err := span.Parse(d.value); err != nil {
			bad.Add(d.field, fault.As(err).Say)
		} else if v <= 0 {
			bad.Add(d.field, "The time has to be longer than zero.")
		}
	}
	return bad.Err()
}

// Kinds describes the provider and what its outposts read. carries says whether the caller is an outpost that serves a provider.
func Kinds(s *store.Store, carries func(ctx context.Context, provider int64) (bool, error)) []*kind.Kind {
	filters := append(provider.Certificate(), provider.Unassigned(), provider.FlowSlug(),
		kind.IExact("basic_auth_enabled", "boolean"), kind.IExact("internal_host_ssl_validation", "boolean"), kind.ListIs("property_mappings__iexact", "property_mappings", "string"))
	for _, name := range []string{"basic_auth_password_attribute", "basic_auth_user_attribute", "cookie_domain", "external_host", "internal_host", "mode", "name", "redirect_uris", "skip_path_regex"} {
		filters = append(filters, kind.IExact(name, "string"))
	}
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/proxy", Model: Model, Schema: "ProxyProvider", Title: "Proxy Provider", Component: "ak-provider-proxy-form",
			About: "Stand in front of an application that can't sign people in by itself.", Order: []string{"name"}, By: []string{}, Filters: filters, Present: provider.Present(s),
		}, nil),
		configKind(s, carries),
	}
}
