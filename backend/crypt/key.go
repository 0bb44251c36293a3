// Package crypt holds what the house knows about keys: one master key with sub-keys for sealing, indexing and signing,
// password hashes, random values, certificates and the certificate authority of the office. It has no database.
package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/backend/fault"
)

// keySize is the length of the master key and of its sub-keys in bytes.
const keySize = 32

// sealScheme is the first part of a sealed value: AES-256-GCM with a random nonce in front.
const sealScheme = "s1"

// Key is the master key of the house with its HKDF-SHA256 sub-keys (RFC 5869). It may be used from any goroutine.
type Key struct {
	raw   [keySize]byte
	id    string
	aead  cipher.AEAD
	index []byte
	sign  []byte
}

// ParseKey takes the content of a key file: 64 hex digits with blanks around them, or the 32 bytes themselves.
func ParseKey(b []byte) (*Key, error) {
	raw := b
	if len(b) != keySize {
		text := bytes.TrimSpace(b)
		raw = make([]byte, hex.DecodedLen(len(text)))
		if _, err := hex.Decode(raw, text); err != nil || len(raw) != keySize {
			return nil, fault.New(fault.Invalid, "The key file holds no key: it must be 64 hexadecimal digits. Put the key file of your backup back.")
		}
	}
	k := &Key{}
	copy(k.raw[:], raw)
	sub := func(info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, k.raw[:], nil, "gatehouse "+info, n)
		if err != nil {
			panic(err) // only for lengths beyond 8160 bytes
		}
		return out
	}
	block, err := aes.NewCipher(sub("seal", keySize))
	if err != nil {
		return nil, err
	}
	if k.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	k.index = sub("index", keySize)
	k.sign = sub("cookie", keySize)
	k.id = hex.EncodeToString(sub("id", 4))
	return k, nil
}

// LoadOrCreateKey reads the key file, or makes one for its owner alone when there is none. A file that others may read is refused, or
// closed to them where that takes more than one command.
func LoadOrCreateKey(path string) (*Key, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKey(path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Sprintf("The key file %s can't be read. Give Gatehouse's user the right to read it, then start again.", path), err)
	}
	if err := guard(path); err != nil {
		return nil, err
	}
	return ParseKey(b)
}

// createKey writes a new key beside path and links it there, so that a kill leaves no half file and a second process's key stays.
func createKey(path string) (*Key, error) {
	raw := make([]byte, keySize)
	rand.Read(raw)
	k, err := ParseKey(raw)
	if err != nil {
		return nil, err
	}
	err = func() error {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		err = guard(f.Name())
		if err == nil {
			_, err = f.WriteString(hex.EncodeToString(raw) + "\n")
		}
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := os.Link(f.Name(), path); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return err
			}
			// A file system without links.
			if err := os.Rename(f.Name(), path); err != nil {
				return err
			}
		}
		return syncDir(filepath.Dir(path))
	}()
	if errors.Is(err, fs.ErrExist) {
		return LoadOrCreateKey(path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Sprintf("The key file %s can't be written. Give Gatehouse's user the right to write there, then start again.", path), err)
	}
	return k, nil
}

// ID names the key without telling it: 8 hex digits, part of every sealed value.
func (k *Key) ID() string { return k.id }

// Bytes gives a copy of the 32 bytes of the master key.
func (k *Key) Bytes() []byte { return bytes.Clone(k.raw[:]) }

// Seal encrypts plain and binds it to ad (what it is and where it is kept): Open needs the same ad.
// The text is "s1.<key id>.<base64url>".
func (k *Key) Seal(plain []byte, ad ...string) (string, error) {
	return sealScheme + "." + k.id + "." + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, plain, joined(ad))), nil
}

// Open decrypts what Seal made. It returns an Internal fault when the value is damaged, was sealed by another key, or stands in
// another place than it was sealed for.
func (k *Key) Open(sealed string, ad ...string) ([]byte, error) {
	parts := strings.SplitN(sealed, ".", 3)
	if len(parts) != 3 || parts[0] != sealScheme {
		return nil, fault.New(fault.Internal, "A stored secret can't be read: it isn't in a known form.")
	}
	if parts[1] != k.id {
		return nil, fault.Newf(fault.Internal, "A stored secret was sealed with another key (%.8q). Put the key file that belongs to this data back.", parts[1])
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "A stored secret can't be read: it is damaged.", err)
	}
	plain, err := k.aead.Open(nil, nil, b, joined(ad))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "A stored secret can't be read: it is damaged or belongs elsewhere.", err)
	}
	return plain, nil
}

// SealBytes is Seal where neither text nor the key's name is asked for.
func (k *Key) SealBytes(plain []byte, ad ...string) []byte {
	return k.aead.Seal(nil, nil, plain, joined(ad))
}

// OpenBytes decrypts what SealBytes made. It returns an Internal fault when the value is damaged, was sealed by another key, or stands in
// another place than it was sealed for.
func (k *Key) OpenBytes(sealed []byte, ad ...string) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, sealed, joined(ad))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "A stored secret can't be read: it is damaged, belongs elsewhere or was sealed with another key.", err)
	}
	return plain, nil
}

// Index gives the keyed hash (HMAC-SHA256, hex) under which a secret is looked up. Purposes don't mix.
func (k *Key) Index(purpose, value string) string {
	return hex.EncodeToString(mac(k.index, purpose, []byte(value)))
}

// Sign gives the HMAC-SHA256 of msg for a purpose (a cookie, a link).
func (k *Key) Sign(purpose string, msg []byte) []byte { return mac(k.sign, purpose, msg) }

// Verify says whether sig is Sign of msg, in constant time.
func (k *Key) Verify(purpose string, msg, sig []byte) bool {
	return hmac.Equal(sig, k.Sign(purpose, msg))
}

func mac(key []byte, purpose string, msg []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(joined([]string{purpose}))
	m.Write(msg)
	return m.Sum(nil)
}

// joined puts each part behind its length (4 bytes), so that no two lists give the same bytes.
func joined(parts []string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}
