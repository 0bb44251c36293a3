package user

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// table is where people are. A change of a row by a statement of its own says so (store.Tx.Touched).
const table = "users"

// ByPK finds a user; what it gives is the caller's own. NotFound when there is none.
func (d *Directory) ByPK(ctx context.Context, pk int64) (*User, error) {
	kept, err := d.known.Get(d.Store, table, pk, func() (*User, error) { return d.read(ctx, `o.pk = ?`, pk) })
	if err != nil {
		return nil, err
	}
	return kept.own(), nil
}

// own gives a user that the caller may change.
func (u *User) own() *User {
	mine := *u
	mine.Attributes = Copy(u.Attributes)
	return &mine
}

// Viewable finds a user by the key, for who may look at them: themselves, or with the permission. NotFound else.
func (d *Directory) Viewable(ctx context.Context, pk int64) (*User, error) {
	if a := store.ActorOf(ctx); d.May != nil && a.UserPK != pk {
		ok, err := d.May(ctx, a, "authentik_core.view_user", strconv.FormatInt(pk, 10))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fault.New(fault.NotFound, "No User matches the given query.")
		}
	}
	return d.ByPK(ctx, pk)
}

// ByUsername finds the user with exactly this username.
func (d *Directory) ByUsername(ctx context.Context, username string) (*User, error) {
	d.naming.Lock()
	pk, ok := d.names[username]
	d.naming.Unlock()
	if ok { // who is called that now is asked anew
		if u, err := d.ByPK(ctx, pk); err == nil && u.Username == username {
			return u, nil
		}
	}
	return d.find(ctx, `o.username = ?`, username)
}

// mostNames bounds the usernames whose user is remembered.
const mostNames = 2000

// name remembers who had a username.
func (d *Directory) name(u *User) {
	d.naming.Lock()
	defer d.naming.Unlock()
	if d.names == nil || len(d.names) >= mostNames {
		d.names = map[string]int64{}
	}
	d.names[u.Username] = u.PK
}

// ByUUID finds a user by its UUID.
func (d *Directory) ByUUID(ctx context.Context, uuid string) (*User, error) {
	return d.find(ctx, `o.uuid = ?`, uuid)
}

// find finds a user; it is the caller's own.
func (d *Directory) find(ctx context.Context, where string, args ...any) (*User, error) {
	u, err := d.known.Find(d.Store, table, func() (int64, *User, error) {
		u, err := d.read(ctx, where, args...)
		if err != nil {
			return 0, nil, err
		}
		return u.PK, u, nil
	})
	if err != nil {
		return nil, err
	}
	d.name(u)
	return u.own(), nil
}

func (d *Directory) read(ctx context.Context, where string, args ...any) (*User, error) {
	us, err := store.All[User](ctx, d.Store, store.Query{Where: where, Args: args, Order: []string{"pk"}})
	if err != nil {
		return nil, err
	}
	if len(us) == 0 {
		return nil, fault.New(fault.NotFound, "There is no such user.")
	}
	return us[0], nil
}

// Identify finds who types value on the sign-in page: by the fields email, username and upn that are asked for, in that order of
// the list. Of several the one with the lowest number is taken. NotFound when there is none.
func (d *Directory) Identify(ctx context.Context, value string, fields []string, anyCase bool) (*User, error) {
	if value == "" {
		return nil, fault.New(fault.NotFound, "There is no such user.")
	}
	var ors []string
	var args []any
	for _, f := range fields {
		col := ""
		switch f {
		case "email":
			col = "o.email"
		case "username":
			col = "o.username"
		case "upn":
			col = "json_extract(o.attributes, '$.upn')"
		default:
			continue
		}
		if anyCase {
			ors, args = append(ors, "lower("+col+") = lower(?)"), append(args, value)
		} else {
			ors, args = append(ors, col+" = ?"), append(args, value)
		}
	}
	if len(ors) == 0 {
		return nil, fault.New(fault.NotFound, "There is no such user.")
	}
	return d.find(ctx, "("+strings.Join(ors, " OR ")+")", args...)
}

// Show fills a map from keys to users with what their pages show; keys that lead nowhere stay nil. The values are *User.
func Show(ctx context.Context, d *Directory, into map[int64]any) error {
	pks := make([]any, 0, len(into))
	for pk := range into {
		pks = append(pks, pk)
	}
	for chunk := range slices.Chunk(pks, 500) {
		us, err := store.All[User](ctx, d.Store, store.Query{Where: "o.pk IN (" + db.Marks(len(chunk)) + ")", Args: chunk})
		if err != nil {
			return err
		}
		rows := make([]any, len(us))
		for i, u := range us {
			rows[i], into[u.PK] = u, u
		}
		if err := d.presentUsers(ctx, rows, url.Values{}); err != nil {
			return err
		}
	}
	return nil
}

// ShowGroups is Show for groups; their members are left out.
func ShowGroups(ctx context.Context, d *Directory, into map[string]any) error {
	pks := make([]any, 0, len(into))
	for pk := range into {
		pks = append(pks, pk)
	}
	for chunk := range slices.Chunk(pks, 500) {
		gs, err := store.All[Group](ctx, d.Store, store.Query{Where: "o.pk IN (" + db.Marks(len(chunk)) + ")", Args: chunk})
		if err != nil {
			return err
		}
		rows := make([]any, len(gs))
		for i, g := range gs {
			rows[i], into[g.PK] = g, g
		}
		if err := d.presentGroups(ctx, rows, url.Values{"include_users": {"false"}}); err != nil {
			return err
		}
	}
	return nil
}

// ByPKTx is ByPK inside a transaction.
func ByPKTx(tx *store.Tx, pk int64) (*User, error) {
	us, err := store.AllTx[User](tx, store.Query{Where: `o.pk = ?`, Args: []any{pk}})
	if err != nil {
		return nil, err
	}
	if len(us) == 0 {
		return nil, fault.New(fault.NotFound, "There is no such user.")
	}
	return us[0], nil
}

// ancestry is every group of a user with all ancestors, the direct ones at depth 0.
const ancestry = `WITH RECURSIVE up (pk, depth) AS (SELECT "group", 0 FROM memberships WHERE "user" = ? UNION SELECT g.parent, up.depth + 1 FROM up JOIN usergroups g ON g.pk = up.pk WHERE g.parent IS NOT NULL AND up.depth < 20) `

// AllGroups gives the groups of a user, ancestors included, ordered by name. A group comes once.
func (d *Directory) AllGroups(ctx context.Context, pk int64) ([]*Group, error) {
	return store.All[Group](ctx, d.Store, allGroups(pk))
}

func allGroups(pk int64) store.Query {
	return store.Query{Where: `o.pk IN (` + ancestry + `SELECT pk FROM up)`, Args: []any{pk}, Order: []string{"name"}}
}

// DirectGroups gives the groups that a user is a member of, ordered by name.
func (d *Directory) DirectGroups(ctx context.Context, pk int64) ([]*Group, error) {
	return store.All[Group](ctx, d.Store, store.Query{Where: `o.pk IN (SELECT "group" FROM memberships WHERE "user" = ?)`, Args: []any{pk}, Order: []string{"name"}})
}

// GroupNames gives the names of the groups that a user is a member of, in order.
func (d *Directory) GroupNames(ctx context.Context, pk int64) ([]string, error) {
	rows, err := d.Store.DB().Query(ctx, `SELECT g.name FROM memberships m JOIN usergroups g ON g.pk = m."group" WHERE m."user" = ? ORDER BY g.name`, pk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// Superuser says whether a user may do everything.
func (d *Directory) Superuser(ctx context.Context, pk int64) (bool, error) {
	var yes bool
	err := d.Store.DB().QueryRow(ctx, ancestry+`SELECT EXISTS (SELECT 1 FROM up JOIN usergroups g ON g.pk = up.pk WHERE g.is_superuser = 1)`, pk).Scan(&yes)
	return yes, err
}

// SuperuserTx is Superuser inside a transaction.
func SuperuserTx(tx *store.Tx, pk int64) (yes bool, err error) {
	err = tx.QueryRow(ancestry+`SELECT EXISTS (SELECT 1 FROM up JOIN usergroups g ON g.pk = up.pk WHERE g.is_superuser = 1)`, pk).Scan(&yes)
	return yes, err
}

// HasAdmin says whether somebody could administer Gatehouse.
func (d *Directory) HasAdmin(ctx context.Context) (bool, error) {
	var yes bool
	err := d.Store.DB().QueryRow(ctx, superGroups+`SELECT EXISTS (SELECT 1 FROM users u JOIN memberships m ON m."user" = u.pk WHERE u.is_active = 1 AND m."group" IN (SELECT pk FROM su))`).Scan(&yes)
	return yes, err
}

// Owner gives the user whom the local owner of the machine acts as: the first active person who may do everything. NotFound when there is
// none.
func (d *Directory) Owner(ctx context.Context) (*User, error) {
	var pk int64
	err := d.Store.DB().QueryRow(ctx, superGroups+`SELECT u.pk FROM users u JOIN memberships m ON m."user" = u.pk
		WHERE u.is_active = 1 AND u.type IN ('internal', 'external') AND m."group" IN (SELECT pk FROM su) ORDER BY u.pk LIMIT 1`).Scan(&pk)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "No active user has all rights.")
	}
	if err != nil {
		return nil, err
	}
	return d.ByPK(ctx, pk)
}

// Count gives the number of users.
func (d *Directory) Count(ctx context.Context) (n int, err error) {
	return n, d.Store.DB().QueryRow(ctx, `SELECT count(*) FROM users`).Scan(&n)
}

// Attributes merges the attributes of the brand, of all groups of the user by name, and of the user; later ones win, lists are joined.
func (d *Directory) Attributes(ctx context.Context, u *User) (map[string]any, error) {
	var gs []*Group
	if u.PK != 0 {
		var err error
		if gs, err = d.AllGroups(ctx, u.PK); err != nil {
			return nil, err
		}
	}
	return merged(d.Settings(ctx).BrandAttrs, gs, u), nil
}

// AttributesTx is Attributes inside a transaction.
func (d *Directory) AttributesTx(tx *store.Tx, u *User) (map[string]any, error) {
	gs, err := store.AllTx[Group](tx, allGroups(u.PK))
	return merged(d.Settings(store.WithActor(context.Background(), tx.Actor)).BrandAttrs, gs, u), err
}

func merged(brand map[string]any, groups []*Group, u *User) map[string]any {
	out := map[string]any{}
	Merge(out, brand)
	for _, g := range groups {
		Merge(out, g.Attributes)
	}
	Merge(out, u.Attributes)
	return out
}

// Merge puts what is in from into into: objects are merged, lists joined, other values replaced. from is not changed.
func Merge(into, from map[string]any) {
	for k, v := range from {
		switch x := v.(type) {
		case map[string]any:
			m, ok := into[k].(map[string]any)
			fresh := map[string]any{}
			if ok {
				Merge(fresh, m)
			}
			Merge(fresh, x)
			into[k] = fresh
		case []any:
			if l, ok := into[k].([]any); ok {
				into[k] = append(slices.Clone(l), x...)
			} else {
				into[k] = slices.Clone(x)
			}
		default:
			into[k] = v
		}
	}
}

// Copy gives a copy of attributes that shares nothing with them.
func Copy(from map[string]any) map[string]any {
	out := make(map[string]any, len(from))
	for k, v := range from {
		out[k] = copied(v)
	}
	return out
}

func copied(v any) any {
	switch x := v.(type) {
	case map[string]any:
		return Copy(x)
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = copied(e)
		}
		return out
	}
	return v
}

// Attribute finds a value at a dotted path in attributes; nil when it is not there.
func Attribute(attrs map[string]any, path string) any {
	var at any = attrs
	for part := range strings.SplitSeq(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[part]
	}
	return at
}

// Locale gives the language that a user chose, "" when none.
func (u *User) Locale() string {
	s, _ := Attribute(u.Attributes, "settings.locale").(string)
	return s
}

func groupsOf(tx *store.Tx, pk int64) ([]string, error) {
	rows, err := tx.Query(`SELECT "group" FROM memberships WHERE "user" = ?`, pk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var g string
		if err := rows.Scan(&g); err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

// ChangeMembers takes people into a group and out of it, with the event that tells so. Denied when that makes or unmakes superusers and the
// actor is none.
func ChangeMembers(tx *store.Tx, g *Group, add, remove []int64) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	if err := mayCarry(tx, nil, []string{g.PK}); err != nil {
		return fault.New(fault.Denied, "Only a superuser can change who is in a group of superusers.")
	}
	said := map[string]any{}
	for word, users := range map[string][]int64{"add": add, "remove": remove} {
		stmt := `INSERT INTO memberships ("user", "group") VALUES (?, ?) ON CONFLICT DO NOTHING`
		if word == "remove" {
			stmt = `DELETE FROM memberships WHERE "user" = ? AND "group" = ?`
		}
		for _, u := range users {
			if _, err := tx.Exec(stmt, u, g.PK); err != nil {
				return err
			}
		}
		if len(users) > 0 {
			said[word] = users
		}
	}
	if err := keepAdmin(tx); err != nil {
		return err
	}
	return tx.Changed(g, map[string]store.Values{"users": {New: said}})
}

// AddToGroup makes a user a member; nothing happens when they are.
func AddToGroup(tx *store.Tx, user int64, group string) error {
	_, err := tx.Exec(`INSERT INTO memberships ("user", "group") VALUES (?, ?) ON CONFLICT DO NOTHING`, user, group)
	return err
}
