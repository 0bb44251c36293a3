package server

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gatehouse/backend/kind"
	"gatehouse/backend/rbac"
)

// Named is an app or a kind by its published name, with what people call it.
type Named struct {
	Name  string `json:"name" is:"required"`
	Label string `json:"label" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Named) SchemaName() string { return "App" }

// Workers is how many programs do what is done by itself: the server does.
type Workers struct {
	Count int `json:"count" is:"required"`
}

// adminEndpoints are the operations about what the server is made of.
func (r *rooms) adminEndpoints() []kind.Action {
	apps := kind.Do("GET", "admin/apps", func(context.Context, *kind.Call, *kind.None) ([]Named, error) {
		out := []Named{}
		for _, a := range kind.Apps() {
			out = append(out, Named{a, rbac.AppTitle(strings.ReplaceAll(strings.TrimPrefix(a, "authentik."), ".", "_"))})
		}
		return sorted(out), nil
	})
	models := kind.Do("GET", "admin/models", func(context.Context, *kind.Call, *kind.None) ([]Named, error) {
		out := []Named{}
		for _, m := range kind.Models() {
			if k := r.store.Kind(m); k != nil {
				out = append(out, Named{m, k.Title})
			}
		}
		return sorted(out), nil
	})
	workers := kind.Do("GET", "admin/workers", func(context.Context, *kind.Call, *kind.None) (Workers, error) { return Workers{1}, nil })
	apps.Operation, models.Operation = "admin_apps_list", "admin_models_list"
	apps.Perm, models.Perm, workers.Perm = "authentik_rbac.access_admin_interface", "authentik_rbac.access_admin_interface", "authentik_rbac.view_system_info"
	return []kind.Action{apps, models, workers}
}

func sorted(out []Named) []Named {
	slices.SortFunc(out, func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
