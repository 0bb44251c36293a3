package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/backup"
	"gatehouse/backend/config"
	"gatehouse/backend/db"
)

// killData names the data folder for the process that is killed.
const killData = "GATEHOUSE_TEST_KILL_DATA"

// TestMain is the process that TestKill kills, when it is asked to be, and else runs the tests.
func TestMain(m *testing.M) {
	if data := os.Getenv(killData); data != "" {
		fmt.Fprintln(os.Stderr, serveChild(data))
		os.Exit(1)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "gatehouse-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	debug.SetGCPercent(400) // many houses in one process: the collector would take half of the time
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func serveChild(data string) error {
	ctx := context.Background()
	cfg := config.Config{Data: data, HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", Name: "login.office.lan", Outgoing: "127.0.0.1", Bootstrap: config.Bootstrap{Password: bootPassword, Token: bootToken}}
	s, err := Open(ctx, Options{Config: cfg, Version: "test", Assets: pagesFS, Log: slog.New(slog.DiscardHandler), Mode: "serve"})
	if err != nil {
		return err
	}
	go func() {
		for ; ; time.Sleep(2 * time.Millisecond) {
			if st, err := s.Status(ctx); err == nil && st.HTTP != "" {
				fmt.Println("serving", st.HTTP)
				return
			}
		}
	}()
	return s.Serve(ctx)
}

// child starts the process and gives its address.
func child(t *testing.T, data string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killData+"="+data)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			return cmd, "http://" + at
		}
	}
	_ = cmd.Process.Kill()
	t.Fatalf("the server did not start: %v", cmd.Wait())
	return nil, ""
}

// TestKill kills the server at random moments while four clients write. Afterwards the database is whole and every write that was
// answered is there. KILLS says how often; ten times by default.
func TestKill(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	var mu sync.Mutex
	acked := map[string]bool{}
	for round := range kills {
		cmd, base := child(t, data)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for client := range 4 {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					name := fmt.Sprintf("user-%d-%d-%d", round, client, i)
					if addUser(ctx, base, name) {
						mu.Lock()
						acked[name] = true
						mu.Unlock()
					}
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		stop()
		wg.Wait()
		check(t, data, acked)
	}
	if len(acked) < kills {
		t.Errorf("only %d writes were answered in %d rounds: the test shows nothing", len(acked), kills)
	}
	t.Logf("%d kills, %d answered writes", kills, len(acked))
}

func addUser(ctx context.Context, base, name string) bool {
	b, err := json.Marshal(map[string]any{"username": name, "name": name})
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, "POST", base+"/api/v3/core/users/", strings.NewReader(string(b)))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+bootToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusCreated
}

// check opens the database that a killed server left.
func check(t *testing.T, data string, acked map[string]bool) {
	t.Helper()
	d, err := db.Open(t.Context(), filepath.Join(data, backup.Database), db.Options{Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var ok string
	if err := d.QueryRow(t.Context(), "PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Fatalf("integrity_check: %s %v", ok, err)
	}
	rows, err := d.Query(t.Context(), "SELECT username FROM users")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	have := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		have[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range acked {
		if !have[name] {
			t.Errorf("%s was answered and is gone", name)
		}
	}
	// Each user came with its event, in one transaction.
	var users, events int
	if err := d.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM users WHERE username LIKE 'user-%'), (SELECT count(*) FROM events WHERE action = 'model_created' AND context LIKE '%\"user-%')").Scan(&users, &events); err != nil {
		t.Fatal(err)
	}
	if users != events {
		t.Errorf("%d users and %d events of their making", users, events)
	}
}
