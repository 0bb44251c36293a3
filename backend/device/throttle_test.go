package device

import (
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	for _, tt := range []struct {
		n      int64
		failed *time.Time
		want   time.Duration
	}{
		{0, ago(0), 0}, {1, nil, 0}, {1, ago(0), time.Second}, {1, ago(time.Second), 0}, {2, ago(0), 2 * time.Second}, {5, ago(10 * time.Second), 6 * time.Second},
		{9, ago(0), 256 * time.Second}, {10, ago(0), 5 * time.Minute}, {1 << 40, ago(0), 5 * time.Minute}, {1000, ago(5 * time.Minute), 0},
		{3, ago(-time.Hour), 4 * time.Second}, // the clock was set back
	} {
		if got := Pause(tt.n, tt.failed, now); got != tt.want {
			t.Errorf("%d failures: %s, want %s", tt.n, got, tt.want)
		}
	}
	if Seconds(1) != 1 || Seconds(time.Second) != 1 || Seconds(time.Second+1) != 2 {
		t.Error("seconds are not rounded up")
	}
}
