package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// TypeCreate is a kind that can be created, as its family tells.
type TypeCreate struct {
	Name        string `json:"name" is:"required"`
	Description string `json:"description" is:"required"`
	Component   string `json:"component" is:"required"`
	ModelName   string `json:"model_name" is:"required"`
	Enterprise  bool   `json:"requires_enterprise" default:"false"`
}

// family hangs the collection over all kinds of a family: list, one, delete, used_by, types, and the base kind's actions.
func (a *API) family(base *kind.Kind) {
	id := strings.ReplaceAll(base.Path, "/", "_")
	tag, _, _ := strings.Cut(base.Path, "/")
	detail := base.Path + "/{" + base.Family.Param + "}"
	param := a.pathParam(base)
	list := operation{method: "GET", path: base.Path, id: id + "_list", tag: tag, out: "Paginated" + base.Schema + "List", status: 200, params: a.listParams(base)}
	a.route(list, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.listFamily(ctx, base, r) })
	one := operation{method: "GET", path: detail, id: id + "_retrieve", tag: tag, out: base.Schema, status: 200, pathParam: param}
	a.route(one, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) {
		k, obj, err := a.member(ctx, base, r, base.Perm("view"))
		if err != nil {
			return reply{}, err
		}
		return a.showBase(ctx, base, k, obj)
	})
	drop := operation{method: "DELETE", path: detail, id: id + "_destroy", tag: tag, status: 204, pathParam: param}
	a.route(drop, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) {
		k, obj, err := a.member(ctx, base, r, base.Perm("delete"))
		if err != nil {
			return reply{}, err
		}
		return reply{status: 204}, a.Store.Delete(ctx, k, k.PK(obj))
	})
	uses := operation{method: "GET", path: detail + "/used_by", id: id + "_used_by_list", tag: tag, out: "[]UsedBy", status: 200, pathParam: param}
	a.route(uses, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) {
		k, obj, err := a.member(ctx, base, r, base.Perm("view"))
		if err != nil {
			return reply{}, err
		}
		return a.uses(ctx, k, k.PK(obj))
	})
	types := operation{method: "GET", path: base.Path + "/types", id: id + "_types_list", tag: tag, out: "[]TypeCreate", status: 200}
	a.route(types, kind.SignedIn, func(context.Context, *http.Request) (reply, error) {
		out := []TypeCreate{}
		for _, k := range a.Store.Family(base.Family.Name) {
			if k.IsBase() || k.Trial || k.Path == "" || k.Verbs&kind.Create == 0 {
				continue
			}
			for _, v := range k.Variants {
				out = append(out, TypeCreate{Name: v.Title, Description: v.About, Component: k.Component, ModelName: v.ModelName, Enterprise: k.Enterprise})
			}
			if len(k.Variants) == 0 {
				out = append(out, TypeCreate{Name: k.Title, Description: k.About, Component: k.Component, ModelName: k.ModelName(), Enterprise: k.Enterprise})
			}
		}
		slices.SortFunc(out, func(a, b TypeCreate) int { return cmp.Compare(a.Name, b.Name) })
		b, err := json.Marshal(out)
		return reply{status: 200, body: b}, err
	})
	for i := range base.Actions {
		a.action(base, &base.Actions[i])
	}
}

// member finds an object of any kind of the family and checks the permission on the base kind or on its own.
func (a *API) member(ctx context.Context, base *kind.Kind, r *http.Request, perm string) (*kind.Kind, any, error) {
	id, err := key(base, r)
	if err != nil {
		return nil, nil, err
	}
	actor := store.ActorOf(ctx)
	verb, generic := strings.CutSuffix(strings.TrimPrefix(perm, base.App()+"."), "_"+base.ModelName())
	k, obj, err := a.Store.FindIn(ctx, base.Family.Name, lookup(base), id)
	if err != nil {
		if fault.Is(err, fault.NotFound) && !a.mayAny(ctx, base, perm, verb, generic) {
			return nil, nil, denied()
		}
		return nil, nil, err
	}
	own := perm
	if generic {
		own = k.Perm(verb)
	}
	for _, p := range []string{perm, own} {
		ok, err := a.Perms.May(ctx, actor, p, k.PK(obj))
		if err != nil {
			return nil, nil, err
		}
		if ok {
			return k, obj, nil
		}
	}
	return nil, nil, denied()
}

// mayAny says whether the actor holds a permission on anything in the family: who does not learns nothing of what there is.
func (a *API) mayAny(ctx context.Context, base *kind.Kind, perm, verb string, generic bool) bool {
	for _, k := range a.Store.Family(base.Family.Name) {
		p := perm
		if generic {
			p = k.Perm(verb)
		}
		if all, pks, err := a.Perms.Objects(ctx, store.ActorOf(ctx), p); err == nil && (all || len(pks) > 0) {
			return true
		}
	}
	return false
}

func (a *API) listFamily(ctx context.Context, base *kind.Kind, r *http.Request) (reply, error) {
	in, err := a.query(ctx, base, r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	page, err := a.Store.ListIn(ctx, base.Family.Name, in)
	if err != nil {
		return reply{}, err
	}
	if base.Present != nil {
		if err := base.Present(ctx, page.Rows, r.URL.Query()); err != nil {
			return reply{}, err
		}
	}
	e := encoder{api: a}
	envelope(&e.buf, in, page.Count, len(page.Rows))
	for i, row := range page.Rows {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		if err := e.base(base, a.Store.KindFor(row), row); err != nil {
			return reply{}, err
		}
	}
	e.buf.WriteString("]}")
	return reply{status: 200, body: e.buf.Bytes()}, nil
}

func (a *API) showBase(ctx context.Context, base, k *kind.Kind, obj any) (reply, error) {
	if base.Present != nil {
		if err := base.Present(ctx, []any{obj}, nil); err != nil {
			return reply{}, err
		}
	}
	e := encoder{api: a}
	err := e.base(base, k, obj)
	return reply{status: 200, body: e.buf.Bytes()}, err
}
