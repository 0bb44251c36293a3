package office

import (
	"context"
	"strings"

	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/store"
)

// values lists what the settings of the other side ask for, in the words that most products use.
func (r *Room) values(ctx context.Context, p *oauth2.Provider, base string, secrets bool) ([]Value, error) {
	u, err := r.OIDC.SetupURLs(ctx, p, base)
	if err != nil || u.Issuer == nil {
		return nil, err
	}
	out := []Value{
		{ID: "issuer", Label: "Issuer URL", Value: *u.Issuer, Help: "Also called authority or provider URL. Keep the slash at its end."},
		{ID: "discovery", Label: "Discovery URL", Value: *u.ProviderInfo, Help: "Also called well-known or configuration URL. Many products need only this one, the client ID and the client secret."},
		{ID: "client_id", Label: "Client ID", Value: p.ClientID, Help: "Also called application ID or key."},
	}
	if p.ClientType == "confidential" {
		secret := Value{ID: "client_secret", Label: "Client secret", Value: p.ClientSecret, Secret: true, Help: "Keep it on the application's server only."}
		if !secrets {
			secret.Value = ""
		}
		out = append(out, secret)
	}
	names, err := r.scopeNames(ctx, p)
	if err != nil {
		return nil, err
	}
	return append(out,
		Value{ID: "scopes", Label: "Scopes", Value: strings.Join(names, " "), Help: "What the application may ask for."},
		Value{ID: "redirect_uris", Label: "Redirect URI", Value: p.RedirectURIs, Help: "Also called callback URL. It has to be the same on both sides, to the letter."},
		Value{ID: "authorize", Label: "Authorization endpoint", Value: u.Authorize, Help: "For products that don't read the discovery URL."},
		Value{ID: "token", Label: "Token endpoint", Value: u.Token, Help: "For products that don't read the discovery URL."},
		Value{ID: "userinfo", Label: "Userinfo endpoint", Value: u.UserInfo, Help: "For products that don't read the discovery URL."},
		Value{ID: "end_session", Label: "Logout endpoint", Value: *u.Logout, Help: "Where the application sends people who sign out."},
		Value{ID: "jwks", Label: "JWKS endpoint", Value: *u.JWKS, Help: "The public keys that tokens are signed with."},
	), nil
}

func (r *Room) scopeNames(ctx context.Context, p *oauth2.Provider) ([]string, error) {
	var out []string
	ms, err := store.All[oauth2.ScopeMapping](ctx, r.Store, store.Query{})
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		for _, pk := range p.PropertyMappings {
			if m.PK == pk {
				out = append(out, m.ScopeName)
			}
		}
	}
	return out, nil
}

// newECKey makes a key pair for an application that signs with ES256.
func (r *Room) newECKey(name string) (*cert.Pair, error) {
	c, k, err := crypt.SelfSigned(crypt.SelfSignedOptions{CommonName: name, IssuerName: "Gatehouse", Alg: "ecdsa", Days: 3650, Now: r.Store.Now()})
	if err != nil {
		return nil, err
	}
	return &cert.Pair{Name: name + " (ES256) " + crypt.ID(6), Certificate: c, Key: k}, nil
}
