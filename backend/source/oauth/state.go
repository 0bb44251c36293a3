package oauth

import (
	"context"

	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// State is what an admin wants to see of a source: what the other side has to know, and what was said lately.
type State struct {
	CallbackURL string           `json:"callback_url" is:"required,readonly" help:"Where the other side sends people back (redirect URI)."`
	LoginURL    string           `json:"login_url" is:"required,readonly" help:"Where people begin."`
	Messages    []source.Message `json:"messages" is:"required,readonly" help:"What was said since the server started, the newest first; 200 at most."`
}

// SchemaName implements kind.SchemaNamer.
func (State) SchemaName() string { return "OAuthSourceState" }

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	state := kind.Do("GET", "gatehouse/sources/oauth/{slug}/state", func(ctx context.Context, c *kind.Call, _ *kind.None) (State, error) {
		after, err := source.After(c.Query)
		if err != nil {
			return State{}, err
		}
		s, err := store.Find[Source](ctx, r.Store, "slug", c.Key)
		if err != nil {
			return State{}, err
		}
		return State{CallbackURL: callbackOf(ctx, s), LoginURL: source.Address(ctx) + s.LoginPath(), Messages: r.Journal.List(s.PK, after)}, nil
	})
	state.Summary, state.Perm = "What the other side of an OAuth source has to know, and the last messages.", "authentik_sources_oauth.view_oauthsource"
	state.Of = func(ctx context.Context, slug string) (string, error) {
		s, err := store.Find[Source](ctx, r.Store, "slug", slug)
		if err != nil {
			return "", err
		}
		return s.PK, nil
	}
	state.Query = []kind.Param{{Name: "after", Type: "integer", Help: "The id of a message: only newer ones."}}
	return []kind.Action{state}
}
