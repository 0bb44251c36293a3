// Package user keeps people and groups: who they are, which groups carry them, and what their passwords are.
//
//	users ── memberships ── usergroups ──parent──▶ usergroups
//
// Somebody is a superuser who is in a group, or in a descendant of a group, that says so.
package user

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of users; their keys are numbers.
var Family = &kind.Family{Name: "users", Key: kind.Int, Param: "id", Title: "user"}

// The types of users on the wire.
const (
	Internal        = "internal"
	External        = "external"
	ServiceAccount  = "service_account"
	InternalService = "internal_service_account"
)

// User is a person, or a program that has an account.
type User struct {
	PK          int64          `json:"pk" is:"readonly,nofilter"`
	Username    string         `json:"username" is:"required,unique,search" max:"150"`
	Name        string         `json:"name" is:"required,blank,search" help:"The name that other people see."`
	IsActive    bool           `json:"is_active" default:"true" help:"Whether this person may sign in."`
	LastLogin   *time.Time     `json:"last_login" is:"ignored,nofilter" format:"date-time"`
	IsSuperuser bool           `json:"is_superuser" is:"computed,required"`
	Groups      []string       `json:"groups" is:"virtual" ref:"groups" format:"uuid"`
	GroupsObj   []InGroup      `json:"groups_obj" is:"computed,required,nullable"`
	Email       string         `json:"email" is:"blank,search" format:"email" max:"254"`
	Avatar      string         `json:"avatar" is:"computed,required" help:"A web address or a data address of a picture."`
	Attributes  map[string]any `json:"attributes" is:"nofilter" group:"advanced"`
	UID         string         `json:"uid" is:"computed,required"`
	Path        string         `json:"path" default:"users" group:"advanced" help:"Where the person stands in the directory, with slashes between the parts."`
	Type        string         `json:"type" enum:"internal,external,service_account,internal_service_account" default:"internal" group:"advanced"`
	UUID        string         `json:"uuid" is:"readonly" format:"uuid"`

	Password       string     `json:"password" is:"hidden"` // hash; "!…" when no password matches
	PasswordChange *time.Time `json:"password_change_date" is:"hidden" format:"date-time"`
	DateJoined     time.Time  `json:"date_joined" is:"hidden" format:"date-time"`

	room *Directory
}

// InGroup is a group as a user's page shows it.
type InGroup struct {
	PK          string         `json:"pk" is:"required,readonly" format:"uuid"`
	NumPK       int64          `json:"num_pk" is:"required,readonly"`
	Name        string         `json:"name" is:"required" max:"80"`
	IsSuperuser bool           `json:"is_superuser"`
	Parent      *string        `json:"parent" format:"uuid"`
	ParentName  *string        `json:"parent_name" is:"required,readonly"`
	Attributes  map[string]any `json:"attributes"`
}

// SchemaName implements kind.SchemaNamer.
func (InGroup) SchemaName() string { return "UserGroup" }

// Settings is what this room asks of the system settings.
type Settings struct {
	Avatars    string         // comma separated modes
	BrandAttrs map[string]any // attributes of the request's brand
}

// Directory is where people and groups are looked up and changed.
type Directory struct {
	Store     *store.Store
	Hasher    *crypt.Hasher
	InstallID string
	Settings  func(ctx context.Context) Settings
	// Ended is called in the transaction that makes a user inactive or deletes one, to end sessions and tokens.
	Ended func(tx *store.Tx, user int64) error
	// Gone is called in the transaction that deletes a user.
	Gone func(tx *store.Tx, user int64) error
	// PasswordSet is called in the transaction that sets a password, to write the event.
	PasswordSet func(tx *store.Tx, u *User) error
	// May says who may do what; nil lets everybody see everybody.
	May      func(ctx context.Context, a store.Actor, permission, object string) (bool, error)
	gravatar gravatars
	known    store.Rows[int64, *User]
	counters store.Rows[string, tries]

	naming sync.Mutex
	names  map[string]int64     // keys by username, as far as they were looked for
	noted  map[string]time.Time // who is about to be known where
}

// Kinds describes users and groups. actions are what other rooms let one do with a user.
func (r *Directory) Kinds(actions ...kind.Action) []*kind.Kind {
	users := kind.Of(Family, kind.Spec{
		Path: "core/users", Model: "authentik_core.user", Schema: "User", Title: "User", Table: "users", Indexed: true, Order: []string{"username"},
		Where: "o.username <> 'AnonymousUser'", Outside: "o.username = 'AnonymousUser'",
		Actions: append(r.userActions(), actions...), Filters: userFilters(),
		Params:  []kind.Param{{Name: "include_groups", Type: "boolean", Default: "true"}},
		Present: r.presentUsers, Count: r.countUsers,
	}, func() *User { return &User{room: r} })
	return []*kind.Kind{users, r.groupKind()}
}

// countUsers counts a list that nothing narrows: all rows but the one that stands for nobody.
func (r *Directory) countUsers(ctx context.Context, filters url.Values, search string) (n int, ok bool, err error) {
	for name, v := range filters {
		switch name {
		case "page", "page_size", "ordering", "include_groups":
		default:
			if len(v) > 0 && v[len(v)-1] != "" {
				return 0, false, nil
			}
		}
	}
	if search != "" {
		return 0, false, nil
	}
	err = r.Store.DB().QueryRow(ctx, `SELECT (SELECT count(*) FROM users) - (SELECT count(*) FROM users WHERE username = 'AnonymousUser')`).Scan(&n)
	return n, err == nil, err
}

// UID is the stable name of a user for other systems: hex SHA-256 of "<pk>-<install id>" (protocols.md 1.1).
func (r *Directory) UID(pk int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d-%s", pk, r.InstallID))
	return hex.EncodeToString(sum[:])
}

// Usable says whether there is a password that could match.
func (u *User) Usable() bool { return u.Password != "" && u.Password[0] != '!' }

// Validate implements store.Validator.
func (u *User) Validate() error {
	var bad fault.Fields
	if u.Path == "" || strings.HasPrefix(u.Path, "/") || strings.HasSuffix(u.Path, "/") {
		bad.Add("path", "No leading or trailing slashes allowed.")
	} else if strings.Contains(u.Path, "//") {
		bad.Add("path", "No empty segments in user path allowed.")
	}
	return bad.Err()
}

// Saving implements store.Saver: it completes a new user and holds the rules on types, groups and the last admin.
func (u *User) Saving(tx *store.Tx, old any) error {
	before, _ := old.(*User)
	if before == nil {
		u.UUID, u.DateJoined = crypt.UUID(), tx.Now
		if u.Password == "" {
			u.Password = crypt.Unusable()
		}
		if u.Attributes == nil {
			u.Attributes = map[string]any{}
		}
	}
	if err := u.typeRule(tx, before); err != nil {
		return err
	}
	if u.Groups == nil {
		return nil
	}
	had, err := groupsOf(tx, u.PK)
	if err != nil {
		return err
	}
	return mayCarry(tx, had, u.Groups)
}

func (u *User) typeRule(tx *store.Tx, before *User) error {
	if tx.Actor.System {
		return nil
	}
	switch {
	case before == nil && u.Type == InternalService, before != nil && before.Type != InternalService && u.Type == InternalService:
		return fault.Field("type", "Setting a user to internal service account is not allowed.")
	case before != nil && before.Type == InternalService && u.Type != InternalService:
		return fault.Field("type", "Can't change internal service account to other user type.")
	case before != nil && before.Type == InternalService:
		return fault.Whole("Can't modify internal service account users")
	}
	return nil
}

// Saved implements store.AfterSaver: memberships, and what ends with a person who may no longer sign in.
func (u *User) Saved(tx *store.Tx, old any) error {
	before, _ := old.(*User)
	if u.Groups != nil {
		if err := setMembers(tx, `"user"`, u.PK, `"group"`, texts(u.Groups)); err != nil {
			return err
		}
	}
	if before == nil {
		return nil
	}
	if before.IsActive && !u.IsActive && u.room.Ended != nil {
		if err := u.room.Ended(tx, u.PK); err != nil {
			return err
		}
	}
	if before.IsActive != u.IsActive || u.Groups != nil {
		return keepAdmin(tx)
	}
	return nil
}

// Deleting implements store.Deleter.
func (u *User) Deleting(tx *store.Tx) error {
	if u.Type == InternalService && !tx.Actor.System {
		return fault.New(fault.Invalid, "Can't modify internal service account users")
	}
	if u.PK == tx.Actor.UserPK && !tx.Actor.Leaving {
		return fault.New(fault.Conflict, "You can't delete your own account. Let another admin do it.")
	}
	if _, err := tx.Exec(`DELETE FROM memberships WHERE "user" = ?`, u.PK); err != nil {
		return err
	}
	for _, f := range []func(*store.Tx, int64) error{u.room.Ended, u.room.Gone} {
		if f == nil {
			continue
		}
		if err := f(tx, u.PK); err != nil {
			return err
		}
	}
	return keepAdmin(tx)
}

// superGroups is every group that makes its members superusers: those that say so and all their descendants.
const superGroups = `WITH RECURSIVE su (pk) AS (SELECT pk FROM usergroups WHERE is_superuser = 1 UNION SELECT g.pk FROM usergroups g JOIN su ON g.parent = su.pk) `

// keepAdmin refuses a change that leaves nobody who can administer Gatehouse. Before the first admin exists only the house acts.
func keepAdmin(tx *store.Tx) error {
	if tx.Actor.System {
		return nil
	}
	var n int
	err := tx.QueryRow(superGroups + `SELECT EXISTS (SELECT 1 FROM memberships m CROSS JOIN users u ON u.pk = m."user" WHERE m."group" IN (SELECT pk FROM su) AND u.is_active = 1 AND u.type <> 'internal_service_account')`).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	return fault.New(fault.Conflict, "This would leave nobody who can administer Gatehouse. Make somebody else an admin first.")
}

// mayCarry refuses that somebody who is no superuser makes a superuser by a membership.
func mayCarry(tx *store.Tx, had, want []string) error {
	if tx.Actor.System || tx.Actor.Superuser {
		return nil
	}
	for _, g := range want {
		if slices.Contains(had, g) {
			continue
		}
		var n int
		if err := tx.QueryRow(superGroups+`SELECT count(*) FROM su WHERE pk = ?`, g).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fault.Field("groups", "Only a superuser can add somebody to a group of superusers.")
		}
	}
	return nil
}

// setMembers makes the memberships of one side (column a, key k) exactly those of the other side (column b).
func setMembers(tx *store.Tx, a string, k any, b string, want []any) error {
	q, args := `DELETE FROM memberships WHERE `+a+` = ?`, []any{k}
	if len(want) > 0 {
		q, args = q+` AND `+b+` NOT IN (`+db.Marks(len(want))+`)`, append(args, want...)
	}
	if _, err := tx.Exec(q, args...); err != nil {
		return err
	}
	for _, w := range want {
		if _, err := tx.Exec(`INSERT INTO memberships (`+a+`, `+b+`) VALUES (?, ?) ON CONFLICT DO NOTHING`, k, w); err != nil {
			return err
		}
	}
	return nil
}

func texts(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

// presentUsers fills what is computed for a page of users with a fixed number of queries.
func (r *Directory) presentUsers(ctx context.Context, rows []any, query url.Values) error {
	if len(rows) == 0 {
		return nil
	}
	byPK := make(map[int64]*User, len(rows))
	pks := make([]any, 0, len(rows))
	settings := r.Settings(ctx)
	for _, row := range rows {
		u := row.(*User)
		byPK[u.PK] = u
		pks = append(pks, u.PK)
		u.UID, u.Avatar = r.UID(u.PK), r.avatar(settings, u)
		u.Groups, u.IsSuperuser = []string{}, false
	}
	withObj := query.Get("include_groups") != "false"
	if withObj {
		for _, u := range byPK {
			u.GroupsObj = []InGroup{}
		}
	}
	for chunk := range slices.Chunk(pks, 500) {
		if err := r.fillGroups(ctx, byPK, chunk, withObj); err != nil {
			return err
		}
	}
	return nil
}

// fillGroups gives users their groups, and whether one of them makes a superuser.
func (r *Directory) fillGroups(ctx context.Context, byPK map[int64]*User, pks []any, withObj bool) error {
	if !withObj {
		return r.fillGroupKeys(ctx, byPK, pks)
	}
	rows, err := r.Store.DB().Query(ctx, superGroups+`SELECT m."user", g.pk IN (SELECT pk FROM su), g.pk, g.num_pk, g.name, g.is_superuser, g.parent, p.name, g.attributes FROM memberships m JOIN usergroups g ON g.pk = m."group" LEFT JOIN usergroups p ON p.pk = g.parent WHERE m."user" IN (`+db.Marks(len(pks))+`) ORDER BY g.name`, pks...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var who int64
		var super bool
		var g InGroup
		var attrs string
		if err := rows.Scan(&who, &super, &g.PK, &g.NumPK, &g.Name, &g.IsSuperuser, &g.Parent, &g.ParentName, &attrs); err != nil {
			return err
		}
		if g.Attributes, err = object(attrs); err != nil {
			return err
		}
		u := byPK[who]
		u.Groups, u.GroupsObj, u.IsSuperuser = append(u.Groups, g.PK), append(u.GroupsObj, g), u.IsSuperuser || super
	}
	return rows.Err()
}

// fillGroupKeys is fillGroups for who wants the keys alone, which the memberships hold.
func (r *Directory) fillGroupKeys(ctx context.Context, byPK map[int64]*User, pks []any) error {
	rows, err := r.Store.DB().Query(ctx, superGroups+`SELECT "user", "group", "group" IN (SELECT pk FROM su) FROM memberships WHERE "user" IN (`+db.Marks(len(pks))+`)`, pks...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var who int64
		var group string
		var super bool
		if err := rows.Scan(&who, &group, &super); err != nil {
			return err
		}
		u := byPK[who]
		u.Groups, u.IsSuperuser = append(u.Groups, group), u.IsSuperuser || super
	}
	return rows.Err()
}
