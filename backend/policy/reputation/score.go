package reputation

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/geo"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of scores.
var Family = &kind.Family{Name: "reputation", Param: "reputation_uuid", Title: "score"}

// Score is what is known of a name at an address.
type Score struct {
	PK         string          `json:"pk" is:"nofilter" format:"uuid"`
	Identifier string          `json:"identifier" is:"required,search"`
	IP         string          `json:"ip" is:"required,search"`
	Geo        json.RawMessage `json:"ip_geo_data" is:"nofilter,omitempty"`
	ASN        json.RawMessage `json:"ip_asn_data" is:"nofilter,omitempty"`
	Score      int64           `json:"score" format:"int64" min:"-9223372036854775808" max:"9223372036854775807"`
	Updated    time.Time       `json:"updated" is:"readonly,nofilter" format:"date-time"`
	Expires    time.Time       `json:"expires" is:"hidden" format:"date-time"`
}

// Scores describes the scores. People look at them and delete them; only sign-ins change them.
func Scores(g *geo.Room) *kind.Kind {
	return kind.Of[Score](Family, kind.Spec{
		Path: "policies/reputation/scores", Model: "authentik_policies_reputation.reputation", Schema: "Reputation", Title: "Reputation Score", Table: "reputation",
		Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"identifier", "ip"}, About: "How sign-ins with a name from an address went.",
		Present: func(_ context.Context, rows []any, _ url.Values) error {
			for _, row := range rows {
				s := row.(*Score)
				var err error
				if p := g.Place(s.IP); p != nil {
					if s.Geo, err = json.Marshal(p); err != nil {
						return err
					}
				}
				if n, _ := g.Network(s.IP); n != nil {
					if s.ASN, err = json.Marshal(n); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}, nil)
}

// keep is how long a score counts after its last change.
const keep = 24 * time.Hour

// cut bounds what is kept of a name that somebody typed.
func cut(name string) string {
	if r := []rune(name); len(r) > 150 {
		return string(r[:150])
	}
	return name
}

// Heard changes the score of whom an event of the audit log tells of, in the transaction of the event.
func Heard(tx *store.Tx, e *event.Event) error {
	var name string
	by := int64(1)
	switch e.Action {
	case event.Login:
		switch e.Context["auth_method"] {
		case "oauth_client_secret", "jwt":
			return nil // a program signs in all day: that says nothing of the people at its address, as in the release
		}
		name, _ = e.User["username"].(string)
	case event.LoginFailed:
		by = -1
		name, _ = e.Context["username"].(string)
	default:
		return nil
	}
	if e.ClientIP == nil {
		return nil
	}
	return change(tx, name, *e.ClientIP, by)
}

// mostNames is how many names of one address are kept that nobody has: whoever makes up names does not fill the disk with them.
const mostNames = 1_000

// Unknown lowers the score of a name that nobody has, which no event tells of.
func Unknown(tx *store.Tx, name, ip string) error {
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM (SELECT 1 FROM reputation WHERE ip = ? LIMIT ?)`, ip, mostNames).Scan(&n); err != nil || n >= mostNames {
		return err
	}
	return change(tx, name, ip, -1)
}

func change(tx *store.Tx, name, ip string, by int64) error {
	if name == "" || ip == "" {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO reputation (pk, identifier, ip, score, updated, expires) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (identifier, ip) DO UPDATE SET score = CASE WHEN reputation.expires > excluded.updated THEN reputation.score ELSE 0 END + excluded.score, updated = excluded.updated, expires = excluded.expires`,
		crypt.UUID(), cut(name), ip, by, tx.Now.UnixMicro(), tx.Now.Add(keep).UnixMicro())
	return err
}

// CleanUp deletes scores that count no more. It gives how many went. The look through all of them keeps nobody from writing.
func CleanUp(ctx context.Context, s *store.Store) (n int, err error) {
	var over bool
	if err := s.DB().QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM reputation WHERE expires <= ?)`, s.Now().UnixMicro()).Scan(&over); err != nil || !over {
		return 0, err
	}
	err = s.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM reputation WHERE expires <= ?`, tx.Now.UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
