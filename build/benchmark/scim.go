package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// scimClient sends to a SCIM source.
type scimClient struct {
	base, key string
	http      *http.Client
}

func (c *scimClient) ask(method, path string, body any) (id string, err error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, c.base+path, in)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/scim+json")
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, b)
	}
	var out struct{ ID string }
	if len(b) > 0 {
		err = json.Unmarshal(b, &out)
	}
	return out.ID, err
}

// source makes a SCIM source and gives its client.
func source(base, slug string) (*scimClient, error) {
	s, err := api(base, "POST", "sources/scim/", map[string]any{"name": slug, "slug": slug})
	if err != nil {
		return nil, err
	}
	key, err := api(base, "GET", "core/tokens/"+s["token_obj"].(map[string]any)["identifier"].(string)+"/view_key/", nil)
	if err != nil {
		return nil, err
	}
	return &scimClient{base + "/source/scim/" + slug + "/v2", key["key"].(string), &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}, nil
}

// each does something for n numbers, four at once.
func each(n int, do func(i int) error) error {
	todo := make(chan int)
	var all sync.WaitGroup
	var mu sync.Mutex
	var bad error
	for range 4 {
		all.Go(func() {
			for i := range todo {
				if err := do(i); err != nil {
					mu.Lock()
					bad = err
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		todo <- i
	}
	close(todo)
	all.Wait()
	return bad
}

func scimPerson(i int, more map[string]any) map[string]any {
	out := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}, "externalId": fmt.Sprintf("hr-%05d", i),
		"userName": fmt.Sprintf("person%05d", i), "name": map[string]any{"givenName": "Person", "familyName": fmt.Sprint(i)}, "displayName": fmt.Sprintf("Person %d", i), "active": true,
		"emails": []any{map[string]any{"value": fmt.Sprintf("person%05d@office.lan", i), "type": "work", "primary": true}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"employeeNumber": fmt.Sprint(i), "department": "Sales"},
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// provisioning measures SCIM in both directions: what a source takes in, and a whole sync of one house into another.
func provisioning(server string) error {
	const people, groups, size = 10_000, 500, 20
	data, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	open := func(name string) (*process, error) {
		at := free()
		return start("http://"+at, "/-/health/ready/", server, "serve", "--data", filepath.Join(data, name), "--http", at, "--https", "127.0.0.1:0", "--log-terminal", "false", "--outgoing-allow", "127.0.0.1")
	}
	p, err := open("first")
	if err != nil {
		return err
	}
	defer p.stop()
	c, err := source(p.base, "hr")
	if err != nil {
		return err
	}
	fmt.Printf("\nSCIM, %d people, load average %s\n", people, load())
	part := func(p *process, name, goal string, n int, do func() error) error {
		began, cpu := time.Now(), p.cpu()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		took, used := time.Since(began), p.cpu()-cpu
		rss, anon := p.memory()
		fmt.Printf("%-35s %8.2f s, %.0f /s, %.0f µs CPU each (goal %s); %.0f MiB resident, %.0f anonymous\n", name, took.Seconds(), float64(n)/took.Seconds(), us(used)/float64(n), goal, rss, anon)
		return nil
	}
	ids := make([]string, people)
	if err := part(p, "import, one request each", "5 s, 12 s at most", people, func() error {
		return each(people, func(i int) (err error) {
			ids[i], err = c.ask("POST", "/Users", scimPerson(i, nil))
			return err
		})
	}); err != nil {
		return err
	}
	if err := part(p, "second pass, nothing new", "8 s at most", people, func() error {
		return each(people, func(i int) error {
			_, err := c.ask("PUT", "/Users/"+ids[i], scimPerson(i, nil))
			return err
		})
	}); err != nil {
		return err
	}
	if err := part(p, "groups of 20", "3 s", groups, func() error {
		return each(groups, func(i int) error {
			members := make([]any, size)
			for n := range members {
				members[n] = map[string]any{"value": ids[(i*size+n)%people]}
			}
			_, err := c.ask("POST", "/Groups", map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": fmt.Sprintf("team %d", i), "members": members})
			return err
		})
	}); err != nil {
		return err
	}
	if err := part(p, "a hundred changed", "1 s", 100, func() error {
		return each(100, func(i int) error {
			_, err := c.ask("PUT", "/Users/"+ids[i*90], scimPerson(i*90, map[string]any{"title": "Head of something"}))
			return err
		})
	}); err != nil {
		return err
	}

	// The other way: this house keeps a second one in step.
	q, err := open("second")
	if err != nil {
		return err
	}
	defer q.stop()
	to, err := source(q.base, "first")
	if err != nil {
		return err
	}
	maps, err := api(p.base, "GET", "propertymappings/scim/?page_size=100", nil)
	if err != nil {
		return err
	}
	keys := map[string]string{}
	for _, v := range maps["results"].([]any) {
		m := v.(map[string]any)
		if name, ok := m["managed"].(string); ok {
			keys[name[strings.LastIndexByte(name, '/')+1:]] = m["pk"].(string)
		}
	}
	made, err := api(p.base, "POST", "providers/scim/", map[string]any{
		"name": "second", "url": to.base, "token": to.key, "exclude_users_service_account": true, "property_mappings": []string{keys["user"]}, "property_mappings_group": []string{keys["group"]},
	})
	if err != nil {
		return err
	}
	at := fmt.Sprintf("gatehouse/providers/scim/%.0f/", made["pk"])
	settled := func(before any) error {
		for range 6000 {
			s, err := api(p.base, "GET", at+"state/", nil)
			if err != nil {
				return err
			}
			if s["finished"] != nil && s["finished"] != before && s["running"] == false {
				return nil
			}
			time.Sleep(20 * time.Millisecond)
		}
		return fmt.Errorf("the sync does not end")
	}
	cpu := q.cpu()
	if err := part(p, "outgoing sync of everybody", "none", people+groups, func() error {
		if _, err := api(p.base, "POST", "core/applications/", map[string]any{"name": "second", "slug": "second", "backchannel_providers": []any{made["pk"]}}); err != nil {
			return err
		}
		return settled(nil)
	}); err != nil {
		return err
	}
	rss, anon := q.memory()
	fmt.Printf("%-35s %.0f µs CPU each; %.0f MiB resident, %.0f anonymous\n", "  the other house meanwhile", us(q.cpu()-cpu)/float64(people+groups), rss, anon)
	s, err := api(p.base, "GET", at+"state/", nil)
	if err != nil {
		return err
	}
	if err := part(p, "outgoing sync, all in step", "none", people+groups, func() error {
		if _, err := api(p.base, "POST", at+"sync/", map[string]any{}); err != nil {
			return err
		}
		return settled(s["finished"])
	}); err != nil {
		return err
	}
	fmt.Printf("load average at the end             %s\n", load())
	return nil
}
