package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// The shelves of what providers gave to clients.
var (
	accessTokens  = &kind.Family{Name: "accesstokens", Key: kind.Int, Param: "id", Title: "access token"}
	refreshTokens = &kind.Family{Name: "refreshtokens", Key: kind.Int, Param: "id", Title: "refresh token"}
	codes         = &kind.Family{Name: "codes", Key: kind.Int, Param: "id", Title: "authorization code"}
)

// Given is what was given to a client, as its owner and admins see it: never the secret itself. Provider and User hold keys until they
// are shown.
type Given struct {
	PK       int64      `json:"pk" is:"readonly,nofilter"`
	Provider any        `json:"provider" is:"required" schema:"OAuth2Provider"`
	User     any        `json:"user" is:"required" ref:"users cascade" schema:"User"`
	Expired  bool       `json:"is_expired" is:"computed,required"`
	Expires  *time.Time `json:"expires" is:"nofilter" format:"date-time"`
	Scope    any        `json:"scope" is:"required,nofilter"` // a text with spaces until it is shown
}

// GivenToken is a token that was given to a client.
type GivenToken struct {
	Given
	IDToken string `json:"id_token" is:"readonly,required,nofilter"`
	Revoked bool   `json:"revoked" is:"nofilter"`
}

// AccessToken is an access token that was given to a client.
type AccessToken struct{ GivenToken }

// RefreshToken is a refresh token that was given to a client.
type RefreshToken struct{ GivenToken }

// Code is an authorization code that was given to a client.
type Code struct{ Given }

// given gives the shared part of a record.
func given(row any) *Given {
	switch x := row.(type) {
	case *AccessToken:
		return &x.Given
	case *RefreshToken:
		return &x.Given
	}
	return &row.(*Code).Given
}

// recordKinds describes what was given to clients. People see and take back their own.
func (r *Room) recordKinds() []*kind.Kind {
	spec := func(path, model, schema, title, table, where string) kind.Spec {
		return kind.Spec{
			Path: path, Model: "authentik_providers_oauth2." + model, Schema: schema, Title: title, Table: table, Where: where, Owner: "user", By: []string{},
			Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"provider", "expires"}, Present: r.presentGiven,
			Filters: []kind.Filter{kind.Number("provider", "o.provider"), kind.Number("user", `o."user"`)},
		}
	}
	out := []*kind.Kind{
		kind.Of[AccessToken](accessTokens, spec("oauth2/access_tokens", "accesstoken", "TokenModel", "OAuth2 Access Token", "oauth_tokens", "o.kind = 'access'"), nil),
		kind.Of[RefreshToken](refreshTokens, spec("oauth2/refresh_tokens", "refreshtoken", "TokenModel", "OAuth2 Refresh Token", "oauth_tokens", "o.kind = 'refresh'"), nil),
		kind.Of[Code](codes, spec("oauth2/authorization_codes", "authorizationcode", "ExpiringBaseGrantModel", "Authorization Code", "oauth_codes", ""), nil),
	}
	for _, k := range out {
		f := k.Field("scope")
		f.Type, f.Items, f.GoType = "array", "string", reflect.TypeFor[[]string]()
	}
	return out
}

// presentGiven puts providers and users in the place of their keys.
func (r *Room) presentGiven(ctx context.Context, rows []any, _ url.Values) error {
	users, providers := map[int64]any{}, map[int64]any{}
	for _, row := range rows {
		g := given(row)
		if pk, ok := g.User.(int64); ok {
			users[pk] = nil
		}
		if pk, ok := g.Provider.(int64); ok {
			providers[pk] = nil
		}
	}
	if err := user.Show(ctx, r.Users, users); err != nil {
		return err
	}
	if err := r.showProviders(ctx, providers); err != nil {
		return err
	}
	now := r.Store.Now()
	for _, row := range rows {
		g := given(row)
		if pk, ok := g.User.(int64); ok {
			g.User = users[pk]
		}
		if pk, ok := g.Provider.(int64); ok {
			g.Provider = providers[pk]
		}
		if s, ok := g.Scope.(string); ok {
			g.Scope = strings.Fields(s)
		}
		g.Expired = g.Expires != nil && !now.Before(*g.Expires)
		if t, ok := tokenOf(row); ok {
			t.IDToken = indented(t.IDToken)
		}
	}
	return nil
}

func tokenOf(row any) (*GivenToken, bool) {
	switch x := row.(type) {
	case *AccessToken:
		return &x.GivenToken, true
	case *RefreshToken:
		return &x.GivenToken, true
	}
	return nil, false
}

// indented gives the claims of an ID token as they are published: JSON in lines.
func indented(claims string) string {
	if claims == "" {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(claims), "", "    ") != nil {
		return claims
	}
	return b.String()
}

// showProviders reads providers by key.
func (r *Room) showProviders(ctx context.Context, into map[int64]any) error {
	var shown []any
	for pk := range into {
		p, err := store.Get[Provider](ctx, r.Store, strconv.FormatInt(pk, 10))
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		into[pk] = p
		shown = append(shown, p)
	}
	return provider.Present(r.Store)(ctx, shown, nil)
}

// Saving implements store.Saver: what was given is never written through the API.
func (*Given) Saving(*store.Tx, any) error {
	return fault.New(fault.Invalid, "What a client was given can be taken back and not changed.")
}
