package world

import (
	"slices"
	"strings"
	"sync"

	"gatehouse/backend/db"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// lookups are the fields by which a kind can be filtered, for the text of a FieldError.
type lookups struct {
	mu sync.Mutex
	m  map[*kind.Kind]string
}

// operators are the lookups of a filter, after the last "__".
var operators = []string{
	"exact", "iexact", "in", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "isnull", "gt", "gte", "lt", "lte", "regex", "iregex",
}

// filter turns keyword arguments into a condition: all of them.
func (r *run) filter(k *kind.Kind, kw []py.Kw) ([]cond, error) {
	var out []cond
	for _, a := range kw {
		c, err := r.lookup(k, strings.Split(a.Name, "__"), a.V)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// lookup is the condition of one argument: field, further fields behind references, members of JSON, operator.
func (r *run) lookup(k *kind.Kind, path []string, v py.Value) (cond, error) {
	name, rest := path[0], path[1:]
	d := store.DialectOf(k)
	key := k.PKField()
	if name == "pk" || name == "id" {
		name = key.Name
	}
	if c, ok, err := r.related(k, name, rest, v); ok || err != nil {
		return c, err
	}
	f := k.Field(name)
	if f == nil {
		if base, ok := strings.CutSuffix(name, "_id"); ok && k.Field(base) != nil && k.Field(base).Ref != nil {
			f = k.Field(base)
		}
	}
	if f == nil || !f.Stored() || !readable(f) {
		return cond{}, r.noField(k, path[0])
	}
	if f.Ref != nil && !f.Ref.List && len(rest) > 0 && !slices.Contains(operators, rest[0]) {
		return r.behind(d.Column(f.Name), f.Ref.Family, rest, v)
	}
	column := d.Column(f.Name)
	if f == key && k.Table == "" {
		column = "o.pk"
	}
	op := "exact"
	if len(rest) > 0 && slices.Contains(operators, rest[len(rest)-1]) {
		op, rest = rest[len(rest)-1], rest[:len(rest)-1]
	}
	if len(rest) > 0 {
		if f.Type != "object" && f.Type != "any" {
			return cond{}, r.noField(k, strings.Join(path, "__"))
		}
		for _, p := range rest {
			if strings.ContainsAny(p, "\x00.\"") {
				return cond{}, r.noField(k, strings.Join(path, "__"))
			}
		}
		column = d.JSON(f.Name, strings.Join(rest, "."))
	}
	return r.compare(column, op, v)
}

// related is a condition on the memberships of people and groups.
func (r *run) related(k *kind.Kind, name string, rest []string, v py.Value) (cond, bool, error) {
	var column, family string
	switch {
	case k.Model == userModel && (name == "ak_groups" || name == "groups"):
		column, family = `o.pk IN (SELECT "user" FROM memberships WHERE "group"`, "groups"
	case k.Model == groupModel && (name == "users" || name == "user"):
		column, family = `o.pk IN (SELECT "group" FROM memberships WHERE "user"`, "users"
	default:
		return cond{}, false, nil
	}
	var c cond
	var err error
	if len(rest) == 0 || slices.Contains(operators, rest[0]) {
		op := "exact"
		if len(rest) > 0 {
			op = rest[0]
		}
		if op == "isnull" {
			return cond{}, true, r.noField(k, name+"__isnull")
		}
		c, err = r.compare("", op, v)
	} else {
		c, err = r.behind("", family, rest, v)
	}
	c.sql = column + c.sql + ")"
	return c, true, err
}

// behind is the condition that column points at objects of a family that fit.
func (r *run) behind(column, family string, rest []string, v py.Value) (cond, error) {
	var keys []any
	for _, k := range r.w.Store.Family(family) {
		if k.IsBase() {
			continue
		}
		c, err := r.lookup(k, rest, v)
		if err != nil {
			return cond{}, err
		}
		q := &queryset{k: k, where: []cond{c}}
		rows, err := q.read(r)
		if err != nil {
			return cond{}, err
		}
		for _, row := range rows {
			keys = append(keys, (&object{k: k, pk: k.PK(row)}).sqlKey())
		}
	}
	if len(keys) > 500 {
		return cond{}, py.Raise(py.MemoryError, "more than 500 objects behind %s; filter() them first", rest[0])
	}
	if len(keys) == 0 {
		return cond{sql: column + " IN (NULL)"}, nil
	}
	return cond{sql: column + " IN (" + db.Marks(len(keys)) + ")", args: keys}, nil
}

// compare is one comparison.
func (r *run) compare(column, op string, v py.Value) (cond, error) {
	switch op {
	case "in":
		l, err := r.t.List(v)
		if err != nil {
			return cond{}, err
		}
		if len(l.V) > 500 {
			return cond{}, py.Raise(py.ValueError, "no more than 500 values in __in")
		}
		if len(l.V) == 0 {
			return cond{sql: column + " IN (NULL)"}, nil
		}
		c := cond{sql: column + " IN (" + db.Marks(len(l.V)) + ")"}
		for _, e := range l.V {
			a, err := r.sqlValue(e)
			if err != nil {
				return cond{}, err
			}
			c.args = append(c.args, a)
		}
		return c, nil
	case "isnull":
		yes, err := r.t.Truth(v)
		if err != nil {
			return cond{}, err
		}
		if yes {
			return cond{sql: column + " IS NULL"}, nil
		}
		return cond{sql: column + " IS NOT NULL"}, nil
	}
	a, err := r.sqlValue(v)
	if err != nil {
		return cond{}, err
	}
	if a == nil && (op == "exact" || op == "iexact") {
		return cond{sql: column + " IS NULL"}, nil
	}
	switch op {
	case "exact":
		return cond{sql: column + " = ?", args: []any{a}}, nil
	case "gt", "gte", "lt", "lte":
		return cond{sql: column + map[string]string{"gt": " > ?", "gte": " >= ?", "lt": " < ?", "lte": " <= ?"}[op], args: []any{a}}, nil
	case "regex", "iregex":
		return cond{}, py.Raise(fieldError, "__%s is not supported; use regex_match() on the objects", op)
	}
	text, err := r.t.Str(v)
	if err != nil {
		return cond{}, err
	}
	left, right := column, "?"
	if op[0] == 'i' {
		left, right = "lower("+column+")", "lower(?)"
		op = op[1:]
	}
	switch op {
	case "exact":
		return cond{sql: left + " = " + right, args: []any{text}}, nil
	case "contains":
		return cond{sql: "instr(" + left + ", " + right + ") > 0", args: []any{text}}, nil
	case "startswith":
		return cond{sql: "substr(" + left + ", 1, length(" + right + ")) = " + right, args: []any{text, text}}, nil
	}
	return cond{sql: "substr(" + left + ", -length(" + right + ")) = " + right + " AND length(" + right + ") > 0 OR " + right + " = ''", args: []any{text, text, text, text}}, nil
}

// sqlValue is a value as the database holds it.
func (r *run) sqlValue(v py.Value) (any, error) {
	switch x := v.(type) {
	case nil, string, float64:
		return x, nil
	case bool:
		if x {
			return 1, nil
		}
		return 0, nil
	case int:
		return int64(x), nil
	case *object:
		return x.sqlKey(), nil
	case *anonymous:
		return int64(0), nil
	}
	if at, ok := py.TimeOf(v); ok {
		return at.UnixMicro(), nil
	}
	if _, ok := py.Items(v); ok {
		return nil, py.Raise(py.TypeError, "a list can be compared with __in only")
	}
	return r.t.Str(v)
}

// noField is the error for a name that no field has.
func (r *run) noField(k *kind.Kind, name string) error {
	r.w.names.mu.Lock()
	defer r.w.names.mu.Unlock()
	text, ok := r.w.names.m[k]
	if !ok {
		var all []string
		for i := range k.Fields {
			if f := &k.Fields[i]; f.Stored() && readable(f) {
				all = append(all, f.Name)
			}
		}
		slices.Sort(all)
		text = strings.Join(all, ", ")
		if r.w.names.m == nil {
			r.w.names.m = map[*kind.Kind]string{}
		}
		r.w.names.m[k] = text
	}
	return py.Raise(fieldError, "Cannot resolve keyword '%s' into field. Choices are: %s", name, text)
}
