package db

import (
	"context"
	"database/sql"
	"sync"
)

// maxStmts bounds a cache of prepared statements; filters make SQL texts without end.
const maxStmts = 500

// stmtCache keeps the statements of the read pool by their SQL text.
type stmtCache struct {
	db *sql.DB
	mu sync.Mutex
	m  map[string]*cached
}

// cached is closed when it has left the cache and nobody uses it.
type cached struct {
	stmt *sql.Stmt
	uses int
	gone bool
}

func newStmtCache(db *sql.DB) *stmtCache { return &stmtCache{db: db, m: map[string]*cached{}} }

// get gives the statement; give it back with put once its rows are open.
func (c *stmtCache) get(ctx context.Context, query string) (*cached, error) {
	c.mu.Lock()
	if s := c.m[query]; s != nil {
		s.uses++
		c.mu.Unlock()
		return s, nil
	}
	c.mu.Unlock()

	stmt, err := c.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.m[query]; s != nil { // somebody else was faster
		s.uses++
		stmt.Close()
		return s, nil
	}
	for k, s := range c.m { // any one will do
		if len(c.m) < maxStmts {
			break
		}
		delete(c.m, k)
		s.gone = true
		if s.uses == 0 {
			s.stmt.Close()
		}
	}
	s := &cached{stmt: stmt, uses: 1}
	c.m[query] = s
	return s, nil
}

func (c *stmtCache) put(s *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.uses--; s.uses == 0 && s.gone {
		s.stmt.Close()
	}
}

func (c *stmtCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, s := range c.m {
		s.gone = true
		if s.uses == 0 {
			s.stmt.Close()
		}
		delete(c.m, k)
	}
}
