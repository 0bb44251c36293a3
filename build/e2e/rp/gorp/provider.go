package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// provider is what discovery told, ready for use.
type provider struct {
	oidc       *oidc.Provider
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string
}

// trustClient is an HTTP client that trusts the authorities of one file and nothing else, follows no redirects and uses no proxy.
func trustClient(caFile string) (*http.Client, error) {
	pool := x509.NewCertPool()
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", caFile)
		}
	}
	return &http.Client{
		Timeout:       15 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func discover(ctx context.Context, s *settings) (*provider, error) {
	op, err := oidc.NewProvider(ctx, s.issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery failed: %w", err)
	}
	var doc struct {
		JWKS       string   `json:"jwks_uri"`
		EndSession string   `json:"end_session_endpoint"`
		Challenges []string `json:"code_challenge_methods_supported"`
	}
	if err := op.Claims(&doc); err != nil {
		return nil, fmt.Errorf("the discovery document cannot be read: %w", err)
	}
	endpoint := op.Endpoint()
	for name, value := range map[string]string{
		"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL,
		"userinfo_endpoint": op.UserInfoEndpoint(), "jwks_uri": doc.JWKS,
	} {
		if !strings.HasPrefix(value, "https://") {
			return nil, fmt.Errorf("discovery gives %q as %s, which is no https URL", value, name)
		}
	}
	if !slices.Contains(doc.Challenges, "S256") {
		return nil, errors.New("discovery does not offer PKCE with S256")
	}
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if s.auth == "post" || s.clientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	check := &oidc.Config{ClientID: s.clientID, SupportedSigningAlgs: []string{s.alg}}
	verifier := op.Verifier(check)
	if s.alg == string(jose.HS256) {
		verifier = oidc.NewVerifier(s.issuer, sharedSecret(s.clientSecret), check)
	}
	return &provider{
		oidc: op,
		oauth: oauth2.Config{
			ClientID: s.clientID, ClientSecret: s.clientSecret, RedirectURL: s.redirectURL,
			Scopes: strings.Fields(s.scopes), Endpoint: endpoint,
		},
		verifier:   verifier,
		endSession: doc.EndSession,
	}, nil
}

// sharedSecret verifies HS256, which the library leaves out, with the client secret.
type sharedSecret string

// VerifySignature implements oidc.KeySet.
func (s sharedSecret) VerifySignature(_ context.Context, raw string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return nil, err
	}
	return jws.Verify([]byte(s))
}

// identity is what one token answer says about the person.
type identity struct {
	sub      string
	nonce    string // that was sent at sign-in
	authTime int64
	idToken  string // as received, for the hint at logout
	claims   map[string]any
	userinfo map[string]any
}

// identify verifies the ID token of an answer and compares it with userinfo. before is the identity that a refresh renews, or nil.
func (p *provider) identify(ctx context.Context, token *oauth2.Token, nonce string, before *identity) (*identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, errors.New("the token answer has no id_token")
	}
	idToken, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token is not valid: %w", err)
	}
	if idToken.Nonce != nonce && (before == nil || idToken.Nonce != "") {
		return nil, fmt.Errorf("the ID token has nonce %q, sent was %q", idToken.Nonce, nonce)
	}
	if idToken.AccessTokenHash != "" {
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, fmt.Errorf("the ID token's at_hash is wrong: %w", err)
		}
	}
	id := &identity{sub: idToken.Subject, nonce: nonce, idToken: raw}
	var known struct {
		AuthTime int64  `json:"auth_time"`
		Party    string `json:"azp"`
	}
	if err := errors.Join(idToken.Claims(&known), idToken.Claims(&id.claims)); err != nil {
		return nil, fmt.Errorf("the ID token's claims cannot be read: %w", err)
	}
	if id.sub == "" {
		return nil, errors.New("the ID token has no sub")
	}
	if id.authTime = known.AuthTime; len(idToken.Audience) > 1 && known.Party != p.oauth.ClientID {
		return nil, fmt.Errorf("the ID token has several audiences and azp %q", known.Party)
	}
	if before != nil && (id.sub != before.sub || id.authTime != 0 && id.authTime != before.authTime) {
		return nil, fmt.Errorf("the refreshed ID token has sub %q and auth_time %d, the one before %q and %d",
			id.sub, id.authTime, before.sub, before.authTime)
	}
	info, err := p.oidc.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("userinfo failed: %w", err)
	}
	if info.Subject != id.sub {
		return nil, fmt.Errorf("userinfo has sub %q, the ID token %q", info.Subject, id.sub)
	}
	return id, info.Claims(&id.userinfo)
}

// fresh checks auth_time against the max_age that was sent, with half a minute for clocks.
func (id *identity) fresh(maxAge time.Duration) error {
	if id.authTime == 0 {
		return errors.New("max_age was sent, but the ID token has no auth_time")
	}
	if age := time.Since(time.Unix(id.authTime, 0)); age > maxAge+30*time.Second {
		return fmt.Errorf("max_age was %s, but the person signed in %s ago", maxAge, age.Round(time.Second))
	}
	return nil
}

// logoutURL is where RP-initiated logout begins.
func (p *provider) logoutURL(idToken, back, state string) (string, error) {
	u, err := url.Parse(p.endSession)
	if err != nil || u.Scheme != "https" {
		return "", fmt.Errorf("discovery gives %q as end_session_endpoint, which is no https URL", p.endSession)
	}
	q := u.Query()
	q.Set("id_token_hint", idToken)
	q.Set("post_logout_redirect_uri", back)
	q.Set("state", state)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// faultOf turns an error of the token endpoint into words, with what the provider said.
func faultOf(what string, err error) string {
	var said *oauth2.RetrieveError
	if errors.As(err, &said) {
		body, _ := json.Marshal(map[string]string{"error": said.ErrorCode, "error_description": said.ErrorDescription})
		return fmt.Sprintf("%s was refused with %s: %s", what, said.Response.Status, body)
	}
	return fmt.Sprintf("%s failed: %v", what, err)
}
