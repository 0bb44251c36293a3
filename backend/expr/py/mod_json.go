package py

import (
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var jsonErrorType = newExc("JSONDecodeError", ValueError)

type jsonReader struct {
	t *Thread
	s string
	i int
}

func (r *jsonReader) fail(msg string, at int) error {
	line := 1 + strings.Count(r.s[:at], "\n")
	col := at - strings.LastIndexByte(r.s[:at], '\n')
	chars := utf8.RuneCountInString(r.s[:at])
	e := raise(jsonErrorType, "%s: line %d column %d (char %d)", msg, line, col, chars).(*Exc)
	e.attrs = map[string]Value{"msg": msg, "pos": chars, "lineno": line, "colno": col, "doc": r.s}
	return e
}

func (r *jsonReader) space() {
	for r.i < len(r.s) && strings.IndexByte(" \t\n\r", r.s[r.i]) >= 0 {
		r.i++
	}
}

// decodeJSON is json.loads.
func decodeJSON(t *Thread, s string) (Value, error) {
	r := &jsonReader{t: t, s: s}
	if err := t.scan(len(s)); err != nil {
		return nil, err
	}
	r.space()
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	r.space()
	if r.i < len(s) {
		return nil, r.fail("Extra data", r.i)
	}
	return v, nil
}

func (r *jsonReader) value() (Value, error) {
	if err := r.t.enter(); err != nil {
		return nil, err
	}
	defer r.t.leave()
	if err := r.t.charge(1); err != nil {
		return nil, err
	}
	if r.i >= len(r.s) {
		return nil, r.fail("Expecting value", r.i)
	}
	for word, v := range map[string]Value{"null": nil, "true": true, "false": false, "NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)} {
		if strings.HasPrefix(r.s[r.i:], word) {
			r.i += len(word)
			return v, nil
		}
	}
	switch c := r.s[r.i]; {
	case c == '"':
		r.i++
		return one(r.str())
	case c == '[':
		r.i++
		l := &List{}
		r.space()
		if r.i < len(r.s) && r.s[r.i] == ']' {
			r.i++
			return l, nil
		}
		for {
			r.space()
			v, err := r.value()
			if err != nil {
				return nil, err
			}
			l.V = append(l.V, v)
			if err := r.t.alloc(24); err != nil {
				return nil, err
			}
			r.space()
			if r.i < len(r.s) && r.s[r.i] == ',' {
				r.i++
				continue
			}
			if r.i < len(r.s) && r.s[r.i] == ']' {
				r.i++
				return l, nil
			}
			return nil, r.fail("Expecting ',' delimiter", r.i)
		}
	case c == '{':
		r.i++
		d := &Dict{}
		r.space()
		if r.i < len(r.s) && r.s[r.i] == '}' {
			r.i++
			return d, nil
		}
		for {
			r.space()
			if r.i >= len(r.s) || r.s[r.i] != '"' {
				return nil, r.fail("Expecting property name enclosed in double quotes", r.i)
			}
			r.i++
			k, err := r.str()
			if err != nil {
				return nil, err
			}
			r.space()
			if r.i >= len(r.s) || r.s[r.i] != ':' {
				return nil, r.fail("Expecting ':' delimiter", r.i)
			}
			r.i++
			r.space()
			v, err := r.value()
			if err != nil {
				return nil, err
			}
			if err := d.Set(r.t, k, v); err != nil {
				return nil, err
			}
			r.space()
			if r.i < len(r.s) && r.s[r.i] == ',' {
				r.i++
				continue
			}
			if r.i < len(r.s) && r.s[r.i] == '}' {
				r.i++
				return d, nil
			}
			return nil, r.fail("Expecting ',' delimiter", r.i)
		}
	case c == '-' || isDigit(c):
		j := r.i
		if c == '-' {
			j++
		}
		start := j
		for j < len(r.s) && isDigit(r.s[j]) {
			j++
		}
		if j == start {
			return nil, r.fail("Expecting value", r.i)
		}
		if r.s[start] == '0' {
			j = start + 1
		}
		float := false
		if j+1 < len(r.s) && r.s[j] == '.' && isDigit(r.s[j+1]) {
			float = true
			j++
			for j < len(r.s) && isDigit(r.s[j]) {
				j++
			}
		}
		if j < len(r.s) && r.s[j]|32 == 'e' {
			k := j + 1
			if k < len(r.s) && (r.s[k] == '+' || r.s[k] == '-') {
				k++
			}
			if k < len(r.s) && isDigit(r.s[k]) {
				float = true
				for k < len(r.s) && isDigit(r.s[k]) {
					k++
				}
				j = k
			}
		}
		text := r.s[r.i:j]
		r.i = j
		if float {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil && !math.IsInf(f, 0) {
				return nil, r.fail("Expecting value", j)
			}
			return f, nil
		}
		return parseInt(r.t, text, 10, text)
	}
	return nil, r.fail("Expecting value", r.i)
}

func (r *jsonReader) str() (string, error) {
	begin := r.i - 1
	var b strings.Builder
	for {
		j := strings.IndexAny(r.s[r.i:], "\"\\\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f")
		if j < 0 {
			return "", r.fail("Unterminated string starting at", begin)
		}
		b.WriteString(r.s[r.i : r.i+j])
		r.i += j
		c := r.s[r.i]
		if c == '"' {
			r.i++
			return b.String(), r.t.alloc(b.Len())
		}
		if c != '\\' {
			return "", r.fail("Invalid control character at", r.i)
		}
		r.i++
		if r.i >= len(r.s) {
			return "", r.fail("Unterminated string starting at", begin)
		}
		switch c := r.s[r.i]; c {
		case '"', '\\', '/':
			b.WriteByte(c)
		case 'b', 'f', 'n', 'r', 't':
			b.WriteByte(simpleEscapes[c])
		case 'u':
			u, ok := r.hex(r.i + 1)
			if !ok {
				return "", r.fail("Invalid \\uXXXX escape", r.i+1)
			}
			r.i += 4
			if utf16.IsSurrogate(u) && strings.HasPrefix(r.s[r.i+1:], "\\u") {
				if lo, ok := r.hex(r.i + 3); ok {
					if full := utf16.DecodeRune(u, lo); full != utf8.RuneError {
						u = full
						r.i += 6
					}
				}
			}
			b.WriteRune(u)
		default:
			return "", r.fail("Invalid \\escape", r.i-1)
		}
		r.i++
	}
}

func (r *jsonReader) hex(i int) (rune, bool) {
	if i+4 > len(r.s) {
		return 0, false
	}
	v, err := strconv.ParseUint(r.s[i:i+4], 16, 32)
	return rune(v), err == nil
}

// jsonWriter is json.dumps.
type jsonWriter struct {
	t           *Thread
	b           strings.Builder
	ascii, sort bool
	nan         bool
	skip        bool
	indent      string
	pretty      bool
	item, key   string
	def         Value
	seen        []Value
}

func (w *jsonWriter) str(s string) error {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case r == '\n':
			w.b.WriteString(`\n`)
		case r == '\r':
			w.b.WriteString(`\r`)
		case r == '\t':
			w.b.WriteString(`\t`)
		case r == '\b':
			w.b.WriteString(`\b`)
		case r == '\f':
			w.b.WriteString(`\f`)
		case r < 0x20:
			w.b.WriteString(`\u00` + hex2(byte(r)))
		case r < 0x80 || !w.ascii:
			w.b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			for _, u := range []rune{hi, lo} {
				w.b.WriteString(`\u` + hex2(byte(u>>8)) + hex2(byte(u)))
			}
		default:
			w.b.WriteString(`\u` + hex2(byte(r>>8)) + hex2(byte(r)))
		}
	}
	w.b.WriteByte('"')
	return w.t.alloc(len(s))
}

func (w *jsonWriter) float(f float64) (string, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		if !w.nan {
			return "", raise(ValueError, "Out of range float values are not JSON compliant")
		}
		return strings.NewReplacer("nan", "NaN", "inf", "Infinity").Replace(reprFloat(f)), nil
	}
	return reprFloat(f), nil
}

func (w *jsonWriter) newline(depth int) {
	if w.pretty {
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat(w.indent, depth))
	}
}

func (w *jsonWriter) value(v Value, depth int) error {
	if err := w.t.enter(); err != nil {
		return err
	}
	defer w.t.leave()
	if err := w.t.charge(1); err != nil {
		return err
	}
	if w.b.Len() > maxText {
		return raise(MemoryError, "")
	}
	switch v.(type) {
	case *List, *Dict, *Tuple:
		for _, s := range w.seen {
			if s == v {
				return raise(ValueError, "Circular reference detected")
			}
		}
		w.seen = append(w.seen, v)
		defer func() { w.seen = w.seen[:len(w.seen)-1] }()
	}
	switch x := v.(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		w.b.WriteString(strconv.FormatBool(x))
	case int, *big.Int:
		s, err := w.t.simpleRepr(x)
		w.b.WriteString(s)
		return err
	case float64:
		s, err := w.float(x)
		w.b.WriteString(s)
		return err
	case string:
		return w.str(x)
	case *List:
		return w.list(x.V, depth)
	case *Tuple:
		return w.list(x.V, depth)
	case *namedTuple:
		return w.list(x.vals, depth)
	case *Dict:
		type pair struct {
			k string
			v Value
		}
		var pairs []pair
		keys := x.items()
		if w.sort {
			var failed error
			sort.SliceStable(keys, func(i, j int) bool {
				a, b := keys[i].(*Tuple).V[0], keys[j].(*Tuple).V[0]
				less, err := w.t.Compare(2, a, b)
				if err != nil {
					failed = err
				}
				return less == true
			})
			if failed != nil {
				return failed
			}
		}
		for _, p := range keys {
			k, val := p.(*Tuple).V[0], p.(*Tuple).V[1]
			var s string
			var err error
			switch kk := k.(type) {
			case string:
				s = kk
			case nil:
				s = "null"
			case bool:
				s = strconv.FormatBool(kk)
			case float64:
				s, err = w.float(kk)
			case int, *big.Int:
				s, err = w.t.simpleRepr(kk)
			default:
				if w.skip {
					continue
				}
				return raise(TypeError, "keys must be str, int, float, bool or None, not %s", typeName(k))
			}
			if err != nil {
				return err
			}
			pairs = append(pairs, pair{s, val})
		}
		if len(pairs) == 0 {
			w.b.WriteString("{}")
			return nil
		}
		w.b.WriteByte('{')
		for i, p := range pairs {
			if i > 0 {
				w.b.WriteString(w.item)
			}
			w.newline(depth + 1)
			if err := w.str(p.k); err != nil {
				return err
			}
			w.b.WriteString(w.key)
			if err := w.value(p.v, depth+1); err != nil {
				return err
			}
		}
		w.newline(depth)
		w.b.WriteByte('}')
	default:
		if w.def == nil {
			return raise(TypeError, "Object of type %s is not JSON serializable", typeName(v))
		}
		r, err := w.t.Call(w.def, []Value{v}, nil)
		if err != nil {
			return err
		}
		return w.value(r, depth)
	}
	return nil
}

func (w *jsonWriter) list(vs []Value, depth int) error {
	if len(vs) == 0 {
		w.b.WriteString("[]")
		return nil
	}
	w.b.WriteByte('[')
	for i, v := range vs {
		if i > 0 {
			w.b.WriteString(w.item)
		}
		w.newline(depth + 1)
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.newline(depth)
	w.b.WriteByte(']')
	return nil
}

func init() {
	makeExc(jsonErrorType)
	jsonErrorType.module = "json.decoder"
	moduleInit["json"] = func() map[string]Value {
		out := table(map[string]goFunc{
			"loads": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("loads", args, kw, "s", "*", "strict?")
				if err != nil {
					return nil, err
				}
				switch x := a[0].(type) {
				case string:
					return decodeJSON(t, x)
				case Bytes:
					s, err := decode(x, missing, missing)
					if err != nil {
						return nil, err
					}
					return decodeJSON(t, s.(string))
				}
				return nil, raise(TypeError, "the JSON object must be str, bytes or bytearray, not %s", typeName(a[0]))
			},
			"dumps": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("dumps", args, kw, "obj", "*", "skipkeys?", "ensure_ascii?", "check_circular?", "allow_nan?", "cls?", "indent?", "separators?", "default?", "sort_keys?")
				if err != nil {
					return nil, err
				}
				w := &jsonWriter{t: t, ascii: a[2] != false, nan: a[4] != false, skip: a[1] == true, sort: a[9] == true, item: ", ", key: ": "}
				switch x := a[6].(type) {
				case int:
					w.pretty, w.indent, w.item = true, strings.Repeat(" ", min(max(x, 0), 100)), ","
				case string:
					w.pretty, w.indent, w.item = true, x[:min(len(x), 100)], ","
				}
				if tu, ok := a[7].(*Tuple); ok && len(tu.V) == 2 {
					w.item, _ = tu.V[0].(string)
					w.key, _ = tu.V[1].(string)
				}
				if a[8] != missing {
					w.def = a[8]
				}
				if err := w.value(a[0], 0); err != nil {
					return nil, err
				}
				return w.b.String(), t.text(w.b.Len())
			},
		})
		out["JSONDecodeError"] = jsonErrorType
		return out
	}
}
