package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/arrival"
	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/store"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Mux is where addresses are hung.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Room signs people in at OAuth sources.
type Room struct {
	Store    *store.Store
	Sessions *session.Room
	Arrivals *arrival.Room
	Events   *event.Log
	Client   *http.Client
	Log      *slog.Logger

	Journal source.Journal
}

// Mount hangs the addresses.
func (r *Room) Mount(mux Mux) {
	mux.Handle("GET /source/oauth/login/{slug}/{$}", http.HandlerFunc(r.login))
	mux.Handle("GET /source/oauth/callback/{slug}/{$}", http.HandlerFunc(r.callback))
}

const maxAnswer = 1 << 20 // bytes of an answer of the other side

// speaks says how the accounts of a kind are read; kinds that are not here can be kept and not signed in with yet.
type speaks struct {
	scopes   []string
	ids      []string // the claims that name the account, the first that is there
	username []string
}

var spoken = map[string]speaks{
	"openidconnect": {[]string{"openid", "email", "profile"}, []string{"sub"}, []string{"nickname", "preferred_username"}},
	"gitlab":        {[]string{"read_user", "openid", "profile", "email"}, []string{"id", "sub"}, []string{"preferred_username", "nickname"}},
	"okta":          {[]string{"openid", "email", "profile"}, []string{"sub"}, []string{"nickname", "preferred_username"}},
}

// urls are the addresses of the other side: those of the source, else those of its kind.
type urls struct{ authorize, token, profile, jwks string }

func (s *Source) urls() urls {
	t := typeOf(s.ProviderType)
	pick := func(own *string, usual *string) string {
		if t.Customizable && own != nil && *own != "" {
			return *own
		}
		if usual != nil {
			return *usual
		}
		return ""
	}
	return urls{pick(s.AuthorizationURL, t.Authorization), pick(s.AccessTokenURL, t.AccessToken), pick(s.ProfileURL, t.Profile), s.jwksURL()}
}

func (s *Source) jwksURL() string {
	if t := typeOf(s.ProviderType); s.JWKSURL == "" && t.JWKS != nil {
		return *t.JWKS
	}
	return s.JWKSURL
}

func (s *Source) wellKnown() string {
	if t := typeOf(s.ProviderType); s.WellKnownURL == "" && t.WellKnown != nil {
		return *t.WellKnown
	}
	return s.WellKnownURL
}

// scopes gives what is asked for: what the kind asks and what the source adds, or only the latter after an asterisk (protocols.md 9.2).
func (s *Source) scopes() []string {
	out := slices.Clone(spoken[s.ProviderType].scopes)
	more := s.AdditionalScopes
	if strings.HasPrefix(more, "*") {
		out, more = nil, more[1:]
	}
	out = append(out, strings.Fields(more)...)
	slices.Sort(out)
	return slices.Compact(out)
}

// find gives an enabled source; nil when there is none.
func (r *Room) find(ctx context.Context, slug string) (*Source, error) {
	s, err := store.Find[Source](ctx, r.Store, "slug", slug)
	if fault.Is(err, fault.NotFound) || err == nil && !s.Enabled {
		return nil, nil
	}
	return s, err
}

// login sends the browser to the other side.
func (r *Room) login(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	s, err := r.find(ctx, req.PathValue("slug"))
	if err != nil {
		r.fail(w, req, nil, err)
		return
	}
	if s == nil {
		r.Arrivals.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
		return
	}
	if _, ok := spoken[s.ProviderType]; !ok {
		r.fail(w, req, s, fault.New(fault.Invalid, "Accounts of "+typeOf(s.ProviderType).VerboseName+" can't be used to sign in yet."))
		return
	}
	if s, err = r.Complete(ctx, s); err != nil {
		r.fail(w, req, s, err)
		return
	}
	to, err := url.Parse(s.urls().authorize)
	if err != nil || to.Host == "" {
		r.fail(w, req, s, fault.New(fault.Invalid, "The source has no address to sign in at."))
		return
	}
	away := session.Away{Source: s.PK, Next: req.URL.Query().Get("next"), Verifier: crypt.ID(64)}
	state := crypt.ID(32)
	q := to.Query()
	set := func(name, value string) {
		if !q.Has(name) { // what the address says itself wins
			q.Set(name, value)
		}
	}
	scopes := s.scopes()
	if slices.Contains(scopes, "openid") {
		away.Nonce = crypt.ID(32)
		set("nonce", away.Nonce)
	}
	sum := sha256.Sum256([]byte(away.Verifier))
	set("client_id", s.ConsumerKey)
	set("response_type", "code")
	set("scope", strings.Join(scopes, " "))
	q.Set("redirect_uri", callbackOf(ctx, s))
	q.Set("state", state)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
	q.Set("code_challenge_method", "S256")
	to.RawQuery = q.Encode()

	if _, err := r.Arrivals.Leave(w, req, state, away); err != nil {
		r.fail(w, req, s, err)
		return
	}
	r.note(ctx, s, source.Message{What: "Authorization request", Sent: true, Good: true})
	http.Redirect(w, req, to.String(), http.StatusFound)
}

func callbackOf(ctx context.Context, s *Source) string {
	return source.Address(ctx) + "/source/oauth/callback/" + s.Slug + "/"
}

// wrong is what failed at the other side, in words for the person.
type wrong struct {
	say    string
	detail string // for the log
}

func (e *wrong) Error() string { return e.say + " " + e.detail }

// fail shows that a sign-in did not work, and tells admins why.
func (r *Room) fail(w http.ResponseWriter, req *http.Request, s *Source, err error) {
	ctx := req.Context()
	var no *wrong
	f := fault.As(err)
	say, why := "", err.Error()
	status := http.StatusBadRequest
	switch {
	case errors.As(err, &no):
		say = "Authentication failed: " + no.say
	case f.Kind == fault.Invalid || f.Kind == fault.Unavailable:
		say = f.Say
	default:
		status = http.StatusInternalServerError
	}
	r.Log.WarnContext(ctx, "sign-in at a source failed", "error", why, "logger", "gatehouse.source.oauth")
	if s != nil {
		r.note(ctx, s, source.Message{What: "Authorization response", Says: why})
		if e := r.Events.Emit(ctx, event.ConfigurationError, map[string]any{"message": why, "source": event.Model(r.Store.KindFor(s), s.PK, s.Name)}); e != nil {
			r.Log.ErrorContext(ctx, "the event of a failed sign-in can't be written", "error", e)
		}
	}
	if status == http.StatusInternalServerError {
		r.Arrivals.Browser.Problem(w, req, status, "flow.error.title", "")
		return
	}
	r.Arrivals.Browser.Problem(w, req, status, "flow.source.failed", say)
}

// callback takes the browser back from the other side.
func (r *Room) callback(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	s, err := r.find(ctx, req.PathValue("slug"))
	if err != nil {
		r.fail(w, req, nil, err)
		return
	}
	if s == nil {
		r.Arrivals.Browser.Problem(w, req, http.StatusNotFound, "flow.error.not_found", "")
		return
	}
	at := session.Of(ctx)
	away, err := r.back(ctx, at, s, req.URL.Query().Get("state"))
	if err != nil {
		r.fail(w, req, s, err)
		return
	}
	v, err := r.visitor(ctx, s, away, req.URL.Query())
	if err != nil {
		r.fail(w, req, s, err)
		return
	}
	r.note(ctx, s, source.Message{What: "Authorization response", Good: true, About: v.Identifier})
	r.Arrivals.Arrive(w, req, v)
}

// note remembers a message.
func (r *Room) note(ctx context.Context, s *Source, m source.Message) {
	m.At, m.ClientIP = r.Store.Now(), store.ActorOf(ctx).HTTP.ClientIP
	r.Journal.Note(s.PK, m)
}

// back gives the sign-in that a state belongs to; it counts once.
func (r *Room) back(ctx context.Context, at *session.Session, s *Source, state string) (*session.Away, error) {
	bad := &wrong{"State check failed.", "The answer does not belong to a sign-in of this browser, or took too long."}
	if at == nil || state == "" {
		return nil, bad
	}
	away := r.Arrivals.Away(ctx, s.PK, state)
	if err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return arrival.Back(tx, at, state) }); err != nil {
		return nil, err
	}
	if away == nil {
		return nil, bad
	}
	return away, nil
}

// visitor asks the other side who came.
func (r *Room) visitor(ctx context.Context, s *Source, away *session.Away, q url.Values) (*arrival.Visitor, error) {
	if code := q.Get("error"); code != "" {
		say := q.Get("error_description")
		if say == "" {
			say = code
		}
		return nil, &wrong{clip(say), "error=" + clip(code)}
	}
	if q.Get("code") == "" {
		return nil, &wrong{"Could not retrieve token.", "The answer has no code."}
	}
	s, err := r.Complete(ctx, s)
	if err != nil {
		return nil, err
	}
	at := s.urls()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {callbackOf(ctx, s)}, "client_id": {s.ConsumerKey}, "client_secret": {s.ConsumerSecret}, "code_verifier": {away.Verifier},
	}
	var t struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		IDToken     string `json:"id_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	err = r.ask(ctx, http.MethodPost, at.token, form.Encode(), "", &t)
	if err == nil && t.Error != "" {
		err = errors.New(clip(t.Error + ": " + t.Description))
	}
	if err == nil && t.AccessToken == "" {
		err = errors.New("the answer holds no access_token")
	}
	if err != nil {
		return nil, &wrong{"Could not retrieve token.", err.Error()}
	}
	var vouched map[string]any
	if t.IDToken != "" {
		if vouched, err = r.idToken(ctx, s, t.IDToken, away.Nonce); err != nil {
			return nil, &wrong{"The ID token is not good.", err.Error()}
		}
	}
	info := map[string]any{}
	switch {
	case at.profile != "":
		if err := r.ask(ctx, http.MethodGet, at.profile, "", "Bearer "+t.AccessToken, &info); err != nil {
			return nil, &wrong{"Could not retrieve profile.", err.Error()}
		}
		if sub := text(vouched["sub"]); sub != "" && text(info["sub"]) != "" && text(info["sub"]) != sub { // OpenID Connect Core 5.3.2
			return nil, &wrong{"Could not retrieve profile.", "The profile is about somebody else than the ID token."}
		}
	case vouched != nil:
		info = vouched
	default:
		return nil, &wrong{"Could not retrieve profile.", "The source has no address of profiles, and no ID token that can be verified came."}
	}
	return s.read(info, t.AccessToken, away.Next)
}

// read makes a visitor of a profile.
func (s *Source) read(info map[string]any, token, next string) (*arrival.Visitor, error) {
	how := spoken[s.ProviderType]
	first := func(names []string) string {
		for _, n := range names {
			if t := text(info[n]); t != "" {
				return t
			}
		}
		return ""
	}
	id := first(how.ids)
	if id == "" {
		return nil, &wrong{"Could not determine id.", "The profile has none of " + strings.Join(how.ids, ", ") + "."}
	}
	v := &arrival.Visitor{
		Source: s, Connection: connection, Identifier: id, Secret: token, Next: next, Username: first(how.username), Email: text(info["email"]), Name: text(info["name"]),
		Extra: map[string]any{"oauth_userinfo": info},
	}
	if verified, said := info["email_verified"].(bool); said && !verified {
		v.Email = "" // anybody can claim an address that nobody checked
	}
	return v, nil
}

// text gives a claim as text; numbers as they stand.
func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case float64:
		return fmt.Sprintf("%.0f", x)
	}
	return ""
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// ask sends a request to the other side and reads the JSON of its answer. token is the Authorization header, "" for none.
func (r *Room) ask(ctx context.Context, method, to, form, token string, into any) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := r.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return err
	}
	if len(b) > maxAnswer {
		return errors.New("the answer is too long")
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(into); err != nil || res.StatusCode >= 500 {
		return fmt.Errorf("%s answered %s: %s", to, res.Status, clip(string(b)))
	}
	if res.StatusCode >= 400 && method == http.MethodGet {
		return fmt.Errorf("%s answered %s: %s", to, res.Status, clip(string(b)))
	}
	return nil
}

var idAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.HS256}

// idToken verifies an ID token (OpenID Connect Core 3.1.3.7). Without any key of the other side it gives nothing: the profile, which the
// server itself fetched, decides then.
func (r *Room) idToken(ctx context.Context, s *Source, raw, nonce string) (map[string]any, error) {
	parsed, err := jwt.ParseSigned(raw, idAlgorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, errors.New("the ID token is no signed JWT")
	}
	h := parsed.Headers[0]
	var std jwt.Claims
	claims := map[string]any{}
	known := false
	verify := func(s *Source) error {
		if h.Algorithm == string(jose.HS256) { // Core 10.1: signed with the client's secret
			known = true
			return parsed.Claims([]byte(s.ConsumerSecret), &std, &claims)
		}
		err := errors.New("no key of the source fits the ID token")
		for _, k := range s.keys().Keys {
			if h.KeyID != "" && k.KeyID != h.KeyID || !k.IsPublic() || k.Algorithm != "" && k.Algorithm != h.Algorithm {
				continue
			}
			known = true
			if err = parsed.Claims(k.Key, &std, &claims); err == nil {
				return nil
			}
		}
		return err
	}
	if err := verify(s); err != nil {
		fresh, e := r.Refresh(ctx, s) // the other side may have changed its keys
		if e == nil {
			err = verify(fresh)
		}
		if err != nil && !known && len(s.keys().Keys) == 0 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	now := r.Store.Now()
	switch {
	case s.issuer() != "" && std.Issuer != s.issuer():
		return nil, fmt.Errorf("the ID token is of %s, not of %s", clip(std.Issuer), s.issuer())
	case !std.Audience.Contains(s.ConsumerKey):
		return nil, errors.New("the ID token is for another client")
	case len(std.Audience) > 1 && text(claims["azp"]) != s.ConsumerKey:
		return nil, errors.New("the ID token was made for another client")
	case std.Expiry == nil || now.After(std.Expiry.Time().Add(time.Minute)):
		return nil, errors.New("the ID token is too old")
	case nonce != "" && subtle.ConstantTimeCompare([]byte(text(claims["nonce"])), []byte(nonce)) != 1:
		return nil, errors.New("the ID token belongs to another sign-in")
	case std.Subject == "":
		return nil, errors.New("the ID token is about nobody")
	}
	return claims, nil
}

// issuer gives the issuer that the well-known address stands for (OpenID Connect Discovery 1.0 section 4), "" without one.
func (s *Source) issuer() string {
	if iss, ok := strings.CutSuffix(s.WellKnownURL, "/.well-known/openid-configuration"); ok {
		if known, _ := s.JWKS["issuer"].(string); known == iss || known == iss+"/" {
			return known
		}
	}
	return ""
}

// keys gives the stored keys of the other side.
func (s *Source) keys() (set jose.JSONWebKeySet) {
	b, err := json.Marshal(map[string]any{"keys": s.JWKS["keys"]})
	if err == nil {
		err = json.Unmarshal(b, &set)
	}
	if err != nil {
		return jose.JSONWebKeySet{}
	}
	return set
}

// Complete reads what a source does not know of the other side yet.
func (r *Room) Complete(ctx context.Context, s *Source) (*Source, error) {
	at := s.urls()
	if at.authorize != "" && at.token != "" && (len(s.keys().Keys) > 0 || s.jwksURL() == "" && s.wellKnown() == "") {
		return s, nil
	}
	fresh, err := r.Refresh(ctx, s)
	if err == nil {
		return fresh, nil
	}
	if at.authorize != "" && at.token != "" { // a network without internet: what is known is enough
		r.Log.WarnContext(ctx, "a source can't be read", "source", s.Slug, "error", err, "logger", "gatehouse.source.oauth")
		return s, nil
	}
	return s, fault.Wrap(fault.Invalid, "The source does not answer at its well-known address.", err)
}

// Refresh reads the configuration and the keys of the other side and stores what is new.
func (r *Room) Refresh(ctx context.Context, s *Source) (*Source, error) {
	known := struct {
		Issuer    string `json:"issuer"`
		Authorize string `json:"authorization_endpoint"`
		Token     string `json:"token_endpoint"`
		Userinfo  string `json:"userinfo_endpoint"`
		JWKS      string `json:"jwks_uri"`
	}{}
	if to := s.wellKnown(); to != "" {
		if err := r.ask(ctx, http.MethodGet, to, "", "", &known); err != nil {
			return s, err
		}
		if known.Issuer == "" {
			return s, errors.New("the well-known address gives no configuration")
		}
	}
	keys := s.JWKS
	from := s.JWKSURL
	for _, other := range []string{known.JWKS, s.jwksURL()} {
		if from == "" {
			from = other
		}
	}
	if from != "" {
		keys = map[string]any{}
		if err := r.ask(ctx, http.MethodGet, from, "", "", &keys); err != nil {
			return s, err
		}
		if known.Issuer != "" && s.WellKnownURL != "" {
			keys["issuer"] = known.Issuer
		}
	}
	var out *Source
	err := r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		obj, err := tx.Get(r.Store.KindFor(s), s.PK)
		if err != nil {
			return err
		}
		next := *obj.(*Source)
		out = &next
		next.JWKS = keys
		if typeOf(next.ProviderType).Customizable {
			for _, a := range []struct {
				own  **string
				seen string
			}{{&next.AuthorizationURL, known.Authorize}, {&next.AccessTokenURL, known.Token}, {&next.ProfileURL, known.Userinfo}} {
				if (*a.own == nil || **a.own == "") && a.seen != "" {
					*a.own = &a.seen
				}
			}
			if next.JWKSURL == "" && known.JWKS != "" {
				next.JWKSURL = known.JWKS
			}
		}
		before, err1 := json.Marshal(obj)
		after, err2 := json.Marshal(&next)
		if err := errors.Join(err1, err2); err != nil || string(before) == string(after) {
			return err
		}
		return tx.Update(&next)
	})
	if err != nil {
		return s, err
	}
	return out, nil
}

// RefreshAll reads every source again and says what it did.
func (r *Room) RefreshAll(ctx context.Context) (did []string, err error) {
	all, err := store.All[Source](ctx, r.Store, store.Query{})
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.wellKnown() == "" && s.jwksURL() == "" {
			continue
		}
		if _, e := r.Refresh(ctx, s); e != nil {
			did = append(did, s.Name+": "+e.Error())
			continue
		}
		did = append(did, s.Name+" was read.")
	}
	return did, nil
}
