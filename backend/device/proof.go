package device

import "gatehouse/backend/store"

// Proof is what came of an answer that was held against devices.
type Proof struct {
	Device *Device // the one that answered; nil: none did
	Wrong  string  // what the person reads then, "" for the published text
	Code   string  // of that text for programs, "" for "invalid"
	// Write stores what is known after it: with a device, that the answer is used up (a fault when it was used meanwhile), without one, that
	// it was wrong.
	Write func(tx *store.Tx) error
}
