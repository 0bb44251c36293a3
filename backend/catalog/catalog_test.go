package catalog_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/catalog"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/provider/saml"
)

// provider is what a template makes, as far as redirect URIs go.
func provider(redirects string) *oauth2.Provider {
	return &oauth2.Provider{RedirectURIs: redirects, CodeValidity: "minutes=1", AccessValidity: "hours=1", RefreshValidity: "days=30"}
}

// TestEveryTemplateIsWhole holds what Parse can't: that the redirect URIs and ACS URLs are ones that the provider takes, exact ones, and that
// every file of the folder is on the shelf. Parse itself panics at the first use when a file lacks something.
func TestEveryTemplateIsWhole(t *testing.T) {
	files, err := filepath.Glob("apps/*.json")
	if err != nil || len(files) != len(catalog.All()) || len(files) < 20 {
		t.Fatalf("%d files, %d templates, %v", len(files), len(catalog.All()), err)
	}
	var tried []string
	ways := map[string]int{}
	for _, a := range catalog.All() {
		if a.Tried {
			tried = append(tried, a.Slug)
		}
		ways[a.Protocol]++
		facts := catalog.Facts{}
		for _, name := range catalog.Placeholders[a.Protocol] {
			facts[name] = "<" + name + ">"
		}
		for _, at := range []string{a.Address, "http://10.0.0.7:8443/sub", "https://[fd00::1]:8443"} {
			if a.Protocol == catalog.SAML {
				samlNeeds(t, a, at)
				continue
			}
			p := provider(a.RedirectURIs(at))
			if err := p.Validate(); err != nil {
				t.Errorf("%s at %s: %v", a.Slug, at, err)
			}
			for _, w := range p.Warnings() {
				if !strings.Contains(w, "http://") && a.RedirectHint == "" {
					t.Errorf("%s at %s: %s", a.Slug, at, w)
				}
			}
		}
		seen := map[string]bool{}
		for _, v := range a.Fill(facts) {
			if seen[v.ID] || v.ID == "" {
				t.Errorf("%s: %q is there twice", a.Slug, v.ID)
			}
			seen[v.ID] = true
			if v.Secret != strings.Contains(v.Text, "client_secret") || v.Where == "" || !strings.HasPrefix(v.Source, "https://") {
				t.Errorf("%s: %+v", a.Slug, v)
			}
			if left := strings.Trim(v.Text, "<>"); v.ID == left && !slices.Contains(catalog.Placeholders[a.Protocol], left) {
				t.Errorf("%s: %q is not filled in", a.Slug, v.Text)
			}
		}
		if got := a.Begin("https://x.office.lan"); !strings.HasPrefix(got, "https://x.office.lan") || strings.Contains(got, "{") {
			t.Errorf("%s begins at %q", a.Slug, got)
		}
	}
	if ways[catalog.OIDC] < 20 || ways[catalog.SAML] < 5 {
		t.Errorf("%v", ways)
	}
	if !slices.Equal(tried, []string{"miniflux", "oauth2-proxy"}) {
		t.Errorf("tried: %v; build/e2e signs in to Miniflux and OAuth2 Proxy only", tried)
	}
}

// samlNeeds holds that what a SAML template needs can be stored for an application at that address.
func samlNeeds(t *testing.T, a *catalog.Template, at string) {
	p := &saml.Provider{NotBefore: "minutes=-5", NotOnOrAfter: "minutes=5", SessionEnd: "hours=8"}
	for _, n := range a.NeedsAt(at) {
		switch n.What {
		case catalog.NeedACS:
			p.ACSURL = n.Value
		case catalog.NeedAudience:
			p.Audience = n.Value
		case catalog.NeedSLO:
			if !strings.HasPrefix(n.Value, at+"/") {
				t.Errorf("%s at %s: signs out at %s", a.Slug, at, n.Value)
			}
		}
		if strings.ContainsAny(n.Value, "{}") {
			t.Errorf("%s: %s is not filled in", a.Slug, n.Value)
		}
	}
	if err := p.Validate(); err != nil || !strings.HasPrefix(p.ACSURL, at+"/") || p.Audience == "" {
		t.Errorf("%s at %s: %v, %s, %s", a.Slug, at, err, p.ACSURL, p.Audience)
	}
}

func TestWhatIsNoTemplate(t *testing.T) {
	set := func(whole []byte, change func(m map[string]any)) []byte {
		m := map[string]any{}
		if err := json.Unmarshal(whole, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	value := func(m map[string]any, i int) map[string]any { return m["values"].([]any)[i].(map[string]any) }
	read := func(slug string) []byte {
		whole, err := os.ReadFile("apps/" + slug + ".json")
		if err == nil {
			_, err = catalog.Parse(whole)
		}
		if err != nil {
			t.Fatal(err)
		}
		return whole
	}
	type wrong struct {
		name   string
		change func(m map[string]any)
		want   string
	}
	need := func(m map[string]any, what string) map[string]any {
		for _, n := range m["needs"].([]any) {
			if n := n.(map[string]any); n["what"] == what {
				return n
			}
		}
		t.Fatal("no need " + what)
		return nil
	}
	check := func(whole []byte, all []wrong) {
		for _, tt := range all {
			if _, err := catalog.Parse(set(whole, tt.change)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
			}
		}
	}
	check(read("miniflux"), []wrong{
		{"no page", func(m map[string]any) { delete(m, "source") }, "the page that it was taken from is missing"},
		{"a page of another kind", func(m map[string]any) { value(m, 0)["source"] = "somewhere" }, "OAUTH2_PROVIDER: the page that it was taken from is missing"},
		{"no page of a redirect URI", func(m map[string]any) { m["redirects"].([]any)[0].(map[string]any)["source"] = "http://" }, "the page that it was taken from is missing"},
		{"an unknown placeholder", func(m map[string]any) { value(m, 4)["value"] = "{issuer_url}" }, "nothing is known of {issuer_url}"},
		{"an unknown placeholder at the start", func(m map[string]any) { m["start"] = "{address}/login" }, "nothing is known of {address}"},
		{"a redirect URI of another kind", func(m map[string]any) { m["redirects"].([]any)[0].(map[string]any)["uri"] = "{url}/{client_id}" }, "may only begin with {url}"},
		{"no redirect URI", func(m map[string]any) { delete(m, "redirects") }, "no redirect URI"},
		{"no client type", func(m map[string]any) { m["needs"] = []any{} }, "client_type is missing"},
		{"an unknown client type", func(m map[string]any) { m["needs"].([]any)[0].(map[string]any)["value"] = "secret" }, `client_type can't be "secret"`},
		{"a public client with a secret", func(m map[string]any) { m["needs"].([]any)[0].(map[string]any)["value"] = "public" }, "the values don't name what the client has"},
		{"an unknown need", func(m map[string]any) {
			m["needs"] = append(m["needs"].([]any), map[string]any{"what": "luck", "value": "x"})
		}, `nothing is known of the need "luck"`},
		{"a short secret", func(m map[string]any) {
			m["needs"] = append(m["needs"].([]any), map[string]any{"what": "secret_length", "value": "8"})
		}, `no secret has "8" letters`},
		{"scopes that nobody named", func(m map[string]any) { value(m, 0)["value"] = "{scopes}" }, "which scopes is not said"},
		{"an address that is none", func(m map[string]any) { m["address"] = "news.office.lan" }, "the example address"},
		{"a protocol of later", func(m map[string]any) { m["protocol"] = "ldap" }, `the protocol "ldap" is unknown`},
		{"the address of the empty form", func(m map[string]any) { m["slug"] = "own" }, `"own" is no slug`},
		{"a picture as mark", func(m map[string]any) { m["mark"] = "🦊" }, "is not one or two letters"},
		{"a field of another program", func(m map[string]any) { m["logo"] = "x.svg" }, `unknown field "logo"`},
		{"a need of SAML", func(m map[string]any) { need(m, "client_type")["what"] = "acs_url" }, `nothing is known of the need "acs_url"`},
	})
	check(read("kimai"), []wrong{
		{"no ACS URL", func(m map[string]any) { need(m, "acs_url")["what"] = "slo_binding" }, "acs_url is missing"},
		{"no entity ID", func(m map[string]any) { need(m, "audience")["what"] = "sign"; need(m, "sign")["value"] = "both" }, "audience is missing"},
		{"no format of names", func(m map[string]any) { need(m, "name_id_format")["what"] = "scopes" }, "name_id_format is missing"},
		{"a format of one's own", func(m map[string]any) { need(m, "name_id_format")["value"] = "email" }, `name_id_format can't be "email"`},
		{"an ACS URL elsewhere", func(m map[string]any) { need(m, "acs_url")["value"] = "https://elsewhere/{url}" }, "acs_url has to begin with {url}/"},
		{"an ACS URL with more in it", func(m map[string]any) { need(m, "acs_url")["value"] = "{url}/{slug}/acs" }, "acs_url may have {url} at its beginning"},
		{"a name by which nobody is known", func(m map[string]any) { need(m, "name_id")["value"] = "shoe_size" }, `name_id can't be "shoe_size"`},
		{"no page of a need", func(m map[string]any) { need(m, "acs_url")["source"] = "x" }, "acs_url: the page that it was taken from is missing"},
		{"a redirect URI", func(m map[string]any) { m["redirect_hint"] = "Look there." }, "by SAML people are taken back to the acs_url"},
		{"a value of OpenID Connect", func(m map[string]any) { value(m, 5)["value"] = "{client_id}" }, "nothing is known of {client_id}"},
		{"no certificate", func(m map[string]any) { value(m, 10)["value"] = "x" }, "nor the metadata that says both"},
		{"the address of the form without a template", func(m map[string]any) { m["slug"] = "saml" }, `"saml" is no slug`},
	})
}

func TestAddresses(t *testing.T) {
	cloud := catalog.Find("nextcloud")
	for in, want := range map[string]string{
		"https://cloud.office.lan":         "https://cloud.office.lan",
		" https://Cloud.Office.lan/ ":      "https://cloud.office.lan",
		"http://10.0.0.7:8080/cloud///":    "http://10.0.0.7:8080/cloud",
		"https://[fd00::1]:8443/":          "https://[fd00::1]:8443",
		"https://office.lan/a.b/c-d_e~f/":  "https://office.lan/a.b/c-d_e~f",
		"HTTPS://nas:5001":                 "https://nas:5001",
		"":                                 "",
		"cloud.office.lan":                 "",
		"ftp://cloud.office.lan":           "",
		"javascript:alert(1)":              "",
		"https://":                         "",
		"https://:8443":                    "",
		"https://cloud.office.lan:":        "",
		"https://cloud.office.lan:99999":   "",
		"https://cloud.office.lan:x":       "",
		"https://ada@cloud.office.lan":     "",
		"https://cloud.office.lan/?a=b":    "",
		"https://cloud.office.lan?":        "",
		"https://cloud.office.lan/#":       "",
		"https://cloud.office.lan/#/login": "",
		// Each of these would be a pattern that lets more addresses in than one, or two lines.
		"https://.*/":                            "",
		"https://cloud.*.lan":                    "",
		"https://cloud.office.lan/.*":            "",
		"https://cloud.office.lan/a[b]":          "",
		"https://cloud.office.lan/a\\.b":         "",
		"https://cloud.office.lan/^a":            "",
		"https://cloud.office.lan/../x":          "",
		"https://cloud.office.lan/%2e%2e/x":      "",
		"https://cloud.office.lan https://evil":  "",
		"https://cloud.office.lan\nhttps://evil": "",
	} {
		got, err := cloud.At(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
		if err != nil && !strings.Contains(fault.As(err).Fields["url"][0], "https://cloud.office.lan") {
			t.Errorf("%q: %v names no example", in, fault.As(err).Fields)
		}
	}
}

// TestFillIn holds that a value that is a JSON text stays one, whatever a secret of one's own holds.
func TestFillIn(t *testing.T) {
	hostile := "a\"b\\c\n{issuer}"
	for _, v := range catalog.Find("paperless-ngx").Fill(catalog.Facts{"client_id": "id", "client_secret": hostile, "discovery": "https://x/"}) {
		if v.Label != "PAPERLESS_SOCIALACCOUNT_PROVIDERS" {
			continue
		}
		var got map[string]struct{ APPS []struct{ Secret string } }
		if err := json.Unmarshal([]byte(v.Text), &got); err != nil || got["openid_connect"].APPS[0].Secret != hostile || !v.Secret {
			t.Errorf("%v %s", err, v.Text)
		}
		return
	}
	t.Error("the value is gone")
}
