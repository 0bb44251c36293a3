package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	filter "github.com/scim2/filter-parser/v2"
)

// How much of a filter is read.
const (
	longestFilter = 8_000
	deepestFilter = 30
	mostTerms     = 200
)

// ParseFilter reads a filter (RFC 7644 section 3.4.2.2). Beyond it: a part after a value filter as Entra ID writes it, and values without
// quotation marks.
func ParseFilter(text string) (filter.Expression, error) {
	if len(text) > longestFilter {
		return nil, Bad(InvalidFilter, "The filter is longer than %d characters.", longestFilter)
	}
	p := &parser{keyword: InvalidFilter}
	if err := p.lex(text); err != nil {
		return nil, err
	}
	e, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if len(p.toks) > 0 {
		return nil, p.bad("The filter can't be read from %q on.", p.toks[0].text)
	}
	return e, nil
}

// ParsePath reads where a change of a patch goes: name, name.part, name[filter], name[filter].part, with a URN before or without.
func ParsePath(text string) (*filter.Path, error) {
	if len(text) > longestFilter {
		return nil, Bad(InvalidPath, "The path is longer than %d characters.", longestFilter)
	}
	p := &parser{keyword: InvalidPath}
	if err := p.lex(text); err != nil {
		return nil, err
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	out := &filter.Path{AttributePath: split(name)}
	if p.is("[") {
		p.next()
		if out.ValueExpression, err = p.or(1); err != nil {
			return nil, err
		}
		if !p.is("]") {
			return nil, p.bad("The path %q has no closing bracket.", text)
		}
		p.next()
		if len(p.toks) > 0 {
			sub, ok := strings.CutPrefix(p.next().text, ".")
			if !ok || !plainName(sub) {
				return nil, p.bad("The path %q can't be read after its bracket.", text)
			}
			out.SubAttribute = &sub
		}
	}
	if len(p.toks) > 0 {
		return nil, p.bad("The path %q can't be read.", text)
	}
	return out, nil
}

// split takes a name apart.
func split(name string) filter.AttributePath {
	var out filter.AttributePath
	if at := strings.LastIndexByte(name, ':'); at >= 0 && strings.HasPrefix(strings.ToLower(name), "urn:") {
		urn := name[:at] // what of it is a URN the shape knows; together they are the name again
		out.URIPrefix, name = &urn, name[at+1:]
	}
	first, part, dotted := strings.Cut(name, ".")
	out.AttributeName = first
	if dotted {
		out.SubAttribute = &part
	}
	return out
}

type tok struct {
	text   string
	quoted bool
}

type parser struct {
	toks    []tok
	terms   int
	keyword string
}

func (p *parser) bad(format string, a ...any) error { return Bad(p.keyword, format, a...) }

func (p *parser) lex(text string) error {
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '(', ')', '[', ']':
			p.toks = append(p.toks, tok{text: string(c)})
			i++
		case '"':
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(text) {
				return p.bad("A quotation mark is missing after %s.", clip(text[i:]))
			}
			var s string
			if json.Unmarshal([]byte(text[i:end+1]), &s) != nil {
				s = text[i+1 : end] // a backslash as in DOMAIN\name
			}
			if err := clean(s); err != nil {
				return err
			}
			p.toks = append(p.toks, tok{s, true})
			i = end + 1
		default:
			end := i
			for end < len(text) && !strings.ContainsRune(" \t\r\n()[]\"", rune(text[end])) {
				end++
			}
			word := text[i:end]
			if err := clean(word); err != nil {
				return err
			}
			p.toks = append(p.toks, tok{text: word})
			i = end
		}
	}
	return nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func (p *parser) is(word string) bool {
	return len(p.toks) > 0 && !p.toks[0].quoted && strings.EqualFold(p.toks[0].text, word)
}

func (p *parser) next() tok {
	t := p.toks[0]
	p.toks = p.toks[1:]
	return t
}

func (p *parser) name() (string, error) {
	if len(p.toks) == 0 || p.toks[0].quoted || !plainName(p.toks[0].text) || strings.HasPrefix(p.toks[0].text, ".") || strings.HasSuffix(p.toks[0].text, ".") {
		return "", p.bad("The name of an attribute is missing.")
	}
	return p.next().text, nil
}

func (p *parser) or(depth int) (filter.Expression, error) {
	return p.chain(filter.OR, func() (filter.Expression, error) {
		return p.chain(filter.AND, func() (filter.Expression, error) { return p.term(depth) })
	})
}

func (p *parser) chain(op filter.LogicalOperator, one func() (filter.Expression, error)) (filter.Expression, error) {
	left, err := one()
	for err == nil && p.is(string(op)) {
		p.next()
		var right filter.Expression
		if right, err = one(); err == nil {
			left = &filter.LogicalExpression{Left: left, Right: right, Operator: op}
		}
	}
	return left, err
}

var operators = []string{"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le"}

func (p *parser) term(depth int) (filter.Expression, error) {
	if depth > deepestFilter {
		return nil, p.bad("The filter is nested deeper than %d brackets.", deepestFilter)
	}
	if p.terms++; p.terms > mostTerms {
		return nil, p.bad("The filter has more than %d terms.", mostTerms)
	}
	not := p.is("not") && len(p.toks) > 1 && p.toks[1].text == "(" && !p.toks[1].quoted
	if not {
		p.next()
	}
	if p.is("(") {
		p.next()
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.is(")") {
			return nil, p.bad("A closing bracket is missing.")
		}
		p.next()
		if not {
			return &filter.NotExpression{Expression: e}, nil
		}
		return e, nil
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.is("[") {
		return p.values(depth, name)
	}
	return p.compare(split(name))
}

// values reads name[filter], and name[filter].part op value as one filter of the values.
func (p *parser) values(depth int, name string) (filter.Expression, error) {
	p.next()
	inside, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.is("]") {
		return nil, p.bad("A closing bracket is missing.")
	}
	p.next()
	if len(p.toks) > 0 && !p.toks[0].quoted && strings.HasPrefix(p.toks[0].text, ".") {
		part := p.next().text[1:]
		if !plainName(part) {
			return nil, p.bad("The name of an attribute is missing.")
		}
		more, err := p.compare(filter.AttributePath{AttributeName: part})
		if err != nil {
			return nil, err
		}
		inside = &filter.LogicalExpression{Left: inside, Right: more, Operator: filter.AND}
	}
	return &filter.ValuePath{AttributePath: split(name), ValueFilter: inside}, nil
}

func (p *parser) compare(at filter.AttributePath) (filter.Expression, error) {
	if p.is("pr") {
		p.next()
		return &filter.AttributeExpression{AttributePath: at, Operator: filter.PR}, nil
	}
	if len(p.toks) == 0 || p.toks[0].quoted || !slices.Contains(operators, strings.ToLower(p.toks[0].text)) {
		return nil, p.bad("After %s one of eq, ne, co, sw, ew, gt, lt, ge, le or pr is missing.", at)
	}
	op := filter.CompareOperator(strings.ToLower(p.next().text))
	if len(p.toks) == 0 || !p.toks[0].quoted && strings.ContainsAny(p.toks[0].text, "()[]") {
		return nil, p.bad("After %s %s the value is missing.", at, op)
	}
	t := p.next()
	var v any = t.text
	if !t.quoted {
		switch strings.ToLower(t.text) {
		case "true":
			v = true
		case "false":
			v = false
		case "null":
			v = nil
		default:
			if _, err := strconv.ParseFloat(t.text, 64); err == nil {
				v = json.Number(t.text)
			}
		}
	}
	return &filter.AttributeExpression{AttributePath: at, Operator: op, CompareValue: v}, nil
}

// Place finds what a path of a filter or patch is about.
func (s *Shape) Place(p filter.AttributePath) (Target, bool) { return s.Find(p.String()) }

// Check refuses a filter that asks for what is not there, or compares what can't be compared.
func (s *Shape) Check(e filter.Expression) error {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		if err := s.Check(x.Left); err != nil {
			return err
		}
		return s.Check(x.Right)
	case *filter.NotExpression:
		return s.Check(x.Expression)
	case *filter.ValuePath:
		t, ok := s.Place(x.AttributePath)
		if !ok {
			return Bad(InvalidFilter, "There is no attribute %s.", x.AttributePath)
		}
		if t.Attr == nil {
			return nil
		}
		if t.Attr.Sub == nil || t.Part != "" {
			return Bad(InvalidFilter, "%s has no parts that a filter could look at.", x.AttributePath)
		}
		return checkParts(t.Attr, x.ValueFilter)
	case *filter.AttributeExpression:
		t, ok := s.Place(x.AttributePath)
		if !ok || t.Name == "" {
			return Bad(InvalidFilter, "There is no attribute %s.", x.AttributePath)
		}
		if t.Attr != nil && t.Attr.Never {
			return Bad("sensitive", "Nothing can be found by %s.", x.AttributePath)
		}
		return comparable(t.Leaf(), x)
	}
	return Bad(InvalidFilter, "The filter can't be read.")
}

func checkParts(a *Attr, e filter.Expression) error {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		if err := checkParts(a, x.Left); err != nil {
			return err
		}
		return checkParts(a, x.Right)
	case *filter.NotExpression:
		return checkParts(a, x.Expression)
	case *filter.AttributeExpression:
		sub := a.Sub[strings.ToLower(x.AttributePath.String())]
		if sub == nil {
			return Bad(InvalidFilter, "%s has no part %s.", a.Name, x.AttributePath)
		}
		return comparable(sub, x)
	}
	return Bad(InvalidFilter, "A filter of values can't hold another.")
}

func comparable(a *Attr, x *filter.AttributeExpression) error {
	if a == nil || x.Operator == filter.PR || x.CompareValue == nil {
		if x.CompareValue == nil && x.Operator != filter.PR && x.Operator != filter.EQ && x.Operator != filter.NE {
			return Bad(InvalidFilter, "null can be compared by eq and ne only.")
		}
		return nil
	}
	switch a.Type {
	case "boolean":
		if _, ok := truth(x.CompareValue); !ok || x.Operator != filter.EQ && x.Operator != filter.NE {
			return Bad(InvalidFilter, "%s can be compared with true and false, by eq and ne.", x.AttributePath)
		}
	case "dateTime":
		if _, ok := moment(x.CompareValue); !ok && slices.Contains([]filter.CompareOperator{filter.GT, filter.GE, filter.LT, filter.LE}, x.Operator) {
			return Bad(InvalidFilter, "%s can be compared with a time such as 2026-01-31T00:00:00Z.", x.AttributePath)
		}
	}
	return nil
}

// Match says whether a resource is what a checked filter asks for.
func (s *Shape) Match(e filter.Expression, res map[string]any) bool {
	switch x := e.(type) {
	case nil:
		return true
	case *filter.LogicalExpression:
		if x.Operator == filter.AND {
			return s.Match(x.Left, res) && s.Match(x.Right, res)
		}
		return s.Match(x.Left, res) || s.Match(x.Right, res)
	case *filter.NotExpression:
		return !s.Match(x.Expression, res)
	case *filter.ValuePath:
		t, ok := s.Place(x.AttributePath)
		if !ok {
			return false
		}
		for _, v := range many(place(res, t)) {
			if m, ok := v.(map[string]any); ok && matchParts(t.Attr, x.ValueFilter, m) {
				return true
			}
		}
		return false
	case *filter.AttributeExpression:
		t, ok := s.Place(x.AttributePath)
		if !ok {
			return false
		}
		return compare(t.Leaf(), x, s.Values(res, t))
	}
	return false
}

// matchParts is Match for one value of an attribute.
func matchParts(a *Attr, e filter.Expression, value map[string]any) bool {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		if x.Operator == filter.AND {
			return matchParts(a, x.Left, value) && matchParts(a, x.Right, value)
		}
		return matchParts(a, x.Left, value) || matchParts(a, x.Right, value)
	case *filter.NotExpression:
		return !matchParts(a, x.Expression, value)
	case *filter.AttributeExpression:
		name := x.AttributePath.String()
		var sub *Attr
		if a != nil {
			sub = a.Sub[strings.ToLower(name)]
		}
		var got []any
		for k, v := range value {
			if strings.EqualFold(k, name) {
				got = many(v)
			}
		}
		return compare(sub, x, got)
	}
	return false
}

// place gives what stands at a target, its part aside.
func place(res map[string]any, t Target) any {
	at := res
	if t.Ext != "" {
		at, _ = keyed(res, t.Ext).(map[string]any)
		if t.Name == "" {
			return at
		}
	}
	return keyed(at, t.Name)
}

// keyed gives the value under a name whatever its case.
func keyed(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func many(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return x
	}
	return []any{v}
}

// Values gives the values at a target; of an object that has one its "value".
func (s *Shape) Values(res map[string]any, t Target) (out []any) {
	for _, v := range many(place(res, t)) {
		m, isMap := v.(map[string]any)
		switch {
		case t.Part != "" && isMap:
			out = append(out, many(keyed(m, t.Part))...)
		case t.Part == "" && isMap && m["value"] != nil:
			out = append(out, m["value"])
		case t.Part == "":
			out = append(out, v)
		}
	}
	return out
}

func present(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case string:
		return x != ""
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	return true
}

func compare(a *Attr, x *filter.AttributeExpression, got []any) bool {
	switch {
	case x.Operator == filter.PR:
		return slices.ContainsFunc(got, present)
	case x.CompareValue == nil:
		return slices.ContainsFunc(got, present) == (x.Operator == filter.NE)
	case x.Operator == filter.NE:
		return !slices.ContainsFunc(got, func(v any) bool { return meets(a, filter.EQ, v, x.CompareValue) })
	}
	return slices.ContainsFunc(got, func(v any) bool { return meets(a, x.Operator, v, x.CompareValue) })
}

func meets(a *Attr, op filter.CompareOperator, got, want any) bool {
	typ, exact := "", false
	if a != nil {
		typ, exact = a.Type, a.Exact
		if a.Type == "complex" && a.Sub["value"] != nil {
			typ, exact = a.Sub["value"].Type, a.Sub["value"].Exact
		}
	}
	if g, ok := got.(bool); ok || typ == "boolean" {
		w, known := truth(want)
		return ok && known && g == w
	}
	if typ == "dateTime" {
		g, ok1 := moment(got)
		w, ok2 := moment(want)
		if ok1 && ok2 {
			return ordered(op, g.Compare(w))
		}
	}
	if g, ok := number(got); ok && typ != "string" {
		if w, ok := number(want); ok {
			switch {
			case g < w:
				return ordered(op, -1)
			case g > w:
				return ordered(op, 1)
			}
			return ordered(op, 0)
		}
	}
	g, w := plain(got), plain(want)
	if !exact {
		g, w = strings.ToLower(g), strings.ToLower(w)
	}
	switch op {
	case filter.CO:
		return strings.Contains(g, w)
	case filter.SW:
		return strings.HasPrefix(g, w)
	case filter.EW:
		return strings.HasSuffix(g, w)
	}
	return ordered(op, strings.Compare(g, w))
}

func ordered(op filter.CompareOperator, c int) bool {
	switch op {
	case filter.EQ:
		return c == 0
	case filter.GT:
		return c > 0
	case filter.GE:
		return c >= 0
	case filter.LT:
		return c < 0
	case filter.LE:
		return c <= 0
	}
	return false
}

func plain(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	}
	return fmt.Sprint(v)
}

func truth(v any) (b, ok bool) {
	switch x := v.(type) {
	case bool:
		return x, true
	case string:
		b, err := strconv.ParseBool(strings.ToLower(x))
		return b, err == nil
	}
	return false, false
}

func moment(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	case float64:
		return x, true
	}
	return 0, false
}

// Same says whether two resources hold the same.
func Same(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, err1 := json.Marshal(a) // numbers may differ in their type
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}
