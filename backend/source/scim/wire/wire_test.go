package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"gatehouse/backend/fault"

	"github.com/elimity-com/scim/schema"
)

func people() *Shape {
	return NewShape(schema.CoreUserSchema(), "userName", schema.ExtensionEnterpriseUser())
}

func teams() *Shape { return NewShape(schema.CoreGroupSchema(), "displayName") }

func read(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := Decode([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

func write(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// outcome is what a test compares: the resource, or the keyword of the fault.
func outcome(t testing.TB, v any, err error) string {
	t.Helper()
	if err != nil {
		f := fault.As(err)
		if f.Kind != fault.Invalid || f.Code == "" || f.Say == "" {
			t.Errorf("a fault without words: %v", err)
		}
		return f.Code
	}
	return write(t, v)
}

const e = Enterprise

func TestTidy(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`{"USERNAME":"a","Name":{"GIVENNAME":"G"}}`, `{"name":{"givenName":"G"},"userName":"a"}`},
		{`{"userName":"a","active":"True","emails":"a@b.c"}`, `{"active":true,"emails":[{"value":"a@b.c"}],"userName":"a"}`},
		{`{"userName":1,"emails":{"value":"a@b.c","primary":"FALSE"},"phoneNumbers":["1",null,{"value":"2"}]}`, `{"emails":[{"primary":false,"value":"a@b.c"}],"phoneNumbers":[{"value":"1"},{"value":"2"}],"userName":"1"}`},
		{`{"userName":"a","name.givenName":"G","name":{"familyName":"F"},"emails.value":"x@y.z"}`, `{"emails":[{"value":"x@y.z"}],"name":{"familyName":"F","givenName":"G"},"userName":"a"}`},
		{`{"userName":"a","` + e + `:department":"D","` + strings.ToLower(e) + `":{"MANAGER":"42","employeeNumber":7,"nothing":1}}`, `{"` + e + `":{"department":"D","employeeNumber":"7","manager":{"value":"42"}},"userName":"a"}`},
		{`{"userName":"a","` + e + `":{"manager":{"value":"1","displayName":"read only"}}}`, `{"` + e + `":{"manager":{"value":"1"}},"userName":"a"}`},
		{`{"userName":"a","` + e + `":{"manager":""}}`, `{"userName":"a"}`},
		{`{"userName":"a","urn:x:y:z:User":{"badge":{"n":1}},"urn:x:y:z:User:floor":2,"other":3}`, `{"urn:x:y:z:User":{"badge":{"n":1},"floor":2},"userName":"a"}`},
		{`{"userName":"a","id":"1","meta":{},"groups":[{"value":"x"}],"schemas":[],"title":null,"name":{}}`, `{"userName":"a"}`},
		{`{"urn:ietf:params:scim:schemas:core:2.0:User":{"userName":"a"},"urn:ietf:params:scim:schemas:core:2.0:User:title":"T"}`, `{"title":"T","userName":"a"}`},
		{`{"userName":["a"]}`, `{"userName":"a"}`},
		{`{"userName":["a","b"]}`, InvalidValue}, {`{"userName":{}}`, InvalidValue}, {`{"active":"perhaps"}`, InvalidValue}, {`{"active":1}`, InvalidValue}, {`{"name":"x"}`, InvalidValue}, {`{"` + e + `":1}`, InvalidValue},
		{`{"title":"a\u0000"}`, InvalidValue}, {`{"urn:x:y:z:User":{"a":"\u0000"}}`, InvalidValue}, {`{"urn:x:y:z:User":{"a\u0000":1,"b/c":2}}`, `{}`}, {`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`, InvalidSyntax}, {`{"schemas":1}`, InvalidSyntax},
	} {
		got, err := people().Tidy(read(t, tt.in))
		if s := outcome(t, got, err); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, s, tt.want)
		}
	}
}

const ada = `{"userName":"Ada","active":true,"name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"value":"ada@work.lan","type":"work","primary":true},{"value":"ada@home.lan","type":"home"}],` +
	`"roles":[{"value":"x"}],"` + e + `":{"department":"Engines","manager":{"value":"42"}},"urn:x:y:z:User":{"badge":7},"meta":{"created":"2026-01-31T10:00:00Z"},"externalId":"E1"}`

func TestFilters(t *testing.T) {
	for _, tt := range []struct{ filter, want string }{
		{`userName eq "ada"`, "true"}, {`USERNAME EQ "ADA"`, "true"}, {`userName eq ada`, "true"}, {`userName ne "ada"`, "false"}, {`userName sw "ad"`, "true"}, {`userName ew "DA"`, "true"}, {`userName co "d"`, "true"},
		{`userName gt "Abc" and userName lt "b"`, "true"}, {`externalId eq "e1"`, "false"}, {`externalId eq "E1"`, "true"}, {`active eq true`, "true"}, {`active eq "True"`, "true"}, {`active ne true`, "false"}, {`active eq false`, "false"},
		{`title pr`, "false"}, {`title eq null`, "true"}, {`title ne "x"`, "true"}, {`not (title pr)`, "true"}, {`not(title pr) and userName pr`, "true"}, {`title pr or userName pr and active eq false`, "false"},
		{`(title pr or userName pr) and active eq true`, "true"}, {`name.familyName eq "lovelace"`, "true"}, {`urn:ietf:params:scim:schemas:core:2.0:User:name.givenName eq "ada"`, "true"}, {e + `:department eq "engines"`, "true"},
		{e + `:manager eq "42"`, "true"}, {e + `:manager.value eq "42"`, "true"}, {`urn:x:y:z:User:badge eq 7`, "true"}, {`urn:x:y:z:User:badge gt 6.5`, "true"}, {`urn:x:y:z:User:none pr`, "false"},
		{`emails eq "ada@home.lan"`, "true"}, {`emails.type eq "home"`, "true"}, {`emails[type eq "home" and value co "work"]`, "false"}, {`emails[type eq "work" and primary eq true and value co "work"]`, "true"},
		{`emails[type eq "work"].value eq "ada@work.lan"`, "true"}, {`emails[type eq "home"].value eq "ada@work.lan"`, "false"}, {`emails[not (type eq "work")]`, "true"}, {`meta.created ge "2026-01-31T11:00:00+01:00"`, "true"},
		{`meta.created gt "2026-01-31"`, "true"}, {`meta.created lt "2026-01-31T10:00:00Z"`, "false"}, {`userName eq "A\u0064a"`, "true"}, {`userName eq "DOMAIN\ada"`, "false"}, {`userName eq "or"`, "false"}, {`userName eq " and "`, "false"},
		{``, InvalidFilter}, {`userName`, InvalidFilter}, {`userName eq`, InvalidFilter}, {`userName eq "a`, InvalidFilter}, {`eq "a"`, InvalidFilter}, {`"userName" eq "a"`, InvalidFilter}, {`userName is "a"`, InvalidFilter}, {`nothing eq 1`, InvalidFilter},
		{`name.nothing eq 1`, InvalidFilter}, {`emails[nothing eq 1]`, InvalidFilter}, {`userName[value eq 1]`, InvalidFilter}, {`emails[type eq "a"`, InvalidFilter}, {`(userName pr`, InvalidFilter}, {`userName pr)`, InvalidFilter}, {`userName pr and`, InvalidFilter},
		{`emails[emails[type pr]]`, InvalidFilter}, {`active gt true`, InvalidFilter}, {`active eq "perhaps"`, InvalidFilter}, {`userName gt null`, InvalidFilter}, {`meta.created gt "soon"`, InvalidFilter}, {`password eq "x"`, "sensitive"},
		{strings.Repeat("(", 31) + "userName pr" + strings.Repeat(")", 31), InvalidFilter}, {strings.Repeat("userName pr and ", 200) + "userName pr", InvalidFilter}, {strings.Repeat(" ", 8_001), InvalidFilter},
		{e + ` eq "x"`, InvalidFilter}, {`emails[type eq "work"].value`, InvalidFilter}, {`userName eq (`, InvalidFilter}, {`userName eq "a" "b"`, InvalidFilter},
	} {
		s := people()
		x, err := ParseFilter(tt.filter)
		if err == nil {
			err = s.Check(x)
		}
		got := false
		if err == nil {
			got = s.Match(x, read(t, ada))
		}
		if o := outcome(t, got, err); o != tt.want {
			t.Errorf("%.80s: %s, want %s", tt.filter, o, tt.want)
		}
	}
}

func TestPatches(t *testing.T) {
	const start = `{"userName":"ada","name":{"givenName":"A"},"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}],"` + e + `":{"department":"D"}}`
	only := func(more string) string { return `{"userName":"ada"` + more + `}` }
	for _, tt := range []struct{ start, ops, want string }{
		{only(``), `{"op":"ADD","path":"title","value":"T"}`, `{"title":"T","userName":"ada"}`},
		{only(``), `{"op":"replace","value":{"title":"T","active":"False","id":"x","nothing":1}}`, `{"active":false,"title":"T","userName":"ada"}`},
		{only(``), `{"op":"replace","value":{"name.familyName":"F","name":{"givenName":"G"}}}`, `{"name":{"familyName":"F","givenName":"G"},"userName":"ada"}`},
		{only(``), `{"op":"add","value":{"` + e + `:department":"D","` + e + `":{"manager":"7"}}}`, `{"` + e + `":{"department":"D","manager":{"value":"7"}},"userName":"ada"}`},
		{only(``), `{"op":"add","path":"` + e + `","value":{"division":"X"}}`, `{"` + e + `":{"division":"X"},"userName":"ada"}`},
		{only(``), `{"op":"add","path":"` + e + `:manager.value","value":"7"}`, `{"` + e + `":{"manager":{"value":"7"}},"userName":"ada"}`},
		{only(``), `{"op":"add","path":"urn:a:b:c:2.0:User:badge","value":[1,{"x":"y"}]}`, `{"urn:a:b:c:2.0:User":{"badge":[1,{"x":"y"}]},"userName":"ada"}`},
		{only(`,"urn:a:b:c:User":{"badge":1}`), `{"op":"remove","path":"urn:a:b:c:User:badge"}`, `{"urn:a:b:c:User":{},"userName":"ada"}`},
		{start, `{"op":"remove","path":"` + e + `:department"},{"op":"remove","path":"name.givenName"},{"op":"remove","path":"emails"}`, `{"userName":"ada"}`},
		{start, `{"op":"remove","path":"` + e + `"},{"op":"remove","path":"emails[type eq \"work\"]"},{"op":"remove","path":"name"}`, `{"emails":[{"type":"home","value":"h@x"}],"userName":"ada"}`},
		{start, `{"op":"replace","path":"emails[type eq \"home\"].value","value":"new@x"},{"op":"remove","path":"` + e + `"},{"op":"remove","path":"name"}`, `{"emails":[{"primary":true,"type":"work","value":"w@x"},{"type":"home","value":"new@x"}],"userName":"ada"}`},
		{start, `{"op":"add","path":"emails[type eq \"home\"].primary","value":"True"},{"op":"remove","path":"` + e + `"},{"op":"remove","path":"name"}`, `{"emails":[{"primary":false,"type":"work","value":"w@x"},{"primary":true,"type":"home","value":"h@x"}],"userName":"ada"}`},
		{only(`,"emails":[{"value":"a@x","primary":true}]`), `{"op":"add","path":"emails","value":[{"value":"A@x","display":"d"},{"value":"b@x","primary":true}]}`, `{"emails":[{"display":"d","primary":false,"value":"A@x"},{"primary":true,"value":"b@x"}],"userName":"ada"}`},
		{only(`,"emails":[{"value":"a@x"}]`), `{"op":"replace","path":"emails","value":[{"value":"b@x"},{"value":"b@x"}]}`, `{"emails":[{"value":"b@x"}],"userName":"ada"}`},
		{only(``), `{"op":"replace","path":"phoneNumbers[type eq \"mobile\" and primary eq true].value","value":"1"}`, `{"phoneNumbers":[{"primary":true,"type":"mobile","value":"1"}],"userName":"ada"}`},
		{only(``), `{"op":"replace","path":"phoneNumbers[type eq \"mobile\"]","value":{"value":"1"}}`, `{"phoneNumbers":[{"type":"mobile","value":"1"}],"userName":"ada"}`},
		{only(``), `{"op":"replace","path":"emails.value","value":"x@y"}`, `{"emails":[{"value":"x@y"}],"userName":"ada"}`},
		{only(`,"title":"T"`), `{"op":"replace","path":"title","value":null}`, `{"userName":"ada"}`},
		{only(`,"roles":[{"value":"a"},{"value":"b"}]`), `{"op":"remove","path":"roles","value":[{"value":"a"}]}`, `{"roles":[{"value":"b"}],"userName":"ada"}`},
		{only(``), `{"op":"remove","path":"title"},{"op":"remove","path":"emails[type eq \"x\"]"},{"op":"remove","path":"name.givenName"},{"op":"remove","path":"` + e + `:manager"}`, `{"userName":"ada"}`},
		{only(``), `{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"title":"T"}}}`, `{"title":"T","userName":"ada"}`},
		{only(``), `{"op":"remove","path":"userName"}`, Mutability}, {only(``), `{"op":"remove"}`, NoTarget}, {only(``), `{"op":"move","path":"title"}`, InvalidSyntax}, {only(``), `{"op":"add","value":"x"}`, InvalidValue},
		{only(``), `{"op":"add","path":"nothing","value":1}`, InvalidPath}, {only(``), `{"op":"add","path":"groups","value":[]}`, Mutability}, {only(``), `{"op":"add","path":"emails[","value":1}`, InvalidPath}, {only(``), `{"op":"add","path":"emails[type eq \"x\"","value":1}`, InvalidPath},
		{only(``), `{"op":"add","path":"emails[type eq \"x\"].nothing","value":1}`, InvalidPath}, {only(``), `{"op":"add","path":"emails[type co \"x\"].value","value":"1"}`, NoTarget}, {only(``), `{"op":"add","path":"title[value eq 1]","value":"1"}`, InvalidPath},
		{only(``), `{"op":"replace","path":"active","value":"perhaps"}`, InvalidValue}, {only(``), `{"op":"add","path":"name","value":"x"}`, InvalidValue}, {only(``), `{"op":"add","path":"title title","value":"x"}`, InvalidPath},
	} {
		s := people()
		res := read(t, tt.start)
		ops, err := s.ParsePatch([]byte(`{"schemas":["` + PatchURN + `"],"Operations":[` + tt.ops + `]}`))
		if err == nil {
			err = s.Apply(res, Copy(ops))
		}
		if got := outcome(t, res, err); got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", tt.ops, got, tt.want)
		}
	}
	res := read(t, `{"displayName":"T","members":[{"value":"1"},{"value":"2"}]}`)
	ops, err := teams().ParsePatch([]byte(`{"Operations":[{"op":"add","path":"members","value":[{"value":"2"},{"value":"3"}]},{"op":"remove","path":"members[value eq \"1\"]"}]}`))
	if err == nil {
		err = teams().Apply(res, ops)
	}
	if got := outcome(t, res, err); got != `{"displayName":"T","members":[{"value":"2"},{"value":"3"}]}` {
		t.Error(got)
	}
	if ops, err = teams().ParsePatch([]byte(`{"Operations":[{"op":"remove","path":"members"}]}`)); err == nil {
		err = teams().Apply(res, ops)
	}
	if got := outcome(t, res, err); got != `{"displayName":"T","members":[]}` {
		t.Error(got)
	}
}

// FuzzFilter: whatever a filter says, the answer is yes, no, or a fault with words.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "a" and not (emails[type eq "work"].value co "x") or ` + e + `:manager pr`, `a[`, `((`, `userName eq "\"`, `urn:a:b:c:d.e gt 1e400`, "not", `meta.created gt "2026"`, `emails[not (value eq null)]`} {
		f.Add(s)
	}
	s, res := people(), read(f, ada)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseFilter(text)
		if err == nil {
			err = s.Check(x)
		}
		if err == nil {
			s.Match(x, res)
		}
		outcome(t, "", err)
	})
}

// FuzzPatch: whatever a patch says, the resource stays one that can be tidied again, or nothing comes of it but a fault with words.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"Operations":[{"op":"add","path":"emails[type eq \"a\"].value","value":"x"}]}`, `{"Operations":[{"op":"replace","value":{"name.givenName":1,"` + e + `":{"manager":[]}}}]}`, `{"Operations":[{"op":"remove","path":"members"}]}`,
		`{"Operations":[{"op":"add","path":"urn:a:b:c:d.e","value":{"x":[]}},{"op":"remove","path":"urn:a:b:c:d.e"}]}`, `{"Operations":[{"op":"add","path":"name","value":{}},{"op":"add","path":"name.givenName","value":null}]}`, `{"operations":[{}]}`,
		`{"Operations":[{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value","value":"x"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range []*Shape{people(), teams()} {
			ops, err := s.ParsePatch(body)
			if err != nil {
				outcome(t, "", err)
				continue
			}
			res := read(t, ada)
			if s.URN == schema.GroupSchema {
				res = read(t, `{"displayName":"T","members":[{"value":"1"}]}`)
			}
			if err := s.Apply(res, ops); err != nil {
				outcome(t, "", err)
				continue
			}
			if _, err := s.Tidy(read(t, write(t, res))); err != nil {
				t.Errorf("%s makes %s: %v", body, write(t, res), err)
			}
			if Text(res, s.Required) == "" && !strings.Contains(strings.ToLower(string(body)), strings.ToLower(s.Required)) {
				t.Errorf("%s makes %s", body, write(t, res))
			}
		}
	})
}

// FuzzTidy: a body that was tidied is tidy.
func FuzzTidy(f *testing.F) {
	for _, s := range []string{ada, `{"name.givenName":"x","emails":["a",["b"]],"` + e + `:manager":7}`, `{"urn:a:b:c:User":{"urn:a:b:c:User":{}}}`, `{"members":[{"value":{"x":1}}]}`, `{"schemas":[1]}`, `{"emails.value":null,"a..b":1}`, `{"urn:::0":0}`, `{"urn:a:b:c:.0:0":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var m map[string]any
		if Decode(body, &m) != nil {
			return
		}
		for _, s := range []*Shape{people(), teams()} {
			once, err := s.Tidy(m)
			if err != nil {
				outcome(t, "", err)
				continue
			}
			twice, err := s.Tidy(read(t, write(t, once)))
			if err != nil || write(t, once) != write(t, twice) {
				t.Errorf("%s: %s, then %s (%v)", body, write(t, once), write(t, twice), err)
			}
			s.Project(once, []string{"emails.value", "name"}, []string{"name.givenName", "id"})
		}
	})
}
