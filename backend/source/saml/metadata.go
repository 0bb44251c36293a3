package saml

import (
	"context"
	"encoding/base64"
	"encoding/xml"

	"gatehouse/backend/cert"
	"gatehouse/backend/source"
)

// Metadata is the description of Gatehouse that the other side reads.
type Metadata struct {
	Metadata    string `json:"metadata" is:"required,readonly"`
	DownloadURL string `json:"download_url" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Metadata) SchemaName() string { return "SAMLMetadata" }

// entity is Gatehouse as a service provider (saml-metadata-2.0 2.4.4).
type entity struct {
	XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string   `xml:"entityID,attr"`
	SP       struct {
		Protocols string   `xml:"protocolSupportEnumeration,attr"`
		Signed    bool     `xml:"AuthnRequestsSigned,attr"`
		Keys      []key    `xml:"KeyDescriptor"`
		Logout    location `xml:"SingleLogoutService"`
		NameIDs   []string `xml:"NameIDFormat"`
		Consumer  location `xml:"AssertionConsumerService"`
	} `xml:"SPSSODescriptor"`
}

type key struct {
	Use  string `xml:"use,attr"`
	Info struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo"`
		Data    string   `xml:"http://www.w3.org/2000/09/xmldsig# X509Data>X509Certificate"`
	}
}

type location struct {
	Binding  string `xml:"Binding,attr"`
	Location string `xml:"Location,attr"`
	Index    string `xml:"index,attr,omitempty"`
}

// nameIDs are the names of people that are understood (saml-core-2.0 8.3).
var nameIDs = []string{
	"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "urn:oasis:names:tc:SAML:2.0:nameid-format:X509SubjectName",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:WindowsDomainQualifiedName", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
}

func metadataURL(ctx context.Context, s *Source) string {
	return source.Address(ctx) + "/source/saml/" + s.Slug + "/metadata/"
}

// describe gives the metadata of a source as XML.
func describe(ctx context.Context, certs *cert.Room, s *Source) ([]byte, error) {
	e := entity{EntityID: s.Issuer}
	if e.EntityID == "" {
		e.EntityID = metadataURL(ctx, s)
	}
	at := source.Address(ctx) + "/source/saml/" + s.Slug + "/"
	e.SP.Protocols, e.SP.NameIDs = "urn:oasis:names:tc:SAML:2.0:protocol", nameIDs
	e.SP.Consumer = location{"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", at + "acs/", "0"}
	e.SP.Logout = location{"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", at + "slo/", ""}
	if s.SigningKey != nil {
		pair, err := certs.Signing(ctx, *s.SigningKey)
		if err != nil {
			return nil, err
		}
		k := key{Use: "signing"}
		k.Info.Data = base64.StdEncoding.EncodeToString(pair.Certificate.Raw)
		e.SP.Keys, e.SP.Signed = []key{k}, true
	}
	b, err := xml.MarshalIndent(e, "", "  ")
	return append([]byte(xml.Header), b...), err
}
