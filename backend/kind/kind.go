// Package kind turns one Go struct into everything the doors need to know of it: fields, schema, permissions, references, form hints.
//
//	struct + tags ──Of──▶ Kind{Family, Spec, Fields} ──▶ rest (routes, OpenAPI), store (columns, refs), rbac (codenames), admin form
//
// Tags, all optional but json:
//
//	json:"name"            the name on the wire and in storage; "-" hides the field from everybody
//	is:"a,b"               required readonly writeonly secret unique search hidden computed virtual blank nofilter ignored quiet raw omitempty nullable notnull (see Field)
//	enum:"a,b"             the allowed values
//	default:"v"            the value of an absent field on create
//	ref:"flows cascade"    points at an object of family flows by key; on its deletion: cascade, set_null, protect; a list loses the entry
//	format:"duration"      duration, uri, email, slug, uuid, date-time, int64, expression
//	max:"50" min:"1"       length of a text, value of a number
//	help:"…" group:"…"     one sentence for people; "advanced" folds the field in the form
//	schema:"User"          the published component of a nested object; "User[]" for a list of them
//
//	type:"any"             the type on the wire when it is not what the Go type says
//
// A pointer field is nullable. Embedded structs are walked first, so that base fields lead.
package kind

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Key says what the primary key of a family looks like on the wire.
type Key int

// The key shapes.
const (
	UUID Key = iota // a version 4 UUID in text form
	Int             // a number that is never given twice
	Text            // whatever the other side calls it
)

// Family is a shelf of kinds that share keys, names and a base URL ("stages", "policies", "users").
type Family struct {
	Name   string // the word that ref tags use
	Key    Key
	Lookup string // the field that detail URLs use: "pk" (default), "slug" or "identifier"
	Param  string // the name of the URL parameter: "stage_uuid"
	All    string // path of the collection over all kinds ("stages/all"), "" when the family has none; see Kind.IsBase
	Title  string // for people: "stage"
	Typed  bool   // answers carry component, verbose_name(_plural) and meta_model_name
}

// Verb is what a caller may do with a collection; a Kind offers a set of them.
type Verb int

// The verbs; the zero set of a Spec means all of them.
const (
	List Verb = 1 << iota
	Create
	Retrieve
	Update // PUT and PATCH
	Delete
	UsedBy
	AllVerbs = List | Create | Retrieve | Update | Delete | UsedBy
)

// Spec is what reflection can't see of a kind.
type Spec struct {
	Path      string // below /api/v3/, without slashes at the ends: "stages/authenticator/totp"
	Model     string // "authentik_stages_deny.denystage": app label and model name of the published permissions and events
	Schema    string // "DenyStage": the name in the published OpenAPI
	Title     string // "Deny Stage"
	Plural    string // Title+"s" when empty
	Component string // the published name of the admin form: "ak-stage-deny-form"
	About     string // one sentence
	Verbs     Verb   // 0 = all
	Order     []string
	Table     string // "" = the object table; else a table of its own with one column a stored field
	Indexed   bool   // the search fields of Table stand in a full-text index beside it, TABLE_search
	Outside   string // with Indexed: the SQL condition on alias o for the few rows that Where leaves out and the index has; "" = none
	Where     string // a condition that every row of the kind fulfils, on alias o; "" = all
	Tie       string // what orders rows that are otherwise equal, on alias o; "" = the primary key
	// Serial is a field that rises with the rows as they come, SerialColumn what to order by in its place (with Tie the same, downwards).
	Serial, SerialColumn string
	Unique               [][]string // fields that must be unique together
	Owner                string     // the field that holds the owning user's pk: owners may see, change and delete their own without a permission
	OwnerOnly            bool       // nobody but the owner reaches an object here, not even an admin: those have the twin
	ListAll              bool       // with OwnerOnly: who may view all objects finds them in the list
	Twin                 *Twin      // the objects once more at another path
	Actions              []Action
	Filters              []Filter  // filters besides the scalar fields
	By                   []string  // the fields that the list is filtered by; nil = all scalar ones, of a base kind none
	Without              []string  // fields of the shared part that this kind does not have: stored empty, never on the wire
	Optional             []string  // texts of the shared part that need not be there and may be blank
	Plain                bool      // answers carry no type although those of the family do
	Open                 Verb      // what everybody who is signed in may do
	PageMax              int       // the longest page; 0 = that of the house
	View                 bool      // shows objects of another kind with the same Model in another shape; the store has no rows of it
	OwnerMay             Verb      // what owners may do with their own objects; 0 = everything that the kind offers
	Variants             []Variant // what the published types list shows in the place of this kind
	Params               []Param   // list parameters that change the answer and filter nothing; Present gets them

	Unlisted bool // the published description names no security of its operations; they are guarded all the same

	Enterprise bool // the published types list marks it so
	Trial      bool // for trying things out: the published types list leaves it out

	// Reveal says whether the caller sees the secrets of an object although they may not change it. nil = no.
	Reveal func(ctx context.Context, obj any) (bool, error)

	// Visible opens the list to everybody who is signed in and leaves of a page what the caller may see; nil = permissions decide.
	Visible func(ctx context.Context, rows []any, query url.Values) ([]any, error)

	// Count tells how many rows a list has when that is kept elsewhere; ok is false when it has to be counted. nil = count.
	Count func(ctx context.Context, filters url.Values, search string) (n int, ok bool, err error)
	// Seek turns a far offset of the unfiltered list in its own order into a condition and a small offset. nil = use the offset.
	Seek func(ctx context.Context, offset int) (cond string, args []any, rest int, err error)

	// Present fills the computed and virtual fields of one page of rows (each a *T), in as few queries as it can.
	Present func(ctx context.Context, rows []any, query url.Values) error
}

// Variant is a sort of objects of one kind that people choose as if it were a kind.
type Variant struct{ Title, About, ModelName string }

// Twin is a second collection over the objects of a kind, for admins: there is no owner there, permissions decide.
type Twin struct {
	Path  string
	Verbs Verb
}

// AsTwin gives the kind as its twin's collection sees it.
func (k *Kind) AsTwin() *Kind {
	t := *k
	t.Path, t.Verbs, t.Owner, t.OwnerOnly, t.Twin, t.Actions = k.Twin.Path, k.Twin.Verbs, "", false, nil, nil
	return &t
}

// Filter is a list filter that is no plain equality with a field.
type Filter struct {
	Name   string
	Type   string // OpenAPI type: string, integer, boolean, array
	Items  string // type of the elements of an array; "" = string
	Format string // of the value or of an array's elements
	Enum   []string
	// Required filters have to be in every request for the list.
	Required bool
	Where    func(value string, dialect Dialect) (sql string, args []any, err error)
}

// Dialect gives the SQL for what databases disagree on; store hands it to filters.
type Dialect interface {
	// Column is the expression for a stored field by its JSON name.
	Column(field string) string
	// Contains is a case-insensitive "contains" test of expr against one bound pattern made by Pattern.
	Contains(expr string) string
	Pattern(s string) string
	// JSON is the expression for a member of a JSON field; path is dotted.
	JSON(field, path string) string
}

// Ref points at objects of a family.
type Ref struct {
	Family   string
	OnDelete string // cascade, set_null, protect; for lists: cascade_many
	List     bool
}

// Field is one member of a kind as the doors see it.
type Field struct {
	Name     string
	Index    []int
	GoType   reflect.Type
	Type     string // string, integer, number, boolean, array, object, any
	Items    string // type of the elements of an array
	Format   string
	Help     string
	Group    string
	Enum     []string
	Default  string
	HasDef   bool
	Ref      *Ref
	Min, Max *float64

	Required  bool // must be in the body of a create or PUT
	Nullable  bool // may be null
	ReadOnly  bool // set by the house, ignored in bodies
	WriteOnly bool // taken from bodies, never shown
	Secret    bool // sealed at rest; shown only to who may change the object, else ""
	Unique    bool
	Search    bool // the search parameter looks here
	Hidden    bool // stored, never on the wire
	Computed  bool // on the wire, not stored, filled by Present
	Virtual   bool // in bodies and answers, kept elsewhere by the kind's own hooks; nil on a save means: leave it
	Blank     bool // "" is allowed
	NoFilter  bool // no list filter
	Ignored   bool // described as writable, since the published API says so, and never taken from a body
	Quiet     bool // taken from bodies though the description does not say so
	Raw       bool // a text that keeps the white space around it
	OmitEmpty bool // answers leave it out while it is zero
	Schema    string
}

// Stored says whether the field has a place in the row.
func (f *Field) Stored() bool { return !f.Computed && !f.Virtual }

// OnWire says whether answers carry the field.
func (f *Field) OnWire() bool { return !f.Hidden && !f.WriteOnly }

// InBody says whether request bodies may carry the field.
func (f *Field) InBody() bool {
	return !f.Hidden && (!f.ReadOnly || f.Quiet) && (!f.Computed || f.Ignored)
}

// SchemaNamer is a type of an action's body or answer that has a published component name.
type SchemaNamer interface{ SchemaName() string }

// Kind is one sort of object.
type Kind struct {
	Family *Family
	Spec
	Fields []Field
	Type   reflect.Type // the struct
	make   func() any
	byName map[string]int
}

// Of describes T. make gives a fresh *T with its dependencies and Go-side defaults; nil means new(T).
// It panics on a struct that can't be described: that is a mistake of the house, found by every test.
func Of[T any](f *Family, s Spec, make func() *T) *Kind {
	t := reflect.TypeFor[T]()
	if s.Verbs == 0 {
		s.Verbs = AllVerbs
	}
	if s.Plural == "" {
		s.Plural = s.Title + "s"
	}
	k := &Kind{Family: f, Spec: s, Type: t, byName: map[string]int{}}
	if make == nil {
		k.make = func() any { return new(T) }
	} else {
		k.make = func() any { return make() }
	}
	k.Fields = fieldsOf(t)
	k.adapt(s)
	for i := range k.Fields {
		if _, dup := k.byName[k.Fields[i].Name]; dup {
			panic(fmt.Sprintf("kind %s: field %s twice", s.Model, k.Fields[i].Name))
		}
		k.byName[k.Fields[i].Name] = i
	}
	for i := range k.Actions {
		k.Actions[i].of(k)
	}
	return k
}

// adapt changes the fields of the shared part as the spec says.
func (k *Kind) adapt(s Spec) {
	find := func(name string) *Field {
		i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			panic(fmt.Sprintf("kind %s: no field %s", k.Model, name))
		}
		return &k.Fields[i]
	}
	for _, name := range s.Without {
		f := find(name)
		f.Hidden, f.Required = true, false
	}
	for _, name := range s.Optional {
		f := find(name)
		f.Blank, f.Required = true, false
	}
}

// IsBase says whether k is its family's base kind: the one whose path is Family.All. It describes the fields that all kinds of the
// family share; doors serve it over every kind of the family (rows given to its Present are *T of any of them), the store has no rows of it.
func (k *Kind) IsBase() bool { return k.Family.All != "" && k.Path == k.Family.All }

// New gives a fresh *T with the defaults of its tags.
func (k *Kind) New() any {
	v := k.make()
	rv := reflect.ValueOf(v).Elem()
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.HasDef {
			setDefault(rv.FieldByIndex(f.Index), f)
		} else if fv := rv.FieldByIndex(f.Index); f.Virtual {
			continue // nil: leave what is kept elsewhere
		} else if fv.Kind() == reflect.Slice && fv.IsNil() && f.Type == "array" {
			fv.Set(reflect.MakeSlice(fv.Type(), 0, 0))
		} else if fv.Kind() == reflect.Map && fv.IsNil() && !f.Nullable {
			fv.Set(reflect.MakeMap(fv.Type()))
		}
	}
	return v
}

// Fresh gives a pointer to a new value of a struct type with the defaults of its tags, for bodies of actions.
func Fresh(t reflect.Type) any {
	v := reflect.New(t)
	fields := walked(t)
	for i := range fields {
		if fields[i].HasDef {
			setDefault(v.Elem().FieldByIndex(fields[i].Index), &fields[i])
		}
	}
	return v.Interface()
}

// Field gives a field by its name on the wire, nil when there is none.
func (k *Kind) Field(name string) *Field {
	if i, ok := k.byName[name]; ok {
		return &k.Fields[i]
	}
	return nil
}

// Value gives the Go value of a field of obj (a *T).
func (k *Kind) Value(obj any, f *Field) reflect.Value {
	return reflect.ValueOf(obj).Elem().FieldByIndex(f.Index)
}

// PK gives the primary key of obj as text: the field "pk", else the field that the family's URL parameter names, else "uuid".
func (k *Kind) PK(obj any) string {
	f := k.PKField()
	v := k.Value(obj, f)
	if v.Kind() == reflect.Int64 {
		return fmt.Sprint(v.Int())
	}
	return v.String()
}

// PKField gives the field that holds the primary key.
func (k *Kind) PKField() *Field {
	for _, n := range []string{"pk", k.Family.Param, "uuid"} {
		if f := k.Field(n); f != nil {
			return f
		}
	}
	panic("kind " + k.Model + ": no primary key field")
}

// Name gives what people call obj: its name, slug, identifier or key.
func (k *Kind) Name(obj any) string {
	for _, n := range []string{"name", "username", "domain", "identifier", "slug"} {
		if f := k.Field(n); f != nil {
			if v := k.Value(obj, f); v.Kind() == reflect.String && v.String() != "" {
				return v.String()
			}
		}
	}
	return k.PK(obj)
}

// App is the app label of the model: "authentik_core".
func (k *Kind) App() string { a, _, _ := strings.Cut(k.Model, "."); return a }

// ModelName is the model's own name: "user".
func (k *Kind) ModelName() string { _, m, _ := strings.Cut(k.Model, "."); return m }

// Perm gives the published permission for a verb word (view, add, change, delete): "authentik_core.view_user".
func (k *Kind) Perm(verb string) string { return k.App() + "." + verb + "_" + k.ModelName() }
