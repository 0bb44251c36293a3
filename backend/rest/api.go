// Package rest is the door /api/v3: every kind of the lists becomes a collection with the published shapes, and an OpenAPI description of
// it all falls out. It knows no kind by name.
//
//	request ─▶ signed in? ▸ CSRF ▸ permission ▸ body ─▶ store or action ─▶ encode
//	                                                └─ any error ─▶ fail (one place turns faults into answers)
package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"github.com/go-chi/chi/v5"
)

// Perms says who may do what; rbac implements it.
type Perms interface {
	May(ctx context.Context, a store.Actor, permission, object string) (bool, error)
	Objects(ctx context.Context, a store.Actor, permission string) (all bool, pks []string, err error)
}

// Deps is what the door needs.
type Deps struct {
	Store     *store.Store
	Endpoints []kind.Action // operations that belong to no collection, with whole paths
	Perms     Perms
	// CSRF says whether a change that came with a session cookie carries the session's token.
	CSRF       func(r *http.Request) bool
	Log        *slog.Logger
	Version    string
	Challenges []Challenge // of the stages, for the description
	Streams    []Stream    // what is hung by Raw, for the description
}

// maxBody is the largest JSON body in bytes, maxUpload the largest multipart body.
const (
	maxBody   = 4 << 20
	maxUpload = 32 << 20
)

// prefix is where the API lives.
const prefix = "/api/v3/"

// API is the door.
type API struct {
	Deps
	router chi.Router
	ops    []operation
	types  []reflect.Type // of bodies and answers of actions
	schema schemaCache
	shut   map[string]bool // "METHOD path" that narrow refuses
}

// operation is one documented operation.
type operation struct {
	method, path, id, tag, summary string
	params                         []kind.Param
	pathParam                      *kind.Param
	in, out                        string // component names; "[]X" for a list of X, "" for none
	status                         int
	multipart                      bool
	open                           bool // also for nobody
	refused                        int  // see kind.Action
	unlisted                       bool // described without security
	answers                        map[int]string
	refusal                        string         // component of a 400 that is not the usual one
	raw                            map[string]any // response content when it is no component
}

// reply is what a handler gives: a value to encode, or a download.
type reply struct {
	status int
	body   []byte // JSON; nil for none
	file   *kind.Download
}

type handler func(ctx context.Context, r *http.Request) (reply, error)

// New makes the door with every kind of the store.
func New(d Deps) *API {
	a := &API{Deps: d, router: chi.NewRouter()}
	a.router.NotFound(func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, fault.New(fault.NotFound, "Not found.")) })
	a.router.MethodNotAllowed(a.notAllowed)
	for _, k := range d.Store.Kinds() {
		switch {
		case k.IsBase():
			a.family(k)
		case k.Path != "":
			a.resource(k)
			if k.Twin != nil {
				a.resource(k.AsTwin())
			}
		}
	}
	for i := range d.Endpoints {
		a.endpoint(&d.Endpoints[i])
	}
	a.executor()
	a.streams()
	a.route(operation{method: "GET", path: "schema", id: "schema_retrieve", tag: "schema", open: true, status: 200,
		summary: "The OpenAPI description of this API.",
		params:  []kind.Param{{Name: "format", Type: "string", Enum: []string{"json", "yaml"}}, {Name: "lang", Type: "string", Enum: languages}},
		raw:     schemaContent(),
	}, kind.Anybody, a.serveSchema)
	a.narrow()
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// Encode gives an object in its published shape, as the actor of ctx may see it.
func (a *API) Encode(ctx context.Context, obj any) (json.RawMessage, error) {
	out, err := a.show(ctx, a.Store.KindFor(obj), obj, http.StatusOK)
	return out.body, err
}

// Fail answers an error; for handlers that were hung by Raw.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }

// Raw hangs a handler that streams below the API, behind sign-in and a global permission ("" = any signed-in user).
func (a *API) Raw(method, path, permission string, h http.HandlerFunc) {
	a.router.Method(method, prefix+path+"/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.enter(r, kind.SignedIn); err != nil {
			a.fail(w, r, err)
			return
		}
		if permission != "" {
			if err := a.may(r.Context(), permission, ""); err != nil {
				a.fail(w, r, err)
				return
			}
		}
		h(w, r)
	}))
}

// Handle hangs a handler that answers anybody by itself below the API (the flow executor).
func (a *API) Handle(pattern string, h http.HandlerFunc) { a.router.HandleFunc(prefix+pattern, h) }

// methods gives what may be done at the path of a request.
func (a *API) methods(r *http.Request) (out []string) {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	for _, m := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if c := chi.NewRouteContext(); a.router.Match(c, m, path) && !a.shut[m+" "+strings.TrimSuffix(c.RoutePattern(), "/")] {
			out = append(out, m)
		}
	}
	return out
}

// route hangs an operation.
func (a *API) route(op operation, access kind.Access, h handler) {
	a.ops = append(a.ops, op)
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := a.enter(r, access)
		var out reply
		if err == nil {
			limit := int64(maxBody)
			if op.multipart {
				limit = maxUpload
			}
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			if out, err = h(r.Context(), r); op.refused != 0 && fault.Is(err, fault.Denied) {
				err = &refusedAs{op.refused, err}
			}
		}
		if err != nil {
			a.fail(w, r, err)
			return
		}
		a.answer(w, out)
	})
	a.router.Method(op.method, prefix+op.path+"/", serve)
	if op.method == http.MethodGet { // HEAD is GET without its body (RFC 9110 9.3.2); net/http leaves that out
		a.router.Method(http.MethodHead, prefix+op.path+"/", serve)
	}
}

// enter is the guard in front of every operation.
func (a *API) enter(r *http.Request, access kind.Access) error {
	actor := store.ActorOf(r.Context())
	if access != kind.Anybody && access != kind.InSession && !actor.SignedIn() {
		return fault.New(fault.Unauthenticated, "Authentication credentials were not provided.")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if actor.SignedIn() && actor.Token == "" && !a.CSRF(r) {
		return fault.New(fault.Denied, "CSRF Failed: CSRF token missing or incorrect.")
	}
	return nil
}

// may says Denied unless the actor holds the permission globally or on the object.
func (a *API) may(ctx context.Context, permission, object string) error {
	ok, err := a.Perms.May(ctx, store.ActorOf(ctx), permission, object)
	if err != nil || ok {
		return err
	}
	return denied()
}

func denied() error {
	return fault.New(fault.Denied, "You do not have permission to perform this action.")
}

func (a *API) answer(w http.ResponseWriter, out reply) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie")
	if out.file != nil {
		h.Set("Content-Type", out.file.Type)
		if out.file.Name != "" {
			h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": out.file.Name}))
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(out.file.Body)
		return
	}
	if out.body == nil {
		if out.status == http.StatusOK {
			h.Set("Content-Type", "application/json")
			w.WriteHeader(out.status)
			return
		}
		w.WriteHeader(out.status)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body)
}

// status is the HTTP status of each kind of fault.
var status = map[fault.Kind]int{
	fault.Internal: 500, fault.Invalid: 400, fault.Unauthenticated: 403, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 400,
	fault.TooLarge: 413, fault.TooMany: 429, fault.Unavailable: 503, fault.Method: 405, fault.Media: 415,
}

// refusedAs is a refusal with the published status of its operation.
type refusedAs struct {
	status int
	error
}

// Unwrap gives the refusal.
func (r *refusedAs) Unwrap() error { return r.error }

// fail answers an error: the only place that does.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = fault.Newf(fault.TooLarge, "The body is larger than %d bytes.", tooLarge.Limit)
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Later {
		a.Log.InfoContext(r.Context(), "asked for what comes later", "issue", f.Issue, "sentence", f.Say, "path", r.URL.Path, "method", r.Method, "logger", "gatehouse.rest")
	}
	var refused *kind.Refusal
	if errors.As(err, &refused) {
		e := encoder{api: a}
		v := reflect.New(reflect.TypeOf(refused.Body))
		v.Elem().Set(reflect.ValueOf(refused.Body))
		if err = e.value(v, nil); err == nil {
			a.answer(w, reply{status: http.StatusBadRequest, body: e.buf.Bytes()})
			return
		}
	}
	f := fault.As(err)
	code := status[f.Kind]
	if as := (*refusedAs)(nil); errors.As(err, &as) {
		code = as.status
	}
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		a.Log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "method", r.Method, "error", f.Error(), "logger", "gatehouse.rest")
	}
	body := map[string]any{}
	switch {
	case len(f.Fields) > 0:
		for name, ms := range f.Fields {
			into := body
			for outer, rest, ok := strings.Cut(name, fault.Inside); ok; outer, rest, ok = strings.Cut(name, fault.Inside) {
				next, is := into[outer].(map[string]any)
				if !is {
					next = map[string]any{}
					into[outer] = next
				}
				into, name = next, rest
			}
			into[name] = ms
		}
	case f.Code == parseError:
		body["detail"] = f.Say
	case code == http.StatusBadRequest:
		body[fault.NonField] = []string{f.Say}
	default:
		body["detail"] = f.Say
		if f.Code != "" {
			body["code"] = f.Code
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone away
}

// parseError is the code of a body that is no JSON: the published API tells it as a detail.
const parseError = "parse_error"

// readBody reads a JSON object. An empty body counts as an empty object.
func readBody(r *http.Request) (map[string]json.RawMessage, error) {
	if ct := r.Header.Get("Content-Type"); ct != "" || r.ContentLength > 0 {
		t, _, err := mime.ParseMediaType(ct)
		if err != nil || t != "application/json" && !strings.HasSuffix(t, "+json") {
			return nil, fault.Newf(fault.Media, "Unsupported media type %q in request.", ct)
		}
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &fault.Error{Kind: fault.Invalid, Code: parseError, Say: fmt.Sprintf("JSON parse error - %s (at byte %d).", syntax.Error(), syntax.Offset)}
		}
		return nil, fault.Whole(fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", kind.TypeName(b)))
	}
	if m == nil {
		return nil, fault.Whole("No data provided")
	}
	return m, nil
}
