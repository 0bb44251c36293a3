package saml

import (
	"bytes"
	"strings"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
)

// Is tells whether an element has that name.
func Is(el *etree.Element, space, tag string) bool {
	return el != nil && el.Tag == tag && el.NamespaceURI() == space
}

// Children gives the direct children of that name.
func Children(el *etree.Element, space, tag string) []*etree.Element {
	if el == nil {
		return nil
	}
	var out []*etree.Element
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok && Is(c, space, tag) {
			out = append(out, c)
		}
	}
	return out
}

// Child gives the one direct child of that name, nil when there is none. Two are refused.
func Child(el *etree.Element, space, tag string) (*etree.Element, error) {
	switch all := Children(el, space, tag); len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	default:
		return nil, fault.Newf(fault.Invalid, "%s holds %s more than once.", el.Tag, tag)
	}
}

// Text gives the whole text of an element, without the white space around it. An element inside of it is refused: half of a name would be
// another name.
func Text(el *etree.Element) (string, error) {
	if el == nil {
		return "", nil
	}
	var b strings.Builder
	for _, t := range el.Child {
		c, ok := t.(*etree.CharData)
		if !ok {
			return "", fault.Newf(fault.Invalid, "%s holds something besides text.", el.Tag)
		}
		b.WriteString(c.Data)
	}
	return strings.TrimSpace(b.String()), nil
}

// ChildText is the text of the one child of that name, "" when there is none.
func ChildText(el *etree.Element, space, tag string) (string, error) {
	c, err := Child(el, space, tag)
	if err != nil {
		return "", err
	}
	return Text(c)
}

// Write gives the octets of an element, by itself.
func Write(el *etree.Element) ([]byte, error) {
	if el.Parent() != nil { // namespaces may be declared around it
		el = detached(el)
	}
	return plain(el), nil
}

// plain writes a tree as it is, with the escapes of Canonical XML.
func plain(el *etree.Element) []byte {
	var b bytes.Buffer
	b.Grow(4096)
	el.WriteTo(&b, &etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true, CanonicalEndTags: true})
	return b.Bytes()
}

// detached copies an element with every namespace that is declared around it.
func detached(el *etree.Element) *etree.Element {
	out := el.Copy()
	has := map[string]bool{}
	for _, a := range out.Attr {
		if prefix, ok := declares(a); ok {
			has[prefix] = true
		}
	}
	for up := el.Parent(); up != nil; up = up.Parent() {
		for _, a := range up.Attr {
			if prefix, ok := declares(a); ok && !has[prefix] {
				has[prefix] = true
				out.Attr = append(out.Attr, etree.Attr{Space: a.Space, Key: a.Key, Value: a.Value})
			}
		}
	}
	return out
}

// declares tells whether an attribute declares a namespace, and for which prefix.
func declares(a etree.Attr) (string, bool) {
	if a.Space == "xmlns" {
		return a.Key, true
	}
	return "", a.Space == "" && a.Key == "xmlns"
}

// around gives the declarations that hold inside an element.
func around(el *etree.Element) *scope {
	var up []*etree.Element
	for ; el != nil; el = el.Parent() {
		up = append(up, el)
	}
	var s *scope
	for i := len(up) - 1; i >= 0; i-- {
		for _, a := range up[i].Attr {
			if prefix, ok := declares(a); ok {
				s = s.declare(prefix, a.Value)
			}
		}
	}
	return s
}
