// Package saml is the provider that speaks SAML 2.0 with applications. The messages themselves are those of the room saml below it.
//
//	browser ─▶ sso/binding/{redirect,post,init} ─▶ (sign in) ─▶ policies ─▶ request read ─▶ authorization flow ─▶ response ─▶ ACS
//	browser ─▶ slo/binding/{redirect,post} ─▶ signed and about this person? ─▶ session ended ─▶ response, or a page
package saml

import (
	"context"
	"net/url"
	"strconv"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/provider"
	message "gatehouse/backend/saml"
	"gatehouse/backend/span"
)

// Model is the published name of this provider.
const Model = "authentik_providers_saml.samlprovider"

// Provider is what an application needs to speak SAML with Gatehouse.
type Provider struct {
	provider.Base
	ACSURL         string  `json:"acs_url" is:"required" format:"uri" max:"200" help:"The address at the application that answers are sent to; no other is taken."`
	Audience       string  `json:"audience" is:"blank" help:"The name under which the application expects to be addressed. Empty: none is named."`
	Issuer         string  `json:"issuer" default:"authentik" help:"The name under which Gatehouse signs."`
	NotBefore      string  `json:"assertion_valid_not_before" format:"duration" default:"minutes=-5" group:"advanced" help:"From when an answer counts, seen from its making."`
	NotOnOrAfter   string  `json:"assertion_valid_not_on_or_after" format:"duration" default:"minutes=5" group:"advanced" help:"Until when an answer counts."`
	SessionEnd     string  `json:"session_valid_not_on_or_after" format:"duration" default:"minutes=86400" group:"advanced" help:"How long the application may keep somebody signed in."`
	NameIDMapping  *string `json:"name_id_mapping" ref:"propertymappings set_default" format:"uuid" group:"advanced" help:"What makes the name of a person. Empty: what the application asks for."`
	Digest         string  `json:"digest_algorithm" enum:"http://www.w3.org/2000/09/xmldsig#sha1,http://www.w3.org/2001/04/xmlenc#sha256,http://www.w3.org/2001/04/xmldsig-more#sha384,http://www.w3.org/2001/04/xmlenc#sha512" default:"http://www.w3.org/2001/04/xmlenc#sha256" group:"advanced"`
	Signature      string  `json:"signature_algorithm" enum:"http://www.w3.org/2000/09/xmldsig#rsa-sha1,http://www.w3.org/2001/04/xmldsig-more#rsa-sha256,http://www.w3.org/2001/04/xmldsig-more#rsa-sha384,http://www.w3.org/2001/04/xmldsig-more#rsa-sha512,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512,http://www.w3.org/2000/09/xmldsig#dsa-sha1" default:"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" group:"advanced"`
	SigningKey     *string `json:"signing_kp" ref:"keypairs set_null" format:"uuid" help:"The certificate whose key signs answers. Empty: they are not signed."`
	Verification   *string `json:"verification_kp" ref:"keypairs set_null" format:"uuid" help:"The certificate that requests of the application have to be signed with. Empty: signatures are not asked for."`
	Binding        string  `json:"sp_binding" enum:"redirect,post" default:"redirect" help:"How answers travel to the application."`
	RelayState     string  `json:"default_relay_state" is:"blank" group:"advanced" help:"Sent along when the sign-in begins at Gatehouse."`
	URLMetadata    string  `json:"url_download_metadata" is:"computed,required"`
	URLPost        string  `json:"url_sso_post" is:"computed,required"`
	URLRedirect    string  `json:"url_sso_redirect" is:"computed,required"`
	URLInit        string  `json:"url_sso_init" is:"computed,required"`
	URLEndPost     string  `json:"url_slo_post" is:"computed,required"`
	URLEndRedirect string  `json:"url_slo_redirect" is:"computed,required"`

	// See Beyond.
	PlainAssertion   bool    `json:"plain_assertion" is:"hidden"`
	SignResponse     bool    `json:"sign_response" is:"hidden"`
	Encryption       *string `json:"encryption_kp" is:"hidden" ref:"keypairs set_null" format:"uuid"`
	EncryptionCipher string  `json:"encryption_cipher" is:"hidden"`
	SLOURL           string  `json:"slo_url" is:"hidden"`
	SLOBinding       string  `json:"slo_binding" is:"hidden"`
	AllowSHA1        bool    `json:"allow_sha1" is:"hidden"`
}

// LaunchURL implements provider.Launcher: the sign-in that begins at Gatehouse.
func (p *Provider) LaunchURL(ctx context.Context, slug string) string {
	return provider.Address(ctx) + "/application/saml/" + slug + "/sso/binding/init/"
}

// Validate implements store.Validator. The start of an answer's life may lie before its making.
func (p *Provider) Validate() error {
	var bad fault.Fields
	for _, d := range [...]struct{ field, value string }{{"assertion_valid_not_on_or_after", p.NotOnOrAfter}, {"session_valid_not_on_or_after", p.SessionEnd}} {
		if v, err := span.Parse(d.value); err != nil {
			bad.Add(d.field, fault.As(err).Say)
		} else if v <= 0 {
			bad.Add(d.field, "The time has to be longer than zero.")
		}
	}
	if _, err := span.Parse(p.NotBefore); err != nil {
		bad.Add("assertion_valid_not_before", fault.As(err).Say)
	}
	if p.Signature == message.DSASHA1 {
		bad.Add("signature_algorithm", "DSA signatures are not supported; choose RSA or ECDSA.")
	}
	if p.ACSURL != "" && webAddress(p.ACSURL) != nil {
		bad.Add("acs_url", "Write an address that begins with https://.")
	}
	return bad.Err()
}

// Mapping says what an application learns about a person.
type Mapping struct {
	mapping.Kept
	SAMLName     string  `json:"saml_name" is:"required" help:"The name of the attribute."`
	FriendlyName *string `json:"friendly_name" is:"blank" help:"Its name for people."`
}

// Kinds describes the provider and its mappings.
func (r *Room) Kinds() []*kind.Kind {
	preview := kind.Detail("GET", "preview_user", "view", r.preview)
	preview.Query = []kind.Param{{Name: "for_user", Type: "integer"}}
	filters := []kind.Filter{
		{Name: "backchannel_application", Type: "string", Format: "uuid", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			if !kind.UUIDText.MatchString(v) {
				return "", nil, fault.Field("backchannel_application", "Enter a valid UUID.")
			}
			return "o.pk IN (SELECT dst FROM ref WHERE family = 'providers' AND field = 'backchannel_providers' AND src = ?)", []any{kind.Dashed(v)}, nil
		}},
		{Name: "is_backchannel", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			yes, err := kind.Bool("is_backchannel", v)
			if err != nil || !yes {
				return "", nil, err
			}
			return "1 = 0", nil, nil // none of this kind works in the background
		}},
	}
	return []*kind.Kind{
		kind.Of[Provider](provider.Family, kind.Spec{
			Path: "providers/saml", Model: Model, Schema: "SAMLProvider", Title: "SAML Provider", Component: "ak-provider-saml-form",
			About: "Let an application sign people in by SAML 2.0.", Order: []string{"name"}, Filters: filters, Present: r.present,
			By: []string{
				"acs_url", "assertion_valid_not_before", "assertion_valid_not_on_or_after", "audience", "authentication_flow", "authorization_flow", "default_relay_state", "digest_algorithm", "issuer", "name",
				"name_id_mapping", "property_mappings", "session_valid_not_on_or_after", "signature_algorithm", "signing_kp", "sp_binding", "verification_kp",
			},
			Actions: []kind.Action{r.metadataAction(), preview, r.importAction()},
		}, nil),
		kind.Of[Mapping](mapping.Family, kind.Spec{
			Path: "propertymappings/saml", Model: "authentik_providers_saml.samlpropertymapping", Schema: "SAMLPropertyMapping", Title: "SAML Property Mapping", Component: "ak-property-mapping-saml-form",
			About: "What an application learns about a person by SAML.", Order: []string{"name"}, By: []string{"friendly_name", "name", "saml_name"},
			Filters: []kind.Filter{kind.Is("expression"), kind.AnyOf("managed"), kind.UUIDIs("pm_uuid", "pk")},
		}, func() *Mapping { return &Mapping{Kept: mapping.On(r.Host)} }),
	}
}

// present fills in the addresses of a page of providers; without an application there are none to sign in at.
func (r *Room) present(ctx context.Context, rows []any, query url.Values) error {
	if err := provider.Present(r.Store)(ctx, rows, query); err != nil {
		return err
	}
	for _, row := range rows {
		p := row.(*Provider)
		p.URLMetadata = provider.Address(ctx) + "/api/v3/providers/saml/" + strconv.FormatInt(p.PK, 10) + "/metadata/?download"
		p.URLPost, p.URLRedirect, p.URLInit, p.URLEndPost, p.URLEndRedirect = "-", "-", "-", "-", "-"
		if slug := p.AssignedSlug; slug != "" {
			a := PlacesOf(provider.Address(ctx), slug)
			p.URLPost, p.URLRedirect, p.URLInit, p.URLEndPost, p.URLEndRedirect = a.Post, a.Redirect, a.Init, a.EndPost, a.EndRedirect
		}
	}
	return nil
}

// Places are where an application's people and requests arrive, and where it finds the metadata.
type Places struct{ Post, Redirect, Init, EndPost, EndRedirect, Metadata string }

// PlacesOf gives them under base ("https://login.office.lan:9443").
func PlacesOf(base, slug string) Places {
	b := base + "/application/saml/" + slug + "/"
	return Places{b + "sso/binding/post/", b + "sso/binding/redirect/", b + "sso/binding/init/", b + "slo/binding/post/", b + "slo/binding/redirect/", b + "metadata/"}
}

// ExpressionNames are the variables of a SAML mapping.
func (m *Mapping) ExpressionNames() []expr.Name {
	return []expr.Name{mapping.Person, mapping.Variable("provider", "The provider that asks.")}
}
