package oauth2

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
)

// Back-channel logout (OpenID Connect Back-Channel Logout 1.0): who got an ID token for a session is told when the session ends.
//
//	authorize ─▶ oauth_logins{sid, session} ··· the session goes, however it does ─▶ TellLogouts ─▶ logout token ─▶ application
//
// Nobody has to report that a session ended: a row whose session is not there any more is due.

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutLife is how long a logout token counts; the standard recommends two minutes at most.
	logoutLife = 2 * time.Minute
	logoutIdle = time.Minute // sessions also run out while nothing happens
	manyLogins = 50
)

// logoutPauses are how long an application is left alone after each failed try.
var logoutPauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour}

// login is an application that knows somebody by a session.
type login struct {
	provider        int64
	sid, session    string
	subject, issuer string
	tries           int
}

// sid names the session to a provider that wants to hear of its end: by the name that it knows already, where the person signed in again in
// the same browser. "" for a provider that does not want to hear.
func (r *Room) sid(ctx context.Context, p *Provider, session string) (string, error) {
	if p.LogoutURI == "" {
		return "", nil
	}
	var sid string
	err := r.Store.DB().QueryRow(ctx, `SELECT sid FROM oauth_logins WHERE provider = ? AND session = ?`, p.PK, session).Scan(&sid)
	if errors.Is(err, sql.ErrNoRows) {
		return sessionHash(session), nil
	}
	return sid, err
}

// join notes that an application knows somebody by a session.
func join(tx *store.Tx, l login) error {
	_, err := tx.Exec(`INSERT INTO oauth_logins (provider, sid, session, sub, iss, tries, due) VALUES (?, ?, ?, ?, ?, 0, 0)
		ON CONFLICT (provider, sid) DO UPDATE SET session = excluded.session, sub = excluded.sub, iss = excluded.iss`, l.provider, l.sid, l.session, l.subject, l.issuer)
	return err
}

// joinLate has an application told that got its tokens after the session had ended, also when it was just being told of it before. No
// session has the name that stands in the row, so nothing but the end can come.
func (r *Room) joinLate(tx *store.Tx, g *grant, m *minted) error {
	if g.Auth.SID == "" {
		return nil
	}
	var c struct{ Iss, Sub string }
	if err := json.Unmarshal(m.idClaims, &c); err != nil {
		return err
	}
	tx.AfterCommit(r.ring)
	_, err := tx.Exec(`INSERT INTO oauth_logins (provider, sid, session, sub, iss, tries, due) VALUES (?, ?, ?, ?, ?, 0, 0)
		ON CONFLICT (provider, sid) DO UPDATE SET session = excluded.session, tries = 0, due = 0 WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.uuid = oauth_logins.session)`,
		g.Provider, g.Auth.SID, "ended "+crypt.UUID(), c.Sub, c.Iss)
	return err
}

// Moved lets the applications of a session stay signed in when its person signed in again and it became another one.
func Moved(tx *store.Tx, from, to string) error {
	_, err := tx.Exec(`UPDATE oauth_logins SET session = ? WHERE session = ?`, to, from)
	return err
}

// gather is how long a look at the queue waits for more that ends.
const gather = 50 * time.Millisecond

// Heard is told of every event in its transaction (event.Log.Heard): with some of them sessions end.
func (r *Room) Heard(tx *store.Tx, e *event.Event) error {
	if e.Action == event.Login && e.App == eventApp { // a program signed in, which has no session
		return nil
	}
	switch e.Action {
	case event.Logout, event.Login, event.PasswordSet, event.UserWrite, "model_updated", "model_deleted":
		tx.AfterCommit(r.ring)
	}
	return nil
}

func (r *Room) bell() chan struct{} {
	r.once.Do(func() { r.ended = make(chan struct{}, 1) })
	return r.ended
}

func (r *Room) ring() {
	select {
	case r.bell() <- struct{}{}:
	default:
	}
}

// Serve tells applications of sessions that ended until ctx ends.
func (r *Room) Serve(ctx context.Context) {
	for {
		next, err := r.TellLogouts(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := logoutIdle
		if err != nil {
			r.Log.ErrorContext(ctx, "the queue of logouts can't be read", "error", err, "logger", "gatehouse.oauth2")
		} else if !next.IsZero() {
			wait = min(wait, max(0, next.Sub(r.Store.Now())))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-r.bell():
			t.Stop()
			time.Sleep(gather) // people come and go together
		case <-t.C:
		}
	}
}

// Hold keeps the room from looking for logouts until the function that it gives is called: for tests that count statements.
func (r *Room) Hold() (release func()) {
	r.telling.Lock()
	return r.telling.Unlock
}

// quiet does what notification rules need not hear of.
func quiet() store.Actor {
	a := store.House
	a.Quiet = true
	return a
}

const over = ` FROM oauth_logins l WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.uuid = l.session)`

// TellLogouts tells every application whose session ended and gives when the next one is tried again; zero when none waits. Applications are
// told beside each other, so that one that does not answer keeps none waiting.
func (r *Room) TellLogouts(ctx context.Context) (next time.Time, err error) {
	r.telling.Lock()
	defer r.telling.Unlock()
	for {
		due, err := r.logoutsDue(ctx)
		if err != nil {
			return next, err
		}
		var all sync.WaitGroup
		faults := make(chan error, len(due))
		for _, of := range due {
			all.Go(func() {
				for _, l := range of {
					if err := r.tellLogout(ctx, l); err != nil {
						faults <- err
						return
					}
				}
			})
		}
		all.Wait()
		close(faults)
		for e := range faults {
			err = errors.Join(err, e)
		}
		if len(due) == 0 || err != nil {
			if err != nil {
				return next, err
			}
			break
		}
	}
	var at *int64
	if err := r.Store.DB().QueryRow(ctx, `SELECT min(due)`+over).Scan(&at); err != nil || at == nil {
		return time.Time{}, err
	}
	return time.UnixMicro(*at), nil
}

// logoutsDue gives what is due now, by provider.
func (r *Room) logoutsDue(ctx context.Context) (map[int64][]login, error) {
	rows, err := r.Store.DB().Query(ctx, `SELECT provider, sid, session, sub, iss, tries`+over+` AND due <= ? ORDER BY due LIMIT ?`, r.Store.Now().UnixMicro(), manyLogins)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64][]login{}
	for rows.Next() {
		var l login
		if err := rows.Scan(&l.provider, &l.sid, &l.session, &l.subject, &l.issuer, &l.tries); err != nil {
			return nil, err
		}
		out[l.provider] = append(out[l.provider], l)
	}
	return out, rows.Err()
}

// tellLogout tries once and keeps what came of it.
func (r *Room) tellLogout(ctx context.Context, l login) error {
	p, err := r.byPK(ctx, l.provider)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil || p.LogoutURI == "" { // nobody wants to hear any more
		return r.Store.Write(ctx, quiet(), func(tx *store.Tx) error { return drop(tx, l) })
	}
	final, failed := r.postLogout(ctx, p, l)
	if failed != nil && ctx.Err() != nil {
		return ctx.Err() // the house closes: that is no try
	}
	if failed == nil {
		if err := r.Store.Write(ctx, quiet(), func(tx *store.Tx) error { return drop(tx, l) }); err != nil {
			return err
		}
		return r.Tasks.Report(ctx, r.reportLogout(p, nil))
	}
	r.Log.WarnContext(ctx, "an application was not told of a logout", "provider", p.Name, "try", l.tries+1, "error", failed, "logger", "gatehouse.oauth2")
	if !final && l.tries < len(logoutPauses) {
		return r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE oauth_logins SET tries = tries + 1, due = ? WHERE provider = ? AND sid = ? AND session = ?`, tx.Now.Add(logoutPauses[l.tries]).UnixMicro(), l.provider, l.sid, l.session)
			return err
		})
	}
	if err := r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		if err := drop(tx, l); err != nil {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.providers.oauth2", Context: map[string]any{
			"message": "The application was not told that a session ended. " + fault.As(failed).Say, "provider": reference(p),
		}})
	}); err != nil {
		return err
	}
	return r.Tasks.Report(ctx, r.reportLogout(p, failed))
}

// drop forgets a login whose end was told, unless it began anew meanwhile.
func drop(tx *store.Tx, l login) error {
	_, err := tx.Exec(`DELETE FROM oauth_logins WHERE provider = ? AND sid = ? AND session = ?`, l.provider, l.sid, l.session)
	return err
}

// reportLogout is the row of system tasks of a provider.
func (r *Room) reportLogout(p *Provider, failed error) task.Report {
	return task.Report{
		Name: "backchannel_logout", UID: strconv.FormatInt(p.PK, 10), Description: "Tell the application of " + p.Name + " that a session ended.",
		Started: r.Store.Now(), Failed: failed, Quiet: true,
	}
}

// postLogout sends a logout token (Back-Channel Logout 1.0 section 2.5). final says that another try would not help.
func (r *Room) postLogout(ctx context.Context, p *Provider, l login) (final bool, err error) {
	token, err := r.logoutToken(ctx, p, l)
	if err != nil {
		return fault.Is(err, fault.Invalid), err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.LogoutURI, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return true, fault.New(fault.Invalid, "The address is none.")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := r.Client.Do(req)
	if err != nil {
		return false, outbound.Say("The application of "+p.Name, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return false, nil
	}
	final = res.StatusCode < 500 && res.StatusCode != http.StatusRequestTimeout && res.StatusCode != http.StatusTooManyRequests
	return final, fault.Newf(fault.Unavailable, "The application of %s answered with %s.", p.Name, res.Status)
}

// logoutToken makes the token (section 2.4).
func (r *Room) logoutToken(ctx context.Context, p *Provider, l login) (string, error) {
	s, err := r.signerOf(ctx, p)
	if err != nil {
		return "", err
	}
	now := r.Store.Now()
	b, err := json.Marshal(map[string]any{
		"iss": l.issuer, "sub": l.subject, "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(logoutLife).Unix(), "jti": crypt.UUID(), "sid": l.sid,
		"events": map[string]any{logoutEvent: struct{}{}},
	})
	if err != nil {
		return "", err
	}
	sign, err := s.of("logout+jwt")
	if err != nil {
		return "", err
	}
	j, err := sign.Sign(b)
	if err != nil {
		return "", err
	}
	return j.CompactSerialize()
}
