// Package bulk changes or deletes many objects of one kind at once: all of them or none.
//
//	model + keys (+ fields) ─▶ may the caller? ─▶ one transaction: each row decoded, checked and saved as by itself ─▶ commit
//	                                                                                       └─ one refused, or a dry run ─▶ nothing happened
package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/config"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// most is how many objects one request is about.
const most = 1_000

// Guard says what the caller may do with an object, and who points at it as far as they may see that.
type Guard interface {
	Allowed(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error
	Uses(ctx context.Context, k *kind.Kind, pk string) ([]store.Use, error)
}

// Room changes objects.
type Room struct {
	Store *store.Store
	Guard Guard
}

// Chosen names objects.
type Chosen struct {
	Model  string            `json:"model" is:"required" help:"App label and name of the kind: authentik_core.user."`
	PKs    []json.RawMessage `json:"pks" is:"required" help:"The keys of the objects, 1,000 at most."`
	DryRun bool              `json:"dry_run" help:"Tells what would happen and changes nothing."`
}

// Edit sets fields of objects.
type Edit struct {
	Chosen
	Fields map[string]json.RawMessage `json:"fields" help:"What to set, as in a PATCH of one object."`
	Add    map[string]any             `json:"add" help:"What to add to lists: {\"groups\": [\"…\"]}."`
	Remove map[string]any             `json:"remove" help:"What to take out of lists."`
}

// SchemaName implements kind.SchemaNamer.
func (Edit) SchemaName() string { return "GatehouseBulkEdit" }

// Removal deletes objects.
type Removal struct{ Chosen }

// SchemaName implements kind.SchemaNamer.
func (Removal) SchemaName() string { return "GatehouseBulkDelete" }

// Row is what happens to one object.
type Row struct {
	PK     string              `json:"pk" is:"required,readonly"`
	Name   string              `json:"name" is:"required,readonly" help:"Empty when there is no such object, or none that the caller may look at."`
	OK     bool                `json:"ok" is:"required,readonly"`
	Errors map[string][]string `json:"errors" is:"required,readonly" help:"Messages by field, as one object would get them; empty when all is well."`
	UsedBy int                 `json:"used_by" is:"required,readonly" help:"How many objects point at it; counted before a deletion."`
}

// SchemaName implements kind.SchemaNamer.
func (Row) SchemaName() string { return "GatehouseBulkRow" }

// Outcome is what happened, or would.
type Outcome struct {
	DryRun  bool  `json:"dry_run" is:"required,readonly"`
	Done    bool  `json:"done" is:"required,readonly" help:"Whether anything was changed."`
	OK      int   `json:"ok" is:"required,readonly"`
	Failed  int   `json:"failed" is:"required,readonly"`
	Results []Row `json:"results" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Outcome) SchemaName() string { return "GatehouseBulkOutcome" }

// Endpoints are the operations of this room.
func (r *Room) Endpoints() []kind.Action {
	edit := kind.Do("POST", "gatehouse/bulk/update", func(ctx context.Context, c *kind.Call, in *Edit) (Outcome, error) { return r.edit(ctx, in) })
	edit.Summary = "Sets the same fields of many objects of one kind, of all or of none."
	drop := kind.Do("POST", "gatehouse/bulk/delete", func(ctx context.Context, c *kind.Call, in *Removal) (Outcome, error) { return r.remove(ctx, in) })
	drop.Summary = "Deletes many objects of one kind, all or none."
	for _, a := range []*kind.Action{&edit, &drop} {
		a.Access = kind.SignedIn
	}
	return []kind.Action{edit, drop}
}

// errDry undoes a dry run, errSome one in which some objects were refused.
var errDry, errSome = errors.New("dry run"), errors.New("some are refused")

// find gives the kind of a model that can be worked on, and the keys without doubles.
func (r *Room) find(in Chosen) (*kind.Kind, []string, error) {
	k := r.Store.Kind(in.Model)
	if k == nil || k.IsBase() || k.Path == "" {
		return nil, nil, fault.Field("model", unknown("There is no model", in.Model, r.models()))
	}
	var pks []string
	for _, raw := range in.PKs {
		var pk string
		if json.Unmarshal(raw, &pk) != nil {
			pk = string(bytes.TrimSpace(raw))
		}
		if k.Family.Key == kind.UUID && kind.UUIDText.MatchString(pk) {
			pk = kind.Dashed(pk)
		}
		if _, err := strconv.ParseInt(pk, 10, 64); k.PKField().Type == "integer" && err != nil || pk == "" {
			return nil, nil, fault.Field("pks", fmt.Sprintf("%.60q is no key of a %s.", pk, k.Title))
		}
		pks = append(pks, pk)
	}
	switch {
	case len(pks) == 0:
		return nil, nil, fault.Field("pks", "Choose at least one.")
	case len(pks) > most:
		return nil, nil, fault.Field("pks", fmt.Sprintf("%d are too many at once: 1,000 at most.", len(pks)))
	}
	seen := map[string]bool{}
	for _, pk := range pks {
		if seen[pk] {
			return nil, nil, fault.Field("pks", fmt.Sprintf("%s is there twice.", pk))
		}
		seen[pk] = true
	}
	return k, pks, nil
}

// models are those that can be worked on.
func (r *Room) models() []string {
	var out []string
	for _, k := range r.Store.Kinds() {
		if !k.View && !k.IsBase() && k.Path != "" {
			out = append(out, k.Model)
		}
	}
	return out
}

// unknown says that there is no such word, and which one may be meant.
func unknown(what, word string, known []string) string {
	if near := config.Nearest(word, known); near != "" {
		return fmt.Sprintf("%s %.80q. Did you mean %q?", what, word, near)
	}
	return fmt.Sprintf("%s %.80q.", what, word)
}

// load reads the objects and asks whether the caller may do that with each; a row of the outcome is made for each.
func (r *Room) load(ctx context.Context, k *kind.Kind, pks []string, verb kind.Verb) ([]Row, error) {
	if k.Verbs&verb == 0 && (k.Twin == nil || k.Twin.Verbs&verb == 0) {
		return nil, fault.Field("model", map[kind.Verb]string{kind.Update: "Objects of this kind are not changed by hand.", kind.Delete: "Objects of this kind are not deleted by hand."}[verb])
	}
	found, err := r.Store.Pick(ctx, k, pks)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(pks))
	for i, pk := range pks {
		rows[i] = Row{PK: pk, OK: true, Errors: map[string][]string{}}
		obj := found[pk]
		if obj == nil {
			rows[i].refuse(fault.New(fault.NotFound, "There is no such object, or you may not look at it."))
			continue
		}
		err := r.Guard.Allowed(ctx, k, obj, verb)
		if err == nil || r.Guard.Allowed(ctx, k, obj, kind.Retrieve) == nil {
			rows[i].Name = k.Name(obj)
		}
		switch {
		case err != nil && rows[i].Name == "": // who may not look at it learns nothing of it
			rows[i].refuse(fault.New(fault.NotFound, "There is no such object, or you may not look at it."))
		case err != nil:
			if err := rows[i].refuse(err); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// refuse notes what is wrong with an object; a failure of ours is given back.
func (w *Row) refuse(err error) error {
	f := fault.As(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return err
	}
	w.OK, w.Errors = false, map[string][]string{}
	for name, ms := range f.Fields {
		name, _, _ = strings.Cut(name, fault.Inside)
		w.Errors[name] = ms
	}
	if len(f.Fields) == 0 {
		w.Errors[fault.NonField] = []string{f.Say}
	}
	return nil
}

// run does one thing with each object in a transaction, each behind a savepoint so that all refusals are told at once.
func (r *Room) run(ctx context.Context, in Chosen, rows []Row, do func(tx *store.Tx, pk string) error) (Outcome, error) {
	var out Outcome
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		out = Outcome{DryRun: in.DryRun, Results: slices.Clone(rows)}
		for i := range out.Results {
			row := &out.Results[i]
			if !row.OK {
				out.Failed++
				continue
			}
			err := tx.Try(func() error { return do(tx, row.PK) })
			if err != nil {
				if err := row.refuse(err); err != nil {
					return err
				}
				out.Failed++
				continue
			}
			out.OK++
		}
		switch {
		case in.DryRun:
			return errDry
		case out.Failed > 0:
			return errSome
		}
		return nil
	})
	switch {
	case errors.Is(err, errDry):
		return out, nil
	case errors.Is(err, errSome):
		return out, refused(out)
	}
	out.Done = err == nil
	return out, err
}

// refused tells that nothing was done, and by key why.
func refused(out Outcome) error {
	n, whole := len(out.Results), "Nothing was changed."
	switch {
	case n > 1 && out.Failed == 1:
		whole = fmt.Sprintf("Nothing was changed: 1 of %d is refused.", n)
	case n > 1:
		whole = fmt.Sprintf("Nothing was changed: %d of %d are refused.", out.Failed, n)
	}
	var bad fault.Fields
	bad.Add(fault.NonField, whole)
	for _, row := range out.Results {
		for _, field := range slices.Sorted(maps.Keys(row.Errors)) {
			for _, m := range row.Errors[field] {
				if field != fault.NonField {
					m = field + ": " + m
				}
				bad.Add(row.PK, m)
			}
		}
	}
	return bad.Err()
}

func (r *Room) edit(ctx context.Context, in *Edit) (Outcome, error) {
	k, pks, err := r.find(in.Chosen)
	if err != nil {
		return Outcome{}, err
	}
	set, err := settable(k, in)
	if err != nil {
		return Outcome{}, err
	}
	rows, err := r.load(ctx, k, pks, kind.Update)
	if err != nil {
		return Outcome{}, err
	}
	return r.run(ctx, in.Chosen, rows, func(tx *store.Tx, pk string) error {
		obj, err := tx.Get(k, pk)
		if err != nil {
			return err
		}
		key := k.Value(obj, k.PKField())
		was := reflect.ValueOf(key.Interface())
		if _, err := kind.Decode(k.Fields, set, reflect.ValueOf(obj).Elem(), false); err != nil {
			return err
		}
		if err := lists(tx, k, obj, in); err != nil {
			return err
		}
		key.Set(was)
		if own(k, pk, tx.Actor) && k.Field("is_active") != nil && !k.Value(obj, k.Field("is_active")).Bool() {
			return fault.Field("is_active", "This is your own account. You can't switch it off together with others.")
		}
		return tx.Update(obj)
	})
}

// settable gives the fields to set as a body; what can't be set in bulk is refused, all at once.
func settable(k *kind.Kind, in *Edit) (map[string]json.RawMessage, error) {
	var bad fault.Fields
	body := map[string]json.RawMessage{}
	var known []string
	for i := range k.Fields {
		if f := &k.Fields[i]; f.InBody() && !f.Ignored && !f.Quiet {
			known = append(known, f.Name)
		}
	}
	check := func(name string) *kind.Field {
		f := k.Field(name)
		switch {
		case f == nil || f.Hidden:
			bad.Add(name, unknown("There is no field", name, known))
		case !f.InBody() || f.Ignored || f.Name == k.PKField().Name:
			bad.Add(name, "This field can't be set.")
		case f.Unique || slices.ContainsFunc(k.Unique, func(group []string) bool { return slices.Contains(group, name) }):
			bad.Add(name, "This field has to be different for each object, so it can't be set for many.")
		case f.Secret || f.WriteOnly:
			bad.Add(name, "A secret is set for one object at a time.")
		default:
			return f
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(in.Fields)) {
		if check(name) == nil {
			continue
		}
		body[name] = in.Fields[name]
	}
	for _, more := range []map[string]any{in.Add, in.Remove} {
		for _, name := range slices.Sorted(maps.Keys(more)) {
			f := check(name)
			if f == nil {
				continue
			}
			if _, set := in.Fields[name]; set {
				bad.Add(name, "Either set this list, or add to it and take out of it.")
			} else if _, ok := more[name].([]any); f.Type != "array" || !ok {
				bad.Add(name, "Only lists are added to and taken out of, and by a list.")
			}
		}
	}
	if len(in.Fields)+len(in.Add)+len(in.Remove) == 0 {
		bad.Add("fields", "Say what to change.")
	}
	return body, bad.Err()
}

// lists adds to lists of obj and takes out of them.
func lists(tx *store.Tx, k *kind.Kind, obj any, in *Edit) error {
	if len(in.Add)+len(in.Remove) == 0 {
		return nil
	}
	if err := tx.Load(obj); err != nil {
		return err
	}
	body := map[string]json.RawMessage{}
	for i := range k.Fields {
		f := &k.Fields[i]
		add, adds := in.Add[f.Name].([]any)
		drop, drops := in.Remove[f.Name].([]any)
		if !adds && !drops {
			if f.Virtual {
				k.Value(obj, f).SetZero() // what is not touched stays as it is
			}
			continue
		}
		now, err := json.Marshal(k.Value(obj, f).Interface())
		if err != nil {
			return err
		}
		var items []any
		if err := json.Unmarshal(now, &items); err != nil {
			return err
		}
		for _, v := range add {
			if !has(items, v) {
				items = append(items, v)
			}
		}
		items = slices.DeleteFunc(items, func(v any) bool { return has(drop, v) })
		if items == nil {
			items = []any{}
		}
		if body[f.Name], err = json.Marshal(items); err != nil {
			return err
		}
	}
	_, err := kind.Decode(k.Fields, body, reflect.ValueOf(obj).Elem(), false)
	return err
}

// has says whether a list has a value; keys are compared as they are written.
func has(list []any, v any) bool {
	return slices.ContainsFunc(list, func(x any) bool { return strings.EqualFold(fmt.Sprint(x), fmt.Sprint(v)) })
}

func (r *Room) remove(ctx context.Context, in *Removal) (Outcome, error) {
	k, pks, err := r.find(in.Chosen)
	if err != nil {
		return Outcome{}, err
	}
	rows, err := r.load(ctx, k, pks, kind.Delete)
	if err != nil {
		return Outcome{}, err
	}
	if in.DryRun {
		for i := range rows {
			if rows[i].Name == "" {
				continue
			}
			uses, err := r.Guard.Uses(ctx, k, rows[i].PK)
			if err != nil {
				return Outcome{}, err
			}
			rows[i].UsedBy = len(uses)
		}
	}
	return r.run(ctx, in.Chosen, rows, func(tx *store.Tx, pk string) error {
		if err := tx.Delete(k, pk); !fault.Is(err, fault.NotFound) { // not found: it went with another one of these
			return err
		}
		return nil
	})
}

// own says whether an object is the account of who acts.
func own(k *kind.Kind, pk string, a store.Actor) bool {
	return k.Family.Name == "users" && a.UserPK != 0 && pk == strconv.FormatInt(a.UserPK, 10)
}
