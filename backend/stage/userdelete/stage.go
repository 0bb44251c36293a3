// Package userdelete is the stage that deletes the account of whoever comes to it.
package userdelete

import (
	"fmt"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Stage deletes an account.
type Stage struct {
	stage.Base

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Events *event.Log
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, stage.None, stage.None](d.Deps, kind.Spec{
		Path: "stages/user_delete", Model: "authentik_stages_user_delete.userdeletestage", Schema: "UserDeleteStage", Title: "User Delete Stage",
		Component: "ak-stage-user-delete-form", About: "Delete the account of the person in the flow.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, func() *Stage { return &Stage{d: &d} })
}

// Show deletes the account of the person whom the flow is about, with everything that is theirs, and signs them out. The last admin stays.
// It refuses who did not prove to be that person, a link from another site (whoever follows one has not asked for it), and an admin who
// looks around as somebody else.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	say := s.d.Texts.Choose(t.Request.HTTP.Locale).Say
	switch {
	case !t.Real():
		return stage.Deny("No Pending User.")
	case t.Session.Original != 0:
		return stage.Deny(say("flow.delete.impersonating"))
	case !proven(t):
		return stage.Deny(say("flow.delete.unproven"))
	case foreign(t):
		return stage.Deny(say("flow.delete.foreign"))
	}
	pk, uuid, own := t.User.PK, t.Session.UUID, t.Session.User == t.User.PK
	who := event.Who{PK: pk, Username: t.User.Username, Email: t.User.Email}
	pending := t.Plan.Context[stage.PendingUser]
	delete(t.Plan.Context, stage.PendingUser)
	return stage.Done().Writing(func(tx *store.Tx) error {
		if own {
			if err := session.End(tx, uuid); err != nil {
				return err
			}
			if err := s.d.Events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.events.signals", User: &who}); err != nil {
				return err
			}
			t.Ended = true
		}
		tx.Actor.Leaving = true
		defer func() { tx.Actor.Leaving = false }()
		return tx.Delete(store.KindOf[user.User](tx.Store()), fmt.Sprint(pk))
	}).Else(func(err error) stage.Result {
		t.Ended = false
		if pending != nil {
			t.Plan.Context[stage.PendingUser] = pending
		}
		if fault.Is(err, fault.NotFound) {
			return stage.Deny("No Pending User.")
		}
		return stage.Deny(fault.As(err).Say)
	})
}

// Take deletes the account whatever was answered.
func (s *Stage) Take(t *stage.Turn, _ *stage.None) stage.Result { return s.Show(t) }

// proven says whether the person is signed in, or proved in this flow who they are: by a password, a device, or a link that was mailed to
// them.
func proven(t *stage.Turn) bool {
	return t.SignedIn != nil && t.SignedIn.PK == t.User.PK || t.Plan.Has(stage.AuthMethod) || t.Plan.Has(stage.Restored)
}

// foreign says whether another site sent the browser here (Fetch Metadata, section 2.2), and nothing was answered since.
func foreign(t *stage.Turn) bool {
	if t.Request.Method == "POST" {
		return false
	}
	for _, v := range t.Request.HTTP.Headers["Sec-Fetch-Site"] {
		if v := strings.ToLower(v); v == "cross-site" || v == "same-site" {
			return true
		}
	}
	return false
}
