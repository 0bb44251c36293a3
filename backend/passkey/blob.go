package passkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha512" // SHA-384 and SHA-512 for crypto.Hash
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"gatehouse/backend/fault"

	"github.com/go-webauthn/webauthn/metadata"
)

// signer is the name that the certificate of a blob's signer has to bear: the root is that of a public authority, which signs for others
// too.
const signer = "mds.fidoalliance.org"

// blob is what a metadata blob says (FIDO Metadata Service 3.1, section 3.1.7).
type blob struct {
	Number  int
	Renewal string // when the next one comes, as a date
	Entries []metadata.EntryJSON
	Skipped int // entries about makes without an AAGUID, or that can't be read
}

func bad(say string, cause error) error {
	return &fault.Error{Kind: fault.Invalid, Fields: map[string][]string{"file": {say}}, Cause: cause}
}

// readBlob checks and reads a metadata blob. An Invalid fault about "file" says what is wrong with it.
func readBlob(b []byte, roots *x509.CertPool, now time.Time) (*blob, error) {
	b = bytes.TrimSpace(b)
	parts := bytes.Split(b, []byte("."))
	if len(parts) != 3 {
		return nil, bad("This is no metadata blob of the FIDO Alliance.", nil)
	}
	var head struct {
		Alg string   `json:"alg"`
		X5C []string `json:"x5c"`
		X5U string   `json:"x5u"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(parts[0]))
	if err == nil {
		err = json.Unmarshal(raw, &head)
	}
	if err != nil || len(head.X5C) == 0 || head.X5U != "" {
		return nil, bad("This is no metadata blob of the FIDO Alliance.", err)
	}
	key, err := signerKey(head.X5C, roots, now)
	if err != nil {
		return nil, bad("The blob is not signed by the FIDO Alliance, or its signature is too old. Fetch the newest one.", err)
	}
	sig, err := base64.RawURLEncoding.DecodeString(string(parts[2]))
	if err == nil {
		err = verify(head.Alg, key, b[:len(parts[0])+1+len(parts[1])], sig)
	}
	if err != nil {
		return nil, bad("The blob was changed after the FIDO Alliance signed it.", err)
	}
	out, err := readPayload(parts[1])
	if err != nil {
		return nil, bad("The blob is signed, but can't be read.", err)
	}
	return out, nil
}

// signerKey gives the key of the first certificate when the chain leads to the roots.
func signerKey(chain []string, roots *x509.CertPool, now time.Time) (crypto.PublicKey, error) {
	var leaf *x509.Certificate
	between := x509.NewCertPool()
	for i, c := range chain {
		der, err := base64.StdEncoding.DecodeString(c)
		if err != nil {
			return nil, err
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			leaf = cert
		} else {
			between.AddCert(cert)
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: signer, Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return leaf.PublicKey, err
}

// verify checks a JWS signature (RFC 7518, sections 3.3 and 3.4).
func verify(alg string, key crypto.PublicKey, signed, sig []byte) error {
	hash := map[string]crypto.Hash{"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512, "ES256": crypto.SHA256, "ES384": crypto.SHA384}[alg]
	if hash == 0 {
		return fmt.Errorf("passkey: algorithm %q", alg)
	}
	h := hash.New()
	h.Write(signed)
	sum := h.Sum(nil)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if alg[0] == 'R' {
			return rsa.VerifyPKCS1v15(k, hash, sum, sig)
		}
	case *ecdsa.PublicKey:
		n := (k.Params().BitSize + 7) / 8
		if alg[0] == 'E' && len(sig) == 2*n && ecdsa.Verify(k, sum, new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])) {
			return nil
		}
	}
	return errors.New("passkey: the signature does not hold")
}

// readPayload reads entry by entry: a blob has megabytes, most of them pictures.
func readPayload(part []byte) (*blob, error) {
	d := json.NewDecoder(base64.NewDecoder(base64.RawURLEncoding, bytes.NewReader(part)))
	if err := open(d, '{'); err != nil {
		return nil, err
	}
	out := &blob{Number: -1}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch name {
		case "no":
			err = d.Decode(&out.Number)
		case "nextUpdate":
			err = d.Decode(&out.Renewal)
		case "entries":
			err = out.readEntries(d)
		default:
			var skip json.RawMessage
			err = d.Decode(&skip)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := time.Parse(time.DateOnly, out.Renewal); err != nil || out.Number < 0 {
		return nil, errors.Join(errors.New("passkey: no number or no date"), err)
	}
	return out, nil
}

func (b *blob) readEntries(d *json.Decoder) error {
	if err := open(d, '['); err != nil {
		return err
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		var e metadata.EntryJSON
		if json.Unmarshal(raw, &e) != nil || e.AaGUID == "" {
			b.Skipped++
			continue
		}
		s := &e.MetadataStatement
		s.Icon, s.IconDark, s.ProviderLogoLight, s.ProviderLogoDark, s.LegalHeader = "", "", "", "", ""
		if _, err := e.Parse(); err != nil {
			b.Skipped++
			continue
		}
		b.Entries = append(b.Entries, e)
	}
	_, err := d.Token()
	return err
}

func open(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("passkey: %v where %v should be", t, want)
	}
	return err
}
