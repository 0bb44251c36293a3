package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// Use is one object that points at another, and what happens to it when that one goes.
type Use struct {
	App       string `json:"app" is:"required"`
	ModelName string `json:"model_name" is:"required"`
	PK        string `json:"pk" is:"required"`
	Name      string `json:"name" is:"required"`
	Action    string `json:"action" is:"required" enum:"cascade,cascade_many,set_null,set_default"`
}

// targets gives the keys that a ref field of obj points at.
func targets(k *kind.Kind, obj any, f *kind.Field) []string {
	v := k.Value(obj, f)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return nil
		}
		return []string{v.String()}
	case reflect.Int, reflect.Int64:
		return []string{fmt.Sprint(v.Int())}
	case reflect.Slice:
		out := make([]string, 0, v.Len())
		for i := range v.Len() {
			out = append(out, fmt.Sprint(v.Index(i).Interface()))
		}
		return out
	}
	return nil
}

// expand gives the families behind a ref word.
func (s *Store) expand(family string) []string {
	if a, ok := s.aliases[family]; ok {
		return a
	}
	return []string{family}
}

// names gives the ref words that may stand for a family.
func (s *Store) names(family string) []string {
	out := []string{family}
	for alias, fams := range s.aliases {
		for _, f := range fams {
			if f == family {
				out = append(out, alias)
			}
		}
	}
	return out
}

func (tx *Tx) exists(family, pk string) (bool, error) {
	for _, fam := range tx.s.expand(family) {
		seenObject := false
		for _, k := range tx.s.families[fam] {
			var n int
			var err error
			if k.Table != "" {
				err = tx.QueryRow("SELECT count(*) FROM "+quote(k.Table)+" WHERE "+quote(k.PKField().Name)+" = ?", pk).Scan(&n)
			} else if !seenObject {
				seenObject = true
				err = tx.QueryRow(`SELECT count(*) FROM object WHERE pk = ? AND family = ?`, pk, fam).Scan(&n)
			}
			if err != nil {
				return false, err
			}
			if n > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

func (tx *Tx) checkRefs(k *kind.Kind, obj any, bad *fault.Fields) error {
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Ref == nil || f.Computed {
			continue
		}
		for _, dst := range targets(k, obj, f) {
			ok, err := tx.exists(f.Ref.Family, dst)
			if err != nil {
				return err
			}
			if !ok {
				bad.Add(f.Name, fmt.Sprintf("Invalid pk %q - object does not exist.", dst))
			}
		}
	}
	return nil
}

func (tx *Tx) writeRefs(k *kind.Kind, obj any, pk string) error {
	if _, err := tx.Exec(`DELETE FROM ref WHERE src = ?`, pk); err != nil {
		return err
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Ref == nil || !f.Stored() {
			continue
		}
		for _, dst := range targets(k, obj, f) {
			if _, err := tx.Exec(`INSERT INTO ref (src, field, family, dst) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, pk, f.Name, f.Ref.Family, dst); err != nil {
				return err
			}
		}
	}
	return nil
}

// uniques gives the values of k that must be unique in its family: one entry a field or group of fields.
func uniques(k *kind.Kind, obj any) map[string]string {
	out := map[string]string{}
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Unique && f.Stored() {
			if v := flat(k.Value(obj, f)); v != nil && fmt.Sprint(v) != "" {
				out[f.Name] = fmt.Sprint(v)
			}
		}
	}
	for _, group := range k.Unique {
		parts := make([]string, len(group))
		whole := true
		for i, name := range group {
			v := flat(k.Value(obj, k.Field(name)))
			whole = whole && v != nil
			parts[i] = fmt.Sprint(v)
		}
		if whole {
			out[strings.Join(group, ", ")] = strings.Join(parts, "\x1f")
		}
	}
	return out
}

func (tx *Tx) checkUnique(k *kind.Kind, obj any, bad *fault.Fields) error {
	pk := k.PK(obj)
	for field, value := range uniques(k, obj) {
		var n int
		var err error
		if k.Table == "" {
			err = tx.QueryRow(`SELECT count(*) FROM object_unique WHERE family = ? AND field = ? AND value = ? AND pk <> ?`, k.Family.Name, field, value, pk).Scan(&n)
		} else {
			q, args := "SELECT count(*) FROM "+quote(k.Table)+" WHERE "+quote(k.PKField().Name)+" <> ?", []any{pk}
			for name := range strings.SplitSeq(field, ", ") {
				a, cerr := column(flat(k.Value(obj, k.Field(name))))
				if cerr != nil {
					return cerr
				}
				q, args = q+" AND "+quote(name)+" = ?", append(args, a)
			}
			err = tx.QueryRow(q, args...).Scan(&n)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if strings.Contains(field, ", ") {
			bad.Add(fault.NonField, "The fields "+field+" must make a unique set.")
		} else {
			bad.Add(field, "This field must be unique.")
		}
	}
	return nil
}

func (tx *Tx) writeUnique(k *kind.Kind, obj any, pk string) error {
	if _, err := tx.Exec(`DELETE FROM object_unique WHERE pk = ?`, pk); err != nil {
		return err
	}
	for field, value := range uniques(k, obj) {
		if _, err := tx.Exec(`INSERT INTO object_unique (family, field, value, pk) VALUES (?, ?, ?, ?)`, k.Family.Name, field, value, pk); err != nil {
			return err
		}
	}
	return nil
}

type pointer struct{ model, pk, field string }

// pointers gives the objects that point at (family, pk) through ref rows.
func (s *Store) pointers(q querier, family, pk string) ([]pointer, error) {
	names := s.names(family)
	args := []any{pk}
	for _, n := range names {
		args = append(args, n)
	}
	rows, err := q.Query(`SELECT o.kind, o.pk, r.field FROM ref r JOIN object o ON o.pk = r.src WHERE r.dst = ? AND r.family IN (?`+strings.Repeat(", ?", len(names)-1)+`) ORDER BY o.kind, o.name, o.pk`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []pointer
	for rows.Next() {
		var p pointer
		if err := rows.Scan(&p.model, &p.pk, &p.field); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// release deals with everybody who points at an object that goes.
func (tx *Tx) release(k *kind.Kind, pk string) error {
	ps, err := tx.s.pointers(tx, k.Family.Name, pk)
	if err != nil {
		return err
	}
	for _, p := range ps { // whoever refuses does so before anything is touched
		src := tx.s.byModel[p.model]
		if src == nil {
			return fmt.Errorf("store: row of unknown kind %s", p.model)
		}
		if src.Field(p.field).Ref.OnDelete != "protect" {
			continue
		}
		obj, err := tx.Get(src, p.pk)
		if err != nil {
			return err
		}
		return fault.Newf(fault.Conflict, "It is still in use by %s %q. Remove it there first.", strings.ToLower(src.Title), src.Name(obj))
	}
	for _, p := range ps {
		src := tx.s.byModel[p.model]
		if f := src.Field(p.field); f.Ref.OnDelete == "cascade" {
			err = tx.Delete(src, p.pk)
		} else {
			err = tx.letGo(src, f, p.pk, pk)
		}
		if err != nil && !fault.Is(err, fault.NotFound) { // not found: it went already with another object of this cascade
			return err
		}
	}
	return nil
}

// letGo removes dst from a nullable or list reference of src.
func (tx *Tx) letGo(k *kind.Kind, f *kind.Field, src, dst string) error {
	obj, err := tx.Get(k, src)
	if err != nil {
		return err
	}
	old, err := tx.Get(k, src)
	if err != nil {
		return err
	}
	v := k.Value(obj, f)
	if v.Kind() == reflect.Slice {
		keep := reflect.MakeSlice(v.Type(), 0, v.Len())
		for i := range v.Len() {
			if fmt.Sprint(v.Index(i).Interface()) != dst {
				keep = reflect.Append(keep, v.Index(i))
			}
		}
		v.Set(keep)
	} else {
		v.SetZero()
	}
	if err := tx.writeRow(k, obj, false); err != nil {
		return err
	}
	return tx.record(k, obj, old)
}

// UsedBy tells who points at an object and what its deletion would do to them.
func (s *Store) UsedBy(ctx context.Context, k *kind.Kind, pk string) ([]Use, error) {
	q := s.reader(ctx)
	ps, err := s.pointers(q, k.Family.Name, pk)
	if err != nil {
		return nil, err
	}
	out := []Use{}
	for _, p := range ps {
		src := s.byModel[p.model]
		if src == nil {
			continue
		}
		obj, err := s.get(q, src, src.PKField().Name, p.pk)
		if err != nil {
			return nil, err
		}
		out = append(out, use(src, src.Field(p.field), obj))
	}
	for _, src := range s.kinds {
		if src.Table == "" {
			continue
		}
		for i := range src.Fields {
			f := &src.Fields[i]
			if f.Ref == nil || !f.Stored() || !s.leads(f.Ref.Family, k.Family.Name) {
				continue
			}
			objs, err := s.query(q, src, " AND o."+quote(f.Name)+" = ? ORDER BY 1 LIMIT 1000", pk)
			if err != nil {
				return nil, err
			}
			for _, obj := range objs {
				out = append(out, use(src, f, obj))
			}
		}
	}
	return out, nil
}

func (s *Store) leads(word, family string) bool {
	for _, f := range s.expand(word) {
		if f == family {
			return true
		}
	}
	return false
}

func use(k *kind.Kind, f *kind.Field, obj any) Use {
	action := f.Ref.OnDelete
	if action == "protect" { // the published enum has no word for it; the deletion itself says so
		action = "set_default"
	}
	return Use{App: k.App(), ModelName: k.ModelName(), PK: k.PK(obj), Name: k.Name(obj), Action: action}
}

// Assignment is one object that points at another, with what a page shows of it.
type Assignment struct {
	PK              string // the object pointed at
	Field           string // the field that points
	Src, Slug, Name string // who points
	SrcModel        string
}

// Assigned gives everybody in family src who points at an object of family dst.
func (s *Store) Assigned(ctx context.Context, dst, src string) ([]Assignment, error) {
	found, err := s.assigned.Get(s, dst+" "+src, func() ([]Assignment, error) { return s.readAssigned(ctx, dst, src) })
	return slices.Clone(found), err
}

func (s *Store) readAssigned(ctx context.Context, dst, src string) ([]Assignment, error) {
	rows, err := s.db.Query(ctx, `SELECT r.dst, r.field, o.pk, coalesce(o.slug, ''), coalesce(o.name, ''), o.kind FROM ref r JOIN object o ON o.pk = r.src WHERE r.family = ? AND o.family = ? ORDER BY o.name`, dst, src)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Assignment
	for rows.Next() {
		var a Assignment
		if err := rows.Scan(&a.PK, &a.Field, &a.Src, &a.Slug, &a.Name, &a.SrcModel); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
