package auth

import (
	"context"
	"sync"

	"gatehouse/backend/fault"
)

// perAddress is how many passwords from one address are checked at once: an office behind one address signs in together in the morning.
// maxWaiting is how many more may wait for that, so that a flood from one address does not fill the memory: a whole office fits in, and at
// some 50 ms a check the last one waits for seconds.
const (
	perAddress = 4
	maxWaiting = 256
)

// gate lets few tries of one kind be under way at a time. Without it a thousand tries sent at once would all find that nothing failed yet,
// and none would have to wait (lockout bypass by race).
type gate struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

type lane struct {
	slots chan struct{}
	users int
}

// enter waits for a place among n under key and gives what frees it. It returns the error of ctx when that ends first, and TooMany when
// the line is too long.
func (g *gate) enter(ctx context.Context, key string, n int) (leave func(), err error) {
	g.mu.Lock()
	if g.lanes == nil {
		g.lanes = map[string]*lane{}
	}
	l := g.lanes[key]
	if l == nil {
		l = &lane{slots: make(chan struct{}, n)}
		g.lanes[key] = l
	}
	if l.users >= n+maxWaiting {
		g.mu.Unlock()
		f := fault.New(fault.TooMany, "Too many people are signing in from your address at this moment. Wait a few seconds, then try again.")
		f.Code = "throttled"
		return nil, f
	}
	l.users++
	g.mu.Unlock()
	done := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(g.lanes, key)
		}
	}
	select {
	case l.slots <- struct{}{}:
		return func() {
			<-l.slots
			done()
		}, nil
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
}
