package world

import (
	"errors"
	"slices"
	"strings"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
)

// function is a function of the environment. Its parameters are positional ones by name, "x?" optional; with open any further keywords.
type function struct {
	name   string
	params []string
	open   bool
	help   string // one sentence, for the editor
	do     func(r *run, a []py.Value, kw []py.Kw) (py.Value, error)
}

// functions are the names that every expression knows.
var functions = func() map[string]py.Value {
	out := map[string]py.Value{"ak_logger": &logger{}}
	for _, f := range slices.Concat(ours(), network()) {
		out[f.name] = f.value()
	}
	ip, _ := py.StdModule("ipaddress")
	out["ip_address"], out["ip_network"] = ip.M["ip_address"], ip.M["ip_network"]
	out["requests"] = requestsModule
	out["SkipObject"] = skipObject
	return out
}()

var skipObject = py.NewException("SkipObject", py.Exception)

// value is the function as a program calls it.
func (f function) value() py.Value {
	return py.NewFunc(f.name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
		var more []py.Kw
		if f.open {
			var own []py.Kw
			for _, a := range kw {
				if slices.ContainsFunc(f.params, func(p string) bool { return strings.TrimSuffix(p, "?") == a.Name }) {
					own = append(own, a)
				} else {
					more = append(more, a)
				}
			}
			kw = own
		}
		a, err := py.ReadArgs(f.name, args, kw, f.params...)
		if err != nil {
			return nil, err
		}
		return f.do(hostOf(t), a, more)
	})
}

func ours() []function {
	return []function{
		{name: "ak_message", params: []string{"message"}, help: "Tell the person why, when the policy does not pass.", do: func(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
			s, err := r.t.Str(a[0])
			if err == nil && len(r.messages) < mostLines {
				r.messages = append(r.messages, s)
			}
			return nil, err
		}},
		{name: "ak_call_policy", params: []string{"name"}, open: true, help: "Ask another policy by name with this request; the result has passing, messages and raw_result.", do: callPolicy},
		{name: "ak_user_by", open: true, help: "The first person that fits, for example username=\"ada\"; None when nobody does.", do: func(r *run, _ []py.Value, kw []py.Kw) (py.Value, error) {
			k := r.w.Store.Kind(userModel)
			c, err := r.filter(k, kw)
			if isField(err) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			return (&queryset{k: k, where: c}).first(r)
		}},
		{name: "ak_is_group_member", params: []string{"user"}, open: true, help: "Whether a person is in a group that fits, also through groups below it.", do: isMember},
		{name: "ak_user_has_authenticator", params: []string{"user", "device_type?"}, help: "Whether a person has set up a second factor: any, or one of totp, static, webauthn, duo, sms.", do: hasAuthenticator},
		{name: "ak_create_event", params: []string{"action"}, open: true, help: "Write an event of your own to the activity log.", do: newEvent},
		{name: "regex_match", params: []string{"value", "regex"}, help: "Whether a regular expression is found in a text.", do: func(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
			v, err := r.re("search", a[1], a[0])
			return v != nil, err
		}},
		{name: "regex_replace", params: []string{"value", "regex", "repl"}, help: "A text with every match of a regular expression replaced.", do: func(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
			return r.re("sub", a[1], a[2], a[0])
		}},
		{name: "list_flatten", params: []string{"value"}, help: "The first of a list, None of an empty one, anything else as it is.", do: func(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
			l, ok := a[0].(*py.List)
			if !ok {
				return a[0], nil
			}
			if len(l.V) == 0 {
				return nil, nil
			}
			return l.V[0], nil
		}},
	}
}

func (r *run) re(name string, args ...py.Value) (py.Value, error) {
	m, _ := py.StdModule("re")
	return r.t.Call(m.M[name], args, nil)
}

func isField(err error) bool {
	e, ok := err.(*py.Exc)
	return ok && e.Kind.Is(fieldError)
}

// callPolicy asks another policy with this request; the keywords go into its context and stay there.
func callPolicy(r *run, a []py.Value, kw []py.Kw) (py.Value, error) {
	name, ok := a[0].(string)
	if !ok {
		return nil, py.Raise(py.TypeError, "the name of a policy must be str, not %s", py.TypeName(a[0]))
	}
	if r.depth >= 8 {
		return nil, py.Raise(py.RecursionError, "policies call each other without end")
	}
	q := r.ask()
	d := r.dicts.of(r, q.Context, r.call.Use == expr.Policy)
	if r.dicts.err != nil {
		return nil, r.dicts.err
	}
	for _, k := range kw {
		if err := d.Set(r.t, k.Name, k.V); err != nil {
			return nil, err
		}
	}
	// The other policy gets the context as it stands now.
	inner := map[string]any{}
	var err error
	d.Each(func(k, v py.Value) {
		if s, ok := k.(string); ok && err == nil {
			if inner[s], err = r.dicts.value(r, v, 0); err != nil {
				err = nil
				delete(inner, s)
			}
		}
	})
	res, err := r.w.Policy(withDepth(r.ctx, r.depth+1), name, &policy.Request{User: q.User, Obj: q.Obj, Context: inner, HTTP: q.HTTP, Debug: q.Debug || r.call.Dry, Plan: q.Plan, Trial: q.Trial})
	if fault.Is(err, fault.NotFound) {
		return nil, py.Raise(py.ValueError, "Policy '%s' not found.", name)
	}
	if err != nil {
		return nil, policyFailed(name, err)
	}
	raw, err := r.deep(res.Raw)
	if err != nil {
		return nil, err
	}
	l := &py.Tuple{}
	for _, m := range res.Messages {
		l.V = append(l.V, m)
	}
	return &facts{&expr.Facts{Type: "PolicyResult", Attrs: map[string]any{"passing": res.Passing, "messages": l, "raw_result": raw}}}, nil
}

var policyException = py.NewException("PolicyException", py.Exception)

func policyFailed(name string, err error) error {
	var why *expr.Error
	if errors.As(err, &why) && why.Type == "RecursionError" {
		return py.Raise(py.RecursionError, "%s", why.Text)
	}
	if errors.As(err, &why) && why.Type == "Timeout" {
		return fail(err)
	}
	return py.Raise(policyException, "%s: %s", name, fault.As(err).Say)
}

// isMember says whether one of a person's groups, ancestors included, fits.
func isMember(r *run, a []py.Value, kw []py.Kw) (py.Value, error) {
	o, ok := a[0].(*object)
	if !ok || o.k.Model != userModel {
		return false, nil
	}
	n, _ := o.sqlKey().(int64)
	gs, err := r.w.Users.AllGroups(r.ctx, n)
	if err != nil {
		return nil, fail(err)
	}
	k := r.w.Store.Kind(groupModel)
	c, err := r.filter(k, kw)
	if err != nil {
		return nil, err
	}
	q := &queryset{k: k, some: true, where: c}
	for _, g := range gs {
		q.only = append(q.only, g.PK)
	}
	found, err := q.first(r)
	return found != nil, err
}

// hasAuthenticator says whether a person has a confirmed device, of a class or of any.
func hasAuthenticator(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
	o, ok := a[0].(*object)
	if !ok || o.k.Model != userModel {
		return false, nil
	}
	want := ""
	if a[1] != py.Missing && a[1] != nil {
		want, _ = a[1].(string)
		if !slices.Contains(device.Classes[:], want) {
			return false, nil
		}
	}
	for _, k := range r.deviceKinds() {
		if want != "" && k.Path != "authenticators/"+want {
			continue
		}
		first, err := (&queryset{k: k, where: []cond{{sql: `o."user" = ? AND o.confirmed = 1`, args: []any{o.sqlKey()}}}}).first(r)
		if err != nil || first != nil {
			return first != nil, err
		}
	}
	return false, nil
}

func (r *run) deviceKinds() []*kind.Kind {
	var out []*kind.Kind
	for _, k := range r.w.Store.Kinds() {
		if _, ok := k.New().(device.Shared); ok {
			out = append(out, k)
		}
	}
	return out
}

// newEvent writes an event of the expression's own action.
func newEvent(r *run, a []py.Value, kw []py.Kw) (py.Value, error) {
	action, err := r.t.Str(a[0])
	if err != nil {
		return nil, err
	}
	facts := map[string]any{}
	for name, v := range r.call.Vars {
		if name == "request" {
			continue
		}
		x, err := r.wrap(v)
		if err != nil {
			return nil, err
		}
		if facts[name], err = r.plain(x, 0); err != nil {
			return nil, err
		}
	}
	for _, k := range kw {
		if facts[k.Name], err = r.plain(k.V, 0); err != nil {
			return nil, err
		}
	}
	return nil, r.createEvent(action, facts)
}

func eventOf(c expr.Call, action string, facts map[string]any) event.Entry {
	return event.Entry{Action: "custom_" + strings.TrimPrefix(action, "custom_"), App: c.Name, Context: facts}
}

// logger is ak_logger.
type logger struct{}

var loggerType = py.NewType("BoundLogger", "structlog.stdlib", nil)

// Type implements py.Object.
func (*logger) Type() *py.Type { return loggerType }

// levels are the methods of the logger, and the level that each writes.
var levels = map[string]string{"debug": "debug", "info": "info", "msg": "info", "warning": "warning", "warn": "warning", "error": "error", "exception": "error", "critical": "error"}

// Attr implements py.Attrer.
func (l *logger) Attr(_ *py.Thread, name string) (py.Value, bool, error) {
	if name == "bind" || name == "unbind" || name == "new" {
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return l, nil }), true, nil
	}
	level, ok := levels[name]
	if !ok {
		return nil, false, nil
	}
	return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
		r := hostOf(t)
		text := ""
		if len(args) > 0 {
			var err error
			if text, err = t.Str(args[0]); err != nil {
				return nil, err
			}
		}
		attrs := map[string]any{}
		if len(args) > 1 {
			attrs["positional_args"] = nil
			x, err := r.plain(&py.List{V: args[1:]}, 0)
			if err != nil {
				return nil, err
			}
			attrs["positional_args"] = x
		}
		for _, k := range kw {
			x, err := r.plain(k.V, 0)
			if err != nil {
				return nil, err
			}
			attrs[k.Name] = x
		}
		r.log(level, text, attrs)
		return nil, t.Charge(50)
	}), true, nil
}
