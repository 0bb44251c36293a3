package oauth2

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/store"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// DPoP (RFC 9449): tokens are bound to a key that the client proves to hold with each request.

const (
	// proofAge is how old a proof may be, proofAhead how far its clock may be ahead.
	proofAge   = time.Minute
	proofAhead = 15 * time.Second
	nonceLife  = 5 * time.Minute
	maxProof   = 8 << 10
)

// proofAlgorithms are those of keys that can be published: a proof by a shared secret proves nothing.
var proofAlgorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
}

func algorithmNames() []string {
	var out []string
	for _, a := range proofAlgorithms {
		out = append(out, string(a))
	}
	return out
}

// proof is a DPoP proof whose signature is good.
type proof struct {
	key     string // thumbprint
	id      string
	at      time.Time
	nonce   string
	ofToken string // ath
}

// possession is what a request says of the keys that its client holds.
type possession struct {
	proof  *proof
	scheme bool // the access token came with the scheme DPoP
	header http.Header
}

type possessionKey struct{}

func possessionOf(ctx context.Context) *possession {
	p, _ := ctx.Value(possessionKey{}).(*possession)
	if p == nil {
		p = &possession{header: http.Header{}}
	}
	return p
}

func badProof(text string) error { return &refused{code: "invalid_dpop_proof", text: text} }

// readProof holds a proof to RFC 9449 section 4.3; nonce, ath and whether it was used are looked at later.
func readProof(text, method, at string, now time.Time) (*proof, error) {
	if len(text) > maxProof {
		return nil, badProof("The proof is too long.")
	}
	jws, err := jose.ParseSignedCompact(text, proofAlgorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, badProof("The proof is no JWT, or not signed with one of " + strings.Join(algorithmNames(), ", ") + ".")
	}
	head := jws.Signatures[0].Protected
	if typ, _ := head.ExtraHeaders[jose.HeaderType].(string); typ != string(oidc.DPoPProofType) {
		return nil, badProof("The proof's typ has to be dpop+jwt.")
	}
	key := head.JSONWebKey
	if key == nil || !key.Valid() || !key.IsPublic() {
		return nil, badProof("The proof's header has to hold the public key (jwk), and no private one.")
	}
	if err := oidc.ValidateDPoPKeyStrength(key.Key); err != nil {
		return nil, badProof("The proof's key is too weak.")
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, badProof("The proof was not signed by the key in its header.")
	}
	var c oidc.DPoPProofClaims
	var more struct {
		IssuedAt *float64 `json:"iat"`
		OfToken  string   `json:"ath"`
		Nonce    string   `json:"nonce"`
	}
	if json.Unmarshal(payload, &c) != nil || json.Unmarshal(payload, &more) != nil || more.IssuedAt == nil {
		return nil, badProof("The proof's claims can't be read: it needs jti, htm, htu and iat.")
	}
	issued := c.IssuedAt.AsTime()
	switch {
	case c.JWTID == "" || len(c.JWTID) > 512:
		return nil, badProof("The proof needs a jti.")
	case c.HTTPMethod != method:
		return nil, badProof("The proof's htm is " + clip(c.HTTPMethod) + ", the request is a " + method + ".")
	case !sameTarget(c.HTTPURI, at):
		return nil, badProof("The proof's htu is " + clip(c.HTTPURI) + ", the request went to " + at + ".")
	case issued.After(now.Add(proofAhead)) || now.Sub(issued) > proofAge:
		return nil, badProof("The proof is too old, or from the future. Is the clock right?")
	}
	thumb, err := oidc.JWKThumbprint(key)
	if err != nil {
		return nil, badProof("The proof's key can't be read.")
	}
	return &proof{key: thumb, id: c.JWTID, at: issued, nonce: more.Nonce, ofToken: more.OfToken}, nil
}

// sameTarget compares addresses without query and fragment, as RFC 9449 section 4.3 (9) says.
func sameTarget(htu, at string) bool {
	norm := func(s string) string {
		u, err := url.Parse(s)
		if err != nil || !u.IsAbs() || u.Host == "" || u.User != nil {
			return ""
		}
		scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
		if scheme == "https" {
			host = strings.TrimSuffix(host, ":443")
		} else if scheme == "http" {
			host = strings.TrimSuffix(host, ":80")
		}
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		return scheme + "://" + host + path
	}
	got := norm(htu)
	return got != "" && got == norm(at)
}

// possess reads the proof of a request; the request that it gives knows it. ok is false when the answer was written.
func (r *Room) possess(w http.ResponseWriter, req *http.Request, resource bool) (out *http.Request, ok bool) {
	ctx := req.Context()
	held := &possession{header: w.Header()}
	if resource {
		if scheme, token, found := strings.Cut(req.Header.Get("Authorization"), " "); found && strings.EqualFold(scheme, "DPoP") {
			held.scheme = true
			req = req.Clone(ctx)
			req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token)) // as the library reads it
		}
	}
	switch sent := req.Header.Values(oidc.DPoPHeader); len(sent) {
	case 0:
	case 1:
		p, err := readProof(sent[0], req.Method, base(ctx)+req.URL.EscapedPath(), r.Store.Now())
		var no *refused
		if errors.As(err, &no) {
			if resource {
				challenge(w.Header(), no.code, no.text)
				no.status = http.StatusUnauthorized
			}
			r.refuse(w, req, no)
			return req, false
		}
		held.proof = p
	default:
		r.refuse(w, req, badProof("There has to be one proof, not more."))
		return req, false
	}
	return req.WithContext(context.WithValue(ctx, possessionKey{}, held)), true
}

// challenge says to a client that it has to prove that it holds the key (RFC 9449 section 7.1).
func challenge(h http.Header, code, text string) {
	h.Set("WWW-Authenticate", `DPoP error="`+code+`", error_description="`+strings.NewReplacer(`"`, "'", `\`, "/").Replace(text)+`", algs="`+strings.Join(algorithmNames(), " ")+`"`)
}

// nonce gives the nonce of a time; the one before still counts.
func (r *Room) nonce(at time.Time) string {
	return r.index("dpop nonce", strconv.FormatInt(at.Unix()/int64(nonceLife.Seconds()), 10))
}

// fresh checks the nonce of a proof (section 8).
func (r *Room) fresh(held *possession, p *Provider) error {
	now := r.Store.Now()
	if p.DPoPNonce {
		held.header.Set("DPoP-Nonce", r.nonce(now))
	}
	if held.proof == nil || held.proof.nonce == "" && !p.DPoPNonce {
		return nil
	}
	if n := held.proof.nonce; n != r.nonce(now) && n != r.nonce(now.Add(-nonceLife)) {
		held.header.Set("DPoP-Nonce", r.nonce(now))
		return &refused{code: "use_dpop_nonce", text: "The proof needs the nonce of the header DPoP-Nonce."}
	}
	return nil
}

// binding gives the key that the tokens of a request to the token endpoint are bound to, "" for none. bound is the key that the grant is bound
// to already; must says that tokens are given here.
func (r *Room) binding(ctx context.Context, p *Provider, bound string, must bool) (string, error) {
	held := possessionOf(ctx)
	if err := r.fresh(held, p); err != nil {
		return "", err
	}
	switch {
	case held.proof == nil && must && bound != "":
		return "", badProof("What was granted is bound to a key: the request needs a DPoP proof by it.")
	case held.proof == nil && must && p.DPoPBound:
		return "", badProof("Tokens of this client are bound to a key: the request needs a DPoP proof.")
	case held.proof == nil:
		return bound, nil
	case bound != "" && bound != held.proof.key:
		return "", badProof("What was granted is bound to another key than that of the DPoP proof.")
	}
	return held.proof.key, nil
}

// spendProof notes that the proof of a request was used; one that was used before is refused (section 11.1).
func (r *Room) spendProof(ctx context.Context, tx *store.Tx) error {
	p := possessionOf(ctx).proof
	if p == nil {
		return nil
	}
	res, err := tx.Exec(`INSERT INTO oauth_proofs (hash, expires) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING`, r.index("dpop", p.key+" "+p.id), p.at.Add(proofAge+proofAhead).UnixMicro())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, badProof("The proof was used before."))
	}
	return nil
}

// holds says whether the caller may use an access token: one that is bound to a key needs a proof of it, and the scheme DPoP. An error is a
// *refused for the client.
func (r *Room) holds(ctx context.Context, p *Provider, t *token, text string) error {
	held := possessionOf(ctx)
	no := func(why string) error { return &refused{code: "invalid_token", text: why} }
	if t.Terms.Key == "" {
		if held.scheme {
			return no("The access token is not bound to a key: send it as Bearer.")
		}
		return nil
	}
	sum := sha256.Sum256([]byte(text))
	switch {
	case !held.scheme || held.proof == nil:
		return no("The access token is bound to a key: send it with the scheme DPoP and a proof.")
	case held.proof.key != t.Terms.Key:
		return no("The access token is bound to another key than that of the proof.")
	case held.proof.ofToken != base64.RawURLEncoding.EncodeToString(sum[:]):
		return badProof("The proof's ath is not that of the access token.")
	}
	if err := r.fresh(held, p); err != nil {
		return err
	}
	return r.Store.Write(ctx, quiet(), func(tx *store.Tx) error { return r.spendProof(ctx, tx) })
}

// bare says whether a token may be used without any proof.
func (t *token) bare() bool { return t.Terms.Key == "" }

// tokenType is how a client presents an access token.
func (t terms) tokenType() string {
	if t.Key != "" {
		return "DPoP"
	}
	return oidc.BearerToken
}

// parseKey reads dpop_jkt (section 10).
func parseKey(text string) (string, error) {
	if text != "" && !oidc.ValidDPoPJKT(text) {
		return "", &problem{code: "invalid_request", text: "The parameter dpop_jkt is no SHA-256 thumbprint of a key."}
	}
	return text, nil
}

// maxResources is how many resources a token may be for.
const maxResources = 10

// parseResources holds the resources that are asked for (RFC 8707 section 2) to those that a grant or a provider allows.
func parseResources(asked, allowed []string) ([]string, error) {
	var out []string
	for _, text := range asked {
		u, err := url.Parse(text)
		switch {
		case text == "" || err != nil || !u.IsAbs() || strings.Contains(text, "#") || len(text) > 2000:
			return nil, &problem{code: "invalid_target", text: "The parameter resource has to be a whole address without #."}
		case !slices.Contains(allowed, text):
			return nil, &problem{code: "invalid_target", text: "Tokens for the resource " + clip(text) + " are not given to this client.", cause: "resource", came: text, expected: strings.Join(allowed, " ")}
		case !slices.Contains(out, text):
			out = append(out, text)
		}
	}
	if len(out) > maxResources {
		return nil, &problem{code: "invalid_target", text: "The parameter resource names too many resources."}
	}
	return out, nil
}

// narrowed gives the resources that an access token is for: those that the token request names of the granted ones, else all of these. Where
// nothing was said before, the request may name what the provider allows.
func narrowed(p *Provider, granted, asked []string) ([]string, error) {
	if len(asked) == 0 {
		return granted, nil
	}
	allowed := granted
	if len(allowed) == 0 {
		allowed = strings.Fields(p.Resources)
	}
	out, err := parseResources(asked, allowed)
	var bad *problem
	if errors.As(err, &bad) {
		err = &refused{code: bad.code, text: bad.text, cause: bad.cause, came: bad.came, expected: bad.expected}
	}
	return out, err
}

// audience is whom an access token is for: the client itself, as in the release, or the resources.
func (t terms) audience(client string) any {
	switch len(t.Resources) {
	case 0:
		return client
	case 1:
		return t.Resources[0]
	}
	return t.Resources
}
