package password_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"gatehouse/backend/flow"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

func body(password string) map[string]json.RawMessage {
	raw, err := json.Marshal(password)
	if err != nil {
		panic(err) // a string never fails
	}
	return map[string]json.RawMessage{"password": raw}
}

// Whether there is an account can't be told by the time that a wrong password takes: a known name, an unknown one, one that is switched
// off and one without a usable password stay within a tenth of each other (security case 20).
func TestTiming(t *testing.T) {
	h := stagetest.Open(t, with)
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	people := []*user.User{
		h.User("ada", "a good password"), nil, h.User("new", ""), h.User("old", "a good password", func(u *user.User) { u.IsActive = false }),
	}
	const samples, rounds = 25, 6
	times := make([][]time.Duration, len(people))
	for round := 1; ; round++ { // more samples when a busy machine blurs the first ones
		for range samples {
			for i, u := range people { // taken in turns, so that a busy machine is equally busy for all
				b := h.Browser()
				begin(h, b, f, s, u)
				ctx, sess := b.Context(), b.Session()
				start := time.Now()
				if _, err := h.Engine.Step(ctx, flow.Input{Slug: "f", Session: sess, Answer: body("not this one")}); err != nil {
					t.Fatal(err)
				}
				times[i] = append(times[i], time.Since(start))
				h.Write(func(tx *store.Tx) error {
					_, err := tx.Exec(`DELETE FROM attempts`)
					return err
				})
			}
		}
		medians := make([]time.Duration, len(people))
		for i := range times {
			slices.Sort(times[i])
			medians[i] = times[i][len(times[i])/2]
		}
		low, high := slices.Min(medians), slices.Max(medians)
		if high-low <= low/10 {
			return
		}
		if round == rounds {
			t.Fatalf("medians %v", medians)
		}
	}
}
