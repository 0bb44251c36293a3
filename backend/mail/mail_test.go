package mail_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/mail"
	"gatehouse/backend/mail/mailtest"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/text"
)

const base = "https://login.office.lan:9443"

// post is a house with a mail room.
type post struct {
	*stagetest.House
	*mail.Room
}

func open(t *testing.T) *post {
	t.Helper()
	p := &post{}
	texts, err := text.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		log := slog.New(slog.DiscardHandler)
		p.Room = &mail.Room{
			Store: h.Store, Events: h.Events, Brands: h.Brands, Texts: texts, Tasks: &task.Room{Store: h.Store, Events: h.Events, Log: log}, Log: log,
			Dir: filepath.Join(t.TempDir(), "templates"), Base: func(context.Context) string { return base },
		}
		return stagetest.Made{Kinds: append(p.Room.Kinds(), p.Room.Tasks.Kinds()...)}
	})
	p.Room.Store = p.House.Store
	return p
}

// to has the house send by a server.
func (p *post) to(s *mailtest.Server, change ...func(f *mail.Fixed)) {
	p.Fixed = mail.Fixed{Connection: mail.Connection{Host: s.Host, Port: s.Port, Security: mail.None, Timeout: 5 * time.Second, From: "Gatehouse <gatehouse@office.lan>"},
		From: map[string]string{"host": "test", "port": "test", "security": "test", "timeout": "test", "from_address": "test", "username": "test", "password": "test"}}
	p.Room.TLS = &tls.Config{RootCAs: s.Pool, MinVersion: tls.VersionTLS12}
	for _, f := range change {
		f(&p.Fixed)
	}
}

func reset(to ...mail.Address) mail.Draft {
	if len(to) == 0 {
		to = []mail.Address{{Name: "Ada Lovelace", Email: "ada@office.lan"}}
	}
	return mail.Draft{To: to, Subject: "Your password", Template: mail.PasswordReset, Secrets: []string{"K3Y"}, Vars: map[string]any{
		"url": base + "/if/flow/r/?a=1&flow_token=K3Y", "expires": time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), "user": map[string]any{"name": "Ada <b>", "username": "ada"},
	}}
}

func (p *post) queue(t *testing.T, d mail.Draft, actor ...store.Actor) {
	t.Helper()
	l, err := p.Compose(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	a := store.House
	if len(actor) > 0 {
		a = actor[0]
	}
	if err := p.House.Store.Write(t.Context(), a, func(tx *store.Tx) error { return p.Queue(tx, l) }); err != nil {
		t.Fatal(err)
	}
}

func (p *post) round(t *testing.T) time.Time {
	t.Helper()
	next, err := p.Round(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// row is what the log keeps of the only mail.
type row struct {
	state, words, letter string
	tries                int
}

func (p *post) row(t *testing.T) (r row) {
	t.Helper()
	if err := p.House.Store.DB().QueryRow(t.Context(), `SELECT state, words, letter, tries FROM mails ORDER BY pk DESC LIMIT 1`).Scan(&r.state, &r.words, &r.letter, &r.tries); err != nil {
		t.Fatal(err)
	}
	return r
}

func (p *post) events(t *testing.T, action string) []*event.Event {
	t.Helper()
	es, err := store.All[event.Event](t.Context(), p.House.Store, store.Query{Where: "o.action = ?", Args: []any{action}})
	if err != nil {
		t.Fatal(err)
	}
	return es
}

func TestSent(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	p.queue(t, reset(mail.Address{Name: "Ada Löve\r\nBcc: eve@evil.lan", Email: "ada@office.lan"}))
	if r := p.row(t); r.state != mail.Queued || strings.Contains(r.letter, "K3Y") || r.letter == "" {
		t.Errorf("before: %+v", r)
	}
	if next := p.round(t); !next.IsZero() {
		t.Errorf("something waits until %s", next)
	}
	m := s.Wait(t, 1)[0]
	if m.From != "gatehouse@office.lan" || len(m.To) != 1 || m.To[0] != "ada@office.lan" {
		t.Errorf("from %s to %s", m.From, m.To)
	}
	if got := mailtest.Word(m.Header("To")); got != `"Ada Löve  Bcc: eve@evil.lan" <ada@office.lan>` && got != `Ada Löve  Bcc: eve@evil.lan <ada@office.lan>` {
		t.Errorf("to %q", got)
	}
	if m.Header("Bcc") != "" || m.Header("Subject") != "Your password" || !strings.HasSuffix(m.Header("Message-ID"), "@login.office.lan>") || m.Header("Auto-Submitted") == "" || m.Header("Date") == "" {
		t.Errorf("headers:\n%.600s", m.Raw)
	}
	html, plain := m.Part(t, "text/html"), m.Part(t, "text/plain")
	if !strings.Contains(html, "a=1&amp;flow_token=K3Y") || !strings.Contains(html, "Ada &lt;b&gt;") || strings.Contains(html, "<b>") {
		t.Errorf("html:\n%s", html)
	}
	if !strings.Contains(plain, base+"/if/flow/r/?a=1&flow_token=K3Y") || !strings.Contains(plain, "Ada <b>") {
		t.Errorf("plain:\n%s", plain)
	}
	logo := false
	for _, part := range m.Parts(t) {
		logo = logo || part.ID == "logo.png" && part.Type == "image/png" && strings.HasPrefix(part.Disposition, "inline") && strings.HasPrefix(part.Body, "\x89PNG")
	}
	if !logo || !strings.Contains(html, "cid:logo.png") {
		t.Error("no logo in the mail")
	}
	if r := p.row(t); r.state != mail.Sent || r.letter != "" || r.tries != 1 {
		t.Errorf("after: %+v", r)
	}
	es := p.events(t, "email_sent")
	if len(es) != 1 {
		t.Fatalf("%d events", len(es))
	}
	c := es[0].Context
	if c["message"] != "Email to ada@office.lan sent" || c["subject"] != "Your password" || c["from_email"] != "Gatehouse <gatehouse@office.lan>" || c[event.QuietMark] != nil {
		t.Errorf("event %v", c)
	}
	if body := c["body"].(string); strings.Contains(body, "K3Y") || !strings.Contains(body, "flow_token="+event.Mask) {
		t.Error("the audit log holds a link that works")
	}
	p.round(t)
	if n := len(s.Mails()); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

// What tells people of an event makes no event that tells people.
func TestQuiet(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	quiet := store.House
	quiet.Quiet = true
	p.queue(t, reset(), quiet)
	p.round(t)
	if es := p.events(t, "email_sent"); len(es) != 1 || es[0].Context[event.QuietMark] != true {
		t.Errorf("%d events", len(es))
	}
}

func TestAgain(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	s.Refuse("rcpt", 450, "Mailbox is busy")
	p.queue(t, reset())
	next := p.round(t)
	r := p.row(t)
	if r.state != mail.Queued || r.tries != 1 || !strings.Contains(r.words, "450") || !strings.Contains(r.words, "Mailbox is busy") {
		t.Errorf("%+v", r)
	}
	if wait := next.Sub(p.Now()); wait < 50*time.Second || wait > time.Minute {
		t.Errorf("it is tried again after %s", wait)
	}
	p.round(t)
	if p.row(t).tries != 1 {
		t.Error("it was tried before its time")
	}
	s.Refuse("rcpt", 0, "")
	p.Wait(2 * time.Minute)
	p.round(t)
	if r := p.row(t); r.state != mail.Sent || r.tries != 2 || len(s.Mails()) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestGivenUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse func(s *mailtest.Server)
		until  time.Duration
		words  string
		tries  int
	}{
		{"refused for good", func(s *mailtest.Server) { s.Refuse("rcpt", 550, "No such person here") }, 0, "says: 550 5.1.1 No such person here", 1},
		{"too long", func(s *mailtest.Server) { s.Refuse("data", 451, "Not now") }, 0, "Not now", 8},
		{"too old", func(s *mailtest.Server) { s.Refuse("mail", 421, "Not now") }, 10 * time.Minute, "too old", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, s := open(t), mailtest.Start(t, mailtest.Options{})
			p.to(s)
			tt.refuse(s)
			d := reset()
			if tt.until > 0 {
				d.Until = p.Now().Add(tt.until)
			}
			p.queue(t, d)
			for range 20 {
				next := p.round(t)
				if next.IsZero() {
					break
				}
				p.Wait(next.Sub(p.Now()) + time.Millisecond)
			}
			r := p.row(t)
			if r.state != mail.Failed || !strings.Contains(r.words, tt.words) || r.letter != "" || tt.until == 0 && r.tries != tt.tries {
				t.Errorf("%+v", r)
			}
			if len(p.events(t, "email_sent")) != 0 {
				t.Error("an event tells of a mail that never went")
			}
			ts, err := store.All[task.Task](t.Context(), p.House.Store, store.Query{})
			if err != nil || len(ts) != 1 || ts[0].Name != "send_mail" || ts[0].Status != task.Failed || len(ts[0].Messages) != 1 || !strings.Contains(ts[0].Messages[0].Event, tt.words) {
				t.Errorf("tasks %v %v", ts, err)
			}
			if len(p.events(t, "system_task_exception")) != 1 {
				t.Error("no event of the failure")
			}
			p.Wait(31 * 24 * time.Hour)
			if n, err := p.CleanUp(t.Context()); n != 1 || err != nil {
				t.Errorf("cleaned up %d %v", n, err)
			}
		})
	}
}

// A queue outlives the process: another room over the same rows sends them.
func TestRestart(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	p.queue(t, reset())
	again := &mail.Room{Store: p.House.Store, Events: p.House.Events, Brands: p.House.Brands, Texts: p.Texts, Tasks: p.Tasks, Log: p.Log, Fixed: p.Fixed, Base: p.Base}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { again.Serve(ctx); close(done) }()
	s.Wait(t, 1)
	stop()
	<-done
}

func TestServed(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { p.Serve(ctx); close(done) }()
	p.queue(t, reset())
	s.Wait(t, 1)
	p.queue(t, reset())
	s.Wait(t, 2)
	stop()
	<-done
}

func TestConnections(t *testing.T) {
	p := open(t)
	for _, tt := range []struct {
		name   string
		o      mailtest.Options
		fixed  func(f *mail.Fixed)
		secure bool
		user   string
		words  string // "" = it arrives
	}{
		{"clear", mailtest.Options{}, func(*mail.Fixed) {}, false, "", ""},
		{"starttls", mailtest.Options{StartTLS: true}, func(f *mail.Fixed) { f.Security = mail.StartTLS }, true, "", ""},
		{"tls", mailtest.Options{TLS: true}, func(f *mail.Fixed) { f.Security = mail.TLS }, true, "", ""},
		{"no starttls there", mailtest.Options{}, func(f *mail.Fixed) { f.Security = mail.StartTLS }, false, "", "offers no STARTTLS"},
		{"no tls there", mailtest.Options{}, func(f *mail.Fixed) { f.Security = mail.TLS }, false, "", "doesn't begin with TLS"},
		{"sign in", mailtest.Options{StartTLS: true, User: "gate", Pass: "house"}, func(f *mail.Fixed) {
			f.Security, f.Username, f.Password = mail.StartTLS, "gate", "house"
		}, true, "gate", ""},
		{"sign in in the clear", mailtest.Options{User: "gate", Pass: "house"}, func(f *mail.Fixed) { f.Username, f.Password = "gate", "house" }, false, "gate", ""},
		{"wrong password", mailtest.Options{StartTLS: true, User: "gate", Pass: "house"}, func(f *mail.Fixed) {
			f.Security, f.Username, f.Password = mail.StartTLS, "gate", "wrong"
		}, true, "", "535 5.7.8 Wrong name or password, says the test"},
		{"nobody can sign in", mailtest.Options{StartTLS: true}, func(f *mail.Fixed) {
			f.Security, f.Username, f.Password = mail.StartTLS, "gate", "house"
		}, true, "", "takes no name and password"},
		{"nobody there", mailtest.Options{}, func(f *mail.Fixed) { f.Port = 1 }, false, "", "refuses the connection"},
		{"no such name", mailtest.Options{}, func(f *mail.Fixed) { f.Host = "mail.invalid" }, false, "", "can't be"},
		{"no server", mailtest.Options{}, func(f *mail.Fixed) { f.Host = "" }, false, "", "no mail server is set up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mailtest.Start(t, tt.o)
			p.to(s)
			l, err := p.Compose(t.Context(), reset())
			if err != nil {
				t.Fatal(err)
			}
			p.to(s, tt.fixed)
			err = p.Send(t.Context(), l)
			if tt.words != "" {
				if err == nil || !strings.Contains(fault.As(err).Say, tt.words) || len(s.Mails()) != 0 {
					t.Errorf("%v", err)
				}
				if strings.Contains(fault.As(err).Say, "wrong\"") || strings.Contains(fault.As(err).Error(), "house\"") {
					t.Error("the password is told")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m := s.Wait(t, 1)[0]; m.TLS != tt.secure || m.User != tt.user {
				t.Errorf("TLS %t, user %q", m.TLS, m.User)
			}
		})
	}
}

// A certificate that nobody vouches for ends the conversation before anything is said.
func TestUntrusted(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{StartTLS: true})
	p.to(s, func(f *mail.Fixed) { f.Security = mail.StartTLS })
	l, err := p.Compose(t.Context(), reset())
	if err != nil {
		t.Fatal(err)
	}
	p.Room.TLS = nil
	if err := p.Send(t.Context(), l); err == nil || !strings.Contains(fault.As(err).Say, "doesn't trust") {
		t.Errorf("%v", err)
	}
}

func TestRefusedHeaders(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	for name, change := range map[string]func(d *mail.Draft){
		"subject":           func(d *mail.Draft) { d.Subject = "Hello\r\nBcc: eve@evil.lan" },
		"subject, line":     func(d *mail.Draft) { d.Subject = "Hello\nBcc: eve@evil.lan" },
		"subject, NUL":      func(d *mail.Draft) { d.Subject = "Hello\x00" },
		"address":           func(d *mail.Draft) { d.To[0].Email = "ada@office.lan\r\nBcc: eve@evil.lan" },
		"two addresses":     func(d *mail.Draft) { d.To[0].Email = "ada@office.lan, eve@evil.lan" },
		"address with name": func(d *mail.Draft) { d.To[0].Email = "Ada <ada@office.lan>" },
		"command":           func(d *mail.Draft) { d.To[0].Email = "ada@office.lan>\r\nDATA" },
		"no address":        func(d *mail.Draft) { d.To[0].Email = "" },
		"nobody":            func(d *mail.Draft) { d.To = nil },
		"sender":            func(d *mail.Draft) { d.From = "a@b.lan\r\nBcc: eve@evil.lan" },
	} {
		d := reset()
		change(&d)
		if l, err := p.Compose(t.Context(), d); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v %v", name, l, err)
		}
	}
}

func TestOwnTemplates(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	write := func(name, body string) {
		t.Helper()
		path := filepath.Join(p.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p.Has("own/welcome.html") || !p.Has(mail.PasswordReset) || p.Has(mail.Setup) || p.Has("../key") {
		t.Error("what there is")
	}
	write("own/welcome.html", `<p>{{.user.name}} {{.url}}</p>`)
	write("broken.html", `<p>{{.user.name</p>`)
	write("never.html", `<p>{{template "nothing" .}}</p>`)
	if err := os.WriteFile(filepath.Join(p.Dir, "..", "secret.html"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..", "secret.html"), filepath.Join(p.Dir, "link.html")); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, x := range p.Templates() {
		names[x.Name] = x.Title
	}
	if names["own/welcome.html"] != "Custom Template: own/welcome.html" || names["email/password_reset.html"] != "Password Reset" || names["email/account_confirmation.html"] != "Account Confirmation" {
		t.Errorf("%v", names)
	}
	d := reset()
	d.Template = "own/welcome.html"
	l, err := p.Compose(t.Context(), d)
	if err != nil || l.Text != "" || !strings.HasPrefix(l.HTML, "<p>Ada &lt;b&gt; https://") {
		t.Errorf("%+v %v", l, err)
	}
	for name, say := range map[string]string{"broken.html": "broken.html:1", "never.html": "nothing", "missing.html": "missing.html", "../secret.html": "../secret.html", "link.html": "link.html"} {
		d.Template = name
		if l, err := p.Compose(t.Context(), d); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.As(err).Say, say) {
			t.Errorf("%s: %v %v", name, l, err)
		}
	}
	write("email/password_reset.html", `<p>ours</p>`)
	d.Template = mail.PasswordReset
	if l, err := p.Compose(t.Context(), d); err != nil || l.HTML != "<p>ours</p>" {
		t.Errorf("the office's own does not come first: %v", err)
	}
}

// Every template of the house can be written, with the brand's name and the reader's language.
func TestTemplates(t *testing.T) {
	p, s := open(t), mailtest.Start(t, mailtest.Options{})
	p.to(s)
	de := []byte(`{"mail": {"password_reset": {"title": "Neues Passwort"}}}`)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "de.json"), de, 0o600); err != nil {
		t.Fatal(err)
	}
	texts, err := text.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	p.Texts = texts
	b := store.KindOf[brand.Brand](p.House.Store).New().(*brand.Brand)
	b.Title = "The Office & Co"
	for _, name := range []string{mail.PasswordReset, mail.Confirmation, mail.Notification, mail.Setup} {
		d := reset()
		d.Template, d.Brand = name, b
		d.Vars["title"], d.Vars["body"], d.Vars["key_value"] = "What", "Said <i>", []struct{ Key, Value string }{{"App", "x&y"}}
		l, err := p.Compose(t.Context(), d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range []string{l.HTML, l.Text} {
			if strings.Contains(part, "mail.") || strings.Contains(part, "<no value>") || strings.Contains(part, "ZgotmplZ") {
				t.Errorf("%s:\n%s", name, part)
			}
		}
		if !strings.Contains(l.HTML, "The Office &amp; Co") || !strings.Contains(l.Text, "The Office & Co") {
			t.Errorf("%s does not name the brand", name)
		}
	}
	d := reset()
	d.Langs = []string{"de-AT"}
	if l, err := p.Compose(t.Context(), d); err != nil || !strings.Contains(l.Text, "Neues Passwort") || !strings.Contains(l.HTML, `lang="de"`) {
		t.Errorf("%v\n%s", err, l.Text)
	}
}
