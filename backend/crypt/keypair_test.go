package crypt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func block(typ string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// weakRSA is a PKCS #1 key of 1024 bits; the library makes none that short.
func weakRSA(t *testing.T) []byte {
	t.Helper()
	for {
		p, q := must[*big.Int](t)(rand.Prime(rand.Reader, 512)), must[*big.Int](t)(rand.Prime(rand.Reader, 512))
		one, e := big.NewInt(1), big.NewInt(65537)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
		return x509.MarshalPKCS1PrivateKey(k)
	}
}

func TestParsePrivateKey(t *testing.T) {
	r := must[crypto.Signer](t)(GenerateKeyPair("rsa", 2048)).(*rsa.PrivateKey)
	e := must[crypto.Signer](t)(GenerateKeyPair("ecdsa", 521)).(*ecdsa.PrivateKey)
	p224 := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	sec1 := must[[]byte](t)(x509.MarshalECPrivateKey(e))
	rsa1 := x509.MarshalPKCS1PrivateKey(r)
	weak := weakRSA(t)
	for _, c := range []struct{ name, in, want string }{
		{"PKCS #1", block("RSA PRIVATE KEY", rsa1), ""},
		{"PKCS #8 RSA", block("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(r))), ""},
		{"SEC 1", block("EC PRIVATE KEY", sec1), ""},
		{"PKCS #8 EC", block("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(e))), ""},
		{"parameters in front", block("EC PARAMETERS", []byte{6, 1, 1}) + block("EC PRIVATE KEY", sec1), ""},
		{"certificate in front, Windows line ends", "text\r\n" + strings.ReplaceAll(block("CERTIFICATE", []byte{1})+block("RSA PRIVATE KEY", rsa1), "\n", "\r\n"), ""},
		{"empty", "", sayNoKey},
		{"text", "hello", sayNoKey},
		{"certificate only", block("CERTIFICATE", []byte{1}), sayNoKey},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", rsa1), sayNoKey},
		{"encrypted, old form", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("1234567890123456")})), sayNoKey},
		{"garbage", block("PRIVATE KEY", []byte("garbage")), sayNoKey},
		{"cut", block("RSA PRIVATE KEY", rsa1[:100]), sayNoKey},
		{"short RSA", block("RSA PRIVATE KEY", weak), "This RSA key has 1024 bits"},
		{"weak curve", block("EC PRIVATE KEY", must[[]byte](t)(x509.MarshalECPrivateKey(p224))), "curve that is too weak"},
		{"Ed25519", block("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(ed))), "not supported"},
	} {
		k, err := ParsePrivateKey(c.in)
		if c.want == "" {
			if err != nil || k == nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if f := fault.As(err); err == nil || f.Kind != fault.Invalid || !strings.Contains(f.Say, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, k := range []crypto.Signer{r, e} {
		text, err := EncodePrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePrivateKey(text)
		if err != nil || !k.(interface{ Equal(crypto.PrivateKey) bool }).Equal(back) {
			t.Errorf("%T does not come back: %v", k, err)
		}
	}
	if _, err := EncodePrivateKey(ed); err == nil {
		t.Error("Ed25519 was encoded")
	}
	for _, c := range []struct {
		alg  string
		bits int
	}{{"rsa", 1024}, {"rsa", 1 << 20}, {"ecdsa", 224}, {"dsa", 2048}, {"", 0}} {
		if _, err := GenerateKeyPair(c.alg, c.bits); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func FuzzParsePrivateKey(f *testing.F) {
	k, err := GenerateKeyPair("ecdsa", 256)
	if err != nil {
		f.Fatal(err)
	}
	text, _ := EncodePrivateKey(k)
	f.Add(text)
	f.Add("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n")
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nMAYCAQACAQM=\n-----END RSA PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParsePrivateKey(s)
		if (k == nil) == (err == nil) {
			t.Fatalf("%v and %v", k, err)
		}
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if _, err := EncodePrivateKey(k); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSelfSigned(t *testing.T) {
	for _, alg := range []string{"rsa", "ecdsa"} {
		certPEM, keyPEM, err := SelfSigned(SelfSignedOptions{
			CommonName: "authentik, Inc", DNSNames: []string{"id.example.org"}, IPs: []net.IP{net.IPv4(10, 0, 0, 1)}, Alg: alg, RSABits: 2048, Now: noon,
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{"rsa": "-----BEGIN RSA PRIVATE KEY-----", "ecdsa": "-----BEGIN EC PRIVATE KEY-----"}[alg]; !strings.HasPrefix(keyPEM, want) {
			t.Error(keyPEM[:40])
		}
		cert := must[*x509.Certificate](t)(ParseCertificate("junk\n" + certPEM))
		key := must[crypto.Signer](t)(ParsePrivateKey(keyPEM))
		if !Matches(cert, key) {
			t.Error("the key does not match")
		}
		if got := SubjectText(cert); got != `OU=Self-signed,O=authentik,CN=authentik\, Inc` || IssuerText(cert) != got {
			t.Error(got, IssuerText(cert))
		}
		if !cert.NotBefore.Equal(noon.AddDate(0, 0, -1)) || !cert.NotAfter.Equal(noon.AddDate(0, 0, 365)) {
			t.Error(cert.NotBefore, cert.NotAfter)
		}
		if cert.DNSNames[0] != "id.example.org" || !cert.IPAddresses[0].Equal(net.IPv4(10, 0, 0, 1)) || cert.IsCA {
			t.Error(cert.DNSNames, cert.IPAddresses, cert.IsCA)
		}
		if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
			t.Error(err)
		}
		if got := KeyType(key.Public()); got != map[string]string{"rsa": "rsa", "ecdsa": "ec"}[alg] {
			t.Error(got)
		}
	}
	certPEM, _, err := SelfSigned(SelfSignedOptions{CommonName: "x", IssuerName: "authentik 2024.4.2", Alg: "ecdsa", Days: 10})
	if err != nil {
		t.Fatal(err)
	}
	if c := must[*x509.Certificate](t)(ParseCertificate(certPEM)); IssuerText(c) != "CN=authentik 2024.4.2" {
		t.Error(IssuerText(c))
	}
	for _, o := range []SelfSignedOptions{{}, {CommonName: "x", Alg: "dsa"}, {CommonName: "x", Days: -1}, {CommonName: "x", RSABits: 512}} {
		if _, _, err := SelfSigned(o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, s := range []string{"", "hello", block("CERTIFICATE", []byte("x")), keyLike()} {
		if _, err := ParseCertificate(s); fault.As(err) == nil || fault.As(err).Say != "Unable to load certificate." {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func keyLike() string { return block("PRIVATE KEY", []byte("x")) }

func TestNames(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"}, {`a"b+c,d;e<f>g\h`, `a\"b\+c\,d\;e\<f\>g\\h`}, {" lead", `\ lead`}, {"trail ", `trail\ `}, {"#x", `\#x`},
		{"a#b =c", "a#b =c"}, {"Ünï", "Ünï"}, {"a\x00b", `a\00b`},
	} {
		if got := escapeName(c.in); got != c.want {
			t.Errorf("%q: %s, want %s", c.in, got, c.want)
		}
	}
	if nameText([]byte("garbage")) != "" {
		t.Error("garbage has a name")
	}
}

func TestFingerprints(t *testing.T) {
	certPEM, keyPEM, err := SelfSigned(SelfSignedOptions{CommonName: "x", Alg: "ecdsa"})
	if err != nil {
		t.Fatal(err)
	}
	cert := must[*x509.Certificate](t)(ParseCertificate(certPEM))
	s1, s256, m := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw), md5.Sum([]byte(keyPEM))
	if got := FingerprintSHA1(cert); strings.ReplaceAll(got, ":", "") != hex.EncodeToString(s1[:]) || len(got) != 59 {
		t.Error(got)
	}
	if got := FingerprintSHA256(cert); strings.ReplaceAll(got, ":", "") != hex.EncodeToString(s256[:]) || len(got) != 95 {
		t.Error(got)
	}
	if KeyID(keyPEM) != hex.EncodeToString(m[:]) {
		t.Error(KeyID(keyPEM))
	}
}

func TestJWK(t *testing.T) {
	b64 := base64.RawURLEncoding
	r := must[crypto.Signer](t)(GenerateKeyPair("rsa", 2048))
	k := JWK(nil, r.Public(), "kid1")
	n, _ := b64.DecodeString(k["n"].(string))
	if k["kty"] != "RSA" || k["alg"] != "RS256" || k["use"] != "sig" || k["kid"] != "kid1" || k["e"] != "AQAB" || new(big.Int).SetBytes(n).Cmp(r.Public().(*rsa.PublicKey).N) != 0 {
		t.Error(k)
	}
	if _, there := k["x5c"]; there {
		t.Error("x5c without a certificate")
	}
	for _, c := range []struct {
		bits, size int
		crv, alg   string
	}{{256, 32, "P-256", "ES256"}, {384, 48, "P-384", "ES384"}, {521, 66, "P-521", "ES512"}} {
		e := must[crypto.Signer](t)(GenerateKeyPair("ecdsa", c.bits)).(*ecdsa.PrivateKey)
		k := JWK(nil, e.Public(), "")
		if k["kty"] != "EC" || k["crv"] != c.crv || k["alg"] != c.alg {
			t.Error(k)
		}
		x, _ := b64.DecodeString(k["x"].(string))
		y, _ := b64.DecodeString(k["y"].(string))
		point := must[[]byte](t)(e.PublicKey.Bytes())
		if len(x) != c.size || len(y) != c.size || string(point[1:]) != string(x)+string(y) {
			t.Error(c.crv, len(x), len(y))
		}
	}
	// A coordinate that begins with a zero byte keeps its length (RFC 7518 section 6.2.1.2).
	for {
		e := must[crypto.Signer](t)(GenerateKeyPair("ecdsa", 256)).(*ecdsa.PrivateKey)
		point := must[[]byte](t)(e.PublicKey.Bytes())
		if point[1] != 0 {
			continue
		}
		if x, _ := b64.DecodeString(JWK(nil, e.Public(), "")["x"].(string)); len(x) != 32 || x[0] != 0 {
			t.Errorf("%x", x)
		}
		break
	}
	certPEM, keyPEM, err := SelfSigned(SelfSignedOptions{CommonName: "x", Alg: "ecdsa"})
	if err != nil {
		t.Fatal(err)
	}
	cert := must[*x509.Certificate](t)(ParseCertificate(certPEM))
	k = JWK(cert, cert.PublicKey, KeyID(keyPEM))
	der, _ := base64.StdEncoding.DecodeString(k["x5c"].([]string)[0])
	s1, s256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	if string(der) != string(cert.Raw) || k["x5t"] != b64.EncodeToString(s1[:]) || k["x5t#S256"] != b64.EncodeToString(s256[:]) {
		t.Error(k)
	}
	pub, _, _ := ed25519.GenerateKey(rand.Reader)
	if JWK(nil, pub, "") != nil || Algorithm(pub) != "" || KeyType(pub) != "" {
		t.Error("Ed25519 is taken")
	}
}

func TestOfficeCA(t *testing.T) {
	caCert, caKey, err := NewCA("Office CA", noon)
	if err != nil {
		t.Fatal(err)
	}
	ca := must[*x509.Certificate](t)(ParseCertificate(caCert))
	if !ca.IsCA || ca.MaxPathLen != 0 || !ca.MaxPathLenZero || ca.KeyUsage&x509.KeyUsageCertSign == 0 || SubjectText(ca) != "CN=Office CA" || ca.NotAfter.Year() != 2036 {
		t.Error(ca.IsCA, ca.MaxPathLen, ca.KeyUsage, SubjectText(ca), ca.NotAfter)
	}
	cert, key, err := IssueServer(caCert, caKey, []string{"gate.office.lan", "gate"}, []net.IP{net.IPv4(192, 168, 1, 2), net.IPv6loopback}, noon)
	if err != nil {
		t.Fatal(err)
	}
	leaf := must[*x509.Certificate](t)(ParseCertificate(cert))
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for _, name := range []string{"gate.office.lan", "gate", "192.168.1.2", "::1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		name  string
		at    time.Time
		usage x509.ExtKeyUsage
	}{{"other.lan", noon, x509.ExtKeyUsageServerAuth}, {"gate", noon.AddDate(0, 0, 397), x509.ExtKeyUsageServerAuth}, {"gate", noon, x509.ExtKeyUsageClientAuth}} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: c.name, CurrentTime: c.at, KeyUsages: []x509.ExtKeyUsage{c.usage}}); err == nil {
			t.Errorf("%+v verifies", c)
		}
	}
	if lasts := leaf.NotAfter.Sub(leaf.NotBefore); lasts > 397*24*time.Hour {
		t.Errorf("lasts %v", lasts)
	}
	if string(leaf.AuthorityKeyId) != string(ca.SubjectKeyId) || len(leaf.SubjectKeyId) != 20 || leaf.IsCA {
		t.Error("key identifiers")
	}
	if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		t.Error(err)
	}
	// Near its end the authority gives no longer certificate than it lasts itself.
	late, _, err := IssueServer(caCert, caKey, []string{"gate"}, nil, noon.AddDate(10, 0, -7))
	if err != nil {
		t.Fatal(err)
	}
	if c := must[*x509.Certificate](t)(ParseCertificate(late)); !c.NotAfter.Equal(ca.NotAfter) {
		t.Error(c.NotAfter)
	}
	other, otherKey, _ := NewCA("Other", noon)
	for _, c := range []struct {
		name, cert, key string
		names           []string
		at              time.Time
	}{
		{"no names", caCert, caKey, nil, noon},
		{"other key", caCert, otherKey, []string{"x"}, noon},
		{"other certificate", other, caKey, []string{"x"}, noon},
		{"expired", caCert, caKey, []string{"x"}, noon.AddDate(11, 0, 0)},
		{"leaf as authority", cert, key, []string{"x"}, noon},
		{"garbage", "x", caKey, []string{"x"}, noon},
		{"garbage key", caCert, "x", []string{"x"}, noon},
		{"bad name", caCert, caKey, []string{"gäte"}, noon},
	} {
		if _, _, err := IssueServer(c.cert, c.key, c.names, nil, c.at); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, _, err := NewCA(" ", noon); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
