package py

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError says why a text is no program, with its line (from 1).
type SyntaxError struct {
	Msg  string
	Line int
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("SyntaxError: %s (line %d)", e.Msg, e.Line) }

type tokenKind uint8

const (
	tEOF tokenKind = iota
	tNewline
	tIndent
	tDedent
	tName
	tKeyword
	tNumber
	tString
	tOp
)

type token struct {
	kind  tokenKind
	line  int
	text  string  // name, keyword, operator, or the value of a string
	value Value   // of a number
	bytes bool    // a bytes literal
	parts []fpart // of an f-string
	f     bool
}

// fpart is a piece of an f-string: a literal, or an expression with conversion and format.
type fpart struct {
	lit    string
	isExpr bool
	expr   string
	line   int
	conv   byte
	spec   []fpart
	dbg    string // the text before "=" of {x=}
}

var keywords = map[string]bool{}

func init() {
	for _, k := range strings.Fields("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield") {
		keywords[k] = true
	}
}

const (
	maxSource  = 1 << 20 // bytes of a program
	maxNesting = 100     // of brackets and of blocks
)

type lexer struct {
	src     string
	pos     int
	line    int
	indents []int
	depth   int // of brackets
	bol     bool
	out     []token
	nest    int // of f-strings
}

func (lx *lexer) fail(format string, a ...any) {
	panic(&SyntaxError{Msg: fmt.Sprintf(format, a...), Line: lx.line})
}

// lex cuts a program into tokens. inside says that the text is within brackets (an f-string's expression).
func lex(src string, line int, inside bool, nest int) []token {
	lx := &lexer{src: src, line: line, bol: !inside, nest: nest}
	if inside {
		lx.depth = 1
	}
	first := true
	for {
		if lx.bol && lx.depth == 0 {
			lx.indentation(&first)
		}
		if !lx.next() {
			break
		}
	}
	if inside {
		lx.depth--
	}
	if lx.depth > 0 {
		lx.fail("unexpected EOF while parsing: a bracket was never closed")
	}
	if n := len(lx.out); n > 0 && lx.out[n-1].kind != tNewline && !inside {
		lx.emit(token{kind: tNewline})
	}
	for i := 1; i < len(lx.indents); i++ {
		lx.emit(token{kind: tDedent})
	}
	lx.emit(token{kind: tEOF})
	return lx.out
}

func (lx *lexer) emit(t token) {
	if t.line == 0 {
		t.line = lx.line
	}
	lx.out = append(lx.out, t)
}

// indentation reads the white space of a line and emits what it means.
func (lx *lexer) indentation(first *bool) {
	for {
		col, p := 0, lx.pos
	loop:
		for p < len(lx.src) {
			switch lx.src[p] {
			case ' ':
				col++
			case '\t':
				col = (col/8 + 1) * 8
			case '\f':
				col = 0
			default:
				break loop
			}
			p++
		}
		if p < len(lx.src) && lx.src[p] == '#' {
			for p < len(lx.src) && lx.src[p] != '\n' {
				p++
			}
		}
		if p < len(lx.src) && (lx.src[p] == '\n' || lx.src[p] == '\r') { // a blank line
			if lx.src[p] == '\n' {
				lx.line++
			}
			lx.pos = p + 1
			continue
		}
		lx.pos = p
		if p >= len(lx.src) {
			return
		}
		lx.bol = false
		if *first {
			*first = false
			lx.indents = []int{col}
			return
		}
		top := lx.indents[len(lx.indents)-1]
		if col > top {
			if len(lx.indents) > maxNesting {
				lx.fail("too many levels of indentation")
			}
			lx.indents = append(lx.indents, col)
			lx.emit(token{kind: tIndent})
			return
		}
		for col < top {
			lx.indents = lx.indents[:len(lx.indents)-1]
			if len(lx.indents) == 0 {
				lx.fail("unindent does not match any outer indentation level")
			}
			lx.emit(token{kind: tDedent})
			top = lx.indents[len(lx.indents)-1]
		}
		if col != top {
			lx.fail("unindent does not match any outer indentation level")
		}
		return
	}
}

var operators = []string{"**=", "//=", ">>=", "<<=", "...", "->", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "==", "!=", "<=", ">=", "<<", ">>", "**", "//"}

// next emits one token; false at the end.
func (lx *lexer) next() bool {
	for lx.pos < len(lx.src) {
		c := lx.src[lx.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\f' || c == '\r':
			lx.pos++
			continue
		case c == '#':
			for lx.pos < len(lx.src) && lx.src[lx.pos] != '\n' {
				lx.pos++
			}
			continue
		case c == '\n':
			if lx.depth > 0 {
				lx.line++
				lx.pos++
				continue
			}
			lx.emit(token{kind: tNewline})
			lx.line++
			lx.pos++
			lx.bol = true
			return true
		case c == '\\':
			rest := lx.src[lx.pos+1:]
			if strings.HasPrefix(rest, "\r\n") {
				lx.pos++
				rest = rest[1:]
			}
			if !strings.HasPrefix(rest, "\n") {
				lx.fail("unexpected character after line continuation character")
			}
			lx.pos += 2
			lx.line++
			continue
		case c >= '0' && c <= '9' || c == '.' && lx.pos+1 < len(lx.src) && isDigit(lx.src[lx.pos+1]):
			lx.number()
			return true
		case c == '"' || c == '\'':
			lx.str("")
			return true
		}
		r, _ := utf8.DecodeRuneInString(lx.src[lx.pos:])
		if r == '_' || unicode.IsLetter(r) {
			start := lx.pos
			for lx.pos < len(lx.src) {
				r, size := utf8.DecodeRuneInString(lx.src[lx.pos:])
				if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
					break
				}
				lx.pos += size
			}
			word := lx.src[start:lx.pos]
			if lx.pos < len(lx.src) && (lx.src[lx.pos] == '"' || lx.src[lx.pos] == '\'') && len(word) <= 2 {
				switch p := strings.ToLower(word); p {
				case "r", "b", "f", "u", "br", "rb", "fr", "rf":
					lx.str(p)
					return true
				}
			}
			k := tName
			if keywords[word] {
				k = tKeyword
			}
			lx.emit(token{kind: k, text: word})
			return true
		}
		for _, op := range operators {
			if strings.HasPrefix(lx.src[lx.pos:], op) {
				lx.emit(token{kind: tOp, text: op})
				lx.pos += len(op)
				return true
			}
		}
		switch c {
		case '(', '[', '{':
			lx.depth++
			if lx.depth > maxNesting {
				lx.fail("too many nested parentheses")
			}
		case ')', ']', '}':
			lx.depth--
			if lx.depth < 0 {
				lx.fail("unmatched '%c'", c)
			}
		case '+', '-', '*', '/', '%', '@', '&', '|', '^', '~', '<', '>', '=', ',', ':', '.', ';':
		default:
			lx.fail("invalid character '%c' (U+%04X)", r, r)
		}
		lx.emit(token{kind: tOp, text: string(c)})
		lx.pos++
		return true
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (lx *lexer) number() {
	s := lx.src[lx.pos:]
	n := 0
	if len(s) > 1 && s[0] == '0' && strings.ContainsRune("xXoObB", rune(s[1])) {
		n = 2
		for n < len(s) && (s[n] == '_' || isDigit(s[n]) || s[n] >= 'a' && s[n] <= 'f' && s[1]|32 == 'x' || s[n] >= 'A' && s[n] <= 'F' && s[1]|32 == 'x') {
			n++
		}
		text := s[:n]
		v, ok := new(big.Int).SetString(text, 0)
		if !ok || strings.HasSuffix(text, "_") {
			lx.fail("invalid number literal %q", text)
		}
		lx.pos += n
		lx.emit(token{kind: tNumber, value: normBig(v)})
		lx.noWord()
		return
	}
	digits := func() {
		for n < len(s) && (isDigit(s[n]) || s[n] == '_' && n+1 < len(s) && isDigit(s[n+1]) && n > 0 && isDigit(s[n-1])) {
			n++
		}
	}
	digits()
	float := false
	if n < len(s) && s[n] == '.' {
		float = true
		n++
		digits()
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if m < len(s) && isDigit(s[m]) {
			float = true
			n = m
			digits()
		}
	}
	text := strings.ReplaceAll(s[:n], "_", "")
	lx.pos += n
	if n < len(s) && (s[n] == 'j' || s[n] == 'J') {
		lx.fail("complex numbers are not supported in expressions")
	}
	if float {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil && f == 0 {
			lx.fail("invalid number literal %q", text)
		}
		lx.emit(token{kind: tNumber, value: f})
	} else {
		if len(text) > 1 && text[0] == '0' && strings.Trim(text, "0") != "" {
			lx.fail("leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers")
		}
		if len(text) > 4300 { // Python's own bound
			lx.fail("Exceeds the limit (4300 digits) for integer string conversion: value has %d digits; use hexadecimal", len(text))
		}
		v, ok := new(big.Int).SetString(text, 10)
		if !ok {
			lx.fail("invalid decimal literal")
		}
		lx.emit(token{kind: tNumber, value: normBig(v)})
	}
	lx.noWord()
}

// noWord refuses a name right behind a number.
func (lx *lexer) noWord() {
	rest := lx.src[lx.pos:]
	r, _ := utf8.DecodeRuneInString(rest)
	if rest == "" || r != '_' && !unicode.IsLetter(r) {
		return
	}
	for _, w := range []string{"and", "else", "for", "if", "in", "is", "or", "not"} {
		if strings.HasPrefix(rest, w) {
			return
		}
	}
	lx.fail("invalid decimal literal")
}

// str reads a string with its prefix (which is consumed already).
func (lx *lexer) str(prefix string) {
	raw, isBytes, f := strings.Contains(prefix, "r"), strings.Contains(prefix, "b"), strings.Contains(prefix, "f")
	q := lx.src[lx.pos : lx.pos+1]
	if strings.HasPrefix(lx.src[lx.pos:], q+q+q) {
		q += q + q
	}
	lx.pos += len(q)
	start := lx.line
	if f {
		if lx.nest > 8 {
			lx.fail("f-string: expressions nested too deeply")
		}
		parts := lx.fstring(q, raw)
		lx.emit(token{kind: tString, f: true, parts: parts, line: start})
		return
	}
	from := lx.pos
	for {
		if lx.pos >= len(lx.src) || len(q) == 1 && lx.src[lx.pos] == '\n' {
			lx.line = start
			if len(q) == 3 {
				lx.fail("unterminated triple-quoted string literal")
			}
			lx.fail("unterminated string literal")
		}
		if strings.HasPrefix(lx.src[lx.pos:], q) {
			break
		}
		if lx.src[lx.pos] == '\\' && lx.pos+1 < len(lx.src) {
			lx.pos++
		}
		if lx.src[lx.pos] == '\n' {
			lx.line++
		}
		lx.pos++
	}
	body := strings.ReplaceAll(lx.src[from:lx.pos], "\r\n", "\n")
	lx.pos += len(q)
	if isBytes {
		for i := 0; i < len(body); i++ {
			if body[i] >= 0x80 {
				lx.fail("bytes can only contain ASCII literal characters")
			}
		}
	}
	if !raw {
		body = lx.unescape(body, isBytes)
	}
	lx.emit(token{kind: tString, text: body, bytes: isBytes, line: start})
}

// fstring reads up to the closing quote.
func (lx *lexer) fstring(q string, raw bool) []fpart {
	parts := lx.fparts(q, raw, false)
	if !strings.HasPrefix(lx.src[lx.pos:], q) {
		lx.fail("unterminated f-string literal")
	}
	lx.pos += len(q)
	return parts
}

// fparts reads literals and replacement fields up to the quote, or up to "}" in a format spec.
func (lx *lexer) fparts(q string, raw, spec bool) []fpart {
	var parts []fpart
	from := lx.pos
	lit := func() {
		if from == lx.pos {
			return
		}
		body := strings.ReplaceAll(lx.src[from:lx.pos], "\r\n", "\n")
		if !raw {
			body = lx.unescape(body, false)
		}
		if n := len(parts); n > 0 && !parts[n-1].isExpr {
			parts[n-1].lit += body
		} else {
			parts = append(parts, fpart{lit: body})
		}
	}
	for {
		if lx.pos >= len(lx.src) || len(q) == 1 && lx.src[lx.pos] == '\n' {
			lx.fail("unterminated f-string literal")
		}
		c := lx.src[lx.pos]
		switch {
		case strings.HasPrefix(lx.src[lx.pos:], q):
			lit()
			return parts
		case c == '\\' && lx.pos+1 < len(lx.src):
			lx.pos++
			if lx.src[lx.pos] == '\n' {
				lx.line++
			}
			if !raw && strings.HasPrefix(lx.src[lx.pos:], "N{") {
				for lx.pos < len(lx.src) && lx.src[lx.pos] != '}' {
					lx.pos++
				}
			}
			if raw && (lx.src[lx.pos] == '{' || lx.src[lx.pos] == '}') {
				continue
			}
			lx.pos++
		case c == '{':
			if !spec && strings.HasPrefix(lx.src[lx.pos:], "{{") {
				lx.pos++
				lit()
				lx.pos++
				from = lx.pos
				continue
			}
			lit()
			parts = append(parts, lx.field(q, raw, spec))
			from = lx.pos
		case c == '}':
			if spec {
				lit()
				return parts
			}
			if !strings.HasPrefix(lx.src[lx.pos:], "}}") {
				lx.fail("f-string: single '}' is not allowed")
			}
			lx.pos++
			lit()
			lx.pos++
			from = lx.pos
		default:
			if c == '\n' {
				lx.line++
			}
			lx.pos++
		}
	}
}

// field reads {expr=!r:spec}.
func (lx *lexer) field(q string, raw, inSpec bool) fpart {
	lx.nest++
	defer func() { lx.nest-- }()
	if lx.nest > 10 {
		lx.fail("f-string: expressions nested too deeply")
	}
	lx.pos++
	p := fpart{isExpr: true, line: lx.line}
	from, depth := lx.pos, 0
scan:
	for {
		if lx.pos >= len(lx.src) {
			lx.fail("f-string: expecting '}'")
		}
		c := lx.src[lx.pos]
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				if c != '}' {
					lx.fail("f-string: unmatched '%c'", c)
				}
				break scan
			}
			depth--
		case '\n':
			lx.line++
		case '#':
			lx.fail("f-string expression part cannot include '#'")
		case '"', '\'':
			if strings.HasPrefix(lx.src[lx.pos:], q) && !lx.stringFollows(q) {
				lx.fail("f-string: expecting '}'")
			}
			lx.skipString()
			continue
		case '!':
			if depth == 0 && !strings.HasPrefix(lx.src[lx.pos:], "!=") {
				break scan
			}
			if strings.HasPrefix(lx.src[lx.pos:], "!=") {
				lx.pos++
			}
		case ':':
			if depth == 0 { // a lambda needs brackets here, as in Python
				break scan
			}
		}
		lx.pos++
	}
	text := lx.src[from:lx.pos]
	if t := strings.TrimRight(text, " \t"); strings.HasSuffix(t, "=") && len(t) > 1 && !strings.ContainsRune("=!<>:", rune(t[len(t)-2])) {
		p.dbg = text
		text = t[:len(t)-1]
	}
	p.expr = text
	if strings.TrimSpace(text) == "" {
		lx.fail("f-string: valid expression required before '}'")
	}
	if lx.src[lx.pos] == '!' {
		if lx.pos+2 >= len(lx.src) || !strings.ContainsRune("rsa", rune(lx.src[lx.pos+1])) {
			lx.fail("f-string: invalid conversion character: expected 's', 'r', or 'a'")
		}
		p.conv = lx.src[lx.pos+1]
		lx.pos += 2
		if c := lx.src[lx.pos]; c != ':' && c != '}' {
			lx.fail("f-string: expecting '}'")
		}
	}
	if p.dbg != "" && p.conv == 0 && lx.src[lx.pos] != ':' {
		p.conv = 'r'
	}
	if lx.src[lx.pos] == ':' {
		lx.pos++
		p.spec = lx.fparts(q, raw, true)
		if p.spec == nil {
			p.spec = []fpart{}
		}
		if lx.src[lx.pos] != '}' {
			lx.fail("f-string: expecting '}'")
		}
	}
	lx.pos++
	return p
}

// stringFollows says whether the quote at the position opens a string inside a field of an f-string with the same quotes:
// a closing quote of the same kind stands on the same line.
func (lx *lexer) stringFollows(q string) bool {
	rest := lx.src[lx.pos+len(q):]
	if len(q) == 1 {
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			rest = rest[:i]
		}
	}
	i := strings.Index(rest, q)
	return i >= 0 && strings.Contains(rest[i:], "}")
}

func (lx *lexer) skipString() {
	q := lx.src[lx.pos : lx.pos+1]
	if strings.HasPrefix(lx.src[lx.pos:], q+q+q) {
		q += q + q
	}
	lx.pos += len(q)
	for {
		if lx.pos >= len(lx.src) {
			lx.fail("unterminated string literal")
		}
		if strings.HasPrefix(lx.src[lx.pos:], q) {
			lx.pos += len(q)
			return
		}
		if lx.src[lx.pos] == '\\' {
			lx.pos++
		}
		if lx.pos < len(lx.src) && lx.src[lx.pos] == '\n' {
			lx.line++
		}
		lx.pos++
	}
}

var simpleEscapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11}

// unescape reads the escapes of a string literal; unknown ones stay as they are.
func (lx *lexer) unescape(s string, isBytes bool) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' || i+1 >= len(s) {
			b.WriteByte(c)
			continue
		}
		i++
		c = s[i]
		put := func(v int64) {
			if isBytes {
				b.WriteByte(byte(v))
			} else {
				b.WriteRune(rune(v))
			}
		}
		hex := func(n int) {
			if i+n >= len(s) {
				lx.fail("(unicode error) truncated escape")
			}
			v, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32)
			if err != nil || v > unicode.MaxRune {
				lx.fail("(unicode error) illegal escape")
			}
			i += n
			put(int64(v))
		}
		switch {
		case c == '\n':
		case simpleEscapes[c] != 0:
			b.WriteByte(simpleEscapes[c])
		case c >= '0' && c <= '7':
			n := 1
			for n < 3 && i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '7' {
				n++
			}
			v, err := strconv.ParseInt(s[i:i+n], 8, 32)
			if err != nil {
				lx.fail("illegal octal escape")
			}
			i += n - 1
			put(v)
		case c == 'x':
			hex(2)
		case c == 'u' && !isBytes:
			hex(4)
		case c == 'U' && !isBytes:
			hex(8)
		case c == 'N' && !isBytes:
			lx.fail("(unicode error) names of characters are not supported; write the character or its number")
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}
