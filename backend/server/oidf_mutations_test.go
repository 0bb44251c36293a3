package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// oidfMutation breaks the provider in one way, between the house and a module: the module has to notice. Nothing of it is in the product.
type oidfMutation struct {
	module, what string
	by           string // the condition that notices it
	responseType string // code when it is empty
	more         string // "form_post", or a client authentication

	ask    func(b *broken, q *asking) *http.Response // before the house sees a request; an answer is given in the house's place
	back   func(b *broken, v url.Values)             // what comes to the client from the authorization endpoint
	tokens func(b *broken, m map[string]any)         // what the token endpoint answers
	info   func(b *broken, m map[string]any)         // what userinfo answers
	doc    func(b *broken, m map[string]any)         // the configuration
	jwks   func(b *broken, m map[string]any)         // the keys
	to     func(b *broken, address string) string    // where the browser is sent
	logout func(b *broken, claims, header map[string]any)
}

// broken is the way through a broken provider.
type broken struct {
	m  *oidfMutation
	s  *oidfSuite
	mu sync.Mutex

	n    int // what a mutation counts and remembers
	kept string
}

// asking is a request on its way to the house.
type asking struct {
	*http.Request
	query, form url.Values
}

func (q *asking) at(end string) bool { return strings.HasSuffix(q.URL.Path, end) }

// drop takes a parameter away, wherever it is.
func (q *asking) drop(name string) {
	q.query.Del(name)
	q.form.Del(name)
}

func made(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}, Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1}
}

// RoundTrip implements http.RoundTripper.
func (b *broken) RoundTrip(req *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := &asking{Request: req.Clone(req.Context()), query: req.URL.Query(), form: url.Values{}}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	isForm := strings.HasPrefix(req.Header.Get("Content-Type"), oidfForm)
	if isForm {
		q.form, _ = url.ParseQuery(string(body))
	}
	if b.m.ask != nil {
		if res := b.m.ask(b, q); res != nil {
			res.Request = req
			return res, nil
		}
	}
	q.URL.RawQuery = q.query.Encode()
	if isForm {
		body = []byte(q.form.Encode())
	}
	q.Request.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res, err := b.s.transport.RoundTrip(q.Request)
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	out = b.change(q, res, out)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(out)), int64(len(out))
	res.Header.Set("Content-Length", strconv.Itoa(len(out)))
	return res, nil
}

func (b *broken) change(q *asking, res *http.Response, body []byte) []byte {
	edit := func(f func(b *broken, m map[string]any)) []byte {
		m := jsonObject(string(body))
		if m == nil || f == nil {
			return body
		}
		f(b, m)
		out, _ := json.Marshal(m)
		return out
	}
	if to := res.Header.Get("Location"); to != "" {
		res.Header.Set("Location", b.sent(to))
	}
	switch {
	case q.at("/token/"):
		return edit(b.m.tokens)
	case q.at("/userinfo/"):
		return edit(b.m.info)
	case q.at("/openid-configuration"):
		return edit(b.m.doc)
	case q.at("/jwks/"):
		return edit(b.m.jwks)
	case strings.HasPrefix(q.URL.Path, "/api/v3/flows/executor/"):
		return edit(func(_ *broken, m map[string]any) {
			if to, ok := m["to"].(string); ok {
				m["to"] = b.sent(to)
			}
			if attrs, ok := m["attrs"].(map[string]any); ok && b.m.back != nil {
				v := url.Values{}
				for name, x := range attrs {
					v.Set(name, fmt.Sprint(x))
				}
				b.m.back(b, v)
				clear(attrs)
				for name := range v {
					attrs[name] = v.Get(name)
				}
			}
		})
	}
	return body
}

// sent changes where the browser is sent: what the client gets, when it is sent to one.
func (b *broken) sent(to string) string {
	u, err := url.Parse(to)
	if err == nil && u.Host == "rp.example.com" && b.m.back != nil && strings.HasSuffix(u.Path, "/callback") {
		if u.Fragment != "" {
			v, _ := url.ParseQuery(u.EscapedFragment())
			b.m.back(b, v)
			to = strings.TrimSuffix(to, "#"+u.EscapedFragment()) + "#" + v.Encode()
		} else {
			v := u.Query()
			b.m.back(b, v)
			u.RawQuery = v.Encode()
			to = u.String()
		}
	}
	if b.m.to != nil {
		to = b.m.to(b, to)
	}
	return to
}

// key is what the house signs the tokens of the suite's clients with.
func (b *broken) key() jose.SigningKey {
	s := b.s
	p := s.h.api("GET", fmt.Sprintf("providers/oauth2/%d/", s.h.provider(s.one)), nil, 200)
	pair, err := s.h.s.rooms.certs.Signing(s.t.Context(), p["signing_key"].(string))
	if err != nil {
		s.t.Fatal(err)
	}
	return jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: pair.Signer, KeyID: pair.KeyID}}
}

// again signs a token anew with other claims and by another key, if that is asked for.
func (b *broken) again(text string, change func(claims, header map[string]any), with ...jose.SigningKey) string {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return text
	}
	header, claims := jsonObject(string(oidfBytes(parts[0]))), jsonObject(string(oidfBytes(parts[1])))
	if change != nil {
		change(claims, header)
	}
	key := b.key()
	if len(with) > 0 {
		key = with[0]
	}
	delete(header, "alg")
	payload, _ := json.Marshal(claims)
	return sealed(b.s.t, payload, key, header)
}

// inIDToken changes claims of ID tokens wherever they come.
func inIDToken(m oidfMutation, change func(claims, header map[string]any)) oidfMutation {
	m.back = func(b *broken, v url.Values) {
		if v.Has("id_token") {
			v.Set("id_token", b.again(v.Get("id_token"), change))
		}
	}
	m.tokens = func(b *broken, out map[string]any) {
		if text, ok := out["id_token"].(string); ok {
			out["id_token"] = b.again(text, change)
		}
	}
	return m
}

// refuses is a provider that does not take a parameter.
func refuses(module, what string, has func(v url.Values) bool) oidfMutation {
	return oidfMutation{module: module, what: what, by: "CheckIfAuthorizationEndpointError", ask: func(_ *broken, q *asking) *http.Response {
		if !q.at("/authorize/") || !has(q.query) {
			return nil
		}
		res := made(302, "")
		res.Header.Set("Location", q.query.Get("redirect_uri")+"?"+url.Values{"error": {"invalid_request"}, "state": {q.query.Get("state")}}.Encode())
		return res
	}}
}

func has(name string) func(v url.Values) bool { return func(v url.Values) bool { return v.Has(name) } }

// ignores is a provider that overlooks a parameter of one of its addresses.
func ignores(module, what, by, at string, names ...string) oidfMutation {
	return oidfMutation{module: module, what: what, by: by, ask: func(_ *broken, q *asking) *http.Response {
		if q.at(at) {
			for _, n := range names {
				q.drop(n)
			}
		}
		return nil
	}}
}

// replays is a provider that answers a code again as the first time.
func replays(module, what string) oidfMutation {
	return oidfMutation{module: module, what: what, by: "CheckTokenEndpointHttpStatus400", ask: func(b *broken, q *asking) *http.Response {
		if !q.at("/token/") || q.form.Get("grant_type") != "authorization_code" {
			return nil
		}
		b.n++
		if b.n == 1 {
			return nil
		}
		return made(200, `{"access_token":"again-and-again","token_type":"Bearer","expires_in":3600}`)
	}}
}

// claim is a provider whose userinfo tells something as another type.
func claim(module, what, by, name string, value any) oidfMutation {
	return oidfMutation{module: module, what: what, by: by, info: func(_ *broken, m map[string]any) {
		m[name] = value
		if value == nil {
			delete(m, name)
		}
	}}
}

// oidfMutations are the broken providers: at least one for each module.
func oidfMutations() []oidfMutation {
	type values = url.Values
	forget := func(q *asking) { // the session is not known
		q.Header.Del("Cookie")
	}
	out := []oidfMutation{
		// What comes back.
		inIDToken(oidfMutation{module: "oidcc-server", what: "the nonce is dropped", by: "ValidateIdTokenNonce"}, func(c, _ map[string]any) { delete(c, "nonce") }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "a wrong at_hash", by: "ValidateAtHash", responseType: "id_token token"}, func(c, _ map[string]any) { c["at_hash"] = leftHalf("x") }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "no at_hash", by: "ExtractAtHash", responseType: "code id_token token"}, func(c, _ map[string]any) { delete(c, "at_hash") }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "a wrong c_hash", by: "ValidateCHash", responseType: "code id_token"}, func(c, _ map[string]any) { c["c_hash"] = leftHalf("x") }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "another audience", by: "ValidateIdToken"}, func(c, _ map[string]any) { c["aud"] = "somebody-else" }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "another issuer", by: "ValidateIdToken"}, func(c, _ map[string]any) { c["iss"] = "https://evil.example/" }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "an ID token of yesterday", by: "ValidateIdToken"}, func(c, _ map[string]any) { c["exp"] = c["exp"].(float64) - 86400 }),
		inIDToken(oidfMutation{module: "oidcc-server", what: "no sub", by: "CheckForSubjectInIdToken"}, func(c, _ map[string]any) { delete(c, "sub") }),
		{module: "oidcc-server", what: "the state is dropped", by: "CheckStateInAuthorizationResponse", back: func(_ *broken, v values) { v.Del("state") }},
		{module: "oidcc-server", what: "the iss of somebody else (RFC 9207)", by: "ValidateIssIfPresentInAuthorizationResponse", back: func(_ *broken, v values) { v.Set("iss", "https://evil.example/") }},
		{module: "oidcc-server", what: "the code in the query besides", by: "RejectAuthCodeInUrlQuery", responseType: "code id_token", to: func(_ *broken, to string) string {
			return strings.Replace(to, "/callback#", "/callback?code=x#", 1)
		}},
		{module: "oidcc-server", what: "a short code", by: "EnsureMinimumAuthorizationCodeLength", back: func(b *broken, v values) {
			b.kept = v.Get("code")
			v.Set("code", b.kept[:8])
		}, ask: func(b *broken, q *asking) *http.Response {
			if q.at("/token/") {
				q.form.Set("code", b.kept)
			}
			return nil
		}},
		{module: "oidcc-server", what: "two persons in one answer", by: "VerifyIdTokenSubConsistentHybridFlow", responseType: "code id_token", tokens: func(b *broken, m map[string]any) {
			m["id_token"] = b.again(m["id_token"].(string), func(c, _ map[string]any) { c["sub"] = "somebody-else" })
		}},
		{module: "oidcc-server", what: "expires_in is a text", by: "ValidateExpiresIn", tokens: func(_ *broken, m map[string]any) { m["expires_in"] = "3600" }},
		{module: "oidcc-server", what: "an unknown token_type", by: "ExtractAccessTokenFromTokenResponse", tokens: func(_ *broken, m map[string]any) { m["token_type"] = "mac" }},
		{module: "oidcc-server", what: "private keys are published", by: "EnsureServerJwksDoesNotContainPrivateOrSymmetricKeys", jwks: func(_ *broken, m map[string]any) { m["keys"].([]any)[0].(map[string]any)["d"] = "AQAB" }},
		{module: "oidcc-server-client-secret-post", what: "the secret in the body is overlooked", by: "CheckIfTokenEndpointResponseError", more: "client_secret_post", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/token/") {
				q.drop("client_secret")
			}
			return nil
		}},
		{module: "oidcc-response-type-missing", what: "code is assumed", by: "EnsureErrorFromAuthorizationEndpointResponse", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") && !q.query.Has("response_type") {
				q.query.Set("response_type", "code")
			}
			return nil
		}},
		{module: "oidcc-idtoken-signature", what: "signed by another key", by: "ValidateIdTokenSignatureUsingKid", tokens: func(b *broken, m map[string]any) {
			m["id_token"] = b.again(m["id_token"].(string), nil, jose.SigningKey{Algorithm: jose.RS256, Key: oidfKey()})
		}},
		{module: "oidcc-idtoken-signature", what: "signed with the secret", by: "EnsureIdTokenSignatureIsRS256", tokens: func(b *broken, m map[string]any) {
			m["id_token"] = b.again(m["id_token"].(string), nil, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(b.s.one.secret)})
		}},
		{module: "oidcc-idtoken-unsigned", what: "unsigned tokens are offered and signed ones come", by: "CheckIdTokenSignatureAlgorithm", doc: func(_ *broken, m map[string]any) {
			m["id_token_signing_alg_values_supported"] = []string{"RS256", "none"}
		}},
		claim("oidcc-userinfo-get", "no sub", "EnsureUserInfoContainsSub", "sub", nil),
		{module: "oidcc-userinfo-post-header", what: "the header counts with GET only", by: "CallUserInfoEndpointWithBearerToken", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/userinfo/") && q.Method == http.MethodPost {
				q.Header.Del("Authorization")
			}
			return nil
		}},
		ignores("oidcc-userinfo-post-body", "a token in the body is overlooked", "CallUserInfoEndpointWithBearerToken", "/userinfo/", "access_token"),
		claim("oidcc-scope-profile", "updated_at is a text", "EnsureUserInfoUpdatedAtValid", "updated_at", "2026-11-29"), claim("oidcc-scope-profile", "a birthday that is none", "EnsureUserInfoBirthDateValid", "birthdate", "19th of January"), claim("oidcc-scope-profile", "the name is missing", "VerifyScopesReturnedInUserInfoClaims", "name", nil),
		claim("oidcc-scope-email", "email_verified is a text", "ValidateUserInfoStandardClaims", "email_verified", "true"), claim("oidcc-scope-address", "the address is a text", "ValidateUserInfoStandardClaims", "address", "1630 Revello Drive"),
		claim("oidcc-scope-phone", "phone_number_verified is a number", "ValidateUserInfoStandardClaims", "phone_number_verified", 1), claim("oidcc-scope-all", "userinfo of somebody else", "VerifyUserInfoAndIdTokenInTokenEndpointSameSub", "sub", "somebody-else"),
		{module: "oidcc-alternate-happy-flow", what: "openid has to come first", by: "EnsureHttpStatusCodeIs200", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") && !strings.HasPrefix(q.query.Get("scope"), "openid") {
				q.query.Set("scope", strings.ReplaceAll(q.query.Get("scope"), "openid", ""))
			}
			return nil
		}},
		// Parameters.
		refuses("oidcc-display-page", "display=page is refused", has("display")), refuses("oidcc-display-popup", "display=popup is refused", has("display")),
		refuses("oidcc-ui-locales", "ui_locales is refused", has("ui_locales")), refuses("oidcc-claims-locales", "claims_locales is refused", has("claims_locales")),
		refuses("oidcc-login-hint", "login_hint is refused", has("login_hint")), refuses("oidcc-claims-essential", "claims is refused", has("claims")),
		refuses("oidcc-ensure-request-with-unknown-parameter-succeeds", "what is not known is refused", has("extra")),
		refuses("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", "a nonce is asked for", func(v values) bool { return !v.Has("nonce") }),
		inIDToken(oidfMutation{module: "oidcc-ensure-request-with-acr-values-succeeds", what: "an acr that nobody asked for", by: "ValidateIdTokenACRClaimAgainstAcrValuesRequest"}, func(c, _ map[string]any) { c["acr"] = "urn:else" }),
		{module: "oidcc-ensure-request-without-nonce-fails", what: "a nonce is made up", by: "EnsureErrorFromAuthorizationEndpointResponse", responseType: "id_token", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") && !q.query.Has("nonce") {
				q.query.Set("nonce", "made-up")
			}
			return nil
		}},
		ignores("oidcc-prompt-login", "prompt=login is overlooked", "ExpectSecondLoginPage", "/authorize/", "prompt"),
		ignores("oidcc-prompt-none-not-logged-in", "prompt=none shows the sign-in", "EnsureErrorFromAuthorizationEndpointResponse", "/authorize/", "prompt"),
		{module: "oidcc-prompt-none-logged-in", what: "prompt=none knows no session", by: "CheckIfAuthorizationEndpointError", ask: func(_ *broken, q *asking) *http.Response {
			if q.query.Get("prompt") == "none" {
				forget(q)
			}
			return nil
		}},
		{module: "oidcc-id-token-hint", what: "a good hint is taken for a bad one", by: "CheckIfAuthorizationEndpointError", ask: func(_ *broken, q *asking) *http.Response {
			if q.query.Has("id_token_hint") {
				q.query.Set("id_token_hint", "x"+q.query.Get("id_token_hint"))
			}
			return nil
		}},
		ignores("oidcc-max-age-1", "max_age is overlooked", "ExpectSecondLoginPage", "/authorize/", "max_age"),
		inIDToken(oidfMutation{module: "oidcc-max-age-10000", what: "no auth_time", by: "CheckIdTokenAuthTimeClaimPresentDueToMaxAge"}, func(c, _ map[string]any) { delete(c, "auth_time") }),
		inIDToken(oidfMutation{module: "oidcc-max-age-10000", what: "auth_time is another each time", by: "CheckIdTokenAuthTimeClaimsSameIfPresent"}, func(c, _ map[string]any) { c["auth_time"] = c["nonce"] }),
		{module: "oidcc-ensure-registered-redirect-uri", what: "any redirect URI will do", by: "ExpectRedirectUriErrorPage", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") && q.query.Get("redirect_uri") == oidfUnknown {
				q.query.Set("redirect_uri", oidfRedirect)
			}
			return nil
		}, to: func(_ *broken, to string) string { return strings.Replace(to, oidfRedirect, oidfUnknown, 1) }},
		{module: "oidcc-ensure-post-request-succeeds", what: "POST is not taken", by: "CheckMatchingCallbackParameters", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") && q.Method == http.MethodPost {
				return made(405, "")
			}
			return nil
		}},
		ignores("oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", "request_uri is overlooked", "CheckStateInAuthorizationResponse", "/authorize/", "request_uri"),
		ignores("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", "request is overlooked", "CheckStateInAuthorizationResponse", "/authorize/", "request"),
		{module: "oidcc-ensure-request-object-with-redirect-uri", what: "the registered redirect URI instead of the wrong one", by: "ExpectRedirectUriErrorPage", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") && q.query.Get("redirect_uri") == oidfUnknown {
				q.query.Set("redirect_uri", oidfRedirect)
			}
			return nil
		}},
		// Codes and refresh tokens.
		replays("oidcc-codereuse", "a code is good twice"), replays("oidcc-codereuse-30seconds", "a code is good twice"),
		{module: "oidcc-codereuse-30seconds", what: "the tokens outlive the second use", by: "CallProtectedResourceWithBearerTokenExpectingError", ask: func(b *broken, q *asking) *http.Response {
			if q.at("/token/") {
				b.n++
			}
			if b.n > 1 && q.at("/userinfo/") {
				return made(200, `{"sub":"x"}`)
			}
			return nil
		}},
		{module: "oidcc-codereuse", what: "the refusal has a line break and another status", by: "CheckErrorDescriptionFromTokenEndpointResponseErrorContainsCRLFTAB", ask: func(b *broken, q *asking) *http.Response {
			if q.at("/token/") {
				b.n++
			}
			if b.n > 1 && q.at("/token/") {
				return made(401, `{"error":"invalid_grant","error_description":"no\nway"}`)
			}
			return nil
		}},
		ignores("oidcc-ensure-request-with-valid-pkce-succeeds", "the code_verifier is overlooked", "CheckIfTokenEndpointResponseError", "/token/", "code_verifier"),
		{module: "oidcc-refresh-token", what: "another client's refresh token is taken", by: "CheckTokenEndpointHttpStatus400", ask: func(b *broken, q *asking) *http.Response {
			if !q.at("/token/") || q.form.Get("grant_type") != "refresh_token" {
				return nil
			}
			b.n++
			if b.n == 3 { // the second client's, by the first one
				q.Request.SetBasicAuth(url.QueryEscape(b.s.two.id), url.QueryEscape(b.s.two.secret))
			}
			return nil
		}},
		{module: "oidcc-refresh-token", what: "the new ID token is of now", by: "CompareIdTokenClaims", tokens: func(b *broken, m map[string]any) {
			b.n++
			if b.n == 2 {
				m["id_token"] = b.again(m["id_token"].(string), func(c, _ map[string]any) { c["auth_time"] = c["iat"] })
			}
		}},
		{module: "oidcc-refresh-token", what: "a refresh token that can be guessed", by: "EnsureMinimumRefreshTokenLength", tokens: func(b *broken, m map[string]any) {
			if text, ok := m["refresh_token"].(string); ok {
				b.kept, m["refresh_token"] = text, "1"
			}
		}, ask: func(b *broken, q *asking) *http.Response {
			if q.form.Get("refresh_token") == "1" {
				q.form.Set("refresh_token", b.kept)
			}
			return nil
		}},
		// The configuration.
		{module: "oidcc-discovery-endpoint-verification", what: "another issuer", by: "CheckDiscEndpointIssuer", doc: func(_ *broken, m map[string]any) { m["issuer"] = m["issuer"].(string) + "else/" }},
		{module: "oidcc-discovery-endpoint-verification", what: "a token endpoint without TLS", by: "CheckDiscEndpointTokenEndpoint", doc: func(_ *broken, m map[string]any) {
			m["token_endpoint"] = strings.Replace(m["token_endpoint"].(string), "https:", "http:", 1)
		}},
		{module: "oidcc-discovery-endpoint-verification", what: "no RS256", by: "OIDCCCheckDiscEndpointIdTokenSigningAlgValuesSupported", doc: func(_ *broken, m map[string]any) { m["id_token_signing_alg_values_supported"] = []string{"HS256"} }},
		{module: "oidcc-discovery-endpoint-verification", what: "no openid", by: "CheckDiscEndpointScopesSupportedContainsOpenId", doc: func(_ *broken, m map[string]any) { m["scopes_supported"] = []string{"email"} }},
		{module: "oidcc-discovery-endpoint-verification", what: "the secret is among the keys", by: "EnsureServerJwksDoesNotContainPrivateOrSymmetricKeys", jwks: func(_ *broken, m map[string]any) {
			m["keys"] = append(m["keys"].([]any), map[string]any{"kty": "oct", "kid": "s", "use": "sig", "alg": "HS256", "k": "c2VjcmV0"})
		}},
		{module: "oidcc-rp-initiated-logout-discovery-endpoint-verification", what: "no end_session_endpoint", by: "CheckDiscEndSessionEndpoint", doc: func(_ *broken, m map[string]any) { delete(m, "end_session_endpoint") }},
		{module: "oidcc-backchannel-logout-discovery-endpoint-verification", what: "sessions are not said to be supported", by: "CheckDiscEndpointBackchannelLogoutSessionSupported", doc: func(_ *broken, m map[string]any) { delete(m, "backchannel_logout_session_supported") }},
	}
	// Logout.
	const logout = "oidcc-rp-initiated-logout"
	ending := func(f func(b *broken, q *asking)) func(b *broken, q *asking) *http.Response {
		return func(b *broken, q *asking) *http.Response {
			if q.at("/end-session/") {
				f(b, q)
			}
			return nil
		}
	}
	away := func(q *asking) *http.Response { // sends the browser wherever it is asked to
		res := made(302, "")
		to := oidfLoggedOut
		if uri := q.query.Get("post_logout_redirect_uri"); uri != "" {
			to = uri
		}
		res.Header.Set("Location", to)
		return res
	}
	sendsAway := func(rest, what, by string) oidfMutation {
		return oidfMutation{module: logout + rest, what: what, by: by, ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/end-session/") {
				return away(q)
			}
			return nil
		}}
	}
	for _, rest := range []string{"", "-no-state"} {
		out = append(out, oidfMutation{module: logout + rest, what: "the session goes on", by: "EnsureErrorFromAuthorizationEndpointResponse", ask: func(b *broken, q *asking) *http.Response {
			if !q.at("/end-session/") {
				return nil
			}
			res := away(q)
			if s := q.query.Get("state"); s != "" {
				res.Header.Set("Location", res.Header.Get("Location")+"?state="+s)
			}
			return res
		}})
	}
	for _, rest := range []string{"-no-params", "-only-state", "-no-post-logout-redirect-uri"} {
		out = append(out, sendsAway(rest, "back to the client unasked", "ExpectSuccessfulLogoutPage"), oidfMutation{module: logout + rest, what: "a page, and the session goes on", by: "EnsureErrorFromAuthorizationEndpointResponse", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/end-session/") {
				return made(200, "Signed out.")
			}
			return nil
		}})
	}
	signedAgain := func(b *broken, q *asking) { // whoever made the hint: it is taken for one of the house
		parts := strings.Split(q.query.Get("id_token_hint"), ".")
		q.query.Set("id_token_hint", sealed(b.s.t, oidfBytes(parts[1]), b.key(), map[string]any{"typ": "JWT"}))
	}
	out = append(out,
		oidfMutation{module: logout, what: "the state is dropped", by: "CheckPostLogoutState", ask: ending(func(_ *broken, q *asking) { q.drop("state") })},
		oidfMutation{module: logout + "-no-state", what: "a state that nobody sent", by: "CheckPostLogoutState", ask: ending(func(_ *broken, q *asking) { q.query.Set("state", "made-up") })},
		sendsAway("-bad-post-logout-redirect-uri", "to any address", "ExpectPostLogoutRedirectUriNotRegisteredErrorPage"), sendsAway("-query-added-to-post-logout-redirect-uri", "to an address with more in its query", "ExpectPostLogoutRedirectUriNotRegisteredErrorPage"),
		sendsAway("-no-id-token-hint", "to an address without a hint", "ExpectIdTokenHintRequiredErrorPage"),
		oidfMutation{module: logout + "-modified-id-token-hint", what: "an unsigned hint is accepted", by: "ExpectInvalidIdTokenHintErrorPage", ask: ending(signedAgain)},
		oidfMutation{module: logout + "-bad-id-token-hint", what: "the signature of the hint is not looked at", by: "ExpectInvalidIdTokenHintErrorPage", ask: ending(signedAgain)},
	)
	const back = "oidcc-backchannel-rp-initiated-logout"
	type tell = map[string]any
	for _, l := range []struct {
		what, by string
		change   func(c tell)
	}{
		{"no events", "ValidateLogoutTokenClaims", func(c tell) { delete(c, "events") }},
		{"another event", "ValidateLogoutTokenClaims", func(c tell) { c["events"] = tell{"urn:else": tell{}} }},
		{"a nonce", "CheckLogoutTokenNoNonce", func(c tell) { c["nonce"] = "n" }},
		{"another session", "CheckIdTokenSidMatchesLogoutToken", func(c tell) { c["sid"] = "else" }},
		{"another person", "CheckIdTokenSubMatchesLogoutToken", func(c tell) { c["sub"] = "else" }},
		{"another application", "ValidateLogoutTokenClaims", func(c tell) { c["aud"] = "else" }},
		{"no jti", "ValidateLogoutTokenClaims", func(c tell) { delete(c, "jti") }},
		{"neither sub nor sid", "CheckLogoutTokenHasSubOrSid", func(c tell) { delete(c, "sid"); delete(c, "sub") }},
		{"issued in the future", "ValidateLogoutTokenClaims", func(c tell) { c["iat"] = c["iat"].(float64) + 3600 }},
	} {
		out = append(out, oidfMutation{module: back, what: l.what, by: l.by, logout: func(_ *broken, c, _ map[string]any) { l.change(c) }})
	}
	out = append(out,
		oidfMutation{module: back, what: "signed by another key", by: "ValidateLogoutTokenSignature", logout: func(_ *broken, _, h map[string]any) { h["forged"] = true }},
		oidfMutation{module: back, what: "no sid in the ID token", by: "CheckIdTokenSidMatchesLogoutToken", tokens: func(b *broken, m map[string]any) {
			m["id_token"] = b.again(m["id_token"].(string), func(c, _ map[string]any) { delete(c, "sid") })
		}},
		oidfMutation{module: "oidcc-server", what: "an answer in the address where a form was asked for", by: "CheckCallbackHttpMethodIsPost", more: "form_post", ask: func(_ *broken, q *asking) *http.Response {
			if q.at("/authorize/") {
				q.drop("response_mode")
			}
			return nil
		}},
	)
	return out
}

// TestOpenIDFoundationNotices breaks the provider in one way after the other: the module whose matter it is has to fail.
func TestOpenIDFoundationNotices(t *testing.T) {
	t.Parallel()
	s := openSuite(t)
	modules := oidfModules()
	broke := map[string]bool{}
	all := oidfMutations()
	var mu sync.Mutex
	caught, ran := 0, 0
	t.Run("mutations", func(t *testing.T) {
		for i := range all {
			m := &all[i]
			broke[m.module] = true
			t.Run(m.module+"/"+m.what, func(t *testing.T) {
				t.Parallel()
				v := oidfVariant{"code", "default", "client_secret_basic"}
				if m.responseType != "" {
					v.responseType = m.responseType
				}
				switch m.more {
				case "form_post":
					v.mode = m.more
				case "client_secret_post":
					v.auth = m.more
				}
				b := &broken{m: m, s: s}
				r := s.play(t, modules[m.module], v, b, func(r *oidfRun) {
					if m.logout == nil {
						return
					}
					r.logout = func(text string) string {
						forged := false
						changed := b.again(text, func(c, h map[string]any) {
							m.logout(b, c, h)
							forged = h["forged"] == true
							delete(h, "forged")
						})
						if forged {
							return b.again(text, nil, jose.SigningKey{Algorithm: jose.RS256, Key: oidfKey()})
						}
						return changed
					}
				})
				mu.Lock()
				ran++
				mu.Unlock()
				bad := r.wrong(m.module)
				if !slices.ContainsFunc(bad, func(s string) bool { return strings.HasPrefix(strings.TrimPrefix(s, "warning: "), m.by+":") }) {
					t.Errorf("%s does not notice by %s: %s. It says %q", m.module, m.by, m.what, bad)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				caught++
			})
		}
	})
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		if !broke[name] {
			t.Errorf("nothing is broken for %s", name)
		}
	}
	if ran == len(all) {
		documented(t, fmt.Sprintf("%d of %d broken providers", caught, len(all)))
	}
	counted(t, "OpenID Foundation: %d of %d broken providers are noticed, %d modules", caught, len(all), len(modules))
}
