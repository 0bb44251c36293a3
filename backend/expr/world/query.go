package world

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gatehouse/backend/db"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// mostRows bounds what one look at a relation may read.
const mostRows = 20_000

// cond is one condition, in SQL on alias o.
type cond struct {
	sql  string
	args []any
}

// queryset is a set of objects of one kind that is read when it is looked at.
type queryset struct {
	k       *kind.Kind
	where   []cond
	order   []string
	only    []string // these keys; counts with some
	some    bool
	lo, hi  int // a slice; hi 0 = open
	none    bool
	manager bool  // objects, a relation: not yet a set
	owner   *link // of a relation that a program may change
	rows    []any // what was read
	got     bool
	fields  []string // values and values_list
	shape   byte     // 0 objects, d dictionaries, t tuples, f flat
}

// link is a relation between people and groups.
type link struct {
	o     *object
	users bool // the members of a group, else the groups of a person
}

var (
	querysetType = py.NewType("QuerySet", "django.db.models.query", nil)
	managerType  = py.NewType("Manager", "django.db.models.manager", nil)
)

// Type implements py.Object.
func (q *queryset) Type() *py.Type {
	if q.manager {
		return managerType
	}
	return querysetType
}

// also is the set with a further condition.
func (q *queryset) also(c ...cond) *queryset {
	n := *q
	n.where = append(slices.Clone(q.where), c...)
	n.rows, n.got, n.manager = nil, false, false
	return &n
}

// query is the set as the store reads it.
func (q *queryset) query() (store.Query, bool) {
	if q.none || q.some && len(q.only) == 0 {
		return store.Query{}, false
	}
	out := store.Query{Order: q.order}
	var parts []string
	for _, c := range q.where {
		parts = append(parts, "("+c.sql+")")
		out.Args = append(out.Args, c.args...)
	}
	if q.some {
		var keys []any
		for _, k := range q.only {
			keys = append(keys, k)
		}
		col := "o.pk"
		if q.k.Table != "" {
			col = store.DialectOf(q.k).Column(q.k.PKField().Name)
		}
		parts, out.Args = append(parts, col+" IN ("+db.Marks(len(keys))+")"), append(out.Args, keys...)
	}
	out.Where = strings.Join(parts, " AND ")
	return out, true
}

// read gives the objects of the set.
func (q *queryset) read(r *run) ([]any, error) {
	if q.got {
		return q.rows, nil
	}
	in, some := q.query()
	if !some {
		return nil, nil
	}
	var rows []any
	if q.k.IsBase() {
		page, err := r.w.Store.ListIn(r.ctx, q.k.Family.Name, in)
		if err != nil {
			return nil, fail(err)
		}
		rows = page.Rows
	} else {
		// One page more than a run may read tells that there is more.
		in.PageSize = mostRows + 1
		if q.hi > 0 && q.hi < mostRows {
			in.PageSize = q.hi
		}
		in.Page = 1
		var err error
		if rows, err = r.w.groups.read(r, q, in); err != nil {
			return nil, fail(err)
		}
	}
	if len(rows) > mostRows {
		return nil, py.Raise(py.MemoryError, "more than %d objects; filter() them first", mostRows)
	}
	if err := r.t.Alloc(512 * len(rows)); err != nil {
		return nil, err
	}
	rows = rows[min(q.lo, len(rows)):]
	if q.hi > 0 {
		rows = rows[:min(q.hi-q.lo, len(rows))]
	}
	if !q.manager {
		q.rows, q.got = rows, true
	}
	return rows, nil
}

// memberships remembers the groups of people as long as nobody changes anything: nearly every scope asks for them, twice a sign-in.
type memberships struct {
	mu  sync.Mutex
	gen uint64
	m   map[string][]any
}

// mostGroupsOf is how many answers are remembered.
const mostGroupsOf = 2000

// read gives the rows of a set, those of a person's groups from what is remembered. Each run has copies of its own.
func (g *memberships) read(r *run, q *queryset, in store.Query) ([]any, error) {
	ask := func() ([]any, error) {
		page, err := r.w.Store.List(r.ctx, q.k, in)
		return page.Rows, err
	}
	if q.owner == nil || q.owner.users || len(q.order) > 0 {
		return ask()
	}
	gen, key := r.w.Store.Changes(), fmt.Sprint(in.Where, in.Args, in.PageSize)
	g.mu.Lock()
	if g.gen != gen || g.m == nil || len(g.m) >= mostGroupsOf {
		g.gen, g.m = gen, map[string][]any{}
	}
	kept, ok := g.m[key]
	g.mu.Unlock()
	if !ok {
		var err error
		if kept, err = ask(); err != nil {
			return nil, err
		}
		if len(kept) <= 50 {
			g.mu.Lock()
			if g.gen == gen && r.w.Store.Changes() == gen {
				g.m[key] = kept
			}
			g.mu.Unlock()
		}
	}
	out := make([]any, len(kept))
	for i, row := range kept {
		one, ok := row.(*user.Group)
		if !ok {
			return ask()
		}
		own := *one
		own.Attributes = user.Copy(one.Attributes)
		out[i] = &own
	}
	return out, nil
}

// value is a row as the program gets it.
func (q *queryset) value(r *run, row any) (py.Value, error) {
	k := q.k
	if k.IsBase() {
		k = r.w.Store.KindFor(row)
	}
	o := r.known(k, row)
	if q.shape == 0 {
		return o, nil
	}
	var vs []py.Value
	for _, f := range q.fields {
		v, err := r.follow(o, f)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	switch q.shape {
	case 'f':
		return vs[0], nil
	case 't':
		return &py.Tuple{V: vs}, nil
	}
	d := &py.Dict{}
	for i, f := range q.fields {
		if err := d.Set(r.t, f, vs[i]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// follow reads a__b__c from an object; of an object its key.
func (r *run) follow(o *object, path string) (py.Value, error) {
	var at py.Value = o
	for part := range strings.SplitSeq(path, "__") {
		switch x := at.(type) {
		case nil:
			return nil, nil
		case *py.Dict:
			v, _, err := x.Get(r.t, part)
			if err != nil {
				return nil, err
			}
			at = v
		case *object:
			v, ok, err := x.Attr(r.t, part)
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, py.Raise(fieldError, "Cannot resolve keyword '%s' into field.", part)
			}
			at = v
		default:
			return nil, py.Raise(fieldError, "Cannot resolve keyword '%s' into field.", part)
		}
	}
	if x, ok := at.(*object); ok {
		return x.key(r)
	}
	return at, nil
}

// Iterate implements py.Iterable.
func (q *queryset) Iterate(t *py.Thread) (py.Iterator, error) {
	if q.manager {
		if q.owner == nil && !q.some && len(q.where) == 0 {
			return nil, py.Raise(py.TypeError, "'Manager' object is not iterable")
		}
		return nil, py.Raise(py.TypeError, "'ManyRelatedManager' object is not iterable")
	}
	r := hostOf(t)
	rows, err := q.read(r)
	if err != nil {
		return nil, err
	}
	return &rowIter{q: q, rows: rows}, nil
}

type rowIter struct {
	q    *queryset
	rows []any
}

// Next implements py.Iterator.
func (i *rowIter) Next(t *py.Thread) (py.Value, bool, error) {
	if len(i.rows) == 0 {
		return nil, false, nil
	}
	if err := t.Charge(20); err != nil {
		return nil, false, err
	}
	v, err := i.q.value(hostOf(t), i.rows[0])
	i.rows = i.rows[1:]
	return v, err == nil, err
}

// Len implements py.Sized.
func (q *queryset) Len(t *py.Thread) (int, error) {
	if q.manager {
		return 0, py.Raise(py.TypeError, "object of type 'Manager' has no len()")
	}
	rows, err := q.read(hostOf(t))
	return len(rows), err
}

// Truth implements py.Truther.
func (q *queryset) Truth(t *py.Thread) (bool, error) {
	if q.manager {
		return true, nil
	}
	n, err := q.Len(t)
	return n > 0, err
}

// Contains implements py.Container.
func (q *queryset) Contains(t *py.Thread, v py.Value) (bool, error) {
	it, err := q.Iterate(t)
	if err != nil {
		return false, err
	}
	for {
		x, ok, err := it.Next(t)
		if err != nil || !ok {
			return false, err
		}
		if eq, err := t.Equal(x, v); err != nil || eq {
			return eq, err
		}
	}
}

// Index implements py.Indexable.
func (q *queryset) Index(t *py.Thread, k py.Value) (py.Value, error) {
	r := hostOf(t)
	if q.manager {
		return nil, py.Raise(py.TypeError, "'Manager' object is not subscriptable")
	}
	if n, ok := py.AsInt(k); ok {
		if n < 0 {
			return nil, py.Raise(py.ValueError, "Negative indexing is not supported.")
		}
		rows, err := q.read(r)
		if err != nil {
			return nil, err
		}
		if n >= len(rows) {
			return nil, py.Raise(py.IndexError, "list index out of range")
		}
		return q.value(r, rows[n])
	}
	lo, hi, ok := py.SliceBounds(k)
	if !ok {
		return nil, py.Raise(py.ValueError, "Negative indexing is not supported.")
	}
	n := *q
	n.rows, n.got = nil, false
	n.lo += lo
	if hi >= 0 {
		if n.hi = q.lo + hi; n.hi <= n.lo {
			n.none = true
		}
	}
	return &n, nil
}

// Str and Repr show the first objects.
func (q *queryset) Str(t *py.Thread) (string, error) { return q.Repr(t) }

// Repr implements py.Reprer.
func (q *queryset) Repr(t *py.Thread) (string, error) {
	if q.manager {
		return "<Manager of " + q.k.Schema + ">", nil
	}
	r := hostOf(t)
	rows, err := q.read(r)
	if err != nil {
		return "", err
	}
	var parts []string
	for i, row := range rows {
		if i == 20 {
			parts = append(parts, "'...(remaining elements truncated)...'")
			break
		}
		v, err := q.value(r, row)
		if err != nil {
			return "", err
		}
		s, err := t.Repr(v)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	return "<QuerySet [" + strings.Join(parts, ", ") + "]>", nil
}

// first gives the first object, nil when there is none.
func (q *queryset) first(r *run) (py.Value, error) {
	n := *q
	n.rows, n.got, n.manager = nil, false, false
	if n.hi == 0 || n.hi > n.lo+1 {
		n.hi = n.lo + 1
	}
	rows, err := n.read(r)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return n.value(r, rows[0])
}

// count gives how many there are, without reading them where the database can count.
func (q *queryset) count(r *run) (int, error) {
	if q.got || q.k.IsBase() || q.lo > 0 || q.hi > 0 {
		rows, err := q.read(r)
		return len(rows), err
	}
	in, some := q.query()
	if !some {
		return 0, nil
	}
	in.Page, in.PageSize = 1, 1
	page, err := r.w.Store.List(r.ctx, q.k, in)
	if err != nil {
		return 0, fail(err)
	}
	return page.Count, nil
}

// one gives the only object.
func (q *queryset) one(r *run) (py.Value, error) {
	rows, err := q.read(r)
	if err != nil {
		return nil, err
	}
	c := r.w.class(q.k)
	switch len(rows) {
	case 0:
		return nil, notFound(c)
	case 1:
		return q.value(r, rows[0])
	}
	return nil, py.Raise(c.several, "get() returned more than one %s -- it returned %s!", c.typ.Name, fmt.Sprint(len(rows)))
}
