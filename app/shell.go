package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gatehouse/backend/control"
	"gatehouse/backend/fault"
)

const (
	// returnTime is how long a server that the window did not start may take to come back, as a restarted service does.
	returnTime = 8 * time.Second
	// A server, or the process of a page, that crashes more often than this within crashTime is not started again without being asked.
	maxCrashes = 3
	crashTime  = time.Minute
)

// Entry is what the splash page gets: an address to go to, another version to decide about, or a problem to show.
type Entry struct {
	URL     string `json:"url"`
	Version string `json:"version"` // of a running server that is not the window's
	Own     string `json:"own"`     // version of the window
	Problem string `json:"problem"`
	Stopped bool   `json:"stopped"` // the problem is only that somebody stopped the server
	Details string `json:"details"`
}

// The choices of the splash page.
const (
	choiceKeep    = "keep"    // use the server of another version
	choiceRestart = "restart" // restart it
	choiceStart   = "start"   // start a server that was stopped
)

// house is what the shell asks the supervisor for.
type house interface {
	Ensure(ctx context.Context) (c *control.Client, started bool, err error)
	Stop(ctx context.Context) error
	Crashed() bool
	Returns(ctx context.Context, within time.Duration) bool
}

// Shell is bound to the splash page; its exported methods are all that a page can call, and only the splash page can.
type Shell struct {
	ctx     context.Context
	house   house
	version string
	// entered is told each new connection, so that the window follows its events.
	entered func(c *control.Client)

	mu      sync.Mutex
	stopped bool // the server ended and was not to be restarted by itself
	crashes crashes
}

// crashes are the times of what crashed lately.
type crashes []time.Time

// add notes one more and says whether there were too many to try again.
func (c *crashes) add(now time.Time) (tooMany bool) {
	recent := (*c)[:0]
	for _, t := range *c {
		if now.Sub(t) < crashTime {
			recent = append(recent, t)
		}
	}
	*c = append(recent, now)
	return len(*c) > maxCrashes
}

// EnterURL gives the way in. choice is "" at first, then what the person chose on the splash page.
func (s *Shell) EnterURL(choice string) Entry {
	e, err := s.enter(choice)
	if err != nil {
		f := fault.As(err)
		e.Problem = f.Say
		if f.Cause != nil {
			e.Details = f.Cause.Error()
		}
		if f.Kind == fault.Internal {
			e.Problem, e.Details = "The window can't reach the server.", err.Error()
		}
	}
	e.Own = s.version
	return e
}

func (s *Shell) enter(choice string) (Entry, error) {
	s.mu.Lock()
	stopped := s.stopped
	if choice == choiceStart || choice == choiceRestart {
		s.stopped, stopped, s.crashes = false, false, nil
	}
	s.mu.Unlock()
	if stopped {
		return Entry{Stopped: true}, fault.New(fault.Unavailable, "The server was stopped. Nobody can sign in until it runs again.")
	}
	if choice == choiceRestart {
		if err := s.house.Stop(s.ctx); err != nil {
			return Entry{}, err
		}
	}
	c, started, err := s.house.Ensure(s.ctx)
	if err != nil {
		return Entry{}, err
	}
	status, err := c.Status(s.ctx)
	if err != nil {
		return Entry{}, err
	}
	if status.Version != s.version && !started && choice != choiceKeep && choice != choiceRestart {
		c.Close()
		return Entry{Version: status.Version}, nil
	}
	t, err := c.Ticket(s.ctx)
	if err != nil {
		return Entry{}, err
	}
	s.entered(c)
	return Entry{URL: t.URL}, nil
}

// lost is called when the server of the last entry is gone. It decides whether EnterURL may start one by itself.
func (s *Shell) lost(ctx context.Context) {
	crashed := s.house.Crashed()
	s.mu.Lock()
	defer s.mu.Unlock()
	if crashed {
		s.stopped = s.crashes.add(time.Now())
		return
	}
	s.stopped = !s.house.Returns(ctx, returnTime)
}

// sentence gives an error for a dialog.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Say != "" {
		return f.Say
	}
	return fmt.Sprintf("It did not work: %v", err)
}
