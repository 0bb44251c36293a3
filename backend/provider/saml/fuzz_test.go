package saml

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	message "gatehouse/backend/saml"
)

// FuzzRequests holds that no message makes a sign-in go elsewhere than to the application, and that none counts which the application did not
// sign, where it has to.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" AssertionConsumerServiceURL="https://sp.example.org/acs" ForceAuthn="1"><p:NameIDPolicy Format="x"/></p:AuthnRequest>`,
		`<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" NotOnOrAfter="2030-01-01T00:00:00Z"><a:NameID xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">anna</a:NameID></p:LogoutRequest>`,
		`<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></p:LogoutRequest>`,
	} {
		f.Add([]byte(s), message.Post)
		f.Add([]byte(s), message.Redirect)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		f.Fatal(err)
	}
	pk := "kp"
	open := &served{p: &Provider{ACSURL: "https://sp.example.org/acs"}}
	strict := &served{p: &Provider{ACSURL: open.p.ACSURL, Verification: &pk}, trust: message.Trust{Certificates: []*x509.Certificate{c}}}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, b []byte, binding string) {
		el, err := message.Parse(b)
		if err != nil {
			return
		}
		m := &message.Message{Root: el, XML: b, Binding: binding}
		if _, err := strict.believed(m); err == nil {
			t.Fatal("a message that nobody signed is believed")
		}
		if el, err = open.believed(m); err != nil {
			t.Fatal(err)
		}
		if q, err := open.understand(el); err == nil {
			if acs := el.SelectAttrValue("AssertionConsumerServiceURL", ""); acs != "" && !strings.EqualFold(acs, open.p.ACSURL) || q.id == "" || q.format == "" {
				t.Fatalf("%q is taken: %+v", b, q)
			}
		}
		if name, format, err := named(el, now); err == nil && (name == "" || strings.TrimSpace(name) != name || format == "" && el.FindElement("./NameID") == nil) {
			t.Fatalf("%q names %q as %q", b, name, format)
		}
	})
}
