package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/url"
	"strings"
	"sync"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
)

// Message is what arrived by redirect or by form.
type Message struct {
	Root       *etree.Element
	XML        []byte
	Response   bool // it came as SAMLResponse, else as SAMLRequest
	RelayState string
	Binding    string

	// The signature of a redirect covers octets of the query (saml-bindings-2.0 3.4.4.1): those that came, and the other ways to write them.
	method string
	octets [][]byte
	value  []byte
	signed bool
}

// Signed tells whether the message carries a signature, good or bad: beside it when it came by redirect, else inside.
func (m *Message) Signed() bool {
	if m.Binding == Redirect && m.signed {
		return true
	}
	return Signed(m.Root)
}

// VerifyMessage proves the signature of a message and gives what it covers. A redirect may carry it in the query or, as some send it, inside.
func (t Trust) VerifyMessage(m *Message) (*etree.Element, error) {
	if m.Binding != Redirect || !m.signed {
		return t.Verify(m.Root)
	}
	var first error
	for _, octets := range m.octets {
		err := t.holds(m.Root.Tag, m.method, octets, m.value)
		if err == nil {
			return m.Root, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Deflate compresses a message as a redirect carries it.
func Deflate(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.DefaultCompression) // fails only for an unknown level
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// inflaters are used again: each has a window of 32 KiB.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// Inflate reads what was deflated, as much as a message may have.
func Inflate(b []byte) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(b), nil); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxXML+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "The message can't be inflated; it arrived damaged.")
	}
	if len(out) > MaxXML {
		return nil, fault.Newf(fault.Invalid, "The message is larger than %d KiB.", MaxXML>>10)
	}
	return out, nil
}

// DecodeRedirect reads the message in a query. A query without one gives nil.
func DecodeRedirect(rawQuery string) (*Message, error) {
	raw := map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			continue
		}
		switch plain {
		case "SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding":
		default:
			continue
		}
		if _, twice := raw[plain]; twice {
			return nil, fault.Newf(fault.Invalid, "The address holds %s twice.", plain)
		}
		raw[plain] = value
	}
	m := &Message{Binding: Redirect}
	name := "SAMLRequest"
	body, ok := raw[name]
	if answer, is := raw["SAMLResponse"]; is {
		if ok {
			return nil, fault.New(fault.Invalid, "The address holds a request and a response at once.")
		}
		name, body, ok, m.Response = "SAMLResponse", answer, true, true
	}
	if !ok || body == "" {
		return nil, nil
	}
	values := map[string]string{}
	for n, v := range raw {
		plain, err := url.QueryUnescape(v)
		if err != nil {
			return nil, fault.Newf(fault.Invalid, "%s is not written as addresses are.", n)
		}
		values[n] = plain
	}
	if e := values["SAMLEncoding"]; e != "" && e != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return nil, fault.Newf(fault.Invalid, "The message is packed by %s, which is not known.", quote(e))
	}
	m.RelayState = values["RelayState"]
	var err error
	if m.XML, err = unpack(values[name]); err != nil {
		return nil, err
	}
	if raw["Signature"] != "" || raw["SigAlg"] != "" {
		m.signed, m.method = true, values["SigAlg"]
		if m.value, err = base64Text(values["Signature"]); err != nil || len(m.value) == 0 || m.method == "" {
			return nil, fault.New(fault.Invalid, "The signature of the message is incomplete: Signature and SigAlg belong together.")
		}
		_, relayed := raw["RelayState"]
		join := func(write func(name string) string) {
			octets := name + "=" + write(name)
			if relayed {
				octets += "&RelayState=" + write("RelayState")
			}
			m.octets = append(m.octets, []byte(octets+"&SigAlg="+write("SigAlg")))
		}
		// What came counts. Some sign one way to write it and send another (node-saml: a space as %20, sent as +); the values are the same.
		join(func(name string) string { return raw[name] })
		join(func(name string) string { return url.QueryEscape(values[name]) })
		join(func(name string) string { return inJavaScript.Replace(url.QueryEscape(values[name])) })
	}
	m.Root, err = Parse(m.XML)
	return m, err
}

// DecodePost reads the message in a form. A form without one gives nil.
func DecodePost(form url.Values) (*Message, error) {
	m := &Message{Binding: Post, RelayState: form.Get("RelayState")}
	text := form.Get("SAMLRequest")
	if answer := form.Get("SAMLResponse"); answer != "" {
		if text != "" {
			return nil, fault.New(fault.Invalid, "The form holds a request and a response at once.")
		}
		text, m.Response = answer, true
	}
	if len(form["SAMLRequest"]) > 1 || len(form["SAMLResponse"]) > 1 || len(form["RelayState"]) > 1 {
		return nil, fault.New(fault.Invalid, "The form holds one of its fields twice.")
	}
	if text == "" {
		return nil, nil
	}
	var err error
	if m.XML, err = unpack(text); err != nil {
		return nil, err
	}
	m.Root, err = Parse(m.XML)
	return m, err
}

// inJavaScript turns an escaped value into what encodeURIComponent makes of it.
var inJavaScript = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// unpack reads the octets of a message. Those of an address are deflated and those of a form are not, but some do the one where the other
// belongs (the release takes plain ones in addresses, node-saml deflates forms).
func unpack(s string) ([]byte, error) {
	if len(s) > 2*MaxXML {
		return nil, fault.Newf(fault.Invalid, "The message is larger than %d KiB.", MaxXML>>10)
	}
	b, err := base64Text(s)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The message is no base64; it arrived damaged.")
	}
	if trimmed := bytes.TrimLeft(b, " \t\r\n\ufeff"); len(trimmed) > 0 && trimmed[0] == '<' {
		return trimmed, nil
	}
	return Inflate(b)
}

func field(response bool) string {
	if response {
		return "SAMLResponse"
	}
	return "SAMLRequest"
}

// RedirectURL gives the address that carries a message to dest, signed when there is a key. An empty relay state is left out.
func RedirectURL(dest string, message []byte, response bool, relay string, k *Key) (string, error) {
	u, err := url.Parse(dest)
	if err != nil {
		return "", fault.Newf(fault.Invalid, "%s is no address.", quote(dest))
	}
	q := field(response) + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate(message)))
	if relay != "" {
		q += "&RelayState=" + url.QueryEscape(relay)
	}
	if k != nil {
		q += "&SigAlg=" + url.QueryEscape(k.Method)
		value, err := k.sign([]byte(q))
		if err != nil {
			return "", err
		}
		q += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
	}
	if u.RawQuery != "" {
		q = u.RawQuery + "&" + q
	}
	u.RawQuery = q
	return u.String(), nil
}

// Form gives the fields of the form that carries a message. An empty relay state is left out.
func Form(message []byte, response bool, relay string) map[string]string {
	f := map[string]string{field(response): base64.StdEncoding.EncodeToString(message)}
	if relay != "" {
		f["RelayState"] = relay
	}
	return f
}
