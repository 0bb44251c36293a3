package keytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"
)

// authority is a certificate that signs others.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	a := authority{t: t}
	der, key := a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.key = cert, key
	return a
}

// issue makes a certificate with a key of its own, signed by a or, before a is whole, by itself.
func (a authority) issue(c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour)
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	by, signer := a.cert, a.key
	if by == nil {
		by, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

// Maker vouches for the keys that it makes.
type Maker struct{ authority }

// NewMaker makes one.
func NewMaker(t testing.TB) *Maker { return &Maker{newAuthority(t, "Test Maker Root")} }

// certify gives an attestation certificate (Web Authentication, section 8.2.1) and its key.
func (m *Maker) certify(aaguid [16]byte) ([]byte, *ecdsa.PrivateKey) {
	m.t.Helper()
	id, err := asn1.Marshal(aaguid[:])
	if err != nil {
		m.t.Fatal(err)
	}
	return m.issue(&x509.Certificate{
		Subject: pkix.Name{Country: []string{"SE"}, Organization: []string{"Test Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Test Key"}, BasicConstraintsValid: true,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: id}},
	})
}

// Entry is what a service says about a make (FIDO Metadata Service, section 3.1.1).
type Entry struct {
	AAGUID, Name string
	Maker        *Maker // nil: no trust anchors
	Status       string // "" for FIDO_CERTIFIED
}

func (e Entry) json() map[string]any {
	status, roots, types := e.Status, []string{}, []string{"basic_surrogate"}
	if status == "" {
		status = "FIDO_CERTIFIED"
	}
	if e.Maker != nil {
		roots, types = []string{base64.StdEncoding.EncodeToString(e.Maker.cert.Raw)}, []string{"basic_full"}
	}
	return map[string]any{
		"aaguid": e.AAGUID, "timeOfLastStatusChange": "2026-01-02", "statusReports": []any{map[string]any{"status": status, "effectiveDate": "2026-01-02"}},
		"metadataStatement": map[string]any{
			"aaguid": e.AAGUID, "description": e.Name, "protocolFamily": "fido2", "schema": 3, "authenticatorVersion": 1, "attestationTypes": types,
			"attestationRootCertificates": roots, "authenticationAlgorithms": []string{"secp256r1_ecdsa_sha256_raw"}, "icon": "data:image/png;base64,aWNvbg==",
		},
	}
}

// Service signs metadata blobs.
type Service struct {
	authority
	Name  string // of the signer's certificate
	Until time.Time
}

// NewService makes one that is as the FIDO Alliance's, with a root of its own.
func NewService(t testing.TB) *Service {
	return &Service{authority: newAuthority(t, "Test Metadata Root"), Name: "mds.fidoalliance.org"}
}

// Roots gives what its blobs chain to.
func (s *Service) Roots() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(s.cert)
	return p
}

// Blob signs a list of makes (FIDO Metadata Service, section 3.1.7). extra are entries as they stand.
func (s *Service) Blob(number int, renewal string, entries []Entry, extra ...any) []byte {
	s.t.Helper()
	der, key := s.issue(&x509.Certificate{Subject: pkix.Name{CommonName: s.Name}, DNSNames: []string{s.Name}, NotAfter: s.Until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	list := append([]any{}, extra...)
	for _, e := range entries {
		list = append(list, e.json())
	}
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			s.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := text(map[string]any{"alg": "ES256", "typ": "JWT", "x5c": []string{base64.StdEncoding.EncodeToString(der), base64.StdEncoding.EncodeToString(s.cert.Raw)}}) + "." +
		text(map[string]any{"legalHeader": "For tests.", "no": number, "nextUpdate": renewal, "entries": list})
	sum := sha256.Sum256([]byte(signed))
	r, sig, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		s.t.Fatal(err)
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	sig.FillBytes(out[32:])
	return []byte(signed + "." + base64.RawURLEncoding.EncodeToString(out))
}
