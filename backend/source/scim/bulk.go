package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/source/scim/wire"
)

// maxOperations is how many operations a bulk may have.
const maxOperations = 1_000

const (
	bulkRequest  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// operation is one of a bulk (RFC 7644 section 3.7).
type operation struct {
	Method  string
	BulkID  string `json:"bulkId"`
	Version string
	Path    string
	Data    json.RawMessage
}

var bulkID = regexp.MustCompile(`bulkId:([A-Za-z0-9._~-]+)`)

// bulk carries out operations one by one, each in a transaction of its own. One that names what a later one makes waits for it.
func (r *Room) bulk(ctx context.Context, a *asked, in *request) (answer, error) {
	var b struct {
		Schemas      []string
		FailOnErrors int
		Operations   []operation
	}
	if err := wire.Decode(in.body, &b); err != nil {
		return answer{}, err
	}
	if len(b.Schemas) > 0 && !slices.Contains(b.Schemas, bulkRequest) {
		return answer{}, wire.Bad(wire.InvalidSyntax, "The body says by its \"schemas\" that it is no %s.", bulkRequest)
	}
	if len(b.Operations) > maxOperations {
		return answer{}, fault.Newf(fault.TooLarge, "A bulk may have %d operations at most.", maxOperations)
	}
	results := make([]map[string]any, len(b.Operations))
	made := map[string]string{}
	for _, o := range b.Operations {
		if o.BulkID != "" && strings.EqualFold(o.Method, http.MethodPost) {
			made[o.BulkID] = ""
		}
	}
	errs, left := 0, len(b.Operations)
	for moved := true; moved && left > 0; {
		moved = false
		for n, o := range b.Operations {
			if results[n] != nil || waits(o, made) {
				continue
			}
			if b.FailOnErrors > 0 && errs >= b.FailOnErrors {
				return bulked(results), nil
			}
			status := 0
			results[n], status = r.single(ctx, a, o, made)
			if left--; status >= 400 {
				errs++
			}
			moved = true
		}
	}
	for n, o := range b.Operations {
		if results[n] == nil {
			results[n] = result(o, r.fail(ctx, fault.New(fault.Conflict, "The bulkId that this needs leads nowhere, or in a circle.")), "")
		}
	}
	return bulked(results), nil
}

func bulked(results []map[string]any) answer {
	list := []any{}
	for _, one := range results {
		if one != nil {
			list = append(list, one)
		}
	}
	return answer{status: 200, body: map[string]any{"schemas": []string{bulkResponse}, "Operations": list}}
}

// waits says whether an operation names something that is still to be made.
func waits(o operation, made map[string]string) bool {
	for _, m := range bulkID.FindAllStringSubmatch(o.Path+" "+string(o.Data), -1) {
		if id, ok := made[m[1]]; ok && id == "" {
			return true
		}
	}
	return false
}

func filled(text string, made map[string]string) string {
	return bulkID.ReplaceAllStringFunc(text, func(s string) string {
		if id := made[strings.TrimPrefix(s, "bulkId:")]; id != "" {
			return id
		}
		return s
	})
}

// single carries out one operation.
func (r *Room) single(ctx context.Context, a *asked, o operation, made map[string]string) (map[string]any, int) {
	method := strings.ToUpper(o.Method)
	bad := func(text string) (map[string]any, int) {
		return result(o, r.fail(ctx, wire.Bad(wire.InvalidSyntax, "%s", text)), ""), 400
	}
	u, err := url.Parse(filled(o.Path, made))
	if err != nil || !strings.HasPrefix(u.Path, "/Users") && !strings.HasPrefix(u.Path, "/Groups") {
		return bad("The path of an operation begins with /Users or /Groups.")
	}
	switch method {
	case http.MethodPost:
		if o.BulkID == "" {
			return bad("An operation with POST needs a bulkId.")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return bad("The method of an operation is POST, PUT, PATCH or DELETE.")
	}
	in := &request{method: method, path: strings.TrimSuffix(u.Path, "/"), query: u.Query(), header: http.Header{}, body: []byte(filled(string(o.Data), made))}
	if strings.HasSuffix(in.path, "/.search") {
		return bad("A bulk can't search.")
	}
	if o.Version != "" {
		in.header.Set("If-Match", o.Version)
	}
	out := r.handle(ctx, a, in)
	location := ""
	if m, ok := out.body.(map[string]any); ok && out.status < 300 {
		location = wire.Text(m, "meta", "location")
		if method == http.MethodPost {
			made[o.BulkID] = wire.Text(m, "id")
		}
	}
	if out.status >= 300 {
		delete(made, o.BulkID)
	}
	if location == "" && method != http.MethodPost {
		location = a.base + in.path
	}
	return result(o, out, location), out.status
}

func result(o operation, out answer, location string) map[string]any {
	m := map[string]any{"method": strings.ToUpper(o.Method), "status": strconv.Itoa(out.status)}
	if o.BulkID != "" {
		m["bulkId"] = o.BulkID
	}
	if location != "" {
		m["location"] = location
	}
	if tag := out.header.Get("Etag"); tag != "" {
		m["version"] = tag
	}
	if out.status >= 300 {
		m["response"] = out.body
	}
	return m
}
