package blueprint

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// anything says that there is every model but one.
func anything(model string) bool { return model != "authentik_core.session" }

// first gives the value of a text's key v, with a context and two objects that can be found.
func first(t *testing.T, text string, own map[string]any) (any, *wrong) {
	t.Helper()
	root, bad := readTree([]byte(text))
	if len(bad) > 0 {
		t.Fatalf("%s\n%v", text, bad)
	}
	e := &eval{
		context: contextOf(root.get("context"), own), budget: maxValues,
		keyOf: func(*node, string) (any, *wrong) { return "the-key", nil },
		find: func(_ *node, model string, pairs []criterion) (any, *wrong) {
			if model == "a.b" && fmt.Sprint(pairs) == "[{name x}]" {
				return int64(7), nil
			}
			return nil, nil
		},
		env: func(name string) (string, bool, string) {
			v, ok := map[string]string{"HOME": "/root", "EMPTY": ""}[name]
			return v, ok, ""
		},
	}
	return e.value(root.get("v"), 0)
}

func TestTags(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"v: !KeyOf x", `"the-key"`},
		{"v: !Find [a.b, [name, x]]", `7`},
		{"v: !Find [a.b, [name, y]]", `null`},
		{"v: !Find [!Format [\"%s.b\", a], [name, !Context w]]\ncontext: {w: x}", `7`},
		{"v: !Context a\ncontext: {a: 1}", `1`},
		{"v: !Context b", `null`},
		{"v: !Context [b, !Context [c, deep]]", `"deep"`},
		{"v: !Context a\ncontext: {a: !Format [\"%s!\", !Context b], b: hi}", `"hi!"`},
		{"v: !Context goauthentik.io/enterprise/licensed", `true`},
		{"v: !Context own\ncontext: {own: {a: [1], b: 2}}", `{"a":[1,3],"b":2,"c":4}`},
		{"v: !Env HOME", `"/root"`},
		{"v: !Env EMPTY", `null`},
		{"v: !Env [EMPTY, other]", `"other"`},
		{"v: !Env [NONE, [1]]", `[1]`},
		{"v: !Format [\"%s-%d-%05.1f-%r\", a, 3, 2.25, true]", `"a-3-002.2-True"`},
		{"v: !Format [100%%]", `"100%"`},
		{"v: !If [!Context no]", `false`},
		{"v: !If [x]", `true`},
		{"v: !If [[], a, {b: !Context z}]\ncontext: {z: [1]}", `{"b":[1]}`},
		{"v: !If [yes, on, off]", `true`},
		{"v: !Condition [and, 1, x, [0]]", `true`},
		{"v: !Condition [AND, 1, 0]", `false`},
		{"v: !Condition [NAND, 1, 0]", `true`},
		{"v: !Condition [OR, '', {}, 0.0]", `false`},
		{"v: !Condition [NOR, '', ~]", `true`},
		{"v: !Condition [XOR, 1, 1, 1]", `true`},
		{"v: !Condition [XNOR, 1, 1, 1]", `false`},
		{"v: !Enumerate [[a, b], SEQ, !Format [\"%d%s\", !Index 0, !Value 0]]", `["0a","1b"]`},
		{"v: !Enumerate [{z: 1, a: 2}, seq, [!Index 0, !Value 0]]", `[["z",1],["a",2]]`},
		{"v: !Enumerate [ab, MAP, [!Value 0, !Index 0]]", `{"a":0,"b":1}`},
		{"v: !Enumerate [[1, 2], MAP, {k: [!Value 0], same: x}]", `{"k":[1,2],"same":"x"}`},
		{"v: !Enumerate [[[1, 2], [3]], SEQ, !Enumerate [!Value 0, SEQ, !Format [\"%s%s%s\", !Index 1, !Index 0, !Value 0]]]", `[["001","012"],["103"]]`},
		{"x: &x {a: 1}\nv: {<<: *x, b: *x}", `{"a":1,"b":{"a":1}}`},
		{`{"v": {"json": [1, "two", null, 1.5]}}`, `{"json":[1,"two",null,1.5]}`},
		{"v: [2020-01-01, 0x10, 1_000, 'yes', ~, \"on\"]", `["2020-01-01",16,1000,"yes",null,"on"]`},
	} {
		v, bad := first(t, tt.text, map[string]any{"own": map[string]any{"a": []any{3}, "c": 4.0}})
		if bad != nil {
			t.Errorf("%s: %v", tt.text, bad)
			continue
		}
		if b, err := json.Marshal(v); err != nil || string(b) != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, b, tt.want)
		}
	}
}

func TestTagsThatFail(t *testing.T) {
	bomb := "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for i := 'b'; i <= 'i'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	for _, tt := range []struct{ text, want string }{
		{"v: !Context a\ncontext: {a: !Context a}", "Values lead to each other too often"},
		{"v: !Format [\"%d\", x]", "!Format: TypeError: %d format"},
		{"v: !Format [\"%s %s\", x]", "!Format: TypeError: not enough arguments"},
		{"v: !Format [\"%999999999d\", 1]", "!Format: "},
		{"v: !Enumerate [!Context l, SEQ, !Enumerate [!Context l, SEQ, !Format [\"%1000s\", x]]]\ncontext: {l: [" + strings.Repeat("1,", 500) + "1]}", "too much of its values"},
		{"v: !Enumerate [5, SEQ, 1]", "!Enumerate goes through a list, a map or a text only."},
		{"v: !Enumerate [[1], MAP, 1]", "The body of !Enumerate with MAP"},
		{"v: !Enumerate [[1], MAP, [1, 2, 3]]", "The body of !Enumerate with MAP"},
		{bomb + "v: *i", "too much of its values"},
		{"v: !Enumerate [!Context l, SEQ, !Enumerate [!Context l, SEQ, !Enumerate [!Context l, SEQ, !Enumerate [!Context l, SEQ, !Context l]]]]\ncontext: {l: [" + strings.Repeat("1,", 200) + "1]}", "too much of its values"},
	} {
		begun := time.Now()
		_, bad := first(t, tt.text, nil)
		if bad == nil || !strings.Contains(bad.say, tt.want) || time.Since(begun) > time.Minute {
			t.Errorf("%.80s: %v after %s, want %q", tt.text, bad, time.Since(begun), tt.want)
		}
	}
}

// Every fault of a file is told at once, with its line.
func TestParseFaults(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{"The file is empty."}},
		{"entries: [", []string{"line 2: This is no YAML"}},
		{"\ta: 1", []string{"line 1: This is no YAML"}},
		{"[1]", []string{"line 1: A blueprint is a map with the key \"entries\"."}},
		{"version: 2\nentries: 5", []string{"line 1: Invalid blueprint version"}},
		{"version: '1'\nentries: [{model: a.b, identifiers: {a: 1}}]", []string{"line 1: Invalid blueprint version"}},
		{"version: 1", []string{"The blueprint has no entries."}},
		{"entries: []", []string{"The blueprint has no entries."}},
		{"entries: 1", []string{"line 1: entries has to be a list."}},
		{"a: &a [*a]\nentries: [{model: a.b, identifiers: {a: 1}}]", []string{"line 1: The anchor \"a\" contains itself."}},
		{"a: 1\na: 2\nentries: [{model: a.b, identifiers: {a: 1}}]", []string{"line 2: The key \"a\" is on line 1 already."}},
		{"entries: [{model: a.b, identifiers: {? [x] : 1}}]", []string{"line 1: A key has to be a plain word."}},
		{"entries: [{model: a.b, identifiers: !!binary eA==}]", []string{"line 1: There is no tag !!binary.", "line 1: a.b: An entry needs identifiers"}},
		{"metadata: {labels: {a: 1}}\ncontext: [1]\nentries: [{model: a.b, identifiers: {a: 1}}]", []string{"line 1: metadata needs a name.", "line 2: context has to be a map."}},
		{`version: 1
metadata: 5
entries:
  - identifiers: {a: 1}
  - model: authentik_core.session
    identifiers: {a: 1}
  - model: a.b
    id: one
    identifiers: {name: !KeyOf two}
  - model: a.b
    id: one
    state: gone
    identifiers: [a]
    attrs: 5
    conditions: {a: 1}
  - 7
  - model: a.b
    identifiers:
      a: !KeyOf one
      b: !Find [a.b]
      c: !Find [authentik_core.session, [a, b], c]
      d: !If [1, 2]
      e: !Condition [MAYBE, 1]
      f: !Condition [AND]
      g: !Enumerate [[1], LIST, 2]
      h: !Enumerate [!Value 0, SEQ, 1]
      i: !Index 0
      j: !Enumerate [[1], SEQ, !Value 1]
      k: !Env [!Context a, b]
      l: !Context [a]
      m: !File /etc/passwd
      n: !keyof one
      o: !Format x
`, []string{
			"line 2: metadata has to be a map.",
			"line 4: An entry needs a model.",
			"line 5: authentik_core.session: Model authentik_core.session not allowed",
			"line 9: a.b: KeyOf: failed to find entry with `id` of `two`",
			"line 10: a.b: An entry needs identifiers",
			"line 11: a.b: The id \"one\" is on line 8 already.",
			"line 12: a.b: \"gone\" is no state: present, created, must_created, absent.",
			"line 14: a.b: attrs has to be a map.",
			"line 15: a.b: conditions has to be a list.",
			"line 16: An entry is a map with a model and identifiers.",
			"line 20: a.b: !Find takes a list",
			"line 21: a.b: Model authentik_core.session not allowed",
			"line 21: a.b: !Find takes a list",
			"line 22: a.b: !If takes a list",
			"line 23: a.b: !Condition takes a list that begins with one of",
			"line 24: a.b: At least one value is required after mode selection.",
			"line 25: a.b: !Enumerate takes a list",
			"line 26: a.b: !Enumerate can't go through its own item",
			"line 26: a.b: !Value 0: there are only 0 !Enumerate around it.",
			"line 27: a.b: !Index 0: there are only 0 !Enumerate around it.",
			"line 28: a.b: !Value 1: there are only 1 !Enumerate around it.",
			"line 29: a.b: !Env takes a name",
			"line 30: a.b: !Context takes a name",
			"line 31: a.b: There is no tag !File.",
			"line 32: a.b: There is no tag !keyof. Did you mean !KeyOf?",
			"line 33: a.b: !Format takes a list",
		}},
	} {
		_, bad := Parse([]byte(tt.text), anything)
		got := lines(bad)
		if len(got) != len(tt.want) {
			t.Errorf("%.60q: %d faults, want %d:\n%s", tt.text, len(got), len(tt.want), strings.Join(got, "\n"))
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], tt.want[i]) {
				t.Errorf("got  %s\nwant %s", got[i], tt.want[i])
			}
		}
	}
}

// What is nested or repeated without end costs neither time nor the stack.
func TestParseBounds(t *testing.T) {
	entry := "\nentries: [{model: a.b, identifiers: {a: 1}}]"
	for name, text := range map[string]string{
		"deep lists": strings.Repeat("[", 5_000), "deep maps": strings.Repeat("{a: ", 5_000), "deep but whole": "x: " + strings.Repeat("[", 500) + strings.Repeat("]", 500) + entry,
		"large":            "x: '" + strings.Repeat("x", maxFile) + "'",
		"nested enumerate": "entries: [{model: a.b, identifiers: {a: " + strings.Repeat("!Enumerate [[1], SEQ, ", 20) + "1" + strings.Repeat("]", 20) + "}}]",
		"deep tags":        "context: {a: " + strings.Repeat("!If [", 300) + "1" + strings.Repeat("]", 300) + "}" + entry,
		"merge of itself":  "x: &x {<<: *x}" + entry,
	} {
		begun := time.Now()
		if _, bad := Parse([]byte(text), anything); len(bad) == 0 || time.Since(begun) > time.Minute {
			t.Errorf("%s: %v after %s", name, lines(bad), time.Since(begun))
		}
	}
	if _, bad := readUpTo([]byte("x: ["+strings.Repeat("1,", 1_000)+"1]"), 500); len(bad) != 1 || bad[0].Say != "The file holds too much: 500 values at most." {
		t.Errorf("%v", bad)
	}
	// A shared node is read once, however often it is pointed at.
	wide := "x: &a [1]\n"
	for i := range 40 {
		wide += fmt.Sprintf("y%d: &b%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*%s, ", map[bool]string{true: "a", false: fmt.Sprint("b", i-1)}[i == 0]), 9))
	}
	begun := time.Now()
	if _, bad := Parse([]byte(wide+"entries: [{model: a.b, identifiers: {a: 1}, attrs: {x: *b39}}]"), anything); time.Since(begun) > time.Minute {
		t.Errorf("%v after %s", lines(bad), time.Since(begun))
	}
}

func TestVariables(t *testing.T) {
	got := Variables([]byte("a: &a !Env B\nb: [!Env [A, !Env C], *a, !Env B, !Env [!Context x, 1], !Env '']\n"))
	if fmt.Sprint(got) != "[A B C]" {
		t.Error(got)
	}
	if got := Variables([]byte("[")); len(got) != 0 {
		t.Error(got)
	}
}

// The files that come with Gatehouse can be read, are named, and each default is one of them.
func TestShipped(t *testing.T) {
	names := map[string]string{}
	paths := shipped()
	for _, p := range paths {
		text, err := shippedFS.ReadFile("shipped/" + p)
		if err != nil || !fits(p) {
			t.Fatal(p, err)
		}
		f, bad := Parse(text, anything)
		if len(bad) > 0 {
			t.Errorf("%s: %v", p, lines(bad))
			continue
		}
		if f.Meta == nil || names[f.Meta.Name] != "" {
			t.Errorf("%s has no name of its own", p)
			continue
		}
		names[f.Meta.Name] = p
		if example := strings.HasPrefix(p, "example/"); example == f.Instantiate() {
			t.Errorf("%s: applied by itself %t", p, f.Instantiate())
		} else if example == strings.Contains(strings.Join(defaults, " "), p) {
			t.Errorf("%s is on the list of defaults: %t", p, !example)
		}
	}
	if len(paths) != len(defaults)+7 {
		t.Errorf("%d files, %d defaults", len(paths), len(defaults))
	}
}

func TestPaths(t *testing.T) {
	for p, want := range map[string]bool{
		"a.yaml": true, "a/b c.yaml": true, "": false, "a.yml": false, "/a.yaml": false, "../a.yaml": false, "a/../b.yaml": false, "a/./b.yaml": false, ".a.yaml": false, ".git/a.yaml": false,
		"a\\b.yaml": false, "c:a.yaml": false, "a\x00.yaml": false, "a//b.yaml": false, "..yaml": false,
	} {
		if fits(p) != want {
			t.Errorf("%q: %t", p, !want)
		}
	}
}

// FuzzParse holds that no text breaks the parser or the tags, or keeps them busy.
func FuzzParse(f *testing.F) {
	for _, p := range shipped() {
		if text, err := shippedFS.ReadFile("shipped/" + p); err == nil && len(text) < 2_000 {
			f.Add(text)
		}
	}
	for _, s := range []string{
		"entries: [{model: a.b, id: x, identifiers: {a: !Enumerate [[a], MAP, [!Index 0, !Value 0]]}, attrs: {b: !KeyOf x}}]", "a: &a {<<: *a}", "v: !Format ['%s', !Env X]",
		"entries:\n- {model: !If [1, a.b, c], conditions: [!Condition [XOR, !Context a, 1]], identifiers: {x: !Find [a.b, [c, d]]}}", "!!set {a}", "- !<tag:yaml.org,2002:str> x", "? a\n: b", "--- |\n x\n...",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		Variables(text)
		file, bad := Parse(text, anything)
		if len(bad) > 0 {
			for _, b := range bad {
				_ = b.String()
			}
			return
		}
		e := &eval{context: contextOf(file.context, nil), budget: 10_000, keyOf: func(*node, string) (any, *wrong) { return "k", nil },
			find: func(*node, string, []criterion) (any, *wrong) { return nil, nil }, env: func(string) (string, bool, string) { return "", false, "" }}
		for _, one := range file.entries {
			for _, n := range append([]*node{one.model, one.state, one.find, one.attrs}, one.conditions...) {
				if n == nil {
					continue
				}
				v, bad := e.value(n, 0)
				if bad != nil {
					continue
				}
				if _, err := json.Marshal(v); err != nil {
					t.Fatalf("%v: %v", v, err)
				}
			}
		}
	})
}
