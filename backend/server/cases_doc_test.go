package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md and docs/acceptance.md name is there, in the folder that they name.
func TestDocumentedCasesExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	var doc []byte
	for _, name := range []string{"security.md", "acceptance.md"} {
		b, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		doc = append(doc, b...)
	}
	tests := map[string]string{} // name -> folders, with spaces around each
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(b), -1) {
			tests[m[1]] += " " + filepath.ToSlash(dir) + " "
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(doc)) {
		if regexp.MustCompile(`^\| \d+ \|`).MatchString(line) {
			rows++
		}
		dir := ""
		for _, word := range regexp.MustCompile(`backend/[\w/]+(_test\.go)?|\bTest\w+`).FindAllString(line, -1) {
			switch {
			case strings.HasSuffix(word, "_test.go"):
				if _, err := os.Stat(filepath.Join(root, word)); err != nil {
					t.Error(err)
				}
			case strings.HasPrefix(word, "backend/"):
				dir = word
			case tests[word] == "", dir != "" && strings.HasPrefix(line, "|") && !strings.Contains(tests[word], " "+dir+" "):
				t.Errorf("%s is not in %q but in %q", word, dir, tests[word])
			}
		}
	}
	if rows != 43 {
		t.Errorf("%d cases", rows)
	}
}
