package oauth2

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/application"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// request is an authorization request (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1) as far as it was understood.
type request struct {
	p            *Provider
	app          *application.Application
	redirectURI  string
	responseType string
	responseMode string
	scope        []string
	state        string
	nonce        string
	prompt       []string
	reconsent    bool   // the client asked for consent itself
	hint         string // an ID token of whom the client means
	maxAge       int    // seconds, -1 when it was not sent
	github       bool   // asked at GitHub's address
	challenge    string
	method       string
	loginHint    string // whom the client expects
	locales      string // ui_locales
	claims       asked
	key          string   // dpop_jkt
	resources    []string // that access tokens are for
	pushed       int64    // key of the pushed request, 0 for one that the browser brought
	query        string   // as it was sent
}

// problem is an error that may be told to the client at its redirect URI.
type problem struct {
	code, text            string
	cause, came, expected string // what an admin reads beside the text; "" for what the code says alone
}

func (p *problem) Error() string { return p.code + ": " + p.text }

// Authorize answers /application/o/authorize/. The order of its checks is that of protocols.md 1.4: nothing is told to a redirect URI
// before it is known to be the client's.
func (r *Room) Authorize(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		h.Set("Allow", "GET, POST")
		http.Error(w, "Use GET or POST.", http.StatusMethodNotAllowed)
		return
	}
	q := req.URL.Query()
	if req.Method == http.MethodPost { // a form may be answered as a GET with the same parameters (OIDC Core 3.1.2.1)
		req.Body = http.MaxBytesReader(w, req.Body, 64<<10)
		if err := req.ParseForm(); err != nil {
			http.Error(w, "The form can't be read.", http.StatusBadRequest)
			return
		}
		for k, vs := range req.PostForm {
			q[k] = vs
		}
		to := *req.URL
		to.RawQuery = q.Encode()
		http.Redirect(w, req, to.RequestURI(), http.StatusSeeOther)
		return
	}
	if len(q) == 0 {
		r.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
		return
	}
	refusedHere, brought := q.Has(denied), req.URL.RawQuery
	in := entry{github: strings.HasPrefix(req.URL.Path, "/login/oauth/")}
	var pk int64
	var err error
	if uri := q.Get("request_uri"); isPushed(uri) {
		in.pushed = true
		if q, pk, err = r.pushed(ctx, q.Get("client_id"), uri); q.Get("ui_locales") != "" {
			brought = url.Values{"client_id": {q.Get("client_id")}, "request_uri": {uri}, "ui_locales": {q.Get("ui_locales")}}.Encode()
		}
	}
	var a *request
	if err == nil {
		a, err = r.parse(ctx, q, in)
	}
	if a != nil {
		a.query, a.pushed = brought, pk
	}
	if err == nil && refusedHere {
		err = &problem{code: "access_denied", text: notAllowed}
	}
	var bad *badRequest
	var told *problem
	switch {
	case errors.As(err, &bad):
		r.Browser.Problem(w, req, http.StatusBadRequest, bad.key, bad.detail)
		return
	case errors.As(err, &told):
		r.tell(w, req, a, told)
		return
	case err != nil:
		r.broken(w, req, err)
		return
	}
	r.proceed(w, req, a)
}

// badRequest is an error for a page of ours: there is no address that it may be told to.
type badRequest struct{ key, detail string }

func (b *badRequest) Error() string { return b.key + " " + b.detail }

// maxHint bounds in bytes what a client may say of whom it expects and in which language.
const maxHint = 255

// denied is the parameter of our own with which a person who does not allow it comes back, where the client wants its answer as a form.
const denied = "gatehouse_denied"

const notAllowed = "The person did not allow it."

// responseTypes are the combinations that are answered (OAuth 2.0 Multiple Response Type Encoding Practices), in the order that discovery
// names them; the order of the words in a request does not count.
var responseTypes = []string{"code", "id_token", "id_token token", "code token", "code id_token", "code id_token token"}

// responseType gives the published form of a combination, "" for one that is not answered.
func responseType(asked string) string {
	words := strings.Fields(asked)
	slices.Sort(words)
	if t := strings.Join(words, " "); slices.Contains(responseTypes, t) {
		return t
	}
	return ""
}

// answers says whether a word is part of the response type.
func (a *request) answers(word string) bool {
	return slices.Contains(strings.Fields(a.responseType), word)
}

// front says whether tokens are given through the browser.
func (a *request) front() bool { return a.answers("id_token") || a.answers("token") }

// flow names the grant for policies.
func (a *request) grantType() string {
	switch {
	case !a.front():
		return "authorization_code"
	case a.answers("code"):
		return "hybrid"
	}
	return "implicit"
}

// entry is the way on which a request came.
type entry struct{ github, pushed bool }

// parse understands a request. A *badRequest has no request with it, a *problem has.
func (r *Room) parse(ctx context.Context, q url.Values, in entry) (*request, error) {
	github := in.github
	for k, vs := range q {
		if len(vs) > 1 && k != "resource" { // RFC 6749 section 3.1
			return nil, &badRequest{"flow.client.title", "The parameter " + clip(k) + " was sent more than once."}
		}
	}
	p, err := r.client(ctx, q.Get("client_id"))
	if fault.Is(err, fault.NotFound) {
		r.nobody(ctx, "authorize", q.Get("client_id"))
		return nil, &badRequest{"flow.client.client_id", "client_id=" + clip(q.Get("client_id"))}
	}
	if err != nil {
		return nil, err
	}
	a := &request{p: p, redirectURI: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"), responseType: responseType(q.Get("response_type")), responseMode: "query", maxAge: -1, github: github}
	if github && q.Get("response_type") == "" { // GitHub knows one only
		a.responseType = "code"
	}
	if a.redirectURI == "" || !matchRedirect(p.RedirectURIs, a.redirectURI) {
		if err := r.Events.Emit(ctx, event.ConfigurationError, map[string]any{
			"message": "Invalid redirect URI used by provider", "provider": reference(p), "redirect_uri": a.redirectURI, "expected": strings.Fields(p.RedirectURIs),
		}); err != nil {
			return nil, err
		}
		r.explain(ctx, refusal{
			provider: p.PK, place: "authorize", cause: "redirect_uri", came: a.redirectURI, expected: strings.Join(strings.Fields(p.RedirectURIs), "\n"),
			says: "The application wants people sent back to an address that is not registered here.",
		})
		return nil, &badRequest{"flow.client.redirect_uri", "redirect_uri=" + clip(a.redirectURI)}
	}
	if a.app, err = r.app(ctx, p); err != nil {
		return nil, err
	}
	if a.app == nil {
		return nil, &badRequest{"flow.client.title", "The provider " + p.Name + " belongs to no application."}
	}
	if a.key, err = parseKey(q.Get("dpop_jkt")); err != nil {
		return a, err
	}
	if a.resources, err = parseResources(q["resource"], strings.Fields(p.Resources)); err != nil {
		return a, err
	}
	if a.front() {
		a.responseMode = "fragment"
	}
	mode := q.Get("response_mode")
	if mode == "form_post" || mode == "fragment" || mode == "query" && !a.front() {
		a.responseMode = mode
	}
	switch {
	case a.responseType == "" && q.Get("response_type") == "":
		return a, &problem{code: "invalid_request", text: "The parameter response_type is missing."}
	case a.responseType == "":
		return a, &problem{code: "unsupported_response_type", text: "This server does not answer response_type=" + clip(q.Get("response_type")) + "."}
	case p.OnlyPushed && !in.pushed:
		return a, &problem{code: "invalid_request", text: "This client has to push its requests (RFC 9126)."}
	case p.DPoPBound && a.answers("token"):
		return a, &problem{code: "invalid_request", text: "Access tokens of this client are bound to a key, so none is given through the browser."}
	case mode == "query" && a.front():
		return a, &problem{code: "invalid_request", text: "Tokens are not put into the query of an address: response_mode=query is for response_type=code."}
	case mode != "" && mode != a.responseMode:
		return a, &problem{code: "invalid_request", text: "This server answers response_mode=query, fragment and form_post."}
	}
	known, err := r.scopes(ctx, p)
	if err != nil {
		return nil, err
	}
	names := known.names()
	for s := range strings.FieldsSeq(q.Get("scope")) {
		if (slices.Contains(names, s) || github && gitHubScope(s)) && !slices.Contains(a.scope, s) {
			a.scope = append(a.scope, s)
		}
	}
	r.explainScopes(ctx, p, q.Get("scope"), names, github)
	if strings.TrimSpace(q.Get("scope")) == "" {
		a.scope = names
	}
	a.prompt = strings.Fields(q.Get("prompt"))
	a.hint, a.loginHint, a.locales = q.Get("id_token_hint"), q.Get("login_hint"), q.Get("ui_locales")
	a.challenge, a.method = q.Get("code_challenge"), q.Get("code_challenge_method")
	return a, a.check(q)
}

// check holds what is left against the standards.
func (a *request) check(q url.Values) error {
	// What is missing below may stand in the object (OpenID Connect Core 6.1).
	if q.Get("request") != "" {
		return &problem{code: "request_not_supported", text: "This server reads no request objects."}
	}
	if q.Get("request_uri") != "" {
		return &problem{code: "request_uri_not_supported", text: "This server reads no request objects."}
	}
	var err error
	if a.claims, err = parseClaims(q.Get("claims")); err != nil {
		return err
	}
	if a.claims.unmet() {
		return &problem{code: "unmet_authentication_requirements", text: "This server signs people in with acr=" + acr + " only."}
	}
	if a.challenge != "" {
		switch a.method {
		case "":
			a.method = "plain"
		case "plain", "S256":
		default:
			return &problem{code: "invalid_request", text: "Unsupported challenge method " + clip(a.method)}
		}
		if len(a.challenge) < 43 || len(a.challenge) > 128 {
			return &problem{code: "invalid_request", text: "The parameter code_challenge has to have 43 to 128 characters."}
		}
	} else if a.method != "" {
		return &problem{code: "invalid_request", text: "The parameter code_challenge is missing."}
	}
	if a.front() && !slices.Contains(a.scope, "openid") {
		return &problem{code: "invalid_scope", text: "This response_type needs the scope openid."}
	}
	if a.nonce == "" && a.answers("id_token") {
		return &problem{code: "invalid_request", text: "The parameter nonce is missing: it ties the ID token to the request."}
	}
	if !a.answers("code") { // nobody could use a refresh token that no token endpoint gives
		a.scope = slices.DeleteFunc(a.scope, func(s string) bool { return s == "offline_access" })
	}
	if v := q.Get("max_age"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return &problem{code: "invalid_request", text: "The parameter max_age is no number of seconds."}
		}
		a.maxAge = n
	}
	if slices.Contains(a.prompt, "none") && len(a.prompt) > 1 {
		return &problem{code: "invalid_request", text: "prompt=none can't be combined with another value."}
	}
	// A stored consent is a condition that permits offline access without the question (OIDC Core 11); a client's own prompt=consent is not
	// answered by it.
	a.reconsent = a.wants("consent")
	if slices.Contains(a.scope, "offline_access") && !slices.Contains(a.prompt, "consent") && !slices.Contains(a.prompt, "none") {
		a.prompt = append(a.prompt, "consent")
	}
	return nil
}

func (a *request) wants(prompt string) bool { return slices.Contains(a.prompt, prompt) }

// proceed goes on with a request that is in order: sign in, access, authorization flow.
func (r *Room) proceed(w http.ResponseWriter, req *http.Request, a *request) {
	ctx := req.Context()
	s := session.Of(ctx)
	u, err := r.Sessions.User(ctx, s)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if u != nil && (!store.ActorOf(ctx).SignedIn() || s.Data.LoginEvent == "" && !s.Data.Owner) {
		u = nil
	}
	if u == nil {
		if a.wants("none") {
			r.tell(w, req, a, &problem{code: "login_required", text: "Nobody is signed in."})
			return
		}
		r.signIn(w, req, a, s)
		return
	}
	if meant, err := r.meant(ctx, a, u); err != nil {
		r.broken(w, req, err)
		return
	} else if !meant {
		r.tell(w, req, a, &problem{code: "login_required", text: "Somebody else is signed in than the person of id_token_hint or of the claim sub."})
		return
	}
	if r.again(a, s) {
		if a.wants("none") {
			r.tell(w, req, a, &problem{code: "login_required", text: "The sign-in is too long ago."})
			return
		}
		r.signIn(w, req, a, s)
		return
	}
	if err := r.renewed(ctx, a, s); err != nil {
		r.broken(w, req, err)
		return
	}
	allowed, messages, err := r.Apps.Allowed(ctx, a.app, u, map[string]any{
		"oauth_scopes": a.scope, "oauth_grant_type": a.grantType(), "oauth_code_challenge": a.challenge, "oauth_code_challenge_method": a.method,
		"oauth_max_age": a.maxAge, "oauth_redirect_uri": a.redirectURI, "oauth_response_type": a.responseType,
	})
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if !allowed {
		if a.wants("none") {
			r.tell(w, req, a, &problem{code: "access_denied", text: "This person may not use the application."})
			return
		}
		r.explain(ctx, refusal{
			provider: a.p.PK, place: "authorize", cause: "not_allowed", came: u.Username, expected: strings.Join(messages, " "), user: u.Username,
			says: u.Username + " may not use the application: a rule of the application does not let them in.",
		})
		r.Browser.Denied(w, req, a.app.Name, messages)
		return
	}
	r.begin(w, req, a, s, u)
}

// meant says whether u is whom the client means by id_token_hint (OIDC Core 3.1.2.1: for anybody else there has to be an error) or by a value
// of the claim sub (5.5.1). What is no ID token of this provider for this client means nobody.
func (r *Room) meant(ctx context.Context, a *request, u *user.User) (bool, error) {
	person := a.claims.person()
	if a.hint == "" && person == "" {
		return true, nil
	}
	sub, err := r.subjectFor(ctx, a.p, u)
	if err != nil || person != "" && person != sub {
		return false, err
	}
	if a.hint == "" {
		return true, nil
	}
	claims, err := r.verify(ctx, a.p, a.hint)
	return err == nil && claims["aud"] == a.p.ClientID && claims["sub"] == sub, nil
}

// again says whether the person has to sign in anew: the sign-in is older than max_age, or prompt=login was not answered yet. A sign-in that
// this very request led to answers both, or max_age=0 would ask for ever.
func (r *Room) again(a *request, s *session.Session) bool {
	if before, asked := s.Data.Relogin[a.reloginKey()]; asked && before != s.Data.LoginEvent {
		return false
	}
	return a.wants("login") || a.maxAge >= 0 && r.Store.Now().Sub(s.Data.AuthTime).Seconds() > float64(a.maxAge)
}

// reloginKey names the request whose renewal of the sign-in is remembered: all of it, since clients may send the same state for ever.
func (a *request) reloginKey() string {
	sum := sha256.Sum256([]byte(a.query))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// renewed forgets that the sign-in was renewed for a request, which counts once.
func (r *Room) renewed(ctx context.Context, a *request, s *session.Session) error {
	if _, ok := s.Data.Relogin[a.reloginKey()]; !ok {
		return nil
	}
	delete(s.Data.Relogin, a.reloginKey())
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return session.Save(tx, s) })
}

// signIn sends the person to sign in and back here. The session remembers which application asked, and which sign-in is to be renewed.
func (r *Room) signIn(w http.ResponseWriter, req *http.Request, a *request, s *session.Session) {
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
		at.Data.Application = a.app.PK
		if a.wants("login") || a.maxAge >= 0 {
			if len(at.Data.Relogin) > 20 {
				at.Data.Relogin = nil
			}
			if at.Data.Relogin == nil {
				at.Data.Relogin = map[string]string{}
			}
			at.Data.Relogin[a.reloginKey()] = at.Data.LoginEvent
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
	q := url.Values{"next": {a.address() + "?" + a.query}}
	for name, v := range map[string]string{"login_hint": a.loginHint, "ui_locales": a.locales} {
		if v != "" && len(v) <= maxHint {
			q.Set(name, v)
		}
	}
	http.Redirect(w, req, "/flows/-/default/authentication/?"+q.Encode(), http.StatusFound)
}

// begin runs the authorization flow. What needs no answer of the person runs at once; else the flow's page follows.
func (r *Room) begin(w http.ResponseWriter, req *http.Request, a *request, s *session.Session, u *user.User) {
	ctx := req.Context()
	f, err := r.Flows.ByKey(ctx, a.p.AuthorizationFlow)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	known, err := r.scopes(ctx, a.p)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	permissions := a.permissions(known)
	var single []single
	wanted := a.claims
	if a.claims, single, err = r.available(ctx, a.p, &grant{Provider: a.p.PK, User: u.PK, Scope: a.scope}, u, a.claims); err != nil {
		r.broken(w, req, err)
		return
	}
	r.explainClaims(ctx, a, u, wanted)
	for _, s := range single {
		permissions = append(permissions, s.permission())
	}
	o := flow.PlanOptions{SignedIn: u, AllowEmpty: true, Context: map[string]any{
		stage.SSO: true, stage.Application: stage.Ref("authentik_core.application", a.app.PK), stage.ConsentHeader: "You're about to sign into " + a.app.Name + ".",
		stage.ConsentAsked: permissions, "goauthentik.io/providers/oauth2/params": a.params(),
	}}
	// Who does not allow it goes back to the client with that answer (RFC 6749 section 4.1.2.1).
	o.Context[stage.DenyTo] = a.tellURL(base(ctx), &problem{code: "access_denied", text: notAllowed})
	if a.responseMode == "form_post" {
		o.Context[stage.DenyTo] = a.address() + "?" + a.query + "&" + denied + "=true"
	}
	if a.reconsent {
		o.Context[stage.ConsentAgain] = true
	}
	p, err := r.Flows.Plan(ctx, f, o)
	var no *flow.NotApplicable
	if errors.As(err, &no) {
		if a.wants("none") {
			r.tell(w, req, a, &problem{code: "interaction_required", text: no.Error()})
			return
		}
		r.Browser.Denied(w, req, a.app.Name, []string{no.Error()})
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	if a.reconsent || a.wants("consent") && !r.Flows.Holds(ctx, p, "ak-stage-consent") {
		// It asks nothing when a stage of the flow did: a policy may leave that one out.
		p.Append(stage.Step{Inline: flow.ConsentStep})
	}
	p.Append(stage.Step{Inline: fulfilStep, Params: a.params()})
	out, err := r.Flows.Run(ctx, f, p, flow.Input{Slug: f.Slug, Query: req.URL.Query(), Session: s, Base: base(ctx), Continue: true, Silent: a.wants("none")})
	if errors.Is(err, flow.ErrInteraction) {
		code := "interaction_required"
		if r.Flows.Holds(ctx, p, "ak-stage-consent") {
			code = "consent_required"
		}
		r.tell(w, req, a, &problem{code: code, text: "The person has to be asked first."})
		return
	}
	if errors.Is(err, flow.ErrChanged) {
		http.Redirect(w, req, a.address()+"?"+a.query, http.StatusFound)
		return
	}
	if err != nil {
		r.broken(w, req, err)
		return
	}
	r.Browser.Outcome(w, req, out, a.query)
}

// params is the request as it travels with the plan.
func (a *request) params() map[string]any {
	return map[string]any{
		"provider": a.p.PK, "redirect_uri": a.redirectURI, "response_type": a.responseType, "response_mode": a.responseMode, "scope": strings.Join(a.scope, " "), "state": a.state,
		"nonce": a.nonce, "code_challenge": a.challenge, "code_challenge_method": a.method,
		"terms": terms{Claims: a.claims, Resources: a.resources}.text(), "dpop_jkt": a.key, "pushed": a.pushed,
	}
}

// tell sends an error back to the client (RFC 6749 section 4.1.2.1).
func (r *Room) tell(w http.ResponseWriter, req *http.Request, a *request, p *problem) {
	r.explainTold(req.Context(), a, p)
	if a.pushed != 0 {
		err := r.Store.Write(req.Context(), store.ActorOf(req.Context()), func(tx *store.Tx) error { return answerPushed(tx, a.pushed) })
		if err != nil && !errors.Is(err, errAnswered) {
			r.broken(w, req, err)
			return
		}
	}
	if a.responseMode == "form_post" {
		r.Browser.Outcome(w, req, flow.Submit(submission(a.redirectURI, a.app.Name, a.error(base(req.Context()), p))), "")
		return
	}
	http.Redirect(w, req, a.tellURL(base(req.Context()), p), http.StatusFound)
}

// error is an error as the client gets it, with the issuer (RFC 9207).
func (a *request) error(base string, p *problem) url.Values {
	v := url.Values{"error": {p.code}, "error_description": {p.text}}
	if a.state != "" {
		v.Set("state", a.state)
	}
	if a.app != nil {
		v.Set("iss", issuer(a.p, a.app.Slug, base))
	}
	return v
}

func (a *request) tellURL(base string, p *problem) string {
	return answerURL(a.redirectURI, a.responseMode, a.error(base, p))
}

// address is where the request was asked.
func (a *request) address() string {
	if a.github {
		return gitHubAuthorize
	}
	return "/application/o/authorize/"
}

// permissions are what the person is asked to agree to.
func (a *request) permissions(known scopeList) []any {
	out := known.permissions(a.scope)
	if a.github {
		out = append(out, gitHubPermissions(a.scope)...)
	}
	return out
}

// submission is an answer that the browser sends as a form (OAuth 2.0 Form Post Response Mode).
func submission(to, app string, v url.Values) *flow.Submission {
	s := &flow.Submission{URL: to, Attrs: map[string]string{}, Title: "Redirecting to " + app + "..."}
	for name := range v {
		s.Attrs[name] = v.Get(name)
	}
	return s
}

// answerURL puts an answer into a redirect URI: into its query, which is kept, or its fragment.
func answerURL(to, mode string, v url.Values) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	if mode == "fragment" {
		u.Fragment, u.RawFragment = "", ""
		return u.String() + "#" + v.Encode()
	}
	q := u.RawQuery
	if q != "" {
		q += "&"
	}
	u.RawQuery = q + v.Encode()
	return u.String()
}

func (r *Room) broken(w http.ResponseWriter, req *http.Request, err error) {
	f := fault.As(err)
	status := http.StatusInternalServerError
	if f.Kind == fault.Unavailable {
		status = http.StatusServiceUnavailable
	}
	r.Log.ErrorContext(req.Context(), "authorization failed", "error", err, "logger", "gatehouse.oauth2")
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
