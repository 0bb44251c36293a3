// Package sheet takes objects out as CSV and in again: with a preview of each line, and all of them or none.
//
//	file ─▶ parse ▸ names to keys ▸ one transaction: each line created, changed or left, checked as by itself ─▶ commit
//	                                                                          └─ preview, or one line refused ─▶ nothing happened
//	rows ─▶ cells, formulas defused ─▶ stream
//
// What a sheet is made of stands in Sheets; nothing else here knows a kind.
package sheet

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Sheet is a kind as a table.
type Sheet struct {
	Name    string // in the address
	Model   string
	Key     string   // the column that names an object
	Columns []string // fields; references are told by name
	Tree    string   // the field that points at an object of the same kind; with Key it tells objects apart
	Lean    url.Values
}

// Sheets are what can be taken out and in.
var Sheets = []Sheet{
	{Name: "users", Model: "authentik_core.user", Key: "username", Columns: []string{"username", "name", "email", "is_active", "type", "path", "groups", "attributes"}, Lean: url.Values{"include_groups": {"false"}}},
	{Name: "groups", Model: "authentik_core.group", Key: "name", Columns: []string{"name", "parent", "is_superuser", "attributes"}, Tree: "parent", Lean: url.Values{"include_users": {"false"}}},
}

// Guard says what the caller may do and look at.
type Guard interface {
	Allowed(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error
	Reach(ctx context.Context, k *kind.Kind) (q store.Query, ok bool, err error)
}

// Room takes out and in.
type Room struct {
	Store *store.Store
	Guard Guard
}

// separator stands between the names of a list in a cell.
const separator = "|"

// list writes names into one cell; names that hold the separator make it a JSON list.
func list(names []string) string {
	if slices.ContainsFunc(names, func(n string) bool {
		return strings.Contains(n, separator) || strings.HasPrefix(n, "[") || strings.TrimSpace(n) != n
	}) {
		b, _ := json.Marshal(names) // texts never fail
		return string(b)
	}
	return strings.Join(names, separator)
}

// unlist reads the names out of a cell.
func unlist(cell string) ([]string, error) {
	if strings.HasPrefix(strings.TrimSpace(cell), "[") {
		var out []string
		if json.Unmarshal([]byte(cell), &out) != nil {
			return nil, fault.New(fault.Invalid, `Put "|" between the names, or write them as a JSON list.`)
		}
		return out, nil
	}
	out := []string{}
	for n := range strings.SplitSeq(cell, separator) {
		if n = strings.TrimSpace(n); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// step is how many rows an export reads at once.
const step = 1_000

// Export writes every object of a sheet that the caller may look at. begin is called once when nothing stands in the way any more.
func (r *Room) Export(ctx context.Context, s Sheet, w io.Writer, begin func()) error {
	k := r.Store.Kind(s.Model)
	q, ok, err := r.Guard.Reach(ctx, k)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Denied, "You do not have permission to perform this action.")
	}
	begin()
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180 section 2
	if err := out.Write(s.Columns); err != nil {
		return err
	}
	named := map[string]map[string]string{} // by family: key to name
	for last := any(nil); ; {
		rows, next, err := r.Store.Step(ctx, k, q, last, step)
		if err != nil {
			return err
		}
		if k.Present != nil && len(rows) > 0 {
			if err := k.Present(ctx, rows, s.Lean); err != nil {
				return err
			}
		}
		for _, obj := range rows {
			rec := make([]string, len(s.Columns))
			for i, c := range s.Columns {
				cell, err := r.cell(ctx, k, k.Field(c), obj, named)
				if err != nil {
					return err
				}
				rec[i] = defuse(cell)
			}
			if err := out.Write(rec); err != nil {
				return err
			}
		}
		out.Flush()
		if err := out.Error(); err != nil || next == nil {
			return err
		}
		last = next
	}
}

// cell writes a value; references by name.
func (r *Room) cell(ctx context.Context, k *kind.Kind, f *kind.Field, obj any, named map[string]map[string]string) (string, error) {
	v := k.Value(obj, f)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", nil
		}
		v = v.Elem()
	}
	if f.Ref == nil {
		switch v.Kind() {
		case reflect.String:
			return v.String(), nil
		case reflect.Bool:
			return strconv.FormatBool(v.Bool()), nil
		}
		b, err := json.Marshal(v.Interface())
		if string(b) == "null" {
			b = []byte("{}")
		}
		return string(b), err
	}
	var pks []string
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			pks = append(pks, fmt.Sprint(v.Index(i).Interface()))
		}
	} else {
		pks = []string{v.String()}
	}
	names := make([]string, 0, len(pks))
	for _, pk := range pks {
		name, err := r.name(ctx, f.Ref.Family, pk, named)
		if err != nil {
			return "", err
		}
		if name != "" {
			names = append(names, name)
		}
	}
	if v.Kind() == reflect.Slice {
		slices.Sort(names)
		return list(names), nil
	}
	return strings.Join(names, ""), nil
}

func (r *Room) name(ctx context.Context, family, pk string, named map[string]map[string]string) (string, error) {
	if named[family] == nil {
		named[family] = map[string]string{}
	}
	if n, ok := named[family][pk]; ok {
		return n, nil
	}
	k, obj, err := r.Store.GetIn(ctx, family, pk)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	named[family][pk] = k.Name(obj)
	return named[family][pk], nil
}
