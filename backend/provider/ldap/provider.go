// Package ldap is the provider that lets applications read people and groups, and sign people in, by LDAP.
package ldap

import (
	"context"
	"net/url"
	"strconv"

	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
)

// Model is the published name of this provider.
const Model = "authentik_providers_ldap.ldapprovider"

// Provider is a directory that an application may ask. Its authorization flow is the one that a bind runs.
type Provider struct {
	provider.Base
	BaseDN      string  `json:"base_dn" default:"DC=ldap,DC=goauthentik,DC=io" help:"What all names in the directory end with; each provider should have its own."`
	SearchGroup *string `json:"search_group" ref:"groups set_default" format:"uuid" help:"Members may search everybody; others see themselves only."`
	Certificate *string `json:"certificate" ref:"keypairs set_null" format:"uuid" group:"advanced" help:"The certificate for LDAPS and StartTLS. Empty: one that Gatehouse makes."`
	ServerName  string  `json:"tls_server_name" is:"blank" group:"advanced" help:"The name by which clients that use this certificate connect."`
	UIDStart    int     `json:"uid_start_number" default:"2000" min:"-2147483648" max:"2147483647" group:"advanced" help:"Added to a person's number to make uidNumber."`
	GIDStart    int     `json:"gid_start_number" default:"4000" min:"-2147483648" max:"2147483647" group:"advanced" help:"Added to a group's number to make gidNumber."`
	provider.Carried
	SearchMode string `json:"search_mode" enum:"direct,cached" default:"direct" group:"advanced" help:"Cached answers are faster and up to five minutes old."`
	BindMode   string `json:"bind_mode" enum:"direct,cached" default:"direct" group:"advanced" help:"Cached: a password that was right is taken for a while without asking again."`
	MFASupport bool   `json:"mfa_support" default:"true" help:"Take a one-time code behind the password, with a semicolon between them."`
}

// Config is a provider as the outpost that serves it reads it.
type Config struct {
	PK              int64   `json:"pk" is:"readonly"`
	Name            string  `json:"name" is:"required,search"`
	BaseDN          string  `json:"base_dn"`
	BindFlowSlug    string  `json:"bind_flow_slug" is:"computed,required"`
	ApplicationSlug string  `json:"application_slug" is:"computed,required"`
	SearchGroup     *string `json:"search_group" format:"uuid"`
	Certificate     *string `json:"certificate" format:"uuid"`
	ServerName      string  `json:"tls_server_name"`
	UIDStart        int     `json:"uid_start_number" min:"-2147483648" max:"2147483647"`
	GIDStart        int     `json:"gid_start_number" min:"-2147483648" max:"2147483647"`
	SearchMode      string  `json:"search_mode" enum:"direct,cached"`
	BindMode        string  `json:"bind_mode" enum:"direct,cached"`
	MFASupport      bool    `json:"mfa_support"`

	Flow string `json:"authorization_flow" is:"hidden"`
}

var configs = &kind.Family{Name: "outposts ldap", Key: kind.Int, Param: "id", Title: "provider"}

// Kinds describes the provider and what its outposts read.
func Kinds(s *store.Store) []*kind.Kind {
	filters := append(provider.Certificate(), provider.Unassigned(), provider.FlowSlug(),
		kind.IExact("base_dn", "string"), kind.IExact("gid_start_number", "integer"), kind.IExact("name", "string"), kind.IExact("tls_server_name", "string"), kind.IExact("uid_start_number", "integer"),
		kind.At("search_group__group_uuid__iexact", "uuid", "search_group", "usergroups", "x.pk = ?"),
		kind.At("search_group__name__iexact", "", "search_group", "usergroups", kind.Same("x.name")),
	)
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/ldap", Model: Model, Schema: "LDAPProvider", Title: "LDAP Provider", Component: "ak-provider-ldap-form",
			About: "Let an application read people and groups, and sign people in, by LDAP.", Order: []string{"name"}, By: []string{}, Filters: filters, Present: provider.Present(s),
		}, nil),
		kind.Of[Config](configs, kind.Spec{
			Path: "outposts/ldap", Model: Model, Schema: "LDAPOutpostConfig", Title: "LDAP Provider", Verbs: kind.List | kind.Retrieve, View: true,
			Where: provider.Serving(true), Order: []string{"name"}, By: []string{"name"}, Present: present(s),
		}, nil),
	}
}

func present(s *store.Store) func(ctx context.Context, rows []any, query url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		apps, err := provider.Applications(ctx, s, true)
		if err != nil {
			return err
		}
		var pks []string
		for _, r := range rows {
			pks = append(pks, r.(*Config).Flow)
		}
		flows, err := provider.Flows(ctx, s, pks)
		if err != nil {
			return err
		}
		for _, r := range rows {
			c := r.(*Config)
			c.BindFlowSlug, c.ApplicationSlug = flows[c.Flow], apps[strconv.FormatInt(c.PK, 10)].Slug
		}
		return nil
	}
}
