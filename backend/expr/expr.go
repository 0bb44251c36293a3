// Package expr hosts the expressions of policies, property mappings and prompts.
//
// Until the interpreter stands, the expressions that come with Gatehouse run as native functions, found by the SHA-256 of their text;
// any other text is stored and refused for use with a plain sentence.
package expr

import (
	"context"
	"crypto/sha256"
	"strings"

	"gatehouse/backend/fault"
)

// Vars are the variables that an expression sees by name.
type Vars map[string]any

// Host runs expressions. The sockets and plugs ask for this interface.
type Host interface {
	// Run evaluates the text with vars; name is the object that holds it, for errors and logs.
	// It returns Unavailable for a text that can't run, and the expression's own error else.
	Run(ctx context.Context, name, text string, vars Vars) (any, error)
	// Check says whether the text may be stored; the message is for the field "expression".
	Check(text string) error
}

// Native is an expression in Go.
type Native func(ctx context.Context, v Vars) (any, error)

// Natives is a Host of native functions.
type Natives struct {
	byHash map[[sha256.Size]byte]Native
}

// NewNatives makes a host from functions by the text they stand for.
func NewNatives(tables ...map[string]Native) *Natives {
	n := &Natives{byHash: map[[sha256.Size]byte]Native{}}
	for _, t := range tables {
		for text, fn := range t {
			n.byHash[hash(text)] = fn
		}
	}
	return n
}

// hash is the SHA-256 of the text without trailing space: editors and YAML add some.
func hash(text string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.TrimRight(text, " \t\r\n")))
}

// Run implements Host.
func (n *Natives) Run(ctx context.Context, name, text string, vars Vars) (any, error) {
	fn := n.byHash[hash(text)]
	if fn == nil {
		return nil, fault.Newf(fault.Unavailable, "The expression of %q can't run in this version of Gatehouse: only the expressions that come with it do.", name)
	}
	return fn(ctx, vars)
}

// Check implements Host. An empty text is refused.
func (n *Natives) Check(text string) error {
	if strings.TrimSpace(text) == "" {
		return fault.Field("expression", "This field may not be blank.")
	}
	return nil
}

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
