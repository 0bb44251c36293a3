package py

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

const cases = "../../../testdata/expr"

// testCase is one expression of the files.
type testCase struct {
	Name string `json:"name"`
	Src  string `json:"src"`
	Real bool   `json:"real"`
}

// result is what both sides say about a case.
type result struct {
	Value    string   `json:"value"`
	Error    string   `json:"error"`
	Message  string   `json:"message"`
	Line     int      `json:"line"`
	Out      string   `json:"out"`
	Messages []string `json:"messages"`
	Context  string   `json:"context"`
}

func (r result) String() string {
	if r.Error != "" {
		return r.Error + " (line " + fmt.Sprint(r.Line) + "): " + r.Message
	}
	return r.Value
}

// readCases reads files of cases: "### " begins one.
func readCases(t testing.TB, pattern string, real bool) []testCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cases, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", pattern, err)
	}
	var out []testCase
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
			if !real { // only the realistic ones have a name: elsewhere the head is the first line
				src = part
			}
			out = append(out, testCase{filepath.Base(f) + ": " + name, src, real})
		}
	}
	return out
}

// oracle runs cases in python3.
func oracle(t testing.TB, all []testCase) []result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-I", "-S", "-W", "ignore", filepath.Join(cases, "oracle.py"))
	var in strings.Builder
	for _, c := range all {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(b)
		in.WriteByte('\n')
	}
	cmd.Stdin = strings.NewReader(in.String())
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("the differential test needs python3: %v", err)
	}
	var out []result
	sc := bufio.NewScanner(pipe)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		var r result
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := cmd.Wait(); err != nil || len(out) != len(all) {
		t.Fatalf("python3 answered %d of %d: %v", len(out), len(all), err)
	}
	return out
}

// canon is repr with sets in order.
func canon(t *Thread, v Value, depth int) string {
	if depth > 40 {
		return "..."
	}
	list := func(vs []Value) []string {
		out := make([]string, len(vs))
		for i, x := range vs {
			out[i] = canon(t, x, depth+1)
		}
		return out
	}
	switch x := v.(type) {
	case *Set:
		in := list(x.Values())
		sort.Strings(in)
		s := strings.Join(in, ", ")
		switch {
		case len(in) == 0:
			return typeName(x) + "()"
		case x.frozen:
			return "frozenset({" + s + "})"
		}
		return "{" + s + "}"
	case *List:
		return "[" + strings.Join(list(x.V), ", ") + "]"
	case *Tuple:
		s := strings.Join(list(x.V), ", ")
		if len(x.V) == 1 {
			s += ","
		}
		return "(" + s + ")"
	case *Dict:
		if x.typ == nil {
			var in []string
			x.Each(func(k, v Value) { in = append(in, canon(t, k, depth+1)+": "+canon(t, v, depth+1)) })
			return "{" + strings.Join(in, ", ") + "}"
		}
	}
	s, err := t.Repr(v)
	if err != nil {
		return err.Error()
	}
	return s
}

func runOurs(c testCase) result {
	prog, err := Compile(c.Src)
	if err != nil {
		return result{Error: "SyntaxError", Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	o := Options{}
	var w *world
	if c.Real {
		w = newWorld()
		o.Env, o.Modules = w, w.module
	}
	th := NewThread(ctx, Limits{})
	v, err := prog.RunIn(th, o)
	var r result
	switch e := err.(type) {
	case nil:
		r.Value = canon(NewThread(ctx, Limits{}), v, 0)
	case *Exc:
		r = result{Error: e.Kind.Name, Message: e.Message(), Line: e.Line}
	default:
		r = result{Error: "limit", Message: err.Error()}
	}
	r.Out = th.Output()
	if w != nil {
		r.Messages = w.messages
		pd, _, err := w.vars["context"].(*Dict).Get(th, "prompt_data")
		if err != nil {
			r.Context = err.Error()
		} else {
			r.Context = canon(th, pd, 0)
		}
	}
	return r
}

// compare runs cases on both sides and gives those that differ, and the share of equal messages.
func compareAll(t *testing.T, all []testCase) (bad []string, messages, errs int) {
	t.Helper()
	want := oracle(t, all)
	got := make([]result, len(all))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 2 {
		wg.Go(func() {
			for i := range next {
				got[i] = runOurs(all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, c := range all {
		w, g := want[i], got[i]
		same := w.Error == g.Error && w.Value == g.Value && w.Out == g.Out && strings.Join(w.Messages, "\n") == strings.Join(g.Messages, "\n") && w.Context == g.Context
		if w.Error != "" && w.Error != "SyntaxError" {
			errs++
			if w.Message == g.Message {
				messages++
			} else if os.Getenv("GATEHOUSE_SHOW_MESSAGES") != "" {
				t.Logf("message %s\n  python: %s\n  ours:   %s", c.Name, w, g)
			}
			same = same && w.Line == g.Line
		}
		if !same {
			bad = append(bad, fmt.Sprintf("%s\n%s\n  python: %s %q %q\n  ours:   %s %q %q", c.Name, c.Src, w, w.Messages, w.Out, g, g.Messages, g.Out))
		}
	}
	return bad, messages, errs
}

// TestReal runs the realistic expressions on both sides.
func TestReal(t *testing.T) {
	all := readCases(t, "real/*.txt", true)
	if len(all) < 150 {
		t.Fatalf("only %d realistic expressions", len(all))
	}
	bad, messages, errs := compareAll(t, all)
	t.Logf("%d of %d realistic expressions agree with Python (%.1f %%); of %d errors %d have the same text", len(all)-len(bad), len(all), 100*float64(len(all)-len(bad))/float64(len(all)), errs, messages)
	for _, b := range bad {
		t.Error(b)
	}
}

// TestDifferential runs the cases by hand on both sides.
func TestDifferential(t *testing.T) {
	all := readCases(t, "*.txt", false)
	if len(all) < 300 {
		t.Fatalf("only %d cases", len(all))
	}
	bad, messages, errs := compareAll(t, all)
	t.Logf("%d of %d cases agree with Python; of %d errors %d have the same text", len(all)-len(bad), len(all), errs, messages)
	for _, b := range bad {
		t.Error(b)
	}
	if messages*100 < errs*90 {
		t.Errorf("only %d of %d errors have Python's text", messages, errs)
	}
}
