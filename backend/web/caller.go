package web

import (
	"context"
	"net/http"
	"strings"

	"gatehouse/backend/brand"
	"gatehouse/backend/fault"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/token"
)

// LanguageCookie holds the language that somebody chose on a page.
const LanguageCookie = "authentik_language"

// Callers finds out who asks: by the session cookie, or on the API by a bearer token.
type Callers struct {
	Sessions *session.Room
	Tokens   *token.Room
	Brands   *brand.Room
	Texts    *text.Tables
	// Bearer gives the user of an access token that may use the API, 0 when it is none.
	Bearer func(ctx context.Context, text string) (int64, error)
}

type langKey struct{}

type strayedKey struct{}

// strayed says whether the session of the request ended because it was used from elsewhere than it is bound to.
func strayed(ctx context.Context) bool { return ctx.Value(strayedKey{}) != nil }

// Lang gives the language of the request.
func Lang(ctx context.Context) *text.Lang {
	l, _ := ctx.Value(langKey{}).(*text.Lang)
	return l
}

// Identify gives a context with actor, session and language. A bearer token that is not good is Denied.
func (c *Callers) Identify(r *http.Request) (context.Context, error) {
	ctx := r.Context()
	h := Facts(r)
	b, err := c.Brands.For(ctx, h.Host)
	if err != nil {
		return ctx, err
	}
	ref := store.BrandRef{PK: b.PK, Name: b.Domain}
	var actor store.Actor
	auth := r.Header.Get("Authorization")
	if auth != "" && strings.HasPrefix(r.URL.Path, "/api/") {
		if actor, err = c.bearer(ctx, auth, h, ref); err != nil {
			return ctx, err
		}
	} else {
		var s *session.Session
		if ck, cerr := r.Cookie(CookieName(ctx)); cerr == nil {
			if s, err = c.Sessions.Find(ctx, ck.Value); err != nil {
				return ctx, err
			}
		}
		if actor, err = c.Sessions.Actor(ctx, s, h, ref); err != nil {
			return ctx, err
		}
		if s != nil {
			if b := c.Sessions.Strayed(s, h.ClientIP); b != nil {
				// Nobody is at this browser even when the disk is too full to say so.
				if err := c.Sessions.Break(store.WithActor(ctx, actor), s, *b); err != nil && !fault.Is(err, fault.Unavailable) {
					return ctx, err
				}
				s, actor = nil, store.Actor{HTTP: h, Brand: ref}
				ctx = context.WithValue(ctx, strayedKey{}, true)
			}
		}
		if s != nil {
			if err := c.Sessions.Touch(ctx, s, h); err != nil && !fault.Is(err, fault.Unavailable) {
				return ctx, err
			}
			ctx = session.With(ctx, s)
		}
	}
	wishes := []string{}
	if ck, err := r.Cookie(LanguageCookie); err == nil {
		wishes = append(wishes, ck.Value)
	}
	wishes = append(wishes, actor.HTTP.Locale)
	if strings.Contains(r.URL.RawQuery, "ui_locales=") { // what an application wishes for (OpenID Connect Core 3.1.2.1)
		wishes = append(wishes, strings.Fields(r.URL.Query().Get("ui_locales"))...)
	}
	wishes = append(wishes, b.Locale())
	wishes = append(wishes, text.Accepted(r.Header.Get("Accept-Language"))...)
	l := c.Texts.Choose(wishes...)
	actor.HTTP.Locale = l.Tag
	ctx = context.WithValue(ctx, langKey{}, l)
	return store.WithActor(ctx, actor), nil
}

func (c *Callers) bearer(ctx context.Context, header string, h store.HTTP, ref store.BrandRef) (store.Actor, error) {
	none := store.Actor{HTTP: h, Brand: ref}
	scheme, key, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return none, fault.New(fault.Denied, "Unsupported authentication type")
	}
	bad := fault.New(fault.Denied, "Token invalid/expired")
	key = strings.TrimSpace(key)
	t, u, err := c.Tokens.Find(ctx, key, token.API)
	if err == nil {
		return c.Sessions.ActorFor(ctx, u.PK, t.Identifier, h, ref)
	}
	if !fault.Is(err, fault.NotFound) {
		return none, err
	}
	pk, err := c.Bearer(ctx, key)
	if err != nil {
		return none, err
	}
	if pk == 0 {
		return none, bad
	}
	a, err := c.Sessions.ActorFor(ctx, pk, "oauth", h, ref)
	if err == nil && a.UserPK == 0 {
		err = bad
	}
	return a, err
}
