package saml

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/beevik/etree"

	message "gatehouse/backend/saml"
)

// Metadata is the description of Gatehouse that the other side reads.
type Metadata struct {
	Metadata    string `json:"metadata" is:"required,readonly"`
	DownloadURL string `json:"download_url" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Metadata) SchemaName() string { return "SAMLMetadata" }

// nameIDs are the names of people that are understood (saml-core-2.0 8.3).
var nameIDs = []string{message.NameEmail, message.NamePersistent, message.NameX509, message.NameWindows, message.NameTransient}

// describe gives Gatehouse as a service provider (saml-metadata-2.0 2.4.4).
func (r *Room) describe(ctx context.Context, s *Source) ([]byte, error) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	e := doc.CreateElement("EntityDescriptor")
	e.CreateAttr("xmlns", message.Metadata)
	e.CreateAttr("entityID", entityID(ctx, s))
	sp := e.CreateElement("SPSSODescriptor")
	sp.CreateAttr("protocolSupportEnumeration", message.Protocol)
	signed := "false"
	if s.SigningKey != nil {
		pair, err := r.Certs.Signing(ctx, *s.SigningKey)
		if err != nil {
			return nil, err
		}
		signed = "true"
		uses := []string{"signing"}
		if pair.Signer != nil && rsaKey(pair.Certificate) {
			uses = append(uses, "encryption")
		}
		for _, use := range uses {
			k := sp.CreateElement("KeyDescriptor")
			k.CreateAttr("use", use)
			info := k.CreateElement("ds:KeyInfo")
			info.CreateAttr("xmlns:ds", message.Signature)
			info.CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(pair.Certificate.Raw))
		}
	}
	sp.CreateAttr("AuthnRequestsSigned", signed)
	if !s.AllowUnsigned {
		sp.CreateAttr("WantAssertionsSigned", "true")
	}
	for _, binding := range []string{message.Redirect, message.Post} {
		out := sp.CreateElement("SingleLogoutService")
		out.CreateAttr("Binding", binding)
		out.CreateAttr("Location", sloURL(ctx, s))
	}
	for _, n := range nameIDs {
		sp.CreateElement("NameIDFormat").SetText(n)
	}
	acs := sp.CreateElement("AssertionConsumerService")
	acs.CreateAttr("Binding", message.Post)
	acs.CreateAttr("Location", acsURL(ctx, s))
	acs.CreateAttr("index", "0")
	acs.CreateAttr("isDefault", "true")
	doc.Indent(2)
	return doc.WriteToBytes()
}

// metadata gives the description to whoever asks.
func (r *Room) metadata(w http.ResponseWriter, req *http.Request) {
	s := r.open(w, req)
	if s == nil {
		return
	}
	b, err := r.describe(req.Context(), s)
	if err != nil {
		r.broken(w, req, err)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write(b) // the caller has gone away
}
