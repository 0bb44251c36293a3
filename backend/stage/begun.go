package stage

import (
	"encoding/json"

	"gatehouse/backend/crypt"
	"gatehouse/backend/session"
)

// A device is set up over several requests: its secret waits in the session, sealed, and counts for the same stage and the same person only.
// Neither policies nor the inspector see it there.

const begun = "begun "

type kept struct {
	Who int64           `json:"who"`
	V   json.RawMessage `json:"v"`
}

// Keep keeps what a stage began with the person of this turn.
func (t *Turn) Keep(key *crypt.Key, pk string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b, err := json.Marshal(kept{t.User.PK, raw})
	if err != nil {
		return err
	}
	sealed, err := key.Seal(b, begun, pk)
	if err != nil {
		return err
	}
	t.Remember(begun+pk, sealed)
	return nil
}

// Kept reads what Keep kept into v; false when there is nothing for this stage and this person.
func (t *Turn) Kept(key *crypt.Key, pk string, v any) bool {
	who, ok := Begun(key, t.Session, pk, v)
	return ok && t.User != nil && who == t.User.PK
}

// Begun reads what a stage began with whoever is at a browser into v, and gives who that is.
func Begun(key *crypt.Key, s *session.Session, pk string, v any) (who int64, ok bool) {
	if s == nil || s.Data.Secret[begun+pk] == "" {
		return 0, false
	}
	b, err := key.Open(s.Data.Secret[begun+pk], begun, pk)
	if err != nil {
		return 0, false // of another key: it is begun anew
	}
	var k kept
	if json.Unmarshal(b, &k) != nil || json.Unmarshal(k.V, v) != nil {
		return 0, false
	}
	return k.Who, true
}

// Drop forgets what Keep kept.
func (t *Turn) Drop(pk string) { t.Forget(begun + pk) }

// Real says whether the flow is about somebody who exists: devices are set up for nobody else.
func (t *Turn) Real() bool { return t.User != nil && t.User.PK != 0 }
