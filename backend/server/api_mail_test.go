package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/mail/mailtest"
)

// mailed is a house that sends its mails to a server of the test.
func mailed(t *testing.T) (*house, *mailtest.Server) {
	t.Helper()
	h, s := open(t, true), mailtest.Start(t, mailtest.Options{})
	h.api("PUT", "gatehouse/mail/", map[string]any{"host": s.Host, "port": s.Port, "security": "none", "from_address": "Gatehouse <gatehouse@office.lan>"}, 200)
	return h, s
}

// rows gives the first page of a collection.
func (h *house) rows(t *testing.T, token, path string) (out []map[string]any) {
	t.Helper()
	a := h.as(token, "GET", path, "")
	if a.status != 200 {
		t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	for _, r := range a.json(t)["results"].([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}

var mailLink = regexp.MustCompile(`https://login\.office\.lan\S*`)

func TestMailSettings(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	if m := h.api("GET", "gatehouse/mail/", nil, 200); m["configured"] != false || m["port"] != 587. || m["security"] != "starttls" || m["has_password"] != false {
		t.Errorf("at first: %v", m)
	}
	if m := h.api("POST", "gatehouse/mail/test/", map[string]any{}, 200); m["successful"] != false || !strings.Contains(m["message"].(string), "no mail server is set up") {
		t.Errorf("%v", m)
	}
	s := mailtest.Start(t, mailtest.Options{User: "gate", Pass: "house-secret"})
	set := map[string]any{"host": s.Host, "port": s.Port, "security": "none", "username": "gate", "password": "wrong-secret", "from_address": "gatehouse@office.lan"}
	m := h.api("PUT", "gatehouse/mail/", set, 200)
	if m["configured"] != true || m["has_password"] != true || m["password"] != nil {
		t.Errorf("%v", m)
	}
	if m := h.api("POST", "gatehouse/mail/test/", map[string]any{}, 200); m["successful"] != false || !strings.Contains(m["message"].(string), "535 5.7.8 Wrong name or password, says the test") {
		t.Errorf("%v", m)
	}
	set["password"] = "house-secret"
	h.api("PUT", "gatehouse/mail/", set, 200)
	delete(set, "password") // stays
	h.api("PUT", "gatehouse/mail/", set, 200)
	if m := h.api("POST", "gatehouse/mail/test/", map[string]any{"to": "ada@office.lan"}, 200); m["successful"] != true || m["to"] != "ada@office.lan" {
		t.Errorf("%v", m)
	}
	if ms := s.Mails(); len(ms) != 1 || ms[0].To[0] != "ada@office.lan" || ms[0].User != "gate" || ms[0].Header("Subject") != "Gatehouse can send mails" {
		t.Errorf("%v", ms)
	}
	if n := h.events("email_sent"); n != 1 {
		t.Errorf("%d events", n)
	}
	for name, tt := range map[string]struct {
		change map[string]any
		field  string
	}{
		"another server keeps no password": {map[string]any{"host": "evil.lan"}, "password"},
		"host":                             {map[string]any{"host": "mail.lan:25/x"}, "host"},
		"sender":                           {map[string]any{"from_address": "a@b.lan\r\nBcc: c@d.lan"}, "from_address"},
		"no sender":                        {map[string]any{"from_address": ""}, "from_address"},
		"security":                         {map[string]any{"security": "some"}, "security"},
		"port":                             {map[string]any{"port": 70000}, "port"},
		"timeout":                          {map[string]any{"timeout": 0}, "timeout"},
	} {
		in := map[string]any{}
		for k, v := range set {
			in[k] = v
		}
		for k, v := range tt.change {
			in[k] = v
		}
		b, _ := json.Marshal(in)
		if a := h.as(bootToken, "PUT", "gatehouse/mail/", string(b)); a.status != 400 || !strings.Contains(a.body, `"`+tt.field+`"`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := h.as(bootToken, "POST", "gatehouse/mail/test/", `{"to": "nobody"}`); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.api("GET", "admin/settings/", nil, 200); a["host"] != nil || a["email"] != nil {
		t.Error("the published settings have more than what is published")
	}
	ada := h.addUser("ada", "lovelace-1815")
	token := h.tokenOf(ada, "ada-api", "api")
	for _, op := range [][3]string{{"GET", "gatehouse/mail/", ""}, {"PUT", "gatehouse/mail/", "{}"}, {"POST", "gatehouse/mail/test/", "{}"}, {"GET", "gatehouse/mail/log/", ""}, {"GET", "gatehouse/notifications/log/", ""}} {
		if a := h.as(token, op[0], op[1], op[2]); a.status != 403 {
			t.Errorf("%s %s: %d", op[0], op[1], a.status)
		}
	}
	h.grants(ada, "authentik_rbac.view_system_settings")
	if a := h.as(token, "GET", "gatehouse/mail/", ""); a.status != 200 || strings.Contains(a.body, "house-secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.as(token, "POST", "gatehouse/mail/test/", "{}"); a.status != 403 {
		t.Errorf("%d", a.status)
	}
	var stored string
	if err := h.s.db.QueryRow(t.Context(), `SELECT group_concat(body) FROM object`).Scan(&stored); err != nil || strings.Contains(stored, "house-secret") {
		t.Errorf("the password is kept in the clear: %v", err)
	}
}

// What the start-up settings say counts, and the window is told that it does.
func TestMailFromEnvironment(t *testing.T) {
	t.Parallel()
	w := &lockedWriter{}
	o := testOptions(t.TempDir(), true, w)
	o.Config.Email.Host, o.Config.Email.SSL = "mail.office.lan", true
	o.Config.Sources = map[string]string{"email.host": "AUTHENTIK_EMAIL__HOST", "email.use_ssl": "AUTHENTIK_EMAIL__USE_SSL"}
	h := serveWith(t, o, w)
	m := h.api("GET", "gatehouse/mail/", nil, 200)
	if m["host"] != "mail.office.lan" || m["security"] != "tls" || fmt.Sprint(m["fixed"]) != "map[host:AUTHENTIK_EMAIL__HOST security:AUTHENTIK_EMAIL__USE_SSL]" {
		t.Errorf("%v", m)
	}
	if a := h.as(bootToken, "PUT", "gatehouse/mail/", `{"host": "other.lan", "security": "tls", "from_address": "a@b.lan"}`); a.status != 400 || !strings.Contains(a.body, "AUTHENTIK_EMAIL__HOST") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if m := h.api("PUT", "gatehouse/mail/", map[string]any{"host": "mail.office.lan", "security": "tls", "from_address": "a@b.lan"}, 200); m["from_address"] != "a@b.lan" {
		t.Errorf("%v", m)
	}
}

func TestRecoveryMail(t *testing.T) {
	t.Parallel()
	h, s := mailed(t)
	ada := h.addUser("ada", "lovelace-1815")
	st := h.api("POST", "stages/email/", map[string]any{"name": "mail", "use_global_settings": true, "subject": "Back in", "activate_user_on_success": true}, 201)
	stagePK := st["pk"].(string)
	path := fmt.Sprintf("core/users/%d/recovery_email/?email_stage=", ada)
	h.refused(t, "POST", path+stagePK, nil, `{"non_field_errors":["No recovery flow set."]}`)
	h.refused(t, "POST", path+"00000000-0000-4000-8000-00000000dead", nil, `{"non_field_errors":["Email stage does not exist."]}`)
	recover := h.flowOf("recover", "recovery", nil, [2]any{"dummy", map[string]any{"name": "the end"}})
	h.api("POST", "flows/bindings/", map[string]any{"target": recover, "stage": stagePK, "order": -1}, 201)
	brands := h.rows(t, bootToken, "core/brands/")
	h.api("PATCH", fmt.Sprintf("core/brands/%s/", brands[0]["brand_uuid"]), map[string]any{"flow_recovery": recover}, 200)

	none := h.api("POST", "core/users/", map[string]any{"username": "none", "name": "none"}, 201)
	h.refused(t, "POST", fmt.Sprintf("core/users/%v/recovery_email/?email_stage=%s", none["pk"], stagePK), nil, `{"non_field_errors":["User does not have an email address set."]}`)
	// The link names the house as it is configured, whatever the caller says.
	if a := h.browser().do("POST", "/api/v3/"+path+stagePK, "", "", "Authorization", "Bearer "+bootToken, "X-Forwarded-Host", "evil.tld"); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	m := s.Wait(t, 1)[0]
	if m.Header("Subject") != "Back in" || m.To[0] != "ada@office.lan" {
		t.Errorf("%s", m.Raw)
	}
	at, err := url.Parse(mailLink.FindString(m.Part(t, "text/plain")))
	if err != nil || at.Path != "/if/flow/recover/" || at.Query().Get("flow_token") == "" {
		t.Fatalf("%v %v\n%s", at, err, m.Part(t, "text/plain"))
	}
	// A program that looks at the link does not use it up.
	b := h.browser()
	for range 2 {
		if a := b.get(at.RequestURI()); a.status != 200 || !strings.Contains(a.body, "open_link") || strings.Contains(a.body, "ada") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a := b.do("HEAD", at.RequestURI(), "", ""); a.status != 200 {
		t.Errorf("HEAD %d", a.status)
	}
	a := b.form(at.RequestURI(), url.Values{"open_link": {"yes"}})
	if a.status != 303 || a.header.Get("Location") != "/if/flow/recover/" {
		t.Fatalf("%d %s %s", a.status, a.header.Get("Location"), a.body)
	}
	if a := b.get("/if/flow/recover/"); !strings.Contains(a.body, "the end") {
		t.Errorf("by the link: %d %s", a.status, a.body)
	}
	// And it works once.
	a = h.browser().form(at.RequestURI(), url.Values{"open_link": {"yes"}})
	if a.status == 303 {
		t.Logf("again: %s", a.header.Get("Location"))
	}
	if strings.Contains(a.body, "the end") {
		t.Error("the link works twice")
	}
	if n := h.events("email_sent"); n != 1 {
		t.Errorf("%d events", n)
	}
	log := h.api("GET", "gatehouse/mail/log/?limit=1", nil, 200)
	if rs := log["results"].([]any); len(rs) != 1 || rs[0].(map[string]any)["state"] != "sent" || rs[0].(map[string]any)["to"] != "ada@office.lan" || log["more"] != false {
		t.Errorf("%v", log)
	}
	for _, q := range []string{"state=lost", "limit=0", "limit=x", "before=1"} {
		if a := h.as(bootToken, "GET", "gatehouse/mail/log/?"+q, ""); a.status != 400 {
			t.Errorf("%s: %d", q, a.status)
		}
	}
	// Without a mail server the caller is told.
	h.api("PUT", "gatehouse/mail/", map[string]any{"host": ""}, 200)
	h.refused(t, "POST", path+stagePK, nil, `{"non_field_errors":["Gatehouse can't send mails: no mail server is set up. An admin can do that under Settings, Mail."]}`)
}

// receiver is a server that takes webhooks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []map[string]any
	status int
}

func receive(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		var m map[string]any
		if err := json.NewDecoder(req.Body).Decode(&m); err != nil || req.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v %s", err, req.Header)
		}
		r.got = append(r.got, m)
		w.WriteHeader(r.status)
		fmt.Fprint(w, "thanks")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) wait(t *testing.T, n int) []map[string]any {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		got := r.got
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
	}
	t.Fatalf("%d webhooks came, not %d", len(r.got), n)
	return nil
}

// telling is a house in which events go to a receiver and by mail.
func telling(t *testing.T) (*house, *mailtest.Server, *receiver) {
	t.Helper()
	w := &lockedWriter{}
	o := testOptions(t.TempDir(), true, w)
	o.Config.Outgoing = "127.0.0.1"
	h, s, r := serveWith(t, o, w), mailtest.Start(t, mailtest.Options{}), receive(t)
	h.api("PUT", "gatehouse/mail/", map[string]any{"host": s.Host, "port": s.Port, "security": "none", "from_address": "gatehouse@office.lan"}, 200)
	return h, s, r
}

func (h *house) transport(name string, more map[string]any) string {
	h.t.Helper()
	in := map[string]any{"name": name}
	for k, v := range more {
		in[k] = v
	}
	return h.api("POST", "events/transports/", in, 201)["pk"].(string)
}

// rule makes a rule of events of one action.
func (h *house) rule(name, action, group string, transports ...string) string {
	h.t.Helper()
	rule := h.api("POST", "events/rules/", map[string]any{"name": name, "severity": "warning", "group": group, "transports": transports}, 201)["pk"].(string)
	p := h.api("POST", "policies/event_matcher/", map[string]any{"name": name, "action": action}, 201)["pk"].(string)
	h.api("POST", "policies/bindings/", map[string]any{"policy": p, "target": rule, "order": 0}, 201)
	return rule
}

func TestPeopleAreTold(t *testing.T) {
	t.Parallel()
	h, s, r := telling(t)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	off := h.addUser("off", "switched-off-1")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", off), map[string]any{"is_active": false}, 200)
	tokens := map[int]string{ada: h.tokenOf(ada, "ada-api", "api"), bob: h.tokenOf(bob, "bob-api", "api")}
	staff := h.api("POST", "core/groups/", map[string]any{"name": "Staff", "users": []int{ada, bob, off}}, 201)["pk"].(string)
	local, mail := h.transport("local", map[string]any{"mode": "local"}), h.transport("mail", map[string]any{"mode": "email"})
	hook := h.transport("hook", map[string]any{"mode": "webhook", "webhook_url": r.URL, "send_once": true})
	mapping := h.api("POST", "propertymappings/notification/", map[string]any{"name": "text", "expression": `return {"text": notification.body, "who": user.username, "what": notification.event.action, "as": request.user.username}`}, 201)["pk"]
	mapped := h.transport("mapped", map[string]any{"mode": "webhook", "webhook_url": r.URL + "/mapped", "webhook_mapping": mapping, "send_once": true})
	slack := h.transport("slack", map[string]any{"mode": "webhook_slack", "webhook_url": r.URL + "/slack", "send_once": true})
	if err := h.s.rooms.notify.Round(context.Background()); err != nil { // what happened so far is looked at without rules
		t.Fatal(err)
	}
	h.rule("told", "secret_view", staff, local, mail, hook, mapped, slack)
	h.rule("nobody", "email_sent", staff, mail) // would tell of its own mails for ever
	h.rule("not this", "login_failed", staff, local)

	certs := h.rows(t, bootToken, "crypto/certificatekeypairs/")
	h.api("GET", fmt.Sprintf("crypto/certificatekeypairs/%s/view_private_key/", certs[0]["pk"]), nil, 200)

	byKey := map[string]map[string]any{}
	for _, m := range r.wait(t, 3) {
		switch {
		case m["attachments"] != nil:
			byKey["slack"] = m
		case m["text"] != nil:
			byKey["mapped"] = m
		default:
			byKey["hook"] = m
		}
	}
	if m := byKey["hook"]; m["severity"] != "warning" || m["user_username"] != "ada" || m["user_email"] != "ada@office.lan" || m["event_user_username"] != "akadmin" || !strings.HasPrefix(m["body"].(string), "secret_view: {") {
		t.Errorf("hook: %v", m)
	}
	if m := byKey["mapped"]; m["who"] != "ada" || m["what"] != "secret_view" || m["as"] != "ada" {
		t.Errorf("mapped: %v", m)
	}
	if m := byKey["slack"]; m == nil || m["username"] != "Gatehouse" {
		t.Errorf("slack: %v", m)
	} else if a := m["attachments"].([]any)[0].(map[string]any); a["title"] != "secret_view" || a["color"] != "#fd4b2d" || fmt.Sprint(a["fields"].([]any)[0]) != "map[short:true title:Severity value:warning]" {
		t.Errorf("slack: %v", a)
	}
	ms := s.Wait(t, 2)
	to := ms[0].To[0] + " " + ms[1].To[0]
	if to != "ada@office.lan bob@office.lan" && to != "bob@office.lan ada@office.lan" || ms[0].Header("Subject") != "Gatehouse notification: secret_view" {
		t.Errorf("%s %s", to, ms[0].Header("Subject"))
	}
	for _, pk := range []int{ada, bob} {
		ns := h.rows(t, tokens[pk], "events/notifications/")
		if len(ns) != 1 || ns[0]["severity"] != "warning" || ns[0]["event"].(map[string]any)["action"] != "secret_view" {
			t.Errorf("notifications of %d: %v", pk, ns)
		}
	}
	// The mails that told of the event raised events of their own, which nobody is told of.
	time.Sleep(3 * 200 * time.Millisecond)
	if err := h.s.rooms.notify.Round(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := h.s.rooms.mail.Round(context.Background()); err != nil {
		t.Error(err)
	}
	if n := len(s.Mails()); n != 2 {
		t.Errorf("%d mails", n)
	}
	log := h.api("GET", "gatehouse/notifications/log/?transport="+hook, nil, 200)["results"].([]any)
	if len(log) != 1 || log[0].(map[string]any)["state"] != "sent" || log[0].(map[string]any)["words"] != "200 thanks" || log[0].(map[string]any)["user"] != "ada" {
		t.Errorf("%v", log)
	}
	// A server that refuses is asked again, and the transport's failure becomes a system task in the end.
	r.set(503)
	h.api("GET", fmt.Sprintf("crypto/certificatekeypairs/%s/view_private_key/", certs[0]["pk"]), nil, 200)
	r.wait(t, 6)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		log = h.api("GET", "gatehouse/notifications/log/?limit=1&transport="+hook, nil, 200)["results"].([]any)
		if l := log[0].(map[string]any); l["state"] == "queued" && l["tries"] == 1. {
			if l["next"] == nil || !strings.Contains(l["words"].(string), "503") {
				t.Errorf("%v", l)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v", log)
		}
	}
	h.write(`UPDATE notices SET tries = 6, due = 0 WHERE state = 'queued'`)
	if _, err := h.s.rooms.notify.Deliver(context.Background()); err != nil {
		t.Error(err)
	}
	tasks := h.rows(t, bootToken, "events/system_tasks/?name=notification_transport&uid="+hook)
	if len(tasks) != 1 || tasks[0]["status"] != "error" {
		t.Errorf("%v", tasks)
	}
}

func TestTransportTests(t *testing.T) {
	t.Parallel()
	h, s, r := telling(t)
	for name, tt := range map[string]struct {
		more map[string]any
		says string
	}{
		"local":         {map[string]any{"mode": "local"}, `{"messages":[]}`},
		"webhook":       {map[string]any{"mode": "webhook", "webhook_url": r.URL}, `{"messages":["200","thanks"]}`},
		"webhook_slack": {map[string]any{"mode": "webhook_slack", "webhook_url": r.URL}, `{"messages":["200","thanks"]}`},
		"email":         {map[string]any{"mode": "email"}, `{"messages":["The mail server took the mail to root@office.lan."]}`},
	} {
		pk := h.transport(name, tt.more)
		if a := h.as(bootToken, "POST", "events/transports/"+pk+"/test/", ""); a.status != 200 || strings.TrimSpace(a.body) != tt.says {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if m := s.Wait(t, 1)[0]; m.To[0] != "root@office.lan" || !strings.Contains(m.Part(t, "text/plain"), "Test notification by the transport email") {
		t.Errorf("%s", m.Raw)
	}
	s.Refuse("rcpt", 550, "No such person here")
	email := h.transport("email refused", map[string]any{"mode": "email"})
	if a := h.as(bootToken, "POST", "events/transports/"+email+"/test/", ""); a.status != 500 || !strings.Contains(a.body, "No such person here") {
		t.Errorf("%d %s", a.status, a.body)
	}
	// Cases of SSRF: what belongs to this machine alone is not asked.
	for _, at := range []string{"http://127.0.0.2:9", "http://169.254.169.254/latest/meta-data", "http://[::1]:9/", "http://0.0.0.0:9/"} {
		pk := h.transport("to "+at, map[string]any{"mode": "webhook", "webhook_url": at})
		if a := h.as(bootToken, "POST", "events/transports/"+pk+"/test/", ""); a.status != 500 || !strings.Contains(a.body, "outgoing.allow") {
			t.Errorf("%s: %d %s", at, a.status, a.body)
		}
	}
}

// A fresh house has the published transports and rules.
func TestNotificationDefaults(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ts := map[string]any{}
	for _, x := range h.rows(t, bootToken, "events/transports/") {
		ts[x["name"].(string)] = x["mode"]
	}
	if fmt.Sprint(ts) != "map[default-email-transport:email default-local-transport:local]" {
		t.Errorf("%v", ts)
	}
	group := h.rows(t, bootToken, "core/groups/?name=authentik%20Admins")[0]["pk"]
	rules := h.rows(t, bootToken, "events/rules/")
	if len(rules) != 3 {
		t.Errorf("%d rules", len(rules))
	}
	for _, r := range rules {
		if r["severity"] != "alert" || r["group"] != group || len(r["transports"].([]any)) != 2 {
			t.Errorf("%v", r)
		}
	}
	// The admins learn of settings that don't work, also without a mail server.
	if err := h.s.rooms.events.Emit(context.Background(), "configuration_error", map[string]any{"message": "This does not work."}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ns := h.rows(t, bootToken, "events/notifications/")
		if len(ns) == 1 && ns[0]["body"] == "This does not work." {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v", ns)
		}
	}
}
