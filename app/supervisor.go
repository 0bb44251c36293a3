package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
)

const (
	// pollTime is the pause between two looks for the server.
	pollTime = 30 * time.Millisecond
	// startTime is how long a server may take that lives and does not answer: it may be upgrading a large database.
	startTime = 5 * time.Minute
	// stopTime is how long a server may take to end when it was told to.
	stopTime = 25 * time.Second
	// lockedTime is how long another process that holds the data may take to answer.
	lockedTime = 15 * time.Second
	// outputKept is the size in bytes at which the file with the server's output begins anew; it is empty but for crashes.
	outputKept = 1 << 20
	// exitLocked is the exit code of a server that found the data folder locked.
	exitLocked = 7
)

// supervisor finds the server of a data folder or starts one in an operating system session of its own, so that it outlives the
// window, its terminal and its web view.
type supervisor struct {
	data    string
	command []string // program and arguments
	env     []string
	output  string // file that takes what the server writes outside its log: a pipe would kill it together with the window

	mu    sync.Mutex
	child *child // the server that this window started, or nil
}

// child is a started server.
type child struct {
	process *os.Process
	from    int64         // where its output begins in the file
	ended   chan struct{} // closed when it ended
	code    int           // its exit code, then; -1: a signal
}

func newSupervisor(o Options) (*supervisor, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "Gatehouse can't find its own program file. Start it by its full path.", err)
	}
	args, err := serverArgs(o)
	if err != nil {
		return nil, err
	}
	return &supervisor{
		data:    o.Config.Data,
		command: append([]string{serverProgram(exe)}, args...),
		env:     append(os.Environ(), "GATEHOUSE_LOG__TERMINAL=false"),
		output:  filepath.Join(o.Config.Data, "logs", "server-output.txt"),
	}, nil
}

// serverProgram is the small server beside the window's program, if it is there; else the window's own program.
func serverProgram(exe string) string {
	name := "gatehouse-server"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := filepath.Join(filepath.Dir(exe), name)
	if i, err := os.Stat(beside); err == nil && i.Mode().IsRegular() && (runtime.GOOS == "windows" || i.Mode().Perm()&0o111 != 0) {
		return beside
	}
	return exe
}

// serverArgs hands the flags of the window on. Paths become absolute, because the server runs in another folder.
func serverArgs(o Options) ([]string, error) {
	given := map[string]string{}
	for k, v := range o.Flags {
		given[k] = v
	}
	given["data"] = o.Config.Data
	if given["config"] == "" {
		given["config"] = os.Getenv("GATEHOUSE_CONFIG")
	}
	if given["config"] != "" {
		abs, err := filepath.Abs(given["config"])
		if err != nil {
			return nil, err
		}
		given["config"] = abs
	}
	if f, ok := given["log.file"]; ok && f != "off" && f != "" {
		given["log.file"] = o.Config.Log.File
	}
	args := []string{"serve", "--window"}
	for _, f := range config.Flags() {
		if v, ok := given[f.Key]; ok && (v != "" || f.Key != "config") {
			args = append(args, "--"+f.Name, v)
		}
	}
	return args, nil
}

// Ensure gives a client of the running server and starts one when nobody answers. started says that this window did it now.
func (s *supervisor) Ensure(ctx context.Context) (c *control.Client, started bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err = control.Dial(s.data)
	if err == nil || !errors.Is(err, control.ErrNobody) {
		return c, false, err
	}
	if !s.child.alive() {
		if s.child, err = s.start(); err != nil {
			return nil, false, err
		}
	}
	ctx, stop := context.WithTimeout(ctx, startTime)
	defer stop()
	ended := s.child.ended
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, false, fault.Wrap(fault.Unavailable, "The server does not answer yet. Wait a moment, then try again.", ctx.Err())
		case <-ended:
			if s.child.code != exitLocked {
				return nil, false, s.explain(s.child)
			}
			// Another process holds the data: it is about to answer, or it never will.
			ended = nil
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, lockedTime)
			defer cancel()
		case <-tick.C:
		}
		if c, err = control.Dial(s.data); err == nil {
			status, err := c.Status(ctx)
			return c, err == nil && status.PID == s.child.process.Pid, nil
		}
	}
}

func (s *supervisor) start() (*child, error) {
	cant := func(err error) error {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The server can't be started. Check that you may write to the folder %s.", s.data), err)
	}
	if err := os.MkdirAll(filepath.Dir(s.output), 0o700); err != nil {
		return nil, cant(err)
	}
	if i, err := os.Stat(s.output); err == nil && i.Size() > outputKept {
		if err := os.Truncate(s.output, 0); err != nil {
			return nil, cant(err)
		}
	}
	out, err := os.OpenFile(s.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, cant(err)
	}
	defer out.Close()
	from, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, cant(err)
	}
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.Dir, cmd.Env = s.data, s.env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return nil, cant(err)
	}
	c := &child{process: cmd.Process, from: from, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the code says it all
		c.code = cmd.ProcessState.ExitCode()
		close(c.ended)
	}()
	return c, nil
}

// alive says whether the process runs; a nil child does not.
func (c *child) alive() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// explain tells why a server ended, in its own last words.
func (s *supervisor) explain(c *child) error {
	said := ""
	if f, err := os.Open(s.output); err == nil {
		defer f.Close()
		if b, err := io.ReadAll(io.NewSectionReader(f, c.from, outputKept)); err == nil {
			said = lastWords(b)
		}
	}
	say := "The server ended right after its start."
	if said != "" && !strings.Contains(said, "goroutine ") {
		why, details, _ := strings.Cut(said, "\nDetails: ")
		if details == "" {
			return fault.New(fault.Unavailable, why)
		}
		return fault.Wrap(fault.Unavailable, why, errors.New(details))
	}
	if said != "" {
		return fault.Wrap(fault.Unavailable, say+" Look into "+s.output+".", errors.New(said))
	}
	return fault.Newf(fault.Unavailable, "%s Look into the log in %s.", say, filepath.Dir(s.output))
}

// lastWords takes the lines that people can read from what a process wrote, at most the last twelve.
func lastWords(b []byte) string {
	var lines []string
	for _, l := range strings.Split(string(bytes.ToValidUTF8(b, nil)), "\n") {
		if l = strings.TrimRight(l, "\r "); l != "" && !strings.HasPrefix(l, "{") {
			lines = append(lines, l)
		}
	}
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return strings.Join(lines, "\n")
}

// Crashed says whether the server that this window started ended by itself in a way that it should not.
func (s *supervisor) Crashed() bool {
	s.mu.Lock()
	c := s.child
	s.mu.Unlock()
	if c == nil {
		return false
	}
	select {
	case <-c.ended:
		return c.code != 0
	case <-time.After(time.Second): // its socket is closed already, so its end is near
		return false
	}
}

// Stop ends the server cleanly and waits until nobody answers.
func (s *supervisor) Stop(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, stopTime)
	defer stop()
	c, err := control.Dial(s.data)
	if errors.Is(err, control.ErrNobody) {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Stop(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	ended := make(<-chan struct{})
	if s.child != nil {
		ended = s.child.ended
	}
	s.mu.Unlock()
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, "The server takes long to stop. It stops as soon as it is done.", ctx.Err())
		case <-ended:
			return nil
		case <-tick.C:
			if _, err := control.Dial(s.data); errors.Is(err, control.ErrNobody) && !s.owns() {
				return nil
			}
		}
	}
}

// owns says whether the running server was started by this window.
func (s *supervisor) owns() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child.alive()
}

// Returns waits for a server to answer again, as a service does that is restarted.
func (s *supervisor) Returns(ctx context.Context, within time.Duration) bool {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		if c, err := control.Dial(s.data); err == nil {
			c.Close()
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
