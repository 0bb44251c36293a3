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
// asks for that in the package itself), and walk the matrix ourselves: the package counts on memory that is all zeros, and starts a
// goroutine for each of the eight slices. Docs: docs/decisions/2026-11-24-argon2-memory.md; TestArgonParts holds it against IDKey.

// argonID is the mode of argon2id (RFC 9106 3.2: y = 2).
const argonID = 2

// argonBlock is one KiB of the matrix (RFC 9106 3.1).
type argonBlock [128]uint64

//go:linkname argonHash golang.org/x/crypto/argon2.initHash
func argonHash(password, salt, key, data []byte, time, memory, threads, keyLen uint32, mode int) [blake2b.Size + 8]byte

//go:linkname argonExpand golang.org/x/crypto/argon2.blake2bHash
func argonExpand(out, in []byte)

// argonMix gives the compression function of two blocks (RFC 9106 3.5).
//
//go:linkname argonMix golang.org/x/crypto/argon2.processBlock
//go:noescape
func argonMix(out, a, b *argonBlock)

// argonAdd adds it to what out holds, as the passes after the first one do.
//
//go:linkname argonAdd golang.org/x/crypto/argon2.processBlockXOR
//go:noescape
func argonAdd(out, a, b *argonBlock)

//go:linkname argonKey golang.org/x/crypto/argon2.extractKey
func argonKey(matrix []argonBlock, memory, threads, keyLen uint32) []byte

// ourKey is argon2.IDKey with our parameters, in a matrix that may hold anything.
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
	argonFill(matrix)
	return argonKey(matrix, argonMemory, argonLanes, hashSize)
}

// argonFill fills the matrix of one lane from its first two blocks (RFC 9106 3.2 steps 5 and 6, 3.3 and 3.4).
func argonFill(matrix []argonBlock) {
	const slices = 4
	length := len(matrix) / slices
	var zero, addresses argonBlock
	for pass := range argonTime {
		mix := argonAdd
		if pass == 0 {
			mix = argonMix
		}
		for slice := range slices {
			independent := pass == 0 && slice < slices/2 // 3.4.1.3: the first half of the first pass does not depend on the password
			in := argonBlock{0: uint64(pass), 2: uint64(slice), 3: argonMemory, 4: argonTime, 5: argonID}
			// 3.4.2: how many blocks can be referred to, without those of this slice, and which is the first of them.
			usable, start := (slices-1)*length, (slice+1)%slices*length
			if pass == 0 {
				usable, start = slice*length, 0
			}
			for i := range length {
				at := slice*length + i
				if independent && i%len(addresses) == 0 {
					in[6]++
					argonMix(&addresses, &in, &zero)
					argonMix(&addresses, &addresses, &zero)
				}
				if pass == 0 && at < 2 {
					continue // they are there
				}
				before := (at + len(matrix) - 1) % len(matrix)
				j := matrix[before][0]
				if independent {
					j = addresses[i%len(addresses)]
				}
				x := j & 0xffffffff
				x = x * x >> 32
				area := uint64(usable + i - 1)
				ref := (uint64(start) + area - 1 - area*x>>32) % uint64(len(matrix))
				mix(&matrix[at], &matrix[before], &matrix[ref])
			}
		}
	}
}

var _ = argon2.Version // the package whose parts these are

// argonRest is how long memory for hashes is kept without one. It holds what was made of a password, so that is short.
const argonRest = 5 * time.Second

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
