package strength

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/trustelem/zxcvbn/adjacency"
	"github.com/trustelem/zxcvbn/match"
	"github.com/trustelem/zxcvbn/scoring"
)

const shifted = `~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?`

// spatial finds keys that lie side by side, three of them at least.
func spatial(p password) (out []*match.Match) {
	for _, name := range []string{"qwerty", "dvorak", "keypad", "mac_keypad"} {
		g := adjacency.Graphs[name]
		letters := name == "qwerty" || name == "dvorak"
		for i := 0; i < len(p.text)-1; {
			m := &match.Match{Pattern: "spatial", I: i, Graph: name}
			if letters && strings.IndexByte(shifted, p.text[i]) >= 0 {
				m.ShiftedCount = 1
			}
			j, last := i+1, -1
			for ; j < len(p.text); j++ {
				direction, place := beside(g.Graph[p.text[j-1:j]], p.text[j])
				if direction < 0 {
					break
				}
				if place == 1 { // the second character of a key is its shifted one
					m.ShiftedCount++
				}
				if direction != last {
					m.Turns++
					last = direction
				}
			}
			if j-i > 2 {
				m.J, m.Token = j-1, p.text[i:j]
				out = append(out, m)
			}
			i = j
		}
	}
	return out
}

// beside says in which direction a key with the character lies, and which of its characters it is; -1 for none.
func beside(keys []string, c byte) (direction, place int) {
	for d, key := range keys {
		if at := strings.IndexByte(key, c); at >= 0 {
			return d, at
		}
	}
	return -1, -1
}

// sequences finds characters at equal steps of the alphabet: abc, 97531.
func sequences(p password) (out []*match.Match) {
	const widest = 5
	add := func(i, j, step int) {
		if n := max(step, -step); (j-i > 1 || n == 1) && n > 0 && n <= widest {
			out = append(out, &match.Match{Pattern: "sequence", I: i, J: j, Token: p.text[i : j+1], Ascending: step > 0})
		}
	}
	if len(p.runes) < 2 {
		return nil
	}
	i, last := 0, int(p.runes[1]-p.runes[0])
	for k := 2; k < len(p.runes); k++ {
		step := int(p.runes[k] - p.runes[k-1])
		if step == last {
			continue
		}
		add(i, k-1, last)
		i, last = k-1, step
	}
	add(i, len(p.runes)-1, last)
	return out
}

// repeats finds what is written twice or more in a row.
func (f *finder) repeats(p password, a *alphabet) (out []*match.Match) {
	s := p.text
	for from := 0; from < len(s); {
		i, base, n := repeat(s, from)
		if base == 0 {
			return out
		}
		best := f.best(p.runes[i:i+base], a)
		out = append(out, &match.Match{
			Pattern: "repeat", I: i, J: i + n - 1, Token: s[i : i+n], BaseToken: s[i : i+base],
			BaseGuesses: best.Guesses, BaseMatches: best.Sequence, RepeatCount: n / base,
		})
		from = i + n
	}
	return out
}

// repeat gives the first place from which on something is repeated, how long what is repeated is and how long all of it; base 0 for
// nothing. The longest that is repeated counts when it covers more than the shortest.
func repeat(s string, from int) (i, base, n int) {
	for i = from; i < len(s)-1; i++ {
		line := s[i:]
		if end := strings.IndexByte(line, '\n'); end >= 0 {
			line = line[:end] // nothing is repeated across lines
		}
		short, shortN, long, longN := 0, 0, 0, 0
		for l := 1; 2*l <= len(line); l++ {
			all := l
			for all+l <= len(line) && line[all:all+l] == line[:l] {
				all += l
			}
			if all == l {
				continue
			}
			if short == 0 {
				short, shortN = l, all
			}
			long, longN = l, all
		}
		switch {
		case short == 0:
		case longN > shortN:
			for l := 1; l <= long; l++ { // the longest may be a repetition itself
				if longN%l == 0 && strings.Repeat(line[:l], longN/l) == line[:longN] {
					return i, l, longN
				}
			}
		default:
			return i, short, shortN
		}
	}
	return 0, 0, 0
}

var recent = regexp.MustCompile(`19\d\d|200\d|201\d`)

// years finds years that are not long ago.
func years(p password) (out []*match.Match) {
	for _, at := range recent.FindAllStringIndex(p.text, -1) {
		out = append(out, &match.Match{Pattern: "regex", I: at[0], J: at[1] - 1, Token: p.text[at[0]:at[1]], RegexName: "recent_year"})
	}
	return out
}

// splits are the ways to read digits without separators as three numbers, by how many there are.
var splits = map[int][][2]int{
	4: {{1, 2}, {2, 3}}, 5: {{1, 3}, {2, 3}}, 6: {{1, 2}, {2, 4}, {4, 5}}, 7: {{1, 3}, {2, 3}, {4, 5}, {4, 6}}, 8: {{2, 4}, {4, 6}},
}

var dated = regexp.MustCompile(`^(\d{1,4})([\s/\\_.-])(\d{1,2})([\s/\\_.-])(\d{1,4})$`)

// dates finds dates with and without separators, those within longer ones left out.
func dates(p password) []*match.Match {
	var all, out []*match.Match
	for i := range len(p.text) {
		for j := i + 4; j <= len(p.text) && j-i <= 10; j++ {
			token := p.text[i:j]
			year, separator := 0, ""
			if digits(token) {
				best := -1
				for _, s := range splits[len(token)] {
					if y := date(token[:s[0]], token[s[0]:s[1]], token[s[1]:]); y != 0 {
						if far := max(y-scoring.ReferenceYear, scoring.ReferenceYear-y); best < 0 || far < best {
							best, year = far, y
						}
					}
				}
			} else if m := dated.FindStringSubmatch(token); m != nil && m[2] == m[4] && len(token) >= 6 {
				year, separator = date(m[1], m[3], m[5]), m[2]
			}
			if year != 0 {
				all = append(all, &match.Match{Pattern: "date", I: i, J: j - 1, Token: token, Separator: separator, Year: year})
			}
		}
	}
	for _, m := range all {
		within := false
		for _, o := range all {
			within = within || o != m && o.I <= m.I && o.J >= m.J
		}
		if !within {
			out = append(out, m)
		}
	}
	return out
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// date gives the year of three numbers that are a date with the year at one end, 0 when they are none.
func date(a, b, c string) int {
	var n [3]int
	over31, over12, under1 := 0, 0, 0
	for i, s := range []string{a, b, c} {
		v, err := strconv.Atoi(s)
		if err != nil || 99 < v && v < 1000 || v > 2050 {
			return 0
		}
		n[i] = v
		if v > 31 {
			over31++
		}
		if v > 12 {
			over12++
		}
		if v <= 0 {
			under1++
		}
	}
	if n[1] > 31 || n[1] <= 0 || over31 >= 2 || over12 == 3 || under1 >= 2 {
		return 0
	}
	ends := [][3]int{{n[2], n[0], n[1]}, {n[0], n[1], n[2]}} // year, and the two others
	for _, e := range ends {
		if e[0] >= 1000 {
			if dayAndMonth(e[1], e[2]) {
				return e[0]
			}
			return 0
		}
	}
	for _, e := range ends {
		if dayAndMonth(e[1], e[2]) {
			switch y := e[0]; {
			case y > 50:
				return y + 1900
			default:
				return y + 2000
			}
		}
	}
	return 0
}

// dayAndMonth says whether two numbers are a day and a month, in whatever order.
func dayAndMonth(a, b int) bool {
	return 1 <= a && a <= 31 && 1 <= b && b <= 12 || 1 <= b && b <= 31 && 1 <= a && a <= 12
}
