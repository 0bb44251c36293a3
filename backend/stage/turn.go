package stage

import (
	"context"
	"net/url"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Turn is one run of a stage: what it may look at and what it may change.
type Turn struct {
	Ctx     context.Context
	Plan    *Plan
	Flow    Flow
	Binding Binding
	Request Request
	Session *session.Session // nil: this browser has none yet
	Now     time.Time
	Brand   *brand.Brand

	// User is whom the flow is about: the pending user, else who is signed in; nil when nobody is known. A made-up user of a flow that
	// doesn't tell who exists has PK 0.
	User *user.User
	// SignedIn is who is signed in at this browser, nil when nobody is.
	SignedIn *user.User

	after []func(tx *store.Tx) error
	firm  bool
	even  bool
	// Started is the session that this step began, with the key for its cookie.
	Started *session.Session
	Key     string
	Ended   bool // this step ended the session

	// Proven is what the browser carries of a second factor that was proven before, "" for nothing; Prove gives it a new one.
	Proven string
	proof  *Proof
}

// Proof is what a browser is to carry, and how long.
type Proof struct {
	Value string
	Life  time.Duration
}

// Prove has the browser carry a value, once the step is through.
func (t *Turn) Prove(value string, life time.Duration) { t.proof = &Proof{value, life} }

// ToProve gives what Prove set, nil when nothing.
func (t *Turn) ToProve() *Proof { return t.proof }

// Flow is what a stage may know of its flow.
type Flow struct {
	PK, Slug, Name, Title, Designation string
}

// Binding is how the stage is bound to the flow.
type Binding struct {
	PK              string
	InvalidResponse string // retry, restart, restart_with_context
}

// Request is what a stage may know of the request.
type Request struct {
	Method string
	Query  url.Values // of the page that the person opened
	HTTP   store.HTTP
	Base   string // scheme and host that the caller uses: "https://login.office.lan:9443"
}

// After has fn run in the transaction that stores the plan after this step. It may run twice.
func (t *Turn) After(fn func(tx *store.Tx) error) { t.after, t.firm = append(t.after, fn), true }

// Later has fn run as After does, for what nobody relies on: it need not be on the disk before the answer leaves.
func (t *Turn) Later(fn func(tx *store.Tx) error) { t.after = append(t.after, fn) }

// Even has the answer leave no sooner than a fixed time after the request came, where the time that it takes must not tell what a stage found.
func (t *Turn) Even() { t.even = true }

// IsEven says whether Even was called.
func (t *Turn) IsEven() bool { return t.even }

// Firm says whether somebody relies on what After collected: it has to be on the disk before the answer leaves.
func (t *Turn) Firm() bool { return t.firm }

// Pending takes what After collected.
func (t *Turn) Pending() []func(tx *store.Tx) error {
	fs := t.after
	t.after, t.firm = nil, false
	return fs
}

// Remember keeps a secret of this stage in the session until the next request: what a person must bring back.
func (t *Turn) Remember(key, value string) {
	if t.Session == nil {
		return
	}
	if t.Session.Data.Secret == nil {
		t.Session.Data.Secret = map[string]string{}
	}
	t.Session.Data.Secret[key] = value
}

// Recall gives what Remember kept, "" when there is nothing.
func (t *Turn) Recall(key string) string {
	if t.Session == nil {
		return ""
	}
	return t.Session.Data.Secret[key]
}

// Forget drops what Remember kept.
func (t *Turn) Forget(key string) {
	if t.Session != nil {
		delete(t.Session.Data.Secret, key)
	}
}

// PageURL is the address of a flow's page with what the person's own page was opened with; a link's token, which works once, stays out.
func (t *Turn) PageURL(slug string) string {
	q := url.Values{}
	for k, v := range t.Request.Query {
		if k != "flow_token" {
			q[k] = v
		}
	}
	to := "/if/flow/" + slug + "/"
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return to
}

// DisplayName is how the person is called on the pages of this flow: as they typed it when the stage before asked so.
func (t *Turn) DisplayName() string {
	if s := t.Plan.Text(PendingIdentifier); s != "" {
		return s
	}
	if t.User != nil {
		return t.User.Username
	}
	return ""
}
