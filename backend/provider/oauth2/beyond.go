package oauth2

import (
	"net/url"
	"slices"
	"strings"

	"gatehouse/backend/beyond"
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

// Beyond keeps them.
func (r *Room) Beyond() beyond.Settings[Provider, Beyond] {
	return beyond.Settings[Provider, Beyond]{Store: r.Store, Of: (*Provider).Beyond, Put: putBeyond}
}

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	b := r.Beyond()
	return slices.Concat(b.Actions(), r.explainActions(b.Key), r.registrationActions(b.Key))
}

// Beyond gives the fields that the release does not have.
func (p *Provider) Beyond() Beyond {
	return Beyond{p.LogoutURI, p.LogoutSession, p.OnlyPushed, p.DPoPBound, p.DPoPNonce, p.Resources}
}

func putBeyond(_ *store.Tx, p *Provider, in Beyond) error {
	var bad fault.Fields
	for _, err := range []error{checkLogoutURI(in.LogoutURI), checkResources(in.Resources)} {
		if err := bad.Merge(err); err != nil {
			return err
		}
	}
	p.LogoutURI, p.LogoutSession, p.OnlyPushed, p.DPoPBound, p.DPoPNonce = in.LogoutURI, in.LogoutSession, in.OnlyPushed, in.DPoPBound, in.DPoPNonce
	p.Resources = strings.Join(strings.Fields(in.Resources), "\n")
	return bad.Err()
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
