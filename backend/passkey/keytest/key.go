// Package keytest makes security keys of software for tests, makers that vouch for them, and metadata blobs of a service of its own.
//
//	NewKey ─▶ Create(options) ─▶ answer of a browser ─▶ Get(options) ─▶ the next
//	NewMaker ─▶ Key.Vouched: attestation with a certificate          NewService ─▶ Blob: the maker's root, signed
package keytest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
)

// Key is an authenticator with one credential.
type Key struct {
	T      testing.TB
	Maker  *Maker // nil: it attests with its own key
	Silent bool   // it attests nothing
	Auth   virtualwebauthn.Authenticator
	Cred   virtualwebauthn.Credential
	Origin string // of the page that it is used on
}

// wholeKey is the length of a public key on P-256 in COSE, in bytes.
const wholeKey = 77

// NewKey makes a key of a make that verifies its owner, for pages of an origin.
func NewKey(t testing.TB, aaguid, origin string) *Key {
	t.Helper()
	k := &Key{T: t, Origin: origin, Auth: virtualwebauthn.NewAuthenticator(), Cred: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
	for len(k.Cred.Key.AttestationData()) != wholeKey { // one in 128 has a coordinate that the maker of it writes too short
		k.Cred = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	k.Auth.Aaguid = uuid.MustParse(aaguid)
	return k
}

// ID gives the credential id as browsers write it.
func (k *Key) ID() string { return base64.RawURLEncoding.EncodeToString(k.Cred.ID) }

func (k *Key) party(id string) virtualwebauthn.RelyingParty {
	return virtualwebauthn.RelyingParty{ID: id, Origin: k.Origin}
}

// Create answers options for a new key, as a browser does.
func (k *Key) Create(options map[string]any) map[string]any {
	k.T.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(k.text(options))
	if err != nil {
		k.T.Fatal(err)
	}
	k.Auth.Options.UserHandle = []byte(o.UserID)
	answer := k.object(virtualwebauthn.CreateAttestationResponse(k.party(o.RelyingPartyID), k.Auth, k.Cred, *o))
	if k.Maker != nil || k.Silent {
		k.attest(answer["response"].(map[string]any))
	}
	return answer
}

// attest puts another statement in the place of the one that the key signed itself (Web Authentication, sections 8.2 and 8.7).
func (k *Key) attest(response map[string]any) {
	k.T.Helper()
	var object struct {
		Data []byte         `cbor:"authData"`
		Fmt  string         `cbor:"fmt"`
		Stmt map[string]any `cbor:"attStmt"`
	}
	if err := cbor.Unmarshal(k.bytes(response["attestationObject"]), &object); err != nil {
		k.T.Fatal(err)
	}
	if k.Silent {
		object.Fmt, object.Stmt = "none", map[string]any{}
	} else {
		client := sha256.Sum256(k.bytes(response["clientDataJSON"]))
		sum := sha256.Sum256(append(append([]byte{}, object.Data...), client[:]...))
		der, key := k.Maker.certify(k.Auth.Aaguid)
		sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			k.T.Fatal(err)
		}
		object.Stmt = map[string]any{"alg": -7, "sig": sig, "x5c": []any{der}}
	}
	b, err := cbor.Marshal(object)
	if err != nil {
		k.T.Fatal(err)
	}
	response["attestationObject"] = base64.RawURLEncoding.EncodeToString(b)
}

// Get answers options for a key that is there, as a browser does. The counter goes up first.
func (k *Key) Get(options map[string]any) map[string]any {
	k.T.Helper()
	k.Cred.Counter++
	return k.Again(options)
}

// Again is Get with the counter as it is.
func (k *Key) Again(options map[string]any) map[string]any {
	k.T.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(k.text(options))
	if err != nil {
		k.T.Fatal(err)
	}
	return k.object(virtualwebauthn.CreateAssertionResponse(k.party(o.RelyingPartyID), k.Auth, k.Cred, *o))
}

func (k *Key) text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		k.T.Fatal(err)
	}
	return string(b)
}

func (k *Key) object(text string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		k.T.Fatal(err)
	}
	return m
}

func (k *Key) bytes(v any) []byte {
	b, err := base64.RawURLEncoding.DecodeString(v.(string))
	if err != nil {
		k.T.Fatal(err)
	}
	return b
}

// Text gives bytes as browsers write them.
func Text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
