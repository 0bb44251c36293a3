// Package arrival receives people who come back from a source: it decides who they are here, and which flow they go through.
//
//	source ─▶ Visitor ─▶ who is it? ─┬▶ known, or matched ─▶ authentication flow ─▶ connection kept
//	                                 ├▶ new ─────────────▶ enrollment flow ─────▶ connection kept
//	                                 ├▶ signed in already ─▶ connection kept at once
//	                                 └▶ nobody may ──────▶ denied
//	a source stage waits ─▶ its flow goes on with what the source said
package arrival

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/policy"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Room receives people.
type Room struct {
	Store    *store.Store
	Users    *user.Directory
	Sessions *session.Room
	Flows    *flow.Engine
	Policies *policy.Engine
	Events   *event.Log
	Browser  flow.Browser
	Log      *slog.Logger
}

// Visitor is somebody who comes back from a source that vouched for them.
type Visitor struct {
	Source     source.Source
	Connection string // the published name of the kind of connections
	Identifier string // what the source calls the account
	Secret     string // what is kept with the connection
	Username   string
	Email      string
	Name       string
	Attributes map[string]any
	Data       map[string]any // what else enrolment may ask about, by the names of the source
	Extra      map[string]any // for policies: oauth_userinfo, saml_response
	Next       string         // where the person wanted to go
	Steps      []stage.Step   // what has to be done once the flow has come to its end
	Unasked    bool           // nobody at this browser asked for it, so that it leads to a sign-in and to nothing else
	Temporary  time.Duration  // how long an account is kept that is made for this visit; 0 for people who come back
}

// Made is a connection that the house makes by itself for somebody who came from its source.
type Made interface {
	source.Linked
	// Own says whose it is and what is kept with it.
	Own(user int64, secret string)
}

// What is done with a visitor.
type action int

const (
	deny action = iota
	enter
	link // and enter
	enroll
	lend // an account for this visit
)

// connected gives whose an account at a source is, 0 for nobody's.
func (r *Room) connected(ctx context.Context, v *Visitor) (pk int64, err error) {
	err = r.Store.DB().QueryRow(ctx, `SELECT "user" FROM `+source.Table+` WHERE source = ? AND identifier = ?`, v.Source.Source().PK, v.Identifier).Scan(&pk)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return pk, err
}

// decide says what to do with a visitor who is not signed in (protocols.md 9.0).
func (r *Room) decide(ctx context.Context, v *Visitor) (action, *user.User, error) {
	pk, err := r.connected(ctx, v)
	if err != nil {
		return deny, nil, err
	}
	if pk != 0 {
		u, err := r.Users.ByPK(ctx, pk)
		return enter, u, err
	}
	if v.Temporary > 0 {
		return lend, nil, nil
	}
	mode := v.Source.Source().UserMatchingMode
	by, what, _ := strings.Cut(mode, "_")
	if by != "email" && by != "username" {
		return enroll, nil, nil
	}
	value := v.Email
	if by == "username" {
		value = v.Username
	}
	if value == "" {
		return deny, nil, nil
	}
	u, err := r.Users.Identify(ctx, value, []string{by}, false)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && u == nil:
		return enroll, nil, nil
	case err != nil:
		return deny, nil, err
	case what == "link":
		return link, u, nil
	}
	return deny, nil, nil
}

// Arrive goes on with a visitor.
func (r *Room) Arrive(w http.ResponseWriter, req *http.Request, v *Visitor) {
	if err := r.arrive(w, req, v); err != nil {
		f := fault.As(err)
		if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
			r.Log.ErrorContext(req.Context(), "arrival from a source failed", "source", v.Source.Source().Slug, "error", err, "logger", "gatehouse.source")
			r.Browser.Problem(w, req, http.StatusInternalServerError, "flow.error.title", "")
			return
		}
		r.Browser.Problem(w, req, http.StatusBadRequest, "flow.source.failed", f.Say)
	}
}

func (r *Room) arrive(w http.ResponseWriter, req *http.Request, v *Visitor) error {
	ctx := req.Context()
	b := v.Source.Source()
	s := session.Of(ctx)
	if s != nil && s.Data.Override != nil && !v.Unasked {
		return r.resume(w, req, v, s)
	}
	signed, err := r.Sessions.User(ctx, s)
	if err != nil {
		return err
	}
	if signed != nil && store.ActorOf(ctx).SignedIn() {
		return r.join(w, req, v, signed)
	}
	do, u, err := r.decide(ctx, v)
	if err != nil {
		return err
	}
	if u != nil {
		if do, err = r.allowed(ctx, v, u, do); err != nil {
			return err
		}
	}
	if do == lend {
		if u, err = r.lend(ctx, v); err != nil {
			return err
		}
		if do, err = r.allowed(ctx, v, u, enter); err != nil {
			return err
		}
	}
	var key *string
	switch do {
	case deny:
		return r.deny(w, req, v)
	case enroll:
		if key = b.EnrollmentFlow; key == nil {
			return fault.New(fault.Invalid, "Source is not configured for enrollment.")
		}
	default:
		if key = b.AuthenticationFlow; key == nil {
			return fault.New(fault.Invalid, "Configured flow does not exist.")
		}
	}
	f, err := r.Flows.ByKey(ctx, *key)
	if err != nil {
		return err
	}
	o := flow.PlanOptions{AllowEmpty: true, Context: r.context(v), Pending: u}
	if do == enroll {
		r.enrol(o.Context, v)
	}
	o.Context[stage.RedirectTo] = next(v.Next)
	p, err := r.Flows.Plan(ctx, f, o)
	var no *flow.NotApplicable
	if errors.As(err, &no) {
		r.Browser.Denied(w, req, b.Name, []string{no.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	r.finish(p, v, do)
	out, err := r.Flows.Run(ctx, f, p, flow.Input{Slug: f.Slug, Query: url.Values{}, Session: s, Base: source.Address(ctx), Continue: true})
	if errors.Is(err, flow.ErrChanged) {
		http.Redirect(w, req, "/", http.StatusFound)
		return nil
	}
	if err != nil {
		return err
	}
	r.Browser.Outcome(w, req, out, "")
	return nil
}

// allowed turns an action into a denial for an account that is switched off (CVE-2025-53942) or that the source's own policies refuse.
func (r *Room) allowed(ctx context.Context, v *Visitor, u *user.User, do action) (action, error) {
	if !u.IsActive {
		return deny, nil
	}
	ok, _, err := r.Policies.Allowed(ctx, v.Source.Source().PK, v.Source.Source().PolicyEngineMode, u, v.Extra)
	if err != nil || !ok {
		return deny, err
	}
	return do, nil
}

func (r *Room) deny(w http.ResponseWriter, req *http.Request, v *Visitor) error {
	name := v.Source.Source().Name
	r.Browser.Denied(w, req, name, []string{"Request to authenticate with " + name + " has been denied. Please authenticate with the source you've previously signed up with."})
	return r.Events.Emit(req.Context(), event.LoginFailed, map[string]any{"username": v.Username, "source": r.reference(v), "identifier": v.Identifier})
}

func (r *Room) reference(v *Visitor) map[string]any {
	b := v.Source.Source()
	return event.Model(r.Store.KindFor(v.Source), b.PK, b.Name)
}

// context is what a flow knows of where the person came from.
func (r *Room) context(v *Visitor) map[string]any {
	b := v.Source.Source()
	c := map[string]any{
		stage.SSO: true, stage.Source: stage.Ref(r.Store.KindFor(v.Source).Model, b.PK), stage.UserBackend: stage.InbuiltBackend,
		stage.SourceConnection: map[string]any{"source": b.PK, "identifier": v.Identifier},
	}
	for name, value := range v.Extra {
		c[name] = value
	}
	return c
}

// enrol adds what an account is made of.
func (r *Room) enrol(c map[string]any, v *Visitor) {
	data := map[string]any{}
	for name, value := range v.Data {
		data[name] = value
	}
	for name, value := range map[string]string{"username": v.Username, "email": v.Email, "name": v.Name} {
		if value != "" {
			data[name] = value
		}
	}
	if len(v.Attributes) > 0 {
		data["attributes"] = v.Attributes
	}
	c[stage.PromptData] = data
	b := v.Source.Source()
	c[stage.UserPath] = strings.ReplaceAll(b.UserPathTemplate, "%(slug)s", b.Slug)
}

func next(to string) string {
	if to != "" && flow.SafeNext(to) {
		return to
	}
	return "/if/user/"
}

// join connects the account with whoever is signed in.
func (r *Room) join(w http.ResponseWriter, req *http.Request, v *Visitor, u *user.User) error {
	ctx := req.Context()
	owner, err := r.connected(ctx, v)
	if err != nil {
		return err
	}
	if owner != 0 && owner != u.PK {
		return fault.New(fault.Invalid, "This account is connected with somebody else already.")
	}
	if owner == 0 && (v.Unasked || v.Temporary > 0) { // somebody else may have sent it here
		return fault.New(fault.Invalid, "You are signed in already, and nobody here asked to connect this account. Begin under “Connected accounts” in your profile.")
	}
	do, err := r.allowed(ctx, v, u, link)
	if err != nil {
		return err
	}
	if do == deny {
		return r.deny(w, req, v)
	}
	if owner == 0 {
		if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return r.keep(tx, params(v), u.PK) }); err != nil {
			return err
		}
	}
	http.Redirect(w, req, "/if/user/#/settings;page-"+v.Source.Source().Slug, http.StatusFound)
	return nil
}

// resume goes on with the flow whose source stage sent the person away (flows.md 2.14). Whoever the flow is about already has to be whom the
// source vouches for: another account must not pass for theirs.
func (r *Room) resume(w http.ResponseWriter, req *http.Request, v *Visitor, s *session.Session) error {
	ctx := req.Context()
	o := s.Data.Override
	p, err := r.Flows.PlanOf(ctx, s)
	if err != nil {
		return err
	}
	f, err := r.Flows.ByKey(ctx, o.Flow)
	if err != nil {
		return err
	}
	s.Data.Override = nil
	late := o.Source != v.Source.Source().PK || !r.Store.Now().Before(o.Until) || p == nil || p.Flow != f.PK || len(p.Steps) == 0 || p.Steps[0].Stage != o.Stage
	if late { // the flow begins anew
		err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			if err := flow.Cancel(tx, s); err != nil {
				return err
			}
			return session.Save(tx, s)
		})
		if err == nil {
			http.Redirect(w, req, flow.PageURL(f.Slug, o.Query), http.StatusFound)
		}
		return err
	}
	do, u, err := r.decide(ctx, v)
	if err != nil {
		return err
	}
	if u != nil {
		if do, err = r.allowed(ctx, v, u, do); err != nil {
			return err
		}
	}
	about, _, known := p.UserPK()
	if known && (u == nil || u.PK != about) || do == deny {
		if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return session.Save(tx, s) }); err != nil {
			return err
		}
		return r.deny(w, req, v)
	}
	for name, value := range r.context(v) {
		p.Context[name] = value
	}
	if do == lend {
		if u, err = r.lend(ctx, v); err != nil {
			return err
		}
		do = enter
	}
	p.Context[stage.Restored] = stage.Ref("authentik_stages_source.sourcestage", o.Stage)
	p.Context[stage.Returned] = o.Stage
	if u != nil {
		p.SetUser(u)
	} else {
		r.enrol(p.Context, v)
	}
	r.finish(p, v, do)
	var to string
	if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		if err := session.Save(tx, s); err != nil {
			return err
		}
		to, _, _, err = r.Flows.Begin(tx, s, f, p, o.Query)
		return err
	}); err != nil {
		return err
	}
	http.Redirect(w, req, to, http.StatusFound)
	return nil
}

// keepStep is the step that keeps the connection once the flow has come to its end.
const keepStep = "source connection"

func params(v *Visitor) map[string]any {
	return map[string]any{"source": v.Source.Source().PK, "kind": v.Connection, "identifier": v.Identifier, "secret": v.Secret}
}

// finish puts behind a plan what has to be done at its end.
func (r *Room) finish(p *stage.Plan, v *Visitor, do action) {
	if do != enter {
		p.Append(r.step(v))
	}
	for _, s := range v.Steps {
		p.Append(s)
	}
}

func (r *Room) step(v *Visitor) stage.Step { return stage.Step{Inline: keepStep, Params: params(v)} }

// Keep is the step.
type Keep struct{ Room *Room }

var _ stage.Inline = Keep{}

// Name implements stage.Inline.
func (Keep) Name() string { return keepStep }

// Take implements stage.Inline; there is nothing to answer.
func (k Keep) Take(t *stage.Turn, params map[string]any, _ map[string]json.RawMessage) stage.Result {
	return k.Show(t, params)
}

// Show implements stage.Inline.
func (k Keep) Show(t *stage.Turn, params map[string]any) stage.Result {
	u := t.User
	if u == nil {
		u = t.SignedIn
	}
	if u == nil || u.PK == 0 {
		return stage.Done() // the flow made nobody
	}
	pk := u.PK
	return stage.Done().Writing(func(tx *store.Tx) error { return k.Room.keep(tx, params, pk) }).Else(func(err error) stage.Result {
		return stage.Deny(fault.As(err).Say)
	})
}

// keep stores the connection of a person with the event; one that is there already stays as it is.
func (r *Room) keep(tx *store.Tx, params map[string]any, pk int64) error {
	text := func(name string) string { s, _ := params[name].(string); return s }
	var owner int64
	err := tx.QueryRow(`SELECT "user" FROM `+source.Table+` WHERE source = ? AND identifier = ?`, text("source"), text("identifier")).Scan(&owner)
	switch {
	case err == nil && owner == pk:
		return nil
	case err == nil:
		return fault.New(fault.Invalid, "This account is connected with somebody else already.")
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	k, from, err := tx.GetIn(source.Family.Name, text("source"))
	if err != nil {
		return err
	}
	var taken bool
	if err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM `+source.Table+` WHERE source = ? AND "user" = ?)`, text("source"), pk).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return fault.New(fault.Invalid, "You are connected with another account of "+k.Name(from)+" already. Disconnect that one first.")
	}
	made, ok := r.Store.Kind(text("kind")).New().(Made)
	if !ok {
		return errors.New("arrival: no connections of the kind " + text("kind"))
	}
	made.Shared().Source, made.Shared().Identifier = text("source"), text("identifier")
	made.Own(pk, text("secret"))
	house := *tx
	house.Actor.System = true
	if err := house.Create(made); err != nil {
		return err
	}
	u, err := user.ByPKTx(tx, pk)
	if err != nil {
		return err
	}
	return r.Events.EmitTx(tx, event.Entry{
		Action: "source_linked", App: "authentik.core", User: &event.Who{PK: u.PK, Username: u.Username, Email: u.Email},
		Context: map[string]any{"source": event.Model(k, text("source"), k.Name(from))},
	})
}
