package blueprint

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// get gives a node's value as the error of an entry.
func (w *work) get(n *node) (any, error) {
	v, bad := w.eval.value(n, 0)
	if bad == nil {
		return v, nil
	}
	if bad.say == leftOut {
		return nil, errSkip
	}
	return nil, bad
}

// getMap gives a node's value, which has to be a map; nil is an empty one.
func (w *work) getMap(n *node, what string) (map[string]any, error) {
	if n == nil {
		return map[string]any{}, nil
	}
	v, err := w.get(n)
	if err != nil {
		return nil, err
	}
	switch m := v.(type) {
	case map[string]any:
		return m, nil
	case nil:
		return map[string]any{}, nil
	}
	return nil, wrongf(n, "%s has to be a map.", what)
}

// one applies one entry.
func (w *work) one(at *place) error {
	e := at.e
	for _, c := range e.conditions {
		v, err := w.get(c)
		if err != nil {
			return err
		}
		if !truth(v) {
			return nil
		}
	}
	v, err := w.get(e.model)
	if err != nil {
		return err
	}
	at.model = strings.ToLower(fmt.Sprint(v))
	state := present
	if !e.state.isNull() {
		if v, err = w.get(e.state); err != nil {
			return err
		}
		if state = fmt.Sprint(v); !slices.Contains(states, state) {
			return wrongf(e.state, "%q is no state: %s.", state, strings.Join(states, ", "))
		}
	}
	if at.model == metaApply {
		return w.meta(at)
	}
	k := w.r.kind(at.model)
	if k == nil {
		return wrongf(e.model, "Model %s not allowed", at.model)
	}
	if w.proof && k == store.KindOf[Instance](w.r.Store) {
		return nil
	}
	if !slices.Contains(w.out.Models, at.model) {
		w.out.Models = append(w.out.Models, at.model)
	}
	find, err := w.getMap(e.find, "identifiers")
	if err != nil {
		return err
	}
	at.find = find
	for name, v := range find { // an object in the place of its key
		if m, ok := v.(map[string]any); ok {
			if pk, ok := m["pk"]; ok {
				find[name] = pk
			}
		}
	}
	w.rewrite(k, find)
	obj, given, err := w.lookup(at, k, find)
	if err != nil {
		return err
	}
	if obj != nil {
		if err := w.may(k, obj, kind.Retrieve); err != nil { // or whether it is as the file says would tell of it
			return err
		}
	}
	switch {
	case state == absent:
		return w.remove(k, obj)
	case obj != nil && (state == created || w.o.once):
		w.know(e, k, obj, given)
		w.out.Unchanged++
		return nil
	case obj != nil && state == mustCreated:
		return fault.Whole("The object is there already.")
	case w.o.once && max(e.since, 1) <= w.o.since: // made by an earlier version, and deleted since
		if e.id != "" {
			w.failed[e.id] = true
		}
		return nil
	}
	attrs, err := w.getMap(e.attrs, "attrs")
	if err != nil {
		return err
	}
	attrs = maps.Clone(attrs)
	merge(attrs, find)
	w.rewrite(k, attrs)
	if obj == nil {
		return w.create(at, k, attrs, given)
	}
	return w.update(at, k, obj, attrs, given)
}

// know remembers what an entry is about.
func (w *work) know(e *entry, k *kind.Kind, obj any, given string) {
	pk := k.PK(obj)
	if e.id != "" {
		w.known[e.id] = made{k, pk}
	}
	if given != "" && given != pk {
		w.moved[movedKey(k, given)] = pk
	}
}

// movedKey names a key of the file: a UUID is one in the whole world, a number only on its shelf.
func movedKey(k *kind.Kind, pk string) string {
	if k.Family.Key == kind.Int {
		return k.Family.Name + " " + pk
	}
	return strings.ToLower(pk)
}

// rewrite puts the keys that objects got in the place of those that the file has for them, in the fields that point at objects.
func (w *work) rewrite(k *kind.Kind, values map[string]any) {
	if len(w.moved) == 0 {
		return
	}
	for name, v := range values {
		if m, ok := v.(map[string]any); ok && name == ours {
			m = maps.Clone(m)
			w.rewrite(k, m)
			values[name] = m
			continue
		}
		f := k.Field(name)
		if f == nil || f.Ref == nil {
			continue
		}
		one := func(v any) any {
			text := fmt.Sprint(v)
			if s, ok := v.(string); ok && kind.UUIDText.MatchString(s) {
				text = kind.Dashed(s)
			} else if _, ok := v.(int64); ok {
				text = f.Ref.Family + " " + text
			}
			if to, ok := w.moved[text]; ok {
				if _, number := v.(int64); number {
					return json.Number(to)
				}
				return to
			}
			return v
		}
		if all, ok := v.([]any); ok {
			out := make([]any, len(all))
			for i := range all {
				out[i] = one(all[i])
			}
			values[name] = out
			continue
		}
		values[name] = one(v)
	}
}

func (w *work) remove(k *kind.Kind, obj any) error {
	if obj == nil {
		w.out.Unchanged++
		return nil
	}
	if err := w.may(k, obj, kind.Delete); err != nil {
		return err
	}
	if err := w.tx.Delete(k, k.PK(obj)); err != nil {
		return err
	}
	w.out.Deleted++
	return nil
}

// body makes a request body of values, as the API takes it. Members that no field has the name of are noted and ignored, as published.
func (w *work) body(at *place, k *kind.Kind, values map[string]any) (map[string]json.RawMessage, error) {
	out := make(map[string]json.RawMessage, len(values))
	for name, v := range values {
		if isKey(k, name) {
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		if _, ok := extra(k, name); !ok && k.Field(name) == nil && name != ours {
			w.log("info", fmt.Sprintf("The attribute %q of %s is not known and was ignored.", name, label(at.e, at.model, at.find)), nil)
			continue
		}
		out[name] = b
	}
	return out, nil
}

// decode puts a body onto obj, with the fields that only blueprints set.
func (w *work) decode(k *kind.Kind, obj any, body map[string]json.RawMessage, whole bool) error {
	var bad fault.Fields
	if _, err := kind.Decode(k.Fields, body, reflect.ValueOf(obj).Elem(), whole); err != nil {
		if err := bad.Merge(err); err != nil {
			return err
		}
	}
	for name, raw := range body {
		if x, ok := extra(k, name); ok {
			if err := bad.Merge(w.setExtra(k, obj, name, x, raw)); err != nil {
				return err
			}
		}
	}
	if raw, ok := body[ours]; ok {
		if err := bad.Merge(w.setBeyond(k, obj, raw)); err != nil {
			return err
		}
	}
	return bad.Err()
}

func (w *work) create(at *place, k *kind.Kind, values map[string]any, given string) error {
	if err := w.may(k, nil, kind.Create); err != nil {
		return err
	}
	body, err := w.body(at, k, values)
	if err != nil {
		return err
	}
	obj := k.New()
	if err := w.decode(k, obj, body, true); err != nil {
		return err
	}
	if f := k.Field("managed"); f != nil && f.ReadOnly && w.tx.Actor.System && body["managed"] != nil {
		if err := json.Unmarshal(body["managed"], k.Value(obj, f).Addr().Interface()); err != nil {
			return fault.Field("managed", "Not a valid string.")
		}
	}
	if k.Family.Key == kind.UUID && given != "" { // a number is never given twice, so those are made anew
		var taken bool
		if err := w.tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM object WHERE pk = ?)`, given).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return fault.Field("pk", "This is the key of an object of another kind.")
		}
		k.Value(obj, k.PKField()).SetString(given)
	}
	if err := w.tx.Create(obj); err != nil {
		return err
	}
	w.know(at.e, k, obj, given)
	w.out.Created++
	_, err = w.password(obj, values)
	return err
}

func (w *work) update(at *place, k *kind.Kind, obj any, values map[string]any, given string) error {
	w.know(at.e, k, obj, given)
	body, err := w.body(at, k, values)
	if err != nil {
		return err
	}
	old, err := w.tx.Get(k, k.PK(obj))
	if err != nil {
		return err
	}
	if err := w.tx.Load(old); err != nil {
		return err
	}
	if err := w.decode(k, obj, body, false); err != nil {
		return err
	}
	changed := false
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Computed {
			continue
		}
		a, b := k.Value(old, f), k.Value(obj, f)
		switch {
		case f.Virtual && (b.IsZero() || sameSet(a, b)):
			b.SetZero() // left as it is
		case !sameValue(a, b):
			changed = true
		}
	}
	if changed || secret(k, body) {
		if err := w.may(k, old, kind.Update); err != nil {
			return err
		}
	}
	if changed {
		if err := w.tx.Update(obj); err != nil {
			return err
		}
	}
	set, err := w.password(obj, values)
	if err != nil {
		return err
	}
	if changed || set {
		w.out.Updated++
	} else {
		w.out.Unchanged++
	}
	return nil
}

// secret says whether a body says something that only who may change the object may know.
func secret(k *kind.Kind, body map[string]json.RawMessage) bool {
	for name := range body {
		_, further := extra(k, name)
		if f := k.Field(name); further || f != nil && (f.Secret || f.Hidden || f.WriteOnly) {
			return true
		}
	}
	return false
}

// sameValue compares two values of a field as they are stored.
func sameValue(a, b reflect.Value) bool {
	x, err := json.Marshal(a.Interface())
	if err != nil {
		return false
	}
	y, err := json.Marshal(b.Interface())
	return err == nil && (string(x) == string(y) || empty(string(x)) && empty(string(y)))
}

func empty(s string) bool { return s == "null" || s == "[]" || s == "{}" }

// sameSet compares two lists without regard to their order.
func sameSet(a, b reflect.Value) bool {
	if a.Kind() != reflect.Slice || b.Kind() != reflect.Slice || a.Len() != b.Len() {
		return false
	}
	texts := func(v reflect.Value) []string {
		out := make([]string, v.Len())
		for i := range out {
			out[i] = fmt.Sprint(v.Index(i).Interface())
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(texts(a), texts(b))
}
