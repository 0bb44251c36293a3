package py

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// builtins are the names that every program knows. The map is never changed after init.
var builtins = map[string]Value{}

func define(name string, fn goFunc) { builtins[name] = &Builtin{Name: name, Fn: fn} }

// floatToInt is int(float).
func floatToInt(f float64) (Value, error) {
	switch {
	case math.IsNaN(f):
		return nil, raise(ValueError, "cannot convert float NaN to integer")
	case math.IsInf(f, 0):
		return nil, raise(OverflowError, "cannot convert float infinity to integer")
	case math.Abs(f) < 1<<62:
		return int(f), nil
	}
	b, _ := big.NewFloat(f).Int(nil)
	return normBig(b), nil
}

// parseInt is int(text, base).
func parseInt(t *Thread, s string, base int, shown string) (Value, error) {
	bad := func() (Value, error) {
		return nil, raise(ValueError, "invalid literal for int() with base %d: %s", base, shown)
	}
	x := strings.TrimFunc(s, pySpace)
	neg := false
	if x != "" && (x[0] == '+' || x[0] == '-') {
		neg = x[0] == '-'
		x = x[1:]
	}
	real := base
	if len(x) > 2 && x[0] == '0' {
		p := map[byte]int{'x': 16, 'o': 8, 'b': 2}[x[1]|32]
		if p != 0 && (base == 0 || base == p) {
			real = p
			x = strings.TrimPrefix(x[2:], "_")
		}
	}
	if real == 0 {
		real = 10
		if len(x) > 1 && x[0] == '0' && strings.Trim(x, "0_") != "" {
			return bad()
		}
	}
	if x == "" || x[0] == '_' || x[len(x)-1] == '_' || strings.Contains(x, "__") {
		return bad()
	}
	x = strings.ReplaceAll(x, "_", "")
	if len(x) > 4300 && real&(real-1) != 0 {
		return nil, raise(ValueError, "Exceeds the limit (4300 digits) for integer string conversion: value has %d digits; use sys.set_int_max_str_digits() to increase the limit", len(x))
	}
	if !isASCII(x) { // digits of other scripts
		var b strings.Builder
		for _, r := range x {
			if r >= 0x80 && unicode.IsDigit(r) {
				d := 0
				for unicode.IsDigit(r-rune(d)-1) && d < 9 {
					d++
				}
				r = '0' + rune(d)
			}
			b.WriteRune(r)
		}
		x = b.String()
	}
	if err := t.alloc(len(x)); err != nil {
		return nil, err
	}
	if x[0] == '+' || x[0] == '-' {
		return bad()
	}
	v, ok := new(big.Int).SetString(x, real)
	if !ok {
		return bad()
	}
	if neg {
		v.Neg(v)
	}
	return normBig(v), nil
}

func parseFloat(t *Thread, s, shown string) (Value, error) {
	x := strings.TrimFunc(s, pySpace)
	l := strings.ToLower(strings.TrimLeft(x, "+-"))
	ok := x != "" && len(x)-len(l) <= 1
	switch l {
	case "inf", "infinity", "nan":
	default:
		for i := 0; i < len(l); i++ {
			c := l[i]
			if c == '_' && (i == 0 || i == len(l)-1 || !isDigit(l[i-1]) || !isDigit(l[i+1])) {
				ok = false
			}
			if !isDigit(c) && strings.IndexByte("._e+-", c) < 0 {
				ok = false
			}
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(x, "_", ""), 64)
	if !ok || err != nil && !math.IsInf(f, 0) {
		return nil, raise(ValueError, "could not convert string to float: %s", shown)
	}
	return f, t.scan(len(s))
}

// Int converts to int as int() does.
func (t *Thread) toInt(v Value) (Value, error) {
	switch x := v.(type) {
	case int, *big.Int:
		return x, nil
	case bool:
		i, _ := asInt(x)
		return i, nil
	case float64:
		return floatToInt(x)
	case string:
		return parseInt(t, x, 10, reprStr(x))
	case Bytes:
		return parseInt(t, string(x), 10, reprBytes(x))
	case Inter:
		return x.Int(t)
	}
	return nil, raise(TypeError, "int() argument must be a string, a bytes-like object or a real number, not '%s'", typeName(v))
}

// Inter is an Object that int() takes.
type Inter interface {
	Int(t *Thread) (Value, error)
}

func (t *Thread) isInstance(v, want Value) (bool, error) {
	switch w := want.(type) {
	case *Type:
		return typeOf(v).is(w), nil
	case *Tuple:
		for _, x := range w.V {
			if ok, err := t.isInstance(v, x); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	return false, raise(TypeError, "isinstance() arg 2 must be a type, a tuple of types, or a union")
}

// extreme is min and max.
func extreme(fn string, op int) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		var key Value
		def := Value(missing)
		for _, k := range kw {
			switch k.Name {
			case "key":
				key = k.V
			case "default":
				def = k.V
			default:
				return nil, raise(TypeError, "%s() got an unexpected keyword argument '%s'", fn, k.Name)
			}
		}
		var src Value
		switch len(args) {
		case 0:
			return nil, raise(TypeError, "%s expected at least 1 argument, got 0", fn)
		case 1:
			src = args[0]
		default:
			if def != missing {
				return nil, raise(TypeError, "Cannot specify a default for %s() with multiple positional arguments", fn)
			}
			src = &Tuple{args}
		}
		best, bestKey := Value(missing), Value(nil)
		err := t.Each(src, func(v Value) error {
			k := v
			if key != nil {
				var err error
				if k, err = t.Call(key, []Value{v}, nil); err != nil {
					return err
				}
			}
			if best != missing {
				better, err := t.Compare(op, k, bestKey)
				if err != nil {
					return err
				}
				if better != true {
					return nil
				}
			}
			best, bestKey = v, k
			return nil
		})
		if err != nil {
			return nil, err
		}
		if best == missing {
			if def == missing {
				return nil, raise(ValueError, "%s() arg is an empty sequence", fn)
			}
			return def, nil
		}
		return best, nil
	}
}

// iterObj makes an iterator type that prints like Python's.
func iterOf(name string, next iterFunc) *Iter {
	ty := lazyIterTypes[name]
	if ty == nil {
		ty = otherIterType
	}
	return &Iter{next, ty}
}

var lazyIterTypes = map[string]*Type{}

func needInt(v Value) (int, error) {
	if i, ok := asInt(v); ok {
		return i, nil
	}
	if _, ok := v.(*big.Int); ok {
		return 0, raise(OverflowError, "Python int too large to convert to C ssize_t")
	}
	return 0, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(v))
}

func radix(name string, base int, prefix string) {
	define(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(name, args, kw, "number", "/")
		if err != nil {
			return nil, err
		}
		if !isInt(a[0]) {
			return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
		}
		b := toBig(a[0])
		if err := t.text(b.BitLen()); err != nil {
			return nil, err
		}
		return signOf(b.Sign() < 0, 0) + prefix + new(big.Int).Abs(b).Text(base), nil
	})
}

// roundFloat rounds half to even at n digits behind the point, exactly.
func roundFloat(f float64, n int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) || n > 308 {
		return f
	}
	if n < -308 {
		return math.Copysign(0, f)
	}
	if n >= 0 {
		r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', n, 64), 64)
		if err != nil {
			return f
		}
		return r
	}
	p := math.Pow(10, float64(-n))
	return math.RoundToEven(f/p) * p
}

func init() {
	for name, ty := range excTypes {
		builtins[name] = ty
	}
	builtins["IOError"] = OSError
	builtins["EnvironmentError"] = OSError
	for _, ty := range []*Type{objectType, intType, boolType, floatType, strType, bytesType, listType, tupleType, dictType, setType, frozenType, rangeType, sliceType, typeType} {
		builtins[ty.Name] = ty
	}
	builtins["Ellipsis"] = Ellipsis
	builtins["NotImplemented"] = notImplemented
	builtins["__name__"] = "builtins"
	for _, n := range []string{"enumerate", "zip", "map", "filter", "reversed"} {
		lazyIterTypes[n] = objType(n, objectType)
		builtins[n] = lazyIterTypes[n]
	}
	radix("bin", 2, "0b")
	radix("oct", 8, "0o")
	radix("hex", 16, "0x")
	define("min", extreme("min", 2))
	define("max", extreme("max", 4))
	define("len", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 || len(kw) > 0 {
			return nil, raise(TypeError, "len() takes exactly one argument (%d given)", len(args))
		}
		n, err := t.Len(args[0])
		return n, err
	})
	define("print", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		sep, end := " ", "\n"
		for _, k := range kw {
			s, _ := k.V.(string)
			switch k.Name {
			case "sep":
				if k.V != nil {
					sep = s
				}
			case "end":
				if k.V != nil {
					end = s
				}
			case "flush", "file":
			default:
				return nil, raise(TypeError, "'%s' is an invalid keyword argument for print()", k.Name)
			}
		}
		for i, v := range args {
			s, err := t.Str(v)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				s = sep + s
			}
			if t.out.Len()+len(s) > t.limits.Output {
				return nil, t.limit("output", nil)
			}
			t.out.WriteString(s)
		}
		if t.out.Len()+len(end) > t.limits.Output {
			return nil, t.limit("output", nil)
		}
		t.out.WriteString(end)
		return nil, nil
	})
	define("abs", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("abs", args, kw, "x", "/")
		if err != nil {
			return nil, err
		}
		switch x := a[0].(type) {
		case bool:
			i, _ := asInt(x)
			return i, nil
		case int:
			if x < 0 {
				return subInt(0, x), nil
			}
			return x, nil
		case *big.Int:
			return normBig(new(big.Int).Abs(x)), nil
		case float64:
			return math.Abs(x), nil
		case Operator:
			if r, ok, err := x.Op(t, "abs", nil, false); ok || err != nil {
				return r, err
			}
		}
		return nil, raise(TypeError, "bad operand type for abs(): '%s'", typeName(a[0]))
	})
	define("all", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 {
			return nil, raise(TypeError, "all() takes exactly one argument (%d given)", len(args))
		}
		out := true
		err := t.Each(args[0], func(v Value) error {
			b, err := t.Truth(v)
			if err == nil && !b {
				out = false
				return errStop
			}
			return err
		})
		return out, err
	})
	define("any", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 {
			return nil, raise(TypeError, "any() takes exactly one argument (%d given)", len(args))
		}
		out := false
		err := t.Each(args[0], func(v Value) error {
			b, err := t.Truth(v)
			if b {
				out = true
				return errStop
			}
			return err
		})
		return out, err
	})
	define("sum", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("sum", args, kw, "iterable", "start?")
		if err != nil {
			return nil, err
		}
		acc := Value(0)
		if a[1] != missing {
			acc = a[1]
			if _, ok := acc.(string); ok {
				return nil, raise(TypeError, "sum() can't sum strings [use ''.join(seq) instead]")
			}
		}
		err = t.Each(a[0], func(v Value) error {
			acc, err = t.Binary(0, acc, v)
			return err
		})
		return acc, err
	})
	define("sorted", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 {
			return nil, raise(TypeError, "sorted expected 1 argument, got %d", len(args))
		}
		l, err := t.List(args[0])
		if err != nil {
			return nil, err
		}
		key, reverse, err := t.sortArgs("sorted", kw)
		if err != nil {
			return nil, err
		}
		return l, t.sortValues(l.V, key, reverse)
	})
	define("iter", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("iter", args, kw, "object", "sentinel?", "/")
		if err != nil {
			return nil, err
		}
		if a[1] == missing {
			return t.iterValue(a[0])
		}
		fn, stop := a[0], a[1]
		done := false
		return iterOf("callable_iterator", func(t *Thread) (Value, bool, error) {
			if done {
				return nil, false, nil
			}
			v, err := t.Call(fn, nil, nil)
			if err != nil {
				return nil, false, err
			}
			if done, err = t.Equal(v, stop); err != nil || done {
				return nil, false, err
			}
			return v, true, nil
		}), nil
	})
	define("next", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("next", args, kw, "iterator", "default?", "/")
		if err != nil {
			return nil, err
		}
		var v Value
		var ok bool
		switch x := a[0].(type) {
		case Iterator:
			v, ok, err = x.Next(t)
		default:
			return nil, raise(TypeError, "'%s' object is not an iterator", typeName(a[0]))
		}
		if err != nil || ok {
			return v, err
		}
		if a[1] == missing {
			if g, isGen := a[0].(*Gen); isGen {
				return nil, stopIteration(g.result)
			}
			return nil, stopIteration(nil)
		}
		return a[1], nil
	})
	define("isinstance", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 2 {
			return nil, raise(TypeError, "isinstance expected 2 arguments, got %d", len(args))
		}
		ok, err := t.isInstance(args[0], args[1])
		return ok, err
	})
	define("issubclass", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 2 {
			return nil, raise(TypeError, "issubclass expected 2 arguments, got %d", len(args))
		}
		c, ok := args[0].(*Type)
		if !ok {
			return nil, raise(TypeError, "issubclass() arg 1 must be a class")
		}
		of := []Value{args[1]}
		if tu, ok := args[1].(*Tuple); ok {
			of = tu.V
		}
		for _, o := range of {
			base, ok := o.(*Type)
			if !ok {
				return nil, raise(TypeError, "issubclass() arg 2 must be a class, a tuple of classes, or a union")
			}
			if c.is(base) {
				return true, nil
			}
		}
		return false, nil
	})
	define("callable", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("callable", args, kw, "obj", "/")
		if err != nil {
			return nil, err
		}
		switch a[0].(type) {
		case *Func, *Builtin, *Method, *Type, Caller:
			return true, nil
		}
		return false, nil
	})
	define("hasattr", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("hasattr", args, kw, "obj", "name", "/")
		if err != nil {
			return nil, err
		}
		n, ok := a[1].(string)
		if !ok {
			return nil, raise(TypeError, "attribute name must be string, not '%s'", typeName(a[1]))
		}
		_, err = t.Attr(a[0], n)
		if e, ok := err.(*Exc); ok && e.Kind.is(AttributeError) {
			return false, nil
		}
		return err == nil, err
	})
	define("getattr", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("getattr", args, kw, "obj", "name", "default?", "/")
		if err != nil {
			return nil, err
		}
		n, ok := a[1].(string)
		if !ok {
			return nil, raise(TypeError, "attribute name must be string, not '%s'", typeName(a[1]))
		}
		v, err := t.Attr(a[0], n)
		if e, ok := err.(*Exc); ok && a[2] != missing && e.Kind.is(AttributeError) {
			return a[2], nil
		}
		return v, err
	})
	define("setattr", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("setattr", args, kw, "obj", "name", "value", "/")
		if err != nil {
			return nil, err
		}
		n, ok := a[1].(string)
		if !ok {
			return nil, raise(TypeError, "attribute name must be string, not '%s'", typeName(a[1]))
		}
		return nil, t.SetAttr(a[0], n, a[2])
	})
	define("repr", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("repr", args, kw, "obj", "/")
		if err != nil {
			return nil, err
		}
		return one(t.Repr(a[0]))
	})
	define("ascii", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("ascii", args, kw, "obj", "/")
		if err != nil {
			return nil, err
		}
		s, err := t.Repr(a[0])
		return ascii(s), err
	})
	define("format", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("format", args, kw, "value", "spec?", "/")
		if err != nil {
			return nil, err
		}
		sp := ""
		if a[1] != missing {
			if sp, err = strArg("format", a[1]); err != nil {
				return nil, err
			}
		}
		return one(t.Format(a[0], sp))
	})
	define("hash", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("hash", args, kw, "obj", "/")
		if err != nil {
			return nil, err
		}
		k, err := t.key(a[0])
		if err != nil {
			return nil, err
		}
		if i, ok := k.(int); ok && i != -1 {
			return i, nil
		}
		n, err := t.identity(k)
		return n * 1_000_003, err
	})
	define("id", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("id", args, kw, "obj", "/")
		if err != nil {
			return nil, err
		}
		if a[0] == nil {
			return 1, nil
		}
		n, err := t.identity(a[0])
		return n * 16, err
	})
	define("ord", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("ord", args, kw, "c", "/")
		if err != nil {
			return nil, err
		}
		if b, ok := a[0].(Bytes); ok && len(b) == 1 {
			return int(b[0]), nil
		}
		s, ok := a[0].(string)
		if !ok {
			return nil, raise(TypeError, "ord() expected string of length 1, but %s found", typeName(a[0]))
		}
		if n := utf8.RuneCountInString(s); n != 1 {
			return nil, raise(TypeError, "ord() expected a character, but string of length %d found", n)
		}
		r, _ := utf8.DecodeRuneInString(s)
		return int(r), nil
	})
	define("chr", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("chr", args, kw, "i", "/")
		if err != nil {
			return nil, err
		}
		i, err := needInt(a[0])
		if err != nil {
			return nil, err
		}
		if i < 0 || i > utf8.MaxRune {
			return nil, raise(ValueError, "chr() arg not in range(0x110000)")
		}
		return string(rune(i)), nil
	})
	define("divmod", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("divmod", args, kw, "x", "y", "/")
		if err != nil {
			return nil, err
		}
		q, err := t.Binary(4, a[0], a[1])
		if err != nil {
			if e, ok := err.(*Exc); ok && e.Kind == TypeError {
				return nil, raise(TypeError, "unsupported operand type(s) for divmod(): '%s' and '%s'", typeName(a[0]), typeName(a[1]))
			}
			return nil, err
		}
		r, err := t.Binary(5, a[0], a[1])
		return &Tuple{[]Value{q, r}}, err
	})
	define("pow", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("pow", args, kw, "base", "exp", "mod?")
		if err != nil {
			return nil, err
		}
		if a[2] == missing || a[2] == nil {
			return t.Binary(6, a[0], a[1])
		}
		if !isInt(a[0]) || !isInt(a[1]) || !isInt(a[2]) {
			return nil, raise(TypeError, "pow() 3rd argument not allowed unless all arguments are integers")
		}
		b, e, m := toBig(a[0]), toBig(a[1]), toBig(a[2])
		if m.Sign() == 0 {
			return nil, raise(ValueError, "pow() 3rd argument cannot be 0")
		}
		words := m.BitLen()/64 + 1
		if err := t.charge(e.BitLen() * words * words / 16); err != nil {
			return nil, err
		}
		if e.BitLen()*words*words > 1<<24 {
			return nil, raise(MemoryError, "")
		}
		r := new(big.Int).Exp(b, e, new(big.Int).Abs(m))
		if r == nil || e.Sign() < 0 && new(big.Int).ModInverse(b, new(big.Int).Abs(m)) == nil {
			return nil, raise(ValueError, "base is not invertible for the given modulus")
		}
		_, r = floorDiv(r, m)
		return normBig(r), nil
	})
	define("round", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("round", args, kw, "number", "ndigits?")
		if err != nil {
			return nil, err
		}
		given := a[1] != missing && a[1] != nil
		n := 0
		if given {
			if n, err = needInt(a[1]); err != nil {
				return nil, err
			}
		}
		switch x := a[0].(type) {
		case float64:
			if !given {
				return floatToInt(math.RoundToEven(x))
			}
			return roundFloat(x, n), nil
		case int, bool, *big.Int:
			if !given || n >= 0 {
				return normBig(toBig(x)), nil
			}
			if n < -5000 {
				return 0, nil
			}
			p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-n)), nil)
			q, r := floorDiv(toBig(x), p)
			c := new(big.Int).Lsh(r, 1).Cmp(p)
			if c > 0 || c == 0 && q.Bit(0) == 1 {
				q.Add(q, big.NewInt(1))
			}
			return normBig(q.Mul(q, p)), nil
		}
		return nil, raise(TypeError, "type %s doesn't define __round__ method", typeName(a[0]))
	})
	for _, name := range []string{"open", "eval", "exec", "compile", "input", "globals", "locals", "vars", "dir", "__import__", "memoryview", "breakpoint", "help"} {
		define(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return nil, raise(RuntimeError, "%s() is not available in expressions", name)
		})
	}
	constructors()
}

func one(s string, err error) (Value, error) { return s, err }

func constructors() {
	intType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("int", args, kw, "x?", "/", "base?")
		if err != nil {
			return nil, err
		}
		if a[0] == missing {
			return 0, nil
		}
		if a[1] == missing {
			return t.toInt(a[0])
		}
		base, err := needInt(a[1])
		if err != nil {
			return nil, err
		}
		if base != 0 && (base < 2 || base > 36) {
			return nil, raise(ValueError, "int() base must be >= 2 and <= 36, or 0")
		}
		switch s := a[0].(type) {
		case string:
			return parseInt(t, s, base, reprStr(s))
		case Bytes:
			return parseInt(t, string(s), base, reprBytes(s))
		}
		return nil, raise(TypeError, "int() can't convert non-string with explicit base")
	}
	boolType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) == 0 {
			return false, nil
		}
		if len(args) > 1 {
			return nil, raise(TypeError, "bool expected at most 1 argument, got %d", len(args))
		}
		return wrap(t.Truth(args[0]))
	}
	floatType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("float", args, kw, "x?", "/")
		if err != nil {
			return nil, err
		}
		switch x := a[0].(type) {
		case string:
			return parseFloat(t, x, reprStr(x))
		case Bytes:
			return parseFloat(t, string(x), reprBytes(x))
		case *big.Int:
			f, ok := bigFloat(x)
			if !ok {
				return nil, raise(OverflowError, "int too large to convert to float")
			}
			return f, nil
		}
		if a[0] == missing {
			return 0.0, nil
		}
		f, ok := toFloat(a[0])
		if !ok {
			return nil, raise(TypeError, "float() argument must be a string or a real number, not '%s'", typeName(a[0]))
		}
		return f, nil
	}
	strType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("str", args, kw, "object?", "encoding?", "errors?")
		if err != nil {
			return nil, err
		}
		if a[0] == missing {
			return "", nil
		}
		if a[1] != missing || a[2] != missing {
			b, ok := a[0].(Bytes)
			if !ok {
				if _, isStr := a[0].(string); isStr {
					return nil, raise(TypeError, "decoding str is not supported")
				}
				return nil, raise(TypeError, "decoding to str: need a bytes-like object, %s found", typeName(a[0]))
			}
			return decode(b, a[1], a[2])
		}
		return one(t.Str(a[0]))
	}
	bytesType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("bytes", args, kw, "source?", "encoding?", "errors?")
		if err != nil {
			return nil, err
		}
		switch x := a[0].(type) {
		case string:
			if a[1] == missing {
				return nil, raise(TypeError, "string argument without an encoding")
			}
			return encode(x, a[1], a[2])
		case Bytes:
			return x, nil
		case int, bool:
			n, _ := asInt(x)
			if n < 0 {
				return nil, raise(ValueError, "negative count")
			}
			if err := t.text(n); err != nil {
				return nil, err
			}
			return Bytes(make([]byte, n)), nil
		}
		if a[0] == missing {
			return Bytes(""), nil
		}
		if !iterable(a[0]) {
			return nil, raise(TypeError, "cannot convert '%s' object to bytes", typeName(a[0]))
		}
		var out []byte
		err = t.Each(a[0], func(v Value) error {
			i, err := needInt(v)
			if err != nil {
				return err
			}
			if i < 0 || i > 255 {
				return raise(ValueError, "bytes must be in range(0, 256)")
			}
			out = append(out, byte(i))
			return t.alloc(1)
		})
		return Bytes(out), err
	}
	listType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("list", args, kw, "iterable?", "/")
		if err != nil {
			return nil, err
		}
		if a[0] == missing {
			return &List{}, nil
		}
		return t.List(a[0])
	}
	tupleType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("tuple", args, kw, "iterable?", "/")
		if err != nil {
			return nil, err
		}
		if a[0] == missing {
			return &Tuple{}, nil
		}
		if x, ok := a[0].(*Tuple); ok {
			return x, nil
		}
		l, err := t.List(a[0])
		if err != nil {
			return nil, err
		}
		return &Tuple{l.V}, nil
	}
	dictType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return t.makeDict(&Dict{}, "dict", args, kw)
	}
	set := func(name string, frozen bool) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs(name, args, kw, "iterable?", "/")
			if err != nil {
				return nil, err
			}
			s := &Set{frozen: frozen}
			if a[0] == missing {
				return s, nil
			}
			return s, t.Each(a[0], func(v Value) error { return s.d.Set(t, v, nil) })
		}
	}
	setType.make = set("set", false)
	frozenType.make = set("frozenset", true)
	objectType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return &singleton{"<object object at 0x0>"}, t.alloc(32)
	}
	rangeType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) == 0 || len(args) > 3 || len(kw) > 0 {
			return nil, raise(TypeError, "range expected at least 1 argument, got %d", len(args))
		}
		n := [3]int{0, 0, 1}
		for i, v := range args {
			x, err := needInt(v)
			if err != nil {
				return nil, err
			}
			n[i] = x
		}
		if len(args) == 1 {
			n[0], n[1] = 0, n[0]
		}
		if n[2] == 0 {
			return nil, raise(ValueError, "range() arg 3 must not be zero")
		}
		return rangeOf(n[0], n[1], n[2])
	}
	sliceType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		switch len(args) {
		case 1:
			return &Slice{hi: args[0]}, nil
		case 2:
			return &Slice{lo: args[0], hi: args[1]}, nil
		case 3:
			return &Slice{args[0], args[1], args[2]}, nil
		}
		return nil, raise(TypeError, "slice expected at least 1 argument, got %d", len(args))
	}
	typeType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 {
			return nil, raise(TypeError, "classes are not supported in expressions")
		}
		return typeOf(args[0]), nil
	}
	static(intType, "from_bytes", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("from_bytes", args, kw, "bytes", "byteorder?", "*", "signed?")
		if err != nil {
			return nil, err
		}
		b, ok := a[0].(Bytes)
		if !ok {
			return nil, raise(TypeError, "cannot convert '%s' object to bytes", typeName(a[0]))
		}
		raw := []byte(b)
		if a[1] == "little" {
			for i, j := 0, len(raw)-1; i < j; i, j = i+1, j-1 {
				raw[i], raw[j] = raw[j], raw[i]
			}
		}
		if len(raw) > maxIntBits/8 {
			return nil, raise(MemoryError, "")
		}
		v := new(big.Int).SetBytes(raw)
		if a[2] == true && len(raw) > 0 && raw[0]&0x80 != 0 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
		return normBig(v), nil
	})
	methods(intType, map[string]goFunc{
		"bit_length": func(t *Thread, args []Value, kw []Kw) (Value, error) { return toBig(args[0]).BitLen(), nil },
		"bit_count": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return strings.Count(new(big.Int).Abs(toBig(args[0])).Text(2), "1"), nil
		},
		"is_integer": func(t *Thread, args []Value, kw []Kw) (Value, error) { return true, nil },
		"conjugate":  func(t *Thread, args []Value, kw []Kw) (Value, error) { return args[0], nil },
		"to_bytes": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("to_bytes", args[1:], kw, "length?", "byteorder?", "*", "signed?")
			if err != nil {
				return nil, err
			}
			n := 1
			if a[0] != missing {
				if n, err = needInt(a[0]); err != nil {
					return nil, err
				}
			}
			v := toBig(args[0])
			if n < 0 || n > maxText {
				return nil, raise(ValueError, "length argument must be non-negative")
			}
			if v.Sign() < 0 {
				if a[2] != true {
					return nil, raise(OverflowError, "can't convert negative int to unsigned")
				}
				v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
			}
			if (v.BitLen()+7)/8 > n || v.Sign() < 0 {
				return nil, raise(OverflowError, "int too big to convert")
			}
			if err := t.text(n); err != nil {
				return nil, err
			}
			raw := v.FillBytes(make([]byte, n))
			if a[1] == "little" {
				for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
					raw[i], raw[j] = raw[j], raw[i]
				}
			}
			return Bytes(raw), nil
		},
	})
	self := func(t *Thread, v Value) (Value, error) { return normBig(toBig(v)), nil }
	intType.getters["real"], intType.getters["numerator"] = self, self
	intType.getters["imag"] = func(t *Thread, v Value) (Value, error) { return 0, nil }
	intType.getters["denominator"] = func(t *Thread, v Value) (Value, error) { return 1, nil }
	methods(floatType, map[string]goFunc{
		"is_integer": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			f := args[0].(float64)
			return !math.IsInf(f, 0) && f == math.Trunc(f), nil
		},
	})
	lazyIterTypes["enumerate"].make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("enumerate", args, kw, "iterable", "start?")
		if err != nil {
			return nil, err
		}
		it, err := t.Iter(a[0])
		if err != nil {
			return nil, err
		}
		i := 0
		if a[1] != missing {
			if i, err = needInt(a[1]); err != nil {
				return nil, err
			}
		}
		return iterOf("enumerate", func(t *Thread) (Value, bool, error) {
			v, ok, err := it.Next(t)
			if !ok || err != nil {
				return nil, false, err
			}
			i++
			return &Tuple{[]Value{i - 1, v}}, true, t.alloc(72)
		}), nil
	}
	lazyIterTypes["zip"].make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		strict := false
		for _, k := range kw {
			if k.Name != "strict" {
				return nil, raise(TypeError, "zip() got an unexpected keyword argument '%s'", k.Name)
			}
			strict = k.V == true
		}
		its, err := t.iters("zip", args)
		if err != nil {
			return nil, err
		}
		return iterOf("zip", func(t *Thread) (Value, bool, error) {
			if len(its) == 0 {
				return nil, false, nil
			}
			vs := make([]Value, len(its))
			for i, it := range its {
				v, ok, err := it.Next(t)
				if err != nil {
					return nil, false, err
				}
				if !ok {
					if strict && i > 0 {
						return nil, false, raise(ValueError, "zip() argument %d is shorter than argument%s", i+1, zipArgs(i))
					}
					if strict {
						for j, rest := range its[1:] {
							if _, more, err := rest.Next(t); err != nil || more {
								if err == nil {
									err = raise(ValueError, "zip() argument %d is longer than argument%s", j+2, zipArgs(j+1))
								}
								return nil, false, err
							}
						}
					}
					return nil, false, nil
				}
				vs[i] = v
			}
			return &Tuple{vs}, true, t.alloc(40 + 16*len(vs))
		}), nil
	}
	lazyIterTypes["map"].make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) < 2 {
			return nil, raise(TypeError, "map() must have at least two arguments.")
		}
		fn := args[0]
		its, err := t.iters("map", args[1:])
		if err != nil {
			return nil, err
		}
		return iterOf("map", func(t *Thread) (Value, bool, error) {
			vs := make([]Value, len(its))
			for i, it := range its {
				v, ok, err := it.Next(t)
				if !ok || err != nil {
					return nil, false, err
				}
				vs[i] = v
			}
			v, err := t.Call(fn, vs, nil)
			return v, err == nil, err
		}), nil
	}
	lazyIterTypes["filter"].make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("filter", args, kw, "function", "iterable", "/")
		if err != nil {
			return nil, err
		}
		it, err := t.Iter(a[1])
		if err != nil {
			return nil, err
		}
		return iterOf("filter", func(t *Thread) (Value, bool, error) {
			for {
				v, ok, err := t.next(it)
				if !ok || err != nil {
					return nil, false, err
				}
				k := v
				if a[0] != nil {
					if k, err = t.Call(a[0], []Value{v}, nil); err != nil {
						return nil, false, err
					}
				}
				if keep, err := t.Truth(k); err != nil || keep {
					return v, err == nil, err
				}
			}
		}), nil
	}
	lazyIterTypes["reversed"].make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("reversed", args, kw, "sequence", "/")
		if err != nil {
			return nil, err
		}
		var vs []Value
		switch x := a[0].(type) {
		case *List:
			vs = x.V
		case *Tuple:
			vs = x.V
		case *Range:
			i := x.n
			return iterOf("reversed", func(t *Thread) (Value, bool, error) {
				if i == 0 {
					return nil, false, nil
				}
				i--
				return x.start + i*x.step, true, nil
			}), nil
		case string, Bytes, *Dict, *dictView:
			l, err := t.List(x)
			if err != nil {
				return nil, err
			}
			vs = l.V
		default:
			return nil, raise(TypeError, "'%s' object is not reversible", typeName(a[0]))
		}
		i := len(vs)
		return iterOf("reversed", func(t *Thread) (Value, bool, error) {
			if i == 0 {
				return nil, false, nil
			}
			i--
			return vs[i], true, nil
		}), nil
	}
}

func zipArgs(n int) string {
	if n == 1 {
		return " 1"
	}
	return "s 1-" + strconv.Itoa(n)
}

func (t *Thread) iters(fn string, args []Value) ([]Iterator, error) {
	its := make([]Iterator, len(args))
	for i, v := range args {
		it, err := t.Iter(v)
		if err != nil {
			if fn == "zip" {
				return nil, raise(TypeError, "'%s' object is not iterable", typeName(v))
			}
			return nil, err
		}
		its[i] = it
	}
	return its, nil
}

// makeDict is dict(…) and its subclasses.
func (t *Thread) makeDict(d *Dict, fn string, args []Value, kw []Kw) (Value, error) {
	if len(args) > 1 {
		return nil, raise(TypeError, "%s expected at most 1 argument, got %d", fn, len(args))
	}
	if len(args) == 1 {
		if !iterable(args[0]) && !t.isMapping(args[0]) {
			return nil, raise(TypeError, "'%s' object is not iterable", typeName(args[0]))
		}
		if err := t.updateDict(d, args[0]); err != nil {
			return nil, err
		}
	}
	for _, k := range kw {
		if err := d.Set(t, k.Name, k.V); err != nil {
			return nil, err
		}
	}
	return d, t.alloc(64)
}
