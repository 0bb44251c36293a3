// Package span reads and writes lengths of time in the published notation: "hours=1;minutes=30" (protocols.md 0.5).
package span

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/fault"
)

var units = []struct {
	name string
	unit time.Duration
}{
	{"weeks", 7 * 24 * time.Hour},
	{"days", 24 * time.Hour},
	{"hours", time.Hour},
	{"minutes", time.Minute},
	{"seconds", time.Second},
	{"milliseconds", time.Millisecond},
	{"microseconds", time.Microsecond},
}

// Parse reads a length of time. Keys are compared without case, unknown ones are skipped, the last of two equal ones counts, and
// values may be fractions or negative. It returns Invalid when a part has no "=", a value is no number, no key is known, or the
// whole is beyond 292 years.
func Parse(text string) (time.Duration, error) {
	bad := func() error {
		return fault.Newf(fault.Invalid, "%s is not in the correct format of 'hours=3;minutes=1'.", text)
	}
	got := map[string]float64{}
	for part := range strings.SplitSeq(text, ";") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || strings.Contains(value, "=") {
			return 0, bad()
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0, bad()
		}
		got[strings.ToLower(key)] = n
	}
	var sum float64
	known := false
	for _, u := range units {
		if n, ok := got[u.name]; ok {
			known = true
			sum += n * float64(u.unit)
		}
	}
	if !known || math.Abs(sum) >= math.MaxInt64 {
		return 0, bad()
	}
	return time.Duration(sum), nil
}

// Check gives the fault of a field that holds no length of time, nil when it does.
func Check(field, text string) error {
	if _, err := Parse(text); err != nil {
		return fault.Field(field, fault.As(err).Say)
	}
	return nil
}

// Must is Parse for what was checked when it was stored; what can't be read counts as zero.
func Must(text string) time.Duration {
	d, err := Parse(text)
	if err != nil {
		return 0
	}
	return d
}

// Format writes d in the largest units that fit: "days=1;hours=2". Less than a microsecond is dropped; zero is "seconds=0".
func Format(d time.Duration) string {
	var parts []string
	for _, u := range units {
		if n := d / u.unit; n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", u.name, n))
			d -= n * u.unit
		}
	}
	if len(parts) == 0 {
		return "seconds=0"
	}
	return strings.Join(parts, ";")
}
