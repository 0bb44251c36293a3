package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	beginRefusals = "<!-- refusals: made by TestConformance, UPDATE_CONFORMANCE=1 writes them -->"
	endRefusals   = "<!-- end of refusals -->"
)

// refusedLater is an operation, or a sort of objects with it, whose work comes with a later issue.
type refusedLater struct {
	operation, sentence string
	issue               int
}

// laters gives what the log says was asked for and comes later, since a line of it.
func (h *house) laters(t *testing.T, from int) (out []refusedLater, lines int) {
	t.Helper()
	scan := bufio.NewScanner(strings.NewReader(h.log.String()))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		if lines++; lines <= from || !strings.Contains(scan.Text(), `"asked for what comes later"`) {
			continue
		}
		var line struct {
			Issue    int
			Sentence string
		}
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		out = append(out, refusedLater{sentence: line.Sentence, issue: line.Issue})
	}
	return out, lines
}

// docs/conformance.md lists what is refused so far because its work comes later: every operation is asked, by somebody who may do
// everything, and says so itself. The table is exactly that. Each refusal is a 400 with the sentence in it.
func TestConformance(t *testing.T) {
	t.Parallel()
	table, published := readPermissions(t), readContract(t)
	h, _ := openPermissionHouse(t)
	var found []refusedLater
	_, seen := h.laters(t, 0)
	later := func(operation string, got answer) bool {
		t.Helper()
		var out []refusedLater
		out, seen = h.laters(t, seen)
		for _, r := range out {
			if got.status != 400 || !strings.Contains(got.body, strings.ReplaceAll(r.sentence, `"`, `\"`)) {
				t.Errorf("%s: %d %s, want %q", operation, got.status, got.body, r.sentence)
			}
			r.operation = operation
			found = append(found, r)
		}
		return len(out) > 0
	}
	for _, key := range inOrder(published) {
		op := published.ops[key]
		if strings.HasPrefix(key, "DELETE ") {
			continue // what is there is deleted by the store; nothing of that waits for anything
		}
		method, address, what, _ := h.question(key, op)
		var b *browser
		token := bootToken
		if what.session {
			b, token = h.signedIn("akadmin", bootPassword), ""
			if what.first != nil {
				what.first(b)
			}
		}
		refuses := later(op.id, h.send(method, address, token, b, what))
		if says := table[op.id].why == "later"; says != refuses && op.id != "stages_authenticator_duo_enrollment_status_create" {
			t.Errorf("%s refuses for now: %t, the table of permissions says %t", op.id, refuses, says)
		}
	}
	rows := []string{}
	for _, r := range found {
		issue := fmt.Sprint(r.issue)
		if r.issue == 0 {
			issue = "not filed yet"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", r.operation, r.sentence, issue))
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	path := filepath.Join("..", "..", "docs", "conformance.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), beginRefusals)
	_, after, ok2 := strings.Cut(rest, endRefusals)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the refusals", path)
	}
	text := before + beginRefusals + "\n| Operation | What it says | Issue |\n| --- | --- | --- |\n" + strings.Join(rows, "\n") + "\n" + endRefusals + after
	if os.Getenv("UPDATE_CONFORMANCE") != "" {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(doc) {
		t.Errorf("docs/conformance.md is not what is refused; UPDATE_CONFORMANCE=1 writes it:\n%s", strings.Join(rows, "\n"))
	}
}
