package oauth2

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzAuthorize gives the parameters of an authorization request whatever comes, past the look-up of the client: nothing panics, what is
// accepted fits together, and an answer that is told at the redirect URI leads there and nowhere else.
func FuzzAuthorize(f *testing.F) {
	for _, seed := range []string{
		"response_type=code&scope=openid&state=s&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
		"response_type=token+id_token&response_mode=form_post&nonce=n&scope=openid", "response_type=code&prompt=none+login", "response_type=code&max_age=-1", "response_type=code&max_age=0&prompt=login+consent",
		`response_type=code&claims={"id_token":{"sub":{"value":"x"},"acr":{"essential":true,"values":["a"]}},"userinfo":{"name":null}}`, `response_type=code&claims=[]`, `response_type=code&claims={"userinfo":{"a":{"value":{"b":[1,null]}}}}`,
		"response_type=code&dpop_jkt=0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "response_type=code&resource=https://api.office.lan/&resource=urn:x", "response_type=code&resource=https://api.office.lan/%23x",
		"request=e30.e30.&response_type=code", "request_uri=urn:x&response_type=code", "response_type=code+code", "response_mode=query&response_type=id_token", "&&;=&%zz", "response_type=code&state=%00%0d%0aSet-Cookie:x",
	} {
		f.Add(seed, "https://wiki.office.lan/callback?x=1")
	}
	f.Fuzz(func(t *testing.T, query, redirect string) {
		q, _ := url.ParseQuery(query) // what can be read of it counts, as in net/http
		if !matchRedirect("https://wiki.office.lan/callback\nhttps://wiki.office.lan/callback?x=1\nhttp://127.0.0.1/cb\ncom.example.app:/cb", redirect) {
			return
		}
		p := &Provider{ClientID: "wiki", Resources: "https://api.office.lan/\nurn:x"}
		a := &request{p: p, redirectURI: redirect, state: q.Get("state"), nonce: q.Get("nonce"), responseType: responseType(q.Get("response_type")), responseMode: "query", maxAge: -1}
		a.prompt, a.challenge, a.method = strings.Fields(q.Get("prompt")), q.Get("code_challenge"), q.Get("code_challenge_method")
		a.scope = strings.Fields(q.Get("scope"))
		if a.responseType == "" {
			return
		}
		if a.front() {
			a.responseMode = "fragment"
		}
		err := a.check(q)
		if _, keyErr := parseKey(q.Get("dpop_jkt")); err == nil {
			err = keyErr
		}
		resources, resErr := parseResources(q["resource"], strings.Fields(p.Resources))
		if err == nil {
			err = resErr
		}
		for _, r := range resources {
			if !slices.Contains(strings.Fields(p.Resources), r) {
				t.Errorf("the resource %q", r)
			}
		}
		told, _ := err.(*problem)
		if err != nil && told == nil {
			t.Fatalf("an error that can't be told: %v", err)
		}
		if err == nil {
			if a.answers("id_token") && (a.nonce == "" || !slices.Contains(a.scope, "openid")) {
				t.Errorf("an ID token without a nonce or openid: %q", query)
			}
			if a.challenge != "" && a.method != "plain" && a.method != "S256" || a.challenge == "" && a.method != "" {
				t.Errorf("challenge %q %q", a.challenge, a.method)
			}
			if slices.Contains(a.prompt, "none") && len(a.prompt) > 1 || a.maxAge < -1 || a.claims.unmet() {
				t.Errorf("prompt %v, max_age %d", a.prompt, a.maxAge)
			}
			// What is kept with a code comes back as it was.
			text := terms{Claims: a.claims, Resources: resources}.text()
			back, err := termsOf(text)
			if err != nil || back.text() != text {
				t.Errorf("%q became %q: %v", text, back.text(), err)
			}
			if text != "" && !json.Valid([]byte(text)) {
				t.Errorf("%q", text)
			}
			told = &problem{code: "access_denied", text: notAllowed}
		}
		to := a.tellURL("https://login.office.lan", told)
		want, err := url.Parse(redirect)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil || u.Scheme != want.Scheme || u.Host != want.Host || u.Path != want.Path || strings.ContainsAny(to, "\r\n") {
			t.Errorf("%q leads to %q: %v", redirect, to, err)
		}
		v := u.Query()
		if a.responseMode == "fragment" {
			if v, err = url.ParseQuery(u.EscapedFragment()); err != nil {
				t.Errorf("%q: %v", to, err)
			}
		}
		if v.Get("error") != told.code || v.Get("state") != a.state {
			t.Errorf("%q tells %v, state %q", to, v, a.state)
		}
	})
}
