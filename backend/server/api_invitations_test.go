package server

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// asking makes a flow that asks for an invitation, then for nothing more.
func (h *house) asking(slug string) string {
	h.t.Helper()
	return h.flowOf(slug, "enrollment", nil, [2]any{"invitation/stages", map[string]any{"name": slug + " asks"}}, [2]any{"dummy", map[string]any{"name": slug + " ends here"}})
}

// untilMails waits until the mails of an invitation, the newest first, are as they should be.
func (h *house) untilMails(t *testing.T, path, what string, done func(mails []object) bool) {
	t.Helper()
	var mails []object
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		mails = nil
		for _, m := range h.api("GET", path, nil, 200)["results"].([]any) {
			mails = append(mails, m.(object))
		}
		if done(mails) {
			return
		}
	}
	t.Fatalf("it never came about that %s: %v", what, mails)
}

func TestMailedInvitation(t *testing.T) {
	t.Parallel()
	h, s := mailed(t)
	flow := h.asking("join")
	ends := time.Now().Add(72*time.Hour + time.Minute).UTC()
	i := h.api("POST", "stages/invitation/invitations/", object{"name": "for-bea", "flow": flow, "single_use": true, "expires": ends.Format(time.RFC3339), "fixed_data": object{"name": "Bea <b>"}}, 201)
	pk := i["pk"].(string)
	path := "gatehouse/invitations/" + pk + "/mail/"
	if m := h.api("GET", path, nil, 200); len(m["results"].([]any)) != 0 || m["problem"] != "" {
		t.Errorf("%v", m)
	}
	// The link names the house as it is configured, whatever the caller says.
	body := `{"addresses": ["bea@office.lan", " bob@office.lan ", "BEA@office.lan"], "message": "See you on Monday.\n<script>No</script>"}`
	if a := h.browser().do("POST", "/api/v3/"+path, "application/json", body, "Authorization", "Bearer "+bootToken, "X-Forwarded-Host", "evil.tld"); a.status != 200 || len(a.json(t)["results"].([]any)) != 2 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	got := map[string]string{}
	for _, m := range s.Wait(t, 2) {
		got[strings.Join(m.To, " ")] = m.Part(t, "text/plain")
		if m.Header("Subject") != "Your account at Gatehouse" {
			t.Errorf("%s", m.Raw)
		}
		page := m.Part(t, "text/html")
		for _, want := range []string{"Hello Bea &lt;b&gt;,", "&lt;script&gt;No&lt;/script&gt;", "/if/flow/join/?itoken=" + pk, "It works for about 3 more days, until "} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q: %s", want, page)
			}
		}
	}
	if len(got) != 2 || got["bea@office.lan"] == "" || got["bob@office.lan"] == "" {
		t.Fatalf("%v", got)
	}
	plain := got["bob@office.lan"]
	for _, want := range []string{
		"Hello Bea <b>,", "authentik Default Admin invites you to create an account at Gatehouse.", "See you on Monday.\n<script>No</script>", "The link is for one account only.",
		"It works for about 3 more days, until " + ends.Local().Format("2006-01-02 15:04"),
	} {
		if !strings.Contains(strings.ReplaceAll(plain, "\r\n", "\n"), want) {
			t.Errorf("the mail lacks %q: %s", want, plain)
		}
	}
	at, err := url.Parse(mailLink.FindString(plain))
	if err != nil || at.RequestURI() != "/if/flow/join/?itoken="+pk {
		t.Fatalf("%v %v", at, err)
	}
	h.untilMails(t, path, "they are sent", func(ms []object) bool {
		return !slices.ContainsFunc(ms, func(m object) bool { return m["state"] != "sent" || m["words"] != "The mail server took it." })
	})
	// The audit log tells to whom, and not the link.
	events := h.api("GET", "events/events/?action=email_sent", nil, 200)["results"].([]any)
	if len(events) != 2 {
		t.Errorf("%d events", len(events))
	}
	for _, e := range events {
		if c := fmt.Sprint(e.(object)["context"]); strings.Contains(c, pk) || !strings.Contains(c, "@office.lan") {
			t.Errorf("%s", c)
		}
	}
	// What the server of the mails refuses is told by address, in its words.
	s.Refuse("rcpt", 550, "Nobody of that name here")
	h.api("POST", path, object{"addresses": []string{"nobody@office.lan"}}, 200)
	h.untilMails(t, path, "one is refused", func(ms []object) bool {
		m := ms[0]
		return m["to"] == "nobody@office.lan" && m["state"] == "failed" && strings.Contains(m["words"].(string), "550 5.1.1 Nobody of that name here")
	})
	// One that the server will take later waits.
	s.Refuse("rcpt", 450, "Come back later")
	h.api("POST", path, object{"addresses": []string{"later@office.lan"}}, 200)
	h.untilMails(t, path, "one waits", func(ms []object) bool {
		m := ms[0]
		return m["to"] == "later@office.lan" && m["state"] == "queued" && m["next"] != nil && strings.Contains(m["words"].(string), "Come back later")
	})
	if rs := h.api("GET", path, nil, 200)["results"].([]any); len(rs) != 4 {
		t.Errorf("%d mails", len(rs))
	}
	s.Refuse("", 0, "")

	// Used up by whoever comes first.
	b := h.browser()
	if a := b.get(at.RequestURI()); a.status != 200 || !strings.Contains(a.body, "join ends here") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	const used = `{"detail":"There is no such invitation: it was used up, it ended, or somebody deleted it."}`
	wantAnswer(t, h.as(bootToken, "POST", path, `{"addresses": ["bea@office.lan"]}`), 404, used)
	wantAnswer(t, h.as(bootToken, "GET", path, ""), 404, used)
}

func TestMailingInvitationsRefuses(t *testing.T) {
	t.Parallel()
	h, s := mailed(t)
	flow, other, plain := h.asking("join"), h.asking("other"), h.flowOf("plain", "enrollment", nil, [2]any{"dummy", map[string]any{"name": "a page"}})
	invite := func(more object) string {
		in := object{"name": "some", "expires": time.Now().Add(90 * time.Minute).UTC().Format(time.RFC3339)}
		for k, v := range more {
			in[k] = v
		}
		return "gatehouse/invitations/" + h.api("POST", "stages/invitation/invitations/", in, 201)["pk"].(string) + "/mail/"
	}
	bound, free := invite(object{"flow": flow}), invite(nil)
	over := invite(object{"flow": flow, "expires": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)})
	to := []string{"bea@office.lan"}
	many := []string{}
	for n := range 51 {
		many = append(many, fmt.Sprintf("p%d@office.lan", n))
	}
	for _, tt := range []struct {
		path string
		body object
		want string
	}{
		{bound, object{}, `{"addresses":["This field is required."]}`},
		{bound, object{"addresses": []string{}}, `{"addresses":["Write at least one e-mail address."]}`},
		{bound, object{"addresses": many}, `{"addresses":["These are 51 addresses; 50 at a time is the most."]}`},
		{bound, object{"addresses": []string{"bea@office.lan", "bob at office"}}, `{"addresses":["\"bob at office\" is no e-mail address."]}`},
		{bound, object{"addresses": []string{"a@b.lan\r\nBcc: c@d.lan"}}, `{"addresses":["\"a@b.lan\\r\\nBcc: c@d.lan\" is no e-mail address."]}`},
		{bound, object{"addresses": to, "message": strings.Repeat("a", 2001)}, `{"message":["Ensure this field has no more than 2000 characters."]}`},
		{bound, object{"addresses": to, "flow": other}, `{"flow":["This invitation counts in another flow only."]}`},
		{free, object{"addresses": to}, `{"flow":["This invitation names no flow. Choose where its link leads."]}`},
		{free, object{"addresses": to, "flow": plain}, `{"flow":["This flow asks for no invitation, so the link would lead nowhere."]}`},
		{free, object{"addresses": to, "flow": "00000000-0000-4000-8000-00000000dead"}, `{"flow":["This flow asks for no invitation, so the link would lead nowhere."]}`},
		{over, object{"addresses": to}, `{"non_field_errors":["This invitation has ended, so its link opens nothing. Give it a later end first, or make a new one."]}`},
	} {
		h.refused(t, "POST", tt.path, tt.body, tt.want)
	}
	for _, key := range []string{"00000000-0000-4000-8000-00000000dead", "nonsense"} {
		if a := h.as(bootToken, "POST", "gatehouse/invitations/"+key+"/mail/", `{"addresses": ["bea@office.lan"]}`); a.status != 404 || !strings.Contains(a.body, "There is no such invitation") {
			t.Errorf("%s: %d %s", key, a.status, a.body)
		}
	}
	// Who may: who sees this invitation and may invite people.
	ada := h.addUser("ada", "lovelace-1815")
	key, body := h.tokenOf(ada, "of-ada", "api"), `{"addresses": ["bea@office.lan"]}`
	pk := strings.Split(bound, "/")[2]
	for _, step := range []struct {
		grant     string
		get, post int
	}{
		{"", 403, 403},
		{"authentik_stages_invitation.view_invitation " + strings.Split(free, "/")[2], 403, 403},
		{"authentik_stages_invitation.view_invitation " + pk, 200, 403},
		{"authentik_stages_invitation.add_invitation", 200, 200},
	} {
		if step.grant != "" {
			h.grants(ada, step.grant)
		}
		if a := h.as(key, "GET", bound, ""); a.status != step.get {
			t.Errorf("with %q: %d %s", step.grant, a.status, a.body)
		}
		if a := h.as(key, "POST", bound, body); a.status != step.post {
			t.Errorf("with %q: %d %s", step.grant, a.status, a.body)
		}
	}
	if m := s.Wait(t, 1)[0].Part(t, "text/plain"); !strings.Contains(m, "ada invites you") || !strings.Contains(m, "It works for about 90 more minutes") || !strings.Contains(m, "Hello,") {
		t.Errorf("%s", m)
	}
	// A flow that they may not see is none to them.
	h.grants(ada, "authentik_stages_invitation.view_invitation "+strings.Split(free, "/")[2])
	wantAnswer(t, h.as(key, "POST", free, `{"addresses": ["bea@office.lan"], "flow": "`+other+`"}`), 400, `{"flow":["Invalid pk \"`+other+`\" - object does not exist."]}`)
	h.api("POST", free, object{"addresses": to, "flow": other}, 200)
	if m := s.Wait(t, 2)[1].Part(t, "text/plain"); !strings.Contains(m, "/if/flow/other/?itoken=") {
		t.Errorf("%s", m)
	}
	if a := h.as("", "GET", bound, ""); a.status != 403 {
		t.Errorf("nobody: %d", a.status)
	}
	// Without a mail server whoever asks is told what the mail page says.
	const none = "Gatehouse can't send mails: no mail server is set up. An admin can do that under Settings, Mail."
	h.api("PUT", "gatehouse/mail/", map[string]any{"host": ""}, 200)
	wantAnswer(t, h.as(bootToken, "POST", bound, body), 503, `{"detail":"`+none+`"}`)
	if m := h.api("GET", bound, nil, 200); m["problem"] != none {
		t.Errorf("%v", m)
	}
	if n := len(s.Mails()); n != 2 {
		t.Errorf("%d mails", n)
	}
}
