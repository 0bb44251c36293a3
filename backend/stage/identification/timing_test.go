package identification_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"gatehouse/backend/flow"
	"gatehouse/backend/stage/stagetest"
)

// Whether there is an account can't be told by the time that a name takes, nor by what comes back: medians stay together,
// in a sign-in and in a recovery (security case 20).
func TestTiming(t *testing.T) {
	for _, designation := range []string{flow.Authentication, flow.Recovery} {
		h := stagetest.Open(t, with)
		h.User("ada", "a good password")
		s := make1(h, "email", "username")
		s.ShowMatchedUser = false
		h.Flow("f", designation, s, backends(h))
		names := []string{"ada", "bob", "ada@office.lan", "bob@office.lan"}
		const samples, rounds = 60, 8
		for round := 1; ; round++ {
			times := make([][]time.Duration, len(names))
			for range samples {
				for i, name := range names { // taken in turns, so that a busy machine is equally busy for all
					b := h.Browser()
					b.Get("f", "")
					ctx, sess := b.Context(), b.Session()
					raw, err := json.Marshal(name)
					if err != nil {
						t.Fatal(err)
					}
					start := time.Now()
					out, err := h.Engine.Step(ctx, flow.Input{Slug: "f", Session: sess, Answer: map[string]json.RawMessage{"uid_field": raw}})
					times[i] = append(times[i], time.Since(start))
					if err != nil || !out.Advance {
						t.Fatalf("%s: %+v %v", name, out, err)
					}
				}
			}
			medians := make([]time.Duration, len(names))
			for i := range times {
				slices.Sort(times[i])
				medians[i] = times[i][samples/2]
			}
			if low, high := slices.Min(medians), slices.Max(medians); high-low <= low/part {
				t.Logf("%s: medians %v", designation, medians)
				break
			} else if round == rounds {
				t.Fatalf("%s: medians %v", designation, medians)
			}
		}
	}
}
