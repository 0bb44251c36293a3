package oauth2

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Beyond is what a provider has that the release does not. It is stored beside the published fields and has operations of its own.
type Beyond struct {
	LogoutURI     string `json:"backchannel_logout_uri" is:"required,blank" max:"2000" help:"Where the application wants to be told that a session has ended (OpenID Connect Back-Channel Logout). Empty: it is not told."`
	LogoutSession bool   `json:"backchannel_logout_session_required" is:"required" help:"The application needs the session (sid) in what it is told. Gatehouse always sends it."`
	OnlyPushed    bool   `json:"require_pushed_authorization_requests" is:"required" help:"The application has to send its authorization requests itself (RFC 9126); one that a browser brings is refused."`
	DPoPBound     bool   `json:"dpop_bound_access_tokens" is:"required" help:"Access tokens are bound to a key of the application (DPoP, RFC 9449); a request for tokens without a proof is refused."`
	DPoPNonce     bool   `json:"dpop_nonce_required" is:"required" help:"DPoP proofs need a nonce of this server, so that none can be made in advance."`
	Resources     string `json:"resources" is:"required,blank" max:"8000" help:"The resources (APIs) that the application may ask access tokens for (RFC 8707), one address a line. Others are refused."`
}

// SchemaName implements kind.SchemaNamer.
func (Beyond) SchemaName() string { return "OAuth2ProviderBeyond" }

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	of := func(ctx context.Context, key string) (string, error) {
		p, err := r.stored(ctx, key)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(p.PK, 10), nil
	}
	get := kind.Do("GET", "gatehouse/providers/oauth2/{id}/beyond", func(ctx context.Context, c *kind.Call, _ *kind.None) (Beyond, error) {
		p, err := r.stored(ctx, c.Key)
		if err != nil {
			return Beyond{}, err
		}
		return p.Beyond(), nil
	})
	get.Summary, get.Perm, get.Of = "What a provider has that the release does not.", "authentik_providers_oauth2.view_oauth2provider", of
	put := kind.Do("PUT", "gatehouse/providers/oauth2/{id}/beyond", r.setBeyond)
	put.Summary, put.Perm, put.Of = "Sets everything that a provider has and the release does not.", "authentik_providers_oauth2.change_oauth2provider", of
	patch := kind.Do("PATCH", "gatehouse/providers/oauth2/{id}/beyond", r.setBeyond)
	patch.Summary, patch.Perm, patch.Of = "Changes some of what a provider has and the release does not.", put.Perm, of
	return slices.Concat([]kind.Action{get, put, patch}, r.explainActions(of), r.registrationActions(of))
}

// stored reads a provider by its key as it came in an address.
func (r *Room) stored(ctx context.Context, key string) (*Provider, error) {
	if _, err := strconv.ParseInt(key, 10, 64); err != nil {
		return nil, fault.New(fault.NotFound, "Not found.")
	}
	return store.Get[Provider](ctx, r.Store, key)
}

// Beyond gives the fields that the release does not have.
func (p *Provider) Beyond() Beyond {
	return Beyond{p.LogoutURI, p.LogoutSession, p.OnlyPushed, p.DPoPBound, p.DPoPNonce, p.Resources}
}

// setBeyond is for PUT, whose body is whole, and PATCH, which keeps what its body leaves out.
func (r *Room) setBeyond(ctx context.Context, c *kind.Call, _ *Beyond) (out Beyond, err error) {
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		p, err := store.FindTx[Provider](tx, "pk", c.Key)
		if err != nil {
			return err
		}
		in := p.Beyond()
		if err := c.Apply(&in); err != nil {
			return err
		}
		if err := errors.Join(checkLogoutURI(in.LogoutURI), checkResources(in.Resources)); err != nil {
			return err
		}
		in.Resources = strings.Join(strings.Fields(in.Resources), "\n")
		p.LogoutURI, p.LogoutSession, p.OnlyPushed, p.DPoPBound, p.DPoPNonce, p.Resources = in.LogoutURI, in.LogoutSession, in.OnlyPushed, in.DPoPBound, in.DPoPNonce, in.Resources
		out = in
		return tx.Update(p)
	})
	return out, err
}

// checkResources holds the resources of a provider to RFC 8707 section 2.
func checkResources(lines string) error {
	for _, line := range strings.Fields(lines) {
		if u, err := url.Parse(line); err != nil || !u.IsAbs() || strings.Contains(line, "#") {
			return fault.Field("resources", line+" is no whole address, or holds a #.")
		}
	}
	return nil
}

// checkLogoutURI holds an address to Back-Channel Logout 1.0 section 2.2: absolute, and without a fragment.
func checkLogoutURI(uri string) error {
	if uri == "" {
		return nil
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Opaque != "":
		return fault.Field("backchannel_logout_uri", "Write an address that begins with https://.")
	case u.Fragment != "" || strings.Contains(uri, "#"):
		return fault.Field("backchannel_logout_uri", "The address can't hold a #.")
	case u.User != nil:
		return fault.Field("backchannel_logout_uri", "The address can't hold a username.")
	}
	return nil
}
