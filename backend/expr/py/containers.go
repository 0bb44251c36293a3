package py

import (
	"sort"
	"unicode/utf16"
)

func utf16Of(s string) []uint16 { return utf16.Encode([]rune(s)) }
func utf16To(u []uint16) string { return string(utf16.Decode(u)) }
func noArgs(fn string, args []Value, kw []Kw) error {
	if len(args) != 1 || len(kw) > 0 {
		return raise(TypeError, "%s() takes no arguments (%d given)", fn, len(args)-1+len(kw))
	}
	return nil
}

// sortValues sorts in place by a key.
func (t *Thread) sortValues(vs []Value, key Value, reverse bool) error {
	keys := vs
	if key != nil {
		keys = make([]Value, len(vs))
		for i, v := range vs {
			k, err := t.Call(key, []Value{v}, nil)
			if err != nil {
				return err
			}
			keys[i] = k
		}
	}
	if err := t.alloc(32 * len(vs)); err != nil {
		return err
	}
	idx := make([]int, len(vs))
	for i := range idx {
		idx[i] = i
	}
	var failed error
	sort.SliceStable(idx, func(i, j int) bool {
		if failed != nil {
			return false
		}
		if failed = t.charge(1); failed != nil {
			return false
		}
		a, b := keys[idx[i]], keys[idx[j]]
		if reverse {
			a, b = b, a
		}
		v, err := t.Compare(2, a, b)
		if err != nil {
			failed = err
			return false
		}
		less, _ := v.(bool)
		return less
	})
	if failed != nil {
		return failed
	}
	out := make([]Value, len(vs))
	for i, j := range idx {
		out[i] = vs[j]
	}
	copy(vs, out)
	return nil
}

func (t *Thread) sortArgs(fn string, kw []Kw) (key Value, reverse bool, err error) {
	for _, k := range kw {
		switch k.Name {
		case "key":
			key = k.V
		case "reverse":
			if reverse, err = t.Truth(k.V); err != nil {
				return
			}
		default:
			return nil, false, raise(TypeError, "'%s' is an invalid keyword argument for sort()", k.Name)
		}
	}
	return
}

// indexOfValue is list.index and tuple.index.
func (t *Thread) indexOfValue(vs []Value, what string, args []Value) (Value, error) {
	a, err := readArgs("index", args, nil, "value", "start?", "stop?", "/")
	if err != nil {
		return nil, err
	}
	sl := &Slice{}
	if a[1] != missing {
		sl.lo = a[1]
	}
	if a[2] != missing {
		sl.hi = a[2]
	}
	start, _, count, err := sl.bounds(len(vs))
	if err != nil {
		return nil, err
	}
	for i := start; i < start+count && i < len(vs); i++ {
		if err := t.charge(1); err != nil {
			return nil, err
		}
		if eq, err := t.Equal(vs[i], a[0]); err != nil || eq {
			return i, err
		}
	}
	if what == "list" {
		s, err := t.Repr(a[0])
		if err != nil {
			return nil, err
		}
		return nil, raise(ValueError, "%s is not in list", s)
	}
	return nil, raise(ValueError, "tuple.index(x): x not in tuple")
}

func (t *Thread) countValue(vs []Value, args []Value) (Value, error) {
	a, err := readArgs("count", args, nil, "value", "/")
	if err != nil {
		return nil, err
	}
	n := 0
	for _, v := range vs {
		if err := t.charge(1); err != nil {
			return nil, err
		}
		eq, err := t.Equal(v, a[0])
		if err != nil {
			return nil, err
		}
		if eq || identical(v, a[0]) {
			n++
		}
	}
	return n, nil
}

func init() {
	methods(listType, map[string]goFunc{
		"append": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 2 || len(kw) > 0 {
				return nil, raise(TypeError, "list.append() takes exactly one argument (%d given)", len(args)-1)
			}
			l := args[0].(*List)
			l.V = append(l.V, args[1])
			return nil, t.alloc(24)
		},
		"extend": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 2 {
				return nil, raise(TypeError, "list.extend() takes exactly one argument (%d given)", len(args)-1)
			}
			return nil, t.extend(args[0].(*List), args[1])
		},
		"insert": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 3 {
				return nil, raise(TypeError, "insert expected 2 arguments, got %d", len(args)-1)
			}
			l := args[0].(*List)
			i, ok := asInt(args[1])
			if !ok {
				return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(args[1]))
			}
			if i < 0 {
				i = max(i+len(l.V), 0)
			}
			i = min(i, len(l.V))
			l.V = append(l.V, nil)
			copy(l.V[i+1:], l.V[i:])
			l.V[i] = args[2]
			if err := t.scan(16 * len(l.V)); err != nil {
				return nil, err
			}
			return nil, t.alloc(24)
		},
		"pop": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("pop", args[1:], kw, "index?", "/")
			if err != nil {
				return nil, err
			}
			l := args[0].(*List)
			if len(l.V) == 0 {
				return nil, raise(IndexError, "pop from empty list")
			}
			i := len(l.V) - 1
			if a[0] != missing {
				n, ok := asInt(a[0])
				if !ok {
					return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
				}
				if i, err = at(len(l.V), n, "pop"); err != nil {
					return nil, err
				}
			}
			v := l.V[i]
			l.V = append(l.V[:i], l.V[i+1:]...)
			return v, t.scan(16 * (len(l.V) - i))
		},
		"remove": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 2 {
				return nil, raise(TypeError, "list.remove() takes exactly one argument (%d given)", len(args)-1)
			}
			l := args[0].(*List)
			for i, v := range l.V {
				if err := t.charge(1); err != nil {
					return nil, err
				}
				eq, err := t.Equal(v, args[1])
				if err != nil {
					return nil, err
				}
				if eq || identical(v, args[1]) {
					l.V = append(l.V[:i], l.V[i+1:]...)
					return nil, nil
				}
			}
			return nil, raise(ValueError, "list.remove(x): x not in list")
		},
		"clear": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			args[0].(*List).V = nil
			return nil, noArgs("list.clear", args, kw)
		},
		"copy": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if err := noArgs("list.copy", args, kw); err != nil {
				return nil, err
			}
			return t.List(args[0])
		},
		"reverse": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			vs := args[0].(*List).V
			for i, j := 0, len(vs)-1; i < j; i, j = i+1, j-1 {
				vs[i], vs[j] = vs[j], vs[i]
			}
			if err := t.scan(16 * len(vs)); err != nil {
				return nil, err
			}
			return nil, noArgs("list.reverse", args, kw)
		},
		"sort": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) > 1 {
				return nil, raise(TypeError, "sort() takes no positional arguments")
			}
			key, reverse, err := t.sortArgs("sort", kw)
			if err != nil {
				return nil, err
			}
			return nil, t.sortValues(args[0].(*List).V, key, reverse)
		},
		"index": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return t.indexOfValue(args[0].(*List).V, "list", args[1:])
		},
		"count": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return t.countValue(args[0].(*List).V, args[1:])
		},
	})
	methods(tupleType, map[string]goFunc{
		"index": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return t.indexOfValue(plainTuple(args[0]).(*Tuple).V, "tuple", args[1:])
		},
		"count": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return t.countValue(plainTuple(args[0]).(*Tuple).V, args[1:])
		},
	})
	view := func(name string, kind byte) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if err := noArgs("dict."+name, args, kw); err != nil {
				return nil, err
			}
			return &dictView{args[0].(*Dict), kind}, t.alloc(32)
		}
	}
	methods(dictType, map[string]goFunc{
		"keys":   view("keys", 'k'),
		"values": view("values", 'v'),
		"items":  view("items", 'i'),
		"get": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(kw) > 0 {
				return nil, raise(TypeError, "dict.get() takes no keyword arguments")
			}
			if len(args) < 2 || len(args) > 3 {
				if len(args) < 2 {
					return nil, raise(TypeError, "get expected at least 1 argument, got 0")
				}
				return nil, raise(TypeError, "get expected at most 2 arguments, got %d", len(args)-1)
			}
			v, ok, err := args[0].(*Dict).Get(t, args[1])
			if !ok && len(args) == 3 {
				v = args[2]
			}
			return v, err
		},
		"setdefault": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("setdefault", args[1:], kw, "key", "default?", "/")
			if err != nil {
				return nil, err
			}
			d := args[0].(*Dict)
			v, ok, err := d.Get(t, a[0])
			if ok || err != nil {
				return v, err
			}
			if a[1] != missing {
				v = a[1]
			}
			return v, d.Set(t, a[0], v)
		},
		"pop": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("pop", args[1:], kw, "key", "default?", "/")
			if err != nil {
				return nil, err
			}
			v, ok, err := args[0].(*Dict).Delete(t, a[0])
			if ok || err != nil {
				return v, err
			}
			if a[1] == missing {
				return nil, raiseKey(a[0])
			}
			return a[1], nil
		},
		"popitem": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*Dict)
			if d.n == 0 {
				return nil, raiseKey("popitem(): dictionary is empty")
			}
			i := len(d.e) - 1
			for d.e[i].dead {
				i--
			}
			k := d.e[i].k
			return &Tuple{[]Value{k, d.deleteAt(i)}}, nil
		},
		"update": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*Dict)
			if len(args) > 2 {
				return nil, raise(TypeError, "update expected at most 1 argument, got %d", len(args)-1)
			}
			if len(args) == 2 {
				if !iterable(args[1]) && !t.isMapping(args[1]) {
					return nil, raise(TypeError, "'%s' object is not iterable", typeName(args[1]))
				}
				if d.typ == counterType {
					if err := t.count(d, args[1], 1); err != nil {
						return nil, err
					}
				} else if err := t.updateDict(d, args[1]); err != nil {
					return nil, err
				}
			}
			for _, k := range kw {
				if err := d.Set(t, k.Name, k.V); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		"clear": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*Dict)
			d.e, d.idx, d.n = nil, nil, 0
			return nil, noArgs("dict.clear", args, kw)
		},
		"copy": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if err := noArgs("dict.copy", args, kw); err != nil {
				return nil, err
			}
			return args[0].(*Dict).copy(t)
		},
	})
	static(dictType, "fromkeys", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("fromkeys", args, kw, "iterable", "value?", "/")
		if err != nil {
			return nil, err
		}
		var v Value
		if a[1] != missing {
			v = a[1]
		}
		d := &Dict{}
		return d, t.Each(a[0], func(k Value) error { return d.Set(t, k, v) })
	})
	setMethods()
}

func setMethods() {
	// combine takes any iterables and folds an operation over them.
	combine := func(op int) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			x := args[0].(*Set)
			cp, err := x.d.copy(t)
			if err != nil {
				return nil, err
			}
			out := &Set{d: *cp, frozen: x.frozen}
			for _, v := range args[1:] {
				y, err := t.toSet(v)
				if err != nil {
					return nil, err
				}
				r, err := t.setCombine(op, out, y)
				if err != nil {
					return nil, err
				}
				out = r.(*Set)
			}
			return out, nil
		}
	}
	update := func(op int) goFunc {
		f := combine(op)
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			r, err := f(t, args, kw)
			if err != nil {
				return nil, err
			}
			args[0].(*Set).d = r.(*Set).d
			return nil, nil
		}
	}
	relation := func(name string, f func(x, y *Set) bool) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 2 {
				return nil, raise(TypeError, "%s() takes exactly one argument (%d given)", name, len(args)-1)
			}
			y, err := t.toSet(args[1])
			if err != nil {
				return nil, err
			}
			x := args[0].(*Set)
			return f(x, y), t.charge(x.d.n + y.d.n)
		}
	}
	shared := map[string]goFunc{
		"union":                combine(10),
		"intersection":         combine(9),
		"difference":           combine(1),
		"symmetric_difference": combine(11),
		"copy":                 combine(10),
		"issubset":             relation("issubset", func(x, y *Set) bool { return x.subset(y) }),
		"issuperset":           relation("issuperset", func(x, y *Set) bool { return y.subset(x) }),
		"isdisjoint": relation("isdisjoint", func(x, y *Set) bool {
			for _, e := range x.d.e {
				if !e.dead && y.d.find(e.h) >= 0 {
					return false
				}
			}
			return true
		}),
	}
	methods(setType, shared)
	methods(frozenType, shared)
	one := func(name string, f func(t *Thread, s *Set, v Value) error) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 2 {
				return nil, raise(TypeError, "set.%s() takes exactly one argument (%d given)", name, len(args)-1)
			}
			return nil, f(t, args[0].(*Set), args[1])
		}
	}
	methods(setType, map[string]goFunc{
		"add": one("add", func(t *Thread, s *Set, v Value) error { return s.d.Set(t, v, nil) }),
		"discard": one("discard", func(t *Thread, s *Set, v Value) error {
			_, _, err := s.d.Delete(t, v)
			return err
		}),
		"remove": one("remove", func(t *Thread, s *Set, v Value) error {
			_, ok, err := s.d.Delete(t, v)
			if err == nil && !ok {
				err = raiseKey(v)
			}
			return err
		}),
		"pop": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			s := args[0].(*Set)
			for i, e := range s.d.e {
				if !e.dead {
					s.d.deleteAt(i)
					return e.k, nil
				}
			}
			return nil, raiseKey("pop from an empty set")
		},
		"clear": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			args[0].(*Set).d = Dict{}
			return nil, noArgs("set.clear", args, kw)
		},
		"update":                      update(10),
		"intersection_update":         update(9),
		"difference_update":           update(1),
		"symmetric_difference_update": update(11),
	})
	gen := map[string]goFunc{
		"send": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) != 2 {
				return nil, raise(TypeError, "generator.send() takes exactly one argument (%d given)", len(args)-1)
			}
			g := args[0].(*Gen)
			return g.answer(t, args[1], nil)
		},
		"throw": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) < 2 {
				return nil, raise(TypeError, "throw expected at least 1 argument, got 0")
			}
			e, err := t.toExc(args[1])
			if err != nil {
				return nil, raise(TypeError, "exceptions must be classes or instances deriving from BaseException, not %s", typeName(args[1]))
			}
			return args[0].(*Gen).answer(t, nil, e)
		},
		"close": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			g := args[0].(*Gen)
			if g.done || !g.started {
				g.done = true
				return nil, nil
			}
			_, more, err := g.resume(t, nil, &Exc{Kind: GeneratorExit})
			if more {
				return nil, raise(RuntimeError, "generator ignored GeneratorExit")
			}
			if e, ok := err.(*Exc); ok && (e.Kind.is(GeneratorExit) || e.Kind.is(StopIteration)) {
				err = nil
			}
			return nil, err
		},
		"__next__": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return args[0].(*Gen).answer(t, nil, nil)
		},
	}
	methods(genType, gen)
}

// answer resumes for the program: the end is StopIteration.
func (g *Gen) answer(t *Thread, sent Value, thrown error) (Value, error) {
	v, ok, err := g.resume(t, sent, thrown)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, stopIteration(g.result)
	}
	return v, nil
}
