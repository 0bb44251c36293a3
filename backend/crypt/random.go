package crypt

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"
)

const (
	letters     = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits      = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// ID gives n random letters and digits (5.95 bits each).
func ID(n int) string { return pick(n, letters+digits) }

// Password gives n random letters, digits and ASCII punctuation marks.
func Password(n int) string { return pick(n, letters+digits+punctuation) }

// UserCode gives 9 random digits: short enough to type, for a code that lives for minutes (RFC 8628 section 6.1).
func UserCode() string { return pick(9, digits) }

// Token gives 256 random bits as base64url, 43 characters.
func Token() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// pick draws n characters, each with the same chance: bytes beyond the last whole multiple of the alphabet are thrown away.
func pick(n int, alphabet string) string {
	if n <= 0 {
		return ""
	}
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var buf [64]byte
	for {
		rand.Read(buf[:])
		for _, b := range buf {
			if int(b) >= limit {
				continue
			}
			out = append(out, alphabet[int(b)%len(alphabet)])
			if len(out) == n {
				return string(out)
			}
		}
	}
}

// UUID gives a random UUID (version 4, RFC 9562 section 5.4) as 36 characters.
func UUID() string {
	var u [16]byte
	rand.Read(u[:])
	return uuidText(u, 4)
}

// UUIDv7 gives a UUID whose first 48 bits are t in milliseconds, so that keys made later sort later (RFC 9562 section 5.7).
// The next 12 bits are t's fraction of a millisecond (section 6.2, method 3); the rest is random.
func UUIDv7(t time.Time) string {
	var u [16]byte
	rand.Read(u[8:])
	us := t.UnixMicro()
	ms, fraction := us/1000, (us%1000)*4096/1000
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6], u[7] = byte(fraction>>8), byte(fraction)
	return uuidText(u, 7)
}

func uuidText(u [16]byte, version byte) string {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], u[:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:], u[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// NamedUUID makes a UUID that is always the same for a name (RFC 9562 section 5.8: version 8, from SHA-256).
func NamedUUID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return uuidText([16]byte(sum[:16]), 8)
}
