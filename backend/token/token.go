// Package token keeps the keys that people and programs sign in with: API keys, app passwords, recovery links and links that carry a flow on.
//
//	key ──HMAC──▶ tokens.key_hash ─▶ token ─▶ user
//
// The key itself is kept sealed, because the published API shows it to its owner (view_key).
package token

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of tokens.
var Family = &kind.Family{Name: "tokens", Lookup: "identifier", Param: "identifier", Title: "token"}

// The intents on the wire.
const (
	Verification = "verification"
	API          = "api"
	Recovery     = "recovery"
	AppPassword  = "app_password"
)

// Token is a key with an end.
type Token struct {
	PK          string     `json:"pk" is:"readonly,required,nofilter" format:"uuid"`
	Managed     *string    `json:"managed" is:"unique"`
	Identifier  string     `json:"identifier" is:"required,unique,search" format:"slug" max:"255"`
	Intent      string     `json:"intent" enum:"verification,api,recovery,app_password" default:"api"`
	User        int64      `json:"user" is:"nofilter" ref:"users cascade"`
	UserObj     any        `json:"user_obj" is:"computed,required" schema:"User"`
	Description string     `json:"description" is:"search,blank"`
	Expires     *time.Time `json:"expires" format:"date-time"`
	Expiring    bool       `json:"expiring" default:"true"`
	Key         string     `json:"key" is:"hidden,secret"`
	KeyHash     string     `json:"key_hash" is:"hidden"`
	Flow        *string    `json:"flow" is:"hidden"` // of a link that carries a flow on
	Plan        *string    `json:"plan" is:"hidden"`

	room *Room
}

// Settings is what this room asks of the system settings.
type Settings struct {
	Duration string // life of a token, "days=1"
	Length   int    // characters of a key
}

// Room makes and finds tokens.
type Room struct {
	Store    *store.Store
	Users    *user.Directory
	Settings func(ctx context.Context) Settings
	// Viewed is called when a key was shown, to write the event.
	Viewed func(ctx context.Context, t *Token) error
	// Rotated is called in the transaction that gives an expired API token a new key.
	Rotated func(tx *store.Tx, t *Token) error
}

// View is the answer of view_key.
type View struct {
	Key string `json:"key" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (View) SchemaName() string { return "TokenView" }

// SetKey is the body of set_key.
type SetKey struct {
	Key string `json:"key" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (SetKey) SchemaName() string { return "TokenSetKey" }

// Kinds describes tokens.
func (r *Room) Kinds() []*kind.Kind {
	view := kind.Detail("GET", "view_key", "authentik_core.view_token_key", func(ctx context.Context, c *kind.Call, _ *kind.None) (View, error) {
		t := c.Object.(*Token)
		if t.Intent != API && t.Intent != AppPassword {
			return View{}, fault.New(fault.NotFound, "Only API keys and app passwords are shown.")
		}
		if r.Viewed != nil {
			if err := r.Viewed(ctx, t); err != nil {
				return View{}, err
			}
		}
		return View{t.Key}, nil
	})
	view.Owner = true
	view.Answers = map[int]string{404: "There is no such token, or it has expired."}
	set := kind.Detail("POST", "set_key", "authentik_core.set_token_key", func(ctx context.Context, c *kind.Call, in *SetKey) (kind.None, error) {
		t := c.Object.(*Token)
		return kind.None{}, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			t := *t
			t.Key = in.Key
			return tx.Update(&t)
		})
	})
	set.Answers = map[int]string{404: "There is no such token, or it has expired."}
	return []*kind.Kind{kind.Of(Family, kind.Spec{
		Path: "core/tokens", Model: "authentik_core.token", Schema: "Token", Title: "Token", Table: "tokens", Order: []string{"identifier"},
		Owner: "user", Actions: []kind.Action{view, set}, Present: r.present,
		Filters: []kind.Filter{{Name: "user__username", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return `o."user" IN (SELECT pk FROM users WHERE username = ?)`, []any{v}, nil
		}}},
	}, func() *Token { return &Token{room: r} })}
}

func (r *Room) present(ctx context.Context, rows []any, _ url.Values) error {
	byUser := map[int64]any{}
	for _, row := range rows {
		byUser[row.(*Token).User] = nil
	}
	if err := user.Show(ctx, r.Users, byUser); err != nil {
		return err
	}
	for _, row := range rows {
		t := row.(*Token)
		t.UserObj = byUser[t.User]
	}
	return nil
}

// Expiring is the attribute that says whether a person's tokens end.
const Expiring = "goauthentik.io/user/token-expires"

// Saving implements store.Saver: the rules of protocols.md 10.1.
func (t *Token) Saving(tx *store.Tx, old any) error {
	before, _ := old.(*Token)
	a := tx.Actor
	if before == nil && t.User == 0 {
		t.User = a.UserPK
	}
	if !a.System {
		if before != nil && before.User != t.User {
			return fault.Field("user", "User cannot be changed")
		}
		if before == nil && !a.Superuser {
			t.User = a.UserPK
		}
		if before != nil && before.Managed != nil && (t.Managed == nil || *t.Managed != *before.Managed) {
			t.Managed = before.Managed
		}
		if before == nil && !a.Superuser {
			t.Managed = nil
		}
		if before == nil && t.Intent != API && t.Intent != AppPassword {
			return fault.Field("intent", "Invalid intent "+t.Intent)
		}
		if before != nil && before.Intent != t.Intent {
			return fault.Field("intent", "The intent of a token can't be changed.")
		}
	}
	if t.Key == "" {
		t.Key = crypt.ID(t.room.settings().Length)
	}
	t.KeyHash = t.room.index(t.Key)
	var taken bool
	if err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM tokens WHERE key_hash = ? AND pk <> ?)`, t.KeyHash, t.PK).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return fault.Field("key", "This key can't be used. Choose another.")
	}
	return t.end(tx, before)
}

// end sets when the token ends.
func (t *Token) end(tx *store.Tx, before *Token) error {
	life := span.Must(t.room.settings().Duration)
	u, err := user.ByPKTx(tx, t.User)
	if err != nil {
		return fault.Field("user", fmt.Sprintf("Invalid pk \"%d\" - object does not exist.", t.User))
	}
	if !tx.Actor.System && !tx.Actor.Superuser {
		t.Expiring = true
		if v, ok := u.Attributes[Expiring].(bool); ok {
			t.Expiring = v
		}
	}
	if !t.Expiring {
		return nil
	}
	if tx.Actor.System {
		if t.Expires == nil {
			at := tx.Now.Add(life)
			t.Expires = &at
		}
		return nil
	}
	switch {
	case t.Intent == API && (before == nil || t.Expires == nil || before.Expires == nil || !t.Expires.Equal(*before.Expires)):
		at := tx.Now.Add(life)
		t.Expires = &at
	case t.Intent == AppPassword && (before == nil || t.Expires == nil || before.Expires == nil || !t.Expires.Equal(*before.Expires)):
		attrs, err := t.room.Users.AttributesTx(tx, u)
		if err != nil {
			return err
		}
		longest, _ := longest(attrs, life)
		if t.Expires == nil {
			at := tx.Now.Add(min(life, longest))
			t.Expires = &at
		}
		if limit := tx.Now.Add(longest); t.Expires.After(limit) {
			return fault.Field("expires", fmt.Sprintf("Token expires exceeds maximum lifetime (%s UTC).", limit.Format("2006-01-02 15:04:05")))
		}
	}
	return nil
}

func (r *Room) settings() Settings {
	s := Settings{Duration: "days=1", Length: 60}
	if r.Settings != nil {
		got := r.Settings(context.Background())
		if got.Length > 0 {
			s.Length = got.Length
		}
		if _, err := span.Parse(got.Duration); err == nil {
			s.Duration = got.Duration
		}
	}
	return s
}

func (r *Room) index(key string) string { return r.Store.Key().Index("token", key) }

// Find gives the token with that key that is good now, has one of the intents and belongs to an active user; NotFound else.
func (r *Room) Find(ctx context.Context, key string, intents ...string) (*Token, *user.User, error) {
	gone := fault.New(fault.NotFound, "Token invalid/expired")
	if key == "" || len(key) > 4096 {
		return nil, nil, gone
	}
	ts, err := store.All[Token](ctx, r.Store, store.Query{Where: "o.key_hash = ?", Args: []any{r.index(key)}})
	if err != nil {
		return nil, nil, err
	}
	if len(ts) == 0 || !has(intents, ts[0].Intent) || ts[0].Expired(r.Store.Now()) {
		return nil, nil, gone
	}
	u, err := r.Users.ByPK(ctx, ts[0].User)
	if err != nil {
		return nil, nil, err
	}
	if !u.IsActive {
		return nil, nil, gone
	}
	return ts[0], u, nil
}

// Expired says whether the token's time is over.
func (t *Token) Expired(now time.Time) bool {
	return t.Expiring && t.Expires != nil && !now.Before(*t.Expires)
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return len(list) == 0
}

// Fresh gives a token that can be stored, with what it needs of the room.
func (r *Room) Fresh(t Token) *Token {
	t.room = r
	return &t
}

// Make stores a token that the house gives out. The key is in the answer.
func (r *Room) Make(tx *store.Tx, t *Token) error {
	t.room = r
	if t.PK == "" {
		t.PK = crypt.UUIDv7(tx.Now)
	}
	t.Expiring = true
	house := *tx
	house.Actor = store.House
	return house.Create(t)
}

// Take finds a token by its key and deletes it in the transaction: it works once. NotFound when it is not good.
func (r *Room) Take(tx *store.Tx, key, intent string) (*Token, error) {
	ts, err := store.AllTx[Token](tx, store.Query{Where: "o.key_hash = ? AND o.intent = ?", Args: []any{r.index(key), intent}})
	if err != nil {
		return nil, err
	}
	if len(ts) == 0 {
		return nil, fault.New(fault.NotFound, "This link was used already or is too old. Ask for a new one.")
	}
	if _, err := tx.Exec(`DELETE FROM tokens WHERE pk = ?`, ts[0].PK); err != nil {
		return nil, err
	}
	if ts[0].Expired(tx.Now) {
		return nil, fault.New(fault.NotFound, "This link is too old. Ask for a new one.")
	}
	return ts[0], nil
}

// Drop deletes the token with that identifier, if there is one.
func Drop(tx *store.Tx, identifier string) error {
	_, err := tx.Exec(`DELETE FROM tokens WHERE identifier = ?`, identifier)
	return err
}

// CleanUp deletes what has expired and gives expired API tokens a new key, as published.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		n = 0
		res, err := tx.Exec(`DELETE FROM tokens WHERE expiring = 1 AND expires < ? AND intent <> ?`, tx.Now.UnixMicro(), API)
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		if err != nil {
			return err
		}
		n = int(gone)
		old, err := store.AllTx[Token](tx, store.Query{Where: "o.expiring = 1 AND o.expires < ? AND o.intent = ?", Args: []any{tx.Now.UnixMicro(), API}})
		if err != nil {
			return err
		}
		for _, t := range old {
			t.Key, t.Expires = "", nil
			if err := tx.Update(t); err != nil {
				return err
			}
			if r.Rotated != nil {
				if err := r.Rotated(tx, t); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return n, err
}

// EndFor deletes every token of a user.
func EndFor(tx *store.Tx, user int64) error {
	_, err := tx.Exec(`DELETE FROM tokens WHERE "user" = ?`, user)
	return err
}

var notSlug = regexp.MustCompile(`[^a-zA-Z0-9_-]+`)

// Slug makes an identifier of any text.
func Slug(s string) string {
	return strings.Trim(notSlug.ReplaceAllString(strings.ToLower(s), "-"), "-")
}
