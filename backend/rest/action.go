package rest

import (
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"

	"github.com/go-chi/chi/v5"
)

var (
	noneType     = reflect.TypeFor[kind.None]()
	downloadType = reflect.TypeFor[kind.Download]()
)

// action hangs an action of a kind beside its verbs.
func (a *API) action(k *kind.Kind, act *kind.Action) {
	path := k.Path + "/" + act.Path
	if act.Detail {
		path = k.Path + "/{" + k.Family.Param + "}/" + act.Path
	}
	tag, _, _ := strings.Cut(k.Path, "/")
	op := a.describe(act, path, tag)
	if op.id == "" {
		op.id = strings.NewReplacer("/", "_", "-", "_").Replace(k.Path+"/"+act.Path) + "_" + verbOf(act.Method)
	}
	if act.Detail {
		op.pathParam = a.pathParam(k)
	}
	a.route(op, act.Access, func(ctx context.Context, r *http.Request) (reply, error) {
		c := &kind.Call{Query: r.URL.Query()}
		if err := a.also(ctx, act); err != nil {
			return reply{}, err
		}
		if act.Detail {
			if err := a.object(ctx, k, act, r, c); err != nil {
				return reply{}, err
			}
		} else if act.Access == kind.WithPerm && act.Perm != "" {
			if err := a.may(ctx, act.Perm, ""); err != nil {
				return reply{}, err
			}
		}
		return a.run(ctx, act, c, r)
	})
}

// object loads what a detail action is about.
func (a *API) object(ctx context.Context, k *kind.Kind, act *kind.Action, r *http.Request, c *kind.Call) (err error) {
	if c.Key, err = key(k, r); err != nil {
		return err
	}
	if k.IsBase() {
		_, c.Object, err = a.member(ctx, k, r, act.Perm)
		return err
	}
	if act.Access != kind.WithPerm {
		c.Object, err = a.Store.Get(ctx, k, lookup(k), c.Key)
		return err
	}
	c.Object, err = a.load(ctx, k, r, act.Perm, act.Owner)
	return err
}

func (a *API) also(ctx context.Context, act *kind.Action) error {
	for _, p := range act.Also {
		if err := a.may(ctx, p, ""); err != nil {
			return err
		}
	}
	return nil
}

// endpoint hangs an operation that belongs to no collection.
func (a *API) endpoint(act *kind.Action) {
	tag := act.Tag
	if tag == "" {
		tag, _, _ = strings.Cut(act.Path, "/")
	}
	op := a.describe(act, act.Path, tag)
	if op.id == "" {
		op.id = strings.NewReplacer("/", "_", "-", "_", "{", "", "}", "").Replace(act.Path) + "_" + verbOf(act.Method)
	}
	if i := strings.IndexByte(act.Path, '{'); i >= 0 {
		name := act.Path[i+1 : strings.IndexByte(act.Path, '}')]
		op.pathParam = &kind.Param{Name: name, Type: "string", Required: true}
	}
	a.route(op, act.Access, func(ctx context.Context, r *http.Request) (reply, error) {
		c := &kind.Call{Query: r.URL.Query()}
		if op.pathParam != nil {
			c.Key = pathValue(r, op.pathParam.Name)
		}
		if err := a.also(ctx, act); err != nil {
			return reply{}, err
		}
		if act.Access == kind.WithPerm && act.Perm != "" {
			pk := ""
			if act.Of != nil {
				var err error
				if pk, err = act.Of(ctx, c.Key); err != nil {
					return reply{}, err
				}
			}
			if err := a.may(ctx, act.Perm, pk); err != nil {
				return reply{}, err
			}
		}
		return a.run(ctx, act, c, r)
	})
}

func verbOf(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "partial_update"
	case http.MethodDelete:
		return "destroy"
	}
	return "retrieve"
}

// describe makes the documented operation of an action.
func (a *API) describe(act *kind.Action, path, tag string) operation {
	op := operation{
		method: act.Method, path: path, id: act.Operation, tag: tag, summary: act.Summary, params: act.Query, status: act.Status,
		multipart: act.Multipart, open: act.Access == kind.Anybody, answers: act.Answers, refused: act.Refused,
	}
	if act.In != noneType {
		a.types = append(a.types, act.In)
		op.in = a.name(act.In) + "Request"
		if act.Method == http.MethodPatch {
			op.in = "Patched" + op.in
		}
	}
	if act.Out != noneType && act.Out != downloadType {
		a.types = append(a.types, act.Out)
		op.out = a.nameOut(act.Out)
	}
	if act.Out == downloadType {
		op.out, op.raw = "", object{"application/json": object{"schema": object{"type": "string", "format": "binary"}}}
	}
	if act.Refuses != nil {
		op.refusal = a.nameOut(act.Refuses)
	}
	if op.status == 0 {
		op.status = 200
		if op.out == "" && op.raw == nil {
			op.status = 204
		}
	}
	return op
}

// run reads the body of an action, calls it and encodes what it gives.
func (a *API) run(ctx context.Context, act *kind.Action, c *kind.Call, r *http.Request) (reply, error) {
	var in any
	whole := act.Method != http.MethodPatch
	switch {
	case act.Multipart:
		if err := readForm(r, c); err != nil {
			return reply{}, err
		}
		if act.In != noneType {
			in = kind.Fresh(act.In)
			if err := a.apply(ctx, fieldsOf(act.In), parts(c), in, true); err != nil {
				return reply{}, err
			}
		}
	case act.In != noneType:
		body, err := readBody(r)
		if err != nil {
			return reply{}, err
		}
		c.Apply = func(onto any) error {
			if k := a.Store.KindFor(onto); k != nil {
				return a.apply(ctx, k.Fields, body, onto, whole)
			}
			return a.apply(ctx, fieldsOf(reflect.TypeOf(onto).Elem()), body, onto, whole)
		}
		in = kind.Fresh(act.In)
		if whole {
			if err := c.Apply(in); err != nil {
				return reply{}, err
			}
		}
	}
	out, err := act.Do(ctx, c, in)
	if err != nil {
		return reply{}, err
	}
	code := act.Status
	if code == 0 {
		code = http.StatusOK
	}
	if code == http.StatusNoContent && act.Out != noneType { // published so, and an answer with a body can't be one (RFC 9110 section 15.3.5)
		code = http.StatusOK
	}
	switch x := out.(type) {
	case kind.None, nil:
		if act.Status == 0 {
			code = http.StatusNoContent
		}
		return reply{status: code}, nil
	case kind.Download:
		return reply{file: &x}, nil
	case json.RawMessage:
		return reply{status: code, body: x}, nil
	}
	e := encoder{api: a}
	v := reflect.ValueOf(out)
	if v.Kind() == reflect.Struct { // addressable, so that what is inside can be pointed at
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p
	}
	if v.Kind() == reflect.Pointer {
		if k := a.Store.KindFor(v.Interface()); k != nil {
			show, err := a.secrets(ctx, k)
			if err != nil {
				return reply{}, err
			}
			e.show = show(v.Interface())
			err = e.object(k, v.Interface())
			return reply{status: code, body: e.buf.Bytes()}, err
		}
	}
	err = e.value(v, nil)
	return reply{status: code, body: e.buf.Bytes()}, err
}

// readForm reads a multipart body into the call.
func readForm(r *http.Request, c *kind.Call) error {
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return fault.Wrap(fault.Invalid, "Send the file as multipart/form-data.", err)
	}
	c.Form, c.Files = url.Values(r.MultipartForm.Value), map[string]kind.File{}
	for name, fs := range r.MultipartForm.File {
		if len(fs) == 0 {
			continue
		}
		f, err := open(fs[0])
		if err != nil {
			return err
		}
		c.Files[name] = f
	}
	return nil
}

// parts gives a form as a body: its texts, and of each file the name.
func parts(c *kind.Call) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	put := func(name, text string) {
		b, _ := json.Marshal(text) // a string never fails
		out[name] = b
	}
	for name, vs := range c.Form {
		if len(vs) > 0 {
			put(name, vs[len(vs)-1])
		}
	}
	for name, f := range c.Files {
		put(name, f.Name)
	}
	return out
}

func open(h *multipart.FileHeader) (kind.File, error) {
	f, err := h.Open()
	if err != nil {
		return kind.File{}, err
	}
	return kind.File{Name: h.Filename, Type: h.Header.Get("Content-Type"), Body: f}, nil
}

// pathValue gives a parameter of the path, unescaped.
func pathValue(r *http.Request, name string) string {
	v := chi.URLParam(r, name)
	if un, err := url.PathUnescape(v); err == nil {
		return un
	}
	return v
}
