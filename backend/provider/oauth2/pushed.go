package oauth2

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Pushed authorization requests (RFC 9126): the client sends the request itself, and the browser brings a name for it.
//
//	client ─▶ par{the request} ─▶ oauth_pushed ─▶ request_uri ─▶ browser ─▶ authorize ─▶ … ─▶ code, and the row is gone

const (
	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
	// pushedLife is how long a browser may take to come with the request_uri; pushedOpen how long a person may take from then on.
	pushedLife = time.Minute
	pushedOpen = 30 * time.Minute
	maxPushed  = 32 << 10 // bytes of a request
)

// How many requests one address may push for clients that have no secret.
const (
	pushesEach, pushesMost = 10 * time.Minute, 200
)

// authenticated gives the client of a request that has to show who it is.
func (r *Room) authenticated(req *http.Request) (*Provider, error) {
	p, secret, err := r.caller(req)
	if err != nil {
		return nil, err
	}
	if p.ClientType == "confidential" && !same(secret, p.ClientSecret) {
		no := &refused{code: "invalid_client", text: "The client_secret is wrong.", cause: "client_secret"}
		no.came, no.expected = lengths(secret, p.ClientSecret)
		r.explainRefusal(req.Context(), p, "par", no)
		if req.Header.Get("Authorization") != "" {
			no.status = http.StatusUnauthorized
		}
		return nil, no
	}
	return p, nil
}

// push answers /application/o/par/.
func (r *Room) push(w http.ResponseWriter, req *http.Request) {
	uri, err := r.pushRequest(req)
	if err != nil {
		r.refuse(w, req, err)
		return
	}
	writeJSON(w, http.StatusCreated, struct {
		URI       string `json:"request_uri"`
		ExpiresIn int    `json:"expires_in"`
	}{uri, int(pushedLife.Seconds())})
}

func (r *Room) pushRequest(req *http.Request) (string, error) {
	ctx := req.Context()
	p, err := r.authenticated(req)
	if err != nil {
		return "", err
	}
	now, ip := r.Store.Now(), store.ActorOf(ctx).HTTP.ClientIP
	if p.ClientType == "public" && r.pushes.full(ip, now, pushesEach, pushesMost) {
		return "", &refused{code: "temporarily_unavailable", text: "Too many requests came from this address.", status: http.StatusTooManyRequests}
	}
	q := url.Values{}
	for name, v := range req.PostForm {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type":
		default:
			q[name] = v
		}
	}
	q.Set("client_id", p.ClientID)
	if q.Has("request_uri") { // RFC 9126 section 2.1
		return "", &refused{code: "invalid_request", text: "A pushed request can't hold a request_uri."}
	}
	key, err := r.binding(ctx, p, q.Get("dpop_jkt"), false)
	if err != nil {
		return "", err
	}
	if key != "" {
		q.Set("dpop_jkt", key) // RFC 9449 section 10.1
	}
	var bad *badRequest
	var told *problem
	switch _, err := r.parse(ctx, q, entry{pushed: true}); {
	case errors.As(err, &bad):
		return "", &refused{code: "invalid_request", text: first(bad.detail, "The request is not in order.")}
	case errors.As(err, &told):
		r.explain(ctx, refusal{provider: p.PK, place: "par", cause: first(told.cause, told.code), came: told.came, expected: told.expected, says: told.text})
		return "", &refused{code: told.code, text: told.text}
	case err != nil:
		return "", err
	}
	text := q.Encode()
	if len(text) > maxPushed {
		return "", &refused{code: "invalid_request", text: "The request is too long.", status: http.StatusRequestEntityTooLarge}
	}
	if p.ClientType == "public" {
		r.pushes.note(ip, now)
	}
	uri := pushedPrefix + crypt.ID(43)
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := r.spendProof(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO oauth_pushed (hash, provider, request, expires, seen) VALUES (?, ?, ?, ?, 0)`, r.index("pushed", uri), p.PK, text, tx.Now.Add(pushedLife).UnixMicro())
		return err
	})
	return uri, err
}

// pushed gives the request behind a request_uri. A *badRequest for one that is unknown, another client's, too old or used.
func (r *Room) pushed(ctx context.Context, clientID, uri string) (url.Values, int64, error) {
	gone := &badRequest{"flow.client.title", "The sign-in took too long or was used already. Go back to the application and begin again. (request_uri)"}
	var pk, provider, expires int64
	var text string
	var seen bool
	err := r.Store.DB().QueryRow(ctx, `SELECT pk, provider, request, expires, seen FROM oauth_pushed WHERE hash = ?`, r.index("pushed", uri)).Scan(&pk, &provider, &text, &expires, &seen)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !r.Store.Now().Before(time.UnixMicro(expires)) {
		return nil, 0, gone
	}
	if err != nil {
		return nil, 0, err
	}
	p, err := r.client(ctx, clientID)
	if fault.Is(err, fault.NotFound) || err == nil && p.PK != provider {
		return nil, 0, gone
	}
	if err != nil {
		return nil, 0, err
	}
	q, err := url.ParseQuery(text)
	if err != nil || seen {
		return q, pk, err
	}
	return q, pk, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE oauth_pushed SET seen = 1, expires = ? WHERE pk = ? AND seen = 0`, tx.Now.Add(pushedOpen).UnixMicro(), pk)
		return err
	})
}

// errAnswered says that a pushed request was answered before.
var errAnswered = fault.New(fault.Invalid, "This sign-in was used already. Go back to the application and begin again.")

// answerPushed takes a pushed request away, which is answered once.
func answerPushed(tx *store.Tx, pk int64) error {
	res, err := tx.Exec(`DELETE FROM oauth_pushed WHERE pk = ?`, pk)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errAnswered)
	}
	return nil
}

// refuse writes an error of the endpoints that clients ask themselves.
func (r *Room) refuse(w http.ResponseWriter, req *http.Request, err error) {
	var no *refused
	if errors.As(err, &no) {
		status := no.status
		if status == 0 {
			status = http.StatusBadRequest
		}
		writeJSON(w, status, map[string]string{"error": no.code, "error_description": no.text})
		return
	}
	f := fault.As(err)
	r.Log.ErrorContext(req.Context(), "token endpoint failed", "error", err, "logger", "gatehouse.oauth2")
	status, say := http.StatusInternalServerError, "Something went wrong. The server's log has the details."
	switch f.Kind {
	case fault.Unavailable:
		status, say = http.StatusServiceUnavailable, f.Say
	case fault.Invalid:
		say = f.Say
	}
	writeJSON(w, status, map[string]string{"error": "server_error", "error_description": say})
}

// told makes a refusal one that the library can tell; what is none stays as it is.
func (s *server) told(ctx context.Context, p *Provider, place string, err error) error {
	var no *refused
	if !errors.As(err, &no) {
		return s.broken(ctx, err)
	}
	if p != nil {
		s.r.explainRefusal(ctx, p, place, no)
	}
	b, err := json.Marshal(map[string]string{"error": no.code, "error_description": no.text})
	e := oidc.ErrInvalidRequest()
	if err == nil {
		err = json.Unmarshal(b, e) // the type of its code can't be named
	}
	if err != nil {
		return s.broken(ctx, err)
	}
	if no.status != 0 {
		return op.NewStatusError(e, no.status)
	}
	return e
}

func isPushed(uri string) bool { return strings.HasPrefix(uri, pushedPrefix) }
