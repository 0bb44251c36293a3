// Package world is what expressions see of the house: the variables, functions, modules and objects of the release, around the interpreter.
//
//	Call ─▶ program (compiled once, kept) ─▶ run: names ▸ objects ▸ relations ─▶ py ─▶ Result
//
// Objects read like the release's, lazily, and give no way to settings, secrets or the database. What a run may change are people, groups,
// the plan of the flow and the requirement of the first-run flow, each with its audit event, and nothing at all in a dry run.
package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/fault"
	"gatehouse/backend/geo"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// The limits of a run. The time is for calls that come without a deadline of their own.
const (
	longest   = 30 * time.Second
	mostText  = 256 << 10 // bytes of an expression
	mostValue = 4 << 20   // bytes of what it returns, as JSON
	mostLines = 500       // of log and messages each
)

// World runs expressions. It implements expr.Host.
type World struct {
	Store  *store.Store
	Users  *user.Directory
	Brands *brand.Room
	Events *event.Log
	Log    *slog.Logger
	// Geo tells policies where an address is.
	Geo *geo.Room
	// Client makes the requests of expressions, behind the guard of outgoing requests.
	Client *http.Client
	// Limits bound each run; zero values mean those of the interpreter.
	Limits py.Limits
	// Policy asks a policy by its name, for ak_call_policy.
	Policy func(ctx context.Context, name string, r *policy.Request) (policy.Result, error)

	programs programs
	types    types
	names    lookups
	groups   memberships
	dns      names
	modules  struct {
		once sync.Once
		m    map[string]*py.Module
	}
}

var _ expr.Host = (*World)(nil)

// Check implements expr.Host.
func (w *World) Check(text string) error {
	if strings.TrimSpace(text) == "" {
		return fault.Field("expression", "This field may not be blank.")
	}
	if len(text) > mostText {
		return fault.Field("expression", fmt.Sprintf("Ensure this field has no more than %d characters.", mostText))
	}
	if _, err := w.programs.get(text); err != nil {
		return fault.Field("expression", "Expression Syntax Error: "+strings.TrimPrefix(err.Error(), "SyntaxError: "))
	}
	return nil
}

// Run implements expr.Host.
func (w *World) Run(ctx context.Context, c expr.Call) (expr.Result, error) {
	r := &run{w: w, ctx: ctx, call: c}
	res, err := r.guarded()
	if err == nil {
		if c.Use == expr.Policy && res.Value == nil {
			r.log("warning", "Policy returned none, value ignored", nil)
		}
		res.Messages, res.Log = r.messages, r.lines
		return res, nil
	}
	res = expr.Result{Messages: r.messages, Log: r.lines}
	why := explain(c.Name, err)
	if c.Use != expr.Policy && !c.Dry {
		if e := w.tell(ctx, c, why); e != nil {
			return res, e
		}
	}
	kind := fault.Invalid
	if why.Err != nil && errors.Is(why.Err, context.Canceled) {
		kind = fault.Unavailable
	}
	why.Err = &fault.Error{Kind: kind, Say: why.Error(), Cause: why.Err}
	return res, why
}

// tell writes the event of a mapping or prompt that failed.
func (w *World) tell(ctx context.Context, c expr.Call, why *expr.Error) error {
	return w.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		return w.Events.EmitTx(tx, event.Entry{Action: "property_mapping_exception", App: c.Name, Context: map[string]any{
			"expression": c.Text, "message": why.Trace,
		}})
	})
}

// explain turns what ended a run into words.
func explain(name string, err error) *expr.Error {
	var exc *py.Exc
	var limit *py.LimitError
	var syntax *py.SyntaxError
	switch {
	case errors.As(err, &exc):
		return &expr.Error{Type: exc.Kind.Name, Text: exc.Message(), Line: exc.Line, Trace: exc.Traceback(name)}
	case errors.As(err, &limit):
		e := &expr.Error{Type: "LimitExceeded", Text: limit.Error(), Line: limit.Line, Err: limit.Err}
		if limit.What == "time" {
			e.Type, e.Text = "Timeout", "the expression did not end in time"
		}
		e.Trace = fmt.Sprintf("File %q, line %d\n%s: %s", name, e.Line, e.Type, e.Text)
		return e
	case errors.As(err, &syntax):
		return &expr.Error{Type: "SyntaxError", Text: syntax.Msg, Line: syntax.Line, Trace: fmt.Sprintf("File %q, line %d\nSyntaxError: %s", name, syntax.Line, syntax.Msg)}
	case errors.Is(err, context.DeadlineExceeded):
		return &expr.Error{Type: "Timeout", Text: "the expression did not end in time", Trace: "Timeout: the expression did not end in time", Err: err}
	}
	return &expr.Error{Type: "RuntimeError", Text: fault.As(err).Say, Trace: "RuntimeError: " + fault.As(err).Say, Err: err}
}
