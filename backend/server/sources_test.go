package server

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// abroad is two houses: the people of the second sign in at the first.
type abroad struct {
	t        *testing.T
	here, at *house
	client   app    // of here, there
	slug     string // of the source
	pk       string
}

// newAbroad connects two houses by OpenID Connect.
func newAbroad(t *testing.T, more map[string]any) *abroad {
	t.Helper()
	at := open(t, true)
	data := t.TempDir()
	furnished(t, data)
	w := &lockedWriter{}
	o := testOptions(data, true, w)
	o.Config.Outgoing = "127.0.0.1"
	a := &abroad{t: t, here: serveWith(t, o, w), at: at, slug: "other-office"}
	a.client = at.addApp("here", map[string]any{"redirect_uris": a.here.base + "/source/oauth/callback/other-office/"})
	h := a.here
	in := map[string]any{
		"name": "The other office", "slug": a.slug, "provider_type": "openidconnect", "consumer_key": a.client.id, "consumer_secret": a.client.secret,
		"oidc_well_known_url": at.base + "/application/o/" + a.client.slug + "/.well-known/openid-configuration",
		"authentication_flow": h.flowNamed("default-source-authentication"), "enrollment_flow": h.flowNamed("default-source-enrollment"),
	}
	for k, v := range more {
		in[k] = v
	}
	a.pk = h.api("POST", "sources/oauth/", in, 201)["pk"].(string)
	return a
}

// visit goes to the other house and gives where the browser comes back to.
func (a *abroad) visit(b, there *browser, login string) string {
	a.t.Helper()
	got := b.get(login)
	to := got.header.Get("Location")
	if got.status != 302 || !strings.HasPrefix(to, a.at.base+"/application/o/authorize/?") {
		a.t.Fatalf("%s: %d %s %s", login, got.status, to, got.body)
	}
	q := there.code(strings.TrimPrefix(to, a.at.base))
	if q.Get("code") == "" {
		a.t.Fatalf("%v", q)
	}
	return "/source/oauth/callback/" + a.slug + "/?" + q.Encode()
}

// TestOAuthSource holds sign-ins with an account elsewhere: new people, known ones, matched ones, connected ones (protocols.md 9.0, 9.2).
func TestOAuthSource(t *testing.T) {
	t.Parallel()
	a := newAbroad(t, nil)
	h := a.here
	a.at.addUser("grace", "hopper-1906")
	grace := a.at.signedIn("grace", "hopper-1906")
	login := "/source/oauth/login/" + a.slug + "/?next=%2Fif%2Fuser%2F"

	// The sign-in page offers it.
	stage := h.api("GET", "stages/identification/?name=default-authentication-identification", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
	h.api("PATCH", "stages/identification/"+stage+"/", map[string]any{"sources": []string{a.pk}}, 200)
	page := h.browser().get("/if/flow/default-authentication-flow/?next=%2Fif%2Fuser%2F")
	if !strings.Contains(page.body, `href="/source/oauth/login/other-office/?next=%2Fif%2Fuser%2F"`) {
		t.Errorf("the page offers no way to the source: %s", page.body)
	}

	// Somebody new.
	b := h.browser()
	got := b.get(a.visit(b, grace, login))
	for range 6 {
		if got.status != 302 || got.header.Get("Location") == "/if/user/" {
			break
		}
		got = b.get(got.header.Get("Location"))
	}
	if got.status != 302 {
		t.Fatalf("enrolment: %d %s", got.status, got.body)
	}
	if me := b.get("/api/v3/core/users/me/").json(t); me["user"] == nil || me["user"].(map[string]any)["username"] != "grace" {
		t.Fatalf("who is signed in: %v", me)
	}
	u := h.api("GET", "core/users/?username=grace", nil, 200)["results"].([]any)[0].(map[string]any)
	if u["email"] != "grace@office.lan" || u["path"] != "goauthentik.io/sources/other-office" || u["type"] != "external" && u["type"] != "internal" {
		t.Errorf("the account: %v", u)
	}
	if e := h.lastEvent("source_linked"); e["user"].(map[string]any)["username"] != "grace" {
		t.Errorf("event: %v", e)
	}
	links := h.api("GET", "sources/user_connections/oauth/", nil, 200)["results"].([]any)
	if len(links) != 1 || links[0].(map[string]any)["user"] != u["pk"] {
		t.Errorf("connections: %v", links)
	}
	// What the source learned of the other side is stored.
	src := h.api("GET", "sources/oauth/"+a.slug+"/", nil, 200)
	if src["authorization_url"] != a.at.base+"/application/o/authorize/" || src["oidc_jwks"].(map[string]any)["keys"] == nil {
		t.Errorf("source: %v", src)
	}

	// Known from now on.
	b = h.browser()
	back := a.visit(b, grace, login)
	got = b.get(back)
	if got.status != 302 || got.header.Get("Location") != "/if/user/" {
		t.Errorf("known: %d %s %s", got.status, got.header.Get("Location"), got.body)
	}
	if again := b.get(back); again.status != 400 || !strings.Contains(again.body, "State check failed.") {
		t.Errorf("the same answer once more: %d", again.status)
	}
	if other := h.browser().get(a.visit(h.browser(), grace, login)); other.status != 400 || !strings.Contains(other.body, "State check failed.") {
		t.Errorf("another browser's answer: %d", other.status)
	}
	b = h.browser()
	a.visit(b, grace, login)
	if bad := b.get("/source/oauth/callback/" + a.slug + "/?error=access_denied&error_description=No.&state=x"); bad.status != 400 {
		t.Errorf("an error with a wrong state: %d", bad.status)
	}
	// The log says what came, in words.
	state := h.api("GET", "gatehouse/sources/oauth/"+a.slug+"/state/", nil, 200)
	said := fmt.Sprint(state["messages"])
	if state["callback_url"] != h.base+"/source/oauth/callback/other-office/" || !strings.Contains(said, "State check failed.") || !strings.Contains(said, "accepted:true") || !strings.Contains(said, "sent:true") {
		t.Errorf("state: %v", state)
	}
	// An account that is switched off does not come in over a source (CVE-2025-53942).
	h.api("PATCH", fmt.Sprintf("core/users/%.0f/", u["pk"].(float64)), map[string]any{"is_active": false}, 200)
	b = h.browser()
	if got := b.get(a.visit(b, grace, login)); got.status != 403 {
		t.Errorf("an account that is switched off: %d", got.status)
	}

	// By address: connected with whom it belongs to, or denied.
	a.at.addUser("ada", "lovelace-1815")
	ada := a.at.signedIn("ada", "lovelace-1815")
	h.addUser("ada", "byron-1815")
	h.api("PATCH", "sources/oauth/"+a.slug+"/", map[string]any{"user_matching_mode": "email_deny"}, 200)
	b = h.browser()
	if got := b.get(a.visit(b, ada, login)); got.status != 403 || !strings.Contains(got.body, "has been denied") {
		t.Errorf("email_deny: %d", got.status)
	}
	h.api("PATCH", "sources/oauth/"+a.slug+"/", map[string]any{"user_matching_mode": "email_link"}, 200)
	b = h.browser()
	if got := b.get(a.visit(b, ada, login)); got.status != 302 || got.header.Get("Location") != "/if/user/" {
		t.Errorf("email_link: %d %s", got.status, got.body)
	}
	if me := b.get("/api/v3/core/users/me/").json(t); me["user"].(map[string]any)["username"] != "ada" {
		t.Errorf("email_link: %v", me)
	}

	// Whoever is signed in connects; an account that is somebody's is not connected again.
	h.addUser("joan", "clarke-1917")
	joan := h.signedIn("joan", "clarke-1917")
	if got := joan.get(a.visit(joan, ada, login)); got.status != 400 || !strings.Contains(got.body, "connected with somebody else") {
		t.Errorf("somebody's account: %d %s", got.status, got.body)
	}
	a.at.addUser("joan", "clarke-1917")
	there := a.at.signedIn("joan", "clarke-1917")
	if got := joan.get(a.visit(joan, there, login)); got.status != 302 || !strings.Contains(got.header.Get("Location"), "settings;page-other-office") {
		t.Errorf("connecting: %d %s", got.status, got.body)
	}
	for what, address := range map[string]string{"unknown": "/source/oauth/login/nothing/", "unknown callback": "/source/oauth/callback/nothing/?state=x&code=y"} {
		if got := h.browser().get(address); got.status != 404 {
			t.Errorf("%s: %d", what, got.status)
		}
	}
	h.api("PATCH", "sources/oauth/"+a.slug+"/", map[string]any{"enabled": false}, 200)
	if got := h.browser().get(login); got.status != 404 {
		t.Errorf("a source that is switched off: %d", got.status)
	}
}

// TestSourceStage holds the stage that has a person sign in elsewhere and goes on (flows.md 2.14), first and as a second factor.
func TestSourceStage(t *testing.T) {
	t.Parallel()
	a := newAbroad(t, map[string]any{"user_matching_mode": "username_link"})
	h := a.here
	for _, name := range []string{"ada", "grace"} {
		h.addUser(name, name+"-here-1815")
		a.at.addUser(name, name+"-there-1906")
	}
	ada, grace := a.at.signedIn("ada", "ada-there-1906"), a.at.signedIn("grace", "grace-there-1906")
	away := h.api("POST", "stages/source/", map[string]any{"name": "away", "source": a.pk, "resume_timeout": "minutes=10"}, 201)["pk"].(string)
	flow := h.flowNamed("default-authentication-flow")
	h.api("POST", "flows/bindings/", map[string]any{"target": flow, "stage": away, "order": 25}, 201)
	const path = "/api/v3/flows/executor/default-authentication-flow/?query=next%3D%252Fif%252Fuser%252F"
	begin := func() (*browser, string) {
		t.Helper()
		b := h.browser()
		b.flow(path, nil)
		b.flow(path, map[string]any{"uid_field": "ada"})
		out := b.flow(path, map[string]any{"password": "ada-here-1815"})
		if out["type"] != "redirect" || !strings.HasPrefix(out["to"].(string), "/source/oauth/login/other-office/") {
			t.Fatalf("the stage: %v", out)
		}
		return b, out["to"].(string)
	}
	who := func(b *browser) any {
		t.Helper()
		got := b.get("/api/v3/core/users/me/")
		if got.status != 200 {
			return nil
		}
		return got.json(t)["user"].(map[string]any)["username"]
	}
	b, to := begin()
	for _, in := range []map[string]any{{}, {"component": "ak-stage-source"}} { // an empty answer leads nowhere (CVE-2026-49443)
		if out := b.flow(path, in); out["type"] != "redirect" || !strings.HasPrefix(out["to"].(string), "/source/oauth/login/") {
			t.Errorf("an answer to the stage: %v", out)
		}
	}
	if got := who(b); got != nil {
		t.Errorf("signed in before the second factor: %v", got)
	}
	got := b.get(a.visit(b, ada, to))
	if got.status != 302 || !strings.HasPrefix(got.header.Get("Location"), "/if/flow/default-authentication-flow/?next=") {
		t.Fatalf("back: %d %s %s", got.status, got.header.Get("Location"), got.body)
	}
	if out := b.flow(path, nil); out["type"] != "redirect" || out["to"] != "/if/user/" {
		t.Errorf("the end: %v", out)
	}
	if got := who(b); got != "ada" {
		t.Errorf("signed in: %v", got)
	}
	if n := len(h.api("GET", "sources/user_connections/oauth/", nil, 200)["results"].([]any)); n != 1 {
		t.Errorf("%d connections", n)
	}
	// Somebody else's account is no second factor.
	b, to = begin()
	if got := b.get(a.visit(b, grace, to)); got.status != 403 {
		t.Errorf("another account: %d %s", got.status, got.body)
	}
	if out := b.flow(path, nil); out["type"] != "redirect" || !strings.HasPrefix(out["to"].(string), "/source/oauth/login/") || who(b) != nil {
		t.Errorf("after another account: %v", out)
	}
	// Too long away: the flow begins anew.
	h.api("PATCH", "stages/source/"+away+"/", map[string]any{"resume_timeout": "seconds=0"}, 200)
	b, to = begin()
	got = b.get(a.visit(b, ada, to))
	if got.status != 302 || who(b) != nil {
		t.Errorf("too late: %d", got.status)
	}
	if out := b.flow(path, nil); out["component"] != "ak-stage-identification" {
		t.Errorf("too late: %v", out)
	}
	if q, err := url.Parse(got.header.Get("Location")); err != nil || q.Path != "/if/flow/default-authentication-flow/" {
		t.Errorf("too late: %s", got.header.Get("Location"))
	}
}
