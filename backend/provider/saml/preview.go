package saml

import (
	"context"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	message "gatehouse/backend/saml"
	"gatehouse/backend/store"
)

// Preview shows what an application would learn about a person.
type Preview struct {
	Preview map[string]any `json:"preview" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Preview) SchemaName() string { return "PropertyMappingPreview" }

// preview answers preview_user. What fails is left out, as it will be when they sign in.
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
	v, err := r.serve(ctx, p, nil)
	if err != nil {
		return Preview{}, err
	}
	learnt, err := r.learn(ctx, v, u, true)
	if err != nil {
		return Preview{}, err
	}
	attributes := []any{}
	for _, a := range learnt {
		one := map[string]any{"Name": a.name, "Value": a.values}
		if a.friendly != "" {
			one["FriendlyName"] = a.friendly
		}
		attributes = append(attributes, one)
	}
	name, err := r.nameID(ctx, v, u, message.NameUnspecified, nil, true)
	if err != nil {
		return Preview{}, err
	}
	return Preview{map[string]any{"attributes": attributes, "nameID": name}}, nil
}
