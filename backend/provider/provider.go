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
	AuthorizationFlow      string   `json:"authorization_flow" is:"required" ref:"flows protect" help:"What happens before people are sent back to the application, such as asking for consent."`
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

// Carried is what providers have that outposts serve: the names of those outposts.
type Carried struct {
	OutpostSet []string `json:"outpost_set" is:"computed,required"`
}

func (c *Carried) carriers() *Carried { return c }

// Assignment names the application of a provider.
type Assignment struct{ Slug, Name string }

// Applications gives the applications that speak through providers, by the provider's key; with backchannel also those that a provider
// serves in the background, which then come first.
func Applications(ctx context.Context, s *store.Store, backchannel bool) (map[string]Assignment, error) {
	uses, err := s.Assigned(ctx, Family.Name, "applications")
	if err != nil {
		return nil, err
	}
	out := map[string]Assignment{}
	for _, background := range []bool{true, false} {
		for _, u := range uses {
			if _, there := out[u.PK]; !there && (u.Field != "provider") == background && (backchannel || !background) {
				out[u.PK] = Assignment{u.Slug, u.Name}
			}
		}
	}
	return out, nil
}

// Serving is the condition on rows of providers that an application speaks through them, or, with backchannel, also has them in the
// background.
func Serving(backchannel bool) string {
	fields := "'provider'"
	if backchannel {
		fields += ", 'backchannel_providers'"
	}
	return "EXISTS (SELECT 1 FROM ref r WHERE r.family = 'providers' AND r.dst = o.pk AND r.field IN (" + fields + "))"
}

// Unassigned is the list filter application__isnull.
func Unassigned() kind.Filter {
	return kind.Filter{Name: "application__isnull", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
		b, err := kind.Bool("application__isnull", v)
		if err != nil {
			return "", nil, err
		}
		if b {
			return "NOT " + Serving(false), nil, nil
		}
		return Serving(false), nil, nil
	}}
}

// FlowSlug is the list filter authorization_flow__slug__iexact.
func FlowSlug() kind.Filter {
	return kind.At("authorization_flow__slug__iexact", "", "authorization_flow", "object", kind.Same("x.slug"))
}

// Certificate are the list filters by the certificate of a provider.
func Certificate() []kind.Filter {
	return []kind.Filter{
		kind.At("certificate__kp_uuid__iexact", "uuid", "certificate", "object", "x.pk = ?"),
		kind.At("certificate__name__iexact", "", "certificate", "object", kind.Same("x.name")),
	}
}

// Flows gives the slugs of flows by key.
func Flows(ctx context.Context, s *store.Store, pks []string) (map[string]string, error) {
	out := map[string]string{}
	for _, pk := range pks {
		if _, seen := out[pk]; seen {
			continue
		}
		slug, err := s.Slug(ctx, pk)
		if err != nil {
			return nil, err
		}
		out[pk] = slug
	}
	return out, nil
}

// Address is scheme and host that the caller uses.
func Address(ctx context.Context) string {
	h := store.ActorOf(ctx).HTTP
	return h.Scheme + "://" + h.Host
}

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
		return carriers(ctx, s, rows)
	}
}

// carriers fills in which outposts serve the providers of a page.
func carriers(ctx context.Context, s *store.Store, rows []any) error {
	byPK := map[string]*Carried{}
	for _, r := range rows {
		c, ok := r.(interface{ carriers() *Carried })
		if !ok {
			continue
		}
		if p, ok := r.(Provider); ok {
			c.carriers().OutpostSet = []string{}
			byPK[strconv.FormatInt(p.Provider().PK, 10)] = c.carriers()
		}
	}
	if len(byPK) == 0 {
		return nil
	}
	uses, err := s.Assigned(ctx, Family.Name, "outposts")
	if err != nil {
		return err
	}
	for _, u := range uses {
		if c := byPK[u.PK]; c != nil {
			c.OutpostSet = append(c.OutpostSet, u.Name)
		}
	}
	return nil
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
