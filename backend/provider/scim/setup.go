package scim

import (
	"context"
	"strconv"
	"strings"

	"gatehouse/backend/application"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
)

// The mappings that a provider begins with.
const (
	usualUser  = "goauthentik.io/providers/scim/user"
	usualGroup = "goauthentik.io/providers/scim/group"
)

// Setup is the one form that has an application take people by SCIM.
type Setup struct {
	Application    string  `json:"application" is:"blank" help:"The slug of an application that is here already; empty adds one of this name."`
	Name           string  `json:"name" is:"required" max:"200"`
	URL            string  `json:"url" is:"required" help:"The base address of the application's SCIM interface."`
	Token          string  `json:"token" is:"required,secret,raw" help:"The bearer token that the application gave out for Gatehouse."`
	FilterGroup    *string `json:"filter_group" format:"uuid" help:"Only members of this group are sent; null sends everybody."`
	ExcludeService bool    `json:"exclude_users_service_account" default:"true" help:"Leave out accounts of programs."`
	Leaving        string  `json:"when_leaving" enum:"keep,deactivate,delete" default:"deactivate" help:"What happens at the application to people who are not sent any more."`
}

// SchemaName implements kind.SchemaNamer.
func (Setup) SchemaName() string { return "SCIMApplication" }

// Made is what the form made.
type Made struct {
	Provider    int64  `json:"provider" is:"required,readonly"`
	Application string `json:"application" is:"required,readonly" help:"Its slug."`
}

// SchemaName implements kind.SchemaNamer.
func (Made) SchemaName() string { return "SCIMApplicationMade" }

// setup makes a provider with the usual mappings and puts it behind an application, in one transaction.
func (r *Room) setup(ctx context.Context, _ *kind.Call, in *Setup) (Made, error) {
	out := Made{}
	actor := store.ActorOf(ctx)
	apps := store.KindOf[application.Application](r.Store)
	if in.Application != "" {
		a, err := store.Find[application.Application](ctx, r.Store, "slug", in.Application)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return out, err
		}
		may := false
		if err == nil {
			if may, err = r.May(ctx, actor, apps.Perm("change"), a.PK); err != nil {
				return out, err
			}
		}
		if !may {
			return out, fault.Field("application", "There is no such application.")
		}
	} else if may, err := r.May(ctx, actor, apps.Perm("add"), ""); err != nil || !may {
		if err != nil {
			return out, err
		}
		return out, fault.New(fault.Denied, "You do not have permission to perform this action.")
	}
	return out, r.Store.Write(ctx, actor, func(tx *store.Tx) error {
		p := store.KindOf[Provider](r.Store).New().(*Provider)
		p.Name, p.URL, p.Token, p.ExcludeService, p.FilterGroup, p.Leaving = in.Name, in.URL, in.Token, in.ExcludeService, in.FilterGroup, in.Leaving
		p.PropertyMappings, p.GroupMappings = []string{}, []string{}
		for managed, to := range map[string]*[]string{usualUser: &p.PropertyMappings, usualGroup: &p.GroupMappings} {
			m, err := store.FindTx[Mapping](tx, "managed", managed)
			if fault.Is(err, fault.NotFound) {
				return fault.Whole("The mapping " + managed + " is missing. Bring back the defaults under Advanced, Blueprints.")
			}
			if err != nil {
				return err
			}
			*to = append(*to, m.PK)
		}
		if err := tx.Create(p); err != nil {
			return err
		}
		var a *application.Application
		var err error
		if in.Application != "" {
			if a, err = store.FindTx[application.Application](tx, "slug", in.Application); err != nil {
				return err
			}
			a.Backchannel = append(a.Backchannel, p.PK)
			err = tx.Update(a)
		} else {
			a = apps.New().(*application.Application)
			a.Name, a.Backchannel = in.Name, []int64{p.PK}
			a.Slug, err = freeSlug(tx, in.Name)
			if err == nil {
				err = tx.Create(a)
			}
		}
		out = Made{p.PK, ""}
		if a != nil {
			out.Application = a.Slug
		}
		return err
	})
}

// freeSlug makes a slug of a name that no application has.
func freeSlug(tx *store.Tx, name string) (string, error) {
	slug := strings.Trim(token.Slug(name), "-_")
	if len(slug) > 40 {
		slug = slug[:40]
	}
	if slug == "" {
		slug = "scim"
	}
	for n, try := 2, slug; ; n++ {
		_, err := store.FindTx[application.Application](tx, "slug", try)
		if fault.Is(err, fault.NotFound) {
			return try, nil
		}
		if err != nil {
			return "", err
		}
		try = slug + "-" + strconv.Itoa(n)
	}
}
