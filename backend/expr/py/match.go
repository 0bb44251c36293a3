package py

import "strings"

// match reads a match statement; nil when the word is only a name.
func (p *parser) match() stmt {
	start := p.i
	// A soft keyword: it must look like `match x:` at the end of the line, with an indented case below.
	j := p.i + 1
	n := p.toks[j]
	if n.kind == tNewline || n.kind == tEOF || n.kind == tOp && !strings.Contains("([{-", n.text) || n.kind == tKeyword && n.text != "None" && n.text != "True" && n.text != "False" && n.text != "not" && n.text != "lambda" {
		return nil
	}
	for p.toks[j].kind != tNewline && p.toks[j].kind != tEOF {
		j++
	}
	if t := p.toks[j-1]; t.kind != tOp || t.text != ":" || p.toks[j].kind == tEOF || p.toks[j+1].kind != tIndent {
		return nil
	}
	s := &matchStmt{pos: p.here()}
	p.i = start + 1
	s.subject = p.exprList()
	p.expect(":")
	p.i += 2 // newline, indent
	p.enter()
	defer p.leave()
	for p.peek().kind == tName && p.peek().text == "case" {
		c := matchCase{pos: p.here()}
		p.i++
		c.pat = p.openPattern()
		if p.accept("if") {
			c.guard = p.namedExpr()
		}
		c.body = p.block()
		s.cases = append(s.cases, c)
	}
	if len(s.cases) == 0 || p.peek().kind != tDedent {
		p.unexpected("expected 'case'")
	}
	p.i++
	for i, c := range s.cases[:len(s.cases)-1] {
		if c.pat.kind == 'c' && c.guard == nil {
			what := "wildcard makes remaining patterns unreachable"
			if c.pat.name != "" {
				what = "name capture '" + c.pat.name + "' makes remaining patterns unreachable"
			}
			p.failAt(s.cases[i].at(), "%s", what)
		}
	}
	return s
}

// openPattern is a pattern, or a sequence without brackets.
func (p *parser) openPattern() pattern {
	at := p.here()
	x := p.asPattern()
	if !p.is(",") {
		if x.kind == '*' {
			return pattern{pos: at, kind: 's', subs: []pattern{x}}
		}
		return x
	}
	out := pattern{pos: at, kind: 's', subs: []pattern{x}}
	for p.accept(",") {
		if p.is(":") || p.is("if") {
			break
		}
		out.subs = append(out.subs, p.asPattern())
	}
	return out
}

func (p *parser) asPattern() pattern {
	p.enter()
	defer p.leave()
	at := p.here()
	if p.accept("*") {
		n := p.ident()
		if n == "_" {
			n = ""
		}
		return pattern{pos: at, kind: '*', name: n}
	}
	x := p.closedPattern()
	if p.is("|") {
		o := pattern{pos: at, kind: 'o', subs: []pattern{x}}
		for p.accept("|") {
			o.subs = append(o.subs, p.closedPattern())
		}
		x = o
	}
	if p.accept("as") {
		x = pattern{pos: at, kind: 'a', name: p.ident(), subs: []pattern{x}}
	}
	return x
}

func (p *parser) closedPattern() pattern {
	at := p.here()
	t := p.peek()
	switch {
	case t.kind == tKeyword && (t.text == "None" || t.text == "True" || t.text == "False"):
		return pattern{pos: at, kind: 'l', x: p.atom()}
	case t.kind == tNumber || t.kind == tString || p.is("-"):
		return pattern{pos: at, kind: 'v', x: p.level(4)}
	case t.kind == tName:
		id := p.ident()
		var x expr = &name{at, id}
		dotted := false
		for p.accept(".") {
			dotted = true
			x = &attribute{at, x, p.ident()}
		}
		if p.accept("(") {
			out := pattern{pos: at, kind: 't', x: x}
			for !p.is(")") {
				if p.peek().kind == tName && p.toks[p.i+1].kind == tOp && p.toks[p.i+1].text == "=" {
					out.kws = append(out.kws, p.ident())
					p.i++
				} else if len(out.kws) > 0 {
					p.fail("positional patterns follow keyword patterns")
				}
				out.subs = append(out.subs, p.asPattern())
				if !p.accept(",") {
					break
				}
			}
			p.expect(")")
			return out
		}
		if dotted {
			return pattern{pos: at, kind: 'v', x: x}
		}
		if id == "_" {
			id = ""
		}
		return pattern{pos: at, kind: 'c', name: id}
	case p.is("(") || p.is("["):
		end := map[string]string{"(": ")", "[": "]"}[t.text]
		p.i++
		out := pattern{pos: at, kind: 's'}
		comma := false
		for !p.is(end) {
			out.subs = append(out.subs, p.asPattern())
			if !p.accept(",") {
				break
			}
			comma = true
		}
		p.expect(end)
		if end == ")" && len(out.subs) == 1 && !comma && out.subs[0].kind != '*' {
			return out.subs[0]
		}
		return out
	case p.accept("{"):
		out := pattern{pos: at, kind: 'm'}
		for !p.is("}") {
			if p.accept("**") {
				out.rest = p.ident()
			} else {
				k := p.closedPattern()
				if k.kind != 'v' && k.kind != 'l' {
					p.fail("mapping pattern keys may only match literals and attribute lookups")
				}
				out.keys = append(out.keys, k.x)
				p.expect(":")
				out.subs = append(out.subs, p.asPattern())
			}
			if !p.accept(",") {
				break
			}
		}
		p.expect("}")
		return out
	}
	p.unexpected("")
	return pattern{}
}
