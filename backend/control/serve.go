package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"gatehouse/backend/fault"
)

// shutdownTime is how long requests may go on once the server stops.
const shutdownTime = 5 * time.Second

// maxRequest is the largest request in bytes; none but a blueprint holds more than a name and a password.
const (
	maxRequest   = 1 << 20
	maxBlueprint = 32 << 20
)

// Serve answers on the socket until ctx ends, then lets what runs finish for a moment and closes the listener.
func Serve(ctx context.Context, l net.Listener, b Backend) error {
	alive, end := context.WithCancel(ctx) // ends streams, which would hold a shutdown
	defer end()
	s := &http.Server{
		Handler:           handler(alive, b),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	end()
	wait, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer stop()
	err := s.Shutdown(wait)
	if err != nil {
		err = s.Close()
	}
	<-done
	return err
}

func handler(alive context.Context, b Backend) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", answer(func(ctx context.Context, _ none) (Status, error) { return b.Status(ctx) }))
	mux.HandleFunc("POST /ticket", answer(func(ctx context.Context, _ none) (Ticket, error) { return b.Ticket(ctx) }))
	mux.HandleFunc("POST /admin/create", answer(func(ctx context.Context, r AdminRequest) (AdminResult, error) {
		if r.Username == "" {
			return AdminResult{}, fault.Field("username", "The admin needs a username.")
		}
		return b.CreateAdmin(ctx, r)
	}))
	mux.HandleFunc("POST /admin/reset-password", answer(func(ctx context.Context, r passwordRequest) (AdminResult, error) {
		return b.ResetPassword(ctx, r.Username, r.Password)
	}))
	mux.HandleFunc("POST /admin/recovery-link", answer(func(ctx context.Context, r linkRequest) (AdminResult, error) {
		return b.RecoveryLink(ctx, r.Username, r.Valid)
	}))
	mux.HandleFunc("POST /backup", answer(func(ctx context.Context, r backupRequest) (none, error) {
		if !filepath.IsAbs(r.Path) {
			return none{}, fault.New(fault.Invalid, "The backup needs the whole path of its file.")
		}
		return none{}, b.Backup(ctx, r.Path, r.Passphrase)
	}))
	mux.HandleFunc("POST /blueprint", answerUpTo(maxBlueprint, func(ctx context.Context, r BlueprintRequest) (BlueprintResult, error) { return b.Blueprint(ctx, r) }))
	mux.HandleFunc("POST /export", answer(func(ctx context.Context, _ none) (Exported, error) { return b.Export(ctx) }))
	mux.HandleFunc("POST /stop", answer(func(ctx context.Context, _ none) (none, error) { return none{}, b.Stop(ctx) }))
	mux.HandleFunc("POST /desktop/reply", answer(func(ctx context.Context, r DesktopReply) (none, error) { return none{}, b.Reply(ctx, r) }))
	mux.HandleFunc("GET /desktop", func(w http.ResponseWriter, r *http.Request) { stream(alive, w, r, b) })
	return mux
}

type none struct{}

type passwordRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type linkRequest struct {
	Username string        `json:"username"`
	Valid    time.Duration `json:"valid"` // nanoseconds
}

type backupRequest struct {
	Path       string `json:"path"`
	Passphrase string `json:"passphrase"`
}

// answer makes a handler of a function with a request and an answer in JSON.
func answer[In, Out any](do func(ctx context.Context, in In) (Out, error)) http.HandlerFunc {
	return answerUpTo(maxRequest, do)
}

// answerUpTo is answer for requests of so many bytes.
func answerUpTo[In, Out any](most int64, do func(ctx context.Context, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if r.Method != http.MethodGet {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(&in); err != nil {
				fail(w, fault.Wrap(fault.Invalid, "The request can't be read. Use the command line of the same version as the server.", err))
				return
			}
		}
		out, err := do(r.Context(), in)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the caller has gone away
	}
}

// wireFault is a fault on the socket. The cause goes along: who holds the socket owns the house and may read its log as well.
type wireFault struct {
	Kind   fault.Kind          `json:"kind"`
	Say    string              `json:"say,omitempty"`
	Code   string              `json:"code,omitempty"`
	Fields map[string][]string `json:"fields,omitempty"`
	Cause  string              `json:"cause,omitempty"`
}

func fail(w http.ResponseWriter, err error) {
	f := fault.As(err)
	out := wireFault{Kind: f.Kind, Say: f.Say, Code: f.Code, Fields: f.Fields}
	if f.Cause != nil {
		out.Cause = f.Cause.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(out)
}

// stream sends one event a line until the caller goes away or the server ends.
func stream(alive context.Context, w http.ResponseWriter, r *http.Request, b Backend) {
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	defer context.AfterFunc(alive, stop)()
	events, err := b.Desktop(ctx)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, to := json.NewEncoder(w), http.NewResponseController(w)
	if err := to.Flush(); err != nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			if err := errors.Join(out.Encode(e), to.Flush()); err != nil {
				return
			}
		}
	}
}
