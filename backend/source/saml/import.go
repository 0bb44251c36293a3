package saml

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"gatehouse/backend/cert"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/outbound"
	message "gatehouse/backend/saml"
	"gatehouse/backend/store"
)

// Import is what a source is made of.
type Import struct {
	Name     string  `json:"name" is:"required" help:"What people see on the sign-in page."`
	Slug     string  `json:"slug" is:"required" format:"slug" max:"50"`
	Metadata string  `json:"metadata" is:"blank" help:"The metadata of the identity provider, as its file has it."`
	URL      string  `json:"url" is:"blank" max:"2000" help:"Where they can be read instead."`
	Pre      *string `json:"pre_authentication_flow" format:"uuid" help:"Empty: the usual one."`
	Enter    *string `json:"authentication_flow" format:"uuid" help:"Empty: the usual one."`
	Enrol    *string `json:"enrollment_flow" format:"uuid" help:"Empty: the usual one."`
}

// SchemaName implements kind.SchemaNamer.
func (Import) SchemaName() string { return "SAMLSourceImport" }

// Imported is the source that was made.
type Imported struct {
	PK   string `json:"pk" is:"required,readonly" format:"uuid"`
	Slug string `json:"slug" is:"required,readonly"`
	Name string `json:"name" is:"required,readonly"`
	IdP  string `json:"idp_entity_id" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Imported) SchemaName() string { return "SAMLSourceImported" }

// mostKeys is how many certificates of an identity provider are taken over.
const mostKeys = 5

func (r *Room) importSource(ctx context.Context, _ *kind.Call, in *Import) (Imported, error) {
	field, text := "metadata", []byte(in.Metadata)
	if (strings.TrimSpace(in.Metadata) == "") == (in.URL == "") {
		return Imported{}, fault.Field("metadata", "Give either the metadata or the address where they are.")
	}
	if in.URL != "" {
		field = "url"
		var err error
		if text, err = r.fetch(ctx, in.URL); err != nil {
			return Imported{}, fault.Field("url", fault.As(err).Say)
		}
	}
	idp, err := readIdP(text, r.Store.Now())
	if err != nil {
		if f := fault.As(err); f.Kind == fault.Invalid {
			return Imported{}, fault.Field(field, f.Say)
		}
		return Imported{}, err
	}
	var s *Source
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		s, err = makeSource(tx, in, idp)
		return err
	})
	if err != nil {
		return Imported{}, err
	}
	return Imported{PK: s.PK, Slug: s.Slug, Name: s.Name, IdP: s.IdP}, nil
}

// fetch reads metadata at an address.
func (r *Room) fetch(ctx context.Context, to string) ([]byte, error) {
	if !web(to) {
		return nil, fault.New(fault.Invalid, "Write an address that begins with https://.")
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, http.NoBody)
	if err != nil {
		return nil, fault.New(fault.Invalid, "Write an address that begins with https://.")
	}
	req.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	res, err := r.Client.Do(req)
	if err != nil {
		return nil, outbound.Say("The identity provider", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.Newf(fault.Invalid, "The identity provider answered with %s.", res.Status)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, message.MaxXML+1))
	if err != nil {
		return nil, outbound.Say("The identity provider", err)
	}
	return b, nil
}

// idp is what the metadata of an identity provider say (saml-metadata-2.0 2.4.3).
type idp struct {
	entity       string
	sso, binding string
	slo          string
	sloBinding   string // as in Beyond
	wantSigned   bool
	formats      []string
	certificates []string // PEM
}

// readIdP reads metadata of one identity provider.
func readIdP(b []byte, now time.Time) (*idp, error) {
	root, err := message.Parse([]byte(strings.TrimPrefix(strings.TrimSpace(string(b)), "\ufeff")))
	if err != nil {
		return nil, err
	}
	entity, role := root, (*etree.Element)(nil)
	if message.Is(root, message.Metadata, "EntitiesDescriptor") {
		entity = nil
		for _, e := range message.Children(root, message.Metadata, "EntityDescriptor") {
			if len(message.Children(e, message.Metadata, "IDPSSODescriptor")) == 0 {
				continue
			}
			if entity != nil {
				return nil, fault.New(fault.Invalid, "The metadata describe several identity providers; give those of one.")
			}
			entity = e
		}
	}
	if entity != nil && message.Is(entity, message.Metadata, "EntityDescriptor") {
		if all := message.Children(entity, message.Metadata, "IDPSSODescriptor"); len(all) > 0 {
			role = all[0]
		}
	}
	if role == nil {
		return nil, fault.New(fault.Invalid, "The metadata describe no identity provider (IDPSSODescriptor).")
	}
	until, err := moment(entity, "validUntil")
	if err != nil {
		return nil, err
	}
	if !until.IsZero() && now.After(until) {
		return nil, fault.Newf(fault.Invalid, "The metadata counted until %s. Get new ones from the identity provider.", message.Moment(until))
	}
	out := &idp{entity: entity.SelectAttrValue("entityID", ""), wantSigned: truth(role.SelectAttrValue("WantAuthnRequestsSigned", ""))}
	if out.entity == "" {
		return nil, fault.New(fault.Invalid, "The metadata do not name the identity provider (entityID).")
	}
	services := func(name string) (to, binding string) {
		for _, want := range []string{message.Redirect, message.Post} {
			for _, x := range message.Children(role, message.Metadata, name) {
				if x.SelectAttrValue("Binding", "") == want && web(x.SelectAttrValue("Location", "")) {
					return x.SelectAttrValue("Location", ""), want
				}
			}
		}
		return "", ""
	}
	if out.sso, out.binding = services("SingleSignOnService"); out.sso == "" {
		return nil, fault.New(fault.Invalid, "The metadata name no address to sign in at by redirect or by form (SingleSignOnService).")
	}
	out.slo, out.sloBinding = services("SingleLogoutService")
	for _, x := range message.Children(role, message.Metadata, "NameIDFormat") {
		if text, err := message.Text(x); err == nil {
			out.formats = append(out.formats, text)
		}
	}
	if out.certificates, err = keysOf(role); err != nil {
		return nil, err
	}
	if len(out.certificates) == 0 {
		return nil, fault.New(fault.Invalid, "The metadata hold no certificate to check answers with.")
	}
	return out, nil
}

// keysOf gives the certificates that a role signs with, each once.
func keysOf(role *etree.Element) (out []string, err error) {
	for _, k := range message.Children(role, message.Metadata, "KeyDescriptor") {
		if k.SelectAttrValue("use", "signing") != "signing" {
			continue
		}
		for _, info := range message.Children(k, message.Signature, "KeyInfo") {
			for _, data := range message.Children(info, message.Signature, "X509Data") {
				for _, c := range message.Children(data, message.Signature, "X509Certificate") {
					text, err := message.Text(c)
					if err != nil {
						return nil, err
					}
					der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
					if err != nil {
						return nil, fault.New(fault.Invalid, "A certificate in the metadata can't be read.")
					}
					one := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
					if !slices.Contains(out, one) && len(out) < mostKeys {
						out = append(out, one)
					}
				}
			}
		}
	}
	return out, nil
}

// truth reads a boolean of XML Schema (xmlschema-2 3.2.2).
func truth(s string) bool { return s == "true" || s == "1" }

// The flows that a source has unless others are named.
const (
	usualPre   = "default-source-pre-authentication"
	usualEnter = "default-source-authentication"
	usualEnrol = "default-source-enrollment"
)

// flowOf gives the key of a flow: the one that is named, else the usual one, else none.
func flowOf(tx *store.Tx, named *string, usual string) (*string, error) {
	if named != nil {
		return named, nil
	}
	k := tx.Store().Kind("authentik_flows.flow")
	found, err := tx.List(k, store.Query{Where: "o.slug = ?", Args: []any{usual}})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	pk := k.PK(found[0])
	return &pk, nil
}

// makeSource makes a source with the certificates of the other side.
func makeSource(tx *store.Tx, in *Import, from *idp) (*Source, error) {
	s := store.KindOf[Source](tx.Store()).New().(*Source)
	s.Name, s.Slug, s.IdP, s.SSOURL = in.Name, in.Slug, from.entity, from.sso
	if from.binding == message.Post {
		s.Binding = "POST_AUTO"
	}
	if from.slo != "" {
		s.SLOURL = &from.slo
		if from.sloBinding == message.Post {
			s.SLOBinding = "post"
		}
	}
	if len(from.formats) > 0 && !slices.Contains(from.formats, s.NameIDPolicy) {
		for _, f := range nameIDs {
			if slices.Contains(from.formats, f) {
				s.NameIDPolicy = f
				break
			}
		}
	}
	pre, err := flowOf(tx, in.Pre, usualPre)
	if err != nil {
		return nil, err
	}
	if pre == nil {
		return nil, fault.Field("pre_authentication_flow", "Choose the flow that people pass before they are sent there.")
	}
	s.PreFlow = *pre
	if s.AuthenticationFlow, err = flowOf(tx, in.Enter, usualEnter); err != nil {
		return nil, err
	}
	if s.EnrollmentFlow, err = flowOf(tx, in.Enrol, usualEnrol); err != nil {
		return nil, err
	}
	for i, text := range from.certificates {
		pk, err := pairOf(tx, in.Name, text)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.Verification = &pk
		} else {
			s.Further = append(s.Further, pk)
		}
	}
	if from.wantSigned || from.slo != "" { // requests to sign out count only with a signature
		pair, err := store.FindTx[cert.Pair](tx, "name", cert.SelfSignedName)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil {
			s.SigningKey = &pair.PK
		}
	}
	return s, tx.Create(s)
}

// pairOf keeps a certificate of the other side, or finds it where it is kept already.
func pairOf(tx *store.Tx, name, text string) (string, error) {
	all, err := store.AllTx[cert.Pair](tx, store.Query{})
	if err != nil {
		return "", err
	}
	names := map[string]bool{}
	for _, p := range all {
		if strings.TrimSpace(p.Certificate) == strings.TrimSpace(text) {
			return p.PK, nil
		}
		names[p.Name] = true
	}
	title := "Source " + name + " - SAML Verification Certificate"
	for i := 2; names[title]; i++ {
		title = fmt.Sprintf("Source %s - SAML Verification Certificate %d", name, i)
	}
	pair := &cert.Pair{Name: title, Certificate: text}
	if err := tx.Create(pair); err != nil {
		return "", err
	}
	return pair.PK, nil
}
