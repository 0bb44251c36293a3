package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/office"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
	"gatehouse/backend/web/page"
)

// Setup is the first-run wizard. Until it is done nothing else answers, and it answers only to a browser that it admitted: by the link that
// the server printed into its log, which works once, or by the window's ticket.
//
//	office ▸ admin ▸ name ▸ https ▸ done
type Setup struct {
	*Screen
	Office   *office.Room
	Users    *user.Directory
	Sessions *session.Room
	Events   *event.Log
	Store    *store.Store
	Hosts    Hosts
	// Used is told when the link was used, and gets the text of the new one.
	Used func(from, token string)

	mu     sync.Mutex
	token  string
	guests map[[32]byte]*guest
}

// guest is a browser in the wizard.
type guest struct {
	csrf   string
	step   string
	in     office.Setup
	errors map[string]string
	done   bool
	seen   time.Time
}

const (
	setupCookie = "gh_setup"
	maxGuests   = 16
	maxSetup    = 64 << 10 // bytes of a form
)

var setupSteps = []string{"office", "admin", "name", "https"}

// Token gives the text of the link that works now: 256 bit.
func (s *Setup) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == "" {
		s.token = crypt.Token()
	}
	return s.token
}

// burn takes the link's text when it is right; a new one takes its place.
func (s *Setup) burn(text string) (next string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == "" || subtle.ConstantTimeCompare([]byte(text), []byte(s.token)) != 1 {
		return "", false
	}
	s.token = crypt.Token()
	return s.token, true
}

// Admit lets a browser into the wizard.
func (s *Setup) Admit(w http.ResponseWriter, r *http.Request) {
	key := crypt.Token()
	local := ListenerOf(r.Context()) == Loopback || fromLoopback(r)
	g := &guest{csrf: crypt.Token(), step: setupSteps[0], in: office.Setup{AdminOnLAN: !local, ServerName: s.Office.GuessName()}, seen: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guests == nil {
		s.guests = map[[32]byte]*guest{}
	}
	if len(s.guests) >= maxGuests {
		var oldest [32]byte
		for k, o := range s.guests {
			if e := s.guests[oldest]; e == nil || o.seen.Before(e.seen) {
				oldest = k
			}
		}
		delete(s.guests, oldest)
	}
	s.guests[sha256.Sum256([]byte(key))] = g
	http.SetCookie(w, &http.Cookie{Name: s.cookie(r), Value: key, Path: "/setup/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: Facts(r).Scheme == "https"})
}

func (s *Setup) cookie(r *http.Request) string {
	if ListenerOf(r.Context()) == Loopback {
		return setupCookie + "_desktop"
	}
	return setupCookie
}

func (s *Setup) guest(r *http.Request) *guest {
	c, err := r.Cookie(s.cookie(r))
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guests[sha256.Sum256([]byte(c.Value))]
	if g != nil {
		g.seen = time.Now()
	}
	return g
}

// ServeHTTP implements http.Handler: for everything while the house is not set up, and below /setup/ later too.
func (s *Setup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	open, err := s.Office.Open(ctx)
	if err != nil {
		s.Problem(w, r, http.StatusServiceUnavailable, "flow.error.title", "")
		return
	}
	if t := r.URL.Query().Get("t"); r.URL.Path == "/setup/" && t != "" && r.Method == http.MethodGet && !open {
		w.Header().Set("Referrer-Policy", "no-referrer")
		if next, ok := s.burn(t); ok {
			s.Admit(w, r)
			s.Used(ClientIP(r), next)
			http.Redirect(w, r, "/setup/", http.StatusSeeOther)
			return
		}
	}
	g := s.guest(r)
	switch {
	case g == nil && open, open && !g.isDone():
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case g == nil:
		s.closed(w, r)
	case r.URL.Path != "/setup/":
		http.Redirect(w, r, "/setup/", http.StatusSeeOther)
	case r.Method == http.MethodPost:
		s.take(w, r, g)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		s.show(w, r, g)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "Use GET or POST.", http.StatusMethodNotAllowed)
	}
}

func (g *guest) isDone() bool { return g != nil && g.done }

// closed tells that the house is not set up, and nothing more.
func (s *Setup) closed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "60")
	if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/application/o/") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, `{"detail":"Gatehouse is not set up yet."}`) // the caller has gone away
		return
	}
	s.Say(w, r, http.StatusServiceUnavailable, page.Message{Status: "notice", Title: s.T(r, "setup.closed_title"), Text: []string{s.T(r, "setup.closed")}})
}

func (s *Setup) show(w http.ResponseWriter, r *http.Request, g *guest) {
	s.mu.Lock()
	step, in, errs, done := g.step, g.in, g.errors, g.done
	csrf := g.csrf
	s.mu.Unlock()
	d := page.Setup{Step: step, Of: len(setupSteps), Errors: errs, Addresses: office.Addresses(), Values: map[string]string{
		"office_name": in.Office, "username": in.Username, "name": in.Name, "email": in.Email, "server_name": in.ServerName,
	}}
	if in.AdminOnLAN {
		d.Values["admin_on_lan"] = "true"
	}
	for i, n := range setupSteps {
		if n == step {
			d.N = i + 1
		}
	}
	if i := s.Office.CA.Info(); i != nil {
		d.Fingerprint = i.CASHA256
	}
	if step == "https" {
		d.TrustURL = s.Office.TrustURLFor(in.ServerName)
		d.URLs = []string{s.Office.URLFor(in.ServerName)}
		if !leadsHere(r.Context(), in.ServerName) {
			d.Notice = s.T(r, "setup.name.unknown", "name", in.ServerName, "addresses", strings.Join(d.Addresses, ", "))
		}
	}
	if done {
		d.Step, d.N = "done", 0
		d.TrustURL, d.URLs = s.Office.TrustURL(r.Context()), []string{s.Office.URL(r.Context())}
		d.Next = s.next(r)
	}
	d.Around = s.around(w, r)
	d.CSRF = csrf
	status := http.StatusOK
	if len(errs) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.write(w, r, status, func(b *bytes.Buffer) error { return s.Pages.Setup(b, d) })
}

// next leads to the form for the first application: here, when this address goes on being answered, else under the house's name.
func (s *Setup) next(r *http.Request) string {
	to := "/if/admin/#/apps/new"
	if ListenerOf(r.Context()) == Loopback || s.Hosts.Allowed(r) {
		return to
	}
	return s.Office.URL(r.Context()) + to
}

// leadsHere says whether a name resolves to an address of this machine.
func leadsHere(ctx context.Context, name string) bool {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	found, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return false
	}
	own := office.Addresses()
	for _, f := range found {
		ip := net.ParseIP(f)
		for _, o := range own {
			if ip != nil && ip.Equal(net.ParseIP(o)) {
				return true
			}
		}
	}
	return false
}

// take reads the form of the step that the browser is at.
func (s *Setup) take(w http.ResponseWriter, r *http.Request, g *guest) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSetup)
	err := r.ParseForm()
	again := func() { http.Redirect(w, r, "/setup/", http.StatusSeeOther) }
	s.mu.Lock()
	csrf, in, done := g.csrf, g.in, g.done
	s.mu.Unlock()
	if err != nil || done || subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(csrf)) != 1 {
		again()
		return
	}
	step := r.PostForm.Get("step")
	at := 0
	for i, n := range setupSteps {
		if n == step {
			at = i
		}
	}
	if r.PostForm.Get("go") == "back" {
		s.set(g, in, setupSteps[max(at-1, 0)], nil)
		again()
		return
	}
	errs := s.read(r, setupSteps[at], &in)
	switch {
	case len(errs) > 0:
		s.set(g, in, setupSteps[at], errs)
		s.show(w, r, g)
		return
	case at+1 < len(setupSteps):
		s.set(g, in, setupSteps[at+1], nil)
	default:
		s.finish(w, r, g, in)
		return
	}
	again()
}

func (s *Setup) set(g *guest, in office.Setup, step string, errs map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.in, g.step, g.errors = in, step, errs
}

// read takes the values of a step and says what is wrong with them.
func (s *Setup) read(r *http.Request, step string, in *office.Setup) map[string]string {
	errs := map[string]string{}
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	need := func(name, value string) {
		if value == "" {
			errs[name] = s.T(r, "flow.required")
		}
	}
	switch step {
	case "office":
		in.Office = get("office_name")
		need("office_name", in.Office)
		if len(in.Office) > 100 {
			errs["office_name"] = s.T(r, "setup.office.long")
		}
	case "admin":
		in.Username, in.Name, in.Email = get("username"), get("name"), get("email")
		need("username", in.Username)
		if len(in.Username) > 150 {
			errs["username"] = s.T(r, "setup.admin.long")
		}
		if in.Email != "" {
			if a, err := mail.ParseAddress(in.Email); err != nil || a.Address != in.Email {
				errs["email"] = s.T(r, "setup.admin.bad_email")
			}
		}
		s.password(r, in, errs, need)
	case "name":
		in.AdminOnLAN = r.PostForm.Get("admin_on_lan") == "true"
		in.ServerName = get("server_name")
		name, err := office.CheckName(in.ServerName)
		if err != nil {
			errs["server_name"] = s.T(r, "setup.name.bad")
			return errs
		}
		in.ServerName = name
	}
	return errs
}

// password keeps the hash only. Who comes back to the step may leave the fields empty: the password from before stays.
func (s *Setup) password(r *http.Request, in *office.Setup, errs map[string]string, need func(name, value string)) {
	p := r.PostForm.Get("password")
	if p == "" && r.PostForm.Get("password_repeat") == "" && in.Hash != "" {
		return
	}
	need("password", p)
	if p == "" {
		return
	}
	if p != r.PostForm.Get("password_repeat") {
		errs["password_repeat"] = s.T(r, "setup.admin.mismatch")
		return
	}
	hash, err := s.Users.HashNew(r.Context(), p)
	if err != nil {
		errs["password"] = fault.As(err).Say
		for _, texts := range fault.As(err).Fields {
			errs["password"] = strings.Join(texts, " ")
		}
		return
	}
	in.Hash = hash
}

// finish sets the house up and signs the new admin in.
func (s *Setup) finish(w http.ResponseWriter, r *http.Request, g *guest, in office.Setup) {
	for step, missing := range map[string]bool{"admin": in.Hash == "" || in.Username == "", "name": in.ServerName == ""} {
		if missing {
			s.set(g, in, step, nil)
			http.Redirect(w, r, "/setup/", http.StatusSeeOther)
			return
		}
	}
	ctx := r.Context()
	admin, err := s.Office.Finish(ctx, in)
	if err != nil {
		s.failed(w, r, g, in, err)
		return
	}
	ctx = store.WithActor(ctx, store.Actor{HTTP: Facts(r)})
	var sess *session.Session
	var key string
	err = s.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		data := session.Data{Method: "password", Owner: ListenerOf(ctx) == Loopback}
		sess, key, err = SignIn(tx, s.Sessions, s.Events, nil, admin, data)
		return err
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "the new admin could not be signed in; the house is set up", "error", err)
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.mu.Lock()
	g.done, g.in.Hash, s.token = true, "", ""
	s.mu.Unlock()
	s.Cookies.Set(w, r, sess, key)
	s.Log.InfoContext(ctx, "Gatehouse is set up", "admin", admin.Username, "url", s.Office.URL(ctx))
	http.Redirect(w, r, "/setup/", http.StatusSeeOther)
}

// failed leads back to the step whose values were refused.
func (s *Setup) failed(w http.ResponseWriter, r *http.Request, g *guest, in office.Setup, err error) {
	f := fault.As(err)
	errs := map[string]string{}
	step := "https"
	for name, texts := range f.Fields {
		errs[name] = strings.Join(texts, " ")
		switch name {
		case "username", "email", "name", "password":
			step = "admin"
		case "server_name":
			step = "name"
		}
	}
	switch {
	case f.Kind == fault.Conflict:
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case f.Kind == fault.Internal:
		s.Log.ErrorContext(r.Context(), "setup failed", "error", err)
		s.Problem(w, r, http.StatusInternalServerError, "flow.error.title", "")
		return
	case len(errs) == 0:
		errs[fault.NonField] = f.Say
	}
	s.set(g, in, step, errs)
	s.show(w, r, g)
}
