package crypt

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// django makes a hash as Django stores it.
func django(t testing.TB, password, salt string, rounds int) string {
	t.Helper()
	sum, err := pbkdf2.Key(sha256.New, password, []byte(salt), rounds, 32)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", rounds, salt, base64.StdEncoding.EncodeToString(sum))
}

// The first test vector for argon2id of the reference implementation: m=65536, t=2, "password", "somesalt".
const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func TestHash(t *testing.T) {
	h := NewHasher(0)
	a, err := h.Hash(t.Context(), "pässword")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(a) {
		t.Error(a)
	}
	b, _ := h.Hash(t.Context(), "pässword")
	if a == b {
		t.Error("two hashes with one salt")
	}
	if _, err := h.Hash(t.Context(), ""); err == nil {
		t.Error("an empty password was hashed")
	}
	if ok, upgrade, err := h.Verify(t.Context(), a, "pässword"); !ok || upgrade || err != nil {
		t.Error(ok, upgrade, err)
	}
	if ok, upgrade, err := h.Verify(t.Context(), a, "password"); ok || upgrade || err != nil {
		t.Error(ok, upgrade, err)
	}
}

func TestVerify(t *testing.T) {
	h := NewHasher(2)
	old := django(t, "secret", "NaCl", 720000)
	short := django(t, "secret", "NaCl", 1000)
	for _, c := range []struct {
		name, encoded, password string
		ok, upgrade, fails      bool
	}{
		{"reference vector", reference, "password", true, true, false},
		{"reference vector, wrong", reference, "Password", false, false, false},
		{"Django argon2 prefix", "argon2" + reference, "password", true, true, false},
		{"Django pbkdf2", old, "secret", true, true, false},
		{"Django pbkdf2, wrong", old, "Secret", false, false, false},
		{"few rounds", short, "secret", true, true, false},
		{"empty password", django(t, "", "NaCl", 1000), "", false, false, false},
		{"no hash", "", "secret", false, false, false},
		{"unusable", Unusable(), "secret", false, false, false},
		{"unusable, its own text", "!x", "!x", false, false, false},
		{"unknown", "md5$x$y", "secret", false, false, true},
		{"plain text", "secret", "secret", false, false, true},
		{"memory", strings.Replace(reference, "65536", "4194304", 1), "password", false, false, true},
		{"passes", strings.Replace(reference, "t=2", "t=4000000", 1), "password", false, false, true},
		{"memory times passes", strings.Replace(reference, "t=2", "t=16", 1), "password", false, false, true},
		{"lanes", strings.Replace(reference, "p=1", "p=255", 1), "password", false, false, true},
		{"zero passes", strings.Replace(reference, "t=2", "t=0", 1), "password", false, false, true},
		{"negative", strings.Replace(reference, "t=2", "t=-2", 1), "password", false, false, true},
		{"overflow", strings.Replace(reference, "65536", "4294967296", 1), "password", false, false, true},
		{"argon2 version", strings.Replace(reference, "v=19", "v=16", 1), "password", false, false, true},
		{"argon2i", strings.Replace(reference, "argon2id", "argon2i", 1), "password", false, false, true},
		{"empty hash", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$", "password", false, false, true},
		{"rounds", "pbkdf2_sha256$900000000$NaCl$" + strings.Split(short, "$")[3], "secret", false, false, true},
		{"no rounds", "pbkdf2_sha256$0$NaCl$" + strings.Split(short, "$")[3], "secret", false, false, true},
		{"no salt", "pbkdf2_sha256$1000$$" + strings.Split(short, "$")[3], "secret", false, false, true},
		{"short hash", "pbkdf2_sha256$1000$NaCl$AAAA", "secret", false, false, true},
		{"long", "pbkdf2_sha256$1000$" + strings.Repeat("N", 1000) + "$" + strings.Split(short, "$")[3], "secret", false, false, true},
	} {
		ok, upgrade, err := h.Verify(t.Context(), c.encoded, c.password)
		if ok != c.ok || upgrade != c.upgrade || (err != nil) != c.fails {
			t.Errorf("%s: %v %v %v", c.name, ok, upgrade, err)
		}
	}
	if a, b := Unusable(), Unusable(); a == b || a[0] != '!' {
		t.Error(a, b)
	}
}

// No more hashes run at once than there are slots, and who waits may leave.
func TestSemaphore(t *testing.T) {
	h := NewHasher(2)
	h.slots <- struct{}{}
	h.slots <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, "password"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, _, err := h.Verify(ctx, reference, "password"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := h.Dummy(ctx, "password"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	<-h.slots
	<-h.slots
	// A heavy one that gave up has given its place back.
	if ok, _, err := h.Verify(t.Context(), reference, "password"); !ok || err != nil {
		t.Error(ok, err)
	}
	var mu sync.Mutex
	running, most := 0, 0
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			h.run(context.Background(), false, func() {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				if err := work(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				running--
				mu.Unlock()
			})
		})
	}
	wg.Wait()
	if most > 2 {
		t.Errorf("%d at once", most)
	}
}

// work takes a millisecond of processor time.
func work() error {
	_, err := pbkdf2.Key(sha256.New, "x", []byte("saltsaltsaltsalt"), 2000, 32)
	return err
}

// An unknown user must take as long as a wrong password.
func TestDummyTakesAsLong(t *testing.T) {
	h := NewHasher(1)
	stored, err := h.Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	best := func(f func()) time.Duration {
		d := time.Hour
		for range 5 {
			began := time.Now()
			f()
			d = min(d, time.Since(began))
		}
		return d
	}
	wrong := best(func() { h.Verify(t.Context(), stored, "wrong") })
	for name, f := range map[string]func(){
		"dummy":    func() { h.Dummy(t.Context(), "wrong") },
		"unusable": func() { h.Verify(t.Context(), "!x", "wrong") },
		"empty":    func() { h.Verify(t.Context(), stored, "") },
	} {
		if took := best(f); took < wrong/3 || took > wrong*3 {
			t.Errorf("%s took %v, a wrong password %v", name, took, wrong)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, s := range []string{"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "argon2$argon2id$", "pbkdf2_sha256$1$NaCl$" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "!", "", "$$$$$", "pbkdf2_sha256$$$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		p, err := parseHash(encoded)
		if err != nil {
			return
		}
		// What is taken is bounded: the sum is as long as the one to compare, and there is a salt.
		if len(p.salt) == 0 || len(p.sum) < 16 || len(p.sum) > 64 || len(encoded) > maxEncoded {
			t.Errorf("%q was taken", encoded)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := NewHasher(1)
	for b.Loop() {
		if _, err := h.Hash(context.Background(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}
