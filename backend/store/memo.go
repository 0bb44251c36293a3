package store

import (
	"maps"
	"sync"
)

// mostRemembered bounds a memo; beyond it everything is forgotten.
const mostRemembered = 10_000

// Memo keeps what was read of configuration until something is changed (decision "read-through with a generation number"). The zero value
// is ready. What it gives is shared: nobody may change it. It must not be asked inside a transaction, whose own changes it does not see.
type Memo[K comparable, V any] struct {
	mu  sync.Mutex
	gen uint64
	m   map[K]V
}

// Get gives what is kept under a key, or reads and keeps it. An error is not kept.
func (c *Memo[K, V]) Get(s *Store, key K, read func() (V, error)) (V, error) {
	gen := s.Generation()
	c.mu.Lock()
	if c.gen != gen || c.m == nil || len(c.m) >= mostRemembered {
		c.gen, c.m = gen, map[K]V{}
	}
	m := c.m
	v, ok := m[key]
	c.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m[key] = v // lost when something changed meanwhile: then this map is not in use any more
	return v, nil
}

// Forget drops everything: what is kept also hangs on something that is no configuration, and that changed.
func (c *Memo[K, V]) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m = nil
}

// missing gives the keys under which nothing is kept, and the generation that what is read now belongs to.
func (c *Memo[K, V]) missing(s *Store, keys []K) (out []K, gen uint64) {
	gen = s.Generation()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		if _, ok := c.m[k]; !ok || c.gen != gen {
			out = append(out, k)
		}
	}
	return out, gen
}

// keep keeps what was read in a generation, unless there has been another since.
func (c *Memo[K, V]) keep(s *Store, gen uint64, found map[K]V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen != gen || c.m == nil || len(c.m)+len(found) > mostRemembered {
		c.gen, c.m = gen, map[K]V{}
	}
	if s.Generation() == gen {
		maps.Copy(c.m, found)
	}
}
