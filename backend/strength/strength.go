// Package strength tells how hard a password is to guess, as zxcvbn does (Wheeler, "zxcvbn: Low-Budget Password Strength Estimation",
// USENIX Security 2016).
//
//	password ─▶ matches: words, keys side by side, repeats, sequences, dates ─▶ the cheapest way to guess it ─▶ Score, Suggestions
//
// What matches weigh comes from github.com/trustelem/zxcvbn. Its package that finds them builds its word lists at every start and keeps
// them, some 10 MB; here they stay packed until a password is asked about, and go again when nobody asks.
package strength

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/trustelem/zxcvbn/match"
	"github.com/trustelem/zxcvbn/scoring"
)

// Longest is how many characters of a password are looked at.
const Longest = 100

// Result is what is known of a password.
type Result struct {
	Score       int      // 0 (guessed at once) to 4 (hard to guess)
	Guesses     float64  // how many guesses it takes
	Suggestions []string // what would make it better; none from score 3 on
}

// Of judges a password. known are words that whoever guesses knows too: the person's name, that of the house.
func Of(password string, known ...string) (Result, error) {
	b, err := lists()
	if err != nil {
		return Result{}, err
	}
	plain := &alphabet{codes: map[rune]byte{}}
	f := &finder{book: b}
	for _, w := range known {
		f.known = append(f.known, plain.lower([]rune(w)))
	}
	r := []rune(password)
	r = r[:min(len(r), Longest)]
	best := f.best(r, plain)
	out := Result{Guesses: best.Guesses, Score: score(best.Guesses)}
	out.Suggestions = suggest(out.Score, best.Sequence)
	return out, nil
}

// score gives the mark of a number of guesses.
func score(guesses float64) int {
	const delta = 5 // what a sole match adds
	for i, most := range []float64{1e3, 1e6, 1e8, 1e10} {
		if guesses < most+delta {
			return i
		}
	}
	return 4
}

// alphabet writes each character as one byte, so that places and lengths count characters as the estimate does. What is not ASCII gets a
// byte of its own above it; of the sixty-fifth of them on several share one.
type alphabet struct{ codes map[rune]byte }

func (a *alphabet) code(c rune) byte {
	if c < 0x80 {
		return byte(c)
	}
	b, ok := a.codes[c]
	if !ok {
		b = 0x80 + byte(len(a.codes)%64)
		a.codes[c] = b
	}
	return b
}

func (a *alphabet) text(r []rune) string {
	b := make([]byte, len(r))
	for i, c := range r {
		b[i] = a.code(c)
	}
	return string(b)
}

func (a *alphabet) lower(r []rune) string {
	b := make([]byte, len(r))
	for i, c := range r {
		b[i] = a.code(unicode.ToLower(c))
	}
	return string(b)
}

var (
	startUpper = regexp.MustCompile(`^[A-Z][^A-Z]+$`)
	allUpper   = regexp.MustCompile(`^[^a-z]+$`)
)

// suggest gives what would make a password better, by the longest of the matches that give it away.
func suggest(score int, sequence []*match.Match) []string {
	if len(sequence) == 0 {
		return []string{"Use a few words, avoid common phrases.", "No need for symbols, digits, or uppercase letters."}
	}
	if score > 2 {
		return nil
	}
	longest := sequence[0]
	for _, m := range sequence[1:] {
		if len(m.Token) > len(longest.Token) {
			longest = m
		}
	}
	return append([]string{"Add another word or two. Uncommon words are better."}, about(longest)...)
}

func about(m *match.Match) (out []string) {
	switch m.Pattern {
	case "spatial":
		return []string{"Use a longer keyboard pattern with more turns."}
	case "repeat":
		return []string{"Avoid repeated words and characters."}
	case "sequence":
		return []string{"Avoid sequences."}
	case "regex":
		return []string{"Avoid recent years.", "Avoid years that are associated with you."}
	case "date":
		return []string{"Avoid dates and years that are associated with you."}
	case "dictionary":
		if startUpper.MatchString(m.Token) {
			out = append(out, "Capitalization doesn't help very much.")
		} else if allUpper.MatchString(m.Token) && strings.ContainsFunc(m.Token, func(c rune) bool { return 'A' <= c && c <= 'Z' }) {
			out = append(out, "All-uppercase is almost as easy to guess as all-lowercase.")
		}
		if m.Reversed && len(m.Token) >= 4 {
			out = append(out, "Reversed words aren't much harder to guess.")
		}
		if m.L33t {
			out = append(out, "Predictable substitutions like '@' instead of 'a' don't help very much.")
		}
	}
	return out
}

// best gives the cheapest way to guess a password.
func (f *finder) best(r []rune, a *alphabet) scoring.Result {
	p := password{text: a.text(r), lower: a.lower(r), runes: r}
	var all []*match.Match
	for _, find := range []func(password) []*match.Match{f.dictionary, f.reversed, f.substituted, spatial, sequences, years, dates} {
		all = append(all, find(p)...)
	}
	all = append(all, f.repeats(p, a)...)
	match.Sort(all)
	return scoring.MostGuessableMatchSequence(p.text, all, false)
}
