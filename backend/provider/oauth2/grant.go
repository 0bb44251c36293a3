package oauth2

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// keepUsed is how long a code is remembered after its end, so that a second use is noticed (OIDF AuthCodeReuseAfter30Seconds and longer).
const keepUsed = time.Hour

// grant is what a person gave to a client: the facts behind codes and tokens.
type grant struct {
	Provider    int64
	User        int64
	Scope       []string
	Nonce       string
	RedirectURI string
	Challenge   string
	Method      string // S256 or plain, "" without a challenge
	Auth        auth
	Session     string // hash of the browser's session
	Family      string // what came from one code; "" for a token that nothing else comes from
	Terms       terms
	preview     bool // nothing is granted: somebody looks at what would be
}

// code is a stored authorization code.
type code struct {
	grant
	pk      int64
	expires time.Time
	used    bool
}

// token is a stored access or refresh token.
type token struct {
	grant
	pk      int64
	kind    string
	created time.Time
	expires time.Time
	revoked bool
	idToken string
	claims  func() (map[string]json.RawMessage, error) // of idToken
}

const (
	accessKind  = "access"
	refreshKind = "refresh"
)

func (r *Room) index(what, value string) string { return r.Store.Key().Index("oauth "+what, value) }

// newCode stores a code for a grant; the caller made the code's text before the transaction.
func (r *Room) newCode(tx *store.Tx, text string, g *grant, life time.Duration) error {
	a, err := json.Marshal(g.Auth)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO oauth_codes (hash, provider, "user", scope, expires, redirect_uri, nonce, challenge, challenge_kind, auth, session, family, used, terms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
		r.index("code", text), g.Provider, g.User, strings.Join(g.Scope, " "), tx.Now.Add(life).UnixMicro(), g.RedirectURI, g.Nonce, g.Challenge, g.Method, string(a), g.Session, g.Family, g.Terms.text())
	return err
}

// findCode gives a stored code, nil when there is none.
func (r *Room) findCode(ctx context.Context, text string) (*code, error) {
	var c code
	var scope, a, under string
	var expires int64
	err := r.Store.DB().QueryRow(ctx, `SELECT pk, provider, "user", scope, expires, redirect_uri, nonce, challenge, challenge_kind, auth, session, family, used, terms FROM oauth_codes WHERE hash = ?`, r.index("code", text)).
		Scan(&c.pk, &c.Provider, &c.User, &scope, &expires, &c.RedirectURI, &c.Nonce, &c.Challenge, &c.Method, &a, &c.Session, &c.Family, &c.used, &under)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.Scope, c.expires = strings.Fields(scope), time.UnixMicro(expires)
	if c.Terms, err = termsOf(under); err != nil {
		return nil, err
	}
	return &c, json.Unmarshal([]byte(a), &c.Auth)
}

// proofOK checks a code_verifier (RFC 7636). A verifier without a challenge is refused as well (CVE-2024-23647).
func proofOK(g *grant, verifier string) bool {
	if g.Challenge == "" {
		return verifier == ""
	}
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	got := verifier
	if g.Method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		got = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(g.Challenge)) == 1
}

// spend marks a code as used and stores the tokens that it was exchanged for. errUsed when somebody was faster.
func (r *Room) spend(tx *store.Tx, c *code, m *minted) error {
	res, err := tx.Exec(`UPDATE oauth_codes SET used = 1, expires = ? WHERE pk = ? AND used = 0`, tx.Now.Add(keepUsed).UnixMicro(), c.pk)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errUsed)
	}
	if err := r.joinLate(tx, &c.grant, m); err != nil {
		return err
	}
	return r.keep(tx, &c.grant, m)
}

// errUsed says that a code or refresh token was used before.
var errUsed = errors.New("oauth2: used before")

// keep stores the tokens of a grant.
func (r *Room) keep(tx *store.Tx, g *grant, m *minted) error {
	if err := r.insert(tx, accessKind, m.access, m.expires, g, m.terms, m.idClaims); err != nil {
		return err
	}
	if m.refresh == "" {
		return nil
	}
	return r.insert(tx, refreshKind, m.refresh, m.refreshExpires, g, m.refreshTerms, m.idClaims)
}

func (r *Room) insert(tx *store.Tx, kind, text string, expires time.Time, g *grant, under terms, idClaims []byte) error {
	a, err := json.Marshal(g.Auth)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO oauth_tokens (kind, hash, provider, "user", scope, created, expires, revoked, nonce, auth, session, family, id_token, terms) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`,
		kind, r.index(kind, text), g.Provider, g.User, strings.Join(g.Scope, " "), tx.Now.UnixMicro(), expires.UnixMicro(), g.Nonce, string(a), g.Session, g.Family, string(idClaims), under.text())
	return err
}

// mostFound bounds the tokens that are remembered.
const mostFound = 1000

// found are tokens as their rows are while nothing is committed: an API that asks for each call of its own asks for the same ones again
// and again.
type found struct {
	mu      sync.Mutex
	commits uint64
	m       map[string]*token
}

func (f *found) get(commits uint64, hash string) *token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commits != commits {
		return nil
	}
	return f.m[hash]
}

func (f *found) put(commits uint64, hash string, t *token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commits != commits || f.m == nil || len(f.m) >= mostFound {
		f.commits, f.m = commits, map[string]*token{}
	}
	f.m[hash] = t
}

// find gives a stored token, nil when there is none of that kind. What it gives is shared: nobody may change it.
func (r *Room) find(ctx context.Context, kind, text string) (*token, error) {
	if text == "" || len(text) > 16<<10 {
		return nil, nil
	}
	hash, commits := r.index(kind, text), r.Store.DB().Commits()
	if t := r.found.get(commits, hash); t != nil {
		return t, nil
	}
	t, err := r.read(ctx, hash)
	if t != nil {
		r.found.put(commits, hash, t)
	}
	return t, err
}

func (r *Room) read(ctx context.Context, hash string) (*token, error) {
	var t token
	var scope, a, under string
	var created, expires int64
	err := r.Store.DB().QueryRow(ctx, `SELECT pk, kind, provider, "user", scope, created, expires, revoked, nonce, auth, session, family, id_token, terms FROM oauth_tokens WHERE hash = ?`, hash).
		Scan(&t.pk, &t.kind, &t.Provider, &t.User, &scope, &created, &expires, &t.revoked, &t.Nonce, &a, &t.Session, &t.Family, &t.idToken, &under)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.Scope, t.created, t.expires = strings.Fields(scope), time.UnixMicro(created), time.UnixMicro(expires)
	if t.Terms, err = termsOf(under); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(a), &t.Auth); err != nil {
		return nil, err
	}
	t.claims = sync.OnceValues(func() (out map[string]json.RawMessage, err error) {
		return out, json.Unmarshal([]byte(t.idToken), &out)
	})
	return &t, nil
}

// rotate replaces a refresh token by a new one with new tokens. errUsed when somebody was faster.
func (r *Room) rotate(tx *store.Tx, old *token, m *minted) error {
	res, err := tx.Exec(`UPDATE oauth_tokens SET revoked = 1 WHERE pk = ? AND revoked = 0`, old.pk)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errUsed)
	}
	return r.keep(tx, &old.grant, m)
}

// revokeFamily revokes everything that came from one code, because a part of it was used by somebody who should not have it.
func (r *Room) revokeFamily(ctx context.Context, p *Provider, family, message string) error {
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if _, err := tx.Exec(`UPDATE oauth_tokens SET revoked = 1 WHERE family = ? AND family <> ''`, family); err != nil {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: event.SuspiciousRequest, App: "authentik.providers.oauth2", Context: map[string]any{"message": message, "provider": reference(p)}})
	})
}

// owner gives the person behind a grant when they may still use the client: active, and let in by the application's policies. nil when not.
func (r *Room) owner(ctx context.Context, p *Provider, g *grant) (*user.User, error) {
	u, err := r.Users.ByPK(ctx, g.User)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil || !u.IsActive {
		return nil, err
	}
	app, err := r.app(ctx, p)
	if err != nil || app == nil {
		return nil, err
	}
	ok, _, err := r.Apps.Allowed(ctx, app, u, map[string]any{"oauth_scopes": g.Scope})
	if err != nil || !ok {
		return nil, err
	}
	return u, nil
}

// good says whether a token may be used now.
func (t *token) good(now time.Time) bool { return !t.revoked && now.Before(t.expires) }

func (g *grant) has(scope string) bool { return slices.Contains(g.Scope, scope) }

// CleanUp removes codes and tokens whose time is over. Revoked refresh tokens stay until then, so that a second use is noticed.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		n = 0
		for _, table := range []string{"oauth_codes", "oauth_tokens", "oauth_pushed", "oauth_proofs"} {
			res, err := tx.Exec(`DELETE FROM `+table+` WHERE expires < ?`, tx.Now.UnixMicro())
			if err != nil {
				return err
			}
			gone, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += int(gone)
		}
		if _, err := tx.Exec(`DELETE FROM oauth_refusals WHERE last < ?`, tx.Now.Add(-keepRefusals).UnixMicro()); err != nil {
			return err
		}
		res, err := tx.Exec(`DELETE FROM oauth_devices WHERE expires < ?`, tx.Now.Add(-keepDevice).UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n += int(gone)
		return err
	})
	return n, err
}

// EndFor revokes everything that a person gave to clients.
func EndFor(tx *store.Tx, u int64) error {
	if _, err := tx.Exec(`DELETE FROM oauth_codes WHERE "user" = ?`, u); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM oauth_devices WHERE "user" = ?`, u); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE oauth_tokens SET revoked = 1 WHERE "user" = ?`, u)
	return err
}

// Bearer finds the user of an access token that may use this server's own API: one with the scope goauthentik.io/api. 0 when it is none.
func (r *Room) Bearer(ctx context.Context, text string) (int64, error) {
	t, err := r.find(ctx, accessKind, text)
	if err != nil || t == nil || !t.good(r.Store.Now()) || !t.has("goauthentik.io/api") || !t.bare() {
		return 0, err
	}
	return t.User, nil
}

// lifeOf is the life of a code.
func lifeOf(p *Provider) time.Duration { return span.Must(p.CodeValidity) }

// newFamily names what comes from one code.
func newFamily() string { return crypt.ID(24) }
