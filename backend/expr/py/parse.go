package py

import (
	"fmt"
	"strings"
)

type parser struct {
	toks  []token
	i     int
	depth int
	nest  int // of f-strings
}

// parse makes the tree of a function body.
func parse(src string) (body []stmt, err error) {
	defer func() {
		if r := recover(); r != nil {
			se, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			err = se
		}
	}()
	if len(src) > maxSource {
		return nil, &SyntaxError{Msg: "the text is too long", Line: 1}
	}
	if i := strings.IndexByte(src, 0); i >= 0 {
		return nil, &SyntaxError{Msg: "source code string cannot contain null bytes", Line: 1}
	}
	src = strings.ReplaceAll(strings.TrimPrefix(src, "\ufeff"), "\r\n", "\n")
	p := &parser{toks: lex(src, 1, false, 0)}
	for p.peek().kind != tEOF {
		body = append(body, p.statement()...)
	}
	return body, nil
}

func (p *parser) peek() *token { return &p.toks[p.i] }
func (p *parser) line() int    { return p.toks[p.i].line }
func (p *parser) here() pos    { return pos(p.toks[p.i].line) }

func (p *parser) fail(format string, a ...any) {
	p.failAt(p.line(), format, a...)
}

func (p *parser) failAt(line int, format string, a ...any) {
	panic(&SyntaxError{Msg: fmt.Sprintf(format, a...), Line: line})
}

func (p *parser) enter() {
	p.depth++
	if p.depth > 6*maxNesting {
		p.fail("too many nested expressions")
	}
}
func (p *parser) leave() { p.depth-- }

func (p *parser) is(text string) bool {
	t := p.peek()
	return (t.kind == tOp || t.kind == tKeyword) && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.unexpected("expected '" + text + "'")
	}
}

func (p *parser) unexpected(what string) {
	t := p.peek()
	switch t.kind {
	case tIndent:
		p.fail("unexpected indent")
	case tEOF, tNewline:
		if what != "" {
			p.fail("invalid syntax: %s", what)
		}
	}
	if what == "" {
		what = "unexpected " + t.text
	}
	p.fail("invalid syntax: %s", what)
}

func (p *parser) ident() string {
	t := p.peek()
	if t.kind != tName {
		p.unexpected("a name is needed")
	}
	p.i++
	return t.text
}

// block reads ":" and an indented suite, or simple statements on the line.
func (p *parser) block() []stmt {
	p.expect(":")
	if p.peek().kind != tNewline {
		return p.simpleLine()
	}
	p.i++
	if p.peek().kind != tIndent {
		p.fail("expected an indented block")
	}
	p.i++
	p.enter()
	defer p.leave()
	var out []stmt
	for p.peek().kind != tDedent {
		if p.peek().kind == tEOF {
			return out
		}
		out = append(out, p.statement()...)
	}
	p.i++
	return out
}

// simpleLine reads statements between semicolons.
func (p *parser) simpleLine() []stmt {
	var out []stmt
	for {
		out = append(out, p.simple())
		if p.accept(";") {
			if p.peek().kind == tNewline {
				break
			}
			continue
		}
		break
	}
	if p.peek().kind != tNewline {
		p.unexpected("")
	}
	p.i++
	return out
}

func (p *parser) statement() []stmt {
	at := p.here()
	t := p.peek()
	if t.kind == tNewline {
		p.i++
		return nil
	}
	if t.kind == tName && t.text == "match" {
		if m := p.match(); m != nil {
			return []stmt{m}
		}
	}
	if t.kind != tKeyword {
		if t.kind == tOp && t.text == "@" {
			return []stmt{p.decorated()}
		}
		return p.simpleLine()
	}
	switch t.text {
	case "if":
		p.i++
		return []stmt{p.ifRest(at)}
	case "while":
		p.i++
		cond := p.namedExpr()
		body := p.block()
		return []stmt{&whileStmt{at, cond, body, p.elseBlock()}}
	case "for":
		p.i++
		target := p.targetList()
		p.expect("in")
		it := p.exprList()
		body := p.block()
		return []stmt{&forStmt{at, target, it, body, p.elseBlock()}}
	case "try":
		return []stmt{p.try()}
	case "with":
		return []stmt{p.with()}
	case "def":
		return []stmt{&defStmt{at, p.def(), nil}}
	case "class":
		p.fail("classes are not supported in expressions")
	case "async", "await":
		p.fail("async and await are not supported in expressions")
	}
	return p.simpleLine()
}

func (p *parser) elseBlock() []stmt {
	if p.accept("else") {
		return p.block()
	}
	return nil
}

func (p *parser) ifRest(at pos) stmt {
	p.enter()
	defer p.leave()
	cond := p.namedExpr()
	s := &ifStmt{pos: at, cond: cond, then: p.block()}
	at = p.here()
	if p.accept("elif") {
		s.no = []stmt{p.ifRest(at)}
	} else {
		s.no = p.elseBlock()
	}
	return s
}

func (p *parser) try() stmt {
	s := &tryStmt{pos: p.here()}
	p.i++
	s.body = p.block()
	for p.is("except") {
		h := handler{pos: p.here()}
		p.i++
		if p.is("*") {
			p.fail("except* is not supported in expressions")
		}
		if !p.is(":") {
			h.typ = p.expr()
			if p.is(",") {
				p.fail("multiple exception types must be parenthesized")
			}
			if p.accept("as") {
				h.name = p.ident()
			}
		} else if n := len(s.handlers); n > 0 && s.handlers[n-1].typ == nil {
			p.fail("default 'except:' must be last")
		}
		h.body = p.block()
		s.handlers = append(s.handlers, h)
	}
	for i, h := range s.handlers {
		if h.typ == nil && i != len(s.handlers)-1 {
			p.failAt(h.at(), "default 'except:' must be last")
		}
	}
	if len(s.handlers) > 0 {
		s.no = p.elseBlock()
	}
	if p.accept("finally") {
		s.hasFin = true
		s.fin = p.block()
	}
	if len(s.handlers) == 0 && !s.hasFin {
		p.fail("expected 'except' or 'finally' block")
	}
	return s
}

func (p *parser) with() stmt {
	s := &withStmt{pos: p.here()}
	p.i++
	item := func() {
		it := withItem{x: p.expr()}
		if p.accept("as") {
			it.target = p.starOr()
			p.checkTarget(it.target)
		}
		s.items = append(s.items, it)
	}
	if start := p.i; p.is("(") && p.parenWith() {
		p.i = start + 1
		for !p.is(")") {
			item()
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
	} else {
		for {
			item()
			if !p.accept(",") {
				break
			}
		}
	}
	s.body = p.block()
	return s
}

// parenWith says whether the bracket here holds the items of a with statement: ":" follows its end and "as" is inside.
func (p *parser) parenWith() bool {
	depth, as := 0, false
	for j := p.i; j < len(p.toks); j++ {
		t := p.toks[j]
		switch {
		case t.kind == tOp && strings.Contains("([{", t.text):
			depth++
		case t.kind == tOp && strings.Contains(")]}", t.text):
			depth--
			if depth == 0 {
				return as && p.toks[j+1].kind == tOp && p.toks[j+1].text == ":"
			}
		case t.kind == tKeyword && t.text == "as" && depth == 1:
			as = true
		case t.kind == tNewline:
			return false
		}
	}
	return false
}

func (p *parser) decorated() stmt {
	at := p.here()
	var decs []expr
	for p.accept("@") {
		decs = append(decs, p.namedExpr())
		if p.peek().kind != tNewline {
			p.unexpected("")
		}
		p.i++
	}
	if p.is("class") {
		p.fail("classes are not supported in expressions")
	}
	if !p.is("def") {
		p.unexpected("a function is needed behind a decorator")
	}
	return &defStmt{at, p.def(), decs}
}

func (p *parser) def() *funcDef {
	f := &funcDef{pos: p.here()}
	p.expect("def")
	f.name = p.ident()
	p.expect("(")
	f.params = p.params(")", true)
	p.expect(")")
	if p.accept("->") {
		p.expr()
	}
	f.body = p.block()
	if len(f.body) > 0 {
		if e, ok := f.body[0].(*exprStmt); ok {
			if c, ok := e.x.(*constant); ok {
				f.doc, _ = c.v.(string)
			}
		}
	}
	return f
}

// params reads the parameters of a function or lambda up to end.
func (p *parser) params(end string, annotated bool) []param {
	var out []param
	seen := map[string]bool{}
	var kind byte
	defaults, bare := false, false
	add := func(k byte) {
		q := param{name: p.ident(), kind: k}
		if seen[q.name] {
			p.fail("duplicate argument '%s' in function definition", q.name)
		}
		seen[q.name] = true
		if annotated && p.accept(":") {
			if k == '*' && p.accept("*") {
				p.expr()
			} else {
				p.expr()
			}
		}
		if p.is("=") {
			if k == '*' || k == '2' {
				p.fail("var-positional argument cannot have default value")
			}
			p.i++
			q.def = p.expr()
			if k == 0 {
				defaults = true
			}
		} else if k == 0 && defaults {
			p.fail("non-default argument follows default argument")
		}
		out = append(out, q)
	}
	for !p.is(end) {
		if len(out) > 0 && out[len(out)-1].kind == '2' {
			p.fail("arguments cannot follow var-keyword argument")
		}
		switch {
		case p.accept("**"):
			if bare {
				p.fail("named arguments must follow bare *")
			}
			add('2')
		case p.accept("*"):
			if kind == 'k' {
				p.fail("* argument may appear only once")
			}
			kind = 'k'
			if p.is(",") {
				bare = true
			} else if p.is(end) {
				p.fail("named arguments must follow bare *")
			} else {
				add('*')
			}
		case p.accept("/"):
			if len(out) == 0 || kind == 'k' {
				p.fail("at least one argument must precede /")
			}
			for i := range out {
				if out[i].kind == '/' {
					p.fail("/ may appear only once")
				}
				out[i].kind = '/'
			}
		default:
			bare = false
			add(kind)
		}
		if !p.accept(",") {
			break
		}
	}
	if bare {
		p.fail("named arguments must follow bare *")
	}
	if len(out) > 250 {
		p.fail("too many parameters")
	}
	return out
}

func (p *parser) simple() stmt {
	at := p.here()
	t := p.peek()
	if t.kind == tKeyword {
		switch t.text {
		case "pass", "break", "continue":
			p.i++
			return &jump{at, t.text}
		case "return":
			p.i++
			s := &returnStmt{pos: at}
			if !p.endOfSimple() {
				s.x = p.exprList()
			}
			return s
		case "raise":
			p.i++
			s := &raiseStmt{pos: at}
			if !p.endOfSimple() {
				s.x = p.expr()
				if p.accept("from") {
					s.from = p.expr()
				}
			}
			return s
		case "del":
			p.i++
			s := &delStmt{pos: at}
			x := p.exprList()
			var flat func(x expr)
			flat = func(x expr) {
				switch n := x.(type) {
				case *tupleExpr:
					for _, e := range n.elts {
						flat(e)
					}
				case *listExpr:
					for _, e := range n.elts {
						flat(e)
					}
				case *name, *attribute, *subscript:
					s.targets = append(s.targets, x)
				default:
					p.failAt(x.at(), "cannot delete %s", describe(x))
				}
			}
			flat(x)
			return s
		case "assert":
			p.i++
			s := &assertStmt{pos: at, x: p.expr()}
			if p.accept(",") {
				s.msg = p.expr()
			}
			return s
		case "global", "nonlocal":
			p.i++
			s := &scopeStmt{pos: at, global: t.text == "global"}
			for {
				s.names = append(s.names, p.ident())
				if !p.accept(",") {
					return s
				}
			}
		case "import":
			p.i++
			s := &importStmt{pos: at}
			for {
				a := alias{name: p.dotted()}
				if p.accept("as") {
					a.as = p.ident()
				}
				s.names = append(s.names, a)
				if !p.accept(",") {
					return s
				}
			}
		case "from":
			p.i++
			s := &importStmt{pos: at, from: true, module: p.dotted()}
			p.expect("import")
			if p.is("*") {
				p.fail("import * only allowed at module level")
			}
			paren := p.accept("(")
			for {
				a := alias{name: p.ident()}
				if p.accept("as") {
					a.as = p.ident()
				}
				s.names = append(s.names, a)
				if !p.accept(",") || paren && p.is(")") {
					break
				}
			}
			if paren {
				p.expect(")")
			}
			return s
		}
	}
	x := p.exprList()
	switch {
	case p.is("="):
		s := &assign{pos: at}
		for p.accept("=") {
			p.checkTarget(x)
			s.targets = append(s.targets, x)
			if p.is("yield") {
				x = p.yield()
			} else {
				x = p.exprList()
			}
		}
		s.x = x
		return s
	case p.is(":"):
		switch n := x.(type) {
		case *name, *attribute, *subscript:
		default:
			_ = n
			p.fail("only single target (not tuple) can be annotated")
		}
		p.i++
		p.expr()
		s := &annAssign{pos: at, target: x}
		if p.accept("=") {
			if p.is("yield") {
				s.x = p.yield()
			} else {
				s.x = p.exprList()
			}
		}
		return s
	}
	if t := p.peek(); t.kind == tOp && strings.HasSuffix(t.text, "=") && len(t.text) > 1 && !strings.Contains("== != <= >= :=", t.text) {
		switch x.(type) {
		case *name, *attribute, *subscript:
		default:
			p.fail("'%s' is an illegal expression for augmented assignment", describe(x))
		}
		p.i++
		s := &augAssign{pos: at, target: x, op: strings.TrimSuffix(t.text, "=")}
		if p.is("yield") {
			s.x = p.yield()
		} else {
			s.x = p.exprList()
		}
		return s
	}
	if st, ok := x.(*starred); ok {
		p.failAt(st.at(), "can't use starred expression here")
	}
	return &exprStmt{at, x}
}

func (p *parser) endOfSimple() bool {
	return p.peek().kind == tNewline || p.peek().kind == tEOF || p.is(";")
}

func (p *parser) dotted() string {
	s := p.ident()
	for p.accept(".") {
		s += "." + p.ident()
	}
	return s
}

// describe names an expression for messages about targets.
func describe(x expr) string {
	switch n := x.(type) {
	case *constant:
		switch n.v.(type) {
		case nil:
			return "None"
		case bool:
			if n.v == true {
				return "True"
			}
			return "False"
		}
		return "literal"
	case *call:
		return "function call"
	case *binary, *unary, *boolOp:
		return "expression"
	case *compare:
		return "comparison"
	case *lambda:
		return "lambda"
	case *ternary:
		return "conditional expression"
	case *fstr:
		return "f-string expression"
	case *comp:
		return "comprehension"
	case *yieldExpr:
		return "yield expression"
	case *dictExpr:
		return "dict literal"
	case *setExpr:
		return "set display"
	case *walrus:
		return "named expression"
	case *starred:
		return "starred"
	case *tupleExpr:
		return "tuple"
	case *listExpr:
		return "list"
	}
	return "expression"
}

func (p *parser) checkTarget(x expr) {
	switch n := x.(type) {
	case *name, *attribute, *subscript:
	case *tupleExpr:
		p.checkTargets(n.elts)
	case *listExpr:
		p.checkTargets(n.elts)
	case *starred:
		p.failAt(n.at(), "starred assignment target must be in a list or tuple")
	default:
		p.failAt(x.at(), "cannot assign to %s", describe(x))
	}
}

func (p *parser) checkTargets(elts []expr) {
	stars := 0
	for _, e := range elts {
		if s, ok := e.(*starred); ok {
			stars++
			if stars > 1 {
				p.failAt(e.at(), "multiple starred expressions in assignment")
			}
			p.checkTarget(s.x)
			continue
		}
		p.checkTarget(e)
	}
}

// targetList reads the targets of for.
func (p *parser) targetList() expr {
	at := p.here()
	one := func() expr {
		if s := p.here(); p.accept("*") {
			return &starred{s, p.bitOr()}
		}
		return p.bitOr()
	}
	x := one()
	if p.is(",") {
		t := &tupleExpr{at, []expr{x}}
		for p.accept(",") {
			if p.is("in") {
				break
			}
			t.elts = append(t.elts, one())
		}
		x = t
	}
	p.checkTarget(x)
	return x
}

// exprList reads expressions between commas as a tuple, or yield.
func (p *parser) exprList() expr {
	if p.is("yield") {
		return p.yield()
	}
	at := p.here()
	x := p.starOr()
	if !p.is(",") {
		return x
	}
	t := &tupleExpr{at, []expr{x}}
	for p.accept(",") {
		if p.endOfList() {
			break
		}
		t.elts = append(t.elts, p.starOr())
	}
	return t
}

func (p *parser) endOfList() bool {
	t := p.peek()
	if t.kind == tNewline || t.kind == tEOF {
		return true
	}
	if t.kind != tOp {
		return false
	}
	switch t.text {
	case ")", "]", "}", "=", ":", ";":
		return true
	}
	return strings.HasSuffix(t.text, "=")
}

// starOr reads *x or a named expression.
func (p *parser) starOr() expr {
	if at := p.here(); p.accept("*") {
		return &starred{at, p.bitOr()}
	}
	return p.namedExpr()
}

func (p *parser) yield() expr {
	at := p.here()
	p.expect("yield")
	if p.accept("from") {
		return &yieldExpr{at, p.expr(), true}
	}
	if p.endOfList() {
		return &yieldExpr{at, nil, false}
	}
	return &yieldExpr{at, p.exprList(), false}
}

func (p *parser) namedExpr() expr {
	x := p.expr()
	if p.is(":=") {
		n, ok := x.(*name)
		if !ok {
			p.fail("cannot use assignment expressions with %s", describe(x))
		}
		p.i++
		return &walrus{n.pos, n.id, p.expr()}
	}
	return x
}

func (p *parser) expr() expr {
	p.enter()
	defer p.leave()
	at := p.here()
	if p.accept("lambda") {
		f := &funcDef{pos: at, name: "<lambda>", lambda: true}
		f.params = p.params(":", false)
		p.expect(":")
		x := p.expr()
		f.body = []stmt{&returnStmt{pos(x.at()), x}}
		return &lambda{at, f}
	}
	x := p.or()
	if p.accept("if") {
		cond := p.or()
		p.expect("else")
		return &ternary{at, cond, x, p.expr()}
	}
	return x
}

func (p *parser) or() expr {
	x := p.and()
	for p.is("or") {
		at := p.here()
		p.i++
		x = &boolOp{at, false, x, p.and()}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for p.is("and") {
		at := p.here()
		p.i++
		x = &boolOp{at, true, x, p.not()}
	}
	return x
}

func (p *parser) not() expr {
	if at := p.here(); p.accept("not") {
		p.enter()
		defer p.leave()
		return &unary{at, "not", p.not()}
	}
	return p.comparison()
}

func (p *parser) comparison() expr {
	at := p.here()
	x := p.bitOr()
	var c *compare
	for {
		op := ""
		t := p.peek()
		switch {
		case t.kind == tOp && (t.text == "<" || t.text == ">" || t.text == "==" || t.text == "!=" || t.text == "<=" || t.text == ">="):
			op = t.text
			p.i++
		case p.is("in"):
			op = "in"
			p.i++
		case p.is("not"):
			if n := p.toks[p.i+1]; n.kind != tKeyword || n.text != "in" {
				p.unexpected("")
			}
			op = "not in"
			p.i += 2
		case p.is("is"):
			op = "is"
			p.i++
			if p.accept("not") {
				op = "is not"
			}
		default:
			if c == nil {
				return x
			}
			return c
		}
		if c == nil {
			c = &compare{pos: at, first: x}
		}
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.bitOr())
	}
}

var levels = [][]string{{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%", "@"}}

func (p *parser) bitOr() expr { return p.level(0) }

func (p *parser) level(n int) expr {
	if n == len(levels) {
		return p.factor()
	}
	x := p.level(n + 1)
next:
	for {
		t := p.peek()
		if t.kind == tOp {
			for _, op := range levels[n] {
				if t.text == op {
					at := p.here()
					p.i++
					x = &binary{at, op, x, p.level(n + 1)}
					continue next
				}
			}
		}
		return x
	}
}

func (p *parser) factor() expr {
	p.enter()
	defer p.leave()
	at := p.here()
	for _, op := range []string{"-", "+", "~"} {
		if p.accept(op) {
			x := p.factor()
			if c, ok := x.(*constant); ok && op == "-" { // -1 is a constant
				switch v := c.v.(type) {
				case int:
					return &constant{at, subInt(0, v)}
				case float64:
					return &constant{at, -v}
				}
			}
			return &unary{at, op, x}
		}
	}
	x := p.primary()
	if at := p.here(); p.accept("**") {
		return &binary{at, "**", x, p.factor()}
	}
	return x
}

func (p *parser) primary() expr {
	x := p.atom()
	for {
		at := p.here()
		switch {
		case p.accept("."):
			x = &attribute{at, x, p.ident()}
		case p.accept("("):
			c := &call{pos: pos(x.at()), f: x}
			c.args = p.args()
			x = c
		case p.accept("["):
			x = &subscript{pos(x.at()), x, p.index()}
			p.expect("]")
		default:
			return x
		}
		_ = at
	}
}

func (p *parser) args() []argument {
	var out []argument
	kw := map[string]bool{}
	named, doubled := false, false
	for !p.is(")") {
		at := p.here()
		switch {
		case p.accept("*"):
			if doubled {
				p.fail("iterable argument unpacking follows keyword argument unpacking")
			}
			out = append(out, argument{star: 1, x: p.expr()})
		case p.accept("**"):
			doubled = true
			out = append(out, argument{star: 2, x: p.expr()})
		case p.peek().kind == tName && p.toks[p.i+1].kind == tOp && p.toks[p.i+1].text == "=":
			n := p.ident()
			p.i++
			if kw[n] {
				p.failAt(int(at), "keyword argument repeated: %s", n)
			}
			kw[n] = true
			named = true
			out = append(out, argument{name: n, x: p.expr()})
		default:
			x := p.namedExpr()
			if p.is("for") {
				x = p.comprehension(at, 'g', x, nil)
				if len(out) > 0 || !p.is(")") {
					p.failAt(int(at), "Generator expression must be parenthesized")
				}
			}
			if p.is("=") {
				p.fail("expression cannot contain assignment, perhaps you meant \"==\"?")
			}
			if doubled {
				p.failAt(int(at), "positional argument follows keyword argument unpacking")
			}
			if named {
				p.failAt(int(at), "positional argument follows keyword argument")
			}
			out = append(out, argument{x: x})
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if len(out) > 250 {
		p.fail("too many arguments")
	}
	return out
}

func (p *parser) index() expr {
	at := p.here()
	one := func() expr {
		at := p.here()
		if p.is("*") {
			return p.starOr()
		}
		var lo expr
		if !p.is(":") {
			lo = p.namedExpr()
			if !p.is(":") {
				return lo
			}
		}
		s := &sliceExpr{pos: at, lo: lo}
		p.expect(":")
		if !p.is(":") && !p.is("]") && !p.is(",") {
			s.hi = p.expr()
		}
		if p.accept(":") && !p.is("]") && !p.is(",") {
			s.step = p.expr()
		}
		return s
	}
	x := one()
	if !p.is(",") {
		if st, ok := x.(*starred); ok {
			return &tupleExpr{at, []expr{st}}
		}
		return x
	}
	t := &tupleExpr{at, []expr{x}}
	for p.accept(",") {
		if p.is("]") {
			break
		}
		t.elts = append(t.elts, one())
	}
	return t
}

func (p *parser) comprehension(at pos, kind byte, key, val expr) expr {
	if s, ok := key.(*starred); ok {
		p.failAt(s.at(), "iterable unpacking cannot be used in comprehension")
	}
	c := &comp{pos: at, kind: kind, key: key, val: val}
	for {
		if p.is("async") {
			p.fail("async and await are not supported in expressions")
		}
		if !p.accept("for") {
			break
		}
		cl := compClause{target: p.targetList()}
		p.expect("in")
		cl.iter = p.or()
		if p.accept("if") { // x if y else z needs brackets here
			cl.conds = append(cl.conds, p.compCond())
			for p.accept("if") {
				cl.conds = append(cl.conds, p.compCond())
			}
		}
		c.clauses = append(c.clauses, cl)
	}
	c.fn = &funcDef{pos: at, name: map[byte]string{'l': "<listcomp>", 's': "<setcomp>", 'd': "<dictcomp>", 'g': "<genexpr>"}[kind], params: []param{{name: ".0", kind: '/'}}}
	return c
}

func (p *parser) compCond() expr {
	x := p.or()
	if p.is(":=") {
		n, ok := x.(*name)
		if !ok {
			p.fail("cannot use assignment expressions with %s", describe(x))
		}
		p.i++
		return &walrus{n.pos, n.id, p.or()}
	}
	return x
}

func (p *parser) atom() expr {
	p.enter()
	defer p.leave()
	at := p.here()
	t := p.peek()
	switch t.kind {
	case tName:
		p.i++
		return &name{at, t.text}
	case tNumber:
		p.i++
		return &constant{at, t.value}
	case tString:
		return p.strings()
	case tKeyword:
		switch t.text {
		case "None":
			p.i++
			return &constant{at, nil}
		case "True", "False":
			p.i++
			return &constant{at, t.text == "True"}
		case "await", "async":
			p.fail("async and await are not supported in expressions")
		}
	case tOp:
		switch t.text {
		case "(":
			p.i++
			if p.accept(")") {
				return &tupleExpr{at, nil}
			}
			if p.is("yield") {
				x := p.yield()
				p.expect(")")
				return x
			}
			x := p.starOr()
			if p.is("for") {
				x = p.comprehension(at, 'g', x, nil)
			} else if p.is(",") {
				tu := &tupleExpr{at, []expr{x}}
				for p.accept(",") {
					if p.is(")") {
						break
					}
					tu.elts = append(tu.elts, p.starOr())
				}
				x = tu
			} else if s, ok := x.(*starred); ok {
				p.failAt(s.at(), "cannot use starred expression here")
			}
			p.expect(")")
			return x
		case "[":
			p.i++
			l := &listExpr{pos: at}
			for !p.is("]") {
				x := p.starOr()
				if len(l.elts) == 0 && p.is("for") {
					c := p.comprehension(at, 'l', x, nil)
					p.expect("]")
					return c
				}
				l.elts = append(l.elts, x)
				if !p.accept(",") {
					break
				}
			}
			p.expect("]")
			return l
		case "{":
			return p.brace()
		case "...":
			p.i++
			return &constant{at, Ellipsis}
		}
	}
	p.unexpected("")
	return nil
}

func (p *parser) brace() expr {
	at := p.here()
	p.expect("{")
	if p.accept("}") {
		return &dictExpr{pos: at}
	}
	if p.is("**") {
		return p.dictRest(&dictExpr{pos: at})
	}
	x := p.starOr()
	if p.is(":") {
		if _, ok := x.(*starred); ok {
			p.fail("cannot use a starred expression in a dictionary value")
		}
		p.i++
		v := p.expr()
		if p.is("for") {
			c := p.comprehension(at, 'd', x, v)
			p.expect("}")
			return c
		}
		d := &dictExpr{at, []expr{x}, []expr{v}}
		if !p.accept(",") {
			p.expect("}")
			return d
		}
		return p.dictRest(d)
	}
	if p.is("for") {
		c := p.comprehension(at, 's', x, nil)
		p.expect("}")
		return c
	}
	s := &setExpr{at, []expr{x}}
	for p.accept(",") {
		if p.is("}") {
			break
		}
		s.elts = append(s.elts, p.starOr())
	}
	p.expect("}")
	return s
}

func (p *parser) dictRest(d *dictExpr) expr {
	for !p.is("}") {
		if p.accept("**") {
			d.keys = append(d.keys, nil)
			d.vals = append(d.vals, p.bitOr())
		} else {
			k := p.expr()
			p.expect(":")
			d.keys = append(d.keys, k)
			d.vals = append(d.vals, p.expr())
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	return d
}

// strings joins neighbouring literals.
func (p *parser) strings() expr {
	at := p.here()
	first := p.peek()
	var plain strings.Builder
	var parts []fnode
	isF := false
	flush := func() {
		if plain.Len() > 0 {
			parts = append(parts, fnode{lit: plain.String()})
			plain.Reset()
		}
	}
	for p.peek().kind == tString {
		t := p.peek()
		if t.bytes != first.bytes {
			p.fail("cannot mix bytes and nonbytes literals")
		}
		p.i++
		if !t.f {
			plain.WriteString(t.text)
			continue
		}
		isF = true
		flush()
		parts = append(parts, p.fnodes(t.parts)...)
	}
	if !isF {
		if first.bytes {
			return &constant{at, Bytes(plain.String())}
		}
		return &constant{at, plain.String()}
	}
	flush()
	return &fstr{at, parts}
}

func (p *parser) fnodes(parts []fpart) []fnode {
	var out []fnode
	for _, q := range parts {
		if !q.isExpr {
			out = append(out, fnode{lit: q.lit})
			continue
		}
		if q.dbg != "" {
			out = append(out, fnode{lit: q.dbg})
		}
		sub := &parser{toks: lex(q.expr, q.line, true, p.nest+1), depth: p.depth, nest: p.nest + 1}
		sub.enter()
		x := sub.exprList()
		if sub.peek().kind != tEOF {
			sub.fail("f-string: invalid syntax")
		}
		if s, ok := x.(*starred); ok {
			p.failAt(s.at(), "f-string: cannot use starred expression here")
		}
		n := fnode{e: x, conv: q.conv}
		if q.spec != nil {
			n.has = true
			n.spec = p.fnodes(q.spec)
		}
		out = append(out, n)
	}
	return out
}
