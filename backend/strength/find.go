package strength

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trustelem/zxcvbn/match"
)

// password is the text under judgement: as it is, in small letters, and as the characters that were typed.
type password struct {
	text, lower string
	runes       []rune
}

// finder finds words: those of the lists, and those that whoever guesses knows.
type finder struct {
	*book
	known []string // in small letters; the rank is one more than the place
}

// dictionary finds words of the lists.
func (f *finder) dictionary(p password) []*match.Match { return f.in(p.text, p.lower) }

func (f *finder) in(text, lower string) (out []*match.Match) {
	found := func(i, j int, list string, rank int) {
		out = append(out, &match.Match{Pattern: "dictionary", I: i, J: j - 1, Token: text[i:j], MatchedWord: lower[i:j], Rank: rank, DictionaryName: list})
	}
	for i := range len(lower) {
		rest := lower[i:]
		longest := min(len(rest), head)
		if len(rest) > head {
			longest = min(len(rest), max(head, f.heads[rest[:head]]))
		}
		for n := 1; n <= longest; n++ {
			if at, ok := f.words[rest[:n]]; ok {
				found(i, i+n, at.list, at.rank)
			}
		}
		for k, w := range f.known {
			if w != "" && strings.HasPrefix(rest, w) && !slices.Contains(f.known[k+1:], w) {
				found(i, i+len(w), "user_inputs", k+1)
			}
		}
	}
	return out
}

// reversed finds words that are written backwards.
func (f *finder) reversed(p password) []*match.Match {
	n := len(p.text)
	out := f.in(backwards(p.text), backwards(p.lower))
	for _, m := range out {
		m.Token, m.Reversed = backwards(m.Token), true
		m.I, m.J = n-1-m.J, n-1-m.I
	}
	return out
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// stands are the characters that people write for letters, by letter.
var stands = []struct {
	letter byte
	by     string
}{
	{'a', "4@"}, {'b', "8"}, {'c', "({[<"}, {'e', "3"}, {'g', "69"}, {'i', "1!|"}, {'l', "1|7"}, {'o', "0"}, {'s', "$5"}, {'t', "+7"}, {'x', "%"}, {'z', "2"},
}

// substituted finds words in which characters stand for letters.
func (f *finder) substituted(p password) (out []*match.Match) {
	seen := map[string]bool{} // several readings of a password give the same word the same way
	for _, sub := range readings(p.text) {
		read := []byte(p.lower)
		for i, c := range read {
			if letter, ok := sub[c]; ok {
				read[i] = letter
			}
		}
		for _, m := range f.in(p.text, string(read)) {
			if m.J == m.I || p.lower[m.I:m.J+1] == m.MatchedWord {
				continue // a single character stands for too much, and nothing was substituted in the other
			}
			m.L33t, m.Sub = true, map[string]string{}
			key := []byte(strconv.Itoa(m.I) + m.DictionaryName + m.MatchedWord)
			for _, s := range stands {
				for _, by := range []byte(s.by) {
					if sub[by] == s.letter && strings.IndexByte(m.Token, by) >= 0 {
						m.Sub[string(rune(by))] = string(rune(s.letter))
						key = append(key, by, s.letter)
					}
				}
			}
			if !seen[string(key)] {
				seen[string(key)] = true
				out = append(out, m)
			}
		}
	}
	return out
}

// readings gives every way to read the characters of a password as letters: each character as one letter, and for each letter one of the
// characters that stand for it.
func readings(text string) []map[byte]byte {
	type pair struct{ by, letter byte }
	subs := [][]pair{{}}
	for _, s := range stands {
		var next [][]pair
		have := map[string]bool{}
		add := func(sub []pair) {
			slices.SortFunc(sub, func(a, b pair) int { return int(a.by) - int(b.by) })
			var key []byte
			for _, p := range sub {
				key = append(key, p.by, p.letter)
			}
			if !have[string(key)] {
				have[string(key)] = true
				next = append(next, sub)
			}
		}
		used := false
		for _, by := range []byte(s.by) {
			if strings.IndexByte(text, by) < 0 {
				continue
			}
			used = true
			for _, sub := range subs {
				at := slices.IndexFunc(sub, func(p pair) bool { return p.by == by })
				if at < 0 {
					add(append(slices.Clone(sub), pair{by, s.letter}))
					continue
				}
				add(slices.Clone(sub))
				add(append(slices.Delete(slices.Clone(sub), at, at+1), pair{by, s.letter}))
			}
		}
		if used {
			subs = next
		}
	}
	var out []map[byte]byte
	for _, sub := range subs {
		if len(sub) == 0 {
			continue
		}
		m := map[byte]byte{}
		for _, p := range sub {
			m[p.by] = p.letter
		}
		out = append(out, m)
	}
	return out
}
