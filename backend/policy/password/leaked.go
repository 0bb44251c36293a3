package password

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" // the lists of leaked passwords are kept by SHA-1
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

// publicRange answers with the hashes that begin with five digits, and on how many lists each is
// (haveibeenpwned.com, API v3, "Searching by range").
const publicRange = "https://api.pwnedpasswords.com/range/"

// What was answered is remembered for a moment: a person who corrects another field sends the same password again.
const (
	remembered = 5 * time.Minute
	mostRanges = 8 // some 80 kB each, padding included
)

// lists asks the lists of leaked passwords.
type lists struct {
	d *Deps

	mu     sync.Mutex
	ranges map[string]answer // by the first five digits
}

type answer struct {
	body []byte
	at   time.Time
}

// count gives on how many lists a password is. Five of the forty digits of its hash are sent, and the answer is padded, so that nobody
// on the way learns which hash was looked for. Unavailable when the lists can't be asked.
func (l *lists) count(ctx context.Context, word string) (int64, error) {
	sum := sha1.Sum([]byte(word))
	hash := strings.ToUpper(hex.EncodeToString(sum[:]))
	body, err := l.of(ctx, hash[:5])
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		rest, n, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if !ok || !strings.EqualFold(rest, hash[5:]) {
			continue
		}
		count, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		if err != nil {
			return 0, unasked(err)
		}
		return count, nil
	}
	if err := lines.Err(); err != nil {
		return 0, unasked(err)
	}
	return 0, nil
}

// unasked is the error of lists that give no answer. The person reads that it is not their fault; the log has the cause.
func unasked(err error) error {
	return fault.Wrap(fault.Unavailable, "The lists of leaked passwords can't be asked now. Try again later.", err)
}

// of gives the answer for a range: the one that is remembered, else a new one.
func (l *lists) of(ctx context.Context, prefix string) ([]byte, error) {
	now := time.Now()
	l.mu.Lock()
	a, ok := l.ranges[prefix]
	l.mu.Unlock()
	if ok && now.Sub(a.at) < remembered {
		return a.body, nil
	}
	body, err := l.ask(ctx, prefix)
	if err != nil {
		return nil, unasked(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ranges == nil {
		l.ranges = map[string]answer{}
	}
	l.ranges[prefix] = answer{body, now}
	for len(l.ranges) > mostRanges {
		oldest := ""
		for p, r := range l.ranges {
			if oldest == "" || r.at.Before(l.ranges[oldest].at) {
				oldest = p
			}
		}
		delete(l.ranges, oldest)
	}
	return body, nil
}

func (l *lists) ask(ctx context.Context, prefix string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.d.Range+prefix, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Add-Padding", "true")
	resp, err := l.d.Client.Do(req)
	if err != nil {
		return nil, outbound.Say("The service of the lists of leaked passwords", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the lists answered %s", resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, outbound.Say("The service of the lists of leaked passwords", err)
	}
	return body, nil
}
