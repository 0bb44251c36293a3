package store

import (
	"errors"
	"testing"
)

func TestMemo(t *testing.T) {
	var c Memo[string, int]
	s := &Store{}
	reads := 0
	read := func() (int, error) { reads++; return reads, nil }
	for range 3 {
		if v, err := c.Get(s, "a", read); v != 1 || err != nil {
			t.Fatalf("%d %v", v, err)
		}
	}
	if _, err := c.Get(s, "b", func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Fatal("the error is lost")
	}
	if v, err := c.Get(s, "b", read); v != 2 || err != nil {
		t.Fatalf("an error was kept: %d %v", v, err)
	}
	c.Forget()
	if v, err := c.Get(s, "b", read); v != 3 || err != nil {
		t.Fatalf("kept although it was to be forgotten: %d %v", v, err)
	}
	// What is being read while something changes, or is to be forgotten, is given and not kept.
	for name, change := range map[string]func(){"a change": func() { s.gen.Add(1) }, "forget": c.Forget} {
		before := reads
		if v, err := c.Get(s, name, func() (int, error) { change(); return read() }); v != before+1 || err != nil {
			t.Fatalf("%s: %d %v", name, v, err)
		}
		if v, err := c.Get(s, name, read); v != before+2 || err != nil {
			t.Fatalf("%s: kept %d %v", name, v, err)
		}
	}
}
