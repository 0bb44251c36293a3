// Package cert keeps certificate-key pairs: what providers sign with and what brands show to browsers.
package cert

import (
	"context"
	"crypto"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of key pairs.
var Family = &kind.Family{Name: "keypairs", Param: "kp_uuid", Title: "certificate"}

// Pair is a certificate with or without its private key.
type Pair struct {
	PK          string     `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name        string     `json:"name" is:"required,unique,search"`
	SHA256      *string    `json:"fingerprint_sha256" is:"computed,required"`
	SHA1        *string    `json:"fingerprint_sha1" is:"computed,required"`
	Expiry      *time.Time `json:"cert_expiry" is:"computed,required" format:"date-time"`
	Subject     *string    `json:"cert_subject" is:"computed,required"`
	HasKey      bool       `json:"private_key_available" is:"computed,required"`
	KeyType     *string    `json:"private_key_type" is:"computed,required"`
	CertURL     string     `json:"certificate_download_url" is:"computed,required"`
	KeyURL      string     `json:"private_key_download_url" is:"computed,required"`
	Managed     *string    `json:"managed" is:"readonly,required,unique"`
	Certificate string     `json:"certificate_data" is:"required,writeonly,raw" help:"The certificate as text that begins with -----BEGIN CERTIFICATE-----."`
	Key         string     `json:"key_data" is:"writeonly,secret,raw,blank" help:"The private key as text. Without it the certificate can only verify."`
}

// Generate is the body of generate.
type Generate struct {
	CommonName string `json:"common_name" is:"required"`
	AltNames   string `json:"subject_alt_name" is:"blank"`
	Days       int    `json:"validity_days" is:"required"`
	Alg        string `json:"alg" enum:"rsa,ecdsa" default:"rsa"`
}

// SchemaName implements kind.SchemaNamer.
func (Generate) SchemaName() string { return "CertificateGeneration" }

// Data is a certificate or key as text.
type Data struct {
	Data string `json:"data" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Data) SchemaName() string { return "CertificateData" }

// Room keeps the pairs and the keys that were parsed.
type Room struct {
	Store *store.Store
	// Viewed is called when a certificate or key was shown, to write the event; what is "certificate" or "private_key".
	Viewed func(ctx context.Context, p *Pair, what string) error

	parsed store.Memo[string, *Signing]
}

// Signing is a pair ready for use.
type Signing struct {
	Certificate *x509.Certificate
	Signer      crypto.Signer // nil: only the certificate is there
	KeyID       string        // hex MD5 of the private key's text, as published in JWKS
}

// Kinds describes key pairs.
func (r *Room) Kinds() []*kind.Kind {
	generate := kind.Collection("POST", "generate", "add", r.generate)
	generate.Status, generate.Out = 200, reflect.TypeFor[Pair]()
	return []*kind.Kind{kind.Of[Pair](Family, kind.Spec{
		Path: "crypto/certificatekeypairs", Model: "authentik_crypto.certificatekeypair", Schema: "CertificateKeyPair", Title: "Certificate-Key Pair",
		Order: []string{"name"}, Present: r.present,
		Params:  []kind.Param{{Name: "include_details", Type: "boolean", Default: "true"}},
		Actions: []kind.Action{generate, r.view("view_certificate", "view"), r.view("view_private_key", "change")},
		Filters: []kind.Filter{{Name: "has_key", Type: "boolean", Where: func(v string, d kind.Dialect) (string, []any, error) {
			switch strings.ToLower(v) {
			case "true", "1":
				return d.Column("key_data") + " <> ''", nil, nil
			case "false", "0":
				return "coalesce(" + d.Column("key_data") + ", '') = ''", nil, nil
			}
			return "", nil, fault.Field("has_key", "Must be a valid boolean.")
		}}},
	}, nil)}
}

func (r *Room) present(_ context.Context, rows []any, q url.Values) error {
	details := q.Get("include_details") != "false"
	for _, row := range rows {
		p := row.(*Pair)
		base := "/api/v3/crypto/certificatekeypairs/" + p.PK + "/"
		p.CertURL, p.KeyURL, p.HasKey = base+"view_certificate/?download", base+"view_private_key/?download", p.Key != ""
		if !details {
			continue
		}
		c, err := crypt.ParseCertificate(p.Certificate)
		if err != nil {
			continue // stored by another version; the page shows the rest
		}
		s256, s1 := sha256.Sum256(c.Raw), sha1.Sum(c.Raw)
		a, b, subject := colons(s256[:]), colons(s1[:]), crypt.SubjectText(c)
		end := c.NotAfter.UTC()
		p.SHA256, p.SHA1, p.Subject, p.Expiry = &a, &b, &subject, &end
		if p.Key != "" {
			t := "rsa"
			if strings.HasPrefix(crypt.Algorithm(c.PublicKey), "ES") {
				t = "ec"
			}
			p.KeyType = &t
		}
	}
	return nil
}

func colons(b []byte) string {
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = hex.EncodeToString([]byte{x})
	}
	return strings.Join(parts, ":")
}

// Validate implements store.Validator.
func (p *Pair) Validate() error {
	var bad fault.Fields
	c, err := crypt.ParseCertificate(p.Certificate)
	if err != nil {
		bad.Add("certificate_data", fault.As(err).Say)
	}
	if p.Key != "" {
		k, err := crypt.ParsePrivateKey(p.Key)
		switch {
		case err != nil:
			bad.Add("key_data", fault.As(err).Say)
		case c != nil && !crypt.Matches(c, k):
			bad.Add("key_data", "This private key belongs to another certificate.")
		}
	}
	return bad.Err()
}

func (r *Room) generate(ctx context.Context, _ *kind.Call, in *Generate) (any, error) {
	o := crypt.SelfSignedOptions{CommonName: in.CommonName, IssuerName: "Gatehouse", Days: in.Days, Alg: in.Alg, Now: r.Store.Now()}
	for n := range strings.SplitSeq(in.AltNames, ",") {
		if n = strings.TrimSpace(n); n == "" {
			continue
		}
		if ip := net.ParseIP(n); ip != nil {
			o.IPs = append(o.IPs, ip)
		} else {
			o.DNSNames = append(o.DNSNames, n)
		}
	}
	certPEM, keyPEM, err := crypt.SelfSigned(o)
	if err != nil {
		return nil, err
	}
	p := &Pair{Name: in.CommonName, Certificate: certPEM, Key: keyPEM}
	if err := r.Store.Create(ctx, p); err != nil {
		return nil, err
	}
	return p, r.present(ctx, []any{p}, url.Values{})
}

// view is an action that shows a part of a pair; a private key only to who may change the pair (CVE-2024-42490 class).
func (r *Room) view(path, perm string) kind.Action {
	what := strings.TrimPrefix(path, "view_")
	a := kind.Detail("GET", path, perm, func(ctx context.Context, c *kind.Call, _ *kind.None) (any, error) {
		p := c.Object.(*Pair)
		if r.Viewed != nil {
			if err := r.Viewed(ctx, p, what); err != nil {
				return nil, err
			}
		}
		text := p.Certificate
		if what == "private_key" {
			text = p.Key
		}
		if c.Query.Has("download") && c.Query.Get("download") != "false" {
			return kind.Download{Name: p.Name + "_" + what + ".pem", Type: "application/x-pem-file", Body: []byte(text)}, nil
		}
		return Data{text}, nil
	})
	a.Out = reflect.TypeFor[Data]()
	a.Query = []kind.Param{{Name: "download", Type: "boolean"}}
	return a
}

// Signing gives the pair with that key, parsed. What was parsed is kept until something changes.
func (r *Room) Signing(ctx context.Context, pk string) (*Signing, error) {
	return r.parsed.Get(r.Store, pk, func() (*Signing, error) {
		p, err := store.Get[Pair](ctx, r.Store, pk)
		if err != nil {
			return nil, err
		}
		s := &Signing{}
		if s.Certificate, err = crypt.ParseCertificate(p.Certificate); err != nil {
			return nil, err
		}
		if p.Key != "" {
			if s.Signer, err = crypt.ParsePrivateKey(p.Key); err != nil {
				return nil, err
			}
			sum := md5.Sum([]byte(p.Key))
			s.KeyID = hex.EncodeToString(sum[:])
		}
		return s, nil
	})
}

// SelfSignedName is the pair that exists from the first start.
const SelfSignedName = "authentik Self-signed Certificate"

// Seed makes the certificate that providers sign with unless another is chosen: RSA-2048 for a year (decisions 22). The key is made
// by the caller of prepare, before the transaction.
func Seed(now time.Time) (func(tx *store.Tx) error, error) {
	certPEM, keyPEM, err := crypt.SelfSigned(crypt.SelfSignedOptions{
		CommonName: SelfSignedName, IssuerName: "Gatehouse", DNSNames: []string{strings.ToLower(crypt.ID(24)) + ".self-signed.goauthentik.io"}, RSABits: 2048, Now: now,
	})
	if err != nil {
		return nil, fmt.Errorf("default certificate: %w", err)
	}
	return func(tx *store.Tx) error {
		_, err := store.FindTx[Pair](tx, "name", SelfSignedName)
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		return tx.Create(&Pair{Name: SelfSignedName, Certificate: certPEM, Key: keyPEM})
	}, nil
}
