package event

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Mask stands for a secret.
const Mask = "********************"

// secretNames mark the keys whose values an event must not hold (flows.md 5.3).
var secretNames = [...]string{"api", "token", "key", "secret", "pass", "signature", "http_cookie"}

func secret(name string) bool {
	low := strings.ToLower(name)
	if strings.Contains(low, "passing") || strings.Contains(low, "password_change_date") || low == "field_key" {
		return false
	}
	for _, w := range secretNames { // asked for every name of every event: no regular expression
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// Clean makes a context that is plain JSON: secrets masked, times as text, errors as their message, bytes as hex.
func Clean(c map[string]any) map[string]any {
	out := make(map[string]any, len(c))
	for k, v := range c {
		if secret(k) {
			switch v.(type) {
			case map[string]any, []any:
			default:
				if v != nil {
					out[k] = Mask
					continue
				}
			}
		}
		out[k] = plain(v)
	}
	return out
}

func plain(v any) any {
	switch x := v.(type) {
	case nil, bool, string, int, int64, float64:
		return v
	case map[string]any:
		return Clean(x)
	case map[string]string:
		m := make(map[string]any, len(x))
		for k, v := range x {
			m[k] = v
		}
		return Clean(m)
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.999999Z")
	case time.Duration:
		return x.Seconds()
	case error:
		return x.Error()
	case []byte:
		return hex.EncodeToString(x)
	case fmt.Stringer:
		return x.String()
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer:
		if rv.IsNil() {
			return nil
		}
		return plain(rv.Elem().Interface())
	case reflect.Slice, reflect.Array:
		out := make([]any, 0, rv.Len())
		for i := range rv.Len() {
			out = append(out, plain(rv.Index(i).Interface()))
		}
		return out
	case reflect.Map:
		m := make(map[string]any, rv.Len())
		for _, k := range rv.MapKeys() {
			m[fmt.Sprint(k.Interface())] = rv.MapIndex(k).Interface()
		}
		return Clean(m)
	case reflect.Struct:
		m := map[string]any{}
		t := rv.Type()
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if name == "" {
				name = f.Name
			}
			m[name] = rv.Field(i).Interface()
		}
		return Clean(m)
	case reflect.Func, reflect.Chan:
		return nil
	case reflect.String:
		return rv.String()
	case reflect.Bool:
		return rv.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
		return rv.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return rv.Uint()
	case reflect.Float32:
		return rv.Float()
	}
	return fmt.Sprint(v)
}
