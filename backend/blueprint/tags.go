package blueprint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxValues is how many values the tags of one file may give in all.
const maxValues = 1_000_000

// wrong is what is wrong with a value, and where.
type wrong struct {
	line int
	say  string
}

func wrongf(n *node, format string, a ...any) *wrong {
	return &wrong{n.line, fmt.Sprintf(format, a...)}
}

// eval gives nodes their values: nil, bool, int64, float64, string, []any or map[string]any.
type eval struct {
	context map[string]*node
	keyOf   func(n *node, id string) (any, *wrong)
	find    func(n *node, model string, pairs []criterion) (any, *wrong)
	env     func(name string) (value string, ok bool, err string)
	items   []item // of the !Enumerate around, the nearest last
	budget  int
	until   time.Time // zero: no end
}

// tooLong is said of a blueprint that would keep others waiting.
const tooLong = "The blueprint takes too long."

// item is where an !Enumerate is.
type item struct{ index, value any }

// value gives the value of a node.
func (e *eval) value(n *node, depth int) (any, *wrong) {
	if e.budget--; e.budget < 0 {
		return nil, wrongf(n, "The blueprint makes too much of its values: %d at most.", maxValues)
	}
	if e.budget%64 == 0 && !e.until.IsZero() && time.Now().After(e.until) {
		return nil, wrongf(n, "%s", tooLong)
	}
	if depth > maxDepth {
		return nil, wrongf(n, "Values lead to each other too often: %d levels at most.", maxDepth)
	}
	if n.tag != "" {
		return e.tagged(n, depth+1)
	}
	switch n.form {
	case list:
		out := make([]any, 0, len(n.items))
		for _, c := range n.items {
			v, err := e.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case table:
		out := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			v, err := e.value(p.val, depth+1)
			if err != nil {
				return nil, err
			}
			out[p.key] = v
		}
		return out, nil
	}
	return n.value, nil
}

func (e *eval) tagged(n *node, depth int) (any, *wrong) {
	word, _ := n.value.(string)
	word = strings.TrimSpace(word)
	switch n.tag {
	case "!KeyOf":
		if e.keyOf == nil {
			break
		}
		return e.keyOf(n, word)
	case "!Find":
		if e.find == nil {
			break
		}
		return e.search(n, depth)
	case "!Context":
		return e.fromContext(n, word, depth)
	case "!Env":
		return e.fromEnv(n, word, depth)
	case "!Format":
		return e.format(n, depth)
	case "!If":
		return e.choose(n, depth)
	case "!Condition":
		return e.condition(n, depth)
	case "!Enumerate":
		return e.enumerate(n, depth)
	case "!Index", "!Value":
		at, err := strconv.Atoi(word)
		if err != nil || at < 0 || at >= len(e.items) {
			return nil, wrongf(n, "%s %s: there is no such !Enumerate around it.", n.tag, word)
		}
		it := e.items[len(e.items)-1-at]
		if n.tag == "!Index" {
			return it.index, nil
		}
		return it.value, nil
	}
	return nil, wrongf(n, "%s can't be used here.", n.tag)
}

func (e *eval) fromContext(n *node, word string, depth int) (any, *wrong) {
	var otherwise *node
	if n.form == list {
		if len(n.items) != 2 {
			return nil, wrongf(n, "!Context takes a name, or a list of a name and a default.")
		}
		v, err := e.value(n.items[0], depth)
		if err != nil {
			return nil, err
		}
		word, otherwise = fmt.Sprint(v), n.items[1]
	}
	if at, ok := e.context[word]; ok {
		return e.value(at, depth)
	}
	if otherwise != nil {
		return e.value(otherwise, depth)
	}
	return nil, nil
}

func (e *eval) fromEnv(n *node, word string, depth int) (any, *wrong) {
	var otherwise *node
	if n.form == list {
		var ok bool
		if len(n.items) == 2 {
			word, ok = n.items[0].text()
		}
		if !ok {
			return nil, wrongf(n, "!Env takes a name, or a list of a name and a default.")
		}
		otherwise = n.items[1]
	}
	if e.env == nil {
		return nil, wrongf(n, "!Env can't be used here.")
	}
	v, ok, refused := e.env(word)
	switch {
	case refused != "":
		return nil, wrongf(n, "%s", refused)
	case ok && v != "":
		return v, nil
	case otherwise != nil:
		return e.value(otherwise, depth)
	}
	return nil, nil
}

func (e *eval) choose(n *node, depth int) (any, *wrong) {
	if n.form != list || len(n.items) != 1 && len(n.items) != 3 {
		return nil, wrongf(n, "!If takes a list of a condition, or of a condition and two values.")
	}
	v, err := e.value(n.items[0], depth)
	if err != nil {
		return nil, err
	}
	switch yes := truth(v); {
	case len(n.items) == 1:
		return yes, nil
	case yes:
		return e.value(n.items[1], depth)
	}
	return e.value(n.items[2], depth)
}

func (e *eval) condition(n *node, depth int) (any, *wrong) {
	if n.form != list || len(n.items) < 2 {
		return nil, wrongf(n, "At least one value is required after mode selection.")
	}
	mode, _ := n.items[0].text()
	all, some, odd := true, false, false
	for _, c := range n.items[1:] {
		v, err := e.value(c, depth)
		if err != nil {
			return nil, err
		}
		t := truth(v)
		all, some, odd = all && t, some || t, odd != t
	}
	switch strings.ToUpper(mode) {
	case "AND":
		return all, nil
	case "NAND":
		return !all, nil
	case "OR":
		return some, nil
	case "NOR":
		return !some, nil
	case "XOR":
		return odd, nil
	case "XNOR":
		return !odd, nil
	}
	return nil, wrongf(n, "!Condition takes a list that begins with one of %s.", strings.Join(modes, ", "))
}

func (e *eval) enumerate(n *node, depth int) (any, *wrong) {
	if n.form != list || len(n.items) != 3 {
		return nil, wrongf(n, "!Enumerate takes a list of what to go through, SEQ or MAP, and a body.")
	}
	over, err := e.value(n.items[0], depth)
	if err != nil {
		return nil, err
	}
	var all []item
	switch x := over.(type) {
	case []any:
		for i, v := range x {
			all = append(all, item{int64(i), v})
		}
	case map[string]any:
		for _, k := range order(n.items[0], x) {
			all = append(all, item{k, x[k]})
		}
	case string:
		for i, r := range []rune(x) {
			all = append(all, item{int64(i), string(r)})
		}
	default:
		return nil, wrongf(n, "!Enumerate goes through a list, a map or a text only.")
	}
	mode, _ := n.items[1].text()
	asMap := strings.ToUpper(mode) == "MAP"
	seq, merged := make([]any, 0, len(all)), map[string]any{}
	for _, it := range all {
		e.items = append(e.items, it)
		v, err := e.value(n.items[2], depth)
		e.items = e.items[:len(e.items)-1]
		if err != nil {
			return nil, err
		}
		if !asMap {
			seq = append(seq, v)
			continue
		}
		switch x := v.(type) {
		case map[string]any:
			merge(merged, x)
		case []any:
			if len(x) != 2 {
				return nil, wrongf(n, "The body of !Enumerate with MAP gives a map, or a list of a key and a value.")
			}
			merged[fmt.Sprint(x[0])] = x[1]
		default:
			return nil, wrongf(n, "The body of !Enumerate with MAP gives a map, or a list of a key and a value.")
		}
	}
	if asMap {
		return merged, nil
	}
	return seq, nil
}

// order gives the keys of a map as they are written; those of one that a tag made are sorted.
func order(n *node, m map[string]any) []string {
	if n.tag != "" || n.form != table {
		return slices.Sorted(maps.Keys(m))
	}
	out := make([]string, 0, len(n.pairs))
	for _, p := range n.pairs {
		out = append(out, p.key)
	}
	return out
}

// What a tag costs beside its values.
const (
	costFind   = 100
	costFormat = 20
)

// criterion is one pair of !Find.
type criterion struct {
	field string
	value any
}

func (e *eval) search(n *node, depth int) (any, *wrong) {
	if n.form != list || len(n.items) < 2 {
		return nil, wrongf(n, "!Find takes a list of a model and of pairs of field and value.")
	}
	model, err := e.value(n.items[0], depth)
	if err != nil {
		return nil, err
	}
	var pairs []criterion
	e.budget -= costFind
	for _, c := range n.items[1:] {
		if c.form != list || len(c.items) != 2 {
			return nil, wrongf(c, "!Find takes a list of a model and of pairs of field and value.")
		}
		field, err := e.value(c.items[0], depth)
		if err != nil {
			return nil, err
		}
		v, err := e.value(c.items[1], depth)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, criterion{fmt.Sprint(field), v})
	}
	return e.find(n, fmt.Sprint(model), pairs)
}
