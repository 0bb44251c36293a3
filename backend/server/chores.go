package server

import (
	"context"
	"crypto/tls"
	"strings"
	"time"

	"gatehouse/backend/stage/consent"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	cleanEvery   = 5 * time.Minute
	certifyEvery = 6 * time.Hour
)

// chores does what has to be done now and then, until ctx ends. A chore that fails is told in the log and tried again.
func (s *Server) chores(ctx context.Context) {
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
		{"wrong tries", func(ctx context.Context) (int, error) {
			return 0, r.store.Write(ctx, store.House, user.CleanAttempts)
		}},
	}
	tick, certify := time.NewTicker(cleanEvery), time.NewTicker(certifyEvery)
	defer tick.Stop()
	defer certify.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-certify.C:
			if err := r.office.Certify(ctx); err != nil {
				s.o.Log.Error("the server's certificate could not be renewed", "error", err)
			}
		case <-tick.C:
			for _, c := range clean {
				n, err := c.do(ctx)
				if err != nil && ctx.Err() == nil {
					s.o.Log.Error("clean-up failed", "of", c.name, "error", err)
				}
				if n > 0 {
					s.o.Log.Info("cleaned up", "of", c.name, "removed", n)
				}
			}
		}
	}
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
