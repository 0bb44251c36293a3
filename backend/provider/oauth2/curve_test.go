package oauth2

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestCurvesSignAsTheLibraryDoes: the library verifies every token, with its algorithm only, and finds the header that it would have written.
func TestCurvesSignAsTheLibraryDoes(t *testing.T) {
	for _, tt := range []struct {
		alg   jose.SignatureAlgorithm
		curve elliptic.Curve
		hash  crypto.Hash
		kid   string
	}{
		{jose.ES256, elliptic.P256(), crypto.SHA256, "k1"},
		{jose.ES384, elliptic.P384(), crypto.SHA384, "<k&2>"},
		{jose.ES512, elliptic.P521(), crypto.SHA512, ""},
	} {
		key, err := ecdsa.GenerateKey(tt.curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s := &signer{alg: tt.alg}
		if s.hash() != tt.hash {
			t.Errorf("%s is signed with %v", tt.alg, s.hash())
		}
		c, err := newCurve(tt.alg, tt.kid, key, s.hash())
		if err != nil {
			t.Fatal(err)
		}
		o := (&jose.SignerOptions{}).WithType("JWT")
		if tt.kid != "" {
			o = o.WithHeader("kid", tt.kid)
		}
		theirs, err := jose.NewSigner(jose.SigningKey{Algorithm: tt.alg, Key: key}, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{`{}`, `{"sub":"ada"}`, `{"name":"` + strings.Repeat("ä", 500) + `"}`} {
			for range 20 { // numbers with zeros in front are as long as others
				text, err := c.jwt([]byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				got, err := opened(text, tt.alg, key.Public())
				if err != nil || string(got) != payload {
					t.Fatalf("%s: %q, %v", tt.alg, got, err)
				}
				for _, other := range []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512} {
					if _, err := opened(text, other, key.Public()); err == nil && other != tt.alg {
						t.Errorf("%s passes for %s", tt.alg, other)
					}
				}
				other, err := ecdsa.GenerateKey(tt.curve, rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := opened(text, tt.alg, other.Public()); err == nil {
					t.Errorf("%s: another key verifies it", tt.alg)
				}
			}
			signed, err := theirs.Sign([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			want, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			text, err := c.jwt([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			if head, _, _ := strings.Cut(want, "."); !strings.HasPrefix(text, head+".") {
				t.Errorf("%s: the header differs from %s: %s", tt.alg, head, text)
			}
		}
	}
}
