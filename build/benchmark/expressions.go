package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"gatehouse/backend/brand"
	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/expr/world"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// typical are the expressions that are measured. goal and most are microseconds of a run.
var typical = []struct {
	name, text string
	use        expr.Use
	goal, most float64
}{
	{"policy, domain", "allowed = ['example.org', 'example.com']\nif request.user.email.split('@')[1] in allowed:\n    return True\nak_message('no')\nreturn False", expr.Policy, 10, 30},
	{"policy, network", "return request.context['hour'] >= 8 and request.context['hour'] < 18 and not request.user.username.startswith('guest-')", expr.Policy, 10, 30},
	{"scope, profile", "person = request.user\nreturn {'name': person.name, 'given_name': person.name, 'preferred_username': person.username, 'nickname': person.username}", expr.Mapping, 20, 60},
	{"scope, groups", "person = request.user\nreturn {'name': person.name, 'preferred_username': person.username, 'groups': [group.name for group in person.ak_groups.all()]}", expr.Mapping, 20, 60},
	{"scope, attributes", "out = {}\nfor k, v in request.user.attributes.items():\n    if k.startswith('public_'):\n        out[k[7:]] = str(v)\nreturn out", expr.Mapping, 20, 60},
}

// expressions prints what compiling and running costs, in the house with its database, beside Starlark with stand-ins.
func expressions() error {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	d, err := db.Open(ctx, filepath.Join(dir, "house.db"), db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	key, err := crypt.ParseKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		return err
	}
	s := store.New(d, key, time.Now)
	log := slog.New(slog.DiscardHandler)
	users := &user.Directory{Store: s, Hasher: crypt.NewHasher(0), InstallID: "bench", Settings: func(context.Context) user.Settings { return user.Settings{} }}
	brands, events := &brand.Room{Store: s}, &event.Log{Store: s, Logger: log}
	s.Use(append(append(users.Kinds(), events.Kinds()...), brands.Kinds()...), events, nil)
	u := store.KindOf[user.User](s).New().(*user.User)
	u.Username, u.Name, u.Email, u.Attributes = "ada", "Ada Lovelace", "ada@example.com", map[string]any{"public_room": "12", "public_phone": "+49 1", "quota": 5.0}
	if err := s.Write(ctx, store.House, func(tx *store.Tx) error {
		if err := tx.Create(u); err != nil {
			return err
		}
		for i := range 4 {
			g := store.KindOf[user.Group](s).New().(*user.Group)
			g.Name = fmt.Sprintf("group%d", i)
			if err := tx.Create(g); err != nil {
				return err
			}
			if err := user.AddToGroup(tx, u.PK, g.PK); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	before := heap()
	w := &world.World{Store: s, Users: users, Brands: brands, Events: events, Log: log}
	for i := range 100 {
		if _, err := w.Run(ctx, expr.Call{Use: expr.Policy, Name: "x", Text: fmt.Sprintf("import re, json, datetime\nfrom authentik.core.models import User\nx = %d\n%s", i, typical[i%len(typical)].text),
			Vars: expr.Vars{"request": &policy.Request{User: u, Context: map[string]any{"hour": 9.0}}}, Dry: true}); err != nil {
			return err
		}
	}
	fmt.Printf("expressions, memory of the room after 100 programs %5.2f MiB (2)\n", float64(heap()-before)/(1<<20))
	for _, e := range typical {
		request := &policy.Request{User: u, Context: map[string]any{"hour": 9.0}}
		call := expr.Call{Use: e.use, Name: "bench", Text: e.text, Vars: expr.Vars{"request": request, "user": u}, Dry: true}
		if e.use == expr.Mapping {
			delete(call.Vars, "request")
		}
		if _, err := w.Run(ctx, call); err != nil {
			return err
		}
		compile := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := py.Compile(e.text); err != nil {
					b.Fatal(err)
				}
			}
		})
		run := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Run(ctx, call); err != nil {
					b.Fatal(err)
				}
			}
		})
		other := "can't"
		if c, r, err := starlarkOf(e.text, u); err == nil {
			other = fmt.Sprintf("%.1f + %.1f µs, %d allocs", perOp(c), perOp(r), r.AllocsPerOp())
		}
		fmt.Printf("expression %-20s compile %6.1f µs, %4d allocs; run %6.2f µs (goal %.0f, at most %.0f), %3d allocs; Starlark %s\n",
			e.name, perOp(compile), compile.AllocsPerOp(), perOp(run), e.goal, e.most, run.AllocsPerOp(), other)
	}
	return late(ctx, w, u)
}

// late prints how long after its deadline a run that never ends was stopped, at worst.
func late(ctx context.Context, w *world.World, u *user.User) error {
	worst := time.Duration(0)
	for _, text := range []string{"while True: pass", "while True: sorted(range(2000))", "while True: regex_match('a' * 24 + '!', '^(a|a)+$')", "while True: ak_user_by(username='x')"} {
		for range 25 {
			c, stop := context.WithTimeout(ctx, 20*time.Millisecond)
			end, _ := c.Deadline()
			_, err := w.Run(c, expr.Call{Use: expr.Policy, Name: "x", Text: text, Vars: expr.Vars{"request": &policy.Request{User: u}}, Dry: true})
			worst = max(worst, time.Since(end))
			stop()
			if err == nil {
				return errors.New("an endless expression ended well")
			}
		}
	}
	fmt.Printf("expressions, stopped after the deadline, worst of 100 %5.2f ms (10)\n", float64(worst.Microseconds())/1000)
	return nil
}

func perOp(r testing.BenchmarkResult) float64 {
	return float64(r.T.Nanoseconds()) / float64(r.N) / 1000
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// starlarkOf measures the same body in Starlark, around objects that hold their values ready.
func starlarkOf(text string, u *user.User) (compile, run testing.BenchmarkResult, err error) {
	src := "def _expr():\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
	groups := starlark.NewList(nil)
	for i := range 4 {
		if err := groups.Append(starlarkstruct.FromStringDict(starlark.String("group"), starlark.StringDict{"name": starlark.String(fmt.Sprintf("group%d", i))})); err != nil {
			return compile, run, err
		}
	}
	attrs := starlark.NewDict(3)
	for k, v := range u.Attributes {
		if err := attrs.SetKey(starlark.String(k), starlark.String(fmt.Sprint(v))); err != nil {
			return compile, run, err
		}
	}
	all := starlark.NewBuiltin("all", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		return groups, nil
	})
	person := starlarkstruct.FromStringDict(starlark.String("user"), starlark.StringDict{
		"username": starlark.String(u.Username), "name": starlark.String(u.Name), "email": starlark.String(u.Email), "attributes": attrs,
		"ak_groups": starlarkstruct.FromStringDict(starlark.String("manager"), starlark.StringDict{"all": all}),
	})
	facts := starlark.NewDict(1)
	if err := facts.SetKey(starlark.String("hour"), starlark.MakeInt(9)); err != nil {
		return compile, run, err
	}
	env := starlark.StringDict{
		"request": starlarkstruct.FromStringDict(starlark.String("request"), starlark.StringDict{"user": person, "context": facts}),
		"ak_message": starlark.NewBuiltin("ak_message", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
			return starlark.None, nil
		}),
	}
	opts := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, Recursion: true}
	_, prog, err := starlark.SourceProgramOptions(opts, "expr", src, env.Has)
	if err != nil {
		return compile, run, err
	}
	compile = testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, _, err := starlark.SourceProgramOptions(opts, "expr", src, env.Has); err != nil {
				b.Fatal(err)
			}
		}
	})
	globals, err := prog.Init(&starlark.Thread{}, env)
	if err != nil {
		return compile, run, err
	}
	if _, err := starlark.Call(&starlark.Thread{}, globals["_expr"], nil, nil); err != nil {
		return compile, run, err
	}
	run = testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := starlark.Call(&starlark.Thread{}, globals["_expr"], nil, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	return compile, run, nil
}
