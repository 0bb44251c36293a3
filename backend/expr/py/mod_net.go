package py

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
)

func quote(s, safe string, plus bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isDigit(c) || c|32 >= 'a' && c|32 <= 'z' || strings.IndexByte("_.-~", c) >= 0 || strings.IndexByte(safe, c) >= 0:
			b.WriteByte(c)
		case plus && c == ' ':
			b.WriteByte('+')
		default:
			b.WriteString("%" + strings.ToUpper(hex2(c)))
		}
	}
	return b.String()
}

func unquote(s string, plus bool) string {
	if plus {
		s = strings.ReplaceAll(s, "+", " ")
	}
	if !strings.Contains(s, "%") {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err == nil {
				b = append(b, byte(v))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

func textOrBytes(t *Thread, v Value) (string, error) {
	switch x := v.(type) {
	case string:
		return x, t.text(3 * len(x))
	case Bytes:
		return string(x), t.text(3 * len(x))
	}
	return "", raise(TypeError, "quote_from_bytes() expected bytes")
}

type urlParts struct {
	scheme, netloc, path, params, query, fragment string
}

func splitURL(s, scheme string) urlParts {
	u := urlParts{scheme: scheme}
	s = strings.TrimLeft(s, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	s = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(s)
	if i := strings.IndexByte(s, ':'); i > 0 && (s[0]|32 >= 'a' && s[0]|32 <= 'z') {
		ok := true
		for j := range i {
			c := s[j]
			ok = ok && (isDigit(c) || c|32 >= 'a' && c|32 <= 'z' || strings.IndexByte("+-.", c) >= 0)
		}
		if ok {
			u.scheme, s = strings.ToLower(s[:i]), s[i+1:]
		}
	}
	if strings.HasPrefix(s, "//") {
		s = s[2:]
		i := strings.IndexAny(s, "/?#")
		if i < 0 {
			i = len(s)
		}
		u.netloc, s = s[:i], s[i:]
	}
	if i := strings.IndexByte(s, '#'); i >= 0 {
		u.fragment, s = s[i+1:], s[:i]
	}
	if i := strings.IndexByte(s, '?'); i >= 0 {
		u.query, s = s[i+1:], s[:i]
	}
	u.path = s
	return u
}

func unsplitURL(u urlParts) string {
	s := u.path
	if u.netloc != "" || u.scheme != "" && (u.scheme == "http" || u.scheme == "https" || u.scheme == "ftp" || u.scheme == "file") && !strings.HasPrefix(s, "//") && (s == "" || s[0] == '/') && u.netloc != "" {
		if s != "" && s[0] != '/' {
			s = "/" + s
		}
		s = "//" + u.netloc + s
	}
	if u.scheme != "" {
		s = u.scheme + ":" + s
	}
	if u.query != "" {
		s += "?" + u.query
	}
	if u.fragment != "" {
		s += "#" + u.fragment
	}
	return s
}

// url is what urlparse and urlsplit give.
type url struct {
	namedTuple
	u urlParts
}

var parseResultType, splitResultType = objType("ParseResult", tupleType), objType("SplitResult", tupleType)

func (x *url) Attr(t *Thread, name string) (Value, bool, error) {
	host := x.u.netloc
	user, hasUser := "", false
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		user, host, hasUser = host[:i], host[i+1:], true
	}
	port := ""
	if strings.HasPrefix(host, "[") {
		if i := strings.IndexByte(host, ']'); i > 0 {
			port = strings.TrimPrefix(host[i+1:], ":")
			host = host[1:i]
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host, port = host[:i], host[i+1:]
	}
	orNone := func(s string, ok bool) (Value, bool, error) {
		if !ok {
			return nil, true, nil
		}
		return s, true, nil
	}
	switch name {
	case "hostname":
		return orNone(strings.ToLower(host), host != "")
	case "port":
		if port == "" {
			return nil, true, nil
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, true, raise(ValueError, "Port could not be cast to integer value as %s", reprStr(port))
		}
		if n < 0 || n > 65535 {
			return nil, true, raise(ValueError, "Port out of range 0-65535")
		}
		return n, true, nil
	case "username":
		n, _, _ := strings.Cut(user, ":")
		return orNone(n, hasUser)
	case "password":
		_, p, ok := strings.Cut(user, ":")
		return orNone(p, hasUser && ok)
	case "geturl":
		return fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) { return joinURL(x.vals) }), true, nil
	case "_replace":
		return fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			v, _, err := x.namedTuple.Attr(t, name)
			if err != nil {
				return nil, err
			}
			if v, err = t.Call(v, args, kw); err != nil {
				return nil, err
			}
			return newURL(v.(*namedTuple).vals), nil
		}), true, nil
	}
	return x.namedTuple.Attr(t, name)
}

func newURL(vals []Value) *url {
	s := make([]string, len(vals))
	for i, v := range vals {
		s[i], _ = v.(string)
	}
	if len(s) == 6 {
		return &url{namedTuple{parseResultType, []string{"scheme", "netloc", "path", "params", "query", "fragment"}, vals}, urlParts{s[0], s[1], s[2], s[3], s[4], s[5]}}
	}
	return &url{namedTuple{splitResultType, []string{"scheme", "netloc", "path", "query", "fragment"}, vals}, urlParts{s[0], s[1], s[2], "", s[3], s[4]}}
}

func joinURL(vals []Value) (Value, error) {
	s := make([]string, len(vals))
	for i, v := range vals {
		x, ok := v.(string)
		if !ok {
			return nil, raise(TypeError, "Cannot mix str and non-str arguments")
		}
		s[i] = x
	}
	switch len(s) {
	case 6:
		if s[3] != "" {
			s[2] += ";" + s[3]
		}
		return unsplitURL(urlParts{s[0], s[1], s[2], "", s[4], s[5]}), nil
	case 5:
		return unsplitURL(urlParts{s[0], s[1], s[2], "", s[3], s[4]}), nil
	}
	return nil, raise(ValueError, "not enough values to unpack (expected 6, got %d)", len(s))
}

// parsePairs reads a query; blank values are dropped unless kept.
func parsePairs(t *Thread, q string, keep bool) ([][2]string, error) {
	var out [][2]string
	if q == "" {
		return nil, nil
	}
	for _, p := range strings.Split(q, "&") {
		k, v, ok := strings.Cut(p, "=")
		if p == "" || (!ok || v == "") && !keep {
			continue
		}
		if err := t.alloc(64 + len(p)); err != nil {
			return nil, err
		}
		out = append(out, [2]string{unquote(k, true), unquote(v, true)})
	}
	return out, nil
}

// resolvePath joins a relative path to a base and removes its dots.
func resolvePath(base, ref string) string {
	if !strings.HasPrefix(ref, "/") {
		i := strings.LastIndexByte(base, '/')
		ref = base[:i+1] + ref
	}
	var out []string
	segs := strings.Split(ref, "/")
	for i, s := range segs {
		last := i == len(segs)-1
		switch s {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}

func init() {
	parseResultType.module, splitResultType.module = "urllib.parse", "urllib.parse"
	moduleInit["urllib.parse"] = func() map[string]Value {
		q := func(name, safe string, plus bool) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "string", "safe?", "encoding?", "errors?")
				if err != nil {
					return nil, err
				}
				s, err := textOrBytes(t, a[0])
				if err != nil {
					return nil, err
				}
				sf := safe
				if x, ok := a[1].(string); ok {
					sf = x
				}
				return quote(s, sf, plus), nil
			}
		}
		uq := func(name string, plus bool) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "string", "encoding?", "errors?")
				if err != nil {
					return nil, err
				}
				s, err := textOrBytes(t, a[0])
				if err != nil {
					return nil, err
				}
				return unquote(s, plus), nil
			}
		}
		return table(map[string]goFunc{
			"quote":        q("quote", "/", false),
			"quote_plus":   q("quote_plus", "", true),
			"unquote":      uq("unquote", false),
			"unquote_plus": uq("unquote_plus", true),
			"urlencode": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("urlencode", args, kw, "query", "doseq?", "safe?", "encoding?", "errors?", "quote_via?")
				if err != nil {
					return nil, err
				}
				doseq, safe := a[1] == true, ""
				if s, ok := a[2].(string); ok {
					safe = s
				}
				plus := true
				if b, ok := a[5].(*Builtin); ok && b.Name == "quote" {
					plus = false
				}
				var parts []string
				enc := func(v Value) (string, error) {
					if b, ok := v.(Bytes); ok {
						return quote(string(b), safe, plus), nil
					}
					s, err := t.Str(v)
					return quote(s, safe, plus), err
				}
				pairs := a[0]
				if d, ok := pairs.(*Dict); ok {
					pairs = &dictView{d, 'i'}
				}
				if !iterable(pairs) {
					return nil, raise(TypeError, "not a valid non-string sequence or mapping object")
				}
				err = t.Each(pairs, func(p Value) error {
					kv, err := t.List(p)
					if err != nil {
						return err
					}
					if len(kv.V) != 2 {
						return raise(TypeError, "not a valid non-string sequence or mapping object")
					}
					k, err := enc(kv.V[0])
					if err != nil {
						return err
					}
					vals := []Value{kv.V[1]}
					if _, isStr := kv.V[1].(string); doseq && !isStr && iterable(kv.V[1]) {
						l, err := t.List(kv.V[1])
						if err != nil {
							return err
						}
						vals = l.V
					}
					for _, v := range vals {
						s, err := enc(v)
						if err != nil {
							return err
						}
						parts = append(parts, k+"="+s)
						if err := t.alloc(len(k) + len(s) + 32); err != nil {
							return err
						}
					}
					return nil
				})
				return strings.Join(parts, "&"), err
			},
			"urlparse": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("urlparse", args, kw, "url", "scheme?", "allow_fragments?")
				if err != nil {
					return nil, err
				}
				s, err := strArg("urlparse", a[0])
				if err != nil {
					return nil, err
				}
				sc, _ := a[1].(string)
				u := splitURL(s, sc)
				if i := strings.LastIndexByte(u.path, '/'); strings.Contains(u.path[i+1:], ";") {
					j := i + 1 + strings.IndexByte(u.path[i+1:], ';')
					u.path, u.params = u.path[:j], u.path[j+1:]
				}
				return newURL([]Value{u.scheme, u.netloc, u.path, u.params, u.query, u.fragment}), t.text(2 * len(s))
			},
			"urlsplit": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("urlsplit", args, kw, "url", "scheme?", "allow_fragments?")
				if err != nil {
					return nil, err
				}
				s, err := strArg("urlsplit", a[0])
				if err != nil {
					return nil, err
				}
				sc, _ := a[1].(string)
				u := splitURL(s, sc)
				return newURL([]Value{u.scheme, u.netloc, u.path, u.query, u.fragment}), t.text(2 * len(s))
			},
			"urlunparse": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("urlunparse", args, kw, "components")
				if err != nil {
					return nil, err
				}
				l, err := t.List(a[0])
				if err != nil {
					return nil, err
				}
				return joinURL(l.V)
			},
			"urlunsplit": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("urlunsplit", args, kw, "components")
				if err != nil {
					return nil, err
				}
				l, err := t.List(a[0])
				if err != nil {
					return nil, err
				}
				return joinURL(l.V)
			},
			"urljoin": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("urljoin", args, kw, "base", "url", "allow_fragments?")
				if err != nil {
					return nil, err
				}
				base, err := strArg("urljoin", a[0])
				if err != nil {
					return nil, err
				}
				ref, err := strArg("urljoin", a[1])
				if err != nil {
					return nil, err
				}
				if err := t.text(2 * (len(base) + len(ref))); err != nil {
					return nil, err
				}
				if base == "" || ref == "" {
					return base + ref, nil
				}
				b := splitURL(base, "")
				r := splitURL(ref, b.scheme)
				switch {
				case r.scheme != b.scheme:
					return ref, nil
				case r.netloc != "":
					return unsplitURL(r), nil
				}
				r.netloc = b.netloc
				if r.path == "" {
					r.path = b.path
					if r.query == "" {
						r.query = b.query
					}
					return unsplitURL(r), nil
				}
				r.path = resolvePath(b.path, r.path)
				return unsplitURL(r), nil
			},
			"parse_qs": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("parse_qs", args, kw, "qs", "keep_blank_values?", "strict_parsing?")
				if err != nil {
					return nil, err
				}
				s, err := strArg("parse_qs", a[0])
				if err != nil {
					return nil, err
				}
				pairs, err := parsePairs(t, s, a[1] == true)
				if err != nil {
					return nil, err
				}
				d := &Dict{}
				for _, p := range pairs {
					v, ok, err := d.Get(t, p[0])
					if err != nil {
						return nil, err
					}
					if !ok {
						v = &List{}
						if err := d.Set(t, p[0], v); err != nil {
							return nil, err
						}
					}
					v.(*List).V = append(v.(*List).V, p[1])
				}
				return d, nil
			},
			"parse_qsl": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("parse_qsl", args, kw, "qs", "keep_blank_values?", "strict_parsing?")
				if err != nil {
					return nil, err
				}
				s, err := strArg("parse_qsl", a[0])
				if err != nil {
					return nil, err
				}
				pairs, err := parsePairs(t, s, a[1] == true)
				out := &List{}
				for _, p := range pairs {
					out.V = append(out.V, &Tuple{[]Value{p[0], p[1]}})
				}
				return out, err
			},
		})
	}
	moduleInit["uuid"] = uuidModule
	moduleInit["ipaddress"] = ipModule
}

// uuidValue is a UUID.
type uuidValue struct{ b [16]byte }

var uuidType = objType("UUID", objectType)

func (u *uuidValue) Type() *Type               { return uuidType }
func (u *uuidValue) Hash(*Thread) (any, error) { return u.b, nil }
func (u *uuidValue) text() string {
	h := hex.EncodeToString(u.b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
func (u *uuidValue) Str(*Thread) (string, error)  { return u.text(), nil }
func (u *uuidValue) Repr(*Thread) (string, error) { return "UUID('" + u.text() + "')", nil }
func (u *uuidValue) Int(*Thread) (Value, error) {
	return normBig(new(big.Int).SetBytes(u.b[:])), nil
}
func (u *uuidValue) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*uuidValue)
	return ok && o.b == u.b, true, nil
}
func (u *uuidValue) Order(t *Thread, v Value) (int, bool, error) {
	o, ok := v.(*uuidValue)
	if !ok {
		return 0, false, nil
	}
	return strings.Compare(string(u.b[:]), string(o.b[:])), true, nil
}
func (u *uuidValue) Attr(t *Thread, name string) (Value, bool, error) {
	switch name {
	case "hex":
		return hex.EncodeToString(u.b[:]), true, nil
	case "bytes":
		return Bytes(u.b[:]), true, nil
	case "int":
		v, err := u.Int(t)
		return v, true, err
	case "urn":
		return "urn:uuid:" + u.text(), true, nil
	case "version":
		if u.b[8]&0xc0 != 0x80 {
			return nil, true, nil
		}
		return int(u.b[6] >> 4), true, nil
	}
	return nil, false, nil
}

func newUUID(b []byte, version byte) *uuidValue {
	u := &uuidValue{}
	copy(u.b[:], b)
	u.b[6] = u.b[6]&0x0f | version<<4
	u.b[8] = u.b[8]&0x3f | 0x80
	return u
}

func uuidModule() map[string]Value {
	uuidType.module = "uuid"
	uuidType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("UUID", args, kw, "hex?", "bytes?", "bytes_le?", "fields?", "int?", "version?")
		if err != nil {
			return nil, err
		}
		u := &uuidValue{}
		switch {
		case a[1] != missing:
			b, err := needBytes(a[1])
			if err != nil {
				return nil, err
			}
			if len(b) != 16 {
				return nil, raise(ValueError, "bytes is not a 16-char string")
			}
			copy(u.b[:], b)
		case a[4] != missing:
			if !isInt(a[4]) || toBig(a[4]).Sign() < 0 || toBig(a[4]).BitLen() > 128 {
				return nil, raise(ValueError, "int is out of range (need a 128-bit value)")
			}
			toBig(a[4]).FillBytes(u.b[:])
		case a[0] != missing:
			s, ok := a[0].(string)
			if !ok {
				return nil, raise(AttributeError, "'%s' object has no attribute 'replace'", typeName(a[0]))
			}
			h := strings.NewReplacer("urn:", "", "uuid:", "").Replace(s)
			h = strings.ReplaceAll(strings.Trim(h, "{}"), "-", "")
			if len(h) != 32 {
				return nil, raise(ValueError, "badly formed hexadecimal UUID string")
			}
			b, err := hex.DecodeString(h)
			if err != nil {
				return parseInt(t, h, 16, reprStr(h))
			}
			copy(u.b[:], b)
		default:
			return nil, raise(TypeError, "one of the hex, bytes, bytes_le, fields, or int arguments must be given")
		}
		return u, t.alloc(32)
	}
	named := func(name string, version byte) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs(name, args, kw, "namespace", "name")
			if err != nil {
				return nil, err
			}
			ns, ok := a[0].(*uuidValue)
			if !ok {
				return nil, raise(AttributeError, "'%s' object has no attribute 'bytes'", typeName(a[0]))
			}
			s, err := strArg(name, a[1])
			if err != nil {
				return nil, err
			}
			data := append(append([]byte(nil), ns.b[:]...), s...)
			if version == 3 {
				h := md5.Sum(data)
				return newUUID(h[:], 3), t.alloc(len(data))
			}
			h := sha1.Sum(data)
			return newUUID(h[:16], 5), t.alloc(len(data))
		}
	}
	out := table(map[string]goFunc{
		"uuid3": named("uuid3", 3),
		"uuid5": named("uuid5", 5),
		"uuid4": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			var b [16]byte
			if _, err := rand.Read(b[:]); err != nil {
				return nil, err
			}
			return newUUID(b[:], 4), nil
		},
	})
	out["uuid1"] = out["uuid4"] // a time-based one would tell the machine's address
	out["UUID"] = uuidType
	for name, c := range map[string]byte{"NAMESPACE_DNS": 0x10, "NAMESPACE_URL": 0x11, "NAMESPACE_OID": 0x12, "NAMESPACE_X500": 0x14} {
		out[name] = &uuidValue{[16]byte{0x6b, 0xa7, 0xb8, c, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}}
	}
	return out
}

// ipAddr is an address, ipNet a network.
type ipAddr struct{ a netip.Addr }
type ipNet struct{ p netip.Prefix }

var ip4Type, ip6Type = objType("IPv4Address", objectType), objType("IPv6Address", objectType)
var net4Type, net6Type = objType("IPv4Network", objectType), objType("IPv6Network", objectType)

func (x *ipAddr) Type() *Type {
	if x.a.Is4() {
		return ip4Type
	}
	return ip6Type
}
func (x *ipAddr) Hash(*Thread) (any, error)   { return x.a, nil }
func (x *ipAddr) Str(*Thread) (string, error) { return x.a.String(), nil }
func (x *ipAddr) Repr(*Thread) (string, error) {
	return x.Type().Name + "('" + x.a.String() + "')", nil
}
func (x *ipAddr) Int(*Thread) (Value, error) {
	return normBig(new(big.Int).SetBytes(x.a.AsSlice())), nil
}
func (x *ipAddr) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*ipAddr)
	return ok && o.a == x.a, true, nil
}
func (x *ipAddr) Order(t *Thread, v Value) (int, bool, error) {
	o, ok := v.(*ipAddr)
	if !ok {
		return 0, false, nil
	}
	if o.a.Is4() != x.a.Is4() {
		return 0, false, raise(TypeError, "%s and %s are not of the same version", x.a, o.a)
	}
	return x.a.Compare(o.a), true, nil
}

var privateNets = func() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range strings.Fields("0.0.0.0/8 10.0.0.0/8 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/29 192.0.0.170/31 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32 ::1/128 ::/128 ::ffff:0:0/96 100::/64 2001::/23 2001:2::/48 2001:db8::/32 2001:10::/28 fc00::/7 fe80::/10") {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

func isPrivate(a netip.Addr) bool {
	for _, p := range privateNets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (x *ipAddr) Attr(t *Thread, name string) (Value, bool, error) {
	switch name {
	case "version":
		if x.a.Is4() {
			return 4, true, nil
		}
		return 6, true, nil
	case "is_private":
		return isPrivate(x.a), true, nil
	case "is_global":
		return !isPrivate(x.a) && !netip.MustParsePrefix("100.64.0.0/10").Contains(x.a), true, nil
	case "is_loopback":
		return x.a.IsLoopback(), true, nil
	case "is_multicast":
		return x.a.IsMulticast(), true, nil
	case "is_link_local":
		return x.a.IsLinkLocalUnicast(), true, nil
	case "is_unspecified":
		return x.a.IsUnspecified(), true, nil
	case "max_prefixlen":
		return x.a.BitLen(), true, nil
	case "packed":
		return Bytes(x.a.AsSlice()), true, nil
	case "compressed":
		return x.a.String(), true, nil
	case "exploded":
		return x.a.StringExpanded(), true, nil
	case "ipv4_mapped":
		if x.a.Is4In6() {
			return &ipAddr{x.a.Unmap()}, true, nil
		}
		return nil, x.a.Is6(), nil
	}
	return nil, false, nil
}

func (x *ipAddr) Op(t *Thread, op string, v Value, right bool) (Value, bool, error) {
	n, ok := asInt(v)
	if !ok || op != "+" && op != "-" || right {
		return nil, false, nil
	}
	if op == "-" {
		n = -n
	}
	b := new(big.Int).SetBytes(x.a.AsSlice())
	b.Add(b, big.NewInt(int64(n)))
	if b.Sign() < 0 || b.BitLen() > x.a.BitLen() {
		return nil, true, raise(ValueError, "%s (>= 2**%d) is not permitted as an IPv%d address", b, x.a.BitLen(), map[bool]int{true: 4, false: 6}[x.a.Is4()])
	}
	a, _ := netip.AddrFromSlice(b.FillBytes(make([]byte, x.a.BitLen()/8)))
	return &ipAddr{a}, true, nil
}

func (x *ipNet) Type() *Type {
	if x.p.Addr().Is4() {
		return net4Type
	}
	return net6Type
}
func (x *ipNet) Hash(*Thread) (any, error)    { return x.p, nil }
func (x *ipNet) Str(*Thread) (string, error)  { return x.p.String(), nil }
func (x *ipNet) Repr(*Thread) (string, error) { return x.Type().Name + "('" + x.p.String() + "')", nil }
func (x *ipNet) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*ipNet)
	return ok && o.p == x.p, true, nil
}
func (x *ipNet) Contains(t *Thread, v Value) (bool, error) {
	switch o := v.(type) {
	case *ipAddr:
		return x.p.Contains(o.a), nil
	case *ipNet:
		return false, nil
	}
	return false, raise(AttributeError, "'%s' object has no attribute '_version'", typeName(v))
}
func (x *ipNet) last() netip.Addr {
	b := x.p.Masked().Addr().AsSlice()
	for i := x.p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
func (x *ipNet) count() *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(x.p.Addr().BitLen()-x.p.Bits()))
}
func (x *ipNet) walk(a, end netip.Addr) Iterator {
	done := false
	return iterFunc(func(t *Thread) (Value, bool, error) {
		if done || a.Compare(end) > 0 {
			return nil, false, nil
		}
		v := a
		if a == end {
			done = true
		} else {
			a = a.Next()
		}
		return &ipAddr{v}, true, t.alloc(32)
	})
}
func (x *ipNet) Iterate(*Thread) (Iterator, error) { return x.walk(x.p.Addr(), x.last()), nil }
func (x *ipNet) Attr(t *Thread, name string) (Value, bool, error) {
	ret := func(v Value) (Value, bool, error) { return v, true, nil }
	switch name {
	case "network_address":
		return ret(&ipAddr{x.p.Addr()})
	case "broadcast_address":
		return ret(&ipAddr{x.last()})
	case "prefixlen":
		return ret(x.p.Bits())
	case "num_addresses":
		return ret(normBig(x.count()))
	case "version":
		if x.p.Addr().Is4() {
			return ret(4)
		}
		return ret(6)
	case "with_prefixlen", "compressed":
		return ret(x.p.String())
	case "is_private":
		return ret(isPrivate(x.p.Addr()) && isPrivate(x.last()))
	case "netmask":
		b := make([]byte, x.p.Addr().BitLen()/8)
		for i := range x.p.Bits() {
			b[i/8] |= 1 << (7 - i%8)
		}
		a, _ := netip.AddrFromSlice(b)
		return ret(&ipAddr{a})
	case "hosts":
		return ret(fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, end := x.p.Addr(), x.last()
			if x.p.Addr().BitLen()-x.p.Bits() > 1 {
				a = a.Next()
				if x.p.Addr().Is4() {
					end = end.Prev()
				}
			}
			return &Iter{x.walk(a, end), otherIterType}, nil
		}))
	case "overlaps", "subnet_of", "supernet_of":
		return ret(fn(name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs(name, args, kw, "other")
			if err != nil {
				return nil, err
			}
			o, ok := a[0].(*ipNet)
			if !ok {
				return nil, raise(TypeError, "%s is not a network", typeName(a[0]))
			}
			switch name {
			case "overlaps":
				return x.p.Overlaps(o.p), nil
			case "subnet_of":
				return o.p.Bits() <= x.p.Bits() && o.p.Contains(x.p.Addr()), nil
			}
			return x.p.Bits() <= o.p.Bits() && x.p.Contains(o.p.Addr()), nil
		}))
	}
	return nil, false, nil
}

func toAddr(t *Thread, v Value, kind int) (Value, error) {
	s, err := t.Repr(v)
	if err != nil {
		return nil, err
	}
	bad := raise(ValueError, "%s does not appear to be an IPv4 or IPv6 address", s)
	var a netip.Addr
	switch x := v.(type) {
	case *ipAddr:
		return x, nil
	case string:
		if a, err = netip.ParseAddr(x); err != nil {
			return nil, bad
		}
	case int:
		if x < 0 {
			return nil, bad
		}
		n := 4
		if x >= 1<<32 || kind == 6 {
			n = 16
		}
		a, _ = netip.AddrFromSlice(big.NewInt(int64(x)).FillBytes(make([]byte, n)))
	case Bytes:
		var ok bool
		if a, ok = netip.AddrFromSlice([]byte(x)); !ok {
			return nil, bad
		}
	default:
		return nil, bad
	}
	if kind == 4 && !a.Is4() || kind == 6 && a.Is4() {
		return nil, raise(addressError, "Expected 4 octets in %s", s)
	}
	return &ipAddr{a}, t.alloc(32)
}

var addressError = newExc("AddressValueError", ValueError)

func toNet(t *Thread, v Value, strict bool) (Value, error) {
	r, err := t.Repr(v)
	if err != nil {
		return nil, err
	}
	bad := raise(ValueError, "%s does not appear to be an IPv4 or IPv6 network", r)
	var p netip.Prefix
	switch x := v.(type) {
	case *ipNet:
		return x, nil
	case *ipAddr:
		p = netip.PrefixFrom(x.a, x.a.BitLen())
	case string:
		addr, mask, has := strings.Cut(x, "/")
		a, err := netip.ParseAddr(addr)
		if err != nil || a.Zone() != "" {
			return nil, bad
		}
		bits := a.BitLen()
		if has {
			if m, err := netip.ParseAddr(mask); err == nil && m.Is4() && a.Is4() {
				b := m.As4()
				n := new(big.Int).SetBytes(b[:])
				bits = 0
				for bits < 32 && n.Bit(31-bits) == 1 {
					bits++
				}
			} else if bits, err = strconv.Atoi(mask); err != nil || bits < 0 || bits > a.BitLen() {
				return nil, bad
			}
		}
		p = netip.PrefixFrom(a, bits)
	default:
		return nil, bad
	}
	if strict && p.Masked().Addr() != p.Addr() {
		return nil, raise(ValueError, "%s has host bits set", p)
	}
	return &ipNet{p.Masked()}, t.alloc(48)
}

func ipModule() map[string]Value {
	makeExc(addressError)
	addressError.module = "ipaddress"
	for _, ty := range []*Type{ip4Type, ip6Type, net4Type, net6Type} {
		ty.module = "ipaddress"
	}
	addr := func(name string, kind int) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs(name, args, kw, "address")
			if err != nil {
				return nil, err
			}
			return toAddr(t, a[0], kind)
		}
	}
	net := func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("ip_network", args, kw, "address", "strict?")
		if err != nil {
			return nil, err
		}
		return toNet(t, a[0], a[1] != false)
	}
	ip4Type.make, ip6Type.make = addr("IPv4Address", 4), addr("IPv6Address", 6)
	net4Type.make, net6Type.make = net, net
	out := table(map[string]goFunc{"ip_address": addr("ip_address", 0), "ip_network": net})
	for _, ty := range []*Type{ip4Type, ip6Type, net4Type, net6Type, addressError} {
		out[ty.Name] = ty
	}
	return out
}
