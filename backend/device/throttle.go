package device

import (
	"time"

	"gatehouse/backend/store"
	"gatehouse/backend/text"
)

// longest is how long one waits at most: nobody who knows a password can keep its owner out for longer with wrong codes (ASVS 5.0, 6.1.1).
const longest = 5 * time.Minute

// Pause is how long a device takes no further code after n failures in a row, the last of them at failed: 1 s after the first, twice as
// long after each, five minutes at most.
func Pause(n int64, failed *time.Time, now time.Time) time.Duration {
	if n <= 0 || failed == nil {
		return 0
	}
	wait := longest
	if n < 10 {
		wait = min(wait, time.Second<<(n-1))
	}
	return max(0, wait-max(0, now.Sub(*failed)))
}

// Missed counts a wrong code for the devices of a table. No event tells of it: that of the sign-in does.
func Missed(tx *store.Tx, table string, pks []int64) error {
	tx.Touched(table)
	for _, pk := range pks {
		if _, err := tx.Exec(`UPDATE `+table+` SET failures = failures + 1, failed = ? WHERE pk = ?`, tx.Now.UnixMicro(), pk); err != nil {
			return err
		}
	}
	return nil
}

// Wait is the proof of devices that took no code since the last wrong one was too short ago; that of none when there is nothing to wait for.
func Wait(texts *text.Tables, locale string, wait time.Duration) Proof {
	if wait <= 0 {
		return Proof{}
	}
	return Proof{Wrong: texts.Choose(locale).Say("flow.validate.wait", "seconds", Seconds(wait)), Code: "throttled"}
}

// Seconds gives a time in whole seconds, rounded up, as people read it.
func Seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
