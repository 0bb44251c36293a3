package stagetest

import (
	"context"
	"encoding/json"
	"html/template"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/user"
)

// Subject is a stage kind under test.
type Subject struct {
	With  func(h *House) Made
	Model string              // of the kind
	Make  func(h *House) any  // a stage of it that is not stored yet
	Proof bool                // a stage that wants proof: an empty or senseless answer must never bring anybody on
	Plan  func(p *stage.Plan) // what the stage finds in the plan
	Fails bool                // the stage is one that fails on purpose
}

// Run is the suite that every stage kind passes: it is described, its page is whole and speaks from the tables, and no answer, however
// senseless, breaks it or, where it wants proof, brings anybody on.
func Run(t *testing.T, s Subject) {
	t.Run("described", func(t *testing.T) { described(t, s) })
	t.Run("page", func(t *testing.T) { page(t, s) })
	t.Run("stored", func(t *testing.T) { stored(t, s) })
	t.Run("answers", func(t *testing.T) { answers(t, s) })
}

func (s Subject) open(t *testing.T) (*House, *stage.Kind) {
	t.Helper()
	h := Open(t, s.With)
	k := h.Engine.Stages[s.Model]
	if k == nil {
		t.Fatalf("there is no kind %s", s.Model)
	}
	return h, k
}

func described(t *testing.T, s Subject) {
	_, k := s.open(t)
	for _, c := range []struct {
		what, value, pattern string
	}{
		{"path", k.Path, `^stages/[a-z_/]+$`},
		{"model", k.Model, `^authentik_stages_[a-z_]+\.[a-z]+stage$`},
		{"schema", k.Kind.Schema, `^[A-Z][A-Za-z]+Stage$`},
		{"title", k.Title, ` Stage$`},
		{"plural", k.Plural, ` Stages$`},
		{"component", k.Kind.Component, `^ak-stage-[a-z-]+-form$`},
		{"about", k.About, `^[A-Z].+\.$`},
	} {
		if !regexp.MustCompile(c.pattern).MatchString(c.value) {
			t.Errorf("%s: %q", c.what, c.value)
		}
	}
	if k.Family != stage.Family || !reflect.DeepEqual(k.Order, []string{"name"}) {
		t.Error("the kind is not on the shelf of stages in the order of names")
	}
	if asks := k.Asking.Schema != ""; asks != (k.Asking.Component != "") || asks != (k.Page != "") {
		t.Errorf("a stage that asks needs schema, component and page: %q %q", k.Asking.Schema, k.Asking.Component)
	}
	if k.Asking.Schema == "" {
		return
	}
	if !strings.HasSuffix(k.Asking.Schema, "Challenge") || !strings.HasPrefix(k.Asking.Component, "ak-stage-") {
		t.Errorf("challenge %q, component %q", k.Asking.Schema, k.Asking.Component)
	}
	for _, typ := range []reflect.Type{k.Challenge, k.Answer} {
		for _, f := range kind.FieldsOf(typ) {
			switch f.Name {
			case "type", "component", "flow_info", "response_errors", "pending_user", "pending_user_avatar":
				t.Errorf("%s has %s, which the engine adds", typ, f.Name)
			}
		}
	}
}

var (
	actions  = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tags     = regexp.MustCompile(`(?s)<[^>]*>`)
	keys     = regexp.MustCompile(`\.T "([^"]+)"`)
	handlers = regexp.MustCompile(`(?i)<[^>]*\s(on[a-z]+|style)\s*=`)
)

// page checks that a page is a template with the block "form", has no words of its own, no script and no style, and that the tables
// have what it says.
func page(t *testing.T, s Subject) {
	_, k := s.open(t)
	if k.Page == "" {
		return
	}
	tpl, err := template.New("page").Funcs(template.FuncMap{"safe": func(string) string { return "" }, "link": func(any) string { return "" }}).Parse(k.Page)
	if err != nil {
		t.Fatal(err)
	}
	if tpl.Lookup("form") == nil {
		t.Error(`the page has no block "form"`)
	}
	tables, err := text.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	en := tables.Choose("en")
	for _, m := range keys.FindAllStringSubmatch(k.Page, -1) {
		if !en.Has(m[1]) {
			t.Errorf("no table has %q", m[1])
		}
	}
	if m := handlers.FindString(k.Page); m != "" || strings.Contains(k.Page, "<script") || strings.Contains(k.Page, "<style") {
		t.Errorf("a page holds neither script nor style: %s", m)
	}
	if words := strings.TrimSpace(tags.ReplaceAllString(actions.ReplaceAllString(k.Page, ""), "")); regexp.MustCompile(`\pL`).MatchString(words) {
		t.Errorf("words that are in no table: %q", words)
	}
}

// stored checks that a stage comes back as it was stored, with its dependencies, and that its name is taken for every kind of stage.
func stored(t *testing.T, s Subject) {
	h, k := s.open(t)
	obj := s.Make(h)
	obj.(stage.Shared).Stage().Name = "one"
	h.Make(obj)
	again, err := h.Store.Get(t.Context(), k.Kind, "pk", obj.(stage.Shared).Stage().PK)
	if err != nil {
		t.Fatal(err)
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if !f.Stored() {
			continue
		}
		a, b := k.Value(obj, f).Interface(), k.Value(again, f).Interface()
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: stored %v, read %v", f.Name, a, b)
		}
	}
	other := s.Make(h)
	other.(stage.Shared).Stage().Name = "one"
	if err := h.Store.Write(t.Context(), store.House, func(tx *store.Tx) error { return tx.Create(other) }); err == nil {
		t.Error("two stages have one name")
	}
	if h.Engine.Stages[s.Model].Path == "" {
		t.Error("no path")
	}
}

// senseless are answers that no honest client gives.
func senseless(k *stage.Kind) []map[string]any {
	out := []map[string]any{{}, {"component": k.Asking.Component}, {"component": ""}, {"nobody_knows_this": 1}}
	values := []any{nil, true, false, 7, -1, 1.5, "", " ", "x", "\x00", strings.Repeat("ä", 20_000), []any{}, []any{"x"}, map[string]any{}, map[string]any{"a": map[string]any{}}}
	for _, f := range kind.FieldsOf(k.Answer) {
		for _, v := range values {
			if _, ok := v.(bool); ok && f.Type == "boolean" {
				continue // an honest answer
			}
			out = append(out, map[string]any{f.Name: v})
		}
	}
	return out
}

func answers(t *testing.T, s Subject) {
	h, k := s.open(t)
	obj := s.Make(h)
	f := h.Flow("suite", flow.Authentication, obj)
	pk := obj.(stage.Shared).Stage().PK
	ada := h.User("ada", "a good password")
	people := map[string]func(p *stage.Plan) *Browser{
		"nobody":      func(*stage.Plan) *Browser { return h.Browser() },
		"pending":     func(p *stage.Plan) *Browser { p.SetUser(ada); return h.Browser() },
		"made up":     func(p *stage.Plan) *Browser { p.SetUser(&user.User{Username: "nobody"}); return h.Browser() },
		"signed in":   func(*stage.Plan) *Browser { return h.SignedIn(ada) },
		"gone person": func(p *stage.Plan) *Browser { p.SetUser(&user.User{PK: 4711}); return h.Browser() },
	}
	for name, who := range people {
		t.Run(name, func(t *testing.T) {
			begin := func() *Browser {
				p := stage.NewPlan(f.PK, nil)
				b := who(p)
				if s.Plan != nil {
					s.Plan(p)
				}
				p.Append(stage.Step{Stage: pk})
				h.Begin(b, f, p)
				return b
			}
			first := begin().Step("suite", "", nil)
			sound(t, s, "GET", first)
			for _, a := range senseless(k) {
				b := begin()
				b.Step("suite", "", nil)
				out := b.Step("suite", "", a)
				said, _ := json.Marshal(a)
				if len(said) > 80 {
					said = said[:80]
				}
				sound(t, s, string(said), out)
				if s.Proof && first.Challenge != nil && first.Challenge.Stage != nil && (out.To != "" || out.Advance) {
					t.Errorf("%s brings one on: %s", said, Component(out))
				}
			}
		})
	}
}

// sound says whether an outcome is one that the engine may give.
func sound(t *testing.T, s Subject, what string, out flow.Outcome) {
	t.Helper()
	if c := Component(out); (c == "ak-stage-flow-error") != s.Fails || c == "nothing" && !out.Advance {
		t.Errorf("%s: %s", what, c)
	}
}

// Begin puts a plan into a browser's session, as a provider does.
func (h *House) Begin(b *Browser, f *flow.Flow, p *stage.Plan) {
	h.T.Helper()
	ctx := b.Context()
	err := h.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		_, started, key, err := h.Engine.Begin(tx, b.Session(), f, p, "")
		if started != nil {
			b.Key = key
		}
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
}

// Plan reads the plan of a browser's session, nil when there is none.
func (h *House) Plan(b *Browser) *stage.Plan {
	h.T.Helper()
	p, err := h.Engine.PlanOf(context.Background(), b.Session())
	if err != nil {
		h.T.Fatal(err)
	}
	return p
}
