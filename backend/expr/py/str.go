package py

import (
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// args reads the arguments of a builtin. names: "x" is needed, "x?" is optional; behind "*" come keywords only, before "/" none.
// What is not given is missing.
func readArgs(fn string, args []Value, kw []Kw, names ...string) ([]Value, error) {
	out := make([]Value, 0, len(names))
	var ids []string
	var opt []bool
	pos, slash := -1, 0
	for _, n := range names {
		switch n {
		case "*":
			pos = len(ids)
		case "/":
			slash = len(ids)
		default:
			id, o := strings.CutSuffix(n, "?")
			ids, opt = append(ids, id), append(opt, o)
			out = append(out, missing)
		}
	}
	if pos < 0 {
		pos = len(ids)
	}
	if len(args) > pos {
		least := 0
		for i := range pos {
			if !opt[i] {
				least++
			}
		}
		switch {
		case least == pos && pos == 0:
			return nil, raise(TypeError, "%s() takes no arguments (%d given)", fn, len(args))
		case least == pos:
			return nil, raise(TypeError, "%s expected %d argument%s, got %d", fn, pos, plural(pos), len(args))
		}
		return nil, raise(TypeError, "%s expected at most %d argument%s, got %d", fn, pos, plural(pos), len(args))
	}
	copy(out, args)
next:
	for _, k := range kw {
		for i, id := range ids {
			if id == k.Name && i >= slash {
				if out[i] != missing {
					return nil, raise(TypeError, "argument for %s() given by name ('%s') and position (%d)", fn, id, i+1)
				}
				out[i] = k.V
				continue next
			}
		}
		return nil, raise(TypeError, "%s() got an unexpected keyword argument '%s'", fn, k.Name)
	}
	for i := range ids {
		if out[i] == missing && !opt[i] {
			if len(args) == 0 && len(ids) == 1 {
				return nil, raise(TypeError, "%s expected at least 1 argument, got 0", fn)
			}
			return nil, raise(TypeError, "%s() missing required argument '%s' (pos %d)", fn, ids[i], i+1)
		}
	}
	return out, nil
}

// ReadArgs reads the arguments of a function of the host: "x" is needed, "x?" optional, behind "*" come keywords only.
// What is not given is Missing.
func ReadArgs(fn string, args []Value, kw []Kw, names ...string) ([]Value, error) {
	return readArgs(fn, args, kw, names...)
}

// Missing stands for an argument that was not given.
var Missing = missing

// NewFunc makes a function of the host.
func NewFunc(name string, fn func(t *Thread, args []Value, kw []Kw) (Value, error)) *Builtin {
	return &Builtin{Name: name, Fn: fn}
}

type goFunc = func(t *Thread, args []Value, kw []Kw) (Value, error)

// methods adds methods to a type.
func methods(ty *Type, m map[string]goFunc) {
	for name, fn := range m {
		ty.methods[name] = &Builtin{Name: name, Fn: guard(ty, name, fn), kind: "method"}
	}
}

// guard checks that a method taken from its type gets an object of it.
func guard(ty *Type, name string, fn goFunc) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) == 0 {
			return nil, raise(TypeError, "unbound method %s.%s() needs an argument", ty.Name, name)
		}
		if got := typeOf(args[0]); got != ty && !got.is(ty) {
			return nil, raise(TypeError, "descriptor '%s' for '%s' objects doesn't apply to a '%s' object", name, ty.Name, got.Name)
		}
		return fn(t, args, kw)
	}
}

func static(ty *Type, name string, fn goFunc) {
	ty.methods[name] = &Builtin{Name: name, Fn: fn}
}

func strArg(fn string, v Value) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", raise(TypeError, "%s() argument must be str, not %s", fn, typeName(v))
	}
	return s, nil
}

// pySpace is what str.split and strip take as white space.
func pySpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func asciiSpace(r rune) bool { return strings.ContainsRune(" \t\n\r\f\v", r) }

// textual shares the methods of str and bytes: wrap makes the type of the receiver, arg reads an argument of it.
type textual struct {
	name  string
	space func(rune) bool
	wrap  func(string) Value
	arg   func(v Value) (string, bool)
}

var (
	strKind = textual{"str", pySpace, func(s string) Value { return s }, func(v Value) (string, bool) { s, ok := v.(string); return s, ok }}
	bytKind = textual{"bytes", asciiSpace, func(s string) Value { return Bytes(s) }, func(v Value) (string, bool) { s, ok := v.(Bytes); return string(s), ok }}
)

func (k textual) self(v Value) string {
	s, _ := k.arg(v)
	return s
}

func (k textual) need(fn string, v Value) (string, error) {
	if s, ok := k.arg(v); ok {
		return s, nil
	}
	if k.name == "bytes" {
		return "", raise(TypeError, "a bytes-like object is required, not '%s'", typeName(v))
	}
	return "", raise(TypeError, "%s arg must be str, not %s", fn, typeName(v))
}

func (k textual) list(t *Thread, parts []string) (Value, error) {
	l := &List{make([]Value, len(parts))}
	n := 0
	for i, p := range parts {
		l.V[i] = k.wrap(p)
		n += len(p)
	}
	return l, t.alloc(32*len(parts) + n)
}

// affix is startswith or endswith.
func (k textual) affix(fn string, has func(s, p string) bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) < 2 || len(args) > 4 || len(kw) > 0 {
			return nil, raise(TypeError, "%s() takes at least 1 argument (%d given)", fn, len(args)-1)
		}
		s := k.self(args[0])
		if len(args) > 2 {
			lo, hi, err := k.window(t, s, args[2:])
			if err != nil {
				return nil, err
			}
			if lo > hi {
				return false, nil
			}
			s = s[lo:hi]
		}
		if p, ok := k.arg(args[1]); ok {
			return has(s, p), nil
		}
		tu, ok := args[1].(*Tuple)
		if !ok {
			return nil, raise(TypeError, "%s first arg must be %s or a tuple of %s, not %s", fn, k.name, k.name, typeName(args[1]))
		}
		for _, v := range tu.V {
			p, ok := k.arg(v)
			if !ok {
				return nil, raise(TypeError, "tuple for %s must only contain %s, not %s", fn, k.name, typeName(v))
			}
			if has(s, p) {
				return true, nil
			}
		}
		return false, nil
	}
}

// window turns optional start and end (in characters) into byte places.
func (k textual) window(t *Thread, s string, v []Value) (int, int, error) {
	sl := &Slice{}
	if len(v) > 0 && v[0] != missing {
		sl.lo = v[0]
	}
	if len(v) > 1 && v[1] != missing {
		sl.hi = v[1]
	}
	n := len(s)
	wide := k.name == "str" && !isASCII(s)
	if wide {
		n = utf8.RuneCountInString(s)
	}
	if err := t.scan(len(s)); err != nil {
		return 0, 0, err
	}
	start, _, count, err := sl.bounds(n)
	if err != nil {
		return 0, 0, err
	}
	if count == 0 {
		if i, ok := asInt(sl.lo); ok && i > n {
			return 1, 0, nil
		}
	}
	end := start + count
	if wide {
		start, end = bytePos(s, start), bytePos(s, end)
	}
	return start, end, nil
}

// bytePos is the place in bytes of a character.
func bytePos(s string, i int) int {
	for p := range s {
		if i == 0 {
			return p
		}
		i--
	}
	return len(s)
}

func (k textual) find(fn string, last, must bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(fn, args[1:], kw, "sub", "start?", "end?", "/")
		if err != nil {
			return nil, err
		}
		s := k.self(args[0])
		p, ok := k.arg(a[0])
		if !ok {
			if i, isI := asInt(a[0]); isI && k.name == "bytes" && i >= 0 && i < 256 {
				p = string([]byte{byte(i)})
			} else if k.name == "bytes" {
				return nil, raise(TypeError, "argument should be integer or bytes-like object, not '%s'", typeName(a[0]))
			} else {
				return nil, raise(TypeError, "must be str, not %s", typeName(a[0]))
			}
		}
		lo, hi, err := k.window(t, s, a[1:])
		if err != nil {
			return nil, err
		}
		i := -1
		if lo <= hi {
			if last {
				i = strings.LastIndex(s[lo:hi], p)
			} else {
				i = strings.Index(s[lo:hi], p)
			}
		}
		if i < 0 {
			if must {
				if k.name == "bytes" {
					return nil, raise(ValueError, "subsection not found")
				}
				return nil, raise(ValueError, "substring not found")
			}
			return -1, nil
		}
		if k.name == "str" {
			return utf8.RuneCountInString(s[:lo+i]), nil
		}
		return lo + i, nil
	}
}

func (k textual) strip(fn string, left, right bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(fn, args[1:], kw, "chars?", "/")
		if err != nil {
			return nil, err
		}
		s := k.self(args[0])
		in := k.space
		if a[0] != missing && a[0] != nil {
			set, err := k.need(fn, a[0])
			if err != nil {
				return nil, err
			}
			in = func(r rune) bool { return strings.ContainsRune(set, r) }
		}
		if err := t.scan(len(s)); err != nil {
			return nil, err
		}
		if left {
			s = strings.TrimLeftFunc(s, in)
		}
		if right {
			s = strings.TrimRightFunc(s, in)
		}
		return k.wrap(s), nil
	}
}

func (k textual) split(fn string, fromRight bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(fn, args[1:], kw, "sep?", "maxsplit?")
		if err != nil {
			return nil, err
		}
		s := k.self(args[0])
		limit := -1
		if a[1] != missing {
			n, ok := asInt(a[1])
			if !ok {
				return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[1]))
			}
			limit = n
		}
		if err := t.scan(len(s)); err != nil {
			return nil, err
		}
		if a[0] == missing || a[0] == nil {
			return k.list(t, k.fields(s, limit, fromRight))
		}
		sep, ok := k.arg(a[0])
		if !ok {
			if k.name == "bytes" {
				return nil, raise(TypeError, "a bytes-like object is required, not '%s'", typeName(a[0]))
			}
			return nil, raise(TypeError, "must be str or None, not %s", typeName(a[0]))
		}
		if sep == "" {
			return nil, raise(ValueError, "empty separator")
		}
		if n := strings.Count(s, sep); limit < 0 || n < limit {
			limit = n
		}
		if err := t.alloc(32 * limit); err != nil {
			return nil, err
		}
		if !fromRight {
			return k.list(t, strings.SplitN(s, sep, limit+1))
		}
		parts := make([]string, limit+1)
		for i := limit; i > 0; i-- {
			j := strings.LastIndex(s, sep)
			parts[i] = s[j+len(sep):]
			s = s[:j]
		}
		parts[0] = s
		return k.list(t, parts)
	}
}

// fields splits at white space.
func (k textual) fields(s string, limit int, fromRight bool) []string {
	if limit < 0 {
		return strings.FieldsFunc(s, k.space)
	}
	var out []string
	if fromRight {
		for {
			s = strings.TrimRightFunc(s, k.space)
			if s == "" {
				break
			}
			i := strings.LastIndexFunc(s, k.space)
			if len(out) == limit || i < 0 {
				out = append(out, s)
				break
			}
			_, n := utf8.DecodeRuneInString(s[i:])
			out = append(out, s[i+n:])
			s = s[:i]
		}
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
		return out
	}
	for {
		s = strings.TrimLeftFunc(s, k.space)
		if s == "" {
			return out
		}
		i := strings.IndexFunc(s, k.space)
		if len(out) == limit || i < 0 {
			return append(out, s)
		}
		out = append(out, s[:i])
		s = s[i:]
	}
}

func lineBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

func splitLines(s string, keep bool, brk func(rune) bool) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !brk(r) {
			i += n
			continue
		}
		end := i
		i += n
		if r == '\r' && i < len(s) && s[i] == '\n' {
			i++
		}
		if keep {
			end = i
		}
		out = append(out, s[start:end])
		start = i
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func (k textual) partition(fn string, last bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(fn, args[1:], kw, "sep", "/")
		if err != nil {
			return nil, err
		}
		s := k.self(args[0])
		sep, ok := k.arg(a[0])
		if !ok {
			return nil, raise(TypeError, "must be str, not %s", typeName(a[0]))
		}
		if sep == "" {
			return nil, raise(ValueError, "empty separator")
		}
		i := strings.Index(s, sep)
		if last {
			i = strings.LastIndex(s, sep)
		}
		if i < 0 {
			if last {
				return &Tuple{[]Value{k.wrap(""), k.wrap(""), k.wrap(s)}}, nil
			}
			return &Tuple{[]Value{k.wrap(s), k.wrap(""), k.wrap("")}}, nil
		}
		return &Tuple{[]Value{k.wrap(s[:i]), k.wrap(sep), k.wrap(s[i+len(sep):])}}, t.alloc(96)
	}
}

func (k textual) just(fn string, align byte) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(fn, args[1:], kw, "width", "fillchar?", "/")
		if err != nil {
			return nil, err
		}
		w, ok := asInt(a[0])
		if !ok {
			return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
		}
		fill := " "
		if a[1] != missing {
			f, ok := k.arg(a[1])
			if !ok {
				return nil, raise(TypeError, "The fill character must be a unicode character, not %s", typeName(a[1]))
			}
			if utf8.RuneCountInString(f) != 1 {
				return nil, raise(TypeError, "The fill character must be exactly one character long")
			}
			fill = f
		}
		s := k.self(args[0])
		n := utf8.RuneCountInString(s)
		if w <= n {
			return k.wrap(s), nil
		}
		gap := w - n
		if gap > maxText {
			return nil, raise(MemoryError, "")
		}
		if err := t.text(len(s) + gap*len(fill)); err != nil {
			return nil, err
		}
		left, right := 0, gap
		switch align {
		case '>':
			left, right = gap, 0
		case '^':
			left = gap/2 + gap&w&1
			right = gap - left
		}
		return k.wrap(strings.Repeat(fill, left) + s + strings.Repeat(fill, right)), nil
	}
}

// mapped makes a method without arguments of a Go function on texts.
func (k textual) mapped(fn string, f func(string) string) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 || len(kw) > 0 {
			return nil, raise(TypeError, "%s.%s() takes no arguments (%d given)", k.name, fn, len(args)-1+len(kw))
		}
		s := k.self(args[0])
		if err := t.text(len(s)); err != nil {
			return nil, err
		}
		return k.wrap(f(s)), nil
	}
}

func (k textual) test(fn string, f func(string) bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(args) != 1 || len(kw) > 0 {
			return nil, raise(TypeError, "%s.%s() takes no arguments (%d given)", k.name, fn, len(args)-1+len(kw))
		}
		s := k.self(args[0])
		return f(s), t.scan(len(s))
	}
}

func all(s string, f func(rune) bool) bool {
	for _, r := range s {
		if !f(r) {
			return false
		}
	}
	return s != ""
}

// cased says whether all cased letters pass and there is one.
func cased(s string, f, other func(rune) bool) bool {
	found := false
	for _, r := range s {
		if other(r) || unicode.IsTitle(r) {
			return false
		}
		if f(r) {
			found = true
		}
	}
	return found
}

func isTitle(s string) bool {
	prev, found := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if prev {
				return false
			}
			prev, found = true, true
		case unicode.IsLower(r):
			if !prev {
				return false
			}
			found = true
		default:
			prev = false
		}
	}
	return found
}

func isCased(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) }

func titleCase(s string) string {
	var b strings.Builder
	prev := false
	for _, r := range s {
		switch {
		case !prev && r == 'ß':
			b.WriteString("Ss")
		case prev:
			b.WriteString(lower(string(r)))
		default:
			b.WriteRune(unicode.ToTitle(r))
		}
		prev = isCased(r)
	}
	return b.String()
}

func upper(s string) string {
	if strings.ContainsAny(s, "ßŉﬁﬂ") {
		s = strings.NewReplacer("ß", "SS", "ŉ", "ʼN", "ﬁ", "FI", "ﬂ", "FL").Replace(s)
	}
	return strings.ToUpper(s)
}

func lower(s string) string {
	if strings.Contains(s, "İ") {
		s = strings.ReplaceAll(s, "İ", "i̇")
	}
	if strings.Contains(s, "Σ") { // a final sigma
		rs := []rune(s)
		for i, r := range rs {
			if r == 'Σ' && i > 0 && unicode.IsLetter(rs[i-1]) && (i+1 == len(rs) || !unicode.IsLetter(rs[i+1])) {
				rs[i] = 'ς'
			}
		}
		s = string(rs)
	}
	return strings.ToLower(s)
}

func casefold(s string) string {
	return strings.ToLower(strings.NewReplacer("ß", "ss", "ẞ", "ss", "ς", "σ", "Σ", "σ", "ﬁ", "fi", "ﬂ", "fl").Replace(s))
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	first := string(unicode.ToTitle(r))
	if r == 'ß' {
		first = "Ss"
	}
	return first + lower(s[n:])
}

func swapcase(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lower(string(r)))
		case unicode.IsLower(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// common adds the methods that str and bytes share.
func (k textual) common(ty *Type) {
	methods(ty, map[string]goFunc{
		"startswith": k.affix("startswith", strings.HasPrefix),
		"endswith":   k.affix("endswith", strings.HasSuffix),
		"find":       k.find("find", false, false),
		"rfind":      k.find("rfind", true, false),
		"index":      k.find("index", false, true),
		"rindex":     k.find("rindex", true, true),
		"strip":      k.strip("strip", true, true),
		"lstrip":     k.strip("lstrip", true, false),
		"rstrip":     k.strip("rstrip", false, true),
		"split":      k.split("split", false),
		"rsplit":     k.split("rsplit", true),
		"partition":  k.partition("partition", false),
		"rpartition": k.partition("rpartition", true),
		"ljust":      k.just("ljust", '<'),
		"rjust":      k.just("rjust", '>'),
		"center":     k.just("center", '^'),
		"lower":      k.mapped("lower", lower),
		"upper":      k.mapped("upper", upper),
		"title":      k.mapped("title", titleCase),
		"capitalize": k.mapped("capitalize", capitalize),
		"swapcase":   k.mapped("swapcase", swapcase),
		"isdigit":    k.test("isdigit", func(s string) bool { return all(s, isDigitRune) }),
		"isalpha":    k.test("isalpha", func(s string) bool { return all(s, unicode.IsLetter) }),
		"isalnum":    k.test("isalnum", func(s string) bool { return all(s, isAlnum) }),
		"isspace":    k.test("isspace", func(s string) bool { return all(s, k.space) }),
		"islower":    k.test("islower", func(s string) bool { return cased(s, unicode.IsLower, unicode.IsUpper) }),
		"isupper":    k.test("isupper", func(s string) bool { return cased(s, unicode.IsUpper, unicode.IsLower) }),
		"istitle":    k.test("istitle", isTitle),
		"isascii":    k.test("isascii", isASCII),
		"removeprefix": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("removeprefix", args[1:], kw, "prefix", "/")
			if err != nil {
				return nil, err
			}
			p, err := k.needArg("removeprefix", a[0])
			return k.wrap(strings.TrimPrefix(k.self(args[0]), p)), err
		},
		"removesuffix": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("removesuffix", args[1:], kw, "suffix", "/")
			if err != nil {
				return nil, err
			}
			p, err := k.needArg("removesuffix", a[0])
			return k.wrap(strings.TrimSuffix(k.self(args[0]), p)), err
		},
		"count": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("count", args[1:], kw, "sub", "start?", "end?", "/")
			if err != nil {
				return nil, err
			}
			s := k.self(args[0])
			p, ok := k.arg(a[0])
			if !ok {
				return nil, raise(TypeError, "must be str, not %s", typeName(a[0]))
			}
			lo, hi, err := k.window(t, s, a[1:])
			if err != nil || lo > hi {
				return 0, err
			}
			if k.name == "bytes" && p == "" {
				return hi - lo + 1, nil
			}
			return strings.Count(s[lo:hi], p), nil
		},
		"replace": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("replace", args[1:], kw, "old", "new", "count?", "/")
			if err != nil {
				return nil, err
			}
			s := k.self(args[0])
			old, ok := k.arg(a[0])
			if !ok {
				return nil, raise(TypeError, "replace() argument 1 must be str, not %s", typeName(a[0]))
			}
			with, ok := k.arg(a[1])
			if !ok {
				return nil, raise(TypeError, "replace() argument 2 must be str, not %s", typeName(a[1]))
			}
			n := -1
			if a[2] != missing {
				if n, ok = asInt(a[2]); !ok {
					return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[2]))
				}
			}
			hits := strings.Count(s, old)
			if n >= 0 && n < hits {
				hits = n
			}
			if len(with) > 0 && hits > maxText/len(with) {
				return nil, raise(MemoryError, "")
			}
			if err := t.text(len(s) + hits*len(with)); err != nil {
				return nil, err
			}
			return k.wrap(strings.Replace(s, old, with, n)), nil
		},
		"join": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs(k.name+".join", args[1:], kw, "iterable", "/")
			if err != nil {
				return nil, err
			}
			if !iterable(a[0]) {
				return nil, raise(TypeError, "can only join an iterable")
			}
			var vs []Value
			switch x := a[0].(type) {
			case *List:
				vs = x.V
			case *Tuple:
				vs = x.V
			default:
				l, err := t.List(a[0])
				if err != nil {
					return nil, err
				}
				vs = l.V
			}
			sep := k.self(args[0])
			size := 0
			for i, v := range vs {
				s, ok := k.arg(v)
				if !ok {
					if k.name == "bytes" {
						return nil, raise(TypeError, "sequence item %d: expected a bytes-like object, %s found", i, typeName(v))
					}
					return nil, raise(TypeError, "sequence item %d: expected str instance, %s found", i, typeName(v))
				}
				size += len(s) + len(sep)
			}
			if err := t.text(size); err != nil {
				return nil, err
			}
			var b strings.Builder
			b.Grow(size)
			for i, v := range vs {
				if i > 0 {
					b.WriteString(sep)
				}
				b.WriteString(k.self(v))
			}
			return k.wrap(b.String()), nil
		},
		"splitlines": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("splitlines", args[1:], kw, "keepends?")
			if err != nil {
				return nil, err
			}
			keep := false
			if a[0] != missing {
				if keep, err = t.Truth(a[0]); err != nil {
					return nil, err
				}
			}
			brk := lineBreak
			if k.name == "bytes" {
				brk = func(r rune) bool { return r == '\n' || r == '\r' }
			}
			return k.list(t, splitLines(k.self(args[0]), keep, brk))
		},
		"zfill": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("zfill", args[1:], kw, "width", "/")
			if err != nil {
				return nil, err
			}
			w, ok := asInt(a[0])
			if !ok {
				return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
			}
			s := k.self(args[0])
			gap := w - utf8.RuneCountInString(s)
			if gap <= 0 {
				return k.wrap(s), nil
			}
			if err := t.text(w); err != nil {
				return nil, err
			}
			sign := ""
			if s != "" && (s[0] == '+' || s[0] == '-') {
				sign, s = s[:1], s[1:]
			}
			return k.wrap(sign + strings.Repeat("0", gap) + s), nil
		},
		"expandtabs": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("expandtabs", args[1:], kw, "tabsize?")
			if err != nil {
				return nil, err
			}
			size := 8
			if a[0] != missing {
				var ok bool
				if size, ok = asInt(a[0]); !ok {
					return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
				}
			}
			size = min(max(size, 0), 1000)
			s := k.self(args[0])
			if err := t.text(len(s) + size*strings.Count(s, "\t")); err != nil {
				return nil, err
			}
			var b strings.Builder
			col := 0
			for _, r := range s {
				switch r {
				case '\t':
					if size > 0 {
						n := size - col%size
						b.WriteString(strings.Repeat(" ", n))
						col += n
					}
				case '\n', '\r':
					b.WriteRune(r)
					col = 0
				default:
					b.WriteRune(r)
					col++
				}
			}
			return k.wrap(b.String()), nil
		},
	})
}

func (k textual) needArg(fn string, v Value) (string, error) {
	s, ok := k.arg(v)
	if !ok {
		if k.name == "bytes" {
			return "", raise(TypeError, "a bytes-like object is required, not '%s'", typeName(v))
		}
		return "", raise(TypeError, "%s() argument must be str, not %s", fn, typeName(v))
	}
	return s, nil
}

func isDigitRune(r rune) bool {
	return unicode.IsDigit(r) || strings.ContainsRune("²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", r)
}

func isAlnum(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)) {
			return false
		}
	}
	return s != ""
}

func init() {
	strKind.common(strType)
	bytKind.common(bytesType)
	methods(strType, map[string]goFunc{
		"casefold":     strKind.mapped("casefold", casefold),
		"isdecimal":    strKind.test("isdecimal", func(s string) bool { return all(s, unicode.IsDigit) }),
		"isnumeric":    strKind.test("isnumeric", func(s string) bool { return all(s, unicode.IsNumber) }),
		"isidentifier": strKind.test("isidentifier", isIdentifier),
		"isprintable":  strKind.test("isprintable", func(s string) bool { return s == "" || all(s, printable) }),
		"encode": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("encode", args[1:], kw, "encoding?", "errors?")
			if err != nil {
				return nil, err
			}
			s := args[0].(string)
			if err := t.text(len(s)); err != nil {
				return nil, err
			}
			return encode(s, a[0], a[1])
		},
		"format": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			sf := &strFormat{t: t, args: args[1:], get: func(name string) (Value, error) {
				for _, k := range kw {
					if k.Name == name {
						return k.V, nil
					}
				}
				return nil, raiseKey(name)
			}}
			s, err := sf.run(args[0].(string), 0)
			return s, err
		},
		"format_map": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("format_map", args[1:], kw, "mapping", "/")
			if err != nil {
				return nil, err
			}
			sf := &strFormat{t: t, get: func(name string) (Value, error) { return t.Index(a[0], name) }}
			s, err := sf.run(args[0].(string), 0)
			return s, err
		},
		"translate": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("translate", args[1:], kw, "table", "/")
			if err != nil {
				return nil, err
			}
			var b strings.Builder
			for _, r := range args[0].(string) {
				v, err := t.Index(a[0], int(r))
				if e, ok := err.(*Exc); ok && e.Kind.is(LookupError) {
					b.WriteRune(r)
					continue
				}
				if err != nil {
					return nil, err
				}
				switch x := v.(type) {
				case nil:
				case string:
					b.WriteString(x)
				case int:
					b.WriteRune(rune(x))
				default:
					return nil, raise(TypeError, "character mapping must return integer, None or str")
				}
				if err := t.alloc(8); err != nil {
					return nil, err
				}
			}
			return b.String(), t.text(b.Len())
		},
	})
	static(strType, "maketrans", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("maketrans", args, kw, "x", "y?", "z?", "/")
		if err != nil {
			return nil, err
		}
		out := &Dict{}
		if a[1] == missing {
			d, ok := a[0].(*Dict)
			if !ok {
				return nil, raise(TypeError, "if you give only one argument to maketrans it must be a dict")
			}
			for _, e := range d.e {
				if e.dead {
					continue
				}
				k := e.k
				if s, ok := k.(string); ok {
					if utf8.RuneCountInString(s) != 1 {
						return nil, raise(ValueError, "string keys in translate table must be of length 1")
					}
					r, _ := utf8.DecodeRuneInString(s)
					k = int(r)
				}
				if err := out.Set(t, k, e.v); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
		x, err := strArg("maketrans", a[0])
		if err != nil {
			return nil, err
		}
		y, err := strArg("maketrans", a[1])
		if err != nil {
			return nil, err
		}
		from, to := []rune(x), []rune(y)
		if len(from) != len(to) {
			return nil, raise(ValueError, "the first two maketrans arguments must have equal length")
		}
		for i, r := range from {
			if err := out.Set(t, int(r), int(to[i])); err != nil {
				return nil, err
			}
		}
		if a[2] != missing {
			z, err := strArg("maketrans", a[2])
			if err != nil {
				return nil, err
			}
			for _, r := range z {
				if err := out.Set(t, int(r), nil); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	})
	methods(bytesType, map[string]goFunc{
		"decode": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("decode", args[1:], kw, "encoding?", "errors?")
			if err != nil {
				return nil, err
			}
			s := args[0].(Bytes)
			if err := t.text(len(s) * 2); err != nil {
				return nil, err
			}
			return decode(s, a[0], a[1])
		},
		"hex": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("hex", args[1:], kw, "sep?")
			if err != nil {
				return nil, err
			}
			sep := ""
			if a[0] != missing {
				if sep, err = strArg("hex", a[0]); err != nil {
					return nil, err
				}
			}
			s := args[0].(Bytes)
			if err := t.text(len(s) * (2 + len(sep))); err != nil {
				return nil, err
			}
			var b strings.Builder
			for i := 0; i < len(s); i++ {
				if i > 0 {
					b.WriteString(sep)
				}
				b.WriteString(hex2(s[i]))
			}
			return b.String(), nil
		},
	})
	static(bytesType, "fromhex", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("fromhex", args, kw, "string", "/")
		if err != nil {
			return nil, err
		}
		s, err := strArg("fromhex", a[0])
		if err != nil {
			return nil, err
		}
		var out []byte
		for i := 0; i < len(s); {
			if asciiSpace(rune(s[i])) {
				i++
				continue
			}
			if i+1 >= len(s) || !isHex(s[i]) || !isHex(s[i+1]) {
				at := i
				if isHex(s[i]) {
					at++
				}
				return nil, raise(ValueError, "non-hexadecimal number found in fromhex() arg at position %d", at)
			}
			v, _ := new(big.Int).SetString(s[i:i+2], 16)
			out = append(out, byte(v.Int64()))
			i += 2
		}
		return Bytes(out), t.text(len(out))
	})
}

func isHex(c byte) bool { return isDigit(c) || c|32 >= 'a' && c|32 <= 'f' }

func codec(v Value) (string, error) {
	if v == missing {
		return "utf-8", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", raise(TypeError, "argument 'encoding' must be str, not %s", typeName(v))
	}
	switch strings.ReplaceAll(strings.ToLower(s), "_", "-") {
	case "utf-8", "utf8", "u8":
		return "utf-8", nil
	case "ascii", "us-ascii":
		return "ascii", nil
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1", "l1":
		return "latin-1", nil
	case "utf-8-sig":
		return "utf-8-sig", nil
	case "utf-16-le", "utf-16le":
		return "utf-16-le", nil
	}
	return "", raise(excTypes["LookupError"], "unknown encoding: %s", s)
}

func errorsMode(v Value) string {
	if s, ok := v.(string); ok {
		return s
	}
	return "strict"
}

func encode(s string, encoding, errs Value) (Value, error) {
	c, err := codec(encoding)
	if err != nil {
		return nil, err
	}
	if c == "utf-8" {
		return Bytes(s), nil
	}
	if c == "utf-8-sig" {
		return Bytes("\xef\xbb\xbf" + s), nil
	}
	if c == "utf-16-le" {
		var out []byte
		for _, u := range utf16Of(s) {
			out = append(out, byte(u), byte(u>>8))
		}
		return Bytes(out), nil
	}
	top := rune(0x80)
	if c == "latin-1" {
		top = 0x100
	}
	var out []byte
	i := 0
	for _, r := range s {
		if r < top {
			out = append(out, byte(r))
			i++
			continue
		}
		switch errorsMode(errs) {
		case "ignore":
		case "replace":
			out = append(out, '?')
		case "backslashreplace":
			out = append(out, ascii(string(r))...)
		case "xmlcharrefreplace":
			out = append(out, "&#"+big.NewInt(int64(r)).String()+";"...)
		default:
			return nil, raise(UnicodeEncodeError, "'%s' codec can't encode character '%s' in position %d: ordinal not in range(%d)", c, ascii(string(r)), i, top)
		}
		i++
	}
	return Bytes(out), nil
}

func decode(b Bytes, encoding, errs Value) (Value, error) {
	c, err := codec(encoding)
	if err != nil {
		return nil, err
	}
	s := string(b)
	mode := errorsMode(errs)
	if c == "utf-8-sig" {
		s = strings.TrimPrefix(s, "\xef\xbb\xbf")
		c = "utf-8"
	}
	if c == "latin-1" {
		rs := make([]rune, len(s))
		for i := range rs {
			rs[i] = rune(s[i])
		}
		return string(rs), nil
	}
	if c == "utf-16-le" {
		if len(s)%2 == 1 {
			return nil, raise(UnicodeDecodeError, "'utf-16-le' codec can't decode byte 0x%x in position %d: truncated data", s[len(s)-1], len(s)-1)
		}
		us := make([]uint16, len(s)/2)
		for i := range us {
			us[i] = uint16(s[2*i]) | uint16(s[2*i+1])<<8
		}
		return utf16To(us), nil
	}
	bad := func(i int) bool {
		if c == "ascii" {
			return s[i] >= 0x80
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		return r == utf8.RuneError && n == 1
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		if !bad(i) {
			_, n := utf8.DecodeRuneInString(s[i:])
			out.WriteString(s[i : i+n])
			i += n
			continue
		}
		switch mode {
		case "ignore":
		case "replace":
			out.WriteRune(utf8.RuneError)
		case "backslashreplace":
			out.WriteString(`\x` + hex2(s[i]))
		default:
			if c == "ascii" {
				return nil, raise(UnicodeDecodeError, "'ascii' codec can't decode byte 0x%x in position %d: ordinal not in range(128)", s[i], i)
			}
			why := "invalid start byte"
			if s[i] >= 0xc2 && s[i] < 0xf5 {
				why = "invalid continuation byte"
				if i+1 == len(s) {
					why = "unexpected end of data"
				}
			}
			return nil, raise(UnicodeDecodeError, "'utf-8' codec can't decode byte 0x%x in position %d: %s", s[i], i, why)
		}
		i++
	}
	return out.String(), nil
}
