package rbac

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// OfUser is a user with the permissions that they hold on objects of a model.
type OfUser struct {
	PK          int64          `json:"pk" is:"readonly,nofilter"`
	Username    string         `json:"username" is:"required,search,nofilter" max:"150"`
	Name        string         `json:"name" is:"required,search,nofilter"`
	IsActive    bool           `json:"is_active" is:"nofilter"`
	LastLogin   *time.Time     `json:"last_login" is:"nofilter" format:"date-time"`
	Email       string         `json:"email" is:"search,nofilter" format:"email" max:"254"`
	Attributes  map[string]any `json:"attributes" is:"nofilter"`
	UID         string         `json:"uid" is:"computed,required"`
	Permissions []UserObject   `json:"permissions" is:"computed,required"`
	IsSuperuser bool           `json:"is_superuser" is:"computed,required"`
}

// OfRole is a role with the permissions that it holds on objects of a model.
type OfRole struct {
	UUID        string       `json:"uuid" is:"hidden"`
	RolePK      string       `json:"role_pk" is:"computed,required"`
	Name        string       `json:"name" is:"readonly,required,search,nofilter"`
	Permissions []RoleObject `json:"permissions" is:"computed,required"`
}

// UserObject is a permission on one object in the list of a user.
type UserObject struct{ ObjectGrant }

// RoleObject is a permission on one object in the list of a role.
type RoleObject struct{ ObjectGrant }

// SchemaName implements kind.SchemaNamer.
func (UserObject) SchemaName() string { return "UserObjectPermission" }

// SchemaName implements kind.SchemaNamer.
func (RoleObject) SchemaName() string { return "RoleObjectPermission" }

// Assign says which permissions to give or take: on one object, or without one for everything.
type Assign struct {
	Permissions []string `json:"permissions" is:"required" help:"Codenames; with the app in front when no model is named."`
	Model       string   `json:"model" help:"What sort of object it is."`
	ObjectPK    string   `json:"object_pk" help:"The key of the object."`
}

// SchemaName implements kind.SchemaNamer.
func (Assign) SchemaName() string { return "PermissionAssign" }

// Choices implements kind.Chooser.
func (Assign) Choices() map[string][]string { return map[string][]string{"model": kind.Models()} }

// superusers are the keys of all users in a group with all rights or in one below it.
const superusers = `WITH RECURSIVE super (pk) AS (SELECT pk FROM usergroups WHERE is_superuser = 1 UNION SELECT g.pk FROM usergroups g JOIN super ON g.parent = super.pk)
	SELECT m."user" FROM memberships m JOIN super ON super.pk = m."group"`

// ofModel is the condition that a grant g is about a model, whose app and name are bound to it.
const ofModel = `g.permission IN (SELECT p.app_label || '.' || p.codename FROM permissions p WHERE p.app_label = ? AND p.model = ?)`

// assignedKinds describes who holds permissions on objects of a model, and giving and taking them.
func (r *Room) assignedKinds() []*kind.Kind {
	filters := func(col, also string) []kind.Filter {
		return []kind.Filter{
			{Name: "model", Type: "string", Enum: kind.Models(), Required: true, Where: func(v string, _ kind.Dialect) (string, []any, error) {
				if !slices.Contains(kind.Models(), v) {
					return "", nil, fault.Field("model", "Select a valid choice. "+v+" is not one of the available choices.")
				}
				app, model, _ := strings.Cut(v, ".")
				return "o.pk IN (SELECT g." + col + " FROM permission_grants g WHERE g." + col + " IS NOT NULL AND " + ofModel + ")" + also, []any{app, model}, nil
			}},
			{Name: "object_pk", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				return "o.pk IN (SELECT g." + col + " FROM permission_grants g WHERE g." + col + " IS NOT NULL AND g.object = ?)" + also, []any{objectKey(v)}, nil
			}},
		}
	}
	action := func(method, path, perm string, give bool) kind.Action {
		a := kind.Detail(method, path, perm, func(ctx context.Context, c *kind.Call, in *Assign) (kind.None, error) {
			if method == "PATCH" {
				if err := c.Apply(in); err != nil {
					return kind.None{}, err
				}
			}
			return kind.None{}, r.assign(ctx, c.Object, in, give)
		})
		return a
	}
	return []*kind.Kind{
		kind.Of[OfUser](ofUsers, kind.Spec{
			Path: "rbac/permissions/assigned_by_users", Model: "authentik_core.user", Schema: "UserAssignedObjectPermission", Title: "User", Table: "users", View: true, Verbs: kind.List,
			Order: []string{"username"}, Filters: filters(`"user"`, " OR o.pk IN ("+superusers+")"), Present: r.presentUsers,
			Actions: []kind.Action{
				action("POST", "assign", "authentik_core.assign_user_permissions", true), action("PATCH", "unassign", "authentik_core.unassign_user_permissions", false),
			},
		}, nil),
		kind.Of[OfRole](ofRoles, kind.Spec{
			Path: "rbac/permissions/assigned_by_roles", Model: "authentik_rbac.role", Schema: "RoleAssignedObjectPermission", Title: "Role", View: true, Verbs: kind.List,
			Order: []string{"name"}, Filters: filters("role", ""), Present: r.presentRoles,
			Actions: []kind.Action{
				action("POST", "assign", "authentik_rbac.assign_role_permissions", true), action("PATCH", "unassign", "authentik_rbac.unassign_role_permissions", false),
			},
		}, nil),
	}
}

// objectKey gives a key of an object as grants hold it.
func objectKey(v string) string {
	if kind.UUIDText.MatchString(v) {
		return kind.Dashed(v)
	}
	return v
}

// fill reads grants by their number.
func (r *Room) fill(ctx context.Context, ids []any, put func(g ObjectGrant)) error {
	if len(ids) == 0 {
		return nil
	}
	return r.grants(ctx, `g.id IN (`+db.Marks(len(ids))+`)`, ids, func(_ string, g ObjectGrant) { put(g) })
}

// grants reads the grants on objects that fulfil a condition, with who holds each.
func (r *Room) grants(ctx context.Context, cond string, args []any, put func(holder string, g ObjectGrant)) error {
	rows, err := r.Store.DB().Query(ctx, `SELECT g.id, coalesce(CAST(g."user" AS TEXT), g.role), p.codename, p.model, p.app_label, g.object, p.name
		FROM permission_grants g JOIN permissions p ON p.app_label || '.' || p.codename = g.permission WHERE g.object <> '' AND `+cond+` ORDER BY g.id`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var g ObjectGrant
		var holder string
		if err := rows.Scan(&g.ID, &holder, &g.Codename, &g.Model, &g.App, &g.Object, &g.Name); err != nil {
			return err
		}
		put(holder, g)
	}
	return rows.Err()
}

// asked is the condition on grants g that a list was asked for.
func asked(q url.Values) (string, []any) {
	app, model, ok := strings.Cut(q.Get("model"), ".")
	if !ok {
		return "1 = 1", nil
	}
	cond, args := ofModel, []any{app, model}
	if o := q.Get("object_pk"); o != "" {
		cond, args = cond+" AND g.object = ?", append(args, objectKey(o))
	}
	return cond, args
}

func (r *Room) presentUsers(ctx context.Context, rows []any, q url.Values) error {
	byPK := map[string]*OfUser{}
	for _, row := range rows {
		u := row.(*OfUser)
		u.Permissions, u.UID = []UserObject{}, r.UID(u.PK)
		byPK[r.Store.KindFor(u).PK(u)] = u
	}
	super, err := r.Store.DB().Query(ctx, `SELECT CAST("user" AS TEXT) FROM (`+superusers+`)`)
	if err != nil {
		return err
	}
	defer super.Close()
	for super.Next() {
		var pk string
		if err := super.Scan(&pk); err != nil {
			return err
		}
		if u := byPK[pk]; u != nil {
			u.IsSuperuser = true
		}
	}
	if err := super.Err(); err != nil {
		return err
	}
	cond, args := asked(q)
	return r.grants(ctx, cond, args, func(holder string, g ObjectGrant) {
		if u := byPK[holder]; u != nil {
			u.Permissions = append(u.Permissions, UserObject{g})
		}
	})
}

func (r *Room) presentRoles(ctx context.Context, rows []any, q url.Values) error {
	byPK := map[string]*OfRole{}
	for _, row := range rows {
		o := row.(*OfRole)
		o.Permissions, o.RolePK = []RoleObject{}, o.UUID
		byPK[o.UUID] = o
	}
	cond, args := asked(q)
	return r.grants(ctx, cond, args, func(holder string, g ObjectGrant) {
		if o := byPK[holder]; o != nil {
			o.Permissions = append(o.Permissions, RoleObject{g})
		}
	})
}

// assign gives permissions to a user or role, or takes them. Who is not allowed everything passes on only what they hold themselves.
func (r *Room) assign(ctx context.Context, to any, in *Assign, give bool) error {
	user, role := int64(0), ""
	switch x := to.(type) {
	case *OfUser:
		user = x.PK
		var typ string
		if err := r.Store.DB().QueryRow(ctx, `SELECT type FROM users WHERE pk = ?`, user).Scan(&typ); err != nil {
			return err
		}
		if typ == "internal_service_account" {
			if give {
				return fault.New(fault.Invalid, "Permissions cannot be assigned to an internal service account.")
			}
			return fault.New(fault.Invalid, "Permissions cannot be unassigned from an internal service account.")
		}
	case *OfRole:
		role = x.UUID
	}
	object := objectKey(in.ObjectPK)
	names, err := r.named(ctx, in, object)
	if err != nil {
		return err
	}
	actor := store.ActorOf(ctx)
	for _, n := range names {
		if !give {
			break
		}
		ok, err := r.May(ctx, actor, n, object)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Denied, "You can only pass on permissions that you hold yourself.")
		}
	}
	return r.Store.Write(ctx, actor, func(tx *store.Tx) error {
		before, err := r.holds(tx, user, role, object)
		if err != nil {
			return err
		}
		for _, n := range names {
			if give {
				err = Grant(tx, user, role, n, object)
			} else {
				err = Revoke(tx, user, role, n, object)
			}
			if err != nil {
				return err
			}
		}
		after, err := r.holds(tx, user, role, object)
		if err != nil || slices.Equal(before, after) {
			return err
		}
		diff := map[string]store.Values{"permissions": {Previous: before, New: after}}
		if object != "" {
			diff["object"] = store.Values{Previous: in.Model + " " + object, New: in.Model + " " + object}
		}
		return tx.Changed(to, diff)
	})
}

// holds gives what a user or role itself holds, everywhere or on one object.
func (r *Room) holds(tx *store.Tx, user int64, role, object string) ([]string, error) {
	rows, err := tx.Query(`SELECT permission FROM permission_grants WHERE coalesce("user", 0) = ? AND coalesce(role, '') = ? AND object = ? ORDER BY permission`, user, role, object)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// named gives the whole names of the permissions of a request, each of which exists.
func (r *Room) named(ctx context.Context, in *Assign, object string) ([]string, error) {
	if (in.Model == "") != (object == "") {
		missing := "object_pk"
		if in.Model == "" {
			missing = "model"
		}
		return nil, fault.Field(missing, "Model and object are given together or not at all.")
	}
	app, model, _ := strings.Cut(in.Model, ".")
	if in.Model != "" {
		gone := fault.Field("object_pk", "Invalid pk \""+in.ObjectPK+"\" - object does not exist.")
		k := r.Store.Kind(in.Model)
		if k == nil {
			return nil, gone
		}
		if _, err := r.Store.Get(ctx, k, k.PKField().Name, object); fault.Is(err, fault.NotFound) {
			return nil, gone
		} else if err != nil {
			return nil, err
		}
	}
	var out []string
	for _, n := range in.Permissions {
		of, codename, dotted := strings.Cut(n, ".")
		switch {
		case in.Model == "" && !dotted:
			return nil, fault.Field("permissions", "When assigning global permissions, codename must be given as app_label.codename")
		case in.Model != "" && !dotted:
			of, codename = app, n
		}
		cond, args := "app_label = ? AND codename = ?", []any{of, codename}
		if in.Model != "" {
			cond, args = cond+" AND app_label = ? AND model = ?", append(args, app, model)
		}
		var yes bool
		if err := r.Store.DB().QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM permissions WHERE `+cond+`)`, args...).Scan(&yes); err != nil {
			return nil, err
		}
		if !yes {
			return nil, fault.Field("permissions", "There is no permission "+n+" of that kind.")
		}
		out = append(out, of+"."+codename)
	}
	return out, nil
}
