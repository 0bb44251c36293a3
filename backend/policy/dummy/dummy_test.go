package dummy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/policy"
)

func TestAnswer(t *testing.T) {
	for _, want := range []bool{true, false} {
		p := &Policy{Result: want}
		r, err := p.Passes(t.Context(), &policy.Request{})
		if err != nil || r.Passing != want || strings.Join(r.Messages, "|") != "dummy" {
			t.Errorf("%+v %v", r, err)
		}
	}
}

// It waits whole seconds from the shortest wait up to but not the longest, and no longer than it may.
func TestWait(t *testing.T) {
	took := time.Hour
	for try := 0; try < 5 && took > 900*time.Millisecond; try++ { // a busy machine may hold anything up once
		began := time.Now()
		if _, err := (&Policy{WaitMin: 0, WaitMax: 1}).Passes(t.Context(), &policy.Request{}); err != nil {
			t.Error(err)
		}
		took = min(took, time.Since(began))
	}
	if took > 900*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if r, err := (&Policy{Result: true, WaitMin: 3600, WaitMax: 3600}).Passes(ctx, &policy.Request{}); !errors.Is(err, context.DeadlineExceeded) || r.Passing {
		t.Errorf("%+v %v", r, err)
	}
}

func TestWaits(t *testing.T) {
	for _, tt := range []struct {
		from, to int
		ok       bool
	}{{0, 0, true}, {5, 30, true}, {5, 5, true}, {-1, 5, false}, {6, 5, false}} {
		if err := (&Policy{WaitMin: tt.from, WaitMax: tt.to}).Validate(); (err == nil) != tt.ok {
			t.Errorf("%d to %d: %v", tt.from, tt.to, err)
		}
	}
}
