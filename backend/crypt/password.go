package crypt

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Our parameters of argon2id: 19 MiB, two passes, one lane (OWASP's first choice for a server of this size).
const (
	argonMemory = 19456 // KiB
	argonTime   = 2
	argonLanes  = 1
	saltSize    = 16
	hashSize    = 32
)

// Argon2 gives our parameters of argon2id: memory in KiB, passes, lanes and the length of the key in bytes (RFC 9106 3.1).
func Argon2() (memory, passes uint32, lanes uint8, length uint32) {
	return argonMemory, argonTime, argonLanes, hashSize
}

// Bounds for hashes made elsewhere: what one sign-in may cost at most.
const (
	maxArgonMemory  = 131072 // KiB; other software's default is 102400
	maxArgonTime    = 16
	maxArgonWork    = 262144 // KiB times passes
	maxArgonLanes   = 16
	maxPBKDF2Rounds = 5_000_000
	maxEncoded      = 512
)

// errHash says that a stored hash has no known form; the person's password is not at fault.
var errHash = errors.New("crypt: unknown password hash")

// Hasher hashes passwords, so many at once as it was told: memory stays bounded however many people sign in.
type Hasher struct {
	slots chan struct{}
	heavy chan struct{} // one slot for hashes that take more memory than ours
	room  matrices
}

// NewHasher makes a hasher for parallel hashes at once; 0 or less means one for each processor.
func NewHasher(parallel int) *Hasher {
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	return &Hasher{slots: make(chan struct{}, parallel), heavy: make(chan struct{}, 1)}
}

// run runs f when there is room. ctx ends only the wait.
func (h *Hasher) run(ctx context.Context, heavy bool, f func()) error {
	rooms := []chan struct{}{h.slots}
	if heavy {
		rooms = []chan struct{}{h.heavy, h.slots}
	}
	for _, room := range rooms {
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f()
	return nil
}

// key is the argon2id key of a password with our parameters; it needs a slot.
func (h *Hasher) key(password string, salt []byte) []byte {
	b := h.room.take()
	defer h.room.give(b)
	return ourKey(b, []byte(password), salt)
}

// Hash gives the argon2id hash of a password in PHC form. It returns an error when ctx ends first or the password is empty.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", errors.New("crypt: an empty password can't be hashed")
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	var sum []byte
	if err := h.run(ctx, false, func() { sum = h.key(password, salt) }); err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// Verify says whether password belongs to the stored hash, and whether the hash should be made anew (another method or other
// parameters than ours). Unusable hashes and empty passwords never match. An error means that the hash has no known form or
// would cost too much, or that ctx ended while waiting.
func (h *Hasher) Verify(ctx context.Context, encoded, password string) (ok, upgrade bool, err error) {
	if encoded == "" || encoded[0] == '!' || password == "" {
		return false, false, h.Dummy(ctx, password)
	}
	p, err := parseHash(encoded)
	if err != nil {
		return false, false, err
	}
	err = h.run(ctx, p.heavy, func() { ok = subtle.ConstantTimeCompare(p.sum, h.compute(p, password)) == 1 })
	if err != nil {
		return false, false, err
	}
	return ok, ok && p.foreign, nil
}

func (h *Hasher) compute(p parsed, password string) []byte {
	if p.ours {
		return h.key(password, p.salt)
	}
	return p.compute(password)
}

// Dummy takes as long as Verify of one of our hashes, so that an unknown name can't be told from a wrong password by the clock.
func (h *Hasher) Dummy(ctx context.Context, password string) error {
	var salt [saltSize]byte
	return h.run(ctx, false, func() { h.key(password, salt[:]) })
}

// Unusable gives a stored value that no password matches. It is different each time.
func Unusable() string { return "!" + ID(40) }

// parsed is a stored hash taken apart.
type parsed struct {
	salt, sum []byte
	foreign   bool // not with our method and parameters
	ours      bool // argon2id with our cost, whatever the length of its salt
	heavy     bool // takes more memory than ours
	compute   func(password string) []byte
}

func parseHash(encoded string) (parsed, error) {
	switch {
	case len(encoded) > maxEncoded:
		return parsed{}, errHash
	case strings.HasPrefix(encoded, "$argon2id$"):
		return parseArgon(encoded)
	case strings.HasPrefix(encoded, "argon2$argon2id$"): // Django puts the name of its hasher in front
		return parseArgon(strings.TrimPrefix(encoded, "argon2"))
	case strings.HasPrefix(encoded, "pbkdf2_sha256$"):
		return parsePBKDF2(encoded)
	}
	return parsed{}, errHash
}

func parseArgon(encoded string) (parsed, error) {
	parts := strings.Split(encoded, "$") // "", "argon2id", "v=19", "m=…,t=…,p=…", salt, hash
	if len(parts) != 6 || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return parsed{}, errHash
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return parsed{}, errHash
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		text, found := strings.CutPrefix(params[i], name)
		v, err := strconv.ParseUint(text, 10, 32)
		if !found || err != nil || v == 0 {
			return parsed{}, errHash
		}
		n[i] = v
	}
	m, t, lanes := n[0], n[1], n[2]
	if m > maxArgonMemory || t > maxArgonTime || m*t > maxArgonWork || lanes > maxArgonLanes {
		return parsed{}, fmt.Errorf("crypt: the password hash asks for too much: m=%d,t=%d,p=%d", m, t, lanes)
	}
	salt, err1 := decodeHash(parts[4])
	sum, err2 := decodeHash(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 {
		return parsed{}, errHash
	}
	return parsed{
		salt: salt, sum: sum, heavy: m > argonMemory,
		ours:    m == argonMemory && t == argonTime && lanes == argonLanes && len(sum) == hashSize,
		foreign: m != argonMemory || t != argonTime || lanes != argonLanes || len(salt) != saltSize || len(sum) != hashSize,
		compute: func(password string) []byte {
			return argon2.IDKey([]byte(password), salt, uint32(t), uint32(m), uint8(lanes), uint32(len(sum)))
		},
	}, nil
}

// parsePBKDF2 takes "pbkdf2_sha256$rounds$salt$hash"; the salt is used as it is written, the hash is base64 with padding.
func parsePBKDF2(encoded string) (parsed, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 4 || parts[2] == "" {
		return parsed{}, errHash
	}
	rounds, err := strconv.Atoi(parts[1])
	if err != nil || rounds < 1 {
		return parsed{}, errHash
	}
	if rounds > maxPBKDF2Rounds {
		return parsed{}, fmt.Errorf("crypt: the password hash asks for too many rounds: %d", rounds)
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(sum) != sha256.Size {
		return parsed{}, errHash
	}
	salt := []byte(parts[2])
	return parsed{
		salt: salt, sum: sum, foreign: true,
		compute: func(password string) []byte {
			out, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
			if err != nil {
				return nil // matches nothing
			}
			return out
		},
	}, nil
}

func decodeHash(s string) ([]byte, error) {
	return base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
}
