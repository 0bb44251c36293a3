package store

import (
	"context"
	"sync"
)

// Rows keeps single rows of a table that have no kind, or are changed beside it, for as long as they are what is stored. Whoever changes
// such rows says so in the transaction (Tx.Touched); a committed change of any kind forgets them all, since rows may go with another's.
// The zero value is ready. What it gives is shared: nobody may change it.
type Rows[K comparable, V any] struct {
	once  sync.Once
	mu    sync.Mutex
	m     map[K]V
	gen   uint64 // Store.Changes of what is kept
	turns uint64 // raised by everything that is forgotten: what was read before is not kept after it
}

// mostRows bounds how many are kept.
const mostRows = 1000

// Get gives what is kept of a table under a key, or reads and keeps it. An error is not kept. It must not be asked inside a transaction.
func (r *Rows[K, V]) Get(s *Store, table string, key K, read func() (V, error)) (V, error) {
	r.once.Do(func() { s.watch(table, r.forget) })
	gen := s.Changes()
	r.mu.Lock()
	if r.gen != gen || r.m == nil {
		r.gen, r.m = gen, map[K]V{}
	}
	v, ok := r.m[key]
	turns := r.turns
	r.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gen != gen || r.turns != turns || s.Changes() != gen {
		return v, nil
	}
	if len(r.m) >= mostRows {
		for k := range r.m { // any: who is there still is read again
			delete(r.m, k)
			break
		}
	}
	r.m[key] = v
	return v, nil
}

// forget forgets some rows, all of them when no key is given.
func (r *Rows[K, V]) forget(keys []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turns++
	if len(keys) == 0 {
		clear(r.m)
	}
	for _, k := range keys {
		if k, ok := k.(K); ok {
			delete(r.m, k)
		}
	}
}

// watch has fn called with the keys of rows of a table that were changed.
func (s *Store) watch(table string, fn func(keys []any)) {
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.watchers == nil {
		s.watchers = map[string][]func([]any){}
	}
	s.watchers[table] = append(s.watchers[table], fn)
}

// Touched says that rows of a table are changed by statements of the transaction: those with these keys, any of them when none is given.
func (tx *Tx) Touched(table string, keys ...any) {
	tx.Anyhow(func() {
		tx.s.watching.RLock()
		defer tx.s.watching.RUnlock()
		for _, fn := range tx.s.watchers[table] {
			fn(keys)
		}
	})
}

// Vacant says whether there is no object of T's kind, which has a table of its own. It asks the database once as long as nothing changes.
func Vacant[T any](ctx context.Context, s *Store) (bool, error) {
	k := KindOf[T](s)
	return s.vacant.Get(s, k.Table, k.Model, func() (none bool, err error) {
		return none, s.db.QueryRow(ctx, `SELECT NOT EXISTS (SELECT 1 FROM `+quote(k.Table)+`)`).Scan(&none)
	})
}
