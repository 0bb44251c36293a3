package dummy_test

import (
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/stagetest"
)

const model = "authentik_stages_dummy.dummystage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{dummy.Kind(dummy.Deps{Deps: h.Stage})}}
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: func(h *stagetest.House) any { return stagetest.New[dummy.Stage](h) }})
}

func TestStageThatFails(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Fails: true, Make: func(h *stagetest.House) any {
		s := stagetest.New[dummy.Stage](h)
		s.ThrowError = true
		return s
	}})
}

func TestTitleAndName(t *testing.T) {
	h := stagetest.Open(t, with)
	s := stagetest.New[dummy.Stage](h)
	s.Name = "a step"
	h.Flow("try", flow.Authentication, s)
	b := h.Browser()
	m := stagetest.Wire(b.Get("try", ""))
	if m["name"] != "a step" || m["component"] != "ak-stage-dummy" || m["type"] != "native" {
		t.Errorf("%v", m)
	}
	if info, _ := m["flow_info"].(map[string]any); info["title"] != "Flow try" || info["cancel_url"] != "/flows/-/cancel/" || info["layout"] != "stacked" {
		t.Errorf("%v", m["flow_info"])
	}
	if _, told := m["pending_user"]; told {
		t.Error("a dummy tells whom it is about")
	}
	if c := stagetest.Component(b.Post("try", "", nil)); c != "to /" {
		t.Error(c)
	}
}

func TestError(t *testing.T) {
	h := stagetest.Open(t, with)
	s := stagetest.New[dummy.Stage](h)
	s.ThrowError = true
	h.Flow("try", flow.Authentication, s)
	m := stagetest.Wire(h.Browser().Get("try", ""))
	if m["component"] != "ak-stage-flow-error" || m["request_id"] == "" || m["error"] != nil || m["flow_info"] != nil {
		t.Errorf("%v", m)
	}
	if es := h.Heard(event.SystemException); len(es) != 1 || es[0].Context["message"] != "Test error" {
		t.Errorf("%v", es)
	}
	boss := h.User("boss", "")
	h.Superusers(boss)
	if m := stagetest.Wire(h.SignedIn(boss).Get("try", "")); m["error"] != "Test error" {
		t.Errorf("a superuser is told nothing: %v", m)
	}
}
