package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/backend/control"
)

// The commands on blueprints through a server that runs: what is said, what is passed on, and with which exit code.
func TestBlueprintCommands(t *testing.T) {
	data := home(t)
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	sock, err := control.Listen(data, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, sock, house{}) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	t.Setenv("OFFICE_TEST_BLUEPRINT", "of-the-caller")
	dir := t.TempDir()
	file, out := filepath.Join(dir, "office.yaml"), filepath.Join(dir, "out.yaml")
	if err := os.WriteFile(file, []byte("entries: [!Env OFFICE_TEST_BLUEPRINT]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args, stdin string
		code        int
		out, say    string
	}{
		{"blueprint validate " + file + " --set n=5", "", exitOK, "it would make 1, change 0, delete 0", "Note: of-the-caller 5 true"},
		{"blueprint apply " + file, "", exitOK, ": 1 made, 0 changed, 0 deleted, 0 as they were.", "Note: of-the-caller <nil> false"},
		{"blueprint apply " + file + " --json", "", exitOK, `"created": 1`, ""},
		{"blueprint apply -", "entries: 1", exitConflict, "", "-:3: slug: taken\n-: all wrong\nNothing was changed."},
		{"blueprint validate - --set n=[1,two]", "x", exitOK, "- can be applied", "Note:  [1 two] true"},
		{"blueprint validate - --set n", "x", exitConflict, "", "--set takes NAME=VALUE"},
		{"blueprint validate " + file + ".gone", "", exitNotFound, "", "isn't there"},
		{"blueprint validate", "", exitUsage, "", "This command is written so: gatehouse blueprint validate FILE"},
		{"blueprint schema", "", exitOK, `"const": "authentik_flows.flow"`, ""},
		{"blueprint export", "", exitOK, "version: 1\n", "Note: no keys"},
		{"blueprint export " + out, "", exitOK, "", "Note: no keys"},
		{"blueprint export " + out, "", exitConflict, "", "is there already"},
	} {
		code, stdout, stderr := command(t, tt.stdin, append(strings.Fields(tt.args), "--data", data)...)
		if code != tt.code || !strings.Contains(stdout, tt.out) || !strings.Contains(stderr, tt.say) {
			t.Errorf("%s: code %d, want %d\n%s\n%s", tt.args, code, tt.code, stdout, stderr)
		}
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}
