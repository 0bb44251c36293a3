package saml

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestMessagesThatAreNotRead(t *testing.T) {
	var names, ids strings.Builder
	for i := range 100 {
		fmt.Fprintf(&names, ` xmlns:n%d="urn:%d"`, i, i)
	}
	for i := range 9000 {
		fmt.Fprintf(&ids, ` a%d=""`, i)
	}
	for _, c := range []struct{ what, in, word string }{
		{"nothing", "", "ends too early"},
		{"text", "hello", "text outside"},
		{"truncated", response[:len(response)/2], "not well-formed"},
		{"an end too early", "<a><b></b>", "ends too early"},
		{"a wrong end", "<a></b>", "closed that is not open"},
		{"a wrong prefix at the end", `<x:a xmlns:x="u" xmlns:y="u"></y:a>`, "closed that is not open"},
		{"two roots", "<a/><b/>", "two roots"},
		{"a document type", `<!DOCTYPE a><a/>`, "DOCTYPE"},
		{"entities that multiply", `<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>`, "DOCTYPE"},
		{"a foreign entity", `<a>&passwd;</a>`, "not well-formed"},
		{"an instruction", `<a><?php x?></a>`, "processing instruction"},
		{"a declaration inside", `<a><?xml version="1.0"?></a>`, "processing instruction"},
		{"Latin-1", `<?xml version="1.0" encoding="iso-8859-1"?><a/>`, "only UTF-8"},
		{"no UTF-8", "<a>\xff</a>", "not in UTF-8"},
		{"an undeclared prefix", `<x:a/>`, "declares it nowhere"},
		{"an undeclared prefix of an attribute", `<a x:b=""/>`, "declares it nowhere"},
		{"a name with two colons", `<a xmlns:b="u"><b:c:d/></a>`, "not well-formed"},
		{"an attribute twice", `<a b="1" b="2"/>`, "attribute “b” twice"},
		{"an attribute twice by two prefixes", `<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>`, "attribute “b” twice"},
		{"a namespace twice", `<a xmlns="u" xmlns="v"/>`, "attribute “xmlns” twice"},
		{"an ID twice", `<a ID="1"><b Id="1"/></a>`, "the ID “1” twice"},
		{"an ID twice by xml:id", `<a ID="1"><b xml:id="1"/></a>`, "the ID “1” twice"},
		{"xmlns redeclared", `<a xmlns:xmlns="u"/>`, "XML forbids"},
		{"xml redeclared", `<a xmlns:xml="u"/>`, "XML forbids"},
		{"another prefix for xml", `<a xmlns:x="http://www.w3.org/XML/1998/namespace"/>`, "XML forbids"},
		{"a prefix taken back", `<x:a xmlns:x="u"><b xmlns:x=""/></x:a>`, "XML forbids"},
		{"depth", strings.Repeat("<a>", 33) + strings.Repeat("</a>", 33), "levels"},
		{"elements", "<a>" + strings.Repeat("<b/>", 8000) + "</a>", "elements"},
		{"attributes", "<a" + ids.String() + "/>", "attributes"},
		{"namespaces", "<a" + names.String() + "/>", "too many namespaces"},
		{"size", "<a>" + strings.Repeat("x", MaxXML) + "</a>", "larger than 256 KiB"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := Parse([]byte(c.in))
			refused(t, err, c.word)
		})
	}
}

func TestReadAsWritten(t *testing.T) {
	el := read(t, `<?xml version="1.0" encoding="UTF-8"?><!-- x --><p:a xmlns:p="u" b="1&#10;2"> x<!-- y --><![CDATA[<z>]]>&amp;<p:c/></p:a>`)
	if el.NamespaceURI() != "u" || len(el.Child) != 2 {
		t.Fatalf("%d children", len(el.Child))
	}
	if s := text(t, el); s != `<p:a xmlns:p="u" b="1&#xA;2"> x&lt;z&gt;&amp;<p:c></p:c></p:a>` {
		t.Error(s)
	}
	inner := read(t, `<a xmlns="u" xmlns:q="v"><b><q:c/></b></a>`).FindElement("//b")
	if s := text(t, inner); s != `<b xmlns="u" xmlns:q="v"><q:c></q:c></b>` && s != `<b xmlns:q="v" xmlns="u"><q:c></q:c></b>` {
		t.Error("a part does not stand by itself:", s)
	}
}

// TestBombsAreCheap holds the memory that the worst messages cost: no more than a few times that of the largest that is read.
func TestBombsAreCheap(t *testing.T) {
	long := strings.Repeat("<a>", 90_000)
	bombs := map[string]func() error{
		"nested tags": func() error { _, err := Parse([]byte(long[:MaxXML])); return err },
		"siblings":    func() error { _, err := Parse([]byte("<a>" + strings.Repeat("<b/>", MaxXML/4-10))); return err },
		"a comment":   func() error { _, err := Parse([]byte("<a><!--" + strings.Repeat("x", 20<<20) + "--></a>")); return err },
		"deflate":     func() error { _, err := Inflate(Deflate([]byte(strings.Repeat("x", 50<<20)))); return err },
		"attributes":  func() error { _, err := Parse([]byte("<a " + strings.Repeat(`b="" `, 50_000) + "/>")); return err },
	}
	for what, f := range bombs {
		t.Run(what, func(t *testing.T) {
			if what == "deflate" {
				packed := Deflate([]byte(strings.Repeat("x", 50<<20)))
				f = func() error { _, err := Inflate(packed); return err }
			}
			if what == "a comment" {
				b := []byte("<a><!--" + strings.Repeat("x", 20<<20) + "--></a>")
				f = func() error { _, err := Parse(b); return err }
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := f()
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
				t.Errorf("it cost %d MiB of memory", got>>20)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{response, assertion, `<a xmlns="u"><b ID="1"/>x<!-- y -->z</a>`, `<?xml version="1.0"?><p:a xmlns:p="u" p:b="&#13;&lt;"/>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		el, err := Parse(b)
		if err != nil {
			return
		}
		// What is read and written is read again as the same.
		once, err := canonical(el, "")
		if err != nil {
			t.Fatalf("%q has no canonical form: %v", b, err)
		}
		if len(once) > MaxXML {
			return
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("%q becomes %q, which is not read: %v", b, once, err)
		}
		twice, err := canonical(again, "")
		if err != nil || string(twice) != string(once) {
			t.Fatalf("%q becomes %q and then %q: %v", b, once, twice, err)
		}
	})
}
