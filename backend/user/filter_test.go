package user

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// columns is the dialect of a table of people.
type columns struct{}

func (columns) Column(field string) string  { return `o."` + field + `"` }
func (columns) Contains(expr string) string { return db.Contains(expr) }
func (columns) Pattern(s string) string     { return db.LikePattern(s) }
func (columns) JSON(field, path string) string {
	return db.JSONText(`o."`+field+`"`, path)
}

// people is a database with three people.
func people(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), filepath.Join(t.TempDir(), "gatehouse.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	err = d.Write(context.Background(), func(tx *db.Tx) error {
		for i, attrs := range []string{`{"department":"sales","floor":2,"boss":true,"tags":["a"],"home":{"city":"Ulm"}}`, `{"department":"it","floor":null}`, `{}`} {
			if _, err := tx.Exec(`INSERT INTO users (username, name, is_active, email, attributes, path, type, uuid, password, date_joined) VALUES (?, '', 1, '', ?, 'users', 'internal', ?, '', 0)`,
				fmt.Sprintf("u%d", i), attrs, fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func found(d *db.DB, where string, args []any) (out string, err error) {
	if where == "" {
		where = "1 = 1"
	}
	rows, err := d.Query(context.Background(), `SELECT o.username FROM users o WHERE (`+where+`) ORDER BY 1`, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", err
		}
		out += name + " "
	}
	return strings.TrimSpace(out), rows.Err()
}

func TestAttributeFilter(t *testing.T) {
	d := people(t)
	many := make([]string, 2_000)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":%d`, i, i)
	}
	for _, tt := range []struct{ filter, want, bad string }{
		{`{"department": "sales"}`, "u0", ""}, {`{"floor": 2}`, "u0", ""}, {`{"boss": true}`, "u0", ""}, {`{"boss": false}`, "", ""}, {`{"floor": null}`, "u1 u2", ""}, {`{"home__city": "Ulm"}`, "u0", ""},
		{`{"tags": ["a"]}`, "u0", ""}, {`{"home": {"city":"Ulm"}}`, "u0", ""}, {`{}`, "u0 u1 u2", ""}, {`{"department": "sales", "floor": 3}`, "", ""}, {`{"a\"b'c": 1}`, "", ""}, {`{"": "x"}`, "", ""},
		{`{"department": "x' OR 1=1 --"}`, "", ""}, {`{"x') = 1 OR 1=1 --": 1}`, "", ""}, {`[]`, "", "JSON"}, {`sales`, "", "JSON"}, {`{"a":`, "", "JSON"}, {"{" + strings.Join(many, ",") + "}", "", "No more than"},
	} {
		where, args, err := attributeFilter(tt.filter, columns{})
		if tt.bad != "" {
			if f := fault.As(err); err == nil || !strings.Contains(strings.Join(f.Fields["attributes"], ""), tt.bad) {
				t.Errorf("%.40s: %v", tt.filter, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.filter, err)
			continue
		}
		if got, err := found(d, where, args); err != nil || got != tt.want {
			t.Errorf("%s: %q %v, want %q", tt.filter, got, err, tt.want)
		}
	}
}

// FuzzFilters: whatever a filter of users or groups holds, the answer is rows or a field fault, never an error of SQL.
func FuzzFilters(f *testing.F) {
	for _, s := range []string{`{"department":"sales"}`, `{"a__b":[1,{"c":null}]}`, `{"\u0000":"\u0000"}`, `{"\"":1e308}`, "true", "1,2,x", "u0,u1", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "' OR 1=1 --", "%_\\"} {
		f.Add(s)
	}
	d := people(f)
	list := append(userFilters(), groupFilters()...)
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) > 2_000 {
			return
		}
		for _, fl := range list {
			where, args, err := fl.Where(value, kind.Dialect(columns{}))
			if err != nil {
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%s=%q: %v", fl.Name, value, err)
				}
				continue
			}
			if _, err := found(d, where, args); err != nil && !strings.Contains(err.Error(), "no such column: o.parent") {
				t.Errorf("%s=%q: %v", fl.Name, value, err)
			}
		}
	})
}
