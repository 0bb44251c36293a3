package page

import (
	"bytes"
	"compress/gzip"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the goldens anew")

// draw gives a sample's page.
func draw(t testing.TB, p *Pages, s sample) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.draw(p, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var blank = regexp.MustCompile(`\n\s*\n+`)

func TestGolden(t *testing.T) {
	p := open(t)
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			got := draw(t, p, s)
			// The names of the assets change with their content; a golden tells about the page.
			for name := range p.Assets() {
				if parts := strings.Split(name, "."); len(parts) == 3 {
					got = bytes.ReplaceAll(got, []byte(name), []byte(parts[0]+".HASH."+parts[2]))
				}
			}
			got = blank.ReplaceAll(got, []byte("\n"))
			file := filepath.Join("testdata", filepath.FromSlash(t.Name())+".html")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s (go test -update writes it anew):\n%s", file, got)
			}
		})
	}
}

// A page of the sign-in weighs less than 15 KB with its style, script and mark, as it goes over the wire.
func TestWeight(t *testing.T) {
	p := open(t)
	rest, script := 0, 0
	for name, b := range p.Assets() {
		switch {
		case strings.HasPrefix(name, "passkey."), strings.HasPrefix(name, "steps."): // on few pages
			if n := zipped(t, b); n > 2<<10 {
				t.Errorf("%s weighs %d bytes", name, n)
			}
		case strings.HasSuffix(name, ".js"):
			script = len(b)
			rest += zipped(t, b)
		case strings.HasSuffix(name, ".css"), name == "mark.svg":
			rest += zipped(t, b)
		}
	}
	if script > 3<<10 {
		t.Errorf("the script has %d bytes", script)
	}
	most, heaviest := 0, ""
	for _, s := range samples(t) {
		if n := zipped(t, draw(t, p, s)) + rest; s.flow && n > most {
			most, heaviest = n, s.name
		}
	}
	t.Logf("style, script and mark %d bytes, heaviest page %q %d bytes", rest, heaviest, most)
	if most >= 15_000 {
		t.Errorf("%s weighs %d bytes", heaviest, most)
	}
}

func zipped(t testing.TB, b []byte) int {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Len()
}

var unsaid = regexp.MustCompile(`^\s*(flow|setup)\.[a-z_.]+\s*$`)

// Every page has a language and one heading, a label for each field, no handler, script or style of its own, and no id twice.
func TestStructure(t *testing.T) {
	p := open(t)
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			doc, err := html.Parse(bytes.NewReader(draw(t, p, s)))
			if err != nil {
				t.Fatal(err)
			}
			heads, ids, labels, posts, csrf, focus := 0, map[string]bool{}, map[string]bool{}, 0, 0, 0
			var fields []*html.Node
			for n := range doc.Descendants() {
				if n.Type == html.TextNode && unsaid.MatchString(n.Data) {
					t.Errorf("no table has %q", n.Data)
				}
				if n.Type != html.ElementNode {
					continue
				}
				for _, a := range n.Attr {
					switch {
					case strings.HasPrefix(a.Key, "on"), a.Key == "style":
						t.Errorf("<%s %s>", n.Data, a.Key)
					case a.Key == "id":
						if ids[a.Val] {
							t.Errorf("id %s twice", a.Val)
						}
						ids[a.Val] = true
					case a.Key == "autofocus":
						focus++
					case strings.Contains(a.Val, "ZgotmplZ"):
						t.Errorf("<%s %s>: an unsafe value", n.Data, a.Key)
					}
				}
				switch n.Data {
				case "html":
					if attr(n, "lang") != "en" {
						t.Error("no language")
					}
				case "h1":
					heads++
				case "label":
					labels[attr(n, "for")] = true
				case "form":
					posts++
					if attr(n, "method") != "post" {
						t.Error("a form that is no POST")
					}
				case "script":
					if attr(n, "src") == "" || n.FirstChild != nil {
						t.Error("a script of its own")
					}
				case "style":
					if attr(n, "nonce") == "" {
						t.Error("a style without a nonce")
					}
				case "img":
					if !has(n, "alt") {
						t.Error("a picture without alt")
					}
				case "input", "select", "textarea":
					if attr(n, "name") == "csrf" {
						csrf++
					}
					if attr(n, "type") != "hidden" && attr(n, "aria-hidden") != "true" {
						fields = append(fields, n)
					}
				}
			}
			if heads != 1 || focus > 1 {
				t.Errorf("%d headings, %d fields take the focus", heads, focus)
			}
			if posts > 0 && csrf != posts && s.name != "autosubmit" {
				t.Errorf("%d forms, %d with a token", posts, csrf)
			}
			for _, n := range fields {
				if !labels[attr(n, "id")] {
					t.Errorf("%s has no label", attr(n, "name"))
				}
				for id := range strings.FieldsSeq(attr(n, "aria-describedby")) {
					if !ids[id] {
						t.Errorf("%s is described by %s, which is not there", attr(n, "name"), id)
					}
				}
			}
		})
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// What password managers and keyboards need to know.
func TestFields(t *testing.T) {
	p := open(t)
	for _, tt := range []struct{ page, part string }{
		{"identification", `autocomplete="username"`},
		{"identification", `autocapitalize="none" spellcheck="false"`},
		{"identification password", `type="email" autocomplete="username"`},
		{"identification password", `autocomplete="current-password"`},
		{"password", `<input class="account" type="text" value="ada" autocomplete="username" aria-hidden="true" tabindex="-1" readonly>`},
		{"password", `name="password" type="password" autocomplete="current-password" enterkeyhint="go"`},
		{"password wrong", `aria-describedby="f-password-error" aria-invalid="true" required autofocus>`},
		{"password wrong", `<p class="error" id="f-password-error"><span>Invalid password</span>`},
		{"prompt password", `value="ada" autocomplete="username" aria-hidden="true"`},
		{"prompt password", `autocomplete="new-password"`},
		{"prompt every type", `enctype="multipart/form-data"`},
		{"prompt every type", `inputmode="numeric"`},
		{"prompt every type", `type="datetime-local" value="2026-11-24T10:30"`},
		{"prompt every type", `Read <a href="https://office.example.com/how" rel="noopener noreferrer">how</a>, <b>please</b>.</div>`},
		{"prompt wrong", `<a href="#f-username">Username</a>`},
		{"prompt wrong", `name="attributes.text" type="text" value="kept"`},
		{"prompt wrong", `name="box" value="true" aria-describedby="f-box-hint" checked`},
		{"prompt wrong", `value="large" checked`},
		{"validate code", `autocomplete="one-time-code" inputmode="numeric"`},
		{"denied", `>Not you?</a>`},
		{"sidebar", `<style nonce="bm9uY2U">:root{--button:#ffcc00;--on:#000}</style>`},
		{"sidebar", `data-theme="dark"`},
		{"sidebar", `<img class="ground" src="/media/picture.jpg" alt="">`},
		{"redirect", `<meta http-equiv="refresh" content="0;url=https://wiki.office.lan/callback?code=x">`},
		{"autosubmit", `value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`},
		{"setup admin", `autocomplete="new-password"`},
	} {
		found := false
		for _, s := range samples(t) {
			if s.name == tt.page {
				found = true
				if got := draw(t, p, s); !bytes.Contains(got, []byte(tt.part)) {
					t.Errorf("%s lacks %s:\n%s", tt.page, tt.part, got)
				}
			}
		}
		if !found {
			t.Errorf("no page %s", tt.page)
		}
	}
}

// Nothing that was typed into a password field, and no value of a hidden prompt, comes back in a page.
func TestSecretsStayAway(t *testing.T) {
	p := open(t)
	for _, s := range samples(t) {
		if got := draw(t, p, s); bytes.Contains(got, []byte("secret word")) || bytes.Contains(got, []byte("never shown")) {
			t.Errorf("%s shows a secret", s.name)
		}
	}
}
