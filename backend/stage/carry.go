package stage

import (
	"encoding/json"
	"strings"

	"gatehouse/backend/crypt"
)

// A link carries a plan on: whoever opens it goes on where the plan was, in whatever browser. A plan holds what people typed, passwords
// among it, so it is sealed where it rests.

const carried = "link"

// Carry gives a plan as the token of a link keeps it.
func Carry(key *crypt.Key, p *Plan) (string, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return key.Seal(b, "plans", carried)
}

// Carried gives the plan that Carry kept. Plans that were kept before they were sealed are read too.
func Carried(key *crypt.Key, text string) (*Plan, error) {
	b := []byte(text)
	if !strings.HasPrefix(text, "{") {
		var err error
		if b, err = key.Open(text, "plans", carried); err != nil {
			return nil, err
		}
	}
	p := &Plan{}
	if err := json.Unmarshal(b, p); err != nil {
		return nil, err
	}
	if p.Context == nil {
		p.Context = map[string]any{}
	}
	return p, nil
}
