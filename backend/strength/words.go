package strength

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"strings"
	"sync"
	"time"
)

// packed are the lists of zxcvbn: passwords, English words, names. A line that begins with "=" names the list of the words below, the
// most frequent first; each word is on one list only. Their license is in LICENSE.zxcvbn.
//
//go:embed words.gz
var packed []byte

// keep is how long the unpacked lists stay after they were last used.
const keep = 5 * time.Minute

// place is where a word stands.
type place struct {
	list string
	rank int
}

// book are the unpacked words. heads tells by its first characters how long the longest word is that begins so.
type book struct {
	words map[string]place
	heads map[string]int
}

// head is how many characters heads go by.
const head = 3

var unpacked struct {
	mu   sync.Mutex
	book *book
	drop *time.Timer
}

// lists gives the words, unpacked: a few megabytes, which go when nobody asked for some minutes.
func lists() (*book, error) {
	u := &unpacked
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.book == nil {
		b, err := unpack()
		if err != nil {
			return nil, err
		}
		u.book = b
	}
	if u.drop == nil {
		u.drop = time.AfterFunc(keep, forget)
	}
	u.drop.Reset(keep)
	return u.book, nil
}

// forget lets the unpacked lists go.
func forget() {
	unpacked.mu.Lock()
	defer unpacked.mu.Unlock()
	unpacked.book = nil
}

func unpack() (*book, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	b := &book{words: make(map[string]place, 94_000), heads: map[string]int{}}
	list, rank := "", 0
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		w := lines.Text()
		if name, ok := strings.CutPrefix(w, "="); ok && name != "" {
			list, rank = name, 0
			continue
		}
		rank++
		b.words[w] = place{list, rank}
		if len(w) > head {
			b.heads[w[:head]] = max(b.heads[w[:head]], len(w))
		}
	}
	return b, lines.Err()
}
