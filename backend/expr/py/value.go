package py

import (
	"math"
	"math/big"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is a Python value: nil is None; bool, int, *big.Int (only past int), float64, string, Bytes, the pointers of this package, or an Object.
type Value = any

// Bytes is a bytes object.
type Bytes string

// List is a list.
type List struct{ V []Value }

// Tuple is a tuple.
type Tuple struct{ V []Value }

// Range is a range.
type Range struct{ start, stop, step, n int }

// Slice is a slice object.
type Slice struct{ lo, hi, step Value }

type singleton struct{ name string }

// Ellipsis is "..."; notImplemented is what an operation answers that it does not know; unbound marks a local without a value.
var (
	Ellipsis       = &singleton{"Ellipsis"}
	notImplemented = &singleton{"NotImplemented"}
	unbound        = &singleton{"unbound"}
	missing        = &singleton{"missing"}
)

// Builtin is a function in Go. The arguments belong to the caller: copy what you keep.
type Builtin struct {
	Name string
	Fn   func(t *Thread, args []Value, kw []Kw) (Value, error)
	kind string // "method" for methods of types
}

// Kw is a keyword argument.
type Kw struct {
	Name string
	V    Value
}

// Method is a function bound to its object.
type Method struct {
	self Value
	fn   Value
}

// Module is a module.
type Module struct {
	Name string
	M    map[string]Value
}

// Func is a function of the program.
type Func struct {
	code     *code
	defaults []Value
	free     []*cell
	attrs    map[string]Value
}

type cell struct{ v Value }

// Type is a class.
type Type struct {
	Name    string
	base    *Type
	methods map[string]Value
	getters map[string]func(t *Thread, v Value) (Value, error)
	make    func(t *Thread, args []Value, kw []Kw) (Value, error)
	module  string
}

func (ty *Type) lookup(name string) Value {
	for c := ty; c != nil; c = c.base {
		if v, ok := c.methods[name]; ok {
			return v
		}
	}
	return nil
}

// is says whether ty is base or derives from it.
func (ty *Type) is(base *Type) bool {
	for c := ty; c != nil; c = c.base {
		if c == base {
			return true
		}
	}
	return base == objectType
}

// Object is a value of the host or of a module. It must be a pointer or else comparable.
type Object interface{ Type() *Type }

// What an Object may do besides.
type (
	// Attrer has attributes; ok is false for a name that it does not have.
	Attrer interface {
		Attr(t *Thread, name string) (v Value, ok bool, err error)
	}
	// AttrSetter takes attributes; ok is false for a name that can't be set.
	AttrSetter interface {
		SetAttr(t *Thread, name string, v Value) (ok bool, err error)
	}
	// Caller can be called.
	Caller interface {
		Call(t *Thread, args []Value, kw []Kw) (Value, error)
	}
	// Iterable can be iterated.
	Iterable interface {
		Iterate(t *Thread) (Iterator, error)
	}
	// Iterator gives values until ok is false.
	Iterator interface {
		Next(t *Thread) (v Value, ok bool, err error)
	}
	// Sized has a length.
	Sized interface{ Len(t *Thread) (int, error) }
	// Container answers "in".
	Container interface {
		Contains(t *Thread, v Value) (bool, error)
	}
	// Indexable answers x[k]; IndexSetter takes x[k] = v and, for v of Deleted, del x[k].
	Indexable interface {
		Index(t *Thread, k Value) (Value, error)
	}
	IndexSetter interface {
		SetIndex(t *Thread, k, v Value) error
	}
	// Truther has a truth value of its own.
	Truther interface{ Truth(t *Thread) (bool, error) }
	// Strer and Reprer give the texts.
	Strer interface {
		Str(t *Thread) (string, error)
	}
	Reprer interface {
		Repr(t *Thread) (string, error)
	}
	// Equaler compares; without it objects are equal when they are the same. Hasher goes with it.
	Equaler interface {
		Equal(t *Thread, v Value) (eq, ok bool, err error)
	}
	Hasher interface{ Hash(t *Thread) (any, error) }
	// Orderer compares: less than zero, zero, more.
	Orderer interface {
		Order(t *Thread, v Value) (n int, ok bool, err error)
	}
	// Operator answers a binary operation; right says that the object stands on the right.
	Operator interface {
		Op(t *Thread, op string, v Value, right bool) (r Value, ok bool, err error)
	}
	// Formatter answers format(x, spec).
	Formatter interface {
		Format(t *Thread, spec string) (string, error)
	}
)

// Deleted is what SetIndex gets for del.
var Deleted = &singleton{"deleted"}

// objType makes a type.
func objType(name string, base *Type) *Type {
	return &Type{Name: name, base: base, methods: map[string]Value{}, getters: map[string]func(*Thread, Value) (Value, error){}}
}

var (
	objectType   = &Type{Name: "object", methods: map[string]Value{}}
	typeType     = objType("type", objectType)
	noneType     = objType("NoneType", objectType)
	intType      = objType("int", objectType)
	boolType     = objType("bool", intType)
	floatType    = objType("float", objectType)
	strType      = objType("str", objectType)
	bytesType    = objType("bytes", objectType)
	listType     = objType("list", objectType)
	tupleType    = objType("tuple", objectType)
	dictType     = objType("dict", objectType)
	setType      = objType("set", objectType)
	frozenType   = objType("frozenset", objectType)
	rangeType    = objType("range", objectType)
	sliceType    = objType("slice", objectType)
	funcType     = objType("function", objectType)
	builtinType  = objType("builtin_function_or_method", objectType)
	methodType   = objType("method", objectType)
	methDescType = objType("method_descriptor", objectType)
	genType      = objType("generator", objectType)
	moduleType   = objType("module", objectType)
	ellipsisType = objType("ellipsis", objectType)
	notImplType  = objType("NotImplementedType", objectType)
)

func typeOf(v Value) *Type {
	switch x := v.(type) {
	case nil:
		return noneType
	case bool:
		return boolType
	case int, *big.Int:
		return intType
	case float64:
		return floatType
	case string:
		return strType
	case Bytes:
		return bytesType
	case *List:
		return listType
	case *Tuple:
		return tupleType
	case *Dict:
		if x.typ != nil {
			return x.typ
		}
		return dictType
	case *Set:
		if x.frozen {
			return frozenType
		}
		return setType
	case *Range:
		return rangeType
	case *Slice:
		return sliceType
	case *Func:
		return funcType
	case *Builtin:
		if x.kind == "method" {
			return methDescType
		}
		return builtinType
	case *Method:
		if _, ok := x.fn.(*Builtin); ok {
			return builtinType
		}
		return methodType
	case *Gen:
		return genType
	case *Exc:
		return x.Kind
	case *Type:
		return typeType
	case *Module:
		return moduleType
	case *singleton:
		if x == notImplemented {
			return notImplType
		}
		return ellipsisType
	case *Iter:
		return x.typ
	case Object:
		return x.Type()
	}
	return objectType
}

func typeName(v Value) string { return typeOf(v).Name }

// Truth is Python's truth of a value.
func (t *Thread) Truth(v Value) (bool, error) {
	switch x := v.(type) {
	case nil:
		return false, nil
	case bool:
		return x, nil
	case int:
		return x != 0, nil
	case *big.Int:
		return x.Sign() != 0, nil
	case float64:
		return x != 0, nil
	case string:
		return x != "", nil
	case Bytes:
		return x != "", nil
	case *List:
		return len(x.V) > 0, nil
	case *Tuple:
		return len(x.V) > 0, nil
	case *Dict:
		return x.n > 0, nil
	case *Set:
		return x.d.n > 0, nil
	case *Range:
		return x.n > 0, nil
	case Truther:
		return x.Truth(t)
	case Sized:
		n, err := x.Len(t)
		return n > 0, err
	}
	return true, nil
}

// normBig gives an int where it fits.
func normBig(b *big.Int) Value {
	if b.IsInt64() && int64(int(b.Int64())) == b.Int64() {
		return int(b.Int64())
	}
	return b
}

func toBig(v Value) *big.Int {
	switch x := v.(type) {
	case bool:
		if x {
			return big.NewInt(1)
		}
		return new(big.Int)
	case int:
		return big.NewInt(int64(x))
	case *big.Int:
		return x
	}
	return nil
}

// asInt gives the int of a bool or int that fits.
func asInt(v Value) (int, bool) {
	switch x := v.(type) {
	case int:
		return x, true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func addInt(a, b int) Value {
	c := a + b
	if (c > a) == (b > 0) {
		return c
	}
	return normBig(new(big.Int).Add(big.NewInt(int64(a)), big.NewInt(int64(b))))
}

func subInt(a, b int) Value {
	c := a - b
	if (c < a) == (b > 0) {
		return c
	}
	return normBig(new(big.Int).Sub(big.NewInt(int64(a)), big.NewInt(int64(b))))
}

func mulInt(a, b int) Value {
	if a == 0 || b == 0 {
		return 0
	}
	c := a * b
	if c/b == a && !(a == -1 && b == math.MinInt) && !(b == -1 && a == math.MinInt) {
		return c
	}
	return normBig(new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b))))
}

// bigFloat is Python's float(int): the nearest, or ok false past the range.
func bigFloat(b *big.Int) (float64, bool) {
	f, _ := new(big.Float).SetInt(b).Float64()
	return f, !math.IsInf(f, 0)
}

func toFloat(v Value) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case int:
		return float64(x), true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	case *big.Int:
		f, _ := bigFloat(x)
		return f, true
	}
	return 0, false
}

type noneKey struct{}
type bigKey string
type tupleKey string
type frozenKey string

// key is the map key of a value: equal values have equal keys.
func (t *Thread) key(v Value) (any, error) {
	switch x := v.(type) {
	case string, int, Bytes:
		return x, nil
	case nil:
		return noneKey{}, nil
	case bool:
		if x {
			return 1, nil
		}
		return 0, nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<62 {
			return int(x), nil
		}
		if math.IsNaN(x) {
			return new(float64), nil
		}
		if !math.IsInf(x, 0) && x == math.Trunc(x) {
			b, _ := big.NewFloat(x).Int(nil)
			return t.key(normBig(b))
		}
		return x, nil
	case *big.Int:
		return bigKey(x.Text(62)), nil
	case *Tuple:
		s, err := t.keys(x.V, false)
		return tupleKey(s), err
	case *Set:
		if !x.frozen {
			return nil, raise(TypeError, "unhashable type: 'set'")
		}
		s, err := t.keys(x.d.keys(), true)
		return frozenKey(s), err
	case *List, *Dict, *Slice:
		return nil, raise(TypeError, "unhashable type: '%s'", typeName(v))
	case *Range:
		return *x, nil
	case Hasher:
		return x.Hash(t)
	case Equaler:
		return nil, raise(TypeError, "unhashable type: '%s'", typeName(v))
	}
	if !reflect.TypeOf(v).Comparable() {
		return nil, raise(TypeError, "unhashable type: '%s'", typeName(v))
	}
	return v, nil
}

// keys joins the keys of values to one text.
func (t *Thread) keys(vs []Value, sorted bool) (string, error) {
	if err := t.enter(); err != nil {
		return "", err
	}
	defer t.leave()
	parts := make([]string, len(vs))
	for i, v := range vs {
		k, err := t.key(v)
		if err != nil {
			return "", err
		}
		var s string
		switch x := k.(type) {
		case string:
			s = "s" + x
		case int:
			s = "i" + strconv.Itoa(x)
		case Bytes:
			s = "b" + string(x)
		case noneKey:
			s = "n"
		case float64:
			s = "f" + strconv.FormatFloat(x, 'g', -1, 64)
		case bigKey:
			s = "B" + string(x)
		case tupleKey:
			s = "t" + string(x)
		case frozenKey:
			s = "F" + string(x)
		default:
			id, err := t.identity(k)
			if err != nil {
				return "", err
			}
			s = "o" + strconv.Itoa(id)
		}
		parts[i] = strconv.Itoa(len(s)) + ":" + s
		if err := t.alloc(len(s)); err != nil {
			return "", err
		}
	}
	if sorted {
		sort.Strings(parts)
	}
	return strings.Join(parts, ""), nil
}

// identity numbers objects within a run, in the order in which they are asked for.
func (t *Thread) identity(k any) (int, error) {
	if n, ok := t.ids[k]; ok {
		return n, nil
	}
	if t.ids == nil {
		t.ids = map[any]int{}
	}
	if err := t.alloc(64); err != nil {
		return 0, err
	}
	n := len(t.ids) + 1
	t.ids[k] = n
	return n, nil
}

// Dict is a dictionary in the order of insertion.
type Dict struct {
	e      []entry
	idx    map[any]int
	n      int
	typ    *Type // a subclass: defaultdict, Counter, OrderedDict
	onMiss Value // default_factory
}

type entry struct {
	k, v Value
	h    any
	dead bool
}

const smallDict = 8

func (d *Dict) find(h any) int {
	if d.idx != nil {
		if i, ok := d.idx[h]; ok {
			return i
		}
		return -1
	}
	for i := range d.e {
		if !d.e[i].dead && d.e[i].h == h {
			return i
		}
	}
	return -1
}

// Get looks a key up.
func (d *Dict) Get(t *Thread, k Value) (Value, bool, error) {
	h, err := t.key(k)
	if err != nil {
		return nil, false, err
	}
	if i := d.find(h); i >= 0 {
		return d.e[i].v, true, nil
	}
	return nil, false, nil
}

// Set stores a key.
func (d *Dict) Set(t *Thread, k, v Value) error {
	h, err := t.key(k)
	if err != nil {
		return err
	}
	return d.set(t, h, k, v)
}

func (d *Dict) set(t *Thread, h any, k, v Value) error {
	if i := d.find(h); i >= 0 {
		d.e[i].v = v
		return nil
	}
	if err := t.alloc(80); err != nil {
		return err
	}
	d.e = append(d.e, entry{k: k, v: v, h: h})
	d.n++
	if d.idx != nil {
		d.idx[h] = len(d.e) - 1
	} else if len(d.e) > smallDict {
		d.index()
	}
	return nil
}

func (d *Dict) index() {
	d.idx = make(map[any]int, len(d.e)*2)
	for i := range d.e {
		if !d.e[i].dead {
			d.idx[d.e[i].h] = i
		}
	}
}

// Delete removes a key.
func (d *Dict) Delete(t *Thread, k Value) (Value, bool, error) {
	h, err := t.key(k)
	if err != nil {
		return nil, false, err
	}
	i := d.find(h)
	if i < 0 {
		return nil, false, nil
	}
	return d.deleteAt(i), true, nil
}

func (d *Dict) deleteAt(i int) Value {
	v := d.e[i].v
	if d.idx != nil {
		delete(d.idx, d.e[i].h)
	}
	d.e[i] = entry{dead: true}
	d.n--
	if d.n == 0 {
		d.e, d.idx = nil, nil
	} else if i == len(d.e)-1 {
		for len(d.e) > 0 && d.e[len(d.e)-1].dead {
			d.e = d.e[:len(d.e)-1]
		}
	} else if len(d.e) > 16 && d.n < len(d.e)/2 {
		live := make([]entry, 0, d.n)
		for _, e := range d.e {
			if !e.dead {
				live = append(live, e)
			}
		}
		d.e = live
		d.index()
	}
	return v
}

// Len is the number of keys.
func (d *Dict) Len() int { return d.n }

func (d *Dict) keys() []Value {
	out := make([]Value, 0, d.n)
	for _, e := range d.e {
		if !e.dead {
			out = append(out, e.k)
		}
	}
	return out
}

func (d *Dict) values() []Value {
	out := make([]Value, 0, d.n)
	for _, e := range d.e {
		if !e.dead {
			out = append(out, e.v)
		}
	}
	return out
}

func (d *Dict) items() []Value {
	out := make([]Value, 0, d.n)
	for _, e := range d.e {
		if !e.dead {
			out = append(out, &Tuple{[]Value{e.k, e.v}})
		}
	}
	return out
}

// Each calls fn for every pair.
func (d *Dict) Each(fn func(k, v Value)) {
	for _, e := range d.e {
		if !e.dead {
			fn(e.k, e.v)
		}
	}
}

func (d *Dict) copy(t *Thread) (*Dict, error) {
	if err := t.alloc(80 * d.n); err != nil {
		return nil, err
	}
	out := &Dict{e: make([]entry, 0, d.n), n: d.n, typ: d.typ, onMiss: d.onMiss}
	for _, e := range d.e {
		if !e.dead {
			out.e = append(out.e, e)
		}
	}
	if out.n > smallDict {
		out.index()
	}
	return out, nil
}

// Set is a set or frozenset.
type Set struct {
	d      Dict
	frozen bool
}

// Values are the members in the order of insertion.
func (s *Set) Values() []Value { return s.d.keys() }

// Equal is Python's ==.
func (t *Thread) Equal(a, b Value) (bool, error) {
	switch x := a.(type) {
	case nil:
		if b == nil {
			return true, nil
		}
	case string:
		if y, ok := b.(string); ok {
			return x == y, nil
		}
	case bool, int, *big.Int, float64:
		switch b.(type) {
		case bool, int, *big.Int, float64:
			c, ok := compareNumbers(a, b)
			return ok && c == 0, nil
		}
	case Bytes:
		y, ok := b.(Bytes)
		if ok {
			return x == y, nil
		}
	case *List:
		if y, ok := b.(*List); ok {
			return t.equalAll(x.V, y.V)
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return t.equalAll(x.V, y.V)
		}
	case *Dict:
		if y, ok := b.(*Dict); ok {
			if x == y {
				return true, nil
			}
			if x.n != y.n {
				return false, nil
			}
			if err := t.enter(); err != nil {
				return false, err
			}
			defer t.leave()
			for _, e := range x.e {
				if e.dead {
					continue
				}
				i := y.find(e.h)
				if i < 0 {
					return false, nil
				}
				if eq, err := t.Equal(e.v, y.e[i].v); err != nil || !eq {
					return false, err
				}
			}
			return true, nil
		}
	case *Set:
		if y, ok := b.(*Set); ok {
			return x.d.n == y.d.n && x.subset(y), nil
		}
	case *Range:
		if y, ok := b.(*Range); ok {
			return x.n == y.n && (x.n == 0 || x.start == y.start && (x.n == 1 || x.step == y.step)), nil
		}
	case *Method:
		if y, ok := b.(*Method); ok {
			return x.self == y.self && x.fn == y.fn, nil
		}
	case *Slice:
		if y, ok := b.(*Slice); ok {
			return t.equalAll([]Value{x.lo, x.hi, x.step}, []Value{y.lo, y.hi, y.step})
		}
	case Equaler:
		if eq, ok, err := x.Equal(t, b); ok || err != nil {
			return eq, err
		}
	}
	if y, ok := b.(Equaler); ok {
		if eq, ok, err := y.Equal(t, a); ok || err != nil {
			return eq, err
		}
		return identical(a, b), nil
	}
	return identical(a, b), nil
}

// identical is "is" for what is not a number or text.
func identical(a, b Value) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	ta := reflect.TypeOf(a)
	return ta == reflect.TypeOf(b) && ta.Comparable() && a == b
}

func (t *Thread) equalAll(a, b []Value) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	if err := t.enter(); err != nil {
		return false, err
	}
	defer t.leave()
	for i := range a {
		if i >= len(b) {
			return false, nil
		}
		if err := t.charge(1); err != nil {
			return false, err
		}
		if identical(a[i], b[i]) {
			continue
		}
		if eq, err := t.Equal(a[i], b[i]); err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

func (s *Set) subset(o *Set) bool {
	for _, e := range s.d.e {
		if !e.dead && o.d.find(e.h) < 0 {
			return false
		}
	}
	return true
}

// compareNumbers orders numbers exactly; ok is false with NaN.
func compareNumbers(a, b Value) (int, bool) {
	if x, ok := asInt(a); ok {
		if y, ok := asInt(b); ok {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	}
	x, xf := a.(float64)
	y, yf := b.(float64)
	switch {
	case xf && yf:
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		case x == y:
			return 0, true
		}
		return 0, false
	case xf:
		c, ok := compareNumbers(b, a)
		return -c, ok
	case yf:
		if math.IsNaN(y) {
			return 0, false
		}
		if math.IsInf(y, 1) {
			return -1, true
		}
		if math.IsInf(y, -1) {
			return 1, true
		}
		return new(big.Float).SetInt(toBig(a)).Cmp(big.NewFloat(y)), true
	}
	return toBig(a).Cmp(toBig(b)), true
}

// Repr is Python's repr().
func (t *Thread) Repr(v Value) (string, error) {
	var b strings.Builder
	if err := t.repr(&b, v, nil); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (t *Thread) repr(b *strings.Builder, v Value, seen []any) error {
	if err := t.charge(1); err != nil {
		return err
	}
	n := b.Len()
	defer func() { _ = n }()
	list := func(open, end string, vs []Value) error {
		if err := t.enter(); err != nil {
			return err
		}
		defer t.leave()
		b.WriteString(open)
		for i, e := range vs {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := t.repr(b, e, append(seen[:len(seen):len(seen)], v)); err != nil {
				return err
			}
		}
		b.WriteString(end)
		return t.alloc(b.Len() - n)
	}
	inside := func(mark string) bool {
		for _, s := range seen {
			if s == v {
				b.WriteString(mark)
				return true
			}
		}
		return false
	}
	switch x := v.(type) {
	case string:
		b.WriteString(reprStr(x))
		return t.alloc(b.Len() - n)
	case Bytes:
		b.WriteString(reprBytes(x))
		return t.alloc(b.Len() - n)
	case *List:
		if inside("[...]") {
			return nil
		}
		return list("[", "]", x.V)
	case *Tuple:
		if inside("(...)") {
			return nil
		}
		if len(x.V) == 1 {
			return list("(", ",)", x.V)
		}
		return list("(", ")", x.V)
	case *Set:
		switch {
		case x.d.n == 0:
			b.WriteString(typeName(x) + "()")
			return nil
		case x.frozen:
			return list("frozenset({", "})", x.Values())
		}
		return list("{", "}", x.Values())
	case *Dict:
		if inside("{...}") {
			return nil
		}
		if err := t.enter(); err != nil {
			return err
		}
		defer t.leave()
		end := "}"
		switch {
		case x.typ == nil:
		case x.typ == defaultDictType:
			b.WriteString("defaultdict(")
			if err := t.repr(b, x.onMiss, seen); err != nil {
				return err
			}
			b.WriteString(", ")
			end = "})"
		case x.n == 0:
			b.WriteString(x.typ.Name + "()")
			return nil
		default:
			b.WriteString(x.typ.Name + "(")
			end = "})"
		}
		b.WriteString("{")
		pairs := x.e
		if x.typ == counterType {
			pairs = counted(t, x)
		}
		first := true
		for _, e := range pairs {
			if e.dead {
				continue
			}
			if !first {
				b.WriteString(", ")
			}
			first = false
			in := append(seen[:len(seen):len(seen)], v)
			if err := t.repr(b, e.k, in); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := t.repr(b, e.v, in); err != nil {
				return err
			}
		}
		b.WriteString(end)
		return t.alloc(b.Len() - n)
	}
	s, err := t.simpleRepr(v)
	b.WriteString(s)
	return err
}

func (t *Thread) simpleRepr(v Value) (string, error) {
	switch x := v.(type) {
	case nil:
		return "None", nil
	case bool:
		if x {
			return "True", nil
		}
		return "False", nil
	case int:
		return strconv.Itoa(x), nil
	case *big.Int:
		if x.BitLen() > 14300 { // about 4300 digits
			return "", raise(ValueError, "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit")
		}
		return x.String(), t.alloc(x.BitLen() / 3)
	case float64:
		return reprFloat(x), nil
	case *Range:
		s := "range(" + strconv.Itoa(x.start) + ", " + strconv.Itoa(x.stop)
		if x.step != 1 {
			s += ", " + strconv.Itoa(x.step)
		}
		return s + ")", nil
	case *Slice:
		s := make([]string, 3)
		for i, p := range []Value{x.lo, x.hi, x.step} {
			r, err := t.Repr(p)
			if err != nil {
				return "", err
			}
			s[i] = r
		}
		return "slice(" + strings.Join(s, ", ") + ")", nil
	case *Func:
		return "<function " + x.code.qual + " at 0x0>", nil
	case *Builtin:
		return "<built-in function " + x.Name + ">", nil
	case *Method:
		return "<bound method " + calleeName(x.fn) + ">", nil
	case *Type:
		if x.module != "" {
			return "<class '" + x.module + "." + x.Name + "'>", nil
		}
		return "<class '" + x.Name + "'>", nil
	case *Module:
		return "<module '" + x.Name + "'>", nil
	case *singleton:
		return x.name, nil
	case *Gen:
		return "<generator object " + x.f.code.qual + " at 0x0>", nil
	case *Exc:
		if len(x.Args) == 1 {
			s, err := t.Repr(x.Args[0])
			return x.Kind.Name + "(" + s + ")", err
		}
		s, err := t.Repr(&Tuple{x.Args})
		return x.Kind.Name + s, err
	case *Iter:
		return "<" + x.typ.Name + " object at 0x0>", nil
	case Reprer:
		return x.Repr(t)
	}
	return "<" + typeName(v) + " object at 0x0>", nil
}

// Str is Python's str().
func (t *Thread) Str(v Value) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case *Exc:
		return x.text(t)
	case Strer:
		return x.Str(t)
	}
	return t.Repr(v)
}

func reprFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	i := strings.IndexByte(s, 'e')
	exp, err := strconv.Atoi(s[i+1:])
	if err != nil {
		return s
	}
	if exp >= -4 && exp < 16 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.ContainsRune(s, '.') {
			s += ".0"
		}
	}
	return s
}

func printable(r rune) bool {
	return r == ' ' || unicode.IsPrint(r)
}

func reprStr(s string) string {
	q := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		q = '"'
	}
	var b strings.Builder
	b.WriteByte(q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\x` + hex2(byte(r)))
		case r < 0x7f || printable(r):
			b.WriteRune(r)
		case r < 0x100:
			b.WriteString(`\x` + hex2(byte(r)))
		case r < 0x10000:
			b.WriteString(`\u` + hex2(byte(r>>8)) + hex2(byte(r)))
		default:
			b.WriteString(`\U00` + hex2(byte(r>>16)) + hex2(byte(r>>8)) + hex2(byte(r)))
		}
	}
	b.WriteByte(q)
	return b.String()
}

func hex2(c byte) string {
	const d = "0123456789abcdef"
	return string([]byte{d[c>>4], d[c&15]})
}

func reprBytes(s Bytes) string {
	q := byte('\'')
	if strings.IndexByte(string(s), '\'') >= 0 && strings.IndexByte(string(s), '"') < 0 {
		q = '"'
	}
	var b strings.Builder
	b.WriteByte('b')
	b.WriteByte(q)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == q || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c >= 0x7f:
			b.WriteString(`\x` + hex2(c))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(q)
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Len is Python's len().
func (t *Thread) Len(v Value) (int, error) {
	switch x := v.(type) {
	case string:
		return utf8.RuneCountInString(x), nil
	case Bytes:
		return len(x), nil
	case *List:
		return len(x.V), nil
	case *Tuple:
		return len(x.V), nil
	case *Dict:
		return x.n, nil
	case *Set:
		return x.d.n, nil
	case *Range:
		return x.n, nil
	case Sized:
		return x.Len(t)
	}
	return 0, raise(TypeError, "object of type '%s' has no len()", typeName(v))
}

func calleeName(f Value) string {
	switch x := f.(type) {
	case *Func:
		return x.code.qual
	case *Builtin:
		return x.Name
	case *Method:
		return calleeName(x.fn)
	case *Type:
		return x.Name
	}
	return typeName(f)
}
