package backend

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the house.
type source struct {
	path, pkg string // path from the top folder, folder of the package
	doc       bool   // has a package comment
	test      bool
	imports   []string
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, top := range []string{"../app", ".", "../build"} {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "bin" || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") {
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			full, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			root, err := filepath.Abs("..")
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, full)
			if err != nil {
				return err
			}
			s := source{path: filepath.ToSlash(rel), pkg: filepath.ToSlash(filepath.Dir(rel)), doc: f.Doc != nil, test: strings.HasSuffix(path, "_test.go")}
			for _, im := range f.Imports {
				p, err := strconv.Unquote(im.Path.Value)
				if err != nil {
					return err
				}
				s.imports = append(s.imports, p)
			}
			out = append(out, s)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 100 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

// floors are imports that a room may not have, with the reason.
var floors = []struct{ room, forbidden, why string }{
	{`^backend/(fault|kind|span|text|crypt|expr)$`, `^gatehouse/backend/(db|store|rest|web|flow|server|kinds|user|office)`, "the ground floor knows no room above it"},
	{`^backend/expr/py$`, `^gatehouse/`, "the interpreter knows no room of the house"},
	{`^backend/saml$`, `^gatehouse/backend/(db|store|provider|source|flow|web|rest|server)`, "messages know neither of their sides"},
	{`^backend/db$`, `^gatehouse/backend/(store|rest|web|flow|server|user)`, "the database knows no objects"},
	{`^backend/store$`, `^gatehouse/backend/(rest|web|flow|server|kinds|user|office|event)`, "the store knows no kind by name"},
	{`^backend/catalog$`, `^gatehouse/backend/(db|store|rest|web|server|kinds|user|office|provider|application)`, "the catalogue is facts, whoever adds applications"},
	{`^backend/rest$`, `^gatehouse/backend/(stage|provider|policy|source|mapping|user|flow|application|kinds|server)`, "the door of the API knows no kind by name"},
	{`^(app|backend|\.)(/|$)`, `^gatehouse/backend/rest/conform$`, "answers are checked by tests and build tools only"},
	{`^backend/(search|bulk|sheet|undo|beyond)$`, `^gatehouse/backend/(rest|web|server|kinds|user|flow|stage|provider|policy|source)`, "what works for every kind knows none by name, and no door"},
	{`^backend/stage/`, `^net/http$`, "a stage speaks to a person through the engine only"},
	{`^backend/`, `^github.com/wailsapp/`, "the server runs without a window"},
	{`^backend/(?:[a-z]+)(?:/|$)`, `^gatehouse/app`, "the server does not know its window"},
	{`^app`, `^gatehouse/backend/(server|kinds|rest|flow|store|db)$`, "the window reaches the server through its socket only"},
}

func TestFloors(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, f := range floors {
			if !regexp.MustCompile(f.room).MatchString(s.pkg) {
				continue
			}
			for _, im := range s.imports {
				if regexp.MustCompile(f.forbidden).MatchString(im) {
					t.Errorf("%s imports %s: %s", s.path, im, f.why)
				}
			}
		}
		// A plug never imports a sibling.
		for _, shelf := range []string{"stage", "provider", "source", "policy", "mapping"} {
			own, ok := strings.CutPrefix(s.pkg, "backend/"+shelf+"/")
			if !ok || own == "stagetest" {
				continue
			}
			for _, im := range s.imports {
				if other, ok := strings.CutPrefix(im, "gatehouse/backend/"+shelf+"/"); ok && strings.Split(other, "/")[0] != strings.Split(own, "/")[0] {
					t.Errorf("%s imports its sibling %s", s.path, other)
				}
			}
		}
	}
}

// Rows of these tables are remembered (store.Rows), so statements that change them stand only where they say so.
var rowsOf = []struct {
	table string
	rooms []string
}{{"sessions", []string{"backend/session"}}, {"users", []string{"backend/user"}}, {"attempts", []string{"backend/user"}}, {"plans", []string{"backend/flow", "backend/session"}}, {"totp_devices", []string{"backend/stage/totp"}}}

func TestRememberedRows(t *testing.T) {
	for _, of := range rowsOf {
		changes := regexp.MustCompile(`(UPDATE|DELETE FROM|INSERT INTO|REPLACE INTO) "?` + of.table + `"?\b[^.]`)
		touches := 0
		for _, s := range sources(t) {
			if s.test || !strings.HasPrefix(s.pkg, "backend/") { // a bench writes while no house is open
				continue
			}
			b, err := os.ReadFile(filepath.Join("..", s.path))
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(of.rooms, s.pkg) {
				touches += bytes.Count(b, []byte("tx.Touched("))
				continue
			}
			if m := changes.Find(b); m != nil {
				t.Errorf("%s: %s: only %s change these rows", s.path, m, of.rooms)
			}
		}
		if touches == 0 {
			t.Errorf("%s never say what they change", of.rooms)
		}
	}
}

func TestPackageComments(t *testing.T) {
	docs := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		docs[s.pkg] += 0
		if s.doc {
			docs[s.pkg]++
		}
	}
	for pkg, n := range docs {
		if n != 1 {
			t.Errorf("%s has %d package comments, not one", pkg, n)
		}
	}
}

// TestOnTheList holds that every folder of a kind is imported by the list.
func TestOnTheList(t *testing.T) {
	all := sources(t)
	var listed []string
	for _, s := range all {
		if s.pkg == "backend/kinds" {
			listed = append(listed, s.imports...)
		}
	}
	for _, s := range all {
		parts := strings.Split(s.pkg, "/")
		if s.test || len(parts) != 3 || parts[2] == "stagetest" || !slices.Contains([]string{"stage", "provider", "source", "policy", "mapping", "device"}, parts[1]) {
			continue
		}
		if !slices.Contains(listed, "gatehouse/"+s.pkg) {
			t.Errorf("%s is a kind and not on the list in backend/kinds", s.pkg)
		}
	}
}

// TestRequiredPackages holds that the libraries that were agreed on are used where they serve.
func TestRequiredPackages(t *testing.T) {
	used := map[string]string{
		"app": "github.com/wailsapp/wails/v2", "backend/db": "modernc.org/sqlite", "backend/provider/oauth2": "github.com/zitadel/oidc/v3",
		"backend/source/scim": "github.com/elimity-com/scim", "backend/saml": "github.com/crewjam/saml",
	}
	for pkg, lib := range used {
		found := false
		for _, s := range sources(t) {
			if s.pkg == pkg && !s.test && slices.ContainsFunc(s.imports, func(im string) bool { return im == lib || strings.HasPrefix(im, lib+"/") }) {
				found = true
			}
		}
		if !found {
			t.Errorf("%s does not use %s", pkg, lib)
		}
	}
}

// TestSafeVersions holds libraries at versions that are free of known holes (goxmldsig: CVE-2026-33487; etree: trees without end).
func TestSafeVersions(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for module, least := range map[string]string{"github.com/russellhaering/goxmldsig": "v1.6.1", "github.com/beevik/etree": "v1.7.0", "github.com/crewjam/saml": "v0.5.2"} {
		m := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(b)
		if m == nil {
			t.Errorf("go.mod does not name %s", module)
			continue
		}
		if slices.Compare(numbers(string(m[1])), numbers(least)) < 0 {
			t.Errorf("%s %s is older than %s", module, m[1], least)
		}
	}
}

func numbers(version string) []int {
	var out []int
	for _, s := range regexp.MustCompile(`\d+`).FindAllString(version, 3) {
		n, _ := strconv.Atoi(s) // digits only
		out = append(out, n)
	}
	return out
}

// TestLibcPin holds modernc.org/libc at the version that the sqlite in use was made with: with another one it breaks at run time.
func TestLibcPin(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := func(text, module string) string {
		m := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(text)
		if m == nil {
			return ""
		}
		return m[1]
	}
	ours, sqlite := version(string(b), "modernc.org/libc"), version(string(b), "modernc.org/sqlite")
	if ours == "" || sqlite == "" {
		t.Fatalf("libc %q, sqlite %q in go.mod", ours, sqlite)
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, "go", "pkg", "mod")
	}
	theirs, err := os.ReadFile(filepath.Join(cache, "modernc.org", "sqlite@"+sqlite, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if want := version(string(theirs), "modernc.org/libc"); want != ours {
		t.Errorf("go.mod has libc %s; sqlite %s is made with %s", ours, sqlite, want)
	}
}
