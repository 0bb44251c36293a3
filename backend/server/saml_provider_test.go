package server

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/beevik/etree"
	csaml "github.com/crewjam/saml"

	"gatehouse/backend/crypt"
	message "gatehouse/backend/saml"
)

// sp is a SAML application with what its other side knows.
type sp struct {
	h        *house
	slug     string
	pk       int
	acs      string
	trust    message.Trust // of what Gatehouse signs
	own      *message.Key  // what the application signs with
	ownKP    string
	provider obj
}

const rsa256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

// keyPair keeps a new certificate and gives its key and its pk; alg is "rsa" or "ecdsa".
func (h *house) keyPair(name, alg string) (*message.Key, string) {
	h.t.Helper()
	certText, keyText, err := crypt.SelfSigned(crypt.SelfSignedOptions{CommonName: name, Alg: alg, RSABits: 2048})
	if err != nil {
		h.t.Fatal(err)
	}
	pk := h.api("POST", "crypto/certificatekeypairs/", obj{"name": name, "certificate_data": certText, "key_data": keyText}, 201)["pk"].(string)
	c, err := crypt.ParseCertificate(certText)
	if err != nil {
		h.t.Fatal(err)
	}
	k, err := crypt.ParsePrivateKey(keyText)
	if err != nil {
		h.t.Fatal(err)
	}
	key := &message.Key{Certificate: c, Signer: k, Digest: message.SHA256, Method: rsa256}
	if alg == "ecdsa" {
		key.Method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	}
	return key, pk
}

// addSP makes a SAML application that everybody may use; more goes to the provider.
func (h *house) addSP(slug string, more obj) *sp {
	h.t.Helper()
	key, kp := h.keyPair("idp "+slug, "rsa")
	s := &sp{h: h, slug: slug, acs: "https://" + slug + ".office.lan/acs?tenant=1", trust: message.Trust{Certificates: []*x509.Certificate{key.Certificate}}}
	in := obj{
		"name": slug, "authorization_flow": h.flowNamed("default-provider-authorization-implicit-consent"), "acs_url": s.acs, "issuer": "urn:house", "audience": "urn:" + slug,
		"signing_kp": kp, "sp_binding": "post", "property_mappings": keys(h.mappingsOf("saml")),
	}
	for k, v := range more {
		in[k] = v
	}
	s.acs = in["acs_url"].(string)
	s.provider = h.api("POST", "providers/saml/", in, 201)
	s.pk = int(s.provider["pk"].(float64))
	h.api("POST", "core/applications/", obj{"name": strings.ToUpper(slug), "slug": slug, "provider": s.pk}, 201)
	return s
}

func keys(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, m[k])
	}
	return out
}

// demands has the provider ask for signatures of the application.
func (s *sp) demands() *sp {
	s.own, s.ownKP = s.h.keyPair("sp "+s.slug, "rsa")
	s.h.api("PATCH", fmt.Sprintf("providers/saml/%d/", s.pk), obj{"verification_kp": s.ownKP}, 200)
	return s
}

func (s *sp) set(more obj) {
	s.h.t.Helper()
	at := fmt.Sprintf("gatehouse/providers/saml/%d/beyond/", s.pk)
	in := s.h.api("GET", at, nil, 200)
	for k, v := range more {
		in[k] = v
	}
	s.h.api("PUT", at, in, 200)
}

// request is an AuthnRequest; more is put into it as it is.
func (s *sp) request(attrs, more string) string {
	return `<samlp:AuthnRequest xmlns:samlp="` + message.Protocol + `" xmlns:saml="` + message.Assertion + `" ID="_q1" Version="2.0" IssueInstant="2026-11-29T10:00:00Z" ` + attrs + `><saml:Issuer>urn:` + s.slug + `</saml:Issuer>` + more + `</samlp:AuthnRequest>`
}

func (s *sp) at(what string) string { return "/application/saml/" + s.slug + "/" + what + "/" }

// byRedirect gives the address that carries a message, signed with k unless it is nil.
func (s *sp) byRedirect(what, xml, relay string, k *message.Key) string {
	s.h.t.Helper()
	to, err := message.RedirectURL(s.h.base+s.at(what), []byte(xml), false, relay, k)
	if err != nil {
		s.h.t.Fatal(err)
	}
	return to
}

// signed puts a signature into a message.
func (s *sp) signed(xml string, k *message.Key) string {
	s.h.t.Helper()
	el, err := message.Parse([]byte(xml))
	if err != nil {
		s.h.t.Fatal(err)
	}
	if err := message.Sign(el, k); err != nil {
		s.h.t.Fatal(err)
	}
	b, err := message.Write(el)
	if err != nil {
		s.h.t.Fatal(err)
	}
	return string(b)
}

// arrived is what came to the application.
type arrived struct {
	to, relay string
	root      *etree.Element
	raw       url.Values
	rawQuery  string
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// arrives follows an address until a message reaches the application, by form or by address; consent is given. nil: it ended at a page.
func (b *browser) arrives(a answer) (*arrived, answer) {
	b.h.t.Helper()
	for range 10 {
		if a.status == 200 && strings.Contains(a.body, `name="SAMLResponse"`) {
			out := &arrived{raw: url.Values{}}
			for _, m := range hiddenInput.FindAllStringSubmatch(a.body, -1) {
				out.raw.Set(m[1], html.UnescapeString(m[2]))
			}
			if m := formAction.FindStringSubmatch(a.body); m != nil {
				out.to = html.UnescapeString(m[1])
			}
			csp := a.header.Get("Content-Security-Policy")
			if u, err := url.Parse(out.to); err != nil || !strings.Contains(csp, "form-action 'self' "+u.Scheme+"://"+u.Host+";") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				b.h.t.Fatalf("policy of the form to %s: %s", out.to, csp)
			}
			if !strings.Contains(a.body, "<button") {
				b.h.t.Fatal("no button for a browser without JavaScript")
			}
			m, err := message.DecodePost(out.raw)
			if err != nil || m == nil || !m.Response {
				b.h.t.Fatalf("the form: %v %v", err, out.raw)
			}
			out.root, out.relay = m.Root, m.RelayState
			return out, a
		}
		if a.status != 302 && a.status != 303 {
			return nil, a
		}
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil {
			b.h.t.Fatal(err)
		}
		if to.IsAbs() && !strings.HasPrefix(to.String(), b.h.base) {
			m, err := message.DecodeRedirect(to.RawQuery)
			if err != nil || m == nil || !m.Response {
				b.h.t.Fatalf("%s: %v", to, err)
			}
			return &arrived{to: to.Scheme + "://" + to.Host + to.Path, relay: m.RelayState, root: m.Root, raw: to.Query(), rawQuery: to.RawQuery}, a
		}
		if slug, ok := strings.CutPrefix(to.Path, "/if/flow/"); ok {
			page := b.get(to.String())
			if strings.Contains(page.body, `name="SAMLResponse"`) {
				a = page
				continue
			}
			return nil, answer{status: page.status, header: page.header, body: slug + ": " + page.body}
		}
		a = b.get(to.String())
	}
	b.h.t.Fatal("too many redirects")
	return nil, a
}

// mustArrive is arrives where a message has to come.
func (b *browser) mustArrive(a answer) *arrived {
	b.h.t.Helper()
	out, last := b.arrives(a)
	if out == nil {
		b.h.t.Fatalf("nothing arrived at the application: %d %.2000s", last.status, last.body)
	}
	return out
}

// text gives the text at a path below an element, for tests.
func at(t testing.TB, el *etree.Element, path ...string) string {
	t.Helper()
	for _, tag := range path {
		found := message.Children(el, message.Assertion, tag)
		if len(found) == 0 {
			found = message.Children(el, message.Protocol, tag)
		}
		if len(found) == 0 {
			return ""
		}
		el = found[0]
	}
	s, err := message.Text(el)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sp) believed(t testing.TB, a *arrived) *etree.Element {
	t.Helper()
	got, err := s.trust.Response(a.root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.Assertion
}

// What a sign-in tells an application, by both bindings and both ways to begin (protocols.md 2.5).
func TestSAMLProviderSignsIn(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	pk := h.addUser("ada", "lovelace-1815")
	group := h.api("POST", "core/groups/", obj{"name": "engines & more", "users": []int{pk}}, 201)
	_ = group
	wiki := h.addSP("wiki", obj{"default_relay_state": "https://wiki.office.lan/start"})
	b := h.signedIn("ada", "lovelace-1815")
	uid := h.s.rooms.users.UID(int64(pk))
	before := h.events("authorize_application")
	for name, begin := range map[string]func() answer{
		"redirect": func() answer {
			return b.get(wiki.byRedirect("sso/binding/redirect", wiki.request("", ""), "r s&x=1", nil))
		},
		"post": func() answer {
			return b.form(wiki.at("sso/binding/post"), url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(wiki.request("", "")))}, "RelayState": {"r s&x=1"}})
		},
		"unpacked redirect": func() answer {
			return b.get(wiki.at("sso/binding/redirect") + "?" + url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(wiki.request("", "")))}, "RelayState": {"r s&x=1"}}.Encode())
		},
		"init": func() answer { return b.get(wiki.at("sso/binding/init")) },
	} {
		got := b.mustArrive(begin())
		want := map[string]string{"relay": "r s&x=1", "in": "_q1"}
		if name == "init" {
			want = map[string]string{"relay": "https://wiki.office.lan/start", "in": ""}
		}
		a := wiki.believed(t, got)
		if got.to != wiki.acs || got.relay != want["relay"] || got.root.SelectAttrValue("InResponseTo", "") != want["in"] || got.root.SelectAttrValue("Destination", "") != wiki.acs {
			t.Errorf("%s: %+v", name, got)
		}
		if message.Signed(got.root) {
			t.Errorf("%s: the response is signed, which the release does not", name)
		}
		if order := tags(a); order != "Issuer Signature Subject Conditions AuthnStatement AttributeStatement" && order != "Issuer Subject Conditions AuthnStatement AttributeStatement" {
			t.Errorf("%s: the assertion holds %s", name, order)
		}
		if at(t, a, "Issuer") != "urn:house" || at(t, a, "Subject", "NameID") != uid || at(t, a, "Conditions", "AudienceRestriction", "Audience") != "urn:wiki" ||
			at(t, a, "AuthnStatement", "AuthnContext", "AuthnContextClassRef") != "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport" {
			t.Errorf("%s: %s", name, write(t, a))
		}
		data := a.FindElement("./Subject/SubjectConfirmation/SubjectConfirmationData")
		if data.SelectAttrValue("Recipient", "") != wiki.acs || data.SelectAttrValue("InResponseTo", "") != want["in"] || data.SelectAttrValue("Address", "") != "" {
			t.Errorf("%s: %v", name, data.Attr)
		}
		learnt := map[string]string{}
		for _, el := range a.FindElements("./AttributeStatement/Attribute") {
			for _, v := range el.ChildElements() {
				learnt[el.SelectAttrValue("Name", "")] += v.Text() + ";"
			}
		}
		if learnt["http://schemas.goauthentik.io/2021/02/saml/username"] != "ada;" || learnt["http://schemas.xmlsoap.org/claims/Group"] != "engines & more;" || learnt["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"] != "ada@office.lan;" {
			t.Errorf("%s: %v", name, learnt)
		}
	}
	if n := h.events("authorize_application") - before; n != 4 {
		t.Errorf("%d events of 4 sign-ins", n)
	}
}

func tags(el *etree.Element) string {
	var out []string
	for _, c := range el.ChildElements() {
		out = append(out, c.Tag)
	}
	return strings.Join(out, " ")
}

func write(t testing.TB, el *etree.Element) string {
	t.Helper()
	b, err := message.Write(el)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Somebody who is not signed in signs in, and the request goes on, also one that came as a form.
func TestSAMLProviderAfterSignIn(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addSP("wiki", nil)
	form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(wiki.request("", "")))}, "RelayState": {"deep"}}
	for name, begin := range map[string]func(b *browser) answer{
		"redirect": func(b *browser) answer {
			return b.get(wiki.byRedirect("sso/binding/redirect", wiki.request("", ""), "deep", nil))
		},
		"post": func(b *browser) answer { return b.form(wiki.at("sso/binding/post"), form) },
	} {
		b := h.browser()
		a := begin(b)
		if name == "post" {
			if a.status != 303 || strings.Contains(strings.Join(a.header.Values("Set-Cookie"), ""), "session") {
				t.Fatalf("a form of another site is answered with %d %v", a.status, a.header)
			}
			a = b.get(a.header.Get("Location"))
		}
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != 302 || to.Path != "/flows/-/default/authentication/" {
			t.Fatalf("%s: %d %s", name, a.status, to)
		}
		next := to.Query().Get("next")
		if out := b.signIn(url.Values{"next": {next}}.Encode(), "ada", "lovelace-1815"); out["to"] != next {
			t.Fatalf("%s: the sign-in leads to %v, not %s", name, out["to"], next)
		}
		got := b.mustArrive(b.get(next))
		if got.relay != "deep" || got.root.SelectAttrValue("InResponseTo", "") != "_q1" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What an application may ask for and what is refused, with the words of the page and of the event.
func TestSAMLProviderRequests(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), obj{"attributes": obj{"upn": "ada@WINDOWS", "distinguishedName": "cn=ada"}}, 200)
	wiki := h.addSP("wiki", nil)
	strict := h.addSP("strict", nil).demands()
	stranger, _ := h.keyPair("stranger", "rsa")
	curve, curveKP := h.keyPair("curve", "ecdsa")
	curved := h.addSP("curved", obj{"verification_kp": curveKP})
	b := h.signedIn("ada", "lovelace-1815")
	uid := h.s.rooms.users.UID(int64(ada))
	policy := func(format string) string { return `<samlp:NameIDPolicy Format="` + format + `" AllowCreate="true"/>` }
	sso := "sso/binding/redirect"
	old := *strict.own
	old.Method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"

	for name, c := range map[string]struct {
		address string
		name    string // of the person, where it is accepted
		say     string // on the page, where it is refused
	}{
		"no policy":         {wiki.byRedirect(sso, wiki.request("", ""), "", nil), uid, ""},
		"unspecified":       {wiki.byRedirect(sso, wiki.request("", policy(message.NameUnspecified)), "", nil), uid, ""},
		"persistent":        {wiki.byRedirect(sso, wiki.request("", policy(message.NamePersistent)), "", nil), uid, ""},
		"e-mail":            {wiki.byRedirect(sso, wiki.request("", policy(message.NameEmail)), "", nil), "ada@office.lan", ""},
		"X.509":             {wiki.byRedirect(sso, wiki.request("", policy(message.NameX509)), "", nil), "cn=ada", ""},
		"Windows":           {wiki.byRedirect(sso, wiki.request("", policy(message.NameWindowsStandard)), "", nil), "ada@WINDOWS", ""},
		"the ACS itself":    {wiki.byRedirect(sso, wiki.request(`AssertionConsumerServiceURL="HTTPS://wiki.office.lan/ACS?tenant=1"`, ""), "", nil), uid, ""},
		"unknown format":    {wiki.byRedirect(sso, wiki.request("", policy("urn:kerberos")), "", nil), "", "“urn:kerberos”, which is not known here"},
		"another ACS":       {wiki.byRedirect(sso, wiki.request(`AssertionConsumerServiceURL="https://evil.example/acs"`, ""), "", nil), "", "ACS URL of https://evil.example/acs doesn't match Provider ACS URL of " + wiki.acs},
		"no message":        {wiki.at(sso), "", "The SAML request payload is missing."},
		"no ID":             {wiki.byRedirect(sso, strings.Replace(wiki.request("", ""), `ID="_q1"`, "", 1), "", nil), "", "has no ID"},
		"another message":   {wiki.byRedirect(sso, strings.ReplaceAll(wiki.request("", ""), "AuthnRequest", "ArtifactResolve"), "", nil), "", "“ArtifactResolve” where an AuthnRequest belongs"},
		"no XML":            {wiki.byRedirect(sso, "hello", "", nil), "", "not well-formed XML"},
		"a document type":   {wiki.byRedirect(sso, "<!DOCTYPE a>"+wiki.request("", ""), "", nil), "", "DOCTYPE"},
		"no base64":         {wiki.at(sso) + "?SAMLRequest=!", "", "no base64"},
		"signed, unchecked": {wiki.byRedirect(sso, wiki.request("", ""), "", stranger), uid, ""},

		"signed by redirect":        {strict.byRedirect(sso, strict.request("", ""), "r", strict.own), uid, ""},
		"signed inside":             {strict.byRedirect("sso/binding/post", strict.signed(strict.request("", ""), strict.own), "r", nil), uid, ""},
		"signed inside by redirect": {strict.byRedirect(sso, strict.signed(strict.request("", ""), strict.own), "r", nil), uid, ""},
		"signed by ECDSA":           {curved.byRedirect(sso, curved.request("", ""), "r", curve), uid, ""},
		"not signed":                {strict.byRedirect(sso, strict.request("", ""), "r", nil), "", "has to be signed, and is not"},
		"by a stranger":             {strict.byRedirect(sso, strict.request("", ""), "r", stranger), "", "does not fit the certificate “"},
		"a stranger inside":         {strict.byRedirect("sso/binding/post", strict.signed(strict.request("", ""), stranger), "", nil), "", "does not fit the certificate"},
		"SHA-1":                     {strict.byRedirect(sso, strict.request("", ""), "r", &old), "", "uses SHA-1"},
		"another relay state":       {strings.Replace(strict.byRedirect(sso, strict.request("", ""), "r", strict.own), "RelayState=r", "RelayState=x", 1), "", "does not fit the certificate"},
		"the query's in a form":     {strict.byRedirect("sso/binding/post", strict.request("", ""), "r", strict.own), "", "has to be signed, and is not"},
		"no such application":       {"/application/saml/nobody/sso/binding/redirect/", "", "page"},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.events("configuration_error")
			got, last := b.arrives(b.get(c.address))
			if c.say != "" {
				if got != nil || !strings.Contains(html.UnescapeString(last.body), c.say) || last.status != 400 && last.status != 403 && last.status != 404 {
					t.Fatalf("%d, %+v\n%.3000s", last.status, got, last.body)
				}
				if n := h.events("configuration_error") - before; n != 1 && last.status != 404 {
					t.Errorf("%d events say why", n)
				}
				return
			}
			if got == nil {
				t.Fatalf("refused: %d %.3000s", last.status, last.body)
			}
			el := got.root.FindElement("./Assertion/Subject/NameID")
			if el.Text() != c.name {
				t.Errorf("the name is %q", el.Text())
			}
		})
	}
	strict.set(obj{"allow_sha1": true})
	if got, last := b.arrives(b.get(strict.byRedirect(sso, strict.request("", ""), "r", &old))); got == nil {
		t.Errorf("SHA-1 where it is allowed: %.500s", last.body)
	}

	// A name for one session is one for each application, and stays while the session does.
	transient := func(s *sp, b *browser) string {
		return b.mustArrive(b.get(s.byRedirect(sso, s.request("", policy(message.NameTransient)), "", s.own))).root.FindElement("./Assertion/Subject/NameID").Text()
	}
	one := transient(wiki, b)
	if one != transient(wiki, b) || one == transient(strict, b) || one == transient(wiki, h.signedIn("ada", "lovelace-1815")) || len(one) != 64 {
		t.Errorf("the names of sessions: %s", one)
	}
}

// ForceAuthn and IsPassive do what the standard says.
func TestSAMLProviderForceAndPassive(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addSP("wiki", nil)
	asking := h.addSP("asking", obj{"authorization_flow": h.flowNamed("default-provider-authorization-explicit-consent")})
	status := func(a *arrived) string {
		if c := a.root.FindElement("./Status/StatusCode/StatusCode"); c != nil {
			return c.SelectAttrValue("Value", "")
		}
		return a.root.FindElement("./Status/StatusCode").SelectAttrValue("Value", "")
	}
	passive := func(s *sp) string {
		return s.byRedirect("sso/binding/redirect", s.request(`IsPassive="true"`, ""), "x", nil)
	}
	got := h.browser().mustArrive(h.browser().get(passive(wiki)))
	if status(got) != csaml.StatusNoPassive || got.relay != "x" || !message.Signed(got.root) || len(message.Children(got.root, message.Assertion, "Assertion")) != 0 {
		t.Errorf("nobody is signed in: %s", write(t, got.root))
	}
	b := h.signedIn("ada", "lovelace-1815")
	if got := b.mustArrive(b.get(passive(wiki))); status(got) != csaml.StatusSuccess {
		t.Errorf("signed in: %s", status(got))
	}
	if got := b.mustArrive(b.get(passive(asking))); status(got) != csaml.StatusNoPassive {
		t.Errorf("consent is to be asked: %s", status(got))
	}
	force := wiki.byRedirect("sso/binding/redirect", wiki.request(`ForceAuthn="1"`, ""), "x", nil)
	a := b.get(force)
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 302 || to.Path != "/flows/-/default/authentication/" {
		t.Fatalf("ForceAuthn: %d %s", a.status, to)
	}
	if again := b.get(force); again.header.Get("Location") != a.header.Get("Location") {
		t.Errorf("who did not sign in anew comes through: %d %s", again.status, again.header.Get("Location"))
	}
	next := to.Query().Get("next")
	b.signIn(url.Values{"next": {next}}.Encode(), "ada", "lovelace-1815")
	if got := b.mustArrive(b.get(next)); status(got) != csaml.StatusSuccess {
		t.Errorf("after the new sign-in: %s", status(got))
	}
	if a := b.get(force); a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), "/flows/-/default/authentication/") {
		t.Errorf("one new sign-in counts twice: %d", a.status)
	}
}

// Signatures, encryption and bindings as the provider says, and keys that can't.
func TestSAMLProviderSettings(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	b := h.signedIn("ada", "lovelace-1815")
	wiki := h.addSP("wiki", nil)
	once := func() *arrived {
		t.Helper()
		return b.mustArrive(b.get(wiki.byRedirect("sso/binding/redirect", wiki.request("", ""), "x", nil)))
	}
	at := fmt.Sprintf("providers/saml/%d/", wiki.pk)

	wiki.set(obj{"sign_response": true, "sign_assertion": false})
	got := once()
	if r, err := wiki.trust.Response(got.root, nil); err != nil || r.Response == nil || message.Signed(message.Children(got.root, message.Assertion, "Assertion")[0]) {
		t.Errorf("only the response is to be signed: %v", err)
	}
	wiki.set(obj{"sign_response": true, "sign_assertion": true})
	if r, err := wiki.trust.Response(once().root, nil); err != nil || r.Response == nil {
		t.Errorf("both are to be signed: %v", err)
	}
	own, kp := h.keyPair("sp", "rsa")
	for _, cipher := range message.Ciphers {
		wiki.set(obj{"encryption_kp": kp, "encryption_cipher": cipher})
		got := once()
		if strings.Contains(write(t, got.root), "ada@office.lan") {
			t.Errorf("%s: what is said about the person can be read", cipher)
		}
		if r, err := wiki.trust.Response(got.root, own.Signer); err != nil || !strings.Contains(write(t, r.Assertion), "ada@office.lan") {
			t.Errorf("%s: %v", cipher, err)
		}
	}
	wiki.set(obj{"encryption_kp": nil, "sign_response": false})

	curve, curveKP := h.keyPair("curve", "ecdsa")
	wiki.trust.Certificates = append(wiki.trust.Certificates, curve.Certificate)
	h.api("PATCH", at, obj{"signing_kp": curveKP, "signature_algorithm": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "digest_algorithm": message.SHA512}, 200)
	got = once()
	if text := write(t, got.root); !strings.Contains(text, "ecdsa-sha384") || !strings.Contains(text, message.SHA512) {
		t.Error("the algorithms are others")
	}
	wiki.believed(t, got)
	h.api("PATCH", at, obj{"signature_algorithm": rsa256}, 200)
	before := h.events("configuration_error")
	none, last := b.arrives(b.get(wiki.byRedirect("sso/binding/redirect", wiki.request("", ""), "x", nil)))
	if none != nil || !strings.Contains(last.body, "elliptic-curve key, which can") || h.events("configuration_error") != before+1 {
		t.Errorf("an RSA signature with a key on a curve: %d %.2000s", last.status, last.body)
	}
	h.refused(t, "PATCH", at, obj{"signature_algorithm": message.DSASHA1}, `{"signature_algorithm":["DSA signatures are not supported; choose RSA or ECDSA."]}`)

	h.api("PATCH", at, obj{"signing_kp": nil}, 200)
	if got := once(); message.Signed(got.root) || strings.Contains(write(t, got.root), "Signature") {
		t.Error("signed without a certificate")
	}

	// By redirect: the answer in the address, whose query is kept.
	h.api("PATCH", at, obj{"sp_binding": "redirect", "signing_kp": wiki.provider["signing_kp"]}, 200)
	got = once()
	if got.to != "https://wiki.office.lan/acs" || got.raw.Get("tenant") != "1" || got.raw.Get("Signature") != "" {
		t.Errorf("%+v", got)
	}
	wiki.believed(t, got)
	wiki.set(obj{"sign_response": true})
	got = once()
	m, err := message.DecodeRedirect(got.rawQuery)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wiki.trust.VerifyMessage(m); err != nil || got.raw.Get("Signature") == "" {
		t.Errorf("the address is to be signed: %v", err)
	}

	beyond := "gatehouse/" + at + "beyond/"
	body := h.api("GET", beyond, nil, 200)
	for _, c := range []struct {
		more obj
		want string
	}{
		{obj{"sign_assertion": false, "sign_response": false}, `"sign_assertion"`},
		{obj{"slo_url": "javascript:alert(1)"}, `"slo_url"`},
		{obj{"encryption_kp": curveKP}, `Only certificates with an RSA key`},
		{obj{"encryption_kp": "00000000-0000-4000-8000-000000000000"}, `There is no such certificate.`},
		{obj{"encryption_cipher": "rot13"}, `"encryption_cipher"`},
	} {
		in := obj{}
		for k, v := range body {
			in[k] = v
		}
		for k, v := range c.more {
			in[k] = v
		}
		a := h.as(bootToken, "PUT", beyond, jsonOf(in))
		if a.status != 400 || !strings.Contains(a.body, c.want) {
			t.Errorf("%v: %d %s", c.more, a.status, a.body)
		}
	}
}

// Who may not use an application gets nothing by SAML either, also when the sign-in begins here (Keycloak CVE-2026-3047).
func TestSAMLProviderAccess(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addSP("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	ways := []string{wiki.at("sso/binding/init"), wiki.byRedirect("sso/binding/redirect", wiki.request("", ""), "", nil), wiki.byRedirect("sso/binding/post", wiki.request("", ""), "", nil)}
	stop := h.denyApp(app{slug: "wiki"})
	for _, way := range ways {
		if got, last := b.arrives(b.get(way)); got != nil || last.status != 403 {
			t.Errorf("%s: %d", way, last.status)
		}
	}
	stop()
	for _, way := range ways {
		b.mustArrive(b.get(way))
	}
	h.api("PATCH", "core/applications/wiki/", obj{"provider": nil}, 200)
	for _, way := range ways {
		if got, last := b.arrives(b.get(way)); got != nil || last.status != 404 {
			t.Errorf("without a provider, %s: %d", way, last.status)
		}
	}
}

// Signing out: only what the application signed about this person ends a session (case 36).
func TestSAMLProviderSignsOut(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	bob := h.addUser("bob", "builder-1999!")
	plain := h.addSP("plain", nil)
	wiki := h.addSP("wiki", nil).demands()
	other := h.addSP("other", nil).demands()
	uid := func(pk int) string { return h.s.rooms.users.UID(int64(pk)) }
	request := func(name, attrs string) string {
		return `<samlp:LogoutRequest xmlns:samlp="` + message.Protocol + `" xmlns:saml="` + message.Assertion + `" ID="_o1" Version="2.0" IssueInstant="2026-11-29T10:00:00Z" ` + attrs + `><saml:Issuer>urn:wiki</saml:Issuer>` +
			`<saml:NameID Format="` + message.NamePersistent + `">` + name + `</saml:NameID></samlp:LogoutRequest>`
	}
	slo := "slo/binding/redirect"
	in := func(b *browser) bool { return b.get("/api/v3/core/users/me/").status == 200 }

	b := h.signedIn("ada", "lovelace-1815")
	for name, c := range map[string]struct {
		address string
		status  int
		say     string
	}{
		"no message":             {wiki.at(slo), 400, "The SAML request payload is missing."},
		"unsigned":               {wiki.byRedirect(slo, request(uid(ada), ""), "", nil), 400, "has to be signed"},
		"unsigned form":          {wiki.byRedirect("slo/binding/post", request(uid(ada), ""), "", nil), 400, "has to be signed"},
		"of another application": {wiki.byRedirect(slo, request(uid(ada), ""), "", other.own), 400, "does not fit the certificate"},
		"about another person":   {wiki.byRedirect(slo, request(uid(bob), ""), "", wiki.own), 400, "about somebody else"},
		"about nobody":           {wiki.byRedirect(slo, request("", ""), "", wiki.own), 400, "names nobody"},
		"too late":               {wiki.byRedirect(slo, request(uid(ada), `NotOnOrAfter="2020-01-01T00:00:00Z"`), "", wiki.own), 400, "counted until 2020-01-01T00:00:00Z"},
		"another message":        {wiki.byRedirect(slo, wiki.request("", ""), "", wiki.own), 400, "where a LogoutRequest belongs"},
	} {
		if a := b.get(c.address); a.status != c.status || !strings.Contains(html.UnescapeString(a.body), c.say) {
			t.Errorf("%s: %d %.2000s", name, a.status, a.body)
		}
		if !in(b) {
			t.Fatalf("%s ended the session", name)
		}
	}
	// Without a certificate nothing is proved: the person is asked, as in the release.
	if a := b.get(plain.byRedirect(slo, request(uid(ada), ""), "", nil)); a.status != 302 || a.header.Get("Location") != "/if/session-end/plain/" || !in(b) {
		t.Errorf("an unsigned request where none is signed: %d %s", a.status, a.header.Get("Location"))
	}
	before := h.events("logout")
	if a := b.get(wiki.byRedirect(slo, request(uid(ada), ""), "", wiki.own)); a.status != 302 || a.header.Get("Location") != "/if/session-end/wiki/" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if in(b) || h.events("logout") != before+1 {
		t.Error("the session goes on")
	}

	// With an address for the answer it is sent, by both bindings, signed.
	wiki.set(obj{"slo_url": "https://wiki.office.lan/slo", "slo_binding": "redirect"})
	b = h.signedIn("ada", "lovelace-1815")
	got := b.mustArrive(b.get(wiki.byRedirect(slo, request(uid(bob), ""), "r", wiki.own)))
	if code := got.root.FindElement("./Status/StatusCode/StatusCode"); code == nil || code.SelectAttrValue("Value", "") != csaml.StatusUnknownPrincipal || !in(b) {
		t.Errorf("about another person: %s", write(t, got.root))
	}
	got = b.mustArrive(b.get(wiki.byRedirect(slo, request(uid(ada), ""), "r", wiki.own)))
	m, err := message.DecodeRedirect(got.rawQuery)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wiki.trust.VerifyMessage(m); err != nil || got.relay != "r" || got.root.Tag != "LogoutResponse" || got.root.SelectAttrValue("InResponseTo", "") != "_o1" || in(b) ||
		got.root.FindElement("./Status/StatusCode").SelectAttrValue("Value", "") != csaml.StatusSuccess {
		t.Errorf("%v %s", err, write(t, got.root))
	}
	wiki.set(obj{"slo_binding": "post"})
	b = h.signedIn("ada", "lovelace-1815")
	a := b.form(wiki.at("slo/binding/post"), url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(wiki.signed(request(uid(ada), ""), wiki.own)))}, "RelayState": {"r"}})
	got = b.mustArrive(a)
	if _, err := wiki.trust.Verify(got.root); err != nil || got.to != "https://wiki.office.lan/slo" || in(b) {
		t.Errorf("%v %+v", err, got)
	}
	// Nobody is signed in any more: that is what was wanted.
	if got := b.mustArrive(b.get(wiki.byRedirect(slo, request(uid(ada), ""), "r", wiki.own))); got.root.FindElement("./Status/StatusCode").SelectAttrValue("Value", "") != csaml.StatusSuccess {
		t.Error(write(t, got.root))
	}
}

// crewjam's own service provider, fed with our metadata, believes us.
func TestSAMLProviderCrewjam(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addSP("wiki", obj{"acs_url": "https://wiki.office.lan/acs"})
	meta := h.as("", "GET", fmt.Sprintf("providers/saml/%d/metadata/", wiki.pk), "").json(t)["metadata"].(string)
	var idp csaml.EntityDescriptor
	if err := xml.Unmarshal([]byte(meta), &idp); err != nil {
		t.Fatal(err)
	}
	el, err := message.Parse([]byte(meta))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wiki.trust.Verify(el); err != nil {
		t.Errorf("the metadata: %v", err)
	}
	own, kp := h.keyPair("sp", "rsa")
	address := func(s string) url.URL { u, _ := url.Parse(s); return *u }
	client := csaml.ServiceProvider{
		EntityID: "urn:wiki", Key: own.Signer, Certificate: own.Certificate, MetadataURL: address("https://wiki.office.lan/metadata"), AcsURL: address("https://wiki.office.lan/acs"), IDPMetadata: &idp,
		AuthnNameIDFormat: csaml.EmailAddressNameIDFormat, SignatureMethod: rsa256,
	}
	h.api("PATCH", fmt.Sprintf("providers/saml/%d/", wiki.pk), obj{"verification_kp": kp}, 200)
	b := h.signedIn("ada", "lovelace-1815")
	for _, encrypted := range []bool{false, true} {
		if encrypted {
			wiki.set(obj{"encryption_kp": kp, "encryption_cipher": "aes128-gcm", "sign_response": true})
		}
		req, err := client.MakeAuthenticationRequest(client.GetSSOBindingLocation(csaml.HTTPRedirectBinding), csaml.HTTPRedirectBinding, csaml.HTTPPostBinding)
		if err != nil {
			t.Fatal(err)
		}
		to, err := req.Redirect("there", &client)
		if err != nil {
			t.Fatal(err)
		}
		got := b.mustArrive(b.get(to.String()))
		raw, err := base64.StdEncoding.DecodeString(got.raw.Get("SAMLResponse"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := client.ParseXMLResponse(raw, []string{req.ID}, client.AcsURL)
		if err != nil {
			if e, ok := err.(*csaml.InvalidResponseError); ok {
				err = e.PrivateErr
			}
			t.Fatal(err)
		}
		if a.Subject.NameID.Value != "ada@office.lan" || got.relay != "there" {
			t.Errorf("%+v", a.Subject.NameID)
		}
	}
}

// Messages that are made to cost something cost nothing (case 35; the room saml holds their memory).
func TestSAMLProviderBombs(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	wiki := h.addSP("wiki", nil)
	b := h.browser()
	whole := wiki.request("", "")
	for name, text := range map[string]string{
		"nested tags":      strings.Repeat("<a>", 90_000),
		"entities":         `<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>`,
		"a document type":  "<!DOCTYPE a>" + whole,
		"a long comment":   "<!--" + strings.Repeat("x", 20<<20) + "-->" + whole,
		"many attributes":  "<a " + strings.Repeat(`b="" `, 50_000) + "/>",
		"half of it":       whole[:len(whole)/2],
		"something random": "\x00\xff\xfe",
	} {
		if a := b.form(wiki.at("sso/binding/post"), url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(text))}}); a.status != 400 {
			t.Errorf("%s as a form: %d %.300s", name, a.status, a.body)
		}
		if a := b.form(wiki.at("slo/binding/post"), url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(text))}}); a.status != 400 {
			t.Errorf("%s to sign out: %d %.300s", name, a.status, a.body)
		}
		packed := url.QueryEscape(base64.StdEncoding.EncodeToString(message.Deflate([]byte(text))))
		if a := b.get(wiki.at("slo/binding/redirect") + "?SAMLRequest=" + packed); a.status != 400 {
			t.Errorf("%s in an address: %d %.300s", name, a.status, a.body)
		}
	}
	if a := b.get("/-/health/ready/"); a.status >= 500 {
		t.Errorf("afterwards: %d", a.status)
	}
}

// One form adds a SAML application, filled from the metadata of its other side; its page has what to copy there.
func TestSAMLApplicationForm(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	own, _ := h.keyPair("sp.office.lan", "rsa")
	client := csaml.ServiceProvider{EntityID: "urn:notes", Key: own.Signer, Certificate: own.Certificate, SignatureMethod: rsa256, LogoutBindings: []string{csaml.HTTPPostBinding}}
	for to, s := range map[*url.URL]string{&client.AcsURL: "https://notes.office.lan/acs", &client.SloURL: "https://notes.office.lan/slo", &client.MetadataURL: "https://notes.office.lan/metadata"} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		*to = *u
	}
	text, err := xml.Marshal(client.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	got := h.api("POST", "gatehouse/saml/metadata/", obj{"metadata": string(text)}, 200)
	if got["audience"] != "urn:notes" || got["acs_url"] != "https://notes.office.lan/acs" || got["sp_binding"] != "post" || got["signs_requests"] != true || got["slo_url"] != "https://notes.office.lan/slo" ||
		!strings.Contains(got["certificate_subject"].(string), "sp.office.lan") || !strings.HasPrefix(got["certificate"].(string), "-----BEGIN CERTIFICATE-----") || got["certificate_expires"] == nil {
		t.Errorf("%v", got)
	}
	h.refused(t, "POST", "gatehouse/saml/metadata/", obj{}, `{"metadata":["Give the metadata of the application, or its address."]}`)
	h.refused(t, "POST", "gatehouse/saml/metadata/", obj{"metadata": "<a/>"}, `{"metadata":["Failed to import Metadata: it describes no application."]}`)
	h.refused(t, "POST", "gatehouse/saml/metadata/", obj{"metadata": "hello"}, `{"metadata":["Invalid XML Syntax"]}`)
	h.refused(t, "POST", "gatehouse/saml/metadata/", obj{"url": "file:///etc/passwd"}, `{"url":["Write an address that begins with https://."]}`)
	if a := h.as(bootToken, "POST", "gatehouse/saml/metadata/", jsonOf(obj{"url": "http://169.254.169.254/metadata"})); a.status != 400 || !strings.Contains(a.body, "can't be fetched") {
		t.Errorf("an inner address: %d %s", a.status, a.body)
	}
	reader := h.tokenOf(ada, "of-ada", "api")
	wantAnswer(t, h.as(reader, "POST", "gatehouse/saml/metadata/", jsonOf(obj{"metadata": string(text)})), 403, notAllowed)
	wantAnswer(t, h.as(reader, "POST", "gatehouse/saml/applications/", jsonOf(obj{"name": "Notes", "acs_url": "https://a.lan/", "access": "everyone"})), 403, notAllowed)

	in := obj{"name": "Notes", "acs_url": got["acs_url"], "audience": got["audience"], "sp_binding": "post", "certificate": got["certificate"], "slo_url": got["slo_url"], "slo_binding": "post", "sign": "both", "access": "chosen", "users": []int{ada}}
	made := h.api("POST", "gatehouse/saml/applications/", in, 201)
	if again := h.api("GET", "gatehouse/applications/notes/", nil, 200); jsonOf(again) != jsonOf(made) {
		t.Errorf("%v", again)
	}
	values := map[string]string{}
	for _, v := range made["values"].([]any) {
		v := v.(obj)
		values[v["id"].(string)] = v["value"].(string)
	}
	provider := made["saml"].(obj)
	if made["provider"] != nil || values["entity_id"] != provider["issuer"] || values["metadata"] != values["entity_id"] || !strings.HasSuffix(values["sso_redirect"], "/application/saml/notes/sso/binding/redirect/") ||
		!strings.HasPrefix(values["certificate"], "-----BEGIN CERTIFICATE-----") || len(made["warnings"].([]any)) != 0 {
		t.Errorf("%v", made)
	}
	if a := h.browser().get("/application/saml/notes/metadata/"); a.status != 302 || !strings.Contains(h.browser().get(a.header.Get("Location")).body, values["entity_id"]) {
		t.Errorf("the metadata: %d %v", a.status, a.header)
	}
	b := h.signedIn("ada", "lovelace-1815")
	s := &sp{h: h, slug: "notes", acs: "https://notes.office.lan/acs"}
	if got, last := b.arrives(b.get(s.byRedirect("sso/binding/redirect", s.request("", ""), "", nil))); got != nil || !strings.Contains(last.body, "has to be signed") {
		t.Errorf("a request without a signature: %d", last.status)
	}
	arrived := b.mustArrive(b.get(s.byRedirect("sso/binding/redirect", s.request("", ""), "", own)))
	if !message.Signed(arrived.root) || !message.Signed(message.Children(arrived.root, message.Assertion, "Assertion")[0]) {
		t.Error("both are to be signed")
	}

	// What is wrong is said on the application's page before anybody meets it.
	_, curve := h.keyPair("curve", "ecdsa")
	h.api("PATCH", fmt.Sprintf("providers/saml/%v/", provider["pk"]), obj{"signing_kp": curve, "digest_algorithm": message.SHA1, "acs_url": "http://notes.office.lan/acs"}, 200)
	warnings := jsonOf(h.api("GET", "gatehouse/applications/notes/", nil, 200)["warnings"])
	for _, want := range []string{"Nobody can sign in", "without encryption", "SHA-1"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no warning says %q: %s", want, warnings)
		}
	}
	for what, c := range map[string]struct {
		more obj
		want string
	}{
		"address": {obj{"acs_url": "javascript:alert(1)"}, `"acs_url"`}, "sign-out": {obj{"slo_url": "x"}, `"slo_url"`}, "certificate": {obj{"certificate": "hello"}, `"certificate"`},
		"slug": {obj{"slug": "notes"}, `{"slug":["This field must be unique."]}`}, "nobody": {obj{"users": []int{}}, `"access"`},
	} {
		bad := obj{}
		for k, v := range in {
			bad[k] = v
		}
		for k, v := range c.more {
			bad[k] = v
		}
		if a := h.as(bootToken, "POST", "gatehouse/saml/applications/", jsonOf(bad)); a.status != 400 || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
}
