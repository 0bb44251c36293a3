package oauth2

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/user"
)

// document is an answer that was prepared: it changes only with what is stored.
type document struct {
	body   []byte
	length string
}

// Discovery serves the provider's configuration (OpenID Connect Discovery 1.0 section 4).
func (r *Room) Discovery(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	slug := req.PathValue("slug")
	p, err := r.bySlug(ctx, slug)
	if err != nil {
		r.missing(w, req, err)
		return
	}
	h := w.Header()
	if req.Header.Get("Origin") != "" {
		r.cors(h, req, p)
	}
	if req.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	b := base(ctx)
	doc, err := r.docs.Get(r.Store, "discovery "+b+" "+slug, func() (document, error) { return r.describe(ctx, p, slug, b) })
	if err != nil {
		r.missing(w, req, err)
		return
	}
	doc.serve(h, w)
}

// JWKS serves the provider's public keys (RFC 7517); {} when it signs with the client's secret.
func (r *Room) JWKS(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	p, err := r.bySlug(ctx, req.PathValue("slug"))
	if err != nil {
		r.missing(w, req, err)
		return
	}
	doc, err := r.docs.Get(r.Store, "jwks "+strconv.FormatInt(p.PK, 10), func() (document, error) {
		s, err := r.signerOf(ctx, p)
		if fault.Is(err, fault.Invalid) {
			return prepared([]byte("{}")), nil
		}
		if err != nil {
			return document{}, err
		}
		return prepared(s.jwks), nil
	})
	if err != nil {
		r.missing(w, req, err)
		return
	}
	w.Header()["Access-Control-Allow-Origin"] = anyOrigin
	doc.serve(w.Header(), w)
}

var (
	anyOrigin = []string{"*"}
	jsonType  = []string{"application/json"}
	maxAge    = []string{"public, max-age=60"}
)

func prepared(b []byte) document { return document{body: b, length: strconv.Itoa(len(b))} }

func (d document) serve(h http.Header, w http.ResponseWriter) {
	h["Content-Type"], h["Cache-Control"], h["Content-Length"] = jsonType, maxAge, []string{d.length}
	_, _ = w.Write(d.body)
}

func (r *Room) missing(w http.ResponseWriter, req *http.Request, err error) {
	status, say := http.StatusInternalServerError, "Something went wrong. The server's log has the details."
	if fault.Is(err, fault.NotFound) {
		status, say = http.StatusNotFound, "There is no OpenID Connect application of this name."
	} else {
		r.Log.ErrorContext(req.Context(), "discovery failed", "error", err, "logger", "gatehouse.oauth2")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "not_found", "error_description": say}) // the caller has gone away
}

func (r *Room) describe(ctx context.Context, p *Provider, slug, base string) (document, error) {
	known, err := r.scopes(ctx, p)
	if err != nil {
		return document{}, err
	}
	scopes := known.names()
	if !slices.Contains(scopes, "openid") {
		scopes = append(scopes, "openid")
	}
	alg := "HS256"
	if s, err := r.signerOf(ctx, p); err == nil {
		alg = string(s.alg)
	}
	claims := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce"}
	nobody := &user.User{Attributes: map[string]any{}}
	for _, m := range known {
		res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{"user": nobody, "provider": p, "token": nil}, Dry: true})
		if err != nil {
			continue // an expression that needs a person tells nothing here
		}
		c, _ := res.Value.(map[string]any)
		var names []string
		for name := range c {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, n := range names {
			if !slices.Contains(claims, n) {
				claims = append(claims, n)
			}
		}
	}
	of := func(rest string) string { return base + "/application/o/" + rest }
	set, err := r.registration(ctx)
	if err != nil {
		return document{}, err
	}
	registration := ""
	if set.enabled {
		registration = base + registerPath
	}
	b, err := json.MarshalIndent(struct {
		Issuer                string   `json:"issuer"`
		Authorization         string   `json:"authorization_endpoint"`
		Token                 string   `json:"token_endpoint"`
		Userinfo              string   `json:"userinfo_endpoint"`
		EndSession            string   `json:"end_session_endpoint"`
		Introspection         string   `json:"introspection_endpoint"`
		Revocation            string   `json:"revocation_endpoint"`
		DeviceAuthorization   string   `json:"device_authorization_endpoint"`
		ResponseTypes         []string `json:"response_types_supported"`
		ResponseModes         []string `json:"response_modes_supported"`
		JWKS                  string   `json:"jwks_uri"`
		GrantTypes            []string `json:"grant_types_supported"`
		IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
		SubjectTypes          []string `json:"subject_types_supported"`
		TokenAuth             []string `json:"token_endpoint_auth_methods_supported"`
		ACR                   []string `json:"acr_values_supported"`
		Scopes                []string `json:"scopes_supported"`
		RequestParameter      bool     `json:"request_parameter_supported"`
		RequestURIParameter   bool     `json:"request_uri_parameter_supported"`
		Claims                []string `json:"claims_supported"`
		ClaimsParameter       bool     `json:"claims_parameter_supported"`
		CodeChallengeMethods  []string `json:"code_challenge_methods_supported"`
		PromptValuesSupported []string `json:"prompt_values_supported"`
		IssInResponse         bool     `json:"authorization_response_iss_parameter_supported"`
		Logout                bool     `json:"backchannel_logout_supported"`
		LogoutSession         bool     `json:"backchannel_logout_session_supported"`
		Pushed                string   `json:"pushed_authorization_request_endpoint"`
		OnlyPushed            bool     `json:"require_pushed_authorization_requests"`
		DPoPAlgs              []string `json:"dpop_signing_alg_values_supported"`
		Registration          string   `json:"registration_endpoint,omitempty"`
	}{
		issuer(p, slug, base), of("authorize/"), of("token/"), of("userinfo/"), of(slug + "/end-session/"), of("introspect/"), of("revoke/"), of("device/"),
		responseTypes, []string{"query", "fragment", "form_post"}, of(slug + "/jwks/"),
		[]string{"authorization_code", "refresh_token", "implicit", clientCredentials, passwordGrant, deviceGrant}, []string{alg}, []string{"public"},
		tokenAuth(p), []string{acr}, scopes, false, false, claims, true, []string{"plain", "S256"}, []string{"none", "login", "consent"}, true, true, true,
		of("par/"), p.OnlyPushed, algorithmNames(), registration,
	}, "", "  ")
	return prepared(b), err
}

// tokenAuth says how a client shows who it is at the token endpoint.
func tokenAuth(p *Provider) []string {
	if p.ClientType == "public" {
		return []string{"none", "client_secret_post", "client_secret_basic"}
	}
	return []string{"client_secret_post", "client_secret_basic"}
}
