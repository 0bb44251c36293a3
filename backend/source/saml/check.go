package saml

import (
	"crypto"
	"strings"
	"time"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
	message "gatehouse/backend/saml"
)

// rules are what a response is held against.
type rules struct {
	acs, entity string // ours
	issuer      string // theirs, "" when it is not known
	trust       message.Trust
	key         crypto.Signer // opens what is encrypted
	unsigned    bool          // a response is believed that nobody signed
	now         time.Time
}

// answer is what a response says of a person, once all of it was proved but for who asked.
type answer struct {
	id, issuer   string
	state        string // the ID of the request that it answers, "" for none
	name, format string // the person's, with its format
	qualifiers   string // NameQualifier and SPNameQualifier, as a request to sign out repeats them
	index        string // of the session at the other side
	until        time.Time
	ends         time.Time // of the session at the other side; zero for no end
	names        []string  // of attributes, in their order
	attributes   map[string][]string
}

const statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

// declined says that the other side did not sign anybody in, in its words.
type declined struct{ code, text, state string }

// Error implements error.
func (e *declined) Error() string { return "The other side answered " + e.code + "." }

// read proves a response and reads it (saml-profiles-2.0 4.1.4).
func (c *rules) read(root *etree.Element) (*answer, error) {
	if !message.Is(root, message.Protocol, "Response") {
		return nil, &refusal{say: "The other side sent another message than a Response.", came: root.Tag, expected: "Response"}
	}
	if err := success(root); err != nil {
		return nil, err
	}
	b, err := c.believe(root)
	if err != nil {
		return nil, err
	}
	in := root // what nobody signed can only refuse
	if b.Response != nil {
		in = b.Response
		if err := success(in); err != nil {
			return nil, err
		}
	}
	if err := version(in); err != nil {
		return nil, err
	}
	if err := version(b.Assertion); err != nil {
		return nil, err
	}
	if to := in.SelectAttrValue("Destination", ""); to != "" && to != c.acs {
		return nil, &refusal{say: "The answer was sent to another address (Destination) than this one.", came: to, expected: c.acs}
	}
	if b.Response != nil && in.SelectAttrValue("Destination", "") == "" {
		return nil, &refusal{say: "The answer is signed and does not say for which address (Destination).", expected: c.acs}
	}
	a := &answer{id: b.Assertion.SelectAttrValue("ID", ""), attributes: map[string][]string{}}
	if a.id == "" {
		return nil, &refusal{say: "The assertion has no ID, so that it could be used again and again."}
	}
	if a.issuer, err = c.issuerOf(b.Assertion, true); err != nil {
		return nil, err
	}
	outer, err := c.issuerOf(in, false)
	if err != nil {
		return nil, err
	}
	if outer != "" && outer != a.issuer {
		return nil, &refusal{say: "The response and its assertion are of two different issuers.", came: outer, expected: a.issuer}
	}
	if err := c.subject(b.Assertion, a); err != nil {
		return nil, err
	}
	if to := in.SelectAttrValue("InResponseTo", ""); to != "" {
		if a.state == "" && b.Response != nil {
			a.state = to
		}
		if to != a.state {
			return nil, &refusal{say: "The response and its assertion answer two different requests (InResponseTo).", came: to, expected: a.state}
		}
	}
	if err := c.conditions(b.Assertion, a); err != nil {
		return nil, err
	}
	if err := c.statements(b.Assertion, a); err != nil {
		return nil, err
	}
	return a, nil
}

// believe gives what the other side vouches for.
func (c *rules) believe(root *etree.Element) (*message.Believed, error) {
	if len(c.trust.Certificates) > 0 {
		return c.trust.Response(root, c.key)
	}
	if !c.unsigned {
		return nil, &refusal{say: "The source has no certificate to check the answer with (verification certificate), so that anybody could have written it."}
	}
	plain, hidden := message.Children(root, message.Assertion, "Assertion"), message.Children(root, message.Assertion, "EncryptedAssertion")
	if len(plain)+len(hidden) != 1 {
		return nil, fault.Newf(fault.Invalid, "The response holds %d assertions; it needs one.", len(plain)+len(hidden))
	}
	if len(plain) == 1 {
		return &message.Believed{Assertion: plain[0]}, nil
	}
	el, err := message.Decrypt(hidden[0], c.key)
	if err != nil {
		return nil, err
	}
	if !message.Is(el, message.Assertion, "Assertion") {
		return nil, &refusal{say: "What was encrypted is no assertion.", came: el.Tag, expected: "Assertion"}
	}
	return &message.Believed{Assertion: el}, nil
}

// success holds that a response brings somebody.
func success(root *etree.Element) error {
	st, err := message.Child(root, message.Protocol, "Status")
	if err != nil {
		return err
	}
	code, err := message.Child(st, message.Protocol, "StatusCode")
	if err != nil {
		return err
	}
	if code == nil {
		return &refusal{say: "The answer has no status."}
	}
	value := code.SelectAttrValue("Value", "")
	if value == statusSuccess {
		return nil
	}
	if inner, err := message.Child(code, message.Protocol, "StatusCode"); err == nil && inner != nil {
		value = inner.SelectAttrValue("Value", value)
	}
	text, err := message.ChildText(st, message.Protocol, "StatusMessage")
	if err != nil {
		return err
	}
	return &declined{code: strings.TrimPrefix(value, "urn:oasis:names:tc:SAML:2.0:status:"), text: text, state: root.SelectAttrValue("InResponseTo", "")}
}

func version(el *etree.Element) error {
	if v := el.SelectAttrValue("Version", ""); v != "2.0" {
		return &refusal{say: "The " + el.Tag + " is of another version of SAML.", came: v, expected: "2.0"}
	}
	return nil
}

// issuerOf gives who made a message, as the source knows them.
func (c *rules) issuerOf(el *etree.Element, needed bool) (string, error) {
	issuer, err := message.ChildText(el, message.Assertion, "Issuer")
	switch {
	case err != nil:
		return "", err
	case issuer == "" && !needed:
		return "", nil
	case issuer == "":
		return "", &refusal{say: "The " + el.Tag + " does not say who made it (Issuer).", expected: c.issuer}
	case c.issuer != "" && issuer != c.issuer:
		return "", &refusal{say: "The " + el.Tag + " is of another issuer than the one that the source knows.", came: issuer, expected: c.issuer}
	}
	return issuer, nil
}

// moment reads a time, zero when there is none.
func moment(el *etree.Element, name string) (time.Time, error) {
	return message.ReadMoment(name, el.SelectAttrValue(name, ""))
}

// within holds that the time of an element is now, as far as clocks agree; end is when it is over.
func (c *rules) within(el *etree.Element) (end time.Time, err error) {
	begin, err := moment(el, "NotBefore")
	if err != nil {
		return end, err
	}
	if end, err = moment(el, "NotOnOrAfter"); err != nil {
		return end, err
	}
	const clocks = " Compare the clocks of the two servers."
	if !begin.IsZero() && c.now.Before(begin.Add(-skew)) {
		return end, &refusal{say: "The answer does not count yet (NotBefore)." + clocks, came: message.Moment(begin), expected: "before " + message.Moment(c.now)}
	}
	if !end.IsZero() && !c.now.Before(end.Add(skew)) {
		return end, &refusal{say: "The answer does not count any more (NotOnOrAfter)." + clocks, came: message.Moment(end), expected: "after " + message.Moment(c.now)}
	}
	return end, nil
}

// subject reads whom an assertion is about, and proves that it was made to be shown here.
func (c *rules) subject(assertion *etree.Element, a *answer) error {
	subject, err := message.Child(assertion, message.Assertion, "Subject")
	if err != nil {
		return err
	}
	if subject == nil {
		return &refusal{say: "The assertion is about nobody (Subject)."}
	}
	if a.name, a.format, a.qualifiers, err = c.nameOf(subject); err != nil {
		return err
	}
	first := error(&refusal{say: "The assertion is not one that a browser may bring (SubjectConfirmation)."})
	tried := false
	for _, sc := range message.Children(subject, message.Assertion, "SubjectConfirmation") {
		if sc.SelectAttrValue("Method", "") != "urn:oasis:names:tc:SAML:2.0:cm:bearer" {
			continue
		}
		state, until, err := c.confirm(sc)
		if err == nil {
			a.state, a.until = state, until
			return nil
		}
		if !tried {
			first, tried = err, true
		}
	}
	return first
}

func (c *rules) confirm(sc *etree.Element) (state string, until time.Time, err error) {
	data, err := message.Child(sc, message.Assertion, "SubjectConfirmationData")
	if err != nil {
		return "", until, err
	}
	if data == nil {
		return "", until, &refusal{say: "The assertion does not say where it may be used (SubjectConfirmationData)."}
	}
	if to := data.SelectAttrValue("Recipient", ""); to != c.acs {
		return "", until, &refusal{say: "The assertion was made for another address (Recipient) than this one.", came: to, expected: c.acs}
	}
	if until, err = c.within(data); err != nil {
		return "", until, err
	}
	if until.IsZero() {
		return "", until, &refusal{say: "The assertion does not say until when it may be used (NotOnOrAfter)."}
	}
	return data.SelectAttrValue("InResponseTo", ""), until, nil
}

// nameOf reads a NameID, which may be encrypted: all of its text, in the right namespace (CVE-2026-40165).
func (c *rules) nameOf(in *etree.Element) (name, format, qualifiers string, err error) {
	el, err := message.Child(in, message.Assertion, "NameID")
	if err != nil {
		return "", "", "", err
	}
	hidden, err := message.Child(in, message.Assertion, "EncryptedID")
	if err != nil {
		return "", "", "", err
	}
	if el != nil && hidden != nil {
		return "", "", "", &refusal{say: in.Tag + " names two people."}
	}
	if hidden != nil {
		if el, err = message.Decrypt(hidden, c.key); err != nil {
			return "", "", "", err
		}
		if !message.Is(el, message.Assertion, "NameID") {
			return "", "", "", &refusal{say: "What was encrypted is no name.", came: el.Tag, expected: "NameID"}
		}
	}
	if name, err = message.Text(el); err != nil {
		return "", "", "", err
	}
	if name == "" {
		return "", "", "", &refusal{say: in.Tag + " names nobody (NameID)."}
	}
	format = el.SelectAttrValue("Format", message.NameUnspecified)
	return name, format, el.SelectAttrValue("NameQualifier", "") + "\n" + el.SelectAttrValue("SPNameQualifier", ""), nil
}

// conditions holds what an assertion says about its use (saml-core-2.0 2.5).
func (c *rules) conditions(assertion *etree.Element, a *answer) error {
	el, err := message.Child(assertion, message.Assertion, "Conditions")
	if err != nil {
		return err
	}
	if el == nil {
		return &refusal{say: "The assertion does not say whom it is for (Conditions).", expected: c.entity}
	}
	end, err := c.within(el)
	if err != nil {
		return err
	}
	if !end.IsZero() && end.Before(a.until) {
		a.until = end
	}
	restricted := false
	for _, cond := range el.ChildElements() {
		switch {
		case message.Is(cond, message.Assertion, "OneTimeUse"), message.Is(cond, message.Assertion, "ProxyRestriction"):
		case message.Is(cond, message.Assertion, "AudienceRestriction"):
			var all []string
			for _, x := range message.Children(cond, message.Assertion, "Audience") {
				who, err := message.Text(x)
				if err != nil {
					return err
				}
				all = append(all, who)
			}
			meant := false
			for _, who := range all {
				meant = meant || who == c.entity
			}
			if !meant {
				return &refusal{say: "The assertion was made for somebody else (Audience).", came: strings.Join(all, ", "), expected: c.entity}
			}
			restricted = true
		default:
			return &refusal{say: "The assertion has a condition that is not known here, so that it can't be kept.", came: cond.Tag}
		}
	}
	if !restricted {
		return &refusal{say: "The assertion does not say whom it is for (Audience).", expected: c.entity}
	}
	return nil
}

// statements reads the session at the other side and what it tells about the person.
func (c *rules) statements(assertion *etree.Element, a *answer) error {
	all := message.Children(assertion, message.Assertion, "AuthnStatement")
	if len(all) == 0 {
		return &refusal{say: "The assertion does not say that somebody signed in (AuthnStatement)."}
	}
	for _, st := range all {
		end, err := moment(st, "SessionNotOnOrAfter")
		if err != nil {
			return err
		}
		if !end.IsZero() {
			if !c.now.Before(end.Add(skew)) {
				return &refusal{say: "The session at the other side is over (SessionNotOnOrAfter).", came: message.Moment(end), expected: "after " + message.Moment(c.now)}
			}
			if a.ends.IsZero() || end.Before(a.ends) {
				a.ends = end
			}
		}
		if a.index == "" {
			a.index = st.SelectAttrValue("SessionIndex", "")
		}
	}
	for _, st := range message.Children(assertion, message.Assertion, "AttributeStatement") {
		list := message.Children(st, message.Assertion, "Attribute")
		for _, hidden := range message.Children(st, message.Assertion, "EncryptedAttribute") {
			el, err := message.Decrypt(hidden, c.key)
			if err != nil {
				return err
			}
			if !message.Is(el, message.Assertion, "Attribute") {
				return &refusal{say: "What was encrypted is no attribute.", came: el.Tag, expected: "Attribute"}
			}
			list = append(list, el)
		}
		for _, at := range list {
			name := at.SelectAttrValue("Name", "")
			if name == "" {
				continue
			}
			if _, known := a.attributes[name]; !known {
				a.names = append(a.names, name)
			}
			for _, v := range message.Children(at, message.Assertion, "AttributeValue") {
				if text, err := message.Text(v); err == nil { // one that is made of elements is no text to show
					a.attributes[name] = append(a.attributes[name], text)
				}
			}
		}
	}
	return nil
}
