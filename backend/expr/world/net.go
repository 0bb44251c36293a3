package world

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/expr/py"
)

// How long an answer of the name server is kept, how many are, and how long one may take.
const (
	keepNames  = 3 * time.Minute
	mostNames  = 32
	longestDNS = 5 * time.Second
)

// names keeps answers of the name server.
type names struct {
	mu sync.Mutex
	m  map[string]answer
}

type answer struct {
	v  []string
	at time.Time
}

func (n *names) get(now time.Time, key string, ask func() []string) []string {
	n.mu.Lock()
	a, ok := n.m[key]
	n.mu.Unlock()
	if ok && now.Sub(a.at) < keepNames {
		return a.v
	}
	v := ask()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil || len(n.m) >= mostNames {
		n.m = map[string]answer{}
	}
	n.m[key] = answer{v, now}
	return v
}

func network() []function {
	return []function{
		{name: "resolve_dns", params: []string{"host", "ip_version?"}, help: "The addresses of a host, all or those of version 4 or 6.", do: resolve},
		{name: "reverse_dns", params: []string{"ip"}, help: "The name of an address, or the address itself.", do: func(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
			ip, err := r.t.Str(a[0])
			if err != nil {
				return nil, err
			}
			if _, err := netip.ParseAddr(ip); err != nil {
				return ip, nil
			}
			found := r.w.dns.get(time.Now(), "ptr "+ip, func() []string {
				ctx, stop := context.WithTimeout(r.ctx, longestDNS)
				defer stop()
				list, err := net.DefaultResolver.LookupAddr(ctx, ip)
				if err != nil || len(list) == 0 {
					return nil
				}
				return []string{strings.TrimSuffix(list[0], ".")}
			})
			if len(found) == 0 {
				return ip, nil
			}
			return found[0], nil
		}},
	}
}

// resolve gives the addresses of a host; none when the name server knows none or does not answer.
func resolve(r *run, a []py.Value, _ []py.Kw) (py.Value, error) {
	host, ok := a[0].(string)
	if !ok {
		return nil, py.Raise(py.TypeError, "host must be str, not %s", py.TypeName(a[0]))
	}
	version := 0
	if a[1] != py.Missing && a[1] != nil {
		if version, ok = py.AsInt(a[1]); !ok || version != 4 && version != 6 {
			return nil, py.Raise(py.ValueError, "ip_version must be 4 or 6")
		}
	}
	found := r.w.dns.get(time.Now(), "host "+host, func() []string {
		ctx, stop := context.WithTimeout(r.ctx, longestDNS)
		defer stop()
		list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil
		}
		out := make([]string, len(list))
		for i, ip := range list {
			out[i] = ip.Unmap().String()
		}
		slices.Sort(out)
		return slices.Compact(out)
	})
	l := &py.List{}
	for _, s := range found {
		if v6 := strings.Contains(s, ":"); version == 0 || v6 == (version == 6) {
			l.V = append(l.V, s)
		}
	}
	return l, r.t.Alloc(64 * len(l.V))
}
