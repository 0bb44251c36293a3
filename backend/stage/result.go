package stage

import (
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// Error is one thing that is wrong with an answer.
type Error struct {
	String string `json:"string"`
	Code   string `json:"code"`
}

// Errors are what is wrong with an answer, by field.
type Errors map[string][]Error

// Verdict is what came of a run of a stage.
type Verdict int

// The verdicts.
const (
	Asked      Verdict = iota // the person has to answer
	Finished                  // the stage is through
	Denied                    // the flow ends here
	Redirected                // the person goes elsewhere; the plan stays
	Retried                   // the answer was wrong; ask again
	Failed                    // an error of ours
)

// Result is what a stage gives.
type Result struct {
	Verdict   Verdict
	Challenge any    // Asked: the struct that the kind asks with
	Message   string // Denied: why; "" shows "Unknown error"
	URL       string // Redirected
	Errors    Errors // Retried
	Err       error  // Failed

	write     func(tx *store.Tx) error
	soon      bool
	otherwise func(err error) Result
}

// Ask shows a challenge.
func Ask(challenge any) Result { return Result{Verdict: Asked, Challenge: challenge} }

// Done goes on with the next stage.
func Done() Result { return Result{Verdict: Finished} }

// Deny ends the flow with a reason.
func Deny(message string) Result { return Result{Verdict: Denied, Message: message} }

// Redirect sends the person elsewhere.
func Redirect(url string) Result { return Result{Verdict: Redirected, URL: url} }

// Retry asks again and tells what was wrong.
func Retry(e Errors) Result { return Result{Verdict: Retried, Errors: e} }

// Wrong is Retry about one field.
func Wrong(field, message string) Result {
	return Retry(Errors{field: {{String: message, Code: "invalid"}}})
}

// WrongAll is Retry about the whole answer.
func WrongAll(message string) Result { return Wrong(fault.NonField, message) }

// Fail is an error of ours: the person sees that something went wrong, the log sees what.
func Fail(err error) Result { return Result{Verdict: Failed, Err: err} }

// Writing has fn run in one transaction with the plan before the result counts. fn may run twice.
func (r Result) Writing(fn func(tx *store.Tx) error) Result {
	r.write = fn
	return r
}

// Soon says that nobody relies on the writing yet, whoever began it can begin it anew (db.Tx.Soon).
func (r Result) Soon() Result {
	r.soon = true
	return r
}

// IsSoon says whether Soon was said.
func (r Result) IsSoon() bool { return r.soon }

// Else says what comes instead when the writing was refused (a fault that is not our own error).
func (r Result) Else(f func(err error) Result) Result {
	r.otherwise = f
	return r
}

// Write gives what Writing set, nil when nothing.
func (r Result) Write() func(tx *store.Tx) error { return r.write }

// Refused gives what comes instead of the result when its writing failed with err.
func (r Result) Refused(err error) Result {
	f := fault.As(err)
	if r.otherwise == nil || f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return Fail(err)
	}
	return r.otherwise(err)
}
