// Package gateway sends text messages to phones: through Twilio, or through any service that takes a request on the web.
//
//	a stage ─▶ Wait (nobody is flooded, no bill runs up) ─▶ Twilio | Post ─▶ the service
package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

// Twilio is where Twilio answers.
const Twilio = "https://api.twilio.com"

// maxSaid is how much of a service's answer is kept for the audit log, in bytes.
const maxSaid = 2000

// Room sends messages.
type Room struct {
	Client *http.Client
	At     string // of Twilio's API; "" = Twilio

	mu   sync.Mutex
	sent map[string][]time.Time
}

// Refused is an answer that says that nothing was sent.
type Refused struct {
	Status int
	Body   string // what the service said, shortened
}

// Error gives what the service said.
func (r *Refused) Error() string { return fmt.Sprintf("status %d: %s", r.Status, r.Body) }

// The ways to prove to a service who asks.
const (
	Basic  = "basic"
	Bearer = "bearer"
)

// Auth is what proves it.
type Auth struct {
	Type           string // Basic or Bearer
	User, Password string // User is the bearer's token too
}

// Account is one at Twilio.
type Account struct{ SID, Token, From string }

// Message sends text to a number through Twilio (POST /2010-04-01/Accounts/{sid}/Messages.json). The error is *Refused when Twilio takes it
// not, an Unavailable fault when it can't be reached.
func (r *Room) Message(ctx context.Context, a Account, to, text string) error {
	at := r.At
	if at == "" {
		at = Twilio
	}
	form := url.Values{"From": {a.From}, "To": {to}, "Body": {text}}
	return r.post(ctx, "Twilio", at+"/2010-04-01/Accounts/"+url.PathEscape(a.SID)+"/Messages.json", "application/x-www-form-urlencoded", Auth{Basic, a.SID, a.Token}, []byte(form.Encode()))
}

// Post sends a body as JSON to another service. The errors are those of Message, and an Invalid fault for an address that is none.
func (r *Room) Post(ctx context.Context, address string, a Auth, body any) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fault.New(fault.Invalid, "The address of the service for text messages is none on the web.")
	}
	b, err := json.Marshal(body)
	if err != nil {
		return fault.Wrap(fault.Invalid, "What the mapping gives can't be sent as JSON.", err)
	}
	return r.post(ctx, "The service for text messages", u.String(), "application/json", a, b)
}

func (r *Room) post(ctx context.Context, who, address, kind string, a Auth, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Invalid, "The address of the service for text messages is none on the web.", err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gatehouse")
	if a.Type == Bearer {
		req.Header.Set("Authorization", "Bearer "+a.User)
	} else {
		req.SetBasicAuth(a.User, a.Password)
	}
	resp, err := r.Client.Do(req)
	if err != nil {
		return outbound.Say(who, err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxSaid))
	if err != nil && !errors.Is(err, io.EOF) {
		return outbound.Say(who, err)
	}
	if resp.StatusCode >= 300 {
		return &Refused{resp.StatusCode, strings.ToValidUTF8(string(said), "")}
	}
	return nil
}

// Limit is how often something may be done within a time.
type Limit struct {
	Key    string
	Times  int
	Within time.Duration
}

// maxKeys bounds how much is remembered.
const maxKeys = 20_000

// Wait counts a message against every limit and gives 0, or how long to wait when one of them is reached: then nothing is counted. It
// remembers in memory alone: a start anew forgets.
func (r *Room) Wait(now time.Time, limits ...Limit) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sent == nil || len(r.sent) > maxKeys {
		r.sent = map[string][]time.Time{}
	}
	var wait time.Duration
	for _, l := range limits {
		var within []time.Time
		for _, at := range r.sent[l.Key] {
			if now.Sub(at) < l.Within {
				within = append(within, at)
			}
		}
		if len(within) >= l.Times {
			wait = max(wait, within[len(within)-l.Times].Add(l.Within).Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, l := range limits {
		keep := r.sent[l.Key]
		for len(keep) > 0 && now.Sub(keep[0]) > forget {
			keep = keep[1:]
		}
		if n := len(keep); n == 0 || keep[n-1] != now { // two limits may share a key
			r.sent[l.Key] = append(keep, now)
		}
	}
	return 0
}

// forget is when a message counts for no limit any more.
const forget = 24 * time.Hour

// Forget has every message of before count for nothing.
func (r *Room) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = nil
}
