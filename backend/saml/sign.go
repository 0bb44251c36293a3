package saml

import (
	"encoding/base64"

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
	octets, err := canonical(el, "")
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
