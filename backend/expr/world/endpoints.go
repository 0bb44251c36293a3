package world

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
)

// Module is a module that an expression may import.
type Module struct {
	Name    string   `json:"name" is:"required"`
	Members []string `json:"members" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Module) SchemaName() string { return "ExpressionModule" }

// Vocabulary is what the editor of an expression completes.
type Vocabulary struct {
	Results  []expr.Name `json:"results" is:"required"`
	Builtins []string    `json:"builtins" is:"required"`
	Keywords []string    `json:"keywords" is:"required"`
	Modules  []Module    `json:"modules" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Vocabulary) SchemaName() string { return "ExpressionVocabulary" }

// CheckRequest is a text to check.
type CheckRequest struct {
	Expression string `json:"expression" is:"required,blank,raw"`
}

// SchemaName implements kind.SchemaNamer.
func (CheckRequest) SchemaName() string { return "ExpressionCheck" }

// Checked says whether a text is an expression, and where it stops being one.
type Checked struct {
	OK      bool   `json:"ok" is:"required"`
	Line    int    `json:"line" is:"required"`
	Column  int    `json:"column" is:"required"`
	Message string `json:"message" is:"required,blank"`
}

// SchemaName implements kind.SchemaNamer.
func (Checked) SchemaName() string { return "ExpressionChecked" }

// RunRequest is a text to try.
type RunRequest struct {
	Model      string         `json:"model" is:"required"`
	Name       string         `json:"name" is:"blank"`
	Expression string         `json:"expression" is:"required,blank,raw"`
	User       *int64         `json:"user"`
	Context    map[string]any `json:"context"`
	Field      string         `json:"field" is:"blank"`
}

// SchemaName implements kind.SchemaNamer.
func (RunRequest) SchemaName() string { return "ExpressionRun" }

// Tried is what came of it.
type Tried struct {
	OK           bool             `json:"ok" is:"required"`
	Passing      *bool            `json:"passing" is:"required"`
	Result       string           `json:"result" is:"required,blank"` // JSON
	Messages     []string         `json:"messages" is:"required"`
	Log          []event.LogEvent `json:"log" is:"required"`
	Error        *expr.Failure    `json:"error" is:"required"`
	Microseconds int64            `json:"microseconds" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Tried) SchemaName() string { return "ExpressionTried" }

// Endpoints are the operations of the editor of expressions. may says whether the caller has a permission.
func (w *World) Endpoints(may func(ctx context.Context, a store.Actor, permission, object string) (bool, error)) []kind.Action {
	allowed := func(ctx context.Context, model string) (*kind.Kind, Namer, error) {
		a := store.ActorOf(ctx)
		k := w.Store.Kind(strings.ToLower(model))
		if k == nil {
			return nil, nil, fault.Field("model", "There is no such model.")
		}
		n, ok := k.New().(Namer)
		if !ok {
			return nil, nil, fault.Field("model", "Objects of this model hold no expressions.")
		}
		for _, verb := range []string{"change", "add"} {
			ok, err := may(ctx, a, k.Perm(verb), "")
			if err != nil || ok {
				return k, n, err
			}
		}
		return nil, nil, fault.New(fault.Denied, "You do not have permission to perform this action.")
	}
	names := kind.Do("GET", "gatehouse/expressions/names", func(ctx context.Context, c *kind.Call, _ *kind.None) (Vocabulary, error) {
		_, n, err := allowed(ctx, c.Query.Get("model"))
		if err != nil {
			return Vocabulary{}, err
		}
		return Vocabulary{Results: w.Names(n.ExpressionUse(), n.ExpressionNames()), Builtins: py.BuiltinNames(), Keywords: py.Keywords(), Modules: w.Modules()}, nil
	})
	names.Operation, names.Access, names.Summary = "gatehouse_expressions_names_retrieve", kind.SignedIn, "The names that an expression of a model sees."
	names.Query = []kind.Param{{Name: "model", Type: "string", Help: "The model that holds the expression, such as authentik_policies_expression.expressionpolicy."}}
	check := kind.Do("POST", "gatehouse/expressions/check", func(_ context.Context, _ *kind.Call, in *CheckRequest) (Checked, error) {
		return w.checked(in.Expression), nil
	})
	check.Operation, check.Access, check.Summary, check.Status = "gatehouse_expressions_check_create", kind.SignedIn, "Whether a text is an expression, and where it stops being one.", 200
	run := kind.Do("POST", "gatehouse/expressions/run", func(ctx context.Context, _ *kind.Call, in *RunRequest) (Tried, error) {
		_, n, err := allowed(ctx, in.Model)
		if err != nil {
			return Tried{}, err
		}
		return w.try(ctx, n, in)
	})
	run.Operation, run.Access, run.Summary, run.Status = "gatehouse_expressions_run_create", kind.SignedIn, "Tries an expression as a person, without changing anything.", 200
	return []kind.Action{names, check, run}
}

func (w *World) checked(text string) Checked {
	if strings.TrimSpace(text) == "" {
		return Checked{OK: true}
	}
	if len(text) > mostText {
		return Checked{Line: 1, Column: 1, Message: "This text is too long."}
	}
	_, err := py.Compile(text)
	var bad *py.SyntaxError
	if errors.As(err, &bad) {
		return Checked{Line: max(bad.Line, 1), Column: 1, Message: bad.Msg}
	}
	return Checked{OK: err == nil}
}

// longestTry bounds a test run.
const longestTry = 10 * time.Second

func (w *World) try(ctx context.Context, n Namer, in *RunRequest) (Tried, error) {
	ctx, stop := context.WithTimeout(ctx, longestTry)
	defer stop()
	call := expr.Call{Use: n.ExpressionUse(), Name: in.Name, Text: in.Expression, Vars: expr.Vars{}, Dry: true}
	if call.Name == "" {
		call.Name = "expression"
	}
	r := &policy.Request{Context: in.Context, HTTP: store.ActorOf(ctx).HTTP, Debug: true}
	if r.Context == nil {
		r.Context = map[string]any{}
	}
	if in.User != nil {
		u, err := w.Users.Viewable(ctx, *in.User)
		if err != nil {
			return Tried{}, fault.Field("user", "There is no such user, or you may not see them.")
		}
		r.User = u
	}
	switch call.Use {
	case expr.Policy:
		call.Vars["request"] = r
	default:
		for _, name := range n.ExpressionNames() {
			call.Vars[name.Name] = nil
		}
		if r.User != nil {
			call.Vars["user"] = r.User
		}
		maps.Copy(call.Vars, in.Context)
		if call.Use == expr.Prompt {
			if call.Vars["prompt_context"] == nil {
				call.Vars["prompt_context"] = map[string]any{}
			}
		}
	}
	began := time.Now()
	res, err := w.Run(ctx, call)
	took := time.Since(began)
	text := ""
	if err == nil {
		b, err := json.MarshalIndent(res.Value, "", "    ")
		if err != nil {
			return Tried{}, err
		}
		text = string(b)
	}
	out := Tried{OK: err == nil, Result: text, Messages: res.Messages, Log: []event.LogEvent{}, Microseconds: took.Microseconds()}
	if out.Messages == nil {
		out.Messages = []string{}
	}
	for _, l := range res.Log {
		out.Log = append(out.Log, event.LogEvent{Timestamp: l.Time, LogLevel: l.Level, Logger: call.Name, Event: l.Text, Attributes: l.Attributes})
	}
	if call.Use == expr.Policy {
		yes := err == nil && res.True
		out.Passing = &yes
	}
	var why *expr.Error
	if errors.As(err, &why) {
		out.Error = why.Failure()
		return out, nil
	}
	return out, err
}
