package server

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hash of at_hash and c_hash
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// oidfModules are the modules by their names in the suite.
func oidfModules() map[string]*oidfModule {
	out := map[string]*oidfModule{}
	for _, list := range [][]*oidfModule{oidfFlows(), oidfParameters(), oidfGrants(), oidfLogouts(), oidfDiscoveries()} {
		for _, m := range list {
			out[m.name] = m
		}
	}
	return out
}

// plus adds conditions to those of the usual way.
func plus(base []string, more ...string) []string { return slices.Concat(base, more) }

// succeeds is a module in which a request with something more must succeed.
func succeeds(name string, change func(r *oidfRun, q url.Values)) *oidfModule {
	return &oidfModule{name, oidfHappy, func(r *oidfRun) {
		r.enter(time.Minute)
		r.change = func(q url.Values) { change(r, q) }
		r.happy()
	}}
}

// leftHalf is the left half of a hash (OpenID Connect Core 3.1.3.6).
func leftHalf(text string) string {
	h := crypto.SHA256.New()
	h.Write([]byte(text))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// entropy estimates the bits that a text holds.
func entropy(s string) float64 {
	n := map[rune]float64{}
	for _, c := range s {
		n[c]++
	}
	bits := 0.0
	for _, k := range n {
		bits -= k * math.Log2(k/float64(len(s)))
	}
	return bits
}

var oidfUserinfo = []string{"CallUserInfoEndpointWithBearerToken", "ExtractUserInfoFromUserInfoEndpointResponse", "EnsureUserInfoContainsSub"}

// userinfo reads an answer of the userinfo endpoint.
func (r *oidfRun) userinfo(got answer) map[string]any {
	r.need("CallUserInfoEndpointWithBearerToken", got.status == 200, "%d %s", got.status, got.body)
	m := jsonObject(got.body)
	r.need("ExtractUserInfoFromUserInfoEndpointResponse", m != nil && strings.HasPrefix(got.header.Get("Content-Type"), "application/json"), "%s", got.body)
	sub, _ := m["sub"].(string)
	r.check("EnsureUserInfoContainsSub", sub != "", "%s", got.body)
	return m
}

func (r *oidfRun) getUserinfo(access string) map[string]any {
	at, _ := r.doc["userinfo_endpoint"].(string)
	return r.userinfo(r.do(http.MethodGet, at, "", "", "Authorization", "Bearer "+access))
}

// oidfFlows are the modules about what comes back.
func oidfFlows() []*oidfModule {
	server := func(name string) *oidfModule {
		return &oidfModule{name, plus(oidfHappy, "ExtractAtHash", "ValidateAtHash", "ExtractCHash", "ValidateCHash", "EnsureIdTokenDoesNotContainName?", "EnsureMinimumAuthorizationCodeLength", "EnsureMinimumAuthorizationCodeEntropy"), func(r *oidfRun) {
			// Nobody is signed in at first.
			out := r.happy()
			r.must("the sign-in", r.logins == 1, "the person was asked %d times", r.logins)
			hash := func(claim, of string, must bool, t *oidfToken) {
				got := t.textOf(claim)
				if must {
					r.check("Extract"+map[string]string{"at_hash": "AtHash", "c_hash": "CHash"}[claim], got != "", "no %s", claim)
				}
				if got != "" {
					r.check("Validate"+map[string]string{"at_hash": "AtHash", "c_hash": "CHash"}[claim], got == leftHalf(of), "%s %s, for %s", claim, got, leftHalf(of))
				}
			}
			if out.front != nil {
				hash("at_hash", out.frontAccess, r.v.has("token"), out.front)
				hash("c_hash", out.code, r.v.has("code"), out.front)
			}
			if out.back != nil {
				hash("at_hash", out.access, false, out.back)
				hash("c_hash", out.code, false, out.back)
			}
			for _, t := range []*oidfToken{out.front, out.back} {
				if t != nil && (r.v.responseType != "id_token") {
					r.warn("EnsureIdTokenDoesNotContainName", t.claims["name"] == nil, "%v", t.claims["name"])
				}
			}
			if out.code != "" {
				r.check("EnsureMinimumAuthorizationCodeLength", len(out.code) >= 22, "%d characters", len(out.code))
				r.check("EnsureMinimumAuthorizationCodeEntropy", entropy(out.code) >= 96, "%.0f bits", entropy(out.code))
			}
		}}
	}
	// The second client authentication is the same module run in another way.
	post := server("oidcc-server-client-secret-post")
	post.conditions = slices.Clone(post.conditions)
	info := func(name string, call func(r *oidfRun, at, access string) answer) *oidfModule {
		return &oidfModule{name, plus(oidfHappy, oidfUserinfo...), func(r *oidfRun) {
			r.enter(time.Minute)
			out := r.happy()
			at, _ := r.doc["userinfo_endpoint"].(string)
			r.userinfo(call(r, at, out.access))
		}}
	}
	scope := func(name, asked string, change func(q url.Values)) *oidfModule {
		return &oidfModule{name, plus(oidfHappy, plus(oidfUserinfo, "ValidateUserInfoStandardClaims", "EnsureUserInfoBirthDateValid", "EnsureUserInfoUpdatedAtValid", "EnsureMemberValuesInClaimNameReferenceToMemberNamesInClaimSources",
			"VerifyUserInfoAndIdTokenInAuthorizationEndpointSameSub", "VerifyUserInfoAndIdTokenInTokenEndpointSameSub", "VerifyScopesReturnedInUserInfoClaims?", "VerifyScopesReturnedInAuthorizationEndpointIdToken?",
			"OIDCCCheckScopesSupportedContainScopeTest")...), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			for s := range strings.FieldsSeq(asked) {
				r.check("OIDCCCheckScopesSupportedContainScopeTest", slices.Contains(members(r.doc, "scopes_supported"), s), "%s is not among %v", s, r.doc["scopes_supported"])
			}
			r.change = func(q url.Values) {
				q.Set("scope", asked)
				if change != nil {
					change(q)
				}
			}
			r.returned(r.happy(), asked)
		}}
	}
	return []*oidfModule{
		server("oidcc-server"), post,
		{"oidcc-response-type-missing", plus(oidfSetup, plus(oidfFailure, "CheckErrorFromAuthorizationEndpointErrorInvalidRequestOrUnsupportedResponseType")...), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			r.change = func(q url.Values) { q.Del("response_type") }
			v := r.v
			if v.mode != "form_post" {
				r.v.responseType = "code" // nobody asked for a fragment
			}
			code := r.refused(r.authorize(r.request()))
			r.v = v
			r.check("CheckErrorFromAuthorizationEndpointErrorInvalidRequestOrUnsupportedResponseType", code == "invalid_request" || code == "unsupported_response_type", "%s", code)
		}},
		{"oidcc-idtoken-signature", plus(oidfHappy, "EnsureIdTokenContainsKid", "EnsureIdTokenSignatureIsRS256"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.onID = func(_ string, t *oidfToken) {
				kid, _ := t.header["kid"].(string)
				r.check("EnsureIdTokenContainsKid", kid != "", "%v", t.header)
				r.check("EnsureIdTokenSignatureIsRS256", t.header["alg"] == "RS256", "%v", t.header["alg"])
			}
			r.happy()
		}},
		{"oidcc-idtoken-unsigned", plus(oidfSetup, "OIDCCCheckIdTokenSigningAlgValuesSupportedAlgNone"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			r.check("OIDCCCheckIdTokenSigningAlgValuesSupportedAlgNone", members(r.doc, "id_token_signing_alg_values_supported") != nil, "no algorithms")
			if !slices.Contains(members(r.doc, "id_token_signing_alg_values_supported"), "none") {
				r.skip("no unsigned ID tokens")
			}
			r.onID = func(_ string, t *oidfToken) {
				r.check("CheckIdTokenSignatureAlgorithm", t.header["alg"] == "none", "%v", t.header["alg"])
			}
			r.happy()
		}},
		info("oidcc-userinfo-get", func(r *oidfRun, at, access string) answer {
			return r.do(http.MethodGet, at, "", "", "Authorization", "Bearer "+access)
		}),
		info("oidcc-userinfo-post-header", func(r *oidfRun, at, access string) answer {
			return r.do(http.MethodPost, at, oidfForm, "", "Authorization", "Bearer "+access)
		}),
		info("oidcc-userinfo-post-body", func(r *oidfRun, at, access string) answer {
			return r.do(http.MethodPost, at, oidfForm, url.Values{"access_token": {access}}.Encode())
		}),
		scope("oidcc-scope-profile", "openid profile", nil), scope("oidcc-scope-email", "openid email", nil), scope("oidcc-scope-address", "openid address", nil),
		scope("oidcc-scope-phone", "openid phone", nil), scope("oidcc-scope-all", "openid profile email address phone", nil),
		scope("oidcc-alternate-happy-flow", "email openid", nil),
	}
}

// returned looks at what the scopes tell, where it is told.
func (r *oidfRun) returned(out *oidfResult, asked string) {
	if !r.v.has("code") && !r.v.has("token") {
		missing := oidfMissing(asked, out.front.claims)
		r.warn("VerifyScopesReturnedInAuthorizationEndpointIdToken", missing == nil, "%v are missing", missing)
		return
	}
	m := r.getUserinfo(out.access)
	r.check("ValidateUserInfoStandardClaims", oidfStandard(m) == "", "%s", oidfStandard(m))
	birth, _ := m["birthdate"].(string)
	_, day := time.Parse("2006-01-02", strings.Replace(birth, "0000-", "2000-", 1))
	_, year := time.Parse("2006", birth)
	r.check("EnsureUserInfoBirthDateValid", m["birthdate"] == nil || day == nil || year == nil, "%v", m["birthdate"])
	at, ok := m["updated_at"].(float64)
	r.check("EnsureUserInfoUpdatedAtValid", m["updated_at"] == nil || ok && at < float64(time.Now().Unix()), "%v", m["updated_at"])
	names, _ := m["_claim_names"].(map[string]any)
	sources, _ := m["_claim_sources"].(map[string]any)
	for _, v := range names {
		source, _ := v.(string)
		ok = ok && sources[source] != nil
	}
	r.check("EnsureMemberValuesInClaimNameReferenceToMemberNamesInClaimSources", names == nil || ok, "%v", names)
	if out.front != nil {
		r.check("VerifyUserInfoAndIdTokenInAuthorizationEndpointSameSub", m["sub"] == out.front.claims["sub"], "%v and %v", m["sub"], out.front.claims["sub"])
	}
	if out.back != nil {
		r.check("VerifyUserInfoAndIdTokenInTokenEndpointSameSub", m["sub"] == out.back.claims["sub"], "%v and %v", m["sub"], out.back.claims["sub"])
	}
	missing := oidfMissing(asked, m)
	r.warn("VerifyScopesReturnedInUserInfoClaims", missing == nil, "%v are missing", missing)
}

// oidfMissing gives the claims that scopes stand for (OpenID Connect Core 5.4) and that are not there.
func oidfMissing(scopes string, claims map[string]any) (out []string) {
	of := map[string]string{
		"openid": "sub", "email": "email email_verified", "address": "address", "phone": "phone_number phone_number_verified",
		"profile": "name given_name family_name middle_name nickname profile picture website gender birthdate zoneinfo locale updated_at preferred_username",
	}
	for s := range strings.FieldsSeq(scopes) {
		for name := range strings.FieldsSeq(of[s]) {
			if claims[name] == nil {
				out = append(out, name)
			}
		}
	}
	return out
}

// oidfUnsigned makes a request object without a signature.
func (r *oidfRun) oidfUnsigned(q url.Values) string {
	claims := map[string]any{"aud": r.doc["issuer"], "iss": r.client.id}
	for name := range q {
		claims[name] = q.Get(name)
	}
	b, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(b) + "."
}

// oidfParameters are the modules about parameters of the authorization request.
func oidfParameters() []*oidfModule {
	param := func(name, key, value string) *oidfModule {
		return succeeds(name, func(_ *oidfRun, q url.Values) { q.Set(key, value) })
	}
	// twice is an authorization after another one, in which nobody may be asked again.
	twice := func(name string, more []string, first, second func(r *oidfRun, q url.Values, before *oidfResult), look func(r *oidfRun, one, two *oidfToken)) *oidfModule {
		return &oidfModule{name, plus(oidfHappy, plus(more, "CheckIdTokenAuthTimeClaimsSameIfPresent", "CheckIdTokenSubConsistentForSecondAuthorization")...), func(r *oidfRun) {
			r.enter(5 * time.Second)
			r.change = func(q url.Values) { first(r, q, nil) }
			one := r.happy()
			r.change = func(q url.Values) { second(r, q, one) }
			two := r.happy()
			if look != nil {
				look(r, one.id(), two.id())
			}
			a, b := one.id(), two.id()
			r.check("CheckIdTokenAuthTimeClaimsSameIfPresent", a.claims["auth_time"] == b.claims["auth_time"], "%v and %v", a.claims["auth_time"], b.claims["auth_time"])
			r.check("CheckIdTokenSubConsistentForSecondAuthorization", a.claims["sub"] == b.claims["sub"], "%v and %v", a.claims["sub"], b.claims["sub"])
		}}
	}
	plain := func(*oidfRun, url.Values, *oidfResult) {}
	present := func(r *oidfRun, tokens ...*oidfToken) {
		for _, t := range tokens {
			_, ok := t.number("auth_time")
			r.check("CheckIdTokenAuthTimeClaimPresentDueToMaxAge", ok, "auth_time %v", t.claims["auth_time"])
		}
	}
	notSupported := func(name, key, code string, value func(r *oidfRun, q url.Values) string) *oidfModule {
		return &oidfModule{name, oidfSetup, func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			whole := url.Values{}
			r.change = func(q url.Values) {
				object := value(r, q)
				maps.Copy(whole, q)
				for _, in := range []string{"state", "nonce"} { // what stands in the object need not stand beside it
					q.Del(in)
				}
				q.Set(key, object)
			}
			a := r.authorize(r.request())
			if a.values.Get("error") == code && a.where != "page" {
				r.skip(code)
			}
			r.sent = whole
			r.accepted(a)
		}}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // an address where nothing may be asked for
	return []*oidfModule{
		param("oidcc-display-page", "display", "page"), param("oidcc-display-popup", "display", "popup"), param("oidcc-ui-locales", "ui_locales", "se"), param("oidcc-claims-locales", "claims_locales", "se"),
		param("oidcc-ensure-request-with-unknown-parameter-succeeds", "extra", "foobar"),
		{"oidcc-login-hint", oidfHappy, func(r *oidfRun) {
			r.change = func(q url.Values) { q.Set("login_hint", oidfUser) }
			r.happy()
			r.must("the sign-in", r.logins == 1, "the person was asked %d times", r.logins)
		}},
		{"oidcc-ensure-request-with-acr-values-succeeds", plus(oidfHappy, "ValidateIdTokenACRClaimAgainstAcrValuesRequest?"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			values := members(r.doc, "acr_values_supported")
			if values == nil {
				values = []string{"1", "2"}
			}
			r.change = func(q url.Values) { q.Set("acr_values", strings.Join(values, " ")) }
			r.onID = func(_ string, t *oidfToken) {
				r.warn("ValidateIdTokenACRClaimAgainstAcrValuesRequest", slices.Contains(values, t.textOf("acr")), "acr %v", t.claims["acr"])
			}
			r.happy()
		}},
		{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", minus(oidfHappy, "ValidateIdTokenNonce", "VerifyIdTokenSubConsistentHybridFlow", "ExtractIdTokenFromAuthorizationResponse"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.change = func(q url.Values) { q.Del("nonce") }
			r.happy()
		}},
		{"oidcc-ensure-request-without-nonce-fails", plus(oidfSetup, plus(oidfFailure, "CheckErrorFromAuthorizationEndpointErrorInvalidRequest")...), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			r.change = func(q url.Values) { q.Del("nonce") }
			code := r.refused(r.authorize(r.request()))
			r.check("CheckErrorFromAuthorizationEndpointErrorInvalidRequest", code == "invalid_request", "%s", code)
		}},
		{"oidcc-prompt-login", plus(oidfHappy, "ExpectSecondLoginPage", "CheckIdTokenAuthTimeClaimsDifferIfPresent"), func(r *oidfRun) {
			r.enter(5 * time.Second)
			one := r.happy()
			r.change = func(q url.Values) { q.Set("prompt", "login") }
			two := r.happy()
			r.check("ExpectSecondLoginPage", r.logins == 1, "the person was asked %d times", r.logins)
			a, b := one.id().claims["auth_time"], two.id().claims["auth_time"]
			r.check("CheckIdTokenAuthTimeClaimsDifferIfPresent", a != b, "%v and %v", a, b)
		}},
		{"oidcc-prompt-none-not-logged-in", plus(oidfSetup, plus(oidfFailure, "CheckErrorFromAuthorizationEndpointIsOneThatRequiredAUserInterface")...), func(r *oidfRun) {
			r.setup()
			r.silent()
		}},
		twice("oidcc-prompt-none-logged-in", nil, plain, func(_ *oidfRun, q url.Values, _ *oidfResult) { q.Set("prompt", "none") }, nil),
		twice("oidcc-id-token-hint", nil, plain, func(_ *oidfRun, q url.Values, before *oidfResult) {
			q.Set("prompt", "none")
			q.Set("id_token_hint", before.id().text)
		}, nil),
		twice("oidcc-max-age-10000", []string{"CheckIdTokenAuthTimeClaimPresentDueToMaxAge"}, func(_ *oidfRun, q url.Values, _ *oidfResult) { q.Set("max_age", "15000") },
			func(_ *oidfRun, q url.Values, _ *oidfResult) { q.Set("max_age", "10000") }, func(r *oidfRun, one, two *oidfToken) { present(r, one, two) }),
		{"oidcc-max-age-1", plus(oidfHappy, "ExpectSecondLoginPage", "CheckIdTokenAuthTimeClaimPresentDueToMaxAge", "CheckSecondIdTokenAuthTimeIsLaterIfPresent", "CheckIdTokenAuthTimeIsRecentIfPresent"), func(r *oidfRun) {
			r.enter(3 * time.Second)
			one := r.happy()
			r.change = func(q url.Values) { q.Set("max_age", "1") }
			two := r.happy()
			r.check("ExpectSecondLoginPage", r.logins == 1, "the person was asked %d times", r.logins)
			present(r, two.id())
			a, _ := one.id().number("auth_time")
			b, _ := two.id().number("auth_time")
			r.check("CheckSecondIdTokenAuthTimeIsLaterIfPresent", b > a, "%d and %d", a, b)
			r.check("CheckIdTokenAuthTimeIsRecentIfPresent", time.Since(time.Unix(b, 0)) < 5*time.Minute, "%d", b)
		}},
		{"oidcc-ensure-registered-redirect-uri", plus(oidfSetup, "ExpectRedirectUriErrorPage"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			r.change = func(q url.Values) { q.Set("redirect_uri", oidfUnknown) }
			a := r.authorize(r.request())
			r.check("ExpectRedirectUriErrorPage", a.where == "page" && a.status == 400 && strings.Contains(a.body, "Redirect URI"), "%s %d %s", a.where, a.status, a.at)
		}},
		{"oidcc-ensure-post-request-succeeds", minus(oidfHappy, "VerifyIdTokenSubConsistentHybridFlow", "ExtractIdTokenFromAuthorizationResponse", "ExtractAccessTokenFromAuthorizationResponse"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.method = http.MethodPost
			r.happy()
		}},
		notSupported("oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", "request_uri", "request_uri_not_supported", func(*oidfRun, url.Values) string { return server.URL + "/object.jwt" }),
		notSupported("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", "request", "request_not_supported", func(r *oidfRun, q url.Values) string { return r.oidfUnsigned(q) }),
		{"oidcc-ensure-request-object-with-redirect-uri", plus(oidfSetup, "ExpectRedirectUriErrorPage"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.setup()
			r.change = func(q url.Values) {
				q.Set("request", r.oidfUnsigned(q))
				q.Set("redirect_uri", oidfUnknown)
			}
			a := r.authorize(r.request())
			if a.where != "page" && a.values.Get("error") == "" { // the object was read
				r.sent.Set("redirect_uri", r.client.redirect)
				r.accepted(a)
				return
			}
			r.check("ExpectRedirectUriErrorPage", a.where == "page" && a.status == 400 && strings.Contains(a.body, "Redirect URI"), "%s %d %s %v", a.where, a.status, a.at, a.values)
		}},
		{"oidcc-claims-essential", plus(oidfHappy, plus(oidfUserinfo, "ValidateUserInfoStandardClaims", "EnsureUserInfoBirthDateValid", "EnsureUserInfoUpdatedAtValid", "EnsureMemberValuesInClaimNameReferenceToMemberNamesInClaimSources",
			"VerifyUserInfoAndIdTokenInAuthorizationEndpointSameSub", "VerifyUserInfoAndIdTokenInTokenEndpointSameSub", "VerifyScopesReturnedInUserInfoClaims?", "VerifyScopesReturnedInAuthorizationEndpointIdToken?",
			"EnsureUserInfoContainsName?", "EnsureIdTokenDoesNotContainName?", "EnsureIdTokenContainsName?")...), func(r *oidfRun) {
			r.enter(time.Minute)
			r.change = func(q url.Values) {
				if r.v.responseType == "id_token" {
					q.Set("claims", `{"id_token":{"name":{"essential":true}}}`)
				} else {
					q.Set("claims", `{"userinfo":{"name":{"essential":true}}}`)
				}
			}
			out := r.happy()
			r.returned(out, "openid")
			if r.v.responseType == "id_token" {
				r.warn("EnsureIdTokenContainsName", out.front.textOf("name") != "", "no name")
				return
			}
			name, _ := r.getUserinfo(out.access)["name"].(string)
			r.warn("EnsureUserInfoContainsName", name != "", "no name")
			r.warn("EnsureIdTokenDoesNotContainName", out.id().claims["name"] == nil, "%v", out.id().claims["name"])
		}},
	}
}

// minus gives conditions but some.
func minus(list []string, not ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(not, s) })
}

// silent asks again without any page, which must fail since nobody is signed in.
func (r *oidfRun) silent() {
	before := r.change
	r.change = func(q url.Values) {
		q.Set("prompt", "none")
		q.Set("state", r.random(128))
	}
	code := r.refused(r.authorize(r.request()))
	r.change = before
	r.check("CheckErrorFromAuthorizationEndpointIsOneThatRequiredAUserInterface", slices.Contains([]string{"interaction_required", "login_required", "account_selection_required", "consent_required"}, code), "%s", code)
}

var oidfTokenError = []string{
	"CheckTokenEndpointHttpStatus400", "CheckTokenEndpointReturnedJsonContentType", "CheckErrorFromTokenEndpointResponseErrorInvalidGrant", "ValidateErrorFromTokenEndpointResponseError",
	"CheckErrorDescriptionFromTokenEndpointResponseErrorContainsCRLFTAB?", "ValidateErrorDescriptionFromTokenEndpointResponseError", "ValidateErrorUriFromTokenEndpointResponseError",
}

// invalidGrant looks at an answer that must refuse a grant.
func (r *oidfRun) invalidGrant(got answer) {
	r.check("CheckTokenEndpointHttpStatus400", got.status == 400, "%d %s", got.status, got.body)
	r.check("CheckTokenEndpointReturnedJsonContentType", strings.HasPrefix(got.header.Get("Content-Type"), "application/json"), "%s", got.header.Get("Content-Type"))
	m := jsonObject(got.body)
	code, isText := m["error"].(string)
	r.check("CheckErrorFromTokenEndpointResponseErrorInvalidGrant", code == "invalid_grant", "%s", got.body)
	r.check("ValidateErrorFromTokenEndpointResponseError", isText && code != "" && oidfErrorText(code), "%v", m["error"])
	text, isText := m["error_description"].(string)
	r.warn("CheckErrorDescriptionFromTokenEndpointResponseErrorContainsCRLFTAB", !strings.ContainsAny(text, "\r\n\t"), "%q", text)
	r.check("ValidateErrorDescriptionFromTokenEndpointResponseError", m["error_description"] == nil || isText && oidfErrorText(text), "%q", text)
	u, _ := m["error_uri"].(string)
	_, err := url.Parse(u)
	r.check("ValidateErrorUriFromTokenEndpointResponseError", err == nil, "%q", u)
}

// oidfGrants are the modules about codes and refresh tokens.
func oidfGrants() []*oidfModule {
	reuse := func(name string, more []string, between, after func(r *oidfRun, out *oidfResult)) *oidfModule {
		return &oidfModule{name, plus(oidfHappy, plus(oidfTokenError, more...)...), func(r *oidfRun) {
			r.enter(time.Minute)
			out := r.happy()
			if between != nil {
				between(r, out)
			}
			r.invalidGrant(r.ask(r.codeForm(out.code)))
			if after != nil {
				after(r, out)
			}
		}}
	}
	return []*oidfModule{
		reuse("oidcc-codereuse", nil, nil, nil),
		reuse("oidcc-codereuse-30seconds", []string{"CallProtectedResourceWithBearerTokenExpectingError?"}, func(r *oidfRun, out *oidfResult) {
			rooms := r.s.h.s.rooms // half a minute passes
			r.s.h.write(`UPDATE oauth_codes SET expires = expires - 30000000 WHERE hash = ?`, rooms.store.Key().Index("oauth code", out.code))
			if _, err := rooms.oauth.CleanUp(context.Background()); err != nil {
				r.ctx.Fatal(err)
			}
		}, func(r *oidfRun, out *oidfResult) {
			at, _ := r.doc["userinfo_endpoint"].(string)
			got := r.do(http.MethodGet, at, "", "", "Authorization", "Bearer "+out.access)
			r.warn("CallProtectedResourceWithBearerTokenExpectingError", got.status == 401, "the access token still works: %d", got.status)
		}),
		{"oidcc-ensure-request-with-valid-pkce-succeeds", minus(oidfHappy, "ExtractAccessTokenFromAuthorizationResponse"), func(r *oidfRun) {
			r.enter(time.Minute)
			r.change = func(q url.Values) {
				q.Set("code_challenge", challengeOf(verifier))
				q.Set("code_challenge_method", "S256")
			}
			r.onForm = func(form url.Values) { form.Set("code_verifier", verifier) }
			r.happy()
		}},
		{"oidcc-refresh-token", plus(oidfHappy, plus(minus(oidfTokenError, "CheckErrorDescriptionFromTokenEndpointResponseErrorContainsCRLFTAB?", "ValidateErrorDescriptionFromTokenEndpointResponseError", "ValidateErrorUriFromTokenEndpointResponseError"),
			"ExtractRefreshTokenFromTokenResponse", "EnsureServerConfigurationSupportsRefreshToken?", "EnsureRefreshTokenContainsAllowedCharactersOnly", "CheckTokenEndpointHttpStatus200", "CheckTokenEndpointCacheHeaders",
			"CheckTokenTypeIsBearer", "EnsureMinimumAccessTokenEntropy", "EnsureAccessTokenContainsAllowedCharactersOnly", "EnsureAccessTokenValuesAreDifferent", "EnsureMinimumRefreshTokenLength", "EnsureMinimumRefreshTokenEntropy", "CompareIdTokenClaims")...), func(r *oidfRun) {
			r.enter(time.Minute)
			r.change = func(q url.Values) {
				q.Set("scope", "openid offline_access")
				q.Set("prompt", "consent")
			}
			r.refreshed(true)
			r.client = r.s.two
			r.doc = nil
			second := r.refreshed(false)
			r.client = r.s.one
			r.foreign(r.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {second.refresh}}))
		}},
	}
}

// foreign looks at the answer to a refresh token of another client.
func (r *oidfRun) foreign(got answer) {
	r.check("CheckTokenEndpointHttpStatus400", got.status == 400, "%d %s", got.status, got.body)
	r.check("CheckTokenEndpointReturnedJsonContentType", strings.HasPrefix(got.header.Get("Content-Type"), "application/json"), "%s", got.header.Get("Content-Type"))
	code, _ := jsonObject(got.body)["error"].(string)
	r.check("ValidateErrorFromTokenEndpointResponseError", code != "" && oidfErrorText(code), "%s", got.body)
	r.check("CheckErrorFromTokenEndpointResponseErrorInvalidGrant", code == "invalid_grant", "%s", got.body)
}

// refreshed gets tokens and then new ones for the refresh token.
func (r *oidfRun) refreshed(scoped bool) *oidfResult {
	out := r.happy()
	r.need("ExtractRefreshTokenFromTokenResponse", out.refresh != "", "no refresh token")
	r.warn("EnsureServerConfigurationSupportsRefreshToken", slices.Contains(members(r.doc, "grant_types_supported"), "refresh_token"), "%v", r.doc["grant_types_supported"])
	r.check("EnsureRefreshTokenContainsAllowedCharactersOnly", strings.IndexFunc(out.refresh, func(c rune) bool { return c < 0x20 || c > 0x7e }) < 0, "%q", out.refresh)
	// An ID token tells whole seconds, and the new one is of another second.
	iat, _ := out.back.number("iat")
	time.Sleep(time.Until(time.Unix(iat+1, 0).Add(10 * time.Millisecond)))
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {out.refresh}}
	if scoped {
		form.Set("scope", "openid offline_access")
	}
	got := r.ask(form)
	m := jsonObject(got.body)
	r.check("CheckTokenEndpointHttpStatus200", got.status == 200, "%d %s", got.status, got.body)
	r.check("CheckTokenEndpointReturnedJsonContentType", strings.HasPrefix(got.header.Get("Content-Type"), "application/json"), "%s", got.header.Get("Content-Type"))
	r.check("CheckTokenEndpointCacheHeaders", got.header.Get("Cache-Control") == "no-store", "%v", got.header)
	r.need("CheckIfTokenEndpointResponseError", m != nil && m["error"] == nil, "%s", got.body)
	next := &oidfResult{code: out.code, front: out.front}
	next.access, _ = m["access_token"].(string)
	next.refresh, _ = m["refresh_token"].(string)
	kind, _ := m["token_type"].(string)
	r.check("CheckTokenTypeIsBearer", strings.EqualFold(kind, "bearer"), "%s", kind)
	r.check("EnsureMinimumAccessTokenEntropy", entropy(next.access) >= 96, "%.0f bits", entropy(next.access))
	r.check("EnsureAccessTokenContainsAllowedCharactersOnly", next.access != "" && strings.IndexFunc(next.access, func(c rune) bool { return c < 0x20 || c > 0x7e }) < 0, "%q", next.access)
	r.check("EnsureAccessTokenValuesAreDifferent", next.access != out.access, "twice the same")
	if next.refresh == "" {
		next.refresh = out.refresh
	}
	r.check("EnsureMinimumRefreshTokenLength", len(next.refresh) >= 16, "%d", len(next.refresh))
	r.check("EnsureMinimumRefreshTokenEntropy", entropy(next.refresh) >= 96, "%.0f bits", entropy(next.refresh))
	if text, _ := m["id_token"].(string); text != "" {
		t := &oidfToken{text: text}
		if parts := strings.Split(text, "."); len(parts) == 3 {
			t.header, t.claims = jsonObject(string(oidfBytes(parts[0]))), jsonObject(string(oidfBytes(parts[1])))
		}
		a, b := out.back.claims, t.claims
		same := a["iss"] == b["iss"] && a["sub"] == b["sub"] && fmt.Sprint(a["aud"]) == fmt.Sprint(b["aud"]) && a["azp"] == b["azp"] && (b["auth_time"] == nil || a["auth_time"] == b["auth_time"])
		r.check("CompareIdTokenClaims", same && b["iat"] != nil && b["iat"] != a["iat"], "%v and %v", a, b)
		next.back = t
	}
	r.resource(next.access)
	return next
}

// oidfDiscoveries are the modules about the configuration.
func oidfDiscoveries() []*oidfModule {
	https := func(r *oidfRun, name string) bool {
		s, _ := r.doc[name].(string)
		u, err := url.Parse(s)
		return err == nil && u.Scheme == "https" && u.Host != ""
	}
	all := func(r *oidfRun) {
		for name := range r.doc {
			if strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" || name == "issuer" {
				r.check("CheckDiscEndpointAllEndpointsAreHttps", https(r, name), "%s: %v", name, r.doc[name])
			}
		}
	}
	return []*oidfModule{
		{"oidcc-discovery-endpoint-verification", plus(minus(oidfSetup, "CheckForKeyIdInServerJWKs", "CheckDistinctKeyIdValueInServerJWKs"), "CheckForKeyIdInServerJWKs", "CheckDistinctKeyIdValueInServerJWKs",
			"EnsureDiscoveryEndpointResponseStatusCodeIs200", "CheckDiscoveryEndpointReturnedJsonContentType", "OIDCCCheckDiscEndpointResponseTypesSupported", "CheckDiscEndpointDiscoveryUrl", "CheckDiscEndpointIssuer",
			"CheckDiscEndpointIssuerIsValidUrl", "CheckDiscEndpointSubjectTypesSupported", "OIDCCCheckDiscEndpointIdTokenSigningAlgValuesSupported", "CheckDiscEndpointAuthorizationEndpoint", "CheckDiscEndpointTokenEndpoint",
			"CheckDiscEndpointUserinfoEndpoint", "CheckJwksUri", "CheckDiscEndpointRequestParameterSupported", "CheckDiscEndpointRequestUriParameterSupported", "CheckDiscEndpointClaimsParameterSupported",
			"OIDCCCheckDiscEndpointClaimsSupported?", "OIDCCCheckDiscEndpointGrantTypesSupported", "CheckDiscEndpointScopesSupportedContainsOpenId", "CheckDiscEndpointScopesSupportedSyntax",
			"CheckDiscEndpointAllEndpointsAreHttps", "EnsureServerConfigurationCodeChallengeMethodsSupportedIsAnArray"), func(r *oidfRun) {
			path := "/application/o/" + r.client.slug + "/.well-known/openid-configuration"
			got := r.do(http.MethodGet, path, "", "")
			r.check("EnsureDiscoveryEndpointResponseStatusCodeIs200", got.status == 200, "%d", got.status)
			r.check("CheckDiscoveryEndpointReturnedJsonContentType", strings.HasPrefix(got.header.Get("Content-Type"), "application/json"), "%s", got.header.Get("Content-Type"))
			r.setup()
			known := []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none", "token"}
			types := members(r.doc, "response_types_supported")
			r.check("OIDCCCheckDiscEndpointResponseTypesSupported", len(types) > 0 && !slices.ContainsFunc(types, func(s string) bool {
				words := strings.Fields(s)
				slices.Sort(words)
				return !slices.Contains(known, strings.Join(words, " "))
			}), "%v", types)
			iss, _ := r.doc["issuer"].(string)
			r.check("CheckDiscEndpointDiscoveryUrl", strings.HasSuffix(path, "/.well-known/openid-configuration") && strings.HasPrefix(r.s.base, "https://"), "%s", path)
			r.check("CheckDiscEndpointIssuer", strings.TrimSuffix(iss, "/")+"/.well-known/openid-configuration" == r.s.base+path, "issuer %s", iss)
			u, err := url.Parse(iss)
			r.check("CheckDiscEndpointIssuerIsValidUrl", err == nil && u.Scheme == "https" && u.RawQuery == "" && u.Fragment == "", "%s", iss)
			subjects := members(r.doc, "subject_types_supported")
			r.check("CheckDiscEndpointSubjectTypesSupported", len(subjects) > 0 && !slices.ContainsFunc(subjects, func(s string) bool { return s != "public" && s != "pairwise" }), "%v", subjects)
			r.check("OIDCCCheckDiscEndpointIdTokenSigningAlgValuesSupported", slices.Contains(members(r.doc, "id_token_signing_alg_values_supported"), "RS256"), "%v", r.doc["id_token_signing_alg_values_supported"])
			r.check("CheckDiscEndpointAuthorizationEndpoint", https(r, "authorization_endpoint"), "%v", r.doc["authorization_endpoint"])
			r.check("CheckDiscEndpointTokenEndpoint", https(r, "token_endpoint"), "%v", r.doc["token_endpoint"])
			r.check("CheckDiscEndpointUserinfoEndpoint", https(r, "userinfo_endpoint"), "%v", r.doc["userinfo_endpoint"])
			r.check("CheckJwksUri", https(r, "jwks_uri"), "%v", r.doc["jwks_uri"])
			for name, condition := range map[string]string{
				"request_parameter_supported": "CheckDiscEndpointRequestParameterSupported", "request_uri_parameter_supported": "CheckDiscEndpointRequestUriParameterSupported", "claims_parameter_supported": "CheckDiscEndpointClaimsParameterSupported",
			} {
				_, ok := r.doc[name].(bool)
				r.check(condition, ok, "%s: %v", name, r.doc[name])
			}
			r.warn("OIDCCCheckDiscEndpointClaimsSupported", len(members(r.doc, "claims_supported")) > 0, "%v", r.doc["claims_supported"])
			grants := members(r.doc, "grant_types_supported")
			r.check("OIDCCCheckDiscEndpointGrantTypesSupported", len(grants) > 0 && !slices.Contains(grants, ""), "%v", r.doc["grant_types_supported"])
			scopes := members(r.doc, "scopes_supported")
			r.check("CheckDiscEndpointScopesSupportedContainsOpenId", slices.Contains(scopes, "openid"), "%v", scopes)
			r.check("CheckDiscEndpointScopesSupportedSyntax", !slices.ContainsFunc(scopes, func(s string) bool { return s == "" || strings.Contains(s, " ") || !oidfErrorText(s) }), "%v", scopes)
			all(r)
			r.check("EnsureServerConfigurationCodeChallengeMethodsSupportedIsAnArray", len(members(r.doc, "code_challenge_methods_supported")) > 0, "%v", r.doc["code_challenge_methods_supported"])
		}},
		{"oidcc-rp-initiated-logout-discovery-endpoint-verification", plus(oidfSetup, "CheckDiscEndpointAllEndpointsAreHttps", "CheckDiscEndSessionEndpoint"), func(r *oidfRun) {
			r.setup()
			all(r)
			r.check("CheckDiscEndSessionEndpoint", https(r, "end_session_endpoint"), "%v", r.doc["end_session_endpoint"])
		}},
		{"oidcc-backchannel-logout-discovery-endpoint-verification", plus(oidfSetup, "CheckDiscEndpointAllEndpointsAreHttps", "CheckDiscEndSessionEndpoint", "CheckDiscEndpointBackchannelLogoutSupported", "CheckDiscEndpointBackchannelLogoutSessionSupported"), func(r *oidfRun) {
			r.setup()
			all(r)
			r.check("CheckDiscEndpointBackchannelLogoutSupported", r.doc["backchannel_logout_supported"] == true, "%v", r.doc["backchannel_logout_supported"])
			r.check("CheckDiscEndpointBackchannelLogoutSessionSupported", r.doc["backchannel_logout_session_supported"] == true, "%v", r.doc["backchannel_logout_session_supported"])
			r.check("CheckDiscEndSessionEndpoint", https(r, "end_session_endpoint"), "%v", r.doc["end_session_endpoint"])
		}},
	}
}

// oidfKey is a key that is not the provider's.
var oidfKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// sealed signs a token.
func sealed(t testing.TB, payload []byte, key jose.SigningKey, header map[string]any) string {
	o := &jose.SignerOptions{}
	for name, v := range header {
		o = o.WithHeader(jose.HeaderKey(name), v)
	}
	sign, err := jose.NewSigner(key, o)
	if err != nil {
		t.Fatal(err)
	}
	j, err := sign.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := j.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// oidfLogouts are the modules about logout.
func oidfLogouts() []*oidfModule {
	silent := plus(oidfFailure, "CheckErrorFromAuthorizationEndpointIsOneThatRequiredAUserInterface")
	back := []string{"CheckPostLogoutState", "CheckForUnexpectedParametersInPostLogoutRedirect?"}
	module := func(rest string, conditions []string, change func(r *oidfRun, q url.Values), after func(r *oidfRun, q url.Values, a *oidfReply)) *oidfModule {
		return &oidfModule{"oidcc-rp-initiated-logout" + rest, minus(plus(oidfHappy, conditions...), oidfDefault...), func(r *oidfRun) {
			r.enter(time.Minute)
			r.change = func(q url.Values) { q.Set("state", r.random(128)) }
			out := r.happy()
			q := url.Values{"id_token_hint": {out.id().text}, "post_logout_redirect_uri": {oidfLoggedOut}, "state": {r.random(128)}}
			if change != nil {
				change(r, q)
			}
			after(r, q, r.endSession(q))
		}}
	}
	// comesBack: the browser comes to the client, and nobody is signed in any more.
	comesBack := func(r *oidfRun, q url.Values, a *oidfReply) {
		r.loggedOut(q, a)
		r.silent()
	}
	// stays: the browser stays with the provider.
	stays := func(condition string) func(r *oidfRun, q url.Values, a *oidfReply) {
		return func(r *oidfRun, _ url.Values, a *oidfReply) {
			r.check(condition, a.where == "page" && a.status < 500, "%s %d %s", a.where, a.status, a.at)
		}
	}
	// ends: the browser stays, and nobody is signed in any more, perhaps after the person said yes.
	ends := func(r *oidfRun, _ url.Values, a *oidfReply) {
		r.need("ExpectSuccessfulLogoutPage", a.where == "page" && a.status == 200, "%s %d %s", a.where, a.status, a.at)
		if a := r.agree(a); a != nil {
			r.check("ExpectSuccessfulLogoutPage", a.where == "page" && a.status == 200, "%s %d %s", a.where, a.status, a.at)
		}
		r.silent()
	}
	drop := func(names ...string) func(r *oidfRun, q url.Values) {
		return func(_ *oidfRun, q url.Values) {
			for _, n := range names {
				q.Del(n)
			}
		}
	}
	page := plus(silent, "ExpectSuccessfulLogoutPage")
	return []*oidfModule{
		module("", plus(silent, back...), nil, comesBack),
		module("-no-state", plus(silent, back...), drop("state"), comesBack),
		module("-bad-post-logout-redirect-uri", []string{"ExpectPostLogoutRedirectUriNotRegisteredErrorPage"}, func(_ *oidfRun, q url.Values) { q.Set("post_logout_redirect_uri", oidfUnknown) }, stays("ExpectPostLogoutRedirectUriNotRegisteredErrorPage")),
		module("-query-added-to-post-logout-redirect-uri", []string{"ExpectPostLogoutRedirectUriNotRegisteredErrorPage"}, func(_ *oidfRun, q url.Values) { q.Set("post_logout_redirect_uri", oidfLoggedOut+"?foo=bar") }, stays("ExpectPostLogoutRedirectUriNotRegisteredErrorPage")),
		module("-modified-id-token-hint", []string{"ExpectInvalidIdTokenHintErrorPage"}, func(_ *oidfRun, q url.Values) {
			parts := strings.Split(q.Get("id_token_hint"), ".")
			q.Set("id_token_hint", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+parts[1]+".")
		}, stays("ExpectInvalidIdTokenHintErrorPage")),
		module("-bad-id-token-hint", []string{"ExpectInvalidIdTokenHintErrorPage"}, func(r *oidfRun, q url.Values) {
			parts := strings.Split(q.Get("id_token_hint"), ".")
			q.Set("id_token_hint", sealed(r.ctx, oidfBytes(parts[1]), jose.SigningKey{Algorithm: jose.RS256, Key: oidfKey()}, map[string]any{"kid": r.keys.Keys[0].KeyID}))
		}, stays("ExpectInvalidIdTokenHintErrorPage")),
		module("-no-id-token-hint", []string{"ExpectIdTokenHintRequiredErrorPage"}, drop("id_token_hint"), stays("ExpectIdTokenHintRequiredErrorPage")),
		module("-no-params", page, drop("id_token_hint", "post_logout_redirect_uri", "state"), ends),
		module("-only-state", page, drop("id_token_hint", "post_logout_redirect_uri"), ends),
		module("-no-post-logout-redirect-uri", page, drop("post_logout_redirect_uri"), ends),
		oidfBackchannel(silent, back),
	}
}

// endSession sends the browser to the end-session endpoint and on.
func (r *oidfRun) endSession(q url.Values) *oidfReply {
	to, _ := r.doc["end_session_endpoint"].(string)
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return r.follow(r.do(http.MethodGet, to, "", ""))
}

// follow goes on to where an answer leads.
func (r *oidfRun) follow(got answer) *oidfReply {
	for range 8 {
		if got.status != http.StatusFound && got.status != http.StatusSeeOther {
			break
		}
		to := got.header.Get("Location")
		if out := r.reply(to); out != nil {
			return out
		}
		got = r.do(http.MethodGet, to, "", "")
	}
	return &oidfReply{where: "page", status: got.status, body: got.body, values: url.Values{}}
}

// agree says yes on a page that asks whether to sign out; nil when it does not ask.
func (r *oidfRun) agree(a *oidfReply) *oidfReply {
	_, rest, ok := strings.Cut(a.body, `name="csrf" value="`)
	if !ok || !strings.Contains(a.body, `value="out"`) {
		return nil
	}
	csrf, _, _ := strings.Cut(rest, `"`)
	return r.follow(r.do(http.MethodPost, "/if/session-end/"+r.client.slug+"/", oidfForm, url.Values{"csrf": {csrf}, "go": {"out"}}.Encode()))
}

// loggedOut looks at what came to the client after a logout.
func (r *oidfRun) loggedOut(q url.Values, a *oidfReply) {
	r.need("CheckPostLogoutState", a.at == oidfLoggedOut && a.values.Get("state") == q.Get("state"), "%s %d %s %v", a.where, a.status, a.at, a.values)
	more := len(a.values)
	if a.values.Has("state") {
		more--
	}
	r.warn("CheckForUnexpectedParametersInPostLogoutRedirect", more == 0, "%v", a.values)
}

// oidfBackchannel is the module of back-channel logout.
func oidfBackchannel(silent, back []string) *oidfModule {
	return &oidfModule{"oidcc-backchannel-rp-initiated-logout", minus(plus(oidfHappy, plus(silent, plus(back, "ExtractLogoutTokenFromBackchannelLogoutRequest", "CheckForUnexpectedParametersInBackchannelLogoutRequest", "ValidateLogoutTokenSignature",
		"ValidateLogoutTokenClaims", "CheckIdTokenSubMatchesLogoutToken", "CheckIdTokenSidMatchesLogoutToken", "CheckLogoutTokenNoNonce", "CheckLogoutTokenHasSubOrSid")...)...), oidfDefault...), func(r *oidfRun) {
		heard := newListener(r.ctx)
		r.client = r.s.h.addApp("oidf-back-"+r.random(10), map[string]any{"redirect_uris": oidfRedirect + "\n" + oidfLoggedOut})
		r.client.redirect = oidfRedirect
		r.s.h.tells(r.client, heard.URL+"/backchannel_logout")
		r.enter(time.Minute)
		out := r.happy()
		q := url.Values{"id_token_hint": {out.id().text}, "post_logout_redirect_uri": {oidfLoggedOut}, "state": {r.random(128)}}
		a := r.endSession(q)
		var got heardLogout
		select {
		case got = <-heard.got:
		case <-time.After(time.Minute):
		}
		text := got.form.Get("logout_token")
		r.need("ExtractLogoutTokenFromBackchannelLogoutRequest", got.method == http.MethodPost && strings.HasPrefix(got.media, oidfForm) && strings.Count(text, ".") == 2, "%v", got)
		r.check("CheckForUnexpectedParametersInBackchannelLogoutRequest", len(got.form) == 1, "%v", got.form)
		if r.logout != nil {
			text = r.logout(text)
		}
		parts := strings.Split(text, ".")
		header, claims := jsonObject(string(oidfBytes(parts[0]))), jsonObject(string(oidfBytes(parts[1])))
		kid, _ := header["kid"].(string)
		r.check("ValidateLogoutTokenSignature", r.signed(text, kid), "%v", header)
		iat, hasIat := claims["iat"].(float64)
		jti, _ := claims["jti"].(string)
		events, _ := claims["events"].(map[string]any)
		member, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
		r.check("ValidateLogoutTokenClaims", claims["iss"] == r.doc["issuer"] && claims["aud"] == r.client.id && hasIat && int64(iat) <= time.Now().Unix()+300 && jti != "" && len(events) == 1 && isObject && len(member) == 0, "%v", claims)
		if claims["sub"] != nil {
			r.check("CheckIdTokenSubMatchesLogoutToken", claims["sub"] == out.id().claims["sub"], "%v", claims["sub"])
		}
		if claims["sid"] != nil {
			r.check("CheckIdTokenSidMatchesLogoutToken", claims["sid"] == out.id().claims["sid"], "%v", claims["sid"])
		}
		r.check("CheckLogoutTokenNoNonce", claims["nonce"] == nil, "%v", claims["nonce"])
		r.check("CheckLogoutTokenHasSubOrSid", claims["sub"] != nil || claims["sid"] != nil, "%v", claims)
		r.loggedOut(q, a)
		r.silent()
	}}
}
