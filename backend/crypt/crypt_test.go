package crypt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/fault"
)

func testKey(t testing.TB, b byte) *Key {
	t.Helper()
	k, err := ParseKey(bytes.Repeat([]byte{b}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// hkdfRFC is RFC 5869 section 2 as it is written there.
func hkdfRFC(ikm, salt, info []byte, n int) []byte {
	if salt == nil {
		salt = make([]byte, sha256.Size)
	}
	h := func(key []byte, parts ...[]byte) []byte {
		m := hmac.New(sha256.New, key)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	prk := h(salt, ikm)
	var t, out []byte
	for i := byte(1); len(out) < n; i++ {
		t = h(prk, t, info, []byte{i})
		out = append(out, t...)
	}
	return out[:n]
}

func TestSubKeys(t *testing.T) {
	// RFC 5869 appendix A.3: no salt, no info.
	want := "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
	if got := hex.EncodeToString(hkdfRFC(bytes.Repeat([]byte{0x0b}, 22), nil, nil, 42)); got != want {
		t.Fatalf("the test's own HKDF is wrong: %s", got)
	}
	k := testKey(t, 7)
	for _, c := range []struct {
		info string
		got  []byte
	}{{"index", k.index}, {"cookie", k.sign}} {
		if want := hkdfRFC(k.Bytes(), nil, []byte("gatehouse "+c.info), 32); !bytes.Equal(c.got, want) {
			t.Errorf("%s: %x, want %x", c.info, c.got, want)
		}
	}
	if want := hex.EncodeToString(hkdfRFC(k.Bytes(), nil, []byte("gatehouse id"), 4)); k.ID() != want || len(want) != 8 {
		t.Errorf("id %s, want %s", k.ID(), want)
	}
	k.Bytes()[0] = 99
	if k.Bytes()[0] != 7 {
		t.Error("Bytes gives away the key itself")
	}
}

func TestParseKey(t *testing.T) {
	text := strings.Repeat("0a", keySize)
	for _, c := range []struct {
		in string
		ok bool
	}{
		{text, true}, {" " + text + "\r\n", true}, {strings.ToUpper(text), true}, {strings.Repeat("\x0a", keySize), true},
		{"", false}, {text[:62], false}, {text + "00", false}, {strings.Repeat("zz", keySize), false}, {strings.Repeat("x", 33), false},
	} {
		k, err := ParseKey([]byte(c.in))
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.in, err)
		}
		if c.ok && k.Bytes()[0] != 0x0a {
			t.Errorf("%q: %x", c.in, k.Bytes())
		}
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key")
	keys := make([]*Key, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			k, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = k
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k == nil || !bytes.Equal(k.Bytes(), keys[0].Bytes()) {
			t.Fatal("two callers got different keys")
		}
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if runtime.GOOS != "windows" {
		if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", st.Mode())
		}
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			os.Chmod(path, mode)
			if _, err := LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), "0600") {
				t.Errorf("mode %v: %v", mode, err)
			}
		}
		os.Chmod(path, 0o400)
		if _, err := LoadOrCreateKey(path); err != nil {
			t.Error(err)
		}
		os.Chmod(path, 0o600)
	}
	os.WriteFile(path, []byte("garbage"), 0o600)
	if _, err := LoadOrCreateKey(path); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	os.WriteFile(path, nil, 0o600)
	if _, err := LoadOrCreateKey(path); err == nil {
		t.Error("an empty key file was taken")
	}
}

// TestKeyFileContract is what every operating system's protection of the key keeps: a key is never used from a file that others may read.
func TestKeyFileContract(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	k, err := LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if !closed(t, path) {
		t.Error("others may read a new key")
	}
	open(t, path)
	if closed(t, path) {
		t.Fatal("the test does not open the file")
	}
	again, err := LoadOrCreateKey(path)
	if err == nil && !closed(t, path) {
		t.Error("a key that others may read was used")
	}
	if err == nil && !bytes.Equal(again.Bytes(), k.Bytes()) || err != nil && !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

func TestSeal(t *testing.T) {
	a, b := testKey(t, 1), testKey(t, 2)
	s, err := a.Seal([]byte("secret"), "token", "42", "key")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s, "s1."+a.ID()+".") {
		t.Error(s)
	}
	if s2, _ := a.Seal([]byte("secret"), "token", "42", "key"); s2 == s {
		t.Error("the same text twice")
	}
	flipped := []byte(s)
	flipped[len(flipped)-3] ^= 1
	for _, c := range []struct {
		name string
		key  *Key
		in   string
		ad   []string
		want string
	}{
		{"good", a, s, []string{"token", "42", "key"}, "secret"},
		{"other key", b, s, []string{"token", "42", "key"}, ""},
		{"other place", a, s, []string{"token", "43", "key"}, ""},
		{"parts cut elsewhere", a, s, []string{"token", "4", "2key"}, ""},
		{"fewer parts", a, s, []string{"token", "42"}, ""},
		{"no parts", a, s, nil, ""},
		{"other key with the same id", b, strings.Replace(s, a.ID(), b.ID(), 1), []string{"token", "42", "key"}, ""},
		{"flipped", a, string(flipped), []string{"token", "42", "key"}, ""},
		{"cut", a, s[:len(s)-5], []string{"token", "42", "key"}, ""},
		{"padded", a, s + "=", []string{"token", "42", "key"}, ""},
		{"empty", a, "", nil, ""},
		{"no data", a, "s1." + a.ID() + ".", nil, ""},
		{"other scheme", a, "s2" + s[2:], []string{"token", "42", "key"}, ""},
	} {
		got, err := c.key.Open(c.in, c.ad...)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q %v", c.name, got, err)
		}
	}
	empty, err := a.Seal(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Open(empty); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestIndexAndSign(t *testing.T) {
	a, b := testKey(t, 1), testKey(t, 2)
	m := hmac.New(sha256.New, a.index)
	m.Write([]byte("\x00\x00\x00\x05tokenvalue"))
	if got, want := a.Index("token", "value"), hex.EncodeToString(m.Sum(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	seen := map[string]bool{}
	for _, v := range []string{a.Index("p", "v"), b.Index("p", "v"), a.Index("pv", ""), a.Index("", "pv"), a.Index("q", "v"), hex.EncodeToString(a.Sign("p", []byte("v")))} {
		if seen[v] {
			t.Error("two different things have one index")
		}
		seen[v] = true
	}
	sig := a.Sign("cookie", []byte("msg"))
	for _, c := range []struct {
		k            *Key
		purpose, msg string
		sig          []byte
		want         bool
	}{
		{a, "cookie", "msg", sig, true}, {b, "cookie", "msg", sig, false}, {a, "link", "msg", sig, false},
		{a, "cookie", "msG", sig, false}, {a, "cookie", "msg", sig[:31], false}, {a, "cookie", "msg", nil, false},
	} {
		if got := c.k.Verify(c.purpose, []byte(c.msg), c.sig); got != c.want {
			t.Errorf("%s %s: %v", c.purpose, c.msg, got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k, err := ParseKey(bytes.Repeat([]byte{3}, keySize))
	if err != nil {
		f.Fatal(err)
	}
	good, _ := k.Seal([]byte("x"), "a")
	for _, s := range []string{good, "", "s1.", "s1.." + good, "s1." + k.ID() + ".AAAA", "s1." + k.ID() + ".===="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// Nobody but the holder of the key makes something that opens; the seed of each worker is sealed anew.
		if plain, err := k.Open(s, "a"); err == nil && string(plain) != "x" {
			t.Errorf("%q opened as %q", s, plain)
		}
	})
}

func TestRandom(t *testing.T) {
	for _, c := range []struct {
		name, got, alphabet string
		n                   int
	}{
		{"ID", ID(1000), letters + digits, 1000},
		{"Password", Password(5000), letters + digits + punctuation, 5000},
		{"UserCode", UserCode(), digits, 9},
		{"none", ID(0), "", 0},
		{"negative", Password(-1), "", 0},
		{"Token", Token(), letters + digits + "-_", 43},
	} {
		if len(c.got) != c.n || strings.Trim(c.got, c.alphabet) != "" {
			t.Errorf("%s: %d characters, %q", c.name, len(c.got), c.got)
		}
	}
	// Every character comes, and none far more often than its share: with a modulus of 256 the first ones of 94 would come half as
	// often again. 94,000 draws have a standard deviation of 31 around 1,000.
	seen := map[rune]int{}
	for _, r := range Password(94_000) {
		seen[r]++
	}
	if len(seen) != 94 {
		t.Errorf("%d different characters", len(seen))
	}
	for r, n := range seen {
		if n < 750 || n > 1250 {
			t.Errorf("%q came %d times in 94,000", r, n)
		}
	}
	once, again := Token(), Token()
	short, other := ID(20), ID(20)
	if once == again || short == other {
		t.Error("the same value twice")
	}
}

func TestUUID(t *testing.T) {
	form := func(s string, version byte) {
		t.Helper()
		if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' || s[14] != version || !strings.ContainsRune("89ab", rune(s[19])) ||
			strings.Trim(s, "0123456789abcdef-") != "" {
			t.Errorf("%s is no UUID of version %c", s, version)
		}
	}
	form(UUID(), '4')
	// RFC 9562 appendix A.6 has this time.
	at := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC)
	if s := UUIDv7(at); !strings.HasPrefix(s, "017f22e2-79b0-7000-") {
		t.Error(s)
	}
	last := ""
	for i := range 3000 {
		s := UUIDv7(at.Add(time.Duration(i) * time.Microsecond))
		form(s, '7')
		if s[:18] <= last {
			t.Fatalf("%s does not sort after %s", s, last)
		}
		last = s[:18]
	}
}
