package world

import (
	"reflect"

	"gatehouse/backend/expr/py"
)

// dicts are the dictionaries that stand for maps of the house. A map has one dictionary in a run, so that what is changed through one path
// is seen through another; what changed goes back into the maps when the run ends well.
type dicts struct {
	by    map[uintptr]*shared
	back  map[*py.Dict]*shared
	order []*shared
	after []func() // further changes, for the end of a run
	err   error
}

type shared struct {
	m    map[string]any
	d    *py.Dict
	root bool // reaches the house: the context of a policy or of a plan
	// was are the values that can't be told from their dictionary form: objects of the house by the name they stand under.
	was  map[string]any
	done bool
	// extra is what only this run sees: it does not go back unless it was changed.
	extra map[string]py.Value
}

// of gives the dictionary of a map. root says that changes count for the house.
func (ds *dicts) of(r *run, m map[string]any, root bool) *py.Dict {
	p := reflect.ValueOf(m).Pointer()
	if s := ds.by[p]; s != nil && m != nil {
		s.root = s.root || root
		return s.d
	}
	d := &py.Dict{}
	s := &shared{m: m, d: d, root: root, was: map[string]any{}, extra: map[string]py.Value{}}
	if ds.by == nil {
		ds.by, ds.back = map[uintptr]*shared{}, map[*py.Dict]*shared{}
	}
	if m != nil {
		ds.by[p] = s
	}
	ds.back[d] = s
	ds.order = append(ds.order, s)
	for _, k := range sorted(m) {
		v, err := r.wrap(m[k])
		if err == nil {
			err = r.t.Alloc(64 + len(k))
		}
		if err == nil {
			err = d.Set(r.t, k, v)
		}
		if err != nil {
			ds.err = err
			return d
		}
		switch v.(type) {
		case *object, *plan, *facts:
			s.was[k] = m[k]
		}
	}
	return d
}

// writeBack brings the maps of the house to what their dictionaries hold now.
func (ds *dicts) writeBack(r *run) error {
	if ds.err != nil {
		return ds.err
	}
	for i := 0; i < len(ds.order); i++ {
		if s := ds.order[i]; s.root {
			if err := ds.sync(r, s, 0); err != nil {
				return err
			}
		}
	}
	for _, f := range ds.after {
		f()
	}
	return nil
}

func (ds *dicts) sync(r *run, s *shared, depth int) error {
	if s.done || s.m == nil {
		return nil
	}
	s.done = true
	keep := map[string]bool{}
	var err error
	s.d.Each(func(k, v py.Value) {
		name, ok := k.(string)
		if err != nil || !ok {
			return
		}
		if x, ok := s.extra[name]; ok && x == v {
			return
		}
		keep[name] = true
		if was, ok := s.was[name]; ok && sameAs(was, v) {
			return
		}
		var x any
		if x, err = ds.value(r, v, depth+1); err == nil {
			s.m[name] = x
		}
	})
	for k := range s.m {
		if !keep[k] {
			delete(s.m, k)
		}
	}
	return err
}

// value is plain for what goes into a plan: objects become pointers to them.
func (ds *dicts) value(r *run, v py.Value, depth int) (any, error) {
	if depth > 50 {
		return nil, py.Raise(py.ValueError, "the value is nested too deeply")
	}
	switch x := v.(type) {
	case *py.Dict:
		if s := ds.back[x]; s != nil && s.m != nil {
			return s.m, ds.sync(r, s, depth)
		}
		out := map[string]any{}
		var err error
		x.Each(func(k, v py.Value) {
			name, ok := k.(string)
			if err != nil || !ok {
				return
			}
			out[name], err = ds.value(r, v, depth+1)
		})
		return out, err
	case *object:
		if x.pk == "" && r.call.Dry { // it would be saved by now
			return nil, nil
		}
		return x.ref(r)
	case *plan:
		return x.p, nil
	case *queryset:
		l, err := r.t.List(x)
		if err != nil {
			return nil, err
		}
		return ds.value(r, l, depth)
	}
	if items, ok := py.Items(v); ok {
		out := make([]any, len(items))
		for i, e := range items {
			var err error
			if out[i], err = ds.value(r, e, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return r.plain(v, depth)
}

// sameAs says whether a value still stands for what was there.
func sameAs(was any, v py.Value) bool {
	switch x := v.(type) {
	case *plan:
		return was == any(x.p)
	case *facts:
		return was == any(x.f)
	case *object:
		if m, ok := was.(map[string]any); ok {
			return keyText(m["pk"]) == x.pk && m["model"] == any(x.k.Model) || m["fake"] != nil && x.pk == "0"
		}
		return was == x.v
	}
	return false
}
