// Package seed makes the objects that a fresh Gatehouse comes with: those of the shipped blueprints, certificate, built-in source, outpost.
//
// Names, slugs and managed ids are the published ones, since clients look them up; titles say Gatehouse (decisions 15).
// Seeding runs once for each version of the files and never touches what exists: an admin's change or deletion stays.
package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"gatehouse/backend/fault"
	"gatehouse/backend/outpost"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// version is raised when the shipped blueprints grow; entries with an older or the same "since" are not made again.
const version = 4

// outpostSince is the version that brought the outpost that is part of Gatehouse.
const outpostSince = 2

// Blueprints makes the objects of the shipped files that are newer than a version.
type Blueprints interface {
	Seed(tx *store.Tx, from int) error
}

// Run makes what is missing.
func Run(ctx context.Context, s *store.Store, files Blueprints, certificate func(tx *store.Tx) error) error {
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
		if err := files.Seed(tx, from); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		if from < outpostSince {
			if err := embedded(tx); err != nil {
				return err
			}
		}
		return SetMeta(tx, "seed", strconv.Itoa(version))
	})
}

// embedded makes the outpost that is part of Gatehouse.
func embedded(tx *store.Tx) error {
	_, err := store.FindTx[outpost.Outpost](tx, "managed", outpost.Managed)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	managed := outpost.Managed
	o := store.KindOf[outpost.Outpost](tx.Store()).New().(*outpost.Outpost)
	o.Managed, o.Name, o.Type, o.Config = &managed, outpost.Embedded, "proxy", outpost.Defaults("")
	return tx.Create(o)
}

// Done says whether the files of this version were gone through already.
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
