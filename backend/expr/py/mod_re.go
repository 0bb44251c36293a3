package py

import (
	"strings"
	"sync"
	"unicode/utf8"
)

var (
	reErrorType = func() *Type {
		ty := newExc("error", Exception)
		ty.module = "re"
		return ty
	}()
	patternType = objType("Pattern", objectType)
	matchType   = objType("Match", objectType)
)

type rePattern struct{ re *regex }

func (p *rePattern) Type() *Type { return patternType }
func (p *rePattern) Hash(t *Thread) (any, error) {
	return p.re, nil
}
func (p *rePattern) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*rePattern)
	return ok && o.re.src == p.re.src && o.re.flags == p.re.flags, true, nil
}
func (p *rePattern) Repr(t *Thread) (string, error) {
	s := reprStr(p.re.src)
	if p.re.bytes {
		s = reprBytes(Bytes(p.re.src))
	}
	var fl []string
	for _, f := range []struct {
		bit  int
		name string
	}{{reIgnore, "re.IGNORECASE"}, {reMulti, "re.MULTILINE"}, {reDotAll, "re.DOTALL"}, {reVerb, "re.VERBOSE"}, {reASCII, "re.ASCII"}} {
		if p.re.flags&f.bit != 0 {
			fl = append(fl, f.name)
		}
	}
	if len(fl) > 0 {
		s += ", " + strings.Join(fl, "|")
	}
	return "re.compile(" + s + ")", nil
}
func (p *rePattern) Attr(t *Thread, name string) (Value, bool, error) {
	switch name {
	case "pattern":
		return p.re.wrap(p.re.src), true, nil
	case "flags":
		return p.re.flags, true, nil
	case "groups":
		return p.re.groups - 1, true, nil
	case "groupindex":
		d := &Dict{}
		for _, n := range p.re.order {
			if err := d.Set(t, n, p.re.names[n]); err != nil {
				return nil, false, err
			}
		}
		return d, true, nil
	}
	return nil, false, nil
}

func (re *regex) wrap(s string) Value {
	if re.bytes {
		return Bytes(s)
	}
	return s
}

// reMatch is a match: caps are places in bytes.
type reMatch struct {
	re   *regex
	s    string
	caps []int
}

func (m *reMatch) Type() *Type { return matchType }
func (m *reMatch) group(i int) Value {
	if m.caps[2*i+1] < 0 || m.caps[2*i] < 0 {
		return nil
	}
	return m.re.wrap(m.s[m.caps[2*i]:m.caps[2*i+1]])
}
func (m *reMatch) place(p int) int {
	if p < 0 || m.re.bytes {
		return p
	}
	return utf8.RuneCountInString(m.s[:p])
}
func (m *reMatch) index(v Value) (int, error) {
	if s, ok := v.(string); ok {
		if i, ok := m.re.names[s]; ok {
			return i, nil
		}
		return 0, raise(IndexError, "no such group")
	}
	i, ok := asInt(v)
	if !ok || i < 0 || i >= m.re.groups {
		return 0, raise(IndexError, "no such group")
	}
	return i, nil
}
func (m *reMatch) Index(t *Thread, k Value) (Value, error) {
	i, err := m.index(k)
	if err != nil {
		return nil, err
	}
	return m.group(i), nil
}
func (m *reMatch) Attr(t *Thread, name string) (Value, bool, error) {
	switch name {
	case "string":
		return m.re.wrap(m.s), true, nil
	case "re":
		return &rePattern{m.re}, true, nil
	case "pos":
		return 0, true, nil
	case "lastindex":
		best, end := 0, -1
		for i := 1; i < m.re.groups; i++ {
			if m.caps[2*i+1] > end || m.caps[2*i+1] == end && best == 0 && end >= 0 {
				best, end = i, m.caps[2*i+1]
			}
		}
		if best == 0 {
			return nil, true, nil
		}
		return best, true, nil
	}
	return nil, false, nil
}
func (m *reMatch) Repr(t *Thread) (string, error) {
	s, err := t.Repr(m.group(0))
	a, _ := t.Repr(m.place(m.caps[0]))
	b, _ := t.Repr(m.place(m.caps[1]))
	return "<re.Match object; span=(" + a + ", " + b + "), match=" + s + ">", err
}

var reCache struct {
	sync.Mutex
	m map[reKey]*regex
}

type reKey struct {
	src   string
	flags int
	bytes bool
}

// toRegex compiles a pattern, or takes one that is compiled. Compiled patterns are kept: they never change.
func (t *Thread) toRegex(v Value, flags Value) (*regex, error) {
	fl := 0
	if flags != missing {
		n, err := needInt(flags)
		if err != nil {
			return nil, err
		}
		fl = n
	}
	k := reKey{flags: fl &^ 32}
	switch x := v.(type) {
	case *rePattern:
		if fl != 0 {
			return nil, raise(ValueError, "cannot process flags argument with a compiled pattern")
		}
		return x.re, nil
	case string:
		k.src = x
	case Bytes:
		k.src, k.bytes = string(x), true
		k.flags |= reASCII
	default:
		return nil, raise(TypeError, "first argument must be string or compiled pattern")
	}
	reCache.Lock()
	re := reCache.m[k]
	reCache.Unlock()
	if re != nil {
		return re, nil
	}
	if len(k.src) > 64<<10 {
		return nil, raise(reErrorType, "the pattern is too long")
	}
	if err := t.charge(len(k.src)); err != nil {
		return nil, err
	}
	re, err := compileRegex(k.src, k.flags, k.bytes)
	if err != nil {
		return nil, err
	}
	if err := t.alloc(64 * len(re.prog)); err != nil {
		return nil, err
	}
	if len(k.src) < 1024 && len(re.prog) < 4096 {
		reCache.Lock()
		if reCache.m == nil || len(reCache.m) >= 256 {
			reCache.m = map[reKey]*regex{}
		}
		reCache.m[k] = re
		reCache.Unlock()
	}
	return re, nil
}

func (re *regex) subject(v Value) (string, error) {
	if re.bytes {
		if b, ok := v.(Bytes); ok {
			return string(b), nil
		}
		if _, ok := v.(string); ok {
			return "", raise(TypeError, "cannot use a bytes pattern on a string-like object")
		}
		return "", raise(TypeError, "expected string or bytes-like object, got '%s'", typeName(v))
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	if _, ok := v.(Bytes); ok {
		return "", raise(TypeError, "cannot use a string pattern on a bytes-like object")
	}
	return "", raise(TypeError, "expected string or bytes-like object, got '%s'", typeName(v))
}

// each calls fn for the matches from left to right, as Python finds them: an empty match may follow another at once.
func (re *regex) each(t *Thread, s string, fn func(m *reMatch) (bool, error)) error {
	pos := 0
	for pos <= len(s) {
		caps, err := re.find(t, s, pos, len(s), 's')
		if err != nil {
			return err
		}
		if caps == nil {
			return nil
		}
		m := &reMatch{re, s, caps}
		more, err := fn(m)
		if err != nil || !more {
			return err
		}
		if caps[1] == caps[0] { // an empty match: try for a longer one here, else go on behind the next character
			next, err := re.findNonEmpty(t, s, caps[1])
			if err != nil {
				return err
			}
			if next != nil {
				if more, err := fn(&reMatch{re, s, next}); err != nil || !more {
					return err
				}
				pos = next[1]
				continue
			}
			if caps[1] >= len(s) {
				return nil
			}
			n := 1
			if !re.bytes {
				_, n = utf8.DecodeRuneInString(s[caps[1]:])
			}
			pos = caps[1] + n
			continue
		}
		pos = caps[1]
	}
	return nil
}

// findNonEmpty finds a match at the place that takes at least a character.
func (re *regex) findNonEmpty(t *Thread, s string, pos int) ([]int, error) {
	if pos >= len(s) {
		return nil, nil
	}
	m := &matcher{t: t, re: re, s: s, end: len(s), caps: make([]int, 2*re.groups), marks: make([]int, re.marks), notAt: pos + 1}
	for i := range m.marks {
		m.marks[i] = -1
	}
	ok, err := m.match(pos)
	if !ok || err != nil {
		return nil, err
	}
	return m.caps, nil
}

// template is the replacement of sub, taken apart.
type template struct {
	lits   []string
	groups []int
}

func (re *regex) template(s string) (*template, error) {
	tp := &template{}
	var lit strings.Builder
	add := func(g int) {
		tp.lits = append(tp.lits, lit.String())
		lit.Reset()
		tp.groups = append(tp.groups, g)
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			lit.WriteByte(s[i])
			continue
		}
		i++
		if i >= len(s) {
			return nil, raise(reErrorType, "bad escape (end of pattern) at position %d", i-1)
		}
		c := s[i]
		switch {
		case c == 'g':
			j := strings.IndexByte(s[i:], '>')
			if i+1 >= len(s) || s[i+1] != '<' || j < 0 {
				return nil, raise(reErrorType, "missing < at position %d", i+1)
			}
			name := s[i+2 : i+j]
			g, ok := re.names[name]
			if !ok {
				v, err := parseSmall(name)
				if err != nil {
					return nil, raise(IndexError, "unknown group name '%s'", name)
				}
				g = v
			}
			if g >= re.groups {
				return nil, raise(reErrorType, "invalid group reference %d at position %d", g, i+2)
			}
			add(g)
			i += j
		case c == '0':
			n := 1
			for n < 3 && i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '7' {
				n++
			}
			v := 0
			for _, d := range s[i : i+n] {
				v = v*8 + int(d-'0')
			}
			lit.WriteRune(rune(v & 0xff))
			i += n - 1
		case isDigit(c):
			n := 1
			if i+1 < len(s) && isDigit(s[i+1]) {
				n = 2
			}
			g, _ := parseSmall(s[i : i+n])
			if g >= re.groups {
				return nil, raise(reErrorType, "invalid group reference %d at position %d", g, i)
			}
			add(g)
			i += n - 1
		case strings.IndexByte("abfnrtv\\", c) >= 0:
			lit.WriteByte(simpleEscapes[c])
		case c|32 >= 'a' && c|32 <= 'z':
			return nil, raise(reErrorType, "bad escape \\%c at position %d", c, i-1)
		default:
			lit.WriteByte('\\')
			lit.WriteByte(c)
		}
	}
	tp.lits = append(tp.lits, lit.String())
	return tp, nil
}

func parseSmall(s string) (int, error) {
	n := 0
	if s == "" || len(s) > 3 {
		return 0, errStop
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, errStop
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, nil
}

func (tp *template) expand(m *reMatch) string {
	if len(tp.groups) == 0 {
		return tp.lits[0]
	}
	var b strings.Builder
	for i, g := range tp.groups {
		b.WriteString(tp.lits[i])
		if m.caps[2*g] >= 0 && m.caps[2*g+1] >= 0 {
			b.WriteString(m.s[m.caps[2*g]:m.caps[2*g+1]])
		}
	}
	b.WriteString(tp.lits[len(tp.lits)-1])
	return b.String()
}

// reOp is a function of re that takes the pattern first; the methods of patterns call it too.
type reOp func(t *Thread, re *regex, a []Value) (Value, error)

var reOps = map[string]struct {
	params []string
	op     reOp
}{}

// defineRe makes both the function and the method.
func defineRe(name string, op reOp, params ...string) {
	reOps[name] = struct {
		params []string
		op     reOp
	}{params, op}
	method := params
	if name == "match" || name == "search" || name == "fullmatch" {
		method = []string{"string", "pos?", "endpos?"}
	}
	methods(patternType, map[string]goFunc{name: func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(name, args[1:], kw, method...)
		if err != nil {
			return nil, err
		}
		return op(t, args[0].(*rePattern).re, a)
	}})
}

func init() {
	makeExc(reErrorType)
	patternType.module, matchType.module = "re", "re"
	for name, mode := range map[string]byte{"match": 'm', "search": 's', "fullmatch": 'f'} {
		defineRe(name, func(t *Thread, re *regex, a []Value) (Value, error) {
			s, err := re.subject(a[0])
			if err != nil {
				return nil, err
			}
			pos, end := 0, len(s)
			if len(a) > 1 && (a[1] != missing || a[2] != missing) {
				kind := strKind
				if re.bytes {
					kind = bytKind
				}
				if pos, end, err = kind.window(t, s, a[1:]); err != nil || pos > end {
					return nil, err
				}
			}
			caps, err := re.find(t, s, pos, end, mode)
			if err != nil || caps == nil {
				return nil, err
			}
			return &reMatch{re, s, caps}, nil
		}, "string")
	}
	item := func(m *reMatch) Value {
		switch m.re.groups {
		case 1:
			return m.group(0)
		case 2:
			if v := m.group(1); v != nil {
				return v
			}
			return m.re.wrap("")
		}
		out := &Tuple{}
		for i := 1; i < m.re.groups; i++ {
			v := m.group(i)
			if v == nil {
				v = m.re.wrap("")
			}
			out.V = append(out.V, v)
		}
		return out
	}
	defineRe("findall", func(t *Thread, re *regex, a []Value) (Value, error) {
		s, err := re.subject(a[0])
		if err != nil {
			return nil, err
		}
		out := &List{}
		return out, re.each(t, s, func(m *reMatch) (bool, error) {
			out.V = append(out.V, item(m))
			return true, t.alloc(48)
		})
	}, "string")
	defineRe("finditer", func(t *Thread, re *regex, a []Value) (Value, error) {
		s, err := re.subject(a[0])
		if err != nil {
			return nil, err
		}
		out := &List{}
		err = re.each(t, s, func(m *reMatch) (bool, error) {
			out.V = append(out.V, m)
			return true, t.alloc(64)
		})
		if err != nil {
			return nil, err
		}
		return t.iterValue(out)
	}, "string")
	defineRe("split", func(t *Thread, re *regex, a []Value) (Value, error) {
		s, err := re.subject(a[0])
		if err != nil {
			return nil, err
		}
		limit := 0
		if a[1] != missing {
			if limit, err = needInt(a[1]); err != nil {
				return nil, err
			}
		}
		out := &List{}
		last, n := 0, 0
		if limit >= 0 {
			err = re.each(t, s, func(m *reMatch) (bool, error) {
				out.V = append(out.V, re.wrap(s[last:m.caps[0]]))
				for i := 1; i < re.groups; i++ {
					out.V = append(out.V, m.group(i))
				}
				last = m.caps[1]
				n++
				return limit == 0 || n < limit, t.alloc(48)
			})
		}
		out.V = append(out.V, re.wrap(s[last:]))
		return out, err
	}, "string", "maxsplit?")
	sub := func(count bool) reOp {
		return func(t *Thread, re *regex, a []Value) (Value, error) {
			s, err := re.subject(a[1])
			if err != nil {
				return nil, err
			}
			limit := 0
			if a[2] != missing {
				if limit, err = needInt(a[2]); err != nil {
					return nil, err
				}
			}
			var tp *template
			if r, ok := a[0].(string); ok && !re.bytes {
				tp, err = re.template(r)
			} else if r, ok := a[0].(Bytes); ok && re.bytes {
				tp, err = re.template(string(r))
			} else if _, isF := a[0].(*Func); !isF {
				switch a[0].(type) {
				case *Builtin, *Method, *Type, Caller:
				default:
					return nil, raise(TypeError, "decoding to str: need a bytes-like object, %s found", typeName(a[0]))
				}
			}
			if err != nil {
				return nil, err
			}
			var b strings.Builder
			last, n := 0, 0
			err = re.each(t, s, func(m *reMatch) (bool, error) {
				b.WriteString(s[last:m.caps[0]])
				last = m.caps[1]
				if tp != nil {
					b.WriteString(tp.expand(m))
				} else {
					v, err := t.Call(a[0], []Value{m}, nil)
					if err != nil {
						return false, err
					}
					switch x := v.(type) {
					case string:
						b.WriteString(x)
					case Bytes:
						b.WriteString(string(x))
					case nil:
					default:
						return false, raise(TypeError, "expected str instance, %s found", typeName(v))
					}
				}
				if b.Len() > maxText {
					return false, raise(MemoryError, "")
				}
				n++
				return limit == 0 || n < limit, t.charge(1)
			})
			if err != nil {
				return nil, err
			}
			b.WriteString(s[last:])
			if err := t.text(b.Len()); err != nil {
				return nil, err
			}
			if count {
				return &Tuple{[]Value{re.wrap(b.String()), n}}, nil
			}
			return re.wrap(b.String()), nil
		}
	}
	defineRe("sub", sub(false), "repl", "string", "count?")
	defineRe("subn", sub(true), "repl", "string", "count?")

	methods(matchType, map[string]goFunc{
		"group": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			m := args[0].(*reMatch)
			if len(args) == 1 {
				return m.group(0), nil
			}
			out := &Tuple{}
			for _, v := range args[1:] {
				i, err := m.index(v)
				if err != nil {
					return nil, err
				}
				if len(args) == 2 {
					return m.group(i), nil
				}
				out.V = append(out.V, m.group(i))
			}
			return out, nil
		},
		"groups": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("groups", args[1:], kw, "default?")
			if err != nil {
				return nil, err
			}
			m := args[0].(*reMatch)
			out := &Tuple{}
			for i := 1; i < m.re.groups; i++ {
				v := m.group(i)
				if v == nil && a[0] != missing {
					v = a[0]
				}
				out.V = append(out.V, v)
			}
			return out, nil
		},
		"groupdict": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("groupdict", args[1:], kw, "default?")
			if err != nil {
				return nil, err
			}
			m := args[0].(*reMatch)
			d := &Dict{}
			for _, n := range m.re.order {
				v := m.group(m.re.names[n])
				if v == nil && a[0] != missing {
					v = a[0]
				}
				if err := d.Set(t, n, v); err != nil {
					return nil, err
				}
			}
			return d, nil
		},
		"expand": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("expand", args[1:], kw, "template")
			if err != nil {
				return nil, err
			}
			s, err := strArg("expand", a[0])
			if err != nil {
				return nil, err
			}
			m := args[0].(*reMatch)
			tp, err := m.re.template(s)
			if err != nil {
				return nil, err
			}
			return m.re.wrap(tp.expand(m)), nil
		},
	})
	for name, which := range map[string]int{"start": 0, "end": 1, "span": 2} {
		methods(matchType, map[string]goFunc{name: func(t *Thread, args []Value, kw []Kw) (Value, error) {
			m := args[0].(*reMatch)
			i := 0
			if len(args) > 1 {
				var err error
				if i, err = m.index(args[1]); err != nil {
					return nil, err
				}
			}
			a, b := m.place(m.caps[2*i]), m.place(m.caps[2*i+1])
			switch which {
			case 0:
				return a, nil
			case 1:
				return b, nil
			}
			return &Tuple{[]Value{a, b}}, nil
		}})
	}
	moduleInit["re"] = func() map[string]Value {
		out := map[string]Value{"error": reErrorType, "Pattern": patternType, "Match": matchType}
		for name, v := range map[string]int{"I": reIgnore, "IGNORECASE": reIgnore, "M": reMulti, "MULTILINE": reMulti, "S": reDotAll, "DOTALL": reDotAll, "X": reVerb, "VERBOSE": reVerb, "A": reASCII, "ASCII": reASCII, "U": 32, "UNICODE": 32, "NOFLAG": 0} {
			out[name] = v
		}
		for name, o := range reOps {
			out[name] = fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, append(append([]string{"pattern"}, o.params...), "flags?")...)
				if err != nil {
					return nil, err
				}
				re, err := t.toRegex(a[0], a[len(a)-1])
				if err != nil {
					return nil, err
				}
				return o.op(t, re, a[1:len(a)-1])
			})
		}
		out["compile"] = fn("compile", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("compile", args, kw, "pattern", "flags?")
			if err != nil {
				return nil, err
			}
			re, err := t.toRegex(a[0], a[1])
			if err != nil {
				return nil, err
			}
			return &rePattern{re}, nil
		})
		out["escape"] = fn("escape", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("escape", args, kw, "pattern")
			if err != nil {
				return nil, err
			}
			s, isBytes := "", false
			switch x := a[0].(type) {
			case string:
				s = x
			case Bytes:
				s, isBytes = string(x), true
			default:
				return nil, raise(TypeError, "expected string or bytes-like object, got '%s'", typeName(x))
			}
			if err := t.text(2 * len(s)); err != nil {
				return nil, err
			}
			var b strings.Builder
			for i := 0; i < len(s); i++ {
				if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
					b.WriteByte('\\')
				}
				b.WriteByte(s[i])
			}
			if isBytes {
				return Bytes(b.String()), nil
			}
			return b.String(), nil
		})
		out["purge"] = fn("purge", func(t *Thread, args []Value, kw []Kw) (Value, error) { return nil, nil })
		return out
	}
}
