package text

import (
	"slices"
	"strings"
	"testing"
)

// FuzzAccepted: whatever a browser sends, some language comes of it, and no more wishes than a browser has.
func FuzzAccepted(f *testing.F) {
	for _, s := range []string{"", "de-DE,de;q=0.9,en;q=0.8", "*", "en;q=NaN,fr;q=-1,it;q=1e999", ";;;,,,", "de;q", strings.Repeat("x,", 1000), "\xff;q=\x00"} {
		f.Add(s)
	}
	tables, err := Load(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := Accepted(header)
		if len(got) > 20 || slices.Contains(got, "") || slices.Contains(got, "*") {
			t.Errorf("%q: %q", header, got)
		}
		if tables.Choose(got...) == nil {
			t.Errorf("%q: no language", header)
		}
	})
}
