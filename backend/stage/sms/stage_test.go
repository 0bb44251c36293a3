package sms_test

import (
	"testing"

	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/sms"
	"gatehouse/backend/stage/stagetest"
)

const model = "authentik_stages_authenticator_sms.authenticatorsmsstage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{sms.Kind(h.Stage)}}
}

func fresh(h *stagetest.House) any {
	s := stagetest.New[sms.Stage](h)
	s.Provider, s.From, s.Account, s.Auth = sms.Twilio, "+1", "AC1", "secret"
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
			out = b.Post("f", "", map[string]any{"phone_number": "+15550100"})
		}
		if why, denied := stagetest.Denied(out); !denied || why != "This step can't be run yet, so nobody gets past it." {
			t.Errorf("%s: %q %s", method, why, stagetest.Component(out))
		}
	}
}
