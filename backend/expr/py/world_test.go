package py

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// world is the environment of env.json, as oracle.py builds it.
type world struct {
	raw      map[string]any
	vars     map[string]Value
	messages []string
	fns      map[string]Value
	models   *Module
}

// stub is an object with attributes.
type stub struct {
	typ   *Type
	attrs map[string]Value
}

func (s *stub) Type() *Type { return s.typ }
func (s *stub) Attr(t *Thread, name string) (Value, bool, error) {
	v, ok := s.attrs[name]
	return v, ok, nil
}
func (s *stub) SetAttr(t *Thread, name string, v Value) (bool, error) {
	s.attrs[name] = v
	return true, nil
}
func (s *stub) Repr(*Thread) (string, error) { return "<" + s.typ.Name + ">", nil }

// rel is a relation.
type rel struct {
	items []Value
	kind  string
}

var relType = objType("Rel", objectType)

func (r *rel) Type() *Type                       { return relType }
func (r *rel) Iterate(*Thread) (Iterator, error) { return &sliceIter{v: r.items}, nil }
func (r *rel) Len(*Thread) (int, error)          { return len(r.items), nil }
func (r *rel) where(t *Thread, kw []Kw, want bool) (*rel, error) {
	out := &rel{kind: r.kind}
next:
	for _, o := range r.items {
		match := true
		for _, k := range kw {
			field, op, _ := strings.Cut(k.Name, "__")
			have := o.(*stub).attrs[field]
			eq, err := t.Equal(have, k.V)
			if err != nil {
				return nil, err
			}
			if op == "startswith" {
				eq = strings.HasPrefix(have.(string), k.V.(string))
			}
			match = match && eq
		}
		if match != want {
			continue next
		}
		out.items = append(out.items, o)
	}
	return out, nil
}

var doesNotExist = NewException("DoesNotExist", Exception)

func (r *rel) Attr(t *Thread, name string) (Value, bool, error) {
	f := func(g func(kw []Kw) (Value, error)) (Value, bool, error) {
		return NewFunc(name, func(t *Thread, args []Value, kw []Kw) (Value, error) { return g(kw) }), true, nil
	}
	switch name {
	case "all":
		return f(func([]Kw) (Value, error) { return r, nil })
	case "filter", "exclude":
		return f(func(kw []Kw) (Value, error) { return r.where(t, kw, name == "filter") })
	case "exists":
		return f(func([]Kw) (Value, error) { return len(r.items) > 0, nil })
	case "count":
		return f(func([]Kw) (Value, error) { return len(r.items), nil })
	case "first":
		return f(func([]Kw) (Value, error) {
			if len(r.items) == 0 {
				return nil, nil
			}
			return r.items[0], nil
		})
	case "get", "get_or_create":
		return f(func(kw []Kw) (Value, error) {
			found, err := r.where(t, kw, true)
			if err != nil {
				return nil, err
			}
			switch {
			case name == "get" && len(found.items) == 0:
				return nil, Raise(doesNotExist, "%s matching query does not exist.", r.kind)
			case name == "get":
				return found.items[0], nil
			case len(found.items) > 0:
				return &Tuple{[]Value{found.items[0], false}}, nil
			}
			o := &stub{kindOf(r.kind), map[string]Value{}}
			for _, k := range kw {
				o.attrs[k.Name] = k.V
			}
			return &Tuple{[]Value{o, true}}, nil
		})
	}
	return nil, false, nil
}

func kindOf(name string) *Type { return objType(name, objectType) }

func newWorld() *world {
	w := &world{vars: map[string]Value{}}
	b, err := os.ReadFile(filepath.Join(cases, "env.json"))
	if err != nil {
		panic(err)
	}
	v, err := decodeJSON(NewThread(context.Background(), Limits{}), string(b))
	if err != nil {
		panic(err)
	}
	w.raw = map[string]any{}
	v.(*Dict).Each(func(k, v Value) { w.raw[k.(string)] = v })
	for name := range w.raw {
		w.get(name)
	}
	w.functions()
	return w
}

func (w *world) get(name string) Value {
	if v, ok := w.vars[name]; ok {
		return v
	}
	if d, ok := w.raw[name].(*Dict); ok {
		if k, ok, _ := d.Get(NewThread(context.Background(), Limits{}), "$"); ok {
			s := &stub{kindOf(k.(string)), map[string]Value{}}
			w.vars[name] = s
			w.fill(s, d)
			return s
		}
	}
	w.vars[name] = w.build(w.raw[name])
	return w.vars[name]
}

func (w *world) fill(s *stub, d *Dict) {
	d.Each(func(k, v Value) {
		name := k.(string)
		if name == "$" {
			return
		}
		v = w.build(v)
		if n, ok := strings.CutSuffix(name, "()"); ok {
			s.attrs[n] = NewFunc(n, func(*Thread, []Value, []Kw) (Value, error) { return v, nil })
			return
		}
		s.attrs[name] = v
	})
}

func (w *world) build(v Value) Value {
	t := NewThread(context.Background(), Limits{})
	switch x := v.(type) {
	case *List:
		out := &List{}
		for _, e := range x.V {
			out.V = append(out.V, w.build(e))
		}
		return out
	case *Dict:
		if ref, ok, _ := x.Get(t, "$ref"); ok {
			return w.get(ref.(string))
		}
		if r, ok, _ := x.Get(t, "$rel"); ok {
			return &rel{w.build(r).(*List).V, "Group"}
		}
		if k, ok, _ := x.Get(t, "$"); ok {
			s := &stub{kindOf(k.(string)), map[string]Value{}}
			w.fill(s, x)
			return s
		}
		out := &Dict{}
		x.Each(func(k, v Value) {
			if err := out.Set(t, k, w.build(v)); err != nil {
				panic(err)
			}
		})
		return out
	}
	return v
}

func (w *world) Lookup(name string) (Value, bool) {
	if v, ok := w.vars[name]; ok {
		return v, true
	}
	v, ok := w.fns[name]
	return v, ok
}

func (w *world) module(name string) (*Module, bool) {
	return w.models, name == "authentik.core.models"
}

func (w *world) functions() {
	user := w.vars["user"].(*stub)
	users := &rel{[]Value{user}, "User"}
	groups := user.attrs["ak_groups"].(*rel)
	def := func(name string, f goFunc) { w.fns[name] = NewFunc(name, f) }
	w.fns = map[string]Value{"SkipObject": NewException("SkipObject", Exception)}
	model := func(name string, objects *rel) Value {
		ty := kindOf(name)
		ty.methods["objects"] = objects
		ty.methods["DoesNotExist"] = doesNotExist
		return ty
	}
	w.models = &Module{"authentik.core.models", map[string]Value{"Group": model("Group", groups), "User": model("User", users)}}
	def("ak_message", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		s, err := t.Str(args[0])
		w.messages = append(w.messages, s)
		return nil, err
	})
	def("ak_is_group_member", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		r, err := args[0].(*stub).attrs["ak_groups"].(*rel).where(t, kw, true)
		if err != nil {
			return nil, err
		}
		return len(r.items) > 0, nil
	})
	def("ak_user_by", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		r, err := users.where(t, kw, true)
		if err != nil || len(r.items) == 0 {
			return nil, err
		}
		return r.items[0], nil
	})
	def("ak_user_has_authenticator", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return len(args) < 2 || args[1] == "totp", nil
	})
	def("ak_call_policy", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return &stub{kindOf("PolicyResult"), map[string]Value{"passing": args[0] != "local-access", "messages": &Tuple{[]Value{"from " + args[0].(string), fmt.Sprint(len(kw))}}, "raw_result": nil}}, nil
	})
	re := func(t *Thread, f string, args ...Value) (Value, error) {
		m, _ := stdModule("re")
		return t.Call(m.M[f], args, nil)
	}
	def("regex_match", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		v, err := re(t, "search", args[1], args[0])
		return v != nil, err
	})
	def("regex_replace", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return re(t, "sub", args[1], args[2], args[0])
	})
	def("list_flatten", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		if l, ok := args[0].(*List); ok {
			if len(l.V) == 0 {
				return nil, nil
			}
			return l.V[0], nil
		}
		return args[0], nil
	})
	logger := &stub{kindOf("Logger"), map[string]Value{}}
	for _, level := range []string{"info", "debug", "warning", "error"} {
		logger.attrs[level] = NewFunc(level, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			w.messages = append(w.messages, "log "+args[0].(string))
			return nil, nil
		})
	}
	w.fns["ak_logger"] = logger
	ip, _ := stdModule("ipaddress")
	t := NewThread(context.Background(), Limits{})
	addr, err := t.Call(ip.M["ip_address"], []Value{"10.0.0.9"}, nil)
	if err != nil {
		panic(err)
	}
	w.fns["ak_client_ip"], w.fns["ip_address"], w.fns["ip_network"] = addr, ip.M["ip_address"], ip.M["ip_network"]
}
