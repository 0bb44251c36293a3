package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/db"
)

// Whose account at a source somebody has is proved there: people see and cut their own connections, and only who may change users' data
// makes one; whose it is never changes (CVE-2026-49448 class).
func TestSourceConnections(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	adaPK, bobPK := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	ada, bob := h.tokenOf(adaPK, "of-ada", "api"), h.tokenOf(bobPK, "of-bob", "api")
	authn := h.flowNamed("default-authentication-flow")
	for kind, body := range map[string]obj{
		"oauth": {"slug": "github", "name": "GitHub", "provider_type": "github", "consumer_key": "i", "consumer_secret": "s"},
		"plex":  {"slug": "plex", "name": "Plex", "plex_token": "t"},
		"saml":  {"slug": "idp", "name": "IdP", "pre_authentication_flow": authn, "sso_url": "https://idp.lan/sso"},
	} {
		h.api("POST", "sources/"+kind+"/", body, 201)
	}
	const base = "sources/user_connections/"
	for kind, more := range map[string]obj{"oauth": {"access_token": "at"}, "plex": {"plex_token": "pt"}, "saml": {}} {
		body := with(obj{"user": bobPK, "identifier": "bob-" + kind}, more)
		for _, token := range []string{"", bob} {
			wantAnswer(t, h.as(token, "POST", base+kind+"/", fmt.Sprintf(`{"user":%d,"identifier":"x","plex_token":"x"}`, adaPK)), 403, "")
		}
		c := h.api("POST", base+kind+"/", body, 201)
		if c["user"] != float64(bobPK) || c["identifier"] != "bob-"+kind || c["source"].(obj)["meta_model_name"] != "authentik_sources_"+kind+"."+kind+"source" || c["access_token"] != nil {
			t.Errorf("%v", c)
		}
		if c["source"].(obj)["plex_token"] != nil {
			t.Error("the source inside shows its secret")
		}
		at := fmt.Sprintf("%s%s/%v/", base, kind, c["pk"])
		wantAnswer(t, h.as(bob, "GET", at, ""), 200, "")
		wantAnswer(t, h.as(ada, "GET", at, ""), 404, "")
		wantAnswer(t, h.as(ada, "GET", at+"used_by/", ""), 404, "")
		wantAnswer(t, h.as(ada, "DELETE", at, ""), 404, "")
		wantAnswer(t, h.as(bob, "PATCH", at, fmt.Sprintf(`{"user":%d}`, adaPK)), 403, notAllowed)
		wantAnswer(t, h.as(bob, "PATCH", at, `{"identifier":"victim"}`), 403, notAllowed)
		h.refused(t, "PATCH", at, obj{"user": adaPK}, `{"user":["User cannot be changed"]}`)
		if got := h.api("PATCH", at, obj{"identifier": "new-" + kind, "source": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, 200); got["identifier"] != "new-"+kind || got["source"].(obj)["slug"] != c["source"].(obj)["slug"] {
			t.Errorf("%v", got)
		}
		h.refused(t, "POST", base+kind+"/", with(body, obj{"identifier": "again"}), `{"non_field_errors":["The fields user, source must make a unique set."]}`)
		h.refused(t, "POST", base+kind+"/", with(body, obj{"user": adaPK, "identifier": "new-" + kind}), `{"identifier":["This account is connected with somebody already."]}`)
		h.refused(t, "POST", base+kind+"/", with(body, obj{"user": 9999}), `{"user":["Invalid pk \"9999\" - object does not exist."]}`)
		slug := c["source"].(obj)["slug"].(string)
		if n := h.api("GET", base+kind+"/?source__slug="+slug, nil, 200)["pagination"].(obj)["count"]; n != 1.0 {
			t.Errorf("%v connections of %s", n, slug)
		}
		if n := h.api("GET", base+kind+"/?source__slug=x", nil, 200)["pagination"].(obj)["count"]; n != 0.0 {
			t.Errorf("%v connections of nothing", n)
		}
	}
	// A second source of a kind: the body has to name one, by its key.
	idp := h.api("POST", "sources/saml/", obj{"slug": "idp2", "name": "IdP 2", "pre_authentication_flow": authn, "sso_url": "https://idp2.lan/sso"}, 201)["pk"]
	plex := h.api("GET", "sources/plex/plex/", nil, 200)["pk"]
	h.refused(t, "POST", base+"saml/", obj{"user": adaPK, "identifier": "a"}, `{"source":["This field is required."]}`)
	h.refused(t, "POST", base+"saml/", obj{"user": adaPK, "identifier": "a", "source": 5}, `{"source":["Not a valid string."]}`)
	h.refused(t, "POST", base+"saml/", obj{"user": adaPK, "identifier": "a", "source": "x"}, `{"source":["Must be a valid UUID."]}`)
	h.refused(t, "POST", base+"saml/", obj{"user": adaPK, "identifier": "a", "source": plex}, fmt.Sprintf(`{"source":["Invalid pk \"%v\" - object does not exist."]}`, plex))
	c := h.api("POST", base+"saml/", obj{"user": adaPK, "identifier": "a", "source": idp}, 201)
	if c["source"].(obj)["slug"] != "idp2" {
		t.Errorf("%v", c)
	}
	count := func(token, query string) float64 {
		t.Helper()
		return h.as(token, "GET", base+"all/"+query, "").json(t)["pagination"].(obj)["count"].(float64)
	}
	if a, b, all, of := count(ada, ""), count(bob, ""), count(bootToken, ""), count(bootToken, fmt.Sprintf("?user=%d", bobPK)); a != 1 || b != 3 || all != 4 || of != 3 {
		t.Errorf("ada %v, bob %v, all %v, of bob %v", a, b, all, of)
	}
	one := fmt.Sprintf("%sall/%v/", base, c["pk"])
	got := h.api("GET", one, nil, 200)
	if got["user"] != float64(adaPK) || got["created"] == nil || got["identifier"] != nil {
		t.Errorf("%v", got)
	}
	wantAnswer(t, h.as(ada, "PUT", one, `{"user":1}`), 403, notAllowed)
	if again := h.api("PUT", one, obj{"user": bobPK}, 200); again["user"] != float64(adaPK) || h.api("GET", fmt.Sprintf("%ssaml/%v/", base, c["pk"]), nil, 200)["identifier"] != "a" {
		t.Errorf("%v", again)
	}
	uses := h.list(t, bootToken, "sources/saml/idp2/used_by/")
	if len(uses) != 1 || uses[0]["model_name"] != "usersamlsourceconnection" || uses[0]["action"] != "cascade" {
		t.Errorf("%v", uses)
	}
	wantAnswer(t, h.as(ada, "DELETE", one, ""), 204, "")
	h.api("DELETE", "sources/plex/plex/", nil, 204)
	h.api("DELETE", fmt.Sprintf("core/users/%d/", bobPK), nil, 204)
	if n := count(bootToken, ""); n != 0 {
		t.Errorf("%v connections of nobody", n)
	}
}

// A SCIM source has an account and a token from its beginning to its end, and names the other side's objects by their ids.
func TestSCIMSource(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	s := h.api("POST", "sources/scim/", obj{"name": "HR", "slug": "hr"}, 201)
	name := "ak-source-scim-" + s["pk"].(string)
	token := s["token_obj"].(obj)
	if s["root_url"] != h.base+"/source/scim/hr/v2" || token["identifier"] != name || token["expiring"] != false || token["managed"] != "goauthentik.io/sources/scim/"+s["pk"].(string) || token["key"] != nil {
		t.Errorf("%v", s)
	}
	u := token["user_obj"].(obj)
	if u["username"] != name || u["type"] != "internal_service_account" || u["path"] != "goauthentik.io/sources/scim" {
		t.Errorf("%v", u)
	}
	key := h.api("GET", "core/tokens/"+name+"/view_key/", nil, 200)["key"]
	h.api("PUT", "sources/scim/hr/", obj{"name": "HR 2", "slug": "hr"}, 200)
	if again := h.api("GET", "core/tokens/"+name+"/view_key/", nil, 200)["key"]; again != key {
		t.Error("the key changed with the name")
	}
	h.api("DELETE", "core/tokens/"+name+"/", nil, 204)
	if v := h.api("GET", "sources/scim/hr/", nil, 200)["token_obj"]; v != nil {
		t.Errorf("a token that is gone: %v", v)
	}
	if v := h.api("PATCH", "sources/scim/hr/", obj{"name": "HR"}, 200)["token_obj"].(obj); v["identifier"] != name {
		t.Errorf("%v", v)
	}
	other := h.api("POST", "sources/scim/", obj{"name": "Other", "slug": "other"}, 201)["pk"]
	body := obj{"id": "E 1/2", "user": ada, "source": s["pk"]}
	if got := h.api("POST", "sources/scim_users/", body, 201); got["id"] != "E 1/2" || got["user_obj"].(obj)["username"] != "ada" {
		t.Errorf("%v", got)
	}
	h.refused(t, "POST", "sources/scim_users/", body, `{"id":["This field must be unique."],"non_field_errors":["The fields source, user must make a unique set."]}`)
	if got := h.api("POST", "sources/scim_users/", with(body, obj{"source": other}), 201); got["id"] != "other:E 1/2" {
		t.Errorf("%v", got)
	}
	const one = "sources/scim_users/E%201%2F2/"
	h.refused(t, "PATCH", one, obj{"user": 1}, `{"user":["Whom this stands for can't be changed."]}`)
	h.refused(t, "PATCH", one, obj{"source": other}, `{"source":["The source can't be changed."]}`)
	ldap := h.api("POST", "sources/ldap/", obj{"name": "AD", "slug": "ad", "server_uri": "ldap://dc", "base_dn": "dc=x"}, 201)["pk"]
	h.refused(t, "POST", "sources/scim_users/", with(body, obj{"source": ldap, "id": "9"}), `{"source":["This is no source of this kind."]}`)
	h.api("DELETE", "sources/scim/hr/", nil, 204)
	for _, gone := range []string{one, "core/tokens/" + name + "/", fmt.Sprintf("core/users/%v/", u["pk"])} {
		wantAnswer(t, h.as(bootToken, "GET", gone, ""), 404, "")
	}
	wantAnswer(t, h.as(bootToken, "GET", "sources/scim_users/other:E%201%2F2/", ""), 200, "")
}

// An outpost's account sees exactly what the outpost serves, with the secrets that it needs; nobody else without permission does.
func TestOutposts(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	adaPK := h.addUser("ada", "lovelace-1815")
	ada := h.tokenOf(adaPK, "of-ada", "api")
	authz := h.flowNamed("default-provider-authorization-implicit-consent")
	pair := h.api("POST", "crypto/certificatekeypairs/generate/", obj{"common_name": "ldap", "validity_days": 30, "alg": "ecdsa"}, 200)["pk"].(string)
	embedded := h.api("GET", "outposts/instances/?managed__iexact=GOAUTHENTIK.io/outposts/embedded", nil, 200)["results"].([]any)[0].(obj)
	one := "outposts/instances/" + embedded["pk"].(string) + "/"
	if embedded["name"] != "authentik Embedded Outpost" || embedded["type"] != "proxy" || len(embedded["providers"].([]any)) != 0 || embedded["config"].(obj)["log_level"] != "info" || embedded["token_identifier"] != "ak-outpost-"+embedded["pk"].(string)+"-api" {
		t.Errorf("%v", embedded)
	}
	h.refused(t, "PATCH", one, obj{"name": "mine"}, `{"name":["Embedded outpost's name cannot be changed"]}`)
	h.refused(t, "DELETE", one, nil, `{"non_field_errors":["The embedded outpost is part of Gatehouse and can't be deleted."]}`)
	if got := h.api("PATCH", one, obj{"managed": nil, "config": obj{"authentik_host": "https://login.office.lan"}}, 200); got["managed"] != embedded["managed"] {
		t.Errorf("%v", got)
	}
	providers := map[string]int{}
	for kind, more := range map[string]obj{"proxy": {"external_host": "https://wiki.lan", "internal_host": "http://10.0.0.1"}, "ldap": {"certificate": pair}, "radius": {"shared_secret": "shared"}, "oauth2": {}} {
		providers[kind] = int(h.api("POST", "providers/"+kind+"/", with(obj{"name": kind, "authorization_flow": authz}, more), 201)["pk"].(float64))
	}
	second := int(h.api("POST", "providers/radius/", obj{"name": "second", "authorization_flow": authz, "shared_secret": "other"}, 201)["pk"].(float64))
	h.refused(t, "POST", "outposts/instances/", obj{"name": "x", "type": "proxy", "config": obj{}, "providers": []int{providers["oauth2"]}}, `{"non_field_errors":["Outpost type proxy can't be used with OAuth2Provider providers."]}`)
	keys := map[string]string{}
	for _, kind := range []string{"proxy", "ldap", "radius"} {
		o := h.api("POST", "outposts/instances/", obj{"name": "out " + kind, "type": kind, "providers": []int{providers[kind]}, "config": obj{}}, 201)
		if p := o["providers_obj"].([]any); len(p) != 1 || p[0].(obj)["name"] != kind {
			t.Errorf("%v", o)
		}
		keys[kind] = h.api("GET", "core/tokens/"+o["token_identifier"].(string)+"/view_key/", nil, 200)["key"].(string)
		if set := h.api("GET", fmt.Sprintf("providers/%s/%d/", kind, providers[kind]), nil, 200)["outpost_set"].([]any); len(set) != 1 || set[0] != "out "+kind {
			t.Errorf("%v", set)
		}
		if a := h.as(keys[kind], "GET", "outposts/instances/", "").json(t)["results"].([]any); len(a) != 1 || a[0].(obj)["pk"] != o["pk"] {
			t.Errorf("an outpost sees %v", a)
		}
		wantAnswer(t, h.as(bootToken, "GET", "outposts/instances/"+o["pk"].(string)+"/health/", ""), 200, "[]")
		wantAnswer(t, h.as(ada, "GET", "outposts/instances/"+o["pk"].(string)+"/health/", ""), 403, notAllowed)
		if n := h.api("GET", "outposts/"+kind+"/", nil, 200)["pagination"].(obj)["count"]; n != 0.0 {
			t.Errorf("%v providers are served without an application", n)
		}
		h.api("POST", "core/applications/", obj{"name": kind, "slug": "app-" + kind, "provider": providers[kind]}, 201)
	}
	h.api("POST", "core/applications/", obj{"name": "second", "slug": "second", "provider": second}, 201)
	read := func(token, path string) obj {
		t.Helper()
		a := h.as(token, "GET", path, "")
		if a.status != 200 {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		rows := a.json(t)["results"].([]any)
		if len(rows) != 1 {
			t.Fatalf("%s: %d rows", path, len(rows))
		}
		return rows[0].(obj)
	}
	proxy := read(keys["proxy"], "outposts/proxy/")
	oidc := proxy["oidc_configuration"].(obj)
	if len(proxy["client_secret"].(string)) != 128 || len(proxy["cookie_secret"].(string)) != 32 || proxy["access_token_validity"] != 86400.0 || proxy["assigned_application_slug"] != "app-proxy" || oidc["issuer"] != h.base+"/application/o/app-proxy/" ||
		fmt.Sprint(proxy["scopes_to_request"]) != "[ak_proxy email openid profile]" {
		t.Errorf("%v", proxy)
	}
	if r := read(keys["radius"], "outposts/radius/"); r["shared_secret"] != "shared" || r["application_slug"] != "app-radius" || r["auth_flow_slug"] != "default-provider-authorization-implicit-consent" {
		t.Errorf("%v", r)
	}
	if l := read(keys["ldap"], "outposts/ldap/"); l["certificate"] != pair || l["application_slug"] != "app-ldap" || l["bind_flow_slug"] != "default-provider-authorization-implicit-consent" || l["uid_start_number"] != 2000.0 {
		t.Errorf("%v", l)
	}
	wantAnswer(t, h.as(keys["radius"], "GET", fmt.Sprintf("outposts/radius/%d/", second), ""), 403, notAllowed)
	wantAnswer(t, h.as(keys["ldap"], "GET", "outposts/proxy/", ""), 403, notAllowed)
	wantAnswer(t, h.as(keys["ldap"], "GET", "crypto/certificatekeypairs/"+pair+"/view_certificate/", ""), 200, "")
	wantAnswer(t, h.as(keys["ldap"], "GET", "core/users/?page_size=1", ""), 200, "")
	wantAnswer(t, h.as(keys["proxy"], "GET", "core/users/?page_size=1", ""), 403, notAllowed)
	wantAnswer(t, h.as(keys["ldap"], "PATCH", fmt.Sprintf("providers/ldap/%d/", providers["ldap"]), `{"name":"x"}`), 403, notAllowed)
	wantAnswer(t, h.as(ada, "GET", "outposts/proxy/", ""), 403, notAllowed)
	h.grant(t, adaPK, "authentik_providers_proxy.view_proxyprovider", "")
	h.grant(t, adaPK, "authentik_providers_radius.view_radiusprovider", "")
	if p := read(ada, "outposts/proxy/"); p["client_secret"] != "" || p["cookie_secret"] != "" || p["external_host"] != "https://wiki.lan" {
		t.Errorf("a reader sees %v", p)
	}
	if p := h.as(ada, "GET", fmt.Sprintf("outposts/radius/%d/", second), "").json(t); p["shared_secret"] != "" {
		t.Errorf("a reader sees %v", p)
	}
	if p := h.api("GET", "outposts/radius/?name=second", nil, 200)["results"].([]any); len(p) != 1 || p[0].(obj)["shared_secret"] != "other" {
		t.Errorf("%v", p)
	}
	// What an outpost may see follows what it serves.
	radius := h.api("GET", "outposts/instances/?name__iexact=OUT%20radius", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	h.api("PATCH", "outposts/instances/"+radius+"/", obj{"providers": []int{second}}, 200)
	if r := read(keys["radius"], "outposts/radius/"); r["shared_secret"] != "other" {
		t.Errorf("%v", r)
	}
	h.api("DELETE", "outposts/instances/"+radius+"/", nil, 204)
	wantAnswer(t, h.as(keys["radius"], "GET", "outposts/radius/", ""), 403, "")
	if s := h.api("GET", "outposts/instances/default_settings/", nil, 200)["config"].(obj); s["authentik_host"] != h.base || s["kubernetes_replicas"] != 1.0 || len(s) != 18 {
		t.Errorf("%v", s)
	}
	docker := h.api("POST", "outposts/service_connections/docker/", obj{"name": "d", "url": "unix:///x", "local": true}, 201)["pk"].(string)
	wantAnswer(t, h.as(bootToken, "GET", "outposts/service_connections/all/"+docker+"/state/", ""), 200, `{"healthy":false,"version":""}`)
	ldap := h.api("GET", "outposts/instances/?name__iexact=out%20ldap", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	if got := h.api("PATCH", "outposts/instances/"+ldap+"/", obj{"service_connection": docker}, 200); got["service_connection_obj"].(obj)["name"] != "d" {
		t.Errorf("%v", got)
	}
	if n := h.api("GET", "outposts/instances/?service_connection__name__icontains=D", nil, 200)["pagination"].(obj)["count"]; n != 1.0 {
		t.Errorf("%v outposts", n)
	}
	h.api("DELETE", "outposts/service_connections/all/"+docker+"/", nil, 204)
	if got := h.api("GET", "outposts/instances/"+ldap+"/", nil, 200); got["service_connection"] != nil {
		t.Errorf("%v", got["service_connection"])
	}
}

// People see their own connections to machines, and in the list the machines that they may use.
func TestRACObjects(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	adaPK, bobPK := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	ada, bob := h.tokenOf(adaPK, "of-ada", "api"), h.tokenOf(bobPK, "of-bob", "api")
	provider := h.api("POST", "providers/rac/", obj{"name": "machines", "authorization_flow": h.flowNamed("default-provider-authorization-implicit-consent"), "settings": obj{"password": "all"}}, 201)["pk"]
	e := h.api("POST", "rac/endpoints/", obj{"name": "server", "provider": provider, "protocol": "rdp", "host": "10.0.0.9", "auth_mode": "static", "settings": obj{"password": "one"}}, 201)["pk"].(string)
	names := func(token, query string) int {
		t.Helper()
		a := h.as(token, "GET", "rac/endpoints/"+query, "")
		if strings.Contains(a.body, "password") && token != bootToken {
			t.Errorf("settings are shown: %s", a.body)
		}
		return len(a.json(t)["results"].([]any))
	}
	if names(ada, "") != 0 || names(ada, "?superuser_full_list=true") != 0 || names(bootToken, "?superuser_full_list=true") != 1 {
		t.Error("machines without an application are for superusers")
	}
	h.api("POST", "core/applications/", obj{"name": "Machines", "slug": "machines", "provider": provider}, 201)
	if names(ada, "") != 1 || names(bob, "") != 1 {
		t.Error("nobody finds the machine")
	}
	h.api("POST", "policies/bindings/", obj{"target": e, "user": adaPK, "order": 0}, 201)
	if names(ada, "") != 1 || names(bob, "") != 0 {
		t.Error("the binding of the machine does not count")
	}
	if got := h.api("GET", "rac/endpoints/"+e+"/", nil, 200); got["launch_url"] != "/application/rac/machines/"+e+"/" || got["settings"].(obj)["password"] != "one" || len(got["provider_obj"].(obj)["settings"].(obj)) != 0 {
		t.Errorf("%v", got)
	}
	if app := h.api("GET", "core/applications/machines/", nil, 200); app["launch_url"] != "goauthentik.io://providers/rac/launch" {
		t.Errorf("%v", app["launch_url"])
	}
	const pk = "0192f000-0000-7000-8000-000000000001"
	h.signedIn("ada", "lovelace-1815")
	if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO rac_connections (pk, provider, endpoint, owner, session, key_hash, settings, expires) SELECT ?, ?, ?, ?, uuid, 'h', '', ? FROM sessions WHERE "user" = ? LIMIT 1`,
			pk, provider, e, adaPK, time.Now().Add(time.Hour).UnixMicro(), adaPK)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	const one = "rac/connection_tokens/" + pk + "/"
	got := h.as(ada, "GET", one, "").json(t)
	if got["user"].(obj)["username"] != "ada" || got["endpoint_obj"].(obj)["name"] != "server" || got["provider_obj"].(obj)["name"] != "machines" || got["settings"] != nil {
		t.Errorf("%v", got)
	}
	wantAnswer(t, h.as(bob, "GET", one, ""), 404, "")
	wantAnswer(t, h.as(bob, "DELETE", one, ""), 404, "")
	h.refused(t, "PATCH", one, obj{"provider": 9999}, `{"provider":["The provider of a connection can't be changed."]}`)
	for query, want := range map[string]float64{"": 1, fmt.Sprintf("?session__user=%d", adaPK): 1, fmt.Sprintf("?session__user=%d", bobPK): 0, "?endpoint=" + e: 1, fmt.Sprintf("?provider=%v", provider): 1} {
		if n := h.api("GET", "rac/connection_tokens/"+query, nil, 200)["pagination"].(obj)["count"]; n != want {
			t.Errorf("%s finds %v", query, n)
		}
	}
	if n := h.as(bob, "GET", "rac/connection_tokens/", "").json(t)["pagination"].(obj)["count"]; n != 0.0 {
		t.Errorf("bob sees %v", n)
	}
	if uses := h.list(t, bootToken, "rac/endpoints/"+e+"/used_by/"); len(uses) != 2 {
		t.Errorf("%v", uses)
	}
	h.api("DELETE", fmt.Sprintf("providers/rac/%v/", provider), nil, 204)
	wantAnswer(t, h.as(bootToken, "GET", one, ""), 404, "")
	wantAnswer(t, h.as(bootToken, "GET", "rac/endpoints/"+e+"/", ""), 404, "")
}
