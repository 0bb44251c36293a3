package flow

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// ask shows a challenge.
func (r *run) ask(t *stage.Turn, k *stage.Kind, challenge any, errs stage.Errors, answered bool) error {
	if r.in.Silent && k != autosubmitKind { // a form that sends itself asks nobody
		return ErrInteraction
	}
	if k == nil {
		return r.broken(fmt.Errorf("flow: a step asks and has no component"))
	}
	c, err := r.challenge(k, challenge)
	if err != nil {
		return err
	}
	if errs != nil || answered {
		if errs == nil {
			errs = stage.Errors{}
		}
		c.Errors = errs
	}
	if err := r.jot(); err != nil {
		return err
	}
	r.out.Challenge = c
	return nil
}

// restarts begins the flow anew when the binding says so; over says that the flow is not for this person any more, which stands in the
// outcome then.
func (r *run) restarts(t *stage.Turn) (again, over bool, err error) {
	if t.Binding.InvalidResponse == "retry" {
		return false, false, nil
	}
	o := PlanOptions{SignedIn: r.signed}
	if t.Binding.InvalidResponse == "restart_with_context" {
		o.Context = r.plan.Context
	}
	p, err := r.Plan(r.ctx, r.flow, o)
	var no *NotApplicable
	switch {
	case errors.As(err, &no):
		return false, true, r.refuse(no)
	case err != nil:
		return false, true, r.broken(err)
	}
	r.plan = p
	return true, false, r.save(nil)
}

// invalid ends the flow with a reason, or begins it anew when the binding says so.
func (r *run) invalid(t *stage.Turn, message string) (bool, error) {
	if again, over, err := r.restarts(t); again || over || err != nil {
		r.out.Advance = again
		return false, err
	}
	return false, r.deny(message)
}

// deny drops the plan and shows why.
func (r *run) deny(message string) error {
	if r.in.Silent {
		return ErrInteraction
	}
	if message == "" {
		message = "Unknown error"
	}
	c, err := r.builtin("ak-stage-access-denied", &AccessDenied{Message: message})
	if err != nil {
		return err
	}
	c.User = true
	if err := r.about(c); err != nil {
		return err
	}
	if err := r.over(); err != nil {
		return err
	}
	if err := r.save(nil); err != nil {
		return err
	}
	r.out.Challenge, r.out.Advance = c, false
	return nil
}

// refuse is the end of a flow that is not for this person (flows.md 1.9).
func (r *run) refuse(no *NotApplicable) error {
	if r.plan == nil {
		r.plan = stage.NewPlan(r.flow.PK, nil)
	}
	if err := r.over(); err != nil {
		return err
	}
	action := r.flow.DeniedAction
	if action != "message" {
		for _, next := range []string{r.in.Query.Get("next"), r.in.Next} {
			if safeNext(next) {
				r.out.To = next
				return r.save(nil)
			}
		}
		if action == "continue" {
			r.out.To = "/"
			return r.save(nil)
		}
	}
	return r.deny(no.message())
}

// broken shows that something went wrong. A policy that could not answer denies instead.
func (r *run) broken(cause error) error {
	var no *NotApplicable
	if errors.As(cause, &no) {
		return r.refuse(no)
	}
	f := fault.As(cause)
	if f.Kind == fault.Unavailable || errors.Is(cause, context.Canceled) {
		return cause // the door says that the house can't do it now
	}
	id := store.ActorOf(r.ctx).HTTP.RequestID
	r.Log.ErrorContext(r.ctx, "stage failed", "flow", r.flow.Slug, "error", cause, "logger", "gatehouse.flow")
	if err := r.Events.Emit(r.ctx, event.SystemException, map[string]any{"message": cause.Error(), "flow": r.flow.PK}); err != nil {
		return err
	}
	e := &FlowError{RequestID: id}
	if r.debugs() {
		text := cause.Error()
		e.Error = &text
	}
	c, err := r.builtin("ak-stage-flow-error", e)
	if err != nil {
		return err
	}
	c.Bare = true
	r.out.Challenge = c
	return nil
}

// debugAttribute is what lets people who are no superusers read what went wrong.
const debugAttribute = "goauthentik.io/user/debug"

// debugs says whether who is signed in may read what went wrong.
func (r *run) debugs() bool {
	if store.ActorOf(r.ctx).Superuser {
		return true
	}
	if r.signed == nil {
		return false
	}
	attrs, err := r.Users.Attributes(r.ctx, r.signed)
	return err == nil && attrs[debugAttribute] == true
}

// finish is the end of a flow: where the plan leads, else where the person wanted to go.
func (r *run) finish() error {
	to := r.plan.Text(stage.RedirectTo)
	if to == "" {
		to = r.in.Query.Get("next")
		if to == "" {
			to = "/"
		}
		if !safeNext(to) {
			return r.deny("Invalid next URL")
		}
	}
	if err := r.over(); err != nil {
		return err
	}
	if err := r.save(nil); err != nil {
		return err
	}
	r.out.To = to
	return nil
}

// safeNext says whether an address leads to this server: a path with one slash at its front, without tricks that browsers read as a host.
func safeNext(next string) bool {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") {
		return false
	}
	u, err := url.Parse(next)
	return err == nil && u.Host == "" && u.Scheme == ""
}

// SafeNext says whether an address that a request names may be led to.
func SafeNext(next string) bool { return safeNext(next) }

// PageURL is the address of a flow's page.
func PageURL(slug, query string) string {
	to := "/if/flow/" + slug + "/"
	if query != "" {
		to += "?" + query
	}
	return to
}
