package blueprint

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// isKey says whether a name is one of those by which a kind's primary key is known.
func isKey(k *kind.Kind, name string) bool {
	pk := k.PKField().Name
	return name == "pk" || name == pk || name == k.Family.Param && k.Family.Lookup != name && k.Field(name) == nil
}

// keyText gives a value as the text of a primary key, "" when it can't be one.
func keyText(k *kind.Kind, v any) string {
	text := fmt.Sprint(v)
	switch k.Family.Key {
	case kind.Int:
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n <= 0 {
			return ""
		}
	case kind.UUID:
		if !kind.UUIDText.MatchString(text) {
			return ""
		}
		text = kind.Dashed(text)
	}
	return text
}

// keyValue gives a key as tags give it: a number where the kind's keys are numbers.
func keyValue(k *kind.Kind, pk string) any {
	if k.Family.Key == kind.Int {
		if n, err := strconv.ParseInt(pk, 10, 64); err == nil {
			return n
		}
	}
	return pk
}

// lookup finds the object of an entry: by its key, or by everything else that the identifiers say. given is the key that the file has for
// it. A number says nothing about an object of another house, so it counts only where nothing else is said.
func (w *work) lookup(at *place, k *kind.Kind, find map[string]any) (obj any, given string, err error) {
	var pairs []criterion
	names := make([]string, 0, len(find))
	for name := range find {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !isKey(k, name) {
			pairs = append(pairs, criterion{name, find[name]})
			continue
		}
		if find[name] == nil {
			continue
		}
		if given = keyText(k, find[name]); given == "" {
			return nil, "", fault.Field(name, fmt.Sprintf("%q is no key.", fmt.Sprint(find[name])))
		}
	}
	if given == "" && len(pairs) == 0 {
		return nil, "", fault.Whole("No or invalid identifiers")
	}
	if given != "" && (k.Family.Key != kind.Int || len(pairs) == 0) {
		obj, err := w.tx.Get(k, given)
		if err == nil {
			return obj, given, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return nil, "", err
		}
	}
	if len(pairs) == 0 {
		return nil, given, nil
	}
	rows, err := w.matching(k, pairs, 1)
	if err != nil || len(rows) == 0 {
		return nil, given, err
	}
	return rows[0], given, nil
}

// search answers !Find: the key of the first object that fits and that the caller may look at.
func (w *work) search(n *node, model string, pairs []criterion) (any, *wrong) {
	k := w.r.kind(strings.ToLower(model))
	if k == nil {
		return nil, wrongf(n, "Model %s not allowed", model)
	}
	rows, err := w.matching(k, pairs, 100)
	if err != nil {
		f := fault.As(err)
		if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
			w.broken = err
		}
		return nil, wrongf(n, "!Find: %s", strings.ReplaceAll(f.Error(), "\n", " "))
	}
	for _, obj := range rows {
		err := w.may(k, obj, kind.Retrieve)
		switch {
		case err == nil:
			return keyValue(k, k.PK(obj)), nil
		case fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable):
			w.broken = err
			return nil, wrongf(n, "!Find failed.")
		}
	}
	return nil, nil
}

// suffixes are the ways to compare that a field's name may end with.
var suffixes = map[string]func(have, want string) bool{
	"exact":       func(a, b string) bool { return a == b },
	"iexact":      strings.EqualFold,
	"contains":    strings.Contains,
	"icontains":   func(a, b string) bool { return strings.Contains(strings.ToLower(a), strings.ToLower(b)) },
	"startswith":  strings.HasPrefix,
	"istartswith": func(a, b string) bool { return strings.HasPrefix(strings.ToLower(a), strings.ToLower(b)) },
	"endswith":    strings.HasSuffix,
	"iendswith":   func(a, b string) bool { return strings.HasSuffix(strings.ToLower(a), strings.ToLower(b)) },
}

// test is one condition on an object.
type test func(obj any) bool

// matching gives the objects of a kind that fit all pairs, at most so many, in the order of their keys.
func (w *work) matching(k *kind.Kind, pairs []criterion, most int) ([]any, error) {
	q := store.Query{Filters: url.Values{}, Order: []string{k.PKField().Name}}
	var tests []test
	for _, p := range pairs {
		if isKey(k, p.field) {
			pk := keyText(k, p.value)
			if pk == "" {
				return nil, nil
			}
			q.PKs = []string{pk}
			continue
		}
		t, narrow, err := w.test(k, p)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, nil
		}
		tests = append(tests, t)
		if narrow != "" && q.Where == "" {
			q.Where, q.Args = store.DialectOf(k).Column(p.field)+" = ?", []any{narrow}
		}
	}
	rows, err := w.tx.List(k, q)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, obj := range rows {
		if slices.ContainsFunc(tests, func(t test) bool { return !t(obj) }) {
			continue
		}
		if out = append(out, obj); len(out) == most {
			break
		}
	}
	return out, nil
}

// test makes the condition of one pair; narrow is a text that the column of the field has to be, "" when that can't be said. A nil test
// fits nothing.
func (w *work) test(k *kind.Kind, p criterion) (t test, narrow string, err error) {
	name, path, how := p.field, []string(nil), ""
	f := k.Field(name)
	if f == nil {
		parts := strings.Split(p.field, "__")
		if _, ok := suffixes[parts[len(parts)-1]]; ok && len(parts) > 1 || parts[len(parts)-1] == "isnull" {
			how, parts = parts[len(parts)-1], parts[:len(parts)-1]
		}
		name, path = parts[0], parts[1:]
		f = k.Field(name)
	}
	if f == nil || !f.Stored() || !f.OnWire() || f.Secret || len(path) > 0 && f.Type != "object" && f.Type != "any" {
		return nil, "", fault.Field(p.field, "Invalid identifier field: "+p.field)
	}
	value := func(obj any) any { return dig(plain(k.Value(obj, f)), path) }
	switch {
	case how == "isnull":
		want := truth(p.value)
		return func(obj any) bool { return (value(obj) == nil) == want }, "", nil
	case how != "":
		want, compare := fmt.Sprint(p.value), suffixes[how]
		return func(obj any) bool {
			v := value(obj)
			return v != nil && compare(fmt.Sprint(v), want)
		}, "", nil
	case len(path) > 0:
		return func(obj any) bool { return same(value(obj), plainOf(p.value)) }, "", nil
	case f.Type == "object" || f.Type == "any":
		return func(obj any) bool { return holds(value(obj), plainOf(p.value)) }, "", nil
	}
	want, err := normal(k, f, p.value)
	if err != nil {
		if errors.Is(err, errNothing) {
			return nil, "", nil
		}
		return nil, "", err
	}
	if f.Type == "string" && f.Format != "date-time" {
		narrow, _ = want.(string)
	}
	return func(obj any) bool { return same(value(obj), want) }, narrow, nil
}

// errNothing is a value that no object can have.
var errNothing = errors.New("no such value")

// normal gives a value as the field would hold it.
func normal(k *kind.Kind, f *kind.Field, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	one := *f
	one.ReadOnly, one.Ignored, one.Quiet, one.Blank, one.Enum, one.Max, one.Min = false, false, false, true, nil, nil, nil
	if one.Format == "slug" || one.Format == "email" || one.Format == "uri" {
		one.Format = ""
	}
	obj := k.New()
	if _, err := kind.Decode([]kind.Field{one}, map[string]json.RawMessage{f.Name: raw}, reflect.ValueOf(obj).Elem(), false); err != nil {
		return nil, errNothing
	}
	return plain(k.Value(obj, f)), nil
}

// plain gives the value of a field as JSON would have it.
func plain(v reflect.Value) any { return plainOf(v.Interface()) }

func plainOf(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}

// dig goes down a path of members.
func dig(v any, path []string) any {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// holds says whether a JSON value contains another: every member of a map, every value of a list.
func holds(have, want any) bool {
	switch x := want.(type) {
	case map[string]any:
		m, ok := have.(map[string]any)
		if !ok {
			return false
		}
		for name, v := range x {
			if h, ok := m[name]; !ok || !holds(h, v) {
				return false
			}
		}
		return true
	case []any:
		l, ok := have.([]any)
		if !ok {
			return false
		}
		for _, v := range x {
			if !slices.ContainsFunc(l, func(h any) bool { return holds(h, v) }) {
				return false
			}
		}
		return true
	}
	return same(have, want)
}
