package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"html"
	"math/big"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"gatehouse/backend/crypt"
	"gatehouse/backend/saml"
)

// assertion is what a sign-in says of a person with five attributes, as the library signs it for the baseline.
const assertion = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_0123456789abcdef0123456789abcdef" Version="2.0" IssueInstant="2026-11-29T10:00:00Z"><saml:Issuer>urn:gatehouse</saml:Issuer>` +
	`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</saml:NameID>` +
	`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="_q" NotOnOrAfter="2026-11-29T10:05:00Z" Recipient="https://wiki.example/acs"/></saml:SubjectConfirmation></saml:Subject>` +
	`<saml:Conditions NotBefore="2026-11-29T09:55:00Z" NotOnOrAfter="2026-11-29T10:05:00Z"><saml:AudienceRestriction><saml:Audience>urn:wiki</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
	`<saml:AuthnStatement AuthnInstant="2026-11-29T09:59:00Z" SessionIndex="_0123456789abcdef0123456789abcdef" SessionNotOnOrAfter="2027-01-28T10:00:00Z"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
	`<saml:AttributeStatement><saml:Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"><saml:AttributeValue>A Person</saml:AttributeValue></saml:Attribute><saml:Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"><saml:AttributeValue>user@example.org</saml:AttributeValue></saml:Attribute>` +
	`<saml:Attribute Name="http://schemas.goauthentik.io/2021/02/saml/username"><saml:AttributeValue>user00001</saml:AttributeValue></saml:Attribute><saml:Attribute Name="http://schemas.goauthentik.io/2021/02/saml/uid"><saml:AttributeValue>1</saml:AttributeValue></saml:Attribute>` +
	`<saml:Attribute Name="http://schemas.xmlsoap.org/claims/Group"><saml:AttributeValue>Office</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>`

const samlRequest = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_q" Version="2.0" IssueInstant="2026-11-29T10:00:00Z" AssertionConsumerServiceURL="https://wiki.example/acs"><saml:Issuer>urn:wiki</saml:Issuer></samlp:AuthnRequest>`

// samlKey is a key pair as it stands in a certificate.
func samlKey() (*saml.Key, error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	return &saml.Key{Certificate: c, Signer: k, Digest: saml.SHA256, Method: dsig.RSASHA256SignatureMethod}, err
}

// xmlSigning gives the raw rate of XML signatures: the library reads an assertion, signs it and writes it.
func xmlSigning(span time.Duration) (figure, error) {
	k, err := samlKey()
	if err != nil {
		return figure{}, err
	}
	return everyCore(span, func() error {
		ctx, err := dsig.NewSigningContext(k.Signer, [][]byte{k.Certificate.Raw})
		if err != nil {
			return err
		}
		ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
		doc := etree.NewDocument()
		if err := doc.ReadFromString(assertion); err != nil {
			return err
		}
		signed, err := ctx.SignEnveloped(doc.Root())
		if err != nil {
			return err
		}
		doc.SetRoot(signed)
		_, err = doc.WriteToBytes()
		return err
	})
}

// xmlVerifying gives the rate of answers that are read and proved, response and assertion signed.
func xmlVerifying(span time.Duration) (figure, error) {
	k, err := samlKey()
	if err != nil {
		return figure{}, err
	}
	root, err := saml.Parse([]byte(`<samlp:Response xmlns:samlp="` + saml.Protocol + `" ID="_r" Version="2.0">` + assertion + `</samlp:Response>`))
	if err != nil {
		return figure{}, err
	}
	if err := saml.Sign(saml.Children(root, saml.Assertion, "Assertion")[0], k); err != nil {
		return figure{}, err
	}
	if err := saml.Sign(root, k); err != nil {
		return figure{}, err
	}
	b, err := saml.Write(root)
	if err != nil {
		return figure{}, err
	}
	trust := saml.Trust{Certificates: []*x509.Certificate{k.Certificate}}
	return everyCore(span, func() error {
		el, err := saml.Parse(b)
		if err != nil {
			return err
		}
		_, err = trust.Response(el, nil)
		return err
	})
}

var samlAnswer = regexp.MustCompile(`name="SAMLResponse" value="([^"]+)"`)

// saml are SAML sign-ins of people who have a session: the request comes, the signed answer goes back as a form.
func (h *crowd) saml() error {
	certPEM, keyPEM, err := crypt.SelfSigned(crypt.SelfSignedOptions{CommonName: "bench", RSABits: 2048})
	if err != nil {
		return err
	}
	pair, err := api(h.p.base, "POST", "crypto/certificatekeypairs/", map[string]any{"name": "bench", "certificate_data": certPEM, "key_data": keyPEM})
	if err != nil {
		return err
	}
	flow, err := api(h.p.base, "GET", "flows/instances/?slug=default-provider-authorization-implicit-consent", nil)
	if err != nil {
		return err
	}
	mappings, err := api(h.p.base, "GET", "propertymappings/saml/", nil)
	if err != nil {
		return err
	}
	var pks []any
	for _, m := range mappings["results"].([]any) {
		if len(pks) < 5 {
			pks = append(pks, m.(map[string]any)["pk"])
		}
	}
	p, err := api(h.p.base, "POST", "providers/saml/", map[string]any{
		"name": "bench-saml", "authorization_flow": flow["results"].([]any)[0].(map[string]any)["pk"], "acs_url": "https://wiki.example/acs", "audience": "urn:wiki", "sp_binding": "post", "signing_kp": pair["pk"],
		"property_mappings": pks,
	})
	if err != nil {
		return err
	}
	if _, err := api(h.p.base, "POST", "core/applications/", map[string]any{"name": "SAML", "slug": "bench-saml", "provider": p["pk"]}); err != nil {
		return err
	}
	to, err := saml.RedirectURL("/application/saml/bench-saml/sso/binding/redirect/", []byte(samlRequest), false, "deep", nil)
	if err != nil {
		return err
	}
	c, err := crypt.ParseCertificate(certPEM)
	if err != nil {
		return err
	}
	trust := saml.Trust{Certificates: []*x509.Certificate{c}}
	var looked atomic.Bool
	before, _ := h.p.memory()
	raw, ours, err := beside(2, func() (figure, error) { return xmlSigning(h.span) }, func() (figure, error) {
		return storm(h.p, few, h.span, func(w, _ int) error {
			_, b, err := h.devices[w].ask("GET", to, "", "")
			if err != nil {
				return err
			}
			if !bytes.Contains(b, []byte(`name="SAMLResponse"`)) {
				return fmt.Errorf("SAML: %s", b)
			}
			if looked.Swap(true) {
				return nil
			}
			xml, err := base64.StdEncoding.DecodeString(html.UnescapeString(string(samlAnswer.FindSubmatch(b)[1])))
			if err != nil {
				return err
			}
			el, err := saml.Parse(xml)
			if err != nil {
				return err
			}
			_, err = trust.Response(el, nil)
			return err
		})
	})
	if err != nil {
		return err
	}
	line("SAML sign-ins with a session", ours, "raw XML signatures", raw, ours.rate/raw.rate, "0.8 (0.65)")
	after, anon := h.p.memory()
	fmt.Printf("%-35s %8.1f MiB resident, %.1f before; %.1f anonymous\n", "  memory after them", after, before, anon)
	proved, err := xmlVerifying(h.span)
	if err != nil {
		return err
	}
	fmt.Printf("%-35s %8.0f /s, %.0f µs CPU, response and assertion signed\n", "SAML responses read and proved", proved.rate, us(proved.cpu))
	return nil
}
