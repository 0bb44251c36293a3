package identification

import (
	"reflect"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Take finds who was meant. With and without an account the same work is done and the same is said, as far as the stage asks for it.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	if settled(t) {
		return stage.Done()
	}
	if raw, ok := in.body["webauthn"]; ok && s.offers(t) {
		return s.key(t, raw)
	}
	if _, err := kind.Decode(kind.FieldsOf(reflect.TypeFor[Answer]()), in.body, reflect.ValueOf(in).Elem(), true); err != nil {
		return stage.Retry(stage.Faults(err))
	}
	if len(in.UID) > longest || len(s.UserFields) == 0 {
		return stage.WrongAll(failed)
	}
	t.Even()
	u, err := s.d.Users.Identify(t.Ctx, in.UID, s.UserFields, s.CaseInsensitive)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return stage.Fail(err)
	}
	if s.PasswordStage != nil {
		return s.together(t, u, in)
	}
	if u == nil {
		if s.d.Unknown != nil {
			ip := t.Request.HTTP.ClientIP
			t.Later(func(tx *store.Tx) error { return s.d.Unknown(tx, in.UID, ip) })
		}
		if !s.PretendUserExists {
			return stage.WrongAll(failed)
		}
		u = &user.User{Username: in.UID}
	}
	s.meant(t, u, in.UID)
	return stage.Done()
}

// meant notes whom the flow is about from here on.
func (s *Stage) meant(t *stage.Turn, u *user.User, typed string) {
	t.Plan.SetUser(u)
	delete(t.Plan.Context, stage.PendingIdentifier)
	if !s.ShowMatchedUser {
		t.Plan.Context[stage.PendingIdentifier] = typed
	}
}

// Foresee implements stage.Foreseer: the person types their name, and their password where it is asked together with it.
func (s *Stage) Foresee(t *stage.Turn, who *user.User) stage.Result {
	switch {
	case settled(t):
		return stage.Done()
	case who == nil && s.PasswordStage == nil && s.PretendUserExists:
		s.meant(t, &user.User{}, "")
		return stage.Ask(nil)
	case who == nil || s.PasswordStage != nil && !who.IsActive:
		return stage.Deny(failed)
	}
	s.meant(t, who, who.Username)
	if s.PasswordStage == nil {
		return stage.Ask(nil)
	}
	_, obj, err := s.d.Store.GetIn(t.Ctx, stage.Family.Name, *s.PasswordStage)
	if err != nil {
		return stage.Fail(err)
	}
	w, ok := obj.(stage.WithBackends)
	if !ok || len(w.PasswordBackends()) == 0 {
		return stage.Deny(failed)
	}
	t.Plan.Map(stage.PendingUser)["backend"] = w.PasswordBackends()[0]
	t.Plan.Context[stage.AuthMethod], t.Plan.Context[stage.AuthMethodArgs] = "password", map[string]any{}
	return stage.Ask(nil)
}

// together checks name and password at once, by the backends of the password stage.
func (s *Stage) together(t *stage.Turn, u *user.User, in *Answer) stage.Result {
	if in.Password == "" { // some directories take an empty password for a visit without one
		return stage.WrongAll(failed)
	}
	_, obj, err := s.d.Store.GetIn(t.Ctx, stage.Family.Name, *s.PasswordStage)
	if err != nil {
		return stage.Fail(err)
	}
	var backends []string
	if w, ok := obj.(stage.WithBackends); ok {
		backends = w.PasswordBackends()
	}
	name := in.UID
	if u != nil {
		name = u.Username
	}
	out, err := s.d.Auth.Check(t.Ctx, backends, name, in.Password)
	switch f := fault.As(err); {
	case err == nil:
	case f.Kind == fault.TooMany:
		return stage.Retry(stage.Errors{fault.NonField: {{String: f.Say, Code: f.Code}}})
	case f.Kind == fault.Denied:
		return stage.WrongAll(f.Say)
	default:
		return stage.Fail(err)
	}
	// A name that the stage does not ask for finds nobody, even when there is an account of that name.
	if u == nil || out == nil || out.User.PK != u.PK {
		t.Missed(s.d.Events, name, map[string]any{"password": event.Mask, "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name)})
		return stage.WrongAll(failed)
	}
	t.Hit(s.d.Users, name)
	s.meant(t, u, in.UID)
	t.Plan.Map(stage.PendingUser)["backend"] = out.Backend
	t.Plan.Context[stage.AuthMethod], t.Plan.Context[stage.AuthMethodArgs] = out.Method, out.Args
	return stage.Done()
}
