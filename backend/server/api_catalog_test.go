package server

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/backend/catalog"
	"gatehouse/backend/crypt"
	message "gatehouse/backend/saml"
)

// TestCatalog adds every application of the catalogue at its address and signs somebody in with each of its redirect URIs, or at its ACS
// URL, as the application would ask for it.
func TestCatalog(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	person := h.signedIn("ada", "lovelace-1815")
	shelf := h.api("GET", "gatehouse/catalog/", nil, 200)["results"].([]any)
	if len(shelf) != len(catalog.All()) || shelf[0].(map[string]any)["name"] != "Actual Budget" {
		t.Errorf("%d templates, the first is %v", len(shelf), shelf[0])
	}
	inside := regexp.MustCompile(`"secret": "([^"]+)"`) // where it is a part of a longer text
	for _, tm := range catalog.All() {
		if tm.Protocol == catalog.SAML {
			samlTemplate(t, h, person, tm)
			continue
		}
		in := map[string]any{"name": tm.Name, "template": tm.Slug, "url": tm.Address + "/", "access": "everyone"}
		if len(tm.Redirects) == 0 {
			in["redirect_uris"] = tm.Address + "/login/b7df954e-0fcb-4251-9398-b68f53bae7ad/callback"
		}
		out := h.api("POST", "gatehouse/applications/", in, 201)
		a, p, guide := out["application"].(map[string]any), out["provider"].(map[string]any), out["guide"].(map[string]any)
		slug := a["slug"].(string)
		if a["meta_launch_url"] != tm.Address || guide["template"] != tm.Slug || guide["tried"] != tm.Tried || guide["url"] != tm.Address || p["client_type"] != tm.Need(catalog.NeedClient) {
			t.Errorf("%s: %v\n%v\n%v", tm.Slug, a, p, guide)
		}
		if sub := tm.Need(catalog.NeedSub); sub != "" && p["sub_mode"] != sub {
			t.Errorf("%s knows people by %v", tm.Slug, p["sub_mode"])
		}
		values := out["values"].([]any)
		if len(values) != len(tm.Values) {
			t.Errorf("%s: %d values of %d", tm.Slug, len(values), len(tm.Values))
		}
		c := app{slug: slug, id: p["client_id"].(string)}
		for _, v := range values {
			v := v.(map[string]any)
			if text := v["value"].(string); text == "" || left.MatchString(text) || v["source"] == "" || v["where"] == "" {
				t.Errorf("%s: %v", tm.Slug, v)
			}
			if m := inside.FindStringSubmatch(v["value"].(string)); v["id"] == "client_secret" {
				c.secret = v["value"].(string)
			} else if v["secret"] == true && m != nil {
				c.secret = m[1]
			}
		}
		if public := p["client_type"] == "public"; public != (c.secret == "") {
			t.Errorf("%s: the secret %q of a client that is %v", tm.Slug, c.secret, p["client_type"])
		}
		// What was shown once is shown again.
		if again := h.api("GET", "gatehouse/applications/"+slug+"/", nil, 200); fmt.Sprint(again["values"]) != fmt.Sprint(values) || fmt.Sprint(again["guide"]) != fmt.Sprint(guide) {
			t.Errorf("%s: later it is\n%v\n%v", tm.Slug, again["values"], again["guide"])
		}
		for line := range strings.FieldsSeq(p["redirect_uris"].(string)) {
			c.redirect = line
			got := person.code(c.authorize())
			if got.Get("code") == "" {
				t.Errorf("%s at %s: %v", tm.Slug, line, got)
				continue
			}
			form := url.Values{"grant_type": {"authorization_code"}, "code": {got.Get("code")}, "redirect_uri": {line}, "code_verifier": {verifier}}
			if tokens := h.token(c, form); tokens.status != 200 || tokens.json(t)["id_token"] == nil {
				t.Errorf("%s at %s: %d %s", tm.Slug, line, tokens.status, tokens.body)
			}
			if other := person.get(c.authorize("redirect_uri", line+"x")); other.status != 400 {
				t.Errorf("%s at %sx: %d", tm.Slug, line, other.status)
			}
		}
	}

	t.Run("what an application needs", func(t *testing.T) {
		cloud := h.api("POST", "gatehouse/applications/", map[string]any{"name": "Cloud 2", "template": "nextcloud", "url": "https://Cloud2.office.lan/", "access": "everyone"}, 201)
		p := cloud["provider"].(map[string]any)
		secret := 0
		for _, v := range cloud["values"].([]any) {
			if v := v.(map[string]any); v["id"] == "client_secret" {
				secret = len(v["value"].(string))
			}
		}
		if secret != 64 || p["sub_mode"] != "user_uuid" ||
			p["redirect_uris"] != "https://cloud2.office.lan/apps/user_oidc/code\nhttps://cloud2.office.lan/index.php/apps/user_oidc/code" {
			t.Errorf("%d %v", secret, p)
		}
		// The form may say more than the template.
		own := h.api("POST", "gatehouse/applications/", map[string]any{
			"name": "Feeds", "template": "miniflux", "url": "http://feeds.office.lan:8083", "redirect_uris": "http://feeds.office.lan:8083/oauth2/oidc/callback\nhttp://localhost/cb",
			"launch_url": "http://feeds.office.lan:8083/unread", "signing": "es256", "client_id": "feeds", "client_secret": "a secret of ours, long enough", "access": "everyone",
		}, 201)
		if a, p := own["application"].(map[string]any), own["provider"].(map[string]any); a["meta_launch_url"] != "http://feeds.office.lan:8083/unread" || p["client_id"] != "feeds" || !strings.HasSuffix(p["redirect_uris"].(string), "/cb") {
			t.Errorf("%v\n%v", a, p)
		}
		if w := fmt.Sprint(own["warnings"]); !strings.Contains(w, "begins with http://") {
			t.Errorf("%s", w)
		}
		// One whose address changes later: what the values say of it is what it was added with.
		h.api("PATCH", "core/applications/feeds/", map[string]any{"meta_launch_url": "https://elsewhere.office.lan/"}, 200)
		if got := h.api("GET", "gatehouse/applications/feeds/", nil, 200)["guide"].(map[string]any); got["start"] != "http://feeds.office.lan:8083/oauth2/oidc/redirect" {
			t.Errorf("%v", got)
		}
	})

	t.Run("refused", func(t *testing.T) {
		form := func(more map[string]any) map[string]any {
			in := map[string]any{"name": "Cloud", "template": "nextcloud", "url": "https://cloud.office.lan", "access": "everyone"}
			for k, v := range more {
				in[k] = v
			}
			return in
		}
		before := h.api("GET", "core/applications/", nil, 200)["pagination"].(map[string]any)["count"]
		for _, tt := range []struct {
			in   map[string]any
			want string
		}{
			{form(map[string]any{"template": "nextclod"}), `{"template":["The catalogue has no application \"nextclod\"."]}`},
			{form(map[string]any{"template": "kimai"}), `{"template":["\"kimai\" signs in in another way; it is added at gatehouse/saml/applications/."]}`},
			{form(map[string]any{"template": "../nextcloud"}), `{"template":["The catalogue has no application \"../nextcloud\"."]}`},
			{form(map[string]any{"url": ""}), `{"url":["Write the address of Nextcloud as people open it, such as https://cloud.office.lan."]}`},
			{form(map[string]any{"url": "cloud"}), `{"url":["Write the address of Nextcloud as people open it, such as https://cloud.office.lan."]}`},
			{form(map[string]any{"url": "javascript:alert(1)"}), `{"url":["Write the address of Nextcloud as people open it, such as https://cloud.office.lan."]}`},
			{form(map[string]any{"url": "https://.*"}), `{"url":["Write the address of Nextcloud as people open it, such as https://cloud.office.lan."]}`},
			{form(map[string]any{"url": "https://cloud.office.lan/.*"}), `{"url":["Behind the name of the server the address may hold letters, digits, dots and dashes only, such as https://cloud.office.lan/app."]}`},
			{form(map[string]any{"url": "cloud", "client_type": "public"}), `{"client_type":["Nextcloud keeps a secret; it is added as a confidential client."],"url":["Write the address of Nextcloud as people open it, such as https://cloud.office.lan."]}`},
			{form(map[string]any{"client_secret": strings.Repeat("x", 65)}), `{"client_secret":["Nextcloud takes a secret of 64 letters at most."]}`},
			{form(map[string]any{"redirect_uris": "*"}), `{"redirect_uris":["\"*\" would send codes to any address. Write the addresses of the application, one a line."]}`},
			{form(map[string]any{"template": "bookstack", "signing": "es256"}), `{"signing":["BookStack checks RS256 only."]}`},
			{form(map[string]any{"template": "wikijs"}), `{"redirect_uris":["Wiki.js makes this address: add the strategy “Generic OpenID Connect / OAuth2” there first and copy its “Callback URL / Redirect URI” from the end of the page."]}`},
			{form(map[string]any{"template": ""}), `{"url":["Only an application of the catalogue is added by its address. Give the address that opens as launch_url."]}`},
			{form(map[string]any{"template": "", "url": ""}), `{"redirect_uris":["This field is required."]}`},
			{form(map[string]any{"access": "chosen"}), `{"access":["Choose who may use the application, or choose everyone."]}`},
		} {
			h.refused(t, "POST", "gatehouse/applications/", tt.in, tt.want)
		}
		if h.api("GET", "core/applications/", nil, 200)["pagination"].(map[string]any)["count"] != before {
			t.Error("a refused form left something")
		}
	})

	t.Run("refused by SAML", func(t *testing.T) {
		before := h.api("GET", "core/applications/", nil, 200)["pagination"].(map[string]any)["count"]
		for want, more := range map[string]map[string]any{
			`{"template":["The catalogue has no application \"kimay\"."]}`:                                                                               {"template": "kimay"},
			`{"template":["\"nextcloud\" signs in in another way; it is added at gatehouse/applications/."]}`:                                            {"template": "nextcloud"},
			`{"url":["Write the address of Kimai as people open it, such as https://time.office.lan."]}`:                                                 {"url": "time"},
			`{"url":["Behind the name of the server the address may hold letters, digits, dots and dashes only, such as https://time.office.lan/app."]}`: {"url": "https://time.office.lan/.*"},
			`{"url":["Only an application of the catalogue is added by its address. Give the address that opens as launch_url."]}`:                       {"template": ""},
			`{"acs_url":["This field is required."]}`:                                                                                                    {"template": "", "url": ""},
			`{"sign":["GitLab checks the signature of the assertion too."]}`:                                                                             {"template": "gitlab-saml", "sign": "response"},
			`{"acs_url":["Enter a valid URL."]}`:                                                                                                         {"acs_url": "javascript:alert(1)"},
		} {
			in := map[string]any{"name": "Hours", "template": "kimai", "url": "https://time.office.lan", "access": "everyone"}
			for k, v := range more {
				in[k] = v
			}
			h.refused(t, "POST", "gatehouse/saml/applications/", in, want)
		}
		if h.api("GET", "core/applications/", nil, 200)["pagination"].(map[string]any)["count"] != before {
			t.Error("a refused form left something")
		}
		// What the form says itself is kept.
		own := h.api("POST", "gatehouse/saml/applications/", map[string]any{
			"name": "Hours", "template": "kimai", "url": "https://time.office.lan", "access": "everyone", "audience": "urn:hours", "acs_url": "https://time.office.lan/other", "slo_url": "https://time.office.lan/out", "slo_binding": "post",
		}, 201)
		beyond := h.api("GET", fmt.Sprintf("gatehouse/providers/saml/%v/beyond/", own["saml"].(obj)["pk"]), nil, 200)
		if p := own["saml"].(obj); p["acs_url"] != "https://time.office.lan/other" || p["audience"] != "urn:hours" || beyond["slo_url"] != "https://time.office.lan/out" || beyond["slo_binding"] != "post" ||
			!strings.Contains(fmt.Sprint(own["values"]), "urn:hours") || !strings.Contains(fmt.Sprint(own["guide"]), "urn:hours") {
			t.Errorf("%v\n%v", own, beyond)
		}
	})

	t.Run("who may see it", func(t *testing.T) {
		token := h.tokenOf(ada, "catalog", "api")
		if got := h.as(token, "GET", "gatehouse/catalog/", ""); got.status != 403 {
			t.Errorf("somebody without rights: %d", got.status)
		}
		if got := h.as("", "GET", "gatehouse/catalog/", ""); got.status != 403 {
			t.Errorf("nobody: %d", got.status)
		}
		h.grant(t, ada, "authentik_core.add_application", "")
		if got := h.as(token, "GET", "gatehouse/catalog/", ""); got.status != 200 {
			t.Errorf("somebody who may add applications: %d", got.status)
		}
		// Who may see an application and not change its provider reads no secret, also none inside a longer text.
		h.grant(t, ada, "authentik_core.view_application", "")
		for _, slug := range []string{"grafana", "paperless-ngx"} {
			got := h.as(token, "GET", "gatehouse/applications/"+slug+"/", "")
			for _, v := range got.json(t)["values"].([]any) {
				if v := v.(map[string]any); v["secret"] == true && v["value"] != "" {
					t.Errorf("%s: %v", slug, v)
				}
			}
		}
	})
}

// samlTemplate adds one that signs in by SAML and has it ask in the format that it asks in: the answer arrives where the template says, about
// the name that it says, signed as it says, and with every attribute that somebody types there.
func samlTemplate(t *testing.T, h *house, person *browser, tm *catalog.Template) {
	t.Helper()
	out := h.api("POST", "gatehouse/saml/applications/", obj{"name": tm.Name, "template": tm.Slug, "url": tm.Address + "/", "access": "everyone"}, 201)
	a, p, guide := out["application"].(obj), out["saml"].(obj), out["guide"].(obj)
	s := &sp{h: h, slug: a["slug"].(string)}
	said := map[string]string{}
	for _, n := range tm.NeedsAt(tm.Address) {
		said[n.What] = n.Value
	}
	if a["meta_launch_url"] != tm.Address || guide["template"] != tm.Slug || guide["tried"] != tm.Tried || guide["url"] != tm.Address || len(guide["needs"].([]any)) != len(tm.Needs) ||
		out["provider"] != nil || len(out["warnings"].([]any)) != 0 {
		t.Errorf("%s: %v", tm.Slug, out)
	}
	beyond := h.api("GET", fmt.Sprintf("gatehouse/providers/saml/%v/beyond/", p["pk"]), nil, 200)
	if beyond["slo_url"] != said[catalog.NeedSLO] || said[catalog.NeedSLOBy] != "" && beyond["slo_binding"] != said[catalog.NeedSLOBy] {
		t.Errorf("%s: %v", tm.Slug, beyond)
	}
	values := out["values"].([]any)
	if len(values) != len(tm.Values) {
		t.Errorf("%s: %d values of %d", tm.Slug, len(values), len(tm.Values))
	}
	typed := ""
	for _, v := range values {
		v := v.(obj)
		text := v["value"].(string)
		if text == "" || left.MatchString(text) || v["source"] == "" || v["where"] == "" || v["secret"] != false {
			t.Errorf("%s: %v", tm.Slug, v)
		}
		typed += text + "\n"
	}
	if again := h.api("GET", "gatehouse/applications/"+s.slug+"/", nil, 200); fmt.Sprint(again["values"]) != fmt.Sprint(values) || fmt.Sprint(again["guide"]) != fmt.Sprint(guide) {
		t.Errorf("%s: later it is\n%v\n%v", tm.Slug, again["values"], again["guide"])
	}

	formats := map[string]string{"emailAddress": message.NameEmail, "persistent": message.NamePersistent, "transient": message.NameTransient, "unspecified": message.NameUnspecified}
	format := formats[said[catalog.NeedFormat]]
	request := strings.Replace(s.request(`AssertionConsumerServiceURL="`+said[catalog.NeedACS]+`"`, `<samlp:NameIDPolicy Format="`+format+`" AllowCreate="true"/>`),
		"urn:"+s.slug, said[catalog.NeedAudience], 1)
	got := person.mustArrive(person.get(s.byRedirect("sso/binding/redirect", request, "", nil)))
	pair := h.api("GET", fmt.Sprintf("crypto/certificatekeypairs/%v/view_certificate/", p["signing_kp"]), nil, 200)
	c, err := crypt.ParseCertificate(pair["data"].(string))
	if err != nil {
		t.Fatal(err)
	}
	s.trust = message.Trust{Certificates: []*x509.Certificate{c}}
	as := s.believed(t, got)
	if got.to != said[catalog.NeedACS] || at(t, as, "Conditions", "AudienceRestriction", "Audience") != said[catalog.NeedAudience] || at(t, as, "Issuer") != p["issuer"] {
		t.Errorf("%s: to %s\n%s", tm.Slug, got.to, write(t, as))
	}
	if message.Signed(got.root) != (said[catalog.NeedSigned] == "both" || said[catalog.NeedSigned] == "response") {
		t.Errorf("%s: the response is signed: %v", tm.Slug, message.Signed(got.root))
	}
	name := at(t, as, "Subject", "NameID")
	switch by := said[catalog.NeedName]; {
	case by == "username" && name != "ada", (by == "email" || by == "" && format == message.NameEmail) && name != "ada@office.lan":
		t.Errorf("%s knows people by %s: %q", tm.Slug, by, name)
	}
	for _, attribute := range attributeNames.FindAllString(typed, -1) {
		if !strings.Contains(write(t, as), `Name="`+attribute+`"`) {
			t.Errorf("%s: nobody says %s", tm.Slug, attribute)
		}
	}
	if !strings.Contains(typed, "/application/saml/"+s.slug+"/") {
		t.Errorf("%s: the values name nothing of this server", tm.Slug)
	}
}

var (
	left           = regexp.MustCompile(`\{[a-z_]+\}`) // of a placeholder
	attributeNames = regexp.MustCompile(`http://schemas\.[A-Za-z0-9./-]+`)
)
