package rbac

import (
	"context"
	"net/url"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// The shelves of permissions, and of who holds them.
var (
	Permissions = &kind.Family{Name: "permissions", Key: kind.Int, Param: "id", Title: "permission"}
	userGrants  = &kind.Family{Name: "usergrants", Key: kind.Int, Param: "id", Title: "permission"}
	roleGrants  = &kind.Family{Name: "rolegrants", Key: kind.Int, Param: "id", Title: "permission"}
	ofUsers     = &kind.Family{Name: "ofusers", Key: kind.Int, Param: "id", Title: "user"}
	ofRoles     = &kind.Family{Name: "ofroles", Param: "uuid", Title: "role"}
)

// Permission is something that one may be allowed to do.
type Permission struct {
	ID         int64  `json:"id" is:"readonly,nofilter"`
	Name       string `json:"name" is:"required,nofilter" max:"255"`
	Codename   string `json:"codename" is:"required,search" max:"100"`
	Model      string `json:"model" is:"readonly,required,search,nofilter"`
	App        string `json:"app_label" is:"readonly,required,search,nofilter"`
	AppTitle   string `json:"app_label_verbose" is:"computed,required"`
	ModelTitle string `json:"model_verbose" is:"computed,required"`
}

// ObjectGrant is a permission on one object that somebody holds.
type ObjectGrant struct {
	ID       int64  `json:"id" is:"readonly,nofilter"`
	Codename string `json:"codename" is:"computed,required"`
	Model    string `json:"model" is:"computed,required"`
	App      string `json:"app_label" is:"computed,required"`
	Object   string `json:"object_pk" is:"computed,required"`
	Name     string `json:"name" is:"computed,required"`
}

// Extra is what the pages of one user or role show besides.
type Extra struct {
	ObjectGrant
	AppTitle   string  `json:"app_label_verbose" is:"computed,required"`
	ModelTitle string  `json:"model_verbose" is:"computed,required"`
	About      *string `json:"object_description" is:"computed,required"`
}

// UserGrant is a permission on one object that a user holds.
type UserGrant struct{ Extra }

// RoleGrant is a permission on one object that a role holds.
type RoleGrant struct{ Extra }

// Sync writes the list of permissions as the program knows it. A permission keeps its number; one that is gone takes its grants along.
func (r *Room) Sync(ctx context.Context) error {
	want := all(r.Store.Kinds())
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		have := map[string]permission{}
		rows, err := tx.Query(`SELECT app_label, codename, model, name FROM permissions`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p permission
			if err := rows.Scan(&p.app, &p.codename, &p.model, &p.name); err != nil {
				return err
			}
			have[p.app+"."+p.codename] = p
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, p := range want {
			id := p.app + "." + p.codename
			old, ok := have[id]
			delete(have, id)
			if ok && old == p {
				continue
			}
			if _, err := tx.Exec(`INSERT INTO permissions (app_label, codename, model, name) VALUES (?, ?, ?, ?) ON CONFLICT (app_label, codename) DO UPDATE SET model = excluded.model, name = excluded.name`,
				p.app, p.codename, p.model, p.name); err != nil {
				return err
			}
		}
		for id, p := range have {
			if _, err := tx.Exec(`DELETE FROM permissions WHERE app_label = ? AND codename = ?`, p.app, p.codename); err != nil {
				return err
			}
			if _, err := tx.Exec(`DELETE FROM permission_grants WHERE permission = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// permissionKinds describes the list of permissions and the objects that somebody holds permissions on.
func (r *Room) permissionKinds() []*kind.Kind {
	column := func(name, col string) kind.Filter {
		return kind.Filter{Name: name, Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) { return "o." + col + " = ?", []any{v}, nil }}
	}
	holder := func(name, typ, col string) kind.Filter {
		return kind.Filter{Name: name, Type: typ, Where: func(v string, _ kind.Dialect) (string, []any, error) {
			var of any = v
			if typ == "integer" {
				n, err := strconv.ParseInt(v, 10, 64)
				if err != nil {
					return "", nil, fault.Field(name, "Enter a number.")
				}
				of = n
			}
			return "o.app_label || '.' || o.codename IN (SELECT g.permission FROM permission_grants g WHERE g.object = '' AND g." + col + " = ?)", []any{of}, nil
		}}
	}
	required := func(f kind.Filter) kind.Filter { f.Required = true; return f }
	return []*kind.Kind{
		kind.Of[Permission](Permissions, kind.Spec{
			Path: "rbac/permissions", Model: "auth.permission", Schema: "Permission", Title: "Permission", Table: "permissions", About: "Something that one may be allowed to do.",
			Verbs: kind.List | kind.Retrieve, Open: kind.List | kind.Retrieve, Order: []string{"name"}, Present: r.presentPermissions,
			Filters: []kind.Filter{column("content_type__app_label", "app_label"), column("content_type__model", "model"), holder("role", "string", "role"), holder("user", "integer", `"user"`)},
		}, nil),
		kind.Of[UserGrant](userGrants, kind.Spec{
			Path: "rbac/permissions/users", Model: "guardian.userobjectpermission", Schema: "ExtraUserObjectPermission", Title: "Permission of a user", Table: "permission_grants",
			Where: `o."user" IS NOT NULL AND o.object <> ''`, Verbs: kind.List, Open: kind.List, View: true, PageMax: 10, Present: r.presentGrants,
			Filters: []kind.Filter{required(kind.Number("user_id", `o."user"`))},
		}, nil),
		kind.Of[RoleGrant](roleGrants, kind.Spec{
			Path: "rbac/permissions/roles", Model: "guardian.groupobjectpermission", Schema: "ExtraRoleObjectPermission", Title: "Permission of a role", Table: "permission_grants",
			Where: `o.role IS NOT NULL AND o.object <> ''`, Verbs: kind.List, Open: kind.List, View: true, PageMax: 10, Present: r.presentGrants,
			Filters: []kind.Filter{required(kind.UUIDIs("uuid", "role"))},
		}, nil),
	}
}

// mayView says Denied unless the caller may look at a user or role whose permissions a list was asked for.
func (r *Room) mayView(ctx context.Context, q url.Values, name, perm string) error {
	v := q.Get(name)
	if v == "" {
		return nil
	}
	if kind.UUIDText.MatchString(v) {
		v = kind.Dashed(v)
	}
	ok, err := r.May(ctx, store.ActorOf(ctx), perm, v)
	if err != nil || ok {
		return err
	}
	return fault.New(fault.Denied, "You do not have permission to perform this action.")
}

func (r *Room) presentPermissions(ctx context.Context, rows []any, q url.Values) error {
	if err := r.mayView(ctx, q, "user", viewUser); err != nil {
		return err
	}
	if err := r.mayView(ctx, q, "role", viewRole); err != nil {
		return err
	}
	for _, row := range rows {
		p := row.(*Permission)
		p.AppTitle, p.ModelTitle = AppTitle(p.App), r.modelTitle(p.App, p.Model)
	}
	return nil
}

const (
	viewUser = "authentik_core.view_user"
	viewRole = "authentik_rbac.view_role"
)

// modelTitle gives what people call a model.
func (r *Room) modelTitle(app, model string) string {
	if k := r.Store.Kind(app + "." + model); k != nil {
		return k.Title
	}
	for _, p := range kept {
		if p.app == app && p.model == model {
			return p.name
		}
	}
	return "System permission"
}

// extra gives what a row of a list of grants shows.
func extra(row any) *Extra {
	if g, ok := row.(*UserGrant); ok {
		return &g.Extra
	}
	return &row.(*RoleGrant).Extra
}

// presentGrants fills a page of grants; an object is described to who may look at it.
func (r *Room) presentGrants(ctx context.Context, rows []any, q url.Values) error {
	if q.Get("user_id") == "" && q.Get("uuid") == "" {
		return nil
	}
	if err := r.mayView(ctx, q, "user_id", viewUser); err != nil {
		return err
	}
	if err := r.mayView(ctx, q, "uuid", viewRole); err != nil {
		return err
	}
	byID := map[int64]*Extra{}
	var ids []any
	for _, row := range rows {
		e := extra(row)
		byID[e.ID] = e
		ids = append(ids, e.ID)
	}
	if err := r.fill(ctx, ids, func(g ObjectGrant) { byID[g.ID].ObjectGrant = g }); err != nil {
		return err
	}
	for _, e := range byID {
		e.AppTitle, e.ModelTitle = AppTitle(e.App), r.modelTitle(e.App, e.Model)
		k := r.Store.Kind(e.App + "." + e.Model)
		if k == nil || k.IsBase() {
			continue
		}
		ok, err := r.May(ctx, store.ActorOf(ctx), k.Perm("view"), e.Object)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		obj, err := r.Store.Get(ctx, k, k.PKField().Name, e.Object)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		about := k.Name(obj)
		e.About = &about
	}
	return nil
}
