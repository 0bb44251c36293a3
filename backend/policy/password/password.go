// Package password is the policy that asks whether a new password is good enough.
//
//	prompt_data[field] ─▶ rules of its characters ─▶ lists of leaked passwords ─▶ strength
package password

import (
	"bufio"
	"context"
	"crypto/sha1" // the list of leaked passwords is kept by SHA-1
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
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
	Leaked        bool   `json:"check_have_i_been_pwned" default:"false" help:"Look the password up in the lists of leaked passwords of haveibeenpwned.com. Only the first five digits of its hash leave the house."`
	Strength      bool   `json:"check_zxcvbn" default:"false" help:"Guess how hard the password is to guess."`
	LeakedAllowed int64  `json:"hibp_allowed_count" default:"0" min:"0" max:"2147483647" help:"On how many lists a password may be."`
	MinScore      int64  `json:"zxcvbn_score_threshold" default:"2" min:"0" max:"2147483647" help:"A password with this score or a lower one is too weak; the scores go from 0 to 4."`

	d *Deps
}

// symbols is what counts as a symbol when nothing else is said.
const symbols = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "

// Deps is what the policy needs.
type Deps struct {
	Store  *store.Store
	Client *http.Client
	// Range is the address of the lists of leaked passwords, "" for the public one.
	Range string
}

// publicRange answers with the hashes that begin with five digits, and on how many lists each is.
const publicRange = "https://api.pwnedpasswords.com/range/"

// Kind is how the house knows this policy.
func Kind(d Deps) *kind.Kind {
	if d.Range == "" {
		d.Range = publicRange
	}
	return policy.New(d.Store, kind.Spec{
		Path: "policies/password", Model: "authentik_policies_password.passwordpolicy", Schema: "PasswordPolicy", Title: "Password Policy", Plural: "Password Policies",
		Component: "ak-policy-password-form", About: "Ask whether a new password is good enough.",
	}, func() *Policy { return &Policy{Charset: symbols, d: &d} })
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
		n, err := p.leaks(ctx, word)
		if err != nil {
			return policy.Result{}, err
		}
		if n > p.LeakedAllowed {
			return no(fmt.Sprintf("Password exists on %d online lists.", n)), nil
		}
	}
	if p.Strength {
		return policy.Result{}, fault.New(fault.Unavailable, "The strength of a password can't be measured yet. An admin can turn that rule off.")
	}
	return policy.Result{Passing: true}, nil
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

// longestRange bounds what is read of an answer: about 2,000 lines of 40 bytes come.
const longestRange = 1 << 20

// leaks gives on how many lists a password is. Five of the forty digits of its hash are sent, and the answer is padded, so that nobody
// on the way learns which hash was looked for.
func (p *Policy) leaks(ctx context.Context, word string) (int64, error) {
	sum := sha1.Sum([]byte(word))
	hash := strings.ToUpper(hex.EncodeToString(sum[:]))
	failed := func(err error) error {
		return fault.Wrap(fault.Unavailable, "The lists of leaked passwords can't be asked now. Try again later.", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.d.Range+hash[:5], nil)
	if err != nil {
		return 0, failed(err)
	}
	req.Header.Set("Add-Padding", "true")
	resp, err := p.d.Client.Do(req)
	if err != nil {
		return 0, failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, failed(fmt.Errorf("the lists answered %s", resp.Status))
	}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, longestRange))
	for lines.Scan() {
		rest, n, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if !ok || !strings.EqualFold(rest, hash[5:]) {
			continue
		}
		count, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		if err != nil {
			return 0, failed(err)
		}
		return count, nil
	}
	if err := lines.Err(); err != nil {
		return 0, failed(err)
	}
	return 0, nil
}
