package scim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// mappings gives the mappings of a provider for people or for groups, by name.
func (r *Room) mappings(ctx context.Context, p *Provider, kind string) ([]*Mapping, error) {
	keys := p.PropertyMappings
	if kind == "group" {
		keys = p.GroupMappings
	}
	return inOrder(keys, func(pk string) (*Mapping, error) { return store.Get[Mapping](ctx, r.Store, pk) })
}

// inOrder reads mappings and gives them by name.
func inOrder(keys []string, get func(pk string) (*Mapping, error)) ([]*Mapping, error) {
	var out []*Mapping
	for _, pk := range keys {
		m, err := get(pk)
		if fault.Is(err, fault.NotFound) { // a mapping of another kind
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *Mapping) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// mapped makes what is sent of what the mappings give: objects are merged, lists joined, what is null left out (protocols.md 3.3). dry
// leaves no event.
func (r *Room) mapped(ctx context.Context, all []*Mapping, vars expr.Vars, urn, external string, dry bool) (map[string]any, error) {
	out := map[string]any{}
	for _, m := range all {
		res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: vars, Dry: dry})
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "The mapping "+m.Name+" failed: "+fault.As(err).Say, err)
		}
		if res.Value == nil {
			continue
		}
		v, ok := res.Value.(map[string]any)
		if !ok {
			return nil, fault.Newf(fault.Invalid, "The mapping %s has to return a dictionary.", m.Name)
		}
		user.Merge(out, v)
	}
	out = whole(out)
	schemas := []any{}
	given, _ := out["schemas"].([]any)
	if len(given) == 0 {
		given = []any{urn}
	}
	for _, k := range slices.Sorted(maps.Keys(out)) {
		if strings.HasPrefix(strings.ToLower(k), "urn:") {
			given = append(given, k)
		}
	}
	for _, s := range given {
		if !slices.Contains(schemas, s) {
			schemas = append(schemas, s)
		}
	}
	out["schemas"] = schemas
	if out["externalId"] == nil {
		out["externalId"] = external
	}
	delete(out, "id")
	delete(out, "meta")
	return out, nil
}

// whole gives an object without what is null in it.
func whole(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		switch x := v.(type) {
		case nil:
			continue
		case map[string]any:
			v = whole(x)
		case []any:
			list := make([]any, 0, len(x))
			for _, e := range x {
				if e == nil {
					continue
				}
				if o, ok := e.(map[string]any); ok {
					e = whole(o)
				}
				list = append(list, e)
			}
			v = list
		}
		out[k] = v
	}
	return out
}

// userBody makes what is sent of a person.
func (r *Room) userBody(ctx context.Context, p *Provider, all []*Mapping, u *user.User, dry bool) (map[string]any, error) {
	body, err := r.mapped(ctx, all, expr.Vars{"user": u, "provider": p}, userURN, r.Users.UID(u.PK), dry)
	if err != nil {
		return nil, err
	}
	if s, _ := body["userName"].(string); s == "" {
		return nil, fault.New(fault.Invalid, "The mappings give no userName.")
	}
	return body, nil
}

// groupBody makes what is sent of a group, without its members.
func (r *Room) groupBody(ctx context.Context, p *Provider, all []*Mapping, g *user.Group, dry bool) (map[string]any, error) {
	body, err := r.mapped(ctx, all, expr.Vars{"group": g, "provider": p}, groupURN, g.PK, dry)
	if err != nil {
		return nil, err
	}
	if s, _ := body["displayName"].(string); s == "" {
		return nil, fault.New(fault.Invalid, "The mappings give no displayName.")
	}
	delete(body, "members")
	return body, nil
}

// digest tells bodies apart.
func digest(body map[string]any) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12]), nil
}

// text gives a text of a body.
func text(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}

// refs are members as SCIM has them.
func refs(ids []string) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = map[string]any{"value": id}
	}
	return out
}

func number(key string) int64 {
	n, _ := strconv.ParseInt(key, 10, 64)
	return n
}
