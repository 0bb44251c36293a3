// Package ca is the office's own certificate authority: it makes the certificate under which the LAN reaches Gatehouse, and renews it.
//
//	first start ─▶ CA (10 years, made once) ─▶ server certificate (397 days) for the configured names ─▶ TLS listener
//	                                              └─ again when a name is added or fewer than 30 days are left
package ca

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// renewBefore is how long before its end the server certificate is made anew.
const renewBefore = 30 * 24 * time.Hour

// Family is the shelf of the one authority; no door serves it.
var Family = &kind.Family{Name: "authority", Param: "pk", Title: "certificate authority"}

// Authority is the CA and the server certificate that it signed last.
type Authority struct {
	PK            string   `json:"pk" is:"readonly"`
	Name          string   `json:"name" is:"required,unique"`
	CACertificate string   `json:"ca_certificate" is:"hidden"`
	CAKey         string   `json:"ca_key" is:"hidden,secret"`
	Certificate   string   `json:"certificate" is:"hidden"`
	Key           string   `json:"key" is:"hidden,secret"`
	Names         []string `json:"names" is:"hidden"`
}

// Kind is how the store knows the authority. It has no path: its keys leave the house in a backup only.
func Kind() *kind.Kind {
	return kind.Of[Authority](Family, kind.Spec{Model: "gatehouse_ca.authority", Schema: "Authority", Title: "Certificate authority"}, nil)
}

// Room makes and serves the certificates.
type Room struct {
	store   *store.Store
	now     func() time.Time
	mu      sync.Mutex // one Ensure at a time
	current atomic.Pointer[tls.Certificate]
	info    atomic.Pointer[Info]
}

// Info is what people may know of the authority.
type Info struct {
	CAPEM    string
	CASHA256 string // colon separated hex of the CA certificate
	CAEnd    time.Time
	Subject  string // of the server certificate
	Names    []string
	End      time.Time // of the server certificate
}

// New makes the room; Ensure has to be called before the first handshake.
func New(s *store.Store, now func() time.Time) *Room { return &Room{store: s, now: now} }

// one is the name of the only row.
const one = "Gatehouse CA"

// Ensure makes the CA on first use and a server certificate that covers all names (DNS names and IP addresses) and lasts.
// A certificate in use is replaced only once the new one stands.
func (r *Room) Ensure(ctx context.Context, office string, names []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	a, err := store.Find[Authority](ctx, r.store, "name", one)
	switch {
	case fault.Is(err, fault.NotFound):
		title := "Gatehouse CA"
		if office != "" {
			title = office + " - Gatehouse CA"
		}
		a = &Authority{Name: one}
		if a.CACertificate, a.CAKey, err = crypt.NewCA(title, r.now()); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if r.fits(a, names) {
		return r.use(a)
	}
	dns, ips := split(names)
	if a.Certificate, a.Key, err = crypt.IssueServer(a.CACertificate, a.CAKey, dns, ips, r.now()); err != nil {
		return err
	}
	a.Names = names
	err = r.store.Write(ctx, store.House, func(tx *store.Tx) error {
		if a.PK == "" {
			return tx.Create(a)
		}
		return tx.Update(a)
	})
	if err != nil {
		return err
	}
	return r.use(a)
}

func (r *Room) fits(a *Authority, names []string) bool {
	if a.Certificate == "" {
		return false
	}
	c, err := crypt.ParseCertificate(a.Certificate)
	if err != nil || c.NotAfter.Sub(r.now()) < renewBefore {
		return false
	}
	for _, n := range names {
		if !slices.Contains(a.Names, n) {
			return false
		}
	}
	return true
}

func (r *Room) use(a *Authority) error {
	pair, err := tls.X509KeyPair([]byte(a.Certificate+a.CACertificate), []byte(a.Key))
	if err != nil {
		return err
	}
	root, err := crypt.ParseCertificate(a.CACertificate)
	if err != nil {
		return err
	}
	leaf, err := crypt.ParseCertificate(a.Certificate)
	if err != nil {
		return err
	}
	pair.Leaf = leaf
	r.current.Store(&pair)
	sum := sha256.Sum256(root.Raw)
	r.info.Store(&Info{
		CAPEM: a.CACertificate, CASHA256: colons(sum[:]), CAEnd: root.NotAfter,
		Subject: leaf.Subject.CommonName, Names: a.Names, End: leaf.NotAfter,
	})
	return nil
}

func colons(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for i, x := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		s.WriteByte(digits[x>>4])
		s.WriteByte(digits[x&15])
	}
	return s.String()
}

func split(names []string) (dns []string, ips []net.IP) {
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			ips = append(ips, ip)
		} else {
			dns = append(dns, n)
		}
	}
	return dns, ips
}

// GetCertificate is for tls.Config. It fails until Ensure was called.
func (r *Room) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c := r.current.Load()
	if c == nil {
		return nil, fault.New(fault.Unavailable, "There is no server certificate yet.")
	}
	return c, nil
}

// Info gives what people may know; nil until Ensure was called.
func (r *Room) Info() *Info { return r.info.Load() }

// DER gives the CA certificate for phones and Windows, nil until Ensure was called.
func (i *Info) DER() []byte {
	b, _ := pem.Decode([]byte(i.CAPEM))
	if b == nil {
		return nil
	}
	return b.Bytes
}

// Pool gives a trust store that holds the CA only.
func (i *Info) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM([]byte(i.CAPEM))
	return p
}
