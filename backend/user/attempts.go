package user

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// Wrong passwords are counted outside of any flow, so that new flows, sessions and header tricks give no new tries (NIST SP 800-63B
// 5.2.2 allows 100 in a row). One name from one address is slowed early, a name from anywhere and an address for any name later,
// so that a stranger can't easily keep somebody out.
const (
	freePair    = 10
	freeName    = 50
	freeAddress = 80
	firstPause  = 10 * time.Second
	longPause   = time.Hour
	forgetAfter = 24 * time.Hour
)

// attemptKeys names the three counters of a try.
func attemptKeys(username, address string) map[string]int {
	name := strings.ToLower(strings.TrimSpace(username))
	if len(name) > 150 {
		name = name[:150]
	}
	return map[string]int{"pair " + name + " " + address: freePair, "name " + name: freeName, "address " + address: freeAddress}
}

// pause is how long to wait after the n-th failure when free ones cost nothing.
func pause(n, free int) time.Duration {
	if n < free {
		return 0
	}
	d := firstPause << min(n-free, 12)
	return min(d, longPause)
}

// MayTry says whether a password may be tried now; TooMany with the time to wait when not. Nothing is counted.
func (d *Directory) MayTry(ctx context.Context, username, address string) error {
	now := d.Store.Now()
	var wait time.Duration
	for key, free := range attemptKeys(username, address) {
		var n int
		var updated int64
		err := d.Store.DB().QueryRow(ctx, `SELECT n, updated FROM attempts WHERE who = ?`, key).Scan(&n, &updated)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		last := time.UnixMicro(updated)
		if now.Sub(last) > forgetAfter {
			continue
		}
		wait = max(wait, last.Add(pause(n, free)).Sub(now))
	}
	if wait <= 0 {
		return nil
	}
	f := fault.New(fault.TooMany, "Too many wrong tries. Wait "+waitText(wait)+", then try again.")
	f.Code = "throttled"
	return f
}

func waitText(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d seconds", int(d/time.Second)+1)
	}
	if d < 2*time.Minute {
		return "two minutes"
	}
	return fmt.Sprintf("%d minutes", int(d/time.Minute)+1)
}

// Failed counts a wrong password.
func Failed(tx *store.Tx, username, address string) error {
	for key := range attemptKeys(username, address) {
		_, err := tx.Exec(`INSERT INTO attempts (who, n, updated) VALUES (?, 1, ?) ON CONFLICT (who) DO UPDATE SET n = CASE WHEN updated < ? THEN 1 ELSE n + 1 END, updated = excluded.updated`,
			key, tx.Now.UnixMicro(), tx.Now.Add(-forgetAfter).UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

// Succeeded forgets the failures of a name from an address; those of the name from elsewhere and of the address stay.
func Succeeded(tx *store.Tx, username, address string) error {
	for key, free := range attemptKeys(username, address) {
		if free != freePair {
			continue
		}
		if _, err := tx.Exec(`DELETE FROM attempts WHERE who = ?`, key); err != nil {
			return err
		}
	}
	return nil
}

// ForgetAttempts forgets every failure of a name: the person has a new password, or an admin let them in.
func ForgetAttempts(tx *store.Tx, username string) error {
	name := strings.ToLower(strings.TrimSpace(username))
	_, err := tx.Exec(`DELETE FROM attempts WHERE who = ? OR substr(who, 1, ?) = ?`, "name "+name, len("pair "+name+" "), "pair "+name+" ")
	return err
}

// CleanAttempts removes what no longer counts.
func CleanAttempts(tx *store.Tx) error {
	_, err := tx.Exec(`DELETE FROM attempts WHERE updated < ?`, tx.Now.Add(-forgetAfter).UnixMicro())
	return err
}
