package source

import (
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"gatehouse/backend/fault"
)

const (
	mostNoted   = 200 // messages of a source that are remembered
	mostRefused = 20  // of them, those that anybody could have sent
)

// Message is one line of the log of what a source and the other side said to each other.
type Message struct {
	ID       int64     `json:"id" is:"required,readonly"`
	At       time.Time `json:"at" is:"required,readonly" format:"date-time"`
	What     string    `json:"what" is:"required,readonly" help:"The kind of message by its name in the standard, as AuthnRequest."`
	Sent     bool      `json:"sent" is:"required,readonly" help:"Whether Gatehouse sent it; else it came in."`
	Good     bool      `json:"accepted" is:"required,readonly"`
	About    string    `json:"about" is:"required,readonly" help:"What the other side calls the account; empty when it is not known."`
	Says     string    `json:"says" is:"required,readonly" help:"Why it was refused, in a sentence; empty when it was not."`
	Came     string    `json:"came" is:"required,readonly" help:"The value in the message that did not fit."`
	Expected string    `json:"expected" is:"required,readonly" help:"The value that would have fitted."`
	ClientIP string    `json:"client_ip" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Message) SchemaName() string { return "SourceMessage" }

// Journal remembers the last messages of every source, in memory alone: a start anew forgets. The zero value is ready.
type Journal struct {
	mu   sync.Mutex
	last int64
	of   map[string][]Message
}

// Note remembers a message of a source. Anybody can send what is refused: such lines push out their like, and one address has one of each kind.
func (j *Journal) Note(src string, m Message) {
	for _, s := range []*string{&m.What, &m.About, &m.Says, &m.Came, &m.Expected, &m.ClientIP} {
		if r := []rune(*s); len(r) > 400 {
			*s = string(r[:400]) + "…"
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.of == nil {
		j.of = map[string][]Message{}
	}
	j.last++
	m.ID, m.At = j.last, m.At.UTC()
	list := j.of[src]
	if !m.Good {
		refused := 0
		for n := len(list) - 1; n >= 0; n-- {
			if list[n].Good {
				continue
			}
			same := list[n].ClientIP == m.ClientIP && list[n].Says == m.Says
			if refused++; refused >= mostRefused || same {
				list = slices.Delete(list, n, n+1)
			}
		}
	}
	if len(list) >= mostNoted {
		list = append(list[:0:0], list[len(list)-mostNoted+1:]...)
	}
	j.of[src] = append(list, m)
}

// List gives the messages of a source after one, the newest first.
func (j *Journal) List(src string, after int64) []Message {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []Message{}
	list := j.of[src]
	for n := len(list) - 1; n >= 0 && list[n].ID > after; n-- {
		out = append(out, list[n])
	}
	return out
}

// Forget drops what is remembered of a source.
func (j *Journal) Forget(src string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.of, src)
}

// After reads the parameter "after" of a question for the log.
func After(q url.Values) (int64, error) {
	v := q.Get("after")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fault.Field("after", "Enter a number.")
	}
	return n, nil
}
