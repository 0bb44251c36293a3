package saml

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"gatehouse/backend/cert"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	message "gatehouse/backend/saml"
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

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	of := func(ctx context.Context, key string) (string, error) {
		p, err := r.stored(ctx, key)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(p.PK, 10), nil
	}
	get := kind.Do("GET", "gatehouse/providers/saml/{id}/beyond", func(ctx context.Context, c *kind.Call, _ *kind.None) (Beyond, error) {
		p, err := r.stored(ctx, c.Key)
		if err != nil {
			return Beyond{}, err
		}
		return p.Beyond(), nil
	})
	get.Summary, get.Perm, get.Of = "What a SAML provider has that the release does not.", "authentik_providers_saml.view_samlprovider", of
	put := kind.Do("PUT", "gatehouse/providers/saml/{id}/beyond", r.setBeyond)
	put.Summary, put.Perm, put.Of = "Changes what a SAML provider has that the release does not.", "authentik_providers_saml.change_samlprovider", of
	return []kind.Action{get, put}
}

// stored reads a provider by its key as it came in an address.
func (r *Room) stored(ctx context.Context, key string) (*Provider, error) {
	if _, err := strconv.ParseInt(key, 10, 64); err != nil {
		return nil, fault.New(fault.NotFound, "Not found.")
	}
	return store.Get[Provider](ctx, r.Store, key)
}

func (r *Room) setBeyond(ctx context.Context, c *kind.Call, in *Beyond) (Beyond, error) {
	if err := r.checkBeyond(ctx, in); err != nil {
		return Beyond{}, err
	}
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		p, err := store.FindTx[Provider](tx, "pk", c.Key)
		if err != nil {
			return err
		}
		p.PlainAssertion, p.SignResponse, p.Encryption, p.EncryptionCipher = !in.SignAssertion, in.SignResponse, in.Encryption, in.Cipher
		p.SLOURL, p.SLOBinding, p.AllowSHA1 = in.SLOURL, in.SLOBinding, in.AllowSHA1
		return tx.Update(p)
	})
	return *in, err
}

func (r *Room) checkBeyond(ctx context.Context, in *Beyond) error {
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
		s, err := r.Certs.Signing(ctx, *in.Encryption)
		switch {
		case fault.Is(err, fault.NotFound):
			bad.Add("encryption_kp", "There is no such certificate.")
		case err != nil:
			return err
		case !encrypts(s):
			bad.Add("encryption_kp", "Only certificates with an RSA key can be encrypted for.")
		}
	}
	if !slices.Contains(message.Ciphers, in.Cipher) {
		bad.Add("encryption_cipher", "This cipher is not known.")
	}
	return bad.Err()
}

func encrypts(s *cert.Signing) bool {
	return s.Certificate.PublicKeyAlgorithm.String() == "RSA"
}

// webAddress holds that an address begins with http:// or https:// and has a host.
func webAddress(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return fault.New(fault.Invalid, "Write an address that begins with https://.")
	}
	return nil
}
