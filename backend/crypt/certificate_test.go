package crypt

import (
	"testing"

	"gatehouse/backend/fault"
)

// FuzzParseCertificate: a text is a certificate or a plain refusal.
func FuzzParseCertificate(f *testing.F) {
	c, k, err := SelfSigned(SelfSignedOptions{CommonName: "fuzz", IssuerName: "fuzz", Alg: "ecdsa", Days: 1})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{c, k, c + c, k + c, "", "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", c[:len(c)/2], "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCertificate(text)
		if (c == nil) == (err == nil) || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v %v", c, err)
		}
	})
}
