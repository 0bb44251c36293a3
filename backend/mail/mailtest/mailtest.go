// Package mailtest is a mail server for tests: it speaks real SMTP, keeps what it gets, and refuses what it is told to refuse.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is what arrived.
type Mail struct {
	From string
	To   []string
	Raw  string
	TLS  bool
	User string // who signed in, "" for nobody
}

// Header gives a header of the mail.
func (m Mail) Header(name string) string {
	msg, err := mail.ReadMessage(readerOf(m.Raw))
	if err != nil {
		return ""
	}
	return msg.Header.Get(name)
}

// Server receives mails.
type Server struct {
	Host string
	Port int
	Pool *x509.CertPool // trusts the server

	mu     sync.Mutex
	mails  []Mail
	refuse error
	when   string // the command that is refused: "mail", "rcpt", "data"
	user   string
	pass   string
}

// Options say what a server is like.
type Options struct {
	TLS      bool // from the start
	StartTLS bool
	User     string // who may send; "" = everybody, and nobody can sign in
	Pass     string
}

// Start opens a server on a free port of this machine until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{Host: "127.0.0.1", user: o.User, pass: o.Pass}
	cert, pool, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	s.Pool = pool
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, conn: c}, nil }))
	srv.Domain, srv.AllowInsecureAuth = "mail.test", true
	srv.ReadTimeout, srv.WriteTimeout = 10*time.Second, 10*time.Second
	srv.ErrorLog = log.New(io.Discard, "", 0)
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if o.StartTLS {
		srv.TLSConfig = conf
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if s.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	if o.TLS {
		l = tls.NewListener(l, conf)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with the listener
	}()
	t.Cleanup(func() {
		_ = l.Close() // the server may not have got as far as knowing it
		_ = srv.Close()
		<-done
	})
	return s
}

// Mails gives what arrived so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Wait gives the first n mails once they are there.
func (s *Server) Wait(t testing.TB, n int) []Mail {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ms := s.Mails(); len(ms) >= n {
			return ms[:n]
		}
	}
	t.Fatalf("%d mails arrived, not %d", len(s.Mails()), n)
	return nil
}

// Refuse has a command answered with a code and words: "mail", "rcpt" or "data"; code 0 takes it again.
func (s *Server) Refuse(command string, code int, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.when, s.refuse = command, nil
	if code != 0 {
		s.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: words}
	}
}

func (s *Server) refused(command string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.when == command {
		return s.refuse
	}
	return nil
}

type session struct {
	s    *Server
	conn *smtp.Conn
	now  Mail
	user string
}

// AuthMechanisms implements smtp.AuthSession.
func (c *session) AuthMechanisms() []string {
	if c.s.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if user != c.s.user || pass != c.s.pass {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Wrong name or password, says the test"}
		}
		c.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if err := c.s.refused("mail"); err != nil {
		return err
	}
	if c.s.user != "" && c.user == "" {
		return smtp.ErrAuthRequired
	}
	_, secure := c.conn.TLSConnectionState()
	c.now = Mail{From: from, TLS: secure, User: c.user}
	return nil
}

// Rcpt implements smtp.Session.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.now.To = append(c.now.To, to)
	return c.s.refused("rcpt")
}

// Data implements smtp.Session.
func (c *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.s.refused("data"); err != nil {
		return err
	}
	c.now.Raw = string(b)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.mails = append(c.s.mails, c.now)
	return nil
}

// Reset implements smtp.Session.
func (c *session) Reset() { c.now = Mail{} }

// Logout implements smtp.Session.
func (c *session) Logout() error { return nil }

func certificate() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"mail.test", "localhost"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool, nil
}
