// Package rbac says who may do what: permissions of users and of the roles that their groups carry, for a whole model or one object.
//
//	user ─┬─▶ grant(permission, object?)
//	      └─▶ groups with ancestors ─▶ roles ─▶ grant(permission, object?)
//
// A superuser may do everything and is never looked up here.
package rbac

import (
	"context"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of roles.
var Family = &kind.Family{Name: "roles", Param: "uuid", Title: "role"}

// Role is a set of permissions that groups carry.
type Role struct {
	PK   string `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name string `json:"name" is:"required,unique,search,nofilter" max:"150"`
}

// Room answers what somebody may do.
type Room struct {
	Store *store.Store
	UID   func(user int64) string // the identifier that applications know a user by
}

// Kinds describes roles, permissions, and who holds which.
func (r *Room) Kinds() []*kind.Kind {
	out := []*kind.Kind{kind.Of[Role](Family, kind.Spec{
		Path: "rbac/roles", Model: "authentik_rbac.role", Schema: "Role", Title: "Role", Order: []string{"name"},
		Filters: []kind.Filter{{Name: "group__name", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return `o.pk IN (SELECT gr.role FROM group_roles gr JOIN usergroups g ON g.pk = gr."group" WHERE g.name = ?)`, []any{v}, nil
		}}},
	}, nil)}
	return append(append(out, r.permissionKinds()...), r.assignedKinds()...)
}

// held is the condition on permission_grants p that a user holds the grant, by themselves or through a role.
const held = `(p."user" = ? OR p.role IN (
	WITH RECURSIVE up (pk, depth) AS (SELECT "group", 0 FROM memberships WHERE "user" = ? UNION SELECT g.parent, up.depth + 1 FROM up JOIN usergroups g ON g.pk = up.pk WHERE g.parent IS NOT NULL AND up.depth < 20)
	SELECT gr.role FROM group_roles gr JOIN up ON up.pk = gr."group"))`

// May says whether the actor holds a permission ("authentik_core.view_user") globally, or on the object when object is not "".
func (r *Room) May(ctx context.Context, a store.Actor, permission, object string) (bool, error) {
	if a.System || a.Superuser {
		return true, nil
	}
	if a.UserPK == 0 {
		return false, nil
	}
	var yes bool
	err := r.Store.DB().QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM permission_grants p WHERE p.permission = ? AND (p.object = '' OR p.object = ?) AND `+held+`)`,
		permission, object, a.UserPK, a.UserPK).Scan(&yes)
	return yes, err
}

// Objects gives the keys of the objects on which the actor holds a permission; all is true when they hold it globally.
func (r *Room) Objects(ctx context.Context, a store.Actor, permission string) (all bool, pks []string, err error) {
	if a.System || a.Superuser {
		return true, nil, nil
	}
	if a.UserPK == 0 {
		return false, nil, nil
	}
	rows, err := r.Store.DB().Query(ctx, `SELECT DISTINCT p.object FROM permission_grants p WHERE p.permission = ? AND `+held, permission, a.UserPK, a.UserPK)
	if err != nil {
		return false, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var pk string
		if err := rows.Scan(&pk); err != nil {
			return false, nil, err
		}
		if pk == "" {
			all = true
		}
		pks = append(pks, pk)
	}
	return all, pks, rows.Err()
}

// Of gives the global permissions of a user that begin with prefix ("authentik_rbac."), by their codename.
func (r *Room) Of(ctx context.Context, user int64, prefix string) ([]string, error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT DISTINCT substr(p.permission, ?) FROM permission_grants p WHERE p.object = '' AND substr(p.permission, 1, ?) = ? AND `+held+` ORDER BY 1`,
		len(prefix)+1, len(prefix), prefix, user, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Grant gives a permission to a user (by key) or a role (by key), one of them; object "" means every object.
func Grant(tx *store.Tx, user int64, role, permission, object string) error {
	var u, r any
	switch {
	case user != 0 && role == "":
		u = user
	case user == 0 && role != "":
		r = role
	default:
		return fault.New(fault.Invalid, "A permission goes to a user or to a role.")
	}
	_, err := tx.Exec(`INSERT INTO permission_grants ("user", role, permission, object) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, u, r, permission, object)
	return err
}

// Revoke takes a permission back; nothing happens when it was not given.
func Revoke(tx *store.Tx, user int64, role, permission, object string) error {
	_, err := tx.Exec(`DELETE FROM permission_grants WHERE coalesce("user", 0) = ? AND coalesce(role, '') = ? AND permission = ? AND object = ?`, user, role, permission, object)
	return err
}

// Forget drops every grant on an object that is gone.
func Forget(tx *store.Tx, object string) error {
	_, err := tx.Exec(`DELETE FROM permission_grants WHERE object = ?`, object)
	return err
}

// Gone drops the grants on an object that was deleted; it is a hook of the store.
func Gone(tx *store.Tx, k *kind.Kind, pk string) error {
	_, err := tx.Exec(`DELETE FROM permission_grants WHERE object = ? AND permission IN (SELECT app_label || '.' || codename FROM permissions WHERE app_label = ? AND model = ?)`, pk, k.App(), k.ModelName())
	return err
}
