package user

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Groups is the shelf of groups.
var Groups = &kind.Family{Name: "groups", Param: "group_uuid", Title: "group"}

// maxDepth is how many ancestors of a group are looked at.
const maxDepth = 20

// Group is a set of users; what is true of a group is true of the members of its descendants.
type Group struct {
	PK          string         `json:"pk" is:"readonly,nofilter" format:"uuid"`
	NumPK       int64          `json:"num_pk" is:"readonly,required,nofilter"`
	Name        string         `json:"name" is:"required,search" max:"80"`
	IsSuperuser bool           `json:"is_superuser" help:"Whether members may do everything."`
	Parent      *string        `json:"parent" is:"nofilter" ref:"groups set_null" format:"uuid" help:"Members of this group count as members of the parent."`
	ParentName  *string        `json:"parent_name" is:"computed,required"`
	Users       []int64        `json:"users" is:"virtual" ref:"users"`
	UsersObj    []Member       `json:"users_obj" is:"computed,required,nullable"`
	Attributes  map[string]any `json:"attributes" is:"nofilter" group:"advanced"`
	Roles       []string       `json:"roles" is:"virtual" ref:"roles" format:"uuid" group:"advanced"`
	RolesObj    []RoleOf       `json:"roles_obj" is:"computed,required"`

	room *Directory
}

// Member is a user as a group's page shows it.
type Member struct {
	PK         int64          `json:"pk" is:"required,readonly"`
	Username   string         `json:"username" is:"required" max:"150"`
	Name       string         `json:"name" is:"required"`
	IsActive   bool           `json:"is_active"`
	LastLogin  *time.Time     `json:"last_login" format:"date-time"`
	Email      string         `json:"email" format:"email" max:"254"`
	Attributes map[string]any `json:"attributes"`
	UID        string         `json:"uid" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Member) SchemaName() string { return "GroupMember" }

// RoleOf is a role as a group's page shows it.
type RoleOf struct {
	PK   string `json:"pk" is:"required,readonly" format:"uuid"`
	Name string `json:"name" is:"required" max:"150"`
}

// SchemaName implements kind.SchemaNamer.
func (RoleOf) SchemaName() string { return "Role" }

func (r *Directory) groupKind() *kind.Kind {
	return kind.Of(Groups, kind.Spec{
		Path: "core/groups", Model: "authentik_core.group", Schema: "Group", Title: "Group", Table: "usergroups", Order: []string{"name"},
		Actions: r.groupActions(), Filters: groupFilters(),
		Params:  []kind.Param{{Name: "include_users", Type: "boolean", Default: "true"}},
		Present: r.presentGroups,
	}, func() *Group { return &Group{room: r} })
}

// Saving implements store.Saver.
func (g *Group) Saving(tx *store.Tx, old any) error {
	before, _ := old.(*Group)
	if before == nil {
		n, err := tx.Next("group number")
		if err != nil {
			return err
		}
		g.NumPK = n
	}
	if g.Attributes == nil {
		g.Attributes = map[string]any{}
	}
	if err := g.guard(tx, before); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM usergroups WHERE name = ? AND coalesce(parent, '') = coalesce(?, '') AND pk <> ?`, g.Name, g.Parent, g.PK).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fault.Field("name", "There is a group with this name already.")
	}
	return g.loop(tx)
}

// guard keeps those who are no superusers from making superusers, whichever way.
func (g *Group) guard(tx *store.Tx, before *Group) error {
	if tx.Actor.System || tx.Actor.Superuser {
		return nil
	}
	was, had := false, []string{}
	if before != nil {
		was = before.IsSuperuser
		if err := tx.QueryRow(superGroups+`SELECT count(*) > 0 FROM su WHERE pk = ?`, g.PK).Scan(&was); err != nil {
			return err
		}
		if before.Parent != nil {
			had = []string{*before.Parent}
		}
	}
	if g.IsSuperuser && (before == nil || !before.IsSuperuser) {
		return fault.Field("is_superuser", "Only a superuser can make a group of superusers.")
	}
	if was && g.Users != nil {
		return fault.Field("users", "Only a superuser can change who is in a group of superusers.")
	}
	if g.Roles != nil {
		same, err := g.sameRoles(tx)
		if err != nil {
			return err
		}
		if !same {
			return fault.Field("roles", "Only a superuser can give roles to a group.")
		}
	}
	if g.Parent != nil {
		if err := mayCarry(tx, had, []string{*g.Parent}); err != nil {
			return fault.Field("parent", "Only a superuser can put a group below a group of superusers.")
		}
	}
	return nil
}

func (g *Group) sameRoles(tx *store.Tx) (bool, error) {
	rows, err := tx.Query(`SELECT role FROM group_roles WHERE "group" = ?`, g.PK)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var role string
		if err := rows.Scan(&role); err != nil {
			return false, err
		}
		if n++; !slices.Contains(g.Roles, role) {
			return false, nil
		}
	}
	return n == len(g.Roles), rows.Err()
}

// loop refuses a parent that is the group itself or one of its descendants.
func (g *Group) loop(tx *store.Tx) error {
	for at, i := g.Parent, 0; at != nil && i <= maxDepth; i++ {
		if *at == g.PK {
			return fault.Field("parent", "Cannot set group as parent of itself.")
		}
		var next *string
		rows, err := tx.Query(`SELECT parent FROM usergroups WHERE pk = ?`, *at)
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := rows.Scan(&next); err != nil {
				return err
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// Saved implements store.AfterSaver.
func (g *Group) Saved(tx *store.Tx, old any) error {
	if g.Users != nil {
		want := make([]any, len(g.Users))
		for i, u := range g.Users {
			want[i] = u
		}
		if err := setMembers(tx, `"group"`, g.PK, `"user"`, want); err != nil {
			return err
		}
	}
	if g.Roles != nil {
		if _, err := tx.Exec(`DELETE FROM group_roles WHERE "group" = ?`, g.PK); err != nil {
			return err
		}
		for _, role := range g.Roles {
			if _, err := tx.Exec(`INSERT INTO group_roles ("group", role) VALUES (?, ?) ON CONFLICT DO NOTHING`, g.PK, role); err != nil {
				return err
			}
		}
	}
	if old == nil {
		return nil
	}
	return keepAdmin(tx)
}

// Deleting implements store.Deleter.
func (g *Group) Deleting(tx *store.Tx) error {
	if _, err := tx.Exec(`DELETE FROM memberships WHERE "group" = ?`, g.PK); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE usergroups SET parent = NULL WHERE parent = ?`, g.PK); err != nil {
		return err
	}
	return keepAdmin(tx)
}

// presentGroups fills what is computed for a page of groups with a fixed number of queries.
func (r *Directory) presentGroups(ctx context.Context, rows []any, query url.Values) error {
	byPK := make(map[string]*Group, len(rows))
	pks := make([]any, 0, len(rows))
	withObj := query.Get("include_users") != "false"
	for _, row := range rows {
		g := row.(*Group)
		byPK[g.PK] = g
		pks = append(pks, g.PK)
		g.Users, g.Roles, g.RolesObj = []int64{}, []string{}, []RoleOf{}
		if withObj {
			g.UsersObj = []Member{}
		}
	}
	for chunk := range slices.Chunk(pks, 500) {
		if err := r.fillMembers(ctx, byPK, chunk, withObj); err != nil {
			return err
		}
		if err := r.fillNames(ctx, byPK, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (r *Directory) fillMembers(ctx context.Context, byPK map[string]*Group, pks []any, withObj bool) error {
	if !withObj {
		rows, err := r.Store.DB().Query(ctx, `SELECT "group", "user" FROM memberships WHERE "group" IN (`+db.Marks(len(pks))+`) ORDER BY "user"`, pks...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var pk string
			var u int64
			if err := rows.Scan(&pk, &u); err != nil {
				return err
			}
			byPK[pk].Users = append(byPK[pk].Users, u)
		}
		return rows.Err()
	}
	rows, err := r.Store.DB().Query(ctx, `SELECT m."group", u.pk, u.username, u.name, u.is_active, u.last_login, u.email, u.attributes FROM memberships m JOIN users u ON u.pk = m."user" WHERE m."group" IN (`+db.Marks(len(pks))+`) ORDER BY u.pk`, pks...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var pk, attrs string
		var m Member
		var last *int64
		if err := rows.Scan(&pk, &m.PK, &m.Username, &m.Name, &m.IsActive, &last, &m.Email, &attrs); err != nil {
			return err
		}
		if last != nil {
			t := time.UnixMicro(*last).UTC()
			m.LastLogin = &t
		}
		if m.Attributes, err = object(attrs); err != nil {
			return err
		}
		m.UID = r.UID(m.PK)
		g := byPK[pk]
		g.Users, g.UsersObj = append(g.Users, m.PK), append(g.UsersObj, m)
	}
	return rows.Err()
}

// fillNames gives groups the names of their parents and their roles.
func (r *Directory) fillNames(ctx context.Context, byPK map[string]*Group, pks []any) error {
	marks := db.Marks(len(pks))
	rows, err := r.Store.DB().Query(ctx, `SELECT g."group", o.pk, o.name FROM group_roles g JOIN object o ON o.pk = g.role WHERE g."group" IN (`+marks+`)
		UNION ALL SELECT g.pk, '', p.name FROM usergroups g JOIN usergroups p ON p.pk = g.parent WHERE g.pk IN (`+marks+`) ORDER BY 3`, append(slices.Clone(pks), pks...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var pk string
		var role RoleOf
		if err := rows.Scan(&pk, &role.PK, &role.Name); err != nil {
			return err
		}
		g := byPK[pk]
		if role.PK == "" {
			g.ParentName = &role.Name
			continue
		}
		g.Roles, g.RolesObj = append(g.Roles, role.PK), append(g.RolesObj, role)
	}
	return rows.Err()
}

// object reads a JSON object out of a column.
func object(text string) (map[string]any, error) {
	m := map[string]any{}
	if text == "" {
		return m, nil
	}
	return m, json.Unmarshal([]byte(text), &m)
}
