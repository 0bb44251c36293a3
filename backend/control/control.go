// Package control is how this machine's own programs steer a running server: HTTP over a socket in the data folder that only
// its owner may open.
//
//	window, command line ─▶ Client ─▶ <data>/control.sock ─▶ Serve ─▶ Backend (the server)
//
// Whoever may open the socket is trusted as the owner of the house; the rights on the socket are the whole guard.
package control

import (
	"context"
	"errors"
	"time"
)

// Backend is what the server does for those who hold the socket.
type Backend interface {
	Status(ctx context.Context) (Status, error)
	// Ticket gives an address on the loopback listener with a ticket for one use within 20 seconds.
	Ticket(ctx context.Context) (Ticket, error)
	// CreateAdmin makes a user with all rights. Conflict when the username is taken.
	CreateAdmin(ctx context.Context, r AdminRequest) (AdminResult, error)
	// ResetPassword sets a password. NotFound when there is no such user.
	ResetPassword(ctx context.Context, username, password string) (AdminResult, error)
	// RecoveryLink makes a link by which the user gets in without a password for a while.
	RecoveryLink(ctx context.Context, username string, valid time.Duration) (AdminResult, error)
	// Backup writes an encrypted backup to a new file; path is absolute. Conflict when the file exists.
	Backup(ctx context.Context, path, passphrase string) error
	// Blueprint applies a blueprint, or only tells what it would do.
	Blueprint(ctx context.Context, r BlueprintRequest) (BlueprintResult, error)
	// Export gives every object as a blueprint.
	Export(ctx context.Context) (Exported, error)
	// Stop begins a clean shutdown and returns before it is done.
	Stop(ctx context.Context) error
	// Desktop gives what pages ask of the window, until ctx ends.
	Desktop(ctx context.Context) (<-chan DesktopEvent, error)
	// Reply answers an event that has an ID.
	Reply(ctx context.Context, r DesktopReply) error
}

// Status is who answers.
type Status struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Data    string    `json:"data"`
	HTTP    string    `json:"http,omitempty"`  // addresses that are listened on
	HTTPS   string    `json:"https,omitempty"` //
	Local   string    `json:"local,omitempty"` // base URL of the loopback listener
	URL     string    `json:"url,omitempty"`   // address for other devices, once the wizard is done
	Setup   bool      `json:"setup"`           // the wizard is still to be answered
}

// Ticket is a way in for the window.
type Ticket struct {
	URL string `json:"url"`
}

// AdminRequest is a new admin. Without a password the answer holds a recovery link.
type AdminRequest struct {
	Username string `json:"username"`
	Email    string `json:"email,omitempty"`
	Name     string `json:"name,omitempty"`
	Password string `json:"password,omitempty"`
}

// AdminResult is what became of it.
type AdminResult struct {
	PK       int64  `json:"pk"`
	Username string `json:"username"`
	Link     string `json:"link,omitempty"` // path or URL that opens the account once
}

// BlueprintRequest is a blueprint to apply.
type BlueprintRequest struct {
	Name    string            `json:"name"` // what the log calls it
	Content string            `json:"content"`
	Context map[string]any    `json:"context,omitempty"`
	Env     map[string]string `json:"env,omitempty"` // variables that it may ask for
	Dry     bool              `json:"dry,omitempty"` // only tell what it would do
}

// BlueprintFault is one thing that is wrong with a blueprint.
type BlueprintFault struct {
	Line int    `json:"line"` // 0: the file as a whole
	Text string `json:"text"`
}

// BlueprintResult is what a blueprint did, or would do. With faults nothing was done.
type BlueprintResult struct {
	Faults    []BlueprintFault `json:"faults"`
	Notes     []string         `json:"notes"`
	Created   int              `json:"created"`
	Updated   int              `json:"updated"`
	Deleted   int              `json:"deleted"`
	Unchanged int              `json:"unchanged"`
}

// Exported is every object as a blueprint.
type Exported struct {
	Content string `json:"content"`
	Note    string `json:"note"` // what is not in it
}

// DesktopEvent is something that the window does for a page.
type DesktopEvent struct {
	Kind string `json:"kind"` // save, open, quit, show, autostart
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
	Data []byte `json:"data,omitempty"`
	Keep bool   `json:"keep,omitempty"` // quit: keep serving
	ID   string `json:"id,omitempty"`   // autostart: for the reply
	On   *bool  `json:"on,omitempty"`   // autostart: nil only asks
}

// DesktopReply is the window's answer to an event.
type DesktopReply struct {
	ID string `json:"id"`
	On bool   `json:"on"` // autostart: the window starts at login
}

// ErrNobody is in the chain of the error when no server answers for a data folder.
var ErrNobody = errors.New("no server answers")

// Nobody is the error when no server answers for a data folder.
type Nobody struct {
	Data  string
	Cause error
}

// Error says it with what to do.
func (n *Nobody) Error() string {
	return "No Gatehouse server answers for the folder " + n.Data + ". Start one with: gatehouse serve --data " + n.Data
}

// Unwrap gives ErrNobody and the cause.
func (n *Nobody) Unwrap() []error { return []error{ErrNobody, n.Cause} }
