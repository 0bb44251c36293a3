package py

import (
	"math"
	"math/big"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// noAttrs says that an object has methods of its type only.
func noAttrs(v Value) bool {
	_, ok := v.(Attrer)
	return !ok
}

// Attr is v.name.
func (t *Thread) Attr(v Value, name string) (Value, error) {
	switch x := v.(type) {
	case Attrer:
		r, ok, err := x.Attr(t, name)
		if ok || err != nil {
			return r, err
		}
	case *Module:
		if r, ok := x.M[name]; ok {
			return r, nil
		}
		if name == "__name__" {
			return x.Name, nil
		}
		return nil, attrError("module '%s' has no attribute '%s'", x.Name, name)
	case *Type:
		switch name {
		case "__name__", "__qualname__":
			return x.Name, nil
		case "__module__":
			if x.module == "" {
				return "builtins", nil
			}
			return x.module, nil
		}
		if r := x.lookup(name); r != nil {
			return r, nil
		}
		return nil, attrError("type object '%s' has no attribute '%s'", x.Name, name)
	case *Exc:
		if r, ok := x.attr(name); ok {
			return r, nil
		}
		if name == "with_traceback" {
			return &Builtin{Name: name, Fn: func(t *Thread, args []Value, kw []Kw) (Value, error) { return x, nil }}, nil
		}
		if name == "add_note" {
			return &Builtin{Name: name, Fn: func(t *Thread, args []Value, kw []Kw) (Value, error) { return nil, nil }}, nil
		}
	case *Func:
		switch name {
		case "__name__":
			return x.code.name, nil
		case "__qualname__":
			return x.code.qual, nil
		case "__doc__":
			if x.code.doc == "" {
				return nil, nil
			}
			return x.code.doc, nil
		}
		if r, ok := x.attrs[name]; ok {
			return r, nil
		}
	case *Builtin:
		if name == "__name__" {
			return x.Name, nil
		}
	case *Method:
		if name == "__name__" || name == "__doc__" {
			return t.Attr(x.fn, name)
		}
	case *Range:
		switch name {
		case "start":
			return x.start, nil
		case "stop":
			return x.stop, nil
		case "step":
			return x.step, nil
		}
	case *Slice:
		switch name {
		case "start":
			return x.lo, nil
		case "stop":
			return x.hi, nil
		case "step":
			return x.step, nil
		}
	}
	ty := typeOf(v)
	for c := ty; c != nil; c = c.base {
		if g := c.getters[name]; g != nil {
			return g(t, v)
		}
	}
	switch m := ty.lookup(name).(type) {
	case nil:
	case *Builtin:
		if m.kind == "method" {
			return &Method{v, m}, nil
		}
		return m, nil
	default:
		return m, nil
	}
	switch name {
	case "__class__":
		return ty, nil
	case "__doc__":
		return nil, nil
	}
	e := attrError("'%s' object has no attribute '%s'", ty.Name, name)
	e.attrs = map[string]Value{"name": name}
	return nil, e
}

func attrError(format string, a ...any) *Exc {
	return raise(AttributeError, format, a...).(*Exc)
}

// SetAttr is v.name = x, or del for Deleted.
func (t *Thread) SetAttr(v Value, name string, x Value) error {
	switch o := v.(type) {
	case AttrSetter:
		ok, err := o.SetAttr(t, name, x)
		if ok || err != nil {
			return err
		}
	case *Func:
		if x == Deleted {
			delete(o.attrs, name)
			return nil
		}
		if !strings.HasPrefix(name, "__") {
			if o.attrs == nil {
				o.attrs = map[string]Value{}
			}
			o.attrs[name] = x
			return t.alloc(64)
		}
	case *Exc:
		if x == Deleted {
			delete(o.attrs, name)
			return nil
		}
		if o.attrs == nil {
			o.attrs = map[string]Value{}
		}
		o.attrs[name] = x
		return t.alloc(64)
	case *Type:
		return raise(TypeError, "cannot set '%s' attribute of immutable type '%s'", name, o.Name)
	case *Module:
		return attrError("module '%s' is read only", o.Name)
	}
	ty := typeOf(v)
	for c := ty; c != nil; c = c.base {
		if c.getters[name] != nil {
			return attrError("attribute '%s' of '%s.%s' objects is not writable", name, ty.module, ty.Name)
		}
	}
	if ty.lookup(name) != nil {
		return attrError("'%s' object attribute '%s' is read-only", ty.Name, name)
	}
	return attrError("'%s' object has no attribute '%s'", ty.Name, name)
}

// indexInt reads an index.
func indexInt(v Value, what string) (int, error) {
	if i, ok := asInt(v); ok {
		return i, nil
	}
	if _, ok := v.(*big.Int); ok {
		return 0, raise(IndexError, "cannot fit 'int' into an index-sized integer")
	}
	return 0, raise(TypeError, "%s indices must be integers or slices, not %s", what, typeName(v))
}

func at(n, i int, what string) (int, error) {
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return 0, raise(IndexError, "%s index out of range", what)
	}
	return i, nil
}

// bounds gives the first index, the step and the count of a slice of n items.
func (x *Slice) bounds(n int) (start, step, count int, err error) {
	get := func(v Value, def int) (int, error) {
		switch i := v.(type) {
		case nil:
			return def, nil
		case int:
			return i, nil
		case bool:
			j, _ := asInt(i)
			return j, nil
		case *big.Int:
			if i.Sign() < 0 {
				return math.MinInt / 2, nil
			}
			return math.MaxInt / 2, nil
		}
		return 0, raise(TypeError, "slice indices must be integers or None or have an __index__ method")
	}
	if step, err = get(x.step, 1); err != nil {
		return
	}
	if step == 0 {
		err = raise(ValueError, "slice step cannot be zero")
		return
	}
	lo, hi := 0, n
	if step < 0 {
		lo, hi = n-1, -1
	}
	clamp := func(v Value, def int) (int, error) {
		i, err := get(v, def)
		if v == nil || err != nil {
			return i, err
		}
		if i < 0 {
			i += n
			if i < 0 {
				i = 0
				if step < 0 {
					i = -1
				}
			}
		} else if i >= n {
			i = n
			if step < 0 {
				i = n - 1
			}
		}
		return i, nil
	}
	var stop int
	if start, err = clamp(x.lo, lo); err != nil {
		return
	}
	if stop, err = clamp(x.hi, hi); err != nil {
		return
	}
	if step > 0 && stop > start {
		count = (stop-start-1)/step + 1
	} else if step < 0 && stop < start {
		count = (start-stop-1)/(-step) + 1
	}
	return
}

func sliceList(vs []Value, start, step, count int) []Value {
	out := make([]Value, count)
	if step == 1 {
		copy(out, vs[start:])
		return out
	}
	for i := range out {
		out[i] = vs[start+i*step]
	}
	return out
}

func sliceText(s string, start, step, count int) string {
	if count == 0 {
		return ""
	}
	if step == 1 {
		return s[start : start+count]
	}
	out := make([]byte, count)
	for i := range out {
		out[i] = s[start+i*step]
	}
	return string(out)
}

// Index is v[k].
func (t *Thread) Index(v, k Value) (Value, error) {
	sl, isSlice := k.(*Slice)
	switch x := v.(type) {
	case *Dict:
		h, err := t.key(k)
		if err != nil {
			return nil, err
		}
		if i := x.find(h); i >= 0 {
			return x.e[i].v, nil
		}
		if x.typ != nil {
			return x.missing(t, k)
		}
		return nil, raiseKey(k)
	case *List:
		if isSlice {
			start, step, count, err := sl.bounds(len(x.V))
			if err != nil {
				return nil, err
			}
			return &List{sliceList(x.V, start, step, count)}, t.alloc(16*count + 24)
		}
		i, err := indexInt(k, "list")
		if err != nil {
			return nil, err
		}
		if i, err = at(len(x.V), i, "list"); err != nil {
			return nil, err
		}
		return x.V[i], nil
	case *Tuple:
		if isSlice {
			start, step, count, err := sl.bounds(len(x.V))
			if err != nil {
				return nil, err
			}
			return &Tuple{sliceList(x.V, start, step, count)}, t.alloc(16*count + 24)
		}
		i, err := indexInt(k, "tuple")
		if err != nil {
			return nil, err
		}
		if i, err = at(len(x.V), i, "tuple"); err != nil {
			return nil, err
		}
		return x.V[i], nil
	case string:
		if err := t.scan(len(x)); err != nil {
			return nil, err
		}
		ascii := isASCII(x)
		if isSlice {
			if ascii {
				start, step, count, err := sl.bounds(len(x))
				if err != nil {
					return nil, err
				}
				return sliceText(x, start, step, count), t.alloc(count)
			}
			rs := []rune(x)
			start, step, count, err := sl.bounds(len(rs))
			if err != nil {
				return nil, err
			}
			out := make([]rune, count)
			for i := range out {
				out[i] = rs[start+i*step]
			}
			return string(out), t.alloc(4 * len(rs))
		}
		i, err := indexInt(k, "string")
		if err != nil {
			if e := err.(*Exc); e.Kind == TypeError {
				return nil, raise(TypeError, "string indices must be integers, not '%s'", typeName(k))
			}
			return nil, err
		}
		if ascii {
			if i, err = at(len(x), i, "string"); err != nil {
				return nil, err
			}
			return x[i : i+1], nil
		}
		if i, err = at(utf8.RuneCountInString(x), i, "string"); err != nil {
			return nil, err
		}
		for _, r := range x {
			if i == 0 {
				return string(r), nil
			}
			i--
		}
		return nil, raise(IndexError, "string index out of range")
	case Bytes:
		if isSlice {
			start, step, count, err := sl.bounds(len(x))
			if err != nil {
				return nil, err
			}
			return Bytes(sliceText(string(x), start, step, count)), t.alloc(count)
		}
		i, err := indexInt(k, "byte")
		if err != nil {
			return nil, err
		}
		if i, err = at(len(x), i, "index"); err != nil {
			return nil, raise(IndexError, "index out of range")
		}
		return int(x[i]), nil
	case *Range:
		if isSlice {
			start, step, count, err := sl.bounds(x.n)
			if err != nil {
				return nil, err
			}
			r := &Range{start: x.start + start*x.step, step: x.step * step, n: count}
			r.stop = r.start + count*r.step
			return r, nil
		}
		i, err := indexInt(k, "range")
		if err != nil {
			return nil, err
		}
		if i, err = at(x.n, i, "range object"); err != nil {
			return nil, err
		}
		return x.start + i*x.step, nil
	case Indexable:
		return x.Index(t, k)
	case *Type: // list[int] and such in annotations
		switch x {
		case listType, dictType, setType, tupleType, frozenType, typeType:
			return x, nil
		}
		return nil, raise(TypeError, "type '%s' is not subscriptable", x.Name)
	}
	return nil, raise(TypeError, "'%s' object is not subscriptable", typeName(v))
}

// SetIndex is v[k] = x, or del for Deleted.
func (t *Thread) SetIndex(v, k, x Value) error {
	del := x == Deleted
	switch o := v.(type) {
	case *Dict:
		if del {
			_, ok, err := o.Delete(t, k)
			if err == nil && !ok {
				err = raiseKey(k)
			}
			return err
		}
		return o.Set(t, k, x)
	case *List:
		if sl, ok := k.(*Slice); ok {
			return t.setSlice(o, sl, x)
		}
		i, err := indexInt(k, "list")
		if err != nil {
			return err
		}
		if i, err = at(len(o.V), i, "list assignment"); err != nil {
			return err
		}
		if del {
			o.V = append(o.V[:i], o.V[i+1:]...)
			return t.scan(16 * len(o.V))
		}
		o.V[i] = x
		return nil
	case IndexSetter:
		return o.SetIndex(t, k, x)
	}
	if del {
		return raise(TypeError, "'%s' object doesn't support item deletion", typeName(v))
	}
	return raise(TypeError, "'%s' object does not support item assignment", typeName(v))
}

func (t *Thread) setSlice(l *List, sl *Slice, x Value) error {
	var vs []Value
	if x != Deleted {
		if !iterable(x) {
			return raise(TypeError, "can only assign an iterable")
		}
		tmp, err := t.List(x)
		if err != nil {
			return err
		}
		vs = tmp.V
	}
	start, step, count, err := sl.bounds(len(l.V))
	if err != nil {
		return err
	}
	if err := t.alloc(16 * (len(l.V) + len(vs))); err != nil {
		return err
	}
	if step == 1 {
		out := append([]Value(nil), l.V[:start]...)
		out = append(out, vs...)
		l.V = append(out, l.V[start+count:]...)
		return nil
	}
	if x == Deleted {
		gone := map[int]bool{}
		for i := range count {
			gone[start+i*step] = true
		}
		var out []Value
		for i, v := range l.V {
			if !gone[i] {
				out = append(out, v)
			}
		}
		l.V = out
		return nil
	}
	if len(vs) != count {
		return raise(ValueError, "attempt to assign sequence of size %d to extended slice of size %d", len(vs), count)
	}
	for i, v := range vs {
		l.V[start+i*step] = v
	}
	return nil
}

func isNumber(v Value) bool {
	switch v.(type) {
	case int, bool, float64, *big.Int:
		return true
	}
	return false
}

func isInt(v Value) bool {
	switch v.(type) {
	case int, bool, *big.Int:
		return true
	}
	return false
}

// Binary is a binary operation, by its place in the list.
func (t *Thread) Binary(op int, a, b Value) (Value, error) {
	if x, ok := a.(int); ok {
		if y, ok := b.(int); ok {
			switch op {
			case 0:
				return addInt(x, y), nil
			case 1:
				return subInt(x, y), nil
			case 2:
				return mulInt(x, y), nil
			}
		}
	}
	if isNumber(a) && isNumber(b) {
		v, err := t.arith(op, a, b)
		if v != notImplemented || err != nil {
			return v, err
		}
	}
	switch op {
	case 0:
		switch x := a.(type) {
		case string:
			y, ok := b.(string)
			if !ok {
				if _, obj := b.(Operator); obj {
					break
				}
				return nil, raise(TypeError, "can only concatenate str (not \"%s\") to str", typeName(b))
			}
			if err := t.text(len(x) + len(y)); err != nil {
				return nil, err
			}
			return x + y, nil
		case Bytes:
			y, ok := b.(Bytes)
			if !ok {
				return nil, raise(TypeError, "can't concat %s to bytes", typeName(b))
			}
			if err := t.text(len(x) + len(y)); err != nil {
				return nil, err
			}
			return x + y, nil
		case *List:
			y, ok := b.(*List)
			if !ok {
				return nil, raise(TypeError, "can only concatenate list (not \"%s\") to list", typeName(b))
			}
			if err := t.alloc(16 * (len(x.V) + len(y.V))); err != nil {
				return nil, err
			}
			return &List{append(append(make([]Value, 0, len(x.V)+len(y.V)), x.V...), y.V...)}, nil
		case *Tuple:
			y, ok := b.(*Tuple)
			if !ok {
				return nil, raise(TypeError, "can only concatenate tuple (not \"%s\") to tuple", typeName(b))
			}
			if err := t.alloc(16 * (len(x.V) + len(y.V))); err != nil {
				return nil, err
			}
			return &Tuple{append(append(make([]Value, 0, len(x.V)+len(y.V)), x.V...), y.V...)}, nil
		case *Dict:
			if x.typ == counterType {
				if v, err := t.counterOp(op, x, b); v != notImplemented || err != nil {
					return v, err
				}
			}
		}
	case 2:
		for _, p := range [][2]Value{{a, b}, {b, a}} {
			if !sequence(p[0]) {
				continue
			}
			n, ok := asInt(p[1])
			if !ok {
				if _, isBig := p[1].(*big.Int); isBig {
					return nil, raise(OverflowError, "cannot fit 'int' into an index-sized integer")
				}
				if _, obj := p[1].(Operator); obj {
					continue
				}
				return nil, raise(TypeError, "can't multiply sequence by non-int of type '%s'", typeName(p[1]))
			}
			return t.repeat(p[0], max(n, 0))
		}
	case 5:
		switch x := a.(type) {
		case string:
			return t.percent(x, b)
		case Bytes:
			s, err := t.percent(string(x), b)
			if err != nil {
				return nil, err
			}
			return Bytes(s.(string)), nil
		}
	case 1, 9, 10, 11:
		if v, err := t.setOp(op, a, b); v != notImplemented || err != nil {
			return v, err
		}
	}
	if x, ok := a.(Operator); ok {
		if v, ok, err := x.Op(t, binaryOps[op], b, false); ok || err != nil {
			return v, err
		}
	}
	if x, ok := b.(Operator); ok {
		if v, ok, err := x.Op(t, binaryOps[op], a, true); ok || err != nil {
			return v, err
		}
	}
	name := binaryOps[op]
	if op == 6 {
		name = "** or pow()"
	}
	return nil, raise(TypeError, "unsupported operand type(s) for %s: '%s' and '%s'", name, typeName(a), typeName(b))
}

func sequence(v Value) bool {
	switch v.(type) {
	case string, Bytes, *List, *Tuple:
		return true
	}
	return false
}

func (t *Thread) repeat(v Value, n int) (Value, error) {
	size := 0
	switch x := v.(type) {
	case string:
		size = len(x)
	case Bytes:
		size = len(x)
	case *List:
		size = 16 * len(x.V)
	case *Tuple:
		size = 16 * len(x.V)
	}
	if size > 0 && n > maxText/size {
		return nil, raise(MemoryError, "")
	}
	if err := t.alloc(size*n + 24); err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case string:
		return strings.Repeat(x, n), nil
	case Bytes:
		return Bytes(strings.Repeat(string(x), n)), nil
	case *List:
		return &List{repeatList(x.V, n)}, nil
	case *Tuple:
		return &Tuple{repeatList(x.V, n)}, nil
	}
	return nil, nil
}

func repeatList(vs []Value, n int) []Value {
	if len(vs) == 0 {
		return nil
	}
	out := make([]Value, 0, len(vs)*n)
	for range n {
		out = append(out, vs...)
	}
	return out
}

func (t *Thread) setOp(op int, a, b Value) (Value, error) {
	x, ok1 := a.(*Set)
	y, ok2 := b.(*Set)
	if v, ok := a.(*dictView); ok && v.kind != 'v' {
		s, err := t.toSet(v)
		if err != nil {
			return nil, err
		}
		x, ok1 = s, true
		if !ok2 && iterable(b) {
			if s, err = t.toSet(b); err != nil {
				return nil, err
			}
			y, ok2 = s, true
		}
	} else if v, ok := b.(*dictView); ok && v.kind != 'v' && ok1 {
		s, err := t.toSet(v)
		if err != nil {
			return nil, err
		}
		y, ok2 = s, true
	}
	if ok1 && ok2 {
		return t.setCombine(op, x, y)
	}
	if op == 10 {
		d, ok1 := a.(*Dict)
		e, ok2 := b.(*Dict)
		if ok1 && ok2 && d.typ != counterType {
			out, err := d.copy(t)
			if err != nil {
				return nil, err
			}
			return out, t.updateDict(out, e)
		}
	}
	if d, ok := a.(*Dict); ok && d.typ == counterType {
		return t.counterOp(op, d, b)
	}
	return notImplemented, nil
}

func (t *Thread) setCombine(op int, x, y *Set) (Value, error) {
	out := &Set{frozen: x.frozen}
	add := func(s *Set, other *Set, want int) error {
		for _, e := range s.d.e {
			if e.dead {
				continue
			}
			in := other != nil && other.d.find(e.h) >= 0
			if want == 0 || (want == 1) == in {
				if err := out.d.set(t, e.h, e.k, nil); err != nil {
					return err
				}
			}
			if err := t.charge(1); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	switch op {
	case 1:
		err = add(x, y, 2)
	case 9:
		err = add(x, y, 1)
	case 10:
		if err = add(x, nil, 0); err == nil {
			err = add(y, nil, 0)
		}
	case 11:
		if err = add(x, y, 2); err == nil {
			err = add(y, x, 2)
		}
	}
	return out, err
}

const maxIntBits = 1 << 18

// arith is arithmetic on numbers.
func (t *Thread) arith(op int, a, b Value) (Value, error) {
	_, af := a.(float64)
	_, bf := b.(float64)
	if af || bf {
		if op >= 7 {
			return notImplemented, nil
		}
		for _, v := range []Value{a, b} {
			if i, ok := v.(*big.Int); ok {
				if _, ok := bigFloat(i); !ok {
					return nil, raise(OverflowError, "int too large to convert to float")
				}
			}
		}
		x, _ := toFloat(a)
		y, _ := toFloat(b)
		return floatOp(op, x, y)
	}
	x, small1 := asInt(a)
	y, small2 := asInt(b)
	if small1 && small2 {
		switch op {
		case 0:
			return addInt(x, y), nil
		case 1:
			return subInt(x, y), nil
		case 2:
			return mulInt(x, y), nil
		case 3:
			if y == 0 {
				return nil, raise(ZeroDivisionError, "division by zero")
			}
			if abs(x) < 1<<53 && abs(y) < 1<<53 {
				return float64(x) / float64(y), nil
			}
		case 4, 5:
			if y == 0 {
				if op == 5 {
					return nil, raise(ZeroDivisionError, "integer modulo by zero")
				}
				return nil, raise(ZeroDivisionError, "integer division or modulo by zero")
			}
			if x != math.MinInt {
				q, r := x/y, x%y
				if r != 0 && (r < 0) != (y < 0) {
					q, r = q-1, r+y
				}
				if op == 4 {
					return q, nil
				}
				return r, nil
			}
		case 8:
			if y >= 0 {
				if y > 63 {
					y = 63
				}
				return x >> uint(y), nil
			}
		case 9, 10, 11:
			if _, ok := a.(bool); ok {
				if _, ok := b.(bool); ok {
					switch op {
					case 9:
						return x&y == 1, nil
					case 10:
						return x|y == 1, nil
					}
					return x^y == 1, nil
				}
			}
			switch op {
			case 9:
				return x & y, nil
			case 10:
				return x | y, nil
			}
			return x ^ y, nil
		}
	}
	p, q := toBig(a), toBig(b)
	size := p.BitLen() + q.BitLen()
	if op != 6 && op != 7 {
		if size > 2*maxIntBits {
			return nil, raise(MemoryError, "")
		}
		work := size/512 + 1
		if op >= 2 && op <= 5 {
			work *= p.BitLen()/512 + 1
		}
		if err := t.charge(work); err != nil {
			return nil, err
		}
		if err := t.alloc(size/8 + 32); err != nil {
			return nil, err
		}
	}
	z := new(big.Int)
	switch op {
	case 0:
		return bounded(z.Add(p, q))
	case 1:
		return bounded(z.Sub(p, q))
	case 2:
		return bounded(z.Mul(p, q))
	case 3:
		if q.Sign() == 0 {
			return nil, raise(ZeroDivisionError, "division by zero")
		}
		if p.Sign() == 0 && q.Sign() < 0 {
			return math.Copysign(0, -1), nil
		}
		f, _ := new(big.Rat).SetFrac(p, q).Float64()
		if math.IsInf(f, 0) {
			return nil, raise(OverflowError, "integer division result too large for a float")
		}
		return f, nil
	case 4, 5:
		if q.Sign() == 0 {
			if op == 5 {
				return nil, raise(ZeroDivisionError, "integer modulo by zero")
			}
			return nil, raise(ZeroDivisionError, "integer division or modulo by zero")
		}
		d, m := floorDiv(p, q)
		if op == 4 {
			return normBig(d), nil
		}
		return normBig(m), nil
	case 6:
		return t.power(p, q)
	case 7:
		if q.Sign() < 0 {
			return nil, raise(ValueError, "negative shift count")
		}
		if p.Sign() == 0 {
			return 0, nil
		}
		if !q.IsInt64() || q.Int64() > maxIntBits || p.BitLen()+int(q.Int64()) > maxIntBits {
			return nil, raise(MemoryError, "")
		}
		if err := t.alloc(int(q.Int64())/8 + 32); err != nil {
			return nil, err
		}
		return normBig(z.Lsh(p, uint(q.Int64()))), nil
	case 8:
		if q.Sign() < 0 {
			return nil, raise(ValueError, "negative shift count")
		}
		n := uint(maxIntBits * 2)
		if q.IsInt64() && q.Int64() < int64(n) {
			n = uint(q.Int64())
		}
		return normBig(z.Rsh(p, n)), nil
	case 9:
		return normBig(z.And(p, q)), nil
	case 10:
		return normBig(z.Or(p, q)), nil
	case 11:
		return normBig(z.Xor(p, q)), nil
	}
	return notImplemented, nil
}

func bounded(z *big.Int) (Value, error) {
	if z.BitLen() > maxIntBits {
		return nil, raise(MemoryError, "")
	}
	return normBig(z), nil
}

func abs(x int) uint {
	if x < 0 {
		return uint(-x)
	}
	return uint(x)
}

func floorDiv(p, q *big.Int) (*big.Int, *big.Int) {
	d, m := new(big.Int).QuoRem(p, q, new(big.Int))
	if m.Sign() != 0 && (m.Sign() < 0) != (q.Sign() < 0) {
		d.Sub(d, big.NewInt(1))
		m.Add(m, q)
	}
	return d, m
}

func (t *Thread) power(p, q *big.Int) (Value, error) {
	if q.Sign() < 0 {
		if p.Sign() == 0 {
			return nil, raise(ZeroDivisionError, "0.0 cannot be raised to a negative power")
		}
		x, ok1 := bigFloat(p)
		y, ok2 := bigFloat(q)
		if !ok1 || !ok2 {
			return nil, raise(OverflowError, "int too large to convert to float")
		}
		return math.Pow(x, y), nil
	}
	if p.BitLen() <= 1 { // -1, 0, 1
		switch {
		case q.Sign() == 0:
			return 1, nil
		case p.Sign() < 0 && q.Bit(0) == 0:
			return 1, nil
		}
		return normBig(p), nil
	}
	if !q.IsInt64() || q.Int64() > maxIntBits || uint64(p.BitLen()-1)*q.Uint64() > maxIntBits {
		return nil, raise(MemoryError, "")
	}
	n := p.BitLen() * int(q.Int64())
	if err := t.charge(n/256 + (n/2048)*(n/2048)/64 + 1); err != nil {
		return nil, err
	}
	if err := t.alloc(n/4 + 32); err != nil {
		return nil, err
	}
	return normBig(new(big.Int).Exp(p, q, nil)), nil
}

func floatOp(op int, x, y float64) (Value, error) {
	switch op {
	case 0:
		return x + y, nil
	case 1:
		return x - y, nil
	case 2:
		return x * y, nil
	case 3:
		if y == 0 {
			return nil, raise(ZeroDivisionError, "float division by zero")
		}
		return x / y, nil
	case 4, 5:
		if y == 0 {
			if op == 4 {
				return nil, raise(ZeroDivisionError, "float floor division by zero")
			}
			return nil, raise(ZeroDivisionError, "float modulo")
		}
		m := math.Mod(x, y)
		d := (x - m) / y
		if m != 0 {
			if (y < 0) != (m < 0) {
				m += y
				d--
			}
		} else {
			m = math.Copysign(0, y)
		}
		if op == 5 {
			return m, nil
		}
		if d != 0 {
			f := math.Floor(d)
			if d-f > 0.5 {
				f++
			}
			return f, nil
		}
		return math.Copysign(0, x/y), nil
	case 6:
		if x == 0 && y < 0 {
			return nil, raise(ZeroDivisionError, "0.0 cannot be raised to a negative power")
		}
		if x < 0 && y != math.Trunc(y) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
			return nil, raise(ValueError, "complex numbers are not supported in expressions")
		}
		r := math.Pow(x, y)
		if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
			return nil, raise(OverflowError, "(34, 'Numerical result out of range')")
		}
		return r, nil
	}
	return notImplemented, nil
}

// inplace is an augmented assignment.
func (t *Thread) inplace(op int, a, b Value) (Value, error) {
	switch x := a.(type) {
	case *List:
		switch op {
		case 0:
			return x, t.extend(x, b)
		case 2:
			if n, ok := asInt(b); ok {
				r, err := t.repeat(x, max(n, 0))
				if err != nil {
					return nil, err
				}
				x.V = r.(*List).V
				return x, nil
			}
		}
	case *Set:
		if y, ok := b.(*Set); ok && !x.frozen && (op == 1 || op >= 9 && op <= 11) {
			r, err := t.setCombine(op, x, y)
			if err != nil {
				return nil, err
			}
			x.d = r.(*Set).d
			return x, nil
		}
	case *Dict:
		if op == 10 && x.typ != counterType {
			return x, t.updateDict(x, b)
		}
	}
	v, err := t.Binary(op, a, b)
	if e, ok := err.(*Exc); ok && e.Kind == TypeError && len(e.Args) == 1 {
		if s, ok := e.Args[0].(string); ok && strings.HasPrefix(s, "unsupported operand type(s) for ") {
			return nil, raise(TypeError, "unsupported operand type(s) for %s=: '%s' and '%s'", binaryOps[op], typeName(a), typeName(b))
		}
	}
	return v, err
}

func (t *Thread) unary(op int, v Value) (Value, error) {
	if op == 3 {
		b, err := t.Truth(v)
		return !b, err
	}
	switch x := v.(type) {
	case bool:
		i, _ := asInt(x)
		return t.unary(op, i)
	case int:
		switch op {
		case 0:
			return subInt(0, x), nil
		case 1:
			return x, nil
		case 2:
			return ^x, nil
		}
	case *big.Int:
		switch op {
		case 0:
			return normBig(new(big.Int).Neg(x)), nil
		case 1:
			return x, nil
		case 2:
			return normBig(new(big.Int).Not(x)), nil
		}
	case float64:
		switch op {
		case 0:
			return -x, nil
		case 1:
			return x, nil
		}
	case *Dict:
		if x.typ == counterType && op < 2 {
			return t.counterOp(map[int]int{0: -2, 1: -1}[op], x, nil)
		}
	case Operator:
		if r, ok, err := x.Op(t, "unary"+unaryOps[op], nil, false); ok || err != nil {
			return r, err
		}
	}
	return nil, raise(TypeError, "bad operand type for unary %s: '%s'", unaryOps[op], typeName(v))
}

// Compare is a comparison, by its place in the list.
func (t *Thread) Compare(op int, a, b Value) (Value, error) {
	switch op {
	case 0:
		return wrap(t.Equal(a, b))
	case 1:
		eq, err := t.Equal(a, b)
		return !eq, err
	case 6:
		return wrap(t.Contains(b, a))
	case 7:
		in, err := t.Contains(b, a)
		return !in, err
	case 8:
		return is(a, b), nil
	case 9:
		return !is(a, b), nil
	}
	if x, ok := a.(*Set); ok {
		if y, ok := b.(*Set); ok {
			switch op {
			case 2:
				return x.subset(y) && x.d.n < y.d.n, nil
			case 3:
				return x.subset(y), nil
			case 4:
				return y.subset(x) && y.d.n < x.d.n, nil
			}
			return y.subset(x), nil
		}
	}
	if v, ok := a.(*dictView); ok && v.kind != 'v' {
		x, err := t.toSet(a)
		if err != nil {
			return nil, err
		}
		if iterable(b) {
			y, err := t.toSet(b)
			if err != nil {
				return nil, err
			}
			return t.Compare(op, x, y)
		}
	}
	n, ok, err := t.less(a, b)
	if err != nil {
		return nil, err
	}
	if !ok {
		if isNumber(a) && isNumber(b) {
			return false, nil // NaN
		}
		if n == 2 { // elements that can't be ordered
			return nil, t.orderError(op, a, b)
		}
		return nil, raise(TypeError, "'%s' not supported between instances of '%s' and '%s'", compareOps[op], typeName(a), typeName(b))
	}
	switch op {
	case 2:
		return n < 0, nil
	case 3:
		return n <= 0, nil
	case 4:
		return n > 0, nil
	}
	return n >= 0, nil
}

func wrap(b bool, err error) (Value, error) { return b, err }

// is compares identity: for numbers and texts it is equality of type and value, as Python does for small ones.
func is(a, b Value) bool {
	if x, ok := a.(*Tuple); ok && len(x.V) == 0 {
		if y, ok := b.(*Tuple); ok && len(y.V) == 0 {
			return true
		}
	}
	return identical(a, b)
}

// order compares values that can be ordered.
func (t *Thread) order(a, b Value) (int, bool) {
	n, ok, err := t.less(a, b)
	return n, ok && err == nil
}

// less orders two values; ok is false when their types have no order. For sequences with such elements n is 2.
func (t *Thread) less(a, b Value) (int, bool, error) {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true, nil
		}
	case bool, int, *big.Int, float64:
		if isNumber(b) {
			n, ok := compareNumbers(a, b)
			return n, ok, nil
		}
	case Bytes:
		if y, ok := b.(Bytes); ok {
			return strings.Compare(string(x), string(y)), true, nil
		}
	case *List:
		if y, ok := b.(*List); ok {
			return t.lessAll(x.V, y.V)
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return t.lessAll(x.V, y.V)
		}
	case Orderer:
		return x.Order(t, b)
	}
	if y, ok := b.(Orderer); ok {
		n, ok, err := y.Order(t, a)
		return -n, ok, err
	}
	return 0, false, nil
}

func (t *Thread) lessAll(a, b []Value) (int, bool, error) {
	if err := t.enter(); err != nil {
		return 0, false, err
	}
	defer t.leave()
	for i := 0; i < len(a) && i < len(b); i++ {
		if err := t.charge(1); err != nil {
			return 0, false, err
		}
		eq, err := t.Equal(a[i], b[i])
		if err != nil {
			return 0, false, err
		}
		if eq || identical(a[i], b[i]) {
			continue
		}
		n, ok, err := t.less(a[i], b[i])
		if !ok && err == nil {
			n = 2
		}
		return n, ok, err
	}
	return len(a) - len(b), true, nil
}

// orderError names the first elements that can't be ordered.
func (t *Thread) orderError(op int, a, b Value) error {
	for {
		var x, y []Value
		switch v := a.(type) {
		case *List:
			if w, ok := b.(*List); ok {
				x, y = v.V, w.V
			}
		case *Tuple:
			if w, ok := b.(*Tuple); ok {
				x, y = v.V, w.V
			}
		}
		found := false
		for i := 0; i < len(x) && i < len(y); i++ {
			if eq, err := t.Equal(x[i], y[i]); err == nil && !eq {
				a, b, found = x[i], y[i], true
				break
			}
		}
		if !found {
			return raise(TypeError, "'%s' not supported between instances of '%s' and '%s'", compareOps[op], typeName(a), typeName(b))
		}
	}
}

// Contains is "v in c".
func (t *Thread) Contains(c, v Value) (bool, error) {
	switch x := c.(type) {
	case string:
		s, ok := v.(string)
		if !ok {
			return false, raise(TypeError, "'in <string>' requires string as left operand, not %s", typeName(v))
		}
		if err := t.scan(len(x)); err != nil {
			return false, err
		}
		return strings.Contains(x, s), nil
	case Bytes:
		if i, ok := asInt(v); ok {
			if i < 0 || i > 255 {
				return false, raise(ValueError, "byte must be in range(0, 256)")
			}
			return strings.IndexByte(string(x), byte(i)) >= 0, nil
		}
		s, ok := v.(Bytes)
		if !ok {
			return false, raise(TypeError, "a bytes-like object is required, not '%s'", typeName(v))
		}
		return strings.Contains(string(x), string(s)), t.scan(len(x))
	case *Dict:
		_, ok, err := x.Get(t, v)
		return ok, err
	case *Set:
		if s, ok := v.(*Set); ok && !s.frozen {
			v = &Set{d: s.d, frozen: true}
		}
		_, ok, err := x.d.Get(t, v)
		return ok, err
	case *Range:
		f, ok := toFloat(v)
		if !ok || !isNumber(v) {
			return false, nil
		}
		i := int(f)
		if j, isInt := asInt(v); isInt {
			i = j
		} else if float64(i) != f {
			return false, nil
		}
		if x.n == 0 {
			return false, nil
		}
		last := x.start + (x.n-1)*x.step
		lo, hi := min(x.start, last), max(x.start, last)
		return i >= lo && i <= hi && (i-x.start)%x.step == 0, nil
	case *List:
		return t.inList(x.V, v)
	case *Tuple:
		return t.inList(x.V, v)
	case Container:
		return x.Contains(t, v)
	}
	if !iterable(c) {
		return false, raise(TypeError, "argument of type '%s' is not iterable", typeName(c))
	}
	found := false
	err := t.Each(c, func(e Value) error {
		eq, err := t.Equal(e, v)
		if eq {
			found = true
			return errStop
		}
		return err
	})
	return found, err
}

func (t *Thread) inList(vs []Value, v Value) (bool, error) {
	for _, e := range vs {
		if err := t.charge(1); err != nil {
			return false, err
		}
		if identical(e, v) {
			return true, nil
		}
		if eq, err := t.Equal(e, v); eq || err != nil {
			return eq, err
		}
	}
	return false, nil
}

// rangeOf makes a range.
func rangeOf(start, stop, step int) (*Range, error) {
	r := &Range{start: start, stop: stop, step: step}
	var n uint64
	switch {
	case step > 0 && stop > start:
		n = (uint64(stop)-uint64(start)-1)/uint64(step) + 1
	case step < 0 && stop < start:
		n = (uint64(start)-uint64(stop)-1)/(uint64(-(step+1))+1) + 1
	}
	if bits.Len64(n) > 62 {
		return nil, raise(OverflowError, "Python int too large to convert to C ssize_t")
	}
	r.n = int(n)
	return r, nil
}
