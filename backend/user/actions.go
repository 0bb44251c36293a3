package user

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// PasswordRequest is the body of set_password.
type PasswordRequest struct {
	Password string `json:"password" is:"required,raw"`
}

// SchemaName implements kind.SchemaNamer.
func (PasswordRequest) SchemaName() string { return "UserPasswordSet" }

// Paths are the places of the directory.
type Paths struct {
	Paths []string `json:"paths" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Paths) SchemaName() string { return "UserPath" }

// Account names a user for a group.
type Account struct {
	PK int64 `json:"pk" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Account) SchemaName() string { return "UserAccount" }

func (d *Directory) userActions() []kind.Action {
	set := kind.Detail("POST", "set_password", "authentik_core.reset_user_password", func(ctx context.Context, c *kind.Call, in *PasswordRequest) (kind.None, error) {
		u := c.Object.(*User)
		if err := d.guardTarget(ctx, u); err != nil {
			return kind.None{}, err
		}
		return kind.None{}, d.SetPassword(ctx, u, in.Password)
	})
	paths := kind.Collection("GET", "paths", "view", func(ctx context.Context, c *kind.Call, _ *kind.None) (Paths, error) {
		out := Paths{Paths: []string{}}
		rows, err := d.Store.DB().Query(ctx, `SELECT DISTINCT path FROM users WHERE type <> 'internal_service_account' AND `+db.Contains("path")+` ORDER BY path`, db.LikePattern(c.Query.Get("search")))
		if err != nil {
			return out, err
		}
		defer rows.Close()
		for rows.Next() {
			var p string
			if err := rows.Scan(&p); err != nil {
				return out, err
			}
			out.Paths = append(out.Paths, p)
		}
		return out, rows.Err()
	})
	paths.Query = []kind.Param{{Name: "search", Type: "string"}}
	return []kind.Action{set, paths}
}

// guardTarget keeps those who are no superusers from taking over one.
func (d *Directory) guardTarget(ctx context.Context, u *User) error {
	a := store.ActorOf(ctx)
	if a.Superuser || a.System || a.UserPK == u.PK {
		return nil
	}
	super, err := d.Superuser(ctx, u.PK)
	if err != nil {
		return err
	}
	if super {
		return fault.New(fault.Denied, "Only a superuser can do this to a superuser.")
	}
	return nil
}

// GuardTarget is for the actions of other rooms that let one into another's account.
func (d *Directory) GuardTarget(ctx context.Context, u *User) error { return d.guardTarget(ctx, u) }

func (d *Directory) groupActions() []kind.Action {
	change := func(verb string, delta func(u int64) (add, remove []int64)) kind.Action {
		a := kind.Detail("POST", verb, "authentik_core."+verb+"_"+map[string]string{"add_user": "to_group", "remove_user": "from_group"}[verb],
			func(ctx context.Context, c *kind.Call, in *Account) (kind.None, error) {
				g := c.Object.(*Group)
				if _, err := d.Viewable(ctx, in.PK); err != nil { // who is not seen can't be told from nobody
					return kind.None{}, err
				}
				return kind.None{}, d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
					if _, err := ByPKTx(tx, in.PK); err != nil {
						return err
					}
					add, remove := delta(in.PK)
					return ChangeMembers(tx, g, add, remove)
				})
			})
		a.Answers = map[int]string{404: "There is no such user."}
		return a
	}
	return []kind.Action{
		change("add_user", func(u int64) (add, remove []int64) { return []int64{u}, nil }),
		change("remove_user", func(u int64) (add, remove []int64) { return nil, []int64{u} }),
	}
}

func userFilters() []kind.Filter {
	in := func(v string, sql func(marks string) string) (string, []any, error) {
		var args []any
		for p := range strings.SplitSeq(v, ",") {
			args = append(args, p)
		}
		return sql(db.Marks(len(args))), args, nil
	}
	return []kind.Filter{
		{Name: "attributes", Type: "string", Where: attributeFilter},
		{Name: "is_superuser", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			yes, err := strconv.ParseBool(strings.ToLower(v))
			if err != nil {
				return "", nil, fault.Field("is_superuser", "Must be a valid boolean.")
			}
			not := "NOT "
			if yes {
				not = ""
			}
			return "o.pk " + not + `IN (` + superGroups + `SELECT m."user" FROM memberships m WHERE m."group" IN (SELECT pk FROM su))`, nil, nil
		}},
		{Name: "groups_by_name", Type: "array", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return in(v, func(m string) string {
				return `o.pk IN (SELECT m."user" FROM memberships m JOIN usergroups g ON g.pk = m."group" WHERE g.name IN (` + m + `))`
			})
		}},
		{Name: "groups_by_pk", Type: "array", Format: "uuid", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return in(v, func(m string) string { return `o.pk IN (SELECT "user" FROM memberships WHERE "group" IN (` + m + `))` })
		}},
		{Name: "path_startswith", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return "substr(o.path, 1, ?) = ?", []any{len([]rune(v)), v}, nil
		}},
		{Name: "type", Type: "array", Enum: []string{External, Internal, InternalService, ServiceAccount}, Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return in(v, func(m string) string { return "o.type IN (" + m + ")" })
		}},
	}
}

func groupFilters() []kind.Filter {
	return []kind.Filter{
		{Name: "attributes", Type: "string", Where: attributeFilter},
		{Name: "members_by_pk", Type: "array", Items: "integer", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			var args []any
			for p := range strings.SplitSeq(v, ",") {
				n, err := strconv.ParseInt(p, 10, 64)
				if err != nil {
					return "", nil, fault.Field("members_by_pk", "Enter a number.")
				}
				args = append(args, n)
			}
			return `o.pk IN (SELECT "group" FROM memberships WHERE "user" IN (` + db.Marks(len(args)) + `))`, args, nil
		}},
		{Name: "members_by_username", Type: "array", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			var args []any
			for p := range strings.SplitSeq(v, ",") {
				args = append(args, p)
			}
			return `o.pk IN (SELECT m."group" FROM memberships m JOIN users u ON u.pk = m."user" WHERE u.username IN (` + db.Marks(len(args)) + `))`, args, nil
		}},
	}
}

// attributeFilter finds objects whose attributes hold every member of a JSON object: {"department": "sales"}.
func attributeFilter(v string, d kind.Dialect) (string, []any, error) {
	var want map[string]any
	if err := json.Unmarshal([]byte(v), &want); err != nil {
		return "", nil, fault.Field("attributes", `Write the filter as JSON: {"department": "sales"}.`)
	}
	if len(want) > 50 {
		return "", nil, fault.Field("attributes", "No more than 50 members.")
	}
	var conds []string
	var args []any
	for name, value := range want {
		if strings.ContainsRune(name, 0) { // ends an SQL text
			return "", nil, fault.Field("attributes", "Null characters are not allowed.")
		}
		expr := d.JSON("attributes", strings.ReplaceAll(name, "__", "."))
		switch x := value.(type) {
		case nil:
			conds = append(conds, expr+" IS NULL")
		case bool:
			n := 0
			if x {
				n = 1
			}
			conds, args = append(conds, expr+" = ?"), append(args, n)
		case string, float64:
			conds, args = append(conds, expr+" = ?"), append(args, x)
		default:
			b, err := json.Marshal(x)
			if err != nil {
				return "", nil, err
			}
			conds, args = append(conds, "json("+expr+") = json(?)"), append(args, string(b))
		}
	}
	return strings.Join(conds, " AND "), args, nil
}
