package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

const (
	keySize = 20 // bytes, as long as the hash (RFC 4226 section 4, R6)
	period  = 30 // seconds (RFC 6238 section 5.2)
	window  = 1  // steps before and after that count too
)

// code gives the one-time password of a step (RFC 4226 section 5.3) as a number.
func code(key []byte, step, digits int64) int64 {
	var msg [8]byte
	binary.BigEndian.PutUint64(msg[:], uint64(step))
	m := hmac.New(sha1.New, key)
	m.Write(msg[:])
	sum := m.Sum(nil)
	n := int64(binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff)
	mod := int64(1)
	for range digits {
		mod *= 10
	}
	return n % mod
}

// stepOf gives the step of a point in time.
func stepOf(at time.Time) int64 { return at.Unix() / period }

// match gives the step around now, moved by drift, whose code is typed and that comes after last; ok is false when none does. All steps
// are tried, whichever fits.
func match(key []byte, typed, digits, drift, last int64, now time.Time) (step int64, ok bool) {
	here := stepOf(now) + drift
	for s := here - window; s <= here+window; s++ {
		if code(key, s, digits) == typed && s > last && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// number reads a code as it was typed: blanks don't count, and it has as many digits as the device gives.
func number(typed string, digits int64) (n int64, ok bool) {
	count := int64(0)
	for _, r := range typed {
		switch {
		case r == ' ':
		case '0' <= r && r <= '9' && count < digits:
			n, count = n*10+int64(r-'0'), count+1
		default:
			return 0, false
		}
	}
	return n, count == digits
}

// address gives the otpauth address that apps read: https://github.com/google/google-authenticator/wiki/Key-Uri-Format.
func address(key []byte, digits int64, issuer, username string) string {
	issuer = strings.ReplaceAll(issuer, ":", "") // parts issuer and name in the label
	quote := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return "otpauth://totp/" + quote(issuer+":"+username) + "?secret=" + base32.StdEncoding.EncodeToString(key) + "&algorithm=SHA1&digits=" + string(rune('0'+digits)) + "&period=30&issuer=" + quote(issuer)
}

// raw reads a key as devices keep it.
func raw(key string) ([]byte, error) { return hex.DecodeString(key) }
