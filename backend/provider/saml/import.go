package saml

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"

	"gatehouse/backend/cert"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// maxMetadata is the largest description of an application in bytes; a real one has a few thousand.
const maxMetadata = 256 << 10

// Import is the body of import_metadata.
type Import struct {
	Name string `json:"name" is:"required"`
	Flow string `json:"authorization_flow" is:"required" format:"uuid"`
	File string `json:"file" is:"required" format:"binary"`
}

// SchemaName implements kind.SchemaNamer.
func (Import) SchemaName() string { return "SAMLProviderImport" }

// application is what the description of an application says (saml-metadata-2.0 2.4.4).
type application struct {
	XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string   `xml:"entityID,attr"`
	SP       *struct {
		RequestsSigned string          `xml:"AuthnRequestsSigned,attr"`
		WantSigned     string          `xml:"WantAssertionsSigned,attr"`
		Keys           []keyDescriptor `xml:"KeyDescriptor"`
		Consumers      []service       `xml:"AssertionConsumerService"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:metadata SPSSODescriptor"`
}

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
	b, err := io.ReadAll(io.LimitReader(f.Body, maxMetadata+1))
	if err != nil {
		return kind.None{}, err
	}
	if len(b) > maxMetadata {
		return kind.None{}, fault.Field("file", "This is too large for the metadata of an application.")
	}
	app, err := parse(b)
	if err != nil {
		return kind.None{}, err
	}
	return kind.None{}, r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return makeProvider(tx, in, app) })
}

// parse reads the description of an application. A document type is refused: it has no place there and can do harm.
func parse(b []byte) (*application, error) {
	wrong := func(why string) error { return fault.Whole("Failed to import Metadata: " + why) }
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		t, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fault.Whole("Invalid XML Syntax")
		}
		if _, ok := t.(xml.Directive); ok {
			return nil, fault.Whole("Invalid XML Syntax")
		}
	}
	var app application
	if err := xml.Unmarshal(b, &app); err != nil {
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.EOF) {
			return nil, fault.Whole("Invalid XML Syntax")
		}
		return nil, wrong("it describes no application.")
	}
	if app.SP == nil {
		return nil, wrong("it describes no application.")
	}
	if len(app.SP.Consumers) == 0 {
		return nil, wrong("it names no address that answers are sent to.")
	}
	first := app.SP.Consumers[0]
	if first.Binding != bindingPost && first.Binding != bindingRedirect {
		return nil, wrong("answers can't travel by " + first.Binding + ".")
	}
	if u, err := url.Parse(first.Location); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, wrong("the address that answers are sent to is no web address.")
	}
	return &app, nil
}

// signing gives the certificate that an application signs with as PEM, "" when it names none.
func (a *application) signing() (string, error) {
	for _, k := range a.SP.Keys {
		if k.Use == "encryption" {
			continue
		}
		for _, text := range k.Key.Data {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				return "", fault.Whole("Failed to import Metadata: the certificate can't be read.")
			}
			return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
		}
	}
	return "", nil
}

// makeProvider makes the provider of an application, with the certificate of its requests (protocols.md 2.8).
func makeProvider(tx *store.Tx, in *Import, app *application) error {
	flows := tx.Store().Kind("authentik_flows.flow")
	fl, err := tx.Get(flows, in.Flow)
	if fault.Is(err, fault.NotFound) || err == nil && flows.Value(fl, flows.Field("designation")).String() != "authorization" {
		return fault.Field("authorization_flow", "Choose a flow that lets applications know who somebody is.")
	}
	if err != nil {
		return err
	}
	p := store.KindOf[Provider](tx.Store()).New().(*Provider)
	p.Name, p.AuthorizationFlow, p.Issuer, p.ACSURL, p.Binding = in.Name, in.Flow, app.EntityID, app.SP.Consumers[0].Location, "post"
	if app.SP.Consumers[0].Binding == bindingRedirect {
		p.Binding = "redirect"
	}
	pem, err := app.signing()
	if err != nil {
		return err
	}
	if pem != "" && truth(app.SP.RequestsSigned) {
		pair := &cert.Pair{Name: "Provider " + in.Name + " - SAML Signing Certificate", Certificate: pem}
		if err := tx.Create(pair); err != nil {
			return err
		}
		p.Verification = &pair.PK
	}
	if truth(app.SP.WantSigned) {
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
