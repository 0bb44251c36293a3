package saml

import (
	"context"
	"fmt"
	"strconv"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Preview shows what an application would learn about a person.
type Preview struct {
	Preview map[string]any `json:"preview" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Preview) SchemaName() string { return "PropertyMappingPreview" }

// preview answers preview_user. An expression that can't run refuses the whole: half of an answer would look like all of it.
func (r *Room) preview(ctx context.Context, c *kind.Call, _ *kind.None) (Preview, error) {
	p, actor := c.Object.(*Provider), store.ActorOf(ctx)
	pk := actor.UserPK
	if v := c.Query.Get("for_user"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return Preview{}, fault.Field("for_user", "input must be numerical")
		}
		ok, err := r.May(ctx, actor, "authentik_core.preview_user", v)
		if err != nil {
			return Preview{}, err
		}
		if !ok && n != pk {
			return Preview{}, fault.Field("for_user", "User not found")
		}
		pk = n
	}
	u, err := r.Users.ByPK(ctx, pk)
	if err != nil {
		return Preview{}, fault.Field("for_user", "User not found")
	}
	attributes, err := r.attributes(ctx, p, u)
	if err != nil {
		return Preview{}, err
	}
	name, err := r.nameID(ctx, p, u)
	if err != nil {
		return Preview{}, err
	}
	return Preview{map[string]any{"attributes": attributes, "nameID": name}}, nil
}

// attributes gives what an application learns about a person, ordered by name; a mapping that fails is left out (protocols.md 2.5).
func (r *Room) attributes(ctx context.Context, p *Provider, u *user.User) ([]any, error) {
	if len(p.PropertyMappings) == 0 { // an empty list of keys would ask for all
		return []any{}, nil
	}
	ms, err := store.All[Mapping](ctx, r.Store, store.Query{PKs: p.PropertyMappings, Order: []string{"saml_name"}})
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, m := range ms {
		res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{"user": u, "provider": p}, Dry: true})
		if err != nil {
			continue // it is left out, as it will be when they sign in
		}
		v := res.Value
		if v == nil {
			continue
		}
		values := []any{}
		if list, ok := v.([]any); ok {
			for _, x := range list {
				values = append(values, fmt.Sprint(x))
			}
		} else {
			values = append(values, fmt.Sprint(v))
		}
		a := map[string]any{"Name": m.SAMLName, "Value": values}
		if m.FriendlyName != nil && *m.FriendlyName != "" {
			a["FriendlyName"] = *m.FriendlyName
		}
		out = append(out, a)
	}
	return out, nil
}

// nameID gives the name of a person when the application asks for no format: what the mapping says, else, also when it fails, the stable
// name.
func (r *Room) nameID(ctx context.Context, p *Provider, u *user.User) (string, error) {
	if p.NameIDMapping != nil {
		m, err := store.Get[Mapping](ctx, r.Store, *p.NameIDMapping)
		if err != nil {
			return "", err
		}
		res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{"user": u, "provider": p}, Dry: true})
		if err == nil && res.Value != nil {
			return fmt.Sprint(res.Value), nil
		}
	}
	return r.Users.UID(u.PK), nil
}
