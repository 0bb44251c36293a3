package saml

import (
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
)

// Signed tells whether an element carries a signature of its own, good or bad.
func Signed(el *etree.Element) bool { return len(Children(el, Signature, "Signature")) > 0 }

// Verify proves the signature that an element carries and gives the element as it was signed: read anew from the octets that were digested.
// Only what it gives may be used; the tree that it was given may hold anything beside.
//
// It takes one kind of signature, the one that SAML asks for (saml-core-2.0 5.4): one Reference, to the ID of the element itself, enveloped,
// exclusive canonical form. Certificates that come along are not looked at: those of Trust decide.
func (t Trust) Verify(el *etree.Element) (*etree.Element, error) {
	sig, err := Child(el, Signature, "Signature")
	if err != nil {
		return nil, err
	}
	if sig == nil {
		return nil, fault.Newf(fault.Invalid, "The %s is not signed.", el.Tag)
	}
	info, value, err := parts(sig, el.Tag)
	if err != nil {
		return nil, err
	}
	octets, err := canonical(info, "")
	if err != nil {
		return nil, odd(el.Tag, "its SignedInfo has no canonical form")
	}
	// From here on only these octets count.
	if info, err = Parse(octets); err != nil {
		return nil, err
	}
	ref, err := readInfo(info, el.Tag)
	if err != nil {
		return nil, err
	}
	if err := t.holds(el.Tag, ref.method, octets, value); err != nil {
		return nil, err
	}
	if id := el.SelectAttrValue("ID", ""); id == "" || ref.uri != "#"+id {
		return nil, odd(el.Tag, "it covers "+quote(ref.uri)+" and not the element it stands in")
	}
	if err := t.allow(ref.digest); err != nil {
		return nil, err
	}
	bare := detached(el)
	for i, c := range bare.Child {
		if i == sig.Index() {
			bare.RemoveChild(c)
			break
		}
	}
	if octets, err = canonical(bare, ref.prefixes); err != nil {
		return nil, odd(el.Tag, "what it covers has no canonical form")
	}
	h := ref.digest.New()
	h.Write(octets)
	if subtle.ConstantTimeCompare(h.Sum(nil), ref.sum) != 1 {
		return nil, fault.Newf(fault.Invalid, "The %s was changed after it was signed.", el.Tag)
	}
	return Parse(octets)
}

func odd(tag, why string) error {
	return fault.Newf(fault.Invalid, "The signature of the %s is of a kind that SAML does not allow: %s.", tag, why)
}

// parts takes a signature apart: SignedInfo, SignatureValue and perhaps KeyInfo, nothing else.
func parts(sig *etree.Element, tag string) (*etree.Element, []byte, error) {
	all := sig.ChildElements()
	if len(all) < 2 || len(all) > 3 || !Is(all[0], Signature, "SignedInfo") || !Is(all[1], Signature, "SignatureValue") || len(all) == 3 && !Is(all[2], Signature, "KeyInfo") {
		return nil, nil, odd(tag, "it is made of other parts")
	}
	text, err := Text(all[1])
	if err != nil {
		return nil, nil, err
	}
	value, err := base64Text(text)
	if err != nil {
		return nil, nil, odd(tag, "its value is no base64")
	}
	return all[0], value, nil
}

// reference is what a signature says about what it covers.
type reference struct {
	method, uri, prefixes string
	digest                crypto.Hash
	sum                   []byte
}

func readInfo(info *etree.Element, tag string) (*reference, error) {
	all := info.ChildElements()
	if !Is(info, Signature, "SignedInfo") || len(all) != 3 || !Is(all[0], Signature, "CanonicalizationMethod") || !Is(all[1], Signature, "SignatureMethod") || !Is(all[2], Signature, "Reference") {
		return nil, odd(tag, "it needs one Reference")
	}
	if a := all[0].SelectAttrValue("Algorithm", ""); a != exclusive || len(all[0].Child) > 0 {
		return nil, odd(tag, "it is canonicalised by "+quote(a))
	}
	r := &reference{method: all[1].SelectAttrValue("Algorithm", ""), uri: all[2].SelectAttrValue("URI", "")}
	in := all[2].ChildElements()
	if len(in) != 3 || !Is(in[0], Signature, "Transforms") || !Is(in[1], Signature, "DigestMethod") || !Is(in[2], Signature, "DigestValue") {
		return nil, odd(tag, "its Reference is made of other parts")
	}
	var err error
	if r.digest, err = digestOf(in[1].SelectAttrValue("Algorithm", "")); err != nil {
		return nil, err
	}
	text, err := Text(in[2])
	if err != nil {
		return nil, err
	}
	if r.sum, err = base64Text(text); err != nil {
		return nil, odd(tag, "its digest is no base64")
	}
	steps := in[0].ChildElements()
	if len(steps) != 2 || !Is(steps[0], Signature, "Transform") || !Is(steps[1], Signature, "Transform") ||
		steps[0].SelectAttrValue("Algorithm", "") != enveloped || steps[1].SelectAttrValue("Algorithm", "") != exclusive || len(steps[0].ChildElements()) > 0 {
		return nil, odd(tag, "its transforms are others than enveloped and exclusive canonical form")
	}
	if inner := steps[1].ChildElements(); len(inner) > 0 {
		if len(inner) > 1 || !Is(inner[0], exclusive, "InclusiveNamespaces") {
			return nil, odd(tag, "its transforms hold something unknown")
		}
		r.prefixes = inner[0].SelectAttrValue("PrefixList", "")
	}
	return r, nil
}

// base64Text reads base64 with white space in it.
func base64Text(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s))
}
