package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the rows of the bench are written past the server, a million through the API would take an hour
)

// sizes say how much a house holds.
type sizes struct{ users, groups, events int }

// lists measures list pages and statistics in a house of its own.
func lists(server string, n sizes, span time.Duration) error {
	data, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	open := func() (*process, error) {
		at := free()
		return start("http://"+at, "/-/health/ready/", server, "serve", "--data", data, "--http", at, "--https", "127.0.0.1:0", "--log-terminal", "false")
	}
	p, err := open()
	if err != nil {
		return err
	}
	p.stop()
	began := time.Now()
	if err := fill(data, n); err != nil {
		return err
	}
	fmt.Printf("\n%d users, %d groups, %d events (written in %.0f s)\n", n.users, n.groups, n.events, time.Since(began).Seconds())
	if p, err = open(); err != nil {
		return err
	}
	defer p.stop()
	fmt.Printf("ready                               %8d ms\n", p.took.Milliseconds())
	d := newDevice(p.base, 0)
	defer d.close()
	last := (n.users + 99) / 100
	for _, q := range []struct{ name, path, goal string }{
		{"users, first page with groups", "core/users/?page_size=100", "p50 3 (4) ms, p99 10 (25)"},
		{"users, first page without groups", "core/users/?page_size=100&include_groups=false", "p50 1.5 (2) ms, p99 5 (12.5)"},
		{"users, last page", fmt.Sprintf("core/users/?page_size=100&page=%d", last), "15 ms"},
		{"users, search with few hits", fmt.Sprintf("core/users/?page_size=100&search=person%05d", n.users/2), "3 ms"},
		{"users, search with many hits", "core/users/?page_size=100&search=hopper", "25 ms"},
		{"users, filter", "core/users/?page_size=100&is_active=false", ""},
		{"users, one by name", fmt.Sprintf("core/users/?username=person%06d", n.users/3), ""},
		{"groups without users", "core/groups/?page_size=100&include_users=false", ""},
		{"groups with users", "core/groups/?page_size=100", ""},
		{"events, newest", "events/events/?page_size=100&ordering=-created", "3 (5) ms"},
		{"events by action", "events/events/?page_size=100&ordering=-created&action=login_failed", "3 (8) ms"},
		{"events by user", "events/events/?page_size=100&ordering=-created&username=person000007", "3 (8) ms"},
		{"events, half way down", fmt.Sprintf("events/events/?page_size=100&page=%d", max(n.events/200, 1)), "10 (50) ms"},
		{"events per month", "events/events/per_month/?action=login", "50 ms"},
		{"events, volume", "events/events/volume/", "50 ms"},
		{"events, volume of an action", "events/events/volume/?action=login", "50 ms"},
		{"events, top per user", "events/events/top_per_user/?top_n=15&action=authorize_application", "50 ms"},
	} {
		if n.events == 0 && strings.HasPrefix(q.name, "events") {
			continue
		}
		m, err := waits(d, q.path, span)
		if err != nil {
			return err
		}
		fmt.Printf("%-35s p50 %6.2f ms, p99 %6.2f ms, %d times", q.name, ms(m[len(m)/2]), ms(m[len(m)*99/100]), len(m))
		if q.goal != "" {
			fmt.Printf(" (goal %s)", q.goal)
		}
		fmt.Println()
	}
	writers := make([]*device, few)
	for i := range writers {
		writers[i] = newDevice(p.base, i)
		defer writers[i].close()
	}
	var made atomic.Int64
	f, err := storm(p, few, span, func(w, _ int) error {
		body := fmt.Sprintf(`{"username":"made%07d","name":"A Person"}`, made.Add(1))
		_, _, err := writers[w].ask("POST", "/api/v3/core/users/", "application/json", body, "Authorization", "Bearer "+token)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("%-35s %8.0f /s, %.0f µs CPU (goal 2,000 (1,000) /s, each durable, none refused as busy)\n", "users made by 16 clients", f.rate, us(f.cpu))
	rss, anon := p.memory()
	fmt.Printf("%-35s %8.1f MiB resident, %.1f anonymous (goal under 150)\n", "memory", rss, anon)
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// waits asks one client's question again and again, and gives how long each answer took, shortest first.
func waits(d *device, path string, span time.Duration) ([]time.Duration, error) {
	var out []time.Duration
	for began := time.Now(); time.Since(began) < span || len(out) < 10; {
		at := time.Now()
		_, b, err := d.ask("GET", "/api/v3/"+path, "", "", "Authorization", "Bearer "+token)
		if err != nil {
			return nil, err
		}
		out = append(out, time.Since(at))
		if len(out) == 1 && !json.Valid(b) {
			return nil, fmt.Errorf("%s: no JSON", path)
		}
	}
	slices.Sort(out)
	return out, nil
}

// fill writes people, groups and events into a database that no server has open.
func fill(data string, n sizes) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "gatehouse.db")+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit there is nothing to undo
	var fault error
	do := func(stmt *sql.Stmt, args ...any) {
		if fault == nil {
			_, fault = stmt.Exec(args...)
		}
	}
	prepare := func(text string) *sql.Stmt {
		s, err := tx.Prepare(text)
		if err != nil && fault == nil {
			fault = err
		}
		return s
	}
	now := time.Now()
	id := func(kind, i int) string { return fmt.Sprintf("%08x-0000-7000-8000-%012x", kind, i) }
	last := []string{"Hopper", "Lovelace", "Hamilton", "Johnson", "Liskov", "Noether", "Curie", "Meitner", "Franklin", "Goldberg", "Lamarr", "Bartik", "Perlman", "Wing", "Allen", "Sammet", "Holberton", "Keller", "Spärck", "Borg"}
	person := prepare(`INSERT INTO users (pk, username, name, is_active, email, attributes, path, type, uuid, password, date_joined) VALUES (?, ?, ?, ?, ?, '{}', 'users', 'internal', ?, '!', ?)`)
	group := prepare(`INSERT INTO usergroups (pk, num_pk, name, is_superuser, attributes) VALUES (?, ?, ?, 0, '{}')`)
	member := prepare(`INSERT OR IGNORE INTO memberships ("user", "group") VALUES (?, ?)`)
	happened := prepare(`INSERT INTO events (pk, "user", action, app, context, client_ip, created, expires, brand, user_pk, authorized_app) VALUES (?, ?, ?, 'authentik.events', ?, ?, ?, ?, '{}', ?, ?)`)
	if fault != nil {
		return fault
	}
	const base = 1000 // above the numbers that are taken
	for i := range n.users {
		active := 1
		if i%50 == 0 {
			active = 0
		}
		do(person, base+i, fmt.Sprintf("person%06d", i), fmt.Sprintf("Person %d %s", i, last[i%len(last)]), active, fmt.Sprintf("person%06d@office.lan", i), id(1, i), now.UnixMicro())
	}
	for i := range n.groups {
		do(group, id(2, i), base+i, fmt.Sprintf("Group %05d", i))
	}
	if n.groups > 0 {
		for i := range n.users {
			for k := range 3 {
				do(member, base+i, id(2, (i*7+k*131)%n.groups))
			}
		}
	}
	actions := []string{"login", "login", "login", "authorize_application", "authorize_application", "model_updated", "login_failed", "logout", "user_write", "model_created"}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range n.events {
		who := rnd.IntN(max(n.users, 1))
		name, _ := json.Marshal(map[string]any{"pk": base + who, "username": fmt.Sprintf("person%06d", who), "email": ""}) // plain values
		at := now.Add(-time.Duration(n.events-i) * 60 * 24 * time.Hour / time.Duration(n.events))
		action, context, app := actions[i%len(actions)], `{"http_request":{"path":"/","method":"GET","args":{}}}`, any(nil)
		if action == "authorize_application" {
			pk := id(3, rnd.IntN(20))
			app = pk
			context = fmt.Sprintf(`{"authorized_application":{"pk":%q,"name":"App","app":"authentik_core","model_name":"application"},"flow":"","scopes":"openid"}`, pk)
		}
		do(happened, id(4, i), string(name), action, context, "192.0.2.7", at.UnixMicro(), now.Add(365*24*time.Hour).UnixMicro(), base+who, app)
	}
	if fault != nil {
		return fault
	}
	return tx.Commit()
}
