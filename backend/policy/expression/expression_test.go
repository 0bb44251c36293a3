package expression_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/store"
)

// host runs nothing and says what it was asked.
type host struct {
	call   expr.Call
	result expr.Result
	err    error
}

func (h *host) Run(_ context.Context, c expr.Call) (expr.Result, error) {
	h.call = c
	return h.result, h.err
}

func (h *host) Check(text string) error {
	if text == "return (" {
		return fault.Field("expression", "Expression Syntax Error: never closed.")
	}
	return nil
}

// TestPasses holds what an expression is asked with, and what of its run the result tells.
func TestPasses(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	line := expr.Line{Time: at, Level: "warning", Text: "look", Attributes: map[string]any{"a": 1}}
	told := []policy.LogEvent{{Timestamp: at, LogLevel: "warning", Logger: "rule", Event: "look", Attributes: map[string]any{"a": 1}}}
	for _, tt := range []struct {
		name   string
		result expr.Result
		err    error
		want   policy.Result
	}{
		{"true", expr.Result{Value: "yes", True: true, Messages: []string{"hello"}, Log: []expr.Line{line}}, nil, policy.Result{Passing: true, Raw: "yes", Messages: []string{"hello"}, Logs: told}},
		{"false", expr.Result{Value: int64(0), Messages: []string{"no"}}, nil, policy.Result{Raw: int64(0), Messages: []string{"no"}}},
		{"nothing", expr.Result{}, nil, policy.Result{}},
		{"an error", expr.Result{True: true, Log: []expr.Line{line}}, errors.New("broken"), policy.Result{Logs: told}},
	} {
		h := &host{result: tt.result, err: tt.err}
		p := expression.Kind(nil, h).New().(*expression.Policy)
		p.Name, p.Expression = "rule", "return True"
		r := &policy.Request{HTTP: store.HTTP{ClientIP: "192.0.2.7"}, Debug: tt.name == "true"}
		got, err := p.Passes(t.Context(), r)
		if !reflect.DeepEqual(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("%s: %+v %v", tt.name, got, err)
		}
		if c := h.call; c.Use != expr.Policy || c.Name != "rule" || c.Text != "return True" || c.Vars["request"] != any(r) || c.Dry != r.Debug {
			t.Errorf("%s: asked with %+v", tt.name, c)
		}
	}
}

// A text that the host can't read is not stored.
func TestSyntax(t *testing.T) {
	p := expression.Kind(nil, &host{}).New().(*expression.Policy)
	for text, ok := range map[string]bool{"return True": true, "return (": false} {
		p.Expression = text
		if err := p.Saving(nil, nil); (err == nil) != ok || err != nil && fault.As(err).Fields["expression"] == nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
