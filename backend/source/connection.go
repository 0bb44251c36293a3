package source

import (
	"context"
	"net/url"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Connections is the shelf of connections: which account at a source belongs to which user. One table holds all of them.
var Connections = &kind.Family{Name: "connections", Key: kind.Int, Param: "id", Title: "connection"}

// Table is where connections are kept.
const Table = "source_connections"

// Mine are the verbs that people have for their own connections. What a connection says is proved at the source and not by its owner, so
// that making and changing one takes a permission (CVE-2026-49448 class).
const Mine = kind.List | kind.Retrieve | kind.Delete | kind.UsedBy

// Connection is any connection as the collection over all of them shows it.
type Connection struct {
	PK      int64     `json:"pk" is:"readonly,nofilter"`
	User    int64     `json:"user" is:"readonly,required"`
	Source  any       `json:"source" is:"readonly,required" schema:"Source"`
	Created time.Time `json:"created" is:"readonly,required,nofilter"`
}

// Link is what every kind of connection has. Source holds the key until it is shown.
type Link struct {
	PK         int64  `json:"pk" is:"readonly"`
	Source     any    `json:"source" is:"readonly,quiet" ref:"sources cascade" schema:"Source"`
	Identifier string `json:"identifier" is:"required" max:"255" help:"What the source calls the account."`

	Kind    string    `json:"kind" is:"hidden"`
	Created time.Time `json:"created" is:"hidden" format:"date-time"`
}

// Shared gives the part that all have.
func (l *Link) Shared() *Link { return l }

// Linked is implemented by every kind that embeds Link.
type Linked interface{ Shared() *Link }

func (d Deps) allConnections() *kind.Kind {
	return kind.Of[Connection](Connections, kind.Spec{
		Path: "sources/user_connections/all", Model: "authentik_core.usersourceconnection", Schema: "UserSourceConnection", Title: "User Source Connection", Table: Table,
		Owner: "user", OwnerMay: Mine, Verbs: kind.AllVerbs &^ kind.Create, Order: []string{"pk"}, By: []string{"user"}, Present: presentConnections(d.Store),
	}, nil)
}

// ConnectionSpec completes the description of one kind of connections.
func ConnectionSpec(s *store.Store, k kind.Spec) kind.Spec {
	k.Table, k.Where, k.Owner, k.OwnerMay, k.Order, k.By, k.Unique = Table, "o.kind = '"+k.Model+"'", "user", Mine, []string{"source"}, []string{}, [][]string{{"user", "source"}}
	k.Filters = []kind.Filter{SourceSlug()}
	k.Present = presentConnections(s)
	return k
}

// SourceSlug is the list filter source__slug of what belongs to a source.
func SourceSlug() kind.Filter {
	return kind.At("source__slug", "", "source", "object", "x.family = 'sources' AND x.slug = ?")
}

// Keep completes a connection before it is stored: model is its kind's, of the kind of sources that it may lead to. A body names the source
// by its key; without one it is the only source of that kind. Whose connection it is, and with what, never changes.
func (l *Link) Keep(tx *store.Tx, model, of string, user *int64, oldUser int64, old *Link) error {
	var bad fault.Fields
	if *user == 0 {
		*user = tx.Actor.UserPK
	}
	if old != nil {
		l.Source, l.Kind, l.Created = old.Source, old.Kind, old.Created
		if *user != oldUser {
			bad.Add("user", "User cannot be changed")
		}
	} else {
		l.Kind, l.Created = model, tx.Now
		pk, why, err := find(tx, of, l.Source)
		if err != nil {
			return err
		}
		if why != "" {
			bad.Add("source", why)
		}
		l.Source = pk
	}
	if err := bad.Err(); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM source_connections WHERE source = ? AND identifier = ? AND pk <> ?`, l.Source, l.Identifier, l.PK).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fault.Field("identifier", "This account is connected with somebody already.")
	}
	return nil
}

// find gives the key of the source that a body names, or else what is wrong with it.
func find(tx *store.Tx, of string, named any) (pk, why string, err error) {
	k := tx.Store().Kind(of)
	switch x := named.(type) {
	case nil:
		rows, err := tx.Query(`SELECT pk FROM object WHERE kind = ? LIMIT 2`, of)
		if err != nil {
			return "", "", err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
			if err := rows.Scan(&pk); err != nil {
				return "", "", err
			}
		}
		if n != 1 {
			return "", "This field is required.", rows.Err()
		}
		return pk, "", rows.Err()
	case string:
		if !kind.UUIDText.MatchString(x) {
			return "", "Must be a valid UUID.", nil
		}
		pk = kind.Dashed(x)
		if _, err := tx.Get(k, pk); fault.Is(err, fault.NotFound) {
			return "", "Invalid pk \"" + pk + "\" - object does not exist.", nil
		} else if err != nil {
			return "", "", err
		}
		return pk, "", nil
	}
	return "", "Not a valid string.", nil
}

// presentConnections puts the sources in the place of their keys.
func presentConnections(s *store.Store) func(ctx context.Context, rows []any, query url.Values) error {
	return func(ctx context.Context, rows []any, _ url.Values) error {
		seen := map[string]any{}
		for _, r := range rows {
			at := sourceOf(r)
			pk, ok := (*at).(string)
			if !ok {
				continue
			}
			if _, ok := seen[pk]; !ok {
				_, obj, err := s.GetIn(ctx, Family.Name, pk)
				if err != nil {
					return err
				}
				seen[pk] = obj
			}
			*at = seen[pk]
		}
		var all []any
		for _, obj := range seen {
			all = append(all, obj)
		}
		return Present(ctx, all, nil)
	}
}

func sourceOf(row any) *any {
	if c, ok := row.(*Connection); ok {
		return &c.Source
	}
	return &row.(Linked).Shared().Source
}
