package world_test

import (
	"fmt"
	"log/slog"
	"testing"

	"gatehouse/backend/expr"
	"gatehouse/backend/expr/world"
	"gatehouse/backend/kind"
	"gatehouse/backend/passkey"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// house is a house with people and groups whose expressions run in the world.
type house struct {
	*stagetest.House
	w      *world.World
	mona   *user.User
	nia    *user.User
	groups map[string]*user.Group
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{groups: map[string]*user.Group{}}
	h.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		return stagetest.Made{Kinds: []*kind.Kind{totp.Devices(), passkey.Devices(h.Store)}}
	})
	h.w = &world.World{Store: h.Store, Users: h.Users, Brands: h.Brands, Events: h.Events, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Policy: h.Policies.ByName}
	h.Scripts.Else = h.w
	h.Superusers(h.User("boss", ""))
	for i := range 5 { // so that Mona is the seventh
		h.User(fmt.Sprintf("filler%d", i), "")
	}
	h.mona = h.User("mona", "", func(u *user.User) {
		u.Name, u.Email = "Mona van Doe", "mona@example.com"
		u.Attributes = map[string]any{
			"joined": "2024-05-20T10:00:00+00:00", "expires_at": "2025-03-01", "settings": map[string]any{"locale": "de", "theme": map[string]any{"base": "dark"}},
			"manager": "otto", "team": "blue", "level": 7,
		}
	})
	h.Write(func(tx *store.Tx) error {
		tx.Touched("users")
		_, err := tx.Exec(`UPDATE users SET uuid = '6f1e1c2e-3a52-4a6f-9a8c-0d8d7a3a9d11' WHERE pk = ?`, h.mona.PK)
		return err
	})
	for _, g := range []struct {
		name  string
		attrs map[string]any
	}{
		{"acl_Wiki", map[string]any{"role": "viewer", "roles": []any{"r3"}, "discord_role_id": "777"}},
		{"team-blue-2", map[string]any{"aws_role": "arn:aws:iam::123456789012:role/blue"}},
		{"team-blue-5", map[string]any{"role": "owner", "nextcloud_quota": "10 GB", "quota": "2 GB"}},
		{"test_group", map[string]any{"role": "editor", "roles": []any{"r1", "r2"}, "discord_role_id": "555"}},
	} {
		n := stagetest.New[user.Group](h.House)
		n.Name, n.Attributes = g.name, g.attrs
		h.Make(n)
		h.groups[g.name] = n
		h.Write(func(tx *store.Tx) error { return user.AddToGroup(tx, h.mona.PK, n.PK) })
	}
	h.mona = h.Person(h.mona.PK)
	return h
}

// request is a request of a policy as a flow makes it.
func (h *house) request(u *user.User) *policy.Request {
	p := stage.NewPlan("", map[string]any{
		stage.PromptData: map[string]any{"username": "nia", "email": "Nia@example.com", "password": "mona-secret1", "groups": []any{"test_group", "gone"}},
	})
	if u != nil {
		p.SetUser(u)
	}
	c := map[string]any{}
	for k, v := range p.Context {
		c[k] = v
	}
	c["flow_plan"] = p
	return &policy.Request{User: u, Context: c, Plan: p, HTTP: store.HTTP{
		Path: "/if/flow/login/", Method: "GET", Args: map[string]string{"next": "/if/user/"}, ClientIP: "10.0.0.9", Scheme: "https", Host: "login.office.lan:9443", UserAgent: "Mozilla/5.0",
		Headers: map[string][]string{"Cookie": {"authentik_session=s3cret; theme=dark"}, "Authorization": {"Bearer s3cret"}, "X-Team": {"blue"}},
	}}
}

// ask runs a policy's expression.
func (h *house) ask(t testing.TB, r *policy.Request, text string) (expr.Result, error) {
	t.Helper()
	return h.w.Run(store.WithActor(t.Context(), store.Actor{HTTP: r.HTTP}), expr.Call{Use: expr.Policy, Name: "test", Text: text, Vars: expr.Vars{"request": r}, Dry: r.Debug})
}
