package world

import (
	"slices"
	"strings"

	"gatehouse/backend/expr/py"
)

// writers are the methods that change something.
var writers = []string{"create", "get_or_create", "update_or_create", "update", "add", "remove", "set", "clear"}

// Attr implements py.Attrer: the methods of managers and sets.
func (q *queryset) Attr(_ *py.Thread, name string) (py.Value, bool, error) {
	if slices.Contains(writers, name) {
		return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) { return q.write(t, name, args, kw) }), true, nil
	}
	f := sets[name]
	if f == nil {
		if name == "model" {
			return nil, false, nil
		}
		return nil, false, nil
	}
	return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) { return f(hostOf(t), q, args, kw) }), true, nil
}

type setMethod = func(r *run, q *queryset, args []py.Value, kw []py.Kw) (py.Value, error)

// sets are the methods that read.
var sets map[string]setMethod

func init() {
	same := func(_ *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) { return q.also(), nil }
	sets = map[string]setMethod{
		"all": same, "distinct": same, "select_related": same, "prefetch_related": same, "iterator": same, "using": same,
		"none": func(_ *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) {
			n := q.also()
			n.none = true
			return n, nil
		},
		"filter": narrow, "exclude": narrowOut,
		"get": func(r *run, q *queryset, args []py.Value, kw []py.Kw) (py.Value, error) {
			n, err := narrow(r, q, args, kw)
			if err != nil {
				return nil, err
			}
			return n.(*queryset).one(r)
		},
		"first": func(r *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) { return q.first(r) },
		"last": func(r *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) {
			rows, err := q.also().read(r)
			if err != nil || len(rows) == 0 {
				return nil, err
			}
			return q.value(r, rows[len(rows)-1])
		},
		"exists": func(r *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) {
			v, err := q.first(r)
			return v != nil, err
		},
		"count": func(r *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) { return q.count(r) },
		"contains": func(r *run, q *queryset, args []py.Value, _ []py.Kw) (py.Value, error) {
			if len(args) != 1 {
				return nil, py.Raise(py.TypeError, "contains() takes one object")
			}
			return q.also().Contains(r.t, args[0])
		},
		"order_by": ordered,
		"reverse": func(_ *run, q *queryset, _ []py.Value, _ []py.Kw) (py.Value, error) {
			n := q.also()
			order := n.order
			if len(order) == 0 {
				order = q.k.Order
			}
			n.order = nil
			for _, o := range order {
				if up, ok := strings.CutPrefix(o, "-"); ok {
					n.order = append(n.order, up)
				} else {
					n.order = append(n.order, "-"+o)
				}
			}
			return n, nil
		},
		"values":      shaped('d'),
		"values_list": shaped('t'),
	}
}

func narrow(r *run, q *queryset, args []py.Value, kw []py.Kw) (py.Value, error) {
	if len(args) > 0 {
		return nil, py.Raise(py.TypeError, "filter() takes keyword arguments only")
	}
	c, err := r.filter(q.k, kw)
	if err != nil {
		return nil, err
	}
	return q.also(c...), nil
}

func narrowOut(r *run, q *queryset, args []py.Value, kw []py.Kw) (py.Value, error) {
	if len(args) > 0 {
		return nil, py.Raise(py.TypeError, "exclude() takes keyword arguments only")
	}
	cs, err := r.filter(q.k, kw)
	if err != nil || len(cs) == 0 {
		return q.also(), err
	}
	var out cond
	var parts []string
	for _, c := range cs {
		parts, out.args = append(parts, "coalesce(("+c.sql+"), 0)"), append(out.args, c.args...)
	}
	out.sql = "NOT (" + strings.Join(parts, " AND ") + ")"
	return q.also(out), nil
}

func ordered(r *run, q *queryset, args []py.Value, _ []py.Kw) (py.Value, error) {
	n := q.also()
	n.order = nil
	for _, a := range args {
		s, ok := a.(string)
		name := strings.TrimPrefix(s, "-")
		if name == "pk" || name == "id" {
			name = q.k.PKField().Name
		}
		f := q.k.Field(name)
		if !ok || f == nil || !f.Stored() || !readable(f) {
			return nil, r.noField(q.k, s)
		}
		if strings.HasPrefix(s, "-") {
			name = "-" + name
		}
		n.order = append(n.order, name)
	}
	return n, nil
}

// shaped is values() or values_list().
func shaped(shape byte) setMethod {
	return func(r *run, q *queryset, args []py.Value, kw []py.Kw) (py.Value, error) {
		n := q.also()
		n.shape, n.fields = shape, nil
		for _, a := range args {
			s, ok := a.(string)
			if !ok {
				return nil, py.Raise(py.TypeError, "the names of fields must be str, not %s", py.TypeName(a))
			}
			name, _, _ := strings.Cut(s, "__")
			if f := q.k.Field(name); name != "pk" && name != "id" && r.w.class(q.k).attrs[name] == nil && (f == nil || !readable(f)) {
				return nil, r.noField(q.k, name)
			}
			n.fields = append(n.fields, s)
		}
		for _, k := range kw {
			yes, err := r.t.Truth(k.V)
			if err != nil {
				return nil, err
			}
			if k.Name == "flat" && yes && shape == 't' {
				if len(n.fields) != 1 {
					return nil, py.Raise(py.TypeError, "'flat' is not valid when values_list is called with more than one field.")
				}
				n.shape = 'f'
			}
		}
		if len(n.fields) == 0 {
			for i := range q.k.Fields {
				if f := &q.k.Fields[i]; f.Stored() && readable(f) && f.Ref == nil {
					n.fields = append(n.fields, f.Name)
				}
			}
		}
		return n, nil
	}
}
