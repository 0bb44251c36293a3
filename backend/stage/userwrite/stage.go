// Package userwrite is the stage that makes or changes the pending user with what the stages before asked for.
//
// It takes username, name, email, password and attributes. Whether an account is on, its path and its type are taken for new accounts, and
// for others only from a superuser: nobody raises or revives themselves by what they type. Groups come from the stage and from
// expressions, never from what was typed.
package userwrite

import (
	"context"
	"errors"
	"slices"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// The modes on the wire.
const (
	NeverCreate  = "never_create"
	WhenRequired = "create_when_required"
	AlwaysCreate = "always_create"
)

// Stage writes a user.
type Stage struct {
	stage.Base
	Mode     string  `json:"user_creation_mode" enum:"never_create,create_when_required,always_create" default:"create_when_required" help:"Whether an account is made when nobody is known yet."`
	Inactive bool    `json:"create_users_as_inactive" help:"New accounts are off until somebody switches them on."`
	Group    *string `json:"create_users_group" ref:"groups" format:"uuid" help:"New accounts become members of this group."`
	Type     string  `json:"user_type" enum:"internal,external,service_account,internal_service_account" default:"external" help:"What new accounts are."`
	Path     string  `json:"user_path_template" is:"blank" group:"advanced" help:"Where new accounts stand in the directory. Empty: users."`

	d *Deps
}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Users  *user.Directory
	Events *event.Log
	// Written gives what runs in the transaction in which the account is stored, since it waited for the account; nil for nothing. Its
	// error is what the person reads, and the account is not stored.
	Written func(p *stage.Plan) func(tx *store.Tx) error
}

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	return stage.New[Stage, stage.None, stage.None](d.Deps, kind.Spec{
		Path: "stages/user_write", Model: "authentik_stages_user_write.userwritestage", Schema: "UserWriteStage", Title: "User Write Stage",
		Component: "ak-stage-user-write-form", About: "Make or change an account with what was typed before.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, func() *Stage { return &Stage{d: &d} })
}

// WritesPeople implements stage.WritesPeople.
func (s *Stage) WritesPeople() bool { return true }

// failed is the published text for a user that can't be stored.
const failed = "Failed to update user. Please try again later."

// Show writes.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	data, _ := t.Plan.Context[stage.PromptData].(map[string]any)
	if data == nil {
		return stage.Deny("No Pending data.")
	}
	pk := s.whose(t)
	if pk == 0 && s.Mode == NeverCreate {
		return stage.Deny("No user found and can't create new user.")
	}
	w := &writing{stage: s, t: t, pk: pk, data: data, groups: s.groups(t, pk == 0)}
	// Hashing takes tens of milliseconds and has no place in a transaction.
	if word, ok := data["password"].(string); ok {
		hash, err := s.d.Users.HashNew(t.Ctx, word)
		if fault.Is(err, fault.Invalid) {
			return stage.Deny(first(err))
		}
		if err != nil {
			return stage.Fail(err)
		}
		w.hash = hash
	}
	var err error
	if w.source, err = s.source(t.Ctx, t.Plan); err != nil {
		return stage.Fail(err)
	}
	if s.d.Written != nil {
		w.also = s.d.Written(t.Plan)
	}
	return stage.Done().Writing(w.write).Else(func(err error) stage.Result {
		var no *refusal
		if errors.As(err, &no) {
			return stage.Deny(fault.As(no.error).Say)
		}
		return stage.Deny(failed)
	})
}

// refusal is the error of what waited for the account.
type refusal struct{ error }

// Unwrap gives the error itself.
func (r *refusal) Unwrap() error { return r.error }

// Take writes whatever was answered.
func (s *Stage) Take(t *stage.Turn, _ *stage.None) stage.Result { return s.Show(t) }

// Foresee implements stage.Foreseer: whoever is at the browser is who the account is for, a stranger gets a new one.
func (s *Stage) Foresee(t *stage.Turn, who *user.User) stage.Result {
	if s.whose(t) != 0 {
		return stage.Done()
	}
	if s.Mode == NeverCreate {
		return stage.Deny("No user found and can't create new user.")
	}
	if who == nil {
		name, _ := t.Plan.Map(stage.PromptData)["username"].(string)
		who = &user.User{Username: name}
		t.Plan.Context[stage.NewAccount] = true
	}
	t.Plan.SetUser(who)
	return stage.Done()
}

// whose gives the account to change, 0 for a new one: the pending user, else who is signed in. A made-up user is nobody.
func (s *Stage) whose(t *stage.Turn) int64 {
	if s.Mode == AlwaysCreate {
		return 0
	}
	pk, _, pending := t.Plan.UserPK()
	if !pending && t.SignedIn != nil {
		return t.SignedIn.PK
	}
	return pk
}

// groups gives the groups that the user joins: those of the plan, and for a new one that of the stage.
func (s *Stage) groups(t *stage.Turn, fresh bool) []string {
	var out []string
	if fresh && s.Group != nil {
		out = append(out, *s.Group)
	}
	list, _ := t.Plan.Context[stage.GroupsToAdd].([]any)
	for _, g := range list {
		switch x := g.(type) {
		case string:
			out = append(out, x)
		case map[string]any:
			if pk, ok := x["pk"].(string); ok {
				out = append(out, pk)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// source gives the name of the source that the person came with, "" when they came by themselves.
func (s *Stage) source(ctx context.Context, p *stage.Plan) (string, error) {
	key := p.Key(stage.Source)
	if key == "" || !p.Has(stage.SourceConnection) {
		return "", nil
	}
	k, obj, err := s.d.Store.GetIn(ctx, "sources", key)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return k.Name(obj), nil
}

// first gives the first message of a fault about fields.
func first(err error) string {
	for _, ms := range fault.As(err).Fields {
		if len(ms) > 0 {
			return ms[0]
		}
	}
	return fault.As(err).Say
}

// writing is what one run of the stage stores.
type writing struct {
	stage  *Stage
	t      *stage.Turn
	pk     int64 // 0: a new user
	data   map[string]any
	hash   string // of the new password, "" when there is none
	groups []string
	source string
	also   func(tx *store.Tx) error // what waited for the account; nil: nothing did
}

func (w *writing) write(tx *store.Tx) error {
	u, err := w.target(tx)
	if err != nil {
		return err
	}
	if err := w.fill(tx, u); err != nil {
		return err
	}
	if w.pk == 0 {
		u.Password = w.hash
		if w.hash != "" {
			now := tx.Now
			u.PasswordChange = &now
		}
		err = tx.Create(u)
	} else {
		err = tx.Update(u)
	}
	if err != nil {
		return err
	}
	for _, g := range w.groups {
		if _, err := store.GetTx[user.Group](tx, g); fault.Is(err, fault.NotFound) {
			continue // gone since the plan was made
		} else if err != nil {
			return err
		}
		if err := user.AddToGroup(tx, u.PK, g); err != nil {
			return err
		}
	}
	if w.pk != 0 && w.hash != "" {
		if err := w.stage.d.Users.SetHash(tx, u, w.hash); err != nil {
			return err
		}
		own := ""
		if w.t.Session != nil {
			own = w.t.Session.UUID
		}
		if err := session.EndFor(tx, u.PK, own); err != nil {
			return err
		}
	}
	w.t.Plan.SetUser(u)
	if w.also != nil {
		if err := w.also(tx); err != nil {
			return &refusal{err}
		}
	}
	told := map[string]any{"created": w.pk == 0}
	for k, v := range w.data {
		if k != "component" {
			told[k] = v
		}
	}
	return w.stage.d.Events.EmitTx(tx, event.Entry{Action: event.UserWrite, App: "authentik.events.signals", Context: told})
}

// target gives the user to write: a new one, or the stored one as it is now.
func (w *writing) target(tx *store.Tx) (*user.User, error) {
	if w.pk != 0 {
		return user.ByPKTx(tx, w.pk)
	}
	u := store.KindOf[user.User](tx.Store()).New().(*user.User)
	u.IsActive = !w.stage.Inactive
	u.Path = w.t.Plan.Text(stage.UserPath)
	if u.Path == "" {
		u.Path = w.stage.Path
	}
	if u.Path == "" {
		u.Path = "users"
	}
	u.Type = w.stage.Type
	if asked := w.t.Plan.Text(stage.UserType); slices.Contains([]string{user.Internal, user.External, user.ServiceAccount, user.InternalService}, asked) {
		u.Type = asked
	}
	if u.Type == user.InternalService {
		u.Type = user.ServiceAccount
	}
	w.t.Plan.Context[stage.UserBackend] = stage.InbuiltBackend
	return u, nil
}
