// Package prompt is the stage that asks for values: names, addresses, passwords, choices; each field is a prompt of its own.
//
//	prompts by order ─▶ challenge ─▶ answer ─▶ value by value ▸ equal passwords ▸ validation policies ─▶ prompt_data of the plan
package prompt

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"slices"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

//go:embed page.html
var page string

// Stage asks for its fields.
type Stage struct {
	stage.Base
	Fields   []string `json:"fields" is:"required" ref:"prompts" format:"uuid"`
	Policies []string `json:"validation_policies" ref:"policies" format:"uuid" help:"All of them have to agree with what was typed."`

	d *Deps
}

// Challenge asks for values.
type Challenge struct {
	Fields []Field `json:"fields"`
}

// Multipart says whether a page has to send files.
func (c *Challenge) Multipart() bool {
	return slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Type == File })
}

// Answer holds a value by each field's key.
type Answer struct {
	raw map[string]json.RawMessage
}

// SetRaw implements stage.RawAnswer.
func (a *Answer) SetRaw(body map[string]json.RawMessage) { a.raw = body }

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/prompt/stages", Model: "authentik_stages_prompt.promptstage", Schema: "PromptStage", Title: "Prompt Stage",
		Component: "ak-stage-prompt-form", About: "Ask people for values and keep them for the next stages.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{Schema: "PromptChallenge", Component: "ak-stage-prompt", Page: page}, func() *Stage { return &Stage{d: &d} })
}

// prompts gives the stage's prompts in their order.
func (s *Stage) prompts(t *stage.Turn) ([]*Prompt, error) {
	if len(s.Fields) == 0 {
		return nil, nil
	}
	ps, err := store.All[Prompt](t.Ctx, s.d.Store, store.Query{PKs: s.Fields})
	slices.SortStableFunc(ps, func(a, b *Prompt) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name)) })
	return ps, err
}

// env gives what expressions see; failures are told in the audit log when tell is set.
func (s *Stage) env(t *stage.Turn, tell bool) *env {
	data, _ := t.Plan.Context[stage.PromptData].(map[string]any)
	if data == nil {
		data = map[string]any{}
	}
	return &env{ctx: t.Ctx, host: s.d.Host, user: t.User, data: data,
		request: &policy.Request{User: t.User, Context: t.Plan.Context, HTTP: t.Request.HTTP, Plan: t.Plan},
		dry:     !tell,
	}
}

// Show asks for every field.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	ps, err := s.prompts(t)
	if err != nil {
		return stage.Fail(err)
	}
	e := s.env(t, true)
	c := &Challenge{Fields: make([]Field, 0, len(ps))}
	for _, p := range ps {
		c.Fields = append(c.Fields, e.field(p))
	}
	return stage.Ask(c)
}

// Take holds the answer against the prompts and the policies. What no prompt asks for is dropped.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	ps, err := s.prompts(t)
	if err != nil {
		return stage.Fail(err)
	}
	e := s.env(t, false)
	values, bad := map[string]any{}, fault.Fields{}
	var secrets []string
	for _, p := range ps {
		f := e.field(p)
		v, has, err := s.value(t, p, f, in.raw[p.FieldKey])
		switch {
		case err != nil:
			if bad.Merge(err) != nil {
				return stage.Fail(err)
			}
		case has:
			values[p.FieldKey] = v
		}
		if p.Type == Password {
			word, _ := v.(string)
			secrets = append(secrets, word)
		}
	}
	if len(bad) > 0 {
		return stage.Retry(stage.Faults(bad.Err()))
	}
	if len(secrets) == 2 && secrets[0] != secrets[1] {
		return stage.WrongAll("Passwords don't match.")
	}
	if len(s.Policies) > 0 {
		res, err := s.d.Policies(t.Ctx, s.Policies, &policy.Request{User: t.User, Obj: s, Context: map[string]any{stage.PromptData: values}, HTTP: t.Request.HTTP})
		if err != nil {
			return stage.Fail(err)
		}
		if !res.Passing {
			out := stage.Errors{}
			for _, m := range res.Messages {
				out[fault.NonField] = append(out[fault.NonField], stage.Error{String: m, Code: "invalid"})
			}
			return stage.Retry(out)
		}
	}
	data := t.Plan.Map(stage.PromptData)
	for k, v := range values {
		data[k] = v
	}
	return stage.Done()
}
