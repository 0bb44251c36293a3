package py

import (
	"context"
	"fmt"
	"strings"
)

// Exc is an exception of Python. As a Go error its text is "Type: message".
type Exc struct {
	Kind    *Type
	Args    []Value
	Line    int // in the program; 0 before it was raised
	Cause   *Exc
	Context *Exc
	attrs   map[string]Value
	stop    Value // of StopIteration
}

func (e *Exc) Error() string {
	t := NewThread(context.Background(), Limits{})
	s, err := e.text(t)
	if err != nil {
		s = "?"
	}
	if s == "" {
		return e.Kind.Name
	}
	return e.Kind.Name + ": " + s
}

// Message is the text without the type.
func (e *Exc) Message() string {
	s, err := e.text(NewThread(context.Background(), Limits{}))
	if err != nil {
		return "?"
	}
	return s
}

func (e *Exc) text(t *Thread) (string, error) {
	switch {
	case len(e.Args) == 0:
		return "", nil
	case len(e.Args) > 1:
		return t.Repr(&Tuple{e.Args})
	case e.Kind.is(KeyError):
		return t.Repr(e.Args[0])
	}
	return t.Str(e.Args[0])
}

// LimitError ends a run that went past a limit. A program can't catch it.
type LimitError struct {
	What string // steps, time, memory, output
	Line int
	Err  error // of the context
}

func (e *LimitError) Error() string {
	if e.What == "steps" {
		return "the expression took too many steps"
	}
	return "the expression used too much " + e.What
}

func (e *LimitError) Unwrap() error { return e.Err }

var excTypes = map[string]*Type{}

func exc(name string, base *Type) *Type {
	ty := newExc(name, base)
	excTypes[name] = ty
	return ty
}

func newExc(name string, base *Type) *Type {
	ty := objType(name, base)
	if base == nil {
		ty.base = objectType
	}
	return ty
}

// The exceptions of Python.
var (
	BaseException       = exc("BaseException", nil)
	Exception           = exc("Exception", BaseException)
	GeneratorExit       = exc("GeneratorExit", BaseException)
	KeyboardInterrupt   = exc("KeyboardInterrupt", BaseException)
	SystemExit          = exc("SystemExit", BaseException)
	ArithmeticError     = exc("ArithmeticError", Exception)
	FloatingPointError  = exc("FloatingPointError", ArithmeticError)
	OverflowError       = exc("OverflowError", ArithmeticError)
	ZeroDivisionError   = exc("ZeroDivisionError", ArithmeticError)
	AssertionError      = exc("AssertionError", Exception)
	AttributeError      = exc("AttributeError", Exception)
	BufferError         = exc("BufferError", Exception)
	EOFError            = exc("EOFError", Exception)
	ImportError         = exc("ImportError", Exception)
	ModuleNotFoundError = exc("ModuleNotFoundError", ImportError)
	LookupError         = exc("LookupError", Exception)
	IndexError          = exc("IndexError", LookupError)
	KeyError            = exc("KeyError", LookupError)
	MemoryError         = exc("MemoryError", Exception)
	NameError           = exc("NameError", Exception)
	UnboundLocalError   = exc("UnboundLocalError", NameError)
	OSError             = exc("OSError", Exception)
	ConnectionError     = exc("ConnectionError", OSError)
	TimeoutError        = exc("TimeoutError", OSError)
	PermissionError     = exc("PermissionError", OSError)
	FileNotFoundError   = exc("FileNotFoundError", OSError)
	ReferenceError      = exc("ReferenceError", Exception)
	RuntimeError        = exc("RuntimeError", Exception)
	NotImplementedError = exc("NotImplementedError", RuntimeError)
	RecursionError      = exc("RecursionError", RuntimeError)
	StopIteration       = exc("StopIteration", Exception)
	StopAsyncIteration  = exc("StopAsyncIteration", Exception)
	SyntaxErr           = exc("SyntaxError", Exception)
	IndentationError    = exc("IndentationError", SyntaxErr)
	TabError            = exc("TabError", IndentationError)
	SystemError         = exc("SystemError", Exception)
	TypeError           = exc("TypeError", Exception)
	ValueError          = exc("ValueError", Exception)
	UnicodeError        = exc("UnicodeError", ValueError)
	UnicodeDecodeError  = exc("UnicodeDecodeError", UnicodeError)
	UnicodeEncodeError  = exc("UnicodeEncodeError", UnicodeError)
	Warning             = exc("Warning", Exception)
	DeprecationWarning  = exc("DeprecationWarning", Warning)
	RuntimeWarning      = exc("RuntimeWarning", Warning)
	UserWarning         = exc("UserWarning", Warning)
)

// NewException makes a kind of exception for the host.
func NewException(name string, base *Type) *Type {
	ty := newExc(name, base)
	makeExc(ty)
	return ty
}

func init() {
	for _, ty := range excTypes {
		makeExc(ty)
	}
}

// makeExc lets a program make exceptions of the type.
func makeExc(ty *Type) {
	ty.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if len(kw) > 0 {
			return nil, raise(TypeError, "%s() takes no keyword arguments", ty.Name)
		}
		if err := t.alloc(128); err != nil {
			return nil, err
		}
		e := &Exc{Kind: ty, Args: append([]Value(nil), args...)}
		if ty == StopIteration && len(args) > 0 {
			e.stop = args[0]
		}
		return e, nil
	}
}

// raise makes an exception as an error.
func raise(kind *Type, format string, a ...any) error {
	msg := format
	if len(a) > 0 {
		msg = fmt.Sprintf(format, a...)
	}
	return &Exc{Kind: kind, Args: []Value{msg}}
}

// Raise makes an exception for the host.
func Raise(kind *Type, format string, a ...any) error { return raise(kind, format, a...) }

func raiseKey(k Value) error { return &Exc{Kind: KeyError, Args: []Value{k}} }

// excAttr are the attributes of exceptions.
func (e *Exc) attr(name string) (Value, bool) {
	switch name {
	case "args":
		return &Tuple{append([]Value(nil), e.Args...)}, true
	case "__cause__":
		if e.Cause == nil {
			return nil, true
		}
		return e.Cause, true
	case "__context__":
		if e.Context == nil {
			return nil, true
		}
		return e.Context, true
	case "value":
		if e.Kind.is(StopIteration) {
			return e.stop, true
		}
	case "name":
		if e.Kind.is(AttributeError) || e.Kind.is(NameError) || e.Kind.is(ImportError) {
			if v, ok := e.attrs["name"]; ok {
				return v, true
			}
			return nil, true
		}
	}
	v, ok := e.attrs[name]
	return v, ok
}

// Traceback is the exception as a person reads it: the cause before, the line, the type and the text.
func (e *Exc) Traceback(name string) string {
	var b strings.Builder
	for c, n := e, 0; c != nil && n < 8; n++ {
		line := fmt.Sprintf("File %q, line %d\n%s", name, c.Line, c.Error())
		if b.Len() > 0 {
			line += "\n\n"
		}
		s := b.String()
		b.Reset()
		b.WriteString(line + s)
		if c.Cause != nil {
			c = c.Cause
		} else {
			c = c.Context
		}
	}
	return b.String()
}
