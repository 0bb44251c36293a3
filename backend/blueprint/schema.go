package blueprint

import (
	"encoding/json"

	"gatehouse/backend/kind"
)

type object = map[string]any

// Schema gives the JSON Schema (draft-07) of the file format, made from the kinds, for editors. A value may also be a tag, which a schema
// can't say.
func (r *Room) Schema() ([]byte, error) {
	defs, entries := object{}, []any{}
	for _, model := range kind.Models() {
		k := r.kind(model)
		if k == nil {
			continue
		}
		props := object{}
		for i := range k.Fields {
			if f := &k.Fields[i]; f.InBody() && !f.Ignored && f.Name != k.PKField().Name {
				props[f.Name] = r.typeOf(f)
			}
		}
		for name := range more(k) {
			props[name] = object{"type": "string", "minLength": 1}
		}
		if p := r.beyond(k); p != nil {
			own := object{}
			for _, f := range p.Fields() {
				own[f.Name] = r.typeOf(&f)
			}
			props[ours] = object{"type": "object", "properties": own, "additionalProperties": false, "description": "Settings that the release does not have."}
		}
		defs[model] = object{"type": "object", "properties": props}
		entries = append(entries, entrySchema(model, object{"$ref": "#/$defs/" + model}))
	}
	entries = append(entries, entrySchema(metaApply, object{"type": "object", "required": []string{"identifiers"}, "properties": object{
		"identifiers": object{"type": "object"}, "required": object{"type": "boolean"},
	}}))
	return json.MarshalIndent(object{
		"$schema": "http://json-schema.org/draft-07/schema", "title": "Blueprint of Gatehouse", "type": "object", "required": []string{"version", "entries"}, "$defs": defs,
		"properties": object{
			"version":  object{"type": "integer", "const": 1},
			"metadata": object{"type": "object", "required": []string{"name"}, "properties": object{"name": object{"type": "string"}, "labels": object{"type": "object", "additionalProperties": object{"type": "string"}}}},
			"context":  object{"type": "object", "additionalProperties": true},
			"entries":  object{"type": "array", "minItems": 1, "items": object{"oneOf": entries}},
		},
	}, "", "  ")
}

func entrySchema(model string, attrs object) object {
	need := []string{"model", "identifiers"}
	if model == metaApply {
		need = need[:1]
	}
	return object{"type": "object", "required": need, "properties": object{
		"model": object{"const": model}, "id": object{"type": "string"}, "state": object{"type": "string", "enum": states, "default": present},
		"conditions": object{"type": "array"}, "identifiers": object{"type": "object", "minProperties": 1}, "attrs": attrs,
	}}
}

// more gives the names that only blueprints have.
func more(k *kind.Kind) map[string]string {
	out := map[string]string{}
	for _, of := range []string{k.Model, k.Family.Name} {
		for name, to := range further[of] {
			out[name] = to
		}
	}
	if k.Model == userModel {
		out["password"] = "password"
	}
	return out
}

// typeOf describes the value of a field. A reference is of the type that the keys on its shelf have.
func (r *Room) typeOf(f *kind.Field) object {
	one := object{"type": f.Type}
	item := f.Type
	if f.Type == "array" {
		item = f.Items
	}
	value := object{"type": item}
	switch {
	case item == "any" || item == "":
		value = object{}
	case f.Ref != nil:
		value = r.keyType(f.Ref.Family)
	case item == "string":
		switch f.Format {
		case "slug":
			value["pattern"] = "^[-a-zA-Z0-9_]+$"
		case "uuid", "email", "uri", "date-time":
			value["format"] = f.Format
		}
		if !f.Blank && f.Required {
			value["minLength"] = 1
		}
		if f.Max != nil {
			value["maxLength"] = int(*f.Max)
		}
	case item == "integer" || item == "number":
		if f.Min != nil {
			value["minimum"] = *f.Min
		}
		if f.Max != nil {
			value["maximum"] = *f.Max
		}
	}
	if len(f.Enum) > 0 {
		value["enum"] = f.Enum
	}
	if f.Type == "array" {
		one["items"] = value
	} else {
		one = value
	}
	if f.Nullable && one["type"] != nil {
		one["type"] = []any{one["type"], "null"}
		if e, ok := one["enum"].([]string); ok {
			all := []any{nil}
			for _, v := range e {
				all = append(all, v)
			}
			one["enum"] = all
		}
	}
	if f.Help != "" {
		one["description"] = f.Help
	}
	return one
}

// keyType is what keys of a shelf look like.
func (r *Room) keyType(family string) object {
	if kinds := r.Store.Family(family); len(kinds) > 0 {
		switch kinds[0].Family.Key {
		case kind.Int:
			return object{"type": "integer"}
		case kind.Text:
			return object{"type": "string"}
		}
	}
	return object{"type": "string", "format": "uuid"}
}
