package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/control"
	"gatehouse/backend/fault"
)

// restless is a supervisor whose server may have crashed and may come back.
type restless struct {
	*supervisor
	crashed, returns bool
}

func (r *restless) Crashed() bool                               { return r.crashed }
func (r *restless) Returns(context.Context, time.Duration) bool { return r.returns }

func testShell(t *testing.T, version string) (*Shell, *restless, *int) {
	t.Helper()
	r := &restless{supervisor: testSupervisor(t)}
	entered := 0
	return &Shell{ctx: context.Background(), house: r, version: version, entered: func(c *control.Client) { entered++; c.Close() }}, r, &entered
}

func TestEnter(t *testing.T) {
	s, _, entered := testShell(t, "1")
	e := s.EnterURL("")
	if !strings.HasPrefix(e.URL, "http://127.0.0.1:") || e.Problem != "" || *entered != 1 {
		t.Errorf("%+v, entered %d times", e, *entered)
	}
}

func TestAnotherVersion(t *testing.T) {
	s, r, entered := testShell(t, "2")
	if e := s.EnterURL(""); e.URL == "" { // started by ourselves: a restart would change nothing
		t.Fatalf("own start: %+v", e)
	}
	first := r.child
	if e := s.EnterURL(""); e.URL != "" || e.Version != "1" || e.Own != "2" || *entered != 1 {
		t.Errorf("attached: %+v", e)
	}
	kept := s.EnterURL(choiceKeep)
	if kept.URL == "" {
		t.Errorf("keep: %+v", kept)
	}
	again := s.EnterURL(choiceRestart)
	if again.URL == "" || again.URL == kept.URL || r.child == first {
		t.Errorf("restart: %+v after %+v", again, kept)
	}
}

func TestStoppedFromOutside(t *testing.T) {
	s, r, _ := testShell(t, "1")
	s.lost(context.Background())
	if e := s.EnterURL(""); !e.Stopped || e.URL != "" || r.child != nil {
		t.Errorf("started by itself: %+v", e)
	}
	if e := s.EnterURL(choiceStart); e.URL == "" || e.Stopped {
		t.Errorf("start: %+v", e)
	}
	r.returns = true // a restarted service
	s.lost(context.Background())
	if e := s.EnterURL(""); e.Stopped {
		t.Errorf("a service that came back: %+v", e)
	}
}

func TestCrashesAreNotRepeatedForEver(t *testing.T) {
	s, r, _ := testShell(t, "1")
	r.crashed = true
	for i := range maxCrashes {
		s.lost(context.Background())
		if e := s.EnterURL(""); e.URL == "" {
			t.Errorf("crash %d: %+v", i+1, e)
		}
	}
	s.lost(context.Background())
	if e := s.EnterURL(""); !e.Stopped {
		t.Errorf("one too many: %+v", e)
	}
	s.EnterURL(choiceStart)
	s.lost(context.Background())
	if e := s.EnterURL(""); e.Stopped {
		t.Error("a wish to start does not begin the count anew")
	}
}

func TestSentence(t *testing.T) {
	if got := sentence(fault.New(fault.Conflict, "It is there.")); got != "It is there." {
		t.Error(got)
	}
	if got := sentence(context.Canceled); !strings.Contains(got, "canceled") {
		t.Error(got)
	}
}
