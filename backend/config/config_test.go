package config

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// reader serves files from a map, as os.ReadFile would.
func reader(files map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if s, ok := files[name]; ok {
			return []byte(s), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

func TestDefaults(t *testing.T) {
	c, err := load("linux", nil, []string{"HOME=/home/ada"}, reader(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{Data: "/home/ada/.local/share/gatehouse", HTTP: ":9000", HTTPS: ":9443",
		Log: Log{Level: slog.LevelInfo, File: "/home/ada/.local/share/gatehouse/logs/gatehouse.log", Terminal: true}}
	if fmt.Sprint(c.Data, c.HTTP, c.HTTPS, c.Log, c.Metrics, c.Bootstrap, c.Tokens, c.Notes) !=
		fmt.Sprint(want.Data, want.HTTP, want.HTTPS, want.Log, want.Metrics, want.Bootstrap, want.Tokens, want.Notes) {
		t.Errorf("got %+v", c)
	}
	if c.Bootstrap.Any() {
		t.Error("a bootstrap without variables")
	}
}

func TestDefaultData(t *testing.T) {
	for _, tt := range []struct{ goos, env, want string }{
		{"linux", "HOME=/home/ada", "/home/ada/.local/share/gatehouse"},
		{"linux", "HOME=/home/ada XDG_DATA_HOME=/data", "/data/gatehouse"},
		{"linux", "HOME=/home/ada XDG_DATA_HOME=relative", "/home/ada/.local/share/gatehouse"},
		{"linux", "", "/var/lib/gatehouse"},
		{"darwin", "HOME=/Users/ada", "/Users/ada/Library/Application Support/Gatehouse"},
		{"darwin", "", ""},
		{"windows", `LOCALAPPDATA=C:\Users\ada\AppData\Local`, `C:\Users\ada\AppData\Local\Gatehouse`},
		{"windows", "", ""},
	} {
		env := map[string]string{}
		for _, kv := range strings.Fields(tt.env) {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
		got, err := DefaultData(tt.goos, env)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s %s: got %q, %v; want %q", tt.goos, tt.env, got, err, tt.want)
		}
	}
}

func TestPrecedence(t *testing.T) {
	files := map[string]string{"/etc/g.yml": "http: ':1'\nlog:\n  level: debug\n", "/run/secret": "  hunter22\n"}
	base := []string{"HOME=/h"}
	for _, tt := range []struct {
		name  string
		flags map[string]string
		env   []string
		get   func(Config) any
		want  any
	}{
		{"file over default", map[string]string{"config": "/etc/g.yml"}, nil, func(c Config) any { return c.HTTP }, ":1"},
		{"file by variable", nil, []string{"GATEHOUSE_CONFIG=/etc/g.yml"}, func(c Config) any { return c.Log.Level }, slog.LevelDebug},
		{"published variable over file", map[string]string{"config": "/etc/g.yml"}, []string{"AUTHENTIK_LISTEN__HTTP=:2"}, func(c Config) any { return c.HTTP }, ":2"},
		{"own variable over published", nil, []string{"AUTHENTIK_LISTEN__HTTP=:2", "GATEHOUSE_HTTP=:3"}, func(c Config) any { return c.HTTP }, ":3"},
		{"flag over variable", map[string]string{"http": "4"}, []string{"GATEHOUSE_HTTP=:3"}, func(c Config) any { return c.HTTP }, ":4"},
		{"nested", nil, []string{"GATEHOUSE_LOG__LEVEL=error"}, func(c Config) any { return c.Log.Level }, slog.LevelError},
		{"published level", nil, []string{"AUTHENTIK_LOG_LEVEL=trace"}, func(c Config) any { return c.Log.Level }, slog.LevelDebug},
		{"bootstrap, one underscore", nil, []string{"GATEHOUSE_BOOTSTRAP_PASSWORD=p w", "GATEHOUSE_BOOTSTRAP_EMAIL=a@b"}, func(c Config) any { return c.Bootstrap }, Bootstrap{Password: "p w", Email: "a@b"}},
		{"bootstrap, published", nil, []string{"AUTHENTIK_BOOTSTRAP_TOKEN=abc"}, func(c Config) any { return c.Bootstrap.Token }, "abc"},
		{"tokens, own", nil, []string{"GATEHOUSE_DEFAULT_TOKEN_LENGTH=80"}, func(c Config) any { return c.Tokens }, Tokens{Length: 80}},
		{"tokens, published", nil, []string{"AUTHENTIK_DEFAULT_TOKEN_DURATION=hours=1;minutes=5"}, func(c Config) any { return c.Tokens.Duration }, "hours=1;minutes=5"},
		{"file://", nil, []string{"GATEHOUSE_METRICS__SECRET=file:///run/secret"}, func(c Config) any { return c.Metrics.Secret }, "hunter22"},
		{"file:// default", nil, []string{"GATEHOUSE_METRICS__SECRET=file:///none?later"}, func(c Config) any { return c.Metrics.Secret }, "later"},
		{"env://", nil, []string{"GATEHOUSE_NAME=env://WHO", "WHO=Login.Office.LAN."}, func(c Config) any { return c.Name }, "login.office.lan"},
		{"env:// default", nil, []string{"GATEHOUSE_NAME=env://WHO?a.b"}, func(c Config) any { return c.Name }, "a.b"},
		{"a password that looks like an address", nil, []string{"GATEHOUSE_BOOTSTRAP_PASSWORD=https://x?y"}, func(c Config) any { return c.Bootstrap.Password }, "https://x?y"},
		{"no log file", nil, []string{"GATEHOUSE_LOG__FILE=off"}, func(c Config) any { return c.Log.File }, ""},
		{"source", map[string]string{"data": "/d"}, nil, func(c Config) any { return c.Sources["data"] }, "--data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load("linux", tt.flags, append(base, tt.env...), reader(files))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(c); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		flags      map[string]string
		env        []string
		want       []string // each must be in the message
	}{
		{"variable", "", nil, []string{"GATEHOUSE_HTPS=:1"}, []string{"GATEHOUSE_HTPS is no setting", "Did you mean GATEHOUSE_HTTPS?"}},
		{"variable like nothing", "", nil, []string{"GATEHOUSE_FLUX_CAPACITOR_POWER=1"}, []string{"GATEHOUSE_FLUX_CAPACITOR_POWER is no setting of Gatehouse."}},
		{"file key", "htp: :1\nlog:\n  lvel: info\n", nil, nil, []string{"/c.yml line 1: htp is no setting", "Did you mean http?", "line 3: log.lvel", "Did you mean log.level?"}},
		{"file shape", "- a\n", nil, nil, []string{"settings are written as name: value"}},
		{"file list", "http: [1]\n", nil, nil, []string{"http takes one value"}},
		{"file syntax", "a: [\n", nil, nil, []string{"no valid YAML"}},
		{"file missing", "", map[string]string{"config": "/none"}, nil, []string{"/none isn't there"}},
		{"flag", "", map[string]string{"dta": "/x"}, nil, []string{"--dta is no setting", "Did you mean data?"}},
		{"two spellings", "", nil, []string{"GATEHOUSE_HTTP=:1", "GATEHOUSE_LISTEN__HTTP=:2"}, []string{"two values"}},
		{"values, all at once", "", map[string]string{"http": "x", "https": ":99999"},
			[]string{"GATEHOUSE_LOG__LEVEL=loud", "GATEHOUSE_NAME=office", "GATEHOUSE_METRICS__LAN=maybe", "GATEHOUSE_BOOTSTRAP_TOKEN=a b", "GATEHOUSE_BOOTSTRAP_EMAIL=x",
				"GATEHOUSE_DEFAULT_TOKEN_LENGTH=0", "AUTHENTIK_DEFAULT_TOKEN_DURATION=soon"},
			[]string{"--http: ", "--https: ", "loud", "needs a dot", "maybe", "holds a blank", "no e-mail", "GATEHOUSE_DEFAULT_TOKEN_LENGTH", "AUTHENTIK_DEFAULT_TOKEN_DURATION"}},
		{"address as name", "", nil, []string{"GATEHOUSE_NAME=192.168.1.5"}, []string{"an address can't carry passkeys"}},
		{"same port", "", map[string]string{"http": ":9443"}, nil, []string{"port of its own"}},
		{"open metrics", "", nil, []string{"GATEHOUSE_METRICS__LAN=true"}, []string{"needs metrics.secret"}},
		{"env:// without", "", nil, []string{"GATEHOUSE_NAME=env://NOBODY"}, []string{"NOBODY isn't set"}},
		{"file:// without", "", nil, []string{"GATEHOUSE_NAME=file:///nobody"}, []string{"/nobody can't be read"}},
		{"empty folder", "", map[string]string{"data": ""}, nil, []string{"needs a name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			flags := tt.flags
			if tt.file != "" {
				flags = map[string]string{"config": "/c.yml"}
			}
			_, err := load("linux", flags, append([]string{"HOME=/h"}, tt.env...), reader(map[string]string{"/c.yml": tt.file}))
			if err == nil {
				t.Fatal("no fault")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is missing in\n%v", w, err)
				}
			}
		})
	}
}

func TestNotes(t *testing.T) {
	env := []string{"HOME=/h", "AUTHENTIK_REDIS__HOST=r", "AUTHENTIK_POSTGRESQL__PASSWORD=geheim", "AUTHENTIK_SESSION_STORAGE=db", "AUTHENTIK_WORKER__CONCURRENCY=2",
		"AUTHENTIK_WEB__WORKERS=2", "AUTHENTIK_SECRET_KEY=geheim", "AUTHENTIK_WHATEVER=geheim", "AUTHENTIK_LISTEN__LDAP=:3389", "AUTHENTIK_NAME=x", "AUTHENTIK_HTTP=:7"}
	c, err := load("linux", nil, env, reader(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP != ":7" { // the short spelling of a published setting
		t.Errorf("http %s", c.HTTP)
	}
	if len(c.Notes) != len(env)-2 {
		t.Errorf("%d notes: %q", len(c.Notes), c.Notes)
	}
	for _, n := range c.Notes {
		if strings.Contains(n, "geheim") || !strings.HasPrefix(n, "AUTHENTIK_") || !strings.HasSuffix(n, ".") {
			t.Errorf("note %q", n)
		}
	}
	if c.Name != "" {
		t.Errorf("name %q came from a foreign variable", c.Name)
	}
}

func TestDumpHidesSecretsAndReadsBack(t *testing.T) {
	env := []string{"HOME=/h", "GATEHOUSE_METRICS__SECRET=geheim", "GATEHOUSE_BOOTSTRAP_PASSWORD=geheim", "GATEHOUSE_BOOTSTRAP_TOKEN=geheim", "GATEHOUSE_NAME=a.b"}
	c, err := load("linux", map[string]string{"data": "/dir with \"quotes\" # and : signs"}, env, reader(nil))
	if err != nil {
		t.Fatal(err)
	}
	dump := c.Dump()
	if strings.Contains(dump, "geheim") {
		t.Errorf("a secret in\n%s", dump)
	}
	if c.Bootstrap.Password != "geheim" {
		t.Error("the dump changed the settings")
	}
	again, err := load("linux", map[string]string{"config": "/c.yml"}, []string{"HOME=/h"}, reader(map[string]string{"/c.yml": dump}))
	if err != nil {
		t.Fatalf("%v in\n%s", err, dump)
	}
	if again.Data != c.Data || again.Name != c.Name || again.Log != c.Log || again.HTTPS != c.HTTPS {
		t.Errorf("read back %+v from\n%s", again, dump)
	}
}

func TestFlagsHoldNoSecret(t *testing.T) {
	for _, f := range Flags() {
		if strings.Contains(f.Name, "password") || strings.Contains(f.Name, "secret") || f.Name == "bootstrap-token" {
			t.Errorf("--%s would show a secret in the list of processes", f.Name)
		}
		if f.Help == "" {
			t.Errorf("--%s has no help", f.Name)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"http", "https", 1}, {"abc", "cab", 2}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range []string{"", "http: :1", "log: {level: info}", "log:\n  level: *a\n", "a: &a [*a]", "? [x]\n: y", "data: env://A?b", "http: !!null x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load("linux", map[string]string{"config": "/c.yml"}, []string{"HOME=/h"}, reader(map[string]string{"/c.yml": text}))
		if err != nil {
			return
		}
		if !filepath.IsAbs(c.Data) || !strings.Contains(c.HTTP, ":") {
			t.Errorf("%q gave %+v", text, c)
		}
		if _, err := load("linux", map[string]string{"config": "/c.yml"}, []string{"HOME=/h"}, reader(map[string]string{"/c.yml": c.Dump()})); err != nil {
			t.Errorf("the dump can't be read back: %v\n%s", err, c.Dump())
		}
	})
}

// The mail server comes from the published variables too, and where each value is from is known.
func TestEmail(t *testing.T) {
	c, err := load("linux", nil, []string{"HOME=/h", "AUTHENTIK_EMAIL__HOST=mail.office.lan", "AUTHENTIK_EMAIL__PORT=465", "AUTHENTIK_EMAIL__USE_SSL=true", "AUTHENTIK_EMAIL__TIMEOUT=30",
		"AUTHENTIK_EMAIL__USERNAME=gate", "AUTHENTIK_EMAIL__PASSWORD=secret-word", "AUTHENTIK_EMAIL__FROM=Gatehouse <a@office.lan>", "GATEHOUSE_OUTGOING__ALLOW=127.0.0.1:8080"}, reader(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Email{Host: "mail.office.lan", Port: 465, Timeout: 30, SSL: true, Username: "gate", Password: "secret-word", From: "Gatehouse <a@office.lan>"}); c.Email != want {
		t.Errorf("%+v", c.Email)
	}
	if c.Given("email.host") != "AUTHENTIK_EMAIL__HOST" || c.Given("email.use_tls") != "" || c.Outgoing != "127.0.0.1:8080" || len(c.Notes) != 0 {
		t.Errorf("%q %q %q", c.Given("email.host"), c.Given("email.use_tls"), c.Notes)
	}
	if strings.Contains(c.Dump(), "secret-word") {
		t.Error("the dump holds the password")
	}
	for _, bad := range []string{"AUTHENTIK_EMAIL__HOST=mail office", "AUTHENTIK_EMAIL__PORT=0", "AUTHENTIK_EMAIL__PORT=x", "AUTHENTIK_EMAIL__FROM=nobody", "AUTHENTIK_EMAIL__TIMEOUT=-1", "AUTHENTIK_EMAIL__USE_TLS=maybe", "GATEHOUSE_OUTGOING__ALLOW=http://x"} {
		if _, err := load("linux", nil, []string{"HOME=/h", bad}, reader(nil)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if _, err := load("linux", nil, []string{"HOME=/h", "AUTHENTIK_EMAIL__USE_TLS=true", "AUTHENTIK_EMAIL__USE_SSL=true"}, reader(nil)); err == nil {
		t.Error("both ways of TLS are taken")
	}
}
