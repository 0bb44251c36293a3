package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/backend/crypt"

	"golang.org/x/crypto/argon2"
)

// serveBaseline answers what any server has to do at least: nothing at /, and at /token?n=2 the form read and so many JWTs signed, with
// RSA-2048 or what alg says, without a database.
func serveBaseline(at string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signers := map[string]jose.Signer{}
	for alg, key := range map[jose.SignatureAlgorithm]any{jose.RS256: key, jose.ES256: curve} {
		if signers[string(alg)], err = jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT")); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }) // the reader may be gone
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("n"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		signer := signers["RS256"]
		if alg := r.FormValue("alg"); alg != "" {
			signer = signers[alg]
		}
		if signer == nil {
			http.Error(w, "no such alg", http.StatusBadRequest)
			return
		}
		out := map[string]any{"token_type": "bearer", "expires_in": 3600}
		for i := range n {
			claims, err := json.Marshal(map[string]any{"iss": "https://login.example/", "sub": "0123456789", "aud": "client", "iat": time.Now().Unix(), "exp": time.Now().Unix() + 3600, "n": i})
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			signed, err := signer.Sign(claims)
			if err == nil {
				out["token"+strconv.Itoa(i)], err = signed.CompactSerialize()
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the reader may be gone
	})
	return http.ListenAndServe(at, mux)
}

// everyCore runs f on all cores for a time, and gives how often it ran a second and what one run took of a processor. Each core's own time
// counts: the last run of one may end after that of another.
func everyCore(span time.Duration, f func() error) (figure, error) {
	var mu sync.Mutex
	var bad error
	var rate float64
	var all int64
	var wg sync.WaitGroup
	before, began := ownCPU(), time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			n := int64(0)
			for time.Since(began) < span {
				if err := f(); err != nil {
					mu.Lock()
					bad = err
					mu.Unlock()
					return
				}
				n++
			}
			took := time.Since(began)
			mu.Lock()
			rate, all = rate+float64(n)/took.Seconds(), all+n
			mu.Unlock()
		})
	}
	wg.Wait()
	return figure{rate, (ownCPU() - before) / time.Duration(max(all, 1))}, bad
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// signing gives the raw rate of RSA-2048 signatures.
func signing(span time.Duration) (figure, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return figure{}, err
	}
	sum := sha256.Sum256([]byte("bench"))
	return everyCore(span, func() error {
		_, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return err
	})
}

// signingCurve gives the raw rate of ECDSA P-256 signatures.
func signingCurve(span time.Duration) (figure, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return figure{}, err
	}
	sum := sha256.Sum256([]byte("bench"))
	return everyCore(span, func() error {
		_, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		return err
	})
}

// libraryHashing gives the rate of password hashes with the parameters that we ship as the library makes them.
func libraryHashing(span time.Duration) (figure, error) {
	password, salt := []byte("bench-password-1"), []byte("0123456789abcdef")
	m, t, lanes, size := crypt.Argon2()
	return everyCore(span, func() error {
		argon2.IDKey(password, salt, t, m, lanes, size)
		return nil
	})
}

// hashing gives the raw rate of password hashes as we make them, in memory that is used again, and nothing around it.
func hashing(span time.Duration) (figure, error) {
	h := crypt.NewHasher(0)
	return everyCore(span, func() error {
		if _, err := h.Hash(context.Background(), "bench-password-1"); err != nil {
			return fmt.Errorf("hash: %w", err)
		}
		return nil
	})
}
