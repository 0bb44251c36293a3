package oauth2

import (
	"context"
	"slices"
	"sort"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// ScopeMapping says what an application learns about a person under a scope.
type ScopeMapping struct {
	mapping.Base
	ScopeName   string `json:"scope_name" is:"required" help:"The name of the scope that applications ask for."`
	Description string `json:"description" is:"blank,nofilter" help:"What people read when they are asked for consent. Empty: they are not told."`

	host expr.Host
}

// ExpressionNames are the variables of a scope mapping.
func (m *ScopeMapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Person, mapping.Variable("provider", "The provider that asks."), mapping.Variable("token", "The token that is made; None where there is none yet.")}
}

func (r *Room) scopeKind() *kind.Kind {
	return kind.Of[ScopeMapping](mapping.Family, kind.Spec{
		Path: "propertymappings/scope", Model: "authentik_providers_oauth2.scopemapping", Schema: "ScopeMapping", Title: "Scope Mapping",
		Component: "ak-property-mapping-scope-form", About: "What an application learns about a person under a scope.", Order: []string{"scope_name", "name"},
		Filters: []kind.Filter{{Name: "managed", Type: "array", Where: func(v string, d kind.Dialect) (string, []any, error) {
			var args []any
			var marks []string
			for m := range strings.SplitSeq(v, ",") {
				args, marks = append(args, m), append(marks, "?")
			}
			return d.Column("managed") + " IN (" + strings.Join(marks, ", ") + ")", args, nil
		}}},
	}, func() *ScopeMapping { return &ScopeMapping{host: r.Host} })
}

// Saving implements store.Saver.
func (m *ScopeMapping) Saving(*store.Tx, any) error {
	var bad fault.Fields
	if strings.ContainsAny(m.ScopeName, " \t\r\n") {
		bad.Add("scope_name", "Value must not contain spaces.")
	}
	if err := bad.Merge(m.host.Check(m.Expression)); err != nil {
		return err
	}
	return bad.Err()
}

// scopeList are the scope mappings of a provider by scope.
type scopeList []*ScopeMapping

// names gives the scopes, sorted, each once.
func (l scopeList) names() []string {
	var out []string
	for _, m := range l {
		if !slices.Contains(out, m.ScopeName) {
			out = append(out, m.ScopeName)
		}
	}
	return out
}

// permissions are what a person is asked to agree to.
func (l scopeList) permissions(scope []string) []any {
	out := []any{}
	for _, m := range l {
		if m.Description != "" && slices.Contains(scope, m.ScopeName) {
			out = append(out, map[string]any{"id": m.ScopeName, "name": m.Description})
		}
	}
	return out
}

// mapped evaluates the mappings of the granted scopes for a person and merges what they give. A mapping that fails is left out, with an
// event.
func (r *Room) mapped(ctx context.Context, p *Provider, g *grant, u *user.User) (map[string]any, error) {
	all, err := r.scopes(ctx, p)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, m := range all {
		if !slices.Contains(g.Scope, m.ScopeName) {
			continue
		}
		claims, err := r.evaluate(ctx, p, g, u, m)
		if err != nil {
			return nil, err
		}
		user.Merge(out, claims)
	}
	return out, nil
}

// evaluate runs one mapping for a person. One that fails gives nothing, with an event.
func (r *Room) evaluate(ctx context.Context, p *Provider, g *grant, u *user.User, m *ScopeMapping) (map[string]any, error) {
	res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{"user": u, "provider": p, "token": g.facts(p, u)}, Dry: g.preview})
	if err == nil {
		claims, _ := res.Value.(map[string]any)
		return claims, nil
	}
	r.Log.WarnContext(ctx, "scope mapping failed", "mapping", m.Name, "error", err, "logger", "gatehouse.oauth2")
	if g.preview {
		return nil, nil
	}
	return nil, r.Events.Emit(ctx, event.ConfigurationError, map[string]any{
		"message": "Failed to evaluate property-mapping: '" + m.Name + "'", "exception": fault.As(err).Say, "provider": reference(p),
	})
}

// facts is a token as its mappings see it.
func (g *grant) facts(p *Provider, u *user.User) *expr.Facts {
	session := any(nil)
	if g.Session != "" {
		session = g.Session
	}
	scope := make([]any, len(g.Scope))
	for i, s := range g.Scope {
		scope[i] = s
	}
	return &expr.Facts{Type: "AccessToken", Attrs: map[string]any{"provider": p, "user": u, "scope": scope, "session_id": session, "nonce": g.Nonce, "is_expired": false}}
}

func sortScopes(l scopeList) {
	sort.SliceStable(l, func(i, j int) bool {
		if l[i].ScopeName != l[j].ScopeName {
			return l[i].ScopeName < l[j].ScopeName
		}
		return l[i].Name < l[j].Name
	})
}

// reference names a provider in an event.
func reference(p *Provider) map[string]any {
	return map[string]any{"app": "authentik_providers_oauth2", "model_name": "oauth2provider", "pk": p.PK, "name": p.Name}
}
