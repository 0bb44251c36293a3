// Package fault is the one error type of the house: what went wrong in a sentence that may be shown, and the cause that only the log sees.
//
// Rooms return faults, doors (rest, web) turn the Kind into a status. An error that is no fault is Internal.
package fault

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Kind says what sort of failure it is; a door maps it to its own status.
type Kind int

// The kinds, with the HTTP status that rest and web give them.
const (
	Internal        Kind = iota // 500: our failure; only the log sees the cause
	Invalid                     // 400: the request can't be accepted as it is
	Unauthenticated             // 401 or 403: nobody is known to ask
	Denied                      // 403: known, and not allowed
	NotFound                    // 404: no such object, or none that the caller may see
	Conflict                    // 409: clashes with what is stored
	TooLarge                    // 413: the body is over the limit
	TooMany                     // 429: too many tries
	Unavailable                 // 503: can't be done now (disk full, shutting down)
	Method                      // 405: the resource has no such method
	Media                       // 415: the body is of a type that isn't read
)

// NonField is the key of messages that belong to no single field.
const NonField = "non_field_errors"

// Error is a failure with what may be said about it.
type Error struct {
	Kind   Kind
	Say    string              // one plain sentence for whoever asked
	Code   string              // machine-readable code, "" for "invalid"
	Fields map[string][]string // messages by field (JSON name); NonField for the whole
	Cause  error               // for the log only
	Later  bool                // comes with Issue; see NotYet
	Issue  int
}

// Error gives the text for logs: what was said and why.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Say)
	if len(e.Fields) > 0 {
		names := make([]string, 0, len(e.Fields))
		for n := range e.Fields {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			if b.Len() > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s: %s", n, strings.Join(e.Fields[n], " "))
		}
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault that says one sentence.
func New(k Kind, say string) *Error { return &Error{Kind: k, Say: say} }

// Newf is New with a format.
func Newf(k Kind, format string, a ...any) *Error {
	return &Error{Kind: k, Say: fmt.Sprintf(format, a...)}
}

// NotYet makes the Invalid fault of work that belongs to a later issue of the project. Issue 0 is one that is not filed yet.
func NotYet(issue int, say string) *Error {
	return &Error{Kind: Invalid, Say: say, Issue: issue, Later: true}
}

// Wrap makes a fault that says one sentence and keeps the cause for the log.
func Wrap(k Kind, say string, cause error) *Error { return &Error{Kind: k, Say: say, Cause: cause} }

// Field makes an Invalid fault about one field, named as on the wire.
func Field(name, msg string) *Error {
	return &Error{Kind: Invalid, Fields: map[string][]string{name: {msg}}}
}

// Whole makes an Invalid fault about the whole object (non_field_errors).
func Whole(msg string) *Error { return Field(NonField, msg) }

// Under puts the field messages of err below a name, for an object inside another: doors show {"app": {"slug": […]}}. An error that is
// no field fault comes back as it is.
func Under(name string, err error) error {
	var e *Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	out := &Error{Kind: e.Kind, Say: e.Say, Code: e.Code, Cause: e.Cause, Fields: map[string][]string{}}
	for n, ms := range e.Fields {
		out.Fields[name+Inside+n] = ms
	}
	return out
}

// Inside stands between the name of an object and that of a field in it.
const Inside = "\x1f"

// As gives the fault in err's chain; an error without one becomes Internal with itself as the cause. nil stays nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return &Error{Kind: Internal, Say: "Something went wrong on our side. The log has the details.", Cause: err}
}

// Is says whether err is a fault of kind k.
func Is(err error, k Kind) bool {
	var f *Error
	return errors.As(err, &f) && f.Kind == k
}

// Fields gathers messages by field so that all of them can be told at once. The zero value is ready.
type Fields map[string][]string

// Add notes one message about a field.
func (f *Fields) Add(name, msg string) {
	if *f == nil {
		*f = Fields{}
	}
	(*f)[name] = append((*f)[name], msg)
}

// Merge takes over the field messages of err; it returns err when that is no field fault.
func (f *Fields) Merge(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != Invalid || len(e.Fields) == 0 {
		return err
	}
	for n, ms := range e.Fields {
		for _, m := range ms {
			f.Add(n, m)
		}
	}
	return nil
}

// Err gives an Invalid fault with all messages, or nil when there are none.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Fields: f}
}
