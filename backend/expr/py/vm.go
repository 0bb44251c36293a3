package py

import (
	"context"
	"errors"
	"sort"
	"strings"
)

type block struct {
	handler  int
	depth    int
	handling int
}

// frame is a running function. Its stack begins with the locals.
type frame struct {
	code     *code
	fn       *Func
	s        []Value
	pc       int
	blocks   []block
	handling []*Exc
	back     *frame
}

func (t *Thread) newFrame(fn *Func) *frame {
	var f *frame
	c := fn.code
	if n := len(t.pool); n > 0 && !c.gen {
		f = t.pool[n-1]
		t.pool = t.pool[:n-1]
		f.s = f.s[:0]
	} else {
		f = &frame{s: make([]Value, 0, len(c.locals)+16)}
	}
	f.code, f.fn, f.pc = c, fn, 0
	for range c.locals {
		f.s = append(f.s, unbound)
	}
	return f
}

func (t *Thread) release(f *frame) {
	clear(f.s[:cap(f.s)])
	f.s = f.s[:0]
	f.blocks, f.handling, f.back, f.fn = f.blocks[:0], f.handling[:0], nil, nil
	if len(t.pool) < 32 && cap(f.s) < 256 {
		t.pool = append(t.pool, f)
	}
}

// cells boxes the locals that inner functions share.
func (t *Thread) cells(f *frame) {
	for _, i := range f.code.cellSlots {
		f.s[i] = &cell{f.s[i]}
	}
}

// Call calls a value.
func (t *Thread) Call(fn Value, args []Value, kw []Kw) (Value, error) {
	switch x := fn.(type) {
	case *Builtin:
		return x.Fn(t, args, kw)
	case *Func:
		f, err := t.bind(x, args, kw)
		if err != nil {
			return nil, err
		}
		return t.start(f)
	case *Method:
		all := make([]Value, 0, len(args)+1)
		return t.Call(x.fn, append(append(all, x.self), args...), kw)
	case *Type:
		if x.make != nil {
			return x.make(t, args, kw)
		}
		return nil, raise(TypeError, "cannot create '%s' instances", x.Name)
	case Caller:
		return x.Call(t, args, kw)
	}
	return nil, raise(TypeError, "'%s' object is not callable", typeName(fn))
}

// start runs a bound frame, or makes its generator.
func (t *Thread) start(f *frame) (Value, error) {
	t.cells(f)
	if f.code.gen {
		return &Gen{f: f}, t.alloc(256)
	}
	if err := t.enter(); err != nil {
		return nil, err
	}
	v, _, err := t.run(f, nil)
	t.leave()
	t.release(f)
	return v, err
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// bind makes a frame with the arguments in place.
func (t *Thread) bind(fn *Func, args []Value, kw []Kw) (*frame, error) {
	c := fn.code
	f := t.newFrame(fn)
	n := len(args)
	if len(kw) == 0 && n == c.nPos && c.nKwOnly == 0 && c.star < 0 && c.kws < 0 {
		copy(f.s, args)
		return f, nil
	}
	if n > c.nPos {
		if c.star < 0 {
			least := c.nPos
			for _, i := range c.defSlots {
				if i < c.nPos {
					least--
				}
			}
			was := "were"
			if n == 1 {
				was = "was"
			}
			if least < c.nPos {
				return nil, raise(TypeError, "%s() takes from %d to %d positional arguments but %d %s given", c.qual, least, c.nPos, n, was)
			}
			return nil, raise(TypeError, "%s() takes %d positional argument%s but %d %s given", c.qual, c.nPos, plural(c.nPos), n, was)
		}
		n = c.nPos
	}
	copy(f.s, args[:n])
	if c.star >= 0 {
		rest := append([]Value(nil), args[n:]...)
		if err := t.alloc(16*len(rest) + 24); err != nil {
			return nil, err
		}
		f.s[c.star] = &Tuple{rest}
	}
	var extra *Dict
	if c.kws >= 0 {
		extra = &Dict{}
		f.s[c.kws] = extra
	}
next:
	for _, k := range kw {
		for i, p := range c.params {
			if p.name == k.Name && (p.kind == 0 || p.kind == 'k') {
				if f.s[i] != unbound {
					return nil, raise(TypeError, "%s() got multiple values for argument '%s'", c.qual, k.Name)
				}
				f.s[i] = k.V
				continue next
			}
		}
		if extra == nil {
			return nil, raise(TypeError, "%s() got an unexpected keyword argument '%s'", c.qual, k.Name)
		}
		if err := extra.set(t, k.Name, k.Name, k.V); err != nil {
			return nil, err
		}
	}
	for i, slot := range c.defSlots {
		if f.s[slot] == unbound {
			f.s[slot] = fn.defaults[i]
		}
	}
	var lost, lostKw []string
	for i, p := range c.params {
		if f.s[i] == unbound {
			if p.kind == 'k' {
				lostKw = append(lostKw, "'"+p.name+"'")
			} else {
				lost = append(lost, "'"+p.name+"'")
			}
		}
	}
	if len(lost) > 0 {
		return nil, raise(TypeError, "%s() missing %d required positional argument%s: %s", c.qual, len(lost), plural(len(lost)), andList(lost))
	}
	if len(lostKw) > 0 {
		return nil, raise(TypeError, "%s() missing %d required keyword-only argument%s: %s", c.qual, len(lostKw), plural(len(lostKw)), andList(lostKw))
	}
	return f, nil
}

func andList(s []string) string {
	switch len(s) {
	case 1:
		return s[0]
	case 2:
		return s[0] + " and " + s[1]
	}
	return strings.Join(s[:len(s)-1], ", ") + ", and " + s[len(s)-1]
}

// handle finds the handler of an error in a frame; false when there is none.
func (t *Thread) handle(f *frame, err error) bool {
	e, ok := err.(*Exc)
	if !ok {
		return false
	}
	if e.Line == 0 && f.pc > 0 {
		e.Line = int(f.code.lines[f.pc-1])
	}
	if e.Context == nil {
		if cur := t.current(f); cur != nil && cur != e && !inChain(cur, e) {
			e.Context = cur
		}
	}
	if len(f.blocks) == 0 {
		return false
	}
	b := f.blocks[len(f.blocks)-1]
	f.blocks = f.blocks[:len(f.blocks)-1]
	clear(f.s[b.depth:])
	f.s = append(f.s[:b.depth], e)
	f.handling = append(f.handling[:b.handling], e)
	f.pc = b.handler
	return true
}

func inChain(e, x *Exc) bool {
	for n := 0; e != nil && n < 100; n++ {
		if e == x {
			return true
		}
		e = e.Context
	}
	return e != nil
}

// current is the exception that is being handled.
func (t *Thread) current(f *frame) *Exc {
	for ; f != nil; f = f.back {
		if n := len(f.handling); n > 0 {
			return f.handling[n-1]
		}
	}
	return nil
}

// run runs a frame until it returns, raises or yields. thrown is an error to raise first.
func (t *Thread) run(f *frame, thrown error) (result Value, yielded bool, err error) {
	f.back = t.top
	t.top = f
	defer func() { t.top = f.back; f.back = nil }()
	if thrown != nil && !t.handle(f, thrown) {
		return nil, false, thrown
	}
	c := f.code
	for {
		t.tick--
		if t.tick < 0 {
			if err := t.refill(); err != nil {
				return nil, false, err
			}
		}
		in := c.ins[f.pc]
		f.pc++
		s := f.s
		n := len(s)
		var err error
		switch in.op {
		case opConst:
			f.s = append(s, c.consts[in.a])
		case opPop:
			s[n-1] = nil
			f.s = s[:n-1]
		case opDup:
			f.s = append(s, s[n-1])
		case opDup2:
			f.s = append(s, s[n-2], s[n-1])
		case opRot2:
			s[n-1], s[n-2] = s[n-2], s[n-1]
		case opRot3: // a b c -> c a b
			s[n-1], s[n-2], s[n-3] = s[n-2], s[n-3], s[n-1]
		case opRot4:
			s[n-1], s[n-2], s[n-3], s[n-4] = s[n-2], s[n-3], s[n-4], s[n-1]
		case opLoad:
			v := s[in.a]
			if v == unbound {
				err = unboundLocal(c, int(in.a))
				break
			}
			f.s = append(s, v)
		case opStore:
			s[in.a] = s[n-1]
			f.s = s[:n-1]
		case opDel:
			if s[in.a] == unbound {
				err = unboundLocal(c, int(in.a))
				break
			}
			s[in.a] = unbound
		case opLoadCell:
			v := s[in.a].(*cell).v
			if v == unbound {
				err = unboundLocal(c, int(in.a))
				break
			}
			f.s = append(s, v)
		case opStoreCell:
			s[in.a].(*cell).v = s[n-1]
			f.s = s[:n-1]
		case opDelCell:
			cl := s[in.a].(*cell)
			if cl.v == unbound {
				err = unboundLocal(c, int(in.a))
				break
			}
			cl.v = unbound
		case opLoadFree:
			v := f.fn.free[in.a].v
			if v == unbound {
				err = raise(NameError, "cannot access free variable '%s' where it is not associated with a value in enclosing scope", c.free[in.a])
				break
			}
			f.s = append(s, v)
		case opStoreFree:
			f.fn.free[in.a].v = s[n-1]
			f.s = s[:n-1]
		case opDelFree:
			f.fn.free[in.a].v = unbound
		case opLoadGlobal:
			var v Value
			if v, err = t.global(c, int(in.a)); err == nil {
				f.s = append(s, v)
			}
		case opStoreGlobal:
			if t.globals == nil {
				t.globals = map[string]Value{}
			}
			t.globals[c.names[in.a]] = s[n-1]
			f.s = s[:n-1]
		case opDelGlobal:
			if _, ok := t.globals[c.names[in.a]]; !ok {
				err = raise(NameError, "name '%s' is not defined", c.names[in.a])
				break
			}
			delete(t.globals, c.names[in.a])
		case opAttr:
			var v Value
			if v, err = t.Attr(s[n-1], c.names[in.a]); err == nil {
				s[n-1] = v
			}
		case opStoreAttr:
			err = t.SetAttr(s[n-1], c.names[in.a], s[n-2])
			f.s = s[:n-2]
		case opDelAttr:
			err = t.SetAttr(s[n-1], c.names[in.a], Deleted)
			f.s = s[:n-1]
		case opIndex:
			var v Value
			if v, err = t.Index(s[n-2], s[n-1]); err == nil {
				s[n-2] = v
				f.s = s[:n-1]
			}
		case opStoreIndex: // value, object, key
			err = t.SetIndex(s[n-2], s[n-1], s[n-3])
			f.s = s[:n-3]
		case opDelIndex:
			err = t.SetIndex(s[n-2], s[n-1], Deleted)
			f.s = s[:n-2]
		case opSlice:
			s[n-3] = &Slice{s[n-3], s[n-2], s[n-1]}
			f.s = s[:n-2]
		case opBinary:
			var v Value
			if v, err = t.Binary(int(in.a), s[n-2], s[n-1]); err == nil {
				s[n-2] = v
				f.s = s[:n-1]
			}
		case opInplace:
			var v Value
			if v, err = t.inplace(int(in.a), s[n-2], s[n-1]); err == nil {
				s[n-2] = v
				f.s = s[:n-1]
			}
		case opUnary:
			var v Value
			if v, err = t.unary(int(in.a), s[n-1]); err == nil {
				s[n-1] = v
			}
		case opCompare:
			var v Value
			if v, err = t.Compare(int(in.a), s[n-2], s[n-1]); err == nil {
				s[n-2] = v
				f.s = s[:n-1]
			}
		case opJump:
			f.pc = int(in.a)
		case opJumpFalse, opJumpTrue:
			b, ok := s[n-1].(bool)
			if !ok {
				b, err = t.Truth(s[n-1])
				if err != nil {
					break
				}
			}
			f.s = s[:n-1]
			if b == (in.op == opJumpTrue) {
				f.pc = int(in.a)
			}
		case opJumpFalseKeep, opJumpTrueKeep:
			var b bool
			if b, err = t.Truth(s[n-1]); err != nil {
				break
			}
			if b == (in.op == opJumpTrueKeep) {
				f.pc = int(in.a)
			} else {
				f.s = s[:n-1]
			}
		case opIter:
			var it Iterator
			if it, err = t.Iter(s[n-1]); err == nil {
				s[n-1] = it
			}
		case opForIter:
			v, ok, e := t.next(s[n-1])
			if e != nil {
				err = e
				break
			}
			if ok {
				f.s = append(s, v)
			} else {
				f.s = s[:n-1]
				f.pc = int(in.a)
			}
		case opTuple, opList:
			k := int(in.a)
			vs := make([]Value, k)
			copy(vs, s[n-k:])
			if err = t.alloc(16*k + 40); err != nil {
				break
			}
			f.s = s[:n-k]
			if in.op == opTuple {
				f.s = append(f.s, &Tuple{vs})
			} else {
				f.s = append(f.s, &List{vs})
			}
		case opSet:
			k := int(in.a)
			set := &Set{}
			for _, v := range s[n-k:] {
				if err = set.d.Set(t, v, nil); err != nil {
					break
				}
			}
			f.s = append(s[:n-k], set)
		case opDict:
			k := int(in.a)
			d := &Dict{}
			if k > 0 {
				d.e = make([]entry, 0, k)
			}
			for i := n - 2*k; i < n; i += 2 {
				if err = d.Set(t, s[i], s[i+1]); err != nil {
					break
				}
			}
			f.s = append(s[:n-2*k], d)
		case opListAppend:
			l := s[n-1-int(in.a)].(*List)
			l.V = append(l.V, s[n-1])
			f.s = s[:n-1]
			err = t.alloc(24)
		case opSetAdd:
			err = s[n-1-int(in.a)].(*Set).d.Set(t, s[n-1], nil)
			f.s = s[:n-1]
		case opMapAdd:
			err = s[n-2-int(in.a)].(*Dict).Set(t, s[n-2], s[n-1])
			f.s = s[:n-2]
		case opListExtend:
			l := s[n-2].(*List)
			if in.a == 1 && !iterable(s[n-1]) {
				err = raise(TypeError, "%s() argument after * must be an iterable, not %s", qualName(s[n-3]), typeName(s[n-1]))
				break
			}
			err = t.extend(l, s[n-1])
			f.s = s[:n-1]
		case opSetUpdate:
			set := s[n-2].(*Set)
			err = t.Each(s[n-1], func(v Value) error { return set.d.Set(t, v, nil) })
			f.s = s[:n-1]
		case opDictUpdate:
			d := s[n-2].(*Dict)
			if !t.isMapping(s[n-1]) {
				err = raise(TypeError, "'%s' object is not a mapping", typeName(s[n-1]))
				break
			}
			err = t.updateDict(d, s[n-1])
			f.s = s[:n-1]
		case opDictMerge:
			if in.a == 1 { // dict, key, value
				d := s[n-3].(*Dict)
				if _, dup, _ := d.Get(t, s[n-2]); dup {
					err = raise(TypeError, "%s() got multiple values for keyword argument '%s'", qualName(s[n-5]), s[n-2])
					break
				}
				err = d.Set(t, s[n-2], s[n-1])
				f.s = s[:n-2]
				break
			}
			d := s[n-2].(*Dict)
			if !t.isMapping(s[n-1]) {
				err = raise(TypeError, "%s() argument after ** must be a mapping, not %s", qualName(s[n-4]), typeName(s[n-1]))
				break
			}
			other := &Dict{}
			if err = t.updateDict(other, s[n-1]); err != nil {
				break
			}
			for _, e := range other.e {
				if e.dead {
					continue
				}
				if _, ok := e.k.(string); !ok {
					err = raise(TypeError, "keywords must be strings")
					break
				}
				if d.find(e.h) >= 0 {
					err = raise(TypeError, "%s() got multiple values for keyword argument '%s'", qualName(s[n-4]), e.k)
					break
				}
				if err = d.set(t, e.h, e.k, e.v); err != nil {
					break
				}
			}
			f.s = s[:n-1]
		case opListToTuple:
			s[n-1] = &Tuple{s[n-1].(*List).V}
		case opUnpack:
			err = t.unpack(f, int(in.a), -1)
		case opUnpackEx:
			err = t.unpack(f, int(in.a), int(in.b))
		case opMethod:
			name := c.names[in.a]
			self := s[n-1]
			if _, isObj := self.(Object); !isObj || noAttrs(self) {
				switch m := typeOf(self).lookup(name).(type) {
				case *Builtin:
					if m.kind == "method" {
						s[n-1] = m
						f.s = append(s, self)
						break
					}
					s[n-1] = missing
					f.s = append(s, m)
				case nil:
					v, e := t.Attr(self, name)
					if e != nil {
						err = e
						break
					}
					s[n-1] = missing
					f.s = append(s, v)
				default:
					v, e := t.Attr(self, name)
					if e != nil {
						err = e
						break
					}
					s[n-1] = missing
					f.s = append(s, v)
				}
				break
			}
			v, e := t.Attr(self, name)
			if e != nil {
				err = e
				break
			}
			if m, ok := v.(*Method); ok {
				s[n-1] = m.fn
				f.s = append(s, m.self)
			} else {
				s[n-1] = missing
				f.s = append(s, v)
			}
		case opCallMethod: // fn, self, args or missing, fn, args
			k := int(in.a)
			base := n - k - 2
			fn, args := s[base], s[base+1:n:n]
			if fn == missing {
				fn, args = s[base+1], s[base+2:n:n]
			}
			var v Value
			if v, err = t.Call(fn, args, nil); err == nil {
				s[base] = v
				clear(s[base+1 : n])
				f.s = s[:base+1]
			}
		case opCall:
			k := int(in.a)
			base := n - k - 1
			var v Value
			if v, err = t.Call(s[base], s[base+1:n:n], nil); err == nil {
				s[base] = v
				clear(s[base+1 : n])
				f.s = s[:base+1]
			}
		case opCallKw:
			k := int(in.a)
			base := n - k - 1
			names := c.consts[in.b].([]string)
			kw := make([]Kw, len(names))
			for i, name := range names {
				kw[i] = Kw{name, s[n-len(names)+i]}
			}
			var v Value
			if v, err = t.Call(s[base], s[base+1:n-len(names):n-len(names)], kw); err == nil {
				s[base] = v
				f.s = s[:base+1]
			}
		case opCallEx: // fn, list, dict
			d := s[n-1].(*Dict)
			kw := make([]Kw, 0, d.n)
			d.Each(func(k, v Value) { kw = append(kw, Kw{k.(string), v}) })
			var v Value
			if v, err = t.Call(s[n-3], s[n-2].(*List).V, kw); err == nil {
				s[n-3] = v
				f.s = s[:n-2]
			}
		case opFunc:
			k := int(in.b)
			fc := c.consts[in.a].(*code)
			fn := &Func{code: fc}
			if k > 0 {
				fn.defaults = append([]Value(nil), s[n-k:]...)
			}
			for _, cp := range fc.capture {
				if cp.free {
					fn.free = append(fn.free, f.fn.free[cp.i])
				} else {
					fn.free = append(fn.free, s[cp.i].(*cell))
				}
			}
			f.s = append(s[:n-k], fn)
			err = t.alloc(96)
		case opReturn:
			return s[n-1], false, nil
		case opYield:
			v := s[n-1]
			f.s = s[:n-1]
			return v, true, nil
		case opYieldIter:
			if _, ok := s[n-1].(*Gen); ok {
				break
			}
			var it Iterator
			if it, err = t.Iter(s[n-1]); err == nil {
				s[n-1] = it
			}
		case opYieldFrom: // iterator, sent
			var v Value
			var ok bool
			if g, isGen := s[n-2].(*Gen); isGen {
				v, ok, err = g.resume(t, s[n-1], nil)
				if err == nil && !ok {
					s[n-2] = g.result
				}
			} else {
				v, ok, err = t.next(s[n-2])
				if err == nil && !ok {
					s[n-2] = nil
				}
			}
			if err != nil {
				break
			}
			f.s = s[:n-1]
			if ok {
				f.pc--
				return v, true, nil
			}
		case opRaise:
			err = t.raise(f, int(in.a))
		case opReraise:
			e := s[n-1].(*Exc)
			f.s = s[:n-1]
			if k := len(f.handling); k > 0 {
				f.handling = f.handling[:k-1]
			}
			err = e
		case opTry:
			f.blocks = append(f.blocks, block{int(in.a), n - int(in.b), len(f.handling)})
		case opPopBlock:
			f.blocks = f.blocks[:len(f.blocks)-1]
		case opExcMatch:
			var ok bool
			if ok, err = t.excMatch(s[n-2].(*Exc), s[n-1]); err == nil {
				s[n-2] = ok
				f.s = s[:n-1]
			}
		case opPopExc:
			f.handling = f.handling[:len(f.handling)-1]
		case opFormat:
			err = t.format(f, int(in.a))
		case opJoin:
			err = t.join(f, int(in.a))
		case opImport:
			var m Value
			if m, err = t.importName(c.names[in.a], in.b == 1); err == nil {
				f.s = append(s, m)
			}
		case opImportFrom:
			var m Value
			if m, err = t.importFrom(c.names[in.a], c.names[in.b]); err == nil {
				f.s = append(s, m)
			}
		case opWithEnter:
			err = t.withEnter(f)
		case opWithExit:
			_, err = t.Call(s[n-1], []Value{nil, nil, nil}, nil)
			f.s = s[:n-1]
		case opWithExc: // exit, exception
			e := s[n-1].(*Exc)
			v, ce := t.Call(s[n-2], []Value{e.Kind, e, nil}, nil)
			f.s = s[:n-2]
			if ce != nil {
				err = ce
				break
			}
			var swallow bool
			if swallow, err = t.Truth(v); err != nil {
				break
			}
			f.handling = f.handling[:len(f.handling)-1]
			if !swallow {
				err = e
			}
		case opMatchSeq:
			k, ok := -1, false
			switch x := s[n-1].(type) {
			case *List:
				k, ok = len(x.V), true
			case *Tuple:
				k, ok = len(x.V), true
			case *Range:
				k, ok = x.n, true
			}
			s[n-1] = ok && (k == int(in.a) || in.b == 1 && k > int(in.a))
		case opMatchMap:
			s[n-1] = t.isMapping(s[n-1])
		case opMatchKey:
			v, e := t.Index(s[n-2], s[n-1])
			var x *Exc
			switch {
			case e == nil:
				s[n-2], s[n-1] = v, true
			case errors.As(e, &x) && x.Kind.is(KeyError):
				s[n-2], s[n-1] = nil, false
			default:
				err = e
			}
		case opMatchRest:
			k := int(in.a)
			d := &Dict{}
			if err = t.updateDict(d, s[n-k-1]); err != nil {
				break
			}
			for _, key := range s[n-k:] {
				if _, _, err = d.Delete(t, key); err != nil {
					break
				}
			}
			s[n-k-1] = d
			f.s = s[:n-k]
		case opMatchType:
			ty, ok := s[n-1].(*Type)
			if !ok {
				err = raise(TypeError, "called match pattern must be a class")
				break
			}
			if in.a > 1 || in.a == 1 && !selfMatch[ty] {
				err = raise(TypeError, "%s() accepts 0 positional sub-patterns (%d given)", ty.Name, in.a)
				break
			}
			s[n-2] = typeOf(s[n-2]).is(ty)
			f.s = s[:n-1]
		case opMatchAttr:
			v, e := t.Attr(s[n-1], c.names[in.a])
			var x *Exc
			switch {
			case e == nil:
				s[n-1] = v
				f.s = append(s, true)
			case errors.As(e, &x) && x.Kind.is(AttributeError):
				s[n-1] = nil
				f.s = append(s, false)
			default:
				err = e
			}
		case opAssertFail:
			e := &Exc{Kind: AssertionError}
			if in.a == 1 {
				e.Args = []Value{s[n-1]}
			}
			err = e
		}
		if err != nil && !t.handle(f, err) {
			return nil, false, t.ended(err)
		}
	}
}

// ended gives an error of the host that says the run's time is over the line where that was found.
func (t *Thread) ended(err error) error {
	switch err.(type) {
	case *Exc, *LimitError:
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return t.limit("time", err)
	}
	return err
}

var selfMatch = map[*Type]bool{boolType: true, bytesType: true, dictType: true, floatType: true, frozenType: true, intType: true, listType: true, setType: true, strType: true, tupleType: true}

func unboundLocal(c *code, i int) error {
	return raise(UnboundLocalError, "cannot access local variable '%s' where it is not associated with a value", c.locals[i])
}

// qualName is a callee as error texts call it.
func qualName(fn Value) string { return calleeName(fn) }

// global finds a name outside the function.
func (t *Thread) global(c *code, i int) (Value, error) {
	if t.globals != nil {
		if v, ok := t.globals[c.names[i]]; ok {
			return v, nil
		}
	}
	if t.env != nil {
		if v, ok := t.env.Lookup(c.names[i]); ok {
			return v, nil
		}
	}
	if v := c.known[i]; v != unbound {
		return v, nil
	}
	e := &Exc{Kind: NameError, Args: []Value{"name '" + c.names[i] + "' is not defined"}, attrs: map[string]Value{"name": c.names[i]}}
	return nil, e
}

// unpack takes the value on the stack apart; after is the number behind a starred target, or -1.
func (t *Thread) unpack(f *frame, before, after int) error {
	n := len(f.s)
	v := f.s[n-1]
	if !iterable(v) {
		return raise(TypeError, "cannot unpack non-iterable %s object", typeName(v))
	}
	var vs []Value
	switch x := v.(type) {
	case *Tuple:
		vs = x.V
	case *List:
		vs = append([]Value(nil), x.V...)
	default:
		it, err := t.Iter(v)
		if err != nil {
			return err
		}
		for after >= 0 || len(vs) <= before {
			x, ok, err := it.Next(t)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := t.alloc(16); err != nil {
				return err
			}
			vs = append(vs, x)
		}
	}
	f.s = f.s[:n-1]
	if after < 0 {
		switch {
		case len(vs) < before:
			return raise(ValueError, "not enough values to unpack (expected %d, got %d)", before, len(vs))
		case len(vs) > before:
			return raise(ValueError, "too many values to unpack (expected %d)", before)
		}
		for i := before - 1; i >= 0; i-- {
			f.s = append(f.s, vs[i])
		}
		return nil
	}
	if len(vs) < before+after {
		return raise(ValueError, "not enough values to unpack (expected at least %d, got %d)", before+after, len(vs))
	}
	for i := len(vs) - 1; i >= len(vs)-after; i-- {
		f.s = append(f.s, vs[i])
	}
	f.s = append(f.s, &List{append([]Value(nil), vs[before:len(vs)-after]...)})
	for i := before - 1; i >= 0; i-- {
		f.s = append(f.s, vs[i])
	}
	return t.alloc(16 * len(vs))
}

func (t *Thread) toExc(v Value) (*Exc, error) {
	if ty, ok := v.(*Type); ok && ty.is(BaseException) && ty.make != nil {
		x, err := ty.make(t, nil, nil)
		if err != nil {
			return nil, err
		}
		v = x
	}
	e, ok := v.(*Exc)
	if !ok {
		return nil, raise(TypeError, "exceptions must derive from BaseException")
	}
	return e, nil
}

// raise is the statement.
func (t *Thread) raise(f *frame, k int) error {
	n := len(f.s)
	if k == 0 {
		if e := t.current(f); e != nil {
			return e
		}
		return raise(RuntimeError, "No active exception to reraise")
	}
	e, err := t.toExc(f.s[n-k])
	if err != nil {
		return err
	}
	if k == 2 {
		if f.s[n-1] == nil {
			e.Cause = nil
		} else {
			c, err := t.toExc(f.s[n-1])
			if err != nil {
				return raise(TypeError, "exception causes must derive from BaseException")
			}
			e.Cause = c
		}
	}
	f.s = f.s[:n-k]
	return e
}

func (t *Thread) excMatch(e *Exc, want Value) (bool, error) {
	switch x := want.(type) {
	case *Type:
		if x.is(BaseException) {
			return e.Kind.is(x), nil
		}
	case *Tuple:
		for _, w := range x.V {
			if ok, err := t.excMatch(e, w); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	return false, raise(TypeError, "catching classes that do not inherit from BaseException is not allowed")
}

// format is a field of an f-string.
func (t *Thread) format(f *frame, flags int) error {
	n := len(f.s)
	spec := ""
	v := f.s[n-1]
	if flags>>8 == 1 {
		var ok bool
		if spec, ok = f.s[n-1].(string); !ok {
			s, err := t.Str(f.s[n-1])
			if err != nil {
				return err
			}
			spec = s
		}
		v = f.s[n-2]
		f.s = f.s[:n-1]
		n--
	}
	v, err := t.convert(v, byte(flags))
	if err != nil {
		return err
	}
	out, err := t.Format(v, spec)
	if err != nil {
		return err
	}
	f.s[n-1] = out
	return nil
}

func (t *Thread) convert(v Value, conv byte) (Value, error) {
	switch conv {
	case 's':
		return t.Str(v)
	case 'r':
		return t.Repr(v)
	case 'a':
		s, err := t.Repr(v)
		return ascii(s), err
	}
	return v, nil
}

func (t *Thread) join(f *frame, k int) error {
	n := len(f.s)
	size := 0
	for _, v := range f.s[n-k:] {
		size += len(v.(string))
	}
	if err := t.text(size); err != nil {
		return err
	}
	var b strings.Builder
	b.Grow(size)
	for _, v := range f.s[n-k:] {
		b.WriteString(v.(string))
	}
	f.s = append(f.s[:n-k], b.String())
	return nil
}

// text counts a new text of n bytes and refuses one that is too long.
func (t *Thread) text(n int) error {
	if n > maxText || n < 0 {
		return raise(MemoryError, "")
	}
	return t.alloc(n + 16)
}

func (t *Thread) withEnter(f *frame) error {
	n := len(f.s)
	v := f.s[n-1]
	enter, err := t.Attr(v, "__enter__")
	if err == nil {
		var exit Value
		if exit, err = t.Attr(v, "__exit__"); err == nil {
			var r Value
			if r, err = t.Call(enter, nil, nil); err == nil {
				f.s[n-1] = exit
				f.s = append(f.s, r)
			}
			return err
		}
	}
	return raise(TypeError, "'%s' object does not support the context manager protocol", typeName(v))
}

// Gen is a generator: a frame that waits. It holds no goroutine.
type Gen struct {
	f       *frame
	started bool
	running bool
	done    bool
	result  Value
}

// Next implements Iterator.
func (g *Gen) Next(t *Thread) (Value, bool, error) { return g.resume(t, nil, nil) }

func (g *Gen) resume(t *Thread, sent Value, thrown error) (Value, bool, error) {
	switch {
	case g.running:
		return nil, false, raise(ValueError, "generator already executing")
	case g.done:
		g.result = nil
		return nil, false, thrown
	case !g.started && sent != nil:
		return nil, false, raise(TypeError, "can't send non-None value to a just-started generator")
	}
	if thrown != nil && g.started {
		if v, ok, err, delegated := g.delegate(t, thrown); delegated {
			if err == nil && ok {
				return v, true, nil
			}
			if err == nil { // the inner one ended: its result is the value of yield from
				n := len(g.f.s)
				g.f.s[n-1] = v
				g.f.pc++
				thrown, sent = nil, nil
				return g.step(t, nil)
			}
			thrown = err
		}
	}
	if g.started && thrown == nil {
		g.f.s = append(g.f.s, sent)
	}
	return g.step(t, thrown)
}

// delegate throws into the generator that yield from waits for.
func (g *Gen) delegate(t *Thread, thrown error) (Value, bool, error, bool) {
	f := g.f
	if f.code.ins[f.pc].op != opYieldFrom {
		return nil, false, nil, false
	}
	inner, ok := f.s[len(f.s)-1].(*Gen)
	if !ok {
		return nil, false, nil, false
	}
	g.running = true
	v, more, err := inner.resume(t, nil, thrown)
	g.running = false
	if err == nil && !more {
		v = inner.result
	}
	return v, more, err, true
}

func (g *Gen) step(t *Thread, thrown error) (Value, bool, error) {
	if err := t.enter(); err != nil {
		return nil, false, err
	}
	g.started, g.running = true, true
	v, more, err := t.run(g.f, thrown)
	t.leave()
	g.running = false
	if err != nil {
		g.done = true
		var e *Exc
		if errors.As(err, &e) && e.Kind.is(StopIteration) {
			err = &Exc{Kind: RuntimeError, Args: []Value{"generator raised StopIteration"}, Cause: e}
		}
		return nil, false, err
	}
	if !more {
		g.done = true
		g.result = v
		return nil, false, nil
	}
	return v, true, nil
}

func stopIteration(v Value) error {
	e := &Exc{Kind: StopIteration, stop: v}
	if v != nil {
		e.Args = []Value{v}
	}
	return e
}

// counted are the entries of a Counter, the most common first.
func counted(t *Thread, d *Dict) []entry {
	out := make([]entry, 0, d.n)
	for _, e := range d.e {
		if !e.dead {
			out = append(out, e)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		c, ok := t.order(out[i].v, out[j].v)
		return ok && c > 0
	})
	return out
}
