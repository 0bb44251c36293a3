package totp

import (
	"encoding/base32"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	independent "github.com/pquerna/otp/totp"
)

var rfcKey = []byte("12345678901234567890")

// The vectors of RFC 4226, appendix D, and RFC 6238, appendix B (SHA-1).
func TestVectors(t *testing.T) {
	for step, want := range []int64{755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489} {
		if got := code(rfcKey, int64(step), 6); got != want {
			t.Errorf("HOTP %d: %d, want %d", step, got, want)
		}
	}
	for at, want := range map[int64]int64{59: 94287082, 1111111109: 7081804, 1111111111: 14050471, 1234567890: 89005924, 2000000000: 69279037, 20000000000: 65353130} {
		if got := code(rfcKey, stepOf(time.Unix(at, 0)), 8); got != want {
			t.Errorf("TOTP at %d: %d, want %d", at, got, want)
		}
	}
}

// Another implementation agrees, also about a code that begins with 0.
func TestIndependent(t *testing.T) {
	zeros := 0
	for i := range 300 {
		at := time.Unix(int64(1_700_000_000+i*37), 0)
		for _, digits := range []int64{6, 8} {
			text, err := independent.GenerateCodeCustom(base32.StdEncoding.EncodeToString(rfcKey), at, independent.ValidateOpts{Period: 30, Digits: otp.Digits(digits), Algorithm: otp.AlgorithmSHA1})
			if err != nil {
				t.Fatal(err)
			}
			if text[0] == '0' {
				zeros++
			}
			want, err := strconv.ParseInt(text, 10, 64)
			if got := code(rfcKey, stepOf(at), digits); err != nil || got != want {
				t.Errorf("%s %d digits: %d, want %s", at, digits, got, text)
			}
			if n, ok := number(text, digits); !ok || n != want {
				t.Errorf("%q is read as %d", text, n)
			}
		}
	}
	if zeros == 0 {
		t.Error("no code began with 0")
	}
}

func TestMatch(t *testing.T) {
	now := time.Unix(1_700_000_010, 0)
	here := stepOf(now)
	for _, tt := range []struct {
		of, drift, last int64
		want            bool
	}{
		{-1, 0, 0, true}, {0, 0, 0, true}, {1, 0, 0, true}, {-2, 0, 0, false}, {2, 0, 0, false}, // one step is tolerated
		{3, 2, 0, true}, {0, 2, 0, false}, {-3, -2, 0, true}, // around the clock of the device
		{0, 0, here, false}, {-1, 0, here, false}, {1, 0, here, true}, {0, 0, here - 1, true}, // none that is not later than the last
	} {
		step, ok := match(rfcKey, code(rfcKey, here+tt.of, 6), 6, tt.drift, tt.last, now)
		if ok != tt.want || ok && step != here+tt.of {
			t.Errorf("%+v: %d %v", tt, step-here, ok)
		}
	}
}

func TestNumber(t *testing.T) {
	for typed, want := range map[string]int64{"123456": 123456, "123 456": 123456, " 012345 ": 12345, "000000": 0} {
		if n, ok := number(typed, 6); !ok || n != want {
			t.Errorf("%q: %d %v", typed, n, ok)
		}
	}
	for _, bad := range []string{"", "12345", "1234567", "12345a", "-12345", "+12345", "１２３４５６", "12345.", "123456\x00"} {
		if _, ok := number(bad, 6); ok {
			t.Errorf("%q is a code", bad)
		}
	}
}

// Apps read the address: another implementation does.
func TestAddress(t *testing.T) {
	text := address(rfcKey, 8, "Hall & Söhne: Office", "ada lovelace+x@office.lan")
	if strings.ContainsAny(text, " +") || !strings.HasPrefix(text, "otpauth://totp/Hall%20%26%20S%C3%B6hne%20Office%3Aada%20lovelace%2Bx%40office.lan?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=8&period=30&issuer=Hall%20%26%20S%C3%B6hne%20Office") {
		t.Errorf("%s", text)
	}
	k, err := otp.NewKeyFromURL(text)
	if err != nil || k.Issuer() != "Hall & Söhne Office" || k.AccountName() != "ada lovelace+x@office.lan" || k.Type() != "totp" || k.Digits() != otp.DigitsEight || k.Period() != 30 || k.Algorithm() != otp.AlgorithmSHA1 {
		t.Errorf("%v %q %q", err, k.Issuer(), k.AccountName())
	}
	key, err := base32.StdEncoding.DecodeString(k.Secret())
	if err != nil || hex.EncodeToString(key) != hex.EncodeToString(rfcKey) {
		t.Errorf("%x %v", key, err)
	}
	c := &Challenge{ConfigURL: text}
	if c.Secret() != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ" || c.Digits() != "8" || string(c.Link()) != text {
		t.Errorf("%s %s", c.Secret(), c.Digits())
	}
	if l := (&Challenge{ConfigURL: "javascript:alert(1)"}).Link(); l != "#" {
		t.Errorf("%s", l)
	}
	if _, err := url.Parse(text); err != nil {
		t.Error(err)
	}
}
