package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Prefixes of environment variables. The published one is accepted so that what an office already has keeps working.
const (
	prefix          = "GATEHOUSE_"
	publishedPrefix = "AUTHENTIK_"
)

// otherVariables begin with our prefix and are read elsewhere.
var otherVariables = []string{"GATEHOUSE_CONFIG", "GATEHOUSE_BACKUP_PASSPHRASE"}

// unused are published settings (by the begin of their key) that an appliance has no use for, with the reason.
var unused = []struct{ key, why string }{
	{"postgresql", "Gatehouse keeps its database in the data folder"},
	{"redis", "Gatehouse needs no Redis"},
	{"cache", "Gatehouse needs no Redis"},
	{"channel", "Gatehouse needs no Redis"},
	{"result_backend", "Gatehouse needs no Redis"},
	{"broker", "Gatehouse needs no Redis"},
	{"session_storage", "sessions are kept in the database"},
	{"worker", "one process does everything"},
	{"web", "one process does everything"},
	{"secret_key", "Gatehouse makes a key file of its own in the data folder"},
	{"listen.metrics", "metrics are at /-/metrics/ of the listeners; see metrics.secret"},
	{"listen.trusted_proxy_cidrs", "only a proxy on this machine is trusted"},
	{"listen", "only listen.http and listen.https apply"},
	{"disable_update_check", "Gatehouse never looks for updates by itself"},
	{"disable_startup_analytics", "Gatehouse sends nothing home"},
	{"error_reporting", "Gatehouse sends nothing home"},
	{"avatars", "it is a system setting; change it in the window under Settings"},
	{"storage", "uploads are kept in the data folder"},
	{"media", "uploads are kept in the data folder"},
	{"cookie_domain", "cookies belong to the server's own name"},
	{"email.template_dir", "your own mails belong into the folder templates of the data folder"},
	{"host", "it belongs to an outpost; the server's name is the setting name"},
	{"insecure", "it belongs to an outpost"},
	{"token", "it belongs to an outpost"},
	{"debug", "use log.level=debug"},
}

type found struct{ value, from string }

type loader struct {
	env      map[string]string
	readFile func(string) ([]byte, error)
	found    map[string]found
	notes    []string
	faults   []error
}

func (l *loader) fault(err error) { l.faults = append(l.faults, err) }

// key finds the setting of a key or of another spelling of it; "" when there is none.
func key(name string) string {
	for _, s := range settings() {
		if s.key == name || slices.Contains(s.aliases, name) {
			return s.key
		}
	}
	return ""
}

// put notes a value; the same setting under two names with two values at one place is a fault.
func (l *loader) put(k, value, from string, here map[string]found) {
	if old, twice := here[k]; twice && old.value != value {
		l.fault(fmt.Errorf("%s and %s give the same setting two values. Remove one", old.from, from))
		return
	}
	here[k] = found{value, from}
	l.found[k] = found{value, from}
}

// variables takes those with a prefix. Unknown ones are faults with our prefix and notes with the published one.
func (l *loader) variables(pre string) {
	names := make([]string, 0, 8)
	for n := range l.env {
		if strings.HasPrefix(n, pre) && !slices.Contains(otherVariables, n) {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	here := map[string]found{}
	for _, n := range names {
		plain := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(n, pre)), "__", ".")
		k := key(plain)
		switch {
		case k != "" && (pre == prefix || published(k)):
			l.put(k, l.env[n], n, here)
		case pre == publishedPrefix:
			l.notes = append(l.notes, unusedNote(n, plain))
		default:
			l.fault(fmt.Errorf("%s is no setting of Gatehouse.%s", n, didYouMean(n, variableNames())))
		}
	}
}

// published says whether a setting also exists under the published prefix.
func published(k string) bool {
	switch k {
	case "http", "https", "log.level", "bootstrap.password", "bootstrap.token", "bootstrap.email", "default_token_length", "default_token_duration",
		"email.host", "email.port", "email.username", "email.password", "email.use_tls", "email.use_ssl", "email.timeout", "email.from":
		return true
	}
	return false
}

func unusedNote(variable, plain string) string {
	for _, u := range unused {
		if plain == u.key || strings.HasPrefix(plain, u.key+".") || strings.HasPrefix(plain, u.key+"_") {
			return fmt.Sprintf("%s is not used: %s. You may remove it.", variable, u.why)
		}
	}
	return fmt.Sprintf("%s is not used by Gatehouse. You may remove it.", variable)
}

func (l *loader) flags(flags map[string]string) {
	names := make([]string, 0, len(flags))
	for n := range flags {
		names = append(names, n)
	}
	sort.Strings(names)
	here := map[string]found{}
	known := make([]string, 0, 16)
	for _, f := range Flags() {
		known = append(known, f.Key)
	}
	for _, n := range names {
		switch k := key(n); {
		case n == "config":
		case k != "":
			l.put(k, flags[n], "--"+strings.NewReplacer(".", "-", "_", "-").Replace(n), here)
		default:
			l.fault(fmt.Errorf("--%s is no setting of Gatehouse.%s", n, didYouMean(n, known)))
		}
	}
}

// file reads the settings file that the flag or GATEHOUSE_CONFIG names, if any.
func (l *loader) file(name string) {
	if name == "" {
		name = l.env["GATEHOUSE_CONFIG"]
	}
	if name == "" {
		return
	}
	b, err := l.readFile(name)
	if err != nil {
		why := "can't be read. Check the rights on it"
		if errors.Is(err, fs.ErrNotExist) {
			why = "isn't there. Check --config or GATEHOUSE_CONFIG"
		}
		l.fault(fmt.Errorf("the settings file %s %s: %w", name, why, err))
		return
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		l.fault(fmt.Errorf("the settings file %s is no valid YAML: %w", name, err))
		return
	}
	if len(doc.Content) == 0 {
		return // nothing but comments
	}
	l.node(name, "", doc.Content[0], map[string]found{})
}

func (l *loader) node(file, path string, n *yaml.Node, here map[string]found) {
	where := func(n *yaml.Node) string { return fmt.Sprintf("%s line %d", file, n.Line) }
	if n.Kind != yaml.MappingNode {
		l.fault(fmt.Errorf("%s: settings are written as name: value", where(n)))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		full := strings.ToLower(path + name.Value)
		k := key(full)
		switch {
		case k != "" && value.Kind == yaml.ScalarNode:
			text := value.Value
			if value.Tag == "!!null" {
				text = ""
			}
			l.put(k, text, where(name)+" ("+full+")", here)
		case k != "":
			l.fault(fmt.Errorf("%s: %s takes one value", where(name), full))
		case isGroup(full):
			l.node(file, full+".", value, here)
		default:
			l.fault(fmt.Errorf("%s: %s is no setting of Gatehouse.%s", where(name), full, didYouMean(full, keyNames())))
		}
	}
}

func isGroup(name string) bool {
	for _, k := range keyNames() {
		if strings.HasPrefix(k, name+".") {
			return true
		}
	}
	return false
}

func keyNames() []string {
	var out []string
	for _, s := range settings() {
		out = append(append(out, s.key), s.aliases...)
	}
	return out
}

func variableNames() []string {
	out := slices.Clone(otherVariables)
	for _, k := range keyNames() {
		out = append(out, prefix+strings.ToUpper(strings.ReplaceAll(k, ".", "__")))
	}
	return out
}

// resolve follows env://NAME?default and file://path?default; any other value stands for itself. Blanks around a file's content
// are dropped, because editors end a file with a line break.
func (l *loader) resolve(v string) (string, error) {
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok || scheme != "env" && scheme != "file" {
		return v, nil
	}
	name, def, hasDefault := strings.Cut(rest, "?")
	if scheme == "env" {
		got, ok := l.env[name]
		switch {
		case ok:
			return got, nil
		case hasDefault:
			return def, nil
		}
		return "", fmt.Errorf("the variable %s isn't set, and %q names no default after a question mark", name, v)
	}
	b, err := l.readFile(name)
	switch {
	case err == nil:
		return strings.TrimSpace(string(b)), nil
	case hasDefault:
		return def, nil
	}
	return "", fmt.Errorf("the file %s can't be read: %w", name, err)
}

// didYouMean gives " Did you mean X?" when a known name is near.
func didYouMean(name string, known []string) string {
	best, at := "", max(2, len(name)/4)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean " + best + "?"
}

// Nearest gives the known name that is nearest to what somebody typed, or "" when none is near.
func Nearest(name string, known []string) string {
	s := didYouMean(name, known)
	return strings.TrimSuffix(strings.TrimPrefix(s, " Did you mean "), "?")
}

// distance is Levenshtein's: the least number of letters to change, add or remove.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// Variables lists the environment variables with what they are for, for the help text.
func Variables() string {
	var b strings.Builder
	for _, s := range settings() {
		name := prefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "__"))
		for _, a := range s.aliases {
			if !strings.HasPrefix(a, "listen.") && strings.HasPrefix(s.key, "bootstrap.") {
				name = prefix + strings.ToUpper(a)
			}
		}
		fmt.Fprintf(&b, "  %-"+strconv.Itoa(34)+"s %s\n", name, s.help)
	}
	return b.String()
}
