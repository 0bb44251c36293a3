package scim

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// The shelves of what was sent. Their keys are what the other system calls a person or group; when a second source uses the same name, its
// slug stands in front (decisions 23).
var (
	sentUsers  = &kind.Family{Name: "scimusers", Key: kind.Text, Param: "id", Title: "person"}
	sentGroups = &kind.Family{Name: "scimgroups", Key: kind.Text, Param: "id", Title: "group"}
)

// User is a person that a source sent.
type User struct {
	ID         string         `json:"id" is:"required" max:"255"`
	User       int64          `json:"user" is:"required" ref:"users cascade"`
	UserObj    *user.Member   `json:"user_obj" is:"computed,required,notnull"`
	Source     string         `json:"source" is:"required" ref:"sources cascade" format:"uuid"`
	Attributes map[string]any `json:"attributes" is:"search" type:"any"`

	ExternalID string    `json:"external_id" is:"hidden"`
	Created    time.Time `json:"created" is:"hidden" format:"date-time"`
	Modified   time.Time `json:"modified" is:"hidden" format:"date-time"`
}

// Group is a group that a source sent.
type Group struct {
	ID         string         `json:"id" is:"required" max:"255"`
	Group      string         `json:"group" is:"required" ref:"groups cascade" format:"uuid"`
	GroupObj   *user.InGroup  `json:"group_obj" is:"computed,required,notnull"`
	Source     string         `json:"source" is:"required" ref:"sources cascade" format:"uuid"`
	Attributes map[string]any `json:"attributes" is:"search" type:"any"`

	ExternalID string    `json:"external_id" is:"hidden"`
	Created    time.Time `json:"created" is:"hidden" format:"date-time"`
	Modified   time.Time `json:"modified" is:"hidden" format:"date-time"`
}

// Saving implements store.Saver.
func (u *User) Saving(tx *store.Tx, old any) error {
	if before, ok := old.(*User); ok {
		u.ExternalID, u.Modified = before.ExternalID, tx.Now
		return unchanged("user", u.User != before.User, u.Source != before.Source)
	}
	u.Created, u.Modified = tx.Now, tx.Now
	return name(tx, "scim_users", "user", u.User, u.Source, &u.ID, &u.ExternalID)
}

// Saving implements store.Saver.
func (g *Group) Saving(tx *store.Tx, old any) error {
	if before, ok := old.(*Group); ok {
		g.ExternalID, g.Modified = before.ExternalID, tx.Now
		return unchanged("group", g.Group != before.Group, g.Source != before.Source)
	}
	g.Created, g.Modified = tx.Now, tx.Now
	return name(tx, "scim_groups", "group", g.Group, g.Source, &g.ID, &g.ExternalID)
}

// unchanged keeps a link where it is: who a name at the other system stands for is not for the API to move.
func unchanged(field string, moved, movedSource bool) error {
	var bad fault.Fields
	if moved {
		bad.Add(field, "Whom this stands for can't be changed.")
	}
	if movedSource {
		bad.Add("source", "The source can't be changed.")
	}
	return bad.Err()
}

// name gives a new link its key.
func name(tx *store.Tx, table, field string, target any, src string, id, external *string) error {
	_, found, err := tx.GetIn(source.Family.Name, src)
	if fault.Is(err, fault.NotFound) {
		return nil // told with the other references
	}
	if err != nil {
		return err
	}
	s, ok := found.(*Source)
	if !ok {
		return fault.Field("source", "This is no source of this kind.")
	}
	*external = *id
	count := func(where string, args ...any) (n int, err error) {
		err = tx.QueryRow(`SELECT count(*) FROM `+table+` WHERE `+where, args...).Scan(&n)
		return n, err
	}
	var bad fault.Fields
	if n, err := count(`source = ? AND external_id = ?`, src, *external); err != nil {
		return err
	} else if n > 0 {
		bad.Add("id", "This field must be unique.")
	}
	if n, err := count(`source = ? AND "`+field+`" = ?`, src, target); err != nil {
		return err
	} else if n > 0 {
		bad.Add(fault.NonField, "The fields source, "+field+" must make a unique set.")
	}
	if err := bad.Err(); err != nil {
		return err
	}
	*id, err = freeID(tx, table, s.Slug, *external)
	return err
}

// freeID gives the key of a link: what the other system says while no other source says it, else with the slug in front.
func freeID(tx *store.Tx, table, slug, external string) (string, error) {
	for _, id := range []string{external, slug + ":" + external} {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM `+table+` WHERE id = ?`, id).Scan(&n); err != nil || n == 0 {
			return id, err
		}
	}
	return slug + ":" + crypt.UUID(), nil // somebody gave out the other two
}

func (r *Room) userKind() *kind.Kind {
	return kind.Of[User](sentUsers, kind.Spec{
		Path: "sources/scim_users", Model: "authentik_sources_scim.scimsourceuser", Schema: "SCIMSourceUser", Title: "SCIM Source User", Table: "scim_users", Order: []string{"id"}, By: []string{},
		Filters: []kind.Filter{
			source.SourceSlug(), kind.At("user__username", "", "user", "users", "x.username = ?"),
			{Name: "user__id", Type: "integer", Where: func(v string, d kind.Dialect) (string, []any, error) {
				n, err := strconv.ParseInt(v, 10, 64)
				if err != nil {
					return "", nil, fault.Field("user__id", "Enter a number.")
				}
				return d.Column("user") + " = ?", []any{n}, nil
			}},
		},
		Present: func(ctx context.Context, rows []any, _ url.Values) error {
			var pks []int64
			for _, row := range rows {
				pks = append(pks, row.(*User).User)
			}
			shown, err := r.Users.Members(ctx, pks)
			for _, row := range rows {
				row.(*User).UserObj = shown[row.(*User).User]
			}
			return err
		},
	}, nil)
}

func (r *Room) groupKind() *kind.Kind {
	return kind.Of[Group](sentGroups, kind.Spec{
		Path: "sources/scim_groups", Model: "authentik_sources_scim.scimsourcegroup", Schema: "SCIMSourceGroup", Title: "SCIM Source Group", Table: "scim_groups", Order: []string{"id"}, By: []string{},
		Filters: []kind.Filter{
			source.SourceSlug(), kind.At("group__name", "", "group", "usergroups", "x.name = ?"), kind.At("group__group_uuid", "uuid", "group", "usergroups", "x.pk = ?"),
		},
		Present: func(ctx context.Context, rows []any, _ url.Values) error {
			var pks []string
			for _, row := range rows {
				pks = append(pks, row.(*Group).Group)
			}
			shown, err := r.Users.GroupsShown(ctx, pks)
			for _, row := range rows {
				row.(*Group).GroupObj = shown[row.(*Group).Group]
			}
			return err
		},
	}, nil)
}
