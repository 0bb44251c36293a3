package py

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A backtracking matcher for the syntax of Python's re. Every step is charged to the run, so that a pattern that explodes ends
// with the run's limits, and its stack is counted as memory. docs/decisions/2026-11-24-expressions.md says why.

const (
	reIgnore = 2
	reMulti  = 8
	reDotAll = 16
	reVerb   = 64
	reASCII  = 256
)

type rop uint8

const (
	rChar rop = iota
	rAny
	rAnyNL
	rClass
	rSplit // x first, then y
	rJmp
	rSave
	rBol
	rEol
	rMBol
	rMEol
	rTextEnd
	rWord
	rNotWord
	rBack
	rLook // sub program from x to y; neg, behind
	rMark // empty check: remember the position in register x
	rCheck
	rCond
	rAtomic
	rMatch
)

type rinst struct {
	op     rop
	x, y   int
	r      rune
	fold   bool
	neg    bool
	behind int // width of a look-behind, or -1
	set    *rset
}

type rset struct {
	neg    bool
	ranges []rune // pairs
	preds  []func(rune) bool
	fold   bool
}

func (s *rset) has(r rune) bool {
	in := s.one(r)
	if !in && s.fold {
		for f := unicode.SimpleFold(r); f != r && !in; f = unicode.SimpleFold(f) {
			in = s.one(f)
		}
	}
	return in != s.neg
}

func (s *rset) one(r rune) bool {
	for i := 0; i < len(s.ranges); i += 2 {
		if r >= s.ranges[i] && r <= s.ranges[i+1] {
			return true
		}
	}
	for _, p := range s.preds {
		if p(r) {
			return true
		}
	}
	return false
}

// regex is a compiled pattern.
type regex struct {
	src    string
	bytes  bool
	flags  int
	prog   []rinst
	groups int // with 0
	marks  int
	names  map[string]int
	order  []string
	prefix string // literal that every match begins with
}

type rnode struct {
	kind     byte // c char, . any, [ set, ( group, ? non-capturing (sub), | alternatives, * repeat, ^ $ A Z b B, = back reference, l look, i conditional, a atomic
	r        rune
	set      *rset
	subs     []*rnode
	min, max int
	lazy     bool
	group    int
	neg      bool
	behind   bool
	flags    int
}

type reParser struct {
	s      string
	i      int
	flags  int
	groups int
	names  map[string]int
	order  []string
	open   map[int]bool
	depth  int
	marks  int
	prog   []rinst
}

type reError struct {
	msg string
	pos int
}

func (p *reParser) fail(msg string) { panic(reError{msg, p.i}) }

const maxProg = 50_000

// compileRegex makes a program of a pattern.
func compileRegex(src string, flags int, isBytes bool) (re *regex, err error) {
	p := &reParser{s: src, flags: flags, groups: 1, names: map[string]int{}, open: map[int]bool{}}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(reError)
			if !ok {
				panic(r)
			}
			err = raise(reErrorType, "%s at position %d", e.msg, utf8.RuneCountInString(src[:min(e.pos, len(src))]))
		}
	}()
	n := p.alt()
	if p.i < len(p.s) {
		p.fail("unbalanced parenthesis")
	}
	p.emit(rinst{op: rSave, x: 0})
	p.gen(n, false)
	p.emit(rinst{op: rSave, x: 1})
	p.emit(rinst{op: rMatch})
	re = &regex{src: src, bytes: isBytes, flags: p.flags, prog: p.prog, groups: p.groups, marks: p.marks, names: p.names, order: p.order}
	if p.flags&reASCII == 0 && !isBytes {
		re.flags |= 32
	}
	var lit strings.Builder
	for _, in := range p.prog[1:] {
		if in.op != rChar || in.fold {
			break
		}
		lit.WriteRune(in.r)
	}
	re.prefix = lit.String()
	return re, nil
}

func (p *reParser) more() bool { return p.i < len(p.s) }

func (p *reParser) accept(t string) bool {
	if strings.HasPrefix(p.s[p.i:], t) {
		p.i += len(t)
		return true
	}
	return false
}

func (p *reParser) alt() *rnode {
	p.depth++
	if p.depth > 100 {
		p.fail("too many nested groups")
	}
	defer func() { p.depth-- }()
	subs := []*rnode{p.seq()}
	for p.accept("|") {
		subs = append(subs, p.seq())
	}
	if len(subs) == 1 {
		return subs[0]
	}
	return &rnode{kind: '|', subs: subs}
}

func (p *reParser) seq() *rnode {
	out := &rnode{kind: '?'}
	for p.more() && p.s[p.i] != '|' && p.s[p.i] != ')' {
		if p.flags&reVerb != 0 {
			c := p.s[p.i]
			if asciiSpace(rune(c)) {
				p.i++
				continue
			}
			if c == '#' {
				for p.more() && p.s[p.i] != '\n' {
					p.i++
				}
				continue
			}
		}
		n := p.atom()
		if n == nil {
			continue
		}
		n = p.repeat(n)
		out.subs = append(out.subs, n)
	}
	return out
}

func (p *reParser) repeat(n *rnode) *rnode {
	first := true
	for p.more() {
		lo, hi := -1, -1
		at := p.i
		switch p.s[p.i] {
		case '*':
			lo, hi = 0, -1
			p.i++
		case '+':
			lo, hi = 1, -1
			p.i++
		case '?':
			lo, hi = 0, 1
			p.i++
		case '{':
			j := strings.IndexByte(p.s[p.i:], '}')
			if j < 0 {
				return n
			}
			body := p.s[p.i+1 : p.i+j]
			a, b, comma := strings.Cut(body, ",")
			lo, hi = 0, -1
			num := func(s string, def int) (int, bool) {
				if s == "" {
					return def, true
				}
				for i := range len(s) {
					if !isDigit(s[i]) {
						return 0, false
					}
				}
				v, err := strconv.Atoi(s)
				return v, err == nil
			}
			var ok1, ok2 bool
			lo, ok1 = num(a, 0)
			hi, ok2 = num(b, -1)
			if !comma {
				hi, ok2 = lo, a != ""
			}
			if !ok1 || !ok2 || body == "" {
				return n
			}
			p.i += j + 1
			if hi >= 0 && hi < lo {
				p.i = at
				p.fail("min repeat greater than max repeat")
			}
			if lo > 1000 || hi > 1000 {
				p.fail("the repetition number is too large")
			}
		default:
			return n
		}
		if !first {
			p.i = at
			p.fail("multiple repeat")
		}
		first = false
		r := &rnode{kind: '*', subs: []*rnode{n}, min: lo, max: hi}
		if p.accept("?") {
			r.lazy = true
		} else if p.accept("+") {
			r = &rnode{kind: 'a', subs: []*rnode{r}}
		}
		n = r
	}
	return n
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
func asciiWord(r rune) bool {
	return r == '_' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
func asciiDigit(r rune) bool                { return r >= '0' && r <= '9' }
func not(f func(rune) bool) func(rune) bool { return func(r rune) bool { return !f(r) } }

// category is \d and its kin.
func (p *reParser) category(c byte) func(rune) bool {
	ascii := p.flags&reASCII != 0
	var f func(rune) bool
	switch c | 32 {
	case 'd':
		f = unicode.IsDigit
		if ascii {
			f = asciiDigit
		}
	case 'w':
		f = wordRune
		if ascii {
			f = asciiWord
		}
	case 's':
		f = pySpace
		if ascii {
			f = asciiSpace
		}
	default:
		return nil
	}
	if c < 'a' {
		f = not(f)
	}
	return f
}

func (p *reParser) char(r rune) *rnode { return &rnode{kind: 'c', r: r, flags: p.flags} }

// escape reads a character behind a backslash that both atoms and sets know.
func (p *reParser) escape() (rune, bool) {
	c := p.s[p.i]
	hex := func(n int) rune {
		if p.i+1+n > len(p.s) {
			p.fail("incomplete escape")
		}
		v, err := strconv.ParseUint(p.s[p.i+1:p.i+1+n], 16, 32)
		if err != nil || v > unicode.MaxRune {
			p.fail("incomplete escape")
		}
		p.i += 1 + n
		return rune(v)
	}
	switch c {
	case 'n', 't', 'r', 'f', 'v', 'a':
		p.i++
		return rune(simpleEscapes[c]), true
	case 'x':
		return hex(2), true
	case 'u':
		return hex(4), true
	case 'U':
		return hex(8), true
	case '0':
		n := 1
		for n < 3 && p.i+n < len(p.s) && p.s[p.i+n] >= '0' && p.s[p.i+n] <= '7' {
			n++
		}
		v, _ := strconv.ParseInt(p.s[p.i:p.i+n], 8, 32)
		p.i += n
		return rune(v), true
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		p.i--
		p.fail("bad escape \\" + string(c))
	}
	r, n := utf8.DecodeRuneInString(p.s[p.i:])
	p.i += n
	return r, true
}

func (p *reParser) set() *rnode {
	at := p.i - 1
	s := &rset{fold: p.flags&reIgnore != 0}
	s.neg = p.accept("^")
	first := true
	for {
		if !p.more() {
			p.i = at
			p.fail("unterminated character set")
		}
		if p.s[p.i] == ']' && !first {
			p.i++
			return &rnode{kind: '[', set: s}
		}
		first = false
		one := func() (rune, func(rune) bool) {
			if p.s[p.i] != '\\' {
				r, n := utf8.DecodeRuneInString(p.s[p.i:])
				p.i += n
				return r, nil
			}
			p.i++
			if !p.more() {
				p.i = at
				p.fail("unterminated character set")
			}
			if f := p.category(p.s[p.i]); f != nil {
				p.i++
				return 0, f
			}
			if p.s[p.i] == 'b' {
				p.i++
				return 8, nil
			}
			r, _ := p.escape()
			return r, nil
		}
		from := p.i
		lo, f := one()
		if p.i+1 < len(p.s) && p.s[p.i] == '-' && p.s[p.i+1] != ']' {
			p.i++
			hi, g := one()
			if f != nil || g != nil || hi < lo {
				bad := p.s[from:p.i]
				p.i = from
				p.fail("bad character range " + bad)
			}
			s.ranges = append(s.ranges, lo, hi)
			continue
		}
		if f != nil {
			s.preds = append(s.preds, f)
		} else {
			s.ranges = append(s.ranges, lo, lo)
		}
	}
}

func (p *reParser) atom() *rnode {
	c := p.s[p.i]
	switch c {
	case '.':
		p.i++
		return &rnode{kind: '.', flags: p.flags}
	case '^', '$':
		p.i++
		return &rnode{kind: c, flags: p.flags}
	case '[':
		p.i++
		return p.set()
	case '(':
		return p.group()
	case '*', '+', '?':
		p.fail("nothing to repeat")
	case '\\':
		at := p.i
		p.i++
		if !p.more() {
			p.i = at
			p.fail("bad escape (end of pattern)")
		}
		c := p.s[p.i]
		if f := p.category(c); f != nil {
			p.i++
			return &rnode{kind: '[', set: &rset{preds: []func(rune) bool{f}}}
		}
		switch {
		case strings.IndexByte("AZbB", c) >= 0:
			p.i++
			return &rnode{kind: c, flags: p.flags}
		case c >= '1' && c <= '9':
			n := 1
			if p.i+1 < len(p.s) && isDigit(p.s[p.i+1]) {
				n = 2
			}
			g, _ := strconv.Atoi(p.s[p.i : p.i+n])
			if g >= p.groups || p.open[g] {
				if p.open[g] {
					p.fail("cannot refer to an open group")
				}
				p.fail("invalid group reference " + strconv.Itoa(g))
			}
			p.i += n
			return &rnode{kind: '=', group: g, flags: p.flags}
		}
		r, _ := p.escape()
		return p.char(r)
	}
	r, n := utf8.DecodeRuneInString(p.s[p.i:])
	p.i += n
	return p.char(r)
}

func (p *reParser) close(at int) {
	if !p.accept(")") {
		p.i = at
		p.fail("missing ), unterminated subpattern")
	}
}

func (p *reParser) name(end byte) string {
	j := strings.IndexByte(p.s[p.i:], end)
	if j < 0 {
		p.fail("missing " + string(end) + ", unterminated name")
	}
	n := p.s[p.i : p.i+j]
	if n == "" {
		p.fail("missing group name")
	}
	p.i += j + 1
	return n
}

func (p *reParser) group() *rnode {
	at := p.i
	p.i++
	saved := p.flags
	capture := func(name string) *rnode {
		g := p.groups
		p.groups++
		if p.groups > 200 {
			p.fail("too many groups")
		}
		if name != "" {
			if old, ok := p.names[name]; ok {
				p.fail("redefinition of group name '" + name + "' as group " + strconv.Itoa(g) + "; was group " + strconv.Itoa(old))
			}
			p.names[name] = g
			p.order = append(p.order, name)
		}
		p.open[g] = true
		n := &rnode{kind: '(', group: g, subs: []*rnode{p.alt()}}
		delete(p.open, g)
		p.close(at)
		p.flags = saved
		return n
	}
	if !p.accept("?") {
		return capture("")
	}
	look := func(neg, behind bool) *rnode {
		n := &rnode{kind: 'l', neg: neg, behind: behind, subs: []*rnode{p.alt()}}
		p.close(at)
		p.flags = saved
		return n
	}
	switch {
	case p.accept("P<"):
		name := p.name('>')
		if !isIdentifier(name) {
			p.fail("bad character in group name '" + name + "'")
		}
		return capture(name)
	case p.accept("P="):
		name := p.name(')')
		g, ok := p.names[name]
		if !ok {
			p.fail("unknown group name '" + name + "'")
		}
		return &rnode{kind: '=', group: g, flags: p.flags}
	case p.accept(":"):
		n := p.alt()
		p.close(at)
		p.flags = saved
		return n
	case p.accept(">"):
		n := &rnode{kind: 'a', subs: []*rnode{p.alt()}}
		p.close(at)
		p.flags = saved
		return n
	case p.accept("#"):
		j := strings.IndexByte(p.s[p.i:], ')')
		if j < 0 {
			p.i = at
			p.fail("missing ), unterminated comment")
		}
		p.i += j + 1
		return nil
	case p.accept("="):
		return look(false, false)
	case p.accept("!"):
		return look(true, false)
	case p.accept("<="):
		return look(false, true)
	case p.accept("<!"):
		return look(true, true)
	case p.accept("("):
		ref := p.name(')')
		g, ok := p.names[ref]
		if !ok {
			v, err := strconv.Atoi(ref)
			if err != nil {
				p.fail("unknown group name '" + ref + "'")
			}
			g = v
		}
		if g <= 0 || g >= 200 {
			p.fail("bad group number")
		}
		n := &rnode{kind: 'i', group: g, subs: []*rnode{p.seq(), {kind: '?'}}}
		if p.accept("|") {
			n.subs[1] = p.seq()
		}
		p.close(at)
		return n
	}
	// flags: (?i) for the whole, (?i:…) for a part
	on, off := 0, 0
	target := &on
	for p.more() {
		c := p.s[p.i]
		p.i++
		switch c {
		case 'i':
			*target |= reIgnore
		case 'm':
			*target |= reMulti
		case 's':
			*target |= reDotAll
		case 'x':
			*target |= reVerb
		case 'a':
			*target |= reASCII
		case 'u', 'L':
		case '-':
			target = &off
		case ')':
			if at != 0 {
				p.i = at
				p.fail("global flags not at the start of the expression")
			}
			p.flags |= on
			return nil
		case ':':
			p.flags = p.flags&^off | on
			n := p.alt()
			p.close(at)
			p.flags = saved
			return n
		default:
			p.i--
			p.fail("unknown extension ?" + string(c))
		}
	}
	p.fail("unexpected end of pattern")
	return nil
}

func (p *reParser) emit(in rinst) int {
	if len(p.prog) > maxProg {
		p.fail("the pattern is too large")
	}
	p.prog = append(p.prog, in)
	return len(p.prog) - 1
}

func (n *rnode) nullable() bool {
	switch n.kind {
	case 'c', '.', '[':
		return false
	case '|':
		for _, s := range n.subs {
			if s.nullable() {
				return true
			}
		}
		return false
	case '*':
		return n.min == 0 || n.subs[0].nullable()
	case '(', '?', 'a':
		for _, s := range n.subs {
			if !s.nullable() {
				return false
			}
		}
	}
	return true
}

// width is the fixed number of characters of a node, or -1.
func (n *rnode) width() int {
	switch n.kind {
	case 'c', '.', '[':
		return 1
	case '|', 'i':
		w := n.subs[0].width()
		for _, s := range n.subs[1:] {
			if s.width() != w {
				return -1
			}
		}
		return w
	case '*':
		w := n.subs[0].width()
		if n.min != n.max || w < 0 {
			return -1
		}
		return w * n.min
	case '=':
		return -1
	case 'l', '^', '$', 'A', 'Z', 'b', 'B':
		return 0
	}
	sum := 0
	for _, s := range n.subs {
		w := s.width()
		if w < 0 {
			return -1
		}
		sum += w
	}
	return sum
}

func (p *reParser) gen(n *rnode, inLook bool) {
	switch n.kind {
	case 'c':
		fold := n.flags&reIgnore != 0 && unicode.SimpleFold(n.r) != n.r
		p.emit(rinst{op: rChar, r: n.r, fold: fold})
	case '.':
		if n.flags&reDotAll != 0 {
			p.emit(rinst{op: rAnyNL})
		} else {
			p.emit(rinst{op: rAny})
		}
	case '[':
		p.emit(rinst{op: rClass, set: n.set})
	case '(':
		p.emit(rinst{op: rSave, x: 2 * n.group})
		p.gen(n.subs[0], inLook)
		p.emit(rinst{op: rSave, x: 2*n.group + 1})
	case '?':
		for _, s := range n.subs {
			p.gen(s, inLook)
		}
	case '|':
		var ends []int
		for i, s := range n.subs {
			if i == len(n.subs)-1 {
				p.gen(s, inLook)
				break
			}
			sp := p.emit(rinst{op: rSplit})
			p.prog[sp].x = sp + 1
			p.gen(s, inLook)
			ends = append(ends, p.emit(rinst{op: rJmp}))
			p.prog[sp].y = len(p.prog)
		}
		for _, e := range ends {
			p.prog[e].x = len(p.prog)
		}
	case '*':
		sub := n.subs[0]
		for range n.min {
			p.gen(sub, inLook)
		}
		if n.max < 0 {
			empty := sub.nullable()
			loop := p.emit(rinst{op: rSplit})
			mark := p.marks
			if empty {
				p.marks++
				p.emit(rinst{op: rMark, x: mark})
			}
			p.gen(sub, inLook)
			if empty {
				p.emit(rinst{op: rCheck, x: mark})
			}
			p.emit(rinst{op: rJmp, x: loop})
			p.order2(loop, loop+1, len(p.prog), n.lazy)
			return
		}
		var splits []int
		for range n.max - n.min {
			splits = append(splits, p.emit(rinst{op: rSplit}))
			p.gen(sub, inLook)
		}
		for _, s := range splits {
			p.order2(s, s+1, len(p.prog), n.lazy)
		}
	case '^':
		if n.flags&reMulti != 0 {
			p.emit(rinst{op: rMBol})
		} else {
			p.emit(rinst{op: rBol})
		}
	case '$':
		if n.flags&reMulti != 0 {
			p.emit(rinst{op: rMEol})
		} else {
			p.emit(rinst{op: rEol})
		}
	case 'A':
		p.emit(rinst{op: rBol})
	case 'Z':
		p.emit(rinst{op: rTextEnd})
	case 'b':
		p.emit(rinst{op: rWord, fold: n.flags&reASCII != 0})
	case 'B':
		p.emit(rinst{op: rNotWord, fold: n.flags&reASCII != 0})
	case '=':
		p.emit(rinst{op: rBack, x: n.group, fold: n.flags&reIgnore != 0})
	case 'l':
		w := 0
		if n.behind {
			if w = n.subs[0].width(); w < 0 {
				p.fail("look-behind requires fixed-width pattern")
			}
		}
		l := p.emit(rinst{op: rLook, neg: n.neg, behind: w})
		p.gen(n.subs[0], true)
		p.emit(rinst{op: rMatch})
		p.prog[l].x, p.prog[l].y = l+1, len(p.prog)
	case 'a':
		l := p.emit(rinst{op: rAtomic})
		p.gen(n.subs[0], true)
		p.emit(rinst{op: rMatch})
		p.prog[l].x, p.prog[l].y = l+1, len(p.prog)
	case 'i':
		if n.group >= p.groups {
			p.fail("invalid group reference " + strconv.Itoa(n.group))
		}
		c := p.emit(rinst{op: rCond, r: rune(n.group)})
		p.prog[c].x = c + 1
		p.gen(n.subs[0], inLook)
		j := p.emit(rinst{op: rJmp})
		p.prog[c].y = len(p.prog)
		p.gen(n.subs[1], inLook)
		p.prog[j].x = len(p.prog)
	}
}

func (p *reParser) order2(at, body, after int, lazy bool) {
	p.prog[at].x, p.prog[at].y = body, after
	if lazy {
		p.prog[at].x, p.prog[at].y = after, body
	}
}

// matcher is one search.
type matcher struct {
	t     *Thread
	re    *regex
	s     string
	end   int
	caps  []int
	marks []int
	stack []rstate
	full  bool
	caps2 int // where the last run ended
	notAt int // a match may not end before this place
	inner bool
}

type rstate struct {
	pc, pos   int
	slot, was int // a capture (or mark, below zero) to restore; pc is -1
}

// match tries at pos; ok says whether it matched, with the captures in m.caps.
func (m *matcher) match(pos int) (bool, error) {
	for i := range m.caps {
		m.caps[i] = -1
	}
	return m.run(0, pos)
}

func (m *matcher) run(pc, pos int) (bool, error) {
	base := len(m.stack)
	prog, s := m.re.prog, m.s
	step := 0
	push := func(st rstate) error {
		if len(m.stack) >= 1<<18 {
			return m.t.limit("memory", nil)
		}
		m.stack = append(m.stack, st)
		return nil
	}
	save := func(slot, v int) error {
		var was int
		if slot >= 0 {
			was = m.caps[slot]
			m.caps[slot] = v
		} else {
			was = m.marks[-slot-1]
			m.marks[-slot-1] = v
		}
		return push(rstate{pc: -1, slot: slot, was: was})
	}
	for {
		step++
		if step&15 == 0 {
			if err := m.t.charge(1); err != nil {
				return false, err
			}
		}
		in := &prog[pc]
		ok := false
		switch in.op {
		case rChar:
			if pos < m.end {
				r, n := rune(s[pos]), 1
				if r >= utf8.RuneSelf {
					r, n = m.rune(pos)
				}
				if r == in.r || in.fold && foldEqual(r, in.r) {
					pos += n
					ok = true
				}
			}
			pc++
		case rAny, rAnyNL:
			if pos < m.end && (in.op == rAnyNL || s[pos] != '\n') {
				_, n := m.rune(pos)
				pos += n
				ok = true
			}
			pc++
		case rClass:
			if pos < m.end {
				r, n := m.rune(pos)
				if in.set.has(r) {
					pos += n
					ok = true
				}
			}
			pc++
		case rSplit:
			if err := push(rstate{pc: in.y, pos: pos}); err != nil {
				return false, err
			}
			pc, ok = in.x, true
		case rJmp:
			pc, ok = in.x, true
		case rSave:
			if err := save(in.x, pos); err != nil {
				return false, err
			}
			pc++
			ok = true
		case rMark:
			if err := save(-in.x-1, pos); err != nil {
				return false, err
			}
			pc++
			ok = true
		case rCheck:
			ok = m.marks[in.x] != pos
			if !ok { // an empty round ends the loop
				ok = true
				pc += 2
				break
			}
			pc++
		case rBol:
			ok = pos == 0
			pc++
		case rMBol:
			ok = pos == 0 || s[pos-1] == '\n'
			pc++
		case rEol:
			ok = pos == m.end || pos == m.end-1 && s[pos] == '\n'
			pc++
		case rMEol:
			ok = pos == m.end || s[pos] == '\n'
			pc++
		case rTextEnd:
			ok = pos == m.end
			pc++
		case rWord, rNotWord:
			word := wordRune
			if in.fold || m.re.bytes {
				word = asciiWord
			}
			a, b := false, false
			if pos > 0 {
				r, _ := m.before(pos)
				a = word(r)
			}
			if pos < m.end {
				r, _ := m.rune(pos)
				b = word(r)
			}
			ok = (a != b) == (in.op == rWord)
			pc++
		case rBack:
			lo, hi := m.caps[2*in.x], m.caps[2*in.x+1]
			if lo >= 0 && hi >= lo {
				want := s[lo:hi]
				if pos+len(want) <= m.end {
					have := s[pos : pos+len(want)]
					if have == want || in.fold && strings.EqualFold(have, want) {
						pos += len(want)
						ok = true
					}
				}
				if err := m.t.scan(len(want)); err != nil {
					return false, err
				}
			}
			pc++
		case rLook, rAtomic:
			start := pos
			if in.op == rLook && in.behind > 0 {
				for k := 0; k < in.behind && start >= 0; k++ {
					if start == 0 {
						start = -1
						break
					}
					_, n := m.before(start)
					start -= n
				}
			}
			saved := append([]int(nil), m.caps...)
			hit := false
			if start >= 0 {
				sub := *m
				sub.stack = nil
				sub.full, sub.inner = false, true
				if in.op == rLook && in.behind > 0 {
					sub.end = pos
				}
				got, err := sub.run(in.x, start)
				if err != nil {
					return false, err
				}
				hit = got
				if hit && in.op == rAtomic {
					pos = sub.caps2
				}
				m.marks = sub.marks
			}
			if in.op == rLook {
				ok = hit != in.neg
			} else {
				ok = hit
			}
			if !hit || in.neg {
				copy(m.caps, saved)
			} else {
				for i := range saved {
					if saved[i] != m.caps[i] {
						if err := push(rstate{pc: -1, slot: i, was: saved[i]}); err != nil {
							return false, err
						}
					}
				}
			}
			pc = in.y
		case rCond:
			ok = true
			if m.caps[2*int(in.r)+1] >= 0 {
				pc = in.x
			} else {
				pc = in.y
			}
		case rMatch:
			if (!m.full || pos == m.end) && (m.inner || pos >= m.notAt) {
				m.caps2 = pos
				m.stack = m.stack[:base]
				return true, nil
			}
		}
		if ok {
			continue
		}
		for {
			if len(m.stack) == base {
				return false, nil
			}
			st := m.stack[len(m.stack)-1]
			m.stack = m.stack[:len(m.stack)-1]
			if st.pc >= 0 {
				pc, pos = st.pc, st.pos
				break
			}
			if st.slot >= 0 {
				m.caps[st.slot] = st.was
			} else {
				m.marks[-st.slot-1] = st.was
			}
		}
	}
}

// rune reads the character at a place: of bytes it is the byte.
func (m *matcher) rune(pos int) (rune, int) {
	if m.re.bytes {
		return rune(m.s[pos]), 1
	}
	return utf8.DecodeRuneInString(m.s[pos:])
}

func (m *matcher) before(pos int) (rune, int) {
	if m.re.bytes {
		return rune(m.s[pos-1]), 1
	}
	return utf8.DecodeLastRuneInString(m.s[:pos])
}

func foldEqual(a, b rune) bool {
	for f := unicode.SimpleFold(a); f != a; f = unicode.SimpleFold(f) {
		if f == b {
			return true
		}
	}
	return false
}

// find searches from pos on; mode is 'm' for a match at the place, 'f' for all of it, 's' anywhere. nil means none.
func (re *regex) find(t *Thread, s string, pos, end int, mode byte) ([]int, error) {
	m := &matcher{t: t, re: re, s: s, end: end, caps: make([]int, 2*re.groups), marks: make([]int, re.marks), full: mode == 'f'}
	for i := range m.marks {
		m.marks[i] = -1
	}
	if err := t.alloc(16*re.groups + 200); err != nil {
		return nil, err
	}
	for {
		if mode == 's' && re.prefix != "" {
			i := strings.Index(s[pos:end], re.prefix)
			if err := t.scan(end - pos); err != nil {
				return nil, err
			}
			if i < 0 {
				return nil, nil
			}
			pos += i
		}
		if err := t.charge(1); err != nil {
			return nil, err
		}
		ok, err := m.match(pos)
		if err != nil {
			return nil, err
		}
		if ok {
			return m.caps, nil
		}
		if mode != 's' || pos >= end {
			return nil, nil
		}
		_, n := m.rune(pos)
		pos += n
	}
}
