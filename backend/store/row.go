package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

var timeType = reflect.TypeFor[time.Time]()

// quote makes a name safe as an SQL identifier; names come from our own structs only.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// dialect gives a kind's expressions to list filters.
type dialect struct {
	k *kind.Kind
}

// DialectOf gives the SQL for a kind's fields, for rooms that build conditions on alias o.
func DialectOf(k *kind.Kind) kind.Dialect { return dialect{k} }

// Column implements kind.Dialect.
func (d dialect) Column(field string) string {
	if d.k.Table != "" {
		return "o." + quote(field)
	}
	switch field {
	case "name", "slug", "managed":
		return "o." + field
	case d.k.PKField().Name:
		return "o.pk"
	}
	return db.JSONText("o.body", field)
}

// JSON implements kind.Dialect.
func (d dialect) JSON(field, path string) string {
	if d.k.Table != "" {
		return db.JSONText("o."+quote(field), path)
	}
	return db.JSONText("o.body", field+"."+path)
}

// Contains implements kind.Dialect.
func (d dialect) Contains(expr string) string { return db.Contains(expr) }

// Pattern implements kind.Dialect.
func (d dialect) Pattern(s string) string { return db.LikePattern(s) }

// flat turns a Go value into what a column or a JSON body holds: times as microseconds UTC, nil for a nil pointer.
func flat(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.Type() == timeType {
		t := v.Interface().(time.Time)
		if t.IsZero() {
			return nil
		}
		return t.UnixMicro()
	}
	return v.Interface()
}

// seal replaces a secret by its sealed text, bound to kind, key and field.
func (s *Store) seal(k *kind.Kind, pk string, f *kind.Field, plain string) (string, error) {
	if plain == "" {
		return "", nil
	}
	return s.key.Seal([]byte(plain), k.Model, pk, f.Name)
}

// plainText gives what is sealed of a secret: a text as it is, anything else as JSON.
func plainText(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// sealedJSON says whether a secret is kept as the seal of its JSON.
func sealedJSON(f *kind.Field) bool {
	return f.Secret && (f.GoType.Kind() == reflect.Map || f.GoType.Kind() == reflect.Slice)
}

// openJSON reads a secret that is no text out of its seal; an empty one leaves v as it is.
func (s *Store) openJSON(k *kind.Kind, obj any, f *kind.Field, sealed string) error {
	if sealed == "" {
		return nil
	}
	plain, err := s.key.Open(sealed, k.Model, k.PK(obj), f.Name)
	if err != nil {
		return fault.Wrap(fault.Internal, unopened, err)
	}
	v := k.Value(obj, f)
	v.SetZero() // or the defaults would shine through
	return json.Unmarshal(plain, v.Addr().Interface())
}

// unopened is said of a secret that was sealed with another key.
const unopened = "A stored secret can't be opened with this key file. Restore the key that belongs to this database."

// secretIndex is the member of a body that lets a filter find a secret without opening it.
func secretIndex(field string) string { return field + "#" }

// SecretIndex gives the keyed hash by which a secret field of a kind is found.
func (s *Store) SecretIndex(k *kind.Kind, field, value string) string {
	return s.key.Index(k.Model+"."+field, value)
}

// values gives the stored fields of obj by name, secrets sealed.
func (s *Store) values(k *kind.Kind, obj any) (map[string]any, error) {
	pk := k.PK(obj)
	out := make(map[string]any, len(k.Fields)+1)
	for i := range k.Fields {
		f := &k.Fields[i]
		if !f.Stored() {
			continue
		}
		v := flat(k.Value(obj, f))
		if f.Secret {
			plain, err := plainText(v)
			if err != nil {
				return nil, err
			}
			sealed, err := s.seal(k, pk, f, plain)
			if err != nil {
				return nil, err
			}
			v = sealed
			if plain != "" && k.Table == "" {
				out[secretIndex(f.Name)] = s.SecretIndex(k, f.Name, plain)
			}
		}
		out[f.Name] = v
	}
	return out, nil
}

// column turns a flat value into an argument of a column.
func column(v any) (any, error) {
	switch x := v.(type) {
	case nil, string, int64, float64:
		return v, nil
	case int:
		return int64(x), nil
	case bool:
		if x {
			return int64(1), nil
		}
		return int64(0), nil
	case json.RawMessage:
		return string(x), nil
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.String:
		return rv.String(), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return rv.Int(), nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// keyed is an object that had no key before.
type keyed struct {
	k   *kind.Kind
	obj any
}

func (tx *Tx) giveKey(k *kind.Kind, obj any) error {
	v := k.Value(obj, k.PKField())
	if !v.IsZero() {
		return nil
	}
	*tx.keyed = append(*tx.keyed, keyed{k, obj})
	if v.Kind() == reflect.String {
		v.SetString(crypt.UUID())
		return nil
	}
	if k.Table != "" {
		return nil // the table's AUTOINCREMENT gives it
	}
	n, err := tx.Next(k.Family.Name)
	if err != nil {
		return err
	}
	v.SetInt(n)
	return nil
}

// Next gives the next number of a sequence; a number is never given twice.
func (tx *Tx) Next(name string) (int64, error) {
	if _, err := tx.Exec(`INSERT INTO sequence (name, n) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1`, name); err != nil {
		return 0, err
	}
	var n int64
	err := tx.QueryRow(`SELECT n FROM sequence WHERE name = ?`, name).Scan(&n)
	return n, err
}

func (tx *Tx) writeRow(k *kind.Kind, obj any, create bool) error {
	vals, err := tx.s.values(k, obj)
	if err != nil {
		return err
	}
	if k.Table != "" {
		return tx.writeTable(k, obj, vals, create)
	}
	return tx.writeObject(k, obj, vals, create)
}

func (tx *Tx) writeObject(k *kind.Kind, obj any, vals map[string]any, create bool) error {
	pk := k.PK(obj)
	delete(vals, k.PKField().Name)
	body, err := json.Marshal(vals)
	if err != nil {
		return err
	}
	text := func(name string) any {
		s, ok := vals[name].(string)
		if !ok || (s == "" && name != "name") {
			return nil
		}
		return s
	}
	now := tx.Now.UnixMicro()
	if create {
		_, err = tx.Exec(`INSERT INTO object (pk, family, kind, name, slug, managed, body, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			pk, k.Family.Name, k.Model, text("name"), text("slug"), text("managed"), string(body), now, now)
	} else {
		_, err = tx.Exec(`UPDATE object SET name = ?, slug = ?, managed = ?, body = ?, updated = ? WHERE pk = ?`,
			text("name"), text("slug"), text("managed"), string(body), now, pk)
	}
	if err != nil {
		return err
	}
	if err := tx.writeUnique(k, obj, pk); err != nil {
		return err
	}
	return tx.writeRefs(k, obj, pk)
}

func (tx *Tx) writeTable(k *kind.Kind, obj any, vals map[string]any, create bool) error {
	pkf := k.PKField()
	var cols, marks []string
	var args []any
	for i := range k.Fields {
		f := &k.Fields[i]
		if !f.Stored() || f.Name == pkf.Name {
			continue
		}
		a, err := column(vals[f.Name])
		if err != nil {
			return err
		}
		cols, marks, args = append(cols, quote(f.Name)), append(marks, "?"), append(args, a)
	}
	pv := k.Value(obj, pkf)
	if create {
		if pv.Kind() == reflect.String || pv.Int() != 0 {
			cols, marks, args = append(cols, quote(pkf.Name)), append(marks, "?"), append(args, pv.Interface())
		}
		res, err := tx.Exec("INSERT INTO "+quote(k.Table)+" ("+strings.Join(cols, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
		if err != nil {
			return err
		}
		if pv.Kind() != reflect.String && pv.Int() == 0 {
			n, err := res.LastInsertId()
			if err != nil {
				return err
			}
			pv.SetInt(n)
			for i := range k.Fields {
				if k.Fields[i].Secret { // what was sealed is bound to the key, which is known only now
					return tx.writeRow(k, obj, false)
				}
			}
		}
		return nil
	}
	for i := range cols {
		cols[i] += " = ?"
	}
	_, err := tx.Exec("UPDATE "+quote(k.Table)+" SET "+strings.Join(cols, ", ")+" WHERE "+quote(pkf.Name)+" = ?", append(args, pv.Interface())...)
	return err
}

func (tx *Tx) dropRow(k *kind.Kind, pk string) error {
	tx.changed(k)
	if k.Table != "" {
		_, err := tx.Exec("DELETE FROM "+quote(k.Table)+" WHERE "+quote(k.PKField().Name)+" = ?", pk)
		return err
	}
	_, err := tx.Exec(`DELETE FROM object WHERE pk = ?`, pk) // object_unique and ref rows go with it
	return err
}

// columns is the select list for rows of k, in the order that scan expects.
func columns(k *kind.Kind) string {
	if k.Table == "" {
		return "o.pk, o.body"
	}
	var b strings.Builder
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Stored() {
			if b.Len() > 0 {
				b.WriteString(", ")
			}
			b.WriteString("o." + quote(f.Name))
		}
	}
	return b.String()
}

func from(k *kind.Kind) string {
	always := k.Where
	if always == "" {
		always = "1 = 1"
	}
	if k.Table == "" {
		return " FROM object o WHERE o.kind = ? AND " + always
	}
	return " FROM " + quote(k.Table) + " o WHERE " + always
}

func fromArgs(k *kind.Kind) []any {
	if k.Table == "" {
		return []any{k.Model}
	}
	return nil
}

// scan reads one row made by columns into a fresh *T; further columns go into more.
func (s *Store) scan(k *kind.Kind, rows *sql.Rows, more ...any) (any, error) {
	obj := k.New()
	if k.Table == "" {
		var pk, body string
		if err := rows.Scan(append([]any{&pk, &body}, more...)...); err != nil {
			return nil, err
		}
		return obj, s.fill(k, obj, pk, body)
	}
	n := 0
	for i := range k.Fields {
		if k.Fields[i].Stored() {
			n++
		}
	}
	cells, ptrs := make([]any, n), make([]any, n)
	for i := range cells {
		ptrs[i] = &cells[i]
	}
	if err := rows.Scan(append(ptrs, more...)...); err != nil {
		return nil, err
	}
	var secrets []*kind.Field
	sealed := map[*kind.Field]any{} // read when the key is known
	c := 0
	for i := range k.Fields {
		f := &k.Fields[i]
		if !f.Stored() {
			continue
		}
		if sealedJSON(f) {
			sealed[f], c = cells[c], c+1
			continue
		}
		if err := setCell(k.Value(obj, f), cells[c]); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", k.Model, f.Name, err)
		}
		if f.Secret {
			secrets = append(secrets, f)
		}
		c++
	}
	for _, f := range secrets {
		if err := s.open(k, obj, f); err != nil {
			return nil, err
		}
	}
	for f, cell := range sealed {
		text, _ := cell.(string)
		if err := s.openJSON(k, obj, f, text); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// fill decodes the JSON body of an object row. Fields that the body lacks keep their defaults: that is how a new field reads old rows.
func (s *Store) fill(k *kind.Kind, obj any, pk, body string) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return fmt.Errorf("%s %s: %w", k.Model, pk, err)
	}
	pv := k.Value(obj, k.PKField())
	if pv.Kind() == reflect.String {
		pv.SetString(pk)
	} else {
		n, err := strconv.ParseInt(pk, 10, 64)
		if err != nil {
			return fmt.Errorf("%s %s: %w", k.Model, pk, err)
		}
		pv.SetInt(n)
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		raw, ok := m[f.Name]
		if !ok || !f.Stored() {
			continue
		}
		v := k.Value(obj, f)
		if sealedJSON(f) {
			var sealed string
			if err := json.Unmarshal(raw, &sealed); err != nil {
				return err
			}
			if err := s.openJSON(k, obj, f, sealed); err != nil {
				return err
			}
			continue
		}
		if f.Format == "date-time" {
			var n *int64
			if err := json.Unmarshal(raw, &n); err != nil {
				return err
			}
			var cell any
			if n != nil {
				cell = *n
			}
			if err := setCell(v, cell); err != nil {
				return err
			}
			continue
		}
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			return fmt.Errorf("%s %s %s: %w", k.Model, pk, f.Name, err)
		}
		if f.Secret {
			if err := s.open(k, obj, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// open replaces a sealed text in obj by the secret.
func (s *Store) open(k *kind.Kind, obj any, f *kind.Field) error {
	v := k.Value(obj, f)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.String() == "" {
		return nil
	}
	plain, err := s.key.Open(v.String(), k.Model, k.PK(obj), f.Name)
	if err != nil {
		return fault.Wrap(fault.Internal, unopened, err)
	}
	v.SetString(string(plain))
	return nil
}

// setCell writes what a driver gave into a Go value.
func setCell(v reflect.Value, cell any) error {
	if cell == nil {
		if v.Kind() == reflect.Pointer || v.Type() == timeType {
			v.SetZero()
		}
		return nil
	}
	if v.Kind() == reflect.Pointer {
		n := reflect.New(v.Type().Elem())
		if err := setCell(n.Elem(), cell); err != nil {
			return err
		}
		v.Set(n)
		return nil
	}
	if v.Type() == timeType {
		n, ok := cell.(int64)
		if !ok {
			return fmt.Errorf("no time: %T", cell)
		}
		v.Set(reflect.ValueOf(time.UnixMicro(n).UTC()))
		return nil
	}
	switch v.Kind() {
	case reflect.Interface: // a key in whose place answers show the object
		v.Set(reflect.ValueOf(cell))
	case reflect.String:
		switch x := cell.(type) {
		case string:
			v.SetString(x)
		case []byte:
			v.SetString(string(x))
		case int64:
			v.SetString(strconv.FormatInt(x, 10))
		default:
			return fmt.Errorf("no text: %T", cell)
		}
	case reflect.Bool:
		n, ok := cell.(int64)
		if !ok {
			return fmt.Errorf("no boolean: %T", cell)
		}
		v.SetBool(n != 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, ok := cell.(int64)
		if !ok {
			return fmt.Errorf("no number: %T", cell)
		}
		v.SetInt(n)
	case reflect.Float64:
		switch x := cell.(type) {
		case float64:
			v.SetFloat(x)
		case int64:
			v.SetFloat(float64(x))
		default:
			return fmt.Errorf("no number: %T", cell)
		}
	default:
		var b []byte
		switch x := cell.(type) {
		case string:
			b = []byte(x)
		case []byte:
			b = x
		default:
			return fmt.Errorf("no JSON: %T", cell)
		}
		if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
			v.SetZero()
		}
		return json.Unmarshal(b, v.Addr().Interface())
	}
	return nil
}

// diff tells which fields differ; secrets are masked, unstored fields are left out.
func diff(k *kind.Kind, old, obj any) map[string]Values {
	out := map[string]Values{}
	for i := range k.Fields {
		f := &k.Fields[i]
		if !f.Stored() || f.Name == "last_updated" {
			continue
		}
		a, b := flat(k.Value(old, f)), flat(k.Value(obj, f))
		if reflect.DeepEqual(a, b) {
			continue
		}
		if f.Secret || f.Hidden {
			a, b = mask, mask
		}
		out[f.Name] = Values{a, b}
	}
	return out
}

// mask stands for a secret in events (flows.md 5.3).
const mask = "********************"

func derefType(obj any) reflect.Type { return reflect.TypeOf(obj).Elem() }
