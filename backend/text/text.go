// Package text holds every sentence that a person reads, by language: English in this folder, one file a room, and other languages as one
// file each that an office may add.
//
//	en/flow.json, en/setup.json …  ─┐
//	<data>/languages/de.json       ─┴─▶ Tables ─▶ Lang.Say("password.title", "name", "Ada")
package text

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

//go:embed en/*.json
var english embed.FS

// Tables are the languages that there are. They don't change once loaded.
type Tables struct {
	langs map[string]*Lang
}

// Lang is one language. What it lacks is said in English.
type Lang struct {
	Tag   string // BCP 47, lower case: "de", "pt-br"
	say   map[string]string
	raw   map[string]any // by room, as in the files
	other *Lang
}

// Load reads English and whatever languages extra holds (files NAME.json); nil for none. It returns an error for a file that is no table.
func Load(extra fs.FS) (*Tables, error) {
	t := &Tables{langs: map[string]*Lang{}}
	en := &Lang{Tag: "en", say: map[string]string{}, raw: map[string]any{}}
	files, err := fs.Glob(english, "en/*.json")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := english.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var table map[string]any
		if err := json.Unmarshal(b, &table); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		en.add(strings.TrimSuffix(path.Base(f), ".json"), table)
	}
	t.langs["en"] = en
	if extra == nil {
		return t, nil
	}
	files, err = fs.Glob(extra, "*.json")
	if err != nil {
		return nil, err
	}
	var bad []error
	for _, f := range files {
		b, err := fs.ReadFile(extra, f)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		var rooms map[string]map[string]any
		if err := json.Unmarshal(b, &rooms); err != nil {
			bad = append(bad, fmt.Errorf("the language file %s can't be read: %w", f, err))
			continue
		}
		l := &Lang{Tag: strings.ToLower(strings.TrimSuffix(f, ".json")), say: map[string]string{}, raw: map[string]any{}, other: en}
		for room, table := range rooms {
			l.add(room, table)
		}
		t.langs[l.Tag] = l
	}
	return t, errors.Join(bad...)
}

func (l *Lang) add(room string, table map[string]any) {
	l.raw[room] = table
	l.flatten(room, table)
}

func (l *Lang) flatten(prefix string, table map[string]any) {
	for k, v := range table {
		switch x := v.(type) {
		case string:
			l.say[prefix+"."+k] = x
		case map[string]any:
			l.flatten(prefix+"."+k, x)
		}
	}
}

// Tags gives the languages that there are, English first.
func (t *Tables) Tags() []string {
	tags := slices.Sorted(maps.Keys(t.langs))
	slices.SortStableFunc(tags, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "en":
			return -1
		case b == "en":
			return 1
		}
		return 0
	})
	return tags
}

// Choose gives the language of the first wish that there is one for: exactly, or by the part before the dash. English when none fits.
func (t *Tables) Choose(wishes ...string) *Lang {
	for _, w := range wishes {
		w = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(w), "_", "-"))
		if w == "" {
			continue
		}
		if l := t.langs[w]; l != nil {
			return l
		}
		base, _, _ := strings.Cut(w, "-")
		if l := t.langs[base]; l != nil {
			return l
		}
	}
	return t.langs["en"]
}

// Accepted takes the languages of an Accept-Language header in the order of preference (RFC 9110 section 12.5.4).
func Accepted(header string) []string {
	type wish struct {
		tag string
		q   float64
	}
	var ws []wish
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(part, ";")
		w := wish{strings.TrimSpace(tag), 1}
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if _, err := fmt.Sscanf(v, "%g", &w.q); err != nil {
				w.q = 0
			}
		}
		if w.tag != "" && w.tag != "*" && w.q > 0 {
			ws = append(ws, w)
		}
		if len(ws) >= 20 {
			break
		}
	}
	slices.SortStableFunc(ws, func(a, b wish) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.tag
	}
	return out
}

// Say gives a sentence; args are names and values for what stands in braces. A key that no table has is given as it is.
func (l *Lang) Say(key string, args ...any) string {
	s, ok := l.say[key]
	if !ok && l.other != nil {
		s, ok = l.other.say[key]
	}
	if !ok {
		return key
	}
	for i := 0; i+1 < len(args); i += 2 {
		s = strings.ReplaceAll(s, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	return s
}

// Name gives a language's own name, as its table has it; its tag when it has none.
func (t *Tables) Name(tag string) string {
	if l := t.langs[tag]; l != nil && l.Has("flow.lang") {
		return l.Say("flow.lang")
	}
	return tag
}

// Has says whether the language itself has a key.
func (l *Lang) Has(key string) bool { _, ok := l.say[key]; return ok }

// Keys gives every key, sorted.
func (l *Lang) Keys() []string { return slices.Sorted(maps.Keys(l.say)) }

// JSON gives the tables of a language by room, for the pages that scripts draw; false when there is no such language.
func (t *Tables) JSON(tag string) ([]byte, bool) {
	l := t.langs[strings.ToLower(tag)]
	if l == nil {
		return nil, false
	}
	b, err := json.Marshal(l.raw)
	return b, err == nil
}
