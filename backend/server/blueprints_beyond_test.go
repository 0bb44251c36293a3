package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/blueprint"
	"gatehouse/backend/store"
)

const beyondBlueprint = `
version: 1
context: {app: wiki}
entries:
  - model: authentik_crypto.certificatekeypair
    id: peer
    identifiers: {name: peer}
    attrs: {certificate_data: %[1]q}
  - model: authentik_crypto.certificatekeypair
    id: flat
    identifiers: {name: flat}
    attrs: {certificate_data: %[2]q}
  - model: authentik_providers_oauth2.oauth2provider
    identifiers: {name: o}
    attrs:
      authorization_flow: !Find [authentik_flows.flow, [slug, default-provider-authorization-implicit-consent]]
      gatehouse:
        backchannel_logout_uri: !Format ["https://%%s.office.lan/out", !Context app]
        resources: "https://a.lan   https://b.lan"
  - model: authentik_providers_saml.samlprovider
    identifiers: {name: s}
    attrs:
      authorization_flow: !Find [authentik_flows.flow, [slug, default-provider-authorization-implicit-consent]]
      acs_url: https://s.office.lan/acs
      gatehouse: {encryption_kp: !KeyOf peer, sign_response: true, sign_assertion: false}
  - model: authentik_providers_scim.scimprovider
    identifiers: {name: c}
    attrs: {url: https://c.office.lan/scim, token: x, gatehouse: {method: patch}}
  - model: authentik_sources_saml.samlsource
    identifiers: {slug: i}
    attrs:
      name: I
      sso_url: https://i.office.lan/sso
      pre_authentication_flow: !Find [authentik_flows.flow, [slug, default-source-pre-authentication]]
      gatehouse: {further_verification_kps: [!KeyOf peer], logout_other_side: false}
`

// TestBlueprintsBeyond holds that a blueprint sets what the release does not have by the rules of its operations, in one transaction with the
// rest, and that an export brings it to another house.
func TestBlueprintsBeyond(t *testing.T) {
	t.Parallel()
	h, other := open(t, true), openAt(t, t.TempDir(), true)
	certificate := func(name, alg string) string {
		_, pk := h.keyPair("made "+name, alg)
		return h.api("GET", "crypto/certificatekeypairs/"+pk+"/view_certificate/", nil, 200)["data"].(string)
	}
	peer, curve := certificate("peer", "rsa"), certificate("flat", "ecdsa")
	text := fmt.Sprintf(beyondBlueprint, peer, curve)
	root := store.Actor{UserPK: 2, Superuser: true}
	apply := func(h *house, as store.Actor, text string) blueprint.Result {
		t.Helper()
		out, err := h.s.rooms.prints.ApplyText(store.WithActor(t.Context(), as), "x", []byte(text), blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one := func(h *house, path, name string) obj {
		t.Helper()
		rows := h.api("GET", path+"/?search="+name+"&page_size=500", nil, 200)["results"].([]any)
		i := slices.IndexFunc(rows, func(v any) bool { return v.(obj)["name"] == name })
		if i < 0 {
			t.Fatalf("%s has no %s", path, name)
		}
		return rows[i].(obj)
	}
	is := func(h *house, when, path, name string, want obj) {
		t.Helper()
		o := one(h, path, name)
		key := fmt.Sprint(o["pk"])
		if o["slug"] != nil {
			key = o["slug"].(string)
		}
		if got := h.api("GET", "gatehouse/"+path+"/"+key+"/beyond/", nil, 200); holds("", got, want) != "" {
			t.Errorf("%s, %s: %s", when, path, holds("", got, want))
		}
	}
	all := func(h *house, when string) {
		t.Helper()
		pk := one(h, "crypto/certificatekeypairs", "peer")["pk"]
		is(h, when, "providers/oauth2", "o", obj{"backchannel_logout_uri": "https://wiki.office.lan/out", "resources": "https://a.lan\nhttps://b.lan", "dpop_nonce_required": false})
		is(h, when, "providers/saml", "s", obj{"encryption_kp": pk, "sign_response": true, "sign_assertion": false, "encryption_cipher": "aes256-gcm"})
		is(h, when, "providers/scim", "c", obj{"method": "patch", "when_leaving": "keep", "when_deleted": "delete"})
		is(h, when, "sources/saml", "I", obj{"further_verification_kps": []any{pk}, "logout_other_side": false})
	}
	if out := apply(h, root, text); !out.OK || out.Created != 6 {
		t.Fatalf("%s %v", out.Summary(), out.Lines())
	}
	all(h, "made")
	before := h.events("model_updated")
	if out := apply(h, root, text); !out.OK || out.Unchanged != 6 || h.events("model_updated") != before {
		t.Errorf("a second time: %s %v", out.Summary(), out.Lines())
	}
	// What is left out is kept, also by a file of the release, which knows nothing of it.
	const scim, oidc, sp = "authentik_providers_scim.scimprovider", "authentik_providers_oauth2.oauth2provider", "authentik_providers_saml.samlprovider"
	entry := func(model, name, attrs string) string {
		return "entries:\n- model: " + model + "\n  identifiers: {name: " + name + "}\n  attrs:\n    " + attrs + "\n"
	}
	if out := apply(h, root, entry(scim, "c", "gatehouse: {when_deleted: keep}")); !out.OK || out.Updated != 1 || h.events("model_updated") != before+1 {
		t.Errorf("%s %v", out.Summary(), out.Lines())
	}
	is(h, "changed in part", "providers/scim", "c", obj{"method": "patch", "when_leaving": "keep", "when_deleted": "keep"})
	apply(h, root, entry(scim, "c", "gatehouse: {when_deleted: delete}"))
	if out := apply(h, root, entry(scim, "c", "url: https://c.office.lan/scim/v2")); !out.OK || out.Updated != 1 {
		t.Errorf("%s %v", out.Summary(), out.Lines())
	}
	all(h, "after a file without them")
	// What is wrong is told with its line, and nothing of the file stays.
	for _, tt := range []struct{ model, name, attrs, why string }{
		{oidc, "o", "gatehouse:\n      dpop_nonce_required: true\n      resources: x", `line 7: ` + oidc + ` "o": gatehouse.resources: x is no whole address`},
		{oidc, "o", "gatehouse: {backchannel_logout_url: https://x.lan/}", `line 5: ` + oidc + ` "o": gatehouse.backchannel_logout_url: There is no such setting.`},
		{oidc, "o", "gatehouse: {resources: null}", "gatehouse.resources: This field may not be null."},
		{oidc, "o", "gatehouse: {dpop_nonce_required: perhaps}", "gatehouse.dpop_nonce_required: Must be a valid boolean."},
		{oidc, "o", "gatehouse: [a]", "gatehouse: Give a map of settings."},
		{oidc, "o", "gatehouse: null", "gatehouse: Give a map of settings."},
		{sp, "s", "gatehouse:\n      sign_response: false", "line 6: " + sp + ` "s": gatehouse.sign_assertion: Sign the assertion, the response, or both`},
		{sp, "s", "gatehouse:\n      sign_response: true\n      encryption_kp: !Find [authentik_crypto.certificatekeypair, [name, flat]]", "line 7: " + sp + ` "s": gatehouse.encryption_kp: Only certificates with an RSA key can be encrypted for.`},
		{sp, "s", "gatehouse: {encryption_kp: 00000000-0000-4000-8000-000000000000}", "gatehouse.encryption_kp: There is no such certificate."},
		{scim, "c", "url: https://elsewhere.office.lan/\n    gatehouse: {method: post}", `line 6: ` + scim + ` "c": gatehouse.method: "post" is not a valid choice.`},
		{"authentik_stages_deny.denystage", "d", "gatehouse: {method: put}", "gatehouse: Objects of this kind have no settings"},
	} {
		out := apply(h, root, entry(tt.model, tt.name, tt.attrs))
		if said := strings.Join(out.Lines(), "\n"); out.OK || len(out.Faults) != 1 || !strings.Contains(said, tt.why) {
			t.Errorf("%s: %s\nwant %s", tt.attrs, said, tt.why)
		}
	}
	all(h, "after what was refused")
	if got := one(h, "providers/scim", "c")["url"]; got != "https://c.office.lan/scim/v2" {
		t.Errorf("a refused entry stays in part: %v", got)
	}
	// Who may only look may not change them.
	dora := h.addUser("dora", "delegated-1999")
	h.grants(dora, "authentik_providers_scim.view_scimprovider")
	if out := apply(h, store.Actor{UserPK: int64(dora)}, entry(scim, "c", "gatehouse: {method: put}")); out.OK || !out.Denied() {
		t.Errorf("%s %v", out.Summary(), out.Lines())
	}
	all(h, "after who may not")
	// Elsewhere the certificate has another key already.
	own := other.api("POST", "crypto/certificatekeypairs/", obj{"name": "peer", "certificate_data": peer}, 201)["pk"]
	out, err := h.s.Export(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.Content, "gatehouse:") != 4 || strings.Contains(out.Content, "encryption_cipher") {
		t.Errorf("%d objects have some in the export", strings.Count(out.Content, "gatehouse:"))
	}
	for _, house := range []*house{h, other, other} {
		if got := apply(house, store.House, out.Content); !got.OK || house == h && got.Updated+got.Created != 0 {
			t.Fatalf("%s %v", got.Summary(), got.Lines())
		}
	}
	if pk := one(other, "crypto/certificatekeypairs", "peer")["pk"]; pk != own || pk == one(h, "crypto/certificatekeypairs", "peer")["pk"] {
		t.Fatalf("the other house has the certificate %v", pk)
	}
	all(other, "elsewhere")
}
