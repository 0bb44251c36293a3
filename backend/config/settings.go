package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gatehouse/backend/outbound"
)

// setting is one start-up setting. set refuses what it can't be, in a sentence that goes on after "where it came from: ".
type setting struct {
	key     string   // nested with a dot
	aliases []string // other spellings in file and environment
	def     string
	help    string
	set     func(c *Config, v string) error
	show    func(c *Config) string
}

// settings lists all of them; groups stand together.
func settings() []setting {
	text := func(at func(c *Config) *string, check func(string) error) (func(*Config, string) error, func(*Config) string) {
		return func(c *Config, v string) error {
			if err := check(v); err != nil {
				return err
			}
			*at(c) = v
			return nil
		}, func(c *Config) string { return *at(c) }
	}
	flag := func(at func(c *Config) *bool) (func(*Config, string) error, func(*Config) string) {
		return func(c *Config, v string) (err error) {
			*at(c), err = parseBool(v)
			return err
		}, func(c *Config) string { return strconv.FormatBool(*at(c)) }
	}
	address := func(at func(c *Config) *string) (func(*Config, string) error, func(*Config) string) {
		return func(c *Config, v string) (err error) {
			*at(c), err = parseAddress(v)
			return err
		}, func(c *Config) string { return *at(c) }
	}
	number := func(at func(c *Config) *int, most int, what string) (func(*Config, string) error, func(*Config) string) {
		return func(c *Config, v string) error {
				if v == "" {
					*at(c) = 0
					return nil
				}
				n, err := strconv.Atoi(v)
				if err != nil || n < 1 || n > most {
					return fmt.Errorf("%q is no %s. Write a whole number from 1 to %d", v, what, most)
				}
				*at(c) = n
				return nil
			}, func(c *Config) string {
				if *at(c) == 0 {
					return ""
				}
				return strconv.Itoa(*at(c))
			}
	}
	list := []setting{
		{key: "data", help: "folder that holds the database, the key and the log"},
		{key: "http", aliases: []string{"listen.http"}, def: ":9000", help: "address of the plain listener: trust page, health, redirect"},
		{key: "https", aliases: []string{"listen.https"}, def: ":9443", help: "address of the TLS listener: everything"},
		{key: "name", help: "name under which your network reaches the server, used at the first start"},
		{key: "control_group", help: "group that may use the control socket, for an installed service"},
		{key: "log.level", aliases: []string{"log_level"}, def: "info", help: "debug, info, warning or error"},
		{key: "log.file", aliases: []string{"log_file"}, help: `log file (default: logs/gatehouse.log in the data folder; "off" for none)`},
		{key: "log.terminal", aliases: []string{"log_terminal"}, def: "true", help: "write the log to standard error too"},
		{key: "metrics.secret", aliases: []string{"metrics_secret"}, help: "password of /-/metrics/"},
		{key: "metrics.lan", aliases: []string{"metrics_lan"}, def: "false", help: "answer /-/metrics/ to other machines"},
		{key: "bootstrap.password", aliases: []string{"bootstrap_password"}, help: "password of the first admin akadmin"},
		{key: "bootstrap.token", aliases: []string{"bootstrap_token"}, help: "API token of the first admin akadmin"},
		{key: "bootstrap.email", aliases: []string{"bootstrap_email"}, help: "e-mail address of the first admin akadmin"},
		{key: "email.host", aliases: []string{"email_host"}, help: "mail server; what is set here can't be changed in the window"},
		{key: "email.port", aliases: []string{"email_port"}, help: "port of the mail server"},
		{key: "email.username", aliases: []string{"email_username"}, help: "name that the mail server wants"},
		{key: "email.password", aliases: []string{"email_password"}, help: "password that the mail server wants"},
		{key: "email.use_tls", aliases: []string{"email_use_tls"}, help: "begin in the clear and change to TLS (STARTTLS)"},
		{key: "email.use_ssl", aliases: []string{"email_use_ssl"}, help: "speak TLS with the mail server from the start"},
		{key: "email.timeout", aliases: []string{"email_timeout"}, help: "seconds to wait for the mail server"},
		{key: "email.from", aliases: []string{"email_from"}, help: "sender of mails"},
		{key: "outgoing.allow", aliases: []string{"outgoing_allow"}, help: "addresses of this machine that requests to other servers may go to, as 127.0.0.1:8080, localhost"},
		{key: "geo.city", aliases: []string{"events.context_processors.geoip"}, help: "database of places in MaxMind's format (default: geoip/GeoLite2-City.mmdb in the data folder, where there is one)"},
		{key: "geo.asn", aliases: []string{"events.context_processors.asn"}, help: "database of networks in MaxMind's format (default: geoip/GeoLite2-ASN.mmdb in the data folder, where there is one)"},
		{key: "default_token_length", help: "characters of new tokens, written into the settings at the first start"},
		{key: "default_token_duration", help: "life of new tokens, written into the settings at the first start"},
	}
	for i := range list {
		s := &list[i]
		switch s.key {
		case "data":
			s.set = func(c *Config, v string) (err error) {
				if v == "" {
					return errors.New("the data folder needs a name")
				}
				c.Data, err = filepath.Abs(v)
				return err
			}
			s.show = func(c *Config) string { return c.Data }
		case "http":
			s.set, s.show = address(func(c *Config) *string { return &c.HTTP })
		case "https":
			s.set, s.show = address(func(c *Config) *string { return &c.HTTPS })
		case "name":
			s.set, s.show = text(func(c *Config) *string { return &c.Name }, checkName)
			set := s.set
			s.set = func(c *Config, v string) error { return set(c, strings.ToLower(strings.TrimSuffix(v, "."))) }
		case "control_group":
			s.set, s.show = text(func(c *Config) *string { return &c.ControlGroup }, anything)
		case "log.level":
			s.set = func(c *Config, v string) (err error) {
				c.Log.Level, err = ParseLevel(v)
				return err
			}
			s.show = func(c *Config) string { return LevelName(c.Log.Level) }
		case "log.file":
			s.set = func(c *Config, v string) (err error) {
				if c.Log.File = v; v != "" && v != "off" {
					c.Log.File, err = filepath.Abs(v)
				}
				return err
			}
			s.show = func(c *Config) string {
				if c.Log.File == "" {
					return "off"
				}
				return c.Log.File
			}
		case "log.terminal":
			s.set, s.show = flag(func(c *Config) *bool { return &c.Log.Terminal })
		case "metrics.secret":
			s.set, s.show = text(func(c *Config) *string { return &c.Metrics.Secret }, anything)
		case "metrics.lan":
			s.set, s.show = flag(func(c *Config) *bool { return &c.Metrics.LAN })
		case "bootstrap.password":
			s.set, s.show = text(func(c *Config) *string { return &c.Bootstrap.Password }, anything)
		case "bootstrap.token":
			s.set, s.show = text(func(c *Config) *string { return &c.Bootstrap.Token }, checkToken)
		case "bootstrap.email":
			s.set, s.show = text(func(c *Config) *string { return &c.Bootstrap.Email }, checkEmail)
		case "email.host":
			s.set, s.show = text(func(c *Config) *string { return &c.Email.Host }, checkMailHost)
		case "email.port":
			s.set, s.show = number(func(c *Config) *int { return &c.Email.Port }, 65535, "port")
		case "email.username":
			s.set, s.show = text(func(c *Config) *string { return &c.Email.Username }, anything)
		case "email.password":
			s.set, s.show = text(func(c *Config) *string { return &c.Email.Password }, anything)
		case "email.use_tls":
			s.set, s.show = flag(func(c *Config) *bool { return &c.Email.TLS })
		case "email.use_ssl":
			s.set, s.show = flag(func(c *Config) *bool { return &c.Email.SSL })
		case "email.timeout":
			s.set, s.show = number(func(c *Config) *int { return &c.Email.Timeout }, 600, "number of seconds")
		case "email.from":
			s.set, s.show = text(func(c *Config) *string { return &c.Email.From }, checkSender)
		case "outgoing.allow":
			s.set, s.show = text(func(c *Config) *string { return &c.Outgoing }, func(v string) error {
				_, err := outbound.ParseAllow(v)
				return err
			})
		case "geo.city":
			s.set, s.show = text(func(c *Config) *string { return &c.Geo.City }, anything)
		case "geo.asn":
			s.set, s.show = text(func(c *Config) *string { return &c.Geo.ASN }, anything)
		case "default_token_length":
			s.set = func(c *Config, v string) (err error) {
				c.Tokens.Length, err = parseLength(v)
				return err
			}
			s.show = func(c *Config) string {
				if c.Tokens.Length == 0 {
					return ""
				}
				return strconv.Itoa(c.Tokens.Length)
			}
		case "default_token_duration":
			s.set, s.show = text(func(c *Config) *string { return &c.Tokens.Duration }, checkDuration)
		}
	}
	return list
}

// Flag is a setting that the command line knows.
type Flag struct{ Key, Name, Default, Help string }

// Flags lists the flags of the settings: the dots and underscores of the key become dashes. Secrets have none, because every
// user of a machine reads the command lines of all processes.
func Flags() []Flag {
	out := []Flag{{"config", "config", "", "file with start-up settings (YAML)"}}
	for _, s := range settings() {
		switch s.key {
		case "metrics.secret", "bootstrap.password", "bootstrap.token", "email.password":
			continue
		}
		out = append(out, Flag{s.key, strings.NewReplacer(".", "-", "_", "-").Replace(s.key), s.def, s.help})
	}
	return out
}

func anything(string) error { return nil }

func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0", "":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", v)
}

// parseAddress takes host:port, :port or a bare port.
func parseAddress(v string) (string, error) {
	if _, err := strconv.Atoi(v); err == nil {
		v = ":" + v
	}
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return "", fmt.Errorf("%q is no address to listen on. Write it as :9443 or 192.168.1.5:9443", v)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q is no port. Ports go from 1 to 65535", port)
	}
	return net.JoinHostPort(host, port), nil
}

// ParseLevel knows the published names of the levels.
func ParseLevel(v string) (slog.Level, error) {
	switch strings.ToLower(v) {
	case "debug", "trace":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warning", "warn":
		return slog.LevelWarn, nil
	case "error", "critical":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is no log level. Choose debug, info, warning or error", v)
}

// LevelName is the published name of a level.
func LevelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warning"
	}
	return "error"
}

// hostLabel is one part of a host name (RFC 1123 section 2.1).
var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkName wants a host name with a dot: passkeys work neither with an address nor with a bare name.
func checkName(v string) error {
	if v == "" {
		return nil
	}
	labels := strings.Split(v, ".")
	if net.ParseIP(v) != nil || len(labels) < 2 || len(v) > 253 {
		return fmt.Errorf("%q can't be the server's name. It needs a dot and letters, as in login.office.lan; an address can't carry passkeys", v)
	}
	for _, l := range labels {
		if !hostLabel.MatchString(l) {
			return fmt.Errorf("%q can't be the server's name. Use letters, digits, dashes and dots, as in login.office.lan", v)
		}
	}
	return nil
}

func checkToken(v string) error {
	if strings.ContainsAny(v, " \t\r\n") {
		return errors.New("the token holds a blank. It is sent in a header, so use letters and digits")
	}
	return nil
}

func checkEmail(v string) error {
	if at := strings.LastIndexByte(v, '@'); v != "" && (at < 1 || at == len(v)-1 || strings.ContainsAny(v, " \t\r\n,;<>")) {
		return fmt.Errorf("%q is no e-mail address", v)
	}
	return nil
}

// checkMailHost wants a name or an address without anything around it.
func checkMailHost(v string) error {
	if strings.ContainsAny(v, " \t\r\n/@") {
		return fmt.Errorf("%q is no mail server. Write its name or address, as in mail.office.lan", v)
	}
	return nil
}

// checkSender wants one address, with a name in front or without.
func checkSender(v string) error {
	if _, err := mail.ParseAddress(v); v != "" && err != nil {
		return fmt.Errorf("%q is no sender. Write it as gatehouse@office.lan or Gatehouse <gatehouse@office.lan>", v)
	}
	return nil
}

func parseLength(v string) (int, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no length. Write a whole number from 1", v)
	}
	return int(n), nil
}

// durationText is the published notation of a span of time.
var durationText = regexp.MustCompile(`^(weeks|days|hours|minutes|seconds|milliseconds|microseconds)=-?[0-9]+(\.[0-9]+)?$`)

func checkDuration(v string) error {
	if v == "" {
		return nil
	}
	for _, part := range strings.Split(v, ";") {
		if !durationText.MatchString(strings.TrimSpace(part)) {
			return fmt.Errorf("%q is no span of time. Write it as days=1 or hours=2;minutes=30", v)
		}
	}
	return nil
}
