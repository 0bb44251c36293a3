package wire

import "strings"

// Project keeps of a resource what is asked for and drops what is excluded (RFC 7644 section 3.9). Its id and its schemas always stay.
func (s *Shape) Project(res map[string]any, only, without []string) map[string]any {
	if len(only) > 0 {
		out := map[string]any{}
		for _, name := range only {
			if t, ok := s.Find(name); ok {
				keep(out, res, t)
			}
		}
		for _, name := range []string{"id", "schemas"} {
			if v, ok := res[name]; ok {
				out[name] = v
			}
		}
		res = out
	}
	for _, name := range without {
		t, ok := s.Find(name)
		if !ok || t.Ext == "" && (t.Name == "id" || t.Name == "schemas") {
			continue
		}
		drop(res, t)
	}
	return res
}

func keep(out, res map[string]any, t Target) {
	if t.Ext != "" {
		ext, ok := res[t.Ext].(map[string]any)
		if !ok {
			return
		}
		if t.Name == "" {
			out[t.Ext] = ext
			return
		}
		out, res = inner(out, t.Ext), ext
	}
	v, ok := res[t.Name]
	if !ok {
		return
	}
	if t.Part == "" {
		out[t.Name] = v
		return
	}
	switch x := v.(type) {
	case map[string]any:
		if part, ok := x[t.Part]; ok {
			inner(out, t.Name)[t.Part] = part
		}
	case []any:
		kept, _ := out[t.Name].([]any)
		for i, one := range x {
			if len(kept) <= i {
				kept = append(kept, map[string]any{})
			}
			if m, ok := one.(map[string]any); ok && m[t.Part] != nil {
				if k, ok := kept[i].(map[string]any); ok {
					k[t.Part] = m[t.Part]
				}
			}
		}
		out[t.Name] = kept
	}
}

func drop(res map[string]any, t Target) {
	if t.Ext != "" {
		if t.Name == "" {
			delete(res, t.Ext)
			return
		}
		ext, ok := res[t.Ext].(map[string]any)
		if !ok {
			return
		}
		res = ext
	}
	if t.Part == "" {
		delete(res, t.Name)
		return
	}
	for _, v := range many(res[t.Name]) {
		if m, ok := v.(map[string]any); ok {
			delete(m, t.Part)
		}
	}
}

// Names reads a list of attributes that a query gives with commas.
func Names(list ...string) (out []string) {
	for _, l := range list {
		for name := range strings.SplitSeq(l, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// SortKey gives what a resource is sorted by: the primary value of several, else the first, without regard to case where the schema has none.
func (s *Shape) SortKey(res map[string]any, t Target) []any {
	if t.Attr != nil && t.Attr.Multi {
		list := List(res, t.Name)
		for _, m := range list {
			if m["primary"] == true {
				list = []map[string]any{m}
				break
			}
		}
		if len(list) > 0 {
			part := t.Part
			if part == "" {
				part = "value"
			}
			return sortKey(t.Attr.Sub[strings.ToLower(part)], keyed(list[0], part))
		}
	}
	values := s.Values(res, t)
	if len(values) == 0 {
		return nil
	}
	return sortKey(t.Leaf(), values[0])
}

func sortKey(a *Attr, v any) []any {
	if !present(v) {
		return nil
	}
	if _, isText := v.(string); isText && (a == nil || !a.Exact) {
		return []any{strings.ToLower(plain(v))}
	}
	return []any{v}
}

// Order compares two sort keys. What has none comes last, and first when sorting goes down (RFC 7644 section 3.4.2.3).
func Order(x, y []any, down bool) int {
	c := 0
	switch {
	case len(x) == 0 || len(y) == 0:
		c = len(y) - len(x)
	default:
		m, ok1 := number(x[0])
		n, ok2 := number(y[0])
		switch {
		case ok1 && ok2 && m != n:
			c = 1
			if m < n {
				c = -1
			}
		case !ok1 || !ok2:
			c = strings.Compare(plain(x[0]), plain(y[0]))
		}
	}
	if down {
		return -c
	}
	return c
}
