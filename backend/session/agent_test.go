package session

import (
	"encoding/json"
	"testing"
)

func TestParseAgent(t *testing.T) {
	for header, want := range map[string][3]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                                  {"Firefox", "Linux", "Other"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15":                   {"Safari", "macOS", "Mac"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1": {"Safari", "iOS", "iPhone"},
		"": {"Other", "Other", "Other"}, "curl/8.5.0": {"curl", "Other", "Other"},
	} {
		a := ParseAgent(header)
		if got := [3]string{a.Browser.Family, a.OS.Family, a.Device.Family}; got != want || a.String != header {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// FuzzParseAgent: any header gives a shape that can be shown.
func FuzzParseAgent(f *testing.F) {
	for _, s := range []string{"", "Mozilla/5.0 (", "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/99999999999999999999", "()/;;", "\xff\x00/1.2.3.4.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		a := ParseAgent(header)
		if _, err := json.Marshal(a); err != nil || a.Browser.Family == "" || a.OS.Family == "" || a.Device.Family == "" {
			t.Errorf("%q: %+v %v", header, a, err)
		}
	})
}

// What a session remembers is stored as JSON makes it, nothing as an empty object.
func TestText(t *testing.T) {
	for _, d := range []Data{{}, {Tries: 3}, {Secret: map[string]string{}}, {MFA: true, Away: map[string]Away{"x": {Source: "y"}}}} {
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Text(); got != string(want) || err != nil {
			t.Errorf("%s, want %s, %v", got, want, err)
		}
	}
}
