package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"   // asked for by name below
	_ "crypto/sha256" //
	_ "crypto/sha512" //
	"crypto/x509"
	"math/big"

	dsig "github.com/russellhaering/goxmldsig"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
)

// Digests (xmldsig-core 6.2, RFC 6931 2.1).
const (
	SHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

// DSASHA1 is a signature algorithm that can be chosen in the release and is refused here.
const DSASHA1 = "http://www.w3.org/2000/09/xmldsig#dsa-sha1"

var digests = map[string]crypto.Hash{SHA1: crypto.SHA1, SHA256: crypto.SHA256, SHA384: crypto.SHA384, SHA512: crypto.SHA512}

// method is a signature algorithm.
type method struct {
	name  string
	hash  crypto.Hash
	curve bool // ECDSA, else RSA (PKCS #1 v1.5)
}

var methods = map[string]method{
	dsig.RSASHA1SignatureMethod:     {"RSA with SHA-1", crypto.SHA1, false},
	dsig.RSASHA256SignatureMethod:   {"RSA with SHA-256", crypto.SHA256, false},
	dsig.RSASHA384SignatureMethod:   {"RSA with SHA-384", crypto.SHA384, false},
	dsig.RSASHA512SignatureMethod:   {"RSA with SHA-512", crypto.SHA512, false},
	dsig.ECDSASHA1SignatureMethod:   {"ECDSA with SHA-1", crypto.SHA1, true},
	dsig.ECDSASHA256SignatureMethod: {"ECDSA with SHA-256", crypto.SHA256, true},
	dsig.ECDSASHA384SignatureMethod: {"ECDSA with SHA-384", crypto.SHA384, true},
	dsig.ECDSASHA512SignatureMethod: {"ECDSA with SHA-512", crypto.SHA512, true},
}

func methodOf(uri string) (method, error) {
	if m, ok := methods[uri]; ok {
		return m, nil
	}
	if uri == DSASHA1 {
		return method{}, fault.New(fault.Invalid, "DSA signatures are not supported; choose RSA or ECDSA.")
	}
	return method{}, fault.Newf(fault.Invalid, "The signature algorithm %s is not known.", quote(uri))
}

func digestOf(uri string) (crypto.Hash, error) {
	if h, ok := digests[uri]; ok {
		return h, nil
	}
	// RFC 6931 2.1.4 knows this name for SHA-384 too.
	if uri == "http://www.w3.org/2001/04/xmlenc#sha384" {
		return crypto.SHA384, nil
	}
	return 0, fault.Newf(fault.Invalid, "The digest algorithm %s is not known.", quote(uri))
}

// Key is what messages are signed with.
type Key struct {
	Certificate *x509.Certificate
	Signer      crypto.Signer
	Digest      string // URI of the digest algorithm
	Method      string // URI of the signature algorithm
}

// Check says why the key can't sign in this way: DSA, an algorithm of the other kind of key, or no private key.
func (k *Key) Check() error {
	m, err := methodOf(k.Method)
	if err != nil {
		return err
	}
	if _, err := digestOf(k.Digest); err != nil {
		return err
	}
	if k.Signer == nil {
		return fault.Newf(fault.Invalid, "The certificate %s has no private key to sign with.", CertificateName(k.Certificate))
	}
	switch k.Signer.Public().(type) {
	case *rsa.PublicKey:
		if m.curve {
			return fault.Newf(fault.Invalid, "The certificate %s has an RSA key, which can't sign with %s.", CertificateName(k.Certificate), m.name)
		}
	case *ecdsa.PublicKey:
		if !m.curve {
			return fault.Newf(fault.Invalid, "The certificate %s has an elliptic-curve key, which can't sign with %s.", CertificateName(k.Certificate), m.name)
		}
	default:
		return fault.Newf(fault.Invalid, "The certificate %s has neither an RSA nor an elliptic-curve key.", CertificateName(k.Certificate))
	}
	return nil
}

// sign makes the value of a signature over octets. That of ECDSA is r and s side by side (RFC 6931 2.3.6), not ASN.1.
func (k *Key) sign(octets []byte) ([]byte, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	m := methods[k.Method]
	h := m.hash.New()
	h.Write(octets)
	sum := h.Sum(nil)
	if !m.curve {
		return k.Signer.Sign(rand.Reader, sum, m.hash)
	}
	key, ok := k.Signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fault.Newf(fault.Invalid, "The private key of %s can't be used for ECDSA.", CertificateName(k.Certificate))
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, sum)
	if err != nil {
		return nil, err
	}
	n := (key.Params().BitSize + 7) / 8
	out := make([]byte, 2*n)
	r.FillBytes(out[:n])
	s.FillBytes(out[n:])
	return out, nil
}

// Trust is whose signatures are believed.
type Trust struct {
	Certificates []*x509.Certificate
	SHA1         bool // SHA-1, which is broken, is taken all the same
}

func (t Trust) allow(h crypto.Hash) error {
	if h == crypto.SHA1 && !t.SHA1 {
		return fault.New(fault.Invalid, "The signature uses SHA-1, which is not safe and not allowed here.")
	}
	return nil
}

// holds proves the value of a signature over octets with one of the certificates.
func (t Trust) holds(what, uri string, octets, value []byte) error {
	m, err := methodOf(uri)
	if err != nil {
		return err
	}
	if err := t.allow(m.hash); err != nil {
		return err
	}
	h := m.hash.New()
	h.Write(octets)
	sum := h.Sum(nil)
	tried := ""
	for _, c := range t.Certificates {
		switch key := c.PublicKey.(type) {
		case *rsa.PublicKey:
			if !m.curve && rsa.VerifyPKCS1v15(key, m.hash, sum, value) == nil {
				return nil
			}
		case *ecdsa.PublicKey:
			n := (key.Params().BitSize + 7) / 8
			if m.curve && len(value) == 2*n && ecdsa.Verify(key, sum, new(big.Int).SetBytes(value[:n]), new(big.Int).SetBytes(value[n:])) {
				return nil
			}
		}
		if tried != "" {
			tried += ", "
		}
		tried += CertificateName(c)
	}
	if tried == "" {
		return fault.Newf(fault.Invalid, "The signature of the %s can't be checked: no certificate of the other side is known.", what)
	}
	return fault.Newf(fault.Invalid, "The signature of the %s (%s) does not fit the certificate %s.", what, m.name, tried)
}

// CertificateName names a certificate in a sentence: its subject and the start of its fingerprint.
func CertificateName(c *x509.Certificate) string {
	if c == nil {
		return "(none)"
	}
	return quote(crypt.SubjectText(c)) + " (SHA-256 " + crypt.FingerprintSHA256(c)[:23] + "…)"
}
