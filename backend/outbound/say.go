package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"gatehouse/backend/fault"
)

// Say makes of an error of a client's method an Unavailable fault that says in plain words why a server was not reached; who is what
// the server is for whoever reads it, such as "The webhook". The address is never said: it often holds a secret. The cause is for the
// log, without the query of the address.
func Say(who string, err error) *fault.Error {
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		addr    *url.Error
		records tls.RecordHeaderError
	)
	why := "can't be reached. Check its address, and that it runs."
	switch {
	case errors.Is(err, ErrRefused):
		why = "has an address that Gatehouse doesn't send requests to, because it belongs to this machine alone. Whoever runs the server can open it with the start-up setting outgoing.allow."
	case errors.Is(err, ErrTooLarge):
		why = "answered with more than Gatehouse reads."
	case errors.Is(err, ErrRedirects):
		why = "sends requests on in a circle. Check its address."
	case errors.As(err, &cert), errors.As(err, &unknown):
		why = "has a certificate that this machine doesn't trust."
	case errors.As(err, &records), errors.Is(err, http.ErrSchemeMismatch):
		why = "doesn't speak TLS there. Check whether its address begins with http or https."
	case errors.As(err, &dns):
		why = "has a name that can't be found on the network. Check its address."
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "refuses the connection. Check its address, and that it runs."
	case errors.As(err, &addr) && addr.Timeout():
		why = "didn't answer in time."
	}
	if errors.As(err, &addr) {
		if u, e := url.Parse(addr.URL); e == nil {
			err = &url.Error{Op: addr.Op, URL: u.Scheme + "://" + u.Host, Err: addr.Err}
		} else {
			err = addr.Err
		}
	}
	return fault.Wrap(fault.Unavailable, who+" "+why, err)
}
