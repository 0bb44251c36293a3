package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"github.com/go-chi/chi/v5"
)

const (
	defaultPage = 100
	largestPage = 10_000
)

// resource hangs the verbs and actions of one kind.
func (a *API) resource(k *kind.Kind) {
	id := strings.NewReplacer("/", "_", "-", "_").Replace(k.Path)
	tag, _, _ := strings.Cut(k.Path, "/")
	detail := k.Path + "/{" + k.Family.Param + "}"
	param := a.pathParam(k)
	first := len(a.ops)
	defer func() {
		for i := first; i < len(a.ops); i++ {
			a.ops[i].unlisted = k.Unlisted
		}
	}()
	op := func(method, path, verb string) operation {
		o := operation{method: method, path: path, id: id + "_" + verb, tag: tag, status: 200, out: k.Schema, summary: k.About}
		if path != k.Path {
			o.pathParam = param
		}
		return o
	}
	if k.Verbs&kind.List != 0 {
		o := op("GET", k.Path, "list")
		o.out, o.params = "Paginated"+k.Schema+"List", a.listParams(k)
		a.route(o, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.list(ctx, k, r.URL.Query()) })
	}
	if k.Verbs&kind.Create != 0 {
		o := op("POST", k.Path, "create")
		o.in, o.status = k.Schema+"Request", 201
		a.route(o, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.create(ctx, k, r) })
	}
	if k.Verbs&kind.Retrieve != 0 {
		a.route(op("GET", detail, "retrieve"), kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.retrieve(ctx, k, r) })
	}
	if k.Verbs&kind.Update != 0 {
		put, patch := op("PUT", detail, "update"), op("PATCH", detail, "partial_update")
		if describedBody(k) {
			put.in, patch.in = k.Schema+"Request", "Patched"+k.Schema+"Request"
		}
		a.route(put, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.update(ctx, k, r, true) })
		a.route(patch, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.update(ctx, k, r, false) })
	}
	if k.Verbs&kind.Delete != 0 {
		o := op("DELETE", detail, "destroy")
		o.out, o.status = "", 204
		a.route(o, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.destroy(ctx, k, r) })
	}
	if k.Verbs&kind.UsedBy != 0 {
		o := op("GET", detail+"/used_by", "used_by_list")
		o.out = "[]UsedBy"
		a.route(o, kind.SignedIn, func(ctx context.Context, r *http.Request) (reply, error) { return a.usedBy(ctx, k, r) })
	}
	for i := range k.Actions {
		a.action(k, &k.Actions[i])
	}
}

// describedBody says whether there is anything that a body may carry.
func describedBody(k *kind.Kind) bool {
	return slices.ContainsFunc(k.Fields, func(f kind.Field) bool { return f.InBody() && !f.Quiet })
}

// pathParam describes the parameter of the detail URLs.
func (a *API) pathParam(k *kind.Kind) *kind.Param {
	p := &kind.Param{Name: k.Family.Param, Type: "string", Required: true}
	switch f := k.Field(lookup(k)); {
	case f != nil && f.Type == "integer":
		p.Type = "integer"
	case f != nil && f.Name == k.PKField().Name && k.Family.Key == kind.UUID:
		p.Format = "uuid"
	}
	return p
}

// lookup is the field that detail URLs name an object by.
func lookup(k *kind.Kind) string {
	if k.Family.Lookup != "" {
		return k.Family.Lookup
	}
	return k.PKField().Name
}

// key reads the URL parameter of a detail operation in the form that is stored; NotFound when it can't be one.
func key(k *kind.Kind, r *http.Request) (string, error) {
	v := chi.URLParam(r, k.Family.Param)
	if un, err := url.PathUnescape(v); err == nil {
		v = un
	}
	f := k.Field(lookup(k))
	if f == nil {
		return v, nil
	}
	gone := fault.Newf(fault.NotFound, "No %s matches the given query.", k.Schema)
	switch {
	case f.Type == "integer":
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return "", gone
		}
	case f.Name == k.PKField().Name && k.Family.Key == kind.UUID:
		if !kind.UUIDText.MatchString(v) {
			return "", gone
		}
		v = kind.Dashed(v)
	}
	return v, nil
}

// load reads the object of a detail operation and checks that the actor may do perm to it; owner says whether its owner may always.
func (a *API) load(ctx context.Context, k *kind.Kind, r *http.Request, perm string, owner bool) (any, error) {
	id, err := key(k, r)
	if err != nil {
		return nil, err
	}
	obj, err := a.Store.Get(ctx, k, lookup(k), id)
	if err != nil {
		// Who may not look at anything here learns nothing of what there is; an object with an owner is hidden from others anyway.
		if fault.Is(err, fault.NotFound) && k.Owner == "" {
			if all, pks, perr := a.Perms.Objects(ctx, store.ActorOf(ctx), perm); perr == nil && !all && len(pks) == 0 {
				return nil, denied()
			}
		}
		return nil, err
	}
	return obj, a.mayObject(ctx, k, obj, perm, owner)
}

// mayObject says whether the actor may do perm to obj. What belongs to somebody is NotFound for who may not even see it, and Denied for who may.
func (a *API) mayObject(ctx context.Context, k *kind.Kind, obj any, perm string, owner bool) error {
	mine := a.owns(ctx, k, obj)
	if owner && mine {
		return nil
	}
	gone := fault.Newf(fault.NotFound, "No %s matches the given query.", k.Schema)
	if k.OwnerOnly {
		return gone
	}
	actor := store.ActorOf(ctx)
	ok, err := a.Perms.May(ctx, actor, perm, k.PK(obj))
	if err != nil || ok {
		return err
	}
	if k.Owner == "" || mine && ownerMay(k, kind.Retrieve) {
		return denied()
	}
	sees, err := a.Perms.May(ctx, actor, k.Perm("view"), k.PK(obj))
	if err != nil {
		return err
	}
	if sees {
		return denied()
	}
	return gone
}

// ownerMay says whether owners need no permission for a verb.
func ownerMay(k *kind.Kind, verb kind.Verb) bool {
	return k.Owner != "" && (k.OwnerMay == 0 || k.OwnerMay&verb != 0)
}

func (a *API) owns(ctx context.Context, k *kind.Kind, obj any) bool {
	if k.Owner == "" {
		return false
	}
	v := k.Value(obj, k.Field(k.Owner))
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	me := store.ActorOf(ctx).UserPK
	return me != 0 && v.Kind() == reflect.Int64 && v.Int() == me
}

// secrets gives a function that says whether the secrets of an object are shown: only to who may change it (decisions 19).
func (a *API) secrets(ctx context.Context, k *kind.Kind) (func(obj any) bool, error) {
	has := false
	for i := range k.Fields {
		has = has || k.Fields[i].Secret && k.Fields[i].OnWire()
	}
	if !has {
		return func(any) bool { return false }, nil
	}
	all, pks, err := a.Perms.Objects(ctx, store.ActorOf(ctx), k.Perm("change"))
	if err != nil {
		return nil, err
	}
	return func(obj any) bool {
		if all || slices.Contains(pks, k.PK(obj)) || ownerMay(k, kind.Update) && a.owns(ctx, k, obj) {
			return true
		}
		if k.Reveal == nil {
			return false
		}
		ok, err := k.Reveal(ctx, obj)
		if err != nil {
			a.Log.ErrorContext(ctx, "secrets are not shown", "kind", k.Title, "error", err, "logger", "gatehouse.rest")
		}
		return ok
	}, nil
}

func (a *API) list(ctx context.Context, k *kind.Kind, q url.Values) (reply, error) {
	in, err := a.query(ctx, k, q)
	if err != nil {
		return reply{}, err
	}
	show, err := a.secrets(ctx, k)
	if err != nil {
		return reply{}, err
	}
	in.Secrets = show != nil && show(k.New())
	page, err := a.Store.List(ctx, k, in)
	if err != nil {
		return reply{}, err
	}
	if k.Visible != nil {
		if page.Rows, err = k.Visible(ctx, page.Rows, q); err != nil {
			return reply{}, err
		}
	}
	if k.Present != nil {
		if err := k.Present(ctx, page.Rows, q); err != nil {
			return reply{}, err
		}
	}
	e := encoder{api: a}
	envelope(&e.buf, in, page.Count, len(page.Rows))
	for i, row := range page.Rows {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		e.show = show(row)
		began := e.buf.Len()
		if err := e.object(k, row); err != nil {
			return reply{}, err
		}
		if i == 0 { // the others are about as long
			e.buf.Grow((e.buf.Len() - began + 1) * len(page.Rows) * 9 / 8)
		}
	}
	e.buf.WriteString("]}")
	return reply{status: 200, body: e.buf.Bytes()}, nil
}

// query reads the parameters of a list and narrows it to what the actor may see.
func (a *API) query(ctx context.Context, k *kind.Kind, q url.Values) (store.Query, error) {
	actor := store.ActorOf(ctx)
	in := store.Query{Page: 1, PageSize: defaultPage, Search: q.Get("search"), Filters: q}
	if v := q.Get("page"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return in, fault.New(fault.NotFound, "Invalid page.")
		}
		in.Page = n
	}
	if n, err := strconv.Atoi(q.Get("page_size")); err == nil && n > 0 {
		in.PageSize = min(n, largestPage)
	}
	if k.PageMax > 0 {
		in.PageSize = min(in.PageSize, k.PageMax)
	}
	if v := q.Get("ordering"); v != "" {
		in.Order = strings.Split(v, ",")
	}
	if k.Visible != nil {
		return in, nil
	}
	if k.Open&kind.List != 0 {
		return in, nil
	}
	if k.OwnerOnly && !k.ListAll {
		if actor.UserPK == 0 {
			return in, denied()
		}
		in.Owner = actor.UserPK
		return in, nil
	}
	all, pks, err := a.Perms.Objects(ctx, actor, k.Perm("view"))
	if err != nil {
		return in, err
	}
	switch {
	case all:
	case k.Owner != "":
		in.Owner, in.PKs = actor.UserPK, pks
	case len(pks) == 0:
		return in, denied()
	default:
		in.PKs = pks
	}
	return in, nil
}

// envelope writes what stands before the rows of a page.
func envelope(b *bytes.Buffer, in store.Query, count, rows int) {
	pages := (count + in.PageSize - 1) / in.PageSize
	pages = max(pages, 1)
	next, previous := 0, in.Page-1
	if in.Page < pages {
		next = in.Page + 1
	}
	start, end := (in.Page-1)*in.PageSize+1, (in.Page-1)*in.PageSize+rows
	if count == 0 {
		start = 0
	}
	fmt.Fprintf(b, `{"pagination":{"next":%d,"previous":%d,"count":%d,"current":%d,"total_pages":%d,"start_index":%d,"end_index":%d},"results":[`,
		next, previous, count, in.Page, pages, start, end)
}

// show presents one object and encodes it.
func (a *API) show(ctx context.Context, k *kind.Kind, obj any, status int) (reply, error) {
	if k.Present != nil {
		if err := k.Present(ctx, []any{obj}, url.Values{}); err != nil {
			return reply{}, err
		}
	}
	show, err := a.secrets(ctx, k)
	if err != nil {
		return reply{}, err
	}
	e := encoder{api: a, show: show(obj)}
	err = e.object(k, obj)
	return reply{status: status, body: e.buf.Bytes()}, err
}

func (a *API) retrieve(ctx context.Context, k *kind.Kind, r *http.Request) (reply, error) {
	var obj any
	var err error
	if k.Open&kind.Retrieve != 0 {
		var id string
		if id, err = key(k, r); err == nil {
			obj, err = a.Store.Get(ctx, k, lookup(k), id)
		}
	} else {
		obj, err = a.load(ctx, k, r, k.Perm("view"), ownerMay(k, kind.Retrieve))
	}
	if err != nil {
		return reply{}, err
	}
	return a.show(ctx, k, obj, 200)
}

// apply decodes a body onto obj and notes in the log what no field has the name of.
func (a *API) apply(ctx context.Context, fields []kind.Field, body map[string]json.RawMessage, obj any, whole bool) error {
	unknown, err := kind.Decode(fields, body, reflect.ValueOf(obj).Elem(), whole)
	if len(unknown) > 0 {
		a.Log.InfoContext(ctx, "unknown fields in a body were ignored", "fields", strings.Join(unknown, ", "), "path", store.ActorOf(ctx).HTTP.Path, "logger", "gatehouse.rest")
	}
	return err
}

func (a *API) create(ctx context.Context, k *kind.Kind, r *http.Request) (reply, error) {
	if !ownerMay(k, kind.Create) {
		if err := a.may(ctx, k.Perm("add"), ""); err != nil {
			return reply{}, err
		}
	}
	body, err := readBody(r)
	if err != nil {
		return reply{}, err
	}
	var obj any
	err = a.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		obj = k.New()
		if err := a.apply(ctx, k.Fields, body, obj, true); err != nil {
			return err
		}
		return tx.Create(obj)
	})
	if err != nil {
		return reply{}, err
	}
	return a.again(ctx, k, obj, 201)
}

// again reads what was just stored, so that the answer shows what a later one will.
func (a *API) again(ctx context.Context, k *kind.Kind, obj any, status int) (reply, error) {
	obj, err := a.Store.Get(ctx, k, k.PKField().Name, k.PK(obj))
	if err != nil {
		return reply{}, err
	}
	return a.show(ctx, k, obj, status)
}

func (a *API) update(ctx context.Context, k *kind.Kind, r *http.Request, whole bool) (reply, error) {
	obj, err := a.load(ctx, k, r, k.Perm("change"), ownerMay(k, kind.Update))
	if err != nil {
		return reply{}, err
	}
	body, err := readBody(r)
	if err != nil {
		return reply{}, err
	}
	pk := k.PK(obj)
	err = a.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		obj, err := tx.Get(k, pk)
		if err != nil {
			return err
		}
		key := k.Value(obj, k.PKField())
		was := reflect.ValueOf(key.Interface())
		if err := a.apply(ctx, k.Fields, body, obj, whole); err != nil {
			return err
		}
		key.Set(was) // a body that carries the key does not move the object
		return tx.Update(obj)
	})
	if err != nil {
		return reply{}, err
	}
	return a.again(ctx, k, obj, 200)
}

func (a *API) destroy(ctx context.Context, k *kind.Kind, r *http.Request) (reply, error) {
	obj, err := a.load(ctx, k, r, k.Perm("delete"), ownerMay(k, kind.Delete))
	if err != nil {
		return reply{}, err
	}
	return reply{status: 204}, a.Store.Delete(ctx, k, k.PK(obj))
}

func (a *API) usedBy(ctx context.Context, k *kind.Kind, r *http.Request) (reply, error) {
	obj, err := a.load(ctx, k, r, k.Perm("view"), ownerMay(k, kind.Retrieve))
	if err != nil {
		return reply{}, err
	}
	return a.uses(ctx, k, k.PK(obj))
}

// uses tells who points at an object, as far as the actor may see them.
func (a *API) uses(ctx context.Context, k *kind.Kind, pk string) (reply, error) {
	out, err := a.Uses(ctx, k, pk)
	if err != nil {
		return reply{}, err
	}
	b, err := json.Marshal(out)
	return reply{status: 200, body: b}, err
}

// listParams describes the parameters of a kind's list.
func (a *API) listParams(k *kind.Kind) []kind.Param {
	var out []kind.Param
	for i := range k.Fields {
		f := &k.Fields[i]
		if !store.Filterable(k, f) || slices.ContainsFunc(k.Filters, func(x kind.Filter) bool { return x.Name == f.Name }) {
			continue
		}
		p := kind.Param{Name: f.Name, Type: f.Type, Format: f.Format, Enum: f.Enum}
		if f.Ref != nil && f.Type == "string" || f.Ref != nil && f.Items == "string" {
			p.Format = "uuid"
		}
		switch p.Format {
		case "date-time", "uuid":
		default:
			p.Format = ""
		}
		out = append(out, p)
	}
	for _, f := range k.Filters {
		out = append(out, kind.Param{Name: f.Name, Type: f.Type, Items: f.Items, Format: f.Format, Enum: f.Enum, Required: f.Required})
	}
	out = append(out, k.Params...)
	for _, n := range [...][2]string{{"ordering", "string"}, {"page", "integer"}, {"page_size", "integer"}, {"search", "string"}} {
		out = append(out, kind.Param{Name: n[0], Type: n[1]})
	}
	return out
}
