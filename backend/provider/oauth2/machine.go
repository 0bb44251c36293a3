package oauth2

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	signin "gatehouse/backend/auth"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/user"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The grants that the library has no way for (protocols.md 1.6, 1.8, 1.9).
const (
	clientCredentials = "client_credentials"
	passwordGrant     = "password"
	deviceGrant       = "urn:ietf:params:oauth:grant-type:device_code"
	jwtBearer         = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// eventApp is what events name this provider.
const eventApp = "authentik.providers.oauth2"

func ownGrant(grant string) bool {
	return grant == clientCredentials || grant == passwordGrant || grant == deviceGrant
}

// refused is an error that the token endpoint tells (RFC 6749 section 5.2).
type refused struct {
	code, text string
	status     int // 0: 400

	cause, came, expected string // what an admin reads beside the text; "" for what the code says alone
}

func (r *refused) Error() string { return r.code + ": " + r.text }

func noGrant(text string) error { return &refused{code: "invalid_grant", text: text} }

// ownToken answers the token endpoint for the grants that are ours alone.
func (r *Room) ownToken(w http.ResponseWriter, req *http.Request, grant string) {
	var m *minted
	var err error
	defer func() {
		var no *refused
		if errors.As(err, &no) {
			if p, _, err := r.caller(req); err == nil {
				r.explainRefusal(req.Context(), p, "token", no)
			}
		}
	}()
	if grant == deviceGrant {
		m, err = r.deviceToken(req)
	} else {
		m, err = r.machine(req, grant)
	}
	if err != nil {
		r.refuse(w, req, err)
		return
	}
	writeJSON(w, http.StatusOK, m.told())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone away
}

// caller gives the client of a request to the token endpoint with the secret that it sent, from the header or the form.
func (r *Room) caller(req *http.Request) (p *Provider, secret string, err error) {
	id := req.PostForm.Get("client_id")
	secret = req.PostForm.Get("client_secret")
	header := false
	if user, pass, ok := req.BasicAuth(); ok { // guard brought both ways of writing it into the form-encoded one
		id, secret, header = unescape(user), unescape(pass), true
	}
	p, err = r.client(req.Context(), id)
	if fault.Is(err, fault.NotFound) {
		r.nobody(req.Context(), "token", id)
		no := &refused{code: "invalid_client", text: "There is no such client."}
		if header {
			no.status = http.StatusUnauthorized
		}
		return nil, "", no
	}
	return p, secret, err
}

// machine is a sign-in without a browser: client_credentials, and password, which the release treats the same.
func (r *Room) machine(req *http.Request, grantType string) (*minted, error) {
	ctx := req.Context()
	p, secret, err := r.caller(req)
	if err != nil {
		return nil, err
	}
	app, err := r.app(ctx, p)
	if err != nil {
		return nil, err
	}
	if app == nil {
		return nil, noGrant("The provider belongs to no application.")
	}
	scope, err := r.allowedScopes(ctx, p, req.PostForm.Get("scope"))
	if err != nil {
		return nil, err
	}
	scope = slices.DeleteFunc(scope, func(s string) bool { return s == "offline_access" }) // there is nobody who could be offline
	c := &arrival{p: p, app: app.Slug, scope: scope, facts: map[string]any{"oauth_scopes": scope, "oauth_grant_type": grantType, "oauth_code_verifier": req.PostForm.Get("code_verifier")}}
	c.may = func(ctx context.Context, u *user.User) (bool, error) {
		ok, _, err := r.Apps.Allowed(ctx, app, u, c.facts)
		return ok, err
	}
	username, password := req.PostForm.Get("username"), req.PostForm.Get("password")
	switch kind := req.PostForm.Get("client_assertion_type"); {
	case kind == jwtBearer:
		err = r.asserted(ctx, c, first(req.PostForm.Get("client_assertion"), req.PostForm.Get("client_secret")))
	case kind != "":
		return nil, noGrant("This server takes assertions of the type " + jwtBearer + ".")
	case username != "":
		err = r.appPassword(ctx, c, username, password)
	case same(secret, p.ClientSecret):
		err = r.ownAccount(ctx, c, app.Name)
	default:
		name, key, ok := pairOf(secret)
		if !ok {
			no := &refused{code: "invalid_grant", text: "The client_secret is wrong.", cause: "client_secret"}
			no.came, no.expected = lengths(secret, p.ClientSecret)
			return nil, no
		}
		err = r.appPassword(ctx, c, name, key)
	}
	if err != nil {
		return nil, err
	}
	g := &grant{Provider: p.PK, User: c.user.PK, Scope: scope, Auth: auth{Time: r.Store.Now(), Method: c.method}}
	if g.Terms.Resources, err = narrowed(p, nil, req.PostForm["resource"]); err != nil {
		return nil, err
	}
	if g.Terms.Key, err = r.binding(ctx, p, "", true); err != nil {
		return nil, err
	}
	m, err := r.mint(ctx, p, app.Slug, base(ctx), g, c.user, wanted{access: true, id: true})
	if err != nil {
		return nil, err
	}
	err = r.Store.WriteBare(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := r.Events.EmitTx(tx, event.Entry{
			Action: event.Login, App: eventApp, User: &event.Who{PK: c.user.PK, Username: c.user.Username, Email: c.user.Email},
			Context: map[string]any{"auth_method": c.method, "auth_method_args": c.args},
		}); err != nil {
			return err
		}
		if err := r.spendProof(ctx, tx); err != nil {
			return err
		}
		return r.keep(tx, g, m)
	})
	return m, err
}

// arrival is a program that signs in, and what is known of it.
type arrival struct {
	p      *Provider
	app    string // slug
	scope  []string
	facts  map[string]any // for policies
	may    func(ctx context.Context, u *user.User) (bool, error)
	user   *user.User
	method string
	args   map[string]any
}

func (c *arrival) let(ctx context.Context, u *user.User) error {
	ok, err := c.may(ctx, u)
	if err == nil && !ok {
		err = noGrant("This account may not use the application.")
	}
	return err
}

// appPassword lets somebody in by an app password of their own; wrong ones count as they do in flows.
func (r *Room) appPassword(ctx context.Context, c *arrival, username, password string) error {
	ip := store.ActorOf(ctx).HTTP.ClientIP
	out, err := r.Auth.Check(ctx, []string{signin.Token}, username, password)
	if f := fault.As(err); err != nil && f.Kind != fault.Internal && f.Kind != fault.Unavailable {
		return noGrant(f.Say)
	}
	if err != nil {
		return err
	}
	if out == nil {
		err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			if err := user.Failed(tx, username, ip); err != nil {
				return err
			}
			return r.Events.EmitTx(tx, event.Entry{Action: event.LoginFailed, App: "authentik.providers.oauth2", Context: map[string]any{"username": username, "provider": reference(c.p)}})
		})
		return errors.Join(err, noGrant("The username or the app password is wrong."))
	}
	if err := c.let(ctx, out.User); err != nil {
		return err
	}
	c.user, c.method, c.args = out.User, "token", out.Args
	if failed, known, err := r.Users.Past(ctx, username, ip); err != nil || known && !failed {
		return err
	}
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return user.Succeeded(tx, username, ip) })
}

// ownAccount lets the client in by its own secret, as an account that Gatehouse keeps for it.
func (r *Room) ownAccount(ctx context.Context, c *arrival, app string) error {
	name := []rune(c.p.Name)
	if len(name) > 128 {
		name = name[:128]
	}
	c.method, c.args = "oauth_client_secret", map[string]any{"provider": reference(c.p)}
	return r.account(ctx, c, "ak-"+string(name)+"-client_credentials", "Autogenerated user from application "+app+" (client credentials)", "goauthentik.io/apps/"+c.app, nil)
}

// asserted lets a program in by a JWT that a trusted source signed.
func (r *Room) asserted(ctx context.Context, c *arrival, text string) error {
	bad := noGrant("The assertion was not signed by a source that this client trusts, or its time is over.")
	parsed, err := jwt.ParseSigned(text, assertionAlgorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return noGrant("The assertion is no signed JWT.")
	}
	kid := parsed.Headers[0].KeyID
	for _, pk := range c.p.JWKSSources {
		trusted, err := r.Trusted(ctx, pk)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, key := range trusted.Keys.Keys {
			if kid != "" && key.KeyID != kid || !key.IsPublic() || key.Algorithm != "" && key.Algorithm != parsed.Headers[0].Algorithm {
				continue
			}
			var std jwt.Claims
			claims := map[string]any{}
			if parsed.Claims(key.Key, &std, &claims) != nil || std.Subject == "" {
				continue
			}
			now := r.Store.Now()
			if std.Expiry != nil && !now.Before(std.Expiry.Time()) || std.NotBefore != nil && now.Before(std.NotBefore.Time()) {
				return bad
			}
			c.facts = maps.Clone(c.facts)
			c.facts["oauth_jwt"] = claims
			c.method, c.args = "jwt", map[string]any{"jwt": claims, "source": trusted.Reference, "jwk_id": kid}
			var ends *int64
			if std.Expiry != nil {
				at := std.Expiry.Time().Unix()
				ends = &at
			}
			a, err := r.app(ctx, c.p)
			if err != nil {
				return err
			}
			return r.account(ctx, c, c.p.Name+"-"+std.Subject, "Autogenerated user from application "+a.Name+" (client credentials JWT)", trusted.Path, ends)
		}
	}
	return bad
}

// assertionAlgorithms are those of keys that can be published: a shared secret signs no assertion of a source.
var assertionAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// Trusted is a source whose JWTs let programs in.
type Trusted struct {
	Keys      jose.JSONWebKeySet
	Path      string // of the accounts that it brings
	Reference map[string]any
}

// generated is the attribute of accounts that the house made by itself.
const generated = "goauthentik.io/user/generated"

// account gives the service account of a program, made when it is not there yet. Somebody else's account of that name is left alone.
func (r *Room) account(ctx context.Context, c *arrival, username, name, path string, ends *int64) error {
	u, err := r.program(ctx, username)
	if err != nil {
		return err
	}
	fresh := u == nil
	if fresh {
		u = store.KindOf[user.User](r.Store).New().(*user.User)
		u.Username, u.IsActive = username, true
		u.Attributes = map[string]any{}
		if ends != nil {
			u.Attributes["goauthentik.io/user/expires"] = *ends
		}
	} else if made, _ := u.Attributes[generated].(bool); !made || u.Type != user.ServiceAccount {
		return noGrant("An account with the name " + clip(username) + " exists and was not made for this client.")
	}
	if !u.IsActive {
		return noGrant("The account of this client is switched off.")
	}
	if err := c.let(ctx, u); err != nil {
		return err
	}
	c.user = u
	if !fresh && u.Name == name && u.Path == path {
		return nil
	}
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		if fresh {
			// Somebody may have been faster: a program often begins with many requests at once.
			if now, err := store.FindTx[user.User](tx, "username", username); err == nil {
				made, _ := now.Attributes[generated].(bool)
				if !made || now.Type != user.ServiceAccount || !now.IsActive {
					return noGrant("An account with the name " + clip(username) + " exists and was not made for this client.")
				}
				c.user = now
				return nil
			} else if !fault.Is(err, fault.NotFound) {
				return err
			}
			copied := *u
			copied.Attributes = maps.Clone(u.Attributes)
			copied.Name, copied.Path, copied.Type = name, path, user.ServiceAccount
			copied.Attributes[generated] = true
			c.user = &copied
			return tx.Create(&copied)
		}
		now, err := user.ByPKTx(tx, u.PK)
		if err != nil {
			return err
		}
		next := *now
		next.Name, next.Path = name, path
		c.user = &next
		return tx.Update(&next)
	})
}

// program finds the account of a program by its name, nil when there is none: with the key that was found the last time, which is quicker.
func (r *Room) program(ctx context.Context, username string) (*user.User, error) {
	if pk, ok := r.programs.Load(username); ok {
		u, err := r.Users.ByPK(ctx, pk.(int64))
		if err == nil && u.Username == username {
			return u, nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		r.programs.Delete(username) // renamed, or gone
	}
	u, err := r.Users.ByUsername(ctx, username)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err == nil {
		r.programs.Store(username, u.PK)
	}
	return u, err
}

// allowedScopes leaves of what was asked what the client may have (CVE-2024-52287).
func (r *Room) allowedScopes(ctx context.Context, p *Provider, asked string) ([]string, error) {
	known, err := r.scopes(ctx, p)
	if err != nil {
		return nil, err
	}
	names, out := known.names(), []string{}
	for s := range strings.FieldsSeq(asked) {
		if slices.Contains(names, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// pairOf takes a client secret apart that is a username and an app password in base64.
func pairOf(secret string) (name, key string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(b), ":")
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
