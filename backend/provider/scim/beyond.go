package scim

import (
	"context"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
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
	or := func(v, usual string) string {
		if v == "" {
			return usual
		}
		return v
	}
	return Beyond{or(p.Leaving, keep), or(p.Gone, remove), or(p.Method, auto)}
}

func (r *Room) getBeyond(ctx context.Context, c *kind.Call, _ *kind.None) (Beyond, error) {
	p, err := r.stored(ctx, c.Key)
	if err != nil {
		return Beyond{}, err
	}
	return p.Beyond(), nil
}

func (r *Room) setBeyond(ctx context.Context, c *kind.Call, in *Beyond) (Beyond, error) {
	if _, err := r.stored(ctx, c.Key); err != nil {
		return Beyond{}, err
	}
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		p, err := store.FindTx[Provider](tx, "pk", c.Key)
		if err != nil {
			return err
		}
		p.Leaving, p.Gone, p.Method = in.Leaving, in.Gone, in.Method
		return tx.Update(p)
	})
	return *in, err
}

// stored reads a provider by its key as it came in an address.
func (r *Room) stored(ctx context.Context, key string) (*Provider, error) {
	if _, err := strconv.ParseInt(key, 10, 64); err != nil {
		return nil, fault.New(fault.NotFound, "Not found.")
	}
	return store.Get[Provider](ctx, r.Store, key)
}
