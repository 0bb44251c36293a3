// Package rac is the provider that opens the screens and shells of other machines in a browser.
//
//	application ─▶ provider ─▶ endpoint (a machine) ─▶ connection token (one session of one person)
package rac

import (
	"context"
	"net/url"
	"strconv"

	"gatehouse/backend/application"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/policy"
	"gatehouse/backend/provider"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Model is the published name of this provider.
const Model = "authentik_providers_rac.racprovider"

// Provider is a set of machines that people may reach.
type Provider struct {
	provider.Base
	Settings map[string]any `json:"settings" is:"secret" type:"any" group:"advanced" help:"Settings for every connection."`
	provider.Carried
	Expiry           string `json:"connection_expiry" format:"duration" default:"hours=8" help:"How long a connection may last."`
	DeleteDisconnect bool   `json:"delete_token_on_disconnect" group:"advanced" help:"A connection that broke can't be taken up again."`
}

// LaunchURL implements provider.Launcher: the portal shows a choice of machines for it (protocols.md 7.1).
func (p *Provider) LaunchURL(context.Context, string) string {
	return "goauthentik.io://providers/rac/launch"
}

// Validate implements store.Validator.
func (p *Provider) Validate() error {
	d, err := span.Parse(p.Expiry)
	if err != nil {
		return fault.Field("connection_expiry", fault.As(err).Say)
	}
	if d <= 0 {
		return fault.Field("connection_expiry", "The time has to be longer than zero.")
	}
	return nil
}

// Mapping adds settings to connections.
type Mapping struct {
	mapping.Base
	Static map[string]any `json:"static_settings" is:"required,secret" help:"Fixed settings. When there are any, the expression is not asked."`

	host expr.Host
}

// Saving implements store.Saver.
func (m *Mapping) Saving(*store.Tx, any) error {
	if m.Expression == "" {
		return nil
	}
	return m.host.Check(m.Expression)
}

// Deps is what the room needs.
type Deps struct {
	Store    *store.Store
	Users    *user.Directory
	Policies *policy.Engine
	Apps     *application.Room
	Host     expr.Host
	// Caller gives who is signed in, nil when nobody.
	Caller func(ctx context.Context) (*user.User, error)
}

// Kinds describes the provider and what belongs to it.
func Kinds(d Deps) []*kind.Kind {
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/rac", Model: Model, Schema: "RACProvider", Title: "RAC Provider", Component: "ak-provider-rac-form",
			About: "Open the screens and shells of other machines in a browser.", Order: []string{"name"}, By: []string{},
			Filters: []kind.Filter{provider.Unassigned(), kind.IExact("name", "string")}, Present: provider.Present(d.Store),
		}, nil),
		kind.Of[Mapping](mapping.Family, kind.Spec{
			Path: "propertymappings/rac", Model: "authentik_providers_rac.racpropertymapping", Schema: "RACPropertyMapping", Title: "RAC Property Mapping", Component: "ak-property-mapping-rac-form",
			About: "Settings of connections to other machines.", Order: []string{"name"}, By: []string{"name"}, Optional: []string{"expression"}, Filters: []kind.Filter{kind.AnyOf("managed")},
		}, func() *Mapping { return &Mapping{host: d.Host} }),
		d.endpointKind(),
		d.tokenKind(),
	}
}

// providers gives the providers of a page by key, presented.
func (d Deps) providers(ctx context.Context, pks []int64) (map[int64]*Provider, error) {
	out := map[int64]*Provider{}
	var rows []any
	for _, pk := range pks {
		if out[pk] != nil {
			continue
		}
		p, err := store.Get[Provider](ctx, d.Store, strconv.FormatInt(pk, 10))
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[pk] = p
		rows = append(rows, p)
	}
	return out, provider.Present(d.Store)(ctx, rows, url.Values{})
}

// ExpressionNames are the variables of a RAC mapping.
func (m *Mapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Person, mapping.Variable("endpoint", "The machine that is reached."), mapping.Variable("provider", "The provider of the machine.")}
}
