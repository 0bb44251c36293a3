package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/device"
	"gatehouse/backend/passkey"
	"gatehouse/backend/rbac"
	"gatehouse/backend/stage/duo"
	"gatehouse/backend/stage/sms"
	"gatehouse/backend/stage/static"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/store"
)

type object = map[string]any

const (
	noPermission = `{"detail":"You do not have permission to perform this action."}`
	sourceRef    = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
)

// same says whether two values are the same JSON.
func same(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

// factorKind is a kind of stage or policy: what is made of the least one must say, and what is refused.
type factorKind struct {
	path, model, title string
	least              object // a body with what is required and no more
	more               object // what the answer holds besides: the defaults
	hidden             []string
	change             object
	filter             string            // a query that finds the changed one
	bad                map[string]string // body onto the least one, to the answer
}

func factorKinds() []factorKind {
	needs := func(names ...string) string {
		slices.Sort(names)
		out := make([]string, len(names))
		for i, n := range names {
			out[i] = fmt.Sprintf("%q:[\"This field is required.\"]", n)
		}
		return "{" + strings.Join(out, ",") + "}"
	}
	return []factorKind{
		{"stages/authenticator/totp", "authentik_stages_authenticator_totp.authenticatortotpstage", "TOTP Authenticator Setup Stage", object{"digits": "6"},
			object{"configure_flow": nil, "friendly_name": nil}, nil, object{"digits": "8", "friendly_name": "Your phone"}, "digits=8&friendly_name=Your+phone",
			map[string]string{`{"digits":"7"}`: `{"digits":["\"7\" is not a valid choice."]}`, `{"digits":null}`: `{"digits":["This field may not be null."]}`, `!{"name":"x"}`: needs("digits"), `{"digits":8,"friendly_name":""}`: `{"friendly_name":["This field may not be blank."]}`,
				`{"configure_flow":"` + sourceRef + `"}`: `{"configure_flow":["Invalid pk \"` + sourceRef + `\" - object does not exist."]}`}},
		{"stages/authenticator/static", "authentik_stages_authenticator_static.authenticatorstaticstage", "Static Authenticator Setup Stage", object{},
			object{"token_count": 6, "token_length": 12, "configure_flow": nil}, nil, object{"token_count": 10, "token_length": 16}, "token_count=10&token_length=16",
			map[string]string{`{"token_count":-1}`: `{"token_count":["Ensure this value is greater than or equal to 0."]}`, `{"token_count":0}`: `{"token_count":["Give between 1 and 100 codes."]}`,
				`{"token_length":17}`: `{"token_length":["A code is between 8 and 16 characters long."]}`}},
		{"stages/authenticator/sms", "authentik_stages_authenticator_sms.authenticatorsmsstage", "SMS Authenticator Setup Stage",
			object{"provider": "twilio", "from_number": "+1555", "account_sid": "AC1", "auth": "twilio-token"},
			object{"auth_password": "", "auth_type": "basic", "verify_only": false, "mapping": nil}, nil, object{"provider": "generic", "auth_password": "sms-password", "verify_only": true}, "provider=generic&verify_only=true&auth=twilio-token",
			map[string]string{`{"provider":"pigeon"}`: `{"provider":["\"pigeon\" is not a valid choice."]}`, `{"mapping":"x"}`: `{"mapping":["Must be a valid UUID."]}`, `!{"name":"x"}`: needs("provider", "from_number", "account_sid", "auth")}},
		{"stages/authenticator/duo", "authentik_stages_authenticator_duo.authenticatorduostage", "Duo Authenticator Setup Stage",
			object{"client_id": "DI1", "client_secret": "duo-secret", "api_hostname": "api-1.duosecurity.com"}, object{"admin_integration_key": "", "friendly_name": nil},
			[]string{"client_secret", "admin_secret_key"}, object{"admin_integration_key": "DA1", "admin_secret_key": "duo-admin-secret", "client_id": "DI2"}, "client_id=DI2&api_hostname=api-1.duosecurity.com",
			map[string]string{`!{"name":"x"}`: needs("client_id", "client_secret", "api_hostname"), `{"client_secret":""}`: `{"client_secret":["This field may not be blank."]}`}},
		{"stages/authenticator/webauthn", "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage", "WebAuthn Authenticator Setup Stage", object{},
			object{"user_verification": "preferred", "authenticator_attachment": nil, "resident_key_requirement": "preferred", "device_type_restrictions": []any{}, "device_type_restrictions_obj": []any{}}, nil,
			object{"authenticator_attachment": "cross-platform", "user_verification": "required"}, "authenticator_attachment=cross-platform&user_verification=required&resident_key_requirement=preferred",
			map[string]string{`{"authenticator_attachment":"glued"}`: `{"authenticator_attachment":["\"glued\" is not a valid choice."]}`,
				`{"device_type_restrictions":["` + sourceRef + `"]}`: `{"device_type_restrictions":["Invalid pk \"` + sourceRef + `\" - object does not exist."]}`}},
		{"stages/captcha", "authentik_stages_captcha.captchastage", "Captcha Stage", object{"public_key": "site", "private_key": "captcha-secret"},
			object{"js_url": "https://www.recaptcha.net/recaptcha/api.js", "api_url": "https://www.recaptcha.net/recaptcha/api/siteverify"}, []string{"private_key"}, object{"public_key": "other"}, "public_key=other",
			map[string]string{`!{"name":"x"}`: needs("public_key", "private_key"), `{"js_url":""}`: `{"js_url":["This field may not be blank."]}`}},
		{"stages/email", "authentik_stages_email.emailstage", "Email Stage", object{},
			object{"use_global_settings": false, "host": "localhost", "port": 25, "username": "", "use_tls": false, "use_ssl": false, "timeout": 10, "from_address": "system@authentik.local", "token_expiry": 30,
				"subject": "authentik", "template": "email/password_reset.html", "activate_user_on_success": false},
			[]string{"password"}, object{"template": "email/account_confirmation.html", "password": "mail-secret", "port": 587, "use_tls": true}, "port=587&use_tls=true&template=email%2Faccount_confirmation.html&use_ssl=false",
			map[string]string{`{"template":"email/nothing.html"}`: `{"template":["Invalid template 'email/nothing.html' specified."]}`, `{"from_address":"nobody"}`: `{"from_address":["Enter a valid email address."]}`,
				`{"port":0,"timeout":0,"token_expiry":0}`: `{"port":["A port is a number between 1 and 65535."],"timeout":["Wait at least one second."],"token_expiry":["A link works for at least one minute."]}`,
				`{"use_tls":true,"use_ssl":true}`:         `{"use_ssl":["Choose one of TLS from the start and STARTTLS, not both."]}`}},
		{"stages/invitation/stages", "authentik_stages_invitation.invitationstage", "Invitation Stage", object{}, object{"continue_flow_without_invitation": false}, nil,
			object{"continue_flow_without_invitation": true}, "continue_flow_without_invitation=true&no_flows=true", map[string]string{`{"continue_flow_without_invitation":"perhaps"}`: `{"continue_flow_without_invitation":["Must be a valid boolean."]}`}},
		{"stages/user_delete", "authentik_stages_user_delete.userdeletestage", "User Delete Stage", object{}, object{}, nil, object{"name": "renamed"}, "name=renamed", nil},
		{"policies/password", "authentik_policies_password.passwordpolicy", "Password Policy", object{},
			object{"password_field": "password", "amount_digits": 0, "amount_uppercase": 0, "amount_lowercase": 0, "amount_symbols": 0, "length_min": 0, "symbol_charset": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ", "error_message": "",
				"check_static_rules": true, "check_have_i_been_pwned": false, "check_zxcvbn": false, "hibp_allowed_count": 0, "zxcvbn_score_threshold": 2, "execution_logging": false, "bound_to": 0},
			nil, object{"length_min": 12, "error_message": "Too short."}, "length_min=12&error_message=Too+short.&check_zxcvbn=false",
			map[string]string{`{"amount_digits":-1}`: `{"amount_digits":["Ensure this value is greater than or equal to 0."]}`, `{"password_field":""}`: `{"password_field":["This field may not be blank."]}`}},
		{"policies/password_expiry", "authentik_policies_expiry.passwordexpirypolicy", "Password Expiry Policy", object{"days": 90}, object{"deny_only": false, "bound_to": 0}, nil, object{"deny_only": true, "days": 30}, "days=30&deny_only=true",
			map[string]string{`!{"name":"x"}`: needs("days"), `{"days":"soon"}`: `{"days":["A valid integer is required."]}`}},
		{"policies/event_matcher", "authentik_policies_event_matcher.eventmatcherpolicy", "Event Matcher Policy", object{"action": "login"}, object{"client_ip": nil, "app": nil, "model": nil, "bound_to": 0}, nil,
			object{"client_ip": "192.0.2.7", "app": "authentik.core", "model": "authentik_core.user"}, "client_ip=192.0.2.7&app=authentik.core&model=authentik_core.user&action=login",
			map[string]string{`{"action":"slept"}`: `{"action":["\"slept\" is not a valid choice."]}`, `{"app":"nothing"}`: `{"app":["\"nothing\" is not a valid choice."]}`, `{"model":"nothing"}`: `{"model":["\"nothing\" is not a valid choice."]}`,
				`{"client_ip":""}`: `{"client_ip":["This field may not be blank."]}`}},
		{"policies/reputation", "authentik_policies_reputation.reputationpolicy", "Reputation Policy", object{}, object{"check_ip": true, "check_username": true, "threshold": -5, "bound_to": 0}, nil,
			object{"check_ip": false, "threshold": -20}, "check_ip=false&check_username=true&threshold=-20",
			map[string]string{`{"check_ip":false,"check_username":false}`: `{"non_field_errors":["Either IP or Username must be checked"]}`}},
	}
}

// Every kind is made with what is required and no more, read, found, changed, refused with a sentence, and deleted; nobody without a
// permission does any of it, and the audit log tells.
func TestFactorKinds(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.tokenOf(h.addUser("ada", "lovelace-1815"), "of-ada", "api")
	for _, k := range factorKinds() {
		t.Run(k.path, func(t *testing.T) { h.factorKind(t, k, ada) })
	}
	for _, secret := range []string{"twilio-token", "sms-password", "duo-secret", "duo-admin-secret", "captcha-secret", "mail-secret"} {
		var n int
		if err := h.s.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM object WHERE body LIKE '%' || ? || '%') + (SELECT count(*) FROM events WHERE context LIKE '%' || ? || '%')`, secret, secret).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s is kept in the clear: %d %v", secret, n, err)
		}
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

func (h *house) factorKind(t *testing.T, k factorKind, ordinary string) {
	body := object{"name": "The " + k.title}
	maps.Copy(body, k.least)
	out := h.api("POST", k.path+"/", body, 201)
	pk := out["pk"].(string)
	one := k.path + "/" + pk + "/"
	want := maps.Clone(k.more)
	maps.Copy(want, body)
	for _, n := range k.hidden {
		delete(want, n)
		if _, there := out[n]; there {
			t.Errorf("%s is shown", n)
		}
	}
	want["verbose_name"], want["meta_model_name"] = k.title, k.model
	for n, v := range want {
		if !same(t, out[n], v) {
			t.Errorf("%s: %v, want %v", n, out[n], v)
		}
	}
	if again := h.api("GET", one, nil, 200); !same(t, again, out) {
		t.Errorf("read %v\nmade %v", again, out)
	}
	twice := h.as(bootToken, "POST", k.path+"/", marshal(t, body))
	if twice.status != 400 || strings.TrimSpace(twice.body) != `{"name":["This field must be unique."]}` {
		t.Errorf("%d %s", twice.status, twice.body)
	}
	for bad, want := range k.bad {
		in := maps.Clone(body)
		in["name"] = "bad"
		text, whole := strings.CutPrefix(bad, "!")
		var more object
		if err := json.Unmarshal([]byte(text), &more); err != nil {
			t.Fatal(err)
		}
		if whole {
			in = more
		}
		maps.Copy(in, more)
		if got := h.as(bootToken, "POST", k.path+"/", marshal(t, in)); got.status != 400 || strings.TrimSpace(got.body) != want {
			t.Errorf("POST %s: %d %s\nwant %s", bad, got.status, got.body, want)
		}
		method := "PATCH"
		if whole {
			method = "PUT"
		}
		if got := h.as(bootToken, method, one, text); got.status != 400 || strings.TrimSpace(got.body) != want {
			t.Errorf("%s %s: %d %s\nwant %s", method, bad, got.status, got.body, want)
		}
	}
	changed := h.api("PATCH", one, k.change, 200)
	for n, v := range k.change {
		if !slices.Contains(k.hidden, n) && !same(t, changed[n], v) {
			t.Errorf("%s: %v, want %v", n, changed[n], v)
		}
	}
	body["name"] = changed["name"]
	if put := h.api("PUT", one, body, 200); put["name"] != changed["name"] {
		t.Errorf("%v", put)
	}
	h.api("PATCH", one, k.change, 200)
	for query, n := range map[string]float64{k.filter: 1, "name=" + url.QueryEscape(changed["name"].(string)): 1, "name=nobody": 0, "search=" + url.QueryEscape(changed["name"].(string)): 1, "search=zzz": 0} {
		got := h.api("GET", k.path+"/?"+query, nil, 200)
		if got["pagination"].(object)["count"] != n {
			t.Errorf("%s finds %v", query, got["pagination"])
		}
	}
	if got := h.as(bootToken, "GET", one+"used_by/", ""); got.status != 200 || strings.TrimSpace(got.body) != "[]" {
		t.Errorf("%d %s", got.status, got.body)
	}
	shelf, _, _ := strings.Cut(k.path, "/")
	if base := h.api("GET", shelf+"/all/"+pk+"/", nil, 200); base["name"] != changed["name"] || base["meta_model_name"] != k.model {
		t.Errorf("%v", base)
	}
	for _, ask := range [][2]string{{"GET", k.path + "/"}, {"POST", k.path + "/"}, {"GET", one}, {"PUT", one}, {"PATCH", one}, {"DELETE", one}, {"GET", one + "used_by/"}, {"GET", shelf + "/all/" + pk + "/"}, {"DELETE", shelf + "/all/" + pk + "/"}} {
		text := ""
		if ask[0] != "GET" && ask[0] != "DELETE" {
			text = marshal(t, body)
		}
		if got := h.as(ordinary, ask[0], ask[1], text); got.status != 403 || strings.TrimSpace(got.body) != noPermission {
			t.Errorf("an ordinary user, %s %s: %d %s", ask[0], ask[1], got.status, got.body)
		}
		if got := h.as("", ask[0], ask[1], text); got.status != 403 {
			t.Errorf("nobody, %s %s: %d", ask[0], ask[1], got.status)
		}
	}
	h.api("DELETE", one, nil, 204)
	h.api("GET", one, nil, 404)
	key := strings.ReplaceAll(pk, "-", "")
	for _, action := range []string{"model_created", "model_updated", "model_deleted"} {
		es := h.api("GET", "events/events/?action="+action+"&context_model_pk="+key, nil, 200)["results"].([]any)
		_, model, _ := strings.Cut(k.model, ".")
		if len(es) == 0 || es[0].(object)["context"].(object)["model"].(object)["model_name"] != model {
			t.Errorf("%s: %v", action, es)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// keep stores an object as the house.
func (h *house) keepDevice(obj any) {
	h.t.Helper()
	if err := h.s.rooms.store.Write(h.t.Context(), store.House, func(tx *store.Tx) error { return tx.Create(obj) }); err != nil {
		h.t.Fatal(err)
	}
}

// grants gives a user permissions, each "permission" or "permission object".
func (h *house) grants(user int, permissions ...string) {
	h.t.Helper()
	if err := h.s.rooms.store.Write(h.t.Context(), store.House, func(tx *store.Tx) error {
		for _, p := range permissions {
			name, obj, _ := strings.Cut(p, " ")
			if err := rbac.Grant(tx, int64(user), "", name, obj); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
}

func fresh[T any](h *house) *T { return store.KindOf[T](h.s.rooms.store).New().(*T) }

const yubikey = "cb69481e-8ff7-4039-93ec-0a2729a154a8"

// devicesOf gives a user one device of each class, and their keys by class.
func (h *house) devicesOf(user int) map[string]int64 {
	h.t.Helper()
	u := int64(user)
	one := h.api("GET", "stages/authenticator/sms/?name=texts", nil, 200)["results"].([]any)
	if len(one) == 0 {
		h.api("POST", "stages/authenticator/sms/", object{"name": "texts", "provider": "twilio", "from_number": "+1", "account_sid": "A", "auth": "x"}, 201)
		h.api("POST", "stages/authenticator/duo/", object{"name": "duos", "client_id": "i", "client_secret": "s", "api_hostname": "h"}, 201)
		h.write(`INSERT OR REPLACE INTO webauthn_types (aaguid, description, icon) VALUES (?, 'YubiKey 5', 'data:,')`, yubikey)
		one = h.api("GET", "stages/authenticator/sms/?name=texts", nil, 200)["results"].([]any)
	}
	smsStage := one[0].(object)["pk"].(string)
	duoStage := h.api("GET", "stages/authenticator/duo/?name=duos", nil, 200)["results"].([]any)[0].(object)["pk"].(string)
	base := device.Base{User: u, Confirmed: true}
	d, s, c, a, k := fresh[duo.Device](h), fresh[sms.Device](h), fresh[static.Device](h), fresh[totp.Device](h), fresh[passkey.Device](h)
	d.Base, d.Name, d.Stage, d.DuoUser = base, "Duo", duoStage, fmt.Sprint("DU", user)
	s.Base, s.Name, s.Stage, s.Phone, s.Token = base, "Text", smsStage, fmt.Sprint("+1555", user), "012345"
	c.Base, c.Name = base, "Codes"
	a.Base, a.Name, a.Key = base, "App", "00112233445566778899"
	aaguid := yubikey
	k.Base, k.Name, k.AAGUID, k.TypeKey, k.CredentialID, k.RPID, k.Credential = base, "Key", yubikey, &aaguid, fmt.Sprint("c", user), "login.office.lan", map[string]any{"publicKey": "x"}
	for _, v := range []any{d, s, c, a, k} {
		h.keepDevice(v)
	}
	if err := h.s.rooms.store.Write(h.t.Context(), store.House, func(tx *store.Tx) error {
		for _, code := range []string{"aaaa1111bbbb", "cccc2222dddd"} {
			if err := c.Add(tx, code); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	return map[string]int64{"duo": d.PK, "sms": s.PK, "static": c.PK, "totp": a.PK, "webauthn": k.PK}
}

func (h *house) write(query string, args ...any) {
	h.t.Helper()
	if err := h.s.rooms.store.Write(h.t.Context(), store.House, func(tx *store.Tx) error {
		tx.Touched("sessions")
		tx.Touched("users")
		_, err := tx.Exec(query, args...)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

// A device is its owner's: others learn nothing of it, admins have collections of their own, and nobody sees or sets what makes it work.
func TestDevices(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob, eve := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999"), h.addUser("eve", "dropper-2001")
	adas, bobs, eves := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(bob, "of-bob", "api"), h.tokenOf(eve, "of-eve", "api")
	has := h.devicesOf(ada)
	h.devicesOf(bob)
	const refused = `{"non_field_errors":["A device can't be made here. Its owner sets it up in a flow."]}`
	for class, shape := range map[string]object{
		"duo": {"name": "Duo"}, "sms": {"name": "Text", "phone_number": fmt.Sprint("+1555", ada)}, "totp": {"name": "App"},
		"static":   {"name": "Codes", "token_set": []any{object{"token": "aaaa1111bbbb"}, object{"token": "cccc2222dddd"}}},
		"webauthn": {"name": "Key", "aaguid": yubikey, "device_type": object{"aaguid": yubikey, "description": "YubiKey 5"}},
	} {
		t.Run(class, func(t *testing.T) {
			own, admin := fmt.Sprintf("authenticators/%s/%d/", class, has[class]), fmt.Sprintf("authenticators/admin/%s/%d/", class, has[class])
			got := h.as(adas, "GET", own, "").json(t)
			shape["pk"] = has[class]
			if class == "webauthn" {
				if s, _ := got["created_on"].(string); !strings.HasSuffix(s, "Z") {
					t.Errorf("%v", got)
				}
				delete(got, "created_on")
			}
			if !same(t, got, shape) {
				t.Errorf("%v\nwant %v", got, shape)
			}
			perm := "authentik_stages_authenticator_" + class + "."
			model := map[string]string{"duo": "duodevice", "sms": "smsdevice", "static": "staticdevice", "totp": "totpdevice", "webauthn": "webauthndevice"}[class]
			h.grants(eve, perm+"view_"+model+" "+fmt.Sprint(has[class]))
			gone := `"detail":"No …`
			for _, tt := range []struct {
				name, token, method, path, body string
				status                          int
				want                            string
			}{
				{"own list", adas, "GET", "authenticators/" + class + "/", "", 200, `"count":1,…`},
				{"own, by name", adas, "GET", "authenticators/" + class + "/?name=nothing", "", 200, `"count":0,…`},
				{"own, searched", adas, "GET", "authenticators/" + class + "/?search=" + shape["name"].(string), "", 200, `"count":1,…`},
				{"an admin's own list", bootToken, "GET", "authenticators/" + class + "/", "", 200, `"count":0,…`},
				{"another's", bobs, "GET", own, "", 404, gone},
				{"another's, changed", bobs, "PATCH", own, `{"name":"x"}`, 404, gone},
				{"another's, deleted", bobs, "DELETE", own, "", 404, gone},
				{"another's uses", bobs, "GET", own + "used_by/", "", 404, gone},
				{"not even with a permission", eves, "GET", own, "", 404, gone},
				{"not even an admin", bootToken, "GET", own, "", 404, gone},
				{"nobody", "", "GET", own, "", 403, `credentials were not provided…`},
				{"own uses", adas, "GET", own + "used_by/", "", 200, "[]"},
				{"none is made", adas, "POST", "authenticators/" + class + "/", `{"name":"x"}`, 405, `not allowed…`},
				{"renamed", adas, "PATCH", own, `{"name":"Mine","user":` + fmt.Sprint(bob) + `,"confirmed":false,"key":"00","phone_number":"+1","token_set":[],"aaguid":"x","duo_user_id":"x"}`, 200, `"name":"Mine"…`},
				{"put", adas, "PUT", own, `{"name":"Mine too"}`, 200, `"name":"Mine too"…`},
				{"put without a name", adas, "PUT", own, `{}`, 400, `{"name":["This field is required."]}`},
				{"a long name", adas, "PATCH", own, `{"name":"` + strings.Repeat("x", 201) + `"}`, 400, `Ensure this field has no more than …`},
				{"admins: not the owner", adas, "GET", "authenticators/admin/" + class + "/", "", 403, noPermission},
				{"admins: not the owner, one", adas, "GET", admin, "", 403, noPermission},
				{"admins: not the owner, deleted", adas, "DELETE", admin, "", 403, noPermission},
				{"permission on one, list", eves, "GET", "authenticators/admin/" + class + "/", "", 200, `"count":1,…`},
				{"permission on one, that", eves, "GET", admin, "", 200, `"name":"Mine too"…`},
				{"to view is not to change", eves, "PATCH", admin, `{"name":"x"}`, 403, noPermission},
				{"to view is not to delete", eves, "DELETE", admin, "", 403, noPermission},
				{"admin's list", bootToken, "GET", "authenticators/admin/" + class + "/", "", 200, `"count":2,…`},
				{"admin makes none", bootToken, "POST", "authenticators/admin/" + class + "/", `{"name":"x","user":` + fmt.Sprint(bob) + `}`, 400, refused},
				{"nor does anybody else", adas, "POST", "authenticators/admin/" + class + "/", `{"name":"x"}`, 403, noPermission},
				{"admin renames", bootToken, "PATCH", admin, `{"name":"Seen","user":` + fmt.Sprint(bob) + `}`, 200, `"name":"Seen"…`},
				{"it stays its owner's", adas, "GET", own, "", 200, `"name":"Seen"…`},
			} {
				got := h.as(tt.token, tt.method, tt.path, tt.body)
				body := strings.TrimSpace(got.body)
				part, isPart := strings.CutSuffix(tt.want, "…")
				if got.status != tt.status || !isPart && body != tt.want || isPart && !strings.Contains(body, part) {
					t.Errorf("%s: %d %s\nwant %d %s", tt.name, got.status, body, tt.status, tt.want)
				}
			}
			after := h.as(adas, "GET", own, "").json(t)
			delete(after, "created_on")
			shape["name"] = "Seen"
			if !same(t, after, shape) {
				t.Errorf("what a body can't set was set: %v", after)
			}
			if class == "static" {
				if got := h.as(eves, "GET", admin, "").json(t)["token_set"]; !same(t, got, []any{object{"token": ""}, object{"token": ""}}) {
					t.Errorf("who only views sees the codes: %v", got)
				}
				if got := h.as(bootToken, "GET", admin, "").json(t)["token_set"]; !same(t, got, shape["token_set"]) {
					t.Errorf("%v", got)
				}
			}
		})
	}
	all := func(token, path string, want int) []any {
		t.Helper()
		got := h.as(token, "GET", path, "")
		if got.status != want {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		var out []any
		if want == 200 {
			if err := json.Unmarshal([]byte(got.body), &out); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	mine := all(adas, "authenticators/all/", 200)
	if len(mine) != 5 || !same(t, mine[3], object{"verbose_name": "TOTP Device", "verbose_name_plural": "TOTP Devices", "meta_model_name": "authentik_stages_authenticator_totp.totpdevice",
		"pk": has["totp"], "name": "Seen", "type": "authentik_stages_authenticator_totp.TOTPDevice", "confirmed": true}) {
		t.Errorf("%v", mine)
	}
	if got := all(bootToken, "authenticators/all/", 200); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := all(bootToken, fmt.Sprintf("authenticators/admin/all/?user=%d", ada), 200); !same(t, got, mine) {
		t.Errorf("%v", got)
	}
	all(bootToken, "authenticators/admin/all/?user=x", 400)
	all(adas, fmt.Sprintf("authenticators/admin/all/?user=%d", ada), 403)
	all(eves, fmt.Sprintf("authenticators/admin/all/?user=%d", ada), 403)
	all("", "authenticators/all/", 403)
	if got := h.as(bootToken, "GET", fmt.Sprintf("core/users/%d/used_by/", ada), ""); strings.Count(got.body, `device","pk"`) != 5 {
		t.Errorf("%s", got.body)
	}

	t.Run("the end of devices", func(t *testing.T) {
		rows := func(table string, user int) (n int) {
			t.Helper()
			if err := h.s.db.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE "user" = ?`, user).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if got := h.as(adas, "DELETE", fmt.Sprintf("authenticators/static/%d/", has["static"]), ""); got.status != 204 {
			t.Errorf("%d %s", got.status, got.body)
		}
		e := h.api("GET", "events/events/?action=custom_static_authenticator_disable", nil, 200)["results"].([]any)
		if len(e) != 1 || e[0].(object)["context"].(object)["message"] != "User disabled Static OTP Tokens." || e[0].(object)["user"].(object)["username"] != "ada" {
			t.Errorf("%v", e)
		}
		var codes int
		if err := h.s.db.QueryRow(t.Context(), `SELECT count(*) FROM static_tokens`).Scan(&codes); err != nil || codes != 2 {
			t.Errorf("%d codes are left: %v", codes, err)
		}
		stages := h.api("GET", "stages/authenticator/sms/?name=texts", nil, 200)["results"].([]any)
		stage := "stages/authenticator/sms/" + stages[0].(object)["pk"].(string) + "/"
		if got := h.as(bootToken, "GET", stage+"used_by/", ""); strings.Count(got.body, "smsdevice") != 2 {
			t.Errorf("%s", got.body)
		}
		h.api("DELETE", stage, nil, 204)
		if rows("sms_devices", ada) != 0 || rows("totp_devices", ada) != 1 {
			t.Error("devices of a stage that is gone")
		}
		h.api("DELETE", fmt.Sprintf("core/users/%d/", ada), nil, 204)
		for _, table := range []string{"totp_devices", "duo_devices", "webauthn_devices"} {
			if rows(table, ada) != 0 || rows(table, bob) != 1 {
				t.Errorf("%s after its owner is gone", table)
			}
		}
	})
}

// Secrets of devices and stages rest sealed.
func TestDeviceSecretsAreSealed(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	h.devicesOf(ada)
	var key, token, code string
	if err := h.s.db.QueryRow(t.Context(), `SELECT (SELECT key FROM totp_devices), (SELECT token FROM sms_devices), (SELECT min(token) FROM static_tokens)`).Scan(&key, &token, &code); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{key, token, code} {
		if !strings.HasPrefix(s, "s1.") {
			t.Errorf("%q", s)
		}
	}
	one, err := store.All[totp.Device](t.Context(), h.s.rooms.store, store.Query{})
	if err != nil || len(one) != 1 || one[0].Key != "00112233445566778899" {
		t.Errorf("%v %v", one, err)
	}
}

func TestKeyMakes(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.write(`DELETE FROM webauthn_types`) // the makes that a fresh house names are in the way of counting
	h.write(`INSERT INTO webauthn_types (aaguid, description, icon) VALUES (?, 'YubiKey 5', 'data:,y'), (?, 'Another', '')`, yubikey, sourceRef)
	for query, n := range map[string]float64{"": 2, "aaguid=" + yubikey: 1, "description=YubiKey+5": 1, "icon=data:,y": 1, "search=yubi": 1, "search=cb69481e": 1, "description=x": 0} {
		if got := h.api("GET", "stages/authenticator/webauthn_device_types/?"+query, nil, 200)["pagination"].(object)["count"]; got != n {
			t.Errorf("%q: %v", query, got)
		}
	}
	if got := h.api("GET", "stages/authenticator/webauthn_device_types/"+yubikey+"/", nil, 200); !same(t, got, object{"aaguid": yubikey, "description": "YubiKey 5"}) {
		t.Errorf("%v", got)
	}
	h.api("POST", "stages/authenticator/webauthn_device_types/", object{"aaguid": yubikey, "description": "x"}, 405)
	h.api("DELETE", "stages/authenticator/webauthn_device_types/"+yubikey+"/", nil, 405)
	both := []any{object{"aaguid": yubikey, "description": "YubiKey 5"}, object{"aaguid": sourceRef, "description": "Another"}}
	setup := h.api("POST", "stages/authenticator/webauthn/", object{"name": "keys", "device_type_restrictions": []string{yubikey, sourceRef}}, 201)
	if !same(t, setup["device_type_restrictions_obj"], both) {
		t.Errorf("%v", setup)
	}
	if got := h.api("GET", "stages/authenticator/webauthn/?device_type_restrictions="+yubikey, nil, 200)["pagination"].(object)["count"]; got != 1.0 {
		t.Errorf("%v", got)
	}
	validate := h.api("POST", "stages/authenticator/validate/", object{"name": "ask", "webauthn_allowed_device_types": []string{sourceRef}}, 201)
	if !same(t, validate["webauthn_allowed_device_types_obj"], both[1:]) {
		t.Errorf("%v", validate)
	}
	h.refused(t, "PATCH", "stages/authenticator/validate/"+validate["pk"].(string)+"/", object{"webauthn_allowed_device_types": []string{"11111111-1111-4111-8111-111111111111"}},
		`{"webauthn_allowed_device_types":["Invalid pk \"11111111-1111-4111-8111-111111111111\" - object does not exist."]}`)
}

// What Duo's stage does besides: it takes people over, and says plainly what it needs for that.
func TestDuoActions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, eve := h.addUser("ada", "lovelace-1815"), h.addUser("eve", "dropper-2001")
	adas, eves := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(eve, "of-eve", "api")
	s := h.api("POST", "stages/authenticator/duo/", object{"name": "duo", "client_id": "i", "client_secret": "s", "api_hostname": "h"}, 201)
	one := "stages/authenticator/duo/" + s["pk"].(string) + "/"
	for _, tt := range []struct {
		name, token, path, body string
		status                  int
		want                    string
	}{
		{"nobody", "", "enrollment_status", "", 400, `{"non_field_errors":["Nobody is setting up Duo in this session."]}`},
		{"nobody is setting up", adas, "enrollment_status", "", 400, `{"non_field_errors":["Nobody is setting up Duo in this session."]}`},
		{"without permission", adas, "import_device_manual", `{"duo_user_id":"DU1","username":"ada"}`, 403, noPermission},
		{"all, without permission", adas, "import_devices_automatic", "", 403, noPermission},
		{"all", bootToken, "import_devices_automatic", "", 400, `{"count":0,"error":"Duo tells who is there only to an Admin API application. Put its integration key and secret key into this stage."}`},
		{"nothing said", bootToken, "import_device_manual", `{}`, 400, `{"duo_user_id":["This field is required."],"username":["This field is required."]}`},
		{"nobody of that name", bootToken, "import_device_manual", `{"duo_user_id":"DU1","username":"nobody"}`, 400, `{"non_field_errors":["User does not exist."]}`},
		{"one", bootToken, "import_device_manual", `{"duo_user_id":"DU1","username":"ada"}`, 204, ""},
		{"again", bootToken, "import_device_manual", `{"duo_user_id":"DU1","username":"ada"}`, 400, `{"non_field_errors":["Device exists already."]}`},
	} {
		if got := h.as(tt.token, "POST", one+tt.path+"/", tt.body); got.status != tt.status || strings.TrimSpace(got.body) != tt.want {
			t.Errorf("%s: %d %s", tt.name, got.status, got.body)
		}
	}
	h.grants(eve, "authentik_stages_authenticator_duo.add_duodevice")
	if got := h.as(eves, "POST", one+"import_device_manual/", `{"duo_user_id":"DU2","username":"ada"}`); got.status != 403 {
		t.Errorf("without the permission to look at users: %d %s", got.status, got.body)
	}
	h.grants(eve, "authentik_core.view_user")
	if got := h.as(eves, "POST", one+"import_device_manual/", `{"duo_user_id":"DU2","username":"ada"}`); got.status != 204 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := h.as(eves, "POST", one+"import_device_manual/", `{"duo_user_id":"DU3","username":"akadmin"}`); got.status != 403 {
		t.Errorf("somebody gives an admin their own phone: %d %s", got.status, got.body)
	}
	if got := h.as(adas, "GET", "authenticators/duo/", "").json(t)["results"].([]any); len(got) != 2 || got[0].(object)["name"] != "Imported Duo Authenticator" {
		t.Errorf("%v", got)
	}
	if h.events("model_created") == 0 || len(h.api("GET", "events/events/?action=model_created&context_model_name=duodevice", nil, 200)["results"].([]any)) != 2 {
		t.Error("the audit log does not tell")
	}
}

// Who only views a stage sees no secret of it and can't try one out in a filter.
func TestSecretsOfStages(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	eve := h.addUser("eve", "dropper-2001")
	eves := h.tokenOf(eve, "of-eve", "api")
	pk := h.api("POST", "stages/authenticator/sms/", object{"name": "texts", "provider": "generic", "from_number": "+1", "account_sid": "https://sms.office.lan/", "auth": "bearer-secret", "auth_password": "word-secret"}, 201)["pk"].(string)
	h.grants(eve, "authentik_stages_authenticator_sms.view_authenticatorsmsstage "+pk)
	got := h.as(eves, "GET", "stages/authenticator/sms/"+pk+"/", "").json(t)
	if got["auth"] != "" || got["auth_password"] != "" || got["from_number"] != "+1" {
		t.Errorf("%v", got)
	}
	for _, secret := range []string{"bearer-secret", "a-guess"} {
		if got := h.as(eves, "GET", "stages/authenticator/sms/?auth="+secret, "").json(t)["pagination"].(object)["count"]; got != 1.0 {
			t.Errorf("a viewer can try secrets: %v", got)
		}
		want := map[string]float64{"bearer-secret": 1, "a-guess": 0}[secret]
		if got := h.api("GET", "stages/authenticator/sms/?auth="+secret, nil, 200)["pagination"].(object)["count"]; got != want {
			t.Errorf("%s: %v", secret, got)
		}
	}
	h.grants(eve, "authentik_stages_authenticator_sms.change_authenticatorsmsstage "+pk)
	if got := h.as(eves, "GET", "stages/authenticator/sms/"+pk+"/", "").json(t); got["auth"] != "bearer-secret" || got["auth_password"] != "word-secret" {
		t.Errorf("%v", got)
	}
}

func TestMailTemplates(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.tokenOf(h.addUser("ada", "lovelace-1815"), "of-ada", "api")
	const want = `[{"name":"email/password_reset.html","description":"Password Reset","component":"","model_name":"","requires_enterprise":false},` +
		`{"name":"email/account_confirmation.html","description":"Account Confirmation","component":"","model_name":"","requires_enterprise":false}]`
	if got := h.as(bootToken, "GET", "stages/email/templates/", ""); got.status != 200 || strings.TrimSpace(got.body) != want {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := h.as(ada, "GET", "stages/email/templates/", ""); got.status != 403 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.tokenOf(h.addUser("ada", "lovelace-1815"), "of-ada", "api")
	flow := h.flowOf("enroll", "enrollment", nil)
	out := h.api("POST", "stages/invitation/invitations/", object{"name": "for-ada"}, 201)
	pk := out["pk"].(string)
	if out["single_use"] != false || !same(t, out["fixed_data"], object{}) || out["flow"] != nil || out["flow_obj"] != nil || out["expires"] == nil {
		t.Errorf("%v", out)
	}
	if by := out["created_by"].(object); by["username"] != "akadmin" || by["uid"] == "" || by["is_active"] != true {
		t.Errorf("%v", by)
	}
	one := "stages/invitation/invitations/" + pk + "/"
	h.api("PATCH", one, object{"flow": flow, "fixed_data": object{"email": "ada@office.lan"}, "single_use": true, "expires": "2030-01-02T03:04:05Z", "created_by": object{"pk": 1}, "creator": 3}, 200)
	got := h.api("GET", one, nil, 200)
	if got["expires"] != "2030-01-02T03:04:05Z" || got["flow_obj"].(object)["slug"] != "enroll" || got["created_by"].(object)["username"] != "akadmin" || !same(t, got["fixed_data"], object{"email": "ada@office.lan"}) {
		t.Errorf("%v", got)
	}
	for query, n := range map[string]float64{"name=for-ada": 1, "created_by__username=akadmin": 1, "created_by__username=ada": 0, "flow__slug=enroll": 1, "flow__slug=x": 0, "expires=2030-01-02T03:04:05Z": 1, "search=ada": 1} {
		if got := h.api("GET", "stages/invitation/invitations/?"+query, nil, 200)["pagination"].(object)["count"]; got != n {
			t.Errorf("%s: %v", query, got)
		}
	}
	for body, want := range map[string]string{
		`{}`: `{"name":["This field is required."]}`, `{"name":"with space"}`: `{"name":["Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."]}`,
		`{"name":"` + strings.Repeat("x", 51) + `"}`: `{"name":["Ensure this field has no more than 50 characters."]}`, `{"name":"x","fixed_data":[]}`: `{"fixed_data":["Expected a dictionary of items but got type \"list\"."]}`,
		`{"name":"x","flow":"` + sourceRef + `"}`: `{"flow":["Invalid pk \"` + sourceRef + `\" - object does not exist."]}`, `{"name":"x","expires":"soon"}`: `{"expires":[…`,
	} {
		got := h.as(bootToken, "POST", "stages/invitation/invitations/", body)
		part, _ := strings.CutSuffix(want, "…")
		if got.status != 400 || !strings.HasPrefix(strings.TrimSpace(got.body), part) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for _, ask := range [][3]string{{"GET", "stages/invitation/invitations/", ""}, {"POST", "stages/invitation/invitations/", `{"name":"x"}`}, {"GET", one, ""}, {"PATCH", one, `{}`}, {"DELETE", one, ""}, {"GET", one + "used_by/", ""}} {
		if got := h.as(ada, ask[0], ask[1], ask[2]); got.status != 403 {
			t.Errorf("an ordinary user, %s %s: %d", ask[0], ask[1], got.status)
		}
	}
	if got := h.as(bootToken, "GET", "flows/instances/enroll/used_by/", ""); !strings.Contains(got.body, `{"app":"authentik_stages_invitation","model_name":"invitation","pk":"`+pk+`","name":"for-ada","action":"set_default"}`) {
		t.Errorf("%s", got.body)
	}
	h.api("DELETE", "flows/instances/enroll/", nil, 204)
	if got := h.api("GET", one, nil, 200); got["flow"] != nil || got["flow_obj"] != nil {
		t.Errorf("%v", got)
	}
	h.api("DELETE", one, nil, 204)
}

// Sign-ins that fail and that succeed change the score of a name at an address; the policy counts them.
func TestReputationScores(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	adas := h.tokenOf(ada, "of-ada", "api")
	for range 3 {
		h.browser().signIn("", "ada", "wrong-password")
	}
	list := h.api("GET", "policies/reputation/scores/?identifier=ada", nil, 200)["results"].([]any)
	if len(list) != 1 {
		t.Fatalf("%v", list)
	}
	s := list[0].(object)
	if s["score"] != -3.0 || s["ip"] != "127.0.0.1" || s["updated"] == "" {
		t.Errorf("%v", s)
	}
	for query, n := range map[string]float64{"score=-3": 1, "score=3": 0, "ip=127.0.0.1&identifier=ada": 1, "search=ad": 1, "ordering=-score": 1} {
		if got := h.api("GET", "policies/reputation/scores/?"+query, nil, 200)["pagination"].(object)["count"]; got != n {
			t.Errorf("%s: %v", query, got)
		}
	}
	p := h.api("POST", "policies/reputation/", object{"name": "suspicious", "check_ip": false, "threshold": -3}, 201)["pk"].(string)
	suspicious := func() bool {
		t.Helper()
		return h.api("POST", "policies/all/"+p+"/test/", object{"user": ada}, 200)["passing"].(bool)
	}
	if !suspicious() {
		t.Error("three failures are not enough")
	}
	h.browser().signIn("", "ada", "lovelace-1815")
	if suspicious() {
		t.Error("a sign-in that succeeds does not count")
	}
	one := "policies/reputation/scores/" + s["pk"].(string) + "/"
	if got := h.api("GET", one, nil, 200); got["score"] != -2.0 {
		t.Errorf("%v", got)
	}
	h.api("PATCH", one, object{"score": 100}, 405)
	for _, ask := range [][2]string{{"GET", "policies/reputation/scores/"}, {"GET", one}, {"DELETE", one}, {"GET", one + "used_by/"}} {
		if got := h.as(adas, ask[0], ask[1], ""); got.status != 403 {
			t.Errorf("an ordinary user, %s %s: %d", ask[0], ask[1], got.status)
		}
	}
	if got := h.as(bootToken, "GET", one+"used_by/", ""); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("%s", got.body)
	}
	h.api("GET", "policies/reputation/"+p+"/used_by/", nil, 200)
	h.api("DELETE", one, nil, 204)
	h.api("GET", one, nil, 404)
}

// What people set up for themselves is offered to them, and every step is in the list of types.
func TestStepsThatPeopleSetUp(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	slug := h.flowOf("phones", "stage_configuration", nil, [2]any{"authenticator/totp", object{"name": "phone-apps", "digits": "6", "friendly_name": "An app"}})
	pk := h.api("GET", "stages/authenticator/totp/?name=phone-apps", nil, 200)["results"].([]any)[0].(object)["pk"].(string)
	h.api("PATCH", "stages/authenticator/totp/"+pk+"/", object{"configure_flow": slug}, 200)
	got := h.as(h.tokenOf(ada, "of-ada", "api"), "GET", "stages/all/user_settings/", "")
	if !strings.Contains(got.body, `"component":"ak-user-settings-authenticator-totp","title":"An app"`) || !strings.Contains(got.body, `"configure_url":"/flows/-/configure/`+pk+`/"`) {
		t.Errorf("%s", got.body)
	}
	types := h.as(bootToken, "GET", "stages/all/types/", "").body + h.as(bootToken, "GET", "policies/all/types/", "").body
	for _, k := range factorKinds() {
		_, model, _ := strings.Cut(k.model, ".")
		if !strings.Contains(types, `"name":"`+k.title+`"`) || !strings.Contains(types, `"model_name":"`+model+`"`) {
			t.Errorf("%s is in no list of types", k.title)
		}
	}
}
