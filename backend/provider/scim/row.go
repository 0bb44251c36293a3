package scim

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
)

// The states of a person or group at the other system.
const (
	waiting = "waiting" // not told yet
	inStep  = "in_step"
	failed  = "failed"
	left    = "left" // not sent any more, and left there as they were
	off     = "off"  // not sent any more, and switched off there
)

// row is what a system knows of a person or a group (table scim_out).
type row struct {
	object, name string
	id           string // there
	asked        int64  // since when a create may have come through without an answer, in microseconds; 0: none may
	sent         string // digest of what was sent
	members      []string
	state, says  string
	tries        int
	mark         int64
	due, told    *int64
}

const rowColumns = `object, name, scim_id, asked, sent, members, state, says, tries, mark, due, told`

// target is a provider that works for an application.
type target struct {
	wanted int64 // > 0: a full sync; counts the wishes
	anew   bool  // also what seems to be in step
}

// want asks for a full sync of the targets that cond finds.
func want(tx *store.Tx, cond string, args ...any) error {
	_, err := tx.Exec(`UPDATE scim_targets SET wanted = wanted + 1 WHERE `+cond, args...)
	return err
}

// targets makes the table of targets the list of providers that applications have in the background, and gives their keys. Who comes anew
// is synced as a whole.
func (r *Room) targets(ctx context.Context) ([]int64, error) {
	uses, err := r.Store.Assigned(ctx, provider.Family.Name, "applications")
	if err != nil {
		return nil, err
	}
	var bound []int64
	for _, u := range uses {
		pk := number(u.PK)
		if u.Field == "provider" || slices.Contains(bound, pk) {
			continue
		}
		_, err := store.Get[Provider](ctx, r.Store, u.PK)
		if fault.Is(err, fault.NotFound) { // of another kind
			continue
		}
		if err != nil {
			return nil, err
		}
		bound = append(bound, pk)
	}
	slices.Sort(bound)
	r.works.Store(len(bound) > 0)
	var have []int64
	rows, err := r.Store.DB().Query(ctx, `SELECT provider FROM scim_targets ORDER BY provider`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var pk int64
		if err := rows.Scan(&pk); err != nil {
			return nil, err
		}
		have = append(have, pk)
	}
	if err := rows.Err(); err != nil || slices.Equal(bound, have) {
		return bound, err
	}
	return bound, r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		for _, pk := range have {
			if !slices.Contains(bound, pk) {
				if _, err := tx.Exec(`DELETE FROM scim_targets WHERE provider = ?`, pk); err != nil {
					return err
				}
			}
		}
		for _, pk := range bound {
			if err := stands(tx, pk); errors.Is(err, errIdle) { // it was deleted since the applications were read
				continue
			} else if err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO scim_targets (provider, wanted, anew) VALUES (?, 1, 0) ON CONFLICT DO NOTHING`, pk); err != nil {
				return err
			}
		}
		return nil
	})
}

// stands says errIdle when a provider was deleted: nothing is kept for it any more.
func stands(tx *store.Tx, pk int64) error {
	_, err := store.GetTx[Provider](tx, strconv.FormatInt(pk, 10))
	if fault.Is(err, fault.NotFound) {
		return errIdle
	}
	return err
}

// quiet does what notification rules need not hear of.
func quiet() store.Actor {
	a := store.House
	a.Quiet = true
	return a
}

// rows reads what is known of some people or groups.
func (r *Room) rows(ctx context.Context, provider int64, kind string, keys []string) (map[string]*row, error) {
	out := make(map[string]*row, len(keys))
	args := []any{provider, kind}
	for _, k := range keys {
		args = append(args, k)
	}
	rows, err := r.Store.DB().Query(ctx, `SELECT `+rowColumns+` FROM scim_out WHERE provider = ? AND kind = ? AND object IN (`+db.Marks(len(keys))+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		w := &row{}
		var members string
		if err := rows.Scan(&w.object, &w.name, &w.id, &w.asked, &w.sent, &members, &w.state, &w.says, &w.tries, &w.mark, &w.due, &w.told); err != nil {
			return nil, err
		}
		if members != "" {
			if err := json.Unmarshal([]byte(members), &w.members); err != nil {
				return nil, err
			}
		}
		out[w.object] = w
	}
	return out, rows.Err()
}

// keysOf reads one column of keys.
func (r *Room) keysOf(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := r.Store.DB().Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var k string
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// owner gives whom of a provider's people or groups an id there belongs to already, but for one; "" when to nobody.
func (r *Room) owner(ctx context.Context, provider int64, kind, id, but string) (string, error) {
	names, err := r.keysOf(ctx, `SELECT name FROM scim_out WHERE provider = ? AND kind = ? AND scim_id = ? AND object <> ? LIMIT 1`, provider, kind, id, but)
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}
