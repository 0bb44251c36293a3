package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"

	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// run is one run of an expression: what its objects share.
type run struct {
	w    *World
	ctx  context.Context
	call expr.Call
	t    *py.Thread

	req      *policy.Request
	dicts    dicts
	objects  map[string]*object // by model and key
	messages []string
	lines    []expr.Line
	depth    int  // of policies that call each other
	located  bool // the context has where the address is
}

type depthKey struct{}

func withDepth(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, depthKey{}, n)
}

// hostOf gives the run that a thread is in.
func hostOf(t *py.Thread) *run { return t.Host().(*run) }

// guarded runs the expression; a fault of the interpreter ends the run and nothing else.
func (r *run) guarded() (out expr.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.w.Log.ErrorContext(r.ctx, "the interpreter failed", "expression", r.call.Name, "panic", v, "stack", string(debug.Stack()), "logger", "gatehouse.expression")
			out, err = expr.Result{}, py.Raise(py.SystemError, "the interpreter failed; the server's log says more")
		}
	}()
	return r.do()
}

func (r *run) do() (out expr.Result, err error) {
	prog, err := r.w.programs.get(r.call.Text)
	if err != nil {
		return out, err
	}
	if _, ok := r.ctx.Deadline(); !ok {
		var stop context.CancelFunc
		r.ctx, stop = context.WithTimeout(r.ctx, longest)
		defer stop()
	}
	r.depth, _ = r.ctx.Value(depthKey{}).(int)
	r.req, _ = r.call.Vars["request"].(*policy.Request)
	r.t = py.NewThread(r.ctx, r.w.Limits)
	v, err := prog.RunIn(r.t, py.Options{Env: r, Modules: r.w.module, Host: r})
	if err != nil {
		return out, err
	}
	if out.True, err = r.t.Truth(v); err != nil {
		return out, err
	}
	if out.Value, err = r.plain(v, 0); err != nil {
		return out, err
	}
	// Where a flow is tried out, what comes later has to see what was changed in its plan.
	if !r.call.Dry || r.req != nil && r.req.Trial {
		err = r.dicts.writeBack(r)
	}
	return out, err
}

// Lookup implements py.Env.
func (r *run) Lookup(name string) (py.Value, bool) {
	if v, ok := r.call.Vars[name]; ok && name != "request" {
		x, err := r.wrap(v)
		return x, err == nil
	}
	switch name {
	case "request":
		return r.policyRequest(), true
	case "context":
		if r.call.Use == expr.Policy {
			return r.facts(), true
		}
	case "http_request":
		if r.call.Use == expr.Policy && r.ask().HTTP.Path != "" {
			return r.httpRequest(), true
		}
	case "ak_client_ip":
		if r.call.Use == expr.Policy {
			if a, err := netip.ParseAddr(r.ask().HTTP.ClientIP); err == nil {
				return py.NewIP(a.Unmap()), true
			}
		}
	case "ak_is_sso_flow":
		if r.call.Use == expr.Policy {
			return expr.True(r.ask().Context[stage.SSO]), true
		}
	case "ak_message":
		if r.call.Use != expr.Policy {
			return nil, false
		}
	}
	v, ok := functions[name]
	return v, ok
}

// facts is the context of a policy: what its request brings, with where the address is when the house has the databases (flows.md 3.2).
func (r *run) facts() *py.Dict {
	q := r.ask()
	d := r.dicts.of(r, q.Context, true)
	if r.located || q.HTTP.Path == "" {
		return d
	}
	r.located = true
	add := func(name string, v py.Value, known bool) {
		if _, given := q.Context[name]; !known || given || r.dicts.err != nil {
			return
		}
		r.dicts.back[d].extra[name] = v
		r.dicts.err = d.Set(r.t, name, v)
	}
	record, known := r.w.Geo.Record(q.HTTP.ClientIP)
	var city py.Value
	if record != nil {
		city = &place{record}
	}
	add("geoip", city, known)
	n, known := r.w.Geo.Network(q.HTTP.ClientIP)
	var asn py.Value
	if n != nil {
		asn, r.dicts.err = r.copyOf(map[string]any{"asn": n.ASN, "as_org": n.Org, "network": n.Network})
	}
	add("asn", asn, known)
	return d
}

// ask gives the request that the run is about; for a mapping one is made of its variables.
func (r *run) ask() *policy.Request {
	if r.req == nil {
		u, _ := r.call.Vars["user"].(*user.User)
		r.req = &policy.Request{User: u, Context: map[string]any{}, HTTP: store.ActorOf(r.ctx).HTTP, Debug: r.call.Dry}
		maps.Copy(r.req.Context, r.call.Vars)
	}
	if r.req.Context == nil {
		r.req.Context = map[string]any{}
	}
	return r.req
}

// log keeps a line for the caller and gives it to the server's log.
func (r *run) log(level, text string, attrs map[string]any) {
	if attrs == nil {
		attrs = map[string]any{}
	}
	if len(r.lines) < mostLines {
		r.lines = append(r.lines, expr.Line{Time: time.Now().UTC(), Level: level, Text: text, Attributes: attrs})
	}
	args := []any{"logger", "gatehouse.expression", "expression", r.call.Name}
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		args = append(args, "with."+k, attrs[k])
	}
	log := r.w.Log.DebugContext
	switch level {
	case "info":
		log = r.w.Log.InfoContext
	case "warning":
		log = r.w.Log.WarnContext
	case "error":
		log = r.w.Log.ErrorContext
	}
	log(r.ctx, text, args...)
}

// fail turns an error of the house into an exception. What ends the run stays what it is.
func fail(err error) error {
	if err == nil {
		return nil
	}
	var exc *py.Exc
	var limit *py.LimitError
	if errors.As(err, &exc) || errors.As(err, &limit) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	f := fault.As(err)
	say := f.Say
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		for _, m := range f.Fields[name] {
			say = name + ": " + m
		}
	}
	switch f.Kind {
	case fault.Denied:
		return py.Raise(py.PermissionError, "%s", say)
	case fault.Invalid, fault.Conflict:
		return py.Raise(validationError, "%s", say)
	}
	return err
}

var validationError = py.NewException("ValidationError", py.Exception)

// plain turns a value of the program into one that JSON has.
func (r *run) plain(v py.Value, depth int) (any, error) {
	if depth > 50 {
		return nil, py.Raise(py.ValueError, "the result is nested too deeply")
	}
	switch x := v.(type) {
	case nil, bool, float64:
		return x, nil
	case string:
		return x, r.grow(len(x))
	case int:
		return int64(x), nil
	case py.Bytes:
		return string(x), r.grow(len(x))
	case *py.Dict:
		out := map[string]any{}
		var err error
		x.Each(func(k, v py.Value) {
			if err != nil {
				return
			}
			name, is := k.(string)
			if !is {
				if name, err = r.t.Str(k); err != nil {
					return
				}
			}
			if err = r.grow(len(name) + 16); err == nil {
				out[name], err = r.plain(v, depth+1)
			}
		})
		return out, err
	}
	if items, ok := py.Items(v); ok {
		out := make([]any, 0, len(items))
		for _, i := range items {
			p, err := r.plain(i, depth+1)
			if err != nil {
				return nil, err
			}
			if err := r.grow(16); err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	}
	if s, ok := py.ISO(v); ok {
		return s, nil
	}
	switch v.(type) {
	case *py.Gen, *py.Iter, *queryset, *py.Range:
		l, err := r.t.List(v)
		if err != nil {
			return nil, err
		}
		return r.plain(l, depth+1)
	}
	s, err := r.t.Str(v)
	if err != nil {
		return nil, err
	}
	return s, r.grow(len(s))
}

// grow counts what a result takes.
func (r *run) grow(n int) error { return r.t.Alloc(n) }

// wrap turns a value of the house into one of the program.
func (r *run) wrap(v any) (py.Value, error) {
	switch x := v.(type) {
	case nil, bool, string, int, *py.Dict, *py.List, *py.Tuple:
		return x, nil
	case int64:
		return int(x), nil
	case float64:
		if x == float64(int(x)) && x < 1<<53 && x > -1<<53 {
			return int(x), nil
		}
		return x, nil
	case time.Time:
		return py.NewTime(x), nil
	case *time.Time:
		if x == nil {
			return nil, nil
		}
		return py.NewTime(*x), nil
	case *string:
		if x == nil {
			return nil, nil
		}
		return *x, nil
	case map[string]any:
		return r.wrapMap(x)
	case []any:
		l := &py.List{V: make([]py.Value, 0, len(x))}
		for _, i := range x {
			w, err := r.wrap(i)
			if err != nil {
				return nil, err
			}
			l.V = append(l.V, w)
		}
		return l, r.t.Alloc(16 * len(x))
	case []string:
		l := &py.List{}
		for _, i := range x {
			l.V = append(l.V, i)
		}
		return l, r.t.Alloc(32 * len(x))
	case *user.User:
		return r.person(x), nil
	case *policy.Request:
		return r.policyRequest(), nil
	case *stage.Plan:
		return &plan{x}, nil
	case *expr.Facts:
		return &facts{x}, nil
	case py.Object:
		return x, nil
	}
	if k := r.w.Store.KindFor(v); k != nil {
		return r.known(k, v), nil
	}
	return fmt.Sprint(v), nil
}

// wrapMap turns a JSON object into a dictionary, or into the object of the house that it points at.
func (r *run) wrapMap(m map[string]any) (py.Value, error) {
	if model, ok := m["model"].(string); ok && (len(m) == 2 || len(m) == 3 && m["backend"] != nil) {
		if k := r.w.Store.Kind(model); k != nil && m["pk"] != nil {
			return r.object(k, keyText(m["pk"])), nil
		}
	}
	if name, ok := m["fake"].(string); ok && len(m) == 1 {
		return r.person(&user.User{Username: name, Attributes: map[string]any{}}), nil
	}
	return r.dicts.of(r, m, false), r.dicts.err
}

// keyText is a key as text, however JSON or Go hold it.
func keyText(v any) string {
	switch x := v.(type) {
	case float64:
		return fmt.Sprint(int64(x))
	case *py.Dict:
		return ""
	}
	return fmt.Sprint(v)
}

// known gives the object for something of the house that is loaded already.
func (r *run) known(k *kind.Kind, v any) *object {
	o := r.object(k, k.PK(v))
	if o.v == nil && !o.changed {
		o.v = v
	}
	return o
}
