package password

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/backend/fault"
	"gatehouse/backend/policy"
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

func TestStrengthIsRefused(t *testing.T) {
	p := fresh(Deps{})
	p.Strength = true
	ok, _, err := ask(t, p, map[string]any{"password": "correct horse battery staple"})
	if ok || !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.As(err).Say, "can't be measured yet") {
		t.Errorf("%t %v", ok, err)
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
	p := fresh(Deps{Client: s.Client(), Range: s.URL + "/range/"})
	p.Leaked = true
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
	s.Close()
	if ok, _, err := ask(t, p, map[string]any{"password": word}); ok || !fault.Is(err, fault.Unavailable) || strings.Contains(fault.As(err).Say, "127.0.0.1") {
		t.Errorf("without the lists: %t %v", ok, err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if r, err := p.Passes(gone, &policy.Request{Context: map[string]any{"password": word}}); err == nil || r.Passing {
		t.Error("a deadline that is over lets pass")
	}
	p.Digits, p.Message = 1, "no digit"
	asked = nil
	if _, say, _ := ask(t, p, map[string]any{"password": word}); say != "no digit" || len(asked) != 0 {
		t.Errorf("the first rule that is not met tells why: %q, asked %v", say, asked)
	}
}

func TestDefaults(t *testing.T) {
	p := fresh(Deps{})
	if p.Charset != "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ " || p.Field != "password" || !p.Static || p.Leaked || p.Strength || p.MinScore != 2 || p.d.Range != publicRange {
		t.Errorf("%+v", p)
	}
}
