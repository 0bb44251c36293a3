// Package wire reads what SCIM 2.0 clients send in their many spellings: bodies, filters, paths and patches (RFC 7643, RFC 7644).
//
//	body ─▶ Tidy ─▶ canonical resource ◀─ Apply ◀─ ParsePatch
//	filter ─▶ ParseFilter ─▶ Check ─▶ Match
//
// The schemas and the types of operations and filters are those of the libraries; their parsers are not used (libraries.md C).
package wire

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/fault"

	"github.com/elimity-com/scim/schema"
)

// Enterprise is the schema of what a company knows of a person.
const Enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// The keywords of RFC 7644 section 3.12; a fault carries one as its code.
const (
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidSyntax = "invalidSyntax"
	InvalidValue  = "invalidValue"
	Mutability    = "mutability"
	NoTarget      = "noTarget"
	TooMany       = "tooMany"
)

// Bad makes the fault of a request that can't be taken, with its keyword.
func Bad(keyword, format string, a ...any) error {
	f := fault.Newf(fault.Invalid, format, a...)
	f.Code = keyword
	return f
}

// Attr is what a schema says of an attribute.
type Attr struct {
	Name     string
	Type     string // string, boolean, complex, dateTime, …
	Multi    bool
	ReadOnly bool
	Never    bool // never given out
	Exact    bool // upper and lower case differ
	Sub      map[string]*Attr
}

// Shape is what a resource may hold: the attributes of its schema, the common ones, and those of its extension.
type Shape struct {
	URN      string
	Required string // the attribute that it can't be without
	attrs    map[string]*Attr
	exts     map[string]extension // by URN in lower case
}

type extension struct {
	urn   string
	attrs map[string]*Attr
}

// NewShape makes the shape of a resource.
func NewShape(core schema.Schema, required string, extensions ...schema.Schema) *Shape {
	s := &Shape{URN: core.ID, Required: required, attrs: attrsOf(core.Attributes), exts: map[string]extension{}}
	maps.Copy(s.attrs, attrsOf(schema.CommonAttributes()))
	s.attrs["schemas"].ReadOnly = true
	for _, e := range extensions {
		s.exts[strings.ToLower(e.ID)] = extension{e.ID, attrsOf(e.Attributes)}
	}
	return s
}

func attrsOf(list schema.Attributes) map[string]*Attr {
	out := map[string]*Attr{}
	for _, a := range list {
		at := &Attr{
			Name: a.Name(), Type: a.AttributeType(), Multi: a.MultiValued(), ReadOnly: a.Mutability() == "readOnly", Never: a.Returned() == "never", Exact: a.CaseExact(),
		}
		if subs := a.SubAttributes(); len(subs) > 0 {
			at.Sub = attrsOf(subs)
		}
		out[strings.ToLower(a.Name())] = at
	}
	return out
}

// Target is the place of a resource that a name leads to. Attr is nil for an extension as a whole and for one that no schema knows; Sub
// is nil when the name has no second part.
type Target struct {
	Ext  string // URN of the extension, "" = the resource itself
	Name string
	Part string // second part of the name
	Attr *Attr
	Sub  *Attr
}

// Leaf is the attribute that a value at the target has to fit, nil when no schema knows it.
func (t Target) Leaf() *Attr {
	if t.Sub != nil {
		return t.Sub
	}
	if t.Part != "" {
		return nil
	}
	return t.Attr
}

// Find reads a name as clients write it: userName, name.givenName, urn:…:User:department, or the URN of an extension alone.
func (s *Shape) Find(name string) (Target, bool) {
	if !plainName(name) {
		return Target{}, false
	}
	low := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(low, strings.ToLower(s.URN)+":"); ok {
		return s.find("", s.attrs, name[len(name)-len(rest):])
	}
	for urn, e := range s.exts {
		if low == urn {
			return Target{Ext: e.urn}, true
		}
		if rest, ok := strings.CutPrefix(low, urn+":"); ok {
			return s.find(e.urn, e.attrs, name[len(name)-len(rest):])
		}
	}
	if !strings.HasPrefix(low, "urn:") {
		return s.find("", s.attrs, name)
	}
	// What only the client knows: its URN ends with the name of a resource, as far as one can tell.
	if strings.Count(name, ":") < 2 || strings.Contains(name, "::") || strings.HasSuffix(name, ":") {
		return Target{}, false
	}
	at := strings.LastIndexByte(name, ':')
	if strings.Count(name, ":") == 2 || ofResource(name) {
		return Target{Ext: name}, true
	}
	first, part, _ := strings.Cut(name[at+1:], ".")
	return Target{Ext: name[:at], Name: first, Part: part}, first != ""
}

func ofResource(urn string) bool {
	return strings.HasSuffix(urn, ":User") || strings.HasSuffix(urn, ":Group")
}

// holding is the target when what goes there is v: an object under a URN that names no resource is the extension itself.
func (t Target) holding(v any, name string) Target {
	if _, isMap := v.(map[string]any); isMap && t.Attr == nil && t.Name != "" && !ofResource(t.Ext) {
		return Target{Ext: name}
	}
	return t
}

func (s *Shape) find(ext string, attrs map[string]*Attr, name string) (Target, bool) {
	first, part, dotted := strings.Cut(name, ".")
	a := attrs[strings.ToLower(first)]
	if a == nil {
		return Target{}, false
	}
	t := Target{Ext: ext, Name: a.Name, Attr: a}
	if !dotted {
		return t, true
	}
	if t.Sub = a.Sub[strings.ToLower(part)]; t.Sub == nil {
		return Target{}, false
	}
	t.Part = t.Sub.Name
	return t, true
}

// longestName is how long a name may be, its URN included.
const longestName = 300

func plainName(name string) bool {
	if name == "" || len(name) > longestName || strings.Contains(name, "..") || strings.Contains(name, ":.") || strings.HasSuffix(name, ".") {
		return false
	}
	for _, c := range name {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("$-_.:", c) {
			continue
		}
		return false
	}
	return true
}

// Tidy makes a body canonical: names as the schema writes them, values of its types, keys with dots and URNs put where they belong. What
// only the server sets is left out, and so is what no schema knows, unless it stands under a URN of its own.
func (s *Shape) Tidy(body map[string]any) (map[string]any, error) {
	out := map[string]any{}
	if err := s.checkSchemas(body); err != nil {
		return nil, err
	}
	for _, name := range shortest(body) {
		t, ok := s.Find(name)
		if strings.EqualFold(name, s.URN) {
			m, isMap := body[name].(map[string]any)
			if !isMap {
				return nil, Bad(InvalidValue, "What stands under %s must be an object.", s.URN)
			}
			inner, err := s.Tidy(m)
			if err != nil {
				return nil, err
			}
			maps.Copy(out, inner)
			continue
		}
		if !ok || t.Attr != nil && t.Attr.ReadOnly {
			continue
		}
		if err := s.put(out, t.holding(body[name], name), body[name], name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// shortest gives the keys of an object, "name" before "name.givenName".
func shortest(m map[string]any) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
}

// checkSchemas refuses a body that says to be something else. One that says nothing is taken.
func (s *Shape) checkSchemas(body map[string]any) error {
	for name, v := range body {
		if !strings.EqualFold(name, "schemas") {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return Bad(InvalidSyntax, "\"schemas\" must be a list of URNs.")
		}
		if len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { u, _ := v.(string); return strings.EqualFold(u, s.URN) }) {
			return Bad(InvalidSyntax, "The body says by its \"schemas\" that it is no %s.", s.URN)
		}
	}
	return nil
}

// put sets one value of a body where it belongs.
func (s *Shape) put(out map[string]any, t Target, v any, name string) error {
	if t.Ext != "" && t.Name == "" {
		m, ok := v.(map[string]any)
		if v == nil {
			return nil
		}
		if !ok {
			return Bad(InvalidValue, "What stands under %s must be an object.", t.Ext)
		}
		for _, key := range shortest(m) {
			inner, ok := s.Find(t.Ext + ":" + key)
			if !ok || inner.Attr != nil && inner.Attr.ReadOnly {
				continue
			}
			if inner.Attr == nil {
				inner = Target{Ext: t.Ext, Name: key}
			}
			if err := s.put(out, inner, m[key], t.Ext+":"+key); err != nil {
				return err
			}
		}
		return nil
	}
	tidy, err := tidyValue(t.Leaf(), v, name)
	if err != nil || tidy == nil {
		return err
	}
	at := out
	if t.Ext != "" {
		at = inner(out, t.Ext)
	}
	switch {
	case t.Part == "":
		at[t.Name] = tidy
	case t.Attr != nil && t.Attr.Multi:
		at[t.Name] = []any{map[string]any{t.Part: tidy}}
	default:
		inner(at, t.Name)[t.Part] = tidy
	}
	return nil
}

// inner gives the object under a name, made when it is not there.
func inner(m map[string]any, name string) map[string]any {
	in, ok := m[name].(map[string]any)
	if !ok {
		in = map[string]any{}
		m[name] = in
	}
	return in
}

// tidyValue makes a value fit an attribute; nil says that there is none. An attribute that no schema knows takes any value.
func tidyValue(a *Attr, v any, name string) (any, error) {
	if v == nil || a == nil {
		return v, clean(v)
	}
	if !a.Multi {
		if list, ok := v.([]any); ok && len(list) == 1 {
			v = list[0]
		}
		return tidyOne(a, v, name)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) > mostValues && a.Name != "members" {
		return nil, Bad(TooMany, "%s has more than %d values.", name, mostValues)
	}
	out := make([]any, 0, len(list))
	for _, v := range list {
		one, err := tidyOne(a, v, name)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out = append(out, one)
		}
	}
	return out, nil
}

// mostValues is how many values an attribute may have, members aside.
const mostValues = 200

func tidyOne(a *Attr, v any, name string) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch a.Type {
	case "complex":
		m, ok := v.(map[string]any)
		if !ok { // Entra ID sends the manager as a text
			text, err := textOf(v, name)
			if err != nil || text == "" || a.Sub["value"] == nil {
				if err == nil && text != "" {
					err = Bad(InvalidValue, "%s must be an object.", name)
				}
				return nil, err
			}
			return map[string]any{"value": text}, nil
		}
		out := map[string]any{}
		for key, v := range m {
			sub := a.Sub[strings.ToLower(key)]
			if sub == nil || sub.ReadOnly && a.Name != "members" {
				continue
			}
			tidy, err := tidyValue(sub, v, name+"."+sub.Name)
			if err != nil {
				return nil, err
			}
			if tidy != nil {
				out[sub.Name] = tidy
			}
		}
		if len(out) == 0 {
			return nil, nil
		}
		return out, nil
	case "boolean":
		switch x := v.(type) {
		case bool:
			return x, nil
		case string: // Entra ID sends "True" and "False"
			if b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(x))); err == nil {
				return b, nil
			}
			if x == "" {
				return nil, nil
			}
		}
		return nil, Bad(InvalidValue, "%s must be true or false.", name)
	case "integer", "decimal":
		switch x := v.(type) {
		case json.Number, float64:
			return x, nil
		case string:
			if _, err := strconv.ParseFloat(x, 64); err == nil {
				return json.Number(x), nil
			}
		}
		return nil, Bad(InvalidValue, "%s must be a number.", name)
	}
	return textOf(v, name)
}

func textOf(v any, name string) (string, error) {
	switch x := v.(type) {
	case string:
		return x, clean(x)
	case json.Number:
		return x.String(), nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(x), nil
	}
	return "", Bad(InvalidValue, "%s must be a text.", name)
}

// clean refuses null characters, which no text of the house holds.
func clean(v any) error {
	switch x := v.(type) {
	case string:
		if strings.ContainsRune(x, 0) {
			return Bad(InvalidValue, "Null characters are not allowed.")
		}
	case []any:
		for _, v := range x {
			if err := clean(v); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, v := range x {
			if err := clean(k); err != nil {
				return err
			}
			if err := clean(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// Clone copies a resource, so that changing the copy leaves it alone.
func Clone[T any](v T) T {
	out, _ := clone(v).(T)
	return out
}

func clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, v := range x {
			m[k] = clone(v)
		}
		return m
	case []any:
		l := make([]any, len(x))
		for i, v := range x {
			l[i] = clone(v)
		}
		return l
	}
	return v
}

// List gives the objects of a multi-valued attribute.
func List(res map[string]any, name string) (out []map[string]any) {
	list, _ := res[name].([]any)
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Text gives the text at a name or at a name and its part, "" when there is none.
func Text(res map[string]any, path ...string) string {
	var at any = res
	for _, p := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[p]
	}
	switch x := at.(type) {
	case nil:
		return ""
	case string:
		return x
	default:
		return fmt.Sprint(x)
	}
}
