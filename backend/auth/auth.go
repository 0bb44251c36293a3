// Package auth checks a username with a password against the places that know passwords, in the order that a stage names them.
//
//	inbuilt (hash kept here) ▸ token (app passwords) ▸ ldap (sources that check by themselves)
package auth

import (
	"context"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// The backends on the wire.
const (
	Inbuilt = "authentik.core.auth.InbuiltBackend"
	Token   = "authentik.core.auth.TokenBackend"
	LDAP    = "authentik.sources.ldap.auth.LDAPBackend"
)

// Checker is a source that checks passwords of people whom it brought; nil when the password is not theirs.
type Checker interface {
	CheckPassword(ctx context.Context, u *user.User, password string) (ok bool, source map[string]any, err error)
}

// Room checks passwords.
type Room struct {
	Store    *store.Store
	Users    *user.Directory
	Tokens   *token.Room
	Checkers func(ctx context.Context) ([]Checker, error) // enabled sources; nil: none

	gate gate
}

// Outcome is who came, and how.
type Outcome struct {
	User    *user.User
	Backend string
	Method  string // password, token, ldap
	Args    map[string]any
}

// Check tries the backends in their order. It returns nil when none knows the password, TooMany when there were too many wrong ones, and
// takes as long for a name that nobody has. Nothing is counted: the caller does, with Failed and Succeeded of room user.
func (r *Room) Check(ctx context.Context, backends []string, username, password string) (*Outcome, error) {
	ip := store.ActorOf(ctx).HTTP.ClientIP
	for _, lane := range []struct {
		key string
		n   int
	}{{"address " + user.Network(ip), perAddress}, {"name " + strings.ToLower(strings.TrimSpace(username)), 1}} {
		leave, err := r.gate.enter(ctx, lane.key, lane.n)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	if err := r.Users.MayTry(ctx, username, ip); err != nil {
		return nil, err
	}
	u, err := r.Users.ByUsername(ctx, username)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	for _, b := range backends {
		var out *Outcome
		switch b {
		case Inbuilt:
			ok, verr := r.Users.Verify(ctx, u, password)
			if verr != nil {
				return nil, verr
			}
			if ok {
				out = &Outcome{Method: "password", Args: map[string]any{}}
			}
		case Token:
			out, err = r.token(ctx, u, password)
		case LDAP:
			out, err = r.sources(ctx, u, password)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if out != nil {
			out.User, out.Backend = u, b
			return out, nil
		}
	}
	return nil, nil
}

func (r *Room) token(ctx context.Context, u *user.User, password string) (*Outcome, error) {
	if u == nil || !u.IsActive {
		return nil, nil
	}
	t, owner, err := r.Tokens.Find(ctx, password, token.AppPassword)
	if err != nil || owner.PK != u.PK {
		return nil, err
	}
	return &Outcome{Method: "token", Args: map[string]any{"token": map[string]any{"app": "authentik_core", "model_name": "token", "pk": t.PK, "name": t.Identifier}}}, nil
}

func (r *Room) sources(ctx context.Context, u *user.User, password string) (*Outcome, error) {
	if u == nil || !u.IsActive || r.Checkers == nil {
		return nil, nil
	}
	cs, err := r.Checkers(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range cs {
		ok, src, err := c.CheckPassword(ctx, u, password)
		if err != nil {
			return nil, err
		}
		if ok {
			return &Outcome{Method: "ldap", Args: map[string]any{"source": src}}, nil
		}
	}
	return nil, nil
}
