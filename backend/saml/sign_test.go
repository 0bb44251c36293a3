package saml

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// everyWay is each algorithm that is offered, with a key for it.
func everyWay(t *testing.T, f func(t *testing.T, p pair, digest, method string)) {
	t.Helper()
	n := 0
	for method, m := range methods {
		pairs := map[string]pair{"rsa": ours()}
		if m.curve {
			pairs = map[string]pair{"p256": onP256(), "p384": onP384(), "p521": onP521()}
		}
		for curve, p := range pairs {
			for digest := range digests {
				if (curve == "p384" || curve == "p521") && digest != SHA256 {
					continue // the curve makes no difference to the digest
				}
				n++
				t.Run(m.name+" "+curve+" "+digest[strings.LastIndex(digest, "#")+1:], func(t *testing.T) { f(t, p, digest, method) })
			}
		}
	}
	if n != 4*4+4*4+4*2 {
		t.Fatalf("%d ways were tried", n)
	}
}

func TestXmlsecVerifiesWhatWeSign(t *testing.T) {
	everyWay(t, func(t *testing.T, p pair, digest, method string) {
		root := read(t, response)
		a := Children(root, Assertion, "Assertion")[0]
		if err := Sign(a, p.signs(digest, method)); err != nil {
			t.Fatal(err)
		}
		if next := a.ChildElements()[1]; !Is(next, Signature, "Signature") {
			t.Errorf("%s stands behind the issuer, where the schema has the signature", next.Tag)
		}
		if err := Sign(root, p.signs(digest, method)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "m.xml")
		write(t, file, text(t, root))
		_, cert := p.files(t)
		xmlsec(t, "--verify", "--id-attr:ID", Protocol+":Response", "--id-attr:ID", Assertion+":Assertion", "--pubkey-cert-pem", cert, file)
		xmlsec(t, "--verify", "--id-attr:ID", Protocol+":Response", "--id-attr:ID", Assertion+":Assertion", "--pubkey-cert-pem", cert,
			"--node-xpath", "//*[local-name()='Assertion']/*[local-name()='Signature']", file)

		trust := p.trust()
		trust.SHA1 = true
		got, err := trust.Response(read(t, text(t, root)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if name(t, got.Assertion) != "anna" {
			t.Error("the name was lost")
		}
	})
}

func TestWeVerifyWhatXmlsecSigns(t *testing.T) {
	everyWay(t, func(t *testing.T, p pair, digest, method string) {
		template := `<ds:Signature xmlns:ds="` + Signature + `"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="` + method + `"/><ds:Reference URI="#_a1"><ds:Transforms><ds:Transform Algorithm="` + enveloped + `"/><ds:Transform Algorithm="` + exclusive + `">` +
			`<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs samlp"/></ds:Transform></ds:Transforms>
<ds:DigestMethod Algorithm="` + digest + `"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>`
		in := strings.Replace(response, "<saml:Subject>", template+"<saml:Subject>", 1)
		file, out := filepath.Join(t.TempDir(), "m.xml"), filepath.Join(t.TempDir(), "s.xml")
		write(t, file, in)
		key, cert := p.files(t)
		xmlsec(t, "--sign", "--id-attr:ID", Assertion+":Assertion", "--privkey-pem", key+","+cert, "--output", out, file)
		trust := p.trust()
		trust.SHA1 = true
		got, err := trust.Response(read(t, slurp(t, out)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Response != nil || name(t, got.Assertion) != "anna" {
			t.Error("more or less was believed than was signed")
		}
		if old := strings.Contains(digest+method, "sha1"); old {
			_, err = p.trust().Response(read(t, slurp(t, out)), nil)
			refused(t, err, "SHA-1")
		}
		_, err = theirs().trust().Response(read(t, slurp(t, out)), nil)
		if err == nil {
			t.Error("a stranger's certificate was enough")
		}
	})
}

// TestCanonicalForm compares the octets that are digested with those of another implementation.
func TestCanonicalForm(t *testing.T) {
	root := read(t, response)
	file := filepath.Join(t.TempDir(), "m.xml")
	write(t, file, response)
	b, err := canonical(root, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(read(t, string(b)))
	if err != nil || string(again) != string(b) {
		t.Errorf("the canonical form is not its own: %v\n%s\n%s", err, b, again)
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	for _, c := range []struct {
		what string
		key  *Key
		word string
	}{
		{"DSA", ours().signs(SHA256, DSASHA1), "DSA signatures are not supported"},
		{"an unknown method", ours().signs(SHA256, "urn:none"), "“urn:none” is not known"},
		{"an unknown digest", ours().signs("urn:none", rsa256), "“urn:none” is not known"},
		{"RSA for ECDSA", ours().signs(SHA256, ecdsa25), "has an RSA key"},
		{"ECDSA for RSA", onP256().signs(SHA256, rsa256), "has an elliptic-curve key"},
		{"no private key", &Key{Certificate: ours().cert, Digest: SHA256, Method: rsa256}, "no private key"},
	} {
		t.Run(c.what, func(t *testing.T) {
			refused(t, Sign(read(t, assertion), c.key), c.word)
			_, err := RedirectURL("https://sp.example.org/", []byte("<a/>"), false, "", c.key)
			if c.word != "“urn:none” is not known" || c.key.Digest == SHA256 {
				refused(t, err, c.word)
			}
		})
	}
}

// What is signed without a canonicalizer is what the canonicalizer makes of it.
func TestSignedOctets(t *testing.T) {
	for _, id := range []string{"_0123", `a&b<c>"d"'`, "tab\tand\r\n"} {
		el := etree.NewElement("samlp:Response")
		el.CreateAttr("xmlns:samlp", Protocol)
		el.CreateAttr("xmlns:x", "urn:x")
		el.CreateAttr("ID", id)
		k := ours().signs(SHA256, dsig.RSASHA256SignatureMethod)
		if err := Sign(el, k); err != nil {
			t.Fatal(err)
		}
		sig := Children(el, Signature, "Signature")[0]
		info := Children(sig, Signature, "SignedInfo")[0]
		want, err := canonical(info, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := signedOctets(sig, info); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%s\n%s", id, got, want)
		}
		if len(info.Attr) != 0 {
			t.Error("the tree was changed")
		}
	}
}

// A tree that is said to be in its canonical form is what the canonicalizer makes of it.
func FuzzSettled(f *testing.F) {
	for xml, want := range map[string]bool{
		`<s:A xmlns:s="urn:s" ID="1" Version="2"><s:B Name="x">t&amp;&#13;&quot;</s:B><t:C xmlns:t="urn:t"><s:D/></t:C></s:A>`: true,
		`<s:A xmlns:s="urn:s"><t:C xmlns:t="urn:t"/><t:C xmlns:t="urn:t"/></s:A>`:                                              true,
		`<s:A ID="1" xmlns:s="urn:s"/>`:                         false,
		`<s:A xmlns:s="urn:s" B="1" A="1"/>`:                    false,
		`<s:A xmlns:s="urn:s" xmlns:t="urn:t"><t:B/></s:A>`:     false,
		`<s:A xmlns:s="urn:s"><s:B xmlns:s="urn:s"/></s:A>`:     false,
		`<s:A xmlns:s="urn:s"><s:B xmlns:s="urn:other"/></s:A>`: false,
		`<s:A xmlns:s="urn:s" s:B="1"/>`:                        false,
		`<A xmlns="urn:s"/>`:                                    false,
		`<s:A xmlns:s="urn:s"><!-- c --></s:A>`:                 false,
		`<s:A xmlns:s="urn:s"><?p i?></s:A>`:                    false,
		`<s:A xmlns:s="urn:s"><![CDATA[x]]></s:A>`:              false,
		`<s:A/>`:                               false,
		`<s:A xmlns:s="urn:s" xml:lang="en"/>`: false,
	} {
		doc := etree.NewDocument()
		doc.ReadSettings.PreserveCData = true
		if err := doc.ReadFromString(xml); err != nil {
			f.Fatal(err)
		}
		root := doc.Root()
		doc.RemoveChild(root)
		if settled(root, nil) != want {
			f.Errorf("%s: %v", xml, !want)
		}
		f.Add(xml)
	}
	f.Fuzz(func(t *testing.T, xml string) {
		doc := etree.NewDocument()
		if doc.ReadFromString(xml) != nil || doc.Root() == nil {
			return
		}
		root := doc.Root()
		doc.RemoveChild(root)
		if !settled(root, nil) {
			return
		}
		want, err := canonical(root, "")
		if err != nil {
			return // of names that no namespace has
		}
		if got := plain(root); !bytes.Equal(got, want) {
			t.Errorf("%q:\n%q\n%q", xml, got, want)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	k := ours().signs(SHA256, dsig.RSASHA256SignatureMethod)
	for b.Loop() {
		el := etree.NewElement("samlp:Response")
		el.CreateAttr("xmlns:samlp", Protocol)
		el.CreateAttr("ID", "_1")
		if err := Sign(el, k); err != nil {
			b.Fatal(err)
		}
	}
}
