// Package invitation is the stage that lets only those on who were invited, and the invitations.
//
//	?itoken= ▸ ?token= ▸ prompt_data.token ─▶ Invitation ─┬─ counts: its fixed data goes into the plan ─▶ on
//	                                                      └─ none: deny, unless the stage lets everybody on
//
// An invitation for one use is gone once there is an account: in the transaction in which a later stage of the flow writes it, so whoever
// gives up halfway can begin again, and of two who come at once one is refused. In a flow that writes nobody it is gone at once.
package invitation

import (
	"context"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Stage asks for an invitation.
type Stage struct {
	stage.Base
	Without bool `json:"continue_flow_without_invitation" help:"Let people on who have no invitation."`

	d *Deps
}

// Deps is what the room needs.
type Deps struct {
	stage.Deps
	Users  *user.Directory
	Events *event.Log
	// Shown gives flows by key as their own page shows them.
	Shown func(ctx context.Context, pks []string) (map[string]any, error)
	// Lifetime gives how long an invitation counts for which nobody said so, "days=1".
	Lifetime func() string
}

// The keys of a plan's context that tell of an invitation.
const (
	InEffect = "invitation_in_effect"
	Used     = "invitation"
	waiting  = "goauthentik.io/stages/invitation/single_use" // key of the invitation that goes with the account
)

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, stage.None, stage.None](d.Deps, kind.Spec{
		Path: "stages/invitation/stages", Model: "authentik_stages_invitation.invitationstage", Schema: "InvitationStage", Title: "Invitation Stage",
		Component: "ak-stage-invitation-form", About: "Let only those on who were invited.", Filters: []kind.Filter{stage.UUIDFilter(), noFlows()},
	}, stage.Asking{}, func() *Stage { return &Stage{d: &d} })
}

// Show looks for an invitation and takes it.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	i, err := s.find(t)
	if err != nil {
		return stage.Fail(err)
	}
	if i == nil {
		if s.Without {
			return stage.Done()
		}
		return stage.Deny(refused)
	}
	t.Plan.Context[InEffect], t.Plan.Context[Used] = true, stage.Ref(model, i.PK)
	t.Plan.Context[stage.PromptData] = merge(t.Plan.Map(stage.PromptData), i.Fixed)
	if i.SingleUse {
		later, err := s.written(t)
		if err != nil {
			return stage.Fail(err)
		}
		if later {
			t.Plan.Context[waiting] = i.PK
			return stage.Done()
		}
	}
	return stage.Done().Writing(func(tx *store.Tx) error { return s.d.use(tx, i.PK, i.SingleUse) }).Else(func(error) stage.Result { return stage.Deny(refused) })
}

// written says whether a later stage of the plan writes an account.
func (s *Stage) written(t *stage.Turn) (bool, error) {
	for _, step := range t.Plan.Steps[min(1, len(t.Plan.Steps)):] {
		if step.Stage == "" {
			continue
		}
		_, obj, err := s.d.Store.GetIn(t.Ctx, stage.Family.Name, step.Stage)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		if w, ok := obj.(stage.WritesPeople); ok && w.WritesPeople() {
			return true, nil
		}
	}
	return false, nil
}

// use tells that an invitation was used; one for one use is gone. Denied when another was faster.
func (d Deps) use(tx *store.Tx, pk string, once bool) error {
	if once {
		if err := tx.Delete(store.KindOf[Invitation](tx.Store()), pk); err != nil {
			if fault.Is(err, fault.NotFound) {
				return fault.Wrap(fault.Denied, refused, err)
			}
			return err
		}
	}
	return d.Events.EmitTx(tx, event.Entry{Action: "invitation_used", App: "authentik.stages.invitation", Context: map[string]any{
		"invitation_uuid": strings.ReplaceAll(pk, "-", ""),
	}})
}

// Written gives what the stage that writes accounts runs in its transaction: an invitation for one use that let the person in is gone with
// it. Denied, with what people read, when it is gone already. nil when nothing waits.
func Written(d Deps) func(p *stage.Plan) func(tx *store.Tx) error {
	return func(p *stage.Plan) func(tx *store.Tx) error {
		pk := p.Text(waiting)
		if pk == "" {
			return nil
		}
		return func(tx *store.Tx) error {
			if err := d.use(tx, pk, true); err != nil {
				return err
			}
			delete(p.Context, waiting) // the plan is stored in this transaction
			return nil
		}
	}
}

// Take does the same whatever was answered.
func (s *Stage) Take(t *stage.Turn, _ *stage.None) stage.Result { return s.Show(t) }

// refused is what people without an invitation read.
const refused = "Invalid invite/invite not found"

// find gives the invitation that came with the request and counts now in this flow, nil when none did.
func (s *Stage) find(t *stage.Turn) (*Invitation, error) {
	key := t.Request.Query.Get("itoken")
	if key == "" {
		key = t.Request.Query.Get("token")
	}
	if key == "" {
		if data, ok := t.Plan.Context[stage.PromptData].(map[string]any); ok {
			key, _ = data["token"].(string)
		}
	}
	if !kind.UUIDText.MatchString(key) {
		return nil, nil
	}
	i, err := store.Get[Invitation](t.Ctx, s.d.Store, kind.Dashed(key))
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case i.Expires != nil && !i.Expires.After(t.Now), i.Flow != nil && *i.Flow != t.Flow.PK: // the clean-up comes now and then only
		return nil, nil
	}
	return i, nil
}

// merge puts more onto m: objects are merged, lists get longer, anything else is replaced.
func merge(m, more map[string]any) map[string]any {
	for k, v := range more {
		switch v := v.(type) {
		case map[string]any:
			if old, ok := m[k].(map[string]any); ok {
				m[k] = merge(old, v)
				continue
			}
		case []any:
			if old, ok := m[k].([]any); ok {
				m[k] = append(old, v...)
				continue
			}
		}
		m[k] = v
	}
	return m
}
