package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"gatehouse/backend/kind"
)

// Kept is what the record of a change keeps so that it can be undone. Secrets are never in it, only their names.
type Kept struct {
	Was     map[string]json.RawMessage   `json:"was,omitempty"` // of an update the fields that changed, of a deletion all of them
	Now     map[string]json.RawMessage   `json:"now,omitempty"` // of an update what they became
	Added   map[string][]json.RawMessage `json:"added,omitempty"`
	Removed map[string][]json.RawMessage `json:"removed,omitempty"`
	Secrets []string                     `json:"secrets,omitempty"` // fields whose values would be needed
	Lost    []string                     `json:"lost,omitempty"`    // fields that the house makes anew
}

// hiddenText is a field that no answer shows and that may be a secret by its nature, such as the hash of a password.
func hiddenText(f *kind.Field) bool {
	return f.Hidden && f.Type == "string" && f.Format != "date-time"
}

// keepable says whether a deleted object can come back at all: such as people make by hand.
func keepable(k *kind.Kind) bool {
	return k.Path != "" && !k.OwnerOnly && k.Serial == "" && k.Verbs&kind.Create != 0 && k.Verbs&kind.Delete != 0
}

// keepAll keeps an object that is about to be deleted.
func (tx *Tx) keepAll(k *kind.Kind, obj any) (*Kept, error) {
	if tx.Actor.System || tx.s.rec == nil || !keepable(k) {
		return nil, nil
	}
	if err := tx.Load(obj); err != nil {
		return nil, err
	}
	out := &Kept{Was: map[string]json.RawMessage{}}
	for i := range k.Fields {
		f := &k.Fields[i]
		v := k.Value(obj, f)
		switch {
		case f.Computed || v.IsZero() && (f.Secret || hiddenText(f)):
		case f.Secret:
			out.Secrets = append(out.Secrets, f.Name)
		case hiddenText(f):
			out.Lost = append(out.Lost, f.Name)
		default:
			b, err := json.Marshal(v.Interface())
			if err != nil {
				return nil, err
			}
			out.Was[f.Name] = b
		}
	}
	return out, nil
}

// loadOld reads what the old object keeps beside its row when the new one changes that.
func (tx *Tx) loadOld(k *kind.Kind, obj, old any) error {
	if old == nil || tx.Actor.System {
		return nil
	}
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Virtual && !k.Value(obj, f).IsZero() {
			return tx.Load(old)
		}
	}
	return nil
}

// keepChanged keeps the fields that an update changes.
func keepChanged(k *kind.Kind, old, obj any) (*Kept, error) {
	out := &Kept{Was: map[string]json.RawMessage{}, Now: map[string]json.RawMessage{}, Added: map[string][]json.RawMessage{}, Removed: map[string][]json.RawMessage{}}
	for i := range k.Fields {
		f := &k.Fields[i]
		a, b := k.Value(old, f), k.Value(obj, f)
		if f.Computed || f.Name == "last_updated" || f.Virtual && b.IsZero() || reflect.DeepEqual(flat(a), flat(b)) {
			continue
		}
		if f.Secret || hiddenText(f) {
			out.Secrets = append(out.Secrets, f.Name)
			continue
		}
		was, err := json.Marshal(a.Interface())
		if err != nil {
			return nil, err
		}
		now, err := json.Marshal(b.Interface())
		if err != nil {
			return nil, err
		}
		if !f.Virtual || f.Type != "array" {
			out.Was[f.Name], out.Now[f.Name] = was, now
			continue
		}
		had, has, err := both(was, now)
		if err != nil {
			return nil, err
		}
		if more := without(has, had); len(more) > 0 {
			out.Added[f.Name] = more
		}
		if less := without(had, has); len(less) > 0 {
			out.Removed[f.Name] = less
		}
	}
	return out, nil
}

// keepDelta keeps a change of lists that is told as what was added and removed.
func keepDelta(diff map[string]Values) *Kept {
	out := &Kept{Added: map[string][]json.RawMessage{}, Removed: map[string][]json.RawMessage{}}
	for name, v := range diff {
		delta, ok := v.New.(map[string]any)
		if !ok {
			return nil
		}
		for word, into := range map[string]map[string][]json.RawMessage{"add": out.Added, "remove": out.Removed} {
			b, err := json.Marshal(delta[word])
			var items []json.RawMessage
			if err == nil && json.Unmarshal(b, &items) == nil && len(items) > 0 {
				into[name] = items
			}
		}
	}
	return out
}

func both(a, b json.RawMessage) (x, y []json.RawMessage, err error) {
	if err := json.Unmarshal(a, &x); err != nil {
		return nil, nil, err
	}
	return x, y, json.Unmarshal(b, &y)
}

// without gives the values of a list that another does not have.
func without(list, not []json.RawMessage) []json.RawMessage {
	seen := make(map[string]bool, len(not))
	for _, v := range not {
		seen[string(v)] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(v json.RawMessage) bool { return seen[string(v)] })
}

// Moved gives the name of a field of obj that is no longer what the change made of it, "" when none is.
func (c *Kept) Moved(k *kind.Kind, obj any) (string, error) {
	for i := range k.Fields {
		f := &k.Fields[i]
		want, ok := c.Now[f.Name]
		if !ok {
			continue
		}
		got, err := json.Marshal(k.Value(obj, f).Interface())
		if err != nil {
			return "", err
		}
		if !bytes.Equal(got, want) {
			return f.Name, nil
		}
	}
	return "", nil
}

// Back sets the kept values on obj: fields to what they were, lists without what was added and with what was removed. The object has to be
// loaded; lists that did not change are left alone.
func (c *Kept) Back(k *kind.Kind, obj any) error {
	for i := range k.Fields {
		f := &k.Fields[i]
		v := k.Value(obj, f)
		added, adds := c.Added[f.Name]
		removed, removes := c.Removed[f.Name]
		was, ok := c.Was[f.Name]
		switch {
		case ok:
		case adds || removes:
			now, err := json.Marshal(v.Interface())
			if err != nil {
				return err
			}
			var items []json.RawMessage
			if err := json.Unmarshal(now, &items); err != nil {
				return err
			}
			items = append(without(items, added), without(removed, items)...)
			if items == nil {
				items = []json.RawMessage{}
			}
			if was, err = json.Marshal(items); err != nil {
				return err
			}
		case f.Virtual:
			v.SetZero()
			continue
		default:
			continue
		}
		v.SetZero() // or what is there would shine through
		if err := json.Unmarshal(was, v.Addr().Interface()); err != nil {
			return fmt.Errorf("%s.%s: %w", k.Model, f.Name, err)
		}
		if n, ok := v.Interface().(float64); ok && f.GoType.Kind() == reflect.Interface && n == float64(int64(n)) {
			v.Set(reflect.ValueOf(int64(n))) // a key in whose place answers show the object
		}
	}
	return nil
}

// Restore stores an object that was deleted again, with its key and what the house had given it.
func (tx *Tx) Restore(k *kind.Kind, c *Kept) (any, error) {
	obj := k.New()
	if err := c.Back(k, obj); err != nil {
		return nil, err
	}
	if err := tx.save(k, obj, nil); err != nil {
		return nil, err
	}
	if err := c.Back(k, obj); err != nil { // what a new object is given by the house
		return nil, err
	}
	return obj, tx.writeRow(k, obj, false)
}
