// Package expr is the socket of expressions: the small Python bodies of policies, property mappings and prompts.
//
//	policy | mapping | prompt ─▶ Host.Run(Call) ─▶ Result | *Error
//
// Who holds an expression names it, gives its variables and says whether the run is one that may change things. The host is in room
// world below, the interpreter in room py.
package expr

import (
	"context"
	"fmt"
	"time"
)

// Use is what an expression is for; it decides which names it sees.
type Use int

// The uses.
const (
	Policy Use = iota
	Mapping
	Prompt
)

// Vars are the variables that an expression sees by name: plain values as JSON has them, and objects of the house.
type Vars map[string]any

// Facts is an object that an expression reads by its attributes.
type Facts struct {
	Type  string // as Python would name its class
	Attrs map[string]any
}

// Call is one run of an expression.
type Call struct {
	Use  Use
	Name string // of the object that holds it, for errors, logs and the app of events
	Text string
	Vars Vars
	// Dry marks a test run or a preview: nothing is changed and no event written.
	Dry bool
}

// Line is a line that an expression logged.
type Line struct {
	Time       time.Time
	Level      string // debug, info, warning, error
	Text       string
	Attributes map[string]any
}

// Result is what came of a run.
type Result struct {
	// Value is what the body returned, as JSON has it: nil, bool, int64, float64, string, []any, map[string]any. A generator is the list of
	// what it yields, a time its ISO 8601 text, another object its text.
	Value any
	// True is Python's truth of the value.
	True     bool
	Messages []string // of ak_message
	Log      []Line
}

// Host runs expressions. The sockets and plugs ask for this interface.
type Host interface {
	// Run evaluates an expression. An exception, and a run past its limits, is an *Error around a fault whose sentence a person can read;
	// Result then holds what was said and logged before. Of mappings and prompts the host writes the event, of policies the engine does.
	Run(ctx context.Context, c Call) (Result, error)
	// Check says whether the text may be stored; the message is for the field "expression".
	Check(text string) error
}

// Error is why a run ended without a value.
type Error struct {
	Type string // "KeyError"; "Timeout", "LimitExceeded" past a limit
	Text string // "'email'"
	Line int    // in the text, from 1; 0 = unknown
	// Trace is the whole story as Python tells it.
	Trace string
	Err   error // the cause, when it was not the expression's
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Type
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Line > 0 {
		s += fmt.Sprintf(" (line %d)", e.Line)
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Failure is why an expression gave no value, as the API tells it.
type Failure struct {
	Type    string `json:"type" is:"required"`
	Message string `json:"message" is:"required,blank"`
	Line    int    `json:"line" is:"required"`
	Trace   string `json:"trace" is:"required,blank"`
}

// SchemaName names the shape in the API's description.
func (Failure) SchemaName() string { return "ExpressionFailure" }

// Failure tells the error to whoever tried the expression out.
func (e *Error) Failure() *Failure { return &Failure{e.Type, e.Text, e.Line, e.Trace} }

// Name is one name that an expression sees, as its editor offers it.
type Name struct {
	Name      string `json:"name" is:"required"`
	Kind      string `json:"kind" is:"required" enum:"variable,function,module,type,property"`
	Signature string `json:"signature" is:"required,blank"`
	Help      string `json:"help" is:"required,blank"`
	Members   []Name `json:"members" is:"required"`
}

// SchemaName names the shape in the API's description.
func (Name) SchemaName() string { return "ExpressionName" }

// Native is an expression in Go, for tests.
type Native func(ctx context.Context, v Vars) (any, error)

// True gives Python's truth of a value: nil, false, zero, and empty texts, lists and maps are false.
func True(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		return x != ""
	case int:
		return x != 0
	case int64:
		return x != 0
	case float64:
		return x != 0
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	return true
}
