package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// process is a server that is measured.
type process struct {
	cmd  *exec.Cmd
	base string
	took time.Duration // until it was ready
}

func start(base string, ready string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), base: base}
	p.cmd.Env = append(os.Environ(), "GATEHOUSE_BOOTSTRAP_PASSWORD=bench-password-1", "GATEHOUSE_BOOTSTRAP_TOKEN="+token)
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 30*time.Second {
		res, err := http.Get(base + ready)
		if err == nil {
			_ = res.Body.Close() // nothing in it
			if res.StatusCode < 300 {
				p.took = time.Since(began)
				return p, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return nil, fmt.Errorf("%s did not get ready", name)
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone; an interrupt is ignored in a background job
	_ = p.cmd.Wait()
}

// cpu gives the processor time that the process took.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memory gives resident and anonymous memory in MiB.
func (p *process) memory() (rss, anon float64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			rss = kb / 1024
		case "RssAnon:":
			anon = kb / 1024
		}
	}
	return rss, anon
}

// figure is what one measurement gave.
type figure struct {
	rate float64       // a second
	cpu  time.Duration // of the server, for each
}

// mean is the middle of several.
func mean(fs []figure) figure {
	var out figure
	for _, f := range fs {
		out.rate += f.rate / float64(len(fs))
		out.cpu += f.cpu / time.Duration(len(fs))
	}
	return out
}

// device is one client: one connection and cookies of its own, from an address of its own on this machine. It is made light, since it
// shares the processors with what it measures: it writes a request, reads the answer, and knows what a cookie's name and value are.
type device struct {
	base, host string
	from       net.Dialer
	conn       net.Conn
	r          *bufio.Reader
	cookies    map[string]string
	bare       bool // the next request carries no cookie: a relying party asks, which has none
}

// light is a connection whose reads and writes the runtime does not hear of: telling it costs a client that sleeps most of the time the waking
// of a thread for each, more than the system call itself.
type light struct {
	net.Conn
	raw syscall.RawConn
}

func bared(c net.Conn) (net.Conn, error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	return &light{c, raw}, err
}

// Read implements io.Reader.
func (l *light) Read(b []byte) (n int, err error) {
	return l.call(syscall.SYS_READ, l.raw.Read, b)
}

// Write implements io.Writer.
func (l *light) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var some int
		some, err = l.call(syscall.SYS_WRITE, l.raw.Write, b[n:])
		n += some
	}
	return n, err
}

func (l *light) call(trap uintptr, ready func(func(fd uintptr) bool) error, b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var no syscall.Errno
	err = ready(func(fd uintptr) bool {
		var got uintptr
		got, _, no = syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		n = int(got)
		return no != syscall.EAGAIN && no != syscall.EINTR
	})
	switch {
	case err != nil:
		return 0, err
	case no != 0:
		return 0, no
	case n == 0 && trap == syscall.SYS_READ:
		return 0, io.EOF
	}
	return n, nil
}

// newDevice makes the n-th device of a house.
func newDevice(base string, n int) *device {
	return &device{
		base: base, host: strings.TrimPrefix(base, "http://"), cookies: map[string]string{},
		from: net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+n/250), byte(1+n%250))}},
	}
}

// forget drops the cookies and keeps the connection.
func (d *device) forget() { clear(d.cookies) }

// close ends the connection.
func (d *device) close() {
	if d.conn != nil {
		_ = d.conn.Close() // nothing is under way
		d.conn = nil
	}
}

// reply is what the head of an answer says.
type reply struct {
	StatusCode       int
	Status, Location string
	last             bool // the server closes the connection
}

// read reads an answer: its head line by line, with the cookies kept, and its body, in chunks or of a length (RFC 9112).
func (d *device) read() (res reply, body []byte, err error) {
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := d.r.ReadSlice('\n')
		if err != nil {
			return res, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			_, status, _ := bytes.Cut(line, []byte(" "))
			res.Status = string(status)
			if res.StatusCode, err = strconv.Atoi(res.Status[:min(3, len(res.Status))]); err != nil {
				return res, nil, err
			}
			continue
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return res, nil, err
			}
		case "Transfer-Encoding":
			chunked = string(value) == "chunked"
		case "Location":
			res.Location = string(value)
		case "Connection":
			res.last = string(value) == "close"
		case "Set-Cookie":
			cookie, _, _ := strings.Cut(string(value), ";")
			if k, v, ok := strings.Cut(cookie, "="); ok {
				d.cookies[k] = v
			}
		}
	}
	for n := length; ; {
		if chunked {
			line, err := d.r.ReadSlice('\n')
			if err != nil {
				return res, nil, err
			}
			size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
			if err != nil {
				return res, nil, err
			}
			n = int(size)
		}
		at := len(body)
		body = append(body, make([]byte, n)...)
		if _, err := io.ReadFull(d.r, body[at:]); err != nil {
			return res, nil, err
		}
		if !chunked {
			return res, body, nil
		}
		if _, err := d.r.Discard(2); err != nil {
			return res, nil, err
		}
		if n == 0 {
			return res, body, nil
		}
	}
}

// ask sends one request; an answer of 400 or more is an error.
func (d *device) ask(method, path, contentType, body string, header ...string) (reply, []byte, error) {
	path = strings.TrimPrefix(path, d.base)
	fail := func(err error) (reply, []byte, error) {
		d.close()
		return reply{}, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if d.conn == nil {
		c, err := d.from.Dial("tcp", d.host)
		if err != nil {
			return fail(err)
		}
		if d.conn, err = bared(c); err != nil {
			return fail(err)
		}
		d.r = bufio.NewReader(d.conn)
	}
	var q strings.Builder
	q.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + d.host + "\r\n")
	if len(d.cookies) > 0 && !d.bare {
		q.WriteString("Cookie: ")
		sep := ""
		for k, v := range d.cookies {
			q.WriteString(sep + k + "=" + v)
			sep = "; "
		}
		q.WriteString("\r\n")
	}
	if v := d.cookies["authentik_csrf"]; v != "" && method == http.MethodPost && !d.bare {
		q.WriteString("X-authentik-CSRF: " + v + "\r\n")
	}
	d.bare = false
	for i := 0; i+1 < len(header); i += 2 {
		q.WriteString(header[i] + ": " + header[i+1] + "\r\n")
	}
	if contentType != "" {
		q.WriteString("Content-Type: " + contentType + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	q.WriteString("\r\n" + body)
	if _, err := io.WriteString(d.conn, q.String()); err != nil {
		return fail(err)
	}
	res, b, err := d.read()
	if err != nil {
		return fail(err)
	}
	if res.last {
		d.close()
	}
	if res.StatusCode >= 400 {
		return fail(fmt.Errorf("%s %s", res.Status, b))
	}
	return res, b, nil
}

// storm lets every worker do one thing again and again for a time. What was begun is finished, and counts.
func storm(p *process, workers int, span time.Duration, one func(worker, turn int) error) (figure, error) {
	var n atomic.Int64
	var mu sync.Mutex
	var bad error
	var wg sync.WaitGroup
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the client is one thread with many connections (wrk -t1): the rest is the server's
	before, began := p.cpu(), time.Now()
	for w := range workers {
		wg.Go(func() {
			for turn := 0; time.Since(began) < span; turn++ {
				if err := one(w, turn); err != nil {
					mu.Lock()
					bad = errors.Join(bad, err)
					mu.Unlock()
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	if bad != nil {
		return figure{}, bad
	}
	took := time.Since(began)
	return figure{float64(n.Load()) / took.Seconds(), (p.cpu() - before) / time.Duration(max(n.Load(), 1))}, nil
}

// steady gives the rate at which workers come through in the middle of a run: the clock runs from when as many things are done as there are workers
// until n more are. What begins before and ends after it is work of the same kind, so neither an empty start nor an empty end counts. next
// numbers the things.
func (p *process) steady(n, workers int, one func(worker, number int) error, next func() int) (figure, error) {
	var mu sync.Mutex
	var bad error
	var from, to struct {
		at  time.Time
		cpu time.Duration
	}
	done := 0
	var wg sync.WaitGroup
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one thread, as in storm
	for w := range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				over := bad != nil || done >= n+workers
				mu.Unlock()
				if over {
					return
				}
				err := one(w, next())
				mu.Lock()
				bad = errors.Join(bad, err)
				switch done++; done {
				case workers:
					from.at, from.cpu = time.Now(), p.cpu()
				case n + workers:
					to.at, to.cpu = time.Now(), p.cpu()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return figure{float64(n) / to.at.Sub(from.at).Seconds(), (to.cpu - from.cpu) / time.Duration(n)}, bad
}

// rate asks for a path as often as 16 connections can.
func rate(p *process, path string, span time.Duration, header ...string) (figure, error) {
	devices := make([]*device, 16)
	for i := range devices {
		devices[i] = newDevice(p.base, i)
		defer devices[i].close()
	}
	return storm(p, len(devices), span, func(w, _ int) error {
		_, _, err := devices[w].ask("GET", path, "", "", header...)
		return err
	})
}

// beside measures ours and a baseline in turns (theirs, ours, ours, theirs), so that whatever else the machine does hits both.
func beside(times int, theirs, ours func() (figure, error)) (t, o figure, err error) {
	var ts, os []figure
	for range times {
		for _, what := range []*[]figure{&ts, &os, &os, &ts} {
			do := theirs
			if what == &os {
				do = ours
			}
			f, err := do()
			if err != nil {
				return t, o, err
			}
			*what = append(*what, f)
		}
	}
	return mean(ts), mean(os), nil
}

func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func api(base, method, path string, body any) (map[string]any, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(method, base+"/api/v3/"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out := map[string]any{}
	if res.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s %v %v", method, path, res.Status, out, err)
	}
	return out, nil
}
