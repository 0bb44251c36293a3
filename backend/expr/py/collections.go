package py

var (
	defaultDictType = objType("defaultdict", dictType)
	counterType     = objType("Counter", dictType)
	orderedType     = objType("OrderedDict", dictType)
)

// missing answers d[k] for a key that a subclass does not hold.
func (d *Dict) missing(t *Thread, k Value) (Value, error) {
	switch {
	case d.typ == counterType:
		return 0, nil
	case d.typ == defaultDictType && d.onMiss != nil:
		v, err := t.Call(d.onMiss, nil, nil)
		if err != nil {
			return nil, err
		}
		return v, d.Set(t, k, v)
	}
	return nil, raiseKey(k)
}

// count adds what an iterable or mapping holds to a Counter.
func (t *Thread) count(d *Dict, v Value, sign int) error {
	add := func(k, n Value) error {
		old, ok, err := d.Get(t, k)
		if err != nil {
			return err
		}
		if !ok {
			old = 0
		}
		op := 0
		if sign < 0 {
			op = 1
		}
		sum, err := t.Binary(op, old, n)
		if err != nil {
			return err
		}
		return d.Set(t, k, sum)
	}
	if m, ok := v.(*Dict); ok {
		for _, e := range m.e {
			if !e.dead {
				if err := add(e.k, e.v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return t.Each(v, func(k Value) error { return add(k, 1) })
}

// counterOp is + - & | of counters and their signs (-1 is +c, -2 is -c): only counts above zero stay.
func (t *Thread) counterOp(op int, d *Dict, other Value) (Value, error) {
	o, ok := other.(*Dict)
	if op < 0 {
		o, ok = &Dict{}, true
	}
	if !ok || op >= 0 && o.typ != counterType {
		return notImplemented, nil
	}
	out := &Dict{typ: counterType}
	val := func(x *Dict, k Value) (Value, error) {
		v, ok, err := x.Get(t, k)
		if !ok {
			return 0, err
		}
		return v, err
	}
	put := func(k Value) error {
		a, err := val(d, k)
		if err != nil {
			return err
		}
		b, err := val(o, k)
		if err != nil {
			return err
		}
		var r Value
		switch op {
		case 0:
			r, err = t.Binary(0, a, b)
		case 1:
			r, err = t.Binary(1, a, b)
		case -1:
			r = a
		case -2:
			r, err = t.unary(0, a)
		default:
			n, _ := t.order(a, b)
			r = a
			if (op == 9) == (n > 0) {
				r = b
			}
		}
		if err != nil {
			return err
		}
		if n, ok := t.order(r, 0); ok && n > 0 {
			return out.Set(t, k, r)
		}
		return nil
	}
	for _, k := range d.keys() {
		if err := put(k); err != nil {
			return nil, err
		}
	}
	if op >= 0 {
		for _, k := range o.keys() {
			if _, ok, _ := d.Get(t, k); !ok {
				if err := put(k); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// namedTuple is a class that namedtuple made.
type namedTuple struct {
	typ    *Type
	fields []string
	vals   []Value
}

func (n *namedTuple) Type() *Type                       { return n.typ }
func (n *namedTuple) Len(*Thread) (int, error)          { return len(n.vals), nil }
func (n *namedTuple) Iterate(*Thread) (Iterator, error) { return &sliceIter{v: n.vals}, nil }
func (n *namedTuple) Index(t *Thread, k Value) (Value, error) {
	return t.Index(&Tuple{n.vals}, k)
}
func (n *namedTuple) Hash(t *Thread) (any, error) { return t.key(&Tuple{n.vals}) }
func (n *namedTuple) Contains(t *Thread, v Value) (bool, error) {
	return t.inList(n.vals, v)
}
func plainTuple(v Value) Value {
	if n, ok := v.(*namedTuple); ok {
		return &Tuple{n.vals}
	}
	return v
}
func (n *namedTuple) Equal(t *Thread, v Value) (bool, bool, error) {
	eq, err := t.Equal(&Tuple{n.vals}, plainTuple(v))
	return eq, true, err
}
func (n *namedTuple) Order(t *Thread, v Value) (int, bool, error) {
	return t.less(&Tuple{n.vals}, plainTuple(v))
}
func (n *namedTuple) Attr(t *Thread, name string) (Value, bool, error) {
	for i, f := range n.fields {
		if f == name {
			return n.vals[i], true, nil
		}
	}
	switch name {
	case "_fields":
		out := &Tuple{}
		for _, f := range n.fields {
			out.V = append(out.V, f)
		}
		return out, true, nil
	case "_asdict":
		return fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := &Dict{}
			for i, f := range n.fields {
				if err := d.Set(t, f, n.vals[i]); err != nil {
					return nil, err
				}
			}
			return d, nil
		}), true, nil
	case "_replace":
		return fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			vals := append([]Value(nil), n.vals...)
		next:
			for _, k := range kw {
				for i, f := range n.fields {
					if f == k.Name {
						vals[i] = k.V
						continue next
					}
				}
				return nil, raise(ValueError, "Got unexpected field names: ['%s']", k.Name)
			}
			return &namedTuple{n.typ, n.fields, vals}, t.alloc(64)
		}), true, nil
	}
	return nil, false, nil
}
func (n *namedTuple) Repr(t *Thread) (string, error) {
	s := n.typ.Name + "("
	if err := t.enter(); err != nil {
		return "", err
	}
	defer t.leave()
	for i, f := range n.fields {
		r, err := t.Repr(n.vals[i])
		if err != nil {
			return "", err
		}
		if i > 0 {
			s += ", "
		}
		s += f + "=" + r
	}
	return s + ")", t.alloc(len(s))
}

// deque is collections.deque over a list.
type deque struct {
	l   List
	max int // -1 without
}

var dequeType = objType("deque", objectType)

func (d *deque) Type() *Type                       { return dequeType }
func (d *deque) Len(*Thread) (int, error)          { return len(d.l.V), nil }
func (d *deque) Iterate(*Thread) (Iterator, error) { return &listIter{l: &d.l}, nil }
func (d *deque) Index(t *Thread, k Value) (Value, error) {
	i, ok := asInt(k)
	if !ok {
		return nil, raise(TypeError, "sequence index must be integer, not '%s'", typeName(k))
	}
	i, err := at(len(d.l.V), i, "deque")
	if err != nil {
		return nil, err
	}
	return d.l.V[i], nil
}
func (d *deque) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*deque)
	if !ok {
		return false, false, nil
	}
	eq, err := t.equalAll(d.l.V, o.l.V)
	return eq, true, err
}
func (d *deque) Repr(t *Thread) (string, error) {
	s, err := t.Repr(&d.l)
	if d.max >= 0 {
		m, _ := t.Repr(d.max)
		s += ", maxlen=" + m
	}
	return "deque(" + s + ")", err
}
func (d *deque) push(t *Thread, v Value, left bool) error {
	if left {
		d.l.V = append([]Value{v}, d.l.V...)
		if d.max >= 0 && len(d.l.V) > d.max {
			d.l.V = d.l.V[:d.max]
		}
		return t.alloc(24 + len(d.l.V))
	}
	d.l.V = append(d.l.V, v)
	if d.max >= 0 && len(d.l.V) > d.max {
		d.l.V = d.l.V[1:]
	}
	return t.alloc(24)
}

func init() {
	for _, ty := range []*Type{defaultDictType, counterType, orderedType, dequeType} {
		ty.module = "collections"
	}
	defaultDictType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		d := &Dict{typ: defaultDictType}
		if len(args) > 0 {
			switch args[0].(type) {
			case nil, *Func, *Builtin, *Method, *Type, Caller:
			default:
				return nil, raise(TypeError, "first argument must be callable or None")
			}
			d.onMiss = args[0]
			args = args[1:]
		}
		return t.makeDict(d, "defaultdict", args, kw)
	}
	orderedType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return t.makeDict(&Dict{typ: orderedType}, "OrderedDict", args, kw)
	}
	methods(orderedType, map[string]goFunc{
		"move_to_end": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("move_to_end", args[1:], kw, "key", "last?")
			if err != nil {
				return nil, err
			}
			d := args[0].(*Dict)
			v, ok, err := d.Delete(t, a[0])
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, raiseKey(a[0])
			}
			if a[1] != false {
				return nil, d.Set(t, a[0], v)
			}
			rest := d.items()
			d.e, d.idx, d.n = nil, nil, 0
			if err := d.Set(t, a[0], v); err != nil {
				return nil, err
			}
			for _, p := range rest {
				if err := d.Set(t, p.(*Tuple).V[0], p.(*Tuple).V[1]); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
	})
	counterType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		d := &Dict{typ: counterType}
		if len(args) > 1 {
			return nil, raise(TypeError, "Counter.__init__() takes from 1 to 2 positional arguments but %d were given", len(args)+1)
		}
		if len(args) == 1 && args[0] != nil {
			if err := t.count(d, args[0], 1); err != nil {
				return nil, err
			}
		}
		for _, k := range kw {
			if err := d.Set(t, k.Name, k.V); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	methods(counterType, map[string]goFunc{
		"most_common": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("most_common", args[1:], kw, "n?")
			if err != nil {
				return nil, err
			}
			es := counted(t, args[0].(*Dict))
			if n, ok := asInt(a[0]); ok {
				es = es[:min(max(n, 0), len(es))]
			}
			out := &List{}
			for _, e := range es {
				out.V = append(out.V, &Tuple{[]Value{e.k, e.v}})
			}
			return out, t.alloc(80 * len(es))
		},
		"elements": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			out := &List{}
			for _, e := range args[0].(*Dict).e {
				if e.dead {
					continue
				}
				n, _ := asInt(e.v)
				if err := t.alloc(16 * max(n, 0)); err != nil {
					return nil, err
				}
				for range max(n, 0) {
					out.V = append(out.V, e.k)
				}
			}
			return t.iterValue(out)
		},
		"subtract": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("subtract", args[1:], kw, "iterable")
			if err != nil {
				return nil, err
			}
			return nil, t.count(args[0].(*Dict), a[0], -1)
		},
		"total": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			sum := Value(0)
			for _, v := range args[0].(*Dict).values() {
				var err error
				if sum, err = t.Binary(0, sum, v); err != nil {
					return nil, err
				}
			}
			return sum, nil
		},
	})
	dequeType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("deque", args, kw, "iterable?", "maxlen?")
		if err != nil {
			return nil, err
		}
		d := &deque{max: -1}
		if a[1] != missing && a[1] != nil {
			if d.max, err = needInt(a[1]); err != nil {
				return nil, err
			}
		}
		if a[0] == missing {
			return d, nil
		}
		return d, t.Each(a[0], func(v Value) error { return d.push(t, v, false) })
	}
	methods(dequeType, map[string]goFunc{
		"append": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("append", args[1:], kw, "x", "/")
			if err != nil {
				return nil, err
			}
			return nil, args[0].(*deque).push(t, a[0], false)
		},
		"appendleft": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("appendleft", args[1:], kw, "x", "/")
			if err != nil {
				return nil, err
			}
			return nil, args[0].(*deque).push(t, a[0], true)
		},
		"extend": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("extend", args[1:], kw, "iterable", "/")
			if err != nil {
				return nil, err
			}
			return nil, t.Each(a[0], func(v Value) error { return args[0].(*deque).push(t, v, false) })
		},
		"pop": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*deque)
			n := len(d.l.V)
			if n == 0 {
				return nil, raise(IndexError, "pop from an empty deque")
			}
			v := d.l.V[n-1]
			d.l.V = d.l.V[:n-1]
			return v, nil
		},
		"popleft": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*deque)
			if len(d.l.V) == 0 {
				return nil, raise(IndexError, "pop from an empty deque")
			}
			v := d.l.V[0]
			d.l.V = d.l.V[1:]
			return v, nil
		},
		"clear": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			args[0].(*deque).l.V = nil
			return nil, nil
		},
		"rotate": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("rotate", args[1:], kw, "n?", "/")
			if err != nil {
				return nil, err
			}
			k := 1
			if a[0] != missing {
				if k, err = needInt(a[0]); err != nil {
					return nil, err
				}
			}
			d := args[0].(*deque)
			if n := len(d.l.V); n > 0 {
				k = ((k % n) + n) % n
				d.l.V = append(append([]Value(nil), d.l.V[n-k:]...), d.l.V[:n-k]...)
			}
			return nil, t.alloc(16 * len(d.l.V))
		},
	})
	moduleInit["collections"] = func() map[string]Value {
		return map[string]Value{"defaultdict": defaultDictType, "Counter": counterType, "OrderedDict": orderedType, "deque": dequeType, "namedtuple": fn("namedtuple", makeNamedTuple)}
	}
}

func makeNamedTuple(t *Thread, args []Value, kw []Kw) (Value, error) {
	a, err := readArgs("namedtuple", args, kw, "typename", "field_names", "*", "rename?", "defaults?", "module?")
	if err != nil {
		return nil, err
	}
	name, err := strArg("namedtuple", a[0])
	if err != nil {
		return nil, err
	}
	var fields []string
	if s, ok := a[1].(string); ok {
		fields = strKind.fields(replaceCommas(s), -1, false)
	} else {
		err := t.Each(a[1], func(v Value) error {
			s, err := strArg("namedtuple", v)
			fields = append(fields, s)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{}
	for _, f := range fields {
		switch {
		case !isIdentifier(f):
			return nil, raise(ValueError, "Type names and field names must be valid identifiers: %s", reprStr(f))
		case keywords[f]:
			return nil, raise(ValueError, "Type names and field names cannot be a keyword: %s", reprStr(f))
		case f[0] == '_':
			return nil, raise(ValueError, "Field names cannot start with an underscore: %s", reprStr(f))
		case seen[f]:
			return nil, raise(ValueError, "Encountered duplicate field name: %s", reprStr(f))
		}
		seen[f] = true
	}
	var defs []Value
	if a[3] != missing && a[3] != nil {
		l, err := t.List(a[3])
		if err != nil {
			return nil, err
		}
		defs = l.V
		if len(defs) > len(fields) {
			return nil, raise(TypeError, "Got more default values than field names")
		}
	}
	ty := objType(name, tupleType)
	ty.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		names := make([]string, len(fields))
		for i, f := range fields {
			names[i] = f
			if i >= len(fields)-len(defs) {
				names[i] += "?"
			}
		}
		vals, err := readArgs(name+".__new__", args, kw, names...)
		if err != nil {
			return nil, err
		}
		for i := range vals {
			if vals[i] == missing {
				vals[i] = defs[i-(len(fields)-len(defs))]
			}
		}
		return &namedTuple{ty, fields, vals}, t.alloc(64 + 16*len(vals))
	}
	return ty, t.alloc(256)
}

func replaceCommas(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == ',' {
			b[i] = ' '
		}
	}
	return string(b)
}
