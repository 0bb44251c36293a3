package oauth2

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed" // the pages
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// pollEvery is how often a device may ask, in seconds, as it is told (RFC 8628 section 3.2); one that asks much oftener is told to slow down.
const (
	pollEvery = 5
	pollAtAll = time.Second
)

// keepDevice is how long a device that nobody let in is remembered after its time, so that it hears expired_token.
const keepDevice = 10 * time.Minute

// The states of a waiting device.
const (
	waiting = iota
	letIn
	refusedByPerson
)

// waitingDevice is a device that asked for a code.
type waitingDevice struct {
	grant
	pk       int64
	userCode string
	expires  time.Time
	state    int
	polled   time.Time
}

// How many devices one address may announce (protocols.md 1.3), and how many codes somebody may guess.
const (
	devicesEach, devicesMost = time.Hour, 20
	guessesEach, guessesMost = 10 * time.Minute, 10
)

// bound counts what callers did lately.
type bound struct {
	mu   sync.Mutex
	seen map[string][]time.Time
}

// full says whether a caller did it as often as it may in a time; note counts once more.
func (b *bound) full(who string, now time.Time, each time.Duration, most int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	recent := b.seen[who][:0:0]
	for _, at := range b.seen[who] {
		if now.Sub(at) < each {
			recent = append(recent, at)
		}
	}
	if b.seen == nil || len(b.seen) > 10_000 {
		b.seen = map[string][]time.Time{}
	}
	b.seen[who] = recent
	return len(recent) >= most
}

func (b *bound) note(who string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[string][]time.Time{}
	}
	b.seen[who] = append(b.seen[who], now)
}

// DeviceAuthorization answers /application/o/device/ (RFC 8628 section 3.1).
func (r *Room) DeviceAuthorization(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	now, ip := r.Store.Now(), store.ActorOf(ctx).HTTP.ClientIP
	if r.devices.full(ip, now, devicesEach, devicesMost) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxForm)
	if err := req.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.basic(req)
	p, secret, err := r.caller(req)
	var no *refused
	if errors.As(err, &no) || err == nil && secret != "" && p.ClientType == "confidential" && !same(secret, p.ClientSecret) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err != nil {
		r.missing(w, req, err)
		return
	}
	app, err := r.app(ctx, p)
	if err != nil {
		r.missing(w, req, err)
		return
	}
	if app == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	scope, err := r.allowedScopes(ctx, p, req.PostForm.Get("scope"))
	if err != nil {
		r.missing(w, req, err)
		return
	}
	var under terms
	if under.Resources, err = narrowed(p, nil, req.PostForm["resource"]); errors.As(err, &no) {
		r.refuse(w, req, no)
		return
	}
	r.devices.note(ip, now)
	code, life := crypt.ID(128), lifeOf(p)
	var typed string
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		for range 20 {
			n, err := rand.Int(rand.Reader, big.NewInt(900_000_000))
			if err != nil {
				return err
			}
			typed = strconv.FormatInt(100_000_000+n.Int64(), 10) // nine digits without a zero in front: clients send it as a number
			res, err := tx.Exec(`INSERT INTO oauth_devices (hash, user_code, provider, scope, expires, state, auth, session, polled, terms) VALUES (?, ?, ?, ?, ?, 0, '{}', '', 0, ?) ON CONFLICT (user_code) DO NOTHING`,
				r.index("device", code), typed, p.PK, strings.Join(scope, " "), tx.Now.Add(life).UnixMicro(), under.text())
			if err != nil {
				return err
			}
			if made, err := res.RowsAffected(); err != nil || made == 1 {
				return err
			}
		}
		return fault.New(fault.Unavailable, "Too many devices wait at once. Try again in a moment.")
	})
	if err != nil {
		r.missing(w, req, err)
		return
	}
	at := base(ctx) + "/device"
	writeJSON(w, http.StatusOK, struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		URI        string `json:"verification_uri"`
		Complete   string `json:"verification_uri_complete"`
		ExpiresIn  int64  `json:"expires_in"`
		Interval   int    `json:"interval"`
	}{code, typed, at, at + "?code=" + typed, int64(life.Seconds()), pollEvery})
}

const selectDevice = `SELECT pk, user_code, provider, COALESCE("user", 0), scope, expires, state, auth, session, polled, terms FROM oauth_devices WHERE `

func (r *Room) device(ctx context.Context, where string, arg any) (*waitingDevice, error) {
	var d waitingDevice
	var scope, a, under string
	var expires, polled int64
	err := r.Store.DB().QueryRow(ctx, selectDevice+where, arg).Scan(&d.pk, &d.userCode, &d.Provider, &d.User, &scope, &expires, &d.state, &a, &d.Session, &polled, &under)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.Scope, d.expires, d.polled = strings.Fields(scope), time.UnixMicro(expires), time.UnixMicro(polled)
	if d.Terms, err = termsOf(under); err != nil {
		return nil, err
	}
	return &d, json.Unmarshal([]byte(a), &d.Auth)
}

// typedDevice finds a device that waits by the code that a person types; spaces and dashes do not count. nil when there is none.
func (r *Room) typedDevice(ctx context.Context, typed string) (*waitingDevice, error) {
	d, err := r.device(ctx, "user_code = ?", strings.NewReplacer(" ", "", "-", "").Replace(typed))
	if err != nil || d == nil || d.state != waiting || !r.Store.Now().Before(d.expires) {
		return nil, err
	}
	return d, nil
}

// deviceToken is the device's question whether somebody let it in (RFC 8628 section 3.4).
func (r *Room) deviceToken(req *http.Request) (*minted, error) {
	ctx := req.Context()
	p, secret, err := r.caller(req)
	if err != nil {
		return nil, err
	}
	if secret != "" && p.ClientType == "confidential" && !same(secret, p.ClientSecret) {
		return nil, &refused{code: "invalid_client", text: "The client_secret is wrong."}
	}
	code := req.PostForm.Get("device_code")
	d, err := r.device(ctx, "hash = ?", r.index("device", code))
	if err != nil {
		return nil, err
	}
	now := r.Store.Now()
	switch {
	case d == nil || d.Provider != p.PK:
		return nil, noGrant("The device_code is unknown.")
	case d.state == refusedByPerson:
		return nil, &refused{code: "access_denied", text: notAllowed}
	case d.state == waiting && !now.Before(d.expires):
		return nil, &refused{code: "expired_token", text: "Nobody let the device in, in time."}
	case d.state == waiting:
		soon := now.Sub(d.polled) < pollAtAll
		if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE oauth_devices SET polled = ? WHERE pk = ?`, tx.Now.UnixMicro(), d.pk)
			return err
		}); err != nil {
			return nil, err
		}
		if soon {
			return nil, &refused{code: "slow_down", text: fmt.Sprintf("Ask every %d seconds.", pollEvery)}
		}
		return nil, &refused{code: "authorization_pending", text: "Nobody let the device in yet."}
	}
	u, err := r.owner(ctx, p, &d.grant) // the rules of the application hold here as well (CVE-2024-38371)
	if err != nil {
		return nil, err
	}
	app, err := r.app(ctx, p)
	if err != nil {
		return nil, err
	}
	if u == nil || app == nil {
		return nil, noGrant("The person may not use this application any more.")
	}
	g := d.grant
	g.Family = newFamily()
	if g.Terms.Key, err = r.binding(ctx, p, g.Terms.Key, true); err != nil {
		return nil, err
	}
	only, err := narrowed(p, g.Terms.Resources, req.PostForm["resource"])
	if err != nil {
		return nil, err
	}
	m, err := r.mint(ctx, p, app.Slug, base(ctx), &g, u, wanted{access: true, id: true, refresh: g.has("offline_access"), only: only})
	if err != nil {
		return nil, err
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM oauth_devices WHERE pk = ?`, d.pk)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errUsed)
		}
		if err := r.spendProof(ctx, tx); err != nil {
			return err
		}
		return r.keep(tx, &g, m)
	})
	if errors.Is(err, errUsed) {
		return nil, noGrant("The device_code was used already.")
	}
	return m, err
}

// Device is the page where people let a device in: with a code in its address the application's own flow follows, else the flow of the
// brand, which asks for the code.
func (r *Room) Device(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	b, err := r.Brands.For(ctx, req.Host)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if b.FlowDeviceCode == nil {
		r.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
		return
	}
	s := session.Of(ctx)
	u, err := r.Sessions.User(ctx, s)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if u == nil || !store.ActorOf(ctx).SignedIn() {
		http.Redirect(w, req, "/flows/-/default/authentication/?next="+url.QueryEscape(req.URL.RequestURI()), http.StatusFound)
		return
	}
	var d *waitingDevice
	if code := req.URL.Query().Get("code"); code != "" && !r.guesses.full(strconv.FormatInt(u.PK, 10), r.Store.Now(), guessesEach, guessesMost) {
		if d, err = r.typedDevice(ctx, code); err != nil {
			r.broken(w, req, err)
			return
		}
		if d == nil {
			r.guesses.note(strconv.FormatInt(u.PK, 10), r.Store.Now())
		}
	}
	if d != nil {
		r.admit(w, req, s, u, d)
		return
	}
	f, err := r.Flows.ByKey(ctx, *b.FlowDeviceCode)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	p, err := r.Flows.Plan(ctx, f, flow.PlanOptions{SignedIn: u, AllowEmpty: true})
	if r.noPlan(w, req, err) {
		return
	}
	p.Append(stage.Step{Inline: enterCode})
	r.run(w, req, f, p, s)
}

// noPlan answers when a flow is not for the person.
func (r *Room) noPlan(w http.ResponseWriter, req *http.Request, err error) bool {
	var no *flow.NotApplicable
	switch {
	case errors.As(err, &no):
		r.Browser.Denied(w, req, "", []string{no.Error()})
	case err != nil:
		r.broken(w, req, err)
	default:
		return false
	}
	return true
}

func (r *Room) run(w http.ResponseWriter, req *http.Request, f *flow.Flow, p *stage.Plan, s *session.Session) {
	out, err := r.Flows.Run(req.Context(), f, p, flow.Input{Slug: f.Slug, Query: url.Values{}, Session: s, Base: base(req.Context()), Continue: true})
	if errors.Is(err, flow.ErrChanged) {
		http.Redirect(w, req, req.URL.RequestURI(), http.StatusFound)
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.Browser.Outcome(w, req, out, "")
}

// admit runs the application's flow for a device. The person is always asked: the code may have come in a link from somebody else (RFC 8628
// section 5.4).
func (r *Room) admit(w http.ResponseWriter, req *http.Request, s *session.Session, u *user.User, d *waitingDevice) {
	ctx := req.Context()
	p, err := r.byPK(ctx, d.Provider)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	app, err := r.app(ctx, p)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if app == nil {
		r.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
		return
	}
	allowed, messages, err := r.Apps.Allowed(ctx, app, u, map[string]any{"oauth_scopes": d.Scope, "oauth_grant_type": deviceGrant})
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if !allowed {
		r.Browser.Denied(w, req, app.Name, messages)
		return
	}
	f, err := r.Flows.ByKey(ctx, p.AuthorizationFlow)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	known, err := r.scopes(ctx, p)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	plan, err := r.Flows.Plan(ctx, f, flow.PlanOptions{SignedIn: u, AllowEmpty: true, Context: map[string]any{
		stage.SSO: true, stage.Application: stage.Ref("authentik_core.application", app.PK), stage.ConsentHeader: "You're about to sign into " + app.Name + ".",
		stage.ConsentAsked: known.permissions(d.Scope), stage.ConsentAgain: true, stage.DenyTo: "/device/refuse?code=" + url.QueryEscape(d.userCode),
	}})
	if r.noPlan(w, req, err) {
		return
	}
	if !r.Flows.Holds(ctx, plan, "ak-stage-consent") {
		plan.Append(stage.Step{Inline: flow.ConsentStep})
	}
	plan.Append(stage.Step{Inline: finishDevice, Params: map[string]any{"device": d.pk}})
	r.run(w, req, f, plan, s)
}

// refuseDevice is where "don't allow" leads: the device hears of it.
func (r *Room) refuseDevice(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	if store.ActorOf(ctx).SignedIn() {
		if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE oauth_devices SET state = ? WHERE user_code = ? AND state = ?`, refusedByPerson, req.URL.Query().Get("code"), waiting)
			return err
		}); err != nil {
			r.broken(w, req, err)
			return
		}
	}
	http.Redirect(w, req, "/if/user/", http.StatusFound)
}

const (
	enterCode    = "oauth2 device code"
	finishDevice = "oauth2 device finish"
)

//go:embed device.html
var devicePage string

//go:embed device_done.html
var deviceDonePage string

var (
	enterKind  = &stage.Kind{Asking: stage.Asking{Schema: "OAuthDeviceCodeChallenge", Component: "ak-provider-oauth2-device-code", Page: devicePage}}
	finishKind = &stage.Kind{Asking: stage.Asking{Schema: "OAuthDeviceCodeFinishChallenge", Component: "ak-provider-oauth2-device-code-finish", Page: deviceDonePage}}
)

// TypedCode is what a person types who lets a device in.
type TypedCode struct {
	Code int64 `json:"code" is:"required"`
}

// EnterCode is the step that asks for a device's code.
type EnterCode struct{ Room *Room }

// FinishDevice is the step that lets a device in.
type FinishDevice struct{ Room *Room }

var (
	_ stage.Inline = EnterCode{}
	_ flow.Asker   = EnterCode{}
	_ stage.Inline = FinishDevice{}
	_ flow.Asker   = FinishDevice{}
)

// Name implements stage.Inline.
func (EnterCode) Name() string { return enterCode }

// Kind implements flow.Asker.
func (EnterCode) Kind() *stage.Kind { return enterKind }

// Show implements stage.Inline.
func (EnterCode) Show(*stage.Turn, map[string]any) stage.Result { return stage.Ask(&struct{}{}) }

// Take implements stage.Inline: the code as a number, as clients of the release send it, or as text.
func (e EnterCode) Take(t *stage.Turn, _ map[string]any, body map[string]json.RawMessage) stage.Result {
	r := e.Room
	typed := strings.Trim(string(body["code"]), `" `)
	if typed == "" || typed == "null" {
		return stage.Wrong("code", "This field is required.")
	}
	if t.SignedIn == nil {
		return stage.Deny("")
	}
	who := strconv.FormatInt(t.SignedIn.PK, 10)
	if r.guesses.full(who, t.Now, guessesEach, guessesMost) {
		return stage.Wrong("code", "Too many wrong codes. Try again in some minutes.")
	}
	d, err := r.typedDevice(t.Ctx, typed)
	if err != nil {
		return stage.Fail(err)
	}
	if d == nil {
		r.guesses.note(who, t.Now)
		return stage.Wrong("code", "Invalid code")
	}
	return stage.Redirect("/device?code=" + d.userCode)
}

// Name implements stage.Inline.
func (FinishDevice) Name() string { return finishDevice }

// Kind implements flow.Asker.
func (FinishDevice) Kind() *stage.Kind { return finishKind }

// Show implements stage.Inline: it lets the device in, then says so.
func (f FinishDevice) Show(t *stage.Turn, params map[string]any) stage.Result {
	r := f.Room
	if done, _ := params["done"].(bool); done {
		return stage.Ask(&struct{}{})
	}
	pk, _ := params["device"].(float64)
	if n, ok := params["device"].(int64); ok {
		pk = float64(n)
	}
	d, err := r.device(t.Ctx, "pk = ?", int64(pk))
	if err != nil {
		return stage.Fail(err)
	}
	if t.SignedIn == nil || d == nil || d.state != waiting || !t.Now.Before(d.expires) {
		return stage.Deny("The code is too old. Begin again at the device.")
	}
	p, err := r.byPK(t.Ctx, d.Provider)
	if err != nil {
		return stage.Deny("The application was removed meanwhile.")
	}
	app, err := r.app(t.Ctx, p)
	if err != nil {
		return stage.Fail(err)
	}
	if app == nil {
		return stage.Deny("The application was removed meanwhile.")
	}
	a, err := json.Marshal(authOf(t.Session))
	if err != nil {
		return stage.Fail(err)
	}
	t.Plan.Append(stage.Step{Inline: finishDevice, Params: map[string]any{"done": true}})
	return stage.Done().Writing(func(tx *store.Tx) error {
		res, err := tx.Exec(`UPDATE oauth_devices SET state = ?, "user" = ?, auth = ?, session = ?, expires = ? WHERE pk = ? AND state = ?`,
			letIn, t.SignedIn.PK, string(a), sessionHash(t.Session.UUID), tx.Now.Add(lifeOf(p)+keepDevice).UnixMicro(), d.pk, waiting)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fault.New(fault.Invalid, "The code is too old. Begin again at the device."))
		}
		return r.Events.EmitTx(tx, event.Entry{Action: event.AuthorizeApp, App: "authentik.providers.oauth2", Context: map[string]any{
			"authorized_application": event.Model(r.Store.KindFor(app), app.PK, app.Name),
			"flow":                   strings.ReplaceAll(t.Flow.PK, "-", ""), "scopes": strings.Join(d.Scope, " "),
		}})
	}).Else(func(err error) stage.Result { return stage.Deny(fault.As(err).Say) })
}

// Take implements stage.Inline: there is nothing to answer.
func (f FinishDevice) Take(t *stage.Turn, params map[string]any, _ map[string]json.RawMessage) stage.Result {
	if done, _ := params["done"].(bool); done {
		return stage.Done()
	}
	return f.Show(t, params)
}
