package crypt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"

	"gatehouse/backend/fault"
)

// The sentences that clients of the REST API see.
const (
	sayNoCertificate = "Unable to load certificate."
	sayNoKey         = "Unable to load private key (possibly encrypted?)."
)

// minRSABits is the shortest RSA key that is taken (NIST SP 800-131A).
const minRSABits = 2048

// maxRSABits keeps a hostile key from costing minutes.
const maxRSABits = 16384

// GenerateKeyPair makes a private key: alg "rsa" with bits (0: 4096), or "ecdsa" with the curve of that size (0: P-256).
func GenerateKeyPair(alg string, bits int) (crypto.Signer, error) {
	switch alg {
	case "rsa":
		if bits == 0 {
			bits = 4096
		}
		if bits < minRSABits || bits > maxRSABits {
			return nil, fault.Newf(fault.Invalid, "An RSA key needs %d to %d bits.", minRSABits, maxRSABits)
		}
		return rsa.GenerateKey(rand.Reader, bits)
	case "ecdsa":
		for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
			if bits == c.Params().BitSize || bits == 0 {
				return ecdsa.GenerateKey(c, rand.Reader)
			}
		}
		return nil, fault.New(fault.Invalid, "An ECDSA key needs 256, 384 or 521 bits.")
	}
	return nil, fault.Newf(fault.Invalid, "%q is no kind of key. Use rsa or ecdsa.", alg)
}

// ParseCertificate reads the first certificate of a PEM text.
func ParseCertificate(text string) (*x509.Certificate, error) {
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return nil, fault.New(fault.Invalid, sayNoCertificate)
		}
		if b.Type != "CERTIFICATE" && b.Type != "X509 CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, sayNoCertificate, err)
		}
		return c, nil
	}
}

// ParsePrivateKey reads the first private key of a PEM text: PKCS #1, PKCS #8 or SEC 1, RSA from 2048 bits or ECDSA on P-256, P-384
// or P-521. Encrypted keys are not read.
func ParsePrivateKey(text string) (crypto.Signer, error) {
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return nil, fault.New(fault.Invalid, sayNoKey)
		}
		var key any
		var err error
		switch b.Type {
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(b.Bytes)
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, fault.New(fault.Invalid, sayNoKey)
		default:
			continue // EC PARAMETERS, the certificate in front
		}
		return checkKey(key, b.Bytes, err)
	}
}

func checkKey(key any, der []byte, err error) (crypto.Signer, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if err == nil && k != nil {
			if n := k.N.BitLen(); n < minRSABits || n > maxRSABits {
				return nil, fault.Newf(fault.Invalid, "This RSA key has %d bits. Use one with %d to %d bits.", n, minRSABits, maxRSABits)
			}
			return k, nil
		}
	case *ecdsa.PrivateKey:
		if err == nil && k != nil {
			if curveBytes(k.Curve) == 0 {
				return nil, fault.New(fault.Invalid, "This EC key is on a curve that is too weak. Use P-256, P-384 or P-521.")
			}
			return k, nil
		}
	}
	if err == nil {
		return nil, fault.New(fault.Invalid, "This kind of private key is not supported. Use RSA or ECDSA.")
	}
	// The library refuses short RSA keys with an error of its own before their length can be told.
	if n := rsaBits(der); n > 0 && n < minRSABits {
		return nil, fault.Newf(fault.Invalid, "This RSA key has %d bits. Use one with %d to %d bits.", n, minRSABits, maxRSABits)
	}
	return nil, fault.Wrap(fault.Invalid, sayNoKey, err)
}

// rsaBits gives the length of the modulus of a PKCS #1 or PKCS #8 key, 0 when der is neither.
func rsaBits(der []byte) int {
	var p8 struct {
		Version int
		Algo    asn1.RawValue
		Key     []byte
	}
	if _, err := asn1.Unmarshal(der, &p8); err == nil {
		der = p8.Key
	}
	var seq asn1.RawValue
	if _, err := asn1.Unmarshal(der, &seq); err != nil || seq.Tag != asn1.TagSequence {
		return 0
	}
	var version int
	rest, err := asn1.Unmarshal(seq.Bytes, &version)
	if err != nil {
		return 0
	}
	var n *big.Int
	if _, err := asn1.Unmarshal(rest, &n); err != nil || n.Sign() <= 0 {
		return 0
	}
	return n.BitLen()
}

// EncodePrivateKey gives a key as PEM in its traditional form: PKCS #1 for RSA, SEC 1 for ECDSA.
func EncodePrivateKey(key crypto.Signer) (string, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})), nil
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			return "", err
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})), nil
	}
	return "", fault.New(fault.Invalid, "This kind of private key is not supported. Use RSA or ECDSA.")
}

// EncodeCertificate gives a certificate as PEM.
func EncodeCertificate(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// KeyType names a key as the REST API does: "rsa", "ec", "" for others.
func KeyType(pub crypto.PublicKey) string {
	switch pub.(type) {
	case *rsa.PublicKey:
		return "rsa"
	case *ecdsa.PublicKey:
		return "ec"
	}
	return ""
}

// Matches says whether the certificate is for this private key.
func Matches(cert *x509.Certificate, key crypto.Signer) bool {
	pub, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && pub.Equal(key.Public())
}

// FingerprintSHA1 is the SHA-1 of the certificate as hex pairs with colons.
func FingerprintSHA1(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw)
	return colons(sum[:])
}

// FingerprintSHA256 is the SHA-256 of the certificate as hex pairs with colons.
func FingerprintSHA256(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return colons(sum[:])
}

func colons(b []byte) string {
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.Join(parts, ":")
}

// KeyID is the published `kid` of a key pair: the MD5 of the private key's PEM text, hex. It names a key and protects nothing.
func KeyID(keyPEM string) string {
	sum := md5.Sum([]byte(keyPEM))
	return hex.EncodeToString(sum[:])
}

// JWK gives the public key as a JSON Web Key (RFC 7517, RFC 7518) with its certificate when there is one; nil for keys that are
// neither RSA nor ECDSA on a NIST curve.
func JWK(cert *x509.Certificate, pub crypto.PublicKey, kid string) map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	k := map[string]any{"use": "sig", "kid": kid}
	switch p := pub.(type) {
	case *rsa.PublicKey:
		k["kty"], k["alg"] = "RSA", "RS256"
		k["n"], k["e"] = b64(p.N.Bytes()), b64(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		size := curveBytes(p.Curve)
		point, err := p.Bytes() // 0x04, x, y
		if size == 0 || err != nil {
			return nil
		}
		k["kty"], k["crv"], k["alg"] = "EC", p.Curve.Params().Name, Algorithm(pub)
		k["x"], k["y"] = b64(point[1:1+size]), b64(point[1+size:])
	default:
		return nil
	}
	if cert != nil {
		s1, s256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
		k["x5c"] = []string{base64.StdEncoding.EncodeToString(cert.Raw)}
		k["x5t"], k["x5t#S256"] = b64(s1[:]), b64(s256[:])
	}
	return k
}

// Algorithm is the JWS algorithm (RFC 7518 section 3.1) that a key signs with: RS256, or ES256, ES384, ES512 by its curve; "" for others.
func Algorithm(pub crypto.PublicKey) string {
	switch p := pub.(type) {
	case *rsa.PublicKey:
		return "RS256"
	case *ecdsa.PublicKey:
		switch curveBytes(p.Curve) {
		case 32:
			return "ES256"
		case 48:
			return "ES384"
		case 66:
			return "ES512"
		}
	}
	return ""
}

// curveBytes is the length of a coordinate, 0 for curves that are not taken.
func curveBytes(c elliptic.Curve) int {
	switch c {
	case elliptic.P256():
		return 32
	case elliptic.P384():
		return 48
	case elliptic.P521():
		return 66
	}
	return 0
}

// SubjectText gives the subject as text by RFC 4514, the last part of the name first.
func SubjectText(cert *x509.Certificate) string { return nameText(cert.RawSubject) }

// IssuerText gives the issuer as text by RFC 4514.
func IssuerText(cert *x509.Certificate) string { return nameText(cert.RawIssuer) }

func nameText(raw []byte) string {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	var name [][]attribute
	var seq []asn1.RawValue
	if _, err := asn1.Unmarshal(raw, &seq); err != nil {
		return ""
	}
	for _, s := range seq {
		var set []attribute
		if _, err := asn1.UnmarshalWithParams(s.FullBytes, &set, "set"); err != nil {
			return ""
		}
		name = append(name, set)
	}
	short := map[string]string{
		"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
		"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
	}
	var out []string
	for i := len(name) - 1; i >= 0; i-- {
		var parts []string
		for _, a := range name[i] {
			label := short[a.Type.String()]
			if label == "" {
				label = a.Type.String()
			}
			var text string
			if _, err := asn1.Unmarshal(a.Value.FullBytes, &text); err != nil {
				parts = append(parts, fmt.Sprintf("%s=#%x", label, a.Value.FullBytes))
				continue
			}
			parts = append(parts, label+"="+escapeName(text))
		}
		out = append(out, strings.Join(parts, "+"))
	}
	return strings.Join(out, ",")
}

// escapeName escapes a value of a name (RFC 4514 section 2.4).
func escapeName(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 0:
			b.WriteString(`\00`)
			continue
		case strings.ContainsRune(`"+,;<>\`, r), i == 0 && (r == '#' || r == ' '), r == ' ' && i == len(s)-1:
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
