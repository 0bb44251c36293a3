package blueprint

import (
	"encoding/json"
	"maps"
	"slices"
)

// truth is Python's.
func truth(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case float64:
		return x != 0
	case string:
		return x != ""
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	return true
}

// merge puts what is in from into into: maps are merged, lists joined without doubles, everything else is replaced.
func merge(into, from map[string]any) {
	for k, v := range from {
		switch x := v.(type) {
		case map[string]any:
			if old, ok := into[k].(map[string]any); ok {
				joined := maps.Clone(old)
				merge(joined, x)
				into[k] = joined
				continue
			}
		case []any:
			if old, ok := into[k].([]any); ok {
				joined := slices.Clone(old)
				for _, it := range x {
					if !slices.ContainsFunc(joined, func(o any) bool { return same(o, it) }) {
						joined = append(joined, it)
					}
				}
				into[k] = joined
				continue
			}
		}
		into[k] = v
	}
}

// same compares two values.
func same(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && string(x) == string(y)
}

// data makes a node of a value that is no file's.
func data(v any) *node {
	switch x := v.(type) {
	case []any:
		n := &node{form: list}
		for _, it := range x {
			n.items = append(n.items, data(it))
		}
		return n
	case map[string]any:
		n := &node{form: table}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			n.pairs = append(n.pairs, pair{k, data(x[k])})
		}
		return n
	case int:
		return &node{value: int64(x)}
	case float64:
		if x == float64(int64(x)) {
			return &node{value: int64(x)}
		}
	}
	return &node{value: v}
}

// over lays the members of b over those of a: maps are merged, lists joined, everything else is replaced.
func over(a, b *node) *node {
	if a == nil || a.tag != "" || b.tag != "" || a.form != b.form || a.form == scalar {
		return b
	}
	if a.form == list {
		return &node{line: a.line, form: list, items: append(slices.Clone(a.items), b.items...)}
	}
	out := &node{line: a.line, form: table, pairs: slices.Clone(a.pairs)}
	for _, p := range b.pairs {
		i := slices.IndexFunc(out.pairs, func(o pair) bool { return o.key == p.key })
		if i < 0 {
			out.pairs = append(out.pairs, p)
			continue
		}
		out.pairs[i].val = over(out.pairs[i].val, p.val)
	}
	return out
}

// licensed says to blueprints that everything is there: Gatehouse has no features for money.
const licensed = "goauthentik.io/enterprise/licensed"

// contextOf lays the contexts over each other.
func contextOf(file *node, own map[string]any) map[string]*node {
	all := over(&node{form: table, pairs: []pair{{licensed, &node{value: true}}}}, &node{form: table})
	if file != nil {
		all = over(all, file)
	}
	if len(own) > 0 {
		all = over(all, data(own))
	}
	out := make(map[string]*node, len(all.pairs))
	for _, p := range all.pairs {
		out[p.key] = p.val
	}
	return out
}
