package identification

import (
	"encoding/json"
	"errors"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/passkey"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// offers says whether browsers may offer passkeys among the names (conditional mediation, section 5.1.4 of Web Authentication): where
// there is a flow without passwords, a passkey is known to be enough.
func (s *Stage) offers(t *stage.Turn) bool {
	return s.d.Keys != nil && s.PasswordlessFlow != nil && len(s.UserFields) > 0 && t.Flow.Designation == "authentication"
}

// offer gives the options for that, nil when there are none. At an address at which passkeys don't work the page says nothing of them.
func (s *Stage) offer(t *stage.Turn) (map[string]any, error) {
	if !s.offers(t) {
		return nil, nil
	}
	c, err := s.d.Keys.Ask(t, passkey.Question{Stage: s.PK, UserVerification: "required", Open: true})
	if s.d.Keys.Explain(t, err) != "" {
		return nil, nil
	}
	return c, err
}

// key takes a passkey in the place of a name. It counts as what it is, a name and a proof in one; the stages behind decide whether they
// want more.
func (s *Stage) key(t *stage.Turn, raw json.RawMessage) stage.Result {
	var answer passkey.Posted
	if json.Unmarshal(raw, &answer) != nil || answer == nil {
		return stage.WrongAll(failed)
	}
	p, err := s.d.Keys.Prove(t, s.PK, 0, answer)
	if errors.Is(err, passkey.ErrUnknown) || errors.Is(err, passkey.ErrFailed) || errors.Is(err, passkey.ErrCloned) {
		told := map[string]any{"device_class": passkey.Class, "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name)}
		action := event.LoginFailed
		if p != nil {
			told["device"], told["reason"] = event.Model(s.d.Store.KindFor(p.Device), p.Device.Offered().PK, p.Device.Name), p.Detail
		}
		if errors.Is(err, passkey.ErrCloned) {
			action, told["message"] = event.SuspiciousRequest, p.Detail
		}
		t.After(func(tx *store.Tx) error {
			return s.d.Events.EmitTx(tx, event.Entry{Action: action, App: "authentik.events.signals", Context: told})
		})
		return stage.WrongAll(failed)
	}
	if err != nil {
		return stage.Fail(err)
	}
	u, err := s.d.Users.ByPK(t.Ctx, p.Device.User)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return stage.Fail(err)
	}
	if u == nil || !u.IsActive {
		return stage.WrongAll(failed)
	}
	if err := s.d.Keys.Alone(t, u, p.Device); err != nil {
		return stage.Fail(err)
	}
	t.Plan.Map(stage.PendingUser)["backend"] = stage.InbuiltBackend // as when the password came with the name: nobody has to ask for it
	return stage.Done().Writing(p.Write).Else(func(error) stage.Result { return stage.WrongAll(failed) })
}
