// Package outbound makes the clients by which the house asks other servers over HTTP: webhooks, lists of leaked passwords, gateways,
// whatever an expression asks. Addresses that admins write are asked by this machine, so what is only this machine's own is refused.
//
//	request ─▶ scheme ─▶ name ─▶ every address that is dialled ─▶ answer of at most MaxBody bytes
//	   ▲───────────────────────────────────────────────────────── each redirect
//
// The office's own network is open: 10/8, 172.16/12, 192.168/16, fc00::/7. Loopback, link-local and multicast are refused, after the
// name was resolved, so neither a decimal address nor a name that changes its mind gets around it. The start-up setting outgoing.allow
// opens what is needed. A proxy of the environment is not used: it would resolve the names itself.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// The limits when Options names none.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBody   = 1 << 20
	DefaultRedirects = 3
)

// Options say what a client may. The zero value is what security-minded callers want.
type Options struct {
	Allow       Allow         // what is open besides the network
	Timeout     time.Duration // for the whole exchange; 0 = DefaultTimeout
	MaxBody     int64         // bytes of an answer's body, after decompression; 0 = DefaultMaxBody
	Redirects   int           // how many are followed; 0 = DefaultRedirects, negative = none: the 3xx itself is the answer
	Connections int           // that are kept open to one server; 0 = 2
	TLS         *tls.Config   // nil = the machine's authorities, TLS 1.2 at least
}

var (
	// ErrRefused is in the chain of the error of a request that goes where it may not.
	ErrRefused = errors.New("the address is not open to requests")
	// ErrTooLarge is what reading a body gives past Options.MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrRedirects is in the chain of the error of a request that was sent on too often.
	ErrRedirects = errors.New("too many redirects")
)

// New makes a client. It is safe for use by many at once; keep it, for it keeps connections. The errors of its methods are those of
// net/http; Say makes sentences of them.
func New(o Options) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Redirects == 0 {
		o.Redirects = DefaultRedirects
	}
	if o.Connections == 0 {
		o.Connections = 2
	}
	tc := o.TLS
	if tc == nil {
		tc = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &limited{max: o.MaxBody, next: &http.Transport{
			Proxy: nil, DialContext: dial(o), TLSClientConfig: tc, ForceAttemptHTTP2: true, TLSHandshakeTimeout: o.Timeout,
			MaxIdleConns: 8, MaxIdleConnsPerHost: o.Connections, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			switch {
			case o.Redirects < 0:
				return http.ErrUseLastResponse
			case len(via) > o.Redirects:
				return ErrRedirects
			case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
				return fmt.Errorf("%w: it leads from https to %s", ErrRefused, req.URL.Scheme)
			}
			return nil
		},
	}
}

// dial refuses by the address that is really connected to.
func dial(o Options) func(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}
	guarded := &net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrRefused, address)
		}
		if a := at.Addr().WithZone("").Unmap(); !reachable(a) && !o.Allow.address(a, int(at.Port())) {
			return fmt.Errorf("%w: %s", ErrRefused, a)
		}
		return nil
	}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, p, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if port, err := strconv.Atoi(p); err == nil && o.Allow.name(host, port) {
			return plain.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
}

// limited holds the size of answers.
type limited struct {
	next http.RoundTripper
	max  int64
}

// RoundTrip implements http.RoundTripper.
func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return nil, fmt.Errorf("%w: %q is neither http nor https", ErrRefused, s)
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength > l.max && req.Method != http.MethodHead {
		resp.Body.Close()
		return nil, ErrTooLarge
	}
	resp.Body = &body{resp.Body, l.max}
	return resp, nil
}

// CloseIdleConnections is found by http.Client.
func (l *limited) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body gives at most so many bytes, and ErrTooLarge when there are more.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
