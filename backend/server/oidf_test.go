package server

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/session"
	"gatehouse/backend/store"

	"github.com/go-jose/go-jose/v4"
)

// The public lists of modules of the OpenID Foundation's conformance suite for providers (openid-certification/conformance-suite, the plans
// Basic, Implicit, Hybrid, Form Post, Config, RP-Initiated Logout and Back-Channel Logout), ported: each module is a subtest of its name for
// each response type of its plan, and checks the conditions that the module lists there, under their names. A condition that warns there is
// listed with a question mark. Where the suite waits, what is stored is made older instead.

// oidfVariant is how a module is run.
type oidfVariant struct{ responseType, mode, auth string }

func (v oidfVariant) has(word string) bool {
	return slices.Contains(strings.Fields(v.responseType), word)
}

func (v oidfVariant) String() string {
	return strings.ReplaceAll(v.responseType, " ", "+") + "," + v.mode + "," + v.auth
}

// oidfModule is a module with the conditions that it checks, over all of its variants.
type oidfModule struct {
	name       string
	conditions []string
	run        func(r *oidfRun)
}

// oidfSuite is the house with what all modules use.
type oidfSuite struct {
	t         testing.TB
	h         *house
	base      string // of the HTTPS listener
	transport http.RoundTripper
	user      int64
	one, two  app
}

const (
	oidfRedirect   = "https://rp.example.com/test/a/gatehouse/callback"
	oidfLoggedOut  = "https://rp.example.com/test/a/gatehouse/post_logout_redirect"
	oidfUser       = "buffy"
	oidfPassword   = "slayer-1997-sunnydale"
	oidfUnknown    = "https://rp.example.com/test/a/gatehouse/not-registered"
	oidfSecondRest = "?dummy1=lorem&dummy2=ipsum"
)

// oidfScopes are mappings for the scopes that a house has no or a short one for.
var oidfScopes = map[string]string{
	"profile": `return {"family_name": "Summers", "middle_name": "Anne", "profile": "https://office.lan/buffy", "picture": "https://office.lan/buffy.png", "website": "https://office.lan",
	"gender": "female", "birthdate": "1981-01-19", "zoneinfo": "America/Los_Angeles", "locale": "en-US", "updated_at": 1700000000}`,
	"address": `return {"address": {"formatted": "1630 Revello Drive", "street_address": "1630 Revello Drive", "locality": "Sunnydale", "region": "CA", "postal_code": "95037", "country": "US"}}`,
	"phone":   `return {"phone_number": "+1 555 0100", "phone_number_verified": True}`,
}

func openSuite(t testing.TB) *oidfSuite {
	t.Helper()
	h := reaching(t)
	st, err := h.s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &oidfSuite{t: t, h: h, base: "https://" + st.HTTPS, transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 16, // who it is is not what is asked here
	}}
	s.user = int64(h.addUser(oidfUser, oidfPassword))
	var more []any
	for scope, text := range oidfScopes {
		more = append(more, h.api("POST", "propertymappings/scope/", map[string]any{"name": "oidf " + scope, "scope_name": scope, "expression": text}, 201)["pk"])
	}
	client := func(name, redirect string) app {
		a := h.addApp(name, map[string]any{"redirect_uris": redirect + "\n" + oidfLoggedOut})
		a.redirect = redirect
		path := fmt.Sprintf("providers/oauth2/%d/", h.provider(a))
		mappings := h.api("GET", path, nil, 200)["property_mappings"].([]any)
		h.api("PATCH", path, map[string]any{"property_mappings": append(mappings, more...)}, 200)
		return a
	}
	s.one, s.two = client("oidf-one", oidfRedirect), client("oidf-two", oidfRedirect+oidfSecondRest)
	return s
}

// oidfRun is one run of one module. Conditions are noted; the test looks at them afterwards, so that a broken provider can be run as well.
type oidfRun struct {
	s       *oidfSuite
	v       oidfVariant
	client  app
	ctx     testing.TB
	http    *http.Client
	seen    map[string]bool
	failed  []string
	warned  []string
	skipped string

	doc    map[string]any
	keys   jose.JSONWebKeySet
	sent   url.Values // the last authorization request
	logins int        // how often the person was asked to sign in
	asked  int        // how often for consent

	// What a module changes of the usual way.
	change func(q url.Values)               // of the authorization request
	method string                           // of it
	onID   func(where string, t *oidfToken) // looks at each ID token
	onForm func(form url.Values)            // of the token request

	logout func(token string) string // a broken provider's logout tokens
}

// oidfToken is an ID token that came.
type oidfToken struct {
	text   string
	header map[string]any
	claims map[string]any
}

func (t *oidfToken) textOf(name string) string { s, _ := t.claims[name].(string); return s }

func (t *oidfToken) number(name string) (int64, bool) {
	f, ok := t.claims[name].(float64)
	return int64(f), ok && f == math.Trunc(f)
}

// oidfStop ends a run early.
type oidfStop struct{}

// check notes a condition.
func (r *oidfRun) check(name string, ok bool, format string, args ...any) bool {
	r.seen[name] = true
	if !ok {
		r.failed = append(r.failed, name+": "+fmt.Sprintf(format, args...))
	}
	return ok
}

// must ends a run in which something else went wrong than a condition.
func (r *oidfRun) must(what string, ok bool, format string, args ...any) {
	if !ok {
		r.failed = append(r.failed, what+": "+fmt.Sprintf(format, args...))
		panic(oidfStop{})
	}
}

// warn notes a condition that the suite only warns of.
func (r *oidfRun) warn(name string, ok bool, format string, args ...any) {
	r.seen[name+"?"] = true
	if !ok {
		r.warned = append(r.warned, name+": "+fmt.Sprintf(format, args...))
	}
}

// need notes a condition without which the module can't go on.
func (r *oidfRun) need(name string, ok bool, format string, args ...any) {
	if !r.check(name, ok, format, args...) {
		panic(oidfStop{})
	}
}

// skip ends a run that the suite skips too.
func (r *oidfRun) skip(why string) {
	r.skipped = why
	panic(oidfStop{})
}

// play runs a module once. tr is the way to the house, broken or not.
func (s *oidfSuite) play(t testing.TB, m *oidfModule, v oidfVariant, tr http.RoundTripper, change ...func(r *oidfRun)) (r *oidfRun) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r = &oidfRun{s: s, v: v, client: s.one, ctx: t, seen: map[string]bool{}, method: http.MethodGet}
	r.http = &http.Client{Jar: jar, Transport: tr, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(oidfStop); !ok {
				panic(p)
			}
		}
	}()
	for _, f := range change {
		f(r)
	}
	m.run(r)
	return r
}

// do sends a request to the house.
func (r *oidfRun) do(method, path, media, body string, header ...string) answer {
	if strings.HasPrefix(path, "/") {
		path = r.s.base + path
	}
	req, err := http.NewRequestWithContext(r.ctx.Context(), method, path, strings.NewReader(body))
	if err != nil {
		r.must("an address", false, "%v", err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	for _, c := range r.http.Jar.Cookies(req.URL) {
		if c.Name == "authentik_csrf" {
			req.Header.Set("X-authentik-CSRF", c.Value)
		}
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.must("an answer", false, "%v", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.must("an answer", false, "%v", err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

const oidfForm = "application/x-www-form-urlencoded"

// jsonObject reads a JSON object; nil when it is none.
func jsonObject(text string) (out map[string]any) {
	if json.Unmarshal([]byte(text), &out) != nil {
		return nil
	}
	return out
}

// members gives the members of a list in a document that are texts.
func members(doc map[string]any, name string) (out []string) {
	list, _ := doc[name].([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// random gives a text that was not there before.
func (r *oidfRun) random(n int) string { return rand.Text()[:10] + strings.Repeat("x", max(0, n-10)) }

var oidfSetup = []string{
	"GetDynamicServerConfiguration", "CheckServerConfiguration", "FetchServerKeys", "ValidateServerJWKs", "CheckForKeyIdInServerJWKs",
	"CheckDistinctKeyIdValueInServerJWKs", "EnsureServerJwksDoesNotContainPrivateOrSymmetricKeys",
}

// setup reads the provider's configuration and keys.
func (r *oidfRun) setup() {
	got := r.do(http.MethodGet, "/application/o/"+r.client.slug+"/.well-known/openid-configuration", "", "")
	r.doc = jsonObject(got.body)
	r.need("GetDynamicServerConfiguration", got.status == 200 && r.doc != nil, "%d %s", got.status, got.body)
	for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"} {
		s, _ := r.doc[name].(string)
		r.need("CheckServerConfiguration", s != "", "%s is missing", name)
	}
	r.serverKeys()
}

func (r *oidfRun) serverKeys() {
	at, _ := r.doc["jwks_uri"].(string)
	got := r.do(http.MethodGet, at, "", "")
	raw, isList := jsonObject(got.body)["keys"].([]any)
	r.need("FetchServerKeys", got.status == 200 && isList, "%d %s", got.status, got.body)
	r.check("ValidateServerJWKs", len(raw) > 0, "there is none")
	r.keys = jose.JSONWebKeySet{}
	kids := map[any]bool{}
	for _, v := range raw {
		m, _ := v.(map[string]any)
		private := m["kty"] == "oct"
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			private = private || m[name] != nil
		}
		r.check("EnsureServerJwksDoesNotContainPrivateOrSymmetricKeys", !private, "%v", m["kid"])
		kid, _ := m["kid"].(string)
		r.check("CheckForKeyIdInServerJWKs", kid != "", "a key has no kid")
		r.check("CheckDistinctKeyIdValueInServerJWKs", !kids[kid], "two keys have the kid %s", kid)
		kids[kid] = true
		var k jose.JSONWebKey
		b, _ := json.Marshal(m)
		err := json.Unmarshal(b, &k)
		r.check("ValidateServerJWKs", err == nil && k.Valid() && k.Use == "sig", "%s: %v", b, err)
		r.keys.Keys = append(r.keys.Keys, k)
	}
}

// enter puts somebody at the browser who signed in some time ago.
func (r *oidfRun) enter(ago time.Duration) {
	rooms := r.s.h.s.rooms
	var at *session.Session
	var key string
	err := rooms.store.Write(r.ctx.Context(), store.House, func(tx *store.Tx) (err error) {
		at, key, err = rooms.sessions.Login(tx, nil, r.s.user, 0, session.Data{LoginEvent: crypt.UUID(), AuthTime: tx.Now.Add(-ago), Method: "password"}, store.HTTP{ClientIP: "127.0.0.1"})
		return err
	})
	if err != nil {
		r.ctx.Fatal(err)
	}
	u, _ := url.Parse(r.s.base)
	r.http.Jar.SetCookies(u, []*http.Cookie{{Name: "authentik_session", Value: key, Path: "/", Secure: true}, {Name: "authentik_csrf", Value: rooms.sessions.CSRF(at), Path: "/", Secure: true}})
}

// oidfReply is what came to the client from the authorization endpoint.
type oidfReply struct {
	where  string     // query, fragment or form; page when the provider shows one
	values url.Values // that came there
	query  url.Values // of the address besides, where the answer came in another way
	at     string     // the address without query and fragment
	form   string     // the form's tag
	status int
	body   string
}

var (
	oidfFormTag = regexp.MustCompile(`<form method="post" action="([^"]*)"[^>]*>`)
	oidfInput   = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// reply takes an address of the client apart; nil when it is none of the client's.
func (r *oidfRun) reply(to string) *oidfReply {
	u, err := url.Parse(to)
	if err != nil || !u.IsAbs() || strings.HasPrefix(to, r.s.base+"/") {
		return nil
	}
	out := &oidfReply{where: "query", values: u.Query(), query: u.Query(), at: u.Scheme + "://" + u.Host + u.Path}
	if u.Fragment != "" {
		out.where = "fragment"
		if out.values, err = url.ParseQuery(u.EscapedFragment()); err != nil {
			out.values = url.Values{}
		}
	}
	return out
}

// posted is an answer that the browser sends as a form.
func (r *oidfRun) posted(to string, attrs url.Values, tag string) *oidfReply {
	u, err := url.Parse(to)
	if err != nil {
		return nil
	}
	return &oidfReply{where: "form", values: attrs, query: u.Query(), at: u.Scheme + "://" + u.Host + u.Path, form: tag}
}

// request makes an authorization request.
func (r *oidfRun) request() url.Values {
	q := url.Values{
		"client_id": {r.client.id}, "redirect_uri": {r.client.redirect}, "response_type": {r.v.responseType}, "scope": {"openid"}, "state": {r.random(10)}, "nonce": {r.random(10)},
	}
	if r.v.mode == "form_post" {
		q.Set("response_mode", "form_post")
	}
	if r.change != nil {
		r.change(q)
	}
	r.sent = q
	return q
}

// authorize is what the browser does with an authorization request, until something comes to the client or a page stays.
func (r *oidfRun) authorize(q url.Values) *oidfReply {
	at, _ := r.doc["authorization_endpoint"].(string)
	var got answer
	if r.method == http.MethodPost {
		got = r.do(http.MethodPost, at, oidfForm, q.Encode())
	} else {
		got = r.do(http.MethodGet, at+"?"+q.Encode(), "", "")
	}
	for range 12 {
		if got.status != http.StatusFound && got.status != http.StatusSeeOther {
			if m := oidfFormTag.FindStringSubmatch(got.body); got.status == 200 && m != nil && strings.Contains(m[0], "data-auto") {
				attrs := url.Values{}
				for _, in := range oidfInput.FindAllStringSubmatch(got.body, -1) {
					attrs.Set(html.UnescapeString(in[1]), html.UnescapeString(in[2]))
				}
				return r.posted(html.UnescapeString(m[1]), attrs, m[0])
			}
			return &oidfReply{where: "page", status: got.status, body: got.body, values: url.Values{}}
		}
		to := got.header.Get("Location")
		if out := r.reply(to); out != nil {
			return out
		}
		u, err := url.Parse(to)
		if err != nil {
			return &oidfReply{where: "page", status: got.status, body: to, values: url.Values{}}
		}
		switch {
		case u.Path == "/flows/-/default/authentication/":
			r.logins++
			to = r.signIn(u.RawQuery)
		case strings.HasPrefix(u.Path, "/if/flow/"):
			out, next := r.flow(strings.TrimPrefix(u.Path, "/if/flow/"), u.RawQuery)
			if out != nil {
				return out
			}
			to = next
		}
		got = r.do(http.MethodGet, to, "", "")
	}
	return &oidfReply{where: "page", status: got.status, body: "too many redirects", values: url.Values{}}
}

// signIn is the person at the pages of the default flow. It gives where they lead.
func (r *oidfRun) signIn(query string) string {
	path := "/api/v3/flows/executor/default-authentication-flow/?query=" + url.QueryEscape(query)
	out := r.step(path, nil)
	for range 4 {
		switch out["component"] {
		case "ak-stage-identification":
			out = r.step(path, map[string]any{"uid_field": oidfUser})
		case "ak-stage-password":
			out = r.step(path, map[string]any{"password": oidfPassword})
		}
	}
	to, _ := out["to"].(string)
	r.must("the sign-in", out["type"] == "redirect" && to != "", "ends at %v", out)
	return to
}

// flow is the person at the pages of the authorization flow, who agrees. It gives what comes to the client, or where the pages lead.
func (r *oidfRun) flow(slug, query string) (*oidfReply, string) {
	path := "/api/v3/flows/executor/" + slug + "?query=" + url.QueryEscape(query)
	out := r.step(path, nil)
	if out["component"] == "ak-stage-consent" {
		r.asked++
		out = r.step(path, map[string]any{"token": out["token"]})
	}
	if out["component"] == "ak-stage-autosubmit" {
		attrs := url.Values{}
		m, _ := out["attrs"].(map[string]any)
		for name, v := range m {
			attrs.Set(name, fmt.Sprint(v))
		}
		to, _ := out["url"].(string)
		return r.posted(to, attrs, `<form method="post">`), ""
	}
	to, _ := out["to"].(string)
	r.must("the authorization flow", out["type"] == "redirect" && to != "", "ends at %v", out)
	return r.reply(to), to
}

// step answers a page of a flow; nil asks for it.
func (r *oidfRun) step(path string, in map[string]any) map[string]any {
	var got answer
	if in == nil {
		got = r.do(http.MethodGet, path, "", "")
	} else {
		b, _ := json.Marshal(in)
		got = r.do(http.MethodPost, path, "application/json", string(b))
	}
	for range 10 {
		if got.status != http.StatusFound {
			break
		}
		got = r.do(http.MethodGet, got.header.Get("Location"), "", "")
	}
	return jsonObject(got.body)
}

var oidfCallback = []string{
	"RejectAuthCodeInUrlQuery", "RejectErrorInUrlQuery", "CheckCallbackHttpMethodIsPost", "CheckCallbackContentTypeIsFormUrlEncoded", "CheckMatchingCallbackParameters",
	"ValidateIssIfPresentInAuthorizationResponse", "CheckStateInAuthorizationResponse",
}

// oidfDefault are those of oidfCallback for a plan that has no form_post.
var oidfDefault = []string{"CheckCallbackHttpMethodIsPost", "CheckCallbackContentTypeIsFormUrlEncoded"}

// came looks at where an answer came to and how.
func (r *oidfRun) came(a *oidfReply) {
	if a.where == "page" {
		r.need("CheckMatchingCallbackParameters", false, "no answer came; a page of status %d: %.300s", a.status, a.body)
	}
	want := "fragment"
	switch {
	case r.v.mode == "form_post":
		want = "form"
		r.need("CheckCallbackHttpMethodIsPost", a.where == "form", "it came by %s", a.where)
		r.check("CheckCallbackContentTypeIsFormUrlEncoded", !strings.Contains(a.form, "enctype"), "%s", a.form)
	case r.v.responseType == "code":
		want = "query"
	}
	if want != "query" {
		r.check("RejectAuthCodeInUrlQuery", a.query.Get("code") == "", "the code is in the query")
		r.check("RejectErrorInUrlQuery", a.query.Get("error") == "", "the error is in the query")
	}
	own, _ := url.Parse(r.client.redirect)
	kept := a.at == own.Scheme+"://"+own.Host+own.Path && a.where == want
	for name, v := range own.Query() {
		kept = kept && slices.Equal(a.query[name], v)
	}
	r.check("CheckMatchingCallbackParameters", kept, "%s by %s", a.at, a.where)
	if iss := a.values.Get("iss"); iss != "" {
		r.check("ValidateIssIfPresentInAuthorizationResponse", iss == r.doc["issuer"], "iss %s", iss)
	}
	r.check("CheckStateInAuthorizationResponse", a.values.Get("state") == r.sent.Get("state"), "state %q, sent %q", a.values.Get("state"), r.sent.Get("state"))
}

var oidfFailure = slices.Concat(oidfCallback, []string{
	"EnsureErrorFromAuthorizationEndpointResponse", "RejectAuthCodeInAuthorizationEndpointResponse", "CheckForUnexpectedParametersInErrorResponseFromAuthorizationEndpoint?",
	"CheckErrorDescriptionFromAuthorizationEndpointResponseErrorContainsCRLFTAB?", "ValidateErrorDescriptionFromAuthorizationEndpointResponseError", "ValidateErrorUriFromAuthorizationEndpointResponseError",
})

// refused looks at an error that came to the client.
func (r *oidfRun) refused(a *oidfReply) string {
	r.came(a)
	r.need("EnsureErrorFromAuthorizationEndpointResponse", a.values.Get("error") != "", "no error: %v", a.values)
	r.check("RejectAuthCodeInAuthorizationEndpointResponse", a.values.Get("code") == "", "a code came with the error")
	var more []string
	own, _ := url.Parse(r.client.redirect)
	for name := range a.values {
		if !slices.Contains([]string{"error", "error_description", "error_uri", "state", "iss"}, name) && !own.Query().Has(name) {
			more = append(more, name)
		}
	}
	r.warn("CheckForUnexpectedParametersInErrorResponseFromAuthorizationEndpoint", more == nil, "%v", more)
	text := a.values.Get("error_description")
	r.warn("CheckErrorDescriptionFromAuthorizationEndpointResponseErrorContainsCRLFTAB", !strings.ContainsAny(text, "\r\n\t"), "%q", text)
	r.check("ValidateErrorDescriptionFromAuthorizationEndpointResponseError", oidfErrorText(text), "%q", text)
	u := a.values.Get("error_uri")
	_, err := url.Parse(u)
	r.check("ValidateErrorUriFromAuthorizationEndpointResponseError", err == nil, "%q", u)
	return a.values.Get("error")
}

// oidfErrorText says whether a text has only the characters of RFC 6749 appendix A.8.
func oidfErrorText(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < 0x20 || c > 0x7e || c == '"' || c == '\\' }) < 0
}

var oidfIDToken = []string{
	"ValidateIdToken", "ValidateIdTokenStandardClaims", "ValidateIdTokenNonce", "ValidateIdTokenSignature", "ValidateIdTokenSignatureUsingKid", "CheckForSubjectInIdToken", "EnsureIdTokenUpdatedAtValid",
}

// idToken reads an ID token and looks at what all of them must be.
func (r *oidfRun) idToken(extract, where, text string) *oidfToken {
	t := &oidfToken{text: text}
	parts := strings.Split(text, ".")
	r.need(extract, len(parts) == 3, "%q", text)
	t.header, t.claims = jsonObject(string(oidfBytes(parts[0]))), jsonObject(string(oidfBytes(parts[1])))
	r.need(extract, t.header != nil && t.claims != nil, "%q", text)
	if r.onID != nil {
		r.onID(where, t)
	}
	now := time.Now()
	aud, isText := t.claims["aud"].(string)
	if !isText {
		if list := members(t.claims, "aud"); slices.Contains(list, r.client.id) {
			aud = r.client.id
		}
	}
	exp, hasExp := t.number("exp")
	iat, hasIat := t.number("iat")
	r.check("ValidateIdToken", t.claims["iss"] == r.doc["issuer"] && aud == r.client.id && hasExp && now.Before(time.Unix(exp, 0).Add(5*time.Minute)) && hasIat && !now.Add(5*time.Minute).Before(time.Unix(iat, 0)),
		"iss %v aud %v exp %v iat %v", t.claims["iss"], t.claims["aud"], t.claims["exp"], t.claims["iat"])
	r.check("ValidateIdTokenStandardClaims", oidfStandard(t.claims) == "", "%s", oidfStandard(t.claims))
	if want := r.sent.Get("nonce"); want != "" {
		r.check("ValidateIdTokenNonce", t.claims["nonce"] == want, "%v, sent %s", t.claims["nonce"], want)
	}
	r.check("ValidateIdTokenSignature", r.signed(text, ""), "no key of the set made it")
	kid, _ := t.header["kid"].(string)
	r.check("ValidateIdTokenSignatureUsingKid", kid != "" && r.signed(text, kid), "not made by the key %q", kid)
	r.check("CheckForSubjectInIdToken", t.textOf("sub") != "" && len(t.textOf("sub")) <= 255, "%v", t.claims["sub"])
	at, ok := t.number("updated_at")
	r.check("EnsureIdTokenUpdatedAtValid", t.claims["updated_at"] == nil || ok && at < now.Unix(), "%v", t.claims["updated_at"])
	return t
}

func oidfBytes(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}

// signed says whether a key of the provider signed a token: one, or that of an id.
func (r *oidfRun) signed(text, kid string) bool {
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	if err != nil {
		return false
	}
	for _, k := range r.keys.Keys {
		if kid != "" && k.KeyID != kid {
			continue
		}
		if _, err := jws.Verify(k.Key); err == nil {
			return true
		}
	}
	return false
}

// oidfStandard says which standard claim has another type than OpenID Connect Core 5.1 gives it, "" when none has.
func oidfStandard(claims map[string]any) string {
	texts := []string{"sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email", "gender", "birthdate", "zoneinfo", "locale", "phone_number"}
	for name, v := range claims {
		_, text := v.(string)
		_, truth := v.(bool)
		_, number := v.(float64)
		m, obj := v.(map[string]any)
		switch {
		case slices.Contains(texts, name) && !text, (name == "email_verified" || name == "phone_number_verified") && !truth, name == "updated_at" && !number, name == "address" && !obj:
			return fmt.Sprintf("%s is %v", name, v)
		}
		if name != "address" {
			continue
		}
		for part, v := range m {
			if _, ok := v.(string); !ok {
				return fmt.Sprintf("address.%s is %v", part, v)
			}
		}
	}
	return ""
}

var (
	oidfTokens = []string{
		"ExtractAuthorizationCodeFromAuthorizationResponse", "CheckIfTokenEndpointResponseError", "CheckForAccessTokenValue", "ExtractAccessTokenFromTokenResponse", "ExtractExpiresInFromTokenEndpointResponse",
		"ValidateExpiresIn", "ExtractIdTokenFromTokenResponse",
	}
	oidfHappy = slices.Concat(oidfSetup, oidfCallback, oidfIDToken, oidfTokens, []string{
		"CheckIfAuthorizationEndpointError", "ExtractAccessTokenFromAuthorizationResponse", "ExtractIdTokenFromAuthorizationResponse", "VerifyIdTokenSubConsistentHybridFlow", "CallProtectedResource", "EnsureHttpStatusCodeIs200",
	})
)

// oidfResult is what a client has after an authorization.
type oidfResult struct {
	code, access, refresh string
	frontAccess           string     // the access token of the authorization endpoint
	front, back           *oidfToken // ID tokens of the authorization and the token endpoint
}

// id gives the ID token that came last.
func (o *oidfResult) id() *oidfToken {
	if o.back != nil {
		return o.back
	}
	return o.front
}

// happy is an authorization that succeeds, up to the protected resource.
func (r *oidfRun) happy() *oidfResult {
	if r.doc == nil {
		r.setup()
	}
	return r.accepted(r.authorize(r.request()))
}

// accepted looks at an answer that must be a success, and gets tokens for it.
func (r *oidfRun) accepted(a *oidfReply) *oidfResult {
	r.came(a)
	r.need("CheckIfAuthorizationEndpointError", a.values.Get("error") == "", "%s: %s", a.values.Get("error"), a.values.Get("error_description"))
	out := &oidfResult{}
	if r.v.has("code") {
		out.code = a.values.Get("code")
		r.need("ExtractAuthorizationCodeFromAuthorizationResponse", out.code != "", "no code: %v", a.values)
	}
	if r.v.has("token") {
		out.access, out.frontAccess = a.values.Get("access_token"), a.values.Get("access_token")
		r.need("ExtractAccessTokenFromAuthorizationResponse", out.access != "" && strings.EqualFold(a.values.Get("token_type"), "bearer"), "%v", a.values)
	}
	if r.v.has("id_token") {
		out.front = r.idToken("ExtractIdTokenFromAuthorizationResponse", "authorization", a.values.Get("id_token"))
	}
	if r.v.has("token") {
		r.resource(out.access)
	}
	if r.v.has("code") {
		r.tokens(out)
		r.resource(out.access)
	}
	return out
}

// ask sends a form to the token endpoint as the client.
func (r *oidfRun) ask(form url.Values) answer {
	at, _ := r.doc["token_endpoint"].(string)
	var header []string
	if r.v.auth == "client_secret_post" {
		form.Set("client_id", r.client.id)
		form.Set("client_secret", r.client.secret)
	} else {
		req := &http.Request{Header: http.Header{}}
		req.SetBasicAuth(url.QueryEscape(r.client.id), url.QueryEscape(r.client.secret))
		header = []string{"Authorization", req.Header.Get("Authorization")}
	}
	return r.do(http.MethodPost, at, oidfForm, form.Encode(), header...)
}

func (r *oidfRun) codeForm(code string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {r.client.redirect}}
	if r.onForm != nil {
		r.onForm(form)
	}
	return form
}

// tokens gets tokens for a code.
func (r *oidfRun) tokens(out *oidfResult) {
	got := r.ask(r.codeForm(out.code))
	m := jsonObject(got.body)
	r.need("CheckIfTokenEndpointResponseError", got.status == 200 && m != nil && m["error"] == nil, "%d %s", got.status, got.body)
	out.access, _ = m["access_token"].(string)
	r.need("CheckForAccessTokenValue", out.access != "", "%s", got.body)
	kind, _ := m["token_type"].(string)
	r.need("ExtractAccessTokenFromTokenResponse", strings.EqualFold(kind, "bearer"), "token_type %v", m["token_type"])
	life, isNumber := m["expires_in"].(float64)
	r.check("ExtractExpiresInFromTokenEndpointResponse", m["expires_in"] != nil, "%s", got.body)
	r.check("ValidateExpiresIn", isNumber && life > 0, "%v", m["expires_in"])
	out.refresh, _ = m["refresh_token"].(string)
	text, _ := m["id_token"].(string)
	out.back = r.idToken("ExtractIdTokenFromTokenResponse", "token", text)
	if out.front != nil {
		r.check("VerifyIdTokenSubConsistentHybridFlow", out.front.textOf("sub") == out.back.textOf("sub") && out.front.textOf("iss") == out.back.textOf("iss"), "%v and %v", out.front.claims["sub"], out.back.claims["sub"])
	}
}

// resource asks userinfo, as a protected resource.
func (r *oidfRun) resource(access string) map[string]any {
	at, _ := r.doc["userinfo_endpoint"].(string)
	got := r.do(http.MethodGet, at, "", "", "Authorization", "Bearer "+access)
	r.need("CallProtectedResource", got.status != 0, "no answer")
	r.check("EnsureHttpStatusCodeIs200", got.status == 200, "%d %s", got.status, got.body)
	return jsonObject(got.body)
}

// plans are the lists. They stand for the certification profiles of these names.
func oidfPlans() []oidfPlan {
	basic := oidfVariant{"code", "default", "client_secret_basic"}
	general := []string{
		"oidcc-server", "oidcc-response-type-missing", "oidcc-idtoken-signature", "oidcc-userinfo-get", "oidcc-userinfo-post-header", "oidcc-userinfo-post-body",
		"oidcc-scope-profile", "oidcc-scope-email", "oidcc-scope-address", "oidcc-scope-phone", "oidcc-scope-all", "oidcc-alternate-happy-flow", "oidcc-display-page", "oidcc-display-popup",
		"oidcc-prompt-login", "oidcc-prompt-none-not-logged-in", "oidcc-prompt-none-logged-in", "oidcc-max-age-1", "oidcc-max-age-10000", "oidcc-ensure-request-with-unknown-parameter-succeeds",
		"oidcc-id-token-hint", "oidcc-login-hint", "oidcc-ui-locales", "oidcc-claims-locales", "oidcc-ensure-request-with-acr-values-succeeds", "oidcc-ensure-registered-redirect-uri",
		"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
		"oidcc-claims-essential", "oidcc-ensure-request-object-with-redirect-uri",
	}
	withCode := []string{"oidcc-codereuse", "oidcc-codereuse-30seconds", "oidcc-server-client-secret-post", "oidcc-refresh-token"}
	without := func(list []string, not ...string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(not, s) })
	}
	userinfo := []string{"oidcc-userinfo-get", "oidcc-userinfo-post-header", "oidcc-userinfo-post-body"}
	noNonce, nonceFails, pkce := "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", "oidcc-ensure-request-without-nonce-fails", "oidcc-ensure-request-with-valid-pkce-succeeds"
	type part struct {
		v       oidfVariant
		modules []string
	}
	of := func(responseType string) oidfVariant {
		return oidfVariant{responseType, "default", "client_secret_basic"}
	}
	implicit := without(general, append(userinfo, "oidcc-response-type-missing")...)
	lists := map[string][]part{
		"basic":    {{basic, slices.Concat(general, withCode, []string{noNonce, pkce, "oidcc-idtoken-unsigned", "oidcc-ensure-post-request-succeeds"})}},
		"implicit": {{of("id_token"), append(slices.Clone(implicit), nonceFails)}, {of("id_token token"), slices.Concat(implicit, userinfo, []string{nonceFails, "oidcc-response-type-missing"})}},
		"hybrid": {
			{of("code id_token"), slices.Concat(general, withCode, []string{nonceFails, pkce})},
			{of("code token"), slices.Concat(without(general, "oidcc-response-type-missing"), withCode, []string{noNonce})},
			{of("code id_token token"), slices.Concat(without(general, "oidcc-response-type-missing"), withCode, []string{nonceFails})},
		},
	}
	var out []oidfPlan
	for _, name := range []string{"basic", "implicit", "hybrid"} {
		plan, posts := oidfPlan{name: "oidcc-" + name + "-certification-test-plan"}, oidfPlan{name: "oidcc-formpost-" + name + "-certification-test-plan"}
		for _, p := range lists[name] {
			for _, m := range p.modules {
				v := p.v
				if m == "oidcc-server-client-secret-post" {
					v.auth = "client_secret_post"
				}
				plan.entries = append(plan.entries, oidfEntry{m, v})
				v.mode = "form_post"
				posts.entries = append(posts.entries, oidfEntry{m, v})
			}
		}
		out = append(out, plan, posts)
	}
	none := oidfVariant{"", "default", "none"}
	config := oidfPlan{"oidcc-config-certification-test-plan", []oidfEntry{{"oidcc-discovery-endpoint-verification", none}}}
	logout := oidfPlan{"oidcc-rp-initiated-logout-certification-test-plan", []oidfEntry{{"oidcc-rp-initiated-logout-discovery-endpoint-verification", none}}}
	back := oidfPlan{"oidcc-backchannel-rp-initiated-logout-certification-test-plan", []oidfEntry{{"oidcc-backchannel-logout-discovery-endpoint-verification", none}}}
	for _, responseType := range []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"} {
		for _, m := range []string{
			"", "-bad-post-logout-redirect-uri", "-modified-id-token-hint", "-no-id-token-hint", "-no-params", "-no-post-logout-redirect-uri", "-no-state", "-only-state",
			"-query-added-to-post-logout-redirect-uri", "-bad-id-token-hint",
		} {
			logout.entries = append(logout.entries, oidfEntry{"oidcc-rp-initiated-logout" + m, of(responseType)})
		}
		back.entries = append(back.entries, oidfEntry{"oidcc-backchannel-rp-initiated-logout", of(responseType)})
	}
	return append(out, config, logout, back)
}

// oidfPlan is a list of modules.
type oidfPlan struct {
	name    string
	entries []oidfEntry
}

// oidfEntry is a module in a list.
type oidfEntry struct {
	module string
	v      oidfVariant
}

// oidfSkips are the modules that the suite skips for a provider that does not have what they are about, with what has to be said of it.
var oidfSkips = map[string]string{
	"oidcc-idtoken-unsigned": "no unsigned ID tokens",
	"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported":    "request_uri_not_supported",
	"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": "request_not_supported",
}

// wrong says what of a run is not as it should be, nil when it passes.
func (r *oidfRun) wrong(module string) []string {
	out := slices.Clone(r.failed)
	for _, w := range r.warned {
		out = append(out, "warning: "+w)
	}
	if r.skipped != oidfSkips[module] {
		out = append(out, fmt.Sprintf("skipped because of %q", r.skipped))
	}
	return out
}

// documented holds that docs/conformance.md says something, so that what it says of the counts is what was counted.
func documented(t *testing.T, line string) {
	t.Helper()
	b, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), line) {
		t.Errorf("docs/conformance.md does not say %q", line)
	}
}

// TestOpenIDFoundation runs every module of the lists, for each response type of its plan.
func TestOpenIDFoundation(t *testing.T) {
	t.Parallel()
	s := openSuite(t)
	modules := oidfModules()
	var mu sync.Mutex
	type count struct{ runs, pass, skipped, warned int }
	total := map[string]*count{}
	seen := map[string]map[string]bool{}
	ran := map[string]bool{}
	t.Run("plans", func(t *testing.T) {
		for _, p := range oidfPlans() {
			total[p.name] = &count{}
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				for _, e := range p.entries {
					m := modules[e.module]
					if m == nil {
						t.Errorf("%s is not ported", e.module)
						continue
					}
					t.Run(e.module+"/"+e.v.String(), func(t *testing.T) {
						t.Parallel()
						r := s.play(t, m, e.v, s.transport)
						bad := r.wrong(e.module)
						for _, b := range bad {
							t.Error(b)
						}
						mu.Lock()
						defer mu.Unlock()
						if seen[e.module] == nil {
							seen[e.module] = map[string]bool{}
						}
						maps.Copy(seen[e.module], r.seen)
						c := total[p.name]
						c.runs++
						ran[e.module] = true
						if bad == nil {
							c.pass++
						}
						if r.skipped != "" {
							c.skipped++
						}
						if len(r.warned) > 0 {
							c.warned++
						}
					})
				}
			})
		}
	})
	var all count
	for _, p := range oidfPlans() {
		c := total[p.name]
		all.runs, all.pass, all.skipped, all.warned = all.runs+c.runs, all.pass+c.pass, all.skipped+c.skipped, all.warned+c.warned
		t.Logf("%s: %d of %d pass (%d skipped, %d with a warning)", p.name, c.pass, c.runs, c.skipped, c.warned)
		if c.runs == len(p.entries) {
			documented(t, fmt.Sprintf("| `%s` | %d | %d | %d | %d |", p.name, c.pass, c.runs, c.skipped, c.warned))
		}
	}
	entries := 0
	for _, p := range oidfPlans() {
		entries += len(p.entries)
	}
	// A module lists what it checks, no more and no less.
	for name, m := range modules {
		if all.runs < entries { // some were not asked for
			break
		}
		if !ran[name] {
			t.Errorf("%s is in no list", name)
			continue
		}
		for _, c := range m.conditions {
			if !seen[name][c] {
				t.Errorf("%s lists %s and never checks it", name, c)
			}
		}
		for c := range seen[name] {
			if !slices.Contains(m.conditions, c) {
				t.Errorf("%s checks %s and does not list it", name, c)
			}
		}
	}
	counted(t, "OpenID Foundation: %d of %d runs of %d modules pass, %d of them skipped as the suite skips them, %d with a warning", all.pass, all.runs, len(modules), all.skipped, all.warned)
}

// counted tells a count to whoever reads the test, and to the file that GATEHOUSE_COUNTS names: go test shows nothing of tests that pass.
func counted(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	name := os.Getenv("GATEHOUSE_COUNTS")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, format+"\n", args...)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
