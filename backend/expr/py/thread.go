// Package py is an interpreter for the Python that expressions are written in: function bodies without classes, files or threads.
//
// A text is compiled once (Compile) and run many times, also by several at once (Program.Run). Nothing is shared between runs.
// A run has limits on steps, time (its context), memory, recursion and output; past one of them it ends with a LimitError that the
// program can't catch. Python's exceptions come back as *Exc. The package knows no room of the house: what a program sees of the
// host are values that the caller passes, plain ones or Objects.
package py

import (
	"context"
	"strings"
)

// Limits bound a run; zero means the default.
type Limits struct {
	Steps  int // instructions and comparable work
	Memory int // bytes allocated in all, as estimated
	Depth  int // nested calls
	Output int // bytes of print
}

// DefaultLimits hold where a limit is zero.
var DefaultLimits = Limits{Steps: 5_000_000, Memory: 64 << 20, Depth: 400, Output: 64 << 10}

// maxText is the longest string, bytes or list (in bytes, entries of 16) that a single operation may make.
const maxText = 16 << 20

// Env gives the variables of a program by name.
type Env interface {
	Lookup(name string) (Value, bool)
}

// Vars is an Env of a map.
type Vars map[string]Value

// Lookup implements Env.
func (v Vars) Lookup(name string) (Value, bool) {
	x, ok := v[name]
	return x, ok
}

// Options of a run.
type Options struct {
	Env    Env
	Limits Limits
	// Modules finds modules of the host before those of the package; ok is false for an unknown name.
	Modules func(name string) (m *Module, ok bool)
	// Host is what Thread.Host gives to functions and objects of the host.
	Host any
}

// Thread is one run.
type Thread struct {
	ctx     context.Context
	done    <-chan struct{}
	limits  Limits
	tick    int // steps until the next look at the clock
	used    int // steps before this slice
	slice   int
	mem     int
	depth   int
	env     Env
	globals map[string]Value
	modules func(string) (*Module, bool)
	host    any
	ids     map[any]int
	out     strings.Builder
	top     *frame
	pool    []*frame
}

const slice = 256 // steps between looks at the clock

// NewThread makes a thread for the host to call functions with.
func NewThread(ctx context.Context, l Limits) *Thread {
	t := &Thread{ctx: ctx, limits: l}
	if ctx != nil {
		t.done = ctx.Done()
	}
	d := DefaultLimits
	if t.limits.Steps == 0 {
		t.limits.Steps = d.Steps
	}
	if t.limits.Memory == 0 {
		t.limits.Memory = d.Memory
	}
	if t.limits.Depth == 0 {
		t.limits.Depth = d.Depth
	}
	if t.limits.Output == 0 {
		t.limits.Output = d.Output
	}
	t.slice = min(slice, t.limits.Steps)
	t.tick = t.slice
	return t
}

// Context is the run's context.
func (t *Thread) Context() context.Context {
	if t.ctx == nil {
		return context.Background()
	}
	return t.ctx
}

// Host is the host of the run, nil when it has none.
func (t *Thread) Host() any { return t.host }

// Output is what the program printed.
func (t *Thread) Output() string { return t.out.String() }

// Steps is the number of steps so far.
func (t *Thread) Steps() int { return t.used + t.slice - t.tick }

// refill looks at the clock and the steps.
func (t *Thread) refill() error {
	t.used += t.slice - t.tick
	t.slice, t.tick = 0, 0
	select {
	case <-t.done:
		return t.limit("time", context.Cause(t.ctx))
	default:
	}
	left := t.limits.Steps - t.used
	if left <= 0 {
		return t.limit("steps", nil)
	}
	t.slice = min(slice, left)
	t.tick = t.slice
	return nil
}

func (t *Thread) limit(what string, err error) error {
	e := &LimitError{What: what, Err: err}
	if f := t.top; f != nil && f.pc > 0 {
		e.Line = int(f.code.lines[f.pc-1])
	}
	return e
}

// charge counts n steps of work.
func (t *Thread) charge(n int) error {
	t.tick -= n
	if t.tick < 0 {
		return t.refill()
	}
	return nil
}

// Charge counts work of the host.
func (t *Thread) Charge(n int) error { return t.charge(n) }

// alloc counts memory, and the work of filling it.
func (t *Thread) alloc(n int) error {
	if n < 0 || n > t.limits.Memory-t.mem {
		return t.limit("memory", nil)
	}
	t.mem += n
	if n >= 1024 {
		return t.charge(n / 1024)
	}
	return nil
}

// Alloc counts memory of the host.
func (t *Thread) Alloc(n int) error { return t.alloc(n) }

// scan counts the work of reading n bytes.
func (t *Thread) scan(n int) error {
	if n >= 1024 {
		return t.charge(n / 1024)
	}
	return nil
}

func (t *Thread) enter() error {
	t.depth++
	if t.depth > t.limits.Depth {
		t.depth--
		return raise(RecursionError, "maximum recursion depth exceeded")
	}
	return nil
}

func (t *Thread) leave() { t.depth-- }

// Run runs the program: its result is the value of return (None without), or a *List of what a body with yield gave.
func (p *Program) Run(ctx context.Context, o Options) (Value, error) {
	t := NewThread(ctx, o.Limits)
	return p.RunIn(t, o)
}

// RunIn runs the program in a thread that the caller keeps to read its output.
func (p *Program) RunIn(t *Thread, o Options) (Value, error) {
	t.env, t.modules, t.host = o.Env, o.Modules, o.Host
	select {
	case <-t.done:
		return nil, t.limit("time", context.Cause(t.ctx))
	default:
	}
	fn := &Func{code: p.main}
	f := t.newFrame(fn)
	if t.env != nil {
		for i, name := range p.main.locals {
			if v, ok := t.env.Lookup(name); ok {
				f.s[i] = v
			}
		}
	}
	t.cells(f)
	if p.main.gen {
		return t.List(&Gen{f: f})
	}
	v, _, err := t.run(f, nil)
	return v, err
}
