package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"go.yaml.in/yaml/v4"
)

type object = map[string]any

// schemaCache keeps the description: it changes with the program only.
type schemaCache struct {
	once sync.Once
	json []byte
	etag string
	err  error
	yaml func() ([]byte, error) // made when somebody asks for it: it takes longer than all the rest
}

// Schema gives the OpenAPI description as JSON.
func (a *API) Schema() ([]byte, error) {
	s := &a.schema
	s.once.Do(func() {
		doc := (&describer{api: a, comps: object{}, done: map[string]bool{}}).document()
		s.yaml = sync.OnceValues(func() ([]byte, error) { return yaml.Marshal(doc) })
		if s.json, s.err = json.Marshal(doc); s.err != nil {
			return
		}
		sum := sha256.Sum256(s.json)
		s.etag = `"` + hex.EncodeToString(sum[:12]) + `"`
	})
	return s.json, s.err
}

func (a *API) serveSchema(_ context.Context, r *http.Request) (reply, error) {
	b, err := a.Schema()
	if err != nil {
		return reply{}, err
	}
	f := kind.Download{Type: schemaType(r), Body: b}
	if !strings.HasSuffix(f.Type, "json") {
		if f.Body, err = a.schema.yaml(); err != nil {
			return reply{}, err
		}
	}
	return reply{file: &f}, nil
}

// schemaTypes are the media types of the description, the one that who does not say gets first.
var schemaTypes = [...]string{"application/vnd.oai.openapi", "application/yaml", "application/vnd.oai.openapi+json", "application/json"}

// schemaType gives the media type that a request for the description asks for: by ?format, else by the Accept header.
func schemaType(r *http.Request) string {
	switch r.URL.Query().Get("format") {
	case "json":
		return schemaTypes[2]
	case "yaml":
		return schemaTypes[0]
	}
	for want := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		want, _, _ = strings.Cut(want, ";")
		if slices.Contains(schemaTypes[:], strings.TrimSpace(want)) {
			return strings.TrimSpace(want)
		}
	}
	return schemaTypes[0]
}

// schemaContent describes the description.
func schemaContent() map[string]any {
	out := object{}
	for _, t := range schemaTypes {
		out[t] = object{"schema": object{"type": "object", "additionalProperties": object{}}}
	}
	return out
}

// describer builds one document.
type describer struct {
	api   *API
	comps object
	done  map[string]bool
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func (d *describer) document() object {
	d.fixed()
	paths := object{}
	for _, o := range d.api.ops {
		p := "/" + o.path + "/"
		item, _ := paths[p].(object)
		if item == nil {
			item = object{}
			paths[p] = item
		}
		item[strings.ToLower(o.method)] = d.operation(o)
	}
	for _, k := range d.api.Store.Kinds() {
		if k.Path != "" {
			d.kind(k)
		}
	}
	for _, t := range d.api.types {
		if d.answered(t) {
			d.answer(t)
		}
	}
	return object{
		"openapi": "3.0.3",
		"info":    object{"title": "Gatehouse", "version": d.api.Version, "description": "The identity server of a small office. Shapes as in the authentik 2024.4 release.", "license": object{"name": "MIT"}},
		"servers": []any{object{"url": strings.TrimSuffix(prefix, "/") + "/"}},
		"paths":   paths,
		"components": object{
			"schemas":         d.comps,
			"securitySchemes": object{"authentik": object{"type": "http", "scheme": "bearer"}},
		},
	}
}

// fixed puts in what belongs to no kind.
func (d *describer) fixed() {
	number := object{"type": "number"}
	props := object{}
	var names []any
	for _, n := range []string{"next", "previous", "count", "current", "total_pages", "start_index", "end_index"} {
		props[n] = number
		names = append(names, n)
	}
	d.comps["Pagination"] = object{"type": "object", "properties": props, "required": names}
	text := object{"type": "string"}
	d.comps["ValidationError"] = object{"type": "object", "description": "What is wrong, by field.", "additionalProperties": object{}, "properties": object{
		"non_field_errors": object{"type": "array", "items": text}, "code": text,
	}}
	d.comps["GenericError"] = object{"type": "object", "description": "What went wrong.", "properties": object{"detail": text, "code": text}, "required": []any{"detail"}}
	d.structure("UsedBy", reflect.TypeFor[store.Use](), false)
	d.structure("TypeCreate", reflect.TypeFor[TypeCreate](), false)
	d.challenges()
}

func (d *describer) operation(o operation) object {
	op := object{"operationId": o.id, "tags": []any{o.tag}}
	if o.summary != "" {
		op["description"] = o.summary
	}
	var params []any
	if o.pathParam != nil {
		params = append(params, parameter("path", *o.pathParam))
	}
	for _, p := range o.params {
		params = append(params, parameter("query", p))
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	op["security"] = []any{object{"authentik": []any{}}}
	if o.open {
		op["security"] = []any{object{"authentik": []any{}}, object{}}
	}
	if o.unlisted {
		delete(op, "security")
	}
	switch {
	case o.multipart && o.in != "":
		d.request(o.in)
		op["requestBody"] = object{"required": true, "content": object{"multipart/form-data": object{"schema": ref(o.in)}}}
	case o.multipart:
		op["requestBody"] = object{"content": object{"multipart/form-data": object{"schema": object{"type": "object", "properties": object{
			"file": object{"type": "string", "format": "binary"}, "clear": object{"type": "boolean", "default": false},
		}}}}}
	case o.in != "":
		d.request(o.in)
		body := object{"content": object{"application/json": object{"schema": ref(o.in)}}}
		if !strings.HasPrefix(o.in, "Patched") {
			body["required"] = true
		}
		op["requestBody"] = body
	}
	ok := object{"description": ""}
	switch {
	case o.raw != nil:
		ok["content"] = o.raw
	case strings.HasPrefix(o.out, "[]"):
		ok["content"] = object{"application/json": object{"schema": object{"type": "array", "items": ref(o.out[2:])}}}
	case o.out != "":
		ok["content"] = object{"application/json": object{"schema": ref(o.out)}}
	default:
		ok["description"] = "No answer body."
	}
	responses := object{
		strconv.Itoa(o.status): ok,
		"400":                  object{"description": "", "content": object{"application/json": object{"schema": ref("ValidationError")}}},
		"403":                  object{"description": "", "content": object{"application/json": object{"schema": ref("GenericError")}}},
	}
	if o.status == http.StatusNoContent && o.out != "" {
		responses["200"] = ok
	}
	if o.refusal != "" {
		responses["400"] = object{"description": "", "content": object{"application/json": object{"schema": ref(o.refusal)}}}
	}
	for code, what := range o.answers {
		responses[strconv.Itoa(code)] = object{"description": what}
	}
	op["responses"] = responses
	return op
}

func parameter(in string, p kind.Param) object {
	s := object{"type": p.Type}
	if p.Type == "" {
		s["type"] = "string"
	}
	if p.Type == "array" {
		items := object{"type": p.Items}
		if p.Items == "" {
			items["type"] = "string"
		}
		if p.Format != "" {
			items["format"] = p.Format
		}
		if len(p.Enum) > 0 {
			items["enum"] = list(p.Enum)
		}
		s["items"] = items
	} else {
		if p.Format != "" {
			s["format"] = p.Format
		}
		if len(p.Enum) > 0 {
			s["enum"] = list(p.Enum)
		}
		if p.Default != "" {
			s["default"] = literal(p.Type, p.Default)
		}
	}
	out := object{"in": in, "name": p.Name, "schema": s}
	if p.Type == "array" {
		out["explode"], out["style"] = true, "form"
	}
	if p.Required {
		out["required"] = true
	}
	if p.Help != "" {
		out["description"] = p.Help
	}
	return out
}

func literal(typ, v string) any {
	switch typ {
	case "boolean":
		return v == "true"
	case "integer", "number":
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return n
		}
	case "array":
		if v == "" {
			return []any{}
		}
		return list(strings.Split(v, ","))
	case "object", "any":
		var x any
		if json.Unmarshal([]byte(v), &x) == nil {
			return x
		}
	}
	return v
}

func list(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

// kind puts in the four components of a kind.
func (d *describer) kind(k *kind.Kind) {
	if d.done[k.Schema] {
		return
	}
	d.done[k.Schema] = true
	d.comps[k.Schema] = d.response(k.Fields, k)
	d.comps["Paginated"+k.Schema+"List"] = object{"type": "object", "required": []any{"pagination", "results"}, "properties": object{
		"pagination": ref("Pagination"), "results": object{"type": "array", "items": ref(k.Schema)},
	}}
	if k.Verbs&(kind.Create|kind.Update) != 0 && describedBody(k) {
		d.comps[k.Schema+"Request"] = d.body(k.Fields, false, k.About)
		d.comps["Patched"+k.Schema+"Request"] = d.body(k.Fields, true, k.About)
	}
}

// request puts in the body component of an action by its name.
func (d *describer) request(name string) {
	if _, ok := d.comps[name]; ok {
		return
	}
	for i := range d.api.types {
		t := d.api.types[i]
		base := d.api.name(t)
		patched := name == "Patched"+base+"Request"
		if name != base+"Request" && !patched {
			continue
		}
		fields := fieldsOf(t)
		if k := d.api.Store.KindFor(reflect.New(t).Interface()); k != nil {
			fields = k.Fields
		}
		d.comps[name] = d.body(fields, patched, "")
		return
	}
}

// answered says whether a type of an action is the answer of one.
func (d *describer) answered(t reflect.Type) bool {
	n := d.api.nameOut(t)
	for _, o := range d.api.ops {
		if n != "" && o.out == n {
			return true
		}
	}
	return false
}

// answer puts in the component of an action's answer.
func (d *describer) answer(t reflect.Type) {
	t = deref(t)
	if t.Kind() == reflect.Slice {
		t = deref(t.Elem())
	}
	if t.Kind() != reflect.Struct {
		return
	}
	name := d.api.name(t)
	if k := d.api.Store.KindFor(reflect.New(t).Interface()); k != nil {
		if k.Path == "" && !d.done[name] {
			d.done[name] = true
			d.comps[name] = d.response(k.Fields, k)
		}
		return
	}
	if d.byName(name) == nil && d.comps[name] == nil {
		d.structure(name, t, false)
	}
}

// structure puts in the response component of a struct that is no kind with a path.
func (d *describer) structure(name string, t reflect.Type, asRequest bool) {
	if asRequest {
		name += "Request"
	}
	if d.done[name] {
		return
	}
	d.done[name] = true
	if asRequest {
		d.comps[name] = d.body(fieldsOf(t), false, "")
		return
	}
	d.comps[name] = d.response(fieldsOf(t), nil)
}

func (d *describer) response(fields []kind.Field, k *kind.Kind) object {
	props := object{}
	var required []any
	for i := range fields {
		f := &fields[i]
		if !f.OnWire() {
			continue
		}
		props[f.Name] = d.property(f, false)
		if !f.OmitEmpty {
			required = append(required, f.Name)
		}
	}
	out := object{"type": "object", "properties": props}
	if k != nil {
		if k.About != "" {
			out["description"] = k.About
		}
		if k.Family.Typed && !k.Plain {
			for _, n := range []string{"component", "verbose_name", "verbose_name_plural", "meta_model_name"} {
				props[n] = object{"type": "string", "readOnly": true}
				required = append(required, n)
			}
		}
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (d *describer) body(fields []kind.Field, patched bool, about string) object {
	props := object{}
	var required []any
	for i := range fields {
		f := &fields[i]
		if !f.InBody() || f.Quiet {
			continue
		}
		props[f.Name] = d.property(f, true)
		if f.Required && !f.HasDef && !patched {
			required = append(required, f.Name)
		}
	}
	out := object{"type": "object", "properties": props}
	if about != "" {
		out["description"] = about
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// property describes one field.
func (d *describer) property(f *kind.Field, request bool) object {
	p := d.typed(f, request)
	if _, isRef := p["$ref"]; isRef && (f.Nullable || f.ReadOnly) {
		p = object{"allOf": []any{p}}
	}
	if f.Nullable {
		p["nullable"] = true
	}
	if _, isRef := p["$ref"]; isRef {
		return p
	}
	if f.ReadOnly || f.Computed {
		p["readOnly"] = true
	}
	if f.WriteOnly {
		p["writeOnly"] = true
	}
	if f.HasDef {
		p["default"] = literal(f.Type, f.Default)
	}
	if f.Help != "" {
		p["description"] = f.Help
	}
	if !request {
		return p
	}
	if f.Type == "string" && !f.Blank && f.Format == "" && len(f.Enum) == 0 {
		p["minLength"] = 1
	}
	if f.Group != "" {
		p["x-group"] = f.Group
	}
	if f.Secret || f.WriteOnly {
		p["x-secret"] = true
	}
	switch f.Format {
	case "duration", "expression", "slug":
		p["x-format"] = f.Format
	}
	if f.Ref != nil {
		p["x-ref"] = f.Ref.Family
		if path, key := d.collection(f.Ref.Family); path != "" {
			p["x-ref-path"], p["x-ref-key"] = path, key
		}
	}
	return p
}

// collection gives where the objects of a family are listed and what they are pointed at by.
func (d *describer) collection(family string) (path, key string) {
	var first *kind.Kind
	for _, k := range d.api.Store.Family(family) {
		if k.IsBase() {
			return "/" + k.Path + "/", k.PKField().Name
		}
		if first == nil && k.Path != "" {
			first = k
		}
	}
	if first == nil {
		return "", ""
	}
	return "/" + first.Path + "/", first.PKField().Name
}

// wireFormats are the formats that the published description has; others are hints of ours.
var wireFormats = map[string]bool{"date-time": true, "uuid": true, "email": true, "uri": true, "double": true, "binary": true, "date": true}

func (d *describer) typed(f *kind.Field, request bool) object {
	if f.Schema != "" {
		if family, ok := strings.CutPrefix(f.Schema, "any:"); ok {
			return d.anyOf(family, request)
		}
		name, many := strings.CutSuffix(f.Schema, "[]")
		if name == loginChallenge {
			return ref(name)
		}
		if k := d.byName(name); k != nil {
			if request {
				if name += "Request"; d.comps[name] == nil {
					d.comps[name] = object{} // stands there while the fields are described
					d.comps[name] = d.body(k.Fields, false, k.About)
				}
			}
			if many {
				return object{"type": "array", "items": ref(name)}
			}
			return ref(name)
		}
	}
	t := deref(f.GoType)
	switch f.Type {
	case "any":
		return object{}
	case "string":
		p := object{"type": "string"}
		if wireFormats[f.Format] {
			p["format"] = f.Format
		} else if f.Format == "uri-template" {
			p["format"] = "uri"
		} else if f.Ref != nil {
			p["format"] = "uuid"
		}
		if f.Max != nil {
			p["maxLength"] = int(*f.Max)
		}
		if len(f.Enum) > 0 {
			p["enum"] = list(f.Enum)
		}
		return p
	case "integer", "number":
		p := object{"type": f.Type}
		switch {
		case f.Type == "number":
			p["format"] = "double"
		case f.Format == "int64":
			p["format"] = f.Format
		}
		if f.Min != nil {
			p["minimum"] = int64(*f.Min)
		}
		if f.Max != nil {
			p["maximum"] = int64(*f.Max)
		}
		return p
	case "boolean":
		return object{"type": "boolean"}
	case "array":
		return object{"type": "array", "items": d.items(f, deref(t.Elem()), request)}
	}
	if t.Kind() == reflect.Struct {
		return d.nested(t, request)
	}
	if t.Kind() == reflect.Map {
		switch e := t.Elem(); {
		case e.Kind() == reflect.String:
			return object{"type": "object", "additionalProperties": object{"type": "string"}}
		case e.Kind() == reflect.Map && e.Elem().Kind() == reflect.String:
			return object{"type": "object", "additionalProperties": object{"type": "object", "additionalProperties": object{"type": "string"}}}
		case e.Kind() == reflect.Slice && e.Elem().Kind() == reflect.Struct:
			return object{"type": "object", "additionalProperties": object{"type": "array", "items": d.nested(e.Elem(), request)}}
		}
	}
	return object{"type": "object", "additionalProperties": object{}}
}

// anyOf describes an object of whatever kind of a family: a body when request is set. Which kind it is a neighbour says, PARENT_model.
func (d *describer) anyOf(family string, request bool) object {
	if !request {
		return object{"type": "object", "additionalProperties": object{}}
	}
	const name = "modelRequest"
	if d.comps[name] == nil {
		d.comps[name] = object{} // stands there while the kinds are described
		var one []any
		by := object{}
		for _, k := range d.api.Store.Family(family) {
			if k.IsBase() || k.Verbs&kind.Create == 0 {
				continue
			}
			if d.comps[k.Schema+"Request"] == nil {
				d.comps[k.Schema+"Request"] = d.body(k.Fields, false, k.About)
			}
			one = append(one, ref(k.Schema+"Request"))
			by[k.Model] = "#/components/schemas/" + k.Schema + "Request"
		}
		d.comps[name] = object{"oneOf": one, "discriminator": object{"propertyName": strings.TrimSuffix(family, "s") + "_model", "mapping": by}}
	}
	return ref(name)
}

func (d *describer) items(f *kind.Field, t reflect.Type, request bool) object {
	if t.Kind() == reflect.Struct && t != timeType {
		return d.nested(t, request)
	}
	items := object{"type": f.Items}
	switch {
	case f.Items == "any", f.Items == "":
		return object{}
	case f.Items == "object":
		return object{"type": "object", "additionalProperties": object{}}
	case f.Items == "string" && f.Ref != nil:
		items["format"] = "uuid"
	case wireFormats[f.Format]:
		items["format"] = f.Format
	}
	if len(f.Enum) > 0 {
		items["enum"] = list(f.Enum)
	}
	return items
}

// nested puts in a struct as a component of its own and points at it.
func (d *describer) nested(t reflect.Type, request bool) object {
	name := d.api.name(t)
	if k := d.api.Store.KindFor(reflect.New(t).Interface()); k != nil && k.Path != "" {
		return ref(name)
	}
	if k := d.byName(name); k != nil {
		return ref(name)
	}
	d.structure(name, t, request)
	if request {
		name += "Request"
	}
	return ref(name)
}

func (d *describer) byName(name string) *kind.Kind {
	for _, k := range d.api.Store.Kinds() {
		if k.Path != "" && k.Schema == name {
			return k
		}
	}
	return nil
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// name gives the component name of a Go type: its published one, its kind's, or its own.
func (a *API) name(t reflect.Type) string {
	t = deref(t)
	if t.Kind() == reflect.Struct {
		v := reflect.New(t)
		if n, ok := v.Interface().(kind.SchemaNamer); ok {
			return n.SchemaName()
		}
		if k := a.Store.KindFor(v.Interface()); k != nil {
			return k.Schema
		}
	}
	return t.Name()
}

// nameOut is name for the answer of an action, "[]X" for a list.
func (a *API) nameOut(t reflect.Type) string {
	if t.Kind() == reflect.Slice && t != rawType {
		return "[]" + a.name(t.Elem())
	}
	if k := deref(t).Kind(); k != reflect.Struct {
		return ""
	}
	return a.name(t)
}
