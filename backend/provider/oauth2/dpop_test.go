package oauth2

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The proofs that RFC 9449 prints in sections 4.1 and 7.1.
const (
	rfcProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19." +
		"eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ." +
		"2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcResourceProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19." +
		"eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9." +
		"2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcKey   = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	rfcToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
)

func TestProofsOfTheRFC(t *testing.T) {
	t.Parallel()
	at := time.Unix(1562262616, 0)
	p, err := readProof(rfcProof, "POST", "https://server.example.com/token", at)
	if err != nil || p.key != rfcKey || p.id != "-BwC3ESc6acc2lTc" {
		t.Fatalf("%+v %v", p, err)
	}
	sum := sha256.Sum256([]byte(rfcToken))
	p, err = readProof(rfcResourceProof, "GET", "https://resource.example.org/protectedresource?q=1", at)
	if err != nil || p.key != rfcKey || p.ofToken != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Fatalf("%+v %v", p, err)
	}
	for name, tt := range map[string]struct {
		text, method, at string
		when             time.Time
	}{
		"another method":   {rfcProof, "GET", "https://server.example.com/token", at},
		"another path":     {rfcProof, "POST", "https://server.example.com/token/", at},
		"another host":     {rfcProof, "POST", "https://server.example.org/token", at},
		"too old":          {rfcProof, "POST", "https://server.example.com/token", at.Add(proofAge + time.Second)},
		"from the future":  {rfcProof, "POST", "https://server.example.com/token", at.Add(-proofAhead - time.Second)},
		"changed":          {rfcProof[:len(rfcProof)-4] + "AAAA", "POST", "https://server.example.com/token", at},
		"another's claims": {strings.Join([]string{strings.Split(rfcProof, ".")[0], strings.Split(rfcResourceProof, ".")[1], strings.Split(rfcProof, ".")[2]}, "."), "GET", "https://resource.example.org/protectedresource", at},
		"empty":            {"", "POST", "https://server.example.com/token", at},
		"long":             {rfcProof + strings.Repeat("A", maxProof), "POST", "https://server.example.com/token", at},
	} {
		if p, err := readProof(tt.text, tt.method, tt.at, tt.when); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestSameTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://a.example/x", "https://a.example/x", true}, {"HTTPS://A.example:443/x?y#z", "https://a.example/x", true}, {"http://a.example:80", "http://a.example/", true},
		{"https://a.example/X", "https://a.example/x", false}, {"http://a.example/x", "https://a.example/x", false}, {"https://a.example:8443/x", "https://a.example/x", false},
		{"https://u@a.example/x", "https://a.example/x", false}, {"/x", "/x", false}, {"", "", false}, {"https://a.example/x/", "https://a.example/x", false}, {"https://a.example/%78", "https://a.example/x", false},
	} {
		if got := sameTarget(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %v", tt.a, tt.b, got)
		}
	}
}

func TestProofKeys(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	enc := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	good := map[string]any{"jti": "1", "htm": "POST", "htu": "https://a.example/t", "iat": now.Unix()}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range good {
			out[k] = v
		}
		for k, v := range more {
			if out[k] = v; v == nil {
				delete(out, k)
			}
		}
		return out
	}
	sign := func(head, claims map[string]any) string {
		text := enc(head) + "." + enc(claims)
		sum := sha256.Sum256([]byte(text))
		r, s, err := ecdsa.Sign(rand.Reader, ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		var sig [64]byte
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return text + "." + base64.RawURLEncoding.EncodeToString(sig[:])
	}
	public, private := jose.JSONWebKey{Key: &ec.PublicKey}, jose.JSONWebKey{Key: ec}
	head := func(more map[string]any) map[string]any {
		out := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": public}
		for k, v := range more {
			if out[k] = v; v == nil {
				delete(out, k)
			}
		}
		return out
	}
	for name, tt := range map[string]struct {
		head, claims map[string]any
		ok           bool
	}{
		"good":             {head(nil), good, true},
		"another typ":      {head(map[string]any{"typ": "JWT"}), good, false},
		"no typ":           {head(map[string]any{"typ": nil}), good, false},
		"no key":           {head(map[string]any{"jwk": nil}), good, false},
		"a private key":    {head(map[string]any{"jwk": private}), good, false},
		"another key":      {head(map[string]any{"jwk": jose.JSONWebKey{Key: &other.PublicKey}}), good, false},
		"a shared secret":  {head(map[string]any{"alg": "HS256", "jwk": jose.JSONWebKey{Key: []byte("secret secret secret secret secret")}}), good, false},
		"no signature":     {head(map[string]any{"alg": "none"}), good, false},
		"another alg":      {head(map[string]any{"alg": "RS256"}), good, false},
		"no jti":           {head(nil), with(map[string]any{"jti": nil}), false},
		"an empty jti":     {head(nil), with(map[string]any{"jti": ""}), false},
		"a long jti":       {head(nil), with(map[string]any{"jti": strings.Repeat("x", 600)}), false},
		"no htm":           {head(nil), with(map[string]any{"htm": nil}), false},
		"a small htm":      {head(nil), with(map[string]any{"htm": "post"}), false},
		"no htu":           {head(nil), with(map[string]any{"htu": nil}), false},
		"no iat":           {head(nil), with(map[string]any{"iat": nil}), false},
		"iat as text":      {head(nil), with(map[string]any{"iat": "now"}), false},
		"an iat long gone": {head(nil), with(map[string]any{"iat": 1}), false},
		"an htu with more": {head(nil), with(map[string]any{"htu": "https://a.example/t?x=1#y"}), true},
	} {
		p, err := readProof(sign(tt.head, tt.claims), "POST", "https://a.example/t", now)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	text := enc(map[string]any{"typ": "dpop+jwt", "alg": "RS256", "jwk": jose.JSONWebKey{Key: &weak.PublicKey}}) + "." + enc(good)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, weak, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if p, err := readProof(text+"."+base64.RawURLEncoding.EncodeToString(sig), "POST", "https://a.example/t", now); err == nil {
		t.Errorf("a weak key: %+v", p)
	}
}
