package saml

import (
	"crypto"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
)

// Believed is what may be used of a response whose signature holds.
type Believed struct {
	Assertion *etree.Element // the one assertion, as it was signed
	Response  *etree.Element // the response as it was signed; nil when only the assertion is
}

// Response reads the assertion out of a response. It holds one assertion, plain or encrypted; the response, the assertion or both are signed,
// and every signature that is there has to hold. key decrypts, nil when nothing does.
func (t Trust) Response(root *etree.Element, key crypto.Signer) (*Believed, error) {
	if !Is(root, Protocol, "Response") {
		return nil, fault.Newf(fault.Invalid, "The message is a %s and no Response.", quote(root.Tag))
	}
	out, in := &Believed{}, root
	if Signed(root) {
		r, err := t.Verify(root)
		if err != nil {
			return nil, err
		}
		if !Is(r, Protocol, "Response") {
			return nil, fault.New(fault.Internal, "saml: a signed Response turned into something else")
		}
		out.Response, in = r, r
	}
	plain, hidden := Children(in, Assertion, "Assertion"), Children(in, Assertion, "EncryptedAssertion")
	if len(plain)+len(hidden) != 1 {
		return nil, fault.Newf(fault.Invalid, "The response holds %d assertions; it needs one.", len(plain)+len(hidden))
	}
	if len(plain) == 1 {
		out.Assertion = plain[0]
	} else {
		a, err := Decrypt(hidden[0], key)
		if err != nil {
			return nil, err
		}
		if !Is(a, Assertion, "Assertion") {
			return nil, unreadable
		}
		out.Assertion = a
	}
	if Signed(out.Assertion) {
		a, err := t.Verify(out.Assertion)
		if err != nil {
			return nil, err
		}
		out.Assertion = a
	} else if out.Response == nil {
		return nil, fault.New(fault.Invalid, "Neither the response nor its assertion is signed.")
	}
	if !Is(out.Assertion, Assertion, "Assertion") {
		return nil, fault.New(fault.Internal, "saml: a signed Assertion turned into something else")
	}
	return out, nil
}
