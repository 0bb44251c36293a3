package rest

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"gatehouse/backend/kind"
)

// encoder writes objects in the published shape.
type encoder struct {
	api  *API
	buf  bytes.Buffer
	show bool // secrets are shown
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	plans    sync.Map // reflect.Type -> []kind.Field
)

// fieldsOf gives the fields of a struct type that is no kind, described once.
func fieldsOf(t reflect.Type) []kind.Field {
	if f, ok := plans.Load(t); ok {
		return f.([]kind.Field)
	}
	f := kind.FieldsOf(t)
	plans.Store(t, f)
	return f
}

// object writes obj, a pointer to a struct of k, with what the spec adds.
func (e *encoder) object(k *kind.Kind, obj any) error {
	if k.Plain {
		return e.fields(k.Fields, reflect.ValueOf(obj).Elem(), nil)
	}
	return e.fields(k.Fields, reflect.ValueOf(obj).Elem(), k)
}

// base writes the part of obj (of kind k) that its family's base kind describes.
func (e *encoder) base(base, k *kind.Kind, obj any) error {
	return e.fields(base.Fields, embedded(reflect.ValueOf(obj).Elem(), base.Type), k)
}

// embedded finds the part of v that has type t: v itself or an embedded struct.
func embedded(v reflect.Value, t reflect.Type) reflect.Value {
	if v.Type() == t {
		return v
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous && f.Type.Kind() == reflect.Struct {
			if got := embedded(v.Field(i), t); got.IsValid() {
				return got
			}
		}
	}
	return reflect.Value{}
}

func (e *encoder) fields(fields []kind.Field, v reflect.Value, k *kind.Kind) error {
	e.buf.WriteByte('{')
	first := true
	key := func(name string) {
		if !first {
			e.buf.WriteByte(',')
		}
		first = false
		e.buf.WriteByte('"')
		e.buf.WriteString(name)
		e.buf.WriteString(`":`)
	}
	for i := range fields {
		f := &fields[i]
		if !f.OnWire() {
			continue
		}
		fv := v.FieldByIndex(f.Index)
		if f.OmitEmpty && fv.IsZero() {
			continue
		}
		key(f.Name)
		if f.Secret && !e.show {
			hidden := `""`
			if fv.Kind() == reflect.Map {
				hidden = "{}"
			}
			e.buf.WriteString(hidden)
			continue
		}
		if err := e.value(fv, f); err != nil {
			return err
		}
	}
	if k != nil && k.Family.Typed {
		for _, g := range [...][2]string{{"component", k.Component}, {"verbose_name", k.Title}, {"verbose_name_plural", k.Plural}, {"meta_model_name", k.Model}} {
			key(g[0])
			e.text(g[1])
		}
	}
	e.buf.WriteByte('}')
	return nil
}

// text writes a string as package json does: most hold nothing that needs escaping.
func (e *encoder) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f {
			b, _ := json.Marshal(s) // a string never fails
			e.buf.Write(b)
			return
		}
	}
	e.buf.WriteByte('"')
	e.buf.WriteString(s)
	e.buf.WriteByte('"')
}

func (e *encoder) value(v reflect.Value, f *kind.Field) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			e.buf.WriteString("null")
			return nil
		}
		if v.Elem().Kind() == reflect.Struct && v.Elem().Type() != timeType {
			return e.nested(v, f)
		}
		return e.value(v.Elem(), f)
	case reflect.Interface:
		if v.IsNil() {
			e.buf.WriteString("null")
			return nil
		}
		return e.value(v.Elem(), f)
	case reflect.String:
		e.text(v.String())
		return nil
	case reflect.Bool:
		e.buf.WriteString(strconv.FormatBool(v.Bool()))
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.buf.Write(strconv.AppendInt(e.buf.AvailableBuffer(), v.Int(), 10))
		return nil
	case reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			e.buf.WriteString("null")
			return nil
		}
	case reflect.Struct:
		if v.Type() == timeType {
			e.time(v.Interface().(time.Time))
			return nil
		}
		return e.nested(v.Addr(), f)
	case reflect.Slice:
		if v.Type() == rawType {
			break
		}
		if v.IsNil() && f != nil && f.Nullable {
			e.buf.WriteString("null")
			return nil
		}
		e.buf.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				e.buf.WriteByte(',')
			}
			if err := e.value(v.Index(i), f); err != nil {
				return err
			}
		}
		e.buf.WriteByte(']')
		return nil
	case reflect.Map:
		if v.IsNil() && (f == nil || !f.Nullable) {
			e.buf.WriteString("{}")
			return nil
		}
	}
	b, err := json.Marshal(v.Interface())
	e.buf.Write(b)
	return err
}

// nested writes a struct inside another: a kind in its published shape (of its family's base kind when the field says so), any other
// struct by its fields. Secrets of nested objects are never shown.
func (e *encoder) nested(ptr reflect.Value, f *kind.Field) error {
	obj := ptr.Interface()
	k := e.api.Store.KindFor(obj)
	if k == nil {
		if !ptr.Elem().CanAddr() {
			c := reflect.New(ptr.Elem().Type())
			c.Elem().Set(ptr.Elem())
			ptr = c
		}
		return e.fields(fieldsOf(ptr.Elem().Type()), ptr.Elem(), nil)
	}
	show := e.show
	e.show = false
	defer func() { e.show = show }()
	if f != nil {
		if want := f.Schema; want != "" && want != k.Schema && want != k.Schema+"[]" {
			for _, b := range e.api.Store.Family(k.Family.Name) {
				if b.IsBase() && (b.Schema == want || b.Schema+"[]" == want) {
					return e.base(b, k, obj)
				}
			}
		}
	}
	return e.object(k, obj)
}

// time writes RFC 3339 in UTC, with microseconds when there are any.
func (e *encoder) time(t time.Time) {
	t = t.UTC()
	layout := "2006-01-02T15:04:05Z"
	if t.Nanosecond() >= 1000 {
		layout = "2006-01-02T15:04:05.000000Z"
	}
	b := append(e.buf.AvailableBuffer(), '"')
	b = t.AppendFormat(b, layout)
	e.buf.Write(append(b, '"'))
}
