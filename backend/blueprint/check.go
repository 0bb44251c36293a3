package blueprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/config"
)

// tags checks every tag below a node. around is how many !Enumerate stand around it.
func (p *parser) tags(n *node, around int) {
	if n == nil || around == 0 && p.checked[n] {
		return
	}
	if around == 0 && p.checked != nil {
		p.checked[n] = true
	}
	if n.tag != "" {
		p.tag(n, around)
	}
	inner := around
	for i, c := range n.items {
		if n.tag == "!Enumerate" && i == 2 {
			inner = around + 1
		}
		if inner > maxEnumerate {
			p.bad(n.line, "!Enumerate is nested too deeply: %d at most.", maxEnumerate)
			return
		}
		if p.nodes++; p.nodes > 4*maxNodes {
			if p.nodes == 4*maxNodes+1 {
				p.bad(n.line, "The file holds too much.")
			}
			return
		}
		p.tags(c, inner)
	}
	for _, m := range n.pairs {
		if p.nodes++; p.nodes > 4*maxNodes {
			return
		}
		p.tags(m.val, around)
	}
}

// maxEnumerate is how many !Enumerate may stand inside each other.
const maxEnumerate = 8

// known are the tags.
var known = []string{"!KeyOf", "!Find", "!Context", "!Env", "!Format", "!If", "!Condition", "!Enumerate", "!Index", "!Value"}

// tag checks the arguments of one tag.
func (p *parser) tag(n *node, around int) {
	word, isWord := n.value.(string)
	isWord = isWord && n.form == scalar && strings.TrimSpace(word) != ""
	count := len(n.items)
	list := n.form == list
	switch n.tag {
	case "!KeyOf":
		if !isWord {
			p.bad(n.line, "!KeyOf takes the id of an entry.")
		} else if _, ok := p.ids[word]; !ok {
			p.bad(n.line, "KeyOf: failed to find entry with `id` of `%s` and a model instance", word)
		}
	case "!Context":
		if !isWord && (!list || count != 2) {
			p.bad(n.line, "%s takes a name, or a list of a name and a default.", n.tag)
		}
	case "!Env":
		if list && count == 2 {
			_, isWord = n.items[0].text()
		}
		if !isWord {
			p.bad(n.line, "%s takes a name, or a list of a name and a default.", n.tag)
		}
	case "!Format":
		if !list || count == 0 {
			p.bad(n.line, "!Format takes a list of a format and its arguments.")
		}
	case "!Find":
		p.find(n)
	case "!If":
		if !list || count != 1 && count != 3 {
			p.bad(n.line, "!If takes a list of a condition, or of a condition and two values.")
		}
	case "!Condition":
		mode := ""
		if list && count > 0 {
			mode, _ = n.items[0].text()
		}
		switch {
		case !slices.Contains(modes, strings.ToUpper(mode)):
			p.bad(n.line, "!Condition takes a list that begins with one of %s.", strings.Join(modes, ", "))
		case count == 1:
			p.bad(n.line, "At least one value is required after mode selection.")
		}
	case "!Enumerate":
		mode := ""
		if list && count == 3 {
			mode, _ = n.items[1].text()
		}
		if mode = strings.ToUpper(mode); mode != "SEQ" && mode != "MAP" {
			p.bad(n.line, "!Enumerate takes a list of what to go through, SEQ or MAP, and a body.")
		} else if t := n.items[0]; (t.tag == "!Index" || t.tag == "!Value") && strings.TrimSpace(fmt.Sprint(t.value)) == "0" {
			p.bad(n.line, "!Enumerate can't go through its own item: a depth of 0 is itself.")
		}
	case "!Index", "!Value":
		depth, err := strconv.Atoi(strings.TrimSpace(word))
		switch {
		case !isWord || err != nil || depth < 0:
			p.bad(n.line, "%s takes a number: which !Enumerate around it, 0 the nearest.", n.tag)
		case depth >= around:
			p.bad(n.line, "%s %d: there are only %d !Enumerate around it.", n.tag, depth, around)
		}
	default:
		if near := config.Nearest(n.tag, known); near != "" {
			p.bad(n.line, "There is no tag %s. Did you mean %s?", n.tag, near)
		} else {
			p.bad(n.line, "There is no tag %s.", n.tag)
		}
	}
}

// find checks the arguments of !Find.
func (p *parser) find(n *node) {
	if n.form != list || len(n.items) < 2 {
		p.bad(n.line, "!Find takes a list of a model and of pairs of field and value.")
		return
	}
	if model, ok := n.items[0].text(); ok && !p.models(strings.ToLower(model)) {
		p.bad(n.items[0].line, "Model %s not allowed", model)
	}
	for _, c := range n.items[1:] {
		if c.form != list || c.tag != "" || len(c.items) != 2 {
			p.bad(c.line, "!Find takes a list of a model and of pairs of field and value.")
		}
	}
}

var modes = []string{"AND", "NAND", "OR", "NOR", "XOR", "XNOR"}
