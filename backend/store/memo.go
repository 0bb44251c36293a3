package store

import "sync"

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
	v, ok := c.m[key]
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
	if c.gen == gen { // what was read before a change is not kept after it
		c.m[key] = v
	}
	return v, nil
}
