package oauth2

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	_ "crypto/sha256" // the hashes of half
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/session"
	"gatehouse/backend/span"
	"gatehouse/backend/user"

	"github.com/go-jose/go-jose/v4"
)

// acr is the authentication context of every sign-in, as published.
const acr = "goauthentik.io/providers/oauth2/default"

// minHMAC is the shortest secret that signs with HS256, in bytes (RFC 7518 section 3.2).
const minHMAC = 32

// auth is how and when a person signed in.
type auth struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method,omitempty"`
	MFA    bool      `json:"mfa,omitempty"`
	SID    string    `json:"sid,omitempty"` // the session by the name that the client knows, for one that is told when it ends
}

// authOf takes it from a session.
func authOf(s *session.Session) auth {
	return auth{Time: s.Data.AuthTime, Method: s.Data.Method, MFA: s.Data.MFA}
}

// amr gives the methods by their registered names (RFC 8176).
func (a auth) amr() []string {
	var out []string
	switch a.Method {
	case "password", "token", "ldap":
		out = []string{"pwd"}
	case "auth_webauthn_pwl":
		out = []string{"user"}
	}
	if a.MFA && len(out) > 0 {
		out = append(out, "mfa")
	}
	return out
}

// subject is what an application knows a person by (protocols.md 1.1).
func (r *Room) subject(p *Provider, u *user.User) string {
	switch p.SubMode {
	case "user_id":
		return strconv.FormatInt(u.PK, 10)
	case "user_uuid":
		return u.UUID
	case "user_username":
		return u.Username
	case "user_email":
		return u.Email
	case "user_upn":
		if s, _ := u.Attributes["upn"].(string); s != "" {
			return s
		}
	}
	return r.Users.UID(u.PK)
}

// claims are those of an ID token; the access token has them too.
func (r *Room) claims(ctx context.Context, p *Provider, slug, base string, g *grant, u *user.User, now, exp time.Time) (map[string]any, error) {
	c := map[string]any{
		"iss": issuer(p, slug, base), "sub": r.subject(p, u), "aud": p.ClientID, "exp": exp.Unix(), "iat": now.Unix(), "acr": acr,
	}
	if !g.Auth.Time.IsZero() {
		c["auth_time"] = g.Auth.Time.Unix()
	}
	if amr := g.Auth.amr(); len(amr) > 0 {
		c["amr"] = amr
	}
	if g.Nonce != "" {
		c["nonce"] = g.Nonce
	}
	if g.Auth.SID != "" {
		c["sid"] = g.Auth.SID
	}
	mapped, err := r.mapped(ctx, p, g, u)
	if err != nil {
		return nil, err
	}
	if sub, ok := mapped["sub"].(string); ok && sub != "" {
		c["sub"] = sub
	}
	if !p.ClaimsInIDToken {
		return c, nil
	}
	for name, v := range mapped {
		if v == nil || g.reserved(name) {
			continue
		}
		c[name] = v
	}
	return c, nil
}

// reserved says whether a mapping may not set a claim, because the other side's checks stand on it (Zitadel CVE-2024-29892).
func (g *grant) reserved(claim string) bool {
	switch claim {
	case "sid":
		return g.Auth.SID != "" // logout tokens name it
	case "iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "c_hash", "at_hash", "auth_time", "sub":
		return true
	}
	return false
}

// minted are the tokens of one grant, before they are stored.
type minted struct {
	access, id, refresh string
	idClaims            []byte
	expires             time.Time // of the access token
	refreshExpires      time.Time
	life                time.Duration
	terms, refreshTerms terms // of the access and the refresh token
}

// wanted says which tokens a grant gives.
type wanted struct {
	access, id, refresh bool
	front               bool     // through the browser: the ID token vouches for what comes beside it
	code                string   // that comes beside it
	only                []string // the resources that the access token is for, of those granted
}

// mint makes the tokens of a grant. It signs up to twice; call it outside of a transaction.
func (r *Room) mint(ctx context.Context, p *Provider, slug, base string, g *grant, u *user.User, w wanted) (*minted, error) {
	s, err := r.signerOf(ctx, p)
	if err != nil {
		return nil, err
	}
	now := r.Store.Now()
	m := &minted{life: span.Must(p.AccessValidity)}
	m.expires = now.Add(m.life)
	m.terms, m.refreshTerms = g.Terms, g.Terms
	if len(w.only) > 0 {
		m.terms.Resources = w.only
	}
	if w.front {
		m.terms.Key = "" // nobody proved anything yet
	}
	if p.ClientType == "confidential" {
		m.refreshTerms.Key = "" // the client's own secret keeps it (RFC 9449 section 5)
	}
	claims, err := r.claims(ctx, p, slug, base, g, u, now, m.expires)
	if err != nil {
		return nil, err
	}
	if w.access {
		access := maps.Clone(claims)
		access["azp"], access["uid"], access["aud"] = p.ClientID, crypt.ID(40), m.terms.audience(p.ClientID)
		if k := m.terms.Key; k != "" {
			access["cnf"] = map[string]string{"jkt": k}
		}
		b, err := json.Marshal(access)
		if err != nil {
			return nil, err
		}
		if m.access, err = s.jwt(b); err != nil {
			return nil, err
		}
	}
	if w.front { // OpenID Connect Core 3.2.2.10 and 3.3.2.11
		if m.access != "" {
			claims["at_hash"] = s.half(m.access)
		}
		if w.code != "" {
			claims["c_hash"] = s.half(w.code)
		}
		if !w.access && w.code == "" && !p.ClaimsInIDToken {
			// Nobody can ask userinfo, so what the scopes tell is here (OpenID Connect Core 5.4).
			mapped, err := r.mapped(ctx, p, g, u)
			if err != nil {
				return nil, err
			}
			for name, v := range mapped {
				if v != nil && !g.reserved(name) {
					claims[name] = v
				}
			}
		}
	}
	more, err := r.wished(ctx, p, g, u, claims, g.Terms.Claims.IDToken)
	if err != nil {
		return nil, err
	}
	maps.Copy(claims, more)
	if m.idClaims, err = json.Marshal(claims); err != nil {
		return nil, err
	}
	if w.id {
		if m.id, err = s.jwt(m.idClaims); err != nil {
			return nil, err
		}
	}
	if w.refresh {
		m.refresh, m.refreshExpires = crypt.ID(128), now.Add(span.Must(p.RefreshValidity))
	}
	return m, nil
}

// hash is that of the signature's algorithm.
func (s *signer) hash() crypto.Hash {
	h := crypto.SHA256
	switch {
	case s.alg == jose.EdDSA, strings.HasSuffix(string(s.alg), "512"):
		h = crypto.SHA512
	case strings.HasSuffix(string(s.alg), "384"):
		h = crypto.SHA384
	}
	return h
}

// half is the left half of a text's hash, by the hash of the signature's algorithm (OpenID Connect Core 3.1.3.6).
func (s *signer) half(text string) string {
	d := s.hash().New()
	d.Write([]byte(text))
	sum := d.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func (s *signer) jwt(payload []byte) (string, error) {
	if s.own != nil {
		return s.own.jwt(payload)
	}
	j, err := s.sign.Sign(payload)
	if err != nil {
		return "", err
	}
	return j.CompactSerialize()
}

// signerOf gives what signs for a provider: the key of its certificate, or its secret when it has none.
func (r *Room) signerOf(ctx context.Context, p *Provider) (*signer, error) {
	return r.signers.Get(r.Store, p.PK, func() (*signer, error) { return r.newSigner(ctx, p) })
}

func (r *Room) newSigner(ctx context.Context, p *Provider) (*signer, error) {
	out := &signer{alg: jose.HS256, jwks: []byte("{}")}
	var key any = []byte(p.ClientSecret)
	var published []any
	kid := ""
	if p.SigningKey != nil {
		pair, err := r.Certs.Signing(ctx, *p.SigningKey)
		if err != nil {
			return nil, err
		}
		if pair.Signer == nil {
			return nil, fault.Newf(fault.Invalid, "The certificate that signs for %s has no private key.", p.Name)
		}
		alg := crypt.Algorithm(pair.Signer.Public())
		if alg == "" {
			return nil, fault.Newf(fault.Invalid, "The key that signs for %s is of a kind that can't sign tokens.", p.Name)
		}
		out.alg, key, kid = jose.SignatureAlgorithm(alg), pair.Signer, pair.KeyID
		published = append(published, crypt.JWK(pair.Certificate, pair.Signer.Public(), kid))
		out.keys = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: pair.Signer.Public(), KeyID: kid, Algorithm: alg, Use: "sig"}}}
	} else if len(p.ClientSecret) < minHMAC {
		return nil, fault.Newf(fault.Invalid, "Tokens of %s would be signed with a client secret of fewer than %d characters. Choose a signing key or a longer secret.", p.Name, minHMAC)
	}
	for pk := range p.former(r.Store.Now()) {
		pair, err := r.Certs.Signing(ctx, pk)
		if err != nil || pair.Signer == nil {
			continue // removed meanwhile
		}
		if alg := crypt.Algorithm(pair.Signer.Public()); alg != "" {
			published = append(published, crypt.JWK(pair.Certificate, pair.Signer.Public(), pair.KeyID))
			out.former = append(out.former, jose.JSONWebKey{Key: pair.Signer.Public(), KeyID: pair.KeyID, Algorithm: alg, Use: "sig"})
		}
	}
	if len(published) > 0 {
		var err error
		if out.jwks, err = json.Marshal(map[string]any{"keys": published}); err != nil {
			return nil, err
		}
	}
	out.of = func(typ string) (jose.Signer, error) {
		o := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
		if kid != "" {
			o = o.WithHeader("kid", kid)
		}
		return jose.NewSigner(jose.SigningKey{Algorithm: out.alg, Key: key}, o)
	}
	var err error
	if out.sign, err = out.of("JWT"); err != nil {
		return nil, fmt.Errorf("signer of provider %d: %w", p.PK, err)
	}
	if k, ok := key.(*ecdsa.PrivateKey); ok {
		if out.own, err = newCurve(out.alg, kid, k, out.hash()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// verify gives the claims of a token that this provider signed, with its key of now or one of before; other algorithms than that of the key
// are not looked at.
func (r *Room) verify(ctx context.Context, p *Provider, token string) (map[string]any, error) {
	bad := fault.New(fault.Invalid, "The token was not signed by this provider.")
	s, err := r.signerOf(ctx, p)
	if err != nil {
		return nil, err
	}
	var key any = []byte(p.ClientSecret)
	if len(s.keys.Keys) > 0 {
		key = s.keys.Keys[0].Key
	}
	payload, err := opened(token, s.alg, key)
	for i := 0; err != nil && i < len(s.former); i++ {
		payload, err = opened(token, jose.SignatureAlgorithm(s.former[i].Algorithm), s.former[i].Key)
	}
	if err != nil {
		return nil, bad
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, bad
	}
	return claims, nil
}

// opened gives what a token holds that was signed with one key and its algorithm.
func opened(token string, alg jose.SignatureAlgorithm, key any) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, err
	}
	return jws.Verify(key)
}
