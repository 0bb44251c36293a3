package rac

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/application"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Endpoints is the shelf of endpoints; policies are bound to them.
var Endpoints = &kind.Family{Name: "endpoints", Param: "pbm_uuid", Title: "endpoint"}

// Endpoint is a machine that people may reach.
type Endpoint struct {
	PK          string         `json:"pk" is:"readonly" format:"uuid"`
	Name        string         `json:"name" is:"required,search"`
	Provider    int64          `json:"provider" is:"required" ref:"providers cascade"`
	ProviderObj *Provider      `json:"provider_obj" is:"computed,required,notnull"`
	Protocol    string         `json:"protocol" is:"required,search" enum:"rdp,vnc,ssh"`
	Host        string         `json:"host" is:"required" help:"The name or address of the machine, with the port behind a colon when it is not the usual one."`
	Settings    map[string]any `json:"settings" is:"secret" type:"any" group:"advanced" help:"Settings for connections to this machine."`
	Mappings    []string       `json:"property_mappings" ref:"propertymappings" format:"uuid" group:"advanced"`
	AuthMode    string         `json:"auth_mode" is:"required" enum:"static,prompt" help:"Whether the machine gets a fixed name and password or asks the person."`
	LaunchURL   *string        `json:"launch_url" is:"computed,required"`
	Maximum     int            `json:"maximum_connections" default:"1" min:"-2147483648" max:"2147483647" group:"advanced" help:"How many connections there may be at once; -1 for any number."`
}

// Saving implements store.Saver: the provider has to be one of this kind.
func (e *Endpoint) Saving(tx *store.Tx, _ any) error {
	_, p, err := tx.GetIn(provider.Family.Name, strconv.FormatInt(e.Provider, 10))
	if fault.Is(err, fault.NotFound) {
		return nil // told with the other references
	}
	if err != nil {
		return err
	}
	if _, ok := p.(*Provider); !ok {
		return fault.Field("provider", "This is no provider of this kind.")
	}
	return nil
}

func (d Deps) endpointKind() *kind.Kind {
	return kind.Of[Endpoint](Endpoints, kind.Spec{
		Path: "rac/endpoints", Model: "authentik_providers_rac.endpoint", Schema: "Endpoint", Title: "RAC Endpoint", About: "A machine that people may reach.",
		Order: []string{"name", "protocol"}, By: []string{"name", "provider"}, Params: []kind.Param{{Name: "superuser_full_list", Type: "boolean"}}, Present: d.presentEndpoints, Visible: d.visible,
	}, nil)
}

// visible leaves the endpoints that the caller may use; superusers may ask for the whole list.
func (d Deps) visible(ctx context.Context, rows []any, q url.Values) ([]any, error) {
	if q.Get("superuser_full_list") == "true" && store.ActorOf(ctx).Superuser {
		return rows, nil
	}
	u, err := d.Caller(ctx)
	if err != nil {
		return nil, err
	}
	apps, err := provider.Applications(ctx, d.Store, false)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, row := range rows {
		e := row.(*Endpoint)
		ok, err := d.reaches(ctx, e, apps[strconv.FormatInt(e.Provider, 10)].Slug, u)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, row)
		}
	}
	return out, nil
}

// reaches says whether a person may use a machine: its application lets them in and so do the policies of the machine itself. Machines
// that no application has are shown to superusers.
func (d Deps) reaches(ctx context.Context, e *Endpoint, slug string, u *user.User) (bool, error) {
	if slug == "" {
		if !store.ActorOf(ctx).Superuser {
			return false, nil
		}
	} else {
		a, err := store.Find[application.Application](ctx, d.Store, "slug", slug)
		if err != nil {
			return false, err
		}
		if ok, _, err := d.Apps.Allowed(ctx, a, u, nil); err != nil || !ok {
			return false, err
		}
	}
	ok, _, err := d.Policies.Allowed(ctx, e.PK, "any", u, nil)
	return ok, err
}

// presentEndpoints fills in the providers and addresses of a page.
func (d Deps) presentEndpoints(ctx context.Context, rows []any, _ url.Values) error {
	var pks []int64
	for _, row := range rows {
		pks = append(pks, row.(*Endpoint).Provider)
	}
	providers, err := d.providers(ctx, pks)
	if err != nil {
		return err
	}
	for _, row := range rows {
		e := row.(*Endpoint)
		e.ProviderObj = providers[e.Provider]
		if e.ProviderObj != nil && e.ProviderObj.AssignedSlug != "" {
			to := "/application/rac/" + e.ProviderObj.AssignedSlug + "/" + e.PK + "/"
			e.LaunchURL = &to
		}
	}
	return nil
}

var connections = &kind.Family{Name: "connectiontokens", Param: "connection_token_uuid", Title: "connection"}

// Connection is a person's connection to a machine, under way or about to begin.
type Connection struct {
	PK          string       `json:"pk" format:"uuid"`
	Provider    int64        `json:"provider" is:"required"` // goes with its endpoint
	ProviderObj *Provider    `json:"provider_obj" is:"computed,required,notnull"`
	Endpoint    string       `json:"endpoint" is:"required" ref:"endpoints cascade" format:"uuid"`
	EndpointObj *Endpoint    `json:"endpoint_obj" is:"computed,required,notnull"`
	User        *user.Member `json:"user" is:"computed,required,notnull"`

	Owner    int64          `json:"owner" is:"hidden" ref:"users cascade"`
	Session  string         `json:"session" is:"hidden"`
	KeyHash  string         `json:"key_hash" is:"hidden"`
	Settings map[string]any `json:"settings" is:"hidden,secret"`
	Expires  time.Time      `json:"expires" is:"hidden" format:"date-time"`
}

// Saving implements store.Saver: a connection stays with its machine. What somebody may reach is decided when it begins.
func (c *Connection) Saving(_ *store.Tx, old any) error {
	before, _ := old.(*Connection)
	var bad fault.Fields
	if before != nil && before.Provider != c.Provider {
		bad.Add("provider", "The provider of a connection can't be changed.")
	}
	if before != nil && before.Endpoint != c.Endpoint {
		bad.Add("endpoint", "The machine of a connection can't be changed.")
	}
	return bad.Err()
}

func (d Deps) tokenKind() *kind.Kind {
	return kind.Of[Connection](connections, kind.Spec{
		Path: "rac/connection_tokens", Model: "authentik_providers_rac.connectiontoken", Schema: "ConnectionToken", Title: "RAC Connection token", About: "A person's connection to a machine.",
		Table: "rac_connections", Owner: "owner", Verbs: kind.AllVerbs &^ kind.Create, Order: []string{"pk"}, By: []string{"endpoint", "provider"}, Present: d.presentConnections,
		Filters: []kind.Filter{{Name: "session__user", Type: "integer", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return "", nil, fault.Field("session__user", "Enter a number.")
			}
			return "o.owner = ?", []any{n}, nil
		}}},
	}, nil)
}

func (d Deps) presentConnections(ctx context.Context, rows []any, _ url.Values) error {
	var pks, users []int64
	var endpoints []any
	for _, row := range rows {
		c := row.(*Connection)
		pks, users = append(pks, c.Provider), append(users, c.Owner)
		e, err := store.Get[Endpoint](ctx, d.Store, c.Endpoint)
		if err != nil {
			return err
		}
		c.EndpointObj = e
		endpoints = append(endpoints, e)
	}
	providers, err := d.providers(ctx, pks)
	if err != nil {
		return err
	}
	members, err := d.Users.Members(ctx, users)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := row.(*Connection)
		c.ProviderObj, c.User = providers[c.Provider], members[c.Owner]
	}
	return d.presentEndpoints(ctx, endpoints, nil)
}
