// Package provider is the socket of providers: the protocol that an application speaks with Gatehouse.
package provider

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of providers. Their keys are numbers.
var Family = &kind.Family{Name: "providers", Key: kind.Int, Param: "id", Title: "provider", All: "providers/all", Typed: true}

// Base is what every provider has.
type Base struct {
	PK                     int64    `json:"pk" is:"readonly,nofilter"`
	Name                   string   `json:"name" is:"required,unique,search"`
	AuthenticationFlow     *string  `json:"authentication_flow" ref:"flows" help:"The sign-in that people meet who come from this application and are not signed in. Empty: the brand's." group:"advanced"`
	AuthorizationFlow      string   `json:"authorization_flow" is:"required" ref:"flows" help:"What happens before people are sent back to the application, such as asking for consent."`
	PropertyMappings       []string `json:"property_mappings" ref:"propertymappings" help:"What the application may learn about people."`
	AssignedSlug           string   `json:"assigned_application_slug" is:"computed,required"`
	AssignedName           string   `json:"assigned_application_name" is:"computed,required"`
	AssignedBackchannel    string   `json:"assigned_backchannel_application_slug" is:"computed,required"`
	AssignedBackchannelNam string   `json:"assigned_backchannel_application_name" is:"computed,required"`
}

// Provider gives the shared part of any provider.
func (b *Base) Provider() *Base { return b }

// Provider is implemented by every kind that embeds Base.
type Provider interface{ Provider() *Base }

// Launcher is a provider that knows where its application is opened; "" when it can't tell.
type Launcher interface {
	LaunchURL(ctx context.Context, slug string) string
}

// Mux is where a protocol hangs its handlers; web gives it.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Present fills the assigned_ fields of one page of providers: one query for all of them.
func Present(s *store.Store) func(ctx context.Context, rows []any, query url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		byPK := map[string]*Base{}
		for _, r := range rows {
			if p, ok := r.(Provider); ok {
				byPK[strconv.FormatInt(p.Provider().PK, 10)] = p.Provider()
			}
		}
		uses, err := s.Assigned(ctx, Family.Name, "applications")
		if err != nil {
			return err
		}
		for _, u := range uses {
			b := byPK[u.PK]
			if b == nil {
				continue
			}
			if u.Field == "provider" {
				b.AssignedSlug, b.AssignedName = u.Slug, u.Name
			} else {
				b.AssignedBackchannel, b.AssignedBackchannelNam = u.Slug, u.Name
			}
		}
		return nil
	}
}

// Kind is the base kind: the collection over all providers.
func Kind(s *store.Store) *kind.Kind {
	assigned := func(want bool) string {
		not := ""
		if !want {
			not = "NOT "
		}
		return not + "EXISTS (SELECT 1 FROM ref r WHERE r.family = 'providers' AND r.dst = o.pk)"
	}
	return kind.Of[Base](Family, kind.Spec{
		Path: Family.All, Model: "authentik_core.provider", Schema: "Provider", Title: "Provider",
		Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"name"},
		Filters: []kind.Filter{
			{Name: "application__isnull", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				b, err := strconv.ParseBool(v)
				if err != nil {
					return "", nil, fault.Field("application__isnull", "Must be a valid boolean.")
				}
				return assigned(!b), nil, nil
			}},
			{Name: "backchannel_only", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				b, err := strconv.ParseBool(v)
				if err != nil {
					return "", nil, fault.Field("backchannel_only", "Must be a valid boolean.")
				}
				in := "IN"
				if !b {
					in = "NOT IN"
				}
				return "o.kind " + in + " ('authentik_providers_scim.scimprovider', 'authentik_providers_ldap.ldapprovider')", nil, nil
			}},
		},
		Present: Present(s),
	}, nil)
}
