package saml

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"

	"gatehouse/backend/fault"
)

// Ciphers that what is sent can be encrypted with, by their names in settings. Those with GCM also prove that nothing was changed.
var Ciphers = []string{"aes128-cbc", "aes256-cbc", "aes128-gcm", "aes256-gcm"}

var ciphers = map[string]xmlenc.BlockCipher{
	"aes128-cbc": xmlenc.AES128CBC, "aes256-cbc": xmlenc.AES256CBC, "aes128-gcm": xmlenc.AES128GCM, "aes256-gcm": xmlenc.AES256GCM,
}

// decrypters are the ciphers that are read, by URI.
var decrypters = byURI(xmlenc.AES128CBC, xmlenc.AES192CBC, xmlenc.AES256CBC, xmlenc.AES128GCM, xmlenc.AES192GCM, xmlenc.AES256GCM)

func byURI(all ...xmlenc.BlockCipher) map[string]xmlenc.BlockCipher {
	out := map[string]xmlenc.BlockCipher{}
	for _, c := range all {
		out[c.Algorithm()] = c
	}
	return out
}

const (
	oaep   = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	oaep11 = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
	enc11  = "http://www.w3.org/2009/xmlenc11#"
)

// Encrypt wraps an assertion so that only the holder of the certificate's key can read it.
func Encrypt(el *etree.Element, c *x509.Certificate, cipher string) (*etree.Element, error) {
	block, ok := ciphers[cipher]
	if !ok {
		return nil, fault.Newf(fault.Invalid, "The cipher %s is not known.", quote(cipher))
	}
	if _, ok := c.PublicKey.(*rsa.PublicKey); !ok {
		return nil, fault.Newf(fault.Invalid, "Only certificates with an RSA key can be encrypted to; %s has another.", CertificateName(c))
	}
	plain, err := Write(el)
	if err != nil {
		return nil, err
	}
	// rsa-oaep-mgf1p fixes SHA-1 for its mask (xmlenc-core 5.4.2). With the digest SHA-1 too everybody reads it, and OAEP does not rest on
	// what SHA-1 has lost.
	e := xmlenc.OAEP()
	e.BlockCipher, e.DigestMethod = block, xmlenc.SHA1
	data, err := e.Encrypt(c, plain, nil)
	if err != nil {
		return nil, err
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	out := etree.NewElement("saml:EncryptedAssertion")
	out.CreateAttr("xmlns:saml", Assertion)
	out.AddChild(data)
	return out, nil
}

// unreadable is what is said of all that goes wrong once a private key is used: telling its causes apart would help somebody who tries.
var unreadable = fault.New(fault.Invalid, "The encrypted part of the message can't be decrypted with our key.")

// Decrypt opens an EncryptedAssertion (or EncryptedID, EncryptedAttribute) and gives the element in it.
func Decrypt(el *etree.Element, key crypto.Signer) (*etree.Element, error) {
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fault.New(fault.Invalid, "The message is encrypted, and there is no RSA key to decrypt it with.")
	}
	data, err := Child(el, Encryption, "EncryptedData")
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fault.Newf(fault.Invalid, "%s holds no encrypted data.", el.Tag)
	}
	algorithm, err := algorithmOf(data)
	if err != nil {
		return nil, err
	}
	block, ok := decrypters[algorithm]
	if !ok {
		return nil, fault.Newf(fault.Invalid, "The message is encrypted by %s, which is not supported.", quote(algorithm))
	}
	info, err := Child(data, Signature, "KeyInfo")
	if err != nil {
		return nil, err
	}
	keys := append(Children(info, Encryption, "EncryptedKey"), Children(el, Encryption, "EncryptedKey")...)
	if len(keys) == 0 || len(keys) > 4 {
		return nil, fault.New(fault.Invalid, "The encrypted part of the message brings no key along, or too many.")
	}
	for _, k := range keys {
		secret, err := unwrap(k, private)
		if err != nil {
			return nil, err
		}
		if secret == nil {
			continue // a key for somebody else
		}
		bare := detached(data)
		for _, i := range Children(bare, Signature, "KeyInfo") {
			bare.RemoveChild(i) // the key is open already
		}
		plain, err := block.Decrypt(secret, bare)
		if err != nil {
			return nil, unreadable
		}
		out, err := parse(plain, around(el))
		if err != nil {
			return nil, unreadable
		}
		inherit(out, around(el))
		return out, nil
	}
	return nil, unreadable
}

// inherit writes onto an element the declarations of the place where it was encrypted, so that it stands by itself.
func inherit(el *etree.Element, s *scope) {
	has := map[string]bool{}
	for _, a := range el.Attr {
		if prefix, ok := declares(a); ok {
			has[prefix] = true
		}
	}
	for ; s != nil; s = s.up {
		if has[s.prefix] {
			continue
		}
		has[s.prefix] = true
		if s.prefix == "" {
			el.Attr = append(el.Attr, etree.Attr{Key: "xmlns", Value: s.name})
		} else {
			el.Attr = append(el.Attr, etree.Attr{Space: "xmlns", Key: s.prefix, Value: s.name})
		}
	}
}

func algorithmOf(el *etree.Element) (string, error) {
	m, err := Child(el, Encryption, "EncryptionMethod")
	if err != nil {
		return "", err
	}
	if m == nil {
		return "", fault.New(fault.Invalid, "The message does not say how it is encrypted.")
	}
	return m.SelectAttrValue("Algorithm", ""), nil
}

// unwrap opens the key of a message; nil when ours does not open it.
func unwrap(el *etree.Element, private *rsa.PrivateKey) ([]byte, error) {
	algorithm, err := algorithmOf(el)
	if err != nil {
		return nil, err
	}
	if algorithm != oaep && algorithm != oaep11 {
		return nil, fault.Newf(fault.Invalid, "The key of the message is encrypted by %s, which is not supported; choose RSA-OAEP.", quote(algorithm))
	}
	m, err := Child(el, Encryption, "EncryptionMethod")
	if err != nil {
		return nil, err
	}
	opts := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	if d, err := Child(m, Signature, "DigestMethod"); err != nil {
		return nil, err
	} else if d != nil {
		if opts.Hash, err = digestOf(d.SelectAttrValue("Algorithm", "")); err != nil {
			return nil, err
		}
	}
	if algorithm == oaep11 {
		masks := map[string]crypto.Hash{enc11 + "mgf1sha1": crypto.SHA1, enc11 + "mgf1sha256": crypto.SHA256, enc11 + "mgf1sha384": crypto.SHA384, enc11 + "mgf1sha512": crypto.SHA512}
		if g, err := Child(m, enc11, "MGF"); err != nil {
			return nil, err
		} else if g != nil {
			var ok bool
			if opts.MGFHash, ok = masks[g.SelectAttrValue("Algorithm", "")]; !ok {
				return nil, fault.New(fault.Invalid, "The key of the message is encrypted with a mask that is not supported.")
			}
		}
	}
	if len(Children(m, Encryption, "OAEPparams")) > 0 {
		return nil, fault.New(fault.Invalid, "The key of the message is encrypted with parameters that are not supported.")
	}
	data, err := Child(el, Encryption, "CipherData")
	if err != nil {
		return nil, err
	}
	text, err := ChildText(data, Encryption, "CipherValue")
	if err != nil {
		return nil, err
	}
	wrapped, err := base64Text(text)
	if err != nil {
		return nil, unreadable
	}
	secret, err := private.Decrypt(nil, wrapped, opts)
	if err != nil {
		return nil, nil
	}
	return secret, nil
}
