package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// party is the application.
type party struct {
	settings *settings
	client   *http.Client
	cookie   string

	mu       sync.Mutex
	provider *provider
	sessions map[string]*session
}

// session belongs to one browser. mu makes its requests wait for each other.
type session struct {
	mu      sync.Mutex
	logins  map[string]login // by state
	logout  string           // state of a logout on its way
	id      *identity
	refresh string // the newest refresh token
	count   int
	rotated bool
}

// login is a sign-in on its way.
type login struct {
	nonce, verifier string
	maxAge          time.Duration // negative when none was asked for
}

// fault is a failure as a page tells it.
type fault struct {
	status int
	reason string
}

func faultf(status int, format string, args ...any) *fault {
	return &fault{status, fmt.Sprintf(format, args...)}
}

func newParty(s *settings) (*party, error) {
	client, err := trustClient(s.caFile)
	if err != nil {
		return nil, err
	}
	// Cookies do not know ports: the name keeps several applications on one address apart.
	return &party{settings: s, client: client, cookie: "gorp_" + s.redirect.Port(), sessions: map[string]*session{}}, nil
}

// routes gives the handlers; the paths of the redirect and post-logout URLs are settings.
func (p *party) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, f func(http.ResponseWriter, *http.Request, *session) *fault) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			r = r.WithContext(oidc.ClientContext(r.Context(), p.client))
			s := p.session(w, r)
			s.mu.Lock()
			defer s.mu.Unlock()
			if err := f(w, r, s); err != nil {
				writeFault(w, r, err)
			}
		})
	}
	handle("/{$}", p.front)
	handle("/login", p.login)
	handle("/refresh", p.renew)
	handle("/logout", p.logout)
	handle(p.settings.redirect.Path, p.callback)
	handle(p.settings.postLogout.Path, p.signedOut)
	return mux
}

// session finds or begins the browser's session.
func (p *party) session(w http.ResponseWriter, r *http.Request) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, err := r.Cookie(p.cookie); err == nil && p.sessions[c.Value] != nil {
		return p.sessions[c.Value]
	}
	s := &session{logins: map[string]login{}}
	p.keep(w, s)
	return s
}

// keep gives the session a new key and the browser its cookie. p.mu is held.
func (p *party) keep(w http.ResponseWriter, s *session) {
	for key, other := range p.sessions {
		if other == s {
			delete(p.sessions, key)
		}
	}
	key := rand.Text()
	p.sessions[key] = s
	w.Header().Del("Set-Cookie")
	http.SetCookie(w, &http.Cookie{
		Name: p.cookie, Value: key, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: p.settings.redirect.Scheme == "https",
	})
}

// discovered asks the provider at first need and again as long as it failed.
func (p *party) discovered(ctx context.Context) (*provider, *fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.provider == nil {
		op, err := discover(ctx, p.settings)
		if err != nil {
			return nil, faultf(http.StatusBadGateway, "%v", err)
		}
		p.provider = op
	}
	return p.provider, nil
}

func (p *party) front(w http.ResponseWriter, r *http.Request, s *session) *fault {
	writeFront(w, r, s)
	return nil
}

func (p *party) login(w http.ResponseWriter, r *http.Request, s *session) *fault {
	op, bad := p.discovered(r.Context())
	if bad != nil {
		return bad
	}
	l := login{nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), maxAge: -1}
	options := []oauth2.AuthCodeOption{oidc.Nonce(l.nonce), oauth2.S256ChallengeOption(l.verifier)}
	for _, name := range []string{"prompt", "max_age", "login_hint", "ui_locales"} {
		if v := r.URL.Query().Get(name); v != "" {
			options = append(options, oauth2.SetAuthURLParam(name, v))
		}
	}
	if v := r.URL.Query().Get("max_age"); v != "" {
		seconds, err := strconv.Atoi(v)
		if err != nil || seconds < 0 {
			return faultf(http.StatusBadRequest, "max_age %q is no number of seconds", v)
		}
		l.maxAge = time.Duration(seconds) * time.Second
	}
	state := rand.Text()
	s.logins[state] = l
	http.Redirect(w, r, op.oauth.AuthCodeURL(state, options...), http.StatusFound)
	return nil
}

func (p *party) callback(w http.ResponseWriter, r *http.Request, s *session) *fault {
	q := r.URL.Query()
	state := q.Get("state")
	l, ok := s.logins[state]
	if !ok {
		return faultf(http.StatusBadRequest, "the state %q is not one that this browser was sent away with", state)
	}
	delete(s.logins, state)
	if code := q.Get("error"); code != "" {
		return faultf(http.StatusForbidden, "the provider refused the sign-in: %s: %s", code, q.Get("error_description"))
	}
	if q.Get("code") == "" {
		return faultf(http.StatusBadRequest, "the callback has neither code nor error")
	}
	op, bad := p.discovered(r.Context())
	if bad != nil {
		return bad
	}
	token, err := op.oauth.Exchange(r.Context(), q.Get("code"), oauth2.VerifierOption(l.verifier))
	if err != nil {
		return faultf(http.StatusBadGateway, "%s", faultOf("the code", err))
	}
	id, err := op.identify(r.Context(), token, l.nonce, nil)
	if err == nil && l.maxAge >= 0 {
		err = id.fresh(l.maxAge)
	}
	if err != nil {
		return faultf(http.StatusBadGateway, "%v", err)
	}
	s.id, s.refresh, s.count, s.rotated = id, token.RefreshToken, 0, false
	p.mu.Lock()
	p.keep(w, s)
	p.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *party) renew(w http.ResponseWriter, r *http.Request, s *session) *fault {
	if s.id == nil {
		return faultf(http.StatusUnauthorized, "nobody is signed in")
	}
	if s.refresh == "" {
		return faultf(http.StatusConflict, "the provider gave no refresh token")
	}
	op, bad := p.discovered(r.Context())
	if bad != nil {
		return bad
	}
	token, err := op.oauth.TokenSource(r.Context(), &oauth2.Token{RefreshToken: s.refresh}).Token()
	if err != nil {
		return faultf(http.StatusBadGateway, "%s", faultOf("the refresh token", err))
	}
	s.rotated, s.refresh = token.RefreshToken != s.refresh, token.RefreshToken
	id, err := op.identify(r.Context(), token, s.id.nonce, s.id)
	if err != nil {
		return faultf(http.StatusBadGateway, "after the refresh: %v", err)
	}
	s.id = id
	s.count++
	writeFront(w, r, s)
	return nil
}

func (p *party) logout(w http.ResponseWriter, r *http.Request, s *session) *fault {
	if s.id == nil {
		return faultf(http.StatusUnauthorized, "nobody is signed in")
	}
	op, bad := p.discovered(r.Context())
	if bad != nil {
		return bad
	}
	s.logout = rand.Text()
	to, err := op.logoutURL(s.id.idToken, p.settings.postLogoutURL, s.logout)
	if err != nil {
		return faultf(http.StatusBadGateway, "%v", err)
	}
	s.id, s.refresh = nil, ""
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}

func (p *party) signedOut(w http.ResponseWriter, r *http.Request, s *session) *fault {
	state := r.URL.Query().Get("state")
	if s.logout == "" || state != s.logout {
		return faultf(http.StatusBadRequest, "the state %q is not the one of a logout that began here", state)
	}
	s.logout = ""
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
