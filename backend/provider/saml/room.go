package saml

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"

	"gatehouse/backend/application"
	"gatehouse/backend/cert"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	message "gatehouse/backend/saml"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Room is the provider's work.
type Room struct {
	Store    *store.Store
	Users    *user.Directory
	Sessions *session.Room
	Apps     *application.Room
	Certs    *cert.Room
	Flows    *flow.Engine
	Events   *event.Log
	Host     expr.Host
	Browser  flow.Browser
	Log      *slog.Logger
	// May says whether the caller holds a permission on an object.
	May func(ctx context.Context, a store.Actor, permission, object string) (bool, error)

	ready store.Memo[string, *served]
}

// served is a provider made ready: read once, and kept until something changes.
type served struct {
	p        *Provider
	app      *application.Application
	mappings []*Mapping // of attributes, by name
	name     *Mapping   // of NameID, nil for none
	key      *message.Key
	trust    message.Trust
	encrypt  *x509.Certificate
	unusable error // why it can't sign, in a sentence
}

// bySlug makes the provider of an application ready. NotFound when there is no such application, or it speaks something else.
func (r *Room) bySlug(ctx context.Context, slug string) (*served, error) {
	return r.ready.Get(r.Store, slug, func() (*served, error) {
		a, p, err := application.Speaking[Provider](ctx, r.Store, slug, "SAML")
		if err != nil {
			return nil, err
		}
		return r.serve(ctx, p, a)
	})
}

func (r *Room) serve(ctx context.Context, p *Provider, a *application.Application) (*served, error) {
	v := &served{p: p, app: a, trust: message.Trust{SHA1: p.AllowSHA1}}
	var err error
	if len(p.PropertyMappings) > 0 { // an empty list of keys would ask for all
		if v.mappings, err = store.All[Mapping](ctx, r.Store, store.Query{PKs: p.PropertyMappings, Order: []string{"saml_name"}}); err != nil {
			return nil, err
		}
	}
	if p.NameIDMapping != nil {
		if v.name, err = store.Get[Mapping](ctx, r.Store, *p.NameIDMapping); err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	if v.key, v.unusable, err = r.key(ctx, p); err != nil {
		return nil, err
	}
	if p.Verification != nil {
		s, err := r.Certs.Signing(ctx, *p.Verification)
		if err != nil {
			return nil, err
		}
		v.trust.Certificates = []*x509.Certificate{s.Certificate}
	}
	if p.Encryption != nil {
		s, err := r.Certs.Signing(ctx, *p.Encryption)
		if err != nil {
			return nil, err
		}
		v.encrypt = s.Certificate
	}
	return v, nil
}

// key gives what a provider signs with, nil when it signs nothing; unusable says why its key can't.
func (r *Room) key(ctx context.Context, p *Provider) (k *message.Key, unusable, err error) {
	if p.SigningKey == nil {
		return nil, nil, nil
	}
	s, err := r.Certs.Signing(ctx, *p.SigningKey)
	if err != nil {
		return nil, nil, err
	}
	k = &message.Key{Certificate: s.Certificate, Signer: s.Signer, Digest: p.Digest, Method: p.Signature}
	if err := k.Check(); err != nil {
		return nil, err, nil
	}
	return k, nil, nil
}

// learn gives what an application learns about a person, ordered by name; a mapping that fails is left out, and told of unless it is only
// looked at (protocols.md 2.5).
func (r *Room) learn(ctx context.Context, v *served, u *user.User, dry bool) ([]attribute, error) {
	out := []attribute{}
	for _, m := range v.mappings {
		res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{"user": u, "provider": v.p}, Dry: dry})
		if err != nil {
			if err := r.mappingFailed(ctx, v.p, m, err, dry); err != nil {
				return nil, err
			}
			continue
		}
		if res.Value == nil {
			continue
		}
		a := attribute{name: m.SAMLName}
		if m.FriendlyName != nil {
			a.friendly = *m.FriendlyName
		}
		if list, ok := res.Value.([]any); ok {
			for _, x := range list {
				a.values = append(a.values, fmt.Sprint(x))
			}
		} else {
			a.values = []string{fmt.Sprint(res.Value)}
		}
		out = append(out, a)
	}
	return out, nil
}

func (r *Room) mappingFailed(ctx context.Context, p *Provider, m *Mapping, cause error, dry bool) error {
	if dry {
		return nil
	}
	r.Log.WarnContext(ctx, "SAML mapping failed", "mapping", m.Name, "error", cause, "logger", "gatehouse.saml")
	return r.Events.Emit(ctx, event.ConfigurationError, map[string]any{
		"message": "Failed to evaluate property-mapping: '" + m.Name + "'", "exception": fault.As(cause).Say, "provider": reference(p),
	})
}

// nameID gives a person's name in a format: what the mapping says, else what the format asks for. When a mapping fails the stable name counts.
func (r *Room) nameID(ctx context.Context, v *served, u *user.User, format string, s *session.Session, dry bool) (string, error) {
	if v.name != nil {
		res, err := r.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: v.name.Name, Text: v.name.Expression, Vars: expr.Vars{"user": u, "provider": v.p}, Dry: dry})
		if err != nil {
			if err := r.mappingFailed(ctx, v.p, v.name, err, dry); err != nil {
				return "", err
			}
		} else if res.Value != nil {
			return fmt.Sprint(res.Value), nil
		}
		return r.Users.UID(u.PK), nil
	}
	attr := func(name string) string {
		if s, ok := u.Attributes[name].(string); ok && s != "" {
			return s
		}
		return r.Users.UID(u.PK)
	}
	switch format {
	case message.NameEmail:
		return u.Email, nil
	case message.NamePersistent, message.NameUnspecified:
		return r.Users.UID(u.PK), nil
	case message.NameX509, message.NameX509Standard:
		return attr("distinguishedName"), nil
	case message.NameWindows, message.NameWindowsStandard:
		return attr("upn"), nil
	case message.NameTransient:
		if s == nil {
			return "", fault.New(fault.Invalid, "A name for one session only needs a session.")
		}
		// Another one for each application, so that two of them can't compare.
		sum := sha256.Sum256([]byte(s.UUID + " " + strconv.FormatInt(v.p.PK, 10)))
		return hex.EncodeToString(sum[:]), nil
	}
	return "", noSuchName(format)
}

// reference names a provider in an event.
func reference(p *Provider) map[string]any {
	return map[string]any{"app": "authentik_providers_saml", "model_name": "samlprovider", "pk": p.PK, "name": p.Name}
}
