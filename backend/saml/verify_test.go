package saml

import (
	"os"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

func slurp(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// signedResponse is a genuine response in which the response, the assertion or both are signed.
func signedResponse(t *testing.T, onResponse, onAssertion bool) *etree.Element {
	t.Helper()
	root := read(t, response)
	k := ours().signs(SHA256, rsa256)
	if onAssertion {
		if err := Sign(Children(root, Assertion, "Assertion")[0], k); err != nil {
			t.Fatal(err)
		}
	}
	if onResponse {
		if err := Sign(root, k); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, text(t, root))
}

// evil makes the copy of an element that an attacker wants to be believed: another person, another ID.
func evil(el *etree.Element, id string) *etree.Element {
	c := detached(el)
	for _, s := range Children(c, Signature, "Signature") {
		c.RemoveChild(s)
	}
	for _, n := range c.FindElements("//NameID") {
		n.SetText("admin")
	}
	if id != "" {
		c.CreateAttr("ID", id)
	}
	if c.Tag == "Response" {
		for _, a := range Children(c, Assertion, "Assertion") {
			a.CreateAttr("ID", "_evila")
		}
	}
	return c
}

func without(el *etree.Element) *etree.Element {
	c := detached(el)
	for _, s := range Children(c, Signature, "Signature") {
		c.RemoveChild(s)
	}
	return c
}

func signatureOf(el *etree.Element) *etree.Element {
	return detached(Children(el, Signature, "Signature")[0])
}

// wrappings are the eight documents of "On Breaking SAML: Be Whoever You Want to Be" (XSW 1 to 8), and some more of the kind.
var wrappings = []struct {
	name string
	make func(root *etree.Element) *etree.Element
}{
	// 1: a changed response, whose signature holds the original response.
	{"1", func(root *etree.Element) *etree.Element {
		e := evil(root, "_evil")
		s := signatureOf(root)
		s.AddChild(without(root))
		e.InsertChildAt(1, s)
		return e
	}},
	// 2: the same, with the original beside the signature.
	{"2", func(root *etree.Element) *etree.Element {
		e := evil(root, "_evil")
		e.InsertChildAt(1, without(root))
		e.InsertChildAt(2, signatureOf(root))
		return e
	}},
	// 3: a changed assertion before the original one.
	{"3", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		root.InsertChildAt(a.Index(), evil(a, "_evil"))
		return root
	}},
	// 4: the original assertion inside of the changed one.
	{"4", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		e := evil(a, "_evil")
		root.InsertChildAt(a.Index(), e)
		root.RemoveChild(a)
		e.AddChild(a)
		return root
	}},
	// 5: the changed assertion carries the signature, the original without it stands at the end.
	{"5", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		e := evil(a, "_evil")
		e.InsertChildAt(1, signatureOf(a))
		root.AddChild(without(a))
		root.InsertChildAt(a.Index(), e)
		root.RemoveChild(a)
		return root
	}},
	// 6: the same with the original inside of the signature.
	{"6", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		e := evil(a, "_evil")
		s := signatureOf(a)
		s.AddChild(without(a))
		e.InsertChildAt(1, s)
		root.InsertChildAt(a.Index(), e)
		root.RemoveChild(a)
		return root
	}},
	// 7: the changed assertion in an Extensions element.
	{"7", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		x := etree.NewElement("samlp:Extensions")
		x.AddChild(evil(a, ""))
		root.InsertChildAt(1, x)
		return root
	}},
	// 8: the original in an Object of the signature of the changed one.
	{"8", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		e := evil(a, "_evil")
		s := signatureOf(a)
		o := s.CreateElement("ds:Object")
		o.AddChild(without(a))
		e.InsertChildAt(1, s)
		root.InsertChildAt(a.Index(), e)
		root.RemoveChild(a)
		return root
	}},
	{"5, same ID", func(root *etree.Element) *etree.Element {
		a := Children(root, Assertion, "Assertion")[0]
		e := evil(a, "")
		e.InsertChildAt(1, signatureOf(a))
		root.AddChild(without(a))
		root.InsertChildAt(a.Index(), e)
		root.RemoveChild(a)
		return root
	}},
	{"unsigned assertion first", func(root *etree.Element) *etree.Element {
		root.InsertChildAt(1, evil(Children(root, Assertion, "Assertion")[0], "_evil"))
		return root
	}},
	{"unsigned assertion last", func(root *etree.Element) *etree.Element {
		root.AddChild(evil(Children(root, Assertion, "Assertion")[0], "_evil"))
		return root
	}},
	{"signature taken off", func(root *etree.Element) *etree.Element {
		e := evil(root, "")
		return e
	}},
	{"name changed", func(root *etree.Element) *etree.Element {
		root.FindElement("//NameID").SetText("admin")
		return root
	}},
	{"name in another namespace first", func(root *etree.Element) *etree.Element {
		n := etree.NewElement("NameID")
		n.CreateAttr("xmlns", "urn:other")
		n.SetText("admin")
		root.FindElement("//Subject").InsertChildAt(0, n)
		return root
	}},
	{"reference to everything", func(root *etree.Element) *etree.Element {
		for _, r := range root.FindElements("//Reference") {
			r.CreateAttr("URI", "")
		}
		return root
	}},
	{"a second reference", func(root *etree.Element) *etree.Element {
		for _, i := range root.FindElements("//SignedInfo") {
			i.AddChild(i.FindElement("./Reference").Copy())
		}
		return root
	}},
	{"a second SignedInfo", func(root *etree.Element) *etree.Element {
		for _, s := range root.FindElements("//Signature") {
			s.InsertChildAt(0, s.FindElement("./SignedInfo").Copy())
		}
		return root
	}},
	{"a digest with a comment", func(root *etree.Element) *etree.Element {
		root.FindElement("//NameID").SetText("admin")
		for _, d := range root.FindElements("//DigestValue") {
			old := d.Text()
			d.Child = nil
			d.AddChild(etree.NewComment("AAAA"))
			d.AddChild(etree.NewText(old))
		}
		return root
	}},
}

// TestSignatureWrapping holds that a genuine message is believed, and that no rearrangement makes another person of it: it is refused, or read
// as what was signed.
func TestSignatureWrapping(t *testing.T) {
	for _, way := range []struct {
		name                    string
		onResponse, onAssertion bool
	}{{"response", true, false}, {"assertion", false, true}, {"both", true, true}} {
		t.Run(way.name, func(t *testing.T) {
			got, err := ours().trust().Response(signedResponse(t, way.onResponse, way.onAssertion), nil)
			if err != nil || name(t, got.Assertion) != "anna" || (got.Response != nil) != way.onResponse {
				t.Fatalf("the genuine message: %v, %+v", err, got)
			}
			for _, w := range wrappings {
				t.Run(w.name, func(t *testing.T) {
					root := signedResponse(t, way.onResponse, way.onAssertion)
					if !way.onResponse && (w.name == "1" || w.name == "2") || !way.onAssertion && strings.ContainsAny(w.name[:1], "568") {
						// The signature that this one moves is not there; move the one that is.
						k := ours().signs(SHA256, rsa256)
						target := root
						if way.onResponse {
							target = Children(root, Assertion, "Assertion")[0]
						}
						if err := Sign(target, k); err != nil {
							t.Fatal(err)
						}
					}
					doc := etree.NewDocument()
					doc.SetRoot(w.make(root))
					b, err := doc.WriteToBytes()
					if err != nil {
						t.Fatal(err)
					}
					el, err := Parse(b)
					if err != nil {
						return
					}
					got, err := ours().trust().Response(el, nil)
					if err != nil {
						return
					}
					if n := name(t, got.Assertion); n != "anna" {
						t.Fatalf("believed to be %q:\n%s", n, b)
					}
					if w.name != "7" || way.onResponse {
						t.Fatalf("accepted:\n%s", b)
					}
				})
			}
		})
	}
}

func TestSignaturesThatAreRefused(t *testing.T) {
	genuine := text(t, signedResponse(t, false, true))
	for _, c := range []struct{ what, old, new, word string }{
		{"no signature", text(t, signedResponse(t, false, true)), response, "Neither the response nor its assertion"},
		{"another method", rsa256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "does not fit the certificate"},
		{"DSA", rsa256, DSASHA1, "DSA"},
		{"HMAC with the certificate", rsa256, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", "not known"},
		{"inclusive canonical form", `<ds:CanonicalizationMethod Algorithm="` + exclusive, `<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315`, "canonicalised by"},
		{"an XSLT", `<ds:Transform Algorithm="` + enveloped, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116`, "transforms"},
		{"a file", `URI="#_a1"`, `URI="file:///etc/passwd"`, "does not fit"},
		{"a changed name", ">anna<", ">anne<", "was changed after it was signed"},
		{"two signatures", "<ds:Signature ", `<ds:Signature xmlns:ds="` + Signature + `"/><ds:Signature `, "more than once"},
		{"an Object", "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>", "other parts"},
	} {
		t.Run(c.what, func(t *testing.T) {
			changed := strings.Replace(genuine, c.old, c.new, 1)
			if changed == genuine {
				t.Fatal("nothing was changed")
			}
			_, err := ours().trust().Response(read(t, changed), nil)
			refused(t, err, c.word)
		})
	}
	_, err := theirs().trust().Response(read(t, genuine), nil)
	refused(t, err, "stranger.example.org")
	_, err = Trust{}.Response(read(t, genuine), nil)
	refused(t, err, "no certificate of the other side is known")
	if _, err := (Trust{Certificates: append(theirs().trust().Certificates, ours().cert)}).Response(read(t, genuine), nil); err != nil {
		t.Errorf("a second certificate, as in a roll-over: %v", err)
	}
}

// TestWholeNames holds that a comment does not cut a name: what is read is all of what was signed (CVE-2026-40165).
func TestWholeNames(t *testing.T) {
	root := read(t, strings.Replace(response, ">anna<", ">anna@example.org.evil.example<", 1))
	if err := Sign(Children(root, Assertion, "Assertion")[0], ours().signs(SHA256, rsa256)); err != nil {
		t.Fatal(err)
	}
	commented := strings.Replace(text(t, root), "example.org.evil", "example.org<!-- -->.evil", 1)
	if !strings.Contains(commented, "<!-- -->") {
		t.Fatal("no comment was put in")
	}
	got, err := ours().trust().Response(read(t, commented), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := name(t, got.Assertion); n != "anna@example.org.evil.example" {
		t.Errorf("the name is %q", n)
	}
	s, err := Text(read(t, "<a>x<b/>y</a>"))
	refused(t, err, "something besides text")
	if s != "" {
		t.Error(s)
	}
}
