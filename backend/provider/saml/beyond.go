package saml

import (
	"crypto/x509"
	"net/url"

	"gatehouse/backend/beyond"
	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Beyond is what a provider has that the release does not. It is stored beside the published fields and has operations of its own.
type Beyond struct {
	SignAssertion bool    `json:"sign_assertion" default:"true" help:"Sign what is said about the person. Needs a signing certificate."`
	SignResponse  bool    `json:"sign_response" default:"false" help:"Sign the whole response too; by redirect the signature stands in the address."`
	Encryption    *string `json:"encryption_kp" format:"uuid" help:"The certificate of the application that assertions are encrypted for. Empty: they are not encrypted."`
	Cipher        string  `json:"encryption_cipher" enum:"aes128-cbc,aes256-cbc,aes128-gcm,aes256-gcm" default:"aes256-gcm" help:"How assertions are encrypted. Old applications know the two with CBC only."`
	SLOURL        string  `json:"slo_url" is:"blank" max:"2000" help:"Where the application wants the answer to its request to sign out. Empty: people see a page of Gatehouse."`
	SLOBinding    string  `json:"slo_binding" enum:"redirect,post" default:"redirect" help:"How that answer travels."`
	AllowSHA1     bool    `json:"allow_sha1" default:"false" help:"Take requests that are signed with SHA-1, which is not safe any more."`
}

// SchemaName implements kind.SchemaNamer.
func (Beyond) SchemaName() string { return "SAMLProviderBeyond" }

// Beyond gives the fields that the release does not have.
func (p *Provider) Beyond() Beyond {
	binding := p.SLOBinding
	if binding == "" {
		binding = "redirect"
	}
	return Beyond{
		SignAssertion: !p.PlainAssertion, SignResponse: p.SignResponse, Encryption: p.Encryption, Cipher: p.Cipher(), SLOURL: p.SLOURL, SLOBinding: binding, AllowSHA1: p.AllowSHA1,
	}
}

// Cipher is how assertions are encrypted.
func (p *Provider) Cipher() string {
	if p.EncryptionCipher == "" {
		return "aes256-gcm"
	}
	return p.EncryptionCipher
}

// Beyond keeps them.
func (r *Room) Beyond() beyond.Settings[Provider, Beyond] {
	return beyond.Settings[Provider, Beyond]{Store: r.Store, Of: (*Provider).Beyond, Put: putBeyond}
}

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action { return r.Beyond().Actions() }

func putBeyond(tx *store.Tx, p *Provider, in Beyond) error {
	var bad fault.Fields
	if !in.SignAssertion && !in.SignResponse {
		bad.Add("sign_assertion", "Sign the assertion, the response, or both: an application can't tell a message that is not signed from a forged one.")
	}
	if in.SLOURL != "" {
		if err := webAddress(in.SLOURL); err != nil {
			bad.Add("slo_url", fault.As(err).Say)
		}
	}
	if in.Encryption != nil {
		if err := bad.Merge(canEncrypt(tx, *in.Encryption)); err != nil {
			return err
		}
	}
	p.PlainAssertion, p.SignResponse, p.Encryption, p.EncryptionCipher = !in.SignAssertion, in.SignResponse, in.Encryption, in.Cipher
	p.SLOURL, p.SLOBinding, p.AllowSHA1 = in.SLOURL, in.SLOBinding, in.AllowSHA1
	return bad.Err()
}

// canEncrypt holds that there is a certificate, and that something can be encrypted for it.
func canEncrypt(tx *store.Tx, pk string) error {
	pair, err := store.GetTx[cert.Pair](tx, pk)
	if fault.Is(err, fault.NotFound) {
		return fault.Field("encryption_kp", "There is no such certificate.")
	}
	if err != nil {
		return err
	}
	c, err := crypt.ParseCertificate(pair.Certificate)
	if err != nil {
		return err
	}
	if c.PublicKeyAlgorithm != x509.RSA {
		return fault.Field("encryption_kp", "Only certificates with an RSA key can be encrypted for.")
	}
	return nil
}

// webAddress holds that an address begins with http:// or https:// and has a host.
func webAddress(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return fault.New(fault.Invalid, "Write an address that begins with https://.")
	}
	return nil
}
