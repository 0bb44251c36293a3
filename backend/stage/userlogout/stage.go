// Package userlogout is the stage that signs out: it ends the session of this browser.
package userlogout

import (
	"gatehouse/backend/event"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// Stage signs out whoever comes to it.
type Stage struct {
	stage.Base

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Events *event.Log
	// Farewell has the flow lead on to where the person has to be signed out too; nil leads nowhere.
	Farewell func(t *stage.Turn) error
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, stage.None, stage.None](d.Deps, kind.Spec{
		Path: "stages/user_logout", Model: "authentik_stages_user_logout.userlogoutstage", Schema: "UserLogoutStage", Title: "User Logout Stage",
		Component: "ak-stage-user-logout-form", About: "Sign the person out.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, func() *Stage { return &Stage{d: &d} })
}

// Show ends the session. Whoever is not signed in just goes on.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if t.Session == nil || t.Session.User == 0 {
		return stage.Done()
	}
	if s.d.Farewell != nil {
		if err := s.d.Farewell(t); err != nil {
			return stage.Fail(err)
		}
	}
	uuid := t.Session.UUID
	return stage.Done().Writing(func(tx *store.Tx) error {
		t.Ended = true
		if err := session.End(tx, uuid); err != nil {
			return err
		}
		return s.d.Events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.events.signals"})
	})
}

// Take ends the session whatever was answered.
func (s *Stage) Take(t *stage.Turn, _ *stage.None) stage.Result { return s.Show(t) }
