package rest

import (
	"context"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// verbs are the permission words of what one does with an object.
var verbs = map[kind.Verb]string{kind.Retrieve: "view", kind.Create: "add", kind.Update: "change", kind.Delete: "delete"}

// Allowed says nil when the actor may do that with an object as its own operation would let them: by a permission on all objects or on
// this one, as its owner, or at the twin collection. obj is nil for kind.Create.
func (a *API) Allowed(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error {
	if k.View || k.IsBase() || k.Path == "" {
		return fault.New(fault.NotFound, "Not found.")
	}
	twin := k.Twin != nil && k.Twin.Verbs&verb != 0
	if k.Verbs&verb == 0 && !twin {
		return fault.Newf(fault.Invalid, "Nobody can %s a %s.", map[kind.Verb]string{kind.Create: "create", kind.Update: "change", kind.Delete: "delete", kind.Retrieve: "look at"}[verb], k.Title)
	}
	if verb == kind.Create {
		if ownerMay(k, kind.Create) {
			return nil
		}
		return a.may(ctx, k.Perm("add"), "")
	}
	var err error
	if k.Verbs&verb != 0 {
		if err = a.mayObject(ctx, k, obj, k.Perm(verbs[verb]), ownerMay(k, verb)); err == nil {
			return nil
		}
	}
	if twin {
		if err = a.mayObject(ctx, k.AsTwin(), obj, k.Perm(verbs[verb]), false); err == nil {
			return nil
		}
	}
	if base := a.base(k); base != nil && verb != kind.Update {
		if a.may(ctx, base.Perm(verbs[verb]), k.PK(obj)) == nil {
			return nil
		}
	}
	return err
}

// base gives the kind that describes what all kinds of k's family share, nil when there is none.
func (a *API) base(k *kind.Kind) *kind.Kind {
	for _, b := range a.Store.Family(k.Family.Name) {
		if b.IsBase() {
			return b
		}
	}
	return nil
}

// Reach narrows a query to the objects of a kind that the actor may look at; ok is false when there are none.
func (a *API) Reach(ctx context.Context, k *kind.Kind) (q store.Query, ok bool, err error) {
	actor := store.ActorOf(ctx)
	kinds := []*kind.Kind{k}
	if base := a.base(k); base != nil {
		kinds = append(kinds, base)
	}
	for _, k := range kinds {
		all, pks, err := a.Perms.Objects(ctx, actor, k.Perm("view"))
		if err != nil || all {
			return store.Query{}, all, err
		}
		q.PKs = append(q.PKs, pks...)
	}
	if k.Owner != "" && actor.UserPK != 0 {
		q.Owner = actor.UserPK
	}
	return q, q.Owner != 0 || len(q.PKs) > 0, nil
}

// Uses gives who points at an object, as far as the actor may see them.
func (a *API) Uses(ctx context.Context, k *kind.Kind, pk string) ([]store.Use, error) {
	all, err := a.Store.UsedBy(ctx, k, pk)
	if err != nil {
		return nil, err
	}
	out := []store.Use{}
	for _, u := range all {
		src := a.Store.Kind(u.App + "." + u.ModelName)
		if src == nil {
			continue
		}
		ok, err := a.Perms.May(ctx, store.ActorOf(ctx), src.Perm("view"), u.PK)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, u)
		}
	}
	return out, nil
}
