package flow

import "sync"

// locks lets one request of a session run at a time: a plan has one writer.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	mu   sync.Mutex
	uses int
}

// lock waits for the session's turn and gives what ends it.
func (l *locks) lock(key string) func() {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[key]
	if k == nil {
		k = &lock{}
		l.held[key] = k
	}
	k.uses++
	l.mu.Unlock()
	k.mu.Lock()
	return func() {
		k.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if k.uses--; k.uses == 0 {
			delete(l.held, key)
		}
	}
}
