package world_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/backend/expr"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/totp"
)

const cases = "../../../testdata/expr"

// realCase is an expression of the files with what Python says to it.
type realCase struct {
	Name  string `json:"name"`
	Src   string `json:"src"`
	Real  bool   `json:"real"`
	Error string `json:"-"`
	JSON  string `json:"-"`
}

// python reads the realistic expressions and asks python3 what each gives.
func python(t *testing.T) []*realCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cases, "real/*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []*realCase
	var in bytes.Buffer
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split("\n"+string(b), "\n### ") {
			if i == 0 {
				continue
			}
			name, src, _ := strings.Cut(part, "\n")
			c := &realCase{Name: filepath.Base(f) + ": " + name, Src: src, Real: true}
			all = append(all, c)
			if err := json.NewEncoder(&in).Encode(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-I", "-S", "-W", "ignore", filepath.Join(cases, "oracle.py"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test needs python3: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for _, c := range all {
		var r struct{ Error, JSON string }
		if !lines.Scan() {
			t.Fatal("python3 gave too few answers")
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		c.Error, c.JSON = r.Error, r.JSON
	}
	return all
}

// TestRealInTheHouse runs the realistic expressions on the house's own objects and holds their values against python3 with stand-ins.
func TestRealInTheHouse(t *testing.T) {
	h := open(t)
	d := stagetest.New[totp.Device](h.House)
	d.User, d.Name, d.Confirmed = h.mona.PK, "phone", true
	h.Make(d)
	for _, name := range []string{"test-policy", "test-policy-2", "local-access"} {
		n := stagetest.New[expression.Policy](h.House)
		n.Name, n.Expression = name, "ak_message('from "+name+"')\nreturn "+map[bool]string{true: "False", false: "True"}[name == "local-access"]
		h.Make(n)
	}
	b, err := os.ReadFile(filepath.Join(cases, "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	all := python(t)
	for _, c := range all {
		var env map[string]any
		if err := json.Unmarshal(b, &env); err != nil {
			t.Fatal(err)
		}
		r := h.request(h.mona)
		web := env["request"].(map[string]any)["http_request"].(map[string]any)
		r.HTTP.Args = map[string]string{}
		for k, v := range web["GET"].(map[string]any) {
			r.HTTP.Args[k] = v.(string)
		}
		r.HTTP.Form = map[string][]string{}
		for k, v := range web["POST"].(map[string]any) {
			r.HTTP.Form[k] = []string{v.(string)}
		}
		r.HTTP.Headers = map[string][]string{"X-Forwarded-For": {"203.0.113.9, 10.0.0.9"}, "Cookie": {"authentik_device=a.b.c"}}
		r.HTTP.UserAgent = web["META"].(map[string]any)["HTTP_USER_AGENT"].(string)
		context := env["context"].(map[string]any)
		p := r.Plan.(*stage.Plan)
		p.Context = map[string]any{"redirect": "/x"}
		context["flow_plan"], context["pending_user"] = p, stage.Ref("authentik_core.user", h.mona.PK)
		context["source"] = &expr.Facts{Type: "OAuthSource", Attrs: map[string]any{"provider_type": "discord", "slug": "discord"}}
		r.Context = context
		app := &expr.Facts{Type: "Application", Attrs: map[string]any{"slug": "wiki", "name": "Wiki", "attributes": map[string]any{"entries": []any{map[string]any{"role": "a"}, map[string]any{}}}}}
		r.Obj = app
		provider := &expr.Facts{Type: "OAuth2Provider", Attrs: map[string]any{"client_id": "abc", "application": app}}
		vars := expr.Vars{
			"request": r, "user": h.mona, "ldap": env["ldap"], "info": env["info"], "data": env["data"], "prompt_context": env["prompt_context"], "provider": provider,
			"token": &expr.Facts{Type: "AccessToken", Attrs: map[string]any{"provider": provider}}, "ak_is_sso_flow": true,
		}
		res, err := h.w.Run(t.Context(), expr.Call{Use: expr.Policy, Name: "real", Text: c.Src, Vars: maps.Clone(vars), Dry: true})
		got := ""
		if e, ok := err.(*expr.Error); ok {
			got = e.Type
		}
		switch {
		case got != c.Error:
			t.Errorf("%s\n%s\n  python: %s %s\n  here:   %v %v", c.Name, c.Src, c.Error, c.JSON, asJSON(t, res.Value), err)
		case c.Error == "" && c.JSON != "" && !sameJSON(t, c.JSON, asJSON(t, res.Value)):
			t.Errorf("%s\n%s\n  python: %s\n  here:   %s", c.Name, c.Src, c.JSON, asJSON(t, res.Value))
		default:
			good++
		}
	}
	t.Logf("%d of %d realistic expressions give in the house what python3 gives with stand-ins", good, len(all))
}

// sameJSON compares values; JSON knows no order of members.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, x) == asJSON(t, y)
}
