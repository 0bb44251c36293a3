package saml

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/url"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
)

// Names of SAML 2.0 (saml-bindings-2.0 3, saml-core-2.0 8.3, saml-metadata-2.0 2).
const (
	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	protocol        = "urn:oasis:names:tc:SAML:2.0:protocol"

	nameEmail      = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	namePersistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	nameX509       = "urn:oasis:names:tc:SAML:2.0:nameid-format:X509SubjectName"
	nameTransient  = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
)

// Metadata is the description of Gatehouse that an application reads.
type Metadata struct {
	Metadata    string `json:"metadata" is:"required,readonly"`
	DownloadURL string `json:"download_url" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Metadata) SchemaName() string { return "SAMLMetadata" }

type entityDescriptor struct {
	XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	ID       string   `xml:"ID,attr"`
	EntityID string   `xml:"entityID,attr"`
	IDP      idpDescriptor
}

type idpDescriptor struct {
	XMLName    xml.Name        `xml:"IDPSSODescriptor"`
	Protocols  string          `xml:"protocolSupportEnumeration,attr"`
	WantSigned bool            `xml:"WantAuthnRequestsSigned,attr,omitempty"`
	Keys       []keyDescriptor `xml:"KeyDescriptor"`
	Logout     []service       `xml:"SingleLogoutService"`
	NameIDs    []string        `xml:"NameIDFormat"`
	SignOn     []service       `xml:"SingleSignOnService"`
}

type keyDescriptor struct {
	Use string `xml:"use,attr,omitempty"`
	Key keyInfo
}

type keyInfo struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo"`
	Data    []string `xml:"http://www.w3.org/2000/09/xmldsig# X509Data>X509Certificate"`
}

type service struct {
	Binding  string `xml:"Binding,attr"`
	Location string `xml:"Location,attr"`
}

func (r *Room) metadataAction() kind.Action {
	a := kind.Detail[kind.None, Metadata]("GET", "metadata", "", nil)
	a.Access = kind.Anybody // applications fetch it by themselves
	a.Query = []kind.Param{
		{Name: "download", Type: "boolean", Help: "Answer with the file itself."},
		{Name: "force_binding", Type: "string", Enum: []string{bindingPost, bindingRedirect}, Help: "Name this way of travelling only."},
	}
	a.Answers = map[int]string{404: "There is no such provider."}
	a.Do = func(ctx context.Context, c *kind.Call, _ any) (any, error) {
		p := c.Object.(*Provider)
		b, err := r.metadata(ctx, p, c.Query.Get("force_binding"))
		if err != nil {
			return nil, err
		}
		if c.Query.Has("download") && c.Query.Get("download") != "false" {
			return kind.Download{Name: p.Name + "_authentik_meta.xml", Type: "application/xml", Body: b}, nil
		}
		if err := r.present(ctx, []any{p}, url.Values{}); err != nil {
			return nil, err
		}
		return Metadata{Metadata: string(b), DownloadURL: p.URLMetadata}, nil
	}
	return a
}

// metadata describes the provider; empty when it belongs to no application. force leaves one binding.
func (r *Room) metadata(ctx context.Context, p *Provider, force string) ([]byte, error) {
	if force != "" && force != bindingPost && force != bindingRedirect {
		return nil, fault.Field("force_binding", "\""+force+"\" is not a valid choice.")
	}
	apps, err := provider.Applications(ctx, r.Store, false)
	if err != nil {
		return nil, err
	}
	slug := apps[fmt.Sprint(p.PK)].Slug
	if slug == "" {
		return nil, nil
	}
	at := addresses(provider.Address(ctx), slug)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s-%d", p.Name, p.PK))
	d := entityDescriptor{ID: "_" + hex.EncodeToString(sum[:]), EntityID: p.Issuer, IDP: idpDescriptor{
		Protocols: protocol, WantSigned: p.Verification != nil, NameIDs: []string{nameEmail, namePersistent, nameX509, nameTransient},
	}}
	if p.SigningKey != nil {
		s, err := r.Certs.Signing(ctx, *p.SigningKey)
		if err != nil {
			return nil, err
		}
		d.IDP.Keys = []keyDescriptor{{Use: "signing", Key: keyInfo{Data: []string{base64.StdEncoding.EncodeToString(s.Certificate.Raw)}}}}
	}
	for _, b := range []struct{ binding, on, out string }{{bindingRedirect, at.redirect, at.endRedirect}, {bindingPost, at.post, at.endPost}} {
		if force == "" || force == b.binding {
			d.IDP.SignOn, d.IDP.Logout = append(d.IDP.SignOn, service{b.binding, b.on}), append(d.IDP.Logout, service{b.binding, b.out})
		}
	}
	b, err := xml.MarshalIndent(d, "", "  ")
	return append([]byte(xml.Header), b...), err
}

// keyOf gives the first key pair that has a private key, "" when there is none.
func keyOf(tx *store.Tx) (string, error) {
	k := tx.Store().Kind("authentik_crypto.certificatekeypair")
	rows, err := tx.Query(`SELECT pk FROM object WHERE kind = ? ORDER BY created, name`, k.Model)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var pks []string
	for rows.Next() {
		var pk string
		if err := rows.Scan(&pk); err != nil {
			return "", err
		}
		pks = append(pks, pk)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	for _, pk := range pks {
		obj, err := tx.Get(k, pk)
		if err != nil {
			return "", err
		}
		if k.Value(obj, k.Field("key_data")).String() != "" {
			return pk, nil
		}
	}
	return "", nil
}
