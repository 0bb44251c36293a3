// Package desktop is what the native window reaches on the loopback listener: the way in by a one-time ticket, and its native verbs.
//
//	window ─control.sock─▶ Ticket ─▶ GET /-/desktop/enter?t=… ─▶ cookie of a local owner's session ─▶ /if/admin/
//	page ─POST /-/desktop/{save,open,quit,autostart}─▶ Events ─control.sock─▶ window
//
// Being on loopback proves nothing: other users of the machine reach the port too. The ticket and the cookie do.
package desktop

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/crypt"
)

// ticketLife is how long a ticket may be used, once.
const ticketLife = 20 * time.Second

// answerTime is how long a window may take to answer a page's question.
const answerTime = 5 * time.Second

// maxSave is the largest file that a page hands to the window, in bytes.
const maxSave = 1 << 30

// Event is something that the window does for a page.
type Event struct {
	Kind string `json:"kind"` // save, open, quit, show, autostart
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
	Data []byte `json:"data,omitempty"`
	Keep bool   `json:"keep,omitempty"` // quit: keep serving
	ID   string `json:"id,omitempty"`   // autostart: of the question, for Reply
	On   *bool  `json:"on,omitempty"`   // autostart: nil only asks
}

// Desk holds tickets and listeners. The zero value is ready but for its fields.
type Desk struct {
	// Enter starts a session of the local owner: it sets the cookies and says where to go; before the wizard is done it admits to the wizard.
	Enter func(w http.ResponseWriter, r *http.Request) (next string, err error)
	// Known says whether the request comes from the local owner's session with a right CSRF token.
	Known   func(r *http.Request) bool
	Version string
	Now     func() time.Time

	mu        sync.Mutex
	tickets   map[[32]byte]time.Time // hash -> end
	listeners map[chan Event]struct{}
	asked     map[string]chan bool // id of a question -> who waits for its answer
}

// Ticket makes a ticket: 256 bit, for one use within 20 seconds.
func (d *Desk) Ticket() string {
	t := crypt.Token()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tickets == nil {
		d.tickets = map[[32]byte]time.Time{}
	}
	now := d.Now()
	for h, end := range d.tickets {
		if now.After(end) {
			delete(d.tickets, h)
		}
	}
	d.tickets[sha256.Sum256([]byte(t))] = now.Add(ticketLife)
	return t
}

// burn takes a ticket out; false when there is none or it is too old.
func (d *Desk) burn(t string) bool {
	h := sha256.Sum256([]byte(t))
	d.mu.Lock()
	defer d.mu.Unlock()
	end, ok := d.tickets[h]
	delete(d.tickets, h)
	return ok && !d.Now().After(end)
}

// Listen gives the events for one window until stop is called.
func (d *Desk) Listen() (events <-chan Event, stop func()) {
	ch := make(chan Event, 8)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listeners == nil {
		d.listeners = map[chan Event]struct{}{}
	}
	d.listeners[ch] = struct{}{}
	return ch, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, ch)
	}
}

// Publish hands an event to every window; false when there is none that takes it.
func (d *Desk) Publish(e Event) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	sent := false
	for ch := range d.listeners {
		select {
		case ch <- e:
			sent = true
		default:
		}
	}
	return sent
}

// ServeHTTP answers below /-/desktop/. It hangs on the loopback listener only.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/-/desktop/") {
	case "GET enter":
		d.enter(w, r)
	case "GET info":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"desktop": true, "version": d.Version})
	case "POST save":
		d.known(w, r, d.save)
	case "POST open":
		d.known(w, r, d.open)
	case "POST quit":
		d.known(w, r, d.quit)
	case "POST autostart":
		d.autostart(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (d *Desk) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	if !d.burn(r.URL.Query().Get("t")) {
		http.Error(w, "This ticket was used already or is too old. Close the window and open Gatehouse again.", http.StatusForbidden)
		return
	}
	next, err := d.Enter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (d *Desk) known(w http.ResponseWriter, r *http.Request, do func(w http.ResponseWriter, r *http.Request) (Event, string)) {
	if d.sent(w, r, do) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// sent hands what do makes of a request to the window; when it could not, the answer is given already.
func (d *Desk) sent(w http.ResponseWriter, r *http.Request, do func(w http.ResponseWriter, r *http.Request) (Event, string)) bool {
	if !d.Known(r) {
		http.Error(w, "Open Gatehouse's window again: this page is not signed in.", http.StatusForbidden)
		return false
	}
	e, bad := do(w, r)
	if bad != "" {
		http.Error(w, bad, http.StatusBadRequest)
		return false
	}
	if !d.Publish(e) {
		http.Error(w, "There is no window that could do this.", http.StatusConflict)
		return false
	}
	return true
}

func (d *Desk) save(w http.ResponseWriter, r *http.Request) (Event, string) {
	name := filepath.Base(strings.ReplaceAll(r.URL.Query().Get("name"), `\`, "/"))
	if name == "." || name == "/" || name == ".." {
		return Event{}, "The file needs a name."
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSave))
	if err != nil {
		return Event{}, "The file is too large, or did not arrive whole."
	}
	return Event{Kind: "save", Name: name, Data: b}, ""
}

func (d *Desk) open(w http.ResponseWriter, r *http.Request) (Event, string) {
	var in struct{ URL string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		return Event{}, "The address did not arrive."
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Event{}, "Only addresses that begin with http:// or https:// are opened."
	}
	return Event{Kind: "open", URL: u.String()}, ""
}

func (d *Desk) quit(w http.ResponseWriter, r *http.Request) (Event, string) {
	var in struct {
		Keep bool `json:"keep_serving"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		return Event{}, "It did not say whether to keep serving."
	}
	return Event{Kind: "quit", Keep: in.Keep}, ""
}

// autostart asks the window whether it starts at login, or lets it do so or no longer, and says what it answers.
func (d *Desk) autostart(w http.ResponseWriter, r *http.Request) {
	answer := make(chan bool, 1)
	id := crypt.Token()
	d.mu.Lock()
	if d.asked == nil {
		d.asked = map[string]chan bool{}
	}
	d.asked[id] = answer
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.asked, id)
	}()
	if !d.sent(w, r, func(_ http.ResponseWriter, r *http.Request) (Event, string) {
		var in struct{ On *bool }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
			return Event{}, "It did not say whether to start at login."
		}
		return Event{Kind: "autostart", ID: id, On: in.On}, ""
	}) {
		return
	}
	late := time.NewTimer(answerTime)
	defer late.Stop()
	select {
	case on := <-answer:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]bool{"on": on}) // the page has gone away
	case <-late.C:
		http.Error(w, "The window does not answer.", http.StatusGatewayTimeout)
	case <-r.Context().Done():
	}
}

// Reply hands the window's answer to the page that asked.
func (d *Desk) Reply(id string, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ch, ok := d.asked[id]; ok {
		delete(d.asked, id)
		ch <- on
	}
}
