package server

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
)

// TestSettingsBeyondTheRelease holds the operations of every kind that has such settings: PATCH keeps what its body leaves out, PUT sets all,
// what is refused changes nothing, and the published fields stay as they are.
func TestSettingsBeyondTheRelease(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	_, curve := h.keyPair("a curve", "ecdsa")
	_, rsa := h.keyPair("an application", "rsa")
	flow := h.flowNamed("default-provider-authorization-implicit-consent")
	const nobody = "00000000-0000-4000-8000-000000000000"
	wiki, sp, idp := h.addApp("wiki", nil), h.addSP("sp", nil), h.addIdP("idp", nil, nil)
	peer := h.api("POST", "providers/scim/", obj{"name": "peer", "url": "https://peer.office.lan/scim", "token": "x"}, 201)
	other := map[string]obj{
		"providers/oauth2": h.api("POST", "providers/oauth2/", obj{"name": "o", "authorization_flow": flow, "redirect_uris": "https://o.office.lan/"}, 201),
		"providers/saml":   h.addSP("o2", nil).provider, "providers/scim": h.api("POST", "providers/scim/", obj{"name": "o3", "url": "https://o.office.lan/", "token": "x"}, 201), "sources/saml": h.addIdP("o", nil, nil).source,
	}
	person := h.addUser("ada", "lovelace-1815")
	reads, changes := h.addUser("reader", "reader-1815"), h.addUser("writer", "writer-1815")
	plain, reader, writer := h.tokenOf(person, "plain", "api"), h.tokenOf(reads, "reader", "api"), h.tokenOf(changes, "writer", "api")
	for _, tt := range []struct {
		at, key, pk, model string
		first              obj
		one, two           obj      // two changes of different settings
		put                obj      // a whole body, or one with which everything else has its default
		after              obj      // how the second is kept, when otherwise
		need               []string // what PUT has to have
		bad                map[string]obj
	}{
		{
			"providers/oauth2", fmt.Sprint(h.provider(wiki)), "", "authentik_providers_oauth2.%s_oauth2provider",
			obj{"backchannel_logout_uri": "", "backchannel_logout_session_required": false, "require_pushed_authorization_requests": false, "dpop_bound_access_tokens": false, "dpop_nonce_required": false, "resources": ""},
			obj{"backchannel_logout_uri": "https://wiki.office.lan/out"}, obj{"resources": "https://a.lan\n  https://b.lan\n"},
			obj{"backchannel_logout_uri": "", "backchannel_logout_session_required": true, "require_pushed_authorization_requests": false, "dpop_bound_access_tokens": false, "dpop_nonce_required": true, "resources": ""},
			obj{"resources": "https://a.lan\nhttps://b.lan"},
			[]string{"backchannel_logout_uri", "backchannel_logout_session_required", "require_pushed_authorization_requests", "dpop_bound_access_tokens", "dpop_nonce_required", "resources"},
			map[string]obj{"backchannel_logout_uri": {"backchannel_logout_uri": "x", "dpop_bound_access_tokens": true}, "resources": {"resources": "x", "backchannel_logout_uri": ""}, "dpop_nonce_required": {"dpop_nonce_required": nil}},
		},
		{
			"providers/saml", fmt.Sprint(sp.pk), "", "authentik_providers_saml.%s_samlprovider",
			obj{"sign_assertion": true, "sign_response": false, "encryption_kp": nil, "encryption_cipher": "aes256-gcm", "slo_url": "", "slo_binding": "redirect", "allow_sha1": false},
			obj{"encryption_kp": rsa, "sign_response": true}, obj{"sign_assertion": false}, obj{"slo_url": "https://sp.office.lan/slo"}, nil, nil,
			map[string]obj{
				"sign_assertion": {"sign_response": false}, "slo_url": {"slo_url": "javascript:alert(1)", "sign_assertion": true}, "encryption_kp": {"encryption_kp": curve}, "encryption_cipher": {"encryption_cipher": "rot13"},
			},
		},
		{
			"providers/scim", fmt.Sprint(peer["pk"]), "", "authentik_providers_scim.%s_scimprovider",
			obj{"when_leaving": "keep", "when_deleted": "delete", "method": "auto"}, obj{"method": "put"}, obj{"when_leaving": "deactivate"}, obj{"when_deleted": "keep"}, nil, nil,
			map[string]obj{"method": {"method": "post", "when_leaving": "delete"}, "when_leaving": {"when_leaving": nil}},
		},
		{
			"sources/saml", "idp", idp.source["pk"].(string), "authentik_sources_saml.%s_samlsource",
			obj{"idp_entity_id": idp.entity, "further_verification_kps": []any{}, "allow_unsigned": false, "allow_sha1": false, "slo_binding": "redirect", "logout_other_side": true, "username_attribute": ""},
			obj{"further_verification_kps": []any{rsa}}, obj{"username_attribute": "uid"}, obj{"idp_entity_id": "urn:idp"}, nil, nil,
			map[string]obj{"further_verification_kps": {"further_verification_kps": []any{rsa, nobody}, "allow_sha1": true}, "slo_binding": {"slo_binding": "soap"}},
		},
	} {
		t.Run(tt.at, func(t *testing.T) {
			path, pk := "gatehouse/"+tt.at+"/"+tt.key+"/beyond/", tt.pk
			if pk == "" {
				pk = tt.key
			}
			now, published := tt.first, h.api("GET", tt.at+"/"+tt.key+"/", nil, 200)
			same := func(when string, got obj) {
				t.Helper()
				if !reflect.DeepEqual(got, now) {
					t.Errorf("%s: %v, want %v", when, got, now)
				}
			}
			same("at first", h.api("GET", path, nil, 200))
			takes := func(method string, body, want obj) {
				t.Helper()
				before := h.events("model_updated")
				got := h.as(bootToken, method, path, jsonOf(body))
				if got.status != 200 {
					t.Fatalf("%s %v: %d %s", method, body, got.status, got.body)
				}
				now = want
				same(method+jsonOf(body), got.json(t))
				same("stored", h.api("GET", path, nil, 200))
				if n := h.events("model_updated") - before; n != 1 {
					t.Errorf("%s %v: %d events", method, body, n)
				}
			}
			takes("PATCH", tt.one, merged(now, tt.one))
			takes("PATCH", tt.two, merged(now, tt.two, tt.after))
			refused := h.events("model_updated")
			for field, bad := range tt.bad {
				for method, body := range map[string]obj{"PATCH": bad, "PUT": merged(now, bad)} {
					if got := h.as(bootToken, method, path, jsonOf(body)); got.status != 400 || len(got.json(t)) != 1 || got.json(t)[field] == nil {
						t.Errorf("%s %v: %d %s", method, body, got.status, got.body)
					}
				}
			}
			for _, field := range tt.need {
				body := merged(now)
				delete(body, field)
				if got := h.as(bootToken, "PUT", path, jsonOf(body)); got.status != 400 || got.json(t)[field] == nil {
					t.Errorf("PUT without %s: %d %s", field, got.status, got.body)
				}
			}
			same("after what was refused", h.api("GET", path, nil, 200))
			if n := h.events("model_updated"); n != refused {
				t.Errorf("%d events of what was refused", n-refused)
			}
			takes("PUT", tt.put, merged(tt.first, tt.put))
			if got := h.api("GET", tt.at+"/"+tt.key+"/", nil, 200); !reflect.DeepEqual(got, published) {
				t.Errorf("the published fields: %v, before %v", got, published)
			}
			// Rights count on the object alone too, and on no other.
			h.grant(t, reads, fmt.Sprintf(tt.model, "view"), pk)
			h.grant(t, changes, fmt.Sprintf(tt.model, "change"), pk)
			o := fmt.Sprint(other[tt.at]["pk"])
			if tt.pk != "" {
				o = other[tt.at]["slug"].(string)
			}
			for _, ask := range []struct {
				token, method, path string
				want                int
			}{
				{reader, "GET", path, 200}, {reader, "PATCH", path, 403}, {reader, "PUT", path, 403}, {writer, "PATCH", path, 200}, {writer, "PUT", path, 200}, {writer, "PATCH", "gatehouse/" + tt.at + "/" + o + "/beyond/", 403},
				{reader, "GET", "gatehouse/" + tt.at + "/" + o + "/beyond/", 403}, {plain, "GET", path, 403}, {plain, "PATCH", path, 403}, {plain, "PUT", path, 403}, {"", "PATCH", path, 403},
			} {
				if got := h.as(ask.token, ask.method, ask.path, jsonOf(now)); got.status != ask.want {
					t.Errorf("%s %s: %d %s, want %d", ask.method, ask.path, got.status, got.body, ask.want)
				}
			}
			for _, key := range []string{"0", "999999", "x", "1%20OR%201"} {
				for _, method := range []string{"GET", "PATCH", "PUT"} {
					if got := h.as(bootToken, method, "gatehouse/"+tt.at+"/"+key+"/beyond/", jsonOf(now)); got.status != 404 {
						t.Errorf("%s of %s: %d %s", method, key, got.status, got.body)
					}
				}
			}
		})
	}
}

// merged gives the members of all, the later over the earlier ones.
func merged(all ...obj) obj {
	out := obj{}
	for _, o := range all {
		maps.Copy(out, o)
	}
	return out
}
