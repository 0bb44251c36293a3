// Package stagetest is the proving ground of stages: a small house with a real database, a browser that runs its flows, and the suite
// that every stage kind has to pass.
//
//	Open(t, kinds) ─▶ House ─▶ Flow(slug, stages…) ─▶ Browser.Get / Post ─▶ flow.Outcome
package stagetest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/backend/auth"
	"gatehouse/backend/brand"
	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// House is everything that a flow needs, without a door.
type House struct {
	T        testing.TB
	Store    *store.Store
	Users    *user.Directory
	Sessions *session.Room
	Tokens   *token.Room
	Brands   *brand.Room
	Events   *event.Log
	Policies *policy.Engine
	Auth     *auth.Room
	Engine   *flow.Engine
	Scripts  *Scripts
	Stage    stage.Deps

	ahead atomic.Int64 // how far the clock was moved
}

// App stands for an application: something with a key and a name that consents and titles point at.
type App struct {
	PK   string `json:"pk" is:"readonly" format:"uuid"`
	Name string `json:"name" is:"required,unique,search"`
}

var appFamily = &kind.Family{Name: "applications", Param: "slug", Title: "application"}

// Made is what a test's stages bring: their kinds, further kinds, and steps that the house puts in.
type Made struct {
	Stages  []*stage.Kind
	Kinds   []*kind.Kind
	Inlines []stage.Inline
}

// blank is a database with all tables and nothing in it. Going through the migrations takes most of a second under the race detector, so it
// is done once in a process.
var blank = sync.OnceValues(func() (b []byte, err error) {
	dir, err := os.MkdirTemp("", "gatehouse-blank-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "house.db")
	d, err := db.Open(context.Background(), file, db.Options{})
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// Open makes a house in a folder of the test. with gets the rooms and gives the stages.
func Open(t testing.TB, with func(h *House) Made) *House {
	t.Helper()
	h := &House{T: t, Scripts: &Scripts{m: map[string]expr.Native{}}}
	log := slog.New(slog.DiscardHandler)
	file := filepath.Join(t.TempDir(), "house.db")
	b, err := blank()
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), file, db.Options{Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := crypt.ParseKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	h.Store = store.New(d, key, h.Now)
	h.Events = &event.Log{Store: h.Store, Logger: log}
	h.Users = &user.Directory{Store: h.Store, Hasher: crypt.NewHasher(0), InstallID: "test",
		Settings: func(context.Context) user.Settings { return user.Settings{Avatars: "initials"} },
		Ended: func(tx *store.Tx, u int64) error {
			return session.EndFor(tx, u, "")
		},
		PasswordSet: func(tx *store.Tx, u *user.User) error {
			return h.Events.EmitTx(tx, event.Entry{Action: event.PasswordSet, User: &event.Who{PK: u.PK, Username: u.Username, Email: u.Email}})
		},
	}
	h.Sessions = &session.Room{Store: h.Store, Users: h.Users}
	h.Tokens = &token.Room{Store: h.Store, Users: h.Users}
	h.Brands = &brand.Room{Store: h.Store}
	h.Policies = &policy.Engine{Store: h.Store, Users: h.Users, Events: h.Events, Log: log}
	h.Auth = &auth.Room{Store: h.Store, Users: h.Users, Tokens: h.Tokens}
	h.Engine = &flow.Engine{Store: h.Store, Policies: h.Policies, Users: h.Users, Sessions: h.Sessions, Tokens: h.Tokens, Brands: h.Brands,
		Events: h.Events, Stages: map[string]*stage.Kind{}, Inlines: map[string]stage.Inline{}, Log: log,
		Apps: func(ctx context.Context, pk string) (string, error) {
			a, err := store.Get[App](ctx, h.Store, pk)
			if err != nil {
				return "", err
			}
			return a.Name, nil
		},
	}
	texts, err := text.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.Stage = stage.Deps{Store: h.Store, Flows: h.Engine.FlowsOf, Texts: texts, Log: log}
	made := with(h)
	kinds := append(h.kinds(), made.Kinds...)
	for _, k := range made.Stages {
		kinds = append(kinds, k.Kind)
		h.Engine.Stages[k.Model] = k
	}
	for _, in := range made.Inlines {
		h.Engine.Inlines[in.Name()] = in
	}
	h.Store.Use(kinds, h.Events, map[string][]string{"pbm": {flow.Family.Name, flow.Bindings.Name, event.Rules.Name}})
	return h
}

func (h *House) kinds() []*kind.Kind {
	kinds := h.Users.Kinds()
	kinds = append(kinds, h.Sessions.Kinds()...)
	kinds = append(kinds, h.Tokens.Kinds()...)
	kinds = append(kinds, h.Brands.Kinds()...)
	kinds = append(kinds, h.Events.Kinds()...)
	kinds = append(kinds, h.Engine.Kinds(nil)...)
	kinds = append(kinds, source.Kinds(source.Deps{Store: h.Store})...)
	kinds = append(kinds, policy.Kinds(policy.Deps{Store: h.Store, Users: h.Users, Engine: h.Policies})...)
	return append(kinds, expression.Kind(h.Store, h.Scripts), stage.BaseKind(h.Stage),
		kind.Of[App](appFamily, kind.Spec{Model: "authentik_core.application", Schema: "Application", Title: "Application"}, nil))
}

// Now is the house's clock.
func (h *House) Now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// Wait moves the clock.
func (h *House) Wait(d time.Duration) { h.ahead.Add(int64(d)) }

// Make stores an object as the house.
func (h *House) Make(obj any) {
	h.T.Helper()
	h.Write(func(tx *store.Tx) error { return tx.Create(obj) })
}

// Change stores an object over its row as the house.
func (h *House) Change(obj any) {
	h.T.Helper()
	h.Write(func(tx *store.Tx) error { return tx.Update(obj) })
}

// Write runs fn in a transaction of the house; the test ends when it fails.
func (h *House) Write(fn func(tx *store.Tx) error) {
	h.T.Helper()
	if err := h.Store.Write(context.Background(), store.House, fn); err != nil {
		h.T.Fatal(err)
	}
}

// New gives a fresh T with its defaults and dependencies.
func New[T any](h *House) *T { return store.KindOf[T](h.Store).New().(*T) }

// Get reads a T anew.
func Get[T any](h *House, pk string) *T {
	h.T.Helper()
	v, err := store.Get[T](context.Background(), h.Store, pk)
	if err != nil {
		h.T.Fatal(err)
	}
	return v
}

// passwords keeps the hash of each password that tests use: hashing takes tens of milliseconds.
var passwords sync.Map

// User makes a person; password "" makes none that matches.
func (h *House) User(username, password string, change ...func(u *user.User)) *user.User {
	h.T.Helper()
	u := New[user.User](h)
	u.Username, u.Name, u.Email = username, "The "+username, username+"@office.lan"
	if password != "" {
		hash, ok := passwords.Load(password)
		if !ok {
			fresh, err := h.Users.Hasher.Hash(context.Background(), password)
			if err != nil {
				h.T.Fatal(err)
			}
			hash, _ = passwords.LoadOrStore(password, fresh)
		}
		u.Password = hash.(string)
	}
	for _, f := range change {
		f(u)
	}
	h.Make(u)
	return u
}

// Person reads a user anew.
func (h *House) Person(pk int64) *user.User {
	h.T.Helper()
	u, err := h.Users.ByPK(context.Background(), pk)
	if err != nil {
		h.T.Fatal(err)
	}
	return u
}

// Superusers makes a group that makes its members superusers.
func (h *House) Superusers(members ...*user.User) *user.Group {
	h.T.Helper()
	g := New[user.Group](h)
	g.Name, g.IsSuperuser = "admins", true
	h.Make(g)
	for _, u := range members {
		h.Write(func(tx *store.Tx) error { return user.AddToGroup(tx, u.PK, g.PK) })
	}
	return g
}

// Flow makes a flow with stages in their order; each is stored when it has no key yet.
func (h *House) Flow(slug, designation string, stages ...any) *flow.Flow {
	h.T.Helper()
	f := New[flow.Flow](h)
	f.Slug, f.Name, f.Title, f.Designation = slug, slug, "Flow "+slug, designation
	h.Make(f)
	for i, s := range stages {
		h.Bind(f, s, i*10)
	}
	return f
}

// Bind ties a stage to a flow.
func (h *House) Bind(f *flow.Flow, s any, order int, change ...func(b *flow.Binding)) *flow.Binding {
	h.T.Helper()
	base := s.(stage.Shared).Stage()
	if base.PK == "" {
		if base.Name == "" {
			base.Name = f.Slug + "-" + crypt.ID(6)
		}
		h.Make(s)
	}
	b := New[flow.Binding](h)
	b.Target, b.Stage, b.Order = f.PK, base.PK, order
	for _, c := range change {
		c(b)
	}
	h.Make(b)
	return b
}

// Asks binds an expression policy to target (a flow or a binding of a stage): fn is what it means.
func (h *House) Asks(target string, fn expr.Native, change ...func(b *policy.Binding)) *policy.Binding {
	h.T.Helper()
	p := New[expression.Policy](h)
	p.Name, p.Expression = "policy "+crypt.ID(8), h.Scripts.Say(fn)
	h.Make(p)
	b := New[policy.Binding](h)
	b.Policy, b.Target = &p.PK, target
	for _, c := range change {
		c(b)
	}
	h.Make(b)
	return b
}

// Answer is an expression that always gives v.
func Answer(v any) expr.Native {
	return func(context.Context, expr.Vars) (any, error) { return v, nil }
}

// Heard gives the events of an action, oldest first.
func (h *House) Heard(action string) []*event.Event {
	h.T.Helper()
	es, err := store.All[event.Event](context.Background(), h.Store, store.Query{Where: "o.action = ?", Args: []any{action}, Order: []string{"created"}})
	if err != nil {
		h.T.Fatal(err)
	}
	return es
}

// Count gives how many rows of a table match.
func (h *House) Count(table, where string, args ...any) (n int) {
	h.T.Helper()
	if err := h.Store.DB().QueryRow(context.Background(), "SELECT count(*) FROM "+table+" WHERE "+where, args...).Scan(&n); err != nil {
		h.T.Fatal(err)
	}
	return n
}

// Scripts is an expression host for tests: texts stand for functions.
type Scripts struct {
	// Else runs what is no script; nil refuses it.
	Else expr.Host

	mu sync.Mutex
	m  map[string]expr.Native
	n  int
}

// Say gives a text that means fn.
func (s *Scripts) Say(fn expr.Native) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	text := "script " + crypt.ID(8)
	s.m[text] = fn
	return text
}

// Run implements expr.Host.
func (s *Scripts) Run(ctx context.Context, c expr.Call) (expr.Result, error) {
	s.mu.Lock()
	fn := s.m[c.Text]
	s.mu.Unlock()
	if fn == nil && s.Else != nil {
		return s.Else.Run(ctx, c)
	}
	if fn == nil {
		return expr.Result{}, fault.Newf(fault.Unavailable, "The expression of %q can't run.", c.Name)
	}
	var out expr.Result
	vars := expr.Vars{"ak_message": func(m string) { out.Messages = append(out.Messages, m) }}
	maps.Copy(vars, c.Vars)
	v, err := fn(ctx, vars)
	out.Value, out.True = v, expr.True(v)
	return out, err
}

// Check implements expr.Host.
func (s *Scripts) Check(string) error { return nil }
