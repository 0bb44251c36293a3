package kind

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

type shared struct {
	PK   string  `json:"pk" is:"readonly"`
	Name string  `json:"name" is:"required"`
	Flow string  `json:"flow" is:"required" ref:"flows"`
	Text string  `json:"text" is:"required"`
	Icon *string `json:"icon" is:"computed"`
}

type special struct {
	shared
	Told  any            `json:"told" is:"readonly,quiet"`
	Maybe map[string]any `json:"maybe" is:"nullable"`
}

// A kind may lack or loosen fields of the part that it shares, and take what its description does not name.
func TestAdapted(t *testing.T) {
	t.Parallel()
	k := Of[special](&Family{Name: "x", Param: "u"}, Spec{Model: "a.b", Without: []string{"flow", "icon"}, Optional: []string{"text"}}, nil)
	for name, want := range map[string][3]bool{"flow": {false, false, false}, "icon": {false, false, false}, "text": {true, true, false}, "name": {true, true, true}, "told": {true, true, false}} {
		f := k.Field(name)
		if got := [3]bool{f.OnWire(), f.InBody(), f.Required}; got != want {
			t.Errorf("%s: on the wire, in bodies, required %v, want %v", name, got, want)
		}
	}
	s := k.New().(*special)
	unknown, err := Decode(k.Fields, map[string]json.RawMessage{"name": []byte(`"n"`), "text": []byte(`""`), "flow": []byte(`"f"`), "told": []byte(`"me"`)}, reflect.ValueOf(s).Elem(), true)
	if err != nil || len(unknown) != 0 || s.Flow != "" || s.Told != "me" || s.Maybe != nil {
		t.Errorf("%+v %v %v", s, unknown, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a field that is not there was left out")
		}
	}()
	Of[special](&Family{Name: "x", Param: "u"}, Spec{Model: "a.b", Without: []string{"nothing"}}, nil)
}

type plain struct{}

func (plain) Column(field string) string     { return "o." + field }
func (plain) Contains(expr string) string    { return expr + " LIKE ?" }
func (plain) Pattern(s string) string        { return "%" + s + "%" }
func (plain) JSON(field, path string) string { return field + "->" + path }

func TestFilterHelpers(t *testing.T) {
	t.Parallel()
	const id = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
	for _, tt := range []struct {
		f     Filter
		value string
		sql   string
		args  []any
		bad   string
	}{
		{IExact("name", "string"), "A", "lower(o.name) = lower(?)", []any{"A"}, ""},
		{IExact("n", "integer"), "5", "o.n = ?", []any{int64(5)}, ""}, {IExact("n", "integer"), "x", "", nil, "Enter a number."},
		{IExact("b", "boolean"), "True", "coalesce(o.b, 0) = ?", []any{1}, ""}, {IExact("b", "boolean"), "maybe", "", nil, "Must be a valid boolean."},
		{IContains("name"), "a", "o.name LIKE ?", []any{"%a%"}, ""},
		{Is("type"), "x", "o.type = ?", []any{"x"}, ""},
		{AnyOf("managed"), "a,b", "o.managed IN (?, ?)", []any{"a", "b"}, ""},
		{UUIDIs("pm_uuid", "pk"), id, "o.pk = ?", []any{strings.ToLower(id)}, ""}, {UUIDIs("pm_uuid", "pk"), "x", "", nil, "Enter a valid UUID."},
		{At("c__name", "", "c", "object", Same("x.name")), "A", "o.c IN (SELECT x.pk FROM object x WHERE lower(x.name) = lower(?))", []any{"A"}, ""},
		{At("c__uuid", "uuid", "c", "object", "x.pk = ?"), "x", "", nil, "Enter a valid UUID."},
		{At("c__uuid", "uuid", "c", "object", "x.pk = ?"), id, "o.c IN (SELECT x.pk FROM object x WHERE x.pk = ?)", []any{strings.ToLower(id)}, ""},
		{ListIs("p", "providers", "integer"), "1,2", "EXISTS (SELECT 1 FROM ref x WHERE x.src = o.pk AND x.field = ? AND x.dst IN (?, ?))", []any{"providers", "1", "2"}, ""},
	} {
		sql, args, err := tt.f.Where(tt.value, plain{})
		if tt.bad != "" {
			if err == nil || fault.As(err).Fields[tt.f.Name] == nil || fault.As(err).Fields[tt.f.Name][0] != tt.bad {
				t.Errorf("%s=%s: %v", tt.f.Name, tt.value, err)
			}
			continue
		}
		if err != nil || sql != tt.sql || !reflect.DeepEqual(args, tt.args) {
			t.Errorf("%s=%s: %s %v %v", tt.f.Name, tt.value, sql, args, err)
		}
	}
}
