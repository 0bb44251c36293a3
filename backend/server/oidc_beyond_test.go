package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// beyond changes what a provider has that the release does not.
func (h *house) beyond(a app, in map[string]any) {
	h.t.Helper()
	h.api("PATCH", fmt.Sprintf("gatehouse/providers/oauth2/%d/beyond/", h.provider(a)), in, 200)
}

// pushes sends an authorization request to the house itself and gives the answer.
func (h *house) pushes(a app, more ...string) answer {
	h.t.Helper()
	u, err := url.Parse(a.authorize(more...))
	if err != nil {
		h.t.Fatal(err)
	}
	v := u.Query()
	if a.secret != "" && !v.Has("client_secret") {
		v.Set("client_secret", a.secret)
	}
	return h.browser().form("/application/o/par/", v)
}

// brought is the address with which a browser brings a pushed request.
func brought(a app, uri any) string {
	return "/application/o/authorize/?" + url.Values{"client_id": {a.id}, "request_uri": {fmt.Sprint(uri)}}.Encode()
}

// TestPushedRequests holds pushed authorization requests (RFC 9126).
func TestPushedRequests(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	h := openAt(t, data, true)
	h.addUser("ada", "lovelace-1815")
	wiki, other := h.addApp("wiki", nil), h.addApp("other", nil)
	public := h.addApp("page", map[string]any{"client_type": "public"})
	public.secret = ""
	h.patchProvider(public, map[string]any{"client_type": "public"})
	b := h.signedIn("ada", "lovelace-1815")
	pushed := func(a app, more ...string) string {
		t.Helper()
		got := h.pushes(a, more...)
		out := got.json(t)
		uri, _ := out["request_uri"].(string)
		if got.status != 201 || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || out["expires_in"] != 60.0 || got.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return uri
	}
	doc := h.browser().get("/application/o/wiki/.well-known/openid-configuration").json(t)
	if s, _ := doc["pushed_authorization_request_endpoint"].(string); !strings.HasSuffix(s, "/application/o/par/") || doc["require_pushed_authorization_requests"] != false {
		t.Errorf("discovery: %v", doc)
	}
	// What the browser says besides counts for nothing.
	uri := pushed(wiki, "state", "pushed")
	out := b.code(brought(wiki, uri) + "&state=browser&redirect_uri=https://evil.example/&scope=openid")
	if out.Get("state") != "pushed" || out.Get("code") == "" {
		t.Fatalf("%v", out)
	}
	if tokens := h.exchange(wiki, out.Get("code")); tokens["refresh_token"] == nil {
		t.Errorf("the pushed scope: %v", tokens)
	}
	gone := func(what, address string) {
		t.Helper()
		if got := b.get(address); got.status != 400 || got.header.Get("Location") != "" || !strings.Contains(got.body, "request_uri") {
			t.Errorf("%s: %d %s", what, got.status, got.header.Get("Location"))
		}
	}
	gone("used before", brought(wiki, uri))
	gone("never pushed", brought(wiki, "urn:ietf:params:oauth:request_uri:nonsense"))
	uri = pushed(wiki)
	gone("another client's", brought(other, uri))
	gone("nobody's", brought(app{id: "nobody"}, uri))
	h.write(`UPDATE oauth_pushed SET expires = ?`, time.Now().Add(-time.Second).UnixMicro())
	gone("too old", brought(wiki, uri))
	// A sign-in in between takes its time, and an error is an answer too.
	uri = pushed(wiki, "prompt", "none")
	if got := h.browser().get(brought(wiki, uri)); !strings.Contains(got.header.Get("Location"), "error=login_required") {
		t.Errorf("%d %s", got.status, got.header.Get("Location"))
	}
	gone("answered with an error", brought(wiki, uri))
	uri = pushed(wiki, "login_hint", "ada", "ui_locales", "en")
	fresh := h.browser()
	to := fresh.get(brought(wiki, uri)).header.Get("Location")
	if u, err := url.Parse(to); err != nil || u.Query().Get("login_hint") != "ada" || strings.Contains(to, url.QueryEscape("state=s1")) {
		t.Errorf("leads to %s", to)
	}
	var expires int64
	if err := h.s.db.QueryRow(t.Context(), `SELECT max(expires) FROM oauth_pushed`).Scan(&expires); err != nil || time.Until(time.UnixMicro(expires)) < 10*time.Minute {
		t.Errorf("a person who signs in has until %v: %v", time.UnixMicro(expires), err)
	}
	fresh.signIn(strings.TrimPrefix(to[strings.Index(to, "?"):], "?"), "ada", "lovelace-1815")
	if out := fresh.code(brought(wiki, uri)); out.Get("code") == "" {
		t.Errorf("after the sign-in: %v", out)
	}
	// Two browsers at once: one answer.
	uri = pushed(wiki, "scope", "openid")
	one, two := h.signedIn("ada", "lovelace-1815"), h.signedIn("ada", "lovelace-1815")
	codes := make(chan int, 2)
	for _, b := range []*browser{one, two} {
		go func() {
			got := b.get(brought(wiki, uri))
			n := 0
			if strings.Contains(got.header.Get("Location"), "code=") {
				n = 1
			}
			codes <- n
		}()
	}
	if n := <-codes + <-codes; n != 1 {
		t.Errorf("%d answers for one request", n)
	}
	// It survives a restart.
	uri = pushed(wiki)
	refused := func(name string, got answer, status int, want string) {
		t.Helper()
		if got.status != status || got.json(t)["error"] != want {
			t.Errorf("%s: %d %s, want %s", name, got.status, got.body, want)
		}
	}
	refused("a wrong secret", h.pushes(wiki, "client_secret", "wrong"), 400, "invalid_client")
	refused("a public client with the id of a confidential one", h.pushes(app{id: wiki.id, redirect: wiki.redirect}), 400, "invalid_client")
	refused("no client", h.pushes(app{id: "nobody", redirect: wiki.redirect}), 400, "invalid_client")
	refused("redirect elsewhere", h.pushes(wiki, "redirect_uri", "https://evil.example/"), 400, "invalid_request")
	refused("no response_type", h.pushes(wiki, "response_type", ""), 400, "invalid_request")
	refused("an unknown response_type", h.pushes(wiki, "response_type", "token"), 400, "unsupported_response_type")
	refused("a request_uri", h.pushes(wiki, "request_uri", uri), 400, "invalid_request")
	refused("a request object", h.pushes(wiki, "request", "e30.e30."), 400, "request_not_supported")
	refused("a bad challenge", h.pushes(wiki, "code_challenge", "x"), 400, "invalid_request")
	refused("too long", h.pushes(wiki, "state", strings.Repeat("x", 40<<10)), 413, "invalid_request")
	if got := h.browser().get("/application/o/par/?client_id=" + wiki.id); got.status != 405 {
		t.Errorf("GET: %d", got.status)
	}
	// Other request_uris stay refused.
	if got := b.get(wiki.authorize("request_uri", "https://wiki.office.lan/request.jwt")); !strings.Contains(got.header.Get("Location"), "error=request_uri_not_supported") {
		t.Errorf("%s", got.header.Get("Location"))
	}
	if out := b.code(brought(public, pushed(public))); out.Get("code") == "" {
		t.Errorf("a public client: %v", out)
	}
	// Only pushed ones.
	h.beyond(wiki, map[string]any{"require_pushed_authorization_requests": true})
	if got := b.get(wiki.authorize()); !strings.Contains(got.header.Get("Location"), "error=invalid_request") {
		t.Errorf("a request that was not pushed: %d %s", got.status, got.header.Get("Location"))
	}
	if doc := h.browser().get("/application/o/wiki/.well-known/openid-configuration").json(t); doc["require_pushed_authorization_requests"] != true {
		t.Errorf("discovery: %v", doc)
	}
	h.stop()
	h = openAt(t, data, true)
	b = h.signedIn("ada", "lovelace-1815")
	if out := b.code(brought(wiki, uri)); out.Get("code") == "" {
		t.Errorf("after a restart: %v", out)
	}
}

// prover holds a key and makes DPoP proofs by it.
type prover struct {
	t   testing.TB
	h   *house
	key *ecdsa.PrivateKey
}

func (h *house) prover() *prover {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	return &prover{h.t, h, key}
}

func (p *prover) thumb() string {
	jwk := jose.JSONWebKey{Key: &p.key.PublicKey}
	b, err := jwk.Thumbprint(5) // crypto.SHA256
	if err != nil {
		p.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// proof makes a proof for a request; more changes its claims.
func (p *prover) proof(method, path string, more ...any) string {
	p.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		p.t.Fatal(err)
	}
	c := map[string]any{"jti": rand.Text(), "htm": method, "htu": p.h.base + path, "iat": time.Now().Unix()}
	for i := 0; i+1 < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	text, err := jwt.Signed(s).Claims(c).Serialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func athOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const tokenPath, userinfoPath = "/application/o/token/", "/application/o/userinfo/"

// TestDPoP holds tokens that are bound to a key (RFC 9449).
func TestDPoP(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	page := h.addApp("page", nil)
	h.patchProvider(page, map[string]any{"client_type": "public"})
	page.secret = ""
	b := h.signedIn("ada", "lovelace-1815")
	key, thief := h.prover(), h.prover()
	if doc := h.browser().get("/application/o/wiki/.well-known/openid-configuration").json(t); !slices.Contains(doc["dpop_signing_alg_values_supported"].([]any), any("ES256")) {
		t.Errorf("discovery: %v", doc)
	}
	ask := func(a app, v url.Values, proof ...string) answer {
		t.Helper()
		v.Set("client_id", a.id)
		if a.secret != "" {
			v.Set("client_secret", a.secret)
		}
		var header []string
		for _, p := range proof {
			header = append(header, "DPoP", p)
		}
		return h.browser().form(tokenPath, v, header...)
	}
	byCode := func(a app, more ...string) url.Values {
		t.Helper()
		return url.Values{"grant_type": {"authorization_code"}, "code": {b.code(a.authorize(more...)).Get("code")}, "redirect_uri": {a.redirect}, "code_verifier": {verifier}}
	}
	info := func(header ...string) answer { return h.browser().get(userinfoPath, header...) }
	refused := func(name string, got answer, want string) {
		t.Helper()
		if got.status != 400 && got.status != 401 || got.json(t)["error"] != want {
			t.Errorf("%s: %d %s, want %s", name, got.status, got.body, want)
		}
	}
	introspected := func(token string) map[string]any {
		return h.browser().form("/application/o/introspect/", url.Values{"token": {token}, "client_id": {wiki.id}, "client_secret": {wiki.secret}}).json(t)
	}

	once := key.proof("POST", tokenPath)
	got := ask(wiki, byCode(wiki), once)
	tokens := got.json(t)
	if got.status != 200 || tokens["token_type"] != "DPoP" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	access := tokens["access_token"].(string)
	if cnf, _ := claims(t, access)["cnf"].(map[string]any); cnf["jkt"] != key.thumb() {
		t.Errorf("cnf %v", claims(t, access)["cnf"])
	}
	if in := introspected(access); in["token_type"] != "DPoP" || in["cnf"].(map[string]any)["jkt"] != key.thumb() || in["active"] != true {
		t.Errorf("introspection: %v", in)
	}
	refused("a proof that was used", ask(wiki, byCode(wiki), once), "invalid_dpop_proof")
	refused("two proofs", h.browser().do("POST", tokenPath, "application/x-www-form-urlencoded", byCode(wiki).Encode(), "DPoP", "x", "DPoP", "y"), "invalid_dpop_proof")
	for name, proof := range map[string]string{
		"nonsense": "x.y.z", "another method": key.proof("GET", tokenPath), "another address": key.proof("POST", userinfoPath), "too old": key.proof("POST", tokenPath, "iat", time.Now().Add(-5*time.Minute).Unix()),
		"from the future": key.proof("POST", tokenPath, "iat", time.Now().Add(5*time.Minute).Unix()), "without jti": key.proof("POST", tokenPath, "jti", ""),
	} {
		refused(name, ask(wiki, byCode(wiki), proof), "invalid_dpop_proof")
	}
	refused("a nonce that is not ours", ask(wiki, byCode(wiki), key.proof("POST", tokenPath, "nonce", "mine")), "use_dpop_nonce")

	// At userinfo.
	with := func(p *prover, token string, more ...any) []string {
		return []string{"Authorization", "DPoP " + token, "DPoP", p.proof("GET", userinfoPath, append([]any{"ath", athOf(token)}, more...)...)}
	}
	again := with(key, access)
	if got := info(again...); got.status != 200 || got.json(t)["preferred_username"] != "ada" {
		t.Errorf("userinfo: %d %s", got.status, got.body)
	}
	for name, header := range map[string][]string{
		"as Bearer": {"Authorization", "Bearer " + access}, "as Bearer with a proof": {"Authorization", "Bearer " + access, "DPoP", key.proof("GET", userinfoPath, "ath", athOf(access))},
		"without a proof": {"Authorization", "DPoP " + access}, "by another key": with(thief, access), "a used proof": again, "without ath": {"Authorization", "DPoP " + access, "DPoP", key.proof("GET", userinfoPath)},
		"the ath of another token": {"Authorization", "DPoP " + access, "DPoP", key.proof("GET", userinfoPath, "ath", athOf("x"))},
		"the proof of another way": {"Authorization", "DPoP " + access, "DPoP", key.proof("POST", userinfoPath, "ath", athOf(access))},
	} {
		if got := info(header...); got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "DPoP error=") {
			t.Errorf("%s: %d %s %s", name, got.status, got.header.Get("WWW-Authenticate"), got.body)
		}
	}
	if got := h.browser().form(userinfoPath, url.Values{"access_token": {access}}); got.status != 401 {
		t.Errorf("in the body: %d", got.status)
	}
	plain := h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	if got := info(with(key, plain["access_token"].(string))...); got.status != 401 {
		t.Errorf("a token that is not bound, as DPoP: %d", got.status)
	}
	if got := h.browser().get("/user", "Authorization", "Bearer "+access); got.status != 401 {
		t.Errorf("GitHub's address: %d", got.status)
	}

	// The code is bound to the key that the request named.
	refused("no proof for a bound code", ask(wiki, byCode(wiki, "dpop_jkt", key.thumb())), "invalid_dpop_proof")
	refused("another key for a bound code", ask(wiki, byCode(wiki, "dpop_jkt", key.thumb()), thief.proof("POST", tokenPath)), "invalid_dpop_proof")
	if got := ask(wiki, byCode(wiki, "dpop_jkt", key.thumb()), key.proof("POST", tokenPath)); got.status != 200 {
		t.Errorf("a bound code: %d %s", got.status, got.body)
	}
	if got := b.get(wiki.authorize("dpop_jkt", "short")); !strings.Contains(got.header.Get("Location"), "error=invalid_request") {
		t.Errorf("a dpop_jkt that is none: %s", got.header.Get("Location"))
	}
	// At the endpoint of pushed requests a proof is as good as dpop_jkt.
	u, err := url.Parse(wiki.authorize())
	if err != nil {
		t.Fatal(err)
	}
	v := u.Query()
	v.Set("client_secret", wiki.secret)
	v.Set("dpop_jkt", thief.thumb())
	refused("dpop_jkt of another key than the proof's", h.browser().form("/application/o/par/", v, "DPoP", key.proof("POST", "/application/o/par/")), "invalid_dpop_proof")
	v.Del("dpop_jkt")
	uri := h.browser().form("/application/o/par/", v, "DPoP", key.proof("POST", "/application/o/par/")).json(t)["request_uri"]
	in := url.Values{"grant_type": {"authorization_code"}, "code": {b.code(brought(wiki, uri)).Get("code")}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}
	refused("a code of a pushed request by another key", ask(wiki, in, thief.proof("POST", tokenPath)), "invalid_dpop_proof")
	if got := ask(wiki, in, key.proof("POST", tokenPath)); got.status != 200 {
		t.Errorf("a code of a pushed request: %d %s", got.status, got.body)
	}

	// Refresh tokens of public clients are bound, those of confidential ones are not.
	refresh := func(a app, token any, proof ...string) answer {
		return ask(a, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}}, proof...)
	}
	out := ask(page, byCode(page), key.proof("POST", tokenPath)).json(t)
	refused("a public client's refresh token without a proof", refresh(page, out["refresh_token"]), "invalid_dpop_proof")
	refused("a public client's refresh token by another key", refresh(page, out["refresh_token"], thief.proof("POST", tokenPath)), "invalid_dpop_proof")
	if got := refresh(page, out["refresh_token"], key.proof("POST", tokenPath)); got.status != 200 || got.json(t)["token_type"] != "DPoP" {
		t.Errorf("a public client's refresh: %d %s", got.status, got.body)
	}
	if got := refresh(wiki, tokens["refresh_token"], thief.proof("POST", tokenPath)); got.status != 200 || claims(t, got.json(t)["access_token"].(string))["cnf"].(map[string]any)["jkt"] != thief.thumb() {
		t.Errorf("a confidential client with a new key: %d %s", got.status, got.body)
	}
	if got := ask(wiki, url.Values{"grant_type": {"client_credentials"}}, key.proof("POST", tokenPath)); got.status != 200 || got.json(t)["token_type"] != "DPoP" {
		t.Errorf("client_credentials: %d %s", got.status, got.body)
	}

	// A provider may ask for it, with a nonce of ours.
	h.beyond(wiki, map[string]any{"dpop_bound_access_tokens": true, "dpop_nonce_required": true})
	refused("no proof", ask(wiki, byCode(wiki)), "invalid_dpop_proof")
	refused("no proof, client_credentials", ask(wiki, url.Values{"grant_type": {"client_credentials"}}), "invalid_dpop_proof")
	in = byCode(wiki)
	got = ask(wiki, in, key.proof("POST", tokenPath))
	refused("no nonce", got, "use_dpop_nonce")
	nonce := got.header.Get("DPoP-Nonce")
	got = ask(wiki, in, key.proof("POST", tokenPath, "nonce", nonce))
	if got.status != 200 || nonce == "" {
		t.Fatalf("with the nonce %q: %d %s", nonce, got.status, got.body)
	}
	access = got.json(t)["access_token"].(string)
	if got := info(with(key, access)...); got.status != 401 || got.header.Get("DPoP-Nonce") == "" || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
		t.Errorf("userinfo without a nonce: %d %v", got.status, got.header)
	}
	if got := info(with(key, access, "nonce", nonce)...); got.status != 200 {
		t.Errorf("userinfo with the nonce: %d %s", got.status, got.body)
	}
	if got := b.get(wiki.authorize("response_type", "code token")); !strings.Contains(got.header.Get("Location"), "error=invalid_request") {
		t.Errorf("a token through the browser: %s", got.header.Get("Location"))
	}
}

// TestDPoPAfterRestart holds that a proof stays used when the house restarts.
func TestDPoPAfterRestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	h := openAt(t, data, true)
	wiki := h.addApp("wiki", nil)
	key := h.prover()
	ask := func() answer {
		key.h = h
		return h.browser().form(tokenPath, url.Values{"grant_type": {"client_credentials"}, "client_id": {wiki.id}, "client_secret": {wiki.secret}}, "DPoP", key.proof("POST", tokenPath, "jti", "the same"))
	}
	if got := ask(); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	h.stop()
	h = openAt(t, data, true)
	if got := ask(); got.status != 400 || got.json(t)["error"] != "invalid_dpop_proof" || !strings.Contains(got.body, "used before") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestResourceIndicators holds access tokens for resources (RFC 8707).
func TestResourceIndicators(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	const one, two, other = "https://api.office.lan/one", "urn:office:two", "https://evil.example/api"
	audience := func(text any) string {
		switch aud := claims(t, text.(string))["aud"].(type) {
		case string:
			return aud
		case []any:
			return strings.Trim(fmt.Sprint(aud), "[]")
		}
		return ""
	}
	ask := func(v url.Values, resources ...string) answer {
		t.Helper()
		v["resource"] = resources
		return h.token(wiki, v)
	}
	code := func(resources ...string) url.Values {
		t.Helper()
		got := b.code(wiki.authorize() + "&" + url.Values{"resource": resources}.Encode())
		if got.Get("code") == "" {
			t.Fatalf("%v: %v", resources, got)
		}
		return url.Values{"grant_type": {"authorization_code"}, "code": {got.Get("code")}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}
	}
	refused := func(name string, resources ...string) {
		t.Helper()
		got := b.get(wiki.authorize() + "&" + url.Values{"resource": resources}.Encode())
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil || to.Query().Get("error") != "invalid_target" {
			t.Errorf("%s: %d %s", name, got.status, to)
		}
	}
	target := func(name string, got answer) {
		t.Helper()
		if got.status != 400 || got.json(t)["error"] != "invalid_target" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	refused("a provider without resources", one)
	if got := audience(h.exchange(wiki, b.code(wiki.authorize()).Get("code"))["access_token"]); got != wiki.id {
		t.Errorf("without a resource: %s", got)
	}
	h.api("PATCH", fmt.Sprintf("gatehouse/providers/oauth2/%d/beyond/", h.provider(wiki)), map[string]any{"resources": "api.office.lan"}, 400)
	h.api("PATCH", fmt.Sprintf("gatehouse/providers/oauth2/%d/beyond/", h.provider(wiki)), map[string]any{"resources": one + "#x"}, 400)
	h.beyond(wiki, map[string]any{"resources": one + "\n  " + two + "\n"})
	refused("an unknown one", other)
	refused("one of two unknown", one, other)
	refused("no whole address", "/one")
	refused("a fragment", one+"#x")
	refused("an empty one", "")
	refused("another spelling", strings.ToUpper(one))

	got := ask(code(one, two))
	if got.status != 200 || audience(got.json(t)["access_token"]) != one+" "+two {
		t.Fatalf("both: %d %s", got.status, got.body)
	}
	tokens := got.json(t)
	if claims(t, tokens["id_token"].(string))["aud"] != wiki.id || claims(t, tokens["access_token"].(string))["azp"] != wiki.id {
		t.Errorf("the ID token is for %v", claims(t, tokens["id_token"].(string))["aud"])
	}
	in := h.browser().form("/application/o/introspect/", url.Values{"token": {tokens["access_token"].(string)}, "client_id": {wiki.id}, "client_secret": {wiki.secret}}).json(t)
	if strings.Trim(fmt.Sprint(in["aud"]), "[]") != one+" "+two || in["client_id"] != wiki.id {
		t.Errorf("introspection: %v", in)
	}
	if got := h.browser().get(userinfoPath, "Authorization", "Bearer "+tokens["access_token"].(string)); got.status != 200 {
		t.Errorf("userinfo: %d", got.status)
	}
	refresh := func(resources ...string) answer {
		t.Helper()
		got := ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}, resources...)
		if got.status == 200 {
			tokens = got.json(t)
		}
		return got
	}
	if refresh(one); audience(tokens["access_token"]) != one {
		t.Errorf("narrowed: %s", audience(tokens["access_token"]))
	}
	if refresh(); audience(tokens["access_token"]) != one+" "+two {
		t.Errorf("all again: %s", audience(tokens["access_token"]))
	}
	target("another at the token endpoint", refresh(other))
	target("what was not granted", ask(code(one), two))
	if got := ask(code(), two); got.status != 200 || audience(got.json(t)["access_token"]) != two {
		t.Errorf("only at the token endpoint: %d %s", got.status, got.body)
	}
	cc := url.Values{"grant_type": {"client_credentials"}}
	if got := ask(cc, two); got.status != 200 || audience(got.json(t)["access_token"]) != two {
		t.Errorf("client_credentials: %d %s", got.status, got.body)
	}
	target("client_credentials", ask(cc, other))
}
