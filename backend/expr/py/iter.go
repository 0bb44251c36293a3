package py

import (
	"errors"
	"unicode/utf8"
)

// Iter is an iterator as a value of the program.
type Iter struct {
	it  Iterator
	typ *Type
}

// Next implements Iterator.
func (i *Iter) Next(t *Thread) (Value, bool, error) { return i.it.Next(t) }

// iterFunc is an Iterator of a function.
type iterFunc func(t *Thread) (Value, bool, error)

func (f iterFunc) Next(t *Thread) (Value, bool, error) { return f(t) }

// iterType makes the type of an iterator.
func iterType(name string) *Type { return objType(name, objectType) }

var (
	listIterType  = iterType("list_iterator")
	tupleIterType = iterType("tuple_iterator")
	strIterType   = iterType("str_iterator")
	bytesIterType = iterType("bytes_iterator")
	dictIterType  = iterType("dict_keyiterator")
	setIterType   = iterType("set_iterator")
	rangeIterType = iterType("range_iterator")
	otherIterType = iterType("iterator")
)

type listIter struct {
	l *List
	i int
}

func (x *listIter) Next(*Thread) (Value, bool, error) {
	if x.i >= len(x.l.V) {
		x.i = 1 << 62
		return nil, false, nil
	}
	x.i++
	return x.l.V[x.i-1], true, nil
}

type sliceIter struct {
	v []Value
	i int
}

func (x *sliceIter) Next(*Thread) (Value, bool, error) {
	if x.i >= len(x.v) {
		return nil, false, nil
	}
	x.i++
	return x.v[x.i-1], true, nil
}

type rangeIter struct{ next, step, left int }

func (x *rangeIter) Next(*Thread) (Value, bool, error) {
	if x.left == 0 {
		return nil, false, nil
	}
	v := x.next
	x.next += x.step
	x.left--
	return v, true, nil
}

type strIter struct{ s string }

func (x *strIter) Next(*Thread) (Value, bool, error) {
	if x.s == "" {
		return nil, false, nil
	}
	_, n := utf8.DecodeRuneInString(x.s)
	v := x.s[:n]
	x.s = x.s[n:]
	return v, true, nil
}

type bytesIter struct {
	s Bytes
	i int
}

func (x *bytesIter) Next(*Thread) (Value, bool, error) {
	if x.i >= len(x.s) {
		return nil, false, nil
	}
	x.i++
	return int(x.s[x.i-1]), true, nil
}

// dictIter walks the keys (k), values (v) or pairs (i) and refuses a dictionary whose size changes.
type dictIter struct {
	d    *Dict
	i, n int
	kind byte
	set  bool
}

func (x *dictIter) Next(t *Thread) (Value, bool, error) {
	if x.d.n != x.n {
		what := "dictionary"
		if x.set {
			what = "Set"
		}
		x.n = -1
		return nil, false, raise(RuntimeError, "%s changed size during iteration", what)
	}
	for x.i < len(x.d.e) {
		e := &x.d.e[x.i]
		x.i++
		if e.dead {
			continue
		}
		switch x.kind {
		case 'k':
			return e.k, true, nil
		case 'v':
			return e.v, true, nil
		}
		return &Tuple{[]Value{e.k, e.v}}, true, t.alloc(64)
	}
	return nil, false, nil
}

// iterable says whether Iter will not refuse the value's type.
func iterable(v Value) bool {
	switch x := v.(type) {
	case *List, *Tuple, *Dict, *Set, *Range, string, Bytes, *Gen, *Iter, Iterable, Iterator:
		return true
	case Object:
		_ = x
		return false
	}
	return false
}

// Iter gives an iterator of a value.
func (t *Thread) Iter(v Value) (Iterator, error) {
	switch x := v.(type) {
	case *List:
		return &listIter{l: x}, nil
	case *Tuple:
		return &sliceIter{v: x.V}, nil
	case *Dict:
		return &dictIter{d: x, n: x.n, kind: 'k'}, nil
	case *Set:
		return &dictIter{d: &x.d, n: x.d.n, kind: 'k', set: true}, nil
	case *Range:
		return &rangeIter{x.start, x.step, x.n}, nil
	case string:
		return &strIter{x}, nil
	case Bytes:
		return &bytesIter{s: x}, nil
	case Iterator:
		return x, nil
	case Iterable:
		return x.Iterate(t)
	}
	return nil, raise(TypeError, "'%s' object is not iterable", typeName(v))
}

// iterValue is iter() for the program.
func (t *Thread) iterValue(v Value) (Value, error) {
	switch v.(type) {
	case *Gen, *Iter:
		return v, nil
	}
	it, err := t.Iter(v)
	if err != nil {
		return nil, err
	}
	ty := otherIterType
	switch v.(type) {
	case *List:
		ty = listIterType
	case *Tuple:
		ty = tupleIterType
	case string:
		ty = strIterType
	case Bytes:
		ty = bytesIterType
	case *Dict:
		ty = dictIterType
	case *Set:
		ty = setIterType
	case *Range:
		ty = rangeIterType
	}
	return &Iter{it, ty}, nil
}

func (t *Thread) next(it Value) (Value, bool, error) {
	if err := t.charge(1); err != nil {
		return nil, false, err
	}
	switch x := it.(type) {
	case *listIter:
		return x.Next(t)
	case Iterator:
		return x.Next(t)
	}
	return nil, false, raise(TypeError, "'%s' object is not an iterator", typeName(it))
}

var errStop = errors.New("stop")

// Each calls fn for every value of an iterable.
func (t *Thread) Each(v Value, fn func(Value) error) error {
	it, err := t.Iter(v)
	if err != nil {
		return err
	}
	for {
		x, ok, err := t.next(it)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if err := fn(x); err != nil {
			if err == errStop {
				return nil
			}
			return err
		}
	}
}

// List makes a new list of an iterable.
func (t *Thread) List(v Value) (*List, error) {
	l := &List{}
	if err := t.alloc(40); err != nil {
		return nil, err
	}
	return l, t.extend(l, v)
}

func (t *Thread) extend(l *List, v Value) error {
	var src []Value
	switch x := v.(type) {
	case *List:
		src = x.V
	case *Tuple:
		src = x.V
	default:
		return t.Each(v, func(x Value) error {
			l.V = append(l.V, x)
			return t.alloc(24)
		})
	}
	if err := t.alloc(16 * len(src)); err != nil {
		return err
	}
	l.V = append(l.V, src...)
	return nil
}

func (t *Thread) toSet(v Value) (*Set, error) {
	if s, ok := v.(*Set); ok {
		return s, nil
	}
	s := &Set{}
	return s, t.Each(v, func(x Value) error { return s.d.Set(t, x, nil) })
}

// isMapping says whether ** takes the value.
func (t *Thread) isMapping(v Value) bool {
	switch x := v.(type) {
	case *Dict:
		return true
	case Mapping:
		_ = x
		return true
	}
	return false
}

// Mapping is an Object that acts as a dictionary.
type Mapping interface {
	Pairs(t *Thread) ([][2]Value, error)
}

// updateDict is dict.update(x).
func (t *Thread) updateDict(d *Dict, v Value) error {
	switch x := v.(type) {
	case *Dict:
		for _, e := range x.e {
			if e.dead {
				continue
			}
			if err := t.charge(1); err != nil {
				return err
			}
			if err := d.set(t, e.h, e.k, e.v); err != nil {
				return err
			}
		}
		return nil
	case Mapping:
		pairs, err := x.Pairs(t)
		for _, p := range pairs {
			if err := d.Set(t, p[0], p[1]); err != nil {
				return err
			}
		}
		return err
	}
	i := 0
	return t.Each(v, func(x Value) error {
		if !iterable(x) {
			return raise(TypeError, "cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		p, err := t.List(x)
		if err != nil {
			return err
		}
		if len(p.V) != 2 {
			return raise(ValueError, "dictionary update sequence element #%d has length %d; 2 is required", i, len(p.V))
		}
		i++
		return d.Set(t, p.V[0], p.V[1])
	})
}

// dictView is what keys(), values() and items() give.
type dictView struct {
	d    *Dict
	kind byte
}

var (
	keysType   = objType("dict_keys", objectType)
	valuesType = objType("dict_values", objectType)
	itemsType  = objType("dict_items", objectType)
)

func (v *dictView) Type() *Type {
	switch v.kind {
	case 'k':
		return keysType
	case 'v':
		return valuesType
	}
	return itemsType
}

// Len implements Sized.
func (v *dictView) Len(*Thread) (int, error) { return v.d.n, nil }

// Iterate implements Iterable.
func (v *dictView) Iterate(*Thread) (Iterator, error) {
	return &dictIter{d: v.d, n: v.d.n, kind: v.kind}, nil
}

// Contains implements Container.
func (v *dictView) Contains(t *Thread, x Value) (bool, error) {
	switch v.kind {
	case 'k':
		_, ok, err := v.d.Get(t, x)
		return ok, err
	case 'v':
		return t.inList(v.d.values(), x)
	}
	p, ok := x.(*Tuple)
	if !ok || len(p.V) != 2 {
		return false, nil
	}
	val, ok, err := v.d.Get(t, p.V[0])
	if err != nil || !ok {
		return false, err
	}
	return t.Equal(val, p.V[1])
}

// Equal implements Equaler.
func (v *dictView) Equal(t *Thread, o Value) (bool, bool, error) {
	if v.kind == 'v' {
		return false, false, nil
	}
	switch o.(type) {
	case *dictView, *Set:
	default:
		return false, false, nil
	}
	a, err := t.toSet(v)
	if err != nil {
		return false, false, err
	}
	b, err := t.toSet(o)
	if err != nil {
		return false, false, err
	}
	return a.d.n == b.d.n && a.subset(b), true, nil
}

// Repr implements Reprer.
func (v *dictView) Repr(t *Thread) (string, error) {
	var vs []Value
	switch v.kind {
	case 'k':
		vs = v.d.keys()
	case 'v':
		vs = v.d.values()
	default:
		vs = v.d.items()
	}
	s, err := t.Repr(&List{vs})
	return v.Type().Name + "(" + s + ")", err
}
