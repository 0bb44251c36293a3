package py

// scope is what a function knows of its names.
type scope struct {
	parent   *scope
	fn       *funcDef
	comp     bool
	bound    map[string]int // local names and their slots
	order    []string
	globals  map[string]bool
	nonlocal map[string]bool
	uses     map[string]int // first line
	cells    map[string]bool
	free     map[string]int // name to place in the closure
	freeList []string
	children []*scope
	gen      bool
}

func newScope(parent *scope, fn *funcDef) *scope {
	s := &scope{parent: parent, fn: fn, bound: map[string]int{}, uses: map[string]int{}}
	if parent != nil {
		parent.children = append(parent.children, s)
	}
	fn.scope = s
	return s
}

func (s *scope) bind(name string) {
	if s.globals[name] || s.nonlocal[name] {
		return
	}
	if _, ok := s.bound[name]; !ok {
		s.bound[name] = len(s.order)
		s.order = append(s.order, name)
	}
}

func (s *scope) use(name string, line int) {
	if _, ok := s.uses[name]; !ok {
		s.uses[name] = line
	}
}

// analyzer collects names, then settles where each lives.
type analyzer struct{ p parser }

func (a *analyzer) fail(line int, format string, args ...any) { a.p.failAt(line, format, args...) }

func (a *analyzer) function(parent *scope, fn *funcDef) *scope {
	s := newScope(parent, fn)
	for _, q := range fn.params {
		s.bind(q.name)
	}
	// Declarations come first: they hold for the whole body.
	a.declare(s, fn.body)
	a.block(s, fn.body)
	return s
}

func (a *analyzer) declare(s *scope, body []stmt) {
	for _, st := range body {
		switch n := st.(type) {
		case *scopeStmt:
			for _, id := range n.names {
				for _, q := range s.fn.params {
					if q.name == id {
						a.fail(n.at(), "name '%s' is parameter and global", id)
					}
				}
				if n.global {
					if s.globals == nil {
						s.globals = map[string]bool{}
					}
					s.globals[id] = true
				} else {
					if s.parent == nil {
						a.fail(n.at(), "no binding for nonlocal '%s' found", id)
					}
					if s.nonlocal == nil {
						s.nonlocal = map[string]bool{}
					}
					s.nonlocal[id] = true
					s.use(id, n.at())
				}
			}
		case *ifStmt:
			a.declare(s, n.then)
			a.declare(s, n.no)
		case *whileStmt:
			a.declare(s, n.body)
			a.declare(s, n.no)
		case *forStmt:
			a.declare(s, n.body)
			a.declare(s, n.no)
		case *withStmt:
			a.declare(s, n.body)
		case *tryStmt:
			a.declare(s, n.body)
			for _, h := range n.handlers {
				a.declare(s, h.body)
			}
			a.declare(s, n.no)
			a.declare(s, n.fin)
		case *matchStmt:
			for _, c := range n.cases {
				a.declare(s, c.body)
			}
		}
	}
}

func (a *analyzer) block(s *scope, body []stmt) {
	for _, st := range body {
		a.stmt(s, st)
	}
}

func (a *analyzer) stmt(s *scope, st stmt) {
	switch n := st.(type) {
	case *exprStmt:
		a.expr(s, n.x)
	case *assign:
		a.expr(s, n.x)
		for _, x := range n.targets {
			a.target(s, x)
		}
	case *augAssign:
		a.expr(s, n.target)
		a.target(s, n.target)
		a.expr(s, n.x)
	case *annAssign:
		a.target(s, n.target)
		a.expr(s, n.x)
	case *ifStmt:
		a.expr(s, n.cond)
		a.block(s, n.then)
		a.block(s, n.no)
	case *whileStmt:
		a.expr(s, n.cond)
		a.block(s, n.body)
		a.block(s, n.no)
	case *forStmt:
		a.expr(s, n.iter)
		a.target(s, n.target)
		a.block(s, n.body)
		a.block(s, n.no)
	case *returnStmt:
		a.expr(s, n.x)
	case *raiseStmt:
		a.expr(s, n.x)
		a.expr(s, n.from)
	case *delStmt:
		for _, x := range n.targets {
			a.target(s, x)
		}
	case *assertStmt:
		a.expr(s, n.x)
		a.expr(s, n.msg)
	case *importStmt:
		for _, al := range n.names {
			s.bind(importName(n, al))
		}
	case *tryStmt:
		a.block(s, n.body)
		for _, h := range n.handlers {
			a.expr(s, h.typ)
			if h.name != "" {
				s.bind(h.name)
			}
			a.block(s, h.body)
		}
		a.block(s, n.no)
		a.block(s, n.fin)
	case *withStmt:
		for _, it := range n.items {
			a.expr(s, it.x)
			if it.target != nil {
				a.target(s, it.target)
			}
		}
		a.block(s, n.body)
	case *defStmt:
		for _, d := range n.decorators {
			a.expr(s, d)
		}
		a.defaults(s, n.fn)
		s.bind(n.fn.name)
		a.function(s, n.fn)
	case *matchStmt:
		a.expr(s, n.subject)
		for _, c := range n.cases {
			a.pattern(s, c.pat)
			a.expr(s, c.guard)
			a.block(s, c.body)
		}
	}
}

func importName(n *importStmt, al alias) string {
	if al.as != "" {
		return al.as
	}
	if n.from {
		return al.name
	}
	for i := range al.name {
		if al.name[i] == '.' {
			return al.name[:i]
		}
	}
	return al.name
}

func (a *analyzer) pattern(s *scope, p pattern) {
	if p.name != "" {
		s.bind(p.name)
	}
	if p.rest != "" {
		s.bind(p.rest)
	}
	a.expr(s, p.x)
	for _, k := range p.keys {
		a.expr(s, k)
	}
	for _, q := range p.subs {
		a.pattern(s, q)
	}
}

func (a *analyzer) defaults(s *scope, fn *funcDef) {
	for _, q := range fn.params {
		a.expr(s, q.def)
	}
}

func (a *analyzer) target(s *scope, x expr) {
	switch n := x.(type) {
	case *name:
		s.bind(n.id)
		s.use(n.id, n.at())
	case *tupleExpr:
		for _, e := range n.elts {
			a.target(s, e)
		}
	case *listExpr:
		for _, e := range n.elts {
			a.target(s, e)
		}
	case *starred:
		a.target(s, n.x)
	default:
		a.expr(s, x)
	}
}

func (a *analyzer) all(s *scope, xs []expr) {
	for _, x := range xs {
		a.expr(s, x)
	}
}

func (a *analyzer) expr(s *scope, x expr) {
	switch n := x.(type) {
	case nil:
	case *name:
		s.use(n.id, n.at())
	case *fstr:
		a.parts(s, n.parts)
	case *attribute:
		a.expr(s, n.x)
	case *subscript:
		a.expr(s, n.x)
		a.expr(s, n.i)
	case *sliceExpr:
		a.all(s, []expr{n.lo, n.hi, n.step})
	case *call:
		a.expr(s, n.f)
		for _, g := range n.args {
			a.expr(s, g.x)
		}
	case *unary:
		a.expr(s, n.x)
	case *binary:
		a.expr(s, n.l)
		a.expr(s, n.r)
	case *boolOp:
		a.expr(s, n.l)
		a.expr(s, n.r)
	case *compare:
		a.expr(s, n.first)
		a.all(s, n.rest)
	case *ternary:
		a.all(s, []expr{n.cond, n.yes, n.no})
	case *lambda:
		a.defaults(s, n.fn)
		a.function(s, n.fn)
	case *walrus:
		a.expr(s, n.x)
		t := s
		for t.comp {
			if _, ok := t.bound[n.id]; ok {
				a.fail(n.at(), "assignment expression cannot rebind comprehension iteration variable '%s'", n.id)
			}
			t.use(n.id, n.at())
			t = t.parent
		}
		t.bind(n.id)
		t.use(n.id, n.at())
	case *tupleExpr:
		a.all(s, n.elts)
	case *listExpr:
		a.all(s, n.elts)
	case *setExpr:
		a.all(s, n.elts)
	case *dictExpr:
		a.all(s, n.keys)
		a.all(s, n.vals)
	case *starred:
		a.expr(s, n.x)
	case *yieldExpr:
		if s.comp {
			a.fail(n.at(), "'yield' inside comprehension")
		}
		s.gen = true
		a.expr(s, n.x)
	case *comp:
		a.expr(s, n.clauses[0].iter)
		c := newScope(s, n.fn)
		c.comp = true
		c.gen = n.kind == 'g'
		c.bind(".0")
		for i, cl := range n.clauses {
			if i > 0 {
				a.expr(c, cl.iter)
			}
			a.target(c, cl.target)
			a.all(c, cl.conds)
		}
		a.expr(c, n.key)
		a.expr(c, n.val)
	}
}

func (a *analyzer) parts(s *scope, parts []fnode) {
	for _, p := range parts {
		a.expr(s, p.e)
		a.parts(s, p.spec)
	}
}

// settle finds for every name that a scope uses the scope that holds it.
func (a *analyzer) settle(s *scope) {
	for id, line := range s.uses {
		if s.globals[id] {
			continue
		}
		if _, ok := s.bound[id]; ok {
			continue
		}
		if !s.capture(id) && s.nonlocal[id] {
			a.fail(line, "no binding for nonlocal '%s' found", id)
		}
	}
	for _, c := range s.children {
		a.settle(c)
	}
}

// capture makes a name of an outer function free here and in between; false when none holds it.
func (s *scope) capture(id string) bool {
	if _, ok := s.free[id]; ok {
		return true
	}
	owner := s.parent
	for owner != nil {
		if _, ok := owner.bound[id]; ok && !owner.globals[id] {
			break
		}
		if owner.globals[id] {
			return false
		}
		owner = owner.parent
	}
	if owner == nil {
		return false
	}
	if owner.cells == nil {
		owner.cells = map[string]bool{}
	}
	owner.cells[id] = true
	for t := s; t != owner; t = t.parent {
		if _, ok := t.free[id]; !ok {
			if t.free == nil {
				t.free = map[string]int{}
			}
			t.free[id] = len(t.freeList)
			t.freeList = append(t.freeList, id)
		}
	}
	return true
}
