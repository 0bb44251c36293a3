package saml

import (
	"time"

	"github.com/beevik/etree"
	csaml "github.com/crewjam/saml"

	"gatehouse/backend/fault"
	message "gatehouse/backend/saml"
	"gatehouse/backend/span"
)

// asked is what an application asked for; the zero value is a sign-in that begins here.
type asked struct {
	id, format string // of the AuthnRequest, and the name that it wants
}

// known is the person as the application is to know them.
type known struct {
	name       string
	attributes []attribute
	at         time.Time // of the sign-in
	class      string    // how they signed in
}

// attribute is one thing that an application learns.
type attribute struct {
	name, friendly string
	values         []string
}

// node adds an element with attributes, given as name and value; those without a value are left out.
func node(parent *etree.Element, name string, attrs ...string) *etree.Element {
	el := parent.CreateElement(name)
	for i := 0; i < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			el.CreateAttr(attrs[i], attrs[i+1])
		}
	}
	return el
}

// root begins a message.
func root(name, id, destination, inResponseTo, issuer string, now time.Time) *etree.Element {
	el := etree.NewElement("samlp:" + name)
	el.CreateAttr("xmlns:samlp", message.Protocol)
	el.CreateAttr("xmlns:saml", message.Assertion)
	for _, a := range [...][2]string{{"ID", id}, {"Version", "2.0"}, {"IssueInstant", message.Moment(now)}, {"Destination", destination}, {"InResponseTo", inResponseTo}} {
		if a[1] != "" {
			el.CreateAttr(a[0], a[1])
		}
	}
	node(el, "saml:Issuer").SetText(issuer)
	return el
}

// status adds the outcome: a code, a second one that says more, and a sentence.
func status(el *etree.Element, code, more, say string) {
	s := node(el, "samlp:Status")
	c := node(s, "samlp:StatusCode", "Value", code)
	if more != "" {
		node(c, "samlp:StatusCode", "Value", more)
	}
	if say != "" {
		node(s, "samlp:StatusMessage").SetText(say)
	}
}

// response makes the answer to a sign-in (protocols.md 2.5), signed and encrypted as the provider says.
func (v *served) response(a asked, who known, now time.Time) (*etree.Element, error) {
	p := v.p
	times := [3]time.Time{}
	for i, text := range [...]string{p.NotBefore, p.NotOnOrAfter, p.SessionEnd} {
		d, err := span.Parse(text)
		if err != nil {
			return nil, err
		}
		times[i] = now.Add(d)
	}
	as := etree.NewElement("saml:Assertion")
	id := message.NewID()
	as.CreateAttr("xmlns:saml", message.Assertion)
	as.CreateAttr("ID", id) // in the order of the canonical form, here and below
	as.CreateAttr("IssueInstant", message.Moment(now))
	as.CreateAttr("Version", "2.0")
	node(as, "saml:Issuer").SetText(p.Issuer)
	subject := node(as, "saml:Subject")
	node(subject, "saml:NameID", "Format", a.format).SetText(who.name)
	node(node(subject, "saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer"), "saml:SubjectConfirmationData",
		"InResponseTo", a.id, "NotOnOrAfter", message.Moment(times[1]), "Recipient", p.ACSURL)
	c := node(as, "saml:Conditions", "NotBefore", message.Moment(times[0]), "NotOnOrAfter", message.Moment(times[1]))
	if p.Audience != "" {
		node(node(c, "saml:AudienceRestriction"), "saml:Audience").SetText(p.Audience)
	}
	st := node(as, "saml:AuthnStatement", "AuthnInstant", message.Moment(who.at), "SessionIndex", id, "SessionNotOnOrAfter", message.Moment(times[2]))
	node(node(st, "saml:AuthnContext"), "saml:AuthnContextClassRef").SetText(who.class)
	if len(who.attributes) > 0 { // an empty statement is not allowed (saml-core-2.0 2.7.3)
		list := node(as, "saml:AttributeStatement")
		for _, at := range who.attributes {
			el := node(list, "saml:Attribute", "FriendlyName", at.friendly, "Name", at.name)
			for _, value := range at.values {
				node(el, "saml:AttributeValue").SetText(value)
			}
		}
	}
	if v.key != nil && !p.PlainAssertion {
		if err := message.Sign(as, v.key); err != nil {
			return nil, err
		}
	}
	if v.encrypt != nil {
		e, err := message.Encrypt(as, v.encrypt, p.Cipher())
		if err != nil {
			return nil, err
		}
		as = e
	}
	r := root("Response", message.NewID(), p.ACSURL, a.id, p.Issuer, now)
	status(r, csaml.StatusSuccess, "", "")
	r.AddChild(as)
	return r, v.seal(r, p.SignResponse && p.Binding == "post")
}

// refusal makes an answer that says why there is no sign-in.
func (v *served) refusal(a asked, code, say string, now time.Time) (*etree.Element, error) {
	r := root("Response", message.NewID(), v.p.ACSURL, a.id, v.p.Issuer, now)
	status(r, csaml.StatusResponder, code, say)
	return r, v.seal(r, v.p.Binding == "post")
}

// seal signs a message when that is wanted and there is a key.
func (v *served) seal(el *etree.Element, wanted bool) error {
	if !wanted || v.key == nil {
		return nil
	}
	return message.Sign(el, v.key)
}

// sent is a message on its way: a form, or an address.
type sent struct {
	form map[string]string
	url  string
}

// send packs a message for a binding. By redirect its signature stands in the address, when there is a key to sign with.
func send(el *etree.Element, response bool, to, binding, relay string, k *message.Key) (*sent, error) {
	b, err := message.Write(el)
	if err != nil {
		return nil, err
	}
	if binding == "post" {
		return &sent{form: message.Form(b, response, relay)}, nil
	}
	u, err := message.RedirectURL(to, b, response, relay, k)
	return &sent{url: u}, err
}

// queryKey is the key that signs answers in an address: those whose response is to be signed.
func (v *served) queryKey() *message.Key {
	if v.p.SignResponse {
		return v.key
	}
	return nil
}

// class says how somebody signed in (protocols.md 2.5; the last rule that fits wins).
func class(method string, mfa bool) string {
	out := "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
	if method == "password" {
		out = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	}
	if mfa {
		out = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract"
	}
	if method == "auth_mfa" || method == "auth_webauthn_pwl" {
		out = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileOneFactorContract"
	}
	return out
}

// noSuchName is said of a format that no name is made in.
func noSuchName(format string) error {
	return fault.Newf(fault.Invalid, "The application asks for a name of the format “%s”, which is not known here.", format)
}
