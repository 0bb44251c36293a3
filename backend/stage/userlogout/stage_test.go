package userlogout_test

import (
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/userlogout"
	"gatehouse/backend/store"
)

const model = "authentik_stages_user_logout.userlogoutstage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{userlogout.Kind(userlogout.Deps{Deps: h.Stage, Events: h.Events}), dummy.Kind(dummy.Deps{Deps: h.Stage})}}
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: func(h *stagetest.House) any { return stagetest.New[userlogout.Stage](h) }})
}

func TestLogout(t *testing.T) {
	for _, answer := range []map[string]any{nil, {}} {
		h := stagetest.Open(t, with)
		ada := h.User("ada", "")
		h.Flow("out", flow.Invalidation, stagetest.New[userlogout.Stage](h))
		b, elsewhere := h.SignedIn(ada), h.SignedIn(ada)
		old := *b
		out := b.Step("out", "next=%2Fbye", answer)
		if !out.Ended || out.Started != nil || out.To != "/bye" || old.Session() != nil {
			t.Errorf("%+v", out)
		}
		if elsewhere.Session() == nil {
			t.Error("the person's other session ended too")
		}
		es := h.Heard(event.Logout)
		if len(es) != 1 || es[0].User["username"] != "ada" {
			t.Errorf("%+v", es)
		}
	}
}

func TestNobody(t *testing.T) {
	h := stagetest.Open(t, with)
	h.Flow("out", flow.Invalidation, stagetest.New[userlogout.Stage](h))
	out := h.Browser().Get("out", "")
	if out.To != "/" || out.Ended || len(h.Heard(event.Logout)) != 0 {
		t.Errorf("%+v", out)
	}
}

// What comes after the sign-out goes on in a session of nobody.
func TestFlowGoesOn(t *testing.T) {
	h := stagetest.Open(t, with)
	h.Flow("out", flow.Invalidation, stagetest.New[userlogout.Stage](h), stagetest.New[dummy.Stage](h))
	b := h.SignedIn(h.User("ada", ""))
	if c := stagetest.Component(b.Get("out", "")); c != "ak-stage-dummy" || b.Session() == nil || b.Session().User != 0 {
		t.Errorf("%s %+v", c, b.Session())
	}
}

func TestWhileImpersonating(t *testing.T) {
	h := stagetest.Open(t, with)
	boss, ada := h.User("boss", ""), h.User("ada", "")
	h.Flow("out", flow.Invalidation, stagetest.New[userlogout.Stage](h))
	b := h.SignedIn(boss)
	h.Write(func(tx *store.Tx) error { return session.Impersonate(tx, b.Session(), ada.PK) })
	b.Get("out", "")
	es := h.Heard(event.Logout)
	if len(es) != 1 || es[0].User["username"] != "boss" || es[0].User["on_behalf_of"] == nil || h.Count("sessions", "1 = 1") != 0 {
		t.Errorf("%+v", es)
	}
}
