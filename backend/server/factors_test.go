package server

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"gatehouse/backend/duoapi"
	"gatehouse/backend/duoapi/duotest"
	"gatehouse/backend/outbound"
)

// messages is a gateway for text messages.
type messages struct {
	*httptest.Server
	mu  sync.Mutex
	got []map[string]string
}

func (m *messages) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var in map[string]string
	if err := json.NewDecoder(r.Body).Decode(&in); err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got = append(m.got, in)
	}
}

func (m *messages) last() (code string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.got) == 0 {
		return "", 0
	}
	return m.got[len(m.got)-1]["Body"], len(m.got)
}

// outside is a house that may ask servers of the test.
func outside(t *testing.T) *house {
	data, w := t.TempDir(), &lockedWriter{}
	furnished(t, data)
	o := testOptions(data, true, w)
	o.Config.Outgoing = "127.0.0.1"
	return serveWith(t, o, w)
}

// setUpStage makes a stage with a flow in which people set it up for themselves, and gives its key.
func (h *house) setUpStage(class string, body object) string {
	h.t.Helper()
	body["name"] = "set up " + class
	pk := h.api("POST", "stages/authenticator/"+class+"/", body, 201)["pk"].(string)
	flow := h.api("POST", "flows/instances/", object{"name": class, "slug": "set-up-" + class, "title": class, "designation": "stage_configuration", "authentication": "require_authenticated"}, 201)["pk"]
	h.api("POST", "flows/bindings/", object{"target": flow, "stage": pk, "order": 0}, 201)
	h.api("PATCH", "stages/authenticator/"+class+"/"+pk+"/", object{"configure_flow": flow}, 200)
	return pk
}

// page opens a page of a flow and follows its redirects; where gives the path that it ended at.
func (b *browser) page(path string) (a answer, where string) {
	b.h.t.Helper()
	for range 10 {
		if a = b.get(path); a.status != 302 && a.status != 303 {
			return a, path
		}
		path = a.header.Get("Location")
	}
	b.h.t.Fatal("too many redirects")
	return a, path
}

// press sends the form of a page, and opens what comes next.
func (b *browser) press(page answer, where string, values url.Values) (answer, string) {
	b.h.t.Helper()
	values.Set("csrf", hidden(b.h.t, page.body, "csrf"))
	a := b.form(where, values)
	if a.status == 303 {
		return b.page(a.header.Get("Location"))
	}
	return a, where
}

var otpauth = regexp.MustCompile(`otpauth://totp/[^"]+`)

// shows gives the code of an app at a time.
func shows(t *testing.T, address string, at time.Time) string {
	t.Helper()
	k, err := otp.NewKeyFromURL(address)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(k.Secret(), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

const executor = "/api/v3/flows/executor/default-authentication-flow/?query="

// offered signs ada in up to her second factor and gives what is offered, by class.
func (b *browser) offered() (out object, devices map[string]object) {
	b.h.t.Helper()
	out, devices = b.signIn("", "ada", "lovelace-1815"), map[string]object{}
	if out["component"] != "ak-stage-authenticator-validate" {
		b.h.t.Fatalf("no second factor is asked: %v", out)
	}
	for _, d := range out["device_challenges"].([]any) {
		devices[d.(object)["device_class"].(string)] = d.(object)
	}
	return out, devices
}

func problem(out object, field string) string {
	errs, _ := out["response_errors"].(object)
	list, _ := errs[field].([]any)
	if len(list) == 0 {
		return ""
	}
	return list[0].(object)["string"].(string) + " (" + list[0].(object)["code"].(string) + ")"
}

// Each of the other factors is set up by its owner on the pages, as a browser without scripts does it, and then signs in.
func TestOtherFactors(t *testing.T) {
	t.Parallel()
	h := outside(t)
	h.addUser("ada", "lovelace-1815")
	me := h.signedIn("ada", "lovelace-1815")
	duo, sms := duotest.Start(t), &messages{}
	sms.Server = httptest.NewServer(sms)
	t.Cleanup(sms.Close)
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	h.s.rooms.duo = outbound.New(outbound.Options{Allow: allow, TLS: duo.TLS(), Timeout: duoapi.Longest})

	t.Run("totp", func(t *testing.T) {
		pk := h.setUpStage("totp", object{"digits": "6", "friendly_name": "An app"})
		p, at := me.page("/flows/-/configure/" + pk + "/")
		address := html.UnescapeString(otpauth.FindString(p.body))
		if p.status != 200 || !strings.Contains(p.body, `<svg xmlns="http://www.w3.org/2000/svg"`) || address == "" || strings.Contains(p.body, "ZgotmplZ") || !strings.Contains(p.body, "Gatehouse%3Aada") {
			t.Fatalf("%d %s", p.status, p.body)
		}
		if p, _ := me.press(p, at, url.Values{"code": {"12"}}); !strings.Contains(p.body, "Code does not match") {
			t.Errorf("%s", p.body)
		}
		now := time.Now()
		first := shows(t, address, now)
		if _, where := me.press(p, at, url.Values{"code": {first[:3] + first[3:]}}); where != "/if/user/" && where != "/" {
			t.Fatalf("it ends at %s", where)
		}
		b := h.browser()
		_, devices := b.offered()
		if !same(t, devices, object{"totp": object{"device_class": "totp", "device_uid": "1", "challenge": object{}}}) {
			t.Errorf("%v", devices)
		}
		const wrong = "Invalid Token. Please ensure the time on your device is accurate and try again. (invalid)"
		if got := problem(b.flow(executor, object{"code": first}), "code"); got != wrong {
			t.Errorf("the code of the set-up: %q", got)
		}
		if got := problem(b.flow(executor, object{"code": first}), "code"); !strings.HasPrefix(got, "Too many wrong codes. Wait 1 seconds") {
			t.Errorf("at once again: %q", got)
		}
		time.Sleep(1100 * time.Millisecond)
		second := shows(t, address, now.Add(30*time.Second))
		if out := b.flow(executor, object{"code": second[:3] + " " + second[3:]}); out["type"] != "redirect" {
			t.Fatalf("%v", out)
		}
		other := h.browser()
		other.offered()
		if got := problem(other.flow(executor, object{"code": second}), "code"); got != wrong {
			t.Errorf("a code counts twice: %q", got)
		}
		es := h.api("GET", "events/events/?action=login_failed&ordering=-created", nil, 200)["results"].([]any)
		if c := es[0].(object)["context"].(object); len(es) < 2 || c["device_class"] != "totp" || c["username"] != "ada" || c["stage"] == nil {
			t.Errorf("%v", es)
		}
		h.write(`DELETE FROM totp_devices`)
	})

	t.Run("static", func(t *testing.T) {
		pk := h.setUpStage("static", object{"token_count": 5})
		p, at := me.page("/flows/-/configure/" + pk + "/")
		codes := regexp.MustCompile(`<li><code>([A-Za-z0-9]{12})</code></li>`).FindAllStringSubmatch(p.body, -1)
		if p.status != 200 || len(codes) != 5 || !strings.Contains(p.body, `href="data:text/plain;charset=utf-8,`+codes[0][1]+`%0A`) {
			t.Fatalf("%d %s", p.status, p.body)
		}
		if _, where := me.press(p, at, url.Values{}); where != "/if/user/" && where != "/" {
			t.Fatalf("it ends at %s", where)
		}
		b := h.browser()
		b.offered()
		if out := b.flow(executor, object{"code": codes[1][1]}); out["type"] != "redirect" {
			t.Fatalf("%v", out)
		}
		b = h.browser()
		b.offered()
		if got := problem(b.flow(executor, object{"code": codes[1][1]}), "code"); got == "" {
			t.Error("a code counts twice")
		}
		// Coming back by a recovery asks for the second factor all the same (ASVS 6.4.3), and neither an empty answer nor a senseless one is it.
		h.flowOf("back", "recovery", nil, [2]any{"identification", object{"name": "who", "user_fields": []string{"username"}}}, [2]any{"authenticator/validate", object{"name": "second"}}, [2]any{"dummy", object{"name": "new password"}})
		b = h.browser()
		const back = "/api/v3/flows/executor/back/?query="
		b.flow(back, nil)
		for _, in := range []object{{"uid_field": "ada"}, {}, {"code": "nonsense"}, {"duo": 1}, {"selected_stage": pk}} {
			if out := b.flow(back, in); out["component"] != "ak-stage-authenticator-validate" {
				t.Errorf("%v: %v", in, out)
			}
		}
		h.write(`DELETE FROM static_devices`)
	})

	t.Run("sms", func(t *testing.T) {
		pk := h.setUpStage("sms", object{"provider": "generic", "from_number": "Office", "account_sid": sms.URL + "/send", "auth": "gate", "auth_password": "word"})
		p, at := me.page("/flows/-/configure/" + pk + "/")
		p, at = me.press(p, at, url.Values{"phone_number": {"+49 170 1234567"}})
		code, n := sms.last()
		if n != 1 || !strings.Contains(p.body, "A code was sent to the number that ends in 567.") {
			t.Fatalf("%d messages: %s", n, p.body)
		}
		if _, where := me.press(p, at, url.Values{"code": {code}}); where != "/if/user/" && where != "/" {
			t.Fatalf("it ends at %s", where)
		}
		// The published trace: the choice sends the message, and is an empty response.
		b := h.browser()
		_, devices := b.offered()
		out := b.flow(executor, object{"selected_challenge": devices["sms"]})
		if got := problem(out, "selected_challenge"); !strings.HasPrefix(got, "A message was sent just now. Wait ") {
			t.Errorf("flooding: %q", got)
		}
		h.s.rooms.gateway.Forget()
		out = b.flow(executor, object{"selected_challenge": devices["sms"]})
		code, n = sms.last()
		if got := problem(out, "non_field_errors"); got != "Empty response (invalid)" || n != 2 {
			t.Errorf("%q, %d messages", got, n)
		}
		if out := b.flow(executor, object{"code": code}); out["type"] != "redirect" {
			t.Fatalf("%v", out)
		}
		// The same on the page: nothing is wrong there.
		h.s.rooms.gateway.Forget()
		b = h.browser()
		b.offered()
		where := "/if/flow/default-authentication-flow/"
		p = b.get(where)
		choice := html.UnescapeString(regexp.MustCompile(`name="selected_challenge" value="([^"]+)"`).FindStringSubmatch(p.body)[1])
		p, _ = b.press(p, where, url.Values{"code": {""}, "selected_challenge": {choice}})
		code, n = sms.last()
		if n != 3 || !strings.Contains(p.body, "A code was sent to your phone.") || strings.Contains(p.body, "Empty response") || strings.Contains(p.body, `class="errors"`) {
			t.Fatalf("%d messages: %s", n, p.body)
		}
		if p, _ := b.press(p, where, url.Values{"code": {""}}); !strings.Contains(p.body, "This field may not be blank.") {
			t.Errorf("%s", p.body)
		}
		if _, where := b.press(p, where, url.Values{"code": {code}}); where != "/if/user/" && where != "/" {
			t.Errorf("it ends at %s", where)
		}
		h.write(`DELETE FROM sms_devices`)
	})

	t.Run("duo", func(t *testing.T) {
		pk := h.setUpStage("duo", object{"client_id": duotest.Key, "client_secret": duotest.Secret, "api_hostname": duo.Host, "admin_integration_key": duotest.AdminKey, "admin_secret_key": duotest.AdminSecret})
		status := "/api/v3/stages/authenticator/duo/" + pk + "/enrollment_status/"
		if a := me.do("POST", status, "application/json", "{}"); a.status != 400 {
			t.Errorf("nobody enrols: %d %s", a.status, a.body)
		}
		p, at := me.page("/flows/-/configure/" + pk + "/")
		if p.status != 200 || !strings.Contains(p.body, "<svg") || !strings.Contains(p.body, `href="duo://`) || strings.Contains(p.body, "/frame/qr") {
			t.Fatalf("%d %s", p.status, p.body)
		}
		if a := me.do("POST", status, "application/json", "{}"); a.status != 200 || a.json(t)["duo_response"] != "waiting" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := h.browser().do("POST", status, "application/json", "{}"); a.status != 400 {
			t.Errorf("another browser: %d %s", a.status, a.body)
		}
		duo.Set(func(s *duotest.Server) { s.Status = "success" })
		if _, where := me.press(p, at, url.Values{}); where != "/if/user/" && where != "/" {
			t.Fatalf("it ends at %s", where)
		}
		b := h.browser()
		_, devices := b.offered()
		uid := devices["duo"]["device_uid"]
		duo.Set(func(s *duotest.Server) { s.Answer = func(url.Values) [2]string { return [2]string{"deny", "deny"} } })
		if got := problem(b.flow(executor, object{"duo": uid}), "duo"); got != "Duo denied access (denied)" {
			t.Errorf("%q", got)
		}
		if got := problem(b.flow(executor, object{"duo": 4711}), "duo"); got != "Duo denied access (denied)" || len(duo.Questions()) != 1 {
			t.Errorf("%q", got)
		}
		duo.Set(func(s *duotest.Server) { s.Answer = nil })
		where := "/if/flow/default-authentication-flow/"
		p = b.get(where)
		if _, where := b.press(p, where, url.Values{"duo": {fmt.Sprint(uid)}}); where != "/if/user/" && where != "/" {
			t.Errorf("it ends at %s: %s", where, p.body)
		}
		q := duo.Questions()
		if last := q[len(q)-1]; last.Get("display_username") != "ada" || !strings.Contains(last.Get("pushinfo"), "Domain=") {
			t.Errorf("%v", last)
		}
		h.write(`DELETE FROM duo_devices`)
		duo.Set(func(s *duotest.Server) {
			s.People = []duotest.Person{{ID: "DU7", Name: "ada"}, {ID: "DU8", Name: "stranger"}}
		})
		if out := h.api("POST", "stages/authenticator/duo/"+pk+"/import_devices_automatic/", nil, 200); out["count"] != 1.0 || out["error"] != "" {
			t.Errorf("%v", out)
		}
		h.api("PATCH", "stages/authenticator/duo/"+pk+"/", object{"admin_secret_key": "wrong"}, 200)
		if out := h.api("POST", "stages/authenticator/duo/"+pk+"/import_devices_automatic/", nil, 400); out["count"] != 0.0 || !strings.Contains(out["error"].(string), "Invalid signature") {
			t.Errorf("%v", out)
		}
		h.write(`DELETE FROM duo_devices`)
	})
	if log := h.log.String(); strings.Contains(log, duotest.Secret) || strings.Contains(log, "lovelace-1815") {
		t.Error("a secret is in the log")
	}
}

// A captcha's page opens its policy for the service alone, says what it needs, and lets nobody past unchecked.
func TestCaptchaPage(t *testing.T) {
	t.Parallel()
	h := outside(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"success": %t, "error-codes": ["timeout-or-duplicate"]}`, r.PostFormValue("secret") == "private" && r.PostFormValue("response") == "person")
	}))
	defer s.Close()
	h.flowOf("people", "authentication", nil, [2]any{"captcha", object{"name": "captcha", "public_key": "site-key", "private_key": "private", "js_url": "https://js.hcaptcha.com/1/api.js", "api_url": s.URL}}, [2]any{"dummy", object{"name": "behind it"}})
	b := h.browser()
	const where = "/if/flow/people/"
	p := b.get(where)
	policy := p.header.Get("Content-Security-Policy")
	for _, want := range []string{"script-src 'self' https://js.hcaptcha.com https://hcaptcha.com https://*.hcaptcha.com;", "frame-src https://js.hcaptcha.com https://hcaptcha.com https://*.hcaptcha.com", "default-src 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: %s", want, policy)
		}
	}
	for _, want := range []string{`data-script="https://js.hcaptcha.com/1/api.js"`, `data-key="site-key"`, "<noscript>", "/static/flow/steps."} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(p.body, "private") {
		t.Error("the page has the secret")
	}
	for _, token := range []string{"", "robot"} {
		if p, _ := b.press(p, where, url.Values{"token": {token}}); !strings.Contains(p.body, "The check did not work out. Try it once more.") || strings.Contains(p.body, "timeout-or-duplicate") {
			t.Errorf("%q: %s", token, p.body)
		}
	}
	// Programs get the words of the release.
	const api = "/api/v3/flows/executor/people/?query="
	other := h.browser()
	if out := other.flow(api, nil); out["component"] != "ak-stage-captcha" {
		t.Fatalf("%v", out)
	}
	for token, want := range map[string]string{"": "This field may not be blank.", "robot": "Failed to validate token: timeout-or-duplicate"} {
		if out := other.flow(api, map[string]any{"token": token}); !strings.Contains(fmt.Sprint(out["response_errors"]), want) {
			t.Errorf("%q: %v", token, out)
		}
	}
	p, _ = b.press(p, where, url.Values{"token": {"person"}})
	if p.status != 200 || strings.Contains(p.header.Get("Content-Security-Policy"), "hcaptcha") || strings.Contains(p.body, "data-captcha") {
		t.Errorf("%d %s", p.status, p.body)
	}
	// The script is there under its name.
	name := regexp.MustCompile(`/static/flow/steps\.[0-9a-f]+\.js`).FindString(b.get(where).body + h.browser().get(where).body)
	if a := b.get(name); a.status != 200 || !strings.Contains(a.body, "data-captcha") {
		t.Errorf("%s: %d", name, a.status)
	}
}

// Somebody deletes their own account: they are signed out, and gone; a link on another site does not do it.
func TestAccountIsDeleted(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	h.flowOf("leave", "unenrollment", object{"authentication": "require_authenticated"}, [2]any{"user_delete", object{"name": "delete"}})
	h.api("PATCH", "admin/settings/", object{"gdpr_compliance": false}, 200) // else the events of a person go with them
	b, phone := h.signedIn("ada", "lovelace-1815"), h.signedIn("ada", "lovelace-1815")
	for _, from := range []string{"cross-site", "same-site"} {
		if a := b.get("/api/v3/flows/executor/leave/?query=", "Sec-Fetch-Site", from); !strings.Contains(a.body, "Another site led you here.") {
			t.Errorf("%s: %d %s", from, a.status, a.body)
		}
	}
	// A page asks before it begins, wherever the link came from; a form without the session's word and a "no" begin nothing.
	asks := ""
	for _, from := range []string{"cross-site", "same-origin", "none"} {
		a := b.get("/if/flow/leave/", "Sec-Fetch-Site", from)
		if a.status != 200 || !strings.Contains(a.body, "Delete your account?") || !strings.Contains(a.body, "You are signed in as ada.") {
			t.Fatalf("%s: %d %s", from, a.status, a.body)
		}
		asks = hidden(t, a.body, "csrf")
	}
	for _, v := range []url.Values{{"leave": {"yes"}}, {"csrf": {"x"}, "leave": {"yes"}}, {"csrf": {asks}, "leave": {"no"}}, {"csrf": {asks}}} {
		if a := b.form("/if/flow/leave/", v); a.status != 303 || a.header.Get("Location") != "/if/user/" {
			t.Errorf("%v: %d %s", v, a.status, a.body)
		}
	}
	h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 200)
	if a := b.form("/if/flow/leave/", url.Values{"csrf": {asks}, "leave": {"yes"}}); a.status != 200 || !strings.Contains(a.body, "Your account is deleted") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 404)
	for _, b := range []*browser{b, phone} {
		if a := b.get("/api/v3/core/users/me/"); a.status != 403 {
			t.Errorf("still signed in: %d %s", a.status, a.body)
		}
	}
	es := h.api("GET", "events/events/?action=model_deleted", nil, 200)["results"].([]any)
	if u := es[0].(object)["user"].(object); u["username"] != "ada" {
		t.Errorf("%v", es[0])
	}
	if h.events("logout") != 1 {
		t.Errorf("%d logouts", h.events("logout"))
	}
	last := h.signedIn("akadmin", bootPassword)
	if a := last.form("/if/flow/leave/", url.Values{"csrf": {hidden(t, last.get("/if/flow/leave/").body, "csrf")}, "leave": {"yes"}}); a.status != 403 || !strings.Contains(a.body, "This would leave nobody who can administer Gatehouse.") {
		t.Errorf("the last admin: %d %s", a.status, a.body)
	}
}
