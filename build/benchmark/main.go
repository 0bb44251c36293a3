// Package main measures Gatehouse as performance.md asks: ratios within one run, the baseline beside ours, CPU beside wall time.
//
//	benchmark --server build/bin/gatehouse-server     prints a table; run it through ./build/bench
package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const token = "bench-token-0123456789abcdefghijklmnop"

func main() {
	server := flag.String("server", "build/bin/gatehouse-server", "the program")
	empty := flag.String("empty", "", "serve empty answers at this address instead (the baseline)")
	span := flag.Duration("for", 2*time.Second, "length of one measurement")
	flag.Parse()
	if *empty != "" {
		log.Fatal(http.ListenAndServe(*empty, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })))
	}
	if err := run(*server, *span); err != nil {
		log.Fatal(err)
	}
}

// process is a server that is measured.
type process struct {
	cmd  *exec.Cmd
	base string
	took time.Duration // until it was ready
}

func start(base string, ready string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), base: base}
	p.cmd.Env = append(os.Environ(), "GATEHOUSE_BOOTSTRAP_PASSWORD=bench-password-1", "GATEHOUSE_BOOTSTRAP_TOKEN="+token)
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 30*time.Second {
		res, err := http.Get(base + ready)
		if err == nil {
			_ = res.Body.Close() // nothing in it
			if res.StatusCode < 300 {
				p.took = time.Since(began)
				return p, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return nil, fmt.Errorf("%s did not get ready", name)
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may be gone
	_ = p.cmd.Wait()
}

// cpu gives the processor time that the process took.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memory gives resident and anonymous memory in MiB.
func (p *process) memory() (rss, anon float64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			rss = kb / 1024
		case "RssAnon:":
			anon = kb / 1024
		}
	}
	return rss, anon
}

// rate asks as often as 16 connections can for a time.
func rate(p *process, path string, span time.Duration, header ...string) (perSecond float64, cpu time.Duration, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, MaxConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	ctx, stop := context.WithTimeout(context.Background(), span)
	defer stop()
	var n atomic.Int64
	var bad atomic.Pointer[string]
	var wg sync.WaitGroup
	before, began := p.cpu(), time.Now()
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, "GET", p.base+path, nil)
				if err != nil {
					return
				}
				for i := 0; i+1 < len(header); i += 2 {
					req.Header.Set(header[i], header[i+1])
				}
				res, err := client.Do(req)
				if err != nil {
					continue // the time is over
				}
				_, _ = io.Copy(io.Discard, res.Body) // read so that the connection is used again
				_ = res.Body.Close()
				if res.StatusCode != 200 {
					s := path + ": " + res.Status
					bad.Store(&s)
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	if s := bad.Load(); s != nil {
		return 0, 0, fmt.Errorf("%s", *s)
	}
	took := time.Since(began)
	return float64(n.Load()) / took.Seconds(), (p.cpu() - before) / time.Duration(max(n.Load(), 1)), nil
}

func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func api(base, method, path string, body any) (map[string]any, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(method, base+"/api/v3/"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s %v %v", method, path, res.Status, out, err)
	}
	return out, nil
}

func run(server string, span time.Duration) error {
	data, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	open := func() (*process, error) {
		at := free()
		return start("http://"+at, "/-/health/ready/", server, "serve", "--data", filepath.Join(data, "house"), "--http", at, "--https", "127.0.0.1:0", "--log-terminal", "false")
	}
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
	const people = 10_000
	for i := range people {
		if _, err := api(p.base, "POST", "core/users/", map[string]any{"username": fmt.Sprintf("user%05d", i), "name": "A Person"}); err != nil {
			return err
		}
	}
	fmt.Printf("users made through the API          %8.0f /s\n", people/time.Since(began).Seconds())
	app, err := api(p.base, "POST", "gatehouse/applications/", map[string]any{"name": "Wiki", "redirect_uris": "https://wiki.example/cb", "access": "everyone"})
	if err != nil {
		return err
	}
	slug := app["application"].(map[string]any)["slug"].(string)
	p.stop()
	var starts []string
	for range 5 {
		if p, err = open(); err != nil {
			return err
		}
		starts = append(starts, fmt.Sprint(p.took.Milliseconds()))
		p.stop()
	}
	fmt.Printf("ready, 10,000 users, five times     %8s ms\n", strings.Join(starts, " "))
	if p, err = open(); err != nil {
		return err
	}
	defer p.stop()
	time.Sleep(3 * time.Second)
	rss, anon := p.memory()
	fmt.Printf("idle memory, 10,000 users           %8.1f MiB resident, %.1f anonymous\n", rss, anon)

	at := free()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	base, err := start("http://"+at, "/", self, "--empty", at)
	if err != nil {
		return err
	}
	defer base.stop()
	sign, err := signing()
	if err != nil {
		return err
	}
	fmt.Printf("raw RSA-2048 signature              %8.0f µs CPU\n", float64(sign.Nanoseconds())/1e3)
	for _, what := range []struct{ name, path string }{
		{"discovery", "/application/o/" + slug + "/.well-known/openid-configuration"},
		{"JWKS", "/application/o/" + slug + "/jwks/"},
		{"list of 20 users", "/api/v3/core/users/?page_size=20"},
	} {
		var ours, theirs, oursCPU, theirsCPU float64
		for range 3 { // interleaved
			a, ac, err := rate(base, "/", span)
			if err != nil {
				return err
			}
			b, bc, err := rate(p, what.path, span, "Authorization", "Bearer "+token)
			if err != nil {
				return err
			}
			theirs, ours, theirsCPU, oursCPU = theirs+a/3, ours+b/3, theirsCPU+float64(ac.Nanoseconds())/3e3, oursCPU+float64(bc.Nanoseconds())/3e3
		}
		fmt.Printf("%-35s %8.0f /s, %.0f µs CPU; empty net/http %.0f /s, %.0f µs CPU; ratio %.2f\n", what.name, ours, oursCPU, theirs, theirsCPU, ours/theirs)
	}
	rss, anon = p.memory()
	fmt.Printf("memory after the load               %8.1f MiB resident, %.1f anonymous\n", rss, anon)
	return nil
}

// signing measures one RSA-2048 signature on one core.
func signing() (time.Duration, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256([]byte("bench"))
	const n = 500
	began := time.Now()
	for range n {
		if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / n, nil
}
