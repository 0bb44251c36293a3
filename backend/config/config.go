// Package config reads the start-up settings: what must be known before the database is open.
//
//	flag ▸ GATEHOUSE_* ▸ AUTHENTIK_* ▸ file (YAML) ▸ default ──▶ Config, or every fault at once
//
// What can be changed while Gatehouse runs is a system setting and lives in the database; the two sets are disjoint.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
)

// Config is what a start needs to know.
type Config struct {
	Data         string // data folder, absolute
	HTTP         string // address of the plain listener, host:port
	HTTPS        string // address of the TLS listener, host:port
	Name         string // name under which the network reaches the server, for the first start; "" asks the wizard
	ControlGroup string // group that may use the control socket besides the owner; "" for nobody else
	Log          Log
	Metrics      Metrics
	Bootstrap    Bootstrap
	Tokens       Tokens
	Email        Email
	Outgoing     string // what requests to other servers may reach besides the network; see outbound.ParseAllow
	Geo          Geo

	// Notes say in one sentence each which variables have no use here. They are to be logged once, never an error.
	Notes []string
	// Sources tells for each setting (by key) where its value came from: "default", "the file …", a variable or a flag.
	Sources map[string]string
}

// Geo are the files that tell where addresses are; "" stands for the usual name in the data folder.
type Geo struct{ City, ASN string }

// Log is where the log goes and how much of it.
type Log struct {
	Level    slog.Level
	File     string // absolute; "" writes no file
	Terminal bool   // also on standard error
}

// Metrics guards /-/metrics/.
type Metrics struct {
	Secret string // password of the user "monitor"; "" lets loopback in without one
	LAN    bool   // also for other machines; needs Secret
}

// Bootstrap makes the first admin akadmin on an empty database. All empty: the wizard does it.
type Bootstrap struct{ Password, Token, Email string }

// Any says whether a first admin is to be made at the start.
func (b Bootstrap) Any() bool { return b.Password != "" || b.Token != "" }

// Tokens are written into the system settings at the first start, once. The zero value leaves the defaults.
type Tokens struct {
	Length   int    // characters of new tokens; 0: default
	Duration string // life of new tokens as "days=1"; "": default
}

// Email is the mail server. What is set here counts in the place of what the window says; see Config.Given.
type Email struct {
	Host, Username, Password, From string
	Port, Timeout                  int // Timeout in seconds
	TLS, SSL                       bool
}

// Given gives where the value of a setting came from, "" when nobody set it.
func (c Config) Given(key string) string {
	if from := c.Sources[key]; from != "default" {
		return from
	}
	return ""
}

// mask stands for a secret in dumps.
const mask = "********************"

// Redacted gives a copy in which secrets are masked, for dumps.
func (c Config) Redacted() Config {
	for _, s := range []*string{&c.Metrics.Secret, &c.Bootstrap.Password, &c.Bootstrap.Token, &c.Email.Password} {
		if *s != "" {
			*s = mask
		}
	}
	return c
}

// Dump gives every setting as YAML with where it comes from; secrets are masked. The text is a valid settings file but for them.
func (c Config) Dump() string {
	c = c.Redacted()
	var b strings.Builder
	group := ""
	for _, s := range settings() {
		name, indent := s.key, ""
		if g, rest, nested := strings.Cut(s.key, "."); nested {
			if g != group {
				fmt.Fprintf(&b, "%s:\n", g)
			}
			group, name, indent = g, rest, "  "
		} else {
			group = ""
		}
		fmt.Fprintf(&b, "%s%s: %s  # %s\n", indent, name, quote(s.show(&c)), c.Sources[s.key])
	}
	return b.String()
}

// quote writes a scalar so that YAML reads the same text back.
func quote(s string) string {
	switch s {
	case "true", "false":
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// Load puts the settings together. flags holds the flags that were given, by setting key ("log.level"); environ is as os.Environ;
// readFile is as os.ReadFile. The error joins every fault that was found, one line each.
func Load(flags map[string]string, environ []string, readFile func(string) ([]byte, error)) (Config, error) {
	return load(runtime.GOOS, flags, environ, readFile)
}

func load(goos string, flags map[string]string, environ []string, readFile func(string) ([]byte, error)) (Config, error) {
	l := loader{env: map[string]string{}, readFile: readFile, found: map[string]found{}}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && k != "" {
			if goos == "windows" {
				k = strings.ToUpper(k)
			}
			l.env[k] = v
		}
	}
	c := Config{Sources: map[string]string{}}

	// From the weakest to the strongest; a stronger one replaces what is there.
	l.file(flags["config"])
	l.variables(publishedPrefix)
	l.variables(prefix)
	l.flags(flags)

	for _, s := range settings() {
		f, ok := l.found[s.key]
		c.Sources[s.key] = "default"
		if !ok {
			f.value = s.def
			if s.key == "data" {
				dir, err := DefaultData(goos, l.env)
				if err != nil {
					l.fault(err)
					continue
				}
				f.value = dir
			}
		} else {
			c.Sources[s.key] = f.from
			v, err := l.resolve(f.value)
			if err != nil {
				l.fault(fmt.Errorf("%s: %w", f.from, err))
				continue
			}
			f.value = v
		}
		if err := s.set(&c, f.value); err != nil {
			l.fault(fmt.Errorf("%s: %w", f.from, err))
		}
	}
	l.together(&c)
	c.Notes = l.notes
	return c, errors.Join(l.faults...)
}

// together checks what only several settings show.
func (l *loader) together(c *Config) {
	if c.HTTP != "" && c.HTTP == c.HTTPS && !strings.HasSuffix(c.HTTP, ":0") {
		l.fault(fmt.Errorf("http and https are both %s. Give each a port of its own", c.HTTP))
	}
	if c.Metrics.LAN && c.Metrics.Secret == "" {
		l.fault(errors.New("metrics.lan needs metrics.secret: without a secret everybody on the network could read the metrics"))
	}
	if c.Bootstrap.Email != "" && !c.Bootstrap.Any() {
		l.notes = append(l.notes, "bootstrap.email has no effect without bootstrap.password or bootstrap.token.")
	}
	if c.Email.TLS && c.Email.SSL {
		l.fault(errors.New("email.use_tls and email.use_ssl exclude each other. Leave one out"))
	}
	switch c.Log.File {
	case "off":
		c.Log.File = ""
	case "":
		if c.Data != "" {
			c.Log.File = filepath.Join(c.Data, "logs", "gatehouse.log")
		}
	}
}

// DefaultData gives the data folder by the custom of the operating system.
func DefaultData(goos string, env map[string]string) (string, error) {
	join := func(sep string, parts ...string) string { return strings.Join(parts, sep) }
	switch goos {
	case "windows":
		if d := env["LOCALAPPDATA"]; d != "" {
			return join(`\`, d, "Gatehouse"), nil
		}
	case "darwin":
		if h := env["HOME"]; h != "" {
			return join("/", h, "Library/Application Support/Gatehouse"), nil
		}
	default:
		if d := env["XDG_DATA_HOME"]; strings.HasPrefix(d, "/") {
			return join("/", d, "gatehouse"), nil
		}
		if h := env["HOME"]; h != "" {
			return join("/", h, ".local/share/gatehouse"), nil
		}
		return "/var/lib/gatehouse", nil
	}
	return "", errors.New("there is no home folder to keep the data in. Name a folder with --data")
}
