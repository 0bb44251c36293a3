package scim

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/source"
	"gatehouse/backend/source/scim/wire"
	"gatehouse/backend/store"
	"gatehouse/backend/token"

	escim "github.com/elimity-com/scim"
	filter "github.com/scim2/filter-parser/v2"
)

// The limits of what a client may send at once.
const (
	maxBody    = 1 << 20 // bytes
	maxResults = 100     // of a page
)

const media = "application/scim+json"

// Mux is where the room hangs its handlers; web gives it.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Mount hangs the serving path of every SCIM source.
func (r *Room) Mount(mux Mux) {
	mux.Handle("/source/scim/{slug}/v2", r)
	mux.Handle("/source/scim/{slug}/v2/{rest...}", r)
}

// asked is what the handlers know of a request.
type asked struct {
	src   *Source
	actor store.Actor
	base  string // address of the source, without a slash at its end
	question
	match []string       // If-Match
	body  map[string]any // tidy
	err   error          // what a handler answered; the library knows fewer statuses
	about string         // whom the request was about, for the log
}

// question is what a request wants to see.
type question struct {
	filter        filter.Expression
	sortBy        string
	down          bool
	start, count  int
	only, without []string
}

type askedKey struct{}

func of(req *http.Request) *asked {
	a, _ := req.Context().Value(askedKey{}).(*asked)
	return a
}

// answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   any // nil: none
}

// request is what came in, from the network or inside a bulk.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
}

// ServeHTTP answers a SCIM client.
func (r *Room) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	began := r.Store.Now()
	ctx := req.Context()
	a, err := r.enter(ctx, req)
	var out answer
	in := &request{method: req.Method, path: "/" + strings.Trim(req.PathValue("rest"), "/"), header: req.Header}
	if err == nil {
		in.query, err = url.ParseQuery(req.URL.RawQuery)
		if err != nil {
			err = wire.Bad(wire.InvalidSyntax, "The query of the address can't be read.")
		}
	}
	if err == nil {
		in.body, err = readBody(w, req)
	}
	if err == nil {
		out = r.handle(ctx, a, in)
	} else {
		out = r.fail(ctx, err)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	for k, v := range out.header {
		h[k] = v
	}
	var text []byte
	if out.body != nil {
		if text, err = json.Marshal(out.body); err != nil {
			out = r.fail(ctx, err)
			text, _ = json.Marshal(out.body)
		}
		h.Set("Content-Type", media+"; charset=utf-8")
	}
	if out.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="gatehouse"`)
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(text) // the client has gone away
	if a != nil && a.src != nil {
		r.heard.add(a, in, out, began, r.Store.Now().Sub(began))
	}
}

// enter finds the source and who speaks for it. Nothing is told to who does not have its token, not even whether it exists.
func (r *Room) enter(ctx context.Context, req *http.Request) (*asked, error) {
	who := store.ActorOf(ctx)
	no := fault.New(fault.Unauthenticated, "The token is missing or wrong. Send the token of this source as \"Authorization: Bearer …\".")
	scheme, key, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil, no
	}
	slug := req.PathValue("slug")
	s, err := r.sources.Get(r.Store, slug, func() (*Source, error) { return store.Find[Source](ctx, r.Store, "slug", slug) })
	if fault.Is(err, fault.NotFound) {
		return nil, no
	}
	if err != nil {
		return nil, err
	}
	a := &asked{src: s, base: source.Address(ctx) + "/source/scim/" + s.Slug + "/v2", actor: store.Actor{HTTP: who.HTTP}}
	account, err := r.speaks(ctx, s, strings.TrimSpace(key))
	if err != nil {
		return nil, err
	}
	if account == nil {
		return a, no // the log of the source tells an admin of it
	}
	a.actor = store.Actor{UserPK: account.PK, Username: account.Username, Email: account.Email, Name: account.Name, Token: s.account(), HTTP: who.HTTP, Brand: who.Brand}
	if !s.Enabled {
		return a, fault.New(fault.Denied, "This source is switched off in Gatehouse.")
	}
	return a, nil
}

// speaks gives the account of a source when the key is that of its token, or the one before while both count.
func (r *Room) speaks(ctx context.Context, s *Source, key string) (*account, error) {
	t, u, err := r.Tokens.Find(ctx, key, token.API)
	if err == nil {
		if s.Token == nil || t.PK != *s.Token {
			return nil, nil
		}
		return &account{u.PK, u.Username, u.Email, u.Name}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if s.OldKey == "" || s.OldUntil == nil || !r.Store.Now().Before(*s.OldUntil) || s.Token == nil {
		return nil, nil
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(s.OldKey)) != 1 {
		return nil, nil
	}
	cur, err := store.Get[token.Token](ctx, r.Store, *s.Token)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if u, err = r.Users.ByPK(ctx, cur.User); err != nil || !u.IsActive || cur.Expired(r.Store.Now()) {
		return nil, err
	}
	return &account{u.PK, u.Username, u.Email, u.Name}, nil
}

// account is the service account that acts.
type account struct {
	PK                    int64
	Username, Email, Name string
}

func readBody(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	if req.Method == http.MethodGet || req.Method == http.MethodHead || req.Method == http.MethodDelete {
		return nil, nil
	}
	if t := req.Header.Get("Content-Type"); t != "" {
		m, _, err := mime.ParseMediaType(t)
		if err != nil || m != media && m != "application/json" {
			return nil, fault.New(fault.Media, "Send the body as application/scim+json.")
		}
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return nil, fault.Newf(fault.TooLarge, "A request may have %d bytes at most.", maxBody)
	}
	if err != nil {
		return nil, wire.Bad(wire.InvalidSyntax, "The body did not arrive whole.")
	}
	return b, nil
}

// handle answers one request of a client that is known.
func (r *Room) handle(ctx context.Context, a *asked, in *request) answer {
	out, err := r.route(ctx, a, in)
	if err != nil {
		return r.fail(ctx, err)
	}
	return out
}

func (r *Room) route(ctx context.Context, a *asked, in *request) (answer, error) {
	first, rest, deep := strings.Cut(strings.TrimPrefix(in.path, "/"), "/")
	only := func(methods ...string) error {
		if slices.Contains(methods, in.method) {
			return nil
		}
		return &fault.Error{Kind: fault.Method, Say: "This address takes " + strings.Join(methods, ", ") + " only."}
	}
	switch first {
	case "":
		return answer{status: 200, body: map[string]string{"message": "Use this base-URL with a SCIM-compatible system."}}, only(http.MethodGet)
	case "ServiceProviderConfig", "ResourceTypes", "Schemas":
		if err := only(http.MethodGet); err != nil {
			return answer{}, err
		}
		return r.discover(ctx, a, in, first, rest)
	case "Me":
		if err := only(http.MethodGet); err != nil {
			return answer{}, err
		}
		return r.me(ctx, a)
	case "Bulk":
		if err := only(http.MethodPost); err != nil {
			return answer{}, err
		}
		return r.bulk(ctx, a, in)
	case ".search":
		if err := only(http.MethodPost); err != nil {
			return answer{}, err
		}
		return r.searchAll(ctx, a, in)
	case "Users", "Groups":
		t := r.shelf(first)
		switch {
		case !deep:
			if err := only(http.MethodGet, http.MethodPost); err != nil {
				return answer{}, err
			}
		case rest == ".search":
			if err := only(http.MethodPost); err != nil {
				return answer{}, err
			}
			return r.search(ctx, a, in, t)
		default:
			if err := only(http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete); err != nil {
				return answer{}, err
			}
		}
		return r.resource(ctx, a, in, t, rest)
	}
	return answer{}, fault.New(fault.NotFound, "There is nothing at this address. Users, Groups, ServiceProviderConfig, ResourceTypes and Schemas are.")
}

// resource hands a request about people or groups to the library, whose handlers are ours. What it lacks is done before and after.
func (r *Room) resource(ctx context.Context, a *asked, in *request, t *shelf, id string) (answer, error) {
	one := *a // a bulk asks several times
	one.err, one.match = nil, tags(in.header, "If-Match")
	defer func() { a.about = one.about }()
	var err error
	if one.question, err = t.question(in.query); err != nil {
		return answer{}, err
	}
	var body []byte
	switch in.method {
	case http.MethodPost, http.MethodPut:
		var raw map[string]any
		if err := wire.Decode(in.body, &raw); err != nil {
			return answer{}, err
		}
		if one.body, err = t.shape.Tidy(raw); err != nil {
			return answer{}, err
		}
		if wire.Text(one.body, t.shape.Required) == "" {
			return answer{}, wire.Bad(wire.InvalidValue, "%s is missing.", t.shape.Required)
		}
		if body, err = json.Marshal(one.body); err != nil {
			return answer{}, err
		}
	}
	req, err := http.NewRequestWithContext(context.WithValue(ctx, askedKey{}, &one), in.method, "/"+t.endpoint+strings.TrimSuffix("/"+url.PathEscape(id), "/"), bytes.NewReader(body))
	if err != nil {
		return answer{}, fault.New(fault.NotFound, "There is nothing at this address.")
	}
	if in.method == http.MethodPatch {
		return r.patch(req, &one, in, t, id)
	}
	rec := &recorder{header: http.Header{}}
	r.lib().ServeHTTP(rec, req)
	if one.err != nil {
		return answer{}, one.err
	}
	return r.dress(&one, in, t, rec)
}

// patch does what the library's own reading of a patch refuses (libraries.md C): it is read here and handed to the same handler.
func (r *Room) patch(req *http.Request, a *asked, in *request, t *shelf, id string) (answer, error) {
	ops, err := t.shape.ParsePatch(in.body)
	if err != nil {
		return answer{}, err
	}
	res, err := t.Patch(req, id, ops)
	if a.err != nil {
		err = a.err
	}
	if err != nil {
		return answer{}, err
	}
	if t.endpoint == "Groups" && len(a.only) == 0 && len(a.without) == 0 { // thousands of members may be in it
		return answer{status: http.StatusNoContent, header: tagged(res.Meta.Version)}, nil
	}
	return answer{status: 200, header: tagged(res.Meta.Version), body: t.shown(a, res)}, nil
}

func tagged(version string) http.Header {
	if version == "" {
		return nil
	}
	return http.Header{"Etag": {version}}
}

// recorder keeps what the library answers.
type recorder struct {
	header http.Header
	status int
	bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

// dress completes what the library answers: absolute addresses, what was asked for, the right numbers.
func (r *Room) dress(a *asked, in *request, t *shelf, rec *recorder) (answer, error) {
	out := answer{status: rec.status, header: http.Header{}}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	if rec.Len() == 0 {
		return out, nil
	}
	var m map[string]any
	if err := wire.Decode(rec.Bytes(), &m); err != nil {
		return out, fault.Wrap(fault.Internal, "The answer can't be read.", err)
	}
	out.body = m
	if out.status >= 300 {
		return out, nil
	}
	if list, ok := m["Resources"].([]any); ok || m["totalResults"] != nil {
		for _, v := range list {
			if one, ok := v.(map[string]any); ok {
				t.complete(a, one)
			}
		}
		for i, v := range list {
			if one, ok := v.(map[string]any); ok {
				list[i] = t.shape.Project(one, a.only, a.without)
			}
		}
		if list == nil {
			list = []any{}
		}
		m["Resources"], m["itemsPerPage"], m["startIndex"] = list, len(list), a.start
		return out, nil
	}
	version := rec.header.Get("Etag")
	if version != "" {
		out.header.Set("Etag", version)
		if in.method == http.MethodGet && fresh(tags(in.header, "If-None-Match"), version) {
			out.status, out.body = http.StatusNotModified, nil
			return out, nil
		}
	}
	t.complete(a, m)
	if out.status == http.StatusCreated {
		out.header.Set("Location", wire.Text(m, "meta", "location"))
	}
	out.body = t.shape.Project(m, a.only, a.without)
	return out, nil
}

// tags reads a header of entity tags.
func tags(h http.Header, name string) (out []string) {
	for _, v := range h.Values(name) {
		for one := range strings.SplitSeq(v, ",") {
			if one = strings.TrimSpace(one); one != "" {
				out = append(out, one)
			}
		}
	}
	return out
}

// fresh says whether a tag is among those that a client names. All of ours are weak, and so is the comparison.
func fresh(list []string, version string) bool {
	return slices.ContainsFunc(list, func(one string) bool {
		return one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(version, "W/")
	})
}

// taken makes the fault of a name that somebody else has.
func taken(format string, args ...any) error {
	f := fault.Newf(fault.Conflict, format, args...)
	f.Code = "uniqueness"
	return f
}

// stale is the code of a fault that says that somebody else was faster.
const stale = "stale"

// statuses are those of RFC 7644 section 3.12.
var statuses = map[fault.Kind]int{
	fault.Invalid: 400, fault.Unauthenticated: 401, fault.Denied: 403, fault.NotFound: 404, fault.Method: 405, fault.Conflict: 409, fault.TooLarge: 413, fault.Media: 415,
	fault.TooMany: 429, fault.Unavailable: 503,
}

// fail makes the answer of an error.
func (r *Room) fail(ctx context.Context, err error) answer {
	f := fault.As(err)
	status, known := statuses[f.Kind]
	if !known {
		status = http.StatusInternalServerError
		r.Log.ErrorContext(ctx, "a SCIM request failed", "error", err)
	}
	keyword := f.Code
	switch {
	case keyword == stale:
		status, keyword = http.StatusPreconditionFailed, ""
	case keyword == "sensitive":
		status = http.StatusForbidden
	case keyword == "" && status == 400:
		keyword = wire.InvalidValue
	}
	body := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": strconv.Itoa(status), "detail": words(f)}
	if keyword != "" && status < 500 && status != 401 && status != 404 {
		body["scimType"] = keyword
	}
	return answer{status: status, body: body}
}

// scimNames are what the house's fields are called in SCIM.
var scimNames = map[string]string{"username": "userName", "name": "displayName", "email": "emails", "is_active": "active", "id": "externalId", "users": "members"}

// words makes a sentence of what a fault says of fields.
func words(f *fault.Error) string {
	if len(f.Fields) == 0 {
		return f.Say
	}
	var out []string
	for name, list := range f.Fields {
		text := strings.Join(list, " ")
		if name != fault.NonField {
			if n := scimNames[name]; n != "" {
				name = n
			}
			text = name + ": " + text
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// lib gives the library's server.
func (r *Room) lib() http.Handler {
	r.once.Do(func() {
		s, err := escim.NewServer(&escim.ServerArgs{
			ServiceProviderConfig: &escim.ServiceProviderConfig{MaxResults: maxResults, SupportFiltering: true, SupportPatch: true},
			ResourceTypes:         []escim.ResourceType{r.shelf("Users").resourceType(), r.shelf("Groups").resourceType()},
		})
		if err != nil {
			panic(err) // the arguments are fixed
		}
		r.server = s
	})
	return r.server
}

// now is the time as SCIM writes it.
func now(t time.Time) string { return t.UTC().Format(time.RFC3339) }
