package server

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/rbac"
	"gatehouse/backend/store"
)

// list reads an answer that is a list.
func (h *house) list(t *testing.T, token, path string) []obj {
	t.Helper()
	a := h.as(token, "GET", path, "")
	var out []obj
	if err := json.Unmarshal([]byte(a.body), &out); a.status != 200 || err != nil {
		t.Fatalf("%s: %d %s %v", path, a.status, a.body, err)
	}
	return out
}

// upload sends a form with a file.
func (h *house) upload(t *testing.T, token, path string, values map[string]string, file string) answer {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, v := range values {
		if err := w.WriteField(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if file != "" {
		f, err := w.CreateFormFile("file", "file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return h.browser().do("POST", "/api/v3/"+path, w.FormDataContentType(), b.String(), "Authorization", "Bearer "+token)
}

func (h *house) grant(t *testing.T, user int, permission, object string) {
	t.Helper()
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error { return rbac.Grant(tx, int64(user), "", permission, object) }); err != nil {
		t.Fatal(err)
	}
}

func wantAnswer(t *testing.T, a answer, status int, body string) {
	t.Helper()
	if a.status != status || body != "" && strings.TrimSpace(a.body) != body {
		t.Errorf("%d %s\nwant %d %s", a.status, a.body, status, body)
	}
}

const notAllowed = `{"detail":"You do not have permission to perform this action."}`

// The metadata of a SAML provider is real: an application that reads it finds the addresses, the names and the certificate.
func TestSAMLMetadata(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	authz := h.flowNamed("default-provider-authorization-implicit-consent")
	pair := h.api("GET", "crypto/certificatekeypairs/?name="+url.QueryEscape("authentik Self-signed Certificate"), nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	pk := int(h.api("POST", "providers/saml/", obj{"name": "wiki & co", "authorization_flow": authz, "acs_url": "https://wiki.office.lan/acs", "issuer": "urn:house", "signing_kp": pair, "verification_kp": pair}, 201)["pk"].(float64))
	at := fmt.Sprintf("providers/saml/%d/metadata/", pk)
	if got := h.as("", "GET", at, "").json(t); got["metadata"] != "" {
		t.Errorf("without an application: %v", got)
	}
	h.api("POST", "core/applications/", obj{"name": "Wiki", "slug": "wiki", "provider": pk}, 201)
	got := h.as("", "GET", at, "").json(t)
	var d struct {
		XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
		EntityID string   `xml:"entityID,attr"`
		IDP      struct {
			Want    string   `xml:"WantAuthnRequestsSigned,attr"`
			Cert    string   `xml:"KeyDescriptor>KeyInfo>X509Data>X509Certificate"`
			NameIDs []string `xml:"NameIDFormat"`
			SSO     []struct {
				Binding  string `xml:"Binding,attr"`
				Location string `xml:"Location,attr"`
			} `xml:"SingleSignOnService"`
			SLO []struct{} `xml:"SingleLogoutService"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
	}
	if err := xml.Unmarshal([]byte(got["metadata"].(string)), &d); err != nil {
		t.Fatal(err)
	}
	cert := h.api("GET", "crypto/certificatekeypairs/"+pair+"/view_certificate/", nil, 200)["data"].(string)
	if d.EntityID != "urn:house" || d.IDP.Want != "true" || len(d.IDP.NameIDs) != 4 || len(d.IDP.SSO) != 2 || len(d.IDP.SLO) != 2 || !strings.Contains(strings.ReplaceAll(cert, "\n", ""), d.IDP.Cert) || d.IDP.Cert == "" {
		t.Errorf("%+v", d)
	}
	if d.IDP.SSO[0].Location != h.base+"/application/saml/wiki/sso/binding/redirect/" {
		t.Errorf("%v", d.IDP.SSO)
	}
	if p := h.api("GET", fmt.Sprintf("providers/saml/%d/", pk), nil, 200); p["url_sso_redirect"] != d.IDP.SSO[0].Location || p["url_download_metadata"] != h.base+"/api/v3/"+at+"?download" || p["assigned_application_slug"] != "wiki" {
		t.Errorf("%v", p)
	}
	const post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	if one := h.as("", "GET", at+"?force_binding="+post, "").json(t)["metadata"].(string); strings.Count(one, "Binding=") != 2 || strings.Contains(one, "HTTP-Redirect") {
		t.Errorf("%s", one)
	}
	wantAnswer(t, h.as("", "GET", at+"?force_binding=x", ""), 400, `{"force_binding":["\"x\" is not a valid choice."]}`)
	file := h.as("", "GET", at+"?download", "")
	if file.header.Get("Content-Type") != "application/xml" || !strings.Contains(file.header.Get("Content-Disposition"), "authentik_meta.xml") || file.body != got["metadata"] {
		t.Errorf("%v\n%s", file.header, file.body)
	}
	wantAnswer(t, h.as("", "GET", "providers/saml/999999/metadata/", ""), 404, "")
	if app := h.api("GET", "core/applications/wiki/", nil, 200); app["launch_url"] != h.base+"/application/saml/wiki/sso/binding/init/" {
		t.Errorf("%v", app["launch_url"])
	}

	src := h.api("POST", "sources/saml/", obj{"name": "IdP", "slug": "idp", "pre_authentication_flow": h.flowNamed("default-authentication-flow"), "sso_url": "https://idp.office.lan/sso", "signing_kp": pair}, 201)
	meta := h.api("GET", "sources/saml/"+src["slug"].(string)+"/metadata/", nil, 200)
	text := meta["metadata"].(string)
	if meta["download_url"] != h.base+"/source/saml/idp/metadata/" || !strings.Contains(text, `entityID="`+h.base+`/source/saml/idp/metadata/"`) || !strings.Contains(text, h.base+"/source/saml/idp/acs/") ||
		strings.Count(text, "NameIDFormat>") != 10 || !strings.Contains(text, d.IDP.Cert) {
		t.Errorf("%v", meta)
	}
	ada := h.tokenOf(h.addUser("ada", "lovelace-1815"), "of-ada", "api")
	wantAnswer(t, h.as(ada, "GET", "sources/saml/idp/metadata/", ""), 403, notAllowed)
}

// An application's own metadata makes a provider.
func TestSAMLImport(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	token := h.tokenOf(ada, "of-ada", "api")
	authz := h.flowNamed("default-provider-authorization-implicit-consent")
	pem := h.api("POST", "crypto/certificatekeypairs/generate/", obj{"common_name": "app", "validity_days": 30, "alg": "ecdsa"}, 200)
	cert := h.api("GET", "crypto/certificatekeypairs/"+pem["pk"].(string)+"/view_certificate/", nil, 200)["data"].(string)
	body := strings.Join(strings.Split(strings.TrimSpace(cert), "\n")[1:], "\n")
	body = body[:strings.Index(body, "-----END")]
	sp := func(attrs, inside string) string {
		return `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://app.office.lan/meta">` +
			`<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" ` + attrs + `>` + inside + `</md:SPSSODescriptor></md:EntityDescriptor>`
	}
	key := `<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + body + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	acs := func(binding, to string) string {
		return `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:` + binding + `" Location="` + to + `" index="0"/>`
	}
	good := sp(`AuthnRequestsSigned="true" WantAssertionsSigned="true"`, key+acs("HTTP-POST", "https://app.office.lan/acs"))
	form := map[string]string{"name": "app", "authorization_flow": authz}
	const path = "providers/saml/import_metadata/"
	wantAnswer(t, h.upload(t, token, path, form, good), 403, notAllowed)
	h.grant(t, ada, "authentik_providers_saml.add_samlprovider", "")
	wantAnswer(t, h.upload(t, token, path, form, good), 403, notAllowed)
	for name, tt := range map[string]struct {
		form map[string]string
		file string
		want string
	}{
		"nothing":         {nil, "", `{"authorization_flow":["This field is required."],"file":["This field is required."],"name":["This field is required."]}`},
		"no XML":          {form, "hello", `{"non_field_errors":["Invalid XML Syntax"]}`},
		"cut off":         {form, good[:len(good)-9], `{"non_field_errors":["Invalid XML Syntax"]}`},
		"document type":   {form, `<!DOCTYPE x [<!ENTITY a "b">]>` + good, `{"non_field_errors":["Invalid XML Syntax"]}`},
		"something else":  {form, "<a/>", `{"non_field_errors":["Failed to import Metadata: it describes no application."]}`},
		"no address":      {form, sp("", ""), `{"non_field_errors":["Failed to import Metadata: it names no address that answers are sent to."]}`},
		"other binding":   {form, sp("", acs("HTTP-Artifact", "https://app/acs")), `{"non_field_errors":["Failed to import Metadata: answers can't travel by urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact."]}`},
		"script address":  {form, sp("", acs("HTTP-POST", "javascript:alert(1)")), `{"non_field_errors":["Failed to import Metadata: the address that answers are sent to is no web address."]}`},
		"bad certificate": {form, strings.Replace(good, body, "!", 1), `{"non_field_errors":["Failed to import Metadata: the certificate can't be read."]}`},
		"other flow":      {map[string]string{"name": "x", "authorization_flow": h.flowNamed("default-authentication-flow")}, good, `{"authorization_flow":["Choose a flow that lets applications know who somebody is."]}`},
		"large":           {form, good + strings.Repeat(" ", 300<<10), `{"file":["This is too large for the metadata of an application."]}`},
	} {
		t.Run(name, func(t *testing.T) { wantAnswer(t, h.upload(t, bootToken, path, tt.form, tt.file), 400, tt.want) })
	}
	if n := h.api("GET", "providers/saml/", nil, 200)["pagination"].(obj)["count"]; n != 0.0 {
		t.Errorf("refused imports left %v providers", n)
	}
	h.grant(t, ada, "authentik_crypto.add_certificatekeypair", "")
	made := h.events("model_created")
	wantAnswer(t, h.upload(t, token, path, form, good), 204, "")
	if h.events("model_created") < made+2 {
		t.Error("no events of what was made")
	}
	p := h.api("GET", "providers/saml/", nil, 200)["results"].([]any)[0].(obj)
	if p["name"] != "app" || p["issuer"] != "https://app.office.lan/meta" || p["acs_url"] != "https://app.office.lan/acs" || p["sp_binding"] != "post" || p["signing_kp"] == nil || p["verification_kp"] == nil || len(p["property_mappings"].([]any)) != 7 {
		t.Errorf("%v", p)
	}
	if c := h.api("GET", "crypto/certificatekeypairs/"+p["verification_kp"].(string)+"/", nil, 200); c["name"] != "Provider app - SAML Signing Certificate" || c["private_key_available"] != false {
		t.Errorf("%v", c)
	}
	wantAnswer(t, h.upload(t, bootToken, path, map[string]string{"name": "plain", "authorization_flow": authz}, sp("", acs("HTTP-Redirect", "https://app.office.lan/acs"))), 204, "")
	plain := h.api("GET", "providers/saml/?name=plain", nil, 200)["results"].([]any)[0].(obj)
	if plain["sp_binding"] != "redirect" || plain["signing_kp"] != nil || plain["verification_kp"] != nil {
		t.Errorf("%v", plain)
	}
}

// What belongs to later work says so, in the published shape or with a sentence.
func TestProtocolActions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	adaPK := h.addUser("ada", "lovelace-1815")
	ada := h.tokenOf(adaPK, "of-ada", "api")
	authz := h.flowNamed("default-provider-authorization-implicit-consent")
	saml := h.mappingsOf("saml")
	if len(saml) != 7 || len(h.mappingsOf("scim")) != 2 || len(h.mappingsOf("rac")) != 3 || len(h.mappingsOf("ldap")) != 9 {
		t.Errorf("managed mappings: %d saml", len(saml))
	}
	p := fmt.Sprintf("providers/saml/%v/preview_user/", h.api("POST", "providers/saml/", obj{"name": "s", "authorization_flow": authz, "acs_url": "https://a.lan/acs"}, 201)["pk"])
	u := h.api("GET", fmt.Sprintf("core/users/%d/", adaPK), nil, 200)
	if got := h.api("GET", fmt.Sprintf("%s?for_user=%d", p, adaPK), nil, 200)["preview"].(obj); got["nameID"] != u["uid"] || len(got["attributes"].([]any)) != 0 {
		t.Errorf("%v", got)
	}
	wantAnswer(t, h.as(bootToken, "GET", p+"?for_user=x", ""), 400, `{"for_user":["input must be numerical"]}`)
	wantAnswer(t, h.as(bootToken, "GET", p+"?for_user=99999", ""), 400, `{"for_user":["User not found"]}`)
	wantAnswer(t, h.as(ada, "GET", p, ""), 403, notAllowed)
	h.api("PATCH", strings.TrimSuffix(p, "preview_user/"), obj{"property_mappings": []string{saml["goauthentik.io/providers/saml/name"]}}, 200)
	if got := h.api("GET", fmt.Sprintf("%s?for_user=%d", p, adaPK), nil, 200)["preview"].(obj); fmt.Sprint(got["attributes"]) != "[map[Name:http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name Value:[ada]]]" {
		t.Errorf("%v", got)
	}
	broken := h.api("POST", "propertymappings/saml/", obj{"name": "broken", "saml_name": "b", "expression": "return user.nothing"}, 201)["pk"].(string)
	h.api("PATCH", strings.TrimSuffix(p, "preview_user/"), obj{"property_mappings": []string{saml["goauthentik.io/providers/saml/groups"], broken}, "name_id_mapping": broken}, 200)
	if got := h.api("GET", fmt.Sprintf("%s?for_user=%d", p, adaPK), nil, 200)["preview"].(obj); got["nameID"] != u["uid"] || len(got["attributes"].([]any)) != 1 {
		t.Errorf("%v", got)
	}

	scim := fmt.Sprintf("providers/scim/%v/sync_status/", h.api("POST", "providers/scim/", obj{"name": "sc", "url": "https://hr.lan", "token": "t"}, 201)["pk"])
	h.api("POST", "sources/ldap/", obj{"name": "AD", "slug": "ad", "server_uri": "ldap://dc", "base_dn": "dc=x"}, 201)
	for _, path := range []string{scim, "sources/ldap/ad/sync_status/"} {
		wantAnswer(t, h.as(bootToken, "GET", path, ""), 200, `{"is_running":false,"tasks":[]}`)
		wantAnswer(t, h.as(ada, "GET", path, ""), 403, notAllowed)
	}
	wantAnswer(t, h.as(bootToken, "GET", "providers/scim/99999/sync_status/", ""), 404, "")
	wantAnswer(t, h.as(bootToken, "GET", "sources/ldap/ad/debug/", ""), 400, `{"non_field_errors":["Gatehouse can't ask directories yet, so there is nothing to show."]}`)
	h.grant(t, adaPK, "authentik_sources_ldap.view_ldapsource", "")
	wantAnswer(t, h.as(ada, "GET", "sources/ldap/ad/debug/", ""), 403, notAllowed)
	h.refused(t, "POST", "sources/ldap/", obj{"name": "AD2", "slug": "ad2", "server_uri": "ldap://dc", "base_dn": "dc=x"}, `{"sync_users_password":["Only a single LDAP Source with password synchronization is allowed"]}`)
	certificate := h.api("GET", "crypto/certificatekeypairs/?name="+url.QueryEscape("authentik Self-signed Certificate"), nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	text := h.api("GET", "crypto/certificatekeypairs/"+certificate+"/view_certificate/", nil, 200)["data"]
	bare := h.api("POST", "crypto/certificatekeypairs/", obj{"name": "bare", "certificate_data": text}, 201)["pk"]
	h.refused(t, "PATCH", "sources/ldap/ad/", obj{"client_certificate": bare}, `{"client_certificate":["This certificate has no private key."]}`)

	h.api("POST", "sources/plex/", obj{"name": "Plex", "slug": "plex", "plex_token": "theirs"}, 201)
	const noPlex = `{"non_field_errors":["Gatehouse can't ask Plex yet, so nobody can sign in with this source."]}`
	wantAnswer(t, h.as("", "POST", "sources/plex/redeem_token/?slug=plex", `{"plex_token":"x"}`), 400, noPlex)
	wantAnswer(t, h.as(ada, "POST", "sources/plex/redeem_token_authenticated/?slug=plex", `{"plex_token":"x"}`), 400, noPlex)
	wantAnswer(t, h.as("", "POST", "sources/plex/redeem_token_authenticated/?slug=plex", `{"plex_token":"x"}`), 403, "")
	wantAnswer(t, h.as("", "POST", "sources/plex/redeem_token/?slug=x", `{"plex_token":"x"}`), 400, `{"slug":["There is no such source."]}`)
	wantAnswer(t, h.as("", "POST", "sources/plex/redeem_token/?slug=plex", `{}`), 400, `{"plex_token":["This field is required."]}`)

	all := h.list(t, ada, "sources/oauth/source_types/")
	if len(all) != 14 {
		t.Errorf("%d types of accounts", len(all))
	}
	if one := h.list(t, ada, "sources/oauth/source_types/?name=okta"); len(one) != 1 || one[0]["verbose_name"] != "Okta" || one[0]["authorization_url"] != nil {
		t.Errorf("%v", one)
	}
	if one := h.list(t, ada, "sources/oauth/source_types/?name=x"); len(one) != 1 || one[0]["name"] != "default" {
		t.Errorf("%v", one)
	}
	wantAnswer(t, h.as("", "GET", "sources/oauth/source_types/", ""), 403, "")
	for path, want := range map[string][]string{
		"sources/all/types/":                      {"githuboauthsource", "openidconnectoauthsource", "ldapsource", "plexsource", "samlsource", "scimsource"},
		"providers/all/types/":                    {"ldapprovider", "oauth2provider", "proxyprovider", "racprovider", "radiusprovider", "samlprovider", "scimprovider"},
		"propertymappings/all/types/":             {"ldappropertymapping", "racpropertymapping", "samlpropertymapping", "scimmapping", "scopemapping"},
		"outposts/service_connections/all/types/": {"dockerserviceconnection", "kubernetesserviceconnection"},
	} {
		var names []string
		for _, k := range h.list(t, ada, path) {
			names = append(names, k["model_name"].(string))
		}
		for _, w := range want {
			if !slices.Contains(names, w) {
				t.Errorf("%s lacks %s: %v", path, w, names)
			}
		}
		if slices.Contains(names, "oauthsource") {
			t.Error("the general kind of accounts can't be chosen")
		}
	}
	m := h.as(bootToken, "POST", "propertymappings/all/"+saml["goauthentik.io/providers/saml/upn"]+"/test/", fmt.Sprintf(`{"user":%d}`, adaPK)).json(t)
	if m["successful"] != true || m["result"] != `"ada@office.lan"` {
		t.Errorf("%v", m)
	}
	uses := h.list(t, bootToken, "crypto/certificatekeypairs/"+certificate+"/used_by/")
	if len(uses) != 0 {
		t.Errorf("%v", uses)
	}
	h.api("PATCH", "sources/ldap/ad/", obj{"client_certificate": certificate}, 200)
	if uses = h.list(t, bootToken, "crypto/certificatekeypairs/"+certificate+"/used_by/"); len(uses) != 1 || uses[0]["action"] != "set_default" || uses[0]["model_name"] != "ldapsource" {
		t.Errorf("%v", uses)
	}
}

// Sources have icons, and people see in their settings those that they can connect with.
func TestSourceIconsAndSettings(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	adaPK := h.addUser("ada", "lovelace-1815")
	ada := h.tokenOf(adaPK, "of-ada", "api")
	for slug, kind := range map[string]string{"github": "oauth", "off": "oauth"} {
		h.api("POST", "sources/"+kind+"/", obj{"name": slug, "slug": slug, "provider_type": "github", "consumer_key": "i", "consumer_secret": "s", "enabled": slug != "off"}, 201)
	}
	h.api("POST", "sources/plex/", obj{"name": "plex", "slug": "plex", "plex_token": "t", "client_id": "house"}, 201)
	group := h.api("POST", "core/groups/", obj{"name": "friends"}, 201)["pk"].(string)
	plex := h.api("GET", "sources/plex/plex/", nil, 200)["pk"].(string)
	h.api("POST", "policies/bindings/", obj{"target": plex, "group": group, "order": 0}, 201)
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>`
	wantAnswer(t, h.upload(t, ada, "sources/all/github/set_icon/", nil, svg), 403, notAllowed)
	wantAnswer(t, h.upload(t, bootToken, "sources/all/github/set_icon/", nil, ""), 400, `{"file":["No file was submitted."]}`)
	wantAnswer(t, h.upload(t, bootToken, "sources/all/github/set_icon/", nil, "hello"), 400, "")
	wantAnswer(t, h.upload(t, bootToken, "sources/all/github/set_icon/", nil, svg), 200, "")
	icon, _ := h.api("GET", "sources/oauth/github/", nil, 200)["icon"].(string)
	if !strings.HasPrefix(icon, "/media/") || h.browser().get(icon).status != 200 || h.api("GET", "sources/all/github/", nil, 200)["icon"] != icon {
		t.Errorf("icon %q", icon)
	}
	wantAnswer(t, h.as(bootToken, "POST", "sources/all/plex/set_icon_url/", `{"url":"javascript:1"}`), 400, `{"url":["Give an address that begins with https:// or /static/."]}`)
	wantAnswer(t, h.as(bootToken, "POST", "sources/all/plex/set_icon_url/", `{"url":"https://plex.lan/i.png"}`), 200, "")
	got := h.list(t, ada, "sources/all/user_settings/")
	if len(got) != 1 || got[0]["object_uid"] != "github" || got[0]["configure_url"] != "/source/oauth/login/github/" || got[0]["icon_url"] != icon || got[0]["component"] != "ak-user-settings-source-oauth" {
		t.Errorf("%v", got)
	}
	h.api("POST", "core/groups/"+group+"/add_user/", obj{"pk": adaPK}, 204)
	if got = h.list(t, ada, "sources/all/user_settings/"); len(got) != 2 || got[1]["configure_url"] != "house" || got[1]["icon_url"] != "https://plex.lan/i.png" {
		t.Errorf("%v", got)
	}
	wantAnswer(t, h.upload(t, bootToken, "sources/all/github/set_icon/", map[string]string{"clear": "true"}, ""), 200, "")
	if v := h.api("GET", "sources/oauth/github/", nil, 200)["icon"]; v != nil {
		t.Errorf("%v", v)
	}
	wantAnswer(t, h.as("", "GET", "sources/all/user_settings/", ""), 403, "")
}
