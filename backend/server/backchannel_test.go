package server

import (
	"crypto"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// listener is the address of an application that wants to hear of logouts.
type listener struct {
	*httptest.Server
	answers chan int // the statuses of the next answers; 200 when it is empty
	got     chan heardLogout
}

// heardLogout is one request that came.
type heardLogout struct {
	method, media string
	form          url.Values
}

func newListener(t testing.TB) *listener {
	t.Helper()
	r := &listener{answers: make(chan int, 10), got: make(chan heardLogout, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_ = req.ParseForm()
		status := 200
		select {
		case status = <-r.answers:
		default:
		}
		r.got <- heardLogout{req.Method, req.Header.Get("Content-Type"), req.PostForm}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

// next waits for the next logout token and gives its claims; nil when none comes.
func (r *listener) next(t testing.TB) (string, map[string]any) {
	t.Helper()
	select {
	case got := <-r.got:
		token := got.form.Get("logout_token")
		return token, claims(t, token)
	case <-time.After(time.Minute):
		t.Fatal("nobody told the application")
		return "", nil
	}
}

// none holds that nothing was sent by asking for a round of the queue.
func (r *listener) none(t testing.TB, h *house, what string) {
	t.Helper()
	if _, err := h.s.rooms.oauth.TellLogouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-r.got:
		t.Errorf("%s: the application hears %v", what, claims(t, got.form.Get("logout_token")))
	default:
	}
}

// reaching is a house that may ask this machine.
func reaching(t testing.TB, prepare ...func(h *house)) *house {
	t.Helper()
	data := t.TempDir()
	furnished(t, data)
	w := &lockedWriter{}
	o := testOptions(data, true, w)
	o.Config.Outgoing = "127.0.0.1"
	return serveWith(t, o, w, prepare...)
}

// provider gives the key of an application's provider.
func (h *house) provider(a app) int {
	h.t.Helper()
	p := h.api("GET", "providers/oauth2/?client_id="+a.id, nil, 200)["results"].([]any)[0].(map[string]any)
	return int(p["pk"].(float64))
}

// tells has an application told of logouts.
func (h *house) tells(a app, uri string) {
	h.t.Helper()
	h.api("PATCH", fmt.Sprintf("gatehouse/providers/oauth2/%d/beyond/", h.provider(a)), map[string]any{"backchannel_logout_uri": uri, "backchannel_logout_session_required": true}, 200)
}

// verified gives the claims of a token after checking its signature by the application's published keys, or its secret.
func (h *house) verified(t testing.TB, a app, token string) (header jose.Header, out map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.HS256})
	if err != nil {
		t.Fatal(err)
	}
	header = jws.Signatures[0].Header
	var key any = []byte(a.secret)
	if header.Algorithm != string(jose.HS256) {
		var set jose.JSONWebKeySet
		if err := json.Unmarshal([]byte(h.browser().get("/application/o/"+a.slug+"/jwks/").body), &set); err != nil {
			t.Fatal(err)
		}
		found := set.Key(header.KeyID)
		if len(found) != 1 {
			t.Fatalf("%d keys with the id %q", len(found), header.KeyID)
		}
		key = found[0].Key.(crypto.PublicKey)
	}
	b, err := jws.Verify(key)
	if err != nil {
		t.Fatalf("signature: %v", err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return header, out
}

// What goes beyond the release is stored beside the published fields, which stay as they are.
func TestProviderBeyond(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	wiki := h.addApp("wiki", nil)
	path := fmt.Sprintf("gatehouse/providers/oauth2/%d/beyond/", h.provider(wiki))
	if got := h.api("GET", path, nil, 200); got["backchannel_logout_uri"] != "" || got["backchannel_logout_session_required"] != false {
		t.Errorf("at first: %v", got)
	}
	for _, bad := range []string{"x", "/out", "ftp://wiki.office.lan/out", "https://", "https:wiki", "https://wiki.office.lan/out#x", "https://u@wiki.office.lan/out", "javascript:alert(1)", "https://wiki.office.lan/\x00"} {
		if got := h.api("PATCH", path, map[string]any{"backchannel_logout_uri": bad}, 400)["backchannel_logout_uri"]; got == nil {
			t.Errorf("%q is stored", bad)
		}
	}
	h.api("PATCH", path, map[string]any{"backchannel_logout_uri": "https://wiki.office.lan/out?a=b", "backchannel_logout_session_required": true}, 200)
	h.api("PATCH", fmt.Sprintf("providers/oauth2/%d/", h.provider(wiki)), map[string]any{"sub_mode": "user_id"}, 200)
	if got := h.api("GET", path, nil, 200); got["backchannel_logout_uri"] != "https://wiki.office.lan/out?a=b" || got["backchannel_logout_session_required"] != true {
		t.Errorf("after a change of the published fields: %v", got)
	}
	shown := h.api("GET", fmt.Sprintf("providers/oauth2/%d/", h.provider(wiki)), nil, 200)
	if shown["backchannel_logout_uri"] != nil || shown["sub_mode"] != "user_id" {
		t.Errorf("the published fields: %v", shown)
	}
	// PATCH keeps what is left out; PUT sets everything, and a body that is not whole changes nothing.
	h.api("PATCH", path, map[string]any{"dpop_nonce_required": true}, 200)
	h.api("PATCH", path, map[string]any{"backchannel_logout_session_required": nil}, 400)
	for _, missing := range []string{"resources", "dpop_bound_access_tokens"} {
		in := h.api("GET", path, nil, 200)
		delete(in, missing)
		in["backchannel_logout_uri"] = ""
		if got := h.api("PUT", path, in, 400)[missing]; got == nil {
			t.Errorf("PUT without %s names another fault", missing)
		}
	}
	whole := h.api("GET", path, nil, 200)
	if whole["dpop_nonce_required"] != true || whole["backchannel_logout_uri"] != "https://wiki.office.lan/out?a=b" || whole["backchannel_logout_session_required"] != true {
		t.Errorf("after a change of one field: %v", whole)
	}
	whole["backchannel_logout_uri"], whole["dpop_nonce_required"] = "", false
	if got := h.api("PUT", path, whole, 200); got["backchannel_logout_uri"] != "" || got["dpop_nonce_required"] != false || got["backchannel_logout_session_required"] != true {
		t.Errorf("after PUT: %v", got)
	}
	for _, key := range []string{"0", "999999", "x", "1%20OR%201"} {
		h.api("GET", "gatehouse/providers/oauth2/"+key+"/beyond/", nil, 404)
		h.api("PATCH", "gatehouse/providers/oauth2/"+key+"/beyond/", map[string]any{}, 404)
		h.api("PUT", "gatehouse/providers/oauth2/"+key+"/beyond/", whole, 404)
	}
	h.addUser("ada", "lovelace-1815")
	b := h.signedIn("ada", "lovelace-1815")
	for _, method := range []string{"GET", "PUT", "PATCH"} {
		if got := b.do(method, "/api/v3/"+path, "application/json", `{}`); got.status != 403 {
			t.Errorf("%s by somebody without permissions: %d", method, got.status)
		}
	}
}

// However a session ends, the applications that know its person by it are told, once, with a token that they can check.
func TestBackchannelLogout(t *testing.T) {
	t.Parallel()
	h := reaching(t)
	ada := h.addUser("ada", "lovelace-1815")
	wiki, shop, mute := h.addApp("wiki", nil), h.addApp("shop", map[string]any{"signing": "hs256"}), h.addApp("mute", nil)
	heard, sold := newListener(t), newListener(t)
	h.tells(wiki, heard.URL+"/out?from=gatehouse")
	enter := func(b *browser, a app) map[string]any {
		t.Helper()
		return claims(t, h.exchange(a, b.code(a.authorize()).Get("code"))["id_token"].(string))
	}
	uuid := func() string {
		t.Helper()
		return h.api("GET", "core/authenticated_sessions/?user__username=ada&ordering=-last_used", nil, 200)["results"].([]any)[0].(map[string]any)["uuid"].(string)
	}
	ends := map[string]func(b *browser){
		"the person signs out": func(b *browser) {
			if got := b.flow("/api/v3/flows/executor/default-invalidation-flow/?query=", nil); got["type"] != "redirect" {
				t.Fatalf("sign-out ends at %v", got)
			}
		},
		"an application ends it": func(b *browser) {
			hint := h.exchange(mute, b.code(mute.authorize()).Get("code"))["id_token"].(string)
			if got := b.get("/application/o/mute/end-session/?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {mute.redirect}}.Encode()); got.status != 302 || got.header.Get("Location") != mute.redirect {
				t.Fatalf("end-session: %d %s", got.status, got.header.Get("Location"))
			}
		},
		"an admin ends it": func(*browser) { h.api("DELETE", "core/authenticated_sessions/"+uuid()+"/", nil, 204) },
		"the person is switched off": func(*browser) {
			h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), map[string]any{"is_active": false}, 200)
			h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), map[string]any{"is_active": true}, 200)
		},
		"it runs out": func(*browser) {
			h.write(`UPDATE sessions SET expires = 1`)
			if _, err := h.s.rooms.sessions.CleanUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := h.s.rooms.oauth.TellLogouts(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	}
	sids := map[any]bool{}
	for what, end := range ends {
		b := h.signedIn("ada", "lovelace-1815")
		id := enter(b, wiki)
		sid, _ := id["sid"].(string)
		if sid == "" || sids[sid] {
			t.Fatalf("%s: sid %v", what, id["sid"])
		}
		sids[sid] = true
		if enter(b, mute)["sid"] != nil {
			t.Errorf("%s: a session is named to an application that is not told of its end", what)
		}
		heard.none(t, h, "before "+what)
		end(b)
		token, _ := heard.next(t)
		header, got := h.verified(t, wiki, token)
		events, _ := got["events"].(map[string]any)
		if header.ExtraHeaders["typ"] != "logout+jwt" || got["iss"] != id["iss"] || got["sub"] != id["sub"] || got["aud"] != wiki.id || got["sid"] != sid || got["jti"] == "" || got["nonce"] != nil ||
			len(events) != 1 || fmt.Sprint(events["http://schemas.openid.net/event/backchannel-logout"]) != "map[]" {
			t.Errorf("%s: %v %v", what, header.ExtraHeaders, got)
		}
		if iat, exp := got["iat"].(float64), got["exp"].(float64); exp <= iat || exp > iat+120 {
			t.Errorf("%s: from %v to %v", what, iat, exp)
		}
		heard.none(t, h, "after "+what)
	}

	// A renewed sign-in in the same browser ends nothing, and the session keeps its name.
	h.tells(shop, sold.URL)
	b := h.signedIn("ada", "lovelace-1815")
	first, other := enter(b, wiki), enter(b, shop)
	if got := b.get(wiki.authorize("prompt", "login")); got.status != 302 || !strings.HasPrefix(got.header.Get("Location"), "/flows/") {
		t.Fatalf("prompt=login: %d %s", got.status, got.header.Get("Location"))
	}
	if out := b.signIn("", "ada", "lovelace-1815"); out["type"] != "redirect" {
		t.Fatalf("the renewed sign-in ends at %v", out)
	}
	heard.none(t, h, "a renewed sign-in")
	if again := enter(b, wiki); again["sid"] != first["sid"] {
		t.Errorf("the session was %v and is %v", first["sid"], again["sid"])
	}
	// A code that is redeemed after the session ended brings tokens, and with them that it is over.
	late := b.code(wiki.authorize()).Get("code")
	h.api("DELETE", "core/authenticated_sessions/"+uuid()+"/", nil, 204)
	if _, got := heard.next(t); got["sid"] != first["sid"] {
		t.Errorf("wiki hears %v", got)
	}
	token, got := sold.next(t)
	if header, _ := h.verified(t, shop, token); header.Algorithm != "HS256" || got["sid"] != other["sid"] {
		t.Errorf("shop hears %v", got)
	}
	h.exchange(wiki, late)
	if _, got := heard.next(t); got["sid"] != first["sid"] {
		t.Errorf("after a late code: %v", got)
	}
	heard.none(t, h, "at last")

	// The person is deleted: who they were is still told.
	b = h.signedIn("ada", "lovelace-1815")
	first = enter(b, wiki)
	h.api("DELETE", fmt.Sprintf("core/users/%d/", ada), nil, 204)
	if _, got := heard.next(t); got["sub"] != first["sub"] {
		t.Errorf("of a deleted person: %v", got)
	}
	h.until(t, "an empty queue", func() bool { return h.number(`SELECT count(*) FROM oauth_logins`) == 0 })
}

// An application that does not answer is asked again; one that refuses, or that is gone for good, is not, and the log says so.
func TestBackchannelRetries(t *testing.T) {
	t.Parallel()
	h := reaching(t)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	heard := newListener(t)
	h.tells(wiki, heard.URL)
	leave := func() {
		t.Helper()
		b := h.signedIn("ada", "lovelace-1815")
		h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
		b.flow("/api/v3/flows/executor/default-invalidation-flow/?query=", nil)
	}
	tries := func() int { return h.number(`SELECT coalesce(max(tries), -1) FROM oauth_logins`) }
	again := func() {
		t.Helper()
		h.write(`UPDATE oauth_logins SET due = 0`)
		if _, err := h.s.rooms.oauth.TellLogouts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	heard.answers <- 503
	heard.answers <- 429
	leave()
	_, first := heard.next(t)
	h.until(t, "a first failed try", func() bool { return tries() == 1 })
	if n := h.number(`SELECT count(*) FROM oauth_logins WHERE due > ?`, time.Now().UnixMicro()); n != 1 {
		t.Errorf("%d logouts wait for another try", n)
	}
	h.write(`UPDATE oauth_logins SET due = due + 3600000000`)
	heard.none(t, h, "right after a failed try")
	again()
	_, second := heard.next(t)
	if tries() != 2 || first["sid"] != second["sid"] || first["jti"] == second["jti"] {
		t.Errorf("%d tries: %v, %v", tries(), first, second)
	}
	again()
	heard.next(t)
	h.until(t, "the end of the tries", func() bool { return tries() == -1 })
	failed := func() string {
		rows := h.rows(t, bootToken, "events/events/?action=configuration_error")
		if len(rows) == 0 {
			return ""
		}
		s, _ := rows[0]["context"].(map[string]any)["message"].(string)
		return s
	}
	if s := failed(); s != "" {
		t.Errorf("a logout that was told at last is logged as failed: %s", s)
	}
	heard.answers <- 400
	leave()
	heard.next(t)
	h.until(t, "the end of the tries", func() bool { return tries() == -1 })
	if s := failed(); !strings.Contains(s, "400 Bad Request") {
		t.Errorf("a refusal is logged as %q", s)
	}
	h.until(t, "the row of system tasks", func() bool {
		return h.number(`SELECT count(*) FROM system_tasks WHERE name = 'backchannel_logout'`) == 1
	})
	// A redirect is no answer, and is not followed.
	heard.answers <- 302
	leave()
	heard.next(t)
	h.until(t, "the end of the tries", func() bool { return tries() == -1 })
	// Nobody is there.
	heard.CloseClientConnections()
	heard.Listener.Close()
	leave()
	h.until(t, "a first failed try", func() bool { return tries() > 0 })
	for n := 2; n <= 6; n++ {
		again()
		if tries() < n {
			t.Errorf("%d tries, want %d", tries(), n)
		}
	}
	again()
	if n := tries(); n != -1 || !strings.Contains(failed(), "refuses the connection") {
		t.Errorf("after the last try: %d, %q", n, failed())
	}
	// Who does not want to hear any more hears nothing; with the provider its logins go.
	b := h.signedIn("ada", "lovelace-1815")
	h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	h.tells(wiki, "")
	b.flow("/api/v3/flows/executor/default-invalidation-flow/?query=", nil)
	h.until(t, "an empty queue", func() bool { return tries() == -1 })
	h.tells(wiki, heard.URL)
	b = h.signedIn("ada", "lovelace-1815")
	h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	h.api("DELETE", fmt.Sprintf("providers/oauth2/%d/", h.provider(wiki)), nil, 204)
	if n := tries(); n != -1 {
		t.Errorf("logins of a deleted provider: %d", n)
	}
}

// number asks the database for one.
func (h *house) number(query string, args ...any) (n int) {
	h.t.Helper()
	if err := h.s.rooms.store.DB().QueryRow(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// until waits for something that the house does by itself.
func (h *house) until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}
