package userdelete_test

import (
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/userdelete"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const model = "authentik_stages_user_delete.userdeletestage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{userdelete.Kind(userdelete.Deps{Deps: h.Stage, Events: h.Events}), stagetest.PauseKind(h.Stage)}}
}

func fresh(h *stagetest.House) any { return stagetest.New[userdelete.Stage](h) }

// The suite's house has no admin, so nobody may go.
func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: fresh})
}

// scene is a house with an admin and ada.
func scene(t *testing.T, stages ...func(h *stagetest.House) any) (h *stagetest.House, ada, admin *user.User, f *flow.Flow) {
	h = stagetest.Open(t, with)
	all := []any{fresh(h)}
	for _, s := range stages {
		all = append(all, s(h))
	}
	f = h.Flow("f", "unenrollment", all...)
	admin, ada = h.User("root", ""), h.User("ada", "")
	h.Superusers(admin)
	return h, ada, admin, f
}

func there(h *stagetest.House, u *user.User) bool { return h.Count("users", "pk = ?", u.PK) == 1 }

// The person goes, with their sessions everywhere; the flow ends signed out; the audit log tells who it was.
func TestDeletes(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h, ada, _, _ := scene(t)
		b, elsewhere := h.SignedIn(ada), h.SignedIn(ada)
		out := b.Step("f", "", nil)
		if method == "POST" {
			h, ada, _, _ = scene(t)
			b, elsewhere = h.SignedIn(ada), h.SignedIn(ada)
			out = b.Step("f", "", map[string]any{})
		}
		if out.To != "/" || !out.Ended || out.Started != nil {
			t.Errorf("%s: %s, ended %v", method, stagetest.Component(out), out.Ended)
		}
		if there(h, ada) || elsewhere.Session() != nil || h.Count("sessions", `"user" = ?`, ada.PK) != 0 {
			t.Error("something of ada is left")
		}
		outs, gone := h.Heard(event.Logout), h.Heard("model_deleted")
		if len(outs) != 1 || outs[0].User["username"] != "ada" || len(gone) != 1 || gone[0].User["username"] != "ada" {
			t.Errorf("%v %v", outs, gone)
		}
	}
}

// What comes after it in the flow is for nobody.
func TestGoesOnForNobody(t *testing.T) {
	h, ada, _, _ := scene(t, func(h *stagetest.House) any { return stagetest.New[stagetest.Pause](h) })
	b := h.SignedIn(ada)
	out := b.Get("f", "")
	if m := stagetest.Wire(out); stagetest.Component(out) != stagetest.Paused || m["pending_user"] == "ada" || there(h, ada) {
		t.Errorf("%v", m)
	}
	if s := b.Session(); s == nil || s.User != 0 || h.Plan(b).Has(stage.PendingUser) {
		t.Errorf("%+v", s)
	}
}

func TestRefuses(t *testing.T) {
	h, ada, admin, f := scene(t)
	pending := func(u *user.User, context map[string]any) *stagetest.Browser {
		p := stage.NewPlan(f.PK, context)
		p.SetUser(u)
		page, err := h.Store.ListIn(t.Context(), "stages", store.Query{})
		if err != nil || len(page.Rows) != 1 {
			t.Fatal(err)
		}
		p.Append(stage.Step{Stage: page.Rows[0].(stage.Shared).Stage().PK})
		b := h.Browser()
		h.Begin(b, f, p)
		return b
	}
	impersonated := h.SignedIn(admin)
	h.Write(func(tx *store.Tx) error {
		return session.Impersonate(tx, impersonated.Session(), ada.PK)
	})
	led := h.SignedIn(ada)
	led.Change = func(a *store.Actor) { a.HTTP.Headers = map[string][]string{"Sec-Fetch-Site": {"cross-site"}} }
	for name, tt := range map[string]struct {
		b    *stagetest.Browser
		want string
	}{
		"nobody":         {h.Browser(), "No Pending User."},
		"made up":        {pending(&user.User{Username: "nobody"}, nil), "No Pending User."},
		"no proof":       {pending(ada, nil), "An account is deleted only for its owner. Sign in first."},
		"impersonated":   {impersonated, "You act for somebody else here. Their account can't be deleted that way."},
		"from elsewhere": {led, "Another site led you here. An account is deleted only for who asks for it here: sign in and start again."},
		"the last admin": {h.SignedIn(admin), "This would leave nobody who can administer Gatehouse. Make somebody else an admin first."},
	} {
		out := tt.b.Get("f", "")
		if why, denied := stagetest.Denied(out); !denied || why != tt.want {
			t.Errorf("%s: %q %s", name, why, stagetest.Component(out))
		}
	}
	if !there(h, ada) || !there(h, admin) || len(h.Heard("model_deleted")) != 0 || len(h.Heard(event.Logout)) != 0 {
		t.Error("somebody is gone")
	}
	if h.SignedIn(admin).Session() == nil {
		t.Error("the last admin can't come in any more")
	}
	led.Change = func(a *store.Actor) { a.HTTP.Headers = map[string][]string{"Sec-Fetch-Site": {"same-origin"}} }
	if out := led.Get("f", ""); out.To != "/" || there(h, ada) {
		t.Errorf("ada herself: %s", stagetest.Component(out))
	}
}

// Who proved in the flow who they are is deleted too; a session of somebody else at the same browser stays.
func TestProvenInTheFlow(t *testing.T) {
	for _, proof := range []map[string]any{{stage.AuthMethod: "password"}, {stage.Restored: stage.Ref("authentik_flows.flowtoken", "x")}} {
		h, ada, admin, f := scene(t)
		b := h.SignedIn(admin)
		p := stage.NewPlan(f.PK, proof)
		p.SetUser(ada)
		page, err := h.Store.ListIn(t.Context(), "stages", store.Query{})
		if err != nil {
			t.Fatal(err)
		}
		p.Append(stage.Step{Stage: page.Rows[0].(stage.Shared).Stage().PK})
		h.Begin(b, f, p)
		if out := b.Get("f", ""); out.To != "/" || out.Ended || there(h, ada) || b.Session() == nil || b.Session().User != admin.PK {
			t.Errorf("%v: %s", proof, stagetest.Component(out))
		}
	}
}
