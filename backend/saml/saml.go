// Package saml is the messages of SAML 2.0: read safely, signed, verified, encrypted, and carried by redirect and by form.
// The provider and the source build on it; it knows neither.
//
//	octets -> Parse -> Trust.Verify -> the element that the signature covers, and nothing else
//	element -> Sign -> Encrypt -> RedirectURL or Form
package saml

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	csaml "github.com/crewjam/saml"

	"gatehouse/backend/fault"
)

// Namespaces (saml-core-2.0 1.1, saml-metadata-2.0 2, xmldsig-core, xmlenc-core).
const (
	Protocol   = "urn:oasis:names:tc:SAML:2.0:protocol"
	Assertion  = "urn:oasis:names:tc:SAML:2.0:assertion"
	Metadata   = "urn:oasis:names:tc:SAML:2.0:metadata"
	Signature  = "http://www.w3.org/2000/09/xmldsig#"
	Encryption = "http://www.w3.org/2001/04/xmlenc#"
)

// Bindings (saml-bindings-2.0 3.4, 3.5).
const (
	Redirect = csaml.HTTPRedirectBinding
	Post     = csaml.HTTPPostBinding
)

// Formats of a person's name (saml-core-2.0 8.3).
const (
	NameUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	NameEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	NamePersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	NameTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	// The release writes these two with 2.0, where the standard has 1.1; both are understood.
	NameX509            = "urn:oasis:names:tc:SAML:2.0:nameid-format:X509SubjectName"
	NameX509Standard    = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
	NameWindows         = "urn:oasis:names:tc:SAML:2.0:nameid-format:WindowsDomainQualifiedName"
	NameWindowsStandard = "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName"
)

// NewID makes the ID of a message: an XML name with 128 bits of chance.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return "_" + hex.EncodeToString(b[:])
}

// Moment writes a time as messages have it: UTC, to the second.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// ReadMoment reads the time of an attribute. An absent one is the zero time.
func ReadMoment(name, text string) (time.Time, error) {
	var t csaml.RelaxedTime
	if err := t.UnmarshalText([]byte(strings.TrimSpace(text))); err != nil {
		return time.Time{}, fault.Newf(fault.Invalid, "%s is %s, which is no time.", name, quote(text))
	}
	return time.Time(t).UTC(), nil
}

// quote shows text of others in a sentence, cut when it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return "“" + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s) + "”"
}
