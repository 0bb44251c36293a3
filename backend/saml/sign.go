package saml

import (
	"encoding/base64"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"gatehouse/backend/fault"
)

const (
	enveloped = string(dsig.EnvelopedSignatureAltorithmId)
	exclusive = string(dsig.CanonicalXML10ExclusiveAlgorithmId)
)

// canonical gives the octets of an element that are digested (xml-exc-c14n). The tree is left as it is.
func canonical(el *etree.Element, prefixes string) ([]byte, error) {
	out := detached(el)
	if err := etreeutils.TransformExcC14n(out, prefixes, false); err != nil {
		return nil, err
	}
	return plain(out), nil
}

// octetsOf is canonical for an element that is to be signed: one that the house built as its canonical form has it is written as it stands.
func octetsOf(el *etree.Element) ([]byte, error) {
	if el.Parent() == nil && settled(el, nil) {
		return plain(el), nil
	}
	return canonical(el, "")
}

// settled says whether a tree that stands alone is in its canonical form already (xml-exc-c14n 3): each element declares the prefixes that
// it uses and that are not declared around it, and no others; declarations come first, and attributes stand in order. It says no to
// whatever the house does not build: default namespaces, attributes with a prefix, comments, instructions, CDATA.
func settled(el *etree.Element, around []string) bool {
	if el.Space == "" {
		return false
	}
	declared, last := 0, ""
	for _, a := range el.Attr {
		if prefix, ok := declares(a); ok {
			if prefix != el.Space || declared > 0 || last != "" || slices.Contains(around, prefix) {
				return false
			}
			declared++
			around = append(slices.Clip(around), prefix)
			continue
		}
		if a.Space != "" || a.Key <= last {
			return false
		}
		last = a.Key
	}
	if !slices.Contains(around, el.Space) {
		return false
	}
	for _, c := range el.Child {
		switch c := c.(type) {
		case *etree.Element:
			if !settled(c, around) {
				return false
			}
		case *etree.CharData:
			if c.IsCData() {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// signedOctets gives the canonical octets of a SignedInfo that Sign made: of one that nobody else wrote, they are the tree as it stands with
// the one namespace that is declared around it (TestSignedOctets).
func signedOctets(sig, info *etree.Element) []byte {
	info.Attr = append(info.Attr, sig.Attr...)
	defer func() { info.Attr = nil }()
	return plain(info)
}

// Sign puts a signature over an element into it: behind its Issuer where the schema wants it, else as its first child.
func Sign(el *etree.Element, k *Key) error {
	id := el.SelectAttrValue("ID", "")
	if id == "" {
		return fault.Newf(fault.Internal, "saml: %s has no ID to sign by", el.Tag)
	}
	if err := k.Check(); err != nil {
		return err
	}
	octets, err := octetsOf(el)
	if err != nil {
		return err
	}
	h := digests[k.Digest].New()
	h.Write(octets)

	sig := etree.NewElement("ds:Signature")
	sig.CreateAttr("xmlns:ds", Signature)
	info := sig.CreateElement("ds:SignedInfo")
	info.CreateElement("ds:CanonicalizationMethod").CreateAttr("Algorithm", exclusive)
	info.CreateElement("ds:SignatureMethod").CreateAttr("Algorithm", k.Method)
	ref := info.CreateElement("ds:Reference")
	ref.CreateAttr("URI", "#"+id)
	transforms := ref.CreateElement("ds:Transforms")
	transforms.CreateElement("ds:Transform").CreateAttr("Algorithm", enveloped)
	transforms.CreateElement("ds:Transform").CreateAttr("Algorithm", exclusive)
	ref.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", k.Digest)
	ref.CreateElement("ds:DigestValue").SetText(base64.StdEncoding.EncodeToString(h.Sum(nil)))

	value, err := k.sign(signedOctets(sig, info))
	if err != nil {
		return err
	}
	sig.CreateElement("ds:SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	sig.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(k.Certificate.Raw))
	at := 0
	if issuer := Children(el, Assertion, "Issuer"); len(issuer) > 0 {
		at = issuer[0].Index() + 1
	}
	el.InsertChildAt(at, sig)
	return nil
}
