package oauth2

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Why a sign-in at an application failed is kept for its admin: what came, what was expected, and what would mend it. Anybody can cause such
// rows, so the same cause is one row, written at most every few seconds, and a provider keeps few of them. No secret, code or token is in one.

const (
	maxRefusals    = 40                  // rows of a provider
	refusalPause   = 5 * time.Second     // between two writes of the same row
	newRefusals    = 20                  // new rows of a provider in a minute
	keepRefusals   = 30 * 24 * time.Hour // since it was seen last
	maxRefusalText = 500
)

// refusal is a cause.
type refusal struct {
	provider       int64
	place          string // authorize, par, token, userinfo
	cause          string
	came, expected string
	says           string
	user           string
}

// refusals count what was not written yet.
type refusals struct {
	mu   sync.Mutex
	seen map[refusalKey]*counted
	next map[int64][]time.Time // when rows of a provider were new
}

type refusalKey struct {
	provider           int64
	place, cause, came string
}

type counted struct {
	written time.Time
	open    int
}

// due says whether a refusal is to be written now, and how often it came since it was written last.
func (l *refusals) due(k refusalKey, now time.Time) (n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || len(l.seen) > 2000 {
		l.seen, l.next = map[refusalKey]*counted{}, map[int64][]time.Time{}
	}
	c := l.seen[k]
	if c == nil {
		recent := slices.DeleteFunc(l.next[k.provider], func(at time.Time) bool { return now.Sub(at) >= time.Minute })
		l.next[k.provider] = recent
		if len(recent) >= newRefusals {
			return 0, false
		}
		l.next[k.provider] = append(recent, now)
		c = &counted{}
		l.seen[k] = c
	}
	c.open++
	if now.Sub(c.written) < refusalPause {
		return 0, false
	}
	n, c.open, c.written = c.open, 0, now
	return n, true
}

// explain notes why a request was refused. That it can't be noted is for the log only: the client gets its answer.
func (r *Room) explain(ctx context.Context, f refusal) {
	cut := func(s *string) {
		if *s = strings.ToValidUTF8(*s, "?"); len(*s) > maxRefusalText {
			*s = strings.ToValidUTF8((*s)[:maxRefusalText], "") + "…"
		}
	}
	cut(&f.came)
	cut(&f.expected)
	cut(&f.says)
	n, ok := r.refused.due(refusalKey{f.provider, f.place, f.cause, f.came}, r.Store.Now())
	if !ok {
		return
	}
	a := store.ActorOf(ctx)
	err := r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		now := tx.Now.UnixMicro()
		if _, err := tx.Exec(`INSERT INTO oauth_refusals (provider, place, cause, came, expected, says, username, ip, first, last, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (provider, place, cause, came) DO UPDATE SET expected = excluded.expected, says = excluded.says, username = excluded.username, ip = excluded.ip, last = excluded.last, n = n + excluded.n`,
			f.provider, f.place, f.cause, f.came, f.expected, f.says, f.user, a.HTTP.ClientIP, now, now, n); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM oauth_refusals WHERE provider = ? AND pk NOT IN (SELECT pk FROM oauth_refusals WHERE provider = ? ORDER BY last DESC LIMIT ?)`, f.provider, f.provider, maxRefusals)
		return err
	})
	if err != nil {
		r.Log.WarnContext(ctx, "why a sign-in was refused can't be kept", "error", err, "logger", "gatehouse.oauth2")
	}
}

// SignIns is what happened lately between an application and Gatehouse.
type SignIns struct {
	Refused []Refused `json:"refused" is:"required,readonly"`
	Given   []GaveIn  `json:"given" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (SignIns) SchemaName() string { return "OAuth2SignIns" }

// Refused is a cause for which sign-ins failed.
type Refused struct {
	First    time.Time `json:"first" is:"required,readonly" format:"date-time"`
	Last     time.Time `json:"last" is:"required,readonly" format:"date-time"`
	Count    int64     `json:"count" is:"required,readonly"`
	Place    string    `json:"place" is:"required,readonly" help:"Where: authorize, par, token or userinfo."`
	Cause    string    `json:"cause" is:"required,readonly"`
	Says     string    `json:"says" is:"required,readonly" help:"What happened, in a sentence."`
	Came     string    `json:"came" is:"required,readonly" help:"What the application sent."`
	Expected string    `json:"expected" is:"required,readonly" help:"What it should have sent."`
	Username string    `json:"username" is:"required,readonly"`
	IP       string    `json:"client_ip" is:"required,readonly"`
	Fixed    bool      `json:"fixed" is:"required,readonly" help:"It would be accepted now."`
	Fix      string    `json:"fix" is:"required,readonly" help:"What would mend it here: add_redirect_uri, add_scope or add_resource; empty when it is for the application to mend."`
	Value    string    `json:"value" is:"required,readonly" help:"What that would add."`
}

// SchemaName implements kind.SchemaNamer.
func (Refused) SchemaName() string { return "OAuth2Refused" }

// GaveIn is a sign-in that brought tokens.
type GaveIn struct {
	When     time.Time `json:"when" is:"required,readonly" format:"date-time"`
	Username string    `json:"username" is:"required,readonly"`
	Scopes   string    `json:"scopes" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (GaveIn) SchemaName() string { return "OAuth2GaveIn" }

// Unknown are requests of clients that there are not.
type Unknown struct {
	Refused []Refused `json:"refused" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Unknown) SchemaName() string { return "OAuth2UnknownClients" }

func (r *Room) explainActions(of func(ctx context.Context, key string) (string, error)) []kind.Action {
	one := kind.Do("GET", "gatehouse/providers/oauth2/{id}/signins", func(ctx context.Context, c *kind.Call, _ *kind.None) (SignIns, error) {
		p, err := store.Get[Provider](ctx, r.Store, c.Key)
		if err != nil {
			return SignIns{}, err
		}
		out := SignIns{}
		if out.Refused, err = r.refusedOf(ctx, p.PK, p); err != nil {
			return out, err
		}
		out.Given, err = r.gave(ctx, p)
		return out, err
	})
	one.Summary, one.Perm, one.Of = "Recent sign-ins at an application, and why some failed.", "authentik_providers_oauth2.view_oauth2provider", of
	none := kind.Do("GET", "gatehouse/oauth2/unknown", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Unknown, error) {
		list, err := r.refusedOf(ctx, 0, nil)
		return Unknown{list}, err
	})
	none.Summary, none.Perm = "Requests with a client_id that nobody has.", "authentik_providers_oauth2.view_oauth2provider"
	return []kind.Action{one, none}
}

func (r *Room) refusedOf(ctx context.Context, pk int64, p *Provider) ([]Refused, error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT place, cause, came, expected, says, username, ip, first, last, n FROM oauth_refusals WHERE provider = ? ORDER BY last DESC`, pk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Refused{}
	for rows.Next() {
		var f Refused
		var first, last int64
		if err := rows.Scan(&f.Place, &f.Cause, &f.Came, &f.Expected, &f.Says, &f.Username, &f.IP, &first, &last, &f.Count); err != nil {
			return nil, err
		}
		f.First, f.Last = time.UnixMicro(first), time.UnixMicro(last)
		out = append(out, f)
	}
	if err := rows.Err(); err != nil || p == nil {
		return out, err
	}
	for i := range out {
		if err := r.mend(ctx, p, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mend says what would mend a cause here, and whether it was.
func (r *Room) mend(ctx context.Context, p *Provider, f *Refused) error {
	switch f.Cause {
	case "redirect_uri":
		if f.Fixed = matchRedirect(p.RedirectURIs, f.Came); f.Fixed || f.Came == "" || isPattern(f.Came) || len(strings.Fields(f.Came)) != 1 || strings.HasSuffix(f.Came, "…") {
			return nil
		}
		if _, err := checkRedirects(f.Came); err == nil {
			f.Fix, f.Value = "add_redirect_uri", f.Came
		}
	case "resource":
		if f.Fixed = slices.Contains(strings.Fields(p.Resources), f.Came); !f.Fixed && checkResources(f.Came) == nil && len(strings.Fields(f.Came)) == 1 {
			f.Fix, f.Value = "add_resource", f.Came
		}
	case "scope":
		known, err := r.scopes(ctx, p)
		if err != nil {
			return err
		}
		if f.Fixed = slices.Contains(known.names(), f.Came); f.Fixed {
			return nil
		}
		all, err := store.All[ScopeMapping](ctx, r.Store, store.Query{})
		if err != nil {
			return err
		}
		for _, m := range all {
			// What lets a client act as the person is for the form, where the admin sees what it is.
			if m.ScopeName == f.Came && m.ScopeName != "goauthentik.io/api" {
				f.Fix, f.Value = "add_scope", m.PK
				break
			}
		}
	}
	return nil
}

// gave lists the last sign-ins that brought tokens.
func (r *Room) gave(ctx context.Context, p *Provider) ([]GaveIn, error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT t.created, u.username, t.scope FROM oauth_tokens t JOIN users u ON u.pk = t."user" WHERE t.provider = ? AND t.kind = 'access' ORDER BY t.pk DESC LIMIT 10`, p.PK)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []GaveIn{}
	for rows.Next() {
		var g GaveIn
		var at int64
		if err := rows.Scan(&at, &g.Username, &g.Scopes); err != nil {
			return nil, err
		}
		g.When = time.UnixMicro(at)
		out = append(out, g)
	}
	return out, rows.Err()
}

// silent are the answers of prompt=none that are no failure of anybody.
var silent = []string{"login_required", "consent_required", "interaction_required"}

// explainTold notes an error that the client is told at its redirect URI.
func (r *Room) explainTold(ctx context.Context, a *request, p *problem) {
	if slices.Contains(silent, p.code) || p.text == notAllowed {
		return
	}
	f := refusal{provider: a.p.PK, place: "authorize", cause: p.code, says: p.text}
	if p.cause != "" {
		f.cause, f.came, f.expected = p.cause, p.came, p.expected
	}
	r.explain(ctx, f)
}

// explainScopes notes the scopes that a client asks for and the provider has no mapping of: the claims under them will be missing. The request
// goes on without them, as in the release.
func (r *Room) explainScopes(ctx context.Context, p *Provider, asked string, known []string, github bool) {
	for s := range strings.FieldsSeq(asked) {
		if !slices.Contains(known, s) && !(github && gitHubScope(s)) {
			r.explain(ctx, refusal{
				provider: p.PK, place: "authorize", cause: "scope", came: s, expected: strings.Join(known, " "),
				says: "The application asks for the scope " + clip(s) + ", which this provider does not have. The sign-in goes on without it, so the claims under it are missing.",
			})
		}
	}
}

// explainClaims notes claims that a client calls essential and that can't be given, and a person without the address that the client asks for.
func (r *Room) explainClaims(ctx context.Context, a *request, u *user.User, want asked) {
	have := a.claims.names()
	for _, list := range []map[string]*wish{want.IDToken, want.Userinfo} {
		for name, w := range list {
			if w != nil && w.Essential && !slices.Contains(have, name) {
				r.explain(ctx, refusal{
					provider: a.p.PK, place: "authorize", cause: "claim", came: name, user: u.Username,
					says: "The application needs the claim " + clip(name) + ", which no scope mapping of this provider gives.",
				})
			}
		}
	}
	if u.Email == "" && slices.Contains(a.scope, "email") {
		r.explain(ctx, refusal{
			provider: a.p.PK, place: "authorize", cause: "no_email", user: u.Username,
			says: u.Username + " has no e-mail address, so the claim email is empty. Many applications refuse that.",
		})
	}
}

// lengths tells of two secrets what helps to find a wrong copy, and nothing more.
func lengths(came, expected string) (string, string) {
	of := func(s string) string {
		if s == "" {
			return "no secret"
		}
		return "a secret of " + strconv.Itoa(len(s)) + " characters"
	}
	return of(came), of(expected)
}

// explainRefusal notes an error of the endpoints that clients ask themselves.
func (r *Room) explainRefusal(ctx context.Context, p *Provider, place string, no *refused) {
	if no.code == "authorization_pending" || no.code == "slow_down" || no.code == "use_dpop_nonce" {
		return
	}
	f := refusal{provider: p.PK, place: place, cause: no.code, says: no.text}
	if no.cause != "" {
		f.cause, f.came, f.expected = no.cause, no.came, no.expected
	}
	r.explain(ctx, f)
}

// nobody notes a client_id that there is not.
func (r *Room) nobody(ctx context.Context, place, id string) {
	r.explain(ctx, refusal{place: place, cause: "client_id", came: id, says: "An application came with a client_id that nobody has. Was it copied whole, or was the application removed?"})
}

// byUser gives the name of who a grant is of, "" when they are gone.
func (r *Room) byUser(ctx context.Context, pk int64) string {
	u, err := r.Users.ByPK(ctx, pk)
	if fault.Is(err, fault.NotFound) || err != nil {
		return ""
	}
	return u.Username
}
