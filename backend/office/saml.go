package office

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/backend/application"
	"gatehouse/backend/catalog"
	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider/saml"
	message "gatehouse/backend/saml"
	"gatehouse/backend/store"
)

// SAMLMetadata is the metadata of an application, or where it is.
type SAMLMetadata struct {
	Metadata string `json:"metadata" is:"blank,raw" max:"262144"`
	URL      string `json:"url" is:"blank" max:"2000"`
}

// SchemaName gives the description its name.
func (SAMLMetadata) SchemaName() string { return "SAMLMetadataOfApplication" }

// SAMLDescribed is what the metadata of an application says, by the names of the form.
type SAMLDescribed struct {
	Audience       string     `json:"audience" is:"required"`
	ACSURL         string     `json:"acs_url" is:"required"`
	Binding        string     `json:"sp_binding" is:"required" enum:"redirect,post"`
	Certificate    string     `json:"certificate" is:"required"`
	Subject        string     `json:"certificate_subject" is:"required"`
	Expires        *time.Time `json:"certificate_expires" is:"required"`
	SignsRequests  bool       `json:"signs_requests"`
	WantsAssertion bool       `json:"wants_assertions_signed"`
	SLOURL         string     `json:"slo_url" is:"required"`
	SLOBinding     string     `json:"slo_binding" is:"required" enum:"redirect,post"`
}

// NewSAML is a SAML application as an admin describes it in one form. One of the catalogue needs its address only.
type NewSAML struct {
	Form
	Template    string `json:"template" is:"blank" max:"50"`
	URL         string `json:"url" is:"blank" max:"500"`
	ACSURL      string `json:"acs_url" is:"blank" max:"500"`
	Audience    string `json:"audience" is:"blank"`
	Binding     string `json:"sp_binding" enum:"post,redirect" default:"post"`
	Certificate string `json:"certificate" is:"blank,raw"`
	Sign        string `json:"sign" enum:"assertion,response,both" default:"assertion"`
	SLOURL      string `json:"slo_url" is:"blank" max:"2000"`
	SLOBinding  string `json:"slo_binding" enum:"redirect,post" default:"redirect"`
}

func (r *Room) readMetadata(ctx context.Context, _ *kind.Call, in *SAMLMetadata) (SAMLDescribed, error) {
	text := []byte(in.Metadata)
	field := "metadata"
	if strings.TrimSpace(in.Metadata) == "" {
		if in.URL == "" {
			return SAMLDescribed{}, fault.Field("metadata", "Give the metadata of the application, or its address.")
		}
		field = "url"
		var err error
		if text, err = r.fetch(ctx, in.URL); err != nil {
			return SAMLDescribed{}, err
		}
	}
	d, err := saml.Describe(text)
	if err != nil {
		say := strings.TrimPrefix(fault.As(err).Error(), fault.NonField+": ")
		return SAMLDescribed{}, fault.Field(field, strings.TrimPrefix(say, "; "))
	}
	out := SAMLDescribed{
		Audience: d.Entity, ACSURL: d.ACS, Binding: d.Binding, Certificate: d.Certificate, SignsRequests: d.SignsRequests, WantsAssertion: d.WantsSigned, SLOURL: d.SLO, SLOBinding: d.SLOBinding,
	}
	if out.SLOBinding == "" {
		out.SLOBinding = "redirect"
	}
	if d.Certificate != "" {
		c, err := crypt.ParseCertificate(d.Certificate)
		if err != nil {
			return SAMLDescribed{}, fault.Field(field, fault.As(err).Say)
		}
		end := c.NotAfter.UTC()
		out.Subject, out.Expires = crypt.SubjectText(c), &end
	}
	return out, nil
}

// fetch reads the metadata of an application at its address.
func (r *Room) fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fault.Field("url", "Write an address that begins with https://.")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fault.Field("url", "Write an address that begins with https://.")
	}
	res, err := r.Client.Do(req)
	if err != nil {
		var asked *url.Error
		if errors.As(err, &asked) {
			err = asked.Err
		}
		return nil, fault.Field("url", "The metadata can't be fetched: "+err.Error()+".")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.Field("url", fmt.Sprintf("The metadata can't be fetched: the application answers %s.", res.Status))
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, message.MaxXML+1))
	if err != nil {
		return nil, fault.Field("url", "The metadata can't be fetched: "+err.Error()+".")
	}
	return b, nil
}

func (r *Room) addSAML(ctx context.Context, _ *kind.Call, in *NewSAML) (App, error) {
	t, err := in.fromCatalog()
	if err != nil {
		return App{}, err
	}
	if err := in.checkAccess(); err != nil {
		return App{}, err
	}
	if in.SLOURL != "" {
		if u, err := url.Parse(in.SLOURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return App{}, fault.Field("slo_url", "Write an address that begins with https://.")
		}
	}
	if in.Certificate != "" {
		if _, err := crypt.ParseCertificate(in.Certificate); err != nil {
			return App{}, fault.Field("certificate", fault.As(err).Say)
		}
	}
	base := r.base(ctx)
	return r.add(ctx, &in.Form, func(tx *store.Tx) (*application.Application, error) { return makeSAML(tx, in, t, base) })
}

// makeSAML stores application and provider; t is what the catalogue says, nil for an application of which it says nothing. Faults come back
// under the names of the form.
func makeSAML(tx *store.Tx, in *NewSAML, t *catalog.Template, base string) (*application.Application, error) {
	slug, app, p, err := in.members(tx)
	if err != nil {
		return nil, err
	}
	if p["signing_kp"], err = houseKey(tx); err != nil {
		return nil, err
	}
	all, err := store.AllTx[saml.Mapping](tx, store.Query{Where: "o.managed IS NOT NULL", Order: []string{"name"}})
	if err != nil {
		return nil, err
	}
	mappings, names := []string{}, map[string]string{}
	for _, m := range all {
		mappings = append(mappings, m.PK)
		names[*m.Managed] = m.PK
	}
	p["acs_url"], p["audience"], p["sp_binding"], p["issuer"], p["property_mappings"] = in.ACSURL, in.Audience, in.Binding, saml.PlacesOf(base, slug).Metadata, mappings
	if t != nil && t.Need(catalog.NeedName) != "" {
		pk, ok := names[mapped+t.Need(catalog.NeedName)]
		if !ok {
			return nil, fault.New(fault.Invalid, "The mapping "+mapped+t.Need(catalog.NeedName)+", by which "+t.Name+" knows people, is gone. Restore it under Advanced.")
		}
		p["name_id_mapping"] = pk
	}
	if in.Certificate != "" {
		own := &cert.Pair{Name: in.Name + " (" + slug + ") SAML " + crypt.ID(6), Certificate: in.Certificate}
		if err := tx.Create(own); err != nil {
			return nil, err
		}
		p["verification_kp"] = own.PK
	}
	a, made, err := application.Together(tx, app, saml.Model, p)
	if err != nil {
		return nil, ungroup(err)
	}
	sp := made.(*saml.Provider)
	sp.PlainAssertion, sp.SignResponse, sp.SLOURL, sp.SLOBinding = in.Sign == "response", in.Sign != "assertion", in.SLOURL, in.SLOBinding
	if err := tx.Update(sp); err != nil || t == nil {
		return a, err
	}
	a.Template, a.TemplateURL = t.Slug, in.URL
	return a, tx.Update(a)
}

// mapped is how the mappings of the release begin that say what an application learns of people.
const mapped = "goauthentik.io/providers/saml/"

// showSAML adds what the other side of a SAML application asks for.
func (r *Room) showSAML(ctx context.Context, a *application.Application, p *saml.Provider, out *App) error {
	if err := r.Store.KindFor(p).Present(ctx, []any{p}, nil); err != nil {
		return err
	}
	out.SAML = p
	sign, err := r.certificate(ctx, p.SigningKey)
	if err != nil {
		return err
	}
	at := saml.PlacesOf(r.base(ctx), a.Slug)
	if t := catalog.Find(a.Template); t != nil {
		out.Guide, out.Values = guideOf(t, a.TemplateURL), valuesOf(t.Fill(samlFacts(a.TemplateURL, p, at, sign)), true)
		// What was changed since is said as it is now.
		now := map[string]string{catalog.NeedACS: p.ACSURL, catalog.NeedAudience: p.Audience, catalog.NeedSLO: p.SLOURL}
		for i, n := range out.Guide.Needs {
			out.Guide.Needs[i].Value = cmp.Or(now[n.What], n.Value)
		}
	} else {
		out.Values = samlValues(p, at, sign)
	}
	return r.samlWarnings(ctx, p, sign, out)
}

// samlFacts are what the values of the catalogue are filled with.
func samlFacts(address string, p *saml.Provider, at saml.Places, sign *cert.Signing) catalog.Facts {
	facts := catalog.Facts{
		"url": address, "acs": p.ACSURL, "audience": p.Audience, "entity_id": p.Issuer, "metadata": at.Metadata, "sso": at.Redirect, "sso_post": at.Post, "slo": at.EndRedirect,
	}
	if sign != nil {
		facts["certificate"] = crypt.EncodeCertificate(sign.Certificate.Raw)
		facts["certificate_line"] = base64.StdEncoding.EncodeToString(sign.Certificate.Raw)
		facts["fingerprint"] = crypt.FingerprintSHA256(sign.Certificate)
	}
	return facts
}

// samlValues lists what the settings of the other side ask for, in the words that most products use.
func samlValues(p *saml.Provider, at saml.Places, sign *cert.Signing) []Value {
	how := map[string]string{"post": "HTTP-POST", "redirect": "HTTP-Redirect"}[p.Binding]
	out := []Value{
		{ID: "metadata", Label: "Metadata URL", Value: at.Metadata, Help: "Many products need only this one, or the file behind it."},
		{ID: "entity_id", Label: "Entity ID", Value: p.Issuer, Help: "Also called issuer or IdP entity ID. It has to be the same on both sides, to the letter."},
		{ID: "sso_redirect", Label: "Sign-in URL", Value: at.Redirect, Help: "Also called single sign-on or SSO URL, for requests by HTTP-Redirect."},
		{ID: "sso_post", Label: "Sign-in URL (HTTP-POST)", Value: at.Post, Help: "For products that send requests as a form."},
		{ID: "slo", Label: "Sign-out URL", Value: at.EndRedirect, Help: "Also called single logout or SLO URL, for requests by HTTP-Redirect."},
	}
	if sign != nil {
		out = append(out,
			Value{ID: "certificate", Label: "Certificate", Value: crypt.EncodeCertificate(sign.Certificate.Raw), Help: "What the application checks our signatures with. " + ends(sign.Certificate) + "."},
			Value{ID: "fingerprint", Label: "SHA-256 of the certificate", Value: crypt.FingerprintSHA256(sign.Certificate), Help: "For products that ask for a fingerprint instead."},
		)
	}
	return append(out,
		Value{ID: "acs", Label: "ACS URL", Value: p.ACSURL, Help: "Where answers go, by " + how + "; the application's assertion consumer service. It has to be the same on both sides."},
		Value{ID: "init", Label: "Sign-in that begins here", Value: at.Init, Help: "For a link that opens the application with people signed in."},
	)
}

// soon is how long before the end of a certificate a page begins to say so.
const soon = 30 * 24 * time.Hour

func (r *Room) samlWarnings(ctx context.Context, p *saml.Provider, sign *cert.Signing, out *App) error {
	warn := func(format string, a ...any) { out.Warnings = append(out.Warnings, fmt.Sprintf(format, a...)) }
	now := r.Store.Now()
	if sign == nil {
		warn("Answers are not signed: an application can't tell them from forged ones. Choose a signing certificate.")
	} else {
		k := message.Key{Certificate: sign.Certificate, Signer: sign.Signer, Digest: p.Digest, Method: p.Signature}
		if err := k.Check(); err != nil {
			warn("Nobody can sign in: %s", fault.As(err).Say)
		}
		if left := sign.Certificate.NotAfter.Sub(now); left < soon {
			warn("%s. Give the application the next one in time: %s.", ends(sign.Certificate), "choose another signing certificate and copy it there")
		}
	}
	own, err := r.certificate(ctx, p.Verification)
	if err != nil {
		return err
	}
	if own != nil && own.Certificate.NotAfter.Sub(now) < soon {
		warn("The application's certificate: %s. Requests are still taken; ask whether the application has a new one.", strings.ToLower(ends(own.Certificate)[:1])+ends(own.Certificate)[1:])
	}
	if strings.HasPrefix(p.ACSURL, "http://") {
		warn("Answers go to %s without encryption: whoever is in between can sign in as somebody else.", p.ACSURL)
	}
	if strings.HasSuffix(p.Digest, "#sha1") || strings.HasSuffix(p.Signature, "sha1") {
		warn("Answers are signed with SHA-1, which is not safe any more.")
	}
	return nil
}

// ends says when a certificate ends.
func ends(c *x509.Certificate) string {
	return "The certificate ends on " + c.NotAfter.UTC().Format("2 January 2006")
}

// certificate gives a pair, nil when none is chosen.
func (r *Room) certificate(ctx context.Context, pk *string) (*cert.Signing, error) {
	if pk == nil {
		return nil, nil
	}
	s, err := r.Certs.Signing(ctx, *pk)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return s, err
}
