// Package main measures Gatehouse as performance.md asks: ratios within one run, the baseline beside ours, CPU beside wall time.
//
//	benchmark --server build/bin/gatehouse-server     prints a table; run it through ./build/bench
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const token = "bench-token-0123456789abcdefghijklmnop"

func main() {
	server := flag.String("server", "build/bin/gatehouse-server", "the program")
	baseline := flag.String("baseline", "", "serve the baselines at this address instead")
	span := flag.Duration("for", 2*time.Second, "length of one measurement")
	people := flag.Int("people", 10_000, "how many people the house has")
	flag.StringVar(&only, "only", "", "measure one part only: fixed, password, session, token, machine, userinfo, introspect, saml, lists, expressions, flows or scim")
	flag.Parse()
	if *baseline != "" {
		log.Fatal(serveBaseline(*baseline))
	}
	if wanted("expressions") {
		if err := expressions(); err != nil {
			log.Fatal(err)
		}
	}
	if !slices.Contains([]string{"lists", "expressions", "flows", "scim"}, only) {
		if err := run(*server, *people, *span); err != nil {
			log.Fatal(err)
		}
	}
	if wanted("flows") {
		if err := flows(*server, *span); err != nil {
			log.Fatal(err)
		}
	}
	if wanted("scim") {
		if err := provisioning(*server); err != nil {
			log.Fatal(err)
		}
	}
	if wanted("lists") {
		for _, n := range []sizes{{1_000, 1_000, 1_000}, {10_000, 1_000, 10_000}, {100_000, 5_000, 1_000_000}} {
			if err := lists(*server, n, *span); err != nil {
				log.Fatal(err)
			}
		}
	}
}

var only string

func wanted(part string) bool { return only == "" || only == part }

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// line prints ours beside the limit.
func line(name string, ours figure, limitName string, limit figure, ratio float64, goal string) {
	if goal != "" {
		goal = " (goal " + goal + ")"
	}
	fmt.Printf("%-35s %8.0f /s, %.0f µs CPU; %s %.0f /s, %.0f µs CPU; ratio %.2f%s\n", name, ours.rate, us(ours.cpu), limitName, limit.rate, us(limit.cpu), ratio, goal)
}

// load says what else the machine does.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

func run(server string, people int, span time.Duration) error {
	data, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	open := func() (*process, error) {
		at := free()
		return start("http://"+at, "/-/health/ready/", server, "serve", "--data", filepath.Join(data, "house"), "--http", at, "--https", "127.0.0.1:0", "--log-terminal", "false")
	}
	fmt.Printf("load average at the start           %s\n", load())
	st, err := os.Stat(server)
	if err != nil {
		return err
	}
	fmt.Printf("size of gatehouse-server            %8.1f MiB\n", float64(st.Size())/(1<<20))
	p, err := open()
	if err != nil {
		return err
	}
	fmt.Printf("ready, empty folder                 %8d ms\n", p.took.Milliseconds())
	began := time.Now()
	for i := range people {
		if _, err := api(p.base, "POST", "core/users/", map[string]any{"username": fmt.Sprintf("user%05d", i), "name": "A Person"}); err != nil {
			return err
		}
	}
	fmt.Printf("users made through the API          %8.0f /s\n", float64(people)/time.Since(began).Seconds())
	app, err := addClient(p.base)
	if err != nil {
		return err
	}
	p.stop()
	var starts []string
	for range 5 {
		if p, err = open(); err != nil {
			return err
		}
		starts = append(starts, fmt.Sprint(p.took.Milliseconds()))
		p.stop()
	}
	fmt.Printf("ready, %d users, five times     %8s ms\n", people, strings.Join(starts, " "))
	if p, err = open(); err != nil {
		return err
	}
	defer p.stop()
	time.Sleep(3 * time.Second)
	rss, anon := p.memory()
	fmt.Printf("idle memory, %d users           %8.1f MiB resident, %.1f anonymous\n", people, rss, anon)

	at := free()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	base, err := start("http://"+at, "/", self, "--baseline", at)
	if err != nil {
		return err
	}
	defer base.stop()
	first, err := signing(span)
	if err != nil {
		return err
	}
	fmt.Printf("raw RSA-2048 signatures             %8.0f /s, %.0f µs CPU\n", first.rate, us(first.cpu))
	for _, what := range []struct{ name, path, goal string }{
		{"discovery", "/application/o/" + app.slug + "/.well-known/openid-configuration", "0.5 (0.3)"},
		{"JWKS", "/application/o/" + app.slug + "/jwks/", "0.5 (0.3)"},
		{"list of 20 users", "/api/v3/core/users/?page_size=20", ""},
	} {
		if !wanted("fixed") {
			break
		}
		empty, ours, err := beside(2, func() (figure, error) { return rate(base, "/", span) }, func() (figure, error) {
			return rate(p, what.path, span, "Authorization", "Bearer "+token)
		})
		if err != nil {
			return err
		}
		line(what.name, ours, "empty net/http", empty, ours.rate/empty.rate, what.goal)
	}

	const withPassword = 400
	if err := setPasswords(p.base, min(withPassword, people)); err != nil {
		return err
	}
	if err := signIns(p, base, app, min(withPassword, people), span); err != nil {
		return err
	}
	last, err := signing(span)
	if err != nil {
		return err
	}
	drift := math.Abs(last.rate/first.rate-1) * 100
	fmt.Printf("raw RSA-2048 signatures             %8.0f /s at the end, %.0f %% apart\n", last.rate, drift)
	rss, anon = p.memory()
	fmt.Printf("memory after the load               %8.1f MiB resident, %.1f anonymous\n", rss, anon)
	fmt.Printf("load average at the end             %s\n", load())
	if drift > 15 {
		return fmt.Errorf("the machine's speed changed by %.0f %% during the run: its figures don't count", drift)
	}
	return nil
}

// setPasswords gives the first people the password of the bench.
func setPasswords(base string, people int) error {
	out, err := api(base, "GET", fmt.Sprintf("core/users/?search=user0&ordering=username&page_size=%d", people), nil)
	if err != nil {
		return err
	}
	todo := make(chan string, people)
	for _, u := range out["results"].([]any) {
		todo <- fmt.Sprintf("core/users/%.0f/set_password/", u.(map[string]any)["pk"].(float64))
	}
	close(todo)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bad error
	for range 4 {
		wg.Go(func() {
			for path := range todo {
				if _, err := api(base, "POST", path, map[string]any{"password": password}); err != nil {
					mu.Lock()
					bad = err
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return bad
}
