package email_test

import (
	"context"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/mail"
	"gatehouse/backend/mail/mailtest"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/email"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

const (
	model = "authentik_stages_email.emailstage"
	base  = "https://login.office.lan:9443"
)

func room(h *stagetest.House) *mail.Room {
	log := slog.New(slog.DiscardHandler)
	return &mail.Room{
		Store: h.Store, Events: h.Events, Brands: h.Brands, Texts: h.Stage.Texts, Tasks: &task.Room{Store: h.Store, Events: h.Events, Log: log}, Log: log,
		Base: func(context.Context) string { return base }, Via: email.Via(h.Store),
	}
}

func with(m **mail.Room) func(h *stagetest.House) stagetest.Made {
	return func(h *stagetest.House) stagetest.Made {
		*m = room(h)
		return stagetest.Made{
			Stages: []*stage.Kind{email.Kind(email.Deps{Deps: h.Stage, Mail: *m, Tokens: h.Tokens, Events: h.Events, Base: (*m).Base}), asks(h)},
			Kinds:  append((*m).Kinds(), (*m).Tasks.Kinds()...),
		}
	}
}

// asker stands for the stages around: it knows whom the flow is about, and in the end asks for something.
type asker struct {
	stage.Base
	Person int64  `json:"person"`
	Fake   string `json:"fake"`
	Email  string `json:"email"`
}

type nothing struct{}

func (a *asker) Show(t *stage.Turn) stage.Result {
	if a.Email != "" {
		t.Plan.Context["email"] = a.Email
	}
	switch {
	case a.Fake != "":
		t.Plan.SetUser(&user.User{Username: a.Fake})
		return stage.Done()
	case a.Person != 0:
		t.Plan.SetUser(&user.User{PK: a.Person})
		return stage.Done()
	}
	return stage.Ask(&nothing{})
}

func (a *asker) Take(*stage.Turn, *nothing) stage.Result { return stage.Done() }

func asks(h *stagetest.House) *stage.Kind {
	return stage.New[asker, nothing, nothing](h.Stage, kind.Spec{Path: "stages/asker", Model: "gatehouse.askerstage", Schema: "AskerStage", Title: "Asker Stage", Component: "ak-stage-asker-form", About: "Asks."}, stage.Asking{Schema: "AskerChallenge", Component: "ak-stage-asker", Page: `{{define "form"}}{{end}}`}, nil)
}

func fresh(h *stagetest.House) any { return stagetest.New[email.Stage](h) }

func TestStage(t *testing.T) {
	var m *mail.Room
	stagetest.Run(t, stagetest.Subject{With: with(&m), Model: model, Proof: true, Make: func(h *stagetest.House) any {
		m.Fixed = mail.Fixed{Connection: mail.Connection{Host: "127.0.0.1"}, From: map[string]string{"host": "test"}}
		return fresh(h)
	}})
}

// scene is a recovery flow: who, a mail, a last question.
type scene struct {
	*stagetest.House
	mail *mail.Room
	smtp *mailtest.Server
	ada  *user.User
	eml  *email.Stage
	who  *asker
	flow *flow.Flow
}

func set(t *testing.T, change ...func(s *scene)) *scene {
	t.Helper()
	s := &scene{smtp: mailtest.Start(t, mailtest.Options{})}
	s.House = stagetest.Open(t, with(&s.mail))
	s.mail.Fixed = mail.Fixed{
		Connection: mail.Connection{Host: s.smtp.Host, Port: s.smtp.Port, Security: mail.None, Timeout: 5 * time.Second, From: "gatehouse@office.lan"},
		From:       map[string]string{"host": "t", "port": "t", "security": "t", "timeout": "t", "from_address": "t"},
	}
	s.ada = s.User("ada", "")
	s.eml, s.who = stagetest.New[email.Stage](s.House), stagetest.New[asker](s.House)
	s.eml.Global, s.eml.Subject, s.who.Person = true, "Your link", s.ada.PK
	for _, f := range change {
		f(s)
	}
	s.flow = s.Flow("f", flow.Recovery, s.who, s.eml, stagetest.New[asker](s.House))
	return s
}

// mails gives what arrived.
func (s *scene) mails() []mailtest.Mail {
	s.T.Helper()
	if _, err := s.mail.Round(context.Background()); err != nil {
		s.T.Fatal(err)
	}
	return s.smtp.Mails()
}

var linkText = regexp.MustCompile(`https://\S+`)

// link gives what the link in a mail adds to the page's address.
func link(t *testing.T, m mailtest.Mail) string {
	t.Helper()
	at := linkText.FindString(m.Part(t, "text/plain"))
	u, err := url.Parse(at)
	if err != nil || !strings.HasPrefix(at, base+"/if/flow/f/?") || u.Query().Get("flow_token") == "" {
		t.Fatalf("link %q %v", at, err)
	}
	return u.RawQuery
}

func TestLink(t *testing.T) {
	s := set(t)
	b := s.Browser()
	out := b.Get("f", "next=%2Fhere&flow_token=old")
	if stagetest.Component(out) != "ak-stage-email" || stagetest.Wire(out)["response_errors"] != nil {
		t.Fatal(stagetest.Component(out))
	}
	b.Get("f", "next=%2Fhere")
	ms := s.mails()
	if len(ms) != 1 || ms[0].Header("Subject") != "Your link" || ms[0].From != "gatehouse@office.lan" || ms[0].To[0] != "ada@office.lan" {
		t.Fatalf("%d mails", len(ms))
	}
	q := link(t, ms[0])
	if v, _ := url.ParseQuery(q); v.Get("next") != "/here" || len(v["flow_token"]) != 1 {
		t.Errorf("query %s", q)
	}
	// Neither an answer nor another look leads on.
	if out := b.Post("f", "next=%2Fhere", map[string]any{}); stagetest.Problem(out, "non_field_errors") != "email-sent (email-sent)" {
		t.Errorf("posting: %s %s", stagetest.Component(out), stagetest.Problem(out, "non_field_errors"))
	}
	if n := len(s.mails()); n != 2 {
		t.Errorf("%d mails after asking again", n)
	}
	// Another browser goes on where this one was.
	other := s.Browser()
	if out := other.Get("f", q); stagetest.Component(out) != "ak-stage-asker" {
		t.Fatalf("by the link: %s", stagetest.Component(out))
	}
	if out := other.Post("f", "next=%2Fhere", map[string]any{}); out.To != "/here" {
		t.Errorf("the end: %s", stagetest.Component(out))
	}
	// The link works once, and the one of the second mail no more.
	for i, m := range s.mails()[:2] {
		if out := s.Browser().Get("f", link(t, m)); stagetest.Component(out) != "ak-stage-email" {
			t.Errorf("link %d again: %s", i, stagetest.Component(out))
		}
	}
}

func TestPlanIsSealed(t *testing.T) {
	s := set(t)
	s.Browser().Get("f", "")
	ts, err := store.All[token.Token](t.Context(), s.Store, store.Query{})
	if err != nil || len(ts) != 1 {
		t.Fatalf("%d tokens, %v", len(ts), err)
	}
	k := ts[0]
	if strings.Contains(*k.Plan, "pending_user") || !strings.HasPrefix(k.Identifier, "ak-email-stage-") || k.User != s.ada.PK || k.Intent != token.Verification {
		t.Errorf("%+v", k)
	}
	if d := time.Until(*k.Expires); d < 30*time.Minute || d > 31*time.Minute {
		t.Errorf("it ends in %s", d)
	}
}

func TestExpired(t *testing.T) {
	s := set(t)
	s.Browser().Get("f", "")
	q := link(t, s.mails()[0])
	s.Wait(32 * time.Minute)
	if out := s.Browser().Get("f", q); stagetest.Component(out) != "ak-stage-email" {
		t.Errorf("an old link leads to %s", stagetest.Component(out))
	}
}

// A link proves one mailbox of one person.
func TestOthers(t *testing.T) {
	s := set(t)
	s.Browser().Get("f", "")
	q := link(t, s.mails()[0])
	s.ada.Email = "countess@office.lan"
	s.Change(s.ada)
	if out := s.Browser().Get("f", q); stagetest.Component(out) != "ak-stage-email" {
		t.Errorf("the address changed meanwhile: %s", stagetest.Component(out))
	}
	if ms := s.mails(); len(ms) != 2 || ms[1].To[0] != "countess@office.lan" {
		t.Errorf("%d mails", len(ms))
	}
	bob := s.User("bob", "")
	s.Write(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE tokens SET "user" = ?`, bob.PK)
		return err
	})
	if out := s.Browser().Get("f", link(t, s.mails()[1])); stagetest.Component(out) != "ak-stage-email" {
		t.Errorf("a link of another person: %s", stagetest.Component(out))
	}
}

func TestActivates(t *testing.T) {
	for _, on := range []bool{true, false} {
		s := set(t, func(s *scene) {
			s.Superusers(s.User("root", ""))
			s.eml.Activate = on
			s.ada.IsActive = false
			s.Change(s.ada)
		})
		s.Browser().Get("f", "")
		if s.Person(s.ada.PK).IsActive {
			t.Error("active before the link")
		}
		if out := s.Browser().Get("f", link(t, s.mails()[0])); stagetest.Component(out) != "ak-stage-asker" {
			t.Errorf("%s", stagetest.Wire(out))
		}
		if got := s.Person(s.ada.PK).IsActive; got != on {
			t.Errorf("activate %t: %t", on, got)
		}
	}
}

// Who does not exist, and who has no address, look the same and get nothing.
func TestPretends(t *testing.T) {
	for name, change := range map[string]func(s *scene){
		"made up": func(s *scene) { s.who.Person, s.who.Fake = 0, "eve" },
		"no address": func(s *scene) {
			s.ada.Email = ""
			s.Change(s.ada)
		},
		"no address to send to": func(s *scene) { s.who.Email = "ada@office.lan\r\nBcc: eve@evil.lan" },
	} {
		s := set(t, change)
		b := s.Browser()
		if out := b.Get("f", ""); stagetest.Component(out) != "ak-stage-email" {
			t.Errorf("%s: %s", name, stagetest.Component(out))
		}
		for i := range 6 {
			want := "email-sent (email-sent)"
			if i >= 4 {
				want = "Several mails were sent already. Wait some minutes before you ask for another one. (throttled)"
			}
			if got := stagetest.Problem(b.Post("f", "", nil), "non_field_errors"); got != want {
				t.Errorf("%s, %d: %s", name, i, got)
			}
		}
		if n := len(s.mails()); n != 0 {
			t.Errorf("%s: %d mails", name, n)
		}
	}
}

// Neither one flow nor many fill a mailbox.
func TestOften(t *testing.T) {
	s := set(t)
	b := s.Browser()
	b.Get("f", "")
	for i := range 6 {
		want := "email-sent (email-sent)"
		if i >= 4 {
			want = "Several mails were sent already. Wait some minutes before you ask for another one. (throttled)"
		}
		if got := stagetest.Problem(b.Post("f", "", nil), "non_field_errors"); got != want {
			t.Errorf("%d: %s", i, got)
		}
	}
	for range 3 {
		if out := s.Browser().Get("f", ""); stagetest.Component(out) != "ak-stage-email" {
			t.Error(stagetest.Component(out))
		}
	}
	if n := len(s.mails()); n != 5 {
		t.Errorf("%d mails", n)
	}
	s.Wait(16 * time.Minute)
	if got := stagetest.Problem(b.Post("f", "", nil), "non_field_errors"); got != "email-sent (email-sent)" {
		t.Errorf("later: %s", got)
	}
	if n := len(s.mails()); n != 6 {
		t.Errorf("%d mails later", n)
	}
}

func TestRecipient(t *testing.T) {
	s := set(t, func(s *scene) { s.who.Email = "new@office.lan" })
	s.Browser().Get("f", "")
	if ms := s.mails(); len(ms) != 1 || ms[0].To[0] != "new@office.lan" {
		t.Errorf("%d mails", len(ms))
	}
}

func TestOwnServer(t *testing.T) {
	s := set(t)
	own := mailtest.Start(t, mailtest.Options{User: "stage", Pass: "own"})
	s.eml.Global, s.eml.Host, s.eml.Port, s.eml.From, s.eml.Username, s.eml.Password = false, own.Host, int64(own.Port), "stage@office.lan", "stage", "own"
	s.Change(s.eml)
	s.Browser().Get("f", "")
	if n := len(s.mails()); n != 0 {
		t.Errorf("%d mails by the server of the house", n)
	}
	if ms := own.Mails(); len(ms) != 1 || ms[0].From != "stage@office.lan" || ms[0].User != "stage" {
		t.Errorf("%d mails by its own", len(ms))
	}
}

// Without a mail server, or with a template that broke, the flow ends and an admin learns why.
func TestCant(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(s *scene)
		why    string
	}{
		"no server": {func(s *scene) { s.mail.Fixed.Host = "" }, "no mail server is set up"},
		"template": {func(s *scene) {
			s.eml.Template = "gone.html"
			s.Write(func(tx *store.Tx) error {
				_, err := tx.Exec(`UPDATE object SET body = replace(body, 'email/password_reset.html', 'gone.html')`)
				return err
			})
		}, "gone.html"},
	} {
		s := set(t)
		tt.change(s)
		if why, denied := stagetest.Denied(s.Browser().Get("f", "")); !denied || !strings.Contains(why, "no mail can be sent now") {
			t.Errorf("%s: %t %q", name, denied, why)
		}
		es, err := store.All[event.Event](t.Context(), s.Store, store.Query{Where: "o.action = 'configuration_error'"})
		if err != nil || len(es) != 1 || !strings.Contains(es[0].Context["message"].(string), tt.why) {
			t.Errorf("%s: events %v %v", name, es, err)
		}
	}
}

func TestNobody(t *testing.T) {
	s := set(t)
	s.Flow("g", flow.Recovery, s.eml)
	if _, denied := stagetest.Denied(s.SignedIn(s.ada).Get("g", "")); !denied {
		t.Error("a flow that is about nobody sends mails")
	}
}

// A link that an admin made is proof enough; one of any other sort is not.
func TestAdminsLink(t *testing.T) {
	for identifier, want := range map[string]string{"0123-password-reset": "ak-stage-asker", "ak-source-stage-x": "ak-stage-email"} {
		s := set(t)
		p, err := s.Engine.Plan(t.Context(), s.flow, flow.PlanOptions{Pending: s.ada})
		if err != nil {
			t.Fatal(err)
		}
		text, err := stage.Carry(s.Store.Key(), p)
		if err != nil {
			t.Fatal(err)
		}
		k := &token.Token{Identifier: identifier, Intent: token.Verification, User: s.ada.PK, Flow: &s.flow.PK, Plan: &text}
		s.Write(func(tx *store.Tx) error { return s.Tokens.Make(tx, k) })
		if got := stagetest.Component(s.Browser().Get("f", "flow_token="+k.Key)); got != want {
			t.Errorf("%s: %s", identifier, got)
		}
	}
}

func TestSettings(t *testing.T) {
	s := set(t)
	for name, change := range map[string]func(e *email.Stage){
		"template": func(e *email.Stage) { e.Template = "email/setup.html" },
		"port":     func(e *email.Stage) { e.Port = 0 },
		"timeout":  func(e *email.Stage) { e.Timeout = 0 },
		"expiry":   func(e *email.Stage) { e.Expiry = 0 },
		"both":     func(e *email.Stage) { e.TLS, e.SSL = true, true },
		"subject":  func(e *email.Stage) { e.Subject = "a\nBcc: b@c.lan" },
	} {
		e := stagetest.New[email.Stage](s.House)
		e.Name = name
		change(e)
		if err := s.Store.Write(t.Context(), store.House, func(tx *store.Tx) error { return tx.Create(e) }); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
