// Package conform holds answers of the API to the description that the server itself publishes. Only tests and build tools import it.
//
// An answer conforms when its status and its media type are declared for its operation and its body fits the declared schema, strictly: a
// property that is not declared, one that is required and missing, a type, format, null or enum value that is not declared, a member that
// stands twice, a body where none is declared. Three readings of the description:
//
//   - an object without additionalProperties has no others; a property that is writeOnly never stands in an answer;
//   - a schema without a type takes null too (OpenAPI 3.0.3 ties nullable to a type);
//   - an empty text passes the formats email and uri: it is how a blank field is answered.
//
// Five more mend what the published description says and no release ever did:
//
//   - NAME_obj, the object behind the reference NAME beside it, is null when the reference is, or is not shown;
//   - authorization_flow, which the common shape of providers has and some kinds of provider have not, is an empty text for these;
//   - an enum's value that ends in an underscore begins others: actions of events are custom_ANYTHING;
//   - a field of the format uri may hold several with commas between them: server_uri of a directory;
//   - a file (Content-Disposition: attachment) has the media type of its content, where the operation has binary content or was asked to
//     download.
//
// The published description declares 2xx, 400 and 403 nearly everywhere and hardly anything else, but every release of this API gives more.
// What is not declared is allowed by these rules and no other:
//
//   - 400 says what is wrong: "detail" and "code" are texts, every other member is a list of texts, or an object or a list of the same. That
//     is also so where an operation declares a shape of its own for what it refuses;
//   - 404 where something can be missing: a path with a key, a list that was asked for a page, an address that is no operation;
//   - 405 on a path that has other methods, and Allow names exactly these (RFC 9110 section 15.5.6);
//   - 413 and 415 where the operation takes a body;
//   - 421, 429 and 503 anywhere: they are said before the operation is reached, as is 403;
//   - 302 from the flow executor to itself, after an answer to a stage;
//   - the address of the API itself is a page for people.
//
// Each of these errors has the component GenericError for its body, as has one that is declared without content, unless it is empty.
// HEAD is GET without its body (RFC 9110 section 9.3.2); 204 has none (section 15.3.5).
package conform

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Checker knows one description.
type Checker struct {
	prefix  string
	paths   []route
	generic *Schema
}

// route is a path of the description: its parts, "{" for a parameter.
type route struct {
	path  string
	parts []string
	ops   map[string]*Operation
}

// Operation is one operation of the description.
type Operation struct {
	Method, Path, ID string
	Params           []Param
	Body             map[string]*Schema // by media type; nil when it takes none
	answers          map[int]answer
}

// Param is a parameter of an operation.
type Param struct {
	In, Name string
	Schema   *Schema
}

// answer is the content of a response by media type; empty for none.
type answer map[string]*Schema

const (
	jsonType   = "application/json"
	executor   = "/flows/executor/{flow_slug}/" // the flow executor
	validation = "ValidationError"              // the component of a 400
)

// document is the part of an OpenAPI document that is read.
type document struct {
	Servers []struct {
		URL string `json:"url"`
	} `json:"servers"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

type content map[string]struct {
	Schema json.RawMessage `json:"schema"`
}

// New reads a description in JSON.
func New(description []byte) (*Checker, error) {
	var doc document
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, err
	}
	if len(doc.Servers) != 1 {
		return nil, fmt.Errorf("%d servers in the description, want one", len(doc.Servers))
	}
	c := &Checker{prefix: strings.TrimSuffix(doc.Servers[0].URL, "/")}
	comps := map[string]*Schema{}
	for name, b := range doc.Components.Schemas {
		s, err := read(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.Name, comps[name] = name, s
	}
	for name, s := range comps {
		if err := link(&s, comps); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if c.generic = comps["GenericError"]; c.generic == nil {
		return nil, errors.New("the description has no GenericError")
	}
	for path, item := range doc.Paths {
		r := route{path: path, parts: split(path), ops: map[string]*Operation{}}
		for method, b := range item {
			op, err := operation(b, comps)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			op.Method, op.Path = strings.ToUpper(method), path
			r.ops[op.Method] = op
		}
		c.paths = append(c.paths, r)
	}
	// A literal part goes before a parameter, as routers have it: users/me before users/{id}.
	slices.SortFunc(c.paths, func(a, b route) int {
		for i := range min(len(a.parts), len(b.parts)) {
			if x, y := a.parts[i] == "{", b.parts[i] == "{"; x != y {
				if x {
					return 1
				}
				return -1
			}
		}
		return strings.Compare(a.path, b.path)
	})
	return c, nil
}

func operation(b []byte, comps map[string]*Schema) (*Operation, error) {
	var in struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			In     string          `json:"in"`
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
		} `json:"parameters"`
		RequestBody *struct {
			Content content `json:"content"`
		} `json:"requestBody"`
		Responses map[string]struct {
			Content content `json:"content"`
		} `json:"responses"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	op := &Operation{ID: in.OperationID, answers: map[int]answer{}}
	schema := func(b json.RawMessage) (*Schema, error) {
		s, err := read(b)
		if err == nil {
			err = link(&s, comps)
		}
		return s, err
	}
	schemas := func(in content) (map[string]*Schema, error) {
		out := map[string]*Schema{}
		for t, m := range in {
			s, err := schema(m.Schema)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t, err)
			}
			out[t] = s
		}
		return out, nil
	}
	for _, p := range in.Parameters {
		s, err := schema(p.Schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		op.Params = append(op.Params, Param{In: p.In, Name: p.Name, Schema: s})
	}
	if in.RequestBody != nil {
		var err error
		if op.Body, err = schemas(in.RequestBody.Content); err != nil {
			return nil, err
		}
	}
	for status, r := range in.Responses {
		n, err := strconv.Atoi(status)
		if err != nil {
			return nil, fmt.Errorf("a response for %q, want a status", status)
		}
		if op.answers[n], err = schemas(r.Content); err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
	}
	if len(op.answers) == 0 {
		return nil, errors.New("no answer is declared")
	}
	return op, nil
}

// Operations gives every operation, by path and method.
func (c *Checker) Operations() []*Operation {
	var out []*Operation
	for _, r := range c.paths {
		for _, m := range sorted(r.ops) {
			out = append(out, r.ops[m])
		}
	}
	slices.SortFunc(out, func(a, b *Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return out
}

func split(path string) []string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{"
		}
	}
	return parts
}

// Covers says whether a path is one of the API's.
func (c *Checker) Covers(path string) bool { return strings.HasPrefix(path, c.prefix+"/") }

// find gives the route of a path, in its escaped form without the API's own address.
func (c *Checker) find(path string) *route {
	parts := strings.Split(path, "/")
	for i := range c.paths {
		r := &c.paths[i]
		if slices.EqualFunc(r.parts, parts, func(want, got string) bool { return want == got || want == "{" && got != "" }) {
			return r
		}
	}
	return nil
}

// Operation gives the name of the operation that a request belongs to, "" for none.
func (c *Checker) Operation(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	if r := c.find(strings.TrimPrefix(path, c.prefix)); r != nil {
		if op := r.op(method); op != nil {
			return op.ID
		}
	}
	return ""
}

func (r *route) op(method string) *Operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return r.ops[method]
}

// Check holds one answer to the description. The path is that of the request in its escaped form, with its query when there is one. The
// error names the operation, the status and each thing that is wrong.
func (c *Checker) Check(method, path string, status int, header http.Header, body []byte) error {
	path, query, _ := strings.Cut(path, "?")
	if !c.Covers(path) {
		return fmt.Errorf("%s %s: not below %s/", method, path, c.prefix)
	}
	name := method + " " + path
	r := c.find(strings.TrimPrefix(path, c.prefix))
	var op *Operation
	if r != nil {
		if op = r.op(method); op != nil {
			name = op.ID + " (" + name + ")"
		}
	}
	if err := c.check(r, op, method, path, query, status, header, body); err != nil {
		return fmt.Errorf("%s answers %d: %w", name, status, err)
	}
	return nil
}

func (c *Checker) check(r *route, op *Operation, method, path, query string, status int, header http.Header, body []byte) error {
	if status == http.StatusNoContent && len(body) > 0 {
		return errors.New("a body")
	}
	if op != nil {
		if res, ok := op.answers[status]; ok {
			return c.declared(op, method, query, status, res, header, body)
		}
	}
	if err := c.allowed(r, op, method, path, query, status, header); err != nil {
		return err
	}
	switch status {
	case http.StatusFound:
		if len(body) > 0 {
			return errors.New("a body")
		}
		return nil
	case http.StatusOK:
		return nil
	}
	return c.error(method, header, body)
}

// allowed says whether an answer that is not declared is one by the rules of the package comment.
func (c *Checker) allowed(r *route, op *Operation, method, path, query string, status int, header http.Header) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		q = url.Values{}
	}
	switch status {
	case http.StatusOK:
		if path == c.prefix+"/" && op == nil && method != http.MethodPost {
			return mediaType(header, "text/html")
		}
	case http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return nil
	case http.StatusNotFound:
		if r == nil || op != nil && (slices.Contains(r.parts, "{") || q.Has("page")) {
			return nil
		}
		return errors.New("nothing can be missing here")
	case http.StatusMethodNotAllowed:
		if op != nil || r == nil && path != c.prefix+"/" {
			return errors.New("no path that has other methods")
		}
		return allow(r, header)
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		if op != nil && op.Body != nil {
			return nil
		}
		return errors.New("no body is taken here")
	case http.StatusFound:
		if r == nil || op == nil || r.path != executor || method != http.MethodPost {
			break
		}
		if to, err := url.Parse(header.Get("Location")); err != nil || to.EscapedPath() != path {
			return fmt.Errorf("leads to %q, want itself", header.Get("Location"))
		}
		return nil
	}
	if r == nil {
		return errors.New("no operation")
	}
	return errors.New("the status is not declared")
}

// allow holds the header of a 405 to the methods that a path has.
func allow(r *route, header http.Header) error {
	want := []string{}
	if r == nil { // the page at the API's own address
		want = append(want, http.MethodGet, http.MethodHead)
	} else {
		for m := range r.ops {
			if want = append(want, m); m == http.MethodGet {
				want = append(want, http.MethodHead)
			}
		}
	}
	got := []string{}
	for _, m := range strings.Split(header.Get("Allow"), ",") {
		got = append(got, strings.TrimSpace(m))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Errorf("the header Allow is %v, want %v", got, want)
	}
	return nil
}

// declared holds an answer to its response in the description.
func (c *Checker) declared(op *Operation, method, query string, status int, res answer, header http.Header, body []byte) error {
	if status == http.StatusNoContent { // flows_instances_import is published with content for it; there can be none
		return nil
	}
	if len(res) == 0 {
		if len(body) > 0 && status >= 400 {
			return c.error(method, header, body)
		}
		if len(body) > 0 {
			return fmt.Errorf("a body where none is declared: %.200s", body)
		}
		return nil
	}
	if status == http.StatusOK && op.file(query, res) && attached(header) {
		return nil
	}
	if err := mediaType(header, sorted(res)...); err != nil {
		return err
	}
	if method == http.MethodHead {
		return empty(body)
	}
	t, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // read by mediaType
	schema := res[t]
	if schema.Type == "string" && schema.Format == "binary" || strings.HasPrefix(t, "text/") {
		return nil
	}
	v, err := decode(t, body)
	if err != nil {
		return err
	}
	err = fits(schema, v)
	if status == http.StatusBadRequest && (schema.Name == validation || err != nil && refusal(v) == nil) {
		return refusal(v)
	}
	return err
}

// file says whether an operation gives a file to who asks in this way.
func (o *Operation) file(query string, res answer) bool {
	for _, s := range res {
		if s.Type == "string" && s.Format == "binary" {
			return true
		}
	}
	q, err := url.ParseQuery(query)
	return err == nil && q.Has("download") && slices.ContainsFunc(o.Params, func(p Param) bool { return p.In == "query" && p.Name == "download" })
}

func attached(header http.Header) bool {
	how, with, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	_, _, bad := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && bad == nil && how == "attachment" && with["filename"] != ""
}

// error holds the body of an error to GenericError.
func (c *Checker) error(method string, header http.Header, body []byte) error {
	if err := mediaType(header, jsonType); err != nil {
		return err
	}
	if method == http.MethodHead {
		return empty(body)
	}
	v, err := decode(jsonType, body)
	if err != nil {
		return err
	}
	return fits(c.generic, v)
}

func empty(body []byte) error {
	if len(body) > 0 {
		return errors.New("a body in answer to HEAD")
	}
	return nil
}

func mediaType(header http.Header, want ...string) error {
	all := header.Values("Content-Type")
	if len(all) != 1 {
		return fmt.Errorf("%d headers Content-Type", len(all))
	}
	t, _, err := mime.ParseMediaType(all[0])
	if err != nil || !slices.Contains(want, t) {
		return fmt.Errorf("the Content-Type is %q, want one of %q", all[0], want)
	}
	return nil
}

// refusal holds a 400 to its shape: what the schema leaves open for every other member.
func refusal(v any) error {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return errors.New("a 400 that says nothing")
	}
	for name, x := range m {
		if _, text := x.(string); text && (name == "detail" || name == "code") {
			continue
		}
		if !said(x) {
			return fmt.Errorf("/%s is no list of texts: %.100v", name, x)
		}
	}
	return nil
}

// said says whether a value tells something: texts in a list, or objects and lists of it.
func said(v any) bool {
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			if !said(e) {
				return false
			}
		}
		return len(x) > 0
	case []any:
		for _, e := range x {
			if s, text := e.(string); text && s != "" {
				continue
			}
			if _, list := e.([]any); list || !said(e) && !isEmptyObject(e) { // a list of objects has an empty one where nothing is wrong
				return false
			}
		}
		return len(x) > 0
	}
	return false
}

func isEmptyObject(v any) bool {
	m, ok := v.(map[string]any)
	return ok && len(m) == 0
}

// decode reads a body.
func decode(mediaType string, body []byte) (v any, err error) {
	if strings.HasSuffix(mediaType, "json") {
		v, err = decodeJSON(body)
	} else {
		err = yaml.Unmarshal(body, &v)
	}
	if err != nil {
		return nil, fmt.Errorf("no %s: %w: %.200s", mediaType, err, body)
	}
	return v, nil
}
