package flow_test

import (
	"strings"
	"sync"
	"testing"

	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/deny"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
)

// probe is a stage whose behaviour a test gives by its name.
type probe struct {
	stage.Base
	acts *acts
}

type probeChallenge struct {
	Word string `json:"word"`
}

type probeAnswer struct {
	Word string `json:"word" is:"required"`
}

type act struct {
	show func(t *stage.Turn) stage.Result
	take func(t *stage.Turn, in *probeAnswer) stage.Result
}

type acts struct {
	mu sync.Mutex
	m  map[string]act
}

func (a *acts) of(name string) act {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.m[name]
}

func (a *acts) set(name string, x act) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.m[name] = x
}

func (p *probe) Show(t *stage.Turn) stage.Result {
	if f := p.acts.of(p.Name).show; f != nil {
		return f(t)
	}
	return stage.Ask(&probeChallenge{Word: p.Name})
}

func (p *probe) Take(t *stage.Turn, in *probeAnswer) stage.Result {
	if f := p.acts.of(p.Name).take; f != nil {
		return f(t, in)
	}
	return stage.Done()
}

// open makes a house with dummies, deny stages and probes.
func open(t *testing.T, inlines ...stage.Inline) (*stagetest.House, *acts) {
	a := &acts{m: map[string]act{}}
	return stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		return stagetest.Made{Inlines: inlines, Stages: []*stage.Kind{
			dummy.Kind(dummy.Deps{Deps: h.Stage}), deny.Kind(deny.Deps{Deps: h.Stage}),
			stage.New[probe, probeChallenge, probeAnswer](h.Stage, kind.Spec{
				Path: "stages/probe", Model: "authentik_stages_probe.probestage", Schema: "ProbeStage", Title: "Probe Stage",
			}, stage.Asking{Schema: "ProbeChallenge", Component: "ak-stage-probe", User: true}, func() *probe { return &probe{acts: a} }),
		}}
	}), a
}

func dummies(h *stagetest.House, names ...string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		d := stagetest.New[dummy.Stage](h)
		d.Name = n
		out[i] = d
	}
	return out
}

func aProbe(h *stagetest.House, name string) *probe {
	p := stagetest.New[probe](h)
	p.Name = name
	return p
}

// shown gives the name that the dummy or probe on the screen tells, else the component.
func shown(out flow.Outcome) string {
	m := stagetest.Wire(out)
	for _, k := range []string{"name", "word"} {
		if s, ok := m[k].(string); ok {
			return s
		}
	}
	return stagetest.Component(out)
}

func TestTwoStages(t *testing.T) {
	h, _ := open(t)
	h.Flow("two", flow.Authentication, dummies(h, "first", "second")...)
	b := h.Browser()
	if got := shown(b.Step("two", "", nil)); got != "first" {
		t.Fatal(got)
	}
	out := b.Step("two", "", map[string]any{})
	if !out.Advance || out.Challenge != nil || out.To != "" {
		t.Fatalf("an answer does not advance: %+v", out)
	}
	if p := h.Plan(b); len(p.Steps) != 1 {
		t.Errorf("%d steps are left", len(p.Steps))
	}
	if got := shown(b.Step("two", "", nil)); got != "second" {
		t.Error(got)
	}
	if out := b.Step("two", "", map[string]any{}); out.To != "/" || out.Advance {
		t.Errorf("the end: %+v", out)
	}
	if h.Plan(b) != nil {
		t.Error("the plan stays after the end")
	}
	if got := shown(b.Step("two", "", nil)); got != "first" {
		t.Errorf("afterwards the flow begins anew: %s", got)
	}
}

func TestUnknownFlow(t *testing.T) {
	h, _ := open(t)
	if _, err := h.Browser().Try("nowhere", "", nil); err == nil {
		t.Error("no error")
	}
}

func TestAnswerWithoutGet(t *testing.T) {
	h, _ := open(t)
	h.Flow("two", flow.Authentication, dummies(h, "first", "second")...)
	if got := shown(h.Browser().Post("two", "", nil)); got != "second" {
		t.Errorf("a POST plans and answers the first stage: %s", got)
	}
}

// A second answer to the same page (double click, back button) is held against the stage that is current by then.
func TestAnswerTwice(t *testing.T) {
	h, a := open(t)
	a.set("b", act{take: func(_ *stage.Turn, in *probeAnswer) stage.Result {
		if in.Word != "two" {
			return stage.Wrong("word", "No.")
		}
		return stage.Done()
	}})
	h.Flow("f", flow.Authentication, aProbe(h, "a"), aProbe(h, "b"))
	b := h.Browser()
	b.Get("f", "")
	b.Step("f", "", map[string]any{"word": "one"})
	out := b.Step("f", "", map[string]any{"word": "one"})
	if shown(out) != "b" || stagetest.Problem(out, "word") != "No. (invalid)" {
		t.Errorf("%s %s", shown(out), stagetest.Problem(out, "word"))
	}
}

func TestPlanOfAnotherFlow(t *testing.T) {
	h, _ := open(t)
	h.Flow("one", flow.Authentication, dummies(h, "a", "b")...)
	h.Flow("other", flow.Authentication, dummies(h, "c")...)
	b := h.Browser()
	b.Post("one", "", nil)
	if got := shown(b.Get("other", "")); got != "c" {
		t.Errorf("the other flow shows %s", got)
	}
	if got := shown(b.Get("one", "")); got != "a" {
		t.Errorf("the first flow begins anew: %s", got)
	}
}

func TestNext(t *testing.T) {
	h, _ := open(t)
	h.Flow("empty", flow.Authentication)
	h.Flow("full", flow.Authentication, dummies(h, "a")...)
	for query, want := range map[string]string{
		"":                                  "to /",
		"next=%2Funique-string":             "to /unique-string",
		"next=%2Fif%2Fadmin%2F%3Fa%3Db%23c": "to /if/admin/?a=b#c",
		"next=http%3A%2F%2Fevil.test":       "Invalid next URL",
		"next=https%3Aevil.test":            "Invalid next URL",
		"next=%2F%2Fevil.test":              "Invalid next URL",
		"next=%2F%5Cevil.test":              "Invalid next URL",
		"next=%5C%5Cevil.test":              "Invalid next URL",
		"next=javascript%3Aalert(1)":        "Invalid next URL",
		"next=%2Fa%0D%0ASet-Cookie%3A%20x":  "Invalid next URL",
		"next=%2F%09%2Fevil.test":           "Invalid next URL",
		"next=evil.test":                    "Invalid next URL",
		"next=+%2F%2Fevil.test":             "Invalid next URL",
		"next=%2F%00":                       "Invalid next URL",
		"next=authentik_core%3Aif-user":     "Invalid next URL",
	} {
		for _, slug := range []string{"empty", "full"} {
			b := h.Browser()
			out := b.Get(slug, query)
			if slug == "full" {
				out = b.Post(slug, query, nil)
			}
			got := stagetest.Component(out)
			if why, denied := stagetest.Denied(out); denied {
				got = why
			}
			if got != want {
				t.Errorf("%s?%s: %s, want %s", slug, query, got, want)
			}
		}
	}
}

func TestRedirectOfThePlan(t *testing.T) {
	h, a := open(t)
	a.set("a", act{show: func(t *stage.Turn) stage.Result {
		t.Plan.Context[stage.RedirectTo] = "https://elsewhere.test/cb"
		return stage.Done()
	}})
	h.Flow("f", flow.Authentication, aProbe(h, "a"))
	if out := h.Browser().Get("f", "next=%2Fx"); out.To != "https://elsewhere.test/cb" {
		t.Errorf("%+v", out)
	}
}

func TestReevaluatedBindings(t *testing.T) {
	for _, tt := range []struct {
		name string
		pass []bool
		want []string
	}{
		{"all pass", []bool{true, true, true}, []string{"a", "b", "c", "to /"}},
		{"last fails", []bool{true, true, false}, []string{"a", "b", "to /"}},
		{"middle fails", []bool{true, false, true}, []string{"a", "c", "to /"}},
		{"first fails", []bool{false, true, true}, []string{"b", "c", "to /"}},
		{"two in a row fail", []bool{false, false, true}, []string{"c", "to /"}},
		{"every one fails", []bool{false, false, false}, []string{"to /"}},
	} {
		for _, whole := range []bool{false, true} {
			h, _ := open(t)
			f := h.Flow("f", flow.Authentication)
			for i, d := range dummies(h, "a", "b", "c") {
				h.Asks(h.Bind(f, d, i).PK, stagetest.Answer(tt.pass[i]))
			}
			b := h.Browser()
			b.Whole = whole
			got := []string{shown(b.Get("f", ""))}
			for range tt.want[1:] {
				got = append(got, shown(b.Post("f", "", nil)))
			}
			if strings.Join(got, " ") != strings.Join(tt.want, " ") {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
	}
}

func TestEvaluatedOnPlan(t *testing.T) {
	h, _ := open(t)
	f := h.Flow("f", flow.Authentication)
	for i, d := range dummies(h, "a", "b") {
		bind := h.Bind(f, d, i, func(b *flow.Binding) { b.OnPlan, b.OnRun = true, false })
		h.Asks(bind.PK, stagetest.Answer(i == 1))
	}
	b := h.Browser()
	if got := shown(b.Get("f", "")); got != "b" {
		t.Error(got)
	}
	if p := h.Plan(b); len(p.Steps) != 1 || p.Steps[0].Reevaluate {
		t.Errorf("%+v", p.Steps)
	}
	h.Write(func(tx *store.Tx) error { // gone meanwhile: what is planned counts
		_, err := tx.Exec(`DELETE FROM object WHERE kind = 'authentik_policies.policybinding'`)
		return err
	})
	if got := shown(b.Post("f", "", nil)); got != "to /" {
		t.Error(got)
	}
}

// A binding that was taken away while a plan holds it is passed over.
func TestUnboundMeanwhile(t *testing.T) {
	h, _ := open(t)
	f := h.Flow("f", flow.Authentication, dummies(h, "a")...)
	bind := h.Bind(f, dummies(h, "b")[0], 50)
	b := h.Browser()
	b.Get("f", "")
	h.Write(func(tx *store.Tx) error { return tx.Delete(store.KindOf[flow.Binding](h.Store), bind.PK) })
	if got := shown(b.Post("f", "", nil)); got != "to /" {
		t.Error(got)
	}
}
