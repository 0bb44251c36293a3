// Package source is the socket of sources: other places that know people (directories, social logins, SCIM clients).
//
// The one source that exists from the first start is the built-in one: Gatehouse's own users.
package source

import (
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of sources.
var Family = &kind.Family{Name: "sources", Lookup: "slug", Param: "slug", Title: "source", All: "sources/all", Typed: true}

// BuiltInManaged marks the source that stands for Gatehouse's own users.
const BuiltInManaged = "goauthentik.io/sources/inbuilt"

// Base is what every source has.
type Base struct {
	PK                 string  `json:"pk" is:"readonly" format:"uuid"`
	Name               string  `json:"name" is:"required,search" help:"What people see on the sign-in page."`
	Slug               string  `json:"slug" is:"required,unique,search" format:"slug" max:"50"`
	Enabled            bool    `json:"enabled" default:"true"`
	AuthenticationFlow *string `json:"authentication_flow" ref:"flows" help:"The flow for people who are known already."`
	EnrollmentFlow     *string `json:"enrollment_flow" ref:"flows" help:"The flow for people who are new."`
	PolicyEngineMode   string  `json:"policy_engine_mode" enum:"all,any" default:"any" group:"advanced"`
	UserMatchingMode   string  `json:"user_matching_mode" enum:"identifier,email_link,email_deny,username_link,username_deny" default:"identifier" group:"advanced"`
	Managed            *string `json:"managed" is:"readonly,unique"`
	UserPathTemplate   string  `json:"user_path_template" default:"goauthentik.io/sources/%(slug)s" group:"advanced"`
	Icon               *string `json:"icon" is:"computed,required"`

	IconFile string `json:"icon_file" is:"hidden"`
}

// Source gives the shared part of any source.
func (b *Base) Source() *Base { return b }

// Source is implemented by every kind that embeds Base.
type Source interface{ Source() *Base }

// Enterable is a source that a browser can be sent to; the path is where it begins.
type Enterable interface {
	Source
	LoginPath() string
}

// Validate implements store.Validator.
func (b *Base) Validate() error {
	var bad fault.Fields
	if strings.Contains(b.UserPathTemplate, "%") && strings.Contains(strings.ReplaceAll(b.UserPathTemplate, "%(slug)s", ""), "%") {
		bad.Add("user_path_template", "Only %(slug)s can be filled in here.")
	}
	return bad.Err()
}

// Deleting implements store.Deleter: the built-in source stays.
func (b *Base) Deleting(*store.Tx) error {
	if b.Managed != nil && *b.Managed == BuiltInManaged {
		return fault.New(fault.Invalid, "The built-in source stands for Gatehouse's own users and can't be deleted.")
	}
	return nil
}

// BuiltIn is the source of Gatehouse's own users.
type BuiltIn struct{ Base }

// Kinds gives the base kind and the built-in one, and the collection over all connections.
func Kinds(d Deps) []*kind.Kind {
	return []*kind.Kind{
		kind.Of[Base](Family, kind.Spec{
			Path: Family.All, Model: "authentik_core.source", Schema: "Source", Title: "Source",
			Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"name"}, By: []string{"managed", "name", "slug"},
			Present: Present, Actions: d.actions(),
		}, nil),
		kind.Of[BuiltIn](Family, kind.Spec{
			Path: "", Model: "authentik_core.builtinsource", Schema: "BuiltInSource", Title: "Built-in", Plural: "Built-in",
			About: "Gatehouse's own users.",
		}, nil),
		d.allConnections(),
	}
}

// Seed stores the built-in source; it is there from the first start.
func Seed(tx *store.Tx) error {
	managed := BuiltInManaged
	_, err := store.FindTx[BuiltIn](tx, "slug", "authentik-built-in")
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	k := store.KindOf[BuiltIn](tx.Store())
	b := k.New().(*BuiltIn)
	b.Name, b.Slug, b.Managed = "authentik Built-in", "authentik-built-in", &managed
	return tx.Create(b)
}
