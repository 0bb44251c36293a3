package scim

import (
	"cmp"

	"gatehouse/backend/beyond"
	"gatehouse/backend/store"
)

// What happens at the other system to people who are not sent any more.
const (
	keep       = "keep"
	deactivate = "deactivate"
	remove     = "delete"
)

// How changes are sent.
const (
	auto  = "auto"
	put   = "put"
	patch = "patch"
)

// Beyond is what a provider has that the release does not. It is stored beside the published fields and has operations of its own.
type Beyond struct {
	Leaving string `json:"when_leaving" enum:"keep,deactivate,delete" default:"keep" help:"What happens at the other system to a person who is here still, but is not sent any more: they left the group of the filter, or became an account that is left out."`
	Gone    string `json:"when_deleted" enum:"delete,deactivate,keep" default:"delete" help:"What happens at the other system to a person who is deleted here."`
	Method  string `json:"method" enum:"auto,put,patch" default:"auto" help:"How changes of people and groups are sent: put sends them whole, patch what changed. auto takes what the other system says that it can."`
}

// SchemaName implements kind.SchemaNamer.
func (Beyond) SchemaName() string { return "SCIMProviderBeyond" }

// Beyond gives the fields that the release does not have.
func (p *Provider) Beyond() Beyond {
	return Beyond{cmp.Or(p.Leaving, keep), cmp.Or(p.Gone, remove), cmp.Or(p.Method, auto)}
}

// Beyond keeps them.
func (r *Room) Beyond() beyond.Settings[Provider, Beyond] {
	return beyond.Settings[Provider, Beyond]{Store: r.Store, Of: (*Provider).Beyond, Put: func(_ *store.Tx, p *Provider, in Beyond) error {
		p.Leaving, p.Gone, p.Method = in.Leaving, in.Gone, in.Method
		return nil
	}}
}
