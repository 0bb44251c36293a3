package kind

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

type base struct {
	PK   string `json:"pk" is:"readonly" format:"uuid"`
	Name string `json:"name" is:"required,search,unique"`
}

type door struct {
	Width int64  `json:"width" is:"required"`
	Wood  string `json:"wood" enum:"oak,pine" default:"oak"`
}

// thing has a field of every sort that bodies may carry.
type thing struct {
	base
	Slug     string          `json:"slug" format:"slug" max:"8" is:"blank"`
	Note     *string         `json:"note" is:"blank"`
	Mail     string          `json:"mail" format:"email"`
	Link     string          `json:"link" format:"uri"`
	Length   string          `json:"length" format:"duration" default:"hours=1"`
	Code     string          `json:"code" min:"2" max:"4"`
	Colour   string          `json:"colour" enum:"red,green,1" default:"red"`
	Mode     string          `json:"mode" enum:"a,b" is:"blank"`
	Key      string          `json:"key" format:"uuid"`
	Flow     *string         `json:"flow" ref:"flows"`
	Owner    int64           `json:"owner" ref:"users"`
	Stages   []string        `json:"stages" ref:"stages"`
	Words    []string        `json:"words" default:"a,b"`
	On       bool            `json:"on" default:"true"`
	Count    int64           `json:"count" min:"0" max:"2147483647" default:"7"`
	Maybe    *int64          `json:"maybe"`
	Ratio    float64         `json:"ratio" min:"0" max:"1"`
	When     *time.Time      `json:"when"`
	Attrs    map[string]any  `json:"attrs"`
	Free     any             `json:"free"`
	Raw      json.RawMessage `json:"raw"`
	Door     *door           `json:"door"`
	Doors    []door          `json:"doors"`
	Password string          `json:"password" is:"writeonly,raw,blank"`
	Secret   string          `json:"secret" is:"secret,blank"`
	Uses     int64           `json:"uses" is:"computed"`
	Stored   string          `json:"stored" is:"hidden"`
	Members  *[]int64        `json:"members" is:"virtual,notnull"`
	Old      string          `json:"old" is:"ignored"`
	Silent   string          `json:"-"`
}

var things = &Family{Name: "things", Param: "thing_uuid"}

func thingKind() *Kind {
	return Of[thing](things, Spec{Path: "things/thing", Model: "gatehouse_things.thing", Schema: "Thing", Title: "Thing"}, nil)
}

func body(t testing.TB, text string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// one decodes one field with PATCH rules; it gives the struct and what is said about the field.
func one(t testing.TB, name, value string) (*thing, string) {
	t.Helper()
	k := thingKind()
	obj := k.New().(*thing)
	unknown, err := Decode(k.Fields, map[string]json.RawMessage{name: json.RawMessage(value)}, reflect.ValueOf(obj).Elem(), false)
	if len(unknown) > 0 {
		t.Fatalf("%s: unknown %v", name, unknown)
	}
	if err == nil {
		return obj, ""
	}
	f := fault.As(err)
	if f.Kind != fault.Invalid || len(f.Fields) != 1 || len(f.Fields[name]) != 1 {
		t.Fatalf("%s=%s: %v", name, value, err)
	}
	return obj, f.Fields[name][0]
}

// The messages are those of Django REST framework, which clients of the published API show as they are.
func TestDecodeSays(t *testing.T) {
	const (
		null    = "This field may not be null."
		blank   = "This field may not be blank."
		text    = "Not a valid string."
		boolean = "Must be a valid boolean."
		integer = "A valid integer is required."
		number  = "A valid number is required."
		nul     = "Null characters are not allowed."
		email   = "Enter a valid email address."
		link    = "Enter a valid URL."
		slug    = "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."
		uuid    = "Must be a valid UUID."
		when    = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
	)
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	for _, tt := range []struct{ field, value, says string }{
		{"name", `"a"`, ""}, {"name", `null`, null}, {"name", `""`, blank}, {"name", `"  "`, blank}, {"name", `5`, ""}, {"name", `true`, text},
		{"name", `[]`, text}, {"name", `{}`, text}, {"name", `"a\u0000b"`, nul}, {"name", deep, text},
		{"note", `null`, ""}, {"note", `""`, ""}, {"note", `"x"`, ""},
		{"slug", `"a-B_9"`, ""}, {"slug", `""`, ""}, {"slug", `"a b"`, slug}, {"slug", `"ä"`, slug}, {"slug", `"../a"`, slug},
		{"slug", `"123456789"`, "Ensure this field has no more than 8 characters."},
		{"mail", `"ada@office.lan"`, ""}, {"mail", `"root@localhost"`, ""}, {"mail", `"ada"`, email}, {"mail", `"ada@office"`, email},
		{"mail", `"Ada <ada@office.lan>"`, email}, {"mail", `""`, blank}, {"mail", `"a@b.c, d@e.f"`, email}, {"mail", `"a@b.c\nBcc: d@e.f"`, email},
		{"link", `"https://wiki.office.lan/x"`, ""}, {"link", `"wiki"`, link}, {"link", `"javascript:alert(1)"`, link}, {"link", `"//host"`, link}, {"link", `"javascript://x/%0aalert(1)"`, link},
		{"length", `"hours=1;minutes=30"`, ""}, {"length", `"forever"`, "forever is not in the correct format of 'hours=3;minutes=1'."},
		{"code", `"ab"`, ""}, {"code", `"a"`, "Ensure this field has at least 2 characters."}, {"code", `"äöüß"`, ""}, {"code", `"abcde"`, "Ensure this field has no more than 4 characters."},
		{"colour", `"green"`, ""}, {"colour", `1`, ""}, {"colour", `"blue"`, `"blue" is not a valid choice.`}, {"colour", `""`, `"" is not a valid choice.`},
		{"colour", `5`, `"5" is not a valid choice.`}, {"colour", `null`, null}, {"colour", `true`, `"True" is not a valid choice.`}, {"colour", `{}`, `"{}" is not a valid choice.`},
		{"mode", `""`, ""}, {"mode", `"c"`, `"c" is not a valid choice.`},
		{"key", `"6BA7B8109DAD11D180B400C04FD430C8"`, ""}, {"key", `"6ba7b810"`, uuid}, {"key", `""`, uuid}, {"key", `7`, uuid},
		{"flow", `null`, ""}, {"flow", `""`, uuid}, {"flow", `"x"`, ""}, {"flow", `7`, text}, {"flow", `[]`, text},
		{"owner", `3`, ""}, {"owner", `"3"`, "Incorrect type. Expected pk value, received str."}, {"owner", `true`, "Incorrect type. Expected pk value, received bool."},
		{"owner", `{}`, "Incorrect type. Expected pk value, received dict."}, {"owner", `1.5`, "Incorrect type. Expected pk value, received float."}, {"owner", `null`, null},
		{"stages", `["a","b"]`, ""}, {"stages", `[]`, ""}, {"stages", `"a"`, `Expected a list of items but got type "str".`}, {"stages", `{}`, `Expected a list of items but got type "dict".`},
		{"stages", `null`, null}, {"stages", `[null]`, null}, {"stages", `[1]`, text}, {"words", `5`, `Expected a list of items but got type "int".`},
		{"words", `[""]`, blank}, {"words", `true`, `Expected a list of items but got type "bool".`},
		{"on", `true`, ""}, {"on", `"no"`, ""}, {"on", `1`, ""}, {"on", `"maybe"`, boolean}, {"on", `2`, boolean}, {"on", `null`, null}, {"on", `[true]`, boolean},
		{"count", `0`, ""}, {"count", `"42"`, ""}, {"count", `" 42 "`, ""}, {"count", `3.0`, ""}, {"count", `1e3`, ""}, {"count", `3.5`, integer}, {"count", `"x"`, integer},
		{"count", `true`, integer}, {"count", `"true"`, integer}, {"count", `[]`, integer}, {"count", `""`, integer}, {"count", `"0x10"`, integer}, {"count", `"0x1p4"`, integer}, {"count", `"1_000"`, integer},
		{"count", `-1`, "Ensure this value is greater than or equal to 0."}, {"count", `2147483648`, "Ensure this value is less than or equal to 2147483647."},
		{"count", `99999999999999999999999999`, integer}, {"count", `1e400`, integer}, {"count", `"Infinity"`, integer}, {"count", `"NaN"`, integer},
		{"count", `1` + strings.Repeat("0", 5000), integer}, {"maybe", `null`, ""}, {"maybe", `-9223372036854775808`, ""},
		{"ratio", `0.5`, ""}, {"ratio", `"0.5"`, ""}, {"ratio", `"null"`, number}, {"ratio", `"x"`, number}, {"ratio", `1e999`, number}, {"ratio", `"NaN"`, number}, {"ratio", `[]`, number},
		{"ratio", `2`, "Ensure this value is less than or equal to 1."}, {"ratio", `-0.5`, "Ensure this value is greater than or equal to 0."},
		{"when", `null`, ""}, {"when", `"2026-01-02T03:04:05.000006Z"`, ""}, {"when", `"2026-01-02T03:04"`, ""}, {"when", `"yesterday"`, when}, {"when", `5`, when}, {"when", `"0000-01-01T00:00:00Z"`, when},
		{"when", `"2026-02-30T00:00:00Z"`, when}, {"when", `""`, when},
		{"attrs", `{}`, ""}, {"attrs", `{"a":{"b":[1,null]}}`, ""}, {"attrs", `[]`, `Expected a dictionary of items but got type "list".`}, {"attrs", `"{}"`, `Expected a dictionary of items but got type "str".`}, {"attrs", `null`, null},
		{"free", `null`, ""}, {"free", `[1,{"a":null}]`, ""}, {"raw", `null`, ""}, {"raw", `{"a" : 1}`, ""},
		{"door", `null`, ""}, {"door", `{"width":1}`, ""}, {"door", `{}`, "width: This field is required."}, {"door", `[]`, "Invalid data. Expected a dictionary, but got list."},
		{"doors", `[{"width":1},{"width":"x","wood":"plastic"}]`, `width: A valid integer is required. wood: "plastic" is not a valid choice.`},
		{"password", `" a b "`, ""}, {"password", `"\u0000"`, nul}, {"secret", `""`, ""}, {"members", `[1,2]`, ""}, {"members", `["a"]`, integer}, {"members", `null`, null},
	} {
		_, said := one(t, tt.field, tt.value)
		if said != tt.says {
			v := tt.value
			if len(v) > 40 {
				v = v[:40] + "…"
			}
			t.Errorf("%s=%s: %q, want %q", tt.field, v, said, tt.says)
		}
	}
}

func TestDecodeStores(t *testing.T) {
	get := func(name, value string) any {
		t.Helper()
		obj, said := one(t, name, value)
		if said != "" {
			t.Errorf("%s=%s: %s", name, value, said)
		}
		k := thingKind()
		v := k.Value(obj, k.Field(name))
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		return v.Interface()
	}
	for _, tt := range []struct {
		field, value string
		want         any
	}{
		{"name", `"  Ada\n"`, "Ada"}, {"name", `12.50`, "12.50"}, {"password", `" a b "`, " a b "},
		{"key", `"6BA7B8109DAD11D180B400C04FD430C8"`, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"count", `"42"`, int64(42)}, {"count", `3.0`, int64(3)}, {"count", `1e3`, int64(1000)}, {"maybe", `-9223372036854775808`, int64(math.MinInt64)},
		{"on", `"off"`, false}, {"on", `"T"`, true}, {"ratio", `"0.25"`, 0.25}, {"words", `["x"]`, []string{"x"}}, {"words", `[]`, []string{}},
		{"when", `"2026-01-02T03:04:05+02:00"`, time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC)},
		{"attrs", `{"b":[1]}`, map[string]any{"b": []any{float64(1)}}}, {"free", `"x"`, "x"}, {"raw", ` {"a" : 1} `, json.RawMessage(`{"a" : 1}`)},
		{"door", `{"width":2}`, door{Width: 2}}, {"members", `[4]`, []int64{4}},
	} {
		if got := get(tt.field, tt.value); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s=%s: %#v, want %#v", tt.field, tt.value, got, tt.want)
		}
	}
}

func TestDecodeWholeAndPart(t *testing.T) {
	k := thingKind()
	fresh := func() (*thing, reflect.Value) {
		obj := k.New().(*thing)
		obj.Name, obj.Note, obj.Count = "kept", new(string), 9
		return obj, reflect.ValueOf(obj).Elem()
	}
	t.Run("an absent field stays with PATCH", func(t *testing.T) {
		obj, v := fresh()
		if _, err := Decode(k.Fields, body(t, `{"slug":"s"}`), v, false); err != nil {
			t.Fatal(err)
		}
		if obj.Name != "kept" || obj.Slug != "s" || obj.Note == nil || obj.Count != 9 {
			t.Errorf("%+v", obj)
		}
	})
	t.Run("a whole body needs what is required and nothing else", func(t *testing.T) {
		_, v := fresh()
		_, err := Decode(k.Fields, body(t, `{"slug":"s"}`), v, true)
		if got := fault.As(err).Fields; len(got) != 1 || got["name"][0] != "This field is required." {
			t.Errorf("%v", err)
		}
		if _, err := Decode(k.Fields, body(t, `{"name":"n"}`), v, true); err != nil {
			t.Error(err)
		}
	})
	t.Run("null takes a value away", func(t *testing.T) {
		obj, v := fresh()
		if _, err := Decode(k.Fields, body(t, `{"note":null}`), v, false); err != nil || obj.Note != nil {
			t.Errorf("%v %v", obj.Note, err)
		}
	})
	t.Run("all faults are told at once", func(t *testing.T) {
		_, v := fresh()
		_, err := Decode(k.Fields, body(t, `{"name":"","slug":"a b","count":-1,"on":null}`), v, true)
		if got := slices.Sorted(maps.Keys(fault.As(err).Fields)); !slices.Equal(got, []string{"count", "name", "on", "slug"}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("a fault leaves what was there", func(t *testing.T) {
		obj, v := fresh()
		_, _ = Decode(k.Fields, body(t, `{"name":"","count":-1,"door":{},"doors":[{}]}`), v, false)
		if obj.Name != "kept" || obj.Count != 9 || obj.Door != nil || len(obj.Doors) != 0 {
			t.Errorf("%+v", obj)
		}
	})
	t.Run("what the house sets is not taken, and is no unknown field", func(t *testing.T) {
		obj, v := fresh()
		unknown, err := Decode(k.Fields, body(t, `{"pk":"x","uses":5,"stored":"x","old":"x","Silent":"x","silent":"x","NAME":"x","zz":1,"aa":null}`), v, false)
		if err != nil || obj.PK != "" || obj.Uses != 0 || obj.Stored != "" || obj.Old != "" || obj.Silent != "" || obj.Name != "kept" {
			t.Errorf("%+v %v", obj, err)
		}
		if !slices.Equal(unknown, []string{"NAME", "Silent", "aa", "silent", "zz"}) {
			t.Errorf("unknown %v", unknown)
		}
	})
	t.Run("the last of two equal keys counts", func(t *testing.T) {
		obj, v := fresh()
		if _, err := Decode(k.Fields, body(t, `{"name":"first","name":"second"}`), v, false); err != nil || obj.Name != "second" {
			t.Errorf("%s %v", obj.Name, err)
		}
	})
}

func TestDescribesFields(t *testing.T) {
	k := thingKind()
	if k.Fields[0].Name != "pk" || k.Fields[1].Name != "name" {
		t.Error("fields of an embedded struct do not lead")
	}
	for _, tt := range []struct {
		name, typ, items, format   string
		required, nullable, onWire bool
		inBody, stored, hasDefault bool
	}{
		{name: "pk", typ: "string", format: "uuid", onWire: true, stored: true},
		{name: "name", typ: "string", required: true, onWire: true, inBody: true, stored: true},
		{name: "note", typ: "string", nullable: true, onWire: true, inBody: true, stored: true},
		{name: "stages", typ: "array", items: "string", onWire: true, inBody: true, stored: true},
		{name: "doors", typ: "array", items: "object", onWire: true, inBody: true, stored: true},
		{name: "on", typ: "boolean", onWire: true, inBody: true, stored: true, hasDefault: true},
		{name: "count", typ: "integer", onWire: true, inBody: true, stored: true, hasDefault: true},
		{name: "ratio", typ: "number", onWire: true, inBody: true, stored: true},
		{name: "when", typ: "string", format: "date-time", nullable: true, onWire: true, inBody: true, stored: true},
		{name: "attrs", typ: "object", onWire: true, inBody: true, stored: true},
		{name: "free", typ: "any", onWire: true, inBody: true, stored: true},
		{name: "raw", typ: "any", onWire: true, inBody: true, stored: true},
		{name: "password", typ: "string", inBody: true, stored: true},
		{name: "uses", typ: "integer", onWire: true},
		{name: "stored", typ: "string", stored: true},
		{name: "members", typ: "array", items: "integer", onWire: true, inBody: true},
	} {
		f := k.Field(tt.name)
		if f == nil {
			t.Errorf("%s: no field", tt.name)
			continue
		}
		if f.Type != tt.typ || f.Items != tt.items || f.Format != tt.format || f.Required != tt.required || f.Nullable != tt.nullable ||
			f.OnWire() != tt.onWire || f.InBody() != tt.inBody || f.Stored() != tt.stored || f.HasDef != tt.hasDefault {
			t.Errorf("%s: %+v", tt.name, *f)
		}
	}
	if k.Field("Silent") != nil || k.Field("silent") != nil || k.Field("base") != nil {
		t.Error("a field without a name on the wire is described")
	}
	for name, want := range map[string]Ref{"flow": {"flows", "set_null", false}, "owner": {"users", "cascade", false}, "stages": {"stages", "cascade_many", true}} {
		if got := k.Field(name).Ref; got == nil || *got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDefaultsAndNames(t *testing.T) {
	k := thingKind()
	obj := k.New().(*thing)
	if obj.Length != "hours=1" || !obj.On || obj.Count != 7 || obj.Colour != "red" || !slices.Equal(obj.Words, []string{"a", "b"}) {
		t.Errorf("%+v", obj)
	}
	if obj.Stages == nil || obj.Attrs == nil || obj.Members != nil || obj.Note != nil {
		t.Errorf("lists and maps start empty, not nil, and virtual ones nil: %+v", obj)
	}
	obj.Words[0] = "changed"
	if k.New().(*thing).Words[0] != "a" {
		t.Error("two objects share a default")
	}
	if d := Fresh(reflect.TypeFor[door]()).(*door); d.Wood != "oak" {
		t.Errorf("%+v", d)
	}
	if k.Perm("view") != "gatehouse_things.view_thing" || k.App() != "gatehouse_things" || k.ModelName() != "thing" || k.Plural != "Things" || k.Verbs != AllVerbs {
		t.Errorf("%+v", k.Spec)
	}
	obj.PK = "p1"
	if k.PK(obj) != "p1" || k.Name(obj) != "p1" {
		t.Errorf("%s %s", k.PK(obj), k.Name(obj))
	}
	if obj.Name = "Lamp"; k.Name(obj) != "Lamp" {
		t.Error(k.Name(obj))
	}
	if k.IsBase() {
		t.Error("a plain kind passes for a base")
	}
}

func TestActionsGetTheirWords(t *testing.T) {
	act := Collection[None, None]("GET", "x", "view", nil)
	k := Of[thing](things, Spec{Model: "a.b", Actions: []Action{act, Detail[None, None]("POST", "y", "other.codename", nil)}}, nil)
	if k.Actions[0].Perm != "a.view_b" || k.Actions[1].Perm != "other.codename" || !k.Actions[1].Detail || k.Actions[0].Detail {
		t.Errorf("%+v", k.Actions)
	}
}

// A struct that can't be described is a mistake of the house: it stops every program and test at once.
func TestMistakesPanic(t *testing.T) {
	type twice struct {
		base
		Title string `json:"name"`
	}
	type word struct {
		A string `json:"a" is:"requird"`
	}
	type wire struct {
		A chan int `json:"a"`
	}
	type bound struct {
		A int64 `json:"a" max:"many"`
	}
	type value struct {
		PK string `json:"pk"`
		A  int64  `json:"a" default:"x"`
	}
	for name, fn := range map[string]func(){
		"a name twice":    func() { Of[twice](things, Spec{}, nil) },
		"an unknown word": func() { Of[word](things, Spec{}, nil) },
		"no wire type":    func() { Of[wire](things, Spec{}, nil) },
		"a bound":         func() { Of[bound](things, Spec{}, nil) },
		"a default":       func() { Of[value](things, Spec{}, nil).New() },
		"no primary key":  func() { Of[door](things, Spec{}, nil).PKField() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			fn()
		})
	}
}

// FuzzDecode: whatever a body holds, the answer is field faults about known fields, and what was decoded can be encoded and decoded again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"name":"a"}`, `{"name":null,"slug":"a b","count":1e400,"when":"x","door":{"width":[]}}`, `{"attrs":{"a":[[[[]]]]},"free":null,"raw":null}`,
		`{"name":"a","name":"b","zz":1}`, `{"name":"\u0000\ud800","count":-0,"ratio":"null"}`, `{"stages":[null,1,"a"],"members":[9e99]}`, `{"key":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","flow":""}`,
		`{"mail":"a@b.c","link":"http://[::1]:99999/%zz","length":"hours=1e999"}`, `{"on":"YES","colour":1,"words":[" "]}`,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	k := thingKind()
	f.Fuzz(func(t *testing.T, text []byte, whole bool) {
		var m map[string]json.RawMessage
		if json.Unmarshal(text, &m) != nil {
			return
		}
		obj := k.New()
		unknown, err := Decode(k.Fields, m, reflect.ValueOf(obj).Elem(), whole)
		for _, n := range unknown {
			if k.Field(n) != nil {
				t.Errorf("%s is known", n)
			}
		}
		if err != nil {
			fl := fault.As(err)
			if fl.Kind != fault.Invalid || len(fl.Fields) == 0 {
				t.Fatalf("no field fault: %v", err)
			}
			for n, ms := range fl.Fields {
				if k.Field(n) == nil || len(ms) == 0 || ms[0] == "" {
					t.Errorf("%s: %q", n, ms)
				}
			}
			return
		}
		again := map[string]json.RawMessage{}
		for i := range k.Fields {
			fd := &k.Fields[i]
			if _, there := m[fd.Name]; !there || !fd.InBody() || fd.Ignored {
				continue
			}
			b, err := json.Marshal(k.Value(obj, fd).Interface())
			if err != nil {
				t.Fatalf("%s: %v", fd.Name, err)
			}
			again[fd.Name] = b
		}
		other := k.New()
		if _, err := Decode(k.Fields, again, reflect.ValueOf(other).Elem(), false); err != nil {
			t.Errorf("what was accepted is refused when it comes again: %v", err)
		}
	})
}

// A field that is not taken from a body is still no place for nonsense when it is a time.
func TestIgnoredTimes(t *testing.T) {
	type visit struct {
		At *time.Time `json:"at" is:"ignored" format:"date-time"`
	}
	for text, says := range map[string]bool{`{"at":"2026-01-02T03:04:05Z"}`: false, `{"at":null}`: false, `{}`: false, `{"at":{}}`: true, `{"at":"yesterday"}`: true} {
		var v visit
		_, err := Decode(FieldsOf(reflect.TypeFor[visit]()), body(t, text), reflect.ValueOf(&v).Elem(), true)
		if v.At != nil || (err != nil) != says || says && fault.As(err).Fields["at"] == nil {
			t.Errorf("%s: %v, %v", text, v.At, err)
		}
	}
}
