package server

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	message "gatehouse/backend/saml"
)

// idp is the other side of a SAML source: an identity provider that says what a test wants.
type idp struct {
	h      *house
	slug   string
	key    *message.Key
	kp     string
	entity string
	source obj
	n      int
}

// said is a response. Empty members stand for what is right.
type said struct {
	name, format               string
	to                         string // the request that it answers; "-" for none
	audience, recipient        string
	destination, issuer        string
	id                         string
	begins, until, sessionEnds time.Time
	index, attributes          string
	status                     string // XML in place of the status
	nameID                     string // XML in place of the NameID
	plain, plainBoth           bool   // only the response is signed; nothing is
	both                       bool
	without                    string // text that is left out
	with                       func(*etree.Element)
	key                        *message.Key
	responseTo                 string
	encryptedFor               *message.Key
	cipher                     string
}

func (h *house) addIdP(slug string, more, beyond obj) *idp {
	h.t.Helper()
	p := &idp{h: h, slug: slug, entity: "https://idp." + slug + ".lan/saml"}
	p.key, p.kp = h.keyPair("idp "+slug, "rsa")
	in := obj{
		"name": "The " + slug, "slug": slug, "sso_url": "https://idp." + slug + ".lan/sso?a=b", "slo_url": "https://idp." + slug + ".lan/slo", "verification_kp": p.kp,
		"pre_authentication_flow": h.flowNamed("default-source-pre-authentication"), "authentication_flow": h.flowNamed("default-source-authentication"),
		"enrollment_flow": h.flowNamed("default-source-enrollment"),
	}
	for k, v := range more {
		in[k] = v
	}
	p.source = h.api("POST", "sources/saml/", in, 201)
	p.set(obj{"idp_entity_id": p.entity})
	p.set(beyond)
	return p
}

// set changes what the release does not have.
func (p *idp) set(more obj) {
	p.h.t.Helper()
	at := "gatehouse/sources/saml/" + p.slug + "/beyond/"
	in := p.h.api("GET", at, nil, 200)
	for k, v := range more {
		in[k] = v
	}
	p.h.api("PUT", at, in, 200)
}

func (p *idp) patch(more obj) {
	p.h.t.Helper()
	p.h.api("PATCH", "sources/saml/"+p.slug+"/", more, 200)
}

func (p *idp) at(what string) string { return "/source/saml/" + p.slug + "/" + what }

// begin has a browser ask, and gives the ID of the request and its RelayState.
func (p *idp) begin(b *browser, query string) (id, relay string) {
	p.h.t.Helper()
	m := p.asked(b.get(p.at("") + query))
	return m.Root.SelectAttrValue("ID", ""), m.RelayState
}

// asked reads the request that an answer sends along.
func (p *idp) asked(a answer) *message.Message {
	p.h.t.Helper()
	to, err := url.Parse(a.header.Get("Location"))
	if a.status != 302 || err != nil {
		p.h.t.Fatalf("no way to the other side: %d %s", a.status, a.body)
	}
	m, err := message.DecodeRedirect(to.RawQuery)
	if err != nil || m == nil || m.Response {
		p.h.t.Fatalf("%s: %v", to, err)
	}
	return m
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// response writes and signs what the other side says.
func (p *idp) response(s said) *etree.Element {
	p.h.t.Helper()
	p.n++
	now := time.Now().UTC()
	acs := p.h.base + p.at("acs/")
	when := func(t time.Time, otherwise time.Duration) string {
		if t.IsZero() {
			t = now.Add(otherwise)
		}
		return message.Moment(t)
	}
	inResponse := ""
	if s.to != "-" {
		inResponse = ` InResponseTo="` + s.to + `"`
	}
	outer := inResponse
	if s.responseTo != "" {
		outer = ` InResponseTo="` + s.responseTo + `"`
	}
	nameID := s.nameID
	if nameID == "" {
		nameID = `<saml:NameID Format="` + or(s.format, message.NamePersistent) + `">` + html.EscapeString(s.name) + `</saml:NameID>`
	}
	ends := ""
	if !s.sessionEnds.IsZero() {
		ends = ` SessionNotOnOrAfter="` + message.Moment(s.sessionEnds) + `"`
	}
	id := or(s.id, fmt.Sprintf("_a%d%d", p.n, now.UnixNano()))
	text := `<samlp:Response xmlns:samlp="` + message.Protocol + `" xmlns:saml="` + message.Assertion + `" ID="_r` + id + `" Version="2.0" IssueInstant="` + message.Moment(now) + `" Destination="` + or(s.destination, acs) + `"` + outer + `>` +
		`<saml:Issuer>` + or(s.issuer, p.entity) + `</saml:Issuer>` + or(s.status, `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`) +
		`<saml:Assertion ID="` + id + `" Version="2.0" IssueInstant="` + message.Moment(now) + `"><saml:Issuer>` + or(s.issuer, p.entity) + `</saml:Issuer>` +
		`<saml:Subject>` + nameID + `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="` + when(s.until, 5*time.Minute) + `" Recipient="` + or(s.recipient, acs) + `"` + inResponse + `/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="` + when(s.begins, -time.Minute) + `" NotOnOrAfter="` + when(s.until, 5*time.Minute) + `"><saml:AudienceRestriction><saml:Audience>` + or(s.audience, p.h.base+p.at("metadata/")) + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + message.Moment(now) + `" SessionIndex="` + or(s.index, "s1") + `"` + ends + `><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
		`<saml:AttributeStatement>` + s.attributes + `</saml:AttributeStatement></saml:Assertion></samlp:Response>`
	if s.without != "" {
		if !strings.Contains(text, s.without) {
			p.h.t.Fatalf("%s is not in %s", s.without, text)
		}
		text = strings.ReplaceAll(text, s.without, "")
	}
	root, err := message.Parse([]byte(text))
	if err != nil {
		p.h.t.Fatal(err)
	}
	key := p.key
	if s.key != nil {
		key = s.key
	}
	sign := func(el *etree.Element) {
		if err := message.Sign(el, key); err != nil {
			p.h.t.Fatal(err)
		}
	}
	assertion := message.Children(root, message.Assertion, "Assertion")
	if !s.plain && !s.plainBoth {
		sign(assertion[0])
	}
	if s.encryptedFor != nil {
		hidden, err := message.Encrypt(assertion[0], s.encryptedFor.Certificate, or(s.cipher, "aes256-gcm"))
		if err != nil {
			p.h.t.Fatal(err)
		}
		root.InsertChildAt(assertion[0].Index(), hidden)
		root.RemoveChild(assertion[0])
	}
	if s.plain && !s.plainBoth || s.both {
		sign(root)
	}
	if s.with != nil {
		s.with(root)
	}
	return root
}

// bring has a browser bring a response, by the form that its identity provider's page sends.
func (p *idp) bring(b *browser, root *etree.Element, relay string) answer {
	p.h.t.Helper()
	return p.send(b, "acs/", write(p.h.t, root), relay, true)
}

func (p *idp) send(b *browser, what, xml, relay string, response bool) answer {
	p.h.t.Helper()
	form := url.Values{}
	for name, value := range message.Form([]byte(xml), response, relay) {
		form.Set(name, value)
	}
	return b.form(p.at(what), form)
}

func attribute(name string, values ...string) string {
	out := `<saml:Attribute Name="` + name + `">`
	for _, v := range values {
		out += `<saml:AttributeValue>` + html.EscapeString(v) + `</saml:AttributeValue>`
	}
	return out + `</saml:Attribute>`
}

// who gives who is signed in at a browser, "" for nobody.
func (b *browser) who() string {
	b.h.t.Helper()
	got := b.get("/api/v3/core/users/me/")
	if got.status != 200 {
		return ""
	}
	name, _ := got.json(b.h.t)["user"].(map[string]any)["username"].(string)
	return name
}

// through follows redirects within the house and gives the last answer.
func (b *browser) through(a answer) answer {
	b.h.t.Helper()
	for range 8 {
		to := a.header.Get("Location")
		if a.status != 302 || !strings.HasPrefix(to, "/") || to == "/if/user/" {
			break
		}
		a = b.get(to)
	}
	return a
}

// refused holds that a response is refused in words, nobody is signed in by it, and the log says why.
func (p *idp) refused(t *testing.T, b *browser, a answer, word string) {
	t.Helper()
	if a.status != 400 || !strings.Contains(html.UnescapeString(a.body), word) {
		t.Errorf("%d, expected a refusal with %q: %s", a.status, word, a.body)
	}
	if got := b.who(); got != "" {
		t.Errorf("%q: signed in as %s", word, got)
	}
	e := p.h.lastEvent("configuration_error")
	if told := fmt.Sprint(e["context"]); !strings.Contains(told, word) || !strings.Contains(told, p.slug) {
		t.Errorf("event: %s; expected %q", told, word)
	}
	top := p.h.api("GET", "gatehouse/sources/saml/"+p.slug+"/state/", nil, 200)["messages"].([]any)[0].(map[string]any)
	if top["accepted"] != false || !strings.Contains(top["says"].(string), word) {
		t.Errorf("log: %v; expected %q", top, word)
	}
}

// TestSAMLSource holds sign-ins with an account at a SAML identity provider: new people, known ones, matched ones, connected ones.
func TestSAMLSource(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", nil, nil)
	b := h.browser()
	id, relay := p.begin(b, "?next=%2Fif%2Fuser%2F")
	if relay != "/if/user/" {
		t.Errorf("RelayState: %q", relay)
	}
	told := attribute("email", "grace@office.lan") + attribute("name", "Grace Hopper") + attribute("groups", "one", "two") + attribute("is_active", "false") + attribute("path", "users/admins") +
		attribute("attributes.goauthentik.io/user/token-expires", "x")
	got := b.through(p.bring(b, p.response(said{name: "grace", to: id, attributes: told}), relay))
	if got.status != 302 || b.who() != "grace" {
		t.Fatalf("enrolment: %d %s", got.status, got.body)
	}
	u := h.api("GET", "core/users/?username=grace", nil, 200)["results"].([]any)[0].(map[string]any)
	if u["email"] != "grace@office.lan" || u["name"] != "Grace Hopper" || u["path"] != "goauthentik.io/sources/office" || u["is_active"] != true || strings.Contains(fmt.Sprint(u["attributes"]), "token-expires") {
		t.Errorf("the account: %v", u)
	}
	links := h.api("GET", "sources/user_connections/saml/", nil, 200)["results"].([]any)
	if len(links) != 1 || links[0].(map[string]any)["user"] != u["pk"] || links[0].(map[string]any)["identifier"] != "grace" {
		t.Errorf("connections: %v", links)
	}
	// Known from now on, whoever else is of that name; each way of signing holds, and encryption.
	own, ownKP := h.keyPair("ours", "rsa")
	p.patch(obj{"signing_kp": ownKP})
	for name, s := range map[string]said{
		"assertion": {}, "response": {plain: true}, "both": {both: true}, "encrypted": {encryptedFor: own}, "encrypted with CBC": {encryptedFor: own, cipher: "aes128-cbc", both: true},
	} {
		b := h.browser()
		s.name, s.to = "grace", ""
		var relay string
		s.to, relay = p.begin(b, "")
		if got := b.through(p.bring(b, p.response(s), relay)); got.header.Get("Location") != "/if/user/" || b.who() != "grace" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// An account that is switched off does not come in over a source (CVE-2025-53942).
	h.api("PATCH", fmt.Sprintf("core/users/%.0f/", u["pk"].(float64)), obj{"is_active": false}, 200)
	b = h.browser()
	id, relay = p.begin(b, "")
	if got := p.bring(b, p.response(said{name: "grace", to: id}), relay); got.status != 403 || b.who() != "" {
		t.Errorf("an account that is switched off: %d", got.status)
	}
	// Matching.
	h.addUser("ada", "byron-1815")
	p.patch(obj{"user_matching_mode": "username_deny"})
	b = h.browser()
	id, relay = p.begin(b, "")
	if got := p.bring(b, p.response(said{name: "ada", to: id}), relay); got.status != 403 || !strings.Contains(got.body, "has been denied") {
		t.Errorf("username_deny: %d", got.status)
	}
	p.patch(obj{"user_matching_mode": "email_link"})
	b = h.browser()
	id, relay = p.begin(b, "")
	if got := b.through(p.bring(b, p.response(said{name: "a-17", to: id, attributes: attribute("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "ada@office.lan")}), relay)); b.who() != "ada" {
		t.Errorf("email_link: %d %s", got.status, got.body)
	}
	p.patch(obj{"user_matching_mode": "identifier"})
	// Whoever is signed in connects, also when the other side's page sent the form without their cookie.
	h.addUser("joan", "clarke-1917")
	joan := h.signedIn("joan", "clarke-1917")
	id, relay = p.begin(joan, "")
	page := p.bring(h.browser(), p.response(said{name: "j-1", to: id}), relay)
	if page.status != 200 || !strings.Contains(page.body, `name="again"`) || !strings.Contains(page.body, `data-auto`) || !strings.Contains(page.header.Get("Content-Security-Policy"), "form-action 'self'") {
		t.Fatalf("the page that sends the form again: %d %s", page.status, page.body)
	}
	form := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(page.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	if to := formAction.FindStringSubmatch(page.body); to == nil || to[1] != h.base+p.at("acs/") {
		t.Errorf("it leads to %v", to)
	}
	if got := joan.form(p.at("acs/"), form); got.status != 302 || !strings.Contains(got.header.Get("Location"), "settings;page-office") {
		t.Errorf("connecting: %d %s", got.status, got.body)
	}
	// Where people are led is nobody else's choice (case 19).
	for _, evil := range []string{"//evil.example", `/\evil.example`, "https:evil.example", "https://evil.example/", "/\r\nX:y"} {
		b := h.browser()
		if _, relay := p.begin(b, "?next="+url.QueryEscape(evil)); relay == evil {
			t.Errorf("RelayState: %q", relay)
		}
		id, _ := p.begin(b, "?next="+url.QueryEscape(evil))
		if got := b.through(p.bring(b, p.response(said{name: "j-1", to: id}), evil)); got.header.Get("Location") != "/if/user/" {
			t.Errorf("%q leads to %d %q", evil, got.status, got.header.Get("Location"))
		}
	}
	for _, path := range []string{"", "metadata/", "slo/"} {
		if got := h.browser().get("/source/saml/nothing/" + path); got.status != 404 {
			t.Errorf("unknown source, %s: %d", path, got.status)
		}
	}
	p.patch(obj{"enabled": false})
	if got := h.browser().get(p.at("")); got.status != 404 {
		t.Errorf("a source that is switched off: %d", got.status)
	}
}

// TestSAMLSourceAsks holds the request: by redirect and by form, with and without consent, signed so that the metadata's certificate proves it.
func TestSAMLSourceAsks(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", obj{"binding_type": "POST"}, nil)
	own, kp := h.keyPair("ours", "ecdsa")
	p.patch(obj{"signing_kp": kp, "signature_algorithm": own.Method, "name_id_policy": message.NameEmail})
	trust := message.Trust{}
	trust.Certificates = append(trust.Certificates, own.Certificate)
	check := func(what string, el *etree.Element) {
		t.Helper()
		policy := message.Children(el, message.Protocol, "NameIDPolicy")
		if el.SelectAttrValue("Destination", "") != "https://idp.office.lan/sso?a=b" || el.SelectAttrValue("AssertionConsumerServiceURL", "") != h.base+p.at("acs/") || el.SelectAttrValue("ProtocolBinding", "") != message.Post ||
			el.SelectAttrValue("ID", "") == "" || el.SelectAttrValue("IssueInstant", "") == "" || at(t, el, "Issuer") != h.base+p.at("metadata/") || len(policy) != 1 || policy[0].SelectAttrValue("Format", "") != message.NameEmail {
			t.Errorf("%s: %s", what, write(t, el))
		}
	}
	posted := func(what string, a answer) {
		t.Helper()
		form := url.Values{}
		for _, m := range hiddenInput.FindAllStringSubmatch(a.body, -1) {
			form.Set(m[1], html.UnescapeString(m[2]))
		}
		to := formAction.FindStringSubmatch(a.body)
		m, err := message.DecodePost(form)
		if err != nil || m == nil || m.Response || to == nil || html.UnescapeString(to[1]) != "https://idp.office.lan/sso?a=b" || m.RelayState != "/if/user/" {
			t.Fatalf("%s: %v %v %d %s", what, to, err, a.status, a.body)
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://idp.office.lan;") {
			t.Errorf("%s: %s", what, csp)
		}
		el, err := trust.VerifyMessage(m)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		check(what, el)
	}
	b := h.browser()
	page := b.get(p.at("") + "?next=%2Fif%2Fuser%2F")
	if page.status != 302 || page.header.Get("Location") != "/if/flow/default-source-pre-authentication/" {
		t.Fatalf("consent: %d %s", page.status, page.header.Get("Location"))
	}
	const path = "/api/v3/flows/executor/default-source-pre-authentication/?query="
	out := b.flow(path, nil)
	if out["component"] != "ak-stage-consent" || out["header_text"] != "Continue to The office" {
		t.Fatalf("consent: %v", out)
	}
	b.flow(path, map[string]any{"token": out["token"]})
	posted("POST", b.get("/if/flow/default-source-pre-authentication/"))
	p.patch(obj{"binding_type": "POST_AUTO"})
	posted("POST_AUTO", h.browser().get(p.at("")+"?next=%2Fif%2Fuser%2F"))
	p.patch(obj{"binding_type": "REDIRECT"})
	m := p.asked(h.browser().get(p.at("")))
	el, err := trust.VerifyMessage(m)
	if err != nil || !m.Signed() {
		t.Fatal(err)
	}
	check("REDIRECT", el)
	// A key that can't sign so is told of in words, on the page and in the log.
	p.patch(obj{"signature_algorithm": rsa256})
	p.refused(t, h.browser(), h.browser().get(p.at("")), "elliptic-curve key, which can't sign with RSA with SHA-256")

	// Metadata, for whoever asks and by the API.
	p.patch(obj{"signing_kp": p.kp})
	doc := h.browser().get(p.at("metadata/"))
	api := h.api("GET", "sources/saml/office/metadata/", nil, 200)
	if doc.status != 200 || doc.body != api["metadata"] || !strings.HasPrefix(doc.header.Get("Content-Type"), "text/xml") || api["download_url"] != h.base+p.at("metadata/") {
		t.Errorf("metadata: %d %s", doc.status, doc.body)
	}
	meta, err := message.Parse([]byte(doc.body))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"./SPSSODescriptor/AssertionConsumerService": h.base + p.at("acs/"), "./SPSSODescriptor/SingleLogoutService": h.base + p.at("slo/"),
	} {
		if got := meta.FindElement(path); got == nil || got.SelectAttrValue("Location", "") != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if n := len(meta.FindElements("./SPSSODescriptor/NameIDFormat")); n != 5 {
		t.Errorf("%d formats", n)
	}
	if c := meta.FindElement("./SPSSODescriptor/KeyDescriptor[@use='signing']/KeyInfo/X509Data/X509Certificate"); c == nil || c.Text() != base64.StdEncoding.EncodeToString(p.key.Certificate.Raw) {
		t.Error("no signing certificate in the metadata")
	}
	p.patch(obj{"issuer": "urn:own"})
	if got := h.browser().get(p.at("metadata/")); !strings.Contains(got.body, `entityID="urn:own"`) {
		t.Errorf("issuer: %s", got.body)
	}
}

// TestSAMLSourceRefusals holds what an answer has to fit (case 34), each by itself.
func TestSAMLSourceRefusals(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", nil, nil)
	stranger, strangerKP := h.keyPair("stranger", "rsa")
	now := time.Now()
	for name, tt := range map[string]struct {
		s    said
		word string
	}{
		"audience":              {said{audience: "urn:other"}, "made for somebody else (Audience)"},
		"no audience":           {said{without: "<saml:AudienceRestriction><saml:Audience>" + h.base + p.at("metadata/") + "</saml:Audience></saml:AudienceRestriction>"}, "does not say whom it is for (Audience)"},
		"recipient":             {said{recipient: "https://other.lan/acs/"}, "another address (Recipient)"},
		"destination":           {said{destination: "https://other.lan/acs/"}, "another address (Destination)"},
		"issuer":                {said{issuer: "https://evil.lan"}, "another issuer"},
		"no issuer":             {said{without: "<saml:Issuer>" + p.entity + "</saml:Issuer>"}, "does not say who made it"},
		"another request":       {said{to: "_other"}, "another browser"},
		"two requests":          {said{responseTo: "_other"}, "two different requests"},
		"nobody asked":          {said{to: "-"}, "Nobody here asked for this sign-in"},
		"over":                  {said{until: now.Add(-4 * time.Minute)}, "does not count any more"},
		"not yet":               {said{begins: now.Add(4 * time.Minute)}, "does not count yet"},
		"session over":          {said{sessionEnds: now.Add(-4 * time.Minute)}, "session at the other side is over"},
		"not signed":            {said{plainBoth: true}, "Neither the response nor its assertion is signed"},
		"a stranger's":          {said{key: stranger}, "does not fit the certificate"},
		"a stranger's response": {said{key: stranger, plain: true}, "does not fit the certificate"},
		"no name":               {said{nameID: `<saml:NameID></saml:NameID>`}, "names nobody"},
		"a name with elements":  {said{nameID: `<saml:NameID>ada<x xmlns="urn:x">.evil</x></saml:NameID>`}, "something besides text"},
		"a foreign name":        {said{nameID: `<x:NameID xmlns:x="urn:x">ada</x:NameID>`}, "names nobody"},
		"two names":             {said{nameID: `<saml:NameID>ada</saml:NameID><saml:NameID>eve</saml:NameID>`}, "more than once"},
		"SHA-1":                 {said{key: &message.Key{Certificate: p.key.Certificate, Signer: p.key.Signer, Digest: message.SHA256, Method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}}, "SHA-1"},
		"not bearer":            {said{without: `Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"`}, "not one that a browser may bring"},
		"encrypted, no key":     {said{encryptedFor: stranger}, "no RSA key to decrypt it"},
		"denied":                {said{status: `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/><samlp:StatusMessage>No &lt;b&gt; today</samlp:StatusMessage></samlp:Status>`}, "did not sign you in: No <b> today"},
	} {
		t.Run(name, func(t *testing.T) {
			b := h.browser()
			id, relay := p.begin(b, "")
			tt.s.name = "ada"
			if tt.s.to == "" {
				tt.s.to = id
			}
			p.refused(t, b, p.bring(b, p.response(tt.s), relay), tt.word)
		})
	}
	// What came and what was expected stands in the log and in the event.
	b := h.browser()
	id, relay := p.begin(b, "")
	p.bring(b, p.response(said{name: "ada", to: id, audience: "urn:other"}), relay)
	top := h.api("GET", "gatehouse/sources/saml/office/state/", nil, 200)["messages"].([]any)[0].(map[string]any)
	if top["came"] != "urn:other" || top["expected"] != h.base+p.at("metadata/") || top["what"] != "Response" {
		t.Errorf("log: %v", top)
	}
	if c := h.lastEvent("configuration_error")["context"].(map[string]any); c["came"] != "urn:other" || c["saml_message"] != "Response" {
		t.Errorf("event: %v", c)
	}
	// Clocks may be three minutes apart.
	for name, s := range map[string]said{"a clock behind": {until: now.Add(-2 * time.Minute)}, "a clock ahead": {begins: now.Add(2 * time.Minute)}} {
		b := h.browser()
		s.to, relay = p.begin(b, "")
		s.name = "ada"
		if got := b.through(p.bring(b, p.response(s), relay)); b.who() != "ada" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// A comment in a name ends nothing (CVE-2026-40165), an attribute of a foreign namespace is none.
	b = h.browser()
	id, relay = p.begin(b, "")
	whole := p.response(said{to: id, nameID: `<saml:NameID>ada.evil</saml:NameID>`, attributes: `<x:Attribute xmlns:x="urn:x" Name="email"><x:AttributeValue>root@office.lan</x:AttributeValue></x:Attribute>`})
	if got := b.through(p.send(b, "acs/", strings.Replace(write(t, whole), "ada.evil", "ada<!-- -->.evil", 1), relay, true)); b.who() != "ada.evil" {
		t.Errorf("a comment in a name: %q, %d %s", b.who(), got.status, got.body)
	}
	if u := h.api("GET", "core/users/?username=ada.evil", nil, 200)["results"].([]any)[0].(map[string]any); u["email"] != "" {
		t.Errorf("an attribute of a foreign namespace: %v", u["email"])
	}
	// SHA-1 by setting alone; a second certificate, as while the other side changes its own.
	p.set(obj{"allow_sha1": true, "further_verification_kps": []string{strangerKP}})
	old := &message.Key{Certificate: p.key.Certificate, Signer: p.key.Signer, Digest: message.SHA1, Method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}
	for name, key := range map[string]*message.Key{"SHA-1": old, "the second certificate": stranger} {
		b := h.browser()
		id, relay := p.begin(b, "")
		if got := b.through(p.bring(b, p.response(said{name: "ada", to: id, key: key}), relay)); b.who() != "ada" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// Without any certificate nothing is believed, unless a setting says so.
	p.set(obj{"further_verification_kps": []string{}})
	p.patch(obj{"verification_kp": nil})
	b = h.browser()
	id, relay = p.begin(b, "")
	p.refused(t, b, p.bring(b, p.response(said{name: "ada", to: id}), relay), "no certificate to check the answer with")
	p.set(obj{"allow_unsigned": true})
	if got := b.through(p.bring(b, p.response(said{name: "ada", to: id, plainBoth: true}), relay)); b.who() != "ada" {
		t.Errorf("unsigned by setting: %d %s", got.status, got.body)
	}
	p.patch(obj{"verification_kp": p.kp})
	b = h.browser()
	id, relay = p.begin(b, "")
	p.refused(t, b, p.bring(b, p.response(said{name: "ada", to: id, plainBoth: true}), relay), "Neither the response nor its assertion is signed")
	// Words of strangers are not shown.
	b = h.browser()
	p.begin(b, "")
	if got := p.bring(b, p.response(said{to: "_other", plainBoth: true, status: `<samlp:Status><samlp:StatusCode Value="x"/><samlp:StatusMessage>Call 555</samlp:StatusMessage></samlp:Status>`}), ""); got.status != 400 || strings.Contains(got.body, "555") {
		t.Errorf("words of a stranger: %s", got.body)
	}
}

// TestSAMLSourceReplay holds that an answer counts once, also after a start anew, and never in another browser (case 34).
func TestSAMLSourceReplay(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	w := &lockedWriter{}
	o := testOptions(data, true, w)
	h := serveWith(t, o, w)
	p := h.addIdP("office", obj{"allow_idp_initiated": true}, nil)
	b := h.browser()
	id, relay := p.begin(b, "")
	asked := p.response(said{name: "ada", to: id})
	other := h.browser()
	p.begin(other, "")
	p.refused(t, other, p.bring(other, asked, relay), "another browser")
	b.through(p.bring(b, asked, relay))
	if b.who() != "ada" {
		t.Fatal("not signed in")
	}
	unasked := p.response(said{name: "ada", to: "-"})
	first := h.browser()
	p.begin(first, "")
	if got := first.through(p.bring(first, unasked, "/if/user/")); first.who() != "ada" {
		t.Fatalf("the other side begins: %d %s", got.status, got.body)
	}
	again := func(when string) {
		t.Helper()
		for name, root := range map[string]*etree.Element{"used already": unasked, "another browser": asked} {
			b := h.browser()
			p.begin(b, "")
			p.refused(t, b, p.bring(b, root, ""), name)
		}
		if b.who() != "ada" {
			t.Errorf("%s: the first session is gone", when)
		}
	}
	again("at once")
	h.stop()
	o.Config.HTTP = strings.TrimPrefix(h.base, "http://")
	w = &lockedWriter{}
	o = testOptions(data, true, w)
	o.Config.HTTP = strings.TrimPrefix(h.base, "http://")
	h = serveWith(t, o, w)
	p.h, b.h = h, h
	again("after a start anew")
	if n := h.number(`SELECT count(*) FROM saml_source_seen`); n != 2 {
		t.Errorf("%d messages are remembered", n)
	}
	// What nobody asked for connects no account with whoever is signed in.
	h.addUser("joan", "clarke-1917")
	joan := h.signedIn("joan", "clarke-1917")
	if got := p.bring(joan, p.response(said{name: "mallory", to: "-"}), ""); got.status != 400 || !strings.Contains(got.body, "nobody here asked to connect") {
		t.Errorf("an account is connected that nobody asked for: %d", got.status)
	}
	if n := h.number(`SELECT count(*) FROM source_connections WHERE identifier = 'mallory'`); n != 0 {
		t.Error("connected")
	}
}

// evilTwin copies an element as an attacker wants it.
func evilTwin(el *etree.Element, id string) *etree.Element {
	c := unsignedTwin(el)
	for _, n := range c.FindElements("//NameID") {
		n.SetText("admin")
	}
	if id != "" {
		c.CreateAttr("ID", id)
	}
	if c.Tag == "Response" {
		for _, a := range message.Children(c, message.Assertion, "Assertion") {
			a.CreateAttr("ID", "_evila")
		}
	}
	return c
}

// alone copies an element with the namespaces that it needs.
func alone(el *etree.Element) *etree.Element {
	b, err := message.Write(el)
	if err != nil {
		panic(err)
	}
	out, err := message.Parse(b)
	if err != nil {
		panic(err)
	}
	return out
}

func unsignedTwin(el *etree.Element) *etree.Element {
	c := alone(el)
	for _, s := range message.Children(c, message.Signature, "Signature") {
		c.RemoveChild(s)
	}
	return c
}

// TestSAMLSourceWrapping holds XML signature wrapping off (case 33): the eight documents of "On Breaking SAML" and a second assertion first or
// last, with the response, the assertion, or both signed.
func TestSAMLSourceWrapping(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", nil, nil)
	assertion := func(root *etree.Element) *etree.Element {
		return message.Children(root, message.Assertion, "Assertion")[0]
	}
	signature := func(el *etree.Element) *etree.Element {
		if s := message.Children(el, message.Signature, "Signature"); len(s) > 0 {
			return alone(s[0])
		}
		return nil
	}
	put := func(in *etree.Element, at int, el *etree.Element) {
		if el != nil {
			in.InsertChildAt(at, el)
		}
	}
	swap := func(root, out, in *etree.Element) {
		root.InsertChildAt(out.Index(), in)
		root.RemoveChild(out)
	}
	for name, wrap := range map[string]func(root *etree.Element) *etree.Element{
		"1": func(root *etree.Element) *etree.Element {
			e, s := evilTwin(root, "_evil"), signature(root)
			if s != nil {
				s.AddChild(unsignedTwin(root))
			}
			put(e, 1, s)
			return e
		},
		"2": func(root *etree.Element) *etree.Element {
			e := evilTwin(root, "_evil")
			e.InsertChildAt(1, unsignedTwin(root))
			put(e, 2, signature(root))
			return e
		},
		"3": func(root *etree.Element) *etree.Element {
			a := assertion(root)
			root.InsertChildAt(a.Index(), evilTwin(a, "_evil"))
			return root
		},
		"4": func(root *etree.Element) *etree.Element {
			a := assertion(root)
			e := evilTwin(a, "_evil")
			e.AddChild(alone(a))
			swap(root, a, e)
			return root
		},
		"5": func(root *etree.Element) *etree.Element {
			a := assertion(root)
			e := evilTwin(a, "_evil")
			put(e, 1, signature(a))
			root.AddChild(unsignedTwin(a))
			swap(root, a, e)
			return root
		},
		"6": func(root *etree.Element) *etree.Element {
			a := assertion(root)
			e, s := evilTwin(a, "_evil"), signature(a)
			if s != nil {
				s.AddChild(unsignedTwin(a))
			}
			put(e, 1, s)
			swap(root, a, e)
			return root
		},
		"7": func(root *etree.Element) *etree.Element {
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(evilTwin(assertion(root), ""))
			root.InsertChildAt(1, x)
			return root
		},
		"8": func(root *etree.Element) *etree.Element {
			a := assertion(root)
			e, s := evilTwin(a, "_evil"), signature(a)
			if s != nil {
				s.CreateElement("ds:Object").AddChild(unsignedTwin(a))
			}
			put(e, 1, s)
			swap(root, a, e)
			return root
		},
		"an unsigned assertion first": func(root *etree.Element) *etree.Element {
			root.InsertChildAt(1, evilTwin(assertion(root), "_evil"))
			return root
		},
		"an unsigned assertion last": func(root *etree.Element) *etree.Element {
			root.AddChild(evilTwin(assertion(root), "_evil"))
			return root
		},
		"changed": func(root *etree.Element) *etree.Element {
			root.FindElement("//NameID").SetText("admin")
			return root
		},
	} {
		for way, s := range map[string]said{"response": {plain: true}, "assertion": {}, "both": {both: true}} {
			t.Run(name+" "+way, func(t *testing.T) {
				b := h.browser()
				id, relay := p.begin(b, "")
				s.name, s.to = "ada", id
				got := p.bring(b, wrap(p.response(s)), relay)
				if b.who() != "" || got.status != 400 {
					t.Errorf("%d, signed in as %q", got.status, b.who())
				}
				if e := h.lastEvent("configuration_error"); !strings.Contains(fmt.Sprint(e["context"]), "office") {
					t.Errorf("event: %v", e)
				}
			})
		}
	}
	if n := h.number(`SELECT count(*) FROM users WHERE username IN ('ada', 'admin')`); n != 0 {
		t.Error("an account was made")
	}
}

// TestSAMLSourceBombs holds the parser to little work for what is no message (case 35).
func TestSAMLSourceBombs(t *testing.T) { // beside no other test: it looks at the memory of the process
	h := open(t, true)
	p := h.addIdP("office", nil, nil)
	b := h.browser()
	id, _ := p.begin(b, "")
	good := write(t, p.response(said{name: "ada", to: id}))
	deep := strings.Repeat(`<a xmlns:b="urn:b">`, 14000) + strings.Repeat("</a>", 14000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, xml := range map[string]string{
		"nested tags": deep, "a document type": `<!DOCTYPE a [<!ENTITY b "ha">]>` + good, "entities": `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><a>&b;</a>`,
		"a 20 MB comment": "<a><!--" + strings.Repeat("x", 20<<20) + "--></a>", "cut off": good[:len(good)/2], "no XML": "hello", "nothing": "",
		"many attributes": "<a " + strings.Repeat(`b="c" `, 20000) + "/>", "many namespaces": "<a " + strings.Repeat(`xmlns:a="b" `, 20000) + "/>",
	} {
		if got := p.send(b, "acs/", xml, "", true); got.status != 400 || !strings.Contains(got.body, "<!doctype html>") && !strings.Contains(got.body, "<!DOCTYPE html>") {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
		}
	}
	for name, field := range map[string]string{"wrong base64": "%%%", "half of it": base64.StdEncoding.EncodeToString([]byte(good))[:101]} {
		if got := b.form(p.at("acs/"), url.Values{"SAMLResponse": {field}}); got.status != 400 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	zip := url.QueryEscape(base64.StdEncoding.EncodeToString(message.Deflate([]byte("<a>" + strings.Repeat(" ", 8<<20) + "</a>"))))
	if got := b.get(p.at("slo/") + "?SAMLRequest=" + zip); got.status != 400 || !strings.Contains(got.body, "larger than") {
		t.Errorf("a deflate bomb: %d %.300s", got.status, got.body)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+64<<20 {
		t.Errorf("%d MiB stay", (after.HeapAlloc-before.HeapAlloc)>>20)
	}
	if got := b.do("POST", p.at("acs/"), "multipart/form-data; boundary=x", "--x--"); got.status != 400 {
		t.Errorf("another kind of form: %d", got.status)
	}
	b.through(p.send(b, "acs/", good, "", true))
	if b.who() != "ada" {
		t.Error("the genuine answer does not count any more")
	}
}

// TestSAMLSourceLogout holds signing out, from here and from there.
func TestSAMLSourceLogout(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", nil, nil)
	own, kp := h.keyPair("ours", "rsa")
	p.patch(obj{"signing_kp": kp})
	trust := message.Trust{}
	trust.Certificates = append(trust.Certificates, own.Certificate)
	enter := func(index string) *browser {
		t.Helper()
		b := h.browser()
		id, relay := p.begin(b, "")
		b.through(p.bring(b, p.response(said{name: "ada", to: id, index: index}), relay))
		if b.who() != "ada" {
			t.Fatal("not signed in")
		}
		return b
	}
	leaves := func(what string, a answer) {
		t.Helper()
		m := p.asked(a)
		el, err := trust.VerifyMessage(m)
		if err != nil || !m.Signed() || el.Tag != "LogoutRequest" || at(t, el, "NameID") != "ada" || at(t, el, "SessionIndex") != "here" || el.SelectAttrValue("Destination", "") != "https://idp.office.lan/slo" || at(t, el, "Issuer") != h.base+p.at("metadata/") {
			t.Errorf("%s: %v %s", what, err, write(t, m.Root))
		}
	}
	// From here: by the source's own address, and by the usual way to sign out.
	b := enter("here")
	leaves("slo", b.get(p.at("slo/")))
	if b.who() != "" || h.lastEvent("logout")["user"].(map[string]any)["username"] != "ada" {
		t.Error("still signed in")
	}
	if got := b.get(p.at("slo/")); got.status != 302 || !strings.HasPrefix(got.header.Get("Location"), "/flows/-/default/authentication/?next=") {
		t.Errorf("nobody is signed in: %d %s", got.status, got.header.Get("Location"))
	}
	b = enter("here")
	out := b.get("/flows/-/default/invalidation/?next=%2Fif%2Fuser%2F")
	for range 3 {
		if strings.HasPrefix(out.header.Get("Location"), "/") {
			out = b.get(out.header.Get("Location"))
		}
	}
	leaves("the usual way", out)
	if m := p.asked(out); m.RelayState != "/if/user/" || b.who() != "" {
		t.Errorf("RelayState %q, %q is signed in", m.RelayState, b.who())
	}
	p.set(obj{"logout_other_side": false})
	b = enter("here")
	if got := b.through(b.get("/flows/-/default/invalidation/")); strings.Contains(got.header.Get("Location"), "idp.office.lan") || b.who() != "" {
		t.Errorf("told all the same: %s", got.header.Get("Location"))
	}
	p.set(obj{"logout_other_side": true, "slo_binding": "post"})
	b = enter("here")
	if got := b.get(p.at("slo/")); got.status != 200 || !strings.Contains(got.body, `action="https://idp.office.lan/slo"`) || !strings.Contains(got.body, `name="SAMLRequest"`) {
		t.Errorf("by form: %d %s", got.status, got.body)
	}
	p.set(obj{"slo_binding": "redirect"})
	// The answer of the other side.
	response := func(status string) string {
		return `<samlp:LogoutResponse xmlns:samlp="` + message.Protocol + `" xmlns:saml="` + message.Assertion + `" ID="_l" Version="2.0" IssueInstant="` + message.Moment(time.Now()) + `" Destination="` + h.base + p.at("slo/") + `"><saml:Issuer>` + p.entity + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="` + status + `"/></samlp:Status></samlp:LogoutResponse>`
	}
	const good = "urn:oasis:names:tc:SAML:2.0:status:Success"
	back, err := message.RedirectURL(h.base+p.at("slo/"), []byte(response(good)), true, "/if/user/", p.key)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.get(back); got.status != 302 || got.header.Get("Location") != "/if/user/" {
		t.Errorf("the answer: %d %s", got.status, got.body)
	}
	if got := p.send(b, "slo/", response(good), "//evil.example", true); got.status != 302 || got.header.Get("Location") != "/" {
		t.Errorf("the answer by form: %d %s", got.status, got.header.Get("Location"))
	}
	p.refused(t, b, p.send(b, "slo/", response("urn:oasis:names:tc:SAML:2.0:status:PartialLogout"), "", true), "could not sign you out everywhere")

	// From there.
	request := func(name, index, more string) string {
		if index != "" {
			index = "<samlp:SessionIndex>" + index + "</samlp:SessionIndex>"
		}
		p.n++
		return `<samlp:LogoutRequest xmlns:samlp="` + message.Protocol + `" xmlns:saml="` + message.Assertion + `" ID="` + fmt.Sprintf("_q%d", p.n) + `" Version="2.0" IssueInstant="` + message.Moment(time.Now()) + `" Destination="` + h.base + p.at("slo/") + `" ` + more + `><saml:Issuer>` + p.entity + `</saml:Issuer><saml:NameID>` + name + `</saml:NameID>` + index + `</samlp:LogoutRequest>`
	}
	redirect := func(xml string, k *message.Key) string {
		to, err := message.RedirectURL(h.base+p.at("slo/"), []byte(xml), false, "r s", k)
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	one, two := enter("one"), enter("two")
	stranger, _ := h.keyPair("stranger", "rsa")
	out2 := h.browser()
	for word, to := range map[string]string{
		"is not signed": redirect(request("ada", "", ""), nil), "does not fit the certificate": redirect(request("ada", "", ""), stranger),
		"another address (Destination)": redirect(strings.Replace(request("ada", "", ""), p.at("slo/"), p.at("acs/"), 1), p.key),
		"another issuer":                redirect(strings.Replace(request("ada", "", ""), p.entity, "urn:evil", 1), p.key),
		"does not count any more":       redirect(request("ada", "", `NotOnOrAfter="2026-01-01T00:00:00Z"`), p.key),
		"not just now":                  redirect(strings.Replace(request("ada", "", ""), message.Moment(time.Now())[:10], "2020-01-01", 1), p.key),
	} {
		p.refused(t, out2, out2.get(to), word)
	}
	if one.who() != "ada" || two.who() != "ada" {
		t.Fatal("a refused request ended a session")
	}
	first := redirect(request("ada", "one", ""), p.key)
	got := h.browser().get(first) // the other side's page may bring no cookie
	m := &message.Message{}
	if to, err := url.Parse(got.header.Get("Location")); err != nil || got.status != 302 {
		t.Fatalf("%d %s", got.status, got.body)
	} else if m, err = message.DecodeRedirect(to.RawQuery); err != nil || m == nil || !m.Response || m.RelayState != "r s" {
		t.Fatalf("%s: %v", to, err)
	}
	el, err := trust.VerifyMessage(m)
	if err != nil || el.Tag != "LogoutResponse" || !strings.HasPrefix(el.SelectAttrValue("InResponseTo", ""), "_q") || el.FindElement("./Status/StatusCode").SelectAttrValue("Value", "") != good {
		t.Errorf("answer: %v %s", err, write(t, m.Root))
	}
	if one.who() != "" || two.who() != "ada" {
		t.Errorf("after the request for one session: %q %q", one.who(), two.who())
	}
	p.refused(t, out2, out2.get(first), "used already")
	// All sessions of a name, by a signed form.
	el, err = message.Parse([]byte(request("ada", "", "")))
	if err == nil {
		err = message.Sign(el, p.key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := p.send(h.browser(), "slo/", write(t, el), "", false); got.status != 302 || two.who() != "" {
		t.Errorf("by form: %d, %q", got.status, two.who())
	}
	// A session lasts no longer than the one at the other side.
	b = h.browser()
	id, relay := p.begin(b, "")
	ends := time.Now().Add(20 * time.Minute)
	b.through(p.bring(b, p.response(said{name: "ada", to: id, sessionEnds: ends}), relay))
	if n := h.number(`SELECT count(*) FROM sessions WHERE "user" IS NOT NULL AND expires BETWEEN ? AND ?`, ends.Add(-2*time.Second).UnixMicro(), ends.UnixMicro()); n != 1 {
		t.Errorf("%d sessions end with the other side's", n)
	}
}

// TestSAMLSourceTemporary holds people whose name counts once: their account goes with the sign-out, or when its time is over.
func TestSAMLSourceTemporary(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", obj{"name_id_policy": message.NameTransient, "slo_url": nil}, nil)
	h.addUser("taken", "taken-1815")
	enter := func(name string) *browser {
		b := h.browser()
		id, relay := p.begin(b, "")
		if got := b.through(p.bring(b, p.response(said{name: name, format: message.NameTransient, to: id, attributes: attribute("mail", "x@office.lan")}), relay)); b.who() == "" {
			t.Fatalf("%s: %d %s", name, got.status, got.body)
		}
		return b
	}
	b := enter("_t1")
	u := h.api("GET", "core/users/?username=_t1", nil, 200)["results"].([]any)[0].(map[string]any)
	at := u["attributes"].(map[string]any)
	if at["goauthentik.io/user/generated"] != true || at["goauthentik.io/user/delete-on-logout"] != true || fmt.Sprint(at["goauthentik.io/user/sources"]) != "[The office]" ||
		at["goauthentik.io/user/expires"].(float64) < float64(time.Now().Add(23*time.Hour).Unix()) || u["path"] != "goauthentik.io/sources/office" || u["email"] != "x@office.lan" {
		t.Errorf("the account: %v", u)
	}
	b.through(b.get("/flows/-/default/invalidation/"))
	if n := h.number(`SELECT count(*) FROM users WHERE username = '_t1'`); n != 0 || b.who() != "" {
		t.Error("the account stays after the sign-out")
	}
	if n := h.number(`SELECT count(*) FROM source_connections`); n != 0 {
		t.Error("its connection stays")
	}
	// A name that is somebody's gives no way into their account.
	if got := enter("taken").who(); got == "taken" || !strings.HasPrefix(got, "office-") {
		t.Errorf("signed in as %q", got)
	}
	p.patch(obj{"temporary_user_delete_after": "seconds=1"})
	enter("_t2")
	h.write(`UPDATE users SET attributes = replace(attributes, '"goauthentik.io/user/expires":', '"goauthentik.io/user/expires":0,"x":') WHERE username = '_t2'`)
	if n, err := h.s.rooms.abroad.Arrivals.CleanUp(t.Context()); n != 1 || err != nil || h.number(`SELECT count(*) FROM users WHERE username = '_t2'`) != 0 {
		t.Errorf("cleaned up: %d %v", n, err)
	}
	if h.number(`SELECT count(*) FROM users WHERE username LIKE 'office-%'`) != 1 {
		t.Error("an account went whose time is not over")
	}
}

// TestSAMLSourceImport makes a source from metadata, given or read at an address, and signs in by it at a second house.
func TestSAMLSourceImport(t *testing.T) {
	t.Parallel()
	there := open(t, true)
	data := t.TempDir()
	furnished(t, data)
	w := &lockedWriter{}
	o := testOptions(data, true, w)
	o.Config.Outgoing = "127.0.0.1"
	h := serveWith(t, o, w)
	wiki := there.addSP("here", obj{"acs_url": h.base + "/source/saml/other/acs/", "audience": h.base + "/source/saml/other/metadata/", "issuer": there.base + "/saml"})
	text := there.api("GET", fmt.Sprintf("providers/saml/%d/metadata/", wiki.pk), nil, 200)["metadata"].(string)
	got := h.api("POST", "gatehouse/sources/saml/import/", obj{"name": "The other office", "slug": "other", "metadata": text}, 201)
	if got["slug"] != "other" || got["idp_entity_id"] != there.base+"/saml" {
		t.Errorf("import: %v", got)
	}
	s := h.api("GET", "sources/saml/other/", nil, 200)
	if !strings.HasPrefix(s["sso_url"].(string), there.base+"/application/saml/here/sso/binding/redirect/") || s["verification_kp"] == nil || s["binding_type"] != "REDIRECT" ||
		s["authentication_flow"] != h.flowNamed("default-source-authentication") || s["enrollment_flow"] != h.flowNamed("default-source-enrollment") {
		t.Errorf("the source: %v", s)
	}
	state := h.api("GET", "gatehouse/sources/saml/other/state/", nil, 200)
	certs := state["certificates"].([]any)
	if state["acs_url"] != h.base+"/source/saml/other/acs/" || state["entity_id"] != h.base+"/source/saml/other/metadata/" || len(certs) == 0 || certs[0].(map[string]any)["over"] != false || certs[0].(map[string]any)["use"] != "verification" {
		t.Errorf("state: %v", state)
	}
	// A real sign-in over the two houses.
	there.addUser("grace", "hopper-1906")
	grace := there.signedIn("grace", "hopper-1906")
	b := h.browser()
	a := b.get("/source/saml/other/?next=%2Fif%2Fuser%2F")
	arrived := grace.mustArrive(grace.get(strings.TrimPrefix(a.header.Get("Location"), there.base)))
	if arrived.to != h.base+"/source/saml/other/acs/" {
		t.Fatalf("%+v", arrived)
	}
	last := b.through(b.form("/source/saml/other/acs/", arrived.raw))
	if b.who() == "" {
		t.Fatalf("not signed in: %d %s", last.status, last.body)
	}
	// From an address; the same certificate is kept once.
	served := serveMetadata(t, text)
	h.api("POST", "gatehouse/sources/saml/import/", obj{"name": "By address", "slug": "by-address", "url": served}, 201)
	if x := h.api("GET", "sources/saml/by-address/", nil, 200); x["verification_kp"] != s["verification_kp"] {
		t.Error("the certificate is kept twice")
	}
	cut := func(old, fresh string) string { return strings.Replace(text, old, fresh, 1) }
	der := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	for word, in := range map[string]obj{
		"either the metadata or the address": {"name": "x", "slug": "x"},
		"not well-formed XML":                {"name": "x", "slug": "x", "metadata": string(der)},
		"document type":                      {"name": "x", "slug": "x", "metadata": "<!DOCTYPE a>" + text},
		"describe no identity provider":      {"name": "x", "slug": "x", "metadata": `<EntityDescriptor xmlns="` + message.Metadata + `" entityID="a"/>`},
		"no address to sign in at":           {"name": "x", "slug": "x", "metadata": strings.ReplaceAll(text, "SingleSignOnService", "Other")},
		"do not name the identity provider":  {"name": "x", "slug": "x", "metadata": cut(`entityID="`, `entity="`)},
		"counted until 2020-01-01T00:00:00Z": {"name": "x", "slug": "x", "metadata": cut(`entityID="`, `validUntil="2020-01-01T00:00:00Z" entityID="`)},
		"begins with https":                  {"name": "x", "slug": "x", "url": "file:///etc/passwd"},
		"answered with 404":                  {"name": "x", "slug": "x", "url": served + "/none"},
		"must be unique":                     {"name": "x", "slug": "other", "metadata": text},
	} {
		res := h.browser().do("POST", "/api/v3/gatehouse/sources/saml/import/", "application/json", marshal(t, in), "Authorization", "Bearer "+bootToken)
		if res.status != 400 || !strings.Contains(res.body, word) {
			t.Errorf("%d, expected %q: %s", res.status, word, res.body)
		}
	}
	// An inner address is not read unless it is allowed (case 32).
	if res := there.browser().do("POST", "/api/v3/gatehouse/sources/saml/import/", "application/json", marshal(t, obj{"name": "x", "slug": "x", "url": served}), "Authorization", "Bearer "+bootToken); res.status != 400 {
		t.Errorf("an inner address: %d %s", res.status, res.body)
	}
}

// serveMetadata answers with a text at its address.
func serveMetadata(t *testing.T, text string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestSourceStageSAML holds the source stage over a SAML source, by redirect and by form: password, the other side, the same flow goes on.
func TestSourceStageSAML(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p := h.addIdP("office", obj{"user_matching_mode": "username_link", "allow_idp_initiated": true}, nil)
	for _, name := range []string{"ada", "grace"} {
		h.addUser(name, name+"-here-1815")
	}
	away := h.api("POST", "stages/source/", obj{"name": "away", "source": p.source["pk"], "resume_timeout": "minutes=10"}, 201)["pk"].(string)
	h.api("POST", "flows/bindings/", obj{"target": h.flowNamed("default-authentication-flow"), "stage": away, "order": 25}, 201)
	const path = "/api/v3/flows/executor/default-authentication-flow/?query=next%3D%252Fif%252Fuser%252F"
	begin := func() (*browser, string) {
		t.Helper()
		b := h.browser()
		b.flow(path, nil)
		b.flow(path, obj{"uid_field": "ada"})
		out := b.flow(path, obj{"password": "ada-here-1815"})
		if out["type"] != "redirect" || !strings.HasPrefix(out["to"].(string), p.at("")) {
			t.Fatalf("the stage: %v", out)
		}
		return b, out["to"].(string)
	}
	for _, binding := range []string{"REDIRECT", "POST", "POST_AUTO"} {
		p.patch(obj{"binding_type": binding})
		b, to := begin()
		for _, in := range []obj{{}, {"component": "ak-stage-source"}} { // an empty answer leads nowhere (CVE-2026-49443)
			if out := b.flow(path, in); out["type"] != "redirect" || out["to"] != to {
				t.Errorf("an answer to the stage: %v", out)
			}
		}
		ask := func(b *browser) string {
			t.Helper()
			got := b.get(to)
			if binding == "REDIRECT" {
				return p.asked(got).Root.SelectAttrValue("ID", "")
			}
			form := url.Values{} // at once: another flow would take the place of this one
			for _, m := range hiddenInput.FindAllStringSubmatch(got.body, -1) {
				form.Set(m[1], html.UnescapeString(m[2]))
			}
			m, err := message.DecodePost(form)
			if got.status != 200 || err != nil || m == nil {
				t.Fatalf("%s: %d %v %s", binding, got.status, err, got.body)
			}
			return m.Root.SelectAttrValue("ID", "")
		}
		id := ask(b)
		if got := b.who(); got != "" {
			t.Errorf("signed in before the other side: %v", got)
		}
		// Another browser, with a sign-in of its own under way, and one of somebody else.
		other := h.browser()
		other.get(p.at(""))
		if got := p.bring(other, p.response(said{name: "ada", to: id}), ""); got.status != 400 || other.who() != "" {
			t.Errorf("%s, another browser: %d %q", binding, got.status, other.who())
		}
		wrong, _ := begin()
		if got := p.bring(wrong, p.response(said{name: "grace", to: ask(wrong)}), ""); got.status != 403 || wrong.who() != "" {
			t.Errorf("%s, another account: %d %q", binding, got.status, wrong.who())
		}
		// The right one.
		got := p.bring(b, p.response(said{name: "ada", to: id}), "")
		if got.status != 302 || !strings.HasPrefix(got.header.Get("Location"), "/if/flow/default-authentication-flow/?next=") {
			t.Fatalf("%s, back: %d %s %s", binding, got.status, got.header.Get("Location"), got.body)
		}
		if out := b.flow(path, nil); out["type"] != "redirect" || out["to"] != "/if/user/" || b.who() != "ada" {
			t.Errorf("%s, the end: %v", binding, out)
		}
	}
	// Browsers hold the policy of a page against the redirects after its form, and that page can't know the other side: a page leads there.
	form := h.browser()
	page, where := form.page("/if/flow/default-authentication-flow/?next=%2Fif%2Fuser%2F")
	page, where = form.press(page, where, url.Values{"uid_field": {"ada"}})
	page, _ = form.press(page, where, url.Values{"password": {"ada-here-1815"}})
	if page.status != 200 || !strings.Contains(page.body, `<meta http-equiv="refresh" content="0;url=`+p.at("")+`?next=%2Fif%2Fuser%2F">`) {
		t.Errorf("after the form: %d %s", page.status, page.body)
	}
	if n := h.number(`SELECT count(*) FROM source_connections`); n != 1 {
		t.Errorf("%d connections", n)
	}
	// What nobody asked for is no second factor.
	b, _ := begin()
	if got := p.bring(b, p.response(said{name: "ada", to: "-"}), ""); strings.HasPrefix(got.header.Get("Location"), "/if/flow/default-authentication-flow/") {
		t.Errorf("an answer that nobody asked for goes on with the flow: %s", got.header.Get("Location"))
	}
	// Too long away: the flow begins anew.
	p.patch(obj{"binding_type": "REDIRECT"})
	h.api("PATCH", "stages/source/"+away+"/", obj{"resume_timeout": "seconds=0"}, 200)
	b, to := begin()
	id := p.asked(b.get(to)).Root.SelectAttrValue("ID", "")
	if got := p.bring(b, p.response(said{name: "ada", to: id}), ""); got.status != 302 || b.who() != "" {
		t.Errorf("too late: %d", got.status)
	}
	if out := b.flow(path, nil); out["component"] != "ak-stage-identification" {
		t.Errorf("too late: %v", out)
	}
}

// TestSAMLSourceRights holds who may see and change what goes beyond the release.
func TestSAMLSourceRights(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	p, other := h.addIdP("office", nil, nil), h.addIdP("branch", nil, nil)
	reader, plain := h.addUser("reader", "reader-1815"), h.addUser("plain", "plain-1815")
	h.grant(t, reader, "authentik_sources_saml.view_samlsource", p.source["pk"].(string))
	beyond := marshal(t, h.api("GET", "gatehouse/sources/saml/office/beyond/", nil, 200))
	for name, tt := range map[string]struct {
		token string
		want  [5]int
	}{
		"reader": {h.tokenOf(reader, "reader", "api"), [5]int{200, 200, 403, 403, 403}}, "plain": {h.tokenOf(plain, "plain", "api"), [5]int{403, 403, 403, 403, 403}}, "nobody": {"", [5]int{403, 403, 403, 403, 403}},
	} {
		for i, ask := range [][3]string{
			{"GET", "office/state/", ""}, {"GET", "office/beyond/", ""}, {"PUT", "office/beyond/", beyond}, {"GET", other.slug + "/state/", ""}, {"POST", "import/", `{"name":"x","slug":"x","metadata":"x"}`},
		} {
			if got := h.as(tt.token, ask[0], "gatehouse/sources/saml/"+ask[1], ask[2]); got.status != tt.want[i] {
				t.Errorf("%s, %s %s: %d %s", name, ask[0], ask[1], got.status, got.body)
			}
		}
	}
	for path, want := range map[string]int{"gatehouse/sources/saml/none/state/": 404, "gatehouse/sources/oauth/none/state/": 404, "gatehouse/sources/saml/office/state/?after=x": 400} {
		h.api("GET", path, nil, want)
	}
	h.api("PUT", "gatehouse/sources/saml/office/beyond/", obj{"further_verification_kps": []string{"6d1c2b4e-0000-4000-8000-000000000000"}}, 400)
	for field, to := range map[string]string{"sso_url": "javascript:alert(1)", "slo_url": "data:text/html,x"} {
		h.api("PATCH", "sources/saml/office/", obj{field: to}, 400)
	}
}
