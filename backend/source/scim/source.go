// Package scim is the source that lets another system send people and groups by SCIM 2.0.
//
//	source ─▶ service account ─▶ token that the other system uses
//	request ─▶ token ▸ wire (every spelling made one) ▸ library (routes, checks) ▸ shelf of people or groups ─▶ one transaction
//
// What a source sent belongs to it: it sees and changes nobody else, and takes over nobody by name.
package scim

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// Model is the published name of this source.
const Model = "authentik_sources_scim.scimsource"

// Source is a system that sends people and groups.
type Source struct {
	source.Base
	RootURL  string `json:"root_url" is:"computed,required"`
	TokenObj any    `json:"token_obj" is:"computed,required" schema:"Token"`

	Token *string `json:"token" is:"hidden" ref:"tokens set_null"`
	// The key before the last rotation, and how long it still opens the source.
	OldKey   string     `json:"old_key" is:"hidden,secret"`
	OldUntil *time.Time `json:"old_until" is:"hidden" format:"date-time"`

	room *Room
}

// Room serves sources and keeps their accounts.
type Room struct {
	Store  *store.Store
	Users  *user.Directory
	Tokens *token.Room
	Log    *slog.Logger

	once          sync.Once
	server        http.Handler // the library's
	shelves       sync.Once
	people, teams *shelf
	heard         heard
	sources       store.Memo[string, *Source] // by slug
}

func (r *Room) shelf(endpoint string) *shelf {
	r.shelves.Do(func() { r.people, r.teams = newPeople(r), newTeams(r) })
	if endpoint == "Groups" {
		return r.teams
	}
	return r.people
}

// account is the name of a source's service account, and of its token.
func (s *Source) account() string { return "ak-source-scim-" + s.PK }

// Saving implements store.Saver: a source has an account and a token, which stay as they are afterwards (protocols.md 4.2).
func (s *Source) Saving(tx *store.Tx, _ any) error {
	if s.OldUntil != nil && !tx.Now.Before(*s.OldUntil) {
		s.OldKey, s.OldUntil = "", nil
	}
	if s.Token != nil {
		return nil
	}
	house := *tx
	house.Actor = store.House
	u, err := store.FindTx[user.User](tx, "username", s.account())
	if fault.Is(err, fault.NotFound) {
		u = store.KindOf[user.User](tx.Store()).New().(*user.User)
		u.Username, u.Name, u.Type, u.Path = s.account(), "SCIM Source "+s.Name+" Service-Account", user.InternalService, "goauthentik.io/sources/scim"
		err = house.Create(u)
	}
	if err != nil {
		return err
	}
	managed := "goauthentik.io/sources/scim/" + s.PK
	t, err := store.FindTx[token.Token](tx, "identifier", s.account())
	if fault.Is(err, fault.NotFound) {
		t = s.room.Tokens.Fresh(token.Token{Identifier: s.account(), Intent: token.API, User: u.PK, Managed: &managed})
		err = house.Create(t)
	}
	if err != nil {
		return err
	}
	s.Token = &t.PK
	return nil
}

// Deleting implements store.Deleter: the account goes with the source, and its token with it.
func (s *Source) Deleting(tx *store.Tx) error {
	tx.AfterCommit(func() { s.room.heard.forget(s.PK) })
	u, err := store.FindTx[user.User](tx, "username", s.account())
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	house := *tx
	house.Actor = store.House
	return house.Delete(store.KindOf[user.User](tx.Store()), store.KindOf[user.User](tx.Store()).PK(u))
}

// Kinds describes the source and what it sent.
func (r *Room) Kinds() []*kind.Kind {
	return []*kind.Kind{
		kind.Of[Source](source.Family, kind.Spec{
			Path: "sources/scim", Model: Model, Schema: "SCIMSource", Title: "SCIM Source", Component: "ak-source-scim-form", About: "Let another system send people and groups by SCIM 2.0.",
			Order: []string{"name"}, By: []string{"name", "slug"}, Without: []string{"authentication_flow", "enrollment_flow", "policy_engine_mode", "icon"}, Present: r.present,
		}, func() *Source { return &Source{room: r} }),
		r.userKind(),
		r.groupKind(),
	}
}

// present fills in the address and the token of a page of sources. The key of the token is not among it.
func (r *Room) present(ctx context.Context, rows []any, _ url.Values) error {
	var pks []string
	for _, row := range rows {
		s := row.(*Source)
		s.RootURL = source.Address(ctx) + "/source/scim/" + s.Slug + "/v2"
		if s.Token != nil {
			pks = append(pks, *s.Token)
		}
	}
	if len(pks) == 0 {
		return nil
	}
	found, err := store.All[token.Token](ctx, r.Store, store.Query{PKs: pks})
	if err != nil {
		return err
	}
	shown, byPK := make([]any, 0, len(found)), map[string]*token.Token{}
	for _, t := range found {
		shown, byPK[t.PK] = append(shown, t), t
	}
	if err := store.KindOf[token.Token](r.Store).Present(ctx, shown, url.Values{}); err != nil {
		return err
	}
	for _, row := range rows {
		if s := row.(*Source); s.Token != nil && byPK[*s.Token] != nil {
			s.TokenObj = byPK[*s.Token]
		}
	}
	return nil
}
