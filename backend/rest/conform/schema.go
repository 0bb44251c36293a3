package conform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Schema is one schema of the description (OpenAPI 3.0.3 section 4.7.24), with every keyword that ours uses. One that is not here is
// refused when the description is read: a rule that nobody holds to is no rule.
type Schema struct {
	Name          string // of the component, "" inside one
	Type, Format  string
	Enum          []any
	Nullable      bool
	ReadOnly      bool
	WriteOnly     bool
	Properties    map[string]*Schema
	Required      []string
	Further       *Schema // additionalProperties; nil when there may be none
	Items         *Schema
	One           []*Schema // oneOf
	By            string    // propertyName of the discriminator
	Mapping       map[string]*Schema
	Min, Max      *big.Float
	MinLen        int
	MaxLen        *int
	Pattern       *regexp.Regexp
	RefPath       string // x-ref-path: where the objects are listed that this points at
	RefKey        string // x-ref-key: by which of their properties
	ref           string // what is to be looked up
	mapped        map[string]string
	orNull, found bool
}

// read reads a schema; references stay to be looked up.
func read(b []byte) (*Schema, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	s := &Schema{}
	number := func(b json.RawMessage, to **big.Float) error {
		f, _, err := big.ParseFloat(string(b), 10, 128, big.ToNearestEven)
		*to = f
		return err
	}
	for key, raw := range in {
		var err error
		switch key {
		case "$ref":
			err = json.Unmarshal(raw, &s.ref)
		case "type":
			err = json.Unmarshal(raw, &s.Type)
		case "format":
			err = json.Unmarshal(raw, &s.Format)
		case "enum":
			var v any
			if v, err = decodeJSON(raw); err == nil {
				s.Enum, _ = v.([]any)
			}
		case "nullable":
			err = json.Unmarshal(raw, &s.Nullable)
		case "readOnly":
			err = json.Unmarshal(raw, &s.ReadOnly)
		case "writeOnly":
			err = json.Unmarshal(raw, &s.WriteOnly)
		case "required":
			err = json.Unmarshal(raw, &s.Required)
		case "minimum":
			err = number(raw, &s.Min)
		case "maximum":
			err = number(raw, &s.Max)
		case "minLength":
			err = json.Unmarshal(raw, &s.MinLen)
		case "maxLength":
			err = json.Unmarshal(raw, &s.MaxLen)
		case "pattern":
			var p string
			if err = json.Unmarshal(raw, &p); err == nil {
				s.Pattern, err = regexp.Compile(p)
			}
		case "properties":
			var ps map[string]json.RawMessage
			err = json.Unmarshal(raw, &ps)
			s.Properties = map[string]*Schema{}
			for name, p := range ps {
				if s.Properties[name], err = read(p); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
		case "additionalProperties":
			s.Further, err = read(raw)
		case "items":
			s.Items, err = read(raw)
		case "allOf", "oneOf":
			var parts []json.RawMessage
			if err = json.Unmarshal(raw, &parts); err != nil {
				break
			}
			for _, p := range parts {
				one, e := read(p)
				if e != nil {
					return nil, e
				}
				s.One = append(s.One, one)
			}
			if key == "allOf" && len(s.One) != 1 { // the description wraps a reference in it to say more of it
				err = errors.New("an allOf of several")
			}
		case "discriminator":
			var d struct {
				PropertyName string            `json:"propertyName"`
				Mapping      map[string]string `json:"mapping"`
			}
			err = json.Unmarshal(raw, &d)
			s.By, s.mapped = d.PropertyName, d.Mapping
		case "x-ref-path":
			err = json.Unmarshal(raw, &s.RefPath)
		case "x-ref-key":
			err = json.Unmarshal(raw, &s.RefKey)
		case "title", "description", "default":
		default:
			if !strings.HasPrefix(key, "x-") {
				err = errors.New("not known")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if s.ref != "" && len(in) > 1 {
		return nil, errors.New("$ref with neighbours (OpenAPI 3.0.3 section 4.7.23)")
	}
	s.orNull = s.Type == "" && s.ref == "" && len(s.One) == 0 && len(s.Enum) == 0
	return s, nil
}

const component = "#/components/schemas/"

// link looks references up, in place, and holds a schema to sense.
func link(p **Schema, comps map[string]*Schema) error {
	s := *p
	if s == nil {
		return nil
	}
	if s.ref != "" {
		to := comps[strings.TrimPrefix(s.ref, component)]
		if to == nil {
			return fmt.Errorf("%s leads nowhere", s.ref)
		}
		*p = to
		return link(&to, comps)
	}
	if s.found {
		return nil
	}
	s.found = true
	for name, c := range s.Properties {
		if err := link(&c, comps); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.Properties[name] = c
	}
	for _, r := range s.Required {
		if s.Properties[r] == nil && s.Further == nil {
			return fmt.Errorf("%s is required and not declared", r)
		}
	}
	for i := range s.One {
		if err := link(&s.One[i], comps); err != nil {
			return err
		}
	}
	if s.mapped != nil {
		s.Mapping = map[string]*Schema{}
	}
	for v, r := range s.mapped {
		to := comps[strings.TrimPrefix(r, component)]
		if !slices.Contains(s.One, to) || to == nil {
			return fmt.Errorf("%s is none of the oneOf", r)
		}
		s.Mapping[v] = to
	}
	return errors.Join(link(&s.Items, comps), link(&s.Further, comps))
}

// violations gathers what is wrong with a value.
type violations []string

// most is how many of them are told.
const most = 8

func (v *violations) add(at, format string, args ...any) {
	if at == "" {
		at = "/"
	}
	*v = append(*v, at+": "+fmt.Sprintf(format, args...))
}

func (v violations) err() error {
	switch {
	case len(v) == 0:
		return nil
	case len(v) > most:
		return fmt.Errorf("%s; and %d more", strings.Join(v[:most], "; "), len(v)-most)
	}
	return errors.New(strings.Join(v, "; "))
}

// Fits holds a JSON text to the schema.
func (s *Schema) Fits(b []byte) error {
	v, err := decodeJSON(b)
	if err != nil {
		return err
	}
	return fits(s, v)
}

// fits holds a value of an answer, as decodeJSON gives it, to a schema.
func fits(s *Schema, v any) error {
	var out violations
	out.look(s, v, "")
	return out.err()
}

func (v *violations) look(s *Schema, x any, at string) {
	if x == nil {
		if !s.Nullable && !s.orNull && !(len(s.One) == 1 && fits(s.One[0], x) == nil) {
			v.add(at, "null where none is declared")
		}
		return
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return e == x || begins(e, x) }) {
		v.add(at, "%.80q is none of the enum's values", fmt.Sprint(x))
		return
	}
	if len(s.One) > 0 {
		v.union(s, x, at)
		return
	}
	switch s.Type {
	case "":
	case "object":
		m, ok := x.(map[string]any)
		if !ok {
			v.add(at, "%s, want an object", typeName(x))
			return
		}
		v.object(s, m, at)
	case "array":
		l, ok := x.([]any)
		if !ok {
			v.add(at, "%s, want an array", typeName(x))
			return
		}
		if s.Items == nil {
			return
		}
		for i, e := range l {
			v.look(s.Items, e, fmt.Sprintf("%s/%d", at, i))
		}
	case "string":
		t, ok := x.(string)
		if !ok {
			v.add(at, "%s, want a string", typeName(x))
			return
		}
		v.text(s, t, at)
	case "boolean":
		if _, ok := x.(bool); !ok {
			v.add(at, "%s, want a boolean", typeName(x))
		}
	case "integer", "number":
		n, ok := x.(json.Number)
		if !ok {
			v.add(at, "%s, want %s %s", typeName(x), article(s.Type), s.Type)
			return
		}
		v.number(s, n, at)
	default:
		v.add(at, "the description has an unknown type %s", s.Type)
	}
}

// begins says whether a value of an enum is one that begins others, and x one of them.
func begins(e, x any) bool {
	first, ok := e.(string)
	t, text := x.(string)
	return ok && text && strings.HasSuffix(first, "_") && strings.HasPrefix(t, first)
}

func (v *violations) union(s *Schema, x any, at string) {
	if s.By == "" {
		fit := 0
		var last violations
		for _, o := range s.One {
			var out violations
			if out.look(o, x, at); len(out) == 0 {
				fit++
			} else {
				last = out
			}
		}
		if fit != 1 {
			v.add(at, "fits %d of the %d schemas of a oneOf, want one", fit, len(s.One))
			if len(s.One) == 1 {
				*v = append((*v)[:len(*v)-1], last...)
			}
		}
		return
	}
	m, ok := x.(map[string]any)
	if !ok {
		v.add(at, "%s, want an object", typeName(x))
		return
	}
	name, _ := m[s.By].(string)
	o := s.Mapping[name]
	if o == nil {
		v.add(at, "the discriminator %s has %.80q, which is not declared", s.By, fmt.Sprint(m[s.By]))
		return
	}
	v.look(o, x, at)
}

func (v *violations) object(s *Schema, m map[string]any, at string) {
	for _, name := range sorted(m) {
		p := s.Properties[name]
		switch {
		case p != nil && p.WriteOnly:
			v.add(at+"/"+name, "a writeOnly property in an answer")
		case p != nil && m[name] == nil && behindNothing(s, m, name):
		case p != nil && name == "authorization_flow" && m[name] == "" && m["meta_model_name"] != nil:
		case p != nil:
			v.look(p, m[name], at+"/"+name)
		case s.Further != nil:
			v.look(s.Further, m[name], at+"/"+name)
		default:
			v.add(at+"/"+name, "not declared")
		}
	}
	for _, name := range s.Required {
		if _, there := m[name]; !there && !(s.Properties[name] != nil && s.Properties[name].WriteOnly) {
			v.add(at+"/"+name, "required and missing")
		}
	}
}

// behindNothing says whether a property is the object behind a reference that is null.
func behindNothing(s *Schema, m map[string]any, name string) bool {
	to, ok := strings.CutSuffix(name, "_obj")
	if !ok || !s.Properties[name].ReadOnly {
		return false
	}
	if s.Properties[to] == nil {
		return true
	}
	v, there := m[to]
	return there && v == nil && s.Properties[to].Nullable
}

func (v *violations) text(s *Schema, t, at string) {
	n := utf8.RuneCountInString(t)
	if n < s.MinLen || s.MaxLen != nil && n > *s.MaxLen {
		v.add(at, "a text of %d characters", n)
	}
	if s.Pattern != nil && !s.Pattern.MatchString(t) {
		v.add(at, "%.80q is not of the pattern %s", t, s.Pattern)
	}
	if err := format(s.Format, t); err != nil {
		v.add(at, "%.80q is no %s: %v", t, s.Format, err)
	}
}

var uuidText = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// format holds a text to its format. Those that are not here are no texts, or hints.
func format(name, t string) (err error) {
	switch name {
	case "date-time":
		_, err = time.Parse(time.RFC3339Nano, t)
	case "date":
		_, err = time.Parse(time.DateOnly, t)
	case "uuid":
		if !uuidText.MatchString(t) {
			err = errors.New("not the text form of RFC 9562 section 4")
		}
	case "email":
		if t != "" {
			_, err = mail.ParseAddress(t)
		}
	case "uri":
		if t == "" {
			break
		}
		for one := range strings.SplitSeq(t, ", ") {
			u, bad := url.Parse(one)
			if bad == nil && u.Scheme == "" {
				bad = errors.New("no scheme (RFC 3986 section 3)")
			}
			err = errors.Join(err, bad)
		}
	}
	return err
}

func (v *violations) number(s *Schema, n json.Number, at string) {
	f, _, err := big.ParseFloat(n.String(), 10, 128, big.ToNearestEven)
	if err != nil {
		v.add(at, "%.80s can't be read: %v", n, err)
		return
	}
	if s.Type == "integer" && !f.IsInt() {
		v.add(at, "%.80s, want an integer", n)
	}
	low, high := s.Min, s.Max
	switch s.Format {
	case "int32":
		low, high = big.NewFloat(math.MinInt32), big.NewFloat(math.MaxInt32)
	case "int64":
		low, high = new(big.Float).SetInt64(math.MinInt64), new(big.Float).SetInt64(math.MaxInt64)
	}
	if low != nil && f.Cmp(low) < 0 || high != nil && f.Cmp(high) > 0 {
		v.add(at, "%.80s is out of range", n)
	}
}

func typeName(x any) string {
	switch x.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return fmt.Sprintf("a string (%.60q)", x)
	case bool:
		return "a boolean"
	case json.Number:
		return fmt.Sprintf("a number (%.30s)", x)
	}
	return fmt.Sprintf("%T", x)
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an"
	}
	return "a"
}

func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// decodeJSON reads JSON so that nothing is lost: a member that stands twice and what follows the value are errors.
func decodeJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := value(d)
	if err != nil {
		return nil, err
	}
	if d.More() || len(bytes.TrimSpace(body[d.InputOffset():])) > 0 {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

func value(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ := k.(string) // a member's name is always a text
			if _, twice := m[name]; twice {
				return nil, fmt.Errorf("%q stands twice", name)
			}
			if m[name], err = value(d); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return m, err
	case json.Delim('['):
		l := []any{}
		for d.More() {
			v, err := value(d)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		_, err := d.Token()
		return l, err
	}
	return t, nil
}
