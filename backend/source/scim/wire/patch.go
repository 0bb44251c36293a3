package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/elimity-com/scim"
	filter "github.com/scim2/filter-parser/v2"
)

// PatchURN is what the body of a patch says to be.
const PatchURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// mostChanges is how many operations a patch may have.
const mostChanges = 1_000

// ParsePatch reads the body of a patch. Every operation comes out with a path of its own: what Entra ID and Okta send without one, with
// dots or with URNs in its keys, is taken apart.
func (s *Shape) ParsePatch(body []byte) ([]scim.PatchOperation, error) {
	var in struct {
		Schemas    []string
		Operations []struct {
			Op    string
			Path  *string
			Value any
		}
	}
	if err := Decode(body, &in); err != nil {
		return nil, err
	}
	if len(in.Schemas) > 0 && !slices.ContainsFunc(in.Schemas, func(u string) bool { return strings.EqualFold(u, PatchURN) }) {
		return nil, Bad(InvalidSyntax, "The body says by its \"schemas\" that it is no %s.", PatchURN)
	}
	if len(in.Operations) == 0 {
		return nil, Bad(InvalidSyntax, "The patch has no \"Operations\".")
	}
	if len(in.Operations) > mostChanges {
		return nil, Bad(TooMany, "A patch may have %d operations at most.", mostChanges)
	}
	var out []scim.PatchOperation
	for _, o := range in.Operations {
		op := strings.ToLower(o.Op)
		if op != scim.PatchOperationAdd && op != scim.PatchOperationReplace && op != scim.PatchOperationRemove {
			return nil, Bad(InvalidSyntax, "%q is no operation of a patch: use add, replace or remove.", clip(o.Op))
		}
		if o.Path == nil || strings.TrimSpace(*o.Path) == "" {
			if op == scim.PatchOperationRemove {
				return nil, Bad(NoTarget, "An operation \"remove\" needs a \"path\".")
			}
			m, ok := o.Value.(map[string]any)
			if !ok {
				return nil, Bad(InvalidValue, "An operation without a \"path\" needs an object as its \"value\".")
			}
			more, err := s.spread(op, "", m)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		path, err := ParsePath(*o.Path)
		if err != nil {
			return nil, err
		}
		more, err := s.change(op, path, o.Value, true)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// Decode reads a JSON body with its numbers as they are.
func Decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return Bad(InvalidSyntax, "The body can't be read as JSON of the expected form.")
	}
	if _, err := d.Token(); err == nil {
		return Bad(InvalidSyntax, "Something follows the JSON of the body.")
	}
	return nil
}

// spread makes an operation of every member of a value without a path. What no schema knows and what only the server sets is left out.
func (s *Shape) spread(op, urn string, m map[string]any) (out []scim.PatchOperation, err error) {
	for _, key := range shortest(m) {
		name := key
		if urn != "" && !strings.HasPrefix(strings.ToLower(key), "urn:") {
			name = urn + ":" + key
		}
		if strings.EqualFold(key, s.URN) {
			inner, ok := m[key].(map[string]any)
			if !ok {
				return nil, Bad(InvalidValue, "What stands under %s must be an object.", key)
			}
			more, err := s.spread(op, "", inner)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		path, err := ParsePath(name)
		if err != nil {
			return nil, err
		}
		more, err := s.change(op, path, m[key], false)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// change checks one operation. strict refuses what can't be changed; else it is left out.
func (s *Shape) change(op string, path *filter.Path, v any, strict bool) ([]scim.PatchOperation, error) {
	t, ok := s.Place(path.AttributePath)
	if !ok {
		if strict {
			return nil, Bad(InvalidPath, "There is no attribute %s.", path.AttributePath)
		}
		return nil, nil
	}
	if path.ValueExpression == nil {
		t = t.holding(v, path.AttributePath.String())
	}
	if t.Attr != nil && t.Attr.ReadOnly || t.Sub != nil && t.Sub.ReadOnly {
		if strict {
			return nil, Bad(Mutability, "%s can't be changed from outside.", path.AttributePath)
		}
		return nil, nil
	}
	if t.Ext != "" && t.Name == "" {
		m, isMap := v.(map[string]any)
		switch {
		case op == scim.PatchOperationRemove:
			return []scim.PatchOperation{{Op: op, Path: path}}, nil
		case !isMap:
			return nil, Bad(InvalidValue, "What stands under %s must be an object.", t.Ext)
		}
		return s.spread(op, t.Ext, m)
	}
	leaf := t.Leaf()
	if path.ValueExpression != nil {
		if t.Attr == nil || t.Attr.Sub == nil || t.Part != "" {
			return nil, Bad(InvalidPath, "%s has no parts that a filter could look at.", path.AttributePath)
		}
		if err := checkParts(t.Attr, path.ValueExpression); err != nil {
			return nil, err
		}
		one := *t.Attr
		one.Multi = false
		leaf = &one
		if sub := path.SubAttributeName(); sub != "" {
			if leaf = t.Attr.Sub[strings.ToLower(sub)]; leaf == nil {
				return nil, Bad(InvalidPath, "%s has no part %s.", t.Name, sub)
			}
		}
	}
	if op == scim.PatchOperationRemove && (v == nil || path.ValueExpression != nil) {
		return []scim.PatchOperation{{Op: op, Path: path}}, nil
	}
	value, err := tidyValue(leaf, v, path.String())
	if err != nil {
		return nil, err
	}
	if value == nil { // null takes away (RFC 7643 section 2.5)
		op = scim.PatchOperationRemove
	}
	return []scim.PatchOperation{{Op: op, Path: path, Value: value}}, nil
}

// Apply carries out operations on a resource, which is changed.
func (s *Shape) Apply(res map[string]any, ops []scim.PatchOperation) error {
	for _, o := range ops {
		if o.Path == nil {
			return Bad(NoTarget, "An operation has no path.")
		}
		if err := s.apply(res, o); err != nil {
			return err
		}
	}
	for _, e := range s.exts {
		if m, ok := res[e.urn].(map[string]any); ok && len(m) == 0 {
			delete(res, e.urn)
		}
	}
	return nil
}

func (s *Shape) apply(res map[string]any, o scim.PatchOperation) error {
	t, ok := s.Place(o.Path.AttributePath)
	if !ok {
		return Bad(InvalidPath, "There is no attribute %s.", o.Path.AttributePath)
	}
	if t.Name == "" {
		delete(res, t.Ext)
		return nil
	}
	at := res
	if t.Ext != "" {
		if at, ok = res[t.Ext].(map[string]any); !ok {
			if o.Op == scim.PatchOperationRemove {
				return nil
			}
			at = inner(res, t.Ext)
		}
	}
	if o.Op == scim.PatchOperationRemove && t.Ext == "" && t.Part == "" && o.Path.ValueExpression == nil && strings.EqualFold(t.Name, s.Required) {
		return Bad(Mutability, "%s can't be taken away.", t.Name)
	}
	if o.Path.ValueExpression != nil {
		return applyWhere(at, t, o)
	}
	if t.Part != "" {
		return applyPart(at, t, o)
	}
	multi := t.Attr != nil && t.Attr.Multi
	switch {
	case o.Op == scim.PatchOperationRemove && multi && o.Value != nil: // Entra ID names the members that go as the value
		gone := many(o.Value)
		at[t.Name] = slices.DeleteFunc(many(at[t.Name]), func(v any) bool {
			return slices.ContainsFunc(gone, func(g any) bool { return equal(t.Attr, v, g) })
		})
	case o.Op == scim.PatchOperationRemove && t.Name == "members":
		at[t.Name] = []any{} // none is not the same as nothing said
	case o.Op == scim.PatchOperationRemove:
		delete(at, t.Name)
	case multi && o.Op == scim.PatchOperationAdd:
		at[t.Name] = join(t.Attr, many(at[t.Name]), many(o.Value))
	case multi:
		at[t.Name] = join(t.Attr, nil, many(o.Value))
	default:
		m, isMap := o.Value.(map[string]any)
		if old, ok := at[t.Name].(map[string]any); ok && isMap {
			maps.Copy(old, m)
		} else {
			at[t.Name] = o.Value
		}
	}
	if multi {
		return settle(at, t)
	}
	return nil
}

// applyPart changes name.part: of one object, or of every value of a list.
func applyPart(at map[string]any, t Target, o scim.PatchOperation) error {
	if t.Attr == nil || !t.Attr.Multi {
		if o.Op == scim.PatchOperationRemove {
			if m, ok := at[t.Name].(map[string]any); ok {
				if delete(m, t.Part); len(m) == 0 {
					delete(at, t.Name)
				}
			}
			return nil
		}
		inner(at, t.Name)[t.Part] = o.Value
		return nil
	}
	list := List(at, t.Name)
	if len(list) == 0 && o.Op != scim.PatchOperationRemove {
		at[t.Name] = []any{map[string]any{t.Part: o.Value}}
		return settle(at, t)
	}
	for _, m := range list {
		if o.Op == scim.PatchOperationRemove {
			delete(m, t.Part)
		} else {
			m[t.Part] = o.Value
		}
	}
	return settle(at, t)
}

// applyWhere changes the values that a filter finds. Where none is found, Entra ID expects that one is made as the filter describes it.
func applyWhere(at map[string]any, t Target, o scim.PatchOperation) error {
	part := o.Path.SubAttributeName()
	if part != "" {
		part = t.Attr.Sub[strings.ToLower(part)].Name
	}
	list, found := many(at[t.Name]), false
	out := make([]any, 0, len(list)+1)
	var fresh map[string]any
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok || !matchParts(t.Attr, o.Path.ValueExpression, m) {
			out = append(out, v)
			continue
		}
		found = true
		switch {
		case part != "" && o.Op == scim.PatchOperationRemove:
			delete(m, part)
		case part != "":
			m[part] = o.Value
			fresh = m
		case o.Op == scim.PatchOperationRemove:
			continue
		default:
			if given, ok := o.Value.(map[string]any); ok {
				maps.Copy(m, given)
			}
			fresh = m
		}
		if len(m) > 0 {
			out = append(out, m)
		}
	}
	if !found && o.Op != scim.PatchOperationRemove {
		m, ok := described(t.Attr, o.Path.ValueExpression)
		if !ok {
			return Bad(NoTarget, "No value of %s is as the path says.", t.Name)
		}
		if part != "" {
			m[part] = o.Value
		} else if given, ok := o.Value.(map[string]any); ok {
			maps.Copy(m, given)
		}
		out, fresh = append(out, m), m
	}
	at[t.Name] = out
	if fresh != nil && fresh["primary"] == true {
		onePrimary(out, fresh)
	}
	return settle(at, t)
}

// described gives the value that a filter of equals describes.
func described(a *Attr, e filter.Expression) (map[string]any, bool) {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		l, ok1 := described(a, x.Left)
		r, ok2 := described(a, x.Right)
		if !ok1 || !ok2 || x.Operator != filter.AND {
			return nil, false
		}
		maps.Copy(l, r)
		return l, true
	case *filter.AttributeExpression:
		sub := a.Sub[strings.ToLower(x.AttributePath.String())]
		if sub == nil || x.Operator != filter.EQ || x.CompareValue == nil {
			return nil, false
		}
		v, err := tidyValue(sub, x.CompareValue, sub.Name)
		return map[string]any{sub.Name: v}, err == nil && v != nil
	}
	return nil, false
}

// join adds values to a list; one that is there already takes over what the new one says.
func join(a *Attr, list, more []any) []any {
	out := slices.Clone(list)
	var index map[string]int
	if a.Name == "members" { // of which there may be thousands
		index = map[string]int{}
		for i, v := range out {
			index[memberKey(v)] = i
		}
	}
	for _, v := range more {
		at := -1
		if index != nil {
			if i, ok := index[memberKey(v)]; ok {
				at = i
			}
		} else {
			at = slices.IndexFunc(out, func(o any) bool { return equal(a, o, v) })
		}
		m, isMap := v.(map[string]any)
		switch {
		case at < 0:
			out = append(out, clone(v))
			if index != nil {
				index[memberKey(v)] = len(out) - 1
			}
		case isMap:
			if old, ok := out[at].(map[string]any); ok {
				maps.Copy(old, m)
			}
		}
		if isMap && m["primary"] == true {
			if at < 0 {
				at = len(out) - 1
			}
			if kept, ok := out[at].(map[string]any); ok {
				onePrimary(out, kept)
			}
		}
	}
	return out
}

func memberKey(v any) string {
	m, _ := v.(map[string]any)
	return strings.ToLower(Text(m, "value"))
}

// onePrimary leaves one primary value in a list (RFC 7644 section 3.5.2).
func onePrimary(list []any, keep map[string]any) {
	for _, v := range list {
		if m, ok := v.(map[string]any); ok && m["primary"] == true {
			m["primary"] = false
		}
	}
	keep["primary"] = true
}

// equal says whether two values of a list are the same one: by value, and by type where both have one.
func equal(a *Attr, x, y any) bool {
	m, ok1 := x.(map[string]any)
	n, ok2 := y.(map[string]any)
	if !ok1 || !ok2 {
		return Same(x, y)
	}
	v, w := Text(m, "value"), Text(n, "value")
	if v == "" && w == "" {
		return Same(m, n)
	}
	exact := a.Sub["value"] != nil && a.Sub["value"].Exact
	if v != w && (exact || !strings.EqualFold(v, w)) {
		return false
	}
	s, t := Text(m, "type"), Text(n, "type")
	return s == "" || t == "" || strings.EqualFold(s, t)
}

// settle drops an empty list and bounds a long one.
func settle(at map[string]any, t Target) error {
	list := many(at[t.Name])
	if len(list) == 0 {
		if t.Attr.Name != "members" {
			delete(at, t.Name)
		}
		return nil
	}
	if len(list) > mostValues && t.Attr.Name != "members" {
		return Bad(TooMany, "%s has more than %d values.", t.Name, mostValues)
	}
	return nil
}

// Copy copies operations with their values, so that they can be applied twice.
func Copy(ops []scim.PatchOperation) []scim.PatchOperation {
	out := slices.Clone(ops)
	for i := range out {
		out[i].Value = clone(out[i].Value)
	}
	return out
}
