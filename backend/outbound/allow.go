package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Allow lists what may be reached although it is refused by default: addresses and networks of this machine. The zero value allows nothing more.
type Allow []rule

// rule is one entry: a network or a name, on one port or on all.
type rule struct {
	net  netip.Prefix // invalid: name decides
	name string
	port int // 0: all
}

// ParseAllow reads a list with commas or blanks between its entries. Each is an address (127.0.0.1, [::1]), a network (127.0.0.0/8) or
// a host name (localhost), an address or a name also with a port (127.0.0.1:8080). The error names the entry that is none of these.
func ParseAllow(text string) (Allow, error) {
	var out Allow
	for _, entry := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		r, ok := parseRule(entry)
		if !ok {
			return nil, fmt.Errorf("%q is neither an address, a network nor a name. Write it as 127.0.0.1:8080, 127.0.0.0/8 or localhost", entry)
		}
		out = append(out, r)
	}
	return out, nil
}

func parseRule(entry string) (rule, bool) {
	if p, err := netip.ParsePrefix(entry); err == nil {
		return rule{net: p.Masked()}, true
	}
	host, port := entry, 0
	if h, p, err := net.SplitHostPort(entry); err == nil {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return rule{}, false
		}
		host, port = h, n
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if a, err := netip.ParseAddr(host); err == nil {
		return rule{net: netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), port: port}, true
	}
	if host == "" || strings.ContainsAny(host, `/:@?#*\`) {
		return rule{}, false
	}
	return rule{name: strings.ToLower(strings.TrimSuffix(host, ".")), port: port}, true
}

// name says whether a host name is allowed with whatever it resolves to.
func (a Allow) name(host string, port int) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range a {
		if !r.net.IsValid() && r.name == host && (r.port == 0 || r.port == port) {
			return true
		}
	}
	return false
}

func (a Allow) address(at netip.Addr, port int) bool {
	for _, r := range a {
		if r.net.IsValid() && r.net.Contains(at) && (r.port == 0 || r.port == port) {
			return true
		}
	}
	return false
}

// refused are the addresses that a request from outside of this machine could not reach, or that answer with secrets of a hosted
// machine: what an admin of the office may make the server ask must not be more than what the office's network offers.
var refused = func() (out []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "127.0.0.0/8", // this machine (RFC 1122 section 3.2.1.3)
		"169.254.0.0/16",     // link-local, also the data of hosted machines (RFC 3927)
		"100.100.100.200/32", // the same, with another host
		"192.0.0.0/24",       // protocol assignments (RFC 6890)
		"224.0.0.0/4",        // multicast
		"255.255.255.255/32", // broadcast
		"::/128", "::1/128",  // this machine
		"fe80::/10", "ff00::/8", // link-local, multicast
		"fd00:ec2::254/128", // the data of hosted machines
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// carriers are networks whose addresses hold an IPv4 address at a byte: that one is asked for too.
var carriers = []struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2},        // RFC 3056
	{netip.MustParsePrefix("::/96"), 12},           // RFC 4291 section 2.5.5.1
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // RFC 2765
}

// reachable says whether an address is none of the refused ones.
func reachable(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	for _, p := range refused {
		if p.Contains(a) {
			return false
		}
	}
	if !a.Is6() {
		return true
	}
	b := a.As16()
	for _, c := range carriers {
		if c.net.Contains(a) && !reachable(netip.AddrFrom4([4]byte(b[c.at:c.at+4]))) {
			return false
		}
	}
	return true
}
