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
}
