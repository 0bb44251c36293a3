package event

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"

	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// keptName is the member of a stored context that holds, sealed, what undoing the change needs. No answer shows it: who may read events
// is not always one who may look at the objects.
const keptName = "gatehouse_kept"

// keepFor seals what is kept of a change for its event.
func (l *Log) keepFor(e *Event, c *store.Kept) error {
	if c == nil {
		return nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	e.kept, err = l.Store.Key().Seal(b, "event", e.PK, keptName)
	return err
}

// stored gives the context as its column has it.
func (e *Event) stored() map[string]any {
	if e.kept == "" {
		return e.Context
	}
	out := maps.Clone(e.Context)
	out[keptName] = e.kept
	return out
}

// hideKept takes from a page of events what only undoing needs.
func hideKept(_ context.Context, rows []any, _ url.Values) error {
	for _, row := range rows {
		delete(row.(*Event).Context, keptName)
	}
	return nil
}

// Kept gives what is kept of the change that an event tells of, nil when nothing is.
func (l *Log) Kept(e *Event) (*store.Kept, error) {
	sealed, _ := e.Context[keptName].(string)
	if sealed == "" {
		return nil, nil
	}
	plain, err := l.Store.Key().Open(sealed, "event", e.PK, keptName)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "What this event keeps can't be read with this key file.", err)
	}
	var c store.Kept
	return &c, json.Unmarshal(plain, &c)
}

// Newer gives the newest change of the object that an event tells of, when that is another event; nil when it is this one.
func (l *Log) Newer(tx *store.Tx, e *Event) (*Event, error) {
	m, _ := e.Context["model"].(map[string]any)
	name, _ := m["model_name"].(string)
	pk, _ := m["pk"].(string)
	all, err := store.AllTx[Event](tx, store.Query{
		Where: `o.model_pk = ? AND o.model = ? AND o.action IN ('model_created', 'model_updated', 'model_deleted') AND o.id > (SELECT x.id FROM events x WHERE x.pk = ?)
			AND o.id = (SELECT max(y.id) FROM events y WHERE y.model_pk = ? AND y.model = ? AND y.action IN ('model_created', 'model_updated', 'model_deleted'))`,
		Args: []any{pk, name, e.PK, pk, name},
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// LastBy gives the newest change of an object, by its model's own name and its key, when somebody made it; nil else.
func (l *Log) LastBy(ctx context.Context, user int64, model, pk string) (*Event, error) {
	all, err := store.All[Event](ctx, l.Store, store.Query{
		Where: `o.user_pk = ? AND o.id = (SELECT max(y.id) FROM events y WHERE y.model_pk = ? AND y.model = ? AND y.action IN ('model_created', 'model_updated', 'model_deleted'))`,
		Args:  []any{user, hexKey(pk), model},
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}
