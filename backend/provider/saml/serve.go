package saml

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/beevik/etree"
	csaml "github.com/crewjam/saml"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/provider"
	message "gatehouse/backend/saml"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Mount hangs the addresses that applications and their people arrive at.
func (r *Room) Mount(mux provider.Mux) {
	const at = "/application/saml/{slug}/"
	mux.Handle("GET "+at+"sso/binding/redirect/{$}", http.HandlerFunc(r.redirect))
	mux.Handle("POST "+at+"sso/binding/post/{$}", http.HandlerFunc(r.carryOver))
	mux.Handle("GET "+at+"sso/binding/post/{$}", http.HandlerFunc(r.posted))
	mux.Handle("GET "+at+"sso/binding/init/{$}", http.HandlerFunc(r.begin))
	mux.Handle("GET "+at+"slo/binding/redirect/{$}", http.HandlerFunc(r.endRedirect))
	mux.Handle("POST "+at+"slo/binding/post/{$}", http.HandlerFunc(r.carryOver))
	mux.Handle("GET "+at+"slo/binding/post/{$}", http.HandlerFunc(r.endPosted))
	mux.Handle(at+"metadata/{$}", http.HandlerFunc(r.toMetadata))
}

// maxAddress is the longest address that a posted message is carried over into; browsers and proxies in between take a good deal less than
// what we do.
const maxAddress = 32 << 10

const missing = "The SAML request payload is missing."

// toMetadata leads to the operation that describes the provider.
func (r *Room) toMetadata(w http.ResponseWriter, req *http.Request) {
	v, err := r.bySlug(req.Context(), req.PathValue("slug"))
	if err != nil {
		r.broken(w, req, err)
		return
	}
	http.Redirect(w, req, "/api/v3/providers/saml/"+strconv.FormatInt(v.p.PK, 10)+"/metadata/?download", http.StatusFound)
}

// carryOver answers a form that another site sent with an address of ours that holds the same message: only with that request does the
// browser send its cookie, and it outlives a sign-in on the way.
func (r *Room) carryOver(w http.ResponseWriter, req *http.Request) {
	if _, err := r.bySlug(req.Context(), req.PathValue("slug")); err != nil {
		r.broken(w, req, err)
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, 2*message.MaxXML)
	if err := req.ParseForm(); err != nil {
		r.refuse(w, req, nil, fault.New(fault.Invalid, "The form can't be read, or is too large."))
		return
	}
	m, err := message.DecodePost(req.PostForm)
	if err == nil && m == nil {
		err = fault.New(fault.Invalid, missing)
	}
	if err != nil {
		r.refuse(w, req, nil, err)
		return
	}
	to, err := message.RedirectURL(req.URL.EscapedPath(), m.XML, m.Response, m.RelayState, nil)
	if err == nil && len(to) > maxAddress {
		err = fault.New(fault.Invalid, "The message of the application is too large.")
	}
	if err != nil {
		r.refuse(w, req, nil, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, req, to, http.StatusSeeOther)
}

// redirect takes a request in the address, posted one that carryOver put there, and begin none: there the sign-in begins here.
func (r *Room) redirect(w http.ResponseWriter, req *http.Request) { r.arrive(w, req, message.Redirect) }
func (r *Room) posted(w http.ResponseWriter, req *http.Request)   { r.arrive(w, req, message.Post) }
func (r *Room) begin(w http.ResponseWriter, req *http.Request)    { r.arrive(w, req, "") }

// arrive does what each sign-in needs, in the order of protocols.md 2.3: the application, somebody signed in, their access, then the message.
func (r *Room) arrive(w http.ResponseWriter, req *http.Request, binding string) {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	v, err := r.bySlug(ctx, req.PathValue("slug"))
	if err != nil {
		r.broken(w, req, err)
		return
	}
	s := session.Of(ctx)
	u, err := r.Sessions.User(ctx, s)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if u != nil && (!store.ActorOf(ctx).SignedIn() || s.Data.LoginEvent == "" && !s.Data.Owner) {
		u = nil
	}
	// Before anybody is signed in the message is only looked at for the wish not to be asked.
	q, relay, err := r.read(v, req, binding)
	if u == nil {
		if err == nil && q.passive {
			r.tell(w, req, v, q, relay, csaml.StatusNoPassive, "Nobody is signed in.")
			return
		}
		r.signIn(w, req, v, s, "")
		return
	}
	allowed, messages, denied := r.Apps.Allowed(ctx, v.app, u, nil)
	if denied != nil {
		r.broken(w, req, denied)
		return
	}
	if !allowed {
		r.Browser.Denied(w, req, v.app.Name, messages)
		return
	}
	if err != nil {
		r.refuse(w, req, v, err)
		return
	}
	if key := r.renewalOf(req); q.force {
		before, asked := s.Data.Relogin[key]
		switch {
		case (!asked || before == s.Data.LoginEvent) && q.passive:
			r.tell(w, req, v, q, relay, csaml.StatusNoPassive, "The person would have to sign in anew.")
			return
		case !asked || before == s.Data.LoginEvent:
			r.signIn(w, req, v, s, key)
			return
		}
		delete(s.Data.Relogin, key) // a renewal counts once
		if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return session.Save(tx, s) }); err != nil {
			r.broken(w, req, err)
			return
		}
	}
	r.plan(w, req, v, q, relay, s, u)
}

// wish is a request of an application that was understood.
type wish struct {
	asked
	force, passive bool
}

// read understands the request that came, and gives its relay state.
func (r *Room) read(v *served, req *http.Request, binding string) (*wish, string, error) {
	if binding == "" {
		return &wish{asked: asked{format: message.NameUnspecified}}, v.p.RelayState, nil
	}
	m, err := message.DecodeRedirect(req.URL.RawQuery)
	if err != nil {
		return nil, "", err
	}
	if m == nil || m.Response {
		return nil, "", fault.New(fault.Invalid, missing)
	}
	m.Binding = binding
	el, err := v.believed(m)
	if err != nil {
		return nil, "", err
	}
	q, err := v.understand(el)
	return q, m.RelayState, err
}

// believed gives of a message what may be used: with a certificate of the application only what is signed.
func (v *served) believed(m *message.Message) (*etree.Element, error) {
	if v.p.Verification == nil {
		return m.Root, nil
	}
	if !m.Signed() {
		return nil, fault.Newf(fault.Invalid, "The %s of the application has to be signed, and is not.", m.Root.Tag)
	}
	return v.trust.VerifyMessage(m)
}

// understand reads an AuthnRequest (protocols.md 2.4).
func (v *served) understand(el *etree.Element) (*wish, error) {
	if !message.Is(el, message.Protocol, "AuthnRequest") {
		return nil, fault.Newf(fault.Invalid, "The application sent “%s” where an AuthnRequest belongs.", clip(el.Tag))
	}
	q := &wish{asked: asked{id: el.SelectAttrValue("ID", ""), format: message.NameUnspecified}}
	if q.id == "" || len(q.id) > 256 {
		return nil, fault.New(fault.Invalid, "The AuthnRequest has no ID, or one that is too long.")
	}
	if acs := el.SelectAttrValue("AssertionConsumerServiceURL", ""); acs != "" && !strings.EqualFold(acs, v.p.ACSURL) {
		return nil, fault.Newf(fault.Invalid, "ACS URL of %s doesn't match Provider ACS URL of %s.", clip(acs), v.p.ACSURL)
	}
	policy, err := message.Child(el, message.Protocol, "NameIDPolicy")
	if err != nil {
		return nil, err
	}
	if policy != nil {
		if f := policy.SelectAttrValue("Format", ""); f != "" {
			q.format = f
		}
	}
	q.force, q.passive = truth(el.SelectAttrValue("ForceAuthn", "")), truth(el.SelectAttrValue("IsPassive", ""))
	return q, nil
}

// renewalOf names a request whose renewal of the sign-in is remembered.
func (r *Room) renewalOf(req *http.Request) string {
	sum := sha256.Sum256([]byte(req.URL.Path + "?" + req.URL.RawQuery))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// signIn sends the person to sign in and back here. The session remembers which application asked, and which sign-in is to be renewed.
func (r *Room) signIn(w http.ResponseWriter, req *http.Request, v *served, s *session.Session, renew string) {
	var started *session.Session
	var key string
	err := r.Store.Write(req.Context(), store.ActorOf(req.Context()), func(tx *store.Tx) (err error) {
		at := s
		if at == nil {
			if at, key, err = r.Sessions.Start(tx, tx.Actor.HTTP); err != nil {
				return err
			}
			started = at
		}
		at.Data.Application = v.app.PK
		if renew != "" {
			if at.Data.Relogin == nil || len(at.Data.Relogin) > 20 {
				at.Data.Relogin = map[string]string{}
			}
			at.Data.Relogin[renew] = at.Data.LoginEvent
		}
		return session.Save(tx, at)
	})
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if started != nil {
		r.Browser.Cookie(w, req, started, key)
	}
	http.Redirect(w, req, "/flows/-/default/authentication/?next="+url.QueryEscape(req.URL.EscapedPath()+"?"+v.lead(req.URL.RawQuery)), http.StatusFound)
}

// lead adds to a query where the answer goes, when it is an address: pages of a flow let their forms lead there (web's form-action).
func (v *served) lead(query string) string {
	if v.p.Binding != "redirect" || strings.Contains(query, "redirect_uri=") {
		return query
	}
	if query != "" {
		query += "&"
	}
	return query + "redirect_uri=" + url.QueryEscape(v.p.ACSURL)
}

// plan runs the authorization flow. What needs no answer of the person runs at once; else the flow's page follows.
func (r *Room) plan(w http.ResponseWriter, req *http.Request, v *served, q *wish, relay string, s *session.Session, u *user.User) {
	ctx := req.Context()
	f, err := r.Flows.ByKey(ctx, v.p.AuthorizationFlow)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	p, err := r.Flows.Plan(ctx, f, flow.PlanOptions{SignedIn: u, AllowEmpty: true, Context: map[string]any{
		stage.SSO: true, stage.Application: stage.Ref("authentik_core.application", v.app.PK), stage.ConsentHeader: "You're about to sign into " + v.app.Name + ".",
		stage.ConsentAsked: []any{},
	}})
	var no *flow.NotApplicable
	if errors.As(err, &no) {
		r.Browser.Denied(w, req, v.app.Name, []string{no.Error()})
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	p.Append(stage.Step{Inline: fulfilStep, Params: map[string]any{"slug": v.app.Slug, "provider": v.p.PK, "id": q.id, "format": q.format, "relay": relay}})
	out, err := r.Flows.Run(ctx, f, p, flow.Input{Slug: f.Slug, Query: req.URL.Query(), Session: s, Base: provider.Address(ctx), Continue: true, Silent: q.passive})
	if errors.Is(err, flow.ErrInteraction) {
		r.tell(w, req, v, q, relay, csaml.StatusNoPassive, "The person has to be asked first.")
		return
	}
	if errors.Is(err, flow.ErrChanged) {
		http.Redirect(w, req, req.URL.RequestURI(), http.StatusFound)
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.Browser.Outcome(w, req, out, v.lead(""))
}

// tell sends the application an answer that says why there is no sign-in.
func (r *Room) tell(w http.ResponseWriter, req *http.Request, v *served, q *wish, relay, code, say string) {
	el, err := v.refusal(q.asked, code, say, r.Store.Now())
	if err != nil {
		r.broken(w, req, err)
		return
	}
	out, err := send(el, true, v.p.ACSURL, v.p.Binding, relay, v.queryKey())
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.pass(w, req, v, v.p.ACSURL, out)
}

// pass sends the browser on with a message.
func (r *Room) pass(w http.ResponseWriter, req *http.Request, v *served, to string, out *sent) {
	if out.url != "" {
		http.Redirect(w, req, out.url, http.StatusFound)
		return
	}
	r.Browser.Outcome(w, req, flow.Submit(&flow.Submission{URL: to, Attrs: out.form, Title: "Redirecting to " + v.app.Name + "..."}), "")
}

// refuse shows why a message was not taken, and leaves it in the events when somebody is signed in: a stranger could fill them. The log has it
// in any case.
func (r *Room) refuse(w http.ResponseWriter, req *http.Request, v *served, err error) {
	f := fault.As(err)
	if f.Kind != fault.Invalid {
		r.broken(w, req, err)
		return
	}
	ctx := req.Context()
	args := []any{"path", req.URL.Path, "reason", f.Error(), "logger", "gatehouse.saml"}
	r.Log.WarnContext(ctx, "SAML message refused", args...)
	if v != nil && store.ActorOf(ctx).SignedIn() {
		if err := r.Events.Emit(ctx, event.ConfigurationError, map[string]any{"message": f.Say, "provider": reference(v.p)}); err != nil {
			r.broken(w, req, err)
			return
		}
	}
	r.Browser.Problem(w, req, http.StatusBadRequest, "flow.client.title", f.Say)
}

func (r *Room) broken(w http.ResponseWriter, req *http.Request, err error) {
	f := fault.As(err)
	if f.Kind == fault.NotFound {
		r.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
		return
	}
	status := http.StatusInternalServerError
	if f.Kind == fault.Unavailable {
		status = http.StatusServiceUnavailable
	}
	r.Log.ErrorContext(req.Context(), "SAML failed", "error", err, "logger", "gatehouse.saml")
	detail := ""
	if f.Kind != fault.Internal {
		detail = f.Say
	}
	r.Browser.Problem(w, req, status, "flow.error.title", detail)
}

// clip shortens what a request sent for a page.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
