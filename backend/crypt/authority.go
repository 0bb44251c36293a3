package crypt

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"gatehouse/backend/fault"
)

// How long certificates last. 397 days is the most that browsers take from a server.
const (
	caYears    = 10
	serverDays = 397
)

// SelfSignedOptions say what a self-signed certificate is for.
type SelfSignedOptions struct {
	CommonName string
	IssuerName string // common name of the issuer; "": the same name as the subject
	DNSNames   []string
	IPs        []net.IP
	Days       int       // 0: 365
	Alg        string    // rsa or ecdsa; "": rsa
	RSABits    int       // 0: 4096
	Now        time.Time // zero: the system's clock
}

// SelfSigned makes a key pair and its certificate, valid from a day ago. The key is PEM in its traditional form.
func SelfSigned(o SelfSignedOptions) (certPEM, keyPEM string, err error) {
	if o.CommonName == "" {
		return "", "", fault.Field("common_name", "Give the certificate a name.")
	}
	if o.Days == 0 {
		o.Days = 365
	}
	if o.Days < 0 || o.Days > 365*100 {
		return "", "", fault.Field("validity_days", "A certificate lasts from 1 to 36500 days.")
	}
	if o.Alg == "" {
		o.Alg = "rsa"
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	bits := 0
	if o.Alg == "rsa" {
		bits = o.RSABits
	}
	key, err := GenerateKeyPair(o.Alg, bits)
	if err != nil {
		return "", "", err
	}
	subject, err := rawName(o.CommonName, "authentik", "Self-signed")
	if err != nil {
		return "", "", err
	}
	t := &x509.Certificate{
		RawSubject:            subject,
		NotBefore:             o.Now.AddDate(0, 0, -1),
		NotAfter:              o.Now.AddDate(0, 0, o.Days),
		DNSNames:              o.DNSNames,
		IPAddresses:           o.IPs,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	parent := t
	if o.IssuerName != "" {
		issuer, err := rawName(o.IssuerName)
		if err != nil {
			return "", "", err
		}
		parent = &x509.Certificate{RawSubject: issuer}
	}
	return issue(t, parent, key, key)
}

// NewCA makes the certificate authority of an office: ECDSA P-256, ten years, for servers directly below it only.
func NewCA(name string, now time.Time) (certPEM, keyPEM string, err error) {
	if strings.TrimSpace(name) == "" {
		return "", "", fault.New(fault.Invalid, "Give the certificate authority a name.")
	}
	key, err := GenerateKeyPair("ecdsa", 256)
	if err != nil {
		return "", "", err
	}
	subject, err := rawName(name)
	if err != nil {
		return "", "", err
	}
	t := &x509.Certificate{
		RawSubject:            subject,
		NotBefore:             now.AddDate(0, 0, -1), // clocks in an office differ
		NotAfter:              now.AddDate(caYears, 0, 0),
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            0,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return issue(t, t, key, key)
}

// IssueServer makes the certificate of a TLS server with these names and addresses: ECDSA P-256, at most 397 days and never longer
// than the authority lasts. The first name, or else the first address, becomes the common name.
func IssueServer(caCert, caKey string, names []string, ips []net.IP, now time.Time) (certPEM, keyPEM string, err error) {
	ca, err := ParseCertificate(caCert)
	if err != nil {
		return "", "", err
	}
	signer, err := ParsePrivateKey(caKey)
	if err != nil {
		return "", "", err
	}
	switch {
	case !ca.IsCA || ca.KeyUsage&x509.KeyUsageCertSign == 0:
		return "", "", fault.New(fault.Invalid, "This certificate may not issue others. Use one of a certificate authority.")
	case !Matches(ca, signer):
		return "", "", fault.New(fault.Invalid, "The private key doesn't belong to the certificate of the authority.")
	case now.After(ca.NotAfter):
		return "", "", fault.New(fault.Invalid, "The certificate authority has expired. Make a new one.")
	}
	var common string
	switch {
	case len(names) > 0:
		common = names[0]
	case len(ips) > 0:
		common = ips[0].String()
	default:
		return "", "", fault.New(fault.Invalid, "Name at least one address for the certificate.")
	}
	if len(common) > 64 { // the longest common name of RFC 5280; the full one is among the alternative names
		common = common[:64]
	}
	key, err := GenerateKeyPair("ecdsa", 256)
	if err != nil {
		return "", "", err
	}
	subject, err := rawName(common)
	if err != nil {
		return "", "", err
	}
	// A new authority starts a day ago as well.
	from, until := now.AddDate(0, 0, -1), now.AddDate(0, 0, serverDays-1)
	if from.Before(ca.NotBefore) {
		from = ca.NotBefore
	}
	if until.After(ca.NotAfter) {
		until = ca.NotAfter
	}
	return issue(&x509.Certificate{
		RawSubject:            subject,
		NotBefore:             from,
		NotAfter:              until,
		DNSNames:              names,
		IPAddresses:           ips,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, key, signer)
}

// issue signs t for key's public half with a random serial number of 127 bits (RFC 5280 section 4.1.2.2).
func issue(t, parent *x509.Certificate, key, signer crypto.Signer) (certPEM, keyPEM string, err error) {
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return "", "", err
	}
	if t.SubjectKeyId, err = subjectKeyID(key.Public()); err != nil {
		return "", "", err
	}
	if parent == t {
		t.AuthorityKeyId = t.SubjectKeyId
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return "", "", fault.Wrap(fault.Invalid, fmt.Sprintf("The certificate can't be made: %v.", err), err)
	}
	keyPEM, err = EncodePrivateKey(key)
	return EncodeCertificate(der), keyPEM, err
}

// subjectKeyID is the SHA-1 of the public key's bits (RFC 5280 section 4.2.1.2, method 1).
func subjectKeyID(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	var spki struct {
		Algo pkix.AlgorithmIdentifier
		Key  asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &spki); err != nil {
		return nil, err
	}
	sum := sha1.Sum(spki.Key.Bytes)
	return sum[:], nil
}

// rawName encodes a name in the order common name, organization, unit; the last two may be left out.
func rawName(values ...string) ([]byte, error) {
	oids := []asn1.ObjectIdentifier{{2, 5, 4, 3}, {2, 5, 4, 10}, {2, 5, 4, 11}}
	var name pkix.RDNSequence
	for i, v := range values {
		name = append(name, pkix.RelativeDistinguishedNameSET{{Type: oids[i], Value: v}})
	}
	raw, err := asn1.Marshal(name)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "The name can't stand in a certificate.", err)
	}
	return raw, nil
}
