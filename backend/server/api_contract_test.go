package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/rest"
	"gatehouse/backend/text"
)

// contract is a description of the API, ours or the published one.
type contract struct {
	ops   map[string]*operation // by "GET /core/users/"
	types map[string]*shape
}

type operation struct {
	id     string
	open   bool
	params map[string]string // "{id}" or "?search" to its type, "!" behind a required one
	body   string            // type with "+" (multipart) and "?" (optional) in front; "" = none
	status map[string]string // answer by status; "" = no body
}

// shape is a type: fields, values of an enum, or the types of a union by the value of one member.
type shape struct {
	fields  map[string]field
	further bool // any other member
	values  []string
	is      string // another name of a simple type
	by      string // the member that tells the types of a union apart
	union   map[string]string
}

type field struct {
	typ                string
	required, nullable bool
}

// readContract reads the table of testdata/contract/published.txt.
func readContract(t *testing.T) contract {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "contract", "published.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := contract{map[string]*operation{}, map[string]*shape{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		switch {
		case len(w) == 0 || w[0] == "#" || w[0][0] == '#':
		case len(w) > 2 && strings.HasPrefix(w[1], "/"):
			c.ops[w[0]+" "+w[1]] = readOperation(w[2:])
		default:
			s, err := readShape(w[1:])
			if err != nil {
				t.Fatalf("%s: %v", w[0], err)
			}
			c.types[w[0]] = s
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func readOperation(w []string) *operation {
	o := &operation{id: w[0], params: map[string]string{}, status: map[string]string{}}
	for _, p := range w[1:] {
		switch p[0] {
		case 'o':
			o.open = true
		case '{', '?':
			name, typ, _ := strings.Cut(p, ":")
			o.params[name] = typ
		case '<':
			o.body = p[1:]
		default:
			code, typ, _ := strings.Cut(p, "=")
			o.status[code] = typ
		}
	}
	return o
}

func readShape(w []string) (*shape, error) {
	s := &shape{fields: map[string]field{}}
	if len(w) == 0 {
		return s, nil
	}
	switch w[0] {
	case "any":
		s.is = "any"
		return s, nil
	case "is":
		s.is = w[1]
		return s, nil
	case "enum":
		return s, json.Unmarshal([]byte(strings.Join(w[1:], " ")), &s.values)
	case "oneOf":
		s.by, s.union = w[1], map[string]string{}
		for _, p := range w[2:] {
			value, typ, _ := strings.Cut(p, "=")
			s.union[value] = typ
		}
		return s, nil
	}
	for _, p := range w {
		if p == "{}" {
			s.further = true
			continue
		}
		parts := strings.SplitN(p, ":", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("no field: %s", p)
		}
		s.fields[parts[0]] = field{parts[1], strings.Contains(parts[2], "!"), strings.Contains(parts[2], "~")}
	}
	return s, nil
}

type node = map[string]any

// ours makes the same of our own OpenAPI description.
type ours struct {
	contract
	schemas node
}

func describeOurs(t *testing.T, b []byte) contract {
	t.Helper()
	var doc node
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	o := &ours{contract{map[string]*operation{}, map[string]*shape{}}, doc["components"].(node)["schemas"].(node)}
	for path, item := range doc["paths"].(node) {
		for method, v := range item.(node) {
			op := v.(node)
			out := &operation{id: op["operationId"].(string), params: map[string]string{}, status: map[string]string{}}
			for _, s := range items(op["security"]) {
				out.open = out.open || len(s.(node)) == 0
			}
			for _, v := range items(op["parameters"]) {
				p := v.(node)
				typ, _ := o.typ(p["schema"].(node), out.id+" "+p["name"].(string))
				if p["in"] == "path" {
					out.params["{"+p["name"].(string)+"}"] = typ
					continue
				}
				if p["required"] == true {
					typ += "!"
				}
				out.params["?"+p["name"].(string)] = typ
			}
			if body, ok := op["requestBody"].(node); ok {
				out.body = o.content(body["content"].(node), out.id+".body")
				if body["content"].(node)["multipart/form-data"] != nil {
					out.body = "+" + out.body
				}
				if body["required"] != true {
					out.body = "?" + out.body
				}
			}
			for code, v := range op["responses"].(node) {
				out.status[code] = ""
				if c, ok := v.(node)["content"].(node); ok {
					out.status[code] = o.content(c, out.id+"."+code)
				}
			}
			o.ops[strings.ToUpper(method)+" "+path] = out
		}
	}
	return o.contract
}

func items(v any) []any { l, _ := v.([]any); return l }

func (o *ours) content(c node, hint string) string {
	for _, mt := range slices.Sorted(maps.Keys(c)) {
		typ, _ := o.typ(c[mt].(node)["schema"].(node), hint)
		return typ
	}
	return ""
}

// typ gives the type of a schema in the words of the table.
func (o *ours) typ(s node, hint string) (typ string, nullable bool) {
	nullable = s["nullable"] == true
	if r, ok := s["$ref"].(string); ok {
		name := r[strings.LastIndexByte(r, '/')+1:]
		o.define(name, o.schemas[name].(node))
		return name, nullable
	}
	if all := items(s["allOf"]); len(all) == 1 {
		typ, n := o.typ(all[0].(node), hint)
		return typ, n || nullable
	}
	t, _ := s["type"].(string)
	switch {
	case t == "":
		return "any", nullable
	case t == "array":
		it, n := o.typ(s["items"].(node), hint)
		if n {
			it += "~"
		}
		return "[" + it + "]", nullable
	case t == "object" && s["properties"] != nil:
		o.define(hint, s)
		return hint, nullable
	case t == "object":
		if ap, ok := s["additionalProperties"].(node); ok && len(ap) > 0 {
			it, _ := o.typ(ap, hint)
			return "{" + it + "}", nullable
		}
		return "object", nullable
	case s["enum"] != nil:
		name := hint + ".enum"
		sh := &shape{}
		for _, v := range items(s["enum"]) {
			sh.values = append(sh.values, fmt.Sprint(v))
		}
		o.types[name] = sh
		return name, nullable
	case s["format"] != nil:
		return t + "/" + s["format"].(string), nullable
	}
	return t, nullable
}

func (o *ours) define(name string, s node) {
	if o.types[name] != nil {
		return
	}
	sh := &shape{fields: map[string]field{}}
	o.types[name] = sh
	if d, ok := s["discriminator"].(node); ok {
		sh.by, sh.union = d["propertyName"].(string), map[string]string{}
		for value, r := range d["mapping"].(node) {
			sh.union[value], _ = o.typ(node{"$ref": r}, name)
		}
		return
	}
	if s["enum"] != nil {
		for _, v := range items(s["enum"]) {
			sh.values = append(sh.values, fmt.Sprint(v))
		}
		return
	}
	props, ok := s["properties"].(node)
	if !ok {
		sh.is, _ = o.typ(s, name+".is")
		return
	}
	sh.further = s["additionalProperties"] != nil
	for n, p := range props {
		typ, null := o.typ(p.(node), name+"."+n)
		sh.fields[n] = field{typ, slices.Contains(items(s["required"]), any(n)), null}
	}
}

// difference compares our description with the published one.
type difference struct {
	pub, our contract
	seen     map[string]bool
	said     map[string]bool
	out      []string
}

func (d *difference) say(format string, a ...any) {
	line := fmt.Sprintf(format, a...)
	if !d.said[line] {
		d.said[line] = true
		d.out = append(d.out, line)
	}
}

func (d *difference) operation(key string, pub, our *operation) {
	if pub.id != our.id {
		d.say("%s: operation %s, published %s", key, our.id, pub.id)
	}
	if pub.open != our.open {
		d.say("%s: open to nobody %t, published %t", pub.id, our.open, pub.open)
	}
	for n, want := range pub.params {
		got, ok := our.params[n]
		if !ok {
			d.say("%s: parameter %s is missing", pub.id, n)
			continue
		}
		if strings.HasSuffix(got, "!") != strings.HasSuffix(want, "!") {
			d.say("%s: parameter %s is required: %s, published %s", pub.id, n, got, want)
		}
		d.typ(pub.id+" "+n, strings.TrimSuffix(want, "!"), strings.TrimSuffix(got, "!"), false)
	}
	for n := range our.params {
		if _, ok := pub.params[n]; !ok {
			d.say("%s: parameter %s is not published", pub.id, n)
		}
	}
	trim := func(s string) (mark, typ string) {
		typ = strings.TrimLeft(s, "?+")
		return s[:len(s)-len(typ)], typ
	}
	wantMark, want := trim(pub.body)
	gotMark, got := trim(our.body)
	switch {
	case (want == "") != (got == ""):
		d.say("%s: body %q, published %q", pub.id, our.body, pub.body)
	case want != "":
		if strings.Contains(wantMark, "+") != strings.Contains(gotMark, "+") {
			d.say("%s: body is multipart: %q, published %q", pub.id, our.body, pub.body)
		}
		d.typ(want, want, got, true)
	}
	for code, want := range pub.status {
		got, ok := our.status[code]
		switch {
		case !ok:
			d.say("%s: status %s is missing", pub.id, code)
		case want == "" && code[0] == '4': // refused with a body where the release describes none
		case (got == "") != (want == ""):
			d.say("%s: answer of %s is %q, published %q", pub.id, code, got, want)
		case want != "":
			d.typ(want, want, got, false)
		}
	}
	for code := range our.status {
		if _, ok := pub.status[code]; !ok {
			d.say("%s: status %s is not published", pub.id, code)
		}
	}
}

// typ compares two types at a place; request says that they are read and not written.
func (d *difference) typ(at, want, got string, request bool) {
	simple := func(t string, c contract) string {
		for c.types[t] != nil && c.types[t].is != "" {
			t = c.types[t].is
		}
		return t
	}
	want, got = simple(want, d.pub), simple(got, d.our)
	for _, q := range []string{"[]", "{}"} {
		if want[0] == q[0] && got[0] == q[0] {
			w, g := strings.Trim(want, q), strings.Trim(got, q)
			if strings.HasPrefix(want[1:], q[:1]) || strings.HasPrefix(got[1:], q[:1]) { // a list in a list
				w, g = want[1:len(want)-1], got[1:len(got)-1]
			}
			d.typ(at+q, w, g, request)
			return
		}
	}
	if strings.HasSuffix(want, "~") != strings.HasSuffix(got, "~") {
		d.say("%s: elements %s, published %s", at, got, want)
		return
	}
	want, got = strings.TrimSuffix(want, "~"), strings.TrimSuffix(got, "~")
	wantValues, gotValues := d.values(want, d.pub), d.values(got, d.our)
	if wantValues != nil || gotValues != nil {
		if !slices.Equal(wantValues, gotValues) {
			d.say("%s: %s", at, valuesDiffer(got, want, gotValues, wantValues))
		}
		return
	}
	ps, os := d.pub.types[want], d.our.types[got]
	switch {
	case ps == nil && os == nil:
		if want != got {
			d.say("%s: %s, published %s", at, got, want)
		}
	case ps == nil || os == nil:
		d.say("%s: %s, published %s", at, got, want)
	default:
		pair := fmt.Sprint(want, " ", got, request)
		if !d.seen[pair] {
			d.seen[pair] = true
			d.shape(want, ps, os, request)
		}
	}
}

func valuesDiffer(gotType, wantType string, got, want []string) string {
	if got == nil {
		return gotType + ", published the values of " + wantType
	}
	if want == nil {
		return "has values, published " + wantType
	}
	var more, fewer []string
	for _, v := range got {
		if !slices.Contains(want, v) {
			more = append(more, v)
		}
	}
	for _, v := range want {
		if !slices.Contains(got, v) {
			fewer = append(fewer, v)
		}
	}
	return fmt.Sprintf("values %q are not published, %q are missing", more, fewer)
}

// values gives the sorted values of an enum or of several, nil for other types.
func (d *difference) values(typ string, c contract) []string {
	var out []string
	for t := range strings.SplitSeq(typ, "|") {
		s := c.types[t]
		if s == nil || s.values == nil {
			return nil
		}
		out = append(out, s.values...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (d *difference) shape(name string, want, got *shape, request bool) {
	if want.union != nil {
		for value, g := range got.union {
			w, ok := want.union[value]
			if !ok {
				d.say("%s: %s is not published", name, value)
				continue
			}
			d.typ(name, w, g, request)
		}
		return
	}
	for n, w := range want.fields {
		g, ok := got.fields[n]
		if !ok {
			d.say("%s.%s is missing", name, n)
			continue
		}
		// An answer may promise more than the published one: a member that is always there.
		if g.required != w.required && (request || w.required) {
			d.say("%s.%s: required %t, published %t", name, n, g.required, w.required)
		}
		if g.nullable != w.nullable {
			d.say("%s.%s: nullable %t, published %t", name, n, g.nullable, w.nullable)
		}
		d.typ(name+"."+n, w.typ, g.typ, request)
	}
	for n := range got.fields {
		if _, ok := want.fields[n]; !ok && !want.further {
			d.say("%s.%s is not published", name, n)
		}
	}
}

// The shape of every operation that we serve is the published one. What is not served yet, and where we differ on purpose, is written
// down: each list must be exactly what the comparison finds, so that it changes only when somebody means it (UPDATE_CONTRACT=1 writes both).
func TestPublishedShape(t *testing.T) {
	t.Parallel()
	texts, err := text.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Version: "test", Log: slog.New(slog.DiscardHandler)}
	b, err := wire(o, nil, nil, "", o.Log, texts).newAPI(o, rest.Deps{}).Schema()
	if err != nil {
		t.Fatal(err)
	}
	pub, our := readContract(t), describeOurs(t, b)
	if len(pub.ops) != 742 {
		t.Fatalf("the table has %d operations", len(pub.ops))
	}
	d := &difference{pub: pub, our: our, seen: map[string]bool{}, said: map[string]bool{}}
	var unserved, own []string
	for _, key := range slices.Sorted(maps.Keys(pub.ops)) {
		if our.ops[key] == nil {
			unserved = append(unserved, key)
			continue
		}
		d.operation(key, pub.ops[key], our.ops[key])
	}
	for _, key := range slices.Sorted(maps.Keys(our.ops)) {
		if pub.ops[key] == nil && !strings.Contains(key, " /gatehouse/") {
			own = append(own, key+": is not published")
		}
	}
	slices.Sort(d.out)
	compareList(t, "unserved.txt", unserved)
	compareList(t, "different.txt", append(own, d.out...))
}

func compareList(t *testing.T, name string, got []string) {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "contract", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_CONTRACT") != "" {
		var out []string
		for line := range strings.Lines(string(b)) {
			if line[0] == '#' {
				out = append(out, strings.TrimSpace(line))
			}
		}
		if err := os.WriteFile(path, []byte(strings.Join(append(out, got...), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var want []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			want = append(want, line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s lacks: %s", name, line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s has what no longer holds: %s", name, line)
		}
	}
}
