package strength

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trustelem/zxcvbn/frequency"
	"github.com/trustelem/zxcvbn/scoring"
)

// TestReference compares with what zxcvbn 4.4.2 itself says of the same passwords: scores, guesses and suggestions.
func TestReference(t *testing.T) {
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		Year  int
		Cases []struct {
			P string
			U []string
			G float64
			S int
			F []string
		}
	}
	if err := json.Unmarshal(b, &ref); err != nil {
		t.Fatal(err)
	}
	if len(ref.Cases) < 700 {
		t.Fatalf("only %d cases", len(ref.Cases))
	}
	now := scoring.ReferenceYear
	scoring.ReferenceYear = ref.Year // a year counts by how far it is from the one in which the reference was made
	t.Cleanup(func() { scoring.ReferenceYear = now })
	for _, c := range ref.Cases {
		if c.P == "Ада" {
			continue // zxcvbn takes small letters of other scripts for capitals
		}
		got, err := Of(c.P, c.U...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.F { // ours end with a full stop
			c.F[i] = strings.TrimSuffix(c.F[i], ".") + "."
		}
		if got.Score != c.S || math.Abs(got.Guesses-c.G) > c.G*1e-9 || !slices.Equal(got.Suggestions, c.F) {
			t.Errorf("%q %q: score %d, %g guesses, %q; want %d, %g, %q", c.P, c.U, got.Score, got.Guesses, got.Suggestions, c.S, c.G, c.F)
		}
	}
}

// TestWords holds that the packed lists are those of the module.
func TestWords(t *testing.T) {
	b, err := unpack()
	if err != nil {
		t.Fatal(err)
	}
	words, n := b.words, 0
	for list, ws := range frequency.FrequencyLists {
		for i, w := range ws {
			if words[w] != (place{list, i + 1}) {
				t.Fatalf("%q: %v, want %s %d", w, words[w], list, i+1)
			}
			n++
		}
	}
	if n != len(words) {
		t.Errorf("%d words of %d", len(words), n)
	}
}

// TestForget holds that the lists are not there before a password is judged, and go again.
func TestForget(t *testing.T) {
	forget()
	if unpacked.book != nil {
		t.Fatal("the lists stay")
	}
	if _, err := Of("x"); err != nil || unpacked.book == nil {
		t.Fatal("no lists")
	}
	forget()
	if r, err := Of("password"); err != nil || r.Score != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestBounds holds that what comes from anybody is judged in bounded time, and only its first characters.
func TestBounds(t *testing.T) {
	for name, p := range map[string]string{
		"substitutions": strings.Repeat("4@8({[<3691!|70$5+%2", 500), "repeats": strings.Repeat("ab", 50_000), "scripts": strings.Repeat("密码пароль", 1000),
		"one character": strings.Repeat("a", 1_000_000), "no text": strings.Repeat("\xff\x80", 200), "zeros": strings.Repeat("\x00", 200),
	} {
		began := time.Now()
		r, err := Of(p, strings.Repeat("x", 10_000), "", "\xff")
		if err != nil || r.Score < 0 || r.Score > 4 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s takes %s", name, took)
		}
	}
	long, _ := Of(strings.Repeat("a", Longest) + "Xk7!qz9#mW2$")
	short, _ := Of(strings.Repeat("a", Longest))
	if long.Guesses != short.Guesses {
		t.Error("what comes after the hundredth character counts")
	}
}

// FuzzOf: any password gets a mark.
func FuzzOf(f *testing.F) {
	for _, s := range []string{"", "password", "aabaab", "13.7.1999", "\xff\x00", "Zürich密码", "p@$$w0rd", "1/1/91"} {
		f.Add(s, "ada")
	}
	f.Fuzz(func(t *testing.T, password, known string) {
		r, err := Of(password, known)
		if err != nil || r.Score < 0 || r.Score > 4 || math.IsNaN(r.Guesses) {
			t.Errorf("%+v %v", r, err)
		}
	})
}
