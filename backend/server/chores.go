package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/backend/policy/reputation"
	"gatehouse/backend/stage/consent"
	"gatehouse/backend/stage/invitation"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/user"
)

const (
	cleanEvery   = 5 * time.Minute
	certifyEvery = 6 * time.Hour

	notificationsEvery = 8 * time.Hour
)

// chores are what has to be done now and then.
func (s *Server) chores() []task.Chore {
	r := s.rooms
	clean := []struct {
		name string
		do   func(ctx context.Context) (int, error)
	}{
		{"sessions", r.sessions.CleanUp},
		{"tokens", r.tokens.CleanUp},
		{"OAuth codes and tokens", r.oauth.CleanUp},
		{"events", r.events.CleanUp},
		{"consents", func(ctx context.Context) (int, error) { return consent.CleanUp(ctx, r.store) }},
		{"invitations", func(ctx context.Context) (int, error) { return invitation.CleanUp(ctx, r.store) }},
		{"scores", func(ctx context.Context) (int, error) { return reputation.CleanUp(ctx, r.store) }},
		{"tasks", r.tasks.CleanUp},
		{"messages of SAML sources", r.abroad.CleanUp},
		{"temporary accounts", r.abroad.Arrivals.CleanUp},
		{"mails", r.mail.CleanUp},
		{"deliveries", r.notify.CleanUp},
		{"wrong tries", func(ctx context.Context) (int, error) {
			return 0, r.store.Write(ctx, store.House, user.CleanAttempts)
		}},
	}
	return append(r.prints.Chores(), []task.Chore{
		{Name: "clean_expired_models", Description: "Remove what has expired.", Every: cleanEvery, Do: func(ctx context.Context) (did []string, err error) {
			for _, c := range clean {
				n, e := c.do(ctx)
				if e != nil {
					err = errors.Join(err, fmt.Errorf("%s: %w", c.name, e))
				}
				if n > 0 {
					did = append(did, fmt.Sprintf("Expired %d %s", n, c.name))
				}
			}
			return did, err
		}},
		{Name: "notification_cleanup", Description: "Remove notifications that were read, and those whose event is gone.", Every: notificationsEvery, Do: func(ctx context.Context) ([]string, error) {
			n, err := r.events.CleanNotifications(ctx)
			if n == 0 {
				return nil, err
			}
			return []string{fmt.Sprintf("Expired %d notifications", n)}, err
		}},
		{Name: "update_well_known_jwks", Description: "Read the configuration and the keys of OAuth sources again.", Every: 3 * time.Hour, Do: r.accounts.RefreshAll},
		{Name: "scim_sync_all", Description: "Look whether every system that is kept in step by SCIM is.", Every: time.Hour, Do: r.scimOut.Wake},
		{Name: "server_certificate", Description: "Renew the server's own certificate before it ends.", Every: certifyEvery, Do: func(ctx context.Context) ([]string, error) {
			return nil, r.office.Certify(ctx)
		}},
	}...)
}

// brandCertificate gives the certificate that a brand chose for its domain, nil when none did.
func (r *rooms) brandCertificate(ctx context.Context, name string) *tls.Certificate {
	if name == "" {
		return nil
	}
	bs, err := r.brands.Brands(ctx)
	if err != nil {
		return nil
	}
	name = strings.ToLower(name)
	for _, b := range bs {
		domain := strings.ToLower(b.Domain)
		if b.WebCertificate == nil || !b.Default && name != domain && !strings.HasSuffix(name, "."+domain) {
			continue
		}
		pair, err := r.certs.Signing(ctx, *b.WebCertificate)
		if err != nil || pair.Signer == nil {
			continue
		}
		return &tls.Certificate{Certificate: [][]byte{pair.Certificate.Raw}, PrivateKey: pair.Signer, Leaf: pair.Certificate}
	}
	return nil
}
