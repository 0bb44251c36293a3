package webauthn_test

import (
	"testing"

	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/webauthn"
)

const model = "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{webauthn.Kind(h.Stage)}}
}

func fresh(h *stagetest.House) any {
	s := stagetest.New[webauthn.Stage](h)
	return s
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: fresh})
}

// A step that can't be run yet lets nobody past.
func TestRefuses(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h := stagetest.Open(t, with)
		h.Flow("f", flow.Authentication, fresh(h))
		b := h.SignedIn(h.User("ada", ""))
		out := b.Get("f", "")
		if method == "POST" {
			out = b.Post("f", "", map[string]any{"response": map[string]any{}})
		}
		if why, denied := stagetest.Denied(out); !denied || why != "This step can't be run yet, so nobody gets past it." {
			t.Errorf("%s: %q %s", method, why, stagetest.Component(out))
		}
	}
}
