package blueprint

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The bounds of a file. An alias costs nothing until it is read, so what is read is counted too.
const (
	maxFile  = 8 << 20 // bytes
	maxNodes = 400_000 // nodes of a file
	maxDepth = 100     // nested lists, maps and tags
)

// form is what a node is.
type form int

const (
	scalar form = iota
	list
	table
)

// node is one value of a file: data, or a tag with its arguments. It does not change after it was read, so aliases share it.
type node struct {
	line  int
	form  form
	tag   string // "!KeyOf"; "" = data
	value any    // of a scalar: nil, bool, int64, float64 or string; of a tag's scalar the text
	items []*node
	pairs []pair
}

// pair is one member of a table.
type pair struct {
	key string
	val *node
}

// get gives a member of a table, nil when it is not there.
func (n *node) get(key string) *node {
	if n == nil || n.form != table {
		return nil
	}
	for _, p := range n.pairs {
		if p.key == key {
			return p.val
		}
	}
	return nil
}

// lineOf gives the line of the member at the end of a path, or of the last one before it that is there; 0 when not even the first is.
func (n *node) lineOf(path []string) (line int) {
	for _, name := range path {
		if n = n.get(name); n == nil {
			break
		}
		line = n.line
	}
	return line
}

// text gives a scalar's text; ok is false for anything else.
func (n *node) text() (string, bool) {
	if n == nil || n.form != scalar || n.tag != "" {
		return "", false
	}
	s, ok := n.value.(string)
	return s, ok
}

// isNull says whether a node is data and null, or not there at all.
func (n *node) isNull() bool {
	return n == nil || n.tag == "" && n.form == scalar && n.value == nil
}

// reader turns what the YAML library read into nodes.
type reader struct {
	done   map[*yaml.Node]*node
	open   map[*yaml.Node]bool
	nodes  int
	most   int
	faults []Fault
}

func (r *reader) bad(line int, format string, a ...any) {
	r.faults = append(r.faults, Fault{Line: line, Say: fmt.Sprintf(format, a...)})
}

// errorLine finds the line in an error of the YAML library.
var errorLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+)(?:, column \d+)?: )?(.*)$`)

// readTree reads YAML, of which JSON is a part, into a tree. It gives nil and what is wrong when that is no YAML.
func readTree(text []byte) (*node, []Fault) { return readUpTo(text, maxNodes) }

func readUpTo(text []byte, most int) (*node, []Fault) {
	if len(text) > maxFile {
		return nil, []Fault{{Say: fmt.Sprintf("The file is too large: %d MiB at most.", maxFile>>20)}}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		m := errorLine.FindStringSubmatch(first)
		line, _ := strconv.Atoi(m[1])
		return nil, []Fault{{Line: line, Say: "This is no YAML: " + m[2] + "."}}
	}
	if len(doc.Content) == 0 {
		return nil, []Fault{{Say: "The file is empty."}}
	}
	r := &reader{done: map[*yaml.Node]*node{}, open: map[*yaml.Node]bool{}, most: most}
	n := r.read(doc.Content[0], 0)
	return n, r.faults
}

// read reads one node. Each node of the file is read once, however many aliases lead to it.
func (r *reader) read(y *yaml.Node, depth int) *node {
	if y.Kind == yaml.AliasNode && y.Alias != nil {
		return r.read(y.Alias, depth)
	}
	if n, ok := r.done[y]; ok {
		return n
	}
	out := &node{line: y.Line}
	switch r.nodes++; {
	case r.open[y]:
		r.bad(y.Line, "The anchor %q contains itself.", y.Anchor)
		return out
	case depth > maxDepth:
		r.bad(y.Line, "This is nested too deeply: %d levels at most.", maxDepth)
		return out
	case r.nodes > r.most:
		if r.nodes == r.most+1 {
			r.bad(y.Line, "The file holds too much: %d values at most.", r.most)
		}
		return out
	}
	r.open[y] = true
	defer delete(r.open, y)
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") && y.Tag != "!" {
		out.tag = y.Tag
	}
	switch y.Kind {
	case yaml.ScalarNode:
		out.value = r.scalar(y, out.tag != "")
	case yaml.SequenceNode:
		out.form = list
		for _, c := range y.Content {
			out.items = append(out.items, r.read(c, depth+1))
		}
	case yaml.MappingNode:
		out.form = table
		r.members(y, out, depth)
	}
	r.done[y] = out
	return out
}

// members reads the members of a table; what comes by a merge key stands behind what is written there.
func (r *reader) members(y *yaml.Node, out *node, depth int) {
	seen := map[string]int{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		if k.ShortTag() == "!!merge" {
			from := r.read(v, depth+1)
			if from.form == list && from.tag == "" {
				merged = append(merged, from.items...)
			} else {
				merged = append(merged, from)
			}
			continue
		}
		if k.Kind != yaml.ScalarNode || strings.HasPrefix(k.Tag, "!") && !strings.HasPrefix(k.Tag, "!!") {
			r.bad(k.Line, "A key has to be a plain word.")
			continue
		}
		if first, twice := seen[k.Value]; twice {
			r.bad(k.Line, "The key %.80q is on line %d already.", k.Value, first)
			continue
		}
		seen[k.Value] = k.Line
		out.pairs = append(out.pairs, pair{k.Value, r.read(v, depth+1)})
	}
	for _, m := range merged {
		if m.form != table || m.tag != "" {
			r.bad(m.line, "Only maps can be merged with <<.")
			continue
		}
		for _, p := range m.pairs {
			if _, own := seen[p.key]; own {
				continue
			}
			if len(out.pairs) >= r.most {
				r.bad(m.line, "The file holds too much: %d values at most.", r.most)
				return
			}
			seen[p.key] = m.line
			out.pairs = append(out.pairs, p)
		}
	}
}

// yes and no are the words that YAML 1.1 reads as booleans, as the release does.
var yes, no = []string{"yes", "Yes", "YES", "on", "On", "ON"}, []string{"no", "No", "NO", "off", "Off", "OFF"}

// scalar reads a plain value. Times stay the text that they are written as.
func (r *reader) scalar(y *yaml.Node, tagged bool) any {
	if tagged {
		return y.Value
	}
	if y.Style == 0 && y.ShortTag() == "!!str" {
		switch {
		case slices.Contains(yes, y.Value):
			return true
		case slices.Contains(no, y.Value):
			return false
		}
		return y.Value
	}
	switch y.ShortTag() {
	case "!!str", "!!timestamp":
		return y.Value
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
	default:
		r.bad(y.Line, "There is no tag %s.", y.ShortTag())
		return nil
	}
	var v any
	if err := y.Decode(&v); err != nil {
		r.bad(y.Line, "%.80q can't be read.", y.Value)
		return nil
	}
	switch x := v.(type) {
	case bool, int64, string, nil:
		return x
	case int:
		return int64(x)
	case uint64:
		return y.Value
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			r.bad(y.Line, "%s is no number that can be kept.", y.Value)
			return nil
		}
		return x
	}
	return y.Value
}
