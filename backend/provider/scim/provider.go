// Package scim is the provider that keeps the accounts of another system in step with Gatehouse by SCIM 2.0.
package scim

import (
	"context"
	"net/url"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
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
}

// Validate implements store.Validator.
func (p *Provider) Validate() error {
	if u, err := url.Parse(p.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fault.Field("url", "Enter a valid URL.")
	}
	return nil
}

// Mapping says what the other system learns about a person or a group.
type Mapping struct{ mapping.Kept }

// SyncStatus is what is going on with a provider.
type SyncStatus struct {
	Running bool  `json:"is_running" is:"required,readonly"`
	Tasks   []any `json:"tasks" is:"required,readonly" schema:"SystemTask[]"`
}

// SchemaName implements kind.SchemaNamer.
func (SyncStatus) SchemaName() string { return "SCIMSyncStatus" }

// Kinds describes the provider and its mappings.
func Kinds(s *store.Store, host expr.Host) []*kind.Kind {
	// No run is recorded until there is one: the synchronization is work of its own.
	status := kind.Detail("GET", "sync_status", "view", func(context.Context, *kind.Call, *kind.None) (SyncStatus, error) {
		return SyncStatus{Tasks: []any{}}, nil
	})
	status.Answers = map[int]string{404: "There is no such provider."}
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/scim", Model: Model, Schema: "SCIMProvider", Title: "SCIM Provider", Component: "ak-provider-scim-form",
			About: "Keep the accounts of another system in step by SCIM 2.0.", Order: []string{"name"}, By: []string{"exclude_users_service_account", "filter_group", "name", "url"},
			Without: []string{"authentication_flow", "authorization_flow", "assigned_application_slug", "assigned_application_name"},
			Actions: []kind.Action{status}, Present: provider.Present(s),
		}, nil),
		kind.Of[Mapping](mapping.Family, kind.Spec{
			Path: "propertymappings/scim", Model: "authentik_providers_scim.scimmapping", Schema: "SCIMMapping", Title: "SCIM Mapping", Component: "ak-property-mapping-scim-form",
			About: "What another system learns about a person or a group by SCIM.", Order: []string{"name"}, By: []string{"name"},
			Filters: []kind.Filter{kind.Is("expression"), kind.AnyOf("managed"), kind.UUIDIs("pm_uuid", "pk")},
		}, func() *Mapping { return &Mapping{mapping.On(host)} }),
	}
}

// ExpressionNames are the variables of a SCIM mapping: of a person, or of a group.
func (m *Mapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Person, mapping.Variable("group", "The group that is sent; a mapping for groups has no user."), mapping.Variable("provider", "The provider that sends.")}
}
