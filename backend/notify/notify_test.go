package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/mail"
	"gatehouse/backend/mail/mailtest"
	"gatehouse/backend/notify"
	"gatehouse/backend/outbound"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/eventmatcher"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/user"
)

// place is a house in which people are told of events.
type place struct {
	*stagetest.House
	room *notify.Room
	ada  *user.User
	bob  *user.User
	g    *user.Group
}

func open(t *testing.T) *place {
	t.Helper()
	p := &place{}
	p.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		log := slog.New(slog.DiscardHandler)
		tasks := &task.Room{Store: h.Store, Events: h.Events, Log: log}
		base := func(context.Context) string { return "https://login.office.lan" }
		m := &mail.Room{Store: h.Store, Events: h.Events, Brands: h.Brands, Texts: h.Stage.Texts, Tasks: tasks, Log: log, Base: base}
		allow, err := outbound.ParseAllow("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		p.room = &notify.Room{Store: h.Store, Events: h.Events, Policies: h.Policies, Users: h.Users, Brands: h.Brands, Mail: m, Tasks: tasks, Texts: h.Stage.Texts,
			Host: h.Scripts, Client: outbound.New(outbound.Options{Allow: allow}), Base: base, Log: log}
		kinds := append(m.Kinds(), tasks.Kinds()...)
		kinds = append(kinds, eventmatcher.Kind(h.Store))
		return stagetest.Made{Kinds: append(kinds, h.Events.NoticeKinds(event.NoticeDeps{Host: h.Scripts})...)}
	})
	p.ada, p.bob = p.User("ada", ""), p.User("bob", "")
	p.g = stagetest.New[user.Group](p.House)
	p.g.Name = "staff"
	p.Make(p.g)
	for _, u := range []*user.User{p.ada, p.bob} {
		p.Write(func(tx *store.Tx) error { return user.AddToGroup(tx, u.PK, p.g.PK) })
	}
	p.look(t)
	return p
}

func (p *place) look(t *testing.T) {
	t.Helper()
	if err := p.room.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (p *place) transport(name, mode string, change ...func(x *event.Transport)) string {
	x := stagetest.New[event.Transport](p.House)
	x.Name, x.Mode = name, mode
	for _, f := range change {
		f(x)
	}
	p.Make(x)
	return x.PK
}

func (p *place) rule(pol any, transports ...string) *event.Rule {
	r := stagetest.New[event.Rule](p.House)
	r.Name, r.Group, r.Transports = "rule "+transports[0], &p.g.PK, transports
	p.Make(r)
	p.Make(pol)
	pk := pol.(policy.Shared).Policy().PK
	b := stagetest.New[policy.Binding](p.House)
	b.Policy, b.Target = &pk, r.PK
	p.Make(b)
	return r
}

func (p *place) onAction(action string) any {
	m := stagetest.New[eventmatcher.Policy](p.House)
	m.Name, m.Action = "on "+action, &action
	return m
}

func (p *place) emit(t *testing.T, action string, c map[string]any, quiet ...bool) {
	t.Helper()
	a := store.House
	a.Quiet = len(quiet) > 0
	if err := p.Store.Write(t.Context(), a, func(tx *store.Tx) error {
		return p.Events.EmitTx(tx, event.Entry{Action: action, Context: c})
	}); err != nil {
		t.Fatal(err)
	}
}

func (p *place) told(t *testing.T, u *user.User) (bodies []string) {
	t.Helper()
	ns, err := store.All[event.Notification](t.Context(), p.Store, store.Query{Where: `o."user" = ?`, Args: []any{u.PK}})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range ns {
		bodies = append(bodies, n.Body)
	}
	return bodies
}

func want(t *testing.T, what string, got []string, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%s: told %d times, not %d: %q", what, len(got), n, got)
	}
}

func TestRound(t *testing.T) {
	p := open(t)
	p.emit(t, "login", map[string]any{"message": "before there was a rule"})
	p.look(t)
	p.rule(p.onAction("login"), p.transport("local", event.Local))
	p.emit(t, "logout", map[string]any{"message": "another action"})
	p.emit(t, "login", map[string]any{"message": "hello"})
	p.look(t)
	p.look(t)
	if got := p.told(t, p.ada); len(got) != 1 || got[0] != "hello" {
		t.Errorf("%q", got)
	}
	want(t, "bob", p.told(t, p.bob), 1)
	// What telling does itself is told to nobody, and nobody else can say that of an event.
	p.emit(t, "login", map[string]any{"message": "quiet"}, true)
	p.emit(t, "login", map[string]any{"message": "loud", event.QuietMark: true})
	p.look(t)
	if got := p.told(t, p.ada); len(got) != 2 {
		t.Errorf("%q", got)
	}
	// Another process goes on where this one was: nothing twice, nothing lost.
	p.emit(t, "login", map[string]any{"message": "while nobody looked"})
	again := &notify.Room{Store: p.Store, Events: p.Events, Policies: p.Policies, Users: p.Users, Brands: p.Brands, Mail: p.room.Mail, Tasks: p.room.Tasks, Texts: p.room.Texts, Host: p.Scripts, Base: p.room.Base, Log: p.room.Log}
	if err := again.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "after a restart", p.told(t, p.ada), 3)
}

// A policy of a rule that fails raises an event; to put that to the rules would raise the next one.
func TestNoEnd(t *testing.T) {
	p := open(t)
	asked := 0
	e := stagetest.New[expression.Policy](p.House)
	e.Name = "fails"
	e.Expression = p.Scripts.Say(func(context.Context, expr.Vars) (any, error) {
		asked++
		return nil, context.DeadlineExceeded
	})
	p.rule(e, p.transport("local", event.Local))
	p.emit(t, "login", nil)
	for range 4 {
		p.look(t)
	}
	if asked == 0 || asked > 12 {
		t.Errorf("the policy was asked %d times", asked)
	}
	before := asked
	for range 4 {
		p.look(t)
	}
	if asked != before {
		t.Error("there is no end")
	}
}

func TestOnce(t *testing.T) {
	p := open(t)
	p.rule(p.onAction("login"), p.transport("local", event.Local, func(x *event.Transport) { x.SendOnce = true }))
	p.emit(t, "login", nil)
	p.look(t)
	want(t, "ada", p.told(t, p.ada), 1)
	want(t, "bob", p.told(t, p.bob), 0)
}

// A rule without a binding passes for nothing; one without mail server still tells by its other ways.
func TestOtherWays(t *testing.T) {
	p := open(t)
	r := p.rule(p.onAction("login"), p.transport("mail", event.Email), p.transport("local", event.Local))
	p.emit(t, "login", nil)
	p.look(t)
	want(t, "ada", p.told(t, p.ada), 1)
	ts, err := store.All[task.Task](t.Context(), p.Store, store.Query{})
	if err != nil || len(ts) != 1 || ts[0].Name != "notification_transport" || ts[0].Status != task.Failed {
		t.Errorf("%v %v", ts, err)
	}
	p.Write(func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM object WHERE family = 'policybindings'`)
		return err
	})
	p.Change(r)
	p.emit(t, "login", nil)
	p.look(t)
	want(t, "without a binding", p.told(t, p.ada), 1)
}

// A rule without a group tells nobody; who has no address gets no mail, and nothing waits for them.
func TestNobodyToTell(t *testing.T) {
	p := open(t)
	s := mailtest.Start(t, mailtest.Options{})
	p.room.Mail.Fixed = mail.Fixed{
		Connection: mail.Connection{Host: s.Host, Port: s.Port, Security: mail.None, Timeout: 5 * time.Second, From: "gatehouse@office.lan"},
		From:       map[string]string{"host": "t", "port": "t", "security": "t", "timeout": "t", "from_address": "t"},
	}
	p.ada.Email = ""
	p.Change(p.ada)
	p.rule(p.onAction("login"), p.transport("mail", event.Email))
	r := p.rule(p.onAction("logout"), p.transport("local", event.Local))
	r.Group = nil
	p.Change(r)
	p.emit(t, "login", nil)
	p.emit(t, "logout", nil)
	p.look(t)
	if _, err := p.room.Mail.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ms := s.Mails(); len(ms) != 1 || ms[0].To[0] != p.bob.Email {
		t.Errorf("%d mails", len(ms))
	}
	want(t, "without a group", append(p.told(t, p.ada), p.told(t, p.bob)...), 0)
	ts, err := store.All[task.Task](t.Context(), p.Store, store.Query{})
	if err != nil || len(ts) != 0 {
		t.Errorf("%v %v", ts, err)
	}
}

// What Slack takes is bounded: 25 fields, 256 letters of a title and 1,024 of a value.
func TestSlackBounds(t *testing.T) {
	p := open(t)
	got := make(chan []byte, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- b
	}))
	defer s.Close()
	p.rule(p.onAction("login"), p.transport("slack", event.Slack, func(x *event.Transport) { x.WebhookURL, x.SendOnce = s.URL, true }))
	c := map[string]any{strings.Repeat("ä", 300): strings.Repeat("ö", 2000), "nested": map[string]any{"not": "shown"}}
	for i := range 40 {
		c[fmt.Sprint("fact ", i)] = "x"
	}
	p.emit(t, "login", c)
	p.look(t)
	if _, err := p.room.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	var m struct {
		Attachments []struct {
			Title  string
			Fields []struct {
				Title, Value string
				Short        bool
			}
		}
	}
	if err := json.Unmarshal(<-got, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Attachments) != 1 || m.Attachments[0].Title != "login" || len(m.Attachments[0].Fields) != 25 || m.Attachments[0].Fields[0].Title != "Severity" || m.Attachments[0].Fields[1].Title != "Dispatched for user" {
		t.Fatalf("%+v", m)
	}
	for _, f := range m.Attachments[0].Fields {
		if utf8.RuneCountInString(f.Title) > 256 || utf8.RuneCountInString(f.Value) > 1024 {
			t.Errorf("%d letters of a title, %d of a value", utf8.RuneCountInString(f.Title), utf8.RuneCountInString(f.Value))
		}
	}
}

func TestDeliveries(t *testing.T) {
	p := open(t)
	status, asked := 500, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(status)
	}))
	defer s.Close()
	p.rule(p.onAction("login"), p.transport("hook", event.Webhook, func(x *event.Transport) { x.WebhookURL, x.SendOnce = s.URL, true }))
	p.emit(t, "login", nil)
	p.look(t)
	deliver := func() time.Time {
		next, err := p.room.Deliver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	tries := 0
	for next := deliver(); !next.IsZero() && tries < 20; next = deliver() {
		tries++
		p.Wait(next.Sub(p.Now()) + time.Millisecond)
	}
	if asked != 7 {
		t.Errorf("%d tries", asked)
	}
	var state, words string
	if err := p.Store.DB().QueryRow(t.Context(), `SELECT state, words FROM notices`).Scan(&state, &words); err != nil || state != mail.Failed || words == "" {
		t.Errorf("%s %s %v", state, words, err)
	}
	tasks := func() int {
		ts, err := store.All[task.Task](t.Context(), p.Store, store.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return len(ts)
	}
	if tasks() != 1 {
		t.Errorf("%d tasks", tasks())
	}
	status = 204
	p.emit(t, "login", nil)
	p.look(t)
	deliver()
	if tasks() != 0 {
		t.Error("the failure stays though it went well since")
	}
	p.Wait(31 * 24 * time.Hour)
	if n, err := p.room.CleanUp(t.Context()); n != 2 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}
