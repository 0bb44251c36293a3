// Package ldap is the source that takes people and groups over from a directory and checks their passwords there.
package ldap

import (
	"context"
	"net/url"
	"strings"

	"gatehouse/backend/cert"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// Model is the published name of this source.
const Model = "authentik_sources_ldap.ldapsource"

// Source is a directory.
type Source struct {
	source.Base
	ServerURI         string                       `json:"server_uri" is:"required" format:"uri-template" help:"ldap:// or ldaps:// and the server's name; several with commas between them."`
	PeerCertificate   *string                      `json:"peer_certificate" ref:"keypairs set_default" format:"uuid" group:"advanced" help:"The certificate that the server's is checked with. Empty: any certificate is taken."`
	ClientCertificate *string                      `json:"client_certificate" ref:"keypairs set_default" format:"uuid" group:"advanced" help:"What Gatehouse shows to the server; it needs a private key."`
	BindCN            string                       `json:"bind_cn" is:"blank" help:"The name that Gatehouse signs in to the directory with."`
	BindPassword      string                       `json:"bind_password" is:"writeonly,secret,blank,raw" help:"The password for it."`
	StartTLS          bool                         `json:"start_tls" group:"advanced" help:"Begin encryption on a plain connection."`
	SNI               bool                         `json:"sni" group:"advanced" help:"Tell the server by which name it is addressed."`
	BaseDN            string                       `json:"base_dn" is:"required" help:"Where the directory begins."`
	UserDN            string                       `json:"additional_user_dn" is:"blank" group:"advanced" help:"Put before the base for people."`
	GroupDN           string                       `json:"additional_group_dn" is:"blank" group:"advanced" help:"Put before the base for groups."`
	UserFilter        string                       `json:"user_object_filter" default:"(objectClass=person)" group:"advanced" help:"Which entries are people."`
	GroupFilter       string                       `json:"group_object_filter" default:"(objectClass=group)" group:"advanced" help:"Which entries are groups."`
	MembershipField   string                       `json:"group_membership_field" default:"member" group:"advanced" help:"The attribute of a group that lists its members."`
	UniquenessField   string                       `json:"object_uniqueness_field" default:"objectSid" group:"advanced" help:"The attribute that tells entries apart for ever."`
	KeepPassword      bool                         `json:"password_login_update_internal_password" group:"advanced" help:"Keep a hash of a password that was right, for when the directory can't be reached."`
	SyncUsers         bool                         `json:"sync_users" default:"true" help:"Take people over."`
	SyncPasswords     bool                         `json:"sync_users_password" default:"true" help:"Write new passwords back to the directory; one source only may do so."`
	SyncGroups        bool                         `json:"sync_groups" default:"true" help:"Take groups over."`
	ParentGroup       *string                      `json:"sync_parent_group" ref:"groups set_default" format:"uuid" group:"advanced" help:"The group that the groups taken over come under."`
	PropertyMappings  []string                     `json:"property_mappings" ref:"propertymappings" format:"uuid" help:"What is taken over of people."`
	GroupMappings     []string                     `json:"property_mappings_group" ref:"propertymappings" format:"uuid" help:"What is taken over of groups."`
	Connectivity      map[string]map[string]string `json:"connectivity" is:"computed,required,nullable"`
}

// Mapping says where something of an entry goes.
type Mapping struct {
	mapping.Kept
	ObjectField string `json:"object_field" is:"required" help:"The field of a person or group that is set; attributes.NAME for others."`
}

// Validate implements store.Validator.
func (s *Source) Validate() error {
	var bad fault.Fields
	if err := bad.Merge(s.Base.Validate()); err != nil {
		return err
	}
	for one := range strings.SplitSeq(s.ServerURI, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" {
			bad.Add("server_uri", "Enter addresses that begin with ldap:// or ldaps://, with commas between them.")
			break
		}
	}
	for _, f := range [...]struct{ field, filter string }{{"user_object_filter", s.UserFilter}, {"group_object_filter", s.GroupFilter}} {
		if !balanced(f.filter) {
			bad.Add(f.field, "A filter stands in parentheses, such as (objectClass=person).")
		}
	}
	return bad.Err()
}

// balanced says whether a text looks like a filter: one pair of parentheses around everything (RFC 4515 3; a parenthesis in a value is
// written as \28 or \29).
func balanced(filter string) bool {
	depth := 0
	for i, c := range filter {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
			if depth < 0 || depth == 0 && i != len(filter)-1 {
				return false
			}
		default:
			if depth == 0 {
				return false
			}
		}
	}
	return filter != "" && depth == 0
}

// Saving implements store.Saver.
func (s *Source) Saving(tx *store.Tx, _ any) error {
	var bad fault.Fields
	if s.ClientCertificate != nil {
		p, err := store.GetTx[cert.Pair](tx, *s.ClientCertificate)
		if err == nil && p.Key == "" {
			bad.Add("client_certificate", "This certificate has no private key.")
		} else if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	if s.SyncPasswords {
		others, err := store.AllTx[Source](tx, store.Query{})
		if err != nil {
			return err
		}
		for _, o := range others {
			if o.PK != s.PK && o.SyncPasswords {
				bad.Add("sync_users_password", "Only a single LDAP Source with password synchronization is allowed")
				break
			}
		}
	}
	return bad.Err()
}

// SyncStatus is what is going on with a source.
type SyncStatus struct {
	Running bool  `json:"is_running" is:"required,readonly"`
	Tasks   []any `json:"tasks" is:"required,readonly" schema:"SystemTask[]"`
}

// SchemaName implements kind.SchemaNamer.
func (SyncStatus) SchemaName() string { return "LDAPSyncStatus" }

// Debug is what the directory says.
type Debug struct {
	User       []map[string]any `json:"user" is:"required,readonly"`
	Group      []map[string]any `json:"group" is:"required,readonly"`
	Membership []map[string]any `json:"membership" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Debug) SchemaName() string { return "LDAPDebug" }

// Kinds describes the source and its mappings.
func Kinds(s *store.Store, host expr.Host) []*kind.Kind {
	// No run is recorded until there is one: the synchronization is work of its own.
	status := kind.Detail("GET", "sync_status", "view", func(context.Context, *kind.Call, *kind.None) (SyncStatus, error) {
		return SyncStatus{Tasks: []any{}}, nil
	})
	debug := kind.Detail("GET", "debug", "change", func(context.Context, *kind.Call, *kind.None) (Debug, error) {
		return Debug{}, fault.NotYet(0, "Gatehouse can't ask directories yet, so there is nothing to show.")
	})
	return []*kind.Kind{
		kind.Of[Source](source.Family, kind.Spec{
			Path: "sources/ldap", Model: Model, Schema: "LDAPSource", Title: "LDAP Source", Component: "ak-source-ldap-form",
			About: "Take people and groups over from a directory and check their passwords there.", Order: []string{"name"}, Present: source.Present, Actions: []kind.Action{status, debug},
			By: []string{
				"additional_group_dn", "additional_user_dn", "base_dn", "bind_cn", "client_certificate", "enabled", "group_membership_field", "group_object_filter", "name", "object_uniqueness_field",
				"password_login_update_internal_password", "peer_certificate", "property_mappings", "property_mappings_group", "server_uri", "slug", "sni", "start_tls", "sync_groups", "sync_parent_group", "sync_users",
				"sync_users_password", "user_object_filter",
			},
		}, nil),
		kind.Of[Mapping](mapping.Family, kind.Spec{
			Path: "propertymappings/ldap", Model: "authentik_sources_ldap.ldappropertymapping", Schema: "LDAPPropertyMapping", Title: "LDAP Property Mapping", Component: "ak-property-mapping-ldap-form",
			About: "Where something of a directory's entry goes.", Order: []string{"name"}, By: []string{"name", "object_field"},
			Filters: []kind.Filter{kind.Is("expression"), kind.AnyOf("managed"), kind.UUIDIs("pm_uuid", "pk")},
		}, func() *Mapping { return &Mapping{Kept: mapping.On(host)} }),
	}
}

// ExpressionNames are the variables of an LDAP mapping.
func (m *Mapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Variable("ldap", "The attributes of the entry by name."), mapping.Variable("dn", "The name of the entry."), mapping.Variable("source", "The source that is read.")}
}
