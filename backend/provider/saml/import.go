package saml

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"io"
	"strings"

	csaml "github.com/crewjam/saml"

	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	message "gatehouse/backend/saml"
	"gatehouse/backend/store"
)

// Import is the body of import_metadata.
type Import struct {
	Name string `json:"name" is:"required"`
	Flow string `json:"authorization_flow" is:"required" format:"uuid"`
	File string `json:"file" is:"required" format:"binary"`
}

// SchemaName implements kind.SchemaNamer.
func (Import) SchemaName() string { return "SAMLProviderImport" }

func (r *Room) importAction() kind.Action {
	a := kind.Collection("POST", "import_metadata", "add", r.importMetadata)
	a.Also, a.Multipart = []string{"authentik_crypto.add_certificatekeypair"}, true
	return a
}

func (r *Room) importMetadata(ctx context.Context, c *kind.Call, in *Import) (kind.None, error) {
	f, ok := c.Files["file"]
	if !ok {
		return kind.None{}, fault.Field("file", "No file was submitted.")
	}
	b, err := io.ReadAll(io.LimitReader(f.Body, message.MaxXML+1))
	if err != nil {
		return kind.None{}, err
	}
	if len(b) > message.MaxXML {
		return kind.None{}, fault.Field("file", "This is too large for the metadata of an application.")
	}
	app, err := Describe(b)
	if err != nil {
		return kind.None{}, err
	}
	return kind.None{}, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return makeProvider(tx, in, app) })
}

// Described is what the metadata of an application says (saml-metadata-2.0 2.4.4).
type Described struct {
	Entity, ACS, Binding string
	Certificate          string // that it signs with, as PEM; "" when it names none
	SignsRequests        bool
	WantsSigned          bool // assertions
	SLO, SLOBinding      string
}

// Describe reads the metadata of an application. A signature on it is held against the certificate that it names itself: that proves only that it
// arrived whole.
func Describe(b []byte) (*Described, error) {
	wrong := func(why string) error { return fault.Whole("Failed to import Metadata: " + why) }
	el, err := message.Parse(b)
	if err != nil {
		return nil, fault.Whole("Invalid XML Syntax")
	}
	if !message.Is(el, message.Metadata, "EntityDescriptor") {
		return nil, wrong("it describes no application.")
	}
	for _, sp := range message.Children(el, message.Metadata, "SPSSODescriptor") {
		for _, c := range message.Children(sp, message.Metadata, "AssertionConsumerService") {
			if short(c.SelectAttrValue("Binding", "")) != "" && webAddress(c.SelectAttrValue("Location", "")) != nil {
				return nil, wrong("the address that answers are sent to is no web address.")
			}
		}
	}
	plain, err := message.Write(el)
	if err != nil {
		return nil, err
	}
	var d csaml.EntityDescriptor
	if err := xml.Unmarshal(plain, &d); err != nil {
		return nil, wrong("it describes no application.")
	}
	if len(d.SPSSODescriptors) == 0 {
		return nil, wrong("it describes no application.")
	}
	sp := &d.SPSSODescriptors[0]
	if len(sp.AssertionConsumerServices) == 0 {
		return nil, wrong("it names no address that answers are sent to.")
	}
	out := &Described{Entity: d.EntityID, WantsSigned: sp.WantAssertionsSigned != nil && *sp.WantAssertionsSigned}
	for _, c := range sp.AssertionConsumerServices {
		if short := short(c.Binding); short != "" {
			out.ACS, out.Binding = c.Location, short
			break
		}
	}
	if out.Binding == "" {
		return nil, wrong("answers can't travel by " + sp.AssertionConsumerServices[0].Binding + ".")
	}
	for _, l := range sp.SingleLogoutServices {
		to := l.ResponseLocation
		if to == "" {
			to = l.Location
		}
		if short := short(l.Binding); short != "" && webAddress(to) == nil {
			out.SLO, out.SLOBinding = to, short
			break
		}
	}
	text, c, err := signing(sp)
	if err != nil {
		return nil, err
	}
	if message.Signed(el) && c != nil {
		if _, err := (message.Trust{Certificates: []*x509.Certificate{c}, SHA1: true}).Verify(el); err != nil {
			return nil, wrong(fault.As(err).Say)
		}
	}
	out.Certificate, out.SignsRequests = text, sp.AuthnRequestsSigned != nil && *sp.AuthnRequestsSigned
	return out, nil
}

// short gives the published word for a binding, "" for one that answers can't travel by.
func short(binding string) string {
	switch binding {
	case message.Post:
		return "post"
	case message.Redirect:
		return "redirect"
	}
	return ""
}

// signing gives the certificate that an application signs with, also as PEM; nil when it names none.
func signing(sp *csaml.SPSSODescriptor) (string, *x509.Certificate, error) {
	for _, k := range sp.KeyDescriptors {
		if k.Use == "encryption" {
			continue
		}
		for _, data := range k.KeyInfo.X509Data.X509Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data.Data), ""))
			if err != nil {
				return "", nil, fault.Whole("Failed to import Metadata: the certificate can't be read.")
			}
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return "", nil, fault.Whole("Failed to import Metadata: the certificate can't be read.")
			}
			return crypt.EncodeCertificate(der), c, nil
		}
	}
	return "", nil, nil
}

// makeProvider makes the provider of an application, with the certificate of its requests (protocols.md 2.8).
func makeProvider(tx *store.Tx, in *Import, app *Described) error {
	flows := tx.Store().Kind("authentik_flows.flow")
	fl, err := tx.Get(flows, in.Flow)
	if fault.Is(err, fault.NotFound) || err == nil && flows.Value(fl, flows.Field("designation")).String() != "authorization" {
		return fault.Field("authorization_flow", "Choose a flow that lets applications know who somebody is.")
	}
	if err != nil {
		return err
	}
	p := store.KindOf[Provider](tx.Store()).New().(*Provider)
	p.Name, p.AuthorizationFlow, p.Issuer, p.ACSURL, p.Binding = in.Name, in.Flow, app.Entity, app.ACS, app.Binding
	p.SLOURL, p.SLOBinding = app.SLO, app.SLOBinding
	if app.Certificate != "" && app.SignsRequests {
		pair := &cert.Pair{Name: "Provider " + in.Name + " - SAML Signing Certificate", Certificate: app.Certificate}
		if err := tx.Create(pair); err != nil {
			return err
		}
		p.Verification = &pair.PK
	}
	if app.WantsSigned {
		key, err := keyOf(tx)
		if err != nil {
			return err
		}
		if key != "" {
			p.SigningKey = &key
		}
	}
	all, err := store.AllTx[Mapping](tx, store.Query{Where: "o.managed IS NOT NULL", Order: []string{"name"}})
	if err != nil {
		return err
	}
	for _, m := range all {
		p.PropertyMappings = append(p.PropertyMappings, m.PK)
	}
	return tx.Create(p)
}

// truth reads a boolean of XML Schema (xmlschema-2 3.2.2).
func truth(s string) bool { return s == "true" || s == "1" }
