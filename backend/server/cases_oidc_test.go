package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/db"
)

// The cases of docs/security.md that are about OpenID Connect, by their numbers there.
func TestCasesOpenIDConnect(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	h.addUser("bob", "builder-1999")
	wiki, other := h.addApp("wiki", nil), h.addApp("other", nil)
	ada, bob := h.signedIn("ada", "lovelace-1815"), h.signedIn("bob", "builder-1999")
	fresh := func(b *browser, a app, more ...string) map[string]any {
		t.Helper()
		return h.exchange(a, b.code(a.authorize(more...)).Get("code"))
	}
	// refusedBy gives the error that a client gets at its redirect URI, "" when the answer is another.
	refusedBy := func(got answer, a app) string {
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil || got.status != 302 || !strings.HasPrefix(to.String(), a.redirect+"?") {
			return ""
		}
		return to.Query().Get("error")
	}
	userinfo := func(token string) int {
		return h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+token).status
	}

	t.Run("1 redirect URIs that look alike", func(t *testing.T) {
		for _, uri := range []string{
			"https://wiki.office.lan.evil.tld/callback", "https://wiki.office.lan@evil.tld/callback", "https://wiki.office.lan:8443/callback", "https://wiki.office.lan/callback/",
			"https://wiki.office.lan/callback/../evil", "https://wiki.office.lan/%2e%2e/callback", "https://WIKI.office.lan/callback", "http://wiki.office.lan/callback",
			"https://wiki.office.lan/callback?next=x", "https://wiki.office.lan/callback#x", "https://wiki.office.lan\\@evil.tld/callback", "//wiki.office.lan/callback", "/callback",
			" https://wiki.office.lan/callback", "https://wiki.office.lan/callback\r\nX: y", "https://wiki.office.lan:80@evil.tld/callback",
		} {
			for _, b := range []*browser{ada, h.browser()} {
				got := b.get(wiki.authorize("redirect_uri", uri))
				if got.status != 400 || got.header.Get("Location") != "" || !strings.Contains(got.body, "Redirect URI") {
					t.Errorf("%q: %d %s", uri, got.status, got.header.Get("Location"))
				}
			}
		}
	})
	t.Run("2 redirect URIs that run", func(t *testing.T) {
		p := h.api("GET", "providers/oauth2/?client_id="+wiki.id, nil, 200)["results"].([]any)[0].(map[string]any)
		path := fmt.Sprintf("providers/oauth2/%d/", int(p["pk"].(float64)))
		for _, uri := range []string{"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "*", ".*", `https://.*`, "https://a.example/#x", "https://u@a.example/"} {
			if got := h.api("PATCH", path, map[string]any{"redirect_uris": uri}, 400)["redirect_uris"]; got == nil {
				t.Errorf("%q is stored", uri)
			}
			h.api("POST", "gatehouse/applications/", map[string]any{"name": "x", "redirect_uris": uri, "access": "everyone"}, 400)
		}
		wide := h.addApp("wide", map[string]any{"redirect_uris": `.*://wide\.office\.lan.*`})
		for _, uri := range []string{"javascript://wide.office.lan/%0aalert(1)", "data://wide.office.lan/x", "vbscript://wide.office.lan/"} {
			if got := ada.get(wide.authorize("redirect_uri", uri)); got.status != 400 || got.header.Get("Location") != "" {
				t.Errorf("a pattern that fits lets %q through: %d", uri, got.status)
			}
		}
	})
	t.Run("3 PKCE", func(t *testing.T) {
		for name, v := range map[string]string{"none": "", "wrong": strings.Repeat("y", 60), "too short": verifier[:42], "too long": strings.Repeat("x", 129), "the challenge itself": challengeOf(verifier)} {
			in := url.Values{"grant_type": {"authorization_code"}, "code": {ada.code(wiki.authorize()).Get("code")}, "redirect_uri": {wiki.redirect}}
			if v != "" {
				in.Set("code_verifier", v)
			}
			if got := h.token(wiki, in); got.status != 400 || got.json(t)["error"] != "invalid_grant" {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		for _, n := range []int{42, 129} {
			if got := refusedBy(ada.get(wiki.authorize("code_challenge", strings.Repeat("x", n), "code_challenge_method", "plain")), wiki); got != "invalid_request" {
				t.Errorf("a challenge of %d characters: %q", n, got)
			}
		}
	})
	t.Run("4 code used again later", func(t *testing.T) {
		c := ada.code(wiki.authorize()).Get("code")
		tokens := h.exchange(wiki, c)
		if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error { // 30 s later, its own time long over
			_, err := tx.Exec(`UPDATE oauth_codes SET expires = expires - ?`, 90*time.Second.Microseconds())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := h.token(wiki, url.Values{"grant_type": {"authorization_code"}, "code": {c}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}); got.status != 400 || got.json(t)["error"] != "invalid_grant" {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := userinfo(tokens["access_token"].(string)); got != 401 {
			t.Errorf("the first token is good: %d", got)
		}
	})
	t.Run("5 expired code, code of another", func(t *testing.T) {
		c := ada.code(wiki.authorize()).Get("code")
		in := func() url.Values {
			return url.Values{"grant_type": {"authorization_code"}, "code": {c}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}
		}
		if got := h.token(other, in()); got.status != 400 || got.json(t)["error"] != "invalid_grant" {
			t.Errorf("another client: %d %s", got.status, got.body)
		}
		c = ada.code(wiki.authorize()).Get("code")
		if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE oauth_codes SET expires = ?`, tx.Now.Add(-time.Second).UnixMicro())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := h.token(wiki, in()); got.status != 400 || got.json(t)["error"] != "invalid_grant" {
			t.Errorf("an expired code: %d %s", got.status, got.body)
		}
	})
	t.Run("6 refresh token of another client", func(t *testing.T) {
		tokens := fresh(ada, wiki)
		if got := h.token(other, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}); got.status != 400 || got.json(t)["error"] != "invalid_grant" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("7 tokens that were changed", func(t *testing.T) {
		access := fresh(ada, wiki)["access_token"].(string)
		if got := userinfo(access); got != 200 {
			t.Fatal(got)
		}
		parts := strings.Split(access, ".")
		key := h.browser().get("/application/o/wiki/jwks/").json(t)["keys"].([]any)[0].(map[string]any)
		der, err := base64.StdEncoding.DecodeString(key["x5c"].([]any)[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := x509.MarshalPKIXPublicKey(cert.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		header := func(more map[string]any) string {
			hd := map[string]any{"alg": "RS256", "typ": "JWT", "kid": key["kid"]}
			for k, v := range more {
				hd[k] = v
			}
			b, err := json.Marshal(hd)
			if err != nil {
				t.Fatal(err)
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		hs := header(map[string]any{"alg": "HS256"}) + "." + parts[1]
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}))
		mac.Write([]byte(hs))
		for name, token := range map[string]string{
			"cut": access[:len(access)-1], "longer": access + "x", "other case": strings.ToUpper(access[:20]) + access[20:], "lower": strings.ToLower(access),
			"alg none": header(map[string]any{"alg": "none"}) + "." + parts[1] + ".", "HS256 with the public key": hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
			"another kid": header(map[string]any{"kid": "x"}) + "." + parts[1] + "." + parts[2], "jku": header(map[string]any{"jku": "https://evil.tld/keys"}) + "." + parts[1] + "." + parts[2],
			"x5u": header(map[string]any{"x5u": "https://evil.tld/cert"}) + "." + parts[1] + "." + parts[2], "empty": "", "dots": "..",
		} {
			if got := userinfo(token); got != 401 {
				t.Errorf("%s: userinfo %d", name, got)
			}
			got := h.browser().form("/application/o/introspect/", url.Values{"token": {token}, "client_id": {wiki.id}, "client_secret": {wiki.secret}})
			if token != "" && (got.status != 200 || got.json(t)["active"] != false) {
				t.Errorf("%s: introspection %d %s", name, got.status, got.body)
			}
			if got := h.browser().get("/api/v3/core/users/me/", "Authorization", "Bearer "+token); got.status != 403 {
				t.Errorf("%s: API %d", name, got.status)
			}
		}
		// Another client learns nothing of a token (CVE-2024-47077).
		got := h.browser().form("/application/o/introspect/", url.Values{"token": {access}, "client_id": {other.id}, "client_secret": {other.secret}})
		if got.status != 200 || got.json(t)["active"] != false {
			t.Errorf("another client's introspection: %d %s", got.status, got.body)
		}
	})
	t.Run("10 prompt, max_age and id_token_hint", func(t *testing.T) {
		if got := refusedBy(h.browser().get(wiki.authorize("prompt", "none")), wiki); got != "login_required" {
			t.Errorf("prompt=none without a session: %q", got)
		}
		b := h.signedIn("ada", "lovelace-1815")
		first := claims(t, fresh(b, wiki)["id_token"].(string))
		time.Sleep(2100 * time.Millisecond)
		again := func(more ...string) map[string]any {
			t.Helper()
			got := b.get(wiki.authorize(more...))
			if got.status != 302 || !strings.HasPrefix(got.header.Get("Location"), "/flows/-/default/authentication/?next=") {
				t.Fatalf("%v: no new sign-in: %d %s", more, got.status, got.header.Get("Location"))
			}
			next, err := url.Parse(got.header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			out := b.signIn(next.RawQuery, "ada", "lovelace-1815")
			if out["type"] != "redirect" {
				t.Fatalf("%v: %v", more, out)
			}
			return h.exchange(wiki, b.code(out["to"].(string)).Get("code"))
		}
		old := first["auth_time"].(float64)
		for _, more := range [][]string{{"max_age", "1"}, {"prompt", "login", "state", "s1"}} {
			id := claims(t, again(more...)["id_token"].(string))
			if id["auth_time"].(float64) <= old {
				t.Errorf("%v: auth_time %v, before %v", more, id["auth_time"], old)
			}
			old = id["auth_time"].(float64)
			time.Sleep(1100 * time.Millisecond)
		}
		for _, more := range [][]string{{"prompt", "login"}, {"max_age", "0"}} { // somebody who comes signed out signs in once
			b := h.browser()
			next, err := url.Parse(b.get(wiki.authorize(more...)).header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			out := b.signIn(next.RawQuery, "ada", "lovelace-1815")
			if to, _ := out["to"].(string); b.code(to).Get("code") == "" {
				t.Errorf("%v: no code", more)
			}
		}
		hint := fresh(ada, wiki)["id_token"].(string)
		theirs := fresh(bob, other)["id_token"].(string)
		if got := b.code(wiki.authorize("scope", "openid", "id_token_hint", hint)).Get("code"); got == "" {
			t.Error("a hint of who is there is refused")
		}
		for _, prompt := range []string{"", "none"} {
			for name, x := range map[string]struct {
				b    *browser
				hint string
			}{"another person": {bob, hint}, "another client": {bob, theirs}, "changed": {b, hint[:len(hint)-3] + "AAA"}, "nonsense": {b, "x.y.z"}} {
				if got := refusedBy(x.b.get(wiki.authorize("scope", "openid", "prompt", prompt, "id_token_hint", x.hint)), wiki); got != "login_required" {
					t.Errorf("%s, prompt %q: %q", name, prompt, got)
				}
			}
		}
	})
	t.Run("11 end of session", func(t *testing.T) {
		end := func(b *browser, v url.Values) string {
			got := b.get("/application/o/wiki/end-session/?" + v.Encode())
			if got.status != 302 && got.status != 303 {
				t.Fatalf("%v: %d %s", v, got.status, got.body)
			}
			return got.header.Get("Location")
		}
		here := func(b *browser) bool { return b.get("/api/v3/core/users/me/").status == 200 }
		b := h.signedIn("ada", "lovelace-1815")
		hint := fresh(b, wiki)["id_token"].(string)
		theirs := fresh(b, other)["id_token"].(string)
		bobs := fresh(bob, wiki)["id_token"].(string)
		const page = "/if/session-end/wiki/"
		for name, v := range map[string]url.Values{
			"no hint": {"post_logout_redirect_uri": {wiki.redirect}}, "nothing": {}, "only state": {"state": {"x"}}, "modified hint": {"id_token_hint": {hint[:len(hint)-3] + "AAA"}, "post_logout_redirect_uri": {wiki.redirect}},
			"hint of another client": {"id_token_hint": {theirs}, "post_logout_redirect_uri": {wiki.redirect}}, "another client_id": {"id_token_hint": {hint}, "client_id": {other.id}, "post_logout_redirect_uri": {wiki.redirect}},
			"hint of another person": {"id_token_hint": {bobs}, "post_logout_redirect_uri": {wiki.redirect}},
		} {
			if got := end(b, v); got != page {
				t.Errorf("%s leads to %s", name, got)
			}
			if !here(b) {
				t.Fatalf("%s ends the session unasked", name)
			}
		}
		for _, uri := range []string{"https://evil.tld/", wiki.redirect + "?x=1", wiki.redirect + "/more", "//evil.tld", "javascript:alert(1)"} {
			b := h.signedIn("ada", "lovelace-1815")
			hint := fresh(b, wiki)["id_token"].(string)
			if got := end(b, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {uri}}); got != page {
				t.Errorf("%s: leads to %s", uri, got)
			}
		}
		if got := end(b, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {wiki.redirect}, "state": {"x y"}}); got != wiki.redirect+"?state=x+y" || here(b) {
			t.Errorf("the right way leads to %s, signed in %v", got, here(b))
		}
	})
	t.Run("12 keys", func(t *testing.T) {
		find := func() (string, map[string]any) {
			p := h.api("GET", "providers/oauth2/?client_id="+wiki.id, nil, 200)["results"].([]any)[0].(map[string]any)
			return fmt.Sprintf("providers/oauth2/%d/", int(p["pk"].(float64))), p
		}
		kids := func() (out []string) {
			for _, k := range h.browser().get("/application/o/wiki/jwks/").json(t)["keys"].([]any) {
				out = append(out, k.(map[string]any)["kid"].(string))
			}
			return out
		}
		kidOf := func(token string) string {
			b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
			if err != nil {
				t.Fatal(err)
			}
			var hd struct{ Kid string }
			if err := json.Unmarshal(b, &hd); err != nil {
				t.Fatal(err)
			}
			return hd.Kid
		}
		path, p := find()
		before := fresh(ada, wiki)["id_token"].(string)
		fresher := h.api("POST", "crypto/certificatekeypairs/generate/", map[string]any{"common_name": "fresher", "validity_days": 30, "alg": "ecdsa"}, 200)["pk"].(string)
		h.api("PATCH", path, map[string]any{"signing_key": fresher}, 200)
		after := fresh(ada, wiki)["id_token"].(string)
		if got := kids(); len(got) != 2 || !slices.Contains(got, kidOf(before)) || !slices.Contains(got, kidOf(after)) || kidOf(before) == kidOf(after) {
			t.Errorf("after the change %v are published, signed with %s and %s", got, kidOf(before), kidOf(after))
		}
		if _, p := find(); p["former_keys"] != nil {
			t.Error("the former keys are told")
		}
		if got := ada.code(wiki.authorize("scope", "openid", "id_token_hint", before)).Get("code"); got == "" {
			t.Error("a token of the key of before counts no more")
		}
		refused := h.browser().do("DELETE", "/api/v3/crypto/certificatekeypairs/"+fresher+"/", "", "", "Authorization", "Bearer "+bootToken)
		if refused.status/100 != 4 {
			t.Errorf("the key in use is deleted: %d %s", refused.status, refused.body)
		}
		if got := kidOf(fresh(ada, wiki)["id_token"].(string)); got != kidOf(after) {
			t.Errorf("signed with %s", got)
		}
		// An hour later its last token has ended.
		if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE object SET body = json_set(body, '$.former_keys', ? || ' 1') WHERE kind = 'authentik_providers_oauth2.oauth2provider'`, p["signing_key"])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		h.api("PATCH", path, map[string]any{"access_token_validity": "hours=1"}, 200)
		if got := kids(); len(got) != 1 || got[0] != kidOf(after) {
			t.Errorf("in the end %v are published", got)
		}
	})
	t.Run("13 Host and X-Forwarded-Host", func(t *testing.T) {
		for _, path := range []string{"/application/o/wiki/.well-known/openid-configuration", wiki.authorize(), "/if/flow/default-authentication-flow/", "/api/v3/core/users/me/"} {
			got := ada.get(path, "Host", "evil.tld")
			if got.status != 421 || strings.Contains(got.header.Get("Location"), "evil.tld") {
				t.Errorf("%s under another name: %d %s", path, got.status, got.header.Get("Location"))
			}
		}
		got := h.browser().get("/application/o/wiki/.well-known/openid-configuration", "X-Forwarded-Host", "evil.tld", "Forwarded", "host=evil.tld")
		if got.json(t)["issuer"] != h.base+"/application/o/wiki/" || strings.Contains(got.body, "evil.tld") {
			t.Errorf("%s", got.body)
		}
		out, err := h.s.RecoveryLink(t.Context(), "ada", time.Minute)
		if err != nil || !strings.HasPrefix(out.Link, "https://login.office.lan") {
			t.Errorf("%+v %v", out, err)
		}
	})
}
