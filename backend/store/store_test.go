package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// The kinds of the tests: shelves hold books and scrolls (one family, object table), readers have a table of their own.
type shelf struct {
	PK      string `json:"pk" is:"readonly" format:"uuid"`
	Name    string `json:"name" is:"required,unique,search"`
	Above   string `json:"above" is:"blank" ref:"shelves cascade"`
	Managed string `json:"managed" is:"blank"`
}

type book struct {
	PK     string         `json:"pk" is:"readonly" format:"uuid"`
	Name   string         `json:"name" is:"required,unique,search"`
	Slug   string         `json:"slug" is:"unique,blank,search" format:"slug"`
	Shelf  string         `json:"shelf" is:"required" ref:"shelves cascade"`
	Spare  *string        `json:"spare" ref:"shelves"`
	Wing   *string        `json:"wing" ref:"shelves protect"`
	Others []string       `json:"others" ref:"shelves"`
	Reader *int64         `json:"reader" ref:"readers"`
	Likes  []int64        `json:"likes" ref:"readers"`
	Thing  *string        `json:"thing" ref:"anything"`
	Pages  int64          `json:"pages"`
	Weight float64        `json:"weight"`
	Lent   bool           `json:"lent"`
	Due    *time.Time     `json:"due"`
	Attrs  map[string]any `json:"attrs"`
	Pin    string         `json:"pin" is:"secret,blank"`
	Inside string         `json:"inside" is:"hidden"`
	Loans  int64          `json:"loans" is:"computed"`
}

type scroll struct {
	PK    string `json:"pk" is:"readonly" format:"uuid"`
	Name  string `json:"name" is:"required,unique,search"`
	Slug  string `json:"slug" is:"unique,blank" format:"slug"`
	Shelf string `json:"shelf" ref:"shelves cascade"`
	Order int64  `json:"order"`
}

type borrower struct {
	PK     int64          `json:"pk" is:"readonly"`
	Name   string         `json:"name" is:"required,unique,search"`
	Shelf  *string        `json:"shelf" ref:"shelves cascade"`
	Joined time.Time      `json:"joined"`
	Active bool           `json:"active" default:"true"`
	Attrs  map[string]any `json:"attrs"`
	Pin    string         `json:"pin" is:"secret,blank"`
	Owner  int64          `json:"owner"`
}

// Saving, Saved, Validate and Deleting are the hooks of books.
func (b *book) Validate() error {
	if b.Pages < 0 {
		return fault.Field("pages", "A book has no negative pages.")
	}
	return nil
}

func (b *book) Saving(_ *Tx, old any) error {
	if old == nil && b.Inside == "" {
		b.Inside = "new"
	}
	if b.Name == "forbidden" {
		return fault.Field("name", "Not here.")
	}
	return nil
}

func (b *book) Deleting(*Tx) error {
	if b.Lent {
		return fault.New(fault.Conflict, "It is lent.")
	}
	return nil
}

type recorder struct {
	changes []Change
	fail    error
}

func (r *recorder) Record(tx *Tx, c Change) error {
	if r.fail != nil {
		return r.fail
	}
	tx.AfterCommit(func() { r.changes = append(r.changes, c) })
	_, err := tx.Exec(`INSERT INTO meta (name, value) VALUES (?, ?)`, fmt.Sprintf("event %s %s %d %s", c.Action, c.PK, len(r.changes), crypt.UUID()), c.Name)
	return err
}

func (r *recorder) take() []Change {
	out := r.changes
	r.changes = nil
	return out
}

type fixture struct {
	*Store
	t                                *testing.T
	rec                              *recorder
	shelves, books, scrolls, readers *kind.Kind
	ctx                              context.Context
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	return fixtureAt(t, t.TempDir())
}

func fixtureAt(t *testing.T, dir string) *fixture {
	t.Helper()
	d, err := db.Open(t.Context(), filepath.Join(dir, "gatehouse.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	key, err := crypt.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	err = d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE IF NOT EXISTS readers (pk INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, shelf TEXT REFERENCES object (pk) ON DELETE CASCADE,
			joined INTEGER, active INTEGER NOT NULL, attrs TEXT NOT NULL, pin TEXT NOT NULL, owner INTEGER NOT NULL)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	uuid := func(name string) *kind.Family { return &kind.Family{Name: name, Param: name + "_uuid", Title: name} }
	bookFamily := uuid("books")
	f := &fixture{
		Store: New(d, key, time.Now), t: t, rec: &recorder{},
		shelves: kind.Of[shelf](uuid("shelves"), kind.Spec{Model: "lib.shelf", Schema: "Shelf", Title: "Shelf", Order: []string{"name"}}, nil),
		books: kind.Of[book](bookFamily, kind.Spec{Model: "lib.book", Schema: "Book", Title: "Book", Order: []string{"name"}, Unique: [][]string{{"pages", "spare"}}, Filters: []kind.Filter{
			{Name: "attr", Where: func(v string, d kind.Dialect) (string, []any, error) {
				if v == "bad" {
					return "", nil, fault.Field("attr", "Not that.")
				}
				return d.JSON("attrs", "colour") + " = ?", []any{v}, nil
			}},
		}}, nil),
		scrolls: kind.Of[scroll](bookFamily, kind.Spec{Model: "lib.scroll", Schema: "Scroll", Title: "Scroll"}, nil),
		readers: kind.Of[borrower](&kind.Family{Name: "readers", Key: kind.Int, Param: "id"}, kind.Spec{Model: "lib.reader", Schema: "Reader", Title: "Reader", Table: "readers", Owner: "owner", Unique: [][]string{{"owner", "shelf"}}}, nil),
		ctx:     WithActor(t.Context(), Actor{UserPK: 1, Username: "ada", Superuser: true}),
	}
	f.Use([]*kind.Kind{f.shelves, f.books, f.scrolls, f.readers}, f.rec, map[string][]string{"anything": {"shelves", "readers"}})
	return f
}

func (f *fixture) create(objs ...any) {
	f.t.Helper()
	for _, o := range objs {
		if err := f.Create(f.ctx, o); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) count(query string, args ...any) (n int) {
	f.t.Helper()
	if err := f.DB().QueryRow(f.ctx, query, args...).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func (f *fixture) names(k *kind.Kind, q Query) []string {
	f.t.Helper()
	p, err := f.List(f.ctx, k, q)
	if err != nil {
		f.t.Fatal(err)
	}
	out := []string{}
	for _, r := range p.Rows {
		out = append(out, k.Name(r))
	}
	return out
}

func says(err error, field string) string {
	if err == nil {
		return ""
	}
	f := fault.As(err)
	if field == "" {
		return f.Say
	}
	return strings.Join(f.Fields[field], " ")
}

func ptr[T any](v T) *T { return &v }

func TestComesBackAsItWas(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "A"}
	f.create(s)
	due := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
	b := &book{
		Name: "Ünïcode “quoted” 'it''s' \x1f ☃", Slug: "u", Shelf: s.PK, Spare: &s.PK, Others: []string{s.PK}, Likes: []int64{}, Pages: 1 << 60, Weight: 0.1, Lent: true,
		Due: &due, Attrs: map[string]any{"a": []any{nil, true, "x", 1.5}, "": map[string]any{}}, Pin: "1234", Inside: "i",
	}
	f.create(b)
	got, err := Get[book](f.ctx, f.Store, b.PK)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, b) {
		t.Errorf("\n%+v, want\n%+v", got, b)
	}
	joined := time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)
	r := &borrower{Name: "r", Shelf: &s.PK, Joined: joined, Active: false, Attrs: map[string]any{"k": "v"}, Pin: "p"}
	f.create(r)
	back, err := Get[borrower](f.ctx, f.Store, fmt.Sprint(r.PK))
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%+v, want %+v: %v", back, r, err)
	}
	for _, where := range []string{"object WHERE body LIKE '%1234%'", "readers WHERE pin = 'p'"} {
		if f.count("SELECT count(*) FROM "+where) != 0 {
			t.Errorf("a secret lies open in %s", where)
		}
	}
	got.Due, got.Attrs, got.Pin = nil, map[string]any{}, ""
	if err := f.Update(f.ctx, got); err != nil {
		t.Fatal(err)
	}
	if again, err := Get[book](f.ctx, f.Store, b.PK); err != nil || again.Due != nil || len(again.Attrs) != 0 || again.Pin != "" || again.Name != b.Name {
		t.Errorf("%+v %v", again, err)
	}
}

func TestNotFound(t *testing.T) {
	f := newFixture(t)
	ghost := &book{PK: crypt.UUID(), Name: "ghost"}
	for what, err := range map[string]error{
		"get":           second(f.Get(f.ctx, f.books, "pk", ghost.PK)),
		"find by slug":  second(f.Get(f.ctx, f.books, "slug", "none")),
		"find by field": second(Find[book](f.ctx, f.Store, "inside", "none")),
		"table":         second(f.Get(f.ctx, f.readers, "pk", "7")),
		"table, words":  second(f.Get(f.ctx, f.readers, "pk", "x' OR 1=1 --")),
		"update":        f.Update(f.ctx, ghost),
		"delete":        f.Delete(f.ctx, f.books, ghost.PK),
		"family":        third(f.GetIn(f.ctx, "books", ghost.PK)),
		"no family":     third(f.GetIn(f.ctx, "nonsense", ghost.PK)),
		"find in":       third(f.FindIn(f.ctx, "books", "slug", "none")),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := len(f.rec.changes); n != 0 {
		t.Errorf("%d events of things that are not there", n)
	}
	s := &shelf{Name: "A"}
	f.create(s)
	if _, err := f.Get(f.ctx, f.books, "pk", s.PK); !fault.Is(err, fault.NotFound) {
		t.Errorf("a shelf passes for a book: %v", err)
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

func TestUnique(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "A"}
	f.create(s)
	b := &book{Name: "one", Slug: "one", Shelf: s.PK}
	f.create(b, &book{Name: "two", Shelf: s.PK, Pages: 1}, &book{Name: "three", Shelf: s.PK, Pages: 1}, // no slug twice is no clash
		&borrower{Name: "r", Owner: 5, Shelf: &s.PK}, &book{Name: "nine", Shelf: s.PK, Pages: 9, Spare: &s.PK})
	for what, tt := range map[string]struct {
		obj         any
		field, says string
	}{
		"a name in the same kind":    {&book{Name: "one", Slug: "x", Shelf: s.PK}, "name", "This field must be unique."},
		"a name in the family":       {&scroll{Name: "one", Shelf: s.PK}, "name", "This field must be unique."},
		"a slug in the family":       {&scroll{Name: "new", Slug: "one", Shelf: s.PK}, "slug", "This field must be unique."},
		"a name in a table":          {&borrower{Name: "r", Owner: 9}, "name", "This field must be unique."},
		"fields together in a table": {&borrower{Name: "q", Owner: 5, Shelf: &s.PK}, fault.NonField, "The fields owner, shelf must make a unique set."},
		"fields together":            {&book{Name: "four", Shelf: s.PK, Pages: 9, Spare: &s.PK}, fault.NonField, "The fields pages, spare must make a unique set."},
	} {
		t.Run(what, func(t *testing.T) {
			if got := says(f.Create(f.ctx, tt.obj), tt.field); got != tt.says {
				t.Errorf("%q", got)
			}
		})
	}
	b.Pages = 77
	if err := f.Update(f.ctx, b); err != nil {
		t.Errorf("an object clashes with itself: %v", err)
	}
	b.Name = "renamed"
	if err := f.Update(f.ctx, b); err != nil {
		t.Error(err)
	}
	f.create(&scroll{Name: "one", Shelf: s.PK}) // the old name is free again
	if err := f.Delete(f.ctx, f.books, b.PK); err != nil {
		t.Fatal(err)
	}
	f.create(&scroll{Name: "renamed", Slug: "one", Shelf: s.PK})
}

func TestHooksAndAllFaultsAtOnce(t *testing.T) {
	f := newFixture(t)
	err := f.Create(f.ctx, &book{Name: "forbidden", Pages: -1, Shelf: crypt.UUID(), Others: []string{"x"}, Likes: []int64{9}})
	for field, want := range map[string]string{
		"name": "Not here.", "pages": "A book has no negative pages.", "others": `Invalid pk "x" - object does not exist.`, "likes": `Invalid pk "9" - object does not exist.`,
	} {
		if got := says(err, field); got != want {
			t.Errorf("%s: %q", field, got)
		}
	}
	if !strings.HasSuffix(says(err, "shelf"), "object does not exist.") {
		t.Errorf("%v", err)
	}
	if f.count(`SELECT count(*) FROM object`) != 0 {
		t.Error("something was stored")
	}
	s := &shelf{Name: "A"}
	f.create(s)
	b := &book{Name: "b", Shelf: s.PK, Lent: true}
	if f.create(b); b.Inside != "new" {
		t.Error("the hook before a save did not run")
	}
	if err := f.Delete(f.ctx, f.books, b.PK); !fault.Is(err, fault.Conflict) {
		t.Errorf("the hook before a deletion did not refuse: %v", err)
	}
	if err := f.Create(f.ctx, &book{Name: "to a reader", Shelf: s.PK, Thing: ptr("3")}); says(err, "thing") == "" {
		t.Error("a reference to several families leads nowhere and is taken")
	}
	r := &borrower{Name: "r"}
	f.create(r)
	f.create(&book{Name: "to a reader", Shelf: s.PK, Thing: ptr(fmt.Sprint(r.PK))}, &book{Name: "to a shelf", Shelf: s.PK, Thing: &s.PK})
}

func TestEvents(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "A"}
	f.create(s)
	b := &book{Name: "b", Shelf: s.PK, Pin: "1234", Attrs: map[string]any{}, Others: []string{}}
	f.create(b)
	got := f.rec.take()
	if len(got) != 2 || got[1].Action != "model_created" || got[1].PK != b.PK || got[1].Name != "b" || got[1].Kind != f.books {
		t.Errorf("%+v", got)
	}
	fresh, err := Get[book](f.ctx, f.Store, b.PK)
	if err != nil {
		t.Fatal(err)
	}
	fresh.Pages, fresh.Pin, fresh.Inside, fresh.Loans = 5, "5678", "else", 99
	if err := f.Update(f.ctx, fresh); err != nil {
		t.Fatal(err)
	}
	got = f.rec.take()
	want := map[string]Values{"pages": {int64(0), int64(5)}, "pin": {mask, mask}, "inside": {mask, mask}}
	if len(got) != 1 || got[0].Action != "model_updated" || !reflect.DeepEqual(got[0].Diff, want) {
		t.Errorf("%+v, want %v", got, want)
	}
	if err := f.Update(f.ctx, fresh); err != nil {
		t.Fatal(err)
	}
	if got = f.rec.take(); len(got) != 1 || len(got[0].Diff) != 0 {
		t.Errorf("a save that changes nothing: %+v", got)
	}
	if err := f.Delete(f.ctx, f.books, b.PK); err != nil {
		t.Fatal(err)
	}
	if got = f.rec.take(); len(got) != 1 || got[0].Action != "model_deleted" || got[0].Name != "b" {
		t.Errorf("%+v", got)
	}
	if err := f.Write(t.Context(), House, func(tx *Tx) error { return tx.Create(&shelf{Name: "house"}) }); err != nil {
		t.Fatal(err)
	}
	if n := len(f.rec.take()); n != 0 {
		t.Errorf("what the house does by itself was recorded %d times", n)
	}
}

// Row, references, unique values and event are one transaction: when any of them fails nothing is left.
func TestOneTransaction(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "A"}
	f.create(s)
	kept := &book{Name: "kept", Slug: "kept", Shelf: s.PK, Pages: 1, Others: []string{s.PK}}
	f.create(kept)
	snapshot := func() string {
		var out []string
		for _, q := range []string{`SELECT pk || body || coalesce(name, '') || updated FROM object ORDER BY 1`, `SELECT field || value || pk FROM object_unique ORDER BY 1`, `SELECT src || field || dst FROM ref ORDER BY 1`, `SELECT name FROM meta ORDER BY 1`, `SELECT pk || name FROM readers ORDER BY 1`} {
			rows, err := f.DB().Query(f.ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var v string
				if err := rows.Scan(&v); err != nil {
					t.Fatal(err)
				}
				out = append(out, v)
			}
			rows.Close()
		}
		return strings.Join(out, "\n")
	}
	before, gen := snapshot(), f.Generation()
	f.rec.take()
	f.rec.fail = errors.New("no room for the event")
	ran := false
	for what, err := range map[string]error{
		"create":  f.Create(f.ctx, &book{Name: "new", Slug: "new", Shelf: s.PK}),
		"update":  f.Update(f.ctx, &book{PK: kept.PK, Name: "changed", Slug: "changed", Shelf: s.PK, Attrs: map[string]any{}}),
		"delete":  f.Delete(f.ctx, f.books, kept.PK),
		"cascade": f.Delete(f.ctx, f.shelves, s.PK),
		"table":   f.Create(f.ctx, &borrower{Name: "r"}),
		"several": f.Write(f.ctx, ActorOf(f.ctx), func(tx *Tx) error {
			tx.AfterCommit(func() { ran = true })
			tx.Actor.System = true
			if err := tx.Create(&shelf{Name: "first"}); err != nil {
				return err
			}
			tx.Actor.System = false
			return tx.Create(&shelf{Name: "second"})
		}),
	} {
		if !errors.Is(err, f.rec.fail) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if after := snapshot(); after != before {
		t.Errorf("something is left:\n%s\nwas\n%s", after, before)
	}
	if ran || len(f.rec.changes) != 0 || f.Generation() != gen {
		t.Error("something ran after a commit that was none")
	}
	f.rec.fail = nil
	order := []string{}
	err := f.Write(f.ctx, ActorOf(f.ctx), func(tx *Tx) error {
		tx.AfterCommit(func() {
			if f.count(`SELECT count(*) FROM object WHERE name = 'later'`) != 1 {
				t.Error("the hook runs before the commit")
			}
			order = append(order, "a")
		})
		tx.AfterCommit(func() { order = append(order, "b") })
		order = append(order[:0], "fn")
		return tx.Create(&shelf{Name: "later"})
	})
	if err != nil || !slices.Equal(order, []string{"fn", "a", "b"}) || f.Generation() == gen {
		t.Errorf("%v %v", order, err)
	}
}

// What used_by promises is what a deletion does.
func TestUsedByIsWhatDeleteDoes(t *testing.T) {
	f := newFixture(t)
	home, goes := &shelf{Name: "home"}, &shelf{Name: "goes"}
	f.create(home, goes)
	r := &borrower{Name: "lives there", Shelf: &goes.PK}
	f.create(r)
	on := &book{Name: "1 on it", Shelf: goes.PK}
	spare := &book{Name: "2 spare", Shelf: home.PK, Spare: &goes.PK}
	list := &book{Name: "3 list", Shelf: home.PK, Others: []string{home.PK, goes.PK}}
	alias := &book{Name: "4 any", Shelf: home.PK, Thing: &goes.PK}
	below := &scroll{Name: "5 scroll", Shelf: goes.PK}
	f.create(on, spare, list, alias, below)
	uses, err := f.UsedBy(f.ctx, f.shelves, goes.PK)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, u := range uses {
		if u.App != "lib" || u.PK == "" {
			t.Errorf("%+v", u)
		}
		got[u.ModelName+" "+u.Name] = u.Action
	}
	want := map[string]string{"book 1 on it": "cascade", "book 2 spare": "set_null", "book 3 list": "cascade_many", "book 4 any": "set_null", "scroll 5 scroll": "cascade", "reader lives there": "cascade"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	f.rec.take()
	if err := f.Delete(f.ctx, f.shelves, goes.PK); err != nil {
		t.Fatal(err)
	}
	for _, pk := range []string{on.PK, below.PK} {
		if _, _, err := f.GetIn(f.ctx, "books", pk); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", pk, err)
		}
	}
	if _, err := Get[borrower](f.ctx, f.Store, fmt.Sprint(r.PK)); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if b, err := Get[book](f.ctx, f.Store, spare.PK); err != nil || b.Spare != nil {
		t.Errorf("%+v %v", b, err)
	}
	if b, err := Get[book](f.ctx, f.Store, list.PK); err != nil || !slices.Equal(b.Others, []string{home.PK}) {
		t.Errorf("%+v %v", b, err)
	}
	if b, err := Get[book](f.ctx, f.Store, alias.PK); err != nil || b.Thing != nil {
		t.Errorf("%+v %v", b, err)
	}
	var told []string
	for _, c := range f.rec.take() {
		told = append(told, c.Action+" "+c.Name)
	}
	slices.Sort(told)
	if !slices.Equal(told, []string{"model_deleted 1 on it", "model_deleted 5 scroll", "model_deleted goes", "model_updated 2 spare", "model_updated 3 list", "model_updated 4 any"}) {
		t.Errorf("%q", told)
	}
	if f.count(`SELECT count(*) FROM ref WHERE dst = ?`, goes.PK) != 0 {
		t.Error("references to nothing are left")
	}
	if uses, err := f.UsedBy(f.ctx, f.shelves, home.PK); err != nil || len(uses) != 4 {
		t.Errorf("%+v %v", uses, err)
	}
}

func TestRefusedDeletion(t *testing.T) {
	f := newFixture(t)
	home, wing := &shelf{Name: "home"}, &shelf{Name: "wing"}
	f.create(home, wing)
	b := &book{Name: "holds it", Shelf: home.PK, Wing: &wing.PK}
	f.create(b, &scroll{Name: "on it", Shelf: wing.PK})
	err := f.Delete(f.ctx, f.shelves, wing.PK)
	if !fault.Is(err, fault.Conflict) || says(err, "") != `It is still in use by book "holds it". Remove it there first.` {
		t.Errorf("%v", err)
	}
	if f.count(`SELECT count(*) FROM object`) != 4 {
		t.Error("a refused deletion took something with it")
	}
	uses, err := f.UsedBy(f.ctx, f.shelves, wing.PK)
	if err != nil || len(uses) != 2 || uses[0].Action != "set_default" {
		t.Errorf("%+v %v", uses, err)
	}
	b.Wing = nil
	if err := errors.Join(f.Update(f.ctx, b), f.Delete(f.ctx, f.shelves, wing.PK)); err != nil {
		t.Error(err)
	}
}

// Objects that point at each other, or at themselves, are deleted once.
func TestDeletionInCircles(t *testing.T) {
	f := newFixture(t)
	a, b, self := &shelf{Name: "a"}, &shelf{Name: "b"}, &shelf{Name: "self"}
	f.create(a, b, self)
	a.Above, b.Above, self.Above = b.PK, a.PK, self.PK
	for _, s := range []*shelf{a, b, self} {
		if err := f.Update(f.ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	f.rec.take()
	for _, pk := range []string{a.PK, self.PK} {
		if err := f.Delete(f.ctx, f.shelves, pk); err != nil {
			t.Fatal(err)
		}
	}
	if f.count(`SELECT count(*) FROM object`) != 0 {
		t.Error("some are left")
	}
	if n := len(f.rec.take()); n != 3 {
		t.Errorf("%d events for three deletions", n)
	}
}

// An object may hold one that goes in several ways at once.
func TestDeletionOfWhatHoldsTwice(t *testing.T) {
	f := newFixture(t)
	goes, home := &shelf{Name: "goes"}, &shelf{Name: "home"}
	f.create(goes, home)
	f.create(&book{Name: "on it", Shelf: goes.PK, Spare: &goes.PK, Others: []string{goes.PK}, Thing: &goes.PK})
	other := &book{Name: "beside it", Pages: 1, Shelf: home.PK, Spare: &goes.PK, Others: []string{goes.PK}, Thing: &goes.PK}
	f.create(other)
	if err := f.Delete(f.ctx, f.shelves, goes.PK); err != nil {
		t.Fatal(err)
	}
	b, err := Get[book](f.ctx, f.Store, other.PK)
	if err != nil || b.Spare != nil || len(b.Others) != 0 || b.Thing != nil {
		t.Errorf("%+v %v", b, err)
	}
	if got := f.names(f.books, Query{}); !slices.Equal(got, []string{"beside it"}) {
		t.Errorf("%q", got)
	}
}

// uid, sub, NameID and externalId are made from numbers: a number is never given twice, also not after a restart.
func TestNumbersAreGivenOnce(t *testing.T) {
	dir := t.TempDir()
	f := fixtureAt(t, dir)
	a, b := &borrower{Name: "a"}, &borrower{Name: "b"}
	f.create(a, b)
	if err := f.Delete(f.ctx, f.readers, fmt.Sprint(b.PK)); err != nil {
		t.Fatal(err)
	}
	c := &borrower{Name: "c"}
	if f.create(c); c.PK <= b.PK {
		t.Errorf("%d was given again as %d", b.PK, c.PK)
	}
	if err := f.Delete(f.ctx, f.readers, fmt.Sprint(c.PK)); err != nil {
		t.Fatal(err)
	}
	if err := f.DB().Close(); err != nil {
		t.Fatal(err)
	}
	f = fixtureAt(t, dir)
	d := &borrower{Name: "d"}
	if f.create(d); d.PK <= c.PK {
		t.Errorf("%d was given again as %d after a restart", c.PK, d.PK)
	}
	var first, next int64
	err := f.Write(f.ctx, House, func(tx *Tx) (err error) {
		first, err = tx.Next("providers")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Write(f.ctx, House, func(tx *Tx) (err error) {
		next, err = tx.Next("providers")
		return errors.Join(err, errors.New("undone"))
	})
	err = f.Write(f.ctx, House, func(tx *Tx) error {
		n, err := tx.Next("providers")
		if n != first+1 {
			t.Errorf("%d after %d (%d undone)", n, first, next)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func library(t *testing.T) *fixture {
	f := newFixture(t)
	s, o := &shelf{Name: "S"}, &shelf{Name: "O"}
	f.create(s, o)
	due := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.create(
		&book{Name: "Ada", Slug: "ada", Shelf: s.PK, Pages: 30, Weight: 1.5, Lent: true, Others: []string{s.PK, o.PK}, Attrs: map[string]any{"colour": "red"}, Pin: "1234"},
		&book{Name: "Bob", Slug: "bob", Shelf: s.PK, Pages: 10, Due: &due, Others: []string{o.PK}, Attrs: map[string]any{"colour": "blue"}},
		&book{Name: "100%", Slug: "c_c", Shelf: o.PK, Pages: 20, Spare: &s.PK},
		&book{Name: "a_b\\c", Shelf: o.PK, Pages: 20},
	)
	return f
}

func TestFilters(t *testing.T) {
	f := library(t)
	pk := func(name string) string {
		s, err := Find[shelf](f.ctx, f.Store, "name", name)
		if err != nil {
			t.Fatal(err)
		}
		return s.PK
	}
	all := []string{"100%", "Ada", "Bob", "a_b\\c"}
	for _, tt := range []struct {
		name string
		q    Query
		want []string
	}{
		{"none", Query{}, all},
		{"text", Query{Filters: url.Values{"name": {"Ada"}}}, all[1:2]},
		{"text is exact", Query{Filters: url.Values{"name": {"ada"}}}, nil},
		{"text with a quote", Query{Filters: url.Values{"name": {`x' OR '1'='1`}}}, nil},
		{"the last value counts", Query{Filters: url.Values{"name": {"Ada", "Bob"}}}, all[2:3]},
		{"empty is no filter", Query{Filters: url.Values{"name": {""}}}, all},
		{"number", Query{Filters: url.Values{"pages": {"20"}}}, []string{"100%", "a_b\\c"}},
		{"float", Query{Filters: url.Values{"weight": {"1.5"}}}, all[1:2]},
		{"true", Query{Filters: url.Values{"lent": {"true"}}}, all[1:2]},
		{"False", Query{Filters: url.Values{"lent": {"False"}}}, []string{"100%", "Bob", "a_b\\c"}},
		{"time", Query{Filters: url.Values{"due": {"2026-01-02T03:04:05Z"}}}, all[2:3]},
		{"reference", Query{Filters: url.Values{"shelf": {pk("S")}}}, []string{"Ada", "Bob"}},
		{"list of references", Query{Filters: url.Values{"others": {pk("S")}}}, all[1:2]},
		{"any of a list", Query{Filters: url.Values{"others": {pk("S"), pk("O")}}}, []string{"Ada", "Bob"}},
		{"any of a list, once each", Query{Filters: url.Values{"others": {pk("O"), pk("O")}}}, []string{"Ada", "Bob"}},
		{"own filter", Query{Filters: url.Values{"attr": {"blue"}}}, all[2:3]},
		{"two", Query{Filters: url.Values{"pages": {"20"}, "spare": {pk("S")}}}, all[:1]},
		{"unknown", Query{Filters: url.Values{"nonsense": {"x"}, "attrs": {"x"}, "loans": {"1"}, "inside": {"x"}, `name" = '' --`: {"x"}}}, all},
		{"a secret for who may not", Query{Filters: url.Values{"pin": {"1234"}}}, all},
		{"a secret for who may", Query{Secrets: true, Filters: url.Values{"pin": {"1234"}}}, all[1:2]},
		{"a wrong secret", Query{Secrets: true, Filters: url.Values{"pin": {"123"}}}, nil},
		{"search name", Query{Search: "BO"}, all[2:3]},
		{"search slug", Query{Search: "c_c"}, all[:1]},
		{"search percent", Query{Search: "0%"}, all[:1]},
		{"search underscore", Query{Search: "a_b"}, all[3:]},
		{"search backslash", Query{Search: `b\c`}, all[3:]},
		{"search nothing", Query{Search: "zz"}, nil},
		{"order", Query{Order: []string{"pages", "-name"}}, []string{"Bob", "a_b\\c", "100%", "Ada"}},
		{"order down", Query{Order: []string{"-pages", "name"}}, []string{"Ada", "100%", "a_b\\c", "Bob"}},
		{"order by what it is not", Query{Order: []string{"inside", "pin", "loans", "nonsense", "", "-", "name; DROP TABLE object", "-name"}}, []string{"a_b\\c", "Bob", "Ada", "100%"}},
		{"condition", Query{Where: "o.name > ? AND o.name < ?", Args: []any{"A", "B"}}, all[1:2]},
		{"no keys", Query{PKs: []string{}}, nil},
		{"keys", Query{PKs: []string{pk("S"), "x"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := f.names(f.books, tt.q); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	_, err := f.List(f.ctx, f.books, Query{Filters: url.Values{"pages": {"many"}, "lent": {"perhaps"}, "weight": {"heavy"}, "due": {"soon"}, "attr": {"bad"}}})
	for field, want := range map[string]string{"pages": "Enter a number.", "lent": "Must be a valid boolean.", "weight": "Enter a number.", "due": "Enter a valid date/time.", "attr": "Not that."} {
		if got := says(err, field); got != want {
			t.Errorf("%s: %q", field, got)
		}
	}
}

func TestTableFilters(t *testing.T) {
	f := newFixture(t)
	joined := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.create(&borrower{Name: "ann", Owner: 1, Joined: joined, Active: true}, &borrower{Name: "Ben", Owner: 2}, &borrower{Name: "cy", Owner: 2, Active: true})
	for _, tt := range []struct {
		name string
		q    Query
		want []string
	}{
		{"own order", Query{}, []string{"ann", "Ben", "cy"}},
		{"boolean", Query{Filters: url.Values{"active": {"true"}}}, []string{"ann", "cy"}},
		{"time", Query{Filters: url.Values{"joined": {"2026-01-02T03:04:05Z"}}}, []string{"ann"}},
		{"search", Query{Search: "be"}, []string{"Ben"}},
		{"owner", Query{Owner: 2}, []string{"Ben", "cy"}},
		{"owner and key", Query{Owner: 1, PKs: []string{"3"}}, []string{"ann", "cy"}},
		{"order", Query{Order: []string{"-owner", "-name"}}, []string{"cy", "Ben", "ann"}},
		{"keys", Query{PKs: []string{"3", "1", "77"}}, []string{"ann", "cy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := f.names(f.readers, tt.q); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestPages(t *testing.T) {
	f := newFixture(t)
	for i := range 7 {
		f.create(&shelf{Name: fmt.Sprintf("s%d", i)})
	}
	for _, tt := range []struct {
		page, size, rows, count int
		gone                    bool
	}{
		{1, 3, 3, 7, false}, {2, 3, 3, 7, false}, {3, 3, 1, 7, false}, {4, 3, 0, 0, true}, {0, 3, 3, 7, false}, {-5, 3, 3, 7, false}, {1, 7, 7, 7, false}, {2, 7, 0, 0, true},
		{1, 1 << 30, 7, 7, false}, {1 << 30, 1 << 30, 0, 0, true}, {0, 0, 7, 7, false}, {1 << 62, 4, 0, 0, true},
	} {
		p, err := f.List(f.ctx, f.shelves, Query{Page: tt.page, PageSize: tt.size})
		if tt.gone {
			if !fault.Is(err, fault.NotFound) || says(err, "") != "Invalid page." {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil || len(p.Rows) != tt.rows || p.Count != tt.count {
			t.Errorf("%+v: %d rows of %d, %v", tt, len(p.Rows), p.Count, err)
		}
	}
	p, err := f.List(f.ctx, f.books, Query{Page: 1, PageSize: 5})
	if err != nil || p.Rows == nil || len(p.Rows) != 0 || p.Count != 0 {
		t.Errorf("an empty list has one empty page: %+v %v", p, err)
	}
}

func TestFamilies(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "S"}
	f.create(s)
	b, c := &book{Name: "b", Slug: "b-slug", Shelf: s.PK}, &scroll{Name: "a", Slug: "a-slug", Shelf: s.PK}
	f.create(b, c)
	k, obj, err := f.FindIn(f.ctx, "books", "slug", "a-slug")
	if err != nil || k != f.scrolls || obj.(*scroll).PK != c.PK {
		t.Errorf("%v %v", obj, err)
	}
	if k, obj, err = f.GetIn(f.ctx, "books", b.PK); err != nil || k != f.books || obj.(*book).Name != "b" {
		t.Errorf("%v %v", obj, err)
	}
	if k, _, err = f.GetIn(f.ctx, "anything", s.PK); err != nil || k != f.shelves {
		t.Errorf("%v", err)
	}
	for _, tt := range []struct {
		q    Query
		want []string
	}{
		{Query{}, []string{"a", "b"}}, {Query{Order: []string{"-name"}}, []string{"b", "a"}}, {Query{Search: "B"}, []string{"b"}}, {Query{PKs: []string{c.PK}}, []string{"a"}},
		{Query{PKs: []string{}}, nil}, {Query{PageSize: 1, Page: 2}, []string{"b"}}, {Query{Where: "o.name = ?", Args: []any{"a"}}, []string{"a"}},
	} {
		p, err := f.ListIn(f.ctx, "books", tt.q)
		if err != nil {
			t.Error(err)
		}
		var got []string
		for _, r := range p.Rows {
			got = append(got, f.KindFor(r).Name(r))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %q", tt.q, got)
		}
	}
	if _, err := f.ListIn(f.ctx, "books", Query{PageSize: 1, Page: 3}); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if got, err := f.Slug(f.ctx, b.PK); err != nil || got != "b-slug" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := f.Slug(f.ctx, "none"); err != nil || got != "" {
		t.Errorf("%q %v", got, err)
	}
	as, err := f.Assigned(f.ctx, "shelves", "books")
	if err != nil || len(as) != 2 || as[0].Name != "a" || as[0].PK != s.PK || as[0].Field != "shelf" || as[1].Slug != "b-slug" || as[1].SrcModel != "lib.book" {
		t.Errorf("%+v %v", as, err)
	}
}

// A row of a kind that this build does not have (a newer plug was removed) is passed over, not an error.
func TestUnknownKindsArePassedOver(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "S"}
	f.create(s)
	b := &book{Name: "b", Shelf: s.PK, Attrs: map[string]any{}}
	f.create(b)
	if err := f.DB().Write(f.ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE object SET kind = 'lib.tablet' WHERE pk = ?`, b.PK)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p, err := f.ListIn(f.ctx, "books", Query{})
	if err != nil || len(p.Rows) != 0 {
		t.Errorf("%+v %v", p, err)
	}
	if uses, err := f.UsedBy(f.ctx, f.shelves, s.PK); err != nil || len(uses) != 0 {
		t.Errorf("%+v %v", uses, err)
	}
	if _, _, err := f.GetIn(f.ctx, "books", b.PK); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// A list with hostile parameters is answered or refused in words, never with an error of the database.
func TestHostileLists(t *testing.T) {
	f := library(t)
	many := func(n int, s string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = s + fmt.Sprint(i)
		}
		return out
	}
	for name, q := range map[string]Query{
		"a search of 100 kB":         {Search: strings.Repeat("a%", 50_000)},
		"a search with NUL":          {Search: "a\x00b"},
		"5,000 values":               {Filters: url.Values{"others": many(5_000, "x")}},
		"40,000 values":              {Filters: url.Values{"others": many(40_000, "x")}},
		"40,000 keys":                {PKs: many(40_000, "x")},
		"ordering with 5,000 fields": {Order: slices.Repeat([]string{"name", "-pages"}, 2_500)},
		"a huge number":              {Filters: url.Values{"pages": {"99999999999999999999"}}},
		"not a number":               {Filters: url.Values{"weight": {"NaN"}}},
		"a time before all":          {Filters: url.Values{"due": {"0000-01-01T00:00:00Z"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, k := range []*kind.Kind{f.books, f.readers} {
				if _, err := f.List(f.ctx, k, q); err != nil && !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v", k.Schema, err)
				}
			}
			if _, err := f.ListIn(f.ctx, "books", q); err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("family: %v", err)
			}
		})
	}
}

// A secret that was moved to another row, field or house does not open.
func TestSecretsAreBound(t *testing.T) {
	f := newFixture(t)
	s := &shelf{Name: "S"}
	f.create(s)
	a, b := &book{Name: "a", Shelf: s.PK, Pin: "1234"}, &book{Name: "b", Shelf: s.PK, Pin: "5678", Pages: 1}
	f.create(a, b)
	if err := f.DB().Write(f.ctx, func(tx *db.Tx) error {
		var body string
		if err := tx.QueryRow(`SELECT body FROM object WHERE pk = ?`, a.PK).Scan(&body); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE object SET body = ? WHERE pk = ?`, body, b.PK)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, err := Get[book](f.ctx, f.Store, b.PK)
	if !fault.Is(err, fault.Internal) || !strings.Contains(says(err, ""), "key that belongs to this database") {
		t.Errorf("%v", err)
	}
	if f.SecretIndex(f.books, "pin", "1234") == f.SecretIndex(f.scrolls, "pin", "1234") {
		t.Error("two kinds share an index of secrets")
	}
}

// FuzzFill: whatever stands in a body of the database, reading it is an object or an error.
func FuzzFill(f *testing.F) {
	k := kind.Of[book](&kind.Family{Name: "books"}, kind.Spec{Model: "lib.book"}, nil)
	key, err := crypt.LoadOrCreateKey(filepath.Join(f.TempDir(), "key"))
	if err != nil {
		f.Fatal(err)
	}
	s := New(nil, key, time.Now)
	s.Use([]*kind.Kind{k}, nil, nil)
	for _, seed := range []string{`{}`, `{"name":null,"pages":"x","due":1e99}`, `{"due":-1,"attrs":null,"likes":[1,null]}`, `{"pin":"x"}`, `[]`, `null`, `{"name":{"a":1},"lent":0}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		obj := k.New()
		if err := s.fill(k, obj, "pk", body); err != nil {
			return
		}
		vals, err := s.values(k, obj)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(vals); err != nil {
			t.Errorf("what was read can't be written: %v", err)
		}
	})
}
