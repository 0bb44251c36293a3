package event

import "sync"

// hub tells new events to whoever listens. A listener that does not keep up misses some: the log has them.
type hub struct {
	mu        sync.Mutex
	listeners map[chan *Event]struct{}
}

// Listen gives new events until stop is called.
func (l *Log) Listen() (events <-chan *Event, stop func()) {
	ch := make(chan *Event, 64)
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if l.hub.listeners == nil {
		l.hub.listeners = map[chan *Event]struct{}{}
	}
	l.hub.listeners[ch] = struct{}{}
	return ch, func() {
		l.hub.mu.Lock()
		defer l.hub.mu.Unlock()
		delete(l.hub.listeners, ch)
	}
}

func (h *hub) publish(e *Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.listeners {
		select {
		case ch <- e:
		default:
		}
	}
}
