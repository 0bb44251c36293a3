package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/rbac"
	"gatehouse/backend/store"
)

// The callers of the golden table, in the order of its columns.
const (
	nobodyAsks = iota
	ordinaryAsks
	viewerAsks
	expiredAsks
	appPasswordAsks
	superuserAsks
	callerCount
)

var callerNames = [callerCount]string{"nobody", "an ordinary user", "a viewer of this object", "an expired token", "an app password", "a superuser"}

// permitted is one line of the golden table.
type permitted struct {
	rule, why string
	status    [callerCount]int
}

// readPermissions reads the golden table by operation.
func readPermissions(t *testing.T) map[string]permitted {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "contract", "permissions.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]permitted{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) == 0 || w[0][0] == '#' {
			continue
		}
		if _, twice := out[w[0]]; twice || len(w) != 2+callerCount {
			t.Fatalf("%s", lines.Text())
		}
		var p permitted
		p.rule, p.why, _ = strings.Cut(w[1], "/")
		for i := range callerCount {
			if p.status[i], err = strconv.Atoi(w[2+i]); err != nil {
				t.Fatalf("%s: %v", w[0], err)
			}
		}
		out[w[0]] = p
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// The golden table has a line for each published operation and no other, and each line follows its rule unless it says why not.
func TestPermissionTable(t *testing.T) {
	t.Parallel()
	table, published := readPermissions(t), readContract(t)
	open := 0
	for key, op := range published.ops {
		p, ok := table[op.id]
		if !ok {
			t.Errorf("%s is missing", op.id)
			continue
		}
		if op.open != (p.rule == "open") {
			t.Errorf("%s: open to nobody is %t, published %t", op.id, p.rule == "open", op.open)
		}
		if op.open {
			open++
		}
		s := p.status
		if _, declared := op.status[fmt.Sprint(s[superuserAsks])]; !declared && p.why == "" && p.rule != "owner" {
			t.Errorf("%s (%s): %d is not published", op.id, key, s[superuserAsks])
		}
		if s[expiredAsks] != 403 || s[appPasswordAsks] != 403 {
			t.Errorf("%s: a bearer that is not good gets in", op.id)
		}
		ok200 := s[superuserAsks]
		rules := map[string][4]int{
			"open": {ok200, ok200, ok200, ok200}, "signed": {403, ok200, ok200, ok200}, "mine": {403, ok200, ok200, ok200}, "list": {403, 403, ok200, ok200}, "view": {403, 403, ok200, ok200},
			"add": {403, 403, 403, ok200}, "edit": {403, 403, 403, ok200}, "act": {403, 403, 403, ok200}, "model": {403, 403, 403, ok200}, "hidden": {403, 404, ok200, ok200}, "theirs": {403, 404, 403, ok200}, "owner": {403, 404, 404, 404},
		}
		want, known := rules[p.rule]
		if got := [4]int{s[0], s[1], s[2], s[5]}; !known || p.why != "own" && got != want {
			t.Errorf("%s: %v does not follow %q", op.id, got, p.rule)
		}
	}
	if len(table) != 742 || len(published.ops) != 742 || open != 7 {
		t.Errorf("%d lines for %d operations, %d open", len(table), len(published.ops), open)
	}
}

// target is the object that operations below a collection are asked about.
type target struct {
	key   string // in addresses
	pk    string // permissions are given on it
	model string // the kind whose view permission opens it, "" when there is none
}

// asked is what one operation is sent besides its address.
type asked struct {
	query   string
	body    any
	form    map[string]string // a form instead of a body
	file    string
	session bool // the superuser asks from a browser, once asked went there
	first   func(*browser)
	about   *target              // the viewer's object when it is not that of the collection
	each    func(caller int) any // a body for each caller, where each of them makes something
}

// permissionHouse is a house with one object of each kind, all of somebody else.
type permissionHouse struct {
	*house
	t       *testing.T
	targets map[string]target             // by collection, "core/users/"
	bodies  map[string]func(i string) obj // what makes one, by collection
	asks    map[string]asked              // by operation
	viewer  int
	granted string
}

// grantOnly lets the viewer view exactly that object.
func (h *permissionHouse) grantOnly(x target) {
	h.t.Helper()
	now := x.model + " " + x.pk
	if now == h.granted {
		return
	}
	h.granted = now
	h.write(`DELETE FROM permission_grants WHERE "user" = ?`, h.viewer)
	if x.model == "" {
		return
	}
	if err := h.s.rooms.store.Write(h.t.Context(), store.House, func(tx *store.Tx) error {
		return rbac.Grant(tx, int64(h.viewer), "", strings.Replace(x.model, ".", ".view_", 1), x.pk)
	}); err != nil {
		h.t.Fatal(err)
	}
}

// collection gives the collection that an address belongs to.
func (h *permissionHouse) collection(path string) string {
	best := ""
	for c := range h.targets {
		if strings.HasPrefix(path, c) && len(c) > len(best) {
			best = c
		}
	}
	return best
}

// permissions is the house with all of its objects, made once: the tests that need it open copies of its folder.
var permissions struct {
	once    sync.Once
	made    *permissionHouse
	callers [callerCount]string
}

// openPermissionHouse opens a copy of the house with all objects.
func openPermissionHouse(t *testing.T) (*permissionHouse, [callerCount]string) {
	t.Helper()
	permissions.once.Do(func() {
		h, callers := makePermissionHouse(t)
		h.stop()
		data := filepath.Join(scratch, "permissions")
		if err := os.CopyFS(data, os.DirFS(h.data)); err != nil { // its own folder goes with the test that came first
			t.Fatal(err)
		}
		h.data = data
		permissions.made, permissions.callers = h, callers
	})
	made := permissions.made
	if made == nil {
		t.Fatal("the house with all objects could not be made; another test says why")
	}
	data := t.TempDir()
	copyHouse(t, data, made.data)
	h := &permissionHouse{house: openAt(t, data, true), t: t, targets: maps.Clone(made.targets), bodies: maps.Clone(made.bodies), asks: maps.Clone(made.asks), viewer: made.viewer}
	h.write(`UPDATE oauth_codes SET expires = ?`, time.Now().Add(time.Hour).UnixMicro()) // they last a minute
	return h, permissions.callers
}

// makePermissionHouse makes the objects.
func makePermissionHouse(t *testing.T) (*permissionHouse, [callerCount]string) {
	t.Helper()
	h := &permissionHouse{house: open(t, true), t: t, targets: map[string]target{}}
	akadmin := int(h.api("GET", "core/users/?username=akadmin", nil, 200)["results"].([]any)[0].(obj)["pk"].(float64))
	olga, oleg := h.addUser("olga", "owner-of-things"), h.addUser("oleg", "ordinary-1999")
	h.viewer = h.addUser("vera", "viewer-1999")
	var callers [callerCount]string
	callers[ordinaryAsks], callers[viewerAsks], callers[superuserAsks] = h.tokenOf(oleg, "of-oleg", "api"), h.tokenOf(h.viewer, "of-vera", "api"), bootToken
	callers[expiredAsks], callers[appPasswordAsks] = h.tokenOf(akadmin, "expired", "api"), h.tokenOf(akadmin, "app-password", "app_password")
	h.write(`UPDATE tokens SET expires = ? WHERE identifier = 'expired'`, time.Now().Add(-time.Minute).UnixMicro())

	// What the objects point at.
	authz, authn := h.flowNamed("default-provider-authorization-implicit-consent"), h.flowNamed("default-authentication-flow")
	run := h.flowOf("perm-run", "stage_configuration", nil, [2]any{"dummy", obj{"name": "perm-run"}})
	stop := h.flowOf("perm-stop", "stage_configuration", nil, [2]any{"deny", obj{"name": "perm-stop"}})
	recovery := h.flowOf("perm-recovery", "recovery", nil, [2]any{"dummy", obj{"name": "perm-recovery"}})
	stage := h.api("POST", "stages/dummy/", obj{"name": "perm-step"}, 201)["pk"]
	mail := h.api("POST", "stages/email/", obj{"name": "perm-mail"}, 201)["pk"].(string)
	prompt := h.api("POST", "stages/prompt/prompts/", obj{"name": "perm-field", "field_key": "f", "label": "F", "type": "text"}, 201)["pk"]
	pem := h.api("POST", "crypto/certificatekeypairs/generate/", obj{"common_name": "perm", "validity_days": 30, "alg": "ecdsa"}, 200)["pk"].(string)
	certificate := h.api("GET", "crypto/certificatekeypairs/"+pem+"/view_certificate/", nil, 200)["data"]
	provider := func(kind, name string, more obj) int {
		return int(h.api("POST", "providers/"+kind+"/", with(obj{"name": name, "authorization_flow": authz}, more), 201)["pk"].(float64))
	}
	ldap, rac := provider("ldap", "perm-base-ldap", nil), provider("rac", "perm-base-rac", nil)
	proxy := provider("proxy", "perm-base-proxy", obj{"external_host": "https://wiki.lan", "internal_host": "http://10.0.0.1"})
	radius := provider("radius", "perm-base-radius", nil)
	for name, pk := range map[string]int{"ldap": ldap, "proxy": proxy, "radius": radius} {
		h.api("POST", "core/applications/", obj{"name": name, "slug": "perm-base-" + name, "provider": pk}, 201)
		h.targets["outposts/"+name+"/"] = target{fmt.Sprint(pk), fmt.Sprint(pk), "authentik_providers_" + name + "." + name + "provider"}
	}
	sources := map[string]string{}
	for kind, more := range map[string]obj{"oauth": {"provider_type": "github", "consumer_key": "i", "consumer_secret": "s"}, "plex": {"plex_token": "t"}, "saml": {"pre_authentication_flow": authn, "sso_url": "https://idp.lan/sso"}, "scim": {}} {
		sources[kind] = h.api("POST", "sources/"+kind+"/", with(obj{"slug": "perm-base-" + kind, "name": kind}, more), 201)["pk"].(string)
	}
	other := h.api("POST", "sources/scim/", obj{"slug": "perm-other-scim", "name": "other"}, 201)["pk"].(string)
	endpoint := h.api("POST", "rac/endpoints/", obj{"name": "perm-base", "provider": rac, "protocol": "ssh", "host": "10.0.0.9", "auth_mode": "static"}, 201)["pk"].(string)
	member := h.api("POST", "core/groups/", obj{"name": "perm-members"}, 201)["pk"]
	tenant := h.s.rooms.users.InstallID
	scimOf := func(i string) string {
		if i == "one" {
			return sources["scim"]
		}
		return other
	}
	whose := func(i string) int {
		if i == "one" {
			return olga
		}
		return oleg
	}

	// What makes an object of each kind that is made through the API.
	h.bodies = map[string]func(i string) obj{}
	for path, more := range map[string]obj{
		"core/groups/": nil, "events/rules/": nil, "events/transports/": nil, "rbac/roles/": nil, "policies/dummy/": {"wait_min": 0, "wait_max": 1}, "policies/password/": nil, "policies/reputation/": nil,
		"policies/event_matcher/": {"action": "login"}, "policies/expression/": {"expression": "return True"}, "policies/password_expiry/": {"days": 90},
		"propertymappings/ldap/": {"expression": "return 1", "object_field": "name"}, "propertymappings/notification/": {"expression": "return 1"}, "propertymappings/rac/": {"static_settings": obj{}},
		"propertymappings/saml/": {"expression": "return 1", "saml_name": "urn:x"}, "propertymappings/scim/": {"expression": "return 1"}, "propertymappings/scope/": {"expression": "return {}", "scope_name": "perm"},
		"providers/ldap/": {"authorization_flow": authz}, "providers/oauth2/": {"authorization_flow": authz}, "providers/rac/": {"authorization_flow": authz}, "providers/radius/": {"authorization_flow": authz},
		"providers/proxy/": {"authorization_flow": authz, "external_host": "https://app.lan", "internal_host": "http://10.0.0.2"}, "providers/saml/": {"authorization_flow": authz, "acs_url": "https://app.lan/acs"}, "providers/scim/": {"url": "https://hr.lan", "token": "t"},
		"rac/endpoints/":                       {"provider": rac, "protocol": "ssh", "host": "10.0.0.8", "auth_mode": "static"},
		"crypto/certificatekeypairs/":          {"certificate_data": certificate},
		"managed/blueprints/":                  {"content": "version: 1\nentries:\n- model: authentik_core.group\n  identifiers: {name: x}\n"},
		"outposts/instances/":                  {"type": "ldap", "providers": []int{ldap}, "config": obj{}},
		"outposts/service_connections/docker/": {"url": "unix:///var/run/docker.sock"}, "outposts/service_connections/kubernetes/": {"kubeconfig": obj{"users": []any{"x"}}},
		"stages/authenticator/duo/": {"client_id": "i", "client_secret": "s", "api_hostname": "h"}, "stages/authenticator/sms/": {"provider": "twilio", "from_number": "+1", "account_sid": "A", "auth": "x"},
		"stages/authenticator/static/": nil, "stages/authenticator/totp/": {"digits": "6"}, "stages/authenticator/validate/": nil, "stages/authenticator/webauthn/": nil,
		"stages/captcha/": {"public_key": "a", "private_key": "b"}, "stages/consent/": nil, "stages/deny/": nil, "stages/dummy/": nil, "stages/email/": nil, "stages/identification/": {"user_fields": []string{"username"}},
		"stages/invitation/invitations/": nil, "stages/invitation/stages/": nil, "stages/password/": {"backends": []string{"authentik.core.auth.InbuiltBackend"}},
		"stages/prompt/prompts/": {"field_key": "f", "label": "F", "type": "text"}, "stages/prompt/stages/": {"fields": []any{prompt}}, "stages/source/": {"source": sources["oauth"]},
		"stages/user_delete/": nil, "stages/user_login/": nil, "stages/user_logout/": nil, "stages/user_write/": nil,
		"authenticators/admin/duo/": nil, "authenticators/admin/sms/": nil, "authenticators/admin/static/": nil, "authenticators/admin/totp/": nil, "authenticators/admin/webauthn/": nil,
	} {
		h.bodies[path] = func(i string) obj { return with(obj{"name": permName(path, i)}, more) }
	}
	for path, more := range map[string]obj{
		"core/applications/": nil, "flows/instances/": {"title": "T", "designation": "stage_configuration"}, "sources/ldap/": {"server_uri": "ldap://dc", "base_dn": "dc=x", "sync_users_password": false},
		"sources/oauth/": {"provider_type": "github", "consumer_key": "i", "consumer_secret": "s"}, "sources/plex/": {"plex_token": "t"}, "sources/saml/": {"pre_authentication_flow": authn, "sso_url": "https://idp.lan/sso"}, "sources/scim/": nil,
	} {
		h.bodies[path] = func(i string) obj { return with(obj{"name": permName(path, i), "slug": permName(path, i)}, more) }
	}
	maps.Copy(h.bodies, map[string]func(i string) obj{
		"core/brands/":        func(i string) obj { return obj{"domain": i + ".perm.lan"} },
		"core/tokens/":        func(i string) obj { return obj{"identifier": "perm-" + i, "user": olga, "intent": "api"} },
		"core/users/":         func(i string) obj { return obj{"username": "perm-" + i, "name": i, "email": i + "@office.lan"} },
		"enterprise/license/": func(string) obj { return obj{"key": "a.b.c"} },
		"events/events/":      func(string) obj { return obj{"action": "login", "app": "perm"} },
		"flows/bindings/": func(i string) obj {
			return obj{"target": run, "stage": stage, "order": map[string]int{"one": 100, "all": 101}[i]}
		},
		"policies/bindings/":  func(i string) obj { return obj{"target": stop, "user": whose(i), "order": 100, "enabled": false} },
		"tenants/domains/":    func(i string) obj { return obj{"domain": i + ".tenant.lan", "tenant": tenant} },
		"tenants/tenants/":    func(string) obj { return obj{"schema_name": "public", "name": "The office"} },
		"sources/scim_users/": func(i string) obj { return obj{"id": "perm-" + i, "user": olga, "source": scimOf(i)} },
		"sources/scim_groups/": func(i string) obj {
			return obj{"id": "perm-" + i, "group": member, "source": scimOf(i)}
		},
	})
	for kind, more := range map[string]obj{"oauth": {"access_token": "a"}, "plex": {"plex_token": "p"}, "saml": {}} {
		h.bodies["sources/user_connections/"+kind+"/"] = func(i string) obj {
			return with(obj{"user": whose(i), "identifier": "perm-" + i, "source": sources[kind]}, more)
		}
	}
	models := map[string]string{}
	for _, k := range h.s.rooms.store.Kinds() {
		models[k.Path+"/"] = k.Model
		if k.Twin != nil {
			models[k.Twin.Path+"/"] = k.Model
		}
	}
	put := func(path string, key, pk any) {
		if models[path] == "" {
			t.Fatalf("no kind at %s", path)
		}
		h.targets[path] = target{url.PathEscape(fmt.Sprint(key)), fmt.Sprint(pk), models[path]}
	}
	make := func(path, i string) obj { return h.api("POST", path, h.bodies[path](i), 201) }
	for path := range h.bodies {
		if strings.HasPrefix(path, "authenticators/") || path == "enterprise/license/" || path == "tenants/tenants/" {
			continue
		}
		out := make(path, "one")
		pk := out["pk"]
		for _, other := range []string{"uuid", "brand_uuid", "id"} {
			if pk == nil {
				pk = out[other]
			}
		}
		key := pk
		for _, name := range []string{"slug", "identifier"} {
			if v, ok := out[name]; ok && !strings.Contains(path, "user_connections") {
				key = v
			}
		}
		put(path, key, pk)
	}
	h.api("POST", "core/applications/", obj{"name": "served", "slug": "perm-served", "provider": json.Number(h.targets["providers/oauth2/"].pk)}, 201)
	// Those below the collection over all of a family, which are deleted there.
	for path, of := range map[string]string{"policies/all/": "policies/dummy/", "propertymappings/all/": "propertymappings/scope/", "providers/all/": "providers/oauth2/", "stages/all/": "stages/deny/", "outposts/service_connections/all/": "outposts/service_connections/docker/"} {
		pk := make(of, "all")["pk"]
		put(path, pk, pk)
	}
	all := make("sources/oauth/", "all")
	put("sources/all/", all["slug"], all["pk"])
	connection := h.api("POST", "sources/user_connections/saml/", obj{"user": h.addUser("perm-else", "somebody-else"), "identifier": "all", "source": sources["saml"]}, 201)["pk"]
	put("sources/user_connections/all/", connection, connection)

	// What comes of what people do.
	wiki := h.addApp("wiki", nil)
	h.signedIn("oleg", "ordinary-1999")
	b := h.signedIn("olga", "owner-of-things")
	h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	if b.code(wiki.authorize()).Get("code") == "" {
		t.Fatal("no code")
	}
	h.browser().signIn("", "olga", "wrong-password")
	newest := func(path, query, key string) any {
		t.Helper()
		rows := h.api("GET", path+"?"+query, nil, 200)["results"].([]any)
		if len(rows) == 0 {
			t.Fatalf("%s is empty", path)
		}
		return rows[0].(obj)[key]
	}
	for _, path := range []string{"oauth2/access_tokens/", "oauth2/refresh_tokens/", "oauth2/authorization_codes/"} {
		query := fmt.Sprintf("user=%d", olga)
		if strings.HasSuffix(path, "codes/") {
			query += "&ordering=-pk"
		}
		pk := newest(path, query, "pk")
		put(path, pk, pk)
	}
	session := newest("core/authenticated_sessions/", "user__username=olga", "uuid")
	put("core/authenticated_sessions/", session, session)
	score := newest("policies/reputation/scores/", "identifier=olga", "pk")
	put("policies/reputation/scores/", score, score)
	h.write(`INSERT INTO consents ("user", application, permissions, expiring) SELECT ?, pk, 'openid', 0 FROM object WHERE family = 'applications' AND slug = ?`, olga, wiki.slug)
	consent := newest("core/user_consent/", fmt.Sprintf("user=%d", olga), "pk")
	put("core/user_consent/", consent, consent)
	const token = "0192f000-0000-7000-8000-000000000001"
	h.write(`INSERT INTO rac_connections (pk, provider, endpoint, owner, session, key_hash, settings, expires) SELECT ?, ?, ?, ?, uuid, 'h', '', ? FROM sessions WHERE "user" = ? LIMIT 1`,
		token, rac, endpoint, olga, time.Now().Add(time.Hour).UnixMicro(), oleg)
	put("rac/connection_tokens/", token, token)
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error {
		e, err := h.s.rooms.events.Write(tx, event.Entry{Action: event.ConfigurationError})
		if err != nil {
			return err
		}
		return event.Notify(tx, int64(olga), "alert", "perm", e)
	}); err != nil {
		t.Fatal(err)
	}
	notification := newest("events/notifications/", fmt.Sprintf("user=%d", olga), "pk")
	put("events/notifications/", notification, notification)
	for class, pk := range h.devicesOf(olga) {
		put("authenticators/"+class+"/", pk, pk)
		put("authenticators/admin/"+class+"/", pk, pk)
	}
	put("stages/authenticator/webauthn_device_types/", yubikey, yubikey)
	var task any
	for deadline := time.Now().Add(time.Minute); task == nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if rows := h.api("GET", "events/system_tasks/?name=notification_cleanup", nil, 200)["results"].([]any); len(rows) == 1 {
			task = rows[0].(obj)["uuid"]
		}
	}
	put("events/system_tasks/", task, task)
	put("tenants/tenants/", tenant, tenant)
	put("enterprise/license/", sourceRef, sourceRef) // none is kept
	h.targets["rbac/permissions/"] = target{key: "1"}
	person, role := h.targets["core/users/"], h.targets["rbac/roles/"]
	h.targets["rbac/permissions/assigned_by_users/"], h.targets["rbac/permissions/assigned_by_roles/"] = person, role
	h.targets["flows/executor/"], h.targets["flows/inspector/"] = target{"perm-stop", stop, models["flows/instances/"]}, target{"perm-run", run, models["flows/instances/"]}
	brand := newest("core/brands/", "default=true", "brand_uuid").(string)
	h.api("PATCH", "core/brands/"+brand+"/", obj{"flow_recovery": recovery}, 200)

	// What operations are sent besides.
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>`
	const metadata = `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://app.lan/meta"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		`<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://app.lan/acs" index="0"/></md:SPSSODescriptor></md:EntityDescriptor>`
	h.addUser("raised", "to-a-superuser")
	icon := asked{form: map[string]string{}, file: svg}
	iconURL := asked{body: obj{"url": "https://app.lan/i.png"}}
	permission := asked{body: obj{"permissions": []string{"authentik_core.view_group"}}}
	redeem := asked{query: "slug=perm-base-plex", body: obj{"plex_token": "x"}}
	test := asked{body: obj{"user": olga}}
	h.asks = map[string]asked{
		"core_applications_set_icon_create": icon, "core_applications_set_icon_url_create": iconURL, "sources_all_set_icon_create": icon, "sources_all_set_icon_url_create": iconURL,
		"flows_instances_set_background_create": icon, "flows_instances_set_background_url_create": iconURL,
		"core_groups_add_user_create": {body: obj{"pk": olga}}, "core_groups_remove_user_create": {body: obj{"pk": olga}},
		"core_tokens_set_key_create":             {body: obj{"key": "another-key-0123456789"}},
		"core_transactional_applications_update": {body: obj{"app": obj{"name": "both", "slug": "perm-both"}, "provider_model": "authentik_providers_oauth2.oauth2provider", "provider": obj{"name": "perm-both", "authorization_flow": authz}}},
		"core_users_service_account_create":      {body: obj{"name": "perm-robot"}}, "core_users_set_password_create": {body: obj{"password": "another-password-1"}},
		"core_users_recovery_email_create": {query: "email_stage=" + mail}, "core_users_impersonate_create": {body: obj{}, session: true},
		"crypto_certificatekeypairs_generate_create": {body: obj{"common_name": "perm-made", "validity_days": 30, "alg": "ecdsa"}},
		"events_transports_test_create":              {}, "flows_executor_solve": {body: obj{}},
		"flows_inspector_get":              {session: true, first: func(b *browser) { b.flow("/api/v3/flows/executor/perm-run/?query=", nil) }},
		"flows_instances_execute_retrieve": {session: true, about: &target{"perm-run", run, models["flows/instances/"]}},
		"flows_instances_import_create":    {form: map[string]string{}, file: "version: 1\nentries: []\n"},
		"rac_connection_tokens_update":     {body: obj{"provider": rac, "endpoint": endpoint}},
		"policies_all_test_create":         test, "propertymappings_all_test_create": test,
		"providers_saml_import_metadata_create":            {form: map[string]string{"name": "perm-imported", "authorization_flow": authz}, file: metadata},
		"rbac_permissions_assigned_by_users_assign_create": permission, "rbac_permissions_assigned_by_users_unassign_partial_update": permission,
		"rbac_permissions_assigned_by_roles_assign_create": permission, "rbac_permissions_assigned_by_roles_unassign_partial_update": permission,
		"rbac_permissions_assigned_by_users_list": {query: "model=authentik_core.user&object_pk=" + person.pk}, "rbac_permissions_assigned_by_roles_list": {query: "model=authentik_rbac.role&object_pk=" + role.pk},
		"rbac_permissions_users_list": {query: "user_id=" + person.pk, about: &person}, "rbac_permissions_roles_list": {query: "uuid=" + role.pk, about: &role},
		"sources_plex_redeem_token_create": redeem, "sources_plex_redeem_token_authenticated_create": redeem,
		"stages_authenticator_duo_import_device_manual_create": {body: obj{"duo_user_id": "DU9", "username": "oleg"}},
		"stages_prompt_prompts_preview_create":                 {body: obj{"name": "p", "field_key": "f", "label": "F", "type": "text"}},
		"tenants_tenants_create_admin_group_create":            {body: obj{"user": "raised"}}, "tenants_tenants_create_recovery_key_create": {body: obj{"user": "raised", "duration_days": 1}},
		"admin_settings_update": {body: obj{}}, "admin_settings_partial_update": {body: obj{}},
	}
	return h, callers
}

func permName(path, i string) string {
	return "perm-" + strings.ReplaceAll(strings.Trim(path, "/"), "/", "-") + "-" + i
}

// send asks one operation.
func (h *permissionHouse) send(method, path, token string, b *browser, what asked) answer {
	h.t.Helper()
	text, kind := "", "application/json"
	switch {
	case what.form != nil:
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		for name, v := range what.form {
			if err := w.WriteField(name, v); err != nil {
				h.t.Fatal(err)
			}
		}
		f, err := w.CreateFormFile("file", "file")
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := f.Write([]byte(what.file)); err != nil {
			h.t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			h.t.Fatal(err)
		}
		text, kind = buf.String(), w.FormDataContentType()
	case what.body != nil:
		j, err := json.Marshal(what.body)
		if err != nil {
			h.t.Fatal(err)
		}
		text = string(j)
	}
	if b == nil {
		b = h.browser()
	}
	address := "/api/v3/" + path
	if what.query != "" {
		address += "?" + what.query
	}
	if token == "" {
		return b.do(method, address, kind, text)
	}
	return b.do(method, address, kind, text, "Authorization", "Bearer "+token)
}

// inOrder gives the published operations so that what is deleted is deleted at the end.
func inOrder(c contract) []string {
	order := slices.Sorted(maps.Keys(c.ops))
	rank := func(key string) int {
		return slices.Index([]string{"GET", "PATCH", "PUT", "POST", "DELETE"}, key[:strings.IndexByte(key, ' ')])
	}
	slices.SortStableFunc(order, func(a, b string) int { return rank(a) - rank(b) })
	return order
}

// question gives what to send for an operation, and the object that it is about.
func (h *permissionHouse) question(key string, op *operation) (method, address string, what asked, about target) {
	h.t.Helper()
	method, path, _ := strings.Cut(key, " /")
	c := h.collection(path)
	at := h.targets[c]
	what = h.asks[op.id]
	about = at
	if what.about != nil {
		about = *what.about
		if what.about.key != "" && strings.Contains(path, "{") {
			at = *what.about
		}
	}
	address = path
	if i := strings.IndexByte(path, '{'); i >= 0 {
		if at.key == "" || path[:i] != c {
			h.t.Fatalf("%s: no object below %q", op.id, path[:i])
		}
		address = path[:i] + at.key + path[strings.IndexByte(path, '}')+1:]
	}
	if make := h.bodies[c]; make != nil && what.body == nil && what.form == nil {
		switch {
		case method == "POST" && path == c:
			what.body = make("new")
		case (method == "PUT" || method == "PATCH") && strings.HasSuffix(path, "}/"):
			what.body = make("one")
		}
	}
	if what.body == nil && what.form == nil && method != "GET" && method != "DELETE" {
		what.body = obj{"name": "perm-renamed", "seen": true}
		if !strings.HasSuffix(path, "}/") {
			what.body = nil
		}
	}
	return method, address, what, about
}

// Each published operation answers each of the six callers as the golden table says. A user who may view another object of the kind gets
// no more than one who may view nothing.
func TestPermissionsOfEveryOperation(t *testing.T) {
	t.Parallel()
	table, published := readPermissions(t), readContract(t)
	h, callers := openPermissionHouse(t)
	order := slices.Sorted(maps.Keys(published.ops))
	rank := func(key string) int {
		return slices.Index([]string{"GET", "PATCH", "PUT", "POST", "DELETE"}, key[:strings.IndexByte(key, ' ')])
	}
	slices.SortStableFunc(order, func(a, b string) int { return rank(a) - rank(b) }) // what is deleted is deleted at the end
	asks := 0
	for _, key := range order {
		op := published.ops[key]
		method, address, what, about := h.question(key, op)
		want := table[op.id].status
		if op.id == "core_tokens_create" {
			what.each = func(caller int) any { return obj{"identifier": fmt.Sprint("perm-of-", caller)} }
		}
		for caller := range callerCount {
			var b *browser
			token := callers[caller]
			switch caller {
			case viewerAsks:
				h.grantOnly(about)
			case superuserAsks:
				if what.session {
					b, token = h.signedIn("akadmin", bootPassword), ""
					if what.first != nil {
						what.first(b)
					}
				}
			}
			asks++
			if what.each != nil {
				what.body = what.each(caller)
			}
			if got := h.send(method, address, token, b, what); got.status != want[caller] {
				t.Errorf("%s (%s %s), %s: %d %.200s\nwant %d", op.id, method, address, callerNames[caller], got.status, got.body, want[caller])
			}
			if caller != viewerAsks || about.model == "" || !strings.Contains(key, "{") || table[op.id].rule == "signed" || table[op.id].rule == "open" {
				continue
			}
			alone := want[ordinaryAsks]
			if table[op.id].why == "never" { // nothing is there; who may look at something of the kind is told so
				alone = want[viewerAsks]
			}
			another := about
			another.pk = "987654"
			h.grantOnly(another)
			if got := h.send(method, address, token, nil, what); got.status != alone {
				t.Errorf("%s (%s %s), a viewer of another object: %d %.200s\nwant %d", op.id, method, address, got.status, got.body, alone)
			}
		}
	}
	if asks != 742*callerCount {
		t.Errorf("%d questions", asks)
	}
}
