package crypt

import (
	"encoding/binary"
	"sync"
	"time"
	_ "unsafe" // for the names below

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blake2b"
)

// argon2.IDKey takes new memory for each hash: 19 MiB of garbage a sign-in, which doubles what a burst of sign-ins needs and lets the
// collector run after every other hash. So we call the parts that IDKey is made of with memory that is used again (golang/go issue 36634
// asks for that in the package itself). Docs: docs/decisions/2026-11-24-argon2-memory.md; TestArgonParts holds it against IDKey.

// argonID is the mode of argon2id (RFC 9106 3.2: y = 2).
const argonID = 2

// argonBlock is one KiB of the matrix (RFC 9106 3.1).
type argonBlock [128]uint64

//go:linkname argonHash golang.org/x/crypto/argon2.initHash
func argonHash(password, salt, key, data []byte, time, memory, threads, keyLen uint32, mode int) [blake2b.Size + 8]byte

//go:linkname argonExpand golang.org/x/crypto/argon2.blake2bHash
func argonExpand(out, in []byte)

//go:linkname argonFill golang.org/x/crypto/argon2.processBlocks
func argonFill(matrix []argonBlock, time, memory, threads uint32, mode int)

//go:linkname argonKey golang.org/x/crypto/argon2.extractKey
func argonKey(matrix []argonBlock, memory, threads, keyLen uint32) []byte

// ourKey is argon2.IDKey with our parameters, in a matrix of zeros that it leaves as zeros.
func ourKey(matrix []argonBlock, password, salt []byte) []byte {
	h := argonHash(password, salt, nil, nil, argonTime, argonMemory, argonLanes, hashSize, argonID)
	var first [1024]byte
	for i := range uint32(2) { // RFC 9106 3.2, steps 3 and 4, of the one lane
		binary.LittleEndian.PutUint32(h[blake2b.Size:], i)
		argonExpand(first[:], h[:])
		for j := range matrix[i] {
			matrix[i][j] = binary.LittleEndian.Uint64(first[j*8:])
		}
	}
	argonFill(matrix, argonTime, argonMemory, argonLanes, argonID)
	key := argonKey(matrix, argonMemory, argonLanes, hashSize)
	clear(matrix) // what was made of a password does not stay
	return key
}

var _ = argon2.Version // the package whose parts these are

// argonRest is how long memory for hashes is kept without one.
const argonRest = time.Minute

// matrices keeps the memory of hashes for the next one, until nobody signed in for a while.
type matrices struct {
	mu   sync.Mutex
	free [][]argonBlock
	rest *time.Timer
}

func (m *matrices) take() []argonBlock {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.free); n > 0 {
		b := m.free[n-1]
		m.free = m.free[:n-1]
		return b
	}
	if b := newMatrix(); b != nil {
		return b
	}
	return make([]argonBlock, argonMemory)
}

func (m *matrices) give(b []argonBlock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, b)
	if m.rest == nil {
		m.rest = time.AfterFunc(argonRest, m.drop)
	} else {
		m.rest.Reset(argonRest)
	}
}

func (m *matrices) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.free {
		freeMatrix(b)
	}
	m.free = nil
}
