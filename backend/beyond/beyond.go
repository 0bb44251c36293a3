// Package beyond is how objects have settings that the release does not: kept in hidden fields beside the published ones, with operations of
// their own, so that the published description stays as it is.
//
//	GET, PUT, PATCH gatehouse/{path of the kind}/{key}/beyond ─▶ decoded ─▶ Put: checked and put onto the object ─▶ saved, one transaction
//	a blueprint's attribute "gatehouse" ──────────────────────────┘
package beyond

import (
	"cmp"
	"context"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Settings are those of objects P; B is how they are written.
type Settings[P, B any] struct {
	Store *store.Store
	// Of gives what an object has.
	Of func(p *P) B
	// Put checks the settings and puts them onto an object, which is saved after it. It may run twice.
	Put func(tx *store.Tx, p *P, in B) error
}

// field is what an address names an object by.
func (s Settings[P, B]) field() string {
	k := s.Kind()
	return cmp.Or(k.Family.Lookup, k.PKField().Name)
}

func (s Settings[P, B]) find(ctx context.Context, key string) (*P, error) {
	return store.Find[P](ctx, s.Store, s.field(), key)
}

// Key gives the primary key of the object that an address names, for kind.Action.Of.
func (s Settings[P, B]) Key(ctx context.Context, key string) (string, error) {
	p, err := s.find(ctx, key)
	if err != nil {
		return "", err
	}
	return s.Kind().PK(p), nil
}

// Actions are the operations. PUT has a whole body, PATCH keeps what its body leaves out.
func (s Settings[P, B]) Actions() []kind.Action {
	k := s.Kind()
	path := "gatehouse/" + k.Path + "/{" + k.Family.Param + "}/beyond"
	get := kind.Do("GET", path, func(ctx context.Context, c *kind.Call, _ *kind.None) (out B, err error) {
		p, err := s.find(ctx, c.Key)
		if err != nil {
			return out, err
		}
		return s.Of(p), nil
	})
	put := kind.Do("PUT", path, func(ctx context.Context, c *kind.Call, in *B) (B, error) {
		return s.save(ctx, c.Key, func(B) (B, error) { return *in, nil })
	})
	patch := kind.Do("PATCH", path, func(ctx context.Context, c *kind.Call, _ *B) (B, error) {
		return s.save(ctx, c.Key, func(now B) (B, error) {
			err := c.Apply(&now)
			return now, err
		})
	})
	get.Summary, get.Perm = k.Title+": the settings that the release does not have.", k.Perm("view")
	put.Summary, put.Perm = k.Title+": sets all that the release does not have.", k.Perm("change")
	patch.Summary, patch.Perm = k.Title+": changes some of what the release does not have.", k.Perm("change")
	out := []kind.Action{get, put, patch}
	for i := range out {
		out[i].Of = s.Key
	}
	return out
}

func (s Settings[P, B]) save(ctx context.Context, key string, next func(now B) (B, error)) (out B, err error) {
	err = s.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		p, err := store.FindTx[P](tx, s.field(), key)
		if err != nil {
			return err
		}
		in, err := next(s.Of(p))
		if err != nil {
			return err
		}
		if err := s.Put(tx, p, in); err != nil {
			return err
		}
		out = s.Of(p)
		return tx.Update(p)
	})
	return out, err
}
