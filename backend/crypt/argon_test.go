package crypt

import (
	"bytes"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
)

// TestArgonParts: what we compute in memory that still holds another hash is what the package computes in new memory.
func TestArgonParts(t *testing.T) {
	matrix := make([]argonBlock, argonMemory)
	for _, password := range []string{"a", "correct horse battery staple", "pässwörd", "\x00", strings.Repeat("long ", 2000)} {
		for _, size := range []int{8, 16, 48} {
			salt := make([]byte, size)
			rand.Read(salt)
			want := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, hashSize)
			if got := ourKey(matrix, []byte(password), salt); !bytes.Equal(got, want) {
				t.Fatalf("%.20q with a salt of %d bytes: %x, want %x", password, size, got, want)
			}
		}
	}
}

// TestMatrices: hashes at the same time do not share memory, and what is not used for a while is given up.
func TestMatrices(t *testing.T) {
	h := NewHasher(2)
	var wg sync.WaitGroup
	for _, password := range []string{"one", "two", "three", "four"} {
		wg.Go(func() {
			salt := []byte("0123456789abcdef")
			if err := h.run(t.Context(), false, func() {
				if got, want := h.key(password, salt), argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, hashSize); !bytes.Equal(got, want) {
					t.Errorf("%s: %x, want %x", password, got, want)
				}
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(h.room.free); n == 0 || n > 2 {
		t.Errorf("%d matrices for two hashes at once", n)
	}
	h.room.drop()
	if h.room.free != nil {
		t.Error("the memory is kept")
	}
}

// TestMatrixContract: what newMatrix gives is as large as a hash needs, empty, and may be given back, on every system.
func TestMatrixContract(t *testing.T) {
	for range 3 {
		m := newMatrix()
		if len(m) != argonMemory {
			t.Fatalf("%d blocks", len(m))
		}
		for _, i := range []int{0, 1, argonMemory / 2, argonMemory - 1} {
			if m[i] != (argonBlock{}) {
				t.Fatalf("block %d is not empty", i)
			}
			m[i][127] = 1
		}
		freeMatrix(m)
	}
}
