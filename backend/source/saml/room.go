package saml

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"gatehouse/backend/arrival"
	"gatehouse/backend/cert"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	message "gatehouse/backend/saml"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// Mux is where addresses are hung.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Room signs people in at SAML sources.
type Room struct {
	Store    *store.Store
	Arrivals *arrival.Room
	Certs    *cert.Room
	Events   *event.Log
	Client   *http.Client // reads metadata
	Log      *slog.Logger

	Journal source.Journal
}

// Mount hangs the addresses.
func (r *Room) Mount(mux Mux) {
	const at = "/source/saml/{slug}/"
	mux.Handle("GET "+at+"{$}", http.HandlerFunc(r.begin))
	mux.Handle("POST "+at+"acs/{$}", http.HandlerFunc(r.consume))
	mux.Handle("GET "+at+"slo/{$}", http.HandlerFunc(r.logout))
	mux.Handle("POST "+at+"slo/{$}", http.HandlerFunc(r.logout))
	mux.Handle("GET "+at+"metadata/{$}", http.HandlerFunc(r.metadata))
}

// skew is how far the clocks of the two sides may be apart.
const skew = 3 * time.Minute

// maxForm is the largest form with a message: base64 makes it a third longer, line breaks a little more.
const maxForm = 2*message.MaxXML + 64<<10

// The addresses of a source.
func at(ctx context.Context, s *Source) string {
	return source.Address(ctx) + "/source/saml/" + s.Slug + "/"
}
func acsURL(ctx context.Context, s *Source) string      { return at(ctx, s) + "acs/" }
func sloURL(ctx context.Context, s *Source) string      { return at(ctx, s) + "slo/" }
func metadataURL(ctx context.Context, s *Source) string { return at(ctx, s) + "metadata/" }

// entityID is the name under which Gatehouse asks.
func entityID(ctx context.Context, s *Source) string {
	if s.Issuer != "" {
		return s.Issuer
	}
	return metadataURL(ctx, s)
}

// find gives an enabled source; nil when there is none.
func (r *Room) find(ctx context.Context, slug string) (*Source, error) {
	s, err := store.Find[Source](ctx, r.Store, "slug", slug)
	if fault.Is(err, fault.NotFound) || err == nil && !s.Enabled {
		return nil, nil
	}
	return s, err
}

// open begins an answer: it gives the enabled source that is asked, or answers itself.
func (r *Room) open(w http.ResponseWriter, req *http.Request) *Source {
	w.Header().Set("Cache-Control", "no-store")
	s, err := r.find(req.Context(), req.PathValue("slug"))
	if err != nil {
		r.broken(w, req, err)
		return nil
	}
	if s == nil {
		r.Arrivals.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
	}
	return s
}

// key gives what requests are signed with, nil when they are not.
func (r *Room) key(ctx context.Context, s *Source) (*message.Key, error) {
	if s.SigningKey == nil {
		return nil, nil
	}
	pair, err := r.Certs.Signing(ctx, *s.SigningKey)
	if err != nil {
		return nil, err
	}
	k := &message.Key{Certificate: pair.Certificate, Signer: pair.Signer, Digest: s.Digest, Method: s.Signature}
	return k, k.Check()
}

// decrypter gives the key that encrypted assertions are opened with, nil for none.
func (r *Room) decrypter(ctx context.Context, s *Source) (crypto.Signer, error) {
	if s.SigningKey == nil {
		return nil, nil
	}
	pair, err := r.Certs.Signing(ctx, *s.SigningKey)
	if err != nil {
		return nil, err
	}
	return pair.Signer, nil
}

// trust gives whose signatures are believed.
func (r *Room) trust(ctx context.Context, s *Source) (message.Trust, error) {
	t := message.Trust{SHA1: s.AllowSHA1}
	for _, pk := range s.verifiers() {
		pair, err := r.Certs.Signing(ctx, pk)
		if err != nil {
			return t, err
		}
		t.Certificates = append(t.Certificates, pair.Certificate)
	}
	return t, nil
}

// verifiers are the keys of the certificates that the other side may sign with.
func (s *Source) verifiers() []string {
	var out []string
	if s.Verification != nil {
		out = append(out, *s.Verification)
	}
	return append(out, s.Further...)
}

// refusal is why a message is not accepted, for people and for the log: what came, and what would have fitted.
type refusal struct{ say, came, expected string }

// Error implements error.
func (e *refusal) Error() string { return e.say }

// because gives the sentence of an error and what did not fit; ok is false for an error that is nobody's message's fault.
func because(err error) (no *refusal, ok bool) {
	if errors.As(err, &no) {
		return no, true
	}
	if f := fault.As(err); f.Kind == fault.Invalid {
		return &refusal{say: f.Say}, true
	}
	return nil, false
}

// note remembers a message.
func (r *Room) note(req *http.Request, s *Source, m source.Message) {
	m.At, m.ClientIP = r.Store.Now(), store.ActorOf(req.Context()).HTTP.ClientIP
	r.Journal.Note(s.PK, m)
}

// refuse shows why a message was not accepted, and tells admins.
func (r *Room) refuse(w http.ResponseWriter, req *http.Request, s *Source, what string, err error) {
	ctx := req.Context()
	no, ok := because(err)
	if !ok {
		r.broken(w, req, err)
		return
	}
	r.Log.WarnContext(ctx, "a message of a SAML source was refused", "source", s.Slug, "message", what, "error", no.say, "came", no.came, "expected", no.expected, "logger", "gatehouse.source.saml")
	r.note(req, s, source.Message{What: what, Says: no.say, Came: no.came, Expected: no.expected})
	told := map[string]any{"message": no.say, "saml_message": what, "source": r.reference(s)}
	if no.came != "" || no.expected != "" {
		told["came"], told["expected"] = clip(no.came), clip(no.expected)
	}
	if err := r.Events.Emit(ctx, event.ConfigurationError, told); err != nil {
		r.Log.ErrorContext(ctx, "the event of a refused message can't be written", "error", err, "logger", "gatehouse.source.saml")
	}
	r.Arrivals.Browser.Problem(w, req, http.StatusBadRequest, "flow.source.failed", no.say)
}

// broken answers for what is our fault.
func (r *Room) broken(w http.ResponseWriter, req *http.Request, err error) {
	r.Log.ErrorContext(req.Context(), "a SAML source does not work", "error", err, "logger", "gatehouse.source.saml")
	r.Arrivals.Browser.Problem(w, req, http.StatusInternalServerError, "flow.error.title", "")
}

func (r *Room) reference(s *Source) map[string]any {
	return event.Model(r.Store.KindFor(s), s.PK, s.Name)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

// rsaKey tells whether a certificate can be encrypted for.
func rsaKey(c *x509.Certificate) bool { return c.PublicKeyAlgorithm == x509.RSA }
