package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// maxOpen is how many connections are open at once. Each takes a file descriptor, of which many systems give a process 1,024.
const maxOpen = 900

// crowd keeps the number of open connections in bounds. When one comes too many, the one that has waited longest without a request under
// way goes; its browser opens another when it needs one.
type crowd struct {
	mu      sync.Mutex
	max     int
	open    map[net.Conn]*list.Element // nil element: a request is under way
	waiting list.List                  // of net.Conn, the longest first
}

// state is http.Server.ConnState.
func (c *crowd) state(conn net.Conn, s http.ConnState) {
	if gone := c.note(conn, s); gone != nil {
		go gone.Close() // TLS says good-bye first, which may take a while; its server notices
	}
}

func (c *crowd) note(conn net.Conn, s http.ConnState) (gone net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]*list.Element{}
	}
	at, known := c.open[conn]
	if at != nil {
		c.waiting.Remove(at)
	}
	switch {
	case s == http.StateClosed || s == http.StateHijacked:
		delete(c.open, conn)
		return nil
	case s == http.StateActive:
		c.open[conn] = nil
		return nil
	}
	c.open[conn] = c.waiting.PushBack(conn)
	if known || len(c.open) <= c.max {
		return nil
	}
	// Every connection has a place in the list but those that are at work, so the newest is there at least.
	first := c.waiting.Front()
	gone = first.Value.(net.Conn)
	c.waiting.Remove(first)
	delete(c.open, gone)
	return gone
}

// count gives how many connections are open.
func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}
