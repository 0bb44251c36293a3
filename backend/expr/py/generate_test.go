package py

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// generator writes programs from the grammar: mostly of fitting types, sometimes not.
type generator struct {
	r    *rand.Rand
	vars []string
	loop bool // no variables: a = [a, a] would grow without end
}

func (g *generator) pick(s ...string) string { return s[g.r.IntN(len(s))] }

func (g *generator) num(d int) string {
	if d <= 0 || g.r.IntN(4) == 0 {
		return g.pick("0", "1", "2", "3", "-1", "7", "10", "255", "2**31", "2**64", "1.5", "0.1", "-2.5", "1e10", "True", "3.0")
	}
	switch g.r.IntN(9) {
	case 0, 1, 2:
		return "(" + g.num(d-1) + " " + g.pick("+", "-", "*", "//", "%", "/") + " " + g.num(d-1) + ")"
	case 3:
		return "len(" + g.any(d-1) + ")"
	case 4:
		return "int(" + g.pick(g.num(d-1), g.str(d-1)) + ")"
	case 5:
		return g.pick("abs", "round", "sum", "bool", "float", "-") + "(" + g.num(d-1) + ")"
	case 6:
		return g.pick("min", "max") + "(" + g.num(d-1) + ", " + g.num(d-1) + ")"
	case 7:
		return "(" + g.num(d-1) + " if " + g.cond(d-1) + " else " + g.num(d-1) + ")"
	}
	return "sum(x for x in " + g.list(d-1) + " if isinstance(x, int))"
}

func (g *generator) str(d int) string {
	if d <= 0 || g.r.IntN(4) == 0 {
		return g.pick("''", "'a'", "'abc'", "'A b C'", "'é→x'", "'12'", "'a,b,,c'", "' pad '", "'x=1&y=2'", `"it's"`)
	}
	switch g.r.IntN(9) {
	case 0:
		return "(" + g.str(d-1) + " + " + g.str(d-1) + ")"
	case 1:
		return g.str(d-1) + g.pick(".upper()", ".lower()", ".strip()", ".title()", ".replace('a', 'zz')", "[1:]", "[::-1]", "[-1]", "[:2]", ".capitalize()", ".zfill(6)", ".center(9, '*')", ".swapcase()")
	case 2:
		return "str(" + g.any(d-1) + ")"
	case 3:
		return "f'{" + strings.ReplaceAll(g.pick("1", "x0", "2.5"), "x0", "3") + g.pick(":>8", ":<6", ":^7", ":08.2f", ":+.1e", ":,", ":g", "!r", "") + "}|{" + g.pick("1 + 1", "7 // 2", "[1, 2][0]", `len("ab")`) + "}'"
	case 4:
		return g.pick("','", "''", "'--'") + ".join(" + g.pick("map(str, "+g.list(d-1)+")", g.list(d-1), g.str(d-1)) + ")"
	case 5:
		return "'%s %r' % (" + g.any(d-1) + ", " + g.any(d-1) + ")"
	case 6:
		return "'{} {!r:>5} {0}'.replace('{0}', '').format(" + g.any(d-1) + ", " + g.str(d-1) + ")"
	case 7:
		return "(" + g.str(d-1) + " * " + g.pick("0", "2", "3", "-1", "True") + ")"
	}
	return "repr(" + g.any(d-1) + ")"
}

func (g *generator) list(d int) string {
	if d <= 0 || g.r.IntN(5) == 0 {
		return g.pick("[]", "[1, 2, 3]", "[3, 1, 2]", "['b', 'a']", "(1, 'x')", "range(4)", "[0, '', None, True]", "[1.5, 2]", "[[1], [2, 3]]")
	}
	switch g.r.IntN(9) {
	case 0:
		return "[" + g.any(d-1) + ", " + g.any(d-1) + "]"
	case 1:
		return "[" + g.pick("x", "x * 2", "(x, y)", "str(x)", "x == y") + " for x in " + g.list(d-1) + " for y in range(2)" + g.pick("", " if x", " if y") + "]"
	case 2:
		return "sorted(" + g.list(d-1) + g.pick("", ", reverse=True", ", key=str", ", key=lambda v: repr(v)") + ")"
	case 3:
		return "list(" + g.pick("zip", "enumerate", "reversed", "iter") + "(" + g.list(d-1) + "))"
	case 4:
		return "list(map(" + g.pick("str", "bool", "lambda v: [v]", "lambda v: v + 1") + ", " + g.list(d-1) + "))"
	case 5:
		return "(" + g.list(d-1) + " + " + g.list(d-1) + ")"
	case 6:
		return "list(" + g.list(d-1) + ")[" + g.pick("1:", ":-1", "::2", "::-1", "-2:", "0:1") + "]"
	case 7:
		return g.str(d-1) + g.pick(".split()", ".split(',')", ".partition(',')", ".rsplit(None, 1)", ".splitlines()")
	}
	return "[*" + g.list(d-1) + ", " + g.num(d-1) + "]"
}

func (g *generator) dict(d int) string {
	if d <= 0 || g.r.IntN(4) == 0 {
		return g.pick("{}", "{'a': 1}", "{'a': 1, 'b': [2]}", "{1: 'x', 2.5: None}")
	}
	switch g.r.IntN(4) {
	case 0:
		return "{" + g.str(d-1) + ": " + g.any(d-1) + ", **" + g.dict(d-1) + "}"
	case 1:
		return "{k: v for k, v in enumerate(" + g.list(d-1) + ")}"
	case 2:
		return "dict(zip(" + g.list(d-1) + ", " + g.list(d-1) + "))"
	}
	return "(" + g.dict(d-1) + " | " + g.dict(d-1) + ")"
}

func (g *generator) cond(d int) string {
	if d <= 0 || g.r.IntN(5) == 0 {
		return g.pick("True", "False", "None", "[]", "0 < 1", "'a' in 'abc'")
	}
	switch g.r.IntN(6) {
	case 0:
		return "(" + g.num(d-1) + " " + g.pick("<", "<=", ">", "==", "!=") + " " + g.num(d-1) + ")"
	case 1:
		return "(" + g.any(d-1) + g.pick(" == ", " != ", " is ", " is not ") + "None)"
	case 2:
		return "(" + g.cond(d-1) + g.pick(" and ", " or ") + g.cond(d-1) + ")"
	case 3:
		return "(not " + g.any(d-1) + ")"
	case 4:
		return "(" + g.any(d-1) + g.pick(" in ", " not in ") + g.pick(g.list(d-1), g.dict(d-1)) + ")"
	}
	return "(" + g.num(d-1) + " < " + g.num(d-1) + " <= " + g.num(d-1) + ")"
}

func (g *generator) any(d int) string {
	if len(g.vars) > 0 && !g.loop && g.r.IntN(4) == 0 {
		return g.vars[g.r.IntN(len(g.vars))]
	}
	switch g.r.IntN(7) {
	case 0, 1:
		return g.num(d)
	case 2:
		return g.str(d)
	case 3, 4:
		return g.list(d)
	case 5:
		return g.dict(d)
	}
	return g.cond(d)
}

func (g *generator) block(n, d int, ind string, loop bool) string {
	var b strings.Builder
	was := g.loop
	g.loop = was || loop
	defer func() { g.loop = was }()
	for range n {
		v := g.pick("a", "b", "c", "d")
		switch k := g.r.IntN(12); {
		case k < 4:
			fmt.Fprintf(&b, "%s%s = %s\n", ind, v, g.any(2))
			g.vars = append(g.vars, v)
		case k == 4 && d > 0:
			fmt.Fprintf(&b, "%sif %s:\n%s%selse:\n%s", ind, g.cond(2), g.block(1, d-1, ind+"    ", loop), ind, g.block(1, d-1, ind+"    ", loop))
		case k == 5 && d > 0:
			fmt.Fprintf(&b, "%sfor %s in %s:\n%s", ind, v, g.list(2), g.block(2, d-1, ind+"    ", true))
		case k == 6 && d > 0:
			fmt.Fprintf(&b, "%stry:\n%s%sexcept %s as e:\n%s    out.append(type(e).__name__)\n%s", ind, g.block(2, d-1, ind+"    ", loop), ind, g.pick("Exception", "TypeError", "(ValueError, KeyError)", "LookupError"), ind, g.pick("", ind+"finally:\n"+ind+"    out.append('f')\n"))
		case k == 7 && loop:
			fmt.Fprintf(&b, "%sif %s: %s\n", ind, g.cond(1), g.pick("break", "continue"))
		case k == 8:
			fmt.Fprintf(&b, "%s%s = len(out)\n%sout += [%s]\n", ind, v, ind, g.any(1))
		case k == 9 && d > 0:
			fmt.Fprintf(&b, "%sdef f(p, q=%s, *r, **s):\n%s    return p, q, r, s\n%sout.append(f(%s))\n", ind, g.num(1), ind, ind, g.pick(g.any(1), g.any(1)+", "+g.any(1), "*"+g.list(1), "1, z="+g.str(1), ""))
		case k == 10:
			fmt.Fprintf(&b, "%s%s, *%s = %s\n", ind, g.pick("a", "b"), g.pick("c", "d"), g.list(2))
		default:
			fmt.Fprintf(&b, "%sout.append(%s)\n", ind, g.any(3))
		}
	}
	return b.String()
}

func (g *generator) program() string {
	g.vars = nil
	if g.r.IntN(3) == 0 {
		return "return " + g.any(4)
	}
	return "out = []\n" + g.block(4, 2, "", false) + "return out[:40]\n"
}

// TestGenerated runs programs made from the grammar on both sides.
func TestGenerated(t *testing.T) {
	g := &generator{r: rand.New(rand.NewPCG(4, 2024))}
	var all []testCase
	for i := range 1500 {
		all = append(all, testCase{Name: fmt.Sprintf("generated %d", i), Src: g.program()})
	}
	bad, messages, errs := compareAll(t, all)
	t.Logf("%d of %d generated programs agree with Python; of %d errors %d have the same text", len(all)-len(bad), len(all), errs, messages)
	for i, b := range bad {
		if i == 20 {
			t.Fatalf("and %d more", len(bad)-i)
		}
		t.Error(b)
	}
}
