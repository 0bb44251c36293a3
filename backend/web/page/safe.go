package page

import (
	"encoding/json"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// allowed are the elements that a hint may have; of their attributes only an a's href stays.
var allowed = []atom.Atom{atom.B, atom.I, atom.Em, atom.Strong, atom.A, atom.P, atom.Br, atom.Code, atom.Ul, atom.Ol, atom.Li}

// dropped are elements that go with everything in them.
var dropped = []atom.Atom{
	atom.Script, atom.Style, atom.Template, atom.Iframe, atom.Noscript, atom.Noembed, atom.Noframes, atom.Textarea, atom.Title, atom.Xmp, atom.Plaintext, atom.Svg, atom.Math,
	atom.Select, atom.Object, atom.Head,
}

// Safe keeps of an admin's HTML what can do no harm: bold, italic and code, paragraphs, lists, and links to web and mail addresses. The text
// of every other element stays, its tags go. What it gives is well-formed.
func Safe(s string) template.HTML {
	var b strings.Builder
	var open []atom.Atom
	var skip atom.Atom
	depth := 0
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		typ := z.Next()
		if typ == html.ErrorToken { // the end: a reader of a string has no other error
			break
		}
		t := z.Token()
		if skip != 0 {
			switch {
			case typ == html.StartTagToken && t.DataAtom == skip:
				depth++
			case typ == html.EndTagToken && t.DataAtom == skip:
				if depth--; depth == 0 {
					skip = 0
				}
			}
			continue
		}
		switch typ {
		case html.TextToken:
			b.WriteString(html.EscapeString(t.Data))
		case html.SelfClosingTagToken:
			if t.DataAtom == atom.Br {
				b.WriteString("<br>")
			}
		case html.StartTagToken:
			switch {
			case slices.Contains(dropped, t.DataAtom):
				skip, depth = t.DataAtom, 1
			case t.DataAtom == atom.Br:
				b.WriteString("<br>")
			case slices.Contains(allowed, t.DataAtom):
				b.WriteString("<" + t.DataAtom.String() + href(t) + ">")
				open = append(open, t.DataAtom)
			}
		case html.EndTagToken:
			i := len(open) - 1
			for i >= 0 && open[i] != t.DataAtom {
				i--
			}
			for ; i >= 0 && len(open) > i; open = open[:len(open)-1] {
				b.WriteString("</" + open[len(open)-1].String() + ">")
			}
		}
	}
	for ; len(open) > 0; open = open[:len(open)-1] {
		b.WriteString("</" + open[len(open)-1].String() + ">")
	}
	return template.HTML(b.String())
}

// href gives the attribute of a link that leads to a web or mail address, "" for any other.
func href(t html.Token) string {
	if t.DataAtom != atom.A {
		return ""
	}
	for _, a := range t.Attr {
		if a.Key != "href" || a.Namespace != "" {
			continue
		}
		u, err := url.Parse(strings.TrimSpace(a.Val))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" || u.Scheme != "mailto" && u.Host == "" {
			return ""
		}
		return ` href="` + html.EscapeString(u.String()) + `" rel="noopener noreferrer"`
	}
	return ""
}

// onward gives an address that a page may lead to by itself: on this server, or on the web; "" for any other.
func onward(to string) string {
	u, err := url.Parse(to)
	if err != nil || strings.ContainsAny(to, "\r\n") {
		return ""
	}
	switch {
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", u.Scheme == "" && u.Host == "" && strings.HasPrefix(to, "/"):
		return to
	}
	return ""
}

// leads gives where the button of a source leads; "" for one that needs a script.
func leads(challenge any) string {
	b, err := json.Marshal(challenge)
	if err != nil {
		return ""
	}
	var to struct {
		To string `json:"to"`
	}
	if json.Unmarshal(b, &to) != nil {
		return ""
	}
	return onward(to.To)
}
