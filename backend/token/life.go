package token

import (
	"context"
	"fmt"
	"time"

	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// MaximumLifetime is the attribute of brands, groups and people that bounds the life of app passwords.
const MaximumLifetime = "goauthentik.io/user/token-maximum-lifetime"

// Life says how long an app password lasts that the caller makes now.
type Life struct {
	Now     time.Time `json:"now" is:"required,readonly" format:"date-time" help:"The time by the clock of the server."`
	Ends    bool      `json:"ends" is:"required,readonly" help:"Whether it ends at all."`
	Usual   time.Time `json:"usual" is:"required,readonly" format:"date-time" help:"When it ends if nobody says so."`
	Longest time.Time `json:"longest" is:"required,readonly" format:"date-time" help:"The latest end that can be chosen."`
	Problem string    `json:"problem" is:"required,readonly" help:"Why the attribute that should give the longest life does not count; empty when nothing is wrong."`
}

// SchemaName implements kind.SchemaNamer.
func (Life) SchemaName() string { return "TokenLife" }

// Endpoints are the operations of this room that belong to no token.
func (r *Room) Endpoints() []kind.Action {
	life := kind.Do("GET", "gatehouse/tokens/life", r.life)
	life.Access, life.Summary = kind.SignedIn, "How long an app password lasts that whoever asks makes now."
	return []kind.Action{life}
}

func (r *Room) life(ctx context.Context, _ *kind.Call, _ *kind.None) (Life, error) {
	a, now := store.ActorOf(ctx), r.Store.Now().UTC()
	u, err := r.Users.ByPK(ctx, a.UserPK)
	if err != nil {
		return Life{}, err
	}
	attrs, err := r.Users.Attributes(ctx, u)
	if err != nil {
		return Life{}, err
	}
	usual := span.Must(r.settings().Duration)
	longest, problem := longest(attrs, usual)
	out := Life{Now: now, Ends: true, Usual: now.Add(min(usual, longest)), Longest: now.Add(longest), Problem: problem}
	if v, ok := u.Attributes[Expiring].(bool); ok && !a.Superuser {
		out.Ends = v
	}
	return out, nil
}

// longest gives how long an app password may last by somebody's merged attributes: as long as usual, unless they say otherwise. problem
// tells why what they say does not count.
func longest(attrs map[string]any, usual time.Duration) (d time.Duration, problem string) {
	v := attrs[MaximumLifetime]
	if v == nil {
		return usual, ""
	}
	text, _ := v.(string)
	if d, err := span.Parse(text); err == nil && d > 0 {
		return d, ""
	}
	return usual, fmt.Sprintf("The attribute %s says %q, which is no length of time such as days=30. It does not count.", MaximumLifetime, fmt.Sprint(v))
}
