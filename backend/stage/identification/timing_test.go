package identification_test

import (
	"encoding/json"
	"testing"

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
		stagetest.Alike(t, len(names), 60, part, func(n int, timed func(func())) {
			b := h.Browser()
			b.Get("f", "")
			ctx, sess := b.Context(), b.Session()
			raw, err := json.Marshal(names[n])
			if err != nil {
				t.Fatal(err)
			}
			timed(func() {
				out, err := h.Engine.Step(ctx, flow.Input{Slug: "f", Session: sess, Answer: map[string]json.RawMessage{"uid_field": raw}})
				if err != nil || !out.Advance {
					t.Fatalf("%s: %+v %v", names[n], out, err)
				}
			})
		})
	}
}
