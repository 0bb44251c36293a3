// Package seed makes the objects that a fresh Gatehouse comes with: brand, flows, stages, policies, scope mappings, certificate, built-in source.
//
// Names, slugs and managed ids are the published ones, since clients look them up; titles say Gatehouse (decisions 15).
// Seeding runs once for each version of the list and never touches what exists: an admin's change or deletion stays.
package seed

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// version is raised when the list below grows; entries of older versions are not made again.
const version = 3

// entry is one object: found by a field that is unique, made with attrs when it is not there.
type entry struct {
	since int    // the version that brought it
	id    string // how later entries point at it
	model string
	by    string // the identifying field, "" = always made (bindings)
	attrs attrs
}

type attrs map[string]any

// ref points at an earlier entry by its id.
type ref string

// Run makes what is missing of the list. extra entries (scope mappings of the providers) come first.
func Run(ctx context.Context, s *store.Store, extra []Mapping, certificate func(tx *store.Tx) error) error {
	return s.Write(ctx, store.House, func(tx *store.Tx) error {
		done, err := Meta(tx, "seed")
		if err != nil {
			return err
		}
		from, _ := strconv.Atoi(done)
		if from >= version {
			return nil
		}
		if from == 0 {
			if err := source.Seed(tx); err != nil {
				return err
			}
			if err := certificate(tx); err != nil {
				return err
			}
		}
		made := map[ref]any{}
		for _, e := range slices.Concat(mappings(extra), list(), others(), events()) {
			if err := put(tx, e, from, made); err != nil {
				return fmt.Errorf("seed %s: %w", e.id, err)
			}
		}
		return SetMeta(tx, "seed", strconv.Itoa(version))
	})
}

// Done says whether the list of this version was made already.
func Done(ctx context.Context, s *store.Store) (bool, error) {
	v, err := read(ctx, s, "seed")
	n, _ := strconv.Atoi(v)
	return n >= version, err
}

// read reads a fact without writing, "" when it was never set.
func read(ctx context.Context, s *store.Store, name string) (string, error) {
	var v string
	err := s.DB().QueryRow(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// Mapping is a managed scope mapping that a provider room brings.
type Mapping struct {
	Managed, Name, ScopeName, Description, Expression string
}

func mappings(ms []Mapping) []entry {
	var out []entry
	for _, m := range ms {
		out = append(out, entry{1, m.Managed, "authentik_providers_oauth2.scopemapping", "managed", attrs{
			"managed": m.Managed, "name": m.Name, "scope_name": m.ScopeName, "description": m.Description, "expression": m.Expression,
		}})
	}
	return out
}

// put makes one entry unless it is there, or belongs to a version that was seeded before.
func put(tx *store.Tx, e entry, from int, made map[ref]any) error {
	k := tx.Store().Kind(e.model)
	if k == nil {
		return fmt.Errorf("no kind %s", e.model)
	}
	if e.by != "" {
		old, err := tx.Find(k, e.by, fmt.Sprint(e.attrs[e.by]))
		if err == nil {
			made[ref(e.id)] = k.Value(old, k.PKField()).Interface()
			return nil
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	if e.since <= from {
		return nil
	}
	obj := k.New()
	for name, v := range e.attrs {
		f := k.Field(name)
		if f == nil {
			return fmt.Errorf("%s has no field %s", e.model, name)
		}
		v, ok := resolve(v, made)
		if !ok {
			return nil // what it points at was deleted by the admin
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, k.Value(obj, f).Addr().Interface()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := tx.Create(obj); err != nil {
		return err
	}
	made[ref(e.id)] = k.Value(obj, k.PKField()).Interface()
	return nil
}

// resolve turns refs into keys.
func resolve(v any, made map[ref]any) (any, bool) {
	switch x := v.(type) {
	case ref:
		pk, ok := made[x]
		return pk, ok
	case []ref:
		out := []any{}
		for _, r := range x {
			pk, ok := made[r]
			if !ok {
				return nil, false
			}
			out = append(out, pk)
		}
		return out, true
	}
	return v, true
}

// Meta reads a fact about the installation, "" when it was never set.
func Meta(tx *store.Tx, name string) (string, error) {
	rows, err := tx.Query(`SELECT value FROM meta WHERE name = ?`, name)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var v string
	for rows.Next() {
		if err := rows.Scan(&v); err != nil {
			return "", err
		}
	}
	return v, rows.Err()
}

// SetMeta writes a fact about the installation.
func SetMeta(tx *store.Tx, name, value string) error {
	_, err := tx.Exec(`INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// Fact reads a fact about the installation and makes it on first use; fresh gives the value. It survives restart, upgrade and restore.
func Fact(ctx context.Context, s *store.Store, name string, fresh func() string) (string, error) {
	v, err := read(ctx, s, name)
	if err != nil || v != "" {
		return v, err
	}
	err = s.Write(ctx, store.House, func(tx *store.Tx) error {
		var err error
		if v, err = Meta(tx, name); err != nil || v != "" {
			return err
		}
		v = fresh()
		return SetMeta(tx, name, v)
	})
	return v, err
}
