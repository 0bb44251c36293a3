package page

import (
	"encoding/json"
	"fmt"
)

// Passkey is where a page lets the browser's script ask for a passkey or security key (W3C Web Authentication).
type Passkey struct {
	Field   string // of the answer: "response" for a new key, "webauthn" for one that is there
	Label   string // of the button
	Options string // "" for a ceremony that a button begins; else those of one that waits while somebody types, as JSON
	Auto    bool   // begin at once
	Second  bool   // the page has another main button
	Say     func(key string, args ...any) string
}

// Passkey makes that place from the words of a stage's page: label, options, auto, second.
func (f *form) Passkey(field string, kv ...any) (*Passkey, error) {
	p := &Passkey{Field: field, Say: f.T}
	for i := 0; i+1 < len(kv); i += 2 {
		switch kv[i] {
		case "label":
			p.Label, _ = kv[i+1].(string)
		case "auto":
			p.Auto, _ = kv[i+1].(bool)
		case "second":
			p.Second, _ = kv[i+1].(bool)
		case "options":
			b, err := json.Marshal(kv[i+1])
			if err != nil {
				return nil, err
			}
			p.Options = string(b)
		default:
			return nil, fmt.Errorf("page: a passkey has no %v", kv[i])
		}
	}
	f.keys = true
	return p, nil
}

// Keys says whether the page needs the script for passkeys.
func (f *form) Keys() bool { return f.keys }

// NameHint is what browsers may fill the field for names with: passkeys too where the page offers them.
func (f *form) NameHint(keys map[string]any) string {
	if keys == nil {
		return "username"
	}
	return "username webauthn"
}
