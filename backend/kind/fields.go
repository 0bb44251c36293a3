package kind

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

// Chooser is a struct whose fields may have values that a tag is too short for.
type Chooser interface {
	// Choices gives the allowed values by the field's name on the wire.
	Choices() map[string][]string
}

// fieldsOf walks t, embedded structs first in their place.
func fieldsOf(t reflect.Type) []Field {
	out := slices.Clone(walked(t))
	if c, ok := reflect.New(t).Interface().(Chooser); ok {
		choices := c.Choices()
		for i := range out {
			if vs := choices[out[i].Name]; vs != nil {
				out[i].Enum = vs
			}
		}
	}
	return out
}

// seen are the fields of types that were walked before; nobody changes them.
var seen sync.Map // reflect.Type to []Field

// walked is walk, once for each type.
func walked(t reflect.Type) []Field {
	if fs, ok := seen.Load(t); ok {
		return fs.([]Field)
	}
	fs, _ := seen.LoadOrStore(t, walk(t))
	return fs.([]Field)
}

func walk(t reflect.Type) []Field {
	var out []Field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct && sf.Tag.Get("json") == "" {
			for _, f := range walk(sf.Type) {
				f.Index = append([]int{i}, f.Index...)
				out = append(out, f)
			}
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if !sf.IsExported() || name == "" || name == "-" {
			continue
		}
		out = append(out, fieldOf(t, sf, name, i))
	}
	return out
}

func fieldOf(owner reflect.Type, sf reflect.StructField, name string, i int) Field {
	f := Field{Name: name, Index: []int{i}, GoType: sf.Type, Help: sf.Tag.Get("help"), Group: sf.Tag.Get("group"), Format: sf.Tag.Get("format"), Schema: sf.Tag.Get("schema")}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		f.Nullable, t = true, t.Elem()
	}
	f.OmitEmpty = strings.HasSuffix(sf.Tag.Get("json"), ",omitempty")
	f.Type, f.Items = typeOf(t)
	if f.Type == "string" && t == timeType {
		f.Format = "date-time"
	}
	if wire := sf.Tag.Get("type"); wire != "" {
		f.Type = wire
	}
	for w := range strings.SplitSeq(sf.Tag.Get("is"), ",") {
		switch w {
		case "":
		case "required":
			f.Required = true
		case "readonly":
			f.ReadOnly = true
		case "writeonly":
			f.WriteOnly = true
		case "secret":
			f.Secret = true
		case "unique":
			f.Unique = true
		case "search":
			f.Search = true
		case "hidden":
			f.Hidden = true
		case "computed":
			f.Computed, f.ReadOnly = true, true
		case "virtual":
			f.Virtual = true
		case "blank":
			f.Blank = true
		case "nofilter":
			f.NoFilter = true
		case "nullable":
			f.Nullable = true
		case "notnull":
			f.Nullable = false
		case "ignored":
			f.Ignored = true
		case "quiet":
			f.Quiet = true
		case "raw":
			f.Raw = true
		case "omitempty":
			f.OmitEmpty = true
		default:
			panic(fmt.Sprintf("%s.%s: unknown word %q in the is tag", owner, sf.Name, w))
		}
	}
	if f.Ignored && f.Computed {
		f.ReadOnly = false
	}
	if e := sf.Tag.Get("enum"); e != "" {
		f.Enum = strings.Split(e, ",")
	}
	f.Default, f.HasDef = sf.Tag.Lookup("default")
	f.Min, f.Max = number(sf.Tag.Get("min")), number(sf.Tag.Get("max"))
	if r := sf.Tag.Get("ref"); r != "" {
		fam, del, _ := strings.Cut(r, " ")
		f.Ref = &Ref{Family: fam, OnDelete: del, List: f.Type == "array"}
		if del == "" {
			switch {
			case f.Ref.List:
				f.Ref.OnDelete = "cascade_many"
			case f.Nullable:
				f.Ref.OnDelete = "set_null"
			default:
				f.Ref.OnDelete = "cascade"
			}
		}
	}
	return f
}

func number(s string) *float64 {
	if s == "" {
		return nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("not a number in a min or max tag: " + s)
	}
	return &n
}

func typeOf(t reflect.Type) (typ, items string) {
	if t == rawType {
		return "any", ""
	}
	switch t.Kind() {
	case reflect.String:
		return "string", ""
	case reflect.Bool:
		return "boolean", ""
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "integer", ""
	case reflect.Float64:
		return "number", ""
	case reflect.Slice:
		it, _ := typeOf(deref(t.Elem()))
		return "array", it
	case reflect.Map:
		return "object", ""
	case reflect.Interface:
		return "any", ""
	case reflect.Struct:
		if t == timeType {
			return "string", ""
		}
		return "object", ""
	}
	panic("no wire type for " + t.String())
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// setDefault writes the default of the tag; a list takes comma separated words, objects take JSON.
func setDefault(v reflect.Value, f *Field) {
	if v.Kind() == reflect.Pointer {
		n := reflect.New(v.Type().Elem())
		setDefault(n.Elem(), f)
		v.Set(n)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.Default)
	case reflect.Bool:
		v.SetBool(f.Default == "true")
	case reflect.Int, reflect.Int64, reflect.Int32:
		n, err := strconv.ParseInt(f.Default, 10, 64)
		if err != nil {
			panic("default of " + f.Name + ": " + err.Error())
		}
		v.SetInt(n)
	case reflect.Slice:
		s := reflect.MakeSlice(v.Type(), 0, 4)
		if f.Default != "" {
			for w := range strings.SplitSeq(f.Default, ",") {
				e := reflect.New(v.Type().Elem()).Elem()
				e.SetString(w)
				s = reflect.Append(s, e)
			}
		}
		v.Set(s)
	default:
		n := reflect.New(v.Type())
		if err := json.Unmarshal([]byte(f.Default), n.Interface()); err != nil {
			panic("default of " + f.Name + ": " + err.Error())
		}
		v.Set(n.Elem())
	}
}
