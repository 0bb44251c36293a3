package py

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzLex holds that no text makes the lexer do anything but give tokens or a syntax error with a line of the text.
func FuzzLex(f *testing.F) {
	for _, c := range append(readCases(f, "*.txt", false), readCases(f, "real/*.txt", true)...) {
		f.Add(c.Src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(*SyntaxError); !ok {
					panic(r)
				}
			}
		}()
		if toks := lex(src, 1, false, 0); len(toks) == 0 || toks[len(toks)-1].kind != tEOF {
			t.Errorf("%q: no end", src)
		}
	})
}

// FuzzCompile holds that no text makes parser and compiler panic, and that a refusal is a syntax error.
func FuzzCompile(f *testing.F) {
	for _, c := range append(readCases(f, "*.txt", false), readCases(f, "real/*.txt", true)...) {
		f.Add(c.Src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		_, err := Compile(src)
		var se *SyntaxError
		if err != nil && !errors.As(err, &se) {
			t.Errorf("%q: %v", src, err)
		}
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%q took %s", src, d)
		}
	})
}

// FuzzRegex holds that no pattern and no text make the matcher panic or pass the limits.
func FuzzRegex(f *testing.F) {
	for _, p := range []string{`(a+)+$`, `(?P<x>[a-z]{2,5})(?=\d)\1?`, `^(?!x).*(?<=y)$`, `[^\W\d_]+|(?i:\bß)`, `(?x) a  # b`, `(a|b(?(1)c|d))*`, `\A(?>a*)\Z`} {
		f.Add(p, "aaaa ab12 straße")
	}
	prog, err := Compile("import re\ntry:\n    return [re.findall(p, s), re.sub(p, '<>', s), re.split(p, s)]\nexcept re.error:\n    return None")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, p, s string) {
		within(t, prog, Vars{"p": p, "s": s}, p)
	})
}

// FuzzRun holds that no text makes lexer, parser, compiler or interpreter panic or pass the limits.
func FuzzRun(f *testing.F) {
	for _, c := range append(readCases(f, "*.txt", false), readCases(f, "real/*.txt", true)...) {
		f.Add(c.Src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		prog, err := Compile(src)
		if err != nil {
			return
		}
		within(t, prog, Vars{"x": 1, "s": "abc"}, src)
	})
}

// within runs a program with small limits and holds that they hold.
func within(t *testing.T, prog *Program, env Vars, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	start := time.Now()
	limits := Limits{Steps: 20000, Memory: 4 << 20, Depth: 60}
	th := NewThread(ctx, limits)
	_, err := prog.RunIn(th, Options{Env: env})
	var exc *Exc
	var le *LimitError
	if err != nil && !errors.As(err, &exc) && !errors.As(err, &le) {
		t.Errorf("%q: %v", what, err)
	}
	if th.Steps() > limits.Steps+1_000_000 || th.mem > limits.Memory+maxText || len(th.Output()) > DefaultLimits.Output {
		t.Errorf("%q: %d steps, %d bytes, %d of output", what, th.Steps(), th.mem, len(th.Output()))
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("%q took %s", what, d)
	}
}

// TestMutations is the short form of the fuzzing: texts of the corpus with a few places changed.
func TestMutations(t *testing.T) {
	corpus := append(readCases(t, "*.txt", false), readCases(t, "real/*.txt", true)...)
	pieces := []string{" ", "\n", "\n    ", "(", ")", "[", "]", "{", "}", ":", ",", ".", "*", "**", "=", ":=", "'", "\"", "f'", "\\", "if ", "for x in ", "yield ", "lambda: ", "not ", "0", "10**9", "-1", "\x00", "é", "except:", "finally:", "return "}
	rnd := rand.New(rand.NewPCG(4, 2024))
	ran, refused := 0, 0
	for range 3000 {
		src := []byte(corpus[rnd.IntN(len(corpus))].Src)
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(src) + 1)
			switch rnd.IntN(3) {
			case 0: // put something in
				src = append(src[:at:at], append([]byte(pieces[rnd.IntN(len(pieces))]), src[at:]...)...)
			case 1: // take something out
				src = append(src[:at:at], src[min(len(src), at+1+rnd.IntN(6)):]...)
			case 2: // a part of another text
				other := corpus[rnd.IntN(len(corpus))].Src
				from := rnd.IntN(len(other) + 1)
				src = append(src[:at:at], append([]byte(other[from:min(len(other), from+rnd.IntN(40))]), src[at:]...)...)
			}
		}
		prog, err := Compile(string(src))
		var se *SyntaxError
		if err != nil {
			refused++
			if !errors.As(err, &se) {
				t.Errorf("%q: %v", src, err)
			}
			continue
		}
		ran++
		within(t, prog, Vars{"x": 1, "s": "abc"}, string(src))
	}
	if ran < 300 || refused < 300 {
		t.Errorf("%d ran, %d were refused: this tries too little", ran, refused)
	}
}
