package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
)

// Bounds of a message. Real ones have some kilobytes, depth 10, and an element for each value of an attribute.
const (
	MaxXML        = 256 << 10
	maxDepth      = 32
	maxElements   = 8000
	maxAttributes = 8000
	maxInScope    = 64 // declarations on the way from the top to an element
)

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// Parse reads a message into a tree. It refuses what has no place in one (document types, instructions, a name that is not declared,
// an attribute or an ID that comes twice) and what is too large or too deep; comments are dropped and the text around them joined, so that
// what is read is what is signed.
func Parse(b []byte) (*etree.Element, error) { return parse(b, nil) }

// scope is the namespaces that are declared at an element.
type scope struct {
	up           *scope
	prefix, name string
	depth        int
}

func (s *scope) find(prefix string) (string, bool) {
	for ; s != nil; s = s.up {
		if s.prefix == prefix {
			return s.name, true
		}
	}
	return "", false
}

func (s *scope) declare(prefix, name string) *scope {
	n := 1
	if s != nil {
		n = s.depth + 1
	}
	return &scope{s, prefix, name, n}
}

// parse is Parse within the declarations of an element around it, as the content of an encrypted one has them.
func parse(b []byte, around *scope) (*etree.Element, error) {
	if len(b) > MaxXML {
		return nil, fault.Newf(fault.Invalid, "The message is larger than %d KiB.", MaxXML>>10)
	}
	if !utf8.Valid(b) {
		return nil, fault.New(fault.Invalid, "The message is not in UTF-8.")
	}
	p := &reader{ids: map[string]bool{}, in: []level{{ns: around}}}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		return nil, fault.Newf(fault.Invalid, "The message is written in %s; only UTF-8 is read.", quote(charset))
	}
	for first := true; ; first = false {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if f := (*fault.Error)(nil); errors.As(err, &f) {
				return nil, f
			}
			return nil, fault.Wrap(fault.Invalid, "The message is not well-formed XML.", err)
		}
		if err := p.take(t, first); err != nil {
			return nil, err
		}
	}
	if p.root == nil || len(p.in) > 1 {
		return nil, fault.New(fault.Invalid, "The message is not well-formed XML: it ends too early.")
	}
	return p.root, nil
}

type level struct {
	el *etree.Element
	ns *scope
}

// reader builds the tree of a message.
type reader struct {
	root                 *etree.Element
	in                   []level
	ids                  map[string]bool
	elements, attributes int
}

func (p *reader) take(t xml.Token, first bool) error {
	top := p.in[len(p.in)-1]
	switch t := t.(type) {
	case xml.StartElement:
		return p.open(t, top)
	case xml.EndElement:
		if top.el == nil || top.el.Space != t.Name.Space || top.el.Tag != t.Name.Local {
			return fault.New(fault.Invalid, "The message is not well-formed XML: an element is closed that is not open.")
		}
		p.in = p.in[:len(p.in)-1]
	case xml.CharData:
		if top.el == nil {
			if len(bytes.TrimSpace(t)) > 0 {
				return fault.New(fault.Invalid, "The message is not well-formed XML: there is text outside of it.")
			}
			return nil
		}
		if n := len(top.el.Child); n > 0 {
			if before, ok := top.el.Child[n-1].(*etree.CharData); ok {
				before.Data += string(t)
				return nil
			}
		}
		top.el.AddChild(etree.NewText(string(t)))
	case xml.Comment:
	case xml.ProcInst:
		if t.Target != "xml" || !first {
			return fault.New(fault.Invalid, "The message holds a processing instruction, which has no place in SAML.")
		}
	case xml.Directive:
		return fault.New(fault.Invalid, "The message holds a document type (DOCTYPE), which has no place in SAML.")
	}
	return nil
}

func (p *reader) open(t xml.StartElement, top level) error {
	if p.root != nil && top.el == nil {
		return fault.New(fault.Invalid, "The message is not well-formed XML: it has two roots.")
	}
	if p.elements++; p.elements > maxElements || len(p.in) > maxDepth {
		return fault.Newf(fault.Invalid, "The message has more than %d elements or %d levels.", maxElements, maxDepth)
	}
	if p.attributes += len(t.Attr); p.attributes > maxAttributes {
		return fault.Newf(fault.Invalid, "The message has more than %d attributes.", maxAttributes)
	}
	ns := top.ns
	for _, a := range t.Attr {
		prefix, is := "", a.Name.Space == "" && a.Name.Local == "xmlns"
		if a.Name.Space == "xmlns" {
			prefix, is = a.Name.Local, true
		}
		if !is {
			continue
		}
		if prefix == "xmlns" || (prefix == "xml") != (a.Value == xmlNamespace) || prefix != "" && a.Value == "" || a.Value == "http://www.w3.org/2000/xmlns/" {
			return fault.Newf(fault.Invalid, "The message declares the namespace prefix %s in a way that XML forbids.", quote(prefix))
		}
		ns = ns.declare(prefix, a.Value)
		if ns.depth > maxInScope {
			return fault.New(fault.Invalid, "The message declares too many namespaces.")
		}
	}
	if err := named(t.Name, ns); err != nil {
		return err
	}
	el := &etree.Element{Space: t.Name.Space, Tag: t.Name.Local, Attr: make([]etree.Attr, 0, len(t.Attr))}
	seen := make(map[xml.Name]bool, len(t.Attr))
	for _, a := range t.Attr {
		name := a.Name
		if declares := name.Space == "xmlns" || name.Space == "" && name.Local == "xmlns"; !declares {
			if err := named(a.Name, ns); err != nil {
				return err
			}
			if name.Space != "" && name.Space != "xml" {
				name.Space, _ = ns.find(a.Name.Space)
			}
			if isID(a.Name) {
				if p.ids[a.Value] {
					return fault.Newf(fault.Invalid, "The message has the ID %s twice.", quote(a.Value))
				}
				p.ids[a.Value] = true
			}
		}
		if seen[name] {
			return fault.Newf(fault.Invalid, "An element of the message has the attribute %s twice.", quote(a.Name.Local))
		}
		seen[name] = true
		el.Attr = append(el.Attr, etree.Attr{Space: a.Name.Space, Key: a.Name.Local, Value: a.Value})
	}
	if top.el == nil {
		doc := etree.NewDocument()
		doc.AddChild(el)
		p.root = el
	} else {
		top.el.AddChild(el)
	}
	p.in = append(p.in, level{el, ns})
	return nil
}

// named holds that a name is one of "Namespaces in XML", whose prefix is declared.
func named(n xml.Name, ns *scope) error {
	if n.Local == "" || strings.Contains(n.Local, ":") || strings.Contains(n.Space, ":") {
		return fault.Newf(fault.Invalid, "The message has the name %s, which XML does not allow.", quote(n.Space+":"+n.Local))
	}
	if _, ok := ns.find(n.Space); !ok && n.Space != "" && n.Space != "xml" {
		return fault.Newf(fault.Invalid, "The message uses the namespace prefix %s and declares it nowhere.", quote(n.Space))
	}
	return nil
}

// isID tells an attribute that signatures may point at, whoever wrote it.
func isID(n xml.Name) bool {
	return strings.EqualFold(n.Local, "id") && (n.Space == "" || n.Space == "xml")
}
