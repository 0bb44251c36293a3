package py

import (
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// What a host needs to make values of its own.

// NewType makes a class for objects of the host. attrs are what the class itself has; functions among them get the object as their first
// argument when they are called on one.
func NewType(name, module string, attrs map[string]Value) *Type {
	ty := objType(name, objectType)
	ty.module = module
	for n, v := range attrs {
		if f, ok := v.(*Builtin); ok {
			v = &Builtin{Name: n, Fn: guard(ty, n, f.Fn), kind: "method"}
		}
		ty.methods[n] = v
	}
	return ty
}

// SetAttr gives the class a further attribute. Only before it is used.
func (ty *Type) SetAttr(name string, v Value) { ty.methods[name] = v }

// SetMake lets programs make objects of the class by calling it. Only before it is used.
func (ty *Type) SetMake(f func(t *Thread, args []Value, kw []Kw) (Value, error)) { ty.make = f }

// Is says whether the class is base or derives from it.
func (ty *Type) Is(base *Type) bool { return ty.is(base) }

// TypeName is the name of a value's class.
func TypeName(v Value) string { return typeName(v) }

// StdModule gives a module of the allow-list.
func StdModule(name string) (*Module, bool) { return stdModule(name) }

// ModuleNames are the modules of the allow-list, sorted.
func ModuleNames() []string {
	stdModule("re")
	return slices.Sorted(maps.Keys(moduleTable))
}

// BuiltinNames are the names that every program knows, sorted.
func BuiltinNames() []string {
	var out []string
	for n := range builtins {
		if !strings.HasPrefix(n, "_") {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// Keywords are the words of the language that expressions may use, sorted.
func Keywords() []string {
	out := []string{"case", "match"}
	for k := range keywords {
		if k != "class" && k != "async" && k != "await" {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// NewTime is a point of time as an aware datetime in UTC.
func NewTime(at time.Time) Value { return fromTime(at.UTC(), utcZone) }

// NewIP is an address as the module ipaddress makes it.
func NewIP(a netip.Addr) Value { return &ipAddr{a} }

// NewUUID is a UUID as the module uuid makes it; a text that is none stays a text.
func NewUUID(s string) Value {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return s
	}
	u := &uuidValue{}
	copy(u.b[:], b)
	return u
}

// IsTime says whether a value is a datetime, a date or a time.
func IsTime(v Value) bool { _, ok := v.(*moment); return ok }

// TimeOf gives the point of time of a datetime; naive ones count as UTC.
func TimeOf(v Value) (time.Time, bool) {
	m, ok := v.(*moment)
	if !ok || m.kind == 't' {
		return time.Time{}, false
	}
	return m.instant(), true
}

// ISO is the ISO 8601 text of a datetime, a date or a time.
func ISO(v Value) (string, bool) {
	m, ok := v.(*moment)
	if !ok {
		return "", false
	}
	return m.iso("T"), true
}

// Items gives the values of a list, a tuple or a set; ok is false for anything else.
func Items(v Value) (vs []Value, ok bool) {
	switch x := v.(type) {
	case *List:
		return x.V, true
	case *Tuple:
		return x.V, true
	case *Set:
		return x.Values(), true
	}
	return nil, false
}

// NewDict makes a dictionary with text keys.
func NewDict(t *Thread, m map[string]Value) (*Dict, error) {
	d := &Dict{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if err := d.Set(t, k, m[k]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Clear takes everything out.
func (d *Dict) Clear() { *d = Dict{typ: d.typ} }

// SliceOf iterates over values.
func SliceOf(vs []Value) Iterator { return &sliceIter{v: vs} }

// SliceBounds gives the bounds of x[lo:hi] for the host; ok is false for a step or a negative bound. hi is -1 when open.
func SliceBounds(v Value) (lo, hi int, ok bool) {
	s, is := v.(*Slice)
	if !is || s.step != nil {
		return 0, 0, false
	}
	hi = -1
	if s.lo != nil {
		if lo, is = asInt(s.lo); !is || lo < 0 {
			return 0, 0, false
		}
	}
	if s.hi != nil {
		if hi, is = asInt(s.hi); !is || hi < 0 {
			return 0, 0, false
		}
	}
	return lo, hi, true
}

// AsInt gives the int of a bool or an int that fits.
func AsInt(v Value) (int, bool) { return asInt(v) }
