package page

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain & simple <3": "plain &amp; simple &lt;3",
		"<b>bold</b> <i>x</i> <em>y</em> <strong>z</strong>": "<b>bold</b> <i>x</i> <em>y</em> <strong>z</strong>",
		"a<br>b<br/>c":        "a<br>b<br>c",
		"<p>one<p>two":        "<p>one<p>two</p></p>",
		"<ul><li>a</li></ul>": "<ul><li>a</li></ul>",
		`<a href="https://x.test/a?b=c&d=e" onclick="x">go</a>`: `<a href="https://x.test/a?b=c&amp;d=e" rel="noopener noreferrer">go</a>`,
		`<a href="mailto:a@x.test">m</a>`:                       `<a href="mailto:a@x.test" rel="noopener noreferrer">m</a>`,
		`<a href="javascript:alert(1)">x</a>`:                   "<a>x</a>",
		`<a href=" jAvAsCrIpT:alert(1)">x</a>`:                  "<a>x</a>",
		`<a href="java&#x0A;script:alert(1)">x</a>`:             "<a>x</a>",
		`<a href="data:text/html,x">x</a>`:                      "<a>x</a>",
		`<a href="//evil.test">x</a>`:                           "<a>x</a>",
		`<a href="https:///x">x</a>`:                            "<a>x</a>",
		`<script>alert(1)</script>after`:                        "after",
		`<style>b{}</style>after`:                               "after",
		`<svg><script>alert(1)</script></svg>after`:             "after",
		`<img src=x onerror=alert(1)>after`:                     "after",
		`<iframe src="https://x.test"></iframe>after`:           "after",
		`<div onmouseover=x>kept</div>`:                         "kept",
		`<b style="x" class="y" id="z">kept</b>`:                "<b>kept</b>",
		`<!-- no --><b>b</b><!DOCTYPE x>`:                       "<b>b</b>",
		"<b><i>crossed</b></i>":                                 "<b><i>crossed</i></b>",
		"</b></p>stray":                                         "stray",
		`<textarea><b>x</b></textarea>after`:                    "after",
		"<b>never closed":                                       "<b>never closed</b>",
		"<scr<script>ipt>alert(1)</script>":                     "ipt&gt;alert(1)",
	} {
		if got := string(Safe(in)); got != want {
			t.Errorf("%s\n gives %s\n  want %s", in, got, want)
		}
	}
}

// FuzzSafe: whatever goes in, what a browser reads out of it has the allowed elements and attributes only.
func FuzzSafe(f *testing.F) {
	for _, s := range []string{"<b>x</b>", "<a href='https://x.test'>y", "<scr<script>ipt>", "<svg><style><img src=x onerror=alert(1)>", "<p><!--<b>-->", "<a href=\"&#106;avascript:x\">", "<math><mi//xlink:href=\"data:x,<script>\">"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := html.Parse(strings.NewReader("<body><div>" + string(Safe(s)) + "</div>"))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.CommentNode {
				t.Errorf("a comment out of %q", s)
			}
			if n.Type != html.ElementNode {
				continue
			}
			switch n.Data {
			case "html", "head", "body", "div", "b", "i", "em", "strong", "p", "br", "code", "ul", "ol", "li":
				if len(n.Attr) > 0 {
					t.Errorf("<%s %v> out of %q", n.Data, n.Attr, s)
				}
			case "a":
				for _, a := range n.Attr {
					if a.Key != "rel" && (a.Key != "href" || !strings.HasPrefix(a.Val, "http") && !strings.HasPrefix(a.Val, "mailto:")) {
						t.Errorf("<a %s=%q> out of %q", a.Key, a.Val, s)
					}
				}
			default:
				t.Errorf("<%s> out of %q", n.Data, s)
			}
		}
	})
}

func TestOnward(t *testing.T) {
	for in, want := range map[string]bool{
		"/if/user/": true, "https://x.test/cb?a=b": true, "http://x.test": true, "": false, "javascript:alert(1)": false, "data:text/html,x": false, "//evil.test": false,
		"/a\r\nb": false, "relative": false, "https:evil": false, "mailto:a@x.test": false,
	} {
		if got := onward(in) != ""; got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestAccent(t *testing.T) {
	for in, want := range map[string]string{
		"#0b5f5c": ":root{--button:#0b5f5c;--on:#fff}", "#ffcc00": ":root{--button:#ffcc00;--on:#000}", "#FFF": "", "": "", "red": "", "#12345g": "", "#123;}x": "",
	} {
		if got := string(accent(in)); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
