package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	doc := write("d.json", `{"servers":[{"url":"/api/v3/"}],"paths":{"/lamps/":{"get":{"operationId":"lamps_list","responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"type":"string"}}}}}}}}},
		"components":{"schemas":{"GenericError":{"type":"object","properties":{"detail":{"type":"string"}},"required":["detail"]}}}}`)
	line := func(body string) string {
		return `{"method":"GET","path":"/api/v3/lamps/?x=1","status":200,"headers":[["content-type","application/json"]],` + body + "}\n"
	}
	const good, bad = `"body":"WyJhIl0="`, `"body":"WzFd"` // ["a"] and [1]
	for _, row := range []struct{ answers, wrong string }{
		{line(good) + line(good), ""}, {line(good) + line(bad), "/0: a number"}, {"", "no proof"}, {line(`"lost":true`), "no proof"}, {line(good) + "{", "unexpected EOF"},
		{strings.Repeat(line(good), 4) + line(`"lost":true`), ""}, {strings.Repeat(line(good), 2) + strings.Repeat(line(`"lost":true`), 2), "no proof"},
	} {
		err := run(doc, write("a.jsonl", row.answers), io.Discard)
		if (err == nil) != (row.wrong == "") || err != nil && !strings.Contains(err.Error(), row.wrong) {
			t.Errorf("%q: %v, want %q", row.answers, err, row.wrong)
		}
	}
	if err := run(doc, filepath.Join(dir, "none"), io.Discard); err == nil {
		t.Error("no file is a proof")
	}
}
