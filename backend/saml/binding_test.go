package saml

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

const request = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_q1" Version="2.0" IssueInstant="2026-11-29T10:00:00Z"/>`

func TestRedirectThereAndBack(t *testing.T) {
	for _, k := range []*Key{nil, ours().signs(SHA256, rsa256), onP256().signs(SHA256, ecdsa25), onP521().signs(SHA512, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512")} {
		for _, relay := range []string{"", "r s&x=1", "https://sp.example.org/?a=b&c=ü"} {
			to, err := RedirectURL("https://sp.example.org/acs?tenant=1#top", []byte(request), true, relay, k)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(to)
			if err != nil || u.Query().Get("tenant") != "1" || u.Query().Get("RelayState") != relay || u.Query().Has("x") || u.Fragment != "top" {
				t.Fatalf("%s: %v", to, err)
			}
			m, err := DecodeRedirect(u.RawQuery)
			if err != nil || m == nil || !m.Response || m.RelayState != relay || string(m.XML) != request || m.Signed() != (k != nil) {
				t.Fatalf("%s: %v, %+v", to, err, m)
			}
			if k == nil {
				_, err := ours().trust().VerifyMessage(m)
				refused(t, err, "is not signed")
				continue
			}
			p := pair{cert: k.Certificate}
			if el, err := p.trust().VerifyMessage(m); err != nil || el.Tag != "AuthnRequest" {
				t.Fatal(err)
			}
			_, err = theirs().trust().VerifyMessage(m)
			refused(t, err, "does not fit the certificate")
			for name, q := range map[string]string{
				"relay state": strings.Replace(u.RawQuery, "RelayState=", "RelayState=x", 1),
				"message":     strings.Replace(u.RawQuery, "SAMLResponse=", "SAMLRequest=", 1),
			} {
				if q == u.RawQuery {
					continue
				}
				if m, err = DecodeRedirect(q); err != nil {
					t.Fatal(err)
				}
				if _, err = p.trust().VerifyMessage(m); err == nil {
					t.Errorf("a changed %s is believed", name)
				}
			}
		}
	}
}

// TestRawOctets holds that a signature is checked over the query as it was sent: with escapes in lower case, and in the order of the standard.
func TestRawOctets(t *testing.T) {
	k := ours().signs(SHA256, rsa256)
	q := "SAMLRequest=" + strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d").Replace(url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate([]byte(request))))) +
		"&RelayState=a%20b%2fc&SigAlg=" + strings.ReplaceAll(url.QueryEscape(k.Method), "%2F", "%2f")
	value, err := k.sign([]byte(q))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(q+"&Signature="+url.QueryEscape(base64.StdEncoding.EncodeToString(value)), "&")
	shuffled := strings.Join([]string{"x=1", parts[3], parts[2], parts[1], parts[0]}, "&")
	m, err := DecodeRedirect(shuffled)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ours().trust().VerifyMessage(m); err != nil || m.RelayState != "a b/c" {
		t.Errorf("%v, %q", err, m.RelayState)
	}
	// Signed in one way and sent in another, as node-saml does.
	packed := url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate([]byte(request))))
	if value, err = k.sign([]byte("SAMLRequest=" + packed + "&RelayState=a%20b*(c)&SigAlg=" + url.QueryEscape(k.Method))); err != nil {
		t.Fatal(err)
	}
	rest := "&SigAlg=" + url.QueryEscape(k.Method) + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
	for relay, good := range map[string]bool{"a+b%2A%28c%29": true, "a%20b*(c)": true, "a%2Bb*(c)": false, "a%2520b*(c)": false} {
		if m, err = DecodeRedirect("SAMLRequest=" + packed + "&RelayState=" + relay + rest); err != nil {
			t.Fatal(err)
		}
		if _, err := ours().trust().VerifyMessage(m); (err == nil) != good {
			t.Errorf("%s: %v", relay, err)
		}
	}
}

func TestArrivalsThatAreRefused(t *testing.T) {
	good := url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate([]byte(request))))
	for _, c := range []struct{ query, word string }{
		{"SAMLRequest=%", "not written as addresses"},
		{"SAMLRequest=!", "no base64"},
		{"SAMLRequest=AAAA", "can't be inflated"},
		{"SAMLRequest=" + good + "&SAMLRequest=" + good, "twice"},
		{"SAMLRequest=" + good + "&SAMLResponse=" + good, "at once"},
		{"SAMLRequest=" + good + "&RelayState=1&RelayState=2", "twice"},
		{"SAMLRequest=" + good + "&Signature=AAAA", "belong together"},
		{"SAMLRequest=" + good + "&SigAlg=AAAA", "belong together"},
		{"SAMLRequest=" + good + "&SAMLEncoding=gzip", "“gzip”"},
		{"SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate([]byte(strings.Repeat("x", MaxXML+1))))), "larger than"},
	} {
		_, err := DecodeRedirect(c.query)
		refused(t, err, c.word)
	}
	if m, err := DecodeRedirect("RelayState=x"); m != nil || err != nil {
		t.Error(m, err)
	}
	if m, err := DecodeRedirect("SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(request)))); err != nil || string(m.XML) != request {
		t.Error("unpacked:", err)
	}
	text := base64.StdEncoding.EncodeToString([]byte(request))
	for _, c := range []struct {
		form url.Values
		word string
	}{
		{url.Values{"SAMLRequest": {"!"}}, "no base64"},
		{url.Values{"SAMLRequest": {text, text}}, "twice"},
		{url.Values{"SAMLRequest": {text}, "SAMLResponse": {text}}, "at once"},
		{url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte("<a>"))}}, "not well-formed"},
		{url.Values{"SAMLRequest": {strings.Repeat("A", 3*MaxXML)}}, "larger than"},
	} {
		_, err := DecodePost(c.form)
		refused(t, err, c.word)
	}
	m, err := DecodePost(url.Values{"SAMLRequest": {text[:20] + "\r\n" + text[20:]}, "RelayState": {"x"}})
	if err != nil || string(m.XML) != request || m.RelayState != "x" || m.Response {
		t.Error(m, err)
	}
	f := Form([]byte(request), false, "")
	if f["SAMLRequest"] != text || len(f) != 1 {
		t.Error(f)
	}
}

func FuzzRedirect(f *testing.F) {
	to, err := RedirectURL("https://sp.example.org/", []byte(request), false, "a b", ours().signs(SHA256, rsa256))
	if err != nil {
		f.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(u.RawQuery)
	f.Add("SAMLResponse=PGEvPg%3d%3d&RelayState=%")
	trust := theirs().trust()
	f.Fuzz(func(t *testing.T, q string) {
		m, err := DecodeRedirect(q)
		if err != nil || m == nil {
			return
		}
		if _, err := trust.VerifyMessage(m); err == nil {
			t.Fatal("a signature that nobody made is believed")
		}
	})
}

func FuzzVerify(f *testing.F) {
	root, err := Parse([]byte(response))
	if err != nil {
		f.Fatal(err)
	}
	if err := Sign(Children(root, Assertion, "Assertion")[0], ours().signs(SHA256, rsa256)); err != nil {
		f.Fatal(err)
	}
	b, err := Write(root)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, w := range wrappings {
		if root, err = Parse(b); err != nil {
			f.Fatal(err)
		}
		if strings.ContainsAny(w.name, "12") {
			continue
		}
		evil, err := Write(w.make(root))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(evil)
	}
	trust := ours().trust()
	f.Fuzz(func(t *testing.T, b []byte) {
		el, err := Parse(b)
		if err != nil {
			return
		}
		got, err := trust.Response(el, ours().key)
		if err != nil {
			return
		}
		// Only what was signed above can be believed.
		if n := name(t, got.Assertion); n != "anna" {
			t.Fatalf("believed to be %q", n)
		}
	})
}
