package scim

import (
	"net/http"
	"sync"
	"time"

	"gatehouse/backend/source/scim/wire"
)

// mostHeard is how many requests of a source are remembered.
const mostHeard = 200

// Request is one line of the log of what a client asked. It names no more of a person than their sign-in name.
type Request struct {
	ID       int64     `json:"id" is:"required,readonly"`
	At       time.Time `json:"at" is:"required,readonly" format:"date-time"`
	Method   string    `json:"method" is:"required,readonly"`
	Path     string    `json:"path" is:"required,readonly" help:"Below the address of the source, with its query."`
	About    string    `json:"about" is:"required,readonly" help:"The sign-in name of the person or the name of the group that it was about; empty when it was about several or nobody."`
	Status   int64     `json:"status" is:"required,readonly"`
	Says     string    `json:"says" is:"required,readonly" help:"What was wrong; empty when nothing was."`
	Millis   int64     `json:"duration_ms" is:"required,readonly"`
	ClientIP string    `json:"client_ip" is:"required,readonly"`
	Agent    string    `json:"user_agent" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Request) SchemaName() string { return "SCIMSourceLogEntry" }

// heard remembers the last requests of every source, in memory alone: a start anew forgets. What they changed is in the audit log.
type heard struct {
	mu   sync.Mutex
	last int64
	of   map[string][]Request
}

func (h *heard) add(a *asked, in *request, out answer, at time.Time, took time.Duration) {
	line := Request{
		At: at.UTC(), Method: in.method, Path: in.path, About: a.about, Status: int64(out.status), Millis: took.Milliseconds(), ClientIP: a.actor.HTTP.ClientIP, Agent: clip(a.actor.HTTP.UserAgent),
	}
	if q := in.query.Encode(); q != "" {
		line.Path += "?" + q
	}
	line.Path = clip(line.Path)
	if m, ok := out.body.(map[string]any); ok && out.status >= http.StatusBadRequest {
		line.Says = wire.Text(m, "detail")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = map[string][]Request{}
	}
	h.last++
	line.ID = h.last
	list := h.of[a.src.PK]
	if len(list) >= mostHeard {
		list = append(list[:0:0], list[len(list)-mostHeard+1:]...)
	}
	h.of[a.src.PK] = append(list, line)
}

// list gives the requests of a source after one, the newest first.
func (h *heard) list(src string, after int64) []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []Request{}
	list := h.of[src]
	for n := len(list) - 1; n >= 0 && list[n].ID > after; n-- {
		out = append(out, list[n])
	}
	return out
}

func (h *heard) forget(src string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.of, src)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}
