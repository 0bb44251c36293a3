package saml

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	message "gatehouse/backend/saml"
)

const (
	acs    = "https://login.office.lan/source/saml/other/acs/"
	entity = "https://login.office.lan/source/saml/other/metadata/"
	issuer = "https://idp.office.lan"
)

var now = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

// theirs is what the other side signs with: the same key in each of the processes that fuzz.
var theirs = sync.OnceValue(func() *message.Key {
	scalar := sha256.Sum256([]byte("the other side"))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		panic(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: now, NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &message.Key{Certificate: cert, Signer: key, Digest: message.SHA256, Method: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"}
})

func held() *rules {
	return &rules{acs: acs, entity: entity, issuer: issuer, trust: message.Trust{Certificates: []*x509.Certificate{theirs().Certificate}}, now: now}
}

const good = `<samlp:Response xmlns:samlp="` + message.Protocol + `" xmlns:saml="` + message.Assertion + `" ID="_r" Version="2.0" IssueInstant="2026-11-29T10:00:00Z" Destination="` + acs + `" InResponseTo="_q">` +
	`<saml:Issuer>` + issuer + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
	`<saml:Assertion ID="_a" Version="2.0" IssueInstant="2026-11-29T10:00:00Z"><saml:Issuer>` + issuer + `</saml:Issuer><saml:Subject><saml:NameID Format="` + message.NamePersistent + `" SPNameQualifier="sp">ada</saml:NameID>` +
	`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2026-11-29T10:05:00Z" Recipient="` + acs + `" InResponseTo="_q"/></saml:SubjectConfirmation></saml:Subject>` +
	`<saml:Conditions NotBefore="2026-11-29T09:59:00Z" NotOnOrAfter="2026-11-29T10:04:00Z"><saml:AudienceRestriction><saml:Audience>urn:x</saml:Audience><saml:Audience>` + entity + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
	`<saml:AuthnStatement AuthnInstant="2026-11-29T10:00:00Z" SessionIndex="i" SessionNotOnOrAfter="2026-11-29T18:00:00Z"/>` +
	`<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>ada@office.lan</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>a</saml:AttributeValue><saml:AttributeValue>b</saml:AttributeValue><saml:AttributeValue><x/></saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`

// signed signs the assertion, the response or both of a response.
func signed(t testing.TB, text string, response, assertion bool) []byte {
	t.Helper()
	root, err := message.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, el := range []*etree.Element{message.Children(root, message.Assertion, "Assertion")[0], root} {
		if el == root && response || el != root && assertion {
			if err := message.Sign(el, theirs()); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := message.Write(root)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *rules) text(b []byte) (*answer, error) {
	root, err := message.Parse(b)
	if err != nil {
		return nil, err
	}
	return c.read(root)
}

func TestRead(t *testing.T) {
	a, err := held().text(signed(t, good, false, true))
	if err != nil {
		t.Fatal(err)
	}
	if a.name != "ada" || a.format != message.NamePersistent || a.qualifiers != "\nsp" || a.state != "_q" || a.id != "_a" || a.issuer != issuer || a.index != "i" ||
		!a.until.Equal(now.Add(4*time.Minute)) || !a.ends.Equal(now.Add(8*time.Hour)) || strings.Join(a.names, " ") != "mail groups" || a.first("x", "mail") != "ada@office.lan" || len(a.attributes["groups"]) != 2 {
		t.Errorf("%+v", a)
	}
	// A request that only the response names counts when the response is signed.
	inner := strings.Replace(good, ` InResponseTo="_q"/>`, `/>`, 1)
	if a, err := held().text(signed(t, inner, true, false)); err != nil || a.state != "_q" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := held().text(signed(t, inner, false, true)); err == nil {
		t.Error("a request that nobody signed counts")
	}
	// What is not signed may not add a destination, a status or an issuer that the source would take for signed.
	for old, fresh := range map[string]string{`Destination="` + acs: `Destination="https://other.lan/`, "status:Success": "status:Responder", `ID="_r" Version="2.0"`: `ID="_r" Version="1.1"`} {
		if _, err := held().text([]byte(strings.Replace(string(signed(t, good, false, true)), old, fresh, 1))); err == nil {
			t.Errorf("%s is accepted", fresh)
		}
	}
	for _, bad := range []string{`<saml:OneTimeThing xmlns:saml="` + message.Assertion + `"/>`, `<saml:Condition xmlns:saml="` + message.Assertion + `"/>`} {
		if _, err := held().text(signed(t, strings.Replace(good, "<saml:AudienceRestriction>", bad+"<saml:AudienceRestriction>", 1), true, true)); err == nil || !strings.Contains(err.Error(), "not known here") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	// One of several confirmations is enough.
	two := strings.Replace(good, "<saml:SubjectConfirmation ", `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2026-11-29T10:05:00Z" Recipient="https://other.lan"/></saml:SubjectConfirmation><saml:SubjectConfirmation `, 1)
	if a, err := held().text(signed(t, two, false, true)); err != nil || a.name != "ada" {
		t.Errorf("two confirmations: %v", err)
	}
}

// TestOurs holds that the other side fills in nothing that the house itself acts on.
func TestOurs(t *testing.T) {
	s := &Source{}
	a := &answer{name: "ada", attributes: map[string][]string{}}
	for _, name := range []string{"is_active", "path", "type", "password", "attributes", "attributes.goauthentik.io/user/x", "attributes_x", "goauthentik.io/x", "username", "component", "room"} {
		a.attributes[name] = []string{"x"}
	}
	v, err := s.visitor(a, "")
	if err != nil || len(v.Data) != 1 || v.Data["room"] != "x" || v.Username != "ada" {
		t.Errorf("%v %v", v.Data, err)
	}
}

// FuzzResponse: whatever a browser brings, nobody comes in but whom the other side signed, and nothing falls over.
func FuzzResponse(f *testing.F) {
	for _, way := range [][2]bool{{true, false}, {false, true}, {true, true}} {
		f.Add(string(signed(f, good, way[0], way[1])))
	}
	f.Add(good)
	f.Add("<a/>")
	for _, s := range []string{"Subject", "Conditions", "AuthnStatement", "Issuer", "NameID"} {
		f.Add(strings.ReplaceAll(good, s, "X"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		form := url.Values{}
		for name, value := range message.Form([]byte(text), true, "") {
			form.Set(name, value)
		}
		m, err := message.DecodePost(form)
		if err != nil || m == nil {
			return
		}
		if a, err := held().read(m.Root); err == nil && (a.name != "ada" || a.state != "_q") {
			t.Fatalf("%+v came in", a)
		}
		open := held()
		open.trust, open.unsigned = message.Trust{}, true
		if a, err := open.read(m.Root); err == nil && (a.name == "" || a.id == "" || a.until.IsZero()) {
			t.Fatalf("%+v came in", a)
		}
	})
}

// BenchmarkResponse is how long it takes to prove and read a response with a signed assertion.
func BenchmarkResponse(b *testing.B) {
	text, c := signed(b, good, false, true), held()
	for b.Loop() {
		if _, err := c.text(text); err != nil {
			b.Fatal(err)
		}
	}
}
