package user

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// Wrong passwords are counted outside of any flow, so that new flows, sessions and header tricks give no new tries (NIST SP 800-63B
// 5.2.2 allows 100 in a row). One name from one address is slowed early, a name from anywhere and an address for any name later,
// so that a stranger can't easily keep somebody out. Where somebody signed in before, only the first of the three counts for them:
// neither a stranger elsewhere nor a colleague behind the same address (an office often has one) can lock them out there.
const (
	freePair    = 10
	freeName    = 50
	freeAddress = 80
	firstPause  = 10 * time.Second
	longPause   = time.Hour
	forgetAfter = 24 * time.Hour
	// An office that shares an address mistypes every day: it forgets one failure after each of these.
	forgetOne = 5 * time.Minute
	// knownFor is how long a name counts as known at an address after its last sign-in there.
	knownFor = 60 * 24 * time.Hour
	// noteKnown is how often that is noted: once a day is enough.
	noteKnown = 24 * time.Hour
)

// The beginnings of the keys under which tries are counted, and of that which remembers where somebody signed in.
const (
	ofPair    = "pair "
	ofName    = "name "
	ofAddress = "address "
	known     = "known "
)

// counter is what one try counts for.
type counter struct {
	key  string
	free int
}

// countersOf gives the three counters of a try, that of the pair first.
func countersOf(username, address string) [3]counter {
	name, at := nameKey(username), Network(address)
	return [3]counter{{ofPair + name + " " + at, freePair}, {ofName + name, freeName}, {ofAddress + at, freeAddress}}
}

func nameKey(username string) string {
	name := strings.ToLower(strings.TrimSpace(username))
	if len(name) > 150 {
		name = name[:150]
	}
	return name
}

func knownKey(username, address string) string {
	return known + nameKey(username) + " " + Network(address)
}

// Network gives what counts as one address: of IPv6 the first 64 bits, which one device has to itself and may change at will.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// pause is how long to wait after the n-th failure when free ones cost nothing.
func pause(n, free int) time.Duration {
	if n < free {
		return 0
	}
	d := firstPause << min(n-free, 12)
	return min(d, longPause)
}

// left is how many failures still count after a time without another.
func left(key string, n int, since time.Duration) int {
	switch {
	case since > forgetAfter:
		return 0
	case strings.HasPrefix(key, ofAddress):
		return max(0, n-int(max(0, since)/forgetOne))
	}
	return n
}

// MayTry says whether a password may be tried now; TooMany with the time to wait when not. Nothing is counted.
func (d *Directory) MayTry(ctx context.Context, username, address string) error {
	now := d.Store.Now()
	cs := countersOf(username, address)
	here := knownKey(username, address)
	found, err := d.tries(ctx, here, cs)
	if err != nil {
		return err
	}
	knownHere := now.Sub(found[here].last) < knownFor
	var wait time.Duration
	for i, c := range cs {
		t := found[c.key]
		since := max(0, now.Sub(t.last)) // negative when another try was counted meanwhile, or the clock was set back
		if pause := pause(left(c.key, t.n, since), c.free); pause > since && (i == 0 || !knownHere) {
			wait = max(wait, pause-since)
		}
	}
	if wait <= 0 {
		return nil
	}
	f := fault.New(fault.TooMany, "Too many wrong tries. Wait "+waitText(wait)+", then try again.")
	f.Code = "throttled"
	return f
}

// Past says whether failures of a name from an address count, and whether the name is known there.
func (d *Directory) Past(ctx context.Context, username, address string) (failed, known bool, err error) {
	cs, here := countersOf(username, address), knownKey(username, address)
	found, err := d.tries(ctx, here, cs)
	if err != nil {
		return false, false, err
	}
	now := d.Store.Now()
	d.naming.Lock()
	defer d.naming.Unlock()
	return found[cs[0].key].n > 0, now.Sub(found[here].last) < noteKnown || now.Sub(d.noted[here]) < noting, nil
}

// noting is how long it may take until it is stored that a name is known at an address.
const noting = time.Minute

// mostNoted bounds how many of those are remembered.
const mostNoted = 1000

// Know has a name be known at an address from now on. What it gives stores that.
func (d *Directory) Know(username, address string) func(tx *store.Tx) error {
	here := knownKey(username, address)
	d.naming.Lock()
	defer d.naming.Unlock()
	if d.noted == nil || len(d.noted) >= mostNoted {
		d.noted = map[string]time.Time{}
	}
	d.noted[here] = d.Store.Now()
	return func(tx *store.Tx) error { return setAttempts(tx, here, 0) }
}

// tries gives what counts for a try, by its keys.
func (d *Directory) tries(ctx context.Context, here string, cs [3]counter) (map[string]tries, error) {
	keys := []string{here, cs[0].key, cs[1].key, cs[2].key}
	return d.counters.All(d.Store, attempts, keys, func() (map[string]tries, error) {
		args := make([]any, len(keys))
		for i, k := range keys {
			args[i] = k
		}
		found, err := tried(d.Store.DB().Query(ctx, selectTries+db.Marks(len(args))+`)`, args...))
		if err != nil {
			return nil, err
		}
		for _, k := range keys { // what is not there counts nothing, which is worth remembering too
			if _, ok := found[k]; !ok {
				found[k] = tries{}
			}
		}
		return found, nil
	})
}

// attempts is where tries are counted. Whoever changes a counter says so (store.Tx.Touched).
const attempts = "attempts"

// tries is what a counter says.
type tries struct {
	n    int
	last time.Time
}

const selectTries = `SELECT who, n, updated FROM attempts WHERE who IN (`

// tried reads the counters of a query by their keys; those that count nothing are not there.
func tried(rows *sql.Rows, err error) (map[string]tries, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]tries{}
	for rows.Next() {
		var who string
		var n int
		var at int64
		if err := rows.Scan(&who, &n, &at); err != nil {
			return nil, err
		}
		found[who] = tries{n, time.UnixMicro(at)}
	}
	return found, rows.Err()
}

const selectAttempts = `SELECT n, updated FROM attempts WHERE who = ?`

// scanAttempts gives a counter, zero values when there is none.
func scanAttempts(row *sql.Row) (n int, updated time.Time, err error) {
	var at int64
	err = row.Scan(&n, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	return n, time.UnixMicro(at), err
}

func waitText(d time.Duration) string {
	if d <= time.Second {
		return "one second"
	}
	if d < time.Minute {
		return fmt.Sprintf("%d seconds", int((d+time.Second-1)/time.Second))
	}
	if d < 2*time.Minute {
		return "two minutes"
	}
	return fmt.Sprintf("%d minutes", int(d/time.Minute)+1)
}

// Failed counts a wrong password.
func Failed(tx *store.Tx, username, address string) error {
	for _, c := range countersOf(username, address) {
		n, last, err := scanAttempts(tx.QueryRow(selectAttempts, c.key))
		if err != nil {
			return err
		}
		if err := setAttempts(tx, c.key, left(c.key, n, tx.Now.Sub(last))+1); err != nil {
			return err
		}
	}
	return nil
}

func setAttempts(tx *store.Tx, key string, n int) error {
	tx.Touched(attempts, key)
	_, err := tx.Exec(`INSERT INTO attempts (who, n, updated) VALUES (?, ?, ?) ON CONFLICT (who) DO UPDATE SET n = excluded.n, updated = excluded.updated`, key, n, tx.Now.UnixMicro())
	return err
}

// Succeeded forgets the failures of a name from an address, which were the person's own: the name and the address lose as many; what came
// from elsewhere or was for others stays. From then on the name is known there.
func Succeeded(tx *store.Tx, username, address string) error {
	cs := countersOf(username, address)
	here := knownKey(username, address)
	// Both in one look: nearly always there is nothing to do.
	found, err := tried(tx.Query(selectTries+db.Marks(2)+`)`, cs[0].key, here))
	if err != nil {
		return err
	}
	own, last := found[cs[0].key].n, found[cs[0].key].last
	if own > 0 {
		tx.Touched(attempts, cs[0].key, cs[1].key, cs[2].key)
		if _, err := tx.Exec(`DELETE FROM attempts WHERE who = ?`, cs[0].key); err != nil {
			return err
		}
		own = left(cs[0].key, own, tx.Now.Sub(last))
		for _, c := range cs[1:] {
			if _, err := tx.Exec(`UPDATE attempts SET n = CASE WHEN n > ? THEN n - ? ELSE 0 END WHERE who = ?`, own, own, c.key); err != nil {
				return err
			}
		}
	}
	if tx.Now.Sub(found[here].last) < noteKnown {
		return nil
	}
	return setAttempts(tx, here, 0)
}

// ForgetAttempts forgets every failure of a name: the person has a new password, or an admin let them in.
func ForgetAttempts(tx *store.Tx, username string) error {
	name := nameKey(username)
	pair := ofPair + name + " "
	tx.Touched(attempts)
	_, err := tx.Exec(`DELETE FROM attempts WHERE who = ? OR substr(who, 1, ?) = ?`, ofName+name, len([]rune(pair)), pair)
	return err
}

// CleanAttempts removes what no longer counts.
func CleanAttempts(tx *store.Tx) error {
	tx.Touched(attempts)
	_, err := tx.Exec(`DELETE FROM attempts WHERE updated < ? AND (substr(who, 1, ?) <> ? OR updated < ?)`,
		tx.Now.Add(-forgetAfter).UnixMicro(), len(known), known, tx.Now.Add(-knownFor).UnixMicro())
	return err
}
