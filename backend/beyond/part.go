package beyond

import (
	"encoding/json"
	"reflect"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Part is what a room that works for every kind, as that of blueprints, needs of settings. One that points at objects has the name of the
// hidden field that keeps it.
type Part interface {
	Kind() *kind.Kind
	Fields() []kind.Field
	// Show gives what an object has.
	Show(obj any) any
	// Change checks a body, keeps what it leaves out, and puts it onto an object, which the caller saves.
	Change(tx *store.Tx, obj any, body map[string]json.RawMessage) error
}

// Kind implements Part.
func (s Settings[P, B]) Kind() *kind.Kind { return store.KindOf[P](s.Store) }

// Fields implements Part.
func (s Settings[P, B]) Fields() []kind.Field { return kind.FieldsOf(reflect.TypeFor[B]()) }

// Show implements Part.
func (s Settings[P, B]) Show(obj any) any { return s.Of(obj.(*P)) }

// Change implements Part. A name that is none is refused: nobody else writes these, so it is a slip.
func (s Settings[P, B]) Change(tx *store.Tx, obj any, body map[string]json.RawMessage) error {
	p := obj.(*P)
	in := s.Of(p)
	var bad fault.Fields
	unknown, err := kind.Decode(s.Fields(), body, reflect.ValueOf(&in).Elem(), false)
	if err := bad.Merge(err); err != nil {
		return err
	}
	for _, name := range unknown {
		bad.Add(name, "There is no such setting.")
	}
	if err := bad.Err(); err != nil {
		return err
	}
	return s.Put(tx, p, in)
}
