// Package radius is the provider that lets network devices sign people in by RADIUS.
package radius

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
)

// Model is the published name of this provider.
const Model = "authentik_providers_radius.radiusprovider"

// Provider is what a network device needs. Its authorization flow is the one that a request runs.
type Provider struct {
	provider.Base
	Networks string `json:"client_networks" default:"0.0.0.0/0, ::/0" help:"The networks that devices may ask from, with commas between them; the smallest one that holds a device counts."`
	Secret   string `json:"shared_secret" is:"secret,raw" help:"What the device and Gatehouse both know. Empty: one is made."`
	provider.Carried
	MFASupport bool `json:"mfa_support" default:"true" help:"Take a one-time code behind the password, with a semicolon between them."`
}

// Saving implements store.Saver: a new provider gets a secret.
func (p *Provider) Saving(_ *store.Tx, _ any) error {
	if p.Secret == "" {
		p.Secret = crypt.ID(40)
	}
	return nil
}

// Validate implements store.Validator.
func (p *Provider) Validate() error {
	for n := range strings.SplitSeq(p.Networks, ",") {
		if _, err := netip.ParsePrefix(strings.TrimSpace(n)); err != nil {
			return fault.Field("client_networks", "Enter networks such as 10.0.0.0/8, with commas between them.")
		}
	}
	return nil
}

// Config is a provider as the outpost that serves it reads it.
type Config struct {
	PK              int64  `json:"pk" is:"readonly"`
	Name            string `json:"name" is:"required,search"`
	ApplicationSlug string `json:"application_slug" is:"computed,required"`
	FlowSlug        string `json:"auth_flow_slug" is:"computed,required"`
	Networks        string `json:"client_networks"`
	Secret          string `json:"shared_secret" is:"secret"`
	MFASupport      bool   `json:"mfa_support"`

	Flow string `json:"authorization_flow" is:"hidden"`
}

var configs = &kind.Family{Name: "outposts radius", Key: kind.Int, Param: "id", Title: "provider"}

// Kinds describes the provider and what its outposts read. carries says whether the caller is an outpost that serves a provider.
func Kinds(s *store.Store, carries func(ctx context.Context, provider int64) (bool, error)) []*kind.Kind {
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/radius", Model: Model, Schema: "RadiusProvider", Title: "Radius Provider", Component: "ak-provider-radius-form",
			About: "Let network devices such as access points sign people in by RADIUS.", Order: []string{"name"}, By: []string{}, Present: provider.Present(s),
			Filters: []kind.Filter{provider.Unassigned(), provider.FlowSlug(), kind.IExact("client_networks", "string"), kind.IExact("name", "string")},
		}, nil),
		kind.Of[Config](configs, kind.Spec{
			Path: "outposts/radius", Model: Model, Schema: "RadiusOutpostConfig", Title: "Radius Provider", Verbs: kind.List | kind.Retrieve, View: true,
			Where: provider.Serving(false), Order: []string{"name"}, By: []string{"name"}, Present: present(s),
			Reveal: func(ctx context.Context, obj any) (bool, error) { return carries(ctx, obj.(*Config).PK) },
		}, nil),
	}
}

func present(s *store.Store) func(ctx context.Context, rows []any, query url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		apps, err := provider.Applications(ctx, s, false)
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
			c.FlowSlug, c.ApplicationSlug = flows[c.Flow], apps[strconv.FormatInt(c.PK, 10)].Slug
		}
		return nil
	}
}
