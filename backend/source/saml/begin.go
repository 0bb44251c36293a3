package saml

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/beevik/etree"

	"gatehouse/backend/flow"
	message "gatehouse/backend/saml"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
)

// begin sends the browser to the other side with a request (saml-profiles-2.0 4.1).
func (r *Room) begin(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	s := r.open(w, req)
	if s == nil {
		return
	}
	next := req.URL.Query().Get("next")
	if next != "" && !flow.SafeNext(next) {
		next = ""
	}
	id := message.NewID()
	to, form, err := r.pack(ctx, s, r.authnRequest(ctx, s, id), s.SSOURL, s.Binding == "REDIRECT", false, next)
	if err != nil {
		r.refuse(w, req, s, "AuthnRequest", err)
		return
	}
	at, err := r.Arrivals.Leave(w, req, id, session.Away{Source: s.PK, Next: next})
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.note(req, s, source.Message{What: "AuthnRequest", Sent: true, Good: true})
	switch {
	case form == nil:
		http.Redirect(w, req, to, http.StatusFound)
	case at.Data.Override != nil && at.Data.Override.Source == s.PK: // in the middle of a flow, whose place another one would take
		r.Arrivals.Browser.Outcome(w, req, flow.Submit(form), "")
	default:
		r.ask(w, req, s, at, form)
	}
}

// ask takes the person through the flow before the other side, at whose end the form is sent; with the binding POST they agree to it.
func (r *Room) ask(w http.ResponseWriter, req *http.Request, s *Source, at *session.Session, form *flow.Submission) {
	ctx := req.Context()
	flows := r.Arrivals.Flows
	f, err := flows.ByKey(ctx, s.PreFlow)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	p, err := flows.Plan(ctx, f, flow.PlanOptions{AllowEmpty: true, Context: map[string]any{
		stage.SSO: true, stage.Source: stage.Ref(r.Store.KindFor(s).Model, s.PK), stage.ConsentHeader: "Continue to " + s.Name,
	}})
	var no *flow.NotApplicable
	if errors.As(err, &no) {
		r.Arrivals.Browser.Denied(w, req, s.Name, []string{no.Error()})
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if s.Binding == "POST" {
		p.Append(stage.Step{Inline: flow.ConsentStep})
	}
	p.Append(stage.Step{Inline: flow.AutosubmitStep, Params: map[string]any{"url": form.URL, "attrs": form.Attrs, "title": form.Title}})
	out, err := flows.Run(ctx, f, p, flow.Input{Slug: f.Slug, Query: url.Values{}, Session: at, Base: source.Address(ctx), Continue: true})
	if errors.Is(err, flow.ErrChanged) {
		http.Redirect(w, req, "/", http.StatusFound)
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.Arrivals.Browser.Outcome(w, req, out, "")
}

// authnRequest makes the question who somebody is (saml-core-2.0 3.4.1).
func (r *Room) authnRequest(ctx context.Context, s *Source, id string) *etree.Element {
	el := r.root(ctx, s, "AuthnRequest", id, s.SSOURL)
	el.CreateAttr("AssertionConsumerServiceURL", acsURL(ctx, s))
	el.CreateAttr("ProtocolBinding", message.Post)
	policy := el.CreateElement("samlp:NameIDPolicy")
	policy.CreateAttr("Format", s.NameIDPolicy)
	if s.NameIDPolicy != message.NameTransient { // those are always new (saml-core-2.0 3.4.1.1)
		policy.CreateAttr("AllowCreate", "true")
	}
	return el
}

// root begins a message of ours.
func (r *Room) root(ctx context.Context, s *Source, name, id, to string) *etree.Element {
	el := etree.NewElement("samlp:" + name)
	el.CreateAttr("xmlns:samlp", message.Protocol)
	el.CreateAttr("xmlns:saml", message.Assertion)
	el.CreateAttr("ID", id)
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", message.Moment(r.Store.Now()))
	el.CreateAttr("Destination", to)
	el.CreateElement("saml:Issuer").SetText(entityID(ctx, s))
	return el
}

// pack makes a message ready to go: an address, or a form. It is signed when the source has a key for that.
func (r *Room) pack(ctx context.Context, s *Source, el *etree.Element, dest string, redirect, response bool, relay string) (to string, form *flow.Submission, err error) {
	key, err := r.key(ctx, s)
	if err != nil {
		return "", nil, err
	}
	if !redirect && key != nil {
		if err := message.Sign(el, key); err != nil {
			return "", nil, err
		}
	}
	b, err := message.Write(el)
	if err != nil {
		return "", nil, err
	}
	if redirect {
		to, err = message.RedirectURL(dest, b, response, relay, key)
		return to, nil, err
	}
	return "", &flow.Submission{URL: dest, Attrs: message.Form(b, response, relay), Title: "Redirecting to " + s.Name + "..."}, nil
}
