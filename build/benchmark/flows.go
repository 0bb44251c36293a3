package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pquerna/otp/totp"
)

// flows measures the executor in a house of its own: its answers while fifty people sign in, plans, sign-ins with and without a one-time
// password, and what flows that nobody finishes leave behind.
func flows(server string, span time.Duration) error {
	const people = 1000
	data, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	at := free()
	p, err := start("http://"+at, "/-/health/ready/", server, "serve", "--data", data, "--http", at, "--https", "127.0.0.1:0", "--log-terminal", "false")
	if err != nil {
		return err
	}
	defer p.stop()
	for i := range people {
		if _, err := api(p.base, "POST", "core/users/", map[string]any{"username": fmt.Sprintf("user%05d", i), "name": "A Person"}); err != nil {
			return err
		}
	}
	if err := setPasswords(p.base, people); err != nil {
		return err
	}
	fmt.Printf("\nflows, %d people\n", people)
	if err := fifty(p, people, span); err != nil {
		return err
	}
	planning, err := plans(p, span)
	if err != nil {
		return err
	}
	fmt.Printf("%-35s %8.0f /s, %.0f µs CPU, each stored with a session of its own\n", "plans", planning.rate, us(planning.cpu))
	if err := factors(p, people, span); err != nil {
		return err
	}
	return abandoned(p, data)
}

// fifty are sign-ins from fifty devices at once, and how long each answer of the executor takes.
func fifty(p *process, people int, span time.Duration) error {
	const devices = 50
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	ds := make([]*device, devices)
	for i := range ds {
		ds[i] = newDevice(p.base, i)
		defer ds[i].close()
	}
	f, err := storm(p, devices, 2*span, func(w, turn int) error {
		d := ds[w]
		d.forget()
		return d.walk(fmt.Sprintf("user%05d", (turn*devices+w)%people), func(step string, t time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			took[step] = append(took[step], t)
		}, nil)
	})
	if err != nil {
		return err
	}
	fmt.Printf("%-35s %8.0f /s, %.0f µs CPU\n", "sign-ins from fifty devices", f.rate, us(f.cpu))
	for _, step := range []string{"GET", "identification", "password"} {
		m := took[step]
		slices.Sort(m)
		fmt.Printf("  executor, %-23s p50 %7.2f ms, p99 %7.2f ms, %d times\n", step, ms(m[len(m)/2]), ms(m[len(m)*99/100]), len(m))
	}
	return nil
}

// walk signs somebody in through the executor and tells how long each answer took, the redirect that the executor answers a POST with
// included. code gives the one-time password when one is asked for.
func (d *device) walk(username string, tell func(step string, took time.Duration), code func() (string, error)) error {
	const path = "/api/v3/flows/executor/default-authentication-flow/?query="
	method, body, step := "GET", "", "GET"
	for range 6 {
		began := time.Now()
		res, b, err := d.ask(method, path, "application/json", body)
		for i := 0; err == nil && res.StatusCode == http.StatusFound && i < 10; i++ {
			res, b, err = d.ask("GET", res.Location, "", "")
		}
		if err != nil {
			return err
		}
		tell(step, time.Since(began))
		component, _, _ := strings.Cut(after(string(b), `"component":"`), `"`)
		method = "POST"
		switch component {
		case "ak-stage-identification":
			body, step = `{"uid_field":"`+username+`"}`, "identification"
		case "ak-stage-password":
			body, step = `{"password":"`+password+`"}`, "password"
		case "ak-stage-authenticator-validate":
			if code == nil {
				return fmt.Errorf("sign-in of %s: a code is asked for", username)
			}
			c, err := code()
			if err != nil {
				return err
			}
			body, step = `{"code":"`+c+`"}`, "code"
		case "xak-flow-redirect":
			return nil
		default:
			return fmt.Errorf("sign-in of %s: %s", username, b)
		}
	}
	return errors.New("the flow does not end")
}

// after gives what follows the first place of a text, "" when it is not there. It stands for a parser where the client has to be light.
func after(s, what string) string {
	_, rest, _ := strings.Cut(s, what)
	return rest
}

// plans are flows that somebody begins: each is planned anew and stored.
func plans(p *process, span time.Duration) (figure, error) {
	ds := make([]*device, few*10) // one address may hold two hundred
	for i := range ds {
		ds[i] = newDevice(p.base, i)
		defer ds[i].close()
	}
	return storm(p, few, span, func(w, turn int) error {
		d := ds[w*10+turn%10]
		d.forget()
		_, _, err := d.ask("GET", "/api/v3/flows/executor/default-authentication-flow/?query=", "", "")
		return err
	})
}

// factors are sign-ins with a password, and with a password and a one-time password, beside raw hashes.
func factors(p *process, people int, span time.Duration) error {
	secrets := make([]string, people)
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bad error
	for range 4 {
		wg.Go(func() {
			d := newDevice(p.base, 900)
			defer d.close()
			for {
				n := int(next.Add(1)) - 1
				if n >= people {
					return
				}
				secret, err := d.enrol(fmt.Sprintf("user%05d", n), n)
				if err != nil {
					mu.Lock()
					bad = err
					mu.Unlock()
					return
				}
				secrets[n] = secret
			}
		})
	}
	ds := make([]*device, few)
	for i := range ds {
		ds[i] = newDevice(p.base, i)
		defer ds[i].close()
	}
	wg.Wait()
	if bad != nil {
		return bad
	}
	// The code of the step in which somebody enrolled is used up.
	time.Sleep(time.Until(time.Now().Truncate(30 * time.Second).Add(31 * time.Second)))
	const rounds = 4
	each := people/(2*rounds) - 2*few // counted of a round: beside runs ours twice in each of four
	next.Store(0)
	hash, ours, err := beside(rounds, func() (figure, error) { return hashing(span / 2) }, func() (figure, error) {
		first := int(next.Load())
		codes := make([]string, each+2*few) // what people read off their phones costs the server nothing
		for i := range codes {
			var err error
			if codes[i], err = totp.GenerateCode(secrets[first+i], time.Now()); err != nil {
				return figure{}, err
			}
		}
		return p.steady(each, few, func(w, n int) error {
			ds[w].forget()
			return ds[w].walk(fmt.Sprintf("user%05d", n), func(string, time.Duration) {}, func() (string, error) { return codes[n-first], nil })
		}, func() int { return int(next.Add(1)) - 1 })
	})
	if err != nil {
		return err
	}
	line("sign-ins, password and code", ours, "raw argon2id", hash, ours.rate/hash.rate, "0.9 (0.85)")
	library, err := libraryHashing(span)
	if err != nil {
		return err
	}
	line("hashes as we make them, alone", hash, "as the library does", library, hash.rate/library.rate, "")
	return nil
}

// enrol signs somebody in and sets up an app for one-time passwords; it gives the app's secret.
func (d *device) enrol(username string, n int) (string, error) {
	d.forget()
	if err := d.walk(username, func(string, time.Duration) {}, nil); err != nil {
		return "", err
	}
	const path = "/api/v3/flows/executor/default-authenticator-totp-setup/?query="
	_, b, err := d.ask("GET", path, "", "")
	if err != nil {
		return "", err
	}
	var ask struct {
		Component string
		ConfigURL string `json:"config_url"`
	}
	if err := json.Unmarshal(b, &ask); err != nil {
		return "", err
	}
	u, err := url.Parse(ask.ConfigURL)
	if err != nil || u.Query().Get("secret") == "" {
		return "", fmt.Errorf("enrolment %d: %s", n, b)
	}
	secret := u.Query().Get("secret")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		return "", err
	}
	res, b, err := d.ask("POST", path, "application/json", `{"code":"`+code+`"}`)
	for i := 0; err == nil && res.StatusCode == http.StatusFound && i < 10; i++ {
		res, b, err = d.ask("GET", res.Location, "", "")
	}
	if err == nil && !bytes.Contains(b, []byte("xak-flow-redirect")) {
		err = fmt.Errorf("enrolment %d: %s", n, b)
	}
	return secret, err
}

// abandoned begins 100,000 flows that nobody goes on with, from five hundred addresses, lets them expire, and begins them again.
func abandoned(p *process, data string) error {
	const addresses, each = 500, 200 // as many as one address may hold
	const all = addresses * each
	house, err := sql.Open("sqlite", "file:"+filepath.Join(data, "gatehouse.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer house.Close()
	used := func() (n int64, err error) {
		var pages, free, size int64
		for q, v := range map[string]*int64{"page_count": &pages, "freelist_count": &free, "page_size": &size} {
			if err := house.QueryRow("PRAGMA " + q).Scan(v); err != nil {
				return 0, err
			}
		}
		return (pages - free) * size, nil
	}
	begin := func() error {
		var next atomic.Int64
		var mu sync.Mutex
		var wg sync.WaitGroup
		var bad error
		for range few {
			wg.Go(func() {
				for {
					a := int(next.Add(1)) - 1
					if a >= addresses {
						return
					}
					d := newDevice(p.base, 5000+a)
					for range each {
						d.forget()
						if _, _, err := d.ask("GET", "/api/v3/flows/executor/default-authentication-flow/?query=", "", ""); err != nil {
							mu.Lock()
							bad = err
							mu.Unlock()
							break
						}
					}
					d.close()
				}
			})
		}
		wg.Wait()
		return bad
	}
	expire := func() error {
		if _, err := house.Exec(`UPDATE sessions SET expires = 1 WHERE "user" IS NULL`); err != nil {
			return err
		}
		tasks, err := api(p.base, "GET", "events/system_tasks/?name=clean_expired_models&page_size=1", nil)
		if err != nil {
			return err
		}
		rows, _ := tasks["results"].([]any)
		if len(rows) == 0 {
			return errors.New("there is no task that cleans up")
		}
		if _, err := api(p.base, "POST", fmt.Sprintf("events/system_tasks/%v/run/", rows[0].(map[string]any)["uuid"]), map[string]any{}); err != nil {
			return err
		}
		for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			var n int
			if err := house.QueryRow(`SELECT count(*) FROM plans`).Scan(&n); err != nil {
				return err
			}
			if n == 0 {
				return nil
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%d plans are still there", n)
			}
		}
	}
	if err := expire(); err != nil {
		return err
	}
	none, err := used()
	if err != nil {
		return err
	}
	_, anon := p.memory()
	began := time.Now()
	if err := begin(); err != nil {
		return err
	}
	took := time.Since(began)
	open, err := used()
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	_, with := p.memory()
	fmt.Printf("%-35s %8.2f KiB in the database each (goal under 4), %.0f begun a second; process %.1f MiB anonymous before, %.1f with them\n", "100,000 abandoned flows", float64(open-none)/all/1024, all/took.Seconds(), anon, with)
	if err := expire(); err != nil {
		return err
	}
	gone, err := used()
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	_, after := p.memory()
	fmt.Printf("%-35s %8.1f KiB more in use than before them (goal none), process %.1f MiB anonymous\n", "  after they expired", float64(gone-none)/1024, after)
	st, err := os.Stat(filepath.Join(data, "gatehouse.db"))
	if err != nil {
		return err
	}
	if err := begin(); err != nil {
		return err
	}
	if err := expire(); err != nil {
		return err
	}
	again, err := os.Stat(filepath.Join(data, "gatehouse.db"))
	if err != nil {
		return err
	}
	_, last := p.memory()
	fmt.Printf("%-35s file %.1f MiB, %.1f MiB after the first; process %.1f MiB anonymous\n", "  another 100,000, expired", float64(again.Size())/(1<<20), float64(st.Size())/(1<<20), last)
	return nil
}
