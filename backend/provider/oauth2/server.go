package oauth2

import (
	"context"
	"crypto/subtle"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// server answers the client's endpoints; the library routes and parses.
type server struct {
	op.UnimplementedServer
	r *Room
}

// Mount hangs the provider's endpoints.
func (r *Room) Mount(mux provider.Mux) {
	endpoints := op.Endpoints{
		Token: op.NewEndpoint("/application/o/token/"), Introspection: op.NewEndpoint("/application/o/introspect/"),
		Userinfo: op.NewEndpoint("/application/o/userinfo/"), Revocation: op.NewEndpoint("/application/o/revoke/"),
		EndSession: op.NewEndpoint("/application/o/{slug}/end-session/"),
	}
	h := r.guard(op.RegisterServer(&server{r: r}, endpoints, op.WithServerCORSOptions(nil)))
	for _, path := range []string{"token", "introspect", "userinfo", "revoke", "par"} {
		mux.Handle("/application/o/"+path+"/{$}", h)
	}
	mux.Handle("/application/o/authorize/{$}", http.HandlerFunc(r.Authorize))
	mux.Handle("POST /application/o/device/{$}", http.HandlerFunc(r.DeviceAuthorization))
	mux.Handle("GET /device", http.HandlerFunc(r.Device))
	mux.Handle("GET /device/refuse", http.HandlerFunc(r.refuseDevice))
	r.mountGitHub(mux, h)
	mux.Handle(registerPath+"{$}", http.HandlerFunc(r.Register))
	mux.Handle("/application/o/{slug}/end-session/{$}", h)
	mux.Handle("GET /application/o/{slug}/jwks/{$}", http.HandlerFunc(r.JWKS))
	mux.Handle("GET /application/o/{slug}/.well-known/openid-configuration", http.HandlerFunc(r.Discovery))
	mux.Handle("OPTIONS /application/o/{slug}/.well-known/openid-configuration", http.HandlerFunc(r.Discovery))
	mux.Handle("/application/o/{slug}/{$}", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "/application/o/"+url.PathEscape(req.PathValue("slug"))+"/.well-known/openid-configuration", http.StatusFound)
	}))
}

// maxForm is the largest form in bytes that a client may send.
const maxForm = 64 << 10

// guard does what the library leaves open (libraries.md A4, 9): no caching, POST only and secrets in the body only, a challenge with 401,
// both readings of a Basic header, and requests from pages of the client.
func (r *Room) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		path := req.URL.Path
		token, userinfo, par := strings.HasSuffix(path, "/token/"), strings.HasSuffix(path, "/userinfo/"), strings.HasSuffix(path, "/par/")
		ending := strings.HasSuffix(path, "/end-session/")
		if req.Method == http.MethodOptions && (token || userinfo || par) {
			r.cors(h, req, nil)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if !userinfo && !ending {
			if req.Method != http.MethodPost {
				h.Set("Allow", "POST")
				h.Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusMethodNotAllowed)
				_, _ = w.Write([]byte(`{"error":"invalid_request","error_description":"Use POST."}`))
				return
			}
			// A secret in an address ends in logs and histories: only the body counts.
			u := *req.URL
			u.RawQuery = ""
			req = req.Clone(req.Context())
			req.URL = &u
			r.basic(req)
		}
		req.Body = http.MaxBytesReader(w, req.Body, maxForm)
		if token || par {
			if err := req.ParseForm(); err != nil {
				h.Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"error":"invalid_request","error_description":"The body is no form, or too long."}`))
				return
			}
			a := store.ActorOf(req.Context())
			a.HTTP.Form = req.PostForm // scope mappings may look at it
			req = req.WithContext(store.WithActor(req.Context(), a))
		}
		if path == "/application/o/introspect/" && r.introspection(w, req) {
			return
		}
		if !token && !userinfo && !par {
			next.ServeHTTP(&challenger{ResponseWriter: w}, req)
			return
		}
		w = &corsWriter{challenger: challenger{ResponseWriter: w}, r: r, req: req}
		req, ok := r.possess(w, req, userinfo)
		if !ok {
			return
		}
		switch grant := req.PostForm.Get("grant_type"); {
		case par:
			r.push(w, req)
			return
		case token && ownGrant(grant): // the library has no way for them
			r.ownToken(w, req, grant)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// challenger adds the challenge that HTTP asks for with 401.
type challenger struct{ http.ResponseWriter }

func (c *challenger) WriteHeader(code int) {
	if code == http.StatusUnauthorized && c.Header().Get("WWW-Authenticate") == "" {
		c.Header().Set("WWW-Authenticate", `Basic realm="gatehouse"`)
	}
	c.ResponseWriter.WriteHeader(code)
}

// corsWriter lets pages of the client read the answer (protocols.md 1.11).
type corsWriter struct {
	challenger
	r   *Room
	req *http.Request
}

func (c *corsWriter) WriteHeader(code int) {
	if c.req.Header.Get("Origin") != "" {
		id := c.req.PostForm.Get("client_id")
		if user, _, ok := c.req.BasicAuth(); ok {
			id, _ = url.QueryUnescape(user)
		}
		var p *Provider
		if id != "" {
			p, _ = c.r.client(c.req.Context(), id)
		} else if _, text, ok := strings.Cut(c.req.Header.Get("Authorization"), " "); !ok {
		} else if t, err := c.r.find(c.req.Context(), accessKind, text); err == nil && t != nil {
			p, _ = c.r.byPK(c.req.Context(), t.Provider)
		}
		if p != nil {
			c.r.cors(c.Header(), c.req, p)
		}
	}
	c.challenger.WriteHeader(code)
}

func (c *corsWriter) Write(b []byte) (int, error) { return c.ResponseWriter.Write(b) }

// cors allows the origin of a request when it is one of the client's; a preflight (p nil) is always answered, since it carries no client.
func (r *Room) cors(h http.Header, req *http.Request, p *Provider) {
	origin := req.Header.Get("Origin")
	if origin == "" {
		return
	}
	h.Add("Vary", "Origin")
	if p != nil && !slices.Contains(origins(p.RedirectURIs), origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
	if req.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		if asked := req.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
}

// basic makes a Basic header readable in both ways that clients write it: as RFC 6749 section 2.3.1 says, form-encoded, or plain. The
// library reads the first; a plain one whose secret fits is rewritten.
func (r *Room) basic(req *http.Request) {
	id, secret, ok := req.BasicAuth()
	if !ok {
		return
	}
	p, err := r.client(req.Context(), id)
	if err != nil || !same(secret, p.ClientSecret) {
		return
	}
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
}

func same(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// VerifyClient implements op.Server. A confidential client has to bring its secret; a public one may not have any.
func (s *server) VerifyClient(ctx context.Context, req *op.Request[op.ClientCredentials]) (op.Client, error) {
	refuse := func(why string) error {
		err := oidc.ErrInvalidClient().WithDescription("%s", why)
		if req.Header.Get("Authorization") != "" {
			return op.NewStatusError(err, http.StatusUnauthorized)
		}
		return err
	}
	if req.Data.ClientAssertion != "" {
		return nil, refuse("This server takes a client_secret, no client_assertion.")
	}
	p, err := s.r.client(ctx, req.Data.ClientID)
	if fault.Is(err, fault.NotFound) {
		s.r.nobody(ctx, "token", req.Data.ClientID)
		return nil, refuse("There is no such client.")
	}
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if p.ClientType == "confidential" && !same(req.Data.ClientSecret, p.ClientSecret) {
		came, expected := lengths(req.Data.ClientSecret, p.ClientSecret)
		s.r.explain(ctx, refusal{provider: p.PK, place: "token", cause: "client_secret", came: came, expected: expected, says: "The client_secret is wrong."})
		return nil, refuse("The client_secret is wrong.")
	}
	return client{p}, nil
}

// broken logs an error of ours and gives what the client may know.
func (s *server) broken(ctx context.Context, err error) error {
	f := fault.As(err)
	s.r.Log.ErrorContext(ctx, "token endpoint failed", "error", err, "logger", "gatehouse.oauth2")
	status := http.StatusInternalServerError
	if f.Kind == fault.Unavailable {
		status = http.StatusServiceUnavailable
	}
	say := "Something went wrong. The server's log has the details."
	if f.Kind == fault.Invalid || f.Kind == fault.Unavailable {
		say = f.Say
	}
	return op.NewStatusError(oidc.ErrServerError().WithDescription("%s", say), status)
}

// tokens is the answer of the token endpoint.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

func (m *minted) told() *tokens {
	return &tokens{AccessToken: m.access, TokenType: m.terms.tokenType(), ExpiresIn: int64(m.life.Seconds()), IDToken: m.id, RefreshToken: m.refresh}
}

func (m *minted) answer() *op.Response { return op.NewResponse(m.told()) }

func invalidGrant(why string) error { return oidc.ErrInvalidGrant().WithDescription("%s", why) }

// CodeExchange implements op.Server: grant_type=authorization_code.
func (s *server) CodeExchange(ctx context.Context, req *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	r, p := s.r, req.Client.(client).p
	c, err := r.findCode(ctx, req.Data.Code)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	switch {
	case c == nil || c.Provider != p.PK:
		return nil, s.no(ctx, p, "code", nil, "", "", "The code is unknown.")
	case c.used:
		return nil, s.reused(ctx, p, c)
	case !r.Store.Now().Before(c.expires):
		return nil, s.no(ctx, p, "code_expired", &c.grant, "", p.CodeValidity, "The code is too old.")
	case c.RedirectURI != req.Data.RedirectURI:
		return nil, s.no(ctx, p, "token_redirect_uri", &c.grant, req.Data.RedirectURI, c.RedirectURI, "The redirect_uri is not the one that the code was sent to.")
	case !proofOK(&c.grant, req.Data.CodeVerifier):
		came, expected := pkceOf(&c.grant, req.Data.CodeVerifier)
		return nil, s.no(ctx, p, "pkce", &c.grant, came, expected, "The code_verifier does not belong to the code.")
	}
	u, err := r.owner(ctx, p, &c.grant)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if u == nil {
		return nil, s.no(ctx, p, "not_allowed", &c.grant, "", "", "The person may not use this application any more.")
	}
	app, err := r.app(ctx, p)
	if err != nil || app == nil {
		return nil, s.broken(ctx, errors.Join(err, fault.New(fault.Invalid, "The provider belongs to no application.")))
	}
	if c.Terms.Key, err = r.binding(ctx, p, c.Terms.Key, true); err != nil {
		return nil, s.told(ctx, p, "token", err)
	}
	only, err := narrowed(p, c.Terms.Resources, req.Form["resource"])
	if err != nil {
		return nil, s.told(ctx, p, "token", err)
	}
	m, err := r.mint(ctx, p, app.Slug, base(ctx), &c.grant, u, wanted{access: true, id: true, refresh: c.has("offline_access"), only: only})
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	err = r.Store.WriteBare(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := r.spendProof(ctx, tx); err != nil {
			return err
		}
		return r.spend(tx, c, m)
	})
	if errors.Is(err, errUsed) {
		return nil, s.reused(ctx, p, c)
	}
	if err != nil {
		return nil, s.told(ctx, p, "token", err)
	}
	return m.answer(), nil
}

func (s *server) reused(ctx context.Context, p *Provider, c *code) error {
	if err := s.r.revokeFamily(ctx, p, c.Family, "An authorization code was used twice; its tokens are revoked"); err != nil {
		return s.broken(ctx, err)
	}
	return s.no(ctx, p, "code_used", &c.grant, "", "", "The code was used already.")
}

// no refuses a grant, and notes why. The admin reads more than the client: g is the grant that it is about.
func (s *server) no(ctx context.Context, p *Provider, cause string, g *grant, came, expected, text string) error {
	who := ""
	if g != nil {
		who = s.r.byUser(ctx, g.User)
	}
	s.r.explain(ctx, refusal{provider: p.PK, place: "token", cause: cause, came: came, expected: expected, says: text, user: who})
	return invalidGrant(text)
}

// pkceOf says in words what was wrong with a verifier.
func pkceOf(g *grant, verifier string) (came, expected string) {
	came, expected = "a code_verifier of "+strconv.Itoa(len(verifier))+" characters that does not fit", "the code_verifier of the code_challenge, method "+g.Method
	if verifier == "" {
		came = "no code_verifier"
	}
	if g.Challenge == "" {
		came, expected = "a code_verifier", "none: the sign-in began without a code_challenge"
	}
	return came, expected
}

// RefreshToken implements op.Server: grant_type=refresh_token. Each refresh token works once.
func (s *server) RefreshToken(ctx context.Context, req *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	r, p := s.r, req.Client.(client).p
	t, err := r.find(ctx, refreshKind, req.Data.RefreshToken)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	again := func() error {
		if err := r.revokeFamily(ctx, p, t.Family, "Revoked refresh token was used"); err != nil {
			return s.broken(ctx, err)
		}
		return s.no(ctx, p, "refresh_used", &t.grant, "", "", "The refresh token was used already. All tokens of that sign-in are revoked.")
	}
	switch {
	case t == nil || t.Provider != p.PK:
		return nil, s.no(ctx, p, "refresh", nil, "", "", "The refresh token is unknown.")
	case t.revoked:
		return nil, again()
	case !r.Store.Now().Before(t.expires):
		return nil, s.no(ctx, p, "refresh_expired", &t.grant, "", p.RefreshValidity, "The refresh token is too old.")
	}
	if asked := []string(req.Data.Scopes); len(asked) > 0 {
		for _, sc := range asked {
			if sc != "" && !t.has(sc) {
				return nil, oidc.ErrInvalidScope().WithDescription("The scope %s was not granted.", clip(sc))
			}
		}
		if !slices.Contains(asked, "offline_access") && len(asked) > 0 && asked[0] != "" {
			return nil, oidc.ErrInvalidScope().WithDescription("Without offline_access there is no new refresh token.")
		}
	}
	u, err := r.owner(ctx, p, &t.grant)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if u == nil {
		return nil, s.no(ctx, p, "not_allowed", &t.grant, "", "", "The person may not use this application any more.")
	}
	app, err := r.app(ctx, p)
	if err != nil || app == nil {
		return nil, s.broken(ctx, errors.Join(err, fault.New(fault.Invalid, "The provider belongs to no application.")))
	}
	g := t.grant
	g.Nonce = "" // a nonce belongs to the first ID token (protocols.md 1.6)
	if g.Terms.Key, err = r.binding(ctx, p, g.Terms.Key, true); err != nil {
		return nil, s.told(ctx, p, "token", err)
	}
	only, err := narrowed(p, g.Terms.Resources, req.Form["resource"])
	if err != nil {
		return nil, s.told(ctx, p, "token", err)
	}
	m, err := r.mint(ctx, p, app.Slug, base(ctx), &g, u, wanted{access: true, id: true, refresh: true, only: only})
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	err = r.Store.WriteBare(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := r.spendProof(ctx, tx); err != nil {
			return err
		}
		return r.rotate(tx, t, m)
	})
	if errors.Is(err, errUsed) {
		return nil, again()
	}
	if err != nil {
		return nil, s.told(ctx, p, "token", err)
	}
	return m.answer(), nil
}

// bearerError is the answer to a token that is not good (RFC 6750 section 3).
func bearerError(code string, status int, why string) error {
	e := &oidc.Error{}
	*e = *oidc.ErrInvalidRequest()
	e.Description = why
	switch code {
	case "invalid_token":
		e.ErrorType = "invalid_token"
	case "insufficient_scope":
		e.ErrorType = "insufficient_scope"
	}
	return op.NewStatusError(e, status)
}

// UserInfo implements op.Server (OpenID Connect Core 5.3).
func (s *server) UserInfo(ctx context.Context, req *op.Request[oidc.UserInfoRequest]) (*op.Response, error) {
	r := s.r
	t, err := r.find(ctx, accessKind, req.Data.AccessToken)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if t != nil && t.revoked {
		if err := r.Events.Emit(ctx, event.SuspiciousRequest, map[string]any{"message": "Revoked access token was used", "provider": map[string]any{"pk": t.Provider}}); err != nil {
			return nil, s.broken(ctx, err)
		}
	}
	if t == nil || !t.good(r.Store.Now()) {
		if t != nil {
			r.explain(ctx, refusal{
				provider: t.Provider, place: "userinfo", cause: "token_over", user: r.byUser(ctx, t.User), says: "The application asks userinfo with an access token that is revoked or too old.",
			})
		}
		return nil, bearerError("invalid_token", http.StatusUnauthorized, "The access token is unknown, revoked or too old.")
	}
	if !t.has("openid") {
		if p, err := r.byPK(ctx, t.Provider); err == nil {
			r.explain(ctx, refusal{
				provider: p.PK, place: "userinfo", cause: "openid", came: strings.Join(t.Scope, " "), expected: "openid", user: r.byUser(ctx, t.User),
				says: "The application asks userinfo with a token that was not granted the scope openid.",
			})
		}
		return nil, bearerError("insufficient_scope", http.StatusForbidden, "The access token was not granted the scope openid.")
	}
	p, err := r.byPK(ctx, t.Provider)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	err = r.holds(ctx, p, t, req.Data.AccessToken)
	var no *refused
	if errors.As(err, &no) {
		no.status = http.StatusUnauthorized
		challenge(possessionOf(ctx).header, no.code, no.text)
	}
	if err != nil {
		return nil, s.told(ctx, p, "userinfo", err)
	}
	u, err := r.Users.ByPK(ctx, t.User)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if !u.IsActive {
		return nil, bearerError("invalid_token", http.StatusUnauthorized, "The person's account is switched off.")
	}
	out, err := r.mapped(ctx, p, &t.grant, u)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if sub, ok := out["sub"].(string); !ok || sub == "" {
		out["sub"] = r.subject(p, u)
	}
	more, err := r.wished(ctx, p, &t.grant, u, out, t.Terms.Claims.Userinfo)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	maps.Copy(out, more)
	return op.NewResponse(out), nil
}

// Introspect implements op.Server (RFC 7662). A token of another client is not active (CVE-2024-47077).
func (s *server) Introspect(ctx context.Context, req *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	cc := req.Data.ClientCredentials
	out, err := s.r.introspect(ctx, cc.ClientID, cc.ClientSecret, req.Data.IntrospectionRequest.Token)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	return op.NewResponse(out), nil
}

// introspection answers the usual request, with the client in the form: it comes with every call of an API, and the library's way of reading
// it takes a third of its time. False for any other, which the library answers.
func (r *Room) introspection(w http.ResponseWriter, req *http.Request) bool {
	if req.Header.Get("Authorization") != "" || req.ParseForm() != nil {
		return false
	}
	f := req.PostForm
	id, secret, text := f.Get("client_id"), f.Get("client_secret"), f.Get("token")
	if id == "" || secret == "" || text == "" || f.Has("client_assertion") {
		return false
	}
	out, err := r.introspect(req.Context(), id, secret, text)
	if err != nil {
		r.refuse(w, req, err)
		return true
	}
	writeJSON(w, http.StatusOK, out)
	return true
}

func (r *Room) introspect(ctx context.Context, id, secret, text string) (map[string]any, error) {
	inactive := map[string]any{"active": false}
	p, err := r.client(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && !same(secret, p.ClientSecret) {
		return inactive, nil
	}
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{accessKind, refreshKind} {
		t, err := r.find(ctx, kind, text)
		if err != nil {
			return nil, err
		}
		if t == nil || t.Provider != p.PK || !t.good(r.Store.Now()) {
			continue
		}
		claims, err := t.claims()
		if err != nil {
			return nil, err
		}
		out := make(map[string]any, len(claims)+6)
		for name, v := range claims {
			out[name] = v
		}
		out["active"], out["scope"], out["client_id"], out["exp"] = true, strings.Join(t.Scope, " "), p.ClientID, t.expires.Unix()
		if kind == accessKind {
			out["token_type"], out["aud"] = t.Terms.tokenType(), t.Terms.audience(p.ClientID)
		}
		if k := t.Terms.Key; k != "" {
			out["cnf"] = map[string]string{"jkt": k}
		}
		return out, nil
	}
	return inactive, nil
}

// Revocation implements op.Server (RFC 7009). A token of another client is left alone, and the answer is the same.
func (s *server) Revocation(ctx context.Context, req *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	r, p := s.r, req.Client.(client).p
	for _, kind := range []string{accessKind, refreshKind} {
		t, err := r.find(ctx, kind, req.Data.Token)
		if err != nil {
			return nil, s.broken(ctx, err)
		}
		if t == nil || t.Provider != p.PK {
			continue
		}
		err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			if kind == refreshKind { // what came from it goes too (RFC 7009 section 2.1)
				_, err := tx.Exec(`DELETE FROM oauth_tokens WHERE family = ? AND family <> ''`, t.Family)
				return err
			}
			_, err := tx.Exec(`DELETE FROM oauth_tokens WHERE pk = ?`, t.pk)
			return err
		})
		if err != nil {
			return nil, s.broken(ctx, err)
		}
	}
	return op.NewResponse(struct{}{}), nil
}
