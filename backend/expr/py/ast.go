package py

// expr is an expression, stmt a statement; pos is the line.
type expr interface{ at() int }
type stmt interface{ at() int }
type pos int

func (p pos) at() int { return int(p) }

type (
	constant struct {
		pos
		v Value
	}
	name struct {
		pos
		id string
	}
	fstr struct {
		pos
		parts []fnode
	}
	fnode struct {
		lit  string
		e    expr
		conv byte
		spec []fnode
		has  bool // a spec is there
	}
	attribute struct {
		pos
		x  expr
		id string
	}
	subscript struct {
		pos
		x, i expr
	}
	sliceExpr struct {
		pos
		lo, hi, step expr
	}
	call struct {
		pos
		f    expr
		args []argument
	}
	argument struct {
		name string // keyword
		star int    // 1 or 2
		x    expr
	}
	unary struct {
		pos
		op string
		x  expr
	}
	binary struct {
		pos
		op   string
		l, r expr
	}
	boolOp struct {
		pos
		and  bool
		l, r expr
	}
	compare struct {
		pos
		first expr
		ops   []string
		rest  []expr
	}
	ternary struct {
		pos
		cond, yes, no expr
	}
	lambda struct {
		pos
		fn *funcDef
	}
	walrus struct {
		pos
		id string
		x  expr
	}
	tupleExpr struct {
		pos
		elts []expr
	}
	listExpr struct {
		pos
		elts []expr
	}
	setExpr struct {
		pos
		elts []expr
	}
	dictExpr struct {
		pos
		keys, vals []expr // a nil key is **
	}
	starred struct {
		pos
		x expr
	}
	comp struct {
		pos
		kind     byte // l s d g
		key, val expr // of a dictionary; val else
		clauses  []compClause
		fn       *funcDef
	}
	compClause struct {
		target, iter expr
		conds        []expr
	}
	yieldExpr struct {
		pos
		x    expr
		from bool
	}
)

type (
	exprStmt struct {
		pos
		x expr
	}
	assign struct {
		pos
		targets []expr
		x       expr
	}
	augAssign struct {
		pos
		target expr
		op     string
		x      expr
	}
	annAssign struct {
		pos
		target, x expr
	}
	ifStmt struct {
		pos
		cond     expr
		then, no []stmt
	}
	whileStmt struct {
		pos
		cond     expr
		body, no []stmt
	}
	forStmt struct {
		pos
		target, iter expr
		body, no     []stmt
	}
	jump struct {
		pos
		kind string // break, continue, pass
	}
	returnStmt struct {
		pos
		x expr
	}
	raiseStmt struct {
		pos
		x, from expr
	}
	delStmt struct {
		pos
		targets []expr
	}
	assertStmt struct {
		pos
		x, msg expr
	}
	scopeStmt struct {
		pos
		global bool
		names  []string
	}
	importStmt struct {
		pos
		module string
		from   bool
		names  []alias
	}
	alias   struct{ name, as string }
	tryStmt struct {
		pos
		body     []stmt
		handlers []handler
		no, fin  []stmt
		hasFin   bool
	}
	handler struct {
		pos
		typ  expr
		name string
		body []stmt
	}
	withStmt struct {
		pos
		items []withItem
		body  []stmt
	}
	withItem  struct{ x, target expr }
	matchStmt struct {
		pos
		subject expr
		cases   []matchCase
	}
	matchCase struct {
		pos
		pat   pattern
		guard expr
		body  []stmt
	}
	defStmt struct {
		pos
		fn         *funcDef
		decorators []expr
	}
)

// pattern is a case of match.
type pattern struct {
	pos
	kind byte // v value, l literal by "is", c capture (or wildcard without a name), o or, s sequence, m mapping, t type, * star
	x    expr
	name string
	subs []pattern
	keys []expr
	kws  []string
	rest string
}

type param struct {
	name string
	def  expr
	kind byte // 0 positional or keyword, '/' positional only, '*' args, 'k' keyword only, '2' kwargs
}

type funcDef struct {
	pos
	name   string
	params []param
	body   []stmt
	lambda bool
	scope  *scope
	doc    string
}
