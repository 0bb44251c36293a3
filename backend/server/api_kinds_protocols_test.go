package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/rbac"
	"gatehouse/backend/store"
)

// keptKind is one kind of objects and what has to hold of it through the API.
type keptKind struct {
	path     string
	lookup   string         // the member that detail addresses use; "" = pk
	body     map[string]any // creates one
	want     map[string]any // members of the answer that follow from defaults
	patch    map[string]any
	finds    []string // queries that find the object
	misses   []string // queries that don't
	hidden   []string // members that only who may change it sees
	never    []string // members that nobody sees
	refused  []refusal
	readonly map[string]any // bodies may carry it and it stays as it is
	policed  bool           // the list shows what policies let the caller use, whatever permissions say
}

type refusal struct {
	more map[string]any
	want string
}

type obj = map[string]any

func with(m obj, more obj) obj {
	out := maps.Clone(m)
	maps.Copy(out, more)
	return out
}

// subset tells the first member of want that got does not have so.
func subset(got, want obj) string {
	b, err := json.Marshal(want)
	if err != nil {
		return err.Error()
	}
	var plain obj
	if err := json.Unmarshal(b, &plain); err != nil {
		return err.Error()
	}
	for name, v := range plain {
		if !reflect.DeepEqual(got[name], v) {
			return fmt.Sprintf("%s is %v, want %v", name, got[name], v)
		}
	}
	return ""
}

func (h *house) flowNamed(slug string) string {
	h.t.Helper()
	return h.api("GET", "flows/instances/"+slug+"/", nil, 200)["pk"].(string)
}

// mappingsOf gives the keys of the managed mappings of a kind by name.
func (h *house) mappingsOf(kind string) map[string]string {
	h.t.Helper()
	out := map[string]string{}
	for _, m := range h.api("GET", "propertymappings/"+kind+"/?managed__isnull=false&page_size=100", nil, 200)["results"].([]any) {
		m := m.(obj)
		if m["managed"] != nil {
			out[m["managed"].(string)] = m["pk"].(string)
		}
	}
	return out
}

// lifeOf takes one kind through its life.
func (h *house) lifeOf(t *testing.T, k keptKind, ordinary, reader string, readerPK int) {
	t.Helper()
	send := func(token, method, path string, body any) answer {
		t.Helper()
		text := ""
		if body != nil {
			b, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		return h.as(token, method, path, text)
	}
	must := func(method, path string, body any, want int) obj {
		t.Helper()
		a := send(bootToken, method, path, body)
		if a.status != want {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		if a.body == "" || want == 204 {
			return nil
		}
		return a.json(t)
	}
	for _, token := range []string{"", ordinary} {
		if a := send(token, "POST", k.path+"/", k.body); a.status != 403 {
			t.Errorf("somebody without permission creates: %d %s", a.status, a.body)
		}
	}
	for _, r := range k.refused {
		a := send(bootToken, "POST", k.path+"/", with(k.body, r.more))
		if a.status != 400 || strings.TrimSpace(a.body) != r.want {
			t.Errorf("%v: %d %s\nwant %s", r.more, a.status, a.body, r.want)
		}
	}
	if a := send(bootToken, "POST", k.path+"/", obj{}); a.status != 400 || !strings.Contains(a.body, "This field is required.") {
		t.Errorf("an empty body: %d %s", a.status, a.body)
	}
	made, changed, gone := h.events("model_created"), h.events("model_updated"), h.events("model_deleted")
	got := must("POST", k.path+"/", k.body, 201)
	plain := maps.Clone(k.body)
	for _, n := range k.never {
		delete(plain, n)
		if _, shown := got[n]; shown {
			t.Errorf("%s is shown", n)
		}
	}
	if why := subset(got, plain); why != "" {
		t.Errorf("created: %s", why)
	}
	if why := subset(got, k.want); why != "" {
		t.Errorf("defaults: %s", why)
	}
	lookup := k.lookup
	if lookup == "" {
		lookup = "pk"
	}
	at := k.path + "/" + url.PathEscape(fmt.Sprint(got[lookup])) + "/"
	pk := fmt.Sprint(got["pk"])
	if got["pk"] == nil {
		pk = fmt.Sprint(got["id"])
	}
	if again := must("GET", at, nil, 200); !reflect.DeepEqual(again, got) {
		t.Errorf("read %v\ncreated %v", again, got)
	}
	must("PUT", at, with(k.body, k.readonly), 200)
	if patched := must("PATCH", at, k.patch, 200); subset(patched, k.patch) != "" {
		t.Errorf("patched: %s", subset(patched, k.patch))
	} else if k.lookup != "" {
		at = k.path + "/" + url.PathEscape(fmt.Sprint(patched[lookup])) + "/"
	}
	if h.events("model_created") == made || h.events("model_updated") == changed {
		t.Error("creating or changing wrote no event")
	}
	listed := func(token, q string) []any {
		t.Helper()
		a := send(token, "GET", k.path+"/?page_size=500&"+q, nil)
		if a.status != 200 {
			t.Fatalf("list %s: %d %s", q, a.status, a.body)
		}
		return slices.DeleteFunc(a.json(t)["results"].([]any), func(r any) bool { return fmt.Sprint(r.(obj)["pk"]) != pk && fmt.Sprint(r.(obj)["id"]) != pk })
	}
	for _, q := range append(k.finds, "ordering=-name") {
		if len(listed(bootToken, q)) != 1 {
			t.Errorf("%s does not find it", q)
		}
	}
	for _, q := range k.misses {
		if len(listed(bootToken, q)) != 0 {
			t.Errorf("%s finds it", q)
		}
	}
	if a := send(ordinary, "GET", at, nil); a.status != 403 {
		t.Errorf("an ordinary user reads: %d %s", a.status, a.body)
	}
	if a := send(ordinary, "GET", at+"used_by/", nil); a.status != 403 {
		t.Errorf("an ordinary user asks who uses it: %d", a.status)
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		if a := send(ordinary, method, at, k.body); a.status != 403 {
			t.Errorf("an ordinary user may %s: %d", method, a.status)
		}
	}
	model := h.modelAt(t, k.path)
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error {
		return rbac.Grant(tx, int64(readerPK), "", strings.Replace(model, ".", ".view_", 1), pk)
	}); err != nil {
		t.Fatal(err)
	}
	seen := send(reader, "GET", at, nil)
	if seen.status != 200 {
		t.Fatalf("a reader: %d %s", seen.status, seen.body)
	}
	for _, n := range k.hidden {
		if v := seen.json(t)[n]; v != "" && !reflect.DeepEqual(v, obj{}) {
			t.Errorf("a reader sees %s: %v", n, v)
		}
		if v := must("GET", at, nil, 200)[n]; v == "" || reflect.DeepEqual(v, obj{}) {
			t.Errorf("who may change it does not see %s", n)
		}
	}
	if (len(listed(reader, "")) == 1) == k.policed {
		t.Error("a reader does not find it in the list")
	}
	for _, method := range []string{"PATCH", "DELETE"} {
		if a := send(reader, method, at, k.patch); a.status != 403 {
			t.Errorf("a reader may %s: %d", method, a.status)
		}
	}
	if a := send(bootToken, "GET", at+"used_by/", nil); a.status != 200 || !strings.HasPrefix(a.body, "[") {
		t.Errorf("used_by: %d %s", a.status, a.body)
	}
	if a := send(bootToken, "DELETE", at, nil); a.status != 204 {
		t.Fatalf("delete: %d %s", a.status, a.body)
	}
	if a := send(bootToken, "GET", at, nil); a.status != 404 {
		t.Errorf("after deletion: %d", a.status)
	}
	if h.events("model_deleted") == gone {
		t.Error("deleting wrote no event")
	}
}

// modelAt gives the published model of the kind at a path.
func (h *house) modelAt(t *testing.T, path string) string {
	t.Helper()
	for _, k := range h.s.rooms.store.Kinds() {
		if k.Path == path {
			return k.Model
		}
	}
	t.Fatalf("no kind at %s", path)
	return ""
}

// Every kind of the protocols keeps its objects as published: defaults, validation, filters, secrets, permissions and events.
func TestKindsOfProtocols(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, rita := h.addUser("ada", "lovelace-1815"), h.addUser("rita", "reader-1999")
	ordinary, reader := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(rita, "of-rita", "api")
	authz, authn := h.flowNamed("default-provider-authorization-implicit-consent"), h.flowNamed("default-authentication-flow")
	group := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	pair := h.api("GET", "crypto/certificatekeypairs/?name="+url.QueryEscape("authentik Self-signed Certificate"), nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	rac := h.api("POST", "providers/rac/", obj{"name": "machines", "authorization_flow": authz}, 201)["pk"]
	racProvider := int(rac.(float64))
	ldapOf := int(h.api("POST", "providers/ldap/", obj{"name": "directory", "authorization_flow": authz}, 201)["pk"].(float64))
	scimSource := h.api("POST", "sources/scim/", obj{"name": "HR", "slug": "hr"}, 201)["pk"].(string)
	h.api("POST", "sources/scim/", obj{"name": "Other", "slug": "other-hr"}, 201)
	nowhere := "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	lacks := func(field string) string {
		return fmt.Sprintf(`{%q:["Invalid pk \"%s\" - object does not exist."]}`, field, nowhere)
	}
	rows := []keptKind{
		{
			path: "providers/ldap", body: obj{"name": "LDAP", "authorization_flow": authz},
			want: obj{"base_dn": "DC=ldap,DC=goauthentik,DC=io", "search_group": nil, "certificate": nil, "tls_server_name": "", "uid_start_number": 2000, "gid_start_number": 4000, "search_mode": "direct", "bind_mode": "direct",
				"mfa_support": true, "outpost_set": []string{}, "component": "ak-provider-ldap-form", "meta_model_name": "authentik_providers_ldap.ldapprovider", "verbose_name": "LDAP Provider"},
			patch: obj{"search_group": group, "certificate": pair, "tls_server_name": "ldap.office.lan", "bind_mode": "cached"},
			finds: []string{"name__iexact=ldap", "base_dn__iexact=dc=LDAP,dc=goauthentik,dc=io", "uid_start_number__iexact=2000", "search_group__name__iexact=STAFF", "search_group__group_uuid__iexact=" + group, "certificate__kp_uuid__iexact=" + pair,
				"authorization_flow__slug__iexact=default-provider-authorization-implicit-consent", "application__isnull=true", "tls_server_name__iexact=LDAP.office.lan"},
			misses: []string{"name__iexact=lda", "gid_start_number__iexact=1", "search_group__name__iexact=x", "application__isnull=false", "certificate__name__iexact=x"},
			refused: []refusal{
				{obj{"bind_mode": "fast"}, `{"bind_mode":["\"fast\" is not a valid choice."]}`}, {obj{"search_group": nowhere}, lacks("search_group")}, {obj{"authorization_flow": nowhere}, lacks("authorization_flow")},
				{obj{"uid_start_number": 1 << 40}, `{"uid_start_number":["Ensure this value is less than or equal to 2147483647."]}`}, {obj{"name": "directory"}, `{"name":["This field must be unique."]}`},
			},
		},
		{
			path: "providers/proxy", body: obj{"name": "Proxy", "authorization_flow": authz, "external_host": "https://wiki.office.lan", "internal_host": "http://10.0.0.5:8080"},
			want: obj{"mode": "proxy", "intercept_header_auth": true, "internal_host_ssl_validation": true, "basic_auth_enabled": false, "access_token_validity": "hours=24", "refresh_token_validity": "days=30", "cookie_domain": "", "certificate": nil,
				"redirect_uris": `https://wiki\.office\.lan/outpost\.goauthentik\.io/callback\?X-authentik-auth-callback=true` + "\n" + `https://wiki\.office\.lan\?X-authentik-auth-callback=true`},
			patch:    obj{"mode": "forward_domain", "cookie_domain": "office.lan", "internal_host": "", "skip_path_regex": "^/public"},
			finds:    []string{"mode__iexact=FORWARD_DOMAIN", "cookie_domain__iexact=office.lan", "internal_host_ssl_validation__iexact=true", "basic_auth_enabled__iexact=false", "external_host__iexact=https://WIKI.office.lan"},
			misses:   []string{"mode__iexact=proxy", "property_mappings__iexact=" + nowhere, "internal_host_ssl_validation__iexact=false"},
			never:    []string{"client_secret", "cookie_secret"},
			readonly: obj{"client_id": "mine"},
			refused: []refusal{
				{obj{"internal_host": ""}, `{"internal_host":["Internal host cannot be empty when forward auth is disabled."]}`},
				{obj{"basic_auth_enabled": true}, `{"non_field_errors":["User and password attributes must be set when basic auth is enabled."]}`},
				{obj{"external_host": "ftp://wiki"}, `{"external_host":["Enter a valid URL."]}`}, {obj{"external_host": "wiki"}, `{"external_host":["Enter a valid URL."]}`},
				{obj{"skip_path_regex": "("}, `{"skip_path_regex":["This is no pattern: ("]}`}, {obj{"access_token_validity": "seconds=0"}, `{"access_token_validity":["The time has to be longer than zero."]}`},
			},
		},
		{
			path: "providers/radius", body: obj{"name": "Radius", "authorization_flow": authz},
			want:   obj{"client_networks": "0.0.0.0/0, ::/0", "mfa_support": true, "outpost_set": []string{}},
			patch:  obj{"client_networks": "10.0.0.0/8"},
			finds:  []string{"client_networks__iexact=10.0.0.0/8", "name__iexact=RADIUS", "application__isnull=true"},
			misses: []string{"client_networks__iexact=0.0.0.0/0,%20::/0"},
			hidden: []string{"shared_secret"},
			refused: []refusal{
				{obj{"client_networks": "10.0.0.1"}, `{"client_networks":["Enter networks such as 10.0.0.0/8, with commas between them."]}`}, {obj{"shared_secret": ""}, `{"shared_secret":["This field may not be blank."]}`},
			},
		},
		{
			path: "providers/saml", body: obj{"name": "SAML", "authorization_flow": authz, "acs_url": "https://app.office.lan/acs"},
			want: obj{"audience": "", "issuer": "authentik", "sp_binding": "redirect", "name_id_mapping": nil, "assertion_valid_not_before": "minutes=-5", "assertion_valid_not_on_or_after": "minutes=5", "session_valid_not_on_or_after": "minutes=86400",
				"digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256", "signature_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "signing_kp": nil, "verification_kp": nil, "url_sso_post": "-", "url_slo_redirect": "-"},
			patch:  obj{"signing_kp": pair, "sp_binding": "post", "signature_algorithm": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
			finds:  []string{"acs_url=https://app.office.lan/acs", "signing_kp=" + pair, "sp_binding=post", "is_backchannel=false", "authorization_flow=" + authz},
			misses: []string{"is_backchannel=true", "issuer=x", "verification_kp=" + pair, "backchannel_application=" + nowhere},
			refused: []refusal{
				{obj{"acs_url": "app"}, `{"acs_url":["Enter a valid URL."]}`}, {obj{"signature_algorithm": "rsa"}, `{"signature_algorithm":["\"rsa\" is not a valid choice."]}`},
				{obj{"session_valid_not_on_or_after": "seconds=0"}, `{"session_valid_not_on_or_after":["The time has to be longer than zero."]}`}, {obj{"name_id_mapping": nowhere}, lacks("name_id_mapping")},
			},
		},
		{
			path: "providers/scim", body: obj{"name": "SCIM", "url": "https://hr.office.lan/scim/v2", "token": "their-token"},
			want:   obj{"exclude_users_service_account": false, "filter_group": nil, "property_mappings": []string{}, "property_mappings_group": []string{}, "assigned_backchannel_application_slug": ""},
			patch:  obj{"filter_group": group, "exclude_users_service_account": true},
			finds:  []string{"url=https://hr.office.lan/scim/v2", "filter_group=" + group, "exclude_users_service_account=true", "name=SCIM"},
			misses: []string{"exclude_users_service_account=false", "url=x"},
			hidden: []string{"token"}, never: []string{"authorization_flow", "authentication_flow", "assigned_application_slug"},
			refused: []refusal{{obj{"url": "hr"}, `{"url":["Enter a valid URL."]}`}, {obj{"token": ""}, `{"token":["This field may not be blank."]}`}},
		},
		{
			path: "providers/rac", body: obj{"name": "RAC", "authorization_flow": authz, "settings": obj{"password": "machine"}},
			want:   obj{"connection_expiry": "hours=8", "delete_token_on_disconnect": false, "outpost_set": []string{}},
			patch:  obj{"connection_expiry": "hours=1"},
			finds:  []string{"name__iexact=rac", "application__isnull=true"},
			misses: []string{"name__iexact=x", "application__isnull=false"},
			hidden: []string{"settings"},
			refused: []refusal{
				{obj{"connection_expiry": "soon"}, `{"connection_expiry":["soon is not in the correct format of 'hours=3;minutes=1'."]}`},
				{obj{"settings": []string{}}, `{"settings":["Expected a dictionary of items but got type \"list\"."]}`},
			},
		},
		{
			path: "propertymappings/saml", body: obj{"name": "m-saml", "expression": "return 1", "saml_name": "urn:x"}, want: obj{"managed": nil, "friendly_name": nil, "component": "ak-property-mapping-saml-form"},
			patch: obj{"friendly_name": "X"}, finds: []string{"saml_name=urn:x", "friendly_name=X", "expression=return%201"}, misses: []string{"managed=goauthentik.io/providers/saml/upn", "saml_name=y"},
			refused: []refusal{{obj{"expression": " "}, `{"expression":["This field may not be blank."]}`}, {obj{"saml_name": ""}, `{"saml_name":["This field may not be blank."]}`}},
		},
		{
			path: "propertymappings/scim", body: obj{"name": "m-scim", "expression": "return 1"}, want: obj{"managed": nil, "meta_model_name": "authentik_providers_scim.scimmapping"}, patch: obj{"expression": "return 2"},
			finds: []string{"name=m-scim", "expression=return%202"}, misses: []string{"expression=return%201", "managed=x&managed=y"}, refused: []refusal{{obj{"name": "authentik default SCIM Mapping: User"}, `{"name":["This field must be unique."]}`}},
		},
		{
			path: "propertymappings/rac", body: obj{"name": "m-rac", "static_settings": obj{"a": "b"}}, want: obj{"expression": ""}, patch: obj{"static_settings": obj{"c": "d"}, "expression": "return {}"},
			finds: []string{"name=m-rac"}, misses: []string{"name=x"}, hidden: []string{"static_settings"},
			refused: []refusal{{obj{"static_settings": "x"}, `{"static_settings":["Expected a dictionary of items but got type \"str\"."]}`}, {obj{"static_settings": nil}, `{"static_settings":["This field may not be null."]}`}},
		},
		{
			path: "propertymappings/ldap", body: obj{"name": "m-ldap", "expression": "return 1", "object_field": "name"}, want: obj{"managed": nil, "component": "ak-property-mapping-ldap-form"}, patch: obj{"object_field": "attributes.x"},
			finds: []string{"object_field=attributes.x"}, misses: []string{"object_field=name"}, refused: []refusal{{obj{"object_field": ""}, `{"object_field":["This field may not be blank."]}`}},
		},
		{
			path: "sources/ldap", lookup: "slug", body: obj{"name": "AD", "slug": "ad", "server_uri": "ldaps://dc1.office.lan, ldap://dc2.office.lan", "base_dn": "dc=office,dc=lan", "bind_password": "x"},
			want: obj{"enabled": true, "user_object_filter": "(objectClass=person)", "group_object_filter": "(objectClass=group)", "group_membership_field": "member", "object_uniqueness_field": "objectSid", "sync_users": true, "sync_groups": true,
				"sync_users_password": true, "password_login_update_internal_password": false, "connectivity": nil, "sync_parent_group": nil, "user_matching_mode": "identifier", "policy_engine_mode": "any",
				"user_path_template": "goauthentik.io/sources/%(slug)s", "managed": nil, "icon": nil},
			patch: obj{"sync_parent_group": group, "client_certificate": pair, "slug": "ad-2"},
			finds: []string{"slug=ad-2", "sync_parent_group=" + group, "client_certificate=" + pair, "sync_users=true", "base_dn=dc=office,dc=lan"}, misses: []string{"slug=ad", "sni=true", "property_mappings=" + nowhere},
			never: []string{"bind_password"},
			refused: []refusal{
				{obj{"server_uri": "https://dc"}, `{"server_uri":["Enter addresses that begin with ldap:// or ldaps://, with commas between them."]}`},
				{obj{"user_object_filter": "objectClass=person"}, `{"user_object_filter":["A filter stands in parentheses, such as (objectClass=person)."]}`},
				{obj{"slug": "a b"}, `{"slug":["Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."]}`}, {obj{"slug": "hr"}, `{"slug":["This field must be unique."]}`},
				{obj{"user_path_template": "x/%(name)s"}, `{"user_path_template":["Only %(slug)s can be filled in here."]}`},
			},
		},
		{
			path: "sources/oauth", lookup: "slug", body: obj{"name": "GitHub", "slug": "github", "provider_type": "github", "consumer_key": "id", "consumer_secret": "x"},
			want: obj{"additional_scopes": "", "oidc_jwks": obj{}, "authorization_url": nil, "oidc_well_known_url": "", "type": obj{"name": "github", "verbose_name": "GitHub", "urls_customizable": true, "request_token_url": nil,
				"authorization_url": "https://github.com/login/oauth/authorize", "access_token_url": "https://github.com/login/oauth/access_token", "profile_url": "https://api.github.com/user",
				"oidc_well_known_url": "https://token.actions.githubusercontent.com/.well-known/openid-configuration", "oidc_jwks_url": "https://token.actions.githubusercontent.com/.well-known/jwks"}},
			patch: obj{"enrollment_flow": authn, "oidc_jwks": obj{"keys": []any{}}}, finds: []string{"provider_type=github", "has_jwks=true", "enrollment_flow=" + authn, "consumer_key=id"}, misses: []string{"has_jwks=false", "provider_type=gitlab"},
			never: []string{"consumer_secret"},
			refused: []refusal{
				{obj{"provider_type": "okta"}, `{"non_field_errors":["authorization_url is required for provider Okta","access_token_url is required for provider Okta","profile_url is required for provider Okta"]}`},
				{obj{"provider_type": "x"}, `{"provider_type":["\"x\" is not a valid choice."]}`}, {obj{"authorization_url": "javascript:1"}, `{"authorization_url":["Enter a valid URL."]}`},
				{obj{"oidc_jwks": "x"}, `{"oidc_jwks":["Expected a dictionary of items but got type \"str\"."]}`},
			},
		},
		{
			path: "sources/plex", lookup: "slug", body: obj{"name": "Plex", "slug": "plex", "plex_token": "theirs"}, want: obj{"allowed_servers": []string{}, "allow_friends": true}, patch: obj{"allowed_servers": []string{"a", "b"}, "allow_friends": false},
			finds: []string{"slug=plex", "allow_friends=false"}, misses: []string{"allow_friends=true"}, hidden: []string{"plex_token"}, refused: []refusal{{obj{"allowed_servers": "a"}, `{"allowed_servers":["Expected a list of items but got type \"str\"."]}`}},
		},
		{
			path: "sources/saml", lookup: "slug", body: obj{"name": "IdP", "slug": "idp", "pre_authentication_flow": authn, "sso_url": "https://idp.office.lan/sso"},
			want: obj{"issuer": "", "slo_url": nil, "allow_idp_initiated": false, "name_id_policy": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "binding_type": "REDIRECT", "verification_kp": nil, "signing_kp": nil,
				"temporary_user_delete_after": "days=1"},
			patch: obj{"binding_type": "POST_AUTO", "verification_kp": pair}, finds: []string{"binding_type=POST_AUTO", "verification_kp=" + pair, "pre_authentication_flow=" + authn}, misses: []string{"binding_type=POST", "managed=x"},
			refused: []refusal{
				{obj{"sso_url": "x"}, `{"sso_url":["Enter a valid URL."]}`}, {obj{"pre_authentication_flow": nowhere}, lacks("pre_authentication_flow")}, {obj{"binding_type": "GET"}, `{"binding_type":["\"GET\" is not a valid choice."]}`},
				{obj{"temporary_user_delete_after": "seconds=0"}, `{"temporary_user_delete_after":["The time has to be longer than zero."]}`},
			},
		},
		{
			path: "sources/scim", lookup: "slug", body: obj{"name": "SCIM", "slug": "scim"}, want: obj{"enabled": true, "user_matching_mode": "identifier", "managed": nil}, patch: obj{"name": "SCIM 2", "enabled": false},
			finds: []string{"slug=scim", "name=SCIM%202"}, misses: []string{"name=SCIM"}, never: []string{"authentication_flow", "enrollment_flow", "icon", "policy_engine_mode", "token"}, refused: []refusal{{obj{"slug": ""}, `{"slug":["This field may not be blank."]}`}},
		},
		{
			path: "sources/scim_users", lookup: "id", body: obj{"id": "42", "user": ada, "source": scimSource, "attributes": obj{"userName": "ada.l"}}, want: obj{}, patch: obj{"attributes": obj{"userName": "ada.x"}},
			finds: []string{"source__slug=hr", "user__username=ada", fmt.Sprintf("user__id=%d", ada), "search=ada.x"}, misses: []string{"source__slug=other-hr", "user__username=rita", "search=ada.l"}, readonly: obj{"id": "43"},
			refused: []refusal{{obj{"source": nowhere}, `{"source":["Invalid pk \"` + nowhere + `\" - object does not exist."]}`}, {obj{"user": 9999}, `{"user":["Invalid pk \"9999\" - object does not exist."]}`}},
		},
		{
			path: "sources/scim_groups", lookup: "id", body: obj{"id": "a/b", "group": group, "source": scimSource}, want: obj{"attributes": obj{}}, patch: obj{"attributes": obj{"displayName": "S"}},
			finds: []string{"source__slug=hr", "group__name=staff", "group__group_uuid=" + group}, misses: []string{"group__name=x"}, refused: []refusal{{obj{"group": nowhere}, lacks("group")}},
		},
		{
			path: "rac/endpoints", body: obj{"name": "server", "provider": racProvider, "protocol": "ssh", "host": "10.0.0.9:22", "auth_mode": "static", "settings": obj{"password": "x"}}, want: obj{"maximum_connections": 1, "launch_url": nil, "property_mappings": []string{}},
			patch: obj{"protocol": "vnc", "maximum_connections": -1}, finds: []string{"name=server", fmt.Sprintf("provider=%d", racProvider), "superuser_full_list=true"}, misses: []string{"name=x"}, hidden: []string{"settings"}, policed: true,
			refused: []refusal{
				{obj{"protocol": "telnet"}, `{"protocol":["\"telnet\" is not a valid choice."]}`}, {obj{"provider": ldapOf}, `{"provider":["This is no provider of this kind."]}`}, {obj{"provider": 9999}, `{"provider":["Invalid pk \"9999\" - object does not exist."]}`},
				{obj{"provider": "x"}, `{"provider":["Incorrect type. Expected pk value, received str."]}`},
			},
		},
		{
			path: "outposts/instances", body: obj{"name": "LDAP out", "type": "ldap", "providers": []int{ldapOf}, "config": obj{"log_level": "debug", "mine": 1}}, want: obj{"service_connection": nil, "service_connection_obj": nil, "managed": nil},
			patch: obj{"config": obj{"docker_network": "lan"}}, finds: []string{"name__iexact=ldap%20OUT", "name__icontains=out", fmt.Sprintf("providers_by_pk=%d&providers_by_pk=9999", ldapOf), "providers__isnull=false"},
			misses: []string{"providers__isnull=true", "managed__icontains=embedded", "service_connection__name__icontains=x", "providers_by_pk=9999", "service_connection__name__iexact=x"},
			refused: []refusal{
				{obj{"providers": []int{}}, `{"providers":["This list may not be empty."]}`}, {obj{"type": "proxy"}, `{"non_field_errors":["Outpost type proxy can't be used with LDAPProvider providers."]}`},
				{obj{"config": obj{"kubernetes_replicas": "many"}}, `{"config":["Failed to validate config: wrong value type for field \"kubernetes_replicas\" - should be \"int\" instead of value of type \"str\""]}`},
				{obj{"managed": "goauthentik.io/outposts/embedded"}, `{"managed":["There is one embedded outpost only.","This field must be unique."]}`}, {obj{"providers": []int{9999}}, `{"providers":["Invalid pk \"9999\" - object does not exist."]}`},
			},
		},
		{
			path: "outposts/service_connections/docker", body: obj{"name": "docker", "url": "unix:///var/run/docker.sock"}, want: obj{"local": false, "tls_verification": nil, "component": "ak-service-connection-docker-form"}, patch: obj{"tls_verification": pair, "local": true},
			finds: []string{"local=true", "tls_verification=" + pair, "url=unix:///var/run/docker.sock"}, misses: []string{"local=false"}, refused: []refusal{{obj{"url": ""}, `{"url":["This field may not be blank."]}`}},
		},
		{
			path: "outposts/service_connections/kubernetes", body: obj{"name": "k8s", "kubeconfig": obj{"users": []any{"x"}}}, want: obj{"verify_ssl": true, "local": false}, patch: obj{"verify_ssl": false}, finds: []string{"name=k8s"}, misses: []string{"local=true"},
			hidden: []string{"kubeconfig"}, refused: []refusal{{obj{"kubeconfig": obj{}}, `{"kubeconfig":["You can only use an empty kubeconfig when connecting to a local cluster."]}`}},
		},
	}
	for _, k := range rows {
		t.Run(strings.ReplaceAll(k.path, "/", "_"), func(t *testing.T) { h.lifeOf(t, k, ordinary, reader, rita) })
	}
}
