package py

import "strings"

type opcode uint8

const (
	opConst opcode = iota
	opPop
	opDup
	opDup2
	opRot2
	opRot3
	opRot4
	opLoad
	opStore
	opDel
	opLoadCell
	opStoreCell
	opDelCell
	opLoadFree
	opStoreFree
	opDelFree
	opLoadGlobal
	opStoreGlobal
	opDelGlobal
	opAttr
	opStoreAttr
	opDelAttr
	opIndex
	opStoreIndex
	opDelIndex
	opSlice
	opBinary
	opInplace
	opUnary
	opCompare
	opJump
	opJumpFalse
	opJumpTrue
	opJumpFalseKeep
	opJumpTrueKeep
	opIter
	opForIter
	opTuple
	opList
	opSet
	opDict
	opListAppend
	opSetAdd
	opMapAdd
	opListExtend
	opSetUpdate
	opDictUpdate
	opDictMerge
	opListToTuple
	opUnpack
	opUnpackEx
	opMethod
	opCallMethod
	opCall
	opCallKw
	opCallEx
	opFunc
	opReturn
	opYield
	opYieldIter
	opYieldFrom
	opRaise
	opReraise
	opTry
	opPopBlock
	opExcMatch
	opPopExc
	opFormat
	opJoin
	opImport
	opImportFrom
	opWithEnter
	opWithExit
	opWithExc
	opMatchSeq
	opMatchMap
	opMatchKey
	opMatchRest
	opMatchType
	opMatchAttr
	opAssertFail
)

type instr struct {
	op opcode
	a  int32
	b  int32
}

// code is a compiled function. It never changes after compilation.
type code struct {
	name, qual string
	line       int
	ins        []instr
	lines      []int32
	consts     []Value
	names      []string
	known      []Value // the builtin of a global name, or unbound
	locals     []string
	cellSlots  []int
	free       []string
	capture    []capture // where a new function finds its closure
	params     []param
	nPos       int // positional parameters
	nKwOnly    int
	star, kws  int   // slots of *args and **kwargs, or -1
	defSlots   []int // parameters with a default
	gen        bool
	comp       bool
	doc        string
}

type capture struct {
	free bool
	i    int
}

// Program is a compiled function body. It can be run by many at once.
type Program struct {
	main *code
	src  string
}

// Compile parses and compiles a function body.
func Compile(src string) (prog *Program, err error) {
	body, err := parse(src)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			se, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			prog, err = nil, se
		}
	}()
	fn := &funcDef{name: "handler", body: body, pos: 1}
	a := &analyzer{}
	s := a.function(nil, fn)
	a.settle(s)
	left := maxInstrs
	return &Program{main: compileFunc(fn, "handler", &left), src: src}, nil
}

const maxInstrs = 1 << 20

type fblock struct {
	kind  byte // l loop, t try, f finally, h handler, H named handler, e finally on exception, w with, W with on exception
	isFor bool
	brk   []int // jumps to mend
	cont  int   // target of continue
	fin   []stmt
	name  string
}

type compiler struct {
	c      *code
	s      *scope
	blocks []*fblock
	line   int
	nameIx map[string]int
	depth  int
	left   *int // instructions that the program may still have: finally bodies are compiled more than once
}

func compileFunc(fn *funcDef, qual string, left *int) *code {
	cc := newCompiler(fn, qual, left)
	cc.block(fn.body)
	cc.emit(opConst, cc.konst(nil), 0)
	cc.emit(opReturn, 0, 0)
	cc.finish()
	return cc.c
}

func newCompiler(fn *funcDef, qual string, left *int) *compiler {
	s := fn.scope
	c := &code{name: fn.name, qual: qual, line: fn.at(), locals: append([]string(nil), s.order...), free: s.freeList, params: fn.params, gen: s.gen, star: -1, kws: -1, comp: s.comp, doc: fn.doc}
	for i, q := range fn.params {
		switch q.kind {
		case 0, '/':
			c.nPos++
		case 'k':
			c.nKwOnly++
		case '*':
			c.star = i
		case '2':
			c.kws = i
		}
		if q.def != nil {
			c.defSlots = append(c.defSlots, i)
		}
	}
	for i, id := range s.order {
		if s.cells[id] {
			c.cellSlots = append(c.cellSlots, i)
		}
	}
	return &compiler{c: c, s: s, line: fn.at(), nameIx: map[string]int{}, left: left}
}

func (cc *compiler) finish() {
	for _, n := range cc.c.names {
		v, ok := builtins[n]
		if !ok {
			v = unbound
		}
		cc.c.known = append(cc.c.known, v)
	}
}

func (cc *compiler) emit(op opcode, a, b int) int {
	if *cc.left--; *cc.left < 0 {
		cc.fail(cc.line, "the program is too large")
	}
	cc.c.ins = append(cc.c.ins, instr{op, int32(a), int32(b)})
	cc.c.lines = append(cc.c.lines, int32(cc.line))
	return len(cc.c.ins) - 1
}

func (cc *compiler) here() int { return len(cc.c.ins) }

func (cc *compiler) patch(at int) { cc.c.ins[at].a = int32(cc.here()) }

func (cc *compiler) konst(v Value) int {
	switch v.(type) {
	case string, int, nil, bool:
		for i, k := range cc.c.consts {
			if k == v {
				return i
			}
		}
	}
	cc.c.consts = append(cc.c.consts, v)
	return len(cc.c.consts) - 1
}

func (cc *compiler) name(id string) int {
	if i, ok := cc.nameIx[id]; ok {
		return i
	}
	cc.c.names = append(cc.c.names, id)
	cc.nameIx[id] = len(cc.c.names) - 1
	return len(cc.c.names) - 1
}

func (cc *compiler) fail(line int, msg string) { panic(&SyntaxError{Msg: msg, Line: line}) }

// temp makes a hidden local.
func (cc *compiler) temp() int {
	cc.c.locals = append(cc.c.locals, ".t")
	return len(cc.c.locals) - 1
}

func (cc *compiler) variable(id string, local, cell, free, global opcode) {
	s := cc.s
	if !s.globals[id] {
		if i, ok := s.bound[id]; ok {
			if s.cells[id] {
				cc.emit(cell, i, 0)
			} else {
				cc.emit(local, i, 0)
			}
			return
		}
		if i, ok := s.free[id]; ok {
			cc.emit(free, i, 0)
			return
		}
	}
	cc.emit(global, cc.name(id), 0)
}

func (cc *compiler) load(id string) { cc.variable(id, opLoad, opLoadCell, opLoadFree, opLoadGlobal) }
func (cc *compiler) store(id string) {
	cc.variable(id, opStore, opStoreCell, opStoreFree, opStoreGlobal)
}
func (cc *compiler) del(id string) { cc.variable(id, opDel, opDelCell, opDelFree, opDelGlobal) }

func (cc *compiler) block(body []stmt) {
	for _, st := range body {
		cc.stmt(st)
	}
}

func (cc *compiler) stmt(st stmt) {
	cc.line = st.at()
	switch n := st.(type) {
	case *exprStmt:
		if _, ok := n.x.(*constant); ok {
			return
		}
		cc.expr(n.x)
		cc.emit(opPop, 0, 0)
	case *assign:
		cc.expr(n.x)
		for i, x := range n.targets {
			if i < len(n.targets)-1 {
				cc.emit(opDup, 0, 0)
			}
			cc.assign(x)
		}
	case *augAssign:
		cc.augment(n)
	case *annAssign:
		if n.x != nil {
			cc.expr(n.x)
			cc.assign(n.target)
		}
	case *ifStmt:
		if len(n.no) == 0 {
			f := cc.cond(n.cond)
			cc.block(n.then)
			cc.patchAll(f)
			return
		}
		f := cc.cond(n.cond)
		cc.block(n.then)
		end := cc.emit(opJump, 0, 0)
		cc.patchAll(f)
		cc.block(n.no)
		cc.patch(end)
	case *whileStmt:
		b := &fblock{kind: 'l', cont: cc.here()}
		f := cc.cond(n.cond)
		cc.push(b)
		cc.block(n.body)
		cc.emit(opJump, b.cont, 0)
		cc.pop()
		cc.patchAll(f)
		cc.block(n.no)
		cc.patchAll(b.brk)
	case *forStmt:
		cc.expr(n.iter)
		cc.emit(opIter, 0, 0)
		b := &fblock{kind: 'l', isFor: true, cont: cc.here()}
		f := cc.emit(opForIter, 0, 0)
		cc.push(b)
		cc.assign(n.target)
		cc.block(n.body)
		cc.emit(opJump, b.cont, 0)
		cc.pop()
		cc.patch(f)
		cc.block(n.no)
		cc.patchAll(b.brk)
	case *jump:
		if n.kind != "pass" {
			cc.jump(n)
		}
	case *returnStmt:
		if n.x != nil {
			cc.expr(n.x)
		} else {
			cc.emit(opConst, cc.konst(nil), 0)
		}
		cc.unwind(0, true)
		cc.line = n.at()
		cc.emit(opReturn, 0, 0)
	case *raiseStmt:
		k := 0
		if n.x != nil {
			cc.expr(n.x)
			k = 1
			if n.from != nil {
				cc.expr(n.from)
				k = 2
			}
		}
		cc.line = n.at()
		cc.emit(opRaise, k, 0)
	case *delStmt:
		for _, x := range n.targets {
			switch t := x.(type) {
			case *name:
				cc.del(t.id)
			case *attribute:
				cc.expr(t.x)
				cc.emit(opDelAttr, cc.name(t.id), 0)
			case *subscript:
				cc.expr(t.x)
				cc.expr(t.i)
				cc.emit(opDelIndex, 0, 0)
			}
		}
	case *assertStmt:
		cc.expr(n.x)
		ok := cc.emit(opJumpTrue, 0, 0)
		k := 0
		if n.msg != nil {
			cc.expr(n.msg)
			k = 1
		}
		cc.line = n.at()
		cc.emit(opAssertFail, k, 0)
		cc.patch(ok)
	case *importStmt:
		for _, al := range n.names {
			if n.from {
				cc.emit(opImportFrom, cc.name(n.module), cc.name(al.name))
			} else if al.as != "" {
				cc.emit(opImport, cc.name(al.name), 1)
			} else {
				cc.emit(opImport, cc.name(al.name), 0)
			}
			cc.store(importName(n, al))
		}
	case *tryStmt:
		cc.try(n)
	case *withStmt:
		cc.with(n, 0)
	case *defStmt:
		for _, d := range n.decorators {
			cc.expr(d)
		}
		cc.function(n.fn)
		for range n.decorators {
			cc.emit(opCall, 1, 0)
		}
		cc.store(n.fn.name)
	case *matchStmt:
		cc.match(n)
	}
}

func (cc *compiler) patchAll(at []int) {
	for _, i := range at {
		cc.patch(i)
	}
}

func (cc *compiler) push(b *fblock) {
	cc.blocks = append(cc.blocks, b)
	if len(cc.blocks) > maxNesting {
		cc.fail(cc.line, "too many statically nested blocks")
	}
}
func (cc *compiler) pop() { cc.blocks = cc.blocks[:len(cc.blocks)-1] }

// cond compiles a condition; the jumps it gives are taken when it is false.
func (cc *compiler) cond(x expr) []int {
	switch n := x.(type) {
	case *boolOp:
		if n.and {
			f := cc.cond(n.l)
			return append(f, cc.cond(n.r)...)
		}
	case *unary:
		if n.op == "not" {
			cc.expr(n.x)
			return []int{cc.emit(opJumpTrue, 0, 0)}
		}
	}
	cc.expr(x)
	return []int{cc.emit(opJumpFalse, 0, 0)}
}

// unwind leaves the blocks above the one at stop; value says that a result stands on the stack.
func (cc *compiler) unwind(stop int, value bool) {
	saved := cc.blocks
	for i := len(saved) - 1; i >= stop; i-- {
		b := saved[i]
		cc.blocks = saved[:i]
		switch b.kind {
		case 't':
			cc.emit(opPopBlock, 0, 0)
		case 'f':
			cc.emit(opPopBlock, 0, 0)
			cc.block(b.fin)
		case 'h', 'H':
			cc.emit(opPopExc, 0, 0)
			if b.kind == 'H' {
				cc.emit(opConst, cc.konst(nil), 0)
				cc.store(b.name)
				cc.del(b.name)
			}
		case 'e':
			if !value {
				cc.emit(opPop, 0, 0)
			}
			cc.emit(opPopExc, 0, 0)
		case 'w':
			cc.emit(opPopBlock, 0, 0)
			if value {
				cc.emit(opRot2, 0, 0)
			}
			cc.emit(opWithExit, 0, 0)
		case 'l':
			if b.isFor && !value {
				cc.emit(opPop, 0, 0)
			}
		}
	}
	cc.blocks = saved
}

func (cc *compiler) jump(n *jump) {
	i := len(cc.blocks) - 1
	for i >= 0 && cc.blocks[i].kind != 'l' {
		i--
	}
	if i < 0 {
		if n.kind == "continue" {
			cc.fail(n.at(), "'continue' not properly in loop")
		}
		cc.fail(n.at(), "'break' outside loop")
	}
	b := cc.blocks[i]
	cc.unwind(i+1, false)
	cc.line = n.at()
	if n.kind == "continue" {
		cc.emit(opJump, b.cont, 0)
		return
	}
	if b.isFor {
		cc.emit(opPop, 0, 0)
	}
	b.brk = append(b.brk, cc.emit(opJump, 0, 0))
}

func (cc *compiler) try(n *tryStmt) {
	var outer int
	if n.hasFin {
		outer = cc.emit(opTry, 0, 0)
		cc.push(&fblock{kind: 'f', fin: n.fin})
	}
	if len(n.handlers) == 0 {
		cc.block(n.body)
	} else {
		h := cc.emit(opTry, 0, 0)
		cc.push(&fblock{kind: 't'})
		cc.block(n.body)
		cc.pop()
		cc.emit(opPopBlock, 0, 0)
		cc.block(n.no)
		ends := []int{cc.emit(opJump, 0, 0)}
		cc.patch(h)
		for _, hd := range n.handlers {
			cc.line = hd.at()
			next := -1
			if hd.typ != nil {
				cc.emit(opDup, 0, 0)
				cc.expr(hd.typ)
				cc.emit(opExcMatch, 0, 0)
				next = cc.emit(opJumpFalse, 0, 0)
			}
			b := &fblock{kind: 'h'}
			if hd.name != "" {
				b.kind, b.name = 'H', hd.name
				cc.store(hd.name)
			} else {
				cc.emit(opPop, 0, 0)
			}
			cc.push(b)
			cc.block(hd.body)
			cc.pop()
			cc.emit(opPopExc, 0, 0)
			if hd.name != "" {
				cc.emit(opConst, cc.konst(nil), 0)
				cc.store(hd.name)
				cc.del(hd.name)
			}
			ends = append(ends, cc.emit(opJump, 0, 0))
			if next >= 0 {
				cc.patch(next)
			}
		}
		cc.emit(opReraise, 0, 0)
		cc.patchAll(ends)
	}
	if n.hasFin {
		cc.pop()
		cc.emit(opPopBlock, 0, 0)
		cc.block(n.fin)
		end := cc.emit(opJump, 0, 0)
		cc.patch(outer)
		cc.push(&fblock{kind: 'e'})
		cc.block(n.fin)
		cc.pop()
		cc.emit(opReraise, 0, 0)
		cc.patch(end)
	}
}

func (cc *compiler) with(n *withStmt, i int) {
	if i == len(n.items) {
		cc.block(n.body)
		return
	}
	it := n.items[i]
	cc.expr(it.x)
	cc.emit(opWithEnter, 0, 0) // exit, value
	h := cc.emit(opTry, 0, 1)
	cc.push(&fblock{kind: 'w'})
	if it.target != nil {
		cc.assign(it.target)
	} else {
		cc.emit(opPop, 0, 0)
	}
	cc.with(n, i+1)
	cc.pop()
	cc.emit(opPopBlock, 0, 0)
	cc.emit(opWithExit, 0, 0)
	end := cc.emit(opJump, 0, 0)
	cc.patch(h)
	cc.emit(opWithExc, 0, 0) // swallows, or raises again
	cc.patch(end)
}

func (cc *compiler) assign(x expr) {
	switch n := x.(type) {
	case *name:
		cc.store(n.id)
	case *attribute:
		cc.expr(n.x)
		cc.line = n.at()
		cc.emit(opStoreAttr, cc.name(n.id), 0)
	case *subscript:
		cc.expr(n.x)
		cc.expr(n.i)
		cc.line = n.at()
		cc.emit(opStoreIndex, 0, 0)
	case *tupleExpr:
		cc.unpack(n.elts)
	case *listExpr:
		cc.unpack(n.elts)
	case *starred:
		cc.assign(n.x)
	}
}

func (cc *compiler) unpack(elts []expr) {
	star := -1
	for i, e := range elts {
		if _, ok := e.(*starred); ok {
			star = i
		}
	}
	if star >= 0 {
		cc.emit(opUnpackEx, star, len(elts)-star-1)
	} else {
		cc.emit(opUnpack, len(elts), 0)
	}
	for _, e := range elts {
		cc.assign(e)
	}
}

func (cc *compiler) augment(n *augAssign) {
	op := binaryOp(n.op)
	switch t := n.target.(type) {
	case *name:
		cc.load(t.id)
		cc.expr(n.x)
		cc.line = n.at()
		cc.emit(opInplace, op, 0)
		cc.store(t.id)
	case *attribute:
		cc.expr(t.x)
		cc.emit(opDup, 0, 0)
		cc.emit(opAttr, cc.name(t.id), 0)
		cc.expr(n.x)
		cc.line = n.at()
		cc.emit(opInplace, op, 0)
		cc.emit(opRot2, 0, 0)
		cc.emit(opStoreAttr, cc.name(t.id), 0)
	case *subscript:
		cc.expr(t.x)
		cc.expr(t.i)
		cc.emit(opDup2, 0, 0)
		cc.emit(opIndex, 0, 0)
		cc.expr(n.x)
		cc.line = n.at()
		cc.emit(opInplace, op, 0)
		cc.emit(opRot3, 0, 0)
		cc.emit(opStoreIndex, 0, 0)
	}
}

// function pushes the defaults and makes a function.
func (cc *compiler) function(fn *funcDef) {
	for _, q := range fn.params {
		if q.def != nil {
			cc.expr(q.def)
		}
	}
	qual := cc.c.qual + ".<locals>." + fn.name
	c := compileFunc(fn, qual, cc.left)
	cc.closure(c, fn.scope)
}

func (cc *compiler) closure(c *code, s *scope) {
	for _, id := range s.freeList {
		if i, ok := cc.s.bound[id]; ok && !cc.s.globals[id] {
			c.capture = append(c.capture, capture{false, i})
		} else {
			c.capture = append(c.capture, capture{true, cc.s.free[id]})
		}
	}
	cc.c.consts = append(cc.c.consts, c)
	cc.emit(opFunc, len(cc.c.consts)-1, len(c.defSlots))
}

var binaryOps = []string{"+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "@"}
var compareOps = []string{"==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"}
var unaryOps = []string{"-", "+", "~", "not"}

func binaryOp(s string) int { return indexOf(binaryOps, s) }

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// fold computes constants where that is cheap and certain.
func fold(x expr) (Value, bool) {
	switch n := x.(type) {
	case *constant:
		return n.v, true
	case *tupleExpr:
		vs := make([]Value, len(n.elts))
		for i, e := range n.elts {
			v, ok := fold(e)
			if !ok {
				return nil, false
			}
			vs[i] = v
		}
		return &Tuple{vs}, true
	case *binary:
		if strings.Contains("+ - *", n.op) {
			l, ok1 := fold(n.l)
			r, ok2 := fold(n.r)
			a, ok3 := l.(int)
			b, ok4 := r.(int)
			if ok1 && ok2 && ok3 && ok4 {
				switch n.op {
				case "+":
					return addInt(a, b), true
				case "-":
					return subInt(a, b), true
				}
				return mulInt(a, b), true
			}
		}
	}
	return nil, false
}

func (cc *compiler) expr(x expr) {
	cc.depth++
	if cc.depth > 2000 {
		cc.fail(x.at(), "too many nested expressions")
	}
	defer func() { cc.depth-- }()
	if v, ok := fold(x); ok {
		cc.emit(opConst, cc.konst(v), 0)
		return
	}
	if at := x.at(); at > 0 {
		cc.line = at
	}
	switch n := x.(type) {
	case *name:
		cc.load(n.id)
	case *fstr:
		cc.parts(n.parts)
	case *attribute:
		cc.expr(n.x)
		cc.line = n.at()
		cc.emit(opAttr, cc.name(n.id), 0)
	case *subscript:
		cc.expr(n.x)
		cc.expr(n.i)
		cc.line = n.at()
		cc.emit(opIndex, 0, 0)
	case *sliceExpr:
		for _, e := range []expr{n.lo, n.hi, n.step} {
			if e == nil {
				cc.emit(opConst, cc.konst(nil), 0)
			} else {
				cc.expr(e)
			}
		}
		cc.emit(opSlice, 0, 0)
	case *call:
		cc.call(n)
	case *unary:
		cc.expr(n.x)
		cc.line = n.at()
		cc.emit(opUnary, indexOf(unaryOps, n.op), 0)
	case *binary:
		cc.expr(n.l)
		cc.expr(n.r)
		cc.line = n.at()
		cc.emit(opBinary, binaryOp(n.op), 0)
	case *boolOp:
		cc.expr(n.l)
		op := opJumpTrueKeep
		if n.and {
			op = opJumpFalseKeep
		}
		j := cc.emit(op, 0, 0)
		cc.expr(n.r)
		cc.patch(j)
	case *compare:
		cc.expr(n.first)
		var ends []int
		for i, op := range n.ops {
			cc.expr(n.rest[i])
			cc.line = n.at()
			if i == len(n.ops)-1 {
				cc.emit(opCompare, indexOf(compareOps, op), 0)
				break
			}
			cc.emit(opDup, 0, 0)
			cc.emit(opRot3, 0, 0)
			cc.emit(opCompare, indexOf(compareOps, op), 0)
			ends = append(ends, cc.emit(opJumpFalseKeep, 0, 0))
		}
		if len(ends) > 0 {
			end := cc.emit(opJump, 0, 0)
			cc.patchAll(ends) // kept, over, value
			cc.emit(opRot2, 0, 0)
			cc.emit(opPop, 0, 0)
			cc.patch(end)
		}
	case *ternary:
		f := cc.cond(n.cond)
		cc.expr(n.yes)
		end := cc.emit(opJump, 0, 0)
		cc.patchAll(f)
		cc.expr(n.no)
		cc.patch(end)
	case *lambda:
		cc.function(n.fn)
	case *walrus:
		cc.expr(n.x)
		cc.emit(opDup, 0, 0)
		cc.store(n.id)
	case *tupleExpr:
		if hasStar(n.elts) {
			cc.spread(n.elts)
			cc.emit(opListToTuple, 0, 0)
			return
		}
		cc.exprs(n.elts)
		cc.emit(opTuple, len(n.elts), 0)
	case *listExpr:
		if hasStar(n.elts) {
			cc.spread(n.elts)
			return
		}
		cc.exprs(n.elts)
		cc.emit(opList, len(n.elts), 0)
	case *setExpr:
		if hasStar(n.elts) {
			cc.emit(opSet, 0, 0)
			for _, e := range n.elts {
				if s, ok := e.(*starred); ok {
					cc.expr(s.x)
					cc.emit(opSetUpdate, 0, 0)
				} else {
					cc.expr(e)
					cc.emit(opSetAdd, 1, 0)
				}
			}
			return
		}
		cc.exprs(n.elts)
		cc.emit(opSet, len(n.elts), 0)
	case *dictExpr:
		cc.dict(n)
	case *starred:
		cc.fail(n.at(), "can't use starred expression here")
	case *yieldExpr:
		if n.x == nil {
			cc.emit(opConst, cc.konst(nil), 0)
		} else {
			cc.expr(n.x)
		}
		cc.line = n.at()
		if n.from {
			cc.emit(opYieldIter, 0, 0)
			cc.emit(opConst, cc.konst(nil), 0)
			cc.emit(opYieldFrom, 0, 0)
		} else {
			cc.emit(opYield, 0, 0)
		}
	case *comp:
		cc.comprehension(n)
	}
}

func (cc *compiler) exprs(xs []expr) {
	for _, x := range xs {
		cc.expr(x)
	}
}

func hasStar(xs []expr) bool {
	for _, x := range xs {
		if _, ok := x.(*starred); ok {
			return true
		}
	}
	return false
}

func (cc *compiler) spread(xs []expr) {
	i := 0
	for i < len(xs) {
		if _, ok := xs[i].(*starred); ok {
			break
		}
		cc.expr(xs[i])
		i++
	}
	cc.emit(opList, i, 0)
	for ; i < len(xs); i++ {
		if s, ok := xs[i].(*starred); ok {
			cc.expr(s.x)
			cc.emit(opListExtend, 0, 0)
		} else {
			cc.expr(xs[i])
			cc.emit(opListAppend, 1, 0)
		}
	}
}

func (cc *compiler) dict(n *dictExpr) {
	plain := true
	for _, k := range n.keys {
		plain = plain && k != nil
	}
	if plain {
		for i, k := range n.keys {
			cc.expr(k)
			cc.expr(n.vals[i])
		}
		cc.line = n.at()
		cc.emit(opDict, len(n.keys), 0)
		return
	}
	cc.emit(opDict, 0, 0)
	for i, k := range n.keys {
		if k == nil {
			cc.expr(n.vals[i])
			cc.emit(opDictUpdate, 0, 0)
			continue
		}
		cc.expr(k)
		cc.expr(n.vals[i])
		cc.emit(opMapAdd, 1, 0)
	}
}

func (cc *compiler) call(n *call) {
	spread, kws := false, []string(nil)
	for _, a := range n.args {
		if a.star > 0 {
			spread = true
		}
		if a.name != "" {
			kws = append(kws, a.name)
		}
	}
	if spread {
		cc.expr(n.f)
		cc.emit(opList, 0, 0)
		for _, a := range n.args {
			if a.star == 1 {
				cc.expr(a.x)
				cc.emit(opListExtend, 1, 0)
			} else if a.star == 0 && a.name == "" {
				cc.expr(a.x)
				cc.emit(opListAppend, 1, 0)
			}
		}
		cc.emit(opDict, 0, 0)
		for _, a := range n.args {
			if a.star == 2 {
				cc.expr(a.x)
				cc.emit(opDictMerge, 0, 0)
			} else if a.name != "" {
				cc.emit(opConst, cc.konst(a.name), 0)
				cc.expr(a.x)
				cc.emit(opDictMerge, 1, 0)
			}
		}
		cc.line = n.at()
		cc.emit(opCallEx, 0, 0)
		return
	}
	if at, ok := n.f.(*attribute); ok && len(kws) == 0 {
		cc.expr(at.x)
		cc.line = at.at()
		cc.emit(opMethod, cc.name(at.id), 0)
		for _, a := range n.args {
			cc.expr(a.x)
		}
		cc.line = at.at()
		cc.emit(opCallMethod, len(n.args), 0)
		return
	}
	cc.expr(n.f)
	for _, a := range n.args {
		cc.expr(a.x)
	}
	cc.line = n.at()
	if len(kws) == 0 {
		cc.emit(opCall, len(n.args), 0)
		return
	}
	cc.c.consts = append(cc.c.consts, kws)
	cc.emit(opCallKw, len(n.args), len(cc.c.consts)-1)
}

func (cc *compiler) parts(parts []fnode) {
	for _, p := range parts {
		if p.e == nil {
			cc.emit(opConst, cc.konst(p.lit), 0)
			continue
		}
		cc.expr(p.e)
		flags := int(p.conv)
		if p.has {
			cc.parts(p.spec)
			flags |= 1 << 8
		}
		cc.emit(opFormat, flags, 0)
	}
	if len(parts) == 1 && parts[0].e != nil {
		return
	}
	cc.emit(opJoin, len(parts), 0)
}

func (cc *compiler) comprehension(n *comp) {
	sub := newCompiler(n.fn, cc.c.qual+".<locals>."+n.fn.name, cc.left)
	sub.line = n.at()
	switch n.kind {
	case 'l':
		sub.emit(opList, 0, 0)
	case 's':
		sub.emit(opSet, 0, 0)
	case 'd':
		sub.emit(opDict, 0, 0)
	}
	sub.clause(n, 0)
	if n.kind == 'g' {
		sub.emit(opConst, sub.konst(nil), 0)
	}
	sub.emit(opReturn, 0, 0)
	sub.finish()
	cc.closure(sub.c, n.fn.scope)
	cc.expr(n.clauses[0].iter)
	cc.line = n.at()
	cc.emit(opIter, 0, 0)
	cc.emit(opCall, 1, 0)
}

func (cc *compiler) clause(n *comp, i int) {
	if i == len(n.clauses) {
		d := len(n.clauses) + 1
		switch n.kind {
		case 'l':
			cc.expr(n.key)
			cc.emit(opListAppend, d, 0)
		case 's':
			cc.expr(n.key)
			cc.emit(opSetAdd, d, 0)
		case 'd':
			cc.expr(n.key)
			cc.expr(n.val)
			cc.emit(opMapAdd, d, 0)
		case 'g':
			cc.expr(n.key)
			cc.emit(opYield, 0, 0)
			cc.emit(opPop, 0, 0)
		}
		return
	}
	cl := n.clauses[i]
	if i == 0 {
		cc.emit(opLoad, 0, 0)
	} else {
		cc.expr(cl.iter)
		cc.emit(opIter, 0, 0)
	}
	top := cc.here()
	end := cc.emit(opForIter, 0, 0)
	cc.assign(cl.target)
	for _, cond := range cl.conds {
		for _, j := range cc.cond(cond) {
			cc.c.ins[j].a = int32(top)
		}
	}
	cc.clause(n, i+1)
	cc.emit(opJump, top, 0)
	cc.patch(end)
}

func (cc *compiler) match(n *matchStmt) {
	cc.expr(n.subject)
	subj := cc.temp()
	cc.emit(opStore, subj, 0)
	var ends []int
	for _, c := range n.cases {
		cc.line = c.at()
		fails := cc.pattern(c.pat, subj)
		if c.guard != nil {
			fails = append(fails, cc.cond(c.guard)...)
		}
		cc.block(c.body)
		ends = append(ends, cc.emit(opJump, 0, 0))
		cc.patchAll(fails)
	}
	cc.patchAll(ends)
}

// pattern tests the temporary; the jumps it gives are taken when it does not match.
func (cc *compiler) pattern(p pattern, subj int) []int {
	load := func() { cc.emit(opLoad, subj, 0) }
	var fails []int
	fail := func() { fails = append(fails, cc.emit(opJumpFalse, 0, 0)) }
	switch p.kind {
	case 'c':
		if p.name != "" {
			load()
			cc.store(p.name)
		}
	case 'v', 'l':
		load()
		cc.expr(p.x)
		op := "=="
		if p.kind == 'l' {
			op = "is"
		}
		cc.emit(opCompare, indexOf(compareOps, op), 0)
		fail()
	case 'a':
		fails = cc.pattern(p.subs[0], subj)
		load()
		cc.store(p.name)
	case 'o':
		var oks []int
		for i, q := range p.subs {
			f := cc.pattern(q, subj)
			if i == len(p.subs)-1 {
				fails = f
				break
			}
			oks = append(oks, cc.emit(opJump, 0, 0))
			cc.patchAll(f)
		}
		cc.patchAll(oks)
	case 's':
		star := -1
		for i, q := range p.subs {
			if q.kind == '*' {
				if star >= 0 {
					cc.fail(p.at(), "multiple starred expressions in sequence pattern")
				}
				star = i
			}
		}
		load()
		min := len(p.subs)
		if star >= 0 {
			min--
			cc.emit(opMatchSeq, min, 1)
		} else {
			cc.emit(opMatchSeq, min, 0)
		}
		fail()
		load()
		if star >= 0 {
			cc.emit(opUnpackEx, star, len(p.subs)-star-1)
		} else {
			cc.emit(opUnpack, len(p.subs), 0)
		}
		temps := make([]int, len(p.subs))
		for i := range p.subs {
			temps[i] = cc.temp()
			cc.emit(opStore, temps[i], 0)
		}
		for i, q := range p.subs {
			if q.kind == '*' {
				if q.name != "" {
					cc.emit(opLoad, temps[i], 0)
					cc.store(q.name)
				}
				continue
			}
			fails = append(fails, cc.pattern(q, temps[i])...)
		}
	case 'm':
		load()
		cc.emit(opMatchMap, len(p.keys), 0)
		fail()
		for i, k := range p.keys {
			load()
			cc.expr(k)
			cc.emit(opMatchKey, 0, 0) // value, found
			tmp := cc.temp()
			cc.emit(opRot2, 0, 0)
			cc.emit(opStore, tmp, 0)
			fail()
			fails = append(fails, cc.pattern(p.subs[i], tmp)...)
		}
		if p.rest != "" {
			load()
			cc.exprs(p.keys)
			cc.emit(opMatchRest, len(p.keys), 0)
			cc.store(p.rest)
		}
	case 't':
		load()
		cc.expr(p.x)
		nPos := len(p.subs) - len(p.kws)
		cc.emit(opMatchType, nPos, 0)
		fail()
		for i, q := range p.subs {
			tmp := subj
			if i >= nPos {
				load()
				cc.emit(opMatchAttr, cc.name(p.kws[i-nPos]), 0) // value, found
				tmp = cc.temp()
				cc.emit(opRot2, 0, 0)
				cc.emit(opStore, tmp, 0)
				fail()
			}
			fails = append(fails, cc.pattern(q, tmp)...)
		}
	case '*':
		cc.fail(p.at(), "can't use starred pattern here")
	}
	return fails
}
