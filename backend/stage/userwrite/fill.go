package userwrite

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// houseAttributes begin the names of attributes that the house itself acts on (who may change what, how long tokens last).
const houseAttributes = "goauthentik.io/"

// sourcesAttribute holds the names of the sources that a person came with.
const sourcesAttribute = houseAttributes + "user/sources"

// fill writes what was typed onto a user. Values have to fit as in the published API; Invalid when one does not, or when the username is
// missing.
func (w *writing) fill(tx *store.Tx, u *user.User) error {
	body := map[string]json.RawMessage{}
	attrs := maps.Clone(u.Attributes)
	if attrs == nil {
		attrs = map[string]any{}
	}
	for key, v := range w.data {
		switch key {
		case "username", "name", "email":
		case "is_active", "path":
			if !w.mayRaise(tx) {
				continue
			}
		case "type":
			if !w.mayRaise(tx) || v != user.Internal && v != user.External {
				continue
			}
		case "attributes":
			w.merge(tx, attrs, v)
			continue
		default:
			w.nested(tx, attrs, key, v)
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		body[key] = raw
	}
	k := store.KindOf[user.User](tx.Store())
	if _, err := kind.Decode(k.Fields, body, reflect.ValueOf(u).Elem(), false); err != nil {
		return err
	}
	if u.Username == "" {
		return fault.Field("username", "This field may not be blank.")
	}
	if w.source != "" {
		list, _ := attrs[sourcesAttribute].([]any)
		attrs[sourcesAttribute] = append(append([]any{}, list...), w.source)
	}
	u.Attributes = attrs
	return nil
}

// mayRaise says whether this run may set what gives an account more: it is new, or a superuser is at work.
func (w *writing) mayRaise(tx *store.Tx) bool { return w.pk == 0 || tx.Actor.Superuser }

// merge puts an object over the attributes, member by member.
func (w *writing) merge(tx *store.Tx, attrs map[string]any, v any) {
	m, _ := v.(map[string]any)
	for name, x := range m {
		if w.mayName(tx, name) {
			attrs[name] = plain(x)
		}
	}
}

// nested writes one attribute: attributes.a.b stands for b in a. Only dots separate.
func (w *writing) nested(tx *store.Tx, attrs map[string]any, key string, v any) {
	path, ok := strings.CutPrefix(key, "attributes.")
	if !ok {
		if path, ok = strings.CutPrefix(key, "attributes_"); !ok {
			return
		}
	}
	if !w.mayName(tx, path) {
		return
	}
	parts := strings.Split(path, ".")
	at := attrs
	for i, part := range parts {
		if part == "" {
			return
		}
		if i == len(parts)-1 {
			at[part] = plain(v)
			return
		}
		inner, _ := at[part].(map[string]any)
		inner = maps.Clone(inner) // what the stored user holds stays as it is
		if inner == nil {
			inner = map[string]any{}
		}
		at[part] = inner
		at = inner
	}
}

// mayName says whether an attribute may be written from what was typed.
func (w *writing) mayName(tx *store.Tx, name string) bool {
	return w.mayRaise(tx) || !strings.HasPrefix(name, houseAttributes)
}

// plain makes a value plain JSON.
func plain(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}
