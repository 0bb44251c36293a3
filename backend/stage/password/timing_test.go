package password_test

import (
	"encoding/json"
	"testing"

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
	stagetest.Alike(t, len(people), 25, 10, func(n int, timed func(func())) {
		b := h.Browser()
		begin(h, b, f, s, people[n])
		ctx, sess := b.Context(), b.Session()
		timed(func() {
			if _, err := h.Engine.Step(ctx, flow.Input{Slug: "f", Session: sess, Answer: body("not this one")}); err != nil {
				t.Fatal(err)
			}
		})
		h.Write(func(tx *store.Tx) error {
			tx.Touched("attempts")
			_, err := tx.Exec(`DELETE FROM attempts`)
			return err
		})
	})
}
