package store

import (
	"context"
	"sync"
)

// Rows keeps single rows of a table that have no kind, or are changed beside it, for as long as they are what is stored. Whoever changes
// such rows says so in the transaction (Tx.Touched); a committed change of any kind forgets them all, since rows may go with another's.
// The zero value is ready. What it gives is shared: nobody may change it.
type Rows[K comparable, V any] struct {
	once   sync.Once
	mu     sync.Mutex
	m      map[K]V
	gen    uint64       // Store.Changes of what is kept
	turns  uint64       // raised by everything that is forgotten: what was read before is not kept after it
	coming map[K]uint64 // what transactions under way stored last, by a number of theirs
	wrote  uint64       // the last of those numbers
}

// mostRows bounds how many are kept.
const mostRows = 1000

// Get gives what is kept of a table under a key, or reads and keeps it. An error is not kept. It must not be asked inside a transaction.
func (r *Rows[K, V]) Get(s *Store, table string, key K, read func() (V, error)) (V, error) {
	gen, turns := r.begin(s, table)
	r.mu.Lock()
	v, ok := r.m[key]
	r.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		r.keep(s, gen, turns, key, v)
	}
	return v, err
}

// All gives what is kept of a table under each of some keys, or reads all of them, and keeps what read gives. As Get it must not be asked
// inside a transaction.
func (r *Rows[K, V]) All(s *Store, table string, keys []K, read func() (map[K]V, error)) (map[K]V, error) {
	gen, turns := r.begin(s, table)
	found := make(map[K]V, len(keys))
	r.mu.Lock()
	for _, key := range keys {
		if v, ok := r.m[key]; ok {
			found[key] = v
		}
	}
	r.mu.Unlock()
	if len(found) == len(keys) {
		return found, nil
	}
	found, err := read()
	if err != nil {
		return nil, err
	}
	for key, v := range found {
		r.keep(s, gen, turns, key, v)
	}
	return found, nil
}

// Find reads a row by something else than its key, and keeps it. As Get it must not be asked inside a transaction.
func (r *Rows[K, V]) Find(s *Store, table string, read func() (K, V, error)) (V, error) {
	gen, turns := r.begin(s, table)
	key, v, err := read()
	if err == nil {
		r.keep(s, gen, turns, key, v)
	}
	return v, err
}

// Wrote keeps what a transaction stores under a key, from its commit on, unless a later one has its say about that row. It says that the
// row is touched.
func (r *Rows[K, V]) Wrote(tx *Tx, table string, key K, v V) {
	r.begin(tx.s, table)
	tx.Touched(table, key)
	r.mu.Lock()
	r.wrote++
	mine := r.wrote
	if r.coming == nil {
		r.coming = map[K]uint64{}
	}
	r.coming[key] = mine
	r.mu.Unlock()
	// Functions of transactions run one after the other, in the order of their commits. So whoever touches the row later has taken the mark
	// away before its own commit, and what is kept here is never older than what is stored.
	last := func() bool {
		if r.coming[key] != mine {
			return false
		}
		delete(r.coming, key)
		return true
	}
	tx.Anyhow(func(err error) {
		if err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			last()
		}
	})
	tx.AfterCommit(func() {
		gen := tx.s.Changes()
		r.mu.Lock()
		defer r.mu.Unlock()
		if last() {
			r.renew(gen)
			r.put(key, v)
		}
	})
}

// begin gives the marks that what is read from now on is kept under.
func (r *Rows[K, V]) begin(s *Store, table string) (gen, turns uint64) {
	r.once.Do(func() { s.watch(table, r.announce, r.forget) })
	gen = s.Changes()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.renew(gen)
	return gen, r.turns
}

func (r *Rows[K, V]) renew(gen uint64) {
	if r.gen != gen || r.m == nil {
		r.gen, r.m = gen, map[K]V{}
	}
}

func (r *Rows[K, V]) keep(s *Store, gen, turns uint64, key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gen == gen && r.turns == turns && s.Changes() == gen {
		r.put(key, v)
	}
}

func (r *Rows[K, V]) put(key K, v V) {
	if _, ok := r.m[key]; !ok && len(r.m) >= mostRows {
		for k := range r.m { // any: who is there still is read again
			delete(r.m, k)
			break
		}
	}
	r.m[key] = v
}

// forget forgets some rows, all of them when no key is given.
func (r *Rows[K, V]) forget(keys []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turns++
	lessen(r.m, keys)
}

// announce takes the word of transactions before this one for what they stored.
func (r *Rows[K, V]) announce(keys []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lessen(r.coming, keys)
}

// lessen takes some keys out of a map, all of them when none is given.
func lessen[K comparable, V any](m map[K]V, keys []any) {
	if len(keys) == 0 {
		clear(m)
	}
	for _, k := range keys {
		if k, ok := k.(K); ok {
			delete(m, k)
		}
	}
}

// watcher is who remembers rows of a table.
type watcher struct {
	announce, forget func(keys []any)
}

// watch has somebody told of the rows of a table that a transaction changes: announce in it, forget when it is over.
func (s *Store) watch(table string, announce, forget func(keys []any)) {
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.watchers == nil {
		s.watchers = map[string][]watcher{}
	}
	s.watchers[table] = append(s.watchers[table], watcher{announce, forget})
}

// Watch has land called in each transaction that touches rows of a table, before it does, with their keys (none: any of them): for
// rows that are not stored yet. An error of it ends the transaction.
func (s *Store) Watch(table string, land func(tx *Tx, keys []any) error) {
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.landers == nil {
		s.landers = map[string][]func(*Tx, []any) error{}
	}
	s.landers[table] = append(s.landers[table], land)
}

// Touched says that rows of a table are changed by statements of the transaction: those with these keys, any of them when none is given.
func (tx *Tx) Touched(table string, keys ...any) {
	tx.s.watching.RLock()
	watchers, landers := tx.s.watchers[table], tx.s.landers[table]
	tx.s.watching.RUnlock()
	for _, land := range landers {
		if err := land(tx, keys); err != nil && *tx.bad == nil {
			*tx.bad = err
		}
	}
	for _, w := range watchers {
		w.announce(keys)
	}
	tx.Anyhow(func(error) {
		tx.s.watching.RLock()
		watchers := tx.s.watchers[table]
		tx.s.watching.RUnlock()
		for _, w := range watchers {
			w.forget(keys)
		}
	})
}

// shaken announces that any row may change: rows go with those of a kind.
func (tx *Tx) shaken() {
	tx.s.watching.RLock()
	defer tx.s.watching.RUnlock()
	for _, of := range tx.s.watchers {
		for _, w := range of {
			w.announce(nil)
		}
	}
}

// Vacant says whether there is no object of T's kind, which has a table of its own. It asks the database once as long as nothing changes.
func Vacant[T any](ctx context.Context, s *Store) (bool, error) {
	k := KindOf[T](s)
	return s.vacant.Get(s, k.Table, k.Model, func() (none bool, err error) {
		return none, s.db.QueryRow(ctx, `SELECT NOT EXISTS (SELECT 1 FROM `+quote(k.Table)+`)`).Scan(&none)
	})
}
