// Package undo takes back the last change of an object by its audit event.
//
//	event ─▶ may the caller make that change? ─▶ nobody changed it since? ─▶ changed: as it was │ deleted: back │ created: gone ─▶ custom_undo
//
// What an event keeps for that is sealed (event.Kept); secrets are never in it.
package undo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Guard says what the caller may do with an object, and who points at it.
type Guard interface {
	Allowed(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error
}

// Room undoes.
type Room struct {
	Store  *store.Store
	Events *event.Log
	Guard  Guard
}

// Last names an object whose last change is to be undone.
type Last struct {
	Model string `json:"model" is:"required" help:"App label and name of the kind: authentik_core.user."`
	PK    string `json:"pk" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Last) SchemaName() string { return "GatehouseUndoLast" }

// Undone is what was undone, or would be.
type Undone struct {
	Event    string   `json:"event" is:"required,readonly" format:"uuid" help:"The event of the change."`
	Action   string   `json:"action" is:"required,readonly"`
	Model    string   `json:"model" is:"required,readonly"`
	PK       string   `json:"pk" is:"required,readonly"`
	Name     string   `json:"name" is:"required,readonly"`
	Fields   []string `json:"fields" is:"required,readonly" help:"What goes back to what it was."`
	Notes    []string `json:"notes" is:"required,readonly" help:"What does not come back."`
	Possible bool     `json:"possible" is:"required,readonly"`
	Reason   string   `json:"reason" is:"required,readonly" help:"Why it can't be undone; empty when it can."`
}

// SchemaName implements kind.SchemaNamer.
func (Undone) SchemaName() string { return "GatehouseUndone" }

// Endpoints are the operations of this room.
func (r *Room) Endpoints() []kind.Action {
	show := kind.Do("GET", "gatehouse/undo/{event_uuid}", func(ctx context.Context, c *kind.Call, _ *kind.None) (Undone, error) {
		e, err := r.event(ctx, c.Key)
		if err != nil {
			return Undone{}, err
		}
		out, err := r.undo(ctx, e, true)
		if f := fault.As(err); err != nil && (f.Kind == fault.Invalid || f.Kind == fault.Conflict || f.Kind == fault.Denied) {
			out.Reason, err = f.Error(), nil
		}
		out.Possible = out.Reason == "" && err == nil
		return out, err
	})
	show.Summary = "Whether the change that an event tells of can be undone, and what that would do."
	do := kind.Do("POST", "gatehouse/undo/{event_uuid}", func(ctx context.Context, c *kind.Call, _ *kind.None) (Undone, error) {
		e, err := r.event(ctx, c.Key)
		if err != nil {
			return Undone{}, err
		}
		return r.undo(ctx, e, false)
	})
	do.Summary, do.Operation = "Undoes the change that an event tells of.", "gatehouse_undo_event_create"
	last := kind.Do("POST", "gatehouse/undo", func(ctx context.Context, _ *kind.Call, in *Last) (Undone, error) {
		_, model, _ := strings.Cut(in.Model, ".")
		e, err := r.Events.LastBy(ctx, store.ActorOf(ctx).UserPK, model, in.PK)
		if err != nil {
			return Undone{}, err
		}
		if e == nil {
			return Undone{}, fault.Whole("The last change of it is not yours, so there is nothing to undo.")
		}
		return r.undo(ctx, e, false)
	})
	last.Summary = "Undoes the last change of an object, when the caller made it."
	for _, a := range []*kind.Action{&show, &do, &last} {
		a.Access = kind.SignedIn
		a.Answers = map[int]string{404: "There is no such event, or the caller may not look at it."}
	}
	return []kind.Action{show, do, last}
}

// event reads an event that the caller made or may look at.
func (r *Room) event(ctx context.Context, pk string) (*event.Event, error) {
	gone := fault.New(fault.NotFound, "Not found.")
	if !kind.UUIDText.MatchString(pk) {
		return nil, gone
	}
	e, err := store.Get[event.Event](ctx, r.Store, kind.Dashed(pk))
	if err != nil {
		return nil, err
	}
	if by, ok := e.User["pk"].(float64); ok && by != 0 && int64(by) == store.ActorOf(ctx).UserPK {
		return e, nil
	}
	if err := r.Guard.Allowed(ctx, r.Store.KindFor(e), e, kind.Retrieve); err != nil {
		return nil, gone
	}
	return e, nil
}

var errDry = errors.New("dry run")

// undo undoes the change of an event, or only tries to.
func (r *Room) undo(ctx context.Context, e *event.Event, dry bool) (Undone, error) {
	out := Undone{Event: e.PK, Action: e.Action, Fields: []string{}, Notes: []string{}}
	m, _ := e.Context["model"].(map[string]any)
	text := func(name string) string { s, _ := m[name].(string); return s }
	out.Model, out.PK, out.Name = strings.Trim(text("app")+"."+text("model_name"), "."), text("pk"), text("name")
	k := r.Store.Kind(out.Model)
	if e.Action != "model_created" && e.Action != "model_updated" && e.Action != "model_deleted" {
		return out, fault.Whole("Only the creation, the change and the deletion of an object can be undone.")
	}
	if k == nil || k.Path == "" {
		return out, fault.Whole("Objects of this kind are not changed by hand, so nothing is undone.")
	}
	if k.Family.Key == kind.UUID && kind.UUIDText.MatchString(out.PK) {
		out.PK = kind.Dashed(out.PK)
	}
	kept, err := r.Events.Kept(e)
	if err != nil {
		return out, err
	}
	if err := r.may(ctx, k, &out); err != nil {
		return out, err
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		out.Fields, out.Notes = []string{}, []string{}
		if err := r.since(tx, e); err != nil {
			return err
		}
		var err error
		switch e.Action {
		case "model_created":
			err = r.take(ctx, tx, k, &out)
		case "model_deleted":
			err = r.bring(tx, k, kept, &out)
		default:
			err = r.revert(tx, k, kept, &out)
		}
		if err != nil {
			return err
		}
		if dry {
			return errDry
		}
		return r.Events.EmitTx(tx, event.Entry{Action: "custom_undo", App: "gatehouse", Context: map[string]any{
			"message": "A change was undone", "undone": map[string]any{"pk": e.PK, "action": e.Action}, "model": event.Model(k, out.PK, out.Name),
		}})
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	out.Possible = err == nil
	return out, err
}

// may asks for the permission of the change itself.
func (r *Room) may(ctx context.Context, k *kind.Kind, out *Undone) error {
	if out.Action == "model_deleted" {
		return r.Guard.Allowed(ctx, k, nil, kind.Create)
	}
	obj, err := r.Store.Get(ctx, k, k.PKField().Name, out.PK)
	if fault.Is(err, fault.NotFound) {
		return fault.Whole("It is not there any more.")
	}
	if err != nil {
		return err
	}
	verb := kind.Update
	if out.Action == "model_created" {
		verb = kind.Delete
	}
	return r.Guard.Allowed(ctx, k, obj, verb)
}

// since refuses when somebody changed the object after the event.
func (r *Room) since(tx *store.Tx, e *event.Event) error {
	newer, err := r.Events.Newer(tx, e)
	if err != nil || newer == nil {
		return err
	}
	who, _ := newer.User["username"].(string)
	if who == "" {
		who = "Somebody"
	}
	did := map[string]string{"model_created": "made it again", "model_updated": "changed it", "model_deleted": "deleted it"}[newer.Action]
	return fault.Newf(fault.Conflict, "%s %s since, on %s. Only the last change of an object can be undone.", who, did, newer.Created.UTC().Format("2006-01-02 at 15:04 UTC"))
}

// notKept is said of changes that were made before anything was kept.
const notKept = "The event does not hold what was there before, so it can't be undone."

// secrets refuses what would need values that no event holds.
func secrets(names []string, what string) error {
	if len(names) == 0 {
		return nil
	}
	return fault.Newf(fault.Conflict, "The audit log does not keep secrets (%s), so %s.", strings.Join(names, ", "), what)
}

// revert sets the fields of a changed object back.
func (r *Room) revert(tx *store.Tx, k *kind.Kind, kept *store.Kept, out *Undone) error {
	if kept == nil {
		return fault.New(fault.Conflict, notKept)
	}
	if err := secrets(kept.Secrets, "this change can't be undone. Set them by hand"); err != nil {
		return err
	}
	obj, err := tx.Get(k, out.PK)
	if err != nil {
		return err
	}
	moved, err := kept.Moved(k, obj)
	if err != nil {
		return err
	}
	if moved != "" {
		return fault.Newf(fault.Conflict, "Gatehouse itself changed %s since. Only the last change of an object can be undone.", moved)
	}
	if err := tx.Load(obj); err != nil {
		return err
	}
	if err := kept.Back(k, obj); err != nil {
		return err
	}
	for i := range k.Fields {
		name := k.Fields[i].Name
		if _, ok := kept.Was[name]; ok || len(kept.Added[name])+len(kept.Removed[name]) > 0 {
			out.Fields = append(out.Fields, name)
		}
	}
	if len(out.Fields) == 0 {
		return fault.New(fault.Conflict, "Nothing was changed, so there is nothing to undo.")
	}
	return clear(tx.Update(obj), "It can't go back")
}

// bring stores a deleted object again.
func (r *Room) bring(tx *store.Tx, k *kind.Kind, kept *store.Kept, out *Undone) error {
	if kept == nil {
		return fault.New(fault.Conflict, notKept)
	}
	if err := secrets(kept.Secrets, "it can't be brought back. Make it anew"); err != nil {
		return err
	}
	if _, err := tx.Get(k, out.PK); !fault.Is(err, fault.NotFound) {
		if err != nil {
			return err
		}
		return fault.New(fault.Conflict, "It is there.")
	}
	for _, name := range kept.Lost {
		out.Notes = append(out.Notes, fmt.Sprintf("The audit log does not keep %s: set it anew.", name))
	}
	_, err := tx.Restore(k, kept)
	return clear(err, "It can't come back")
}

// clear makes one sentence of faults by field.
func clear(err error, what string) error {
	f := fault.As(err)
	if err == nil || f.Kind != fault.Invalid || len(f.Fields) == 0 {
		return err
	}
	return fault.Newf(fault.Conflict, "%s: %s", what, strings.ReplaceAll(f.Error(), " - object does not exist", ": what it pointed at is gone"))
}

// take deletes an object that was made. What came to point at it since would go or change with it, so then it is left to a person.
func (r *Room) take(ctx context.Context, tx *store.Tx, k *kind.Kind, out *Undone) error {
	uses, err := r.Store.UsedBy(ctx, k, out.PK)
	if err != nil {
		return err
	}
	if n := len(uses); n > 0 {
		return fault.Newf(fault.Conflict, "It is in use since (%d times). Delete it by hand if that is meant.", n)
	}
	return tx.Delete(k, out.PK)
}
