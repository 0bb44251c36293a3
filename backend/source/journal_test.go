package source

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestJournal(t *testing.T) {
	var j Journal
	for i := range 300 {
		j.Note("a", Message{What: "Response", Good: true, About: fmt.Sprint(i)})
	}
	got := j.List("a", 0)
	if len(got) != mostNoted || got[0].About != "299" || got[0].ID != 300 {
		t.Fatalf("%d, first %+v", len(got), got[0])
	}
	if got := j.List("a", 298); len(got) != 2 {
		t.Errorf("%d newer ones", len(got))
	}
	// What is refused pushes out its like and nothing else.
	for i := range 300 {
		j.Note("a", Message{Says: "no", ClientIP: fmt.Sprint(i)})
		j.Note("a", Message{Says: "no", ClientIP: "same", Came: strings.Repeat("x", 1000)})
	}
	good, same := 0, 0
	for _, m := range j.List("a", 0) {
		if m.Good {
			good++
		}
		if m.ClientIP == "same" {
			same++
		}
	}
	if good < mostNoted-mostRefused || same != 1 {
		t.Errorf("%d good ones, %d of the same", good, same)
	}
	if came := j.List("a", 0)[0].Came; len([]rune(came)) != 401 {
		t.Errorf("%d characters", len(came))
	}
	if len(j.List("b", 0)) != 0 {
		t.Error("another source's")
	}
	j.Forget("a")
	if len(j.List("a", 0)) != 0 {
		t.Error("not forgotten")
	}
	if _, err := After(url.Values{"after": {"x"}}); err == nil {
		t.Error("x is no number")
	}
}
