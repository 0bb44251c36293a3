// Package plex is the source of people who have an account at Plex.
package plex

import (
	"context"
	"reflect"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// Model is the published name of this source.
const Model = "authentik_sources_plex.plexsource"

// Source is a Plex account whose servers and friends count.
type Source struct {
	source.Base
	ClientID     string   `json:"client_id" help:"The name under which Plex knows Gatehouse. Empty: one is made."`
	Servers      []string `json:"allowed_servers" help:"Who may use one of these servers may sign in."`
	AllowFriends bool     `json:"allow_friends" default:"true" help:"Friends of the account may sign in too."`
	Token        string   `json:"plex_token" is:"required,secret,raw,nofilter" help:"The token of the account; Plex gives it out."`
}

// UserSettings implements source.Connectable.
func (s *Source) UserSettings() (component, configure string) {
	return "ak-user-settings-source-plex", s.ClientID
}

// Saving implements store.Saver.
func (s *Source) Saving(*store.Tx, any) error {
	if s.ClientID == "" {
		s.ClientID = crypt.ID(40)
	}
	return nil
}

// Connection says which account at Plex belongs to whom.
type Connection struct {
	source.Link
	User  int64  `json:"user" is:"readonly,quiet" ref:"users cascade"`
	Token string `json:"plex_token" is:"required,secret,raw"`
}

// connection is the published name of a connection.
const connection = "authentik_sources_plex.plexsourceconnection"

// Saving implements store.Saver.
func (c *Connection) Saving(tx *store.Tx, old any) error {
	if before, ok := old.(*Connection); ok {
		return c.Keep(tx, connection, Model, &c.User, before.User, &before.Link)
	}
	return c.Keep(tx, connection, Model, &c.User, 0, nil)
}

// Redeem is the body of the actions that turn a token of Plex into a sign-in or a connection.
type Redeem struct {
	Token string `json:"plex_token" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Redeem) SchemaName() string { return "PlexTokenRedeem" }

// Redirect is where a sign-in goes on.
type Redirect struct {
	Type string `json:"type" is:"required" enum:"native,shell,redirect"`
	To   string `json:"to" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Redirect) SchemaName() string { return "RedirectChallenge" }

// Kinds describes the source and its connections.
func Kinds(s *store.Store) []*kind.Kind {
	d := deps{s}
	slug := []kind.Param{{Name: "slug", Type: "string", Help: "The source."}}
	redeem := kind.Collection("POST", "redeem_token", "", d.redeem)
	redeem.Access, redeem.Status, redeem.Query, redeem.Out = kind.Anybody, 200, slug, reflect.TypeFor[Redirect]()
	connect := kind.Collection("POST", "redeem_token_authenticated", "", d.redeem)
	connect.Access, connect.Status, connect.Query, connect.Out = kind.SignedIn, 204, slug, reflect.TypeFor[kind.None]()
	return []*kind.Kind{
		kind.Of[Source](source.Family, kind.Spec{
			Path: "sources/plex", Model: Model, Schema: "PlexSource", Title: "Plex Source", Component: "ak-source-plex-form", About: "Sign in with an account at Plex.",
			Order: []string{"name"}, Present: source.Present, Actions: []kind.Action{redeem, connect},
			By: []string{"allow_friends", "authentication_flow", "client_id", "enabled", "enrollment_flow", "name", "policy_engine_mode", "slug", "user_matching_mode"},
		}, nil),
		kind.Of[Connection](source.Connections, source.ConnectionSpec(s, kind.Spec{
			Path: "sources/user_connections/plex", Model: connection, Schema: "PlexSourceConnection", Title: "User Plex Source Connection",
		}), nil),
	}
}

type deps struct{ store *store.Store }

// redeem refuses: Plex has to be asked who the token belongs to, and that is not built yet.
func (d deps) redeem(ctx context.Context, c *kind.Call, _ *Redeem) (any, error) {
	s, err := store.Find[Source](ctx, d.store, "slug", c.Query.Get("slug"))
	if fault.Is(err, fault.NotFound) || err == nil && !s.Enabled {
		return nil, fault.Field("slug", "There is no such source.")
	}
	if err != nil {
		return nil, err
	}
	return nil, fault.NotYet(0, "Gatehouse can't ask Plex yet, so nobody can sign in with this source.")
}
