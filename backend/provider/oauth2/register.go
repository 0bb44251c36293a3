package oauth2

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/application"
	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Dynamic client registration (RFC 7591) and management (RFC 7592), for who holds the house's initial access token, while an admin lets it.

const registerPath = "/application/o/register/"

// registrationFlow is the authorization flow of applications that registered themselves: people are asked.
const registrationFlow = "default-provider-authorization-explicit-consent"

// Registration is whether applications may register themselves.
type Registration struct {
	Enabled bool       `json:"enabled" is:"required" help:"Applications that have the initial access token may register themselves."`
	Token   bool       `json:"token" is:"readonly" help:"An initial access token was made."`
	Made    *time.Time `json:"made" is:"readonly,nullable" format:"date-time" help:"When the token was made."`
}

// SchemaName implements kind.SchemaNamer.
func (Registration) SchemaName() string { return "OAuth2Registration" }

// InitialToken is an initial access token, shown once.
type InitialToken struct {
	Token    string `json:"token" is:"required,readonly"`
	Endpoint string `json:"endpoint" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (InitialToken) SchemaName() string { return "OAuth2InitialToken" }

// registration is the stored setting; the zero one while nobody set it.
type registration struct {
	enabled bool
	hash    string
	made    int64
}

func (r *Room) registration(ctx context.Context) (out registration, err error) {
	err = r.Store.DB().QueryRow(ctx, `SELECT enabled, hash, made FROM oauth_registration WHERE id = 1`).Scan(&out.enabled, &out.hash, &out.made)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return out, err
}

func (r *Room) registrationActions(of func(ctx context.Context, key string) (string, error)) []kind.Action {
	show := func(ctx context.Context) (Registration, error) {
		s, err := r.registration(ctx)
		out := Registration{Enabled: s.enabled, Token: s.hash != ""}
		if s.made != 0 {
			at := time.UnixMicro(s.made)
			out.Made = &at
		}
		return out, err
	}
	get := kind.Do("GET", "gatehouse/oauth2/registration", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Registration, error) { return show(ctx) })
	get.Summary, get.Perm = "Whether applications may register themselves.", "authentik_rbac.view_system_settings"
	put := kind.Do("PUT", "gatehouse/oauth2/registration", func(ctx context.Context, _ *kind.Call, in *Registration) (Registration, error) {
		err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			tx.AfterCommit(r.docs.Forget)
			_, err := tx.Exec(`INSERT INTO oauth_registration (id, enabled, hash, made) VALUES (1, ?, '', 0) ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled`, in.Enabled)
			return err
		})
		if err != nil {
			return Registration{}, err
		}
		return show(ctx)
	})
	put.Summary, put.Perm = "Says whether applications may register themselves.", "authentik_rbac.edit_system_settings"
	fresh := kind.Do("POST", "gatehouse/oauth2/registration/token", func(ctx context.Context, _ *kind.Call, _ *kind.None) (InitialToken, error) {
		text := crypt.ID(64)
		err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO oauth_registration (id, enabled, hash, made) VALUES (1, 0, ?, ?) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, made = excluded.made`, r.index("initial", text), tx.Now.UnixMicro())
			return err
		})
		return InitialToken{text, base(ctx) + registerPath}, err
	})
	fresh.Summary, fresh.Perm, fresh.Status = "Makes the initial access token anew; the one before counts no more.", "authentik_rbac.edit_system_settings", 201
	end := kind.Do("DELETE", "gatehouse/oauth2/registration/token", func(ctx context.Context, _ *kind.Call, _ *kind.None) (kind.None, error) {
		return kind.None{}, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE oauth_registration SET hash = '', made = 0`)
			return err
		})
	})
	end.Summary, end.Perm, end.Status = "Takes the initial access token back; applications that registered with it stay.", "authentik_rbac.edit_system_settings", 204
	list := kind.Do("GET", "gatehouse/oauth2/registration/clients", r.selfMade)
	list.Summary, list.Perm = "The applications that registered themselves.", "authentik_providers_oauth2.view_oauth2provider"
	drop := kind.Do("DELETE", "gatehouse/oauth2/registration/clients/{id}", func(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
		p, err := store.Get[Provider](ctx, r.Store, c.Key)
		if err == nil && p.RegisteredBy == "" {
			err = fault.New(fault.NotFound, "This application did not register itself.")
		}
		if err != nil {
			return kind.None{}, err
		}
		return kind.None{}, r.unregister(ctx, p)
	})
	drop.Summary, drop.Perm, drop.Of, drop.Status = "Removes an application that registered itself, with its provider.", "authentik_providers_oauth2.delete_oauth2provider", of, 204
	drop.Also = []string{"authentik_core.delete_application"}
	return []kind.Action{get, put, fresh, end, list, drop}
}

// SelfMade is an application that registered itself. Slug is empty when its application is gone.
type SelfMade struct {
	Provider     int64    `json:"provider" is:"required,readonly"`
	Name         string   `json:"name" is:"required,readonly" help:"As it calls itself."`
	Slug         string   `json:"slug" is:"required,readonly"`
	ClientID     string   `json:"client_id" is:"required,readonly"`
	RedirectURIs []string `json:"redirect_uris" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (SelfMade) SchemaName() string { return "OAuth2SelfRegistered" }

// SelfMadeList are those that there are.
type SelfMadeList struct {
	Clients []SelfMade `json:"clients" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (SelfMadeList) SchemaName() string { return "OAuth2SelfRegisteredList" }

func (r *Room) selfMade(ctx context.Context, _ *kind.Call, _ *kind.None) (SelfMadeList, error) {
	out := SelfMadeList{Clients: []SelfMade{}}
	all, err := store.All[Provider](ctx, r.Store, store.Query{Order: []string{"name"}})
	if err != nil {
		return out, err
	}
	for _, p := range all {
		if p.RegisteredBy == "" {
			continue
		}
		one := SelfMade{Provider: p.PK, Name: p.Name, ClientID: p.ClientID, RedirectURIs: strings.Fields(p.RedirectURIs)}
		var m metadata
		if json.Unmarshal([]byte(p.Described), &m) == nil && m.Name != "" {
			one.Name = m.Name
		}
		app, err := r.app(ctx, p)
		if err != nil {
			return out, err
		}
		if app != nil {
			one.Slug = app.Slug
		}
		out.Clients = append(out.Clients, one)
	}
	return out, nil
}

// metadata is a client as it describes itself (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0 section 2).
type metadata struct {
	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	AuthMethod    string   `json:"token_endpoint_auth_method,omitempty"`
	GrantTypes    []string `json:"grant_types,omitempty"`
	ResponseTypes []string `json:"response_types,omitempty"`
	Name          string   `json:"client_name,omitempty"`
	URI           string   `json:"client_uri,omitempty"`
	Scope         string   `json:"scope,omitempty"`
	Application   string   `json:"application_type,omitempty"`
	SubjectType   string   `json:"subject_type,omitempty"`
	IDTokenAlg    string   `json:"id_token_signed_response_alg,omitempty"`
	LogoutURI     string   `json:"backchannel_logout_uri,omitempty"`
	LogoutSession bool     `json:"backchannel_logout_session_required,omitempty"`
	OnlyPushed    bool     `json:"require_pushed_authorization_requests,omitempty"`
	DPoPBound     bool     `json:"dpop_bound_access_tokens,omitempty"`

	// What there is nothing of here; a client that needs it has to hear that.
	UserinfoAlg   string   `json:"userinfo_signed_response_alg,omitempty"`
	Encrypted     string   `json:"id_token_encrypted_response_alg,omitempty"`
	UserinfoEnc   string   `json:"userinfo_encrypted_response_alg,omitempty"`
	RequestObject string   `json:"request_object_signing_alg,omitempty"`
	RequestURIs   []string `json:"request_uris,omitempty"`
	Sector        string   `json:"sector_identifier_uri,omitempty"`

	// Sent back at an update.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
}

// registered is what the client gets.
type registered struct {
	metadata
	IssuedAt      int64  `json:"client_id_issued_at,omitempty"`
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"`
	Token         string `json:"registration_access_token,omitempty"`
	At            string `json:"registration_client_uri"`
}

func badMetadata(text string) error {
	return &refused{code: "invalid_client_metadata", text: text}
}

// maxRegistration bounds a client's description in bytes.
const maxRegistration = 16 << 10

// grantTypes are those that a client may register.
var grantTypes = []string{"authorization_code", "refresh_token", "implicit", clientCredentials, deviceGrant}

// check fills in defaults and says what can't be.
func (m *metadata) check() error {
	if m.AuthMethod == "" {
		m.AuthMethod = "client_secret_basic"
	}
	if m.GrantTypes == nil {
		m.GrantTypes = []string{"authorization_code"}
	}
	if m.ResponseTypes == nil && slices.Contains(m.GrantTypes, "authorization_code") {
		m.ResponseTypes = []string{"code"}
	}
	if m.Name == "" {
		m.Name = "Application"
		if len(m.RedirectURIs) > 0 {
			if u, err := url.Parse(m.RedirectURIs[0]); err == nil && u.Host != "" {
				m.Name = u.Host
			}
		}
	}
	for i, t := range m.ResponseTypes {
		if m.ResponseTypes[i] = responseType(t); m.ResponseTypes[i] == "" {
			return badMetadata("This server does not answer response_type=" + clip(t) + ".")
		}
	}
	for _, g := range m.GrantTypes {
		if !slices.Contains(grantTypes, g) {
			return badMetadata("This server has no grant " + clip(g) + " for applications that register themselves.")
		}
	}
	switch {
	case !slices.Contains([]string{"none", "client_secret_basic", "client_secret_post"}, m.AuthMethod):
		return badMetadata("This server takes client_secret_basic, client_secret_post and none.")
	case m.AuthMethod == "none" && slices.Contains(m.GrantTypes, clientCredentials):
		return badMetadata("A client without a secret can't have client_credentials.")
	case len(m.Name) > 100 || strings.ContainsFunc(m.Name, func(c rune) bool { return c < ' ' }):
		return badMetadata("The client_name is too long, or no line of text.")
	case m.SubjectType != "" && m.SubjectType != "public", m.Sector != "":
		return badMetadata("This server has the subject_type public only.")
	case m.UserinfoAlg != "" || m.Encrypted != "" || m.UserinfoEnc != "":
		return badMetadata("This server signs no userinfo and encrypts nothing.")
	case m.RequestObject != "" || len(m.RequestURIs) > 0:
		return badMetadata("This server reads no request objects.")
	case m.Application != "" && m.Application != "web" && m.Application != "native":
		return badMetadata("The application_type is web or native.")
	case m.URI != "" && !strings.HasPrefix(m.URI, "https://") && !strings.HasPrefix(m.URI, "http://"):
		return badMetadata("The client_uri has to begin with https://.")
	}
	if err := checkLogoutURI(m.LogoutURI); err != nil {
		return badMetadata("backchannel_logout_uri: " + sayOf(err))
	}
	return m.checkRedirects()
}

// checkRedirects holds the addresses to the rule that admins have too, and to exact ones.
func (m *metadata) checkRedirects() error {
	no := func(text string) error { return &refused{code: "invalid_redirect_uri", text: text} }
	if len(m.RedirectURIs) == 0 && len(m.ResponseTypes) > 0 {
		return no("The client needs redirect_uris.")
	}
	for _, uri := range m.RedirectURIs {
		u, err := url.Parse(uri)
		switch {
		case err != nil || len(strings.Fields(uri)) != 1 || isPattern(uri) || strings.Contains(uri, "*"):
			return no(clip(uri) + " is no exact address.")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			return no(clip(uri) + " has to begin with https://.")
		}
		if _, err := checkRedirects(uri); err != nil {
			return no(sayOf(err))
		}
	}
	if len(strings.Join(m.RedirectURIs, "\n")) > 8000 {
		return no("These are too many addresses.")
	}
	return nil
}

// sayOf gives the sentence of a fault, of its field where it has one.
func sayOf(err error) string {
	f := fault.As(err)
	for _, said := range f.Fields {
		return strings.Join(said, " ")
	}
	return f.Say
}

// onto writes what a client describes into its provider.
func (m *metadata) onto(tx *store.Tx, p *Provider) error {
	scopes, err := store.AllTx[ScopeMapping](tx, store.Query{})
	if err != nil {
		return err
	}
	wanted := strings.Fields(m.Scope)
	p.PropertyMappings = nil
	var given []string
	for _, s := range scopes {
		switch s.ScopeName {
		case "openid", "email", "profile", "offline_access":
			if s.Managed != nil && (len(wanted) == 0 || slices.Contains(wanted, s.ScopeName)) {
				p.PropertyMappings, given = append(p.PropertyMappings, s.PK), append(given, s.ScopeName)
			}
		}
	}
	slices.Sort(given)
	m.Scope = strings.Join(given, " ")
	p.ClientType = "confidential"
	if m.AuthMethod == "none" {
		p.ClientType = "public"
	}
	p.RedirectURIs = strings.Join(m.RedirectURIs, "\n")
	p.LogoutURI, p.LogoutSession, p.OnlyPushed, p.DPoPBound = m.LogoutURI, m.LogoutSession, m.OnlyPushed, m.DPoPBound
	kept := *m
	kept.ClientID, kept.ClientSecret = "", ""
	b, err := json.Marshal(kept)
	p.Described = string(b)
	return err
}

// Register answers the registration endpoint (RFC 7591 section 3), and with a client_id in its address that client's own.
func (r *Room) Register(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if req.URL.Query().Has("client_id") {
		r.manageClient(w, req)
		return
	}
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "Use POST.", http.StatusMethodNotAllowed)
		return
	}
	if out, err := r.register(w, req); err != nil {
		r.refuseBearer(w, req, err)
	} else {
		writeJSON(w, http.StatusCreated, out)
	}
}

func (r *Room) refuseBearer(w http.ResponseWriter, req *http.Request, err error) {
	var no *refused
	if errors.As(err, &no) && no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="`+no.code+`"`)
	}
	r.refuse(w, req, err)
}

// bearerOf gives the token of a request's header.
func bearerOf(req *http.Request) string {
	scheme, text, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(text)
}

var errNoBearer = &refused{code: "invalid_token", text: "The access token for registration is missing or wrong.", status: http.StatusUnauthorized}

// described reads what a client says of itself.
func described(w http.ResponseWriter, req *http.Request) (*metadata, error) {
	var m metadata
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxRegistration)).Decode(&m); err != nil {
		return nil, badMetadata("The body is no JSON object that describes a client, or too long.")
	}
	return &m, m.check()
}

func (r *Room) register(w http.ResponseWriter, req *http.Request) (*registered, error) {
	ctx := req.Context()
	s, err := r.registration(ctx)
	if err != nil {
		return nil, err
	}
	if !s.enabled {
		return nil, &refused{code: "not_found", text: "Applications can't register themselves here.", status: http.StatusNotFound}
	}
	if text := bearerOf(req); text == "" || s.hash == "" || subtle.ConstantTimeCompare([]byte(r.index("initial", text)), []byte(s.hash)) != 1 {
		return nil, errNoBearer
	}
	m, err := described(w, req)
	if err != nil {
		return nil, err
	}
	out := &registered{Token: crypt.ID(64)}
	var p *Provider
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		auth, err := tx.Find(tx.Store().Kind("authentik_flows.flow"), "slug", registrationFlow)
		if err != nil {
			return fault.Wrap(fault.Invalid, "The authorization flow "+registrationFlow+" is gone.", err)
		}
		pair, err := store.FindTx[cert.Pair](tx, "name", cert.SelfSignedName)
		if err != nil {
			return fault.Wrap(fault.Invalid, "The certificate "+cert.SelfSignedName+" is gone.", err)
		}
		slug, err := freeSlug(tx, m.Name)
		if err != nil {
			return err
		}
		_, made, err := application.Together(tx, map[string]any{"name": m.Name, "slug": slug, "meta_launch_url": m.URI}, Model, map[string]any{
			"name": m.Name + " (" + slug + ")", "authorization_flow": tx.Store().KindFor(auth).PK(auth), "signing_key": pair.PK, "redirect_uris": strings.Join(m.RedirectURIs, "\n"),
		})
		if err != nil {
			return err
		}
		p = made.(*Provider)
		if err := m.onto(tx, p); err != nil {
			return err
		}
		p.RegisteredBy = r.index("registration", out.Token)
		out.IssuedAt = tx.Now.Unix()
		return tx.Update(p)
	})
	if err != nil {
		return nil, unusable(err)
	}
	return out, r.fill(ctx, out, m, p)
}

// unusable tells what the house's own rules have against a description.
func unusable(err error) error {
	if f := fault.As(err); f != nil && f.Kind == fault.Invalid && len(f.Fields) > 0 {
		return badMetadata(sayOf(err))
	}
	return err
}

// fill completes what a client is told of itself.
func (r *Room) fill(ctx context.Context, out *registered, m *metadata, p *Provider) error {
	s, err := r.signerOf(ctx, p)
	if err != nil {
		return err
	}
	out.metadata = *m
	out.ClientID, out.ClientSecret, out.IDTokenAlg, out.SubjectType = p.ClientID, "", string(s.alg), "public"
	out.At = base(ctx) + registerPath + "?" + url.Values{"client_id": {p.ClientID}}.Encode()
	if p.ClientType == "confidential" {
		never := int64(0)
		out.ClientSecret, out.SecretExpires = p.ClientSecret, &never
	}
	return nil
}

func freeSlug(tx *store.Tx, name string) (string, error) {
	stem := slugify(name)
	if stem == "" {
		stem = "app"
	}
	if len(stem) > 40 {
		stem = strings.Trim(stem[:40], "-")
	}
	for n := 1; ; n++ {
		slug := stem
		if n > 1 {
			slug += "-" + strconv.Itoa(n)
		}
		if _, err := store.FindTx[application.Application](tx, "slug", slug); fault.Is(err, fault.NotFound) {
			return slug, nil
		} else if err != nil {
			return "", err
		}
	}
}

// manageClient answers the client's own configuration endpoint (RFC 7592), also while nobody new may register.
func (r *Room) manageClient(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	p, err := r.client(ctx, req.URL.Query().Get("client_id"))
	if fault.Is(err, fault.NotFound) || err == nil && (p.RegisteredBy == "" || subtle.ConstantTimeCompare([]byte(r.index("registration", bearerOf(req))), []byte(p.RegisteredBy)) != 1) {
		r.refuseBearer(w, req, errNoBearer) // the same for a client that there is not (RFC 7592 section 2.1)
		return
	}
	if err != nil {
		r.refuse(w, req, err)
		return
	}
	m := &metadata{}
	switch req.Method {
	case http.MethodGet:
		err = json.Unmarshal([]byte(p.Described), m)
	case http.MethodPut:
		if m, err = described(w, req); err == nil {
			p, err = r.redescribe(ctx, p, m)
		}
	case http.MethodDelete:
		if err = r.unregister(ctx, p); err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	default:
		w.Header().Set("Allow", "GET, PUT, DELETE")
		http.Error(w, "Use GET, PUT or DELETE.", http.StatusMethodNotAllowed)
		return
	}
	out := &registered{}
	if err == nil {
		err = r.fill(ctx, out, m, p)
	}
	if err != nil {
		r.refuse(w, req, err)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

func (r *Room) redescribe(ctx context.Context, p *Provider, m *metadata) (*Provider, error) {
	if m.ClientID != p.ClientID || m.ClientSecret != "" && !same(m.ClientSecret, p.ClientSecret) {
		return nil, badMetadata("The client_id and client_secret have to be those that the client has.")
	}
	var next *Provider
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		if next, err = store.FindTx[Provider](tx, "pk", strconv.FormatInt(p.PK, 10)); err != nil {
			return err
		}
		if err := m.onto(tx, next); err != nil {
			return err
		}
		return tx.Update(next)
	})
	return next, unusable(err)
}

// unregister removes a client with its application, unless that got another use meanwhile.
func (r *Room) unregister(ctx context.Context, p *Provider) error {
	app, err := r.app(ctx, p)
	if err != nil {
		return err
	}
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if app != nil {
			if err := tx.Delete(store.KindOf[application.Application](r.Store), app.PK); err != nil {
				return fmt.Errorf("application of a client that goes: %w", err)
			}
		}
		return tx.Delete(store.KindOf[Provider](r.Store), strconv.FormatInt(p.PK, 10))
	})
}
