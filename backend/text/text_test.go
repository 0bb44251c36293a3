package text

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestSay(t *testing.T) {
	ts, err := Load(fstest.MapFS{"de.json": {Data: []byte(`{"flow":{"continue":"Weiter","denied":{"who":"Sie sind {user}."}}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	de := ts.Choose("xx", "de-AT", "en")
	for _, tt := range []struct {
		lang *Lang
		key  string
		args []any
		want string
	}{
		{de, "flow.continue", nil, "Weiter"},
		{de, "flow.denied.who", []any{"user", "Ada"}, "Sie sind Ada."},
		{de, "flow.cancel", nil, "Cancel"},
		{ts.Choose(""), "flow.continue", nil, "Continue"},
		{ts.Choose("pt_BR"), "flow.cancel", nil, "Cancel"},
		{de, "flow.nothing", nil, "flow.nothing"},
	} {
		if got := tt.lang.Say(tt.key, tt.args...); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.key, tt.lang.Tag, got, tt.want)
		}
	}
	if _, err := Load(fstest.MapFS{"fr.json": {Data: []byte(`[]`)}}); err == nil {
		t.Error("a file that is no table is accepted")
	}
	if got := ts.Tags(); !slices.Equal(got, []string{"en", "de"}) {
		t.Errorf("tags: %v", got)
	}
}

func TestAccepted(t *testing.T) {
	if got := Accepted("da, en-gb;q=0.8, en;q=0.7, *;q=0.1, fr;q=0"); !slices.Equal(got, []string{"da", "en-gb", "en"}) {
		t.Error(got)
	}
	if got := Accepted("en;q=0.5,de"); !slices.Equal(got, []string{"de", "en"}) {
		t.Error(got)
	}
}
