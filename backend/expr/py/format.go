package py

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// spec is a parsed format specification.
type spec struct {
	fill   rune
	align  byte
	sign   byte
	alt    bool
	zero   bool
	width  int
	comma  byte
	prec   int
	typ    byte
	hasPre bool
	neg0   bool
}

const maxWidth = 1 << 20

func parseSpec(s, typ string) (spec, error) {
	sp := spec{fill: ' ', prec: -1}
	whole := s
	if r, n := utf8.DecodeRuneInString(s); n > 0 && len(s) > n && strings.IndexByte("<>=^", s[n]) >= 0 {
		sp.fill, sp.align = r, s[n]
		s = s[n+1:]
	} else if s != "" && strings.IndexByte("<>=^", s[0]) >= 0 {
		sp.align = s[0]
		s = s[1:]
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		sp.sign = s[0]
		s = s[1:]
	}
	if strings.HasPrefix(s, "z") {
		sp.neg0 = true
		s = s[1:]
	}
	if strings.HasPrefix(s, "#") {
		sp.alt = true
		s = s[1:]
	}
	if strings.HasPrefix(s, "0") {
		sp.zero = true
		if sp.align == 0 {
			sp.fill, sp.align = '0', '='
			if typ == "str" {
				sp.align = '<'
			}
		}
		s = s[1:]
	}
	num := func() (int, bool, error) {
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if n == 0 {
			return 0, false, nil
		}
		v, err := strconv.Atoi(s[:n])
		if err != nil {
			return 0, false, raise(ValueError, "Too many decimal digits in format string")
		}
		if v > maxWidth {
			return 0, false, raise(MemoryError, "")
		}
		s = s[n:]
		return v, true, nil
	}
	var err error
	if sp.width, _, err = num(); err != nil {
		return sp, err
	}
	if s != "" && (s[0] == ',' || s[0] == '_') {
		sp.comma = s[0]
		s = s[1:]
		if s != "" && (s[0] == ',' || s[0] == '_') {
			return sp, raise(ValueError, "Cannot specify both ',' and '_'.")
		}
	}
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		var ok bool
		if sp.prec, ok, err = num(); err != nil {
			return sp, err
		}
		if !ok {
			return sp, raise(ValueError, "Format specifier missing precision")
		}
		sp.hasPre = true
	}
	if len(s) > 1 {
		return sp, raise(ValueError, "Invalid format specifier '%s' for object of type '%s'", whole, typ)
	}
	if s != "" {
		sp.typ = s[0]
	}
	return sp, nil
}

// pad fills a text to the width.
func (sp *spec) pad(t *Thread, prefix, s string, def byte) (string, error) {
	n := utf8.RuneCountInString(prefix) + utf8.RuneCountInString(s)
	if err := t.text(len(s) + len(prefix) + 4*max(0, sp.width-n)); err != nil {
		return "", err
	}
	if n >= sp.width {
		return prefix + s, nil
	}
	fill := string(sp.fill)
	a := sp.align
	if a == 0 {
		a = def
	}
	gap := sp.width - n
	switch a {
	case '<':
		return prefix + s + strings.Repeat(fill, gap), nil
	case '^':
		return strings.Repeat(fill, gap/2) + prefix + s + strings.Repeat(fill, gap-gap/2), nil
	case '=':
		return prefix + strings.Repeat(fill, gap) + s, nil
	}
	return strings.Repeat(fill, gap) + prefix + s, nil
}

// Format is format(v, spec).
func (t *Thread) Format(v Value, s string) (string, error) {
	switch x := v.(type) {
	case string:
		if s == "" {
			return x, nil
		}
		sp, err := parseSpec(s, "str")
		if err != nil {
			return "", err
		}
		switch {
		case sp.typ != 0 && sp.typ != 's':
			return "", raise(ValueError, "Unknown format code '%c' for object of type 'str'", sp.typ)
		case sp.sign != 0:
			return "", raise(ValueError, "Sign not allowed in string format specifier")
		case sp.alt:
			return "", raise(ValueError, "Alternate form (#) not allowed in string format specifier")
		case sp.comma != 0:
			return "", raise(ValueError, "Cannot specify '%c' with 's'.", sp.comma)
		case sp.align == '=':
			return "", raise(ValueError, "'=' alignment not allowed in string format specifier")
		}
		if sp.hasPre {
			x = cutRunes(x, sp.prec)
		}
		return sp.pad(t, "", x, '<')
	case bool:
		if s == "" {
			return t.Str(x)
		}
		i, _ := asInt(x)
		return t.formatInt(i, s, "bool")
	case int, *big.Int:
		if s == "" {
			return t.Str(x)
		}
		return t.formatInt(x, s, "int")
	case float64:
		if s == "" {
			return reprFloat(x), nil
		}
		sp, err := parseSpec(s, "float")
		if err != nil {
			return "", err
		}
		return t.formatFloat(x, sp)
	case Formatter:
		return x.Format(t, s)
	}
	if s == "" {
		return t.Str(v)
	}
	return "", raise(TypeError, "unsupported format string passed to %s.__format__", typeName(v))
}

func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func (t *Thread) formatInt(v Value, s, typ string) (string, error) {
	sp, err := parseSpec(s, "int")
	if err != nil {
		if e, ok := err.(*Exc); ok {
			e.Args[0] = strings.Replace(e.Args[0].(string), "'int'", "'"+typ+"'", 1)
		}
		return "", err
	}
	if strings.IndexByte("eEfFgG%", sp.typ) >= 0 && sp.typ != 0 {
		if b, ok := v.(*big.Int); ok {
			if _, ok := bigFloat(b); !ok {
				return "", raise(OverflowError, "int too large to convert to float")
			}
		}
		f, _ := toFloat(v)
		return t.formatFloat(f, sp)
	}
	if sp.hasPre {
		return "", raise(ValueError, "Precision not allowed in integer format specifier")
	}
	b := toBig(v)
	neg := b.Sign() < 0
	base, alt, group := 10, "", 3
	switch sp.typ {
	case 0, 'd':
		if _, err := t.simpleRepr(v); err != nil {
			return "", err
		}
	case 'n':
		if sp.comma != 0 {
			return "", raise(ValueError, "Cannot specify '%c' with 'n'.", sp.comma)
		}
	case 'b':
		base, alt, group = 2, "0b", 4
	case 'o':
		base, alt, group = 8, "0o", 4
	case 'x', 'X':
		base, alt, group = 16, "0"+string(sp.typ), 4
	case 'c':
		i, ok := asInt(v)
		switch {
		case sp.sign != 0:
			return "", raise(ValueError, "Sign not allowed with integer format specifier 'c'")
		case !ok || i < 0 || i > utf8.MaxRune:
			return "", raise(OverflowError, "%%c arg not in range(0x110000)")
		}
		return sp.pad(t, "", string(rune(i)), '<')
	default:
		return "", raise(ValueError, "Unknown format code '%c' for object of type '%s'", sp.typ, typ)
	}
	if sp.comma == ',' && base != 10 {
		return "", raise(ValueError, "Cannot specify ',' with '%c'.", sp.typ)
	}
	if err := t.charge(b.BitLen()/64 + 1); err != nil {
		return "", err
	}
	digits := new(big.Int).Abs(b).Text(base)
	if sp.typ == 'X' {
		digits = strings.ToUpper(digits)
	}
	prefix := signOf(neg, sp.sign)
	if sp.alt {
		prefix += alt
	}
	if sp.comma != 0 {
		digits = groupDigits(digits, sp.comma, group, sp.zeroWidth(prefix))
	}
	return sp.pad(t, prefix, digits, '>')
}

// zeroWidth is the width that grouped digits are filled to with zeros.
func (sp *spec) zeroWidth(prefix string) int {
	if sp.fill == '0' && sp.align == '=' {
		return sp.width - len(prefix)
	}
	return 0
}

func signOf(neg bool, sign byte) string {
	switch {
	case neg:
		return "-"
	case sign == '+':
		return "+"
	case sign == ' ':
		return " "
	}
	return ""
}

func groupDigits(digits string, sep byte, n, width int) string {
	for {
		var b strings.Builder
		for i := 0; i < len(digits); i++ {
			if i > 0 && (len(digits)-i)%n == 0 {
				b.WriteByte(sep)
			}
			b.WriteByte(digits[i])
		}
		if b.Len() >= width {
			return b.String()
		}
		digits = "0" + digits
	}
}

func (t *Thread) formatFloat(f float64, sp spec) (string, error) {
	switch sp.typ {
	case 0, 'e', 'E', 'f', 'F', 'g', 'G', 'n', '%':
	default:
		return "", raise(ValueError, "Unknown format code '%c' for object of type 'float'", sp.typ)
	}
	if sp.prec > 100000 {
		return "", raise(ValueError, "precision too big")
	}
	if err := t.alloc(max(sp.prec, 0) + 400); err != nil {
		return "", err
	}
	neg := math.Signbit(f) && !math.IsNaN(f)
	s, suffix := floatDigits(math.Abs(f), sp.typ, sp.prec, sp.alt), ""
	if sp.typ == '%' {
		suffix = "%"
	}
	if sp.neg0 && neg && strings.Trim(s, "0.") == "" {
		neg = false
	}
	prefix := signOf(neg, sp.sign)
	if sp.comma != 0 && !math.IsInf(f, 0) && !math.IsNaN(f) {
		i := strings.IndexAny(s, ".e")
		if i < 0 {
			i = len(s)
		}
		s = groupDigits(s[:i], sp.comma, 3, sp.zeroWidth(prefix)-len(s[i:])-len(suffix)) + s[i:]
	}
	return sp.pad(t, prefix, s+suffix, '>')
}

// floatDigits writes a number that is not negative.
func floatDigits(f float64, typ byte, prec int, alt bool) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		s := "inf"
		if math.IsNaN(f) {
			s = "nan"
		}
		if typ == 'F' || typ == 'E' || typ == 'G' {
			s = strings.ToUpper(s)
		}
		return s
	}
	switch typ {
	case 'f', 'F', '%':
		if typ == '%' {
			f *= 100
		}
		if prec < 0 {
			prec = 6
		}
		s := strconv.FormatFloat(f, 'f', prec, 64)
		if alt && prec == 0 {
			s += "."
		}
		return s
	case 'e', 'E':
		if prec < 0 {
			prec = 6
		}
		s := strconv.FormatFloat(f, 'e', prec, 64)
		if typ == 'E' {
			s = strings.ToUpper(s)
		}
		return s
	}
	if typ == 0 && prec < 0 {
		return reprFloat(f)
	}
	// g: significant digits; without a type at least one digit behind the point.
	if prec < 0 {
		prec = 6
	}
	if prec == 0 {
		prec = 1
	}
	s := strconv.FormatFloat(f, 'e', prec-1, 64)
	i := strings.IndexByte(s, 'e')
	exp, err := strconv.Atoi(s[i+1:])
	if err != nil {
		return s
	}
	limit := prec
	if typ == 0 {
		limit = prec - 1
		if prec == 1 {
			limit = 1
		}
	}
	if exp >= -4 && exp < limit || typ == 0 && exp >= -4 && exp < prec && prec > 1 && exp < limit {
		s = strconv.FormatFloat(f, 'f', max(prec-1-exp, 0), 64)
		if !alt && strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		if typ == 0 && !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mant, e := s[:i], s[i:]
	if !alt && strings.Contains(mant, ".") {
		mant = strings.TrimRight(strings.TrimRight(mant, "0"), ".")
	}
	s = mant + e
	if typ == 'G' {
		s = strings.ToUpper(s)
	}
	return s
}

// percent is the % operator of texts.
func (t *Thread) percent(f string, arg Value) (Value, error) {
	var args []Value
	tuple, isTuple := arg.(*Tuple)
	if isTuple {
		args = tuple.V
	} else {
		args = []Value{arg}
	}
	next := 0
	take := func() (Value, error) {
		if next >= len(args) {
			return nil, raise(TypeError, "not enough arguments for format string")
		}
		next++
		return args[next-1], nil
	}
	var b strings.Builder
	named := false
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			j := strings.IndexByte(f[i:], '%')
			if j < 0 {
				j = len(f) - i
			}
			b.WriteString(f[i : i+j])
			i += j - 1
			continue
		}
		i++
		if i >= len(f) {
			return nil, raise(ValueError, "incomplete format")
		}
		if f[i] == '%' {
			b.WriteByte('%')
			continue
		}
		var v Value
		have := false
		if f[i] == '(' {
			depth, j := 1, i+1
			for j < len(f) && depth > 0 {
				switch f[j] {
				case '(':
					depth++
				case ')':
					depth--
				}
				j++
			}
			if depth > 0 {
				return nil, raise(ValueError, "incomplete format key")
			}
			if !t.isMapping(arg) {
				return nil, raise(TypeError, "format requires a mapping")
			}
			x, err := t.Index(arg, f[i+1:j-1])
			if err != nil {
				return nil, err
			}
			v, have, named = x, true, true
			i = j
		}
		sp := spec{fill: ' ', align: '>', prec: -1}
		left, zero := false, false
		for i < len(f) && strings.IndexByte("#0- +", f[i]) >= 0 {
			switch f[i] {
			case '#':
				sp.alt = true
			case '0':
				zero = true
			case '-':
				left = true
			case '+':
				sp.sign = '+'
			case ' ':
				if sp.sign == 0 {
					sp.sign = ' '
				}
			}
			i++
		}
		num := func() (int, error) {
			if i < len(f) && f[i] == '*' {
				i++
				x, err := take()
				if err != nil {
					return 0, err
				}
				n, ok := asInt(x)
				if !ok {
					return 0, raise(TypeError, "* wants int")
				}
				return n, nil
			}
			n := 0
			for i < len(f) && isDigit(f[i]) {
				n = min(n*10+int(f[i]-'0'), maxWidth+1)
				i++
			}
			return n, nil
		}
		var err error
		if sp.width, err = num(); err != nil {
			return nil, err
		}
		if sp.width < 0 {
			left = true
			sp.width = -sp.width
		}
		if i < len(f) && f[i] == '.' {
			i++
			if sp.prec, err = num(); err != nil {
				return nil, err
			}
			sp.prec = max(sp.prec, 0)
			sp.hasPre = true
		}
		if sp.width > maxWidth || sp.prec > maxWidth {
			return nil, raise(MemoryError, "")
		}
		for i < len(f) && strings.IndexByte("hlL", f[i]) >= 0 {
			i++
		}
		if i >= len(f) {
			return nil, raise(ValueError, "incomplete format")
		}
		c := f[i]
		if !have {
			if v, err = take(); err != nil {
				return nil, err
			}
		}
		if left {
			sp.align = '<'
		} else if zero && strings.IndexByte("diouxXeEfFgG", c) >= 0 {
			sp.align, sp.fill = '=', '0'
		}
		var s string
		switch c {
		case 's', 'r', 'a':
			x, err := t.convert(v, c)
			if err != nil {
				return nil, err
			}
			s = x.(string)
			if sp.hasPre {
				s = cutRunes(s, sp.prec)
			}
			if s, err = sp.pad(t, "", s, '>'); err != nil {
				return nil, err
			}
		case 'c':
			if x, ok := v.(string); ok && utf8.RuneCountInString(x) == 1 {
				s = x
			} else if n, ok := asInt(v); ok {
				if n < 0 || n > utf8.MaxRune {
					return nil, raise(OverflowError, "%%c arg not in range(0x110000)")
				}
				s = string(rune(n))
			} else {
				return nil, raise(TypeError, "%%c requires int or char")
			}
			if s, err = sp.pad(t, "", s, '>'); err != nil {
				return nil, err
			}
		case 'd', 'i', 'u', 'x', 'X', 'o':
			if x, ok := v.(float64); ok && strings.IndexByte("diu", c) >= 0 {
				if v, err = floatToInt(x); err != nil {
					return nil, err
				}
			}
			if !isInt(v) {
				if strings.IndexByte("diu", c) >= 0 {
					return nil, raise(TypeError, "%%%c format: a real number is required, not %s", c, typeName(v))
				}
				return nil, raise(TypeError, "%%%c format: an integer is required, not %s", c, typeName(v))
			}
			n := toBig(v)
			if _, err := t.simpleRepr(v); err != nil {
				return nil, err
			}
			base, alt := 10, ""
			switch c {
			case 'x', 'X':
				base, alt = 16, "0"+string(c)
			case 'o':
				base, alt = 8, "0o"
			}
			digits := new(big.Int).Abs(n).Text(base)
			if c == 'X' {
				digits = strings.ToUpper(digits)
			}
			if sp.hasPre && len(digits) < sp.prec {
				digits = strings.Repeat("0", sp.prec-len(digits)) + digits
			}
			prefix := signOf(n.Sign() < 0, sp.sign)
			if sp.alt {
				prefix += alt
			}
			if s, err = sp.pad(t, prefix, digits, '>'); err != nil {
				return nil, err
			}
		case 'e', 'E', 'f', 'F', 'g', 'G':
			x, ok := toFloat(v)
			if !ok {
				return nil, raise(TypeError, "must be real number, not %s", typeName(v))
			}
			sp.typ = c
			if s, err = t.formatFloat(x, sp); err != nil {
				return nil, err
			}
		default:
			return nil, raise(ValueError, "unsupported format character '%c' (0x%x) at index %d", c, c, i)
		}
		b.WriteString(s)
		if b.Len() > maxText {
			return nil, raise(MemoryError, "")
		}
	}
	if next < len(args) && !named && (isTuple || !t.isMapping(arg)) {
		return nil, raise(TypeError, "not all arguments converted during string formatting")
	}
	return b.String(), t.text(b.Len())
}

// strFormat is str.format.
type strFormat struct {
	t    *Thread
	args []Value
	get  func(name string) (Value, error)
	auto int // next automatic number; -1 once numbers were given
}

func (sf *strFormat) run(f string, depth int) (string, error) {
	if depth > 2 {
		return "", raise(ValueError, "Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(f); {
		c := f[i]
		if c != '{' && c != '}' {
			j := strings.IndexAny(f[i:], "{}")
			if j < 0 {
				j = len(f) - i
			}
			b.WriteString(f[i : i+j])
			i += j
			continue
		}
		if i+1 < len(f) && f[i+1] == c {
			b.WriteByte(c)
			i += 2
			continue
		}
		if c == '}' {
			return "", raise(ValueError, "Single '}' encountered in format string")
		}
		d, j := 1, i+1
		for j < len(f) && d > 0 {
			switch f[j] {
			case '{':
				d++
			case '}':
				d--
			}
			j++
		}
		if d > 0 {
			if i+1 == len(f) {
				return "", raise(ValueError, "Single '{' encountered in format string")
			}
			return "", raise(ValueError, "expected '}' before end of string")
		}
		field := f[i+1 : j-1]
		i = j
		specText, conv := "", byte(0)
		k := 0
		for bracket := 0; k < len(field); k++ {
			if field[k] == '[' {
				bracket++
			} else if field[k] == ']' && bracket > 0 {
				bracket--
			}
			if bracket == 0 && (field[k] == ':' || field[k] == '!') {
				break
			}
		}
		ref := field[:k]
		if k < len(field) && field[k] == '!' {
			if k+1 >= len(field) {
				return "", raise(ValueError, "end of string while looking for conversion specifier")
			}
			conv = field[k+1]
			k += 2
			if k < len(field) && field[k] != ':' {
				return "", raise(ValueError, "expected ':' after conversion specifier")
			}
			if conv != 's' && conv != 'r' && conv != 'a' {
				return "", raise(ValueError, "Unknown conversion specifier '%c'", conv)
			}
		}
		if k < len(field) {
			specText = field[k+1:]
		}
		v, err := sf.field(ref)
		if err != nil {
			return "", err
		}
		if conv != 0 {
			if v, err = sf.t.convert(v, conv); err != nil {
				return "", err
			}
		}
		if strings.ContainsAny(specText, "{}") {
			if specText, err = sf.run(specText, depth+1); err != nil {
				return "", err
			}
		}
		s, err := sf.t.Format(v, specText)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
		if b.Len() > maxText {
			return "", raise(MemoryError, "")
		}
		if err := sf.t.charge(1); err != nil {
			return "", err
		}
	}
	return b.String(), sf.t.text(b.Len())
}

func (sf *strFormat) field(ref string) (Value, error) {
	k := strings.IndexAny(ref, ".[")
	if k < 0 {
		k = len(ref)
	}
	first, rest := ref[:k], ref[k:]
	var v Value
	n, err := strconv.Atoi(first)
	switch {
	case first == "":
		if sf.auto < 0 {
			return nil, raise(ValueError, "cannot switch from manual field specification to automatic field numbering")
		}
		n = sf.auto
		sf.auto++
	case err == nil && first[0] != '+' && first[0] != '-':
		if sf.auto > 0 {
			return nil, raise(ValueError, "cannot switch from automatic field numbering to manual field specification")
		}
		sf.auto = -1
	default:
		if v, err = sf.get(first); err != nil {
			return nil, err
		}
		n = -1
	}
	if n >= 0 {
		if n >= len(sf.args) {
			return nil, raise(IndexError, "Replacement index %d out of range for positional args tuple", n)
		}
		v = sf.args[n]
	}
	for rest != "" {
		if rest[0] == '.' {
			j := strings.IndexAny(rest[1:], ".[")
			if j < 0 {
				j = len(rest) - 1
			}
			if j == 0 {
				return nil, raise(ValueError, "Empty attribute in format string")
			}
			if v, err = sf.t.Attr(v, rest[1:1+j]); err != nil {
				return nil, err
			}
			rest = rest[1+j:]
			continue
		}
		if rest[0] != '[' {
			return nil, raise(ValueError, "Only '.' or '[' may follow ']' in format field specifier")
		}
		j := strings.IndexByte(rest, ']')
		if j < 0 {
			return nil, raise(ValueError, "expected '}' before end of string")
		}
		var k Value = rest[1:j]
		if j == 1 {
			return nil, raise(ValueError, "Empty attribute in format string")
		}
		if n, err := strconv.Atoi(rest[1:j]); err == nil && rest[1] != '-' && rest[1] != '+' {
			k = n
		}
		if v, err = sf.t.Index(v, k); err != nil {
			return nil, err
		}
		rest = rest[j+1:]
	}
	return v, nil
}

// ascii escapes what is not ASCII.
func ascii(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x100:
			b.WriteString(`\x` + hex2(byte(r)))
		case r < 0x10000:
			b.WriteString(`\u` + hex2(byte(r>>8)) + hex2(byte(r)))
		default:
			b.WriteString(`\U00` + hex2(byte(r>>16)) + hex2(byte(r>>8)) + hex2(byte(r)))
		}
	}
	return b.String()
}
