package web

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"gatehouse/backend/web/page"
)

// Hosts decides under which names Gatehouse answers (decisions 16): the configured name, names of the LAN certificate, brand domains,
// and loopback names for callers on loopback. Any other Host header gets a page that names the right address.
type Hosts struct {
	// Names gives the allowed host names without port, lower case, read from the settings and brands.
	Names func(r *http.Request) []string
}

// Allowed says whether the request's Host may be answered.
func (h Hosts) Allowed(r *http.Request) bool {
	host := Hostname(r.Host)
	if host == "" {
		return false
	}
	if loopbackName(host) {
		return fromLoopback(r)
	}
	return slices.ContainsFunc(h.Names(r), func(n string) bool { return strings.EqualFold(n, host) })
}

// Hostname takes the port, brackets and a trailing dot off a Host header.
func Hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// loopbackName says whether a name or address always means this machine.
func loopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// peer gives the address of who holds the connection.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// fromLoopback says whether the connection comes from this machine.
func fromLoopback(r *http.Request) bool { return peer(r).IsLoopback() }

// ClientIP gives who asks: the peer, or what a proxy on loopback says in X-Forwarded-For (its last entry, the one that proxy wrote).
// Anything that is no address is ignored; the header of any other peer too.
func ClientIP(r *http.Request) string {
	p := peer(r)
	if p.IsLoopback() {
		xff := r.Header.Values("X-Forwarded-For")
		if len(xff) > 0 {
			parts := strings.Split(xff[len(xff)-1], ",")
			if ip, err := netip.ParseAddr(strings.TrimSpace(parts[len(parts)-1])); err == nil {
				return ip.Unmap().WithZone("").String()
			}
		}
	}
	if !p.IsValid() {
		return "255.255.255.255" // as published for an unknown address
	}
	return p.String()
}

// Wrong tells who came by another name which address is right.
type Wrong struct {
	*Screen
	URL func(ctx context.Context) string
}

// ServeHTTP implements http.Handler (RFC 9110 section 15.5.20).
func (s *Wrong) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := s.URL(r.Context())
	if strings.HasPrefix(r.URL.Path, "/api/") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusMisdirectedRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"detail": "Gatehouse does not answer under this name. Use " + to}) // the caller has gone away
		return
	}
	m := page.Message{Status: "notice", Title: s.T(r, "flow.host.title"), Text: []string{s.T(r, "flow.host.text", "host", Hostname(r.Host))}}
	if to != "" {
		m.Links = []page.Button{{Label: to, Href: to + "/", Primary: true}}
	} else {
		m.Text = append(m.Text, s.T(r, "flow.host.none"))
	}
	m.Text = append(m.Text, s.T(r, "flow.host.admin"))
	s.Say(w, r, http.StatusMisdirectedRequest, m)
}
