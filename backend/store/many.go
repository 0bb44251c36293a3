package store

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"gatehouse/backend/db"
	"gatehouse/backend/kind"
)

// Loader is a kind that keeps something beside its row and can read it back: it fills the virtual fields.
type Loader interface{ Load(tx *Tx) error }

// Load fills the virtual fields of an object that was read in the transaction; a kind without any has nothing to fill.
func (tx *Tx) Load(obj any) error {
	if l, ok := obj.(Loader); ok {
		return l.Load(tx)
	}
	return nil
}

// Try runs fn and undoes what it did when it fails, what it asked for after the commit too, so that the transaction can go on.
func (tx *Tx) Try(fn func() error) error {
	if _, err := tx.Exec("SAVEPOINT try"); err != nil {
		return err
	}
	hooks := tx.Hooks()
	err := fn()
	if err != nil {
		tx.Forget(hooks)
		if _, e := tx.Exec("ROLLBACK TO try"); e != nil {
			return errors.Join(err, e)
		}
	}
	if _, e := tx.Exec("RELEASE try"); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// List gives the objects of a kind in the transaction, without pages.
func (tx *Tx) List(k *kind.Kind, q Query) ([]any, error) {
	where, args, err := tx.s.where(k, q)
	if err != nil {
		return nil, err
	}
	return tx.s.query(tx, k, where+tx.s.order(k, q.Order, false), args...)
}

// Pick reads objects of a kind by their keys. Those that are not there are left out.
func (s *Store) Pick(ctx context.Context, k *kind.Kind, pks []string) (map[string]any, error) {
	out := make(map[string]any, len(pks))
	q, d := s.reader(ctx), dialect{k}
	for chunk := range slices.Chunk(pks, 500) {
		cond, arg := d.Column(k.PKField().Name)+" IN ("+db.Marks(len(chunk))+")", make([]any, len(chunk))
		for i, pk := range chunk {
			arg[i] = pk
		}
		rows, err := s.query(q, k, " AND "+cond, arg...)
		if err != nil {
			return nil, err
		}
		for _, obj := range rows {
			out[k.PK(obj)] = obj
		}
	}
	return out, nil
}

// Step gives the next n rows of a kind with a table behind the key last (nil: from the start) as far as q narrows them, and the key to go
// on behind, nil at the end. Rows that q leaves out count, so that no step costs more than another.
func (s *Store) Step(ctx context.Context, k *kind.Kind, q Query, last any, n int) (rows []any, next any, err error) {
	key := quote(k.PKField().Name)
	after, args := "1 = 1", []any{}
	if last != nil {
		after, args = "x."+key+" > ?", []any{last}
	}
	part := "SELECT x." + key + " AS k FROM " + quote(k.Table) + " x WHERE " + after + " ORDER BY x." + key + " LIMIT " + strconv.Itoa(n)
	var count int
	if err := s.db.QueryRow(ctx, "SELECT count(*), max(k) FROM ("+part+")", args...).Scan(&count, &next); err != nil {
		return nil, nil, err
	}
	if b, ok := next.([]byte); ok {
		next = string(b)
	}
	if count < n {
		next = nil
	}
	q.Where, q.Args, q.Order, q.PageSize = "o."+key+" IN (SELECT k FROM ("+part+"))", args, []string{k.PKField().Name}, 0
	p, err := s.List(ctx, k, q)
	return p.Rows, next, err
}

// Among gives the objects of a kind whose field has one of these values, in the order of their keys.
func (s *Store) Among(ctx context.Context, k *kind.Kind, field string, values []string) ([]any, error) {
	cond, arg := db.In(dialect{k}.Column(field), values)
	return s.query(s.reader(ctx), k, " AND "+cond+s.order(k, []string{k.PKField().Name}, false), arg)
}
