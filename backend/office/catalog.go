package office

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"gatehouse/backend/catalog"
	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider/oauth2"
)

// Catalog is every application that can be added without looking anything up.
type Catalog struct {
	Results []*catalog.Template `json:"results" is:"required"`
}

// SchemaName gives the description its name.
func (Catalog) SchemaName() string { return "Catalog" }

// Guide is what the catalogue says of an application besides its values.
type Guide struct {
	Template string         `json:"template" is:"required"`
	Name     string         `json:"name" is:"required"`
	URL      string         `json:"url" is:"required"`
	Where    string         `json:"where" is:"required"`
	Start    string         `json:"start" is:"required"`
	Tried    bool           `json:"tried"`
	Source   string         `json:"source" is:"required"`
	Needs    []catalog.Need `json:"needs" is:"required"`
	Notes    []catalog.Note `json:"notes" is:"required"`
}

// SchemaName gives the description its name.
func (Guide) SchemaName() string { return "CatalogGuide" }

func guideOf(t *catalog.Template, at string) *Guide {
	return &Guide{Template: t.Slug, Name: t.Name, URL: at, Where: t.Where, Start: t.Begin(at), Tried: t.Tried, Source: t.Source, Needs: t.NeedsAt(at), Notes: t.Notes}
}

// byAddress is said of an address for an application of which the catalogue says nothing.
const byAddress = "Only an application of the catalogue is added by its address. Give the address that opens as launch_url."

// added is where the applications of a protocol are added.
var added = map[string]string{catalog.OIDC: ns + "applications/", catalog.SAML: ns + "saml/applications/"}

// named gives the template that a form names and the address of the application; what is wrong with the address is put beside the rest.
func named(slug, address, protocol string, bad *fault.Fields) (*catalog.Template, string, error) {
	t := catalog.Find(slug)
	if t == nil {
		return nil, "", fault.Field("template", "The catalogue has no application \""+slug+"\".")
	}
	if t.Protocol != protocol {
		return nil, "", fault.Field("template", "\""+slug+"\" signs in in another way; it is added at "+added[t.Protocol]+".")
	}
	at, err := t.At(address)
	return t, at, bad.Merge(err)
}

// fromCatalog fills the form with what the catalogue says of the application that it names. What the form says itself is kept, unless the
// application could not work with it.
func (in *NewApp) fromCatalog() (*catalog.Template, error) {
	if in.Template == "" {
		if in.URL != "" {
			return nil, fault.Field("url", byAddress)
		}
		if strings.TrimSpace(in.RedirectURIs) == "" {
			return nil, fault.Field("redirect_uris", "This field is required.")
		}
		return nil, nil
	}
	var bad fault.Fields
	t, at, err := named(in.Template, in.URL, catalog.OIDC, &bad)
	if err != nil {
		return nil, err
	}
	in.URL = at
	if strings.TrimSpace(in.RedirectURIs) == "" {
		if len(t.Redirects) == 0 {
			bad.Add("redirect_uris", t.RedirectHint)
		}
		in.RedirectURIs = t.RedirectURIs(at)
	}
	if in.LaunchURL == "" {
		in.LaunchURL = at
	}
	switch client := t.Need(catalog.NeedClient); {
	case client == "confidential" && in.ClientType == "public":
		bad.Add("client_type", t.Name+" keeps a secret; it is added as a confidential client.")
	default:
		in.ClientType = client
	}
	switch alg := t.Need(catalog.NeedSign); {
	case alg == "" || alg == in.Signing:
	case in.Signing != "rs256":
		bad.Add("signing", t.Name+" checks "+strings.ToUpper(alg)+" only.")
	default:
		in.Signing = alg
	}
	if n, err := strconv.Atoi(t.Need(catalog.NeedSecret)); err == nil && len(in.ClientSecret) > n {
		bad.Add("client_secret", t.Name+" takes a secret of "+strconv.Itoa(n)+" letters at most.")
	}
	return t, bad.Err()
}

// needs writes into a provider what the application of the catalogue needs besides what the form has fields for.
func needs(t *catalog.Template, in *NewApp, p map[string]any) {
	if sub := t.Need(catalog.NeedSub); sub != "" {
		p["sub_mode"] = sub
	}
	if n, err := strconv.Atoi(t.Need(catalog.NeedSecret)); err == nil && in.ClientSecret == "" {
		p["client_secret"] = crypt.ID(n)
	}
}

// fromCatalog fills the form with what the catalogue says of the application that it names. What the form says itself is kept, unless the
// application could not work with it.
func (in *NewSAML) fromCatalog() (*catalog.Template, error) {
	if in.Template == "" {
		if in.URL != "" {
			return nil, fault.Field("url", byAddress)
		}
		if in.ACSURL == "" {
			return nil, fault.Field("acs_url", "This field is required.")
		}
		return nil, nil
	}
	var bad fault.Fields
	t, at, err := named(in.Template, in.URL, catalog.SAML, &bad)
	if err != nil {
		return nil, err
	}
	in.URL = at
	said := map[string]string{}
	for _, n := range t.NeedsAt(at) {
		said[n.What] = n.Value
	}
	if in.SLOURL == "" && said[catalog.NeedSLO] != "" {
		in.SLOURL, in.SLOBinding = said[catalog.NeedSLO], cmp.Or(said[catalog.NeedSLOBy], in.SLOBinding)
	}
	in.ACSURL, in.Audience, in.LaunchURL = cmp.Or(in.ACSURL, said[catalog.NeedACS]), cmp.Or(in.Audience, said[catalog.NeedAudience]), cmp.Or(in.LaunchURL, at)
	switch sign := said[catalog.NeedSigned]; {
	case sign == "" || sign == in.Sign || in.Sign == "both":
	case in.Sign != "assertion":
		bad.Add("sign", t.Name+" checks the signature of the assertion too.")
	default:
		in.Sign = sign
	}
	return t, bad.Err()
}

// templateValues lists what the application asks for, in its own words.
func (r *Room) templateValues(ctx context.Context, t *catalog.Template, at string, p *oauth2.Provider, base string, secrets bool) ([]Value, error) {
	u, err := r.OIDC.SetupURLs(ctx, p, base)
	if err != nil || u.Issuer == nil {
		return []Value{}, err
	}
	redirect, _, _ := strings.Cut(strings.TrimSpace(p.RedirectURIs), "\n")
	filled := t.Fill(catalog.Facts{
		"url": at, "redirect": strings.TrimSpace(redirect), "issuer": *u.Issuer, "discovery": *u.ProviderInfo, "client_id": p.ClientID, "client_secret": p.ClientSecret,
		"authorize": u.Authorize, "token": u.Token, "userinfo": u.UserInfo, "logout": *u.Logout, "jwks": *u.JWKS, "scopes": t.Need(catalog.NeedScopes),
	})
	return valuesOf(filled, secrets), nil
}

func valuesOf(filled []catalog.Filled, secrets bool) []Value {
	out := make([]Value, 0, len(filled))
	for _, f := range filled {
		v := Value{ID: f.ID, Label: f.Label, Value: f.Text, Secret: f.Secret, Where: f.Where, Source: f.Source}
		if f.Secret && !secrets {
			v.Value = ""
		}
		out = append(out, v)
	}
	return out
}
