package prompt

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"gatehouse/backend/expr"
	"gatehouse/backend/policy"
	"gatehouse/backend/user"
)

// Field is a prompt as it is asked.
type Field struct {
	FieldKey     string   `json:"field_key"`
	Label        string   `json:"label"`
	Type         string   `json:"type" enum:"text,text_area,text_read_only,text_area_read_only,username,email,password,number,checkbox,radio-button-group,dropdown,date,date-time,file,separator,hidden,static,ak-locale"`
	Required     bool     `json:"required"`
	Placeholder  string   `json:"placeholder"`
	InitialValue string   `json:"initial_value"`
	Order        int      `json:"order"`
	SubText      string   `json:"sub_text"`
	Choices      []string `json:"choices" is:"nullable"`
}

// SchemaName implements kind.SchemaNamer.
func (Field) SchemaName() string { return "StagePrompt" }

// env is what the expressions of prompts may look at.
type env struct {
	ctx     context.Context
	host    expr.Host
	user    *user.User
	request *policy.Request
	data    map[string]any // prompt_data of the plan
	dry     bool           // a preview, or a second look at what was shown already
	failed  func(p *Prompt, err error)
}

// run evaluates an expression of p; ok is false when it failed.
func (e *env) run(p *Prompt, text string) (v any, ok bool) {
	vars := expr.Vars{"prompt_context": e.data}
	if e.user != nil {
		vars["user"] = e.user
	}
	if e.request != nil {
		r := *e.request
		r.Obj = p
		vars["request"] = &r
	}
	res, err := e.host.Run(e.ctx, expr.Call{Use: expr.Prompt, Name: p.Name, Text: text, Vars: vars, Dry: e.dry})
	if err != nil {
		if e.failed != nil {
			e.failed(p, err)
		}
		return nil, false
	}
	return res.Value, true
}

// field gives a prompt as it is asked.
func (e *env) field(p *Prompt) Field {
	f := Field{FieldKey: p.FieldKey, Label: p.Label, Type: p.Type, Required: p.Required, Order: p.Order, SubText: p.SubText}
	if p.choice() {
		f.Choices = e.choices(p)
	} else {
		f.Placeholder = e.placeholder(p)
	}
	f.InitialValue = e.initial(p, f.Choices)
	return f
}

// choice says whether one of several values is chosen.
func (p *Prompt) choice() bool { return p.Type == Radio || p.Type == Dropdown }

func (e *env) placeholder(p *Prompt) string {
	if p.PlaceholderIsExpr {
		if v, ok := e.run(p, p.Placeholder); ok {
			return text(v)
		}
	}
	return p.Placeholder
}

// choices gives what may be chosen: what an earlier stage left, what the placeholder's expression gives, else the placeholder alone.
func (e *env) choices(p *Prompt) []string {
	v, ok := e.data[p.FieldKey+"__choices"]
	if !ok && p.PlaceholderIsExpr {
		v, ok = e.run(p, p.Placeholder)
	}
	if !ok {
		v = p.Placeholder
	}
	switch list := v.(type) {
	case []any:
		out := make([]string, len(list))
		for i, x := range list {
			out[i] = text(x)
		}
		return out
	case []string:
		return append([]string{}, list...)
	}
	return []string{text(v)}
}

// initial gives what a field holds at first: what is known already, what its expression gives, else its text. A password is never shown
// again.
func (e *env) initial(p *Prompt, choices []string) string {
	value := p.InitialValue
	known, ok := e.data[p.FieldKey]
	switch {
	case p.Type == Password:
		return ""
	case ok:
		value = text(known)
	case p.InitialIsExpr:
		if v, ok := e.run(p, p.InitialValue); ok {
			value = text(v)
		}
	}
	if p.choice() && !slices.Contains(choices, value) {
		value = ""
		if len(choices) > 0 {
			value = choices[0]
		}
	}
	return value
}

// text is a value as a field shows it; what is nothing or false is empty, so that a box stays unchecked.
func text(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		if x {
			return "true"
		}
		return ""
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case map[string]any, []any:
		if b, err := json.Marshal(x); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}

// ExpressionUse says what the expressions of a prompt are for.
func (p *Prompt) ExpressionUse() expr.Use { return expr.Prompt }

// ExpressionNames are the variables of a prompt's expressions.
func (p *Prompt) ExpressionNames() []expr.Name {
	return []expr.Name{
		{Name: "user", Kind: "variable", Help: "Whom the flow is about."},
		{Name: "prompt_context", Kind: "variable", Help: "What was asked so far, by field."},
	}
}
