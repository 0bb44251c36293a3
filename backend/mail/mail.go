// Package mail sends the mails of the house: one mail server for all of it, texts in the reader's language, a queue that outlives a restart.
//
//	Draft ─Compose─▶ Letter ─Queue(tx)─▶ mails ─▶ Serve ─▶ SMTP server
//	                                       ▲         │
//	                                       └─ later ─┴─▶ sent (event email_sent) or failed (task send_mail)
//
// A letter is made before the transaction that queues it and sent after: nothing of the network happens inside of one. A mail is sent at
// least once: one that the server took just before the power went is sent again.
package mail

import (
	"context"
	"crypto/tls"
	"embed"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/text"
)

//go:embed templates
var builtin embed.FS

// Room sends mails.
type Room struct {
	Store  *store.Store
	Events *event.Log
	Brands *brand.Room
	Texts  *text.Tables
	Tasks  *task.Room
	Log    *slog.Logger
	Fixed  Fixed
	// Dir is the folder of the office's own templates; it need not be there.
	Dir string
	// Picture gives a brand's logo by its address, nil when it is none that mails can show.
	Picture func(address string) ([]byte, string)
	// Base gives the address of the house, "" before it has a name.
	Base func(ctx context.Context) string
	// Via gives the server of a letter that does not go through that of the house, by the key that the letter names.
	Via func(ctx context.Context, key string) (Connection, error)
	// TLS is what connections trust; nil = the machine's authorities.
	TLS *tls.Config

	once  sync.Once
	awake chan struct{}
}

// Address is somebody's name and e-mail address.
type Address struct{ Name, Email string }

// Draft is a mail to be written.
type Draft struct {
	To       []Address
	Subject  string
	Template string         // a published name, or one of the office's own
	Vars     map[string]any // what the template may say: url, user, expires and so on
	Langs    []string       // wishes of the reader, best first
	Brand    *brand.Brand   // nil = the default one
	Via      string         // "" = the mail server of the house; see Room.Via
	From     string         // "" = the sender of the server
	Until    time.Time      // when there is no use in sending it any more; zero = always
	Secrets  []string       // what the audit log must not keep of the body: keys of links
	About    string         // what Room.About finds it by
}

// Letter is a mail that is written.
type Letter struct {
	ID      string    `json:"id"` // Message-ID without its brackets
	To      []Address `json:"to"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	HTML    string    `json:"html"`
	Text    string    `json:"text"`
	Logo    string    `json:"logo"` // address of the brand's picture
	Via     string    `json:"via"`
	Until   time.Time `json:"until"`
	Secrets []string  `json:"secrets"`
	About   string    `json:"about"`
}

// Recipients lists the addresses with commas.
func (l *Letter) Recipients() string {
	all := make([]string, len(l.To))
	for i, a := range l.To {
		all[i] = a.Email
	}
	return strings.Join(all, ", ")
}

// errNone is what everything says that needs a mail server while there is none.
func errNone() *fault.Error {
	return fault.New(fault.Unavailable, "Gatehouse can't send mails: no mail server is set up. An admin can do that under Settings, Mail.")
}

// Ready returns Unavailable, in words for an admin, while the house has no mail server.
func (r *Room) Ready(ctx context.Context) error {
	c, err := r.connection(ctx, "")
	if err != nil {
		return err
	}
	if c.Host == "" {
		return errNone()
	}
	return nil
}

// own opens the folder of the office's templates; nil when there is none.
func (r *Room) own() *os.Root {
	if r.Dir == "" {
		return nil
	}
	dir, err := os.OpenRoot(r.Dir)
	if err != nil {
		return nil
	}
	return dir
}

func (r *Room) wake() chan struct{} {
	r.once.Do(func() { r.awake = make(chan struct{}, 1) })
	return r.awake
}

// Wake has Serve look at the queue now.
func (r *Room) Wake() {
	select {
	case r.wake() <- struct{}{}:
	default:
	}
}
