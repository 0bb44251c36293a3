package py

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
	"unicode/utf8"
)

func needBytes(v Value) ([]byte, error) {
	switch x := v.(type) {
	case Bytes:
		return []byte(x), nil
	case string:
		return nil, raise(TypeError, "a bytes-like object is required, not 'str'")
	}
	return nil, raise(TypeError, "a bytes-like object is required, not '%s'", typeName(v))
}

var binasciiError = newExc("Error", ValueError)

// b64 makes the functions of an alphabet.
func b64(out map[string]Value, name string, enc *base64.Encoding) {
	out[name+"encode"] = fn(name+"encode", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(name+"encode", args, kw, "s", "altchars?")
		if err != nil {
			return nil, err
		}
		b, err := needBytes(a[0])
		if err != nil {
			return nil, err
		}
		if err := t.text(2 * len(b)); err != nil {
			return nil, err
		}
		return Bytes(enc.EncodeToString(b)), nil
	})
	out[name+"decode"] = fn(name+"decode", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs(name+"decode", args, kw, "s", "altchars?", "validate?")
		if err != nil {
			return nil, err
		}
		var src string
		switch x := a[0].(type) {
		case string:
			if !isASCII(x) {
				return nil, raise(ValueError, "string argument should contain only ASCII characters")
			}
			src = x
		case Bytes:
			src = string(x)
		default:
			return nil, raise(TypeError, "argument should be a bytes-like object or ASCII string, not '%s'", typeName(x))
		}
		if err := t.text(len(src)); err != nil {
			return nil, err
		}
		var b strings.Builder // characters outside the alphabet are skipped, as in Python
		pad := 0
		for i := 0; i < len(src); i++ {
			c := src[i]
			if name == "urlsafe_b64" {
				switch c {
				case '-':
					c = '+'
				case '_':
					c = '/'
				}
			}
			switch {
			case c == '=':
				if b.Len()%4 >= 2 {
					pad++
				}
			case isDigit(c) || c|32 >= 'a' && c|32 <= 'z' || c == '+' || c == '/':
				b.WriteByte(c)
				pad = 0
			case a[2] == true:
				return nil, raise(binasciiError, "Non-base64 digit found")
			}
		}
		n := b.Len() % 4
		if n == 1 {
			return nil, raise(binasciiError, "Invalid base64-encoded string: number of data characters (%d) cannot be 1 more than a multiple of 4", b.Len())
		}
		if n > 0 && pad < 4-n {
			return nil, raise(binasciiError, "Incorrect padding")
		}
		raw, err := base64.RawStdEncoding.DecodeString(b.String())
		if err != nil {
			return nil, raise(binasciiError, "Incorrect padding")
		}
		return Bytes(raw), nil
	})
}

// digest is a hash object. What was written is kept, so that copies are cheap to think about.
type digest struct {
	name string
	make func() hash.Hash
	data []byte
	key  []byte
	mac  bool
}

var hashType, hmacType = objType("HASH", objectType), objType("HMAC", objectType)

func (d *digest) Type() *Type {
	if d.mac {
		return hmacType
	}
	return hashType
}
func (d *digest) sum() []byte {
	h := d.make()
	if d.mac {
		h = hmac.New(d.make, d.key)
	}
	h.Write(d.data)
	return h.Sum(nil)
}
func (d *digest) Attr(t *Thread, name string) (Value, bool, error) {
	h := d.make()
	switch name {
	case "name":
		if d.mac {
			return "hmac-" + d.name, true, nil
		}
		return d.name, true, nil
	case "digest_size":
		return h.Size(), true, nil
	case "block_size":
		return h.BlockSize(), true, nil
	}
	return nil, false, nil
}

var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

func (d *digest) update(t *Thread, v Value) error {
	if _, ok := v.(string); ok && !d.mac {
		return raise(TypeError, "Strings must be encoded before hashing")
	}
	b, err := needBytes(v)
	if err != nil {
		if !d.mac {
			return raise(TypeError, "object supporting the buffer API required")
		}
		return err
	}
	d.data = append(d.data[:len(d.data):len(d.data)], b...)
	return t.alloc(len(d.data))
}

func hashByName(v Value) (string, func() hash.Hash, error) {
	s, ok := v.(string)
	if b, isB := v.(*Builtin); isB {
		s, ok = strings.TrimPrefix(b.Name, "openssl_"), true
	}
	if !ok {
		return "", nil, raise(TypeError, "Missing required argument 'digestmod'.")
	}
	s = strings.ReplaceAll(strings.ToLower(s), "-", "")
	mk, ok := hashes[s]
	if !ok {
		return "", nil, raise(ValueError, "unsupported hash type %s", s)
	}
	return s, mk, nil
}

func init() {
	makeExc(binasciiError)
	binasciiError.module = "binascii"
	moduleInit["base64"] = func() map[string]Value {
		out := map[string]Value{}
		b64(out, "b64", base64.StdEncoding)
		b64(out, "standard_b64", base64.StdEncoding)
		b64(out, "urlsafe_b64", base64.URLEncoding)
		out["b32encode"] = fn("b32encode", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("b32encode", args, kw, "s")
			if err != nil {
				return nil, err
			}
			b, err := needBytes(a[0])
			if err != nil {
				return nil, err
			}
			return Bytes(base32.StdEncoding.EncodeToString(b)), t.text(2 * len(b))
		})
		out["b16encode"] = fn("b16encode", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("b16encode", args, kw, "s")
			if err != nil {
				return nil, err
			}
			b, err := needBytes(a[0])
			if err != nil {
				return nil, err
			}
			return Bytes(strings.ToUpper(hex.EncodeToString(b))), t.text(2 * len(b))
		})
		out["b32decode"] = fn("b32decode", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("b32decode", args, kw, "s", "casefold?")
			if err != nil {
				return nil, err
			}
			s, ok := a[0].(string)
			if !ok {
				b, err := needBytes(a[0])
				if err != nil {
					return nil, err
				}
				s = string(b)
			}
			if a[1] == true {
				s = strings.ToUpper(s)
			}
			b, err := base32.StdEncoding.DecodeString(s)
			if err != nil {
				return nil, raise(binasciiError, "Incorrect padding")
			}
			return Bytes(b), t.text(len(b))
		})
		return out
	}
	moduleInit["binascii"] = func() map[string]Value { return map[string]Value{"Error": binasciiError} }
	digests := map[string]goFunc{
		"digest": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*digest)
			return Bytes(d.sum()), t.scan(len(d.data))
		},
		"hexdigest": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			d := args[0].(*digest)
			return hex.EncodeToString(d.sum()), t.scan(len(d.data))
		},
		"update": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("update", args[1:], kw, "data", "/")
			if err != nil {
				return nil, err
			}
			return nil, args[0].(*digest).update(t, a[0])
		},
		"copy": func(t *Thread, args []Value, kw []Kw) (Value, error) { d := *args[0].(*digest); return &d, t.alloc(64) },
	}
	methods(hashType, digests)
	methods(hmacType, digests)
	moduleInit["hashlib"] = func() map[string]Value {
		out := map[string]Value{}
		for name, mk := range hashes {
			out[name] = fn("openssl_"+name, func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "string?", "*", "usedforsecurity?")
				if err != nil {
					return nil, err
				}
				d := &digest{name: name, make: mk}
				if a[0] == missing {
					return d, nil
				}
				return d, d.update(t, a[0])
			})
		}
		out["new"] = fn("new", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("new", args, kw, "name", "data?")
			if err != nil {
				return nil, err
			}
			name, mk, err := hashByName(a[0])
			if err != nil {
				return nil, err
			}
			d := &digest{name: name, make: mk}
			if a[1] == missing {
				return d, nil
			}
			return d, d.update(t, a[1])
		})
		return out
	}
	compareDigest := func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("compare_digest", args, kw, "a", "b", "/")
		if err != nil {
			return nil, err
		}
		var raw [2][]byte
		for i, v := range a {
			switch x := v.(type) {
			case string:
				if !isASCII(x) {
					return nil, raise(TypeError, "comparing strings with non-ASCII characters is not supported")
				}
				raw[i] = []byte(x)
			case Bytes:
				raw[i] = []byte(x)
			default:
				return nil, raise(TypeError, "unsupported operand types(s) or combination of types: '%s' and '%s'", typeName(a[0]), typeName(a[1]))
			}
		}
		return hmac.Equal(raw[0], raw[1]), t.scan(len(raw[0]))
	}
	moduleInit["hmac"] = func() map[string]Value {
		mac := func(t *Thread, args []Value, kw []Kw) (*digest, error) {
			a, err := readArgs("new", args, kw, "key", "msg?", "digestmod?")
			if err != nil {
				return nil, err
			}
			key, err := needBytes(a[0])
			if err != nil {
				return nil, raise(TypeError, "key: expected bytes or bytearray, but got '%s'", typeName(a[0]))
			}
			name, mk, err := hashByName(a[2])
			if err != nil {
				return nil, err
			}
			d := &digest{name: name, make: mk, key: key, mac: true}
			if a[1] != missing && a[1] != nil {
				err = d.update(t, a[1])
			}
			return d, err
		}
		return table(map[string]goFunc{
			"compare_digest": compareDigest,
			"new": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				d, err := mac(t, args, kw)
				if err != nil {
					return nil, err
				}
				return d, nil
			},
			"digest": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("digest", args, kw, "key", "msg", "digest")
				if err != nil {
					return nil, err
				}
				d, err := mac(t, a, nil)
				if err != nil {
					return nil, err
				}
				return Bytes(d.sum()), nil
			},
		})
	}
	moduleInit["secrets"] = func() map[string]Value {
		size := func(args []Value) (int, error) {
			if len(args) == 0 || args[0] == nil {
				return 32, nil
			}
			n, err := needInt(args[0])
			if err == nil && (n < 0 || n > 1<<16) {
				err = raise(ValueError, "negative argument not allowed")
			}
			return n, err
		}
		token := func(enc func([]byte) Value) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				n, err := size(args)
				if err != nil {
					return nil, err
				}
				b := make([]byte, n)
				if _, err := rand.Read(b); err != nil {
					return nil, err
				}
				return enc(b), t.text(2 * n)
			}
		}
		return table(map[string]goFunc{
			"token_hex":      token(func(b []byte) Value { return hex.EncodeToString(b) }),
			"token_bytes":    token(func(b []byte) Value { return Bytes(b) }),
			"token_urlsafe":  token(func(b []byte) Value { return base64.RawURLEncoding.EncodeToString(b) }),
			"compare_digest": compareDigest,
			"choice":         randomChoice,
			"randbelow": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("randbelow", args, kw, "n")
				if err != nil {
					return nil, err
				}
				if !isInt(a[0]) || toBig(a[0]).Sign() <= 0 {
					return nil, raise(ValueError, "Upper bound must be positive.")
				}
				n, err := rand.Int(rand.Reader, toBig(a[0]))
				if err != nil {
					return nil, err
				}
				return normBig(n), nil
			},
		})
	}
	moduleInit["string"] = func() map[string]Value {
		const lo, up, di, pu = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
		out := map[string]Value{"ascii_lowercase": lo, "ascii_uppercase": up, "ascii_letters": lo + up, "digits": di, "hexdigits": di + "abcdefABCDEF", "octdigits": "01234567", "punctuation": pu, "whitespace": " \t\n\r\v\f", "printable": di + lo + up + pu + " \t\n\r\v\f"}
		out["capwords"] = fn("capwords", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("capwords", args, kw, "s", "sep?")
			if err != nil {
				return nil, err
			}
			s, err := strArg("capwords", a[0])
			if err != nil {
				return nil, err
			}
			sep, words := " ", []string(nil)
			if x, ok := a[1].(string); ok && x != "" {
				sep, words = x, strings.Split(s, x)
			} else {
				words = strKind.fields(s, -1, false)
			}
			for i, w := range words {
				words[i] = capitalize(lower(w))
			}
			return strings.Join(words, sep), t.text(len(s))
		})
		return out
	}
	moduleInit["textwrap"] = func() map[string]Value {
		return table(map[string]goFunc{
			"dedent": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("dedent", args, kw, "text")
				if err != nil {
					return nil, err
				}
				s, err := strArg("dedent", a[0])
				if err != nil {
					return nil, err
				}
				lines := strings.Split(s, "\n")
				margin, set := "", false
				for i, l := range lines {
					body := strings.TrimLeft(l, " \t")
					if body == "" {
						lines[i] = ""
						continue
					}
					ind := l[:len(l)-len(body)]
					if !set {
						margin, set = ind, true
						continue
					}
					n := 0
					for n < len(margin) && n < len(ind) && margin[n] == ind[n] {
						n++
					}
					margin = margin[:n]
				}
				for i, l := range lines {
					lines[i] = strings.TrimPrefix(l, margin)
				}
				return strings.Join(lines, "\n"), t.text(2 * len(s))
			},
			"indent": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("indent", args, kw, "text", "prefix", "predicate?")
				if err != nil {
					return nil, err
				}
				s, err := strArg("indent", a[0])
				if err != nil {
					return nil, err
				}
				p, err := strArg("indent", a[1])
				if err != nil {
					return nil, err
				}
				lines := splitLines(s, true, lineBreak)
				if err := t.text(len(s) + len(lines)*len(p)); err != nil {
					return nil, err
				}
				for i, l := range lines {
					if strings.TrimFunc(l, pySpace) != "" {
						lines[i] = p + l
					}
				}
				return strings.Join(lines, ""), nil
			},
			"shorten": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("shorten", args, kw, "text", "width", "*", "placeholder?")
				if err != nil {
					return nil, err
				}
				s, err := strArg("shorten", a[0])
				if err != nil {
					return nil, err
				}
				w, err := needInt(a[1])
				if err != nil {
					return nil, err
				}
				ph := " [...]"
				if x, ok := a[2].(string); ok {
					ph = x
				}
				words := strKind.fields(s, -1, false)
				full := strings.Join(words, " ")
				if utf8.RuneCountInString(full) <= w {
					return full, t.text(len(s))
				}
				for n := len(words) - 1; n > 0; n-- {
					c := strings.Join(words[:n], " ") + ph
					if utf8.RuneCountInString(c) <= w {
						return c, t.text(len(s))
					}
					if err := t.charge(n); err != nil {
						return nil, err
					}
				}
				return strings.TrimLeft(ph, " "), nil
			},
			"fill": wrapText(true),
			"wrap": wrapText(false),
		})
	}
}

// wrapText breaks a text at spaces into lines; long words are cut.
func wrapText(fill bool) goFunc {
	return func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("wrap", args, kw, "text", "width?")
		if err != nil {
			return nil, err
		}
		s, err := strArg("wrap", a[0])
		if err != nil {
			return nil, err
		}
		w := 70
		if a[1] != missing {
			if w, err = needInt(a[1]); err != nil {
				return nil, err
			}
		}
		if w <= 0 {
			return nil, raise(ValueError, "invalid width %d (must be > 0)", w)
		}
		if err := t.text(4 * len(s)); err != nil {
			return nil, err
		}
		var lines []string
		cur := []rune(nil)
		for _, word := range strKind.fields(s, -1, false) {
			r := []rune(word)
			if len(cur) > 0 && len(cur)+1+len(r) <= w {
				cur = append(append(cur, ' '), r...)
				continue
			}
			if len(r) > w && len(cur) > 0 && len(cur)+2 <= w {
				n := w - len(cur) - 1
				cur = append(append(cur, ' '), r[:n]...)
				r = r[n:]
			}
			if len(cur) > 0 {
				lines = append(lines, string(cur))
			}
			for len(r) > w {
				lines = append(lines, string(r[:w]))
				r = r[w:]
			}
			cur = append([]rune(nil), r...)
		}
		if len(cur) > 0 {
			lines = append(lines, string(cur))
		}
		if fill {
			return strings.Join(lines, "\n"), nil
		}
		return strKind.list(t, lines)
	}
}
