package span

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"hours=3;minutes=1", 3*time.Hour + time.Minute, true},
		{"DAYS=1", 24 * time.Hour, true},
		{"hours=1;minute=3", time.Hour, true},
		{"minute=3", 0, false},
		{"seconds=0", 0, true},
		{"minutes=-5", -5 * time.Minute, true},
		{"minutes= 1.5 ", 90 * time.Second, true},
		{"minutes=1;minutes=2", 2 * time.Minute, true},
		{"weeks=4", 28 * 24 * time.Hour, true},
		{"0", 0, false},
		{"", 0, false},
		{"hours=1,minutes=1", 0, false},
		{"hours=x", 0, false},
		{"hours=1=2", 0, false},
		{"hours=NaN", 0, false},
		{"weeks=1e300", 0, false},
		{"hours=1;", 0, false},
	} {
		d, err := Parse(tt.text)
		if (err == nil) != tt.ok || d != tt.want {
			t.Errorf("%q: %v, %v", tt.text, d, err)
		}
	}
}

func TestFormat(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "seconds=0", 26 * time.Hour: "days=1;hours=2", -time.Minute: "minutes=-1", 1500 * time.Millisecond: "seconds=1;milliseconds=500",
	} {
		if got := Format(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
		if back := Must(want); back != d {
			t.Errorf("%s: %v", want, back)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"hours=3;minutes=1", "a=b", "days=1e9", ";;=", "weeks=-0.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		if d = d.Truncate(time.Microsecond); Must(Format(d)) != d {
			t.Errorf("%q: %v does not come back from %s", s, d, Format(d))
		}
	})
}
