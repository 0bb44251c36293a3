package scim

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/source/scim/wire"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const schemaURN = "urn:ietf:params:scim:schemas:core:2.0:"

// config is what the house can do (RFC 7643 section 5). The library's own says that it can't sort, tag or take bulks.
func config(base string) map[string]any {
	yes := map[string]any{"supported": true}
	return map[string]any{
		"schemas": []string{schemaURN + "ServiceProviderConfig"},
		"patch":   yes, "sort": yes, "etag": yes, "changePassword": map[string]any{"supported": false},
		"bulk":   map[string]any{"supported": true, "maxOperations": maxOperations, "maxPayloadSize": maxBody},
		"filter": map[string]any{"supported": true, "maxResults": maxResults},
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token", "description": "Authentication scheme using the OAuth Bearer Token Standard", "primary": true, "specUri": "https://www.rfc-editor.org/info/rfc6750",
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": base + "/ServiceProviderConfig"},
	}
}

// discover answers what a client may ask before it sends anybody.
func (r *Room) discover(ctx context.Context, a *asked, in *request, what, name string) (answer, error) {
	if in.query.Get("filter") != "" { // RFC 7644 section 4
		return answer{}, fault.New(fault.Denied, "There is no filter here.")
	}
	if what == "ServiceProviderConfig" {
		if name != "" {
			return answer{}, fault.New(fault.NotFound, "There is nothing at this address.")
		}
		return answer{status: 200, body: config(a.base)}, nil
	}
	path := "/" + what
	if name != "" {
		path += "/" + url.PathEscape(name)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return answer{}, fault.New(fault.NotFound, "There is nothing at this address.")
	}
	rec := &recorder{header: http.Header{}}
	r.lib().ServeHTTP(rec, req)
	var m map[string]any
	if err := wire.Decode(rec.Bytes(), &m); err != nil {
		return answer{}, fault.Wrap(fault.Internal, "The answer can't be read.", err)
	}
	if rec.status >= 300 {
		return answer{}, fault.Newf(fault.NotFound, "There is no %s %s.", strings.TrimSuffix(what, "s"), name)
	}
	one := func(m map[string]any) {
		m["meta"] = map[string]any{"resourceType": strings.TrimSuffix(what, "s"), "location": a.base + "/" + what + "/" + wire.Text(m, "id")}
	}
	list, ok := m["Resources"].([]any)
	if !ok {
		one(m)
		return answer{status: 200, body: m}, nil
	}
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			one(m)
		}
	}
	m["itemsPerPage"] = len(list)
	return answer{status: 200, body: m}, nil
}

// me shows whom the token stands for: the account of the source.
func (r *Room) me(ctx context.Context, a *asked) (answer, error) {
	u, err := store.Get[user.User](ctx, r.Store, keyText(a.actor.UserPK))
	if err != nil {
		return answer{}, err
	}
	return answer{status: 200, body: map[string]any{
		"schemas": []string{schemaURN + "User"}, "id": u.UUID, "userName": u.Username, "displayName": u.Name, "active": u.IsActive,
		"meta": map[string]any{"resourceType": "User", "created": now(u.DateJoined), "location": a.base + "/Me"},
	}}, nil
}
