package scim

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
)

// longestOverlap is how long the key before a rotation may go on opening a source.
const longestOverlap = 30 * 24 * time.Hour

// Rotate is what giving a source a new key asks for.
type Rotate struct {
	Overlap string `json:"overlap" default:"days=1" help:"How long the key of before counts beside the new one: hours=12, days=7, seconds=0 for not at all."`
}

// SchemaName implements kind.SchemaNamer.
func (Rotate) SchemaName() string { return "SCIMSourceRotate" }

// State is what a source's page shows beside the source itself.
type State struct {
	OldUntil *time.Time `json:"old_key_until" is:"required,readonly" format:"date-time" help:"How long the key before the last rotation still counts; null when it does not."`
	Users    int64      `json:"users" is:"required,readonly" help:"How many people the source sent."`
	Groups   int64      `json:"groups" is:"required,readonly" help:"How many groups the source sent."`
	Requests []Request  `json:"requests" is:"required,readonly" help:"What came in since the server started, the newest first; 200 at most."`
}

// SchemaName implements kind.SchemaNamer.
func (State) SchemaName() string { return "SCIMSourceState" }

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	of := func(ctx context.Context, slug string) (string, error) {
		s, err := store.Find[Source](ctx, r.Store, "slug", slug)
		if err != nil {
			return "", err
		}
		return s.PK, nil
	}
	rotate := kind.Do("POST", "gatehouse/scim/{slug}/rotate", r.rotate)
	rotate.Perm, rotate.Of, rotate.Summary = "authentik_sources_scim.change_scimsource", of, "Gives a SCIM source a new key; the one before goes on counting for a while."
	state := kind.Do("GET", "gatehouse/scim/{slug}/state", r.state)
	state.Perm, state.Of, state.Summary = "authentik_sources_scim.view_scimsource", of, "What a SCIM source sent, and the last requests that came in."
	state.Query = []kind.Param{{Name: "after", Type: "integer", Help: "The id of a request: only newer ones."}}
	return []kind.Action{rotate, state}
}

func (r *Room) rotate(ctx context.Context, c *kind.Call, in *Rotate) (State, error) {
	overlap, err := span.Parse(in.Overlap)
	if err != nil {
		return State{}, fault.Field("overlap", fault.As(err).Say)
	}
	if overlap < 0 || overlap > longestOverlap {
		return State{}, fault.Field("overlap", "The key of before may count for 30 days at most.")
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		s, err := store.FindTx[Source](tx, "slug", c.Key)
		if err != nil {
			return err
		}
		house := *tx
		house.Actor = store.House
		if s.Token == nil { // somebody deleted it: saving makes another
			return house.Update(s)
		}
		t, err := store.GetTx[token.Token](tx, *s.Token)
		if err != nil {
			return err
		}
		s.OldKey, s.OldUntil = "", nil
		if overlap > 0 {
			until := tx.Now.Add(overlap)
			s.OldKey, s.OldUntil = t.Key, &until
		}
		t.Key = ""
		if err := house.Update(t); err != nil {
			return err
		}
		if err := house.Update(s); err != nil {
			return err
		}
		if r.Tokens.Rotated == nil {
			return nil
		}
		return r.Tokens.Rotated(tx, t)
	})
	if err != nil {
		return State{}, err
	}
	return r.state(ctx, &kind.Call{Key: c.Key, Query: url.Values{}}, nil)
}

func (r *Room) state(ctx context.Context, c *kind.Call, _ *kind.None) (State, error) {
	out := State{Requests: []Request{}}
	after := int64(0)
	if v := c.Query.Get("after"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return out, fault.Field("after", "Enter a number.")
		}
		after = n
	}
	s, err := store.Find[Source](ctx, r.Store, "slug", c.Key)
	if err != nil {
		return out, err
	}
	if s.OldKey != "" && s.OldUntil != nil && r.Store.Now().Before(*s.OldUntil) {
		out.OldUntil = s.OldUntil
	}
	err = r.Store.DB().QueryRow(ctx, `SELECT (SELECT count(*) FROM scim_users WHERE source = ?), (SELECT count(*) FROM scim_groups WHERE source = ?)`, s.PK, s.PK).Scan(&out.Users, &out.Groups)
	out.Requests = r.heard.list(s.PK, after)
	return out, err
}
