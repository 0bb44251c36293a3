package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// TestSCIMProviderKilled kills the house at random moments while it sends people to a system that checks no names: afterwards everybody is
// there, and nobody twice.
func TestSCIMProviderKilled(t *testing.T) {
	t.Parallel()
	const people = 120
	b, data := newBare(t, true), t.TempDir()
	furnished(t, data)
	b.hook(func(http.ResponseWriter, *http.Request) bool { // so that kills come in between
		time.Sleep(2 * time.Millisecond)
		return false
	}, nil)
	ask := func(base, method, path string, body any) obj {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, base+"/api/v3/"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+bootToken)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		out := obj{}
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode > 201 {
			t.Fatalf("%s %s: %d %v %v", method, path, res.StatusCode, out, err)
		}
		return out
	}
	cmd, base := child(t, data)
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	for n := range people / 2 {
		ask(base, "POST", "core/users/", obj{"username": fmt.Sprintf("early%03d", n), "name": "E"})
	}
	pk := ask(base, "POST", "gatehouse/providers/scim/", obj{"name": "wiki", "url": b.URL, "token": bareToken})["provider"]
	for round := range 6 {
		for n := range people / 12 {
			ask(base, "POST", "core/users/", obj{"username": fmt.Sprintf("late%d%03d", round, n), "name": "L"})
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		cmd, base = child(t, data)
	}
	for range 500 {
		s := ask(base, "GET", fmt.Sprintf("gatehouse/providers/scim/%.0f/state/", pk), nil)
		if s["finished"] != nil && s["running"] == false && len(b.all(t, "/Users")) == people+1 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d of %d are there", len(b.all(t, "/Users")), people+1)
}
