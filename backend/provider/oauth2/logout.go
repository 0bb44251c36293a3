package oauth2

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// EndSession implements op.Server (OpenID Connect RP-Initiated Logout 1.0). With an ID token of ours for whoever is signed in the session
// ends at once and the person goes back to a registered address; without one they are asked, and nobody is sent anywhere.
func (s *server) EndSession(ctx context.Context, req *op.Request[oidc.EndSessionRequest]) (*op.Redirect, error) {
	r := s.r
	slug := slugOf(req.URL.Path)
	p, err := r.bySlug(ctx, slug)
	if fault.Is(err, fault.NotFound) {
		return nil, op.NewStatusError(oidc.ErrInvalidRequest().WithDescription("There is no OpenID Connect application of this name."), http.StatusNotFound)
	}
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	page := "/if/session-end/" + url.PathEscape(slug) + "/"
	ask := op.NewRedirect(page)
	if req.Data.IdTokenHint == "" {
		return ask, nil
	}
	if req.Data.ClientID != "" && req.Data.ClientID != p.ClientID {
		return ask, nil
	}
	claims, err := r.verify(ctx, p, req.Data.IdTokenHint)
	if err != nil {
		return ask, nil
	}
	sub, _ := claims["sub"].(string)
	if aud, _ := claims["aud"].(string); aud != p.ClientID || sub == "" {
		return ask, nil
	}
	// The issuer of any name that this house answers to: the hint may be older than the name.
	if iss, _ := claims["iss"].(string); p.IssuerMode == "per_provider" && !strings.HasSuffix(iss, "/application/o/"+slug+"/") {
		return ask, nil
	}
	to := ask
	if uri := req.Data.PostLogoutRedirectURI; uri != "" && matchRedirect(p.RedirectURIs, uri) {
		v := url.Values{}
		if req.Data.State != "" {
			v.Set("state", req.Data.State)
		}
		if len(v) > 0 {
			uri = answerURL(uri, "query", v)
		}
		to = op.NewRedirect(uri)
	}
	sess := session.Of(ctx)
	u, err := r.Sessions.User(ctx, sess)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if u == nil {
		return to, nil // signed out already
	}
	known, err := r.subjectFor(ctx, p, u)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if known != sub {
		return ask, nil // somebody else is signed in: they decide
	}
	if err := r.EndBrowser(ctx, sess); err != nil {
		return nil, s.broken(ctx, err)
	}
	return to, nil
}

// subjectFor gives by what a client knows a person, a mapping's own choice included.
func (r *Room) subjectFor(ctx context.Context, p *Provider, u *user.User) (string, error) {
	mapped, err := r.mapped(ctx, p, &grant{User: u.PK, Scope: []string{"openid"}}, u)
	if err != nil {
		return "", err
	}
	if m, _ := mapped["sub"].(string); m != "" {
		return m, nil
	}
	return r.subject(p, u), nil
}

// EndBrowser ends a session with the event.
func (r *Room) EndBrowser(ctx context.Context, s *session.Session) error {
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := session.End(tx, s.UUID); err != nil {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.providers.oauth2"})
	})
}

func slugOf(path string) string {
	rest := strings.TrimPrefix(path, "/application/o/")
	slug, _, _ := strings.Cut(rest, "/")
	if s, err := url.PathUnescape(slug); err == nil {
		return s
	}
	return slug
}
