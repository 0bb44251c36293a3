package blueprint

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a blueprint, or with what it wants.
type Fault struct {
	File  string `json:"file,omitempty"` // of a blueprint that another one applies
	Line  int    `json:"line"`           // 0: the file as a whole
	Entry string `json:"entry,omitempty"`
	Field string `json:"field,omitempty"`
	Say   string `json:"say"`
	// Denied says that the caller's rights don't reach so far.
	Denied bool `json:"denied,omitempty"`
}

// String gives the fault as one line.
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ": ")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Entry != "" {
		b.WriteString(f.Entry + ": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Say)
	return b.String()
}

// Metadata is what a blueprint says of itself.
type Metadata struct {
	Name   string         `json:"name" is:"required"`
	Labels map[string]any `json:"labels" is:"required"`
}

// The labels that are looked at.
const (
	labelInstantiate = "blueprints.goauthentik.io/instantiate"
	labelGenerated   = "blueprints.goauthentik.io/generated"
)

// File is a blueprint as it was read.
type File struct {
	Meta    *Metadata
	context *node
	entries []entry
	hash    string
}

// Instantiate says whether the blueprint is for being applied by itself.
func (f *File) Instantiate() bool {
	return f.Meta == nil || fmt.Sprint(f.Meta.Labels[labelInstantiate]) != "false"
}

// entry is one object that a blueprint speaks of.
type entry struct {
	line       int
	id         string
	model      *node
	state      *node
	conditions []*node
	find       *node // identifiers
	attrs      *node
	since      int // the version of the shipped files that brought it; 0 = the first
}

// The states of an entry.
const (
	present     = "present"
	created     = "created"
	mustCreated = "must_created"
	absent      = "absent"
)

var states = []string{present, created, mustCreated, absent}

// metaApply is the model by which a blueprint asks for another one.
const metaApply = "authentik_blueprints.metaapplyblueprint"

// Parse reads a blueprint and checks everything that can be checked without looking at objects: its form, its models, its tags. models
// says whether there is such a model. All faults are told at once, in the order of their lines.
func Parse(text []byte, models func(model string) bool) (*File, []Fault) {
	root, bad := readTree(text)
	if root == nil {
		return nil, bad
	}
	p := &parser{reader: reader{faults: bad}, models: models, ids: map[string]int{}}
	f := p.file(root)
	f.hash = hash(text)
	slices.SortStableFunc(p.faults, func(a, b Fault) int { return a.Line - b.Line })
	if len(p.faults) > mostFaults {
		p.faults = append(p.faults[:mostFaults], Fault{Say: "There is more that is wrong."})
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return f, nil
}

// mostFaults is how many faults are told.
const mostFaults = 200

type parser struct {
	reader
	models  func(string) bool
	ids     map[string]int // by id: the line of its entry
	checked map[*node]bool
	entry   string // that is looked at
}

func (p *parser) bad(line int, format string, a ...any) {
	p.faults = append(p.faults, Fault{Line: line, Entry: p.entry, Say: fmt.Sprintf(format, a...)})
}

func (p *parser) file(root *node) *File {
	out := &File{}
	if root.form != table || root.tag != "" {
		p.bad(root.line, "A blueprint is a map with the key \"entries\".")
		return out
	}
	if v := root.get("version"); !v.isNull() && v.value != int64(1) {
		p.bad(v.line, "Invalid blueprint version")
		return out // nothing else is known of another version
	}
	out.Meta = p.metadata(root.get("metadata"))
	if c := root.get("context"); !c.isNull() {
		if c.form != table || c.tag != "" {
			p.bad(c.line, "context has to be a map.")
		} else {
			out.context = c
			p.tags(c, 0)
		}
	}
	list := root.get("entries")
	switch {
	case list.isNull() || list.form == listForm && list.tag == "" && len(list.items) == 0:
		p.bad(0, "The blueprint has no entries.")
		return out
	case list.form != listForm || list.tag != "":
		p.bad(list.line, "entries has to be a list.")
		return out
	}
	for _, n := range list.items {
		out.entries = append(out.entries, p.one(n))
	}
	return out
}

// listForm is list, where that name is taken.
const listForm = list

func (p *parser) metadata(n *node) *Metadata {
	if n.isNull() {
		return nil
	}
	if n.form != table || n.tag != "" {
		p.bad(n.line, "metadata has to be a map.")
		return nil
	}
	name, ok := n.get("name").text()
	if !ok || strings.TrimSpace(name) == "" {
		p.bad(n.line, "metadata needs a name.")
	}
	m := &Metadata{Name: strings.TrimSpace(name), Labels: map[string]any{}}
	l := n.get("labels")
	if l.isNull() {
		return m
	}
	if l.form != table || l.tag != "" {
		p.bad(l.line, "labels has to be a map.")
		return m
	}
	e := &eval{budget: maxValues}
	v, err := e.value(l, 0)
	if err != nil {
		p.bad(err.line, "%s", err.say)
		return m
	}
	m.Labels = v.(map[string]any)
	return m
}

// one reads an entry.
func (p *parser) one(n *node) entry {
	e := entry{line: n.line}
	p.entry, p.checked = "", map[*node]bool{}
	defer func() { p.entry = "" }()
	if n.form != table || n.tag != "" {
		p.bad(n.line, "An entry is a map with a model and identifiers.")
		return e
	}
	e.model, e.state, e.find, e.attrs = n.get("model"), n.get("state"), n.get("identifiers"), n.get("attrs")
	model, literal := e.model.text()
	p.entry = model
	switch {
	case e.model.isNull():
		p.bad(n.line, "An entry needs a model.")
	case literal && !p.models(strings.ToLower(model)):
		p.bad(e.model.line, "Model %s not allowed", model)
	case !literal && e.model.tag == "":
		p.bad(e.model.line, "The model has to be a text.")
	default:
		p.tags(e.model, 0)
	}
	if id := n.get("id"); !id.isNull() {
		text, ok := id.text()
		if !ok && id.form == scalar && id.tag == "" {
			text, ok = fmt.Sprint(id.value), true
		}
		first, twice := p.ids[text]
		switch {
		case !ok:
			p.bad(id.line, "An id has to be a text.")
		case twice:
			p.bad(id.line, "The id %q is on line %d already.", text, first)
		default:
			e.id = text
			defer func() { p.ids[text] = id.line }() // an entry can't point at itself
		}
	}
	if s, ok := e.state.text(); !e.state.isNull() && (e.state.tag == "" && !ok || ok && !slices.Contains(states, s)) {
		p.bad(e.state.line, "%q is no state: %s.", fmt.Sprint(e.state.value), strings.Join(states, ", "))
	} else if e.state != nil {
		p.tags(e.state, 0)
	}
	if c := n.get("conditions"); !c.isNull() {
		if c.form != list || c.tag != "" {
			p.bad(c.line, "conditions has to be a list.")
		} else {
			e.conditions = c.items
			p.tags(c, 0)
		}
	}
	if e.find.isNull() && strings.ToLower(model) == metaApply {
		e.find = nil
	} else if e.find.isNull() || e.find.tag == "" && e.find.form != table {
		p.bad(n.line, "An entry needs identifiers, a map of what the object is found by.")
	} else {
		p.tags(e.find, 0)
	}
	switch {
	case e.attrs.isNull():
		e.attrs = nil
	case e.attrs.form != table && e.attrs.tag == "":
		p.bad(e.attrs.line, "attrs has to be a map.")
	default:
		p.tags(e.attrs, 0)
	}
	if s := n.get("since"); s != nil {
		v, _ := s.value.(int64)
		e.since = int(v)
	}
	return e
}

// Variables gives the names of the environment variables that a file asks for, sorted. A file that can't be read asks for none.
func Variables(text []byte) []string {
	root, _ := readTree(text)
	seen, out := map[*node]bool{}, []string{}
	var walk func(n *node)
	walk = func(n *node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		if n.tag == "!Env" {
			name, ok := n.value.(string)
			if n.form == list && len(n.items) > 0 {
				name, ok = n.items[0].text()
			}
			if name = strings.TrimSpace(name); ok && name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		for _, c := range n.items {
			walk(c)
		}
		for _, p := range n.pairs {
			walk(p.val)
		}
	}
	walk(root)
	slices.Sort(out)
	return out
}
