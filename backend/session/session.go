// Package session knows who is at a browser: sessions by their secret, what each remembers, and whose they are.
//
//	cookie ──SHA-256──▶ UUID ─▶ Session{user, data} ─▶ store.Actor
//
// Nobody signed in has a session too, once a flow begins; signing in makes a new one with a new secret (ASVS 5.0, 7.2.4).
package session

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/geo"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	// browserLife is how long a session lasts whose cookie ends with the browser.
	browserLife = 14 * 24 * time.Hour
	// anonymousLife is how long a session lasts in which nobody signed in.
	anonymousLife = 2 * time.Hour
	// touchEvery is how often last_used is written.
	touchEvery = time.Minute
	// anonymousPerAddress bounds the sessions without a user that one address may hold.
	anonymousPerAddress = 200
	// mostHeld is how many addresses are counted at once.
	mostHeld = 10_000
	// table is where sessions are. Whoever changes one says so (store.Tx.Touched).
	table = "sessions"
	// Plans is where the plans of flows stand; their rows go with sessions.
	Plans = "plans"
)

// Data is what a session remembers. It is stored as JSON.
type Data struct {
	LoginEvent  string            `json:"login_event,omitempty"` // key of the event that told of the sign-in
	AuthTime    time.Time         `json:"auth_time,omitzero"`
	Method      string            `json:"method,omitempty"` // auth_method of the sign-in: password, token, auth_webauthn_pwl, …
	MFA         bool              `json:"mfa,omitempty"`
	Keep        bool              `json:"keep,omitempty"`  // the cookie outlives the browser
	Owner       bool              `json:"owner,omitempty"` // the desktop's local owner
	Application string            `json:"application,omitempty"`
	Relogin     map[string]string `json:"relogin,omitempty"` // prompt=login: the login event that was asked to be renewed, by client
	Tries       int               `json:"tries,omitempty"`   // wrong passwords in a row in this session
	Secret      map[string]string `json:"secret,omitempty"`  // what a stage keeps from one request to the next

	Away     map[string]Away `json:"away,omitempty"`     // sign-ins at sources that are under way, by state
	Override *Override       `json:"override,omitempty"` // the source stage that waits for somebody to come back

	NetworkBinding string `json:"binding_net,omitempty"` // what of the network has to stay the same, "" for nothing
	GeoIPBinding   string `json:"binding_geo,omitempty"` // what of the place has to stay the same
}

// Away is a sign-in at a source that is under way.
type Away struct {
	Source   string    `json:"source"` // key
	Nonce    string    `json:"nonce,omitempty"`
	Verifier string    `json:"verifier,omitempty"` // of PKCE
	Next     string    `json:"next,omitempty"`
	Began    time.Time `json:"began"`
}

// Override is a flow that waits at its source stage for somebody to come back from the source.
type Override struct {
	Source string    `json:"source"` // keys
	Stage  string    `json:"stage"`
	Flow   string    `json:"flow"`
	Query  string    `json:"query,omitempty"`
	Until  time.Time `json:"until"`
}

// Session is one browser.
type Session struct {
	UUID      string
	User      int64 // 0: nobody signed in
	Original  int64 // while impersonating: who really is there
	Created   time.Time
	LastUsed  time.Time
	Expires   time.Time
	LastIP    string
	UserAgent string
	Data      Data
}

// Room keeps sessions.
type Room struct {
	Store *store.Store
	Users *user.Directory
	Geo   *geo.Room // where addresses are; nil knows nothing
	// Told writes the event of a session that ended because it was used from elsewhere; nil tells nobody.
	Told func(tx *store.Tx, b Broken) error
	// Moved is told of a session that goes on as another one, because its person signed in again; nil tells nobody.
	Moved func(tx *store.Tx, from, to string) error

	mu     sync.Mutex
	gen    uint64
	supers map[int64]bool // who is a superuser, as long as nothing changed
	held   map[string]int // how many sessions without a user an address holds at most

	rows store.Rows[string, *row] // by UUID

	late   map[string]*late // sessions that live in memory, by UUID
	soon   *time.Timer      // when they are stored
	stuck  bool             // they could not be stored
	closed bool             // none lives there any more
}

// row is a session as it is stored.
type row struct {
	s    Session
	data string
}

// facts are what an actor needs of a user.
type facts struct {
	user  *user.User
	super bool
}

type ctxKey struct{}

// With puts the session into ctx.
func With(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, ctxKey{}, s)
}

// Of gives the session of ctx; nil when there is none.
func Of(ctx context.Context) *Session {
	s, _ := ctx.Value(ctxKey{}).(*Session)
	return s
}

// named gives the UUID of the session that a cookie opens. Who knows it knows 122 bits of a SHA-256, and nothing of the 256 random bits of
// the cookie.
func named(key string) string { return crypt.NamedUUID("session " + key) }

// Find gives the session of a cookie; nil when there is none that is good now.
func (r *Room) Find(ctx context.Context, key string) (*Session, error) {
	if len(key) < 20 || len(key) > 100 {
		return nil, nil
	}
	s, err := r.read(ctx, named(key))
	if s == nil && err == nil {
		sum := sha256.Sum256([]byte(key)) // how cookies were looked up until 2026-11-30
		s, err = scanned(r.Store.DB().QueryRow(ctx, `SELECT `+columns+` FROM sessions WHERE key_hash = ?`, hex.EncodeToString(sum[:])))
	}
	if err != nil || s == nil || !r.Store.Now().Before(s.Expires) {
		return nil, err
	}
	return s, nil
}

// read gives a session as it is now; nil when it has ended.
func (r *Room) read(ctx context.Context, uuid string) (*Session, error) {
	if s, ok, err := r.recent(uuid); ok || err != nil {
		return s, err
	}
	kept, err := r.rows.Get(r.Store, table, uuid, func() (*row, error) {
		return scan(r.Store.DB().QueryRow(ctx, `SELECT `+columns+` FROM sessions WHERE uuid = ?`, uuid))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return kept.session()
}

// Again reads a session anew: what it remembers may have changed since it was found. nil when it has ended meanwhile.
func (r *Room) Again(ctx context.Context, s *Session) (*Session, error) {
	return r.read(ctx, s.UUID)
}

const insert = `INSERT INTO sessions (uuid, "user", original, created, last_used, expires, last_ip, last_user_agent, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// values gives what insert asks for.
func (r *row) values() []any {
	return []any{r.s.UUID, null(r.s.User), null(r.s.Original), r.s.Created.UnixMicro(), r.s.LastUsed.UnixMicro(), r.s.Expires.UnixMicro(), r.s.LastIP, r.s.UserAgent, r.data}
}

const columns = `uuid, coalesce("user", 0), coalesce(original, 0), created, last_used, expires, last_ip, last_user_agent, data`

func scan(from *sql.Row) (*row, error) {
	var r row
	var created, used, expires int64
	if err := from.Scan(&r.s.UUID, &r.s.User, &r.s.Original, &created, &used, &expires, &r.s.LastIP, &r.s.UserAgent, &r.data); err != nil {
		return nil, err
	}
	r.s.Created, r.s.LastUsed, r.s.Expires = time.UnixMicro(created).UTC(), time.UnixMicro(used).UTC(), time.UnixMicro(expires).UTC()
	return &r, nil
}

// session gives the session of a row; it is the caller's own.
func (r *row) session() (*Session, error) {
	s := r.s
	if r.data == none {
		return &s, nil
	}
	return &s, json.Unmarshal([]byte(r.data), &s.Data)
}

// none is the JSON of a session that remembers nothing, as most do in which nobody signed in.
const none = "{}"

// Text gives what a session remembers as it is stored.
func (d *Data) Text() (string, error) {
	if reflect.ValueOf(d).Elem().IsZero() {
		return none, nil
	}
	b, err := json.Marshal(d)
	return string(b), err
}

// scanned gives the session of a query; nil when there is none.
func scanned(from *sql.Row) (*Session, error) {
	r, err := scan(from)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.session()
}

// Actor gives who acts in a session. A session of somebody who is inactive counts as nobody's.
func (r *Room) Actor(ctx context.Context, s *Session, h store.HTTP, brand store.BrandRef) (store.Actor, error) {
	a := store.Actor{HTTP: h, Brand: brand}
	if s == nil {
		return a, nil
	}
	a.Session = s.UUID
	if s.User == 0 {
		return a, nil
	}
	f, err := r.about(ctx, s.User)
	if err != nil || f == nil || (!f.user.IsActive && s.Original == 0) {
		return a, err
	}
	a = r.fill(a, f)
	if s.Original != 0 {
		o, err := r.about(ctx, s.Original)
		if err != nil || o == nil || !o.user.IsActive {
			return store.Actor{HTTP: h, Brand: brand, Session: s.UUID}, err
		}
		original := r.fill(store.Actor{}, o)
		a.Original = &original
	}
	return a, nil
}

// ActorFor gives an actor for a user who came with a token.
func (r *Room) ActorFor(ctx context.Context, pk int64, token string, h store.HTTP, brand store.BrandRef) (store.Actor, error) {
	a := store.Actor{HTTP: h, Brand: brand}
	f, err := r.about(ctx, pk)
	if err != nil || f == nil || !f.user.IsActive {
		return a, err
	}
	a.Token = token
	return r.fill(a, f), nil
}

func (r *Room) fill(a store.Actor, f *facts) store.Actor {
	u := f.user
	a.UserPK, a.Username, a.Email, a.Name, a.Superuser = u.PK, u.Username, u.Email, u.Name, f.super
	if l := u.Locale(); l != "" {
		a.HTTP.Locale = l
	}
	return a
}

// about reads a user and whether they are a superuser; nil when they are gone.
func (r *Room) about(ctx context.Context, pk int64) (*facts, error) {
	u, err := r.Users.ByPK(ctx, pk)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gen := r.Store.Changes()
	r.mu.Lock()
	if r.gen != gen || r.supers == nil || len(r.supers) > 10_000 {
		r.gen, r.supers = gen, map[int64]bool{}
	}
	super, ok := r.supers[pk]
	r.mu.Unlock()
	if ok {
		return &facts{u, super}, nil
	}
	super, err = r.Users.Superuser(ctx, pk)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gen == gen {
		r.supers[pk] = super
	}
	return &facts{u, super}, nil
}

// User gives the user of a session, nil when nobody signed in.
func (r *Room) User(ctx context.Context, s *Session) (*user.User, error) {
	if s == nil || s.User == 0 {
		return nil, nil
	}
	u, err := r.Users.ByPK(ctx, s.User)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return u, err
}

// Start makes a session in which nobody signed in yet. The key goes into the cookie.
func (r *Room) Start(tx *store.Tx, h store.HTTP) (s *Session, key string, err error) {
	if err := r.room(tx, h.ClientIP); err != nil {
		return nil, "", err
	}
	return r.make(tx, &Session{Expires: tx.Now.Add(anonymousLife)}, h)
}

// room has an address hold one session fewer than it may, so that another one finds room: a flood from there pushes out its own oldest ones.
// That is looked at only where so many may be there already.
func (r *Room) room(tx *store.Tx, ip string) error {
	if r.holds(ip, 1) < anonymousPerAddress {
		return nil
	}
	if err := r.land(tx, r.from(ip)); err != nil {
		return err
	}
	res, err := tx.Exec(`DELETE FROM sessions WHERE uuid IN (SELECT uuid FROM sessions WHERE "user" IS NULL AND last_ip = ? ORDER BY created DESC LIMIT -1 OFFSET ?)`, ip, anonymousPerAddress-1)
	if err != nil {
		return err
	}
	pushed, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if pushed > 0 {
		tx.Touched(table)
		tx.Touched(Plans)
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM sessions WHERE "user" IS NULL AND last_ip = ?`, ip).Scan(&n); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil || len(r.held) >= mostHeld {
		r.held = map[string]int{}
	}
	r.held[ip] = n + 1
	return nil
}

// holds adds to how many sessions without a user an address holds at most, and gives the sum: what ends is not taken away. Of an address
// that nobody counted it says that it may be full.
func (r *Room) holds(ip string, more int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.held[ip]
	if !ok {
		return anonymousPerAddress
	}
	r.held[ip] = n + more
	return n + more
}

func (r *Room) make(tx *store.Tx, s *Session, h store.HTTP) (*Session, string, error) {
	key := crypt.Token()
	begun := fresh(key, tx.Now, h)
	begun.User, begun.Original, begun.Data, begun.Expires = s.User, s.Original, s.Data, time.UnixMicro(s.Expires.UnixMicro()).UTC()
	s = &begun
	data, err := s.Data.Text()
	if err != nil {
		return nil, "", err
	}
	stored := &row{s: begun, data: data}
	stored.s.Data = Data{}
	_, err = tx.Exec(insert, stored.values()...)
	r.rows.Wrote(tx, table, s.UUID, stored)
	return s, key, err
}

// Login makes a session for a user and ends the one before, with its plan: a flow that goes on stores it in the new one. life 0 means a
// cookie that ends with the browser.
func (r *Room) Login(tx *store.Tx, old *Session, u int64, life time.Duration, d Data, h store.HTTP) (*Session, string, error) {
	s := &Session{User: u, Expires: tx.Now.Add(browserLife), Data: d}
	if life > 0 {
		s.Expires, s.Data.Keep = tx.Now.Add(life), true
	}
	s, key, err := r.make(tx, s, h)
	if err != nil || old == nil {
		return s, key, err
	}
	if old.User == u && r.Moved != nil {
		if err := r.Moved(tx, old.UUID, s.UUID); err != nil {
			return nil, "", err
		}
	}
	if left, err := r.leave(tx, old.UUID); left || err != nil {
		return s, key, err
	}
	return s, key, End(tx, old.UUID)
}

// Save stores what a session remembers.
func Save(tx *store.Tx, s *Session) error {
	data, err := s.Data.Text()
	if err != nil {
		return err
	}
	tx.Touched(table, s.UUID)
	_, err = tx.Exec(`UPDATE sessions SET data = ? WHERE uuid = ?`, data, s.UUID)
	return err
}

// Impersonate makes the session act as another user; 0 goes back to the one who really is there.
func Impersonate(tx *store.Tx, s *Session, as int64) error {
	to, original := any(as), any(s.User)
	if s.Original != 0 {
		original = s.Original
	}
	if as == 0 {
		to, original = s.Original, nil
	}
	tx.Touched(table, s.UUID)
	_, err := tx.Exec(`UPDATE sessions SET "user" = ?, original = ? WHERE uuid = ?`, to, original, s.UUID)
	return err
}

// Touch notes that a session was used, at most once a minute.
func (r *Room) Touch(ctx context.Context, s *Session, h store.HTTP) error {
	now := r.Store.Now()
	if now.Sub(s.LastUsed) < touchEvery && s.LastIP == h.ClientIP {
		return nil
	}
	if s.User == 0 && s.LastIP != h.ClientIP {
		r.holds(h.ClientIP, 1)
	}
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		tx.Touched(table, s.UUID)
		_, err := tx.Exec(`UPDATE sessions SET last_used = ?, last_ip = ?, last_user_agent = ? WHERE uuid = ?`, tx.Now.UnixMicro(), h.ClientIP, clip(h.UserAgent, 512), s.UUID)
		return err
	})
}

// End deletes a session with its plan.
func End(tx *store.Tx, uuid string) error {
	tx.Touched(table, uuid)
	tx.Touched(Plans, uuid)
	_, err := tx.Exec(`DELETE FROM sessions WHERE uuid = ?`, uuid)
	return err
}

// EndBy has a session end at a time, unless it ends before it by itself.
func EndBy(tx *store.Tx, uuid string, at time.Time) error {
	tx.Touched(table, uuid)
	_, err := tx.Exec(`UPDATE sessions SET expires = ? WHERE uuid = ? AND expires > ?`, at.UnixMicro(), uuid, at.UnixMicro())
	return err
}

// EndFor deletes every session of a user but one ("" = all), those that impersonate them too.
func EndFor(tx *store.Tx, u int64, but string) error {
	tx.Touched(table)
	tx.Touched(Plans)
	_, err := tx.Exec(`DELETE FROM sessions WHERE ("user" = ? OR original = ?) AND uuid <> ?`, u, u, but)
	return err
}

// cleaned is how many sessions CleanUp deletes at a time: others write in between.
const cleaned = 500

// CleanUp deletes sessions whose time is over. It looks through all of them, which keeps nobody from writing.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	over, err := r.over(ctx)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(over, cleaned) {
		err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
			tx.Touched(table, some...)
			tx.Touched(Plans, some...)
			res, err := tx.Exec(`DELETE FROM sessions WHERE uuid IN (`+db.Marks(len(some))+`) AND expires < ?`, append(slices.Clone(some), tx.Now.UnixMicro())...)
			if err != nil {
				return err
			}
			gone, err := res.RowsAffected()
			n += int(gone)
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// over gives the UUIDs of the sessions whose time is over.
func (r *Room) over(ctx context.Context) (uuids []any, err error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT uuid FROM sessions WHERE expires < ?`, r.Store.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var uuid string
		if err := rows.Scan(&uuid); err != nil {
			return nil, err
		}
		uuids = append(uuids, uuid)
	}
	return uuids, rows.Err()
}

// CSRF is the token that a page of this session sends back with every change; it is no secret of its own.
func (r *Room) CSRF(s *Session) string {
	return base64.RawURLEncoding.EncodeToString(r.Store.Key().Sign("csrf", []byte(s.UUID)))
}

// CSRFOK says whether a token is that of the session, in constant time.
func (r *Room) CSRFOK(s *Session, token string) bool {
	sig, err := base64.RawURLEncoding.DecodeString(token)
	return err == nil && r.Store.Key().Verify("csrf", []byte(s.UUID), sig)
}

func null(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
