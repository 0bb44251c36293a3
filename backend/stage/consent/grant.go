package consent

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of stored consents.
var Family = &kind.Family{Name: "consents", Key: kind.Int, Param: "id", Title: "consent"}

// Consent is a stored consent as its owner and admins see it. User and Application hold keys until they are shown.
type Consent struct {
	PK          int64      `json:"pk" is:"readonly,nofilter"`
	Expires     *time.Time `json:"expires" is:"nofilter" format:"date-time"`
	Expiring    bool       `json:"expiring" is:"nofilter" default:"true"`
	User        any        `json:"user" is:"required" ref:"users cascade" schema:"User"`
	Application any        `json:"application" is:"required" ref:"applications cascade" schema:"Application"`
	Permissions string     `json:"permissions" is:"nofilter" default:""`
}

// Consents describes the stored consents: people see and withdraw their own.
func Consents(d Deps) *kind.Kind {
	return kind.Of[Consent](Family, kind.Spec{
		Path: "core/user_consent", Model: "authentik_stages_consent.userconsent", Schema: "UserConsent", Title: "User Consent",
		Table: "consents", Owner: "user", Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"application", "expires"},
		Filters: []kind.Filter{
			{Name: "application", Type: "string", Format: "uuid", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				if !kind.UUIDText.MatchString(v) {
					return "", nil, fault.Field("application", "Enter a valid UUID.")
				}
				return "o.application = ?", []any{kind.Dashed(v)}, nil
			}},
			{Name: "user", Type: "integer", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				n, err := strconv.ParseInt(v, 10, 64)
				if err != nil {
					return "", nil, fault.Field("user", "Enter a number.")
				}
				return `o."user" = ?`, []any{n}, nil
			}},
		},
		Present: d.present,
	}, nil)
}

// present puts users and applications in the place of their keys.
func (d Deps) present(ctx context.Context, rows []any, _ url.Values) error {
	users, apps := map[int64]any{}, []string{}
	for _, row := range rows {
		c := row.(*Consent)
		if pk, ok := c.User.(int64); ok {
			users[pk] = nil
		}
		if pk, ok := c.Application.(string); ok {
			apps = append(apps, pk)
		}
	}
	if err := user.Show(ctx, d.Users, users); err != nil {
		return err
	}
	shown, err := d.Applications(ctx, apps)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := row.(*Consent)
		if pk, ok := c.User.(int64); ok {
			c.User = users[pk]
		}
		if pk, ok := c.Application.(string); ok {
			c.Application = shown[pk]
		}
	}
	return nil
}

// grant is a consent to store. Expires nil means for ever.
type grant struct {
	User        int64
	Application string
	Permissions string
	Expires     *time.Time
}

// ids joins the names of permissions as they are stored: in order, each once.
func ids(ps []Permission) string {
	out := make([]string, 0, len(ps))
	for _, p := range ps {
		out = append(out, p.ID)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// store keeps the consent in the place of any that the user gave to the application before.
func (g grant) store(tx *store.Tx) error {
	if _, err := tx.Exec(`DELETE FROM consents WHERE "user" = ? AND application = ?`, g.User, g.Application); err != nil {
		return err
	}
	expiring, expires := 0, any(nil)
	if g.Expires != nil {
		expiring, expires = 1, g.Expires.UnixMicro()
	}
	_, err := tx.Exec(`INSERT INTO consents ("user", application, permissions, expires, expiring) VALUES (?, ?, ?, ?, ?)`, g.User, g.Application, g.Permissions, expires, expiring)
	return err
}

// find gives the permissions that a user granted an application and that still count; nil when there is no such consent.
func find(ctx context.Context, s *store.Store, u int64, application string, now time.Time) (map[string]bool, error) {
	rows, err := s.DB().Query(ctx, `SELECT permissions FROM consents WHERE "user" = ? AND application = ? AND (expiring = 0 OR expires > ?) ORDER BY pk DESC LIMIT 1`, u, application, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out map[string]bool
	for rows.Next() {
		var list string
		if err := rows.Scan(&list); err != nil {
			return nil, err
		}
		out = map[string]bool{}
		for _, id := range strings.Fields(list) {
			out[id] = true
		}
	}
	return out, rows.Err()
}

// CleanUp deletes consents whose time is over. It gives how many went.
func CleanUp(ctx context.Context, s *store.Store) (n int, err error) {
	err = s.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM consents WHERE expiring = 1 AND expires <= ?`, tx.Now.UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
