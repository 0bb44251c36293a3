// Package password is the policy that asks whether a new password is good enough.
//
//	prompt_data[field] ─▶ rules of its characters ─▶ lists of leaked passwords ─▶ strength
package password

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/strength"
)

// Policy judges the password that stands under Field.
type Policy struct {
	policy.Base
	Field         string `json:"password_field" default:"password" help:"The key of the prompt that holds the new password."`
	Digits        int64  `json:"amount_digits" default:"0" min:"0" max:"2147483647" help:"How many digits at least."`
	Upper         int64  `json:"amount_uppercase" default:"0" min:"0" max:"2147483647" help:"How many capital letters at least."`
	Lower         int64  `json:"amount_lowercase" default:"0" min:"0" max:"2147483647" help:"How many small letters at least."`
	Symbols       int64  `json:"amount_symbols" default:"0" min:"0" max:"2147483647" help:"How many symbols at least."`
	Length        int64  `json:"length_min" default:"0" min:"0" max:"2147483647" help:"How many characters at least."`
	Charset       string `json:"symbol_charset" is:"raw" help:"What counts as a symbol."`
	Message       string `json:"error_message" is:"blank" default:"" help:"What people read when a rule above is not met."`
	Static        bool   `json:"check_static_rules" default:"true" help:"Apply the rules above."`
	Leaked        bool   `json:"check_have_i_been_pwned" default:"false" help:"Look the password up in the lists of leaked passwords of haveibeenpwned.com. Only the first five digits of its hash leave the house. While the lists can't be reached no password is accepted."`
	Strength      bool   `json:"check_zxcvbn" default:"false" help:"Guess how hard the password is to guess."`
	LeakedAllowed int64  `json:"hibp_allowed_count" default:"0" min:"0" max:"2147483647" help:"On how many lists a password may be."`
	MinScore      int64  `json:"zxcvbn_score_threshold" default:"2" min:"0" max:"2147483647" help:"A password with this score or a lower one is too weak; the scores go from 0 to 4."`

	d *Deps
	l *lists
}

// symbols is what counts as a symbol when nothing else is said.
const symbols = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "

// Deps is what the policy needs.
type Deps struct {
	Store  *store.Store
	Client *http.Client
	// Range is the address of the lists of leaked passwords, "" for the public one.
	Range string
	// Brand gives the title of the house, which whoever guesses knows; nil for none.
	Brand func(ctx context.Context) (string, error)
}

// Kind is how the house knows this policy.
func Kind(d Deps) *kind.Kind {
	if d.Range == "" {
		d.Range = publicRange
	}
	l := &lists{d: &d}
	return policy.New(d.Store, kind.Spec{
		Path: "policies/password", Model: "authentik_policies_password.passwordpolicy", Schema: "PasswordPolicy", Title: "Password Policy", Plural: "Password Policies",
		Component: "ak-policy-password-form", About: "Ask whether a new password is good enough.",
	}, func() *Policy { return &Policy{Charset: symbols, d: &d, l: l} })
}

// Passes implements policy.Policy. The first rule that is not met tells why.
func (p *Policy) Passes(ctx context.Context, r *policy.Request) (policy.Result, error) {
	word, ok := p.word(r.Context)
	if !ok {
		return no("Password not set in context"), nil
	}
	if p.Static && !p.meets(word) {
		return no(p.Message), nil
	}
	if p.Leaked {
		n, err := p.l.count(ctx, word)
		if err != nil { // whoever tries the policy out reads why
			line := policy.LogEvent{Timestamp: time.Now().UTC(), LogLevel: "error", Logger: p.Name, Event: err.Error(), Attributes: map[string]any{}}
			return policy.Result{Logs: []policy.LogEvent{line}}, err
		}
		if n > p.LeakedAllowed {
			return no(fmt.Sprintf("Password exists on %d online lists.", n)), nil
		}
	}
	if p.Strength {
		return p.strong(ctx, r, word)
	}
	return policy.Result{Passing: true}, nil
}

// strong says whether a password is hard enough to guess, and what would make it better.
func (p *Policy) strong(ctx context.Context, r *policy.Request, word string) (policy.Result, error) {
	var known []string
	if r.User != nil && r.User.PK != 0 {
		known = append(known, r.User.Username, r.User.Name, r.User.Email)
	}
	if p.d.Brand != nil {
		title, err := p.d.Brand(ctx)
		if err != nil {
			return policy.Result{}, err
		}
		known = append(known, title)
	}
	s, err := strength.Of(word, known...)
	if err != nil {
		return policy.Result{}, err
	}
	if int64(s.Score) > p.MinScore {
		return policy.Result{Passing: true, Raw: s.Score}, nil
	}
	return policy.Result{Messages: append([]string{"Password is too weak."}, s.Suggestions...), Raw: s.Score}, nil
}

func no(message string) policy.Result { return policy.Result{Messages: []string{message}} }

// word gives the password: of the prompts, else of the context itself.
func (p *Policy) word(c map[string]any) (string, bool) {
	if data, ok := c["prompt_data"].(map[string]any); ok {
		if s, ok := data[p.Field].(string); ok {
			return s, true
		}
	}
	s, ok := c[p.Field].(string)
	return s, ok
}

// meets says whether a password has what the rules ask for. Letters and digits are those of ASCII.
func (p *Policy) meets(word string) bool {
	count := func(is func(c rune) bool) (n int64) {
		for _, c := range word {
			if is(c) {
				n++
			}
		}
		return n
	}
	return int64(utf8.RuneCountInString(word)) >= p.Length &&
		count(func(c rune) bool { return '0' <= c && c <= '9' }) >= p.Digits &&
		count(func(c rune) bool { return 'A' <= c && c <= 'Z' }) >= p.Upper &&
		count(func(c rune) bool { return 'a' <= c && c <= 'z' }) >= p.Lower &&
		count(func(c rune) bool { return strings.ContainsRune(p.Charset, c) }) >= p.Symbols
}
