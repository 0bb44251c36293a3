package blueprint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"go.yaml.in/yaml/v4"
)

// written is an entry as it is written into a file.
type written struct {
	Model       string    `yaml:"model"`
	Identifiers yaml.Node `yaml:"identifiers"`
	Attrs       yaml.Node `yaml:"attrs"`
}

// document is a file as it is written.
type document struct {
	Version  int       `yaml:"version"`
	Metadata metadata  `yaml:"metadata"`
	Entries  []written `yaml:"entries"`
}

type metadata struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
}

// render writes a file.
func render(at time.Time, entries []written) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(document{1, metadata{"authentik Export - " + at.UTC().Format("2006-01-02 15:04:05"), map[string]string{labelGenerated: "true"}}, entries})
	return b.Bytes(), errors.Join(err, e.Close())
}

// export makes entries of objects inside a transaction, which it needs to read what is kept beside rows, and changes nothing.
type export struct {
	r  *Room
	tx *store.Tx
	// secrets says whether the secrets of an object go along that its page shows to who may change it.
	secrets func(k *kind.Kind, obj any) bool
	// hidden says whether secrets go along that no page shows.
	hidden bool
	// outside gives what stands in the place of a key of an object that is not in the file; nil: the key itself.
	outside func(family, pk string) *yaml.Node
}

// fields gives what a file says of an object: what a request body may carry and what is not as it is at first.
func (x *export) fields(k *kind.Kind, obj any) (map[string]any, error) {
	if err := x.tx.Load(obj); err != nil {
		return nil, err
	}
	fresh, show := k.New(), x.secrets(k, obj)
	out := map[string]any{}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Computed || f.ReadOnly || f.Ignored || f.Hidden || f.WriteOnly && !x.hidden || isKey(k, f.Name) || strings.HasSuffix(f.Name, "_set") || f.Secret && !show {
			continue
		}
		v := k.Value(obj, f)
		if !f.Required && sameValue(v, k.Value(fresh, f)) {
			continue
		}
		if v.Kind() == reflect.Pointer && v.IsNil() && !f.HasDef {
			continue
		}
		out[f.Name] = simple(v.Interface())
	}
	for _, of := range []string{k.Model, k.Family.Name} {
		for name, from := range further[of] {
			if f := k.Field(from); !f.Secret && k.Value(obj, f).String() != "" {
				out[name] = k.Value(obj, f).String()
			}
		}
	}
	if p := x.r.beyond(k); p != nil {
		if more := differing(p.Show(obj), p.Show(fresh)); len(more) > 0 {
			out[ours] = more
		}
	}
	return out, nil
}

// differing gives the members of now that are not as those of first.
func differing(now, first any) map[string]any {
	was, _ := simple(first).(map[string]any)
	out, _ := simple(now).(map[string]any)
	maps.DeleteFunc(out, func(name string, v any) bool { return same(v, was[name]) })
	return out
}

// simple gives a value as a file has it.
func simple(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out any
	if d.Decode(&out) != nil {
		return nil
	}
	return numbers(out)
}

func numbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // JSON that was marshalled here holds numbers only
		return f
	case []any:
		for i := range x {
			x[i] = numbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = numbers(x[k])
		}
	}
	return v
}

// entry makes the entry of an object. The identifiers are taken out of its fields.
func (x *export) entry(k *kind.Kind, obj any, identifiers ...string) (written, error) {
	attrs, err := x.fields(k, obj)
	if err != nil {
		return written{}, err
	}
	find := map[string]any{"pk": keyValue(k, k.PK(obj))}
	for _, name := range identifiers {
		if v, ok := attrs[name]; ok && v != nil {
			find[name] = v
			delete(attrs, name)
		}
	}
	return x.write(k, find, attrs)
}

func (x *export) write(k *kind.Kind, find, attrs map[string]any) (out written, err error) {
	id, err := x.table(k, find)
	if err != nil {
		return out, err
	}
	has, err := x.table(k, attrs)
	if err != nil {
		return out, err
	}
	return written{k.Model, *id, *has}, nil
}

// table writes values of an object.
func (x *export) table(k *kind.Kind, values map[string]any) (*yaml.Node, error) {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, v := &yaml.Node{}, &yaml.Node{}
		err := key.Encode(name)
		if err != nil {
			return nil, err
		}
		if more, ok := values[name].(map[string]any); ok && name == ours {
			v, err = x.table(k, more)
		} else {
			v, err = x.node(k.Field(name), values[name])
		}
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, key, v)
	}
	return out, nil
}

// node writes one value; what points outside of the file is written as x.outside says.
func (x *export) node(f *kind.Field, v any) (*yaml.Node, error) {
	out := &yaml.Node{}
	if f != nil && f.Ref != nil && x.outside != nil {
		if all, ok := v.([]any); ok {
			out.Kind, out.Tag = yaml.SequenceNode, "!!seq"
			for _, it := range all {
				n, err := x.node(f, it)
				if err != nil {
					return nil, err
				}
				out.Content = append(out.Content, n)
			}
			return out, nil
		}
		if v != nil {
			if n := x.outside(f.Ref.Family, fmt.Sprint(v)); n != nil {
				return n, nil
			}
		}
	}
	err := out.Encode(v)
	return out, err
}

// finds makes the tag that finds an object by what it is known by, nil when it is known by nothing but its key.
func finds(k *kind.Kind, obj any) (*yaml.Node, error) {
	name := natural(k, obj)
	if name == "" {
		return nil, nil
	}
	out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!Find", Style: yaml.FlowStyle}
	var model, pair yaml.Node
	if err := errors.Join(model.Encode(k.Model), pair.Encode([]any{name, simple(k.Value(obj, k.Field(name)).Interface())})); err != nil {
		return nil, err
	}
	pair.Style = yaml.FlowStyle
	out.Content = []*yaml.Node{&model, &pair}
	return out, nil
}

// natural is the field by which people know an object, "" when there is none.
func natural(k *kind.Kind, obj any) string {
	for _, name := range []string{"slug", "username", "identifier", "domain", "name"} {
		f := k.Field(name)
		if f == nil || !f.Stored() || !f.OnWire() || f.Hidden {
			continue
		}
		if !f.Unique && k.Model != "authentik_core.group" {
			continue
		}
		if s, ok := simple(k.Value(obj, f).Interface()).(string); ok && s != "" {
			return name
		}
	}
	return ""
}

// naturals are the fields by which an object is found: what people know it by, else what is unique together.
func naturals(k *kind.Kind, obj any) []string {
	if name := natural(k, obj); name != "" {
		return []string{name}
	}
	if len(k.Unique) == 0 {
		return nil
	}
	return k.Unique[0]
}

// errRead ends a transaction in which something was only read.
var errRead = errors.New("read")

// reading runs fn in a transaction of which nothing stays.
func (r *Room) reading(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errRead
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

// Notes are what an export of everything leaves out, for who keeps it.
const Notes = "The file holds private keys and secrets: keep it as safe as a backup. Not in it: passwords of people, tokens, invitations, second factors, sessions, consents and the activity log. A backup holds everything."

// left are models that an export of everything leaves out.
var left = []string{"authentik_events.event", "authentik_events.notification", "authentik_enterprise.license", "authentik_core.token", "authentik_stages_invitation.invitation"}

// ExportAll gives every object that a blueprint can make, in an order in which they can be made.
func (r *Room) ExportAll(ctx context.Context) ([]byte, error) {
	var out []byte
	err := r.reading(ctx, func(tx *store.Tx) error {
		s := &sorting{export: export{r: r, tx: tx, secrets: func(*kind.Kind, any) bool { return true }, hidden: true}, at: map[string]*sorted{}}
		for _, model := range kind.Models() {
			k := r.kind(model)
			if k == nil || k.Path == "" || k.Verbs&kind.Create == 0 || slices.Contains(left, model) || strings.HasSuffix(model, "device") {
				continue
			}
			rows, err := tx.List(k, store.Query{Order: k.Order})
			if err != nil {
				return err
			}
			for _, obj := range rows {
				if f := k.Field("type"); model == userModel && k.Value(obj, f).String() == "internal_service_account" {
					continue
				}
				if b, ok := obj.(*Instance); ok && b.Path != "" { // its file is not in this one
					continue
				}
				s.add(k, obj)
			}
		}
		for _, o := range s.all {
			if err := s.visit(o); err != nil {
				return err
			}
		}
		var err error
		out, err = render(tx.Now, append(s.out, s.later...))
		return err
	})
	return out, err
}

// sorting puts objects into an order in which those that are pointed at come first.
type sorting struct {
	export
	all        []*sorted
	at         map[string]*sorted
	out, later []written
}

type sorted struct {
	k    *kind.Kind
	obj  any
	open bool
	done bool
}

func (s *sorting) add(k *kind.Kind, obj any) {
	o := &sorted{k: k, obj: obj}
	s.all = append(s.all, o)
	s.at[movedKey(k, k.PK(obj))] = o
}

// pointed gives the object behind a reference, nil when it is not in the file.
func (s *sorting) pointed(family string, v any) *sorted {
	text := fmt.Sprint(v)
	if _, number := v.(int64); number {
		text = family + " " + text
	}
	return s.at[strings.ToLower(text)]
}

// targets gives the objects of the file that an attribute points at.
func (s *sorting) targets(k *kind.Kind, name string, v any) (out []*sorted) {
	if more, ok := v.(map[string]any); ok && name == ours {
		for name, v := range more {
			out = append(out, s.targets(k, name, v)...)
		}
		return out
	}
	f := k.Field(name)
	if f == nil || f.Ref == nil {
		return nil
	}
	all, many := v.([]any)
	if !many {
		all = []any{v}
	}
	for _, it := range all {
		if to := s.pointed(f.Ref.Family, it); to != nil {
			out = append(out, to)
		}
	}
	return out
}

func (s *sorting) visit(o *sorted) error {
	if o.done || o.open {
		return nil
	}
	o.open = true
	attrs, err := s.fields(o.k, o.obj)
	if err != nil {
		return err
	}
	if o.k.Model == "authentik_core.group" {
		delete(attrs, "users") // the people say it
	}
	after := map[string]any{}
	for name, v := range attrs {
		for _, to := range s.targets(o.k, name, v) {
			if err := s.visit(to); err != nil {
				return err
			}
			if to.open && !to.done { // in a circle: said once both are there
				after[name] = v
			}
		}
	}
	find := map[string]any{"pk": keyValue(o.k, o.k.PK(o.obj))}
	for _, name := range naturals(o.k, o.obj) {
		if v, ok := attrs[name]; ok && after[name] == nil {
			find[name] = v
			delete(attrs, name)
		}
	}
	for name := range after {
		delete(attrs, name)
	}
	w, err := s.write(o.k, find, attrs)
	if err != nil {
		return err
	}
	s.out = append(s.out, w)
	if len(after) > 0 {
		if w, err = s.write(o.k, find, after); err != nil {
			return err
		}
		s.later = append(s.later, w)
	}
	o.open, o.done = false, true
	return nil
}
