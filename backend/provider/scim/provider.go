// Package scim is the provider that keeps the accounts of another system in step with Gatehouse by SCIM 2.0.
//
//	a change of a person or group ─▶ trigger ─▶ scim_out{due} ┐
//	an hour, a change of the provider, an admin ─▶ full sync ─┴▶ mapping ─▶ body ─▶ create, adopt, change, remove ─▶ scim_out{scim_id, state}
//
// It works for providers that an application has in the background, one sync of a provider at a time. What is not told yet stays due, so a
// system that can't be reached, or a start anew, loses nothing.
package scim

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/user"
)

// Model is the published name of this provider.
const Model = "authentik_providers_scim.scimprovider"

// Provider is a system that takes people and groups. It works in the background of applications and has no flows.
type Provider struct {
	provider.Base
	GroupMappings  []string `json:"property_mappings_group" ref:"propertymappings" format:"uuid" help:"What the other system learns about groups."`
	URL            string   `json:"url" is:"required" help:"The base address of the other system's SCIM interface."`
	Token          string   `json:"token" is:"required,secret,raw" help:"The bearer token that it gave out for Gatehouse."`
	ExcludeService bool     `json:"exclude_users_service_account" help:"Leave out accounts of programs."`
	FilterGroup    *string  `json:"filter_group" ref:"groups set_default" format:"uuid" help:"Only members of this group are sent."`

	Leaving string `json:"when_leaving" is:"hidden"` // see Beyond
	Gone    string `json:"when_deleted" is:"hidden"`
	Method  string `json:"method" is:"hidden"`

	room *Room
}

// Room keeps other systems in step.
type Room struct {
	Store   *store.Store
	Users   *user.Directory
	Events  *event.Log
	Tasks   *task.Room
	Host    expr.Host
	Client  *http.Client
	May     func(ctx context.Context, a store.Actor, permission, object string) (bool, error)
	Version string
	Log     *slog.Logger
	// Pauses are how long a system that can't take anything is left alone after each failed try; nil = those of the house.
	Pauses []time.Duration
	// Settle is how long a system may be busy with a request whose answer was lost; 0 = two minutes.
	Settle time.Duration

	hold    sync.Mutex // held during a look for changes
	once    sync.Once
	changed chan struct{}
	works   atomic.Bool // some provider works for an application
	mu      sync.Mutex
	workers map[int64]*worker
}

// Validate implements store.Validator.
func (p *Provider) Validate() error {
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fault.Field("url", "Enter a valid URL.")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fault.Field("url", "Enter the address alone: without a username, a ? or a #.")
	}
	return nil
}

// Saved implements store.AfterSaver: whatever changed about a provider, its system is looked at as a whole. Another address is another
// system, where the old names of people mean somebody else.
func (p *Provider) Saved(tx *store.Tx, old any) error {
	if before, ok := old.(*Provider); ok && base(before.URL) != base(p.URL) {
		if _, err := tx.Exec(`UPDATE scim_out SET scim_id = '', sent = '', members = '', asked = 1, state = 'waiting' WHERE provider = ?`, p.PK); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM scim_out WHERE provider = ? AND (kind = 'user' AND object NOT IN (SELECT CAST(pk AS TEXT) FROM users) OR kind = 'group' AND object NOT IN (SELECT pk FROM usergroups))`, p.PK); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { p.room.poke(p.PK) })
	return want(tx, `provider = ?`, p.PK)
}

// Deleting implements store.Deleter: what the other system has stays there.
func (p *Provider) Deleting(tx *store.Tx) error {
	for _, table := range []string{"scim_targets", "scim_out"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE provider = ?`, p.PK); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { p.room.poke(p.PK) })
	return nil
}

// base gives the address of a system without the slash at its end.
func base(address string) string { return strings.TrimSuffix(strings.TrimSpace(address), "/") }

// Mapping says what the other system learns about a person or a group.
type Mapping struct {
	mapping.Kept
	room *Room
}

// Saved implements store.AfterSaver: a mapping that changed changes everybody.
func (m *Mapping) Saved(tx *store.Tx, old any) error {
	if old == nil {
		return nil
	}
	tx.AfterCommit(m.room.ring)
	return want(tx, `CAST(provider AS TEXT) IN (SELECT o.pk FROM ref r JOIN object o ON o.pk = r.src WHERE r.dst = ?)`, m.PK)
}

// Kinds describes the provider and its mappings.
func (r *Room) Kinds() []*kind.Kind {
	status := kind.Detail("GET", "sync_status", "view", r.syncStatus)
	status.Answers = map[int]string{404: "There is no such provider."}
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/scim", Model: Model, Schema: "SCIMProvider", Title: "SCIM Provider", Component: "ak-provider-scim-form",
			About: "Keep the accounts of another system in step by SCIM 2.0.", Order: []string{"name"}, By: []string{"exclude_users_service_account", "filter_group", "name", "url"},
			Without: []string{"authentication_flow", "authorization_flow", "assigned_application_slug", "assigned_application_name"},
			Actions: []kind.Action{status}, Present: provider.Present(r.Store),
		}, func() *Provider { return &Provider{room: r} }),
		kind.Of[Mapping](mapping.Family, kind.Spec{
			Path: "propertymappings/scim", Model: "authentik_providers_scim.scimmapping", Schema: "SCIMMapping", Title: "SCIM Mapping", Component: "ak-property-mapping-scim-form",
			About: "What another system learns about a person or a group by SCIM.", Order: []string{"name"}, By: []string{"name"},
			Filters: []kind.Filter{kind.Is("expression"), kind.AnyOf("managed"), kind.UUIDIs("pm_uuid", "pk")},
		}, func() *Mapping { return &Mapping{mapping.On(r.Host), r} }),
	}
}

// ExpressionNames are the variables of a SCIM mapping: of a person, or of a group.
func (m *Mapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Person, mapping.Variable("group", "The group that is sent; a mapping for groups has no user."), mapping.Variable("provider", "The provider that sends.")}
}

// reference names a provider in an event.
func reference(p *Provider) map[string]any {
	return map[string]any{"app": "authentik_providers_scim", "model_name": "scimprovider", "pk": p.PK, "name": p.Name}
}
