package page

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/stage"
)

// Input is one field of a form.
type Input struct {
	ID           string
	Name         string
	Type         string // of an input element
	Label        string
	Value        string
	Placeholder  string
	Autocomplete string
	Mode         string // inputmode
	Enter        string // enterkeyhint
	Hint         string // HTML of an admin
	Required     bool
	Optional     string // the word for it
	ReadOnly     bool
	Focus        bool
	Plain        bool // no capitals, no spelling
	Check        bool // a box to tick
	Checked      bool
	Choices      []Choice
	Errors       []stage.Error
	Say          func(key string, args ...any) string
}

// Choice is one of the values of a field.
type Choice struct {
	Value, Label string
	Current      bool
	ID           string
}

// Described gives the ids of what explains the field.
func (in *Input) Described() string {
	var ids []string
	if len(in.Errors) > 0 {
		ids = append(ids, in.ID+"-error")
	}
	if in.Hint != "" {
		ids = append(ids, in.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

var notID = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// add makes a field and notes it: what was typed before is in it, what is wrong with it too.
func (f *form) add(in *Input) *Input {
	in.ID = "f-" + notID.ReplaceAllString(in.Name, "-")
	in.Say = f.T
	in.Errors = f.Challenge.Errors[in.Name]
	if vs := f.Typed[in.Name]; len(vs) > 0 && in.Type != "password" && in.Type != "file" && !in.ReadOnly {
		if in.Checked = vs[len(vs)-1] == "true"; !in.Check {
			in.Value = vs[len(vs)-1]
		}
	}
	if !in.Required && !in.ReadOnly && !in.Check {
		in.Optional = f.T("flow.optional")
	}
	// The summary takes the focus when there is one; else the only field that is wrong, else the one that the page begins with.
	want := in.Focus && !in.ReadOnly
	in.Focus = false
	switch n := f.wrong(); {
	case f.focused, f.whole(), n > 1, f.silent():
	case n == 1 && len(in.Errors) > 0, n == 0 && want:
		in.Focus, f.focused = true, true
	}
	f.fields = append(f.fields, in)
	return in
}

// Input makes a field from the words of a stage's page: label, type, autocomplete, mode, autofocus, name.
func (f *form) Input(name string, kv ...any) (*Input, error) {
	in := &Input{Name: name, Type: "text", Required: true, Enter: "go"}
	var choices []string
	locales := false
	for i := 0; i+1 < len(kv); i += 2 {
		s, _ := kv[i+1].(string)
		b, _ := kv[i+1].(bool)
		switch kv[i] {
		case "value":
			in.Value = s
		case "placeholder":
			in.Placeholder = s
		case "hint":
			in.Hint = s
		case "required":
			in.Required = b
		case "readonly":
			in.ReadOnly = b
		case "check":
			in.Check = b
		case "choices":
			choices, _ = kv[i+1].([]string)
		case "locales":
			locales = b
		case "label":
			in.Label = s
		case "type":
			in.Type = s
		case "autocomplete":
			in.Autocomplete = s
		case "mode":
			in.Mode = s
		case "enter":
			in.Enter = s
		case "autofocus":
			in.Focus = b
		case "plain":
			in.Plain = b
		default:
			return nil, fmt.Errorf("page: a field has no %v", kv[i])
		}
	}
	if in.Label == "" {
		return nil, fmt.Errorf("page: field %s has no label", name)
	}
	switch {
	case in.Type == "datetime-local":
		in.Value = localTime(in.Value)
	case in.Type == "file":
		in.Value = ""
	case in.Check:
		in.Checked, in.Value = in.Value != "", "true"
	case locales:
		in.Choices = f.languages(in)
	case choices != nil:
		in.Choices = f.choices(in, choices, nil)
	}
	in.Required = in.Required && !in.ReadOnly
	return f.add(in), nil
}

// Password is Input for a secret.
func (f *form) Password(name string, kv ...any) (*Input, error) {
	return f.Input(name, append([]any{"type", "password"}, kv...)...)
}

// Prompt is Input for a field that an admin made: its words and its first value come from there. kind and type say how it is drawn.
func (f *form) Prompt(name, label, value, placeholder, hint string, required bool, kv ...any) (*Input, error) {
	return f.Input(name, append([]any{"label", label, "value", value, "placeholder", placeholder, "hint", hint, "required", required, "enter", "next", "autofocus", true}, kv...)...)
}

// choices gives the values to choose from; the one that was chosen before is marked.
func (f *form) choices(in *Input, values []string, labels map[string]string) []Choice {
	now := in.Value
	if vs := f.Typed[in.Name]; len(vs) > 0 {
		now = vs[len(vs)-1]
	}
	out := make([]Choice, 0, len(values))
	for i, v := range values {
		c := Choice{Value: v, Label: v, Current: v == now, ID: fmt.Sprintf("f-%s-%d", notID.ReplaceAllString(in.Name, "-"), i)}
		if l := labels[v]; l != "" {
			c.Label = l
		}
		out = append(out, c)
	}
	return out
}

// languages gives the languages of the house, and that of the browser.
func (f *form) languages(in *Input) []Choice {
	tags, labels := []string{""}, map[string]string{"": f.T("flow.prompt.browser_language")}
	for _, tag := range f.Languages {
		tags = append(tags, tag)
		labels[tag] = f.name(tag)
	}
	if !slices.Contains(tags, in.Value) {
		tags = append(tags, in.Value)
	}
	return f.choices(in, tags, labels)
}

// localTime turns a point in time into what a browser's field for one holds.
func localTime(s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.Format("2006-01-02T15:04")
}

// Field makes a field of the wizard.
func (s Setup) Field(name, label, autocomplete string, required, focus bool) *Input {
	in := &Input{ID: "f-" + name, Name: name, Type: "text", Label: s.T(label), Value: s.Values[name], Autocomplete: autocomplete, Required: required, Focus: focus, Enter: "next", Say: s.T}
	switch name {
	case "password", "password_repeat":
		// Whoever comes back to the step may leave them empty: the password from before stays.
		in.Type, in.Value, in.Required = "password", "", false
	case "email":
		in.Type, in.Mode = "email", "email"
	case "username", "server_name":
		in.Plain = true
	}
	if name == "password" {
		in.Hint = s.T("setup.admin.password_help")
	}
	if !required {
		in.Optional = s.T("flow.optional")
	}
	if e := s.Errors[name]; e != "" {
		in.Errors = []stage.Error{{String: e}}
	}
	if len(s.Errors) > 0 {
		in.Focus = name == s.firstWrong()
	}
	return in
}

// firstWrong is the first field on the page that something is wrong with.
func (s Setup) firstWrong() string {
	for _, name := range []string{"office_name", "username", "name", "email", "password", "password_repeat", "server_name"} {
		if s.Errors[name] != "" {
			return name
		}
	}
	return ""
}
