package password

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
	"gatehouse/backend/policy"
	"gatehouse/backend/user"
)

func ask(t *testing.T, p *Policy, c map[string]any) (bool, string, error) {
	t.Helper()
	r, err := p.Passes(t.Context(), &policy.Request{Context: c})
	return r.Passing, strings.Join(r.Messages, " "), err
}

func fresh(d Deps) *Policy { return Kind(d).New().(*Policy) }

func TestWhereThePasswordIs(t *testing.T) {
	p := fresh(Deps{})
	for _, tt := range []struct {
		name string
		c    map[string]any
		want string
	}{
		{"nowhere", nil, "Password not set in context"},
		{"no text", map[string]any{"password": 7, "prompt_data": "x"}, "Password not set in context"},
		{"in the context", map[string]any{"password": "x"}, ""},
		{"in the prompts", map[string]any{"prompt_data": map[string]any{"password": "x"}}, ""},
		{"in other prompts", map[string]any{"prompt_data": map[string]any{"password_repeat": "x"}}, "Password not set in context"},
	} {
		ok, say, err := ask(t, p, tt.c)
		if err != nil || ok != (tt.want == "") || say != tt.want {
			t.Errorf("%s: %t %q %v", tt.name, ok, say, err)
		}
	}
}

// The example of the published tests: each rule by itself refuses with the configured message.
func TestStaticRules(t *testing.T) {
	p := fresh(Deps{})
	p.Digits, p.Upper, p.Lower, p.Symbols, p.Length, p.Message = 1, 2, 3, 3, 24, "too simple"
	for word, want := range map[string]bool{
		"test":                              false,
		"TTesttttttttttttttttttttttt!!!":    false, // no digit
		"ttttttttttttttttttttttttt1!!!T":    false, // one capital
		"TTTTTTTTTTTTTTTTTTTTTTTTTT1!!!tt":  false, // two small
		"TTtttttttttttttttttttttttt1!!":     false, // two symbols
		"TTttt1!!!":                         false, // short
		"TTtttttttttttttttttttttt1!!!":      true,
		"ÄÖttttttttttttttttttttttt1!!!":     false, // letters beyond ASCII are no capitals
		"TTttttttttttttttttttttttt1\\ |":    true,  // backslash, space and bar are symbols
		"TTttttttttttttttttttttttt١!!!":     false, // nor are digits of other scripts digits
		"TTttt1!!!ääääääääääääääää":         true,  // length counts characters
		"TTttt1!!!ääääääää":                 false,
		"TTttttttttttttttttttttttttttt1§§§": false, // no symbol of the set
	} {
		ok, say, err := ask(t, p, map[string]any{"password": word})
		if err != nil || ok != want || !want && say != "too simple" {
			t.Errorf("%q: %t %q %v", word, ok, say, err)
		}
	}
	p.Static = false
	if ok, _, _ := ask(t, p, map[string]any{"password": "x"}); !ok {
		t.Error("rules that are off count")
	}
}

// A password passes when its score is above the threshold; else people read what would make it better. What is known of the person counts
// as known to whoever guesses.
func TestStrength(t *testing.T) {
	ada := &user.User{PK: 7, Username: "krzyzanowska", Name: "Ada Zdunek-Mollerup", Email: "ada@qtzvbx.example"}
	for _, tt := range []struct {
		name      string
		word      string
		who       *user.User
		threshold int64
		want      string // "" passes
	}{
		{"weak", "password", nil, 2, "Password is too weak.|Add another word or two. Uncommon words are better."},
		{"substituted", "P@ssw0rd", nil, 2, "Password is too weak.|Add another word or two. Uncommon words are better.|Capitalization doesn't help very much.|Predictable substitutions like '@' instead of 'a' don't help very much."},
		{"strong", "correct horse battery staple", nil, 2, ""},
		{"at the threshold", "p@ssword", nil, 0, "Password is too weak.|Add another word or two. Uncommon words are better.|Predictable substitutions like '@' instead of 'a' don't help very much."},
		{"above it", "krzyzanowska", nil, 3, ""},
		{"their name", "krzyzanowska", ada, 3, "Password is too weak.|Add another word or two. Uncommon words are better."},
		{"their whole name", "ada zdunek-mollerup", ada, 3, "Password is too weak.|Add another word or two. Uncommon words are better."},
		{"their address", "ada@qtzvbx.example", ada, 3, "Password is too weak.|Add another word or two. Uncommon words are better."},
		{"a person without an account is nobody", "krzyzanowska", &user.User{Username: "krzyzanowska"}, 3, ""},
		{"the house", "Quorbexia Widgets", nil, 3, "Password is too weak.|Add another word or two. Uncommon words are better."},
		{"no score is enough", "correct horse battery staple", nil, 4, "Password is too weak."},
		{"only the first hundred characters", strings.Repeat("a", 100) + "Xk7!qz9#mW2$", nil, 2, "Password is too weak.|Add another word or two. Uncommon words are better.|Avoid repeated words and characters."},
	} {
		p := fresh(Deps{Brand: func(context.Context) (string, error) { return "quorbexia widgets", nil }})
		p.Strength, p.MinScore = true, tt.threshold
		r, err := p.Passes(t.Context(), &policy.Request{User: tt.who, Context: map[string]any{"password": tt.word}})
		if say := strings.Join(r.Messages, "|"); err != nil || r.Passing != (tt.want == "") || say != tt.want {
			t.Errorf("%s: %t %q (score %v) %v", tt.name, r.Passing, say, r.Raw, err)
		}
	}
	p := fresh(Deps{Brand: func(context.Context) (string, error) { return "", errors.New("no brand") }})
	p.Strength = true
	if ok, _, err := ask(t, p, map[string]any{"password": "correct horse battery staple"}); ok || err == nil {
		t.Error("passes though the brand can't be read")
	}
}

func digits(word string) string {
	sum := sha1.Sum([]byte(word))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func TestLeakedPasswords(t *testing.T) {
	var asked []string
	answer := func(string) (int, string) { return 200, "" }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		if r.Header.Get("Add-Padding") != "true" {
			t.Error("the answer's length tells what was looked for")
		}
		code, body := answer(r.URL.Path[len("/range/"):])
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	own := outbound.New(outbound.Options{Allow: allow(t, "127.0.0.1")})
	asking := func() *Policy {
		p := fresh(Deps{Client: own, Range: s.URL + "/range/"})
		p.Leaked = true
		return p
	}
	const word = "password"
	line := func(n string) string { return digits(word)[5:] + ":" + n }
	for _, tt := range []struct {
		name    string
		code    int
		body    string
		allowed int64
		want    string // "" passes, "!" can't be told
	}{
		{"on no list", 200, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n", 0, ""},
		{"an empty answer", 200, "", 0, ""},
		{"on three", 200, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n" + line("3") + "\r\n", 0, "Password exists on 3 online lists."},
		{"in small letters", 200, strings.ToLower(line("3")), 0, "Password exists on 3 online lists."},
		{"as many as are allowed", 200, line("3"), 3, ""},
		{"padding", 200, line("0"), 0, ""},
		{"an error of theirs", 503, "", 0, "!"},
		{"a redirect that leads nowhere", 302, "", 0, "!"},
		{"nonsense where the number is", 200, line("many"), 0, "!"},
		{"a line without an end", 200, strings.Repeat("A", 1<<20), 0, "!"},
	} {
		p := asking()
		asked, p.LeakedAllowed = nil, tt.allowed
		answer = func(string) (int, string) { return tt.code, tt.body }
		ok, say, err := ask(t, p, map[string]any{"password": word})
		switch {
		case tt.want == "!":
			if ok || !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: %t %v", tt.name, ok, err)
			}
		case err != nil || ok != (tt.want == "") || say != tt.want:
			t.Errorf("%s: %t %q %v", tt.name, ok, say, err)
		}
		if want := "/range/" + digits(word)[:5]; len(asked) != 1 || asked[0] != want {
			t.Errorf("%s: asked %q", tt.name, asked)
		}
	}
	// An answer is remembered, an error is not.
	p := asking()
	asked, answer = nil, func(string) (int, string) { return 503, "" }
	_, _, _ = ask(t, p, map[string]any{"password": word})
	answer = func(string) (int, string) { return 200, line("3") }
	for range 3 {
		if _, say, _ := ask(t, p, map[string]any{"password": word}); say != "Password exists on 3 online lists." {
			t.Errorf("%q", say)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked %q", asked)
	}
	for i := range 2 * mostRanges {
		_, _, _ = ask(t, p, map[string]any{"password": "other " + string(rune('a'+i))})
	}
	if n := len(p.l.ranges); n != mostRanges {
		t.Errorf("%d answers are remembered", n)
	}
	asked = nil
	if _, _, _ = ask(t, p, map[string]any{"password": word}); len(asked) != 1 {
		t.Error("the oldest answer stays")
	}

	p = asking()
	p.Digits, p.Message = 1, "no digit"
	asked = nil
	if _, say, _ := ask(t, p, map[string]any{"password": word}); say != "no digit" || len(asked) != 0 {
		t.Errorf("the first rule that is not met tells why: %q, asked %v", say, asked)
	}
	p = asking()
	p.Strength = true
	if _, say, _ := ask(t, p, map[string]any{"password": word}); say != "Password exists on 3 online lists." {
		t.Errorf("the lists come before the strength: %q", say)
	}
	s.Close()
	if ok, _, err := ask(t, asking(), map[string]any{"password": word}); ok || !fault.Is(err, fault.Unavailable) || strings.Contains(fault.As(err).Say, "127.0.0.1") || !strings.Contains(err.Error(), "refuses the connection") {
		t.Errorf("without the lists: %t %v", ok, err)
	}
	if _, _, err := ask(t, asking(), map[string]any{"password": word}); strings.Contains(err.Error(), digits(word)[:5]) {
		t.Errorf("the log tells what was looked for: %v", err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if r, err := asking().Passes(gone, &policy.Request{Context: map[string]any{"password": word}}); err == nil || r.Passing {
		t.Error("a deadline that is over lets pass")
	}
	// A client without leave does not ask this machine's own services.
	guarded := fresh(Deps{Client: outbound.New(outbound.Options{}), Range: "http://127.0.0.1:1/range/"})
	guarded.Leaked = true
	if ok, _, err := ask(t, guarded, map[string]any{"password": word}); ok || !strings.Contains(err.Error(), "outgoing.allow") {
		t.Errorf("%v", err)
	}
}

func allow(t *testing.T, list string) outbound.Allow {
	t.Helper()
	a, err := outbound.ParseAllow(list)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The published example of the range protocol: "P@ssw0rd" has the hash 21BD12DC183F740EE76F27B78EB39C8AD972A757, so 21BD1 is asked for,
// and the line of 2DC183F740EE76F27B78EB39C8AD972A757 counts.
func TestPublishedRange(t *testing.T) {
	body := strings.Join([]string{
		"0018A45C4D1DEF81644B54AB7F969B88D65:1", "00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2", "011053FD0102E94D6AE2F8B83D76FAF94F6:1", "012A7CA357541F0AC487871FEEC1891C49C:2",
		"0136E006E24E7D152139815FB0FC6A50B15:2", "2DC183F740EE76F27B78EB39C8AD972A757:47205", "FFFFFFFEB4B7B4E6A3A4B0B8E5B21D8B1F7:0",
	}, "\r\n")
	var path string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	p := fresh(Deps{Client: outbound.New(outbound.Options{Allow: allow(t, "127.0.0.1")}), Range: s.URL + "/range/"})
	p.Leaked = true
	if ok, say, err := ask(t, p, map[string]any{"password": "P@ssw0rd"}); ok || err != nil || say != "Password exists on 47205 online lists." || path != "/range/21BD1" {
		t.Errorf("%t %q %v %s", ok, say, err, path)
	}
}

func TestDefaults(t *testing.T) {
	p := fresh(Deps{})
	if p.Charset != "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ " || p.Field != "password" || !p.Static || p.Leaked || p.Strength || p.MinScore != 2 || p.d.Range != publicRange {
		t.Errorf("%+v", p)
	}
}
